//! Invitations: what lets a user choose a password, once, without anybody else knowing it.

use super::{
    model::{Invitation, UserRow},
    queries,
};
use crate::{
    auth::one_time::{self, Purpose},
    clock::Time,
    db::{Conn, Id},
    error::{Code, Error, Result},
    mail::{Kind, Letter, Mail},
};
use std::time::Duration;

/// What lets somebody choose a password. A newer one takes its place.
pub const INVITATION: Purpose = Purpose { name: "invitation", lifetime: Duration::from_secs(7 * 24 * 60 * 60) };

/// Invites a user, and takes back what invited them before. Where mail is sent, nobody but they see what invites them: it is
/// made when the letter is. Else it is `token`.
///
/// # Errors
/// 409 for one who is disabled.
pub fn insert(conn: &mut Conn, mail: &Mail, user: &UserRow, token: &str, now: Time) -> Result<()> {
    if user.disabled_at.is_some() {
        return Err(Error::with(Code::Conflict, "the user is disabled, and could not sign in"));
    }
    if mail.is_on() {
        one_time::forget(conn, INVITATION, Some(user.id))?;
        return mail.post(conn, &Letter::new(Kind::Invitation, user.id, &user.email), now);
    }
    one_time::insert(conn, INVITATION, Some(user.id), token, now)
}

/// Takes back what invited a user.
pub fn forget(conn: &mut Conn, user: Id) -> Result<()> {
    one_time::forget(conn, INVITATION, Some(user))
}

/// What is told of an invitation that was made at a time: its token, where it is shown.
pub fn shown(mail: &Mail, token: Option<String>, now: Time) -> Invitation {
    let by_mail = mail.is_on();
    Invitation { token: token.filter(|_| !by_mail), by_mail, expires_at: now.plus(INVITATION.lifetime) }
}

/// Whom a token invites.
///
/// # Errors
/// 401 for a token that was used, taken back or made long ago, and for one who was disabled or removed since.
pub fn invited(conn: &mut Conn, token: &str, now: Time) -> Result<UserRow> {
    let user = one_time::find(conn, INVITATION, token, now)?.flatten().ok_or_else(refused)?;
    queries::hold_able(conn, user)?.ok_or_else(refused)
}

/// Takes the invitation and gives its user the password that they chose. Whoever they were signed in as before has to sign
/// in again.
///
/// # Errors
/// As [`invited`].
pub fn accept(conn: &mut Conn, mail: &Mail, token: &str, hash: &str, now: Time) -> Result<Id> {
    let user = invited(conn, token, now)?;
    if !one_time::take(conn, INVITATION, token, now)? {
        return Err(refused());
    }
    queries::set_password(conn, user.id, hash, None, now)?;
    if user.password_hash.is_some() {
        mail.post(conn, &Letter::new(Kind::PasswordChanged, user.id, &user.email), now)?;
    }
    Ok(user.id)
}

fn refused() -> Error {
    Error::with(
        Code::InvalidToken,
        "the invitation was used, has expired, or was replaced by another; ask for a new one",
    )
}
