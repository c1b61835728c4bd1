//! `/articles/bulk`.

use crate::{
    app::App,
    articles::bulk::{self, Asking, BulkResult, NewBulk},
    auth::Can,
    clock,
    error::Result,
    http::{Answer, Json, Routes, WriteParams, Writing, request_id},
    permissions::WriteArticles,
};
use actix_web::{post, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(change_articles);
}

/// Change many articles at once
///
/// Publishes them, takes them down, moves them to the trash or back, to another section, or changes their tags: each as the
/// operation on it alone would, with its own result. With `all_or_nothing` a failure undoes all, and is the answer.
#[utoipa::path(
    tag = "Articles", params(WriteParams), request_body = NewBulk,
    responses((status = OK, description = "What became of each article.", body = BulkResult)), security(("bearer" = []))
)]
#[post("/articles/bulk")]
async fn change_articles(
    who: Can<WriteArticles>,
    app: Data<App>,
    writing: Writing,
    body: Json<NewBulk>,
) -> Result<Answer> {
    let action = body.value.action()?;
    let asking = Asking { actor: who.clone(), site: app.site(), request_id: request_id::current() };
    writing
        .once(&app.db, who.scope(), body.digest, move |conn, _| {
            Answer::shown(&bulk::run(conn, &asking, &body.value, &action, clock::now())?)
        })
        .await
}
