//! `/sitemap.xml`, its parts and the news sitemap: valid by a schema, and each with what belongs into it.

use crate::{
    on_both_databases,
    support::{Client, Kind, TestApp, xml},
};
use serde_json::{Value, json};
use std::time::Duration;
use stet::{
    clock::{self, Time},
    permissions::Role,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

async fn publish(editor: &Client, article: Value) -> String {
    let slug = editor.post("/articles", article).await.assert(201).text("/slug");
    editor.put(&format!("/articles/{slug}/publication"), json!({})).await.assert(200);
    slug
}

/// Publishes an article, and says that this was then.
async fn published_at(app: &TestApp, editor: &Client, title: &str, at: &str) {
    let slug = publish(editor, json!({"title": title})).await;
    let at = Time::parse(at).unwrap().micros();
    app.execute(&format!("UPDATE articles SET published_at = {at}, republished_at = {at} WHERE slug = '{slug}'"));
}

fn part(month: &str) -> String {
    format!("//sitemaps/articles/{month}.xml")
}

fn this_month() -> String {
    clock::now().to_string()[..7].to_owned()
}

/// The paths of the pages in a part.
async fn pages(client: &Client, path: &str) -> Vec<String> {
    let reply = client.get(path).await;
    xml::assert_sitemap(reply.assert(200));
    let locs = xml::texts(&reply, "loc");
    locs.iter().map(|loc| loc.strip_prefix("https://news.example").unwrap_or(loc).to_owned()).collect()
}

async fn articles_stand_in_the_month_of_their_first_publication(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for (title, at) in [
        ("Old", "2019-02-28T23:59:59.999999Z"),
        ("March", "2019-03-01T00:00:00Z"),
        ("Late", "2019-03-31T23:59:59Z"),
        ("Leap", "2024-02-29T12:00:00Z"),
        ("December", "2024-12-31T23:59:59.999999Z"),
    ] {
        published_at(&app, &editor, title, at).await;
    }
    let expected = ["sections", "articles/2024-12", "articles/2024-02", "articles/2019-03", "articles/2019-02"];
    assert_eq!(pages(&anyone, "//sitemap.xml").await, expected.map(|name| format!("/sitemaps/{name}.xml")));
    for (month, expected) in [
        ("2019-02", &["/articles/old"][..]),
        ("2019-03", &["/articles/march", "/articles/late"]),
        ("2024-02", &["/articles/leap"]),
        ("2024-12", &["/articles/december"]),
    ] {
        assert_eq!(pages(&anyone, &part(month)).await, expected, "{month}");
    }
    let reply = anyone.get(&part("2024-02")).await;
    assert_eq!(xml::texts(&reply, "lastmod"), ["2024-02-29T12:00:00.000000Z"]);
    assert_eq!(reply.header("last-modified"), "Thu, 29 Feb 2024 12:00:00 GMT");
    // What happens elsewhere changes no part, and what happens in it does.
    let (february, march) = (anyone.get(&part("2019-02")).await, anyone.get(&part("2019-03")).await);
    publish(&editor, json!({"title": "New"})).await;
    editor.patch("/articles/march", json!({"subtitle": "Once more"})).await.assert(200);
    editor.put("/articles/march/publication", json!({})).await.assert(200);
    anyone.with("if-none-match", february.etag()).get(&part("2019-02")).await.assert(304);
    let march = anyone.with("if-none-match", march.etag()).get(&part("2019-03")).await;
    assert!(xml::texts(march.assert(200), "lastmod")[0].as_str() > "2020");
    assert_eq!(pages(&anyone, "//sitemap.xml").await[1], format!("/sitemaps/articles/{}.xml", this_month()));
    // Where nothing is left of a month, there is no part.
    editor.delete("/articles/old").await.assert(204);
    anyone.get(&part("2019-02")).await.assert_problem(404, "not_found");
    assert!(!pages(&anyone, "//sitemap.xml").await.contains(&"/sitemaps/articles/2019-02.xml".to_owned()));
}

async fn a_part_lists_what_search_engines_are_to_find_here(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let image = json!({"url": "https://images.example/ebb.jpg?w=1&h=2"});
    publish(&editor, json!({"title": "Ebb", "image": image})).await;
    publish(&editor, json!({"title": "Premium", "visibility": "premium"})).await;
    publish(&editor, json!({"title": "Hidden", "seo": {"noindex": true}})).await;
    publish(&editor, json!({"title": "Elsewhere", "seo": {"canonical_url": "https://wire.example/x"}})).await;
    publish(&editor, json!({"title": "Port", "seo": {"canonical_url": "https://news.example:8443/x"}})).await;
    publish(&editor, json!({"title": "Other page", "seo": {"canonical_url": "https://news.example/articles/ebb"}}))
        .await;
    publish(&editor, json!({"title": "Here", "seo": {"canonical_url": "https://news.example/articles/here/"}})).await;
    editor.post("/articles", json!({"title": "Draft"})).await.assert(201);
    let month = part(&this_month());
    let reply = anyone.get(&month).await;
    xml::assert_sitemap(&reply);
    let expected =
        ["/articles/ebb", "/articles/premium", "/articles/here/"].map(|path| format!("https://news.example{path}"));
    assert_eq!(xml::texts(&reply, "loc"), expected);
    assert_eq!(xml::texts(&reply, "image:loc"), ["https://images.example/ebb.jpg?w=1&h=2"]);
    // A month in which nothing is to be found has a part all the same, and no part may be empty.
    for slug in ["ebb", "premium", "here"] {
        editor.delete(&format!("/articles/{slug}/publication")).await.assert(204);
    }
    assert_eq!(pages(&anyone, &month).await, ["/"]);
}

async fn an_article_names_its_translations(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    publish(&editor, json!({"title": "Ebb", "language": "en"})).await;
    publish(&editor, json!({"title": "Alone", "translation_of": null})).await;
    let elsewhere = json!({"canonical_url": "https://news.example/articles/ebb"});
    let basque = json!({"title": "Itsasbehera", "language": "eu", "translation_of": "ebb", "seo": elsewhere});
    publish(&editor, basque).await;
    for (title, language, noindex) in [("Ebbe", "de", false), ("Trai", "cy", false), ("Reflux", "fr", true)] {
        let seo = json!({"noindex": noindex});
        publish(&editor, json!({"title": title, "language": language, "translation_of": "ebb", "seo": seo})).await;
    }
    editor.post("/articles", json!({"title": "Marea", "language": "es", "translation_of": "ebb"})).await.assert(201);
    // One of them came out in another month.
    app.execute("UPDATE articles SET published_at = published_at - 40 * 86400000000 WHERE slug = 'trai'");
    let reply = anyone.get(&part(&this_month())).await;
    xml::assert_sitemap(reply.assert(200));
    let link = |language: &str, slug: &str| {
        format!(r#"<xhtml:link rel="alternate" hreflang="{language}" href="https://news.example/articles/{slug}"/>"#)
    };
    let all = format!("{}{}{}", link("cy", "trai"), link("de", "ebbe"), link("en", "ebb"));
    let text = String::from_utf8(reply.bytes.clone()).unwrap();
    assert_eq!((text.matches(&all).count(), text.matches("hreflang").count()), (2, 6), "{text}");
    let url = |slug: &str| text.split("<url>").find(|url| url.contains(&format!("/articles/{slug}</loc>"))).unwrap();
    assert!(url("ebb").contains(&all) && url("ebbe").contains(&all) && !url("alone").contains("hreflang"), "{text}");
    // Feeds and social networks are told of them, too.
    for form in ["rss.xml", "atom.xml"] {
        let feed = anyone.get(&format!("//feeds/{form}")).await;
        let feed = String::from_utf8(feed.assert(200).bytes.clone()).unwrap();
        for language in ["cy", "de", "fr"] {
            assert!(feed.contains(&format!("hreflang=\"{language}\"")), "{form}: {feed}");
        }
        assert!(!feed.contains("marea"), "{form}");
    }
    let ebb = anyone.get("/articles/ebb").await;
    assert_eq!(ebb.json["seo"]["open_graph"]["locale_alternates"], json!(["cy", "de", "eu", "fr"]));
}

async fn other_pages_are_listed_where_there_is_something_on_them(app: TestApp) {
    let (editor, admin, anyone) = (app.editor().await, app.signed_in(Role::Admin).await, app.anyone());
    assert_eq!(pages(&anyone, "//sitemap.xml").await, ["/sitemaps/sections.xml"]);
    assert_eq!(pages(&anyone, "//sitemaps/sections.xml").await, ["/"]);
    for (kind, body) in [
        ("sections", json!({"name": "News"})),
        ("sections", json!({"name": "Tech", "parent": "news"})),
        ("tags", json!({"name": "Harbour"})),
        ("tags", json!({"name": "Idle"})),
        ("authors", json!({"name": "Mira"})),
        ("authors", json!({"name": "Jo"})),
    ] {
        editor.post(&format!("/{kind}"), body).await.assert(201);
    }
    editor.post("/articles", json!({"title": "Draft", "tags": ["idle"], "authors": ["jo"]})).await.assert(201);
    for path in ["//sitemaps/tags.xml", "//sitemaps/authors.xml", "//sitemaps/sections-2.xml"] {
        anyone.get(path).await.assert_problem(404, "not_found");
    }
    publish(&editor, json!({"title": "Ebb", "tags": ["harbour"], "authors": ["mira"]})).await;
    let index = pages(&anyone, "//sitemap.xml").await;
    let month = format!("articles/{}", this_month());
    assert_eq!(index, ["sections", "tags", "authors", &month].map(|name| format!("/sitemaps/{name}.xml")));
    assert_eq!(pages(&anyone, "//sitemaps/sections.xml").await, ["/", "/sections/news", "/sections/news/tech"]);
    assert_eq!(pages(&anyone, "//sitemaps/tags.xml").await, ["/tags/harbour"]);
    assert_eq!(pages(&anyone, "//sitemaps/authors.xml").await, ["/authors/mira"]);
    let patterns =
        json!({"article": "/{year}/{slug}", "author": "/people/{slug}", "section": "/{path}", "tag": "/topics/{slug}"});
    admin.patch("/site", json!({"permalinks": patterns})).await.assert(200);
    assert_eq!(pages(&anyone, "//sitemaps/sections.xml").await, ["/", "/news", "/news/tech"]);
    assert_eq!(pages(&anyone, "//sitemaps/tags.xml").await, ["/topics/harbour"]);
    assert_eq!(pages(&anyone, "//sitemaps/authors.xml").await, ["/people/mira"]);
    assert_eq!(pages(&anyone, &part(&this_month())).await, [format!("/{}/ebb", &this_month()[..4])]);
}

/// Makes so many more of an article, all published at its time.
fn copy(app: &TestApp, slug: &str, count: usize) {
    let id = match app.kind() {
        Kind::Sqlite => "randomblob(16)",
        Kind::Postgres => "gen_random_uuid()",
    };
    let columns = "created_at, updated_at, working_id, published_id, published_revision, published_at, republished_at, comments_open, version";
    app.execute(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
         INSERT INTO articles (id, slug, {columns}) SELECT {id}, slug || '-copy-' || i, {columns} FROM articles, n WHERE slug = '{slug}'"
    ));
}

async fn a_month_that_is_too_long_for_one_part_has_more(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    published_at(&app, &editor, "Wire", "2025-06-15T12:00:00Z").await;
    published_at(&app, &editor, "Before", "2025-06-01T00:00:00Z").await;
    published_at(&app, &editor, "After", "2025-06-30T00:00:00Z").await;
    copy(&app, "wire", 10_000);
    let expected = ["sections", "articles/2025-06-2", "articles/2025-06"].map(|name| format!("/sitemaps/{name}.xml"));
    assert_eq!(pages(&anyone, "//sitemap.xml").await, expected);
    let (first, second) = (pages(&anyone, &part("2025-06")).await, pages(&anyone, &part("2025-06-2")).await);
    assert_eq!((first.len(), second.len()), (10_000, 3));
    assert_eq!((first[0].as_str(), second[2].as_str()), ("/articles/before", "/articles/after"));
    let mut all: Vec<_> = first.into_iter().chain(second).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 10_003, "one stands in both");
    for missing in ["2025-06-3", "2025-06-99999", "2025-07", "0001-01", "9999-12"] {
        anyone.get(&part(missing)).await.assert_problem(404, "not_found");
    }
}

async fn what_names_no_part_is_not_found(app: TestApp) {
    let anyone = app.anyone();
    for path in [
        "//sitemaps",
        "//sitemaps/",
        "//sitemaps/users.xml",
        "//sitemaps/sections",
        "//sitemaps/sections-1.xml",
        "//sitemaps/sections-02.xml",
        "//sitemaps/tags-100000.xml",
        "//sitemaps/articles",
        "//sitemaps/articles/2026.xml",
        "//sitemaps/articles/2026-13.xml",
        "//sitemaps/articles/2026-11-1.xml",
        "//sitemaps/articles/2026-11-0.xml",
        "//sitemaps/articles/-001-11.xml",
        "//sitemaps/articles/%F0%9F%8C%8A.xml",
        "//sitemaps/articles/2026-11.xml/x",
        "//sitemap.xml/",
    ] {
        anyone.get(path).await.assert_problem(404, "not_found");
    }
}

async fn news_is_what_was_published_in_two_days(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let empty = anyone.get("//news-sitemap.xml").await;
    xml::assert_well_formed(&empty);
    assert_eq!(xml::texts(&empty, "loc"), Vec::<String>::new());
    let ago = |hours: u32| clock::now().minus(hours * HOUR).to_string();
    published_at(&app, &editor, "Stale", &ago(49)).await;
    published_at(&app, &editor, "Yesterday", &ago(47)).await;
    let image = json!({"url": "https://images.example/a.jpg"});
    publish(&editor, json!({"title": "Maré & <sol>", "language": "pt-BR", "image": image})).await;
    publish(&editor, json!({"title": "潮汐", "slug": "chaoxi", "language": "zh-Hant-TW"})).await;
    publish(&editor, json!({"title": "Hidden", "seo": {"noindex": true}})).await;
    publish(&editor, json!({"title": "Wire", "seo": {"canonical_url": "https://wire.example/x"}})).await;
    let again = json!({"canonical_url": "https://news.example/articles/stale"});
    publish(&editor, json!({"title": "Again", "seo": again})).await;
    let news = anyone.get("//news-sitemap.xml").await;
    xml::assert_sitemap(&news);
    assert_eq!(xml::texts(&news, "news:title"), ["潮汐", "Maré & <sol>", "Yesterday"]);
    assert_eq!(xml::texts(&news, "news:language"), ["zh-tw", "pt", "en"]);
    assert_eq!(xml::texts(&news, "news:name"), ["The Lantern"; 3]);
    let article = anyone.get("/articles/chaoxi").await;
    assert_eq!(xml::texts(&news, "news:publication_date")[0], article.text("/published_at"));
    copy(&app, "chaoxi", 1000);
    assert_eq!(xml::texts(&anyone.get("//news-sitemap.xml").await, "news:title").len(), 1000);
}

async fn whatever_is_written_stays_well_formed(app: TestApp) {
    let (editor, admin, anyone) = (app.editor().await, app.signed_in(Role::Admin).await, app.anyone());
    admin.patch("/site", json!({"name": "]]> & <The \u{fffe}Gull>"})).await.assert(200);
    for title in ["]]> <![CDATA[ &amp; &#0;", "</news:title><x>", "\u{202e}\u{5d0} a\u{ffff}", "\u{85}\u{2028} 🌊"] {
        let image = json!({"url": "https://images.example/?a=1&b=']]>"});
        publish(&editor, json!({"title": title, "image": image})).await;
    }
    xml::assert_sitemap(&anyone.get("//news-sitemap.xml").await);
    xml::assert_sitemap(&anyone.get(&part(&this_month())).await);
    let titles = xml::texts(&anyone.get("//news-sitemap.xml").await, "news:title");
    assert_eq!(titles[3], "]]> <![CDATA[ &amp; &#0;");
    assert_eq!(titles[1], "\u{202e}\u{5d0} a   ");
}

on_both_databases! {
    articles_stand_in_the_month_of_their_first_publication,
    a_part_lists_what_search_engines_are_to_find_here,
    an_article_names_its_translations,
    other_pages_are_listed_where_there_is_something_on_them,
    a_month_that_is_too_long_for_one_part_has_more,
    what_names_no_part_is_not_found,
    news_is_what_was_published_in_two_days,
    whatever_is_written_stays_well_formed,
}
