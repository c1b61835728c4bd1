//! Idempotency keys: the first answer to a key, kept for a day with the write that it answers.

use crate::{
    both,
    clock::Time,
    db::{Conn, Id},
    error::{Code, Error, Result},
    http::Answer,
    schema::idempotency_keys as keys,
};
use actix_web::http::StatusCode;
use diesel::prelude::*;
use std::time::Duration;

/// How long an answer is kept.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// A key, and what it is used for.
pub struct Claim<'a> {
    /// Whose key it is.
    pub scope: &'a str,
    pub key: &'a str,
    /// Method, path and query.
    pub operation: &'a str,
    pub digest: &'a [u8],
}

type Kept = (String, Vec<u8>, i32, Vec<u8>, Option<String>, Option<String>);

/// Takes the key for this transaction, or gives the answer that it had before. Another who holds the key is waited for.
///
/// # Errors
/// 422 where the key was used for another request.
pub fn claim(conn: &mut Conn, claim: &Claim<'_>, now: Time) -> Result<Option<Answer>> {
    diesel::delete(keys::table.filter(keys::created_at.lt(now.minus(KEPT)))).execute(conn)?;
    let row = (
        keys::scope.eq(claim.scope),
        keys::key.eq(claim.key),
        keys::operation.eq(claim.operation),
        keys::digest.eq(claim.digest),
        keys::status.eq(0),
        keys::body.eq(&[] as &[u8]),
        keys::created_at.eq(now),
    );
    let taken = both!(conn, c => diesel::insert_into(keys::table).values(row).on_conflict_do_nothing().execute(c))?;
    if taken == 1 {
        return Ok(None);
    }
    let (operation, digest, status, body, etag, location): Kept = mine(claim)
        .select((keys::operation, keys::digest, keys::status, keys::body, keys::etag, keys::location))
        .first(conn)?;
    if operation != claim.operation || digest != claim.digest {
        return Err(Error::new(Code::IdempotencyKeyReused));
    }
    let status = u16::try_from(status).ok().and_then(|s| StatusCode::from_u16(s).ok());
    let status = status.ok_or_else(|| Error::internal("a kept answer has no status"))?;
    Ok(Some(Answer { etag, location, replayed: true, ..Answer::new(status, body) }))
}

/// Keeps the answer with the key that was claimed.
pub fn keep(conn: &mut Conn, claim: &Claim<'_>, answer: &Answer) -> Result<()> {
    diesel::update(mine(claim))
        .set((
            keys::status.eq(i32::from(answer.status.as_u16())),
            keys::body.eq(&answer.body),
            keys::etag.eq(&answer.etag),
            keys::location.eq(&answer.location),
        ))
        .execute(conn)?;
    Ok(())
}

/// Writes something that nobody misses, to see whether it can be written.
pub fn try_out(conn: &mut Conn, now: Time) -> Result<()> {
    let key = Id::new().to_string();
    let nobody = Claim { scope: "nobody", key: &key, operation: "", digest: b"" };
    claim(conn, &nobody, now)?;
    diesel::delete(mine(&nobody)).execute(conn)?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn mine<'a>(claim: &'a Claim<'a>) -> _ {
    let scope: &'a str = claim.scope;
    let key: &'a str = claim.key;
    keys::table.filter(keys::scope.eq(scope)).filter(keys::key.eq(key))
}
