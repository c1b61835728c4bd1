//! Ids: UUIDv7, `uuid` in PostgreSQL and a 16-byte `BLOB` in SQLite.

use super::conn::MultiBackend;
use crate::values::Refusal;
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    pg::Pg,
    query_builder::QueryId,
    serialize::{self, IsNull, Output, ToSql},
    sql_types::{Binary, HasSqlType, SqlType},
    sqlite::Sqlite,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, io::Write as _, str::FromStr};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};
use uuid::{Uuid, fmt::Hyphenated};

/// The SQL type of an id.
#[derive(SqlType, QueryId, Debug, Clone, Copy)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951))]
#[diesel(sqlite_type(name = "Binary"))]
pub struct DbId;

impl HasSqlType<DbId> for MultiBackend {
    fn metadata(lookup: &mut Self::MetadataLookup) -> Self::TypeMetadata {
        Self::lookup_sql_type::<DbId>(lookup)
    }
}

/// A UUIDv7: unique, and younger ids sort after older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = DbId)]
pub struct Id(Uuid);

impl Id {
    /// The one that sorts before all others.
    pub const LEAST: Self = Self(Uuid::nil());

    #[expect(clippy::new_without_default, reason = "a new id is random, not a default")]
    #[expect(clippy::disallowed_methods, reason = "this is where ids are made")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }

    /// As it is written, without the detour by way of `Display`.
    pub fn text<'a>(&self, room: &'a mut [u8; Hyphenated::LENGTH]) -> &'a str {
        self.0.hyphenated().encode_lower(room)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = uuid::Error;

    /// Takes the hyphenated form only, in either case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = if text.len() == 36 { text } else { "" };
        Uuid::try_parse(length).map(Self)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text(&mut [0; _]))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let refused = || Refusal::new("invalid_id", "an id is a UUID such as 0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d");
        text.parse().map_err(|_| D::Error::custom(refused()))
    }
}

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::Custom("uuid".into())))
            .max_length(Some(36))
            .description(Some("A UUIDv7."))
            .examples(["0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"])
            .into()
    }
}

impl ToSchema for Id {}

impl ToSql<DbId, Pg> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

impl ToSql<DbId, Sqlite> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.as_bytes().as_slice());
        Ok(IsNull::No)
    }
}

impl ToSql<DbId, MultiBackend> for Id {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
        out.set_value((DbId, self));
        Ok(IsNull::No)
    }
}

impl FromSql<DbId, Pg> for Id {
    fn from_sql(raw: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::from_slice(raw.as_bytes())?))
    }
}

impl FromSql<DbId, Sqlite> for Id {
    fn from_sql(raw: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(raw)?;
        Ok(Self(Uuid::from_slice(&bytes)?))
    }
}

impl FromSql<DbId, MultiBackend> for Id {
    fn from_sql(raw: <MultiBackend as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        raw.from_sql::<Self, DbId>()
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let id = Id::new().to_string();
        assert!(id.parse::<Id>().is_ok());
        for wrong in [id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}"), String::new()] {
            assert!(wrong.parse::<Id>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn younger_ids_sort_after_older_ones() {
        let ids: Vec<Id> = (0..100).map(|_| Id::new()).collect();
        assert!(ids.is_sorted());
    }
}
