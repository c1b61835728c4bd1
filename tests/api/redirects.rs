//! `/redirects` and `/redirects.csv`.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp},
};
use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::json;

async fn lead(client: &Client, source: &str, target: &str) -> Reply {
    client.post("/redirects", json!({"source": source, "target": target})).await
}

/// Where a path leads, as one asks who serves the site.
async fn end(client: &Client, source: &str) -> String {
    let found = client.get(&format!("/redirects?source={}", source.replace('%', "%25"))).await;
    found.assert(200).column("target").pop().unwrap_or_default()
}

async fn import(client: &Client, table: &str) -> Reply {
    client.with("content-type", "text/csv").raw(Method::POST, "/redirects.csv", table.as_bytes().to_vec()).await
}

async fn an_editor_leads_a_path_elsewhere(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let created =
        editor.post("/redirects", json!({"source": "/2019/f%c3%a4hre.html", "target": "/articles/ferry"})).await;
    let id = created.assert(201).text("/id");
    assert_eq!((created.text("/source"), created.json["status"].as_i64()), ("/2019/f%C3%A4hre.html".into(), Some(308)));
    assert_eq!(created.header("location"), format!("/api/v1/redirects/{id}"));
    // However it is written, it is found; nothing else is.
    for written in ["/2019/f%C3%A4hre.html", "/2019/f%25c3%25a4hre.html", "/%32019/f%C3%A4hre.html"] {
        let found = anyone.get(&format!("/redirects?source={written}")).await;
        assert_eq!(found.assert(200).column("id"), [id.as_str()], "{written}");
        assert_eq!(found.header("surrogate-key"), "redirects");
    }
    for other in ["/2019/F%C3%A4hre.html", "/2019/f%C3%A4hre.html/", "/2019/"] {
        assert!(anyone.get(&format!("/redirects?source={other}")).await.assert(200).column("id").is_empty(), "{other}");
    }
    anyone.get("/redirects?source=2019").await.assert_problem(400, "invalid_parameter");
    anyone.get("/redirects?source=/a?b").await.assert_problem(400, "invalid_parameter");
    let temporary = json!({"source": "/a", "target": "https://b.example/x?y=z#w", "status": 302});
    let temporary = editor.post("/redirects", temporary).await;
    assert_eq!(temporary.assert(201).text("/target"), "https://b.example/x?y=z#w");
    assert_eq!(anyone.get("/redirects?status=302").await.column("source"), ["/a"]);
    assert_eq!(
        anyone.get("/redirects?sort=-source&count=true").await.column("source"),
        ["/a", "/2019/f%C3%A4hre.html"]
    );
    assert_eq!(anyone.get("/redirects?sort=-created_at&limit=1").await.column("source"), ["/a"]);
    anyone.get("/redirects?status=303").await.assert_problem(400, "invalid_parameter");
    let again = lead(&editor, "/%61", "/elsewhere").await;
    assert_eq!(again.assert_problem(409, "conflict").mistakes(), [("/source".into(), "taken".into())]);
    let dry = editor.post("/redirects?dry_run=true", json!({"source": "/dry", "target": "/"})).await;
    dry.assert(201);
    assert_eq!(end(&anyone, "/dry").await, "");
    let keyed = editor.with("idempotency-key", "one");
    assert_eq!(lead(&keyed, "/c", "/d").await.assert(201).json, lead(&keyed, "/c", "/d").await.assert(201).json);
    // An answer that is still good is not sent again, and what changed since is not deleted unseen.
    let path = format!("/redirects/{id}");
    let found = anyone.get(&path).await;
    anyone.with("if-none-match", found.assert(200).etag()).get(&path).await.assert(304);
    lead(&editor, "/articles/ferry", "/articles/ferries").await.assert(201);
    editor.with("if-match", found.etag()).delete(&path).await.assert_problem(412, "precondition_failed");
    let found = anyone.get(&path).await;
    assert_eq!(found.text("/target"), "/articles/ferries");
    editor.with("if-match", found.etag()).delete(&path).await.assert(204);
    anyone.get(&path).await.assert_problem(404, "not_found");
    assert_eq!(end(&anyone, "/2019/f%C3%A4hre.html").await, "");
}

async fn what_is_no_address_is_refused(app: TestApp) {
    let editor = app.editor().await;
    for (source, target, at, code) in [
        ("a", "/b", "/source", "invalid_path"),
        ("/a?b=c", "/b", "/source", "invalid_path"),
        ("/a#b", "/b", "/source", "invalid_path"),
        ("//a.example/", "/b", "/source", "invalid_path"),
        ("/a/../b", "/b", "/source", "invalid_path"),
        ("/a%0d%0ab", "/b", "/source", "invalid_characters"),
        ("/a b", "/b", "/source", "invalid_characters"),
        ("/a%", "/b", "/source", "invalid_characters"),
        ("/api/v1/articles", "/b", "/source", "reserved"),
        ("/%64ocs", "/b", "/source", "reserved"),
        ("/openapi.json", "/b", "/source", "reserved"),
        ("/a", "b", "/target", "invalid_target"),
        ("/a", "//b.example/", "/target", "invalid_path"),
        ("/a", "/\\b.example/", "/target", "invalid_characters"),
        ("/a", "javascript:alert(1)", "/target", "invalid_target"),
        ("/a", "https://me:you@b.example/", "/target", "invalid_target"),
        ("/a", "https://news.example//b", "/target", "invalid_path"),
        ("/a", "/b\r\nset-cookie: x", "/target", "invalid_characters"),
    ] {
        let refused = lead(&editor, source, target).await;
        assert_eq!(
            refused.assert_problem(422, "validation_failed").mistakes(),
            [(at.into(), code.into())],
            "{source} {target}"
        );
    }
    let long = format!("/{}", "x".repeat(1999));
    lead(&editor, &format!("{long}x"), "/b").await.assert_problem(422, "validation_failed");
    lead(&editor, &long, "/b").await.assert(201);
    lead(&editor, &long.replace("xx", "yy"), "/b").await.assert(201);
    // The longest source is where a page may end.
    let page = app.anyone().get("/redirects?limit=1").await;
    let next = app.anyone().get(&format!("/redirects?limit=1&cursor={}", page.text("/page/next_cursor"))).await;
    assert_eq!(next.assert(200).column("source"), [long.replace("xx", "yy")]);
    let wrong = editor.post("/redirects", json!({"source": "a", "target": 1, "status": 303, "x": 1})).await;
    let pointers: Vec<_> = wrong.assert(422).mistakes().into_iter().map(|(at, _)| at).collect();
    assert_eq!(pointers, ["/source", "/status", "/target", "/x"]);
}

async fn chains_end_where_they_end(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    lead(&editor, "/a", "/b?from=a#top").await.assert(201);
    lead(&editor, "/other", "/bc").await.assert(201);
    lead(&editor, "/b", "https://news.example/c").await.assert(201);
    assert_eq!(end(&anyone, "/b").await, "/c");
    assert_eq!(end(&anyone, "/a").await, "/c?from=a#top");
    // A new one to where another leads on from ends where that ends.
    assert_eq!(lead(&editor, "/z", "/b").await.assert(201).text("/target"), "/c");
    let c = lead(&editor, "/c", "https://d.example/?e=f").await.assert(201).text("/id");
    for (source, target) in [
        ("/a", "https://d.example/?e=f#top"),
        ("/b", "https://d.example/?e=f"),
        ("/z", "https://d.example/?e=f"),
        ("/other", "/bc"),
    ] {
        assert_eq!(end(&anyone, source).await, target, "{source}");
    }
    // Those that led on through it stay.
    editor.delete(&format!("/redirects/{c}")).await.assert(204);
    assert_eq!(end(&anyone, "/b").await, "https://d.example/?e=f");
    // Where the end would be too long, nothing changes.
    let long = format!("/{}", "x".repeat(1990));
    lead(&editor, "/long", "/short?and=a&long=query").await.assert(201);
    lead(&editor, "/short", &long).await.assert_problem(422, "validation_failed");
    assert_eq!(end(&anyone, "/long").await, "/short?and=a&long=query");
}

async fn a_loop_is_refused(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let refused = async |source: &str, target: &str, way: &str| {
        let refused = lead(&editor, source, target).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), [("/target".into(), "loop".into())]);
        let detail = refused.text("/detail");
        assert!(detail.ends_with(way), "{detail}");
    };
    refused("/a", "/a", "/a → /a").await;
    refused("/a", "/%61?again=1#x", "/a → /a").await;
    refused("/a", "https://news.example/a", "/a → /a").await;
    refused("/a", "http://NEWS.example/%61?x", "/a → /a").await;
    lead(&editor, "/a", "/b").await.assert(201);
    refused("/b", "/a", "/b → /a → /b").await;
    refused("/b", "https://news.example/a?x", "/b → /a → /b").await;
    lead(&editor, "/b", "/c").await.assert(201);
    refused("/c", "/b", "/c → /b → /c").await;
    refused("/c", "/a#x", "/c → /a → /c").await;
    // By a query no less.
    lead(&editor, "/p", "/q?x=1").await.assert(201);
    refused("/q", "/p", "/q → /p → /q").await;
    // The same path elsewhere is no loop.
    lead(&editor, "/d", "https://old.news.example/d").await.assert(201);
    assert_eq!(anyone.get("/redirects").await.column("target"), ["/c", "/c", "https://old.news.example/d", "/q?x=1"]);
}

async fn two_at_once_make_no_circle(app: TestApp) {
    let editor = app.editor().await;
    for round in 0..8 {
        let (a, b) = (format!("/a{round}"), format!("/b{round}"));
        let both = join_all([lead(&editor, &a, &b), lead(&editor, &b, &a), lead(&editor, &a, &b)]).await;
        let mut statuses: Vec<_> = both.iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort_unstable();
        // Either both of the same lost a race against the third, or one of them came first.
        assert!(statuses == [201, 409, 422] || statuses == [201, 422, 422], "{statuses:?}");
    }
}

async fn a_table_goes_in_and_comes_out(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    assert_eq!(anyone.get("/redirects.csv").await.assert(200).bytes, b"source,target,status\r\n");
    let table = "source,target,status\r\n/a,/b,301\r\n/b,\"https://c.example/?x=1,2\",\r\n/d,/a?y,302\r\n/e,https://news.example/f,307\r\n/a,/b,301\r\n";
    let dry =
        editor.with("content-type", "text/csv").raw(Method::POST, "/redirects.csv?dry_run=true", table.into()).await;
    assert_eq!(dry.assert(200).json, json!({"created": 4, "unchanged": 1}));
    let keyed = editor.with("idempotency-key", "table");
    for replayed in ["", "true"] {
        let done = import(&keyed, table).await;
        assert_eq!(done.assert(200).json, json!({"created": 4, "unchanged": 1}));
        assert_eq!(done.header("idempotent-replayed"), replayed);
    }
    import(&keyed, "source,target\n/x,/y\n").await.assert_problem(422, "idempotency_key_reused");
    let exported = anyone.get("/redirects.csv").await;
    let expected = "source,target,status\r\n/a,\"https://c.example/?x=1,2\",301\r\n/b,\"https://c.example/?x=1,2\",308\r\n/d,\"https://c.example/?x=1,2\",302\r\n/e,/f,307\r\n";
    assert_eq!(String::from_utf8_lossy(&exported.bytes), expected);
    assert_eq!(exported.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!((exported.header("cache-control"), exported.header("surrogate-key")), ("public, no-cache", "redirects"));
    anyone.with("if-none-match", exported.etag()).get("/redirects.csv").await.assert(304);
    // What came out, and what went in, is all there.
    for table in [expected, table] {
        let done = import(&editor, table).await;
        assert_eq!(done.assert(200).json["created"], 0, "{table}");
    }
    assert_eq!(anyone.get("/redirects.csv").await.bytes, exported.bytes);
    for accept in ["text/csv", "text/*", "*/*", "text/csv, application/json;q=0.5"] {
        anyone.with("accept", accept).get("/redirects.csv").await.assert(200);
    }
    for (accept, path) in [("text/html", "/redirects.csv"), ("text/csv", "/redirects"), ("text/csv", "/articles")] {
        anyone.with("accept", accept).get(path).await.assert_problem(406, "not_acceptable");
    }
    for media in ["application/json", "text/plain", "text/csv; charset=latin1"] {
        let sent = editor.with("content-type", media).raw(Method::POST, "/redirects.csv", table.into()).await;
        assert_eq!(sent.assert_problem(415, "unsupported_media_type").header("accept-post"), "text/csv", "{media}");
    }
    import(&anyone, table).await.assert_problem(401, "unauthenticated");
}

async fn a_table_with_a_mistake_changes_nothing(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    lead(&editor, "/known", "/somewhere").await.assert(201);
    let before = anyone.get("/redirects.csv").await.bytes;
    let mistakes = async |table: &str| {
        let refused = import(&editor, table).await;
        refused.assert_problem(422, "validation_failed").mistakes()
    };
    let owned =
        |expected: &[(&str, &str)]| expected.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect::<Vec<_>>();
    let table = "source,target,status\n/good,/x,308\nbad,/x,308\n/good2,nowhere,300\n/good3\n";
    assert_eq!(
        mistakes(table).await,
        owned(&[
            ("/3/source", "invalid_path"),
            ("/4/status", "unknown_value"),
            ("/4/target", "invalid_target"),
            ("/5", "invalid_line")
        ])
    );
    let table = "source,target,status\n/good,/x,308\n/known,/elsewhere,308\n/known,/somewhere,301\n/known,/somewhere,308\n\
        /good,/x,301\n/l,/m,308\n/m,/n,308\n/n,/l,308\n/o,/o?x,308\n/x,/good,308\n";
    assert_eq!(
        mistakes(table).await,
        owned(&[
            ("/10/target", "loop"),
            ("/11/target", "loop"),
            ("/2/target", "loop"),
            ("/3/source", "taken"),
            ("/4/source", "taken"),
            ("/6/source", "taken"),
            ("/7/target", "loop"),
            ("/8/target", "loop"),
            ("/9/target", "loop"),
        ])
    );
    // A circle through what is there already.
    assert_eq!(mistakes("source,target\n/somewhere,/there\n/there,/known\n").await.len(), 2);
    assert_eq!(mistakes("").await, owned(&[("/1", "invalid_header")]));
    assert_eq!(mistakes("/a,/b,308\n").await, owned(&[("/1", "invalid_header")]));
    let endless = (0..10_001).map(|n| format!("/{n},/x\n")).collect::<String>();
    assert_eq!(mistakes(&format!("source,target\n{endless}")).await, owned(&[("/10002", "too_many")]));
    let wide = format!("source,target\n{}", "/a,/b\n".repeat(400_000));
    import(&editor, &wide).await.assert_problem(413, "body_too_large");
    assert_eq!(anyone.get("/redirects.csv").await.bytes, before);
}

async fn a_long_table_is_taken_whole(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    // Every tenth leads through the next, all the way to the last.
    let line = |n: u32| {
        if n.is_multiple_of(10) { format!("/old/{n},/old/{}\n", n + 10) } else { format!("/old/{n},/new/{n}\n") }
    };
    let table = format!("source,target\n{}", (0..10_000).map(line).collect::<String>());
    assert_eq!(import(&editor, &table).await.assert(200).json, json!({"created": 10_000, "unchanged": 0}));
    assert_eq!(end(&anyone, "/old/0").await, "/old/10000");
    assert_eq!(import(&editor, &table).await.assert(200).json, json!({"created": 0, "unchanged": 10_000}));
    lead(&editor, "/old/10000", "/new").await.assert(201);
    assert_eq!(end(&anyone, "/old/0").await, "/new");
    let exported = anyone.get("/redirects.csv").await;
    assert_eq!(exported.assert(200).bytes.split(|b| *b == b'\n').count(), 10_003);
    assert_eq!(import(&editor, std::str::from_utf8(&exported.bytes).unwrap()).await.status, 422);
}

on_both_databases! {
    an_editor_leads_a_path_elsewhere,
    what_is_no_address_is_refused,
    chains_end_where_they_end,
    a_loop_is_refused,
    two_at_once_make_no_circle,
    a_table_goes_in_and_comes_out,
    a_table_with_a_mistake_changes_nothing,
    a_long_table_is_taken_whole,
}
