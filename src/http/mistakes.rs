//! Turns what serde says into mistakes that a client can act on.

use crate::{error::FieldError, values::SEPARATOR};

/// The stable code and the message in an error of serde's, which only carries text.
pub fn explain(text: &str) -> (String, String) {
    // A text that repeats what the client sent may have the separator, too, but no code before it.
    let is_code = |code: &str| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if let Some((code, message)) = text.split_once(SEPARATOR).filter(|(code, _)| is_code(code)) {
        return (code.to_owned(), message.to_owned());
    }
    let code = match text {
        t if t.starts_with("missing field") => "required",
        t if t.starts_with("unknown field") => "unknown_field",
        t if t.starts_with("unknown variant") => "not_allowed",
        t if t.starts_with("duplicate field") => "duplicate",
        t if t.starts_with("invalid type") => "invalid_type",
        t if t.starts_with("invalid length") => "invalid_length",
        _ => "invalid",
    };
    (code.to_owned(), in_words(text))
}

/// The same for people who do not know how the program is written.
fn in_words(text: &str) -> String {
    let wrong = ["invalid type: ", "invalid value: "].iter().find_map(|kind| text.strip_prefix(kind));
    if let Some((is, due)) = wrong.and_then(|text| text.rsplit_once(", expected ")) {
        return format!("it should be {}, not {}", due_in_words(due), found_in_words(is));
    }
    match text {
        "invalid digit found in string" | "cannot parse integer from empty string" => "it is a whole number".to_owned(),
        "number too large to fit in target type" | "number too small to fit in target type" => {
            "the number is out of range".to_owned()
        }
        "provided string was not `true` or `false`" => "it is `true` or `false`".to_owned(),
        text => text.replacen("unknown variant", "unknown value", 1),
    }
}

fn due_in_words(due: &str) -> &str {
    match due {
        "a map" => "an object",
        due if due.starts_with("struct ") => "an object",
        "a sequence" => "a list",
        "a string" | "string or map" => "text",
        "a boolean" => "true or false",
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" => "a whole number",
        "f32" | "f64" => "a number",
        due => due,
    }
}

fn found_in_words(found: &str) -> String {
    match found.split_once(' ') {
        None if found == "map" => "an object".to_owned(),
        None if found == "sequence" => "a list".to_owned(),
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer", number)) => format!("the number {number}"),
        Some(("floating", number)) => format!("the number {}", number.trim_start_matches("point ")),
        Some(("boolean", truth)) => truth.to_owned(),
        _ => found.to_owned(),
    }
}

/// The name between the first pair of backticks: the field that serde speaks of.
pub fn named(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// A key as it stands in a JSON Pointer (RFC 6901).
pub fn pointer_key(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A JSON Pointer to a place that serde met, with the field a message is about where that lies deeper.
pub fn pointer(path: &serde_path_to_error::Path, text: &str) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    let mut push = |part: &str| {
        pointer.push('/');
        pointer.push_str(&pointer_key(part));
    };
    let mut last = None;
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&index.to_string()),
            Segment::Map { key } => {
                push(key);
                last = Some(key.as_str());
            }
            Segment::Enum { variant } => push(variant),
            Segment::Unknown => {}
        }
    }
    let inner = text.starts_with("missing field") || text.starts_with("unknown field");
    if let Some(name) = named(text)
        && inner
        && last != Some(name)
    {
        push(name);
    }
    pointer
}

/// A mistake at its place.
pub fn mistake(path: &serde_path_to_error::Path, text: &str) -> FieldError {
    let (code, message) = explain(text);
    FieldError::new(pointer(path, text), code, message)
}

#[cfg(test)]
mod tests {
    use super::explain;
    use crate::values::{Line, Ref, Whole};
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Choice {
        One,
        Two,
    }

    #[derive(Debug, serde::Deserialize)]
    struct Inner {}

    fn told<T: DeserializeOwned + std::fmt::Debug>(value: Value) -> String {
        explain(&serde_json::from_value::<T>(value).unwrap_err().to_string()).1
    }

    #[test]
    fn a_wrong_type_is_told_in_plain_words() {
        assert_eq!(told::<Inner>(json!(null)), "it should be an object, not null");
        assert_eq!(told::<Line<1, 9>>(json!(7)), "it should be text, not the number `7`");
        assert_eq!(told::<Line<1, 9>>(json!({})), "it should be text, not an object");
        assert_eq!(told::<Vec<Ref>>(json!("a, expected b")), "it should be a list, not the text \"a, expected b\"");
        assert_eq!(told::<Whole<1, 9>>(json!(1.5)), "it should be a whole number, not the number `1.5`");
        assert_eq!(told::<bool>(json!([true])), "it should be true or false, not a list");
        assert_eq!(told::<Choice>(json!("six")), "unknown value `six`, expected `one` or `two`");
        assert_eq!(told::<Choice>(json!(6)), "it should be text, not the number `6`");
        assert_eq!(told::<Vec<Choice>>(json!(false)), "it should be a list, not `false`");
    }
}
