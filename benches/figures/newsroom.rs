//! The content that is measured: 10,000 published articles of 4 KB, 200 authors, 500 tags, a tree of sections.

use anyhow::Result;
use diesel::{Connection, connection::SimpleConnection};
use serde_json::{Value, json};
use stet::{
    articles::{self, Creation, Draft, Status},
    authors,
    clock::Time,
    db::{Conn, Db, Id, Target, migrate},
    search, sections, tags,
    values::Language,
};

pub const ARTICLES: usize = 10_000;
const AUTHORS: usize = 200;
const TAGS: usize = 500;
const SECTIONS: usize = 20;
/// The first day, in microseconds since 1970; each article is published a quarter of an hour after the one before.
const FIRST_DAY: i64 = 1_600_000_000_000_000;
const BETWEEN: i64 = 900_000_000;
/// Articles that are written in one transaction: PostgreSQL walks past each version that the transaction has left behind.
const AT_ONCE: usize = 1_000;

/// What reads and writes refer to.
pub struct Newsroom {
    pub slugs: Vec<String>,
}

impl Newsroom {
    /// Brings the database up to date, fills it and makes its indexes: a server would make them by and by, while it is measured.
    pub fn fill(target: &Target) -> Result<Self> {
        Self::fill_with(target, ARTICLES, article)
    }

    /// The same with so many articles of another kind.
    pub fn fill_with(target: &Target, articles: usize, article: fn(usize) -> Value) -> Result<Self> {
        let newsroom = Self::unindexed(target, articles, article)?;
        index(target)?;
        Ok(newsroom)
    }

    /// The same without the indexes: see [`index`].
    pub fn unindexed(target: &Target, articles: usize, article: fn(usize) -> Value) -> Result<Self> {
        let mut conn = target.open()?;
        migrate(&mut conn)?;
        conn.transaction(fill_around)?;
        for from in (0..articles).step_by(AT_ONCE) {
            let numbers = from..articles.min(from + AT_ONCE);
            conn.transaction(|conn| {
                numbers.clone().try_for_each(|number| fill_article(conn, number, article(number)))
            })?;
            // PostgreSQL plans anew by what it knows, which it gathers by itself within a minute: here more goes on in one.
            if let Conn::Postgres(conn) = &mut conn
                && (from == 0 || numbers.end == articles)
            {
                conn.batch_execute("ANALYZE")?;
            }
        }
        Ok(Self { slugs: (0..articles).map(slug).collect() })
    }
}

/// Makes the indexes of search, and gives how many documents they have.
pub fn index(target: &Target) -> Result<usize> {
    let db = Db::open(target, 2)?;
    let count = actix_web::rt::System::new().block_on(search::rebuild::all(&db, &[Language::default()], |_, _| {}))?;
    Ok(count)
}

fn fill_around(conn: &mut Conn) -> Result<()> {
    let now = Time::from_micros(FIRST_DAY);
    for number in 0..SECTIONS {
        let parent = (number >= 4).then(|| format!("section-{}", number % 4));
        let new = json!({"name": format!("Section {number}"), "slug": format!("section-{number}"), "parent": parent});
        sections::insert(conn, &serde_json::from_value(new)?, Id::new(), now)?;
    }
    for number in 0..TAGS {
        let new = json!({"name": format!("Tag {number}"), "slug": format!("tag-{number}")});
        tags::insert(conn, &serde_json::from_value(new)?, Id::new(), now)?;
    }
    for number in 0..AUTHORS {
        let new = json!({
            "name": format!("Author {number}"),
            "slug": format!("author-{number}"),
            "bio": words(number, 400),
            "website": format!("https://author-{number}.example/"),
            "image": {"url": format!("https://images.lantern.example/{number}.jpg"), "alt": "A portrait"},
            "links": [{"label": "Mastodon", "url": format!("https://social.example/@{number}")}],
        });
        authors::insert(conn, &serde_json::from_value(new)?, Id::new(), now)?;
    }
    Ok(())
}

fn fill_article(conn: &mut Conn, number: usize, mut new: Value) -> Result<()> {
    let at = FIRST_DAY + BETWEEN * i64::try_from(number)?;
    new["slug"] = slug(number).into();
    let creation = Creation { id: Id::new(), by: None, at: Time::from_micros(at) };
    let id = articles::insert(conn, &Draft::of(serde_json::from_value(new)?)?, creation)?;
    articles::lead(conn, id, Status::Published, Some(Time::from_micros(at + BETWEEN / 2)), None)?;
    Ok(())
}

fn slug(number: usize) -> String {
    format!("article-{number}")
}

/// An article as a client would write it, with one or two authors, three tags and 4 KB of Markdown.
pub fn article(number: usize) -> Value {
    let author = |of: usize| format!("author-{}", of % AUTHORS);
    let tag = |of: usize| format!("tag-{}", of % TAGS);
    let mut authors = vec![author(number * 7)];
    if number.is_multiple_of(5) {
        authors.push(author(number * 7 + 1));
    }
    let paragraphs: Vec<_> = (0..8).map(|of| paragraph(number * 8 + of)).collect();
    json!({
        // Titles come in another order than dates.
        "title": format!("Story {:05} of the {}", number * 7_919 % 100_003, words(number, 30)),
        "subtitle": words(number + 1, 80),
        "body": {"source": format!("## The beginning\n\n{}", paragraphs.join("\n\n"))},
        "authors": authors,
        "tags": [tag(number), tag(number * 3 + 1), tag(number * 5 + 2)],
        "section": format!("section-{}", number % SECTIONS),
        "image": {"url": format!("https://images.lantern.example/{number}.jpg"), "alt": "The harbour", "width": 1600, "height": 900},
        "featured": number.is_multiple_of(50),
    })
}

/// The same with a body of one line: enough where only the number of articles counts.
pub fn short_article(number: usize) -> Value {
    let mut short = article(number);
    short["body"]["source"] = words(number, 60).into();
    short
}

/// About `length` bytes of prose, the same for the same number.
fn words(number: usize, length: usize) -> String {
    const WORDS: [&str; 32] = [
        "harbour",
        "the",
        "council",
        "of",
        "ferry",
        "and",
        "tide",
        "a",
        "market",
        "said",
        "in",
        "morning",
        "to",
        "bridge",
        "that",
        "captain",
        "was",
        "quay",
        "for",
        "with",
        "winter",
        "its",
        "engineers",
        "on",
        "have",
        "lights",
        "by",
        "an",
        "people",
        "from",
        "town",
        "would",
    ];
    let mut state = number.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut text = String::with_capacity(length + 20);
    while text.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 33) % WORDS.len()]);
        text.push(' ');
    }
    text.trim_end().to_owned()
}

/// A paragraph of Markdown, with a link and a word that is stressed.
fn paragraph(number: usize) -> String {
    format!(
        "{} a [report](https://lantern.example/reports/{number}) that was **not** {}",
        words(number, 200),
        words(number + 1, 220)
    )
}
