//! Asking a provider: only addresses that the settings or the provider's own document name, never where a redirect leads,
//! for a bounded time, and for a bounded answer.

use crate::error::{Code, Error, Result};
use anyhow::{Context, anyhow};
use awc::http::StatusCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use serde_json::{Map, Value};
use std::{fmt, sync::Arc, time::Duration};

/// How long a connection, and how long an answer may take.
const CONNECTING: Duration = Duration::from_secs(3);
const ANSWERING: Duration = Duration::from_secs(5);
/// Bytes of an answer.
const LONGEST: usize = 512 * 1024;

/// What a caller's secret is sent in.
pub enum Secret<'a> {
    None,
    /// The name and the secret, by HTTP Basic.
    Header(&'a str, &'a str),
    Form(&'a str),
}

/// Calls providers.
#[derive(Clone)]
pub struct Caller(Arc<ClientConfig>);

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller")
    }
}

type Object = Map<String, Value>;

impl Caller {
    /// Believes the authorities that the system does.
    pub fn new() -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .context("no version of TLS is safe")?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    fn client(&self) -> awc::Client {
        let connector = awc::Connector::new().rustls_0_23(self.0.clone()).timeout(CONNECTING);
        awc::Client::builder().connector(connector).timeout(ANSWERING).disable_redirects().finish()
    }

    /// A JSON object from an address.
    ///
    /// # Errors
    /// 503 where there is none.
    pub async fn get(&self, address: &str) -> Result<Object> {
        let ask = async {
            let request = self.client().get(address).insert_header(("accept", "application/json"));
            let mut answer = request.send().await.map_err(|e| anyhow!("{e}"))?;
            let body = answer.body().limit(LONGEST).await.map_err(|e| anyhow!("{e}"))?;
            if answer.status() != StatusCode::OK {
                return Err(anyhow!("it answered {}", answer.status()));
            }
            Ok(serde_json::from_slice(&body)?)
        };
        in_time(address, ask).await
    }

    /// A JSON object for a form; the inner one is a refusal.
    ///
    /// # Errors
    /// 503 where there is none.
    pub async fn post_form(
        &self,
        address: &str,
        form: &[(&'static str, String)],
        secret: Secret<'_>,
    ) -> Result<Result<Object, Object>> {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let mut request = self.client().post(address).insert_header(("accept", "application/json"));
        match secret {
            Secret::None => {}
            Secret::Form(secret) => drop(body.append_pair("client_secret", secret)),
            Secret::Header(name, secret) => {
                // Both are encoded as in a form first (RFC 6749, section 2.3.1).
                let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                let basic = STANDARD.encode(format!("{}:{}", encoded(name), encoded(secret)));
                request = request.insert_header(("authorization", format!("Basic {basic}")));
            }
        }
        let request = request.content_type("application/x-www-form-urlencoded");
        let body = body.finish();
        let ask = async {
            let mut answer = request.send_body(body).await.map_err(|e| anyhow!("{e}"))?;
            let body = answer.body().limit(LONGEST).await.map_err(|e| anyhow!("{e}"))?;
            match answer.status() {
                StatusCode::OK => Ok(Ok(serde_json::from_slice(&body)?)),
                StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    Ok(Err(serde_json::from_slice(&body).unwrap_or_default()))
                }
                other => Err(anyhow!("it answered {other}")),
            }
        };
        in_time(address, ask).await
    }
}

/// # Errors
/// 503, with what happened for the log.
async fn in_time<T>(address: &str, ask: impl Future<Output = anyhow::Result<T>>) -> Result<T> {
    let answer = tokio::time::timeout(CONNECTING + ANSWERING, ask).await;
    let answer = answer.unwrap_or_else(|_| Err(anyhow!("it took too long")));
    answer.with_context(|| address.to_owned()).map_err(|e| Error::new(Code::ProviderUnavailable).because(e))
}
