//! What all operations have in common: their errors, headers, conditions and examples.

use super::each_operation;
use crate::{
    http::answer::SPARSE,
    limits::{Class, class_of},
};
use serde_json::{Map, Value, json};

/// The answers to what can go wrong: component, status, and when.
const PROBLEMS: &[(&str, &str, &str)] = &[
    ("BadRequest", "400", "The request cannot be understood: broken JSON, or an unknown or invalid parameter."),
    ("Unauthorized", "401", "There is no token, or it is not valid any more."),
    ("Forbidden", "403", "The role may not do this, or a key may not."),
    ("NotFound", "404", "Nothing is here, or nothing that may be seen."),
    ("NotAcceptable", "406", "`Accept` rules out JSON."),
    ("RequestTimeout", "408", "The body took too long to come."),
    ("Conflict", "409", "The state it is in does not allow this: a slug is taken, or something still uses it."),
    ("Gone", "410", "What has happened since is not known any more: `detail` says how to start again."),
    (
        "PreconditionFailed",
        "412",
        "It was changed since it was read: `errors` names the fields that differ, `conflict` says by whom and when.",
    ),
    ("ContentTooLarge", "413", "The body is too large."),
    ("UnsupportedMediaType", "415", "The body's media type is not taken here."),
    ("UnprocessableContent", "422", "Some fields are not valid: `errors` lists them all."),
    ("TooManyRequests", "429", "Too many requests: come back after `Retry-After` seconds."),
    ("InternalServerError", "500", "Something went wrong here; it is logged under the request's id."),
    ("ServiceUnavailable", "503", "Not available at the moment: come back after `Retry-After` seconds."),
    ("InsufficientStorage", "507", "The disk is full; nothing was written."),
];

pub fn responses() -> Value {
    let mut responses = Map::new();
    for (name, status, description) in PROBLEMS {
        let mut headers = json!({"X-Request-Id": {"$ref": "#/components/headers/RequestId"}});
        if ["429", "503"].contains(status) {
            headers["Retry-After"] = json!({"$ref": "#/components/headers/RetryAfter"});
        }
        limited(&mut headers);
        if *status == "401" {
            headers["WWW-Authenticate"] = json!({"$ref": "#/components/headers/WwwAuthenticate"});
        }
        let mut content = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
        if *status == "429" {
            content["application/problem+json"]["example"] = one_too_many();
        }
        responses.insert((*name).into(), json!({"description": description, "headers": headers, "content": content}));
    }
    let mut headers = json!({"Location": {"$ref": "#/components/headers/NewPlace"}, "X-Request-Id": {"$ref": "#/components/headers/RequestId"}});
    limited(&mut headers);
    let description = "It goes by another slug now: send the same request there, with its query.";
    responses.insert("PermanentRedirect".into(), json!({"description": description, "headers": headers}));
    let mut headers = json!({"ETag": {"$ref": "#/components/headers/ETag"}, "X-Request-Id": {"$ref": "#/components/headers/RequestId"}});
    limited(&mut headers);
    responses
        .insert("NotModified".into(), json!({"description": "It is what the client has already.", "headers": headers}));
    responses.into()
}

/// Adds what is said of the limit that the request counted against.
fn limited(headers: &mut Value) {
    headers["RateLimit"] = json!({"$ref": "#/components/headers/RateLimit"});
    headers["RateLimit-Policy"] = json!({"$ref": "#/components/headers/RateLimitPolicy"});
}

fn one_too_many() -> Value {
    json!({
        "type": "urn:stet:problem:rate_limited", "title": "Too many requests", "status": 429,
        "detail": "the limit `sign_in` is 20 requests in 60 seconds; come back in 3", "code": "rate_limited",
        "request_id": "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d", "errors": [],
    })
}

pub fn headers() -> Value {
    let text = |max: u32, pattern: &str| json!({"type": "string", "maxLength": max, "pattern": pattern});
    json!({
        "Elsewhere": {"description": "Where the browser is sent.", "schema": {"type": "string", "format": "uri", "maxLength": 8000}, "example": "https://desk.lantern.example/signed-in#code=4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A"},
        "ETag": {"description": "The tag of this representation: for `If-None-Match` and `If-Match`.", "schema": text(100, "^\"[!-~]+\"$"), "example": "\"3.9eb8722f-5d41402abc4b2a76\""},
        "IdempotentReplayed": {"description": "Given where the answer is the first one to the `Idempotency-Key`, once more.", "schema": {"type": "string", "enum": ["true"]}, "example": "true"},
        "LastModified": {"description": "When what it shows was last changed. What was taken away since shows in the `ETag` alone: ask with that.", "schema": text(40, "^[A-Za-z]{3}, .* GMT$"), "example": "Sun, 01 Mar 2026 08:30:00 GMT"},
        "Link": {"description": "The other pages (RFC 8288): `first`, `prev`, `next`. Left out where the filters make it longer than 8,000 characters.", "schema": text(8000, "^<.*$"), "example": "</api/v1/tags>; rel=\"first\""},
        "Location": {"description": "Where it is.", "schema": {"type": "string", "format": "uri-reference", "maxLength": 300}, "example": "/api/v1/tags/0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"},
        "NewPlace": {"description": "Where the same is found now, with the query of the request.", "schema": {"type": "string", "format": "uri-reference", "maxLength": 8000}, "example": "/api/v1/tags/open-source"},
        "RateLimit": {"description": "What is left of the limit that the request counted against (`r`), and the seconds until there is one more (`t`). Left out where no limits are set.", "schema": text(200, "^\"[a-z_]+\";r=[0-9]+;t=[0-9]+$"), "example": "\"reads\";r=5999;t=1"},
        "RateLimitPolicy": {"description": "The limit: so many requests at once (`q`), and as many anew in so many seconds (`w`), evenly.", "schema": text(200, "^\"[a-z_]+\";q=[0-9]+;w=[0-9]+$"), "example": "\"reads\";q=6000;w=60"},
        "RequestId": {"description": "The request's id: the client's, or one that was made.", "schema": text(128, "^[!-~]+$"), "example": "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"},
        "RetryAfter": {"description": "Seconds to wait.", "schema": {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86400}, "example": 1},
        "SetCookie": {"description": "What binds a sign-in at a provider to one browser, or takes it back.", "schema": text(4000, "^[ -~]*$"), "example": "__Host-stet_sign_in=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"},
        "WwwAuthenticate": {"description": "How to authenticate (RFC 6750).", "schema": text(300, "^Bearer.*$"), "example": "Bearer realm=\"stet\""},
    })
}

pub fn parameters() -> Value {
    let tags = |description: &str, name: &str| {
        json!({
            "name": name, "in": "header", "required": false, "description": description,
            "schema": {"type": "string", "maxLength": 1000, "pattern": "^[^\\x00-\\x1f\\x7f]*$"}, "example": "\"3.9eb8722f-5d41402abc4b2a76\"",
        })
    };
    json!({
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A name for this request: repeated within 24 hours, it is answered as the first time and not done again.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"}, "example": "8e03978e-40d5-43e8-bc93-6894a57f9324",
        },
        "IfMatch": tags("Do it only if it is as it was when this `ETag` was given; otherwise 412.", "If-Match"),
        "IfNoneMatch": tags("Answer 304 if this is still the `ETag`.", "If-None-Match"),
    })
}

/// Adds to each operation what it does not say of itself.
pub fn complete(document: &mut Value) {
    let known = ids(document);
    each_operation(document, |path, method, operation| {
        let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let signs_in = path.starts_with("/api/v1/auth/");
        let has_body = operation.contains_key("requestBody");
        let syndicated = operation.get("tags").is_some_and(|tags| tags[0] == "Syndication");
        operation.entry("security").or_insert_with(|| json!([]));
        let mut parameters = Vec::new();
        let sends_on = operation.get("responses").is_some_and(|responses| responses.get("302").is_some());
        match method {
            "get" if !sends_on => parameters.push("IfNoneMatch"),
            "post" if !signs_in => parameters.push("IdempotencyKey"),
            _ => {}
        }
        if ["patch", "put", "delete"].contains(&method) || id.starts_with("restore_") || id == "merge_tag" {
            parameters.push("IfMatch");
        }
        let list = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.extend(parameters.iter().map(|name| json!({"$ref": format!("#/components/parameters/{name}")})));
        }
        let writes = method != "get";
        let problems = PROBLEMS.iter().filter(|(name, ..)| match *name {
            "Unauthorized" => !["logout", "forgot_password"].contains(&id.as_str()) && path.starts_with("/api/"),
            // A token that its role asks more of is refused where none is needed, too.
            "Forbidden" => path.starts_with("/api/"),
            "NotAcceptable" => path.starts_with("/api/"),
            "NotFound" => path.contains('{'),
            "Conflict" => {
                writes && (!signs_in || ["set_up", "forgot_password", "confirm_email"].contains(&id.as_str()))
            }
            "Gone" => id == "list_changes",
            "PreconditionFailed" => parameters.contains(&"IfMatch"),
            "RequestTimeout" | "ContentTooLarge" | "UnsupportedMediaType" => has_body,
            "UnprocessableContent" => has_body || parameters.contains(&"IdempotencyKey"),
            "TooManyRequests" => class_of(&id) != Some(Class::Free),
            "InsufficientStorage" => writes || id == "get_readiness",
            _ => true,
        });
        let problems: Vec<_> = problems.collect();
        if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
            for (status, response) in responses.iter_mut() {
                add_headers(response, method, signs_in, &id);
                if status == "302" {
                    response["headers"]["Location"] = json!({"$ref": "#/components/headers/Elsewhere"});
                    response["headers"]["Set-Cookie"] = json!({"$ref": "#/components/headers/SetCookie"});
                }
                if syndicated {
                    response["headers"]["Last-Modified"] = json!({"$ref": "#/components/headers/LastModified"});
                }
            }
            if method == "get" && !sends_on {
                responses.insert("304".into(), json!({"$ref": "#/components/responses/NotModified"}));
            }
            // What may be named by a slug may have had another one.
            if path.contains("{ref}") {
                responses.insert("308".into(), json!({"$ref": "#/components/responses/PermanentRedirect"}));
            }
            for (name, status, _) in problems {
                responses.insert((*status).into(), json!({"$ref": format!("#/components/responses/{name}")}));
            }
            responses.sort_keys();
            if let Some(created) = responses.get_mut("201") {
                add_links(created, &id, &known);
            }
        }
        if method == "patch" {
            take_both_media_types(operation);
        }
        if ["publish_article", "create_preview"].contains(&id.as_str()) {
            operation["requestBody"]["required"] = json!(false);
        }
        add_sparse(operation);
    });
}

fn add_headers(response: &mut Value, method: &str, signs_in: bool, id: &str) {
    let has_content = response.get("content").is_some();
    let mut names = vec![("X-Request-Id", "RequestId")];
    if class_of(id) != Some(Class::Free) {
        names.extend([("RateLimit", "RateLimit"), ("RateLimit-Policy", "RateLimitPolicy")]);
    }
    if has_content && !signs_in {
        names.push(("ETag", "ETag"));
    }
    if id.starts_with("list_") || id == "search" {
        names.push(("Link", "Link"));
    }
    if id.starts_with("create_") {
        names.push(("Location", "Location"));
    }
    if method == "post" && !signs_in {
        names.push(("Idempotent-Replayed", "IdempotentReplayed"));
    }
    let headers =
        names.into_iter().map(|(name, to)| (name.to_owned(), json!({"$ref": format!("#/components/headers/{to}")})));
    if let Some(response) = response.as_object_mut() {
        response.insert("headers".into(), headers.collect::<Map<_, _>>().into());
    }
}

/// The ids of all operations.
fn ids(document: &mut Value) -> Vec<String> {
    let mut ids = Vec::new();
    each_operation(document, |_, _, operation| {
        ids.extend(operation.get("operationId").and_then(Value::as_str).map(str::to_owned));
    });
    ids
}

/// From what was created to what may be done with it.
fn add_links(created: &mut Value, id: &str, known: &[String]) {
    let name = id.trim_start_matches("create_");
    let parameters = match name {
        "api_key" | "comment" | "redirect" | "user" => json!({"id": "$response.body#/id"}),
        "correction" | "preview" => json!({"ref": "$response.body#/article_id", "id": "$response.body#/id"}),
        _ => json!({"ref": "$response.body#/id"}),
    };
    let link = |verb: &str| {
        let operation = format!("{verb}_{name}");
        let link = json!({"operationId": operation, "parameters": parameters, "description": format!("What was created, to {verb}.")});
        (operation, link)
    };
    if let Some(created) = created.as_object_mut() {
        let links =
            ["get", "update", "delete"].map(link).into_iter().filter(|(operation, _)| known.contains(operation));
        created.insert("links".into(), links.collect::<Map<_, _>>().into());
    }
}

fn take_both_media_types(operation: &mut Map<String, Value>) {
    let content =
        operation.get_mut("requestBody").and_then(|body| body.get_mut("content")).and_then(Value::as_object_mut);
    if let Some(content) = content
        && let Some(json) = content.shift_remove("application/json")
    {
        content.insert("application/merge-patch+json".into(), json.clone());
        content.insert("application/json".into(), json);
    }
}

/// With `fields` the answer holds only those: a representation of its own, so that the whole one may say what it always has.
fn add_sparse(operation: &mut Map<String, Value>) {
    let has_fields =
        operation.get("parameters").and_then(Value::as_array).is_some_and(|p| p.iter().any(|p| p["name"] == "fields"));
    let content =
        operation.get_mut("responses").and_then(|r| r.pointer_mut("/200/content")).and_then(Value::as_object_mut);
    if let Some(content) = content.filter(|_| has_fields) {
        let whole =
            content.get("application/json").and_then(|json| json.pointer("/schema/$ref")).and_then(Value::as_str);
        let name = whole.and_then(|whole| whole.rsplit('/').next()).unwrap_or_default().to_owned();
        content.insert(SPARSE.into(), json!({"schema": {"$ref": format!("#/components/schemas/Sparse{name}")}}));
    }
}

/// Gives each parameter and request body an example: its schema's, or the simplest value that the schema takes.
pub fn add_examples(document: &mut Value) {
    let schemas = document.pointer("/components/schemas").cloned().unwrap_or_default();
    each_operation(document, |_, _, operation| {
        for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            let example = parameter.get("schema").map(|schema| example_of(schema, &schemas));
            if let (Some(parameter), Some(example)) = (parameter.as_object_mut(), example) {
                parameter.entry("example").or_insert(example);
            }
        }
        let content =
            operation.get_mut("requestBody").and_then(|body| body.get_mut("content")).and_then(Value::as_object_mut);
        for media in content.into_iter().flat_map(|content| content.values_mut()) {
            let example = media.get("schema").map(|schema| example_of(schema, &schemas));
            if let (Some(media), Some(example)) = (media.as_object_mut(), example) {
                media.entry("example").or_insert(example);
            }
        }
    });
}

fn example_of(schema: &Value, schemas: &Value) -> Value {
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|r| r.rsplit('/').next()) {
        return example_of(&schemas[name], schemas);
    }
    let given = schema.pointer("/examples/0").or_else(|| schema.get("default")).or_else(|| schema.pointer("/enum/0"));
    if let Some(given) = given {
        return given.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => json!(false),
        Some("integer") => schema.get("minimum").cloned().unwrap_or(json!(1)),
        Some("array") => schema.get("items").map_or(json!([]), |items| json!([example_of(items, schemas)])),
        Some("object") => json!({}),
        _ => json!("AZGlwHsefDqfAD1eihssTW4AAAAAaAAA"),
    }
}
