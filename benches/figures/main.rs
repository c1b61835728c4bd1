//! What Stet costs, as ratios on the machine that runs it: `cargo bench`, or `cargo bench -- reads writes` for a part.

mod bare;
mod client;
mod creates;
mod edits;
mod newsroom;
mod pages;
mod plain;
mod publication;
mod reads;
mod search;
mod server;
mod starts;
mod syndication;
mod table;

use anyhow::{Context, Result};
use newsroom::Newsroom;
use server::Server;
use std::path::Path;
use stet::db::Target;
use table::Table;

/// Clients that ask at the same time.
const CLIENTS: usize = 32;
/// Rounds of each figure, of which the median counts.
const ROUNDS: usize = 7;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [flag, files @ ..] = arguments.as_slice()
        && flag == "--memory"
    {
        return reads::serve_from_memory(files);
    }
    let wanted = |part: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == part);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    println!("{}", server::machine());
    // Only where they are asked for: they fill newsrooms of 100,000 articles.
    let large = [
        ("publication", publication::measure as fn(&Path) -> Result<()>),
        ("search", search::measure),
        ("syndication", syndication::measure),
    ];
    let asked: Vec<_> = large.iter().filter(|(part, _)| arguments.iter().any(|argument| argument == part)).collect();
    asked.iter().try_for_each(|(_, measure)| measure(directory.path()))?;
    if !asked.is_empty() && arguments.len() == asked.len() {
        return Ok(());
    }
    figures(&wanted, &format!("sqlite://{}", directory.path().join("stet.db").display()), directory.path())?;
    if let Some(url) = postgres() {
        on_postgres(&url, "stet_figures", |url| figures(&wanted, url, directory.path()))?;
    }
    Ok(())
}

/// Measures in a database of its own.
fn on_postgres(url: &str, name: &str, measure: impl FnOnce(&str) -> Result<()>) -> Result<()> {
    let name = format!("{name}_{}", std::process::id());
    execute(url, &format!("CREATE DATABASE {name}"))?;
    let (server, _) = url.rsplit_once('/').context("STET_TEST_POSTGRES ends with the name of a database")?;
    let result = measure(&format!("{server}/{name}"));
    execute(url, &format!("DROP DATABASE {name}"))?;
    result
}

/// All figures of one database.
fn figures(wanted: &impl Fn(&str) -> bool, url: &str, directory: &Path) -> Result<()> {
    let target = Target::parse(url).map_err(anyhow::Error::msg)?;
    let newsroom = Newsroom::fill(&target)?;
    let mut table = Table::new(match target {
        Target::Sqlite(_) => "SQLite",
        Target::Postgres(_) => "PostgreSQL",
    });
    if wanted("starts") {
        starts::measure(&mut table, &target, url, directory)?;
    }
    let administrator = ["--admin-email", server::EMAIL, "--admin-password", server::PASSWORD];
    let server = Server::start(&[&["--database-url", url], administrator.as_slice()].concat(), directory)?;
    if wanted("reads") {
        reads::measure(&mut table, &server, &target, &newsroom, directory)?;
    }
    if wanted("pages") {
        pages::measure(&mut table, &server)?;
    }
    // The last: they make the database bigger.
    if wanted("edits") {
        edits::measure(&mut table, &server)?;
    }
    if wanted("writes") {
        creates::measure(&mut table, &server, &target, &newsroom)?;
    }
    drop(server);
    table.print();
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "what a benchmark is told does not belong to the program's settings")]
fn postgres() -> Option<String> {
    std::env::var("STET_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

fn execute(url: &str, sql: &str) -> Result<()> {
    let mut conn = Target::Postgres(url.to_owned()).open()?;
    Ok(diesel::connection::SimpleConnection::batch_execute(&mut conn, sql)?)
}
