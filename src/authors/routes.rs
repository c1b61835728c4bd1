//! `/authors`.

use super::{
    model::{Author, AuthorChanges, AuthorList, AuthorParams, NewAuthor},
    queries,
};
use crate::{
    app::App,
    auth::{Can, Viewer},
    clock,
    db::Id,
    error::Result,
    http::{Answer, Json, NoParams, Path, Query, WriteParams, Writing},
    permissions::ManageAuthors,
    values::Ref,
};
use actix_web::{delete, get, patch, post, web::Data};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(list_authors)
        .service(create_author)
        .service(get_author)
        .service(update_author)
        .service(delete_author);
}

/// List authors
///
/// By name, unless another order is asked for.
#[utoipa::path(tag = "Authors", params(AuthorParams), responses((status = OK, description = "A page of authors.", body = AuthorList)))]
#[get("/authors")]
async fn list_authors(_: Viewer, app: Data<App>, query: Query<AuthorParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let page = queries::list(conn, &query, &window)?;
            Answer::list(&shared, &window, page, query.fields.as_deref()).map(|answer| answer.keyed("authors"))
        })
        .await
}

/// Create an author
///
/// The slug is made from the name where it is left out.
#[utoipa::path(
    tag = "Authors", params(WriteParams), request_body = NewAuthor,
    responses((status = CREATED, description = "The author.", body = Author)), security(("bearer" = []))
)]
#[post("/authors")]
async fn create_author(
    who: Can<ManageAuthors>,
    app: Data<App>,
    writing: Writing,
    body: Json<NewAuthor>,
) -> Result<Answer> {
    writing
        .once(&app.db, who.scope(), body.digest, move |conn, _| {
            let author = queries::insert(conn, &body.value, Id::new(), clock::now())?;
            Answer::created(&author, format!("/api/v1/authors/{}", author.id))
        })
        .await
}

/// Get an author
///
/// By its id or its slug.
#[utoipa::path(
    tag = "Authors", params(("ref" = Ref, Path, description = "The author's id or slug.")),
    responses((status = OK, description = "The author.", body = Author))
)]
#[get("/authors/{ref}")]
async fn get_author(_: Viewer, app: Data<App>, path: Path<Ref>, _: Query<NoParams>) -> Result<Answer> {
    app.db
        .look_up(move |conn| {
            let author = queries::find(conn, &path)?;
            Ok(Answer::found(&author)?.keyed(format!("author-{}", author.id)))
        })
        .await
}

/// Change an author
///
/// A JSON Merge Patch: what is left out stays as it is.
#[utoipa::path(
    tag = "Authors", params(("ref" = Ref, Path, description = "The author's id or slug."), WriteParams), request_body = AuthorChanges,
    responses((status = OK, description = "The author as it is now.", body = Author)), security(("bearer" = []))
)]
#[patch("/authors/{ref}")]
async fn update_author(
    _: Can<ManageAuthors>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing,
    changes: AuthorChanges,
) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            Answer::found(&queries::update(conn, &path, &changes, expected, clock::now())?)
        })
        .await
}

/// Delete an author
///
/// Refused while an article carries the byline, in whatever revision.
#[utoipa::path(
    tag = "Authors", params(("ref" = Ref, Path, description = "The author's id or slug."), WriteParams),
    responses((status = NO_CONTENT, description = "It is gone."), (status = CONFLICT, description = "An article carries it.")),
    security(("bearer" = []))
)]
#[delete("/authors/{ref}")]
async fn delete_author(_: Can<ManageAuthors>, app: Data<App>, path: Path<Ref>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            queries::delete(conn, &path, expected, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}
