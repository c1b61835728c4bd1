//! What is to be indexed anew. Whatever changes something notes it here in its own transaction, and pays for no more.

use crate::{
    both,
    db::{Conn, DbId, Id, among, column::text_enum},
    error::Result,
    schema::search_pending as p,
};
use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{Bool, HasSqlType, Text},
};

text_enum! {
    /// What can be found.
    #[derive(Hash, PartialOrd, Ord)]
    #[schema(as = SearchKind)]
    pub enum Kind {
        Article = "article",
        Author = "author",
        Section = "section",
        Tag = "tag",
    }
}

/// Something that changed since it was indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Pending {
    pub subject: Id,
    pub kind: Kind,
    /// Whether the articles that carry its name are to follow.
    pub spread: bool,
    /// Another one with each change.
    pub mark: Id,
}

/// Notes that something was made, changed or removed.
pub fn touch(conn: &mut Conn, kind: Kind, subject: Id) -> Result<()> {
    note(conn, kind, subject, false)
}

/// Notes that the name of an author, a section or a tag changed: what carries it follows.
pub fn touch_name(conn: &mut Conn, kind: Kind, subject: Id) -> Result<()> {
    note(conn, kind, subject, true)
}

fn note(conn: &mut Conn, kind: Kind, subject: Id, spread: bool) -> Result<()> {
    let note = Note(Pending { subject, kind, spread, mark: Id::new() });
    both!(conn, c => note.execute(c))?;
    Ok(())
}

/// Written out, so that the prepared statement is kept: every change runs it, and Diesel prepares `ON CONFLICT … DO UPDATE`
/// anew each time.
#[derive(QueryId)]
struct Note(Pending);

impl<DB> QueryFragment<DB> for Note
where
    DB: Backend + HasSqlType<Bool> + HasSqlType<DbId>,
    Id: ToSql<DbId, DB>,
    Kind: ToSql<Text, DB>,
    bool: ToSql<Bool, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("INSERT INTO search_pending (subject_id, kind, spread, mark) VALUES (");
        out.push_bind_param::<DbId, _>(&self.0.subject)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, _>(&self.0.kind)?;
        out.push_sql(", ");
        out.push_bind_param::<Bool, _>(&self.0.spread)?;
        out.push_sql(", ");
        out.push_bind_param::<DbId, _>(&self.0.mark)?;
        out.push_sql(
            ") ON CONFLICT (subject_id) DO UPDATE \
            SET spread = search_pending.spread OR excluded.spread, mark = excluded.mark",
        );
        Ok(())
    }
}

impl<C> RunQueryDsl<C> for Note {}

/// Notes the articles that carry a name, in their working or their public revision. They have its mark: a search that
/// waits for the name waits for them.
pub fn spread(conn: &mut Conn, from: &Pending) -> Result<()> {
    let carry = match from.kind {
        Kind::Article => return Ok(()),
        Kind::Author => "SELECT revision_id FROM revision_authors WHERE author_id = $2",
        Kind::Section => "SELECT id FROM revisions WHERE section_id = $2",
        Kind::Tag => "SELECT revision_id FROM revision_tags WHERE tag_id = $2",
    };
    let sql = format!(
        "INSERT INTO search_pending (subject_id, kind, spread, mark) \
         SELECT id, 'article', FALSE, $1 FROM articles WHERE working_id IN ({carry}) OR published_id IN ({carry}) \
         ON CONFLICT (subject_id) DO UPDATE SET mark = excluded.mark"
    );
    let query = diesel::sql_query(sql).bind::<DbId, _>(from.mark).bind::<DbId, _>(from.subject);
    both!(conn, c => query.execute(c))?;
    Ok(())
}

/// Notes all there is, and all that is indexed and is there no longer. How many that are.
pub fn touch_all(conn: &mut Conn) -> Result<usize> {
    let mark = Id::new();
    let mut count = 0;
    for (kind, table) in [("article", "articles"), ("author", "authors"), ("section", "sections"), ("tag", "tags")] {
        let sql = format!(
            "INSERT INTO search_pending (subject_id, kind, spread, mark) SELECT s.id, '{kind}', FALSE, $1 FROM \
             (SELECT id FROM {table} \
             UNION SELECT subject_id FROM published_documents WHERE kind = '{kind}' \
             UNION SELECT subject_id FROM staff_documents WHERE kind = '{kind}') AS s WHERE TRUE \
             ON CONFLICT (subject_id) DO UPDATE SET mark = excluded.mark"
        );
        let query = diesel::sql_query(sql).bind::<DbId, _>(mark);
        count += both!(conn, c => query.execute(c))?;
    }
    Ok(count)
}

/// The newest mark there is.
pub fn newest(conn: &mut Conn) -> Result<Option<Id>> {
    let newest = p::table.order(p::mark.desc()).select(p::mark);
    Ok(both!(conn, c => newest.first(c).optional())?)
}

/// What is pending with this mark or an older one, the newest first.
pub fn list(conn: &mut Conn, until: Id, limit: i64) -> Result<Vec<Pending>> {
    let some = p::table.filter(p::mark.le(until)).order(p::mark.desc()).limit(limit);
    Ok(both!(conn, c => some.load(c))?)
}

/// How many there are, counted no further than `most`.
pub fn count(conn: &mut Conn, until: Id, most: i64) -> Result<usize> {
    let some = p::table.filter(p::mark.le(until)).limit(most).select(p::subject_id);
    Ok(some.load::<Id>(conn)?.len())
}

/// Takes those of some that nobody changed since, and that nobody else takes or changes at the moment.
pub fn take(conn: &mut Conn, some: &[Pending]) -> Result<Vec<Id>> {
    let marks = |subjects: Vec<Id>| p::table.filter(among(p::subject_id, subjects));
    let subjects: Vec<Id> = some.iter().map(|pending| pending.subject).collect();
    let free = crate::db::lock::whole_free(conn, marks(subjects).select(p::subject_id))?;
    let found: Vec<(Id, Id)> = marks(free).select((p::subject_id, p::mark)).load(conn)?;
    let known = |(subject, mark): &(Id, Id)| some.iter().any(|p| p.subject == *subject && p.mark == *mark);
    let taken: Vec<Id> = found.into_iter().filter(known).map(|(subject, _)| subject).collect();
    diesel::delete(p::table.filter(among(p::subject_id, taken.clone()))).execute(conn)?;
    Ok(taken)
}
