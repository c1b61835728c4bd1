//! One story in several languages.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp},
};
use serde_json::{Value, json};
use stet::permissions::Role;

async fn publish(client: &Client, slug: &str) {
    client.put(&format!("/articles/{slug}/publication"), json!({})).await.assert(200);
}

/// The translations that an answer lists: language and slug.
fn told(article: &Reply) -> Vec<(String, String)> {
    let told =
        |other: &Value| (other["language"].as_str().unwrap().to_owned(), other["slug"].as_str().unwrap().to_owned());
    article.assert(200).json["translations"].as_array().unwrap().iter().map(told).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(language, slug)| ((*language).to_owned(), (*slug).to_owned())).collect()
}

/// `tide` in English, with a translation into German and one into Welsh.
async fn three(editor: &Client) {
    editor.post("/articles", json!({"title": "Tide"})).await.assert(201);
    let german = json!({"title": "Flut", "language": "de", "translation_of": "tide"});
    editor.post("/articles", german).await.assert(201);
    let welsh = json!({"title": "Llanw", "language": "cy", "translation_of": "flut"});
    editor.post("/articles", welsh).await.assert(201);
}

async fn each_language_is_published_on_its_own(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    three(&editor).await;
    publish(&editor, "tide").await;
    assert_eq!(told(&anyone.get("/articles/tide").await), []);
    assert_eq!(told(&editor.get("/articles/tide").await), pairs(&[("cy", "llanw"), ("de", "flut")]));
    let before = anyone.get("/articles/tide").await;
    publish(&editor, "flut").await;
    let after = anyone.get("/articles/tide").await;
    assert_eq!(told(&after), pairs(&[("de", "flut")]));
    assert_eq!(after.json["translations"][0]["url"], "https://news.example/articles/flut");
    assert_eq!(after.json["translations"][0]["title"], "Flut");
    assert_ne!(before.etag(), after.etag());
    assert_eq!(told(&anyone.get("/articles/flut").await), pairs(&[("en", "tide")]));
    let list = anyone.get("/articles?sort=title").await;
    assert_eq!(list.json["data"][0]["translations"][0]["slug"], "tide");
    assert_eq!(anyone.get("/articles?language=de").await.column("slug"), ["flut"]);
    editor.delete("/articles/flut/publication").await.assert(204);
    assert_eq!(told(&anyone.get("/articles/tide").await), []);
    publish(&editor, "llanw").await;
    editor.delete("/articles/tide").await.assert(204);
    assert_eq!(told(&anyone.get("/articles/llanw").await), []);
    assert_eq!(told(&editor.get("/articles/llanw").await), pairs(&[("de", "flut")]));
}

async fn whoever_follows_what_is_public_learns_what_an_article_lists(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    three(&editor).await;
    publish(&editor, "tide").await;
    let since = async || anyone.get("/changes?kind=article").await.assert(200).text("/since");
    let told = async |since: String| {
        let changes = anyone.get(&format!("/changes?kind=article&since={since}")).await;
        let mut slugs = changes.assert(200).column("slug");
        slugs.sort();
        slugs
    };
    let before = since().await;
    publish(&editor, "flut").await;
    assert_eq!(told(before).await, ["flut", "tide"]);
    let before = since().await;
    editor.patch("/articles/flut", json!({"translation_of": null})).await.assert(200);
    assert_eq!(told(before).await, ["flut", "tide"]);
    let before = since().await;
    editor.patch("/articles/flut", json!({"translation_of": "tide"})).await.assert(200);
    assert_eq!(told(before).await, ["flut", "tide"]);
    let before = since().await;
    editor.delete("/articles/flut").await.assert(204);
    assert_eq!(told(before).await, ["flut", "tide"]);
    let before = since().await;
    // What nobody sees changes nothing.
    editor.patch("/articles/llanw", json!({"title": "Llanw mawr"})).await.assert(200);
    assert_eq!(told(before).await, [] as [&str; 0]);
}

async fn a_group_outlives_the_article_that_was_there_first(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    three(&admin).await;
    admin.delete("/articles/tide?permanent=true").await.assert(204);
    assert_eq!(told(&admin.get("/articles/flut").await), pairs(&[("cy", "llanw")]));
    // Saving it again changes nothing of that.
    admin.patch("/articles/flut", json!({"subtitle": "Hoch"})).await.assert(200);
    let english = json!({"title": "Tide", "slug": "tide-again", "translation_of": "flut"});
    admin.post("/articles", english).await.assert(201);
    assert_eq!(told(&admin.get("/articles/llanw").await), pairs(&[("de", "flut"), ("en", "tide-again")]));
    admin.post("/articles", json!({"title": "Marea", "language": "es"})).await.assert(201);
    let joined = admin.patch("/articles/marea", json!({"translation_of": "llanw"})).await;
    assert_eq!(told(&joined), pairs(&[("cy", "llanw"), ("de", "flut"), ("en", "tide-again")]));
}

async fn an_article_joins_and_leaves(app: TestApp) {
    let editor = app.editor().await;
    three(&editor).await;
    editor.post("/articles", json!({"title": "Marea", "language": "es"})).await.assert(201);
    let joined = editor.patch("/articles/marea", json!({"translation_of": "llanw"})).await;
    assert_eq!(told(&joined), pairs(&[("cy", "llanw"), ("de", "flut"), ("en", "tide")]));
    assert_eq!(joined.json["revision"], 1, "it belongs to no revision");
    let same = editor.patch("/articles/marea", json!({"translation_of": "tide"})).await;
    assert_eq!(same.etag(), joined.etag(), "the same group by another of its members");
    let left = editor.patch("/articles/marea", json!({"translation_of": null})).await;
    assert_eq!(told(&left), []);
    assert_eq!(told(&editor.get("/articles/tide").await), pairs(&[("cy", "llanw"), ("de", "flut")]));
    assert!(editor.get("/articles/flut/revisions/1").await.assert(200).json["content"].get("translation_of").is_none());
}

async fn what_cannot_be_a_translation_is_refused(app: TestApp) {
    let editor = app.editor().await;
    three(&editor).await;
    editor.post("/articles", json!({"title": "Ebb"})).await.assert(201);
    let new =
        |title: &str, language: &str, of: &str| json!({"title": title, "language": language, "translation_of": of});
    for (reply, pointer, code) in [
        (editor.post("/articles", new("A", "fr", "nowhere")).await, "/translation_of", "not_found"),
        (editor.post("/articles", new("A", "de", "tide")).await, "/translation_of", "duplicate_language"),
        (editor.patch("/articles/tide", json!({"translation_of": "tide"})).await, "/translation_of", "itself"),
        (editor.patch("/articles/tide", json!({"translation_of": "flut"})).await, "/translation_of", "itself"),
        (editor.patch("/articles/tide", json!({"translation_of": "ebb"})).await, "/translation_of", "has_translations"),
        (editor.patch("/articles/llanw", json!({"language": "de"})).await, "/language", "duplicate_language"),
        (
            editor.patch("/articles/ebb", json!({"translation_of": "flut"})).await,
            "/translation_of",
            "duplicate_language",
        ),
    ] {
        reply.assert(422);
        assert_eq!(reply.mistakes(), [(pointer.to_owned(), code.to_owned())], "{reply:?}");
    }
    assert_eq!(told(&editor.get("/articles/tide").await), pairs(&[("cy", "llanw"), ("de", "flut")]));
}

async fn no_two_are_public_in_one_language(app: TestApp) {
    let editor = app.editor().await;
    let (one, two) = (app.signed_in(Role::Author).await, app.signed_in(Role::Author).await);
    editor.post("/articles", json!({"title": "Tide"})).await.assert(201);
    publish(&editor, "tide").await;
    // Neither sees that the other is at it.
    for (author, title) in [(&one, "Flut"), (&two, "Gezeiten")] {
        let german = json!({"title": title, "language": "de", "translation_of": "tide"});
        author.post("/articles", german).await.assert(201);
    }
    publish(&one, "flut").await;
    two.put("/articles/gezeiten/publication", json!({})).await.assert_problem(409, "conflict");
    editor.delete("/articles/flut").await.assert(204);
    publish(&two, "gezeiten").await;
    editor.post("/articles/flut/restore", json!({})).await.assert_problem(409, "conflict");
    assert_eq!(told(&app.anyone().get("/articles/tide").await), pairs(&[("de", "gezeiten")]));
}

async fn nobody_learns_of_a_translation_in_preparation(app: TestApp) {
    let (editor, other) = (app.editor().await, app.signed_in(Role::Contributor).await);
    three(&editor).await;
    publish(&editor, "tide").await;
    let (stranger, contributor) = (app.anyone().get("/articles/tide").await, other.get("/articles/tide").await);
    assert_eq!((told(&stranger), told(&contributor)), (Vec::new(), Vec::new()));
    // Not by what may be written, either.
    let german = json!({"title": "Gezeiten", "language": "de", "translation_of": "tide"});
    other.post("/articles", german).await.assert(201);
    let hidden = other.post("/articles", json!({"title": "X", "language": "fr", "translation_of": "flut"})).await;
    assert_eq!(hidden.assert(422).mistakes(), [("/translation_of".to_owned(), "not_found".to_owned())]);
    // Of what is public, a contributor does not change what it translates.
    let own = other.post("/articles", json!({"title": "Marea", "language": "es"})).await.assert(201).text("/id");
    editor.put(&format!("/articles/{own}/publication"), json!({})).await.assert(200);
    other.patch(&format!("/articles/{own}"), json!({"translation_of": "tide"})).await.assert_problem(403, "forbidden");
}

on_both_databases! {
    each_language_is_published_on_its_own,
    whoever_follows_what_is_public_learns_what_an_article_lists,
    a_group_outlives_the_article_that_was_there_first,
    an_article_joins_and_leaves,
    what_cannot_be_a_translation_is_refused,
    no_two_are_public_in_one_language,
    nobody_learns_of_a_translation_in_preparation,
}
