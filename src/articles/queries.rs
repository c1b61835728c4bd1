//! Every read of articles. What one may see is decided here, once, by where a query begins.

use super::{
    lists::{apart, public, staff},
    model::Row,
    old_slugs,
    write::View,
};
use crate::{
    auth::{Actor, Viewer},
    both,
    db::{Conn, Id, among, lock},
    error::{Error, Result},
    permissions::EditAnyArticle,
    schema::{article_revisions, articles, published_articles, revisions},
    slugs::{self, Kind},
    values::{Ref, Slug},
};
use diesel::{
    dsl::{case_when, exists},
    prelude::*,
};

/// Whose eyes a read sees with.
pub enum Eyes {
    /// What is published, through a view that holds nothing else.
    Public,
    /// The working copy of what the actor may edit, and what is published of the rest.
    Desk(Actor),
    /// What is published; and the one revision that a preview shows, whole.
    Preview,
}

impl Eyes {
    /// The staff may look with the public's eyes; the public has no choice.
    pub fn of(viewer: &Viewer, view: Option<View>) -> Result<Self> {
        match (viewer, view) {
            (Viewer::Public, Some(View::Working)) => {
                Err(Error::parameter("view", "not_allowed", "the working copy is for the staff"))
            }
            (Viewer::Public, _) | (Viewer::Staff(_), Some(View::Published)) => Ok(Self::Public),
            (Viewer::Staff(actor), _) => Ok(Self::Desk(actor.clone())),
        }
    }
}

/// All that the public may see.
pub fn visible<'a>() -> public::Query<'a> {
    published_articles::table.into_boxed()
}

/// All that an actor may see, each article in the revision that is theirs to see.
pub fn desk<'a>(actor: &Actor, deleted: bool) -> staff::Query<'a> {
    use crate::schema::article_revisions as v;
    let query = article_revisions::table.into_boxed();
    let query = if deleted { query.filter(v::deleted_at.is_not_null()) } else { query.filter(v::deleted_at.is_null()) };
    if actor.may::<EditAnyArticle>() {
        return query.filter(v::revision_id.eq(v::working_id));
    }
    if deleted {
        return query.filter(v::created_by.eq(actor.user)).filter(v::revision_id.eq(v::working_id));
    }
    // One expression for the revision's id, so that it is looked up; alternatives would be tried on every revision.
    let seen = case_when(v::created_by.eq(actor.user), v::working_id.nullable()).otherwise(v::published_id);
    query.filter(v::revision_id.nullable().eq(seen))
}

fn named<'a>(query: staff::Query<'a>, reference: &'a Ref) -> staff::Query<'a> {
    use crate::schema::article_revisions as v;
    match reference {
        Ref::Id(id) => query.filter(v::id.eq(id)),
        Ref::Slug(slug) => query.filter(v::slug.eq(slug)),
    }
}

fn may_edit(actor: &Actor, row: &Row) -> bool {
    actor.may::<EditAnyArticle>() || row.created_by == Some(actor.user)
}

/// Of an article that is not theirs to edit, nobody learns that a change of it is in preparation.
pub(super) fn as_seen_by(actor: &Actor, row: Row) -> Row {
    if may_edit(actor, &row) {
        return row;
    }
    Row {
        updated_at: row.public_updated_at,
        publish_at: None,
        scheduled_revision: None,
        unpublish_at: None,
        review: None,
        version: row.revision,
        ..row
    }
}

/// # Errors
/// 404 for what these eyes do not see: it makes no difference whether it exists.
pub fn find(conn: &mut Conn, eyes: &Eyes, reference: &Ref) -> Result<Row> {
    match eyes {
        Eyes::Public | Eyes::Preview => find_published(conn, reference),
        Eyes::Desk(actor) => {
            let row = named(desk(actor, false), reference).first::<Row>(conn).optional()?;
            row.map(|row| as_seen_by(actor, row))
                .ok_or_else(|| old_slugs::absent_from_desk(conn, actor, reference, false))
        }
    }
}

/// The published revision of an article.
pub fn find_published(conn: &mut Conn, reference: &Ref) -> Result<Row> {
    use crate::schema::published_articles as v;
    // Not boxed: a statement whose text is known when it is compiled is not put together each time.
    let row = match reference {
        Ref::Id(id) => both!(conn, c => v::table.filter(v::id.eq(id)).first::<Row>(c)),
        Ref::Slug(slug) => both!(conn, c => v::table.filter(v::slug.eq(slug)).first::<Row>(c)),
    };
    row.optional()?.ok_or_else(|| old_slugs::absent_in_public(conn, reference))
}

/// The working copy of an article that the actor may edit; `deleted` ones only where they are asked for.
///
/// # Errors
/// 403 for what the actor sees but may not edit, 404 for what the actor does not see.
pub fn find_editable(conn: &mut Conn, actor: &Actor, reference: &Ref, deleted: bool) -> Result<Row> {
    let row = named(desk(actor, deleted), reference).first::<Row>(conn).optional()?;
    let row = row.ok_or_else(|| old_slugs::absent_from_desk(conn, actor, reference, deleted))?;
    if may_edit(actor, &row) {
        Ok(row)
    } else {
        Err(Error::with(crate::error::Code::Forbidden, "the article is somebody else's"))
    }
}

/// The working copies of those of some articles that the actor may edit.
pub fn editable_among(conn: &mut Conn, actor: &Actor, refs: &[Ref], deleted: bool) -> Result<Vec<Row>> {
    use crate::schema::article_revisions as v;
    let ids = refs.iter().filter_map(|r| if let Ref::Id(id) = r { Some(*id) } else { None }).collect::<Vec<_>>();
    let slugs = refs.iter().filter_map(|r| if let Ref::Slug(slug) = r { Some(slug.clone()) } else { None });
    let slugs = slugs.collect::<Vec<_>>();
    let named = desk(actor, deleted).filter(among(v::id, ids).or(among(v::slug, slugs)));
    Ok(named.load::<Row>(conn)?.into_iter().filter(|row| may_edit(actor, row)).collect())
}

/// As [`find_editable`], and holds the article: of two changes at once the second sees what the first made.
pub fn find_for_update(conn: &mut Conn, actor: &Actor, reference: &Ref, deleted: bool) -> Result<Row> {
    let row = find_editable(conn, actor, reference, deleted)?;
    lock::rows(conn, articles::table.find(row.id).select(articles::id))?;
    let row = find_editable(conn, actor, &row.id.into(), deleted)?;
    must_write(conn, actor, row.id)?;
    Ok(row)
}

/// What is public of an article, or will be, may stand in other sections than what is in preparation.
///
/// # Errors
/// 403 for a key for some sections, where any of it stands elsewhere.
pub fn must_write(conn: &mut Conn, actor: &Actor, article: Id) -> Result<()> {
    if !actor.is_for_sections() {
        return Ok(());
    }
    let held = revisions::id
        .eq(articles::working_id)
        .or(articles::published_id.eq(revisions::id.nullable()))
        .or(articles::scheduled_id.eq(revisions::id.nullable()))
        .assume_not_null();
    let revisions = articles::table.inner_join(revisions::table.on(revisions::article_id.eq(articles::id)));
    let sections = revisions.filter(articles::id.eq(article)).filter(held).select(revisions::section_id);
    sections.load(conn)?.into_iter().try_for_each(|section| actor.must_write_in(section))
}

/// The ids and slugs of those of `refs` that these eyes see: what may be referred to.
pub fn seen_among(conn: &mut Conn, eyes: &Eyes, refs: &[Ref]) -> Result<Vec<(Id, Slug)>> {
    use crate::schema::{article_revisions as staff, published_articles as public};
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, slugs) = apart(refs);
    Ok(match eyes {
        Eyes::Public | Eyes::Preview => visible()
            .filter(among(public::id, ids).or(among(public::slug, slugs)))
            .select((public::id, public::slug))
            .load(conn)?,
        Eyes::Desk(actor) => desk(actor, false)
            .filter(among(staff::id, ids).or(among(staff::slug, slugs)))
            .select((staff::id, staff::slug))
            .load(conn)?,
    })
}

/// The published revisions among these articles.
pub fn published_among(conn: &mut Conn, ids: Vec<Id>) -> Result<Vec<Row>> {
    use crate::schema::published_articles as v;
    Ok(visible().filter(among(v::id, ids)).load(conn)?)
}

/// The same, the newest first.
pub fn published(conn: &mut Conn, ids: Vec<Id>) -> Result<Vec<Row>> {
    let mut rows = if ids.is_empty() { Vec::new() } else { published_among(conn, ids)? };
    rows.sort_by_key(|row| std::cmp::Reverse((row.ordered_at, row.id)));
    Ok(rows)
}

/// The working copy of an article, for those who decide elsewhere who may have it.
pub fn any(conn: &mut Conn, id: Id) -> Result<Row> {
    use crate::schema::article_revisions as v;
    let row = article_revisions::table.filter(v::id.eq(id)).filter(v::revision_id.eq(v::working_id));
    Ok(both!(conn, c => row.first(c))?)
}

/// An article as it is in one of its revisions, for those who decide elsewhere who may have it.
pub fn numbered(conn: &mut Conn, id: Id, number: i32) -> Result<Option<Row>> {
    use crate::schema::article_revisions as v;
    Ok(article_revisions::table.filter(v::id.eq(id)).filter(v::revision.eq(number)).first(conn).optional()?)
}

/// An article that is not in the trash, as it is in one of its revisions: the working one where none is named. For
/// those who decide elsewhere who may have it.
pub fn in_revision(conn: &mut Conn, id: Id, revision: Option<Id>) -> Result<Option<Row>> {
    use crate::schema::article_revisions as v;
    let there = article_revisions::table.filter(v::id.eq(id)).filter(v::deleted_at.is_null());
    let row = match revision {
        Some(revision) => there.filter(v::revision_id.eq(revision)).first(conn),
        None => there.filter(v::revision_id.eq(v::working_id)).first(conn),
    };
    Ok(row.optional()?)
}

/// Whether there is any article at all.
pub fn exist(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(exists(articles::table.select(articles::id))).get_result(conn)?)
}

/// The id of an article in whatever state: for what is decided elsewhere.
pub fn id_of(conn: &mut Conn, reference: &Ref) -> Result<Id> {
    let query = articles::table.select(articles::id);
    let id = match reference {
        Ref::Id(id) => query.filter(articles::id.eq(id)).first(conn),
        Ref::Slug(slug) => query.filter(articles::slug.eq(slug)).first(conn),
    };
    let had: Option<Id> = match (id.optional()?, reference) {
        (None, Ref::Slug(slug)) => slugs::had(Kind::Article, slug).first(conn).optional()?,
        (id, _) => id,
    };
    had.ok_or_else(|| Error::not_found("article", reference))
}
