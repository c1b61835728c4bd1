//! What happens to every request before and after its handler.

use super::{
    HeadersOnly, accept, browsers,
    call::{self, Call},
    etag,
    operation::Operations,
    request_id,
};
use crate::{
    app::App,
    audit, auth,
    error::{Code, Error, OldSlug},
    limits::{Class, Standing},
    values::escaped,
};
use actix_web::{
    HttpMessage, HttpRequest, HttpResponse, ResponseError,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderMap, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use std::{rc::Rc, time::Instant};

/// Bytes of a `Location`: proxies refuse longer headers.
const MAX_PLACE: usize = 8000;

/// The outermost layer: names the request, logs it, and adds the headers that every answer has.
pub async fn outer<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let id = request_id::of(request.request());
    let began = Instant::now();
    let (method, path) = (request.method().clone(), request.path().to_owned());
    let is_https = request.app_data::<Data<App>>().is_some_and(|app| app.site().url.starts_with("https://"));
    let answered = async move { Ok::<_, actix_web::Error>(as_problem(next.call(request).await?)) };
    let mut response = request_id::scope(id.clone(), answered).await?;
    let status = response.status();
    tracing::info!(request_id = id, %method, path, status = status.as_u16(), micros = began.elapsed().as_micros(), "answered");
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(request_id::HEADER, id);
    }
    browsers::tell(headers, is_https);
    tag_coding(headers);
    vary_by_coding(headers);
    Ok(response)
}

/// Gives what the layers around the handlers refuse (a preflight, an encoding) the form that every problem has.
fn as_problem<B: MessageBody>(response: ServiceResponse<B>) -> ServiceResponse<EitherBody<B>> {
    let status = response.status();
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|t| t == "application/problem+json");
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response.map_into_left_body();
    }
    let code = match status {
        StatusCode::NOT_ACCEPTABLE => Code::NotAcceptable,
        status if status.is_client_error() => Code::BadRequest,
        _ => Code::Internal,
    };
    let error = match response.response().error() {
        Some(cause) if status.is_client_error() => Error::with(code, cause.to_string()),
        Some(cause) => Error::new(code).because(anyhow::anyhow!("{cause}")),
        None => Error::new(code),
    };
    let (request, refused) = response.into_parts();
    let mut problem = error.error_response();
    for (name, value) in refused.headers() {
        if ![header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CONTENT_ENCODING].contains(name) {
            problem.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, problem).map_into_right_body()
}

/// Gives a compressed representation a tag of its own.
fn tag_coding(headers: &mut HeaderMap) {
    let coded = headers.get(header::CONTENT_ENCODING).zip(headers.get(header::ETAG));
    let tag = coded.and_then(|(coding, tag)| {
        HeaderValue::from_str(&etag::encoded(tag.to_str().ok()?, coding.to_str().ok()?)).ok()
    });
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag);
    }
}

/// Says of what is sent as it is, too, that others may get it compressed: a cache would give it to all.
fn vary_by_coding(headers: &mut HeaderMap) {
    let named =
        |line: &HeaderValue| line.to_str().is_ok_and(|line| line.to_ascii_lowercase().contains("accept-encoding"));
    if !headers.get_all(header::VARY).any(named) {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// Around the handlers: answers HEAD as GET, refuses what `Accept` rules out, and says how long an answer may be kept.
pub async fn inner<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if request.method() == Method::HEAD {
        // The server leaves the body of an answer to HEAD away by itself.
        request.head_mut().method = Method::GET;
        request.extensions_mut().insert(HeadersOnly(true));
    }
    // As it is routed by: what was needlessly encoded in it is decoded.
    let path = request.match_info().as_str();
    let (api, for_all) = (is_api(path), is_for_all(path));
    if api && let Some(detail) = accept::refusal(request.method(), path, request.headers()) {
        return Ok(request.error_response(Error::with(Code::NotAcceptable, detail)).map_into_right_body());
    }
    let signed_in = request.headers().contains_key(header::AUTHORIZATION);
    let reads = request.method() == Method::GET;
    if api {
        auth::identify(request.request()).await;
    }
    let (call, standing) = match admit(&request) {
        Ok(admitted) => admitted,
        Err(error) => return Ok(request.error_response(error).map_into_right_body()),
    };
    let asked = call.clone();
    let response = call::scope(call, next.call(request)).await?;
    if let Some(error) = response.response().error().and_then(actix_web::Error::as_error)
        && let Some(app) = response.request().app_data::<Data<App>>()
    {
        audit::note_refusal(app, &asked, error).await;
    }
    let mut response = match new_place(&response) {
        Some(place) => response.into_response(
            HttpResponse::PermanentRedirect().insert_header((header::LOCATION, place)).finish().map_into_right_body(),
        ),
        None => response.map_into_left_body(),
    };
    let kept = [StatusCode::OK, StatusCode::NOT_MODIFIED, StatusCode::PERMANENT_REDIRECT].contains(&response.status());
    let cacheable = reads && kept && (for_all || !signed_in);
    if let Some(standing) = standing {
        standing.tell(response.headers_mut());
    }
    if api || for_all {
        let headers = response.headers_mut();
        // A shared cache asks each time and is mostly told 304: what is taken down is gone at once.
        let kept = if cacheable { "public, no-cache" } else { "no-store" };
        if !headers.contains_key(header::CACHE_CONTROL) {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        }
        if api {
            headers.append(header::VARY, HeaderValue::from_static("accept, authorization"));
        }
    }
    Ok(response)
}

/// What is asked, by whom and from where, and how they stand to their limit.
///
/// # Errors
/// 429 for one too many.
fn admit(request: &ServiceRequest) -> Result<(Call, Option<Standing>), Error> {
    let missing = || Error::internal("a request has no App");
    let app = request.app_data::<Data<App>>().ok_or_else(missing)?;
    let operations = request.app_data::<Data<Operations>>().ok_or_else(missing)?;
    let operation = operations.find(request.method(), request.match_info().as_str());
    let (actor, address) = (auth::identified(request.request()), app.limits.address(request.request()));
    let class = operation.as_ref().map_or(Class::Reads, |operation| operation.class);
    let searches = || form_urlencoded::parse(request.query_string().as_bytes()).any(|(name, _)| name == "q");
    let class = if class == Class::Reads && searches() { Class::Search } else { class };
    let here = app.limits.is_from_here(request.request());
    let standing = app.limits.count(class, actor.as_ref(), address, here)?;
    let path = request.match_info().as_str().to_owned();
    Ok((Call { operation, path, actor, address, noted: Rc::default() }, standing))
}

/// Where the same request is answered, of what was asked for by a slug that it had.
fn new_place<B>(response: &ServiceResponse<B>) -> Option<String> {
    let OldSlug { old, now } = response.response().error()?.as_error::<Error>()?.old_slug()?;
    let request = response.request();
    if request.match_info().get("ref") != Some(old.as_ref()) {
        return None;
    }
    let pattern = request.match_pattern()?;
    let place = pattern.split('/').position(|part| part == "{ref}")?;
    let path = request.path().split('/').enumerate();
    let path: Vec<&str> = path.map(|(at, part)| if at == place { now.as_ref() } else { part }).collect();
    let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
    let place = escaped(&format!("{}{query}", path.join("/")));
    (place.len() <= MAX_PLACE).then_some(place)
}

pub fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

/// What is made of content outside the base path: the same for everybody, in one form.
fn is_for_all(path: &str) -> bool {
    path.starts_with("/feeds/")
        || path.starts_with("/sitemaps/")
        || ["/llms.txt", "/news-sitemap.xml", "/sitemap.xml"].contains(&path)
}

/// What no handler takes: 405 with `Allow` where the path is one of ours, an answer to `OPTIONS`, else 404.
pub fn fallback(request: &HttpRequest, paths: &Paths) -> HttpResponse {
    let Some(allow) = paths.allowed(request.match_info().as_str()) else {
        return Error::with(Code::NotFound, "there is no such address; /openapi.json lists them all").error_response();
    };
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent().insert_header((header::ALLOW, allow)).finish();
    }
    Error::with(Code::MethodNotAllowed, format!("allowed here: {allow}")).header(header::ALLOW, allow).error_response()
}

/// The paths of the spec and of the pages beside it, and their methods.
pub struct Paths(Vec<(Vec<String>, Vec<String>)>);

impl Paths {
    /// Takes each path's template and methods.
    pub fn new<'a>(paths: impl Iterator<Item = (&'a str, Vec<String>)>) -> Self {
        Self(paths.map(|(path, methods)| (path.split('/').map(str::to_owned).collect(), methods)).collect())
    }

    /// The methods of a path, where it is one of ours: `/tags/x` may be named by itself and be a `/tags/{ref}`, too.
    fn allowed(&self, path: &str) -> Option<String> {
        let parts: Vec<_> = path.split('/').collect();
        let fits = |template: &[String]| {
            template.len() == parts.len()
                && template.iter().zip(&parts).all(|(t, p)| if t.starts_with('{') { !p.is_empty() } else { t == p })
        };
        let fitting = self.0.iter().filter(|(template, _)| fits(template));
        let mut methods: Vec<&str> = fitting.flat_map(|(_, methods)| methods).map(String::as_str).collect();
        if methods.is_empty() {
            return None;
        }
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.push("OPTIONS");
        methods.sort_unstable();
        methods.dedup();
        Some(methods.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::Paths;

    #[test]
    fn a_path_knows_its_methods() {
        let paths = Paths::new(
            [("/tags", &["GET", "POST"][..]), ("/tags/{ref}", &["DELETE"]), ("/tags/all", &["POST"])]
                .into_iter()
                .map(|(path, methods)| (path, methods.iter().map(|method| (*method).to_owned()).collect())),
        );
        assert_eq!(paths.allowed("/tags").as_deref(), Some("GET, HEAD, OPTIONS, POST"));
        assert_eq!(paths.allowed("/tags/x").as_deref(), Some("DELETE, OPTIONS"));
        assert_eq!(paths.allowed("/tags/all").as_deref(), Some("DELETE, OPTIONS, POST"));
        assert_eq!(paths.allowed("/tags/"), None);
        assert_eq!(paths.allowed("/tags/x/y"), None);
    }
}
