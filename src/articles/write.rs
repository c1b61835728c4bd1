//! What a client may write of an article, and what may be asked of a list of them.

use super::{
    markdown::ArticleForm,
    model::{BodyFormat, Custom, Excerpt, ReviewStatus, Status, Subtitle, Title, Visibility},
};
use crate::{
    clock::Time,
    http::{Changes, List, Settle, field_names, list_params, write_params},
    search::Typed,
    values::{Image, Language, Line, Prose, Ref, Slug, WebUrl, Whole, few},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// An article to create. Only the title is required.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "title": "The harbour reopens", "subtitle": "Two years late, and under budget", "excerpt": "The ferries are back.",
    "body": {"format": "markdown", "source": "The first ferry left at **six**."},
    "authors": ["mira-holt"], "tags": ["harbour"], "section": "local", "related": [],
    "image": {"url": "https://images.lantern.example/harbour.jpg", "alt": "The harbour at low tide", "caption": "The old quay.", "credit": "Mira Holt", "width": 1600, "height": 900},
    "visibility": "public", "featured": false, "language": "en", "translation_of": null, "comments": {"open": true},
    "seo": {"title": "Harbour reopens", "description": "The ferries are back.", "canonical_url": "https://lantern.example/harbour", "image_url": "https://images.lantern.example/harbour.jpg", "noindex": false},
    "custom": {}
}))]
pub struct NewArticle {
    /// Made from the title where it is left out.
    #[serde(default)]
    pub slug: Option<Slug>,
    pub title: Title,
    #[serde(default)]
    pub subtitle: Option<Subtitle>,
    /// Where it is left out, the beginning of the body: at most a third of one that is not for everybody.
    #[serde(default)]
    pub excerpt: Option<Excerpt>,
    #[serde(default)]
    pub body: Option<NewBody>,
    /// The byline, by ids or slugs; one's own where it is left out.
    #[serde(default, deserialize_with = "few::<20, _, _>")]
    #[schema(max_items = 20)]
    pub authors: Option<Vec<Ref>>,
    /// By ids or slugs.
    #[serde(default, deserialize_with = "few::<50, _, _>")]
    #[schema(max_items = 50)]
    pub tags: Option<Vec<Ref>>,
    /// Where it stands, by id or slug.
    #[serde(default)]
    pub section: Option<Ref>,
    /// Articles that an editor pins below this one, by ids or slugs.
    #[serde(default, deserialize_with = "few::<20, _, _>")]
    #[schema(max_items = 20)]
    pub related: Option<Vec<Ref>>,
    #[serde(default)]
    pub image: Option<Image>,
    #[serde(default)]
    pub visibility: Option<Visibility>,
    #[serde(default)]
    pub featured: Option<bool>,
    /// The site's first language where it is left out.
    #[serde(default)]
    pub language: Option<Language>,
    /// The article that this one says in another language, by id or slug. It holds at once, published or not.
    #[serde(default)]
    pub translation_of: Option<Ref>,
    #[serde(default)]
    pub comments: Option<CommentSettings>,
    #[serde(default)]
    pub seo: Option<NewSeo>,
    #[serde(default)]
    pub custom: Option<Custom>,
}

pub type ArticleChanges = Changes<NewArticle>;

impl Settle for NewArticle {
    const OPEN: &'static [&'static str] = &["custom"];

    fn settled(self, current: &Self) -> Self {
        let seo = self.seo.unwrap_or_default();
        Self {
            slug: self.slug.or_else(|| current.slug.clone()),
            body: Some(self.body.unwrap_or_default()),
            authors: Some(self.authors.unwrap_or_default()),
            tags: Some(self.tags.unwrap_or_default()),
            related: Some(self.related.unwrap_or_default()),
            visibility: Some(self.visibility.unwrap_or_default()),
            featured: Some(self.featured.unwrap_or_default()),
            language: Some(self.language.unwrap_or_default()),
            comments: Some(self.comments.unwrap_or(CommentSettings { open: true })),
            seo: Some(NewSeo { noindex: Some(seo.noindex.unwrap_or_default()), ..seo }),
            custom: Some(self.custom.unwrap_or_default()),
            ..self
        }
    }
}

/// The text of an article, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"format": "markdown", "source": "The first ferry left at **six**."}))]
pub struct NewBody {
    /// Markdown (CommonMark and GFM) where it is left out.
    #[serde(default)]
    pub format: BodyFormat,
    pub source: Prose<0, 500_000>,
}

/// How an article is discussed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"open": true}))]
pub struct CommentSettings {
    /// Whether new comments are taken. It holds at once, published or not.
    pub open: bool,
}

/// What search engines and social networks are told where it differs from the article.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Harbour reopens", "description": "The ferries are back.", "noindex": false}))]
pub struct NewSeo {
    #[serde(default)]
    pub title: Option<Line<0, 200>>,
    #[serde(default)]
    pub description: Option<Line<0, 500>>,
    #[serde(default)]
    pub canonical_url: Option<WebUrl>,
    #[serde(default)]
    pub image_url: Option<WebUrl>,
    #[serde(default)]
    pub noindex: Option<bool>,
}

/// What to publish, and when.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"at": null, "revision": 1}))]
pub struct NewPublication {
    /// A time to come, at most ten years ahead; now where it is left out.
    #[serde(default)]
    pub at: Option<Time>,
    /// The working revision of this moment where it is left out. A later edit is not published with it.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: Option<i32>,
}

write_params! {
    /// How an article is taken down.
    pub struct UnpublishParams {
        /// Take it down at this time, at most ten years ahead, instead of now.
        #[param(inline)]
        pub at: Option<Time>,
        /// Cancel only what is scheduled, and leave what is public.
        #[param(example = false)]
        pub scheduled: Option<bool>,
    }
}

field_names! {
    /// The fields of an article.
    pub enum ArticleField {
        Id = "id", Slug = "slug", Url = "url", Status = "status", Title = "title", Subtitle = "subtitle", Excerpt = "excerpt",
        Body = "body", WordCount = "word_count", ReadingMinutes = "reading_minutes", Authors = "authors", Tags = "tags",
        Section = "section", Image = "image", Visibility = "visibility", Access = "access", Featured = "featured",
        Language = "language", Translations = "translations", Comments = "comments", Seo = "seo", Custom = "custom", PublishedAt = "published_at",
        UpdatedAt = "updated_at", CreatedAt = "created_at", Revision = "revision", PublishedRevision = "published_revision",
        Scheduled = "scheduled", Review = "review", DeletedAt = "deleted_at", PurgeAt = "purge_at", CorrectedAt = "corrected_at",
        Corrections = "corrections", Related = "related", Latest = "latest", Highlights = "highlights", Thread = "thread",
    }
}

/// What may be added to a list of articles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListInclude {
    Body,
}

/// What may be added to an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    Body,
    Related,
    Latest,
    Comments,
}

/// Whose eyes to see with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The working copy of what one may edit, and what is published of the rest.
    #[default]
    Working,
    /// What the public sees.
    Published,
}

/// How articles may be ordered; with `-` in front, the other way round. What was never published counts as the newest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum ArticleSort {
    #[serde(rename = "published_at")]
    PublishedAt,
    #[default]
    #[serde(rename = "-published_at")]
    PublishedAtDown,
    #[serde(rename = "updated_at")]
    UpdatedAt,
    #[serde(rename = "-updated_at")]
    UpdatedAtDown,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDown,
    #[serde(rename = "title")]
    Title,
    #[serde(rename = "-title")]
    TitleDown,
    /// With `-` in front: what is talked about most.
    #[serde(rename = "comment_count")]
    CommentCount,
    #[serde(rename = "-comment_count")]
    CommentCountDown,
}

list_params! {
    /// What may be asked of a list of articles.
    pub struct ArticleParams {
        /// Holds what is looked for, in the text or in the names that it carries: as `q` of a search. Each article then has
        /// `highlights`, and the best come first unless an order is asked for. The staff find their working copies.
        #[param(inline)]
        pub q: Option<Typed>,
        /// Has any of these tags: ids or slugs.
        #[param(inline, value_type = Option<Vec<Ref>>, style = Form, explode = false, max_items = 50)]
        pub tag: Option<List<Ref>>,
        /// Has all of these tags: ids or slugs.
        #[param(inline, value_type = Option<Vec<Ref>>, style = Form, explode = false, max_items = 50)]
        pub tag_all: Option<List<Ref>>,
        /// Carries the byline of any of these authors: ids or slugs.
        #[param(inline, value_type = Option<Vec<Ref>>, style = Form, explode = false, max_items = 50)]
        pub author: Option<List<Ref>>,
        /// Stands in any of these sections, or below: ids or slugs.
        #[param(inline, value_type = Option<Vec<Ref>>, style = Form, explode = false, max_items = 50)]
        pub section: Option<List<Ref>>,
        /// Is in any of these states. For the staff; the public sees what is published.
        #[param(inline, value_type = Option<Vec<Status>>, style = Form, explode = false, max_items = 50)]
        pub status: Option<List<Status>>,
        /// Was last said any of this of its working copy, published or not: of what one may edit. For the staff.
        #[param(inline, value_type = Option<Vec<ReviewStatus>>, style = Form, explode = false, max_items = 50)]
        pub review: Option<List<ReviewStatus>>,
        /// Is featured, or is not.
        #[param(example = true)]
        pub featured: Option<bool>,
        /// Has any of these visibilities.
        #[param(inline, value_type = Option<Vec<Visibility>>, style = Form, explode = false, max_items = 50)]
        pub visibility: Option<List<Visibility>>,
        /// Is in this language.
        #[param(inline)]
        pub language: Option<Language>,
        /// Was published at this time or after it.
        #[param(inline)]
        pub published_after: Option<Time>,
        /// Was published before this time.
        #[param(inline)]
        pub published_before: Option<Time>,
        /// Is public and has, or has not, changes that are not: of what one may edit. For the staff.
        #[param(example = true)]
        pub changed: Option<bool>,
        /// Only what is in the trash. For the staff.
        #[param(example = false)]
        pub deleted: Option<bool>,
        /// Whose eyes to see with. For the staff.
        #[param(inline)]
        pub view: Option<View>,
        /// What to add to each article.
        #[param(inline, value_type = Option<Vec<ListInclude>>, style = Form, explode = false, max_items = 50)]
        pub include: Option<List<ListInclude>>,
        /// The order.
        #[param(inline)]
        pub sort: Option<ArticleSort>,
        /// Return these fields only, as `application/vnd.stet.sparse+json`.
        #[param(inline, value_type = Option<Vec<ArticleField>>, style = Form, explode = false, max_items = 50)]
        pub fields: Option<List<ArticleField>>,
    }
}

/// What may be asked of the stories below an article.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RelatedParams {
    /// Whose eyes to see the article with. For the staff; what stands below it is public.
    #[param(inline)]
    pub view: Option<View>,
    /// How many to return, besides pins, which are all shown.
    #[param(inline, example = 5)]
    pub limit: Option<Whole<1, 20>>,
}

/// What may be asked of an article.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ShowParams {
    /// The form of the answer, where `Accept` does not say it. Markdown is the whole article; it goes with `view` alone.
    #[param(inline)]
    pub format: Option<ArticleForm>,
    /// Whose eyes to see with. For the staff.
    #[param(inline)]
    pub view: Option<View>,
    /// The token of a preview: shows what it was made for, drafts too, to people without an account. Not with `view`.
    #[param(inline)]
    pub preview: Option<Line<1, 200>>,
    /// What to add to the article: the whole page in one request.
    #[param(inline, value_type = Option<Vec<Include>>, style = Form, explode = false, max_items = 50)]
    #[serde(default)]
    pub include: List<Include>,
    /// Return these fields only, as `application/vnd.stet.sparse+json`.
    #[param(inline, value_type = Option<Vec<ArticleField>>, style = Form, explode = false, max_items = 50)]
    pub fields: Option<List<ArticleField>>,
}
