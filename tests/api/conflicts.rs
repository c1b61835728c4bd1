//! Two people at one article: who is refused and what they are told, and what is merged.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp, blocking},
};
use diesel::connection::SimpleConnection;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const IMAGE: &str = "https://images.lantern.example/quay.jpg";

/// A newsroom's labels, and an article about them.
async fn article(editor: &Client) -> Reply {
    for name in ["Harbour", "Weather"] {
        editor.post("/tags", json!({"name": name})).await;
        editor.post("/sections", json!({"name": name})).await;
        editor.post("/authors", json!({"name": name})).await;
    }
    let new = json!({
        "title": "Ferry", "slug": "ferry", "subtitle": "Late", "body": {"source": "It is late."}, "tags": ["harbour"],
        "image": {"url": IMAGE, "alt": "A quay"}, "custom": {"desk": {"a": 1}}
    });
    let article = editor.post("/articles", new).await;
    article.assert(201);
    article
}

async fn a_refusal_says_what_was_changed_by_whom_and_when(app: TestApp) {
    let (mira, jonas) = (app.editor().await, app.editor().await);
    let read = article(&mira).await;
    mira.patch("/articles/ferry", json!({"subtitle": "Too late", "seo": {"description": "Late."}})).await.assert(200);
    let renamed = mira.patch("/articles/ferry", json!({"slug": "the-ferry", "subtitle": "Much too late"})).await;
    let stale = jonas.with("if-match", read.etag());
    let mine = json!({"subtitle": "On time", "title": "A ferry"});
    let refused = stale.patch("/articles/the-ferry", mine.clone()).await;
    refused.assert_problem(412, "precondition_failed");
    let differs = |pointer: &str| (pointer.to_owned(), "differs".to_owned());
    assert_eq!(refused.mistakes(), ["/seo/description", "/slug", "/subtitle"].map(differs));
    let me = mira.get("/me").await.text("/id");
    let at = renamed.assert(200).text("/updated_at");
    let of = |pointer: &str| {
        let changes = refused.json["conflict"]["changes"].as_array().unwrap();
        changes.iter().find(|change| change["pointer"] == pointer).unwrap_or_else(|| panic!("{pointer}: {changes:?}"))
    };
    let by = json!({"id": me, "name": "Mira Holt"});
    assert_eq!(*of("/subtitle"), json!({"pointer": "/subtitle", "revision": 3, "by": by, "at": at, "collides": true}));
    assert_eq!((&of("/seo/description")["revision"], &of("/slug")["collides"]), (&json!(2), &json!(false)));
    let message = refused.json["errors"].as_array().unwrap().iter().find(|e| e["pointer"] == "/subtitle").unwrap();
    assert_eq!(message["message"], format!("changed by Mira Holt at {at}, in revision 3; you change it, too"));
    for name in ["subtitle", "seo/description", "slug"] {
        assert!(refused.text("/detail").contains(name), "{}", refused.json);
    }
    // A change that would be refused for itself comes too late all the same.
    stale.patch("/articles/the-ferry", json!({"title": ""})).await.assert_problem(412, "precondition_failed");
    // What the refusal gives is enough to try again.
    assert_eq!(refused.json["conflict"]["revision"], 3);
    let again = jonas.with("if-match", refused.text("/conflict/etag"));
    again.patch("/articles/the-ferry", mine).await.assert(200);
}

async fn every_write_of_an_article_is_told_the_same(app: TestApp) {
    let editor = app.editor().await;
    let read = article(&editor).await;
    editor.patch("/articles/ferry", json!({"tags": ["weather"]})).await.assert(200);
    let stale = editor.with("if-match", read.etag());
    let refused = [
        stale.put("/articles/ferry/publication", json!({})).await,
        stale.delete("/articles/ferry/publication").await,
        stale.delete("/articles/ferry").await,
        stale.post("/articles/ferry/revisions/1/restore", json!({})).await,
    ];
    for reply in refused {
        reply.assert_problem(412, "precondition_failed");
        assert_eq!(reply.mistakes(), [("/tags".into(), "differs".into())], "{}", reply.json);
        assert_eq!(reply.json["conflict"]["changes"][0]["by"]["name"], "Mira Holt");
    }
    editor.delete("/articles/ferry").await.assert(204);
    let refused = stale.post("/articles/ferry/restore", json!({})).await;
    assert_eq!(refused.assert_problem(412, "precondition_failed").mistakes(), [("/tags".into(), "differs".into())]);
    assert!(refused.text("/detail").contains("it was moved to the trash by Mira Holt"), "{}", refused.json);
}

async fn what_changed_no_field_is_told_too(app: TestApp) {
    let (mira, jonas) = (app.editor().await, app.editor().await);
    let read = article(&mira).await;
    mira.put("/articles/ferry/publication", json!({})).await.assert(200);
    let stale = jonas.with("if-match", read.etag());
    let refused = stale.patch("/articles/ferry", json!({"title": "A ferry"})).await;
    assert_eq!(refused.assert_problem(412, "precondition_failed").mistakes(), []);
    assert!(refused.text("/detail").contains("it was published by Mira Holt at 2"), "{}", refused.json);
    let events = &refused.json["conflict"]["events"];
    assert_eq!((&events[0]["kind"], &events[0]["revision"]), (&json!("article.published"), &json!(1)));
    let merged = stale.patch("/articles/ferry?merge=auto", json!({"title": "A ferry"})).await;
    assert_eq!(merged.assert(200).json["title"], "A ferry");
    // Each kind once, the last time.
    for _ in 0..2 {
        mira.delete("/articles/ferry").await.assert(204);
        mira.post("/articles/ferry/restore", json!({})).await.assert(200);
    }
    let refused = stale.patch("/articles/ferry", json!({"subtitle": "Soon"})).await;
    let kinds: Vec<_> =
        refused.json["conflict"]["events"].as_array().unwrap().iter().map(|e| e["kind"].clone()).collect();
    assert_eq!(kinds, ["article.published", "article.trashed", "article.restored"]);
    assert_eq!(refused.mistakes(), [("/title".into(), "differs".into())]);
}

/// What somebody else changed, what one changes oneself, and the fields that collide.
fn pairs() -> Vec<(Value, Value, Vec<&'static str>)> {
    let picture = "https://images.lantern.example/gull.jpg";
    vec![
        (json!({"subtitle": "A"}), json!({"title": "B"}), vec![]),
        (json!({"subtitle": "A"}), json!({"subtitle": "B"}), vec!["/subtitle"]),
        (json!({"subtitle": "A"}), json!({"subtitle": "A"}), vec![]),
        (json!({"subtitle": "A", "excerpt": "A"}), json!({"subtitle": "B", "title": "B"}), vec!["/subtitle"]),
        (json!({"subtitle": null}), json!({"subtitle": null, "featured": true}), vec![]),
        (json!({"tags": ["weather", "harbour"]}), json!({"authors": ["weather"]}), vec![]),
        (json!({"tags": ["weather"]}), json!({"tags": ["weather"], "section": "harbour"}), vec![]),
        (json!({"tags": ["weather", "harbour"]}), json!({"tags": ["harbour", "weather"]}), vec!["/tags"]),
        (json!({"section": "harbour"}), json!({"section": "weather", "language": "de"}), vec!["/section"]),
        (json!({"seo": {"title": "A"}}), json!({"seo": {"description": "B"}}), vec![]),
        (
            json!({"seo": {"title": "A", "noindex": true}}),
            json!({"seo": {"title": "B", "noindex": true}}),
            vec!["/seo/title"],
        ),
        (json!({"seo": {"title": "A"}}), json!({"seo": null}), vec!["/seo/title"]),
        (json!({"custom": {"a": 1}}), json!({"custom": {"b": 2, "a": 1}}), vec![]),
        (json!({"custom": {"desk": {"b": 1}}}), json!({"custom": {"desk": {"c": 2}, "d": 3}}), vec!["/custom/desk"]),
        (json!({"custom": {"x/y": [1]}}), json!({"custom": {"x/y": [2]}}), vec!["/custom/x~1y"]),
        (json!({"body": {"source": "A"}}), json!({"title": "B"}), vec![]),
        (json!({"title": "A"}), json!({"body": {"source": "B"}}), vec![]),
        (json!({"body": {"source": "A"}}), json!({"body": {"format": "html"}}), vec!["/body"]),
        (json!({"body": {"source": "A"}}), json!({"body": {"source": "A"}, "title": "B"}), vec![]),
        (json!({"image": {"alt": "A"}}), json!({"image": {"credit": "B"}}), vec![]),
        (json!({"image": {"alt": "A"}}), json!({"image": {"alt": "B", "credit": "B"}}), vec!["/image/alt"]),
        // The words for one picture are none for another.
        (json!({"image": {"url": picture}}), json!({"image": {"alt": "B"}}), vec!["/image"]),
        (json!({"image": {"alt": "A"}}), json!({"image": {"url": picture}}), vec!["/image/alt"]),
        (json!({"image": {"alt": "A"}}), json!({"image": null}), vec!["/image/alt"]),
        (json!({"slug": "boat"}), json!({"title": "B"}), vec![]),
        (json!({"slug": "boat"}), json!({"slug": "ship", "title": "B"}), vec!["/slug"]),
        (json!({"slug": "boat"}), json!({"slug": "boat", "comments": {"open": false}}), vec![]),
        (json!({"comments": {"open": false}}), json!({"comments": {"open": false}, "title": "B"}), vec![]),
        (json!({"visibility": "premium"}), json!({"visibility": "members"}), vec!["/visibility"]),
    ]
}

/// An article as it is written, with what it refers to by slugs.
fn as_written(article: &Value) -> Value {
    let slugs = |list: &Value| list.as_array().unwrap().iter().map(|item| item["slug"].clone()).collect::<Value>();
    let mut written = article.clone();
    for field in ["authors", "tags"] {
        written[field] = slugs(&article[field]);
    }
    written["section"] = article["section"]["slug"].clone();
    written
}

/// Whether everything that a patch names is in the article as the patch has it.
fn holds(article: &Value, patch: &Value) -> bool {
    match patch {
        Value::Object(fields) => fields.iter().all(|(name, value)| holds(&article[name], value)),
        // Of `seo`, what was taken away is `null` or false by itself.
        Value::Null => article.is_null() || article.is_object(),
        value => article == value,
    }
}

async fn what_touches_other_fields_is_merged(app: TestApp) {
    let (mira, jonas) = (app.editor().await, app.editor().await);
    for (theirs, mine, collisions) in pairs() {
        let what = format!("{theirs} and {mine}");
        let read = article(&mira).await;
        let path = format!("/articles/{}", read.text("/id"));
        let changed = mira.patch(&path, theirs.clone()).await;
        let stale = jonas.with("if-match", read.etag());
        let reply = stale.patch(&format!("{path}?merge=auto"), mine.clone()).await;
        if collisions.is_empty() {
            let merged = as_written(&reply.assert(200).json);
            assert!(holds(&merged, &theirs) && holds(&merged, &mine), "{what}: {merged}");
        } else {
            reply.assert_problem(412, "precondition_failed");
            let named: Vec<_> = reply.mistakes().into_iter().map(|(pointer, _)| pointer).collect();
            assert_eq!(named, collisions, "{what}");
            let after = mira.get(&path).await;
            assert_eq!(after.etag().split('-').next(), changed.etag().split('-').next(), "{what}: nothing was written");
        }
        // Without being asked, nothing is merged.
        let unasked = stale.patch(&path, json!({"language": "fr"})).await;
        unasked.assert_problem(412, "precondition_failed");
        mira.patch(&path, json!({"slug": format!("done-{}", read.text("/id"))})).await.assert(200);
    }
}

async fn a_change_is_merged_over_many_others(app: TestApp) {
    let (mira, jonas) = (app.editor().await, app.editor().await);
    let read = article(&mira).await;
    for n in 0..5 {
        mira.patch("/articles/ferry", json!({"body": {"source": format!("Draft {n}.")}, "custom": {"n": n}}))
            .await
            .assert(200);
    }
    mira.put("/articles/ferry/publication", json!({})).await.assert(200);
    let stale = jonas.with("if-match", read.etag());
    let rehearsed = stale.patch("/articles/ferry?merge=auto&dry_run=true", json!({"subtitle": "Soon"})).await;
    assert_eq!(rehearsed.assert(200).json["revision"], 7);
    let merged = stale.patch("/articles/ferry?merge=auto", json!({"subtitle": "Soon"})).await;
    let article = &merged.assert(200).json;
    assert_eq!((&article["body"]["source"], &article["subtitle"]), (&json!("Draft 4."), &json!("Soon")));
    assert_eq!((&article["revision"], &article["published_revision"]), (&json!(7), &json!(6)));
    // What one changed oneself since one read it is a change, too.
    let again = stale.patch("/articles/ferry?merge=auto", json!({"subtitle": "Sooner"})).await;
    assert_eq!(again.assert_problem(412, "precondition_failed").mistakes(), [("/subtitle".into(), "differs".into())]);
    // What is wrong with it is wrong, merged or not.
    let wrong = stale.patch("/articles/ferry?merge=auto", json!({"title": ""})).await;
    assert_eq!(wrong.assert_problem(422, "validation_failed").mistakes(), [("/title".into(), "required".into())]);
}

async fn of_a_state_that_is_not_known_nothing_is_merged(app: TestApp) {
    let editor = app.editor().await;
    let read = article(&editor).await;
    let now = editor.patch("/articles/ferry", json!({"subtitle": "Soon"})).await.etag().to_owned();
    let mine = json!({"title": "A ferry", "subtitle": "Soon"});
    for tag in ["\"99-0\"", "\"junk\"", "\"x-y\"", "\"0-0\"", "\"-7-0\"", "\"99999999999-0\"", &format!("W/{now}")] {
        for query in ["", "?merge=auto"] {
            let refused = editor.with("if-match", tag).patch(&format!("/articles/ferry{query}"), mine.clone()).await;
            refused.assert_problem(412, "precondition_failed");
            assert_eq!(refused.mistakes(), [("/title".into(), "differs".into())], "{tag}");
            assert_eq!(refused.json.get("conflict"), None);
        }
    }
    // Of several states the oldest counts, unless one is the right one.
    let both = editor.with("if-match", format!("{}, \"99-0\"", read.etag()));
    let refused = both.patch("/articles/ferry?merge=auto", json!({"subtitle": "Later"})).await;
    assert_eq!(refused.assert_problem(412, "precondition_failed").mistakes(), [("/subtitle".into(), "differs".into())]);
    editor.with("if-match", format!("{}, {now}", read.etag())).patch("/articles/ferry", json!({})).await.assert(200);
    // What happened before there were events, nobody knows.
    blocking(|| app.app.db.connection().unwrap().batch_execute("DELETE FROM events WHERE version = 2").unwrap());
    editor.patch("/articles/ferry", json!({"language": "de"})).await.assert(200);
    let stale = editor.with("if-match", read.etag());
    let refused = stale.patch("/articles/ferry?merge=auto", json!({"title": "A ferry"})).await;
    assert_eq!(refused.assert_problem(412, "precondition_failed").mistakes(), [("/title".into(), "differs".into())]);
    editor.with("if-match", now).patch("/articles/ferry?merge=auto", json!({"title": "A ferry"})).await.assert(200);
}

async fn a_merge_needs_the_state_that_was_changed(app: TestApp) {
    let editor = app.editor().await;
    article(&editor).await;
    let change = json!({"title": "A ferry"});
    for client in [editor.clone(), editor.with("if-match", "*")] {
        let refused = client.patch("/articles/ferry?merge=auto", change.clone()).await;
        refused.assert_problem(400, "invalid_parameter");
        assert_eq!(refused.mistakes(), [("merge".into(), "if_match_required".into())]);
        assert!(refused.text("/detail").contains("If-Match"), "{}", refused.json);
    }
    for query in ["merge=other", "merge=", "merge=auto,auto", "merge=true"] {
        let refused = editor.patch(&format!("/articles/ferry?{query}"), change.clone()).await;
        assert_eq!(refused.assert_problem(400, "invalid_parameter").text("/errors/0/pointer"), "merge");
    }
    // Nobody learns anything by it of what they may not edit.
    let other = app.contributor().await.with("if-match", "\"1-0\"");
    other.patch("/articles/ferry?merge=auto", change.clone()).await.assert_problem(404, "not_found");
    editor.put("/articles/ferry/publication", json!({})).await.assert(200);
    let refused = other.patch("/articles/ferry?merge=auto", change).await;
    assert_eq!(refused.assert_problem(403, "forbidden").json.get("conflict"), None);
}

async fn of_two_at_once_one_is_refused_or_both_are_merged(app: TestApp) {
    let editors = join_all((0..6).map(|_| app.editor())).await;
    let at_once = async |query: &str, changes: Vec<Value>| {
        let tag = editors[0].get("/articles/ferry").await.etag().to_owned();
        let path = format!("/articles/ferry{query}");
        let sent = editors.iter().zip(changes).map(|(editor, change)| {
            let (editor, path) = (editor.with("if-match", &tag), path.clone());
            async move { editor.patch(&path, change).await }
        });
        join_all(sent).await
    };
    article(&editors[0]).await;
    for round in 0..5 {
        let different =
            vec![json!({"subtitle": format!("Round {round}")}), json!({"excerpt": format!("Round {round}")})];
        let mut statuses: Vec<_> = at_once("", different.clone()).await.iter().map(|r| r.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 412]);
        for reply in at_once("?merge=auto", different).await {
            reply.assert(200);
        }
        let now = editors[0].get("/articles/ferry").await.json;
        assert_eq!(
            (now["subtitle"].clone(), now["excerpt"].clone()),
            (json!(format!("Round {round}")), json!(format!("Round {round}")))
        );
        let keys = (0..6).map(|n| json!({"custom": {format!("round_{round}_{n}"): n}})).collect();
        for reply in at_once("?merge=auto", keys).await {
            reply.assert(200);
        }
        let same = (0..6).map(|n| json!({"title": format!("Round {round} by {n}")})).collect();
        let won = at_once("?merge=auto", same).await.iter().filter(|reply| reply.status == 200).count();
        assert_eq!(won, 1, "of six who change one field one does");
    }
    let custom = editors[0].get("/articles/ferry").await.json["custom"].as_object().unwrap().len();
    assert_eq!(custom, 31, "nobody's words are lost");
}

async fn an_autosave_is_an_edit_like_any_other(app: TestApp) {
    let (mira, jonas) = (app.editor().await, app.editor().await);
    let read = article(&mira).await;
    for n in 0..3 {
        mira.patch("/articles/ferry?autosave=true", json!({"subtitle": format!("Draft {n}")})).await.assert(200);
    }
    let stale = jonas.with("if-match", read.etag());
    let refused = stale.patch("/articles/ferry", json!({"subtitle": "Mine"})).await;
    assert_eq!(refused.assert_problem(412, "precondition_failed").mistakes(), [("/subtitle".into(), "differs".into())]);
    let merged = stale.patch("/articles/ferry?merge=auto", json!({"title": "A ferry"})).await;
    assert_eq!(merged.assert(200).json["subtitle"], "Draft 2", "though the revision it was in is replaced one day");
    // Mira's next autosave comes on top of what Jonas saved, and loses none of it.
    let stale = mira.with("if-match", read.etag());
    let refused = stale.patch("/articles/ferry?autosave=true", json!({"title": "Mine"})).await;
    let mut named = refused.assert_problem(412, "precondition_failed").mistakes();
    named.retain(|(pointer, _)| pointer == "/title");
    assert_eq!(named.len(), 1, "{}", refused.json);
    let saved = stale.patch("/articles/ferry?autosave=true&merge=auto", json!({"language": "de"})).await;
    assert_eq!((&saved.assert(200).json["title"], &saved.json["language"]), (&json!("A ferry"), &json!("de")));
}

/// Numbers that look random, the same each time (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// The fields of the model, each with the patch that gives it a value.
const FIELDS: [&str; 6] = ["/title", "/subtitle", "/excerpt", "/seo/title", "/custom/a", "/custom/b"];

fn patch(values: &BTreeMap<&str, String>) -> Value {
    let mut patch = json!({});
    for (pointer, value) in values {
        match pointer.trim_start_matches('/').split_once('/') {
            Some((whole, part)) => patch[whole][part] = json!(value),
            None => patch[pointer.trim_start_matches('/')] = json!(value),
        }
    }
    patch
}

async fn merges_are_those_of_a_small_model(app: TestApp) {
    let editors = join_all((0..3).map(|_| app.editor())).await;
    let mut dice = Dice(0x0BAD_CAFE);
    let mut now: BTreeMap<&str, String> = FIELDS.iter().map(|field| (*field, "0".to_owned())).collect();
    let created = editors[0].post("/articles", patch(&now)).await;
    let path = format!("/articles/{}", created.assert(201).text("/id"));
    // The fields that each change touched, and for each editor the tag last read and how many changes there were then.
    let mut history: Vec<BTreeSet<&str>> = Vec::new();
    let mut known = vec![(created.etag().to_owned(), 0); editors.len()];
    let mut seen = [0; 2];
    for _ in 0..150 {
        let who = dice.roll(editors.len());
        if dice.roll(4) == 0 {
            known[who] = (editors[who].get(&path).await.etag().to_owned(), history.len());
            continue;
        }
        let wanted: BTreeMap<&str, String> =
            (0..=dice.roll(2)).map(|_| (FIELDS[dice.roll(FIELDS.len())], dice.roll(4).to_string())).collect();
        let autosave = if dice.roll(3) == 0 { "&autosave=true" } else { "" };
        let (tag, base) = &known[who];
        let reply =
            editors[who].with("if-match", tag).patch(&format!("{path}?merge=auto{autosave}"), patch(&wanted)).await;
        let mine: BTreeSet<&str> =
            wanted.iter().filter(|(field, value)| now[*field] != **value).map(|(field, _)| *field).collect();
        let theirs: BTreeSet<&str> = history[*base..].iter().flatten().copied().collect();
        let collisions: Vec<_> = mine.intersection(&theirs).map(|field| (*field).to_owned()).collect();
        seen[usize::from(collisions.is_empty())] += 1;
        if collisions.is_empty() {
            now.extend(wanted);
            reply.assert(200);
            history.push(mine);
            known[who] = (reply.etag().to_owned(), history.len());
        } else {
            let named: Vec<_> = reply.assert_problem(412, "precondition_failed").mistakes();
            assert_eq!(named.into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>(), collisions);
        }
        let article = editors[0].get(&path).await.json;
        for (field, value) in &now {
            assert_eq!(article.pointer(field), Some(&json!(value)), "{field}");
        }
    }
    assert!(seen[0] > 15 && seen[1] > 30, "both happened: {seen:?}");
}

async fn a_refusal_names_no_revision_that_is_gone(app: TestApp) {
    let (mira, jonas) = (app.editor().await, app.editor().await);
    let read = article(&mira).await;
    mira.patch("/articles/ferry?autosave=true", json!({"subtitle": "Too late"})).await.assert(200);
    mira.patch("/articles/ferry?autosave=true", json!({"excerpt": "Late."})).await.assert(200);
    let refused = jonas.with("if-match", read.etag()).patch("/articles/ferry", json!({"subtitle": "On time"})).await;
    refused.assert_problem(412, "precondition_failed");
    let named = |n: usize| {
        (&refused.json["conflict"]["changes"][n]["pointer"], &refused.json["conflict"]["changes"][n]["revision"])
    };
    assert_eq!(named(0), (&json!("/subtitle"), &Value::Null));
    assert_eq!(named(1), (&json!("/excerpt"), &json!(3)));
}

on_both_databases! {
    a_refusal_names_no_revision_that_is_gone,
    a_refusal_says_what_was_changed_by_whom_and_when,
    every_write_of_an_article_is_told_the_same,
    what_changed_no_field_is_told_too,
    what_touches_other_fields_is_merged,
    a_change_is_merged_over_many_others,
    of_a_state_that_is_not_known_nothing_is_merged,
    a_merge_needs_the_state_that_was_changed,
    of_two_at_once_one_is_refused_or_both_are_merged,
    an_autosave_is_an_edit_like_any_other,
    merges_are_those_of_a_small_model,
}
