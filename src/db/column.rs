//! How our own types are kept in columns: as text, or as JSON in text.

use crate::{
    error::{Error, Result},
    written::Written,
};

/// Keeps a type with `AsRef<str>` and `TryFrom<String>` in a `TEXT` column.
macro_rules! text_column {
    ($type:ty) => {
        impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $type
        where
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                AsRef::<str>::as_ref(self).to_sql(out)
            }
        }

        impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $type
        where
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(raw: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                Ok(Self::trusted(String::from_sql(raw)?))
            }
        }
    };
}
pub(crate) use text_column;

/// An enum without fields that has the same names on the wire and in a `TEXT` column.
macro_rules! text_enum {
    ($(#[$meta:meta])* pub enum $type:ident { $($(#[$of_variant:meta])* $variant:ident = $wire:tt),* $(,)? }) => {
        #[derive(
            Debug,
            Clone,
            Copy,
            PartialEq,
            Eq,
            serde::Serialize,
            serde::Deserialize,
            utoipa::ToSchema,
            diesel::expression::AsExpression,
            diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        $(#[$meta])*
        pub enum $type {
            $($(#[$of_variant])* #[serde(rename = $wire)] $variant,)*
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                match self { $(Self::$variant => $wire),* }
            }
        }

        impl<DB: diesel::backend::Backend> diesel::serialize::ToSql<diesel::sql_types::Text, DB> for $type
        where
            str: diesel::serialize::ToSql<diesel::sql_types::Text, DB>,
        {
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, DB>) -> diesel::serialize::Result {
                match self { $(Self::$variant => <str as diesel::serialize::ToSql<diesel::sql_types::Text, DB>>::to_sql($wire, out)),* }
            }
        }

        impl<DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::Text, DB> for $type
        where
            String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
        {
            fn from_sql(raw: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
                match String::from_sql(raw)?.as_str() {
                    $($wire => Ok(Self::$variant),)*
                    other => Err(format!("unknown {}: {other}", stringify!($type)).into()),
                }
            }
        }
    };
}
pub(crate) use text_enum;

/// A serde type kept as JSON in a `TEXT` column, alike in both databases.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[serde(transparent)]
pub struct AsJson<T: std::fmt::Debug>(pub T);

/// The JSON of a `T` as its `TEXT` column has it: shown as it stands, and read only by who needs to look into it.
///
/// Whoever changes how a `T` is written rewrites what is in the column by a migration.
#[derive(Debug, Clone, diesel::deserialize::FromSqlRow)]
pub struct Kept<T: std::fmt::Debug> {
    json: Written,
    of: std::marker::PhantomData<T>,
}

impl<T: std::fmt::Debug> Kept<T> {
    /// # Errors
    /// Where the column holds something else.
    pub fn read(&self) -> Result<T>
    where
        T: serde::de::DeserializeOwned,
    {
        self.look()
    }

    /// What of it a `U` names, which may borrow it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn look<'a, U: serde::Deserialize<'a>>(&'a self) -> Result<U> {
        serde_json::from_str(&self.json.0)
            .map_err(|e| Error::internal("a column does not hold what it should").because(e))
    }
}

impl<T: std::fmt::Debug> serde::Serialize for Kept<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<T: std::fmt::Debug, DB: diesel::backend::Backend> diesel::deserialize::FromSql<diesel::sql_types::Text, DB>
    for Kept<T>
where
    String: diesel::deserialize::FromSql<diesel::sql_types::Text, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(Self { json: Written(String::from_sql(raw)?), of: std::marker::PhantomData })
    }
}

mod as_json {
    use super::AsJson;
    use crate::db::conn::MultiBackend;
    use diesel::{
        backend::Backend,
        deserialize::{self, FromSql},
        pg::Pg,
        serialize::{self, IsNull, Output, ToSql},
        sql_types::Text,
        sqlite::Sqlite,
    };
    use serde::{Serialize, de::DeserializeOwned};
    use std::{fmt::Debug, io::Write as _};

    impl<T: Serialize + Debug> ToSql<Text, Pg> for AsJson<T> {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            out.write_all(&serde_json::to_vec(&self.0)?)?;
            Ok(IsNull::No)
        }
    }

    impl<T: Serialize + Debug> ToSql<Text, Sqlite> for AsJson<T> {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(serde_json::to_string(&self.0)?);
            Ok(IsNull::No)
        }
    }

    impl<T: Serialize + Debug + Send + Sync + 'static> ToSql<Text, MultiBackend> for AsJson<T> {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, MultiBackend>) -> serialize::Result {
            out.set_value((Text, self));
            Ok(IsNull::No)
        }
    }

    impl<T: DeserializeOwned + Debug, DB: Backend> FromSql<Text, DB> for AsJson<T>
    where
        String: FromSql<Text, DB>,
    {
        fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
            Ok(Self(serde_json::from_str(&String::from_sql(raw)?)?))
        }
    }
}
