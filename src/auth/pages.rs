//! Pages for what a link asks of somebody, so that it takes no front end. What the link opens stands behind its `#`.

use actix_web::{
    HttpResponse, Route,
    http::header,
    web::{self, ServiceConfig},
};
use std::future::ready;

/// A page may ask nothing but this server.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// What [`pages`] answers `GET` at.
pub const PAGES: &[&str] =
    &["/account.js", "/email/confirm", "/invitation", "/password/forgot", "/password/reset", "/setup", "/setup.js"];

/// A page, with what all of them begin with.
macro_rules! html {
    ($file:literal) => {
        page("text/html; charset=utf-8", concat!(include_str!("pages/head.html"), include_str!($file)))
    };
}

macro_rules! script {
    ($file:literal) => {
        page("text/javascript; charset=utf-8", include_str!($file))
    };
}

pub fn pages(config: &mut ServiceConfig) {
    config
        .route("/account.js", script!("pages/account.js"))
        .route("/email/confirm", html!("pages/email_confirm.html"))
        .route("/invitation", html!("pages/invitation.html"))
        .route("/password/forgot", html!("pages/password_forgot.html"))
        .route("/password/reset", html!("pages/password_reset.html"))
        .route("/setup", html!("pages/setup.html"))
        .route("/setup.js", script!("pages/setup.js"));
}

fn page(content_type: &'static str, body: &'static str) -> Route {
    web::get().to(move || {
        let mut response = HttpResponse::Ok();
        response
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((header::CACHE_CONTROL, "no-store"));
        ready(response.content_type(content_type).body(body))
    })
}
