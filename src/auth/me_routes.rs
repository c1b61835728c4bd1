//! `/me`: one's own account, and where one is signed in.

use super::{
    Actor, Can,
    model::{Account, AccountChanges, NewPassword, OpenSessionList, SessionParams},
    queries,
};
use crate::{
    app::App,
    clock,
    db::Id,
    error::{Code, Error, Result},
    http::{Answer, Json, NoParams, Path, Query, Routes, WriteParams, Writing},
    mail::{Kind, Letter},
    permissions::{ProveOneself, UseAccount},
    users::{self, User},
    values::Prose,
};
use actix_web::{delete, get, patch, put, web::Data};

pub fn routes(config: &mut impl Routes) {
    config
        .service(get_me)
        .service(update_me)
        .service(change_password)
        .service(list_sessions)
        .service(delete_sessions)
        .service(delete_session);
}

/// Get who one is
///
/// The user that the token speaks for.
#[utoipa::path(tag = "Auth", responses((status = OK, description = "The user.", body = User)), security(("bearer" = [])))]
#[get("/me")]
async fn get_me(who: Can<ProveOneself>, app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    app.db.look_up(move |conn| Answer::found(&User::from(users::find(conn, who.user)?))).await
}

/// Change one's own account
///
/// A JSON Merge Patch. One's role and byline are for administrators to change, the address has a route of its own.
#[utoipa::path(
    tag = "Auth", params(WriteParams), request_body = AccountChanges,
    responses((status = OK, description = "The user as they are now.", body = User)), security(("bearer" = []))
)]
#[patch("/me")]
async fn update_me(who: Can<UseAccount>, app: Data<App>, writing: Writing, changes: AccountChanges) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            let user = users::hold(conn, who.user)?;
            let current = Account { name: user.name.clone() };
            expected.check(&user, || changes.differing(&current))?;
            let new = changes.apply(&current)?;
            let user = if new == current { user } else { users::rename(conn, &user, &new.name, clock::now())? };
            Answer::found(&User::from(user))
        })
        .await
}

/// Change one's password
///
/// Ends all other sessions. After five wrong current passwords in a row this one ends, too.
#[utoipa::path(
    tag = "Auth", params(WriteParams), request_body = NewPassword,
    responses((status = OK, description = "The user, with another password.", body = User)), security(("bearer" = []))
)]
#[put("/me/password")]
async fn change_password(
    who: Can<UseAccount>,
    app: Data<App>,
    writing: Writing,
    body: Json<NewPassword>,
) -> Result<Answer> {
    let NewPassword { current_password, new_password } = body.value;
    let (user, session) = (who.user, session_of(&who)?);
    let account = app.db.look_up(move |conn| users::find(conn, user)).await?;
    let known = app.known(account.email, account.name.as_str());
    let old = account.password_hash;
    prove_password(&app, session, current_password, old.clone()).await?;
    let (hash, shared) = (app.hasher.choose(new_password, known, "/new_password").await?, app.clone());
    writing
        .run(&app.db, move |conn, expected| {
            let account = users::hold(conn, user)?;
            expected.check(&account, Vec::new)?;
            if account.password_hash != old {
                return Err(Error::with(Code::Conflict, "the password was changed at the same time"));
            }
            users::set_password(conn, user, &hash, Some(session), clock::now())?;
            let told = Letter::new(Kind::PasswordChanged, user, &account.email);
            shared.mail.post(conn, &told, clock::now())?;
            Answer::found(&User::from(users::find(conn, user)?))
        })
        .await
}

/// List one's sessions
///
/// Where one is signed in, the newest first.
#[utoipa::path(
    tag = "Auth", params(SessionParams), responses((status = OK, description = "A page of sessions.", body = OpenSessionList)),
    security(("bearer" = []))
)]
#[get("/me/sessions")]
async fn list_sessions(who: Can<UseAccount>, app: Data<App>, query: Query<SessionParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let page = queries::list_sessions(conn, who.user, who.session(), &window, clock::now())?;
            Answer::list(&shared, &window, page, None::<&[&str]>)
        })
        .await
}

/// End all other sessions
///
/// The one that asks goes on.
#[utoipa::path(
    tag = "Auth", params(WriteParams), responses((status = NO_CONTENT, description = "They have ended.")),
    security(("bearer" = []))
)]
#[delete("/me/sessions")]
async fn delete_sessions(who: Can<UseAccount>, app: Data<App>, writing: Writing) -> Result<Answer> {
    let session = session_of(&who)?;
    writing
        .run(&app.db, move |conn, expected| {
            expected.check_stateless()?;
            queries::end_sessions(conn, who.user, Some(session), clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}

/// End one of one's sessions
///
/// Its tokens are refused from the next request on.
#[utoipa::path(
    tag = "Auth", params(("id" = Id, Path, description = "The session's id."), WriteParams),
    responses((status = NO_CONTENT, description = "It has ended.")), security(("bearer" = []))
)]
#[delete("/me/sessions/{id}")]
async fn delete_session(who: Can<UseAccount>, app: Data<App>, path: Path<Id>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            expected.check_stateless()?;
            queries::end_own_session(conn, who.user, *path, clock::now())?;
            Ok(Answer::no_content())
        })
        .await
}

/// Holds a password against the account's. A right one is forgotten as a try with those before it, whatever becomes of the
/// rest: it may be a rehearsal, or be refused.
///
/// # Errors
/// As [`try_password`].
pub(super) async fn prove_password(
    app: &App,
    session: Id,
    password: Prose<1, 128>,
    hash: Option<String>,
) -> Result<()> {
    try_password(app, session, password, hash).await?;
    app.db.write(move |conn| queries::forget_tries(conn, session)).await
}

/// The same where there is more to prove. The try is counted before it is looked at; who has proved it all forgets it.
///
/// # Errors
/// 422 for a wrong one; 401 once there were too many, and the session has ended.
pub(super) async fn try_password(app: &App, session: Id, password: Prose<1, 128>, hash: Option<String>) -> Result<()> {
    if !app.db.write(move |conn| queries::may_try(conn, session, clock::now())).await? {
        return Err(Error::with(Code::InvalidToken, "too many wrong passwords; the session has ended, sign in again"));
    }
    if app.hasher.verify(password.into_inner(), hash).await? {
        return Ok(());
    }
    Err(Error::invalid_field("/current_password", "wrong_password", "it is not the password of the account"))
}

/// Whoever uses an account has a session.
pub(super) fn session_of(who: &Actor) -> Result<Id> {
    who.session().ok_or_else(|| Error::internal("a key uses an account"))
}
