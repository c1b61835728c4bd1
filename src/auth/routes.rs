//! `/auth` and `/me`.

use super::{
    Can,
    model::{Login, Refresh, Session, Setup, TokenType},
    queries::{self, Rotation},
    setup, tokens,
};
use crate::{
    app::App,
    clock,
    db::Id,
    error::{Code, Error, Result},
    http::{Answer, Json, NoParams, Query},
    permissions::UseAccount,
    users::{self, User},
};
use actix_web::{get, post, web::Data};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn routes(config: &mut ServiceConfig) {
    config.service(login).service(refresh).service(logout).service(set_up).service(get_me);
}

/// Sign in
///
/// Opens a session. The access token goes into the `Authorization` header as `Bearer`; the refresh token gets the next
/// pair. An unknown address and a wrong password are answered alike, after the same work.
#[utoipa::path(tag = "Auth", request_body = Login, responses((status = OK, description = "The session.", body = Session)))]
#[post("/auth/login")]
async fn login(app: Data<App>, _: Query<NoParams>, body: Json<Login>) -> Result<Answer> {
    let Login { email, password, device_name } = body.value;
    let known = app.db.read(move |conn| users::find_by_email(conn, &email)).await?;
    let hash = known.as_ref().and_then(|user| user.password_hash.clone());
    let right = app.hasher.verify(password.into_inner(), hash).await?;
    let user =
        known.filter(|user| right && user.disabled_at.is_none()).ok_or_else(|| Error::new(Code::InvalidCredentials))?;
    let device = device_name.map_or_else(String::new, crate::values::Line::into_inner);
    session(&app, user.id, move |conn| queries::open_session(conn, user.id, &device, clock::now())).await
}

/// Get new tokens
///
/// Uses the refresh token up and gives the next pair. A refresh token that is used a second time ends its session.
#[utoipa::path(tag = "Auth", request_body = Refresh, responses((status = OK, description = "The session, with new tokens.", body = Session)))]
#[post("/auth/refresh")]
async fn refresh(app: Data<App>, _: Query<NoParams>, body: Json<Refresh>) -> Result<Answer> {
    let token = body.value.refresh_token;
    let rotation = app.db.write(move |conn| queries::rotate(conn, token.as_str(), clock::now())).await?;
    match rotation {
        Rotation::Next { user, session: id, token } => session(&app, user, move |_| Ok((id, token.clone()))).await,
        Rotation::Reused => {
            Err(Error::with(Code::InvalidToken, "the refresh token was used before; the session has ended"))
        }
    }
}

/// Sign out
///
/// Ends the session of the refresh token. Its access tokens are refused from the next request on. A token that is
/// unknown is no error: what was to be ended has ended.
#[utoipa::path(tag = "Auth", request_body = Refresh, responses((status = NO_CONTENT, description = "The session has ended.")))]
#[post("/auth/logout")]
async fn logout(app: Data<App>, _: Query<NoParams>, body: Json<Refresh>) -> Result<Answer> {
    let token = body.value.refresh_token;
    app.db
        .write(move |conn| {
            if let Some(session) = queries::session_of(conn, token.as_str())? {
                queries::end_session(conn, session, clock::now())?;
            }
            Ok(Answer::no_content())
        })
        .await
}

/// Create the first administrator
///
/// Takes the one-time token that the first start printed where the environment named no administrator, and signs in.
#[utoipa::path(tag = "Auth", request_body = Setup, responses((status = OK, description = "The session.", body = Session)))]
#[post("/auth/setup")]
async fn set_up(app: Data<App>, _: Query<NoParams>, body: Json<Setup>) -> Result<Answer> {
    let Setup { token, email, name, password } = body.value;
    // A password costs much to hash: first it is seen whether there is a reason to.
    let given = token.clone();
    app.db.read(move |conn| setup::check(conn, given.as_str(), clock::now())).await?;
    let hash = app.hasher.hash(password).await?;
    let user = app
        .db
        .write(move |conn| {
            setup::create_first_administrator(conn, token.as_str(), &email, name.as_str(), &hash, clock::now())
        })
        .await?;
    session(&app, user, move |conn| queries::open_session(conn, user, "", clock::now())).await
}

/// Get who one is
///
/// The user that the token speaks for.
#[utoipa::path(tag = "Auth", responses((status = OK, description = "The user.", body = User)), security(("bearer" = [])))]
#[get("/me")]
async fn get_me(who: Can<UseAccount>, app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    app.db.look_up(move |conn| Answer::found(&User::from(users::find(conn, who.user)?))).await
}

/// Answers with the tokens of the session that `open` gives.
async fn session(
    app: &Data<App>,
    user: Id,
    open: impl Fn(&mut crate::db::Conn) -> Result<(Id, String)> + Send + 'static,
) -> Result<Answer> {
    let shared = app.clone();
    let answer = app
        .db
        .write(move |conn| {
            let (session, refresh_token) = open(conn)?;
            let access_token = shared.keys.issue(user, session, clock::now())?;
            let expires_in = u32::try_from(tokens::LIFETIME.as_secs()).unwrap_or(u32::MAX);
            let user = User::from(users::find(conn, user)?);
            Answer::shown(&Session { access_token, token_type: TokenType::Bearer, expires_in, refresh_token, user })
        })
        .await?;
    Ok(Answer { etag: None, ..answer })
}
