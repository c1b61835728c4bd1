//! Email addresses, as far as a form can tell.

use super::{Refusal, text_value};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Deserialize, Serialize};
use utoipa::openapi::{ObjectBuilder, SchemaFormat};

/// An address that is compared without regard to case: it is kept in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String")]
#[diesel(sql_type = Text)]
pub struct Email(String);

impl Email {
    pub const MAX: usize = 254;

    pub fn parse(text: String) -> Result<Self, Refusal> {
        let email = text.trim().to_lowercase();
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@<>()[]\\,;:\"".contains(c);
        let valid = email.len() <= Self::MAX
            && email.split_once('@').is_some_and(|(local, domain)| {
                (1..=64).contains(&local.len())
                    && local.chars().all(plain)
                    && local.split('.').all(|part| !part.is_empty())
                    && domain.contains('.')
                    && domain.split('.').all(is_label)
            });
        if valid {
            Ok(Self(email))
        } else {
            Err(Refusal::new("invalid_email", "an email address looks like name@example.org"))
        }
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

text_value!(Email, example: "mira@lantern.example", schema: ObjectBuilder::new()
    .max_length(Some(Email::MAX))
    .format(Some(SchemaFormat::Custom("email".into()))));

#[cfg(test)]
mod tests {
    use super::Email;

    #[test]
    fn an_address_has_a_name_and_a_domain() {
        assert_eq!(Email::parse(" Mira@Lantern.Example ".into()).map(|e| e.0), Ok("mira@lantern.example".into()));
        for wrong in ["", "a", "a@b", "@b.c", "a@b..c", "a b@c.d", "a@@b.c", "a@b.c\r\nBcc: x@y.z", ".a@b.c", "a@-b.c"]
        {
            assert!(Email::parse(wrong.into()).is_err(), "{wrong}");
        }
    }
}
