//! Publishing a revision and taking it down. The counts of tags and authors follow in the same transaction.

use super::{
    model::{ReviewStatus, Row, Status},
    queries::{Eyes, any, find, find_for_update},
    reviews,
};
use crate::{
    auth::Actor,
    clock::Time,
    db::{Conn, Id, lock},
    error::{Error, Result},
    events::{self, Event, Kind},
    http::Expected,
    schema::{articles, authors, revision_authors, revision_tags, revisions, tags},
    values::Ref,
};
use diesel::prelude::*;

/// Makes a revision public: the working one, or the one that is named. Doing it again changes nothing.
///
/// # Errors
/// 422 for a revision that does not exist.
pub fn put(
    conn: &mut Conn,
    actor: &Actor,
    reference: &Ref,
    revision: Option<i32>,
    expected: &Expected,
    now: Time,
) -> Result<Row> {
    let row = find_for_update(conn, actor, reference, false)?;
    expected.check(&row, Vec::new)?;
    let number = revision.unwrap_or(row.revision);
    let wanted = revisions::table
        .filter(revisions::article_id.eq(row.id))
        .filter(revisions::number.eq(number))
        .select(revisions::id);
    let wanted: Option<Id> = wanted.first(conn).optional()?;
    let wanted = wanted
        .ok_or_else(|| Error::invalid_field("/revision", "not_found", format!("there is no revision {number}")))?;
    if row.published_id != Some(wanted) {
        publish(conn, &row, wanted, number, Some(actor.user), now)?;
    }
    find(conn, &Eyes::Desk(actor.clone()), &row.id.into())
}

/// Makes `revision` the public one. The first publication gives the article its date.
pub fn publish(conn: &mut Conn, row: &Row, revision: Id, number: i32, by: Option<Id>, now: Time) -> Result<()> {
    count(conn, row, -1)?;
    diesel::update(articles::table.find(row.id))
        .set((
            articles::published_id.eq(revision),
            articles::published_revision.eq(number),
            articles::published_at.eq(row.published_at.unwrap_or(now)),
            articles::republished_at.eq(now),
            articles::publish_at.eq(None::<Time>),
            articles::scheduled_id.eq(None::<Id>),
            articles::scheduled_revision.eq(None::<i32>),
            articles::review.eq(reviews::after_publication(row, revision)),
            articles::updated_at.eq(now),
            articles::version.eq(articles::version + 1),
        ))
        .execute(conn)?;
    record(conn, row, Kind::Published, Some(number), by, now)?;
    count(conn, &Row { published_id: Some(revision), ..row.clone() }, 1)
}

/// Makes the revision public that was scheduled.
pub fn publish_scheduled(conn: &mut Conn, row: &Row, now: Time) -> Result<()> {
    let scheduled: Option<Id> = articles::table.find(row.id).select(articles::scheduled_id).first(conn)?;
    let scheduled = scheduled.zip(row.scheduled_revision);
    let (revision, number) = scheduled.ok_or_else(|| Error::internal("a schedule names no revision"))?;
    publish(conn, row, revision, number, None, now)
}

/// Takes an article down. What is not public stays as it is.
pub fn delete(conn: &mut Conn, actor: &Actor, reference: &Ref, expected: &Expected, now: Time) -> Result<()> {
    let row = find_for_update(conn, actor, reference, false)?;
    expected.check(&row, Vec::new)?;
    unpublish(conn, &row, Some(actor.user), now)
}

/// Leads an article that is being set up to where it is to be in its life.
pub fn lead(
    conn: &mut Conn,
    article: Id,
    status: Status,
    published_at: Option<Time>,
    publish_at: Option<Time>,
) -> Result<()> {
    let row = any(conn, article)?;
    if let Some(at) = published_at {
        publish(conn, &row, row.revision_id, row.revision, row.created_by, at)?;
    }
    if status == Status::Archived {
        let row = any(conn, article)?;
        unpublish(conn, &row, row.created_by, published_at.unwrap_or(row.updated_at))?;
    }
    let review = (status == Status::InReview).then_some(ReviewStatus::Requested);
    let scheduled = publish_at.map(|at| (at, row.revision_id, row.revision));
    diesel::update(articles::table.find(article))
        .set((
            articles::publish_at.eq(scheduled.map(|(at, ..)| at)),
            articles::scheduled_id.eq(scheduled.map(|(_, id, _)| id)),
            articles::scheduled_revision.eq(scheduled.map(|(.., number)| number)),
            articles::review.eq(review),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn unpublish(conn: &mut Conn, row: &Row, by: Option<Id>, now: Time) -> Result<()> {
    if row.published_id.is_none() {
        return Ok(());
    }
    // What is in the trash counts nowhere already.
    if row.deleted_at.is_none() {
        count(conn, row, -1)?;
    }
    diesel::update(articles::table.find(row.id))
        .set((
            articles::published_id.eq(None::<Id>),
            articles::published_revision.eq(None::<i32>),
            articles::unpublish_at.eq(None::<Time>),
            articles::updated_at.eq(now),
            articles::version.eq(articles::version + 1),
        ))
        .execute(conn)?;
    record(conn, row, Kind::Unpublished, row.published_revision, by, now)
}

fn record(conn: &mut Conn, row: &Row, kind: Kind, revision: Option<i32>, by: Option<Id>, at: Time) -> Result<()> {
    let (version, fields) = (row.version + 1, Vec::new());
    events::record(conn, Event { kind, subject: row.id, version, revision, fields, by, at })
}

/// Adds to the counts of the tags and authors of what is public of the article, or takes from them.
pub fn count(conn: &mut Conn, row: &Row, by: i64) -> Result<()> {
    let Some(revision) = row.published_id else { return Ok(()) };
    let tagged = revision_tags::table.filter(revision_tags::revision_id.eq(revision)).select(revision_tags::tag_id);
    let signed =
        revision_authors::table.filter(revision_authors::revision_id.eq(revision)).select(revision_authors::author_id);
    // Always in the order of ids: two publications at once then wait for each other instead of deadlocking.
    lock::rows(conn, tags::table.filter(tags::id.eq_any(tagged)).order(tags::id).select(tags::id))?;
    lock::rows(conn, authors::table.filter(authors::id.eq_any(signed)).order(authors::id).select(authors::id))?;
    let tagged = tags::table.filter(tags::id.eq_any(tagged));
    diesel::update(tagged).set(tags::article_count.eq(tags::article_count + by)).execute(conn)?;
    let signed = authors::table.filter(authors::id.eq_any(signed));
    diesel::update(signed).set(authors::article_count.eq(authors::article_count + by)).execute(conn)?;
    Ok(())
}
