//! Access tokens: short-lived JWTs, signed with Ed25519 (RFC 7519, RFC 9068).

use super::Keyring;
use crate::{
    clock::Time,
    db::Id,
    error::{Code, Error, Result},
    http::json::{Digest, digest_of},
};
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long an access token is good for.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How many tokens are remembered.
const KNOWN: usize = 1024;
/// What a token is for: this API.
const AUDIENCE: &str = "stet";
/// The type of an access token, which no other JWT may pass for.
const TYPE: &str = "at+jwt";

#[derive(Debug, Clone, Serialize, Deserialize)]
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
        let claims = self.verified.claims(token, || self.signed(token))?;
        if now.seconds() >= claims.exp {
            return Err(refused("it has expired; refresh it"));
        }
        if now.seconds() < claims.nbf {
            return Err(refused("it is not valid yet"));
        }
        Ok(claims)
    }

    /// What a token claims, where one of our keys signed it.
    fn signed(&self, token: &str) -> Result<Claims> {
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
        let decoded = jsonwebtoken::decode::<Claims>(token, key, &validation);
        Ok(decoded.map_err(|_| refused("it is not a token of ours"))?.claims)
    }
}

fn refused(why: &str) -> Error {
    Error::with(Code::InvalidToken, why)
}

/// Tokens that were found to be ours, by their digests: to check a signature takes longer than to read an article.
/// It says nothing of what changes: the time, and whether the session goes on, are looked at each time.
#[derive(Default)]
pub(super) struct Verified(Mutex<HashMap<Digest, Claims>>);

impl Verified {
    /// The claims of a token, which `check` finds where it is not known yet.
    fn claims(&self, token: &str, check: impl FnOnce() -> Result<Claims>) -> Result<Claims> {
        let digest = digest_of(token.as_bytes());
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(claims) = known().get(&digest) {
            return Ok(claims.clone());
        }
        let claims = check()?;
        let mut known = known();
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(digest, claims.clone());
        Ok(claims)
    }
}

#[cfg(test)]
mod tests {
    use super::{Claims, KNOWN, Verified, refused};
    use crate::db::Id;

    fn claims() -> Claims {
        let (iss, aud) = ("https://lantern.example".to_owned(), "stet".to_owned());
        Claims { iss, aud, sub: Id::new(), sid: Id::new(), iat: 0, nbf: 0, exp: 1, jti: Id::new() }
    }

    #[test]
    fn a_token_is_checked_until_it_was_found_to_be_ours() {
        let verified = Verified::default();
        for _ in 0..2 {
            assert!(verified.claims("forged", || Err(refused("it is not a token of ours"))).is_err());
        }
        let first = verified.claims("ours", || Ok(claims())).unwrap();
        let again = verified.claims("ours", || Err(refused("nobody should look"))).unwrap();
        assert_eq!(first.jti, again.jti);
        assert_ne!(verified.claims("another", || Ok(claims())).unwrap().jti, first.jti);
    }

    #[test]
    fn only_so_many_tokens_are_remembered() {
        let verified = Verified::default();
        for number in 0..2 * KNOWN {
            verified.claims(&number.to_string(), || Ok(claims())).unwrap();
        }
        assert!(verified.0.lock().unwrap().len() <= KNOWN);
    }
}
