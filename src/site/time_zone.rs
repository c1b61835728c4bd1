//! Time zones by their name.

use crate::{
    clock::Time,
    values::{Refusal, text_value},
};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Text};
use jiff::{
    Timestamp,
    tz::{self, TimeZoneDatabase},
};
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use utoipa::openapi::ObjectBuilder;

/// What this program was built with, the same on every machine.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A name of the IANA time zone database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(try_from = "String")]
#[diesel(sql_type = Text)]
pub struct TimeZone(String);

impl TimeZone {
    pub fn parse(text: String) -> Result<Self, Refusal> {
        // It is found however it is written, and stored as the database writes it.
        let zone = ZONES.get(&text).ok().filter(|zone| !zone.is_unknown());
        match zone.as_ref().and_then(tz::TimeZone::iana_name) {
            Some(name) => Ok(Self(name.to_owned())),
            None => Err(Refusal::new(
                "unknown_time_zone",
                "a time zone has a name of the IANA database, such as Europe/London or UTC",
            )),
        }
    }

    /// Year, month and day of a moment where the site is.
    pub fn date(&self, time: Time) -> (i32, u32, u32) {
        let moment = Timestamp::from_microsecond(time.micros()).unwrap_or_default();
        let local = ZONES.get(&self.0).unwrap_or(tz::TimeZone::UTC).to_datetime(moment);
        (local.year().into(), local.month().unsigned_abs().into(), local.day().unsigned_abs().into())
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
        assert_eq!(TimeZone::parse("europe/london".into()).unwrap().to_string(), "Europe/London");
        for wrong in ["", "Mars/Olympus", "europe", "+01:00", "Etc/Unknown"] {
            assert!(TimeZone::parse(wrong.into()).is_err(), "{wrong}");
        }
    }
}
