//! Creating an article, editing its working copy, moving it to the trash and back.

use super::{
    conflicts::{self, Stale},
    fields,
    model::Row,
    old_slugs, publication,
    queries::{Eyes, any, find, find_editable, find_for_update},
    references::References,
    reviews,
    revisions::{self, Place},
    saving::{self, Work},
    text::{Draft, Edit, Text},
    translations,
    write::{ArticleChanges, NewArticle},
};
use crate::{
    auth::Actor,
    both, changes,
    clock::Time,
    db::{Conn, Id},
    error::{Code, Error, FieldError, OnTaken, Result, both_valid},
    events::{self, Event, Kind},
    http::{Expected, Versioned},
    permissions::PublishArticles,
    schema::{articles, authors, users},
    slugs,
    values::{Ref, Slug},
};
use diesel::{dsl::exists, prelude::*};
use serde_json::Value;

impl Versioned for Row {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

impl Row {
    /// Whether the public sees something of it, or will at a time.
    fn is_bound_for_the_public(&self) -> bool {
        self.published_id.is_some() || self.publish_at.is_some()
    }

    /// What the actor did to the article: one version further. The caller says what it was.
    pub fn event(&self, actor: &Actor, at: Time) -> Event {
        Event {
            kind: Kind::Updated,
            subject: self.id,
            version: self.version + 1,
            revision: None,
            fields: Vec::new(),
            by: Some(actor.user),
            at,
        }
    }
}

/// Who creates an article, and as what.
#[derive(Debug, Clone, Copy)]
pub struct Creation {
    pub id: Id,
    pub by: Option<Id>,
    pub at: Time,
}

/// Creates a draft of an article that is being set up: it refers to nothing but what is public.
pub fn insert(conn: &mut Conn, draft: &Draft, creation: Creation) -> Result<Id> {
    insert_as(conn, &Eyes::Public, draft, creation)
}

/// Creates a draft. A slug that was not given is made from the title; a byline that was not given is the creator's own.
pub fn insert_as(conn: &mut Conn, eyes: &Eyes, draft: &Draft, creation: Creation) -> Result<Id> {
    let new = &draft.new;
    let Creation { id, by, at } = creation;
    let refs = References::look_up(conn, eyes, new, None);
    let (mut refs, group) = both_valid(refs, translations::group(conn, eyes, new, None))?;
    if new.authors.is_none()
        && let Some(user) = by
    {
        let own = users::table.find(user).inner_join(authors::table.on(users::author_id.eq(authors::id.nullable())));
        let own = own.filter(authors::archived_at.is_null()).select(authors::id);
        let own: Option<Id> = both!(conn, c => own.first(c)).optional()?;
        refs.authors.extend(own);
    }
    let slug = match &new.slug {
        Some(slug) => slug.clone(),
        None => slugs::free(conn, Slug::of(new.title.as_str(), "article"), |conn, slug| {
            let same = articles::table.filter(articles::slug.eq(slug));
            let before = slugs::had(slugs::Kind::Article, slug);
            Ok(both!(conn, c => diesel::select(exists(same).or(exists(before))).get_result(c))?)
        })?,
    };
    let revision = Id::new();
    // The reference to the revision, which comes next, is checked at the end of the transaction.
    let row = (
        articles::id.eq(id),
        articles::slug.eq(&slug),
        articles::created_by.eq(by),
        articles::created_at.eq(at),
        articles::updated_at.eq(at),
        articles::working_id.eq(revision),
        articles::comments_open.eq(new.comments.as_ref().is_none_or(|c| c.open)),
        articles::version.eq(1),
        articles::translation_group.eq(group),
    );
    both!(conn, c => diesel::insert_into(articles::table).values(row).execute(c))
        .or_taken(&slug, new.slug.is_some())?;
    slugs::take(conn, slugs::Kind::Article, &slug, id, new.slug.is_some())?;
    let place = Place { id: revision, article: id, number: 1, by, at, note: draft.note.as_ref(), autosave: false };
    revisions::insert(conn, place, new, &draft.text, &refs, None)?;
    let fields = Vec::new();
    events::record(conn, Event { kind: Kind::Created, subject: id, version: 1, revision: Some(1), fields, by, at })?;
    Ok(id)
}

/// The working copy as a client would write it.
pub fn as_written(conn: &mut Conn, actor: &Actor, reference: &Ref) -> Result<NewArticle> {
    let row = find_editable(conn, actor, reference, false)?;
    revisions::as_written(conn, &row)
}

/// Edits the working copy: a new revision where the text changed. What is public stays as it is, but for the slug and
/// whether comments are taken.
///
/// # Errors
/// 412 where it was changed since the client read it, and the changes are not to be merged or cannot be; 403 for a
/// contributor who would change what is public.
pub fn update(
    conn: &mut Conn,
    actor: &Actor,
    reference: &Ref,
    edit: &Edit,
    expected: &Expected,
    now: Time,
) -> Result<Row> {
    let row = find_for_update(conn, actor, reference, false)?;
    let current = revisions::as_written(conn, &row)?;
    let eyes = Eyes::Desk(actor.clone());
    let (new, refs, group) = wanted(conn, &eyes, &row, &current, (edit, expected))?;
    let slug = new.slug.clone().unwrap_or_else(|| row.slug.clone());
    let comments_open = new.comments.as_ref().map_or(row.comments_open, |c| c.open);
    let in_public = slug != row.slug || comments_open != row.comments_open || group != row.translation_group;
    if let Some(published) = row.published_id.filter(|_| group != row.translation_group) {
        // What is public may be in another language than what is in preparation.
        translations::speak_apart(conn, &Row { translation_group: group, ..row.clone() }, published, None)?;
    }
    if in_public && row.is_bound_for_the_public() && !actor.may::<PublishArticles>() {
        let message = "the article is or will be public, where its slug, what it translates and its discussion change at once; ask an author or an editor";
        return Err(Error::with(Code::Forbidden, message));
    }
    if in_public && row.is_bound_for_the_public() && edit.saving.autosave {
        return Err(not_autosaved(&row, &slug, comments_open, group));
    }
    let (article, by, at) = (&row, actor, now);
    let work = Work { article, current: &current, new: &new, refs: &refs, by, at, on_purpose: edit.is_of_text() };
    let saved = saving::save(conn, &work, &edit.saving, |conn| match &new.body {
        Some(body) if new.body != current.body => edit.text(body),
        _ => revisions::text(conn, &row),
    })?;
    if saved.is_none() && !in_public {
        return Ok(row);
    }
    diesel::update(articles::table.find(row.id))
        .set((
            articles::slug.eq(&slug),
            articles::comments_open.eq(comments_open),
            articles::translation_group.eq(group),
            articles::working_id.eq(saved.map_or(row.working_id, |saved| saved.id)),
            articles::review.eq(reviews::after_edit(&row, saved.is_some_and(|saved| saved.changed))),
            articles::updated_at.eq(now),
            articles::version.eq(articles::version + 1),
        ))
        .execute(conn)
        .or_taken(&slug, true)?;
    old_slugs::change(conn, &row, &slug, now)?;
    if in_public {
        if row.published_id.is_some() {
            translations::tell(conn, &row, now)?;
            translations::tell(conn, &Row { translation_group: group, ..row.clone() }, now)?;
        }
        changes::note(conn, slugs::Kind::Article, row.id, now)?;
    }
    let (revision, fields) = (saved.map(|saved| saved.number), fields::differing(&new, &current));
    events::record(conn, Event { kind: Kind::Updated, revision, fields, ..row.event(actor, now) })?;
    find(conn, &eyes, &row.id.into())
}

/// The article as the changes would have it, with what it refers to and the group of its translations, if it is as the client expects it or they may be merged.
fn wanted(
    conn: &mut Conn,
    eyes: &Eyes,
    row: &Row,
    current: &NewArticle,
    (edit, expected): (&Edit, &Expected),
) -> Result<(NewArticle, References, Option<Id>)> {
    let stale = Stale::find(conn, row, expected)?;
    let (changes, merge) = (&edit.changes, edit.saving.merge);
    let new = changes.apply(current).and_then(|new| {
        let refs = References::look_up(conn, eyes, &new, Some((row.id, current)));
        let (refs, group) = both_valid(refs, translations::group(conn, eyes, &new, Some(row)))?;
        let new = NewArticle { translation_of: translations::written(group, row.id), ..new };
        // The same authors by their slugs are no change.
        Ok((refs.name_by_id(new), refs, group))
    });
    let Some(stale) = stale else { return new };
    let differing = || changes.differing(current);
    match new {
        // Of changes that come too late, it is no matter what else is wrong with them.
        Err(e) if !merge && e.code() == Code::ValidationFailed => Err(stale.refusal(&[], differing)),
        Err(e) => Err(e),
        Ok((new, refs, group)) => {
            let mine = fields::differing(&new, current);
            if !merge {
                return Err(stale.refusal(&mine, differing));
            }
            stale.merge(&mine, differing)?;
            Ok((new, refs, group))
        }
    }
}

/// What changes in public at once is not changed with every keystroke.
fn not_autosaved(row: &Row, slug: &Slug, comments_open: bool, group: Option<Id>) -> Error {
    let message = "it changes in public at once: save it on purpose, without `autosave`";
    let fields = [
        ("/slug", *slug != row.slug),
        ("/translation_of", group != row.translation_group),
        ("/comments/open", comments_open != row.comments_open),
    ];
    let changed = fields.into_iter().filter_map(|(field, changed)| changed.then_some(field));
    Error::invalid(changed.map(|field| FieldError::new(field, "not_autosaved", message)).collect())
}

/// Edits the working copy of an article that is being set up.
pub fn revise(conn: &mut Conn, article: Id, changes: &Value, by: Option<Id>, now: Time) -> Result<()> {
    let row = any(conn, article)?;
    let current = revisions::as_written(conn, &row)?;
    let new = ArticleChanges::from(changes.clone()).apply(&current)?;
    let refs = References::look_up(conn, &Eyes::Public, &new, Some((article, &current)))?;
    let text = Text::of(new.body.clone().unwrap_or_default())?;
    let working = Id::new();
    let place = Place { id: working, article, number: row.revision + 1, by, at: now, note: None, autosave: false };
    revisions::insert(conn, place, &new, &text, &refs, Some(&current))?;
    diesel::update(articles::table.find(article))
        .set((articles::working_id.eq(working), articles::updated_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Whether two differ in nothing that a revision keeps.
pub fn same_text(new: &NewArticle, current: &NewArticle) -> bool {
    let identity =
        |article: &NewArticle| NewArticle { slug: None, translation_of: None, comments: None, ..article.clone() };
    identity(new) == identity(current)
}

/// Moves an article to the trash: it is nowhere to be seen, and nothing of it is lost but that it was to be published.
///
/// # Errors
/// 403 for a contributor's article that is public or scheduled: that is for those who may unpublish it.
pub fn delete(conn: &mut Conn, actor: &Actor, reference: &Ref, expected: &Expected, now: Time) -> Result<()> {
    let row = find_for_update(conn, actor, reference, false)?;
    conflicts::check(conn, &row, expected)?;
    if row.is_bound_for_the_public() && !actor.may::<PublishArticles>() {
        return Err(Error::with(Code::Forbidden, "the article is or will be public; ask an author or an editor"));
    }
    // When it is taken down stays: what comes back is not public for longer than it was to be.
    let keep_end = row.published_id.is_some();
    let row = publication::unschedule(conn, row, keep_end, Some(actor.user), now)?;
    publication::count(conn, &row, -1)?;
    diesel::update(articles::table.find(row.id))
        .set((articles::deleted_at.eq(now), articles::updated_at.eq(now), articles::version.eq(articles::version + 1)))
        .execute(conn)?;
    publication::tell(conn, &row, (row.published_id, None), now)?;
    events::record(conn, Event { kind: Kind::Trashed, ..row.event(actor, now) })
}

/// Takes an article out of the trash: it is what it was, public again where it was public, whatever schema the site's own
/// fields have got since.
pub fn restore(conn: &mut Conn, actor: &Actor, reference: &Ref, expected: &Expected, now: Time) -> Result<Row> {
    let row = find_for_update(conn, actor, reference, true).map_err(|e| match e.code() {
        Code::NotFound if e.old_slug().is_none() => {
            Error::with(Code::NotFound, format!("there is no article `{reference}` in the trash"))
        }
        _ => e,
    })?;
    conflicts::check(conn, &row, expected)?;
    if row.published_id.is_some() && !actor.may::<PublishArticles>() {
        return Err(Error::with(Code::Forbidden, "the article would be public again; ask an author or an editor"));
    }
    // Others may have taken its place among the translations.
    if let Some(published) = row.published_id {
        translations::speak_apart(conn, &row, published, None)?;
    }
    diesel::update(articles::table.find(row.id))
        .set((
            articles::deleted_at.eq(None::<Time>),
            articles::updated_at.eq(now),
            articles::version.eq(articles::version + 1),
        ))
        .execute(conn)?;
    publication::count(conn, &row, 1)?;
    publication::tell(conn, &row, (None, row.published_id), now)?;
    events::record(conn, Event { kind: Kind::Restored, ..row.event(actor, now) })?;
    find(conn, &Eyes::Desk(actor.clone()), &row.id.into())
}
