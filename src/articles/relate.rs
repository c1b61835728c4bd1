//! What a revision refers to, written in its order by a statement that is kept: Diesel prepares one for many rows anew each
//! time.

use crate::{
    both,
    db::{Conn, DbId, Id},
    error::Result,
};
use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::HasSqlType,
};

/// Writes authors.
pub fn authors(conn: &mut Conn, revision: Id, ids: &[Id]) -> Result<()> {
    run(conn, &Relate { table: "revision_authors", column: "author_id", revision, ids })
}

/// Writes tags.
pub fn tags(conn: &mut Conn, revision: Id, ids: &[Id]) -> Result<()> {
    run(conn, &Relate { table: "revision_tags", column: "tag_id", revision, ids })
}

/// Writes stories that an editor chose to stand below.
pub fn stories(conn: &mut Conn, revision: Id, ids: &[Id]) -> Result<()> {
    run(conn, &Relate { table: "revision_related", column: "related_id", revision, ids })
}

fn run(conn: &mut Conn, relate: &Relate<'_>) -> Result<()> {
    if !relate.ids.is_empty() {
        both!(conn, c => relate.execute(c))?;
    }
    Ok(())
}

struct Relate<'a> {
    table: &'static str,
    column: &'static str,
    revision: Id,
    ids: &'a [Id],
}

impl<DB> QueryFragment<DB> for Relate<'_>
where
    DB: Backend + HasSqlType<DbId>,
    Id: ToSql<DbId, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(&format!("INSERT INTO {} (position, revision_id, {}) VALUES ", self.table, self.column));
        for (position, id) in self.ids.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            out.push_sql(&format!("{comma}({position}, "));
            out.push_bind_param::<DbId, _>(&self.revision)?;
            out.push_sql(", ");
            out.push_bind_param::<DbId, _>(id)?;
            out.push_sql(")");
        }
        Ok(())
    }
}

/// The text says how many there are, so a prepared statement is found by it.
impl QueryId for Relate<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> RunQueryDsl<C> for &Relate<'_> {}
