//! Every statement on the site's one row.

use super::{
    custom_fields::{self, CustomFields},
    model::{Profile, SiteChanges, SiteView},
};
use crate::{
    both, changes,
    clock::{self, Time},
    db::{AsJson, Conn, Id, lock},
    error::{Error, Result},
    http::{Expected, Versioned},
    schema::site,
    search,
};
use diesel::prelude::*;
use serde_json::Value;

/// The row's only id.
const ONE: i32 = 1;

/// The row; its custom fields stand apart, since every revision asks for them.
struct Row {
    profile: Profile,
    version: i32,
    updated_at: Time,
}

impl Versioned for Row {
    /// There is one.
    fn id(&self) -> Id {
        Id::LEAST
    }

    fn version(&self) -> i32 {
        self.version
    }
}

fn row(conn: &mut Conn) -> Result<Row> {
    type Columns = (AsJson<Profile>, Option<AsJson<CustomFields>>, i32, Time);
    let columns = (site::profile, site::custom_fields, site::version, site::updated_at);
    let (AsJson(profile), fields, version, updated_at): Columns = site::table.find(ONE).select(columns).first(conn)?;
    let custom_fields = fields.map(|fields| fields.0).unwrap_or_default();
    Ok(Row { profile: Profile { custom_fields, ..profile }, version, updated_at })
}

/// The columns that hold a profile.
fn apart(profile: &Profile) -> (AsJson<Profile>, Option<AsJson<CustomFields>>) {
    let fields = (!profile.custom_fields.is_empty()).then(|| AsJson(profile.custom_fields.clone()));
    (AsJson(Profile { custom_fields: CustomFields::default(), ..profile.clone() }), fields)
}

/// What the newsroom says of its site, but for the fields of its own; nothing before the first start.
pub fn profile(conn: &mut Conn) -> Result<Option<Profile>> {
    let profile = site::table.find(ONE).select(site::profile).first::<AsJson<Profile>>(conn).optional()?;
    Ok(profile.map(|profile| profile.0))
}

/// What the newsroom says of its site, and the version of it. Where it has not said anything yet, it says `first`.
pub fn found(conn: &mut Conn, first: &Profile) -> Result<(Profile, i32)> {
    let (profile, custom_fields) = apart(first);
    let values = (
        site::id.eq(ONE),
        site::profile.eq(profile),
        site::custom_fields.eq(custom_fields),
        site::version.eq(1),
        site::updated_at.eq(clock::now()),
    );
    both!(conn, c => diesel::insert_into(site::table).values(values).on_conflict_do_nothing().execute(c))?;
    read(conn)
}

pub fn read(conn: &mut Conn) -> Result<(Profile, i32)> {
    let row = row(conn)?;
    Ok((row.profile, row.version))
}

pub fn version(conn: &mut Conn) -> Result<i32> {
    Ok(site::table.find(ONE).select(site::version).first(conn)?)
}

/// The site as it is told, at its address.
pub fn find(conn: &mut Conn, url: &str) -> Result<SiteView> {
    let row = row(conn)?;
    shown(conn, row, url)
}

fn shown(conn: &mut Conn, row: Row, url: &str) -> Result<SiteView> {
    let Row { profile, version, updated_at } = row;
    Ok(SiteView {
        name: profile.name,
        description: profile.description,
        url: url.to_owned(),
        locale: profile.locale,
        languages: profile.languages,
        time_zone: profile.time_zone,
        place: profile.place,
        logo: profile.logo,
        navigation: profile.navigation,
        secondary_navigation: profile.secondary_navigation,
        social_links: profile.social_links,
        permalinks: profile.permalinks,
        custom_fields: custom_fields::shown(conn, profile.custom_fields)?,
        updated_at,
        version,
    })
}

/// # Errors
/// 409 for schemas of custom fields that would refuse what is stored.
pub fn update(conn: &mut Conn, url: &str, changes: &SiteChanges, expected: &Expected, now: Time) -> Result<SiteView> {
    lock::rows(conn, site::table.find(ONE).select(site::id))?;
    let row = row(conn)?;
    expected.check(&row, || changes.differing(&row.profile))?;
    let new = changes.apply(&replacing_schemas(&row.profile, changes))?;
    let mistakes = new.mistakes();
    if !mistakes.is_empty() {
        return Err(Error::invalid(mistakes));
    }
    let fields = custom_fields::named_by_id(conn, new.custom_fields)?;
    let new = Profile { custom_fields: fields, ..new };
    if new == row.profile {
        return shown(conn, row, url);
    }
    if new.custom_fields != row.profile.custom_fields {
        // Whoever adds a revision meanwhile waits, and is held to what is decided here.
        lock::table(conn, "revisions")?;
        custom_fields::check_stored(conn, &new.custom_fields, "/custom_fields")?;
    }
    if new.permalinks != row.profile.permalinks
        || new.time_zone != row.profile.time_zone
        || new.name != row.profile.name
        || new.logo != row.profile.logo
    {
        // Everything that is public has another address, or tells search engines of another publisher.
        changes::note_everything(conn, now)?;
    }
    if new.languages != row.profile.languages {
        search::touch_all(conn)?;
    }
    let (version, updated_at) = (row.version + 1, now);
    let (profile, custom_fields) = apart(&new);
    diesel::update(site::table.find(ONE))
        .set((
            site::profile.eq(profile),
            site::custom_fields.eq(custom_fields),
            site::version.eq(version),
            site::updated_at.eq(updated_at),
        ))
        .execute(conn)?;
    shown(conn, Row { profile: new, version, updated_at }, url)
}

/// The site without the schema that the changes bring: half of one and half of another would be a third that nobody wrote.
fn replacing_schemas(current: &Profile, changes: &SiteChanges) -> Profile {
    let brings = changes.get("custom_fields").and_then(|fields| fields.get("schema")).is_some_and(Value::is_object);
    let mut current = current.clone();
    if brings {
        current.custom_fields.schema = None;
    }
    current
}
