//! Deep pages: the thousandth page of ten by cursor beside the first.

use super::{
    ROUNDS,
    client::Connection,
    server::Server,
    table::{Table, median, micros, ratio},
};
use anyhow::{Context, Result};
use serde_json::Value;
use std::time::{Duration, Instant};

const PAGE: usize = 1000;
/// Requests of each page in a round.
const REQUESTS: usize = 30;

pub fn measure(table: &mut Table, server: &Server) -> Result<()> {
    let staff = server.sign_in()?;
    for (who, headers) in [("public", ""), ("editor", staff.as_str())] {
        for sort in ["-published_at", "published_at", "-updated_at", "-created_at", "title", "-title"] {
            let first = format!("/api/v1/articles?limit=10&sort={sort}");
            let mut connection = Connection::open(&server.address)?;
            let last = walk(&mut connection, &first, headers)?;
            let (mut near, mut far) = (Vec::new(), Vec::new());
            for _ in 0..ROUNDS * REQUESTS {
                near.push(time(&mut connection, &first, headers)?);
                far.push(time(&mut connection, &last, headers)?);
            }
            let (near, far) = (median(near), median(far));
            table.add(
                format!("page 1000 / page 1, by {sort}, {who}"),
                "≤ 1.5",
                ratio(far.as_secs_f64() / near.as_secs_f64()),
                format!("{} / {}", micros(far), micros(near)),
            );
        }
    }
    Ok(())
}

/// The address of the thousandth page.
fn walk(connection: &mut Connection, first: &str, headers: &str) -> Result<String> {
    let mut page = first.to_owned();
    for _ in 1..PAGE {
        let answer: Value = serde_json::from_slice(connection.get_with(&page, headers)?)?;
        let cursor = answer["page"]["next_cursor"].as_str().context("the list is too short")?;
        page = format!("{first}&cursor={cursor}");
    }
    Ok(page)
}

fn time(connection: &mut Connection, path: &str, headers: &str) -> Result<Duration> {
    let began = Instant::now();
    connection.get_with(path, headers)?;
    Ok(began.elapsed())
}
