//! The newest articles of something: looked for among the newest of all, where they mostly are, and collected where they are
//! rare. Either costs the same however many there are.

use crate::{
    articles::{self, ArticleParams, Eyes, Row},
    db::{Conn, Id, among},
    error::Result,
    http::{List, Window},
    schema::{published_articles as v, revision_authors, revision_tags},
    values::Ref,
};
use diesel::prelude::*;
use std::collections::HashSet;

/// What articles have to have in common.
pub enum Common {
    Nothing,
    /// They stand in one of these: a section and all below it.
    Sections(Vec<Id>),
    Tag(Id),
    Author(Id),
}

/// How many of the newest are looked through, and, where too few of them fit, how many more.
const STEPS: [i64; 2] = [300, 2000];

/// The newest articles with this in common, as the public sees them.
pub fn newest(conn: &mut Conn, common: &Common, count: usize) -> Result<Vec<Row>> {
    match among_newest(conn, common, count)? {
        Some(ids) => articles::published(conn, ids),
        None => collected(conn, common, count),
    }
}

/// All that have it, of which the newest are taken.
fn collected(conn: &mut Conn, common: &Common, count: usize) -> Result<Vec<Row>> {
    let one = |id: Id| Some(List(vec![Ref::Id(id)]));
    let params = match common {
        Common::Nothing => ArticleParams::default(),
        // What stands below the first is looked up once more.
        Common::Sections(ids) => {
            ArticleParams { section: ids.first().copied().and_then(one), ..ArticleParams::default() }
        }
        Common::Tag(id) => ArticleParams { tag: one(*id), ..ArticleParams::default() },
        Common::Author(id) => ArticleParams { author: one(*id), ..ArticleParams::default() },
    };
    let window = Window::first("/feeds", i64::try_from(count).unwrap_or(i64::MAX));
    Ok(articles::list(conn, &Eyes::Public, &params, &window)?.rows)
}

/// Where an article stands in the order of all.
type Place = (i64, Id, Id, Option<Id>);

/// The ids of the newest; `None` where too few are among those that are looked through, and there are more.
fn among_newest(conn: &mut Conn, common: &Common, count: usize) -> Result<Option<Vec<Id>>> {
    if matches!(common, Common::Nothing) {
        // The list of all begins with them.
        return Ok(None);
    }
    let mut found = Vec::new();
    let mut after: Option<(i64, Id)> = None;
    for step in STEPS {
        let mut all = v::table.into_boxed();
        if let Some((at, id)) = after {
            all = all.filter(v::ordered_at.le(at).and(v::ordered_at.lt(at).or(v::id.lt(id))));
        }
        let all = all.order((v::ordered_at.desc(), v::id.desc())).limit(step);
        let places: Vec<Place> = all.select((v::ordered_at, v::id, v::revision_id, v::section_id)).load(conn)?;
        let fitting = fitting(conn, common, &places)?;
        found.extend(places.iter().filter(|(_, _, revision, _)| fitting.contains(revision)).map(|(_, id, ..)| *id));
        found.truncate(count);
        let is_last = i64::try_from(places.len()).is_ok_and(|length| length < step);
        if found.len() == count || is_last {
            return Ok(Some(found));
        }
        after = places.last().map(|(at, id, ..)| (*at, *id));
    }
    Ok(None)
}

/// The revisions that have it.
fn fitting(conn: &mut Conn, common: &Common, places: &[Place]) -> Result<HashSet<Id>> {
    let revisions = || places.iter().map(|(_, _, revision, _)| *revision).collect::<Vec<_>>();
    let ids: Vec<Id> = match common {
        Common::Nothing => revisions(),
        Common::Sections(sections) => {
            let stands =
                |(_, _, revision, section): &Place| section.filter(|id| sections.contains(id)).map(|_| *revision);
            places.iter().filter_map(stands).collect()
        }
        Common::Tag(id) => {
            let of_tag = revision_tags::table.filter(revision_tags::tag_id.eq(id));
            let of_tag = of_tag.filter(among(revision_tags::revision_id, revisions()));
            of_tag.select(revision_tags::revision_id).load(conn)?
        }
        Common::Author(id) => {
            let of_author = revision_authors::table.filter(revision_authors::author_id.eq(id));
            let of_author = of_author.filter(among(revision_authors::revision_id, revisions()));
            of_author.select(revision_authors::revision_id).load(conn)?
        }
    };
    Ok(ids.into_iter().collect())
}
