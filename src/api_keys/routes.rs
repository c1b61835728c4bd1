//! `/api-keys`.

use super::{
    model::{ApiKey, ApiKeyList, ApiKeyParams, NewApiKey},
    queries, token,
};
use crate::{
    app::App,
    auth::Can,
    clock,
    db::Id,
    error::{Error, Result},
    http::{Answer, Json, NoParams, Path, Query, Routes, WriteAsked, WriteParams, Writing},
    permissions::ManageKeys,
};
use actix_web::{delete, get, post, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(list_api_keys).service(create_api_key).service(get_api_key).service(delete_api_key);
}

/// List API keys
///
/// The newest first, without what opens anything.
#[utoipa::path(
    tag = "API keys", params(ApiKeyParams), responses((status = OK, description = "A page of keys.", body = ApiKeyList)),
    security(("bearer" = []))
)]
#[get("/api-keys")]
async fn list_api_keys(_: Can<ManageKeys>, app: Data<App>, query: Query<ApiKeyParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db.read(move |conn| Answer::list(&shared, &window, queries::list(conn, &window)?, None::<&[&str]>)).await
}

/// Create an API key
///
/// The answer has the key itself, which is shown once: a repeated request with the same `Idempotency-Key` is told of the key
/// without it. A key acts for itself. Articles that a contributor's or an author's key made are its own; others' it may no
/// more edit than such a user might. It reaches neither accounts, nor users, nor keys.
#[utoipa::path(
    tag = "API keys", params(WriteParams), request_body = NewApiKey,
    responses((status = CREATED, description = "The key, with its token.", body = ApiKey)), security(("bearer" = []))
)]
#[post("/api-keys")]
async fn create_api_key(
    who: Can<ManageKeys>,
    app: Data<App>,
    writing: Writing,
    body: Json<NewApiKey>,
) -> Result<Answer> {
    let (by, token) = (who.user, token::new()?);
    let shown = (!writing.params.is_rehearsal()).then(|| token.clone());
    let answer = writing
        .once(&app.db, who.scope(), body.digest, move |conn, _| {
            let key = queries::insert(conn, &body.value, &token, by, clock::now())?;
            Answer::created(&key, format!("/api/v1/api-keys/{}", key.id))
        })
        .await?;
    match shown {
        Some(token) if !answer.replayed => with_token(answer, token),
        _ => Ok(answer),
    }
}

/// Adds the key itself, after the answer has been kept without it.
fn with_token(answer: Answer, token: String) -> Result<Answer> {
    let key: ApiKey =
        serde_json::from_slice(&answer.body).map_err(|e| Error::internal("a kept key cannot be read").because(e))?;
    let whole = Answer::found(&ApiKey { token: Some(token), ..key })?;
    Ok(Answer { body: whole.body, ..answer })
}

/// Get an API key
///
/// What it may do, and when it was last used. Not the key itself.
#[utoipa::path(
    tag = "API keys", params(("id" = Id, Path, description = "The key's id.")),
    responses((status = OK, description = "The key.", body = ApiKey)), security(("bearer" = []))
)]
#[get("/api-keys/{id}")]
async fn get_api_key(_: Can<ManageKeys>, app: Data<App>, path: Path<Id>, _: Query<NoParams>) -> Result<Answer> {
    app.db.look_up(move |conn| Answer::found(&queries::find(conn, *path)?)).await
}

/// Delete an API key
///
/// It is refused from the next request on.
#[utoipa::path(
    tag = "API keys", params(("id" = Id, Path, description = "The key's id."), WriteParams),
    responses((status = NO_CONTENT, description = "It is gone.")), security(("bearer" = []))
)]
#[delete("/api-keys/{id}")]
async fn delete_api_key(_: Can<ManageKeys>, app: Data<App>, path: Path<Id>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            queries::delete(conn, *path, expected, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}
