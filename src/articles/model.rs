//! What an article is: the row that both views give, and what is shown of it.

use super::{corrections::Correction, open_graph::OpenGraph, reviews::LastReview};
use crate::{
    authors::Author,
    clock::Time,
    comments::ThreadList,
    db::{AsJson, Id, Kept, column::text_enum},
    http::{Versioned, page::ListOf},
    search::Highlights,
    sections::{Crumb, SectionRef},
    site::Address,
    tags::Tag,
    values::{Image, Language, Line, Refusal, Slug, WebUrl},
    written::Written,
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type, schema::AdditionalProperties},
};

text_enum! {
    /// Where an article is in its life. It follows from its dates and is never stored.
    pub enum Status {
        Draft = "draft",
        InReview = "in_review",
        Scheduled = "scheduled",
        Published = "published",
        /// It was published, and is not any more.
        Archived = "archived",
    }
}

text_enum! {
    /// Who may read the body.
    #[derive(Default)]
    pub enum Visibility {
        #[default]
        Public = "public",
        Members = "members",
        Premium = "premium",
    }
}

text_enum! {
    /// What a body is written in.
    #[derive(Default)]
    pub enum BodyFormat {
        #[default]
        Markdown = "markdown",
        Html = "html",
    }
}

pub type Title = Line<1, 200>;
pub type Subtitle = Line<0, 300>;
pub type Excerpt = Line<0, 500>;

text_enum! {
    /// What was last said of the working copy.
    pub enum ReviewStatus {
        /// Somebody asks an editor to look at it.
        Requested = "requested",
        /// An editor found it good.
        Approved = "approved",
        /// An editor asks for changes.
        ChangesRequested = "changes_requested",
    }
}

/// A row of `published_articles` or `article_revisions`: the article with one of its revisions.
#[derive(Debug, Clone, Queryable)]
pub struct Row {
    pub id: Id,
    pub slug: Slug,
    pub created_by: Option<Id>,
    pub created_at: Time,
    pub updated_at: Time,
    /// The same as far as the public knows.
    pub public_updated_at: Time,
    pub published_at: Option<Time>,
    pub ordered_at: i64,
    pub publish_at: Option<Time>,
    pub unpublish_at: Option<Time>,
    pub working_id: Id,
    pub published_id: Option<Id>,
    pub published_revision: Option<i32>,
    pub scheduled_revision: Option<i32>,
    pub status: Status,
    pub review: Option<ReviewStatus>,
    pub corrected_at: Option<Time>,
    pub translation_group: Option<Id>,
    pub comments_open: bool,
    pub comment_count: i64,
    pub version: i32,
    pub deleted_at: Option<Time>,
    pub revision_id: Id,
    pub revision: i32,
    pub title: Title,
    pub subtitle: Option<Subtitle>,
    pub excerpt: Excerpt,
    pub word_count: i32,
    pub reading_minutes: i32,
    pub image: Option<Kept<Image>>,
    pub visibility: Visibility,
    pub featured: bool,
    pub language: Language,
    pub seo: AsJson<StoredSeo>,
    pub custom: Kept<Map<String, Value>>,
    pub section_id: Option<Id>,
    pub section_slug: Option<Slug>,
    pub section_name: Option<Line<1, 100>>,
    pub section_path: Option<String>,
    pub section_trail: Option<Kept<Vec<Crumb>>>,
}

impl Row {
    /// What its address on the site is made from.
    pub fn address(&self) -> Address<'_> {
        let date = self.published_at.unwrap_or(self.created_at);
        Address {
            id: self.id,
            slug: &self.slug,
            date,
            path: self.section_path.as_deref(),
            language: Some(&self.language),
        }
    }

    pub fn section(&self) -> Option<SectionRef> {
        SectionRef::of(
            self.section_id,
            self.section_slug.clone(),
            self.section_name.clone(),
            self.section_path.clone(),
            self.section_trail.clone(),
        )
    }
}

/// A story with all that a page shows of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Article {
    pub id: Id,
    pub slug: Slug,
    /// Where readers find it.
    #[schema(format = "uri", max_length = 2200, example = "https://lantern.example/articles/harbour-reopens")]
    pub url: String,
    pub status: Status,
    pub title: Title,
    pub subtitle: Option<Subtitle>,
    /// A teaser; the beginning of the body where none was written.
    pub excerpt: Excerpt,
    /// In lists only with `include=body`; `null` where `access.granted` is false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Option<Body>>,
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    pub word_count: i32,
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    pub reading_minutes: i32,
    /// The byline, in its order.
    #[schema(max_items = 20)]
    pub authors: Vec<Author>,
    #[schema(max_items = 50)]
    pub tags: Vec<Tag>,
    /// Where it stands, with the trail of breadcrumbs to it.
    pub section: Option<SectionRef>,
    /// The hero image.
    #[schema(value_type = Option<Image>)]
    pub image: Option<Kept<Image>>,
    pub visibility: Visibility,
    pub access: Access,
    pub featured: bool,
    pub language: Language,
    /// The same story in other languages, by their tags.
    #[schema(max_items = 100)]
    pub translations: Vec<Translation>,
    pub comments: CommentSummary,
    pub seo: Seo,
    #[schema(value_type = Custom)]
    pub custom: Kept<Map<String, Value>>,
    /// When it first became public; `null` if it never was.
    pub published_at: Option<Time>,
    pub updated_at: Time,
    /// When its readers were last told of a correction; `null` if they never were.
    pub corrected_at: Option<Time>,
    pub created_at: Time,
    /// The revision shown here.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: i32,
    /// The revision that the public sees; `null` where it sees none.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub published_revision: Option<i32>,
    pub scheduled: Schedule,
    /// What was last said of the working copy; for those who may edit it.
    pub review: Option<LastReview>,
    /// When it was moved to the trash; for the staff.
    pub deleted_at: Option<Time>,
    /// When it will be removed from the trash for good; for the staff.
    pub purge_at: Option<Time>,
    /// What its readers were told was wrong with it, the newest first: at most 100. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 100)]
    pub corrections: Option<Vec<Correction>>,
    /// With `include=related`: what to read next, the editors' choice first, then what is in its language.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub related: Option<Vec<Teaser>>,
    /// With `include=latest`: the newest stories, those in its language first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub latest: Option<Vec<Teaser>>,
    /// With `q`: where the words stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub highlights: Option<Highlights>,
    /// With `include=comments`: the first page of the discussion.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub thread: Option<ThreadList>,
    #[serde(skip)]
    pub version: i32,
}

impl Versioned for Article {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

impl Article {
    /// What its page was made from, for caches that purge by key.
    pub fn keys(&self) -> String {
        let mut keys = String::with_capacity(512);
        let authors = self.authors.iter().map(|author| ("author", author.id));
        let tags = self.tags.iter().map(|tag| ("tag", tag.id));
        let section = self.section.iter().map(|section| ("section", section.id));
        let thread = self.thread.iter().map(|_| ("comments", self.id));
        let own = std::iter::once(("article", self.id));
        for (kind, id) in own.chain(authors).chain(tags).chain(section).chain(thread) {
            let space = if keys.is_empty() { "" } else { " " };
            keys.extend([space, kind, "-", id.text(&mut [0; _])]);
        }
        if self.related.is_some() || self.latest.is_some() {
            keys += " articles";
        }
        keys
    }
}

pub type ArticleList = ListOf<Article>;

/// The text of an article.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Body {
    pub format: BodyFormat,
    /// As it was written; for those who write.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 500_000, pattern = "^[^\\x00]*$")]
    pub source: Option<String>,
    /// HTML that is safe in a page.
    #[schema(max_length = 5_000_000, pattern = "^[^\\x00]*$")]
    pub html: String,
}

/// The same story in another language.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Translation {
    pub id: Id,
    pub slug: Slug,
    /// Where readers find it.
    #[schema(format = "uri", max_length = 2200, example = "https://lantern.example/articles/porthladd-yn-ailagor")]
    pub url: String,
    pub language: Language,
    pub title: Title,
}

/// Whether the one who asks may read the body.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Access {
    pub granted: bool,
    /// What it takes.
    pub required: Visibility,
}

/// The discussion of an article.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct CommentSummary {
    /// Whether new ones are taken.
    pub open: bool,
    /// How many are approved.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub count: i64,
}

/// What search engines and social networks are told where it differs from the article.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredSeo {
    pub title: Option<Line<0, 200>>,
    pub description: Option<Line<0, 500>>,
    pub canonical_url: Option<WebUrl>,
    pub image_url: Option<WebUrl>,
    pub noindex: bool,
}

/// What search engines and social networks are told; `null` where it is the same as on the article.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Seo {
    pub title: Option<Line<0, 200>>,
    pub description: Option<Line<0, 500>>,
    pub canonical_url: Option<WebUrl>,
    pub image_url: Option<WebUrl>,
    pub noindex: bool,
    /// A schema.org `NewsArticle` and the `BreadcrumbList` to it, ready for a page; `null` in lists. Of an article that is not
    /// for everybody it says that what has the class `paywall` is not.
    pub json_ld: Option<JsonLd>,
    /// The tags for social networks, ready for a page; `null` in lists.
    pub open_graph: Option<OpenGraph>,
}

/// Structured data (schema.org, JSON-LD).
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct JsonLd(pub Written);

impl PartialSchema for JsonLd {
    fn schema() -> RefOr<Schema> {
        open_object(
            "Structured data (schema.org, JSON-LD). Where it is written into a script element, write each `<` of its JSON as `\\u003c`: \
             a title may hold what ends the element.",
        )
        .into()
    }
}

impl ToSchema for JsonLd {}

/// A JSON object with whatever fields.
pub fn open_object(description: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
        .examples([json!({})])
}

/// A site's own fields: any JSON object of at most 64 KiB, at most 32 levels deep.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct Custom(pub Map<String, Value>);

/// Bytes of it as JSON.
const MAX_CUSTOM: usize = 64 * 1024;
/// Objects and lists in one another, so that no reader of an answer meets its own bound.
const MAX_CUSTOM_DEPTH: usize = 32;

fn depth(value: &Value) -> usize {
    match value {
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

impl TryFrom<Map<String, Value>> for Custom {
    type Error = Refusal;

    fn try_from(fields: Map<String, Value>) -> Result<Self, Refusal> {
        let size = serde_json::to_vec(&fields).map_or(usize::MAX, |json| json.len());
        if size > MAX_CUSTOM {
            return Err(Refusal::new("too_long", format!("it has at most {MAX_CUSTOM} bytes as JSON")));
        }
        if fields.values().map(depth).max() >= Some(MAX_CUSTOM_DEPTH) {
            return Err(Refusal::new("too_deep", format!("it is at most {MAX_CUSTOM_DEPTH} levels deep")));
        }
        Ok(Self(fields))
    }
}

impl From<Custom> for Map<String, Value> {
    fn from(custom: Custom) -> Self {
        custom.0
    }
}

impl PartialSchema for Custom {
    fn schema() -> RefOr<Schema> {
        open_object(
            "A site's own fields: any JSON object of at most 64 KiB, at most 32 levels deep. Its numbers have 64 bits: one with more digits \
             is rounded, and stands better as text.",
        )
        .into()
    }
}

impl ToSchema for Custom {}

/// When it will be published or taken down.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Schedule {
    pub publish_at: Option<Time>,
    /// The revision that becomes public then.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: Option<i32>,
    pub unpublish_at: Option<Time>,
}

pub type TeaserList = ListOf<Teaser>;

/// A story as it is announced elsewhere.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Teaser {
    pub id: Id,
    pub slug: Slug,
    #[schema(format = "uri", max_length = 2200, example = "https://lantern.example/articles/harbour-reopens")]
    pub url: String,
    pub title: Title,
    pub subtitle: Option<Subtitle>,
    pub excerpt: Excerpt,
    pub section: Option<SectionRef>,
    #[schema(value_type = Option<Image>)]
    pub image: Option<Kept<Image>>,
    pub visibility: Visibility,
    pub language: Language,
    pub published_at: Option<Time>,
    #[schema(minimum = 0, maximum = 2_147_483_647)]
    pub reading_minutes: i32,
    /// Why it stands here.
    #[schema(max_items = 4)]
    pub reasons: Vec<Reason>,
}

/// Why a story stands below another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// An editor chose it.
    Pinned,
    SharedTags,
    SameSection,
    Recent,
}
