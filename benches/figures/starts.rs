//! Starts: how soon the first answer comes, and how much memory an idle server holds.

use super::{
    ROUNDS,
    server::Server,
    table::{Table, median},
};
use anyhow::Result;
use std::{path::Path, thread::sleep, time::Duration};
use stet::db::Target;

/// Until nothing of the start goes on any more.
const SETTLED: Duration = Duration::from_millis(500);

pub fn measure(table: &mut Table, target: &Target, url: &str, directory: &Path) -> Result<()> {
    let (answer, memory) = starts(&["--database-url", url], directory)?;
    table.add("start to first answer", "< 200 ms", answer, "from exec, on the database of the other figures");
    table.add("idle memory after the start", "< 40 MB", memory, "resident, after one request");
    if matches!(target, Target::Sqlite(_)) {
        let (answer, memory) = starts(&["--demo", "--ephemeral"], directory)?;
        table.add("--demo --ephemeral: start to first answer", "< 1 s", answer, "from exec, its database made anew");
        table.add("--demo --ephemeral: idle memory", "< 40 MB", memory, "resident, after one request");
    }
    Ok(())
}

fn starts(arguments: &[&str], directory: &Path) -> Result<(String, String)> {
    let (mut answers, mut memory) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let server = Server::start(arguments, directory)?;
        answers.push(server.first_answer()?);
        sleep(SETTLED);
        memory.push(server.memory()?);
    }
    Ok((format!("{} ms", median(answers).as_millis()), format!("{:.1} MB", median(memory) as f64 / 1e6)))
}
