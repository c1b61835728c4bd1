//! What goes by mail: `/auth/password/forgot`, `/auth/password/reset`, `/me/email`, `/auth/email/confirm`.

use super::{
    Can, Person, addresses,
    me_routes::{prove_password, session_of},
    model::{ConfirmedEmail, ForgottenPassword, NewEmail, ResetPassword},
    resets,
};
use crate::{
    app::App,
    audit::{Outcome, Record},
    clock,
    db::{Conn, Id},
    error::{Code, Error, Result},
    http::{Answer, Json, NoParams, Query, Routes, WriteParams, Writing},
    mail::{Letter, Mail},
    permissions::UseAccount,
    users,
};
use actix_web::{post, put, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(forgot_password).service(reset_password).service(change_email).service(confirm_email);
}

/// Ask for another password
///
/// Sends a letter with a link to whoever has this address and can sign in. The answer is the same for every address, after the
/// same work: whether there is an account is looked up after it. Somebody gets one letter a minute, and five an hour.
#[utoipa::path(
    tag = "Auth", request_body = ForgottenPassword,
    responses((status = ACCEPTED, description = "If somebody has this address, a letter is on its way."))
)]
#[post("/auth/password/forgot")]
async fn forgot_password(
    _: Person,
    app: Data<App>,
    _: Query<NoParams>,
    body: Json<ForgottenPassword>,
) -> Result<Answer> {
    // The same for every address: it is not looked at.
    app.mail.must_be_on()?;
    app.limits.count_account(&body.value.email)?;
    let (shared, email) = (app.clone(), body.value.email);
    app.db
        .write(move |conn| {
            shared.mail.post(conn, &Letter::password_reset(&email), clock::now())?;
            Ok(Answer::accepted())
        })
        .await
}

/// Choose another password
///
/// Takes the token of the letter, which is good once, for ten minutes. All sessions end; sign in anew. A password that will not
/// do does not use the token up.
#[utoipa::path(
    tag = "Auth", request_body = ResetPassword,
    responses((status = NO_CONTENT, description = "The password is another one."))
)]
#[post("/auth/password/reset")]
async fn reset_password(_: Person, app: Data<App>, _: Query<NoParams>, body: Json<ResetPassword>) -> Result<Answer> {
    let ResetPassword { token, password } = body.value;
    let given = token.clone();
    let user = app.db.read(move |conn| resets::asked_by(conn, given.as_str(), clock::now())).await?;
    let hash = app.hasher.choose(password, app.known(user.email, user.name.as_str()), "/password").await?;
    by_letter(&app, move |conn, mail| resets::reset(conn, mail, token.as_str(), &hash, clock::now())).await
}

/// Change one's address
///
/// Sends a letter to the new address, with a link that is good once, for an hour, and tells the old one. The address changes
/// once the link is followed. Another password takes the request back, and so does another request. An address that is another
/// user's gets no letter, and the answer is the same.
#[utoipa::path(
    tag = "Auth", params(WriteParams), request_body = NewEmail,
    responses((status = ACCEPTED, description = "A letter is on its way to the new address.")), security(("bearer" = []))
)]
#[put("/me/email")]
async fn change_email(who: Can<UseAccount>, app: Data<App>, writing: Writing, body: Json<NewEmail>) -> Result<Answer> {
    app.mail.must_be_on()?;
    let NewEmail { email, current_password } = body.value;
    let (user, session) = (who.user, session_of(&who)?);
    let old = app.db.look_up(move |conn| users::find(conn, user)).await?.password_hash;
    prove_password(&app, session, current_password, old.clone()).await?;
    let shared = app.clone();
    writing
        .run(&app.db, move |conn, expected| {
            let account = users::hold(conn, user)?;
            expected.check(&account, Vec::new)?;
            if account.password_hash != old {
                return Err(Error::with(Code::Conflict, "the password was changed at the same time"));
            }
            addresses::ask(conn, &shared.mail, &account, &email, clock::now())?;
            Ok(Answer::accepted())
        })
        .await
}

/// Confirm an address
///
/// Takes the token of the letter to the new address, which is then the one to sign in with. Sessions go on.
#[utoipa::path(
    tag = "Auth", request_body = ConfirmedEmail,
    responses(
        (status = NO_CONTENT, description = "The address is the user's."),
        (status = CONFLICT, description = "The address has become another user's.")
    )
)]
#[post("/auth/email/confirm")]
async fn confirm_email(_: Person, app: Data<App>, _: Query<NoParams>, body: Json<ConfirmedEmail>) -> Result<Answer> {
    let token = body.value.token;
    by_letter(&app, move |conn, mail| addresses::confirm(conn, mail, token.as_str(), clock::now())).await
}

/// Does what the token of a letter is for, and writes down whose it was.
async fn by_letter(app: &Data<App>, write: impl Fn(&mut Conn, &Mail) -> Result<Id> + Send + 'static) -> Result<Answer> {
    let (shared, record) = (app.clone(), Record::of_request());
    app.db
        .write(move |conn| {
            let user = write(conn, &shared.mail)?;
            if let Some(record) = &record {
                record.clone().by_letter(user).insert(conn, Outcome::Done)?;
            }
            Ok(Answer::no_content())
        })
        .await
}
