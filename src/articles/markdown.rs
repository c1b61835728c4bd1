//! An article as Markdown, for programs that read text: made from the HTML that readers see, so that it says nothing that
//! stands in the source alone.

use super::model::{Article, Visibility};
use crate::{
    clock::Time,
    db::Kept,
    error::{Error, Result},
    feeds::text_document,
    html::{self, escape},
    http::{Answer, etag, prefers_markdown},
    site::Site,
    values::{Image, Line},
};
use actix_web::{FromRequest, HttpRequest, dev::Payload};
use serde::Deserialize;
use std::{
    borrow::Cow,
    future::{Ready, ready},
};
use url::Url;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Bytes of HTML beyond which a body is given as plain text: what is deep in quotes grows forty times as Markdown.
const MAX_HTML: usize = 500_000;

/// The form in which an article is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ArticleForm {
    Json,
    Markdown,
}

/// Whether `Accept` prefers Markdown to JSON.
pub struct Preferred(pub ArticleForm);

impl FromRequest for Preferred {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self(if prefers_markdown(request.headers()) { ArticleForm::Markdown } else { ArticleForm::Json })))
    }
}

text_document!(
    /// An article as Markdown (CommonMark, with GFM's tables): its title, its byline and dates, its picture, and the text or,
    /// where access is not granted, the excerpt. All addresses in it are absolute.
    pub struct ArticleMarkdown,
    "# The harbour reopens\n\nBy [Mira Holt](https://lantern.example/authors/mira-holt) · 2026-03-01 08:30 UTC\n\nAt last.\n"
);

/// The answer with an article. It may take a while.
pub fn answer(article: &Article, site: &Site) -> Result<Answer> {
    let failed = |e| Error::internal("an article could not be written as Markdown").because(e);
    let markdown = html::to_markdown(&page(article, site)?).map_err(failed)? + "\n";
    let answer = Answer::document(markdown.into_bytes(), "text/markdown; charset=utf-8");
    let etag = etag::of_state(article, &answer.body);
    Ok(Answer { etag: Some(etag), ..answer }.keyed(article.keys()))
}

/// All of it as HTML: what is text in it is then text in the Markdown, too.
fn page(article: &Article, site: &Site) -> Result<String> {
    let mut page = format!("<h1>{}</h1>\n", escape(article.title.as_str()));
    if let Some(subtitle) = article.subtitle.as_ref().filter(|subtitle| !subtitle.as_str().is_empty()) {
        page += &format!("<p><strong>{}</strong></p>\n", escape(subtitle.as_str()));
    }
    let line = [byline(article, site), dates(article)].into_iter().flatten().collect::<Vec<_>>().join(" · ");
    if !line.is_empty() {
        page += &format!("<p>{line}</p>\n");
    }
    page += &article.image.as_ref().map(Kept::read).transpose()?.as_ref().map(picture).unwrap_or_default();
    page += &match article.body.as_ref().and_then(Option::as_ref) {
        Some(body) => text(&body.html, &article.url),
        None => teaser(article),
    };
    Ok(page)
}

fn byline(article: &Article, site: &Site) -> Option<String> {
    let name = article.authors.iter().map(|author| {
        format!(
            "<a href=\"{}\">{}</a>",
            escape(&site.author_url(author.id, &author.slug)),
            escape(author.name.as_str())
        )
    });
    let names = name.collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| format!("By {names}"))
}

fn dates(article: &Article) -> Option<String> {
    let minute = |time: Time| time.utc().format("%Y-%m-%d %H:%M UTC").to_string();
    let published = minute(article.published_at?);
    let updated = minute(article.updated_at);
    Some(if updated == published { published } else { format!("{published}, updated {updated}") })
}

fn picture(image: &Image) -> String {
    let alt = image.alt.as_ref().map_or("", Line::as_str);
    let below = [&image.caption.as_ref().map(Line::as_str), &image.credit.as_ref().map(Line::as_str)];
    let below = below.into_iter().flatten().filter(|text| !text.is_empty());
    let below = below.map(|text| escape(text)).collect::<Vec<_>>().join(" · ");
    let below = if below.is_empty() { below } else { format!("<p><em>{below}</em></p>\n") };
    format!("<p><img src=\"{}\" alt=\"{}\"></p>\n{below}", escape(image.url.as_ref()), escape(alt))
}

fn text<'a>(html: &'a str, url: &str) -> Cow<'a, str> {
    if html.len() > MAX_HTML {
        return format!("<p>{}</p>", escape(&html::said(html))).into();
    }
    match Url::parse(url) {
        Ok(base) => html::absolute(html, &base),
        Err(_) => html.into(),
    }
}

/// What stands where the text may not.
fn teaser(article: &Article) -> Cow<'static, str> {
    let who = match article.visibility {
        Visibility::Public | Visibility::Members => "members",
        Visibility::Premium => "subscribers",
    };
    let url = escape(&article.url);
    format!(
        "<p>{}</p>\n<p><em>The whole text is for {who}: <a href=\"{url}\">{url}</a></em></p>",
        escape(article.excerpt.as_str())
    )
    .into()
}
