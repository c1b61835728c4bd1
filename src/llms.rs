//! `/llms.txt`: what is to be read here, for programs that read text.

use crate::{
    app::App,
    articles::{self, ArticleParams, Eyes, Row},
    error::Result,
    feeds::text_document,
    html::{escape_markdown, excerpt},
    http::{Answer, NoParams, Query, Routes, Window},
    sections,
    site::Site,
    values::{Line, Slug},
};
use actix_web::{get, web::Data};
use std::{borrow::Cow, fmt::Write};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// The newest articles that are looked at.
const NEWEST: i64 = 100;
/// Of these, how many a section shows.
const SHOWN: usize = 10;
/// Sections at the root of the tree that are shown.
const SECTIONS: i64 = 50;
/// Characters of an excerpt.
const EXCERPT: usize = 160;

text_document!(
    /// What is to be read here, as Markdown (llmstxt.org): the newest articles of each section, and where there is more.
    pub struct Llms,
    "# The Lantern\n"
);

pub fn routes(config: &mut impl Routes) {
    config.service(get_llms);
}

/// Get the guide for language models
///
/// The site's name, its sections with their newest articles as links to their Markdown, and the feeds, the sitemap and the
/// document of the API. Its length has a bound.
#[utoipa::path(
    tag = "Syndication", responses((status = OK, description = "The guide.", body = Llms, content_type = "text/plain"))
)]
#[get("/llms.txt")]
async fn get_llms(app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let sections = sections::at_the_root(conn, SECTIONS)?;
            let window = Window::first("/llms.txt", NEWEST);
            let rows = articles::list(conn, &Eyes::Public, &ArticleParams::default(), &window)?.rows;
            let changed = rows.iter().map(|row| row.updated_at).max();
            let text = write(&shared.site(), &sections, &rows);
            let answer = Answer::document(text.into_bytes(), "text/plain; charset=utf-8");
            Ok(changed.into_iter().fold(answer.keyed("articles sections site"), Answer::modified))
        })
        .await
}

/// The slug of the section at the root that an article stands below.
fn root(row: &Row) -> Option<&str> {
    row.section_path.as_deref()?.split('/').next()
}

fn write(site: &Site, sections: &[(Slug, Line<1, 100>)], rows: &[Row]) -> String {
    let mut text = format!("# {}\n\n", escape_markdown(site.profile.name.as_str()));
    if !site.profile.description.as_str().is_empty() {
        _ = write!(text, "> {}\n\n", escape_markdown(site.profile.description.as_str()));
    }
    text += "Articles are linked here as Markdown. The API answers with any of them in this form where `Accept` asks for\n\
        `text/markdown`.\n";
    let shown: Vec<&Row> = rows.iter().filter(|row| !row.seo.0.noindex).collect();
    for (slug, name) in sections {
        let of_it = shown.iter().filter(|row| root(row) == Some(slug.as_ref())).take(SHOWN);
        _ = write!(text, "\n## {}\n\n", escape_markdown(name.as_str()));
        text.extend(of_it.map(|row| link(site, row)));
        _ = writeln!(text, "- [All that is new here]({})", site.page_url(&format!("/feeds/sections/{slug}/rss.xml")));
    }
    let elsewhere = shown.iter().filter(|row| row.section_id.is_none()).take(SHOWN);
    let elsewhere: String = elsewhere.map(|row| link(site, row)).collect();
    if !elsewhere.is_empty() {
        _ = write!(text, "\n## Other stories\n\n{elsewhere}");
    }
    text += "\n## Optional\n\n";
    for (name, path) in [
        ("Feed of all that is new (RSS)", "/feeds/rss.xml"),
        ("The same as Atom", "/feeds/atom.xml"),
        ("The same as a JSON Feed", "/feeds/feed.json"),
        ("Sitemap: all that there is", "/sitemap.xml"),
        ("The API, as an OpenAPI document", "/openapi.json"),
    ] {
        _ = writeln!(text, "- [{name}]({})", site.page_url(path));
    }
    text
}

fn link(site: &Site, row: &Row) -> String {
    let address = site.page_url(&format!("/api/v1/articles/{}?format=markdown", row.slug));
    let excerpt = excerpt(row.excerpt.as_str(), EXCERPT);
    let teaser = if excerpt.is_empty() { String::new() } else { format!(": {}", escape_markdown(&excerpt)) };
    format!("- [{}]({address}){teaser}\n", escape_markdown(row.title.as_str()))
}
