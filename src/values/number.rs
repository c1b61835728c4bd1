//! Whole numbers with bounds.

use super::Refusal;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub struct Whole<const MIN: i32, const MAX: i32>(i32);

impl<const MIN: i32, const MAX: i32> Whole<MIN, MAX> {
    pub fn get(self) -> i32 {
        self.0
    }

    pub(crate) fn trusted(number: i32) -> Self {
        Self(number)
    }
}

impl<const MIN: i32, const MAX: i32> TryFrom<i64> for Whole<MIN, MAX> {
    type Error = Refusal;

    fn try_from(number: i64) -> Result<Self, Refusal> {
        let fits = i32::try_from(number).ok().filter(|n| (MIN..=MAX).contains(n));
        fits.map(Self).ok_or_else(|| Refusal::new("out_of_range", format!("it is a whole number from {MIN} to {MAX}")))
    }
}

impl<const MIN: i32, const MAX: i32> PartialSchema for Whole<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .minimum(Some(MIN))
            .maximum(Some(MAX))
            .into()
    }
}

impl<const MIN: i32, const MAX: i32> ToSchema for Whole<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        format!("Whole{MIN}To{MAX}").into()
    }
}
