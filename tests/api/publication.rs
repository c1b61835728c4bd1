//! Publication over time: `/articles/{ref}/publication`.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp, blocking},
};
use actix_web::http::Method;
use diesel::{connection::SimpleConnection, prelude::*};
use serde_json::{Value, json};
use std::time::Duration;
use stet::{
    clock::{self, Time},
    db::{Id, Target},
    permissions::Role,
};

diesel::table! {
    use stet::db::DbId;
    use diesel::sql_types::*;

    events (id) {
        id -> DbId,
        kind -> Text,
        subject_id -> DbId,
        version -> Integer,
        revision -> Nullable<Integer>,
        fields -> Text,
        user_id -> Nullable<DbId>,
    }
}

const PATH: &str = "/articles/tide/publication";

pub fn sql(target: &Target, statement: &str) {
    blocking(|| target.open().unwrap().batch_execute(statement).unwrap());
}

/// A time so far from now.
fn after(span: Duration) -> Time {
    clock::now().plus(span)
}

fn hours(hours: u64) -> Time {
    after(Duration::from_secs(3600 * hours))
}

/// Looks until the article has this status, for five seconds.
async fn until(client: &Client, path: &str, status: &str) -> Reply {
    for _ in 0..250 {
        let reply = client.get(path).await;
        if reply.json["status"] == status {
            return reply;
        }
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} is not {status}: {}", client.get(path).await.json);
}

/// Waits until what is due at this time has happened.
async fn past(at: Time) {
    while clock::now() < at.plus(Duration::from_millis(1200)) {
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What happened to an article after it was created: the kind, what was scheduled, the revision.
fn events_of(app: &TestApp, article: &Reply) -> Vec<(String, String, Option<i32>)> {
    let id: Id = article.text("/id").parse().unwrap();
    blocking(|| {
        let happened = events::table
            .filter(events::subject_id.eq(id))
            .filter(events::kind.ne("article.created"))
            .order((events::version, events::id))
            .select((events::kind, events::fields, events::revision));
        let rows: Vec<(String, String, Option<i32>)> = happened.load(&mut app.target.open().unwrap()).unwrap();
        rows.into_iter().map(|(kind, fields, n)| (kind.replace("article.", ""), fields, n)).collect()
    })
}

fn happened(kind: &str, fields: &str, revision: impl Into<Option<i32>>) -> (String, String, Option<i32>) {
    let fields = if fields.is_empty() { "[]".to_owned() } else { json!([format!("scheduled/{fields}")]).to_string() };
    (kind.to_owned(), fields, revision.into())
}

/// An author with a draft.
async fn author_with_a_draft(app: &TestApp) -> Client {
    let author = app.author().await;
    author.post("/articles", json!({"title": "Tide"})).await.assert(201);
    author
}

/// The same with the article in public, and a second revision that is not.
async fn author_with_an_update(app: &TestApp) -> Client {
    let author = author_with_a_draft(app).await;
    author.put(PATH, json!({})).await.assert(200);
    author.patch("/articles/tide", json!({"title": "Ebb"})).await.assert(200);
    author
}

async fn a_draft_becomes_public_at_its_time_and_not_before(app: TestApp) {
    let (author, anyone) = (author_with_a_draft(&app).await, app.anyone());
    let at = after(Duration::from_millis(1500));
    let scheduled = author.put(PATH, json!({"at": at})).await;
    assert_eq!(scheduled.assert(200).json["status"], "scheduled");
    assert_eq!(scheduled.json["scheduled"], json!({"publish_at": at, "revision": 1, "unpublish_at": null}));
    assert_eq!(scheduled.json["published_at"], Value::Null);
    assert_eq!(author.get("/articles?status=scheduled").await.column("slug"), ["tide"]);
    anyone.get("/articles/tide").await.assert_problem(404, "not_found");
    let public = until(&anyone, "/articles/tide", "published").await;
    let published_at = Time::parse(&public.text("/published_at")).unwrap();
    assert!(published_at >= at, "{published_at} is before {at}");
    // Within a second; the other one is for the tests that run at the same time.
    assert!(published_at < at.plus(Duration::from_secs(2)), "{published_at} is long after {at}");
    let seen = author.get("/articles/tide").await;
    assert_eq!(seen.json["scheduled"], json!({"publish_at": null, "revision": null, "unpublish_at": null}));
    let expected = [happened("scheduled", "publish_at", 1), happened("published", "", 1)];
    assert_eq!(events_of(&app, &seen), expected);
    blocking(|| {
        let who = events::table.select(events::user_id).distinct();
        let who: Vec<Option<Id>> = who.load(&mut app.target.open().unwrap()).unwrap();
        assert!(who.len() == 1 && who[0].is_some(), "a schedule acts for whoever made it: {who:?}");
    });
}

async fn a_later_edit_does_not_slip_into_public(app: TestApp) {
    let (editor, contributor, anyone) = (app.editor().await, app.contributor().await, app.anyone());
    contributor.post("/articles", json!({"title": "Tide"})).await.assert(201);
    editor.put(PATH, json!({"at": after(Duration::from_secs(2))})).await.assert(200);
    let edited = contributor.patch("/articles/tide", json!({"title": "A canary"})).await;
    assert_eq!(edited.assert(200).json["scheduled"]["revision"], 1);
    // Nor does what belongs to no revision.
    for change in [json!({"slug": "canary"}), json!({"comments": {"open": false}})] {
        contributor.patch("/articles/tide", change).await.assert_problem(403, "forbidden");
    }
    contributor.delete("/articles/tide").await.assert_problem(403, "forbidden");
    let public = until(&anyone, "/articles/tide", "published").await;
    assert_eq!(public.json["title"], "Tide");
    assert_eq!(editor.get("/articles?changed=true").await.column("title"), ["A canary"]);
}

async fn an_update_of_a_live_article_waits_for_its_time(app: TestApp) {
    let (author, anyone) = (author_with_an_update(&app).await, app.anyone());
    let before = anyone.get("/articles/tide").await;
    let at = after(Duration::from_millis(1500));
    let scheduled = author.put(PATH, json!({"at": at, "revision": 2})).await;
    assert_eq!(scheduled.assert(200).json["status"], "published");
    assert_eq!(scheduled.json["scheduled"], json!({"publish_at": at, "revision": 2, "unpublish_at": null}));
    assert_eq!(anyone.get("/articles/tide").await.etag(), before.etag());
    while anyone.get("/articles/tide").await.json["title"] == "Tide" {
        assert!(clock::now() < at.plus(Duration::from_secs(3)), "it does not come");
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
    let public = anyone.get("/articles/tide").await;
    assert_eq!(public.json["title"], "Ebb");
    assert_eq!(public.json["published_at"], before.json["published_at"], "the first publication gives the date");
    assert_eq!(author.get("/articles/tide").await.json["published_revision"], 2);
}

async fn scheduling_it_again_replaces_the_schedule_and_the_same_again_changes_nothing(app: TestApp) {
    let author = author_with_a_draft(&app).await;
    let (first, second) = (hours(1), hours(2));
    author.put(PATH, json!({"at": first})).await.assert(200);
    author.patch("/articles/tide", json!({"title": "Ebb"})).await.assert(200);
    let newer = author.put(PATH, json!({"at": second})).await;
    assert_eq!(newer.assert(200).json["scheduled"], json!({"publish_at": second, "revision": 2, "unpublish_at": null}));
    let again = author.put(PATH, json!({"at": second})).await;
    assert_eq!((again.assert(200).etag(), &again.bytes), (newer.etag(), &newer.bytes));
    author.delete(&format!("{PATH}?at={}", hours(3))).await.assert(204);
    let end = author.get("/articles/tide").await.text("/scheduled/unpublish_at");
    author.delete(&format!("{PATH}?at={end}")).await.assert(204);
    let expected = [
        happened("scheduled", "publish_at", 1),
        ("updated".into(), r#"["title"]"#.into(), Some(2)),
        happened("scheduled", "publish_at", 2),
        happened("scheduled", "unpublish_at", 2),
    ];
    assert_eq!(events_of(&app, &author.get("/articles/tide").await), expected);
}

async fn a_schedule_is_cancelled(app: TestApp) {
    let (author, anyone) = (author_with_a_draft(&app).await, app.anyone());
    let nothing = json!({"publish_at": null, "revision": null, "unpublish_at": null});
    for query in ["", "?scheduled=true"] {
        author.put(PATH, json!({"at": hours(1)})).await.assert(200);
        author.delete(&format!("{PATH}?at={}", hours(2))).await.assert(204);
        author.delete(&format!("{PATH}{query}")).await.assert(204);
        let draft = author.get("/articles/tide").await;
        assert_eq!((&draft.json["status"], &draft.json["scheduled"]), (&json!("draft"), &nothing));
        author.delete(&format!("{PATH}{query}")).await.assert(204);
        assert_eq!(author.get("/articles/tide").await.etag(), draft.etag(), "there is nothing left to cancel");
    }
    // Of a live article the update alone, or everything.
    author.put(PATH, json!({})).await.assert(200);
    author.patch("/articles/tide", json!({"title": "Ebb"})).await.assert(200);
    for (query, status) in [("?scheduled=true", "published"), ("", "archived")] {
        author.put(PATH, json!({"at": hours(1)})).await.assert(200);
        author.delete(&format!("{PATH}?at={}", hours(2))).await.assert(204);
        author.delete(&format!("{PATH}{query}")).await.assert(204);
        let left = author.get("/articles/tide").await;
        assert_eq!((&left.json["status"], &left.json["scheduled"]), (&json!(status), &nothing));
        assert_eq!(anyone.get("/articles/tide").await.status == 200, status == "published");
    }
    let events = events_of(&app, &author.get("/articles/tide").await);
    let ends = [("unscheduled".to_owned(), r#"["scheduled/publish_at","scheduled/unpublish_at"]"#.to_owned(), Some(2))];
    assert_eq!(events[events.len() - 2..], [&ends[..], &[happened("unpublished", "", 1)]].concat());
}

async fn publishing_now_takes_the_place_of_a_schedule_and_keeps_the_end(app: TestApp) {
    let author = author_with_a_draft(&app).await;
    author.put(PATH, json!({"at": hours(1)})).await.assert(200);
    let end = hours(2);
    author.delete(&format!("{PATH}?at={end}")).await.assert(204);
    let now = author.put(PATH, json!({})).await;
    assert_eq!(now.assert(200).json["status"], "published");
    assert_eq!(now.json["scheduled"], json!({"publish_at": null, "revision": null, "unpublish_at": end}));
    let cancelled = [happened("unscheduled", "publish_at", 1), happened("published", "", 1)];
    assert_eq!(events_of(&app, &now)[2..], cancelled);
    // Publishing what is public already cancels the update that was to replace it.
    author.patch("/articles/tide", json!({"title": "Ebb"})).await.assert(200);
    author.put(PATH, json!({"at": hours(1)})).await.assert(200);
    let kept = author.put(PATH, json!({"revision": 1})).await;
    assert_eq!(kept.assert(200).json["scheduled"], now.json["scheduled"]);
    assert_eq!(kept.json["published_revision"], 1);
}

async fn an_article_is_taken_down_at_its_time(app: TestApp) {
    let (author, anyone) = (author_with_a_draft(&app).await, app.anyone());
    author.put(PATH, json!({})).await.assert(200);
    let at = after(Duration::from_millis(1500));
    author.delete(&format!("{PATH}?at={at}")).await.assert(204);
    let still = author.get("/articles/tide").await;
    assert_eq!(still.json["scheduled"], json!({"publish_at": null, "revision": null, "unpublish_at": at}));
    let public = anyone.get("/articles/tide").await;
    assert_eq!(public.assert(200).json["scheduled"]["unpublish_at"], Value::Null, "the public is not told");
    let down = until(&author, "/articles/tide", "archived").await;
    assert!(clock::now() >= at);
    anyone.get("/articles/tide").await.assert_problem(404, "not_found");
    assert_eq!(down.json["scheduled"]["unpublish_at"], Value::Null);
    let expected =
        [happened("published", "", 1), happened("scheduled", "unpublish_at", 1), happened("unpublished", "", 1)];
    assert_eq!(events_of(&app, &down), expected);
}

async fn only_times_that_make_sense_are_taken(app: TestApp) {
    let author = author_with_a_draft(&app).await;
    let refused = async |body: Value, mistakes: &[(&str, &str)]| {
        let reply = author.put(PATH, body).await;
        let mistakes: Vec<_> = mistakes.iter().map(|(at, code)| ((*at).to_owned(), (*code).to_owned())).collect();
        assert_eq!(reply.assert_problem(422, "validation_failed").mistakes(), mistakes);
        reply
    };
    let past = refused(json!({"at": "2020-01-01T00:00:00Z"}), &[("/at", "in_the_past")]).await;
    assert!(past.text("/errors/0/message").contains("it is 20"), "it tells the time: {}", past.json);
    refused(json!({"at": clock::now()}), &[("/at", "in_the_past")]).await;
    refused(json!({"at": hours(24 * 3_654)}), &[("/at", "too_far")]).await;
    author.put(PATH, json!({"at": hours(24 * 3_652)})).await.assert(200);
    for at in ["2030-01-01T00:00:00", "2030-01-01", "tomorrow", ""] {
        refused(json!({"at": at}), &[("/at", "invalid")]).await;
    }
    refused(
        json!({"at": "2020-01-01T00:00:00Z", "revision": 9}),
        &[("/at", "in_the_past"), ("/revision", "not_found")],
    )
    .await;
    refused(json!({"at": hours(1), "revision": 0}), &[("/revision", "not_found")]).await;
    // The end comes after the beginning, whichever was set first.
    let (start, end) = (hours(2), hours(4));
    author.put(PATH, json!({"at": start})).await.assert(200);
    for early in [start, hours(1)] {
        let reply = author.delete(&format!("{PATH}?at={early}")).await;
        assert!(reply.assert_problem(409, "conflict").text("/detail").contains(&start.to_string()));
    }
    author.delete(&format!("{PATH}?at={end}")).await.assert(204);
    for late in [end, hours(5)] {
        let reply = refused(json!({"at": late}), &[("/at", "after_unpublish_at")]).await;
        assert!(reply.text("/errors/0/message").contains(&end.to_string()));
    }
    for (at, code) in [("2020-01-01T00:00:00Z".to_owned(), "in_the_past"), (hours(24 * 3_654).to_string(), "too_far")] {
        let reply = author.delete(&format!("{PATH}?at={at}")).await;
        assert_eq!(reply.assert_problem(400, "invalid_parameter").mistakes(), [("at".to_owned(), code.to_owned())]);
    }
    for query in ["at=2030-01-01T00:00:00", "at=", "until=2030-01-01T00:00:00Z", "scheduled=perhaps"] {
        author.delete(&format!("{PATH}?{query}")).await.assert_problem(400, "invalid_parameter");
    }
    let both = author.delete(&format!("{PATH}?at={}&scheduled=true", hours(5))).await;
    both.assert_problem(400, "invalid_parameter");
    let after = author.get("/articles/tide").await;
    assert_eq!(after.json["scheduled"], json!({"publish_at": start, "revision": 1, "unpublish_at": end}));
}

async fn what_makes_no_difference_is_a_conflict(app: TestApp) {
    let author = author_with_a_draft(&app).await;
    author.delete(&format!("{PATH}?at={}", hours(1))).await.assert_problem(409, "conflict");
    author.put(PATH, json!({})).await.assert(200);
    author.put(PATH, json!({"at": hours(1)})).await.assert_problem(409, "conflict");
    author.patch("/articles/tide", json!({"title": "Ebb"})).await.assert(200);
    author.put(PATH, json!({"at": hours(1), "revision": 1})).await.assert_problem(409, "conflict");
    // An update that would come after the end.
    author.put(PATH, json!({"at": hours(2)})).await.assert(200);
    author.delete(&format!("{PATH}?at={}", hours(1))).await.assert_problem(409, "conflict");
}

async fn who_may_not_publish_may_not_schedule(app: TestApp) {
    let (author, contributor, anyone) = (app.author().await, app.contributor().await, app.anyone());
    contributor.post("/articles", json!({"title": "Tide"})).await.assert(201);
    let (put, end) = (json!({"at": hours(1)}), format!("{PATH}?at={}", hours(2)));
    for query in [PATH, end.as_str(), &format!("{PATH}?scheduled=true")] {
        anyone.delete(query).await.assert_problem(401, "unauthenticated");
        contributor.delete(query).await.assert_problem(403, "forbidden");
        author.delete(query).await.assert_problem(404, "not_found");
    }
    anyone.put(PATH, put.clone()).await.assert_problem(401, "unauthenticated");
    contributor.put(PATH, put.clone()).await.assert_problem(403, "forbidden");
    author.put(PATH, put.clone()).await.assert_problem(404, "not_found");
    let editor = app.editor().await;
    editor.put(PATH, json!({})).await.assert(200);
    author.put(PATH, put).await.assert_problem(403, "forbidden");
    // Nobody else learns that it will go.
    editor.delete(&end).await.assert(204);
    let nothing = json!({"publish_at": null, "revision": null, "unpublish_at": null});
    assert_eq!(author.get("/articles/tide").await.json["scheduled"], nothing);
}

async fn a_schedule_keeps_to_conditions_and_rehearsals(app: TestApp) {
    let author = author_with_a_draft(&app).await;
    let before = author.get("/articles/tide").await;
    let rehearsed = author.put(&format!("{PATH}?dry_run=true"), json!({"at": hours(1)})).await;
    assert_eq!(rehearsed.assert(200).json["status"], "scheduled");
    assert_eq!(author.get("/articles/tide").await.etag(), before.etag());
    let stale = author.with("if-match", before.etag());
    stale.put(PATH, json!({"at": hours(1)})).await.assert(200);
    let end = format!("{PATH}?at={}", hours(2));
    for query in [end.clone(), PATH.to_owned(), format!("{PATH}?scheduled=true")] {
        stale.delete(&query).await.assert_problem(412, "precondition_failed");
    }
    stale.put(PATH, json!({"at": hours(3)})).await.assert_problem(412, "precondition_failed");
    author.delete(&format!("{end}&dry_run=true")).await.assert(204);
    author.delete(&format!("{PATH}?scheduled=true&dry_run=true")).await.assert(204);
    let scheduled = author.get("/articles/tide").await;
    assert_eq!(scheduled.json["scheduled"]["unpublish_at"], Value::Null);
    assert_eq!(scheduled.json["status"], "scheduled");
    author.with("if-match", scheduled.etag()).delete(&end).await.assert(204);
}

async fn what_was_due_while_nobody_looked_happens_in_its_order(app: TestApp) {
    app.jobs.stop().await;
    let author = author_with_a_draft(&app).await;
    author.put(PATH, json!({"at": hours(1)})).await.assert(200);
    author.delete(&format!("{PATH}?at={}", hours(2))).await.assert(204);
    sql(&app.target, "UPDATE articles SET publish_at = 1700000000000000, unpublish_at = 1700000001000000");
    past(clock::now()).await;
    assert_eq!(author.get("/articles/tide").await.json["status"], "scheduled", "no job runs");
    let began = clock::now();
    let _jobs = stet::jobs::Jobs::start(&app.app);
    let down = until(&author, "/articles/tide", "archived").await;
    assert!(Time::parse(&down.text("/published_at")).unwrap() >= began, "when it happened, not when it was to");
    let expected = [happened("published", "", 1), happened("unpublished", "", 1)];
    assert_eq!(events_of(&app, &down)[2..], expected);
    assert_eq!(down.json["scheduled"], json!({"publish_at": null, "revision": null, "unpublish_at": null}));
}

async fn nothing_is_published_from_the_trash(app: TestApp) {
    let (author, anyone) = (author_with_a_draft(&app).await, app.anyone());
    let at = after(Duration::from_secs(1));
    author.put(PATH, json!({"at": at})).await.assert(200);
    author.delete("/articles/tide").await.assert(204);
    past(at).await;
    anyone.get("/articles/tide").await.assert_problem(404, "not_found");
    let restored = author.send(Method::POST, "/articles/tide/restore", None).await;
    assert_eq!(restored.assert(200).json["status"], "draft");
    let expected = [
        happened("scheduled", "publish_at", 1),
        happened("unscheduled", "publish_at", 1),
        happened("trashed", "", None),
        happened("restored", "", None),
    ];
    assert_eq!(events_of(&app, &restored), expected);
    // What was to be taken down meanwhile does not come back into public.
    app.editor().await.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    author.patch("/articles/tide", json!({"tags": ["ebb"]})).await.assert(200);
    author.put(PATH, json!({})).await.assert(200);
    let at = after(Duration::from_secs(1));
    author.delete(&format!("{PATH}?at={at}")).await.assert(204);
    author.delete("/articles/tide").await.assert(204);
    past(at).await;
    let restored = author.send(Method::POST, "/articles/tide/restore", None).await;
    assert_eq!(restored.assert(200).json["status"], "archived");
    anyone.get("/articles/tide").await.assert_problem(404, "not_found");
    assert_eq!(anyone.get("/tags/ebb").await.json["article_count"], 0);
}

async fn one_article_that_fails_holds_up_no_other(app: TestApp) {
    let author = app.signed_in(Role::Author).await;
    for title in ["Bad", "Good"] {
        author.post("/articles", json!({"title": title})).await.assert(201);
    }
    // A schedule that names no revision.
    sql(&app.target, "UPDATE articles SET publish_at = 1700000000000000 WHERE slug = 'bad'");
    sql(
        &app.target,
        "UPDATE articles SET publish_at = 1700000000000001, scheduled_id = working_id, scheduled_revision = 1 WHERE slug = 'good'",
    );
    until(&author, "/articles/good", "published").await;
    assert_eq!(author.get("/articles/bad").await.json["status"], "scheduled");
    // It is tried again.
    sql(&app.target, "UPDATE articles SET scheduled_id = working_id, scheduled_revision = 1 WHERE slug = 'bad'");
    until(&author, "/articles/bad", "published").await;
}

async fn whoever_lost_the_answer_may_ask_again_when_it_has_happened(app: TestApp) {
    let (author, anyone) = (author_with_a_draft(&app).await, app.anyone());
    let start = after(Duration::from_millis(900));
    author.put(PATH, json!({"at": start})).await.assert(200);
    let live = until(&author, "/articles/tide", "published").await;
    let again = author.put(PATH, json!({"at": start})).await;
    assert_eq!((again.assert(200).etag(), &again.json["status"]), (live.etag(), &json!("published")));
    let end = after(Duration::from_millis(900));
    author.delete(&format!("{PATH}?at={end}")).await.assert(204);
    let down = until(&author, "/articles/tide", "archived").await;
    author.delete(&format!("{PATH}?at={end}")).await.assert(204);
    assert_eq!(author.get("/articles/tide").await.etag(), down.etag());
    anyone.get("/articles/tide").await.assert_problem(404, "not_found");
    // What was never done is in the past all the same.
    author.patch("/articles/tide", json!({"title": "Ebb"})).await.assert(200);
    author.put(PATH, json!({"at": start})).await.assert_problem(422, "validation_failed");
}

on_both_databases! {
    whoever_lost_the_answer_may_ask_again_when_it_has_happened,
    a_draft_becomes_public_at_its_time_and_not_before,
    a_later_edit_does_not_slip_into_public,
    an_update_of_a_live_article_waits_for_its_time,
    scheduling_it_again_replaces_the_schedule_and_the_same_again_changes_nothing,
    a_schedule_is_cancelled,
    publishing_now_takes_the_place_of_a_schedule_and_keeps_the_end,
    an_article_is_taken_down_at_its_time,
    only_times_that_make_sense_are_taken,
    what_makes_no_difference_is_a_conflict,
    who_may_not_publish_may_not_schedule,
    a_schedule_keeps_to_conditions_and_rehearsals,
    what_was_due_while_nobody_looked_happens_in_its_order,
    nothing_is_published_from_the_trash,
    one_article_that_fails_holds_up_no_other,
}
