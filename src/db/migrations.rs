//! The migrations of both databases, under the same names.

use super::conn::Conn;
use diesel::connection::SimpleConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
/// PostgreSQL's advisory lock, so that replicas that start together migrate once ("stet" in ASCII).
const LOCK: i64 = 0x73_74_65_74;

/// Brings the database up to date and returns the names of the migrations that ran.
pub fn migrate(conn: &mut Conn) -> anyhow::Result<Vec<String>> {
    let names = match conn {
        Conn::Sqlite(conn) => conn.run_pending_migrations(SQLITE).map(|versions| names(&versions)),
        Conn::Postgres(conn) => {
            conn.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})"))?;
            let ran = conn.run_pending_migrations(POSTGRES).map(|versions| names(&versions));
            conn.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})"))?;
            ran
        }
    };
    names.map_err(|e| anyhow::anyhow!("a migration failed: {e}"))
}

/// Takes every migration back, the newest first.
pub fn revert_all(conn: &mut Conn) -> anyhow::Result<Vec<String>> {
    match conn {
        Conn::Sqlite(conn) => conn.revert_all_migrations(SQLITE).map(|versions| names(&versions)),
        Conn::Postgres(conn) => conn.revert_all_migrations(POSTGRES).map(|versions| names(&versions)),
    }
    .map_err(|e| anyhow::anyhow!("a migration could not be taken back: {e}"))
}

fn names(versions: &[impl ToString]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}
