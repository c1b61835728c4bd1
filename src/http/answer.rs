//! Answers: a status, a body that is ready to send, and the headers that go with it.

use super::{
    etag::{self, Versioned},
    page::{ListOf, Page, PageInfo, Window},
    xml,
};
use crate::{
    app::App,
    clock::Time,
    error::{Error, Result},
    written,
};
use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::BoxBody,
    http::{Method, StatusCode, header},
};
use serde::Serialize;
use serde_json::{Map, Value};

/// The media type of an answer that holds only the `fields` that were asked for.
pub const SPARSE: &str = "application/vnd.stet.sparse+json";

/// What a handler gives back: made inside its transaction, so that it can be kept with it.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    pub content_type: &'static str,
    pub etag: Option<String>,
    pub location: Option<String>,
    pub link: Option<String>,
    /// When what it shows was last changed, where that can be said.
    pub last_modified: Option<Time>,
    /// What it was made from, for caches that purge by key.
    pub surrogate_key: Option<String>,
    /// Whether it is the first answer to an idempotency key, given again.
    pub replayed: bool,
    /// Whether it is for the one who asked alone.
    pub unlisted: bool,
}

impl Answer {
    /// JSON, without a header that says anything of it.
    pub fn new(status: StatusCode, body: Vec<u8>) -> Self {
        Self {
            status,
            body,
            content_type: "application/json",
            etag: None,
            location: None,
            link: None,
            last_modified: None,
            surrogate_key: None,
            replayed: false,
            unlisted: false,
        }
    }

    /// 200 with a resource.
    pub fn found<T: Serialize + Versioned>(resource: &T) -> Result<Self> {
        let mut answer = Self::new(StatusCode::OK, json(resource)?);
        answer.etag = Some(etag::of_state(resource, &answer.body));
        Ok(answer)
    }

    /// 200 with something that nobody changes by its tag.
    pub fn shown<T: Serialize>(value: &T) -> Result<Self> {
        let mut answer = Self::new(StatusCode::OK, json(value)?);
        answer.etag = Some(etag::of(&answer.body));
        Ok(answer)
    }

    /// 200 with something that is not JSON.
    pub fn document(body: Vec<u8>, content_type: &'static str) -> Self {
        let etag = Some(etag::of(&body));
        Self { etag, content_type, ..Self::new(StatusCode::OK, body) }
    }

    /// 200 with XML.
    pub fn xml(body: Vec<u8>, content_type: &'static str) -> Self {
        Self::document(xml::legal(body), content_type)
    }

    /// 200 with a table.
    pub fn table(csv: Vec<u8>) -> Self {
        Self::document(csv, "text/csv; charset=utf-8; header=present")
    }

    /// 200 with a resource, or with those of its fields that were asked for.
    pub fn found_with<T: Serialize + Versioned>(resource: &T, fields: Option<&[impl AsRef<str>]>) -> Result<Self> {
        let Some(fields) = fields else { return Self::found(resource) };
        let mut answer = Self::new(StatusCode::OK, json(&pick(resource, fields)?)?);
        answer.etag = Some(etag::of_state(resource, &answer.body));
        answer.content_type = SPARSE;
        Ok(answer)
    }

    /// 201 with a resource and where it is.
    pub fn created<T: Serialize + Versioned>(resource: &T, location: String) -> Result<Self> {
        Ok(Self { status: StatusCode::CREATED, location: Some(location), ..Self::found(resource)? })
    }

    /// 200 with a page of a list, whole or with those fields of its rows that were asked for.
    pub fn list<T: Serialize>(
        app: &App,
        window: &Window,
        page: Page<T>,
        fields: Option<&[impl AsRef<str>]>,
    ) -> Result<Self> {
        let next_cursor = window.cursor(app, page.next.as_ref());
        let link = window.links(next_cursor.as_deref());
        let info = PageInfo { next_cursor, total: page.total };
        let (body, content_type) = match fields {
            None => (json(&ListOf { data: page.rows, page: info })?, "application/json"),
            Some(fields) => {
                let data = page.rows.iter().map(|row| pick(row, fields)).collect::<Result<Vec<_>>>()?;
                (json(&ListOf { data, page: info })?, SPARSE)
            }
        };
        let etag = Some(etag::of(&body));
        Ok(Self { etag, link, content_type, ..Self::new(StatusCode::OK, body) })
    }

    /// 202, without a word: what comes of it shows elsewhere.
    pub fn accepted() -> Self {
        Self::new(StatusCode::ACCEPTED, Vec::new())
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, Vec::new())
    }

    /// For the one who asked alone: no cache keeps it, no search engine lists it, no link on it tells where it was.
    pub fn unlisted(self) -> Self {
        Self { etag: None, surrogate_key: None, unlisted: true, ..self }
    }

    /// Says when what it shows was last changed.
    pub fn modified(self, at: Time) -> Self {
        Self { last_modified: Some(at), ..self }
    }

    /// Names what the answer was made from.
    pub fn keyed(mut self, surrogate_key: impl Into<String>) -> Self {
        self.surrogate_key = Some(surrogate_key.into());
        self
    }
}

fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    written::to_vec(value).map_err(|e| Error::internal("an answer is not JSON").because(e))
}

fn pick<T: Serialize>(resource: &T, fields: &[impl AsRef<str>]) -> Result<Map<String, Value>> {
    // Read back, since parts of it may be JSON already.
    let mut all: Map<String, Value> = serde_json::from_slice(&json(resource)?)
        .map_err(|e| Error::internal("a resource is not an object").because(e))?;
    all.retain(|name, _| fields.iter().any(|f| f.as_ref() == name));
    Ok(all)
}

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        let headers = [(header::LOCATION, self.location), (header::LINK, self.link), (header::ETAG, self.etag.clone())];
        for (name, value) in headers {
            if let Some(value) = value {
                response.insert_header((name, value));
            }
        }
        if let Some(at) = self.last_modified {
            response.insert_header((header::LAST_MODIFIED, at.in_headers()));
        }
        if let Some(key) = self.surrogate_key {
            response.insert_header(("surrogate-key", key));
        }
        if self.unlisted {
            response.insert_header((header::CACHE_CONTROL, "no-store"));
            response.insert_header(("x-robots-tag", "noindex"));
            response.insert_header((header::REFERRER_POLICY, "no-referrer"));
        }
        if self.replayed {
            response.insert_header(("idempotent-replayed", "true"));
        }
        if request.method() == Method::GET
            && self.status == StatusCode::OK
            && let Some(known) = self.etag.as_deref().and_then(|tag| etag::known(request.headers(), tag))
        {
            return response.status(StatusCode::NOT_MODIFIED).insert_header((header::ETAG, known)).finish();
        }
        if self.body.is_empty() { response.finish() } else { response.content_type(self.content_type).body(self.body) }
    }
}
