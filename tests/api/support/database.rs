//! Databases for tests: a copy of one that was brought up to date, for each test its own.

use super::postgres;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicU32, Ordering},
        mpsc::{self, Sender},
    },
};
use stet::db::{self, Target};
use tempfile::TempDir;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

/// A database that nobody else has, up to date and empty. It is gone with the place that is returned.
pub fn fresh(kind: Kind) -> (Target, Place) {
    made(kind, |file| _ = fs::copy(sqlite_template(), file).unwrap(), postgres_template)
}

/// A database without any table.
pub fn empty(kind: Kind) -> (Target, Place) {
    made(kind, |_| {}, || "template0")
}

fn made(kind: Kind, fill: impl FnOnce(&Path), template: impl FnOnce() -> &'static str) -> (Target, Place) {
    let folder = tempfile::tempdir().unwrap();
    match kind {
        Kind::Sqlite => {
            let file = folder.path().join("stet.db");
            fill(&file);
            (Target::Sqlite(file.to_str().unwrap().to_owned()), Place { folder, database: None })
        }
        Kind::Postgres => {
            let name = name();
            let template = template();
            execute(postgres::server().unwrap(), &format!("CREATE DATABASE {name} TEMPLATE {template}"));
            (Target::Postgres(with_name(&name)), Place { folder, database: Some(name) })
        }
    }
}

/// Where a database is: a folder, and a name in the cluster. Five hundred tests would leave gigabytes behind.
pub struct Place {
    folder: TempDir,
    database: Option<String>,
}

impl Place {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves the database there for as long as the cluster is.
    pub fn keep(mut self) {
        self.database = None;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // By a thread, as nobody waits for it, and as a test's own may be one that must not block.
        static REMOVER: LazyLock<Sender<String>> = LazyLock::new(|| {
            let (left, names) = mpsc::channel::<String>();
            std::thread::spawn(move || {
                for name in names {
                    execute(postgres::server().unwrap(), &format!("DROP DATABASE {name} WITH (FORCE)"));
                }
            });
            left
        });
        if let Some(name) = self.database.take() {
            _ = REMOVER.send(name);
        }
    }
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

fn postgres_template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let name = format!("template_{}", name());
        execute(postgres::server().unwrap(), &format!("CREATE DATABASE {name} TEMPLATE template0"));
        db::migrate(&mut Target::Postgres(with_name(&name)).open().unwrap()).unwrap();
        name
    })
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
