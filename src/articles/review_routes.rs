//! `/articles/{ref}/review`: asking for a review, giving one, and what was said so far.

use super::{
    model::Article,
    reviews::{self, NewReview, ReviewList, ReviewParams},
    routes::desk,
};
use crate::{
    app::App,
    auth::Can,
    clock,
    error::Result,
    http::{Answer, Json, Path, Query, Routes, WriteParams, Writing},
    permissions::WriteArticles,
    values::Ref,
};
use actix_web::{delete, get, put, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(list_reviews).service(review_article).service(withdraw_review);
}

/// List the reviews of an article
///
/// All that was asked and answered, the newest first. For those who may edit the article.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), ReviewParams),
    responses((status = OK, description = "A page of reviews.", body = ReviewList)), security(("bearer" = []))
)]
#[get("/articles/{ref}/review")]
async fn list_reviews(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<Ref>,
    query: Query<ReviewParams>,
) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let page = reviews::list(conn, &who, &path, &window)?;
            Answer::list(&shared, &window, page, None::<&[&str]>)
        })
        .await
}

/// Review an article
///
/// Whoever may edit the article requests a review of it; an editor approves it, or asks for changes. An approval is of the
/// working revision: it is void once the text changes. Saying the same again changes nothing.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), WriteParams), request_body = NewReview,
    responses((status = OK, description = "The article as it is now.", body = Article)), security(("bearer" = []))
)]
#[put("/articles/{ref}/review")]
async fn review_article(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing,
    body: Json<NewReview>,
) -> Result<Answer> {
    let shared = app.clone();
    writing
        .run(&app.db, move |conn, expected| {
            let row = reviews::put(conn, &who, &path, &body.value, expected, clock::now())?;
            Answer::found(&desk(conn, &shared, &who, row)?)
        })
        .await
}

/// Withdraw a request for a review
///
/// The article is a draft again. Where no review is requested, nothing changes; what an editor said stays.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), WriteParams),
    responses((status = NO_CONTENT, description = "No review is requested any more.")), security(("bearer" = []))
)]
#[delete("/articles/{ref}/review")]
async fn withdraw_review(who: Can<WriteArticles>, app: Data<App>, path: Path<Ref>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            reviews::delete(conn, &who, &path, expected, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}
