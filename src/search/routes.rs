//! `/search`, over what is public.

use super::{
    begin, facets,
    model::{SearchHit, SearchParams, SearchResults, SuggestionList, SuggestionParams},
    names,
    pending::Kind,
    queries::{self, Field, Hit, Showing},
    suggestions,
    terms::Wanted,
};
use crate::{
    app::App,
    articles,
    auth::Viewer,
    db::{Conn, Id},
    error::Result,
    http::{Answer, Page, Query, Routes, Window, page::PageInfo},
};
use actix_web::{get, web::Data};
use std::collections::HashMap;

pub fn routes(config: &mut impl Routes) {
    config.service(search).service(suggest_searches);
}

/// Search
///
/// Finds articles, authors, sections and tags that are public, for everybody alike; the staff look through their own with
/// `q` on the list of articles. Best are those that have all words side by side in the title or the name, then those that
/// have them all in it, then in the subtitle, the excerpt or the names that an article carries, then those whose text is about
/// them, then the rest; of the same rank sections, tags and authors come first, and then the newest articles. Words are
/// found in all their forms, without regard to accents. The body of what is not for everybody is not searched.
#[utoipa::path(tag = "Search", params(SearchParams), responses((status = OK, description = "A page of what was found.", body = SearchResults)))]
#[get("/search")]
async fn search(viewer: Viewer, app: Data<App>, query: Query<SearchParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let wanted = query.q.read(&app.site().profile.languages_with(query.language.as_ref()))?;
    let (shared, turn) = (app.clone(), begin(&app).await?);
    app.db
        .read(move |conn| {
            let _turn = turn;
            let searching =
                Searching { app: &shared, viewer: &viewer, params: &query, wanted: &wanted, window: &window };
            let results = searching.results(conn)?;
            let link = window.links(results.page.next_cursor.as_deref());
            Ok(Answer { link, ..Answer::shown(&results)? }.keyed("articles authors sections tags"))
        })
        .await
}

/// Suggest what to search for
///
/// Titles of articles and names of authors, sections and tags that have all words that were typed, of which the last may be the
/// beginning of one. Names come first, then the newest articles.
#[utoipa::path(
    tag = "Search", params(SuggestionParams), responses((status = OK, description = "At most ten.", body = SuggestionList))
)]
#[get("/search/suggestions")]
async fn suggest_searches(_: Viewer, app: Data<App>, query: Query<SuggestionParams>) -> Result<Answer> {
    let limit = query.limit()?;
    let site = app.site();
    let wanted = query.q.read_unfinished(&site.profile.languages)?;
    let turn = begin(&app).await?;
    app.db
        .read(move |conn| {
            let _turn = turn;
            let language = site.profile.language();
            let data = suggestions::list(conn, &wanted, &language, limit)?;
            Ok(Answer::shown(&SuggestionList { data })?.keyed("articles authors sections tags"))
        })
        .await
}

/// One search.
struct Searching<'a> {
    app: &'a App,
    viewer: &'a Viewer,
    params: &'a SearchParams,
    wanted: &'a Wanted,
    window: &'a Window,
}

impl Searching<'_> {
    fn results(&self, conn: &mut Conn) -> Result<SearchResults> {
        let params = self.params.of_articles();
        let field = articles::field(conn, &params)?.filter(|_| !self.wanted.is_empty());
        let page = match &field {
            Some(field) => self.page(conn, &self.narrowed(field))?,
            None => Page { rows: Vec::new(), next: None, total: self.window.count.then_some(0) },
        };
        let counted = self.params.facets.as_deref();
        let facets = match (counted, &field) {
            (Some(counted), Some(field)) if self.params.wants(Kind::Article) => {
                Some(facets::count(conn, &field.clone().of_articles(), &self.wanted.anywhere(), counted)?)
            }
            (counted, _) => counted.map(facets::none),
        };
        let next_cursor = self.window.cursor(self.app, page.next.as_ref());
        Ok(SearchResults { data: page.rows, page: PageInfo { next_cursor, total: page.total }, facets })
    }

    /// Without the keys of what is not looked for.
    fn narrowed(&self, field: &Field) -> Field {
        let names = [Kind::Author, Kind::Section, Kind::Tag].into_iter().any(|kind| self.params.wants(kind));
        if !names {
            field.clone().of_articles()
        } else if self.params.wants(Kind::Article) {
            field.clone()
        } else {
            Field { keys: (field.keys.0, super::document::ARTICLES), ..field.clone() }
        }
    }

    fn page(&self, conn: &mut Conn, field: &Field) -> Result<Page<SearchHit>> {
        let page = queries::ranked(conn, field, self.wanted, self.window, self)?;
        let total = self.window.count.then(|| self.total(conn, field)).transpose()?;
        Ok(Page { total, ..page })
    }

    fn total(&self, conn: &mut Conn, field: &Field) -> Result<i64> {
        let terms = self.wanted.anywhere();
        let articles = if self.params.wants(Kind::Article) {
            queries::count_public(conn, &field.clone().of_articles(), &terms)?
        } else {
            0
        };
        let mut names: HashMap<Kind, Vec<Id>> = HashMap::new();
        for (kind, id) in queries::names(conn, field, &terms)? {
            if self.params.wants(kind) {
                names.entry(kind).or_default().push(id);
            }
        }
        Ok(articles + names::count(conn, &names)?)
    }
}

impl Showing for Searching<'_> {
    type Row = SearchHit;

    /// What is there of them is looked for alone where it is an article: a name goes from the index as soon as it is gone.
    fn seen(&self, conn: &mut Conn, mut hits: Vec<Hit>) -> Result<Vec<Hit>> {
        hits.retain(|hit| self.params.wants(hit.kind));
        let revisions: Vec<Id> = hits.iter().filter_map(|hit| hit.revision).collect();
        let public = articles::public_among(conn, revisions)?;
        hits.retain(|hit| hit.revision.is_none_or(|revision| public.contains(&revision)));
        Ok(hits)
    }

    fn shown(&self, conn: &mut Conn, mut hits: Vec<Hit>) -> Result<Vec<(Hit, SearchHit)>> {
        hits.retain(|hit| self.params.wants(hit.kind));
        let language = self.app.site().profile.language();
        let mut known = names::found(conn, &hits, self.wanted, &language)?;
        let revisions: Vec<Id> = hits.iter().filter_map(|hit| hit.revision).collect();
        for article in articles::found_in_public(conn, self.app, self.viewer, revisions, self.wanted)? {
            known.insert(article.id, SearchHit::Article { article });
        }
        Ok(hits.into_iter().filter_map(|hit| Some((hit, known.remove(&hit.subject)?))).collect())
    }
}
