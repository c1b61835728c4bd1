//! The same story in several languages: articles of one group, each with a life of its own.

use super::{
    model::{Row, Title, Translation},
    old_slugs,
    queries::{Eyes, desk, must_write, visible},
    write::NewArticle,
};
use crate::{
    changes,
    clock::Time,
    db::{Conn, Id, among, lock},
    error::{Code, Error, FieldError, Result},
    schema::{article_revisions as staff, articles, published_articles as public, revisions},
    site::{Address, Site},
    slugs::Kind,
    values::{Language, Ref, Slug},
};
use diesel::prelude::*;

/// Articles that say the same.
const MOST: i64 = 100;

/// What an article of a group translates, as a client would write it: nothing for the one that was there first.
pub fn written(group: Option<Id>, article: Id) -> Option<Ref> {
    group.filter(|group| *group != article).map(Ref::Id)
}

/// The group of the article that a reference names, and its id; none where these eyes do not see it.
fn look_up(conn: &mut Conn, eyes: &Eyes, reference: &Ref) -> Result<Option<(Id, Option<Id>)>> {
    let Some((id, _)) = old_slugs::seen_among(conn, eyes, std::slice::from_ref(reference))?.pop() else {
        return Ok(None);
    };
    Ok(Some((id, articles::table.find(id).select(articles::translation_group).first(conn)?)))
}

/// The group that an article belongs to as it is written. The first of a new group becomes part of it.
///
/// # Errors
/// 422 for what is not there, is the article itself, or has a translation into its language already; and for an article
/// of which there are translations that is to become one of another; 403 for a key that does not write where the other
/// stands.
pub fn group(conn: &mut Conn, eyes: &Eyes, new: &NewArticle, row: Option<&Row>) -> Result<Option<Id>> {
    let refused = |code: &'static str, message: String| Err(Error::invalid_field("/translation_of", code, message));
    let current = row.and_then(|row| written(row.translation_group, row.id));
    let group = match &new.translation_of {
        None => row.and_then(|row| row.translation_group.filter(|group| *group == row.id)),
        // What stays as it was is not looked at: the first of the group may be gone.
        Some(same) if current.as_ref() == Some(same) => row.and_then(|row| row.translation_group),
        Some(reference) => {
            let Some((id, group)) = look_up(conn, eyes, reference)? else {
                return refused("not_found", format!("there is no article `{reference}`"));
            };
            let own = row.map(|row| row.id);
            if own == Some(id) || (own.is_some() && group == own) {
                return refused("itself", "an article is no translation of itself".into());
            }
            let leads = own.filter(|_| row.and_then(|row| row.translation_group) == own);
            let others = leads.map_or_else(|| Ok(Vec::new()), |own| in_groups(conn, eyes, vec![own]))?;
            // What these eyes do not see stays behind, a group without the article that was there first.
            if others.iter().any(|other| Some(other.id) != own) {
                return refused(
                    "has_translations",
                    "there are translations of it: let them translate the other".into(),
                );
            }
            if let Eyes::Desk(actor) = eyes {
                // What it lists is the other's, too.
                must_write(conn, actor, id)?;
            }
            if group.is_none() {
                diesel::update(articles::table.find(id)).set(articles::translation_group.eq(id)).execute(conn)?;
            }
            Some(group.unwrap_or(id))
        }
    };
    let is_new = group != row.and_then(|row| row.translation_group);
    let speaks_anew = row.is_none_or(|row| Some(&row.language) != new.language.as_ref());
    if let Some(group) = group.filter(|_| is_new || speaks_anew) {
        // Of two into the same language at once the second sees the first.
        lock::name(conn, &group.to_string())?;
        let language = new.language.clone().unwrap_or_default();
        let others = in_groups(conn, eyes, vec![group])?;
        if others.len() as i64 >= MOST {
            return refused("too_many", format!("a story has at most {MOST} translations"));
        }
        let same = others.iter().find(|other| other.language == language && row.is_none_or(|row| row.id != other.id));
        if let Some(same) = same {
            let message = format!("there is one in `{language}` already: `{}`", same.slug);
            let pointer = if is_new { "/translation_of" } else { "/language" };
            return Err(Error::invalid(vec![FieldError::new(pointer, "duplicate_language", message)]));
        }
    }
    Ok(group)
}

/// Sees to it that no two public articles of a group are in one language, before a revision of one becomes public: now, or
/// at a time by which the other may be taken down.
///
/// # Errors
/// 409 that names the other.
pub fn speak_apart(conn: &mut Conn, row: &Row, revision: Id, at: Option<Time>) -> Result<()> {
    let Some(group) = row.translation_group else { return Ok(()) };
    lock::name(conn, &group.to_string())?;
    let language: Language = revisions::table.find(revision).select(revisions::language).first(conn)?;
    let same = articles::table
        .inner_join(revisions::table.on(articles::published_id.eq(revisions::id.nullable())))
        .filter(articles::translation_group.eq(group))
        .filter(articles::id.ne(row.id))
        .filter(articles::deleted_at.is_null())
        .filter(revisions::language.eq(&language))
        .select((articles::slug, articles::unpublish_at));
    let stays = |end: Option<Time>| at.is_none_or(|at| end.is_none_or(|end| end > at));
    match same.load::<(Slug, Option<Time>)>(conn)?.into_iter().find(|(_, end)| stays(*end)) {
        Some((slug, _)) => Err(Error::with(
            Code::Conflict,
            format!("`{slug}` is the public translation into `{language}`: take that down, or let one leave the group"),
        )),
        None => Ok(()),
    }
}

/// Tells those who follow what is public that the public translations of an article list something else now.
pub fn tell(conn: &mut Conn, row: &Row, now: Time) -> Result<()> {
    let Some(group) = row.translation_group else { return Ok(()) };
    let others = articles::table.filter(articles::translation_group.eq(group)).filter(articles::id.ne(row.id));
    lock::rows(conn, others.order(articles::id).select(articles::id))?;
    let others = others.filter(articles::published_id.is_not_null()).select(articles::id).load(conn)?;
    changes::note_all(conn, Kind::Article, others, now)?;
    Ok(())
}

/// Says of an article that is being set up that it says the same as another.
pub fn translate(conn: &mut Conn, article: Id, original: Id) -> Result<()> {
    let both = articles::table.filter(among(articles::id, vec![article, original]));
    diesel::update(both).set(articles::translation_group.eq(original)).execute(conn)?;
    Ok(())
}

/// An article of a group.
#[derive(Debug, Queryable)]
pub struct Member {
    group: Option<Id>,
    id: Id,
    slug: Slug,
    language: Language,
    title: Title,
    published_at: Option<Time>,
    created_at: Time,
    path: Option<String>,
}

/// The members of groups that these eyes see.
fn in_groups(conn: &mut Conn, eyes: &Eyes, groups: Vec<Id>) -> Result<Vec<Member>> {
    macro_rules! members {
        ($view:ident, $query:expr) => {
            $query
                .filter(among($view::translation_group, groups.into_iter().map(Some).collect::<Vec<_>>()))
                .order(($view::language, $view::id))
                .select((
                    $view::translation_group,
                    $view::id,
                    $view::slug,
                    $view::language,
                    $view::title,
                    $view::published_at,
                    $view::created_at,
                    $view::section_path,
                ))
                .load(conn)?
        };
    }
    Ok(match eyes {
        Eyes::Public | Eyes::Preview => members!(public, visible()),
        Eyes::Desk(actor) => members!(staff, desk(actor, false)),
    })
}

/// Whatever these eyes see of the groups that articles belong to. Most belong to none, and cost nothing.
pub fn of(conn: &mut Conn, eyes: &Eyes, rows: &[Row]) -> Result<Vec<Member>> {
    let mut groups: Vec<Id> = rows.iter().filter_map(|row| row.translation_group).collect();
    groups.sort_unstable();
    groups.dedup();
    if groups.is_empty() { Ok(Vec::new()) } else { in_groups(conn, eyes, groups) }
}

/// The translations of one article.
pub fn shown(members: &[Member], site: &Site, row: &Row) -> Vec<Translation> {
    let others = members.iter().filter(|member| member.group == row.translation_group && member.id != row.id);
    let translation = |member: &Member| Translation {
        id: member.id,
        url: site.article_url(&Address {
            id: member.id,
            slug: &member.slug,
            date: member.published_at.unwrap_or(member.created_at),
            path: member.path.as_deref(),
            language: Some(&member.language),
        }),
        slug: member.slug.clone(),
        language: member.language.clone(),
        title: member.title.clone(),
    };
    others.map(translation).collect()
}
