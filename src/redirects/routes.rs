//! `/redirects`, and all of them as a table at `/redirects.csv`.

use super::{
    model::{NewRedirect, Redirect, RedirectImport, RedirectList, RedirectParams},
    queries::{self, Creation},
    table::{self, NewRedirectTable, RedirectTable, Table},
};
use crate::{
    app::App,
    auth::{Can, Viewer},
    clock,
    db::Id,
    error::Result,
    http::{Answer, Json, NoParams, Path, Query, Routes, WriteParams, Writing},
    permissions::ManageRedirects,
};
use actix_web::{delete, get, post, web::Data};

/// Redirects have no fields to choose from.
const ALL: Option<&[&str]> = None;

pub fn routes(config: &mut impl Routes) {
    config
        .service(list_redirects)
        .service(create_redirect)
        .service(get_redirect)
        .service(delete_redirect)
        .service(export_redirects)
        .service(import_redirects);
}

/// List redirects
///
/// Paths of the site that lead elsewhere, for what serves the site. With `source` it answers for one path.
#[utoipa::path(tag = "Redirects", params(RedirectParams), responses((status = OK, description = "A page of redirects.", body = RedirectList)))]
#[get("/redirects")]
async fn list_redirects(_: Viewer, app: Data<App>, query: Query<RedirectParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let page = queries::list(conn, &query, &window)?;
            Answer::list(&shared, &window, page, ALL).map(|answer| answer.keyed("redirects"))
        })
        .await
}

/// Create a redirect
///
/// Chains do not arise: where the target leads elsewhere, the end is kept, and redirects that ended at the new one's
/// source lead on with it. A loop is refused. An address of the site itself counts as its path.
#[utoipa::path(
    tag = "Redirects", params(WriteParams), request_body = NewRedirect,
    responses((status = CREATED, description = "The redirect.", body = Redirect), (status = CONFLICT, description = "The source leads elsewhere already.")),
    security(("bearer" = []))
)]
#[post("/redirects")]
async fn create_redirect(
    who: Can<ManageRedirects>,
    app: Data<App>,
    writing: Writing,
    body: Json<NewRedirect>,
) -> Result<Answer> {
    let (shared, by) = (app.clone(), Some(who.user));
    writing
        .once(&app.db, who.scope(), body.digest, move |conn, _| {
            let creation = Creation { by, at: clock::now() };
            let redirect = queries::insert(conn, &shared.site().url, body.value.clone(), Id::new(), creation)?;
            Answer::created(&redirect, format!("/api/v1/redirects/{}", redirect.id))
        })
        .await
}

/// Get a redirect
///
/// By its id. What a path leads to is found in the list, with `source`.
#[utoipa::path(
    tag = "Redirects", params(("id" = Id, Path, description = "The redirect's id.")),
    responses((status = OK, description = "The redirect.", body = Redirect))
)]
#[get("/redirects/{id}")]
async fn get_redirect(_: Viewer, app: Data<App>, path: Path<Id>, _: Query<NoParams>) -> Result<Answer> {
    app.db.look_up(move |conn| Ok(Answer::found(&queries::find(conn, *path)?)?.keyed("redirects"))).await
}

/// Delete a redirect
///
/// Redirects that led on through it stay as they are.
#[utoipa::path(
    tag = "Redirects", params(("id" = Id, Path, description = "The redirect's id."), WriteParams),
    responses((status = NO_CONTENT, description = "It is gone.")), security(("bearer" = []))
)]
#[delete("/redirects/{id}")]
async fn delete_redirect(_: Can<ManageRedirects>, app: Data<App>, path: Path<Id>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            queries::delete(conn, *path, expected)?;
            Ok(Answer::no_content())
        })
        .await
}

/// Export redirects
///
/// All of them as a table, by their sources. There are at most 100,000.
#[utoipa::path(
    tag = "Redirects",
    responses((status = OK, description = "The table.", body = RedirectTable, content_type = "text/csv"))
)]
#[get("/redirects.csv")]
async fn export_redirects(_: Viewer, app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    app.db.read(move |conn| Ok(Answer::table(table::write(&queries::all(conn)?)?).keyed("redirects"))).await
}

/// Import redirects
///
/// A table of at most 10,000 lines: all of them or none. What is there already, just so, is left as it is; whatever is
/// wrong is named by its line, the first being 1.
#[utoipa::path(
    tag = "Redirects", params(WriteParams), request_body(content = NewRedirectTable, content_type = "text/csv"),
    responses((status = OK, description = "What became of it.", body = RedirectImport)), security(("bearer" = []))
)]
#[post("/redirects.csv")]
async fn import_redirects(who: Can<ManageRedirects>, app: Data<App>, writing: Writing, table: Table) -> Result<Answer> {
    let (shared, by) = (app.clone(), Some(who.user));
    writing
        .once(&app.db, who.scope(), table.digest, move |conn, _| {
            let creation = Creation { by, at: clock::now() };
            Answer::shown(&queries::insert_all(conn, &shared.site().url, table.entries.clone(), creation)?)
        })
        .await
}
