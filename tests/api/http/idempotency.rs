//! `Idempotency-Key`: what is sent twice is done once.

use super::story;
use crate::{
    on_both_databases,
    support::{Client, PASSWORD, Reply, TestApp},
};
use actix_web::http::Method;
use serde_json::{Value, json};
use stet::permissions::Role;

fn keyed(client: &Client, key: &str) -> Client {
    client.with("idempotency-key", key)
}

async fn total(client: &Client, list: &str) -> Value {
    client.get(&format!("{list}?count=true")).await.json["page"]["total"].clone()
}

fn assert_replayed(first: &Reply, again: &Reply) {
    assert_eq!(first.header("idempotent-replayed"), "");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!((again.status, &again.bytes), (first.status, &first.bytes));
    for header in ["etag", "location", "content-type"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
}

async fn the_first_answer_is_given_again(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for (path, body) in [
        ("/tags", json!({"name": "Ebb"})),
        ("/authors", json!({"name": "Mira"})),
        ("/sections", json!({"name": "News"})),
        ("/articles", json!({"title": "Ebb"})),
    ] {
        let client = keyed(&editor, path);
        let first = client.post(path, body.clone()).await;
        assert_replayed(first.assert(201), client.post(path, body).await.assert(201));
        assert_eq!(total(&editor, path).await, 1, "{path}");
    }
    story(&editor, json!({"title": "Flood"})).await;
    let guest = json!({"name": "Jo", "email": "jo@example.org", "body": "No."});
    let client = keyed(&anyone, "a guest's");
    let first = client.post("/articles/flood/comments", guest.clone()).await;
    assert_replayed(first.assert(201), &client.post("/articles/flood/comments", guest).await);
    assert_eq!(total(&editor, "/comments").await, 1);
    editor.delete("/articles/flood").await.assert(204);
    let client = keyed(&editor, "restore");
    let first = client.send(Method::POST, "/articles/flood/restore", None).await;
    assert_replayed(first.assert(200), &client.send(Method::POST, "/articles/flood/restore", None).await);
    editor.send(Method::POST, "/articles/flood/restore", None).await.assert_problem(404, "not_found");
}

async fn a_key_names_one_request(app: TestApp) {
    let editor = app.editor().await;
    let client = keyed(&editor, "8e03978e");
    client.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    client.post("/tags", json!({"name": "Flood"})).await.assert_problem(422, "idempotency_key_reused");
    client.post("/authors", json!({"name": "Ebb"})).await.assert_problem(422, "idempotency_key_reused");
    // Even where the other request would be refused, or is the same with other spaces.
    let spaced = client.with("content-type", "application/json");
    let spaced = spaced.raw(Method::POST, "/tags", b"{ \"name\": \"Ebb\" }".to_vec()).await;
    spaced.assert_problem(422, "idempotency_key_reused");
    assert_eq!((total(&editor, "/tags").await, total(&editor, "/authors").await), (json!(1), json!(0)));
}

async fn a_key_is_ones_own(app: TestApp) {
    let (one, other) = (app.editor().await, app.editor().await);
    let first = keyed(&one, "same").post("/tags", json!({"name": "Ebb"})).await;
    let second = keyed(&other, "same").post("/tags", json!({"name": "Ebb"})).await;
    assert_eq!((first.assert(201).text("/slug"), second.assert(201).text("/slug")), ("ebb".into(), "ebb-2".into()));
    assert_eq!(second.header("idempotent-replayed"), "");
    keyed(&other, "same").post("/tags", json!({"name": "Flood"})).await.assert_problem(422, "idempotency_key_reused");
    // A guest is who they sign as.
    super::story(&one, json!({"title": "Talk"})).await;
    let guests = keyed(&app.anyone(), "same");
    let comment = |email: &str, body: &str| json!({"name": "Jo", "email": email, "body": body});
    guests.post("/articles/talk/comments", comment("jo@example.org", "Yes.")).await.assert(201);
    guests.post("/articles/talk/comments", comment("mo@example.org", "No.")).await.assert(201);
    let again = guests.post("/articles/talk/comments", comment("jo@example.org", "No.")).await;
    again.assert_problem(422, "idempotency_key_reused");
    assert_eq!(total(&one, "/comments").await, 2);
}

async fn what_was_told_in_another_role_is_not_told_again(app: TestApp) {
    let login = json!({"email": app.new_user(Role::Editor), "password": PASSWORD});
    let sign_in = async || {
        let token = app.anyone().post("/auth/login", login.clone()).await.assert(200).text("/access_token");
        keyed(&Client::new(&app.address, Some(token)), "preview")
    };
    let author = app.signed_in(Role::Author).await;
    let path = format!("/articles/{}/previews", author.post("/articles", json!({"title": "Ebb"})).await.text("/id"));
    sign_in().await.send(Method::POST, &path, None).await.assert(201);
    app.execute(&format!("UPDATE users SET role = 'contributor' WHERE email = '{}'", login["email"].as_str().unwrap()));
    sign_in().await.send(Method::POST, &path, None).await.assert_problem(404, "not_found");
}

async fn many_at_once_create_one(app: TestApp) {
    let editor = app.editor().await;
    let tries: Vec<_> = (0..10)
        .map(|_| {
            let client = keyed(&editor, "at once");
            actix_web::rt::spawn(async move { client.post("/articles", json!({"title": "Ebb"})).await })
        })
        .collect();
    let mut answers = Vec::new();
    for attempt in tries {
        let answer = attempt.await.unwrap();
        answers.push((answer.assert(201).text("/id"), answer.header("idempotent-replayed").to_owned()));
    }
    assert_eq!(answers.iter().filter(|(_, replayed)| replayed.is_empty()).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|(id, _)| *id == answers[0].0), "{answers:?}");
    assert_eq!(total(&editor, "/articles").await, 1);
}

async fn what_was_not_done_may_be_tried_again(app: TestApp) {
    let editor = app.editor().await;
    let client = keyed(&editor, "retry");
    client.post("/tags", json!({"name": ""})).await.assert_problem(422, "validation_failed");
    client.post("/articles", json!({"title": "Ebb", "tags": ["none"]})).await.assert_problem(422, "validation_failed");
    editor.post("/tags", json!({"name": "Taken"})).await.assert(201);
    client.post("/tags", json!({"name": "Other", "slug": "taken"})).await.assert_problem(409, "slug_taken");
    let rehearsed = client.post("/tags?dry_run=true", json!({"name": "Flood"})).await;
    assert_eq!(rehearsed.assert(201).header("idempotent-replayed"), "");
    let first = client.post("/tags", json!({"name": "Ebb"})).await;
    assert_eq!(first.assert(201).header("idempotent-replayed"), "");
    assert_eq!(client.post("/tags", json!({"name": "Ebb"})).await.header("idempotent-replayed"), "true");
}

async fn a_key_has_bounds(app: TestApp) {
    let editor = app.editor().await;
    for (number, key) in ["x", &"k".repeat(255), "\"quoted, with spaces\""].into_iter().enumerate() {
        let tag = json!({"name": format!("Tag {number}")});
        let first = keyed(&editor, key).post("/tags", tag.clone()).await;
        assert_replayed(&first, &keyed(&editor, key).post("/tags", tag).await);
    }
    for key in ["", &"k".repeat(256)] {
        let refused = keyed(&editor, key).post("/tags", json!({"name": "Never"})).await;
        assert!(refused.assert_problem(400, "invalid_parameter").text("/detail").contains("Idempotency-Key"));
    }
    assert_eq!(total(&editor, "/tags").await, 3);
}

async fn a_key_is_forgotten_after_a_day(app: TestApp) {
    let editor = app.editor().await;
    let client = keyed(&editor, "yesterday");
    let first = client.post("/tags", json!({"name": "Ebb"})).await;
    super::set(&app, "UPDATE idempotency_keys SET created_at = created_at - 86390000000");
    assert_replayed(&first, &client.post("/tags", json!({"name": "Ebb"})).await);
    super::set(&app, "UPDATE idempotency_keys SET created_at = created_at - 20000000");
    assert_eq!(client.post("/tags", json!({"name": "Ebb"})).await.assert(201).json["slug"], "ebb-2");
}

on_both_databases! {
    the_first_answer_is_given_again,
    a_key_names_one_request,
    a_key_is_ones_own,
    what_was_told_in_another_role_is_not_told_again,
    many_at_once_create_one,
    what_was_not_done_may_be_tried_again,
    a_key_has_bounds,
    a_key_is_forgotten_after_a_day,
}
