//! Forgotten passwords: a link by mail lets somebody choose another, once.

use super::one_time::{self, Purpose};
use crate::{
    clock::Time,
    db::{Conn, Id},
    error::{Code, Error, Result},
    mail::{Kind, Letter, Mail},
    users::{self, UserRow},
};
use std::time::Duration;

/// What the link opens. A newer one takes its place.
pub const RESET: Purpose = Purpose { name: "password_reset", lifetime: Duration::from_secs(10 * 60) };

/// Whose password a token changes.
///
/// # Errors
/// 401 for a token that was used, replaced or made long ago, and for one who was disabled or removed since.
pub fn asked_by(conn: &mut Conn, token: &str, now: Time) -> Result<UserRow> {
    let user = one_time::find(conn, RESET, token, now)?.flatten().ok_or_else(refused)?;
    users::hold_able(conn, user)?.ok_or_else(refused)
}

/// Uses the token up and gives its user the password that they chose. Whoever they were signed in as has to sign in again.
///
/// # Errors
/// As [`asked_by`].
pub fn reset(conn: &mut Conn, mail: &Mail, token: &str, hash: &str, now: Time) -> Result<Id> {
    let user = asked_by(conn, token, now)?;
    if !one_time::take(conn, RESET, token, now)? {
        return Err(refused());
    }
    users::set_password(conn, user.id, hash, None, now)?;
    mail.post(conn, &Letter::new(Kind::PasswordChanged, user.id, &user.email), now)?;
    Ok(user.id)
}

fn refused() -> Error {
    Error::with(Code::InvalidToken, "the link was used, has expired, or was replaced by another; ask for a new one")
}
