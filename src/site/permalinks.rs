//! How the addresses of the site's pages look: patterns that are filled with what a page is about.

use super::time_zone::TimeZone;
use crate::{
    clock::Time,
    db::Id,
    redirects,
    values::{Language, Ref, Refusal, Slug},
};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// The patterns of the addresses of the site's pages.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"article": "/{year}/{month}/{slug}", "author": "/people/{slug}", "section": "/{path}", "tag": "/topics/{slug}"}))]
pub struct Permalinks {
    /// With `{slug}` or `{id}`, and of `{year}`, `{month}`, `{day}` (of its first publication, where the site is),
    /// `{section}`, `{section_path}` and `{language}` what is wished.
    #[serde(default)]
    pub article: ArticlePattern,
    /// With `{slug}` or `{id}`.
    #[serde(default)]
    pub author: AuthorPattern,
    /// With `{path}`, `{slug}` or `{id}`.
    #[serde(default)]
    pub section: SectionPattern,
    /// With `{slug}` or `{id}`.
    #[serde(default)]
    pub tag: TagPattern,
}

impl Permalinks {
    /// Two kinds of pages whose addresses cannot be told apart.
    pub fn collision(&self) -> Option<(&'static str, &'static str)> {
        let patterns = [
            ("article", &self.article.0),
            ("author", &self.author.0),
            ("section", &self.section.0),
            ("tag", &self.tag.0),
        ];
        let mut pairs =
            patterns.iter().enumerate().flat_map(|(n, one)| patterns[..n].iter().map(move |other| (one, other)));
        pairs.find(|((_, one), (_, other))| one.form() == other.form()).map(|((one, _), (other, _))| (*one, *other))
    }
}

/// What an address is made from.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    pub id: Id,
    pub slug: &'a Slug,
    /// When it was first published, or else created.
    pub date: Time,
    /// The path of the section it stands in, or that it is.
    pub path: Option<&'a str>,
    pub language: Option<&'a Language>,
}

/// What stands between braces in a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    Slug,
    Id,
    Year,
    Month,
    Day,
    Section,
    SectionPath,
    Path,
    Language,
}

impl Hole {
    const ALL: [(&'static str, Self); 9] = [
        ("slug", Self::Slug),
        ("id", Self::Id),
        ("year", Self::Year),
        ("month", Self::Month),
        ("day", Self::Day),
        ("section", Self::Section),
        ("section_path", Self::SectionPath),
        ("path", Self::Path),
        ("language", Self::Language),
    ];

    fn fill(self, into: &mut String, of: &Address<'_>, zone: &TimeZone) {
        let (year, month, day) = match self {
            Self::Year | Self::Month | Self::Day => zone.date(of.date),
            _ => (0, 0, 0),
        };
        match self {
            Self::Slug => into.push_str(of.slug.as_ref()),
            Self::Id => into.push_str(&of.id.to_string()),
            Self::Year => into.push_str(&format!("{year:04}")),
            Self::Month => into.push_str(&format!("{month:02}")),
            Self::Day => into.push_str(&format!("{day:02}")),
            Self::Section => into.push_str(of.path.and_then(|path| path.rsplit('/').next()).unwrap_or_default()),
            Self::SectionPath | Self::Path => into.push_str(of.path.unwrap_or_default()),
            Self::Language => into.push_str(of.language.map_or("", AsRef::as_ref)),
        }
    }

    /// How many bytes at the beginning of a path it may stand for: the longest first.
    fn fits(self, path: &str) -> Vec<usize> {
        let run = |of: fn(u8) -> bool| path.bytes().take_while(|byte| of(*byte)).count();
        let digits = |n: usize| if run(|b| b.is_ascii_digit()) >= n { vec![n] } else { Vec::new() };
        match self {
            Self::Year => digits(4),
            Self::Month | Self::Day => digits(2),
            // Whatever it is, it goes to the end of the step.
            Self::Slug | Self::Id => (1..=run(|b| b != b'/' && b != b'.')).rev().collect(),
            Self::Section | Self::Language => (0..=run(|b| b.is_ascii_alphanumeric() || b == b'-')).rev().collect(),
            Self::SectionPath | Self::Path => {
                (0..=run(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'/')).rev().collect()
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Hole(Hole),
}

/// A pattern, read.
#[derive(Debug, Clone, PartialEq)]
struct Pattern {
    text: String,
    parts: Vec<Part>,
}

/// Characters of a pattern.
const MAX: usize = 200;

impl Pattern {
    fn parse(text: String, allowed: &[Hole]) -> Result<Self, Refusal> {
        let names = || {
            let named =
                Hole::ALL.iter().filter(|(_, hole)| allowed.contains(hole)).map(|(name, _)| format!("{{{name}}}"));
            named.collect::<Vec<_>>().join(", ")
        };
        let refused = |message: String| Err(Refusal::new("invalid_permalink", message));
        if text.len() > MAX {
            return Err(Refusal::new("too_long", format!("a pattern has at most {MAX} characters")));
        }
        if redirects::OWN.contains(&text.split('/').nth(1).unwrap_or_default()) {
            return Err(Refusal::new("reserved", format!("Stet itself answers below {text}")));
        }
        if !text.starts_with('/') || text.contains("//") {
            return refused("a pattern is a path that begins with /, such as /articles/{slug}".into());
        }
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('{') {
                let named = after.split_once('}');
                let hole = named.and_then(|(name, _)| Hole::ALL.iter().find(|(known, _)| *known == name));
                let Some(((_, hole), (_, after))) = hole.zip(named).filter(|((_, hole), _)| allowed.contains(hole))
                else {
                    return refused(format!("between braces may stand {}", names()));
                };
                if matches!(parts.last(), Some(Part::Hole(_))) {
                    return refused("something stands between two names in braces".into());
                }
                if parts.contains(&Part::Hole(*hole)) {
                    return refused(format!("{} stands there twice", &rest[..rest.len() - after.len()]));
                }
                parts.push(Part::Hole(*hole));
                rest = after;
            } else {
                let (literal, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
                if !literal.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/@".contains(&b)) {
                    return refused("besides names in braces it has letters, digits, / and -._~@".into());
                }
                if literal.split('/').any(|step| step == "." || step == "..") {
                    return refused("it has no step . or ..".into());
                }
                parts.push(Part::Text(literal.to_owned()));
                rest = after;
            }
        }
        if ![Hole::Slug, Hole::Id, Hole::Path].iter().any(|hole| parts.contains(&Part::Hole(*hole))) {
            return refused("it tells pages apart: it has {slug} or {id}".into());
        }
        Ok(Self { text, parts })
    }

    /// The pattern, whatever stands between its braces.
    fn form(&self) -> String {
        let part = |part: &Part| if let Part::Text(text) = part { text.clone() } else { "{}".to_owned() };
        self.parts.iter().map(part).collect()
    }

    /// The address below the site's own. What an article does not have (a section, a language) leaves no gap.
    fn fill(&self, site: &str, of: &Address<'_>, zone: &TimeZone) -> String {
        let mut url = String::with_capacity(site.len() + 100);
        url.push_str(site);
        for part in &self.parts {
            match part {
                Part::Text(text) if text.starts_with('/') && url.ends_with('/') => url.push_str(&text[1..]),
                Part::Text(text) => url.push_str(text),
                Part::Hole(hole) => hole.fill(&mut url, of, zone),
            }
        }
        url
    }
}

/// The name in a path, where all of the path fits all of the parts.
fn named<'a>(parts: &[Part], path: &'a str, name: Option<&'a str>) -> Option<&'a str> {
    let Some((part, parts)) = parts.split_first() else {
        return if path.is_empty() || path == "/" { name } else { None };
    };
    match part {
        Part::Text(text) => path.strip_prefix(text.as_str()).and_then(|rest| named(parts, rest, name)),
        Part::Hole(hole) => hole.fits(path).into_iter().find_map(|length| {
            let (filled, rest) = path.split_at_checked(length)?;
            let name = if matches!(hole, Hole::Slug | Hole::Id) { name.or(Some(filled)) } else { name };
            match parts.split_first() {
                // A step that is left out takes its slash with it.
                Some((Part::Text(text), parts)) if filled.is_empty() && text.starts_with('/') => {
                    rest.strip_prefix(&text[1..]).and_then(|rest| named(parts, rest, name))
                }
                _ => named(parts, rest, name),
            }
        }),
    }
}

/// A pattern in which some names may stand.
macro_rules! pattern {
    ($type:ident, $default:literal, [$($hole:ident),+]) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Pattern);

        impl TryFrom<String> for $type {
            type Error = Refusal;

            fn try_from(text: String) -> Result<Self, Refusal> {
                Pattern::parse(text, &[$(Hole::$hole),+]).map(Self)
            }
        }

        impl From<$type> for String {
            fn from(pattern: $type) -> Self {
                pattern.0.text
            }
        }

        impl Default for $type {
            fn default() -> Self {
                let default = Pattern::parse($default.into(), &[$(Hole::$hole),+]);
                Self(default.unwrap_or_else(|_| Pattern { text: $default.into(), parts: Vec::new() }))
            }
        }

        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .max_length(Some(MAX))
                    .pattern(Some("^/[A-Za-z0-9._~/@{}-]*$"))
                    .examples([$default])
                    .into()
            }
        }

        impl ToSchema for $type {}

        impl $type {
            /// Whether an address takes the id of what it is about.
            pub fn needs_id(&self) -> bool {
                self.0.parts.contains(&Part::Hole(Hole::Id))
            }

            /// The address of a page of this kind.
            pub fn fill(&self, site: &str, of: &Address<'_>, zone: &TimeZone) -> String {
                self.0.fill(site, of, zone)
            }
        }
    };
}

pattern!(ArticlePattern, "/articles/{slug}", [Slug, Id, Year, Month, Day, Section, SectionPath, Language]);
pattern!(AuthorPattern, "/authors/{slug}", [Slug, Id]);
pattern!(SectionPattern, "/sections/{path}", [Path, Slug, Id]);
pattern!(TagPattern, "/tags/{slug}", [Slug, Id]);

impl ArticlePattern {
    /// What a path names that has the form of an article's address; an error where that is neither an id nor a slug.
    ///
    /// Where nothing tells articles' addresses from others (`/{slug}`), no path is known to have their form.
    pub fn names(&self, path: &str) -> Option<Result<Ref, Refusal>> {
        let telling = |part: &Part| match part {
            Part::Text(text) => text.bytes().any(|byte| byte.is_ascii_alphanumeric()),
            Part::Hole(hole) => matches!(hole, Hole::Year | Hole::Month | Hole::Day),
        };
        if !self.0.parts.iter().any(telling) {
            return None;
        }
        let name = named(&self.0.parts, path, None)?;
        Some(Ref::try_from(percent_decode_str(name).decode_utf8_lossy().into_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, ArticlePattern, SectionPattern};
    use crate::{
        clock::Time,
        db::Id,
        site::time_zone::TimeZone,
        values::{Language, Ref, Slug},
    };

    fn pattern(text: &str) -> ArticlePattern {
        ArticlePattern::try_from(text.to_owned()).unwrap()
    }

    fn filled(text: &str, path: Option<&str>) -> String {
        let (slug, language) = (Slug::parse("tide".into()).unwrap(), Language::default());
        let date = Time::parse("2026-03-31T23:30:00Z").unwrap();
        let address = Address { id: Id::new(), slug: &slug, date, path, language: Some(&language) };
        pattern(text).fill("https://n.example", &address, &TimeZone::parse("Europe/Berlin".into()).unwrap())
    }

    #[test]
    fn an_address_is_filled_and_leaves_no_gap() {
        for (text, path, url) in [
            ("/articles/{slug}", None, "/articles/tide"),
            ("/{year}/{month}/{day}/{slug}.html", None, "/2026/04/01/tide.html"),
            ("/{section}/{slug}", Some("news/local"), "/local/tide"),
            ("/{section_path}/{slug}/", Some("news/local"), "/news/local/tide/"),
            ("/{section}/{slug}", None, "/tide"),
            ("/{language}/{slug}", None, "/en/tide"),
        ] {
            assert_eq!(filled(text, path), format!("https://n.example{url}"), "{text}");
        }
    }

    #[test]
    fn an_address_is_recognised() {
        for (text, path, name) in [
            ("/articles/{slug}", "/articles/tide", Some("tide")),
            ("/articles/{slug}", "/articles/tide/", Some("tide")),
            ("/articles/{slug}", "/articles/tide/print", None),
            ("/articles/{slug}", "/articles/tide.pdf", None),
            ("/articles/{slug}", "/about", None),
            ("/{year}/{month}/{slug}", "/2026/04/tide", Some("tide")),
            ("/{year}/{month}/{slug}", "/people/04/tide", None),
            ("/news/{section}/{slug}", "/news/local/tide", Some("tide")),
            ("/news/{section}/{slug}", "/news/tide", Some("tide")),
            ("/news/{section_path}/{slug}.html", "/news/a/b/tide.html", Some("tide")),
            ("/{slug}", "/tide", None),
        ] {
            let found = pattern(text).names(path).map(|name| name.unwrap().to_string());
            assert_eq!(found.as_deref(), name, "{text} {path}");
        }
        assert!(pattern("/articles/{slug}").names("/articles/NO!").is_some_and(|name| name.is_err()));
        assert!(matches!(pattern("/a/{slug}").names("/a/tide"), Some(Ok(Ref::Slug(_)))));
    }

    #[test]
    fn a_pattern_tells_pages_apart_and_says_what_may_stand_in_it() {
        for wrong in [
            "",
            "articles/{slug}",
            "/articles",
            "/{year}/{month}",
            "/{path}/{slug}",
            "/{slug}{id}",
            "/{slug}/{slug}",
            "/{slug",
            "/slug}",
            "/a b/{slug}",
            "/../{slug}",
            "//{slug}",
            "/{}",
            "/a?b={slug}",
        ] {
            assert!(ArticlePattern::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
        assert!(SectionPattern::try_from("/{path}".to_owned()).is_ok());
    }
}
