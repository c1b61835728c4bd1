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

/// Bytes of all its patterns, made ready to be matched: the time that a text takes grows with them.
const MAX_PATTERNS: usize = 256 * 1024;

/// A JSON Schema (2020-12) of at most 64 KiB and 2,000 parts. A `$ref` leads to another part of it, and not to itself. Values
/// are held to a `format`, too. Its patterns take no more than 256 KiB when they are made ready to be matched.
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
        count(&value, &value, &mut Vec::new(), &mut Size::default()).map_err(|m| Refusal::new("invalid_schema", m))?;
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
            .description(Some("A JSON Schema (2020-12) of at most 64 KiB and 2,000 parts. A `$ref` leads to another part of it, and not to itself. Values are held to a `format`, too. Its patterns take no more than 256 KiB when they are made ready to be matched."))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .examples([
                serde_json::json!({"type": "object", "properties": {"rating": {"type": "integer", "minimum": 1}}}),
            ])
            .into()
    }
}

impl ToSchema for JsonSchema {}

/// How large a schema is.
#[derive(Default)]
struct Size {
    parts: usize,
    patterns: usize,
}

/// Counts the parts of a schema with what is referred to in its place. What refers to itself has no end: by a few such
/// branches a value of a thousand bytes keeps a writer busy for hours.
fn count(root: &Value, part: &Value, way: &mut Vec<String>, size: &mut Size) -> Result<(), String> {
    match part {
        Value::Array(items) => items.iter().try_for_each(|item| count(root, item, way, size)),
        Value::Object(fields) => {
            size.parts += 1;
            if size.parts > MAX_PARTS {
                return Err(format!("with its references followed, a schema has at most {MAX_PARTS} parts"));
            }
            for pattern in patterns(fields) {
                size.patterns += made_ready(pattern)?;
                if size.patterns > MAX_PATTERNS {
                    return Err(format!("its patterns take more than {MAX_PATTERNS} bytes when they are made ready"));
                }
            }
            if fields.contains_key("$dynamicRef") || fields.contains_key("$recursiveRef") {
                return Err("the only reference in a schema is $ref".into());
            }
            if let Some(Value::String(reference)) = fields.get("$ref") {
                follow(root, reference, way, size)?;
            }
            fields.values().try_for_each(|value| count(root, value, way, size))
        }
        _ => Ok(()),
    }
}

/// The patterns in one part.
fn patterns(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let of_names = fields.get("patternProperties").and_then(Value::as_object).into_iter().flat_map(Map::keys);
    fields.get("pattern").and_then(Value::as_str).into_iter().chain(of_names.map(String::as_str))
}

/// The bytes that a pattern takes when it is made ready, rounded up to a power of two.
fn made_ready(pattern: &str) -> Result<usize, String> {
    let schema = serde_json::json!({"pattern": pattern});
    let fits = |size: &usize| {
        let patterns = PatternOptions::regex().size_limit(*size);
        jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns).build(&schema).is_ok()
    };
    let mut sizes = (8..).map(|power| 1 << power).take_while(|size| *size <= MAX_PATTERNS);
    sizes.find(fits).ok_or_else(|| {
        let shown: String = pattern.chars().take(100).collect();
        format!("`{shown}` is no pattern, or takes more than {MAX_PATTERNS} bytes when it is made ready")
    })
}

fn follow(root: &Value, reference: &str, way: &mut Vec<String>, size: &mut Size) -> Result<(), String> {
    let shown: String = reference.chars().take(100).collect();
    let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
    let Some(target) = target else {
        return Err(format!("`{shown}` leads nowhere: a $ref is a JSON Pointer into the schema, such as #/$defs/name"));
    };
    if way.iter().any(|known| known == reference) {
        return Err(format!("`{shown}` leads to itself: a schema has an end"));
    }
    way.push(reference.to_owned());
    count(root, target, way, size)?;
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
    fn patterns_that_take_long_to_match_are_refused() {
        let all_of = |pattern: &str, count: usize| {
            let each: Vec<Value> = (0..count).map(|n| json!({"pattern": format!("{pattern}{n}")})).collect();
            json!({"properties": {"a": {"allOf": each}}})
        };
        assert!(is_taken(all_of("[ab]*a[ab]{900}c", 2)));
        assert!(!is_taken(all_of("[ab]*a[ab]{900}c", 300)));
        assert!(!is_taken(all_of("[ab]*a[ab]{9000}c", 1)));
        let names = |count: usize| {
            let each: serde_json::Map<String, Value> =
                (0..count).map(|n| (format!("[ab]*a[ab]{{900}}c{n}"), json!({}))).collect();
            json!({"patternProperties": each})
        };
        assert!(is_taken(names(2)) && !is_taken(names(300)));
        // What a referred part has counts each time, and what newsrooms write is far from it.
        let often: Vec<Value> = (0..20).map(|_| json!({"$ref": "#/$defs/slow"})).collect();
        assert!(!is_taken(json!({"$defs": {"slow": {"pattern": "[ab]*a[ab]{900}c"}}, "allOf": often})));
        let usual =
            [r"^\w+$", r"^[A-Z]{2}\d{6}$", r"^https://[^\s]+$", r"^\S+@\S+$", r"^.{1,1000}$", r"^(\w+\s?){1,10}$"];
        let usual: Vec<Value> = usual.iter().cycle().take(30).map(|pattern| json!({"pattern": pattern})).collect();
        assert!(is_taken(json!({"anyOf": usual})));
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
