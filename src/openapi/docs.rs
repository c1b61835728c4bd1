//! Serves the document and, at `/docs`, a page that shows it and asks no other host for anything.

use super::{COMMITTED, each_operation};
use crate::http::etag;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    middleware::DefaultHeaders,
    web::{self, Bytes, Data, ServiceConfig},
};
use serde_json::Value;
use std::sync::LazyLock;
use utoipa_swagger_ui::{Config, SwaggerUi};

/// The document, ready to send: made when it is asked for.
pub struct Document {
    whole: LazyLock<Text>,
    for_page: LazyLock<Text>,
}

struct Text {
    body: Bytes,
    etag: String,
}

impl Default for Document {
    fn default() -> Self {
        let whole = || Text::of(Bytes::from_static(COMMITTED.as_bytes()));
        let for_page = || {
            let document = serde_json::from_str(COMMITTED).unwrap_or_default();
            Text::of(Bytes::from(for_page(document).to_string()))
        };
        Self { whole: LazyLock::new(whole), for_page: LazyLock::new(for_page) }
    }
}

impl Text {
    fn of(body: Bytes) -> Self {
        Self { etag: etag::of(&body), body }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response
            .insert_header((header::ETAG, self.etag.as_str()))
            .insert_header((header::CACHE_CONTROL, "public, no-cache"));
        if let Some(known) = etag::known(request.headers(), &self.etag) {
            return response.status(StatusCode::NOT_MODIFIED).insert_header((header::ETAG, known)).finish();
        }
        response.content_type("application/json").body(self.body.clone())
    }
}

/// The document without examples of parameters that may be left out: the page fills in all that it has one for, and
/// sends that.
fn for_page(mut document: Value) -> Value {
    let leave_out = |parameter: &mut Value| {
        if let Some(parameter) = parameter.as_object_mut().filter(|p| p.get("required") != Some(&Value::Bool(true))) {
            parameter.shift_remove("example");
        }
    };
    each_operation(&mut document, |_, _, operation| {
        operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten().for_each(leave_out);
    });
    let shared = document.pointer_mut("/components/parameters").and_then(Value::as_object_mut);
    shared.into_iter().flat_map(|shared| shared.values_mut()).for_each(leave_out);
    document
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What [`routes`] answers `GET` at.
pub const PAGES: &[&str] = &["/openapi.json", "/docs", "/docs/", "/docs/{file}"];

pub fn routes(config: &mut ServiceConfig) {
    let viewer = SwaggerUi::new("/docs/{_:.*}")
        .config(Config::from("/docs/openapi.json").validator_url("none").persist_authorization(false));
    config
        .route("/openapi.json", web::get().to(openapi))
        .route("/docs", web::get().to(to_docs))
        .route("/docs/openapi.json", web::get().to(openapi_for_page))
        .service(
            web::scope("").wrap(DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, POLICY))).service(viewer),
        );
}

async fn openapi(request: HttpRequest, document: Data<Document>) -> HttpResponse {
    document.whole.answer(&request)
}

async fn openapi_for_page(request: HttpRequest, document: Data<Document>) -> HttpResponse {
    document.for_page.answer(&request)
}

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish()
}
