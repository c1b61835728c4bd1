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
use actix_web::{
    HttpResponse,
    http::header,
    web::{self, ServiceConfig},
};
use std::{future::ready, time::Duration};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// What [`pages`] answers `GET` at.
pub const PAGES: &[&str] = &["/setup", "/setup.js"];

/// The page behind the one-time link.
pub fn pages(config: &mut ServiceConfig) {
    let page = |content_type: &'static str, body: &'static str| {
        web::get().to(move || {
            let mut response = HttpResponse::Ok();
            response
                .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
                .insert_header((header::CACHE_CONTROL, "no-store"));
            ready(response.content_type(content_type).body(body))
        })
    };
    config
        .route("/setup", page("text/html; charset=utf-8", include_str!("setup.html")))
        .route("/setup.js", page("text/javascript; charset=utf-8", include_str!("setup.js")));
}

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

/// Whether the one-time link is good, without using it up.
///
/// # Errors
/// As [`create_first_administrator`].
pub fn check(conn: &mut Conn, token: &str, now: Time) -> Result<()> {
    let good = queries::is_one_time_token(conn, PURPOSE, token, now)? && !users::has_administrator(conn)?;
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
    if !queries::use_one_time_token(conn, PURPOSE, token, now)? || users::has_administrator(conn)? {
        return Err(refused());
    }
    let new = users::NewUser { email, name, role: Role::Admin, password_hash: Some(hash), author_id: None };
    Ok(users::insert(conn, &new, Id::new(), now)?.id)
}
