//! `Accept`: which of the forms that an answer may have is wanted (RFC 9110, section 12.5.1).

use super::answer::SPARSE;
use actix_web::http::{
    Method,
    header::{self, HeaderMap},
};

/// A media type, the others that stand for it in `Accept`, and the range that it falls into.
pub struct Media {
    name: &'static str,
    others: &'static [&'static str],
    range: &'static str,
}

const JSON: Media =
    Media { name: "application/json", others: &["application/problem+json", SPARSE], range: "application/*" };
const CSV: Media = Media { name: "text/csv", others: &[], range: "text/*" };
const MARKDOWN: Media = Media { name: "text/markdown", others: &[], range: "text/*" };

/// What the API answers with at a path.
fn offered(method: &Method, path: &str) -> &'static [Media] {
    let article = path.strip_prefix("/api/v1/articles/").filter(|rest| !rest.contains('/'));
    match article {
        Some(_) if method == Method::GET => &[JSON, MARKDOWN],
        _ if path.ends_with(".csv") => &[JSON, CSV],
        _ => &[JSON],
    }
}

/// What there is, where `Accept` rules out all of it.
pub fn refusal(method: &Method, path: &str, headers: &HeaderMap) -> Option<String> {
    let offered = offered(method, path);
    let ranges = Ranges::of(headers);
    let wanted = ranges.0.is_empty() || offered.iter().any(|media| ranges.weight(media).is_some());
    let names = || offered.iter().map(|media| media.name).collect::<Vec<_>>().join(" or ");
    (!wanted).then(|| format!("answers are {}", names()))
}

/// Whether Markdown is wanted rather than JSON: with a greater weight, or with the same by a name that says more.
pub fn prefers_markdown(headers: &HeaderMap) -> bool {
    let ranges = Ranges::of(headers);
    ranges.weight(&MARKDOWN) > ranges.weight(&JSON)
}

/// The ranges that were given, in small letters, each with its weight.
struct Ranges(Vec<(String, f32)>);

impl Ranges {
    /// An unreadable header counts as none.
    fn of(headers: &HeaderMap) -> Self {
        let given = headers.get_all(header::ACCEPT).filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(','));
        let range = |range: &str| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|p| p.strip_prefix("q=")).and_then(|q| q.parse().ok());
            (name, weight.filter(|q| (0.0..=1.0).contains(q)).unwrap_or(1.0))
        };
        Self(given.map(range).filter(|(name, _)| !name.is_empty()).collect())
    }

    /// How much it is wanted, and by how exact a name; `None` where it is not. Of several ranges that fit, the most exact
    /// counts.
    fn weight(&self, media: &Media) -> Option<(f32, u8)> {
        let of = |names: &[&str], exact: u8| {
            let range = self.0.iter().find(|(name, _)| names.contains(&name.as_str()));
            range.map(|(_, weight)| (*weight, exact))
        };
        let found = of(&[media.name], 2)
            .or_else(|| of(media.others, 2))
            .or_else(|| of(&[media.range], 1))
            .or_else(|| of(&["*/*"], 0));
        found.filter(|(weight, _)| *weight > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{prefers_markdown, refusal};
    use actix_web::{http::Method, test::TestRequest};

    fn accepts(path: &str, value: &str) -> bool {
        let request = TestRequest::default().insert_header(("accept", value)).to_http_request();
        refusal(&Method::GET, path, request.headers()).is_none()
    }

    #[test]
    fn accept_is_read_as_it_is_meant() {
        let accepts = |value: &str| accepts("/api/v1/tags", value);
        for good in
            ["*/*", "application/json", "text/html, */*;q=0.1", "Application/JSON; q=0.5", "application/problem+json"]
        {
            assert!(accepts(good), "{good}");
        }
        for bad in [
            "text/html",
            "application/xml",
            "application/json;q=0",
            "*/*, application/json;q=0",
            "application/*;q=0, */*",
        ] {
            assert!(!accepts(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_a_table_or_a_text_too_may_be_asked_for_as_such() {
        let table = |value: &str| accepts("/api/v1/redirects.csv", value);
        assert!(table("text/csv") && table("text/*") && table("application/json") && !table("text/html"));
        let article = |value: &str| accepts("/api/v1/articles/tide", value);
        assert!(article("text/markdown") && article("text/*") && article("application/json") && !article("text/csv"));
        assert!(!accepts("/api/v1/articles/tide/related", "text/markdown") && !accepts("/api/v1/tags/a", "text/*"));
    }

    #[test]
    fn markdown_is_for_those_who_want_it_most() {
        for (value, markdown) in [
            ("text/markdown", true),
            ("text/*", true),
            ("text/markdown, */*", true),
            ("text/markdown;q=0.9, application/json;q=0.8", true),
            ("text/markdown, text/html, */*;q=0.1", true),
            ("text/markdown, application/json", false),
            ("text/markdown;q=0.5, */*", false),
            ("text/markdown;q=0, */*", false),
            ("application/json", false),
            ("*/*", false),
            ("", false),
            ("text/html, application/xhtml+xml, */*;q=0.8", false),
        ] {
            let request = TestRequest::default().insert_header(("accept", value)).to_http_request();
            assert_eq!(prefers_markdown(request.headers()), markdown, "{value}");
        }
    }
}
