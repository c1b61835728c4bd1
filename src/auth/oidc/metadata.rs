//! What a provider publishes of itself, and its keys: read when they are needed, and kept for a while.

use super::{caller::Caller, id_token, provider::Provider, settings::is_safe};
use crate::{
    clock::Time,
    error::{Code, Error, Result},
};
use anyhow::{Context, ensure};
use jsonwebtoken::{
    DecodingKey,
    jwk::{Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// How long what was read is good for, and how long it is made do with where it cannot be read again.
const FRESH: Duration = Duration::from_secs(60 * 60);
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a provider that did not answer is not asked again, so that nobody queues for it.
const RESTING: Duration = Duration::from_secs(3);
/// How often a key that is not known is a reason to read the keys again.
const LOOKING: Duration = Duration::from_secs(60);

/// The document of OpenID Connect Discovery, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub struct Metadata {
    issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

impl Metadata {
    /// Whether the provider takes a secret by HTTP Basic: it does where it does not say.
    pub fn takes_basic(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_ref();
        methods.is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
    }
}

/// What is known of a provider at the moment.
#[derive(Debug, Default)]
pub struct Known {
    metadata: Option<(Time, Arc<Metadata>)>,
    keys: Option<(Time, Vec<Jwk>)>,
    failed_at: Option<Time>,
    looked_at: Option<Time>,
}

impl Known {
    /// Asks the provider and notes whether it answered. Whoever asks while it rests makes the rest no longer.
    async fn ask<T>(&mut self, question: impl Future<Output = Result<T>>, now: Time) -> Result<T> {
        if self.failed_at.is_some_and(|at| now < at.plus(RESTING)) {
            return Err(resting());
        }
        let answer = question.await;
        self.failed_at = answer.is_err().then_some(now);
        answer
    }
}

fn resting() -> Error {
    Error::with(Code::ProviderUnavailable, "the provider did not answer a moment ago; try again soon")
}

impl Provider {
    /// What the provider says of itself.
    ///
    /// # Errors
    /// 503 where it does not answer, or not as itself.
    pub async fn metadata(&self, caller: &Caller, now: Time) -> Result<Arc<Metadata>> {
        let mut known = self.known.lock().await;
        let kept = known.metadata.clone();
        if let Some((_, metadata)) = kept.as_ref().filter(|(at, _)| now < at.plus(FRESH)) {
            return Ok(metadata.clone());
        }
        match (known.ask(self.read_metadata(caller), now).await, kept) {
            (Ok(metadata), _) => {
                let metadata = Arc::new(metadata);
                known.metadata = Some((now, metadata.clone()));
                Ok(metadata)
            }
            (Err(_), Some((at, metadata))) if now < at.plus(STALE) => Ok(metadata),
            (Err(error), _) => Err(error),
        }
    }

    async fn read_metadata(&self, caller: &Caller) -> Result<Metadata> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let document = caller.get(&address).await?;
        let read = || -> anyhow::Result<Metadata> {
            let metadata: Metadata = serde_json::from_value(Value::Object(document))?;
            ensure!(metadata.issuer == self.issuer, "it calls itself {}", metadata.issuer);
            let addresses = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
            ensure!(addresses.into_iter().all(|address| is_safe(address)), "it names an address that is not https");
            Ok(metadata)
        };
        read().context(address).map_err(|e| Error::new(Code::ProviderUnavailable).because(e))
    }

    /// The key that an ID token names; the only one that signs, where it names none. One that is unknown may be new.
    ///
    /// # Errors
    /// 401 where there is none; 503 where the provider does not answer.
    pub async fn key(&self, caller: &Caller, metadata: &Metadata, kid: Option<&str>, now: Time) -> Result<Jwk> {
        let mut known = self.known.lock().await;
        let unknown = || id_token::refused("its key is unknown");
        if let Some((at, keys)) = &known.keys
            && now < at.plus(FRESH)
        {
            if let Some(key) = named(keys, kid) {
                return Ok(key.clone());
            }
            if known.looked_at.is_some_and(|at| now < at.plus(LOOKING)) {
                return Err(unknown());
            }
            known.looked_at = Some(now);
        }
        match known.ask(caller.get(&metadata.jwks_uri), now).await {
            Ok(document) => {
                let keys = document.get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
                // One of a kind that we do not know is no reason to refuse the others.
                let keys = keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
                let keys: Vec<_> = keys.filter(is_usable).collect();
                let found = named(&keys, kid).cloned();
                known.keys = Some((now, keys));
                found.ok_or_else(unknown)
            }
            Err(error) => {
                let kept = known.keys.as_ref().filter(|(at, _)| now < at.plus(STALE));
                kept.and_then(|(_, keys)| named(keys, kid)).cloned().ok_or(error)
            }
        }
    }
}

fn is_usable(key: &Jwk) -> bool {
    let signs = key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    signs && DecodingKey::from_jwk(key).is_ok()
}

fn named<'a>(keys: &'a [Jwk], kid: Option<&str>) -> Option<&'a Jwk> {
    match (kid, keys) {
        (Some(kid), keys) => keys.iter().find(|key| key.common.key_id.as_deref() == Some(kid)),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}
