//! What to read next, and what is talked about most.

use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::{Value, json};
use stet::permissions::Role;

async fn publish(client: &Client, article: Value) -> String {
    let path = format!("/articles/{}", client.post("/articles", article).await.assert(201).text("/id"));
    client.put(&format!("{path}/publication"), json!({})).await.assert(200);
    path
}

async fn the_stories_below_an_article_have_an_address_of_their_own(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    editor.post("/sections", json!({"name": "Local"})).await.assert(201);
    for n in 0..6 {
        publish(&editor, json!({"title": format!("Other {n}")})).await;
    }
    publish(&editor, json!({"title": "Near", "section": "local"})).await;
    publish(&editor, json!({"title": "Newest"})).await;
    editor.post("/articles", json!({"title": "Draft", "section": "local"})).await.assert(201);
    let path = publish(&editor, json!({"title": "Story", "section": "local", "related": ["other-0"]})).await;
    let list = anyone.get(&format!("{path}/related")).await;
    let page = anyone.get(&format!("{path}?include=related")).await;
    assert_eq!(list.assert(200).json["data"], page.json["related"]);
    let told = |list: &Value| -> Vec<(String, String)> {
        let told = |story: &Value| (story["slug"].as_str().unwrap().to_owned(), story["reasons"].to_string());
        list["data"].as_array().unwrap().iter().map(told).collect()
    };
    let expected = [
        ("other-0", r#"["pinned"]"#),
        ("near", r#"["same_section","recent"]"#),
        ("newest", r#"["recent"]"#),
        ("other-5", r#"["recent"]"#),
        ("other-4", r#"["recent"]"#),
    ];
    assert_eq!(told(&list.json), expected.map(|(slug, reasons)| (slug.to_owned(), reasons.to_owned())));
    let two = anyone.get(&format!("{path}/related?limit=2")).await;
    assert_eq!(two.column("slug"), ["other-0", "near"]);
    assert_eq!(anyone.get(&format!("{path}/related?limit=20")).await.column("slug").len(), 8);
    for wrong in ["limit=0", "limit=21", "limit=x", "cursor=x", "page=1"] {
        anyone.get(&format!("{path}/related?{wrong}")).await.assert(400);
    }
    anyone.get("/articles/draft/related").await.assert(404);
    // Whoever edits it sees what would stand below it.
    assert_eq!(editor.get("/articles/draft/related?limit=1").await.column("slug"), ["story"]);
    editor.get("/articles/draft/related?view=published").await.assert(404);
}

async fn what_is_talked_about_most_comes_first(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for (title, comments) in [("Quiet", 0), ("Loud", 3), ("Some", 1)] {
        let path = publish(&editor, json!({"title": title})).await;
        for _ in 0..comments {
            editor.post(&format!("{path}/comments"), json!({"body": "I was there."})).await.assert(201);
        }
        let waiting = json!({"body": "So was I.", "name": "Ada", "email": "ada@lantern.example"});
        anyone.post(&format!("{path}/comments"), waiting).await.assert(201);
    }
    assert_eq!(anyone.get("/articles?sort=-comment_count").await.column("slug"), ["loud", "some", "quiet"]);
    assert_eq!(anyone.get("/articles?sort=comment_count&limit=1").await.column("slug"), ["quiet"]);
    assert_eq!(editor.get("/articles?sort=-comment_count").await.column("slug"), ["loud", "some", "quiet"]);
}

async fn what_stands_below_an_article_is_in_its_language_and_never_itself(app: TestApp) {
    let (editor, admin, anyone) = (app.editor().await, app.signed_in(Role::Admin).await, app.anyone());
    admin.patch("/site", json!({"languages": ["en", "de"]})).await.assert(200);
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    let story = |title: &str, language: &str, of: Option<&str>| json!({"title": title, "slug": title, "language": language, "translation_of": of, "tags": ["harbour"]});
    for n in 0..8 {
        publish(&editor, story(&format!("story-{n}"), "en", None)).await;
        publish(&editor, story(&format!("bericht-{n}"), "de", Some(&format!("story-{n}")))).await;
    }
    publish(&editor, story("tide", "en", None)).await;
    for (title, language) in [("flut", "de"), ("maree", "fr"), ("tide-us", "en-US")] {
        publish(&editor, story(title, language, Some("tide"))).await;
    }
    let told = async |slug: &str, part: &str| -> Vec<String> {
        let page = anyone.get(&format!("/articles/{slug}?include=related,latest")).await;
        let told = page.assert(200).json[part].as_array().unwrap().clone();
        told.iter()
            .map(|story| format!("{} {}", story["language"].as_str().unwrap(), story["slug"].as_str().unwrap()))
            .collect()
    };
    for part in ["related", "latest"] {
        let newest = |prefix: &str| [7, 6, 5, 4, 3].map(|n| format!("{prefix}-{n}"));
        assert_eq!(told("tide", part).await, newest("en story"), "{part}");
        assert_eq!(told("flut", part).await, newest("de bericht"), "{part}");
        // The same language of another place is nearer than another language.
        assert_eq!(told("tide-us", part).await, newest("en story"), "{part}");
        // Where there is none in the language, others stand in for it, and each tells another story.
        let numbers: Vec<String> =
            told("maree", part).await.iter().map(|told| told.rsplit('-').next().unwrap().to_owned()).collect();
        assert_eq!(numbers, ["7", "6", "5", "4", "3"], "{part}");
    }
    // What the editors pin stays as they pinned it, and is not told again in another language.
    editor.patch("/articles/tide", json!({"related": ["bericht-7", "flut"]})).await.assert(200);
    editor.put("/articles/tide/publication", json!({})).await.assert(200);
    let expected = ["de bericht-7", "de flut", "en story-6", "en story-5", "en story-4"];
    assert_eq!(told("tide", "related").await, expected);
}

async fn every_tag_counts_however_many_there_are(app: TestApp) {
    let editor = app.editor().await;
    let tags: Vec<String> = (10..35).map(|n| format!("tag-{n}")).collect();
    for tag in &tags {
        editor.post("/tags", json!({"name": tag})).await.assert(201);
    }
    for (slug, shared) in [("three", &tags[8..11]), ("two", &tags[23..]), ("one", &tags[..1])] {
        publish(&editor, json!({"title": slug, "slug": slug, "tags": shared})).await;
    }
    publish(&editor, json!({"title": "All", "slug": "all", "tags": tags})).await;
    let draft = json!({"title": "Draft", "tags": tags});
    editor.post("/articles", draft).await.assert(201);
    for path in ["/articles/all/related", "/articles/all/related?limit=20"] {
        let related = app.anyone().get(path).await;
        assert_eq!(related.column("slug"), ["three", "two", "one"], "{path}");
        assert!(related.json["data"].as_array().unwrap().iter().all(|story| story["reasons"][0] == "shared_tags"));
    }
}

async fn a_story_is_pinned_once_and_not_below_itself(app: TestApp) {
    let editor = app.editor().await;
    publish(&editor, json!({"title": "Ebb"})).await;
    let path = publish(&editor, json!({"title": "Tide", "related": ["ebb"]})).await;
    let id = path.rsplit('/').next().unwrap();
    let ebb = editor.get("/articles/ebb").await.text("/id");
    for (related, index, code) in [
        (json!(["ebb", "tide"]), 1, "itself"),
        (json!([id]), 0, "itself"),
        (json!(["ebb", "ebb"]), 1, "duplicate"),
        (json!(["ebb", ebb]), 1, "duplicate"),
    ] {
        let refused = editor.patch(&path, json!({"related": related})).await;
        assert_eq!(refused.assert(422).mistakes(), [(format!("/related/{index}"), code.to_owned())]);
    }
    editor.patch(&path, json!({"title": "High tide", "related": [ebb]})).await.assert(200);
}

on_both_databases! {
    the_stories_below_an_article_have_an_address_of_their_own,
    what_is_talked_about_most_comes_first,
    what_stands_below_an_article_is_in_its_language_and_never_itself,
    every_tag_counts_however_many_there_are,
    a_story_is_pinned_once_and_not_below_itself,
}
