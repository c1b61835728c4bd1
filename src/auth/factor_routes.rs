//! `/me/totp` and `/me/recovery-codes`: one's own second factor.

use super::{
    Actor, Can,
    factors::{self, Proof},
    me_routes::{prove_password, session_of, try_password},
    model::{CurrentPassword, FactorCode, PasswordAndCode, RecoveryCodes, Totp, TotpSecret},
    queries,
    totp::{self, RecoveryCode, SecondCode},
};
use crate::{
    app::App,
    clock,
    error::{Code, Error, Result},
    http::{Answer, Json, NoParams, Query, Routes, WriteParams, Writing},
    permissions::ProveOneself,
    users::{self, User},
};
use actix_web::{get, put, web::Data};

pub fn routes(config: &mut impl Routes) {
    config
        .service(get_totp)
        .service(begin_totp)
        .service(confirm_totp)
        .service(remove_totp)
        .service(replace_recovery_codes);
}

/// Get the state of one's second factor
///
/// Whether it is on, whether the role asks for it, and how many recovery codes are left.
#[utoipa::path(tag = "Auth", responses((status = OK, description = "The state.", body = Totp)), security(("bearer" = [])))]
#[get("/me/totp")]
async fn get_totp(who: Can<ProveOneself>, app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    let required = app.sign_in.asks_for_more(who.role);
    app.db
        .look_up(move |conn| {
            let enabled_at = users::find(conn, who.user)?.second_factor_at;
            let left = factors::recovery_codes(conn, who.user)?;
            Answer::shown(&Totp { enabled: enabled_at.is_some(), enabled_at, recovery_codes: left, required })
        })
        .await
}

/// Begin to set up a second factor
///
/// Gives a secret for an authenticator, shown once. Nothing is asked for at a sign-in until `PUT /me/totp/confirmation` was
/// sent a code of it, within an hour. Begun anew, it gives another secret. To move to another authenticator, remove this
/// one first.
#[utoipa::path(
    tag = "Auth", params(WriteParams), request_body = CurrentPassword,
    responses(
        (status = OK, description = "The secret.", body = TotpSecret),
        (status = CONFLICT, description = "It is on already, or the account has no password.")
    ),
    security(("bearer" = []))
)]
#[put("/me/totp")]
async fn begin_totp(
    who: Can<ProveOneself>,
    app: Data<App>,
    writing: Writing,
    body: Json<CurrentPassword>,
) -> Result<Answer> {
    let (user, session) = (who.user, session_of(&who)?);
    let account = app.db.look_up(move |conn| users::find(conn, user)).await?;
    let is_on = || Error::with(Code::Conflict, "it is on already; remove it first");
    if account.second_factor_at.is_some() {
        return Err(is_on());
    }
    if account.password_hash.is_none() {
        let detail = "the account has no password: its provider asks for a second factor, or does not";
        return Err(Error::with(Code::Conflict, detail));
    }
    prove_password(&app, session, body.value.current_password, account.password_hash).await?;
    let secret = totp::new_secret()?;
    let kept = app.keys.seal(secret.clone())?;
    let shown = TotpSecret {
        otpauth_url: totp::otpauth_url(&secret, account.email.as_ref(), app.site().profile.name.as_str())?,
        secret: totp::base32(&secret),
    };
    writing
        .run(&app.db, move |conn, expected| {
            let account = users::hold(conn, user)?;
            expected.check(&account, Vec::new)?;
            if account.second_factor_at.is_some() {
                return Err(is_on());
            }
            factors::begin(conn, user, &kept, clock::now())?;
            Ok(Answer::shown(&shown)?.unlisted())
        })
        .await
}

/// Turn one's second factor on
///
/// Takes a code of the secret that was begun with, and gives ten recovery codes, shown once: each signs in once in place of a
/// code. All other sessions end, since they showed no code. A code that was looked at is used up, in a `dry_run` too.
#[utoipa::path(
    tag = "Auth", params(WriteParams), request_body = FactorCode,
    responses(
        (status = OK, description = "The recovery codes.", body = RecoveryCodes),
        (status = CONFLICT, description = "It is on already, or was not begun.")
    ),
    security(("bearer" = []))
)]
#[put("/me/totp/confirmation")]
async fn confirm_totp(
    who: Can<ProveOneself>,
    app: Data<App>,
    writing: Writing,
    body: Json<FactorCode>,
) -> Result<Answer> {
    let (user, session, code) = (who.user, session_of(&who)?, body.value.code);
    if !matches!(code, SecondCode::Totp(_)) {
        return Err(Error::invalid_field("/code", "invalid_code", "send the six digits that the authenticator shows"));
    }
    let may_be_confirmed = move |conn: &mut crate::db::Conn| {
        let account = users::hold(conn, user)?;
        if account.second_factor_at.is_some() || !factors::is_begun(conn, user, clock::now())? {
            return Err(Error::with(Code::Conflict, "it is on already, or was not begun within the hour"));
        }
        Ok(account)
    };
    let shared = app.clone();
    app.db
        .write(move |conn| {
            may_be_confirmed(conn)?;
            factors::prove(conn, &shared.keys, user, &code, clock::now())
        })
        .await?
        .or(wrong_code(), clock::now())?;
    writing
        .run(&app.db, move |conn, expected| {
            expected.check(&may_be_confirmed(conn)?, Vec::new)?;
            let codes = RecoveryCode::set()?;
            factors::turn_on(conn, user, session, &codes, clock::now())?;
            Ok(Answer::shown(&RecoveryCodes { codes })?.unlisted())
        })
        .await
}

/// Turn one's second factor off
///
/// Takes the password and a code of the authenticator or a recovery code, which is used up, in a `dry_run` too. All other
/// sessions end. Where the role asks for a second factor, this one is good for setting up another and nothing else.
#[utoipa::path(
    tag = "Auth", params(WriteParams), request_body = PasswordAndCode,
    responses((status = OK, description = "The user, without a second factor.", body = User)), security(("bearer" = []))
)]
#[put("/me/totp/removal")]
async fn remove_totp(
    who: Can<ProveOneself>,
    app: Data<App>,
    writing: Writing,
    body: Json<PasswordAndCode>,
) -> Result<Answer> {
    let (user, session) = (who.user, session_of(&who)?);
    prove_both(&app, &who, body.value).await?;
    writing
        .run(&app.db, move |conn, expected| {
            expected.check(&users::hold(conn, user)?, Vec::new)?;
            factors::turn_off(conn, user, Some(session), clock::now())?;
            Answer::found(&User::from(users::find(conn, user)?))
        })
        .await
}

/// Get other recovery codes
///
/// Ten new ones, shown once; those before them are void. Takes the password and a code, which is used up, in a `dry_run` too.
#[utoipa::path(
    tag = "Auth", params(WriteParams), request_body = PasswordAndCode,
    responses((status = OK, description = "The recovery codes.", body = RecoveryCodes)), security(("bearer" = []))
)]
#[put("/me/recovery-codes")]
async fn replace_recovery_codes(
    who: Can<ProveOneself>,
    app: Data<App>,
    writing: Writing,
    body: Json<PasswordAndCode>,
) -> Result<Answer> {
    let user = who.user;
    prove_both(&app, &who, body.value).await?;
    writing
        .run(&app.db, move |conn, expected| {
            let account = users::hold(conn, user)?;
            expected.check(&account, Vec::new)?;
            if account.second_factor_at.is_none() {
                return Err(is_off());
            }
            let codes = RecoveryCode::set()?;
            factors::keep_recovery_codes(conn, user, &codes)?;
            Ok(Answer::shown(&RecoveryCodes { codes })?.unlisted())
        })
        .await
}

fn wrong_code() -> Error {
    Error::invalid_field("/code", "wrong_code", "it is no code that is good now; one that was used is not good again")
}

fn is_off() -> Error {
    Error::with(Code::Conflict, "there is no second factor; set one up first")
}

/// What a stolen token does not have: the password, and a code.
async fn prove_both(app: &Data<App>, who: &Actor, given: PasswordAndCode) -> Result<()> {
    let (user, session) = (who.user, session_of(who)?);
    let account = app.db.look_up(move |conn| users::find(conn, user)).await?;
    if account.second_factor_at.is_none() {
        return Err(is_off());
    }
    try_password(app, session, given.current_password, account.password_hash).await?;
    let shared = app.clone();
    let proof = app.db.write(move |conn| {
        users::hold(conn, user)?;
        let proof = factors::prove(conn, &shared.keys, user, &given.code, clock::now())?;
        if let Proof::Right(_) = proof {
            queries::forget_tries(conn, session)?;
        }
        Ok(proof)
    });
    proof.await?.or(wrong_code(), clock::now()).map(drop)
}
