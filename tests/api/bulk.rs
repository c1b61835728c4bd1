//! Many articles at once: `/articles/bulk`.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp},
};
use actix_web::http::Method;
use serde_json::{Value, json};
use stet::{articles::preflight::Policy, permissions::Role};

const PATH: &str = "/articles/bulk";

async fn articles(owner: &Client, slugs: &[&str]) {
    for slug in slugs {
        owner.post("/articles", json!({"title": slug, "slug": slug, "body": {"source": "x"}})).await.assert(201);
    }
}

fn order(articles: &[&str], action: Value) -> Value {
    json!({"articles": articles, "action": action})
}

fn kind(kind: &str) -> Value {
    json!({"kind": kind})
}

fn statuses(reply: &Reply) -> Vec<i64> {
    let data = reply.assert(200).json["data"].as_array().unwrap();
    assert!(data.iter().all(|item| (item["status"].as_i64() >= Some(400)) == item["problem"].is_object()));
    data.iter().map(|item| item["status"].as_i64().unwrap()).collect()
}

fn counted(reply: &Reply) -> (i64, i64) {
    (reply.json["changed"].as_i64().unwrap(), reply.json["failed"].as_i64().unwrap())
}

async fn one_request_publishes_many_and_takes_them_down(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    articles(&editor, &["a", "b", "c"]).await;
    editor.put("/articles/b/publication", json!({})).await.assert(200);
    let id = editor.get("/articles/c").await.text("/id");
    let done = editor.post(PATH, order(&["a", "b", "none", &id], kind("publish"))).await;
    assert_eq!((statuses(&done), counted(&done)), (vec![200, 200, 404, 200], (2, 1)));
    let item = &done.json["data"][3];
    assert_eq!((&item["ref"], &item["id"]), (&json!(id), &json!(id)));
    assert_eq!(
        item["article"],
        json!({"id": id, "slug": "c", "status": "published", "revision": 1, "published_revision": 1})
    );
    let missing = &done.json["data"][2];
    assert_eq!((&missing["ref"], &missing["id"], &missing["article"]), (&json!("none"), &Value::Null, &Value::Null));
    assert_eq!(
        (&missing["problem"]["code"], &missing["problem"]["request_id"]),
        (&json!("not_found"), &json!(done.header("x-request-id")))
    );
    assert_eq!(anyone.get("/articles?count=true").await.json["page"]["total"], 3);
    let down = editor.post(PATH, order(&["c", "a"], kind("unpublish"))).await;
    assert_eq!((statuses(&down), counted(&down)), (vec![204, 204], (2, 0)));
    let again = editor.post(PATH, order(&["c", "b"], kind("unpublish"))).await;
    assert_eq!((statuses(&again), counted(&again)), (vec![204, 204], (1, 0)));
    assert_eq!(anyone.get("/articles?count=true").await.json["page"]["total"], 0);
}

async fn the_trash_takes_many_and_gives_them_back(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    articles(&editor, &["a", "b"]).await;
    editor.patch("/articles/a", json!({"tags": ["ebb"]})).await.assert(200);
    editor.post(PATH, order(&["a", "b"], kind("publish"))).await.assert(200);
    let trashed = editor.post(PATH, order(&["b", "a"], kind("trash"))).await;
    assert_eq!((statuses(&trashed), counted(&trashed)), (vec![204, 204], (2, 0)));
    assert_eq!(anyone.get("/tags/ebb").await.json["article_count"], 0);
    let again = editor.post(PATH, order(&["b"], kind("trash"))).await;
    assert_eq!(statuses(&again), [404]);
    let back = editor.post(PATH, order(&["b", "a", "none"], kind("restore"))).await;
    assert_eq!((statuses(&back), counted(&back)), (vec![200, 200, 404], (2, 1)));
    assert_eq!(back.json["data"][0]["article"]["status"], "published");
    assert_eq!(anyone.get("/tags/ebb").await.json["article_count"], 1);
    assert_eq!(statuses(&editor.post(PATH, order(&["a"], kind("restore"))).await), [404]);
}

async fn moving_and_tagging_wait_to_be_published(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for (kind, name) in
        [("tags", "Ebb"), ("tags", "Flow"), ("tags", "Spring"), ("sections", "News"), ("sections", "Sport")]
    {
        editor.post(&format!("/{kind}"), json!({"name": name})).await.assert(201);
    }
    articles(&editor, &["a", "b"]).await;
    editor.patch("/articles/a", json!({"tags": ["flow", "ebb"], "section": "news"})).await.assert(200);
    editor.post(PATH, order(&["a", "b"], kind("publish"))).await.assert(200);
    let moved = editor.post(PATH, order(&["a", "b"], json!({"kind": "move", "section": "news"}))).await;
    assert_eq!((statuses(&moved), counted(&moved)), (vec![200, 200], (1, 0)), "one stands there already");
    assert_eq!(
        moved.json["data"][1]["article"],
        json!({
            "id": moved.json["data"][1]["id"], "slug": "b", "status": "published", "revision": 2, "published_revision": 1
        })
    );
    let tagged = editor
        .post(PATH, order(&["a", "b"], json!({"kind": "tag", "add": ["spring", "ebb"], "remove": ["flow"]})))
        .await;
    assert_eq!((statuses(&tagged), counted(&tagged)), (vec![200, 200], (2, 0)));
    let tags = async |client: &Client, article: &str| {
        let reply = client.get(&format!("/articles/{article}")).await;
        let tags = reply.assert(200).json["tags"].as_array().unwrap().clone();
        tags.iter().map(|tag| tag["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(
        (tags(&editor, "a").await, tags(&editor, "b").await),
        (vec!["ebb".into(), "spring".into()], vec!["spring".into(), "ebb".into()])
    );
    assert_eq!(tags(&anyone, "a").await, ["flow", "ebb"], "what is public stays");
    assert_eq!(anyone.get("/articles/b").await.json["section"], Value::Null);
    assert_eq!(anyone.get("/tags/spring").await.json["article_count"], 0);
    let out = editor.post(PATH, order(&["a"], json!({"kind": "move", "section": null}))).await;
    assert_eq!(statuses(&out), [200]);
    assert_eq!(editor.get("/articles/a").await.json["section"], Value::Null);
    // Each is a revision like any other.
    assert_eq!(editor.get("/articles/a/revisions?count=true").await.json["page"]["total"], 4);
    // A hundred tags do not fit on one article.
    for number in 0..50 {
        editor.post("/tags", json!({"name": format!("t{number}")})).await.assert(201);
    }
    let many: Vec<_> = (0..50).map(|number| format!("t{number}")).collect();
    let full = editor.post(PATH, order(&["a"], json!({"kind": "tag", "add": many}))).await;
    assert_eq!((statuses(&full), full.text("/data/0/problem/errors/0/pointer")), (vec![422], "/tags".into()));
}

async fn all_or_nothing_leaves_nothing_behind(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    articles(&editor, &["a", "b"]).await;
    let mut all = order(&["a", "none", "b", "nil"], kind("publish"));
    all["all_or_nothing"] = json!(true);
    let refused = editor.post(PATH, all).await;
    let expected = ["/articles/1", "/articles/3"].map(|at| (at.to_owned(), "not_found".to_owned()));
    assert_eq!(refused.assert_problem(422, "bulk_failed").mistakes(), expected);
    assert_eq!(anyone.get("/articles?count=true").await.json["page"]["total"], 0);
    assert_eq!(editor.get("/articles/a").await.json["status"], "draft");
    let mut all = order(&["a", "b"], kind("publish"));
    all["all_or_nothing"] = json!(true);
    assert_eq!(statuses(&editor.post(PATH, all).await), [200, 200]);
}

async fn each_is_done_as_the_operation_on_it_alone(app: TestApp) {
    let (owner, other) = (app.author().await, app.author().await);
    let (editor, contributor) = (app.editor().await, app.contributor().await);
    articles(&owner, &["mine", "public"]).await;
    owner.put("/articles/public/publication", json!({})).await.assert(200);
    articles(&contributor, &["draft", "live"]).await;
    editor.put("/articles/live/publication", json!({})).await.assert(200);
    // Another's draft is not there, another's public article is somebody else's.
    for action in [kind("publish"), kind("unpublish"), kind("trash"), json!({"kind": "move", "section": null})] {
        let done = other.post(PATH, order(&["mine", "public"], action)).await;
        assert_eq!((statuses(&done), counted(&done)), (vec![404, 403], (0, 2)));
        assert_eq!((&done.json["data"][0]["id"], &done.json["data"][1]["id"]), (&Value::Null, &Value::Null));
    }
    // A contributor publishes nothing, and throws away only what is not public.
    for action in ["publish", "unpublish"] {
        assert_eq!(
            statuses(&contributor.post(PATH, order(&["draft", "live", "none"], kind(action))).await),
            [403, 403, 403]
        );
    }
    assert_eq!(statuses(&contributor.post(PATH, order(&["draft", "live"], kind("trash"))).await), [204, 403]);
    assert_eq!(statuses(&contributor.post(PATH, order(&["draft"], kind("restore"))).await), [200]);
    owner.delete("/articles/mine").await.assert(204);
    assert_eq!(statuses(&other.post(PATH, order(&["mine"], kind("restore"))).await), [404]);
    assert_eq!(statuses(&app.signed_in(Role::Admin).await.post(PATH, order(&["mine"], kind("restore"))).await), [200]);
    app.anyone().post(PATH, order(&["live"], kind("trash"))).await.assert_problem(401, "unauthenticated");
    assert_eq!(app.anyone().get("/articles/live").await.status, 200);
}

async fn an_order_that_makes_no_sense_is_refused_whole(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    articles(&editor, &["a", "b"]).await;
    let id = editor.get("/articles/a").await.text("/id");
    let many: Vec<String> = (0..10_000).map(|n| format!("story-{n}")).collect();
    let publish = kind("publish");
    for (body, expected) in [
        (json!({"articles": [], "action": publish}), vec![("/articles", "required")]),
        (json!({"articles": many, "action": publish}), vec![("/articles", "too_many")]),
        (json!({"articles": "a", "action": publish}), vec![("/articles", "invalid_type")]),
        (
            json!({"articles": ["a", "A b", 7], "action": publish}),
            vec![("/articles/1", "invalid_reference"), ("/articles/2", "invalid_type")],
        ),
        (
            json!({"articles": ["a", "b", "a", "b"], "action": publish}),
            vec![("/articles/2", "duplicate"), ("/articles/3", "duplicate")],
        ),
        (json!({"articles": ["a", "b", id], "action": publish}), vec![("/articles/2", "duplicate")]),
        (json!({"action": publish}), vec![("/articles", "required")]),
        (json!({"articles": ["a"]}), vec![("/action", "required")]),
        (json!({"articles": ["a"], "action": {}}), vec![("/action/kind", "required")]),
        (json!({"articles": ["a"], "action": {"kind": "burn"}}), vec![("/action/kind", "not_allowed")]),
        (json!({"articles": ["a"], "action": "publish"}), vec![("/action", "invalid_type")]),
        (
            json!({"articles": ["a"], "action": {"kind": "publish", "at": "2030-01-01T00:00:00Z"}}),
            vec![("/action/at", "unknown_field")],
        ),
        (
            json!({"articles": ["a"], "action": {"kind": "publish", "section": null, "add": []}}),
            vec![("/action/add", "unknown_field"), ("/action/section", "unknown_field")],
        ),
        (json!({"articles": ["a"], "action": {"kind": "move"}}), vec![("/action/section", "required")]),
        (
            json!({"articles": ["a"], "action": {"kind": "move", "section": "none"}}),
            vec![("/action/section", "not_found")],
        ),
        (json!({"articles": ["a"], "action": {"kind": "tag"}}), vec![("/action/add", "required")]),
        (
            json!({"articles": ["a"], "action": {"kind": "tag", "add": ["ebb", "none"], "remove": ["nil"]}}),
            vec![("/action/add/1", "not_found"), ("/action/remove/0", "not_found")],
        ),
        (
            json!({"articles": ["a"], "action": {"kind": "tag", "add": ["ebb"], "remove": ["ebb"]}}),
            vec![("/action/remove/0", "conflict")],
        ),
        (
            json!({"articles": ["a"], "action": {"kind": "tag", "add": vec!["ebb"; 51]}}),
            vec![("/action/add", "too_many")],
        ),
        (
            json!({"articles": ["a"], "action": publish, "all_or_nothing": "yes"}),
            vec![("/all_or_nothing", "invalid_type")],
        ),
    ] {
        let refused = editor.post(PATH, body).await;
        let expected: Vec<_> = expected.into_iter().map(|(at, code)| (at.to_owned(), code.to_owned())).collect();
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), expected);
    }
    assert_eq!(editor.get("/articles/a").await.json["status"], "draft");
}

async fn a_repeated_order_is_done_once_and_a_rehearsal_not_at_all(app: TestApp) {
    let editor = app.editor().await;
    articles(&editor, &["a"]).await;
    let rehearsed = editor.post(&format!("{PATH}?dry_run=true"), order(&["a"], kind("trash"))).await;
    assert_eq!((statuses(&rehearsed), counted(&rehearsed)), (vec![204], (1, 0)));
    editor.get("/articles/a").await.assert(200);
    let once = editor.with("idempotency-key", "spring clean");
    let first = once.post(PATH, order(&["a"], kind("trash"))).await;
    let second = once.post(PATH, order(&["a"], kind("trash"))).await;
    assert_eq!((statuses(&first), &first.bytes), (vec![204], &second.bytes));
    once.post(PATH, order(&["a"], kind("restore"))).await.assert_problem(422, "idempotency_key_reused");
}

async fn an_article_may_be_called_bulk(app: TestApp) {
    let editor = app.editor().await;
    articles(&editor, &["bulk"]).await;
    editor.put("/articles/bulk/publication", json!({})).await.assert(200);
    assert_eq!(app.anyone().get("/articles/bulk").await.assert(200).json["slug"], "bulk");
    editor.patch("/articles/bulk", json!({"subtitle": "Ore and grain"})).await.assert(200);
    assert_eq!(statuses(&editor.post(PATH, order(&["bulk"], kind("unpublish"))).await), [204]);
    editor.delete("/articles/bulk").await.assert(204);
    let refused = editor.put("/articles/bulk", json!({})).await;
    assert_eq!(
        refused.assert_problem(405, "method_not_allowed").header("allow"),
        "DELETE, GET, HEAD, OPTIONS, PATCH, POST"
    );
    let options = editor.send(Method::OPTIONS, "/articles/bulk", None).await;
    assert_eq!(options.assert(204).header("allow"), "DELETE, GET, HEAD, OPTIONS, PATCH, POST");
}

async fn a_strict_site_holds_each_to_preflight(app: TestApp) {
    let app = TestApp::start_as(app.kind(), |site| site.preflight = Policy::Block).await;
    let editor = app.editor().await;
    articles(&editor, &["a", "b"]).await;
    editor.patch("/articles/b", json!({"body": {"source": ""}})).await.assert(200);
    let done = editor.post(PATH, order(&["a", "b"], kind("publish"))).await;
    assert_eq!((statuses(&done), counted(&done)), (vec![200, 422], (1, 1)));
    assert_eq!(done.text("/data/1/problem/code"), "preflight_failed");
    assert_eq!(done.text("/data/1/problem/errors/0/code"), "empty_body");
}

async fn two_orders_the_other_way_round_both_end(app: TestApp) {
    let editor = app.editor().await;
    for name in ["Ebb", "Flow"] {
        editor.post("/tags", json!({"name": name})).await.assert(201);
    }
    let slugs: Vec<String> = (0..30).map(|number| format!("story-{number}")).collect();
    let forward: Vec<&str> = slugs.iter().map(String::as_str).collect();
    articles(&editor, &forward).await;
    for (number, slug) in slugs.iter().enumerate() {
        let tag = if number % 2 == 0 { "ebb" } else { "flow" };
        editor.patch(&format!("/articles/{slug}"), json!({"tags": [tag]})).await.assert(200);
    }
    let backward: Vec<&str> = forward.iter().rev().copied().collect();
    let orders =
        [(forward, "publish"), (backward.clone(), "publish"), (backward, "unpublish")].map(|(slugs, action)| {
            let (client, body) = (editor.clone(), order(&slugs, kind(action)));
            actix_web::rt::spawn(async move { client.post(PATH, body).await })
        });
    for order in orders {
        let done = order.await.unwrap();
        assert_eq!((statuses(&done).len(), counted(&done).1), (30, 0));
    }
    let live = app.anyone().get("/articles?count=true").await.json["page"]["total"].clone();
    for tag in ["ebb", "flow"] {
        let count = app.anyone().get(&format!("/tags/{tag}")).await.json["article_count"].as_i64().unwrap();
        assert_eq!(count * 2, live.as_i64().unwrap(), "the counts are right");
    }
}

on_both_databases! {
    one_request_publishes_many_and_takes_them_down,
    the_trash_takes_many_and_gives_them_back,
    moving_and_tagging_wait_to_be_published,
    all_or_nothing_leaves_nothing_behind,
    each_is_done_as_the_operation_on_it_alone,
    an_order_that_makes_no_sense_is_refused_whole,
    a_repeated_order_is_done_once_and_a_rehearsal_not_at_all,
    an_article_may_be_called_bulk,
    a_strict_site_holds_each_to_preflight,
    two_orders_the_other_way_round_both_end,
}
