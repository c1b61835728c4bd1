//! Preflight: `/articles/{ref}/preflight`, and a site where it decides.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp},
};
use serde_json::{Value, json};
use stet::articles::preflight::Policy;

/// An article in which there is nothing to find.
fn whole(title: &str) -> Value {
    json!({
        "title": title, "subtitle": "At last", "excerpt": "It is back.", "body": {"source": "Some words."},
        "authors": ["mira"], "tags": ["ebb"], "section": "news",
        "image": {"url": "https://images.example/a.jpg", "alt": "A quay", "credit": "Mira"},
    })
}

async fn newsroom(app: &TestApp) -> Client {
    let editor = app.editor().await;
    for (kind, name) in [("tags", "Ebb"), ("authors", "Mira"), ("sections", "News")] {
        editor.post(&format!("/{kind}"), json!({"name": name})).await.assert(201);
    }
    editor.post("/articles", whole("Tide")).await.assert(201);
    editor
}

async fn look(client: &Client) -> Reply {
    let found = client.get("/articles/tide/preflight").await;
    found.assert(200);
    found
}

fn codes(preflight: &Reply) -> Vec<String> {
    let checks = preflight.json["checks"].as_array().unwrap();
    checks.iter().map(|check| check["code"].as_str().unwrap().to_owned()).collect()
}

async fn an_article_in_order_is_ready(app: TestApp) {
    let editor = newsroom(&app).await;
    let found = look(&editor).await;
    assert_eq!(found.json, json!({"ready": true, "blocking": false, "revision": 1, "checks": []}));
}

async fn what_is_missing_or_goes_too_far_is_found(app: TestApp) {
    let editor = newsroom(&app).await;
    for (changes, expected) in [
        (json!({"body": {"source": " \n"}}), ("empty_body", "error", "/body/source")),
        (json!({"body": {"source": "<p>&nbsp;</p>", "format": "html"}}), ("empty_body", "error", "/body/source")),
        (json!({"body": {"source": "[x](/articles/none)"}}), ("dead_link", "error", "/body/source")),
        (
            json!({"body": {"source": "A ![](https://e.example/a.jpg) b"}}),
            ("picture_without_alt", "warning", "/body/source"),
        ),
        (json!({"image": {"alt": null}}), ("image_without_alt", "warning", "/image/alt")),
        (json!({"section": null}), ("no_section", "warning", "/section")),
        (json!({"authors": []}), ("no_byline", "warning", "/authors")),
        (json!({"excerpt": null}), ("no_excerpt", "warning", "/excerpt")),
        (json!({"excerpt": "x".repeat(161)}), ("excerpt_too_long", "warning", "/excerpt")),
        (json!({"seo": {"description": "x".repeat(161)}}), ("description_too_long", "warning", "/seo/description")),
        (json!({"title": "x".repeat(111)}), ("title_too_long", "warning", "/title")),
        (json!({"image": null}), ("no_image", "info", "/image")),
        (json!({"image": {"credit": ""}}), ("no_credit", "info", "/image/credit")),
        (json!({"tags": null}), ("no_tags", "info", "/tags")),
        (json!({"subtitle": ""}), ("no_subtitle", "info", "/subtitle")),
        (json!({"seo": {"noindex": true}}), ("noindex", "info", "/seo/noindex")),
    ] {
        editor.patch("/articles/tide", changes.clone()).await.assert(200);
        let found = look(&editor).await;
        let checks = found.json["checks"].as_array().unwrap();
        let seen: Vec<_> =
            checks.iter().map(|c| (c["code"].as_str(), c["severity"].as_str(), c["pointer"].as_str())).collect();
        let (code, severity, pointer) = expected;
        assert_eq!(seen, [(Some(code), Some(severity), Some(pointer))], "{changes}");
        assert_eq!(found.json["ready"], severity != "error");
        // Back to what it was.
        let mut again = whole("Tide");
        again["seo"] = Value::Null;
        again["body"]["format"] = json!("markdown");
        editor.patch("/articles/tide", again).await.assert(200);
    }
    // At the bounds there is nothing to say, and a description spares the excerpt.
    let long = json!({"title": "x".repeat(110), "excerpt": "x".repeat(300), "seo": {"description": "x".repeat(160)}});
    editor.patch("/articles/tide", long).await.assert(200);
    assert_eq!(codes(&look(&editor).await), Vec::<String>::new());
    // All of it at once, the worst first.
    let bare = editor.post("/articles", json!({"title": "Bare", "authors": []})).await;
    let found = editor.get(&format!("/articles/{}/preflight", bare.assert(201).text("/id"))).await;
    let expected = ["empty_body", "no_section", "no_byline", "no_excerpt", "no_image", "no_tags", "no_subtitle"];
    assert_eq!(codes(&found), expected);
}

async fn a_link_to_what_nobody_can_read_is_dead(app: TestApp) {
    let editor = newsroom(&app).await;
    for title in ["Public", "Former", "Draft", "Trashed"] {
        editor.post("/articles", json!({"title": title})).await.assert(201);
        if title != "Draft" {
            editor.put(&format!("/articles/{}/publication", title.to_lowercase()), json!({})).await.assert(200);
        }
    }
    editor.delete("/articles/former/publication").await.assert(204);
    editor.delete("/articles/trashed").await.assert(204);
    let id = editor.get("/articles/public").await.text("/id");
    let links = |alive: &[&str]| alive.iter().map(|link| format!("<a href=\"{link}\">x</a> ")).collect::<String>();
    let alive = [
        "/articles/public",
        "/articles/public/?a=1#b",
        "https://news.example/articles/public",
        "//news.example/articles/public",
        "public",
        "#top",
        "?x=1",
        "/articles/tide",
        "tide",
        "https://other.example/articles/none",
        "/articles",
        "/articles/",
        "/articles/none/gallery",
        "/articles/feed.xml",
        "/about",
        "mailto:jo@example.org",
        "http://[broken/articles/none",
        &format!("/articles/{id}"),
    ];
    let body = |source: String| json!({"body": {"format": "html", "source": source}});
    editor.patch("/articles/tide", body(links(&alive))).await.assert(200);
    assert_eq!(look(&editor).await.json["checks"], json!([]));
    let dead = [
        "/articles/draft",
        "https://news.example/articles/former?a=1",
        "http://news.example/articles/trashed",
        "none",
        "/articles/NONE",
        "/articles/0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d",
    ];
    editor
        .patch("/articles/tide", body(format!("{}{}{}", links(&alive), links(&dead), links(&dead))))
        .await
        .assert(200);
    let found = look(&editor).await;
    let said: Vec<_> = found.json["checks"].as_array().unwrap().iter().map(|c| c["message"].clone()).collect();
    assert_eq!(said, dead.map(|link| format!("`{link}` leads to no public article")));
    // What is to be said has an end.
    let many: Vec<String> = (0..2000).map(|n| format!("/articles/none-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    editor.patch("/articles/tide", body(links(&many))).await.assert(200);
    assert_eq!(codes(&look(&editor).await), ["dead_link"].repeat(20));
}

async fn other_articles_and_revisions_are_seen_too(app: TestApp) {
    let (editor, other) = (newsroom(&app).await, app.author().await);
    // A draft of the same title is nobody's business, and a pin of it is not shown.
    let twin = other.post("/articles", json!({"title": "Tide"})).await.assert(201).text("/id");
    assert_eq!(codes(&look(&editor).await), Vec::<String>::new());
    other.put(&format!("/articles/{twin}/publication"), json!({})).await.assert(200);
    assert_eq!(codes(&look(&editor).await), ["duplicate_title"]);
    other.delete(&format!("/articles/{twin}/publication")).await.assert(204);
    editor.patch("/articles/tide", json!({"related": [twin]})).await.assert(200);
    let found = look(&editor).await;
    assert_eq!((codes(&found), &found.json["checks"][0]["pointer"]), (vec!["hidden_pin".into()], &json!("/related/0")));
    // An old revision is looked over as it was.
    let first = editor.get("/articles/tide/preflight?revision=1").await;
    assert_eq!((&first.assert(200).json["checks"], &first.json["revision"]), (&json!([]), &json!(1)));
    editor.get("/articles/tide/preflight?revision=9").await.assert_problem(404, "not_found");
    for wrong in ["revision=0", "revision=x", "revision=-1", "revision=99999999999", "revision=", "deep=true"] {
        editor.get(&format!("/articles/tide/preflight?{wrong}")).await.assert_problem(400, "invalid_parameter");
    }
    editor.get("/articles/none/preflight").await.assert_problem(404, "not_found");
}

async fn preflight_is_for_those_who_may_edit(app: TestApp) {
    let editor = newsroom(&app).await;
    let (owner, other) = (app.contributor().await, app.contributor().await);
    owner.post("/articles", json!({"title": "Mine"})).await.assert(201);
    owner.get("/articles/mine/preflight").await.assert(200);
    editor.get("/articles/mine/preflight").await.assert(200);
    app.anyone().get("/articles/mine/preflight").await.assert_problem(401, "unauthenticated");
    other.get("/articles/mine/preflight").await.assert_problem(404, "not_found");
    editor.put("/articles/mine/publication", json!({})).await.assert(200);
    other.get("/articles/mine/preflight").await.assert_problem(403, "forbidden");
    editor.delete("/articles/mine").await.assert(204);
    owner.get("/articles/mine/preflight").await.assert_problem(404, "not_found");
}

async fn a_site_may_refuse_to_publish_what_has_errors(app: TestApp) {
    let strict = TestApp::start_as(app.kind(), |site| site.preflight = Policy::Block).await;
    let editor = newsroom(&strict).await;
    let path = "/articles/tide/publication";
    // Warnings stop nobody.
    editor.patch("/articles/tide", json!({"section": null})).await.assert(200);
    editor.put(path, json!({})).await.assert(200);
    editor
        .patch("/articles/tide", json!({"body": {"source": "[a](/articles/none) [b](/articles/nil)"}}))
        .await
        .assert(200);
    assert_eq!(look(&editor).await.json["blocking"], true);
    let refused = editor.put(path, json!({})).await;
    let dead = ("/body/source".to_owned(), "dead_link".to_owned());
    assert_eq!(refused.assert_problem(422, "preflight_failed").mistakes(), [dead.clone(), dead]);
    editor.put(&format!("{path}?dry_run=true"), json!({})).await.assert_problem(422, "preflight_failed");
    editor.put(path, json!({"revision": 3})).await.assert_problem(422, "preflight_failed");
    assert_eq!(strict.anyone().get("/articles/tide").await.json["revision"], 2, "what is public stays");
    // Whoever is late, or names what is not there, hears that.
    let stale = editor.with("if-match", "\"1-0000000000000000\"").put(path, json!({})).await;
    stale.assert_problem(412, "precondition_failed");
    let absent = editor.put(path, json!({"revision": 9})).await;
    assert_eq!(absent.assert_problem(422, "validation_failed").mistakes(), [("/revision".into(), "not_found".into())]);
    // A revision that is good goes out, and what is out already stays so whatever has become of its links.
    editor.put(path, json!({"revision": 1})).await.assert(200);
    editor.patch("/articles/tide", json!({"body": {"source": "Mended."}})).await.assert(200);
    editor.put(path, json!({})).await.assert(200);
    editor.put(path, json!({})).await.assert(200);
    strict.contributor().await.put(path, json!({})).await.assert_problem(403, "forbidden");
    // Elsewhere it is advice.
    let editor = newsroom(&app).await;
    editor.patch("/articles/tide", json!({"body": {"source": ""}})).await.assert(200);
    editor.put(path, json!({})).await.assert(200);
}

async fn a_link_is_followed_as_a_stranger_would(app: TestApp) {
    let editor = newsroom(&app).await;
    editor.post("/articles", whole("Flood")).await.assert(201);
    // It was never public as "flood", and is as "neap" and "ebb".
    editor.patch("/articles/flood", json!({"slug": "neap"})).await.assert(200);
    editor.put("/articles/neap/publication", json!({})).await.assert(200);
    editor.patch("/articles/neap", json!({"slug": "ebb"})).await.assert(200);
    for (link, found) in [("ebb", vec![]), ("neap", vec![]), ("%65bb", vec![]), ("flood", vec!["dead_link"])] {
        let source = format!("Some [words](/articles/{link}).");
        editor.patch("/articles/tide", json!({"body": {"source": source}})).await.assert(200);
        assert_eq!(codes(&look(&editor).await), found, "{link}");
    }
}

on_both_databases! {
    a_link_is_followed_as_a_stranger_would,
    an_article_in_order_is_ready,
    what_is_missing_or_goes_too_far_is_found,
    a_link_to_what_nobody_can_read_is_dead,
    other_articles_and_revisions_are_seen_too,
    preflight_is_for_those_who_may_edit,
    a_site_may_refuse_to_publish_what_has_errors,
}
