//! `/articles/{ref}/corrections`.

use crate::{
    app::App,
    articles::{
        corrections::{self, Correction, CorrectionList, CorrectionParams, NewCorrection},
        queries::{self, Eyes},
    },
    auth::{Can, Viewer},
    clock,
    db::Id,
    error::Result,
    http::{Answer, Json, NoParams, Path, Query, Routes, WriteParams, Writing},
    permissions::{PublishArticles, WithdrawCorrections},
    values::Ref,
};
use actix_web::{delete, get, post, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(list_corrections).service(create_correction).service(get_correction).service(delete_correction);
}

/// List the corrections of an article
///
/// The newest first, for all who see the article.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), CorrectionParams),
    responses((status = OK, description = "A page of corrections.", body = CorrectionList))
)]
#[get("/articles/{ref}/corrections")]
async fn list_corrections(
    viewer: Viewer,
    app: Data<App>,
    path: Path<Ref>,
    query: Query<CorrectionParams>,
) -> Result<Answer> {
    let window = query.window(&app)?;
    let eyes = Eyes::of(&viewer, query.view)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let article = queries::find(conn, &eyes, &path)?;
            let page = corrections::list(conn, article.id, &window)?;
            let answer = Answer::list(&shared, &window, page, None::<&[&str]>)?;
            Ok(answer.keyed(format!("article-{}", article.id)))
        })
        .await
}

/// Correct an article
///
/// Tells its readers at once what was wrong, with the date. The text itself is changed and published as ever. Only what is
/// public can be corrected.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), WriteParams), request_body = NewCorrection,
    responses((status = CREATED, description = "The correction.", body = Correction)), security(("bearer" = []))
)]
#[post("/articles/{ref}/corrections")]
async fn create_correction(
    who: Can<PublishArticles>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing,
    body: Json<NewCorrection>,
) -> Result<Answer> {
    body.value.check()?;
    let actor = who.clone();
    writing
        .once(&app.db, who.scope(), body.digest, move |conn, _| {
            let correction = corrections::insert(conn, &actor, &path, &body.value, Id::new(), clock::now())?;
            let location = format!("/api/v1/articles/{}/corrections/{}", correction.article_id, correction.id);
            Answer::created(&correction, location)
        })
        .await
}

/// Get a correction of an article
///
/// For all who see the article.
#[utoipa::path(
    tag = "Articles",
    params(
        ("ref" = Ref, Path, description = "The article's id or slug."),
        ("id" = Id, Path, description = "The correction's id.")
    ),
    responses((status = OK, description = "The correction.", body = Correction))
)]
#[get("/articles/{ref}/corrections/{id}")]
async fn get_correction(viewer: Viewer, app: Data<App>, path: Path<(Ref, Id)>, _: Query<NoParams>) -> Result<Answer> {
    let eyes = Eyes::of(&viewer, None)?;
    app.db
        .look_up(move |conn| {
            let article = queries::find(conn, &eyes, &path.0.0)?;
            let answer = Answer::found(&corrections::get(conn, article.id, path.0.1)?)?;
            Ok(answer.keyed(format!("article-{}", article.id)))
        })
        .await
}

/// Withdraw a correction of an article
///
/// It is not shown any more, as if it had never been said.
#[utoipa::path(
    tag = "Articles",
    params(
        ("ref" = Ref, Path, description = "The article's id or slug."),
        ("id" = Id, Path, description = "The correction's id."),
        WriteParams
    ),
    responses((status = NO_CONTENT, description = "It is withdrawn.")), security(("bearer" = []))
)]
#[delete("/articles/{ref}/corrections/{id}")]
async fn delete_correction(
    who: Can<WithdrawCorrections>,
    app: Data<App>,
    path: Path<(Ref, Id)>,
    writing: Writing,
) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            corrections::delete(conn, &who, &path.0.0, path.0.1, expected, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}
