//! `/tags`.

use super::{
    merging,
    model::{NewMerge, NewTag, Tag, TagChanges, TagList, TagParams},
    queries,
};
use crate::{
    app::App,
    auth::{Can, Viewer},
    clock,
    db::Id,
    error::Result,
    http::{Answer, Json, NoParams, Path, Query, Routes, WriteParams, Writing},
    permissions::ManageTags,
    values::Ref,
};
use actix_web::{delete, get, patch, post, web::Data};

pub fn routes(config: &mut impl Routes) {
    config
        .service(list_tags)
        .service(create_tag)
        .service(get_tag)
        .service(update_tag)
        .service(delete_tag)
        .service(merge_tag);
}

/// List tags
///
/// By name, unless another order is asked for.
#[utoipa::path(tag = "Tags", params(TagParams), responses((status = OK, description = "A page of tags.", body = TagList)))]
#[get("/tags")]
async fn list_tags(_: Viewer, app: Data<App>, query: Query<TagParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let page = queries::list(conn, &query, &window)?;
            Answer::list(&shared, &window, page, query.fields.as_deref()).map(|answer| answer.keyed("tags"))
        })
        .await
}

/// Create a tag
///
/// The slug is made from the name where it is left out.
#[utoipa::path(
    tag = "Tags", params(WriteParams), request_body = NewTag,
    responses((status = CREATED, description = "The tag.", body = Tag)), security(("bearer" = []))
)]
#[post("/tags")]
async fn create_tag(who: Can<ManageTags>, app: Data<App>, writing: Writing, body: Json<NewTag>) -> Result<Answer> {
    writing
        .once(&app.db, who.scope(), body.digest, move |conn, _| {
            let tag = queries::insert(conn, &body.value, Id::new(), clock::now())?;
            Answer::created(&tag, format!("/api/v1/tags/{}", tag.id))
        })
        .await
}

/// Get a tag
///
/// By its id or its slug.
#[utoipa::path(
    tag = "Tags", params(("ref" = Ref, Path, description = "The tag's id or slug.")),
    responses((status = OK, description = "The tag.", body = Tag))
)]
#[get("/tags/{ref}")]
async fn get_tag(_: Viewer, app: Data<App>, path: Path<Ref>, _: Query<NoParams>) -> Result<Answer> {
    app.db
        .look_up(move |conn| {
            let tag = queries::find(conn, &path)?;
            Ok(Answer::found(&tag)?.keyed(format!("tag-{}", tag.id)))
        })
        .await
}

/// Change a tag
///
/// A JSON Merge Patch: what is left out stays as it is.
#[utoipa::path(
    tag = "Tags", params(("ref" = Ref, Path, description = "The tag's id or slug."), WriteParams), request_body = TagChanges,
    responses((status = OK, description = "The tag as it is now.", body = Tag)), security(("bearer" = []))
)]
#[patch("/tags/{ref}")]
async fn update_tag(
    _: Can<ManageTags>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing,
    changes: TagChanges,
) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            Answer::found(&queries::update(conn, &path, &changes, expected, clock::now())?)
        })
        .await
}

/// Delete a tag
///
/// Refused while an article has it.
#[utoipa::path(
    tag = "Tags", params(("ref" = Ref, Path, description = "The tag's id or slug."), WriteParams),
    responses((status = NO_CONTENT, description = "It is gone."), (status = CONFLICT, description = "An article has it.")),
    security(("bearer" = []))
)]
#[delete("/tags/{ref}")]
async fn delete_tag(_: Can<ManageTags>, app: Data<App>, path: Path<Ref>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            queries::delete(conn, &path, expected, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}

/// Merge a tag into another
///
/// Its articles get the other in its place, in all their revisions; its slugs lead there from now on, and its names are other
/// names of it. The tag itself is gone.
#[utoipa::path(
    tag = "Tags", params(("ref" = Ref, Path, description = "The tag's id or slug."), WriteParams), request_body = NewMerge,
    responses((status = OK, description = "The tag that is left.", body = Tag)), security(("bearer" = []))
)]
#[post("/tags/{ref}/merge")]
async fn merge_tag(
    who: Can<ManageTags>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing,
    body: Json<NewMerge>,
) -> Result<Answer> {
    let scope = who.scope();
    writing
        .once(&app.db, scope, body.digest, move |conn, expected| {
            Answer::found(&merging::merge(conn, &who, &path, &body.value, expected, clock::now())?)
        })
        .await
}
