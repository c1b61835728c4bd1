//! What may be asked of a search, and what it answers.

use super::{
    highlight::Highlighter,
    pending::Kind,
    terms::{Typed, Wanted},
};
use crate::{
    articles::{Article, ArticleParams},
    authors::Author,
    clock::Time,
    db::Id,
    error::{Error, Result},
    html,
    http::{List, list_params, page::PageInfo},
    sections::Section,
    tags::Tag,
    values::{Language, Line, Ref, Slug, Whole},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{Discriminator, OneOfBuilder, Ref as SchemaRef, RefOr, Schema},
};

/// A year in which something was published.
pub type Year = Whole<1, 9999>;

list_params! {
    /// What may be asked of a search.
    pub struct SearchParams {
        /// What to look for: words that must all be there, `"phrases"`, beginnings of words with a `*` at their end, and
        /// `-words` that must not be there; at most 32 of them. Whatever else is typed is a word, or nothing: it is never a mistake.
        #[param(inline)]
        pub q: Typed,
        /// Find these only.
        #[param(inline, value_type = Option<Vec<Kind>>, style = Form, explode = false, max_items = 50)]
        pub kind: Option<List<Kind>>,
        /// Find articles only, in any of these sections, or below: ids or slugs.
        #[param(inline, value_type = Option<Vec<Ref>>, style = Form, explode = false, max_items = 50)]
        pub section: Option<List<Ref>>,
        /// Find articles only, with any of these tags: ids or slugs.
        #[param(inline, value_type = Option<Vec<Ref>>, style = Form, explode = false, max_items = 50)]
        pub tag: Option<List<Ref>>,
        /// Find articles only, with the byline of any of these authors: ids or slugs.
        #[param(inline, value_type = Option<Vec<Ref>>, style = Form, explode = false, max_items = 50)]
        pub author: Option<List<Ref>>,
        /// Find articles only, first published in this year (UTC).
        #[param(inline, value_type = Option<Year>, example = 2026)]
        pub year: Option<Year>,
        /// Find articles only, in this language.
        #[param(inline)]
        pub language: Option<Language>,
        /// Count the articles that match by these.
        #[param(inline, value_type = Option<Vec<Facet>>, style = Form, explode = false, max_items = 50)]
        pub facets: Option<List<Facet>>,
    }
}

impl SearchParams {
    /// Whether only articles are looked for.
    pub fn filters_articles(&self) -> bool {
        self.section.is_some()
            || self.tag.is_some()
            || self.author.is_some()
            || self.year.is_some()
            || self.language.is_some()
    }

    pub fn wants(&self, kind: Kind) -> bool {
        self.kind.as_ref().is_none_or(|kinds| kinds.contains(&kind))
            && (kind == Kind::Article || !self.filters_articles())
    }

    /// The same conditions, as they are put to a list of articles.
    pub fn of_articles(&self) -> ArticleParams {
        let year = self.year.map(Year::get);
        ArticleParams {
            section: self.section.clone(),
            tag: self.tag.clone(),
            author: self.author.clone(),
            language: self.language.clone(),
            published_after: year.map(Time::start_of_year),
            published_before: year.map(|year| Time::start_of_year(year + 1)),
            ..ArticleParams::default()
        }
    }
}

/// What matches may be counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Facet {
    Section,
    Tag,
    Author,
    Year,
}

/// Where the words stand, as HTML that is safe in a page: text, and `<mark>` around what was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Highlights {
    #[schema(max_length = 5000, pattern = "^[^\\x00]*$")]
    pub title: String,
    #[schema(max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub excerpt: String,
    /// A part of the body; `null` where nothing was found in it, or where the one who asks may not read it.
    #[schema(max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub body: Option<String>,
}

impl Highlights {
    pub fn of(wanted: &Wanted, article: &Article, body: Option<&str>) -> Self {
        let mut highlighter = Highlighter::new(wanted, &article.language);
        Self {
            title: highlighter.whole(article.title.as_str()),
            excerpt: highlighter.whole(article.excerpt.as_str()),
            body: body.and_then(|body| highlighter.snippet(&html::said(body))),
        }
    }
}

/// The same of what has a name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NameHighlights {
    #[schema(max_length = 5000, pattern = "^[^\\x00]*$")]
    pub name: String,
    /// A part of its description or biography; `null` where nothing was found in it.
    #[schema(max_length = 10_000, pattern = "^[^\\x00]*$")]
    pub text: Option<String>,
}

impl NameHighlights {
    pub fn of(highlighter: &mut Highlighter<'_>, name: &str, text: &str) -> Self {
        Self { name: highlighter.whole(name), text: highlighter.snippet(text) }
    }
}

/// Something that was found.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "most of them are articles")]
pub enum SearchHit {
    Article { article: Article },
    Author { author: Author, highlights: NameHighlights },
    Section { section: Section, highlights: NameHighlights },
    Tag { tag: Tag, highlights: NameHighlights },
}

/// What of an article, an author, a section or a tag was found, as the document describes it.
macro_rules! hit_schemas {
    ($($(#[$doc:meta])* $name:ident, $one:ident = $kind:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty),* })*) => {
        $(
            #[derive(ToSchema)]
            #[expect(dead_code, reason = "it describes a variant of `SearchHit`")]
            enum $one {
                #[schema(rename = $kind)]
                It,
            }

            $(#[$doc])*
            #[derive(ToSchema)]
            #[expect(dead_code, reason = "it describes a variant of `SearchHit`")]
            struct $name {
                #[schema(inline)]
                kind: $one,
                $($(#[$field_doc])* $field: $type),*
            }
        )*

        const HITS: &[(&str, &str)] = &[$((stringify!($name), $kind)),*];

        fn add_hit_schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            $(
                schemas.push(($name::name().into(), $name::schema()));
                $name::schemas(schemas);
            )*
        }
    };
}

hit_schemas! {
    /// An article that was found, as it stands in lists, with its `highlights`.
    ArticleHit, ArticleHitKind = "article" { article: Article }
    /// An author who was found.
    AuthorHit, AuthorHitKind = "author" { author: Author, highlights: NameHighlights }
    /// A section that was found.
    SectionHit, SectionHitKind = "section" { section: Section, highlights: NameHighlights }
    /// A tag that was found.
    TagHit, TagHitKind = "tag" { tag: Tag, highlights: NameHighlights }
}

impl PartialSchema for SearchHit {
    fn schema() -> RefOr<Schema> {
        let at = |name: &str| format!("#/components/schemas/{name}");
        let mapping = HITS.iter().map(|(name, kind)| (*kind, at(name)));
        let one_of = OneOfBuilder::new()
            .description(Some("Something that was found."))
            .discriminator(Some(Discriminator::with_mapping("kind", mapping)));
        HITS.iter().fold(one_of, |one_of, (name, _)| one_of.item(SchemaRef::from_schema_name(*name))).into()
    }
}

impl ToSchema for SearchHit {
    fn name() -> Cow<'static, str> {
        "SearchHit".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        add_hit_schemas(schemas);
    }
}

/// One page of what was found, the best first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SearchResults {
    #[schema(max_items = 100)]
    pub data: Vec<SearchHit>,
    pub page: PageInfo,
    /// With `facets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub facets: Option<Facets>,
}

/// How many of all articles that match there are of each; at most 20 values, those with most first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Facets {
    /// Whether all matches were counted: of more than 10,000 only the newest are.
    pub exact: bool,
    /// By the section that they stand in, without those above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub section: Option<Vec<FacetValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub tag: Option<Vec<FacetValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub author: Option<Vec<FacetValue>>,
    /// By the year in which they first became public (UTC), the latest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub year: Option<Vec<YearValue>>,
}

/// A section, a tag or an author, and how many of the articles are of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FacetValue {
    pub id: Id,
    pub slug: Slug,
    pub name: Line<1, 100>,
    #[schema(minimum = 1, maximum = 10_000)]
    pub count: u32,
}

/// A year, and how many of the articles are from it.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct YearValue {
    #[schema(minimum = -9999, maximum = 9999)]
    pub year: i32,
    #[schema(minimum = 1, maximum = 10_000)]
    pub count: u32,
}

/// What somebody has typed so far.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuggestionParams {
    /// What was typed so far: the last word is the beginning of one, unless something follows it.
    #[param(inline)]
    pub q: Typed,
    /// How many to return.
    #[param(minimum = 1, maximum = 10, default = 10, example = 10)]
    limit: Option<u32>,
}

impl SuggestionParams {
    /// # Errors
    /// 400 for a limit that is out of range.
    pub fn limit(&self) -> Result<usize> {
        match self.limit.unwrap_or(10) {
            limit @ 1..=10 => Ok(limit as usize),
            _ => Err(Error::parameter("limit", "out_of_range", "it is between 1 and 10")),
        }
    }
}

/// What somebody may be looking for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SuggestionList {
    #[schema(max_items = 10)]
    pub data: Vec<Suggestion>,
}

/// The title of an article, or the name of an author, a section or a tag.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Suggestion {
    pub kind: Kind,
    pub id: Id,
    pub slug: Slug,
    pub text: Line<1, 200>,
    /// The same as HTML that is safe in a page, with `<mark>` around what was typed.
    #[schema(max_length = 5000, pattern = "^[^\\x00]*$")]
    pub html: String,
}
