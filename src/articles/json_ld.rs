//! What search engines read of an article: a schema.org `NewsArticle`.

use super::model::{Article, JsonLd, Title, Visibility};
use crate::{
    clock::Time,
    error::{Error, Result},
    site::Site,
    values::{Language, Line, Prose, WebUrl},
};
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewsArticle<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@type")]
    kind: &'static str,
    headline: &'a Title,
    description: &'a str,
    main_entity_of_page: &'a str,
    date_published: Option<Time>,
    date_modified: Time,
    in_language: &'a Language,
    word_count: i32,
    is_accessible_for_free: bool,
    author: Vec<Person<'a>>,
    keywords: Vec<&'a Line<1, 100>>,
    publisher: Organization<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<[&'a WebUrl; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    article_section: Option<&'a Line<1, 100>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    correction: Vec<CorrectionComment<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CorrectionComment<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    text: &'a Prose<1, 5000>,
    date_published: Time,
}

#[derive(Serialize)]
struct Person<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    name: &'a Line<1, 100>,
    url: Option<&'a WebUrl>,
}

#[derive(Serialize)]
struct Organization<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    name: &'a str,
    url: &'a str,
}

/// The article as search engines ask for it.
pub fn of(article: &Article, site: &Site) -> Result<JsonLd> {
    let seo = &article.seo;
    let image = seo.image_url.as_ref().or_else(|| article.image.as_ref().map(|image| &image.url));
    let value = NewsArticle {
        context: "https://schema.org",
        kind: "NewsArticle",
        headline: &article.title,
        description: seo.description.as_ref().map_or_else(|| article.excerpt.as_str(), Line::as_str),
        main_entity_of_page: seo.canonical_url.as_ref().map_or(article.url.as_str(), AsRef::as_ref),
        date_published: article.published_at,
        date_modified: article.updated_at,
        in_language: &article.language,
        word_count: article.word_count,
        is_accessible_for_free: article.visibility == Visibility::Public,
        author: article
            .authors
            .iter()
            .map(|author| Person { kind: "Person", name: &author.name, url: author.website.as_ref() })
            .collect(),
        keywords: article.tags.iter().map(|tag| &tag.name).collect(),
        publisher: Organization { kind: "Organization", name: site.profile.name.as_str(), url: &site.url },
        image: image.map(|image| [image]),
        article_section: article.section.as_ref().map(|section| &section.name),
        correction: article
            .corrections
            .iter()
            .flatten()
            .map(|said| CorrectionComment {
                kind: "CorrectionComment",
                text: &said.text,
                date_published: said.created_at,
            })
            .collect(),
    };
    serde_json::value::to_raw_value(&value)
        .map(JsonLd)
        .map_err(|e| Error::internal("an article is not JSON").because(e))
}
