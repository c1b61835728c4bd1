//! `/articles`.

use crate::{on_both_databases, support::TestApp};
use serde_json::json;

async fn a_draft_is_written_published_changed_and_taken_down(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    let created = editor
        .post("/articles", json!({"title": "The harbour reopens", "tags": ["harbour"], "body": {"source": "The **first** ferry left."}}))
        .await;
    created.assert(201);
    assert_eq!(created.json["status"], "draft");
    anyone.get("/articles/the-harbour-reopens").await.assert_problem(404, "not_found");
    assert_eq!(anyone.get("/articles?count=true").await.json["page"]["total"], 0);

    let published = editor.put("/articles/the-harbour-reopens/publication", json!({})).await;
    assert_eq!(published.assert(200).json["status"], "published");
    let public = anyone.get("/articles/the-harbour-reopens").await;
    assert_eq!(public.assert(200).json["body"]["html"], "<p>The <strong>first</strong> ferry left.</p>\n");
    assert_eq!(public.json["tags"][0]["article_count"], 1);

    editor.patch("/articles/the-harbour-reopens", json!({"title": "A secret title"})).await.assert(200);
    let still = anyone.get("/articles/the-harbour-reopens").await;
    assert_eq!(still.json["title"], "The harbour reopens");
    assert_eq!(still.etag(), public.etag());
    assert_eq!(editor.get("/articles/the-harbour-reopens").await.json["title"], "A secret title");
    assert_eq!(editor.get("/articles/the-harbour-reopens?view=published").await.json["title"], "The harbour reopens");

    editor.delete("/articles/the-harbour-reopens/publication").await.assert(204);
    anyone.get("/articles/the-harbour-reopens").await.assert(404);
    assert_eq!(editor.get("/articles/the-harbour-reopens").await.json["status"], "archived");
    assert_eq!(anyone.get("/tags/harbour").await.json["article_count"], 0);
}

on_both_databases! {
    a_draft_is_written_published_changed_and_taken_down,
}
