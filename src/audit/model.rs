//! A line of the audit, and what may be asked of it.

use crate::{
    clock::Time,
    db::{Id, column::text_enum},
    http::{List, list_params, page::ListOf},
    users::Colleague,
    values::{Line, Ref},
};
use serde::Serialize;
use utoipa::ToSchema;

text_enum! {
    /// What became of it.
    #[schema(as = AuditOutcome)]
    pub enum Outcome {
        Done = "done",
        /// It was not allowed, and nothing was changed.
        Refused = "refused",
    }
}

text_enum! {
    /// What kind of actor it was.
    #[schema(as = AuditActorKind)]
    pub enum ActorKind {
        User = "user",
        Key = "key",
        /// Nobody who is known: somebody who tried to sign in.
        Nobody = "nobody",
        /// Whoever may run commands on the machine.
        Command = "command",
    }
}

/// Who did something. The name is the one that they have now; `null` where the account is gone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditActor {
    pub kind: ActorKind,
    pub id: Option<Id>,
    pub name: Option<Line<1, 100>>,
}

/// To what it was done.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditResource {
    /// As it is named in paths.
    #[schema(max_length = 60, pattern = "^[a-z-]+$", example = "tags")]
    pub kind: String,
    /// `null` where it is not one thing.
    pub id: Option<Id>,
}

/// Something that was done or refused: no content, and nothing that is secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditEntry {
    pub id: Id,
    pub at: Time,
    /// The operation, by its `operationId`; of commands, `create_user`, `rotate_keys` and `set_up`.
    #[schema(max_length = 60, pattern = "^[a-z_]+$", example = "update_tag")]
    pub action: String,
    pub outcome: Outcome,
    pub actor: AuditActor,
    /// The session that it was done in; a key has none.
    pub session_id: Option<Id>,
    pub resource: AuditResource,
    /// The names of the fields that were sent; of a provider's sign-in (`finish_sign_in`), of what it changed of the account.
    #[schema(max_items = 100, value_type = Vec<Line<1, 100>>)]
    pub fields: Vec<String>,
    /// Where the request came from.
    #[schema(max_length = 45, pattern = "^[0-9a-f.:]+$", example = "192.0.2.7")]
    pub address: Option<String>,
    /// The id of the request, as in its answer and in the log; empty for a command.
    #[schema(max_length = 128, pattern = "^[!-~]*$", example = "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d")]
    pub request_id: String,
}

pub type AuditEntryList = ListOf<AuditEntry>;

impl AuditActor {
    pub fn of(kind: ActorKind, id: Option<Id>, name: Option<Line<1, 100>>) -> Self {
        let name = Colleague::of(id, name).map(|colleague| colleague.name);
        Self { kind, id, name }
    }
}

list_params! {
    /// What may be asked of the audit.
    pub struct AuditParams {
        /// Only what this user or key did or tried, by its id.
        pub actor: Option<Id>,
        /// Only these operations.
        #[param(value_type = Option<Vec<Line<1, 100>>>, style = Form, explode = false, max_items = 50, example = json!(["login"]))]
        pub action: Option<List<Line<1, 100>>>,
        /// Only what was done, or what was refused.
        pub outcome: Option<Outcome>,
        /// Only what was done to this, by its id, or to one of a kind: `tags`.
        #[param(example = "users")]
        pub resource: Option<Ref>,
        /// Only what happened then or later.
        pub since: Option<Time>,
        /// Only what happened before.
        pub until: Option<Time>,
    }
}
