//! What the public sees of an article: publishing a revision and taking it down, now or at a time. The counts of tags and
//! authors follow in the same transaction.

use super::{
    conflicts,
    model::{ReviewStatus, Row, Status},
    queries::{Eyes, any, find, find_for_update},
    reviews, translations,
    write::{NewPublication, UnpublishParams},
};
use crate::{
    auth::Actor,
    changes,
    clock::Time,
    db::{self, Conn, Id, among, lock},
    error::{Code, Error, FieldError, Result},
    events::{self, Event, Kind},
    http::Expected,
    schema::{articles, authors, revision_authors, revision_tags, revisions, tags},
    site, slugs,
    values::{Ref, Refusal},
};
use diesel::prelude::*;
use std::time::Duration;

/// How far ahead something may be scheduled: ten years.
const FARTHEST: Duration = Duration::from_secs(3_653 * 86_400);
/// Articles that one statement names at the most.
const SOME: usize = 500;
/// What is scheduled, as events name it.
const START: &str = "scheduled/publish_at";
const END: &str = "scheduled/unpublish_at";

/// Makes a revision public, now or at a time: the working one of this moment, or the one that is named. Doing it again
/// changes nothing.
///
/// # Errors
/// 422 for a revision that does not exist, and for a time that is over, too far away, or not before the article is taken
/// down; 409 for scheduling what is public already, and where another translation into its language is public then; 403
/// for a key that does not write where the revision stands.
pub fn put(
    conn: &mut Conn,
    actor: &Actor,
    reference: &Ref,
    wanted: &NewPublication,
    expected: &Expected,
) -> Result<Row> {
    let row = find_for_update(conn, actor, reference, false)?;
    conflicts::check(conn, &row, expected)?;
    let (id, number, now) = (row.id, wanted.revision.unwrap_or(row.revision), db::now(conn)?);
    let revision = revisions::table
        .filter(revisions::article_id.eq(id))
        .filter(revisions::number.eq(number))
        .select((revisions::id, revisions::section_id));
    let (revision, section): (Option<Id>, Option<Option<Id>>) =
        revision.first::<(Id, Option<Id>)>(conn).optional()?.unzip();
    // It may stand elsewhere than all that is held already.
    section.map_or(Ok(()), |section| actor.must_write_in(section))?;
    let absent =
        revision.is_none().then(|| FieldError::new("/revision", "not_found", format!("there is no revision {number}")));
    let is_planned = (row.publish_at, row.scheduled_revision) == (wanted.at, Some(number));
    // What was planned and has happened since is asked for again by whoever lost the answer.
    let is_done = revision.is_some() && row.published_id == revision && wanted.at.is_some_and(|at| at <= now);
    let wrong = wanted.at.filter(|_| !is_planned && !is_done).and_then(|at| wrong_start(at, &row, now));
    let (Some(revision), None) = (revision, &wrong) else {
        return Err(Error::invalid(wrong.into_iter().chain(absent).collect()));
    };
    if row.published_id != Some(revision) && !is_done {
        // Revisions from before, and what was in the trash, may be older than the schema.
        site::check_revisions(conn, vec![revision])?;
    }
    match wanted.at {
        None => publish_now(conn, row, revision, number, actor, now)?,
        Some(_) if is_planned || is_done => {}
        Some(_) if row.published_id == Some(revision) => {
            return Err(Error::with(Code::Conflict, format!("revision {number} is public already")));
        }
        Some(at) => {
            translations::speak_apart(conn, &row, revision, Some(at))?;
            diesel::update(articles::table.find(id))
                .set((
                    articles::publish_at.eq(at),
                    articles::scheduled_id.eq(revision),
                    articles::scheduled_revision.eq(number),
                    articles::updated_at.eq(now),
                    articles::version.eq(articles::version + 1),
                ))
                .execute(conn)?;
            record(conn, &row, Kind::Scheduled, Some(number), vec![START], Some(actor.user), now)?;
        }
    }
    find(conn, &Eyes::Desk(actor.clone()), &id.into())
}

/// What is wrong with the time at which an article is to become public.
fn wrong_start(at: Time, row: &Row, now: Time) -> Option<FieldError> {
    let ended = row.unpublish_at.filter(|end| at >= *end).map(|end| {
        Refusal::new(
            "after_unpublish_at",
            format!("the article is taken down at {end}: publish it before, or move that"),
        )
    });
    to_come(at, now).or(ended).map(|refusal| FieldError::new("/at", refusal.code, refusal.message))
}

/// Why nothing can be scheduled for this time.
fn to_come(at: Time, now: Time) -> Option<Refusal> {
    let farthest = now.plus(FARTHEST);
    if at <= now {
        Some(Refusal::new("in_the_past", format!("this time is over: it is {now} here")))
    } else if at > farthest {
        Some(Refusal::new("too_far", format!("it is at most ten years ahead, until {farthest}")))
    } else {
        None
    }
}

/// Publishes at once, in place of what was scheduled. When it is taken down stays as it was.
fn publish_now(conn: &mut Conn, row: Row, revision: Id, number: i32, actor: &Actor, now: Time) -> Result<()> {
    // An end that is over was that of what was public until now.
    let keep_end = row.published_id == Some(revision) || row.unpublish_at.is_some_and(|end| end > now);
    let row = unschedule(conn, row, keep_end, Some(actor.user), now)?;
    if row.published_id == Some(revision) {
        return Ok(());
    }
    publish(conn, &row, revision, number, Some(actor.user), now)
}

/// Cancels what is scheduled: that a revision becomes public and, unless it is kept, that the article is taken down.
pub fn unschedule(conn: &mut Conn, row: Row, keep_end: bool, by: Option<Id>, now: Time) -> Result<Row> {
    let (starts, ends) = (row.publish_at.is_some(), row.unpublish_at.is_some() && !keep_end);
    let fields: Vec<_> = [(START, starts), (END, ends)].into_iter().filter_map(|(n, is)| is.then_some(n)).collect();
    if fields.is_empty() {
        return Ok(row);
    }
    let unpublish_at = row.unpublish_at.filter(|_| keep_end);
    diesel::update(articles::table.find(row.id))
        .set((
            articles::publish_at.eq(None::<Time>),
            articles::scheduled_id.eq(None::<Id>),
            articles::scheduled_revision.eq(None::<i32>),
            articles::unpublish_at.eq(unpublish_at),
            articles::updated_at.eq(now),
            articles::version.eq(articles::version + 1),
        ))
        .execute(conn)?;
    record(conn, &row, Kind::Unscheduled, row.scheduled_revision, fields, by, now)?;
    Ok(Row { publish_at: None, scheduled_revision: None, unpublish_at, version: row.version + 1, ..row })
}

/// Makes `revision` the public one. The first publication gives the article its date.
///
/// # Errors
/// 409, before anything is changed, where another translation into its language is public.
pub fn publish(conn: &mut Conn, row: &Row, revision: Id, number: i32, by: Option<Id>, now: Time) -> Result<()> {
    translations::speak_apart(conn, row, revision, None)?;
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
    record(conn, row, Kind::Published, Some(number), Vec::new(), by, now)?;
    count(conn, &Row { published_id: Some(revision), ..row.clone() }, 1)?;
    tell(conn, row, (row.published_id, Some(revision)), now)
}

/// Makes the revision public that was scheduled.
pub fn publish_scheduled(conn: &mut Conn, row: &Row, now: Time) -> Result<()> {
    let scheduled: Option<Id> = articles::table.find(row.id).select(articles::scheduled_id).first(conn)?;
    let scheduled = scheduled.zip(row.scheduled_revision);
    let (revision, number) = scheduled.ok_or_else(|| Error::internal("a schedule names no revision"))?;
    let by = events::last_by(conn, row.id, Kind::Scheduled, &[START])?;
    publish(conn, row, revision, number, by, now)
}

/// Cancels that an article becomes public whose time was over before it could.
pub fn miss_scheduled(conn: &mut Conn, row: Row, now: Time) -> Result<Row> {
    let by = events::last_by(conn, row.id, Kind::Scheduled, &[START])?;
    let keep_end = row.published_id.is_some();
    unschedule(conn, row, keep_end, by, now)
}

/// Takes an article down whose time is over.
pub fn unpublish_scheduled(conn: &mut Conn, row: &Row, now: Time) -> Result<()> {
    let by = events::last_by(conn, row.id, Kind::Scheduled, &[END])?;
    unpublish(conn, row, by, now)
}

/// Takes an article down, now or at a time, or cancels only what is scheduled. Doing it again changes nothing.
///
/// # Errors
/// 400 for a time that is over or too far away, 409 where the article is not public before it, or is published after it.
pub fn delete(
    conn: &mut Conn,
    actor: &Actor,
    reference: &Ref,
    wanted: &UnpublishParams,
    expected: &Expected,
) -> Result<()> {
    let row = find_for_update(conn, actor, reference, false)?;
    conflicts::check(conn, &row, expected)?;
    let now = db::now(conn)?;
    if let Some(at) = wanted.at {
        return end_at(conn, &row, at, actor, now);
    }
    let row = unschedule(conn, row, false, Some(actor.user), now)?;
    if wanted.scheduled == Some(true) { Ok(()) } else { unpublish(conn, &row, Some(actor.user), now) }
}

/// Schedules that an article is taken down.
fn end_at(conn: &mut Conn, row: &Row, at: Time, actor: &Actor, now: Time) -> Result<()> {
    let is_done = row.published_id.is_none() && row.published_at.is_some_and(|published| published < at) && at <= now;
    if row.unpublish_at == Some(at) || is_done {
        return Ok(());
    }
    if let Some(refusal) = to_come(at, now) {
        return Err(Error::parameter("at", refusal.code, refusal.message));
    }
    match row.publish_at {
        Some(start) if start >= at => {
            let message = format!("it is scheduled to be published at {start}: take it down after that, or cancel it");
            return Err(Error::with(Code::Conflict, message));
        }
        None if row.published_id.is_none() => {
            return Err(Error::with(Code::Conflict, "it is not public, and not scheduled to be"));
        }
        _ => {}
    }
    diesel::update(articles::table.find(row.id))
        .set((articles::unpublish_at.eq(at), articles::updated_at.eq(now), articles::version.eq(articles::version + 1)))
        .execute(conn)?;
    record(
        conn,
        row,
        Kind::Scheduled,
        row.scheduled_revision.or(row.published_revision),
        vec![END],
        Some(actor.user),
        now,
    )
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

/// Takes an article down. What is not public stays as it is.
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
    record(conn, row, Kind::Unpublished, row.published_revision, Vec::new(), by, now)?;
    tell(conn, row, (row.published_id.filter(|_| row.deleted_at.is_none()), None), now)
}

/// Tells those who follow what is public that another revision of an article is, or none.
pub fn tell(conn: &mut Conn, row: &Row, (before, after): (Option<Id>, Option<Id>), now: Time) -> Result<()> {
    changes::counted(conn, before, after, now)?;
    translations::tell(conn, row, now)?;
    changes::note(conn, slugs::Kind::Article, row.id, now)
}

/// Tells those who follow what is public of the articles in sections that have another path.
pub fn tell_of_sections(conn: &mut Conn, sections: &[Id], now: Time) -> Result<()> {
    use crate::schema::published_articles as v;
    let within: Vec<Option<Id>> = sections.iter().copied().map(Some).collect();
    let mut concerned: Vec<Id> = v::table.filter(v::section_id.eq_any(within)).select(v::id).load(conn)?;
    concerned.sort_unstable();
    for some in concerned.chunks(SOME) {
        lock::rows(
            conn,
            articles::table.filter(among(articles::id, some.to_vec())).order(articles::id).select(articles::id),
        )?;
        changes::note_all(conn, slugs::Kind::Article, some.to_vec(), now)?;
    }
    Ok(())
}

fn record(
    conn: &mut Conn,
    row: &Row,
    kind: Kind,
    revision: Option<i32>,
    fields: Vec<&'static str>,
    by: Option<Id>,
    at: Time,
) -> Result<()> {
    let fields = fields.into_iter().map(str::to_owned).collect();
    events::record(conn, Event { kind, subject: row.id, version: row.version + 1, revision, fields, by, at })
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
