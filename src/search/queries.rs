//! What is found: posting lists that are walked from their newest end, so that a word that stands everywhere costs no more
//! than one that is rare.

use super::{document::ARTICLES, pending::Kind, terms::Wanted};
use crate::{
    both,
    db::{
        Conn, Id,
        full_text::{Index, Matches, Terms, Walk},
    },
    error::{Error, Result},
    http::{Page, Window, cursor::Position},
    schema::{published_articles, published_search},
};
use diesel::prelude::*;
use std::collections::HashSet;

/// Documents that are looked at in one step at the most.
const STEP: i64 = 500;
/// Hits that numbered pages of a search reach.
const DEEPEST: i64 = 1_000;

/// A document that matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Hit {
    tier: i32,
    key: i64,
    pub subject: Id,
    pub kind: Kind,
    pub revision: Option<Id>,
}

impl Hit {
    fn place(&self) -> Place {
        (self.tier, self.key)
    }
}

/// Where a document stands in what is found: its tier, and within it its key.
type Place = (i32, i64);

/// An index, and what must stand in each of its documents besides what is looked for.
#[derive(Debug, Clone)]
pub struct Source {
    pub index: Index,
    pub holds: Vec<Terms>,
}

impl Source {
    /// What anyone may read.
    pub fn public() -> Self {
        Self { index: Index::Published, holds: Vec::new() }
    }

    fn terms(&self, terms: &Terms) -> Terms {
        if self.holds.is_empty() {
            return terms.clone();
        }
        Terms::All([self.holds.clone(), vec![terms.clone()]].concat())
    }

    /// The condition on its rows, of those with keys behind one and up to another.
    pub fn matches(&self, conn: &Conn, terms: &Terms, keys: (i64, i64)) -> Matches {
        Matches::new(conn, self.index, &self.terms(terms), keys)
    }
}

/// Where to look, and in which part of it.
#[derive(Debug, Clone)]
pub struct Field {
    pub sources: Vec<Source>,
    /// Keys are greater than the first, and not greater than the second.
    pub keys: (i64, i64),
}

impl Field {
    /// All that is public: sections, tags and authors before articles.
    pub fn public() -> Self {
        Self { sources: vec![Source::public()], keys: (i64::MIN, i64::MAX) }
    }

    /// Before all of it.
    pub fn begin(&self) -> Place {
        (0, self.keys.0)
    }

    pub fn of_articles(self) -> Self {
        Self { keys: (self.keys.0.max(ARTICLES), self.keys.1), ..self }
    }

    /// What also holds this word, in every index.
    pub fn holding(mut self, terms: &Terms) -> Self {
        self.sources.iter_mut().for_each(|source| source.holds.push(terms.clone()));
        self
    }
}

/// What hits are shown as.
pub trait Showing {
    type Row;

    /// Those of some hits that may be shown, in their order.
    fn seen(&self, conn: &mut Conn, hits: Vec<Hit>) -> Result<Vec<Hit>>;

    /// The same as they are shown.
    fn shown(&self, conn: &mut Conn, hits: Vec<Hit>) -> Result<Vec<(Hit, Self::Row)>>;
}

/// A page of what is wanted, the best first: by [tiers](Wanted::tiers), and within one the newest first.
///
/// # Errors
/// 400 for a page that is too deep: what comes before it has to be found, too.
pub fn ranked<S: Showing>(
    conn: &mut Conn,
    field: &Field,
    wanted: &Wanted,
    window: &Window,
    showing: &S,
) -> Result<Page<S::Row>> {
    let mut after = window.after_text().and_then(|(text, _)| place(&text)).unwrap_or(field.begin());
    if window.offset + window.limit > DEEPEST {
        let last = DEEPEST / window.limit;
        let message = format!("in a search it is between 1 and {last} here; go deeper with a cursor");
        return Err(Error::parameter("page", "out_of_range", message));
    }
    let limit = usize::try_from(window.limit).unwrap_or(usize::MAX);
    let mut before = usize::try_from(window.offset).unwrap_or(usize::MAX);
    let tiers = wanted.tiers();
    let mut found: Vec<(Hit, S::Row)> = Vec::new();
    let mut seen: HashSet<Id> = HashSet::new();
    let mut step = (window.offset + window.limit + 1).min(STEP);
    while found.len() <= limit {
        let (hits, more) = some(conn, field, &tiers, after, step)?;
        let Some(last) = hits.last() else { break };
        after = last.place();
        let mut hits: Vec<_> =
            hits.into_iter().filter(|hit| seen.insert(hit.revision.unwrap_or(hit.subject))).collect();
        if before > 0 {
            hits = showing.seen(conn, hits)?;
            let passed = before.min(hits.len());
            hits.drain(..passed);
            before -= passed;
        }
        while found.len() <= limit && !hits.is_empty() {
            let rest = hits.split_off(hits.len().min(limit + 1 - found.len()));
            found.extend(showing.shown(conn, hits)?);
            hits = rest;
        }
        if !more {
            break;
        }
        step = (step * 2).min(STEP);
    }
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|(hit, _)| Position::new(format!("{}.{}", hit.tier, hit.key).as_str(), hit.subject));
    Ok(Page { rows: found.into_iter().map(|(_, row)| row).collect(), next, total: None })
}

fn place(text: &str) -> Option<Place> {
    let (tier, key) = text.split_once('.')?;
    Some((tier.parse().ok()?, key.parse().ok()?))
}

/// Some hits of all sources behind a place, tier after tier and the newest first, and whether there may be more.
pub fn some(conn: &mut Conn, field: &Field, tiers: &[Terms], after: Place, limit: i64) -> Result<(Vec<Hit>, bool)> {
    let mut hits: Vec<Hit> = Vec::new();
    let (mut complete, mut more) = ((i32::MAX, i64::MAX), false);
    for source in &field.sources {
        let found = walk(conn, source, field, tiers, after, limit)?;
        if i64::try_from(found.len()).is_ok_and(|found| found == limit)
            && let Some(last) = found.last()
        {
            // What the other sources have behind this comes with the next step.
            (complete, more) = (complete.min(last.place()), true);
        }
        hits.extend(found);
    }
    hits.retain(|hit| hit.place() <= complete);
    hits.sort_by_key(Hit::place);
    hits.dedup();
    Ok((hits, more))
}

fn walk(
    conn: &mut Conn,
    source: &Source,
    field: &Field,
    tiers: &[Terms],
    (first, after): Place,
    limit: i64,
) -> Result<Vec<Hit>> {
    let mut walk = Walk::new(limit);
    for (tier, terms) in (0..).zip(tiers).skip_while(|(tier, _)| *tier < first) {
        let behind = if tier == first { after } else { field.keys.0 };
        walk.through(tier, source.matches(conn, terms, (behind, field.keys.1)));
    }
    if walk.is_over() {
        return Ok(Vec::new());
    }
    Ok(both!(conn, c => walk.load(c))?)
}

/// How many articles match that are public.
pub fn count_public(conn: &mut Conn, field: &Field, terms: &Terms) -> Result<i64> {
    use published_search as s;
    let source = field.sources.first().cloned().unwrap_or_else(Source::public);
    let matches = source.matches(conn, terms, field.keys);
    let visible = published_articles::table.on(published_articles::revision_id.nullable().eq(s::revision_id));
    Ok(s::table.inner_join(visible).filter(matches).count().get_result(conn)?)
}

/// What matches and is no article.
pub fn names(conn: &mut Conn, field: &Field, terms: &Terms) -> Result<Vec<(Kind, Id)>> {
    use published_search as s;
    if field.keys.0 >= ARTICLES {
        return Ok(Vec::new());
    }
    let source = field.sources.first().cloned().unwrap_or_else(Source::public);
    let found = s::table.filter(source.matches(conn, terms, (field.keys.0, ARTICLES)));
    Ok(found.select((s::kind, s::subject_id)).load(conn)?)
}
