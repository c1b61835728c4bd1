//! `/auth` and `/me`.

use super::{
    Person, SignedInBy, factor_routes, factors, mail_routes, me_routes,
    model::{AcceptedInvitation, Login, Refresh, Session, Setup, TokenType},
    provider_routes,
    queries::{self, Rotation},
    setup,
    strength::Known,
    tokens,
    totp::SecondCode,
};
use crate::{
    app::App,
    audit::{Outcome, Record},
    clock,
    db::{Conn, Id},
    error::{Code, Error, Result},
    http::{Answer, Json, NoParams, Query, Routes, call},
    users::{self, User, UserRow},
    values::{Email, Line},
};
use actix_web::{post, web::Data};

pub fn routes(config: &mut impl Routes) {
    config
        .service(login)
        .service(refresh)
        .service(logout)
        .service(accept_invitation)
        .service(set_up)
        .configure(factor_routes::routes)
        .configure(mail_routes::routes)
        .configure(me_routes::routes)
        .configure(provider_routes::routes);
}

/// Sign in
///
/// Opens a session. The access token goes into the `Authorization` header as `Bearer`; the refresh token gets the next
/// pair. An unknown address and a wrong password are answered alike, after the same work.
///
/// Who has a second factor sends a `code` as well; without one the answer to the right password is `second_factor_required`,
/// and no session. A code is taken once. After five wrong ones in a row none is looked at for a while, but for recovery codes.
#[utoipa::path(tag = "Auth", request_body = Login, responses((status = OK, description = "The session.", body = Session)))]
#[post("/auth/login")]
async fn login(_: Person, app: Data<App>, _: Query<NoParams>, body: Json<Login>) -> Result<Answer> {
    let Login { email, password, code, device_name } = body.value;
    app.limits.count_account(&email)?;
    let account = email.clone();
    let known = app.db.read(move |conn| users::find_by_email(conn, &email)).await?;
    if let Some(user) = &known {
        call::note_account(user.id);
    }
    let hash = known.as_ref().and_then(|user| user.password_hash.clone());
    let right = app.hasher.verify(password.into_inner(), hash.clone()).await?;
    let refused = || Error::new(Code::InvalidCredentials);
    let user = known.filter(|user| right && user.disabled_at.is_none()).ok_or_else(refused)?.id;
    let device = device_name.map_or_else(String::new, Line::into_inner);
    let shared = app.clone();
    let answer = session(&app, move |conn| {
        // While the password was looked at, somebody may have been disabled, or have changed it.
        let held = users::hold_able(conn, user)?.filter(|held| held.password_hash == hash).ok_or_else(refused)?;
        let proven = proven(conn, &shared, &held, code.as_ref())?;
        proven.map_or_else(|refused| Ok(Err(refused)), |by| opened(conn, user, by, &device).map(Ok))
    });
    let answer = answer.await?;
    app.limits.welcome(&account);
    Ok(answer)
}

/// What a sign-in by password counts as, once the second factor was shown where there is one. The caller holds the user. An
/// inner error is to be answered with what was counted kept.
///
/// # Errors
/// 401 where a code is asked for.
fn proven(conn: &mut Conn, app: &App, user: &UserRow, code: Option<&SecondCode>) -> Result<Result<SignedInBy>> {
    if user.second_factor_at.is_none() {
        return Ok(Ok(SignedInBy::Password));
    }
    let code = code.ok_or_else(|| Error::new(Code::SecondFactorRequired))?;
    let now = clock::now();
    Ok(factors::prove(conn, &app.keys, user.id, code, now)?.or(Error::new(Code::SecondFactorInvalid), now))
}

/// Get new tokens
///
/// Uses the refresh token up and gives the next pair. A client that lost the answer may ask again within ten seconds, and
/// gets the same next refresh token. One that is used again later, or after its successor was, ends its session: somebody
/// else has it.
#[utoipa::path(tag = "Auth", request_body = Refresh, responses((status = OK, description = "The session, with new tokens.", body = Session)))]
#[post("/auth/refresh")]
async fn refresh(_: Person, app: Data<App>, _: Query<NoParams>, body: Json<Refresh>) -> Result<Answer> {
    let (shared, token, record) = (app.clone(), body.value.refresh_token, Record::of_request());
    let answer = session(&app, move |conn| {
        match queries::rotate(conn, token.as_str(), shared.keys.refresh_key(), clock::now())? {
            Rotation::Next { user, session, by, token } => Ok(Ok(Opened { user, session, by, token })),
            // What ended is to stay so.
            Rotation::Reused { user, session } => {
                if let Some(record) = &record {
                    record.clone().by(user, session).insert(conn, Outcome::Refused)?;
                }
                Ok(Err(Error::with(Code::InvalidToken, "the refresh token was used before; the session has ended")))
            }
        }
    });
    answer.await
}

/// Sign out
///
/// Ends the session of the refresh token. Its access tokens are refused from the next request on. A token that is
/// unknown is no error: what was to be ended has ended.
#[utoipa::path(tag = "Auth", request_body = Refresh, responses((status = NO_CONTENT, description = "The session has ended.")))]
#[post("/auth/logout")]
async fn logout(_: Person, app: Data<App>, _: Query<NoParams>, body: Json<Refresh>) -> Result<Answer> {
    let (token, record) = (body.value.refresh_token, Record::of_request());
    app.db
        .write(move |conn| {
            // Of what had ended there is nothing to write down.
            if let Some(session) = queries::session_of(conn, token.as_str())?
                && queries::end_session(conn, session, clock::now())?
                && let Some(record) = &record
            {
                record.clone().by(queries::owner(conn, session)?, session).insert(conn, Outcome::Done)?;
            }
            Ok(Answer::no_content())
        })
        .await
}

/// Accept an invitation
///
/// Chooses the password and signs in. An invitation is good once, for seven days. It does not take the place of a second
/// factor: who has one sends a `code` as for `POST /auth/login`.
#[utoipa::path(
    tag = "Auth", request_body = AcceptedInvitation,
    responses((status = OK, description = "The session.", body = Session))
)]
#[post("/auth/invitation")]
async fn accept_invitation(
    _: Person,
    app: Data<App>,
    _: Query<NoParams>,
    body: Json<AcceptedInvitation>,
) -> Result<Answer> {
    let AcceptedInvitation { token, password, code, device_name } = body.value;
    // A password costs much to hash: first it is seen whether there is a reason to.
    let given = token.clone();
    let user = app.db.read(move |conn| users::invited(conn, given.as_str(), clock::now())).await?;
    let known = app.known(user.email, user.name.as_str());
    let hash = app.hasher.choose(password, known, "/password").await?;
    let device = device_name.map_or_else(String::new, Line::into_inner);
    let shared = app.clone();
    session(&app, move |conn| {
        let user = users::invited(conn, token.as_str(), clock::now())?;
        let by = match proven(conn, &shared, &user, code.as_ref())? {
            Ok(by) => by,
            Err(refused) => return Ok(Err(refused)),
        };
        let user = users::accept(conn, &shared.mail, token.as_str(), &hash, clock::now())?;
        opened(conn, user, by, &device).map(Ok)
    })
    .await
}

/// Create the first administrator
///
/// Takes the one-time token that the first start printed where the environment named no administrator, and signs in.
#[utoipa::path(tag = "Auth", request_body = Setup, responses((status = OK, description = "The session.", body = Session)))]
#[post("/auth/setup")]
async fn set_up(_: Person, app: Data<App>, _: Query<NoParams>, body: Json<Setup>) -> Result<Answer> {
    let Setup { token, email, name, password } = body.value;
    let given = token.clone();
    app.db.read(move |conn| setup::check(conn, given.as_str(), clock::now())).await?;
    let hash = app.hasher.choose(password, app.known(email.clone(), name.as_str()), "/password").await?;
    session(&app, move |conn| {
        let name = name.as_str();
        let user = setup::create_first_administrator(conn, token.as_str(), &email, name, &hash, clock::now())?;
        opened(conn, user, SignedInBy::Password, "").map(Ok)
    })
    .await
}

/// A session, and the refresh token that its client gets.
pub(super) struct Opened {
    user: Id,
    session: Id,
    by: SignedInBy,
    token: String,
}

pub(super) fn opened(conn: &mut Conn, user: Id, by: SignedInBy, device: &str) -> Result<Opened> {
    let (session, token) = queries::open_session(conn, user, by, device, clock::now())?;
    Ok(Opened { user, session, by, token })
}

/// Answers with the tokens of the session that `open` gives. Of an inner error what it wrote is kept: a try that was counted,
/// a session that it ended.
pub(super) async fn session(
    app: &Data<App>,
    open: impl Fn(&mut Conn) -> Result<Result<Opened>> + Send + 'static,
) -> Result<Answer> {
    let shared = app.clone();
    // That a session goes on is no news: it says itself when it was last seen.
    let record = Record::of_request().filter(|record| record.action() != "refresh");
    let answer = app.db.write(move |conn| {
        let Opened { user, session, by, token: refresh_token } = match open(conn)? {
            Ok(opened) => opened,
            Err(refused) => return Ok(Err(refused)),
        };
        if let Some(record) = &record {
            record.clone().by(user, session).insert(conn, Outcome::Done)?;
        }
        let access_token = shared.keys.issue(user, session, clock::now())?;
        let expires_in = u32::try_from(tokens::LIFETIME.as_secs()).unwrap_or(u32::MAX);
        let user = User::from(users::find(conn, user)?);
        let second_factor_missing = shared.sign_in.holds_back(user.role, by);
        let token_type = TokenType::Bearer;
        let shown = Session { access_token, token_type, expires_in, refresh_token, second_factor_missing, user };
        Answer::shown(&shown).map(Ok)
    });
    Ok(Answer { etag: None, ..answer.await?? })
}

impl App {
    /// What everybody knows of somebody who chooses a password here.
    pub fn known(&self, email: Email, name: &str) -> Known {
        Known { email, name: name.to_owned(), site: self.site().profile.name.as_str().to_owned() }
    }
}
