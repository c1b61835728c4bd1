//! `/articles/{ref}/comments` and `/comments`.

use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::{Value, json};
use stet::permissions::Role;

const PATH: &str = "/articles/talk/comments";

/// A public article to talk about.
async fn open_discussion(app: &TestApp) -> Client {
    let editor = app.editor().await;
    editor.post("/articles", json!({"title": "Talk"})).await.assert(201);
    editor.put("/articles/talk/publication", json!({})).await.assert(200);
    editor
}

fn guest(body: &str) -> Value {
    json!({"name": "Jo Brandt", "email": "jo@example.org", "website": "https://jo.example/", "body": body})
}

fn reply_to(parent: &str, body: &str) -> Value {
    let mut comment = guest(body);
    comment["parent_id"] = json!(parent);
    comment
}

/// Leaves a guest's comment and approves it.
async fn approved(app: &TestApp, editor: &Client, comment: Value) -> String {
    let id = app.anyone().post(PATH, comment).await.assert(201).text("/id");
    set(editor, &id, "approved").await;
    id
}

async fn set(editor: &Client, id: &str, status: &str) {
    let changed = editor.patch(&format!("/comments/{id}"), json!({"status": status})).await;
    assert_eq!(changed.assert(200).json["status"], status);
}

async fn count(app: &TestApp) -> i64 {
    app.anyone().get("/articles/talk").await.assert(200).json["comments"]["count"].as_i64().unwrap()
}

/// The texts of the public's threads, replies in brackets.
async fn threads(app: &TestApp) -> String {
    fn shown(comments: &Value) -> String {
        let texts = comments.as_array().unwrap().iter().map(|comment| {
            let text = comment["body_html"].as_str().unwrap().replace("<p>", "").replace("</p>\n", "");
            let replies = shown(&comment["replies"]);
            assert_eq!(comment["reply_count"], comment["replies"].as_array().unwrap().len());
            if replies.is_empty() { text } else { format!("{text} ({replies})") }
        });
        texts.collect::<Vec<_>>().join(", ")
    }
    shown(&app.anyone().get(PATH).await.assert(200).json["data"])
}

async fn a_guests_comment_waits_until_it_is_approved(app: TestApp) {
    let editor = open_discussion(&app).await;
    let left = app.anyone().post(PATH, guest("The *old* quay <b>was</b> better.\nhttps://old.example")).await;
    assert_eq!(left.assert(201).json["status"], "pending");
    assert_eq!(left.json["author"], json!({"kind": "guest", "name": "Jo Brandt", "website": "https://jo.example/"}));
    let html = left.text("/body_html");
    assert!(html.contains("<em>old</em>") && !html.contains("<b>") && html.contains("nofollow"), "{html}");
    let path = format!("/comments/{}", left.text("/id"));
    assert_eq!(left.header("location"), format!("/api/v1{path}"));
    assert_eq!((threads(&app).await, count(&app).await), (String::new(), 0));
    app.anyone().get(&path).await.assert_problem(404, "not_found");
    assert_eq!(editor.get("/comments?status=pending").await.column("id"), [left.text("/id")]);

    set(&editor, &left.text("/id"), "approved").await;
    assert_eq!(count(&app).await, 1);
    let public = app.anyone().get(&path).await;
    let member = app.contributor().await.get(&path).await;
    let desk = editor.get(&path).await;
    for reply in [&public, &member] {
        assert_eq!((reply.assert(200).json.get("email"), reply.json.get("body")), (None, None));
    }
    assert_eq!(desk.assert(200).json["email"], "jo@example.org");
    assert!(desk.text("/body").starts_with("The *old* quay"));
    let row = |reply: crate::support::Reply| reply.json["data"][0].clone();
    assert_eq!(row(app.anyone().get(PATH).await).get("email"), None);
    assert_eq!(row(editor.get(PATH).await)["email"], "jo@example.org");
}

async fn guests_sign_with_a_name_and_an_address(app: TestApp) {
    let editor = open_discussion(&app).await;
    let required = |at: &str| (at.to_owned(), "required".to_owned());
    let nobody = app.anyone().post(PATH, json!({"body": "Hm."})).await;
    assert_eq!(nobody.assert_problem(422, "validation_failed").mistakes(), ["/email", "/name"].map(required));
    for (field, value) in [("email", "nobody"), ("website", "javascript:x()"), ("body", ""), ("name", "")] {
        let mut comment = guest("Hm.");
        comment[field] = json!(value);
        let refused = app.anyone().post(PATH, comment).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes()[0].0, format!("/{field}"));
    }
    assert_eq!(editor.get("/comments?count=true").await.json["page"]["total"], 0);
}

async fn the_staff_sign_with_their_own_name_and_do_not_wait(app: TestApp) {
    open_discussion(&app).await;
    let contributor = app.contributor().await;
    let mut comment = guest("From the desk.");
    comment["name"] = json!("Somebody else");
    let left = contributor.post(PATH, comment).await;
    assert_eq!(left.assert(201).json["status"], "approved");
    assert_eq!((&left.json["author"]["kind"], &left.json["author"]["name"]), (&json!("user"), &json!("Mira Holt")));
    assert_eq!((threads(&app).await, count(&app).await), ("From the desk.".to_owned(), 1));
}

async fn threads_go_as_deep_as_they_may(app: TestApp) {
    let editor = open_discussion(&app).await;
    let first = approved(&app, &editor, guest("1")).await;
    let second = approved(&app, &editor, reply_to(&first, "2")).await;
    let third = approved(&app, &editor, reply_to(&second, "3")).await;
    approved(&app, &editor, reply_to(&first, "4")).await;
    approved(&app, &editor, guest("5")).await;
    assert_eq!((threads(&app).await, count(&app).await), ("1 (2 (3), 4), 5".to_owned(), 5));
    assert_eq!(app.anyone().get(&format!("/comments/{third}")).await.json["depth"], 2);
    assert_eq!(app.anyone().get(&format!("/comments/{first}")).await.json["reply_count"], 2);
    let deeper = app.anyone().post(PATH, reply_to(&third, "6")).await;
    assert_eq!(deeper.assert_problem(422, "validation_failed").mistakes(), [("/parent_id".into(), "too_deep".into())]);

    editor.post("/articles", json!({"title": "Other"})).await.assert(201);
    editor.put("/articles/other/publication", json!({})).await.assert(200);
    let elsewhere = app.anyone().post("/articles/other/comments", reply_to(&first, "7")).await;
    assert_eq!(
        elsewhere.assert_problem(422, "validation_failed").mistakes(),
        [("/parent_id".into(), "not_found".into())]
    );
}

async fn what_stands_below_a_hidden_comment_is_hidden_with_it(app: TestApp) {
    let editor = open_discussion(&app).await;
    let first = approved(&app, &editor, guest("1")).await;
    let second = approved(&app, &editor, reply_to(&first, "2")).await;
    let third = approved(&app, &editor, reply_to(&second, "3")).await;
    approved(&app, &editor, guest("4")).await;
    for (hidden, rest, left) in [(&second, "1, 4", 2), (&first, "4", 1)] {
        for status in ["pending", "spam", "trash"] {
            set(&editor, hidden, status).await;
            assert_eq!(threads(&app).await, rest, "{status}");
            assert_eq!(count(&app).await, left);
            // What answers it still stands approved in the queue, and is nowhere else.
            assert_eq!(editor.get(&format!("/comments/{third}")).await.json["status"], "approved");
            for id in [hidden, &third] {
                app.anyone().get(&format!("/comments/{id}")).await.assert_problem(404, "not_found");
                let answer = app.anyone().post(PATH, reply_to(id, "5")).await;
                assert_eq!(
                    answer.assert_problem(422, "validation_failed").mistakes(),
                    [("/parent_id".into(), "not_found".into())]
                );
            }
        }
        set(&editor, hidden, "approved").await;
        assert_eq!(threads(&app).await, "1 (2 (3)), 4");
    }
    assert_eq!(count(&app).await, 4);
}

async fn editors_correct_delete_and_bring_back_comments(app: TestApp) {
    let editor = open_discussion(&app).await;
    let id = approved(&app, &editor, guest("Teh quay.")).await;
    let path = format!("/comments/{id}");
    assert_eq!(editor.get(&path).await.json["edited_at"], Value::Null, "to approve is not to edit");
    let corrected = editor.patch(&path, json!({"body": "The quay.", "name": "J. Brandt", "website": null})).await;
    assert_eq!(corrected.assert(200).json["body_html"], "<p>The quay.</p>\n");
    assert_eq!(corrected.json["author"], json!({"kind": "guest", "name": "J. Brandt", "website": null}));
    assert!(corrected.json["edited_at"].is_string());
    assert_eq!(corrected.json["email"], "jo@example.org");
    let refused = editor.patch(&path, json!({"email": "x@example.org"})).await;
    assert_eq!(
        refused.assert_problem(422, "validation_failed").mistakes(),
        [("/email".into(), "unknown_field".into())]
    );
    editor
        .with("if-match", "\"1-0\"")
        .patch(&path, json!({"body": "Late."}))
        .await
        .assert_problem(412, "precondition_failed");

    editor.delete(&path).await.assert(204);
    editor.delete(&path).await.assert(204);
    assert_eq!((threads(&app).await, count(&app).await), (String::new(), 0));
    assert_eq!(editor.get("/comments?status=trash").await.column("id"), std::slice::from_ref(&id));
    set(&editor, &id, "approved").await;
    set(&editor, &id, "approved").await;
    assert_eq!((threads(&app).await, count(&app).await), ("The quay.".to_owned(), 1));
    for status in ["spam", "trash", "pending"] {
        set(&editor, &id, status).await;
        assert_eq!(count(&app).await, 0, "{status}");
    }
}

async fn what_readers_see_of_a_comment_is_edited_and_its_state_is_not(app: TestApp) {
    let editor = open_discussion(&app).await;
    for (change, is_edit) in [
        (json!({"body": "The quay."}), true),
        (json!({"name": "J. Brandt"}), true),
        (json!({"website": "https://brandt.example/"}), true),
        (json!({"status": "spam"}), false),
    ] {
        let path = format!("/comments/{}", approved(&app, &editor, guest("Teh quay.")).await);
        let changed = editor.patch(&path, change.clone()).await;
        assert_eq!(changed.assert(200).json["edited_at"].is_string(), is_edit, "{change}");
    }
}

async fn two_may_moderate_a_thread_at_once(app: TestApp) {
    let editor = open_discussion(&app).await;
    let approve = |id: &str| {
        let (editor, id) = (editor.clone(), id.to_owned());
        actix_web::rt::spawn(async move { set(&editor, &id, "approved").await })
    };
    for round in 1..=15 {
        let root = approved(&app, &editor, guest("The quay.")).await;
        let reply = app.anyone().post(PATH, reply_to(&root, "It is open.")).await.assert(201).text("/id");
        set(&editor, &root, "pending").await;
        let (first, second) = (approve(&root), approve(&reply));
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(count(&app).await, 2 * round);
    }
}

async fn with_which_address_the_staff_sign_in_is_told_to_no_editor(app: TestApp) {
    let editor = open_discussion(&app).await;
    let colleague = app.signed_in(Role::Admin).await;
    let id = colleague.post(PATH, json!({"body": "From the desk."})).await.assert(201).text("/id");
    assert_eq!(app.number("SELECT count(*) FROM comments WHERE email IS NOT NULL"), 0);
    // Nor by one that was kept with a comment.
    app.execute("UPDATE comments SET email = 'root@lantern.example'");
    let key = colleague.post("/api-keys", json!({"name": "Desk", "role": "editor"})).await.assert(201).text("/token");
    for who in [&editor, &Client::new(&app.address, Some(key))] {
        for path in [format!("/comments/{id}"), "/comments".into(), PATH.into()] {
            let shown = who.get(&path).await.assert(200).json.to_string();
            assert!(shown.contains("From the desk.") && !shown.contains("root@"), "{shown}");
        }
    }
}

async fn a_closed_hidden_or_absent_article_takes_no_comment(app: TestApp) {
    let editor = open_discussion(&app).await;
    approved(&app, &editor, guest("Early.")).await;
    editor.patch("/articles/talk", json!({"comments": {"open": false}})).await.assert(200);
    for client in [&app.anyone(), &editor] {
        client.post(PATH, guest("Late.")).await.assert_problem(422, "comments_closed");
    }
    assert_eq!(app.anyone().get("/articles/talk").await.json["comments"], json!({"open": false, "count": 1}));
    assert_eq!(threads(&app).await, "Early.", "what was said stays");
    editor.patch("/articles/talk", json!({"comments": {"open": true}})).await.assert(200);
    approved(&app, &editor, guest("Again.")).await;

    editor.post("/articles", json!({"title": "Draft"})).await.assert(201);
    editor.delete("/articles/talk/publication").await.assert(204);
    for path in [PATH, "/articles/draft/comments", "/articles/absent/comments"] {
        app.anyone().post(path, guest("Hm.")).await.assert_problem(404, "not_found");
        app.anyone().get(path).await.assert_problem(404, "not_found");
    }
}

async fn threads_and_the_queue_come_in_pages(app: TestApp) {
    let editor = open_discussion(&app).await;
    let mut texts = Vec::new();
    for number in 1..=5 {
        let id = approved(&app, &editor, guest(&number.to_string())).await;
        approved(&app, &editor, reply_to(&id, "reply")).await;
        texts.push(format!("<p>{number}</p>\n"));
    }
    for (sort, texts) in [("created_at", texts.clone()), ("-created_at", texts.iter().rev().cloned().collect())] {
        let (mut found, mut query) = (Vec::new(), format!("?sort={sort}&limit=2&count=true"));
        loop {
            let page = app.anyone().get(&format!("{PATH}{query}")).await;
            assert_eq!(page.assert(200).json["page"]["total"], 5, "threads are counted, not replies");
            assert!(page.json["data"].as_array().unwrap().iter().all(|thread| thread["reply_count"] == 1));
            found.extend(page.column("body_html"));
            let Some(cursor) = page.json["page"]["next_cursor"].as_str() else { break };
            query = format!("?sort={sort}&limit=2&count=true&cursor={cursor}");
        }
        assert_eq!(found, texts, "{sort}");
    }
    let newest_first = editor.get("/comments?limit=3&count=true").await;
    assert_eq!(newest_first.column("body_html"), ["<p>reply</p>\n", "<p>5</p>\n", "<p>reply</p>\n"]);
    assert_eq!(newest_first.json["page"]["total"], 10);
    let oldest = editor.get("/comments?sort=created_at&limit=1&article=talk&status=approved,spam").await;
    assert_eq!(oldest.column("body"), ["1"]);
    assert_eq!(oldest.json["data"][0]["reply_count"], 1);
    assert_eq!(editor.get("/comments?status=pending").await.json["data"], json!([]));
}

async fn no_reply_is_lost_where_a_page_of_threads_has_very_many(app: TestApp) {
    let editor = open_discussion(&app).await;
    let mut roots = Vec::new();
    for root in ["First", "Second", "Third"] {
        roots.push(editor.post(PATH, json!({"body": root})).await.assert(201).text("/id"));
    }
    for root in &roots[..2] {
        for some in 0..13 {
            let replies = (0..20).map(|reply| {
                let comment = json!({"body": format!("{some} {reply}"), "parent_id": root});
                let editor = editor.clone();
                async move { editor.post(PATH, comment).await.assert(201).text("/id") }
            });
            futures_util::future::join_all(replies).await;
        }
    }
    let anyone = app.anyone();
    let (mut seen, mut pages, mut path) = (Vec::new(), 0, PATH.to_owned());
    loop {
        let page = anyone.get(&path).await;
        for thread in page.assert(200).json["data"].as_array().unwrap() {
            let replies = thread["replies"].as_array().unwrap().len();
            assert_eq!(thread["reply_count"], replies);
            seen.push((thread["id"].as_str().unwrap().to_owned(), replies));
        }
        pages += 1;
        match page.json["page"]["next_cursor"].as_str() {
            Some(cursor) => path = format!("{PATH}?cursor={cursor}"),
            None => break,
        }
    }
    let mut expected: Vec<_> = roots.iter().cloned().zip([260, 260, 0]).collect();
    seen.sort();
    expected.sort();
    assert_eq!((seen, pages), (expected, 2));
    // A numbered page has its place: it shows what it can, and tells of all.
    let numbered = anyone.get(&format!("{PATH}?page=1")).await;
    let threads = numbered.assert(200).json["data"].as_array().unwrap();
    let counts: i64 = threads.iter().map(|thread| thread["reply_count"].as_i64().unwrap()).sum();
    let shown: usize = threads.iter().map(|thread| thread["replies"].as_array().unwrap().len()).sum();
    assert_eq!((threads.len(), counts, shown), (3, 520, 500));
    let page = anyone.get("/articles/talk?include=comments").await;
    assert!(page.json["thread"]["page"]["next_cursor"].is_string(), "{}", page.json["thread"]["page"]);
}

async fn threads_go_on_where_the_page_left_off(app: TestApp) {
    let editor = open_discussion(&app).await;
    for number in 0..21 {
        editor.post(PATH, json!({"body": format!("Comment {number}.")})).await.assert(201);
    }
    let page = app.anyone().get("/articles/talk?include=comments").await;
    let (id, cursor) = (page.assert(200).text("/id"), page.text("/thread/page/next_cursor"));
    for reference in ["talk", &id] {
        let rest = app.anyone().get(&format!("/articles/{reference}/comments?cursor={cursor}")).await;
        assert_eq!(rest.assert(200).json["data"][0]["body_html"], "<p>Comment 20.</p>\n");
    }
}

async fn a_comment_says_something(app: TestApp) {
    let editor = open_discussion(&app).await;
    for blank in [" ", "\n", "[a]: x", "\u{200b}", "&nbsp;", "\u{3164}"] {
        let refused = app.anyone().post(PATH, guest(blank)).await;
        assert_eq!(
            refused.assert_problem(422, "validation_failed").mistakes(),
            [("/body".into(), "required".into())],
            "{blank:?}"
        );
    }
    let id = approved(&app, &editor, guest("Said.")).await;
    editor.patch(&format!("/comments/{id}"), json!({"body": "[a]: x"})).await.assert_problem(422, "validation_failed");
}

on_both_databases! {
    no_reply_is_lost_where_a_page_of_threads_has_very_many,
    threads_go_on_where_the_page_left_off,
    a_comment_says_something,
    a_guests_comment_waits_until_it_is_approved,
    guests_sign_with_a_name_and_an_address,
    the_staff_sign_with_their_own_name_and_do_not_wait,
    threads_go_as_deep_as_they_may,
    what_stands_below_a_hidden_comment_is_hidden_with_it,
    editors_correct_delete_and_bring_back_comments,
    what_readers_see_of_a_comment_is_edited_and_its_state_is_not,
    two_may_moderate_a_thread_at_once,
    with_which_address_the_staff_sign_in_is_told_to_no_editor,
    a_closed_hidden_or_absent_article_takes_no_comment,
    threads_and_the_queue_come_in_pages,
}
