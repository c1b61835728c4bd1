//! `/site`.

use super::{
    model::{SiteChanges, SiteView},
    queries,
};
use crate::{
    app::App,
    auth::{Can, Viewer},
    clock,
    error::Result,
    http::{Answer, NoParams, Query, Routes, WriteParams, Writing},
    permissions::ManageSite,
};
use actix_web::{get, patch, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(get_site).service(update_site);
}

/// Get the site
///
/// What every page of it needs: its name, place, time zone, languages, menus and the form of its addresses; and which
/// fields of the site's own an article may have.
#[utoipa::path(tag = "Site", responses((status = OK, description = "The site.", body = SiteView)))]
#[get("/site")]
async fn get_site(_: Viewer, app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    let url = app.site().url.clone();
    app.db.look_up(move |conn| Ok(Answer::found(&queries::find(conn, &url)?)?.keyed("site"))).await
}

/// Change the site
///
/// A JSON Merge Patch: what is left out stays as it is. All addresses in answers follow at once; other processes on the same
/// database follow within a second. A schema of custom fields that would refuse what is stored is refused, with the articles
/// that it is about.
#[utoipa::path(
    tag = "Site", params(WriteParams), request_body = SiteChanges,
    responses((status = OK, description = "The site as it is now.", body = SiteView), (status = CONFLICT, description = "What is stored has other fields.")),
    security(("bearer" = []))
)]
#[patch("/site")]
async fn update_site(_: Can<ManageSite>, app: Data<App>, writing: Writing, changes: SiteChanges) -> Result<Answer> {
    let url = app.site().url.clone();
    let answer = writing
        .run(&app.db, move |conn, expected| {
            Answer::found(&queries::update(conn, &url, &changes, expected, clock::now())?)
        })
        .await?;
    app.refresh_site().await?;
    Ok(answer)
}
