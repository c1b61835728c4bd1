//! HEAD: answered as GET is, so whoever counts what is read has to ask.

use crate::error::Error;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use std::future::{Ready, ready};

/// Whether the headers alone are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadersOnly(pub bool);

impl FromRequest for HeadersOnly {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get::<Self>().copied().unwrap_or(Self(false))))
    }
}
