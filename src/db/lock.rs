//! Locks that a transaction takes before it decides. SQLite needs none: its one writer has the database to itself.

use super::conn::Conn;
use diesel::{
    connection::SimpleConnection,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    result::QueryResult,
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
        Conn::Postgres(conn) => TakenIfFree(Taken(query)).execute(conn).map(|taken| taken > 0),
        Conn::Sqlite(_) => Ok(true),
    }
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

/// A query whose rows are locked. Diesel's own `for_no_key_update` has no name for the trait that a function would ask for.
#[derive(QueryId)]
struct Taken<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Taken<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        // Not `FOR UPDATE`: a row that only refers to one of these by its key has no need to wait.
        out.push_sql(" FOR NO KEY UPDATE");
        Ok(())
    }
}

impl<Q, C: Connection> RunQueryDsl<C> for Taken<Q> {}

#[derive(QueryId)]
struct TakenIfFree<Q>(Taken<Q>);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for TakenIfFree<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out.reborrow())?;
        out.push_sql(" SKIP LOCKED");
        Ok(())
    }
}

impl<Q, C: Connection> RunQueryDsl<C> for TakenIfFree<Q> {}
