//! ID tokens: who signed one, for whom, when, and in answer to what (OpenID Connect Core, section 3.1.3.7).

use crate::{
    clock::Time,
    error::{Code, Error, Result},
};
use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, jwk::Jwk};
use serde_json::{Map, Value};

/// How far a provider's clock may be from ours, and how old a token may be, in seconds.
const SKEW: i64 = 60;
const OLDEST: i64 = 10 * 60;
/// Bytes of a token: some list a hundred groups.
const LONGEST: usize = 64 * 1024;

/// What a token must say.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub access_token: Option<&'a str>,
    pub now: Time,
}

type Claims = Map<String, Value>;

pub fn refused(why: &str) -> Error {
    Error::with(Code::IdentityInvalid, format!("what the provider says of you does not hold: {why}"))
}

/// The name of the key that is to have signed a token.
pub fn key_of(token: &str) -> Result<Option<String>> {
    Ok(header(token)?.kid)
}

/// Only what is signed with a private key: whoever knows our secret, or nothing, cannot make a token.
fn header(token: &str) -> Result<Header> {
    let broken = || refused("it is no ID token");
    if token.len() > LONGEST {
        return Err(broken());
    }
    let raw = token.split('.').next().and_then(|head| URL_SAFE_NO_PAD.decode(head).ok());
    let raw = raw.and_then(|head| serde_json::from_slice::<Claims>(&head).ok()).ok_or_else(broken)?;
    let header = jsonwebtoken::decode_header(token).map_err(|_| broken())?;
    let typed = header.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    let asymmetric = !matches!(header.alg, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512);
    if raw.contains_key("crit") || !typed || !asymmetric { Err(broken()) } else { Ok(header) }
}

impl Expected<'_> {
    /// All that a token claims, where it is signed and says what it must.
    ///
    /// # Errors
    /// 401.
    pub fn verify(&self, token: &str, key: &Jwk) -> Result<Claims> {
        let header = header(token)?;
        let meant = key.common.key_algorithm.as_ref();
        if meant.is_some_and(|meant| meant.to_string() != format!("{:?}", header.alg)) {
            return Err(refused("its key is for another algorithm"));
        }
        let decoding = DecodingKey::from_jwk(key).map_err(|_| refused("its key cannot be used"))?;
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[self.issuer]);
        validation.set_audience(&[self.client_id]);
        // Times are compared below, with our clock.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &decoding, &validation);
        let claims = claims.map_err(|_| refused("its signature, issuer or audience is wrong"))?.claims;
        self.check(&claims, header.alg)?;
        Ok(claims)
    }

    fn check(&self, claims: &Claims, algorithm: Algorithm) -> Result<()> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let time = |name: &str| claims.get(name).and_then(Value::as_f64).map(|seconds| seconds as i64);
        let now = self.now.seconds();
        if text("iss") != Some(self.issuer) {
            return Err(refused("its issuer is wrong"));
        }
        let several = claims.get("aud").and_then(Value::as_array).is_some_and(|aud| aud.len() > 1);
        match text("azp") {
            Some(party) if party != self.client_id => return Err(refused("it was made for another")),
            None if several || claims.contains_key("azp") => {
                return Err(refused("it does not say for whom it was made"));
            }
            _ => {}
        }
        if text("nonce") != Some(self.nonce) {
            return Err(refused("its nonce is wrong"));
        }
        if time("exp").is_none_or(|exp| exp <= now - SKEW) {
            return Err(refused("it has expired"));
        }
        if time("iat").is_none_or(|iat| !(now - OLDEST..=now + SKEW).contains(&iat)) {
            return Err(refused("it was not made just now"));
        }
        if claims.contains_key("nbf") && time("nbf").is_none_or(|nbf| nbf > now + SKEW) {
            return Err(refused("it is not valid yet"));
        }
        let hashed = self.access_token.map(|token| half_hash(token, algorithm));
        if claims.contains_key("at_hash") && (hashed.is_none() || text("at_hash") != hashed.as_deref()) {
            return Err(refused("it came with another access token"));
        }
        Ok(())
    }
}

/// What `at_hash` is: the left half of the hash that the signature's algorithm has.
fn half_hash(token: &str, algorithm: Algorithm) -> String {
    let algorithm = match algorithm {
        Algorithm::RS256 | Algorithm::PS256 | Algorithm::ES256 => &digest::SHA256,
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &digest::SHA384,
        _ => &digest::SHA512,
    };
    let hash = digest::digest(algorithm, token.as_bytes());
    let half = hash.as_ref().len() / 2;
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..half).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::half_hash;
    use jsonwebtoken::Algorithm;

    #[test]
    fn an_access_token_is_named_as_the_specification_does() {
        // OpenID Connect Core, appendix A.4.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash(token, Algorithm::RS256), "77QmUPtjPfzWtF2AnpK9RQ");
        // By Python's hashlib: the specification has no examples of these.
        assert_eq!(half_hash(token, Algorithm::PS384), "jtAeDp945y1dDqU3nkIVGNZP1HjH_MFs");
        assert_eq!(half_hash(token, Algorithm::EdDSA), "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM");
    }
}
