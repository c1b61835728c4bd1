//! The keys that the application makes for itself at first start, and keeps in the database for all replicas.

use super::{
    signing::{self, SigningKeys},
    tokens::Verified,
};
use crate::{
    both,
    clock::{self, Time},
    db::{Conn, Id, lock},
    error::{Error, Result},
    schema::keys,
};
use anyhow::{Context, bail};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, RandomizedNonceKey},
    digest::{SHA256, digest},
    rand::{SecureRandom, SystemRandom},
    signature::Ed25519KeyPair,
};
use diesel::prelude::*;
use std::sync::{Arc, PoisonError, RwLock};

/// What signs tokens and cursors, and what refresh tokens are made with.
pub struct Keyring {
    signing: RwLock<Arc<SigningKeys>>,
    secret_key: Option<String>,
    /// Tokens that our keys were found to have signed.
    pub(super) verified: Verified,
    /// What tokens say of who issued them, and for whom.
    pub(super) issuer: String,
    cursor: Vec<u8>,
    refresh: Vec<u8>,
    ticket: Vec<u8>,
}

impl Keyring {
    /// Loads the keys, and makes those that are missing.
    ///
    /// # Errors
    /// Where the keys in the database were wrapped with another `STET_SECRET_KEY`.
    pub fn load(conn: &mut Conn, secret_key: Option<&str>, issuer: String) -> anyhow::Result<Self> {
        let (now, purposes) = (clock::now(), ["token", "cursor", "refresh", "ticket"]);
        let tokens = conn.transaction(|conn| -> Result<_> {
            // Replicas that start together make one key, not one each.
            lock::table(conn, "keys")?;
            purposes.iter().try_for_each(|purpose| ensure(conn, purpose, secret_key, now))?;
            signing::rows(conn, now)
        })?;
        Ok(Self {
            signing: RwLock::new(Arc::new(SigningKeys::open(tokens, secret_key)?)),
            secret_key: secret_key.map(str::to_owned),
            verified: Verified::default(),
            issuer,
            cursor: newest(conn, "cursor", secret_key)?,
            refresh: newest(conn, "refresh", secret_key)?,
            ticket: newest(conn, "ticket", secret_key)?,
        })
    }

    /// Sees to keys that another process made or retired.
    pub fn follow(&self, conn: &mut Conn) -> Result<()> {
        let rows = signing::rows(conn, clock::now())?;
        if self.signing().are(&rows) {
            return Ok(());
        }
        let keys = SigningKeys::open(rows, self.secret_key.as_deref());
        let keys = keys.map_err(|e| Error::internal("a signing key cannot be read").because(e))?;
        *self.signing.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }

    pub(super) fn signing(&self) -> Arc<SigningKeys> {
        self.signing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The public halves of all keys that are believed, by their names.
    pub(super) fn public(&self, now: Time) -> Vec<(String, Vec<u8>)> {
        self.signing().believed(now).map(|key| (key.kid.clone(), key.public.clone())).collect()
    }

    /// Encrypts what is kept for an account, where there is a `STET_SECRET_KEY`. Whether it did.
    pub(super) fn seal(&self, secret: Vec<u8>) -> Result<(Vec<u8>, bool)> {
        match self.secret_key.as_deref() {
            Some(key) => Ok((wrap(secret, key.as_bytes())?, true)),
            None => Ok((secret, false)),
        }
    }

    /// What [`seal`](Self::seal) was given.
    pub(super) fn open(&self, secret: &[u8], wrapped: bool) -> Result<Vec<u8>> {
        if !wrapped {
            return Ok(secret.to_vec());
        }
        let opened = unwrap(secret, self.secret_key.as_deref());
        opened.map_err(|e| Error::internal("what was encrypted cannot be read").because(e))
    }

    /// Encrypts what a browser is given to bring back.
    pub(super) fn seal_ticket(&self, ticket: Vec<u8>) -> Result<Vec<u8>> {
        wrap(ticket, &self.ticket)
    }

    pub(super) fn open_ticket(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        opened(sealed, &self.ticket)
    }

    pub fn cursor_key(&self) -> &[u8] {
        &self.cursor
    }

    pub(super) fn refresh_key(&self) -> &[u8] {
        &self.refresh
    }
}

fn newest(conn: &mut Conn, purpose: &'static str, secret_key: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let row = keys::table
        .filter(keys::purpose.eq(purpose))
        .filter(keys::retired_at.is_null())
        .order((keys::created_at.desc(), keys::id.desc()))
        .select((keys::secret, keys::wrapped));
    let (secret, wrapped): (Vec<u8>, bool) = row.first(conn).with_context(|| format!("no {purpose} key was made"))?;
    if wrapped { unwrap(&secret, secret_key) } else { Ok(secret) }
}

fn ensure(conn: &mut Conn, purpose: &str, secret_key: Option<&str>, now: Time) -> Result<()> {
    let there = keys::table.filter(keys::purpose.eq(purpose)).filter(keys::retired_at.is_null());
    if !diesel::select(diesel::dsl::exists(there)).get_result::<bool>(conn)? {
        insert(conn, purpose, secret_key, now, now)?;
    }
    Ok(())
}

/// Makes a key.
pub(super) fn insert(
    conn: &mut Conn,
    purpose: &str,
    secret_key: Option<&str>,
    signs_from: Time,
    now: Time,
) -> Result<Id> {
    let secret = match purpose {
        "token" => Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map(|pkcs8| pkcs8.as_ref().to_vec()),
        _ => random::<32>().map(|bytes| bytes.to_vec()),
    };
    let secret = secret.map_err(|_| Error::internal("the system gives no random numbers"))?;
    let secret = match secret_key {
        Some(key) => wrap(secret, key.as_bytes())?,
        None => secret,
    };
    let id = Id::new();
    let row = (
        keys::id.eq(id),
        keys::purpose.eq(purpose),
        keys::secret.eq(secret),
        keys::wrapped.eq(secret_key.is_some()),
        keys::created_at.eq(now),
        keys::signs_from.eq(signs_from),
    );
    both!(conn, c => diesel::insert_into(keys::table).values(row).execute(c))?;
    Ok(id)
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> Result<[u8; N], aws_lc_rs::error::Unspecified> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes)?;
    Ok(bytes)
}

const NONCE: usize = 12;

fn cipher(secret_key: &[u8]) -> Result<RandomizedNonceKey, aws_lc_rs::error::Unspecified> {
    RandomizedNonceKey::new(&AES_256_GCM, digest(&SHA256, secret_key).as_ref())
}

fn wrap(mut secret: Vec<u8>, secret_key: &[u8]) -> Result<Vec<u8>> {
    let seal = |secret: &mut Vec<u8>| cipher(secret_key)?.seal_in_place_append_tag(Aad::empty(), secret);
    let nonce = seal(&mut secret).map_err(|_| Error::internal("a key could not be wrapped"))?;
    Ok([nonce.as_ref().as_slice(), &secret].concat())
}

pub(super) fn unwrap(wrapped: &[u8], secret_key: Option<&str>) -> anyhow::Result<Vec<u8>> {
    let Some(secret_key) = secret_key else {
        bail!("the keys in the database are encrypted: set STET_SECRET_KEY as it was when they were made");
    };
    opened(wrapped, secret_key.as_bytes())
        .context("STET_SECRET_KEY is not the one that encrypted the keys in the database")
}

/// What was wrapped with a key; nothing, where it was not.
fn opened(wrapped: &[u8], secret_key: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = wrapped.split_at_checked(NONCE)?;
    let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut secret = sealed.to_vec();
    let length = cipher(secret_key).ok()?.open_in_place(nonce, Aad::empty(), &mut secret).ok()?.len();
    secret.truncate(length);
    Some(secret)
}

#[cfg(test)]
mod tests {
    use super::{Keyring, unwrap, wrap};
    use crate::db::{Target, migrate};

    #[test]
    fn a_wrapped_key_opens_with_its_own_secret_only() {
        let wrapped = wrap(b"key".to_vec(), b"the secret of the house").unwrap();
        assert_eq!(unwrap(&wrapped, Some("the secret of the house")).unwrap(), b"key");
        assert!(unwrap(&wrapped, Some("another")).is_err());
        assert!(unwrap(&wrapped, None).is_err());
    }

    #[test]
    fn each_database_keeps_keys_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let secret = "the secret of the house, which is long";
        let keys = |database: &str, secret_key: Option<&str>| {
            let target = Target::Sqlite(directory.path().join(database).to_str().unwrap().to_owned());
            let mut conn = target.open().unwrap();
            migrate(&mut conn).unwrap();
            let keys = Keyring::load(&mut conn, secret_key, String::new()).unwrap();
            [keys.cursor_key(), keys.refresh_key(), &keys.ticket].map(<[u8]>::to_vec)
        };
        let all = [keys("one", None), keys("another", None), keys("wrapped", Some(secret))];
        assert_eq!(all, [keys("one", None), keys("another", None), keys("wrapped", Some(secret))]);
        let mut apart = all.concat();
        assert!(apart.iter().all(|key| key.len() == 32));
        apart.sort();
        apart.dedup();
        assert_eq!(apart.len(), 9, "no key is for two purposes or two databases");
    }
}
