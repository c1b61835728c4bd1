//! Values at their bounds, and one over.

use super::draft;
use crate::{on_both_databases, support::TestApp};
use serde_json::{Value, json};
use stet::permissions::Role;

async fn texts_are_bounded_in_characters(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let article = draft(&editor, json!({"title": "Ebb"})).await;
    let comments = format!("/articles/{article}/comments");
    editor.put(&format!("/articles/{article}/publication"), json!({})).await.assert(200);
    for (path, base, pointer, max) in [
        ("/articles", json!({"title": "x"}), "/title", 200),
        ("/articles", json!({"title": "x"}), "/subtitle", 300),
        ("/articles", json!({"title": "x"}), "/excerpt", 500),
        ("/articles", json!({"title": "x", "seo": {}}), "/seo/title", 200),
        ("/articles", json!({"title": "x", "seo": {}}), "/seo/description", 500),
        ("/articles", json!({"title": "x", "image": {"url": "https://a.example"}}), "/image/alt", 300),
        ("/articles", json!({"title": "x", "image": {"url": "https://a.example"}}), "/image/credit", 200),
        ("/tags", json!({"name": "x"}), "/name", 100),
        ("/tags", json!({"name": "x"}), "/description", 1000),
        ("/authors", json!({"name": "x"}), "/bio", 5000),
        ("/sections", json!({"name": "x"}), "/description", 1000),
        (&*comments, json!({"body": "x", "name": "Jo", "email": "jo@a.example"}), "/name", 100),
        (&*comments, json!({"body": "x", "name": "Jo", "email": "jo@a.example"}), "/body", 5000),
    ] {
        let with = |text: &str| {
            let mut body = base.clone();
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap()[name] = json!(text);
            body
        };
        for letter in ["x", "ö", "🌊", "漢"] {
            anyone_or(&app, &editor, path, with(&letter.repeat(max))).await.assert(201);
            let refused = anyone_or(&app, &editor, path, with(&letter.repeat(max + 1))).await;
            let found = refused.assert_problem(422, "validation_failed").mistakes();
            assert_eq!(found, [(pointer.to_owned(), "too_long".to_owned())], "{path} {pointer} {letter}");
        }
        let refused = anyone_or(&app, &editor, path, with("a\u{0}b")).await;
        assert_eq!(
            refused.assert_problem(422, "validation_failed").mistakes(),
            [(pointer.to_owned(), "invalid_characters".to_owned())]
        );
    }
    for (path, body) in [
        ("/articles", json!({"title": " \u{3000}"})),
        ("/tags", json!({"name": ""})),
        (&*comments, json!({"body": ""})),
    ] {
        let refused = editor.post(path, body).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes()[0].1, "required");
    }
    let guest = anyone.post(&comments, json!({"body": "x"})).await;
    assert_eq!(
        guest.assert(422).mistakes(),
        [("/email".into(), "required".into()), ("/name".into(), "required".into())]
    );
}

/// Comments come from guests, the rest from editors.
async fn anyone_or(app: &TestApp, editor: &crate::support::Client, path: &str, body: Value) -> crate::support::Reply {
    if path.ends_with("/comments") { app.anyone().post(path, body).await } else { editor.post(path, body).await }
}

async fn lists_and_own_fields_are_bounded(app: TestApp) {
    let editor = app.editor().await;
    let mut tags = Vec::new();
    for number in 0..51 {
        let tag = editor.post("/tags", json!({"name": format!("Tag {number}")})).await;
        tags.push(tag.text("/slug"));
    }
    let fifty = editor.post("/articles", json!({"title": "x", "tags": tags[..50]})).await;
    assert_eq!(fifty.assert(201).json["tags"].as_array().unwrap().len(), 50);
    for body in [json!({"tags": tags}), json!({"authors": tags[..21]}), json!({"related": tags[..21]})] {
        let pointer = format!("/{}", body.as_object().unwrap().keys().next().unwrap());
        let refused = editor.patch(&format!("/articles/{}", fifty.text("/id")), body).await;
        assert_eq!(refused.assert(422).mistakes(), [(pointer, "too_many".to_owned())]);
    }
    let links = vec![json!({"label": "a", "url": "https://a.example"}); 21];
    editor.post("/authors", json!({"name": "x", "links": links[..20]})).await.assert(201);
    editor.post("/authors", json!({"name": "x", "links": links})).await.assert_problem(422, "validation_failed");

    let deep = |levels: usize| (0..levels - 1).fold(json!({}), |inner, _| json!({"a": inner}));
    let custom = |custom: Value| json!({"title": "x", "custom": custom});
    editor.post("/articles", custom(deep(32))).await.assert(201);
    assert_eq!(
        editor.post("/articles", custom(deep(33))).await.assert(422).mistakes(),
        [("/custom".into(), "too_deep".into())]
    );
    editor.post("/articles", custom(json!({"a": "x".repeat(65_528)}))).await.assert(201);
    assert_eq!(
        editor.post("/articles", custom(json!({"a": "x".repeat(65_529)}))).await.assert(422).mistakes(),
        [("/custom".into(), "too_long".into())]
    );
    let kept = json!({"": null, "\u{0}": "\u{0}\u{1f}", "🌊": ["\u{2028}", {"a/b~c": -0.5}]});
    let article = editor.post("/articles", custom(kept.clone())).await;
    assert_eq!(article.assert(201).json["custom"], kept);
    assert_eq!(editor.get(&format!("/articles/{}", article.text("/id"))).await.json["custom"], kept);
}

/// Names of fields by which serde_json passes itself what is no field: here they are data like any other.
async fn a_field_may_have_whatever_name(app: TestApp) {
    let (editor, stranger) = (app.editor().await, app.anyone());
    let deep = format!("{}{}", "[".repeat(126), "]".repeat(126));
    for key in ["$serde_json::private::RawValue", "$serde_json::private::Number"] {
        for value in [json!(5), json!("5"), json!("[1]"), json!(r#"{"x": 1, "x": 2}"#), json!(deep), json!({"a": 1})] {
            for custom in [json!({key: value}), json!({"a": [{key: value}], "b": {"c": {key: value}}})] {
                let article = editor.post("/articles", json!({"title": "x", "custom": custom})).await;
                assert_eq!(article.assert(201).json["custom"], custom);
                let path = format!("/articles/{}", article.text("/id"));
                editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
                assert_eq!(stranger.get(&path).await.assert(200).json["custom"], custom);
                assert_eq!(stranger.get(&format!("{path}?fields=custom")).await.assert(200).json["custom"], custom);
                let listed = stranger.get("/articles?fields=custom&limit=1").await;
                assert_eq!(listed.assert(200).json["data"][0]["custom"], custom);
                let changed = editor.patch(&path, json!({"title": "y", "custom": {"z": custom}})).await;
                assert_eq!(changed.assert(200).json["custom"]["z"], custom);
            }
            let administrator = app.signed_in(Role::Admin).await;
            let schema = json!({"type": "object", "default": {key: value}});
            let site = administrator.patch("/site", json!({"custom_fields": {"schema": schema}})).await;
            assert_eq!(site.assert(200).json["custom_fields"]["schema"], schema);
            assert_eq!(administrator.get("/site").await.assert(200).json["custom_fields"]["schema"], schema);
        }
    }
}

async fn slugs_are_plain_and_taken_once(app: TestApp) {
    let editor = app.editor().await;
    for path in ["/articles", "/tags", "/authors", "/sections"] {
        let name = if path == "/articles" { "title" } else { "name" };
        let new = |slug: &str| json!({name: "Ebb", "slug": slug});
        for slug in [
            "",
            "-",
            "a--b",
            "-a",
            "a-",
            "A",
            "ä",
            "a b",
            "a/b",
            "..",
            "a\u{0}",
            "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d",
            &"x".repeat(81),
        ] {
            let refused = editor.post(path, new(slug)).await;
            assert_eq!(refused.assert_problem(422, "validation_failed").mistakes()[0].0, "/slug", "{path} {slug}");
        }
        editor.post(path, new(&"x".repeat(80))).await.assert(201);
        let first = editor.post(path, new("ebb")).await;
        first.assert(201);
        editor.post(path, new("ebb")).await.assert_problem(409, "slug_taken");
        assert_eq!(editor.post(path, json!({name: "Ebb"})).await.assert(201).json["slug"], "ebb-2");
        editor.patch(&format!("{path}/ebb-2"), json!({"slug": "ebb"})).await.assert_problem(409, "slug_taken");
        let like_an_id = editor.post(path, json!({name: "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"})).await;
        assert!(!like_an_id.assert(201).text("/slug").starts_with("0190"));
        for nothing in ["!!!", "🌊", "\u{2605}"] {
            assert!(!editor.post(path, json!({name: nothing})).await.assert(201).text("/slug").is_empty());
        }
        assert_eq!(
            editor.get(&format!("{path}/{}", first.text("/id").to_uppercase())).await.assert(200).json["slug"],
            "ebb"
        );
    }
}

async fn addresses_are_of_the_web(app: TestApp) {
    let editor = app.editor().await;
    for (website, kept) in [
        ("https://example.org/a|b[c]?{d}^", "https://example.org/a%7Cb%5Bc%5D?%7Bd%7D%5E"),
        ("https://example.org/100%", "https://example.org/100%25"),
        ("https://exämple.org/ä", "https://xn--exmple-cua.org/%C3%A4"),
        ("HTTP://EXAMPLE.org:80/%7e#a#b", "http://example.org/%7e#a%23b"),
    ] {
        let author = editor.post("/authors", json!({"name": "x", "website": website})).await;
        assert_eq!(author.assert(201).json["website"], kept);
    }
    for website in [
        "javascript:alert(1)",
        "//example.org",
        "https://",
        "https://a b.example",
        "https://u:p@example.org",
        "https://{a}.example",
        "\u{0}",
        &format!("https://example.org/{}", "x".repeat(2000)),
    ] {
        let refused = editor.post("/authors", json!({"name": "x", "website": website})).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes()[0].0, "/website", "{website:.80}");
    }
}

on_both_databases! {
    texts_are_bounded_in_characters,
    lists_and_own_fields_are_bounded,
    a_field_may_have_whatever_name,
    slugs_are_plain_and_taken_once,
    addresses_are_of_the_web,
}
