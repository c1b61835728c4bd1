//! Who is asking: the actor behind a request, and how people sign in.

mod keys;
pub mod model;
pub mod passwords;
mod queries;
pub mod routes;
pub mod setup;
mod tokens;

pub use keys::Keyring;
pub use passwords::{Hasher, Password};

use crate::{
    app::App,
    clock,
    db::Id,
    error::{Code, Error, Result},
    permissions::{Permission, Role},
};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    http::header::{AUTHORIZATION, HeaderValue},
    web::Data,
};
use std::{
    future::{Ready, ready},
    marker::PhantomData,
    ops::Deref,
};

/// Somebody on the staff who is signed in.
#[derive(Debug, Clone)]
pub struct Actor {
    pub user: Id,
    pub session: Id,
    pub role: Role,
}

impl Actor {
    pub fn may<P: Permission>(&self) -> bool {
        self.role.may::<P>()
    }

    /// # Errors
    /// 403 for a role that may not.
    pub fn must<P: Permission>(&self) -> Result<()> {
        if self.may::<P>() {
            return Ok(());
        }
        let message = format!("this takes the role {} or above; yours is {}", P::FROM, self.role);
        Err(Error::with(Code::Forbidden, message))
    }

    /// Whose idempotency keys these are.
    pub fn scope(&self) -> String {
        self.user.to_string()
    }
}

/// Anyone who reads: the public, or somebody on the staff. A token that is not valid is refused, never ignored.
#[derive(Debug, Clone)]
pub enum Viewer {
    Public,
    Staff(Actor),
}

impl Viewer {
    pub fn actor(&self) -> Option<&Actor> {
        match self {
            Self::Public => None,
            Self::Staff(actor) => Some(actor),
        }
    }

    pub fn may<P: Permission>(&self) -> bool {
        self.actor().is_some_and(Actor::may::<P>)
    }
}

/// Who is asking, found out before the handler's arguments are: these are read side by side, and a mistake in a body
/// must not be answered to somebody who may not send one.
struct Identified(Result<Viewer>);

/// Finds out who is asking, for the extractors.
pub async fn identify(request: &HttpRequest) {
    if let Some(given) = request.headers().get(AUTHORIZATION).cloned() {
        let viewer = viewer(request, given).await;
        request.extensions_mut().insert(Identified(viewer));
    }
}

async fn viewer(request: &HttpRequest, authorization: HeaderValue) -> Result<Viewer> {
    let app = request.app_data::<Data<App>>().ok_or_else(|| Error::internal("a request has no App"))?;
    let token = authorization
        .to_str()
        .ok()
        .and_then(bearer)
        .ok_or_else(|| Error::with(Code::InvalidToken, "send `Authorization: Bearer TOKEN`"))?;
    let claims = app.keys.verify(token, clock::now())?;
    let actor = app.db.look_up(move |conn| queries::actor(conn, claims.sub, claims.sid, clock::now())).await?;
    actor.map(Viewer::Staff).ok_or_else(|| Error::with(Code::InvalidToken, "the session has ended; sign in again"))
}

impl FromRequest for Viewer {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let identified = request.extensions_mut().remove::<Identified>();
        ready(match identified {
            Some(Identified(viewer)) => viewer,
            None if request.headers().contains_key(AUTHORIZATION) => Err(Error::internal("nobody asked who it is")),
            None => Ok(Self::Public),
        })
    }
}

/// The token in an `Authorization` header (RFC 6750, section 2.1); the scheme's name has no case.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Somebody who is signed in and may do `P`. In a handler's signature it is the permission check; it comes first,
/// so that a stranger gets 401 and not a mistake in the body.
pub struct Can<P> {
    actor: Actor,
    permission: PhantomData<P>,
}

impl<P> Deref for Can<P> {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

impl<P: Permission> FromRequest for Can<P> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Viewer::from_request(request, payload).into_inner().and_then(|viewer| {
            let Viewer::Staff(actor) = viewer else { return Err(Error::new(Code::Unauthenticated)) };
            actor.must::<P>()?;
            Ok(Self { actor, permission: PhantomData })
        }))
    }
}
