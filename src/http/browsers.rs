//! What browsers are told with every answer: what they may do with it.

use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

/// For all that is no page: nothing in it runs, loads or is shown in a frame. A page has a policy of its own.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";
/// Others' pages read it where CORS lets them, and load it into nothing.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// A year in which only https is asked.
const ONLY_HTTPS: &str = "max-age=31536000";

/// Adds what the answer does not say of itself.
pub fn tell(headers: &mut HeaderMap, is_https: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // What stands beside the pages of the document has their policy; it is none.
    if headers.get(CONTENT_TYPE).is_some_and(|kind| !kind.as_bytes().starts_with(b"text/")) {
        headers.remove(CONTENT_SECURITY_POLICY);
    }
    let said = [(CONTENT_SECURITY_POLICY, NO_PAGE), (REFERRER_POLICY, "no-referrer"), (RESOURCE_POLICY, "same-origin")];
    for (name, value) in said {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(ONLY_HTTPS));
    }
}
