//! Access tokens: ours or nothing, and the keys that sign them.

use super::{refresh, sign_in, with_token};
use crate::{
    on_both_databases,
    support::{TestApp, blocking},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::{RunQueryDsl, sql_types::Binary, sql_types::Text};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Value, json};
use std::time::Duration;
use stet::{auth, clock, permissions::Role};

#[derive(diesel::QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    kid: String,
    #[diesel(sql_type = Binary)]
    secret: Vec<u8>,
}

/// The key that the app signs with, and the claims of a token that it made.
fn key_and_claims(app: &TestApp, token: &str) -> (Header, EncodingKey, Value) {
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let sql = format!("SELECT '{kid}' AS kid, secret FROM keys WHERE purpose = 'token'");
    let key: KeyRow = blocking(|| diesel::sql_query(sql).get_result(&mut *app.app.db.connection().unwrap()).unwrap());
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token).unwrap().claims;
    let mut header = Header::new(Algorithm::EdDSA);
    (header.typ, header.kid) = (Some("at+jwt".into()), Some(key.kid));
    (header, EncodingKey::from_ed_der(&key.secret), claims)
}

/// The same token with its time over.
pub fn expired(app: &TestApp, token: &str) -> String {
    let (header, key, mut claims) = key_and_claims(app, token);
    claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 1);
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

async fn a_token_is_ours_or_nothing(app: TestApp) {
    let session = sign_in(&app, &app.new_user(Role::Admin)).await;
    let token = session.text("/access_token");
    let (header, key, claims) = key_and_claims(&app, &token);
    let sign = |header: &Header, claims: &Value| jsonwebtoken::encode(header, claims, &key).unwrap();
    // The same claims, signed by us here, pass: what follows is refused for the one thing that differs.
    with_token(&app, &sign(&header, &claims)).get("/me").await.assert(200);

    let changed = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        sign(&header, &claims)
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().shift_remove(name);
        sign(&header, &claims)
    };
    // The same with a part of the header or the claims as it is written, signed by us.
    let raw = |head: &str, body: &str| {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(body));
        let signature = jsonwebtoken::crypto::sign(signed.as_bytes(), &key, Algorithm::EdDSA).unwrap();
        format!("{signed}.{signature}")
    };
    let kid = header.kid.as_deref().unwrap();
    let head = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{kid}"}}"#);
    let body = claims.to_string();
    with_token(&app, &raw(&head, &body)).get("/me").await.assert(200);
    let with_head = |more: &str| raw(&head.replacen('{', &format!("{{{more},"), 1), &body);
    let with_claim = |more: &str| raw(&head, &body.replacen('{', &format!("{{{more},"), 1));
    let public = app.anyone().get("//.well-known/jwks.json").await.json["keys"][0]["x"].as_str().unwrap().to_owned();
    let public_bytes = URL_SAFE_NO_PAD.decode(&public).unwrap();
    let confused = |secret: &[u8]| {
        let header = Header { alg: Algorithm::HS256, ..header.clone() };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap()
    };
    let now = claims["iat"].as_i64().unwrap();
    let other_type = Header { typ: Some("JWT".into()), ..header.clone() };
    let no_type = Header { typ: None, ..header.clone() };
    let other_kid = Header { kid: Some("0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d".into()), ..header.clone() };
    let no_kid = Header { kid: None, ..header.clone() };
    let stranger = aws_lc_rs::signature::Ed25519KeyPair::generate_pkcs8(&aws_lc_rs::rand::SystemRandom::new()).unwrap();
    let stranger = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(stranger.as_ref())).unwrap();
    let hmac = Header { alg: Algorithm::HS256, ..header.clone() };
    let hmac = jsonwebtoken::encode(&hmac, &claims, &EncodingKey::from_secret(b"")).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    // {"alg":"none","typ":"at+jwt"}
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0";
    let mut bad = vec![
        ("alg none", format!("{none}.{}.", parts[1])),
        ("alg none, signed", format!("{none}.{}.{}", parts[1], parts[2])),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("another algorithm", hmac),
        ("HS256 with the public key", confused(&public_bytes)),
        ("HS256 with the public key as it is published", confused(public.as_bytes())),
        ("RS256", raw(&head.replace("EdDSA", "RS256"), &body)),
        ("ES256", raw(&head.replace("EdDSA", "ES256"), &body)),
        ("an algorithm in small letters", raw(&head.replace("EdDSA", "eddsa"), &body)),
        ("its key along", with_head(&format!(r#""jwk":{{"kty":"OKP","crv":"Ed25519","x":"{public}"}}"#))),
        ("the place of its key along", with_head(r#""jku":"https://elsewhere.example/jwks.json""#)),
        ("the place of a certificate along", with_head(r#""x5u":"https://elsewhere.example/a.pem""#)),
        ("a certificate along", with_head(r#""x5c":["AAAA"]"#)),
        ("terms that we do not know", with_head(r#""crit":["exp"]"#)),
        ("unencoded", with_head(r#""b64":false"#)),
        ("an algorithm twice", with_head(r#""alg":"EdDSA""#)),
        ("a type twice", with_head(r#""typ":"at+jwt""#)),
        ("a user twice", with_claim(&format!(r#""sub":{}"#, claims["sub"]))),
        ("an audience twice", with_claim(r#""aud":"stet""#)),
        ("an end twice", with_claim(&format!(r#""exp":{}"#, now + 100_000))),
        ("a claim that we do not make", with_claim(r#""role":"admin""#)),
        ("several audiences", changed("aud", json!(["stet", "elsewhere"]))),
        ("several issuers", changed("iss", json!([claims["iss"]]))),
        ("an end that is text", changed("exp", json!(format!("{}", now + 100)))),
        ("no claims", raw(&head, "{}")),
        ("claims that are a list", raw(&head, "[]")),
        ("claims that are no JSON", raw(&head, "{")),
        ("a header that is a list", raw("[]", &body)),
        ("padded", format!("{}=.{}.{}", parts[0], parts[1], parts[2])),
        ("a part too many", format!("{token}.")),
        ("whitespace in it", format!("{}. {}.{}", parts[0], parts[1], parts[2])),
        ("a tab in it", token.replacen('.', ".\t", 1)),
        ("much after it", format!("{token}{}", "A".repeat(2000))),
        ("another type", sign(&other_type, &claims)),
        ("no type", sign(&no_type, &claims)),
        ("an unknown key", sign(&other_kid, &claims)),
        ("no key", sign(&no_kid, &claims)),
        ("signed by a stranger", stranger),
        ("expired", changed("exp", json!(now - 1))),
        ("not valid yet", changed("nbf", json!(now + 1000))),
        ("for another", changed("aud", json!("elsewhere"))),
        ("from another", changed("iss", json!("https://elsewhere.example"))),
        ("of another session", changed("sid", json!("0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"))),
        ("of another user", changed("sub", json!("0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"))),
        ("of no user", changed("sub", json!("admin"))),
        ("never ending", changed("exp", json!(1e300))),
        ("garbage", "garbage".to_owned()),
        ("dots", "..".to_owned()),
        ("nothing", String::new()),
        ("a long one", "x".repeat(9000)),
        ("a key that is none", "stet_4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A0001Ab".to_owned()),
        ("the refresh token", session.text("/refresh_token")),
    ];
    for name in ["exp", "nbf", "aud", "iss", "sub", "sid", "iat", "jti"] {
        bad.push((name, without(name)));
    }
    for (what, token) in bad {
        let refused = with_token(&app, &token).get("/me").await;
        assert_eq!(refused.status, 401, "{what}: {}", refused.json);
        refused.assert_problem(401, "invalid_token");
        assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"stet\", error=\"invalid_token\"", "{what}");
        // It is not ignored where none is needed.
        with_token(&app, &token).get("/tags").await.assert_problem(401, "invalid_token");
    }
    for scheme in ["Basic YTpi", "Bearer", "Token x", token.as_str()] {
        app.anyone().with("authorization", scheme).get("/tags").await.assert_problem(401, "invalid_token");
    }
    app.anyone().with("authorization", format!("bEARER  {token}")).get("/me").await.assert(200);
}

/// The names of the keys that are published.
async fn published(app: &TestApp) -> Vec<String> {
    let keys = app.anyone().get("//.well-known/jwks.json").await;
    keys.assert(200).json["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..100 {
        if holds().await {
            return;
        }
        actix_web::rt::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not in five seconds: {what}");
}

fn kid_of(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

async fn whoever_has_the_published_keys_can_check_a_token(app: TestApp) {
    let anyone = app.anyone();
    let keys = anyone.get("//.well-known/jwks.json").await;
    assert_eq!(keys.assert(200).header("cache-control"), "public, max-age=300");
    assert_eq!(keys.header("content-type"), "application/json");
    anyone.with("if-none-match", keys.etag()).get("//.well-known/jwks.json").await.assert(304);
    anyone.send(actix_web::http::Method::HEAD, "//.well-known/jwks.json", None).await.assert(200);
    let [key] = keys.json["keys"].as_array().unwrap().as_slice() else { panic!("{}", keys.json) };
    let names: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["kty", "crv", "x", "kid", "alg", "use"], "nothing but what is public");
    let token = sign_in(&app, &app.new_user(Role::Editor)).await.text("/access_token");
    assert_eq!(kid_of(&token), key["kid"].as_str().unwrap());
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&["stet"]);
    validation.set_issuer(&["https://news.example"]);
    let public = DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    assert!(jsonwebtoken::decode::<Value>(&token, &public, &validation).is_ok());
}

fn rotate(app: &TestApp, at_once: bool) -> auth::Rotated {
    blocking(|| auth::rotate(&mut app.app.db.connection().unwrap(), None, at_once, clock::now()).unwrap())
}

async fn a_new_key_is_published_before_it_signs_and_the_old_one_is_believed_for_a_while(app: TestApp) {
    let session = sign_in(&app, &app.new_user(Role::Editor)).await;
    let old = kid_of(&session.text("/access_token"));
    let rotated = rotate(&app, false);
    until("the new key is published", async || published(&app).await == [rotated.kid.clone(), old.clone()]).await;
    let before = refresh(&app, &session.text("/refresh_token")).await;
    assert_eq!(kid_of(&before.text("/access_token")), old, "its time has not come");
    // Five minutes later.
    app.execute("UPDATE keys SET signs_from = signs_from - 300000000, retired_at = retired_at - 300000000");
    let mut token = before.text("/refresh_token");
    until("the new key signs", async || {
        let next = refresh(&app, &token).await;
        token = next.assert(200).text("/refresh_token");
        kid_of(&next.text("/access_token")) == rotated.kid
    })
    .await;
    with_token(&app, &before.text("/access_token")).get("/me").await.assert(200);
    // After the last token of the old key has expired.
    app.execute("UPDATE keys SET retired_at = 1 WHERE retired_at IS NOT NULL");
    until("the old key is gone", async || published(&app).await == [rotated.kid.clone()]).await;
    let retired = with_token(&app, &before.text("/access_token")).get("/me").await;
    assert!(retired.assert_problem(401, "invalid_token").text("/detail").contains("retired"), "{}", retired.json);
    blocking(|| auth::clean_up(&mut app.app.db.connection().unwrap(), clock::now()).unwrap());
    assert_eq!(app.number("SELECT count(*) FROM keys WHERE purpose = 'token'"), 1);
}

async fn a_key_that_somebody_else_has_is_refused_at_once(app: TestApp) {
    let session = sign_in(&app, &app.new_user(Role::Editor)).await;
    let old = with_token(&app, &session.text("/access_token"));
    old.get("/me").await.assert(200);
    let rotated = rotate(&app, true);
    until("the old key is refused", async || old.get("/me").await.status == 401).await;
    assert_eq!(published(&app).await, [&*rotated.kid]);
    let next = refresh(&app, &session.text("/refresh_token")).await;
    assert_eq!(kid_of(&next.assert(200).text("/access_token")), rotated.kid);
    with_token(&app, &next.text("/access_token")).get("/me").await.assert(200);
}

on_both_databases! {
    a_token_is_ours_or_nothing,
    whoever_has_the_published_keys_can_check_a_token,
    a_new_key_is_published_before_it_signs_and_the_old_one_is_believed_for_a_while,
    a_key_that_somebody_else_has_is_refused_at_once,
}
