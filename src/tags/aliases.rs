//! Other names of tags: their slugs lead to the tag, as those do that it had.

use super::model::Tag;
use crate::{
    clock::Time,
    db::{Conn, Id, lock},
    error::{Code, Error, FieldError, Result},
    schema::{old_slugs, tags},
    slugs::Kind,
    values::{Line, Slug},
};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as Diesel},
};

/// Another name of a tag.
pub type Alias = Line<1, 100>;
/// Other names that one tag may have.
pub const MOST: usize = 50;

/// The slug of a name; none where nothing is left of it.
fn slug_of(name: &Alias) -> Option<Slug> {
    let [slug, other] = ["a", "b"].map(|fallback| Slug::of(name.as_str(), fallback));
    (slug == other).then_some(slug)
}

/// The slugs of names.
///
/// # Errors
/// 422 for a name that has none, and for one that means the same as another.
pub fn slugs(names: &[Alias]) -> Result<Vec<Slug>> {
    let (mut slugs, mut mistakes) = (Vec::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        let at = format!("/aliases/{index}");
        match slug_of(name) {
            None => mistakes.push(FieldError::new(at, "invalid_alias", "it has a letter or a digit in it")),
            Some(slug) if slugs.contains(&slug) => {
                mistakes.push(FieldError::new(at, "duplicate", "the tag has this name already"));
            }
            Some(slug) => slugs.push(slug),
        }
    }
    if mistakes.is_empty() { Ok(slugs) } else { Err(Error::invalid(mistakes)) }
}

/// Keeps a slug from becoming a tag's and another's alias at the same time.
pub fn hold(conn: &mut Conn, slug: &Slug) -> Result<()> {
    Ok(lock::name(conn, &format!("tag {slug}"))?)
}

/// # Errors
/// 409 where a name or slug is another name of another tag.
pub fn refuse(conn: &mut Conn, slug: &Slug, pointer: &str, except: Option<Id>) -> Result<()> {
    let whose = old_slugs::table
        .inner_join(tags::table.on(tags::id.eq(old_slugs::target_id)))
        .filter(old_slugs::kind.eq(Kind::Tag))
        .filter(old_slugs::slug.eq(slug))
        .filter(old_slugs::alias)
        .select((tags::id, tags::slug));
    match whose.first::<(Id, Slug)>(conn).optional()? {
        Some((id, whose)) if Some(id) != except => Err(taken(slug, &whose, pointer)),
        _ => Ok(()),
    }
}

fn taken(slug: &Slug, whose: &Slug, pointer: &str) -> Error {
    let message = format!("`{slug}` is another name of the tag `{whose}`");
    Error::with(Code::SlugTaken, message.clone()).list(vec![FieldError::new(pointer, "taken", message)])
}

/// Lets these names lead to a tag, and no longer those that it had.
///
/// # Errors
/// 409 for a name that leads to another tag.
pub fn change(conn: &mut Conn, tag: &Tag, before: &[Alias], now: Time) -> Result<()> {
    let (old, new) = (before.iter().filter_map(slug_of).collect::<Vec<_>>(), slugs(&tag.aliases.read()?)?);
    for slug in old.iter().filter(|slug| !new.contains(slug)) {
        let led = old_slugs::table.find((Kind::Tag, slug)).filter(old_slugs::target_id.eq(tag.id));
        diesel::delete(led.filter(old_slugs::alias)).execute(conn)?;
    }
    let mut added: Vec<(usize, &Slug)> =
        new.iter().enumerate().filter(|(_, slug)| !old.contains(slug) && **slug != tag.slug).collect();
    // In one order, whatever the order of the names.
    added.sort_by_key(|(_, slug)| *slug);
    for (index, slug) in added {
        lead(conn, tag, slug, &format!("/aliases/{index}"), now)?;
    }
    Ok(())
}

fn lead(conn: &mut Conn, tag: &Tag, slug: &Slug, pointer: &str, now: Time) -> Result<()> {
    hold(conn, slug)?;
    if let Some(whose) = whose(conn, slug)? {
        return if whose.0 == tag.id { Ok(()) } else { Err(taken(slug, &whose.1, pointer)) };
    }
    let row = (
        old_slugs::kind.eq(Kind::Tag),
        old_slugs::slug.eq(slug),
        old_slugs::target_id.eq(tag.id),
        old_slugs::public.eq(true),
        old_slugs::alias.eq(true),
        old_slugs::created_at.eq(now),
    );
    diesel::insert_into(old_slugs::table).values(row).execute(conn).map_err(|error| match error {
        // Another was faster: once more, to say who.
        Diesel::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
            Error::slug_taken(format!("`{slug}` leads to another tag"), false)
        }
        error => error.into(),
    })?;
    Ok(())
}

/// The tag that goes by a slug or had it, or has a name of it.
fn whose(conn: &mut Conn, slug: &Slug) -> Result<Option<(Id, Slug)>> {
    let columns = (tags::id, tags::slug);
    let now = tags::table.filter(tags::slug.eq(slug)).select(columns).first(conn).optional()?;
    if now.is_some() {
        return Ok(now);
    }
    let had = tags::table.filter(tags::id.eq_any(crate::slugs::had(Kind::Tag, slug)));
    Ok(had.select(columns).first(conn).optional()?)
}

/// The other names of a tag with those of one that is merged into it, and the name that that one had, unless it leads to
/// a third.
///
/// # Errors
/// 422 where there are too many.
pub fn merged(conn: &mut Conn, into: &Tag, from: &Tag) -> Result<Vec<Alias>> {
    let mut all = into.aliases.read()?;
    let mut known: Vec<Slug> = all.iter().filter_map(slug_of).chain(slug_of(&into.name)).collect();
    for name in from.aliases.read()?.iter().chain([&from.name]) {
        if let Some(slug) = slug_of(name).filter(|slug| !known.contains(slug))
            && whose(conn, &slug)?.is_none_or(|(id, _)| [into.id, from.id].contains(&id))
        {
            known.push(slug);
            all.push(name.clone());
        }
    }
    if all.len() > MOST {
        let message = format!("`{}` would have more than {MOST} other names: take some away first", into.slug);
        return Err(Error::invalid_field("/into", "too_many", message));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{Alias, slug_of, slugs};

    #[test]
    fn a_name_has_a_slug_of_its_own() {
        let names = |names: &[&str]| names.iter().map(|n| Alias::parse((*n).into()).unwrap()).collect::<Vec<_>>();
        assert_eq!(slug_of(&names(&["Häfen & Co."])[0]).unwrap().as_ref(), "hafen-co");
        assert!(slugs(&names(&["Port", "Haven"])).is_ok());
        let wrong = slugs(&names(&["Port", "port!", "..."])).unwrap_err();
        let found: Vec<_> = wrong.errors().iter().map(|e| (e.pointer.as_str(), e.code.as_ref())).collect();
        assert_eq!(found, [("/aliases/1", "duplicate"), ("/aliases/2", "invalid_alias")]);
    }
}
