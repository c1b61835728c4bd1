//! Every statement on tags.

use super::{
    aliases::{self, Alias},
    model::{NewTag, Tag, TagChanges, TagParams, TagSort},
};
use crate::{
    both, changes,
    clock::Time,
    db::{AsJson, Conn, Id, among, columns, in_order, in_size, lock},
    error::{Code, Error, OnTaken, Result},
    http::{Expected, Page, Window, cursor::Position, page::keyset},
    schema::{revision_tags, tags},
    search,
    slugs::{self, Kind},
    values::{Ref, Slug},
};
use diesel::{dsl::exists, prelude::*};
use std::collections::HashMap;

/// The columns that a client decides.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = tags, treat_none_as_default_value = false)]
struct Columns<'a> {
    slug: &'a Slug,
    name: &'a str,
    description: &'a str,
    aliases: AsJson<Vec<Alias>>,
}

impl<'a> Columns<'a> {
    fn of(new: &'a NewTag, slug: &'a Slug) -> Self {
        Self {
            slug,
            name: new.name.as_str(),
            description: new.description.as_ref().map_or("", |d| d.as_str()),
            aliases: AsJson(new.aliases.clone().unwrap_or_default()),
        }
    }
}

pub fn list(conn: &mut Conn, params: &TagParams, window: &Window) -> Result<Page<Tag>> {
    let query = tags::table.select(columns::<Tag>()).into_boxed();
    let sort = params.sort.unwrap_or_default();
    let page = match sort {
        TagSort::Name | TagSort::NameDown => {
            let down = sort == TagSort::NameDown;
            let rows = keyset!(query, window, down, tags::name, tags::id, Window::after_text).load::<Tag>(conn)?;
            Page::cut(window, rows, |tag| Position::new(tag.name.as_str(), tag.id))
        }
        TagSort::ArticleCount | TagSort::ArticleCountDown => {
            let down = sort == TagSort::ArticleCountDown;
            let rows =
                keyset!(query, window, down, tags::article_count, tags::id, Window::after_number).load::<Tag>(conn)?;
            Page::cut(window, rows, |tag| Position::new(tag.article_count, tag.id))
        }
        TagSort::CreatedAt | TagSort::CreatedAtDown => {
            let down = sort == TagSort::CreatedAtDown;
            let rows =
                keyset!(query, window, down, tags::created_at, tags::id, Window::after_number).load::<Tag>(conn)?;
            Page::cut(window, rows, |tag| Position::new(tag.created_at.micros(), tag.id))
        }
    };
    let total = window.count.then(|| tags::table.count().get_result(conn)).transpose()?;
    Ok(Page { total, ..page })
}

pub fn find(conn: &mut Conn, reference: &Ref) -> Result<Tag> {
    let query = tags::table.select(columns::<Tag>());
    let tag = match reference {
        Ref::Id(id) => query.filter(tags::id.eq(id)).first(conn),
        Ref::Slug(slug) => query.filter(tags::slug.eq(slug)).first(conn),
    };
    tag.optional()?.ok_or_else(|| absent(conn, reference))
}

/// Those of some tags that are there.
pub fn those(conn: &mut Conn, ids: Vec<Id>) -> Result<Vec<Tag>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(tags::table.filter(among(tags::id, ids)).select(columns::<Tag>()).load(conn)?)
}

fn absent(conn: &mut Conn, reference: &Ref) -> Error {
    let now = match reference {
        Ref::Slug(slug) => {
            let tag = tags::table.filter(tags::id.eq_any(slugs::had(Kind::Tag, slug)));
            tag.select(tags::slug).first(conn).optional()
        }
        Ref::Id(_) => Ok(None),
    };
    slugs::absent(Kind::Tag, reference, now)
}

/// The same for a reference that is not in the path: nobody is sent on from there.
pub fn find_referred(conn: &mut Conn, reference: &Ref) -> Result<Tag> {
    find(conn, reference).or_else(|e| match e.old_slug() {
        Some(known) => find(conn, &Ref::Slug(known.now.clone())),
        None => Err(e),
    })
}

/// Finds it and holds it, so that of two changes at once the second sees what the first made.
fn find_for_update(conn: &mut Conn, reference: &Ref) -> Result<Tag> {
    let tag = find(conn, reference)?;
    lock::rows(conn, tags::table.find(tag.id).select(tags::id))?;
    find(conn, &tag.id.into())
}

/// Creates a tag. A slug that was not given is made from the name, with a number where that is taken.
pub fn insert(conn: &mut Conn, new: &NewTag, id: Id, now: Time) -> Result<Tag> {
    let meant = Slug::of(new.name.as_str(), "tag");
    aliases::hold(conn, new.slug.as_ref().unwrap_or(&meant))?;
    if let Some(slug) = &new.slug {
        aliases::refuse(conn, slug, "/slug", None)?;
    }
    aliases::refuse(conn, &meant, "/name", None)?;
    let slug = match &new.slug {
        Some(slug) => slug.clone(),
        None => slugs::free(conn, meant, |conn, slug| {
            let same = tags::table.filter(tags::slug.eq(slug));
            let before = slugs::had(Kind::Tag, slug);
            Ok(diesel::select(exists(same).or(exists(before))).get_result(conn)?)
        })?,
    };
    let tag: Tag = diesel::insert_into(tags::table)
        .values((
            tags::id.eq(id),
            Columns::of(new, &slug),
            tags::version.eq(1),
            tags::created_at.eq(now),
            tags::updated_at.eq(now),
        ))
        .returning(columns::<Tag>())
        .get_result(conn)
        .or_taken(&slug, new.slug.is_some())?;
    slugs::take(conn, Kind::Tag, &slug, id, new.slug.is_some())?;
    aliases::change(conn, &tag, &[], now)?;
    changes::note(conn, Kind::Tag, id, now)?;
    search::touch(conn, search::Kind::Tag, id)?;
    Ok(tag)
}

pub fn update(conn: &mut Conn, reference: &Ref, changes: &TagChanges, expected: &Expected, now: Time) -> Result<Tag> {
    let tag = find_for_update(conn, reference)?;
    let current = NewTag::try_from(&tag)?;
    expected.check(&tag, || changes.differing(&current))?;
    let new = changes.apply(&current)?;
    if new == current {
        return Ok(tag);
    }
    let slug = new.slug.clone().unwrap_or_else(|| tag.slug.clone());
    if slug != tag.slug {
        aliases::hold(conn, &slug)?;
        aliases::refuse(conn, &slug, "/slug", Some(tag.id))?;
    }
    if new.name != tag.name {
        aliases::refuse(conn, &Slug::of(new.name.as_str(), "tag"), "/name", Some(tag.id))?;
    }
    let updated: Tag = diesel::update(tags::table.find(tag.id))
        .set((Columns::of(&new, &slug), tags::version.eq(tags::version + 1), tags::updated_at.eq(now)))
        .returning(columns::<Tag>())
        .get_result(conn)
        .or_taken(&slug, true)?;
    slugs::change(conn, Kind::Tag, (&tag.slug, &slug), tag.id, true, now)?;
    aliases::change(conn, &updated, &tag.aliases.read()?, now)?;
    changes::note(conn, Kind::Tag, tag.id, now)?;
    let touch = if updated.name == tag.name { search::touch } else { search::touch_name };
    touch(conn, search::Kind::Tag, tag.id)?;
    Ok(updated)
}

/// # Errors
/// 409 where an article has the tag, in whatever revision: what was saved is never lost.
pub fn delete(conn: &mut Conn, reference: &Ref, expected: &Expected, now: Time) -> Result<()> {
    let tag = find_for_update(conn, reference)?;
    expected.check(&tag, Vec::new)?;
    let used: i64 = revision_tags::table.filter(revision_tags::tag_id.eq(tag.id)).count().get_result(conn)?;
    if used > 0 {
        return Err(Error::with(Code::InUse, format!("{used} revisions of articles have the tag `{}`", tag.slug)));
    }
    diesel::delete(tags::table.find(tag.id)).execute(conn)?;
    slugs::forget(conn, tag.id)?;
    search::touch(conn, search::Kind::Tag, tag.id)?;
    changes::note(conn, Kind::Tag, tag.id, now)
}

/// The tags of revisions, in their order.
pub fn of_revisions(conn: &mut Conn, revisions: Vec<Id>) -> Result<HashMap<Id, Vec<Tag>>> {
    let rows = in_size!(revisions, some => {
        let query = revision_tags::table
            .inner_join(tags::table)
            .filter(among(revision_tags::revision_id, some))
            .select((revision_tags::revision_id, revision_tags::position, columns::<Tag>()));
        both!(conn, c => query.load::<(Id, i32, Tag)>(c))?
    });
    Ok(in_order(rows))
}
