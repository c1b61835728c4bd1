//! What social networks read of an article: the Open Graph tags, and Twitter's own.

use super::model::Article;
use crate::{
    clock::Time,
    error::{Error, Result},
    site::Site,
    values::{Image, Language, Line, Whole},
    written::Written,
};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, Schema},
};

/// The tags of a page for social networks: a front end writes each as `<meta property="og:…">` (`article:…` for those in
/// `article`, `twitter:card` for the last).
#[derive(Serialize, ToSchema)]
pub struct Tags<'a> {
    #[schema(max_length = 200, pattern = "^[^\\x00]*$", example = "The harbour reopens")]
    title: &'a str,
    #[serde(rename = "type")]
    kind: Kind,
    #[schema(format = "uri", max_length = 2200, example = "https://lantern.example/articles/harbour-reopens")]
    url: &'a str,
    #[schema(max_length = 200, pattern = "^[^\\x00]*$", example = "The Lantern")]
    site_name: &'a str,
    #[schema(max_length = 500, pattern = "^[^\\x00]*$", example = "At last.")]
    description: &'a str,
    /// The language, with the country where it is known.
    #[schema(max_length = 12, pattern = "^[A-Za-z0-9_]+$", example = "en_GB")]
    locale: Cow<'a, str>,
    /// The languages of its translations.
    #[schema(max_items = 100, value_type = Vec<Line<2, 12>>)]
    locale_alternates: Vec<Cow<'a, str>>,
    image: Option<Picture<'a>>,
    article: About<'a>,
    twitter_card: Card,
}

/// What a page is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OpenGraphType)]
enum Kind {
    Article,
}

/// How large a page is announced.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TwitterCard)]
enum Card {
    SummaryLargeImage,
    /// Without a picture.
    Summary,
}

/// The picture of a page.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenGraphImage)]
struct Picture<'a> {
    #[schema(format = "uri", max_length = 2000, example = "https://images.lantern.example/harbour.jpg")]
    url: &'a str,
    #[schema(minimum = 1, maximum = 100_000, example = 1600)]
    width: Option<i32>,
    #[schema(minimum = 1, maximum = 100_000, example = 900)]
    height: Option<i32>,
    #[schema(max_length = 300, pattern = "^[^\\x00]*$", example = "The harbour at low tide")]
    alt: Option<&'a str>,
}

/// What is said of a page that is an article.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenGraphArticle)]
struct About<'a> {
    published_time: Option<Time>,
    modified_time: Time,
    #[schema(max_length = 100, pattern = "^[^\\x00]*$", example = "Technology")]
    section: Option<&'a str>,
    #[schema(max_items = 50, value_type = Vec<Line<1, 100>>)]
    tags: Vec<&'a str>,
    /// The pages of the authors.
    #[schema(max_items = 20, value_type = Vec<crate::values::WebUrl>)]
    authors: Vec<String>,
}

/// [`Tags`], written.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct OpenGraph(Written);

impl PartialSchema for OpenGraph {
    fn schema() -> RefOr<Schema> {
        Tags::schema()
    }
}

impl ToSchema for OpenGraph {
    fn name() -> Cow<'static, str> {
        "OpenGraph".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Tags::schemas(schemas);
    }
}

/// The article as social networks ask for it.
pub fn of(article: &Article, image: Option<&Image>, site: &Site) -> Result<OpenGraph> {
    let seo = &article.seo;
    let own = seo.image_url.as_ref().map(|url| Picture { url: url.as_ref(), width: None, height: None, alt: None });
    let image = own.or_else(|| {
        image.map(|image| Picture {
            url: image.url.as_ref(),
            width: image.width.map(Whole::get),
            height: image.height.map(Whole::get),
            alt: image.alt.as_ref().map(Line::as_str),
        })
    });
    let tags = Tags {
        title: seo.title.as_ref().map_or_else(|| article.title.as_str(), Line::as_str),
        kind: Kind::Article,
        url: seo.canonical_url.as_ref().map_or(article.url.as_str(), AsRef::as_ref),
        site_name: site.profile.name.as_str(),
        description: seo.description.as_ref().map_or_else(|| article.excerpt.as_str(), Line::as_str),
        locale: locale(&article.language),
        locale_alternates: article.translations.iter().map(|other| locale(&other.language)).collect(),
        twitter_card: if image.is_some() { Card::SummaryLargeImage } else { Card::Summary },
        image,
        article: About {
            published_time: article.published_at,
            modified_time: article.updated_at,
            section: article.section.as_ref().map(|section| section.name.as_str()),
            tags: article.tags.iter().map(|tag| tag.name.as_str()).collect(),
            authors: article.authors.iter().map(|author| site.author_url(author.id, &author.slug)).collect(),
        },
    };
    Written::of(&tags).map(OpenGraph).map_err(|e| Error::internal("an article is not JSON").because(e))
}

/// `pt-BR` as `pt_BR`, and `zh-Hant-TW` as `zh_TW`.
fn locale(language: &Language) -> Cow<'_, str> {
    let tag = language.as_ref();
    match (tag.split_once('-'), tag.rsplit_once('-')) {
        (Some((language, _)), Some((_, country))) if country.len() < 4 => format!("{language}_{country}").into(),
        (Some((language, _)), _) => language.into(),
        _ => tag.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::locale;
    use crate::values::Language;

    #[test]
    fn a_locale_is_a_language_and_a_country() {
        for (tag, expected) in
            [("en", "en"), ("pt-BR", "pt_BR"), ("zh-Hant-TW", "zh_TW"), ("zh-Hant", "zh"), ("es-419", "es_419")]
        {
            assert_eq!(locale(&Language::parse(tag.into()).unwrap()), expected);
        }
    }
}
