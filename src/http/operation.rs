//! Which operation of the document a request is for: found by the path that it is routed by, however that was spelled.

use crate::limits::{Class, class_of};
use actix_web::http::Method;
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};

/// An operation of the document.
#[derive(Debug)]
pub struct Operation {
    pub id: String,
    pub class: Class,
    template: Vec<String>,
}

impl Operation {
    /// Whether one who is refused may have shown a secret that is wrong.
    pub fn signs_in(&self) -> bool {
        self.class == Class::SignIn || ["exchange_code", "finish_sign_in"].contains(&self.id.as_str())
    }

    fn fits(&self, path: &str) -> bool {
        let mut parts = path.split('/');
        self.template.iter().all(|template| {
            parts.next().is_some_and(|part| if template.starts_with('{') { !part.is_empty() } else { part == template })
        })
    }

    /// What the path is about, as `tags`, and the id or slug that says which one.
    pub fn subject<'a>(&'a self, path: &'a str) -> (&'a str, Option<&'a str>) {
        let named = self.template.iter().rposition(|part| part == "{ref}" || part == "{id}");
        if let Some(at) = named
            && let Some(kind) = at.checked_sub(1).and_then(|above| self.template.get(above))
        {
            return (kind, path.split('/').nth(at));
        }
        let parts: Vec<&str> = self.template.iter().skip(3).map(String::as_str).collect();
        match parts.as_slice() {
            ["me", "sessions"] => ("sessions", None),
            [first, ..] => (first.split('.').next().unwrap_or_default(), None),
            [] => ("", None),
        }
    }
}

/// All of them, by their method and the number of their path's parts.
#[derive(Debug, Default)]
pub struct Operations(HashMap<(Method, usize), Vec<Arc<Operation>>>);

impl Operations {
    pub fn new(document: &Value) -> Self {
        let mut all = Self::default();
        let paths = document.get("paths").and_then(Value::as_object);
        for (path, item) in paths.into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
                all.add(method, path, id);
            }
        }
        // What a path names by itself comes before what it may be one of.
        for some in all.0.values_mut() {
            some.sort_by_key(|operation| operation.template.iter().filter(|part| part.starts_with('{')).count());
        }
        all
    }

    fn add(&mut self, method: &str, path: &str, id: &str) {
        let Ok(method) = Method::from_bytes(method.to_uppercase().as_bytes()) else { return };
        let template: Vec<String> = path.split('/').map(str::to_owned).collect();
        // Whoever forgot its row gets the strictest that it may need; a test finds it.
        let class = class_of(id).unwrap_or(if path.contains("/auth/") { Class::SignIn } else { Class::Comments });
        let key = (method, template.len());
        self.0.entry(key).or_default().push(Arc::new(Operation { id: id.to_owned(), class, template }));
    }

    /// Takes the path as the router does: with what was needlessly encoded in it decoded.
    pub fn find(&self, method: &Method, path: &str) -> Option<Arc<Operation>> {
        let parts = path.bytes().filter(|byte| *byte == b'/').count() + 1;
        self.0.get(&(method.clone(), parts))?.iter().find(|operation| operation.fits(path)).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::Operations;
    use actix_web::http::Method;
    use serde_json::json;

    #[test]
    fn a_request_finds_its_operation() {
        let operations = Operations::new(&json!({"paths": {
            "/tags/{ref}": {"get": {"operationId": "get_tag"}, "delete": {"operationId": "delete_tag"}},
            "/tags/export": {"get": {"operationId": "export_tags"}},
        }}));
        let find = |method: Method, path| operations.find(&method, path).map(|found| found.id.clone());
        assert_eq!(find(Method::GET, "/tags/x").as_deref(), Some("get_tag"));
        assert_eq!(find(Method::GET, "/tags/export").as_deref(), Some("export_tags"));
        assert_eq!(find(Method::DELETE, "/tags/export").as_deref(), Some("delete_tag"));
        for (path, id, about) in [
            ("/api/v1/tags/{ref}/merge", "/api/v1/tags/ebb/merge", ("tags", Some("ebb"))),
            ("/api/v1/articles/{ref}/previews/{id}", "/api/v1/articles/a/previews/b", ("previews", Some("b"))),
            (
                "/api/v1/articles/{ref}/revisions/{number}/restore",
                "/api/v1/articles/a/revisions/3/restore",
                ("articles", Some("a")),
            ),
            ("/api/v1/redirects.csv", "/api/v1/redirects.csv", ("redirects", None)),
            ("/api/v1/me/sessions", "/api/v1/me/sessions", ("sessions", None)),
            ("/api/v1/me/password", "/api/v1/me/password", ("me", None)),
        ] {
            let all = Operations::new(&json!({"paths": {path: {"put": {"operationId": "x"}}}}));
            assert_eq!(all.find(&Method::PUT, id).unwrap().subject(id), about);
        }
        for (method, path) in
            [(Method::GET, "/tags/"), (Method::GET, "/tags/x/"), (Method::PUT, "/tags/x"), (Method::GET, "")]
        {
            assert_eq!(find(method, path), None, "{path}");
        }
    }
}
