//! `/search`, `/search/suggestions` and `q` on `/articles`: what is found, in which order, and by whom.

mod freshness;
mod hidden;
mod nonsense;
mod results;

use crate::support::{Client, Reply, TestApp};
use serde_json::{Value, json};

/// What a browser does with what somebody typed.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Whoever works in the tests, and what they find.
struct Desk {
    app: TestApp,
    editor: Client,
}

impl Desk {
    async fn open(app: TestApp) -> Self {
        Self { editor: app.editor().await, app }
    }

    async fn add(&self, kind: &str, new: Value) -> String {
        self.editor.post(&format!("/{kind}"), new).await.assert(201).text("/id")
    }

    async fn publish(&self, article: Value) -> String {
        let id = self.add("articles", article).await;
        self.editor.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
        id
    }

    /// A story with a title and a body.
    async fn story(&self, title: &str, body: &str) -> String {
        self.publish(json!({"title": title, "excerpt": "", "body": {"source": body}})).await
    }

    /// The titles of what somebody finds.
    async fn found_by(&self, client: &Client, q: &str) -> Vec<String> {
        let reply = client.get(&format!("/articles?q={}", encoded(q))).await;
        reply.assert(200).column("title")
    }

    /// The titles of what a stranger finds.
    async fn found(&self, q: &str) -> Vec<String> {
        self.found_by(&self.app.anyone(), q).await
    }

    async fn search(&self, query: &str) -> Reply {
        let reply = self.app.anyone().get(&format!("/search?{query}")).await;
        reply.assert(200);
        reply
    }
}

/// The pages of a list, from the first to the last.
async fn pages(client: &Client, list: &str) -> Vec<Reply> {
    let (mut pages, mut path) = (Vec::new(), list.to_owned());
    loop {
        let page = client.get(&path).await;
        let next =
            page.assert(200).json["page"]["next_cursor"].as_str().map(|cursor| format!("{list}&cursor={cursor}"));
        pages.push(page);
        match next {
            Some(next) => path = next,
            None => return pages,
        }
    }
}

/// What was found, as `kind name`.
fn hits(reply: &Reply) -> Vec<String> {
    let hit = |hit: &Value| {
        let kind = hit["kind"].as_str().unwrap();
        let one = &hit[kind];
        format!("{kind} {}", one["title"].as_str().or(one["name"].as_str()).unwrap())
    };
    reply.json["data"].as_array().unwrap().iter().map(hit).collect()
}
