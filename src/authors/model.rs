//! What an author is, and what a client may write of one.

use crate::{
    articles::Teaser,
    clock::Time,
    db::{Id, Kept},
    error::{Error, Result},
    http::{Changes, List, Settle, Versioned, field_names, list_params, page::ListOf},
    schema::authors,
    values::{Image, Line, Prose, Slug, WebUrl, few},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A public byline. Who signs in is a user; a user may be linked to an author.
#[derive(Debug, Clone, Serialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = authors)]
pub struct Author {
    pub id: Id,
    pub slug: Slug,
    pub name: Line<1, 100>,
    /// The biography, in Markdown.
    pub bio: Prose<0, 5000>,
    /// The biography as HTML that is safe in a page.
    #[schema(max_length = 200_000, pattern = "^[^\\x00]*$")]
    pub bio_html: String,
    pub website: Option<WebUrl>,
    #[schema(value_type = Option<Image>)]
    pub image: Option<Kept<Image>>,
    #[schema(value_type = Vec<AuthorLink>, max_items = 20)]
    pub links: Kept<Vec<AuthorLink>>,
    /// How many published articles carry the byline.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub article_count: i64,
    /// Since when they write no more; `null` while they do.
    pub archived_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    #[serde(skip)]
    pub version: i32,
}

impl Versioned for Author {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

pub type AuthorList = ListOf<Author>;

/// An author, with what stands on their page where that is asked for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuthorPage {
    pub id: Id,
    pub slug: Slug,
    pub name: Line<1, 100>,
    /// The biography, in Markdown.
    pub bio: Prose<0, 5000>,
    /// The biography as HTML that is safe in a page.
    #[schema(max_length = 200_000, pattern = "^[^\\x00]*$")]
    pub bio_html: String,
    pub website: Option<WebUrl>,
    #[schema(value_type = Option<Image>)]
    pub image: Option<Kept<Image>>,
    #[schema(value_type = Vec<AuthorLink>, max_items = 20)]
    pub links: Kept<Vec<AuthorLink>>,
    /// How many published articles carry the byline.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    pub article_count: i64,
    /// Since when they write no more; `null` while they do.
    pub archived_at: Option<Time>,
    pub created_at: Time,
    pub updated_at: Time,
    /// With `include=latest`: their newest published stories.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub latest: Option<Vec<Teaser>>,
    /// With `include=latest`: when the first of their published stories became public; `null` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_published_at: Option<Option<Time>>,
    /// With `include=latest`: when the last of them did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_published_at: Option<Option<Time>>,
    #[serde(skip)]
    pub version: i32,
}

impl From<Author> for AuthorPage {
    fn from(author: Author) -> Self {
        let Author { id, slug, name, bio, bio_html, website, image, links, article_count, .. } = author;
        let Author { archived_at, created_at, updated_at, version, .. } = author;
        let (latest, first_published_at, last_published_at) = (None, None, None);
        Self {
            id,
            slug,
            name,
            bio,
            bio_html,
            website,
            image,
            links,
            article_count,
            archived_at,
            created_at,
            updated_at,
            latest,
            first_published_at,
            last_published_at,
            version,
        }
    }
}

impl Versioned for AuthorPage {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// What may be added to an author.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AuthorInclude)]
pub enum Include {
    /// Their newest published stories.
    Latest,
}

/// What may be asked of an author.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuthorShowParams {
    /// What to add to the author: their page in one request.
    #[param(inline, value_type = Option<Vec<Include>>, style = Form, explode = false, max_items = 50)]
    #[serde(default)]
    pub include: List<Include>,
}

/// Whether a list holds those who write no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Archived {
    /// Only them.
    Only,
    /// Them as well.
    Any,
}

/// Where else an author is found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "Mastodon", "url": "https://social.example/@mira"}))]
pub struct AuthorLink {
    pub label: Line<1, 100>,
    pub url: WebUrl,
}

/// An author to create.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Mira Holt", "bio": "Covers the harbour and **everything that floats**.", "website": "https://mira.example/",
    "image": {"url": "https://images.lantern.example/mira.jpg", "alt": "Mira Holt on a quay", "caption": "On the old quay.", "credit": "J. Brandt", "width": 400, "height": 400},
    "links": [{"label": "Mastodon", "url": "https://social.example/@mira"}]
}))]
pub struct NewAuthor {
    /// Made from the name where it is left out.
    #[serde(default)]
    pub slug: Option<Slug>,
    pub name: Line<1, 100>,
    /// The biography, in Markdown.
    #[serde(default)]
    pub bio: Option<Prose<0, 5000>>,
    #[serde(default)]
    pub website: Option<WebUrl>,
    #[serde(default)]
    pub image: Option<Image>,
    #[serde(default, deserialize_with = "few::<20, _, _>")]
    #[schema(max_items = 20)]
    pub links: Option<Vec<AuthorLink>>,
}

pub type AuthorChanges = Changes<NewAuthor>;

impl Settle for NewAuthor {
    fn settled(self, current: &Self) -> Self {
        Self {
            slug: self.slug.or_else(|| current.slug.clone()),
            bio: self.bio.or_else(|| Some(Prose::default())),
            links: self.links.or_else(|| Some(Vec::new())),
            ..self
        }
    }
}

impl TryFrom<&Author> for NewAuthor {
    type Error = Error;

    fn try_from(author: &Author) -> Result<Self> {
        Ok(Self {
            slug: Some(author.slug.clone()),
            name: author.name.clone(),
            bio: Some(author.bio.clone()),
            website: author.website.clone(),
            image: author.image.as_ref().map(Kept::read).transpose()?,
            links: Some(author.links.read()?),
        })
    }
}

field_names! {
    /// The fields of an author.
    pub enum AuthorField {
        Id = "id", Slug = "slug", Name = "name", Bio = "bio", BioHtml = "bio_html", Website = "website", Image = "image",
        Links = "links", ArticleCount = "article_count", ArchivedAt = "archived_at", CreatedAt = "created_at", UpdatedAt = "updated_at",
    }
}

/// How authors may be ordered; with `-` in front, the other way round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum AuthorSort {
    #[default]
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDown,
    #[serde(rename = "article_count")]
    ArticleCount,
    #[serde(rename = "-article_count")]
    ArticleCountDown,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDown,
}

list_params! {
    /// What may be asked of a list of authors.
    pub struct AuthorParams {
        /// Those who write no more, too, or alone. Left out: those who do.
        #[param(inline)]
        pub archived: Option<Archived>,
        /// The order.
        #[param(inline)]
        pub sort: Option<AuthorSort>,
        /// Return these fields only, as `application/vnd.stet.sparse+json`.
        #[param(inline, value_type = Option<Vec<AuthorField>>, style = Form, explode = false, max_items = 50)]
        pub fields: Option<List<AuthorField>>,
    }
}
