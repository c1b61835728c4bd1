//! What a page says of an article to search engines and social networks.

use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::{Value, json};
use stet::permissions::Role;

async fn publish(editor: &Client, article: Value) -> Value {
    let id = editor.post("/articles", article).await.assert(201).text("/id");
    editor.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200).json.clone()
}

async fn fill(editor: &Client) {
    let mira = json!({
        "name": "Mira Holt", "website": "https://mira.example/", "image": {"url": "https://images.example/mira.jpg"},
        "links": [{"label": "Mastodon", "url": "https://social.example/@mira"}],
    });
    for (kind, body) in [
        ("authors", mira),
        ("authors", json!({"name": "Jo"})),
        ("tags", json!({"name": "Harbour"})),
        ("sections", json!({"name": "News"})),
        ("sections", json!({"name": "Tech", "parent": "news"})),
    ] {
        editor.post(&format!("/{kind}"), body).await.assert(201);
    }
    let image = json!({"url": "https://images.example/ebb.jpg", "alt": "Low water", "caption": "The quay.", "credit": "Jo", "width": 1600, "height": 900});
    let ebb = json!({
        "title": "Ebb", "excerpt": "It ebbs.", "body": {"source": "Three plain words."}, "authors": ["mira-holt", "jo"],
        "tags": ["harbour"], "section": "tech", "image": image, "language": "pt-BR",
    });
    publish(editor, ebb).await;
}

/// What the rich results of search engines require and recommend for articles and breadcrumbs.
fn assert_rich(json_ld: &Value) {
    assert_eq!(json_ld["@context"], "https://schema.org");
    let (article, page) = (json_ld, &json_ld["mainEntityOfPage"]);
    let breadcrumbs = &page["breadcrumb"];
    assert_eq!((&article["@type"], &page["@type"]), (&json!("NewsArticle"), &json!("WebPage")));
    assert_eq!(breadcrumbs["@type"], "BreadcrumbList");
    let web = |value: &Value| value.as_str().is_some_and(|url| url::Url::parse(url).is_ok_and(|url| url.has_host()));
    for field in ["headline", "inLanguage"] {
        assert!(article[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {article}");
    }
    for field in ["datePublished", "dateModified"] {
        // With a time zone.
        assert!(chrono::DateTime::parse_from_rfc3339(article[field].as_str().unwrap()).is_ok(), "{article}");
    }
    let authors = article["author"].as_array().unwrap();
    assert!(!authors.is_empty(), "{article}");
    for author in authors {
        assert!(author["@type"] == "Person" || *author == article["publisher"], "{author}");
        assert!(author["name"].is_string() && web(&author["url"]), "{author}");
    }
    for image in article["image"].as_array().into_iter().flatten() {
        assert!(image["@type"] == "ImageObject" && web(&image["url"]), "{image}");
    }
    assert!(article["publisher"]["@type"] == "Organization" && article["publisher"]["name"].is_string(), "{article}");
    assert!(web(&page["@id"]), "{article}");
    let free = article["isAccessibleForFree"].as_bool().unwrap();
    let part = &article["hasPart"];
    assert_eq!(free, part.is_null(), "{article}");
    if !free {
        let expected = json!({"@type": "WebPageElement", "isAccessibleForFree": false, "cssSelector": ".paywall"});
        assert_eq!(*part, expected);
    }
    let steps = breadcrumbs["itemListElement"].as_array().unwrap();
    assert!(steps.len() >= 2, "{breadcrumbs}");
    for (index, step) in steps.iter().enumerate() {
        assert_eq!((&step["@type"], &step["position"]), (&json!("ListItem"), &json!(index + 1)));
        assert!(step["name"].is_string() && (web(&step["item"]) || index + 1 == steps.len()), "{step}");
    }
}

async fn search_engines_are_told_all_they_ask_for(app: TestApp) {
    let (editor, admin, anyone) = (app.editor().await, app.signed_in(Role::Admin).await, app.anyone());
    fill(&editor).await;
    let logo = json!({"url": "https://images.example/logo.png", "width": 600, "height": 60});
    admin.patch("/site", json!({"logo": logo})).await.assert(200);
    let reply = anyone.get("/articles/ebb").await;
    let json_ld = &reply.json["seo"]["json_ld"];
    assert_rich(json_ld);
    let article = json_ld;
    let expected = json!({
        "headline": "Ebb", "description": "It ebbs.", "inLanguage": "pt-BR",
        "wordCount": 3, "commentCount": 0, "isAccessibleForFree": true, "keywords": ["Harbour"], "articleSection": "Tech",
        "datePublished": reply.json["published_at"], "dateModified": reply.json["updated_at"],
        "author": [
            {"@type": "Person", "name": "Mira Holt", "url": "https://news.example/authors/mira-holt", "image": "https://images.example/mira.jpg",
             "sameAs": ["https://mira.example/", "https://social.example/@mira"]},
            {"@type": "Person", "name": "Jo", "url": "https://news.example/authors/jo"},
        ],
        "publisher": {"@type": "Organization", "name": "The Lantern", "url": "https://news.example",
            "logo": {"@type": "ImageObject", "url": "https://images.example/logo.png", "width": 600, "height": 60}},
        "image": [{"@type": "ImageObject", "url": "https://images.example/ebb.jpg", "width": 1600, "height": 900, "caption": "The quay.", "creditText": "Jo"}],
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(article[name], *value, "{name}");
    }
    assert_eq!(article["mainEntityOfPage"]["@id"], "https://news.example/articles/ebb");
    // Besides them: the context, the kind, and the page.
    assert_eq!(article.as_object().unwrap().len(), expected.as_object().unwrap().len() + 3, "{article}");
    let step = |position: usize, name: &str, item: &str| json!({"@type": "ListItem", "position": position, "name": name, "item": item});
    let trail = json!([
        step(1, "The Lantern", "https://news.example"), step(2, "News", "https://news.example/sections/news"),
        step(3, "Tech", "https://news.example/sections/news/tech"), {"@type": "ListItem", "position": 4, "name": "Ebb"},
    ]);
    assert_eq!(json_ld["mainEntityOfPage"]["breadcrumb"]["itemListElement"], trail);
    editor.post("/articles/ebb/comments", json!({"body": "First."})).await.assert(201);
    assert_eq!(anyone.get("/articles/ebb").await.json["seo"]["json_ld"]["commentCount"], 1);
}

async fn whatever_an_article_lacks_its_data_is_whole(app: TestApp) {
    let (editor, admin, anyone) = (app.editor().await, app.signed_in(Role::Admin).await, app.anyone());
    fill(&editor).await;
    let long = "x".repeat(200);
    let own = json!({"title": "For the engines", "description": "Told apart.", "canonical_url": "https://wire.example/x", "image_url": "https://images.example/seo.png"});
    for article in [
        json!({"title": "Bare"}),
        json!({"title": "Members", "visibility": "members"}),
        json!({"title": "Premium", "visibility": "premium", "section": "news"}),
        json!({"title": long, "slug": "long"}),
        json!({"title": "Own", "seo": own, "image": {"url": "https://images.example/hero.png"}}),
        json!({"title": "</script><script>alert(1)</script>", "slug": "hostile"}),
    ] {
        let path = format!("/articles/{}", publish(&editor, article).await["id"].as_str().unwrap());
        assert_rich(&anyone.get(&path).await.json["seo"]["json_ld"]);
        assert_rich(&editor.get(&path).await.json["seo"]["json_ld"]);
    }
    let long = anyone.get("/articles/long").await;
    assert_eq!(long.json["seo"]["json_ld"]["headline"].as_str().unwrap().len(), 200);
    let seo = anyone.get("/articles/own").await.json["seo"].clone();
    let article = &seo["json_ld"];
    let urls: Vec<&str> =
        article["image"].as_array().unwrap().iter().map(|image| image["url"].as_str().unwrap()).collect();
    assert_eq!(urls, ["https://images.example/seo.png", "https://images.example/hero.png"]);
    assert_eq!(
        (&article["mainEntityOfPage"]["@id"], &article["description"]),
        (&json!("https://wire.example/x"), &json!("Told apart."))
    );
    let social = &seo["open_graph"];
    assert_eq!((&social["title"], &social["url"]), (&json!("For the engines"), &json!("https://wire.example/x")));
    assert_eq!(
        social["image"],
        json!({"url": "https://images.example/seo.png", "width": null, "height": null, "alt": null})
    );
    // A trail whose addresses take ids tells of the last section alone.
    admin.patch("/site", json!({"permalinks": {"section": "/s/{id}"}})).await.assert(200);
    let ebb = anyone.get("/articles/ebb").await;
    assert_rich(&ebb.json["seo"]["json_ld"]);
    let steps = &ebb.json["seo"]["json_ld"]["mainEntityOfPage"]["breadcrumb"]["itemListElement"];
    let section = format!("https://news.example/s/{}", ebb.text("/section/id"));
    assert_eq!((&steps[1]["name"], &steps[1]["item"]), (&json!("Tech"), &json!(section)));
}

async fn social_networks_are_told_what_their_tags_need(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&editor).await;
    let reply = anyone.get("/articles/ebb").await;
    let expected = json!({
        "title": "Ebb", "type": "article", "url": "https://news.example/articles/ebb", "site_name": "The Lantern",
        "description": "It ebbs.", "locale": "pt_BR", "locale_alternates": [],
        "image": {"url": "https://images.example/ebb.jpg", "width": 1600, "height": 900, "alt": "Low water"},
        "article": {
            "published_time": reply.json["published_at"], "modified_time": reply.json["updated_at"], "section": "Tech",
            "tags": ["Harbour"], "authors": ["https://news.example/authors/mira-holt", "https://news.example/authors/jo"],
        },
        "twitter_card": "summary_large_image",
    });
    assert_eq!(reply.json["seo"]["open_graph"], expected);
    let bare = publish(&editor, json!({"title": "Bare"})).await;
    assert_eq!(
        (&bare["seo"]["open_graph"]["image"], &bare["seo"]["open_graph"]["twitter_card"]),
        (&Value::Null, &json!("summary"))
    );
    assert_eq!(bare["seo"]["open_graph"]["article"]["section"], Value::Null);
    let list = anyone.get("/articles").await;
    assert_eq!(
        (&list.json["data"][0]["seo"]["open_graph"], &list.json["data"][0]["seo"]["json_ld"]),
        (&Value::Null, &Value::Null)
    );
}

on_both_databases! {
    search_engines_are_told_all_they_ask_for,
    whatever_an_article_lacks_its_data_is_whole,
    social_networks_are_told_what_their_tags_need,
}
