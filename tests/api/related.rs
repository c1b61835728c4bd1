//! What to read next, and what is talked about most.

use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::{Value, json};

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

on_both_databases! {
    the_stories_below_an_article_have_an_address_of_their_own,
    what_is_talked_about_most_comes_first,
}
