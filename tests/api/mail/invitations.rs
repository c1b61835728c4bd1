//! Invitations by mail: what invites somebody is seen by them alone.

use super::{ANOTHER, WAITING, login, with_mail};
use crate::{
    on_both_databases,
    support::{PASSWORD, Reply, TestApp},
};
use actix_web::http::Method;
use serde_json::{Value, json};
use stet::permissions::Role;

fn newcomer(email: &str) -> Value {
    json!({"email": email, "name": "Jonas \"Jo\" Reyes", "role": "author"})
}

async fn accept(app: &TestApp, token: &str, password: &str) -> Reply {
    app.anyone().post("/auth/invitation", json!({"token": token, "password": password})).await
}

async fn whoever_is_invited_has_the_link_alone(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let admin = app.signed_in(Role::Admin).await;
    let tried = admin.post("/users?dry_run=true", newcomer("jonas@lantern.example")).await;
    assert!(tried.assert(201).json.get("invitation").is_none(), "{}", tried.json);
    let keyed = admin.with("idempotency-key", "invite-jonas");
    let created = keyed.post("/users", newcomer("jonas@lantern.example")).await;
    let invitation = &created.assert(201).json["invitation"];
    assert_eq!((&invitation["by_mail"], invitation.get("token")), (&json!(true), None));
    keyed.post("/users", newcomer("jonas@lantern.example")).await.assert(201);
    let letter = post.letter_to("jonas@lantern.example").await;
    assert_eq!(letter.subject(), "Your account at The Lantern");
    assert_eq!(letter.link(), "https://cms.lantern.example/invitation");
    assert!(letter.bodies()[0].starts_with("Hello Jonas \"Jo\" Reyes,"), "{:?}", letter.bodies());
    accept(&app, &letter.token(), PASSWORD).await.assert(200);
    login(&app, "jonas@lantern.example", PASSWORD).await.assert(200);
    accept(&app, &letter.token(), ANOTHER).await.assert_problem(401, "invalid_token");
    app.becomes(WAITING, 0).await;
    assert_eq!(post.taken(), 1, "a repeated request invites once, and a first password is no change");
    // A user whose password was given is invited to nothing.
    let mut known = newcomer("mika@lantern.example");
    known["password"] = json!(PASSWORD);
    admin.post("/users", known).await.assert(201);
    assert_eq!(app.number(WAITING), 0);
}

async fn a_newer_invitation_and_another_address_take_the_link_back(app: TestApp) {
    let (app, post) = with_mail(app).await;
    let admin = app.signed_in(Role::Admin).await;
    let created = admin.post("/users", newcomer("jonas@latern.example")).await;
    let path = format!("/users/{}", created.assert(201).text("/id"));
    let first = post.letter_to("jonas@latern.example").await.token();
    let again = admin.send(Method::POST, &format!("{path}/invitation"), None).await;
    assert_eq!((&again.assert(200).json["by_mail"], again.json.get("token")), (&json!(true), None));
    // At once, and not only when the next letter is sent.
    accept(&app, &first, PASSWORD).await.assert_problem(401, "invalid_token");
    let second = post.letter_to("jonas@latern.example").await.token();
    // The address was wrong: a stranger has the letter.
    admin.patch(&path, json!({"email": "jonas@lantern.example"})).await.assert(200);
    accept(&app, &second, PASSWORD).await.assert_problem(401, "invalid_token");
    assert_eq!(app.number(WAITING), 0, "the stranger is told nothing of it");
    admin.send(Method::POST, &format!("{path}/invitation"), None).await.assert(200);
    accept(&app, &post.letter_to("jonas@lantern.example").await.token(), PASSWORD).await.assert(200);
    // Once more, as for one who forgot the password: that it changed is told.
    admin.send(Method::POST, &format!("{path}/invitation"), None).await.assert(200);
    let token = post.letter_to("jonas@lantern.example").await.token();
    accept(&app, &token, ANOTHER).await.assert(200);
    assert_eq!(post.letter_to("jonas@lantern.example").await.subject(), "Your password at The Lantern was changed");
}

async fn what_was_not_sent_yet_is_not_sent_to_an_address_that_was_wrong(app: TestApp) {
    let (app, mut post) = with_mail(app).await;
    let admin = app.signed_in(Role::Admin).await;
    post.close();
    let created = admin.post("/users", newcomer("jonas@latern.example")).await;
    let path = format!("/users/{}", created.assert(201).text("/id"));
    app.becomes("SELECT count(*) FROM letters WHERE attempts > 0", 1).await;
    admin.patch(&path, json!({"email": "jonas@lantern.example"})).await.assert(200);
    assert_eq!(app.number(WAITING), 0);
    post.reopen();
    admin.send(Method::POST, &format!("{path}/invitation"), None).await.assert(200);
    accept(&app, &post.letter_to("jonas@lantern.example").await.token(), PASSWORD).await.assert(200);
    assert_eq!(post.taken(), 1);
}

on_both_databases! {
    whoever_is_invited_has_the_link_alone,
    a_newer_invitation_and_another_address_take_the_link_back,
    what_was_not_sent_yet_is_not_sent_to_an_address_that_was_wrong,
}
