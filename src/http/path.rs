//! Path parameters: what cannot be a name names nothing, so it is a 404.

use crate::error::{Code, Error, Result};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::de::DeserializeOwned;
use std::{
    future::{Ready, ready},
    ops::Deref,
};

pub struct Path<T>(pub T);

impl<T> Deref for Path<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for Path<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    #[expect(clippy::disallowed_types, reason = "this is the extractor that the others use instead")]
    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let path = actix_web::web::Path::<T>::from_request(request, payload).into_inner();
        ready(path.map(|p| Self(p.into_inner())).map_err(|_| Error::new(Code::NotFound)))
    }
}
