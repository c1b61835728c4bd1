//! Bodies that are not what they should be: broken, deep, huge, double, of the wrong type.

use super::wire;
use crate::{
    on_both_databases,
    support::{Client, Kind, Reply, TestApp},
};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

async fn post(client: &Client, path: &str, body: impl Into<Vec<u8>>) -> Reply {
    client.with("content-type", "application/json").raw(Method::POST, path, body.into()).await
}

async fn broken_json_is_refused_with_its_line_and_column(app: TestApp) {
    let editor = app.editor().await;
    let deep = format!("{{\"title\": \"Ebb\", \"custom\": {}1{}}}", "{\"a\":".repeat(200), "}".repeat(200));
    let lists = "[".repeat(100_000);
    for (body, place) in [
        ("{\"title\": \"Ebb\",\n \"featured\": treu}", "line 2, column 16"),
        ("{\"title\": \"Ebb\"", "line 1, column 15"),
        ("{\"title\": \"Ebb\",}", "line 1, column 17"),
        ("{'title': 'Ebb'}", "line 1, column 2"),
        ("{\"title\": \"Ebb\"} {}", "line 1, column 18"),
        ("", "line 1, column 0"),
        (" \n ", "line 2, column 1"),
        ("title=Ebb", "line 1, column 2"),
        ("{\"title\": \"a\nb\"}", "line 2, column 0"),
        ("{\"title\": \"\\ud800\"}", "line 1, column"),
        ("{\"title\": \"\\udc00\\ud800\"}", "line 1, column"),
        ("{\"title\": \"\\x\"}", "line 1, column"),
        ("{\"title\": NaN}", "line 1, column"),
        ("{\"title\": 1e400}", "line 1, column"),
        ("{\"title\": 01}", "line 1, column"),
        ("\u{feff}{\"title\": \"Ebb\"}", "line 1, column 1"),
        ("{\"title\": \"Ebb\", \"title\": \"Flood\"}", "stands twice"),
        ("{\"title\": \"Ebb\", \"seo\": {\"title\": \"a\", \"title\": \"a\"}}", "stands twice"),
        ("{\"custom\": {\"\\u0000\": 1, \"\\u0000\": 2}}", "stands twice"),
        (&deep, "recursion limit"),
        (&lists, "recursion limit"),
    ] {
        for (method, path) in
            [(Method::POST, "/articles"), (Method::PATCH, "/articles/ebb"), (Method::PUT, "/articles/ebb/publication")]
        {
            if method == Method::PUT && body.is_empty() {
                continue; // To publish one needs to say nothing.
            }
            let client = editor.with("content-type", "application/json");
            let refused = client.raw(method.clone(), path, body.into()).await;
            let detail = refused.assert_problem(400, "malformed_json").text("/detail");
            assert!(detail.contains(place), "{method} {body:.60}: {detail}");
        }
    }
    let latin = post(&editor, "/articles", b"{\"title\": \"\xe9b\"}".to_vec()).await;
    latin.assert_problem(400, "malformed_json");
    let cut = post(&editor, "/articles", b"{\"title\": \"\xf0\x9f\x8c\"}".to_vec()).await;
    cut.assert_problem(400, "malformed_json");
    assert_eq!(editor.get("/articles?count=true").await.json["page"]["total"], 0);
}

async fn a_body_has_a_bound(app: TestApp) {
    let editor = app.editor().await;
    let huge = |bytes: usize| format!("{{\"title\": \"Ebb\"}}{}", " ".repeat(bytes - 16));
    post(&editor, "/articles", huge(2 * 1024 * 1024)).await.assert(201);
    post(&editor, "/articles", huge(2 * 1024 * 1024 + 1)).await.assert_problem(413, "body_too_large");
    post(&editor, "/articles", huge(5_000_000)).await.assert_problem(413, "body_too_large");
    post(&editor.with("content-length", "99999999999999999999"), "/tags", "{}").await;
    // In pieces, so that its length is not known before.
    let piece = format!("40000\r\n{}\r\n", " ".repeat(0x40000));
    let token = editor.token.as_deref().unwrap();
    let request = format!(
        "POST /api/v1/tags HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{}0\r\n\r\n",
        piece.repeat(9)
    );
    let refused = wire(&app, request.as_bytes()).await;
    assert!(refused.status == 413 && refused.body.contains("body_too_large"), "{}", refused.head);
}

async fn who_is_not_signed_in_sends_little(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let id = super::story(&editor, json!({"title": "Ebb"})).await;
    let padded = |bytes: usize| format!("{{\"refresh_token\": \"x\"}}{}", " ".repeat(bytes - 22)).into_bytes();
    let comments = format!("/articles/{id}/comments");
    for path in ["/auth/logout", "/auth/login", "/auth/refresh", "/auth/code", &comments] {
        assert_ne!(post(&anyone, path, padded(64 * 1024)).await.status, 413, "{path}");
        post(&anyone, path, padded(64 * 1024 + 1)).await.assert_problem(413, "body_too_large");
        let nobody = Client::new(&app.address, Some("nonsense".into()));
        assert!([401, 413].contains(&post(&nobody, path, padded(1_000_000)).await.status.as_u16()), "{path}");
    }
    // The longest comment there is, written as long as it can be.
    let longest = format!(
        "{{\"name\": \"Brandt\", \"email\": \"b@reader.example\", \"body\": \"{}\"}}",
        "\\ud83d\\udc1f".repeat(5000)
    );
    post(&anyone, &comments, longest).await.assert(201);
    post(&editor, &comments, format!("{{\"body\": \"x\"}}{}", " ".repeat(100_000))).await.assert(201);
}

async fn a_body_of_many_small_values_costs_no_more_than_one_of_few(app: TestApp) {
    let editor = app.editor().await;
    let article = |field: &str, values: &[&str]| format!("{{\"title\": \"x\", \"{field}\": [{}]}}", values.join(","));
    // What stands behind one too many is not looked at.
    let long = [vec!["\"a\""; 50_000], vec!["1"; 60]].concat();
    for field in ["authors", "tags", "related"] {
        let refused = post(&editor, "/articles", article(field, &long)).await;
        assert_eq!(refused.assert(422).mistakes(), [(format!("/{field}"), "too_many".to_owned())]);
    }
    post(&editor, "/articles", article("related", &vec!["[]"; 100_001])).await.assert_problem(413, "body_too_large");
    // Each mistake is found by reading the body once more.
    let unknown: Vec<String> = (0..60).map(|n| format!("\"x{n}\": 1")).collect();
    let mistakes = async |values: usize| {
        let body = format!(
            "{{\"title\": \"x\", \"custom\": {{\"a\": [{}]}}, {}}}",
            vec!["1"; values].join(","),
            unknown.join(",")
        );
        post(&editor, "/articles", body).await.assert(422).mistakes().len()
    };
    assert_eq!((mistakes(100).await, mistakes(90_000).await), (50, 5));
}

async fn who_reads_does_not_wait_for_long_texts_of_others(app: TestApp) {
    let editor = app.editor().await;
    super::story(&editor, json!({"title": "Ebb"})).await;
    let long = json!({"title": "Long", "body": {"source": "*a* ".repeat(20_000)}});
    let writes: Vec<_> = (0..6)
        .map(|_| {
            let (editor, long) = (editor.clone(), long.clone());
            actix_web::rt::spawn(async move { editor.post("/articles", long).await.assert(201).text("/id") })
        })
        .collect();
    actix_web::rt::time::sleep(Duration::from_millis(300)).await;
    for _ in 0..5 {
        app.anyone().get("/articles?limit=1").await.assert(200);
    }
    let done = writes.iter().filter(|write| write.is_finished()).count();
    assert!(done < writes.len(), "all were done before");
    for write in writes {
        write.await.unwrap();
    }
}

#[actix_web::test]
async fn an_answer_that_nobody_reads_is_not_kept() {
    let app = TestApp::start_with(Kind::Sqlite, |listening| listening.unread = Duration::from_secs(2)).await;
    let size = app.anyone().get("//openapi.json").await.bytes.len();
    let address = app.address.trim_start_matches("http://").to_owned();
    let read = actix_web::rt::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all("GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(40).as_bytes()).unwrap();
        std::thread::sleep(Duration::from_secs(8));
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answers = Vec::new();
        _ = stream.read_to_end(&mut answers);
        answers.len()
    })
    .await
    .unwrap();
    assert!(read < 40 * size, "all of {read} bytes were kept");
}

async fn every_mistake_is_found_at_once(app: TestApp) {
    let editor = app.editor().await;
    let wrong = json!({
        "slug": "Not a slug", "title": 7, "subtitle": "x\ny", "excerpt": ["x"], "body": {"format": "docx", "sauce": "x"},
        "authors": "mira", "tags": ["ok", 7, "NO", null], "section": {}, "related": {"a": 1}, "image": {"url": "/relative", "width": 0, "height": 1.5},
        "visibility": "secret", "featured": "yes", "language": "en_US", "comments": true,
        "seo": {"title": "x".repeat(201), "noindex": 1, "canonical_url": "ftp://example.org"}, "custom": [], "extra": {"deep": [1]}, "a/b~c": 1,
    });
    let refused = editor.post("/articles", wrong).await;
    let found: Vec<String> =
        refused.assert_problem(422, "validation_failed").mistakes().into_iter().map(|(at, _)| at).collect();
    let expected = [
        "/a~1b~0c",
        "/authors",
        "/body/format",
        "/body/sauce",
        "/body/source",
        "/comments",
        "/custom",
        "/excerpt",
        "/extra",
        "/featured",
        "/image/height",
        "/image/url",
        "/image/width",
        "/language",
        "/related",
        "/section",
        "/seo/canonical_url",
        "/seo/noindex",
        "/seo/title",
        "/slug",
        "/subtitle",
        "/tags/1",
        "/tags/2",
        "/tags/3",
        "/title",
        "/visibility",
    ];
    let mut found = found;
    found.sort();
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
}

async fn a_list_is_no_object_and_nothing_else_is(app: TestApp) {
    let editor = app.editor().await;
    super::draft(&editor, json!({"title": "Ebb"})).await;
    for path in [
        "/articles",
        "/tags",
        "/authors",
        "/sections",
        "/auth/login",
        "/auth/refresh",
        "/auth/setup",
        "/articles/ebb/comments",
    ] {
        for body in [json!([]), json!(["a", "b", "c"]), json!(null), json!("x"), json!(1), json!(true)] {
            let refused = editor.post(path, body.clone()).await;
            let found = refused.assert_problem(422, "validation_failed").mistakes();
            assert_eq!(found, [(String::new(), "invalid_type".to_owned())], "{path} {body}");
            let told = refused.text("/detail");
            assert!(told.starts_with("it should be an object, not "), "{path} {body}: {told}");
        }
    }
    for (field, value) in [
        ("body", json!(["markdown", "x"])),
        ("seo", json!([])),
        ("image", json!(["https://example.org/a.jpg"])),
        ("comments", json!([false])),
        ("custom", json!([])),
    ] {
        let refused = editor.post("/articles", json!({"title": "x", field: value})).await;
        let found = refused.assert_problem(422, "validation_failed").mistakes();
        assert_eq!(found, [(format!("/{field}"), "invalid_type".to_owned())], "{field}");
        let refused = editor.patch("/articles/ebb", json!({field: value})).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), found, "{field}");
    }
    let links =
        json!({"name": "Mira", "links": [{"label": "a", "url": "https://a.example"}, ["b", "https://b.example"]]});
    let refused = editor.post("/authors", links).await;
    assert_eq!(refused.assert(422).mistakes(), [("/links/1".to_owned(), "invalid_type".to_owned())]);
}

async fn absurd_numbers_are_refused_where_a_number_is_due(app: TestApp) {
    let editor = app.editor().await;
    for number in [
        "-1",
        "1000001",
        "2147483648",
        "9223372036854775808",
        "18446744073709551616",
        "-9223372036854775809",
        "1e308",
        "1.5",
    ] {
        let refused = post(&editor, "/sections", format!("{{\"name\": \"x\", \"position\": {number}}}")).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes()[0].0, "/position", "{number}");
    }
    // However a whole number is written.
    for number in ["1.0", "-0.0", "1e0"] {
        post(&editor, "/sections", format!("{{\"name\": \"x\", \"position\": {number}}}")).await.assert(201);
    }
    let id = super::draft(&editor, json!({"title": "Ebb"})).await;
    for number in ["0", "-1", "2", "2147483647", "2147483648", "9223372036854775808", "1.5", "\"1\""] {
        let client = editor.with("content-type", "application/json");
        let body = format!("{{\"revision\": {number}}}").into_bytes();
        let refused = client.raw(Method::PUT, &format!("/articles/{id}/publication"), body).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes()[0].0, "/revision", "{number}");
    }
    // In a site's own fields any number that JSON has is kept.
    let custom =
        r#"{"a": 9223372036854775808, "b": -9223372036854775808, "c": 1e308, "d": -0.0, "e": 5e-324, "f": 0.1}"#;
    let kept = post(&editor, "/articles", format!("{{\"title\": \"Numbers\", \"custom\": {custom}}}")).await;
    let expected: Value = serde_json::from_str(custom).unwrap();
    assert_eq!(kept.assert(201).json["custom"], expected);
    assert_eq!(editor.get("/articles/numbers").await.json["custom"], expected);
}

async fn long_names_and_values_are_answered_shortly(app: TestApp) {
    let editor = app.editor().await;
    let long = "x".repeat(100_000);
    for body in [
        json!({"name": "x", &*long: 1}),
        json!({"name": "x", "\u{0}\n\u{1f}\u{7f}": 1}),
        json!({"name": [long]}),
        json!({"name": {"a": long}}),
        json!({"name": "x", "slug": long}),
        json!({"name": "x", "position": long}),
        json!({"name": "x", "parent": "a\u{1f}b"}),
        json!({"name": "x", "`a` b": 1, "a\u{1f}b": 2}),
        (0..5000).map(|n| (format!("field-{n}"), json!(n))).collect::<serde_json::Map<_, _>>().into(),
    ] {
        let refused = editor.post("/sections", body).await;
        assert!(refused.assert_problem(422, "validation_failed").bytes.len() < 50_000);
    }
    let hostile = json!({"title": "x", "visibility": "a\u{1f}b`c", "body": {"source": "x", "format": long}});
    editor.post("/articles", hostile).await.assert_problem(422, "validation_failed");
}

async fn deep_markup_is_answered(app: TestApp) {
    let editor = app.editor().await;
    for source in [
        ">".repeat(5000),
        "- ".repeat(2500),
        "[".repeat(5000),
        "*a ".repeat(1600),
        "`".repeat(5000),
        "[a](b)".repeat(800),
        "&".repeat(5000),
    ] {
        let id = super::story(&editor, json!({"title": "Deep"})).await;
        let answer = editor.post(&format!("/articles/{id}/comments"), json!({"body": source})).await;
        assert!(!answer.status.is_server_error(), "{source:.20}");
        let author = editor.post("/authors", json!({"name": "Deep", "bio": source})).await;
        assert!(!author.status.is_server_error(), "{source:.20}");
    }
    for (format, source) in [
        ("html", "<div>".repeat(90_000)),
        ("html", "<b><p>".repeat(80_000)),
        ("markdown", "> ".repeat(200_000)),
        ("markdown", "<b>".repeat(1_000) + &"\n\n<p>".repeat(90_000)),
        ("html", "<table><td>".repeat(40_000)),
        ("markdown", "&".repeat(400_000)),
        ("html", "&</z>".repeat(90_000)),
        ("html", "\u{a0}".repeat(200_000)),
    ] {
        let new = json!({"title": "Deep", "body": {"format": format, "source": source}});
        let refused = editor.post("/articles", new.clone()).await;
        let mistakes = refused.assert_problem(422, "validation_failed").mistakes();
        assert!(matches!(&mistakes[..], [(at, _)] if at == "/body/source"), "{source:.20}: {mistakes:?}");
        let id = super::story(&editor, json!({"title": "Shallow"})).await;
        editor.patch(&format!("/articles/{id}"), new).await.assert_problem(422, "validation_failed");
    }
    editor.get("/articles?include=body").await.assert(200);
}

on_both_databases! {
    broken_json_is_refused_with_its_line_and_column,
    a_body_has_a_bound,
    who_is_not_signed_in_sends_little,
    a_body_of_many_small_values_costs_no_more_than_one_of_few,
    who_reads_does_not_wait_for_long_texts_of_others,
    every_mistake_is_found_at_once,
    a_list_is_no_object_and_nothing_else_is,
    absurd_numbers_are_refused_where_a_number_is_due,
    long_names_and_values_are_answered_shortly,
    deep_markup_is_answered,
}
