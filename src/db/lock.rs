//! Locks that a transaction takes before it decides. SQLite needs none: its one writer has the database to itself.

use super::{DbId, Id, conn::Conn};
use crate::both;
use diesel::{
    connection::SimpleConnection,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    result::QueryResult,
    sqlite::Sqlite,
};

/// Takes the rows of a query until the transaction ends. What is read of them afterwards stays as it is.
///
/// Several rows need an order, always the same: two who wait for each other wait until the server ends one of them.
pub fn rows<Q: QueryFragment<Pg> + QueryId>(conn: &mut Conn, query: Q) -> QueryResult<()> {
    match conn {
        Conn::Postgres(conn) => Taken(query).execute(conn).map(drop),
        Conn::Sqlite(_) => Ok(()),
    }
}

/// As [`rows`], and waits for nobody: whether there was anything to take that nobody else holds.
pub fn free<Q: QueryFragment<Pg> + QueryId>(conn: &mut Conn, query: Q) -> QueryResult<bool> {
    match conn {
        Conn::Postgres(conn) => TakenIfFree(query).execute(conn).map(|taken| taken > 0),
        Conn::Sqlite(_) => Ok(true),
    }
}

/// Takes rows that are to be removed. Unlike [`rows`] it also keeps others from beginning to refer to them.
pub fn whole<Q: QueryFragment<Pg> + QueryId>(conn: &mut Conn, query: Q) -> QueryResult<()> {
    match conn {
        Conn::Postgres(conn) => Whole(query).execute(conn).map(drop),
        Conn::Sqlite(_) => Ok(()),
    }
}

/// As [`whole`], and waits for nobody: the ids of those that nobody else holds. Of many who look for work at once each finds
/// some of its own.
pub fn whole_free<Q>(conn: &mut Conn, query: Q) -> QueryResult<Vec<Id>>
where
    Q: QueryFragment<Pg> + QueryFragment<Sqlite> + QueryId + Query<SqlType = DbId>,
{
    both!(conn, c => WholeIfFree(query).load(c))
}

/// Takes a name until the transaction ends. Whoever takes the same one waits.
pub fn name(conn: &mut Conn, name: &str) -> QueryResult<()> {
    match conn {
        Conn::Postgres(conn) => diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<diesel::sql_types::Text, _>(name)
            .execute(conn)
            .map(drop),
        Conn::Sqlite(_) => Ok(()),
    }
}

/// Takes a whole table: it is read as ever, and nobody else writes to it until the transaction ends.
pub fn table(conn: &mut Conn, name: &'static str) -> QueryResult<()> {
    match conn {
        Conn::Postgres(conn) => conn.batch_execute(&format!("LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE")),
        Conn::Sqlite(_) => Ok(()),
    }
}

/// Queries whose rows are locked. Diesel's own `for_no_key_update` has no name for the trait that a function would ask for.
macro_rules! locking {
    ($($(#[$doc:meta])* $name:ident => $clause:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(QueryId)]
            struct $name<Q>(Q);

            impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for $name<Q> {
                fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                    self.0.walk_ast(out.reborrow())?;
                    out.push_sql($clause);
                    Ok(())
                }
            }

            impl<Q: Query> Query for $name<Q> {
                type SqlType = Q::SqlType;
            }

            impl<Q, C: Connection> RunQueryDsl<C> for $name<Q> {}
        )*
    };
}

locking! {
    /// A row that only refers to one of these by its key has no need to wait.
    Taken => " FOR NO KEY UPDATE";
    TakenIfFree => " FOR NO KEY UPDATE SKIP LOCKED";
    Whole => " FOR UPDATE";
    WholeIfFree => " FOR UPDATE SKIP LOCKED";
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for WholeIfFree<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }
}
