//! The trash: what comes back from it, for how long, and what is gone for good.

use crate::{
    on_both_databases,
    support::{Client, TestApp, blocking},
};
use actix_web::http::Method;
use diesel::{connection::SimpleConnection, prelude::*};
use serde_json::{Value, json};
use std::time::Duration;
use stet::{articles::trash, clock, jobs::Left, permissions::Role};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// An article, by its path.
async fn article(owner: &Client, title: &str, public: bool) -> String {
    let new = json!({"title": title, "body": {"source": format!("About {title}.")}});
    let path = format!("/articles/{}", owner.post("/articles", new).await.assert(201).text("/slug"));
    if public {
        owner.put(&format!("{path}/publication"), json!({})).await.assert(200);
    }
    path
}

/// Removes what is due as of so many days from now, and gives how many articles and comments that were.
async fn empty_in(app: &TestApp, days: u32) -> i64 {
    let gone =
        || count(app, "events WHERE kind = 'article.deleted'") - count(app, "comments WHERE trashed_at IS NOT NULL");
    let before = gone();
    while trash::empty(&app.app, clock::now().plus(DAY * days)).await.unwrap() == Left::More {}
    gone() - before
}

fn count(app: &TestApp, what: &str) -> i64 {
    let sql = diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("(SELECT count(*) FROM {what})"));
    blocking(|| diesel::select(sql).get_result(&mut *app.app.db.connection().unwrap()).unwrap())
}

fn sql(app: &TestApp, statement: &str) {
    blocking(|| app.app.db.connection().unwrap().batch_execute(statement).unwrap());
}

async fn what_is_in_the_trash_comes_back_for_thirty_days(app: TestApp) {
    let editor = app.editor().await;
    let path = article(&editor, "Tide", true).await;
    editor.delete(&path).await.assert(204);
    let listed = editor.get("/articles?deleted=true").await;
    let row = &listed.assert(200).json["data"][0];
    let time = |field: &str| clock::Time::parse(row[field].as_str().unwrap()).unwrap();
    assert_eq!(time("purge_at"), time("deleted_at").plus(DAY * 30));
    assert_eq!(empty_in(&app, 29).await, 0);
    let back = editor.post(&format!("{path}/restore"), json!({})).await;
    assert_eq!(
        (&back.assert(200).json["deleted_at"], &back.json["purge_at"], &back.json["status"]),
        (&Value::Null, &Value::Null, &json!("published"))
    );
    assert_eq!(empty_in(&app, 31).await, 0, "what came back stays");
    editor.delete(&path).await.assert(204);
    assert_eq!(empty_in(&app, 31).await, 1);
    editor.post(&format!("{path}/restore"), json!({})).await.assert_problem(404, "not_found");
    assert_eq!(editor.get("/articles?deleted=true").await.column("id"), Vec::<String>::new());
    assert_eq!(empty_in(&app, 31).await, 0);
    // Its name is free again.
    assert_eq!(article(&editor, "Tide", false).await, path);
}

async fn what_comes_back_is_held_to_no_later_schema(app: TestApp) {
    let (editor, admin) = (app.editor().await, app.signed_in(Role::Admin).await);
    for (title, public) in [("One", true), ("Two", false)] {
        let path = article(&editor, title, public).await;
        editor.patch(&path, json!({"custom": {"stars": "many"}})).await.assert(200);
        editor.delete(&path).await.assert(204);
    }
    let schema = json!({"type": "object", "properties": {"stars": {"type": "integer"}}});
    admin.patch("/site", json!({"custom_fields": {"schema": schema}})).await.assert(200);
    editor.send(Method::POST, "/articles/one/restore", None).await.assert(200);
    let many = json!({"articles": ["two"], "action": {"kind": "restore"}});
    assert_eq!(editor.post("/articles/bulk", many).await.assert(200).json["changed"], 1);
    // What is stored stays, and what else is written of the article with it.
    let saved = editor.patch("/articles/one", json!({"subtitle": "Three"})).await;
    assert_eq!(saved.assert(200).json["custom"], json!({"stars": "many"}));
    for (custom, status) in [(json!({"stars": "few"}), 422), (json!({"mood": "good"}), 422), (json!({"stars": 3}), 200)]
    {
        editor.patch("/articles/one", json!({"custom": custom})).await.assert(status);
    }
    editor.patch("/articles/one", json!({"custom": {"stars": "many"}})).await.assert(422);
}

async fn what_is_gone_leaves_nothing_behind_but_the_event(app: TestApp) {
    let editor = app.editor().await;
    for (kind, name) in [("tags", "Ebb"), ("authors", "Mira"), ("sections", "News")] {
        editor.post(&format!("/{kind}"), json!({"name": name})).await.assert(201);
    }
    let kept = article(&editor, "Kept", true).await;
    let gone = article(&editor, "Gone", true).await;
    let id = editor.get(&gone).await.text("/id");
    let whole = json!({"tags": ["ebb"], "authors": ["mira"], "section": "news", "related": ["kept"]});
    editor.patch(&gone, whole).await.assert(200);
    editor.put(&format!("{gone}/publication"), json!({})).await.assert(200);
    editor.patch(&kept, json!({"related": ["gone"]})).await.assert(200);
    editor.put(&format!("{kept}/publication"), json!({})).await.assert(200);
    editor.post(&format!("{gone}/corrections"), json!({"kind": "update", "text": "x"})).await.assert(201);
    let comment = editor.post(&format!("{gone}/comments"), json!({"body": "x"})).await.assert(201).text("/id");
    editor.post(&format!("{gone}/comments"), json!({"body": "x", "parent_id": comment})).await.assert(201);
    let blob = if matches!(app.target, stet::db::Target::Sqlite(_)) {
        format!("X'{}'", id.replace('-', ""))
    } else {
        format!("'{id}'")
    };
    sql(
        &app,
        &format!(
            "INSERT INTO old_slugs (kind, slug, target_id, public, created_at) VALUES ('article', 'past', {blob}, TRUE, 1)"
        ),
    );
    sql(
        &app,
        &format!(
            "INSERT INTO reviews (id, article_id, revision, status, created_at) VALUES ({blob}, {blob}, 1, 'approved', 1)"
        ),
    );
    editor.delete(&gone).await.assert(204);
    assert_eq!(editor.get("/tags/ebb").await.json["article_count"], 0);
    assert_eq!(empty_in(&app, 31).await, 1);
    for table in
        ["comments", "corrections", "old_slugs", "reviews", "revision_tags", "revision_authors", "revision_related"]
    {
        assert_eq!(count(&app, table), 0, "{table}");
    }
    assert_eq!((count(&app, "articles"), count(&app, "revisions")), (1, 2), "another's text is as it was");
    assert_eq!(count(&app, "events WHERE kind = 'article.deleted' AND user_id IS NULL"), 1);
    assert_eq!(editor.get("/tags/ebb").await.json["article_count"], 0, "it was counted out once");
    editor.delete("/tags/ebb").await.assert(204);
    let page = app.anyone().get("/articles/kept?include=related").await;
    assert_eq!(page.assert(200).json["related"], json!([]));
    editor.patch(&kept, json!({"title": "Still kept"})).await.assert(200);
}

async fn an_administrator_removes_for_good(app: TestApp) {
    let (admin, editor) = (app.signed_in(Role::Admin).await, app.editor().await);
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    let paths = [article(&editor, "One", true).await, article(&editor, "Two", false).await];
    editor.patch(&paths[0], json!({"tags": ["ebb"]})).await.assert(200);
    editor.put("/articles/one/publication", json!({})).await.assert(200);
    assert_eq!(editor.get("/tags/ebb").await.json["article_count"], 1);
    let before = admin.get(&paths[0]).await;
    for who in [&editor, &app.author().await] {
        who.delete(&format!("{}?permanent=true", paths[0])).await.assert_problem(403, "forbidden");
    }
    app.anyone().delete(&format!("{}?permanent=true", paths[0])).await.assert_problem(401, "unauthenticated");
    let stale = admin.with("if-match", "\"1-0000000000000000\"");
    stale.delete(&format!("{}?permanent=true", paths[0])).await.assert_problem(412, "precondition_failed");
    admin.delete(&format!("{}?permanent=true&dry_run=true", paths[0])).await.assert(204);
    assert_eq!(admin.get(&paths[0]).await.etag(), before.etag());
    // From where it is.
    let fresh = admin.with("if-match", before.etag());
    fresh.delete(&format!("{}?permanent=true", paths[0])).await.assert(204);
    assert_eq!(editor.get("/tags/ebb").await.json["article_count"], 0);
    app.anyone().get(&paths[0]).await.assert_problem(404, "not_found");
    // And from the trash.
    admin.delete(&format!("{}?permanent=false", paths[1])).await.assert(204);
    assert_eq!(editor.get("/articles?deleted=true").await.column("slug"), ["two"]);
    admin.delete(&paths[1]).await.assert_problem(404, "not_found");
    admin.delete(&format!("{}?permanent=true", paths[1])).await.assert(204);
    for path in &paths {
        admin.delete(&format!("{path}?permanent=true")).await.assert_problem(404, "not_found");
        admin.post(&format!("{path}/restore"), json!({})).await.assert_problem(404, "not_found");
    }
    assert_eq!(count(&app, "articles") + count(&app, "revisions"), 0);
    assert_eq!(count(&app, "events WHERE kind = 'article.deleted' AND user_id IS NOT NULL"), 2);
    let odd = admin.delete("/articles/one?permanent=perhaps").await;
    odd.assert_problem(400, "invalid_parameter");
    admin.delete("/articles/one?forever=true").await.assert_problem(400, "invalid_parameter");
}

async fn two_processes_remove_each_article_once(app: TestApp) {
    let editor = app.editor().await;
    let articles = 70;
    for number in 0..articles {
        article(&editor, &format!("Story {number}"), false).await;
    }
    // They pin one another, so that what one process removes leads to what another does.
    for number in 0..articles {
        let pins = json!({"related": [format!("story-{}", (number + 1) % articles), format!("story-{}", (number + 40) % articles)]});
        editor.patch(&format!("/articles/story-{number}"), pins).await.assert(200);
    }
    for number in 0..articles {
        editor.delete(&format!("/articles/story-{number}")).await.assert(204);
    }
    let at = clock::now().plus(DAY * 31);
    let processes = (0..3).map(|_| {
        let app = app.app.clone();
        actix_web::rt::spawn(async move { while trash::empty(&app, at).await.unwrap() == Left::More {} })
    });
    for process in processes.collect::<Vec<_>>() {
        process.await.unwrap();
    }
    assert_eq!(count(&app, "articles") + count(&app, "revisions") + count(&app, "revision_related"), 0);
    assert_eq!(count(&app, "events WHERE kind = 'article.deleted'"), 70);
    assert_eq!(count(&app, "(SELECT DISTINCT subject_id FROM events WHERE kind = 'article.deleted') AS gone"), 70);
}

async fn a_comment_stays_until_its_answers_are_gone(app: TestApp) {
    let editor = app.editor().await;
    let path = article(&editor, "Talk", true).await;
    let left = async |parent: Option<&str>| {
        let body = json!({"body": "x", "parent_id": parent});
        editor.post(&format!("{path}/comments"), body).await.assert(201).text("/id")
    };
    let (root, alone) = (left(None).await, left(None).await);
    let reply = left(Some(&root)).await;
    let total = async || app.anyone().get(&path).await.json["comments"]["count"].as_i64().unwrap();
    assert_eq!(total().await, 3);
    for id in [&root, &alone] {
        editor.delete(&format!("/comments/{id}")).await.assert(204);
    }
    assert_eq!(total().await, 0);
    assert_eq!(empty_in(&app, 31).await, 1, "the one that nobody answered");
    assert_eq!(editor.get("/comments").await.column("id"), [reply.clone(), root.clone()]);
    // It can still come back, with the answer to it.
    editor.patch(&format!("/comments/{root}"), json!({"status": "approved"})).await.assert(200);
    assert_eq!((total().await, empty_in(&app, 31).await), (2, 0));
    for id in [&root, &reply] {
        editor.delete(&format!("/comments/{id}")).await.assert(204);
    }
    assert_eq!(empty_in(&app, 29).await, 0);
    assert_eq!(empty_in(&app, 31).await, 2);
    assert_eq!((count(&app, "comments"), total().await), (0, 0));
    editor.patch(&format!("/comments/{root}"), json!({"status": "approved"})).await.assert_problem(404, "not_found");
}

async fn a_site_may_keep_its_trash_for_ever(app: TestApp) {
    let app = TestApp::start_as(app.kind(), |site| site.trash.days = 0).await;
    let editor = app.editor().await;
    let path = article(&editor, "Tide", true).await;
    editor.delete(&path).await.assert(204);
    let listed = editor.get("/articles?deleted=true").await;
    assert_eq!(listed.assert(200).json["data"][0]["purge_at"], Value::Null);
    assert_eq!(empty_in(&app, 36_500).await, 0);
    editor.post(&format!("{path}/restore"), json!({})).await.assert(200);
}

async fn what_is_in_anothers_trash_is_not_there(app: TestApp) {
    let (owner, other) = (app.author().await, app.author().await);
    let path = article(&owner, "Tide", true).await;
    owner.delete(&path).await.assert(204);
    other.post(&format!("{path}/restore"), json!({})).await.assert_problem(404, "not_found");
    other.delete(&path).await.assert_problem(404, "not_found");
    other.get(&path).await.assert_problem(404, "not_found");
    assert_eq!(other.get("/articles?deleted=true").await.column("id"), Vec::<String>::new());
    assert_eq!(owner.get("/articles?deleted=true&fields=slug,purge_at").await.column("slug"), ["tide"]);
}

async fn an_old_slug_leads_an_administrator_on(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let path = article(&admin, "Tide", true).await;
    admin.patch(&path, json!({"slug": "ebb"})).await.assert(200);
    let led = admin.delete(&format!("{path}?permanent=true")).await;
    assert_eq!(led.assert(308).header("location"), "/api/v1/articles/ebb?permanent=true");
    admin.get("/articles/ebb").await.assert(200);
}

on_both_databases! {
    an_old_slug_leads_an_administrator_on,
    what_is_in_the_trash_comes_back_for_thirty_days,
    what_comes_back_is_held_to_no_later_schema,
    what_is_gone_leaves_nothing_behind_but_the_event,
    an_administrator_removes_for_good,
    two_processes_remove_each_article_once,
    a_comment_stays_until_its_answers_are_gone,
    a_site_may_keep_its_trash_for_ever,
    what_is_in_anothers_trash_is_not_there,
}
