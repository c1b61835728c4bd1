//! Entity tags: what a cache may keep, and what a writer may still change.

use super::{draft, story};
use crate::{
    on_both_databases,
    support::{Client, PASSWORD, TestApp},
};
use actix_web::http::{Method, header::HeaderValue};
use serde_json::{Value, json};
use stet::permissions::Role;

async fn head(client: &Client, path: &str) -> crate::support::Reply {
    client.raw(Method::HEAD, path, Vec::new()).await
}

async fn a_cache_is_told_what_it_has_already(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    story(&editor, json!({"title": "Ebb", "tags": ["ebb"]})).await;
    for path in [
        "/articles",
        "/articles/ebb",
        "/articles/ebb?include=related,latest,comments",
        "/tags",
        "/tags/ebb",
        "/articles/ebb/comments",
        "/articles?fields=title",
    ] {
        let whole = anyone.get(path).await;
        let tag = whole.assert(200).etag().to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() >= 18, "{tag}");
        assert_eq!(whole.header("cache-control"), "public, no-cache", "{path}");
        for vary in ["accept", "authorization", "accept-encoding"] {
            assert!(whole.headers.get_all("vary").any(|v| v.to_str().unwrap().to_lowercase().contains(vary)), "{path}");
        }
        let coded = format!("{}~br\"", tag.trim_end_matches('"'));
        for (known, confirmed) in [
            (tag.clone(), &tag),
            (format!("W/{tag}"), &tag),
            (format!("\"x\", {tag}"), &tag),
            (coded.clone(), &coded),
            ("*".into(), &tag),
        ] {
            let not_modified = anyone.with("if-none-match", &known).get(path).await;
            assert_eq!((not_modified.assert(304).etag(), not_modified.bytes.len()), (&**confirmed, 0), "{path}");
            let varies = |line: &HeaderValue| line.to_str().unwrap().contains("accept-encoding");
            assert!(not_modified.headers.get_all("vary").any(varies), "{path}");
            head(&anyone.with("if-none-match", &known), path).await.assert(304);
        }
        for unknown in ["\"x\"", "x", "", "W/\"\"", "\"~br\""] {
            anyone.with("if-none-match", unknown).get(path).await.assert(200);
        }
        assert_eq!(head(&anyone, path).await.assert(200).etag(), tag);
    }
    let before = anyone.get("/articles").await.etag().to_owned();
    story(&editor, json!({"title": "Flood"})).await;
    let after = anyone.with("if-none-match", &before).get("/articles").await;
    assert_eq!(after.assert(200).column("title").len(), 2);
    let private = editor.get("/articles/ebb").await;
    assert_eq!(private.header("cache-control"), "no-store");
    assert_eq!(anyone.get("/articles/none").await.header("cache-control"), "no-store");
    let login = json!({"email": app.new_user(Role::Editor), "password": PASSWORD});
    let session = anyone.post("/auth/login", login).await;
    assert_eq!(session.assert(200).header("cache-control"), "no-store");
    anyone.with("if-none-match", "*").get("/articles/none").await.assert(404);
}

async fn a_compressed_answer_has_a_tag_of_its_own_that_is_known_again(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    story(&editor, json!({"title": "Ebb", "body": {"source": "Low water. ".repeat(500)}})).await;
    let plain = anyone.get("/articles/ebb").await;
    let mut tags = vec![plain.etag().to_owned()];
    for coding in ["br", "zstd", "gzip"] {
        let client = anyone.with("accept-encoding", coding);
        let coded = client.get("/articles/ebb").await;
        assert_eq!(coded.assert(200).header("content-encoding"), coding);
        assert!(coded.bytes.len() < plain.bytes.len() / 2, "{coding}: {} bytes", coded.bytes.len());
        assert_eq!(coded.etag(), format!("{}~{coding}\"", plain.etag().trim_end_matches('"')));
        assert!(coded.headers.get_all("vary").any(|v| v.to_str().unwrap().to_lowercase().contains("accept-encoding")));
        let known = client.with("if-none-match", coded.etag()).get("/articles/ebb").await;
        assert_eq!(known.assert(304).etag(), coded.etag());
        assert_eq!(head(&client, "/articles/ebb").await.assert(200).etag(), coded.etag());
        tags.push(coded.etag().to_owned());
    }
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 4);
    // What a writer holds is the state, in whatever coding it came.
    let held = editor.with("accept-encoding", "br").get("/articles/ebb").await.etag().to_owned();
    assert!(held.ends_with("~br\""), "{held}");
    editor.with("if-match", &held).patch("/articles/ebb", json!({"title": "Flood"})).await.assert(200);
    editor.with("if-match", &held).patch("/articles/ebb", json!({"title": "Neap"})).await.assert(412);
}

async fn a_stale_change_is_refused_with_the_fields_that_differ(app: TestApp) {
    let editor = app.editor().await;
    let comment = {
        story(&editor, json!({"title": "Harbour", "slug": "harbour"})).await;
        editor.post("/articles/harbour/comments", json!({"body": "one"})).await.text("/id")
    };
    editor.post("/tags", json!({"name": "Ebb", "slug": "x"})).await.assert(201);
    editor.post("/authors", json!({"name": "Ebb", "slug": "x"})).await.assert(201);
    editor.post("/sections", json!({"name": "Ebb", "slug": "x"})).await.assert(201);
    for (path, field, other) in [
        ("/tags/x", "name", "description"),
        ("/authors/x", "name", "bio"),
        ("/sections/x", "name", "description"),
        ("/articles/harbour", "title", "subtitle"),
        (&*format!("/comments/{comment}"), "name", "body"),
    ] {
        let read = editor.get(path).await.etag().to_owned();
        let change = |value: &str| json!({field: value, other: "the same"});
        let first = editor.with("if-match", &read).patch(path, change("Neap")).await;
        assert_ne!(first.assert(200).etag().split('-').next(), read.split('-').next(), "{path}");
        let stale = editor.with("if-match", &read).patch(path, change("Spring")).await;
        let mistakes = stale.assert_problem(412, "precondition_failed").mistakes();
        // Of an article it is known what was changed, of the rest what is not as the client has it.
        let differing: &[_] = if path.starts_with("/articles") { &[other, field] } else { &[field] };
        let differing: Vec<_> = differing.iter().map(|name| (format!("/{name}"), "differs".to_owned())).collect();
        assert_eq!(mistakes, differing, "{path}");
        assert!(stale.text("/detail").contains(field));
        for wrong in ["\"x\"", "\"\"", "x", "W/*", &format!("W/{}", first.etag()), "\"99999999999999999999-x\"", ","] {
            editor
                .with("if-match", wrong)
                .patch(path, change("Spring"))
                .await
                .assert_problem(412, "precondition_failed");
            editor.with("if-match", wrong).delete(path).await.assert_problem(412, "precondition_failed");
        }
        assert_eq!(editor.get(path).await.etag(), first.etag(), "{path} was changed after all");
        for right in [first.etag().to_owned(), "*".to_owned(), format!("\"x\" , {}", first.etag())] {
            let same = editor.with("if-match", right).patch(path, change("Neap")).await;
            assert_eq!(same.assert(200).etag(), first.etag());
        }
        let changed = editor.with("if-match", "*").patch(path, change("Spring")).await;
        editor.with("if-match", first.etag()).delete(path).await.assert_problem(412, "precondition_failed");
        if path != "/articles/harbour" {
            editor.with("if-match", changed.etag()).delete(path).await.assert(204);
        }
    }
    let read = editor.get("/articles/harbour").await.etag().to_owned();
    editor.patch("/articles/harbour", json!({"title": "Later"})).await.assert(200);
    let stale = editor.with("if-match", &read);
    stale.put("/articles/harbour/publication", json!({})).await.assert_problem(412, "precondition_failed");
    stale.delete("/articles/harbour/publication").await.assert_problem(412, "precondition_failed");
    editor.delete("/articles/harbour").await.assert(204);
    stale.send(Method::POST, "/articles/harbour/restore", None).await.assert_problem(412, "precondition_failed");
}

async fn the_tag_of_what_had_the_slug_before_is_stale(app: TestApp) {
    let editor = app.editor().await;
    for (list, field) in [("/tags", "name"), ("/authors", "name"), ("/sections", "name")] {
        let path = format!("{list}/ebb");
        editor.post(list, json!({field: "Ebb"})).await.assert(201);
        let read = editor.get(&path).await.etag().to_owned();
        editor.delete(&path).await.assert(204);
        editor.post(list, json!({field: "Ebb", "slug": "ebb"})).await.assert(201);
        let stale = editor.with("if-match", &read);
        stale.patch(&path, json!({field: "Flood"})).await.assert_problem(412, "precondition_failed");
        stale.delete(&path).await.assert_problem(412, "precondition_failed");
        assert_eq!(editor.get(&path).await.text("/name"), "Ebb");
    }
    draft(&editor, json!({"title": "One", "slug": "swap"})).await;
    let read = editor.get("/articles/swap").await.etag().to_owned();
    editor.patch("/articles/swap", json!({"slug": "swapped"})).await.assert(200);
    draft(&editor, json!({"title": "Two", "slug": "swap"})).await;
    editor.patch("/articles/swap", json!({"subtitle": "Its own"})).await.assert(200);
    let stale = editor.with("if-match", &read);
    for path in ["/articles/swap", "/articles/swap?merge=auto"] {
        stale.patch(path, json!({"title": "Lost"})).await.assert_problem(412, "precondition_failed");
    }
    stale.put("/articles/swap/publication", json!({})).await.assert_problem(412, "precondition_failed");
    assert_eq!(editor.get("/articles/swap").await.text("/title"), "Two");
}

async fn a_stale_change_of_very_many_fields_is_still_answered(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    let many: serde_json::Map<String, Value> = (0..5000).map(|n| (format!("field-{n}"), json!(n))).collect();
    let stale = editor.with("if-match", "\"0-x\"").patch("/tags/ebb", Value::Object(many)).await;
    stale.assert_problem(412, "precondition_failed");
}

async fn what_others_do_nearby_makes_no_editor_stale(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    editor.post("/authors", json!({"name": "Mira"})).await.assert(201);
    let new = |title: &str| json!({"title": title, "tags": ["ebb"], "authors": ["mira"]});
    story(&editor, new("One")).await;
    let read = editor.get("/articles/one").await;
    let (tag, author) = (editor.get("/tags/ebb").await, editor.get("/authors/mira").await);

    story(&editor, new("Two")).await;
    let guest = json!({"name": "Jo", "email": "jo@example.org", "body": "No."});
    let pending = anyone.post("/articles/one/comments", guest).await.text("/id");
    editor.patch(&format!("/comments/{pending}"), json!({"status": "approved"})).await.assert(200);
    let now = editor.get("/articles/one").await;
    assert_eq!(now.json["comments"]["count"], 1);
    assert_ne!(now.etag(), read.etag(), "what a cache compares has changed");
    for (path, read) in [("/articles/one", &read), ("/tags/ebb", &tag), ("/authors/mira", &author)] {
        assert_ne!(editor.get(path).await.json, read.json);
        let field = if path.starts_with("/articles") { "title" } else { "name" };
        editor.with("if-match", read.etag()).patch(path, json!({field: "Changed"})).await.assert(200);
    }
    let renamed = editor.get("/articles/one").await;
    assert_eq!(renamed.json["tags"][0]["name"], "Changed");
}

async fn of_many_changes_to_one_state_one_is_made(app: TestApp) {
    let editor = app.editor().await;
    let id = draft(&editor, json!({"title": "Ebb"})).await;
    let read = editor.get(&format!("/articles/{id}")).await.etag().to_owned();
    let tries: Vec<_> = (0..8)
        .map(|number| {
            let (client, path) = (editor.with("if-match", &read), format!("/articles/{id}"));
            actix_web::rt::spawn(async move { client.patch(&path, json!({"title": format!("Title {number}")})).await })
        })
        .collect();
    let mut made = 0;
    for attempt in tries {
        let answer = attempt.await.unwrap();
        match answer.status.as_u16() {
            200 => made += 1,
            _ => drop(answer.assert_problem(412, "precondition_failed").status),
        }
    }
    assert_eq!((made, &editor.get(&format!("/articles/{id}")).await.json["revision"]), (1, &json!(2)));
}

on_both_databases! {
    a_cache_is_told_what_it_has_already,
    a_compressed_answer_has_a_tag_of_its_own_that_is_known_again,
    a_stale_change_is_refused_with_the_fields_that_differ,
    the_tag_of_what_had_the_slug_before_is_stale,
    a_stale_change_of_very_many_fields_is_still_answered,
    what_others_do_nearby_makes_no_editor_stale,
    of_many_changes_to_one_state_one_is_made,
}
