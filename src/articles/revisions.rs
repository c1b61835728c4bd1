//! Revisions: what an edit adds, with its byline, tags and pins. None is ever changed.

use super::{
    model::{Body, BodyFormat, Custom, Row, StoredSeo},
    references::References,
    relate,
    saving::Note,
    text::Text,
    translations,
    write::{NewArticle, NewBody, NewSeo},
};
use crate::{
    both,
    clock::Time,
    db::{AsJson, Conn, Id, Kept, among, in_size},
    error::Result,
    html,
    schema::{articles, revision_authors, revision_related, revision_tags, revisions},
    site,
    values::{Prose, Ref},
};
use diesel::{
    prelude::*,
    sql_types::{self, Nullable},
};
use std::collections::HashMap;

/// Which revision it is, and who made it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub id: Id,
    pub article: Id,
    pub number: i32,
    pub by: Option<Id>,
    pub at: Time,
    /// Why it is saved.
    pub note: Option<&'a Note>,
    /// Whether nobody asked to save it.
    pub autosave: bool,
}

/// Adds a revision. Fields of the site's own that stand as they stood `before` are held to no schema that came later.
pub fn insert(
    conn: &mut Conn,
    place: Place<'_>,
    new: &NewArticle,
    text: &Text,
    refs: &References,
    before: Option<&NewArticle>,
) -> Result<()> {
    let visibility = new.visibility.unwrap_or_default();
    let excerpt = new.excerpt.as_ref().map_or_else(|| text.teaser(visibility), ToString::to_string);
    let seo = new.seo.clone().unwrap_or_default();
    let id = place.id;
    let row = (
        (
            revisions::id.eq(id),
            revisions::article_id.eq(place.article),
            revisions::number.eq(place.number),
            revisions::title.eq(&new.title),
            revisions::subtitle.eq(&new.subtitle),
            revisions::excerpt.eq(excerpt),
            revisions::excerpt_given.eq(new.excerpt.is_some()),
            revisions::word_count.eq(text.words),
            revisions::reading_minutes.eq(html::reading_minutes(text.words)),
            revisions::section_id.eq(refs.section),
            revisions::image.eq(new.image.clone().map(AsJson)),
        ),
        (
            revisions::visibility.eq(visibility),
            revisions::featured.eq(new.featured.unwrap_or_default()),
            revisions::language.eq(new.language.clone().unwrap_or_default()),
            revisions::seo.eq(AsJson(StoredSeo::from(seo))),
            revisions::custom.eq(AsJson(new.custom.clone().unwrap_or_default().0)),
            revisions::created_by.eq(place.by),
            revisions::created_at.eq(place.at),
            revisions::body_format.eq(text.body.format),
            revisions::body_source.eq(&text.body.source),
            revisions::body_html.eq(&text.html),
            revisions::note.eq(place.note),
            revisions::autosave.eq(place.autosave),
        ),
    );
    both!(conn, c => diesel::insert_into(revisions::table).values(row).execute(c))?;
    if before.is_none_or(|before| (&before.custom, &before.section) != (&new.custom, &new.section)) {
        site::check_custom_fields(conn, refs.section, new.custom.as_ref())?;
    }
    relate::authors(conn, id, &refs.authors)?;
    relate::tags(conn, id, &refs.tags)?;
    relate::stories(conn, id, &refs.related)
}

/// Pins stories below the working copy of an article that is being set up.
pub fn pin(conn: &mut Conn, article: Id, related: &[Id]) -> Result<()> {
    let revision: Id = articles::table.find(article).select(articles::working_id).first(conn)?;
    relate::stories(conn, revision, related)
}

/// The text of a revision as it was made ready.
pub fn text(conn: &mut Conn, row: &Row) -> Result<Text> {
    let columns = (revisions::body_format, revisions::body_source, revisions::body_html);
    let (format, source, html) = revisions::table.find(row.revision_id).select(columns).first(conn)?;
    Ok(Text::ready(NewBody { format, source }, html))
}

/// The tags of a revision, in their order.
pub fn tags_of(conn: &mut Conn, revision: Id) -> Result<Vec<Id>> {
    let tags = revision_tags::table.filter(revision_tags::revision_id.eq(revision)).order(revision_tags::position);
    Ok(tags.select(revision_tags::tag_id).load(conn)?)
}

/// A revision as a client would write it: what a change is merged into.
pub fn as_written(conn: &mut Conn, row: &Row) -> Result<NewArticle> {
    let id = row.revision_id;
    let (given, excerpt, format, source): (bool, super::model::Excerpt, BodyFormat, Prose<0, 500_000>) =
        revisions::table
            .find(id)
            .select((revisions::excerpt_given, revisions::excerpt, revisions::body_format, revisions::body_source))
            .first(conn)?;
    macro_rules! refs {
        ($table:ident, $column:ident) => {{
            let ids = $table::table.filter($table::revision_id.eq(id)).order($table::position).select($table::$column);
            ids.load::<Id>(conn)?.into_iter().map(Ref::Id).collect::<Vec<_>>()
        }};
    }
    let seo = row.seo.0.clone();
    Ok(NewArticle {
        slug: Some(row.slug.clone()),
        title: row.title.clone(),
        subtitle: row.subtitle.clone(),
        excerpt: given.then_some(excerpt),
        body: Some(NewBody { format, source }),
        authors: Some(refs!(revision_authors, author_id)),
        tags: Some(refs!(revision_tags, tag_id)),
        related: Some(refs!(revision_related, related_id)),
        section: row.section_id.map(Ref::Id),
        image: row.image.as_ref().map(Kept::read).transpose()?,
        visibility: Some(row.visibility),
        featured: Some(row.featured),
        language: Some(row.language.clone()),
        translation_of: translations::written(row.translation_group, row.id),
        comments: Some(super::write::CommentSettings { open: row.comments_open }),
        seo: Some(seo.into()),
        custom: Some(Custom(row.custom.read()?)),
    })
}

impl From<NewSeo> for StoredSeo {
    fn from(new: NewSeo) -> Self {
        let NewSeo { title, description, canonical_url, image_url, noindex } = new;
        Self { title, description, canonical_url, image_url, noindex: noindex.unwrap_or_default() }
    }
}

impl From<StoredSeo> for NewSeo {
    fn from(stored: StoredSeo) -> Self {
        let StoredSeo { title, description, canonical_url, image_url, noindex } = stored;
        Self { title, description, canonical_url, image_url, noindex: Some(noindex) }
    }
}

/// The texts of revisions: their format, their HTML, and as they were written where that is asked for.
pub fn bodies(conn: &mut Conn, ids: Vec<Id>, with_source: bool) -> Result<HashMap<Id, Body>> {
    type Columns = (Id, BodyFormat, String, Option<String>);
    let unasked = None::<String>.into_sql::<Nullable<sql_types::Text>>();
    let public = (revisions::id, revisions::body_format, revisions::body_html, unasked);
    let all = (revisions::id, revisions::body_format, revisions::body_html, revisions::body_source.nullable());
    let rows: Vec<Columns> = in_size!(ids, some => {
        let texts = revisions::table.filter(among(revisions::id, some));
        if with_source {
            both!(conn, c => texts.select(all).load(c))?
        } else {
            both!(conn, c => texts.select(public).load(c))?
        }
    });
    let body = |(id, format, html, source): Columns| (id, Body { format, source, html });
    Ok(rows.into_iter().map(body).collect())
}
