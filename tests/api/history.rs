//! The history of an article: `/articles/{ref}/revisions`.

use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::{Value, json};

/// An article whose title counts its edits.
async fn edited(editor: &Client, times: usize) -> String {
    editor.post("/tags", json!({"name": "Ebb"})).await;
    let new = json!({"title": "Take 1", "slug": "takes", "body": {"source": "**One.**"}, "tags": ["ebb"], "excerpt": "Short."});
    editor.post("/articles", new).await.assert(201);
    for take in 2..=times {
        let change =
            json!({"title": format!("Take {take}"), "body": {"source": format!("Body {take}.")}, "tags": null});
        editor.patch("/articles/takes", change).await.assert(200);
    }
    "/articles/takes".to_owned()
}

fn numbers(list: &Value) -> Vec<i64> {
    list["data"].as_array().unwrap().iter().map(|row| row["number"].as_i64().unwrap()).collect()
}

async fn every_edit_can_be_read_again(app: TestApp) {
    let editor = app.editor().await;
    let path = edited(&editor, 3).await;
    editor.put(&format!("{path}/publication"), json!({"revision": 2})).await.assert(200);
    let list = editor.get(&format!("{path}/revisions?count=true")).await;
    assert_eq!((numbers(&list.assert(200).json), &list.json["page"]["total"]), (vec![3, 2, 1], &json!(3)));
    let seen = |field: &str| list.json["data"].as_array().unwrap().iter().map(|r| r[field].clone()).collect::<Vec<_>>();
    assert_eq!(seen("title"), ["Take 3", "Take 2", "Take 1"]);
    assert_eq!(seen("working"), [true, false, false]);
    assert_eq!(seen("published"), [false, true, false]);
    assert_eq!(list.json["data"][0]["created_by"]["name"], "Mira Holt");
    assert_eq!(list.json["data"][0].get("content"), None, "a list is light");
    let first = editor.get(&format!("{path}/revisions/1")).await;
    assert_eq!(first.assert(200).json["body_html"], "<p><strong>One.</strong></p>\n");
    let content = &first.json["content"];
    assert_eq!((&content["title"], &content["excerpt"]), (&json!("Take 1"), &json!("Short.")));
    assert_eq!((&content["tags"], &content["body"]["source"]), (&json!(["ebb"]), &json!("**One.**")));
    assert_eq!((content.get("slug"), content.get("comments")), (None, None));
    // What was read is what may be written.
    let copy = editor.post("/articles", content.clone()).await;
    assert_eq!(copy.assert(201).json["body"]["html"], first.json["body_html"]);
    for number in ["4", "0", "x", "99999999999"] {
        editor.get(&format!("{path}/revisions/{number}")).await.assert_problem(404, "not_found");
    }
}

async fn a_long_history_comes_in_pages(app: TestApp) {
    let editor = app.editor().await;
    let path = edited(&editor, 7).await;
    let (mut found, mut next) = (Vec::new(), format!("{path}/revisions?limit=3"));
    loop {
        let page = editor.get(&next).await;
        found.extend(numbers(&page.assert(200).json));
        let Some(cursor) = page.json["page"]["next_cursor"].as_str() else { break };
        next = format!("{path}/revisions?limit=3&cursor={cursor}");
    }
    assert_eq!(found, [7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(numbers(&editor.get(&format!("{path}/revisions?limit=3&page=2")).await.json), [4, 3, 2]);
}

async fn an_old_revision_comes_back_as_a_new_one(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let path = edited(&editor, 3).await;
    editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
    editor.patch(&path, json!({"slug": "renamed"})).await.assert(200);
    let path = "/articles/renamed";
    let before = editor.get(path).await;
    let rehearsed = editor.post(&format!("{path}/revisions/1/restore?dry_run=true"), json!({})).await;
    assert_eq!(rehearsed.assert(200).json["title"], "Take 1");
    assert_eq!(editor.get(path).await.etag(), before.etag());
    let restored = editor.post(&format!("{path}/revisions/1/restore"), json!({})).await;
    let article = &restored.assert(200).json;
    assert_eq!(
        (&article["title"], &article["revision"], &article["slug"]),
        (&json!("Take 1"), &json!(4), &json!("renamed"))
    );
    assert_eq!((&article["body"]["source"], &article["excerpt"]), (&json!("**One.**"), &json!("Short.")));
    assert_eq!(article["tags"][0]["slug"], "ebb");
    assert_eq!(anyone.get(path).await.json["title"], "Take 3", "what is public stays");
    assert_eq!(numbers(&editor.get(&format!("{path}/revisions")).await.json), [4, 3, 2, 1], "nothing is lost");
    // It is what it is already: nothing to do.
    let again = editor.post(&format!("{path}/revisions/4/restore"), json!({})).await;
    assert_eq!(again.assert(200).etag(), restored.etag());
    let stale = editor.with("if-match", before.etag()).post(&format!("{path}/revisions/2/restore"), json!({})).await;
    stale.assert_problem(412, "precondition_failed");
    let once = editor.with("idempotency-key", "back to two");
    let first = once.post(&format!("{path}/revisions/2/restore"), json!({})).await;
    let second = once.post(&format!("{path}/revisions/2/restore"), json!({})).await;
    assert_eq!((first.assert(200).json["revision"].as_i64(), &first.bytes), (Some(5), &second.bytes));
    editor.post(&format!("{path}/revisions/9/restore"), json!({})).await.assert_problem(404, "not_found");
}

async fn a_history_is_for_those_who_may_edit(app: TestApp) {
    let (editor, writer, other) = (app.editor().await, app.contributor().await, app.contributor().await);
    writer.post("/articles", json!({"title": "Draft"})).await.assert(201);
    for path in ["/articles/draft/revisions", "/articles/draft/revisions/1"] {
        writer.get(path).await.assert(200);
        editor.get(path).await.assert(200);
        app.anyone().get(path).await.assert_problem(401, "unauthenticated");
        other.get(path).await.assert_problem(404, "not_found");
    }
    editor.put("/articles/draft/publication", json!({})).await.assert(200);
    other.get("/articles/draft/revisions").await.assert_problem(403, "forbidden");
    other.post("/articles/draft/revisions/1/restore", json!({})).await.assert_problem(403, "forbidden");
    editor.delete("/articles/draft").await.assert(204);
    writer.get("/articles/draft/revisions").await.assert_problem(404, "not_found");
}

async fn a_revision_outlives_what_it_refers_to_being_renamed(app: TestApp) {
    let editor = app.editor().await;
    let path = edited(&editor, 1).await;
    editor.patch("/tags/ebb", json!({"slug": "low-tide"})).await.assert(200);
    let first = editor.get(&format!("{path}/revisions/1")).await;
    assert_eq!(first.assert(200).json["content"]["tags"], json!(["low-tide"]));
}

async fn live_articles_with_changes_are_found(app: TestApp) {
    let (editor, author, other) = (app.editor().await, app.author().await, app.author().await);
    for title in ["Changed", "Unchanged", "Draft"] {
        author.post("/articles", json!({"title": title})).await.assert(201);
    }
    for path in ["/articles/changed", "/articles/unchanged"] {
        author.put(&format!("{path}/publication"), json!({})).await.assert(200);
    }
    author.patch("/articles/changed", json!({"subtitle": "Soon"})).await.assert(200);
    author.patch("/articles/draft", json!({"subtitle": "Soon"})).await.assert(200);
    for who in [&editor, &author] {
        let changed = who.get("/articles?changed=true&count=true").await;
        assert_eq!(
            (changed.assert(200).column("slug"), &changed.json["page"]["total"]),
            (vec!["changed".into()], &json!(1))
        );
        assert_eq!(who.get("/articles?changed=false").await.column("slug"), ["unchanged"]);
    }
    // Somebody else's preparations are nobody's business.
    for changed in [true, false] {
        let none = other.get(&format!("/articles?changed={changed}&count=true")).await;
        assert_eq!(none.assert(200).json["page"]["total"], 0, "{changed}");
    }
    for (client, query) in [(app.anyone(), "changed=true"), (editor.clone(), "changed=true&view=published")] {
        client.get(&format!("/articles?{query}")).await.assert_problem(400, "invalid_parameter");
    }
    editor.get("/articles?changed=true&deleted=true").await.assert_problem(400, "invalid_parameter");
    author.put("/articles/changed/publication", json!({})).await.assert(200);
    assert_eq!(editor.get("/articles?changed=true").await.column("slug"), Vec::<String>::new());
}

async fn what_changed_between_two_revisions_is_told(app: TestApp) {
    let editor = app.editor().await;
    let path = edited(&editor, 3).await;
    editor.post("/tags", json!({"name": "Flood"})).await;
    let change = json!({
        "tags": ["flood", "ebb"], "body": {"source": "Body 3, and more."}, "subtitle": "At last",
        "seo": {"description": "Tides."}, "custom": {"desk": {"a/b": [1]}}
    });
    editor.patch(&path, change).await.assert(200);
    let diff = editor.get(&format!("{path}/revisions/4?diff=1")).await;
    let expected = json!({"from": 1, "to": 4, "changes": [
        {"kind": "value", "pointer": "/title", "before": "Take 1", "after": "Take 3"},
        {"kind": "value", "pointer": "/subtitle", "before": null, "after": "At last"},
        {"kind": "text", "pointer": "/body/source", "runs": [
            {"op": "delete", "text": "**One.**"}, {"op": "insert", "text": "Body 3, and more."}
        ]},
        {"kind": "references", "pointer": "/tags", "added": ["flood"], "removed": [], "moved": false, "before": ["ebb"], "after": ["flood", "ebb"]},
        {"kind": "value", "pointer": "/seo/description", "before": null, "after": "Tides."},
        {"kind": "value", "pointer": "/custom/desk", "after": {"a/b": [1]}}
    ]});
    assert_eq!(diff.assert(200).json["diff"], expected);
    // The other way round, and with itself.
    let back = editor.get(&format!("{path}/revisions/3?diff=4")).await;
    let runs = &back.assert(200).json["diff"]["changes"][1]["runs"];
    assert_eq!(
        *runs,
        json!([{"op": "equal", "text": "Body "}, {"op": "delete", "text": "3, and more."}, {"op": "insert", "text": "3."}])
    );
    let same = editor.get(&format!("{path}/revisions/2?diff=2")).await;
    assert_eq!(same.assert(200).json["diff"], json!({"from": 2, "to": 2, "changes": []}));
    assert_eq!(editor.get(&format!("{path}/revisions/2")).await.json.get("diff"), None, "only where it is asked for");
    // What is not there, and what is no number.
    let absent = editor.get(&format!("{path}/revisions/2?diff=9")).await;
    absent.assert_problem(404, "not_found");
    assert_eq!(absent.mistakes(), [("diff".into(), "not_found".into())]);
    assert!(absent.text("/detail").contains("revision 9") && absent.text("/detail").contains("newest is 4"));
    editor.get(&format!("{path}/revisions/9?diff=1")).await.assert_problem(404, "not_found");
    for wrong in ["0", "-1", "abc", "1,2", "", "99999999999"] {
        let refused = editor.get(&format!("{path}/revisions/2?diff={wrong}")).await;
        assert_eq!(refused.assert_problem(400, "invalid_parameter").text("/errors/0/pointer"), "diff", "{wrong}");
    }
    // One that exists elsewhere is none of this article's, and nobody else's to see.
    let other = app.contributor().await;
    other.post("/articles", json!({"title": "Short"})).await.assert(201);
    other.get("/articles/short/revisions/1?diff=4").await.assert_problem(404, "not_found");
    other.get(&format!("{path}/revisions/4?diff=1")).await.assert_problem(404, "not_found");
}

async fn a_hostile_text_is_compared_in_time(app: TestApp) {
    let editor = app.editor().await;
    // 250,000 words each, hardly any of them in the same place.
    let text = |letters: &str| letters.chars().cycle().take(250_000).flat_map(|c| [c, ' ']).collect::<String>();
    let (before, after) = (text("abcab"), text("bacabbc"));
    editor.post("/articles", json!({"title": "Long", "body": {"source": before}})).await.assert(201);
    editor.patch("/articles/long", json!({"body": {"source": after}})).await.assert(200);
    let began = std::time::Instant::now();
    let diff = editor.get("/articles/long/revisions/2?diff=1").await;
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    let runs = diff.assert(200).json["diff"]["changes"][0]["runs"].as_array().unwrap().clone();
    let side = |without: &str| -> String {
        runs.iter().filter(|run| run["op"] != without).map(|run| run["text"].as_str().unwrap()).collect()
    };
    assert!(side("insert") == before && side("delete") == after, "both texts can be put together again");
}

on_both_databases! {
    what_changed_between_two_revisions_is_told,
    a_hostile_text_is_compared_in_time,
    live_articles_with_changes_are_found,
    every_edit_can_be_read_again,
    a_long_history_comes_in_pages,
    an_old_revision_comes_back_as_a_new_one,
    a_history_is_for_those_who_may_edit,
    a_revision_outlives_what_it_refers_to_being_renamed,
}
