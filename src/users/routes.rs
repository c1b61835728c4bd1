//! `/users`.

use super::{
    invitations,
    model::{Invitation, NewUser, Newcomer, User, UserChanges, UserList, UserParams},
    queries,
};
use crate::{
    app::App,
    auth::{Can, factors, new_token},
    clock,
    db::Id,
    error::{Code, Error, Result},
    http::{Answer, Json, NoParams, Path, Query, Routes, WriteAsked, WriteParams, Writing, json::digest_of},
    permissions::ManageUsers,
};
use actix_web::{delete, get, patch, post, web::Data};

pub fn routes(config: &mut impl Routes) {
    config
        .service(list_users)
        .service(create_user)
        .service(get_user)
        .service(update_user)
        .service(delete_user)
        .service(remove_second_factor)
        .service(invite_user);
}

/// List users
///
/// By name, unless another order is asked for.
#[utoipa::path(
    tag = "Users", params(UserParams), responses((status = OK, description = "A page of users.", body = UserList)),
    security(("bearer" = []))
)]
#[get("/users")]
async fn list_users(_: Can<ManageUsers>, app: Data<App>, query: Query<UserParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let page = queries::list(conn, &query, &window)?.map(User::from);
            Answer::list(&shared, &window, page, query.fields.as_deref())
        })
        .await
}

/// Create a user
///
/// Without a password they are invited to choose one within seven days: by mail where the server sends any, and else by the
/// token in the answer, for whoever asks to hand over. It is shown once: a repeated request with the same `Idempotency-Key` is told of the user alone.
#[utoipa::path(
    tag = "Users", params(WriteParams), request_body = Newcomer,
    responses(
        (status = CREATED, description = "The user, with the invitation.", body = User),
        (status = CONFLICT, description = "The address is another user's.")
    ),
    security(("bearer" = []))
)]
#[post("/users")]
async fn create_user(who: Can<ManageUsers>, app: Data<App>, writing: Writing, body: Json<Newcomer>) -> Result<Answer> {
    let Newcomer { email, name, role, author, password } = body.value;
    let hash = match password {
        Some(password) => {
            Some(app.hasher.choose(password, app.known(email.clone(), name.as_str()), "/password").await?)
        }
        None => None,
    };
    let digest = match &hash {
        Some(_) if writing.is_keyed() => app.hasher.digest(body.digest).await?,
        _ => body.digest,
    };
    let (now, token) = (clock::now(), new_token()?);
    let invitation = (hash.is_none() && !writing.params.is_rehearsal()).then(|| token.clone());
    let shared = app.clone();
    let answer = writing
        .once(&app.db, who.scope(), digest, move |conn, _| {
            let author_id = queries::byline(conn, author.as_ref())?;
            let new = NewUser { email: &email, name: name.as_str(), role, password_hash: hash.as_deref(), author_id };
            let user = queries::insert(conn, &new, Id::new(), now)?;
            if hash.is_none() {
                invitations::insert(conn, &shared.mail, &user, &token, now)?;
            }
            Answer::created(&User::from(user.clone()), format!("/api/v1/users/{}", user.id))
        })
        .await?;
    match invitation {
        Some(token) if !answer.replayed => with_invitation(answer, invitations::shown(&app.mail, Some(token), now)),
        _ => Ok(answer),
    }
}

/// Adds the invitation, after the answer has been kept without it.
fn with_invitation(answer: Answer, invitation: Invitation) -> Result<Answer> {
    let user: User =
        serde_json::from_slice(&answer.body).map_err(|e| Error::internal("a kept user cannot be read").because(e))?;
    let whole = Answer::found(&User { invitation: Some(invitation), ..user })?;
    Ok(Answer { body: whole.body, ..answer })
}

/// Get a user
///
/// By their id.
#[utoipa::path(
    tag = "Users", params(("id" = Id, Path, description = "The user's id.")),
    responses((status = OK, description = "The user.", body = User)), security(("bearer" = []))
)]
#[get("/users/{id}")]
async fn get_user(_: Can<ManageUsers>, app: Data<App>, path: Path<Id>, _: Query<NoParams>) -> Result<Answer> {
    app.db.look_up(move |conn| Answer::found(&User::from(queries::find(conn, *path)?))).await
}

/// Change a user
///
/// A JSON Merge Patch: what is left out stays as it is. Another role or address, or being disabled, ends their sessions at
/// once. After another address, what was sent to the old one opens nothing, and the old one is told; who has not come yet is
/// to be invited again. One's own address is changed at `PUT /me/email`. The last administrator stays one.
#[utoipa::path(
    tag = "Users", params(("id" = Id, Path, description = "The user's id."), WriteParams), request_body = UserChanges,
    responses(
        (status = OK, description = "The user as they are now.", body = User),
        (status = CONFLICT, description = "Nobody else could administer, or the address is another user's.")
    ),
    security(("bearer" = []))
)]
#[patch("/users/{id}")]
async fn update_user(
    who: Can<ManageUsers>,
    app: Data<App>,
    path: Path<Id>,
    writing: Writing,
    changes: UserChanges,
) -> Result<Answer> {
    let shared = app.clone();
    writing
        .run(&app.db, move |conn, expected| {
            let user = queries::update(conn, &who, &shared.mail, *path, &changes, expected, clock::now())?;
            Answer::found(&User::from(user))
        })
        .await
}

/// Delete a user
///
/// Their sessions end at once. Their articles stay, for editors to go on with; where they did something, it is nobody who
/// did it. To keep the name, disable them instead. The last administrator stays.
#[utoipa::path(
    tag = "Users", params(("id" = Id, Path, description = "The user's id."), WriteParams),
    responses(
        (status = NO_CONTENT, description = "They are gone."),
        (status = CONFLICT, description = "Nobody else could administer.")
    ),
    security(("bearer" = []))
)]
#[delete("/users/{id}")]
async fn delete_user(_: Can<ManageUsers>, app: Data<App>, path: Path<Id>, writing: Writing) -> Result<Answer> {
    writing
        .run(&app.db, move |conn, expected| {
            queries::delete(conn, *path, expected)?;
            Ok(Answer::no_content())
        })
        .await
}

/// Remove a user's second factor
///
/// For who lost their authenticator and the recovery codes. Their sessions end, and the next sign-in takes the password alone;
/// where the role asks for a second factor, they set up another one before anything else. One's own is removed at
/// `PUT /me/totp/removal`.
#[utoipa::path(
    tag = "Users", params(("id" = Id, Path, description = "The user's id."), WriteParams),
    responses((status = NO_CONTENT, description = "They have none any more.")), security(("bearer" = []))
)]
#[delete("/users/{id}/totp")]
async fn remove_second_factor(
    who: Can<ManageUsers>,
    app: Data<App>,
    path: Path<Id>,
    writing: Writing,
) -> Result<Answer> {
    if *path == who.user {
        return Err(Error::with(
            Code::Forbidden,
            "one's own takes the password and a code: PUT /api/v1/me/totp/removal",
        ));
    }
    writing
        .run(&app.db, move |conn, expected| {
            let user = queries::hold(conn, *path)?;
            expected.check(&user, Vec::new)?;
            if user.second_factor_at.is_some() {
                factors::turn_off(conn, user.id, None, clock::now())?;
            }
            Ok(Answer::no_content())
        })
        .await
}

/// Invite a user
///
/// Lets them choose a password once more, within seven days: because the first invitation went by, or because they forgot
/// theirs. An invitation before this one is void. It goes where the first went: by mail, or by a token that is shown once.
/// One's own password is changed at `PUT /me/password`.
#[utoipa::path(
    tag = "Users", params(("id" = Id, Path, description = "The user's id."), WriteParams),
    responses((status = OK, description = "The invitation.", body = Invitation), (status = CONFLICT, description = "The user is disabled.")),
    security(("bearer" = []))
)]
#[post("/users/{id}/invitation")]
async fn invite_user(who: Can<ManageUsers>, app: Data<App>, path: Path<Id>, writing: Writing) -> Result<Answer> {
    if *path == who.user {
        return Err(Error::with(
            Code::Forbidden,
            "one's own password takes the one before it: PUT /api/v1/me/password",
        ));
    }
    let (now, token) = (clock::now(), new_token()?);
    let shown = (!writing.params.is_rehearsal()).then(|| token.clone());
    let shared = app.clone();
    let answer = writing
        .once(&app.db, who.scope(), digest_of(b""), move |conn, _| {
            let user = queries::hold(conn, *path)?;
            invitations::insert(conn, &shared.mail, &user, &token, now)?;
            Ok(Answer::shown(&invitations::shown(&shared.mail, None, now))?.unlisted())
        })
        .await?;
    match shown {
        Some(token) if !answer.replayed => {
            Ok(Answer::shown(&invitations::shown(&app.mail, Some(token), now))?.unlisted())
        }
        _ => Ok(answer),
    }
}
