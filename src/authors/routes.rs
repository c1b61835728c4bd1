//! `/authors`.

use super::{
    model::{Author, AuthorChanges, AuthorList, AuthorPage, AuthorParams, AuthorShowParams, Include, NewAuthor},
    queries,
};
use crate::{
    app::App,
    articles,
    auth::{Can, Viewer},
    clock,
    db::Id,
    error::Result,
    http::{Answer, Json, Path, Query, Routes, WriteParams, Writing},
    permissions::ManageAuthors,
    values::Ref,
};
use actix_web::{delete, get, patch, post, put, web::Data};

pub fn routes(config: &mut impl Routes) {
    config
        .service(list_authors)
        .service(create_author)
        .service(get_author)
        .service(update_author)
        .service(delete_author)
        .service(archive_author)
        .service(unarchive_author);
}

/// List authors
///
/// By name, unless another order is asked for. Those who write no more are left out, unless they are asked for.
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
/// By its id or its slug. With `include=latest`, all that stands on their page.
#[utoipa::path(
    tag = "Authors", params(("ref" = Ref, Path, description = "The author's id or slug."), AuthorShowParams),
    responses((status = OK, description = "The author.", body = AuthorPage))
)]
#[get("/authors/{ref}")]
async fn get_author(_: Viewer, app: Data<App>, path: Path<Ref>, query: Query<AuthorShowParams>) -> Result<Answer> {
    let shared = app.clone();
    app.db
        .look_up(move |conn| {
            let mut page = AuthorPage::from(queries::find(conn, &path)?);
            let mut keys = format!("author-{}", page.id);
            if query.include.contains(&Include::Latest) {
                let (first, last) = articles::span_of_author(conn, page.id)?;
                (page.first_published_at, page.last_published_at) = (Some(first), Some(last));
                page.latest = Some(articles::latest_of_author(conn, &shared.site(), page.id)?);
                keys += " articles";
            }
            Ok(Answer::found(&page)?.keyed(keys))
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

/// Archive an author
///
/// They write no more: articles that had their byline once may have it, and translations of these, no other gets it, and
/// lists leave them out. Doing it again changes nothing.
#[utoipa::path(
    tag = "Authors", params(("ref" = Ref, Path, description = "The author's id or slug."), WriteParams),
    responses((status = OK, description = "The author as it is now.", body = Author)), security(("bearer" = []))
)]
#[put("/authors/{ref}/archive")]
async fn archive_author(_: Can<ManageAuthors>, app: Data<App>, path: Path<Ref>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            Answer::found(&queries::archive(conn, &path, true, expected, clock::now())?)
        })
        .await
}

/// Take an author out of the archive
///
/// They write again. Doing it again changes nothing.
#[utoipa::path(
    tag = "Authors", params(("ref" = Ref, Path, description = "The author's id or slug."), WriteParams),
    responses((status = NO_CONTENT, description = "It is done.")), security(("bearer" = []))
)]
#[delete("/authors/{ref}/archive")]
async fn unarchive_author(_: Can<ManageAuthors>, app: Data<App>, path: Path<Ref>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            queries::archive(conn, &path, false, expected, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}
