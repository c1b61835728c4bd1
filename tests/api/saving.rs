//! Saving an article: notes, and autosaves that do not flood the history.

use crate::{
    on_both_databases,
    support::{Client, TestApp, blocking},
};
use diesel::connection::SimpleConnection;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

/// The notes of an article's revisions, the newest first.
async fn notes(editor: &Client, path: &str) -> Vec<Value> {
    let list = editor.get(&format!("{path}/revisions")).await;
    list.assert(200).json["data"].as_array().unwrap().iter().map(|row| row["note"].clone()).collect()
}

async fn a_note_says_why_a_revision_was_saved(app: TestApp) {
    let (editor, other) = (app.editor().await, app.editor().await);
    editor.post("/articles?note=First%20take", json!({"title": "Ferry"})).await.assert(201);
    let path = "/articles/ferry";
    editor.patch(&format!("{path}?note=%20The%20name%20was%20wrong%20"), json!({"title": "Ferries"})).await.assert(200);
    editor.patch(path, json!({"title": "The ferries"})).await.assert(200);
    editor.post(&format!("{path}/revisions/1/restore?note=Back"), json!({})).await.assert(200);
    assert_eq!(
        notes(&editor, path).await,
        [json!("Back"), json!(null), json!("The name was wrong"), json!("First take")]
    );
    assert_eq!(editor.get(&format!("{path}/revisions/4")).await.json["note"], "Back");
    // A note stands with a revision: where the text is the same, a revision of the same text carries it, once.
    for _ in 0..2 {
        let noted = editor.patch(&format!("{path}?note=Checked"), json!({"title": "Ferry"})).await;
        assert_eq!(noted.assert(200).json["revision"], 5);
    }
    let renamed = editor.patch(&format!("{path}?note=A%20better%20address"), json!({"slug": "ferries"})).await;
    assert_eq!(renamed.assert(200).json["revision"], 6);
    let path = "/articles/ferries";
    let noted = other.patch(&format!("{path}?note=A%20better%20address"), json!({})).await;
    assert_eq!(noted.assert(200).json["revision"], 7, "somebody else says so, too");
    assert_eq!(editor.get(&format!("{path}/revisions/7?diff=4")).await.json["diff"]["changes"], json!([]));
    // The same key with another note is another request.
    let once = editor.with("idempotency-key", "once");
    for _ in 0..2 {
        once.post(&format!("{path}/revisions/2/restore?note=One"), json!({})).await.assert(200);
    }
    let reused = once.post(&format!("{path}/revisions/2/restore?note=Two"), json!({})).await;
    reused.assert_problem(422, "idempotency_key_reused");
    assert_eq!(notes(&editor, path).await.len(), 8);
}

async fn a_note_is_one_line_of_500_characters(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/articles", json!({"title": "Ferry"})).await.assert(201);
    let longest = "ö".repeat(500);
    let encoded = "%C3%B6".repeat(500);
    editor.patch(&format!("/articles/ferry?note={encoded}"), json!({"title": "Long"})).await.assert(200);
    assert_eq!(notes(&editor, "/articles/ferry").await, [json!(longest), json!(null)]);
    for wrong in [&format!("note={encoded}n"), "note=", "note=%20", "note=a%0Ab", "note=Why&autosave=true"] {
        let refused = editor.patch(&format!("/articles/ferry?{wrong}"), json!({"title": "Wrong"})).await;
        assert_eq!(refused.assert_problem(400, "invalid_parameter").text("/errors/0/pointer"), "note", "{wrong}");
        if !wrong.contains("autosave") {
            for path in ["/articles", "/articles/ferry/revisions/1/restore"] {
                let refused = editor.post(&format!("{path}?{wrong}"), json!({"title": "Wrong"})).await;
                refused.assert_problem(400, "invalid_parameter");
            }
        }
    }
    for query in ["autosave=true", "merge=auto"] {
        let unknown = editor.post(&format!("/articles?{query}"), json!({"title": "Wrong"})).await;
        unknown.assert_problem(400, "invalid_parameter");
    }
}

/// The numbers of an article's revisions, the newest first, and which of them are autosaves.
async fn saves(editor: &Client, path: &str) -> Vec<(i64, bool)> {
    let list = editor.get(&format!("{path}/revisions")).await;
    let row = |row: &Value| (row["number"].as_i64().unwrap(), row["autosave"].as_bool().unwrap());
    list.assert(200).json["data"].as_array().unwrap().iter().map(row).collect()
}

const PATH: &str = "/articles/take-1";
const AUTO: &str = "/articles/take-1?autosave=true";

fn title(n: u32) -> Value {
    json!({"title": format!("Take {n}")})
}

async fn an_autosave_replaces_ones_own_last_one(app: TestApp) {
    let mira = app.editor().await;
    mira.post("/articles", title(1)).await.assert(201);
    let mut tags = vec![];
    for n in 2..=4 {
        let saved = mira.patch(AUTO, title(n)).await;
        assert_eq!(saved.assert(200).json["revision"], n);
        tags.push(saved.etag().to_owned());
        mira.get(&format!("{PATH}/revisions/{n}")).await.assert(200);
    }
    assert_eq!(saves(&mira, PATH).await, [(4, true), (1, false)]);
    mira.get(&format!("{PATH}/revisions/3")).await.assert_problem(404, "not_found");
    mira.with("if-match", &tags[0]).patch(AUTO, title(5)).await.assert_problem(412, "precondition_failed");
    // The same once more, and a rehearsal, change nothing.
    assert_eq!(mira.patch(AUTO, title(4)).await.assert(200).etag(), tags[2]);
    mira.patch(&format!("{AUTO}&dry_run=true"), title(9)).await.assert(200);
    assert_eq!(saves(&mira, PATH).await, [(4, true), (1, false)]);
    // What is saved on purpose stays, and so does the last autosave before it.
    mira.patch(PATH, title(5)).await.assert(200);
    mira.patch(AUTO, title(6)).await.assert(200);
    assert_eq!(saves(&mira, PATH).await, [(6, true), (5, false), (4, true), (1, false)]);
    for wrong in ["maybe", "", "1", "true,true"] {
        let refused = mira.patch(&format!("{PATH}?autosave={wrong}"), title(1)).await;
        assert_eq!(refused.assert_problem(400, "invalid_parameter").text("/errors/0/pointer"), "autosave", "{wrong}");
    }
    mira.patch(&format!("{PATH}?autosave=false"), title(7)).await.assert(200);
    assert_eq!(saves(&mira, PATH).await[0], (7, false));
}

async fn what_is_saved_on_purpose_is_never_swallowed(app: TestApp) {
    let (mira, jonas) = (app.editor().await, app.editor().await);
    mira.post("/articles", title(1)).await.assert(201);
    mira.patch(AUTO, title(2)).await.assert(200);
    // An autosave that is saved on purpose becomes a revision that stays, once.
    for _ in 0..2 {
        assert_eq!(mira.patch(PATH, title(2)).await.assert(200).json["revision"], 3);
    }
    mira.patch(AUTO, title(4)).await.assert(200);
    assert_eq!(saves(&mira, PATH).await, [(4, true), (3, false), (1, false)]);
    assert_eq!(mira.get(&format!("{PATH}/revisions/3")).await.json["title"], "Take 2");
    // With a note, or with nothing but the wish to save it.
    mira.patch(&format!("{PATH}?note=Done"), json!({})).await.assert(200);
    mira.patch(AUTO, title(6)).await.assert(200);
    mira.patch(PATH, json!({})).await.assert(200);
    mira.patch(AUTO, title(8)).await.assert(200);
    assert_eq!(saves(&mira, PATH).await[..3], [(8, true), (7, false), (5, false)]);
    // A restored one stays, too.
    mira.post(&format!("{PATH}/revisions/8/restore"), json!({})).await.assert(200);
    mira.patch(AUTO, title(10)).await.assert(200);
    assert_eq!(saves(&mira, PATH).await[..3], [(10, true), (9, false), (7, false)]);
    // Settings are no text: the autosave is as it was.
    let set = mira.patch(PATH, json!({"comments": {"open": false}})).await;
    assert_eq!(set.assert(200).json["revision"], 10);
    // Somebody else's autosave is left alone, and is theirs no longer when another saves the same on purpose.
    jonas.patch(AUTO, title(11)).await.assert(200);
    mira.patch(AUTO, title(12)).await.assert(200);
    mira.patch(AUTO, title(13)).await.assert(200);
    assert_eq!(saves(&mira, PATH).await[..4], [(13, true), (11, true), (10, true), (9, false)]);
    jonas.patch(PATH, title(13)).await.assert(200);
    assert_eq!(saves(&mira, PATH).await[..3], [(14, false), (13, true), (11, true)]);
    assert_eq!(mira.get(&format!("{PATH}/revisions/14")).await.json["title"], "Take 13");
}

async fn an_autosave_that_something_needs_is_not_replaced(app: TestApp) {
    let editor = app.editor().await;
    let sql = |text: &str| blocking(|| app.app.db.connection().unwrap().batch_execute(text).unwrap());
    editor.post("/articles", title(1)).await.assert(201);
    let save = async |n: u32| {
        editor.patch(AUTO, title(n)).await.assert(200);
    };
    save(2).await;
    editor.put(&format!("{PATH}/publication"), json!({})).await.assert(200);
    assert_eq!(editor.get("/articles?changed=true").await.column("slug"), Vec::<String>::new());
    save(3).await;
    assert_eq!(editor.get("/articles?changed=true").await.column("slug"), ["take-1"], "an autosave is a change");
    assert_eq!(app.anyone().get(PATH).await.json["title"], "Take 2");
    sql("UPDATE articles SET publish_at = 9000000000000000, scheduled_id = working_id, scheduled_revision = 3");
    save(4).await;
    sql("INSERT INTO previews (id, article_id, revision_id, hash, created_at, expires_at, views)
        SELECT id, article_id, id, 'a hash', 0, 0, 0 FROM revisions WHERE number = 4");
    save(5).await;
    sql("INSERT INTO reviews (id, article_id, revision, status, created_at)
        SELECT id, article_id, number, 'requested', 0 FROM revisions WHERE number = 5");
    for n in 6..=8 {
        save(n).await;
    }
    let kept: Vec<_> = saves(&editor, PATH).await.into_iter().map(|(number, _)| number).collect();
    assert_eq!(kept, [8, 5, 4, 3, 2, 1]);
    assert_eq!(editor.get("/articles?changed=true&count=true").await.json["page"]["total"], 1);
}

async fn an_autosave_is_never_seen_in_parts(app: TestApp) {
    let (editor, reader) = (app.editor().await, app.editor().await);
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    let part =
        |n: usize| json!({"title": format!("Part {n}"), "body": {"source": format!("Part {n}")}, "tags": ["ebb"]});
    editor.post("/articles", part(0)).await.assert(201);
    let whole = |article: &Value| {
        assert_eq!(article["body"]["source"], article["title"], "{article}");
        assert_eq!(article["tags"][0]["slug"], "ebb", "{article}");
    };
    let saves = async {
        for n in 1..60 {
            editor.patch("/articles/part-0?autosave=true", part(n)).await.assert(200);
        }
    };
    let reads = async {
        for _ in 0..40 {
            let paths = ["/articles/part-0", "/articles?include=body", "/articles/part-0", "/articles?include=body"];
            for reply in join_all(paths.map(|path| reader.get(path))).await {
                let rows = reply.assert(200).json["data"].as_array();
                rows.map_or_else(|| whole(&reply.json), |rows| rows.iter().for_each(whole));
            }
            // A change reads the text first, to render what it leads to.
            let change = json!({"body": {"format": "markdown"}, "comments": {"open": true}});
            reader.patch("/articles/part-0?autosave=true", change).await.assert(200);
        }
    };
    join(saves, reads).await;
}

async fn what_changes_in_public_at_once_is_not_autosaved(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/articles", json!({"title": "Tide"})).await.assert(201);
    editor.patch("/articles/tide?autosave=true", json!({"slug": "ebb"})).await.assert(200);
    editor.put("/articles/ebb/publication", json!({})).await.assert(200);
    let change = json!({"slug": "flood", "comments": {"open": false}, "title": "Flood"});
    let refused = editor.patch("/articles/ebb?autosave=true", change.clone()).await;
    let mistakes = ["/comments/open", "/slug"].map(|field| (field.to_owned(), "not_autosaved".to_owned()));
    assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), mistakes);
    editor.patch("/articles/ebb?autosave=true", json!({"slug": "ebb", "title": "Flood"})).await.assert(200);
    editor.patch("/articles/ebb", change).await.assert(200);
}

on_both_databases! {
    what_changes_in_public_at_once_is_not_autosaved,
    a_note_says_why_a_revision_was_saved,
    a_note_is_one_line_of_500_characters,
    an_autosave_replaces_ones_own_last_one,
    what_is_saved_on_purpose_is_never_swallowed,
    an_autosave_that_something_needs_is_not_replaced,
    an_autosave_is_never_seen_in_parts,
}
