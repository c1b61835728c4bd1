//! Many articles at once: each in a savepoint of its own, with its own result, in one transaction.

mod order;
mod schema;

pub use order::{Action, NewBulk};

use super::{
    drafts,
    model::{Row, Status},
    preflight, publication,
    queries::{editable_among, find_for_update},
    revisions,
    saving::Saving,
    text::Edit,
    write::{NewPublication, UnpublishParams},
};
use crate::{
    auth::Actor,
    clock::Time,
    db::{Conn, Id, among, lock},
    error::{Code, Error, FieldError, Problem, Result},
    http::Expected,
    permissions::PublishArticles,
    schema::{articles, authors, revision_authors, revision_tags, tags},
    site::Site,
    values::{Ref, Slug},
};
use diesel::prelude::*;
use order::Known;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// What became of each article.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkResult {
    /// In the order in which they were named.
    #[schema(max_items = 100)]
    pub data: Vec<BulkItem>,
    /// How many were changed; those that were already as asked are not among them.
    #[schema(minimum = 0, maximum = 100)]
    pub changed: usize,
    /// How many could not be.
    #[schema(minimum = 0, maximum = 100)]
    pub failed: usize,
}

/// What became of one article.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkItem {
    /// As it was named.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// `null` where there is no such article, or none that one may change.
    pub id: Option<Id>,
    /// What the operation on this article alone would have answered.
    #[schema(minimum = 200, maximum = 499)]
    pub status: u16,
    /// As it is now; `null` where it is gone from view, or could not be changed.
    pub article: Option<BulkArticle>,
    /// Why it could not be changed.
    pub problem: Option<Problem>,
}

/// An article, in short.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkArticle {
    pub id: Id,
    pub slug: Slug,
    pub status: Status,
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: i32,
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub published_revision: Option<i32>,
}

impl From<Row> for BulkArticle {
    fn from(row: Row) -> Self {
        let Row { id, slug, status, revision, published_revision, .. } = row;
        Self { id, slug, status, revision, published_revision }
    }
}

/// Who asks, of which site, in which request.
pub struct Asking {
    pub actor: Actor,
    pub site: Arc<Site>,
    pub request_id: String,
}

/// Does it to each article.
///
/// # Errors
/// 422 for what the action refers to and is not there, for an article that is named twice, and, where it was to be all or
/// nothing, with everything that could not be done.
pub fn run(conn: &mut Conn, asking: &Asking, bulk: &NewBulk, action: &Action, now: Time) -> Result<BulkResult> {
    let known = Known::look_up(conn, action)?;
    let held = hold(conn, &asking.actor, &bulk.articles, action)?;
    let mut result = BulkResult { data: Vec::new(), changed: 0, failed: 0 };
    let mut failures = Vec::new();
    for (index, reference) in bulk.articles.iter().enumerate() {
        let row = held.get(reference);
        let (id, before) = (row.map(|row| row.id), row.map(|row| row.version));
        let done = conn.transaction(|conn| one(conn, asking, reference, &known, now));
        let (status, article, problem) = match done {
            Ok(article) => {
                let after: Option<i32> =
                    id.map(|id| articles::table.find(id).select(articles::version).first(conn)).transpose()?;
                result.changed += usize::from(after != before);
                (if article.is_some() { 200 } else { 204 }, article.map(BulkArticle::from), None)
            }
            // Not the article's fault: nothing of it can be trusted.
            Err(error) if error.code().status().is_server_error() || error.is_lost_race() => return Err(error),
            Err(error) => {
                result.failed += 1;
                failures.push(FieldError::new(format!("/articles/{index}"), error.code().as_str(), error.detail()));
                (error.code().status().as_u16(), None, Some(error.problem(asking.request_id.clone())))
            }
        };
        result.data.push(BulkItem { reference: reference.clone(), id, status, article, problem });
    }
    if bulk.all_or_nothing && !failures.is_empty() {
        let detail =
            format!("{} of {} articles could not be changed, so none was", failures.len(), bulk.articles.len());
        return Err(Error::with(Code::BulkFailed, detail).list(failures));
    }
    Ok(result)
}

/// Does it to one, as the operation on it alone would.
fn one(conn: &mut Conn, asking: &Asking, reference: &Ref, known: &Known, now: Time) -> Result<Option<Row>> {
    let (actor, expected) = (&asking.actor, &Expected::Anything);
    match known {
        Known::Publish => {
            actor.must::<PublishArticles>()?;
            preflight::clear(conn, &asking.site, actor, reference, None, expected)?;
            publication::put(conn, actor, reference, &NewPublication::default(), expected).map(Some)
        }
        Known::Unpublish => {
            actor.must::<PublishArticles>()?;
            publication::delete(conn, actor, reference, &UnpublishParams::default(), expected).map(|()| None)
        }
        Known::Trash => drafts::delete(conn, actor, reference, expected, now).map(|()| None),
        Known::Restore => drafts::restore(conn, actor, reference, expected, now).map(Some),
        Known::Move(section) => edit(conn, actor, reference, json!({"section": section}), now),
        Known::Tag { add, remove } => {
            let row = find_for_update(conn, actor, reference, false)?;
            let mut tags = revisions::tags_of(conn, row.revision_id)?;
            tags.retain(|tag| !remove.contains(tag));
            let new: Vec<Id> = add.iter().filter(|tag| !tags.contains(tag)).copied().collect();
            tags.extend(new);
            edit(conn, actor, reference, json!({"tags": tags}), now)
        }
    }
}

fn edit(conn: &mut Conn, actor: &Actor, reference: &Ref, changes: Value, now: Time) -> Result<Option<Row>> {
    let edit = Edit::without_text(changes.into(), Saving::default());
    drafts::update(conn, actor, reference, &edit, &Expected::Anything, now).map(Some)
}

/// Holds the articles, and what counts them, always in one order: two who wait for each other would lose one. Gives the
/// articles by how they were named.
///
/// # Errors
/// 422 where one of them is named by its id and by its slug.
fn hold(conn: &mut Conn, actor: &Actor, refs: &[Ref], action: &Action) -> Result<HashMap<Ref, Row>> {
    let find = |conn: &mut Conn| editable_among(conn, actor, refs, *action == Action::Restore);
    let ids: Vec<Id> = find(conn)?.iter().map(|row| row.id).collect();
    lock::rows(conn, articles::table.filter(among(articles::id, ids)).order(articles::id).select(articles::id))?;
    // Whoever held them before has changed them since.
    let rows = find(conn)?;
    if action.counts() {
        let revisions: Vec<Id> =
            rows.iter().flat_map(|row| [Some(row.working_id), row.published_id]).flatten().collect();
        let tagged = revision_tags::table.filter(among(revision_tags::revision_id, revisions.clone()));
        let tagged = tags::id.eq_any(tagged.select(revision_tags::tag_id));
        lock::rows(conn, tags::table.filter(tagged).order(tags::id).select(tags::id))?;
        let signed = revision_authors::table.filter(among(revision_authors::revision_id, revisions));
        let signed = authors::id.eq_any(signed.select(revision_authors::author_id));
        lock::rows(conn, authors::table.filter(signed).order(authors::id).select(authors::id))?;
    }
    let mut held = HashMap::new();
    let mut twice = Vec::new();
    for (index, reference) in refs.iter().enumerate() {
        let fits = |row: &&Row| match reference {
            Ref::Id(id) => row.id == *id,
            Ref::Slug(slug) => row.slug == *slug,
        };
        let Some(row) = rows.iter().find(fits) else { continue };
        if held.values().any(|known: &Row| known.id == row.id) {
            twice.push(order::twice(index));
        }
        held.insert(reference.clone(), row.clone());
    }
    if twice.is_empty() { Ok(held) } else { Err(Error::invalid(twice)) }
}
