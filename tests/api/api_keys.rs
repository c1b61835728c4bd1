//! Keys: what programs come with, what they may, and what they never reach.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp},
    users::contains,
};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use stet::permissions::Role;

async fn made(app: &TestApp, key: Value) -> (Reply, Client) {
    let reply = app.signed_in(Role::Admin).await.post("/api-keys", key).await;
    let client = Client::new(&app.address, Some(reply.assert(201).text("/token")));
    (reply, client)
}

async fn key(app: &TestApp, role: &str) -> Client {
    made(app, json!({"name": format!("The {role}"), "role": role})).await.1
}

async fn a_key_is_shown_once_and_kept_as_a_hash(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let keyed = admin.with("idempotency-key", "website");
    let new = json!({"name": "Website", "role": "reader", "expires_at": "2090-01-01T00:00:00Z"});
    let created = keyed.post("/api-keys", new.clone()).await;
    let token = created.assert(201).text("/token");
    assert_eq!((token.len(), &token[..9]), (54, created.text("/begins").as_str()));
    assert_eq!(created.json["created_by"]["name"], "Mira Holt");
    let path = format!("/api-keys/{}", created.text("/id"));
    assert_eq!(created.header("location"), format!("/api/v1{path}"));
    let again = keyed.post("/api-keys", new).await;
    assert_eq!((again.assert(201).header("idempotent-replayed"), again.text("/id")), ("true", created.text("/id")));
    let (found, list) = (admin.get(&path).await, admin.get("/api-keys?count=true").await);
    assert_eq!(list.assert(200).json["page"]["total"], 1);
    for answer in [&again, &found, &list] {
        assert!(!String::from_utf8_lossy(&answer.bytes).contains(&token[9..]), "{}", answer.json);
        assert!(!answer.json.to_string().contains("hash"), "{}", answer.json);
    }
    for (table, column) in [("idempotency_keys", "body"), ("api_keys", "hash")] {
        assert_eq!(app.number(&format!("SELECT count(*) FROM {table} WHERE {}", contains(&app, column, &token))), 0);
    }
    let tried = admin.post("/api-keys?dry_run=true", json!({"name": "Tried", "role": "admin"})).await;
    assert!(tried.assert(201).json.get("token").is_none());
    assert_eq!(app.number("SELECT count(*) FROM api_keys"), 1);
    for wrong in [
        json!({"name": "x", "role": "owner"}),
        json!({"name": "x", "role": "editor", "sections": []}),
        json!({"name": "x", "role": "editor", "sections": ["nowhere"]}),
        json!({"name": "x", "role": "editor", "expires_at": "2020-01-01T00:00:00Z"}),
        json!({"name": "x", "role": "editor", "token": "stet_mine"}),
        json!({"name": "", "role": "editor"}),
    ] {
        admin.post("/api-keys", wrong.clone()).await.assert_problem(422, "validation_failed");
    }
}

async fn a_reader_reads_all_that_is_published_and_writes_nothing(app: TestApp) {
    let (editor, reader) = (app.editor().await, key(&app, "reader").await);
    let paid =
        json!({"title": "Paid", "visibility": "premium", "excerpt": "Short.", "body": {"source": "The whole of it."}});
    editor.post("/articles", paid).await.assert(201);
    editor.put("/articles/paid/publication", json!({})).await.assert(200);
    editor.post("/articles", json!({"title": "A draft"})).await.assert(201);
    let stranger = app.anyone().get("/articles/paid").await;
    assert!(!stranger.assert(200).json.to_string().contains("The whole of it"));
    assert!(reader.get("/articles/paid").await.assert(200).json.to_string().contains("The whole of it"));
    reader.get("/articles/a-draft").await.assert_problem(404, "not_found");
    // How it was written is for those who write.
    let contributor = app.contributor().await;
    for (who, source) in [(&reader, None), (&contributor, Some(&json!("The whole of it.")))] {
        for (path, body) in [("/articles/paid", "/body"), ("/articles?include=body", "/data/0/body")] {
            let seen = who.get(path).await;
            let body = seen.assert(200).json.pointer(body).unwrap();
            if source.is_none() {
                assert_eq!(body["html"], "<p>The whole of it.</p>\n", "{path}");
            }
            assert_eq!(body.get("source"), source, "{path}");
        }
    }
    assert_eq!(reader.get("/articles?status=draft,published&limit=100").await.column("slug"), ["paid"]);
    reader.post("/articles", json!({"title": "No"})).await.assert_problem(403, "forbidden");
    reader.post("/articles/paid/comments", json!({"body": "No."})).await.assert_problem(403, "forbidden");
    reader.get("/comments").await.assert_problem(403, "forbidden");
}

async fn a_key_owns_what_it_made_and_nothing_else(app: TestApp) {
    let (one, two, person) = (key(&app, "author").await, key(&app, "author").await, app.author().await);
    let created = one.post("/articles", json!({"title": "Imported"})).await;
    assert_eq!(created.assert(201).json["authors"], json!([]));
    one.put("/articles/imported/publication", json!({})).await.assert(200);
    one.patch("/articles/imported", json!({"subtitle": "By a program"})).await.assert(200);
    person.post("/articles", json!({"title": "Typed"})).await.assert(201);
    for other in [&two, &person] {
        other.patch("/articles/imported", json!({"subtitle": "No"})).await.assert_problem(403, "forbidden");
    }
    one.get("/articles/typed").await.assert_problem(404, "not_found");
    // What it did names it, and goes on to when it is gone.
    let admin = app.signed_in(Role::Admin).await;
    let keys = admin.get("/api-keys").await;
    let id = keys.text("/data/1/id");
    let named = async || {
        let revisions = admin.get("/articles/imported/revisions").await;
        assert_eq!(revisions.json["data"][0]["created_by"], json!({"id": id, "name": "The author"}));
    };
    named().await;
    assert_eq!(app.number("SELECT count(*) FROM events WHERE user_id IN (SELECT id FROM users WHERE is_key)"), 3);
    admin.delete(&format!("/api-keys/{id}")).await.assert(204);
    one.get("/articles").await.assert_problem(401, "invalid_token");
    named().await;
    for path in [format!("/users/{id}"), format!("/api-keys/{id}")] {
        admin.get(&path).await.assert_problem(404, "not_found");
        admin.delete(&path).await.assert_problem(404, "not_found");
    }
    // A comment that a key signs shows no address.
    let staff = two.post("/articles/imported/comments", json!({"body": "From a program."})).await;
    assert_eq!(staff.assert(201).json["status"], "approved");
    let shown = admin.get(&format!("/comments/{}", staff.text("/id"))).await;
    assert_eq!((&shown.json["email"], &shown.json["author"]["name"]), (&Value::Null, &json!("The author")));
}

async fn a_key_for_sections_writes_there_and_below_and_nowhere_else(app: TestApp) {
    let editor = app.editor().await;
    for section in [json!({"name": "News"}), json!({"name": "Local", "parent": "news"}), json!({"name": "Sport"})] {
        editor.post("/sections", section).await.assert(201);
    }
    for (title, section) in [("Harbour", "local"), ("Match", "sport")] {
        editor.post("/articles", json!({"title": title, "section": section})).await.assert(201);
    }
    editor.post("/articles", json!({"title": "Nowhere"})).await.assert(201);
    let (_, key) = made(&app, json!({"name": "News desk", "role": "editor", "sections": ["news"]})).await;
    for section in ["news", "local"] {
        key.post("/articles", json!({"title": "In", "section": section})).await.assert(201);
    }
    for outside in [json!({"title": "Out", "section": "sport"}), json!({"title": "Out"})] {
        key.post("/articles", outside).await.assert_problem(403, "forbidden");
    }
    key.patch("/articles/harbour", json!({"subtitle": "Yes", "section": "news"})).await.assert(200);
    key.put("/articles/harbour/publication", json!({})).await.assert(200);
    key.patch("/articles/harbour", json!({"section": "sport"})).await.assert_problem(403, "forbidden");
    key.patch("/articles/harbour", json!({"section": null})).await.assert_problem(403, "forbidden");
    for article in ["/articles/match", "/articles/nowhere"] {
        let none = || None::<Value>;
        for (method, path, body) in [
            (Method::PATCH, "", Some(json!({"subtitle": "No"}))),
            (Method::PATCH, "", Some(json!({"section": "news"}))),
            (Method::DELETE, "", none()),
            (Method::PUT, "/publication", Some(json!({}))),
            (Method::DELETE, "/publication", none()),
            (Method::PUT, "/review", Some(json!({"status": "requested"}))),
            (Method::POST, "/previews", Some(json!({}))),
            (Method::POST, "/revisions/1/restore", none()),
        ] {
            let refused = key.send(method.clone(), &format!("{article}{path}"), body).await;
            assert_eq!(
                (refused.status.as_u16(), refused.text("/code").as_str()),
                (403, "forbidden"),
                "{method} {article}{path}"
            );
        }
        // Its role says what it reads.
        key.get(article).await.assert(200);
    }
    // What is public stands outside, what is in preparation does not.
    editor.put("/articles/match/publication", json!({})).await.assert(200);
    editor.patch("/articles/match", json!({"section": "news"})).await.assert(200);
    for path in ["/articles/match/publication", "/articles/match"] {
        key.delete(path).await.assert_problem(403, "forbidden");
    }
    editor.patch("/articles/match", json!({"section": "sport"})).await.assert(200);
    let bulk = |action: Value| json!({"articles": ["harbour", "match"], "action": action});
    for action in [json!({"kind": "move", "section": "local"}), json!({"kind": "trash"})] {
        let done = key.post("/articles/bulk", bulk(action)).await;
        let statuses: Vec<i64> = done.assert(200).json["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["status"].as_i64().unwrap())
            .collect();
        assert!(matches!(statuses[..], [200 | 204, 403]), "{statuses:?}");
    }
    key.send(Method::POST, "/articles/harbour/restore", None).await.assert(200);
    // What is no article is in no section.
    for (path, body) in [
        ("/tags", json!({"name": "Ebb"})),
        ("/sections", json!({"name": "More", "parent": "news"})),
        ("/authors", json!({"name": "Jo"})),
        ("/redirects", json!({"source": "/a", "target": "/b"})),
    ] {
        key.post(path, body).await.assert_problem(403, "forbidden");
    }
    key.get("/comments").await.assert_problem(403, "forbidden");
    editor.put("/articles/match/publication", json!({})).await.assert(200);
    key.post("/articles/match/comments", json!({"body": "No."})).await.assert_problem(403, "forbidden");
    // A section that is gone leaves the key nothing, rather than everything.
    editor.post("/sections", json!({"name": "Short lived"})).await.assert(201);
    let (_, key) = made(&app, json!({"name": "Gone", "role": "editor", "sections": ["short-lived"]})).await;
    editor.delete("/sections/short-lived").await.assert(204);
    key.post("/articles", json!({"title": "No", "section": "news"})).await.assert_problem(403, "forbidden");
    key.get("/articles").await.assert(200);
}

async fn a_key_for_sections_publishes_nothing_that_stood_elsewhere(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for name in ["Politics", "Tech"] {
        editor.post("/sections", json!({"name": name})).await.assert(201);
    }
    editor.post("/articles", json!({"title": "Old", "slug": "story", "section": "politics"})).await.assert(201);
    editor.patch("/articles/story", json!({"title": "New", "section": "tech"})).await.assert(200);
    let (_, key) = made(&app, json!({"name": "Tech desk", "role": "editor", "sections": ["tech"]})).await;
    let publication = "/articles/story/publication";
    for old in [json!({"revision": 1}), json!({"revision": 1, "at": "2034-01-01T00:00:00Z"})] {
        key.put(publication, old).await.assert_problem(403, "forbidden");
    }
    // What others scheduled there is not the key's to cancel or to replace.
    editor.put(publication, json!({"revision": 1, "at": "2034-01-01T00:00:00Z"})).await.assert(200);
    for query in ["?scheduled=true", ""] {
        key.delete(&format!("{publication}{query}")).await.assert_problem(403, "forbidden");
    }
    key.put(publication, json!({})).await.assert_problem(403, "forbidden");
    editor.delete(&format!("{publication}?scheduled=true")).await.assert(204);
    key.put(publication, json!({"revision": 2})).await.assert(200);
    assert_eq!(anyone.get("/articles/story").await.json["title"], "New");
    // Nor does it make another section's article list what it writes.
    editor.post("/articles", json!({"title": "Vote", "section": "politics"})).await.assert(201);
    editor.put("/articles/vote/publication", json!({})).await.assert(200);
    let german = |of: &str| json!({"title": "Auf Deutsch", "language": "de", "section": "tech", "translation_of": of});
    key.post("/articles", german("vote")).await.assert_problem(403, "forbidden");
    key.post("/articles", german("story")).await.assert(201);
    key.patch("/articles/auf-deutsch", json!({"translation_of": "vote"})).await.assert_problem(403, "forbidden");
}

async fn no_key_reaches_accounts_users_or_keys(app: TestApp) {
    let admin = key(&app, "admin").await;
    admin.patch("/site", json!({"description": "It may do this."})).await.assert(200);
    let id = "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d";
    for path in [
        "/me",
        "/me/sessions",
        "/users",
        "/api-keys",
        &format!("/users/{id}"),
        &format!("/api-keys/{id}"),
        "/%6de",
        "/%75sers",
        "/users?role=admin",
        "/api%2dkeys",
    ] {
        admin.get(path).await.assert_problem(403, "not_for_keys");
    }
    for (path, body) in [
        ("/users", json!({"email": "x@lantern.example", "name": "X", "role": "admin"})),
        ("/api-keys", json!({"name": "X", "role": "reader"})),
        ("/auth/login", json!({"email": app.new_user(Role::Editor), "password": crate::support::PASSWORD})),
        ("/auth/refresh", json!({"refresh_token": "x"})),
        ("/auth/logout", json!({"refresh_token": "x"})),
        ("/auth/invitation", json!({"token": "x", "password": "a tide table for March"})),
        ("/auth/setup", json!({"token": "x"})),
        ("/%61uth/login", json!({})),
    ] {
        admin.post(path, body).await.assert_problem(403, "not_for_keys");
    }
    for (method, path) in [
        (Method::DELETE, "/me/sessions"),
        (Method::PUT, "/me/password"),
        (Method::PATCH, "/me"),
        (Method::PATCH, "/users/x"),
    ] {
        admin.send(method, path, Some(json!({}))).await.assert_problem(403, "not_for_keys");
    }
    assert_eq!(app.number("SELECT count(*) FROM users WHERE email = 'x@lantern.example'"), 0);
}

async fn a_key_ends_with_its_time_or_when_it_is_taken_back(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let (made_one, editor) =
        made(&app, json!({"name": "A", "role": "editor", "expires_at": "2090-01-01T00:00:00Z"})).await;
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    app.execute("UPDATE api_keys SET expires_at = 1");
    let refused = editor.get("/tags").await;
    refused.assert_problem(401, "invalid_token");
    assert_eq!(refused.header("www-authenticate"), "Bearer realm=\"stet\", error=\"invalid_token\"");
    app.execute("UPDATE api_keys SET expires_at = NULL");
    editor.get("/tags").await.assert(200);
    let path = format!("/api-keys/{}", made_one.text("/id"));
    admin.delete(&format!("{path}?dry_run=true")).await.assert(204);
    editor.get("/tags").await.assert(200);
    admin.delete(&path).await.assert(204);
    editor.get("/tags").await.assert_problem(401, "invalid_token");
    // It is no user's: whoever made it may go.
    let (_, other) = made(&app, json!({"name": "B", "role": "editor"})).await;
    app.execute("DELETE FROM sessions; DELETE FROM users WHERE NOT is_key");
    other.post("/tags", json!({"name": "Flow"})).await.assert(201);
}

async fn what_is_no_key_opens_nothing(app: TestApp) {
    let (reply, good) = made(&app, json!({"name": "A", "role": "editor"})).await;
    good.get("/tags").await.assert(200);
    let token = reply.text("/token");
    for wrong in [
        "stet_".to_owned(),
        token[..53].to_owned(),
        format!("{token}0"),
        token.to_lowercase(),
        token.replacen("stet_", "stet-", 1),
        format!("{}{}", &token[..53], if token.ends_with('x') { "y" } else { "x" }),
        reply.text("/begins"),
        format!("{} {}", &token[..20], &token[20..]),
    ] {
        let client = Client::new(&app.address, Some(wrong.clone()));
        client.get("/tags").await.assert_problem(401, "invalid_token");
        client.get("/me").await.assert_problem(401, "invalid_token");
    }
}

async fn a_use_is_noted_once_a_minute_and_beside_the_request(app: TestApp) {
    let (reply, reader) = made(&app, json!({"name": "A", "role": "reader"})).await;
    assert_eq!(reply.json["last_used_at"], Value::Null);
    let last = || app.number("SELECT COALESCE(last_used_at, 0) FROM api_keys");
    let settled = async |before: i64| {
        for _ in 0..100 {
            if last() != before {
                break;
            }
            actix_web::rt::time::sleep(Duration::from_millis(20)).await;
        }
        last()
    };
    reader.get("/tags").await.assert(200);
    let first = settled(0).await;
    assert!(first > 0);
    for _ in 0..5 {
        reader.get("/tags").await.assert(200);
    }
    actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(last(), first);
}

async fn two_keys_may_name_their_requests_alike(app: TestApp) {
    let (one, two) = (key(&app, "editor").await, key(&app, "editor").await);
    let post = async |key: &Client, name: &str| {
        key.with("idempotency-key", "same").post("/tags", json!({"name": name})).await.assert(201).text("/name")
    };
    assert_eq!(post(&one, "Ebb").await, "Ebb");
    assert_eq!(post(&two, "Flow").await, "Flow");
    assert_eq!(post(&one, "Ebb").await, "Ebb");
    assert_eq!(app.number("SELECT count(*) FROM tags"), 2);
}

on_both_databases! {
    a_key_is_shown_once_and_kept_as_a_hash,
    a_reader_reads_all_that_is_published_and_writes_nothing,
    a_key_owns_what_it_made_and_nothing_else,
    a_key_for_sections_writes_there_and_below_and_nowhere_else,
    a_key_for_sections_publishes_nothing_that_stood_elsewhere,
    no_key_reaches_accounts_users_or_keys,
    a_key_ends_with_its_time_or_when_it_is_taken_back,
    what_is_no_key_opens_nothing,
    a_use_is_noted_once_a_minute_and_beside_the_request,
    two_keys_may_name_their_requests_alike,
}
