//! What happened: written in the transaction that did it, and never changed. Whatever follows from a change reads it here.

use crate::{
    both,
    clock::Time,
    db::{AsJson, Conn, Id, column::text_enum},
    error::Result,
    schema::{events, users},
    search,
    values::Line,
};
use diesel::prelude::*;

text_enum! {
    /// What can happen to an article.
    #[schema(as = EventKind)]
    pub enum Kind {
        Created = "article.created",
        /// Its working copy changed, or its slug or whether it takes comments.
        Updated = "article.updated",
        /// A revision of it became what the public sees.
        Published = "article.published",
        Unpublished = "article.unpublished",
        /// It is to become public, or to be taken down, at a time; `fields` says which.
        Scheduled = "article.scheduled",
        /// It is not any more.
        Unscheduled = "article.unscheduled",
        /// Somebody asked for a review of it, or gave one.
        Reviewed = "article.reviewed",
        Corrected = "article.corrected",
        Trashed = "article.trashed",
        Restored = "article.restored",
        /// It is gone for good.
        Deleted = "article.deleted",
    }
}

impl Kind {
    /// Whether what somebody can find of the article may have changed.
    fn is_of_the_text(self) -> bool {
        !matches!(self, Self::Scheduled | Self::Unscheduled | Self::Reviewed | Self::Corrected)
    }

    /// The same as it is told: "it was …".
    pub fn told(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "saved",
            Self::Published => "published",
            Self::Unpublished => "taken down",
            Self::Scheduled => "scheduled",
            Self::Unscheduled => "taken off the schedule",
            Self::Reviewed => "reviewed",
            Self::Corrected => "corrected",
            Self::Trashed => "moved to the trash",
            Self::Restored => "taken out of the trash",
            Self::Deleted => "deleted",
        }
    }
}

/// Something that happened to what `subject` names.
#[derive(Debug)]
pub struct Event {
    pub kind: Kind,
    pub subject: Id,
    /// The version that it made of the subject.
    pub version: i32,
    /// The number of the revision that it is about.
    pub revision: Option<i32>,
    /// The names of the fields that changed, such as `title` and `seo/description`.
    pub fields: Vec<String>,
    /// Who did it: what happens at its time is done by whoever scheduled it.
    pub by: Option<Id>,
    pub at: Time,
}

/// Writes it down. Nothing happens to an article that is not written down here, so this is also where it is noted that the
/// indexes of search are to follow.
pub fn record(conn: &mut Conn, event: Event) -> Result<()> {
    let row = (
        events::id.eq(Id::new()),
        events::kind.eq(event.kind),
        events::subject_id.eq(event.subject),
        events::version.eq(event.version),
        events::revision.eq(event.revision),
        events::fields.eq(AsJson(event.fields)),
        events::user_id.eq(event.by),
        events::at.eq(event.at),
    );
    both!(conn, c => diesel::insert_into(events::table).values(row).execute(c))?;
    if event.kind.is_of_the_text() { search::touch(conn, search::Kind::Article, event.subject) } else { Ok(()) }
}

/// Who did the last of this kind to it, with these fields.
pub fn last_by(conn: &mut Conn, subject: Id, kind: Kind, fields: &[&'static str]) -> Result<Option<Id>> {
    let last = events::table
        .filter(events::subject_id.eq(subject))
        .filter(events::kind.eq(kind))
        .filter(events::fields.eq(AsJson(fields.to_vec())))
        .order(events::version.desc())
        .select(events::user_id);
    Ok(last.first::<Option<Id>>(conn).optional()?.flatten())
}

/// Something that has happened, and who did it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Happening {
    pub kind: Kind,
    pub version: i32,
    pub revision: Option<i32>,
    pub fields: AsJson<Vec<String>>,
    pub by: Option<Id>,
    /// The name of who did it; none where the account is gone.
    pub name: Option<Line<1, 100>>,
    pub at: Time,
}

/// What has happened to the subject after it had this version, the oldest first.
pub fn since(conn: &mut Conn, subject: Id, version: i32) -> Result<Vec<Happening>> {
    Ok(events::table
        .left_join(users::table)
        .filter(events::subject_id.eq(subject))
        .filter(events::version.gt(version))
        .order((events::version, events::id))
        .select((
            events::kind,
            events::version,
            events::revision,
            events::fields,
            events::user_id,
            users::name.nullable(),
            events::at,
        ))
        .load(conn)?)
}
