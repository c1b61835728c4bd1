//! PATCH as JSON Merge Patch, and rehearsals of every write.

use super::{draft, story};
use crate::{on_both_databases, support::TestApp};
use actix_web::http::Method;
use serde_json::{Value, json};

fn rich() -> Value {
    json!({
        "title": "The harbour reopens", "subtitle": "At last", "excerpt": "The ferries are back.",
        "body": {"format": "markdown", "source": "The **first** ferry."}, "tags": ["ebb"], "section": "news",
        "image": {"url": "https://images.example/a.jpg", "alt": "A quay", "width": 10},
        "seo": {"title": "Harbour", "description": "Back.", "noindex": true},
        "custom": {"deck": {"a": 1, "b": [1, 2]}, "kicker": "Local"}, "featured": true, "language": "de",
    })
}

async fn a_patch_is_merged_into_what_is_there(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    editor.post("/sections", json!({"name": "News"})).await.assert(201);
    let id = draft(&editor, rich()).await;
    let path = format!("/articles/{id}");
    let before = editor.get(&path).await.json;
    let merge = editor.with("content-type", "application/merge-patch+json");
    let patch = json!({
        "subtitle": null, "seo": {"description": null, "canonical_url": "https://example.org/a"},
        "custom": {"deck": {"a": null, "c": {"d": null}}, "kicker": null, "new": true}, "body": {"source": "The *second*."},
        "image": {"alt": null, "height": 20}, "tags": null, "section": null, "featured": null,
    });
    let after = merge.raw(Method::PATCH, &path, patch.to_string().into_bytes()).await;
    let after = &after.assert(200).json;
    assert_eq!(after["subtitle"], Value::Null);
    assert_eq!((&after["seo"]["title"], &after["seo"]["noindex"]), (&json!("Harbour"), &json!(true)));
    assert_eq!(
        (&after["seo"]["description"], &after["seo"]["canonical_url"]),
        (&Value::Null, &json!("https://example.org/a"))
    );
    assert_eq!(after["custom"], json!({"deck": {"b": [1, 2], "c": {}}, "new": true}));
    assert_eq!(after["body"]["html"], "<p>The <em>second</em>.</p>\n");
    assert_eq!(after["body"]["format"], "markdown");
    assert_eq!(
        (&after["image"]["alt"], &after["image"]["height"], &after["image"]["width"]),
        (&Value::Null, &json!(20), &json!(10))
    );
    assert_eq!((&after["tags"], &after["section"], &after["featured"]), (&json!([]), &Value::Null, &json!(false)));
    for kept in ["id", "slug", "title", "excerpt", "language", "created_at", "authors"] {
        assert_eq!(after[kept], before[kept], "{kept}");
    }
    assert_eq!(after["revision"], 2);
    // A list is replaced, never merged; an image may go as a whole; a derived excerpt comes back.
    let after = editor.patch(&path, json!({"custom": {"deck": {"b": [3]}}, "image": null, "excerpt": null})).await;
    assert_eq!(after.assert(200).json["custom"]["deck"]["b"], json!([3]));
    assert_eq!((&after.json["image"], &after.json["excerpt"]), (&Value::Null, &json!("The second.")));
    let whole =
        editor.patch(&path, json!({"body": {"format": "html", "source": "<p>Third</p><script>x</script>"}})).await;
    assert_eq!(whole.assert(200).json["body"]["html"], "<p>Third</p>");
}

async fn taking_away_what_was_never_set_changes_nothing(app: TestApp) {
    let editor = app.editor().await;
    let article = json!({
        "slug": null, "subtitle": null, "excerpt": null, "body": null, "tags": null, "section": null, "related": null,
        "image": null, "visibility": null, "featured": null, "language": null, "comments": null, "seo": null, "custom": null,
    });
    let described = json!({"slug": null, "description": null});
    for (path, new, nothing) in [
        ("/articles", json!({"title": "Ebb", "authors": []}), article),
        ("/tags", json!({"name": "Ebb"}), described.clone()),
        (
            "/sections",
            json!({"name": "Ebb"}),
            json!({"slug": null, "description": null, "parent": null, "position": null}),
        ),
        (
            "/authors",
            json!({"name": "Ebb"}),
            json!({"slug": null, "bio": null, "website": null, "image": null, "links": null}),
        ),
    ] {
        let created = editor.post(path, new).await;
        let path = format!("{path}/{}", created.assert(201).text("/id"));
        let same = editor.patch(&path, nothing).await;
        assert_eq!((same.assert(200).etag(), &same.bytes), (created.etag(), &created.bytes), "{path}");
    }
    // The same parent by another name is the same parent.
    editor.post("/sections", json!({"name": "Tides", "parent": "ebb"})).await.assert(201);
    let before = editor.get("/sections/tides").await;
    let same = editor.patch("/sections/tides", json!({"parent": "ebb"})).await;
    assert_eq!(same.assert(200).etag(), before.etag());
}

async fn a_field_that_there_is_not_cannot_be_taken_away_either(app: TestApp) {
    let editor = app.editor().await;
    draft(&editor, json!({"title": "Ebb"})).await;
    editor.post("/authors", json!({"name": "Mira"})).await.assert(201);
    let picture = "https://images.example/a.jpg";
    for (path, patch, at) in [
        ("/articles/ebb", json!({"zz": null}), "/zz"),
        ("/articles/ebb", json!({"seo": {"zz": null}}), "/seo/zz"),
        ("/articles/ebb", json!({"body": {"zz": null}}), "/body/zz"),
        ("/articles/ebb", json!({"comments": {"zz": null}}), "/comments/zz"),
        ("/articles/ebb", json!({"image": {"url": picture, "zz": null}}), "/image/zz"),
        ("/authors/mira", json!({"image": {"url": picture, "zz": null}}), "/image/zz"),
        ("/authors/mira", json!({"links": [{"label": "a", "url": picture, "zz": null}]}), "/links/0/zz"),
    ] {
        let refused = editor.patch(path, patch.clone()).await;
        let mistakes = refused.assert_problem(422, "validation_failed").mistakes();
        assert_eq!(mistakes, [(at.to_owned(), "unknown_field".to_owned())], "{path} {patch}");
    }
    let taken = json!({"image": {"url": picture, "alt": null}, "seo": {"title": null}, "custom": {"a": null, "b": {"c": null}}});
    let taken = editor.patch("/articles/ebb", taken).await;
    assert_eq!((&taken.assert(200).json["image"]["alt"], &taken.json["custom"]), (&Value::Null, &json!({"b": {}})));
}

async fn a_patch_that_changes_nothing_makes_nothing(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    editor.post("/authors", json!({"name": "Ebb"})).await.assert(201);
    editor.post("/sections", json!({"name": "News"})).await.assert(201);
    let id = draft(&editor, rich()).await;
    for path in [&*format!("/articles/{id}"), "/tags/ebb", "/authors/ebb", "/sections/news"] {
        let before = editor.get(path).await;
        let same = if path.starts_with("/articles") {
            json!({"title": before.json["title"], "custom": before.json["custom"]})
        } else {
            json!({"name": before.json["name"]})
        };
        let same = if path.starts_with("/authors") { json!({"bio": ""}) } else { same };
        for patch in [json!({}), same] {
            let after = editor.patch(path, patch.clone()).await;
            assert_eq!(after.assert(200).json["revision"], before.json["revision"], "{path} {patch}");
        }
        let after = editor.patch(path, json!({})).await;
        assert_eq!((&after.json, after.etag()), (&before.json, before.etag()), "{path}");
    }
}

async fn a_patch_obeys_the_rules_of_a_new_one(app: TestApp) {
    let editor = app.editor().await;
    let id = draft(&editor, json!({"title": "Ebb", "seo": {"title": "x"}})).await;
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    for (patch, mistakes) in [
        (json!({"title": null}), vec![("/title", "required")]),
        (
            json!({"title": " ", "slug": "No", "titel": "x"}),
            vec![("/slug", "invalid_slug"), ("/titel", "unknown_field"), ("/title", "required")],
        ),
        (json!({"titel": null, "subtitel": null}), vec![("/subtitel", "unknown_field"), ("/titel", "unknown_field")]),
        (json!({"seo": {"titel": "x"}}), vec![("/seo/titel", "unknown_field")]),
        (json!({"seo": {"canonical_url": "javascript:x"}}), vec![("/seo/canonical_url", "invalid_url")]),
        (json!({"seo": []}), vec![("/seo", "invalid_type")]),
        (json!({"body": {"format": "docx"}}), vec![("/body/format", "not_allowed")]),
        (json!({"body": {"source": null}}), vec![("/body/source", "required")]),
        (json!({"body": "text"}), vec![("/body", "invalid_type")]),
        (json!({"custom": 1}), vec![("/custom", "invalid_type")]),
        (json!({"tags": ["none", "no such"]}), vec![("/tags/1", "invalid_reference")]),
        (json!({"comments": {"open": "yes"}}), vec![("/comments/open", "invalid_type")]),
        (json!({"id": "x", "revision": 3}), vec![("/id", "unknown_field"), ("/revision", "unknown_field")]),
    ] {
        let refused = editor.patch(&format!("/articles/{id}"), patch.clone()).await;
        let found = refused.assert_problem(422, "validation_failed").mistakes();
        let expected: Vec<_> = mistakes.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect();
        assert_eq!(found, expected, "{patch}: {}", refused.json);
    }
    for patch in
        [json!([]), json!(null), json!("x"), json!(1), json!([{"op": "replace", "path": "/name", "value": "x"}])]
    {
        let refused = editor.patch("/tags/ebb", patch.clone()).await;
        assert_eq!(
            refused.assert_problem(422, "validation_failed").mistakes(),
            [(String::new(), "invalid_type".to_owned())],
            "{patch}"
        );
    }
    assert_eq!(editor.get(&format!("/articles/{id}")).await.json["revision"], 1);
}

async fn a_rehearsal_answers_and_changes_nothing(app: TestApp) {
    let editor = app.editor().await;
    story(&editor, json!({"title": "Ebb"})).await;
    draft(&editor, json!({"title": "Draft"})).await;
    story(&editor, json!({"title": "Trashed"})).await;
    editor.delete("/articles/trashed").await.assert(204);
    editor.post("/tags", json!({"name": "x"})).await.assert(201);
    editor.post("/authors", json!({"name": "x"})).await.assert(201);
    editor.post("/sections", json!({"name": "x"})).await.assert(201);
    let comment = editor.post("/articles/ebb/comments", json!({"body": "one"})).await.text("/id");
    let comment = format!("/comments/{comment}");
    let state = || async {
        let mut state = Vec::new();
        for path in [
            "/articles?include=body",
            "/articles?deleted=true",
            "/tags",
            "/authors",
            "/sections",
            "/comments",
            "/articles/ebb?include=comments",
        ] {
            state.push(editor.get(path).await.assert(200).json.clone());
        }
        state
    };
    let before = state().await;
    let mut rehearsed = 0;
    for (method, path, body, status) in [
        ("POST", "/articles", Some(json!({"title": "New"})), 201),
        ("POST", "/tags", Some(json!({"name": "New"})), 201),
        ("POST", "/authors", Some(json!({"name": "New"})), 201),
        ("POST", "/sections", Some(json!({"name": "New"})), 201),
        ("POST", "/articles/ebb/comments", Some(json!({"body": "New"})), 201),
        ("POST", "/articles/trashed/restore", None, 200),
        ("PATCH", "/articles/ebb", Some(json!({"title": "New", "slug": "new"})), 200),
        ("PATCH", "/tags/x", Some(json!({"name": "New"})), 200),
        ("PATCH", "/authors/x", Some(json!({"name": "New"})), 200),
        ("PATCH", "/sections/x", Some(json!({"name": "New"})), 200),
        ("PATCH", &comment, Some(json!({"status": "spam"})), 200),
        ("PUT", "/articles/draft/publication", Some(json!({})), 200),
        ("DELETE", "/articles/ebb/publication", None, 204),
        ("DELETE", "/articles/ebb", None, 204),
        ("DELETE", "/tags/x", None, 204),
        ("DELETE", "/authors/x", None, 204),
        ("DELETE", "/sections/x", None, 204),
        ("DELETE", &comment, None, 204),
        // What would be refused is refused.
        ("POST", "/tags", Some(json!({"name": "y", "slug": "x"})), 409),
        ("POST", "/articles", Some(json!({"title": "New", "tags": ["none"]})), 422),
        ("DELETE", "/articles/none", None, 404),
    ] {
        let answer = editor.send(method.parse().unwrap(), &format!("{path}?dry_run=true"), body).await;
        answer.assert(status);
        // It made nothing that could be found, or named by its state.
        assert_eq!((answer.header("location"), answer.etag()), ("", ""), "{method} {path}");
        if method == "PATCH" && path != comment {
            assert!(answer.json.to_string().contains("\"New\""), "{method} {path}: {}", answer.json);
        }
        rehearsed += 1;
    }
    assert_eq!(rehearsed, 21);
    assert_eq!(state().await, before);
    editor.post("/tags?dry_run=false", json!({"name": "New"})).await.assert(201);
    editor.post("/tags?dry_run=perhaps", json!({"name": "New"})).await.assert_problem(400, "invalid_parameter");
}

on_both_databases! {
    a_patch_is_merged_into_what_is_there,
    taking_away_what_was_never_set_changes_nothing,
    a_field_that_there_is_not_cannot_be_taken_away_either,
    a_patch_that_changes_nothing_makes_nothing,
    a_patch_obeys_the_rules_of_a_new_one,
    a_rehearsal_answers_and_changes_nothing,
}
