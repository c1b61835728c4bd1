//! JSON Schemas that come from outside.

use crate::values::Refusal;
use jsonschema::{Draft, PatternOptions, Validator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type, schema::AdditionalProperties},
};

/// Bytes of a schema as JSON.
const MAX_BYTES: usize = 64 * 1024;
/// Objects of a schema, with what each `$ref` leads to in its place: a bound on the ways in which one value can be looked at.
const MAX_PARTS: usize = 2000;

/// A JSON Schema (2020-12) of at most 64 KiB and 2,000 parts. A `$ref` leads to another part of it, and not to itself. Values
/// are held to a `format`, too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>", into = "Map<String, Value>")]
pub struct JsonSchema(Map<String, Value>);

impl TryFrom<Map<String, Value>> for JsonSchema {
    type Error = Refusal;

    fn try_from(schema: Map<String, Value>) -> Result<Self, Refusal> {
        if serde_json::to_vec(&schema).map_or(usize::MAX, |json| json.len()) > MAX_BYTES {
            return Err(Refusal::new("too_long", format!("a schema has at most {MAX_BYTES} bytes as JSON")));
        }
        let value = Value::Object(schema);
        if let Err(error) = jsonschema::draft202012::meta::validate(&value) {
            let message = format!("it is not a JSON Schema (2020-12): at `{}` {error}", error.instance_path());
            return Err(Refusal::new("invalid_schema", shortened(&message)));
        }
        let mut parts = 0;
        count(&value, &value, &mut Vec::new(), &mut parts).map_err(|m| Refusal::new("invalid_schema", m))?;
        compile(&value).map_err(|message| Refusal::new("invalid_schema", shortened(&message)))?;
        match value {
            Value::Object(schema) => Ok(Self(schema)),
            _ => Err(Refusal::new("invalid_schema", "a schema is an object")),
        }
    }
}

impl From<JsonSchema> for Map<String, Value> {
    fn from(schema: JsonSchema) -> Self {
        schema.0
    }
}

impl PartialSchema for JsonSchema {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some("A JSON Schema (2020-12) of at most 64 KiB and 2,000 parts. A `$ref` leads to another part of it, and not to itself. Values are held to a `format`, too."))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .examples([
                serde_json::json!({"type": "object", "properties": {"rating": {"type": "integer", "minimum": 1}}}),
            ])
            .into()
    }
}

impl ToSchema for JsonSchema {}

/// Counts the parts of a schema with what is referred to in its place. What refers to itself has no end: by a few such
/// branches a value of a thousand bytes keeps a writer busy for hours.
fn count(root: &Value, part: &Value, way: &mut Vec<String>, parts: &mut usize) -> Result<(), String> {
    match part {
        Value::Array(items) => items.iter().try_for_each(|item| count(root, item, way, parts)),
        Value::Object(fields) => {
            *parts += 1;
            if *parts > MAX_PARTS {
                return Err(format!("with its references followed, a schema has at most {MAX_PARTS} parts"));
            }
            if fields.contains_key("$dynamicRef") || fields.contains_key("$recursiveRef") {
                return Err("the only reference in a schema is $ref".into());
            }
            if let Some(Value::String(reference)) = fields.get("$ref") {
                follow(root, reference, way, parts)?;
            }
            fields.values().try_for_each(|value| count(root, value, way, parts))
        }
        _ => Ok(()),
    }
}

fn follow(root: &Value, reference: &str, way: &mut Vec<String>, parts: &mut usize) -> Result<(), String> {
    let shown: String = reference.chars().take(100).collect();
    let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
    let Some(target) = target else {
        return Err(format!("`{shown}` leads nowhere: a $ref is a JSON Pointer into the schema, such as #/$defs/name"));
    };
    if way.iter().any(|known| known == reference) {
        return Err(format!("`{shown}` leads to itself: a schema has an end"));
    }
    way.push(reference.to_owned());
    count(root, target, way, parts)?;
    way.pop();
    Ok(())
}

/// Patterns are matched in linear time, so that no text can keep a writer busy. A `format` is more than a remark.
pub fn compile(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(PatternOptions::regex());
    options
        .should_validate_formats(true)
        .build(schema)
        .map_err(|error| format!("it is not a JSON Schema (2020-12) that can be used here: {error}"))
}

/// A message of a bounded length.
pub fn shortened(message: &str) -> String {
    message.chars().take(500).collect()
}

#[cfg(test)]
mod tests {
    use super::JsonSchema;
    use serde_json::{Value, json};

    fn is_taken(schema: Value) -> bool {
        JsonSchema::try_from(schema.as_object().unwrap().clone()).is_ok()
    }

    #[test]
    fn no_schema_multiplies_without_end() {
        let twice = |to: &str| json!({"allOf": [{"$ref": to}, {"$ref": to}]});
        let chain = |length: usize| {
            let mut parts: serde_json::Map<String, Value> =
                (0..length).map(|n| (format!("d{n}"), twice(&format!("#/$defs/d{}", n + 1)))).collect();
            parts.insert(format!("d{length}"), json!({"type": "object"}));
            json!({"$defs": parts, "$ref": "#/$defs/d0"})
        };
        assert!(is_taken(chain(3)));
        assert!(!is_taken(chain(25)));
        let block = json!({"$defs": {"block": {"properties": {"children": {"items": {"$ref": "#/$defs/block"}}}}}, "$ref": "#/$defs/block"});
        assert!(!is_taken(block));
        assert!(!is_taken(json!({"properties": {"a": {"$ref": "#"}}})));
        assert!(!is_taken(json!({"$dynamicRef": "#a"})));
        assert!(is_taken(json!({"$defs": {"a~b": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/a~0b"}}})));
    }
}
