//! Another address to sign in with: it is somebody's once they have shown that they read what is sent there.

use super::one_time::{self, Purpose};
use crate::{
    clock::Time,
    db::{Conn, Id},
    error::{Code, Error, Result},
    mail::{self, Kind, Letter, Mail},
    users::{self, UserRow},
    values::Email,
};
use actix_web::http::header::RETRY_AFTER;
use std::time::Duration;

/// What the link in the letter to the new address opens.
pub const CONFIRMATION: Purpose = Purpose { name: "email_confirmation", lifetime: Duration::from_secs(60 * 60) };

/// Asks the new address whether it is theirs, and tells the old one. What was asked before is void.
///
/// Whether the address is another user's is not told: no letter goes there then.
///
/// # Errors
/// 422 for the address that they have, 429 where they have asked often enough.
pub fn ask(conn: &mut Conn, mail: &Mail, user: &UserRow, email: &Email, now: Time) -> Result<()> {
    if user.email == *email {
        return Err(Error::invalid_field("/email", "unchanged", "it is the address that you have"));
    }
    // By what the old address is told: that is sent for every new one, be it somebody's already or not.
    if mail::has_enough(conn, user.id, Kind::EmailChangeAsked, now)? {
        let message = "one letter a minute, and five an hour; come back later";
        return Err(Error::with(Code::RateLimited, message).header(RETRY_AFTER, "60"));
    }
    one_time::forget(conn, CONFIRMATION, Some(user.id))?;
    mail.post(conn, &Letter::new(Kind::EmailConfirmation, user.id, email), now)?;
    mail.post(conn, &Letter::new(Kind::EmailChangeAsked, user.id, &user.email), now)
}

/// Gives a user the address that their token is about. Their sessions go on.
///
/// # Errors
/// 401 for a token that is not good, 409 where the address has become another user's.
pub fn confirm(conn: &mut Conn, mail: &Mail, token: &str, now: Time) -> Result<Id> {
    let refused = || {
        let message = "the link was used, has expired, or was replaced by another; ask for the change again";
        Error::with(Code::InvalidToken, message)
    };
    let (user, email) = one_time::about(conn, CONFIRMATION, token, now)?.ok_or_else(refused)?;
    let user = users::hold_able(conn, user)?.ok_or_else(refused)?;
    if !one_time::take(conn, CONFIRMATION, token, now)? {
        return Err(refused());
    }
    users::set_email(conn, &user, &email, now)?;
    mail.post(conn, &Letter::new(Kind::EmailChanged, user.id, &user.email), now)?;
    Ok(user.id)
}
