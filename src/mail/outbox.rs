//! Every statement on letters.

use super::model::{Kind, Letter, Row};
use crate::{
    auth::{new_token, one_time},
    clock::Time,
    db::{self, Conn, Id, columns, lock},
    error::Result,
    schema::letters,
    users::{self, UserRow},
    values::{Email, Line},
};
use diesel::prelude::*;
use std::time::Duration;

/// How long a letter is one process's, which tries to send it: longer than a try may take.
pub const LEASE: Duration = Duration::from_secs(90);
/// How long what was sent is kept, which counts how many somebody got, and what was given up, for whoever asks why.
const SENT_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const GIVEN_UP_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// Letters that somebody gets who asks for them again and again: one in the shorter span, and so many in the longer one.
pub const AT_MOST: [(Duration, i64); 2] = [(Duration::from_secs(60), 1), (Duration::from_secs(60 * 60), 5)];

pub fn insert(conn: &mut Conn, letter: &Letter<'_>, now: Time) -> Result<()> {
    diesel::insert_into(letters::table)
        .values((
            letters::id.eq(Id::new()),
            letters::kind.eq(letter.kind),
            letters::user_id.eq(letter.user),
            letters::email.eq(letter.to),
            letters::created_at.eq(now),
            letters::expires_at.eq(now.plus(letter.kind.worth_sending())),
            letters::next_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// What is to be tried now, the longest ago first.
pub fn due(conn: &mut Conn, limit: i64) -> Result<Vec<Id>> {
    let now = db::now(conn)?;
    let due = letters::table.filter(letters::next_at.le(now)).order(letters::next_at).limit(limit);
    Ok(due.select(letters::id).load(conn)?)
}

/// What became of a letter that was to be tried.
pub enum Taken {
    /// It is ours until its lease is over.
    Ready(Ready),
    /// Nobody wants it, or another process has it.
    Nothing,
    /// It was worth sending once.
    TooLate(Kind),
}

/// A letter to be sent now.
pub struct Ready {
    pub id: Id,
    pub kind: Kind,
    /// Which try this is, from 1.
    pub attempt: i32,
    pub to: Email,
    pub name: Line<1, 100>,
    /// What it opens. It is kept nowhere else.
    pub token: Option<String>,
}

/// Takes a letter: no other process does until its lease is over. Its token is made now, so that nothing that waits
/// opens anything, and takes the place of the one before it.
pub fn take(conn: &mut Conn, id: Id) -> Result<Taken> {
    let Some(row) = find(conn, id)? else { return Ok(Taken::Nothing) };
    // The user before the letter, in which order everybody holds them.
    let user = addressee(conn, &row)?;
    if !lock::free(conn, letters::table.find(id).select(letters::id))? {
        return Ok(Taken::Nothing);
    }
    let now = db::now(conn)?;
    let Some(row) = find(conn, id)?.filter(|row| row.next_at.is_some_and(|at| at <= now)) else {
        return Ok(Taken::Nothing);
    };
    let wanted = match (&user, &row.email) {
        (Some(user), Some(email)) => is_wanted(conn, &row, user, email, now)?,
        _ => false,
    };
    let (true, Some(user), Some(to)) = (wanted, user, row.email) else {
        diesel::delete(letters::table.find(id)).execute(conn)?;
        return Ok(Taken::Nothing);
    };
    if row.expires_at <= now {
        give_up(conn, id, row.attempts, "it came too late", now)?;
        return Ok(Taken::TooLate(row.kind));
    }
    let token = match row.kind.purpose() {
        Some(purpose) => {
            withdraw_others(conn, user.id, row.kind, id, now)?;
            let token = new_token()?;
            one_time::insert_about(conn, purpose, Some(user.id), Some(&to), &token, now)?;
            Some(token)
        }
        None => None,
    };
    let (attempts, until) = (letters::attempts.eq(letters::attempts + 1), letters::next_at.eq(now.plus(LEASE)));
    diesel::update(letters::table.find(id)).set((letters::user_id.eq(user.id), attempts, until)).execute(conn)?;
    let attempt = row.attempts + 1;
    Ok(Taken::Ready(Ready { id, kind: row.kind, attempt, to, name: user.name, token }))
}

fn find(conn: &mut Conn, id: Id) -> Result<Option<Row>> {
    Ok(letters::table.find(id).select(columns::<Row>()).first(conn).optional()?)
}

/// Whom a letter is for, held: nobody, where there is no such account.
fn addressee(conn: &mut Conn, row: &Row) -> Result<Option<UserRow>> {
    let user = match (row.user_id, &row.email) {
        (Some(user), _) => Some(user),
        (None, Some(email)) => users::find_by_email(conn, email)?.map(|user| user.id),
        (None, None) => None,
    };
    user.map_or(Ok(None), |user| users::hold_if_there(conn, user))
}

/// Whether a letter is still to be sent: much may have happened since it was asked for.
fn is_wanted(conn: &mut Conn, row: &Row, user: &UserRow, email: &Email, now: Time) -> Result<bool> {
    let able = user.disabled_at.is_none();
    Ok(match row.kind {
        Kind::Invitation => able && user.email == *email,
        // Who has chosen no password yet has forgotten none.
        Kind::PasswordReset => {
            let known = able && user.password_hash.is_some() && user.email == *email;
            known && (row.attempts > 0 || !has_enough(conn, user.id, row.kind, now)?)
        }
        // Whose address it is already is not asked whether it is somebody else's.
        Kind::EmailConfirmation => able && users::find_by_email(conn, email)?.is_none(),
        Kind::EmailChangeAsked | Kind::EmailChanged | Kind::PasswordChanged => true,
    })
}

/// Whether somebody gets no more letters of a kind for now.
pub fn has_enough(conn: &mut Conn, user: Id, kind: Kind, now: Time) -> Result<bool> {
    for (span, most) in AT_MOST {
        if count_since(conn, user, kind, now.minus(span))? >= most {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Letters of a kind that somebody asked for since then.
pub fn count_since(conn: &mut Conn, user: Id, kind: Kind, since: Time) -> Result<i64> {
    let theirs = letters::table.filter(letters::user_id.eq(user)).filter(letters::kind.eq(kind));
    Ok(theirs.filter(letters::created_at.gt(since)).count().get_result(conn)?)
}

/// Sees to it that what waits for somebody and would open something is not sent: its token would be made anew.
pub fn withdraw(conn: &mut Conn, user: Id, now: Time) -> Result<()> {
    for kind in Kind::ALL.into_iter().filter(|kind| kind.purpose().is_some()) {
        // No letter has the id of a new one.
        withdraw_others(conn, user, kind, Id::new(), now)?;
    }
    Ok(())
}

/// The same with those of a kind that one letter takes the place of.
fn withdraw_others(conn: &mut Conn, user: Id, kind: Kind, but: Id, now: Time) -> Result<()> {
    let waiting = letters::table
        .filter(letters::user_id.eq(user))
        .filter(letters::kind.eq(kind))
        .filter(letters::next_at.is_not_null())
        .filter(letters::id.ne(but));
    let (over, forgotten) = (letters::next_at.eq(None::<Time>), letters::email.eq(None::<Email>));
    let why = letters::why.eq("another took its place, or it is not wanted any more");
    diesel::update(waiting).set((over, forgotten, letters::given_up_at.eq(now), why)).execute(conn)?;
    Ok(())
}

/// Notes that a letter was sent, though it was not wanted any more while it was on its way. Only by the try that sent it:
/// another may have begun since.
pub fn sent(conn: &mut Conn, id: Id, attempt: i32, now: Time) -> Result<()> {
    let ours = letters::table.find(id).filter(letters::attempts.eq(attempt));
    let (over, forgotten) = (letters::next_at.eq(None::<Time>), letters::email.eq(None::<Email>));
    let known = (letters::sent_at.eq(now), letters::given_up_at.eq(None::<Time>), letters::why.eq(None::<&str>));
    diesel::update(ours).set((over, forgotten, known)).execute(conn)?;
    Ok(())
}

/// Lets a letter wait for its next try.
pub fn put_off(conn: &mut Conn, id: Id, attempt: i32, why: &str, pause: Duration) -> Result<()> {
    let next_at = db::now(conn)?.plus(pause);
    let ours = letters::table.find(id).filter(letters::attempts.eq(attempt)).filter(letters::next_at.is_not_null());
    diesel::update(ours).set((letters::next_at.eq(next_at), letters::why.eq(why))).execute(conn)?;
    Ok(())
}

/// Notes that a letter is not sent, and why.
pub fn give_up(conn: &mut Conn, id: Id, attempt: i32, why: &str, now: Time) -> Result<()> {
    let ours = letters::table.find(id).filter(letters::attempts.eq(attempt)).filter(letters::next_at.is_not_null());
    let (over, forgotten) = (letters::next_at.eq(None::<Time>), letters::email.eq(None::<Email>));
    diesel::update(ours).set((over, forgotten, letters::given_up_at.eq(now), letters::why.eq(why))).execute(conn)?;
    Ok(())
}

/// Forgets what was sent or given up long ago, and what waits where no mail is sent any more.
pub fn clean_up(conn: &mut Conn, now: Time) -> Result<usize> {
    let sent = letters::sent_at.lt(now.minus(SENT_KEPT)).assume_not_null().and(letters::sent_at.is_not_null());
    let given_up = letters::given_up_at.lt(now.minus(GIVEN_UP_KEPT)).assume_not_null();
    let given_up = given_up.and(letters::given_up_at.is_not_null());
    let left = letters::expires_at.lt(now.minus(SENT_KEPT)).and(letters::next_at.is_not_null());
    Ok(diesel::delete(letters::table.filter(sent.or(given_up).or(left))).execute(conn)?)
}
