//! Access tokens: short-lived JWTs, signed with Ed25519 (RFC 7519, RFC 9068).

use super::{Keyring, signing};
use crate::{
    clock::Time,
    db::Id,
    error::{Code, Error, Result},
    http::json::{Digest, digest_of},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How long an access token is good for.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);
/// How far the clocks of two processes may differ: what one has just signed is not too new for the other.
const SKEW: Duration = Duration::from_secs(5);
/// Bytes of a token: ours have about 450.
const LONGEST: usize = 1000;
/// How many tokens are remembered.
const KNOWN: usize = 1024;
/// What a token is for: this API.
const AUDIENCE: &str = "stet";
/// The type of an access token, which no other JWT may pass for.
const TYPE: &str = "at+jwt";

/// All that a token says, and nothing else: a claim that is unknown, missing or there twice is no claim of ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

/// All that a token's header says: with a key of its own (`jwk`, `jku`, `x5u`) or with terms (`crit`) it is none of ours.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    typ: String,
    kid: String,
}

/// A token that one of our keys signed.
#[derive(Debug, Clone)]
struct Signed {
    kid: String,
    claims: Claims,
}

impl Keyring {
    pub(super) fn issue(&self, user: Id, session: Id, now: Time) -> Result<String> {
        let (iat, exp) = (now.seconds(), now.plus(LIFETIME).seconds());
        let (iss, aud) = (self.issuer.clone(), AUDIENCE.to_owned());
        let claims = Claims { iss, aud, sub: user, sid: session, iat, nbf: iat, exp, jti: Id::new() };
        let keys = self.signing();
        let key = keys.signing(now).ok_or_else(signing::missing)?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        jsonwebtoken::encode(&header, &claims, &key.signing)
            .map_err(|e| Error::internal("a token could not be signed").because(e))
    }

    /// # Errors
    /// 401 for anything but a token of ours that is valid at `now`.
    pub(super) fn verify(&self, token: &str, now: Time) -> Result<Claims> {
        if token.len() > LONGEST {
            return Err(refused("it is not a token of ours"));
        }
        let keys = self.signing();
        let key = |kid: &str| keys.named(kid, now).ok_or_else(|| refused("its key is unknown or retired"));
        let signed = self.verified.find(token, || {
            let kid = kid_of(token)?;
            let claims = claims_of(token, &key(&kid)?.verifying, &self.issuer)?;
            Ok(Signed { kid, claims })
        })?;
        // A key may have been retired since the token was first seen.
        key(&signed.kid)?;
        let claims = signed.claims;
        if now.seconds() >= claims.exp {
            return Err(refused("it has expired; refresh it"));
        }
        if now.plus(SKEW).seconds() < claims.nbf {
            return Err(refused("it is not valid yet"));
        }
        Ok(claims)
    }
}

/// The name of the key that is to have signed a token.
fn kid_of(token: &str) -> Result<String> {
    let head = token.split('.').next().and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
    let head = head.and_then(|head| serde_json::from_slice::<Head>(&head).ok());
    let head = head.filter(|head| head.alg == "EdDSA" && head.typ == TYPE);
    head.map(|head| head.kid).ok_or_else(|| refused("it is not a token of ours"))
}

/// What a token claims, where the key signed it.
fn claims_of(token: &str, key: &DecodingKey, issuer: &str) -> Result<Claims> {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[issuer]);
    // Times are compared by the caller, with our clock.
    validation.validate_exp = false;
    let decoded = jsonwebtoken::decode::<Claims>(token, key, &validation);
    Ok(decoded.map_err(|_| refused("it is not a token of ours"))?.claims)
}

fn refused(why: &str) -> Error {
    Error::with(Code::InvalidToken, why)
}

/// Tokens that were found to be ours, by their digests: to check a signature takes longer than to read an article.
/// It says nothing of what changes: the time, whether the key is still believed, and whether the session goes on, are
/// looked at each time.
#[derive(Default)]
pub(super) struct Verified(Mutex<HashMap<Digest, Signed>>);

impl Verified {
    /// What is known of a token, which `check` finds where it is not known yet.
    fn find(&self, token: &str, check: impl FnOnce() -> Result<Signed>) -> Result<Signed> {
        let digest = digest_of(token.as_bytes());
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(signed) = known().get(&digest) {
            return Ok(signed.clone());
        }
        let signed = check()?;
        let mut known = known();
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(digest, signed.clone());
        Ok(signed)
    }
}

#[cfg(test)]
mod tests {
    use super::{Claims, KNOWN, Signed, Verified, refused};
    use crate::db::Id;

    fn signed() -> Signed {
        let (iss, aud) = ("https://lantern.example".to_owned(), "stet".to_owned());
        let claims = Claims { iss, aud, sub: Id::new(), sid: Id::new(), iat: 0, nbf: 0, exp: 1, jti: Id::new() };
        Signed { kid: String::new(), claims }
    }

    #[test]
    fn a_token_is_checked_until_it_was_found_to_be_ours() {
        let verified = Verified::default();
        for _ in 0..2 {
            assert!(verified.find("forged", || Err(refused("it is not a token of ours"))).is_err());
        }
        let first = verified.find("ours", || Ok(signed())).unwrap();
        assert_ne!(verified.find("another", || Ok(signed())).unwrap().claims.jti, first.claims.jti);
        let again = verified.find("ours", || Err(refused("nobody should look"))).unwrap();
        assert_eq!(first.claims.jti, again.claims.jti);
    }

    #[test]
    fn only_so_many_tokens_are_remembered() {
        let verified = Verified::default();
        for number in 0..2 * KNOWN {
            verified.find(&number.to_string(), || Ok(signed())).unwrap();
        }
        assert!(verified.0.lock().unwrap().len() <= KNOWN);
    }
}
