//! What to read next: the editors' pins first, then by shared tags, section and recency. Bounded at any size.

use super::model::{Excerpt, Reason, Row, Subtitle, Teaser, Title, Visibility};
use crate::{
    both,
    clock::Time,
    db::{AsJson, Conn, DbId, Id, among, in_size},
    error::Result,
    schema::{articles, published_articles as v, revision_authors, revision_related, revision_tags},
    sections::{Crumb, SectionRef},
    site::{Address, Site},
    values::{Image, Language, Line, Slug},
};
use diesel::{
    dsl::{max, min},
    prelude::*,
    sql_types::Nullable,
};
use std::collections::{HashMap, HashSet};

/// Stories that stand below an article, unless more are asked for.
pub const SHOWN: usize = 5;
/// Stories that stand on an author's page.
const OF_AUTHOR: i64 = 10;
/// Stories that are looked at besides as many as are shown: of the newest of each tag, and of all of these the best by their
/// tags. What is pinned already falls out, and the section decides among the rest.
const BESIDES: usize = 2;
/// Languages that more stories are looked at for.
const MOST_LANGUAGES: usize = 5;

/// What a teaser needs of an article that is public: with all the rest, reading a few of them costs more than the article
/// they stand below.
#[derive(Queryable, Selectable)]
#[diesel(table_name = v)]
struct Story {
    id: Id,
    slug: Slug,
    created_at: Time,
    published_at: Option<Time>,
    ordered_at: i64,
    revision_id: Id,
    title: Title,
    subtitle: Option<Subtitle>,
    excerpt: Excerpt,
    reading_minutes: i32,
    image: Option<AsJson<Image>>,
    visibility: Visibility,
    language: Language,
    translation_group: Option<Id>,
    section_id: Option<Id>,
    section_slug: Option<Slug>,
    section_name: Option<Line<1, 100>>,
    section_path: Option<String>,
    section_trail: Option<AsJson<Vec<Crumb>>>,
}

/// Reads stories of the published ones that a query leaves.
macro_rules! stories {
    ($conn:expr, $query:expr) => {{
        let query = $query;
        both!($conn, c => query.select(Story::as_select()).load::<Story>(c))?
    }};
}

impl Story {
    /// What it has in common with its translations.
    fn story(&self) -> Id {
        self.translation_group.unwrap_or(self.id)
    }
}

/// The same of an article that others stand below.
fn story(row: &Row) -> Id {
    row.translation_group.unwrap_or(row.id)
}

/// Stories below this one, with the reasons why. Pins are all shown, however many there are and whatever they are; the
/// others are in the article's own language as far as there are such, and tell nothing twice.
pub fn related(conn: &mut Conn, site: &Site, row: &Row, most: usize) -> Result<Vec<Teaser>> {
    let mut found = pinned(conn, row)?;
    let mut told: HashSet<Id> = found.iter().map(|(other, _)| other.story()).chain([story(row)]).collect();
    let many = (most + BESIDES) * languages(site);
    let mut others = alike(conn, row, many)?;
    others.retain(|(other, _)| !told.contains(&other.story()));
    let of_its_language = others.iter().filter(|(other, _)| other.language == row.language).count();
    if found.len() + of_its_language < most {
        let mut newest = newest(conn, row, many)?;
        // The order among them stays that of time.
        newest.sort_by_key(|other| !is_of_section(other, row));
        others.extend(newest.into_iter().map(|other| {
            let reasons = if is_of_section(&other, row) {
                vec![Reason::SameSection, Reason::Recent]
            } else {
                vec![Reason::Recent]
            };
            (other, reasons)
        }));
    }
    others.sort_by_key(|(other, _)| distance(&other.language, &row.language));
    for (other, reasons) in others {
        if found.len() < most && told.insert(other.story()) {
            found.push((other, reasons));
        }
    }
    Ok(found.into_iter().map(|(other, reasons)| teaser(site, other, reasons)).collect())
}

/// The newest stories but this one: those in its language first.
pub fn latest(conn: &mut Conn, site: &Site, row: &Row) -> Result<Vec<Teaser>> {
    let mut newest = newest(conn, row, SHOWN * languages(site))?;
    newest.sort_by_key(|other| distance(&other.language, &row.language));
    let mut told = HashSet::new();
    newest.retain(|other| told.insert(other.story()));
    newest.truncate(SHOWN);
    Ok(newest.into_iter().map(|other| teaser(site, other, vec![Reason::Recent])).collect())
}

/// How many times as many stories are looked at where a site has several languages, so that enough are in each of them.
fn languages(site: &Site) -> usize {
    site.profile.languages.len().clamp(1, MOST_LANGUAGES)
}

/// How far a language is from another: none from itself, and not far from the same one of another place.
fn distance(one: &Language, other: &Language) -> u8 {
    if one == other {
        0
    } else if one.is_akin(other) {
        1
    } else {
        2
    }
}

/// The newest stories but this one and its translations.
fn newest(conn: &mut Conn, row: &Row, most: usize) -> Result<Vec<Story>> {
    let others = v::table.filter(coalesce(v::translation_group, v::id).ne(story(row)));
    let others = others.order((v::ordered_at.desc(), v::id.desc()));
    Ok(stories!(conn, others.limit(i64::try_from(most).unwrap_or(i64::MAX))))
}

fn is_of_section(other: &Story, row: &Row) -> bool {
    row.section_id.is_some() && other.section_id == row.section_id
}

/// The newest published stories of an author.
pub fn latest_of_author(conn: &mut Conn, site: &Site, author: Id) -> Result<Vec<Teaser>> {
    let theirs = v::table.filter(v::revision_id.eq_any(signed_by(author)));
    let newest = stories!(conn, theirs.order((v::ordered_at.desc(), v::id.desc())).limit(OF_AUTHOR));
    Ok(newest.into_iter().map(|row| teaser(site, row, vec![Reason::Recent])).collect())
}

/// When the first and the last of the published stories of an author became public.
pub fn span_of_author(conn: &mut Conn, author: Id) -> Result<(Option<Time>, Option<Time>)> {
    let theirs = v::table.filter(v::revision_id.eq_any(signed_by(author)));
    Ok(theirs.select((min(v::published_at), max(v::published_at))).first(conn)?)
}

/// The revisions that carry a byline.
#[diesel::dsl::auto_type(no_type_alias)]
fn signed_by(author: Id) -> _ {
    revision_authors::table.filter(revision_authors::author_id.eq(author)).select(revision_authors::revision_id)
}

/// What an editor chose and is public, in the editor's order.
fn pinned(conn: &mut Conn, row: &Row) -> Result<Vec<(Story, Vec<Reason>)>> {
    let pins = revision_related::table
        .filter(revision_related::revision_id.eq(row.revision_id))
        .order(revision_related::position);
    let pins: Vec<Id> = pins.select(revision_related::related_id).load(conn)?;
    if pins.is_empty() {
        return Ok(Vec::new());
    }
    let public = in_size!(pins.clone(), some => stories!(conn, v::table.filter(among(v::id, some))));
    let mut public: HashMap<Id, Story> = public.into_iter().map(|story| (story.id, story)).collect();
    Ok(pins
        .iter()
        .filter(|id| **id != row.id)
        .filter_map(|id| public.remove(id))
        .map(|story| (story, vec![Reason::Pinned]))
        .collect())
}

/// What shares tags with the article, best first: more shared tags, then the same section, then the newer.
fn alike(conn: &mut Conn, row: &Row, many: usize) -> Result<Vec<(Story, Vec<Reason>)>> {
    let mut shared: HashMap<Id, usize> = HashMap::new();
    for revision in newest_with_its_tags(conn, row, many)? {
        *shared.entry(revision).or_default() += 1;
    }
    let mut best: Vec<(usize, Id)> = shared.iter().map(|(revision, tags)| (*tags, *revision)).collect();
    best.sort_by_key(|candidate| std::cmp::Reverse(*candidate));
    best.truncate(many);
    let best: Vec<Id> = best.into_iter().map(|(_, revision)| revision).collect();
    if best.is_empty() {
        return Ok(Vec::new());
    }
    let mut best = in_size!(best, some => stories!(conn, v::table.filter(among(v::revision_id, some))));
    let score = |other: &Story| {
        let tags = shared.get(&other.revision_id).copied().unwrap_or_default();
        (tags, is_of_section(other, row), other.ordered_at, other.id)
    };
    best.sort_by_key(|other| std::cmp::Reverse(score(other)));
    let with_reasons = |other: Story| {
        let mut reasons = vec![Reason::SharedTags];
        if is_of_section(&other, row) {
            reasons.push(Reason::SameSection);
        }
        (other, reasons)
    };
    Ok(best.into_iter().map(with_reasons).collect())
}

/// The newest public revisions with each of the tags of an article; one comes once for each tag that it shares.
///
/// Ids of revisions grow with time, so that each tag costs a walk along the newest end of an index, however many
/// articles have it. Only what is public counts from the start: what is not would push others out, and show by that.
fn newest_with_its_tags(conn: &mut Conn, row: &Row, of_each: usize) -> Result<Vec<Id>> {
    let (mine, theirs, others) = diesel::alias!(revision_tags as mine, revision_tags as theirs, articles as others);
    let public = others.field(articles::published_id).eq(theirs.field(revision_tags::revision_id).nullable());
    let oldest = theirs
        .inner_join(others.on(public))
        .filter(theirs.field(revision_tags::tag_id).eq(mine.field(revision_tags::tag_id)))
        .filter(others.field(articles::deleted_at).is_null())
        .order(theirs.field(revision_tags::revision_id).desc())
        .select(theirs.field(revision_tags::revision_id))
        .offset(i64::try_from(of_each).unwrap_or(i64::MAX) - 1)
        .limit(1)
        .single_value();
    let tagged = mine
        .inner_join(revision_tags::table.on(revision_tags::tag_id.eq(mine.field(revision_tags::tag_id))))
        .inner_join(articles::table.on(articles::published_id.eq(revision_tags::revision_id.nullable())))
        .filter(mine.field(revision_tags::revision_id).eq(row.revision_id))
        .filter(coalesce(articles::translation_group, articles::id).ne(story(row)))
        .filter(articles::deleted_at.is_null())
        .filter(revision_tags::revision_id.ge(coalesce(oldest, Id::LEAST)))
        .select(revision_tags::revision_id);
    Ok(both!(conn, c => tagged.load(c))?)
}

#[diesel::declare_sql_function]
extern "SQL" {
    /// The value, or the other one where there is none.
    fn coalesce(value: Nullable<DbId>, otherwise: DbId) -> DbId;
}

fn teaser(site: &Site, story: Story, reasons: Vec<Reason>) -> Teaser {
    let address = Address {
        id: story.id,
        slug: &story.slug,
        date: story.published_at.unwrap_or(story.created_at),
        path: story.section_path.as_deref(),
        language: Some(&story.language),
    };
    Teaser {
        url: site.article_url(&address),
        section: SectionRef::of(
            story.section_id,
            story.section_slug,
            story.section_name,
            story.section_path,
            story.section_trail,
        ),
        id: story.id,
        slug: story.slug,
        title: story.title,
        subtitle: story.subtitle,
        excerpt: story.excerpt,
        image: story.image.map(|image| image.0),
        visibility: story.visibility,
        language: story.language,
        published_at: story.published_at,
        reading_minutes: story.reading_minutes,
        reasons,
    }
}
