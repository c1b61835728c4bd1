//! What was refused: sign-ins that failed, and what somebody may not do.

use super::{
    model::{ActorKind, Outcome},
    record::Record,
};
use crate::{
    app::App,
    error::{Code, Error},
    http::call::Call,
    limits::{Bound, Bucket},
};
use std::hash::{BuildHasher, RandomState};

/// Lines of one account, of one key, or of all strangers together, in a minute: more of them say no more.
const BOUND: Bound = Bound { name: "refusals", requests: 30, seconds: 60 };

/// How many refusals were written down.
pub struct Refusals(Bucket, RandomState);

impl Default for Refusals {
    fn default() -> Self {
        Self(Bucket::new(BOUND), RandomState::new())
    }
}

impl Refusals {
    fn is_worth_a_line(&self, whose: Option<crate::db::Id>) -> bool {
        self.0.take(self.1.hash_one(whose)).is_ok()
    }
}

/// Writes down that a request was refused, before it is answered so. Where it cannot be, the answer is the same.
pub async fn note_refusal(app: &App, call: &Call, error: &Error) {
    let signs_in = call.operation.as_ref().is_some_and(|operation| operation.class.signs_in());
    if !(call.actor.is_some() && error.code().status() == 403 || signs_in && is_a_wrong_secret(error)) {
        return;
    }
    let Some(mut record) = Record::of(call) else { return };
    // The account that somebody tried to sign in to, where there is one.
    if let Some(account) = call.noted.account() {
        record.kind = "users".to_owned();
        record.named = Some(account.into());
    }
    let whose = record.actor.or(call.noted.account());
    if record.actor_kind == ActorKind::Nobody && record.kind == "auth" {
        record.kind = "sessions".to_owned();
    }
    if !app.refusals.is_worth_a_line(whose) {
        return;
    }
    if let Err(error) = app.db.write(move |conn| record.insert(conn, Outcome::Refused)).await {
        tracing::warn!(%error, "a refusal could not be written down");
    }
}

fn is_a_wrong_secret(error: &Error) -> bool {
    matches!(error.code(), Code::InvalidCredentials | Code::InvalidToken)
        || error.errors().iter().any(|mistake| mistake.code == "wrong_password")
}
