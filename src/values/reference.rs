//! `{ref}`: an id or a slug.

use super::{Refusal, Slug};
use crate::db::Id;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// How a client names a resource. No slug has the form of an id, so the two cannot be mistaken for each other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Ref {
    Id(Id),
    Slug(Slug),
}

impl TryFrom<String> for Ref {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        Slug::parse(text)
            .map(Self::Slug)
            .map_err(|_| Refusal::new("invalid_reference", "it is named by its id or its slug"))
    }
}

impl From<Ref> for String {
    fn from(reference: Ref) -> Self {
        reference.to_string()
    }
}

impl From<Id> for Ref {
    fn from(id: Id) -> Self {
        Self::Id(id)
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
        }
    }
}

impl PartialSchema for Ref {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(Slug::MAX))
            .pattern(Some("^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$"))
            .description(Some("An id or a slug."))
            .examples(["harbour-reopens"])
            .into()
    }
}

impl ToSchema for Ref {
    fn name() -> Cow<'static, str> {
        "Reference".into()
    }
}
