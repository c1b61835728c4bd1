//! What those ask who look for what is hidden.

use crate::support::spec::{self, Operation};
use actix_web::http::Method;
use serde_json::Value;

/// Each parameter with each of its values, alone and with a count where there are any; and mistakes, for their texts.
pub fn queries(operation: &Operation, preview: &str) -> Vec<String> {
    let parameters = operation.value["parameters"].as_array().cloned().unwrap_or_default();
    let parameters: Vec<_> = parameters.iter().filter(|parameter| parameter["in"] == "query").collect();
    let counts = parameters.iter().any(|parameter| parameter["name"] == "count");
    // Whatever is looked for by its words is looked for in all there is.
    let least = if operation.least_query().is_empty() { "" } else { "q=-nothing&" };
    let mut queries = vec![least.to_owned(), format!("{least}nothing=1")];
    for parameter in parameters {
        let least = if parameter["name"] == "q" { "" } else { least };
        let name = parameter["name"].as_str().unwrap();
        let values = if name == "preview" {
            vec![preview.to_owned(), format!("{preview}&include=related,latest,comments"), "none".to_owned()]
        } else {
            values(name, &parameter["schema"])
        };
        for value in values {
            queries.push(format!("{least}{name}={value}"));
            if counts {
                queries.push(format!("{least}limit=100&count=true&{name}={value}"));
            }
        }
        queries.push(format!("{least}{name}=~"));
    }
    if counts {
        queries.push(format!("{least}limit=1&count=true"));
    }
    queries
}

fn values(name: &str, schema: &Value) -> Vec<String> {
    let texts = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let resolved = |schema: &Value| match schema["$ref"].as_str() {
        Some(reference) => spec::DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap().clone(),
        None => schema.clone(),
    };
    let schema = resolved(schema);
    let options = if schema["items"].is_object() { resolved(&schema["items"]) } else { schema.clone() };
    if let Some(options) = options["enum"].as_array() {
        let options = options.iter().filter(|option| !option.is_null());
        let mut values: Vec<String> =
            options.map(|option| option.as_str().map_or_else(|| option.to_string(), str::to_owned)).collect();
        if schema["items"].is_object() {
            values.push(values.join(","));
        }
        return values;
    }
    match name {
        "tag" | "tag_all" => texts(&["harbour", "hush", "harbour,hush", "nothing"]),
        "actor" => texts(&["0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"]),
        "action" => texts(&["login", "update_article"]),
        "resource" => texts(&["articles", "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"]),
        "since" | "until" => texts(&["2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"]),
        "author" => texts(&["mira", "jo", "nobody"]),
        "section" | "parent" => texts(&["news", "tech", "quiet", "nowhere"]),
        "article" => texts(&["reopens"]),
        "path" => texts(&["news/tech", "quiet", "nowhere"]),
        "source" => texts(&["/old/quay", "/articles/reopens"]),
        "q" => texts(&["reopens", "har*", "quiet", "-reopens", "harbour", "mira"]),
        "year" => texts(&["2020", "2026"]),
        "language" => texts(&["en", "de"]),
        "published_after" | "published_before" => texts(&["2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"]),
        "featured" | "deleted" | "changed" | "count" | "disabled" => texts(&["true", "false"]),
        "revision" | "diff" => texts(&["1", "2", "9"]),
        "limit" => texts(&["1", "100", "0"]),
        "page" => texts(&["1", "2", "100"]),
        "cursor" | "state" | "code" | "error" => texts(&["AAAA"]),
        "code_challenge" => texts(&["E9Melhoa2OwvFrEMTJguCMSHaGK_rjWZfuHfOKTCOWY"]),
        "return_to" | "iss" => texts(&["https://desk.lantern.example/signed-in"]),
        other => panic!("tests/api/leaks/questions.rs knows no values for the parameter `{other}`"),
    }
}

/// Everything that names an article or a comment in its path.
pub fn probes() -> Vec<(Method, String, Option<Value>)> {
    let mut probes = Vec::new();
    for operation in spec::operations() {
        let template = operation.template();
        if !template.contains("articles/{ref}") && !template.contains("comments/{id}") {
            continue;
        }
        let path = template.replace("{ref}", "{}").replace("{id}", "{}").replace("{number}", "1");
        let mut body = operation.value["requestBody"]["content"]["application/json"]["example"].clone();
        for reference in ["authors", "tags", "section", "parent_id"] {
            body.as_object_mut().and_then(|body| body.shift_remove(reference));
        }
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        probes.push((method, path, (!body.is_null()).then_some(body)));
    }
    probes.push((Method::GET, "/articles/{}?preview=stet_preview_none".into(), None));
    assert!(probes.len() > 8);
    probes
}
