//! A user as it is kept, and as it is shown: never with its password.

use crate::{
    clock::Time,
    db::Id,
    http::Versioned,
    permissions::Role,
    schema::users,
    values::{Email, Line},
};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The row, with the hash of the password.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct UserRow {
    pub id: Id,
    pub email: Email,
    pub name: Line<1, 100>,
    pub role: Role,
    pub password_hash: Option<String>,
    pub author_id: Option<Id>,
    pub version: i32,
    pub created_at: Time,
    pub updated_at: Time,
    pub disabled_at: Option<Time>,
}

/// Somebody on the staff.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct User {
    pub id: Id,
    pub email: Email,
    pub name: Line<1, 100>,
    pub role: Role,
    /// The byline that is theirs.
    pub author_id: Option<Id>,
    pub created_at: Time,
    pub updated_at: Time,
    #[serde(skip)]
    version: i32,
}

impl Versioned for User {
    fn version(&self) -> i32 {
        self.version
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { id, email, name, role, author_id, version, created_at, updated_at, .. } = row;
        Self { id, email, name, role, author_id, created_at, updated_at, version }
    }
}

/// Somebody on the staff, as colleagues are told of.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Colleague {
    pub id: Id,
    pub name: Line<1, 100>,
}

impl Colleague {
    /// From what a row names and the name that is joined to it: nobody, where the account is gone.
    pub fn of(id: Option<Id>, name: Option<Line<1, 100>>) -> Option<Self> {
        let (id, name) = id.zip(name)?;
        Some(Self { id, name })
    }
}

/// What a new user is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewUser<'a> {
    pub email: &'a Email,
    pub name: &'a str,
    pub role: Role,
    pub password_hash: Option<&'a str>,
    pub author_id: Option<Id>,
}
