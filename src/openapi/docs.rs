//! Serves the document and, at `/docs`, a page that shows it and asks no other host for anything.

use crate::{error::Result, http::etag};
use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    middleware::DefaultHeaders,
    web::{self, Bytes, Data, ServiceConfig},
};
use serde_json::Value;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The document, ready to send.
pub struct Document {
    body: Bytes,
    etag: String,
}

impl Document {
    pub fn new(document: &Value) -> Self {
        let body = Bytes::from(document.to_string());
        Self { etag: etag::of(None, &body), body }
    }
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What [`routes`] answers `GET` at.
pub const PAGES: &[&str] = &["/openapi.json", "/docs", "/docs/", "/docs/{file}"];

pub fn routes(config: &mut ServiceConfig) {
    let viewer = SwaggerUi::new("/docs/{_:.*}")
        .config(Config::from("/openapi.json").validator_url("none").persist_authorization(false));
    config.route("/openapi.json", web::get().to(openapi)).route("/docs", web::get().to(to_docs)).service(
        web::scope("").wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, POLICY))).service(viewer),
    );
}

async fn openapi(request: HttpRequest, document: Data<Document>) -> Result<HttpResponse> {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::ETAG, document.etag.as_str()))
        .insert_header((header::CACHE_CONTROL, "public, no-cache"));
    if etag::is_known(request.headers(), &document.etag) {
        return Ok(response.status(actix_web::http::StatusCode::NOT_MODIFIED).finish());
    }
    Ok(response.content_type("application/json").body(document.body.clone()))
}

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}
