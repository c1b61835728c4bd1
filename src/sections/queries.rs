//! Every statement on sections. A change of a name, slug or parent reaches the paths and trails of all below.

use super::{
    model::{Crumb, MAX_DEPTH, NewSection, Section, SectionChanges, SectionParams, SectionSort},
    old_paths,
};
use crate::{
    articles, changes,
    clock::Time,
    db::{AsJson, Conn, Id, among, columns, lock},
    error::{Code, Error, OnTaken, Result},
    http::{Expected, Page, Window, cursor::Position, page::keyset},
    schema::{revisions, sections},
    search, site,
    slugs::{self, Kind},
    values::{Line, Ref, Slug},
};
use diesel::{dsl::exists, prelude::*};

pub fn list(conn: &mut Conn, params: &SectionParams, window: &Window) -> Result<Page<Section>> {
    let parent = params.parent.as_ref().map(|parent| find_referred(conn, parent)).transpose();
    let parent = parent.map_err(|e| Error::parameter("parent", "not_found", e.to_string()))?.map(|section| section.id);
    let at = params.path.as_ref().map(|path| old_paths::find(conn, path.as_str())).transpose()?;
    if at == Some(None) {
        return Ok(Page { rows: Vec::new(), next: None, total: window.count.then_some(0) });
    }
    let filtered = || {
        let mut query = sections::table.into_boxed();
        if let Some(parent) = parent {
            query = query.filter(sections::parent_id.eq(parent));
        }
        if let Some(section) = at.flatten() {
            query = query.filter(sections::id.eq(section));
        }
        query
    };
    let query = filtered().select(columns::<Section>());
    let sort = params.sort.unwrap_or_default();
    let page = match sort {
        SectionSort::Path | SectionSort::PathDown => {
            let rows =
                keyset!(query, window, sort == SectionSort::PathDown, sections::path, sections::id, Window::after_text);
            Page::cut(window, rows.load::<Section>(conn)?, |section| Position::new(section.path.as_str(), section.id))
        }
        SectionSort::Name | SectionSort::NameDown => {
            let rows =
                keyset!(query, window, sort == SectionSort::NameDown, sections::name, sections::id, Window::after_text);
            Page::cut(window, rows.load::<Section>(conn)?, |section| Position::new(section.name.as_str(), section.id))
        }
        SectionSort::Position | SectionSort::PositionDown => {
            let down = sort == SectionSort::PositionDown;
            let after =
                |window: &Window| window.after_number().map(|(n, id)| (i32::try_from(n).unwrap_or(i32::MAX), id));
            let rows = keyset!(query, window, down, sections::position, sections::id, after);
            Page::cut(window, rows.load::<Section>(conn)?, |section| {
                Position::new(i64::from(section.position), section.id)
            })
        }
    };
    let total = window.count.then(|| filtered().count().get_result(conn)).transpose()?;
    Ok(Page { total, ..page })
}

pub fn find(conn: &mut Conn, reference: &Ref) -> Result<Section> {
    let query = sections::table.select(columns::<Section>());
    let section = match reference {
        Ref::Id(id) => query.filter(sections::id.eq(id)).first(conn),
        Ref::Slug(slug) => query.filter(sections::slug.eq(slug)).first(conn),
    };
    section.optional()?.ok_or_else(|| absent(conn, reference))
}

/// Those of some sections that are there.
pub fn those(conn: &mut Conn, ids: Vec<Id>) -> Result<Vec<Section>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sections::table.filter(among(sections::id, ids)).select(columns::<Section>()).load(conn)?)
}

fn absent(conn: &mut Conn, reference: &Ref) -> Error {
    let now = match reference {
        Ref::Slug(slug) => {
            let section = sections::table.filter(sections::id.eq_any(slugs::had(Kind::Section, slug)));
            section.select(sections::slug).first(conn).optional()
        }
        Ref::Id(_) => Ok(None),
    };
    slugs::absent(Kind::Section, reference, now)
}

/// The same for a reference that is not in the path: nobody is sent on from there.
fn find_referred(conn: &mut Conn, reference: &Ref) -> Result<Section> {
    find(conn, reference).or_else(|e| match e.old_slug() {
        Some(known) => find(conn, &Ref::Slug(known.now.clone())),
        None => Err(e),
    })
}

/// The columns that a client decides, and what follows from them.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = sections, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Columns<'a> {
    slug: &'a Slug,
    name: &'a str,
    description: &'a str,
    parent_id: Option<Id>,
    position: i32,
    path: String,
    trail: AsJson<Vec<Crumb>>,
}

impl<'a> Columns<'a> {
    fn of(new: &'a NewSection, slug: &'a Slug, parent: Option<&Section>) -> Result<Self> {
        let (path, trail) = place(parent.map(|p| (p.path.as_str(), p.trail.0.as_slice())), slug, new)?;
        Ok(Self {
            slug,
            name: new.name.as_str(),
            description: new.description.as_ref().map_or("", |d| d.as_str()),
            parent_id: parent.map(|p| p.id),
            position: new.position.map_or(0, crate::values::Whole::get),
            path,
            trail: AsJson(trail),
        })
    }
}

/// The path and trail of a section below `parent`.
fn place(parent: Option<(&str, &[Crumb])>, slug: &Slug, new: &NewSection) -> Result<(String, Vec<Crumb>)> {
    let path = parent.map_or_else(|| slug.to_string(), |(path, _)| format!("{path}/{slug}"));
    let mut trail = parent.map_or_else(Vec::new, |(_, trail)| trail.to_vec());
    trail.push(Crumb { slug: slug.clone(), name: new.name.clone(), path: path.clone() });
    if trail.len() > MAX_DEPTH {
        return Err(Error::invalid_field("/parent", "too_deep", format!("sections go {MAX_DEPTH} deep at the most")));
    }
    Ok((path, trail))
}

/// Creates a section. A slug that was not given is made from the name, with a number where that is taken.
pub fn insert(conn: &mut Conn, new: &NewSection, id: Id, now: Time) -> Result<Section> {
    // The parent's path is part of its own, and is changed by whoever holds this.
    lock::table(conn, "sections")?;
    let parent = find_parent(conn, new)?;
    let slug = match &new.slug {
        Some(slug) => slug.clone(),
        None => slugs::free(conn, Slug::of(new.name.as_str(), "section"), |conn, slug| {
            let same = sections::table.filter(sections::slug.eq(slug));
            let before = slugs::had(Kind::Section, slug);
            Ok(diesel::select(exists(same).or(exists(before))).get_result(conn)?)
        })?,
    };
    let section = diesel::insert_into(sections::table)
        .values((
            sections::id.eq(id),
            Columns::of(new, &slug, parent.as_ref())?,
            sections::version.eq(1),
            sections::created_at.eq(now),
            sections::updated_at.eq(now),
        ))
        .returning(columns::<Section>())
        .get_result(conn)
        .or_taken(&slug, new.slug.is_some())?;
    slugs::take(conn, Kind::Section, &slug, id, new.slug.is_some())?;
    changes::note(conn, Kind::Section, id, now)?;
    search::touch(conn, search::Kind::Section, id)?;
    Ok(section)
}

fn find_parent(conn: &mut Conn, new: &NewSection) -> Result<Option<Section>> {
    let parent = new.parent.as_ref().map(|parent| find_referred(conn, parent)).transpose();
    parent.map_err(|e| match e.code() {
        Code::NotFound => Error::invalid_field("/parent", "not_found", e.to_string()),
        _ => e,
    })
}

/// # Errors
/// 422 for a parent that is the section itself or stands below it.
pub fn update(
    conn: &mut Conn,
    reference: &Ref,
    changes: &SectionChanges,
    expected: &Expected,
    now: Time,
) -> Result<Section> {
    // Two moves at once could make a cycle of two sections that each go below the other.
    lock::table(conn, "sections")?;
    let section = find(conn, reference)?;
    let current = NewSection::from(&section);
    expected.check(&section, || changes.differing(&current))?;
    let new = changes.apply(&current)?;
    let parent = find_parent(conn, &new)?;
    // The same parent by its slug is no change either.
    let new = NewSection { parent: parent.as_ref().map(|parent| Ref::Id(parent.id)), ..new };
    if new == current {
        return Ok(section);
    }
    if parent.as_ref().is_some_and(|p| p.id == section.id || p.path.starts_with(&format!("{}/", section.path))) {
        return Err(Error::invalid_field("/parent", "cycle", "a section cannot stand below itself"));
    }
    let slug = new.slug.clone().unwrap_or_else(|| section.slug.clone());
    let updated: Section = diesel::update(sections::table.find(section.id))
        .set((
            Columns::of(&new, &slug, parent.as_ref())?,
            sections::version.eq(sections::version + 1),
            sections::updated_at.eq(now),
        ))
        .returning(columns::<Section>())
        .get_result(conn)
        .or_taken(&slug, true)?;
    slugs::change(conn, Kind::Section, (&section.slug, &slug), section.id, true, now)?;
    let touch = if updated.name == section.name { search::touch } else { search::touch_name };
    touch(conn, search::Kind::Section, section.id)?;
    let mut changed = vec![(section.id, section.path.clone())];
    if updated.trail != section.trail {
        move_children(conn, &updated, &mut changed)?;
    }
    let ids: Vec<Id> = changed.iter().map(|(id, _)| *id).collect();
    if updated.path != section.path {
        old_paths::leave(conn, &changed, now)?;
        // The address of an article may hold its section's.
        articles::tell_of_sections(conn, &ids, now)?;
    }
    if updated.parent_id != section.parent_id {
        site::check_moved(conn)?;
    }
    changes::note_all(conn, Kind::Section, ids, now)?;
    Ok(updated)
}

/// Writes the paths and trails of all that stands below, a level at a time, and gives each with the path that it had.
fn move_children(conn: &mut Conn, parent: &Section, moved: &mut Vec<(Id, String)>) -> Result<()> {
    let children =
        sections::table.filter(sections::parent_id.eq(parent.id)).select(columns::<Section>()).load::<Section>(conn)?;
    for child in children {
        let (path, trail) = place(Some((&parent.path, &parent.trail.0)), &child.slug, &NewSection::from(&child))?;
        moved.push((child.id, child.path));
        let child: Section = diesel::update(sections::table.find(child.id))
            .set((sections::path.eq(path), sections::trail.eq(AsJson(trail))))
            .returning(columns::<Section>())
            .get_result(conn)?;
        move_children(conn, &child, moved)?;
    }
    Ok(())
}

/// # Errors
/// 409 where an article stands in it, in whatever revision, or a section below it.
pub fn delete(conn: &mut Conn, reference: &Ref, expected: &Expected, now: Time) -> Result<()> {
    let section = find(conn, reference)?;
    expected.check(&section, Vec::new)?;
    let children: i64 = sections::table.filter(sections::parent_id.eq(section.id)).count().get_result(conn)?;
    if children > 0 {
        return Err(Error::with(Code::InUse, format!("sections stand below `{}` ({children})", section.slug)));
    }
    let used: i64 = revisions::table.filter(revisions::section_id.eq(section.id)).count().get_result(conn)?;
    if used > 0 {
        return Err(Error::with(Code::InUse, format!("revisions of articles stand in `{}` ({used})", section.slug)));
    }
    diesel::delete(sections::table.find(section.id)).execute(conn)?;
    slugs::forget(conn, section.id)?;
    search::touch(conn, search::Kind::Section, section.id)?;
    changes::note(conn, Kind::Section, section.id, now)
}

/// The ids of sections, given with their paths, and of all that stand below them.
pub fn with_those_below(conn: &mut Conn, named: Vec<(Id, String)>) -> Result<Vec<Id>> {
    let mut ids = Vec::new();
    for (id, path) in named {
        // "0" follows "/" in ASCII: this is the range of all paths that begin with `path/`.
        let below =
            sections::table.filter(sections::path.ge(format!("{path}/"))).filter(sections::path.lt(format!("{path}0")));
        ids.push(id);
        ids.extend(below.select(sections::id).load::<Id>(conn)?);
    }
    Ok(ids)
}

/// The sections that stand below no other, in their order.
pub fn at_the_root(conn: &mut Conn, limit: i64) -> Result<Vec<(Slug, Line<1, 100>)>> {
    let root = sections::table.filter(sections::parent_id.is_null()).order((sections::position, sections::id));
    Ok(root.limit(limit).select((sections::slug, sections::name)).load(conn)?)
}

/// Whether there is any section at all.
pub fn exist(conn: &mut Conn) -> Result<bool> {
    Ok(diesel::select(diesel::dsl::exists(sections::table.select(sections::id))).get_result(conn)?)
}
