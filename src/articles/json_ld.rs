//! What search engines read of an article: a schema.org `NewsArticle` and the breadcrumbs to it, with all that their rich
//! results ask for.

use super::model::{Article, JsonLd, Title, Visibility};
use crate::{
    authors::Author,
    clock::Time,
    db::Kept,
    error::{Error, Result},
    sections::Crumb,
    site::Site,
    values::{Image, Language, Line, Place, Prose, WebUrl, Whole},
    written::Written,
};
use serde::Serialize;
use std::borrow::Cow;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewsArticle<'a> {
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "@type")]
    kind: &'static str,
    headline: &'a Title,
    description: &'a str,
    main_entity_of_page: WebPage<'a>,
    date_published: Option<Time>,
    date_modified: Time,
    in_language: &'a Language,
    word_count: i32,
    comment_count: i64,
    is_accessible_for_free: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    has_part: Option<WebPageElement>,
    author: Vec<Creator<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keywords: Vec<&'a Line<1, 100>>,
    publisher: Organization<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    image: Vec<ImageObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    article_section: Option<&'a Line<1, 100>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    correction: Vec<CorrectionComment<'a>>,
}

/// The part of the page that is not for everybody, by the class that a front end gives it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebPageElement {
    #[serde(rename = "@type")]
    kind: &'static str,
    is_accessible_for_free: bool,
    css_selector: &'static str,
}

const PAYWALL: WebPageElement =
    WebPageElement { kind: "WebPageElement", is_accessible_for_free: false, css_selector: ".paywall" };

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CorrectionComment<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    text: &'a Prose<1, 5000>,
    date_published: Time,
}

/// Who wrote it: the site where there is no byline.
#[derive(Serialize)]
#[serde(untagged)]
enum Creator<'a> {
    Person(Person<'a>),
    Site(Organization<'a>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Person<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    name: &'a Line<1, 100>,
    url: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Cow<'a, str>>,
    /// Where else they are found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    same_as: Vec<Cow<'a, str>>,
}

#[derive(Serialize)]
struct Organization<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    name: &'a str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    logo: Option<ImageObject<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImageObject<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    url: &'a WebUrl,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caption: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_text: Option<&'a str>,
}

/// The page that the article stands on, and the way to it.
#[derive(Serialize)]
struct WebPage<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@id")]
    id: &'a str,
    breadcrumb: BreadcrumbList<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BreadcrumbList<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    item_list_element: Vec<ListItem<'a>>,
}

#[derive(Serialize)]
struct ListItem<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    position: usize,
    name: &'a str,
    /// The last one is the page itself, and needs none.
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<String>,
}

/// The article as search engines ask for it.
pub fn of(article: &Article, image: Option<&Image>, site: &Site) -> Result<JsonLd> {
    let trail = article.section.as_ref().map(|section| section.trail.read()).transpose()?;
    let article = news_article(article, image, trail.as_deref().unwrap_or_default(), site)?;
    Written::of(&article).map(JsonLd).map_err(|e| Error::internal("an article is not JSON").because(e))
}

fn news_article<'a>(
    article: &'a Article,
    image: Option<&'a Image>,
    trail: &'a [Crumb],
    site: &'a Site,
) -> Result<NewsArticle<'a>> {
    let seo = &article.seo;
    let free = article.visibility == Visibility::Public;
    let correction = article.corrections.iter().flatten().map(|said| CorrectionComment {
        kind: "CorrectionComment",
        text: &said.text,
        date_published: said.created_at,
    });
    // The picture for search engines first, where they have one of their own.
    let images = seo.image_url.iter().map(ImageObject::at).chain(image.map(ImageObject::of));
    Ok(NewsArticle {
        context: "https://schema.org",
        kind: "NewsArticle",
        headline: &article.title,
        description: seo.description.as_ref().map_or_else(|| article.excerpt.as_str(), Line::as_str),
        main_entity_of_page: WebPage {
            kind: "WebPage",
            id: seo.canonical_url.as_ref().map_or(article.url.as_str(), AsRef::as_ref),
            breadcrumb: breadcrumbs(article, trail, site),
        },
        date_published: article.published_at,
        date_modified: article.updated_at,
        in_language: &article.language,
        word_count: article.word_count,
        comment_count: article.comments.count,
        is_accessible_for_free: free,
        has_part: (!free).then_some(PAYWALL),
        author: authors(article, site)?,
        keywords: article.tags.iter().map(|tag| &tag.name).collect(),
        publisher: Organization::of(site),
        image: images.collect(),
        article_section: article.section.as_ref().map(|section| &section.name),
        correction: correction.collect(),
    })
}

fn authors<'a>(article: &'a Article, site: &'a Site) -> Result<Vec<Creator<'a>>> {
    if article.authors.is_empty() {
        return Ok(vec![Creator::Site(Organization::of(site))]);
    }
    let person = |author: &'a Author| {
        let image = author.image.as_ref().map(Kept::look::<Place>).transpose()?;
        let links = author.links.look::<Vec<Place>>()?.into_iter().map(|link| link.url);
        Ok(Creator::Person(Person {
            kind: "Person",
            name: &author.name,
            url: site.author_url(author.id, &author.slug),
            image: image.map(|image| image.url),
            same_as: author.website.iter().map(|url| url.as_ref().into()).chain(links).collect(),
        }))
    };
    article.authors.iter().map(person).collect()
}

impl<'a> Organization<'a> {
    fn of(site: &'a Site) -> Self {
        let (name, logo) = (site.profile.name.as_str(), site.profile.logo.as_ref());
        Self { kind: "Organization", name, url: &site.url, logo: logo.map(ImageObject::of) }
    }
}

impl<'a> ImageObject<'a> {
    fn at(url: &'a WebUrl) -> Self {
        Self { kind: "ImageObject", url, width: None, height: None, caption: None, credit_text: None }
    }

    fn of(image: &'a Image) -> Self {
        Self {
            width: image.width.map(Whole::get),
            height: image.height.map(Whole::get),
            caption: image.caption.as_ref().map(Line::as_str),
            credit_text: image.credit.as_ref().map(Line::as_str),
            ..Self::at(&image.url)
        }
    }
}

/// The way from the front page to the article: always two steps at least, which is what search engines ask for.
fn breadcrumbs<'a>(article: &'a Article, trail: &'a [Crumb], site: &'a Site) -> BreadcrumbList<'a> {
    let section = article.section.iter();
    let trail = section.flat_map(|section| trail.iter().map(|crumb| (crumb, site.crumb_url(section, crumb))));
    let steps = std::iter::once((site.profile.name.as_str(), Some(site.url.clone())))
        .chain(trail.filter_map(|(crumb, url)| Some((crumb.name.as_str(), Some(url?)))))
        .chain([(article.title.as_str(), None)]);
    let item = |(n, (name, item))| ListItem { kind: "ListItem", position: n + 1, name, item };
    BreadcrumbList { kind: "BreadcrumbList", item_list_element: steps.enumerate().map(item).collect() }
}
