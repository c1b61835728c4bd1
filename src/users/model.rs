//! A user as it is kept, and as it is shown: never with its password.

use crate::{
    auth::Password,
    clock::Time,
    db::Id,
    http::{Changes, List, Settle, Versioned, field_names, list_params, page::ListOf},
    permissions::Role,
    schema::users,
    values::{Email, Line, Ref},
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
    /// It stands for a key, which nobody signs in with.
    pub is_key: bool,
    /// Since when a password alone does not sign them in.
    pub second_factor_at: Option<Time>,
}

impl UserRow {
    /// Whether they administer, and can sign in to do so.
    pub fn is_able_administrator(&self) -> bool {
        self.role == Role::Admin && self.password_hash.is_some() && self.disabled_at.is_none()
    }
}

impl Versioned for UserRow {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// Somebody on the staff.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct User {
    pub id: Id,
    pub email: Email,
    pub name: Line<1, 100>,
    pub role: Role,
    /// The byline that is theirs.
    pub author_id: Option<Id>,
    /// Cannot sign in.
    pub disabled: bool,
    /// Has chosen no password yet.
    pub invited: bool,
    /// Signs in with a code besides the password.
    pub second_factor: bool,
    /// What lets them choose one. Only in the answer that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub invitation: Option<Invitation>,
    pub created_at: Time,
    pub updated_at: Time,
    #[serde(skip)]
    pub(super) version: i32,
}

pub type UserList = ListOf<User>;

/// What lets somebody choose a password, once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// For `POST /auth/invitation`. Only in the answer that made it; it is kept nowhere. Where it goes by mail it is in the
    /// letter alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        max_length = 100,
        pattern = "^[A-Za-z0-9_-]+$",
        example = "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A"
    )]
    pub token: Option<String>,
    /// It goes to the user by mail, where the server sends any.
    #[serde(default)]
    pub by_mail: bool,
    /// By mail: seven days after it was sent, so that this is the earliest.
    pub expires_at: Time,
}

impl Versioned for User {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let UserRow { id, email, name, role, author_id, version, created_at, updated_at, .. } = row;
        Self {
            id,
            email,
            name,
            role,
            author_id,
            disabled: row.disabled_at.is_some(),
            invited: row.password_hash.is_none(),
            second_factor: row.second_factor_at.is_some(),
            invitation: None,
            created_at,
            updated_at,
            version,
        }
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

/// Somebody to come onto the staff. Without a password the answer has an invitation, with which they choose one.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser, example = json!({"email": "jonas@lantern.example", "name": "Jonas Reyes", "role": "editor"}))]
pub struct Newcomer {
    pub email: Email,
    pub name: Line<1, 100>,
    pub role: Role,
    /// The byline that is theirs: an author's id or slug.
    #[serde(default)]
    pub author: Option<Ref>,
    #[serde(default)]
    pub password: Option<Password>,
}

/// What an administrator may change of a user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = User, example = json!({
    "email": "jonas@lantern.example", "name": "Jonas Reyes", "role": "author", "author": null, "disabled": false
}))]
pub struct EditedUser {
    pub email: Email,
    pub name: Line<1, 100>,
    pub role: Role,
    /// The byline that is theirs: an author's id or slug.
    #[serde(default)]
    pub author: Option<Ref>,
    /// They cannot sign in any more; what they wrote stays theirs.
    #[serde(default)]
    pub disabled: bool,
}

pub type UserChanges = Changes<EditedUser>;

impl Settle for EditedUser {
    fn settled(self, _: &Self) -> Self {
        self
    }
}

impl From<&UserRow> for EditedUser {
    fn from(row: &UserRow) -> Self {
        Self {
            email: row.email.clone(),
            name: row.name.clone(),
            role: row.role,
            author: row.author_id.map(Ref::Id),
            disabled: row.disabled_at.is_some(),
        }
    }
}

field_names! {
    /// The fields of a user.
    pub enum UserField {
        Id = "id", Email = "email", Name = "name", Role = "role", AuthorId = "author_id", Disabled = "disabled",
        Invited = "invited", SecondFactor = "second_factor", CreatedAt = "created_at", UpdatedAt = "updated_at",
    }
}

/// How users may be ordered; with `-` in front, the other way round.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum UserSort {
    #[default]
    #[serde(rename = "name")]
    Name,
    #[serde(rename = "-name")]
    NameDown,
    #[serde(rename = "created_at")]
    CreatedAt,
    #[serde(rename = "-created_at")]
    CreatedAtDown,
}

list_params! {
    /// What may be asked of a list of users.
    pub struct UserParams {
        /// Have one of these roles.
        #[param(inline, value_type = Option<Vec<Role>>, style = Form, explode = false, max_items = 50)]
        pub role: Option<List<Role>>,
        /// Cannot sign in any more, or can.
        #[param(example = false)]
        pub disabled: Option<bool>,
        /// The order.
        #[param(inline)]
        pub sort: Option<UserSort>,
        /// Return these fields only, as `application/vnd.stet.sparse+json`.
        #[param(inline, value_type = Option<Vec<UserField>>, style = Form, explode = false, max_items = 50)]
        pub fields: Option<List<UserField>>,
    }
}
