//! Publishing one article in a newsroom of 1,000 and in one of 100,000, through HTTP.

use super::{
    client::Connection,
    database::{Database, target},
    newsroom::{self, Newsroom},
    server::{self, Server},
    table::{Table, median, micros, ratio},
};
use anyhow::{Context, Result};
use serde_json::Value;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const SMALL: usize = 1_000;
const LARGE: usize = 100_000;
/// Articles that are published one after another in each.
const PUBLISHED: usize = 300;

/// A newsroom, who is asked in it, and drafts of 4 KB to publish.
struct Desk {
    server: Server,
    who: String,
    drafts: Vec<String>,
}

pub fn measure(database: &Database, directory: &Path) -> Result<()> {
    database.fresh("few", directory, |few| {
        database.fresh("many", directory, |many| {
            on(database, Desk::open(few, directory, SMALL)?, Desk::open(many, directory, LARGE)?)
        })
    })
}

fn on(database: &Database, mut small: Desk, mut large: Desk) -> Result<()> {
    let mut table = Table::new(database);
    // What was idle while the larger one was filled is closed by now.
    let (mut near, mut far) = (Connection::open(&small.server.address)?, Connection::open(&large.server.address)?);
    let (mut quick, mut slow) = (Vec::new(), Vec::new());
    while let (Some(one), Some(other)) = (small.publish(&mut near)?, large.publish(&mut far)?) {
        quick.push(one);
        slow.push(other);
    }
    let (quick, slow) = (median(quick), median(slow));
    table.add(
        "publishing one article: among 100,000 / among 1,000",
        "about 1",
        ratio(slow.as_secs_f64() / quick.as_secs_f64()),
        format!("{} / {}, each on disk", micros(slow), micros(quick)),
    );
    table.print();
    Ok(())
}

impl Desk {
    fn open(url: &str, directory: &Path, articles: usize) -> Result<Self> {
        Newsroom::fill_with(&target(url)?, articles, newsroom::short_article)?;
        let administrator = ["--admin-email", server::EMAIL, "--admin-password", server::PASSWORD];
        let server = Server::start(&[&["--database-url", url], administrator.as_slice()].concat(), directory)?;
        let (who, mut connection) = (server.sign_in()?, Connection::open(&server.address)?);
        let drafts = (0..PUBLISHED).map(|number| {
            let draft = newsroom::article(articles + number).to_string();
            let created: Value = serde_json::from_slice(connection.post("/api/v1/articles", &who, &draft)?)?;
            Ok(created["id"].as_str().context("no id")?.to_owned())
        });
        let drafts = drafts.collect::<Result<Vec<_>>>()?;
        Ok(Self { server, who, drafts })
    }

    /// How long it took to publish the next draft.
    fn publish(&mut self, connection: &mut Connection) -> Result<Option<Duration>> {
        let Some(draft) = self.drafts.pop() else { return Ok(None) };
        let began = Instant::now();
        connection.put(&format!("/api/v1/articles/{draft}/publication"), &self.who, "{}")?;
        Ok(Some(began.elapsed()))
    }
}
