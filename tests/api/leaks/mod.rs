//! Nothing hidden leaks: a canary word stands in all that is not public, and what others read does not change by a byte.

mod questions;

use crate::{
    on_both_databases,
    support::{
        Client, PASSWORD, Reply, TestApp, blocking,
        spec::{self, Operation},
    },
};
use questions::{probes, queries};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use stet::{
    auth::{Password, passwords},
    clock,
    db::Id,
    permissions::Role,
    users::{self, NewUser},
    values::Email,
};

const DAY: Duration = Duration::from_secs(86_400);

/// A word that stands nowhere by chance, good for slugs, addresses and hosts.
fn word(begins: &str) -> String {
    let random = Id::new().to_string().replace('-', "");
    format!("{begins}{}", &random[16..])
}

/// An article with the word in everything that one can write.
fn secret(word: &str, slug: &str) -> Value {
    json!({
        "slug": slug, "title": format!("A {word} title"), "subtitle": word, "excerpt": format!("It says {word}."),
        "body": {"source": format!("The *{word}*.")}, "authors": ["jo", "mira"], "tags": ["hush", "harbour"], "section": "quiet",
        "image": {"url": format!("https://{word}.example/a.jpg"), "alt": word, "caption": word, "credit": word},
        "seo": {"title": word, "description": word, "canonical_url": format!("https://{word}.example/"), "image_url": format!("https://{word}.example/b.jpg")},
        "custom": {word: word}, "featured": true, "language": "de", "visibility": "members", "related": ["reopens"],
    })
}

fn comment(word: &str) -> Value {
    json!({"name": format!("Jo {word}"), "email": format!("{word}@example.org"), "website": format!("https://{word}.example/"), "body": format!("So {word}.")})
}

/// What one may see, by ids and slugs.
struct Newsroom {
    app: TestApp,
    editor: Client,
    owner: Client,
    /// Stands in all that is hidden from everybody but the owner and editors.
    word: String,
    /// Stands in what takes a role, or a subscription.
    premium: String,
    articles: Vec<String>,
    comments: Vec<String>,
    /// What opens a preview of the published revision of "reopens".
    preview: String,
    redirects: Vec<String>,
    /// Of `reopens`.
    correction: String,
    hidden_articles: Vec<String>,
    hidden_comments: Vec<String>,
}

impl Newsroom {
    /// A newsroom with some public content. What is hidden in it from the beginning is old text, emails and a pin.
    async fn open(app: TestApp) -> Self {
        let (word, premium) = (word("canary"), word("premium"));
        let owner = sign_in(&app, &format!("{word}@lantern.example"), Role::Author).await;
        let editor = app.editor().await;
        for (kind, body) in [
            ("tags", json!({"name": "Harbour"})),
            ("tags", json!({"name": "Hush"})),
            ("authors", json!({"name": "Mira"})),
            ("authors", json!({"name": "Jo"})),
            ("sections", json!({"name": "News"})),
            ("sections", json!({"name": "Tech", "parent": "news"})),
            ("sections", json!({"name": "Quiet"})),
        ] {
            editor.post(&format!("/{kind}"), body).await.assert(201);
        }
        let mut newsroom = Self {
            app,
            editor,
            owner,
            word,
            premium,
            articles: Vec::new(),
            comments: Vec::new(),
            preview: String::new(),
            redirects: Vec::new(),
            correction: String::new(),
            hidden_articles: Vec::new(),
            hidden_comments: Vec::new(),
        };
        newsroom.fill().await;
        newsroom
    }

    async fn fill(&mut self) {
        let pinned = format!("{}-pinned", self.word);
        self.hide(json!({"title": "To be pinned", "slug": pinned})).await;
        let story = |title: &str| json!({"title": title, "authors": ["mira"], "tags": ["harbour"], "section": "tech"});
        let mut reopens = story("Reopens");
        reopens["related"] = json!([pinned]);
        reopens["featured"] = json!(true);
        let mut sold = story("Sold");
        sold["visibility"] = json!("premium");
        sold["excerpt"] = json!("For those who pay.");
        sold["body"] = json!({"source": format!("All about {}.", self.premium)});
        for article in [reopens, story("Floods"), sold] {
            self.publish(article).await;
        }
        // What was public once, and was replaced.
        self.publish(
            json!({"title": format!("A {} title", self.word), "slug": "replaced", "body": {"source": self.word}}),
        )
        .await;
        self.owner
            .patch("/articles/replaced", json!({"title": "Replaced", "body": {"source": "Clean."}}))
            .await
            .assert(200);
        self.owner.put("/articles/replaced/publication", json!({})).await.assert(200);
        // One that was found by another slug, and before that, as a draft, by one that nobody knew.
        let first = format!("{}-first", self.word);
        let renamed = self.hide(json!({"title": "Renamed", "slug": first})).await;
        self.hidden_articles.retain(|reference| *reference != renamed);
        for slug in ["once", "renamed"] {
            self.owner.patch(&format!("/articles/{renamed}"), json!({"slug": slug})).await.assert(200);
            self.owner.put(&format!("/articles/{renamed}/publication"), json!({})).await.assert(200);
            self.articles.push(slug.to_owned());
        }
        let redirect = json!({"source": "/old/quay", "target": "/articles/reopens"});
        self.redirects.push(self.editor.post("/redirects", redirect).await.assert(201).text("/id"));
        let mut guest = comment("Brandt");
        guest["email"] = json!(format!("{}@example.org", self.word));
        let approved = self.app.anyone().post("/articles/reopens/comments", guest).await.assert(201).text("/id");
        self.editor.patch(&format!("/comments/{approved}"), json!({"status": "approved"})).await.assert(200);
        let staff = json!({"body": "From the desk.", "parent_id": approved});
        let staff = self.owner.post("/articles/reopens/comments", staff).await.assert(201).text("/id");
        self.comments.extend([approved, staff]);
        self.preview = self.preview_of("reopens", json!({"revision": 1})).await;
        self.correction = self.correct("reopens", "It reopens at six.").await;
        let withdrawn = self.correct("floods", &self.word).await;
        self.editor.delete(&format!("/articles/floods/corrections/{withdrawn}")).await.assert(204);
    }

    async fn publish(&mut self, article: Value) {
        let created = self.owner.post("/articles", article).await;
        let id = created.assert(201).text("/id");
        self.owner.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
        // By its slug; the first by its id as well.
        if self.articles.is_empty() {
            self.articles.push(id);
        }
        self.articles.push(created.text("/slug"));
    }

    /// Tells the readers of a public article that it was wrong.
    async fn correct(&self, article: &str, text: &str) -> String {
        let said = json!({"kind": "correction", "text": text});
        self.owner.post(&format!("/articles/{article}/corrections"), said).await.assert(201).text("/id")
    }

    /// A draft that nobody else is to hear of.
    async fn hide(&mut self, article: Value) -> String {
        let created = self.owner.post("/articles", article).await;
        let id = created.assert(201).text("/id");
        self.hidden_articles.extend([created.text("/slug"), id.clone()]);
        id
    }

    /// What opens a preview.
    async fn preview_of(&self, article: &str, preview: Value) -> String {
        self.owner.post(&format!("/articles/{article}/previews"), preview).await.assert(201).text("/token")
    }

    /// Adds an article in every state that is not public, a change of one that is, and comments that nobody approved.
    async fn add_secrets(&mut self) {
        let word = self.word.clone();
        let state = |name: &str| secret(&word, &format!("{word}-{name}"));
        self.hide(state("draft")).await;
        let review = self.hide(state("review")).await;
        let requested = json!({"status": "requested", "note": format!("Is {word} right?")});
        self.owner.put(&format!("/articles/{review}/review"), requested.clone()).await.assert(200);
        let scheduled = self.hide(state("scheduled")).await;
        let (start, end) = (clock::now().plus(DAY), clock::now().plus(2 * DAY));
        self.owner.put(&format!("/articles/{scheduled}/publication"), json!({"at": start})).await.assert(200);
        let archived = self.hide(state("archived")).await;
        self.owner.put(&format!("/articles/{archived}/publication"), json!({})).await.assert(200);
        self.correct(&archived, &word).await;
        self.owner.delete(&format!("/articles/{archived}/publication")).await.assert(204);
        let trashed = self.hide(state("trashed")).await;
        self.owner.put(&format!("/articles/{trashed}/publication"), json!({})).await.assert(200);
        self.rename(&trashed).await;
        self.correct(&trashed, &word).await;
        let thrown_away = self.hide(state("thrown-away")).await;
        for id in [trashed, thrown_away] {
            self.owner.delete(&format!("/articles/{id}")).await.assert(204);
        }
        for id in self.hidden_articles.clone().iter().filter(|reference| reference.parse::<Id>().is_ok()) {
            self.rename(id).await;
        }
        let purged = self.hide(state("purged")).await;
        self.owner.put(&format!("/articles/{purged}/publication"), json!({})).await.assert(200);
        self.correct(&purged, &word).await;
        self.owner.post(&format!("/articles/{purged}/comments"), json!({"body": word})).await.assert(201);
        let admin = sign_in(&self.app, "admin@lantern.example", Role::Admin).await;
        admin.delete(&format!("/articles/{purged}?permanent=true")).await.assert(204);
        assert_eq!(self.owner.get(&format!("/articles/{review}")).await.json["status"], "in_review");
        assert_eq!(
            self.owner.get("/articles?status=scheduled").await.column("slug"),
            [format!("{word}-scheduled-now")]
        );
        // The slug of a public article and whether it takes comments change at once; all else waits.
        let mut changes = secret(&word, "");
        changes.as_object_mut().unwrap().shift_remove("slug");
        for article in ["reopens", "floods", "sold", "replaced"] {
            changes["related"] = json!([if article == "floods" { "sold" } else { "floods" }]);
            self.owner.patch(&format!("/articles/{article}"), changes.clone()).await.assert(200);
            self.owner.put(&format!("/articles/{article}/review"), requested.clone()).await.assert(200);
            self.preview_of(article, json!({})).await;
        }
        self.editor.put("/articles/sold/review", json!({"status": "approved", "note": word})).await.assert(200);
        // One of the changes has its time, and another article its end.
        self.owner.put("/articles/reopens/publication", json!({"at": start})).await.assert(200);
        self.owner.delete(&format!("/articles/floods/publication?at={end}")).await.assert(204);
        for (status, parent) in [("pending", false), ("spam", false), ("trash", false), ("pending", true)] {
            let mut body = comment(&word);
            if parent {
                body["parent_id"] = json!(self.comments[0]);
            }
            let id = self.app.anyone().post("/articles/reopens/comments", body).await.assert(201).text("/id");
            self.editor.patch(&format!("/comments/{id}"), json!({"status": status})).await.assert(200);
            self.hidden_comments.push(id);
        }
    }

    /// Gives what is hidden another slug; the one that it had is as hidden as before.
    async fn rename(&mut self, id: &str) {
        let found = self.owner.get(&format!("/articles/{id}")).await;
        if found.status == 200 {
            let slug = format!("{}-now", found.text("/slug"));
            self.owner.patch(&format!("/articles/{id}"), json!({"slug": slug})).await.assert(200);
            self.hidden_articles.push(slug);
        }
    }

    /// Asks everything that can be asked: every GET operation, each parameter with each of its values.
    async fn crawl(&self, client: &Client) -> BTreeMap<String, Kept> {
        let mut answers = BTreeMap::new();
        for operation in spec::operations().iter().filter(|operation| operation.method == "GET") {
            // What was public for a moment is told there; that nothing else is, tests/api/changes/ sees to.
            if operation.id == "list_changes" {
                continue;
            }
            for path in self.paths(operation) {
                let mut next = queries(operation, &self.preview)
                    .into_iter()
                    .map(|query| format!("{path}?{query}"))
                    .collect::<Vec<_>>();
                while let Some(path) = next.pop() {
                    let reply = client.get(&path).await;
                    // A chain of pages with one row each shows every row's cursor.
                    if let Some(cursor) =
                        reply.json["page"]["next_cursor"].as_str().filter(|_| path.contains("limit=1&"))
                    {
                        let first = path.split("&cursor=").next().unwrap();
                        next.push(format!("{first}&cursor={cursor}"));
                    }
                    answers.insert(path, Kept::of(&reply));
                }
            }
        }
        answers
    }

    fn paths(&self, operation: &Operation) -> Vec<String> {
        let template = operation.template().replace("/corrections/{id}", &format!("/corrections/{}", self.correction));
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let references = match operation.kind().as_str() {
            "articles" => self.articles.clone(),
            "comments" => self.comments.clone(),
            "redirects" => self.redirects.clone(),
            "authors" => named(&["mira", "jo", "nobody"]),
            "sections" => named(&["news", "tech", "quiet", "nowhere"]),
            "tags" => named(&["harbour", "hush", "nothing"]),
            // Nobody who crawls here gets so far.
            "auth" => named(&["house"]),
            "users" | "api-keys" => named(&["0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"]),
            _ => Vec::new(),
        };
        if template.contains('{') {
            assert!(!references.is_empty(), "no references for {template}");
            references
                .iter()
                .map(|reference| {
                    let template = template.replace("{ref}", reference).replace("{provider}", reference);
                    template.replace("{id}", reference).replace("{number}", "1")
                })
                .collect()
        } else {
            vec![template]
        }
    }
}

/// What is compared of an answer: all but what is new each time.
#[derive(Debug, PartialEq)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Kept {
    fn of(reply: &Reply) -> Self {
        let mut headers: Vec<_> = reply
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .filter(|(name, _)| !["connection", "date", "x-request-id"].contains(&name.as_str()))
            .collect();
        headers.sort();
        let mut body = String::from_utf8(reply.bytes.clone()).unwrap();
        if let Some(id) = reply.json["request_id"].as_str() {
            body = body.replace(id, "…");
        }
        Self { status: reply.status.as_u16(), headers, body }
    }

    #[track_caller]
    fn lacks(&self, word: &str, path: &str) {
        assert!(!format!("{self:?}").contains(word), "{path} says {word}: {self:?}");
    }
}

/// Somebody with an address of their own.
async fn sign_in(app: &TestApp, email: &str, role: Role) -> Client {
    let email = Email::parse(email.to_owned()).unwrap();
    blocking(|| {
        let hash = passwords::hash(&Password::parse(PASSWORD.into()).unwrap()).unwrap();
        let new = NewUser { email: &email, name: "Sam Reyes", role, password_hash: Some(&hash), author_id: None };
        users::insert(&mut app.app.db.connection().unwrap(), &new, Id::new(), clock::now()).unwrap();
    });
    let session = app.anyone().post("/auth/login", json!({"email": email, "password": PASSWORD})).await;
    Client::new(&app.address, Some(session.assert(200).text("/access_token")))
}

async fn what_is_hidden_changes_no_byte_of_what_others_read(app: TestApp) {
    let mut newsroom = Newsroom::open(app).await;
    let (anyone, other) = (newsroom.app.anyone(), newsroom.app.contributor().await);
    let before = [newsroom.crawl(&anyone).await, newsroom.crawl(&other).await];
    assert!(before[0].len() > 300, "only {} addresses were tried", before[0].len());
    newsroom.add_secrets().await;
    for (client, before) in [&anyone, &other].into_iter().zip(before) {
        let after = newsroom.crawl(client).await;
        for (path, kept) in &after {
            let who = if client.token.is_some() { "a contributor" } else { "a stranger" };
            assert_eq!(Some(kept), before.get(path), "{path} changed for {who}");
            kept.lacks(&newsroom.word, path);
            // What is made for all is a stranger's, whoever asks.
            if client.token.is_none() || path.starts_with("//") {
                kept.lacks(&newsroom.premium, path);
            }
        }
        assert_eq!(after.len(), before.len());
    }
    // Nor is it found by whoever knows it, or the beginning of it.
    for path in
        ["/search?count=true&facets=section,tag,author,year&q=", "/search/suggestions?q=", "/articles?count=true&q="]
    {
        for (client, words) in
            [(&anyone, [&newsroom.word, &newsroom.premium]), (&other, [&newsroom.word, &newsroom.word])]
        {
            for typed in words.into_iter().flat_map(|word| [word.clone(), format!("{}*", &word[..20])]) {
                let found = client.get(&format!("{path}{typed}")).await;
                assert_eq!(found.assert(200).json["data"], json!([]), "{path}{typed}");
                assert!(found.json["page"]["total"].as_i64().is_none_or(|total| total == 0), "{}", found.json);
                assert!(!found.json["facets"].to_string().contains("count"), "{}", found.json);
            }
        }
    }
    let found = newsroom.owner.get(&format!("/articles?count=true&q={}", newsroom.word)).await;
    assert!(found.assert(200).json["page"]["total"].as_i64() > Some(5), "{}", found.json);
    // The word is there for those who may read it: what was looked for can be found.
    let owner = newsroom.owner.get("/articles/reopens?include=related").await;
    assert!(owner.json.to_string().contains(&newsroom.word));
    let queue = newsroom.editor.get("/comments?limit=100").await;
    assert!(queue.json.to_string().contains(&newsroom.word));
}

async fn what_is_hidden_is_answered_like_what_does_not_exist(app: TestApp) {
    let mut newsroom = Newsroom::open(app).await;
    newsroom.add_secrets().await;
    let (anyone, other) = (newsroom.app.anyone(), newsroom.app.contributor().await);
    for hidden in newsroom.hidden_articles.iter().chain(&newsroom.hidden_comments) {
        let absent = if Id::new().to_string().len() == hidden.len() && !hidden.starts_with("canary") {
            Id::new().to_string()
        } else {
            "absent".to_owned()
        };
        for client in [&anyone, &other] {
            for (method, path, body) in probes() {
                let ask = async |reference: &str| {
                    let reply = client.send(method.clone(), &path.replace("{}", reference), body.clone()).await;
                    let kept = Kept::of(&reply);
                    let headers = kept.headers.into_iter().filter(|(name, _)| name != "content-length").collect();
                    Kept { body: kept.body.replace(reference, "{}"), headers, ..kept }
                };
                let (found, expected) = (ask(hidden).await, ask(&absent).await);
                assert!(expected.status >= 400, "{method} {path}: {expected:?}");
                assert_eq!(found, expected, "{method} {path} with {hidden}");
            }
        }
    }
    // Nor can one answer a comment that is not shown, or guess at it.
    for parent in newsroom.hidden_comments.iter().cloned().chain([Id::new().to_string()]) {
        let mut body = comment("Brandt");
        body["parent_id"] = json!(parent);
        let reply = anyone.post("/articles/reopens/comments", body).await;
        reply.assert_problem(422, "validation_failed");
        assert_eq!(reply.text("/detail"), "/parent_id: the article has no such comment");
    }
}

on_both_databases! {
    what_is_hidden_changes_no_byte_of_what_others_read,
    what_is_hidden_is_answered_like_what_does_not_exist,
}
