//! `/articles/{ref}/previews`: links for people without an account, and what these see.

use super::{
    present::Looking,
    previews::{self, NewPreview, Preview, PreviewList, PreviewParams, Token},
    queries::Eyes,
    write::ShowParams,
};
use crate::{
    app::App,
    auth::{Can, Viewer},
    clock,
    db::Id,
    error::{Error, Result},
    http::{Answer, HeadersOnly, NoParams, OptionalJson, Path, Query, Routes, WriteParams, Writing},
    permissions::WriteArticles,
    values::Ref,
};
use actix_web::{delete, get, post, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(list_previews).service(create_preview).service(get_preview).service(delete_preview);
}

/// List the previews of an article
///
/// The newest first, without what opens them. Expired ones stand here for another 30 days. For those who may edit the
/// article.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), PreviewParams),
    responses((status = OK, description = "A page of previews.", body = PreviewList)), security(("bearer" = []))
)]
#[get("/articles/{ref}/previews")]
async fn list_previews(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<Ref>,
    query: Query<PreviewParams>,
) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let page = previews::list(conn, &who, &path, &window)?;
            Answer::list(&shared, &window, page, None::<&[&str]>)
        })
        .await
}

/// Create a preview of an article
///
/// A link that shows the article to people without an account: the working copy of the day, or one revision for good. The
/// answer has its token, which is shown once: a repeated request with the same `Idempotency-Key` is told of the preview alone. It
/// is good for 7 days, or until `expires_at`, or until it is deleted. The body may be left out.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), WriteParams), request_body = NewPreview,
    responses((status = CREATED, description = "The preview, with its token.", body = Preview)), security(("bearer" = []))
)]
#[post("/articles/{ref}/previews")]
async fn create_preview(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<Ref>,
    writing: Writing,
    body: OptionalJson<NewPreview>,
) -> Result<Answer> {
    let OptionalJson(new, digest) = body;
    let (shared, actor, token) = (app.clone(), who.clone(), Token::new()?);
    let hash = token.hash();
    let answer = writing
        .once(&app.db, who.scope(), digest, move |conn, _| {
            let preview = previews::insert(conn, &actor, &path, &new, &hash, &shared.site(), clock::now())?;
            let location = format!("/api/v1/articles/{}/previews/{}", preview.article_id, preview.id);
            Answer::created(&preview, location)
        })
        .await?;
    with_token(answer, &token)
}

/// Adds what opens the preview, after the answer has been kept without it; where that is given again, it is made known nowhere.
fn with_token(answer: Answer, token: &Token) -> Result<Answer> {
    let preview: Preview = serde_json::from_slice(&answer.body)
        .map_err(|e| Error::internal("a kept preview cannot be read").because(e))?;
    let bare = Answer::found(&Preview { url: None, ..preview.clone() })?;
    let etag = answer.etag.and(bare.etag);
    if answer.replayed {
        return Ok(Answer { body: bare.body, etag, ..answer });
    }
    let url = preview.url.as_ref().map(|url| format!("{url}?preview={token}"));
    let whole = Answer::found(&Preview { url, token: Some(token.to_string()), ..preview })?;
    Ok(Answer { body: whole.body, etag, ..answer })
}

/// Get a preview of an article
///
/// How often it was looked at, and until when it can be. Not what opens it.
#[utoipa::path(
    tag = "Articles",
    params(
        ("ref" = Ref, Path, description = "The article's id or slug."),
        ("id" = Id, Path, description = "The preview's id.")
    ),
    responses((status = OK, description = "The preview.", body = Preview)), security(("bearer" = []))
)]
#[get("/articles/{ref}/previews/{id}")]
async fn get_preview(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<(Ref, Id)>,
    _: Query<NoParams>,
) -> Result<Answer> {
    app.db.look_up(move |conn| Answer::found(&previews::get(conn, &who, &path.0.0, path.0.1)?)).await
}

/// Delete a preview of an article
///
/// Its link shows nothing from now on.
#[utoipa::path(
    tag = "Articles",
    params(
        ("ref" = Ref, Path, description = "The article's id or slug."),
        ("id" = Id, Path, description = "The preview's id."),
        WriteParams
    ),
    responses((status = NO_CONTENT, description = "It is gone.")), security(("bearer" = []))
)]
#[delete("/articles/{ref}/previews/{id}")]
async fn delete_preview(
    who: Can<WriteArticles>,
    app: Data<App>,
    path: Path<(Ref, Id)>,
    writing: Writing,
) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            previews::delete(conn, &who, &path.0.0, path.0.1, expected)?;
            Ok(Answer::no_content())
        })
        .await
}

/// What a token shows of an article, to whoever has it: who is signed in sees what everybody else would.
pub async fn show(
    app: &Data<App>,
    article: Ref,
    token: &str,
    params: &ShowParams,
    HeadersOnly(headers_only): HeadersOnly,
) -> Result<Answer> {
    if params.view.is_some() {
        return Err(Error::parameter("view", "conflict", "a preview shows what it was made for; give one of the two"));
    }
    let hash = previews::hash_of(token);
    let (shared, include, fields) = (app.clone(), params.include.clone(), params.fields.clone());
    let answer = app.db.read_whole(move |conn| {
        let row = previews::find(conn, &hash, &article, clock::now())?;
        let looking = Looking { app: &shared, viewer: &Viewer::Public, eyes: &Eyes::Preview };
        let article = looking.one(conn, row, &include)?;
        Ok(Answer::found_with(&article, fields.as_deref())?.unlisted())
    });
    let answer = answer.await?;
    // A disk that is full keeps nobody from reading.
    if !headers_only && let Err(error) = app.db.write(move |conn| previews::count(conn, &hash, clock::now())).await {
        tracing::warn!(%error, "a look at a preview was not counted");
    }
    Ok(answer)
}
