//! Every other statement on changes: numbering them, reading them, and forgetting what went long ago.
//!
//! Who writes a change leaves it without a number, as nobody knows in which order transactions end. Whoever reads has those
//! numbered that have ended, one reader at a time: so a number is seen only when all before it can be.

use super::{bookmark::Bookmark, model::Row};
use crate::{
    app::App,
    clock::Time,
    db::{self, Conn, Db, Id, among, columns, lock, sequence},
    error::{Code, Error, Result},
    jobs::Left,
    schema::{change_starts as starts, change_stream as stream, changes},
    slugs::Kind,
};
use diesel::{
    dsl::{exists, not, select},
    prelude::*,
};

/// Who gives numbers, or takes what has one away, holds this name.
const NAME: &str = "changes";
/// Changes that one transaction numbers, or forgets, at the most.
const SOME: i64 = 1000;

/// How far the changes have come.
#[derive(Debug, Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = stream)]
pub struct Stream {
    last: i64,
    settled_at: Time,
    horizon: i64,
}

impl Stream {
    fn read(conn: &mut Conn) -> Result<Self> {
        Ok(stream::table.select(columns::<Self>()).first(conn)?)
    }
}

/// A part of the changes, and where they go on.
pub struct Part {
    pub rows: Vec<Row>,
    pub next: Bookmark,
    pub more: bool,
}

/// Notes how far the changes had come when a process started.
pub fn begin(conn: &mut Conn) -> Result<()> {
    conn.transaction(|conn| {
        lock::name(conn, NAME)?;
        let (at, last) = (db::now(conn)?, Stream::read(conn)?.last);
        // This start says all that they say, and more.
        diesel::delete(starts::table.filter(starts::last.ge(last))).execute(conn)?;
        let start = (starts::id.eq(Id::new()), starts::at.eq(at), starts::last.eq(last));
        diesel::insert_into(starts::table).values(start).execute(conn)?;
        Ok(())
    })
}

/// Numbers what waits for a number. A row that is being changed again waits until that has ended.
pub async fn settle(db: &Db) -> Result<()> {
    loop {
        if !db.look_up(is_waiting).await? {
            return Ok(());
        }
        let numbered = match db.write(number).await {
            // What has its number can be read all the same.
            Err(error) if matches!(error.code(), Code::Unavailable | Code::StorageFull) => 0,
            numbered => numbered?,
        };
        if numbered < SOME {
            return Ok(());
        }
    }
}

fn is_waiting(conn: &mut Conn) -> Result<bool> {
    Ok(select(exists(changes::table.filter(changes::sequence.is_null()))).get_result(conn)?)
}

fn number(conn: &mut Conn) -> Result<i64> {
    lock::name(conn, NAME)?;
    let last = Stream::read(conn)?.last;
    let numbered = i64::try_from(sequence::number(conn, last, SOME)?).unwrap_or(SOME);
    if numbered > 0 {
        let now = db::now(conn)?;
        let further = (stream::last.eq(last + numbered), stream::settled_at.eq(now));
        diesel::update(stream::table).set(further).execute(conn)?;
    }
    Ok(numbered)
}

/// What was changed after a bookmark; without one, all that is public, and what changes meanwhile.
///
/// # Errors
/// 410 where the reader would miss something.
pub fn list(conn: &mut Conn, after: Option<Bookmark>, kinds: &[Kind], limit: i64) -> Result<Part> {
    let stream = Stream::read(conn)?;
    let after = match after {
        Some(bookmark) => known(conn, &stream, bookmark)?,
        None => Bookmark { sequence: 0, began: stream.last, at: stream.settled_at },
    };
    let mut query = changes::table
        .filter(changes::sequence.gt(after.sequence))
        .filter(changes::sequence.le(stream.last))
        .filter(not(changes::deleted).or(changes::sequence.gt(after.began).assume_not_null()))
        .order(changes::sequence)
        .limit(limit + 1)
        .select(columns::<Row>())
        .into_boxed();
    if !kinds.is_empty() {
        query = query.filter(changes::kind.eq_any(kinds.to_vec()));
    }
    let mut rows = query.load::<Row>(conn)?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let told = rows.last().and_then(|row| row.sequence).filter(|_| more).unwrap_or(stream.last);
    let began = if told < after.began { after.began } else { 0 };
    Ok(Part { rows, next: Bookmark { sequence: told, began, at: stream.settled_at }, more })
}

/// A bookmark from which nothing is missing.
fn known(conn: &mut Conn, stream: &Stream, bookmark: Bookmark) -> Result<Bookmark> {
    let reach = bookmark.reach();
    let again = "start again without `since`, and drop what you have that does not come again";
    if reach < stream.horizon {
        let message = format!("what went since then is forgotten: {again}");
        return Err(Error::with(Code::CursorTooOld, message));
    }
    let came_less_far = starts::table.filter(starts::at.gt(bookmark.at)).filter(starts::last.lt(reach));
    if reach > stream.last || select(exists(came_less_far)).get_result(conn)? {
        let message = format!("the database was restored to a time before: {again}");
        return Err(Error::with(Code::CursorTooOld, message));
    }
    Ok(bookmark)
}

/// Forgets some of what went longer ago than the site tells of it.
pub async fn forget(app: &App, now: Time) -> Result<Left> {
    let Some(before) = app.site().changes.begins(now) else { return Ok(Left::Nothing) };
    let forgotten = app.db.clean_up(move |conn| forget_before(conn, before)).await?;
    Ok(if forgotten > 0 { Left::More } else { Left::Nothing })
}

fn forget_before(conn: &mut Conn, before: Time) -> Result<usize> {
    lock::name(conn, NAME)?;
    let due = changes::table
        .filter(changes::deleted)
        .filter(changes::changed_at.lt(before))
        .filter(changes::sequence.is_not_null())
        .order((changes::changed_at, changes::id));
    let ids = lock::whole_free(conn, due.limit(SOME).select(changes::id))?;
    let forgotten = || changes::table.filter(among(changes::id, ids.clone()));
    let furthest: Option<i64> = forgotten().select(diesel::dsl::max(changes::sequence)).first(conn)?;
    if let Some(furthest) = furthest {
        let nearer = stream::table.filter(stream::horizon.lt(furthest));
        diesel::update(nearer).set(stream::horizon.eq(furthest)).execute(conn)?;
    }
    Ok(diesel::delete(forgotten()).execute(conn)?)
}
