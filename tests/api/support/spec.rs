//! Holds answers against the OpenAPI document: the operation, its status, its media type, its headers, its schema.

use super::client::Reply;
use actix_web::http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

pub static DOCUMENT: LazyLock<Value> = LazyLock::new(stet::openapi::document);

/// An operation of the document.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: String,
    pub path: String,
    pub id: String,
    pub value: Value,
}

impl Operation {
    /// The path as [`Client`](super::Client) takes it, with what names a form or a part filled in.
    pub fn template(&self) -> String {
        let path = self.path.strip_prefix("/api/v1").map_or_else(|| format!("/{}", self.path), str::to_owned);
        let month = format!("/articles/{}.xml", &stet::clock::now().to_string()[..7]);
        path.replace("{form}", "rss.xml").replace("/articles/{part}", &month).replace("{part}", "sections.xml")
    }

    /// What the path is about: `tags` of `/tags/{ref}` and of `//feeds/tags/{ref}/rss.xml`.
    pub fn kind(&self) -> String {
        let template = self.template();
        let about = template.split("/{").next().unwrap();
        let parts: Vec<_> = about.trim_start_matches("//feeds").split('/').collect();
        parts[1].to_owned()
    }

    /// The parameters that must be given, with their examples: `q=harbour`.
    pub fn least_query(&self) -> String {
        let parameters = self.value["parameters"].as_array().into_iter().flatten();
        let required = parameters.filter(|parameter| parameter["in"] == "query" && parameter["required"] == true);
        let pairs = required.map(|parameter| {
            let example = &parameter["example"];
            let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            (parameter["name"].as_str().unwrap().to_owned(), example)
        });
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
}

pub fn operations() -> &'static [Operation] {
    static ALL: LazyLock<Vec<Operation>> = LazyLock::new(read_operations);
    &ALL
}

fn read_operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, value) in item.as_object().unwrap() {
            let id = value["operationId"].as_str().unwrap().to_owned();
            all.push(Operation { method: method.to_uppercase(), path: path.clone(), id, value: value.clone() });
        }
    }
    all
}

/// Panics where the answer is not what the document says.
pub fn check(method: &Method, path: &str, reply: &Reply) {
    let path = path.split('?').next().unwrap();
    let status = reply.status.as_u16().to_string();
    let content_type = reply.header("content-type").split(';').next().unwrap().to_owned();
    let what = format!("{method} {path}: {status} {content_type} {}", String::from_utf8_lossy(&reply.bytes));
    assert!(!reply.header("x-request-id").is_empty(), "no request id: {what}");
    let verb = if method == Method::HEAD { "GET" } else { method.as_str() };
    let operation = operations().iter().find(|o| o.method == verb && fits(&o.path, path));
    let Some(operation) = operation else {
        if content_type == "application/problem+json" && method != Method::HEAD {
            validate(&json!({"$ref": "#/components/schemas/Problem"}), &reply.json, &what);
        }
        return;
    };
    let response = resolve(&operation.value["responses"][&status]);
    assert!(!response.is_null(), "a status that the spec does not know: {what}");
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let header = resolve(header);
        if let Some(value) = reply.headers.get(name.as_str()) {
            let value = value.to_str().unwrap();
            let value =
                if header["schema"]["type"] == "integer" { json!(value.parse::<i64>().unwrap()) } else { json!(value) };
            validate(&header["schema"], &value, &format!("header {name} of {what}"));
        }
    }
    match response["content"].as_object() {
        _ if method == Method::HEAD => {}
        None => assert!(reply.bytes.is_empty(), "a body that the spec does not know: {what}"),
        Some(content) => {
            let media = content
                .get(&content_type)
                .unwrap_or_else(|| panic!("a media type that the spec does not know: {what}"));
            if reply.headers.get("content-encoding").is_none() {
                let text = || json!(String::from_utf8(reply.bytes.clone()).unwrap());
                let body = if content_type.ends_with("json") { reply.json.clone() } else { text() };
                validate(&media["schema"], &body, &what);
            }
        }
    }
}

/// Panics where the document refuses a body that was taken, but for formats: an address is taken as browsers write it.
pub fn check_taken(method: &Method, path: &str, body: &Value) {
    let path = path.split('?').next().unwrap();
    let operation = operations().iter().find(|o| o.method == method.as_str() && fits(&o.path, path));
    let content = operation.map(|operation| operation.value["requestBody"]["content"].clone()).unwrap_or_default();
    let json = content.as_object().and_then(|kinds| kinds.iter().find(|(kind, _)| kind.ends_with("json")));
    if let Some((_, media)) = json {
        held_to(&media["schema"], body, false, &format!("{method} {path} took {body}"));
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len() && template.iter().zip(&path).all(|(t, p)| t.starts_with('{') || t == p)
}

/// What a reference stands for.
pub fn resolve(value: &Value) -> Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        None => value.clone(),
    }
}

/// Panics where the value is not what the schema says.
pub fn validate(schema: &Value, value: &Value, what: &str) {
    held_to(schema, value, true, what);
}

fn held_to(schema: &Value, value: &Value, formats: bool, what: &str) {
    type Validators = HashMap<(String, bool), Arc<Validator>>;
    static VALIDATORS: LazyLock<Mutex<Validators>> = LazyLock::new(Mutex::default);
    let validator = {
        let mut known = VALIDATORS.lock().unwrap();
        Arc::clone(known.entry((schema.to_string(), formats)).or_insert_with(|| {
            let mut whole = schema.clone();
            whole["components"] = DOCUMENT["components"].clone();
            whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
            Arc::new(jsonschema::options().should_validate_formats(formats).build(&whole).unwrap())
        }))
    };
    let mistakes: Vec<_> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(mistakes.is_empty(), "not as the spec says: {what}\n{}", mistakes.join("\n"));
}
