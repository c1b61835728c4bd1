//! Web addresses that may be linked to.

use super::{Refusal, text_value};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use url::{Position, Url};
use utoipa::openapi::{ObjectBuilder, SchemaFormat};

/// An absolute `http` or `https` URL without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String")]
#[diesel(sql_type = Text)]
pub struct WebUrl(String);

impl WebUrl {
    pub const MAX: usize = 2000;

    pub fn parse(text: String) -> Result<Self, Refusal> {
        if is_plain(&text) {
            return Ok(Self(text));
        }
        let refused = || Refusal::new("invalid_url", "a web address is absolute and starts with https:// or http://");
        let url = Url::parse(text.trim()).map_err(|_| refused())?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        let (origin, rest) = url.as_str().split_at(url[..Position::BeforePath].len());
        let plain = plain && origin.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:/[]".contains(&b));
        let url = format!("{origin}{}", escaped(rest));
        match url.len() {
            _ if !plain => Err(refused()),
            n if n > Self::MAX => {
                Err(Refusal::new("too_long", format!("a web address has at most {} characters", Self::MAX)))
            }
            _ => Ok(Self(url)),
        }
    }
}

/// Of all that is kept of a picture or a link, where it is.
#[derive(Debug, Deserialize)]
pub struct Place<'a> {
    #[serde(borrow)]
    pub url: Cow<'a, str>,
}

/// Whether an address is surely one that parsing leaves as it is. Most are, and every answer holds some.
fn is_plain(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some((host, path)) = rest.and_then(|rest| Some(rest.split_at(rest.find('/')?))) else { return false };
    let label = |label: &str| {
        label.starts_with(|c: char| c.is_ascii_lowercase())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let step = |step: &str| {
        // `.` and `..` lead elsewhere.
        !step.starts_with('.') && step.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~@".contains(&b))
    };
    text.len() <= WebUrl::MAX
        && host.split('.').all(label)
        && !host.contains("xn--")
        && !host.ends_with(|c: char| !c.is_ascii_lowercase())
        && path.split('/').all(step)
}

/// Browsers let characters pass that a URI (RFC 3986) may not hold: they are escaped. What is escaped stays as it is.
pub fn escaped(rest: &str) -> String {
    let mut url = String::with_capacity(rest.len());
    let mut in_fragment = false;
    for (at, c) in rest.char_indices() {
        let follows = rest.as_bytes().get(at + 1..at + 3);
        match c {
            '#' if !in_fragment => {
                in_fragment = true;
                url.push(c);
            }
            '%' if follows.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)) => url.push(c),
            '%' | '#' | '"' | '<' | '>' | '[' | ']' | '\\' | '^' | '`' | '{' | '|' | '}' => {
                url.push_str(&format!("%{:02X}", u32::from(c)));
            }
            c if c.is_ascii_graphic() => url.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| url.push_str(&format!("%{byte:02X}"))),
        }
    }
    url
}

text_value!(WebUrl, example: "https://lantern.example/people/mira", schema: ObjectBuilder::new()
    .max_length(Some(WebUrl::MAX))
    .format(Some(SchemaFormat::Custom("uri".into()))));

#[cfg(test)]
mod tests {
    use super::WebUrl;

    #[test]
    fn what_a_uri_may_not_hold_is_escaped() {
        let url = WebUrl::parse("https://example.org:8080/100%/a|b[c]?{d}=%2f^#e#f".into()).unwrap();
        assert_eq!(url.as_ref(), "https://example.org:8080/100%25/a%7Cb%5Bc%5D?%7Bd%7D=%2f%5E#e%23f");
        assert_eq!(WebUrl::parse("http://[::1]/ä".into()).unwrap().as_ref(), "http://[::1]/%C3%A4");
    }

    #[test]
    fn what_is_plain_is_what_parsing_gives() {
        for (url, plain) in [
            ("https://images.lantern.example/2026/harbour_1-b.min.jpg", true),
            ("http://social.example/@mira", true),
            ("https://a-b.example//a/", true),
            ("https://lantern.example", false),
            ("https://lantern.example/../a", false),
            ("https://lantern.example/.a", false),
            ("https://lantern.example:443/", false),
            ("https://u@lantern.example/", false),
            ("https://Lantern.example/", false),
            ("https://xn--a.example/", false),
            ("https://127.1/", false),
            ("https://a.0x7f/", false),
            ("https://.example/", false),
            ("https://a b.example/", false),
            ("https://lantern.example/a?b=c", false),
            ("https://lantern.example/%2e%2e/", false),
        ] {
            assert_eq!(super::is_plain(url), plain, "{url}");
            let parsed = url::Url::parse(url).is_ok_and(|parsed| parsed.as_str() == url);
            assert!(parsed || !plain, "{url}");
        }
    }

    #[test]
    fn only_the_web_may_be_linked_to() {
        assert!(WebUrl::parse("https://example.org/a?b=c".into()).is_ok());
        for wrong in [
            "",
            "example.org",
            "/a",
            "//example.org",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://u:p@example.org",
            "https://{host}.example",
        ] {
            assert!(WebUrl::parse(wrong.into()).is_err(), "{wrong}");
        }
    }
}
