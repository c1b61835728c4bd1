//! The first administrator: from the environment, or by a one-time link.

use super::{
    passwords::{self, Password},
    queries,
};
use crate::{
    clock::{self, Time},
    db::{Conn, Id},
    error::{Code, Error, Result},
    permissions::Role,
    users,
    values::Email,
};
use std::time::Duration;

const PURPOSE: &str = "setup";
/// How long the one-time link is good for; the next start prints another.
const LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);

/// Sees to it that somebody can administer: makes the administrator who was named, or a token for the link to print.
/// Does nothing where somebody can.
pub fn first_start(conn: &mut Conn, named: Option<(&Email, &Password)>) -> Result<Option<String>> {
    if users::has_administrator(conn)? {
        return Ok(None);
    }
    match named {
        Some((email, password)) => {
            let hash = passwords::hash(password)?;
            let name = email.as_ref().split('@').next().unwrap_or_default();
            users::insert(
                conn,
                &users::NewUser { email, name, role: Role::Admin, password_hash: Some(&hash), author_id: None },
                Id::new(),
                clock::now(),
            )?;
            Ok(None)
        }
        None => queries::new_one_time_token(conn, PURPOSE, LIFETIME, clock::now()).map(Some),
    }
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
    if !queries::use_one_time_token(conn, PURPOSE, token, now)? || users::has_administrator(conn)? {
        return Err(Error::with(
            Code::InvalidToken,
            "the link was used, has expired, or is not needed any more; start anew for another",
        ));
    }
    let new = users::NewUser { email, name, role: Role::Admin, password_hash: Some(hash), author_id: None };
    Ok(users::insert(conn, &new, Id::new(), now)?.id)
}
