//! What a browser is given to bring back from the provider: that it is the one that began, and what was asked for.

use crate::{
    auth::{Keyring, new_token},
    clock::Time,
    error::{Error, Result},
};
use actix_web::http::header::{COOKIE, HeaderMap};
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long one may take at the provider.
pub const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// One attempt to sign in. It is encrypted, and kept by the browser alone: whoever begins and never comes back costs nothing.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ticket {
    pub provider: String,
    /// Comes back in the address, and names the attempt: it is good for one.
    pub state: String,
    /// Comes back in the ID token.
    pub nonce: String,
    /// What the code is changed with (RFC 7636).
    pub verifier: String,
    /// What the front end holds the other half of.
    pub challenge: String,
    pub return_to: String,
    expires_at: i64,
}

impl Ticket {
    pub fn new(provider: &str, challenge: String, return_to: String, now: Time) -> Result<Self> {
        let provider = provider.to_owned();
        let (state, nonce, verifier) = (new_token()?, new_token()?, new_token()?);
        let expires_at = now.plus(LIFETIME).micros();
        Ok(Self { provider, state, nonce, verifier, challenge, return_to, expires_at })
    }

    pub fn seal(&self, keys: &Keyring) -> Result<String> {
        let json = serde_json::to_vec(self).map_err(|e| Error::internal("a ticket is not JSON").because(e))?;
        Ok(URL_SAFE_NO_PAD.encode(keys.seal_ticket(json)?))
    }

    /// The ticket that was sealed, while it is good.
    pub fn open(sealed: &str, keys: &Keyring, now: Time) -> Option<Self> {
        let json = keys.open_ticket(&URL_SAFE_NO_PAD.decode(sealed).ok()?)?;
        let ticket: Self = serde_json::from_slice(&json).ok()?;
        (now.micros() < ticket.expires_at).then_some(ticket)
    }
}

/// The cookie that holds it.
pub struct Cookie {
    secure: bool,
}

impl Cookie {
    /// By https no other host, and no page by http, can set one of this name.
    pub fn new(secure: bool) -> Self {
        Self { secure }
    }

    fn name(&self) -> &'static str {
        if self.secure { "__Host-stet_sign_in" } else { "stet_sign_in" }
    }

    /// `SameSite=Lax`: it comes along when the provider sends the browser back, and with no request that a page makes.
    pub fn set(&self, value: &str, lifetime: Duration) -> String {
        let place = if self.secure { "Path=/; Secure" } else { "Path=/api/v1/auth/oidc" };
        format!("{}={value}; {place}; HttpOnly; SameSite=Lax; Max-Age={}", self.name(), lifetime.as_secs())
    }

    pub fn of<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let cookies = headers.get_all(COOKIE).filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name()).map(|(_, value)| value)
    }
}

/// The half of a secret that is shown first (RFC 7636, `S256`).
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::challenge_of;

    #[test]
    fn a_challenge_is_made_as_the_specification_does() {
        // RFC 7636, appendix B.
        assert_eq!(
            challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }
}
