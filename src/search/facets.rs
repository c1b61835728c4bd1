//! How many of all matches there are in each section, of each author, with each tag, from each year.

use super::{
    document::Label,
    model::{Facet, FacetValue, Facets, YearValue},
    queries::{Field, Source},
};
use crate::{
    db::{Conn, Id, among, full_text::Terms},
    error::Result,
    schema::{authors, published_articles, published_search, sections, tags},
    values::{Line, Slug},
};
use diesel::{dsl::exists, prelude::*};
use std::collections::HashMap;

/// Matches that are counted; of more it is said that the counts are not exact.
const COUNTED: usize = 10_000;
/// Values of a facet that are shown.
const SHOWN: usize = 20;

/// Counts the articles that are public and match.
pub fn count(conn: &mut Conn, field: &Field, terms: &Terms, wanted: &[Facet]) -> Result<Facets> {
    let found = newest(conn, field, terms)?;
    let exact = found.len() <= COUNTED;
    let mut counts: HashMap<Label, u32> = HashMap::new();
    let public = found.iter().take(COUNTED).filter(|(_, is_public)| *is_public);
    for label in public.flat_map(|(labels, _)| Label::read(labels)) {
        *counts.entry(label).or_default() += 1;
    }
    let best = |of: fn(&Label) -> Option<Id>| {
        let mut best: Vec<_> = counts.iter().filter_map(|(label, count)| Some((of(label)?, *count))).collect();
        best.sort_unstable_by_key(|(id, count)| (std::cmp::Reverse(*count), *id));
        best.truncate(SHOWN);
        best
    };
    let mut facets = Facets { exact, section: None, tag: None, author: None, year: None };
    for facet in wanted {
        match facet {
            Facet::Section => {
                let best = best(|label| if let Label::Section(id) = label { Some(*id) } else { None });
                let named = sections::table.filter(among(sections::id, ids(&best)));
                let named = named.select((sections::id, sections::slug, sections::name)).load(conn)?;
                facets.section = Some(values(best, named));
            }
            Facet::Tag => {
                let best = best(|label| if let Label::Tag(id) = label { Some(*id) } else { None });
                let named = tags::table.filter(among(tags::id, ids(&best)));
                let named = named.select((tags::id, tags::slug, tags::name)).load(conn)?;
                facets.tag = Some(values(best, named));
            }
            Facet::Author => {
                let best = best(|label| if let Label::Author(id) = label { Some(*id) } else { None });
                let named = authors::table.filter(among(authors::id, ids(&best)));
                let named = named.select((authors::id, authors::slug, authors::name)).load(conn)?;
                facets.author = Some(values(best, named));
            }
            Facet::Year => facets.year = Some(years(&counts)),
        }
    }
    Ok(facets)
}

/// What the newest matches are counted by, and whether they are public: one more than are counted, where there are more.
fn newest(conn: &mut Conn, field: &Field, terms: &Terms) -> Result<Vec<(Vec<u8>, bool)>> {
    use published_search as s;
    let source = field.sources.first().cloned().unwrap_or_else(Source::public);
    let most = i64::try_from(COUNTED + 1).unwrap_or(i64::MAX);
    let matches = source.matches(conn, terms, field.keys).first(most);
    let public = published_articles::table.filter(published_articles::revision_id.nullable().eq(s::revision_id));
    let found = s::table.filter(matches).order(s::key).limit(most).select((s::labels, exists(public)));
    Ok(found.load(conn)?)
}

fn ids(best: &[(Id, u32)]) -> Vec<Id> {
    best.iter().map(|(id, _)| *id).collect()
}

fn values(best: Vec<(Id, u32)>, named: Vec<(Id, Slug, Line<1, 100>)>) -> Vec<FacetValue> {
    let mut named: HashMap<Id, _> = named.into_iter().map(|(id, slug, name)| (id, (slug, name))).collect();
    let value = |(id, count)| named.remove(&id).map(|(slug, name)| FacetValue { id, slug, name, count });
    let mut values: Vec<_> = best.into_iter().filter_map(value).collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.as_str().cmp(b.name.as_str())));
    values
}

/// Years, the latest first.
fn years(counts: &HashMap<Label, u32>) -> Vec<YearValue> {
    let year = |(label, count): (&Label, &u32)| match label {
        Label::Year(year) => Some(YearValue { year: *year, count: *count }),
        _ => None,
    };
    let mut years: Vec<_> = counts.iter().filter_map(year).collect();
    years.sort_unstable_by_key(|value| std::cmp::Reverse(value.year));
    years.truncate(SHOWN);
    years
}

/// Where nothing matches.
pub fn none(wanted: &[Facet]) -> Facets {
    let has = |facet: Facet| wanted.contains(&facet);
    Facets {
        exact: true,
        section: has(Facet::Section).then(Vec::new),
        tag: has(Facet::Tag).then(Vec::new),
        author: has(Facet::Author).then(Vec::new),
        year: has(Facet::Year).then(Vec::new),
    }
}
