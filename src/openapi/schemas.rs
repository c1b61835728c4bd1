//! The schemas: what utoipa leaves open, closed; what it repeats, said once.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Fields of answers that are not always there; all others are.
const OPTIONAL: &[(&str, &[&str])] = &[
    ("ApiKey", &["token"]),
    ("Article", &["body", "corrections", "related", "latest", "highlights", "thread"]),
    ("AuthorPage", &["latest", "first_published_at", "last_published_at"]),
    ("Body", &["source"]),
    ("Change", &["article", "author", "section", "tag"]),
    ("Comment", &["body", "email", "replies"]),
    ("FeedAuthor", &["avatar"]),
    ("FeedItem", &["content_html", "content_text", "image"]),
    ("Invitation", &["token"]),
    ("JsonFeed", &["description", "icon"]),
    ("PageInfo", &["total"]),
    ("Preview", &["url", "token"]),
    ("Problem", &["conflict"]),
    ("Facets", &["section", "tag", "author", "year"]),
    ("Revision", &["body_html", "content", "diff"]),
    ("SearchResults", &["facets"]),
    ("User", &["invitation"]),
    ("ValueChange", &["before", "after"]),
];

/// Schemas of text and numbers with bounds are written where they are used.
const INLINED: [&str; 3] = ["Line", "Prose", "Whole"];

/// Brings the schemas into the form that all generators and linters take.
pub fn complete(document: &mut Value) {
    let inputs = reachable(document, |key| key == "requestBody");
    let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) else { return };
    for (name, schema) in schemas.iter_mut() {
        if let Some(schema) = schema.as_object_mut() {
            if let Some(example) = schema.shift_remove("example") {
                schema.insert("examples".into(), json!([example]));
            }
            if !inputs.contains(name) {
                require_all(name, schema);
            }
        }
    }
    loosen(schemas);
    let sparse: Vec<_> = schemas.iter().filter_map(|(name, schema)| sparse(name, schema)).collect();
    schemas.extend(sparse);
    let bounded: Map<_, _> =
        schemas.iter().filter(|(name, _)| is_inlined(name)).map(|(n, s)| (n.clone(), s.clone())).collect();
    inline(document, &bounded);
    mend(document);
}

fn is_inlined(name: &str) -> bool {
    INLINED
        .iter()
        .any(|kind| name.strip_prefix(kind).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())))
}

fn require_all(name: &str, schema: &mut Map<String, Value>) {
    let optional = OPTIONAL.iter().find(|(n, _)| *n == name).map_or(&[] as &[&str], |(_, fields)| fields);
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        let required: Vec<_> = properties.keys().filter(|field| !optional.contains(&field.as_str())).cloned().collect();
        schema.insert("required".into(), json!(required));
    }
}

/// A merge patch (RFC 7396) gives what it changes: nothing is required, null takes away what need not be there, and what it says
/// of an object within another is a merge patch, too.
fn loosen(schemas: &mut Map<String, Value>) {
    let mut waiting: Vec<String> = schemas.keys().filter(|name| name.ends_with("Changes")).cloned().collect();
    while let Some(name) = waiting.pop() {
        let Some(mut schema) = schemas.get(&name).cloned() else { continue };
        let required = schema.as_object_mut().and_then(|fields| fields.shift_remove("required")).unwrap_or_default();
        let required: Vec<String> = serde_json::from_value(required).unwrap_or_default();
        for (field, property) in schema["properties"].as_object_mut().into_iter().flatten() {
            if !required.contains(field) {
                allow_null(property);
            }
            let choices = match property.get_mut("oneOf") {
                Some(Value::Array(choices)) => choices.as_mut_slice(),
                _ => std::slice::from_mut(property),
            };
            for choice in choices {
                let Some(part) = choice["$ref"].as_str().and_then(|target| target.rsplit('/').next()) else { continue };
                let Some(loose) = schemas.get(part).filter(|part| part["required"].is_array()).cloned() else {
                    continue;
                };
                let changes = format!("{}Changes", part.strip_prefix("New").unwrap_or(part));
                choice["$ref"] = json!(format!("#/components/schemas/{changes}"));
                if !schemas.contains_key(&changes) {
                    schemas.insert(changes.clone(), loose);
                    waiting.push(changes);
                }
            }
        }
        schemas.insert(name, schema);
    }
}

fn allow_null(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    if let Some(target) = fields.shift_remove("$ref") {
        fields.insert("oneOf".into(), json!([{"$ref": target}, {"type": "null"}]));
    } else if let Some(kind) = fields.get("type").filter(|kind| kind.is_string()).cloned() {
        fields.insert("type".into(), json!([kind, "null"]));
        if let Some(Value::Array(values)) = fields.get_mut("enum") {
            values.push(Value::Null);
        }
    }
}

/// The same resource or page with nothing required, for answers to `fields=`.
fn sparse(name: &str, schema: &Value) -> Option<(String, Value)> {
    if !["Article", "Author", "Section", "Tag", "User"].contains(&name.trim_end_matches("List")) {
        return None;
    }
    let mut schema = schema.clone();
    let fields = schema.as_object_mut()?;
    if let Some(item) = name.strip_suffix("List") {
        *schema.pointer_mut("/properties/data/items/$ref")? = json!(format!("#/components/schemas/Sparse{item}"));
    } else {
        fields.shift_remove("required");
        fields.insert("description".into(), json!("Only the fields that `fields` asked for."));
    }
    Some((format!("Sparse{name}"), schema))
}

/// Writes bounded text and numbers where they are referred to, with what stands beside the reference.
fn inline(value: &mut Value, bounded: &Map<String, Value>) {
    match value {
        Value::Object(fields) => {
            let target =
                fields.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/components/schemas/"));
            if let Some(schema) = target.and_then(|name| bounded.get(name)).and_then(Value::as_object).cloned() {
                fields.shift_remove("$ref");
                for (key, value) in schema {
                    fields.entry(key).or_insert(value);
                }
            }
            fields.values_mut().for_each(|value| inline(value, bounded));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| inline(value, bounded)),
        _ => {}
    }
}

/// A nullable text is `type: [string, null]`; a single example stands in `examples`; a nullable enum allows null.
fn mend(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(schema) = nullable(fields) {
                let beside = std::mem::take(fields);
                *fields = schema;
                fields.extend(beside.into_iter().filter(|(key, _)| key != "oneOf"));
            }
            // Within a schema `example` is deprecated; parameters, headers and media types keep theirs.
            if fields.contains_key("type")
                && !fields.contains_key("in")
                && let Some(example) = fields.shift_remove("example")
            {
                fields.insert("examples".into(), json!([example]));
            }
            fields.values_mut().for_each(mend);
        }
        Value::Array(items) => items.iter_mut().for_each(mend),
        _ => {}
    }
}

/// `oneOf` of null and a plain text or number, as one schema.
fn nullable(fields: &Map<String, Value>) -> Option<Map<String, Value>> {
    let choices = fields.get("oneOf")?.as_array()?;
    let null = choices.iter().any(|choice| choice["type"] == "null");
    let plain = choices.iter().find(|choice| choice["type"].is_string() && choice["type"] != "null")?.as_object()?;
    let mut schema = plain.clone();
    let kind = schema.get("type")?.clone();
    (null && choices.len() == 2).then(|| {
        schema.insert("type".into(), json!([kind, "null"]));
        schema
    })
}

/// The schemas that are referred to, directly or not, from below keys that `enters` names.
fn reachable(document: &Value, enters: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = Vec::new();
    let paths = document.get("paths").cloned().unwrap_or_default();
    entrances(&paths, &enters, &mut waiting);
    while let Some(name) = waiting.pop() {
        if found.insert(name.clone())
            && let Some(schema) = document.pointer(&format!("/components/schemas/{name}"))
        {
            references(schema, &mut waiting);
        }
    }
    found
}

fn entrances(value: &Value, enters: &impl Fn(&str) -> bool, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                if enters(key) { references(value, found) } else { entrances(value, enters, found) }
            }
        }
        Value::Array(items) => items.iter().for_each(|value| entrances(value, enters, found)),
        _ => {}
    }
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            let target =
                fields.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix("#/components/schemas/"));
            found.extend(target.map(str::to_owned));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// Takes away the components that nothing refers to, and sorts the rest by name.
pub fn prune(document: &mut Value) {
    let mut used = reachable(document, |key| ["requestBody", "responses", "parameters"].contains(&key));
    let mut waiting = Vec::new();
    for kind in ["responses", "parameters", "headers"] {
        references(&document["components"][kind], &mut waiting);
    }
    while let Some(name) = waiting.pop() {
        if used.insert(name.clone())
            && let Some(schema) = document.pointer(&format!("/components/schemas/{name}"))
        {
            references(schema, &mut waiting);
        }
    }
    if let Some(schemas) = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut) {
        schemas.retain(|name, _| used.contains(name) && !is_inlined(name));
        schemas.sort_keys();
    }
}
