//! One connection type over both databases, and how one is opened.

use super::postgres::PgConn;
use diesel::{
    connection::SimpleConnection,
    prelude::*,
    r2d2::{Error as PoolError, ManageConnection, R2D2Connection},
    sqlite::SqliteConnection,
};

/// A connection to either database. Queries are written once against it.
#[derive(diesel::MultiConnection)]
#[expect(clippy::large_enum_variant, reason = "there are few of them, and they stay where they are")]
pub enum Conn {
    Postgres(PgConn),
    Sqlite(SqliteConnection),
}

/// Runs one expression on the concrete connection, for what the enum cannot express (batches, `ON CONFLICT`).
#[macro_export]
macro_rules! both {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::db::Conn::Postgres($c) => $body,
            $crate::db::Conn::Sqlite($c) => $body,
        }
    };
}

/// The columns of `T` for `RETURNING`: `T::as_returning()` does not compile on a `MultiConnection`.
pub fn columns<T: Selectable<MultiBackend>>() -> T::SelectExpression {
    T::construct_selection()
}

/// Which database a URL names. The derived `establish` would try both in turn and hide the real error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The path of a database file.
    Sqlite(String),
    /// A connection URL.
    Postgres(String),
}

impl Target {
    /// Reads `sqlite://path` or `postgres://…`.
    pub fn parse(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            match path {
                "" => Err("sqlite:// needs the path of a file, such as sqlite://data/stet.db".into()),
                ":memory:" => Err("a database in memory cannot be shared; use `stet serve --ephemeral`".into()),
                path => Ok(Self::Sqlite(path.into())),
            }
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Ok(Self::Postgres(url.into()))
        } else {
            Err("a database URL starts with sqlite:// or postgres://".into())
        }
    }

    pub fn open(&self) -> ConnectionResult<Conn> {
        match self {
            Self::Postgres(url) => PgConn::establish(url).map(Conn::Postgres),
            Self::Sqlite(path) => {
                let mut conn = SqliteConnection::establish(path)?;
                conn.batch_execute(PRAGMAS).map_err(ConnectionError::CouldntSetupConfiguration)?;
                Ok(Conn::Sqlite(conn))
            }
        }
    }
}

/// WAL with `synchronous=FULL`: what was committed is on disk, and readers never wait for the writer.
const PRAGMAS: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
    PRAGMA foreign_keys = ON; PRAGMA cache_size = -4096; PRAGMA mmap_size = 268435456; PRAGMA temp_store = MEMORY; \
    PRAGMA trusted_schema = OFF;";

/// Hands connections to the pool.
pub struct Manager(pub Target);

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = PoolError;

    fn connect(&self) -> Result<Conn, PoolError> {
        self.0.open().map_err(PoolError::ConnectionError)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), PoolError> {
        conn.ping().map_err(PoolError::QueryError)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        conn.is_broken()
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn a_url_names_its_database() {
        assert_eq!(Target::parse("sqlite://data/stet.db"), Ok(Target::Sqlite("data/stet.db".into())));
        assert_eq!(Target::parse("postgres://h/d"), Ok(Target::Postgres("postgres://h/d".into())));
        for wrong in ["", "mysql://h/d", "data/stet.db", "sqlite://", "sqlite://:memory:"] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
