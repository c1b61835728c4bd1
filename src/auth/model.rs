//! What signing in takes and gives.

use super::Password;
use crate::{
    clock::Time,
    db::Id,
    http::{Changes, Settle, list_params, page::ListOf},
    users::User,
    values::{Email, Line, Prose},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An email address and its password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "mira@lantern.example", "password": "a tide table for March", "device_name": "desk"}))]
pub struct Login {
    pub email: Email,
    /// Any text, taken as it is: whether it is the right one is all that is said of it.
    pub password: Prose<1, 128>,
    /// A name to know the session by.
    #[serde(default)]
    pub device_name: Option<Line<1, 100>>,
}

/// A refresh token, to be used once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"refresh_token": "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A"}))]
pub struct Refresh {
    pub refresh_token: Line<1, 100>,
}

/// The first administrator, and the one-time token that the first start printed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "token": "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A",
    "email": "mira@lantern.example", "name": "Mira Holt", "password": "a tide table for March"
}))]
pub struct Setup {
    pub token: Line<1, 100>,
    pub email: Email,
    pub name: Line<1, 100>,
    pub password: Password,
}

/// A password, and the invitation that lets its owner choose it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "token": "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A", "password": "a tide table for March", "device_name": "desk"
}))]
pub struct AcceptedInvitation {
    pub token: Line<1, 100>,
    pub password: Password,
    /// A name to know the session by.
    #[serde(default)]
    pub device_name: Option<Line<1, 100>>,
}

/// Another password, and the one that it replaces.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "a tide table for March", "new_password": "nine gulls on a wire"}))]
pub struct NewPassword {
    pub current_password: Prose<1, 128>,
    pub new_password: Password,
}

/// The address of somebody who forgot the password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "mira@lantern.example"}))]
pub struct ForgottenPassword {
    pub email: Email,
}

/// A password, and the token of the letter that lets its owner choose it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A", "password": "a tide table for March"}))]
pub struct ResetPassword {
    pub token: Line<1, 100>,
    pub password: Password,
}

/// Another address, and the password of the account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "mira.holt@lantern.example", "current_password": "a tide table for March"}))]
pub struct NewEmail {
    pub email: Email,
    pub current_password: Prose<1, 128>,
}

/// The token of the letter to a new address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A"}))]
pub struct ConfirmedEmail {
    pub token: Line<1, 100>,
}

/// What one may change of one's own account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Account, example = json!({"name": "Mira Holt"}))]
pub struct Account {
    pub name: Line<1, 100>,
}

pub type AccountChanges = Changes<Account>;

impl Settle for Account {
    fn settled(self, _: &Self) -> Self {
        self
    }
}

/// Somewhere one is signed in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OpenSession {
    pub id: Id,
    /// What the session was called at the sign-in.
    pub device_name: Option<Line<1, 100>>,
    pub created_at: Time,
    /// When it last got new tokens.
    pub last_seen_at: Time,
    /// It ends then, whatever happens; and 30 days after it was last seen.
    pub expires_at: Time,
    /// Whether it is the one that asks.
    pub current: bool,
}

pub type OpenSessionList = ListOf<OpenSession>;

list_params! {
    /// What may be asked of one's sessions.
    pub struct SessionParams {
    }
}

/// A session: tokens, and who one is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    /// A JWT for the `Authorization` header.
    #[schema(max_length = 2000, pattern = "^[A-Za-z0-9_.-]+$")]
    pub access_token: String,
    #[schema(inline)]
    pub token_type: TokenType,
    /// Seconds that the access token is good for.
    #[schema(minimum = 1, maximum = 86400)]
    pub expires_in: u32,
    /// Good for one `POST /auth/refresh`.
    #[schema(max_length = 100, pattern = "^[A-Za-z0-9_-]+$")]
    pub refresh_token: String,
    pub user: User,
}

/// How the access token is presented (RFC 6750).
#[derive(Debug, Serialize, ToSchema)]
pub enum TokenType {
    Bearer,
}
