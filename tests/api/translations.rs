//! One story in several languages.

use crate::{
    on_both_databases,
    support::{Client, Kind, Reply, TestApp},
};
use serde_json::{Value, json};
use std::time::Duration;
use stet::{
    clock::{self, Time},
    permissions::Role,
};

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

async fn a_scheduled_one_waits_while_another_is_public_in_its_language(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    three(&editor).await;
    publish(&editor, "tide").await;
    let at = clock::now().plus(Duration::from_millis(1000));
    editor.put("/articles/flut/publication", json!({"at": at})).await.assert(200);
    editor.patch("/articles/flut", json!({"language": "nl"})).await.assert(200);
    let german = json!({"title": "Gezeiten", "language": "de", "translation_of": "tide"});
    editor.post("/articles", german).await.assert(201);
    publish(&editor, "gezeiten").await;
    past(at).await;
    assert_eq!(told(&anyone.get("/articles/tide").await), pairs(&[("de", "gezeiten")]));
    assert_eq!(editor.get("/articles/flut").await.json["status"], "scheduled");
    // Nor is it written into the other's language again, or scheduled while that stays public.
    let restored = editor.post("/articles/flut/revisions/1/restore", json!({})).await;
    assert_eq!(restored.assert(422).mistakes(), [("/language".to_owned(), "duplicate_language".to_owned())]);
    let hour = |hours: u64| clock::now().plus(Duration::from_secs(3600 * hours));
    let later = json!({"at": hour(2), "revision": 1});
    editor.put("/articles/flut/publication?dry_run=true", later.clone()).await.assert_problem(409, "conflict");
    editor.delete(&format!("/articles/gezeiten/publication?at={}", hour(1))).await.assert(204);
    editor.put("/articles/flut/publication?dry_run=true", later).await.assert(200);
    editor.delete("/articles/gezeiten/publication").await.assert(204);
    app.becomes("SELECT count(*) FROM articles WHERE slug = 'flut' AND published_id IS NOT NULL", 1).await;
    assert_eq!(told(&anyone.get("/articles/tide").await), pairs(&[("de", "flut")]));
}

async fn what_waited_until_its_end_is_not_published(app: TestApp) {
    let editor = app.editor().await;
    three(&editor).await;
    let (start, end) = (clock::now().plus(Duration::from_millis(1000)), clock::now().plus(Duration::from_millis(2000)));
    editor.put("/articles/flut/publication", json!({"at": start})).await.assert(200);
    editor.delete(&format!("/articles/flut/publication?at={end}")).await.assert(204);
    editor.patch("/articles/flut", json!({"language": "nl"})).await.assert(200);
    let german = json!({"title": "Gezeiten", "language": "de", "translation_of": "tide"});
    editor.post("/articles", german).await.assert(201);
    publish(&editor, "gezeiten").await;
    app.becomes("SELECT count(*) FROM articles WHERE publish_at IS NOT NULL OR unpublish_at IS NOT NULL", 0).await;
    let flut = editor.get("/articles/flut").await;
    assert_eq!((&flut.json["status"], &flut.json["published_at"]), (&json!("draft"), &Value::Null));
}

/// Waits until what is due at this time was looked for.
async fn past(at: Time) {
    while clock::now() < at.plus(Duration::from_millis(1200)) {
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn what_is_public_joins_in_the_language_that_is_read(app: TestApp) {
    let editor = app.editor().await;
    three(&editor).await;
    publish(&editor, "flut").await;
    editor.post("/articles", json!({"title": "Gezeiten", "language": "de"})).await.assert(201);
    publish(&editor, "gezeiten").await;
    editor.patch("/articles/gezeiten", json!({"language": "nl"})).await.assert(200);
    let joins = json!({"translation_of": "tide"});
    editor.patch("/articles/gezeiten", joins.clone()).await.assert_problem(409, "conflict");
    editor.delete("/articles/flut/publication").await.assert(204);
    editor.patch("/articles/gezeiten", joins).await.assert(200);
}

async fn a_language_is_one_however_it_is_typed(app: TestApp) {
    let (editor, admin, anyone) = (app.editor().await, app.signed_in(Role::Admin).await, app.anyone());
    editor.post("/articles", json!({"title": "Tide", "language": "EN-gb"})).await.assert(201);
    let german = editor.post("/articles", json!({"title": "Flut", "language": "DE", "translation_of": "tide"})).await;
    assert_eq!(german.assert(201).json["language"], "de");
    for again in ["de", "De", "deu"] {
        let same = json!({"title": "Gezeiten", "language": again, "translation_of": "tide"});
        let refused = editor.post("/articles", same).await;
        assert_eq!(refused.assert(422).mistakes(), [("/translation_of".to_owned(), "duplicate_language".to_owned())]);
    }
    let same = editor.get("/articles/flut").await;
    let after = editor.patch("/articles/flut", json!({"language": "dE"})).await;
    assert_eq!(after.assert(200).etag(), same.etag(), "nothing changed");
    for slug in ["tide", "flut"] {
        publish(&editor, slug).await;
    }
    assert_eq!(told(&anyone.get("/articles/flut").await), pairs(&[("en-GB", "tide")]));
    for (typed, slug) in [("DE", "flut"), ("de", "flut"), ("en-gb", "tide"), ("EN-GB", "tide")] {
        assert_eq!(anyone.get(&format!("/articles?language={typed}")).await.column("slug"), [slug], "{typed}");
        let found = anyone.get(&format!("/search?q={slug}&language={typed}")).await;
        assert_eq!(found.assert(200).json["data"].as_array().unwrap().len(), 1, "{typed}");
    }
    let site = admin.patch("/site", json!({"languages": ["EN", "zh-hant-tw"], "locale": "EN-gb"})).await;
    assert_eq!((&site.json["languages"], &site.json["locale"]), (&json!(["en", "zh-Hant-TW"]), &json!("en-GB")));
    let twice = admin.patch("/site", json!({"languages": ["en", "EN"]})).await;
    assert_eq!(twice.assert(422).mistakes(), [("/languages/1".to_owned(), "duplicate".to_owned())]);
}

async fn tags_that_were_stored_as_they_were_typed_are_put_right(app: TestApp) {
    let editor = app.editor().await;
    let tags = [("DE", "de"), ("EN-gb", "en-GB"), ("zh-hANT-tw", "zh-Hant-TW"), ("GSW", "gsw"), ("gsw-ch", "gsw-CH")];
    for (number, (typed, kept)) in tags.into_iter().chain([("pt-BR", "pt-BR"), ("ES-419", "es-419")]).enumerate() {
        editor.post("/articles", json!({"title": format!("Tide {number}"), "language": kept})).await.assert(201);
        app.execute(&format!("UPDATE revisions SET language = '{typed}' WHERE title = 'Tide {number}'"));
    }
    app.execute(match app.kind() {
        Kind::Sqlite => include_str!("../../migrations/sqlite/0019_language_tags/up.sql"),
        Kind::Postgres => include_str!("../../migrations/postgres/0019_language_tags/up.sql"),
    });
    let list = editor.get("/articles?sort=title").await;
    assert_eq!(list.column("language"), ["de", "en-GB", "zh-Hant-TW", "gsw", "gsw-CH", "pt-BR", "es-419"]);
}

async fn a_draft_that_nobody_sees_holds_nobodys_article(app: TestApp) {
    let (author, contributor) = (app.author().await, app.contributor().await);
    for story in [json!({"title": "Tide"}), json!({"title": "Flut", "language": "de"})] {
        author.post("/articles", story).await.assert(201);
    }
    publish(&author, "tide").await;
    let french = json!({"title": "Marée", "slug": "maree", "language": "fr", "translation_of": "tide"});
    contributor.post("/articles", french).await.assert(201);
    let joined = author.patch("/articles/tide", json!({"translation_of": "flut"})).await;
    assert_eq!(told(&joined), pairs(&[("de", "flut")]));
    // It stays behind, and can still be written.
    assert_eq!(told(&contributor.patch("/articles/maree", json!({"subtitle": "Haute"})).await), []);
    // What one sees holds an article as before.
    author.post("/articles", json!({"title": "Marea", "language": "es"})).await.assert(201);
    let refused = author.patch("/articles/flut", json!({"translation_of": "marea"})).await;
    assert_eq!(refused.assert(422).mistakes(), [("/translation_of".to_owned(), "has_translations".to_owned())]);
}

on_both_databases! {
    each_language_is_published_on_its_own,
    whoever_follows_what_is_public_learns_what_an_article_lists,
    a_group_outlives_the_article_that_was_there_first,
    an_article_joins_and_leaves,
    what_cannot_be_a_translation_is_refused,
    no_two_are_public_in_one_language,
    nobody_learns_of_a_translation_in_preparation,
    a_scheduled_one_waits_while_another_is_public_in_its_language,
    what_waited_until_its_end_is_not_published,
    what_is_public_joins_in_the_language_that_is_read,
    a_language_is_one_however_it_is_typed,
    tags_that_were_stored_as_they_were_typed_are_put_right,
    a_draft_that_nobody_sees_holds_nobodys_article,
}
