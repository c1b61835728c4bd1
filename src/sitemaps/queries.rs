//! What there is for search engines, read as the public sees it.

use super::model::{ArticlePart, Listed, Month, PagePart, Pages, SIZE};
use crate::{
    clock::Time,
    db::{Conn, Id, columns},
    error::Result,
    schema::{articles as a, authors, published_articles as v, sections as s, tags as t},
    values::Slug,
};
use diesel::{
    prelude::*,
    sql_types::{Nullable, Text},
};

/// The newest articles that are looked at for the news sitemap: some of them may not be for search engines.
const NEWEST: i64 = 2000;
/// Parts with articles in an index, which may name 50,000 in all.
const PARTS: usize = 45_000;

/// The parts with articles, the newest first. It goes from month to month, so that it takes no longer for all that is in
/// them than to count it.
pub fn article_parts(conn: &mut Conn) -> Result<Vec<ArticlePart>> {
    let mut parts = Vec::new();
    let mut before = Time::from_micros(i64::MAX);
    while let Some(month) = month_before(conn, before)? {
        let count = count(conn, month)?;
        parts.extend((1..=parts_for(count)).rev().map(|number| ArticlePart { month, number }));
        if parts.len() >= PARTS {
            break;
        }
        before = month.begin();
    }
    parts.truncate(PARTS);
    Ok(parts)
}

/// How many parts so many addresses need.
fn parts_for(count: i64) -> i64 {
    (count + SIZE - 1) / SIZE
}

/// The month of the last article that was published before then.
fn month_before(conn: &mut Conn, before: Time) -> Result<Option<Month>> {
    let last = v::table.filter(v::published_at.lt(before)).order((v::published_at.desc(), v::id.desc()));
    let last: Option<Option<Time>> = last.select(v::published_at).first(conn).optional()?;
    Ok(last.flatten().and_then(Month::of))
}

/// How many articles of a month are public. It is counted in the index: the view would look up a revision for each.
fn count(conn: &mut Conn, month: Month) -> Result<i64> {
    Ok(of_month(month).count().get_result(conn)?)
}

#[diesel::dsl::auto_type(no_type_alias)]
fn of_month(month: Month) -> _ {
    let (begin, end): (Time, Time) = (month.begin(), month.end());
    a::table
        .filter(a::published_id.is_not_null())
        .filter(a::deleted_at.is_null())
        .filter(a::published_at.ge(begin))
        .filter(a::published_at.lt(end))
}

/// The articles of a part, in the order in which they were published; `None` where there is no such part.
pub fn articles(conn: &mut Conn, part: ArticlePart) -> Result<Option<Vec<Listed>>> {
    // Where it begins is found in the index; from there on each is looked up.
    let first = of_month(part.month).order((a::published_at, a::id)).select((a::published_at, a::id));
    let first: Option<(Option<Time>, Id)> = first.offset((part.number - 1) * SIZE).first(conn).optional()?;
    let Some((Some(at), id)) = first else { return Ok(None) };
    let from_there = v::published_at.ge(at).and(v::published_at.gt(at).or(v::id.ge(id)));
    let rows = v::table
        .filter(from_there)
        .filter(v::published_at.lt(part.month.end()))
        .order((v::published_at, v::id))
        .limit(SIZE)
        .select(columns::<Listed>());
    Ok(Some(rows.load(conn)?))
}

/// All that says the same as an article of the part in whatever language, itself with it. Most say it in one.
pub fn translations(conn: &mut Conn, part: ArticlePart, listed: &[Listed]) -> Result<Vec<Listed>> {
    if listed.iter().all(|one| one.group.is_none()) {
        return Ok(Vec::new());
    }
    let groups = of_month(part.month).filter(a::translation_group.is_not_null()).select(a::translation_group);
    let rows = v::table.filter(v::translation_group.eq_any(groups)).order((v::language, v::id));
    Ok(rows.select(columns::<Listed>()).load(conn)?)
}

/// What was published since then, the newest first.
pub fn news(conn: &mut Conn, since: Time) -> Result<Vec<Listed>> {
    let rows = v::table.filter(v::published_at.ge(since)).order((v::published_at.desc(), v::id.desc()));
    Ok(rows.limit(NEWEST).select(columns::<Listed>()).load(conn)?)
}

/// When something was last published or published again.
pub fn last_change(conn: &mut Conn) -> Result<Option<Time>> {
    let last = v::table.order((v::updated_at.desc(), v::id.desc())).select(v::updated_at);
    Ok(last.first(conn).optional()?)
}

/// The parts with pages of sections, tags and authors.
pub fn page_parts(conn: &mut Conn) -> Result<Vec<PagePart>> {
    let mut parts = Vec::new();
    for pages in Pages::ALL {
        let count: i64 = match pages {
            Pages::Sections => s::table.count().get_result(conn)?,
            Pages::Tags => t::table.filter(t::article_count.gt(0)).count().get_result(conn)?,
            Pages::Authors => authors::table.filter(authors::article_count.gt(0)).count().get_result(conn)?,
        };
        // The front page stands with the sections, so that there is something in any case.
        let least = i64::from(pages == Pages::Sections);
        parts.extend((1..=parts_for(count).max(least)).map(|number| PagePart { pages, number }));
    }
    Ok(parts)
}

/// What a page is about.
#[derive(Debug, Queryable)]
pub struct Page {
    pub id: Id,
    pub slug: Slug,
    pub changed: Time,
    /// Of a section.
    pub path: Option<String>,
}

/// The pages of a part: those of sections, and of tags and authors that have a published article.
pub fn pages(conn: &mut Conn, part: PagePart) -> Result<Vec<Page>> {
    let offset = (part.number - 1) * SIZE;
    let nowhere = || None::<String>.into_sql::<Nullable<Text>>();
    Ok(match part.pages {
        Pages::Sections => {
            let rows = s::table.order(s::path).select((s::id, s::slug, s::updated_at, s::path.nullable()));
            rows.offset(offset).limit(SIZE).load(conn)?
        }
        Pages::Tags => {
            let rows = t::table.filter(t::article_count.gt(0)).order(t::slug);
            let rows = rows.select((t::id, t::slug, t::updated_at, nowhere()));
            rows.offset(offset).limit(SIZE).load(conn)?
        }
        Pages::Authors => {
            let rows = authors::table.filter(authors::article_count.gt(0)).order(authors::slug);
            let rows = rows.select((authors::id, authors::slug, authors::updated_at, nowhere()));
            rows.offset(offset).limit(SIZE).load(conn)?
        }
    })
}
