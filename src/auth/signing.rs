//! The keys that sign tokens. There may be several: each signs from a time on, and is believed until another.

use super::{keys, tokens};
use crate::{
    clock::Time,
    db::{Conn, Id, lock},
    error::{Error, Result},
    schema::keys as k,
};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use diesel::prelude::*;
use jsonwebtoken::{DecodingKey, EncodingKey};
use std::time::Duration;

/// How long a new key is known before it signs: until then every process has it, and whoever keeps `jwks.json` for as long
/// as it says has read it again.
pub const PUBLISHED_AHEAD: Duration = Duration::from_secs(5 * 60);
/// How much longer than its last token a key is believed: clocks differ.
const MARGIN: Duration = Duration::from_secs(60);

/// A key as it is kept: whether it is another than before is told by this alone.
pub(super) type Row = (Id, Vec<u8>, bool, Time, Option<Time>);

pub(super) struct SigningKey {
    pub kid: String,
    pub signing: EncodingKey,
    pub verifying: DecodingKey,
    pub public: Vec<u8>,
    signs_from: Time,
    retired_at: Option<Time>,
}

impl SigningKey {
    fn open((id, secret, wrapped, signs_from, retired_at): &Row, secret_key: Option<&str>) -> anyhow::Result<Self> {
        let secret = if *wrapped { &keys::unwrap(secret, secret_key)? } else { secret };
        let pair = Ed25519KeyPair::from_pkcs8(secret).map_err(|e| anyhow::anyhow!("a signing key is broken: {e}"))?;
        let public = pair.public_key().as_ref().to_vec();
        Ok(Self {
            kid: id.to_string(),
            signing: EncodingKey::from_ed_der(secret),
            verifying: DecodingKey::from_ed_der(&public),
            public,
            signs_from: *signs_from,
            retired_at: *retired_at,
        })
    }

    fn is_believed(&self, now: Time) -> bool {
        self.retired_at.is_none_or(|retired_at| now < retired_at)
    }
}

/// All keys that are believed, or were when they were read.
pub(super) struct SigningKeys {
    keys: Vec<SigningKey>,
    rows: Vec<Row>,
}

impl SigningKeys {
    pub fn open(rows: Vec<Row>, secret_key: Option<&str>) -> anyhow::Result<Self> {
        let keys = rows.iter().map(|row| SigningKey::open(row, secret_key)).collect::<anyhow::Result<_>>()?;
        Ok(Self { keys, rows })
    }

    /// Whether they are these rows.
    pub fn are(&self, rows: &[Row]) -> bool {
        self.rows == rows
    }

    /// The one that signs: the newest whose time has come.
    pub fn signing(&self, now: Time) -> Option<&SigningKey> {
        self.believed(now).filter(|key| key.signs_from <= now).max_by_key(|key| key.signs_from)
    }

    /// The one that a token names, where it is believed.
    pub fn named(&self, kid: &str, now: Time) -> Option<&SigningKey> {
        self.believed(now).find(|key| key.kid == kid)
    }

    pub fn believed(&self, now: Time) -> impl Iterator<Item = &SigningKey> {
        self.keys.iter().filter(move |key| key.is_believed(now))
    }
}

/// The keys that are believed, the newest first.
pub(super) fn rows(conn: &mut Conn, now: Time) -> Result<Vec<Row>> {
    Ok(k::table
        .filter(k::purpose.eq("token"))
        .filter(k::retired_at.is_null().or(k::retired_at.gt(now)))
        .order((k::created_at.desc(), k::id.desc()))
        .select((k::id, k::secret, k::wrapped, k::signs_from, k::retired_at))
        .load(conn)?)
}

/// What a rotation did.
#[derive(Debug)]
pub struct Rotated {
    pub kid: String,
    pub signs_from: Time,
    /// Until when what was signed before is believed.
    pub retired_at: Time,
}

/// Makes a key that signs from when all know it, and retires the others after their last token has expired. `at_once` is
/// for a key that somebody else has: what it signed is refused from now on, and who is signed in gets new tokens by their
/// refresh tokens.
///
/// # Errors
/// Where `secret_key` is not the one that the others were wrapped with.
pub fn rotate(conn: &mut Conn, secret_key: Option<&str>, at_once: bool, now: Time) -> anyhow::Result<Rotated> {
    let signs_from = if at_once { now } else { now.plus(PUBLISHED_AHEAD) };
    let retired_at = if at_once { now } else { signs_from.plus(tokens::LIFETIME).plus(MARGIN) };
    let known = rows(conn, now)?;
    SigningKeys::open(known, secret_key)?;
    let kid = conn.transaction(|conn| -> Result<Id> {
        lock::table(conn, "keys")?;
        let tokens = k::table.filter(k::purpose.eq("token"));
        let later = k::retired_at.is_null().or(k::retired_at.gt(retired_at));
        diesel::update(tokens.filter(later)).set(k::retired_at.eq(retired_at)).execute(conn)?;
        keys::insert(conn, "token", secret_key, signs_from, now)
    })?;
    Ok(Rotated { kid: kid.to_string(), signs_from, retired_at })
}

/// Forgets keys that nobody believes any more.
pub(super) fn forget_retired(conn: &mut Conn, now: Time) -> Result<usize> {
    Ok(diesel::delete(k::table.filter(k::retired_at.le(now))).execute(conn)?)
}

/// For a process without a key to sign with: the first start makes one.
pub(super) fn missing() -> Error {
    Error::internal("there is no key to sign tokens with")
}

#[cfg(test)]
mod tests {
    use super::SigningKeys;
    use crate::{clock::Time, db::Id};
    use aws_lc_rs::{rand::SystemRandom, signature::Ed25519KeyPair};

    #[test]
    fn a_key_signs_from_its_time_on_and_is_believed_until_another() {
        let at = Time::from_micros;
        let secret = || Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref().to_vec();
        let (old, new) = (Id::new(), Id::new());
        let rows = vec![(new, secret(), false, at(100), None), (old, secret(), false, at(0), Some(at(200)))];
        let keys = SigningKeys::open(rows.clone(), None).unwrap();
        let signs = |now: i64| keys.signing(at(now)).map(|key| key.kid.clone());
        assert_eq!([signs(99), signs(100)], [Some(old.to_string()), Some(new.to_string())]);
        let believed = |now: i64| keys.believed(at(now)).count();
        assert_eq!([believed(0), believed(199), believed(200)], [2, 2, 1]);
        assert!(keys.named(&old.to_string(), at(199)).is_some() && keys.named(&old.to_string(), at(200)).is_none());
        assert!(keys.are(&rows) && !keys.are(&rows[1..]));
    }
}
