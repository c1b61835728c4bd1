//! The first rows of each of several queries, in one statement.

use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

/// At most `most` rows of each of `queries`, of which there is at least one, each in an order of its own.
///
/// The bound is part of the statement's text: of a value that comes later, PostgreSQL cannot tell how little it is, and
/// plans the statement anew each time it runs.
pub fn first_of_each<Q>(queries: Vec<Q>, most: usize) -> FirstOfEach<Q> {
    FirstOfEach { queries, most }
}

#[derive(Debug, Clone)]
pub struct FirstOfEach<Q> {
    queries: Vec<Q>,
    most: usize,
}

impl<Q: Query> Query for FirstOfEach<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, Conn> RunQueryDsl<Conn> for FirstOfEach<Q> {}

/// The text says how many there are, so it is what a prepared statement is found by.
impl<Q> QueryId for FirstOfEach<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<DB>, DB: Backend> QueryFragment<DB> for FirstOfEach<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let bound = format!(" LIMIT {}) AS one", self.most);
        for (index, query) in self.queries.iter().enumerate() {
            out.push_sql(if index == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            query.walk_ast(out.reborrow())?;
            out.push_sql(&bound);
        }
        Ok(())
    }
}
