//! `/sections`.

use super::{
    model::{NewSection, Section, SectionChanges, SectionList, SectionParams},
    queries,
};
use crate::{
    app::App,
    auth::{Can, Viewer},
    clock,
    db::Id,
    error::Result,
    http::{Answer, Json, NoParams, Path, Query, Routes, WriteParams, Writing},
    permissions::ManageSections,
    values::Ref,
};
use actix_web::{delete, get, patch, post, web::Data};

pub fn routes(config: &mut impl Routes) {
    config
        .service(list_sections)
        .service(create_section)
        .service(get_section)
        .service(update_section)
        .service(delete_section);
}

/// List sections
///
/// By path, parents before their children, unless another order is asked for. `path=` finds the section that stands at a path,
/// or, where none does, the one that stood there before it was moved: its own `path` says where it is now.
#[utoipa::path(tag = "Sections", params(SectionParams), responses((status = OK, description = "A page of sections.", body = SectionList)))]
#[get("/sections")]
async fn list_sections(_: Viewer, app: Data<App>, query: Query<SectionParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let page = queries::list(conn, &query, &window)?;
            Answer::list(&shared, &window, page, query.fields.as_deref()).map(|answer| answer.keyed("sections"))
        })
        .await
}

/// Create a section
///
/// The slug is made from the name where it is left out.
#[utoipa::path(
    tag = "Sections", params(WriteParams), request_body = NewSection,
    responses((status = CREATED, description = "The section.", body = Section)), security(("bearer" = []))
)]
#[post("/sections")]
async fn create_section(
    who: Can<ManageSections>,
    app: Data<App>,
    writing: Writing,
    body: Json<NewSection>,
) -> Result<Answer> {
    writing
        .once(&app.db, who.scope(), body.digest, move |conn, _| {
            let section = queries::insert(conn, &body.value, Id::new(), clock::now())?;
            Answer::created(&section, format!("/api/v1/sections/{}", section.id))
        })
        .await
}

/// Get a section
///
/// By its id or its slug.
#[utoipa::path(
    tag = "Sections", params(("ref" = Ref, Path, description = "The section's id or slug.")),
    responses((status = OK, description = "The section.", body = Section))
)]
#[get("/sections/{ref}")]
async fn get_section(_: Viewer, app: Data<App>, path: Path<Ref>, _: Query<NoParams>) -> Result<Answer> {
    app.db
        .look_up(move |conn| {
            let section = queries::find(conn, &path)?;
            Ok(Answer::found(&section)?.keyed(format!("section-{}", section.id)))
        })
        .await
}

/// Change a section
///
/// A JSON Merge Patch: what is left out stays as it is. The paths of all sections below follow.
#[utoipa::path(
    tag = "Sections", params(("ref" = Ref, Path, description = "The section's id or slug."), WriteParams), request_body = SectionChanges,
    responses((status = OK, description = "The section as it is now.", body = Section)), security(("bearer" = []))
)]
#[patch("/sections/{ref}")]
async fn update_section(
    _: Can<ManageSections>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing,
    changes: SectionChanges,
) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            Answer::found(&queries::update(conn, &path, &changes, expected, clock::now())?)
        })
        .await
}

/// Delete a section
///
/// Refused while an article stands in it, in whatever revision, or a section below it.
#[utoipa::path(
    tag = "Sections", params(("ref" = Ref, Path, description = "The section's id or slug."), WriteParams),
    responses((status = NO_CONTENT, description = "It is gone."), (status = CONFLICT, description = "Something still stands in it.")),
    security(("bearer" = []))
)]
#[delete("/sections/{ref}")]
async fn delete_section(_: Can<ManageSections>, app: Data<App>, path: Path<Ref>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            queries::delete(conn, &path, expected, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}
