//! `/sitemap.xml`, its parts, and `/news-sitemap.xml`: outside the base path, and the same for everybody.

use super::{
    model::{ArticlePart, Listed, PagePart, Pages, Sitemap},
    queries,
    write::{self, Address, Alternate, MEDIA_TYPE, News},
};
use crate::{
    app::App,
    clock,
    db::Id,
    error::{Code, Error, Result},
    http::{Answer, NoParams, Path, Query, Routes},
    site::Site,
};
use actix_web::{get, web::Data};
use std::{collections::HashMap, time::Duration};

/// Articles in the news sitemap, at most.
const NEWS: usize = 1000;
/// How long an article is news.
const FRESH: Duration = Duration::from_secs(48 * 60 * 60);

pub fn routes(config: &mut impl Routes) {
    config.service(get_sitemap).service(get_article_sitemap).service(get_page_sitemap).service(get_news_sitemap);
}

/// Get the sitemap
///
/// An index of its parts: the articles by the month in which they were first published, the newest first, and the pages of
/// sections, tags and authors. A part of a past month changes only where an article in it does.
#[utoipa::path(
    tag = "Syndication",
    responses((status = OK, description = "The index.", body = Sitemap, content_type = "application/xml"))
)]
#[get("/sitemap.xml")]
async fn get_sitemap(app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let site = shared.site();
            let pages = queries::page_parts(conn)?.into_iter().map(|part| site.page_url(&format!("/sitemaps/{part}")));
            let articles = queries::article_parts(conn)?.into_iter();
            let articles = articles.map(|part| site.page_url(&format!("/sitemaps/articles/{part}")));
            let index = write::index(&pages.chain(articles).collect::<Vec<_>>())?;
            let answer = Answer::xml(index, MEDIA_TYPE).keyed("articles authors sections site tags");
            Ok(match queries::last_change(conn)? {
                Some(changed) => answer.modified(changed),
                None => answer,
            })
        })
        .await
}

/// Get a part of the sitemap with articles
///
/// Those of a month, at most 10,000. What asks search engines to stay away (`seo.noindex`) is not in it, nor what says that
/// it stands on another page (`seo.canonical_url`), be it of this site or of another.
#[utoipa::path(
    tag = "Syndication", params(("part" = inline(ArticlePart), Path, description = "The name of the part, from the index.")),
    responses((status = OK, description = "The part.", body = Sitemap, content_type = "application/xml"))
)]
#[get("/sitemaps/articles/{part}")]
async fn get_article_sitemap(app: Data<App>, path: Path<ArticlePart>, _: Query<NoParams>) -> Result<Answer> {
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let site = shared.site();
            let listed = queries::articles(conn, *path)?.ok_or_else(absent)?;
            let languages = Languages::of(&site, &queries::translations(conn, *path, &listed)?);
            let address = |one: &Listed| Some(Address { alternates: languages.of_one(one), ..article(&site, one)? });
            let mut addresses: Vec<Address> = listed.iter().filter_map(address).collect();
            if addresses.is_empty() {
                // No sitemap may be empty.
                addresses.push(Address { loc: site.page_url("/"), ..Address::default() });
            }
            let answer = Answer::xml(write::pages(&addresses)?, MEDIA_TYPE).keyed("articles site");
            let changed = listed.iter().map(|one| one.updated_at).max();
            Ok(changed.into_iter().fold(answer, Answer::modified))
        })
        .await
}

/// Get a part of the sitemap with other pages
///
/// The front page and those of sections; those of tags and of authors, where an article is published that has them. At
/// most 10,000.
#[utoipa::path(
    tag = "Syndication", params(("part" = inline(PagePart), Path, description = "The name of the part, from the index.")),
    responses((status = OK, description = "The part.", body = Sitemap, content_type = "application/xml"))
)]
#[get("/sitemaps/{part}")]
async fn get_page_sitemap(app: Data<App>, path: Path<PagePart>, _: Query<NoParams>) -> Result<Answer> {
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let site = shared.site();
            let found = queries::pages(conn, *path)?;
            let url = |page: &queries::Page| match path.pages {
                Pages::Sections => site.section_url(page.id, &page.slug, page.path.as_deref().unwrap_or_default()),
                Pages::Tags => site.tag_url(page.id, &page.slug),
                Pages::Authors => site.author_url(page.id, &page.slug),
            };
            let front = (path.pages == Pages::Sections && path.number == 1).then(|| site.page_url("/"));
            let locs = front.into_iter().chain(found.iter().map(url));
            let addresses: Vec<_> = locs.map(|loc| Address { loc, ..Address::default() }).collect();
            if addresses.is_empty() {
                return Err(absent());
            }
            let keys = format!("{} site", path.pages.name());
            let answer = Answer::xml(write::pages(&addresses)?, MEDIA_TYPE).keyed(keys);
            let changed = found.iter().map(|page| page.changed).max();
            Ok(changed.into_iter().fold(answer, Answer::modified))
        })
        .await
}

/// Get the news sitemap
///
/// What was published in the last 48 hours, as Google News reads it: at most 1,000 articles, the newest first.
#[utoipa::path(
    tag = "Syndication",
    responses((status = OK, description = "The news sitemap.", body = Sitemap, content_type = "application/xml"))
)]
#[get("/news-sitemap.xml")]
async fn get_news_sitemap(app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let site = shared.site();
            let listed = queries::news(conn, clock::now().minus(FRESH))?;
            let addresses: Vec<Address> = listed.iter().filter_map(|one| news(&site, one)).take(NEWS).collect();
            let answer = Answer::xml(write::pages(&addresses)?, MEDIA_TYPE).keyed("articles site");
            let changed = listed.iter().map(|one| one.updated_at).max();
            Ok(changed.into_iter().fold(answer, Answer::modified))
        })
        .await
}

fn absent() -> Error {
    Error::with(Code::NotFound, "the sitemap has no such part; /sitemap.xml lists them all")
}

fn article(site: &Site, listed: &Listed) -> Option<Address> {
    let image = listed.image.as_ref().map(|image| image.0.url.to_string());
    Some(Address { loc: listed.address(site)?, changed: Some(listed.updated_at), image, ..Address::default() })
}

fn news(site: &Site, listed: &Listed) -> Option<Address> {
    let news = News {
        site: site.profile.name.to_string(),
        language: write::news_language(&listed.language),
        published: listed.published_at?,
        title: listed.title.to_string(),
    };
    Some(Address { news: Some(news), ..article(site, listed)? })
}

/// Where articles are in which languages, by their groups.
struct Languages(HashMap<Id, Vec<Alternate>>);

impl Languages {
    fn of(site: &Site, listed: &[Listed]) -> Self {
        let mut groups: HashMap<Id, Vec<Alternate>> = HashMap::new();
        for one in listed {
            if let Some((group, loc)) = one.group.zip(one.address(site)) {
                groups.entry(group).or_default().push(Alternate { language: one.language.clone(), loc });
            }
        }
        Self(groups)
    }

    /// None where it is there in one language alone.
    fn of_one(&self, listed: &Listed) -> Vec<Alternate> {
        let all = listed.group.and_then(|group| self.0.get(&group));
        all.filter(|all| all.len() > 1).cloned().unwrap_or_default()
    }
}
