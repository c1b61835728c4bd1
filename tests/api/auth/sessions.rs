//! Where one is signed in, one's own account, and its password.

use super::{refresh, sign_in, with_token};
use crate::{
    on_both_databases,
    support::{Client, PASSWORD, TestApp},
};
use serde_json::json;
use stet::permissions::Role;

const ANOTHER: &str = "nine gulls on a wire";

async fn sign_in_at(app: &TestApp, email: &str, device: &str) -> Client {
    let login = json!({"email": email, "password": PASSWORD, "device_name": device});
    let session = app.anyone().post("/auth/login", login).await;
    with_token(app, &session.assert(200).text("/access_token"))
}

async fn one_sees_where_one_is_signed_in_and_can_end_it(app: TestApp) {
    let email = app.new_user(Role::Contributor);
    let (desk, phone) = (sign_in_at(&app, &email, "desk").await, sign_in_at(&app, &email, "phone").await);
    let other = app.editor().await;
    let list = desk.get("/me/sessions?count=true").await;
    assert_eq!(list.assert(200).column("device_name"), ["phone", "desk"]);
    assert_eq!(list.json["page"]["total"], 2);
    let current: Vec<_> = list.json["data"].as_array().unwrap().iter().map(|row| row["current"].clone()).collect();
    assert_eq!(current, [json!(false), json!(true)]);
    let first = desk.get("/me/sessions?limit=1").await;
    let cursor = first.text("/page/next_cursor");
    assert_eq!(desk.get(&format!("/me/sessions?limit=1&cursor={cursor}")).await.column("device_name"), ["desk"]);

    let theirs = other.get("/me/sessions").await.text("/data/0/id");
    desk.delete(&format!("/me/sessions/{theirs}")).await.assert_problem(404, "not_found");
    other.get("/me").await.assert(200);
    let path = format!("/me/sessions/{}", list.text("/data/0/id"));
    desk.delete(&format!("{path}?dry_run=true")).await.assert(204);
    phone.get("/me").await.assert(200);
    desk.delete(&path).await.assert(204);
    phone.get("/me").await.assert_problem(401, "invalid_token");
    desk.delete(&path).await.assert_problem(404, "not_found");

    let (laptop, tablet) = (sign_in_at(&app, &email, "laptop").await, sign_in_at(&app, &email, "tablet").await);
    // A session has no states that a tag could name.
    for path in [path.as_str(), "/me/sessions"] {
        let tagged = desk.with("if-match", "\"1-5d41402abc4b2a76\"").delete(path).await;
        tagged.assert_problem(412, "precondition_failed");
    }
    desk.delete("/me/sessions").await.assert(204);
    for ended in [laptop, tablet] {
        ended.get("/me").await.assert_problem(401, "invalid_token");
    }
    assert_eq!(desk.get("/me/sessions").await.column("device_name"), ["desk"]);
    other.get("/me").await.assert(200);
}

async fn a_session_that_ended_long_ago_is_forgotten_with_its_tokens(app: TestApp) {
    let email = app.new_user(Role::Editor);
    for _ in 0..3 {
        sign_in(&app, &email).await;
    }
    let going_on = sign_in(&app, &email).await;
    with_token(&app, &going_on.text("/access_token")).delete("/me/sessions").await.assert(204);
    let clean_up = async || app.app.db.write(|conn| stet::auth::clean_up(conn, stet::clock::now())).await.unwrap();
    clean_up().await;
    assert_eq!(app.number("SELECT count(*) FROM sessions"), 4);
    app.execute("UPDATE sessions SET ended_at = ended_at - 2678400000000 WHERE ended_at IS NOT NULL");
    clean_up().await;
    let left = ["sessions", "refresh_tokens"].map(|table| app.number(&format!("SELECT count(*) FROM {table}")));
    assert_eq!(left, [1, 1]);
    refresh(&app, &going_on.text("/refresh_token")).await.assert(200);
}

async fn one_may_change_ones_name_and_nothing_else(app: TestApp) {
    let contributor = app.contributor().await;
    let me = contributor.get("/me").await;
    let renamed = contributor.with("if-match", me.etag()).patch("/me", json!({"name": "Mira Quill"})).await;
    assert_eq!(renamed.assert(200).json["name"], "Mira Quill");
    assert_eq!(contributor.get("/me").await.json, renamed.json);
    contributor.with("if-match", me.etag()).patch("/me", json!({"name": "Late"})).await.assert(412);
    for change in [
        json!({"role": "admin"}),
        json!({"email": "admin@lantern.example"}),
        json!({"id": "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"}),
        json!({"author": null}),
        json!({"password": ANOTHER}),
        json!({"password_hash": "x"}),
        json!({"disabled": false}),
        json!({"is_key": true}),
        json!({"version": 9}),
    ] {
        let refused = contributor.patch("/me", change.clone()).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes()[0].1, "unknown_field", "{change}");
    }
    assert_eq!(contributor.get("/me").await.json, renamed.json);
}

fn change(current: &str, new: &str) -> serde_json::Value {
    json!({"current_password": current, "new_password": new})
}

async fn another_password_ends_all_other_sessions(app: TestApp) {
    let email = app.new_user(Role::Editor);
    let (desk, phone) = (sign_in_at(&app, &email, "desk").await, sign_in(&app, &email).await);
    desk.put("/me/password?dry_run=true", change(PASSWORD, ANOTHER)).await.assert(200);
    with_token(&app, &phone.text("/access_token")).get("/me").await.assert(200);
    desk.put("/me/password", change(PASSWORD, ANOTHER)).await.assert(200);
    desk.get("/me").await.assert(200);
    with_token(&app, &phone.text("/access_token")).get("/me").await.assert_problem(401, "invalid_token");
    refresh(&app, &phone.text("/refresh_token")).await.assert_problem(401, "invalid_token");
    let login = |password: &str| json!({"email": email, "password": password});
    app.anyone().post("/auth/login", login(PASSWORD)).await.assert_problem(401, "invalid_credentials");
    app.anyone().post("/auth/login", login(ANOTHER)).await.assert(200);
}

async fn whoever_has_a_token_cannot_guess_the_password_with_it(app: TestApp) {
    let email = app.new_user(Role::Editor);
    let desk = sign_in_at(&app, &email, "desk").await;
    for _ in 0..4 {
        let wrong = desk.put("/me/password", change("not the password", ANOTHER)).await;
        let expected = [("/current_password".to_owned(), "wrong_password".to_owned())];
        assert_eq!(wrong.assert_problem(422, "validation_failed").mistakes(), expected);
    }
    // What will not do as a new one is no wrong one, and a right one forgets the wrong.
    for _ in 0..6 {
        desk.put("/me/password", change(PASSWORD, "password1234")).await.assert(422);
    }
    desk.put("/me/password", change(PASSWORD, ANOTHER)).await.assert(200);
    // Forty at once: five are looked at, and then the session has ended.
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let desk = desk.clone();
            actix_web::rt::spawn(async move { desk.put("/me/password", change("wrong again", PASSWORD)).await })
        })
        .collect();
    let mut looked_at = 0;
    for attempt in tries {
        match attempt.await.unwrap().status.as_u16() {
            422 => looked_at += 1,
            401 | 503 => {}
            other => panic!("{other}"),
        }
    }
    assert!(looked_at <= 5, "{looked_at}");
    desk.put("/me/password", change(ANOTHER, PASSWORD)).await.assert_problem(401, "invalid_token");
    app.anyone().post("/auth/login", json!({"email": email, "password": ANOTHER})).await.assert(200);
}

async fn the_right_password_is_no_wrong_try_whatever_becomes_of_the_rest(app: TestApp) {
    let desk = sign_in_at(&app, &app.new_user(Role::Editor), "desk").await;
    let late = desk.with("if-match", "\"9-0\"");
    let proof = json!({"current_password": PASSWORD});
    for _ in 0..4 {
        desk.put("/me/password?dry_run=true", change(PASSWORD, ANOTHER)).await.assert(200);
        late.put("/me/password", change(PASSWORD, ANOTHER)).await.assert(412);
        desk.put("/me/totp?dry_run=true", proof.clone()).await.assert(200);
        late.put("/me/totp", proof.clone()).await.assert(412);
    }
    // A rehearsal with a wrong one is a try as any other.
    for _ in 0..5 {
        desk.put("/me/password?dry_run=true", change("not the password", ANOTHER)).await.assert(422);
    }
    let over = desk.put("/me/password?dry_run=true", change(PASSWORD, ANOTHER)).await;
    over.assert_problem(401, "invalid_token");
}

async fn a_new_password_is_judged_for_those_who_know_the_one_they_have(app: TestApp) {
    let desk = sign_in_at(&app, &app.new_user(Role::Editor), "desk").await;
    for (current, mistake) in [
        ("not the password", ("/current_password", "wrong_password")),
        (PASSWORD, ("/new_password", "password_too_common")),
    ] {
        let refused = desk.put("/me/password", change(current, "password1234")).await;
        assert_eq!(refused.assert(422).mistakes(), [(mistake.0.to_owned(), mistake.1.to_owned())]);
    }
}

async fn a_password_that_is_guessed_first_is_refused_and_none_is_cut(app: TestApp) {
    let desk = sign_in_at(&app, &app.new_user(Role::Editor), "desk").await;
    for (new, code) in [
        ("password1234", "password_too_common"),
        ("Mira Holt 2026", "password_too_close"),
        ("the lantern 1", "password_too_close"),
        ("short", "invalid_password"),
        (&"x7#kQ9$v".repeat(17), "invalid_password"),
    ] {
        let refused = desk.put("/me/password", change(PASSWORD, new)).await;
        let expected = [("/new_password".to_owned(), code.to_owned())];
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), expected, "{new}");
    }
    let email = desk.get("/me").await.text("/email");
    let longest = "gull tide ".repeat(13)[..128].to_owned();
    desk.put("/me/password", change(PASSWORD, &longest)).await.assert(200);
    let login = |password: &str| json!({"email": email, "password": password});
    app.anyone().post("/auth/login", login(&longest[..127])).await.assert(401);
    app.anyone().post("/auth/login", login(&longest)).await.assert(200);
}

on_both_databases! {
    one_sees_where_one_is_signed_in_and_can_end_it,
    a_session_that_ended_long_ago_is_forgotten_with_its_tokens,
    one_may_change_ones_name_and_nothing_else,
    another_password_ends_all_other_sessions,
    whoever_has_a_token_cannot_guess_the_password_with_it,
    the_right_password_is_no_wrong_try_whatever_becomes_of_the_rest,
    a_new_password_is_judged_for_those_who_know_the_one_they_have,
    a_password_that_is_guessed_first_is_refused_and_none_is_cut,
}
