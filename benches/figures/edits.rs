//! Edits: a PATCH of an article of 4 KB beside its creation.

use super::{
    client::Connection,
    newsroom::{ARTICLES, article},
    server::Server,
    table::{Table, median, micros, ratio},
};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const EDITS: usize = 300;

pub fn measure(table: &mut Table, server: &Server) -> Result<()> {
    let who = server.sign_in()?;
    let mut connection = Connection::open(&server.address)?;
    let (mut creates, mut titles, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..EDITS {
        let (new, other) = (article(ARTICLES + 2 * number), article(ARTICLES + 2 * number + 1));
        let mut path = String::new();
        creates.push(time(|| {
            let created: Value =
                serde_json::from_slice(connection.post("/api/v1/articles", &who, &new.to_string())?)?;
            path = format!("/api/v1/articles/{}", created["id"].as_str().context("no id")?);
            Ok(())
        })?);
        let title = json!({"title": other["title"]}).to_string();
        titles.push(time(|| connection.patch(&path, &who, &title).map(drop))?);
        let body = json!({"body": other["body"]}).to_string();
        bodies.push(time(|| connection.patch(&path, &who, &body).map(drop))?);
    }
    let create = median(creates);
    for (what, edits) in [("title", titles), ("body", bodies)] {
        let edit = median(edits);
        table.add(
            format!("a new {what} for an article of 4 KB / its creation"),
            "≤ 2",
            ratio(edit.as_secs_f64() / create.as_secs_f64()),
            format!("{} / {}, each on disk", micros(edit), micros(create)),
        );
    }
    Ok(())
}

fn time(run: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let began = Instant::now();
    run()?;
    Ok(began.elapsed())
}
