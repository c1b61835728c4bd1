//! The one place that reads the wall clock, and the type every moment has.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, SecondsFormat, Timelike, Utc};
use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, FromSqlRow},
    expression::AsExpression,
    serialize::{self, Output, ToSql},
    sql_types::BigInt,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, time::Duration};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type},
};

/// A moment in UTC, in microseconds since 1970: a `BIGINT` in both databases, RFC 3339 on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = BigInt)]
pub struct Time(i64);

#[expect(clippy::disallowed_methods, reason = "this is the clock that everything else asks")]
pub fn now() -> Time {
    Time(Utc::now().timestamp_micros())
}

impl Time {
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, as tokens count them.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }

    /// As headers and mail have it (RFC 9110, RFC 822): `Sun, 01 Mar 2026 08:30:00 GMT`.
    pub fn in_headers(self) -> String {
        self.utc().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// The same as others' types have it.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or_default()
    }

    /// The year in UTC.
    pub fn year(self) -> i32 {
        self.utc().year()
    }

    /// When a year begins in UTC.
    pub fn start_of_year(year: i32) -> Self {
        let start = NaiveDate::from_yo_opt(year, 1).unwrap_or_default().and_time(NaiveTime::MIN);
        Self(start.and_utc().timestamp_micros())
    }

    /// Reads RFC 3339 with an offset, between the years 1 and 9999; finer than a microsecond is cut off.
    pub fn parse(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        (1..=9999).contains(&time.year()).then(|| Self(time.timestamp_micros()))
    }
}

/// What a time looks like; an answer may hold hundreds, so its digits are set in place.
const PATTERN: [u8; 27] = *b"0000-00-00T00:00:00.000000Z";

impl Time {
    /// RFC 3339, of years with four digits.
    fn digits(self) -> Option<[u8; PATTERN.len()]> {
        let time = self.utc();
        let year = u32::try_from(time.year()).ok().filter(|year| *year <= 9999)?;
        let mut text = PATTERN;
        let parts = [
            (0..4, year),
            (5..7, time.month()),
            (8..10, time.day()),
            (11..13, time.hour()),
            (14..16, time.minute()),
            (17..19, time.second()),
            (20..26, time.timestamp_subsec_micros()),
        ];
        for (place, mut rest) in parts {
            for digit in text[place].iter_mut().rev() {
                *digit += u8::try_from(rest % 10).unwrap_or_default();
                rest /= 10;
            }
        }
        Some(text)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.digits().as_ref().and_then(|digits| str::from_utf8(digits).ok()) {
            Some(text) => f.write_str(text),
            None => f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Micros, true)),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Not by way of `Display`, which costs as much as the digits.
        match self.digits().as_ref().and_then(|digits| str::from_utf8(digits).ok()) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| D::Error::custom("a time looks like 2026-03-01T08:30:00Z (RFC 3339 with an offset)"))
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .max_length(Some(35))
            .description(Some("A moment, RFC 3339; answers are always in UTC with microseconds."))
            .examples(["2026-03-01T08:30:00.000000Z"])
            .into()
    }
}

impl ToSchema for Time {}

impl<DB: Backend> ToSql<BigInt, DB> for Time
where
    i64: ToSql<BigInt, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

impl<DB: Backend> FromSql<BigInt, DB> for Time
where
    i64: FromSql<BigInt, DB>,
{
    fn from_sql(raw: DB::RawValue<'_>) -> deserialize::Result<Self> {
        i64::from_sql(raw).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn a_time_survives_the_wire() {
        let time = Time::from_micros(1_772_354_200_123_456);
        assert_eq!(Time::parse(&time.to_string()), Some(time));
    }

    #[test]
    fn a_time_is_written_digit_by_digit() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_709_210_096_000_007, "2024-02-29T12:34:56.000007Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
            (253_402_300_800_000_000, "+10000-01-01T00:00:00.000000Z"),
        ] {
            assert_eq!(Time::from_micros(micros).to_string(), text);
        }
    }

    #[test]
    fn a_year_begins_when_the_one_before_is_over() {
        let start = Time::start_of_year(2026);
        assert_eq!(start.to_string(), "2026-01-01T00:00:00.000000Z");
        assert_eq!((start.year(), Time::from_micros(start.micros() - 1).year()), (2026, 2025));
    }

    #[test]
    fn a_time_needs_an_offset_and_an_ordinary_year() {
        for text in ["2026-03-01T08:30:00", "2026-03-01", "yesterday", "0000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"]
        {
            assert_eq!(Time::parse(text), None, "{text}");
        }
        assert_eq!(Time::parse("2026-03-01T08:30:00+02:00"), Time::parse("2026-03-01T06:30:00Z"));
    }
}
