//! Every statement on sessions, refresh tokens and one-time tokens.

use super::{Actor, keys::random};
use crate::{
    both,
    clock::Time,
    db::{Conn, Id},
    error::{Code, Error, Result},
    permissions::Role,
    schema::{one_time_tokens, refresh_tokens, sessions, users},
};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::prelude::*;
use std::time::Duration;

/// How long a session lives without being used, and how long in all.
const IDLE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const ABSOLUTE: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Who a session's tokens speak for: nobody, where the session has ended or the user was disabled.
pub fn actor(conn: &mut Conn, user: Id, session: Id, now: Time) -> Result<Option<Actor>> {
    let query = sessions::table
        .inner_join(users::table)
        .filter(sessions::id.eq(session))
        .filter(users::id.eq(user))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(users::disabled_at.is_null())
        .select(users::role);
    let role: Option<Role> = both!(conn, c => query.first(c)).optional()?;
    Ok(role.map(|role| Actor { user, session, role }))
}

/// Opens a session and gives its first refresh token.
pub fn open_session(conn: &mut Conn, user: Id, device_name: &str, now: Time) -> Result<(Id, String)> {
    let session = Id::new();
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(session),
            sessions::user_id.eq(user),
            sessions::device_name.eq(device_name),
            sessions::created_at.eq(now),
            sessions::last_seen_at.eq(now),
            sessions::expires_at.eq(now.plus(ABSOLUTE)),
        ))
        .execute(conn)?;
    Ok((session, new_refresh_token(conn, session, now)?))
}

/// What a refresh token is worth.
pub enum Rotation {
    /// The session and its user, and the next token.
    Next { user: Id, session: Id, token: String },
    /// It was used before: whoever has it now, the session has ended.
    Reused,
}

/// Uses a refresh token up. One that was used before ends its session.
///
/// # Errors
/// 401 for a token that is unknown, or whose session has ended.
pub fn rotate(conn: &mut Conn, token: &str, now: Time) -> Result<Rotation> {
    let hash = hash_of(token);
    let refused = || Error::with(Code::InvalidToken, "the refresh token is not valid, or no longer; sign in again");
    let row: Option<(Id, Id)> = refresh_tokens::table
        .inner_join(sessions::table.inner_join(users::table))
        .filter(refresh_tokens::hash.eq(&hash))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::last_seen_at.gt(now.minus(IDLE)))
        .filter(users::disabled_at.is_null())
        .select((users::id, sessions::id))
        .first(conn)
        .optional()?;
    let (user, session) = row.ok_or_else(refused)?;
    // One statement decides who was first, so that two at once get one successor.
    let unused = refresh_tokens::table.filter(refresh_tokens::hash.eq(&hash)).filter(refresh_tokens::used_at.is_null());
    if diesel::update(unused).set(refresh_tokens::used_at.eq(now)).execute(conn)? == 0 {
        end_session(conn, session, now)?;
        return Ok(Rotation::Reused);
    }
    diesel::update(sessions::table.find(session)).set(sessions::last_seen_at.eq(now)).execute(conn)?;
    Ok(Rotation::Next { user, session, token: new_refresh_token(conn, session, now)? })
}

/// Ends a session; its tokens are worth nothing from the next request on.
pub fn end_session(conn: &mut Conn, session: Id, now: Time) -> Result<()> {
    let open = sessions::table.find(session).filter(sessions::ended_at.is_null());
    diesel::update(open).set(sessions::ended_at.eq(now)).execute(conn)?;
    Ok(())
}

/// The session behind a refresh token, used or not.
pub fn session_of(conn: &mut Conn, token: &str) -> Result<Option<Id>> {
    let row = refresh_tokens::table.filter(refresh_tokens::hash.eq(hash_of(token))).select(refresh_tokens::session_id);
    Ok(row.first(conn).optional()?)
}

fn new_refresh_token(conn: &mut Conn, session: Id, now: Time) -> Result<String> {
    let token = new_token()?;
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(hash_of(&token)),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(token)
}

/// Makes a token that is good for one use, and replaces the others of its purpose.
pub fn new_one_time_token(conn: &mut Conn, purpose: &str, lifetime: Duration, now: Time) -> Result<String> {
    let token = new_token()?;
    diesel::delete(one_time_tokens::table.filter(one_time_tokens::purpose.eq(purpose))).execute(conn)?;
    let row = (
        one_time_tokens::hash.eq(hash_of(&token)),
        one_time_tokens::purpose.eq(purpose),
        one_time_tokens::created_at.eq(now),
        one_time_tokens::expires_at.eq(now.plus(lifetime)),
    );
    both!(conn, c => diesel::insert_into(one_time_tokens::table).values(row).execute(c))?;
    Ok(token)
}

/// Whether a one-time token is good, without using it up.
pub fn is_one_time_token(conn: &mut Conn, purpose: &str, token: &str, now: Time) -> Result<bool> {
    let good = one_time_tokens::table
        .filter(one_time_tokens::hash.eq(hash_of(token)))
        .filter(one_time_tokens::purpose.eq(purpose))
        .filter(one_time_tokens::expires_at.gt(now));
    Ok(diesel::select(diesel::dsl::exists(good)).get_result(conn)?)
}

/// Uses a one-time token up. Whether it was good for this.
pub fn use_one_time_token(conn: &mut Conn, purpose: &str, token: &str, now: Time) -> Result<bool> {
    let good = one_time_tokens::table
        .filter(one_time_tokens::hash.eq(hash_of(token)))
        .filter(one_time_tokens::purpose.eq(purpose))
        .filter(one_time_tokens::expires_at.gt(now));
    Ok(diesel::delete(good).execute(conn)? == 1)
}

/// 256 bits in base64url.
fn new_token() -> Result<String> {
    let bytes = random::<32>().map_err(|_| Error::internal("the system gives no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn hash_of(token: &str) -> Vec<u8> {
    digest(&SHA256, token.as_bytes()).as_ref().to_vec()
}
