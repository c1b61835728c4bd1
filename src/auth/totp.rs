//! Codes that change every half minute (TOTP, RFC 6238), and those that are written down in case the authenticator is lost.

use super::keys::random;
use crate::{
    clock::Time,
    error::{Error, Result},
    values::Refusal,
};
use serde::{Deserialize, Serialize};
use std::fmt;
use totp_rs::{Builder, Secret, Totp};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Characters of a recovery code: 120 bits, so that nobody guesses one and a plain hash of it is safe.
const RECOVERY: usize = 24;
/// How many of them there are.
pub const RECOVERY_CODES: usize = 10;

/// What is shown besides a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum SecondCode {
    /// Six digits from an authenticator.
    Totp(String),
    /// A recovery code, as it is hashed.
    Recovery(String),
}

impl SecondCode {
    /// Reads a code as people type it: with spaces and dashes, in capitals or not.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let plain = plain(text);
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let base32 = |text: &str| text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'2'..=b'7'));
        match plain.len() {
            6 if digits(&plain) => Ok(Self::Totp(plain)),
            RECOVERY if base32(&plain) => Ok(Self::Recovery(plain)),
            _ => Err(Refusal::new("invalid_code", "a code has 6 digits, a recovery code 24 letters and digits")),
        }
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '-')).map(|c| c.to_ascii_lowercase()).collect()
}

impl TryFrom<String> for SecondCode {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        if text.len() > 50 { Err(Refusal::new("too_long", "it has at most 50 characters")) } else { Self::parse(&text) }
    }
}

impl fmt::Debug for SecondCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecondCode(…)")
    }
}

impl PartialSchema for SecondCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Six digits from an authenticator, or a recovery code."))
            .min_length(Some(6))
            .max_length(Some(50))
            .pattern(Some("^[0-9A-Za-z -]*$"))
            .examples(["492039"])
            .into()
    }
}

impl ToSchema for SecondCode {}

/// A recovery code as it is shown: `jq5t-2lhd-…`.
#[derive(Clone, Serialize)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    fn new() -> Result<Self> {
        let bytes = random::<15>().map_err(|_| Error::internal("the system gives no random numbers"))?;
        let mut text = String::with_capacity(RECOVERY + 5);
        for (at, c) in Secret::from(bytes.to_vec()).to_base32().chars().enumerate() {
            if at > 0 && at % 4 == 0 {
                text.push('-');
            }
            text.push(c.to_ascii_lowercase());
        }
        Ok(Self(text))
    }

    /// As many as somebody is given.
    pub fn set() -> Result<Vec<Self>> {
        (0..RECOVERY_CODES).map(|_| Self::new()).collect()
    }

    /// What is hashed of it.
    pub fn plain(&self) -> String {
        plain(&self.0)
    }
}

impl PartialSchema for RecoveryCode {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(29))
            .pattern(Some("^[a-z2-7]{4}(-[a-z2-7]{4}){5}$"))
            .examples(["jq5t-2lhd-7xwa-oz3m-kf6e-y4rb"])
            .into()
    }
}

impl ToSchema for RecoveryCode {}

/// Twenty random bytes, as RFC 4226 recommends.
pub fn new_secret() -> Result<Vec<u8>> {
    let bytes = random::<20>().map_err(|_| Error::internal("the system gives no random numbers"))?;
    Ok(bytes.to_vec())
}

/// The secret as one types it into an authenticator.
pub fn base32(secret: &[u8]) -> String {
    Secret::from(secret.to_vec()).to_base32()
}

fn totp(secret: &[u8], account: &str, site: &str) -> Result<Totp> {
    // A colon parts the site from the account in the address.
    let plain = |text: &str| text.replace(':', " ");
    let builder = Builder::new().with_secret(secret.to_vec()).with_skew(1).with_account_name(plain(account));
    let totp = builder.with_issuer(Some(plain(site))).build();
    totp.map_err(|e| Error::internal("a secret is no secret of an authenticator").because(anyhow::anyhow!("{e}")))
}

/// The same as an address, for a picture that an authenticator reads.
pub fn otpauth_url(secret: &[u8], account: &str, site: &str) -> Result<String> {
    let url = totp(secret, account, site)?.to_url();
    url.map_err(|e| Error::internal("an account has no address for an authenticator").because(anyhow::anyhow!("{e}")))
}

/// The step that a code belongs to: the one of `now`, the one before or the one after, since clocks differ.
pub fn step_of(secret: &[u8], code: &str, now: Time) -> Result<Option<i64>> {
    let seconds = u64::try_from(now.seconds()).unwrap_or_default();
    let step = totp(secret, "stet", "stet")?.check(code, seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

#[cfg(test)]
mod tests {
    use super::{RecoveryCode, SecondCode, base32, otpauth_url, step_of};
    use crate::clock::Time;

    /// RFC 6238, appendix B: the secret of its table, and the last six of its digits.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn a_code_is_good_in_its_step_and_the_ones_beside_it() {
        let at = |seconds: i64| Time::from_micros(seconds * 1_000_000);
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            let step = seconds / 30;
            for (beside, expected) in [(0, Some(step)), (-30, Some(step)), (30, Some(step)), (60, None), (-60, None)] {
                if seconds + beside >= 0 {
                    assert_eq!(step_of(SECRET, code, at(seconds + beside)).unwrap(), expected, "{code} {beside}");
                }
            }
        }
        assert_eq!(step_of(SECRET, "287083", at(59)).unwrap(), None);
    }

    #[test]
    fn a_code_is_read_as_people_type_it() {
        assert_eq!(SecondCode::parse("492 039"), Ok(SecondCode::Totp("492039".into())));
        let code = RecoveryCode::new().unwrap();
        assert_eq!(SecondCode::parse(&code.0.to_uppercase()), Ok(SecondCode::Recovery(code.plain())));
        assert_ne!(code.0, RecoveryCode::new().unwrap().0);
        for wrong in ["", "49203", "4920399", "49203a", "jq5t-2lhd", "jq5t-2lhd-7xwa-oz3m-kf6e-y4r1"] {
            assert!(SecondCode::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_authenticator_is_told_the_site_and_the_account() {
        let url = otpauth_url(SECRET, "mira@lantern.example", "Lantern: news & more").unwrap();
        let secret = base32(SECRET);
        assert_eq!(
            url,
            format!(
                "otpauth://totp/Lantern%20%20news%20%26%20more:mira%40lantern.example?secret={secret}&issuer=Lantern%20%20news%20%26%20more"
            )
        );
    }
}
