//! The one error type: what a client may be told, as RFC 9457 problem details.

use crate::{http::Conflict, values::Slug};
use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName},
    },
};
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use serde::Serialize;
use std::{borrow::Cow, fmt};
use utoipa::ToSchema;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The table of everything that can go wrong: the code's name in Rust, on the wire, its status, its title.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $wire:literal, $status:ident, $title:literal;)*) => {
        /// What went wrong, stable over time.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = ProblemCode)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $wire,)* }
            }

            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    MalformedJson = "malformed_json", BAD_REQUEST, "The body is not well-formed JSON";
    InvalidParameter = "invalid_parameter", BAD_REQUEST, "A query parameter or header is unknown or has no valid value";
    InvalidCursor = "invalid_cursor", BAD_REQUEST, "The cursor was not made by this list";
    BadRequest = "bad_request", BAD_REQUEST, "The request cannot be understood";
    SignInInvalid = "sign_in_invalid", BAD_REQUEST, "The sign-in was not begun in this browser, took too long, or is over";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Sign in first";
    InvalidCredentials = "invalid_credentials", UNAUTHORIZED, "The email address or the password is wrong";
    SecondFactorRequired = "second_factor_required", UNAUTHORIZED, "A code of the second factor is asked for";
    SecondFactorInvalid = "second_factor_invalid", UNAUTHORIZED, "The code of the second factor is not good";
    IdentityInvalid = "identity_invalid", UNAUTHORIZED, "What the provider says does not hold";
    InvalidToken = "invalid_token", UNAUTHORIZED, "The token is not valid, or no longer";
    Forbidden = "forbidden", FORBIDDEN, "Your role may not do this";
    SecondFactorMissing = "second_factor_missing", FORBIDDEN, "Set up a second factor first";
    SignInRefused = "sign_in_refused", FORBIDDEN, "The provider let nobody in";
    EmailUnverified = "email_unverified", FORBIDDEN, "The email address is not verified";
    AccountNotLinked = "account_not_linked", FORBIDDEN, "The account is not yours by this provider";
    NotOnStaff = "not_on_staff", FORBIDDEN, "You are not on the staff here";
    NotForKeys = "not_for_keys", FORBIDDEN, "Keys may not do this";
    NotFound = "not_found", NOT_FOUND, "Nothing is here";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not allowed here";
    NotAcceptable = "not_acceptable", NOT_ACCEPTABLE, "No representation here is acceptable to you";
    SlugTaken = "slug_taken", CONFLICT, "The slug is taken";
    InUse = "in_use", CONFLICT, "Something still uses it";
    LastAdministrator = "last_administrator", CONFLICT, "Nobody else could administer";
    MailNotConfigured = "mail_not_configured", CONFLICT, "This server sends no mail";
    Conflict = "conflict", CONFLICT, "The state it is in does not allow this";
    CursorTooOld = "cursor_too_old", GONE, "The way from there is not known any more";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "It was changed since you read it";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The body took too long to come";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body's media type is not taken here";
    ValidationFailed = "validation_failed", UNPROCESSABLE_ENTITY, "Some fields are not valid";
    CommentsClosed = "comments_closed", UNPROCESSABLE_ENTITY, "The article takes no comments";
    BulkFailed = "bulk_failed", UNPROCESSABLE_ENTITY, "Not all articles could be changed";
    PreflightFailed = "preflight_failed", UNPROCESSABLE_ENTITY, "Preflight found errors";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The key was used with another request";
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong here";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Not available at the moment";
    ProviderUnavailable = "provider_unavailable", SERVICE_UNAVAILABLE, "The provider cannot be reached";
    StorageFull = "storage_full", INSUFFICIENT_STORAGE, "The disk is full";
}

/// One mistake in a request, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// A JSON Pointer into the body, or the name of the parameter or header.
    #[schema(max_length = 500, pattern = "^[^\\x00-\\x1f]*$", example = "/title")]
    pub pointer: String,
    /// What is wrong, stable over time.
    #[schema(max_length = 60, pattern = "^[a-z0-9_]+$", example = "required")]
    pub code: Cow<'static, str>,
    /// The same for people, with what is allowed.
    #[schema(max_length = 2000, pattern = "^[^\\x00]*$", example = "a title is required")]
    pub message: String,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code: code.into(), message: message.into() }
    }

    fn told(&self) -> Self {
        Self::new(told(&self.pointer, MAX_POINTER), self.code.clone(), told(&self.message, MAX_MESSAGE))
    }
}

/// Characters of a pointer and of a message that are sent, and mistakes in one answer.
const MAX_POINTER: usize = 500;
const MAX_MESSAGE: usize = 2000;
const MAX_ERRORS: usize = 100;

/// A text that may repeat what the client sent, fit to be sent back: without control characters, and with its middle
/// left out where it is long. Both ends are kept, since what is allowed stands at the end.
fn told(text: &str, max: usize) -> String {
    let plain = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let length = text.chars().count();
    if length <= max {
        return text.chars().map(plain).collect();
    }
    let (head, tail) = (max / 4, max - max / 4 - 1);
    let head = text.chars().take(head);
    let tail = text.chars().skip(length - tail);
    head.chain(['…']).chain(tail).map(plain).collect()
}

/// A problem (RFC 9457): the body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// A URI that names the kind of problem.
    #[serde(rename = "type")]
    #[schema(format = "uri", max_length = 100, example = "urn:stet:problem:not_found")]
    kind: String,
    /// The kind of problem in words.
    #[schema(max_length = 100, pattern = "^[^\\x00]*$", example = "Nothing is here")]
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    status: u16,
    /// What happened this time.
    #[schema(max_length = 2000, pattern = "^[^\\x00]*$", example = "there is no tag `harbour`")]
    detail: String,
    code: Code,
    /// The request's id, as in `X-Request-Id` and in the log.
    #[schema(max_length = 128, pattern = "^[\\x21-\\x7e]*$", example = "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d")]
    request_id: String,
    /// Every mistake that was found in the request.
    #[schema(max_items = 100)]
    errors: Vec<FieldError>,
    /// With a 412 on an article: what has happened to it since it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conflict: Option<Conflict>,
}

/// Something that went wrong, with what the client may know of it.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    detail: Option<String>,
    errors: Vec<FieldError>,
    conflict: Option<Conflict>,
    headers: Vec<(HeaderName, String)>,
    /// For the log alone.
    cause: Option<anyhow::Error>,
    lost_race: bool,
    old_slug: Option<OldSlug>,
}

/// What was not found by a slug goes by another now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldSlug {
    pub old: Slug,
    pub now: Slug,
}

impl Error {
    pub fn new(code: Code) -> Self {
        Self(Box::new(Inner {
            code,
            detail: None,
            errors: Vec::new(),
            conflict: None,
            headers: Vec::new(),
            cause: None,
            lost_race: false,
            old_slug: None,
        }))
    }

    pub fn with(code: Code, detail: impl Into<String>) -> Self {
        let mut error = Self::new(code);
        error.0.detail = Some(detail.into());
        error
    }

    /// A 404 that names what was looked for.
    pub fn not_found(kind: &str, reference: impl fmt::Display) -> Self {
        Self::with(Code::NotFound, format!("there is no {kind} `{reference}`"))
    }

    /// A 409; one that was found free a moment ago was lost to another, so that it may be tried again.
    pub fn slug_taken(message: String, chosen: bool) -> Self {
        let mut error = Self::with(Code::SlugTaken, message.clone());
        error.0.lost_race = !chosen;
        error.list(vec![FieldError::new("/slug", "taken", message)])
    }

    /// A 422 with every mistake that was found.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => one.message.clone(),
            [one] => format!("{}: {}", one.pointer, one.message),
            many => format!("{} mistakes were found", many.len()),
        };
        Self::with(Code::ValidationFailed, detail).list(errors)
    }

    /// A 422 with one mistake.
    pub fn invalid_field(pointer: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(pointer, code, message)])
    }

    /// A 400 that names the parameter or header.
    pub fn parameter(name: &str, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let message = message.into();
        Self::with(Code::InvalidParameter, format!("`{name}`: {message}"))
            .list(vec![FieldError::new(name, code, message)])
    }

    /// A 503 that asks to come back in a second.
    pub fn unavailable(detail: &str) -> Self {
        Self::with(Code::Unavailable, detail)
    }

    pub fn internal(cause: &'static str) -> Self {
        Self::new(Code::Internal).because(anyhow::anyhow!(cause))
    }

    pub fn list(mut self, errors: Vec<FieldError>) -> Self {
        self.0.errors = errors;
        self
    }

    /// Adds what has happened since the client read it.
    pub fn conflicting(mut self, conflict: Conflict) -> Self {
        self.0.conflict = Some(conflict);
        self
    }

    pub fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.0.headers.push((name, value.into()));
        self
    }

    /// Adds what is for the log alone.
    pub fn because(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds the slug that leads on: what was asked for in the path is answered with a redirect.
    pub fn led_on(mut self, old_slug: OldSlug) -> Self {
        self.0.old_slug = Some(old_slug);
        self
    }

    pub fn old_slug(&self) -> Option<&OldSlug> {
        self.0.old_slug.as_ref()
    }

    pub fn code(&self) -> Code {
        self.0.code
    }

    /// What happened, for the client.
    pub fn detail(&self) -> &str {
        self.0.detail.as_deref().unwrap_or(self.0.code.title())
    }

    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }

    /// Whether the database gave up this transaction for another's sake, so that it may be tried again.
    pub fn is_lost_race(&self) -> bool {
        self.0.lost_race
    }

    /// The same for another who suffers from it; the cause stays with the first, who logs it.
    pub fn copy(&self) -> Self {
        let mut copy = Self::new(self.0.code).list(self.0.errors.clone());
        copy.0.detail.clone_from(&self.0.detail);
        copy.0.conflict.clone_from(&self.0.conflict);
        copy
    }

    /// The body of the answer.
    pub fn problem(&self, request_id: String) -> Problem {
        let code = self.0.code;
        Problem {
            kind: format!("urn:stet:problem:{}", code.as_str()),
            title: code.title(),
            status: code.status().as_u16(),
            detail: told(self.detail(), MAX_MESSAGE),
            code,
            request_id,
            errors: self.0.errors.iter().take(MAX_ERRORS).map(FieldError::told).collect(),
            conflict: self.0.conflict.clone(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())?;
        if let Some(cause) = &self.0.cause {
            write!(f, " ({cause:#})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        let full = |message: &str| message.contains("disk is full") || message.contains("No space left on device");
        match &error {
            Diesel::NotFound => return Self::new(Code::NotFound),
            Diesel::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => {
                let mut lost = Self::unavailable("the database is too busy").because(error);
                lost.0.lost_race = true;
                return lost;
            }
            Diesel::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand, _)
            | Diesel::BrokenTransactionManager => {
                return Self::unavailable("the database went away").because(error);
            }
            Diesel::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
                return Self::with(Code::Conflict, "what it refers to has just gone, or is still in use")
                    .because(error);
            }
            Diesel::DatabaseError(_, info) if full(info.message()) => {
                return Self::new(Code::StorageFull).because(error);
            }
            Diesel::DatabaseError(_, info) if info.message().contains("database is locked") => {
                return Self::unavailable("the database is busy").because(error);
            }
            _ => {}
        }
        Self::new(Code::Internal).because(error)
    }
}

/// What two checks of the same input found, if both let it pass.
///
/// # Errors
/// The first that refuses; the mistakes of both where either found some.
pub fn both_valid<A, B>(one: Result<A>, other: Result<B>) -> Result<(A, B)> {
    let is_invalid = |error: &Error| error.code() == Code::ValidationFailed;
    match (one, other) {
        (Ok(one), Ok(other)) => Ok((one, other)),
        (Err(one), Err(other)) if is_invalid(&one) && is_invalid(&other) => {
            Err(Error::invalid([one.errors(), other.errors()].concat()))
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Says what a violated uniqueness of a slug means.
pub trait OnTaken<T> {
    /// A slug that the client chose is a 409. One that was found free a moment ago was lost to another: once more.
    fn or_taken(self, slug: &Slug, chosen: bool) -> Result<T>;
}

impl<T> OnTaken<T> for diesel::QueryResult<T> {
    fn or_taken(self, slug: &Slug, chosen: bool) -> Result<T> {
        self.map_err(|e| match e {
            Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                Error::slug_taken(format!("the slug `{slug}` is taken; choose another"), chosen)
            }
            e => e.into(),
        })
    }
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.0.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let request_id = crate::http::request_id::current();
        if self.status_code().is_server_error() {
            tracing::error!(request_id, code = self.0.code.as_str(), cause = ?self.0.cause, "{self}");
        }
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match self.status_code() {
            StatusCode::UNAUTHORIZED => {
                let error = if self.0.code == Code::InvalidToken { ", error=\"invalid_token\"" } else { "" };
                response.insert_header((header::WWW_AUTHENTICATE, format!("Bearer realm=\"stet\"{error}")));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((header::RETRY_AFTER, "1"));
            }
            _ => {}
        }
        for (name, value) in &self.0.headers {
            response.insert_header((name.clone(), value.as_str()));
        }
        match serde_json::to_vec(&self.problem(request_id)) {
            Ok(body) => response.content_type("application/problem+json").body(body),
            Err(_) => response.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, told};

    #[test]
    fn what_is_told_is_short_and_plain() {
        assert_eq!(told("a\0b\nc", 10), "a\u{fffd}b\u{fffd}c");
        assert_eq!(told("ääääää", 6), "ääääää");
        let cut = told(&format!("ab{}yz", "ö".repeat(50)), 8);
        assert_eq!(cut, "ab…öööyz");
    }

    #[test]
    fn the_table_and_the_wire_agree() {
        for code in Code::ALL {
            assert_eq!(serde_json::json!(code), code.as_str());
        }
    }
}
