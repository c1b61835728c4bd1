//! Corrections: what was wrong with a public article, told to its readers with a date.

use super::{
    drafts::Creation,
    model::Row,
    queries::{any, find_for_update},
    write::View,
};
use crate::{
    auth::Actor,
    changes,
    clock::Time,
    db::{Conn, Id, column::text_enum, columns},
    error::{Code, Error, Result},
    events::{self, Event, Kind},
    http::{Expected, Page, Versioned, Window, cursor::Position, list_params, page::ListOf},
    schema::{articles, corrections},
    slugs,
    values::{Prose, Ref, is_invisible},
};
use diesel::{dsl::max, prelude::*};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Corrections that stand on an article's page, the newest; the list has all of them.
const SHOWN: i64 = 100;

text_enum! {
    /// What is corrected.
    pub enum CorrectionKind {
        /// Something was wrong, and is right now.
        Correction = "correction",
        /// Something could be misunderstood.
        Clarification = "clarification",
        /// Something happened since.
        Update = "update",
        /// The article does not stand any more.
        Retraction = "retraction",
    }
}

/// What readers are told about an article that was public already.
#[derive(Debug, Clone, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = corrections)]
pub struct Correction {
    pub id: Id,
    pub article_id: Id,
    pub kind: CorrectionKind,
    /// Plain text.
    pub text: Prose<1, 5000>,
    pub created_at: Time,
}

pub type CorrectionList = ListOf<Correction>;

impl Versioned for Correction {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        // It stands as it was said, or is withdrawn.
        1
    }
}

/// A correction to publish.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "correction", "text": "An earlier version said that the first ferry leaves at seven. It leaves at six."
}))]
pub struct NewCorrection {
    pub kind: CorrectionKind,
    /// Plain text.
    pub text: Prose<1, 5000>,
}

impl NewCorrection {
    /// # Errors
    /// 422 where it leaves nothing to see.
    pub fn check(&self) -> Result<()> {
        if self.text.as_str().chars().all(is_invisible) {
            return Err(Error::invalid_field("/text", "required", "it leaves nothing to see"));
        }
        Ok(())
    }
}

list_params! {
    /// What may be asked of an article's corrections.
    pub struct CorrectionParams {
        /// Whose eyes to see the article with. For the staff.
        #[param(inline)]
        pub view: Option<View>,
    }
}

/// The corrections of an article that one may see, the newest first.
pub fn list(conn: &mut Conn, article: Id, window: &Window) -> Result<Page<Correction>> {
    let all = || corrections::table.filter(corrections::article_id.eq(article));
    // Ids grow with time.
    let mut query = all()
        .select(columns::<Correction>())
        .order(corrections::id.desc())
        .limit(window.limit + 1)
        .offset(window.offset)
        .into_boxed();
    if let Some((_, id)) = window.after_number() {
        query = query.filter(corrections::id.lt(id));
    }
    let page = Page::cut(window, query.load::<Correction>(conn)?, |row| Position::new(0, row.id));
    let total = window.count.then(|| all().count().get_result(conn)).transpose()?;
    Ok(Page { total, ..page })
}

/// Those that stand on the article's page.
pub fn shown(conn: &mut Conn, article: &Row) -> Result<Vec<Correction>> {
    if article.corrected_at.is_none() {
        return Ok(Vec::new());
    }
    let newest = corrections::table.filter(corrections::article_id.eq(article.id)).order(corrections::id.desc());
    Ok(newest.limit(SHOWN).select(columns::<Correction>()).load(conn)?)
}

pub fn get(conn: &mut Conn, article: Id, id: Id) -> Result<Correction> {
    let found = corrections::table.find(id).filter(corrections::article_id.eq(article));
    let found = found.select(columns::<Correction>()).first(conn).optional()?;
    found.ok_or_else(|| Error::not_found("correction", id))
}

/// Corrects an article that is public: its readers are told at once.
///
/// # Errors
/// 409 for what is not public: nobody has read what was wrong.
pub fn insert(
    conn: &mut Conn,
    actor: &Actor,
    reference: &Ref,
    new: &NewCorrection,
    id: Id,
    now: Time,
) -> Result<Correction> {
    let row = find_for_update(conn, actor, reference, false)?;
    if row.published_id.is_none() {
        return Err(Error::with(
            Code::Conflict,
            "the article is not public: change it, and nobody has read the mistake",
        ));
    }
    add(conn, &row, new, Creation { id, by: Some(actor.user), at: now })
}

fn add(conn: &mut Conn, row: &Row, new: &NewCorrection, creation: Creation) -> Result<Correction> {
    let Creation { id, by, at } = creation;
    let correction = diesel::insert_into(corrections::table)
        .values((
            corrections::id.eq(id),
            corrections::article_id.eq(row.id),
            corrections::kind.eq(new.kind),
            corrections::text.eq(&new.text),
            corrections::created_by.eq(by),
            corrections::created_at.eq(at),
        ))
        .returning(columns::<Correction>())
        .get_result(conn)?;
    date(conn, row.id, Some(at), at)?;
    let (version, revision) = (row.version + 1, row.published_revision);
    let fields = vec!["corrections".to_owned()];
    events::record(conn, Event { kind: Kind::Corrected, subject: row.id, version, revision, fields, by, at })?;
    Ok(correction)
}

/// Corrects an article that is being set up.
pub fn correct(conn: &mut Conn, article: Id, new: &NewCorrection, creation: Creation) -> Result<()> {
    let row = any(conn, article)?;
    add(conn, &row, new, creation).map(drop)
}

/// Takes a correction back, as if it had never been said.
pub fn delete(conn: &mut Conn, actor: &Actor, reference: &Ref, id: Id, expected: &Expected, now: Time) -> Result<()> {
    let row = find_for_update(conn, actor, reference, false)?;
    expected.check(&get(conn, row.id, id)?, Vec::new)?;
    diesel::delete(corrections::table.find(id)).execute(conn)?;
    let last = corrections::table.filter(corrections::article_id.eq(row.id)).select(max(corrections::created_at));
    let last = last.first::<Option<Time>>(conn)?;
    date(conn, row.id, last, now)?;
    events::record(conn, Event { kind: Kind::Updated, fields: vec!["corrections".to_owned()], ..row.event(actor, now) })
}

/// Notes on the article when it was last corrected. What the public sees of it changes with that.
fn date(conn: &mut Conn, article: Id, corrected_at: Option<Time>, now: Time) -> Result<()> {
    diesel::update(articles::table.find(article))
        .set((
            articles::corrected_at.eq(corrected_at),
            articles::republished_at.eq(now),
            articles::updated_at.eq(now),
            articles::version.eq(articles::version + 1),
        ))
        .execute(conn)?;
    changes::note(conn, slugs::Kind::Article, article, now)
}
