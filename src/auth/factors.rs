//! Every statement on second factors: the secrets of authenticators, and recovery codes.

use super::{
    Keyring,
    queries::{end_sessions, hash_of},
    sign_in::SignedInBy,
    totp::{self, RecoveryCode, SecondCode},
};
use crate::{
    clock::Time,
    db::{Conn, Id},
    error::{Code, Error, Result},
    schema::{recovery_codes as r, sessions, totp_secrets as t, users},
};
use actix_web::http::header::RETRY_AFTER;
use diesel::prelude::*;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);
/// How long a secret waits for its first code.
const PENDING: Duration = HOUR;
/// Wrong codes in a row after which none is looked at for a while: of a million there are three that are right.
const TRIES: i32 = 5;
/// How long that is at first. It doubles each time, up to a day.
const BLOCKED: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = HOUR.saturating_mul(24);

/// What a code was worth.
pub enum Proof {
    Right(SignedInBy),
    Wrong,
    /// It was not looked at: there were too many wrong ones. Recovery codes are looked at all the same.
    Blocked(Time),
}

impl Proof {
    /// # Errors
    /// `wrong`, or 429 where it was not looked at.
    pub fn or(self, wrong: Error, now: Time) -> Result<SignedInBy> {
        match self {
            Self::Right(by) => Ok(by),
            Self::Wrong => Err(wrong),
            Self::Blocked(until) => {
                let detail = format!("there were too many wrong codes; wait until {until}, or use a recovery code");
                let seconds = (until.seconds() - now.seconds() + 1).clamp(1, 86_400);
                Err(Error::with(Code::RateLimited, detail).header(RETRY_AFTER, seconds.to_string()))
            }
        }
    }
}

/// Looks at a code and uses it up. The caller holds the user, so that of many at once one is right; and keeps what this
/// writes, be the code right or wrong: it is counted.
pub fn prove(conn: &mut Conn, keys: &Keyring, user: Id, code: &SecondCode, now: Time) -> Result<Proof> {
    match code {
        SecondCode::Totp(code) => prove_totp(conn, keys, user, code, now),
        SecondCode::Recovery(code) => {
            let known = r::table.filter(r::user_id.eq(user)).filter(r::hash.eq(hash_of(code)));
            if diesel::delete(known).execute(conn)? == 0 {
                return Ok(Proof::Wrong);
            }
            let forgotten = (t::wrong_codes.eq(0), t::blocked_until.eq(0));
            diesel::update(t::table.find(user)).set(forgotten).execute(conn)?;
            Ok(Proof::Right(SignedInBy::RecoveryCode))
        }
    }
}

type Row = (Vec<u8>, bool, i64, i32, Time);

fn prove_totp(conn: &mut Conn, keys: &Keyring, user: Id, code: &str, now: Time) -> Result<Proof> {
    let columns = (t::secret, t::wrapped, t::last_step, t::wrong_codes, t::blocked_until);
    let row: Option<Row> = t::table.find(user).select(columns).first(conn).optional()?;
    let Some((secret, wrapped, last_step, wrong, blocked_until)) = row else { return Ok(Proof::Wrong) };
    if now < blocked_until {
        return Ok(Proof::Blocked(blocked_until));
    }
    let kept = t::table.find(user);
    match totp::step_of(&keys.open(&secret, wrapped)?, code, now)? {
        Some(step) if step > last_step => {
            diesel::update(kept).set((t::last_step.eq(step), t::wrong_codes.eq(0))).execute(conn)?;
            Ok(Proof::Right(SignedInBy::Totp))
        }
        // It was right once: whoever sends it again guesses nothing.
        Some(_) => Ok(Proof::Wrong),
        None => {
            let wrong = wrong.saturating_add(1);
            diesel::update(kept).set(t::wrong_codes.eq(wrong)).execute(conn)?;
            if wrong % TRIES == 0 {
                let doubled = u32::try_from(wrong / TRIES - 1).unwrap_or_default().min(10);
                let until = now.plus(BLOCKED.saturating_mul(1 << doubled).min(LONGEST));
                diesel::update(t::table.find(user)).set(t::blocked_until.eq(until)).execute(conn)?;
            }
            Ok(Proof::Wrong)
        }
    }
}

/// Keeps a secret until a code confirms it. It takes the place of one that was not confirmed.
pub fn begin(conn: &mut Conn, user: Id, (secret, wrapped): &(Vec<u8>, bool), now: Time) -> Result<()> {
    diesel::delete(t::table.find(user)).execute(conn)?;
    let row = (t::user_id.eq(user), t::secret.eq(secret), t::wrapped.eq(*wrapped), t::created_at.eq(now));
    diesel::insert_into(t::table).values(row).execute(conn)?;
    Ok(())
}

/// Whether there is a secret that waits to be confirmed, where the second factor is not on.
pub fn is_begun(conn: &mut Conn, user: Id, now: Time) -> Result<bool> {
    let waiting = t::table.find(user).filter(t::created_at.gt(now.minus(PENDING)));
    Ok(diesel::select(diesel::dsl::exists(waiting)).get_result(conn)?)
}

/// Turns the second factor on. The session that showed a code goes on, as one that did; all others end.
pub fn turn_on(conn: &mut Conn, user: Id, session: Id, codes: &[RecoveryCode], now: Time) -> Result<()> {
    note(conn, user, Some(now), now)?;
    keep_recovery_codes(conn, user, codes)?;
    end_sessions(conn, user, Some(session), now)?;
    signed_in_by(conn, session, SignedInBy::Totp)
}

/// Turns it off, and forgets all that belongs to it. The sessions that go on count as opened by a password alone.
pub fn turn_off(conn: &mut Conn, user: Id, session: Option<Id>, now: Time) -> Result<()> {
    diesel::delete(t::table.find(user)).execute(conn)?;
    diesel::delete(r::table.filter(r::user_id.eq(user))).execute(conn)?;
    note(conn, user, None, now)?;
    end_sessions(conn, user, session, now)?;
    session.map_or(Ok(()), |session| signed_in_by(conn, session, SignedInBy::Password))
}

fn note(conn: &mut Conn, user: Id, since: Option<Time>, now: Time) -> Result<()> {
    let changed = (users::version.eq(users::version + 1), users::updated_at.eq(now));
    diesel::update(users::table.find(user)).set((users::second_factor_at.eq(since), changed)).execute(conn)?;
    Ok(())
}

fn signed_in_by(conn: &mut Conn, session: Id, by: SignedInBy) -> Result<()> {
    diesel::update(sessions::table.find(session)).set(sessions::signed_in_by.eq(by)).execute(conn)?;
    Ok(())
}

/// Keeps the hashes of recovery codes, in the place of those before them.
pub fn keep_recovery_codes(conn: &mut Conn, user: Id, codes: &[RecoveryCode]) -> Result<()> {
    diesel::delete(r::table.filter(r::user_id.eq(user))).execute(conn)?;
    for code in codes {
        let row = (r::user_id.eq(user), r::hash.eq(hash_of(&code.plain())));
        diesel::insert_into(r::table).values(row).execute(conn)?;
    }
    Ok(())
}

/// How many recovery codes are left.
pub fn recovery_codes(conn: &mut Conn, user: Id) -> Result<i64> {
    Ok(r::table.filter(r::user_id.eq(user)).count().get_result(conn)?)
}

/// Forgets secrets that waited too long.
pub fn forget_abandoned(conn: &mut Conn, now: Time) -> Result<usize> {
    let off = users::table.filter(users::second_factor_at.is_null()).select(users::id);
    let waited = t::table.filter(t::created_at.le(now.minus(PENDING))).filter(t::user_id.eq_any(off));
    Ok(diesel::delete(waited).execute(conn)?)
}
