//! The newest public revisions with each of some tags, in one statement.

use super::related::FEW;
use crate::{
    both,
    db::{Conn, DbId, Id},
    error::Result,
};
use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::HasSqlType,
};

/// Tags of one statement; hardly any article has more.
const AT_ONCE: usize = 10;

/// The newest public revisions with each tag, at least `least` where there are so many, of other stories than the one that
/// is named. One comes once for each tag that it has.
///
/// Ids of revisions grow with time, so that each tag costs a walk along the newest end of an index, however many
/// articles have it. Only what is public counts from the start: what is not would push others out, and show by that.
pub fn newest_with_each(conn: &mut Conn, tags: &[Id], story: Id, least: usize) -> Result<Vec<Id>> {
    // Few bounds and few tags at once, so that there are few statements to keep.
    let most = if least <= FEW { FEW } else { least.next_power_of_two() };
    let mut newest = Vec::new();
    for tags in tags.chunks(AT_ONCE) {
        newest.extend(both!(conn, c => NewestWithEach { tags, story, most }.load::<Id>(c))?);
    }
    Ok(newest)
}

/// Written out, since a walk for each tag has a bound of its own, which Diesel's queries cannot have below others. The bound
/// is part of the text: of a value that comes later, PostgreSQL cannot tell how little it is, and plans anew each time.
struct NewestWithEach<'a> {
    tags: &'a [Id],
    story: Id,
    most: usize,
}

impl<DB> QueryFragment<DB> for NewestWithEach<'_>
where
    DB: Backend + HasSqlType<DbId>,
    Id: ToSql<DbId, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let newest = format!(" ORDER BY t.revision_id DESC LIMIT {}) AS newest", self.most);
        for (index, tag) in self.tags.iter().enumerate() {
            if index > 0 {
                out.push_sql(" UNION ALL ");
            }
            out.push_sql(
                "SELECT * FROM (SELECT t.revision_id FROM revision_tags t JOIN articles a ON a.published_id = t.revision_id \
                WHERE a.deleted_at IS NULL AND t.tag_id = ",
            );
            out.push_bind_param::<DbId, _>(tag)?;
            out.push_sql(" AND COALESCE(a.translation_group, a.id) <> ");
            out.push_bind_param::<DbId, _>(&self.story)?;
            out.push_sql(&newest);
        }
        Ok(())
    }
}

impl Query for NewestWithEach<'_> {
    type SqlType = DbId;
}

/// The text says how many there are, so a prepared statement is found by it.
impl QueryId for NewestWithEach<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C> RunQueryDsl<C> for NewestWithEach<'_> {}
