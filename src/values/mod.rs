//! Types whose values are valid because they can only be made by parsing: slugs, addresses, bounded text.

mod email;
mod few;
mod image;
mod language;
mod number;
mod reference;
mod slug;
mod text;
mod url;

pub use email::Email;
pub use few::few;
pub use image::Image;
pub use language::Language;
pub use number::Whole;
pub use reference::Ref;
pub use slug::Slug;
pub use text::{Line, Prose, is_invisible};
pub use url::{Place, WebUrl, escaped};

use crate::error::Error;
use std::{borrow::Cow, fmt};

/// Parts an error's code from its message while it travels through serde, which only carries text.
pub const SEPARATOR: char = '\u{1f}';

/// Why a value was refused: a stable code, and a message that says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    pub message: Cow<'static, str>,
}

impl Refusal {
    pub fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// 422 at a place in the body.
    pub fn at(self, pointer: &str) -> Error {
        Error::invalid_field(pointer, self.code, self.message.into_owned())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{SEPARATOR}{}", self.code, self.message)
    }
}

/// Gives a string type the traits they all have: parsing by serde, text columns, `AsRef<str>`, a schema.
macro_rules! text_value {
    ($type:ident, example: $example:expr, schema: $schema:expr) => {
        impl TryFrom<String> for $type {
            type Error = $crate::values::Refusal;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(text)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl $type {
            /// What the database holds was parsed before it was stored.
            pub(crate) fn trusted(text: String) -> Self {
                Self(text)
            }
        }

        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                let schema: utoipa::openapi::ObjectBuilder = $schema;
                schema.schema_type(utoipa::openapi::Type::String).examples([$example]).into()
            }
        }

        impl utoipa::ToSchema for $type {}

        $crate::db::column::text_column!($type);
    };
}
pub(crate) use text_value;
