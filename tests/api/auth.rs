//! Signing in, sessions, tokens, and the first administrator.

use crate::{
    on_both_databases,
    support::{Client, PASSWORD, Reply, TestApp, blocking},
};
use diesel::{RunQueryDsl, connection::SimpleConnection, sql_types::Binary, sql_types::Text};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use stet::{
    auth::{Password, setup},
    permissions::Role,
    values::Email,
};

async fn sign_in(app: &TestApp, email: &str) -> Reply {
    let session = app.anyone().post("/auth/login", json!({"email": email, "password": PASSWORD})).await;
    session.assert(200);
    session
}

fn with_token(app: &TestApp, token: &str) -> Client {
    Client::new(&app.address, Some(token.to_owned()))
}

async fn refresh(app: &TestApp, token: &str) -> Reply {
    app.anyone().post("/auth/refresh", json!({"refresh_token": token})).await
}

fn execute(app: &TestApp, sql: &str) {
    blocking(|| app.app.db.connection().unwrap().batch_execute(sql).unwrap());
}

async fn signing_in_tells_who_one_is(app: TestApp) {
    let email = app.new_user(Role::Author);
    let session = sign_in(&app, &email.to_uppercase()).await;
    assert_eq!((&session.json["token_type"], &session.json["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(session.header("cache-control"), "no-store");
    assert_eq!((&session.json["user"]["email"], &session.json["user"]["role"]), (&json!(email), &json!("author")));
    assert!(!session.json.to_string().contains("argon2"));
    let me = with_token(&app, &session.text("/access_token")).get("/me").await;
    assert_eq!(me.assert(200).json, session.json["user"]);
    let stranger = app.anyone().get("/me").await;
    stranger.assert_problem(401, "unauthenticated");
    assert_eq!(stranger.header("www-authenticate"), "Bearer realm=\"stet\"");
}

async fn an_unknown_account_and_a_wrong_password_are_answered_alike(app: TestApp) {
    let (known, disabled) = (app.new_user(Role::Editor), app.new_user(Role::Editor));
    execute(&app, &format!("UPDATE users SET disabled_at = 1 WHERE email = '{disabled}'"));
    let mut answers = Vec::new();
    for (email, password) in
        [(&*known, "not the password"), ("nobody@lantern.example", PASSWORD), (&*disabled, PASSWORD), (&*known, "x")]
    {
        let refused = app.anyone().post("/auth/login", json!({"email": email, "password": password})).await;
        refused.assert_problem(401, "invalid_credentials");
        assert!(refused.header("www-authenticate").starts_with("Bearer"));
        let mut problem = refused.json.clone();
        problem["request_id"] = Value::Null;
        answers.push(problem);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
}

async fn a_password_is_taken_as_it_is(app: TestApp) {
    for (number, password) in
        ["  spaces at both ends  ", "a\ttab in the middle", "naïve 🌊 password"].into_iter().enumerate()
    {
        let email = format!("admin{number}@lantern.example");
        execute(&app, "DELETE FROM sessions; DELETE FROM users");
        let (address, chosen) = (Email::parse(email.clone()).unwrap(), Password::parse(password.into()).unwrap());
        blocking(|| setup::first_start(&mut app.app.db.connection().unwrap(), Some((&address, &chosen))).unwrap());
        let login = |password: &str| json!({"email": email, "password": password});
        app.anyone().post("/auth/login", login(password)).await.assert(200);
        app.anyone().post("/auth/login", login(password.trim_start_matches([' ', 'a', 'n']))).await.assert(401);
    }
}

async fn what_signs_in_is_checked_like_everything_else(app: TestApp) {
    let anyone = app.anyone();
    let refused = anyone.post("/auth/login", json!({"email": "no address", "remember": true})).await;
    refused.assert_problem(422, "validation_failed");
    let expected = [("/email", "invalid_email"), ("/password", "required"), ("/remember", "unknown_field")];
    assert_eq!(refused.mistakes(), expected.map(|(at, code)| (at.to_owned(), code.to_owned())));
    for password in ["", "a\0b", &"x".repeat(129)] {
        anyone.post("/auth/login", json!({"email": "a@b.example", "password": password})).await.assert(422);
    }
    for token in ["", "x", "🌊", &"x".repeat(100)] {
        let status = refresh(&app, token).await.status;
        assert_eq!(status, if token.is_empty() { 422 } else { 401 }, "{token}");
    }
}

async fn a_refresh_token_that_is_used_twice_ends_its_session(app: TestApp) {
    let email = app.new_user(Role::Editor);
    let (first, other) = (sign_in(&app, &email).await, sign_in(&app, &email).await);
    let second = refresh(&app, &first.text("/refresh_token")).await;
    second.assert(200);
    assert_ne!(second.text("/refresh_token"), first.text("/refresh_token"));
    assert_ne!(second.text("/access_token"), first.text("/access_token"));
    with_token(&app, &second.text("/access_token")).get("/me").await.assert(200);
    with_token(&app, &first.text("/access_token")).get("/me").await.assert(200);

    refresh(&app, &first.text("/refresh_token")).await.assert_problem(401, "invalid_token");
    for session in [&first, &second] {
        with_token(&app, &session.text("/access_token")).get("/me").await.assert_problem(401, "invalid_token");
        refresh(&app, &session.text("/refresh_token")).await.assert_problem(401, "invalid_token");
    }
    with_token(&app, &other.text("/access_token")).get("/me").await.assert(200);
    refresh(&app, &other.text("/refresh_token")).await.assert(200);
}

async fn twenty_refreshes_at_once_have_one_successor(app: TestApp) {
    let session = sign_in(&app, &app.new_user(Role::Editor)).await;
    let token = session.text("/refresh_token");
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (client, body) = (app.anyone(), json!({"refresh_token": token}));
            actix_web::rt::spawn(async move { client.post("/auth/refresh", body).await })
        })
        .collect();
    let mut successors = 0;
    for attempt in tries {
        let answer = attempt.await.unwrap();
        match answer.status.as_u16() {
            200 => successors += 1,
            _ => drop(answer.assert_problem(401, "invalid_token").status),
        }
    }
    assert_eq!(successors, 1);
    with_token(&app, &session.text("/access_token")).get("/me").await.assert_problem(401, "invalid_token");
}

async fn signing_out_ends_the_session_at_once(app: TestApp) {
    let email = app.new_user(Role::Editor);
    let (session, other) = (sign_in(&app, &email).await, sign_in(&app, &email).await);
    let token = json!({"refresh_token": session.text("/refresh_token")});
    for _ in 0..2 {
        app.anyone().post("/auth/logout", token.clone()).await.assert(204);
    }
    app.anyone().post("/auth/logout", json!({"refresh_token": "never heard of"})).await.assert(204);
    let ended = with_token(&app, &session.text("/access_token"));
    ended.get("/me").await.assert_problem(401, "invalid_token");
    ended.get("/articles").await.assert_problem(401, "invalid_token");
    ended.post("/tags", json!({"name": "Ebb"})).await.assert_problem(401, "invalid_token");
    refresh(&app, &session.text("/refresh_token")).await.assert_problem(401, "invalid_token");
    with_token(&app, &other.text("/access_token")).get("/me").await.assert(200);
}

async fn who_is_disabled_is_out_at_once(app: TestApp) {
    let email = app.new_user(Role::Admin);
    let session = sign_in(&app, &email).await;
    let token = session.text("/access_token");
    with_token(&app, &token).get("/me").await.assert(200);
    execute(&app, &format!("UPDATE users SET disabled_at = 1 WHERE email = '{email}'"));
    with_token(&app, &token).get("/me").await.assert_problem(401, "invalid_token");
    refresh(&app, &session.text("/refresh_token")).await.assert_problem(401, "invalid_token");
}

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
        ("the refresh token", session.text("/refresh_token")),
    ];
    for name in ["exp", "nbf", "aud", "iss", "sub", "sid"] {
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

async fn a_token_is_looked_at_before_what_comes_with_it(app: TestApp) {
    let session = sign_in(&app, &app.new_user(Role::Editor)).await;
    app.anyone().post("/auth/logout", json!({"refresh_token": session.text("/refresh_token")})).await.assert(204);
    let ended = with_token(&app, &session.text("/access_token")).with("content-type", "application/json");
    let contributor = app.contributor().await.with("content-type", "application/json");
    for (client, status) in [(app.anyone(), 401), (ended, 401), (contributor, 403)] {
        for body in ["{", "{\"name\": 1}", "\u{1}"] {
            let refused = client.raw(actix_web::http::Method::POST, "/tags?nonsense=1", body.into()).await;
            assert_eq!(refused.status, status, "{body}: {}", refused.json);
        }
    }
}

async fn the_link_of_the_first_start_works_once(app: TestApp) {
    let first_start = || blocking(|| setup::first_start(&mut app.app.db.connection().unwrap(), None).unwrap());
    // Who cannot sign in administers nothing.
    app.new_user(Role::Editor);
    let disabled = app.new_user(Role::Admin);
    execute(&app, &format!("UPDATE users SET disabled_at = 1 WHERE email = '{disabled}'"));
    let forgotten = first_start().unwrap();
    let token = first_start().unwrap();
    let with = |token: &str, email: &str| json!({"token": token, "email": email, "name": "Mira Holt", "password": "a tide table for March"});
    let anyone = app.anyone();
    for wrong in [forgotten.as_str(), "x", &token[1..]] {
        anyone.post("/auth/setup", with(wrong, "x@lantern.example")).await.assert_problem(401, "invalid_token");
    }
    let mut short = with(&token, "mira@lantern.example");
    short["password"] = json!("short");
    assert_eq!(anyone.post("/auth/setup", short).await.assert(422).mistakes()[0].0, "/password");
    // An address that is taken does not use the link up.
    anyone.post("/auth/setup", with(&token, &disabled)).await.assert_problem(409, "conflict");
    let session = anyone.post("/auth/setup", with(&token, "mira@lantern.example")).await;
    assert_eq!(session.assert(200).json["user"]["role"], "admin");
    with_token(&app, &session.text("/access_token")).get("/me").await.assert(200);
    anyone.post("/auth/setup", with(&token, "eve@lantern.example")).await.assert_problem(401, "invalid_token");
    assert_eq!(first_start(), None);
}

async fn the_link_is_worth_nothing_once_somebody_can_administer(app: TestApp) {
    let token = blocking(|| setup::first_start(&mut app.app.db.connection().unwrap(), None).unwrap()).unwrap();
    app.new_user(Role::Admin);
    let new =
        json!({"token": token, "email": "eve@lantern.example", "name": "Eve", "password": "a tide table for March"});
    app.anyone().post("/auth/setup", new).await.assert_problem(401, "invalid_token");
    app.anyone().post("/auth/login", json!({"email": "eve@lantern.example", "password": PASSWORD})).await.assert(401);
}

on_both_databases! {
    signing_in_tells_who_one_is,
    an_unknown_account_and_a_wrong_password_are_answered_alike,
    a_password_is_taken_as_it_is,
    what_signs_in_is_checked_like_everything_else,
    a_refresh_token_that_is_used_twice_ends_its_session,
    twenty_refreshes_at_once_have_one_successor,
    signing_out_ends_the_session_at_once,
    who_is_disabled_is_out_at_once,
    a_token_is_ours_or_nothing,
    a_token_is_looked_at_before_what_comes_with_it,
    the_link_of_the_first_start_works_once,
    the_link_is_worth_nothing_once_somebody_can_administer,
}
