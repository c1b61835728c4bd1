//! Searching 100,000 articles, and what stands below one, through HTTP, beside reading one of them by its slug.

use super::{
    ROUNDS,
    client::Connection,
    database::{Database, target},
    newsroom::{self, Newsroom},
    server::Server,
    table::{Table, median, micros, ratio},
};
use anyhow::{Result, ensure};
use serde_json::Value;
use std::{
    path::Path,
    time::{Duration, Instant},
};

const ARTICLES: usize = 100_000;
/// Requests in a round.
const REQUESTS: usize = 200;
/// Articles from one that has the rare word to the next: 20 have it.
const RARE: usize = 5_000;

/// What is asked, beside an article by its slug, and how much more it may take.
const SEARCHES: &[(&str, &str, &str)] = &[
    ("a rare word (20 articles)", "/api/v1/articles?q=ambergris&limit=5", "≤ 5"),
    ("a rare word, 20 shown", "/api/v1/articles?q=ambergris", ""),
    ("a word that one article has", "/api/v1/articles?q=ambergris4", "≤ 5"),
    ("a common word (half of all)", "/api/v1/articles?q=binnacle", "≤ 20"),
    ("a common word by /search", "/api/v1/search?q=binnacle", "≤ 20"),
    ("a word of nearly all titles", "/api/v1/articles?q=harbour", ""),
    ("two common words", "/api/v1/articles?q=binnacle+harbour", ""),
    ("a common word and a rare one", "/api/v1/articles?q=binnacle+ambergris", ""),
    ("a phrase of common words", "/api/v1/articles?q=%22harbour+council%22", ""),
    ("a beginning, bin*", "/api/v1/articles?q=bin*", ""),
    ("a beginning, h*", "/api/v1/articles?q=h*", ""),
    ("a common word without another", "/api/v1/articles?q=binnacle+-ambergris", ""),
    ("a common word with a rare tag", "/api/v1/articles?q=binnacle&tag=tag-7", ""),
    ("a common word, by title", "/api/v1/articles?q=binnacle&sort=title", ""),
    ("a common word, counted", "/api/v1/articles?q=binnacle&count=true", ""),
    ("a common word, with facets", "/api/v1/search?q=binnacle&facets=section,tag,author,year", ""),
    ("a suggestion for harb", "/api/v1/search/suggestions?q=harb", ""),
    ("a suggestion for h", "/api/v1/search/suggestions?q=h", ""),
    ("an article with its related stories", "{article}?include=related", "≤ 2"),
    ("the latest 20", "/api/v1/articles", ""),
    ("what is featured", "/api/v1/articles?featured=true", ""),
    ("what is talked about most", "/api/v1/articles?sort=-comment_count", ""),
];

pub fn measure(database: &Database, directory: &Path) -> Result<()> {
    database.fresh("search", directory, |url| on(database, directory, url))
}

fn on(database: &Database, directory: &Path, url: &str) -> Result<()> {
    let target = target(url)?;
    let mut table = Table::new(database);
    let newsroom = Newsroom::unindexed(&target, ARTICLES, article)?;
    let began = Instant::now();
    let count = newsroom::index(&target)?;
    let rate = count as f64 / began.elapsed().as_secs_f64();
    table.add("documents indexed a second", "", format!("{rate:.0}"), format!("{count} of them"));
    let administrator = ["--admin-email", super::server::EMAIL, "--admin-password", super::server::PASSWORD];
    let server = Server::start(&[&["--database-url", url], administrator.as_slice()].concat(), directory)?;
    let mut connection = Connection::open(&server.address)?;
    let slug = |n: usize| format!("/api/v1/articles/{}", newsroom.slugs[n * 7_919 % ARTICLES]);
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); SEARCHES.len() + 1];
    for round in 0..=ROUNDS {
        for (index, times) in times.iter_mut().enumerate() {
            let path = |n: usize| match index.checked_sub(1) {
                None => slug(n),
                Some(search) => SEARCHES[search].1.replace("{article}", &slug(n)),
            };
            let mut took = Vec::new();
            let began = Instant::now();
            for n in 0..REQUESTS {
                let path = path(round * REQUESTS + n);
                let began_one = Instant::now();
                let answer = connection.get(&path)?;
                took.push(began_one.elapsed());
                if n == 0 && index > 0 && round == 0 {
                    check(&path, answer)?;
                }
                // What takes long is not asked as often.
                if began.elapsed() > Duration::from_millis(700) {
                    break;
                }
            }
            // The first round warms up.
            if round > 0 {
                times.push(median(took));
            }
        }
    }
    let by_slug = median(times.remove(0));
    for ((name, _, goal), times) in SEARCHES.iter().zip(times) {
        let took = median(times);
        table.add(
            format!("{name} / an article by slug"),
            goal,
            ratio(took.as_secs_f64() / by_slug.as_secs_f64()),
            format!("{} / {}", micros(took), micros(by_slug)),
        );
    }
    drop(server);
    table.print();
    Ok(())
}

/// What was asked for is there.
fn check(path: &str, answer: &[u8]) -> Result<()> {
    let answer: Value = serde_json::from_slice(answer)?;
    let found = answer.get("data").or_else(|| answer.get("related")).and_then(Value::as_array);
    ensure!(found.is_some_and(|found| !found.is_empty()), "{path} finds nothing: {answer}");
    Ok(())
}

/// An article of the newsroom with words that nothing else has.
fn article(number: usize) -> Value {
    let mut article = newsroom::article(number);
    let mut body = article["body"]["source"].as_str().unwrap_or_default().to_owned();
    if number.is_multiple_of(2) {
        body += " Somebody looked at the binnacle.";
    }
    if number % RARE == 12 {
        body += &format!(" Ambergris, and ambergris{}.", number / RARE);
    }
    article["body"]["source"] = body.into();
    article
}
