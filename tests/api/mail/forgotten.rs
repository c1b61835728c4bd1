//! Forgotten passwords: one link, once, for ten minutes, and nobody learns who has an account.

use super::{ANOTHER, WAITING, a_minute_later, forget, login, reset, signed_in, with_mail};
use crate::{
    auth::refresh,
    on_both_databases,
    support::{PASSWORD, Reply, TestApp, blocking},
};
use diesel::connection::{Connection, InstrumentationEvent};
use serde_json::json;
use std::sync::{Arc, Mutex};
use stet::permissions::Role;

async fn whoever_forgot_the_password_chooses_another_by_a_link(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let email = app.new_user(Role::Editor);
    let session = login(&app, &email, PASSWORD).await;
    let editor = signed_in(&app, &email).await;
    let answer = forget(&app, &email.to_uppercase()).await;
    assert_eq!((answer.assert(202).bytes.len(), answer.header("cache-control")), (0, "no-store"));
    let letter = post.letter_to(&email).await;
    assert_eq!(letter.subject(), "Another password at The Lantern");
    assert_eq!(letter.link(), "https://cms.lantern.example/password/reset");
    assert_eq!(letter.header("From"), "\"The Lantern\" <desk@lantern.example>");
    assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
    let token = letter.token();
    assert_eq!(token.len(), 43);

    // What will not do uses nothing up, and says where it is wrong.
    for (password, code) in [
        ("short", "invalid_password"),
        ("password1234", "password_too_common"),
        ("Mira Holt 2026", "password_too_close"),
    ] {
        let refused = reset(&app, &token, password).await;
        assert_eq!(refused.assert(422).mistakes(), [("/password".to_owned(), code.to_owned())]);
    }
    for wrong in ["x", &token[1..], &token.to_lowercase()] {
        reset(&app, wrong, ANOTHER).await.assert_problem(401, "invalid_token");
    }
    // It opens this door and no other.
    let other = json!({"token": token, "password": ANOTHER});
    app.anyone().post("/auth/invitation", other).await.assert_problem(401, "invalid_token");
    app.anyone().post("/auth/email/confirm", json!({"token": token})).await.assert_problem(401, "invalid_token");
    editor.get("/me").await.assert(200);

    reset(&app, &token, ANOTHER).await.assert(204);
    editor.get("/me").await.assert_problem(401, "invalid_token");
    refresh(&app, &session.text("/refresh_token")).await.assert_problem(401, "invalid_token");
    login(&app, &email, PASSWORD).await.assert_problem(401, "invalid_credentials");
    login(&app, &email, ANOTHER).await.assert(200);
    reset(&app, &token, PASSWORD).await.assert_problem(401, "invalid_token");
    login(&app, &email, ANOTHER).await.assert(200);
    assert_eq!(post.letter_to(&email).await.subject(), "Your password at The Lantern was changed");
}

async fn a_link_is_good_for_ten_minutes_and_a_newer_one_takes_its_place(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let email = app.new_user(Role::Editor);
    forget(&app, &email).await.assert(202);
    let first = post.letter_to(&email).await.token();
    a_minute_later(&app);
    forget(&app, &email).await.assert(202);
    let second = post.letter_to(&email).await.token();
    reset(&app, &first, ANOTHER).await.assert_problem(401, "invalid_token");
    app.execute("UPDATE one_time_tokens SET expires_at = expires_at - 599000000");
    reset(&app, &second, "short").await.assert(422);
    app.execute("UPDATE one_time_tokens SET expires_at = expires_at - 1000000");
    reset(&app, &second, ANOTHER).await.assert_problem(401, "invalid_token");
    login(&app, &email, PASSWORD).await.assert(200);
}

async fn of_ten_at_once_one_resets(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let email = app.new_user(Role::Editor);
    forget(&app, &email).await.assert(202);
    let token = post.letter_to(&email).await.token();
    let tries: Vec<_> = (0..10)
        .map(|number| {
            let (anyone, password) = (app.anyone(), format!("{ANOTHER}, number {number}"));
            let body = json!({"token": token, "password": password});
            actix_web::rt::spawn(async move { (anyone.post("/auth/password/reset", body).await, password) })
        })
        .collect();
    let mut won = Vec::new();
    for attempt in tries {
        let (reply, password) = attempt.await.unwrap();
        match reply.status.as_u16() {
            204 => won.push(password),
            _ => drop(reply.assert_problem(401, "invalid_token")),
        }
    }
    assert_eq!(won.len(), 1, "{won:?}");
    login(&app, &email, &won[0]).await.assert(200);
}

/// What is the same in two answers, but for what is new each time.
fn kept(reply: &Reply) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = reply.headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&name.as_str()));
    let mut headers: Vec<_> = headers.map(|(n, v)| (n.to_string(), v.to_str().unwrap().to_owned())).collect();
    headers.sort();
    (reply.status.as_u16(), headers, reply.bytes.clone())
}

async fn every_address_is_answered_alike_after_the_same_work(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let admin = app.signed_in(Role::Admin).await;
    let (known, disabled) = (app.new_user(Role::Editor), app.new_user(Role::Editor));
    app.execute(&format!("UPDATE users SET disabled_at = 1 WHERE email = '{disabled}'"));
    let invited = "jonas@lantern.example";
    admin.post("/users", json!({"email": invited, "name": "Jonas", "role": "author"})).await.assert(201);
    post.letter_to(invited).await;
    let key = admin.post("/api-keys", json!({"name": "Website", "role": "reader"})).await;
    key.assert(201);
    // The statements of the pool: on SQLite, where one thread writes, those that read.
    app.jobs.stop().await;
    let statements: Arc<Mutex<Vec<String>>> = Arc::default();
    blocking(|| {
        let mut pool: Vec<_> = (0..4).map(|_| app.app.db.connection().unwrap()).collect();
        for conn in &mut pool {
            let statements = Arc::clone(&statements);
            conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    let query = query.to_string();
                    statements.lock().unwrap().push(query.split("-- binds").next().unwrap().to_owned());
                }
            });
        }
    });
    let mut seen = Vec::new();
    for email in [&*known, "nobody@lantern.example", &disabled, invited, &known, "nobody@elsewhere.example"] {
        statements.lock().unwrap().clear();
        let answer = forget(&app, email).await;
        answer.assert(202);
        seen.push((kept(&answer), statements.lock().unwrap().clone()));
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert!(!seen[0].1.iter().any(|statement| statement.contains("users")), "{seen:#?}");
    assert_eq!(app.number(WAITING), 6);

    // Another process finds out whom they are for: one letter is sent, nothing is left of the others.
    let beside = app.beside(&post).await;
    post.letter_to(&known).await.token();
    beside.becomes(WAITING, 0).await;
    assert!(post.unread().is_empty());
    assert_eq!(app.number("SELECT count(*) FROM letters WHERE kind = 'password_reset'"), 1);
    assert_eq!(app.number("SELECT count(*) FROM one_time_tokens WHERE purpose = 'password_reset'"), 1);
    assert_eq!(app.number("SELECT count(*) FROM letters WHERE email IS NOT NULL"), 0);
}

async fn nobody_is_buried_in_letters(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let (email, other) = (app.new_user(Role::Editor), app.new_user(Role::Editor));
    for round in 0..7 {
        for _ in 0..3 {
            forget(&app, &email).await.assert(202);
        }
        app.becomes(WAITING, 0).await;
        // One a minute, and five an hour.
        assert_eq!(post.taken(), (round + 1).min(5), "in the round {round}");
        a_minute_later(&app);
    }
    forget(&app, &other).await.assert(202);
    post.letter_to(&other).await;
    app.execute("UPDATE letters SET created_at = created_at - 3600000000");
    forget(&app, &email).await.assert(202);
    app.becomes(WAITING, 0).await;
    assert_eq!(post.taken(), 7);
}

async fn what_changes_meanwhile_takes_the_link_back(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let admin = app.signed_in(Role::Admin).await;
    for change in ["password", "disabled", "address", "deleted"] {
        let email = app.new_user(Role::Editor);
        let editor = signed_in(&app, &email).await;
        let id = editor.get("/me").await.text("/id");
        forget(&app, &email).await.assert(202);
        let token = post.letter_to(&email).await.token();
        reset(&app, &token, "short").await.assert(422);
        let path = format!("/users/{id}");
        match change {
            "password" => drop(
                editor
                    .put(
                        "/me/password",
                        json!({"current_password": PASSWORD, "new_password": "a kelp forest in bloom"}),
                    )
                    .await
                    .assert(200),
            ),
            "disabled" => {
                admin.patch(&path, json!({"disabled": true})).await.assert(200);
                reset(&app, &token, ANOTHER).await.assert_problem(401, "invalid_token");
                admin.patch(&path, json!({"disabled": false})).await.assert(200);
            }
            "address" => {
                let elsewhere = json!({"email": format!("elsewhere-{email}")});
                admin.patch(&path, elsewhere).await.assert(200);
                assert_eq!(post.letter_to(&email).await.subject(), "Your address at The Lantern was changed");
            }
            _ => drop(admin.delete(&path).await.assert(204)),
        }
        reset(&app, &token, ANOTHER).await.assert_problem(401, "invalid_token");
    }
}

async fn without_a_mail_server_everybody_is_told_so(app: TestApp) {
    let known = app.new_user(Role::Editor);
    let editor = signed_in(&app, &known).await;
    for email in [&*known, "nobody@lantern.example"] {
        forget(&app, email).await.assert_problem(409, "mail_not_configured");
    }
    let change = json!({"email": "mira@lantern.example", "current_password": PASSWORD});
    editor.put("/me/email", change).await.assert_problem(409, "mail_not_configured");
    editor.put("/me/password", json!({"current_password": PASSWORD, "new_password": ANOTHER})).await.assert(200);
    assert_eq!(app.number("SELECT count(*) FROM letters"), 0);
}

on_both_databases! {
    whoever_forgot_the_password_chooses_another_by_a_link,
    a_link_is_good_for_ten_minutes_and_a_newer_one_takes_its_place,
    of_ten_at_once_one_resets,
    every_address_is_answered_alike_after_the_same_work,
    nobody_is_buried_in_letters,
    what_changes_meanwhile_takes_the_link_back,
    without_a_mail_server_everybody_is_told_so,
}
