//! Signing in, refresh tokens, and the first administrator.

pub mod factors;
mod oidc;
mod sessions;
pub mod tokens;

use crate::{
    on_both_databases,
    support::{Client, PASSWORD, Reply, TestApp, blocking},
};
use serde_json::{Value, json};
use stet::{
    auth::{Password, setup},
    permissions::Role,
    values::Email,
};

pub async fn sign_in(app: &TestApp, email: &str) -> Reply {
    let session = app.anyone().post("/auth/login", json!({"email": email, "password": PASSWORD})).await;
    session.assert(200);
    session
}

pub fn with_token(app: &TestApp, token: &str) -> Client {
    Client::new(&app.address, Some(token.to_owned()))
}

pub async fn refresh(app: &TestApp, token: &str) -> Reply {
    app.anyone().post("/auth/refresh", json!({"refresh_token": token})).await
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
    app.execute(&format!("UPDATE users SET disabled_at = 1 WHERE email = '{disabled}'"));
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
        ["  spaces at both ends  ", "a\ttab in the middle", "naïve 🌊 tidewater"].into_iter().enumerate()
    {
        let email = format!("admin{number}@lantern.example");
        app.execute("DELETE FROM sessions; DELETE FROM users");
        let (address, chosen) = (Email::parse(email.clone()).unwrap(), Password::parse(password.into()).unwrap());
        blocking(|| {
            setup::first_start(&mut app.app.db.connection().unwrap(), Some((&address, &chosen)), "The Lantern").unwrap()
        });
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

    app.execute("UPDATE refresh_tokens SET used_at = used_at - 10000000");
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
    let mut successors = Vec::new();
    for attempt in tries {
        successors.push(attempt.await.unwrap().assert(200).text("/refresh_token"));
    }
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1, "{successors:?}");
    assert_eq!(app.number("SELECT count(*) FROM refresh_tokens"), 2);
    refresh(&app, &successors[0]).await.assert(200);
    // Reused once its successor was used, it has been copied: the family is dead.
    refresh(&app, &token).await.assert_problem(401, "invalid_token");
    refresh(&app, &successors[0]).await.assert_problem(401, "invalid_token");
    with_token(&app, &session.text("/access_token")).get("/me").await.assert_problem(401, "invalid_token");
}

async fn who_lost_the_answer_gets_the_same_successor_for_ten_seconds(app: TestApp) {
    let session = sign_in(&app, &app.new_user(Role::Editor)).await;
    let token = session.text("/refresh_token");
    let next = refresh(&app, &token).await.assert(200).text("/refresh_token");
    app.execute("UPDATE refresh_tokens SET used_at = used_at - 8000000");
    let again = refresh(&app, &token).await;
    assert_eq!(again.assert(200).text("/refresh_token"), next);
    with_token(&app, &again.text("/access_token")).get("/me").await.assert(200);
    // What is kept opens nothing.
    for column in ["hash", "session_id"] {
        assert_eq!(
            app.number(&format!("SELECT count(*) FROM refresh_tokens WHERE CAST({column} AS TEXT) LIKE '%{next}%'")),
            0
        );
    }
    app.execute("UPDATE refresh_tokens SET used_at = used_at - 3000000");
    refresh(&app, &token).await.assert_problem(401, "invalid_token");
    refresh(&app, &next).await.assert_problem(401, "invalid_token");
}

async fn a_session_ends_when_it_is_idle_and_when_it_is_old(app: TestApp) {
    const DAY: i64 = 86_400_000_000;
    for (change, days, status) in [
        ("last_seen_at = last_seen_at", 29, 200),
        ("last_seen_at = last_seen_at", 30, 401),
        ("expires_at = expires_at", 89, 200),
        ("expires_at = expires_at", 90, 401),
    ] {
        let session = sign_in(&app, &app.new_user(Role::Editor)).await;
        app.execute(&format!("UPDATE sessions SET {change} - {}", days * DAY));
        assert_eq!(refresh(&app, &session.text("/refresh_token")).await.status, status, "{change} {days}");
        app.execute("DELETE FROM sessions");
    }
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
    app.execute(&format!("UPDATE users SET disabled_at = 1 WHERE email = '{email}'"));
    with_token(&app, &token).get("/me").await.assert_problem(401, "invalid_token");
    refresh(&app, &session.text("/refresh_token")).await.assert_problem(401, "invalid_token");
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
    let first_start =
        || blocking(|| setup::first_start(&mut app.app.db.connection().unwrap(), None, "The Lantern").unwrap());
    // Who cannot sign in administers nothing.
    app.new_user(Role::Editor);
    let disabled = app.new_user(Role::Admin);
    app.execute(&format!("UPDATE users SET disabled_at = 1 WHERE email = '{disabled}'"));
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
    let token =
        blocking(|| setup::first_start(&mut app.app.db.connection().unwrap(), None, "The Lantern").unwrap()).unwrap();
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
    who_lost_the_answer_gets_the_same_successor_for_ten_seconds,
    a_session_ends_when_it_is_idle_and_when_it_is_old,
    signing_out_ends_the_session_at_once,
    who_is_disabled_is_out_at_once,
    a_token_is_looked_at_before_what_comes_with_it,
    the_link_of_the_first_start_works_once,
    the_link_is_worth_nothing_once_somebody_can_administer,
}
