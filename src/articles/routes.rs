//! `/articles`, what is published of them, and their way to the trash and back.

use super::{
    bulk_routes, correction_routes,
    difference::Diff,
    drafts::{self, Creation},
    history::{self, Revision, RevisionList, RevisionNumber, RevisionParams, RevisionQuery},
    lists,
    markdown::{self, ArticleForm, ArticleMarkdown, Preferred},
    model::{Article, ArticleList, Row},
    preflight, preflight_routes,
    present::Looking,
    preview_routes, publication,
    queries::{self, Eyes},
    related_routes, review_routes,
    saving::{NoteParams, SaveParams, Saving},
    text::{Draft, Edit, blocking},
    trash::{self, DeleteParams},
    write::{
        ArticleChanges, ArticleParams, Include, ListInclude, NewArticle, NewPublication, ShowParams, UnpublishParams,
    },
};
use crate::{
    app::App,
    auth::Can,
    auth::{Actor, Viewer},
    clock,
    db::{Conn, Id},
    error::{Error, Result},
    http::{Answer, HeadersOnly, Json, OptionalJson, Path, Query, Routes, WriteParams, Writing, json},
    permissions::{PublishArticles, PurgeArticles, WriteArticles},
    search::{self, Typed},
    values::Ref,
};
use actix_web::{delete, get, patch, post, put, web::Data};

pub fn routes(config: &mut impl Routes) {
    config
        .service(list_articles)
        .service(create_article)
        .service(get_article)
        .service(update_article)
        .service(delete_article)
        .service(restore_article)
        .service(publish_article)
        .service(unpublish_article)
        .service(list_revisions)
        .service(get_revision)
        .service(restore_revision)
        .configure(review_routes::routes)
        .configure(preview_routes::routes)
        .configure(related_routes::routes)
        .configure(correction_routes::routes)
        .configure(preflight_routes::routes)
        .configure(bulk_routes::routes);
}

/// List articles
///
/// The newest first, or with `q` those that have most of what is looked for; without their bodies unless `include=body`. The
/// public sees what is published; the staff see the working copy of what they may edit.
#[utoipa::path(tag = "Articles", params(ArticleParams), responses((status = OK, description = "A page of articles.", body = ArticleList)))]
#[get("/articles")]
async fn list_articles(viewer: Viewer, app: Data<App>, query: Query<ArticleParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let eyes = Eyes::of(&viewer, query.view)?;
    if matches!(eyes, Eyes::Public) && query.deleted == Some(true) {
        return Err(Error::parameter("deleted", "not_allowed", "the trash is for the staff"));
    }
    if matches!(eyes, Eyes::Public) && query.changed.is_some() {
        return Err(Error::parameter("changed", "not_allowed", "what is in preparation is for the staff"));
    }
    if matches!(eyes, Eyes::Public) && query.review.is_some() {
        return Err(Error::parameter("review", "not_allowed", "what is in preparation is for the staff"));
    }
    if query.deleted == Some(true) && query.changed.is_some() {
        return Err(Error::parameter("changed", "conflict", "nothing in the trash is public"));
    }
    let read = |typed: &Typed| typed.read(&app.site().profile.languages_with(query.language.as_ref()));
    let wanted = query.q.as_ref().map(read).transpose()?;
    let turn = if wanted.is_some() { Some(search::begin(&app).await?) } else { None };
    let (shared, is_public) = (app.clone(), matches!(eyes, Eyes::Public));
    let list = move |conn: &mut Conn| {
        let _turn = turn;
        let page = lists::list_with(conn, &eyes, &query, wanted.as_ref(), &window)?;
        let with_body = query.include.as_ref().is_some_and(|include| include.contains(&ListInclude::Body));
        let looking = Looking { app: &shared, viewer: &viewer, eyes: &eyes };
        let (next, total) = (page.next, page.total);
        let rows = match &wanted {
            Some(wanted) => looking.found(conn, page.rows, with_body, wanted)?,
            None => looking.all(conn, page.rows, with_body)?,
        };
        let page = crate::http::Page { rows, next, total };
        Answer::list(&shared, &window, page, query.fields.as_deref()).map(|answer| answer.keyed("articles"))
    };
    if is_public { app.db.read(list).await } else { app.db.read_whole(list).await }
}

/// Create an article
///
/// A draft: nothing is public until it is published. Only the title is required.
#[utoipa::path(
    tag = "Articles", params(NoteParams), request_body = NewArticle,
    responses((status = CREATED, description = "The article.", body = Article)), security(("bearer" = []))
)]
#[post("/articles")]
async fn create_article(
    who: Can<WriteArticles>,
    app: Data<App>,
    writing: Writing<NoteParams>,
    body: Json<NewArticle>,
) -> Result<Answer> {
    let (shared, actor) = (app.clone(), who.clone());
    let language = body.value.language.clone().unwrap_or_else(|| app.site().profile.language());
    let new = NewArticle { language: Some(language), ..body.value };
    let draft = Draft { note: writing.params.note.clone(), ..Draft::prepare(new).await? };
    writing
        .once(&app.db, who.scope(), body.digest, move |conn, _| {
            let creation = Creation { id: Id::new(), by: Some(actor.user), at: clock::now() };
            let id = drafts::insert_as(conn, &Eyes::Desk(actor.clone()), &draft, creation)?;
            let row = queries::any(conn, id)?;
            Answer::created(&desk(conn, &shared, &actor, row)?, format!("/api/v1/articles/{id}"))
        })
        .await
}

/// Get an article
///
/// By its id or its slug. With `include=related,latest,comments` it is a whole page in one request. With the token of a
/// preview it is what the preview shows, for whoever asks: as it will look to the public, and in no cache. With `Accept:
/// text/markdown` it is a text.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), ShowParams),
    responses((status = OK, description = "The article.", content(
        (Article = "application/json"), (ArticleMarkdown = "text/markdown")
    )))
)]
#[get("/articles/{ref}")]
async fn get_article(
    viewer: Viewer,
    app: Data<App>,
    path: Path<Ref>,
    query: Query<ShowParams>,
    preferred: Preferred,
    headers_only: HeadersOnly,
) -> Result<Answer> {
    if query.format.unwrap_or(preferred.0) == ArticleForm::Markdown {
        return show_markdown(viewer, app, path.0, &query).await;
    }
    if let Some(token) = &query.preview {
        return preview_routes::show(&app, path.0, token.as_str(), &query, headers_only).await;
    }
    let eyes = Eyes::of(&viewer, query.view)?;
    let (shared, is_public) = (app.clone(), matches!(eyes, Eyes::Public));
    let show = move |conn: &mut Conn| {
        let row = queries::find(conn, &eyes, &path)?;
        let article = Looking { app: &shared, viewer: &viewer, eyes: &eyes }.one(conn, row, &query.include)?;
        Ok(Answer::found_with(&article, query.fields.as_deref())?.keyed(article.keys()))
    };
    if is_public { app.db.look_up(show).await } else { app.db.read_whole(show).await }
}

/// The same as Markdown.
async fn show_markdown(viewer: Viewer, app: Data<App>, article: Ref, query: &ShowParams) -> Result<Answer> {
    let given = [
        ("fields", query.fields.is_some()),
        ("include", !query.include.is_empty()),
        ("preview", query.preview.is_some()),
    ];
    if let Some((name, _)) = given.into_iter().find(|(_, given)| *given) {
        return Err(Error::parameter(name, "conflict", "Markdown is the whole article; ask for JSON"));
    }
    let (eyes, site) = (Eyes::of(&viewer, query.view)?, app.site());
    let shared = app.clone();
    let read = move |conn: &mut Conn| {
        let row = queries::find(conn, &eyes, &article)?;
        Looking { app: &shared, viewer: &viewer, eyes: &eyes }.one(conn, row, &[] as &[Include])
    };
    let article = app.db.read_whole(read).await?;
    // Not while a connection waits: long texts take their time.
    blocking(move || markdown::answer(&article, &site)).await
}

/// Change an article
///
/// A JSON Merge Patch of the working copy, which makes a new revision. What is public stays as it is until it is
/// published again; the slug and whether comments are taken change at once. With `merge=auto` a change of what is not
/// the newest any more passes where it touches other fields than those that were changed since.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), SaveParams), request_body = ArticleChanges,
    responses((status = OK, description = "The article as it is now.", body = Article)), security(("bearer" = []))
)]
#[patch("/articles/{ref}")]
async fn update_article(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing<SaveParams>,
    changes: ArticleChanges,
) -> Result<Answer> {
    let shared = app.clone();
    let (actor, reference) = (who.clone(), path.clone());
    let saving = Saving::of(&writing.params, &writing.expected)?;
    let changes = changes.stand_in("language", app.site().profile.language());
    let current = app.db.read_whole(move |conn| drafts::as_written(conn, &actor, &reference));
    let edit = Edit::prepare(changes, saving, current).await?;
    writing
        .run(&app.db, move |conn, expected| {
            let row = drafts::update(conn, &who, &path, &edit, expected, clock::now())?;
            Answer::found(&desk(conn, &shared, &who, row)?)
        })
        .await
}

/// Move an article to the trash
///
/// It is nowhere to be seen, and can be restored for as long as the site keeps it. With `permanent=true` it is gone for good,
/// with all that belongs to it.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), DeleteParams),
    responses((status = NO_CONTENT, description = "It is in the trash, or gone.")), security(("bearer" = []))
)]
#[delete("/articles/{ref}")]
async fn delete_article(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing<DeleteParams>,
) -> Result<Answer> {
    let permanent = writing.params.permanent == Some(true);
    if permanent {
        who.must::<PurgeArticles>()?;
    }
    writing
        .run(&app.db, move |conn, expected| {
            let delete = if permanent { trash::delete } else { drafts::delete };
            delete(conn, &who, &path, expected, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}

/// Restore an article
///
/// Takes it out of the trash. It is what it was: public again where it was public.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), WriteParams),
    responses((status = OK, description = "The article as it is now.", body = Article)), security(("bearer" = []))
)]
#[post("/articles/{ref}/restore")]
async fn restore_article(who: Can<WriteArticles>, app: Data<App>, path: Path<Ref>, writing: Writing) -> Result<Answer> {
    let (shared, actor) = (app.clone(), who.clone());
    writing
        .once(&app.db, who.scope(), json::digest_of(b""), move |conn, expected| {
            let row = drafts::restore(conn, &actor, &path, expected, clock::now())?;
            Answer::found(&desk(conn, &shared, &actor, row)?)
        })
        .await
}

/// Publish an article
///
/// Makes the working revision, or the one that is named, what the public sees: now, or with `at` at a time. What is
/// scheduled is the revision of this moment: a later edit waits until it is scheduled in its place. Doing it again
/// changes nothing. The body may be left out. Of a story's translations one is public in each language: the next is refused,
/// and where it was scheduled it waits until the other is taken down.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), WriteParams), request_body = NewPublication,
    responses((status = OK, description = "The article as it is now.", body = Article)), security(("bearer" = []))
)]
#[put("/articles/{ref}/publication")]
async fn publish_article(
    who: Can<PublishArticles>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing,
    body: OptionalJson<NewPublication>,
) -> Result<Answer> {
    let shared = app.clone();
    writing
        .run(&app.db, move |conn, expected| {
            preflight::clear(conn, &shared.site(), &who, &path, body.0.revision, expected)?;
            let row = publication::put(conn, &who, &path, &body.0, expected)?;
            Answer::found(&desk(conn, &shared, &who, row)?)
        })
        .await
}

/// Take an article down
///
/// The public sees it no longer; it is archived, and what was scheduled is cancelled. With `at` this happens at a time,
/// with `scheduled=true` only what was scheduled is cancelled. What is not public stays as it is.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), UnpublishParams),
    responses((status = NO_CONTENT, description = "It is not public any more, or will not be from then on.")), security(("bearer" = []))
)]
#[delete("/articles/{ref}/publication")]
async fn unpublish_article(
    who: Can<PublishArticles>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing<UnpublishParams>,
) -> Result<Answer> {
    let wanted = writing.params.clone();
    if wanted.at.is_some() && wanted.scheduled == Some(true) {
        return Err(Error::parameter("scheduled", "conflict", "it cancels what is scheduled, and `at` schedules"));
    }
    writing
        .run(&app.db, move |conn, expected| {
            publication::delete(conn, &who, &path, &wanted, expected)?;
            Ok(Answer::no_content())
        })
        .await
}

/// List the revisions of an article
///
/// The newest first. For those who may edit the article.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), RevisionParams),
    responses((status = OK, description = "A page of revisions.", body = RevisionList)), security(("bearer" = []))
)]
#[get("/articles/{ref}/revisions")]
async fn list_revisions(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<Ref>,
    query: Query<RevisionParams>,
) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read_whole(move |conn| {
            let page = history::list(conn, &who, &path, &window)?;
            Answer::list(&shared, &window, page, None::<&[&str]>)
        })
        .await
}

/// Get a revision of an article
///
/// All that it holds, in the form in which it would be written. With `diff` also what changed since another revision.
#[utoipa::path(
    tag = "Articles",
    params(
        ("ref" = Ref, Path, description = "The article's id or slug."),
        ("number" = i32, Path, description = "The revision's number.", minimum = 1, maximum = 2147483647),
        RevisionQuery
    ),
    responses((status = OK, description = "The revision.", body = Revision)), security(("bearer" = []))
)]
#[get("/articles/{ref}/revisions/{number}")]
async fn get_revision(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<(Ref, RevisionNumber)>,
    query: Query<RevisionQuery>,
) -> Result<Answer> {
    let compared = query.diff.map(RevisionNumber::get);
    let read = move |conn: &mut Conn| {
        let (reference, number) = (&path.0.0, path.0.1.get());
        let revision = history::get(conn, &who, reference, number)?;
        let other = |m| history::content_to_compare(conn, &who, reference, m).map(|content| (m, content));
        Ok((revision, compared.map(other).transpose()?))
    };
    let (mut revision, compared) = app.db.read_whole(read).await?;
    let Some((number, content)) = compared else { return Answer::found(&revision) };
    // Not while a connection waits: long texts take their time.
    blocking(move || {
        let now = revision.content.unwrap_or_default();
        revision.diff = Some(Diff::between((number, &content), (revision.number, &now)));
        revision.content = Some(now);
        Answer::found(&revision)
    })
    .await
}

/// Restore a revision of an article
///
/// Makes a new working revision that holds what the old one did. The slug stays, and what is public stays as it is.
#[utoipa::path(
    tag = "Articles",
    params(
        ("ref" = Ref, Path, description = "The article's id or slug."),
        ("number" = i32, Path, description = "The revision's number.", minimum = 1, maximum = 2147483647),
        NoteParams
    ),
    responses((status = OK, description = "The article as it is now.", body = Article)), security(("bearer" = []))
)]
#[post("/articles/{ref}/revisions/{number}/restore")]
async fn restore_revision(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<(Ref, RevisionNumber)>,
    writing: Writing<NoteParams>,
) -> Result<Answer> {
    let (shared, actor) = (app.clone(), who.clone());
    let saving = Saving { note: writing.params.note.clone(), ..Saving::default() };
    writing
        .once(&app.db, who.scope(), json::digest_of(b""), move |conn, expected| {
            let row = history::restore(conn, &actor, &path.0.0, path.0.1.get(), (&saving, expected), clock::now())?;
            Answer::found(&desk(conn, &shared, &actor, row)?)
        })
        .await
}

/// The article as the one who wrote it sees it.
pub fn desk(conn: &mut Conn, app: &App, actor: &Actor, row: Row) -> Result<Article> {
    let (viewer, eyes) = (Viewer::Staff(actor.clone()), Eyes::Desk(actor.clone()));
    Looking { app, viewer: &viewer, eyes: &eyes }.one(conn, row, &[] as &[Include])
}
