//! What was refused: sign-ins that failed, and what somebody may not do.

use super::{
    model::{ActorKind, Outcome},
    record::Record,
};
use crate::{
    app::App,
    error::{Code, Error, FieldError},
    http::call::Call,
    limits::{Bound, Bucket, block},
};
use std::hash::{BuildHasher, RandomState};

/// Lines in a minute: of one account, of one key, or of one address whose callers are strangers. More of them say no more.
const BOUND: Bound = Bound { name: "refusals", requests: 30, seconds: 60 };
/// The same of all strangers together, so that they fill no disk.
const OF_ALL: Bound = Bound { name: "refusals", requests: 300, seconds: 60 };

/// How many refusals were written down.
pub struct Refusals {
    of_one: Bucket,
    of_all: Bucket,
    hasher: RandomState,
}

impl Default for Refusals {
    fn default() -> Self {
        Self { of_one: Bucket::new(BOUND), of_all: Bucket::new(OF_ALL), hasher: RandomState::new() }
    }
}

impl Refusals {
    /// By who asks, and never by whose account it is about: a line takes its time, and nobody is to learn from that which
    /// accounts there are.
    fn is_worth_a_line(&self, call: &Call) -> bool {
        let actor = call.actor.as_ref().map(|actor| actor.user);
        let stranger = actor.is_none().then(|| block(call.address));
        let known = self.of_one.take(self.hasher.hash_one((actor, stranger))).is_ok();
        known && (stranger.is_none() || self.of_all.take(0).is_ok())
    }
}

/// Writes down that a request was refused, before it is answered so. Where it cannot be, the answer is the same.
pub async fn note_refusal(app: &App, call: &Call, error: &Error) {
    let forbidden = call.actor.is_some() && error.code().status() == 403;
    let signs_in = call.operation.as_ref().is_some_and(|operation| operation.signs_in());
    if !(forbidden || signs_in && is_a_failed_sign_in(error)) {
        return;
    }
    let Some(mut record) = Record::of(call) else { return };
    // The account that somebody tried to sign in to, where there is one.
    if let Some(account) = call.noted.account() {
        record.kind = "users".to_owned();
        record.named = Some(account.into());
    }
    if record.actor_kind == ActorKind::Nobody && record.kind == "auth" {
        record.kind = "sessions".to_owned();
    }
    if !app.refusals.is_worth_a_line(call) {
        return;
    }
    if let Err(error) = app.db.write(move |conn| record.insert(conn, Outcome::Refused)).await {
        tracing::warn!(%error, "a refusal could not be written down");
    }
}

/// A wrong password, token or code, or somebody whom a provider's word does not let in. That a code is asked for after the
/// right password is no failure: so begins whoever has a second factor.
fn is_a_failed_sign_in(error: &Error) -> bool {
    let code = error.code();
    let of_the_secret = matches!(code, Code::InvalidCredentials | Code::InvalidToken | Code::SecondFactorInvalid);
    let of_the_provider = matches!(
        code,
        Code::AccountNotLinked | Code::EmailUnverified | Code::IdentityInvalid | Code::NotOnStaff | Code::SignInRefused
    );
    let wrong = |mistake: &FieldError| ["wrong_code", "wrong_password"].contains(&&*mistake.code);
    of_the_secret || of_the_provider || error.errors().iter().any(wrong)
}
