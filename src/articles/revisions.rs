//! Revisions: what an edit adds, with its byline, tags and pins. None is ever changed.

use super::{
    model::{Body, BodyFormat, Custom, Row, StoredSeo},
    old_slugs,
    queries::Eyes,
    saving::Note,
    text::Text,
    translations,
    write::{NewArticle, NewBody, NewSeo},
};
use crate::{
    both,
    clock::Time,
    db::{AsJson, Conn, Id, among, in_size},
    error::{Error, FieldError, Result},
    html,
    http::Quoted,
    schema::{articles, authors, revision_authors, revision_related, revision_tags, revisions, sections, tags},
    site,
    slugs::{self, Kind},
    values::{Image, Prose, Ref, Slug},
};
use diesel::{
    prelude::*,
    sql_types::{self, Nullable},
};
use std::collections::HashMap;

/// What a revision refers to, looked up.
pub struct References {
    pub authors: Vec<Id>,
    tags: Vec<Id>,
    section: Option<Id>,
    related: Vec<Id>,
}

impl References {
    /// `eyes` must see the articles that are pinned, and the authors must not be archived, unless they stand in what is
    /// `kept`: an editor may have put them there.
    ///
    /// # Errors
    /// 422 with a pointer to each reference that names nothing, or nothing that may be named.
    pub fn look_up(conn: &mut Conn, eyes: &Eyes, new: &NewArticle, kept: Option<&NewArticle>) -> Result<Self> {
        let pinned = kept.and_then(|kept| kept.related.as_deref()).unwrap_or_default();
        let mut mistakes = Vec::new();
        macro_rules! ids {
            ($field:literal, $kind:expr, $refs:expr, $table:ident) => {{
                let refs: &[Ref] = $refs;
                let ids: Vec<Id> =
                    refs.iter().filter_map(|r| if let Ref::Id(id) = r { Some(*id) } else { None }).collect();
                let mut slugs: Vec<Slug> = refs
                    .iter()
                    .filter_map(|r| if let Ref::Slug(slug) = r { Some(slug.clone()) } else { None })
                    .collect();
                let columns = ($table::id, $table::slug);
                let mut known: Vec<(Id, String)> = Vec::new();
                if !slugs.is_empty() {
                    known.extend(in_size!(slugs.clone(), some => {
                        let query = $table::table.filter(among($table::slug, some)).select(columns);
                        both!(conn, c => query.load(c))?
                    }));
                }
                if !ids.is_empty() {
                    known.extend(in_size!(ids, some => {
                        let query = $table::table.filter(among($table::id, some)).select(columns);
                        both!(conn, c => query.load(c))?
                    }));
                }
                // What goes by another slug now is still found by those it had.
                slugs.retain(|slug: &Slug| known.iter().all(|(_, known)| known != slug.as_ref()));
                known.extend(slugs::all_that_had(conn, $kind, slugs)?);
                resolve($field, $kind.as_ref(), refs, &known, &mut mistakes)
            }};
        }
        let (none, section) = (Vec::new(), new.section.clone().into_iter().collect::<Vec<_>>());
        let authors = ids!("/authors", Kind::Author, new.authors.as_ref().unwrap_or(&none), authors);
        refuse_archived(conn, new, kept, &authors, &mut mistakes)?;
        let tags = ids!("/tags", Kind::Tag, new.tags.as_ref().unwrap_or(&none), tags);
        let related = new.related.as_ref().unwrap_or(&none);
        let (kept, named): (Vec<_>, Vec<_>) = related.iter().cloned().partition(|r| pinned.contains(r));
        let kept = kept.iter().filter_map(|r| if let Ref::Id(id) = r { Some((*id, String::new())) } else { None });
        let seen = old_slugs::seen_among(conn, eyes, &named)?;
        let related = resolve("/related", "article", related, &kept.chain(seen).collect::<Vec<_>>(), &mut mistakes);
        let section = ids!("/section", Kind::Section, &section, sections).first().copied();
        if !mistakes.is_empty() {
            return Err(Error::invalid(mistakes));
        }
        if let Eyes::Desk(actor) = eyes {
            actor.must_write_in(section)?;
        }
        Ok(Self { authors, tags, section, related })
    }

    /// The same article with all that it refers to named as [`as_written`] names it.
    pub fn name_by_id(&self, new: NewArticle) -> NewArticle {
        let refs = |ids: &[Id]| Some(ids.iter().copied().map(Ref::Id).collect());
        NewArticle {
            authors: refs(&self.authors),
            tags: refs(&self.tags),
            related: refs(&self.related),
            section: self.section.map(Ref::Id),
            ..new
        }
    }
}

/// Names the authors who write no more and do not stand in what is kept.
fn refuse_archived(
    conn: &mut Conn,
    new: &NewArticle,
    kept: Option<&NewArticle>,
    ids: &[Id],
    mistakes: &mut Vec<FieldError>,
) -> Result<()> {
    let stays = |id: &Id| kept.and_then(|kept| kept.authors.as_ref()).is_some_and(|refs| refs.contains(&Ref::Id(*id)));
    let added: Vec<Id> = ids.iter().copied().filter(|id| !stays(id)).collect();
    if added.is_empty() {
        return Ok(());
    }
    let archived = authors::table.filter(authors::archived_at.is_not_null()).filter(among(authors::id, added));
    for (id, slug) in archived.select((authors::id, authors::slug)).load::<(Id, Slug)>(conn)? {
        let named = |r: &Ref| *r == Ref::Id(id) || *r == Ref::Slug(slug.clone());
        let place = new.authors.iter().flatten().position(named).or_else(|| ids.iter().position(|known| *known == id));
        let message = format!("`{slug}` is archived: no other article gets this byline");
        mistakes.push(FieldError::new(format!("/authors/{}", place.unwrap_or_default()), "archived", message));
    }
    Ok(())
}

/// The ids of `refs` in their order, each once.
fn resolve(pointer: &str, kind: &str, refs: &[Ref], known: &[(Id, String)], mistakes: &mut Vec<FieldError>) -> Vec<Id> {
    let mut ids = Vec::new();
    for (index, reference) in refs.iter().enumerate() {
        let fits = |(id, slug): &&(Id, String)| match reference {
            Ref::Id(wanted) => id == wanted,
            Ref::Slug(wanted) => slug == wanted.as_ref(),
        };
        match known.iter().find(fits) {
            Some((id, _)) if ids.contains(id) => {}
            Some((id, _)) => ids.push(*id),
            None => {
                let at = if pointer == "/section" { pointer.to_owned() } else { format!("{pointer}/{index}") };
                mistakes.push(FieldError::new(at, "not_found", format!("there is no {kind} `{reference}`")));
            }
        }
    }
    ids
}

/// Writes what a revision refers to, in its order.
macro_rules! relate {
    ($conn:expr, $table:ident, $column:ident, $revision:expr, $ids:expr) => {
        if !$ids.is_empty() {
            let row = |(id, position): (&Id, i32)| ($table::revision_id.eq($revision), $table::$column.eq(*id), $table::position.eq(position));
            let rows: Vec<_> = $ids.iter().zip(0..).map(row).collect();
            both!($conn, c => diesel::insert_into($table::table).values(rows).execute(c))?;
        }
    };
}

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

/// Adds a revision.
pub fn insert(conn: &mut Conn, place: Place<'_>, new: &NewArticle, text: &Text, refs: &References) -> Result<()> {
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
    site::check_custom_fields(conn, refs.section, new.custom.as_ref())?;
    relate!(conn, revision_authors, author_id, id, &refs.authors);
    relate!(conn, revision_tags, tag_id, id, &refs.tags);
    relate!(conn, revision_related, related_id, id, &refs.related);
    Ok(())
}

/// Pins stories below the working copy of an article that is being set up.
pub fn pin(conn: &mut Conn, article: Id, related: &[Id]) -> Result<()> {
    let revision: Id = articles::table.find(article).select(articles::working_id).first(conn)?;
    relate!(conn, revision_related, related_id, revision, related);
    Ok(())
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
        image: row.image.clone().map(|image: AsJson<Image>| image.0),
        visibility: Some(row.visibility),
        featured: Some(row.featured),
        language: Some(row.language.clone()),
        translation_of: translations::written(row.translation_group, row.id),
        comments: Some(super::write::CommentSettings { open: row.comments_open }),
        seo: Some(seo.into()),
        custom: Some(Custom(row.custom.0.clone())),
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
    let body =
        |(id, format, html, source): Columns| (id, Body { format, source: source.map(Quoted), html: Quoted(html) });
    Ok(rows.into_iter().map(body).collect())
}
