//! Languages by their BCP 47 tag.

use super::{Refusal, text_value};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Deserialize, Serialize};
use utoipa::openapi::ObjectBuilder;

/// A BCP 47 tag of a language, with script and region where given: `en`, `pt-BR`, `zh-Hant-TW`. However it was typed, it is
/// kept as RFC 5646 (2.1.1) writes it, with the shortest code of the language (2.2.1), so that one language is one text.
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
        let known = parts.next().filter(|p| alphabetic(p, 2..=3)).and_then(shortest);
        let (known, mut next) = (known.is_some(), (known.unwrap_or_default().to_owned(), parts.next()));
        if let (tag, Some(part)) = &next
            && alphabetic(part, 4..=4)
        {
            let (first, rest) = part.split_at(1);
            let script = first.to_ascii_uppercase() + &rest.to_ascii_lowercase();
            next = (format!("{tag}-{script}"), parts.next());
        }
        if let (tag, Some(part)) = &next
            && (alphabetic(part, 2..=2) || digits(part))
        {
            next = (format!("{tag}-{}", part.to_ascii_uppercase()), parts.next());
        }
        match next {
            (tag, None) if known => Ok(Self(tag)),
            _ => Err(Refusal::new(
                "invalid_language",
                "a language is the tag of one that there is, such as en, pt-BR or zh-Hant-TW",
            )),
        }
    }

    /// Whether both are the same language, be it of other regions.
    pub fn is_akin(&self, other: &Self) -> bool {
        self.code() == other.code()
    }

    /// The language alone, without script and region.
    pub fn code(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }
}

/// The shortest code of the language of ISO 639 that goes by this one.
fn shortest(code: &str) -> Option<&'static str> {
    let code = code.to_ascii_lowercase();
    let language = isolang::Language::from_639_1(&code).or_else(|| isolang::Language::from_639_3(&code))?;
    Some(language.to_639_1().unwrap_or_else(|| language.to_639_3()))
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
            assert_eq!(Language::parse(good.into()).unwrap().as_ref(), good);
        }
        for (typed, kept) in [
            ("DE", "de"),
            ("EN-gb", "en-GB"),
            ("ZH-hANT-tw", "zh-Hant-TW"),
            ("PT-br", "pt-BR"),
            ("deu-at", "de-AT"),
            ("GSW-ch", "gsw-CH"),
        ] {
            assert_eq!(Language::parse(typed.into()).unwrap().as_ref(), kept, "{typed}");
        }
        for wrong in ["", "e", "english", "en_US", "en-", "en-US-x", "12", "xx", "qqq"] {
            assert!(Language::parse(wrong.into()).is_err(), "{wrong}");
        }
    }
}
