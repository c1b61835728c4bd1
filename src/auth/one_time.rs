//! One-time tokens: what opens something once, for a while. Of each a hash is kept.

use super::queries::hash_of;
use crate::{
    both,
    clock::Time,
    db::{Conn, Id},
    error::Result,
    schema::one_time_tokens as t,
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
    forget(conn, purpose, user)?;
    let row = (
        t::hash.eq(hash_of(token)),
        t::purpose.eq(purpose.name),
        t::user_id.eq(user),
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

/// Whose token it is, without using it up: `None` where it is not good, `Some(None)` where it is nobody's.
pub fn find(conn: &mut Conn, purpose: Purpose, token: &str, now: Time) -> Result<Option<Option<Id>>> {
    let good =
        t::table.filter(t::hash.eq(hash_of(token))).filter(t::purpose.eq(purpose.name)).filter(t::expires_at.gt(now));
    Ok(good.select(t::user_id).first(conn).optional()?)
}

/// Uses a token up. Whether it was good: of two at once, for one.
pub fn take(conn: &mut Conn, purpose: Purpose, token: &str, now: Time) -> Result<bool> {
    let good =
        t::table.filter(t::hash.eq(hash_of(token))).filter(t::purpose.eq(purpose.name)).filter(t::expires_at.gt(now));
    Ok(diesel::delete(good).execute(conn)? == 1)
}

/// Forgets what has expired.
pub fn forget_expired(conn: &mut Conn, now: Time) -> Result<usize> {
    Ok(diesel::delete(t::table.filter(t::expires_at.le(now))).execute(conn)?)
}
