//! What feed readers and crawlers take, in a newsroom of 2,000 and in one of 100,000 on one database. The first
//! month of both holds the same articles.

use super::{
    client::Connection,
    database::{Database, target},
    newsroom::{self, Newsroom},
    server::Server,
    table::{Table, median, micros, ratio},
};
use anyhow::Result;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const SMALL: usize = 2_000;
const LARGE: usize = 100_000;
/// Requests of each page to each server, by turns.
const REQUESTS: usize = 200;

const PAGES: [(&str, &str, &str); 8] = [
    ("the feed of the site", "/feeds/rss.xml", "about 1"),
    ("the feed of a section with a quarter of all", "/feeds/sections/section-0/rss.xml", "about 1"),
    ("the feed of a section with a twentieth", "/feeds/sections/section-7/rss.xml", "about 1"),
    ("the feed of a tag (on 600 / on 12)", "/feeds/tags/tag-7/rss.xml", ""),
    ("a month of the sitemap, 1,680 articles", "/sitemaps/articles/2020-09.xml", "about 1"),
    ("the index of the sitemap (36 months / 2)", "/sitemap.xml", ""),
    ("llms.txt", "/llms.txt", "about 1"),
    ("an article by slug", "/api/v1/articles/article-7", "about 1"),
];

pub fn measure(database: &Database, directory: &Path) -> Result<()> {
    database.fresh("small", directory, |small| {
        database.fresh("large", directory, |large| {
            on(database, &open(small, directory, SMALL)?, &open(large, directory, LARGE)?)
        })
    })
}

fn on(database: &Database, small: &Server, large: &Server) -> Result<()> {
    let mut table = Table::new(database);
    let (mut near, mut far) = (Connection::open(&small.address)?, Connection::open(&large.address)?);
    for (name, path, goal) in PAGES {
        let (mut quick, mut slow) = (Vec::new(), Vec::new());
        for _ in 0..REQUESTS {
            quick.push(time(&mut near, path)?);
            slow.push(time(&mut far, path)?);
        }
        let (quick, slow) = (median(quick), median(slow));
        table.add(
            format!("{name}: among 100,000 / among 2,000"),
            goal,
            ratio(slow.as_secs_f64() / quick.as_secs_f64()),
            format!("{} / {}", micros(slow), micros(quick)),
        );
    }
    table.print();
    Ok(())
}

fn open(url: &str, directory: &Path, articles: usize) -> Result<Server> {
    Newsroom::fill_with(&target(url)?, articles, newsroom::article)?;
    Server::start(&["--database-url", url], directory)
}

fn time(connection: &mut Connection, path: &str) -> Result<Duration> {
    let began = Instant::now();
    connection.get(path)?;
    Ok(began.elapsed())
}
