//! Every statement on redirects. No target is the source of another: what would be a chain is kept as two that end alike.

use super::{
    address::{MAX, Source, Target},
    chains::Chains,
    model::{NewRedirect, Redirect, RedirectImport, RedirectParams, RedirectSort, RedirectStatus},
};
use crate::{
    both,
    clock::Time,
    db::{Conn, Id, among, lock},
    error::{Code, Error, FieldError, Result},
    http::{Expected, Page, Window, cursor::Position, page::keyset},
    schema::redirects as r,
};
use diesel::prelude::*;
use std::collections::HashMap;

/// Redirects that a site has at the most, so that the table of all of them stays in bounds.
pub const MOST: usize = 100_000;
/// Addresses in one statement.
const CHUNK: usize = 250;

type Columns = (r::id, r::source, r::target, r::status, r::created_at);
const COLUMNS: Columns = (r::id, r::source, r::target, r::status, r::created_at);

pub fn list(conn: &mut Conn, params: &RedirectParams, window: &Window) -> Result<Page<Redirect>> {
    let filtered = || {
        let mut query = r::table.into_boxed();
        if let Some(source) = &params.source {
            query = query.filter(r::source.eq(source));
        }
        if let Some(status) = params.status {
            query = query.filter(r::status.eq(status));
        }
        query
    };
    let query = filtered().select(COLUMNS);
    let sort = params.sort.unwrap_or_default();
    let page = match sort {
        RedirectSort::Source | RedirectSort::SourceDown => {
            let down = sort == RedirectSort::SourceDown;
            let rows = keyset!(query, window, down, r::source, r::id, Window::after_text).load::<Redirect>(conn)?;
            Page::cut(window, rows, |row| Position::new(row.source.as_ref(), row.id))
        }
        RedirectSort::CreatedAt | RedirectSort::CreatedAtDown => {
            let down = sort == RedirectSort::CreatedAtDown;
            let rows =
                keyset!(query, window, down, r::created_at, r::id, Window::after_number).load::<Redirect>(conn)?;
            Page::cut(window, rows, |row| Position::new(row.created_at.micros(), row.id))
        }
    };
    let total = window.count.then(|| filtered().count().get_result(conn)).transpose()?;
    Ok(Page { total, ..page })
}

/// All of them, by their sources.
pub fn all(conn: &mut Conn) -> Result<Vec<Redirect>> {
    Ok(r::table.select(COLUMNS).order(r::source).load(conn)?)
}

pub fn find(conn: &mut Conn, id: Id) -> Result<Redirect> {
    let row = r::table.find(id).select(COLUMNS).first(conn);
    row.optional()?.ok_or_else(|| Error::not_found("redirect", id))
}

/// Who creates redirects, and when.
#[derive(Debug, Clone, Copy)]
pub struct Creation {
    pub by: Option<Id>,
    pub at: Time,
}

/// Creates a redirect.
///
/// # Errors
/// 409 where the source leads elsewhere already, 422 for a loop.
pub fn insert(conn: &mut Conn, site: &str, new: NewRedirect, id: Id, creation: Creation) -> Result<Redirect> {
    let source = new.source.clone();
    let mut plan = Plan::of(conn, site, vec![Entry { line: None, new }])?;
    let taken = plan.unchanged > 0 || plan.mistakes.iter().any(|mistake| mistake.code == "taken");
    if taken {
        let message = format!("`{source}` leads elsewhere already");
        let mistake = FieldError::new("/source", "taken", message.as_str());
        return Err(Error::with(Code::Conflict, message).list(vec![mistake]));
    }
    for row in &mut plan.create {
        row.id = id;
    }
    plan.carry_out(conn, creation)?;
    find(conn, id)
}

/// Creates all redirects of a table, or none.
///
/// # Errors
/// 422 with the line of each that leads elsewhere already, or in a loop.
pub fn insert_all(conn: &mut Conn, site: &str, entries: Vec<Entry>, creation: Creation) -> Result<RedirectImport> {
    let plan = Plan::of(conn, site, entries)?;
    let done = RedirectImport { created: plan.create.len(), unchanged: plan.unchanged };
    plan.carry_out(conn, creation)?;
    Ok(done)
}

/// Those that led on through it stay as they are.
pub fn delete(conn: &mut Conn, id: Id, expected: &Expected) -> Result<()> {
    lock::table(conn, "redirects")?;
    expected.check(&find(conn, id)?, Vec::new)?;
    diesel::delete(r::table.find(id)).execute(conn)?;
    Ok(())
}

/// A redirect to create, and its line where it stands in a table.
#[derive(Debug, Clone)]
pub struct Entry {
    pub line: Option<u64>,
    pub new: NewRedirect,
}

impl Entry {
    fn mistake(&self, field: &str, code: &'static str, message: String) -> FieldError {
        let line = self.line.map_or_else(String::new, |line| format!("/{line}"));
        FieldError::new(format!("{line}/{field}"), code, message)
    }
}

#[derive(Insertable)]
#[diesel(table_name = r)]
struct NewRow {
    id: Id,
    source: Source,
    target: Target,
    status: RedirectStatus,
    created_by: Option<Id>,
    created_at: Time,
}

/// What there is to do.
#[derive(Default)]
struct Plan {
    create: Vec<Planned>,
    /// Targets from which one of those leads on, and where to.
    lead_on: HashMap<Target, Target>,
    /// How many are there already, just so.
    unchanged: usize,
    mistakes: Vec<FieldError>,
}

struct Planned {
    id: Id,
    source: Source,
    target: Target,
    status: RedirectStatus,
}

impl Plan {
    fn of(conn: &mut Conn, site: &str, mut entries: Vec<Entry>) -> Result<Self> {
        // Two at once could make a circle of two redirects that each lead to the other.
        lock::table(conn, "redirects")?;
        let mut plan = Self::default();
        let mut chains = Chains::default();
        entries.retain_mut(|entry| match entry.new.target.clone().at_home(site) {
            Ok(target) => {
                entry.new.target = target;
                true
            }
            Err(refusal) => {
                plan.mistakes.push(entry.mistake("target", refusal.code, refusal.message.into_owned()));
                false
            }
        });
        let (known, ending_there) = met_by(conn, &entries)?;
        for row in known.values().chain(&ending_there) {
            chains.add(row.source.as_ref(), row.target.clone());
        }
        for entry in &entries {
            chains.add(entry.new.source.as_ref(), entry.new.target.clone());
        }
        plan.add(&entries, &known, &mut chains);
        for row in ending_there {
            // A circle was found at one of its new redirects.
            let Some(end) = chains.end(&row.target).filter(|end| *end != row.target) else { continue };
            if end.as_ref().len() > MAX {
                let message = format!("the address that `{}` leads to would be too long", row.source);
                plan.mistakes.push(FieldError::new("", "too_long", message));
            }
            plan.lead_on.insert(row.target, end);
        }
        Ok(plan)
    }

    fn add(&mut self, entries: &[Entry], known: &HashMap<Source, Redirect>, chains: &mut Chains) {
        let mut lines: HashMap<&Source, &Entry> = HashMap::new();
        for entry in entries {
            let NewRedirect { source, target, status } = &entry.new;
            let status = status.unwrap_or_default();
            let same = |other: &NewRedirect| other.target == *target && other.status.unwrap_or_default() == status;
            let end = chains.end(target).filter(|end| end.path() != Some(source.as_ref()));
            let there = known.get(source);
            match (there, lines.get(source), end) {
                (Some(there), _, Some(end)) if there.target == end && there.status == status => self.unchanged += 1,
                (Some(there), ..) => {
                    let message = format!("`{source}` leads to `{}` already, by {}", there.target, there.status.get());
                    self.mistakes.push(entry.mistake("source", "taken", message));
                }
                (None, Some(before), _) if same(&before.new) => self.unchanged += 1,
                (None, Some(before), _) => {
                    let message = format!("line {} leads elsewhere from `{source}`", before.line.unwrap_or_default());
                    self.mistakes.push(entry.mistake("source", "taken", message));
                }
                (None, None, None) => {
                    let message = format!("that is a loop: {}", chains.way(source.as_ref()));
                    self.mistakes.push(entry.mistake("target", "loop", message));
                }
                (None, None, Some(end)) if end.as_ref().len() > MAX => {
                    let message = format!("where it ends is an address of more than {MAX} characters");
                    self.mistakes.push(entry.mistake("target", "too_long", message));
                }
                (None, None, Some(target)) => {
                    self.create.push(Planned { id: Id::new(), source: source.clone(), target, status });
                }
            }
            lines.entry(source).or_insert(entry);
        }
    }

    fn carry_out(self, conn: &mut Conn, creation: Creation) -> Result<()> {
        if !self.mistakes.is_empty() {
            return Err(Error::invalid(self.mistakes));
        }
        let there: i64 = r::table.count().get_result(conn)?;
        if usize::try_from(there).unwrap_or(MOST) + self.create.len() > MOST {
            return Err(Error::with(Code::Conflict, format!("a site has at most {MOST} redirects")));
        }
        for (before, end) in self.lead_on {
            diesel::update(r::table.filter(r::target.eq(before))).set(r::target.eq(end)).execute(conn)?;
        }
        let Creation { by: created_by, at: created_at } = creation;
        let row =
            |Planned { id, source, target, status }| NewRow { id, source, target, status, created_by, created_at };
        let rows: Vec<NewRow> = self.create.into_iter().map(row).collect();
        for rows in rows.chunks(CHUNK) {
            both!(conn, c => diesel::insert_into(r::table).values(rows).execute(c))?;
        }
        Ok(())
    }
}

/// The redirects that new ones have to do with: those from the same sources and from the new targets, and those that end
/// at one of the new sources. No others, since no target is a source.
fn met_by(conn: &mut Conn, entries: &[Entry]) -> Result<(HashMap<Source, Redirect>, Vec<Redirect>)> {
    let sources = entries.iter().map(|entry| entry.new.source.to_string());
    let targets = entries.iter().filter_map(|entry| entry.new.target.path().map(str::to_owned));
    let paths: Vec<String> = sources.clone().chain(targets).collect();
    let mut known = HashMap::new();
    for some in paths.chunks(CHUNK) {
        let rows = r::table.filter(among(r::source, some.to_vec())).select(COLUMNS).load::<Redirect>(conn)?;
        known.extend(rows.into_iter().map(|row| (row.source.clone(), row)));
    }
    let mut ending_there = Vec::new();
    let sources: Vec<String> = sources.collect();
    for some in sources.chunks(CHUNK / 5) {
        let mut query = r::table.select(COLUMNS).filter(among(r::target, some.to_vec())).into_boxed();
        for source in some {
            // With a query or a fragment behind it: "$" follows "#" in ASCII, and "@" follows "?".
            for (from, to) in [('#', '$'), ('?', '@')] {
                query =
                    query.or_filter(r::target.ge(format!("{source}{from}")).and(r::target.lt(format!("{source}{to}"))));
            }
        }
        ending_there.extend(query.load::<Redirect>(conn)?);
    }
    Ok((known, ending_there))
}
