//! What writes of things call in their own transaction, when what the public sees of something may have changed. They hold it.

use crate::{
    both,
    clock::Time,
    db::{Conn, Id, among},
    error::Result,
    schema::{authors, changes, published_articles, revision_authors, revision_tags, sections, tags},
    slugs::Kind,
};
use diesel::{
    dsl::count_star,
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Nullable, Text},
    upsert::excluded,
};

/// Notes what has become of one thing. Of what is not public and never was, nothing is noted.
pub fn note(conn: &mut Conn, kind: Kind, id: Id, now: Time) -> Result<()> {
    if note_all(conn, kind, vec![id], now)? > 0 {
        return Ok(());
    }
    let gone = changes::table.find(id).filter(diesel::dsl::not(changes::deleted));
    let tombstone = (
        changes::deleted.eq(true),
        changes::revision.eq(None::<i32>),
        changes::changed_at.eq(now),
        changes::sequence.eq(None::<i64>),
    );
    diesel::update(gone).set(tombstone).execute(conn)?;
    Ok(())
}

/// Notes that those of these things changed that are public, and gives how many that are.
pub fn note_all(conn: &mut Conn, kind: Kind, ids: Vec<Id>, now: Time) -> Result<usize> {
    // What is noted is read from where the public reads: nothing else can get in.
    macro_rules! note {
        ($table:ident, $revision:expr, $path:expr, $dated_at:expr, $language:expr) => {{
            let rows = $table::table.filter(among($table::id, ids)).select((
                $table::id,
                kind.into_sql::<Text>(),
                $table::slug,
                $revision,
                $path,
                $dated_at,
                $language,
                false.into_sql::<Bool>(),
                now.into_sql::<BigInt>(),
                None::<i64>.into_sql::<Nullable<BigInt>>(),
            ));
            let noted = diesel::insert_into(changes::table)
                .values(rows)
                .into_columns((
                    changes::id,
                    changes::kind,
                    changes::slug,
                    changes::revision,
                    changes::path,
                    changes::dated_at,
                    changes::language,
                    changes::deleted,
                    changes::changed_at,
                    changes::sequence,
                ))
                .on_conflict(changes::id)
                .do_update()
                .set((
                    changes::slug.eq(excluded(changes::slug)),
                    changes::revision.eq(excluded(changes::revision)),
                    changes::path.eq(excluded(changes::path)),
                    changes::dated_at.eq(excluded(changes::dated_at)),
                    changes::language.eq(excluded(changes::language)),
                    changes::deleted.eq(excluded(changes::deleted)),
                    changes::changed_at.eq(excluded(changes::changed_at)),
                    changes::sequence.eq(excluded(changes::sequence)),
                ));
            both!(conn, c => noted.execute(c))?
        }};
    }
    if ids.is_empty() {
        return Ok(0);
    }
    let number = || None::<i32>.into_sql::<Nullable<Integer>>();
    let time = || None::<i64>.into_sql::<Nullable<BigInt>>();
    let text = || None::<String>.into_sql::<Nullable<Text>>();
    Ok(match kind {
        Kind::Article => {
            use published_articles as v;
            note!(published_articles, v::revision.nullable(), v::section_path, v::published_at, v::language.nullable())
        }
        Kind::Author => note!(authors, number(), text(), time(), text()),
        Kind::Section => note!(sections, number(), sections::path.nullable(), time(), text()),
        Kind::Tag => note!(tags, number(), text(), time(), text()),
    })
}

/// Notes that everything that is public changed: all of it has another address, say.
pub fn note_everything(conn: &mut Conn, now: Time) -> Result<()> {
    let public = changes::table.filter(diesel::dsl::not(changes::deleted));
    diesel::update(public).set((changes::changed_at.eq(now), changes::sequence.eq(None::<i64>))).execute(conn)?;
    Ok(())
}

/// Notes the tags and authors whose counts changed when what is public of an article did: those of one of the two
/// revisions, and not of the other.
pub fn counted(conn: &mut Conn, before: Option<Id>, after: Option<Id>, now: Time) -> Result<()> {
    let revisions: Vec<Id> = before.into_iter().chain(after).collect();
    if before == after {
        return Ok(());
    }
    let tagged = revision_tags::table
        .filter(among(revision_tags::revision_id, revisions.clone()))
        .group_by(revision_tags::tag_id)
        .having(count_star().eq(1))
        .select(revision_tags::tag_id)
        .load(conn)?;
    note_all(conn, Kind::Tag, tagged, now)?;
    let signed = revision_authors::table
        .filter(among(revision_authors::revision_id, revisions))
        .group_by(revision_authors::author_id)
        .having(count_star().eq(1))
        .select(revision_authors::author_id)
        .load(conn)?;
    note_all(conn, Kind::Author, signed, now)?;
    Ok(())
}
