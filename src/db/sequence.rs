//! Numbers for the rows of `changes` that wait for one.

use super::conn::Conn;
use diesel::{prelude::*, result::QueryResult, sql_query, sql_types::BigInt};

/// Numbers at most `most` rows from `last` + 1 on, those that nobody is changing at the moment, and gives how many there
/// were. Whoever calls this keeps others from doing so until the transaction has ended.
pub fn number(conn: &mut Conn, last: i64, most: i64) -> QueryResult<usize> {
    match conn {
        Conn::Postgres(conn) => sql_query(POSTGRES).bind::<BigInt, _>(last).bind::<BigInt, _>(most).execute(conn),
        Conn::Sqlite(conn) => sql_query(SQLITE).bind::<BigInt, _>(last).bind::<BigInt, _>(most).execute(conn),
    }
}

macro_rules! statement {
    ($last:literal, $most:literal, $lock:literal) => {
        concat!(
            "UPDATE changes SET sequence = ",
            $last,
            " + numbered.place FROM (SELECT id, row_number() OVER (ORDER BY changed_at, id) AS place FROM (",
            "SELECT id, changed_at FROM changes WHERE sequence IS NULL ORDER BY changed_at, id LIMIT ",
            $most,
            $lock,
            ") AS waiting) AS numbered WHERE changes.id = numbered.id"
        )
    };
}

const POSTGRES: &str = statement!("$1", "$2", " FOR UPDATE SKIP LOCKED");
const SQLITE: &str = statement!("?", "?", "");
