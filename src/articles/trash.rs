//! The end of the trash: what was in it for long enough is removed for good, and so is what an administrator says.

use super::{conflicts, model::Row, publication, queries::find_for_update, translations};
use crate::{
    app::App,
    auth::Actor,
    changes,
    clock::Time,
    comments,
    db::{Conn, Id, among, lock},
    error::{Code, Result},
    events::{self, Event, Kind},
    http::{Expected, write_params},
    jobs::Left,
    schema::{articles, old_slugs, revision_related},
    slugs,
    values::Ref,
};
use diesel::prelude::*;
use std::time::Duration;

/// Articles that one transaction removes at the most.
const SOME: i64 = 20;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long what was deleted can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keeping {
    /// 0: for ever.
    pub days: u32,
}

impl Keeping {
    fn span(self) -> Option<Duration> {
        (self.days > 0).then(|| DAY * self.days)
    }

    /// When something is removed for good.
    pub fn ends(self, deleted_at: Time) -> Option<Time> {
        self.span().map(|span| deleted_at.plus(span))
    }

    /// What was deleted before this time is to be removed.
    pub fn begins(self, now: Time) -> Option<Time> {
        self.span().map(|span| now.minus(span))
    }
}

write_params! {
    /// How to delete an article.
    pub struct DeleteParams {
        /// Remove it for good, from the trash or from where it is. For administrators.
        #[param(example = false)]
        pub permanent: Option<bool>,
    }
}

/// Removes for good some of what has been in the trash for longer than the site keeps it. Any number of processes may do so
/// at once.
pub async fn empty(app: &App, now: Time) -> Result<Left> {
    let Some(before) = app.site().trash.begins(now) else { return Ok(Left::Nothing) };
    let articles = app.db.clean_up(move |conn| purge(conn, before, now)).await?;
    let comments = app.db.clean_up(move |conn| comments::purge(conn, before)).await?;
    Ok(if articles + comments > 0 { Left::More } else { Left::Nothing })
}

/// Removes for good some of the articles that were moved to the trash before a time, and gives how many. Those that another
/// process removes at the moment are left to it.
pub fn purge(conn: &mut Conn, before: Time, now: Time) -> Result<usize> {
    let due = articles::table.filter(articles::deleted_at.lt(before)).order((articles::deleted_at, articles::id));
    let ids = lock::whole_free(conn, due.limit(SOME).select(articles::id))?;
    let versions = articles::table.filter(among(articles::id, ids.clone())).select((articles::id, articles::version));
    for (subject, version) in versions.load::<(Id, i32)>(conn)? {
        record(conn, subject, version, None, now)?;
    }
    let count = ids.len();
    remove(conn, ids)?;
    Ok(count)
}

/// Removes an article for good, from the trash or from where it is.
pub fn delete(conn: &mut Conn, actor: &Actor, reference: &Ref, expected: &Expected, now: Time) -> Result<()> {
    let row = find(conn, actor, reference)?;
    conflicts::check(conn, &row, expected)?;
    if row.deleted_at.is_none() {
        publication::count(conn, &row, -1)?;
        changes::counted(conn, row.published_id, None, now)?;
        // Still there, and gone when this ends: what lists it changes.
        translations::tell(conn, &row, now)?;
    }
    record(conn, row.id, row.version, Some(actor.user), now)?;
    lock::whole(conn, articles::table.find(row.id).select(articles::id))?;
    remove(conn, vec![row.id])?;
    changes::note(conn, slugs::Kind::Article, row.id, now)
}

/// An article, in the trash or not.
fn find(conn: &mut Conn, actor: &Actor, reference: &Ref) -> Result<Row> {
    match find_for_update(conn, actor, reference, false) {
        Err(error) if error.code() == Code::NotFound && error.old_slug().is_none() => {
            find_for_update(conn, actor, reference, true)
        }
        found => found,
    }
}

fn record(conn: &mut Conn, subject: Id, version: i32, by: Option<Id>, at: Time) -> Result<()> {
    let (kind, fields) = (Kind::Deleted, Vec::new());
    events::record(conn, Event { kind, subject, version: version + 1, revision: None, fields, by, at })
}

/// Removes articles with all that belongs to them, and whatever leads to them. The database removes with each what refers
/// to it.
fn remove(conn: &mut Conn, ids: Vec<Id>) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let pins = revision_related::table.filter(among(revision_related::related_id, ids.clone()));
    diesel::delete(pins).execute(conn)?;
    let slugs = old_slugs::table.filter(old_slugs::kind.eq(slugs::Kind::Article));
    diesel::delete(slugs.filter(among(old_slugs::target_id, ids.clone()))).execute(conn)?;
    diesel::delete(articles::table.filter(among(articles::id, ids))).execute(conn)?;
    Ok(())
}

/// Moves an article that is being set up to the trash.
pub fn throw_away(conn: &mut Conn, article: Id, at: Time) -> Result<()> {
    diesel::update(articles::table.find(article)).set(articles::deleted_at.eq(at)).execute(conn)?;
    changes::note(conn, slugs::Kind::Article, article, at)
}
