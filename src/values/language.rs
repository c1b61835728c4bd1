//! Languages by their BCP 47 tag.

use super::{Refusal, text_value};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Deserialize, Serialize};
use utoipa::openapi::ObjectBuilder;

/// A BCP 47 tag of a language, with script and region where given: `en`, `pt-BR`, `zh-Hant-TW`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String")]
#[diesel(sql_type = Text)]
pub struct Language(String);

impl Language {
    pub fn parse(text: String) -> Result<Self, Refusal> {
        let mut parts = text.split('-');
        let alphabetic = |p: &str, n: std::ops::RangeInclusive<usize>| {
            n.contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphabetic())
        };
        let digits = |p: &str| p.len() == 3 && p.bytes().all(|b| b.is_ascii_digit());
        let mut next = parts.next().filter(|p| alphabetic(p, 2..=3) && is_known(p)).map(|_| parts.next());
        if let Some(Some(part)) = next
            && alphabetic(part, 4..=4)
        {
            next = Some(parts.next());
        }
        if let Some(Some(part)) = next
            && (alphabetic(part, 2..=2) || digits(part))
        {
            next = Some(parts.next());
        }
        if next == Some(None) {
            Ok(Self(text))
        } else {
            Err(Refusal::new(
                "invalid_language",
                "a language is the tag of one that there is, such as en, pt-BR or zh-Hant-TW",
            ))
        }
    }

    /// Whether both are the same language, be it of other regions.
    pub fn is_akin(&self, other: &Self) -> bool {
        let primary = |language: &Self| language.0.split('-').next().map(str::to_ascii_lowercase);
        primary(self) == primary(other)
    }
}

/// Whether a language of ISO 639 goes by this code.
fn is_known(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    isolang::Language::from_639_1(&code).or_else(|| isolang::Language::from_639_3(&code)).is_some()
}

impl Default for Language {
    fn default() -> Self {
        Self("en".into())
    }
}

text_value!(Language, example: "en", schema: ObjectBuilder::new()
    .max_length(Some(12))
    .pattern(Some("^[A-Za-z]{2,3}(-[A-Za-z]{4})?(-([A-Za-z]{2}|[0-9]{3}))?$")));

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn a_language_is_a_tag() {
        for good in ["en", "de", "pt-BR", "zh-Hant", "zh-Hant-TW", "es-419"] {
            assert!(Language::parse(good.into()).is_ok(), "{good}");
        }
        for wrong in ["", "e", "english", "en_US", "en-", "en-US-x", "12", "xx", "qqq"] {
            assert!(Language::parse(wrong.into()).is_err(), "{wrong}");
        }
    }
}
