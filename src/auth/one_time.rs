//! One-time tokens: what opens something once, for a while. Of each a hash is kept.

use super::queries::hash_of;
use crate::{
    both,
    clock::Time,
    db::{Conn, Id},
    error::Result,
    schema::one_time_tokens as t,
    values::Email,
};
use diesel::prelude::*;
use std::time::Duration;

/// What a token is for. With a user it is good for them alone.
#[derive(Debug, Clone, Copy)]
pub struct Purpose {
    pub name: &'static str,
    pub lifetime: Duration,
}

/// Keeps a token that is good for one use. It takes the place of the one before it.
pub fn insert(conn: &mut Conn, purpose: Purpose, user: Option<Id>, token: &str, now: Time) -> Result<()> {
    insert_about(conn, purpose, user, None, token, now)
}

/// The same with the address that it is about.
pub fn insert_about(
    conn: &mut Conn,
    purpose: Purpose,
    user: Option<Id>,
    email: Option<&Email>,
    token: &str,
    now: Time,
) -> Result<()> {
    forget(conn, purpose, user)?;
    let row = (
        t::hash.eq(hash_of(token)),
        t::purpose.eq(purpose.name),
        t::user_id.eq(user),
        t::email.eq(email),
        t::created_at.eq(now),
        t::expires_at.eq(now.plus(purpose.lifetime)),
    );
    both!(conn, c => diesel::insert_into(t::table).values(row).execute(c))?;
    Ok(())
}

/// Takes back what a user, or everybody, had for this.
pub fn forget(conn: &mut Conn, purpose: Purpose, user: Option<Id>) -> Result<()> {
    let known = t::table.filter(t::purpose.eq(purpose.name));
    match user {
        Some(user) => diesel::delete(known.filter(t::user_id.eq(user))).execute(conn)?,
        None => diesel::delete(known.filter(t::user_id.is_null())).execute(conn)?,
    };
    Ok(())
}

/// Takes back all that a user had: whoever got it is not to use it any more.
pub fn forget_all(conn: &mut Conn, user: Id) -> Result<()> {
    diesel::delete(t::table.filter(t::user_id.eq(user))).execute(conn)?;
    Ok(())
}

/// A token that still opens what it is for.
#[diesel::dsl::auto_type(no_type_alias)]
fn good(purpose: Purpose, token: &str, now: Time) -> _ {
    let (hash, name): (Vec<u8>, &'static str) = (hash_of(token), purpose.name);
    t::table.filter(t::hash.eq(hash)).filter(t::purpose.eq(name)).filter(t::expires_at.gt(now))
}

/// The address that a token is about, without using it up: `None` where it is not good, or about none.
pub fn about(conn: &mut Conn, purpose: Purpose, token: &str, now: Time) -> Result<Option<(Id, Email)>> {
    let found: Option<(Option<Id>, Option<Email>)> =
        good(purpose, token, now).select((t::user_id, t::email)).first(conn).optional()?;
    Ok(found.and_then(|(user, email)| user.zip(email)))
}

/// Whose token it is, without using it up: `None` where it is not good, `Some(None)` where it is nobody's.
pub fn find(conn: &mut Conn, purpose: Purpose, token: &str, now: Time) -> Result<Option<Option<Id>>> {
    Ok(good(purpose, token, now).select(t::user_id).first(conn).optional()?)
}

/// Uses a token up. Whether it was good: of two at once, for one.
pub fn take(conn: &mut Conn, purpose: Purpose, token: &str, now: Time) -> Result<bool> {
    Ok(diesel::delete(good(purpose, token, now)).execute(conn)? == 1)
}

/// Notes that something was used which is good for one use, and is kept nowhere before. Whether it was the first.
pub fn spend(conn: &mut Conn, purpose: Purpose, token: &str, now: Time) -> Result<bool> {
    let row = (
        t::hash.eq(hash_of(token)),
        t::purpose.eq(purpose.name),
        t::created_at.eq(now),
        t::expires_at.eq(now.plus(purpose.lifetime)),
    );
    Ok(both!(conn, c => diesel::insert_into(t::table).values(row).on_conflict_do_nothing().execute(c))? == 1)
}

/// Forgets what has expired.
pub fn forget_expired(conn: &mut Conn, now: Time) -> Result<usize> {
    Ok(diesel::delete(t::table.filter(t::expires_at.le(now))).execute(conn)?)
}
