//! Every statement on authors.

use super::model::{Archived, Author, AuthorChanges, AuthorLink, AuthorParams, AuthorSort, NewAuthor};
use crate::{
    both, changes,
    clock::Time,
    db::{AsJson, Conn, Id, among, columns, in_order, in_size, lock},
    error::{Code, Error, OnTaken, Result},
    html,
    http::{Expected, Page, Window, cursor::Position, page::keyset},
    schema::{authors, revision_authors},
    search,
    slugs::{self, Kind},
    values::{Image, Ref, Slug, WebUrl},
};
use diesel::{dsl::exists, prelude::*};
use std::collections::HashMap;

/// The longest HTML that a biography may become, in bytes.
const MAX_HTML: usize = 200_000;

/// The columns that a client decides.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = authors, treat_none_as_default_value = false, treat_none_as_null = true)]
struct Columns<'a> {
    slug: &'a Slug,
    name: &'a str,
    bio: &'a str,
    bio_html: String,
    website: Option<&'a WebUrl>,
    image: Option<AsJson<Image>>,
    links: AsJson<Vec<AuthorLink>>,
}

impl<'a> Columns<'a> {
    fn of(new: &'a NewAuthor, slug: &'a Slug) -> Result<Self> {
        let bio = new.bio.as_ref().map_or("", |bio| bio.as_str());
        Ok(Self {
            slug,
            name: new.name.as_str(),
            bio,
            bio_html: html::from_markdown(bio, MAX_HTML).map_err(|refusal| refusal.at("/bio"))?,
            website: new.website.as_ref(),
            image: new.image.clone().map(AsJson),
            links: AsJson(new.links.clone().unwrap_or_default()),
        })
    }
}

pub fn list(conn: &mut Conn, params: &AuthorParams, window: &Window) -> Result<Page<Author>> {
    let filtered = || {
        let query = authors::table.into_boxed();
        match params.archived {
            None => query.filter(authors::archived_at.is_null()),
            Some(Archived::Only) => query.filter(authors::archived_at.is_not_null()),
            Some(Archived::Any) => query,
        }
    };
    let query = filtered().select(columns::<Author>());
    let sort = params.sort.unwrap_or_default();
    let page = match sort {
        AuthorSort::Name | AuthorSort::NameDown => {
            let down = sort == AuthorSort::NameDown;
            let rows =
                keyset!(query, window, down, authors::name, authors::id, Window::after_text).load::<Author>(conn)?;
            Page::cut(window, rows, |author| Position::new(author.name.as_str(), author.id))
        }
        AuthorSort::ArticleCount | AuthorSort::ArticleCountDown => {
            let down = sort == AuthorSort::ArticleCountDown;
            let rows = keyset!(query, window, down, authors::article_count, authors::id, Window::after_number)
                .load::<Author>(conn)?;
            Page::cut(window, rows, |author| Position::new(author.article_count, author.id))
        }
        AuthorSort::CreatedAt | AuthorSort::CreatedAtDown => {
            let down = sort == AuthorSort::CreatedAtDown;
            let rows = keyset!(query, window, down, authors::created_at, authors::id, Window::after_number)
                .load::<Author>(conn)?;
            Page::cut(window, rows, |author| Position::new(author.created_at.micros(), author.id))
        }
    };
    let total = window.count.then(|| filtered().count().get_result(conn)).transpose()?;
    Ok(Page { total, ..page })
}

pub fn find(conn: &mut Conn, reference: &Ref) -> Result<Author> {
    let query = authors::table.select(columns::<Author>());
    let author = match reference {
        Ref::Id(id) => query.filter(authors::id.eq(id)).first(conn),
        Ref::Slug(slug) => query.filter(authors::slug.eq(slug)).first(conn),
    };
    author.optional()?.ok_or_else(|| absent(conn, reference))
}

/// Those of some authors that are there.
pub fn those(conn: &mut Conn, ids: Vec<Id>) -> Result<Vec<Author>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(authors::table.filter(among(authors::id, ids)).select(columns::<Author>()).load(conn)?)
}

fn absent(conn: &mut Conn, reference: &Ref) -> Error {
    let now = match reference {
        Ref::Slug(slug) => {
            let author = authors::table.filter(authors::id.eq_any(slugs::had(Kind::Author, slug)));
            author.select(authors::slug).first(conn).optional()
        }
        Ref::Id(_) => Ok(None),
    };
    slugs::absent(Kind::Author, reference, now)
}

/// Finds it and holds it, so that of two changes at once the second sees what the first made.
fn find_for_update(conn: &mut Conn, reference: &Ref) -> Result<Author> {
    let author = find(conn, reference)?;
    lock::rows(conn, authors::table.find(author.id).select(authors::id))?;
    find(conn, &author.id.into())
}

/// Creates an author. A slug that was not given is made from the name, with a number where that is taken.
pub fn insert(conn: &mut Conn, new: &NewAuthor, id: Id, now: Time) -> Result<Author> {
    let slug = match &new.slug {
        Some(slug) => slug.clone(),
        None => slugs::free(conn, Slug::of(new.name.as_str(), "author"), |conn, slug| {
            let same = authors::table.filter(authors::slug.eq(slug));
            let before = slugs::had(Kind::Author, slug);
            Ok(diesel::select(exists(same).or(exists(before))).get_result(conn)?)
        })?,
    };
    let author = diesel::insert_into(authors::table)
        .values((
            authors::id.eq(id),
            Columns::of(new, &slug)?,
            authors::version.eq(1),
            authors::created_at.eq(now),
            authors::updated_at.eq(now),
        ))
        .returning(columns::<Author>())
        .get_result(conn)
        .or_taken(&slug, new.slug.is_some())?;
    slugs::take(conn, Kind::Author, &slug, id, new.slug.is_some())?;
    changes::note(conn, Kind::Author, id, now)?;
    search::touch(conn, search::Kind::Author, id)?;
    Ok(author)
}

pub fn update(
    conn: &mut Conn,
    reference: &Ref,
    changes: &AuthorChanges,
    expected: &Expected,
    now: Time,
) -> Result<Author> {
    let author = find_for_update(conn, reference)?;
    let current = NewAuthor::try_from(&author)?;
    expected.check(&author, || changes.differing(&current))?;
    let new = changes.apply(&current)?;
    if new == current {
        return Ok(author);
    }
    let slug = new.slug.clone().unwrap_or_else(|| author.slug.clone());
    let updated: Author = diesel::update(authors::table.find(author.id))
        .set((Columns::of(&new, &slug)?, authors::version.eq(authors::version + 1), authors::updated_at.eq(now)))
        .returning(columns::<Author>())
        .get_result(conn)
        .or_taken(&slug, true)?;
    slugs::change(conn, Kind::Author, (&author.slug, &slug), author.id, true, now)?;
    changes::note(conn, Kind::Author, author.id, now)?;
    let touch = if updated.name == author.name { search::touch } else { search::touch_name };
    touch(conn, search::Kind::Author, author.id)?;
    Ok(updated)
}

/// Says that an author writes no more, or does again. What they wrote keeps their byline.
pub fn archive(conn: &mut Conn, reference: &Ref, archived: bool, expected: &Expected, now: Time) -> Result<Author> {
    let author = find_for_update(conn, reference)?;
    expected.check(&author, Vec::new)?;
    if author.archived_at.is_some() == archived {
        return Ok(author);
    }
    let changed = (
        authors::archived_at.eq(archived.then_some(now)),
        authors::version.eq(authors::version + 1),
        authors::updated_at.eq(now),
    );
    let author = diesel::update(authors::table.find(author.id))
        .set(changed)
        .returning(columns::<Author>())
        .get_result::<Author>(conn)?;
    changes::note(conn, Kind::Author, author.id, now)?;
    Ok(author)
}

/// # Errors
/// 409 where an article carries the byline, in whatever revision: what was saved is never lost.
pub fn delete(conn: &mut Conn, reference: &Ref, expected: &Expected, now: Time) -> Result<()> {
    let author = find_for_update(conn, reference)?;
    expected.check(&author, Vec::new)?;
    let used: i64 =
        revision_authors::table.filter(revision_authors::author_id.eq(author.id)).count().get_result(conn)?;
    if used > 0 {
        return Err(Error::with(
            Code::InUse,
            format!("{used} revisions of articles carry the byline `{}`: archive it instead", author.slug),
        ));
    }
    diesel::delete(authors::table.find(author.id)).execute(conn)?;
    slugs::forget(conn, author.id)?;
    search::touch(conn, search::Kind::Author, author.id)?;
    changes::note(conn, Kind::Author, author.id, now)
}

/// The bylines of revisions, in their order.
pub fn of_revisions(conn: &mut Conn, revisions: Vec<Id>) -> Result<HashMap<Id, Vec<Author>>> {
    let rows = in_size!(revisions, some => {
        let query = revision_authors::table
            .inner_join(authors::table)
            .filter(among(revision_authors::revision_id, some))
            .select((revision_authors::revision_id, revision_authors::position, columns::<Author>()));
        both!(conn, c => query.load::<(Id, i32, Author)>(c))?
    });
    Ok(in_order(rows))
}
