//! The document that is committed is the one that is served, and it keeps its own rules.

use crate::{
    on_both_databases,
    support::{
        TestApp,
        spec::{DOCUMENT, operations, validate},
    },
};
use serde_json::Value;
use std::collections::HashSet;

#[test]
fn the_committed_document_is_the_one_that_the_code_makes() {
    let committed =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json")).unwrap_or_default();
    let made = stet::openapi::text().unwrap();
    assert!(committed == made, "run: cargo run -- openapi > openapi/openapi.json");
}

async fn the_document_is_served_as_it_is(app: TestApp) {
    let served = app.anyone().get("//openapi.json").await;
    assert_eq!(served.assert(200).json, *DOCUMENT);
    app.anyone().with("if-none-match", served.etag()).get("//openapi.json").await.assert(304);
}

async fn the_page_that_shows_it_asks_no_other_host(app: TestApp) {
    let page = app.anyone().get("//docs/").await;
    let html = String::from_utf8_lossy(&page.assert(200).bytes).into_owned();
    assert!(html.contains("swagger-ui"), "{html}");
    assert!(!html.contains("http://") && !html.contains("https://"), "{html}");
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    app.anyone().get("//docs").await.assert(308);
}

async fn the_page_fills_in_nothing_that_may_be_left_out(app: TestApp) {
    let settings = app.anyone().get("//docs/swagger-initializer.js").await;
    assert!(String::from_utf8_lossy(&settings.assert(200).bytes).contains(r#""url": "/docs/openapi.json""#));
    let document = app.anyone().get("//docs/openapi.json").await;
    let (mut required, mut optional) = (0, 0);
    walk(&document.assert(200).json, "", &mut |path, value| {
        if !value["in"].is_string() || path.contains("securitySchemes") {
            return;
        }
        let example = value.get("example").is_some();
        assert_eq!(example, value["required"] == true, "{path}");
        *(if example { &mut required } else { &mut optional }) += 1;
    });
    assert!(required > 10 && optional > 50, "{required}, {optional}");
    assert_eq!(document.json["components"]["schemas"], DOCUMENT["components"]["schemas"]);
    app.anyone().with("if-none-match", document.etag()).get("//docs/openapi.json").await.assert(304);
}

async fn what_a_parameter_lists_is_taken(app: TestApp) {
    let admin = app.signed_in(stet::permissions::Role::Admin).await;
    let mut tried = 0;
    for operation in operations().iter().filter(|operation| operation.method == "GET") {
        let path = operation.template().replace("{ref}", "x").replace("{id}", "x").replace("{number}", "1");
        let parameters = operation.value["parameters"].as_array().into_iter().flatten();
        for parameter in parameters.filter(|parameter| parameter["in"] == "query") {
            let schema = &parameter["schema"];
            let schema = if schema["items"].is_object() { &schema["items"] } else { schema };
            let schema = match schema["$ref"].as_str() {
                Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
                None => schema,
            };
            for value in schema["enum"].as_array().into_iter().flatten() {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let query =
                    format!("{path}?{}&{}={value}", operation.least_query(), parameter["name"].as_str().unwrap());
                let answer = admin.get(&query).await;
                assert!(matches!(answer.status.as_u16(), 200 | 404), "{query}: {}", answer.json);
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

/// Every place in the document, with the way to it.
fn walk(value: &Value, path: &str, f: &mut impl FnMut(&str, &Value)) {
    f(path, value);
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| walk(value, &format!("{path}/{key}"), f)),
        Value::Array(items) => items.iter().enumerate().for_each(|(n, value)| walk(value, &format!("{path}/{n}"), f)),
        _ => {}
    }
}

#[test]
fn every_text_number_and_list_has_bounds() {
    let mut open = Vec::new();
    let mut schema = |path: &str, schema: &Value| {
        if path.contains("example") {
            return;
        }
        let is = |kind: &str| {
            schema["type"] == kind || schema["type"].as_array().is_some_and(|t| t.iter().any(|t| t == kind))
        };
        let has = |names: &[&str]| names.iter().any(|name| !schema[*name].is_null());
        let text = is("string") && !(has(&["enum"]) || (has(&["maxLength"]) && has(&["pattern", "format"])));
        let number = (is("integer") || is("number")) && !(has(&["minimum"]) && has(&["maximum"]));
        let list = is("array") && !has(&["maxItems"]);
        let unknown = path.ends_with("/schema") && *schema == Value::Bool(true);
        if text || number || list || unknown || has(&["prefixItems"]) {
            open.push(path.to_owned());
        }
    };
    walk(&DOCUMENT["components"], "#/components", &mut schema);
    walk(&DOCUMENT["paths"], "#/paths", &mut schema);
    assert!(open.is_empty(), "without bounds:\n{}", open.join("\n"));
}

#[test]
fn what_goes_in_is_closed_and_has_a_valid_example() {
    for operation in operations() {
        for (media, content) in operation.value["requestBody"]["content"].as_object().into_iter().flatten() {
            let what = format!("the {media} example of {}", operation.id);
            assert!(content["example"].is_object() || media == "text/csv", "{what} is missing");
            validate(&content["schema"], &content["example"], &what);
            if media == "text/csv" {
                continue;
            }
            let name = content["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
            assert_eq!(
                DOCUMENT["components"]["schemas"][name]["additionalProperties"], false,
                "{name} takes unknown fields"
            );
        }
        for parameter in operation.value["parameters"].as_array().into_iter().flatten().filter(|p| p["$ref"].is_null())
        {
            let what = format!("the example of {} in {}", parameter["name"], operation.id);
            assert!(!parameter["example"].is_null() && !parameter["description"].is_null(), "{what} is missing");
            validate(&parameter["schema"], &parameter["example"], &what);
        }
    }
}

#[test]
fn every_operation_says_all_there_is_to_say() {
    let mut ids = HashSet::new();
    for operation in operations() {
        let value = &operation.value;
        assert!(operation.id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", operation.id);
        assert!(ids.insert(operation.id.clone()), "{} stands twice", operation.id);
        assert!(value["summary"].is_string() && value["description"].is_string(), "{}", operation.id);
        assert_eq!(value["tags"].as_array().map(Vec::len), Some(1), "{}", operation.id);
        assert!(value["security"].is_array(), "{}", operation.id);
        let declared = value["responses"].as_object().unwrap();
        let expected: &[&str] = match (operation.method.as_str(), operation.path.starts_with("/api/v1/auth/")) {
            ("GET", _) if !value["responses"]["302"].is_null() => &["302", "400", "404", "429", "500", "503"],
            ("GET", _) => &["200", "304", "400", "429", "500", "503"],
            ("POST", true) => &["400", "413", "415", "422", "429", "500", "503"],
            ("POST", false) => &["400", "409", "422", "429", "500", "503"],
            ("DELETE", _) => &["204", "400", "401", "403", "404", "406", "412", "429", "500", "503"],
            // It has nothing to say.
            ("PUT", _) if value["requestBody"].is_null() => {
                &["200", "400", "401", "403", "404", "406", "412", "429", "500", "503"]
            }
            _ => &["200", "400", "401", "403", "404", "406", "412", "413", "415", "422", "429", "500", "503"],
        };
        // What there is always one of is found.
        let is_there = ["/site", "/me", "/me/email", "/me/password", "/me/sessions", "/me/totp"];
        let is_there = [&is_there[..], &["/me/totp/confirmation", "/me/totp/removal", "/me/recovery-codes"]].concat();
        let is_there: Vec<_> = is_there.iter().map(|path| format!("/api/v1{path}")).collect();
        let is_there = is_there.contains(&operation.path);
        // Whoever watches over the process may ask as often as they like.
        let unlimited = ["/healthz", "/readyz"].contains(&operation.path.as_str());
        let unsaid = |status: &str| is_there && status == "404" || unlimited && status == "429";
        for status in expected.iter().filter(|status| !unsaid(status)) {
            // What is done later is accepted.
            let accepted = *status == "200" && operation.id == "change_email" && declared.contains_key("202");
            assert!(accepted || declared.contains_key(*status), "{} does not declare {status}", operation.id);
        }
        let by_slug = operation.path.contains("{ref}");
        assert_eq!(declared.contains_key("308"), by_slug, "{}: a slug may have changed", operation.id);
        if let Some(created) = declared.get("201") {
            assert!(created["headers"]["Location"].is_object(), "{}", operation.id);
            let links = created["links"].as_object().unwrap_or_else(|| panic!("{} has no links", operation.id));
            for link in links.values() {
                let to = operations().iter().find(|o| o.id == link["operationId"]);
                let to = to.unwrap_or_else(|| panic!("{} links to nothing", operation.id));
                for name in link["parameters"].as_object().unwrap().keys() {
                    assert!(
                        to.path.contains(&format!("{{{name}}}")),
                        "{} links to {} by {name}",
                        operation.id,
                        to.path
                    );
                }
            }
        }
    }
}

#[test]
fn names_are_plain_and_all_are_used() {
    let text = DOCUMENT.to_string();
    for (kind, components) in DOCUMENT["components"].as_object().unwrap() {
        for name in components.as_object().unwrap().keys() {
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name}");
            let used = text.contains(&format!("\"#/components/{kind}/{name}\""));
            assert!(used || kind == "securitySchemes", "{kind}/{name} is used nowhere");
        }
    }
}

#[test]
fn every_code_of_a_problem_is_in_the_spec() {
    let listed = DOCUMENT["components"]["schemas"]["ProblemCode"]["enum"].as_array().unwrap();
    for code in stet::error::Code::ALL {
        assert!(listed.contains(&code.as_str().into()), "{}", code.as_str());
    }
}

on_both_databases! {
    the_document_is_served_as_it_is,
    the_page_that_shows_it_asks_no_other_host,
    the_page_fills_in_nothing_that_may_be_left_out,
    what_a_parameter_lists_is_taken,
}
