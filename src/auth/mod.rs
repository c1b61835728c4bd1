//! Who is asking: the actor behind a request, and how people sign in.

pub(crate) mod addresses;
mod factor_routes;
pub mod factors;
pub mod jwks;
mod keys;
mod mail_routes;
mod me_routes;
pub mod model;
pub mod oidc;
pub(crate) mod one_time;
pub mod pages;
pub mod passwords;
mod provider_routes;
mod queries;
pub(crate) mod resets;
pub mod routes;
pub mod setup;
pub mod sign_in;
mod signing;
pub mod strength;
mod tokens;
mod totp;

pub use keys::{Keyring, random};
pub use passwords::{Hasher, Password};
pub use queries::{clean_up, end_sessions, hash_of, new_token};
pub use sign_in::{SignIn, SignedInBy};
pub use signing::{Rotated, rotate};
pub use strength::Known;

use crate::{
    api_keys,
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
    sync::Arc,
};

/// Who is asking, and is not the public: somebody on the staff who is signed in, or a key.
#[derive(Debug, Clone)]
pub struct Actor {
    /// Who did it, wherever that is kept: the user, or the key, which has an id among theirs.
    pub user: Id,
    pub role: Role,
    pub means: Means,
}

/// What an actor came with.
#[derive(Debug, Clone)]
pub enum Means {
    /// A session.
    Session(Id),
    /// A session that was opened by a password alone, where the role asks for more: good for showing more.
    Unproven(Id),
    /// A key: for all sections, or for these alone, with all that stand below them.
    Key { sections: Option<Arc<[Id]>> },
}

impl Actor {
    pub fn may<P: Permission>(&self) -> bool {
        self.must::<P>().is_ok()
    }

    /// # Errors
    /// 403 for a role that may not, and for a key that no role helps.
    pub fn must<P: Permission>(&self) -> Result<()> {
        if let Means::Key { sections } = &self.means {
            if P::FOR_PEOPLE {
                return Err(not_for_keys());
            }
            if sections.is_some() && !P::IN_SECTIONS {
                let message = "the key is for articles in its sections, and for nothing else";
                return Err(Error::with(Code::Forbidden, message));
            }
        }
        if let Means::Unproven(_) = &self.means
            && !P::BEFORE_PROOF
        {
            return Err(unproven());
        }
        if self.role.may::<P>() {
            return Ok(());
        }
        let message = format!("this takes the role {} or above; yours is {}", P::FROM, self.role);
        Err(Error::with(Code::Forbidden, message))
    }

    /// Sees to it that a key which is for some sections writes in no other.
    ///
    /// # Errors
    /// 403 outside of them.
    pub fn must_write_in(&self, section: Option<Id>) -> Result<()> {
        match &self.means {
            Means::Key { sections: Some(sections) } if !section.is_some_and(|id| sections.contains(&id)) => {
                Err(Error::with(Code::Forbidden, "the key is for articles in other sections"))
            }
            _ => Ok(()),
        }
    }

    /// Whether it is a key for some sections alone.
    pub fn is_for_sections(&self) -> bool {
        matches!(self.means, Means::Key { sections: Some(_) })
    }

    /// The session; a key has none.
    pub fn session(&self) -> Option<Id> {
        match self.means {
            Means::Session(session) | Means::Unproven(session) => Some(session),
            Means::Key { .. } => None,
        }
    }

    /// Whose idempotency keys these are. Who has another role now is not told again what they were told before.
    pub fn scope(&self) -> String {
        format!("{} {}", self.user, self.role)
    }
}

/// Anyone who reads: the public, somebody on the staff, or a key. A token that is not valid is refused, never ignored.
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

fn unproven() -> Error {
    Error::with(Code::SecondFactorMissing, "your role takes a second factor: set one up at /api/v1/me/totp")
}

fn not_for_keys() -> Error {
    Error::with(Code::NotForKeys, "accounts, sessions, users and keys are a matter of people: sign in as one")
}

/// Anyone but a key: in the signature of what people do before they are signed in. Another token that came along is no
/// matter.
pub struct Person;

impl FromRequest for Person {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let is_key = matches!(
            request.extensions().get(),
            Some(Identified(Ok(Viewer::Staff(Actor { means: Means::Key { .. }, .. }))))
        );
        ready(if is_key { Err(not_for_keys()) } else { Ok(Self) })
    }
}

/// Who is asking, found out before the handler's arguments are: these are read side by side, and a mistake in a body
/// must not be answered to somebody who may not send one.
struct Identified(Result<Viewer>);

impl Identified {
    /// Whoever it is, allowed to do something or not.
    fn take(request: &HttpRequest) -> Result<Viewer> {
        let identified = request.extensions_mut().remove::<Self>();
        match identified {
            Some(Self(viewer)) => viewer,
            None if request.headers().contains_key(AUTHORIZATION) => Err(Error::internal("nobody asked who it is")),
            None => Ok(Viewer::Public),
        }
    }
}

/// Finds out who is asking, for the extractors.
pub async fn identify(request: &HttpRequest) {
    if let Some(given) = request.headers().get(AUTHORIZATION).cloned() {
        let viewer = viewer(request, given).await;
        request.extensions_mut().insert(Identified(viewer));
    }
}

/// Who was found out to ask, where it is somebody.
pub fn identified(request: &HttpRequest) -> Option<Actor> {
    match request.extensions().get() {
        Some(Identified(Ok(viewer))) => viewer.actor().cloned(),
        _ => None,
    }
}

async fn viewer(request: &HttpRequest, authorization: HeaderValue) -> Result<Viewer> {
    let app = request.app_data::<Data<App>>().ok_or_else(|| Error::internal("a request has no App"))?;
    let token = authorization
        .to_str()
        .ok()
        .and_then(bearer)
        .ok_or_else(|| Error::with(Code::InvalidToken, "send `Authorization: Bearer TOKEN`"))?;
    if api_keys::is_one(token) {
        return api_keys::identify(app, token).await.map(Viewer::Staff);
    }
    let claims = app.keys.verify(token, clock::now())?;
    let shared = app.clone();
    let find = move |conn: &mut _| queries::actor(conn, claims.sub, claims.sid, &shared.sign_in, clock::now());
    let actor = app.db.look_up(find).await?;
    actor.map(Viewer::Staff).ok_or_else(|| Error::with(Code::InvalidToken, "the session has ended; sign in again"))
}

impl FromRequest for Viewer {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Identified::take(request).and_then(|viewer| match viewer {
            Self::Staff(Actor { means: Means::Unproven(_), .. }) => Err(unproven()),
            viewer => Ok(viewer),
        }))
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

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Identified::take(request).and_then(|viewer| {
            let Viewer::Staff(actor) = viewer else { return Err(Error::new(Code::Unauthenticated)) };
            actor.must::<P>()?;
            Ok(Self { actor, permission: PhantomData })
        }))
    }
}
