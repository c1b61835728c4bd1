//! Methods, media types, origins, encodings and request ids.

use super::{story, wire};
use crate::{
    on_both_databases,
    support::{Kind, TestApp, postgres},
};
use actix_web::http::Method;
use serde_json::json;
use std::time::Duration;

async fn methods_are_answered_or_named(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    story(&editor, json!({"title": "Ebb"})).await;
    for path in ["/articles", "/articles/ebb", "/tags", "/articles/ebb/comments", "//openapi.json"] {
        let (get, head) = (anyone.get(path).await, anyone.raw(Method::HEAD, path, Vec::new()).await);
        assert_eq!(head.status, get.status, "{path}");
        for header in ["etag", "content-type", "link", "cache-control"] {
            assert_eq!(head.header(header), get.header(header), "{path}: {header}");
        }
    }
    let head = wire(&app, b"HEAD /api/v1/articles/ebb HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let head = wire(&app, b"HEAD /api/v1/none HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert_eq!((head.status, head.body.as_str()), (404, ""));
    for (path, allow) in [
        ("/articles", "GET, HEAD, OPTIONS, POST"),
        ("/articles/anything", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/articles/anything/publication", "DELETE, OPTIONS, PUT"),
        ("/articles/anything/restore", "OPTIONS, POST"),
        ("/auth/login", "OPTIONS, POST"),
        ("//readyz", "GET, HEAD, OPTIONS"),
        ("//openapi.json", "GET, HEAD, OPTIONS"),
        ("//docs", "GET, HEAD, OPTIONS"),
        ("//docs/", "GET, HEAD, OPTIONS"),
        ("//docs/swagger-ui.css", "GET, HEAD, OPTIONS"),
        ("//feeds/rss.xml", "GET, HEAD, OPTIONS"),
        ("//sitemaps/tags.xml", "GET, HEAD, OPTIONS"),
        ("//setup", "GET, HEAD, OPTIONS"),
        ("//setup.js", "GET, HEAD, OPTIONS"),
        ("//password/reset", "GET, HEAD, OPTIONS"),
    ] {
        let options = anyone.raw(Method::OPTIONS, path, Vec::new()).await;
        assert_eq!((options.assert(204).header("allow"), options.bytes.len()), (allow, 0), "{path}");
        for method in ["PUT", "TRACE", "PURGE", "DELETE", "GET", "POST"] {
            if !allow.contains(method) {
                let refused = anyone.raw(method.parse().unwrap(), path, Vec::new()).await;
                assert_eq!(refused.assert_problem(405, "method_not_allowed").header("allow"), allow, "{method} {path}");
            }
        }
    }
    for path in [
        "/none",
        "/tags/",
        "/tags//",
        "//api/v1",
        "//api/v2/tags",
        "//",
        "/articles/a/b/c",
        "/Tags",
        "/tags/a%2Fb",
        "/tags/%ff",
        "/tags/a%00",
        "/comments/x",
    ] {
        anyone.get(path).await.assert_problem(404, "not_found");
    }
    anyone.get(&format!("/tags/{}", "x".repeat(30_000))).await.assert_problem(404, "not_found");
    anyone.raw(Method::OPTIONS, "/none", Vec::new()).await.assert_problem(404, "not_found");
}

async fn media_types_are_negotiated(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for accept in ["text/html", "application/xml, text/*", "application/json;q=0", "image/png"] {
        anyone.with("accept", accept).get("/tags").await.assert_problem(406, "not_acceptable");
    }
    for accept in ["*/*", "application/*", "text/html, application/json;q=0.1", "application/problem+json", ""] {
        anyone.with("accept", accept).get("/tags").await.assert(200);
    }
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin1",
        "application/merge-patch+json",
        "x",
        "application/json/x",
    ] {
        let refused = editor.with("content-type", media).raw(Method::POST, "/tags", b"{}".to_vec()).await;
        assert_eq!(
            refused.assert_problem(415, "unsupported_media_type").header("accept-post"),
            "application/json",
            "{media}"
        );
    }
    let packed = editor.with("content-encoding", "gzip").post("/tags", json!({"name": "Flood"})).await;
    assert_eq!(packed.assert_problem(415, "unsupported_media_type").header("accept-encoding"), "identity");
    let refused = editor.raw(Method::PATCH, "/tags/ebb", b"{}".to_vec()).await;
    let patch = "application/merge-patch+json, application/json";
    assert_eq!(refused.assert_problem(415, "unsupported_media_type").header("accept-patch"), patch);
    for media in ["application/json", "Application/JSON; Charset=UTF-8", "application/merge-patch+json"] {
        editor.with("content-type", media).raw(Method::PATCH, "/tags/ebb", b"{}".to_vec()).await.assert(200);
    }
}

async fn encodings_are_negotiated(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    story(&editor, json!({"title": "Ebb", "body": {"source": "Low water. ".repeat(500)}})).await;
    for (accept, coding) in [
        ("br", "br"),
        ("zstd", "zstd"),
        ("gzip", "gzip"),
        ("gzip;q=0.1, br;q=0.9", "br"),
        ("identity", ""),
        ("compress", ""),
    ] {
        let answer = anyone.with("accept-encoding", accept).get("/articles/ebb").await;
        assert_eq!(answer.assert(200).header("content-encoding"), coding, "{accept}");
    }
    // Where nothing is left that may be sent, it is said as everything else is.
    let refused = anyone.with("accept-encoding", "identity;q=0, compress").get("/articles/ebb").await;
    refused.assert_problem(406, "not_acceptable");
}

async fn a_request_has_an_id(app: TestApp) {
    let anyone = app.anyone();
    let given = anyone.with("x-request-id", "from-the-front-7").get("/tags/none").await;
    assert_eq!(
        (given.header("x-request-id"), given.text("/request_id")),
        ("from-the-front-7", "from-the-front-7".into())
    );
    for id in [String::new(), "x".repeat(129), "with a space".into()] {
        let made = anyone.with("x-request-id", &id).get("/tags/none").await;
        assert_eq!(made.header("x-request-id").len(), 36);
        assert_eq!(made.text("/request_id"), made.header("x-request-id"));
    }
}

async fn headers_that_are_no_text_are_answered(app: TestApp) {
    for (header, status) in [
        ("x-request-id", 200),
        ("accept", 200),
        ("if-none-match", 200),
        ("accept-encoding", 200),
        ("authorization", 401),
        ("origin", 200),
        ("user-agent", 200),
    ] {
        let mut request =
            format!("GET /api/v1/tags HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{header}: ").into_bytes();
        request.extend(b"\xe9\xff\xc0\r\n\r\n");
        let answer = wire(&app, &request).await;
        assert_eq!(answer.status, status, "{header}: {}", answer.body);
        assert!(answer.head.contains("x-request-id: "));
    }
    let token = app.editor().await.token.unwrap();
    for (header, status) in [("idempotency-key", 400), ("if-match", 412), ("content-type", 415)] {
        let (method, path) = if header == "if-match" { ("DELETE", "tags/ebb") } else { ("POST", "tags") };
        app.editor().await.post("/tags", json!({"name": "Ebb"})).await;
        let mut request = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n"
        )
        .into_bytes();
        if header != "content-type" {
            request.extend(b"content-type: application/json\r\n");
        }
        request.extend(format!("content-length: 14\r\n{header}: ").bytes());
        request.extend(b"\xe9\xff\r\n\r\n{\"name\": \"Ebb\"}");
        let answer = wire(&app, &request).await;
        assert_eq!(answer.status, status, "{header}: {}", answer.body);
    }
    // What is not HTTP meets actix alone, which answers it without a body.
    let long = |head: &str| format!("{head}{}", "x".repeat(140_000));
    for (request, status) in [
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(65_535)), 400),
        (long("GET /"), 431),
        (long("GET / HTTP/1.1\r\nx: "), 431),
    ] {
        let answer = wire(&app, request.as_bytes()).await;
        assert_eq!((answer.status, &*answer.body), (status, ""), "{}", answer.head);
    }
    for request in [
        "GET /api/v1/tags?\u{e9}=1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        "GARBAGE\r\n\r\n",
        "GET  HTTP/9.9\r\n\r\n",
    ] {
        assert!((400..500).contains(&wire(&app, request.as_bytes()).await.status), "{request}");
    }
}

async fn origins_are_let_in_by_name(kind: Kind) {
    let app =
        TestApp::start_with(kind, |listening| listening.cors_origins = vec!["https://front.example".into()]).await;
    let preflight = |origin: &str, method: &str, headers: &str| {
        app.anyone()
            .with("origin", origin)
            .with("access-control-request-method", method)
            .with("access-control-request-headers", headers)
    };
    let allowed = preflight("https://front.example", "PATCH", "authorization, if-match, idempotency-key, content-type")
        .raw(Method::OPTIONS, "/tags/x", Vec::new())
        .await;
    assert_eq!(allowed.header("access-control-allow-origin"), "https://front.example");
    assert!(allowed.header("access-control-allow-methods").contains("PATCH"));
    assert!(allowed.header("access-control-allow-headers").to_lowercase().contains("if-match"));
    let forbidden =
        preflight("https://evil.example", "PATCH", "authorization").raw(Method::OPTIONS, "/tags/x", Vec::new()).await;
    assert_eq!(forbidden.header("access-control-allow-origin"), "");
    let forbidden =
        preflight("https://front.example", "PATCH", "x-secret").raw(Method::OPTIONS, "/tags/x", Vec::new()).await;
    forbidden.assert_problem(400, "bad_request");
    let read = app.anyone().with("origin", "https://front.example").get("/tags").await;
    assert_eq!(read.assert(200).header("access-control-allow-origin"), "https://front.example");
    assert!(read.header("access-control-expose-headers").to_lowercase().contains("etag"));
    let refused = app.anyone().with("origin", "https://front.example").get("/none").await;
    assert_eq!(refused.assert(404).header("access-control-allow-origin"), "https://front.example");
    let stranger = app.anyone().with("origin", "https://evil.example").get("/tags").await;
    assert_eq!(stranger.assert(200).header("access-control-allow-origin"), "");
    let closed = TestApp::start_with(kind, |listening| listening.shutdown = Duration::ZERO).await;
    let nobody = closed.anyone().with("origin", "https://front.example").with("access-control-request-method", "GET");
    for method in [Method::GET, Method::OPTIONS] {
        let told = nobody.raw(method.clone(), "/tags", Vec::new()).await;
        let named = told.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
        assert_eq!((told.status.is_success(), named), (true, None), "{method}");
    }
}

#[actix_web::test]
async fn origins_are_let_in_by_name_sqlite() {
    origins_are_let_in_by_name(Kind::Sqlite).await;
}

#[actix_web::test]
async fn origins_are_let_in_by_name_postgres() {
    if postgres::server().is_some() {
        origins_are_let_in_by_name(Kind::Postgres).await;
    }
}

on_both_databases! {
    methods_are_answered_or_named,
    media_types_are_negotiated,
    encodings_are_negotiated,
    a_request_has_an_id,
    headers_that_are_no_text_are_answered,
}
