//! What a preview does not tell, and what does not open one.

use super::{draft, is_absent, look, preview};
use crate::{
    on_both_databases,
    support::{Client, TestApp, blocking},
};
use actix_web::http::Method;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use diesel::RunQueryDsl;
use serde_json::{Value, json};

async fn nothing_is_told_but_the_text(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    let token = preview(&editor, &path, json!({})).await;
    let first = look(&path, &app, &token).await;
    editor.put(&format!("{path}/review"), json!({"status": "requested", "note": "canary-7b1e"})).await.assert(200);
    app.execute("UPDATE articles SET publish_at = 4102444800000000, unpublish_at = 4102444900000000, scheduled_id = working_id, scheduled_revision = 1");
    assert_eq!(editor.get(&path).await.json["status"], "scheduled");
    let planned = look(&path, &app, &token).await;
    assert_eq!(planned.assert(200).json, first.json);
    for (field, value) in [
        ("status", json!("draft")),
        ("scheduled", json!({"publish_at": null, "revision": null, "unpublish_at": null})),
        ("review", Value::Null),
        ("published_at", Value::Null),
        ("published_revision", Value::Null),
        ("deleted_at", Value::Null),
        ("comments", json!({"open": true, "count": 0})),
    ] {
        assert_eq!(planned.json[field], value, "{field}");
    }
    assert!(!planned.json.to_string().contains("canary-7b1e"));
    // What is public may be told; when it was and is not any more, may not.
    app.execute(
        "UPDATE articles SET publish_at = NULL, unpublish_at = NULL, scheduled_id = NULL, scheduled_revision = NULL",
    );
    editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
    editor.post(&format!("{path}/comments"), json!({"body": "First."})).await.assert(201);
    editor.post(&format!("{path}/corrections"), json!({"kind": "correction", "text": "At nine."})).await.assert(201);
    editor.patch(&path, json!({"subtitle": "Take 2"})).await.assert(200);
    let public = app.anyone().get(&path).await;
    let live = look(&path, &app, &token).await;
    assert!(public.json["corrected_at"].is_string());
    for field in ["status", "published_at", "published_revision", "corrected_at", "comments", "created_at"] {
        assert_eq!(live.assert(200).json[field], public.json[field], "{field}");
    }
    assert_eq!((&live.json["subtitle"], &live.json["comments"]["count"]), (&json!("Take 2"), &json!(1)));
    editor.delete(&format!("{path}/publication")).await.assert(204);
    let archived = look(&path, &app, &token).await;
    for (field, value) in [
        ("status", json!("draft")),
        ("published_at", Value::Null),
        ("corrected_at", Value::Null),
        ("comments", json!({"open": true, "count": 0})),
    ] {
        assert_eq!(archived.json[field], value, "{field}");
    }
}

async fn what_opens_nothing_is_answered_like_what_does_not_exist(app: TestApp) {
    let editor = app.editor().await;
    let (path, other) = (draft(&editor, "Ferry").await, draft(&editor, "Other").await);
    let (token, others) = (preview(&editor, &path, json!({})).await, preview(&editor, &other, json!({})).await);
    look(&path, &app, &token).await.assert(200);
    let changed = format!("{}{}", &token[..token.len() - 2], if token.ends_with("AA") { "BB" } else { "AA" });
    let of_the_id = editor.get(&format!("{path}/previews")).await.text("/data/0/id");
    for wrong in [
        &*others,
        &changed,
        &token[..token.len() - 1],
        &token[1..],
        &token.to_uppercase(),
        &format!("{token}A"),
        &of_the_id,
        "x",
        "%F0%9F%8C%8A",
    ] {
        is_absent(&path, &app, wrong).await;
    }
    // A token opens its article, and that under no other name.
    for path in [&*other, "/articles/absent", "/articles/0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"] {
        is_absent(path, &app, &token).await;
    }
    editor.put(&format!("{other}/publication"), json!({})).await.assert(200);
    is_absent(&other, &app, &token).await;
    editor.delete(&path).await.assert(204);
    is_absent(&path, &app, &token).await;
    editor.post(&format!("{path}/restore"), json!({})).await.assert(200);
    look(&path, &app, &token).await.assert(200);
    app.execute("UPDATE previews SET expires_at = expires_at - 700000000000");
    is_absent(&path, &app, &token).await;
    let token = preview(&editor, &path, json!({})).await;
    let id = editor.get(&format!("{path}/previews")).await.text("/data/0/id");
    editor.delete(&format!("{path}/previews/{id}?dry_run=true")).await.assert(204);
    look(&path, &app, &token).await.assert(200);
    editor.delete(&format!("{path}/previews/{id}")).await.assert(204);
    is_absent(&path, &app, &token).await;
    editor.delete(&format!("{path}/previews/{id}")).await.assert_problem(404, "not_found");
    for (value, code) in [("", "required"), (&*"x".repeat(201), "too_long"), ("a%00b", "invalid_characters")] {
        let refused = look(&path, &app, value).await;
        assert_eq!(
            refused.assert_problem(400, "invalid_parameter").mistakes(),
            [("preview".to_owned(), code.to_owned())]
        );
    }
}

async fn a_token_is_worth_nothing_anywhere_else(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    let token = preview(&editor, &path, json!({})).await;
    let guest = json!({"name": "Jo", "email": "jo@example.org", "body": "First!"});
    let anyone = app.anyone();
    for (method, path, body) in [
        (Method::GET, "/articles".to_owned(), None),
        (Method::GET, format!("{path}/comments"), None),
        (Method::POST, format!("{path}/comments"), Some(guest.clone())),
    ] {
        let refused = anyone.send(method, &format!("{path}?preview={token}"), body).await;
        let expected = [("preview".to_owned(), "unknown_parameter".to_owned())];
        assert_eq!(refused.assert_problem(400, "invalid_parameter").mistakes(), expected);
        assert!(!refused.json.to_string().contains(&token));
    }
    for client in [anyone.clone(), Client::new(&app.address, Some(token.clone()))] {
        for (method, path) in [
            (Method::PATCH, path.clone()),
            (Method::DELETE, path.clone()),
            (Method::PUT, format!("{path}/publication")),
            (Method::GET, format!("{path}/revisions")),
            (Method::GET, format!("{path}/previews")),
        ] {
            let body = (method == Method::PATCH).then(|| json!({"title": "Mine"}));
            client.send(method, &format!("{path}?preview={token}"), body).await.assert(401);
        }
    }
    anyone.get(&format!("{path}/comments")).await.assert_problem(404, "not_found");
    anyone.post(&format!("{path}/comments"), guest).await.assert_problem(404, "not_found");
    assert_eq!(anyone.get("/articles?count=true").await.json["page"]["total"], 0);
}

async fn who_is_signed_in_sees_what_everybody_else_would(app: TestApp) {
    let (editor, writer) = (app.editor().await, app.contributor().await);
    let path = draft(&editor, "Ferry").await;
    let token = preview(&editor, &path, json!({"revision": 1})).await;
    editor.patch(&path, json!({"subtitle": "Take 2"})).await.assert(200);
    let stranger = look(&path, &app, &token).await;
    for client in [&editor, &writer] {
        let seen = client.get(&format!("{path}?preview={token}")).await;
        assert_eq!((&seen.assert(200).json, seen.etag()), (&stranger.assert(200).json, ""));
        assert_eq!(seen.header("cache-control"), "no-store");
        client.get(&format!("{path}?preview=none")).await.assert_problem(404, "not_found");
    }
    // A session that ended is not ignored, and two ways to look are one too many.
    let stale = Client::new(&app.address, Some("no.such.token".into()));
    stale.get(&format!("{path}?preview={token}")).await.assert_problem(401, "invalid_token");
    for client in [&editor, &app.anyone()] {
        for view in ["working", "published"] {
            let refused = client.get(&format!("{path}?preview={token}&view={view}")).await;
            let expected = [("view".to_owned(), "conflict".to_owned())];
            assert_eq!(refused.assert_problem(400, "invalid_parameter").mistakes(), expected);
        }
    }
}

async fn nothing_that_is_kept_opens_anything(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    let keyed = editor.with("idempotency-key", "once");
    let first = keyed.post(&format!("{path}/previews"), json!({"revision": 1})).await;
    let again = keyed.post(&format!("{path}/previews"), json!({"revision": 1})).await;
    let mut without = first.assert(201).json.clone();
    for secret in ["url", "token"] {
        without.as_object_mut().unwrap().remove(secret).unwrap();
    }
    assert_eq!((again.assert(201).header("idempotent-replayed"), &again.json), ("true", &without));
    for header in ["etag", "location"] {
        assert_eq!(again.header(header), first.header(header), "{header}");
    }
    let found = editor.get(first.header("location").strip_prefix("/api/v1").unwrap()).await;
    assert_eq!((found.etag(), &found.json), (first.etag(), &without));
    keyed.post(&format!("{path}/previews"), json!({})).await.assert_problem(422, "idempotency_key_reused");
    assert_eq!(editor.get(&format!("{path}/previews?count=true")).await.json["page"]["total"], 1);
    let token = first.text("/token");
    look(&path, &app, &token).await.assert(200);
    let secret = token.strip_prefix("stet_preview_").unwrap();
    let kept = |what: &str| app.number(&format!("SELECT COUNT(*) FROM idempotency_keys WHERE {what}"));
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let id: String = first.text("/id").bytes().map(|byte| format!("{byte:02x}")).collect();
    let hexed = match &app.target {
        stet::db::Target::Sqlite(_) => "LOWER(HEX(body))",
        stet::db::Target::Postgres(_) => "ENCODE(body, 'hex')",
    };
    assert_eq!(kept(&format!("{hexed} LIKE '%{id}%'")), 1, "the answer was not looked at");
    assert_eq!(kept(&format!("{hexed} LIKE '%{hex}%'")), 0, "the answer is kept with what opens the article");
    assert_eq!(app.number("SELECT COUNT(*) FROM previews WHERE LENGTH(hash) = 32"), 1);
    // Nor is it made of anything that is: whoever has a copy of the database has the site's keys, too.
    let preview: stet::db::Id = first.text("/id").parse().unwrap();
    let keys = site_keys(&app);
    assert!(keys.len() >= 4);
    for key in keys {
        let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, &key), preview.as_bytes());
        assert_ne!(URL_SAFE_NO_PAD.encode(tag), secret);
    }
}

#[derive(diesel::QueryableByName)]
struct Secret {
    #[diesel(sql_type = diesel::sql_types::Binary)]
    secret: Vec<u8>,
}

fn site_keys(app: &TestApp) -> Vec<Vec<u8>> {
    let keys = diesel::sql_query("SELECT secret FROM keys");
    let keys = blocking(|| keys.load::<Secret>(&mut app.target.open().unwrap()).unwrap());
    keys.into_iter().map(|key| key.secret).collect()
}

on_both_databases! {
    nothing_is_told_but_the_text,
    what_opens_nothing_is_answered_like_what_does_not_exist,
    a_token_is_worth_nothing_anywhere_else,
    who_is_signed_in_sees_what_everybody_else_would,
    nothing_that_is_kept_opens_anything,
}
