//! A stand-in for an OpenID Connect provider: what it publishes, where one signs in, and what a code is changed for.

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    dev::ServerHandle,
    web::{self, Bytes, Data},
};
use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::{self, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    net::TcpListener,
    sync::{Arc, Mutex},
};
use stet::{clock, db::Id};

pub const CLIENT_ID: &str = "stet news";
pub const CLIENT_SECRET: &str = "a secret: with a colon & more";

/// What signs ID tokens.
pub enum Key {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Key {
    pub fn rsa() -> Self {
        Self::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub fn ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn ed() -> Self {
        Self::Ed(Ed25519KeyPair::generate().unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RS256",
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    fn sign(&self, text: &str) -> String {
        let random = SystemRandom::new();
        let signature = match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap();
                signature
            }
            Self::Ec(pair) => pair.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(text.as_bytes()).as_ref().to_vec(),
        };
        URL_SAFE_NO_PAD.encode(signature)
    }

    fn public(&self, kid: &str) -> Value {
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut key = match self {
            Self::Rsa(pair) => {
                // An RSAPublicKey of 2048 bits: the modulus and 65537, each behind a head that is always the same.
                let der = pair.public_key().as_ref();
                json!({"kty": "RSA", "n": base64(&der[9..265]), "e": base64(&der[der.len() - 3..])})
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..65])})
            }
            Self::Ed(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": base64(pair.public_key().as_ref())}),
        };
        (key["kid"], key["use"], key["alg"]) = (json!(kid), json!("sig"), json!(self.algorithm()));
        key
    }

    /// What an attacker knows of it, as a secret.
    fn known(&self) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ed(pair) => pair.public_key().as_ref().to_vec(),
        }
    }
}

/// How an ID token is made by somebody who has no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    AlgNone,
    WithTheSecret,
    WithThePublicKey,
    ByAStranger,
    Unsigned,
}

struct Attempt {
    redirect_uri: String,
    challenge: String,
    nonce: String,
}

/// What the provider is to do.
pub struct State {
    issuer: String,
    pub key: Key,
    pub kid: String,
    /// Who signs in.
    pub person: Value,
    /// Claims that are put in place of the right ones; `null` takes one away.
    pub claims: Value,
    /// The same for the header.
    pub header: Value,
    pub forged: Option<Forged>,
    /// The same for what it publishes.
    pub metadata: Value,
    /// Whether it takes secrets in the form alone.
    pub secret_in_form: bool,
    /// What answers 500.
    pub broken: Option<&'static str>,
    /// What sends elsewhere, where the right answer is.
    pub moved: Option<&'static str>,
    attempts: HashMap<String, Attempt>,
    asked: HashMap<String, usize>,
}

pub struct StandIn {
    pub issuer: String,
    state: Arc<Mutex<State>>,
    server: ServerHandle,
}

impl StandIn {
    #[expect(clippy::unused_async, reason = "it spawns, so it must be called where tasks run")]
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            issuer: issuer.clone(),
            key: Key::ec(),
            kid: "first".into(),
            person: json!({
                "sub": "ada", "email": "ada@lantern.example", "email_verified": true, "name": "Ada Quill", "groups": ["desk"]
            }),
            claims: json!({}),
            header: json!({}),
            forged: None,
            metadata: json!({}),
            secret_in_form: false,
            broken: None,
            moved: None,
            attempts: HashMap::new(),
            asked: HashMap::new(),
        }));
        let shared = Data::from(state.clone());
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)))
            .workers(1)
            .disable_signals()
            .listen(listener)
            .unwrap()
            .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { issuer, state, server: handle }
    }

    pub fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.state.lock().unwrap().asked.get(path).copied().unwrap_or_default()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

fn merged(mut value: Value, over: &Value) -> Value {
    for (name, other) in over.as_object().unwrap() {
        match other {
            Value::Null => drop(value.as_object_mut().unwrap().shift_remove(name)),
            other => value[name] = other.clone(),
        }
    }
    value
}

type Fields = HashMap<String, String>;

fn fields(text: &[u8]) -> Fields {
    form_urlencoded::parse(text).into_owned().collect()
}

async fn answer(request: HttpRequest, body: Bytes, state: Data<Mutex<State>>) -> HttpResponse {
    let mut state = state.lock().unwrap();
    let path = request.path().to_owned();
    *state.asked.entry(path.clone()).or_default() += 1;
    if state.broken == Some(&*path) {
        return HttpResponse::InternalServerError().finish();
    }
    if state.moved == Some(&*path) {
        return HttpResponse::TemporaryRedirect().insert_header(("location", format!("/moved{path}"))).finish();
    }
    match path.strip_prefix("/moved").unwrap_or(&path) {
        "/.well-known/openid-configuration" => HttpResponse::Ok().json(state.published()),
        "/jwks" => {
            let unknown = json!({"kty": "moon", "kid": "other", "use": "sig"});
            HttpResponse::Ok().json(json!({"keys": [unknown, state.key.public(&state.kid)]}))
        }
        "/authorize" => state.authorize(&fields(request.query_string().as_bytes())),
        "/token" => {
            let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
            state.token(header, &fields(&body))
        }
        _ => HttpResponse::NotFound().finish(),
    }
}

impl State {
    fn published(&self) -> Value {
        let issuer = &self.issuer;
        let methods = if self.secret_in_form { json!(["client_secret_post"]) } else { Value::Null };
        let published = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/jwks"), "token_endpoint_auth_methods_supported": methods,
        });
        merged(published, &self.metadata)
    }

    fn authorize(&mut self, asked: &Fields) -> HttpResponse {
        assert_eq!((&*asked["response_type"], &*asked["client_id"]), ("code", CLIENT_ID));
        assert_eq!((&*asked["code_challenge_method"], asked["scope"].contains("openid")), ("S256", true));
        assert!(asked["state"].len() >= 43 && asked["nonce"].len() >= 43);
        let code = Id::new().to_string();
        let attempt = Attempt {
            redirect_uri: asked["redirect_uri"].clone(),
            challenge: asked["code_challenge"].clone(),
            nonce: asked["nonce"].clone(),
        };
        let back = form_urlencoded::Serializer::new(format!("{}?", attempt.redirect_uri))
            .append_pair("code", &code)
            .append_pair("state", &asked["state"])
            .append_pair("session_state", "of the provider's own")
            .finish();
        self.attempts.insert(code, attempt);
        HttpResponse::Found().insert_header(("location", back)).finish()
    }

    fn token(&mut self, header: Option<String>, form: &Fields) -> HttpResponse {
        let refused = |error: &str| HttpResponse::BadRequest().json(json!({"error": error}));
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let basic = format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET));
        let basic = format!("Basic {}", STANDARD.encode(basic));
        let known = if self.secret_in_form {
            header.is_none() && form.get("client_secret").is_some_and(|secret| secret == CLIENT_SECRET)
        } else {
            header.as_deref() == Some(&basic) && !form.contains_key("client_secret")
        };
        if !known {
            return refused("invalid_client");
        }
        let Some(attempt) = self.attempts.remove(&form["code"]) else { return refused("invalid_grant") };
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
        let right = form["grant_type"] == "authorization_code" && form["redirect_uri"] == attempt.redirect_uri;
        if !right || challenge != attempt.challenge {
            return refused("invalid_grant");
        }
        let access_token = Id::new().to_string();
        let id_token = self.id_token(&attempt.nonce, &access_token);
        HttpResponse::Ok()
            .json(json!({"access_token": access_token, "token_type": "Bearer", "expires_in": 60, "id_token": id_token}))
    }

    fn id_token(&self, nonce: &str, access_token: &str) -> String {
        let now = clock::now().seconds();
        let mut claims = json!({"iss": self.issuer, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce});
        if !matches!(self.key, Key::Ed(_)) {
            claims["at_hash"] = json!(URL_SAFE_NO_PAD.encode(&digest(&SHA256, access_token.as_bytes()).as_ref()[..16]));
        }
        let claims = merged(merged(claims, &self.person), &self.claims);
        let algorithm = match self.forged {
            Some(Forged::AlgNone) => "none",
            Some(Forged::WithTheSecret | Forged::WithThePublicKey) => "HS256",
            _ => self.key.algorithm(),
        };
        let header = merged(json!({"alg": algorithm, "typ": "JWT", "kid": self.kid}), &self.header);
        let base64 = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", base64(&header), base64(&claims));
        let by_secret = |secret: &[u8]| {
            URL_SAFE_NO_PAD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes()))
        };
        let signature = match self.forged {
            Some(Forged::AlgNone | Forged::Unsigned) => String::new(),
            Some(Forged::WithTheSecret) => by_secret(CLIENT_SECRET.as_bytes()),
            Some(Forged::WithThePublicKey) => by_secret(&self.key.known()),
            Some(Forged::ByAStranger) => Key::ec().sign(&text),
            None => self.key.sign(&text),
        };
        format!("{text}.{signature}")
    }
}
