//! `/feeds`: outside the base path, and the same for everybody.

use super::{
    atom,
    json::{self, JsonFeed},
    model::{AtomFeed, Form, RssFeed},
    queries::{self, Of},
    rss,
};
use crate::{
    app::App,
    error::Result,
    http::{Answer, NoParams, Path, Query, Routes},
    values::Ref,
};
use actix_web::{get, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(get_feed).service(get_section_feed).service(get_tag_feed).service(get_author_feed);
}

/// Get the feed of the site
///
/// The 30 newest articles, as RSS, as Atom or as a JSON Feed; the whole text of those that everybody may read, and the
/// excerpts of the others.
#[utoipa::path(
    tag = "Syndication", params(("form" = inline(Form), Path, description = "The form of the feed.")),
    responses((status = OK, description = "The feed.", content(
        (RssFeed = "application/rss+xml"), (AtomFeed = "application/atom+xml"), (JsonFeed = "application/feed+json")
    )))
)]
#[get("/feeds/{form}")]
async fn get_feed(app: Data<App>, path: Path<Form>, _: Query<NoParams>) -> Result<Answer> {
    answer(&app, Of::Site, *path).await
}

/// Get the feed of a section
///
/// What is new in it and in the sections below it. A slug that it had leads on to the one it has.
#[utoipa::path(
    tag = "Syndication",
    params(
        ("ref" = Ref, Path, description = "The section's id or slug."),
        ("form" = inline(Form), Path, description = "The form of the feed.")
    ),
    responses((status = OK, description = "The feed.", content(
        (RssFeed = "application/rss+xml"), (AtomFeed = "application/atom+xml"), (JsonFeed = "application/feed+json")
    )))
)]
#[get("/feeds/sections/{ref}/{form}")]
async fn get_section_feed(app: Data<App>, path: Path<(Ref, Form)>, _: Query<NoParams>) -> Result<Answer> {
    answer(&app, Of::Section(path.0.0.clone()), path.0.1).await
}

/// Get the feed of a tag
///
/// What is new with it. A slug that it had leads on to the one it has.
#[utoipa::path(
    tag = "Syndication",
    params(
        ("ref" = Ref, Path, description = "The tag's id or slug."),
        ("form" = inline(Form), Path, description = "The form of the feed.")
    ),
    responses((status = OK, description = "The feed.", content(
        (RssFeed = "application/rss+xml"), (AtomFeed = "application/atom+xml"), (JsonFeed = "application/feed+json")
    )))
)]
#[get("/feeds/tags/{ref}/{form}")]
async fn get_tag_feed(app: Data<App>, path: Path<(Ref, Form)>, _: Query<NoParams>) -> Result<Answer> {
    answer(&app, Of::Tag(path.0.0.clone()), path.0.1).await
}

/// Get the feed of an author
///
/// What is new with the byline. A slug that the author had leads on to the present one.
#[utoipa::path(
    tag = "Syndication",
    params(
        ("ref" = Ref, Path, description = "The author's id or slug."),
        ("form" = inline(Form), Path, description = "The form of the feed.")
    ),
    responses((status = OK, description = "The feed.", content(
        (RssFeed = "application/rss+xml"), (AtomFeed = "application/atom+xml"), (JsonFeed = "application/feed+json")
    )))
)]
#[get("/feeds/authors/{ref}/{form}")]
async fn get_author_feed(app: Data<App>, path: Path<(Ref, Form)>, _: Query<NoParams>) -> Result<Answer> {
    answer(&app, Of::Author(path.0.0.clone()), path.0.1).await
}

async fn answer(app: &Data<App>, of: Of, form: Form) -> Result<Answer> {
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let feed = queries::read(conn, &shared, &of)?;
            let answer = match form {
                Form::Rss => Answer::xml(rss::write(&feed)?, rss::MEDIA_TYPE),
                Form::Atom => Answer::xml(atom::write(&feed)?, atom::MEDIA_TYPE),
                Form::Json => Answer::document(json::write(&feed)?, json::MEDIA_TYPE),
            };
            Ok(answer.modified(feed.updated).keyed(feed.keys))
        })
        .await
}
