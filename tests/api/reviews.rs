//! Reviews: `/articles/{ref}/review`, and what they do to the article.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp},
};
use futures_util::future::join;
use serde_json::{Value, json};

/// A draft, by its path.
async fn draft(who: &Client, title: &str) -> String {
    let created = who.post("/articles", json!({"title": title, "body": {"source": "One."}})).await;
    format!("/articles/{}", created.assert(201).text("/slug"))
}

async fn say(who: &Client, path: &str, status: &str, note: Value) -> Reply {
    who.put(&format!("{path}/review"), json!({"status": status, "note": note})).await
}

async fn history(who: &Client, path: &str) -> Vec<String> {
    who.get(&format!("{path}/review?limit=100")).await.assert(200).column("status")
}

/// What stands at the article: the status and the revision of the last word.
async fn standing(who: &Client, path: &str) -> (Value, Value) {
    let article = who.get(path).await;
    let review = &article.assert(200).json["review"];
    (review["status"].clone(), review["revision"].clone())
}

async fn an_article_goes_back_and_forth_until_it_is_good(app: TestApp) {
    let (editor, writer) = (app.editor().await, app.contributor().await);
    let path = draft(&writer, "Ferry").await;
    let before = writer.get(&path).await;
    assert_eq!((&before.json["status"], &before.json["review"]), (&json!("draft"), &Value::Null));
    let asked = say(&writer, &path, "requested", json!("Are the *figures* right?\nI had them from Jo.")).await;
    let review = &asked.assert(200).json["review"];
    assert_eq!((&review["status"], &review["revision"]), (&json!("requested"), &json!(1)));
    assert_eq!(
        (&review["note"], &review["by"]["name"]),
        (&json!("Are the *figures* right?\nI had them from Jo."), &json!("Mira Holt"))
    );
    assert_eq!((&asked.json["status"], &asked.json["revision"]), (&json!("in_review"), &json!(1)));
    assert_ne!(asked.etag(), before.etag());
    assert_eq!(writer.get(&path).await.json, asked.json);
    for queue in ["/articles?review=requested", "/articles?status=in_review"] {
        assert_eq!(editor.get(queue).await.column("slug"), ["ferry"], "{queue}");
    }
    let back = say(&editor, &path, "changes_requested", json!("They are last year's.")).await;
    assert_eq!(
        (&back.assert(200).json["status"], &back.json["review"]["note"]),
        (&json!("draft"), &json!("They are last year's."))
    );
    writer.patch(&path, json!({"body": {"source": "Two."}})).await.assert(200);
    assert_eq!(
        standing(&writer, &path).await,
        (json!("changes_requested"), json!(1)),
        "it stays until it is asked again"
    );
    say(&writer, &path, "requested", Value::Null).await.assert(200);
    writer.put(&format!("{path}/publication"), json!({})).await.assert_problem(403, "forbidden");
    let approved = say(&editor, &path, "approved", Value::Null).await;
    assert_eq!(approved.assert(200).json["review"]["revision"], 2);
    writer.put(&format!("{path}/publication"), json!({})).await.assert_problem(403, "forbidden");
    let published = editor.put(&format!("{path}/publication"), json!({})).await;
    assert_eq!((&published.assert(200).json["status"], &published.json["review"]), (&json!("published"), &Value::Null));
    assert_eq!(history(&writer, &path).await, ["approved", "requested", "changes_requested", "requested"]);
    for status in ["requested", "approved", "changes_requested"] {
        let refused = say(&editor, &path, status, Value::Null).await;
        assert_eq!(
            refused.assert_problem(409, "conflict").text("/detail"),
            "revision 2 is public already: there is nothing to review"
        );
    }
    // Each is an event of its own, which names the revision and no field.
    let events = "SELECT COUNT(*) FROM events WHERE kind = 'article.reviewed' AND fields = '[]' AND revision";
    assert_eq!((app.number(&format!("{events} = 1")), app.number(&format!("{events} = 2"))), (2, 2));
    let versions = "SELECT COUNT(DISTINCT version) FROM events";
    assert_eq!(app.number(versions), app.number("SELECT version FROM articles"), "one event for each version");
}

async fn an_approval_is_of_the_text_that_was_read(app: TestApp) {
    let (editor, writer) = (app.editor().await, app.contributor().await);
    let path = draft(&writer, "Ferry").await;
    say(&editor, &path, "approved", json!("Good.")).await.assert(200);
    // Neither is part of the text, nor is what changes nothing.
    writer.patch(&path, json!({"slug": "boat", "comments": {"open": false}})).await.assert(200);
    let path = "/articles/boat".to_owned();
    writer.patch(&path, json!({"title": "Ferry"})).await.assert(200);
    writer.post(&format!("{path}/revisions/1/restore"), json!({})).await.assert(200);
    assert_eq!(standing(&editor, &path).await, (json!("approved"), json!(1)));
    let rehearsed = writer.patch(&format!("{path}?dry_run=true"), json!({"title": "A boat"})).await;
    assert_eq!(rehearsed.assert(200).json["review"], Value::Null);
    assert_eq!(standing(&editor, &path).await.0, "approved");
    let edited = writer.patch(&path, json!({"title": "A boat"})).await;
    assert_eq!(edited.assert(200).json["review"], Value::Null);
    assert_eq!(editor.get("/articles?review=approved").await.column("slug"), Vec::<String>::new());
    assert_eq!(history(&editor, &path).await, ["approved"]);
    // So is an old text that comes back; what was approved is a revision, not a text.
    say(&editor, &path, "approved", json!("Good.")).await.assert(200);
    let restored = writer.post(&format!("{path}/revisions/1/restore"), json!({})).await;
    assert_eq!((&restored.assert(200).json["revision"], &restored.json["review"]), (&json!(3), &Value::Null));
    assert_eq!(history(&editor, &path).await, ["approved", "approved"]);
    // A request is of what is there when it is looked at.
    say(&writer, &path, "requested", Value::Null).await.assert(200);
    writer.patch(&path, json!({"title": "The boat"})).await.assert(200);
    writer.post(&format!("{path}/revisions/1/restore"), json!({})).await.assert(200);
    assert_eq!(standing(&editor, &path).await, (json!("requested"), json!(3)));
}

async fn editors_answer_and_whoever_may_edit_asks(app: TestApp) {
    let (editor, author, other) = (app.editor().await, app.author().await, app.author().await);
    let path = draft(&author, "Ferry").await;
    for status in ["approved", "changes_requested"] {
        for path in [&*path, "/articles/absent"] {
            let refused = say(&author, path, status, Value::Null).await;
            let detail = refused.assert_problem(403, "forbidden").text("/detail");
            assert_eq!(detail, "this takes the role editor or above; yours is author");
        }
        say(&app.anyone(), &path, status, Value::Null).await.assert_problem(401, "unauthenticated");
        say(&editor, &path, status, Value::Null).await.assert(200);
    }
    let elsewhere = |path: &str| format!("{path}/review");
    for (client, path, status, code) in [
        (&other, &path, 404, "not_found"),
        (&app.anyone(), &path, 401, "unauthenticated"),
        (&editor, &"/articles/absent".to_owned(), 404, "not_found"),
    ] {
        say(client, path, "requested", Value::Null).await.assert_problem(status, code);
        client.get(&elsewhere(path)).await.assert_problem(status, code);
        client.delete(&elsewhere(path)).await.assert_problem(status, code);
    }
    author.put(&format!("{path}/publication"), json!({})).await.assert(200);
    author.patch(&path, json!({"title": "Ferries"})).await.assert(200);
    say(&other, &path, "requested", Value::Null).await.assert_problem(403, "forbidden");
    other.get(&elsewhere(&path)).await.assert_problem(403, "forbidden");
    other.delete(&elsewhere(&path)).await.assert_problem(403, "forbidden");
    say(&editor, &path, "requested", Value::Null).await.assert(200);
    author.delete(&path).await.assert(204);
    for client in [&author, &editor] {
        say(client, &path, "requested", Value::Null).await.assert_problem(404, "not_found");
        client.get(&elsewhere(&path)).await.assert_problem(404, "not_found");
        client.delete(&elsewhere(&path)).await.assert_problem(404, "not_found");
    }
    // Nothing is lost in the trash.
    let restored = author.post(&format!("{path}/restore"), json!({})).await;
    assert_eq!(restored.assert(200).json["review"]["status"], "requested");
}

async fn saying_the_same_again_changes_nothing(app: TestApp) {
    let (editor, other) = (app.editor().await, app.editor().await);
    let path = draft(&editor, "Ferry").await;
    let first = editor.get(&path).await;
    let rehearsed = editor.put(&format!("{path}/review?dry_run=true"), json!({"status": "approved"})).await;
    assert_eq!((&rehearsed.assert(200).json["review"]["status"], rehearsed.etag()), (&json!("approved"), ""));
    assert_eq!((history(&editor, &path).await, editor.get(&path).await.etag()), (Vec::new(), first.etag()));
    let said = say(&editor, &path, "requested", json!("Please.")).await;
    for client in [&editor, &other] {
        let again = say(client, &path, "requested", json!("Please.")).await;
        assert_eq!((again.assert(200).etag(), &again.bytes), (said.etag(), &said.bytes));
    }
    let stale = editor.with("if-match", first.etag());
    say(&stale, &path, "requested", json!("Please.")).await.assert_problem(412, "precondition_failed");
    stale.delete(&format!("{path}/review")).await.assert_problem(412, "precondition_failed");
    say(&editor.with("if-match", said.etag()), &path, "requested", json!("Pretty please.")).await.assert(200);
    editor.patch(&path, json!({"title": "Ferries"})).await.assert(200);
    let newer = say(&editor, &path, "requested", json!("Pretty please.")).await;
    assert_eq!(newer.assert(200).json["review"]["revision"], 2);
    assert_eq!(history(&editor, &path).await.len(), 3);
}

async fn a_request_can_be_taken_back(app: TestApp) {
    let (editor, writer) = (app.editor().await, app.contributor().await);
    let path = draft(&writer, "Ferry").await;
    let review = format!("{path}/review");
    let untouched = writer.get(&path).await;
    writer.delete(&review).await.assert(204);
    assert_eq!(writer.get(&path).await.etag(), untouched.etag(), "there was nothing to take back");
    say(&writer, &path, "requested", json!("Please.")).await.assert(200);
    writer.delete(&format!("{review}?dry_run=true")).await.assert(204);
    assert_eq!(standing(&writer, &path).await.0, "requested");
    writer.delete(&review).await.assert(204);
    let after = writer.get(&path).await;
    assert_eq!((&after.json["status"], &after.json["review"]), (&json!("draft"), &Value::Null));
    assert_eq!(history(&writer, &path).await, ["requested"], "what was said was said");
    assert_eq!(app.number("SELECT COUNT(*) FROM events WHERE kind = 'article.reviewed'"), 2);
    // The same once more is a new request.
    say(&writer, &path, "requested", json!("Please.")).await.assert(200);
    assert_eq!(history(&writer, &path).await.len(), 2);
    // What an editor said is not for the writer to take back.
    for status in ["changes_requested", "approved"] {
        say(&editor, &path, status, Value::Null).await.assert(200);
        writer.delete(&review).await.assert(204);
        assert_eq!(standing(&writer, &path).await.0, status);
    }
}

async fn the_queue_holds_changes_of_live_articles_too(app: TestApp) {
    let (editor, author, other) = (app.editor().await, app.author().await, app.author().await);
    let (live, new, good) = (draft(&author, "Live").await, draft(&author, "New").await, draft(&author, "Good").await);
    author.put(&format!("{live}/publication"), json!({})).await.assert(200);
    author.patch(&live, json!({"title": "Livelier"})).await.assert(200);
    for path in [&live, &new] {
        say(&author, path, "requested", Value::Null).await.assert(200);
    }
    say(&editor, &good, "approved", Value::Null).await.assert(200);
    for client in [&editor, &author] {
        for (query, found) in [
            ("review=requested", vec!["live", "new"]),
            ("review=approved,changes_requested", vec!["good"]),
            ("review=approved,requested", vec!["good", "live", "new"]),
            ("review=changes_requested", vec![]),
            ("review=requested&changed=true", vec!["live"]),
            ("review=requested&status=in_review", vec!["new"]),
            ("review=requested&deleted=true", vec![]),
        ] {
            let list = client.get(&format!("/articles?{query}&count=true")).await;
            let mut slugs = list.assert(200).column("slug");
            slugs.sort();
            assert_eq!(
                (slugs, &list.json["page"]["total"]),
                (found.iter().map(|s| (*s).to_owned()).collect(), &json!(found.len())),
                "{query}"
            );
        }
        let list = client.get("/articles?review=requested&sort=title&limit=1").await;
        assert_eq!(list.json["data"][0]["review"]["status"], "requested");
        let cursor = list.text("/page/next_cursor");
        let next = client.get(&format!("/articles?review=requested&sort=title&limit=1&cursor={cursor}")).await;
        assert_eq!((list.column("slug"), next.column("slug")), (vec!["live".into()], vec!["new".into()]));
    }
    // Somebody else's preparations are nobody's business.
    for status in ["requested", "approved", "changes_requested"] {
        for more in ["", "&status=published", "&sort=-updated_at"] {
            let none = other.get(&format!("/articles?review={status}{more}&count=true")).await;
            assert_eq!(none.assert(200).json["page"]["total"], 0, "{status}{more}");
        }
    }
    author.delete(&new).await.assert(204);
    assert_eq!(author.get("/articles?review=requested&deleted=true").await.column("slug"), ["new"]);
    for (client, query, code) in [
        (&app.anyone(), "review=requested", "not_allowed"),
        (&editor, "review=requested&view=published", "not_allowed"),
        (&editor, "review=rejected", "not_allowed"),
    ] {
        let refused = client.get(&format!("/articles?{query}")).await;
        let found = refused.assert_problem(400, "invalid_parameter").mistakes();
        assert_eq!(found, [("review".to_owned(), code.to_owned())], "{query}");
    }
}

async fn what_goes_out_is_reviewed_no_more_and_what_does_not_is(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    editor.patch(&path, json!({"title": "Ferries"})).await.assert(200);
    say(&editor, &path, "requested", Value::Null).await.assert(200);
    let older = editor.put(&format!("{path}/publication"), json!({"revision": 1})).await;
    assert_eq!(older.assert(200).json["published_revision"], 1);
    assert_eq!(standing(&editor, &path).await, (json!("requested"), json!(2)));
    assert_eq!(editor.get("/articles?review=requested").await.column("slug"), ["ferry"]);
    let newer = editor.put(&format!("{path}/publication"), json!({"revision": 2})).await;
    assert_eq!(newer.assert(200).json["review"], Value::Null);
    // What was taken down may be looked at again before it comes back.
    editor.delete(&format!("{path}/publication")).await.assert(204);
    assert_eq!(say(&editor, &path, "requested", Value::Null).await.assert(200).json["status"], "archived");
    assert_eq!(standing(&editor, &path).await.0, "requested");
}

async fn what_is_said_stays_among_those_who_may_edit(app: TestApp) {
    let (editor, author, other) = (app.editor().await, app.author().await, app.contributor().await);
    let path = draft(&author, "Ferry").await;
    author.put(&format!("{path}/publication"), json!({})).await.assert(200);
    author.patch(&path, json!({"title": "Ferries"})).await.assert(200);
    let anyone = app.anyone();
    let asks = [
        path.clone(),
        format!("{path}?view=published"),
        format!("{path}?include=related,latest,comments"),
        format!("{path}?fields=review,title,updated_at"),
        "/articles".to_owned(),
        "/articles?fields=review".to_owned(),
    ];
    let mut before = Vec::new();
    for ask in &asks {
        before.extend([anyone.get(ask).await, other.get(ask).await]);
    }
    say(&author, &path, "requested", json!("canary-7b1e")).await.assert(200);
    say(&editor, &path, "changes_requested", json!("canary-7b1e")).await.assert(200);
    let mut before = before.into_iter();
    for ask in &asks {
        for (client, before) in [&anyone, &other].into_iter().zip([before.next().unwrap(), before.next().unwrap()]) {
            let after = client.get(ask).await;
            assert_eq!((after.etag(), &after.json), (before.etag(), &before.json), "{ask}");
            assert!(!after.json.to_string().contains("canary-7b1e"), "{ask}");
        }
    }
    assert_eq!(anyone.get(&path).await.json["review"], Value::Null);
    for client in [&author, &editor] {
        assert!(client.get(&path).await.json.to_string().contains("canary-7b1e"));
        assert_eq!(client.get(&format!("{path}?view=published")).await.json["review"], Value::Null);
    }
}

async fn two_editors_at_once_speak_one_after_the_other(app: TestApp) {
    let (one, other, writer) = (app.editor().await, app.editor().await, app.contributor().await);
    for round in 0..8 {
        let path = draft(&writer, &format!("Round {round}")).await;
        say(&writer, &path, "requested", Value::Null).await.assert(200);
        let spoken = join(
            say(&one, &path, "approved", json!("Good.")),
            say(&other, &path, "changes_requested", json!("Not yet.")),
        )
        .await;
        spoken.0.assert(200);
        spoken.1.assert(200);
        assert_eq!(history(&writer, &path).await.len(), 3);
        let (last, article) = (writer.get(&format!("{path}/review?limit=1")).await, writer.get(&path).await);
        let word = |review: &Value| (review["status"].clone(), review["note"].clone());
        assert_eq!(word(&article.json["review"]), word(&last.json["data"][0]));
        assert_eq!(app.number(&format!("SELECT version FROM articles WHERE slug = 'round-{round}'")), 4);
        // Only one of two who read the same is heard, if both say what they read.
        let read = writer.get(&path).await;
        let careful = [&one, &other].map(|editor| editor.with("if-match", read.etag()));
        let spoken = join(
            say(&careful[0], &path, "approved", json!("Very good.")),
            say(&careful[1], &path, "changes_requested", json!("Still not.")),
        )
        .await;
        let mut statuses = [spoken.0.status.as_u16(), spoken.1.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
    }
}

async fn what_is_no_review_is_refused(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    for (body, mistakes) in [
        (json!({}), vec![("/status", "required")]),
        (json!({"status": null}), vec![("/status", "invalid_type")]),
        (json!({"status": "rejected"}), vec![("/status", "not_allowed")]),
        (json!({"status": "Approved", "note": ""}), vec![("/note", "required"), ("/status", "not_allowed")]),
        (json!({"status": "approved", "note": "x".repeat(5001)}), vec![("/note", "too_long")]),
        (json!({"status": "approved", "note": "a\u{0}b"}), vec![("/note", "invalid_characters")]),
        (json!({"status": "approved", "note": 1}), vec![("/note", "invalid_type")]),
        (json!({"status": "approved", "revision": 1}), vec![("/revision", "unknown_field")]),
        (json!([]), vec![("", "invalid_type")]),
    ] {
        let refused = editor.put(&format!("{path}/review"), body.clone()).await;
        let expected: Vec<_> = mistakes.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect();
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), expected, "{body}: {}", refused.json);
    }
    say(&editor, &path, "approved", json!("🌊".repeat(5000))).await.assert(200);
    editor
        .send("PUT".parse().unwrap(), &format!("{path}/review"), None)
        .await
        .assert_problem(415, "unsupported_media_type");
    let editor = editor.with("content-type", "application/json");
    editor
        .raw("PUT".parse().unwrap(), &format!("{path}/review"), b"{".to_vec())
        .await
        .assert_problem(400, "malformed_json");
    editor.get(&format!("{path}/review?status=approved")).await.assert_problem(400, "invalid_parameter");
}

async fn a_long_history_of_reviews_comes_in_pages(app: TestApp) {
    let editor = app.editor().await;
    let path = draft(&editor, "Ferry").await;
    for number in 1..=7 {
        say(&editor, &path, "changes_requested", json!(format!("Note {number}"))).await.assert(200);
    }
    let (mut found, mut next) = (Vec::new(), format!("{path}/review?limit=3&count=true"));
    loop {
        let page = editor.get(&next).await;
        found.extend(page.assert(200).column("note"));
        assert_eq!(page.json["page"]["total"], 7);
        let Some(cursor) = page.json["page"]["next_cursor"].as_str() else { break };
        next = format!("{path}/review?limit=3&count=true&cursor={cursor}");
    }
    assert_eq!(found, (1..=7).rev().map(|n| format!("Note {n}")).collect::<Vec<_>>());
    assert_eq!(
        editor.get(&format!("{path}/review?limit=3&page=2")).await.column("note"),
        ["Note 4", "Note 3", "Note 2"]
    );
    assert_eq!(editor.get(&path).await.json["review"]["note"], "Note 7");
}

on_both_databases! {
    an_article_goes_back_and_forth_until_it_is_good,
    an_approval_is_of_the_text_that_was_read,
    editors_answer_and_whoever_may_edit_asks,
    saying_the_same_again_changes_nothing,
    a_request_can_be_taken_back,
    the_queue_holds_changes_of_live_articles_too,
    what_goes_out_is_reviewed_no_more_and_what_does_not_is,
    what_is_said_stays_among_those_who_may_edit,
    two_editors_at_once_speak_one_after_the_other,
    what_is_no_review_is_refused,
    a_long_history_of_reviews_comes_in_pages,
}
