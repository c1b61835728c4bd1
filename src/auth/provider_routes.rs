//! `/auth/oidc`: signing in at a provider, and back.

use super::{
    Person, SignedInBy,
    model::{Challenge, Provider, ProviderCode, ProviderList, Session},
    new_token,
    oidc::{self, Admitted, Cookie, TICKET_LIFETIME, Ticket},
    one_time,
    routes::{opened, session},
};
use crate::{
    app::App,
    audit::{self, Outcome, Record},
    clock,
    error::{Code, Error, Result},
    http::{Answer, Json, NoParams, Path, Query, Routes, call},
    users,
    values::Line,
};
use actix_web::{
    HttpRequest, HttpResponse, ResponseError, get,
    http::header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY, SET_COOKIE},
    post,
    web::Data,
};
use serde::Deserialize;
use std::time::Duration;
use utoipa::IntoParams;

pub fn routes(config: &mut impl Routes) {
    config.service(get_providers).service(begin_sign_in).service(finish_sign_in).service(exchange_code);
}

/// Get the providers one may sign in at
///
/// What a sign-in page has a button for, beside the password.
#[utoipa::path(tag = "Auth", responses((status = OK, description = "The providers.", body = ProviderList)))]
#[get("/auth/oidc")]
async fn get_providers(_: Person, app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    let shown = |provider: &oidc::Provider| Provider { name: provider.name.clone(), title: provider.title.clone() };
    let data = app.sign_in.providers.iter().map(shown).collect();
    Ok(Answer { etag: None, ..Answer::shown(&ProviderList { data })? })
}

/// What may be asked of the beginning of a sign-in.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct BeginParams {
    /// The SHA-256 of a random text of 43 to 128 characters, in base64url (RFC 7636, `S256`). The front end keeps the text,
    /// and shows it at `POST /auth/code`: nobody else can use the code.
    #[param(value_type = String, min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]+$", example = "E9Melhoa2OwvFrEMTJguCMSHaGK_rjWZfuHfOKTCOWY")]
    code_challenge: Challenge,
    /// Where to send the browser back to: one of the addresses in the settings, to the letter. The first of them if left
    /// out.
    #[param(value_type = Option<String>, format = "uri", max_length = 2000, example = "https://desk.lantern.example/signed-in")]
    return_to: Option<Line<1, 2000>>,
}

/// Sign in at a provider
///
/// Sends the browser to the provider. It comes back to the front end, at `return_to`, with `#code=…` for `POST /auth/code`, or
/// with `#error=…` (one of the codes of problems) and `error_description`. A cookie binds the way there and back to one
/// browser, for ten minutes.
#[utoipa::path(
    tag = "Auth", params(("provider" = String, Path, description = "The provider's name.", max_length = 40, pattern = "^[a-z0-9-]+$", example = "house"), BeginParams),
    responses((status = FOUND, description = "To the provider."))
)]
#[get("/auth/oidc/{provider}")]
async fn begin_sign_in(
    _: Person,
    app: Data<App>,
    path: Path<String>,
    params: Query<BeginParams>,
) -> Result<HttpResponse> {
    let BeginParams { code_challenge, return_to } = params.into_params();
    let providers = &app.sign_in.providers;
    let (provider, caller) = providers.find(&path).ok_or_else(|| Error::not_found("provider", &*path))?;
    let return_to = providers.return_to(return_to.as_ref().map(Line::as_str)).ok_or_else(|| {
        Error::parameter("return_to", "not_allowed", "it is none of the addresses that the settings allow")
    })?;
    let now = clock::now();
    let ticket = Ticket::new(&provider.name, code_challenge.into_inner(), return_to.to_owned(), now)?;
    let place = provider.authorization_url(caller, &ticket, now).await?;
    let cookie = Cookie::new(providers.secure).set(&ticket.seal(&app.keys)?, TICKET_LIFETIME);
    Ok(sent_to(&place, &cookie))
}

/// What a provider sends back. It may send more, which is no matter.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct FinishParams {
    /// What the provider was sent.
    #[param(max_length = 100, pattern = "^[A-Za-z0-9_-]*$", example = "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A")]
    state: Option<String>,
    /// What is changed for who it is.
    #[param(max_length = 4000, pattern = "^[\\x20-\\x7e]*$", example = "SplxlOBeZQQYbYS6WxSbIA")]
    code: Option<String>,
    /// Why there is no code.
    #[param(max_length = 200, pattern = "^[\\x20-\\x7e]*$", example = "access_denied")]
    error: Option<String>,
    /// The provider that answers (RFC 9207).
    #[param(format = "uri", max_length = 2000, example = "https://login.lantern.example")]
    iss: Option<String>,
}

/// Come back from a provider
///
/// Where the provider sends the browser; nobody else calls it. What the provider says is held against what was asked, and the
/// browser is sent on to the front end. Parameters that are unknown are no mistake here: providers send some of their own.
#[utoipa::path(
    tag = "Auth", params(("provider" = String, Path, description = "The provider's name.", max_length = 40, pattern = "^[a-z0-9-]+$", example = "house"), FinishParams),
    responses((status = FOUND, description = "To the front end, with a code or an error in the fragment."))
)]
#[get("/auth/oidc/{provider}/callback")]
async fn finish_sign_in(
    _: Person,
    app: Data<App>,
    path: Path<String>,
    request: HttpRequest,
    params: Query<FinishParams>,
) -> Result<HttpResponse> {
    let providers = &app.sign_in.providers;
    if providers.find(&path).is_none() {
        return Err(Error::not_found("provider", &*path));
    }
    let params = params.into_params();
    let cookie = Cookie::new(providers.secure);
    let began = cookie.of(request.headers()).and_then(|sealed| Ticket::open(sealed, &app.keys, clock::now()));
    let began = began.filter(|ticket| ticket.provider == *path && params.state.as_deref() == Some(&ticket.state));
    let ticket = began.ok_or_else(|| Error::new(Code::SignInInvalid))?;
    let state = ticket.state.clone();
    if !app.db.write(move |conn| one_time::spend(conn, STATE, &state, clock::now())).await? {
        return Err(Error::new(Code::SignInInvalid));
    }
    let mut fragment = form_urlencoded::Serializer::new(String::new());
    match code_for(&app, &ticket, params).await {
        Ok(code) => fragment.append_pair("code", &code),
        Err(error) => {
            if error.status_code().is_server_error() {
                tracing::error!(provider = ticket.provider, code = error.code().as_str(), "{error}");
            } else {
                tracing::warn!(provider = ticket.provider, code = error.code().as_str(), "{error}");
                if let Some(call) = call::current() {
                    audit::note_refusal(&app, &call, &error).await;
                }
            }
            fragment.append_pair("error", error.code().as_str()).append_pair("error_description", error.detail())
        }
    };
    Ok(sent_to(&format!("{}#{}", ticket.return_to, fragment.finish()), &cookie.set("", Duration::ZERO)))
}

/// Attempts that came back.
const STATE: one_time::Purpose = one_time::Purpose { name: "oidc_state", lifetime: TICKET_LIFETIME };

/// A code for whom the provider let in.
async fn code_for(app: &Data<App>, ticket: &Ticket, params: FinishParams) -> Result<String> {
    let found = app.sign_in.providers.find(&ticket.provider);
    let (provider, caller) = found.ok_or_else(|| Error::internal("a provider has gone"))?;
    let now = clock::now();
    if !provider.may_have_answered(caller, params.iss.as_deref(), now).await? {
        return Err(Error::with(Code::IdentityInvalid, "the answer is another provider's"));
    }
    if let Some(reason) = params.error {
        return Err(Error::with(Code::SignInRefused, format!("the provider says: {reason}")));
    }
    let code = params.code.ok_or_else(|| Error::with(Code::SignInRefused, "the provider sent no code"))?;
    let who = provider.identify(caller, &code, ticket, now).await?;
    if let Some(email) = who.email.clone()
        && let Some(user) = app.db.read(move |conn| users::find_by_email(conn, &email)).await?
    {
        call::note_account(user.id);
    }
    let (shared, name, record) = (app.clone(), ticket.provider.clone(), Record::of_request());
    let (challenge, code) = (ticket.challenge.clone(), new_token()?);
    let handed_out = code.clone();
    app.db
        .write(move |conn| {
            let found = shared.sign_in.providers.find(&name);
            let (provider, _) = found.ok_or_else(|| Error::internal("a provider has gone"))?;
            let Admitted { user, changed } = oidc::admit(conn, provider, &who, clock::now())?;
            if let Some(record) = record.as_ref().filter(|_| !changed.is_empty()) {
                record.clone().by_provider(user, &changed).insert(conn, Outcome::Done)?;
            }
            oidc::hand_out(conn, user, &challenge, &handed_out, clock::now())
        })
        .await?;
    Ok(code)
}

fn sent_to(place: &str, cookie: &str) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((LOCATION, place))
        .insert_header((SET_COOKIE, cookie))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// Change a code for a session
///
/// Takes the code that a provider's sign-in ended with, once and within two minutes, and the text whose `code_challenge` it
/// began with. The session lasts a day at the most: the provider is to be asked again.
#[utoipa::path(tag = "Auth", request_body = ProviderCode, responses((status = OK, description = "The session.", body = Session)))]
#[post("/auth/code")]
async fn exchange_code(_: Person, app: Data<App>, _: Query<NoParams>, body: Json<ProviderCode>) -> Result<Answer> {
    let ProviderCode { code, code_verifier, device_name } = body.value;
    let device = device_name.map_or_else(String::new, Line::into_inner);
    let refused = || Error::with(Code::InvalidToken, "the code was used, has expired, or is not yours");
    session(&app, move |conn| {
        let user = oidc::redeem(conn, code.as_str(), code_verifier.as_str(), clock::now())?;
        // What was used up stays so.
        let Some(user) = user else { return Ok(Err(refused())) };
        if users::hold_able(conn, user)?.is_none() {
            return Ok(Err(refused()));
        }
        opened(conn, user, SignedInBy::Provider, &device).map(Ok)
    })
    .await
}
