//! The request that a task serves: which operation it is for, who asks, and from where.

use super::operation::Operation;
use crate::{auth::Actor, db::Id};
use serde_json::Value;
use std::{
    cell::{Cell, RefCell},
    net::IpAddr,
    rc::Rc,
    sync::Arc,
};

tokio::task_local! {
    static CURRENT: Call;
}

#[derive(Debug, Clone)]
pub struct Call {
    pub operation: Option<Arc<Operation>>,
    /// As it is routed by.
    pub path: String,
    pub actor: Option<Actor>,
    pub address: IpAddr,
    pub noted: Rc<Noted>,
}

/// What is found out while it is served.
#[derive(Debug, Default)]
pub struct Noted {
    fields: RefCell<Vec<String>>,
    account: Cell<Option<Id>>,
}

impl Noted {
    /// The names of the fields that were sent.
    pub fn fields(&self) -> Vec<String> {
        self.fields.borrow().clone()
    }

    /// The account that it is about, where nobody is signed in yet.
    pub fn account(&self) -> Option<Id> {
        self.account.get()
    }
}

/// Runs `f` as what the call asked for.
pub async fn scope<F: Future>(call: Call, f: F) -> F::Output {
    CURRENT.scope(call, f).await
}

/// The request that this task serves; none outside of one.
pub fn current() -> Option<Call> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Where it came from.
pub fn address() -> Option<IpAddr> {
    CURRENT.try_with(|call| call.address).ok()
}

/// Whether somebody asks who is signed in, or a key.
pub fn is_of_staff() -> bool {
    CURRENT.try_with(|call| call.actor.is_some()).unwrap_or_default()
}

/// Notes the names of the fields of a body.
pub fn note_fields(body: &Value) {
    if let Some(fields) = body.as_object() {
        let note = |call: &Call| call.noted.fields.replace(fields.keys().cloned().collect());
        // Outside of a request nobody asks for them.
        drop(CURRENT.try_with(note));
    }
}

/// Notes whose account somebody would sign in to.
pub fn note_account(user: Id) {
    CURRENT.try_with(|call| call.noted.account.set(Some(user))).unwrap_or_default();
}
