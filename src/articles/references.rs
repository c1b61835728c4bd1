//! What a revision refers to: authors, tags, a section and pinned stories, by ids or slugs.

use super::{
    old_slugs,
    queries::{self, Eyes},
    write::NewArticle,
};
use crate::{
    both,
    db::{Conn, Id, among, in_size},
    error::{Code, Error, FieldError, Result},
    schema::{authors, revision_authors, revisions, sections, tags},
    slugs::{self, Kind},
    values::{Ref, Slug},
};
use diesel::prelude::*;

/// What a revision refers to, looked up.
pub struct References {
    pub authors: Vec<Id>,
    pub(super) tags: Vec<Id>,
    pub(super) section: Option<Id>,
    pub(super) related: Vec<Id>,
}

impl References {
    /// `eyes` must see the articles that are pinned, and the authors must not be archived, unless they stand in what the
    /// article holds `before`: an editor may have put them there.
    ///
    /// # Errors
    /// 422 with a pointer to each reference that names nothing, or nothing that may be named.
    pub fn look_up(conn: &mut Conn, eyes: &Eyes, new: &NewArticle, before: Option<(Id, &NewArticle)>) -> Result<Self> {
        let pinned = before.and_then(|(_, kept)| kept.related.as_deref()).unwrap_or_default();
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
                resolve($field, $kind.as_ref(), refs, &known, None, &mut mistakes)
            }};
        }
        let (none, section) = (Vec::new(), new.section.clone().into_iter().collect::<Vec<_>>());
        let authors = ids!("/authors", Kind::Author, new.authors.as_ref().unwrap_or(&none), authors);
        refuse_archived(conn, eyes, new, before, &authors, &mut mistakes)?;
        let tags = ids!("/tags", Kind::Tag, new.tags.as_ref().unwrap_or(&none), tags);
        let related = new.related.as_ref().unwrap_or(&none);
        let (kept, named): (Vec<_>, Vec<_>) = related.iter().cloned().partition(|r| pinned.contains(r));
        let kept = kept.iter().filter_map(|r| if let Ref::Id(id) = r { Some((*id, String::new())) } else { None });
        let seen = old_slugs::seen_among(conn, eyes, &named)?;
        let known: Vec<(Id, String)> = kept.chain(seen).collect();
        let own = before.map(|(id, _)| id).filter(|id| !pinned.contains(&Ref::Id(*id)));
        let related = resolve("/related", "article", related, &known, own, &mut mistakes);
        let section = ids!("/section", Kind::Section, &section, sections).first().copied();
        if !mistakes.is_empty() {
            return Err(Error::invalid(mistakes));
        }
        if let Eyes::Desk(actor) = eyes {
            actor.must_write_in(section)?;
        }
        Ok(Self { authors, tags, section, related })
    }

    /// The same article with all that it refers to named as [`super::revisions::as_written`] names it.
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

/// Names the authors who write no more and never signed the article, nor the one that it translates.
fn refuse_archived(
    conn: &mut Conn,
    eyes: &Eyes,
    new: &NewArticle,
    before: Option<(Id, &NewArticle)>,
    ids: &[Id],
    mistakes: &mut Vec<FieldError>,
) -> Result<()> {
    let kept = before.and_then(|(_, kept)| kept.authors.as_deref()).unwrap_or_default();
    let added: Vec<Id> = ids.iter().copied().filter(|id| !kept.contains(&Ref::Id(*id))).collect();
    if added.is_empty() {
        return Ok(());
    }
    let archived = authors::table.filter(authors::archived_at.is_not_null()).filter(among(authors::id, added));
    let archived: Vec<(Id, Slug)> = archived.select((authors::id, authors::slug)).load(conn)?;
    if archived.is_empty() {
        return Ok(());
    }
    let signed = signed_before(conn, eyes, new, before.map(|(article, _)| article))?;
    for (id, slug) in archived.into_iter().filter(|(id, _)| !signed.contains(id)) {
        let named = |r: &Ref| *r == Ref::Id(id) || *r == Ref::Slug(slug.clone());
        let place = new.authors.iter().flatten().position(named).or_else(|| ids.iter().position(|known| *known == id));
        let message = format!("`{slug}` is archived: no other article gets this byline");
        mistakes.push(FieldError::new(format!("/authors/{}", place.unwrap_or_default()), "archived", message));
    }
    Ok(())
}

/// Who signed any revision of an article, and what these eyes see of the one that it translates.
fn signed_before(conn: &mut Conn, eyes: &Eyes, new: &NewArticle, article: Option<Id>) -> Result<Vec<Id>> {
    let mut signed = Vec::new();
    if let Some(article) = article {
        let own = revisions::table.filter(revisions::article_id.eq(article)).select(revisions::id);
        let own = revision_authors::table.filter(revision_authors::revision_id.eq_any(own));
        signed = own.select(revision_authors::author_id).distinct().load(conn)?;
    }
    if let Some(original) = &new.translation_of {
        match queries::find(conn, eyes, original) {
            Ok(row) => {
                let theirs = revision_authors::table.filter(revision_authors::revision_id.eq(row.revision_id));
                signed.extend(theirs.select(revision_authors::author_id).load::<Id>(conn)?);
            }
            // It may be gone, and where it has to be there its absence is told elsewhere.
            Err(error) if error.code() == Code::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(signed)
}

/// The ids of `refs` in their order, each once. Of pins, `own` is refused, and one that stands there twice.
fn resolve(
    pointer: &str,
    kind: &str,
    refs: &[Ref],
    known: &[(Id, String)],
    own: Option<Id>,
    mistakes: &mut Vec<FieldError>,
) -> Vec<Id> {
    let mut ids = Vec::new();
    for (index, reference) in refs.iter().enumerate() {
        let fits = |(id, slug): &&(Id, String)| match reference {
            Ref::Id(wanted) => id == wanted,
            Ref::Slug(wanted) => slug == wanted.as_ref(),
        };
        match known.iter().find(fits) {
            Some((id, _)) if own == Some(*id) => {
                let message = "an article is not pinned below itself";
                mistakes.push(FieldError::new(format!("{pointer}/{index}"), "itself", message));
            }
            Some((id, _)) if ids.contains(id) => {
                if pointer == "/related" {
                    mistakes.push(FieldError::new(format!("{pointer}/{index}"), "duplicate", "it stands there twice"));
                }
            }
            Some((id, _)) => ids.push(*id),
            None => {
                let at = if pointer == "/section" { pointer.to_owned() } else { format!("{pointer}/{index}") };
                mistakes.push(FieldError::new(at, "not_found", format!("there is no {kind} `{reference}`")));
            }
        }
    }
    ids
}
