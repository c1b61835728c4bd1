//! `/.well-known/jwks.json`: what others check our tokens with (RFC 7517, RFC 8037).

use super::signing::PUBLISHED_AHEAD;
use crate::{
    app::App,
    clock,
    error::Result,
    http::{Answer, NoParams, Query, Routes},
};
use actix_web::{Responder, get, http::header::CACHE_CONTROL, web::Data};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use utoipa::ToSchema;

/// The public halves of the keys that sign access tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicKeys {
    #[schema(max_items = 100)]
    keys: Vec<PublicKey>,
}

/// A public key (RFC 7517), of Ed25519 (RFC 8037).
#[derive(Debug, Serialize, ToSchema)]
pub struct PublicKey {
    #[schema(inline)]
    kty: KeyType,
    #[schema(inline)]
    crv: Curve,
    /// The key itself, in base64url.
    #[schema(min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]+$")]
    x: String,
    /// What a token's header names it by.
    #[schema(max_length = 36, pattern = "^[0-9a-f-]+$")]
    kid: String,
    #[schema(inline)]
    alg: KeyAlgorithm,
    #[serde(rename = "use")]
    #[schema(inline)]
    usage: KeyUse,
}

#[derive(Debug, Serialize, ToSchema)]
enum KeyType {
    #[serde(rename = "OKP")]
    Okp,
}

#[derive(Debug, Serialize, ToSchema)]
enum Curve {
    Ed25519,
}

#[derive(Debug, Serialize, ToSchema)]
enum KeyAlgorithm {
    #[serde(rename = "EdDSA")]
    EdDsa,
}

#[derive(Debug, Serialize, ToSchema)]
enum KeyUse {
    #[serde(rename = "sig")]
    Signatures,
}

pub fn routes(config: &mut impl Routes) {
    config.service(get_public_keys);
}

/// Get the public keys
///
/// For whoever checks access tokens without asking. A new key stands here before it signs; one that signs no more, until
/// its last token has expired. That a session has ended does not show in a token: only the API knows.
#[utoipa::path(tag = "Auth", responses((status = OK, description = "The keys.", body = PublicKeys)))]
#[get("/.well-known/jwks.json")]
async fn get_public_keys(app: Data<App>, _: Query<NoParams>) -> Result<impl Responder> {
    let public = |(kid, public): (String, Vec<u8>)| PublicKey {
        kty: KeyType::Okp,
        crv: Curve::Ed25519,
        x: URL_SAFE_NO_PAD.encode(public),
        kid,
        alg: KeyAlgorithm::EdDsa,
        usage: KeyUse::Signatures,
    };
    let keys = app.keys.public(clock::now()).into_iter().map(public).collect();
    let kept = format!("public, max-age={}", PUBLISHED_AHEAD.as_secs());
    Ok(Answer::shown(&PublicKeys { keys })?.customize().insert_header((CACHE_CONTROL, kept)))
}
