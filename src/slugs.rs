//! Slugs: which are free, and where those lead that something had before.

use crate::{
    clock::Time,
    db::{Conn, Id, column::text_enum, lock},
    error::{Error, OldSlug, Result},
    schema::old_slugs,
    values::{Ref, Slug},
};
use diesel::prelude::*;

text_enum! {
    /// What goes by a slug.
    #[schema(as = ThingKind)]
    pub enum Kind {
        Article = "article",
        Author = "author",
        Section = "section",
        Tag = "tag",
    }
}

/// `wanted`, or the same with a number behind it that neither has nor had anything. `is_taken` looks at what goes by it
/// and at [`had`] in one statement: between two a slug could change from the one to the other.
pub fn free(conn: &mut Conn, wanted: Slug, is_taken: impl Fn(&mut Conn, &Slug) -> Result<bool>) -> Result<Slug> {
    if !is_taken(conn, &wanted)? {
        return Ok(wanted);
    }
    // Of many who look for a number at once each would find the same one.
    lock::name(conn, wanted.as_ref())?;
    next_free(wanted, |slug| is_taken(conn, slug))
}

/// The id of what had a slug before.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn had<'a>(kind: Kind, slug: &'a Slug) -> _ {
    old_slugs::table.filter(old_slugs::kind.eq(kind)).filter(old_slugs::slug.eq(slug)).select(old_slugs::target_id)
}

/// The same, where the public ever found it there.
#[diesel::dsl::auto_type(no_type_alias)]
pub fn had_in_public<'a>(kind: Kind, slug: &'a Slug) -> _ {
    old_slugs::table
        .filter(old_slugs::kind.eq(kind))
        .filter(old_slugs::slug.eq(slug))
        .filter(old_slugs::public)
        .select(old_slugs::target_id)
}

/// What had these slugs, as far as the public knows.
pub fn all_that_had(conn: &mut Conn, kind: Kind, slugs: Vec<Slug>) -> Result<Vec<(Id, String)>> {
    if slugs.is_empty() {
        return Ok(Vec::new());
    }
    let rows = old_slugs::table
        .filter(old_slugs::kind.eq(kind))
        .filter(old_slugs::slug.eq_any(slugs))
        .filter(old_slugs::public);
    Ok(rows.select((old_slugs::target_id, old_slugs::slug)).load(conn)?)
}

/// The 404 for what nobody goes by; where something had that slug, it says what it goes by now.
pub fn absent(kind: Kind, reference: &Ref, now: QueryResult<Option<Slug>>) -> Error {
    let absent = Error::not_found(kind.as_ref(), reference);
    match (now, reference) {
        (Ok(Some(now)), Ref::Slug(old)) => absent.led_on(OldSlug { old: old.clone(), now }),
        (Ok(_), _) => absent,
        (Err(e), _) => e.into(),
    }
}

/// Sees to a slug that `id` goes by from now on, and no longer leads elsewhere. It comes after the statement that gave it
/// the slug: what the unique index made wait has been committed by then, and is seen.
///
/// # Errors
/// 409 where something else had it, and the public may still look for that there.
pub fn take(conn: &mut Conn, kind: Kind, slug: &Slug, id: Id, chosen: bool) -> Result<()> {
    let old = old_slugs::table.find((kind, slug));
    let Some((target, public)) =
        old.select((old_slugs::target_id, old_slugs::public)).first::<(Id, bool)>(conn).optional()?
    else {
        return Ok(());
    };
    if public && target != id {
        return Err(Error::slug_taken(
            format!("the slug `{slug}` still leads to what had it before; choose another"),
            chosen,
        ));
    }
    diesel::delete(old).execute(conn)?;
    Ok(())
}

/// Sees to a change: the new slug is `id`'s, and the one it had leads to it from now on.
pub fn change(conn: &mut Conn, kind: Kind, slugs: (&Slug, &Slug), id: Id, public: bool, now: Time) -> Result<()> {
    let (old, new) = slugs;
    if old == new {
        return Ok(());
    }
    take(conn, kind, new, id, true)?;
    leave(conn, kind, old, id, public, now)
}

/// From now on a slug leads to what had it.
pub fn leave(conn: &mut Conn, kind: Kind, slug: &Slug, id: Id, public: bool, now: Time) -> Result<()> {
    diesel::insert_into(old_slugs::table)
        .values((
            old_slugs::kind.eq(kind),
            old_slugs::slug.eq(slug),
            old_slugs::target_id.eq(id),
            old_slugs::public.eq(public),
            old_slugs::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// When `id` took the slug that it has, unless it has had it from the beginning. A slug that somebody else took over since
/// is forgotten; the public never found it there.
pub fn last_change(conn: &mut Conn, id: Id) -> Result<Option<Time>> {
    let rows = old_slugs::table.filter(old_slugs::target_id.eq(id));
    Ok(rows.select(diesel::dsl::max(old_slugs::created_at)).first(conn)?)
}

/// Frees the slugs that something had which is deleted for good.
pub fn forget(conn: &mut Conn, id: Id) -> Result<()> {
    diesel::delete(old_slugs::table.filter(old_slugs::target_id.eq(id))).execute(conn)?;
    Ok(())
}

/// The next number for a slug that is taken. A thousand articles of one title cost ten looks.
fn next_free(wanted: Slug, mut is_taken: impl FnMut(&Slug) -> Result<bool>) -> Result<Slug> {
    // The last number known to be taken (the slug itself counts as 1), and the first known to be free.
    let (mut taken, mut free) = (1, 2);
    while is_taken(&wanted.numbered(free))? {
        (taken, free) = (free, free * 2);
    }
    while free - taken > 1 {
        let middle = taken + (free - taken) / 2;
        if is_taken(&wanted.numbered(middle))? { taken = middle } else { free = middle }
    }
    Ok(wanted.numbered(free))
}

#[cfg(test)]
mod tests {
    use super::next_free;
    use crate::values::Slug;

    #[test]
    fn a_taken_slug_gets_the_next_number() {
        let slug = |text: &str| Slug::parse(text.into()).unwrap();
        let choose = |taken: &[&str]| next_free(slug("tide"), |s| Ok(taken.contains(&s.as_ref()))).unwrap();
        assert_eq!(choose(&["tide"]), slug("tide-2"));
        assert_eq!(choose(&["tide", "tide-2", "tide-3"]), slug("tide-4"));
    }

    #[test]
    fn many_of_one_title_cost_few_looks() {
        let mut looks = 0;
        let number = |s: &Slug| s.as_ref().strip_prefix("tide").unwrap().trim_start_matches('-').parse().unwrap_or(1);
        let found = next_free(Slug::parse("tide".into()).unwrap(), |s| {
            looks += 1;
            Ok(number(s) <= 1000)
        });
        assert_eq!(found.unwrap().as_ref(), "tide-1001");
        assert!(looks <= 22, "{looks}");
    }
}
