//! The first administrator: from the environment, or by a one-time link.

use super::{
    one_time::{self, Purpose},
    passwords::{self, Password},
    queries,
    strength::Known,
};
use crate::{
    audit::{self, Outcome},
    clock::{self, Time},
    db::{Conn, Id},
    error::{Code, Error, Result},
    permissions::Role,
    users,
    values::Email,
};
use std::time::Duration;

/// The one-time link; the next start prints another.
const LINK: Purpose = Purpose { name: "setup", lifetime: Duration::from_secs(24 * 60 * 60) };

/// Sees to it that somebody can administer: makes the administrator who was named, or a token for the link to print.
/// Does nothing where somebody can.
///
/// # Errors
/// 422 for a password that is easily guessed.
pub fn first_start(conn: &mut Conn, named: Option<(&Email, &Password)>, site: &str) -> Result<Option<String>> {
    if users::has_administrator(conn)? {
        return Ok(None);
    }
    match named {
        Some((email, password)) => {
            let name = email.as_ref().split('@').next().unwrap_or_default();
            let known = Known { email: email.clone(), name: name.to_owned(), site: site.to_owned() };
            let hash = passwords::choose(password, &known)?;
            let user = users::insert(
                conn,
                &users::NewUser { email, name, role: Role::Admin, password_hash: Some(&hash), author_id: None },
                Id::new(),
                clock::now(),
            )?;
            audit::Record::of_command("set_up", "users", Some(user.id)).insert(conn, Outcome::Done)?;
            Ok(None)
        }
        None => {
            let token = queries::new_token()?;
            one_time::insert(conn, LINK, None, &token, clock::now())?;
            Ok(Some(token))
        }
    }
}

/// Whether the one-time link is good, without using it up.
///
/// # Errors
/// As [`create_first_administrator`].
pub fn check(conn: &mut Conn, token: &str, now: Time) -> Result<()> {
    let good = one_time::find(conn, LINK, token, now)?.is_some() && !users::has_administrator(conn)?;
    if good { Ok(()) } else { Err(refused()) }
}

fn refused() -> Error {
    Error::with(Code::InvalidToken, "the link was used, has expired, or is not needed any more; start anew for another")
}

/// Makes the administrator whom the one-time link asked for.
///
/// # Errors
/// 401 where the token is not good, or somebody is there already.
pub fn create_first_administrator(
    conn: &mut Conn,
    token: &str,
    email: &Email,
    name: &str,
    hash: &str,
    now: Time,
) -> Result<Id> {
    if !one_time::take(conn, LINK, token, now)? || users::has_administrator(conn)? {
        return Err(refused());
    }
    let new = users::NewUser { email, name, role: Role::Admin, password_hash: Some(hash), author_id: None };
    Ok(users::insert(conn, &new, Id::new(), now)?.id)
}
