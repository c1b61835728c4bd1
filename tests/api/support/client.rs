//! A client that holds every answer against the spec.

use super::{secrets, spec};
use actix_web::http::{Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use std::time::Duration;

/// Somebody who asks: a stranger, or somebody with a token.
#[derive(Clone)]
pub struct Client {
    address: String,
    pub token: Option<String>,
    headers: Vec<(String, String)>,
}

/// An answer, read.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub json: Value,
}

impl Client {
    pub fn new(address: &str, token: Option<String>) -> Self {
        Self { address: address.to_owned(), token, headers: Vec::new() }
    }

    /// The same with a header that goes with every request.
    pub fn with(&self, name: &str, value: impl ToString) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_string()));
        client
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, None).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Reply {
        let client = match body {
            Some(_) => self.with("content-type", "application/json"),
            None => self.clone(),
        };
        client.raw(method, path, body.map(|b| b.to_string().into_bytes()).unwrap_or_default()).await
    }

    /// Sends bytes as they are. A path that begins with `//` is not below `/api/v1`.
    pub async fn raw(&self, method: Method, path: &str, body: Vec<u8>) -> Reply {
        let path = path
            .strip_prefix('/')
            .filter(|p| p.starts_with('/'))
            .map_or_else(|| format!("/api/v1{path}"), str::to_owned);
        secrets::sent(&method, &path, &body);
        let sent: Option<Value> = serde_json::from_slice(&body).ok();
        let http =
            awc::Client::builder().timeout(Duration::from_secs(30)).no_default_headers().disable_redirects().finish();
        let mut request = http.request(method.clone(), format!("{}{path}", self.address)).no_decompress();
        if let Some(token) = &self.token {
            request = request.insert_header(("authorization", format!("Bearer {token}")));
        }
        for (name, value) in &self.headers {
            request = request.append_header((name.as_str(), value.as_str()));
        }
        let mut answer = if body.is_empty() { request.send().await } else { request.send_body(body).await }.unwrap();
        let bytes =
            if method == Method::HEAD { Vec::new() } else { answer.body().limit(64 << 20).await.unwrap().to_vec() };
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let reply = Reply { status: answer.status(), headers: answer.headers().clone(), bytes, json };
        secrets::check(&method, &path, self.token.is_some(), &reply);
        spec::check(&method, &path, &reply);
        if reply.status.is_success()
            && let Some(sent) = sent
        {
            spec::check_taken(&method, &path, &sent);
        }
        reply
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub fn etag(&self) -> &str {
        self.header("etag")
    }

    /// A text in the body, by its JSON Pointer.
    pub fn text(&self, pointer: &str) -> String {
        let found = self.json.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("no text at {pointer} in {}", self.json)).to_owned()
    }

    /// The values of a field in the rows of a list.
    pub fn column(&self, field: &str) -> Vec<String> {
        let rows = self.json["data"].as_array().unwrap_or_else(|| panic!("not a list: {}", self.json));
        rows.iter().map(|row| row[field].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Where the mistakes are, and their codes, in order.
    pub fn mistakes(&self) -> Vec<(String, String)> {
        let mistakes = self.json["errors"].as_array().cloned().unwrap_or_default();
        let mut found: Vec<_> = mistakes
            .iter()
            .map(|m| (m["pointer"].as_str().unwrap().to_owned(), m["code"].as_str().unwrap().to_owned()))
            .collect();
        found.sort();
        found
    }

    #[track_caller]
    pub fn assert(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    /// A problem with this status and code.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, code: &str) -> &Self {
        self.assert(status);
        assert_eq!(self.json["code"], code, "{}", self.json);
        self
    }
}
