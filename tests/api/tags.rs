//! `/tags`.

use crate::{on_both_databases, support::TestApp};
use serde_json::json;

async fn an_editor_creates_changes_and_deletes_a_tag(app: TestApp) {
    let editor = app.editor().await;
    let created = editor.post("/tags", json!({"name": "Open Source", "description": "Read and mend."})).await;
    created.assert(201);
    assert_eq!(created.json["slug"], "open-source");
    assert_eq!(created.header("location"), format!("/api/v1/tags/{}", created.text("/id")));
    let changed = editor.patch("/tags/open-source", json!({"name": "Free software"})).await;
    assert_eq!(changed.assert(200).json["name"], "Free software");
    assert_eq!(changed.json["description"], "Read and mend.");
    let cleared = editor.patch("/tags/open-source", json!({"description": null})).await;
    assert_eq!(cleared.assert(200).json["description"], "");
    editor.delete("/tags/open-source").await.assert(204);
    app.anyone().get("/tags/open-source").await.assert_problem(404, "not_found");
}

async fn a_slug_is_taken_only_once(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Harbour", "slug": "harbour"})).await.assert(201);
    let again = editor.post("/tags", json!({"name": "Harbour", "slug": "harbour"})).await;
    assert_eq!(again.assert_problem(409, "slug_taken").mistakes(), [("/slug".into(), "taken".into())]);
    let derived = editor.post("/tags", json!({"name": "Harbour"})).await;
    assert_eq!(derived.assert(201).json["slug"], "harbour-2");
    editor.patch("/tags/harbour-2", json!({"slug": "harbour"})).await.assert_problem(409, "slug_taken");
}

async fn pages_follow_one_another(app: TestApp) {
    let editor = app.editor().await;
    for name in ["Ebb", "Flood", "Neap", "Slack", "Spring"] {
        editor.post("/tags", json!({"name": name})).await.assert(201);
    }
    let mut names = Vec::new();
    let mut path = "/tags?limit=2&count=true".to_owned();
    loop {
        let page = app.anyone().get(&path).await;
        assert_eq!(page.assert(200).json["page"]["total"], 5);
        names.extend(page.column("name"));
        match page.json["page"]["next_cursor"].as_str() {
            Some(cursor) => path = format!("/tags?limit=2&count=true&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(names, ["Ebb", "Flood", "Neap", "Slack", "Spring"]);
    assert_eq!(app.anyone().get("/tags?sort=-name&limit=2&page=2").await.column("name"), ["Neap", "Flood"]);
}

on_both_databases! {
    an_editor_creates_changes_and_deletes_a_tag,
    a_slug_is_taken_only_once,
    pages_follow_one_another,
}
