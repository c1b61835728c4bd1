//! From rows to what is answered: a page of articles costs as many statements as one.

use super::{
    corrections, json_ld,
    model::{Access, Article, Body, CommentSummary, Row, Schedule, Seo, Visibility},
    open_graph,
    queries::{self, Eyes},
    related, reviews, revisions, translations,
    write::Include,
};
use crate::{
    app::App,
    auth::Viewer,
    authors::{self, Author},
    comments,
    db::{Conn, Id, Kept},
    error::Result,
    permissions::{ReadPremium, WriteArticles},
    search::{Highlights, Wanted},
    site::Site,
    tags::{self, Tag},
};
use std::collections::HashMap;

/// Who looks, and with whose eyes.
pub struct Looking<'a> {
    pub app: &'a App,
    pub viewer: &'a Viewer,
    pub eyes: &'a Eyes,
}

/// Those of some articles that are public, as the public sees them in lists.
pub fn in_public(conn: &mut Conn, app: &App, ids: Vec<Id>) -> Result<Vec<Article>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = queries::published_among(conn, ids)?;
    Looking { app, viewer: &Viewer::Public, eyes: &Eyes::Public }.all(conn, rows, false)
}

impl Looking<'_> {
    /// Whether the body may be read: what is public by anyone, the rest by those who may read everything or were shown it.
    fn grants(&self, row: &Row) -> bool {
        row.visibility == Visibility::Public || self.viewer.may::<ReadPremium>() || matches!(self.eyes, Eyes::Preview)
    }

    /// Articles without what stands only on their own page.
    pub fn all(&self, conn: &mut Conn, rows: Vec<Row>, with_body: bool) -> Result<Vec<Article>> {
        let ids: Vec<Id> = rows.iter().map(|row| row.revision_id).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut authors = authors::of_revisions(conn, ids.clone())?;
        let mut tags = tags::of_revisions(conn, ids.clone())?;
        let mut bodies = if with_body { revisions::bodies(conn, ids, self.with_source())? } else { HashMap::new() };
        let mut reviews = reviews::last(conn, &rows)?;
        let translations = translations::of(conn, self.eyes, &rows)?;
        let site = self.app.site();
        let article = |row: Row| {
            let id = row.revision_id;
            let review = reviews.remove(&row.id);
            let body = with_body.then(|| bodies.remove(&id).filter(|_| self.grants(&row)));
            let (authors, tags) = (authors.remove(&id).unwrap_or_default(), tags.remove(&id).unwrap_or_default());
            let translations = translations::shown(&translations, &site, &row);
            Article { review, translations, ..self.article(&site, row, authors, tags, body) }
        };
        Ok(rows.into_iter().map(article).collect())
    }

    /// The same for somebody who looked for something: with where it stands, in what they may read.
    pub fn found(&self, conn: &mut Conn, rows: Vec<Row>, with_body: bool, wanted: &Wanted) -> Result<Vec<Article>> {
        let revisions: Vec<Id> = rows.iter().map(|row| row.revision_id).collect();
        let readable: Vec<Id> = rows.iter().filter(|row| self.grants(row)).map(|row| row.revision_id).collect();
        let mut articles = self.all(conn, rows, with_body)?;
        let bodies = if readable.is_empty() { HashMap::new() } else { revisions::bodies(conn, readable, false)? };
        for (article, revision) in articles.iter_mut().zip(revisions) {
            let body = bodies.get(&revision).map(|body| body.html.as_str());
            article.highlights = Some(Highlights::of(wanted, article, body));
        }
        Ok(articles)
    }

    /// One article with its body and what was asked for.
    pub fn one(&self, conn: &mut Conn, row: Row, include: &[Include]) -> Result<Article> {
        let site = self.app.site();
        let has = |wanted| include.contains(&wanted);
        let related = has(Include::Related).then(|| related::related(conn, &site, &row, related::SHOWN)).transpose()?;
        let latest = has(Include::Latest).then(|| related::latest(conn, &site, &row)).transpose()?;
        let thread =
            has(Include::Comments).then(|| comments::first_page(conn, self.app, self.viewer, &row)).transpose()?;
        let corrections = Some(corrections::shown(conn, &row)?);
        let mut articles = self.all(conn, vec![row], true)?;
        let article = articles.pop().ok_or_else(|| crate::error::Error::internal("an article was lost"))?;
        let article = Article { corrections, related, latest, thread, ..article };
        let image = article.image.as_ref().map(Kept::read).transpose()?;
        let json_ld = Some(json_ld::of(&article, image.as_ref(), &site)?);
        let open_graph = Some(open_graph::of(&article, image.as_ref(), &site)?);
        Ok(Article { seo: Seo { json_ld, open_graph, ..article.seo }, ..article })
    }

    /// Whether bodies are shown as they were written, too: to those who write.
    fn with_source(&self) -> bool {
        matches!(self.eyes, Eyes::Desk(actor) if actor.may::<WriteArticles>())
    }

    fn article(
        &self,
        site: &Site,
        row: Row,
        authors: Vec<Author>,
        tags: Vec<Tag>,
        body: Option<Option<Body>>,
    ) -> Article {
        let (url, section, granted) = (site.article_url(&row.address()), row.section(), self.grants(&row));
        let seo = row.seo.0;
        Article {
            url,
            section,
            access: Access { granted, required: row.visibility },
            id: row.id,
            slug: row.slug,
            status: row.status,
            title: row.title,
            subtitle: row.subtitle,
            excerpt: row.excerpt,
            body,
            word_count: row.word_count,
            reading_minutes: row.reading_minutes,
            authors,
            tags,
            image: row.image,
            visibility: row.visibility,
            featured: row.featured,
            language: row.language,
            translations: Vec::new(),
            comments: CommentSummary { open: row.comments_open, count: row.comment_count },
            seo: Seo {
                title: seo.title,
                description: seo.description,
                canonical_url: seo.canonical_url,
                image_url: seo.image_url,
                noindex: seo.noindex,
                json_ld: None,
                open_graph: None,
            },
            custom: row.custom,
            published_at: row.published_at,
            updated_at: row.updated_at,
            created_at: row.created_at,
            revision: row.revision,
            published_revision: row.published_revision,
            scheduled: Schedule {
                publish_at: row.publish_at,
                revision: row.scheduled_revision,
                unpublish_at: row.unpublish_at,
            },
            review: None,
            corrected_at: row.corrected_at,
            deleted_at: row.deleted_at,
            purge_at: row.deleted_at.and_then(|at| site.trash.ends(at)),
            corrections: None,
            related: None,
            latest: None,
            highlights: None,
            thread: None,
            version: row.version,
        }
    }
}
