//! Answers as a document shows them: JSON that `…` shortens, held against the real ones.
//!
//! A text that ends in `…` goes on, an array that ends in `…` has more items, an object with `…` has more fields.

use serde_json::Value;

/// Reads the answers that stand one after another in a block.
pub fn parse(block: &str) -> Vec<Value> {
    let json = quoted(block);
    serde_json::Deserializer::from_str(&json)
        .into_iter()
        .map(|value| value.unwrap_or_else(|e| panic!("{e} in the answer that is shown:\n{json}")))
        .collect()
}

/// Puts each `…` that stands by itself into quotes, as an item or as a field, so that the block is JSON.
fn quoted(block: &str) -> String {
    let (mut json, mut open, mut in_text, mut escaped) = (String::new(), Vec::new(), false, false);
    for c in block.chars() {
        match c {
            '…' if !in_text => json.push_str(if open.last() == Some(&'{') { "\"…\": null" } else { "\"…\"" }),
            _ => json.push(c),
        }
        match c {
            '"' if !escaped => in_text = !in_text,
            '{' | '[' if !in_text => open.push(c),
            '}' | ']' if !in_text => drop(open.pop()),
            _ => {}
        }
        escaped = c == '\\' && !escaped;
    }
    json
}

/// Panics where the real answer is not as it is shown.
pub fn assert_agrees(shown: &Value, real: &Value) {
    if let Some(difference) = difference(shown, real, "") {
        panic!("{difference}\nshown: {shown:#}\nreal: {real:#}");
    }
}

fn difference(shown: &Value, real: &Value, place: &str) -> Option<String> {
    let each = |mut pairs: Vec<(String, &Value, &Value)>| {
        pairs.drain(..).find_map(|(key, shown, real)| difference(shown, real, &format!("{place}/{key}")))
    };
    match (shown, real) {
        (Value::String(shown), Value::String(real)) if shown.ends_with('…') => {
            let beginning = shown.trim_end_matches('…');
            (!real.starts_with(beginning)).then(|| format!("{place}: it does not begin with {beginning:?}"))
        }
        (Value::Object(shown), Value::Object(real)) => {
            let missing = real.keys().find(|key| !shown.contains_key(*key) && !shown.contains_key("…"));
            if let Some(key) = missing {
                return Some(format!("{place}: {key} is left out without a …"));
            }
            let pairs = shown.iter().filter(|(key, _)| *key != "…");
            each(pairs.map(|(key, value)| (key.clone(), value, real.get(key).unwrap_or(&ABSENT))).collect())
        }
        (Value::Array(shown), Value::Array(real)) => {
            let (items, more) = match shown.split_last() {
                Some((last, items)) if last == "…" => (items, true),
                _ => (shown.as_slice(), false),
            };
            if real.len() < items.len() || (!more && real.len() > items.len()) {
                return Some(format!("{place}: there are {} items", real.len()));
            }
            each(items.iter().zip(real).enumerate().map(|(i, (shown, real))| (i.to_string(), shown, real)).collect())
        }
        _ => (shown != real).then(|| format!("{place}: it is {real}")),
    }
}

/// Stands for a field that is not there; `null` is shown of fields that are.
const ABSENT: Value = Value::Bool(false);

#[test]
fn a_difference_is_found_wherever_it_is() {
    let differs = |shown: &str, real: Value| difference(&parse(shown)[0], &real, "").is_some();
    let real = serde_json::json!({"id": "7f", "tags": [1, 2], "n": null});
    for good in [r#"{"id": "…", …}"#, r#"{"tags": [1, …], …}"#, r#"{"id": "7…", "tags": [1, 2], "n": null}"#]
    {
        assert!(!differs(good, real.clone()), "{good}");
    }
    for wrong in [r#"{"id": "8…", …}"#, r#"{"id": "7f"}"#, r#"{"tags": [1], …}"#, r#"{"x": null, …}"#, r#"{"n": 1, …}"#]
    {
        assert!(differs(wrong, real.clone()), "{wrong}");
    }
}
