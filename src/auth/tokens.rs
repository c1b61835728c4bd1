//! Access tokens: short-lived JWTs, signed with Ed25519 (RFC 7519, RFC 9068).

use super::Keyring;
use crate::{
    clock::Time,
    db::Id,
    error::{Code, Error, Result},
};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long an access token is good for.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// What a token is for: this API.
const AUDIENCE: &str = "stet";
/// The type of an access token, which no other JWT may pass for.
const TYPE: &str = "at+jwt";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    /// The user.
    pub sub: Id,
    /// The session: it is looked up at every request, so that one that ended is refused at once.
    pub sid: Id,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Id,
}

impl Keyring {
    pub(super) fn issue(&self, user: Id, session: Id, now: Time) -> Result<String> {
        let (iat, exp) = (now.seconds(), now.plus(LIFETIME).seconds());
        let (iss, aud) = (self.issuer.clone(), AUDIENCE.to_owned());
        let claims = Claims { iss, aud, sub: user, sid: session, iat, nbf: iat, exp, jti: Id::new() };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, &claims, &self.signing)
            .map_err(|e| Error::internal("a token could not be signed").because(e))
    }

    /// # Errors
    /// 401 for anything but a token of ours that is valid at `now`.
    pub(super) fn verify(&self, token: &str, now: Time) -> Result<Claims> {
        let refused = |why: &str| Error::with(Code::InvalidToken, why);
        let header = jsonwebtoken::decode_header(token).map_err(|_| refused("it is not a token of ours"))?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(TYPE) {
            return Err(refused("it is not a token of ours"));
        }
        let kid = header.kid.as_deref().unwrap_or_default();
        let (_, key) =
            self.verifying.iter().find(|(id, _)| id == kid).ok_or_else(|| refused("its key is unknown or retired"))?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        // Times are compared below, with our clock and without leeway.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
            .map_err(|_| refused("it is not a token of ours"))?
            .claims;
        if now.seconds() >= claims.exp {
            return Err(refused("it has expired; refresh it"));
        }
        if now.seconds() < claims.nbf {
            return Err(refused("it is not valid yet"));
        }
        Ok(claims)
    }
}
