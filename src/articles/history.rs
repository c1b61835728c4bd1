//! The history of an article: its revisions, for those who may edit it, and the way back to one.

use super::{
    conflicts,
    difference::Diff,
    fields,
    model::{Row, Title},
    queries::{self, Eyes, find, find_editable, find_for_update},
    references::References,
    reviews, revisions,
    saving::{self, Note, Saving, Work},
    translations,
    write::NewArticle,
};
use crate::{
    auth::Actor,
    clock::Time,
    db::{Conn, Id, among},
    error::{Code, Error, FieldError, Result},
    events::{self, Event},
    http::{Expected, Page, Versioned, Window, cursor::Position, list_params, page::ListOf},
    schema::{articles, authors, revisions as r, sections, tags, users},
    users::Colleague,
    values::{Line, Ref, Slug, Whole},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use utoipa::{IntoParams, ToSchema};

/// The number of a revision.
pub type RevisionNumber = Whole<1, 2_147_483_647>;

/// A saved state of an article. None is ever changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Revision {
    pub id: Id,
    pub article_id: Id,
    /// Counts from 1. None is given twice; where an autosave was replaced, one is missing.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub number: i32,
    pub title: Title,
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    pub word_count: i32,
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    pub reading_minutes: i32,
    pub created_at: Time,
    /// Who saved it; `null` where the account is gone.
    pub created_by: Option<Colleague>,
    /// Why it was saved.
    pub note: Option<Note>,
    /// Whether it was saved without being asked for. The next autosave of the same person replaces it, unless something
    /// needs it.
    pub autosave: bool,
    /// Whether it is what the staff see.
    pub working: bool,
    /// Whether it is what the public sees.
    pub published: bool,
    /// The body as HTML that is safe in a page; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 5_000_000, pattern = "^[^\\x00]*$")]
    pub body_html: Option<String>,
    /// What it holds, as it would be written; what it refers to by slugs, without the related articles that one may not
    /// see. The slug of the article, what it translates and whether it takes comments belong to no revision. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = NewArticle, nullable = false)]
    pub content: Option<Value>,
    /// With `diff`: what changed since that revision.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub diff: Option<Diff>,
}

pub type RevisionList = ListOf<Revision>;

impl Versioned for Revision {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.number
    }
}

list_params! {
    /// What may be asked of an article's revisions.
    pub struct RevisionParams {
    }
}

/// What may be asked of a revision.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RevisionQuery {
    /// Also say what changed since the revision of this number, be it older or newer.
    #[param(inline, value_type = Option<RevisionNumber>, example = 1)]
    pub diff: Option<RevisionNumber>,
}

type Columns = (Id, Id, i32, Title, i32, i32, Time, Option<Note>, bool, Option<Id>, Option<Line<1, 100>>);

impl Revision {
    fn of(row: Columns, article: &Row) -> Self {
        let (id, article_id, number, title, word_count, reading_minutes, created_at, note, autosave, by, name) = row;
        Self {
            working: id == article.working_id,
            published: Some(id) == article.published_id,
            created_by: Colleague::of(by, name),
            id,
            article_id,
            number,
            title,
            word_count,
            reading_minutes,
            created_at,
            note,
            autosave,
            body_html: None,
            content: None,
            diff: None,
        }
    }
}

/// The revisions of an article, without what they hold.
macro_rules! revisions_of {
    ($article:expr) => {
        r::table.left_join(users::table).filter(r::article_id.eq($article)).select((
            r::id,
            r::article_id,
            r::number,
            r::title,
            r::word_count,
            r::reading_minutes,
            r::created_at,
            r::note,
            r::autosave,
            r::created_by,
            users::name.nullable(),
        ))
    };
}

/// The revisions of an article, the newest first.
pub fn list(conn: &mut Conn, actor: &Actor, reference: &Ref, window: &Window) -> Result<Page<Revision>> {
    let article = find_editable(conn, actor, reference, false)?;
    let mut query =
        revisions_of!(article.id).order(r::number.desc()).limit(window.limit + 1).offset(window.offset).into_boxed();
    if let Some(number) = window.after_number().and_then(|(number, _)| i32::try_from(number).ok()) {
        query = query.filter(r::number.lt(number));
    }
    let page = Page::cut(window, query.load::<Columns>(conn)?, |row| Position::new(i64::from(row.2), row.0));
    let total = window.count.then(|| r::table.filter(r::article_id.eq(article.id)).count().get_result(conn));
    Ok(Page { total: total.transpose()?, ..page.map(|row| Revision::of(row, &article)) })
}

/// One revision.
///
/// # Errors
/// 404 for an article that the actor does not see or a number that it does not have, 403 for what is somebody else's.
pub fn get(conn: &mut Conn, actor: &Actor, reference: &Ref, number: i32) -> Result<Revision> {
    let article = find_editable(conn, actor, reference, false)?;
    let row = numbered(conn, &article, number)?;
    let revision = revisions_of!(article.id).filter(r::number.eq(number)).first::<Columns>(conn)?;
    let body_html = r::table.find(row.revision_id).select(r::body_html).first(conn)?;
    let written = revisions::as_written(conn, &row)?;
    let content = Some(by_slugs(conn, &Eyes::Desk(actor.clone()), written)?);
    Ok(Revision { body_html: Some(body_html), content, ..Revision::of(revision, &article) })
}

/// What another revision of the same article holds, to compare one with it.
///
/// # Errors
/// 404 that names the parameter, where there is no such revision.
pub fn content_to_compare(conn: &mut Conn, actor: &Actor, reference: &Ref, number: i32) -> Result<Value> {
    let article = find_editable(conn, actor, reference, false)?;
    let Some(row) = queries::numbered(conn, article.id, number)? else {
        let message = format!("there is no revision {number} to compare with; the newest is {}", article.revision);
        let at = FieldError::new("diff", "not_found", message.clone());
        return Err(Error::with(Code::NotFound, message).list(vec![at]));
    };
    let written = revisions::as_written(conn, &row)?;
    by_slugs(conn, &Eyes::Desk(actor.clone()), written)
}

/// Makes a new working revision of an old one. The slug stays, and what is public stays as it is.
///
/// # Errors
/// As [`get`], and 422 for what cannot be written any more: another translation may have its language.
pub fn restore(
    conn: &mut Conn,
    actor: &Actor,
    reference: &Ref,
    number: i32,
    (saving, expected): (&Saving, &Expected),
    now: Time,
) -> Result<Row> {
    let article = find_for_update(conn, actor, reference, false)?;
    conflicts::check(conn, &article, expected)?;
    let old = numbered(conn, &article, number)?;
    let (current, wanted) = (revisions::as_written(conn, &article)?, revisions::as_written(conn, &old)?);
    let eyes = Eyes::Desk(actor.clone());
    let refs = References::look_up(conn, &eyes, &wanted, Some((article.id, &wanted)))?;
    translations::group(conn, &eyes, &wanted, Some(&article))?;
    let work =
        Work { article: &article, current: &current, new: &wanted, refs: &refs, by: actor, at: now, on_purpose: true };
    let Some(saved) = saving::save(conn, &work, saving, |conn| revisions::text(conn, &old))? else {
        return Ok(article);
    };
    diesel::update(articles::table.find(article.id))
        .set((
            articles::working_id.eq(saved.id),
            articles::review.eq(reviews::after_edit(&article, saved.changed)),
            articles::updated_at.eq(now),
            articles::version.eq(articles::version + 1),
        ))
        .execute(conn)?;
    let fields = fields::differing(&wanted, &current);
    events::record(conn, Event { revision: Some(saved.number), fields, ..article.event(actor, now) })?;
    find(conn, &eyes, &article.id.into())
}

/// The article as it is in one of its revisions.
fn numbered(conn: &mut Conn, article: &Row, number: i32) -> Result<Row> {
    let row = queries::numbered(conn, article.id, number)?;
    row.ok_or_else(|| Error::not_found("revision", number))
}

/// What a revision holds, in the form in which a client would write it: without the pins that these eyes do not see.
fn by_slugs(conn: &mut Conn, eyes: &Eyes, written: NewArticle) -> Result<Value> {
    macro_rules! slugs {
        ($table:ident, $refs:expr) => {{
            let refs: Vec<Ref> = $refs;
            let ids: Vec<Id> = refs.iter().filter_map(|r| if let Ref::Id(id) = r { Some(*id) } else { None }).collect();
            let columns = ($table::id, $table::slug);
            let known: HashMap<Id, Slug> = $table::table
                .filter(among($table::id, ids))
                .select(columns)
                .load::<(Id, Slug)>(conn)?
                .into_iter()
                .collect();
            let named = |r: Ref| if let Ref::Id(id) = &r { known.get(id).cloned().map_or(r, Ref::Slug) } else { r };
            refs.into_iter().map(named).collect::<Vec<_>>()
        }};
    }
    let written = NewArticle {
        authors: Some(slugs!(authors, written.authors.unwrap_or_default())),
        tags: Some(slugs!(tags, written.tags.unwrap_or_default())),
        related: Some(seen_by_slugs(conn, eyes, &written.related.unwrap_or_default())?),
        section: slugs!(sections, written.section.into_iter().collect()).pop(),
        ..written
    };
    let mut content =
        serde_json::to_value(written).map_err(|e| Error::internal("a revision is not JSON").because(e))?;
    if let Some(fields) = content.as_object_mut() {
        fields.retain(|name, _| !["slug", "translation_of", "comments"].contains(&name.as_str()));
    }
    Ok(content)
}

/// Pinned articles by their slugs, in their order.
fn seen_by_slugs(conn: &mut Conn, eyes: &Eyes, pinned: &[Ref]) -> Result<Vec<Ref>> {
    let mut seen: HashMap<Id, Slug> = queries::seen_among(conn, eyes, pinned)?.into_iter().collect();
    let named = |r: &Ref| if let Ref::Id(id) = r { seen.remove(id).map(Ref::Slug) } else { None };
    Ok(pinned.iter().filter_map(named).collect())
}
