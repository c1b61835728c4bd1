//! JSON bodies: read strictly, and refused with every mistake at once.

use super::mistakes::mistake;
use crate::error::{Code, Error, FieldError, Result};
use actix_web::{
    FromRequest, HttpMessage, HttpRequest,
    dev::Payload,
    web::{Bytes, BytesMut},
};
use aws_lc_rs::digest::{SHA256, digest};
use futures_util::StreamExt;
use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};
use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};
use utoipa::{PartialSchema, ToSchema};

/// The largest body, in bytes.
pub const MAX_BODY: usize = 2 * 1024 * 1024;
/// Mistakes listed in one answer at the most.
const MAX_MISTAKES: usize = 50;

/// A body of JSON that is a valid `T`, and the digest that an idempotency key holds it to.
pub struct Json<T> {
    pub value: T,
    pub digest: Digest,
}

/// SHA-256 of a body.
pub type Digest = [u8; 32];

impl<T: DeserializeOwned + ToSchema + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(extract(request, payload, || None))
    }
}

/// The same, or no body at all: then it is `T`'s default.
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + ToSchema + Default + 'static> FromRequest for OptionalJson<T> {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = extract(request, payload, || Some(T::default()));
        Box::pin(async { Ok(Self(body.await?.value)) })
    }
}

/// Reads a body; `absent` stands for one that was left out.
fn extract<T: DeserializeOwned + ToSchema>(
    request: &HttpRequest,
    payload: &mut Payload,
    absent: fn() -> Option<T>,
) -> impl Future<Output = Result<Json<T>>> + use<T> {
    let accepted = accept(request, &["application/json"]);
    let body = read(request, payload);
    async move {
        let body = body.await?;
        let value = match absent() {
            Some(value) if body.is_empty() => value,
            _ => accepted.and_then(|()| from_value(strict(&body)?))?,
        };
        Ok(Json { value, digest: digest_of(&body) })
    }
}

pub fn digest_of(body: &[u8]) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, body).as_ref());
    bytes
}

/// Refuses a body of another media type than `allowed`, or in another charset than UTF-8.
pub fn accept(request: &HttpRequest, allowed: &[&str]) -> Result<()> {
    let given = request.content_type();
    let utf8 = || request.encoding().is_ok_and(|e| e.name() == "UTF-8");
    if allowed.iter().any(|a| given.eq_ignore_ascii_case(a)) && utf8() {
        return Ok(());
    }
    let detail = format!("send {} in UTF-8", allowed.join(" or "));
    let header = if request.method() == "PATCH" { "accept-patch" } else { "accept-post" };
    Err(Error::with(Code::UnsupportedMediaType, detail)
        .header(actix_web::http::header::HeaderName::from_static(header), allowed.join(", ")))
}

/// Reads the whole body, up to the bound.
pub fn read(request: &HttpRequest, payload: &mut Payload) -> impl Future<Output = Result<Bytes>> + use<> {
    let announced = request.headers().get("content-length").and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let mut payload = payload.take();
    async move {
        let too_large = || Error::with(Code::BodyTooLarge, format!("a body has at most {MAX_BODY} bytes"));
        if announced.is_some_and(|n| n > MAX_BODY) {
            return Err(too_large());
        }
        let mut body = BytesMut::with_capacity(announced.unwrap_or(1024));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|e| {
                Error::with(Code::BadRequest, "the body could not be read").because(anyhow::anyhow!("{e}"))
            })?;
            if body.len() + chunk.len() > MAX_BODY {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }
}

/// Reads JSON and refuses what lax readers let pass: a key given twice, and anything behind the value.
pub fn strict(body: &[u8]) -> Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value = Strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    value.map_err(|e| {
        let text = e.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        Error::with(Code::MalformedJson, format!("line {}, column {}: {text}", e.line(), e.column()))
    })
}

/// Reads a `T`, or says everything that is wrong.
///
/// Serde stops at the first mistake. To find the others, the wrong value is replaced by the one in the schema's
/// example (or left out), and the body is read again.
pub fn from_value<T: DeserializeOwned + PartialSchema>(mut value: Value) -> Result<T> {
    let mut mistakes: Vec<FieldError> = Vec::new();
    let example = example_of::<T>();
    lists_for_objects(&mut value, &example, "", &mut mistakes);
    // Items that were taken out of lists: what stood behind them has moved up.
    let mut removed: Vec<(String, usize)> = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize(&value) {
            Ok(read) if mistakes.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(error) => error,
        };
        let mut found = mistake(error.path(), &error.inner().to_string());
        let pointer = std::mem::take(&mut found.pointer);
        found.pointer = as_sent(&pointer, &removed);
        let known = mistakes.iter().any(|m| m.pointer == found.pointer);
        if !known {
            mistakes.push(found);
        }
        if mistakes.len() >= MAX_MISTAKES {
            break;
        }
        match repair(&mut value, &pointer, &example, known) {
            Repair::Replaced => {}
            Repair::Removed(list, index) => removed.push((list, index)),
            Repair::None => break,
        }
    }
    Err(Error::invalid(mistakes))
}

/// The example in a body's schema, made once.
fn example_of<T: PartialSchema>() -> Arc<Value> {
    static KNOWN: LazyLock<Mutex<HashMap<&'static str, Arc<Value>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let example = known.entry(std::any::type_name::<T>()).or_insert_with(|| {
        let schema = serde_json::to_value(T::schema()).unwrap_or_default();
        Arc::new(schema.pointer("/examples/0").or_else(|| schema.get("example")).cloned().unwrap_or_default())
    });
    Arc::clone(example)
}

/// Serde reads a list as an object whose fields come in order; nobody means that. Where the example has an object and
/// the value a list, the list is a mistake, and the example's object takes its place.
fn lists_for_objects(value: &mut Value, example: &Value, pointer: &str, mistakes: &mut Vec<FieldError>) {
    if mistakes.len() >= MAX_MISTAKES {
        return;
    }
    match (&mut *value, example) {
        (Value::Array(_), Value::Object(_)) => {
            mistakes.push(FieldError::new(pointer, "invalid_type", "invalid type: a list, expected an object"));
            *value = example.clone();
        }
        (Value::Object(fields), Value::Object(examples)) => {
            for (name, example) in examples {
                if let Some(field) = fields.get_mut(name) {
                    lists_for_objects(field, example, &format!("{pointer}/{name}"), mistakes);
                }
            }
        }
        (Value::Array(items), Value::Array(examples)) => {
            if let Some(example) = examples.first().filter(|e| e.is_object()) {
                for (index, item) in items.iter_mut().enumerate() {
                    lists_for_objects(item, example, &format!("{pointer}/{index}"), mistakes);
                }
            }
        }
        _ => {}
    }
}

/// Where something stood before items above it were taken out of its list.
fn as_sent(pointer: &str, removed: &[(String, usize)]) -> String {
    let mut pointer = pointer.to_owned();
    for (list, index) in removed.iter().rev() {
        let Some(rest) = pointer.strip_prefix(list).and_then(|rest| rest.strip_prefix('/')) else { continue };
        let (at, below) = rest.split_once('/').map_or((rest, String::new()), |(at, below)| (at, format!("/{below}")));
        if let Some(at) = at.parse::<usize>().ok().filter(|at| at >= index) {
            pointer = format!("{list}/{}{below}", at + 1);
        }
    }
    pointer
}

/// What was done about a wrong value.
enum Repair {
    Replaced,
    /// An item is gone from a list.
    Removed(String, usize),
    None,
}

impl From<bool> for Repair {
    fn from(changed: bool) -> Self {
        if changed { Self::Replaced } else { Self::None }
    }
}

/// Puts the example's value in place of the wrong one; where that was tried or there is none, takes it away.
fn repair(value: &mut Value, pointer: &str, example: &Value, tried: bool) -> Repair {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return Repair::None };
    let key = key.replace("~1", "/").replace("~0", "~");
    let good = example_at(example, pointer).filter(|_| !tried);
    match (value.pointer_mut(parent), good) {
        (Some(Value::Object(fields)), Some(good)) => (fields.insert(key, good.clone()).as_ref() != Some(good)).into(),
        (Some(Value::Object(fields)), None) => fields.shift_remove(&key).is_some().into(),
        // In its place: what stands behind it keeps its number.
        (Some(Value::Array(items)), Some(good)) => {
            match key.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                Some(item) => (std::mem::replace(item, good.clone()) != *good).into(),
                None => Repair::None,
            }
        }
        (Some(Value::Array(items)), None) => match key.parse::<usize>() {
            Ok(index) if index < items.len() => {
                items.remove(index);
                Repair::Removed(parent.to_owned(), index)
            }
            _ => Repair::None,
        },
        _ => Repair::None,
    }
}

/// What the example has at a place; the first item of a list stands for all.
fn example_at<'a>(example: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(example, |value, key| match value {
        Value::Array(items) => items.first(),
        Value::Object(fields) => fields.get(&key.replace("~1", "/").replace("~0", "~")),
        _ => None,
    })
}

/// Builds a `Value` and refuses an object that has a key twice.
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Strict)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} stands twice in one object")));
            }
            let value = map.next_value_seed(Strict)?;
            fields.insert(key, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::{from_value, strict};
    use crate::values::{Line, Slug};
    use serde::Deserialize;
    use utoipa::ToSchema;

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    #[schema(example = json!({"name": "x", "slug": "x", "tags": ["a"], "n": 1}))]
    #[expect(dead_code, reason = "only read by serde")]
    struct Body {
        name: Line<1, 5>,
        slug: Slug,
        #[serde(default)]
        tags: Vec<Slug>,
        n: i32,
        note: Option<Line<1, 5>>,
        #[serde(default)]
        related: Vec<Slug>,
    }

    #[test]
    fn all_mistakes_are_found_at_once() {
        let body =
            br#"{"name": "too long a name", "tags": ["ok", "NO", "x", "NO!"], "n": "1", "note": 7, "extra": {"a": 1},
                "related": ["NO", "ok", "No", "No", "ok", "nO"]}"#;
        let error = from_value::<Body>(strict(body).unwrap()).unwrap_err();
        let mut found: Vec<_> = error.errors().iter().map(|e| (e.pointer.as_str(), e.code.as_ref())).collect();
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("/extra", "unknown_field"),
                ("/n", "invalid_type"),
                ("/name", "too_long"),
                ("/note", "invalid_type"),
                ("/related/0", "invalid_slug"),
                ("/related/2", "invalid_slug"),
                ("/related/3", "invalid_slug"),
                ("/related/5", "invalid_slug"),
                ("/slug", "required"),
                ("/tags/1", "invalid_slug"),
                ("/tags/3", "invalid_slug"),
            ]
        );
    }

    #[test]
    fn what_lax_readers_let_pass_is_refused() {
        for body in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":1}}"#,
            "{} {}",
            "",
            "{",
            r#""\ud800""#,
            "[1,]",
            "NaN",
            &"[".repeat(200),
        ] {
            assert!(strict(body.as_bytes()).is_err(), "{body}");
        }
        let error = strict(b"{\n  \"a\": trie\n}").unwrap_err();
        assert!(error.to_string().starts_with("line 2, column "), "{error}");
    }
}
