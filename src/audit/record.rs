//! What is known of a request before it does anything: what it is for, who asks, and from where.

use super::{
    model::{ActorKind, Outcome},
    queries,
};
use crate::{
    auth::{Actor, Means},
    clock,
    db::{Conn, Id},
    error::Result,
    http::{Answer, call, call::Call, request_id},
    values::Ref,
};

/// Somebody's request, to be written down with what came of it.
#[derive(Debug, Clone)]
pub struct Record {
    pub(super) action: String,
    pub(super) actor_kind: ActorKind,
    pub(super) actor: Option<Id>,
    pub(super) session: Option<Id>,
    pub(super) fields: Vec<String>,
    pub(super) address: Option<String>,
    pub(super) request_id: String,
    /// What the path names: what kind it is, and which one.
    pub(super) kind: String,
    pub(super) named: Option<Ref>,
}

impl Record {
    /// The request that this task serves; none, where it is no operation.
    pub fn of_request() -> Option<Self> {
        call::current().as_ref().and_then(Self::of)
    }

    /// The same, where somebody asks who is signed in, or a key. Of what guests do there is no audit.
    pub fn of_staff() -> Option<Self> {
        Self::of_request().filter(|record| record.actor.is_some())
    }

    /// A command's.
    pub fn of_command(action: &str, kind: &str, id: Option<Id>) -> Self {
        Self {
            action: action.to_owned(),
            actor_kind: ActorKind::Command,
            actor: None,
            session: None,
            fields: Vec::new(),
            address: None,
            request_id: String::new(),
            kind: kind.to_owned(),
            named: id.map(Ref::Id),
        }
    }

    pub fn action(&self) -> &str {
        &self.action
    }

    pub fn of(call: &Call) -> Option<Self> {
        let operation = call.operation.as_ref()?;
        let (kind, named) = operation.subject(&call.path);
        let mut record = Self {
            actor_kind: ActorKind::Nobody,
            fields: call.noted.fields(),
            address: Some(call.address.to_string()),
            request_id: request_id::current(),
            named: named.and_then(|named| Ref::try_from(named.to_owned()).ok()),
            ..Self::of_command(&operation.id, kind, None)
        };
        if let Some(actor) = &call.actor {
            record.set_actor(actor);
        }
        Some(record)
    }

    fn set_actor(&mut self, actor: &Actor) {
        self.actor = Some(actor.user);
        (self.actor_kind, self.session) = match actor.means {
            Means::Session(session) | Means::Unproven(session) => (ActorKind::User, Some(session)),
            Means::Key { .. } => (ActorKind::Key, None),
        };
        // One's own account has no name in a path.
        if self.kind == "me" {
            self.kind = "users".to_owned();
            self.named = Some(actor.user.into());
        }
    }

    /// Somebody who showed the token of a letter, and of whom it is.
    pub fn by_letter(self, user: Id) -> Self {
        let (kind, named) = ("users".to_owned(), Some(user.into()));
        Self { actor: Some(user), actor_kind: ActorKind::User, kind, named, ..self }
    }

    /// Somebody whom a provider let in, and what its word changed of their account.
    pub fn by_provider(self, user: Id, changed: &[&str]) -> Self {
        Self { fields: changed.iter().map(|&field| field.to_owned()).collect(), ..self.by_letter(user) }
    }

    /// Whoever has just signed in, in this session.
    pub fn by(self, user: Id, session: Id) -> Self {
        let (kind, named) = ("sessions".to_owned(), Some(session.into()));
        Self { actor: Some(user), actor_kind: ActorKind::User, session: Some(session), kind, named, ..self }
    }

    /// The id of what the path names, as long as it goes by that.
    fn resource(&self, conn: &mut Conn) -> Result<Option<Id>> {
        match &self.named {
            Some(Ref::Id(id)) => Ok(Some(*id)),
            Some(Ref::Slug(slug)) => queries::id_of(conn, &self.kind, slug),
            None => Ok(None),
        }
    }

    /// Writes down what the path names.
    pub fn insert(&self, conn: &mut Conn, outcome: Outcome) -> Result<()> {
        let id = self.resource(conn)?;
        queries::insert(conn, self, (&self.kind, id), outcome, clock::now())
    }
}

/// Does a write and writes it down, in one transaction: what cannot be written down is not done.
pub fn recorded(
    conn: &mut Conn,
    record: Option<&Record>,
    write: impl FnOnce(&mut Conn) -> Result<Answer>,
) -> Result<Answer> {
    let Some(record) = record else { return write(conn) };
    // Before it is gone, or goes by another slug.
    let named = record.resource(conn)?;
    let answer = write(conn)?;
    let made = answer.location.as_deref().and_then(made);
    let resource = made.unwrap_or((&record.kind, named));
    queries::insert(conn, record, resource, Outcome::Done, clock::now())?;
    Ok(answer)
}

/// What was made, by where it is.
fn made(location: &str) -> Option<(&str, Option<Id>)> {
    let (path, id) = location.rsplit_once('/')?;
    let kind = path.rsplit('/').next()?;
    Some((kind, Some(id.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::made;

    #[test]
    fn what_was_made_is_told_by_its_place() {
        let id = "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d";
        let made = |place: &str| made(place).map(|(kind, id)| (kind.to_owned(), id.unwrap().to_string()));
        let found = |kind: &str| Some((kind.to_owned(), id.to_owned()));
        assert_eq!(made(&format!("/api/v1/tags/{id}")), found("tags"));
        assert_eq!(made(&format!("/api/v1/articles/{id}/previews/{id}")), found("previews"));
        assert_eq!(made("/api/v1/tags/harbour"), None);
    }
}
