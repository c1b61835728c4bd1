//! Saving the working copy: as a revision that stays, or as an autosave that the next one replaces.

use super::{
    drafts::same_text,
    model::Row,
    references::References,
    revisions::{self, Place},
    text::Text,
    write::NewArticle,
};
use crate::{
    auth::Actor,
    clock::Time,
    db::{Conn, Id},
    error::{Error, Result},
    http::{Expected, write_params},
    schema::{previews, reviews, revisions as r},
    values::Line,
};
use diesel::{
    dsl::{exists, select},
    prelude::*,
};
use serde::Deserialize;
use utoipa::ToSchema;

/// Why a revision was saved.
pub type Note = Line<1, 500>;

write_params! {
    /// What may be asked of a write that saves a revision.
    pub struct NoteParams {
        /// Why it is saved: shown with the revision.
        #[param(inline, value_type = Option<Note>, example = "The ferry's name was wrong.")]
        pub note: Option<Note>,
    }
}

write_params! {
    /// What may be asked of a change of an article.
    pub struct SaveParams {
        /// Why it is saved: shown with the revision. Where nothing of the text changes, a revision of the same text carries it.
        #[param(inline, value_type = Option<Note>, example = "The ferry's name was wrong.")]
        pub note: Option<Note>,
        /// Save it without being asked to: it replaces one's own last autosave, if that is still the working revision and
        /// nothing else needs it.
        #[param(example = false)]
        pub autosave: Option<bool>,
        /// With `auto`, a stale `If-Match` lets pass what touches other fields than those that were changed since.
        #[param(inline)]
        pub merge: Option<Merge>,
    }
}

/// What becomes of a change to an article that was changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// It is merged with what was changed, where that are other fields.
    Auto,
}

/// How a change is to be saved.
#[derive(Debug, Clone, Default)]
pub struct Saving {
    pub note: Option<Note>,
    pub autosave: bool,
    pub merge: bool,
}

impl Saving {
    /// # Errors
    /// 400 for what cannot be asked together.
    pub fn of(params: &SaveParams, expected: &Expected) -> Result<Self> {
        let (autosave, merge) = (params.autosave == Some(true), params.merge == Some(Merge::Auto));
        if autosave && params.note.is_some() {
            let message = "an autosave has no note: the next one replaces it";
            return Err(Error::parameter("note", "not_allowed", message));
        }
        if merge && *expected == Expected::Anything {
            let message = "to merge, name the state that you changed: send its `ETag` as `If-Match`";
            return Err(Error::parameter("merge", "if_match_required", message));
        }
        Ok(Self { note: params.note.clone(), autosave, merge })
    }
}

/// What is to be saved, of an article that is held.
pub struct Work<'a> {
    pub article: &'a Row,
    pub current: &'a NewArticle,
    pub new: &'a NewArticle,
    pub refs: &'a References,
    pub by: &'a Actor,
    pub at: Time,
    /// Whether somebody asked to save the text, be it the same or not.
    pub on_purpose: bool,
}

/// A revision that was made.
#[derive(Debug, Clone, Copy)]
pub struct Saved {
    pub id: Id,
    pub number: i32,
    /// Whether it holds another text than the one before.
    pub changed: bool,
}

/// Makes the revision that is due, if one is. An autosave that is saved on purpose becomes a revision that stays.
pub fn save(
    conn: &mut Conn,
    work: &Work<'_>,
    saving: &Saving,
    text: impl FnOnce(&mut Conn) -> Result<Text>,
) -> Result<Option<Saved>> {
    let same = same_text(work.new, work.current);
    // The ordinary case, a text that changed, needs not know what the working revision is.
    let working = if same || saving.autosave { Some(Working::find(conn, work.article)?) } else { None };
    if same && !working.as_ref().is_some_and(|working| working.must_be_saved(work, saving)) {
        return Ok(None);
    }
    let article = work.article;
    // The working revision is the newest there ever was: its number is never given again.
    let place = Place {
        id: Id::new(),
        article: article.id,
        number: article.revision + 1,
        by: Some(work.by.user),
        at: work.at,
        note: saving.note.as_ref(),
        autosave: saving.autosave,
    };
    let text = text(conn)?;
    revisions::insert(conn, place, work.new, &text, work.refs, Some(work.current))?;
    if working.is_some_and(|working| working.autosave && working.created_by == Some(work.by.user))
        && !is_needed(conn, article)?
    {
        diesel::delete(r::table.find(article.revision_id)).execute(conn)?;
    }
    Ok(Some(Saved { id: place.id, number: place.number, changed: !same }))
}

/// How the working revision was saved.
#[derive(Queryable)]
struct Working {
    autosave: bool,
    note: Option<Note>,
    created_by: Option<Id>,
}

impl Working {
    fn find(conn: &mut Conn, article: &Row) -> Result<Self> {
        Ok(r::table.find(article.revision_id).select((r::autosave, r::note, r::created_by)).first(conn)?)
    }

    /// Whether the text is to be saved although it is the same: an autosave would be replaced by the next one, and a
    /// note has to stand somewhere. A request that is repeated saves it once.
    fn must_be_saved(&self, work: &Work<'_>, saving: &Saving) -> bool {
        let noted = || self.note == saving.note && self.created_by == Some(work.by.user);
        !saving.autosave && (self.autosave && work.on_purpose || saving.note.is_some() && !noted())
    }
}

/// Whether something besides the article's working copy holds on to the working revision.
fn is_needed(conn: &mut Conn, article: &Row) -> Result<bool> {
    let id = article.revision_id;
    if article.published_id == Some(id) || article.scheduled_revision == Some(article.revision) {
        return Ok(true);
    }
    let shown = previews::table.filter(previews::revision_id.eq(id));
    let reviewed =
        reviews::table.filter(reviews::article_id.eq(article.id)).filter(reviews::revision.eq(article.revision));
    Ok(select(exists(shown)).get_result(conn)? || select(exists(reviewed)).get_result(conn)?)
}
