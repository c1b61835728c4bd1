//! `/feeds`: read back by a feed reader, the same for everybody, and never more than the public may read.

use crate::{
    on_both_databases,
    support::{Client, Kind, Reply, TestApp, xml},
};
use actix_web::http::{Method, header::HeaderValue};
use feed_rs::model::Feed;
use serde_json::{Value, json};
use stet::permissions::Role;

const FORMS: [&str; 3] = ["rss.xml", "atom.xml", "feed.json"];

async fn publish(editor: &Client, article: Value) -> String {
    let id = editor.post("/articles", article).await.assert(201).text("/id");
    editor.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
    id
}

/// A newsroom with a story for everybody, and one that is not.
async fn fill(editor: &Client) -> (String, String) {
    let portrait = json!({"url": "https://images.example/mira.jpg"});
    for (kind, body) in [
        ("authors", json!({"name": "Mira Holt", "bio": "Covers the *harbour*.", "image": portrait})),
        ("tags", json!({"name": "Open source", "description": "To read & change."})),
        ("sections", json!({"name": "News"})),
        ("sections", json!({"name": "Tech", "parent": "news"})),
    ] {
        editor.post(&format!("/{kind}"), body).await.assert(201);
    }
    let open = json!({
        "title": "Ebb & <flow>", "excerpt": "It ebbs, 1 < 2.", "authors": ["mira-holt"], "tags": ["open-source"], "section": "tech",
        "body": {"source": "Read [on](/more?a=1&b=2) and ![it](pic.png).\n\nThe **end**."}, "language": "en-GB",
        "image": {"url": "https://images.example/ebb.jpg?w=1&h=2", "alt": "Low \"water\"", "credit": "Jo", "width": 1600, "height": 900},
    });
    let open = publish(editor, open).await;
    let closed = json!({"title": "Sold", "visibility": "premium", "excerpt": "For those who pay.", "body": {"source": "Behind the wall."}, "section": "news"});
    (open, publish(editor, closed).await)
}

fn read(reply: &Reply) -> Feed {
    feed_rs::parser::parse(reply.assert(200).bytes.as_slice()).unwrap()
}

fn titles(feed: &Feed) -> Vec<&str> {
    feed.entries.iter().map(|entry| entry.title.as_ref().unwrap().content.as_str()).collect()
}

async fn a_feed_is_read_as_it_was_meant(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let (open, closed) = fill(&editor).await;
    let article = anyone.get("/articles/ebb-flow").await;
    for form in FORMS {
        let reply = anyone.get(&format!("//feeds/{form}")).await;
        let feed = read(&reply);
        assert_eq!(feed.title.as_ref().unwrap().content, "The Lantern", "{form}");
        let links: Vec<&str> = feed.links.iter().map(|link| link.href.trim_end_matches('/')).collect();
        let own = format!("https://news.example/feeds/{form}");
        assert!(links.contains(&"https://news.example") && links.contains(&own.as_str()), "{form}: {links:?}");
        assert_eq!(titles(&feed), ["Sold", "Ebb & <flow>"], "{form}");
        let ids: Vec<_> = feed.entries.iter().map(|entry| entry.id.clone()).collect();
        assert_eq!(ids, [format!("urn:uuid:{closed}"), format!("urn:uuid:{open}")], "{form}");
        let [sold, ebb] = feed.entries.as_slice() else { panic!("{form}") };
        assert!(ebb.links.iter().any(|link| link.href == "https://news.example/articles/ebb-flow"), "{form}: {ebb:?}");
        let authors: Vec<_> = ebb.authors.iter().map(|author| author.name.as_deref().unwrap()).collect();
        assert_eq!(authors, ["Mira Holt"], "{form}");
        let subjects: Vec<_> = ebb.categories.iter().map(|c| c.label.as_ref().unwrap_or(&c.term).as_str()).collect();
        assert_eq!(subjects, ["Tech", "Open source"], "{form}");
        let second = |text: &str| text.split('.').next().unwrap().to_owned();
        let published = ebb.published.unwrap().format("%Y-%m-%dT%H:%M:%S").to_string();
        assert_eq!(published, second(&article.text("/published_at")), "{form}");
        let summary = &ebb.summary.as_ref().unwrap().content;
        let expected = if form == "rss.xml" { "It ebbs, 1 &lt; 2." } else { "It ebbs, 1 < 2." };
        assert_eq!(summary, expected, "{form}");
        let html = ebb.content.as_ref().unwrap().body.as_ref().unwrap();
        assert!(html.contains(r#"<a href="https://news.example/more?a=1&amp;b=2""#), "{form}: {html}");
        assert!(html.contains(r#"src="https://news.example/articles/pic.png""#), "{form}: {html}");
        assert!(html.contains("The <strong>end</strong>."), "{form}: {html}");
        let whole = String::from_utf8(reply.bytes).unwrap();
        assert!(whole.contains("https://images.example/ebb.jpg?w=1&"), "{form}");
        // What is not for everybody goes by its excerpt.
        assert!(!whole.contains("Behind the wall"), "{form}");
        assert!(whole.contains("For those who pay."), "{form}");
        let body = sold.content.as_ref().and_then(|content| content.body.as_deref());
        assert!(body.is_none_or(|text| text == "For those who pay."), "{form}: {body:?}");
    }
}

async fn a_feed_says_what_its_form_asks_for(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let (open, _) = fill(&editor).await;
    let json = anyone.get("//feeds/feed.json").await.json;
    assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
    for item in json["items"].as_array().unwrap() {
        assert!(item["content_html"].is_string() != item["content_text"].is_string(), "{item}");
    }
    assert_eq!(json["items"][1]["image"], "https://images.example/ebb.jpg?w=1&h=2");
    let by = json!([{"name": "Mira Holt", "url": "https://news.example/authors/mira-holt", "avatar": "https://images.example/mira.jpg"}]);
    assert_eq!((&json["items"][1]["authors"], &json["items"][1]["language"]), (&by, &json!("en-GB")));
    // Two languages: the feed has the site's.
    assert_eq!(json["language"], "en");
    let rss = anyone.get("//feeds/rss.xml").await;
    let text = String::from_utf8(rss.bytes.clone()).unwrap();
    for expected in [
        r#"<atom:link href="https://news.example/feeds/rss.xml" rel="self" type="application/rss+xml"/>"#,
        &format!(r#"<guid isPermaLink="false">urn:uuid:{open}</guid>"#),
        r#"<enclosure url="https://images.example/ebb.jpg?w=1&amp;h=2" length="0" type="image/jpeg"/>"#,
        r#"<media:content height="900" medium="image" type="image/jpeg" url="https://images.example/ebb.jpg?w=1&amp;h=2" width="1600">"#,
        "<dc:creator>Mira Holt</dc:creator>",
        "<language>en</language>",
    ] {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    for date in xml::texts(&rss, "pubDate") {
        assert!(chrono::DateTime::parse_from_rfc2822(&date).is_ok(), "{date}");
    }
    let atom = anyone.get("//feeds/atom.xml").await;
    for date in xml::texts(&atom, "updated") {
        assert!(chrono::DateTime::parse_from_rfc3339(&date).is_ok(), "{date}");
    }
    let text = String::from_utf8(atom.bytes).unwrap();
    assert!(text.contains(r#"xml:lang="en""#) && text.contains(r#"<title xml:lang="en-GB">"#), "{text}");
}

async fn a_section_a_tag_and_an_author_have_feeds(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&editor).await;
    let tag = anyone.get("/tags/open-source").await;
    for (of, title, page, expected) in [
        ("sections/news", "News – The Lantern", "https://news.example/sections/news", &["Sold", "Ebb & <flow>"][..]),
        ("sections/tech", "Tech – The Lantern", "https://news.example/sections/news/tech", &["Ebb & <flow>"]),
        ("tags/open-source", "Open source – The Lantern", "https://news.example/tags/open-source", &["Ebb & <flow>"]),
        ("authors/mira-holt", "Mira Holt – The Lantern", "https://news.example/authors/mira-holt", &["Ebb & <flow>"]),
    ] {
        for form in FORMS {
            let feed = read(&anyone.get(&format!("//feeds/{of}/{form}")).await);
            assert_eq!(
                (feed.title.as_ref().unwrap().content.as_str(), titles(&feed).as_slice()),
                (title, expected),
                "{of}"
            );
            let own = format!("https://news.example/feeds/{of}/{form}");
            for expected in [page, &own] {
                assert!(feed.links.iter().any(|link| link.href == expected), "{expected}: {:?}", feed.links);
            }
        }
    }
    let described = anyone.get("//feeds/authors/mira-holt/feed.json").await;
    assert_eq!(described.json["description"], "Covers the harbour.");
    let by_id = anyone.get(&format!("//feeds/tags/{}/atom.xml", tag.text("/id"))).await;
    assert_eq!(by_id.assert(200).bytes, anyone.get("//feeds/tags/open-source/atom.xml").await.bytes);
    // An old slug leads on, and nothing is nowhere.
    for (kind, slug) in [("sections", "tech"), ("tags", "open-source"), ("authors", "mira-holt")] {
        editor.patch(&format!("/{kind}/{slug}"), json!({"slug": "renamed"})).await.assert(200);
        for form in FORMS {
            let moved = anyone.get(&format!("//feeds/{kind}/{slug}/{form}")).await;
            assert_eq!(moved.assert(308).header("location"), format!("/feeds/{kind}/renamed/{form}"));
            assert_eq!(moved.header("cache-control"), "public, no-cache");
            anyone.get(&format!("//feeds/{kind}/renamed/{form}")).await.assert(200);
            let absent = anyone.get(&format!("//feeds/{kind}/nothing/{form}")).await;
            assert_eq!(absent.assert_problem(404, "not_found").header("cache-control"), "no-store");
        }
    }
    for path in [
        "//feeds/rss",
        "//feeds/",
        "//feeds",
        "//feeds/tags/renamed",
        "//feeds/users/x/rss.xml",
        "//feeds/tags/~/rss.xml",
    ] {
        anyone.get(path).await.assert_problem(404, "not_found");
    }
}

async fn a_feed_holds_the_newest_thirty(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for form in FORMS {
        assert_eq!(read(&anyone.get(&format!("//feeds/{form}")).await).entries.len(), 0, "{form}");
    }
    for number in 0..32 {
        publish(&editor, json!({"title": format!("Story {number}")})).await;
    }
    for form in FORMS {
        let feed = read(&anyone.get(&format!("//feeds/{form}")).await);
        let expected: Vec<String> = (2..32).rev().map(|number| format!("Story {number}")).collect();
        assert_eq!(titles(&feed), expected, "{form}");
    }
}

async fn a_feed_has_the_newest_however_rare_they_are(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&editor).await;
    for number in 0..35 {
        let article = json!({"title": format!("Rare {number}"), "tags": ["open-source"], "authors": ["mira-holt"], "section": "tech"});
        publish(&editor, article).await;
    }
    let id = if app.kind() == Kind::Sqlite { "randomblob(16)" } else { "gen_random_uuid()" };
    let columns =
        "created_at, updated_at, working_id, published_id, published_revision, republished_at, comments_open, version";
    for more in [0, 400, 2500] {
        app.execute(&format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {more})
             INSERT INTO articles (id, slug, published_at, {columns})
             SELECT {id}, slug || '-{more}-' || i, published_at + 3600000000 * i, {columns} FROM articles, n WHERE slug = 'sold' AND {more} > 0"
        ));
        for of in ["sections/tech", "tags/open-source", "authors/mira-holt"] {
            let feed = read(&anyone.get(&format!("//feeds/{of}/atom.xml")).await);
            let expected: Vec<String> = (5..35).rev().map(|number| format!("Rare {number}")).collect();
            assert_eq!(titles(&feed), expected, "{of} behind {more} others");
        }
        let list = anyone.get("/articles?section=news&limit=30").await;
        let news = read(&anyone.get("//feeds/sections/news/atom.xml").await);
        assert_eq!(titles(&news), list.column("title"));
    }
}

async fn a_feed_does_not_grow_without_bound(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let long = "🌊".repeat(300_000);
    for title in ["First", "Second"] {
        publish(&editor, json!({"title": title, "excerpt": "Waves.", "body": {"source": long}})).await;
    }
    let feed = anyone.get("//feeds/feed.json").await.json;
    assert_eq!((&feed["items"][0]["title"], feed["items"][0]["content_html"].is_string()), (&json!("Second"), true));
    assert_eq!((&feed["items"][1]["title"], &feed["items"][1]["content_text"]), (&json!("First"), &json!("Waves.")));
}

async fn whatever_is_written_stays_well_formed(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let hostile = [
        "]]> <![CDATA[ & &amp; &#0; &nope;",
        "</title><script>alert(1)</script>",
        "\u{202e}right to left \u{5d0}\u{5d1}\u{200f}\u{2066}",
        "a\u{fffe}b\u{ffff}c",
        "\u{85}\u{2028}\u{feff}é e\u{301} 🌊",
        "<!DOCTYPE x [<!ENTITY e \"e\">]>&e;",
    ];
    for (number, text) in hostile.iter().enumerate() {
        editor
            .post("/tags", json!({"name": text, "slug": format!("tag-{number}"), "description": "\u{1}\u{b}]]\u{1}>"}))
            .await
            .assert(201);
        let article = json!({
            "title": text, "excerpt": text, "subtitle": text, "tags": [format!("tag-{number}")],
            "body": {"format": "html", "source": format!("<p>{text}\u{1}\u{8}\u{c}\u{1f}</p>]]\u{1}>")},
            "image": {"url": "https://images.example/a.jpg?a=1&b=%3C", "alt": text, "credit": text},
        });
        publish(&editor, article).await;
    }
    let plain = |text: &str| text.replace(['\u{fffe}', '\u{ffff}'], "   ");
    for of in ["", "tags/tag-0/"] {
        for form in ["rss.xml", "atom.xml"] {
            let reply = anyone.get(&format!("//feeds/{of}{form}")).await;
            xml::assert_well_formed(&reply);
            let feed = read(&reply);
            let expected: Vec<String> = hostile.iter().rev().map(|text| plain(text)).collect();
            let expected = if of.is_empty() { expected.as_slice() } else { &expected[hostile.len() - 1..] };
            // A reader may trim what looks like a space to it.
            let trimmed = |text: &str| text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').to_owned();
            let found: Vec<String> = titles(&feed).into_iter().map(trimmed).collect();
            assert_eq!(found, expected.iter().map(|text| trimmed(text)).collect::<Vec<_>>(), "{form}");
        }
    }
    let json = anyone.get("//feeds/feed.json").await.json;
    assert_eq!(json["items"][5]["title"], hostile[0]);
}

async fn what_is_made_of_content_is_for_caches_and_for_everybody(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&editor).await;
    let month = &anyone.get("/articles/ebb-flow").await.text("/published_at")[..7];
    for (path, media) in [
        ("//feeds/rss.xml".to_owned(), "application/rss+xml; charset=utf-8"),
        ("//feeds/atom.xml".to_owned(), "application/atom+xml; charset=utf-8"),
        ("//feeds/feed.json".to_owned(), "application/feed+json"),
        ("//feeds/tags/open-source/rss.xml".to_owned(), "application/rss+xml; charset=utf-8"),
        ("//sitemap.xml".to_owned(), "application/xml; charset=utf-8"),
        (format!("//sitemaps/articles/{month}.xml"), "application/xml; charset=utf-8"),
        ("//sitemaps/sections.xml".to_owned(), "application/xml; charset=utf-8"),
        ("//news-sitemap.xml".to_owned(), "application/xml; charset=utf-8"),
        ("//llms.txt".to_owned(), "text/plain; charset=utf-8"),
    ] {
        let reply = anyone.get(&path).await;
        assert_eq!(reply.assert(200).header("content-type"), media, "{path}");
        assert_eq!(reply.header("cache-control"), "public, no-cache", "{path}");
        assert!(reply.etag().starts_with('"') && reply.header("surrogate-key").contains("site"), "{path}");
        assert!(!reply.header("vary").contains("authorization"), "{path}");
        let changed = chrono::DateTime::parse_from_rfc2822(reply.header("last-modified"));
        assert!(changed.is_ok(), "{path}: {reply:?}");
        let head = anyone.raw(Method::HEAD, &path, Vec::new()).await;
        for name in ["etag", "content-type", "last-modified", "cache-control"] {
            assert_eq!(head.assert(200).header(name), reply.header(name), "{path}: {name}");
        }
        let known = anyone.with("if-none-match", reply.etag()).get(&path).await;
        assert_eq!((known.assert(304).etag(), known.bytes.len()), (reply.etag(), 0), "{path}");
        assert_eq!(known.header("last-modified"), reply.header("last-modified"));
        let packed = anyone.with("accept-encoding", "br").get(&path).await;
        assert_eq!(packed.assert(200).header("content-encoding"), "br", "{path}");
        let varies = |value: &HeaderValue| value.to_str().unwrap().to_lowercase().contains("accept-encoding");
        assert!(packed.headers.get_all("vary").any(varies), "{path}");
        anyone.with("if-none-match", packed.etag()).get(&path).await.assert(304);
        // Whoever asks, with whatever token, and whatever they would take.
        for client in
            [&editor, &Client::new(&app.address, Some("no token".into())), &anyone.with("accept", "image/png")]
        {
            let same = client.get(&path).await;
            assert_eq!((&same.bytes, same.header("cache-control")), (&reply.bytes, "public, no-cache"), "{path}");
        }
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let refused = editor.raw(method, &path, Vec::new()).await;
            assert_eq!(
                refused.assert_problem(405, "method_not_allowed").header("allow"),
                "GET, HEAD, OPTIONS",
                "{path}"
            );
        }
        let unknown = anyone.get(&format!("{path}?page=2")).await;
        assert_eq!(unknown.assert_problem(400, "invalid_parameter").header("cache-control"), "no-store", "{path}");
    }
}

async fn a_feed_follows_the_site(app: TestApp) {
    let (editor, admin, anyone) = (app.editor().await, app.signed_in(Role::Admin).await, app.anyone());
    let (open, _) = fill(&editor).await;
    let before = anyone.get("//feeds/atom.xml").await;
    let site = json!({
        "name": "The Gull & Co", "description": "News from the water.", "languages": ["cy"], "logo": {"url": "https://images.example/gull.png"},
        "permalinks": {"article": "/{section}/{slug}", "author": "/people/{slug}", "section": "/{path}", "tag": "/topics/{slug}"},
    });
    admin.patch("/site", site).await.assert(200);
    for form in FORMS {
        let feed = read(&anyone.get(&format!("//feeds/{form}")).await);
        assert_eq!(feed.title.unwrap().content, "The Gull & Co", "{form}");
        assert_eq!(feed.description.unwrap().content, "News from the water.", "{form}");
        let entry = feed.entries.iter().find(|entry| entry.id == format!("urn:uuid:{open}")).unwrap();
        assert!(entry.links.iter().any(|link| link.href == "https://news.example/tech/ebb-flow"), "{form}: {entry:?}");
        let html = entry.content.as_ref().unwrap().body.as_ref().unwrap();
        assert!(html.contains("https://news.example/tech/pic.png"), "{form}: {html}");
    }
    let section = anyone.get("//feeds/sections/tech/feed.json").await.json;
    assert_eq!(section["home_page_url"], "https://news.example/news/tech");
    assert_eq!((&section["icon"], &section["language"]), (&json!("https://images.example/gull.png"), &json!("en-GB")));
    assert_eq!(section["items"][0]["authors"][0]["url"], "https://news.example/people/mira-holt");
    anyone.with("if-none-match", before.etag()).get("//feeds/atom.xml").await.assert(200);
}

async fn what_is_taken_down_is_gone_from_its_feeds_at_once(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&editor).await;
    let before = anyone.get("//feeds/rss.xml").await;
    editor.patch("/articles/ebb-flow", json!({"title": "A change that waits"})).await.assert(200);
    anyone.with("if-none-match", before.etag()).get("//feeds/rss.xml").await.assert(304);
    editor.delete("/articles/ebb-flow/publication").await.assert(204);
    for path in ["//feeds/rss.xml", "//feeds/tags/open-source/rss.xml", "//feeds/authors/mira-holt/rss.xml"] {
        let after = anyone.with("if-none-match", before.etag()).get(path).await;
        assert!(!String::from_utf8(after.assert(200).bytes.clone()).unwrap().contains("ebb-flow"), "{path}");
    }
}

async fn an_entry_has_one_address_however_many_translations(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    publish(&editor, json!({"title": "Tide", "image": {"url": "https://images.example/tide.jpg"}})).await;
    for (title, language) in [("Flut", "de"), ("Llanw", "cy")] {
        publish(&editor, json!({"title": title, "language": language, "translation_of": "tide"})).await;
    }
    for form in ["rss.xml", "atom.xml"] {
        let reply = anyone.get(&format!("//feeds/{form}")).await;
        for entry in read(&reply).entries {
            let slug = entry.title.unwrap().content.to_lowercase();
            // Many readers take the last of these for the entry's own address.
            let is_own = |rel: Option<&str>| rel.is_none_or(|rel| rel == "alternate");
            let own: Vec<_> = entry.links.iter().filter(|link| is_own(link.rel.as_deref())).collect();
            assert!(!own.is_empty() && own.iter().all(|link| link.href.ends_with(&slug)), "{form}: {own:?}");
        }
        let text = String::from_utf8(reply.bytes).unwrap();
        for link in text.split('<').filter(|tag| tag.contains("hreflang")) {
            assert!(link.contains("link ") && link.contains("rel=\"related\""), "{form}: {link}");
        }
        assert_eq!(text.matches("hreflang").count(), 6, "{form}: {text}");
    }
}

on_both_databases! {
    a_feed_is_read_as_it_was_meant,
    a_feed_says_what_its_form_asks_for,
    a_section_a_tag_and_an_author_have_feeds,
    a_feed_holds_the_newest_thirty,
    a_feed_has_the_newest_however_rare_they_are,
    a_feed_does_not_grow_without_bound,
    whatever_is_written_stays_well_formed,
    what_is_made_of_content_is_for_caches_and_for_everybody,
    a_feed_follows_the_site,
    what_is_taken_down_is_gone_from_its_feeds_at_once,
    an_entry_has_one_address_however_many_translations,
}
