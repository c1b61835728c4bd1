//! Merging two tags: one is left, with the articles, the slugs and the names of both.

use super::{
    aliases,
    model::{NewMerge, Tag},
    queries::{find, find_referred},
};
use crate::{
    auth::Actor,
    changes,
    clock::Time,
    db::{AsJson, Conn, Id, among, columns, lock},
    error::{Error, Result},
    events::{self, Event},
    http::Expected,
    schema::{articles, old_slugs, published_articles, revision_tags, tags},
    search,
    slugs::{self, Kind},
    values::Ref,
};
use diesel::prelude::*;

/// Articles that one statement names at the most.
const SOME: usize = 1000;

/// Merges a tag into another, which is given back.
///
/// # Errors
/// 422 where the other is the same, or is not there.
pub fn merge(
    conn: &mut Conn,
    actor: &Actor,
    reference: &Ref,
    wanted: &NewMerge,
    expected: &Expected,
    now: Time,
) -> Result<Tag> {
    let from = find(conn, reference)?;
    let into = other(conn, &wanted.into, from.id)?;
    // Articles before tags, as whoever publishes one; both in the order of ids, whichever is merged into which.
    hold_articles(conn, from.id)?;
    lock::whole(conn, tags::table.filter(among(tags::id, vec![from.id, into.id])).order(tags::id).select(tags::id))?;
    let (from, into) = (find(conn, reference)?, other(conn, &into.id.into(), from.id)?);
    expected.check(&from, Vec::new)?;
    let names = aliases::merged(conn, &into, &from)?;
    let concerned = hold_articles(conn, from.id)?;
    let both = revision_tags::table.filter(revision_tags::tag_id.eq(into.id)).select(revision_tags::revision_id);
    let both: Vec<Id> = both.load(conn)?;
    for some in both.chunks(SOME) {
        let twice = revision_tags::table.filter(revision_tags::tag_id.eq(from.id));
        diesel::delete(twice.filter(among(revision_tags::revision_id, some.to_vec()))).execute(conn)?;
    }
    let moved = revision_tags::table.filter(revision_tags::tag_id.eq(from.id));
    diesel::update(moved).set(revision_tags::tag_id.eq(into.id)).execute(conn)?;
    let led = old_slugs::table.filter(old_slugs::target_id.eq(from.id));
    diesel::update(led).set(old_slugs::target_id.eq(into.id)).execute(conn)?;
    diesel::delete(tags::table.find(from.id)).execute(conn)?;
    slugs::leave(conn, Kind::Tag, &from.slug, into.id, true, now)?;
    let merged = settle(conn, &into, names, now)?;
    tell(conn, actor, concerned, now)?;
    changes::note(conn, Kind::Tag, from.id, now)?;
    changes::note(conn, Kind::Tag, into.id, now)?;
    // The articles follow by their events.
    search::touch(conn, search::Kind::Tag, from.id)?;
    search::touch(conn, search::Kind::Tag, into.id)?;
    Ok(merged)
}

/// The tag that another is merged into.
fn other(conn: &mut Conn, reference: &Ref, from: Id) -> Result<Tag> {
    let into = find_referred(conn, reference).map_err(|error| match error.code() {
        crate::error::Code::NotFound => Error::invalid_field("/into", "not_found", error.detail()),
        _ => error,
    })?;
    if into.id == from {
        return Err(Error::invalid_field("/into", "same", "a tag cannot be merged into itself"));
    }
    Ok(into)
}

/// Holds the articles that show a tag, in public or to the staff, and gives them with their versions.
fn hold_articles(conn: &mut Conn, tag: Id) -> Result<Vec<(Id, i32)>> {
    let tagged = || revision_tags::table.filter(revision_tags::tag_id.eq(tag)).select(revision_tags::revision_id);
    let showing = || {
        articles::table
            .filter(articles::working_id.eq_any(tagged()).or(articles::published_id.eq_any(tagged().nullable())))
            .order(articles::id)
    };
    lock::rows(conn, showing().select(articles::id))?;
    Ok(showing().select((articles::id, articles::version)).load(conn)?)
}

/// What is left of both.
fn settle(conn: &mut Conn, into: &Tag, names: Vec<aliases::Alias>, now: Time) -> Result<Tag> {
    use published_articles as v;
    let tagged = revision_tags::table.filter(revision_tags::tag_id.eq(into.id)).select(revision_tags::revision_id);
    let count: i64 = v::table.filter(v::revision_id.eq_any(tagged)).count().get_result(conn)?;
    let changed = (
        tags::aliases.eq(AsJson(names)),
        tags::article_count.eq(count),
        tags::version.eq(tags::version + 1),
        tags::updated_at.eq(now),
    );
    let merged: Tag =
        diesel::update(tags::table.find(into.id)).set(changed).returning(columns::<Tag>()).get_result(conn)?;
    aliases::change(conn, &merged, &into.aliases.read()?, now)?;
    Ok(merged)
}

/// Tells whoever edits one of the articles, and whoever follows what is public, that its tags are others.
fn tell(conn: &mut Conn, actor: &Actor, concerned: Vec<(Id, i32)>, now: Time) -> Result<()> {
    for some in concerned.chunks(SOME) {
        let ids: Vec<Id> = some.iter().map(|(id, _)| *id).collect();
        diesel::update(articles::table.filter(among(articles::id, ids.clone())))
            .set((articles::version.eq(articles::version + 1), articles::updated_at.eq(now)))
            .execute(conn)?;
        for (subject, version) in some {
            let event = Event {
                kind: events::Kind::Updated,
                subject: *subject,
                version: version + 1,
                revision: None,
                fields: vec!["tags".to_owned()],
                by: Some(actor.user),
                at: now,
            };
            events::record(conn, event)?;
        }
        changes::note_all(conn, Kind::Article, ids, now)?;
    }
    Ok(())
}
