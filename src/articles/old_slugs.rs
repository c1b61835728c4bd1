//! The slugs that an article had: who is led on from them, and whether the public ever knew them.

use super::{
    model::Row,
    queries::{self, Eyes, desk},
};
use crate::{
    auth::Actor,
    clock::Time,
    db::{Conn, Id},
    error::{Error, Result},
    events,
    permissions::EditAnyArticle,
    schema::events as e,
    slugs::{self, Kind},
    values::{Ref, Slug},
};
use diesel::{dsl::exists, prelude::*};

/// The 404 for a stranger, who is led on from what the public knew to what is public.
pub fn absent_in_public(conn: &mut Conn, reference: &Ref) -> Error {
    use crate::schema::published_articles as v;
    let now = match reference {
        Ref::Slug(slug) => {
            let article = v::table.filter(v::id.eq_any(slugs::had_in_public(Kind::Article, slug)));
            article.select(v::slug).first(conn).optional()
        }
        Ref::Id(_) => Ok(None),
    };
    slugs::absent(Kind::Article, reference, now)
}

/// The 404 for an actor, who is led on to what is theirs to see: from any slug of what they may edit, and from what the
/// public knew of the rest.
pub fn absent_from_desk(conn: &mut Conn, actor: &Actor, reference: &Ref, deleted: bool) -> Error {
    use crate::schema::article_revisions as v;
    let now = match reference {
        Ref::Slug(slug) => {
            let mut article = desk(actor, deleted).filter(v::id.eq_any(slugs::had(Kind::Article, slug)));
            if !actor.may::<EditAnyArticle>() {
                let public = exists(slugs::had_in_public(Kind::Article, slug));
                article = article.filter(v::created_by.eq(actor.user).or(public.nullable()));
            }
            article.select(v::slug).first(conn).optional()
        }
        Ref::Id(_) => Ok(None),
    };
    slugs::absent(Kind::Article, reference, now)
}

/// The articles among `refs` that these eyes see, each under the slug that it was named by: that may be one that it had.
pub fn seen_among(conn: &mut Conn, eyes: &Eyes, refs: &[Ref]) -> Result<Vec<(Id, String)>> {
    let seen = queries::seen_among(conn, eyes, refs)?.into_iter().map(|(id, slug)| (id, slug.to_string()));
    let mut seen: Vec<(Id, String)> = seen.collect();
    let slugs = refs.iter().filter_map(|r| if let Ref::Slug(slug) = r { Some(slug) } else { None });
    let missing = slugs.filter(|slug| seen.iter().all(|(_, known)| known != slug.as_ref())).cloned().collect();
    let had = slugs::all_that_had(conn, Kind::Article, missing)?;
    let ids: Vec<Ref> = had.iter().map(|(id, _)| (*id).into()).collect();
    let visible = queries::seen_among(conn, eyes, &ids)?;
    seen.extend(had.into_iter().filter(|(id, _)| visible.iter().any(|(seen, _)| seen == id)));
    Ok(seen)
}

/// Sees to the slug of an article that goes by `new` from now on.
pub fn change(conn: &mut Conn, row: &Row, new: &Slug, now: Time) -> Result<()> {
    if *new == row.slug {
        return Ok(());
    }
    let public = was_found(conn, row)?;
    slugs::change(conn, Kind::Article, (&row.slug, new), row.id, public, now)
}

/// Whether the public ever found an article by the slug that it has. One that was taken down may have got it since.
fn was_found(conn: &mut Conn, row: &Row) -> Result<bool> {
    if row.published_id.is_some() || row.published_at.is_none() {
        return Ok(row.published_id.is_some());
    }
    let Some(since) = slugs::last_change(conn, row.id)? else { return Ok(true) };
    let taken_down =
        e::table.filter(e::subject_id.eq(row.id)).filter(e::kind.eq(events::Kind::Unpublished)).filter(e::at.ge(since));
    Ok(diesel::select(exists(taken_down)).get_result(conn)?)
}
