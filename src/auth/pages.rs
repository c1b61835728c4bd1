//! Pages for what a letter asks of somebody, so that it takes no front end. What a link opens stands behind its `#`.

use super::setup::page;
use actix_web::web::ServiceConfig;

/// What [`pages`] answers `GET` at.
pub const PAGES: &[&str] = &["/account.js", "/email/confirm", "/invitation", "/password/forgot", "/password/reset"];

pub fn pages(config: &mut ServiceConfig) {
    const HTML: &str = "text/html; charset=utf-8";
    config
        .route("/account.js", page("text/javascript; charset=utf-8", include_str!("pages/account.js")))
        .route("/email/confirm", page(HTML, include_str!("pages/email_confirm.html")))
        .route("/invitation", page(HTML, include_str!("pages/invitation.html")))
        .route("/password/forgot", page(HTML, include_str!("pages/password_forgot.html")))
        .route("/password/reset", page(HTML, include_str!("pages/password_reset.html")));
}
