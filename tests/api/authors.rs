//! `/authors`.

use crate::{on_both_databases, support::TestApp};
use actix_web::http::Method;
use serde_json::{Value, json};

async fn an_author_has_a_card(app: TestApp) {
    let editor = app.editor().await;
    let card = json!({
        "name": "Mira Holt", "bio": "Covers the **harbour**.<script>x()</script>", "website": "https://mira.example/",
        "image": {"url": "https://images.example/mira.jpg", "alt": "Mira on a quay", "caption": null, "credit": "Jo", "width": 400, "height": 300},
        "links": [{"label": "Mastodon", "url": "https://social.example/@mira"}],
    });
    let created = editor.post("/authors", card.clone()).await;
    assert_eq!(created.assert(201).json["slug"], "mira-holt");
    assert_eq!(created.header("location"), format!("/api/v1/authors/{}", created.text("/id")));
    assert_eq!(created.json["article_count"], 0);
    let html = created.text("/bio_html");
    assert!(html.contains("<strong>harbour</strong>") && !html.contains("script"), "{html}");
    for field in ["name", "bio", "website", "image", "links"] {
        assert_eq!(created.json[field], card[field], "{field}");
    }
    for reference in ["mira-holt", &created.text("/id")] {
        assert_eq!(app.anyone().get(&format!("/authors/{reference}")).await.assert(200).json, created.json);
    }
}

async fn a_change_leaves_what_it_does_not_name(app: TestApp) {
    let editor = app.editor().await;
    let author = json!({"name": "Mira", "bio": "A.", "website": "https://mira.example/", "links": [{"label": "A", "url": "https://a.example/"}]});
    let created = editor.post("/authors", author).await;
    let changed =
        editor.with("if-match", created.etag()).patch("/authors/mira", json!({"bio": "*B.*", "website": null})).await;
    assert_eq!(changed.assert(200).json["bio_html"], "<p><em>B.</em></p>\n");
    assert_eq!(changed.json["website"], Value::Null);
    assert_eq!((&changed.json["name"], &changed.json["links"]), (&created.json["name"], &created.json["links"]));
    let stale = editor.with("if-match", created.etag()).patch("/authors/mira", json!({"bio": "C."})).await;
    assert!(stale.assert_problem(412, "precondition_failed").text("/detail").contains("bio"), "{}", stale.json);
    let renamed = editor.patch("/authors/mira", json!({"slug": "mira-holt", "links": []})).await;
    assert_eq!(renamed.assert(200).json["links"], json!([]));
    app.anyone().get("/authors/mira").await.assert(308);
    editor.post("/authors", json!({"name": "Jo", "slug": "mira-holt"})).await.assert_problem(409, "slug_taken");
}

async fn a_new_name_shows_on_every_article(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/authors", json!({"name": "Mira"})).await.assert(201);
    editor.post("/articles", json!({"title": "A", "authors": ["mira"]})).await.assert(201);
    editor.put("/articles/a/publication", json!({})).await.assert(200);
    let before = app.anyone().get("/articles/a").await;
    editor.patch("/authors/mira", json!({"name": "Mira Holt"})).await.assert(200);
    let after = app.anyone().get("/articles/a").await;
    assert_eq!(after.json["authors"][0]["name"], "Mira Holt");
    assert_eq!(after.json["seo"]["json_ld"]["author"][0]["name"], "Mira Holt");
    assert_ne!(after.etag(), before.etag());
}

async fn a_byline_that_is_in_use_is_not_deleted(app: TestApp) {
    let editor = app.editor().await;
    for name in ["Mira", "Jo", "Sam"] {
        editor.post("/authors", json!({"name": name})).await.assert(201);
    }
    editor.post("/articles", json!({"title": "A", "authors": ["mira"]})).await.assert(201);
    let refused = editor.delete("/authors/mira").await;
    assert!(refused.assert_problem(409, "in_use").text("/detail").contains("mira"), "{}", refused.json);
    editor.patch("/articles/a", json!({"authors": ["jo"]})).await.assert(200);
    editor.delete("/authors/mira").await.assert_problem(409, "in_use");
    editor.delete("/authors/sam").await.assert(204);
    assert_eq!(app.anyone().get("/authors").await.column("name"), ["Jo", "Mira"]);
    // Nor is one that somebody signs in for.
    let linked = editor.post("/authors", json!({"name": "Ada"})).await.assert(201).text("/id");
    app.signed_in_as(stet::permissions::Role::Author, Some(&linked)).await;
    editor.delete("/authors/ada").await.assert(409);
}

async fn authors_come_in_the_order_that_was_asked_for(app: TestApp) {
    let editor = app.editor().await;
    for name in ["Mira", "Jo", "Sam"] {
        editor.post("/authors", json!({"name": name})).await.assert(201);
    }
    for (title, authors) in [("A", json!(["sam", "jo"])), ("B", json!(["sam"]))] {
        let slug =
            editor.post("/articles", json!({"title": title, "authors": authors})).await.assert(201).text("/slug");
        editor.put(&format!("/articles/{slug}/publication"), json!({})).await.assert(200);
    }
    for (sort, names) in [
        ("name", ["Jo", "Mira", "Sam"]),
        ("-name", ["Sam", "Mira", "Jo"]),
        ("-article_count", ["Sam", "Jo", "Mira"]),
        ("article_count", ["Mira", "Jo", "Sam"]),
        ("created_at", ["Mira", "Jo", "Sam"]),
        ("-created_at", ["Sam", "Jo", "Mira"]),
    ] {
        let (mut found, mut query) = (Vec::new(), format!("?sort={sort}&limit=1"));
        loop {
            let page = app.anyone().get(&format!("/authors{query}")).await;
            found.extend(page.assert(200).column("name"));
            let Some(cursor) = page.json["page"]["next_cursor"].as_str() else { break };
            query = format!("?sort={sort}&limit=1&cursor={cursor}");
        }
        assert_eq!(found, names, "{sort}");
    }
}

async fn who_writes_no_more_keeps_what_they_wrote(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for name in ["Mira", "Jo"] {
        editor.post("/authors", json!({"name": name})).await.assert(201);
    }
    editor.post("/articles", json!({"title": "A", "authors": ["mira"]})).await.assert(201);
    editor.put("/articles/a/publication", json!({})).await.assert(200);
    let refused = editor.delete("/authors/mira").await;
    assert!(refused.assert_problem(409, "in_use").text("/detail").contains("archive it instead"), "{}", refused.json);
    let before = anyone.get("/authors/mira").await;
    assert_eq!(before.json["archived_at"], Value::Null);
    let tried = editor.send(Method::PUT, "/authors/mira/archive?dry_run=true", None).await;
    assert_ne!(tried.assert(200).json["archived_at"], Value::Null);
    let archived = editor.with("if-match", before.etag()).send(Method::PUT, "/authors/mira/archive", None).await;
    assert_ne!(archived.assert(200).json["archived_at"], Value::Null);
    let again = editor.send(Method::PUT, "/authors/mira/archive", None).await;
    assert_eq!(again.assert(200).bytes, archived.bytes, "again is nothing new");
    editor
        .with("if-match", before.etag())
        .delete("/authors/mira/archive")
        .await
        .assert_problem(412, "precondition_failed");

    for (query, names) in [("", vec!["Jo"]), ("?archived=only", vec!["Mira"]), ("?archived=any", vec!["Jo", "Mira"])] {
        let list = anyone.get(&format!("/authors{query}")).await;
        assert_eq!(list.column("name"), names, "{query}");
    }
    assert_eq!(anyone.get("/authors?count=true").await.json["page"]["total"], 1);
    anyone.get("/authors?archived=yes").await.assert_problem(400, "invalid_parameter");
    assert_eq!(anyone.get("/articles/a").await.json["authors"][0]["name"], "Mira");
    assert_eq!(anyone.get("/articles?author=mira").await.column("slug"), ["a"]);
    // They may stay where they are, and be put nowhere else.
    editor.patch("/articles/a", json!({"title": "A again", "authors": ["jo", "mira"]})).await.assert(200);
    editor.patch("/articles/a", json!({"authors": ["jo"]})).await.assert(200);
    editor.patch("/articles/a", json!({"authors": ["jo", "mira"]})).await.assert(200);
    editor.patch("/articles/a", json!({"authors": ["jo"]})).await.assert(200);
    // What is public carries the byline, and so may what says the same in another language.
    let author = app.author().await;
    for (of, status) in [(None, 422), (Some("a"), 201)] {
        let welsh = json!({"title": "Yn Gymraeg", "authors": ["mira"], "language": "cy", "translation_of": of});
        author.post("/articles", welsh).await.assert(status);
    }
    editor.send(Method::POST, "/articles/a/revisions/1/restore", None).await.assert(200);
    assert_eq!(editor.get("/articles/a").await.json["authors"][0]["slug"], "mira", "what was saved comes back");
    for reference in ["mira", &archived.text("/id")] {
        let refused = editor.post("/articles", json!({"title": "B", "authors": [reference]})).await;
        assert_eq!(
            refused.assert_problem(422, "validation_failed").mistakes(),
            [("/authors/0".into(), "archived".into())]
        );
        assert!(refused.text("/detail").contains("`mira` is archived"), "{}", refused.json);
    }
    editor.delete("/authors/mira/archive").await.assert(204);
    editor.delete("/authors/mira/archive").await.assert(204);
    editor.post("/articles", json!({"title": "B", "authors": ["mira"]})).await.assert(201);
    assert_eq!(anyone.get("/authors").await.column("name"), ["Jo", "Mira"]);
}

async fn who_is_archived_does_not_sign_what_they_write(app: TestApp) {
    let editor = app.editor().await;
    let byline = editor.post("/authors", json!({"name": "Mira"})).await.assert(201).text("/id");
    let mira = app.signed_in_as(stet::permissions::Role::Author, Some(&byline)).await;
    assert_eq!(mira.post("/articles", json!({"title": "A"})).await.assert(201).json["authors"][0]["slug"], "mira");
    editor.send(Method::PUT, "/authors/mira/archive", None).await.assert(200);
    assert_eq!(mira.post("/articles", json!({"title": "B"})).await.assert(201).json["authors"], json!([]));
}

async fn an_authors_page_comes_in_one_request(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    editor.post("/authors", json!({"name": "Mira", "bio": "She *writes*."})).await.assert(201);
    let none = anyone.get("/authors/mira?include=latest").await;
    assert_eq!(none.assert(200).json["latest"], json!([]));
    assert_eq!((&none.json["first_published_at"], &none.json["last_published_at"]), (&Value::Null, &Value::Null));
    let mut dates = Vec::new();
    for number in 0..12 {
        let article = json!({"title": format!("Story {number}"), "authors": ["mira"]});
        let id = editor.post("/articles", article).await.assert(201).text("/id");
        let live = editor.put(&format!("/articles/{id}/publication"), json!({})).await;
        dates.push(live.assert(200).json["published_at"].clone());
    }
    editor.post("/articles", json!({"title": "Draft", "authors": ["mira"]})).await.assert(201);
    editor.patch("/articles/story-11", json!({"title": "Secret"})).await.assert(200);
    let page = anyone.get("/authors/mira?include=latest").await;
    let titles: Vec<_> =
        page.assert(200).json["latest"].as_array().unwrap().iter().map(|t| t["title"].clone()).collect();
    assert_eq!(titles, (2..12).rev().map(|n| json!(format!("Story {n}"))).collect::<Vec<_>>());
    assert_eq!((&page.json["first_published_at"], &page.json["last_published_at"]), (&dates[0], &dates[11]));
    let plain = anyone.get("/authors/mira").await;
    assert!(plain.json.get("latest").is_none() && plain.json.get("first_published_at").is_none());
    assert_eq!(page.json["bio_html"], plain.json["bio_html"]);
    anyone.get("/authors/mira?include=drafts").await.assert_problem(400, "invalid_parameter");
}

on_both_databases! {
    who_writes_no_more_keeps_what_they_wrote,
    who_is_archived_does_not_sign_what_they_write,
    an_authors_page_comes_in_one_request,
    an_author_has_a_card,
    a_change_leaves_what_it_does_not_name,
    a_new_name_shows_on_every_article,
    a_byline_that_is_in_use_is_not_deleted,
    authors_come_in_the_order_that_was_asked_for,
}
