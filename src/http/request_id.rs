//! The request's id: taken from `X-Request-Id` or made, logged, returned, and named in every problem.

use crate::db::Id;
use actix_web::{HttpRequest, http::header::HeaderName};

pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that this task serves; empty outside of one.
pub fn current() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Runs `f` as part of the request.
pub async fn scope<F: Future>(id: String, f: F) -> F::Output {
    CURRENT.scope(id, f).await
}

/// The client's id where it is one (1 to 128 visible ASCII characters), else a new one.
pub fn of(request: &HttpRequest) -> String {
    let given = request.headers().get(HEADER).and_then(|v| v.to_str().ok());
    match given {
        Some(id) if (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic()) => id.to_owned(),
        _ => Id::new().to_string(),
    }
}
