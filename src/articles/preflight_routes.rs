//! `/articles/{ref}/preflight`.

use crate::{
    app::App,
    articles::preflight::{self, Preflight, PreflightParams},
    auth::Can,
    error::Result,
    http::{Answer, Path, Query, Routes},
    permissions::WriteArticles,
    values::{Ref, Whole},
};
use actix_web::{get, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(get_preflight);
}

/// Look an article over before it is published
///
/// What is missing in the working copy, or in a revision that is named, or goes too far, each with how bad it is. For those
/// who may edit the article. A site may refuse to publish what has errors.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), PreflightParams),
    responses((status = OK, description = "What was found.", body = Preflight)), security(("bearer" = []))
)]
#[get("/articles/{ref}/preflight")]
async fn get_preflight(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<Ref>,
    query: Query<PreflightParams>,
) -> Result<Answer> {
    let shared = app.clone();
    let revision = query.revision.map(Whole::get);
    app.db.read(move |conn| Answer::shown(&preflight::look_over(conn, &shared.site(), &who, &path, revision)?)).await
}
