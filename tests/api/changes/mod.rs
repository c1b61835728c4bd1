//! `/changes`: a reader that follows it has what is public, whatever the staff does at the same time.

mod writers;

use crate::{
    on_both_databases,
    support::{Client, TestApp, blocking},
};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashSet};
use stet::{clock, permissions::Role};

/// What is public: the slug and the revision of each thing.
type Copy = BTreeMap<String, (String, String, Value)>;

/// Whoever keeps a copy of what is public.
#[derive(Clone)]
struct Follower {
    client: Client,
    query: String,
    since: Option<String>,
    copy: Copy,
    told: HashSet<(String, String)>,
}

impl Follower {
    fn new(app: &TestApp, query: &str) -> Self {
        let (client, query) = (app.anyone(), query.to_owned());
        Self { client, query, since: None, copy: Copy::new(), told: HashSet::new() }
    }

    /// Reads one part, and gives what it was told and whether there is more.
    async fn step(&mut self) -> (Vec<Value>, bool) {
        let since = self.since.as_ref().map_or_else(String::new, |since| format!("&since={since}"));
        let part = self.client.get(&format!("/changes?{}{since}", self.query)).await;
        let changes = part.assert(200).json["data"].as_array().unwrap().clone();
        for change in &changes {
            let id = change["id"].as_str().unwrap().to_owned();
            let at = change["changed_at"].as_str().unwrap().to_owned();
            assert!(self.told.insert((id.clone(), at)), "told twice: {change}");
            let text = |field: &str| change[field].as_str().unwrap().to_owned();
            if change["change"] == "updated" {
                self.copy.insert(id, (text("kind"), text("slug"), change["revision"].clone()));
            } else {
                self.copy.remove(&id);
            }
        }
        self.since = Some(part.text("/since"));
        let more = part.json["page"]["next_cursor"] == part.json["since"];
        assert_eq!(more, part.header("link").contains("rel=\"next\""), "{:?}", part.headers);
        (changes, more)
    }

    /// Reads on until there is nothing more.
    async fn catch_up(&mut self) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let (changes, more) = self.step().await;
            all.extend(changes);
            if !more {
                return all;
            }
        }
    }

    /// What happened since the last time, in short.
    async fn news(&mut self) -> Vec<String> {
        let short = |change: &Value| {
            let text = |field: &str| change[field].as_str().unwrap().to_owned();
            format!("{} {} {}", text("kind"), text("slug"), text("change"))
        };
        let mut news: Vec<_> = self.catch_up().await.iter().map(short).collect();
        news.sort();
        news
    }
}

/// What is public, as the lists say.
async fn public(app: &TestApp) -> Copy {
    let mut copy = Copy::new();
    for kind in ["article", "author", "section", "tag"] {
        let mut path = format!("/{kind}s?limit=100");
        loop {
            let page = app.anyone().get(&path).await;
            for row in page.assert(200).json["data"].as_array().unwrap() {
                let text = |field: &str| row[field].as_str().unwrap().to_owned();
                copy.insert(text("id"), (kind.to_owned(), text("slug"), row["revision"].clone()));
            }
            let Some(cursor) = page.json["page"]["next_cursor"].as_str() else { break };
            path = format!("/{kind}s?limit=100&cursor={cursor}");
        }
    }
    copy
}

async fn publish(client: &Client, article: Value) -> String {
    let id = client.post("/articles", article).await.assert(201).text("/id");
    client.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
    id
}

async fn what_is_public_comes_once_and_then_what_changes(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    editor.post("/sections", json!({"name": "News"})).await.assert(201);
    editor.post("/tags", json!({"name": "Gone"})).await.assert(201);
    editor.delete("/tags/gone").await.assert(204);
    publish(&editor, json!({"title": "First"})).await;
    let mut reader = Follower::new(&app, "limit=2");
    let all = reader.catch_up().await;
    assert_eq!(all.len(), 3, "what had gone before is not told: {all:?}");
    assert_eq!(reader.copy, public(&app).await);
    let article = all.iter().find(|change| change["kind"] == "article").unwrap();
    assert_eq!(article["url"], "https://news.example/articles/first");
    assert_eq!((&article["revision"], &article["change"]), (&json!(1), &json!("updated")));
    assert!(reader.news().await.is_empty());

    publish(&editor, json!({"title": "Second", "tags": ["harbour"]})).await;
    editor.patch("/articles/first", json!({"title": "First again"})).await.assert(200);
    assert_eq!(reader.news().await, ["article second updated", "tag harbour updated"]);
    editor.put("/articles/first/publication", json!({})).await.assert(200);
    assert_eq!(reader.news().await, ["article first updated"]);
    // Twice at once is told once.
    editor.patch("/tags/harbour", json!({"name": "Port"})).await.assert(200);
    editor.patch("/tags/harbour", json!({"slug": "port"})).await.assert(200);
    assert_eq!(reader.news().await, ["tag port updated"]);
    assert_eq!(reader.copy, public(&app).await);
}

async fn all_that_the_public_sees_of_an_article_is_a_change_of_it(app: TestApp) {
    let (editor, admin) = (app.editor().await, app.signed_in(Role::Admin).await);
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    editor.post("/authors", json!({"name": "Mira"})).await.assert(201);
    let id = publish(&editor, json!({"title": "A", "tags": ["harbour"], "authors": ["mira"]})).await;
    let mut reader = Follower::new(&app, "");
    reader.catch_up().await;
    let (updated, with_counts) =
        (vec!["article a updated"], vec!["article a deleted", "author mira updated", "tag harbour updated"]);
    let back = vec!["article a updated", "author mira updated", "tag harbour updated"];
    let path = format!("/articles/{id}");
    macro_rules! happens {
        ($reply:expr, $status:literal, $news:expr) => {{
            let reply = $reply.await;
            reply.assert($status);
            assert_eq!(reader.news().await, $news, "{}", stringify!($reply));
            reply
        }};
    }
    let nothing = Vec::<String>::new();
    happens!(editor.patch(&path, json!({"title": "B"})), 200, nothing);
    happens!(editor.patch(&path, json!({"comments": {"open": false}})), 200, updated);
    happens!(editor.patch(&path, json!({"comments": {"open": true}})), 200, updated);
    happens!(editor.put(&format!("{path}/publication"), json!({})), 200, updated);
    happens!(editor.put(&format!("{path}/publication"), json!({})), 200, nothing);
    let said = json!({"kind": "correction", "text": "At six."});
    let said = happens!(editor.post(&format!("{path}/corrections"), said.clone()), 201, updated).text("/id");
    happens!(editor.delete(&format!("{path}/corrections/{said}")), 204, updated);
    let guest = json!({"name": "Jo", "email": "jo@example.org", "body": "Well."});
    let comment = happens!(app.anyone().post(&format!("{path}/comments"), guest.clone()), 201, nothing).text("/id");
    let comment = format!("/comments/{comment}");
    happens!(editor.patch(&comment, json!({"body": "Well!"})), 200, nothing);
    happens!(editor.patch(&comment, json!({"status": "approved"})), 200, updated);
    happens!(editor.patch(&comment, json!({"body": "Very well."})), 200, updated);
    happens!(editor.post(&format!("{path}/comments"), json!({"body": "Indeed."})), 201, updated);
    happens!(editor.delete(&comment), 204, updated);
    happens!(editor.delete(&comment), 204, nothing);
    happens!(editor.patch(&path, json!({"slug": "c"})), 200, ["article c updated"]);
    happens!(editor.patch(&path, json!({"slug": "a"})), 200, updated);
    happens!(editor.delete(&path), 204, with_counts);
    happens!(editor.send(Method::POST, &format!("{path}/restore"), None), 200, back);
    happens!(editor.delete(&format!("{path}/publication")), 204, with_counts);
    // What the public knew it by stays what it was.
    happens!(editor.patch(&path, json!({"slug": "hush"})), 200, nothing);
    happens!(editor.patch(&path, json!({"slug": "a"})), 200, nothing);
    happens!(editor.delete(&path), 204, nothing);
    happens!(editor.send(Method::POST, &format!("{path}/restore"), None), 200, nothing);
    happens!(editor.put(&format!("{path}/publication"), json!({"revision": 1})), 200, back);
    happens!(admin.delete(&format!("{path}?permanent=true")), 204, with_counts);
    assert_eq!(reader.copy, public(&app).await);
}

async fn what_is_scheduled_is_told_when_it_happens(app: TestApp) {
    let editor = app.editor().await;
    let id = editor.post("/articles", json!({"title": "A"})).await.assert(201).text("/id");
    let mut reader = Follower::new(&app, "");
    let publication = format!("/articles/{id}/publication");
    let soon = clock::now().plus(std::time::Duration::from_secs(86_400));
    editor.put(&publication, json!({"at": soon})).await.assert(200);
    assert!(reader.news().await.is_empty());
    for (column, news) in [("publish_at", "article a updated"), ("unpublish_at", "article a deleted")] {
        if column == "unpublish_at" {
            editor.delete(&format!("{publication}?at={soon}")).await.assert(204);
            assert!(reader.news().await.is_empty());
        }
        app.execute(&format!("UPDATE articles SET {column} = 1"));
        let mut found = Vec::new();
        while found.is_empty() {
            actix_web::rt::time::sleep(std::time::Duration::from_millis(50)).await;
            found = reader.news().await;
        }
        assert_eq!(found, [news]);
    }
}

async fn names_and_places_are_changes_of_their_own(app: TestApp) {
    let editor = app.editor().await;
    for (name, parent) in
        [("News", Value::Null), ("Tech", json!("news")), ("Code", json!("tech")), ("Art", Value::Null)]
    {
        editor.post("/sections", json!({"name": name, "parent": parent})).await.assert(201);
    }
    editor.post("/authors", json!({"name": "Mira"})).await.assert(201);
    publish(&editor, json!({"title": "A", "authors": ["mira"], "section": "code"})).await;
    let mut reader = Follower::new(&app, "");
    reader.catch_up().await;
    editor.patch("/authors/mira", json!({"bio": "She."})).await.assert(200);
    editor.patch("/authors/mira", json!({"bio": "She."})).await.assert(200);
    assert_eq!(reader.news().await, ["author mira updated"]);
    editor.patch("/sections/tech", json!({"parent": "art"})).await.assert(200);
    let news = ["article a updated", "section code updated", "section tech updated"];
    assert_eq!(reader.news().await, news, "their paths changed, and what stands in them may have another address");
    let addresses =
        json!({"permalinks": {"article": "/{section_path}/{slug}", "section": "/{path}", "tag": "/t/{slug}"}});
    app.signed_in(Role::Admin).await.patch("/site", addresses).await.assert(200);
    let urls = app.anyone().get("/changes").await;
    let url = |slug: &str| {
        let change = urls.json["data"].as_array().unwrap().iter().find(|change| change["slug"] == slug);
        change.unwrap()["url"].clone()
    };
    assert_eq!(url("a"), "https://news.example/art/tech/code/a", "where its section is now");
    assert_eq!(url("code"), "https://news.example/art/tech/code");
    assert_eq!(url("mira"), "https://news.example/authors/mira");
    editor.delete("/articles/a").await.assert(204);
    let gone = reader.catch_up().await;
    let gone = gone.iter().find(|change| change["slug"] == "a").unwrap();
    assert_eq!(gone["url"], "https://news.example/art/tech/code/a", "as it was when it was last told");
    editor.patch("/sections/art", json!({"position": 3})).await.assert(200);
    assert_eq!(reader.news().await, ["section art updated"]);
    editor.delete("/sections/news").await.assert(204);
    assert_eq!(reader.news().await, ["section news deleted"]);
}

async fn a_reader_may_ask_for_some_kinds_and_for_the_things_themselves(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    editor.post("/authors", json!({"name": "Mira"})).await.assert(201);
    editor.post("/sections", json!({"name": "News"})).await.assert(201);
    publish(&editor, json!({"title": "A", "tags": ["harbour"], "authors": ["mira"], "section": "news"})).await;
    let all = app.anyone().get("/changes?include=resource").await;
    let rows = all.assert(200).json["data"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let kind = row["kind"].as_str().unwrap();
        let listed = app.anyone().get(&format!("/{kind}s")).await;
        assert_eq!(row[kind], listed.json["data"][0], "as it stands in the list");
    }
    let some = app.anyone().get("/changes?kind=tag,author").await;
    let mut kinds = some.column("kind");
    kinds.sort();
    assert_eq!(kinds, ["author", "tag"]);
    let since = some.text("/since");
    app.anyone().get(&format!("/changes?kind=author,tag&since={since}")).await.assert(200);
    app.anyone().get(&format!("/changes?since={since}")).await.assert_problem(400, "invalid_cursor");
    app.anyone().get("/changes?kind=user").await.assert_problem(400, "invalid_parameter");
    app.anyone().get("/changes?limit=101").await.assert_problem(400, "invalid_parameter");
}

async fn an_answer_is_the_same_until_something_changes(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    let first = app.anyone().get("/changes").await;
    assert_eq!(first.header("cache-control"), "public, no-cache");
    let path = format!("/changes?since={}", first.text("/since"));
    let second = app.anyone().get(&path).await;
    assert_eq!(second.assert(200).json["since"], first.json["since"], "nothing happened");
    let known = app.anyone().with("if-none-match", second.etag());
    editor.post("/articles", json!({"title": "A draft"})).await.assert(201);
    known.get(&path).await.assert(304);
    editor.patch("/tags/harbour", json!({"name": "Port"})).await.assert(200);
    assert_eq!(known.get(&path).await.assert(200).column("slug"), ["harbour"]);
    let seen = app.anyone().get("/changes?limit=1").await;
    assert_eq!(seen.header("link"), "", "there is nothing more");
}

async fn where_to_go_on_cannot_be_made_up(app: TestApp) {
    app.editor().await.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    let since = app.anyone().get("/changes").await.text("/since");
    for at in 0..since.len() {
        let mut forged = since.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        app.anyone().get(&format!("/changes?since={forged}")).await.assert_problem(400, "invalid_cursor");
    }
    for junk in ["", "0", "AAAA", "~", "2026-01-01T00:00:00Z"] {
        app.anyone().get(&format!("/changes?since={junk}")).await.assert_problem(400, "invalid_cursor");
    }
    let cursor = app.anyone().get("/tags?limit=1&sort=name").await.json["page"]["next_cursor"].clone();
    assert_eq!(cursor, Value::Null);
}

async fn what_was_public_before_there_were_changes_is_among_them(app: TestApp) {
    let editor = app.editor().await;
    for kind in ["tags", "authors", "sections"] {
        editor.post(&format!("/{kind}"), json!({"name": "Harbour"})).await.assert(201);
    }
    publish(&editor, json!({"title": "Live"})).await;
    let thrown_away = publish(&editor, json!({"title": "Thrown away"})).await;
    editor.delete(&format!("/articles/{thrown_away}")).await.assert(204);
    editor.post("/articles", json!({"title": "Draft"})).await.assert(201);
    let database = if app.kind() == crate::support::Kind::Sqlite { "sqlite" } else { "postgres" };
    for direction in ["down", "up"] {
        let file = format!("{}/migrations/{database}/0010_changes/{direction}.sql", env!("CARGO_MANIFEST_DIR"));
        app.execute(&std::fs::read_to_string(file).unwrap());
    }
    let mut reader = Follower::new(&app, "limit=3");
    reader.catch_up().await;
    assert_eq!(reader.copy, public(&app).await);
    assert_eq!(reader.copy.len(), 4);
    editor.patch("/tags/harbour", json!({"name": "Port"})).await.assert(200);
    assert_eq!(reader.news().await, ["tag harbour updated"]);
}

async fn who_stayed_away_for_too_long_starts_again(app: TestApp) {
    let editor = app.editor().await;
    for name in ["One", "Two", "Three", "Four"] {
        editor.post("/tags", json!({"name": name})).await.assert(201);
    }
    let mut early = Follower::new(&app, "limit=1");
    early.step().await;
    let (mut beginning, mut informed) = (early.clone(), Follower::new(&app, "limit=1"));
    informed.catch_up().await;
    editor.delete("/tags/three").await.assert(204);
    informed.catch_up().await;
    editor.post("/tags", json!({"name": "Five"})).await.assert(201);
    let forget = async |days: u64| {
        let later = clock::now().plus(std::time::Duration::from_secs(days * 86_400));
        stet::changes::forget(&app.app, later).await.unwrap();
    };
    forget(89).await;
    beginning.catch_up().await;
    assert_eq!(beginning.copy, public(&app).await);
    forget(91).await;
    assert_eq!(app.number("SELECT count(*) FROM changes"), 4);
    let gone = app.anyone().get(&format!("/changes?since={}", early.since.clone().unwrap())).await;
    let detail = gone.assert_problem(410, "cursor_too_old").text("/detail");
    assert!(detail.contains("start again without `since`"), "{detail}");
    // Whoever was told of it misses nothing.
    assert_eq!(informed.news().await, ["tag five updated"]);
    assert_eq!(informed.copy, public(&app).await);
    let mut anew = Follower::new(&app, "");
    anew.catch_up().await;
    assert_eq!(anew.copy, informed.copy);
}

async fn who_starts_is_not_disturbed_by_what_went_before(app: TestApp) {
    let editor = app.editor().await;
    for name in ["One", "Two", "Three"] {
        editor.post("/tags", json!({"name": name})).await.assert(201);
    }
    editor.delete("/tags/three").await.assert(204);
    let mut reader = Follower::new(&app, "limit=1");
    reader.step().await;
    let later = clock::now().plus(std::time::Duration::from_secs(91 * 86_400));
    stet::changes::forget(&app.app, later).await.unwrap();
    // It never heard of the third, and need not hear that it went.
    assert_eq!(reader.news().await, ["tag two updated"]);
    assert_eq!(reader.copy, public(&app).await);
}

async fn after_a_backup_was_restored_what_came_later_is_void(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Before"})).await.assert(201);
    let mut reader = Follower::new(&app, "");
    reader.catch_up().await;
    app.execute("CREATE TABLE kept AS SELECT * FROM changes; CREATE TABLE kept_stream AS SELECT * FROM change_stream");
    let kept = reader.clone();
    for name in ["Undone", "Undone too"] {
        editor.post("/tags", json!({"name": name})).await.assert(201);
    }
    reader.catch_up().await;
    app.execute(
        "DELETE FROM tags WHERE name LIKE 'Undone%'; DELETE FROM changes; INSERT INTO changes SELECT * FROM kept;
        DELETE FROM change_stream; INSERT INTO change_stream SELECT * FROM kept_stream;",
    );
    let lost = format!("/changes?since={}", reader.since.clone().unwrap());
    app.anyone().get(&lost).await.assert_problem(410, "cursor_too_old");
    blocking(|| stet::changes::begin(&mut app.app.db.connection().unwrap()).unwrap());
    // The numbers are given again, for other things.
    for name in ["Later", "Later still", "Latest"] {
        editor.post("/tags", json!({"name": name})).await.assert(201);
    }
    let gone = app.anyone().get(&lost).await;
    let detail = gone.assert_problem(410, "cursor_too_old").text("/detail");
    assert!(detail.contains("restored") && detail.contains("start again"), "{detail}");
    let mut kept = kept;
    assert_eq!(kept.news().await.len(), 3);
    assert_eq!(kept.copy, public(&app).await);
}

async fn what_never_was_public_changes_no_byte(app: TestApp) {
    let (editor, author) = (app.editor().await, app.author().await);
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    let live = publish(&author, json!({"title": "Live", "tags": ["harbour"]})).await;
    let queries = ["", "?limit=1", "?kind=article", "?include=resource"];
    let read = async |clients: &[&Client]| {
        let mut answers = Vec::new();
        for client in clients {
            for query in queries {
                let reply = client.get(&format!("/changes{query}")).await;
                answers.push((reply.assert(200).bytes.clone(), reply.etag().to_owned()));
            }
        }
        answers
    };
    let (anyone, contributor) = (app.anyone(), app.contributor().await);
    let clients = [&anyone, &contributor, &editor];
    let before = read(&clients).await;
    let secret = json!({"title": "Canary", "slug": "canary", "tags": ["harbour"], "body": {"source": "canary"}});
    let id = author.post("/articles", secret).await.assert(201).text("/id");
    let path = format!("/articles/{id}");
    let soon = clock::now().plus(std::time::Duration::from_secs(86_400));
    author.patch(&path, json!({"slug": "canary-2", "comments": {"open": false}})).await.assert(200);
    author.put(&format!("{path}/review"), json!({"status": "requested", "note": "canary"})).await.assert(200);
    author.put(&format!("{path}/publication"), json!({"at": soon})).await.assert(200);
    author.post(&format!("{path}/previews"), json!({})).await.assert(201);
    author.delete(&path).await.assert(204);
    author.send(Method::POST, &format!("{path}/restore"), None).await.assert(200);
    author.delete(&path).await.assert(204);
    let live = format!("/articles/{live}");
    author.patch(&live, json!({"title": "Canary", "tags": [], "body": {"source": "canary"}})).await.assert(200);
    author.put(&format!("{live}/publication"), json!({"at": soon})).await.assert(200);
    author.delete(&format!("{live}/publication?scheduled=true")).await.assert(204);
    author.delete(&format!("{live}/publication?at={soon}")).await.assert(204);
    let guest = json!({"name": "Jo", "email": "canary@example.org", "body": "canary"});
    let comment = anyone.post(&format!("{live}/comments"), guest).await.assert(201).text("/id");
    for status in ["spam", "trash", "pending"] {
        editor.patch(&format!("/comments/{comment}"), json!({"status": status})).await.assert(200);
    }
    editor.delete(&format!("/comments/{comment}")).await.assert(204);
    editor.patch("/tags/harbour?dry_run=true", json!({"name": "Canary"})).await.assert(200);
    let after = read(&clients).await;
    assert!(before == after, "a change shows of what is not public");
    assert!(before.iter().all(|(bytes, _)| !String::from_utf8_lossy(bytes).contains("canary")));
}

on_both_databases! {
    what_is_public_comes_once_and_then_what_changes,
    all_that_the_public_sees_of_an_article_is_a_change_of_it,
    what_is_scheduled_is_told_when_it_happens,
    names_and_places_are_changes_of_their_own,
    a_reader_may_ask_for_some_kinds_and_for_the_things_themselves,
    an_answer_is_the_same_until_something_changes,
    where_to_go_on_cannot_be_made_up,
    what_was_public_before_there_were_changes_is_among_them,
    who_stayed_away_for_too_long_starts_again,
    who_starts_is_not_disturbed_by_what_went_before,
    after_a_backup_was_restored_what_came_later_is_void,
    what_never_was_public_changes_no_byte,
}
