//! The keys that the application makes for itself at first start, and keeps in the database for all replicas.

use super::tokens::Verified;
use crate::{
    both, clock,
    db::{Conn, Id, lock},
    error::Result,
    schema::keys,
};
use anyhow::{Context, bail};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, RandomizedNonceKey},
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
    signature::{Ed25519KeyPair, KeyPair},
};
use diesel::prelude::*;
use jsonwebtoken::{DecodingKey, EncodingKey};

/// What signs tokens and cursors, and what previews are made with.
pub struct Keyring {
    pub(super) kid: String,
    pub(super) signing: EncodingKey,
    /// The public halves, by `kid`, of all keys that are not retired.
    pub(super) verifying: Vec<(String, DecodingKey)>,
    /// Tokens that these keys were found to have signed.
    pub(super) verified: Verified,
    /// What tokens say of who issued them, and for whom.
    pub(super) issuer: String,
    cursor: Vec<u8>,
    preview: Vec<u8>,
}

type Row = (Id, String, Vec<u8>, bool);

impl Keyring {
    /// Loads the keys, and makes those that are missing.
    ///
    /// # Errors
    /// Where the keys in the database were wrapped with another `STET_SECRET_KEY`.
    pub fn load(conn: &mut Conn, secret_key: Option<&str>, issuer: String) -> anyhow::Result<Self> {
        let rows = conn.transaction(|conn| -> Result<Vec<Row>> {
            // Replicas that start together make one key, not one each.
            lock::table(conn, "keys")?;
            ensure(conn, "token", secret_key)?;
            ensure(conn, "cursor", secret_key)?;
            ensure(conn, "preview", secret_key)?;
            Ok(keys::table
                .filter(keys::retired_at.is_null())
                .order((keys::created_at.desc(), keys::id.desc()))
                .select((keys::id, keys::purpose, keys::secret, keys::wrapped))
                .load(conn)?)
        })?;
        let open = |(id, purpose, secret, wrapped): Row| -> anyhow::Result<(Id, String, Vec<u8>)> {
            Ok((id, purpose, if wrapped { unwrap(&secret, secret_key)? } else { secret }))
        };
        let opened = rows.into_iter().map(open).collect::<anyhow::Result<Vec<_>>>()?;
        let of = |purpose: &'static str| opened.iter().filter(move |(_, p, _)| p == purpose);
        let (kid, _, newest) = of("token").next().context("no signing key was made")?;
        let public = |(id, _, secret): &(Id, String, Vec<u8>)| -> anyhow::Result<(String, DecodingKey)> {
            let pair =
                Ed25519KeyPair::from_pkcs8(secret).map_err(|e| anyhow::anyhow!("a signing key is broken: {e}"))?;
            Ok((id.to_string(), DecodingKey::from_ed_der(pair.public_key().as_ref())))
        };
        Ok(Self {
            kid: kid.to_string(),
            signing: EncodingKey::from_ed_der(newest),
            verifying: of("token").map(public).collect::<anyhow::Result<_>>()?,
            verified: Verified::default(),
            issuer,
            cursor: of("cursor").next().context("no cursor key was made")?.2.clone(),
            preview: of("preview").next().context("no preview key was made")?.2.clone(),
        })
    }

    pub fn cursor_key(&self) -> &[u8] {
        &self.cursor
    }

    pub fn preview_key(&self) -> &[u8] {
        &self.preview
    }
}

fn ensure(conn: &mut Conn, purpose: &str, secret_key: Option<&str>) -> Result<()> {
    let there = keys::table.filter(keys::purpose.eq(purpose)).filter(keys::retired_at.is_null());
    if diesel::select(diesel::dsl::exists(there)).get_result(conn)? {
        return Ok(());
    }
    let secret = match purpose {
        "token" => Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map(|pkcs8| pkcs8.as_ref().to_vec()),
        _ => random::<32>().map(|bytes| bytes.to_vec()),
    };
    let secret = secret.map_err(|_| crate::error::Error::internal("the system gives no random numbers"))?;
    let secret = match secret_key {
        Some(key) => wrap(secret, key)?,
        None => secret,
    };
    let row = (
        keys::id.eq(Id::new()),
        keys::purpose.eq(purpose),
        keys::secret.eq(secret),
        keys::wrapped.eq(secret_key.is_some()),
        keys::created_at.eq(clock::now()),
    );
    both!(conn, c => diesel::insert_into(keys::table).values(row).execute(c))?;
    Ok(())
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> Result<[u8; N], aws_lc_rs::error::Unspecified> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}

const NONCE: usize = 12;

fn cipher(secret_key: &str) -> Result<RandomizedNonceKey, aws_lc_rs::error::Unspecified> {
    RandomizedNonceKey::new(&AES_256_GCM, digest(&SHA256, secret_key.as_bytes()).as_ref())
}

fn wrap(mut secret: Vec<u8>, secret_key: &str) -> Result<Vec<u8>> {
    let seal = |secret: &mut Vec<u8>| cipher(secret_key)?.seal_in_place_append_tag(Aad::empty(), secret);
    let nonce = seal(&mut secret).map_err(|_| crate::error::Error::internal("a key could not be wrapped"))?;
    Ok([nonce.as_ref().as_slice(), &secret].concat())
}

fn unwrap(wrapped: &[u8], secret_key: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let Some(secret_key) = secret_key else {
        bail!("the keys in the database are encrypted: set STET_SECRET_KEY as it was when they were made");
    };
    let (nonce, sealed) = wrapped.split_at_checked(NONCE).context("a wrapped key is too short")?;
    let mut secret = sealed.to_vec();
    let open = |secret: &mut Vec<u8>| {
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce)?;
        cipher(secret_key)?.open_in_place(nonce, Aad::empty(), secret).map(|plain| plain.len())
    };
    let length = open(&mut secret)
        .map_err(|_| anyhow::anyhow!("STET_SECRET_KEY is not the one that encrypted the keys in the database"))?;
    secret.truncate(length);
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::{unwrap, wrap};

    #[test]
    fn a_wrapped_key_opens_with_its_own_secret_only() {
        let wrapped = wrap(b"key".to_vec(), "the secret of the house").unwrap();
        assert_eq!(unwrap(&wrapped, Some("the secret of the house")).unwrap(), b"key");
        assert!(unwrap(&wrapped, Some("another")).is_err());
        assert!(unwrap(&wrapped, None).is_err());
    }
}
