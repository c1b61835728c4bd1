//! Corrections: `/articles/{ref}/corrections`, and where else they are shown.

use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::{Value, json};

const PATH: &str = "/articles/tide/corrections";

/// An article that is public.
async fn published(owner: &Client) {
    owner.post("/articles", json!({"title": "Tide", "body": {"source": "At seven."}})).await.assert(201);
    owner.put("/articles/tide/publication", json!({})).await.assert(200);
}

fn correction(text: &str) -> Value {
    json!({"kind": "correction", "text": text})
}

fn texts(corrections: &Value) -> Vec<&str> {
    corrections.as_array().unwrap().iter().map(|c| c["text"].as_str().unwrap()).collect()
}

async fn a_correction_is_public_at_once_with_its_date(app: TestApp) {
    let (author, anyone) = (app.author().await, app.anyone());
    published(&author).await;
    let before = anyone.get("/articles/tide").await;
    assert_eq!((&before.json["corrections"], &before.json["corrected_at"]), (&json!([]), &Value::Null));
    assert_eq!(before.json["seo"]["json_ld"].get("correction"), None);
    let desk = author.get("/articles/tide").await;

    let said = author.post(PATH, correction("It is at six, <b>not</b> seven.")).await;
    let path = format!("{PATH}/{}", said.assert(201).text("/id"));
    let location = format!("/api/v1{path}").replace("tide", &before.text("/id"));
    assert_eq!((said.header("location"), &said.json["article_id"]), (location.as_str(), &before.json["id"]));
    assert_eq!(anyone.get(&path).await.assert(200).json, said.json);
    let after = anyone.get("/articles/tide").await;
    assert_eq!(after.json["corrections"], json!([said.json]), "plain text, as it was written");
    assert_eq!(after.json["corrected_at"], said.json["created_at"]);
    assert_eq!(after.json["updated_at"], said.json["created_at"]);
    assert_ne!(after.etag(), before.etag());
    let expected =
        json!([{"@type": "CorrectionComment", "text": said.json["text"], "datePublished": said.json["created_at"]}]);
    assert_eq!(after.json["seo"]["json_ld"]["correction"], expected);
    assert_eq!(after.json["seo"]["json_ld"]["dateModified"], said.json["created_at"]);
    // Whoever edits from before it meets it.
    let stale = author.with("if-match", desk.etag()).patch("/articles/tide", json!({"title": "Tides"})).await;
    stale.assert_problem(412, "precondition_failed");

    author.post(PATH, json!({"kind": "retraction", "text": "It was never so."})).await.assert(201);
    let after = anyone.get("/articles/tide?include=related,latest,comments").await;
    assert_eq!(texts(&after.json["corrections"]), ["It was never so.", "It is at six, <b>not</b> seven."]);
    let list = anyone.get("/articles?limit=1").await;
    assert_eq!(list.json["data"][0]["corrected_at"], after.json["corrected_at"]);
    assert_eq!(list.json["data"][0].get("corrections"), None, "a list is light");
    let sparse = anyone.get("/articles/tide?fields=corrections,corrected_at").await;
    assert_eq!(sparse.assert(200).json["corrections"], after.json["corrections"]);
}

async fn corrections_come_in_pages(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    published(&editor).await;
    for number in 0..5 {
        editor.post(PATH, correction(&format!("{number}"))).await.assert(201);
    }
    let (mut found, mut next) = (Vec::new(), format!("{PATH}?limit=2&count=true"));
    loop {
        let page = anyone.get(&next).await;
        assert_eq!(page.assert(200).json["page"]["total"], 5);
        found.extend(page.column("text"));
        let Some(cursor) = page.json["page"]["next_cursor"].as_str() else { break };
        next = format!("{PATH}?limit=2&count=true&cursor={cursor}");
    }
    assert_eq!(found, ["4", "3", "2", "1", "0"]);
    assert_eq!(anyone.get(&format!("{PATH}?limit=2&page=2")).await.column("text"), ["2", "1"]);
}

async fn only_what_is_public_is_corrected(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    editor.post("/articles", json!({"title": "Tide"})).await.assert(201);
    editor.post(PATH, correction("No.")).await.assert_problem(409, "conflict");
    editor.put("/articles/tide/publication", json!({})).await.assert(200);
    let said = editor.post(PATH, correction("Yes.")).await.assert(201).text("/id");
    editor.delete("/articles/tide/publication").await.assert(204);
    editor.post(PATH, correction("No.")).await.assert_problem(409, "conflict");
    let one = format!("{PATH}/{said}");
    for path in [PATH, &one] {
        anyone.get(path).await.assert_problem(404, "not_found");
        editor.get(path).await.assert(200);
    }
    editor.get(&format!("{PATH}?view=published")).await.assert_problem(404, "not_found");
    assert_eq!(texts(&editor.get("/articles/tide").await.json["corrections"]), ["Yes."]);
    editor.delete("/articles/tide").await.assert(204);
    for path in [PATH, &one] {
        anyone.get(path).await.assert_problem(404, "not_found");
        editor.get(path).await.assert_problem(404, "not_found");
    }
    editor.post(PATH, correction("No.")).await.assert_problem(404, "not_found");
    editor.delete(&one).await.assert_problem(404, "not_found");
    // Back, and public again, with all that was said.
    editor.post("/articles/tide/restore", json!({})).await.assert(200);
    editor.put("/articles/tide/publication", json!({})).await.assert(200);
    assert_eq!(anyone.get(PATH).await.column("text"), ["Yes."]);
}

async fn an_editor_withdraws_a_correction(app: TestApp) {
    let (editor, author, anyone) = (app.editor().await, app.author().await, app.anyone());
    published(&author).await;
    let first = author.post(PATH, correction("One.")).await;
    let second = author.post(PATH, correction("Two.")).await;
    let path = format!("{PATH}/{}", second.assert(201).text("/id"));
    author.delete(&path).await.assert_problem(403, "forbidden");
    let stale = editor.with("if-match", "\"7-0000000000000000\"").delete(&path).await;
    stale.assert_problem(412, "precondition_failed");
    editor.delete(&format!("{path}?dry_run=true")).await.assert(204);
    editor.with("if-match", second.etag()).delete(&path).await.assert(204);
    editor.delete(&path).await.assert_problem(404, "not_found");
    anyone.get(&path).await.assert_problem(404, "not_found");
    let article = anyone.get("/articles/tide").await;
    assert_eq!(article.json["corrected_at"], first.json["created_at"]);
    editor.delete(&format!("{PATH}/{}", first.text("/id"))).await.assert(204);
    let article = anyone.get("/articles/tide").await;
    assert_eq!((&article.json["corrections"], &article.json["corrected_at"]), (&json!([]), &Value::Null));
    // Another article's correction is not found below this one.
    editor.post("/articles", json!({"title": "Ebb"})).await.assert(201);
    editor.put("/articles/ebb/publication", json!({})).await.assert(200);
    let other = editor.post("/articles/ebb/corrections", correction("Three.")).await.assert(201).text("/id");
    for path in [format!("{PATH}/{other}"), format!("{PATH}/x"), format!("/articles/none/corrections/{other}")] {
        editor.get(&path).await.assert_problem(404, "not_found");
        editor.delete(&path).await.assert_problem(404, "not_found");
    }
}

async fn a_correction_is_refused_where_it_says_nothing(app: TestApp) {
    let editor = app.editor().await;
    published(&editor).await;
    for (body, at, code) in [
        (json!({"kind": "apology", "text": "x"}), "/kind", "not_allowed"),
        (json!({"text": "x"}), "/kind", "required"),
        (json!({"kind": "update"}), "/text", "required"),
        (json!({"kind": "update", "text": ""}), "/text", "required"),
        (json!({"kind": "update", "text": " \u{200b}\n"}), "/text", "required"),
        (json!({"kind": "update", "text": "a\0b"}), "/text", "invalid_characters"),
        (json!({"kind": "update", "text": "x".repeat(5001)}), "/text", "too_long"),
        (json!({"kind": "update", "text": "x", "created_at": "2026-01-01T00:00:00Z"}), "/created_at", "unknown_field"),
    ] {
        let refused = editor.post(PATH, body).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), [(at.into(), code.into())]);
    }
    let rehearsed = editor.post(&format!("{PATH}?dry_run=true"), correction("x")).await;
    assert_eq!((rehearsed.assert(201).header("location"), rehearsed.etag()), ("", ""));
    let once = editor.with("idempotency-key", "six, not seven");
    let (first, second) = (once.post(PATH, correction("x")).await, once.post(PATH, correction("x")).await);
    assert_eq!(first.assert(201).bytes, second.assert(201).bytes);
    assert_eq!(editor.get(PATH).await.column("text"), ["x"]);
    app.anyone().get(&format!("{PATH}?view=working")).await.assert_problem(400, "invalid_parameter");
}

async fn whose_article_it_is_decides_who_corrects_it(app: TestApp) {
    let (owner, other, contributor) = (app.author().await, app.author().await, app.contributor().await);
    published(&owner).await;
    other.post(PATH, correction("No.")).await.assert_problem(403, "forbidden");
    contributor.post(PATH, correction("No.")).await.assert_problem(403, "forbidden");
    app.anyone().post(PATH, correction("No.")).await.assert_problem(401, "unauthenticated");
    owner.post("/articles", json!({"title": "Hidden"})).await.assert(201);
    other.post("/articles/hidden/corrections", correction("No.")).await.assert_problem(404, "not_found");
    app.editor().await.post(PATH, correction("Yes.")).await.assert(201);
}

on_both_databases! {
    a_correction_is_public_at_once_with_its_date,
    corrections_come_in_pages,
    only_what_is_public_is_corrected,
    an_editor_withdraws_a_correction,
    a_correction_is_refused_where_it_says_nothing,
    whose_article_it_is_decides_who_corrects_it,
}
