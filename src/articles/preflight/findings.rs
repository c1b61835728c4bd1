//! What preflight looks for.

use super::{PreflightCheck, PreflightCode, PreflightSeverity, links};
use crate::{
    articles::{
        model::{ReviewStatus, Row},
        revisions,
        write::NewArticle,
    },
    db::{Conn, Id, among},
    error::Result,
    html::{self, Marks},
    schema::{articles, published_articles, revisions as texts},
    site::Site,
    values::{Image, Line, Ref, is_invisible},
};
use diesel::prelude::*;
use std::collections::HashSet;

/// Characters of a title that search engines show.
const TITLE: usize = 110;
/// Characters of a description that search engines show.
const DESCRIPTION: usize = 160;
/// Findings of one kind that are listed, each for itself.
const EACH: usize = 20;

/// All that is found, the worst first.
pub fn of(conn: &mut Conn, site: &Site, row: &Row) -> Result<Vec<PreflightCheck>> {
    let article = revisions::as_written(conn, row)?;
    let html: String = texts::table.find(row.revision_id).select(texts::body_html).first(conn)?;
    let marks = html::marks(&html);
    let mut found = Findings::default();
    found.body(&html, &marks);
    for dead in links::dead(conn, site, row, &marks.links)? {
        found.add(PreflightCode::DeadLink, "/body/source", format!("{dead} leads to no public article"));
    }
    found.image(article.image.as_ref());
    found.furniture(&article);
    found.lengths(&article);
    found.surroundings(conn, row, &article)?;
    // What was found first comes first.
    found.0.sort_by_key(|check| match check.severity {
        PreflightSeverity::Error => 0,
        PreflightSeverity::Warning => 1,
        PreflightSeverity::Info => 2,
    });
    Ok(found.0)
}

#[derive(Default)]
struct Findings(Vec<PreflightCheck>);

impl Findings {
    /// Adds what was found, up to a bound for each kind.
    fn add(&mut self, code: PreflightCode, pointer: impl Into<String>, message: impl Into<String>) {
        if self.0.iter().filter(|check| check.code == code).count() < EACH {
            let severity = code.severity();
            self.0.push(PreflightCheck { code, severity, pointer: pointer.into(), message: message.into() });
        }
    }

    fn body(&mut self, html: &str, marks: &Marks) {
        if marks.pictures.is_empty() && html::text(html).chars().all(is_invisible) {
            self.add(PreflightCode::EmptyBody, "/body/source", "the body is empty");
        }
        for picture in marks.pictures.iter().filter(|picture| picture.alt.chars().all(is_invisible)) {
            let message = format!("the picture {} has no alternative text", shortened(&picture.src));
            self.add(PreflightCode::PictureWithoutAlt, "/body/source", message);
        }
    }

    fn image(&mut self, image: Option<&Image>) {
        let Some(image) = image else {
            return self.add(PreflightCode::NoImage, "/image", "there is no hero image");
        };
        if is_blank(image.alt.as_ref()) {
            self.add(PreflightCode::ImageWithoutAlt, "/image/alt", "the hero image has no alternative text");
        }
        if is_blank(image.credit.as_ref()) {
            self.add(PreflightCode::NoCredit, "/image/credit", "nobody is credited for the hero image");
        }
    }

    /// What stands around the text.
    fn furniture(&mut self, article: &NewArticle) {
        let none = |refs: &Option<Vec<Ref>>| refs.as_ref().is_none_or(Vec::is_empty);
        if article.section.is_none() {
            self.add(PreflightCode::NoSection, "/section", "it stands in no section");
        }
        if none(&article.authors) {
            self.add(PreflightCode::NoByline, "/authors", "it has no byline");
        }
        if is_blank(article.excerpt.as_ref()) {
            self.add(
                PreflightCode::NoExcerpt,
                "/excerpt",
                "no excerpt was written: the beginning of the body stands in",
            );
        }
        if none(&article.tags) {
            self.add(PreflightCode::NoTags, "/tags", "it has no tags");
        }
        if is_blank(article.subtitle.as_ref()) {
            self.add(PreflightCode::NoSubtitle, "/subtitle", "it has no subtitle");
        }
        if article.seo.as_ref().is_some_and(|seo| seo.noindex == Some(true)) {
            self.add(PreflightCode::Noindex, "/seo/noindex", "search engines are told to leave it out");
        }
    }

    fn lengths(&mut self, article: &NewArticle) {
        let description = article.seo.as_ref().and_then(|seo| seo.description.as_ref()).map(Line::as_str);
        // The excerpt stands in for a description that was not written.
        let (code, pointer, what, text) = match (description, &article.excerpt) {
            (Some(text), _) => (PreflightCode::DescriptionTooLong, "/seo/description", "the description", text),
            (None, Some(excerpt)) => (
                PreflightCode::ExcerptTooLong,
                "/excerpt",
                "the excerpt, which is the description, too,",
                excerpt.as_str(),
            ),
            (None, None) => (PreflightCode::ExcerptTooLong, "/excerpt", "", ""),
        };
        let length = text.chars().count();
        if length > DESCRIPTION {
            let message = format!("{what} has {length} characters; search engines show about {DESCRIPTION}");
            self.add(code, pointer, message);
        }
        let length = article.title.as_str().chars().count();
        if length > TITLE {
            let message = format!("the title has {length} characters; search engines show about {TITLE}");
            self.add(PreflightCode::TitleTooLong, "/title", message);
        }
    }

    /// What other articles, and other revisions of this one, have to do with it.
    fn surroundings(&mut self, conn: &mut Conn, row: &Row, article: &NewArticle) -> Result<()> {
        use published_articles as v;
        let same = v::table.filter(v::title.eq(&article.title)).filter(v::id.ne(row.id)).select(v::slug);
        if let Some(slug) = same.first::<String>(conn).optional()? {
            let message = format!("the public article `{slug}` has the same title");
            self.add(PreflightCode::DuplicateTitle, "/title", message);
        }
        let pins: Vec<Id> = article.related.iter().flatten().filter_map(id).collect();
        if !pins.is_empty() {
            let public = articles::table
                .filter(among(articles::id, pins.clone()))
                .filter(articles::published_id.is_not_null())
                .filter(articles::deleted_at.is_null())
                .select(articles::id);
            let public: HashSet<Id> = public.load(conn)?.into_iter().collect();
            for (index, _) in pins.iter().enumerate().filter(|(_, pin)| !public.contains(pin)) {
                let message = "this pinned story is not public, so it is not shown";
                self.add(PreflightCode::HiddenPin, format!("/related/{index}"), message);
            }
        }
        if let Some(number) = row.scheduled_revision.filter(|number| *number != row.revision) {
            let message =
                format!("revision {number} is to become public at its time, and not this one, {}", row.revision);
            self.add(PreflightCode::OtherRevisionScheduled, "/scheduled/revision", message);
        }
        if row.revision_id == row.working_id && row.review == Some(ReviewStatus::ChangesRequested) {
            self.add(PreflightCode::ChangesRequested, "", "an editor asked for changes");
        }
        Ok(())
    }
}

fn id(reference: &Ref) -> Option<Id> {
    if let Ref::Id(id) = reference { Some(*id) } else { None }
}

fn is_blank<const MAX: usize>(text: Option<&Line<0, MAX>>) -> bool {
    text.is_none_or(|text| text.as_str().is_empty())
}

/// An address as it fits into a message.
pub fn shortened(address: &str) -> String {
    const MAX: usize = 200;
    match address.char_indices().nth(MAX) {
        Some((end, _)) => format!("`{}…`", &address[..end]),
        None => format!("`{address}`"),
    }
}
