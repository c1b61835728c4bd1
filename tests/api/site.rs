//! `/site`: what the newsroom says of it, and what follows from that everywhere.

use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::{Value, json};
use std::time::Duration;
use stet::permissions::Role;

async fn a_site_is_told_to_anyone_and_changed_by_administrators(app: TestApp) {
    let site = app.anyone().get("/site").await;
    assert_eq!((site.status.as_u16(), &site.json["name"]), (200, &json!("The Lantern")), "{site:?}");
    assert_eq!(site.json["url"], "https://news.example");
    assert_eq!(site.json["permalinks"]["article"], "/articles/{slug}");
    let changes = json!({"name": "The Gull", "time_zone": "Europe/London", "place": {"name": "Aldermouth", "latitude": 54.62, "longitude": -1.07}});
    for role in [Role::Contributor, Role::Author, Role::Editor] {
        assert_eq!(app.signed_in(role).await.patch("/site", changes.clone()).await.status, 403, "{role}");
    }
    assert_eq!(app.anyone().patch("/site", changes.clone()).await.status, 401);
    let admin = app.signed_in(Role::Admin).await;
    assert_eq!(admin.patch("/site?dry_run=true", changes.clone()).await.json["name"], "The Gull");
    assert_eq!(app.anyone().get("/site").await.json["name"], "The Lantern");
    let changed = admin.patch("/site", changes.clone()).await;
    assert_eq!((changed.status.as_u16(), &changed.json["place"]["latitude"]), (200, &json!(54.62)), "{changed:?}");
    let again = admin.patch("/site", changes).await;
    assert_eq!(again.etag(), changed.etag(), "the same again is no change");
    let told = app.anyone().get("/site").await;
    assert_eq!(told.json, changed.json);
    let stale = admin.with("if-match", site.etag());
    let refused = stale.patch("/site", json!({"name": "The Tern"})).await;
    assert_eq!((refused.status.as_u16(), &refused.json["errors"][0]["pointer"]), (412, &json!("/name")), "{refused:?}");
    let article = published(&admin, json!({"title": "Tide"})).await;
    assert!(article["seo"]["json_ld"].to_string().contains("The Gull"), "{article}");
}

async fn published(client: &Client, article: Value) -> Value {
    let article = client.post("/articles", article).await;
    assert_eq!(article.status, 201, "{article:?}");
    let path = format!("/articles/{}/publication", article.json["id"].as_str().unwrap());
    let article = client.put(&path, json!({})).await;
    assert_eq!(article.status, 200, "{article:?}");
    article.json
}

async fn a_wrong_site_is_refused_with_all_that_is_wrong(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let cases = [
        (json!({"time_zone": "Mars/Olympus", "locale": "xx-XX"}), vec!["/locale", "/time_zone"]),
        (json!({"languages": []}), vec!["/languages"]),
        (json!({"languages": ["en", "EN", "english"]}), vec!["/languages/2"]),
        (json!({"languages": ["en", "EN"]}), vec!["/languages/1"]),
        (json!({"name": null}), vec!["/name"]),
        (
            json!({"place": {"name": "A", "latitude": 90.1, "longitude": -181}}),
            vec!["/place/latitude", "/place/longitude"],
        ),
        (
            json!({"navigation": [{"label": "", "url": "javascript:alert(1)"}]}),
            vec!["/navigation/0/label", "/navigation/0/url"],
        ),
        (
            json!({"permalinks": {"article": "/articles", "tag": "/{year}/{slug}"}}),
            vec!["/permalinks/article", "/permalinks/tag"],
        ),
        (json!({"social_links": [{"label": "A", "url": "/a"}]}), vec!["/social_links/0/url"]),
        (json!({"url": "https://evil.example", "theme": "dark"}), vec!["/theme", "/url"]),
        (
            json!({"custom_fields": {"sections": [{"section": "nowhere", "schema": {}}]}}),
            vec!["/custom_fields/sections/0/section"],
        ),
    ];
    let before = app.anyone().get("/site").await.json;
    for (changes, pointers) in cases {
        let refused = admin.patch("/site", changes.clone()).await;
        assert_eq!(refused.status, 422, "{changes} {refused:?}");
        let errors = refused.json["errors"].as_array().unwrap();
        let mut found: Vec<&str> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, pointers, "{changes}");
    }
    assert_eq!(app.anyone().get("/site").await.json, before);
}

async fn every_address_follows_the_permalinks(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    admin.post("/sections", json!({"name": "News"})).await;
    admin.post("/sections", json!({"name": "Local", "parent": "news"})).await;
    let tide = published(&admin, json!({"title": "Tide", "section": "local"})).await;
    published(&admin, json!({"title": "Ebb"})).await;
    let old = app.anyone().get("/articles/tide").await;
    assert_eq!(old.json["url"], "https://news.example/articles/tide");
    let pattern = json!({"permalinks": {"article": "/{section_path}/{year}/{slug}"}, "time_zone": "Pacific/Auckland"});
    assert_eq!(admin.patch("/site", pattern).await.status, 200);
    let year = &tide["published_at"].as_str().unwrap()[..4];
    let url = format!("https://news.example/news/local/{year}/tide");
    let article = app.anyone().get("/articles/tide?include=latest").await;
    // Around New Year it is another one there.
    let next = format!("https://news.example/news/local/{}/tide", year.parse::<i32>().unwrap() + 1);
    assert!(article.json["url"] == url.as_str() || article.json["url"] == next.as_str(), "{article:?}");
    let url = article.json["url"].as_str().unwrap().to_owned();
    assert!(article.json["latest"][0]["url"].as_str().unwrap().ends_with("/ebb"), "{article:?}");
    assert!(!article.json["latest"][0]["url"].as_str().unwrap().contains("example//"), "{article:?}");
    assert!(article.json["seo"]["json_ld"].to_string().contains(&url), "{article:?}");
    assert_ne!(article.etag(), old.etag());
    let list = app.anyone().get("/articles?section=local").await;
    assert_eq!(list.json["data"][0]["url"], url.as_str());
    let preview = admin.post("/articles/tide/previews", json!({})).await;
    assert!(preview.json["url"].as_str().unwrap().starts_with(&url), "{preview:?}");
}

async fn links_are_looked_at_by_the_permalinks(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    admin.patch("/site", json!({"permalinks": {"article": "/{year}/{slug}"}})).await;
    let ebb = published(&admin, json!({"title": "Ebb"})).await;
    let body = "[a](/2026/ebb) [b](/2026/gone) [c](/articles/gone) [d](/about)";
    admin.post("/articles", json!({"title": "Tide", "body": {"source": body}})).await;
    let found = admin.get("/articles/tide/preflight").await;
    let dead: Vec<&str> = found.json["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["code"] == "dead_link")
        .map(|check| check["message"].as_str().unwrap())
        .collect();
    assert_eq!(dead, ["`/2026/gone` leads to no public article"], "{ebb}");
}

async fn an_article_that_does_not_say_is_in_the_sites_first_language(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    assert_eq!(admin.post("/articles", json!({"title": "A"})).await.json["language"], "en");
    assert_eq!(admin.patch("/site", json!({"languages": ["de", "en"]})).await.status, 200);
    assert_eq!(admin.post("/articles", json!({"title": "B"})).await.json["language"], "de");
    let said = admin.post("/articles", json!({"title": "C", "language": "en-GB"})).await;
    assert_eq!(said.json["language"], "en-GB");
    assert_eq!(admin.patch("/articles/c", json!({"language": null})).await.json["language"], "de");
    let unknown = admin.post("/articles", json!({"title": "D", "language": "xx"})).await;
    assert_eq!((unknown.status.as_u16(), &unknown.json["errors"][0]["pointer"]), (422, &json!("/language")));
}

async fn another_process_follows(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    published(&admin, json!({"title": "Tide"})).await;
    // What another process would write.
    app.execute(
        "UPDATE site SET version = version + 1, profile = replace(profile, '/articles/{slug}', '/stories/{slug}')",
    );
    // What is told to those who keep copies is not told again.
    let told = app.anyone().get("/changes?kind=article").await;
    assert_eq!(told.json["data"][0]["url"], "https://news.example/stories/tide");
    for _ in 0..100 {
        if app.anyone().get("/articles/tide").await.json["url"] == "https://news.example/stories/tide" {
            return;
        }
        actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it does not follow");
}

fn rating() -> Value {
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {"rating": {"type": "integer", "minimum": 1, "maximum": 5}, "cast": {"type": "array", "items": {"type": "string", "maxLength": 10}}},
    })
}

async fn custom_fields_are_held_to_the_schema(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let author = app.signed_in(Role::Author).await;
    assert_eq!(admin.patch("/site", json!({"custom_fields": {"schema": rating()}})).await.status, 200);
    assert_eq!(app.anyone().get("/site").await.json["custom_fields"]["schema"], rating());
    let wrong = json!({"title": "A", "custom": {"rating": 6, "cast": ["x", "much too long a name"], "mood": "sad"}});
    let refused = author.post("/articles", wrong).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    let mut pointers: Vec<&str> =
        refused.json["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/custom/cast/1", "/custom/mood", "/custom/rating"]);
    assert_eq!(author.post("/articles", json!({"title": "A", "custom": {"rating": 5}})).await.status, 201);
    let refused = author.patch("/articles/a", json!({"custom": {"rating": 0}})).await;
    assert_eq!((refused.status.as_u16(), &refused.json["errors"][0]["pointer"]), (422, &json!("/custom/rating")));
    assert_eq!(author.patch("/articles/a", json!({"custom": {"rating": 1}})).await.status, 200);
    let seen = json!({"type": "object", "properties": {"rating": {}, "seen": {"type": "string", "format": "date"}}});
    admin.patch("/site", json!({"custom_fields": {"schema": seen}})).await.assert(200);
    let refused = author.patch("/articles/a", json!({"custom": {"seen": "last week"}})).await;
    assert_eq!(refused.assert(422).mistakes(), [("/custom/seen".to_owned(), "custom_field".to_owned())]);
    author.patch("/articles/a", json!({"custom": {"seen": "2026-03-01"}})).await.assert(200);
    author.patch("/articles/a", json!({"custom": {"seen": null}})).await.assert(200);
    // The whole schema is replaced, not merged.
    let other = json!({"type": "object", "properties": {"rating": {"type": "number"}}});
    let site = admin.patch("/site", json!({"custom_fields": {"schema": other}})).await;
    assert_eq!(site.json["custom_fields"]["schema"], other);
    assert_eq!(author.patch("/articles/a", json!({"custom": {"mood": "sad"}})).await.status, 200);
    admin.patch("/site", json!({"custom_fields": null})).await;
    assert_eq!(author.patch("/articles/a", json!({"custom": {"rating": "none"}})).await.status, 200);
}

async fn a_section_has_fields_of_its_own(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    for (name, parent) in [("Culture", None), ("Film", Some("culture")), ("Sport", None)] {
        assert_eq!(admin.post("/sections", json!({"name": name, "parent": parent})).await.status, 201);
    }
    let schema = |name: &str| json!({"type": "object", "required": [name]});
    let fields = json!({"schema": schema("a"), "sections": [{"section": "culture", "schema": schema("c")}]});
    assert_eq!(admin.patch("/site", json!({"custom_fields": fields})).await.status, 200);
    assert_eq!(app.anyone().get("/site").await.json["custom_fields"]["sections"][0]["section"], "culture");
    let write = async |section: Option<&str>, field: &str| {
        admin.post("/articles", json!({"title": "T", "section": section, "custom": {field: 1}})).await.status.as_u16()
    };
    assert_eq!((write(None, "a").await, write(None, "c").await), (201, 422));
    assert_eq!((write(Some("sport"), "a").await, write(Some("sport"), "c").await), (201, 422));
    assert_eq!((write(Some("culture"), "a").await, write(Some("culture"), "c").await), (422, 201));
    assert_eq!((write(Some("film"), "a").await, write(Some("film"), "c").await), (422, 201));
    let moved = admin.patch("/articles/t", json!({"section": "film"})).await;
    assert_eq!((moved.status.as_u16(), &moved.json["errors"][0]["pointer"]), (422, &json!("/custom/c")));
}

async fn a_schema_that_would_refuse_what_is_stored_is_refused(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    admin.post("/articles", json!({"title": "Good", "custom": {"rating": 3}})).await;
    admin.post("/articles", json!({"title": "Bad", "custom": {"rating": "three"}})).await;
    published(&admin, json!({"title": "Live", "custom": {"rating": 9}})).await;
    admin.patch("/articles/live", json!({"custom": {"rating": 2}})).await;
    admin.post("/articles", json!({"title": "Thrown away", "custom": {"rating": "ten"}})).await;
    admin.delete("/articles/thrown-away").await;
    let refused = admin.patch("/site", json!({"custom_fields": {"schema": rating()}})).await;
    assert_eq!((refused.status.as_u16(), &refused.json["code"]), (409, &json!("conflict")), "{refused:?}");
    let told = refused.json["errors"].to_string();
    assert!(told.contains("`bad`") && told.contains("`live`"), "{told}");
    assert!(!told.contains("`good`") && !told.contains("thrown"), "{told}");
    assert_eq!(app.anyone().get("/site").await.json["custom_fields"]["schema"], Value::Null);
    admin.patch("/articles/bad", json!({"custom": {"rating": 3}})).await;
    admin.put("/articles/live/publication", json!({})).await;
    assert_eq!(admin.patch("/site", json!({"custom_fields": {"schema": rating()}})).await.status, 200);
}

async fn a_schema_has_to_be_one(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    for schema in [
        json!({"type": "objekt"}),
        json!({"properties": []}),
        json!({"$ref": "https://schemas.example/x.json"}),
        json!({"$ref": "file:///etc/passwd"}),
        json!({"properties": {"a": {"pattern": "("}}}),
        json!({"description": "x".repeat(70_000)}),
        json!([]),
        json!("{}"),
    ] {
        let refused = admin.patch("/site", json!({"custom_fields": {"schema": schema}})).await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert!(
            refused.json["errors"][0]["pointer"].as_str().unwrap().starts_with("/custom_fields/schema"),
            "{refused:?}"
        );
    }
    let nested = (0..200).fold(json!({}), |inner, _| json!({"not": inner}));
    let status = admin.patch("/site", json!({"custom_fields": {"schema": nested}})).await.status.as_u16();
    assert!([200, 400, 422].contains(&status), "{status}");
}

async fn nothing_gets_around_the_schema(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    for name in ["Culture", "Gamma"] {
        admin.post("/sections", json!({"name": name})).await.assert(201);
    }
    let loose = json!({"title": "Loose", "section": "gamma", "custom": {"weird": 1}});
    admin.post("/articles", loose).await.assert(201);
    admin.post("/articles", json!({"title": "Story", "custom": {"k": "x"}})).await.assert(201);
    admin.patch("/articles/story", json!({"custom": {"k": 1}})).await.assert(200);
    admin.post("/articles", json!({"title": "Bin", "custom": {"k": "x"}})).await.assert(201);
    admin.delete("/articles/bin").await.assert(204);
    let schema = json!({"type": "object", "properties": {"k": {"type": "integer"}}});
    let strict = json!({"type": "object", "additionalProperties": false});
    let fields = json!({"schema": schema, "sections": [{"section": "culture", "schema": strict}]});
    admin.patch("/site", json!({"custom_fields": fields})).await.assert(200);
    // A section that moves below one with other fields.
    let moved = admin.patch("/sections/gamma", json!({"parent": "culture"})).await;
    moved.assert_problem(409, "conflict");
    assert_eq!(moved.mistakes(), [("/parent".to_owned(), "refuses_stored".to_owned())]);
    // A revision from before, and an article from the trash.
    let old = admin.put("/articles/story/publication", json!({"revision": 1})).await;
    assert_eq!(old.assert(422).mistakes(), [("/custom/k".to_owned(), "custom_field".to_owned())]);
    admin.put("/articles/story/publication", json!({})).await.assert(200);
    admin.post("/articles/bin/restore", json!({})).await.assert(200);
    let bin = admin.put("/articles/bin/publication", json!({})).await;
    assert_eq!(bin.assert(422).mistakes(), [("/custom/k".to_owned(), "custom_field".to_owned())]);
    admin.patch("/articles/bin", json!({"custom": {"k": 1}})).await.assert(200);
    admin.put("/articles/bin/publication", json!({})).await.assert(200);
    // What is scheduled counts as stored.
    admin.post("/articles", json!({"title": "Later", "custom": {"q": 1}})).await.assert(201);
    admin.put("/articles/later/publication", json!({"at": "2030-01-01T00:00:00Z"})).await.assert(200);
    admin.patch("/articles/later", json!({"custom": {"q": "text"}})).await.assert(200);
    let other = json!({"type": "object", "properties": {"q": {"type": "string"}}});
    admin.patch("/site", json!({"custom_fields": {"schema": other}})).await.assert_problem(409, "conflict");
}

async fn whoever_follows_what_is_public_learns_of_new_addresses(app: TestApp) {
    let (admin, anyone) = (app.signed_in(Role::Admin).await, app.anyone());
    for name in ["Alpha", "Gamma"] {
        admin.post("/sections", json!({"name": name})).await.assert(201);
    }
    published(&admin, json!({"title": "Tide", "section": "gamma"})).await;
    admin.post("/articles", json!({"title": "Draft", "section": "gamma"})).await.assert(201);
    let since = async || anyone.get("/changes").await.assert(200).text("/since");
    let told = async |since: String| {
        let mut urls = anyone.get(&format!("/changes?since={since}")).await.assert(200).column("url");
        urls.sort();
        urls
    };
    let before = since().await;
    admin.patch("/site", json!({"permalinks": {"article": "/{section_path}/{slug}"}})).await.assert(200);
    let home = |paths: &[&str]| paths.iter().map(|path| format!("https://news.example{path}")).collect::<Vec<_>>();
    assert_eq!(told(before).await, home(&["/gamma/tide", "/sections/alpha", "/sections/gamma"]));
    let before = since().await;
    admin.patch("/sections/gamma", json!({"parent": "alpha"})).await.assert(200);
    assert_eq!(told(before).await, home(&["/alpha/gamma/tide", "/sections/alpha/gamma"]));
}

async fn addresses_are_told_apart(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    for (permalinks, pointer) in [
        (json!({"article": "/{slug}", "tag": "/{slug}"}), "/permalinks/tag"),
        (json!({"article": "/{slug}", "section": "/{path}"}), "/permalinks/section"),
        (json!({"article": "/feeds/{slug}"}), "/permalinks/article"),
        (json!({"tag": "/api/v1/{slug}"}), "/permalinks/tag"),
    ] {
        let refused = admin.patch("/site", json!({"permalinks": permalinks})).await;
        assert_eq!(refused.assert(422).mistakes()[0].0, pointer, "{refused:?}");
    }
}

/// Whoever comes first, nothing is stored that the schema refuses.
async fn a_schema_and_articles_at_once_leave_nothing_that_it_refuses(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let writes = (0..20).map(|n| {
        let admin = &admin;
        async move {
            let article = json!({"title": format!("T {n}"), "custom": {"rating": "bad"}});
            admin.post("/articles", article).await.status.as_u16()
        }
    });
    let set = admin.patch("/site", json!({"custom_fields": {"schema": rating()}}));
    let (statuses, set) = futures_util::join!(futures_util::future::join_all(writes), set);
    assert!(statuses.iter().all(|status| [201, 422].contains(status)), "{statuses:?}");
    let stored = statuses.contains(&201);
    assert!(set.status == if stored { 409 } else { 200 }, "{statuses:?} {set:?}");
}

on_both_databases! {
    a_site_is_told_to_anyone_and_changed_by_administrators,
    a_wrong_site_is_refused_with_all_that_is_wrong,
    every_address_follows_the_permalinks,
    links_are_looked_at_by_the_permalinks,
    an_article_that_does_not_say_is_in_the_sites_first_language,
    another_process_follows,
    custom_fields_are_held_to_the_schema,
    a_section_has_fields_of_its_own,
    a_schema_that_would_refuse_what_is_stored_is_refused,
    a_schema_has_to_be_one,
    a_schema_and_articles_at_once_leave_nothing_that_it_refuses,
    nothing_gets_around_the_schema,
    whoever_follows_what_is_public_learns_of_new_addresses,
    addresses_are_told_apart,
}
