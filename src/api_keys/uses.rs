//! When a key was last used: noted beside the request, and at most once a minute.

use super::queries;
use crate::{app::App, clock::Time, db::Id};
use actix_web::{rt, web::Data};
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// How exactly it is known.
const MINUTE: Duration = Duration::from_secs(60);
/// How many keys are remembered to have been noted.
const KNOWN: usize = 1024;

/// The keys that this process has just noted, so that many requests at once note one use.
#[derive(Default)]
pub struct Uses(Mutex<HashMap<Id, Time>>);

impl Uses {
    /// Notes a use where the last one that is known is a minute old. The request does not wait for it, and does not fail
    /// where it fails.
    pub(super) fn note(&self, app: &Data<App>, key: Id, last: Option<Time>, now: Time) {
        if !self.is_due(key, last, now) {
            return;
        }
        let db = app.db.clone();
        rt::spawn(async move {
            if let Err(error) = db.write(move |conn| queries::note_use(conn, key, now)).await {
                tracing::warn!(%key, %error, "a use of a key could not be noted");
            }
        });
    }

    fn is_due(&self, key: Id, last: Option<Time>, now: Time) -> bool {
        let fresh = |at: Time| at > now.minus(MINUTE);
        if last.is_some_and(fresh) {
            return false;
        }
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.get(&key).copied().is_some_and(fresh) {
            return false;
        }
        if noted.len() >= KNOWN {
            noted.clear();
        }
        noted.insert(key, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{KNOWN, MINUTE, Uses};
    use crate::{clock::Time, db::Id};

    #[test]
    fn one_use_in_a_minute_is_noted() {
        let (uses, key, now) = (Uses::default(), Id::new(), Time::from_micros(1_000_000_000));
        assert!(uses.is_due(key, None, now));
        assert!(!uses.is_due(key, None, now));
        assert!(!uses.is_due(Id::new(), Some(now), now), "another process noted it");
        assert!(uses.is_due(key, Some(now), now.plus(MINUTE)));
        for _ in 0..2 * KNOWN {
            uses.is_due(Id::new(), None, now);
        }
        assert!(uses.0.lock().unwrap().len() <= KNOWN);
    }
}
