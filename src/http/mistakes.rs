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
    (code.to_owned(), text.to_owned())
}

/// The name between the first pair of backticks: the field that serde speaks of.
pub fn named(text: &str) -> Option<&str> {
    text.split('`').nth(1)
}

/// A JSON Pointer (RFC 6901) to a place that serde met, with the field a message is about where that lies deeper.
pub fn pointer(path: &serde_path_to_error::Path, text: &str) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    let mut push = |part: &str| {
        pointer.push('/');
        pointer.push_str(&part.replace('~', "~0").replace('/', "~1"));
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
