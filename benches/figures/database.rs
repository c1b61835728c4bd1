//! The databases that are measured, each in a fresh one of its own.

use anyhow::{Context, Result};
use diesel::connection::SimpleConnection;
use std::{fmt, path::Path};
use stet::db::Target;

pub enum Database {
    Sqlite,
    /// A server, by the URL of any database of it.
    Postgres(String),
}

impl Database {
    /// SQLite, and the server that `STET_TEST_POSTGRES` names.
    #[expect(clippy::disallowed_methods, reason = "what a benchmark is told does not belong to the program's settings")]
    pub fn all() -> Vec<Self> {
        let server = std::env::var("STET_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
        [Self::Sqlite].into_iter().chain(server.map(Self::Postgres)).collect()
    }

    /// Measures in an empty database, and removes it.
    pub fn fresh(&self, name: &str, directory: &Path, measure: impl FnOnce(&str) -> Result<()>) -> Result<()> {
        let Self::Postgres(url) = self else {
            return measure(&format!("sqlite://{}", directory.join(format!("{name}.db")).display()));
        };
        let name = format!("stet_{name}_{}", std::process::id());
        let execute = |sql: String| -> Result<()> { Ok(target(url)?.open()?.batch_execute(&sql)?) };
        execute(format!("CREATE DATABASE {name}"))?;
        let (server, _) = url.rsplit_once('/').context("STET_TEST_POSTGRES ends with the name of a database")?;
        let result = measure(&format!("{server}/{name}"));
        execute(format!("DROP DATABASE {name} WITH (FORCE)"))?;
        result
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        })
    }
}

pub fn target(url: &str) -> Result<Target> {
    Target::parse(url).map_err(anyhow::Error::msg)
}
