//! Every statement on sessions and refresh tokens.

use super::{Actor, Means, SignIn, SignedInBy, factors, keys::random, model::OpenSession, oidc, one_time, signing};
use crate::{
    both,
    clock::Time,
    db::{Conn, Id, lock},
    error::{Code, Error, Result},
    http::{Page, Window, cursor::Position, json::digest_of},
    permissions::Role,
    schema::{refresh_tokens, sessions, users},
    values::Line,
};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::prelude::*;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a session lives without being used, and how long in all.
const IDLE: Duration = DAY.saturating_mul(30);
const ABSOLUTE: Duration = DAY.saturating_mul(90);
/// How long one lives that a provider's word opened: whoever leaves the house is out within a day.
const BY_PROVIDER: Duration = DAY;
/// How long what has ended is kept.
const REMEMBERED: Duration = DAY.saturating_mul(30);
/// How long a refresh token that was used gives the same successor again, for a client that lost the answer.
const GRACE: Duration = Duration::from_secs(10);
/// Wrong passwords in a row after which a session ends: whoever has its token is not to guess on with it.
const TRIES: i32 = 5;

/// Who a session's tokens speak for: nobody, where the session has ended or the user was disabled.
pub fn actor(conn: &mut Conn, user: Id, session: Id, sign_in: &SignIn, now: Time) -> Result<Option<Actor>> {
    let query = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(session))
        .filter(users::id.eq(user))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(users::disabled_at.is_null())
        .select((users::role, sessions::signed_in_by));
    let found: Option<(Role, SignedInBy)> = both!(conn, c => query.first(c)).optional()?;
    Ok(found.map(|(role, by)| {
        let means = if sign_in.holds_back(role, by) { Means::Unproven(session) } else { Means::Session(session) };
        Actor { user, role, means }
    }))
}

/// Opens a session and gives its first refresh token.
pub fn open_session(conn: &mut Conn, user: Id, by: SignedInBy, device_name: &str, now: Time) -> Result<(Id, String)> {
    let (session, token) = (Id::new(), new_token()?);
    let lifetime = if by == SignedInBy::Provider { BY_PROVIDER } else { ABSOLUTE };
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session),
            sessions::user_id.eq(user),
            sessions::device_name.eq(device_name),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
            sessions::expires_at.eq(now.plus(lifetime)),
            sessions::signed_in_by.eq(by),
        ))
        .execute(conn)?;
    keep_refresh_token(conn, session, &token, now)?;
    Ok((session, token))
}

/// What a refresh token is worth.
pub enum Rotation {
    /// The session and its user, and the next token.
    Next { user: Id, session: Id, by: SignedInBy, token: String },
    /// It was used before: whoever has it now, the session has ended.
    Reused { user: Id, session: Id },
}

/// Uses a refresh token up. Its successor is made from it with a key of the site, so that a client that lost the answer
/// gets the same one within [`GRACE`], and nothing is kept but its hash. Used again later, or after the successor was, it
/// ends its session: two have it.
///
/// # Errors
/// 401 for a token that is unknown, or whose session has ended.
pub fn rotate(conn: &mut Conn, token: &str, key: &[u8], now: Time) -> Result<Rotation> {
    let refused = || Error::with(Code::InvalidToken, "the refresh token is not valid, or no longer; sign in again");
    let hash = hash_of(token);
    let session = session_of(conn, token)?.ok_or_else(refused)?;
    // Of many at once the first makes the successor, and the others find it.
    lock::rows(conn, sessions::table.find(session).select(sessions::id))?;
    let row: Option<(Id, SignedInBy, Option<Time>)> = refresh_tokens::table
        .inner_join(sessions::table.inner_join(users::table))
        .filter(refresh_tokens::hash.eq(&hash))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::last_seen_at.gt(now.minus(IDLE)))
        .filter(users::disabled_at.is_null())
        .select((users::id, sessions::signed_in_by, refresh_tokens::used_at))
        .first(conn)
        .optional()?;
    let (user, by, used_at) = row.ok_or_else(refused)?;
    let next = successor(token, key);
    match used_at {
        None => {
            let used = refresh_tokens::table.find(&hash);
            diesel::update(used).set(refresh_tokens::used_at.eq(now)).execute(conn)?;
            keep_refresh_token(conn, session, &next, now)?;
            diesel::update(sessions::table.find(session)).set(sessions::last_seen_at.eq(now)).execute(conn)?;
        }
        Some(used_at) if used_at > now.minus(GRACE) && is_unused(conn, &next)? => {}
        Some(_) => {
            end_session(conn, session, now)?;
            return Ok(Rotation::Reused { user, session });
        }
    }
    Ok(Rotation::Next { user, session, by, token: next })
}

/// The token that follows one: nobody can tell it without the key.
fn successor(token: &str, key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(&hmac::Key::new(HMAC_SHA256, key), token.as_bytes()))
}

fn is_unused(conn: &mut Conn, token: &str) -> Result<bool> {
    let unused = refresh_tokens::table.find(hash_of(token)).filter(refresh_tokens::used_at.is_null());
    Ok(diesel::select(diesel::dsl::exists(unused)).get_result(conn)?)
}

fn keep_refresh_token(conn: &mut Conn, session: Id, token: &str, now: Time) -> Result<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(hash_of(token)),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// The session behind a refresh token, used or not.
pub fn session_of(conn: &mut Conn, token: &str) -> Result<Option<Id>> {
    let row = refresh_tokens::table.filter(refresh_tokens::hash.eq(hash_of(token))).select(refresh_tokens::session_id);
    Ok(row.first(conn).optional()?)
}

/// Whose session it is.
pub fn owner(conn: &mut Conn, session: Id) -> Result<Id> {
    Ok(sessions::table.find(session).select(sessions::user_id).first(conn)?)
}

/// Ends a session; its tokens are worth nothing from the next request on. Whether it was open.
pub fn end_session(conn: &mut Conn, session: Id, now: Time) -> Result<bool> {
    let open = sessions::table.find(session).filter(sessions::ended_at.is_null());
    Ok(diesel::update(open).set(sessions::ended_at.eq(now)).execute(conn)? == 1)
}

/// Ends all sessions of a user, but for one where it is named.
pub fn end_sessions(conn: &mut Conn, user: Id, except: Option<Id>, now: Time) -> Result<()> {
    let open = sessions::table.filter(sessions::user_id.eq(user)).filter(sessions::ended_at.is_null());
    match except {
        Some(session) => {
            diesel::update(open.filter(sessions::id.ne(session))).set(sessions::ended_at.eq(now)).execute(conn)?
        }
        None => diesel::update(open).set(sessions::ended_at.eq(now)).execute(conn)?,
    };
    Ok(())
}

/// The sessions of a user that go on.
macro_rules! going_on {
    ($user:expr, $now:expr) => {
        sessions::table
            .filter(sessions::user_id.eq($user))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt($now))
            .filter(sessions::last_seen_at.gt($now.minus(IDLE)))
    };
}

/// The sessions of a user, the newest first.
pub fn list_sessions(
    conn: &mut Conn,
    user: Id,
    current: Option<Id>,
    window: &Window,
    now: Time,
) -> Result<Page<OpenSession>> {
    let mut query = going_on!(user, now)
        .select((
            sessions::id,
            sessions::device_name,
            sessions::created_at,
            sessions::last_seen_at,
            sessions::expires_at,
            sessions::signed_in_by,
        ))
        .order(sessions::id.desc())
        .limit(window.limit + 1)
        .offset(window.offset)
        .into_boxed();
    if let Some((_, id)) = window.after_number() {
        query = query.filter(sessions::id.lt(id));
    }
    type Row = (Id, Line<1, 100>, Time, Time, Time, SignedInBy);
    let page = Page::cut(window, query.load::<Row>(conn)?, |row| Position::new(row.2.micros(), row.0));
    let total = window.count.then(|| going_on!(user, now).count().get_result(conn)).transpose()?;
    let shown = |(id, device_name, created_at, last_seen_at, expires_at, signed_in_by): Row| OpenSession {
        id,
        device_name: Some(device_name).filter(|name| !name.as_str().is_empty()),
        created_at,
        last_seen_at,
        expires_at,
        signed_in_by,
        current: Some(id) == current,
    };
    Ok(Page { total, ..page.map(shown) })
}

/// Ends one of a user's sessions.
///
/// # Errors
/// 404 for another's, or one that has ended.
pub fn end_own_session(conn: &mut Conn, user: Id, session: Id, now: Time) -> Result<()> {
    let own = going_on!(user, now).filter(sessions::id.eq(session));
    if !diesel::select(diesel::dsl::exists(own)).get_result::<bool>(conn)? {
        return Err(Error::not_found("session", session));
    }
    end_session(conn, session, now)?;
    Ok(())
}

/// Counts a try to tell the password, before it is looked at: of many at once no more than the bound are.
///
/// Whether there was one left. Where there was none, the session has ended.
pub fn may_try(conn: &mut Conn, session: Id, now: Time) -> Result<bool> {
    let left = sessions::table.find(session).filter(sessions::wrong_passwords.lt(TRIES));
    let counted =
        diesel::update(left).set(sessions::wrong_passwords.eq(sessions::wrong_passwords + 1)).execute(conn)?;
    if counted == 0 {
        end_session(conn, session, now)?;
    }
    Ok(counted == 1)
}

/// Forgets the wrong tries before a right one.
pub fn forget_tries(conn: &mut Conn, session: Id) -> Result<()> {
    diesel::update(sessions::table.find(session)).set(sessions::wrong_passwords.eq(0)).execute(conn)?;
    Ok(())
}

/// Forgets what ended long ago, with its refresh tokens, what was begun and never finished, and keys that nobody believes any more.
pub fn clean_up(conn: &mut Conn, now: Time) -> Result<usize> {
    let long_ago = now.minus(REMEMBERED);
    let ended = sessions::ended_at.lt(long_ago).assume_not_null();
    let expired = sessions::expires_at.lt(long_ago).or(sessions::last_seen_at.lt(long_ago.minus(IDLE)));
    let over = sessions::table.filter(ended.and(sessions::ended_at.is_not_null()).or(expired));
    let gone = diesel::delete(over).execute(conn)?;
    let unused = one_time::forget_expired(conn, now)? + oidc::forget_expired(conn, now)?;
    Ok(gone + unused + factors::forget_abandoned(conn, now)? + signing::forget_retired(conn, now)?)
}

/// 256 bits in base64url.
pub fn new_token() -> Result<String> {
    let bytes = random::<32>().map_err(|_| Error::internal("the system gives no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

pub fn hash_of(token: &str) -> Vec<u8> {
    digest_of(token.as_bytes()).to_vec()
}
