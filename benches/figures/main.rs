//! What Stet costs, as ratios on the machine that runs it: `cargo bench`, or `cargo bench -- reads writes sqlite` for
//! parts on one database.

mod bare;
mod client;
mod creates;
mod database;
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

use anyhow::Result;
use database::{Database, target};
use newsroom::Newsroom;
use server::Server;
use std::path::Path;
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
    let (names, parts): (Vec<_>, Vec<_>) =
        arguments.into_iter().partition(|argument| ["sqlite", "postgresql"].contains(&argument.as_str()));
    let mut databases = Database::all();
    databases.retain(|database| names.is_empty() || names.contains(&database.to_string().to_lowercase()));
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|asked| asked == part);
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    println!("{}", server::machine());
    // Only where they are asked for: they fill newsrooms of 100,000 articles.
    let large = [
        ("publication", publication::measure as fn(&Database, &Path) -> Result<()>),
        ("search", search::measure),
        ("syndication", syndication::measure),
    ];
    let asked = large.iter().filter(|(part, _)| parts.iter().any(|asked| asked == part)).collect::<Vec<_>>();
    for database in &databases {
        asked.iter().try_for_each(|(_, measure)| measure(database, directory.path()))?;
        if asked.is_empty() || asked.len() < parts.len() {
            database.fresh("figures", directory.path(), |url| figures(database, &wanted, url, directory.path()))?;
        }
    }
    Ok(())
}

/// All figures of one database.
fn figures(database: &Database, wanted: &impl Fn(&str) -> bool, url: &str, directory: &Path) -> Result<()> {
    let target = target(url)?;
    let newsroom = Newsroom::fill(&target)?;
    let mut table = Table::new(database);
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
