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

/// A JSON Schema (2020-12) of at most 64 KiB, without references to other documents.
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
            .description(Some("A JSON Schema (2020-12) of at most 64 KiB, without references to other documents."))
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)))
            .examples([
                serde_json::json!({"type": "object", "properties": {"rating": {"type": "integer", "minimum": 1}}}),
            ])
            .into()
    }
}

impl ToSchema for JsonSchema {}

/// Patterns are matched in linear time, so that no text can keep a writer busy.
pub fn compile(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(PatternOptions::regex());
    options.build(schema).map_err(|error| format!("it is not a JSON Schema (2020-12) that can be used here: {error}"))
}

/// A message of a bounded length.
pub fn shortened(message: &str) -> String {
    message.chars().take(500).collect()
}
