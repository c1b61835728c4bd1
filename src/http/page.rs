//! Pages of lists: keyset cursors, and numbered pages within a bound.

use super::cursor::{Key, Position};
use crate::{
    app::App,
    db::Id,
    error::{Error, Result},
};
use actix_web::HttpRequest;
use serde::Serialize;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ArrayBuilder, ObjectBuilder, Ref, RefOr, Schema},
};

/// Items that numbered pages reach.
const DEEPEST: u64 = 10_000;
/// Bytes of a `Link` header. Filters can be longer; the cursor stands in the body all the same.
const MAX_LINKS: usize = 8000;

/// A list's parameters that say which part of it is asked for.
pub trait PageParams {
    fn page_params(&self) -> Asked<'_>;
}

/// What the client said of the page it wants.
pub struct Asked<'a> {
    pub limit: Option<u32>,
    pub cursor: Option<&'a str>,
    pub page: Option<u32>,
    pub count: bool,
}

/// A list with its filters and order: what a cursor is good for, and where its other pages are.
#[derive(Clone)]
pub struct Scope {
    path: String,
    /// The path with what varies in it left open: an article's threads go on at its id as at its slug.
    pattern: String,
    pairs: Vec<(String, String)>,
}

impl Scope {
    pub fn of(request: &HttpRequest) -> Self {
        let pairs = form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
        let path = request.path().to_owned();
        Self { pattern: request.match_pattern().unwrap_or_else(|| path.clone()), path, pairs }
    }

    /// The pattern and all that decides which rows there are and in which order.
    fn name(&self) -> String {
        let shows_only = ["cursor", "page", "limit", "count", "fields", "include"];
        let mut pairs: Vec<_> = self.pairs.iter().filter(|(name, _)| !shows_only.contains(&name.as_str())).collect();
        pairs.sort_unstable();
        format!("{}?{}", self.pattern, form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish())
    }

    /// The same address with another value of a parameter.
    pub(super) fn with(&self, parameter: &str, value: &str) -> String {
        let kept = self.pairs.iter().filter(|(name, _)| name != parameter);
        let query =
            form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).append_pair(parameter, value).finish();
        format!("{}?{query}", self.path)
    }

    /// The address of another page of this list.
    fn url(&self, page: Option<(&str, &str)>) -> String {
        let kept = self.pairs.iter().filter(|(name, _)| name != "cursor" && name != "page");
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).extend_pairs(page).finish();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }
}

/// The part of a list that is asked for.
pub struct Window {
    pub limit: i64,
    pub offset: i64,
    pub after: Option<Position>,
    /// Whether the total is asked for.
    pub count: bool,
    page: Option<u32>,
    scope: Scope,
    scope_name: String,
}

impl Window {
    pub(super) fn of(asked: Asked<'_>, scope: &Scope, app: &App) -> Result<Self> {
        let limit = asked.limit.unwrap_or(20);
        if !(1..=100).contains(&limit) {
            return Err(Error::parameter("limit", "out_of_range", "it is between 1 and 100"));
        }
        let page = asked.page.unwrap_or(1);
        if asked.page.is_some() && asked.cursor.is_some() {
            return Err(Error::parameter("page", "conflict", "give either a page or a cursor"));
        }
        if page == 0 || u64::from(page) * u64::from(limit) > DEEPEST {
            let last = DEEPEST / u64::from(limit);
            return Err(Error::parameter(
                "page",
                "out_of_range",
                format!("it is between 1 and {last} here; go deeper with a cursor"),
            ));
        }
        let scope_name = scope.name();
        Ok(Self {
            limit: limit.into(),
            offset: i64::from((page - 1) * limit),
            after: asked.cursor.map(|cursor| app.cursors.read(&scope_name, cursor)).transpose()?,
            count: asked.count,
            page: asked.page,
            scope: scope.clone(),
            scope_name,
        })
    }

    /// Whether a numbered page is asked for, which has its place among the others.
    pub fn is_numbered(&self) -> bool {
        self.page.is_some()
    }

    /// The first part of a list that stands inside another resource, and goes on at a path of this pattern.
    pub fn first(pattern: &str, limit: i64) -> Self {
        let scope = Scope { path: pattern.to_owned(), pattern: pattern.to_owned(), pairs: Vec::new() };
        Self { limit, offset: 0, after: None, count: false, page: None, scope_name: scope.name(), scope }
    }

    /// Where the page begins, for rows ordered by a number. The kind of key is signed with the cursor's scope.
    pub fn after_number(&self) -> Option<(i64, Id)> {
        match &self.after {
            Some(Position { key: Key::Number(number), id }) => Some((*number, *id)),
            _ => None,
        }
    }

    /// The same for rows ordered by a text.
    pub fn after_text(&self) -> Option<(String, Id)> {
        match &self.after {
            Some(Position { key: Key::Text(text), id }) => Some((text.clone(), *id)),
            _ => None,
        }
    }

    /// The cursor of the next page.
    pub fn cursor(&self, app: &App, next: Option<&Position>) -> Option<String> {
        next.map(|position| app.cursors.write(&self.scope_name, position))
    }

    /// The `Link` header (RFC 8288); none where proxies would refuse it for its length.
    pub fn links(&self, next_cursor: Option<&str>) -> Option<String> {
        let link = |rel: &str, page: Option<(&str, &str)>| format!("<{}>; rel=\"{rel}\"", self.scope.url(page));
        let mut links = vec![link("first", None)];
        if let Some(page) = self.page {
            if page > 1 {
                links.push(link("prev", Some(("page", &(page - 1).to_string()))));
            }
            if next_cursor.is_some() {
                links.push(link("next", Some(("page", &(page + 1).to_string()))));
            }
        } else if let Some(cursor) = next_cursor {
            links.push(link("next", Some(("cursor", cursor))));
        }
        Some(links.join(", ")).filter(|links| links.len() <= MAX_LINKS)
    }
}

/// Rows of a list, and where it goes on.
pub struct Page<T> {
    pub rows: Vec<T>,
    pub next: Option<Position>,
    pub total: Option<i64>,
}

impl<T> Page<T> {
    /// Makes a page of `limit + 1` rows: the one too many says that there are more.
    pub fn cut(window: &Window, mut rows: Vec<T>, position: impl Fn(&T) -> Position) -> Self {
        let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        Self { next: rows.last().filter(|_| more).map(position), rows, total: None }
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(f).collect(), next: self.next, total: self.total }
    }
}

/// Orders a boxed query by a column and the id, and begins it behind the window's position.
///
/// `a <= x AND (a < x OR id < y)` instead of `a < x OR (a = x AND id < y)`: the first half is a range of the index.
macro_rules! keyset {
    ($query:expr, $window:expr, $descending:expr, $column:expr, $id:expr, $after:expr) => {{
        let mut query = $query;
        let after = $after($window);
        query = match ($descending, after) {
            (true, None) => query.order(($column.desc(), $id.desc())),
            (false, None) => query.order(($column.asc(), $id.asc())),
            (true, Some((key, id))) => query
                .filter($column.le(key.clone()).and($column.lt(key).or($id.lt(id))))
                .order(($column.desc(), $id.desc())),
            (false, Some((key, id))) => query
                .filter($column.ge(key.clone()).and($column.gt(key).or($id.gt(id))))
                .order(($column.asc(), $id.asc())),
        };
        query.limit($window.limit + 1).offset($window.offset)
    }};
}
pub(crate) use keyset;

/// Where a list goes on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PageInfo {
    /// Give it as `cursor` to get the next page; `null` on the last one.
    #[schema(max_length = 2800, pattern = "^[A-Za-z0-9_-]*$")]
    pub next_cursor: Option<String>,
    /// How many there are in all; only with `count=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64, nullable = false)]
    pub total: Option<i64>,
}

/// A page as it is sent: `{"data": […], "page": {…}}`.
#[derive(Debug, Clone, Serialize)]
pub struct ListOf<T> {
    pub data: Vec<T>,
    pub page: PageInfo,
}

impl<T: ToSchema> PartialSchema for ListOf<T> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("One page of a list."))
            .property("data", ArrayBuilder::new().items(Ref::from_schema_name(T::name())).max_items(Some(100)))
            .property("page", Ref::from_schema_name(PageInfo::name()))
            .required("data")
            .required("page")
            .into()
    }
}

impl<T: ToSchema> ToSchema for ListOf<T> {
    fn name() -> Cow<'static, str> {
        format!("{}List", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into(), T::schema()));
        T::schemas(schemas);
        schemas.push((PageInfo::name().into(), PageInfo::schema()));
    }
}
