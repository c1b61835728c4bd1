//! Query parameters: what is unknown is refused by name, with what is allowed.

use super::story;
use crate::{
    on_both_databases,
    support::{TestApp, spec},
};
use serde_json::json;

async fn what_is_unknown_is_named_with_what_is_allowed(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    story(&editor, json!({"title": "Ebb"})).await;
    for (path, name, code, allowed) in [
        ("/articles?tga=ferry", "tga", "unknown_parameter", &["tag_all", "published_before", "limit"][..]),
        ("/articles?Tag=ferry", "Tag", "unknown_parameter", &["tag"]),
        ("/articles?q%00=ferry", "q\u{fffd}", "unknown_parameter", &["tag"]),
        ("/articles?include=boddy", "include", "not_allowed", &["body"]),
        ("/articles?sort=age", "sort", "not_allowed", &["-published_at", "title"]),
        ("/articles?sort=title,created_at", "sort", "not_allowed", &["title"]),
        ("/articles?fields=id,titel", "fields", "not_allowed", &["title", "slug"]),
        ("/articles?status=gone", "status", "not_allowed", &["archived", "in_review"]),
        ("/articles?visibility=none", "visibility", "not_allowed", &["premium"]),
        ("/articles?view=mine", "view", "not_allowed", &["working", "published"]),
        ("/articles?featured=yes", "featured", "invalid", &["true", "false"]),
        ("/articles?language=english", "language", "invalid_language", &["pt-BR"]),
        ("/articles?published_after=yesterday", "published_after", "invalid", &["RFC 3339"]),
        ("/articles?published_after=2026-02-30T00:00:00Z", "published_after", "invalid", &["RFC 3339"]),
        ("/articles?published_before=9223372036854775808", "published_before", "invalid", &["RFC 3339"]),
        ("/articles?tag=Not%20a%20tag", "tag", "invalid_reference", &["slug"]),
        ("/articles?tag=a%00b", "tag", "invalid_reference", &["slug"]),
        ("/articles?tag=%ff%fe", "tag", "invalid_reference", &["slug"]),
        ("/articles?tag=%f0%9f%8c%8a", "tag", "invalid_reference", &["slug"]),
        ("/articles?tag=a%2Fb", "tag", "invalid_reference", &["slug"]),
        ("/articles/ebb?include=related,everything", "include", "not_allowed", &["latest", "comments"]),
        ("/articles/ebb?limit=3", "limit", "unknown_parameter", &["include", "fields"]),
        ("/articles/ebb/comments?sort=name", "sort", "not_allowed", &["-created_at"]),
        ("/articles/ebb/comments?status=spam", "status", "unknown_parameter", &["sort"]),
        ("/tags?sort=-slug", "sort", "not_allowed", &["-article_count"]),
        ("/tags?fields=email", "fields", "not_allowed", &["description"]),
        ("/authors?fields=email", "fields", "not_allowed", &["website"]),
        ("/sections?sort=depth", "sort", "not_allowed", &["path"]),
        ("/sections?parent=nowhere", "parent", "not_found", &["nowhere"]),
        ("/sections?parent=%2e%2e", "parent", "invalid_reference", &["slug"]),
    ] {
        let refused = anyone.get(path).await;
        let (pointer, found) = refused.assert_problem(400, "invalid_parameter").mistakes().remove(0);
        assert_eq!((pointer.as_str(), found.as_str()), (name, code), "{path}: {}", refused.json);
        let message = refused.text("/errors/0/message");
        for word in allowed {
            assert!(message.contains(word), "{path} does not say {word}: {message}");
        }
    }
    let queue = editor.get("/comments?status=gone").await;
    assert!(queue.assert_problem(400, "invalid_parameter").text("/errors/0/message").contains("spam"));
    let queue = editor.get("/comments?article=nowhere").await;
    assert_eq!(queue.assert_problem(400, "invalid_parameter").mistakes()[0].0, "article");
    let write = editor.post("/tags?dryrun=true", json!({"name": "Ebb"})).await;
    assert!(write.assert_problem(400, "invalid_parameter").text("/detail").contains("dry_run"));
    anyone.get("/tags/ebb").await.assert(404);
}

async fn no_operation_ignores_a_parameter_that_it_does_not_know(app: TestApp) {
    let admin = app.signed_in(stet::permissions::Role::Admin).await;
    story(&admin, json!({"title": "Ebb", "slug": "x"})).await;
    admin.post("/tags", json!({"name": "x"})).await.assert(201);
    admin.post("/authors", json!({"name": "x"})).await.assert(201);
    admin.post("/sections", json!({"name": "x"})).await.assert(201);
    let comment = admin.post("/articles/x/comments", json!({"body": "x"})).await.text("/id");
    let mut asked = 0;
    // Providers send more back than they were asked for.
    let told = |id: &str| id != "finish_sign_in";
    for operation in spec::operations().iter().filter(|o| told(&o.id)) {
        let path = operation.template().replace("{ref}", "x").replace("{id}", &comment).replace("{number}", "1");
        let body = operation.value.pointer("/requestBody/content/application~1json/example").cloned();
        let body = body.map(|_| json!({}));
        let method = operation.method.parse().unwrap();
        let reply = admin.send(method, &format!("{path}?no_such_parameter=1"), body).await;
        let named = reply.json["errors"][0]["pointer"] == "no_such_parameter";
        assert!(reply.status == 400 && named, "{} {path}: {} {}", operation.method, reply.status, reply.json);
        asked += 1;
    }
    assert!(asked >= 100, "only {asked} operations were asked");
}

async fn long_and_many_parameters_are_answered_shortly(app: TestApp) {
    let anyone = app.anyone();
    let name = "n".repeat(20_000);
    anyone.get(&format!("/tags?{name}=1")).await.assert_problem(400, "invalid_parameter");
    anyone.get(&format!("/tags?sort={name}")).await.assert_problem(400, "invalid_parameter");
    anyone.get(&format!("/tags?limit={name}")).await.assert_problem(400, "invalid_parameter");
    anyone.get("/tags?%0a%1f%00%7f=1").await.assert_problem(400, "invalid_parameter");
    anyone.get("/tags?sort=a%1fb").await.assert_problem(400, "invalid_parameter");
    anyone.get("/tags?limit=%1f").await.assert_problem(400, "invalid_parameter");
    anyone.get(&format!("/articles?tag={}", "a,".repeat(51))).await.assert_problem(400, "invalid_parameter");
    let many: String = (0..9000).map(|n| format!("{n:x}&")).collect();
    let began = std::time::Instant::now();
    anyone.get(&format!("/tags?{many}")).await.assert_problem(400, "invalid_parameter");
    assert!(began.elapsed() < std::time::Duration::from_secs(2), "{:?}", began.elapsed());
    anyone.get("/tags?&&=&").await.assert_problem(400, "invalid_parameter");
    anyone.get("/tags?&&").await.assert(200);
}

async fn fields_leave_the_rest_out(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    story(&editor, json!({"title": "Ebb", "body": {"source": "Low water."}})).await;
    let list = anyone.get("/articles?fields=id,title,slug").await;
    assert_eq!(list.header("content-type"), "application/vnd.stet.sparse+json");
    let row = list.assert(200).json["data"][0].as_object().unwrap();
    assert_eq!(row.keys().collect::<Vec<_>>(), ["id", "slug", "title"]);
    assert_eq!(row["title"], "Ebb");
    let whole = anyone.get("/articles/ebb").await;
    assert_eq!(whole.header("content-type"), "application/json");
    let one = anyone.get("/articles/ebb?fields=title&fields=body").await;
    assert_eq!(one.json, json!({"title": "Ebb", "body": whole.json["body"]}));
    assert_ne!(one.etag(), whole.etag());
    assert_eq!(
        anyone.get("/articles?fields=title,body&include=body").await.json["data"][0]["body"],
        whole.json["body"]
    );
    assert_eq!(anyone.get("/articles?fields=title,body").await.json["data"], json!([{"title": "Ebb"}]));
    editor.post("/tags", json!({"name": "Neap"})).await.assert(201);
    assert_eq!(anyone.get("/tags?fields=name").await.json["data"], json!([{"name": "Neap"}]));
    // A part may be what one changes by: its tag names the state of the whole.
    let tag = editor.get("/articles/ebb?fields=title").await;
    editor.with("if-match", tag.etag()).patch("/articles/ebb", json!({"title": "Flood"})).await.assert(200);
}

on_both_databases! {
    what_is_unknown_is_named_with_what_is_allowed,
    no_operation_ignores_a_parameter_that_it_does_not_know,
    long_and_many_parameters_are_answered_shortly,
    fields_leave_the_rest_out,
}
