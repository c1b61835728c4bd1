//! Reads a value from JSON, or says everything that is wrong with it.

use super::mistakes::mistake;
use crate::error::{Error, FieldError, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};
use utoipa::PartialSchema;

/// Mistakes listed in one answer at the most.
const MAX_MISTAKES: usize = 50;
/// Values that are read to find them, all rounds together: in a body of thousands no more than the first are looked for.
const MAX_READ: usize = 500_000;

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
    let mut rounds = None;
    loop {
        let error = match serde_path_to_error::deserialize(&value) {
            Ok(read) if mistakes.is_empty() => return Ok(read),
            Ok(_) => break,
            Err(error) => error,
        };
        let mut found = mistake(error.path(), &error.inner().to_string());
        if value.pointer_mut(&found.pointer).is_some_and(made_whole) {
            continue;
        }
        let pointer = std::mem::take(&mut found.pointer);
        found.pointer = as_sent(&pointer, &removed);
        let known = mistakes.iter().any(|m| m.pointer == found.pointer);
        if !known {
            mistakes.push(found);
        }
        if mistakes.len() >= *rounds.get_or_insert_with(|| MAX_MISTAKES.min(MAX_READ / count(&value))) {
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

/// A value and all that stand in it.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Up to here a float is exactly the whole number that it says.
const WHOLE: f64 = 9_007_199_254_740_992.0;

/// Makes `1` of `1.0` where that was refused: to JSON Schema, and so to every client made from the document, it is a whole
/// number.
fn made_whole(value: &mut Value) -> bool {
    let float = value.as_f64().filter(|_| value.is_f64());
    let Some(whole) = float.filter(|float| float.fract() == 0.0 && float.abs() < WHOLE) else { return false };
    *value = (whole as i64).into();
    true
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
            mistakes.push(FieldError::new(pointer, "invalid_type", "it should be an object, not a list"));
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

#[cfg(test)]
mod tests {
    use super::from_value;
    use crate::{
        http::json::strict,
        values::{Line, Slug},
    };
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
    fn a_whole_number_may_be_written_as_a_float() {
        let read = |n: &str| {
            from_value::<Body>(strict(format!(r#"{{"name": "x", "slug": "x", "n": {n}}}"#).as_bytes()).unwrap())
        };
        assert_eq!([read("2.0"), read("-2e3"), read("-0.0")].map(|read| read.unwrap().n), [2, -2000, 0]);
        for wrong in ["1.5", "1e300", "2147483648.0"] {
            assert_eq!(read(wrong).unwrap_err().errors().len(), 1, "{wrong}");
        }
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
}
