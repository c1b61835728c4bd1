//! A feed as JSON Feed 1.1.

use super::model::{Entry, Feed, Form};
use crate::{
    clock::Time,
    error::{Error, Result},
    written,
};
use serde::Serialize;
use utoipa::ToSchema;

pub const MEDIA_TYPE: &str = "application/feed+json";

/// A JSON Feed (version 1.1).
#[derive(Debug, Serialize, ToSchema)]
pub struct JsonFeed<'a> {
    #[schema(format = "uri", max_length = 40, example = "https://jsonfeed.org/version/1.1")]
    version: &'static str,
    #[schema(max_length = 400, pattern = "^[^\\x00]*$", example = "The Lantern")]
    title: &'a str,
    #[schema(format = "uri", max_length = 2200, example = "https://lantern.example")]
    home_page_url: &'a str,
    #[schema(format = "uri", max_length = 2200, example = "https://lantern.example/feeds/feed.json")]
    feed_url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        max_length = 200_000,
        pattern = "^[^\\x00]*$",
        example = "Machines, code, and who they serve."
    )]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", max_length = 2000, example = "https://images.lantern.example/logo.png")]
    icon: Option<&'a str>,
    #[schema(max_items = 1)]
    authors: [FeedAuthor<'a>; 1],
    /// The language of all items, or else the site's first.
    #[schema(max_length = 12, pattern = "^[A-Za-z0-9-]+$", example = "en")]
    language: &'a str,
    #[schema(max_items = 30)]
    items: Vec<FeedItem<'a>>,
}

/// An article in a JSON Feed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedItem<'a> {
    #[schema(format = "uri", max_length = 50, example = "urn:uuid:0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d")]
    id: String,
    #[schema(format = "uri", max_length = 2200, example = "https://lantern.example/articles/harbour-reopens")]
    url: &'a str,
    #[schema(max_length = 200, pattern = "^[^\\x00]*$", example = "The harbour reopens")]
    title: &'a str,
    /// The whole text, where everybody may read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 10_000_000, pattern = "^[^\\x00]*$", example = "<p>At last.</p>")]
    content_html: Option<&'a str>,
    /// The excerpt, where the text is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 500, pattern = "^[^\\x00]*$", example = "At last.")]
    content_text: Option<&'a str>,
    #[schema(max_length = 500, pattern = "^[^\\x00]*$", example = "At last.")]
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        format = "uri",
        max_length = 2000,
        example = "https://images.lantern.example/harbour.jpg"
    )]
    image: Option<&'a str>,
    date_published: Time,
    date_modified: Time,
    #[schema(max_items = 20)]
    authors: Vec<FeedAuthor<'a>>,
    /// The section and the tags.
    #[schema(max_items = 51, value_type = Vec<crate::values::Line<1, 100>>)]
    tags: Vec<&'a str>,
    #[schema(max_length = 12, pattern = "^[A-Za-z0-9-]+$", example = "en")]
    language: &'a str,
}

/// Who wrote an item, or who makes a feed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeedAuthor<'a> {
    #[schema(max_length = 200, pattern = "^[^\\x00]*$", example = "Mira Holt")]
    name: &'a str,
    #[schema(format = "uri", max_length = 2200, example = "https://lantern.example/authors/mira-holt")]
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = "uri", max_length = 2000, example = "https://images.lantern.example/mira.jpg")]
    avatar: Option<&'a str>,
}

pub fn write(feed: &Feed) -> Result<Vec<u8>> {
    let json = JsonFeed {
        version: "https://jsonfeed.org/version/1.1",
        title: &feed.title,
        home_page_url: &feed.page,
        feed_url: feed.address(Form::Json),
        description: feed.description.as_deref(),
        icon: feed.logo.as_ref().map(|logo| logo.url.as_ref()),
        authors: [FeedAuthor { name: &feed.site, url: &feed.site_url, avatar: None }],
        language: feed.language.as_ref(),
        items: feed.entries.iter().map(item).collect(),
    };
    written::to_vec(&json).map_err(|e| Error::internal("a feed could not be written").because(e))
}

fn item(entry: &Entry) -> FeedItem<'_> {
    let article = &entry.article;
    FeedItem {
        id: entry.id(),
        url: &article.url,
        title: article.title.as_str(),
        content_html: entry.content.as_deref(),
        content_text: entry.content.is_none().then(|| article.excerpt.as_str()),
        summary: article.excerpt.as_str(),
        image: entry.image.as_ref().map(|image| image.url.as_ref()),
        date_published: entry.published(),
        date_modified: article.updated_at,
        authors: entry
            .byline
            .iter()
            .map(|author| FeedAuthor { name: &author.name, url: &author.url, avatar: author.avatar.as_deref() })
            .collect(),
        tags: entry.subjects().collect(),
        language: article.language.as_ref(),
    }
}
