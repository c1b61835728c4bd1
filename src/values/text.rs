//! Text with bounds: a line (one line, no control characters) and prose (many lines, no NUL).

use super::Refusal;
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

macro_rules! bounded_text {
    ($(#[$doc:meta])* $name:ident, $pattern:literal, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
        #[serde(try_from = "String")]
        #[diesel(sql_type = Text)]
        pub struct $name<const MIN: usize, const MAX: usize>(String);

        impl<const MIN: usize, const MAX: usize> $name<MIN, MAX> {
            pub fn parse(text: String) -> Result<Self, Refusal> {
                let parse: fn(String) -> Result<String, Refusal> = $parse;
                let text = parse(text)?;
                match text.chars().count() {
                    0 if MIN > 0 => Err(Refusal::new("required", "it must not be empty")),
                    n if n < MIN => Err(Refusal::new("too_short", format!("it has at least {MIN} characters"))),
                    n if n > MAX => Err(Refusal::new("too_long", format!("it has at most {MAX} characters, not {n}"))),
                    _ => Ok(Self(text)),
                }
            }

            pub(crate) fn trusted(text: String) -> Self {
                Self(text)
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            pub fn into_inner(self) -> String {
                self.0
            }
        }

        impl<const MAX: usize> Default for $name<0, MAX> {
            fn default() -> Self {
                Self(String::new())
            }
        }

        impl<const MIN: usize, const MAX: usize> TryFrom<String> for $name<MIN, MAX> {
            type Error = Refusal;

            fn try_from(text: String) -> Result<Self, Refusal> {
                Self::parse(text)
            }
        }

        impl<const MIN: usize, const MAX: usize> AsRef<str> for $name<MIN, MAX> {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<const MIN: usize, const MAX: usize> fmt::Display for $name<MIN, MAX> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<const MIN: usize, const MAX: usize> PartialSchema for $name<MIN, MAX> {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .min_length((MIN > 0).then_some(MIN))
                    .max_length(Some(MAX))
                    .pattern(Some($pattern))
                    .into()
            }
        }

        impl<const MIN: usize, const MAX: usize> ToSchema for $name<MIN, MAX> {
            fn name() -> Cow<'static, str> {
                format!("{}{MIN}To{MAX}", stringify!($name)).into()
            }
        }

        impl<const MIN: usize, const MAX: usize, DB: diesel::backend::Backend> diesel::serialize::ToSql<Text, DB> for $name<MIN, MAX>
        where
            str: diesel::serialize::ToSql<Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                self.0.as_str().to_sql(out)
            }
        }

        impl<const MIN: usize, const MAX: usize, DB: diesel::backend::Backend> diesel::deserialize::FromSql<Text, DB> for $name<MIN, MAX>
        where
            String: diesel::deserialize::FromSql<Text, DB>,
        {
            fn from_sql(raw: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                Ok(Self::trusted(String::from_sql(raw)?))
            }
        }
    };
}

bounded_text!(
    /// One line: trimmed, without control characters, `MIN` to `MAX` characters long.
    Line,
    "^[^\\x00-\\x1f\\x7f]*$",
    |text| match text.trim() {
        // At its ends, too: what was accepted is what the document says.
        _ if text.chars().any(|c| c.is_ascii_control()) => {
            Err(Refusal::new("invalid_characters", "it is one line, without control characters"))
        }
        t if t.chars().all(is_invisible) => Ok(String::new()),
        t if t.len() == text.len() => Ok(text),
        t => Ok(t.to_owned()),
    }
);

bounded_text!(
    /// Text of many lines, `MIN` to `MAX` characters long, kept as it was written; only NUL is refused.
    Prose,
    "^[^\\x00]*$",
    |text| match text.contains('\0') {
        true => Err(Refusal::new("invalid_characters", "it must not contain NUL")),
        false => Ok(text),
    }
);

/// Takes no ink: spaces, fillers, and what only matters between letters (Unicode's `Default_Ignorable_Code_Point`).
pub fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::{Line, Prose};

    #[test]
    fn a_line_is_trimmed_and_bounded_in_characters() {
        assert_eq!(Line::<1, 3>::parse("  äöü ".into()).map(Line::into_inner), Ok("äöü".into()));
        let code = |text: &str| Line::<1, 3>::parse(text.into()).map_err(|r| r.code);
        assert_eq!(code("äöüß").err(), Some("too_long"));
        assert_eq!(code("   ").err(), Some("required"));
        assert_eq!(code("\u{200b}\u{3164}\u{202e}").err(), Some("required"));
        assert_eq!(code("a\nb").err(), Some("invalid_characters"));
        assert_eq!(code("a\r\n").err(), Some("invalid_characters"));
    }

    #[test]
    fn prose_keeps_its_lines() {
        assert_eq!(Prose::<0, 9>::parse(" a\n\tb ".into()).map(Prose::into_inner), Ok(" a\n\tb ".into()));
        assert!(Prose::<0, 9>::parse("a\0b".into()).is_err());
        assert!(Prose::<0, 3>::parse("abcd".into()).is_err());
    }
}
