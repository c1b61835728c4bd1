//! The HTTP contract, which is the same for every resource.

mod bodies;
mod browsers;
mod conditions;
mod fields;
mod filters;
mod idempotency;
mod junk;
mod lists;
mod negotiation;
mod queries;
mod references;
mod writes;

use crate::support::{Client, TestApp, blocking};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Creates an article and gives its id.
async fn draft(editor: &Client, article: Value) -> String {
    let created = editor.post("/articles", article).await;
    created.assert(201).text("/id")
}

/// Creates an article, publishes it and gives its id.
async fn story(editor: &Client, article: Value) -> String {
    let id = draft(editor, article).await;
    editor.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
    id
}

/// Sets in the database what no client may set.
fn set(app: &TestApp, sql: &str) {
    blocking(|| app.app.db.connection().unwrap().batch_execute(sql).unwrap());
}

/// What came over the wire.
struct Wire {
    status: u16,
    head: String,
    body: String,
}

/// Sends bytes that no decent client would send, and reads until the server hangs up.
async fn wire(app: &TestApp, request: &[u8]) -> Wire {
    let (address, request) = (app.address.trim_start_matches("http://").to_owned(), request.to_owned());
    let answer = actix_web::rt::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // The server may answer, and hang up, before it has read everything.
        _ = stream.write_all(&request);
        let mut answer = Vec::new();
        _ = stream.read_to_end(&mut answer);
        answer
    })
    .await
    .unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("no status: {head}"));
    Wire { status, head: head.to_lowercase(), body: body.to_owned() }
}
