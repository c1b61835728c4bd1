//! What somebody who is still typing may be looking for: names first, then titles, the newest first.

use super::{
    document::ARTICLES,
    highlight::Highlighter,
    model::Suggestion,
    names,
    pending::Kind,
    queries::{self, Field},
    terms::Wanted,
};
use crate::{
    articles,
    db::{Conn, Id},
    error::Result,
    values::{Language, Line},
};

/// Names that are suggested, where titles fit as well.
const NAMES: usize = 5;

pub fn list(conn: &mut Conn, wanted: &Wanted, language: &Language, limit: usize) -> Result<Vec<Suggestion>> {
    if wanted.words.is_empty() {
        return Ok(Vec::new());
    }
    let (field, terms) = (Field::public(), [wanted.in_titles()]);
    let some = i64::try_from(limit).unwrap_or(10) * 2;
    let of_names = Field { keys: (i64::MIN, ARTICLES), ..field.clone() };
    let (hits, _) = queries::some(conn, &of_names, &terms, of_names.begin(), some)?;
    let mut known = names::found(conn, &hits, wanted, language)?;
    let mut names: Vec<_> =
        hits.iter().filter_map(|hit| known.remove(&hit.subject).and_then(names::suggestion)).take(limit).collect();
    let of_articles = field.of_articles();
    let (hits, _) = queries::some(conn, &of_articles, &terms, of_articles.begin(), some)?;
    let revisions: Vec<Id> = hits.iter().filter_map(|hit| hit.revision).collect();
    let rows = articles::published_revisions(conn, revisions)?;
    let titles = hits.iter().filter_map(|hit| rows.iter().find(|row| Some(row.revision_id) == hit.revision));
    let mut titles: Vec<_> = titles
        .map(|row| Suggestion {
            kind: Kind::Article,
            id: row.id,
            slug: row.slug.clone(),
            html: Highlighter::new(wanted, &row.language).whole(row.title.as_str()),
            text: Line::trusted(row.title.as_str().to_owned()),
        })
        .collect();
    titles.truncate(limit.saturating_sub(names.len().min(NAMES)));
    names.truncate(limit - titles.len());
    names.append(&mut titles);
    Ok(names)
}
