//! Databases for tests: a copy of one that was brought up to date, for each test its own.

use super::postgres;
use std::{
    fs,
    path::PathBuf,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};
use stet::db::{self, Target};
use tempfile::TempDir;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A database that nobody else has, up to date and empty. It is gone with the directory that is returned.
pub fn fresh(kind: Kind) -> (Target, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let target = match kind {
        Kind::Sqlite => {
            let path = directory.path().join("stet.db");
            fs::copy(sqlite_template(), &path).unwrap();
            Target::Sqlite(path.to_str().unwrap().to_owned())
        }
        Kind::Postgres => Target::Postgres(copy_postgres()),
    };
    (target, directory)
}

/// A database without any table.
pub fn empty(kind: Kind) -> (Target, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let target = match kind {
        Kind::Sqlite => Target::Sqlite(directory.path().join("stet.db").to_str().unwrap().to_owned()),
        Kind::Postgres => {
            let name = name();
            execute(postgres::server().unwrap(), &format!("CREATE DATABASE {name}"));
            Target::Postgres(with_name(&name))
        }
    };
    (target, directory)
}

fn sqlite_template() -> &'static PathBuf {
    static TEMPLATE: OnceLock<(PathBuf, TempDir)> = OnceLock::new();
    let (path, _) = TEMPLATE.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("template.db");
        let mut conn = Target::Sqlite(path.to_str().unwrap().to_owned()).open().unwrap();
        db::migrate(&mut conn).unwrap();
        // What is still in the log goes into the file, so that the file alone is the database.
        diesel::connection::SimpleConnection::batch_execute(&mut conn, "PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(conn);
        (path, directory)
    });
    path
}

fn copy_postgres() -> String {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    let server = postgres::server().unwrap();
    let template = TEMPLATE.get_or_init(|| {
        let name = format!("template_{}", name());
        execute(server, &format!("CREATE DATABASE {name}"));
        db::migrate(&mut Target::Postgres(with_name(&name)).open().unwrap()).unwrap();
        name
    });
    let name = name();
    execute(server, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
    with_name(&name)
}

fn name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("stet_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn with_name(name: &str) -> String {
    let server = postgres::server().unwrap();
    format!("{}/{name}", server.rsplit_once('/').unwrap().0)
}

fn execute(url: &str, sql: &str) {
    // Databases are copied one at a time: a template must not be in use.
    static ONE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut conn = Target::Postgres(url.to_owned()).open().unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut conn, sql).unwrap();
}
