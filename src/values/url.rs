//! Web addresses that may be linked to.

use super::{Refusal, text_value};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{ObjectBuilder, SchemaFormat};

/// An absolute `http` or `https` URL without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String")]
#[diesel(sql_type = Text)]
pub struct WebUrl(String);

impl WebUrl {
    pub const MAX: usize = 2000;

    pub fn parse(text: String) -> Result<Self, Refusal> {
        let refused = || Refusal::new("invalid_url", "a web address is absolute and starts with https:// or http://");
        let url = url::Url::parse(text.trim()).map_err(|_| refused())?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        let url = String::from(url);
        match url.len() {
            _ if !plain => Err(refused()),
            n if n > Self::MAX => {
                Err(Refusal::new("too_long", format!("a web address has at most {} characters", Self::MAX)))
            }
            _ => Ok(Self(url)),
        }
    }
}

text_value!(WebUrl, example: "https://lantern.example/people/mira", schema: ObjectBuilder::new()
    .max_length(Some(WebUrl::MAX))
    .format(Some(SchemaFormat::Custom("uri".into()))));

#[cfg(test)]
mod tests {
    use super::WebUrl;

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
        ] {
            assert!(WebUrl::parse(wrong.into()).is_err(), "{wrong}");
        }
    }
}
