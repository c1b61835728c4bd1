//! Authors, sections and tags that were found.

use super::{
    highlight::Highlighter,
    model::{NameHighlights, SearchHit, Suggestion},
    pending::Kind,
    queries::Hit,
    terms::Wanted,
};
use crate::{
    authors,
    db::{Conn, Id},
    error::Result,
    html,
    schema::{authors as a, sections as s, tags as t},
    sections, tags,
    values::{Language, Line},
};
use diesel::prelude::*;
use std::collections::HashMap;

/// Those of some hits that are no articles, by their ids. What is gone since is left out.
pub fn found(conn: &mut Conn, hits: &[Hit], wanted: &Wanted, language: &Language) -> Result<HashMap<Id, SearchHit>> {
    let of = |kind: Kind| hits.iter().filter(|hit| hit.kind == kind).map(|hit| hit.subject).collect::<Vec<_>>();
    let mut highlighter = Highlighter::new(wanted, language);
    let mut found = HashMap::new();
    for author in authors::those(conn, of(Kind::Author))? {
        let text = html::text(&author.bio_html);
        let highlights = NameHighlights::of(&mut highlighter, author.name.as_str(), &text);
        found.insert(author.id, SearchHit::Author { author, highlights });
    }
    for section in sections::those(conn, of(Kind::Section))? {
        let highlights = NameHighlights::of(&mut highlighter, section.name.as_str(), section.description.as_str());
        found.insert(section.id, SearchHit::Section { section, highlights });
    }
    for tag in tags::those(conn, of(Kind::Tag))? {
        let highlights = NameHighlights::of(&mut highlighter, tag.name.as_str(), tag.description.as_str());
        found.insert(tag.id, SearchHit::Tag { tag, highlights });
    }
    Ok(found)
}

/// How many of these there are.
pub fn count(conn: &mut Conn, ids: &HashMap<Kind, Vec<Id>>) -> Result<i64> {
    let of = |kind: Kind| ids.get(&kind).cloned().unwrap_or_default();
    let authors: i64 = a::table.filter(a::id.eq_any(of(Kind::Author))).count().get_result(conn)?;
    let sections: i64 = s::table.filter(s::id.eq_any(of(Kind::Section))).count().get_result(conn)?;
    let tags: i64 = t::table.filter(t::id.eq_any(of(Kind::Tag))).count().get_result(conn)?;
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
