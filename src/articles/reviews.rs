//! Reviews: what was asked and answered about the working copy before it goes out. The last word counts.

use super::{
    conflicts,
    model::{ReviewStatus, Row},
    queries::{Eyes, any, find, find_editable, find_for_update},
};
use crate::{
    auth::Actor,
    clock::Time,
    db::{Conn, Id, among, in_size},
    error::{Code, Error, Result},
    events::{self, Event, Kind},
    http::{Expected, Page, Window, cursor::Position, list_params, page::ListOf},
    permissions::ReviewArticles,
    schema::{articles, reviews as r, users},
    users::Colleague,
    values::{Line, Prose, Ref},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use utoipa::ToSchema;

pub type Note = Prose<1, 5000>;

/// Something that was said of an article: a request, an approval, or what is still to be changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Review {
    pub id: Id,
    pub status: ReviewStatus,
    pub note: Option<Note>,
    /// The revision that it is about.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: i32,
    /// Who said it; `null` where the account is gone.
    pub by: Option<Colleague>,
    pub created_at: Time,
}

pub type ReviewList = ListOf<Review>;

/// The last word on the working copy.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LastReview {
    pub status: ReviewStatus,
    pub note: Option<Note>,
    /// The revision that it is about. An approval is of one revision; a request is of what is there when it is looked at.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: i32,
    /// Who said it; `null` where the account is gone.
    pub by: Option<Colleague>,
    pub at: Time,
}

/// A request for a review, or the answer to one.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "requested", "note": "The figures come from the harbour master."}))]
pub struct NewReview {
    pub status: ReviewStatus,
    #[serde(default)]
    pub note: Option<Note>,
}

list_params! {
    /// What may be asked of what was said of an article.
    pub struct ReviewParams {
    }
}

type Columns = (Id, ReviewStatus, Option<Note>, i32, Option<Id>, Option<Line<1, 100>>, Time);

impl Review {
    fn of((id, status, note, revision, by, name, created_at): Columns) -> Self {
        let by = Colleague::of(by, name);
        Self { id, status, note, revision, by, created_at }
    }
}

/// All that was said of an article, the newest first.
///
/// # Errors
/// 404 for an article that the actor does not see, 403 for what is somebody else's.
pub fn list(conn: &mut Conn, actor: &Actor, reference: &Ref, window: &Window) -> Result<Page<Review>> {
    let article = find_editable(conn, actor, reference, false)?;
    let mut query = r::table
        .left_join(users::table)
        .filter(r::article_id.eq(article.id))
        .select((r::id, r::status, r::note, r::revision, r::user_id, users::name.nullable(), r::created_at))
        .order(r::id.desc())
        .limit(window.limit + 1)
        .offset(window.offset)
        .into_boxed();
    if let Some((_, id)) = window.after_number() {
        query = query.filter(r::id.lt(id));
    }
    let rows: Vec<Columns> = query.load(conn)?;
    let page = Page::cut(window, rows, |row| Position::new(row.6.micros(), row.0));
    let total = window.count.then(|| r::table.filter(r::article_id.eq(article.id)).count().get_result(conn));
    Ok(Page { total: total.transpose()?, ..page.map(Review::of) })
}

/// Says something of the working copy. Saying it again changes nothing.
///
/// # Errors
/// 403 for an answer by those who may only ask, 409 where everything that was written is public.
pub fn put(
    conn: &mut Conn,
    actor: &Actor,
    reference: &Ref,
    new: &NewReview,
    expected: &Expected,
    now: Time,
) -> Result<Row> {
    if new.status != ReviewStatus::Requested {
        actor.must::<ReviewArticles>()?;
    }
    let row = find_for_update(conn, actor, reference, false)?;
    conflicts::check(conn, &row, expected)?;
    if row.published_id == Some(row.working_id) {
        let message = format!("revision {} is public already: there is nothing to review", row.revision);
        return Err(Error::with(Code::Conflict, message));
    }
    if is_said(conn, &row, new)? {
        return Ok(row);
    }
    insert(conn, &row, new, Some(actor.user), now)?;
    mark(conn, actor, &row, Some(new.status), now)?;
    find(conn, &Eyes::Desk(actor.clone()), &row.id.into())
}

/// Takes a request back. Where nothing is asked for, nothing happens.
pub fn delete(conn: &mut Conn, actor: &Actor, reference: &Ref, expected: &Expected, now: Time) -> Result<()> {
    let row = find_for_update(conn, actor, reference, false)?;
    conflicts::check(conn, &row, expected)?;
    if row.review == Some(ReviewStatus::Requested) { mark(conn, actor, &row, None, now) } else { Ok(()) }
}

/// Asks for a review of an article that is being set up.
pub fn ask(conn: &mut Conn, article: Id, note: Option<Note>, by: Option<Id>, at: Time) -> Result<()> {
    let row = any(conn, article)?;
    let new = NewReview { status: ReviewStatus::Requested, note };
    insert(conn, &row, &new, by, at)?;
    diesel::update(articles::table.find(article)).set(articles::review.eq(new.status)).execute(conn)?;
    Ok(())
}

/// What still holds after an edit: an approval is of the text that was read.
pub fn after_edit(row: &Row, text_changed: bool) -> Option<ReviewStatus> {
    row.review.filter(|status| *status != ReviewStatus::Approved || !text_changed)
}

/// What still holds once `published` is public: what was said of other text than that.
pub fn after_publication(row: &Row, published: Id) -> Option<ReviewStatus> {
    row.review.filter(|_| published != row.working_id)
}

/// The last word on each of the articles that somebody has something to say of.
pub fn last(conn: &mut Conn, rows: &[Row]) -> Result<HashMap<Id, LastReview>> {
    let reviewed: Vec<Id> = rows.iter().filter(|row| row.review.is_some()).map(|row| row.id).collect();
    if reviewed.is_empty() {
        return Ok(HashMap::new());
    }
    let others = diesel::alias!(r as others);
    let newest = others
        .filter(others.field(r::article_id).eq(articles::id))
        .order(others.field(r::id).desc())
        .limit(1)
        .select(others.field(r::id))
        .single_value();
    let last = articles::table
        .inner_join(r::table.on(r::id.nullable().eq(newest)))
        .left_join(users::table.on(r::user_id.eq(users::id.nullable())));
    let columns = (r::article_id, r::status, r::note, r::revision, r::user_id, users::name.nullable(), r::created_at);
    let found: Vec<Columns> = in_size!(reviewed, some => {
        last.filter(among(articles::id, some)).select(columns).load(conn)?
    });
    let word = |(article, status, note, revision, by, name, at): Columns| {
        let by = Colleague::of(by, name);
        (article, LastReview { status, note, revision, by, at })
    };
    Ok(found.into_iter().map(word).collect())
}

/// Whether the last word is this one already.
fn is_said(conn: &mut Conn, row: &Row, new: &NewReview) -> Result<bool> {
    let last = last(conn, std::slice::from_ref(row))?.remove(&row.id);
    Ok(last.is_some_and(|last| (last.status, &last.note, last.revision) == (new.status, &new.note, row.revision)))
}

fn insert(conn: &mut Conn, row: &Row, new: &NewReview, by: Option<Id>, at: Time) -> Result<()> {
    diesel::insert_into(r::table)
        .values((
            r::id.eq(Id::new()),
            r::article_id.eq(row.id),
            r::revision.eq(row.revision),
            r::status.eq(new.status),
            r::note.eq(&new.note),
            r::user_id.eq(by),
            r::created_at.eq(at),
        ))
        .execute(conn)?;
    Ok(())
}

/// Changes what stands at the article, one version further.
fn mark(conn: &mut Conn, actor: &Actor, row: &Row, review: Option<ReviewStatus>, now: Time) -> Result<()> {
    diesel::update(articles::table.find(row.id))
        .set((articles::review.eq(review), articles::updated_at.eq(now), articles::version.eq(articles::version + 1)))
        .execute(conn)?;
    events::record(conn, Event { kind: Kind::Reviewed, revision: Some(row.revision), ..row.event(actor, now) })
}
