//! Previews: `/articles/{ref}/previews`, and what people without an account see.

mod secrecy;

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp, blocking},
};
use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::time::Duration;
use stet::clock;

/// A draft, by its path.
async fn draft(who: &Client, title: &str) -> String {
    let article = json!({"title": title, "subtitle": "Take 1", "body": {"source": "The **first**."}});
    format!("/articles/{}", who.post("/articles", article).await.assert(201).text("/slug"))
}

/// Makes a preview and gives its token.
async fn preview(who: &Client, path: &str, body: Value) -> String {
    who.post(&format!("{path}/previews"), body).await.assert(201).text("/token")
}

async fn look(path: &str, app: &TestApp, token: &str) -> Reply {
    app.anyone().get(&format!("{path}?preview={token}")).await
}

/// What everybody is answered who has nothing that opens the article.
async fn is_absent(path: &str, app: &TestApp, token: &str) {
    let refused = look(path, app, token).await;
    let name = path.rsplit('/').next().unwrap();
    assert_eq!(refused.assert_problem(404, "not_found").text("/detail"), format!("there is no article `{name}`"));
    assert_eq!(refused.header("cache-control"), "no-store");
    assert_eq!(refused.json["errors"], json!([]));
}

async fn a_link_shows_a_draft_to_people_without_an_account(app: TestApp) {
    let writer = app.contributor().await;
    let path = draft(&writer, "Ferry").await;
    let made = writer.post(&format!("{path}/previews"), json!({})).await;
    let (id, token) = (made.assert(201).text("/id"), made.text("/token"));
    assert!(token.starts_with("stet_preview_") && token.len() == "stet_preview_".len() + 43, "{token}");
    assert_eq!(made.text("/url"), format!("https://news.example/articles/ferry?preview={token}"));
    assert_eq!(
        (&made.json["revision"], &made.json["views"], &made.json["last_viewed_at"]),
        (&Value::Null, &json!(0), &Value::Null)
    );
    assert_eq!(made.json["created_by"]["name"], "Mira Holt");
    let article = writer.get(&path).await.text("/id");
    assert_eq!(made.header("location"), format!("/api/v1/articles/{article}/previews/{id}"));
    assert_eq!(made.header("cache-control"), "no-store");
    let expires = clock::Time::parse(&made.text("/expires_at")).unwrap();
    let in_a_week = clock::now().plus(Duration::from_secs(7 * 24 * 60 * 60));
    assert!(expires <= in_a_week && expires > in_a_week.minus(Duration::from_secs(60)), "{expires}");

    app.anyone().get(&path).await.assert(404);
    for path in [path.clone(), format!("/articles/{article}")] {
        let seen = look(&path, &app, &token).await;
        assert_eq!(seen.assert(200).json["title"], "Ferry");
        assert_eq!(seen.json["body"], json!({"format": "markdown", "html": "<p>The <strong>first</strong>.</p>\n"}));
        for (header, value) in [
            ("cache-control", "no-store"),
            ("x-robots-tag", "noindex"),
            ("referrer-policy", "no-referrer"),
            ("etag", ""),
            ("surrogate-key", ""),
        ] {
            assert_eq!(seen.header(header), value, "{header}");
        }
    }
    // No cache is told that it has it already.
    app.anyone().with("if-none-match", "*").get(&format!("{path}?preview={token}")).await.assert(200);
    let part = app.anyone().get(&format!("{path}?fields=title,status&preview={token}")).await;
    assert_eq!(
        (part.assert(200).header("content-type"), &part.json),
        ("application/vnd.stet.sparse+json", &json!({"status": "draft", "title": "Ferry"}))
    );
    assert_eq!((part.header("cache-control"), part.etag()), ("no-store", ""));
    // It shows this once what opens it.
    for shown in [writer.get(&format!("{path}/previews")).await, writer.get(&format!("{path}/previews/{id}")).await] {
        let text = shown.assert(200).json.to_string();
        assert!(!text.contains("stet_preview_") && !text.contains("\"url\""), "{text}");
    }
}

async fn it_shows_the_copy_of_the_day_or_one_revision(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    let (first, daily) = (
        preview(&editor, &path, json!({"revision": 1})).await,
        preview(&editor, &path, json!({"revision": null})).await,
    );
    let before = look(&path, &app, &first).await;
    editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
    editor.patch(&path, json!({"subtitle": "Take 2", "body": {"source": "Second."}})).await.assert(200);
    let seen = async |token: &str| {
        let seen = look(&path, &app, token).await;
        (seen.assert(200).json["subtitle"].clone(), seen.json["revision"].clone())
    };
    assert_eq!((seen(&first).await, seen(&daily).await), ((json!("Take 1"), json!(1)), (json!("Take 2"), json!(2))));
    editor.post(&format!("{path}/revisions/1/restore"), json!({})).await.assert(200);
    editor.patch(&path, json!({"subtitle": "Take 4"})).await.assert(200);
    assert_eq!((seen(&first).await, seen(&daily).await), ((json!("Take 1"), json!(1)), (json!("Take 4"), json!(4))));
    editor.delete(&format!("{path}/publication")).await.assert(204);
    // Of all that happened since, whoever has the link to the one revision sees nothing.
    assert_eq!(look(&path, &app, &first).await.json, before.json);
    let list = editor.get(&format!("{path}/previews")).await;
    let revisions: Vec<_> = list.json["data"].as_array().unwrap().iter().map(|row| row["revision"].clone()).collect();
    assert_eq!(revisions, [Value::Null, json!(1)]);
    // The revision is gone for good, and so is the link to it.
    app.execute("DELETE FROM revisions WHERE number = 1");
    is_absent(&path, &app, &first).await;
    assert_eq!(editor.get(&format!("{path}/previews?count=true")).await.json["page"]["total"], 1);
}

async fn the_whole_body_is_shown_whatever_it_would_cost(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    editor.patch(&path, json!({"visibility": "premium"})).await.assert(200);
    let token = preview(&editor, &path, json!({})).await;
    for _ in 0..2 {
        let seen = look(&path, &app, &token).await;
        assert_eq!(seen.assert(200).json["access"], json!({"granted": true, "required": "premium"}));
        assert_eq!(seen.json["body"]["html"], "<p>The <strong>first</strong>.</p>\n");
        editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
        let public = app.anyone().get(&path).await;
        assert_eq!(
            (&public.assert(200).json["body"], &public.json["access"]["granted"]),
            (&Value::Null, &json!(false))
        );
    }
}

async fn what_stands_around_it_is_what_is_public(app: TestApp) {
    let editor = app.editor().await;
    for title in ["Public", "Hidden", "Pinned"] {
        draft(&editor, title).await;
    }
    for path in ["/articles/public", "/articles/pinned"] {
        editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
    }
    let path = draft(&editor, "Ferry").await;
    editor.patch(&path, json!({"related": ["pinned", "hidden"]})).await.assert(200);
    let token = preview(&editor, &path, json!({})).await;
    let page = async || app.anyone().get(&format!("{path}?include=related,latest,comments&preview={token}")).await;
    let slugs = |reply: &Reply, field: &str| {
        reply.json[field].as_array().unwrap().iter().map(|t| t["slug"].clone()).collect::<Vec<_>>()
    };
    let draft = page().await;
    assert_eq!(slugs(draft.assert(200), "related"), ["pinned", "public"]);
    assert_eq!(slugs(&draft, "latest"), ["pinned", "public"]);
    assert_eq!(draft.json["thread"], json!({"data": [], "page": {"next_cursor": null}}));
    assert_eq!((draft.header("cache-control"), draft.header("surrogate-key")), ("no-store", ""));
    assert!(draft.json["seo"]["json_ld"].is_object());
    editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
    editor.post(&format!("{path}/comments"), json!({"body": "First."})).await.assert(201);
    let guest = json!({"name": "Jo", "email": "jo@example.org", "body": "Pending."});
    app.anyone().post(&format!("{path}/comments"), guest).await.assert(201);
    let thread = page().await.json["thread"].clone();
    assert_eq!(thread["data"].as_array().unwrap().len(), 1);
    assert_eq!(thread["data"][0].get("email"), None);
    editor.delete(&format!("{path}/publication")).await.assert(204);
    assert_eq!(page().await.json["thread"]["data"], json!([]));
}

async fn each_look_is_counted(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    let made = editor.post(&format!("{path}/previews"), json!({})).await;
    let (id, token) = (made.text("/id"), made.text("/token"));
    let version = editor.get(&path).await.etag().to_owned();
    let found = async || editor.get(&format!("{path}/previews/{id}")).await;
    let head = app.anyone().raw(Method::HEAD, &format!("{path}?preview={token}"), Vec::new()).await;
    assert_eq!((head.assert(200).header("cache-control"), head.header("x-robots-tag")), ("no-store", "noindex"));
    is_absent("/articles/absent", &app, &token).await;
    let unseen = found().await;
    assert_eq!((&unseen.json["views"], &unseen.json["last_viewed_at"]), (&json!(0), &Value::Null));
    join_all((0..10).map(|_| look(&path, &app, &token))).await.iter().for_each(|seen| {
        seen.assert(200);
    });
    let seen = found().await;
    assert_eq!(seen.json["views"], 10);
    assert!(seen.text("/last_viewed_at") >= seen.text("/created_at"));
    assert_eq!(editor.get(&format!("{path}/previews")).await.json["data"][0], seen.json);
    // To be looked at changes nothing.
    assert_eq!(editor.get(&path).await.etag(), version);
    editor
        .with("if-match", "\"9-x\"")
        .delete(&format!("{path}/previews/{id}"))
        .await
        .assert_problem(412, "precondition_failed");
    editor.with("if-match", unseen.etag()).delete(&format!("{path}/previews/{id}")).await.assert(204);
}

async fn a_preview_has_bounds(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    let at = |seconds: u64| clock::now().plus(Duration::from_secs(seconds)).to_string();
    let days = 24 * 60 * 60;
    let past = clock::now().minus(Duration::from_secs(1)).to_string();
    for (body, mistakes) in [
        (json!({"expires_at": past}), vec![("/expires_at", "in_the_past")]),
        (json!({"expires_at": "2020-01-01T00:00:00Z"}), vec![("/expires_at", "in_the_past")]),
        (json!({"expires_at": at(90 * days + 60)}), vec![("/expires_at", "too_late")]),
        (json!({"expires_at": "9999-12-31T23:59:59Z"}), vec![("/expires_at", "too_late")]),
        (json!({"expires_at": "2090-01-01T00:00:00"}), vec![("/expires_at", "invalid")]),
        (json!({"expires_at": "tomorrow"}), vec![("/expires_at", "invalid")]),
        (json!({"expires_at": 4_102_444_800_u64}), vec![("/expires_at", "invalid_type")]),
        (json!({"revision": 2}), vec![("/revision", "not_found")]),
        (json!({"revision": 0}), vec![("/revision", "not_found")]),
        (json!({"revision": -1, "expires_at": past}), vec![("/expires_at", "in_the_past"), ("/revision", "not_found")]),
        (json!({"revision": "1"}), vec![("/revision", "invalid_type")]),
        (json!({"revision": 1, "token": "mine"}), vec![("/token", "unknown_field")]),
        (json!([]), vec![("", "invalid_type")]),
    ] {
        let refused = editor.post(&format!("{path}/previews"), body.clone()).await;
        let expected: Vec<_> = mistakes.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect();
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), expected, "{body}: {}", refused.json);
    }
    let rehearsed = editor.post(&format!("{path}/previews?dry_run=true"), json!({})).await;
    assert_eq!((rehearsed.assert(201).header("location"), rehearsed.etag()), ("", ""));
    is_absent(&path, &app, &rehearsed.text("/token")).await;
    assert_eq!(editor.get(&format!("{path}/previews?count=true")).await.json["page"]["total"], 0);
    let longest = editor.post(&format!("{path}/previews"), json!({"expires_at": at(90 * days - 60)})).await;
    longest.assert(201);
    // The body may be left out.
    editor.send(Method::POST, &format!("{path}/previews"), None).await.assert(201);
    let list = format!("{path}/previews");
    let made = join_all((2..100).map(|_| editor.post(&list, json!({"revision": 1})))).await;
    assert!(made.iter().all(|made| made.status == 201));
    let tokens: std::collections::HashSet<_> = made.iter().map(|made| made.text("/token")).collect();
    assert_eq!(tokens.len(), 98);
    editor.post(&format!("{path}/previews"), json!({})).await.assert_problem(409, "conflict");
    preview(&editor, &draft(&editor, "Other").await, json!({})).await;
    app.execute(&format!(
        "UPDATE previews SET expires_at = created_at WHERE expires_at = {}",
        clock::Time::parse(&longest.text("/expires_at")).unwrap().micros()
    ));
    let last = join_all((0..4).map(|_| editor.post(&list, json!({})))).await;
    let mut statuses: Vec<_> = last.iter().map(|reply| reply.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409], "one place was free");
    let page = editor.get(&format!("{path}/previews?limit=40&count=true")).await;
    assert_eq!(page.json["page"]["total"], 101, "an expired one is listed for a while");
    let next = page.text("/page/next_cursor");
    let second = editor.get(&format!("{path}/previews?limit=40&cursor={next}")).await;
    let third = editor.get(&format!("{path}/previews?limit=40&page=3")).await;
    let ids: std::collections::HashSet<_> = [page, second, third].iter().flat_map(|page| page.column("id")).collect();
    assert_eq!(ids.len(), 101);
}

async fn previews_are_for_those_who_may_edit_to_make_and_to_take_back(app: TestApp) {
    let (editor, writer, other) = (app.editor().await, app.contributor().await, app.author().await);
    let (path, elsewhere) = (draft(&writer, "Ferry").await, draft(&editor, "Elsewhere").await);
    let made = writer.post(&format!("{path}/previews"), json!({})).await;
    let (id, token) = (made.assert(201).text("/id"), made.text("/token"));
    let ways = |path: &str| {
        [
            (Method::GET, format!("{path}/previews")),
            (Method::POST, format!("{path}/previews")),
            (Method::GET, format!("{path}/previews/{id}")),
            (Method::DELETE, format!("{path}/previews/{id}")),
        ]
    };
    let refused = async |client: &Client, path: &str, status: u16, code: &str| {
        for (method, path) in ways(path) {
            client.send(method, &path, None).await.assert_problem(status, code);
        }
    };
    refused(&app.anyone(), &path, 401, "unauthenticated").await;
    refused(&other, &path, 404, "not_found").await;
    refused(&other, "/articles/absent", 404, "not_found").await;
    editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
    refused(&other, &path, 403, "forbidden").await;
    editor.delete(&path).await.assert(204);
    refused(&editor, &path, 404, "not_found").await;
    editor.post(&format!("{path}/restore"), json!({})).await.assert(200);
    // One article's preview is none of another's.
    for (method, path) in ways(&elsewhere).into_iter().skip(2) {
        let absent = editor.send(method, &path, None).await;
        assert_eq!(absent.assert_problem(404, "not_found").text("/detail"), format!("there is no preview `{id}`"));
    }
    look(&path, &app, &token).await.assert(200);
    for wrong in ["x", "1", "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"] {
        editor.get(&format!("{path}/previews/{wrong}")).await.assert_problem(404, "not_found");
        editor.delete(&format!("{path}/previews/{wrong}")).await.assert_problem(404, "not_found");
    }
    editor.delete(&format!("{path}/previews/{id}")).await.assert(204);
    is_absent(&path, &app, &token).await;
}

async fn a_link_that_was_given_away_outlives_the_slug_in_it(app: TestApp) {
    let editor = app.editor().await;
    let (path, other) = (draft(&editor, "Ferry").await, draft(&editor, "Other").await);
    let (token, others) = (preview(&editor, &path, json!({})).await, preview(&editor, &other, json!({})).await);
    for slug in ["boat", "ship"] {
        editor.patch(&path, json!({"slug": slug})).await.assert(200);
        let path = format!("/articles/{slug}");
        for name in ["/articles/ferry", &path] {
            assert_eq!(look(name, &app, &token).await.assert(200).json["slug"], slug, "{name}");
            is_absent(name, &app, &others).await;
        }
        editor.patch(&path, json!({"slug": "ferry"})).await.assert(200);
    }
    editor.patch(&path, json!({"slug": "ship"})).await.assert(200);
    // What leads a stranger on from a slug that was public is no way in either, and hands no token on.
    editor.put("/articles/ship/publication", json!({})).await.assert(200);
    editor.patch("/articles/ship", json!({"slug": "liner"})).await.assert(200);
    app.anyone().get("/articles/ship").await.assert(308);
    is_absent("/articles/ship", &app, "none").await;
    is_absent("/articles/ship", &app, &others).await;
    // Once another has the slug, the link names that one, which the token does not open.
    editor.patch(&other, json!({"slug": "ferry"})).await.assert(200);
    is_absent("/articles/ferry", &app, &token).await;
    look("/articles/ferry", &app, &others).await.assert(200);
    look("/articles/liner", &app, &token).await.assert(200);
}

async fn what_expired_long_ago_is_cleaned_up(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    for _ in 0..3 {
        preview(&editor, &path, json!({})).await;
    }
    let ids = editor.get(&format!("{path}/previews")).await.column("id");
    let clean = |after_days: u64| {
        let now = clock::now().plus(Duration::from_secs(after_days * 24 * 60 * 60));
        blocking(|| stet::articles::clean_up_previews(&mut app.app.db.connection().unwrap(), now).unwrap())
    };
    assert_eq!((clean(0), clean(36)), (0, 0));
    editor.delete(&format!("{path}/previews/{}", ids[0])).await.assert(204);
    assert_eq!((clean(38), clean(38)), (2, 0));
    assert_eq!(editor.get(&format!("{path}/previews")).await.column("id"), Vec::<String>::new());
}

on_both_databases! {
    a_link_shows_a_draft_to_people_without_an_account,
    it_shows_the_copy_of_the_day_or_one_revision,
    the_whole_body_is_shown_whatever_it_would_cost,
    what_stands_around_it_is_what_is_public,
    each_look_is_counted,
    a_preview_has_bounds,
    previews_are_for_those_who_may_edit_to_make_and_to_take_back,
    a_link_that_was_given_away_outlives_the_slug_in_it,
    what_expired_long_ago_is_cleaned_up,
}
