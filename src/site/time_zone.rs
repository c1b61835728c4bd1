//! Time zones by their name.

use crate::{
    clock::Time,
    values::{Refusal, text_value},
};
use chrono::{DateTime, Datelike};
use chrono_tz::Tz;
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use serde::{Deserialize, Serialize};
use utoipa::openapi::ObjectBuilder;

/// A name of the IANA time zone database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String")]
#[diesel(sql_type = Text)]
pub struct TimeZone(String);

impl TimeZone {
    pub fn parse(text: String) -> Result<Self, Refusal> {
        match text.parse::<Tz>() {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err(Refusal::new(
                "unknown_time_zone",
                "a time zone has a name of the IANA database, such as Europe/London or UTC",
            )),
        }
    }

    /// Year, month and day of a moment where the site is.
    pub fn date(&self, time: Time) -> (i32, u32, u32) {
        let utc = DateTime::from_timestamp_micros(time.micros()).unwrap_or_default();
        let local = utc.with_timezone(&self.0.parse().unwrap_or(Tz::UTC));
        (local.year(), local.month(), local.day())
    }
}

impl Default for TimeZone {
    fn default() -> Self {
        Self("UTC".into())
    }
}

text_value!(TimeZone, example: "Europe/London", schema: ObjectBuilder::new()
    .max_length(Some(40))
    .pattern(Some("^[A-Za-z0-9_+/-]+$")));

#[cfg(test)]
mod tests {
    use super::{Time, TimeZone};

    #[test]
    fn a_day_is_that_of_the_place() {
        let late = Time::parse("2026-12-31T23:30:00Z").unwrap();
        let date = |zone: &str| TimeZone::parse(zone.into()).unwrap().date(late);
        assert_eq!(date("UTC"), (2026, 12, 31));
        assert_eq!(date("Europe/Berlin"), (2027, 1, 1));
        for wrong in ["", "Mars/Olympus", "europe", "+01:00"] {
            assert!(TimeZone::parse(wrong.into()).is_err(), "{wrong}");
        }
    }
}
