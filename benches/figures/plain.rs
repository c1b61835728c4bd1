//! The same reads in plain Diesel as one would write them by hand: SQLite alone, columns as they are kept.

use anyhow::Result;
use diesel::prelude::*;

diesel::table! {
    published_articles (id) {
        id -> Binary,
        slug -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
        published_at -> Nullable<BigInt>,
        ordered_at -> BigInt,
        comments_open -> Bool,
        comment_count -> BigInt,
        revision_id -> Binary,
        revision -> Integer,
        title -> Text,
        subtitle -> Nullable<Text>,
        excerpt -> Text,
        word_count -> Integer,
        reading_minutes -> Integer,
        image -> Nullable<Text>,
        visibility -> Text,
        featured -> Bool,
        language -> Text,
        seo -> Text,
        custom -> Text,
        section_id -> Nullable<Binary>,
        section_slug -> Nullable<Text>,
        section_name -> Nullable<Text>,
        section_path -> Nullable<Text>,
        section_trail -> Nullable<Text>,
    }
}

diesel::table! {
    revisions (id) {
        id -> Binary,
        body_format -> Text,
        body_html -> Text,
    }
}

diesel::table! {
    authors (id) {
        id -> Binary,
        slug -> Text,
        name -> Text,
        bio -> Text,
        bio_html -> Text,
        website -> Nullable<Text>,
        image -> Nullable<Text>,
        links -> Text,
        article_count -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    tags (id) {
        id -> Binary,
        slug -> Text,
        name -> Text,
        description -> Text,
        article_count -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    revision_authors (revision_id, author_id) {
        revision_id -> Binary,
        author_id -> Binary,
        position -> Integer,
    }
}

diesel::table! {
    revision_tags (revision_id, tag_id) {
        revision_id -> Binary,
        tag_id -> Binary,
        position -> Integer,
    }
}

diesel::joinable!(revision_authors -> authors (author_id));
diesel::joinable!(revision_tags -> tags (tag_id));
diesel::allow_tables_to_appear_in_same_query!(revision_authors, authors);
diesel::allow_tables_to_appear_in_same_query!(revision_tags, tags);

type Bytes = Vec<u8>;
type Maybe = Option<String>;

#[derive(Queryable)]
#[expect(dead_code, reason = "what is loaded is only counted")]
struct Article {
    id: Bytes,
    slug: String,
    dates: (i64, i64, Option<i64>, i64),
    comments: (bool, i64),
    revision_id: Bytes,
    text: (i32, String, Maybe, String, i32, i32),
    image: Maybe,
    settings: (String, bool, String, String, String),
    section: (Option<Bytes>, Maybe, Maybe, Maybe, Maybe),
}

#[derive(Queryable)]
#[expect(dead_code, reason = "what is loaded is only counted")]
struct Author {
    id: Bytes,
    text: (String, String, String, String),
    links: (Maybe, Maybe, String),
    counts: (i64, i64, i64),
}

type Tag = (Bytes, String, String, String, i64, i64, i64);

macro_rules! article_columns {
    ($v:ident) => {
        (
            $v::id,
            $v::slug,
            ($v::created_at, $v::updated_at, $v::published_at, $v::ordered_at),
            ($v::comments_open, $v::comment_count),
            $v::revision_id,
            ($v::revision, $v::title, $v::subtitle, $v::excerpt, $v::word_count, $v::reading_minutes),
            $v::image,
            ($v::visibility, $v::featured, $v::language, $v::seo, $v::custom),
            ($v::section_id, $v::section_slug, $v::section_name, $v::section_path, $v::section_trail),
        )
    };
}

pub struct Plain(SqliteConnection);

impl Plain {
    /// With the settings that the server has.
    pub fn open(path: &str) -> Result<Self> {
        let mut conn = SqliteConnection::establish(path)?;
        diesel::connection::SimpleConnection::batch_execute(
            &mut conn,
            "PRAGMA cache_size = -4096; PRAGMA mmap_size = 268435456; PRAGMA temp_store = MEMORY",
        )?;
        Ok(Self(conn))
    }

    /// The latest 20 with their authors and tags.
    pub fn list(&mut self) -> Result<usize> {
        use published_articles as v;
        self.0.transaction(|conn| {
            let query = v::table.order((v::ordered_at.desc(), v::id.desc())).limit(20);
            let rows: Vec<Article> = query.select(article_columns!(v)).load(conn)?;
            let ids: Vec<Bytes> = rows.into_iter().map(|row| row.revision_id).collect();
            around(conn, ids)
        })
    }

    /// An article with its body, authors and tags.
    pub fn article(&mut self, slug: &str) -> Result<usize> {
        use published_articles as v;
        self.0.transaction(|conn| {
            let row: Article = v::table.filter(v::slug.eq(slug)).select(article_columns!(v)).first(conn)?;
            let body = revisions::table.find(&row.revision_id).select((revisions::body_format, revisions::body_html));
            let body: (String, String) = body.first(conn)?;
            Ok(around(conn, vec![row.revision_id])? + body.1.len())
        })
    }
}

fn around(conn: &mut SqliteConnection, revisions: Vec<Bytes>) -> Result<usize> {
    let authors: Vec<(Bytes, Author)> = revision_authors::table
        .inner_join(authors::table)
        .filter(revision_authors::revision_id.eq_any(&revisions))
        .order((revision_authors::revision_id, revision_authors::position))
        .select((
            revision_authors::revision_id,
            (
                authors::id,
                (authors::slug, authors::name, authors::bio, authors::bio_html),
                (authors::website, authors::image, authors::links),
                (authors::article_count, authors::created_at, authors::updated_at),
            ),
        ))
        .load(conn)?;
    let tags: Vec<(Bytes, Tag)> = revision_tags::table
        .inner_join(tags::table)
        .filter(revision_tags::revision_id.eq_any(&revisions))
        .order((revision_tags::revision_id, revision_tags::position))
        .select((revision_tags::revision_id, tags::all_columns))
        .load(conn)?;
    Ok(authors.len() + tags.len())
}
