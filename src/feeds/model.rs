//! What a feed holds, whichever form it is written in; and the forms.

use crate::{
    articles::Article,
    authors::Author,
    clock::Time,
    db::Kept,
    error::Result,
    html,
    site::Site,
    values::{Image, Language, Place},
};
use serde::Deserialize;
use std::borrow::Cow;
use url::Url;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// The forms of a feed, by the names of their files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
pub enum Form {
    #[serde(rename = "rss.xml")]
    Rss,
    #[serde(rename = "atom.xml")]
    Atom,
    #[serde(rename = "feed.json")]
    Json,
}

impl Form {
    pub fn file(self) -> &'static str {
        match self {
            Self::Rss => "rss.xml",
            Self::Atom => "atom.xml",
            Self::Json => "feed.json",
        }
    }
}

/// How an entry leads to its translations. As a second `alternate` they would be right, too, but readers that know one address
/// of an entry take the last of these for it.
pub const TRANSLATION: &str = "related";

/// The newest articles of something, the newest first.
pub struct Feed {
    /// Names it for ever.
    pub id: String,
    pub title: String,
    pub description: Option<String>,
    pub site: String,
    pub site_url: String,
    pub logo: Option<Image>,
    /// The page of what it is a feed of.
    pub page: String,
    /// Where the feed is, without the name of its form.
    pub folder: String,
    /// The language of all its articles, or else the site's first.
    pub language: Language,
    pub updated: Time,
    pub entries: Vec<Entry>,
    /// What it was made from, for caches that purge by key.
    pub keys: String,
}

impl Feed {
    /// Where it is in this form.
    pub fn address(&self, form: Form) -> String {
        format!("{}/{}", self.folder, form.file())
    }
}

/// An article in a feed.
pub struct Entry {
    pub article: Article,
    /// The whole text, with addresses that hold wherever it is read; `None` where not everybody may read it, or where the
    /// feed is long enough without it.
    pub content: Option<String>,
    pub image: Option<Image>,
    pub byline: Vec<Byline>,
}

/// An author in a feed.
pub struct Byline {
    pub name: String,
    /// Their page.
    pub url: String,
    pub avatar: Option<String>,
}

impl Byline {
    fn of(site: &Site, author: &Author) -> Result<Self> {
        let avatar = author.image.as_ref().map(Kept::look::<Place>).transpose()?;
        let (name, url) = (author.name.to_string(), site.author_url(author.id, &author.slug));
        Ok(Self { name, url, avatar: avatar.map(|place| place.url.into_owned()) })
    }
}

/// Bytes of HTML that a feed holds; the articles that find no room go with their excerpts.
const ROOM: usize = 2_000_000;

impl Entry {
    /// Articles that were read with the public's eyes, so that a body that is there is everybody's.
    pub fn all(site: &Site, articles: Vec<Article>) -> Result<Vec<Self>> {
        let mut room = ROOM;
        let entry = |mut article: Article| {
            let body = article.body.take().flatten().filter(|body| body.html.len() <= room);
            room -= body.as_ref().map_or(0, |body| body.html.len());
            let content = body.map(|body| match Url::parse(&article.url) {
                Ok(base) => html::absolute(&body.html, &base).into_owned(),
                Err(_) => body.html,
            });
            let image = article.image.as_ref().map(Kept::read).transpose()?;
            let byline = article.authors.iter().map(|author| Byline::of(site, author)).collect::<Result<_>>()?;
            Ok(Self { article, content, image, byline })
        };
        articles.into_iter().map(entry).collect()
    }

    /// Names it for ever, whatever its address becomes.
    pub fn id(&self) -> String {
        format!("urn:uuid:{}", self.article.id)
    }

    pub fn published(&self) -> Time {
        self.article.published_at.unwrap_or(self.article.created_at)
    }

    /// The excerpt in a form for those who take it for HTML.
    pub fn excerpt_html(&self) -> String {
        html::escape(self.article.excerpt.as_str())
    }

    /// What it is about: its section's name and its tags'.
    pub fn subjects(&self) -> impl Iterator<Item = &str> {
        let section = self.article.section.iter().map(|section| section.name.as_str());
        section.chain(self.article.tags.iter().map(|tag| tag.name.as_str()))
    }
}

/// The media type of a picture, as far as its address tells.
pub fn picture_type(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next()?;
    let (_, ending) = path.rsplit_once('.')?;
    let known = [
        ("jpg", "image/jpeg"),
        ("jpeg", "image/jpeg"),
        ("png", "image/png"),
        ("webp", "image/webp"),
        ("avif", "image/avif"),
        ("gif", "image/gif"),
        ("svg", "image/svg+xml"),
    ];
    known.iter().find(|(name, _)| ending.eq_ignore_ascii_case(name)).map(|(_, media)| *media)
}

/// The schema of a document that is not JSON.
macro_rules! text_document {
    ($(#[doc = $doc:literal])+ pub struct $name:ident, $example:literal) => {
        $(#[doc = $doc])+
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .min_length(Some(1))
                    .max_length(Some(50_000_000))
                    .pattern(Some("^[^\\x00]*$"))
                    .description(Some(concat!($($doc),+).trim()))
                    .examples([$example])
                    .into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    };
}
pub(crate) use text_document;

text_document!(
    /// RSS 2.0, with the elements of Atom, Dublin Core, Content and Media RSS that readers know.
    pub struct RssFeed,
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\">…</rss>"
);

text_document!(
    /// Atom 1.0 (RFC 4287).
    pub struct AtomFeed,
    "<?xml version=\"1.0\" encoding=\"utf-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\">…</feed>"
);

#[cfg(test)]
mod tests {
    use super::picture_type;

    #[test]
    fn a_picture_is_known_by_its_ending() {
        assert_eq!(picture_type("https://a.example/b.JPG?w=1.png"), Some("image/jpeg"));
        assert_eq!(picture_type("https://a.example/b"), None);
        assert_eq!(picture_type("https://a.example"), None);
    }
}
