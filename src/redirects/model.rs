//! What a redirect is, and what a client may write of it.

use super::address::{Source, Target};
use crate::{
    clock::Time,
    db::Id,
    http::{Versioned, list_params, page::ListOf},
    values::Refusal,
};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow, Queryable},
    expression::AsExpression,
    serialize::{self, Output, ToSql},
    sql_types::Integer,
};
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

/// A path of the site that leads elsewhere.
#[derive(Debug, Clone, Serialize, Queryable, ToSchema)]
pub struct Redirect {
    pub id: Id,
    pub source: Source,
    /// Where it ends: never a path that leads elsewhere itself.
    pub target: Target,
    pub status: RedirectStatus,
    pub created_at: Time,
}

impl Versioned for Redirect {
    fn id(&self) -> Id {
        self.id
    }

    /// Only its target ever changes, where another redirect leads on from there.
    fn version(&self) -> i32 {
        i32::try_from(XxHash3_64::oneshot(self.target.as_ref().as_bytes()) >> 33).unwrap_or_default()
    }
}

pub type RedirectList = ListOf<Redirect>;

/// A redirect to create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"source": "/2019/harbour.html", "target": "/articles/harbour-reopens", "status": 308}))]
pub struct NewRedirect {
    pub source: Source,
    /// Where it leads. Where that leads elsewhere itself, the end of the chain is kept instead.
    pub target: Target,
    /// 308 where it is left out.
    #[serde(default)]
    pub status: Option<RedirectStatus>,
}

/// The status that a redirect is answered with: 301 and 308 hold for ever, 302 and 307 for the time being; with 307 and
/// 308 a client repeats the method and the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "i64")]
#[diesel(sql_type = Integer)]
pub struct RedirectStatus(i32);

impl RedirectStatus {
    const ALL: [i32; 4] = [301, 302, 307, 308];

    pub fn get(self) -> i32 {
        self.0
    }
}

impl Default for RedirectStatus {
    fn default() -> Self {
        Self(308)
    }
}

impl TryFrom<i64> for RedirectStatus {
    type Error = Refusal;

    fn try_from(status: i64) -> Result<Self, Refusal> {
        let known = Self::ALL.into_iter().find(|known| i64::from(*known) == status);
        known.map(Self).ok_or_else(|| Refusal::new("unknown_value", "it is 301, 302, 307 or 308"))
    }
}

impl<DB: Backend> ToSql<Integer, DB> for RedirectStatus
where
    i32: ToSql<Integer, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: Backend> FromSql<Integer, DB> for RedirectStatus
where
    i32: FromSql<Integer, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(i32::from_sql(raw)?))
    }
}

impl PartialSchema for RedirectStatus {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .enum_values(Some(Self::ALL))
            .minimum(Some(301))
            .maximum(Some(308))
            .description(Some(
                "301 and 308 hold for ever, 302 and 307 for the time being; with 307 and 308 a client repeats the method and the body.",
            ))
            .examples([308])
            .into()
    }
}

impl ToSchema for RedirectStatus {}

/// What became of a table of redirects.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedirectImport {
    /// How many were created.
    #[schema(minimum = 0, maximum = 10_000)]
    pub created: usize,
    /// How many were there already, just so.
    #[schema(minimum = 0, maximum = 10_000)]
    pub unchanged: usize,
}

/// How redirects may be ordered; with `-` in front, the other way round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum RedirectSort {
    #[default]
    #[serde(rename = "source")]
    Source,
    #[serde(rename = "-source")]
    SourceDown,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDown,
}

list_params! {
    /// What may be asked of a list of redirects.
    pub struct RedirectParams {
        /// Leads elsewhere from exactly this path: the one question that is asked for each address that is not found.
        #[param(inline)]
        pub source: Option<Source>,
        /// Is answered with this status.
        #[param(inline)]
        pub status: Option<RedirectStatus>,
        /// The order.
        #[param(inline)]
        pub sort: Option<RedirectSort>,
    }
}
