//! Passwords: argon2id (19 MiB, 2 passes, 1 lane), hashed by few threads so that a flood of sign-ins fills no memory.

use super::{
    keys::random,
    strength::{self, Known},
};
use crate::{
    error::{Code, Error, Result},
    http::json::Digest,
    values::Refusal,
};
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, PasswordHash},
};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};
use tokio::sync::oneshot;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

/// A password that somebody chooses: 12 to 128 characters, never cut.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Password(String);

impl Password {
    pub fn parse(text: String) -> Result<Self, Refusal> {
        match text.chars().count() {
            12..=128 if !text.contains('\0') => Ok(Self(text)),
            _ => Err(Refusal::new("invalid_password", "a password has 12 to 128 characters")),
        }
    }
}

impl TryFrom<String> for Password {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        Self::parse(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl PartialSchema for Password {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("password".into())))
            .min_length(Some(12))
            .max_length(Some(128))
            .examples(["a tide table for March"])
            .into()
    }
}

impl ToSchema for Password {}

/// KiB that a hash is computed in, how often it goes through them, and on how many threads.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

fn argon2id() -> Result<Argon2<'static>> {
    let params =
        Params::new(MEMORY, PASSES, LANES, None).map_err(|_| Error::internal("argon2 refuses its parameters"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password that somebody chose, on this thread: for commands. Handlers ask the [`Hasher`].
///
/// # Errors
/// What is wrong with one that is easily guessed.
pub fn choose(password: &Password, known: &Known) -> Result<String> {
    strength::check(&password.0, known).map_err(|refusal| refusal.at(""))?;
    hash(password)
}

/// Hashes on this thread whatever it is.
pub fn hash(password: &Password) -> Result<String> {
    hash_in(&mut Memory::new(), password)
}

fn hash_in(memory: &mut Memory, password: &Password) -> Result<String> {
    let salt = random::<16>().map_err(|_| Error::internal("the system gives no random numbers"))?;
    let hash = argon2id_of(memory, password.0.as_bytes(), &salt)?;
    let [salt, hash] = [&salt[..], &hash[..]].map(|bytes| STANDARD_NO_PAD.encode(bytes));
    Ok(format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${salt}${hash}"))
}

fn argon2id_of(memory: &mut Memory, secret: &[u8], salt: &[u8]) -> Result<[u8; 32]> {
    let (argon2, mut hash) = (argon2id()?, [0; 32]);
    memory.resize(argon2.params().block_count(), Block::default());
    argon2
        .hash_password_into_with_memory(secret, salt, &mut hash, memory)
        .map_err(|e| Error::internal("a password could not be hashed").because(anyhow::anyhow!("{e}")))?;
    Ok(hash)
}

/// What a hash is computed in: 19 MiB. Who verifies often keeps it: given back to the system's allocator and taken anew
/// each time, it comes to lie in many places, and all of them stay taken.
type Memory = Vec<Block>;

fn verify(memory: &mut Memory, password: &str, hash: &str) -> Result<bool> {
    let broken = || Error::internal("a stored hash is broken");
    let hash = PasswordHash::new(hash).map_err(|e| broken().because(anyhow::anyhow!("{e}")))?;
    let params = Params::try_from(&hash).map_err(|e| broken().because(anyhow::anyhow!("{e}")))?;
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Err(broken()) };
    if hash.algorithm != Algorithm::Argon2id.ident() || hash.version != Some(Version::V0x13.into()) {
        return Err(broken());
    }
    memory.resize(params.block_count(), Block::default());
    let mut computed = vec![0; expected.len()];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, &mut computed, memory)
        .map_err(|e| Error::internal("a password could not be hashed").because(anyhow::anyhow!("{e}")))?;
    // Two outputs are compared in constant time.
    Ok(Output::new(&computed).is_ok_and(|computed| computed == *expected))
}

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// Sign-ins that may wait; one more is told to come back.
const QUEUE: usize = 64;
/// Threads that hash at the most: each keeps its memory.
const THREADS: usize = 4;
/// What an unknown account is compared with, so that it takes as long as a known one. Nobody has its password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$dwtJngAErSsC3RGuOWPIyg$ceeG7mT6CMWtN8gqQinFE1n17PR5iRnlX5Tpshz9PCs";

/// A few threads that do nothing but hash.
#[derive(Clone)]
pub struct Hasher(SyncSender<Job>);

impl Hasher {
    /// Starts a thread for each core, within the bound.
    pub fn start(cores: usize) -> anyhow::Result<Self> {
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..cores.min(THREADS) {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name("stet-hasher".into()).spawn(move || {
                let mut memory = Memory::new();
                while let Some(job) = next(&queue) {
                    job(&mut memory);
                }
            })?;
        }
        Ok(Self(jobs))
    }

    /// Hashes a password that somebody chose.
    ///
    /// # Errors
    /// 422 at `pointer` for one that is easily guessed.
    pub async fn choose(&self, password: Password, known: Known, pointer: &'static str) -> Result<String> {
        self.run(move |memory| {
            strength::check(&password.0, &known).map_err(|refusal| refusal.at(pointer))?;
            hash_in(memory, &password)
        })
        .await
    }

    /// The digest of a body that holds a password, at the price of the password's own hash: from that of SHA-256 it would be
    /// guessed quickly, since all else in the body is known. The salt is always the same, as the same body is to be known again.
    pub async fn digest(&self, body: Digest) -> Result<Digest> {
        self.run(move |memory| argon2id_of(memory, &body, b"idempotency-key")).await
    }

    /// Whether the password is the one behind the hash. Without a hash it is not, after as much work.
    pub async fn verify(&self, password: String, known: Option<String>) -> Result<bool> {
        self.run(move |memory| {
            let matches = verify(memory, &password, known.as_deref().unwrap_or(NOBODY))?;
            Ok(matches && known.is_some())
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, f: impl FnOnce(&mut Memory) -> Result<T> + Send + 'static) -> Result<T> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |memory| drop(tell.send(f(memory))));
        self.0.try_send(job).map_err(|_| Error::unavailable("too many sign-ins at once"))?;
        told.await.map_err(|_| Error::new(Code::Unavailable))?
    }
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().ok()?.recv().ok()
}

#[cfg(test)]
mod tests {
    use super::{Memory, NOBODY, Password, hash, verify};

    #[test]
    fn a_hash_is_argon2id_with_our_parameters() {
        let memory = &mut Memory::new();
        let hash = hash(&Password::parse("correct horse".into()).unwrap()).unwrap();
        for hash in [&*hash, NOBODY] {
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
            assert!(!verify(memory, "correct horse ", hash).unwrap());
        }
        assert!(verify(memory, "correct horse", &hash).unwrap());
    }

    #[test]
    fn a_hash_that_another_program_made_is_verified_too() {
        // The reference program's: echo -n password | argon2 somesalt -id -t 2 -m 16 -p 1 -e
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let memory = &mut Memory::new();
        assert!(verify(memory, "password", hash).unwrap());
        assert!(!verify(memory, "passwore", hash).unwrap());
        for broken in [
            "",
            "x",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ",
            &hash.replace("2id", "2i"),
            &hash.replace("19", "16"),
        ] {
            assert!(verify(memory, "password", broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn a_password_is_long_and_not_too_long() {
        for wrong in ["short", "", &"x".repeat(129), "with a NUL\0 in it"] {
            assert!(Password::parse(wrong.into()).is_err());
        }
    }
}
