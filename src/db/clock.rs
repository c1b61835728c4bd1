//! The database's clock: it decides what is due, so that processes on several machines agree.

use super::conn::Conn;
use crate::clock::{self, Time};
use diesel::{dsl::sql, prelude::*, result::QueryResult, sql_types::BigInt};

/// What the time is now, not when the transaction began. SQLite is in this process, whose clock it shares.
pub fn now(conn: &mut Conn) -> QueryResult<Time> {
    match conn {
        Conn::Postgres(conn) => {
            let micros = sql::<BigInt>("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
            diesel::select(micros).get_result(conn)
        }
        Conn::Sqlite(_) => Ok(clock::now()),
    }
}
