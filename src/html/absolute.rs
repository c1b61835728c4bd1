//! Addresses in a body that hold wherever it is read, not only on the site's own page.

use super::words::end_of_tag;
use std::borrow::Cow;
use url::Url;

/// Makes the addresses of links and pictures absolute, in HTML as the sanitiser writes it. `base` is the page's own.
pub fn absolute<'a>(html: &'a str, base: &Url) -> Cow<'a, str> {
    let mut made = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(found) = html[at..].find('<') {
        let tag = at + found + 1;
        at = tag + end_of_tag(&html[tag..]);
        for (place, value) in addresses(&html[tag..at]) {
            if let Some(address) = resolve(value, base) {
                made.push_str(&html[kept..tag + place]);
                made.push_str(&address);
                kept = tag + place + value.len();
            }
        }
    }
    if kept == 0 {
        return html.into();
    }
    made.push_str(&html[kept..]);
    made.into()
}

/// The values of `href` and `src` in a tag, each with its place. The sanitiser writes all values in double quotes.
fn addresses(tag: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = tag.find(' ').unwrap_or(tag.len());
    while let Some((name, rest)) = tag[at..].split_once("=\"") {
        let begins = tag.len() - rest.len();
        let Some(length) = rest.find('"') else { break };
        if matches!(name.trim(), "href" | "src") {
            found.push((begins, &rest[..length]));
        }
        at = begins + length + 1;
    }
    found
}

/// What the sanitiser escapes in values; the last one is part of all of them.
const ESCAPES: [(&str, &str); 5] =
    [("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", "\u{a0}"), ("&amp;", "&")];

/// The absolute address, where it is not one already.
fn resolve(value: &str, base: &Url) -> Option<String> {
    let absolute = ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| value.starts_with(scheme));
    if absolute {
        return None;
    }
    let mut address = Cow::from(value);
    for (escape, c) in ESCAPES {
        if address.contains(escape) {
            address = address.replace(escape, c).into();
        }
    }
    // A URL holds no quotes and no angle brackets.
    Some(base.join(&address).ok()?.as_str().replace('&', "&amp;"))
}

#[cfg(test)]
mod tests {
    use super::absolute;
    use crate::html::from_html;
    use std::borrow::Cow;
    use url::Url;

    #[test]
    fn addresses_hold_wherever_they_are_read() {
        let base = Url::parse("https://news.example/2026/articles/tide").unwrap();
        let made = |html: &str| absolute(html, &base).into_owned();
        for (written, made_of_it) in [
            ("/a?b=1&amp;c=%20", "https://news.example/a?b=1&amp;c=%20"),
            ("b.jpg", "https://news.example/2026/articles/b.jpg"),
            ("../b", "https://news.example/2026/b"),
            ("//cdn.example/x", "https://cdn.example/x"),
            ("#fn-1", "https://news.example/2026/articles/tide#fn-1"),
            ("?x", "https://news.example/2026/articles/tide?x"),
            ("", "https://news.example/2026/articles/tide"),
            ("https://other.example/y", "https://other.example/y"),
            ("mailto:a@b.example", "mailto:a@b.example"),
        ] {
            assert_eq!(
                made(&format!(r#"<p>x &lt; y <a href="{written}" rel="x">l</a> z</p>"#)),
                format!(r#"<p>x &lt; y <a href="{made_of_it}" rel="x">l</a> z</p>"#)
            );
        }
        let html = r#"<img alt="a > b src=" src="/c.jpg"><br>"#;
        assert_eq!(made(html), r#"<img alt="a > b src=" src="https://news.example/c.jpg"><br>"#);
        assert!(matches!(absolute("<p title=\"href=\">no <b>links</b></p>", &base), Cow::Borrowed(_)));
    }

    #[test]
    fn what_the_sanitiser_writes_is_read_as_it_is_meant() {
        let base = Url::parse("https://news.example/a").unwrap();
        let clean =
            from_html(r#"<a title='"x" href="/no"' href='/b"c'>l</a><img src=x.png alt="<"><a href=" /d ">"#, 1000)
                .unwrap();
        let made = absolute(&clean, &base);
        assert!(made.contains(r#"href="https://news.example/b%22c""#), "{made}");
        assert!(made.contains(r#"src="https://news.example/x.png""#), "{made}");
        assert!(made.contains(r#"href="https://news.example/d""#), "{made}");
        assert!(!made.contains(r#"https://news.example/no"#), "{made}");
    }
}
