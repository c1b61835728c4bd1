//! Lists of articles: what may be asked of them, once, whatever view is read.

use super::{
    found::{self, Found},
    model::Row,
    queries::{Eyes, as_seen_by, desk, visible},
    write::{ArticleParams, ArticleSort},
};
use crate::{
    auth::Actor,
    db::{Conn, Id},
    error::Result,
    http::{List, Page, Window, cursor::Position, page::keyset},
    permissions::EditAnyArticle,
    schema::{
        authors, published_search, revision_authors, revision_tags, sections, staff_search, tags, working_articles,
    },
    search::Wanted,
    slugs::{self, Kind},
    values::{Ref, Slug},
};
use diesel::{dsl::case_when, prelude::*};

/// Conditions with the references in them looked up.
pub(super) struct Conditions<'a> {
    pub params: &'a ArticleParams,
    pub any_tag: Option<Vec<Id>>,
    pub all_tags: Vec<Id>,
    pub any_author: Option<Vec<Id>>,
    pub any_section: Option<Vec<Id>>,
}

impl<'a> Conditions<'a> {
    /// `None` where a condition names nothing that exists, so that nothing can meet it.
    pub(super) fn look_up(conn: &mut Conn, params: &'a ArticleParams) -> Result<Option<Self>> {
        let any_tag = params.tag.as_ref().map(|list| tag_ids(conn, list)).transpose()?;
        let mut all_tags = Vec::new();
        // One by one: the same tag may go by several names, and each must be one.
        for reference in params.tag_all.iter().flat_map(|list| &list.0) {
            match tag_ids(conn, &List(vec![reference.clone()]))?.as_slice() {
                [] => return Ok(None),
                ids => all_tags.extend(ids),
            }
        }
        all_tags.sort_unstable();
        all_tags.dedup();
        let any_author = params.author.as_ref().map(|list| author_ids(conn, list)).transpose()?;
        let any_section = params.section.as_ref().map(|list| section_ids(conn, list)).transpose()?;
        let nothing = |ids: &Option<Vec<Id>>| ids.as_ref().is_some_and(Vec::is_empty);
        if nothing(&any_tag) || nothing(&any_author) || nothing(&any_section) {
            return Ok(None);
        }
        Ok(Some(Self { params, any_tag, all_tags, any_author, any_section }))
    }
}

/// What two views with the same columns are asked alike.
macro_rules! questions {
    ($name:ident, $view:ident) => {
        pub mod $name {
            use super::*;
            use crate::schema::$view as v;

            pub type Query<'a> = v::BoxedQuery<'a, crate::db::MultiBackend>;

            pub(in crate::articles) fn filtered<'a>(mut query: Query<'a>, c: &Conditions<'a>) -> Query<'a> {
                if let Some(ids) = &c.any_tag {
                    let tagged = revision_tags::table
                        .filter(revision_tags::tag_id.eq_any(ids.clone()))
                        .select(revision_tags::revision_id);
                    query = query.filter(v::revision_id.eq_any(tagged));
                }
                for id in &c.all_tags {
                    let tagged =
                        revision_tags::table.filter(revision_tags::tag_id.eq(*id)).select(revision_tags::revision_id);
                    query = query.filter(v::revision_id.eq_any(tagged));
                }
                if let Some(ids) = &c.any_author {
                    let signed = revision_authors::table
                        .filter(revision_authors::author_id.eq_any(ids.clone()))
                        .select(revision_authors::revision_id);
                    query = query.filter(v::revision_id.eq_any(signed));
                }
                if let Some(ids) = &c.any_section {
                    query = query.filter(v::section_id.eq_any(ids.iter().copied().map(Some).collect::<Vec<_>>()));
                }
                let p = c.params;
                if let Some(statuses) = &p.status {
                    query = query.filter(v::status.eq_any(statuses.0.clone()));
                }
                if let Some(reviews) = &p.review {
                    query = query.filter(v::review.eq_any(reviews.iter().copied().map(Some).collect::<Vec<_>>()));
                }
                if let Some(featured) = p.featured {
                    query = query.filter(v::featured.eq(featured));
                }
                if let Some(visibilities) = &p.visibility {
                    query = query.filter(v::visibility.eq_any(visibilities.0.clone()));
                }
                if let Some(language) = &p.language {
                    query = query.filter(v::language.eq(language.clone()));
                }
                if let Some(after) = p.published_after {
                    query = query.filter(v::published_at.ge(after));
                }
                if let Some(before) = p.published_before {
                    query = query.filter(v::published_at.lt(before));
                }
                query
            }

            /// What has what was looked for.
            pub(super) fn holding<'a>(query: Query<'a>, found: &Found) -> Query<'a> {
                let public = published_search::table.filter(found.public.clone()).select(published_search::revision_id);
                match &found.staff {
                    None => query.filter(v::revision_id.nullable().eq_any(public)),
                    Some(staff) => {
                        let staff = staff_search::table.filter(staff.clone()).select(staff_search::revision_id);
                        let revision = v::revision_id.nullable();
                        query.filter(revision.eq_any(public).or(revision.eq_any(staff)))
                    }
                }
            }

            pub(super) fn page(
                conn: &mut Conn,
                query: Query<'_>,
                sort: ArticleSort,
                window: &Window,
            ) -> Result<Page<Row>> {
                use ArticleSort as S;
                let down = matches!(
                    sort,
                    S::PublishedAtDown | S::UpdatedAtDown | S::CreatedAtDown | S::TitleDown | S::CommentCountDown
                );
                Ok(match sort {
                    S::PublishedAt | S::PublishedAtDown => {
                        let rows =
                            keyset!(query, window, down, v::ordered_at, v::id, Window::after_number).load(conn)?;
                        Page::cut(window, rows, |row: &Row| Position::new(row.ordered_at, row.id))
                    }
                    S::UpdatedAt | S::UpdatedAtDown => {
                        let rows =
                            keyset!(query, window, down, v::updated_at, v::id, Window::after_number).load(conn)?;
                        Page::cut(window, rows, |row: &Row| Position::new(row.updated_at.micros(), row.id))
                    }
                    S::CreatedAt | S::CreatedAtDown => {
                        let rows =
                            keyset!(query, window, down, v::created_at, v::id, Window::after_number).load(conn)?;
                        Page::cut(window, rows, |row: &Row| Position::new(row.created_at.micros(), row.id))
                    }
                    S::CommentCount | S::CommentCountDown => {
                        let rows =
                            keyset!(query, window, down, v::comment_count, v::id, Window::after_number).load(conn)?;
                        Page::cut(window, rows, |row: &Row| Position::new(row.comment_count, row.id))
                    }
                    S::Title | S::TitleDown => {
                        // A condition that all meet, and that makes SQLite walk the titles' index instead of sorting.
                        let query = if window.after.is_none() { query.filter(v::title.ge("")) } else { query };
                        let rows = keyset!(query, window, down, v::title, v::id, Window::after_text).load(conn)?;
                        Page::cut(window, rows, |row: &Row| Position::new(row.title.as_str(), row.id))
                    }
                })
            }
        }
    };
}

questions!(public, published_articles);
questions!(staff, article_revisions);
questions!(working, working_articles);

/// A page of articles.
pub fn list(conn: &mut Conn, eyes: &Eyes, params: &ArticleParams, window: &Window) -> Result<Page<Row>> {
    list_with(conn, eyes, params, None, window)
}

/// The same. With something `wanted`, only those that have it; without an order the best of them first.
pub fn list_with(
    conn: &mut Conn,
    eyes: &Eyes,
    params: &ArticleParams,
    wanted: Option<&Wanted>,
    window: &Window,
) -> Result<Page<Row>> {
    let nothing = Page { rows: Vec::new(), next: None, total: window.count.then_some(0) };
    let Some(conditions) = Conditions::look_up(conn, params)? else { return Ok(nothing) };
    if wanted.is_some_and(Wanted::is_empty) {
        return Ok(nothing);
    }
    let found = wanted.map(|wanted| Found::new(conn, &found::seen_by(eyes, &conditions), wanted));
    let ranked = wanted.filter(|_| params.sort.is_none());
    let ranked = ranked.map(|wanted| found::ranked(conn, eyes, &conditions, wanted, window)).transpose()?;
    let sort = params.sort.unwrap_or_default();
    match eyes {
        Eyes::Public | Eyes::Preview => {
            let filtered = || {
                let query = public::filtered(visible(), &conditions);
                if let Some(found) = &found { public::holding(query, found) } else { query }
            };
            let page = ranked.map_or_else(|| public::page(conn, filtered(), sort, window), Ok)?;
            let total = window.count.then(|| filtered().count().get_result(conn)).transpose()?;
            Ok(Page { total, ..page })
        }
        // Whoever edits everything sees nothing but working copies: through a view that has no others, the newest of which
        // PostgreSQL finds without looking at all.
        Eyes::Desk(actor) if actor.may::<EditAnyArticle>() => {
            let filtered = || {
                let query = working::filtered(all_working(params), &conditions);
                if let Some(found) = &found { working::holding(query, found) } else { query }
            };
            let page = ranked.map_or_else(|| working::page(conn, filtered(), sort, window), Ok)?;
            let total = window.count.then(|| filtered().count().get_result(conn)).transpose()?;
            Ok(Page { total, ..page })
        }
        Eyes::Desk(actor) => {
            let filtered = || {
                let query = staff::filtered(at_desk(actor, params), &conditions);
                if let Some(found) = &found { staff::holding(query, found) } else { query }
            };
            let down = sort == ArticleSort::UpdatedAtDown;
            let page = if let Some(page) = ranked {
                page.map(|row| as_seen_by(actor, row))
            } else if down || sort == ArticleSort::UpdatedAt {
                by_update(conn, actor, filtered(), down, window)?
            } else {
                staff::page(conn, filtered(), sort, window)?.map(|row| as_seen_by(actor, row))
            };
            let total = window.count.then(|| filtered().count().get_result(conn)).transpose()?;
            Ok(Page { total, ..page })
        }
    }
}

/// The working copies that somebody who edits everything asks to see.
fn all_working<'a>(params: &ArticleParams) -> working::Query<'a> {
    use working_articles as v;
    let query = v::table.into_boxed();
    let deleted = params.deleted == Some(true);
    let query = if deleted { query.filter(v::deleted_at.is_not_null()) } else { query.filter(v::deleted_at.is_null()) };
    match params.changed {
        Some(true) => query.filter(v::published_id.ne(v::working_id.nullable())),
        Some(false) => query.filter(v::published_id.eq(v::working_id.nullable())),
        None => query,
    }
}

/// What an actor asks to see of what is theirs to see.
pub(super) fn at_desk<'a>(actor: &Actor, params: &ArticleParams) -> staff::Query<'a> {
    let query = match params.changed {
        Some(is) => changed(actor, is),
        None => desk(actor, params.deleted == Some(true)),
    };
    if params.review.is_some() { own(query, actor) } else { query }
}

/// What is public of what the actor may edit, with or without changes that are not.
fn changed<'a>(actor: &Actor, changed: bool) -> staff::Query<'a> {
    use crate::schema::article_revisions as v;
    let live = desk(actor, false).filter(v::published_id.is_not_null());
    let live = if changed {
        live.filter(v::published_id.ne(v::working_id.nullable()))
    } else {
        live.filter(v::published_id.eq(v::working_id.nullable()))
    };
    own(live, actor)
}

/// What the actor may edit: of what is somebody else's, nobody learns that a change of it is in preparation.
fn own<'a>(query: staff::Query<'a>, actor: &Actor) -> staff::Query<'a> {
    use crate::schema::article_revisions as v;
    if actor.may::<EditAnyArticle>() { query } else { query.filter(v::created_by.eq(actor.user)) }
}

/// A page in the order of the last change: with what is somebody else's, the last that was public.
fn by_update(
    conn: &mut Conn,
    actor: &Actor,
    query: staff::Query<'_>,
    down: bool,
    window: &Window,
) -> Result<Page<Row>> {
    use crate::schema::article_revisions as v;
    let seen_at = || case_when(v::created_by.eq(actor.user), v::updated_at).otherwise(v::public_updated_at);
    let rows = keyset!(query, window, down, seen_at(), v::id, Window::after_number).load(conn)?;
    let rows = rows.into_iter().map(|row| as_seen_by(actor, row)).collect();
    Ok(Page::cut(window, rows, |row: &Row| Position::new(row.updated_at.micros(), row.id)))
}

/// The ids and the slugs of a list, apart.
pub(super) fn apart(list: &[Ref]) -> (Vec<Id>, Vec<Slug>) {
    let ids = list.iter().filter_map(|r| if let Ref::Id(id) = r { Some(*id) } else { None });
    let slugs = list.iter().filter_map(|r| if let Ref::Slug(slug) = r { Some(slug.clone()) } else { None });
    (ids.collect(), slugs.collect())
}

fn tag_ids(conn: &mut Conn, list: &List<Ref>) -> Result<Vec<Id>> {
    let (ids, slugs) = apart(list);
    let named = tags::table.filter(tags::id.eq_any(ids).or(tags::slug.eq_any(slugs.clone())));
    let mut found = named.select(tags::id).load(conn)?;
    found.extend(by_old_slugs(conn, Kind::Tag, slugs, found.len() < list.len())?);
    Ok(found)
}

fn author_ids(conn: &mut Conn, list: &List<Ref>) -> Result<Vec<Id>> {
    let (ids, slugs) = apart(list);
    let named = authors::table.filter(authors::id.eq_any(ids).or(authors::slug.eq_any(slugs.clone())));
    let mut found = named.select(authors::id).load(conn)?;
    found.extend(by_old_slugs(conn, Kind::Author, slugs, found.len() < list.len())?);
    Ok(found)
}

/// What had one of these slugs, looked for where something is `missing`.
fn by_old_slugs(conn: &mut Conn, kind: Kind, slugs: Vec<Slug>, missing: bool) -> Result<Vec<Id>> {
    if !missing {
        return Ok(Vec::new());
    }
    Ok(slugs::all_that_had(conn, kind, slugs)?.into_iter().map(|(id, _)| id).collect())
}

/// The sections of a list and all that stand below them.
fn section_ids(conn: &mut Conn, list: &List<Ref>) -> Result<Vec<Id>> {
    let (ids, slugs) = apart(list);
    let columns = (sections::id, sections::path);
    let named = sections::table.filter(sections::id.eq_any(ids).or(sections::slug.eq_any(slugs.clone())));
    let mut named = named.select(columns).load::<(Id, String)>(conn)?;
    let renamed = by_old_slugs(conn, Kind::Section, slugs, named.len() < list.len())?;
    if !renamed.is_empty() {
        named.extend(sections::table.filter(sections::id.eq_any(renamed)).select(columns).load(conn)?);
    }
    crate::sections::with_those_below(conn, named)
}
