//! What browsers are told with every answer, and what clients say of themselves that changes none.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp, spec::operations},
};
use actix_web::http::Method;
use serde_json::json;
use stet::permissions::Role;

#[track_caller]
fn is_safe(reply: &Reply, path: &str) {
    let told =
        ["x-content-type-options", "referrer-policy", "cross-origin-resource-policy", "strict-transport-security"];
    assert_eq!(
        told.map(|name| reply.header(name)),
        ["nosniff", "no-referrer", "same-origin", "max-age=31536000"],
        "{path}"
    );
    let policy = reply.header("content-security-policy");
    assert!(
        policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"),
        "{path}: {policy}"
    );
    assert!(!policy.contains("unsafe-eval") && !policy.contains("script-src 'unsafe-inline'"), "{path}: {policy}");
    if !reply.header("content-type").starts_with("text/") {
        assert!(!policy.contains("script-src"), "{path}: {policy}");
    }
}

async fn every_answer_tells_browsers_what_they_may_do_with_it(app: TestApp) {
    let (anyone, admin) = (app.anyone(), app.signed_in(Role::Admin).await);
    for operation in operations() {
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let path = operation.template().replace("{ref}", "none").replace("{id}", "none").replace("{number}", "1");
        for client in [&anyone, &admin] {
            let reply = client.send(method.clone(), &format!("{path}?{}", operation.least_query()), None).await;
            is_safe(&reply, &path);
            let api = operation.path.starts_with("/api/");
            if api && (client.token.is_some() || !reply.status.is_success()) {
                assert_eq!(reply.header("cache-control"), "no-store", "{path}");
            }
        }
    }
    for page in [
        "//docs/",
        "//docs",
        "//docs/swagger-ui.css",
        "//setup",
        "//setup.js",
        "//openapi.json",
        "//nothing",
        "/nothing",
    ] {
        is_safe(&anyone.get(page).await, page);
    }
    is_safe(&anyone.with("accept", "text/html").get("/tags").await, "406");
    is_safe(&anyone.send(Method::OPTIONS, "/tags", None).await, "OPTIONS");
    is_safe(&anyone.send(Method::HEAD, "/tags", None).await, "HEAD");
    let script = anyone.get("//docs/").await.header("content-security-policy").to_owned();
    assert!(script.contains("script-src 'self'"), "{script}");
}

async fn only_a_site_with_tls_in_front_asks_for_it(app: TestApp) {
    let plain = TestApp::start_as(app.kind(), |site| site.url = "http://127.0.0.1:8080".into()).await;
    assert_eq!(plain.anyone().get("/tags").await.header("strict-transport-security"), "");
    assert_ne!(app.anyone().get("/tags").await.header("strict-transport-security"), "");
}

/// What is new each time.
const NEW: [&str; 3] = ["date", "x-request-id", "connection"];

fn kept(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let headers = reply.headers.iter().filter(|(name, _)| !NEW.contains(&name.as_str()));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    headers.sort();
    let body = String::from_utf8(reply.bytes.clone()).unwrap();
    let id = reply.header("x-request-id");
    (reply.status.as_u16(), headers, body.replace(id, ""))
}

async fn what_a_client_says_of_where_it_asked_changes_no_answer(app: TestApp) {
    let (anyone, editor) = (app.anyone(), app.editor().await);
    let id = editor.post("/articles", json!({"title": "The harbour reopens"})).await.assert(201).text("/id");
    editor.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
    editor.post("/redirects", json!({"source": "/old", "target": "/new"})).await.assert(201);
    editor.patch(&format!("/articles/{id}"), json!({"slug": "harbour"})).await.assert(200);
    editor.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
    let evil = |client: &Client| {
        let client = client.with("host", "evil.example").with("origin", "https://evil.example");
        let client = client.with("x-forwarded-host", "evil.example").with("x-forwarded-proto", "gopher");
        let client = client.with("x-forwarded-for", "203.0.113.9").with("x-forwarded-prefix", "/evil");
        let client = client.with("forwarded", "for=203.0.113.9;host=evil.example;proto=gopher");
        let client = client.with("x-original-url", "/api/v1/users").with("x-rewrite-url", "/api/v1/users");
        client.with("x-http-method-override", "DELETE").with("x-real-ip", "203.0.113.9")
    };
    let mut tried = 0;
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        // What moves on by itself.
        if ["list_sessions", "get_readiness", "list_changes", "list_audit"].contains(&operation.id.as_str()) {
            continue;
        }
        let path = operation.template().replace("{ref}", "harbour").replace("{id}", &id).replace("{number}", "1");
        let path = format!("{path}?{}", operation.least_query());
        for client in [&anyone, &editor] {
            let (plain, told) = (client.get(&path).await, evil(client).get(&path).await);
            assert_eq!(kept(&plain), kept(&told), "{path}");
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried}");
    let moved = "/articles/the-harbour-reopens";
    assert_eq!(kept(&anyone.get(moved).await), kept(&evil(&anyone).get(moved).await));
    let made = evil(&editor).post("/tags", json!({"name": "Ebb"})).await;
    assert_eq!(made.assert(201).header("location"), format!("/api/v1/tags/{}", made.text("/id")));
}

on_both_databases! {
    every_answer_tells_browsers_what_they_may_do_with_it,
    only_a_site_with_tls_in_front_asks_for_it,
    what_a_client_says_of_where_it_asked_changes_no_answer,
}
