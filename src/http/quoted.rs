//! Long text as JSON: looked through in steps of many bytes, where serde_json takes each byte by itself.

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

/// Text that is long: the body of an article.
#[derive(Debug, Clone)]
pub struct Quoted(pub String);

/// Bytes that are looked at together.
const STEP: usize = 32;

impl Serialize for Quoted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

/// For fields of another type: `#[serde(serialize_with = "quoted::serialize")]`.
pub fn serialize<S: Serializer>(text: &impl AsRef<str>, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(quoted(text.as_ref())).map_err(S::Error::custom)?.serialize(serializer)
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + text.len() / 16 + 2);
    json.push('"');
    let mut rest = text;
    loop {
        let (plain, behind) = rest.split_at(plain(rest.as_bytes()));
        json.push_str(plain);
        let mut behind = behind.chars();
        match behind.next() {
            None => break,
            Some('"') => json.push_str("\\\""),
            Some('\\') => json.push_str("\\\\"),
            Some('\n') => json.push_str("\\n"),
            Some(c) => json.push_str(&format!("\\u{:04x}", u32::from(c))),
        }
        rest = behind.as_str();
    }
    json.push('"');
    json
}

/// How many bytes at the beginning stand in JSON as they are.
fn plain(text: &[u8]) -> usize {
    let escaped = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    // Without a way out of the loop over a step, the compiler looks at all its bytes at once.
    let steps =
        text.chunks_exact(STEP).take_while(|step| !step.iter().fold(false, |found, byte| found | escaped(byte)));
    let passed = steps.count() * STEP;
    text[passed..].iter().position(escaped).map_or(text.len(), |more| passed + more)
}

#[cfg(test)]
mod tests {
    use super::Quoted;

    #[test]
    fn it_is_what_serde_json_reads() {
        for text in [
            "",
            "plain",
            "\"",
            "a\"b\\c\nd\r\te\u{0}\u{1f}\u{7f}ä\u{2028}",
            &"<p>\"x\"</p>\n".repeat(50),
            &"x".repeat(32),
        ] {
            let json = serde_json::to_string(&Quoted(text.to_owned())).unwrap();
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }
}
