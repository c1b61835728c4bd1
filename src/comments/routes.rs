//! `/articles/{ref}/comments` and `/comments`.

use super::{
    model::{
        Comment, CommentChanges, CommentList, CommentSort, NewComment, QueueParams, ThreadList, ThreadParams, rendered,
    },
    queries,
};
use crate::{
    app::App,
    articles,
    auth::{Can, Viewer},
    clock,
    db::Id,
    error::Result,
    http::{Answer, Json, NoParams, Path, Query, Routes, WriteParams, Writing},
    permissions::ModerateComments,
    values::Ref,
};
use actix_web::{delete, get, patch, post, web::Data};

/// Comments have no fields to choose from.
const ALL: Option<&[&str]> = None;

pub fn routes(config: &mut impl Routes) {
    config
        .service(list_article_comments)
        .service(create_comment)
        .service(list_comments)
        .service(get_comment)
        .service(update_comment)
        .service(delete_comment);
}

/// List the comments of an article
///
/// Pages of threads, the oldest first, each comment with its replies. Only what is approved.
#[utoipa::path(
    tag = "Comments", params(("ref" = Ref, Path, description = "The article's id or slug."), ThreadParams),
    responses((status = OK, description = "A page of threads.", body = ThreadList))
)]
#[get("/articles/{ref}/comments")]
async fn list_article_comments(
    viewer: Viewer,
    app: Data<App>,
    path: Path<Ref>,
    query: Query<ThreadParams>,
) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let article = articles::find_published(conn, &path)?;
            let down = query.sort == Some(CommentSort::CreatedAtDown);
            let page = queries::threads(conn, &viewer, article.id, down, &window)?;
            Answer::list(&shared, &window, page, ALL).map(|answer| answer.keyed(format!("comments-{}", article.id)))
        })
        .await
}

/// Leave a comment
///
/// By anyone: guests give a name and an email address, and their comment waits for an editor. Who is on the staff signs
/// with their own name.
#[utoipa::path(
    tag = "Comments", params(("ref" = Ref, Path, description = "The article's id or slug."), WriteParams), request_body = NewComment,
    responses((status = CREATED, description = "The comment.", body = Comment))
)]
#[post("/articles/{ref}/comments")]
async fn create_comment(
    viewer: Viewer,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing,
    body: Json<NewComment>,
) -> Result<Answer> {
    let shared = app.clone();
    let html = rendered(&body.value.body)?;
    // A guest is who they sign as: one guest's keys are no other's.
    let scope = match (&viewer, &body.value.email) {
        (Viewer::Staff(actor), _) => actor.scope(),
        (Viewer::Public, email) => format!("guest {}", email.as_ref().map_or("", AsRef::as_ref)),
    };
    writing
        .once(&app.db, scope, body.digest, move |conn, _| {
            let comment = queries::insert(conn, &shared, &viewer, &path, &body.value, &html, clock::now())?;
            Answer::created(&comment, format!("/api/v1/comments/{}", comment.id))
        })
        .await
}

/// List all comments
///
/// The moderation queue: the newest first, in whatever state.
#[utoipa::path(
    tag = "Comments", params(QueueParams), responses((status = OK, description = "A page of comments.", body = CommentList)),
    security(("bearer" = []))
)]
#[get("/comments")]
async fn list_comments(_: Can<ModerateComments>, app: Data<App>, query: Query<QueueParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let page = queries::queue(conn, &query, &window)?;
            Answer::list(&shared, &window, page, ALL)
        })
        .await
}

/// Get a comment
///
/// The public sees it once it is approved; moderators see it in whatever state.
#[utoipa::path(
    tag = "Comments", params(("id" = Id, Path, description = "The comment's id.")),
    responses((status = OK, description = "The comment.", body = Comment))
)]
#[get("/comments/{id}")]
async fn get_comment(viewer: Viewer, app: Data<App>, path: Path<Id>, _: Query<NoParams>) -> Result<Answer> {
    app.db.look_up(move |conn| Answer::found(&queries::find(conn, &viewer, *path)?)).await
}

/// Change a comment
///
/// A JSON Merge Patch: approve it, mark it as spam, correct it.
#[utoipa::path(
    tag = "Comments", params(("id" = Id, Path, description = "The comment's id."), WriteParams), request_body = CommentChanges,
    responses((status = OK, description = "The comment as it is now.", body = Comment)), security(("bearer" = []))
)]
#[patch("/comments/{id}")]
async fn update_comment(
    _: Can<ModerateComments>,
    app: Data<App>,
    path: Path<Id>,
    writing: Writing,
    changes: CommentChanges,
) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            Answer::found(&queries::update(conn, *path, &changes, expected, clock::now())?)
        })
        .await
}

/// Delete a comment
///
/// Moves it to the trash, where the queue still finds it.
#[utoipa::path(
    tag = "Comments", params(("id" = Id, Path, description = "The comment's id."), WriteParams),
    responses((status = NO_CONTENT, description = "It is in the trash.")), security(("bearer" = []))
)]
#[delete("/comments/{id}")]
async fn delete_comment(_: Can<ModerateComments>, app: Data<App>, path: Path<Id>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            queries::delete(conn, *path, expected, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}
