//! References that lead nowhere, in circles, or to what takes no comments.

use super::{draft, story};
use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::json;

const NOBODY: &str = "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d";

async fn a_reference_to_nothing_is_pointed_at(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    let path = format!("/articles/{}", draft(&editor, json!({"title": "Ebb"})).await);
    let mut dangling =
        json!({"tags": ["ebb", "none", NOBODY], "authors": ["none"], "section": "none", "related": [NOBODY]});
    dangling["translation_of"] = json!("none");
    let mut new = dangling.clone();
    new["title"] = json!("x");
    let expected = ["/authors/0", "/related/0", "/section", "/tags/1", "/tags/2", "/translation_of"]
        .map(|at| (at.to_owned(), "not_found".to_owned()));
    assert_eq!(editor.post("/articles", new).await.assert_problem(422, "validation_failed").mistakes(), expected);
    assert_eq!(editor.patch(&path, dangling).await.assert_problem(422, "validation_failed").mistakes(), expected);
    let twice = editor.patch(&path, json!({"tags": ["ebb", "ebb"]})).await;
    assert_eq!(twice.assert(200).json["tags"].as_array().unwrap().len(), 1);
    let orphan = editor.post("/sections", json!({"name": "x", "parent": "none"})).await;
    assert_eq!(orphan.assert_problem(422, "validation_failed").mistakes(), [("/parent".into(), "not_found".into())]);
}

async fn what_one_may_not_see_cannot_be_pinned(app: TestApp) {
    let (editor, writer, other) = (app.editor().await, app.contributor().await, app.contributor().await);
    let hidden = draft(&other, json!({"title": "Hidden"})).await;
    let trashed = story(&editor, json!({"title": "Trashed"})).await;
    editor.delete("/articles/trashed").await.assert(204);
    draft(&writer, json!({"title": "Mine"})).await;
    story(&editor, json!({"title": "Public"})).await;
    let path = format!("/articles/{}", draft(&writer, json!({"title": "Story"})).await);
    for reference in [&*hidden, "hidden", &trashed, "trashed"] {
        let absent = if reference.contains('-') { NOBODY } else { "none" };
        let refused = async |reference: &str| {
            let new = json!({"title": "x", "related": ["public", reference]});
            let (new, change) = (writer.post("/articles", new.clone()).await, writer.patch(&path, new).await);
            [new, change]
                .map(|r| r.assert_problem(422, "validation_failed").json["errors"].to_string().replace(reference, "…"))
        };
        assert_eq!(refused(reference).await, refused(absent).await, "{reference}");
    }
    writer.patch(&path, json!({"related": ["mine", "public"]})).await.assert(200);
    other.post("/articles", json!({"title": "x", "related": ["mine"]})).await.assert_problem(422, "validation_failed");
    // What an editor has pinned stays, whoever edits the rest, and is shown to those who may see it.
    editor.patch(&path, json!({"related": ["hidden", "mine"]})).await.assert(200);
    writer.patch(&path, json!({"title": "Story, told better"})).await.assert(200);
    editor.delete("/articles/mine").await.assert(204);
    writer.patch(&path, json!({"title": "Story, told best"})).await.assert(200);
    let pinned = async |client: &Client, revision: i32| {
        let revision = client.get(&format!("{path}/revisions/{revision}")).await;
        revision.assert(200).json["content"]["related"].clone()
    };
    assert_eq!((pinned(&editor, 5).await, pinned(&writer, 5).await), (json!(["hidden"]), json!([])));
    editor.post("/articles/mine/restore", json!({})).await.assert(200);
    assert_eq!((pinned(&editor, 5).await, pinned(&writer, 5).await), (json!(["hidden", "mine"]), json!(["mine"])));
    writer.patch(&path, json!({"related": []})).await.assert(200);
    writer.post(&format!("{path}/revisions/5/restore"), json!({})).await.assert(200);
    assert_eq!(pinned(&editor, 7).await, json!(["hidden", "mine"]));
}

async fn a_tree_has_no_circles_and_an_end(app: TestApp) {
    let editor = app.editor().await;
    let mut parent = serde_json::Value::Null;
    for depth in 1..=10 {
        let section = editor.post("/sections", json!({"name": format!("s{depth}"), "parent": parent})).await;
        parent = section.assert(201).json["slug"].clone();
    }
    let refused = editor.post("/sections", json!({"name": "s11", "parent": "s10"})).await;
    assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), [("/parent".into(), "too_deep".into())]);
    for below in ["s1", "s2", "s10"] {
        let refused = editor.patch("/sections/s1", json!({"parent": below})).await;
        assert_eq!(
            refused.assert_problem(422, "validation_failed").mistakes(),
            [("/parent".into(), "cycle".into())],
            "{below}"
        );
    }
    // What hangs below would be too deep.
    editor.post("/sections", json!({"name": "top"})).await.assert(201);
    let refused = editor.patch("/sections/s1", json!({"parent": "top"})).await;
    assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), [("/parent".into(), "too_deep".into())]);
    assert_eq!(editor.get("/sections/s10").await.json["path"], "s1/s2/s3/s4/s5/s6/s7/s8/s9/s10");
    editor.patch("/sections/s3", json!({"parent": "top"})).await.assert(200);
    assert_eq!(editor.get("/sections/s10").await.json["path"], "top/s3/s4/s5/s6/s7/s8/s9/s10");
}

async fn two_moves_at_once_make_no_circle(app: TestApp) {
    let editor = app.editor().await;
    for name in ["a", "b"] {
        editor.post("/sections", json!({"name": name})).await.assert(201);
    }
    let moves = [("a", "b"), ("b", "a")].map(|(below, above)| {
        let (client, path) = (editor.clone(), format!("/sections/{below}"));
        actix_web::rt::spawn(async move { client.patch(&path, json!({"parent": above})).await.status.as_u16() })
    });
    let mut statuses = Vec::new();
    for one in moves {
        statuses.push(one.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 422]);
}

async fn comments_go_where_they_are_taken(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let guest = json!({"name": "Jo", "email": "jo@example.org", "body": "No."});
    let closed = story(&editor, json!({"title": "Closed", "comments": {"open": false}})).await;
    anyone.post(&format!("/articles/{closed}/comments"), guest.clone()).await.assert_problem(422, "comments_closed");
    let hidden = draft(&editor, json!({"title": "Draft"})).await;
    let trashed = story(&editor, json!({"title": "Trashed"})).await;
    editor.delete(&format!("/articles/{trashed}")).await.assert(204);
    for reference in [hidden.as_str(), "draft", &trashed, "trashed", "none", NOBODY, "%00"] {
        let path = format!("/articles/{reference}/comments");
        anyone.post(&path, guest.clone()).await.assert_problem(404, "not_found");
        anyone.get(&path).await.assert_problem(404, "not_found");
    }
    let (one, two) = (story(&editor, json!({"title": "One"})).await, story(&editor, json!({"title": "Two"})).await);
    let other = editor.post(&format!("/articles/{two}/comments"), json!({"body": "x"})).await.text("/id");
    let pending = anyone.post(&format!("/articles/{one}/comments"), guest).await.text("/id");
    for (parent, code) in [(NOBODY, "not_found"), (&other, "not_found"), (&pending, "not_found"), ("x", "invalid_id")] {
        let refused =
            editor.post(&format!("/articles/{one}/comments"), json!({"body": "x", "parent_id": parent})).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), [("/parent_id".into(), code.into())]);
    }
    let mut parent = serde_json::Value::Null;
    for _ in 0..3 {
        let reply = editor.post(&format!("/articles/{one}/comments"), json!({"body": "x", "parent_id": parent})).await;
        parent = reply.assert(201).json["id"].clone();
    }
    let refused = editor.post(&format!("/articles/{one}/comments"), json!({"body": "x", "parent_id": parent})).await;
    assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), [("/parent_id".into(), "too_deep".into())]);
}

on_both_databases! {
    a_reference_to_nothing_is_pointed_at,
    what_one_may_not_see_cannot_be_pinned,
    a_tree_has_no_circles_and_an_end,
    two_moves_at_once_make_no_circle,
    comments_go_where_they_are_taken,
}
