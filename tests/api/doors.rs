//! No other spelling of an address, and no header that a proxy might send, leads around a permission.

use crate::{
    on_both_databases,
    support::{Client, PASSWORD, Reply, TestApp, spec},
};
use actix_web::http::Method;
use serde_json::json;

const EVIL: &str = "evil.example";

/// What of an answer is the same each time.
fn kept(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let own = ["date", "x-request-id", "connection"];
    let headers = reply.headers.iter().filter(|(name, _)| !own.contains(&name.as_str()));
    let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect();
    headers.sort();
    let mut body = String::from_utf8_lossy(&reply.bytes).into_owned();
    if let Some(id) = reply.json["request_id"].as_str() {
        body = body.replace(id, "…");
    }
    (reply.status.as_u16(), headers, body)
}

/// Headers by which other systems believe to know where they are, who asks, or what is asked.
const SENT: [(&str, &str); 14] = [
    ("host", EVIL),
    ("origin", "https://evil.example"),
    ("referer", "https://evil.example/"),
    ("forwarded", "for=127.0.0.1;host=evil.example;proto=http"),
    ("x-forwarded-host", EVIL),
    ("x-forwarded-proto", "gopher"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-real-ip", "127.0.0.1"),
    ("x-host", EVIL),
    ("x-original-url", "/api/v1/users"),
    ("x-rewrite-url", "/api/v1/users"),
    ("x-http-method-override", "DELETE"),
    ("x-method-override", "DELETE"),
    ("cookie", "access_token=x; session=x"),
];

async fn no_header_says_where_the_site_is_or_who_asks(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/articles", json!({"title": "Tide", "tags": []})).await.assert(201);
    editor.put("/articles/tide/publication", json!({})).await.assert(200);
    editor.patch("/articles/tide", json!({"slug": "ebb"})).await.assert(200);
    let paths = [
        "/articles",
        "/articles/ebb",
        "/articles/tide",
        "/articles/nothing",
        "/users",
        "/me",
        "/site",
        "/search?q=tide",
    ];
    let paths = paths.into_iter().chain([
        "//feeds/rss.xml",
        "//feeds/feed.json",
        "//sitemap.xml",
        "//llms.txt",
        "//openapi.json",
        "//nothing",
    ]);
    for path in paths {
        let plain = app.anyone().get(path).await;
        for (name, value) in SENT {
            let reply = app.anyone().with(name, value).get(path).await;
            assert_eq!(kept(&reply), kept(&plain), "{path} with {name}: {value}");
            assert!(
                !format!("{:?}{}", reply.headers, String::from_utf8_lossy(&reply.bytes)).contains(EVIL),
                "{path} {name}"
            );
        }
    }
    // Where a slug changed, the way on is the site's own, too; so is what is made.
    let moved = app.anyone().with("host", EVIL).get("/articles/tide").await;
    assert_eq!(moved.assert(308).header("location"), "/api/v1/articles/ebb");
    let made = editor.with("host", EVIL).with("x-forwarded-host", EVIL).post("/tags", json!({"name": "Ebb"})).await;
    assert_eq!(made.assert(201).header("location"), format!("/api/v1/tags/{}", made.text("/id")));
}

/// Other spellings of a path.
fn spellings(path: &str) -> Vec<String> {
    let last = path.rfind('/').map_or(0, |slash| slash + 1);
    let (folder, name) = path.split_at(last);
    let first = name.chars().next().unwrap_or('x');
    vec![
        path.to_uppercase(),
        path.replacen("/api/", "/API/", 1),
        format!("{path}/"),
        format!("{path}//"),
        format!("/{path}"),
        path.replacen("/v1/", "/v1//", 1),
        path.replacen("/v1/", "/v1/./", 1),
        path.replacen("/v1/", "/v1/articles/../", 1),
        path.replacen("/v1/", "/v1/articles/%2e%2e/", 1),
        path.replacen("/v1/", "/v1%2f", 1),
        format!("{folder}%{:02x}{}", u32::from(first), &name[first.len_utf8()..]),
        format!("{path};x=y"),
        format!("{path}.json"),
        format!("{path}%20"),
        format!("{path}%00"),
        format!("{path}%23"),
        format!("{path}%3f"),
        format!("{path}\\"),
        path.replacen("/v1/", "/v2/../v1/", 1),
    ]
}

async fn what_is_needlessly_encoded_in_an_address_changes_no_answer(app: TestApp) {
    let admin = app.signed_in(stet::permissions::Role::Admin).await;
    admin.post("/articles", json!({"title": "Tide"})).await.assert(201);
    admin.put("/articles/tide/publication", json!({})).await.assert(200);
    let key = admin.post("/api-keys", json!({"name": "Website", "role": "editor"})).await;
    let key = Client::new(&app.address, Some(key.assert(201).text("/token")));
    let nobody = Client::new(&app.address, Some("nonsense".into()));
    let reader = app.anyone().with("accept", "text/html");
    let login = json!({"email": app.new_user(stet::permissions::Role::Editor), "password": PASSWORD});
    let (get, post) = (Method::GET, Method::POST);
    for (client, method, path, body, status) in [
        (&app.anyone(), &get, "/api/v1/articles/tide", None, 200),
        (&app.anyone(), &get, "/api/v1/site", None, 200),
        (&app.anyone(), &get, "/api/v1/tags/none", None, 404),
        (&app.anyone(), &get, "/feeds/rss.xml", None, 200),
        (&app.anyone(), &get, "/sitemap.xml", None, 200),
        (&app.anyone(), &get, "/llms.txt", None, 200),
        (&app.anyone(), &post, "/api/v1/auth/logout", Some(json!({"refresh_token": "x"})), 204),
        (&app.anyone(), &post, "/api/v1/tags/ebb", None, 405),
        (&nobody, &get, "/api/v1/tags", None, 401),
        (&nobody, &get, "/feeds/rss.xml", None, 200),
        (&reader, &get, "/api/v1/tags", None, 406),
        (&admin, &get, "/api/v1/articles/tide", None, 200),
        (&key, &post, "/api/v1/auth/login", Some(login), 403),
    ] {
        // The client sends what stands behind the first slash as it is.
        let plain = client.send(method.clone(), &format!("/{path}"), body.clone()).await;
        plain.assert(status);
        for at in [1, path.len() - 1] {
            let (before, behind) = path.split_at(at);
            let encoded = format!("/{before}%{:02x}{}", behind.as_bytes()[0], &behind[1..]);
            let spelled = client.send(method.clone(), &encoded, body.clone()).await;
            assert_eq!(kept(&spelled), kept(&plain), "{encoded}");
        }
    }
}

async fn no_spelling_of_an_address_gets_around_a_permission(app: TestApp) {
    let admin = app.signed_in(stet::permissions::Role::Admin).await;
    let key = admin.post("/api-keys", json!({"name": "Website", "role": "reader"})).await;
    let reader = Client::new(&app.address, Some(key.assert(201).text("/token")));
    let mut tried = 0;
    let closed = spec::operations()
        .iter()
        .filter(|operation| operation.value["security"].as_array().is_some_and(|security| !security.is_empty()));
    for operation in closed {
        let path = operation
            .template()
            .replace("{ref}", "x")
            .replace("{number}", "1")
            .replace("{id}", "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d");
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        for spelling in spellings(&format!("/api/v1{path}")) {
            for client in [&app.anyone(), &reader] {
                // The client sends what stands behind the first slash as it is.
                let reply = client
                    .with("content-type", "application/json")
                    .raw(method.clone(), &format!("/{spelling}"), Vec::new())
                    .await;
                let status = reply.status.as_u16();
                assert!(matches!(status, 400 | 401 | 403 | 404 | 405), "{method} {spelling}: {status} {}", reply.json);
                tried += 1;
            }
        }
    }
    assert!(tried > 1500, "{tried}");
}

on_both_databases! {
    no_header_says_where_the_site_is_or_who_asks,
    no_spelling_of_an_address_gets_around_a_permission,
    what_is_needlessly_encoded_in_an_address_changes_no_answer,
}
