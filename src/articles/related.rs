//! What to read next: the editors' pins first, then by shared tags, section and recency. Bounded at any size.

use super::{
    model::{Excerpt, Reason, Row, Subtitle, Teaser, Title, Visibility},
    tagged::newest_with_each,
};
use crate::{
    both,
    clock::Time,
    db::{Conn, DbId, Id, Kept, among, among::filled, in_size},
    error::Result,
    schema::{published_articles as v, revision_authors, revision_related, revision_tags},
    sections::{Crumb, SectionRef},
    site::{Address, Site},
    values::{Image, Language, Line, Slug},
};
use diesel::{
    dsl::{max, min},
    prelude::*,
    sql_types::{Bool, Nullable},
};
use std::collections::{HashMap, HashSet};

/// Stories that stand below an article, unless more are asked for.
pub const SHOWN: usize = 5;
/// Stories that stand on an author's page.
const OF_AUTHOR: i64 = 10;
/// Stories that are looked at besides as many as are shown: of the newest of each tag, and of all of these the best by their
/// tags. What is pinned already falls out, and the section decides among the rest.
const BESIDES: usize = 1;
/// Stories that are looked at below an article on a site of one language.
pub const FEW: usize = SHOWN + BESIDES;
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
    image: Option<Kept<Image>>,
    visibility: Visibility,
    language: Language,
    translation_group: Option<Id>,
    section_id: Option<Id>,
    section_slug: Option<Slug>,
    section_name: Option<Line<1, 100>>,
    section_path: Option<String>,
    section_trail: Option<Kept<Vec<Crumb>>>,
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
    let (pins, tags) = pins_and_tags(conn, row)?;
    let mut found = pinned(conn, pins, row)?;
    let mut told: HashSet<Id> = found.iter().map(|(other, _)| other.story()).chain([story(row)]).collect();
    let many = (most + BESIDES) * languages(site);
    let mut others = alike(conn, &tags, row, many)?;
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

/// What an editor chose, in the editor's order, and the tags of an article.
fn pins_and_tags(conn: &mut Conn, row: &Row) -> Result<(Vec<Id>, Vec<Id>)> {
    let pins = revision_related::table.filter(revision_related::revision_id.eq(row.revision_id)).select((
        revision_related::related_id,
        revision_related::position,
        true.into_sql::<Bool>(),
    ));
    let tags = revision_tags::table.filter(revision_tags::revision_id.eq(row.revision_id)).select((
        revision_tags::tag_id,
        revision_tags::position,
        false.into_sql::<Bool>(),
    ));
    let mut rows: Vec<(Id, i32, bool)> = both!(conn, c => pins.union_all(tags).load(c))?;
    rows.sort_by_key(|(_, position, _)| *position);
    let (pins, tags): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, _, is_pin)| *is_pin);
    let ids = |some: Vec<(Id, i32, bool)>| some.into_iter().map(|(id, ..)| id).collect();
    Ok((ids(pins), ids(tags)))
}

/// Those of an editor's choice that are public, in the editor's order.
fn pinned(conn: &mut Conn, pins: Vec<Id>, row: &Row) -> Result<Vec<(Story, Vec<Reason>)>> {
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
fn alike(conn: &mut Conn, tags: &[Id], row: &Row, many: usize) -> Result<Vec<(Story, Vec<Reason>)>> {
    let mut tagged = newest_with_each(conn, tags, story(row), many)?;
    tagged.sort_unstable();
    let mut shared: Vec<(usize, Id)> = tagged.chunk_by(Id::eq).map(|same| (same.len(), same[0])).collect();
    shared.sort_unstable_by_key(|candidate| std::cmp::Reverse(*candidate));
    shared.truncate(many);
    let best: Vec<Id> = shared.iter().map(|(_, revision)| *revision).collect();
    if best.is_empty() {
        return Ok(Vec::new());
    }
    // Below an article there are few, which is one statement that is known when it is compiled.
    let mut best = if best.len() <= FEW {
        stories!(conn, v::table.filter(among(v::revision_id, filled::<_, FEW>(best))))
    } else {
        stories!(conn, v::table.filter(among(v::revision_id, best)))
    };
    let score = |other: &Story| {
        let tags = shared.iter().find(|(_, revision)| *revision == other.revision_id).map(|(tags, _)| *tags);
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
        image: story.image,
        visibility: story.visibility,
        language: story.language,
        published_at: story.published_at,
        reading_minutes: story.reading_minutes,
        reasons,
    }
}
