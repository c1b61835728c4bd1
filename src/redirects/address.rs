//! Where a redirect leads from and to. One address has one form, so that it is found however it was written.

use crate::values::{Refusal, WebUrl, text_value};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::openapi::{ObjectBuilder, SchemaFormat};

/// Characters of an address at the most.
pub const MAX: usize = 2000;
/// What a path begins with where Stet itself answers.
pub const OWN: [&str; 12] = [
    ".well-known",
    "api",
    "docs",
    "feeds",
    "healthz",
    "llms.txt",
    "news-sitemap.xml",
    "openapi.json",
    "readyz",
    "setup",
    "sitemap.xml",
    "sitemaps",
];

/// A path of the site, without a query. Case and a slash at its end tell paths apart; how a character is escaped does not.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String")]
#[diesel(sql_type = Text)]
pub struct Source(String);

impl Source {
    pub fn parse(text: String) -> Result<Self, Refusal> {
        if text.contains(['?', '#']) {
            return Err(Refusal::new("invalid_path", "a path that leads elsewhere has no query and no fragment"));
        }
        let path = path(&text)?;
        let first = path.split('/').nth(1).unwrap_or_default();
        if OWN.contains(&first) {
            return Err(Refusal::new("reserved", format!("Stet itself answers below /{first}")));
        }
        short(path).map(Self)
    }
}

text_value!(Source, example: "/2019/harbour.html", schema: ObjectBuilder::new()
    .max_length(Some(MAX))
    .pattern(Some(
        "^/([^?#%\\\\\\x00-\\x20\\x7f-\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]|%([2-689a-fA-F][0-9a-fA-F]|7[0-9a-eA-E]))*$",
    ))
    .description(Some("A path of the site: percent-encoded, without a query. Case counts, and so does a slash at its end.")));

/// A path of the site, or a web address. Either may have a query and a fragment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String")]
#[diesel(sql_type = Text)]
pub struct Target(String);

impl Target {
    pub fn parse(text: String) -> Result<Self, Refusal> {
        if !text.starts_with('/') {
            return WebUrl::parse(text).map(|url| Self(url.to_string())).map_err(|refusal| match refusal.code {
                "invalid_url" => Refusal::new(
                    "invalid_target",
                    "it is a path that begins with /, or a web address that begins with https:// or http://",
                ),
                _ => refusal,
            });
        }
        let end = text.find(['?', '#']).unwrap_or(text.len());
        let (before, after) = text.split_at(end);
        let (query, fragment) = after.split_once('#').map_or((after, None), |(query, rest)| (query, Some(rest)));
        let mut target = path(before)? + &escaped(query, "?/")?;
        if let Some(fragment) = fragment {
            target.push('#');
            target.push_str(&escaped(fragment, "?/")?);
        }
        short(target).map(Self)
    }

    /// The same as a path where it is an address of the site.
    pub fn at_home(self, site: &str) -> Result<Self, Refusal> {
        let (Ok(url), Ok(site)) = (Url::parse(&self.0), Url::parse(site)) else { return Ok(self) };
        // The same place by http and by https, each at its usual port.
        if url.host() != site.host() || url.port() != site.port() {
            return Ok(self);
        }
        Self::parse(url[url::Position::BeforePath..].to_owned())
    }

    /// Its path, where it is on the site.
    pub fn path(&self) -> Option<&str> {
        self.0.starts_with('/').then(|| self.0.split(['?', '#']).next().unwrap_or_default())
    }

    /// Where one gets who goes there and is sent on to `next`: with its own query and fragment where that has none. It
    /// may be longer than an address may be.
    pub fn onward(&self, next: &Self) -> Self {
        let ((_, query, fragment), (base, next_query, next_fragment)) = (self.parts(), next.parts());
        let part = |next: Option<&str>, own: Option<&str>, mark: char| {
            next.or(own).map(|part| format!("{mark}{part}")).unwrap_or_default()
        };
        Self(format!("{base}{}{}", part(next_query, query, '?'), part(next_fragment, fragment, '#')))
    }

    fn parts(&self) -> (&str, Option<&str>, Option<&str>) {
        let (rest, fragment) = self.0.split_once('#').map_or((self.0.as_str(), None), |(rest, f)| (rest, Some(f)));
        let (base, query) = rest.split_once('?').map_or((rest, None), |(base, q)| (base, Some(q)));
        (base, query, fragment)
    }
}

text_value!(Target, example: "/articles/harbour-reopens", schema: ObjectBuilder::new()
    .max_length(Some(MAX))
    .format(Some(SchemaFormat::Custom("uri-reference".into())))
    .description(Some("A path of the site, or a web address; either may have a query and a fragment.")));

fn short(address: String) -> Result<String, Refusal> {
    if address.len() > MAX {
        return Err(Refusal::new("too_long", format!("an address has at most {MAX} characters, when it is escaped")));
    }
    Ok(address)
}

/// A path in its one form.
fn path(text: &str) -> Result<String, Refusal> {
    if !text.starts_with('/') {
        return Err(Refusal::new("invalid_path", "a path begins with /"));
    }
    let path = escaped(text, "/")?;
    if path.contains("//") || path.split('/').any(|part| part == "." || part == "..") {
        return Err(Refusal::new("invalid_path", "a path has no empty parts, no . and no .. in it"));
    }
    Ok(path)
}

/// Text in the form that RFC 3986 (section 6.2.2) calls normal: what need not be escaped is not, and all else is, in
/// capitals. `marks` stand for themselves.
fn escaped(text: &str, marks: &str) -> Result<String, Refusal> {
    let refused = |message: &'static str| Refusal::new("invalid_characters", message);
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        match c {
            '%' => {
                let byte =
                    rest.get(1..3).and_then(|two| u8::from_str_radix(two, 16).ok().filter(|_| !two.starts_with('+')));
                let byte = byte.ok_or_else(|| refused("a % is followed by two hexadecimal digits"))?;
                if byte.is_ascii_control() {
                    return Err(refused("an address has no control characters"));
                }
                length = 3;
                match char::from(byte) {
                    c if c.is_ascii_alphanumeric() || "-._~".contains(c) => normal.push(c),
                    _ => normal.push_str(&format!("%{byte:02X}")),
                }
            }
            '\\' => return Err(refused("an address has no backslashes")),
            c if c.is_whitespace() || c.is_control() => {
                return Err(refused("an address has no spaces and no control characters"));
            }
            c if c.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@".contains(c) || marks.contains(c) => normal.push(c),
            _ => rest[..length].bytes().for_each(|byte| normal.push_str(&format!("%{byte:02X}"))),
        }
        rest = &rest[length..];
    }
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use super::{MAX, Source, Target};

    #[test]
    fn a_path_has_one_form() {
        for (written, kept) in [
            ("/", "/"),
            ("/a/b.html", "/a/b.html"),
            ("/a/", "/a/"),
            ("/%41%7eb%2fc", "/A~b%2Fc"),
            ("/fähre", "/f%C3%A4hre"),
            ("/f%c3%a4hre", "/f%C3%A4hre"),
            ("/a|b\"c", "/a%7Cb%22c"),
            ("/%ff", "/%FF"),
            ("/Docs", "/Docs"),
        ] {
            assert_eq!(Source::parse(written.into()).unwrap().as_ref(), kept, "{written}");
            assert_eq!(Source::parse(kept.into()).unwrap().as_ref(), kept, "{kept}");
        }
        let long = format!("/{}", "ä".repeat(MAX / 6 + 1));
        for wrong in [
            "",
            "a",
            "//a",
            "/a//b",
            "/a/../b",
            "/%2e%2e/b",
            "/a/.",
            "/a?b",
            "/a#b",
            "/a b",
            "/a\tb",
            "/a\\b",
            "/a%00",
            "/%",
            "/%+1",
            "/%é0",
            "/api",
            "/api/v1/tags",
            "/docs/",
            "/openapi.json",
            "/%61pi/x",
            "https://a.example/",
            &long,
        ] {
            assert!(Source::parse(wrong.into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_target_is_a_path_or_a_web_address() {
        for (written, kept) in [
            ("/a?b=c/d#e?f", "/a?b=c/d#e?f"),
            ("/a?b=ä#ü#", "/a?b=%C3%A4#%C3%BC%23"),
            ("https://b.example", "https://b.example/"),
            ("HTTP://B.example/x|y", "http://b.example/x%7Cy"),
        ] {
            assert_eq!(Target::parse(written.into()).unwrap().as_ref(), kept, "{written}");
        }
        for wrong in [
            "",
            "a",
            "//b.example/",
            "/\\b.example",
            "javascript:alert(1)",
            "ftp://b.example/",
            "https://u:p@b.example/",
            "/a b",
        ] {
            assert!(Target::parse(wrong.into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_of_the_site_is_a_path() {
        let home = |text: &str, site: &str| Target::parse(text.into()).unwrap().at_home(site).unwrap().to_string();
        assert_eq!(home("https://news.example/a?b#c", "https://news.example"), "/a?b#c");
        assert_eq!(home("http://NEWS.example", "https://news.example"), "/");
        assert_eq!(home("http://news.example:80/a", "https://news.example/below"), "/a");
        assert_eq!(home("https://news.example:8443/a", "https://news.example"), "https://news.example:8443/a");
        assert_eq!(home("https://old.news.example/a", "https://news.example"), "https://old.news.example/a");
        assert_eq!(home("/a", "https://news.example"), "/a");
    }

    #[test]
    fn who_is_sent_on_keeps_what_the_next_address_leaves_open() {
        let onward = |one: &str, next: &str| {
            Target::parse(one.into()).unwrap().onward(&Target::parse(next.into()).unwrap()).to_string()
        };
        assert_eq!(onward("/a?b#c", "/d"), "/d?b#c");
        assert_eq!(onward("/a?b#c", "/d?e"), "/d?e#c");
        assert_eq!(onward("/a", "https://b.example/#f"), "https://b.example/#f");
        assert_eq!(onward("/a?b", "https://b.example/#f"), "https://b.example/?b#f");
    }
}
