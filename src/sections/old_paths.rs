//! The paths that sections had, which lead on when one is moved, alone or with what it stands below.

use crate::{
    clock::Time,
    db::{Conn, Id},
    error::Result,
    schema::{old_paths, sections},
};
use diesel::prelude::*;

/// The section that stands at a path, or else the one that stood there last.
pub fn find(conn: &mut Conn, path: &str) -> Result<Option<Id>> {
    let there: Option<Id> =
        sections::table.filter(sections::path.eq(path)).select(sections::id).first(conn).optional()?;
    if there.is_some() {
        return Ok(there);
    }
    Ok(old_paths::table.find(path).select(old_paths::section_id).first(conn).optional()?)
}

/// From now on the paths that these sections had lead to them.
pub fn leave(conn: &mut Conn, moved: &[(Id, String)], now: Time) -> Result<()> {
    for (section, path) in moved {
        diesel::delete(old_paths::table.find(path)).execute(conn)?;
        let left = (old_paths::path.eq(path), old_paths::section_id.eq(section), old_paths::created_at.eq(now));
        diesel::insert_into(old_paths::table).values(left).execute(conn)?;
    }
    Ok(())
}
