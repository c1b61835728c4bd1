//! Slugs: the readable half of a resource's address.

use super::{Refusal, text_value};
use crate::db::Id;
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Deserialize, Serialize};
use utoipa::openapi::ObjectBuilder;

/// Lower-case letters, digits and single hyphens between them; never of the form of an id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String")]
#[diesel(sql_type = Text)]
pub struct Slug(String);

impl Slug {
    pub const MAX: usize = 80;
    pub const PATTERN: &str = "^[a-z0-9]+(-[a-z0-9]+)*$";

    pub fn parse(text: String) -> Result<Self, Refusal> {
        if text.len() > Self::MAX {
            return Err(Refusal::new("too_long", format!("a slug has at most {} characters", Self::MAX)));
        }
        let part = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if !text.split('-').all(part) {
            return Err(Refusal::new("invalid_slug", "a slug is made of a-z, 0-9 and single hyphens between them"));
        }
        if text.parse::<Id>().is_ok() {
            return Err(Refusal::new("invalid_slug", "a slug must not look like an id"));
        }
        Ok(Self(text))
    }

    /// The slug of a name or title: transliterated, and `fallback` where nothing is left of it.
    pub fn of(text: &str, fallback: &str) -> Self {
        let mut slug = slug::slugify(text);
        if slug.len() > Self::MAX {
            let cut = slug[..=Self::MAX].rfind('-').unwrap_or(Self::MAX);
            slug.truncate(cut);
        }
        Self::parse(slug).unwrap_or_else(|_| Self(fallback.to_owned()))
    }

    /// The same with a number behind it, within the bound.
    pub fn numbered(&self, n: usize) -> Self {
        let suffix = format!("-{n}");
        let stem = &self.0[..self.0.len().min(Self::MAX - suffix.len())];
        Self(format!("{}{suffix}", stem.trim_end_matches('-')))
    }
}

text_value!(Slug, example: "harbour-reopens", schema: ObjectBuilder::new()
    .max_length(Some(Slug::MAX))
    .pattern(Some(Slug::PATTERN))
    .description(Some("The readable half of an address: lower-case letters, digits and single hyphens; never of the form of an id.")));

#[cfg(test)]
mod tests {
    use super::Slug;

    #[test]
    fn a_slug_is_plain() {
        for good in ["a", "rust", "a-b-2", "2026"] {
            assert!(Slug::parse(good.into()).is_ok(), "{good}");
        }
        let id = crate::db::Id::new().to_string();
        for wrong in ["", "-", "a--b", "-a", "a-", "A", "ä", "a b", "a/b", "a\0", &id, &"x".repeat(81)] {
            assert!(Slug::parse(wrong.into()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_title_becomes_a_slug() {
        assert_eq!(Slug::of("Fähre fällt aus: Ærø wartet!", "article").as_ref(), "fahre-fallt-aus-aero-wartet");
        assert_eq!(Slug::of("!!!", "article").as_ref(), "article");
        let long = Slug::of(&"word ".repeat(40), "article");
        assert!(long.as_ref().len() <= Slug::MAX && !long.as_ref().ends_with('-'));
        assert!(Slug::parse(long.as_ref().into()).is_ok());
        assert!(Slug::parse(Slug::of(&"x".repeat(200), "a").numbered(12345).as_ref().into()).is_ok());
    }
}
