//! Previews: links for people without an account, to one article and to nothing else. Of what opens them a hash is kept.

use super::{
    model::{Row, Status},
    queries::{self, find_editable, find_for_update},
};
use crate::{
    auth::{Actor, new_token},
    clock::Time,
    db::{Conn, Id},
    error::{Code, Error, FieldError, Result},
    http::{Expected, Page, Versioned, Window, cursor::Position, json, list_params, page::ListOf},
    schema::{old_slugs, previews as p, revisions, users},
    site::Site,
    slugs::{self, Kind},
    users::Colleague,
    values::{Line, Ref},
};
use diesel::{dsl::exists, prelude::*};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};
use utoipa::ToSchema;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a preview is good for where nothing else is asked for, and at most.
const LIFETIME: Duration = DAY.saturating_mul(7);
const LONGEST: Duration = DAY.saturating_mul(90);
/// How long it is listed after that, for those who want to know whether it was looked at.
const REMEMBERED: Duration = DAY.saturating_mul(30);
/// Previews of one article that are good at one time.
const MOST: i64 = 100;

/// A link to an article for people without an account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    pub id: Id,
    pub article_id: Id,
    /// The revision that it shows; `null` where it shows the working copy of the day.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: Option<i32>,
    /// Where it leads: the article's `url` with the token. Only in the answer that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        format = "uri",
        max_length = 2300,
        example = "https://lantern.example/articles/harbour-reopens?preview=stet_preview_4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A"
    )]
    pub url: Option<String>,
    /// What opens it: `GET /articles/{ref}?preview=…`. Only in the answer that made it; it is kept nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200, pattern = "^stet_preview_[A-Za-z0-9_-]+$")]
    pub token: Option<String>,
    pub created_at: Time,
    /// Who made it; `null` where the account is gone.
    pub created_by: Option<Colleague>,
    /// From then on it shows nothing.
    pub expires_at: Time,
    /// How often it was looked at.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub views: i64,
    pub last_viewed_at: Option<Time>,
}

pub type PreviewList = ListOf<Preview>;

/// Being looked at is no change.
impl Versioned for Preview {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        1
    }
}

/// A preview to make.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"revision": 1}))]
pub struct NewPreview {
    /// The revision to show, whatever comes after it; the working copy of the day where it is left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: Option<i32>,
    /// At most 90 days from now; in 7 days where it is left out.
    #[serde(default)]
    pub expires_at: Option<Time>,
}

list_params! {
    /// What may be asked of an article's previews.
    pub struct PreviewParams {
    }
}

/// What opens a preview.
pub struct Token(String);

impl Token {
    pub fn new() -> Result<Self> {
        // Whoever finds one where none should be sees what it is.
        Ok(Self(format!("stet_preview_{}", new_token()?)))
    }

    pub fn hash(&self) -> Hash {
        hash_of(&self.0)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub type Hash = json::Digest;

/// What is kept of a token, and found by it.
pub fn hash_of(token: &str) -> Hash {
    json::digest_of(token.as_bytes())
}

type Columns = (Id, Id, Option<i32>, Time, Option<Id>, Option<Line<1, 100>>, Time, i64, Option<Time>);

impl Preview {
    fn of(row: Columns) -> Self {
        let (id, article_id, revision, created_at, by, name, expires_at, views, last_viewed_at) = row;
        let created_by = Colleague::of(by, name);
        let (url, token) = (None, None);
        Self { id, article_id, revision, url, token, created_at, created_by, expires_at, views, last_viewed_at }
    }
}

/// The previews of an article.
macro_rules! previews_of {
    ($article:expr) => {
        p::table.left_join(revisions::table).left_join(users::table).filter(p::article_id.eq($article)).select((
            p::id,
            p::article_id,
            revisions::number.nullable(),
            p::created_at,
            p::created_by,
            users::name.nullable(),
            p::expires_at,
            p::views,
            p::last_viewed_at,
        ))
    };
}

/// The previews of an article, the newest first; expired ones too, for a while.
///
/// # Errors
/// 404 for an article that the actor does not see, 403 for what is somebody else's.
pub fn list(conn: &mut Conn, actor: &Actor, reference: &Ref, window: &Window) -> Result<Page<Preview>> {
    let article = find_editable(conn, actor, reference, false)?;
    let mut query =
        previews_of!(article.id).order(p::id.desc()).limit(window.limit + 1).offset(window.offset).into_boxed();
    if let Some((_, id)) = window.after_number() {
        query = query.filter(p::id.lt(id));
    }
    let page = Page::cut(window, query.load::<Columns>(conn)?, |row| Position::new(row.3.micros(), row.0));
    let total = window.count.then(|| p::table.filter(p::article_id.eq(article.id)).count().get_result(conn));
    Ok(Page { total: total.transpose()?, ..page.map(Preview::of) })
}

/// One of them.
///
/// # Errors
/// As [`list`]; 404 for one that the article does not have.
pub fn get(conn: &mut Conn, actor: &Actor, reference: &Ref, id: Id) -> Result<Preview> {
    let article = find_editable(conn, actor, reference, false)?;
    one(conn, article.id, id)
}

fn one(conn: &mut Conn, article: Id, id: Id) -> Result<Preview> {
    let row = previews_of!(article).filter(p::id.eq(id)).first::<Columns>(conn).optional()?;
    row.map(Preview::of).ok_or_else(|| Error::not_found("preview", id))
}

/// Makes a preview; its `url` does not open it yet.
///
/// # Errors
/// 422 for a revision that does not exist or a time that will not do, 409 where there are too many.
pub fn insert(
    conn: &mut Conn,
    actor: &Actor,
    reference: &Ref,
    new: &NewPreview,
    hash: &Hash,
    site: &Site,
    now: Time,
) -> Result<Preview> {
    let article = find_for_update(conn, actor, reference, false)?;
    let revision = checked(conn, &article, new, now)?;
    let good = p::table.filter(p::article_id.eq(article.id)).filter(p::expires_at.gt(now));
    if good.count().get_result::<i64>(conn)? >= MOST {
        let message = format!("the article has {MOST} previews already; delete one that is not needed any more");
        return Err(Error::with(Code::Conflict, message));
    }
    let id = Id::new();
    diesel::insert_into(p::table)
        .values((
            p::id.eq(id),
            p::article_id.eq(article.id),
            p::revision_id.eq(revision),
            p::hash.eq(hash.as_slice()),
            p::created_by.eq(actor.user),
            p::created_at.eq(now),
            p::expires_at.eq(new.expires_at.unwrap_or_else(|| now.plus(LIFETIME))),
        ))
        .execute(conn)?;
    Ok(Preview { url: Some(site.article_url(&article.address())), ..one(conn, article.id, id)? })
}

/// The revision that is asked for, once nothing of the rest is wrong.
fn checked(conn: &mut Conn, article: &Row, new: &NewPreview, now: Time) -> Result<Option<Id>> {
    let mut mistakes = Vec::new();
    let mut revision = None;
    if let Some(number) = new.revision {
        revision = queries::numbered(conn, article.id, number)?.map(|row| row.revision_id);
        if revision.is_none() {
            mistakes.push(FieldError::new("/revision", "not_found", format!("there is no revision {number}")));
        }
    }
    if new.expires_at.is_some_and(|at| at <= now) {
        mistakes.push(FieldError::new("/expires_at", "in_the_past", "it is in the past; give a time to come"));
    }
    if new.expires_at.is_some_and(|at| at > now.plus(LONGEST)) {
        let message = format!("it is at most 90 days from now: {} or before", now.plus(LONGEST));
        mistakes.push(FieldError::new("/expires_at", "too_late", message));
    }
    if mistakes.is_empty() { Ok(revision) } else { Err(Error::invalid(mistakes)) }
}

/// Takes a preview back: from now on it shows nothing.
///
/// # Errors
/// As [`get`].
pub fn delete(conn: &mut Conn, actor: &Actor, reference: &Ref, id: Id, expected: &Expected) -> Result<()> {
    let article = find_editable(conn, actor, reference, false)?;
    actor.must_write_in(article.section_id)?;
    expected.check(&one(conn, article.id, id)?, Vec::new)?;
    diesel::delete(p::table.find(id)).execute(conn)?;
    Ok(())
}

/// What a token shows, if it is one of this article.
///
/// # Errors
/// 404 for everything else: nobody learns whether it is the token or the article that is wrong.
pub fn find(conn: &mut Conn, hash: &Hash, reference: &Ref, now: Time) -> Result<Row> {
    let good = p::table.filter(p::hash.eq(hash.as_slice())).filter(p::expires_at.gt(now));
    let shown: Option<(Id, Option<Id>)> = good.select((p::article_id, p::revision_id)).first(conn).optional()?;
    if let Some((article, revision)) = shown
        && let Some(row) = queries::in_revision(conn, article, revision)?
        && is_named(conn, &row, reference)?
    {
        return as_a_stranger_sees_it(conn, row);
    }
    Err(Error::not_found("article", reference))
}

/// Whether the article is meant: links that were given away name it by a slug that it may have changed since.
fn is_named(conn: &mut Conn, row: &Row, reference: &Ref) -> Result<bool> {
    match reference {
        Ref::Id(id) => Ok(*id == row.id),
        Ref::Slug(slug) if *slug == row.slug => Ok(true),
        Ref::Slug(slug) => {
            let its = slugs::had(Kind::Article, slug).filter(old_slugs::target_id.eq(row.id));
            Ok(diesel::select(exists(its)).get_result(conn)?)
        }
    }
}

/// Only the text is shown: how far the article is, what is planned for it and when it was worked on is for the staff.
fn as_a_stranger_sees_it(conn: &mut Conn, row: Row) -> Result<Row> {
    let saved_at: Time = revisions::table.find(row.revision_id).select(revisions::created_at).first(conn)?;
    let public = row.published_id.is_some();
    Ok(Row {
        status: if public { Status::Published } else { Status::Draft },
        published_at: row.published_at.filter(|_| public),
        corrected_at: row.corrected_at.filter(|_| public),
        comment_count: if public { row.comment_count } else { 0 },
        updated_at: saved_at,
        public_updated_at: saved_at,
        publish_at: None,
        unpublish_at: None,
        scheduled_revision: None,
        review: None,
        version: row.revision,
        ..row
    })
}

/// Counts that a preview was looked at.
pub fn count(conn: &mut Conn, hash: &Hash, now: Time) -> Result<()> {
    diesel::update(p::table.filter(p::hash.eq(hash.as_slice())))
        .set((p::views.eq(p::views + 1), p::last_viewed_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Removes what expired long ago, and says how many there were.
pub fn clean_up(conn: &mut Conn, now: Time) -> Result<usize> {
    Ok(diesel::delete(p::table.filter(p::expires_at.lt(now.minus(REMEMBERED)))).execute(conn)?)
}
