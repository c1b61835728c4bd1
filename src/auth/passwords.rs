//! Passwords: argon2id (19 MiB, 2 passes, 1 lane), hashed by few threads so that a flood of sign-ins fills no memory.

use crate::{
    error::{Code, Error, Result},
    values::Refusal,
};
use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
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

fn argon2id() -> Result<Argon2<'static>> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|_| Error::internal("argon2 refuses its parameters"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes on this thread: for commands. Handlers ask the [`Hasher`].
pub fn hash(password: &Password) -> Result<String> {
    let hash = argon2id()?.hash_password(password.0.as_bytes());
    hash.map(|h| h.to_string())
        .map_err(|e| Error::internal("a password could not be hashed").because(anyhow::anyhow!("{e}")))
}

fn verify(password: &str, hash: &str) -> Result<bool> {
    let hash = PasswordHash::new(hash)
        .map_err(|e| Error::internal("a stored hash is broken").because(anyhow::anyhow!("{e}")))?;
    Ok(argon2id()?.verify_password(password.as_bytes(), &hash).is_ok())
}

type Job = Box<dyn FnOnce() + Send>;

/// Sign-ins that may wait; one more is told to come back.
const QUEUE: usize = 64;

/// A few threads that do nothing but hash.
#[derive(Clone)]
pub struct Hasher {
    jobs: SyncSender<Job>,
    /// What an unknown account is compared with, so that it takes as long as a known one.
    nobody: Arc<str>,
}

impl Hasher {
    pub fn start(threads: usize) -> anyhow::Result<Self> {
        let (jobs, queue) = sync_channel::<Job>(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..threads {
            let queue = Arc::clone(&queue);
            thread::Builder::new().name("stet-hasher".into()).spawn(move || {
                while let Some(job) = next(&queue) {
                    job();
                }
            })?;
        }
        let nobody = hash(&Password(crate::db::Id::new().to_string()))?.into();
        Ok(Self { jobs, nobody })
    }

    pub async fn hash(&self, password: Password) -> Result<String> {
        self.run(move || hash(&password)).await
    }

    /// Whether the password is the one behind the hash. Without a hash it is not, after as much work.
    pub async fn verify(&self, password: String, known: Option<String>) -> Result<bool> {
        let nobody = Arc::clone(&self.nobody);
        self.run(move || {
            let matches = verify(&password, known.as_deref().unwrap_or(&nobody))?;
            Ok(matches && known.is_some())
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, f: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move || drop(tell.send(f())));
        self.jobs.try_send(job).map_err(|_| Error::unavailable("too many sign-ins at once"))?;
        told.await.map_err(|_| Error::new(Code::Unavailable))?
    }
}

fn next(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().ok()?.recv().ok()
}

#[cfg(test)]
mod tests {
    use super::{Password, hash, verify};

    #[test]
    fn a_hash_is_argon2id_with_our_parameters() {
        let hash = hash(&Password::parse("correct horse".into()).unwrap()).unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(verify("correct horse", &hash).unwrap());
        assert!(!verify("correct horse ", &hash).unwrap());
    }

    #[test]
    fn a_password_is_long_and_not_too_long() {
        for wrong in ["short", "", &"x".repeat(129), "with a NUL\0 in it"] {
            assert!(Password::parse(wrong.into()).is_err());
        }
    }
}
