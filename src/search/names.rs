//! Authors, sections and tags that were found.

use super::{
    highlight::Highlighter,
    model::{NameHighlights, SearchHit, Suggestion},
    pending::Kind,
    queries::Hit,
    terms::Wanted,
};
use crate::{
    authors::Author,
    db::{Conn, Id, among, columns},
    error::Result,
    html,
    schema::{authors, sections, tags},
    sections::Section,
    tags::Tag,
    values::{Language, Line},
};
use diesel::prelude::*;
use std::collections::HashMap;

/// Those of some hits that are no articles, by their ids. What is gone since is left out.
pub fn found(conn: &mut Conn, hits: &[Hit], wanted: &Wanted, language: &Language) -> Result<HashMap<Id, SearchHit>> {
    let of = |kind: Kind| hits.iter().filter(|hit| hit.kind == kind).map(|hit| hit.subject).collect::<Vec<_>>();
    let mut highlighter = Highlighter::new(wanted, language);
    let mut found = HashMap::new();
    let ids = of(Kind::Author);
    if !ids.is_empty() {
        let rows = authors::table.filter(among(authors::id, ids)).select(columns::<Author>()).load::<Author>(conn)?;
        for author in rows {
            let text = html::text(&author.bio_html);
            let highlights = NameHighlights::of(&mut highlighter, author.name.as_str(), &text);
            found.insert(author.id, SearchHit::Author { author, highlights });
        }
    }
    let ids = of(Kind::Section);
    if !ids.is_empty() {
        let rows =
            sections::table.filter(among(sections::id, ids)).select(columns::<Section>()).load::<Section>(conn)?;
        for section in rows {
            let highlights = NameHighlights::of(&mut highlighter, section.name.as_str(), section.description.as_str());
            found.insert(section.id, SearchHit::Section { section, highlights });
        }
    }
    let ids = of(Kind::Tag);
    if !ids.is_empty() {
        for tag in tags::table.filter(among(tags::id, ids)).select(columns::<Tag>()).load::<Tag>(conn)? {
            let highlights = NameHighlights::of(&mut highlighter, tag.name.as_str(), tag.description.as_str());
            found.insert(tag.id, SearchHit::Tag { tag, highlights });
        }
    }
    Ok(found)
}

/// How many of these there are.
pub fn count(conn: &mut Conn, ids: &HashMap<Kind, Vec<Id>>) -> Result<i64> {
    let of = |kind: Kind| ids.get(&kind).cloned().unwrap_or_default();
    let authors: i64 = authors::table.filter(authors::id.eq_any(of(Kind::Author))).count().get_result(conn)?;
    let sections: i64 = sections::table.filter(sections::id.eq_any(of(Kind::Section))).count().get_result(conn)?;
    let tags: i64 = tags::table.filter(tags::id.eq_any(of(Kind::Tag))).count().get_result(conn)?;
    Ok(authors + sections + tags)
}

/// The same as somebody who is still typing is shown them.
pub fn suggestion(hit: SearchHit) -> Option<Suggestion> {
    let (kind, id, slug, name, highlights) = match hit {
        SearchHit::Article { .. } => return None,
        SearchHit::Author { author, highlights } => (Kind::Author, author.id, author.slug, author.name, highlights),
        SearchHit::Section { section, highlights } => {
            (Kind::Section, section.id, section.slug, section.name, highlights)
        }
        SearchHit::Tag { tag, highlights } => (Kind::Tag, tag.id, tag.slug, tag.name, highlights),
    };
    Some(Suggestion { kind, id, slug, text: Line::trusted(name.into_inner()), html: highlights.name })
}
