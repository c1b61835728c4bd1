//! Every statement on keys.

use super::{
    model::{ApiKey, NewApiKey},
    token,
};
use crate::{
    auth::{Actor, Means},
    both,
    clock::Time,
    db::{AsJson, Conn, Id},
    error::{Code, Error, FieldError, Result},
    http::{Expected, Page, Window, cursor::Position},
    permissions::Role,
    schema::{api_keys as k, sections as s, users},
    sections,
    users::Colleague,
    values::Line,
};
use diesel::prelude::*;
use std::collections::HashMap;

/// Who a key speaks for, and when it was last noted to have been used. Nobody, where it has expired or was taken back.
pub fn actor(conn: &mut Conn, hash: &[u8], now: Time) -> Result<Option<(Actor, Option<Time>)>> {
    type Row = (Id, Role, Option<AsJson<Vec<Id>>>, Option<Time>);
    let query = k::table
        .inner_join(users::table)
        .filter(k::hash.eq(hash))
        .filter(k::expires_at.is_null().or(k::expires_at.gt(now)))
        .filter(users::disabled_at.is_null())
        .select((k::id, users::role, k::sections, k::last_used_at));
    let row: Option<Row> = both!(conn, c => query.first(c)).optional()?;
    let Some((user, role, sections, last_used_at)) = row else { return Ok(None) };
    let sections = sections.map(|AsJson(ids)| with_all_below(conn, ids)).transpose()?.map(Into::into);
    Ok(Some((Actor { user, role, means: Means::Key { sections } }, last_used_at)))
}

/// The sections that are still there, and those below them.
fn with_all_below(conn: &mut Conn, ids: Vec<Id>) -> Result<Vec<Id>> {
    let named = s::table.filter(s::id.eq_any(ids)).select((s::id, s::path)).load(conn)?;
    sections::with_those_below(conn, named)
}

pub fn note_use(conn: &mut Conn, key: Id, now: Time) -> Result<()> {
    diesel::update(k::table.find(key)).set(k::last_used_at.eq(now)).execute(conn)?;
    Ok(())
}

type Columns = (Id, Line<1, 100>, Role, Option<AsJson<Vec<Id>>>, String, Time, Option<Id>, Option<Time>, Option<Time>);

macro_rules! keys {
    () => {
        k::table.inner_join(users::table).select((
            k::id,
            users::name,
            users::role,
            k::sections,
            k::begins,
            k::created_at,
            k::created_by,
            k::expires_at,
            k::last_used_at,
        ))
    };
}

/// With the names of those who made them.
fn shown(conn: &mut Conn, rows: Vec<Columns>) -> Result<Vec<ApiKey>> {
    let makers: Vec<Id> = rows.iter().filter_map(|row| row.6).collect();
    let names = users::table.filter(users::id.eq_any(makers)).select((users::id, users::name));
    let names: HashMap<Id, Line<1, 100>> = names.load::<(Id, Line<1, 100>)>(conn)?.into_iter().collect();
    let shown = |(id, name, role, sections, begins, created_at, by, expires_at, last_used_at): Columns| ApiKey {
        id,
        name,
        role,
        sections: sections.map(|AsJson(ids)| ids),
        begins,
        token: None,
        created_at,
        created_by: Colleague::of(by, by.and_then(|by| names.get(&by).cloned())),
        expires_at,
        last_used_at,
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// All keys, the newest first.
pub fn list(conn: &mut Conn, window: &Window) -> Result<Page<ApiKey>> {
    let mut query = keys!().order(k::id.desc()).limit(window.limit + 1).offset(window.offset).into_boxed();
    if let Some((_, id)) = window.after_number() {
        query = query.filter(k::id.lt(id));
    }
    let page = Page::cut(window, query.load::<Columns>(conn)?, |row| Position::new(row.5.micros(), row.0));
    let total = window.count.then(|| k::table.count().get_result(conn)).transpose()?;
    Ok(Page { rows: shown(conn, page.rows)?, next: page.next, total })
}

pub fn find(conn: &mut Conn, id: Id) -> Result<ApiKey> {
    let row = keys!().filter(k::id.eq(id)).first::<Columns>(conn).optional()?;
    let found = shown(conn, row.into_iter().collect())?.pop();
    found.ok_or_else(|| Error::not_found("key", id))
}

/// Makes a key, of which a hash is kept.
///
/// # Errors
/// 422 for a section that is not there, or a time that is past.
pub fn insert(conn: &mut Conn, new: &NewApiKey, token: &str, by: Id, now: Time) -> Result<ApiKey> {
    let sections = checked(conn, new, now)?;
    let id = Id::new();
    diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            // No address has a colon: nobody signs in with this one, and nobody is kept from theirs.
            users::email.eq(format!("key:{id}")),
            users::name.eq(&new.name),
            users::role.eq(new.role),
            users::is_key.eq(true),
            users::version.eq(1),
            users::created_at.eq(now),
            users::updated_at.eq(now),
        ))
        .execute(conn)?;
    let hash = token::hash_of(token);
    let row = (
        k::id.eq(id),
        k::hash.eq(&hash[..]),
        k::begins.eq(token::begins(token)),
        k::sections.eq(sections.map(AsJson)),
        k::created_by.eq(by),
        k::created_at.eq(now),
        k::expires_at.eq(new.expires_at),
    );
    both!(conn, c => diesel::insert_into(k::table).values(row).execute(c))?;
    find(conn, id)
}

/// The sections of a key to make.
fn checked(conn: &mut Conn, new: &NewApiKey, now: Time) -> Result<Option<Vec<Id>>> {
    let mut mistakes = Vec::new();
    if new.expires_at.is_some_and(|at| at <= now) {
        mistakes.push(FieldError::new("/expires_at", "in_the_past", "it would be refused from the beginning"));
    }
    if new.sections.as_ref().is_some_and(Vec::is_empty) {
        mistakes.push(FieldError::new("/sections", "required", "name at least one, or leave it out"));
    }
    let mut sections = Vec::new();
    for (index, reference) in new.sections.iter().flatten().enumerate() {
        match sections::find(conn, reference) {
            Ok(section) => sections.push(section.id),
            Err(e) if e.code() == Code::NotFound => {
                mistakes.push(FieldError::new(format!("/sections/{index}"), "not_found", e.detail()));
            }
            Err(e) => return Err(e),
        }
    }
    if mistakes.is_empty() { Ok(new.sections.is_some().then_some(sections)) } else { Err(Error::invalid(mistakes)) }
}

/// Takes a key back. What it wrote goes on to name it.
pub fn delete(conn: &mut Conn, id: Id, expected: &Expected, now: Time) -> Result<()> {
    expected.check(&find(conn, id)?, Vec::new)?;
    diesel::delete(k::table.find(id)).execute(conn)?;
    diesel::update(users::table.find(id)).set(users::disabled_at.eq(now)).execute(conn)?;
    Ok(())
}
