//! What signing in takes and gives.

use super::{
    Password, SignedInBy,
    totp::{RecoveryCode, SecondCode},
};
use crate::{
    clock::Time,
    db::Id,
    http::{Changes, Settle, list_params, page::ListOf},
    users::User,
    values::{Email, Line, Prose, Refusal},
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
    /// Of the second factor, where there is one. It is asked for once the password was right.
    #[serde(default)]
    pub code: Option<SecondCode>,
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

/// A provider that one may sign in at.
#[derive(Debug, Serialize, ToSchema)]
pub struct Provider {
    /// For `GET /auth/oidc/{provider}`.
    #[schema(max_length = 40, pattern = "^[a-z0-9-]+$", example = "house")]
    pub name: String,
    /// For a button.
    #[schema(max_length = 100, pattern = "^[^\\x00-\\x1f]*$", example = "The Lantern's own")]
    pub title: String,
}

/// Those that one may sign in at.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProviderList {
    #[schema(max_items = 100)]
    pub data: Vec<Provider>,
}

/// What a sign-in at a provider ended with, and what shows that it is who began it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A",
    "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "device_name": "desk"
}))]
pub struct ProviderCode {
    pub code: Line<1, 100>,
    /// The text whose `code_challenge` it was begun with.
    pub code_verifier: Line<43, 128>,
    /// A name to know the session by.
    #[serde(default)]
    pub device_name: Option<Line<1, 100>>,
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
    /// Of the second factor, where there is one: an invitation does not take its place.
    #[serde(default)]
    pub code: Option<SecondCode>,
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

/// What shows that it is oneself who asks.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "a tide table for March"}))]
pub struct CurrentPassword {
    pub current_password: Prose<1, 128>,
}

/// A code that the authenticator shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "492039"}))]
pub struct FactorCode {
    pub code: SecondCode,
}

/// What shows that it is oneself who asks, where there is a second factor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"current_password": "a tide table for March", "code": "492039"}))]
pub struct PasswordAndCode {
    pub current_password: Prose<1, 128>,
    pub code: SecondCode,
}

/// One's second factor.
#[derive(Debug, Serialize, ToSchema)]
pub struct Totp {
    /// Whether a sign-in by password takes a code.
    pub enabled: bool,
    /// Since when it does.
    pub enabled_at: Option<Time>,
    /// How many recovery codes are left.
    #[schema(minimum = 0, maximum = 10)]
    pub recovery_codes: i64,
    /// Whether the role asks for it.
    pub required: bool,
}

/// What an authenticator is told. It is shown once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TotpSecret {
    /// To be typed: base32.
    #[schema(min_length = 32, max_length = 32, pattern = "^[A-Z2-7]+$", example = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")]
    pub secret: String,
    /// To be shown as a QR code.
    #[schema(
        format = "uri",
        max_length = 6000,
        example = "otpauth://totp/The%20Lantern:mira%40lantern.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=The%20Lantern"
    )]
    pub otpauth_url: String,
}

/// What signs in once each, in place of a code. They are shown once.
#[derive(Serialize, ToSchema)]
pub struct RecoveryCodes {
    #[schema(min_items = 10, max_items = 10)]
    pub codes: Vec<RecoveryCode>,
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
    #[schema(inline)]
    pub signed_in_by: SignedInBy,
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
    /// Whether the role asks for a second factor that is not set up yet: until it is, the token is good for `/me/totp` and
    /// nothing else.
    pub second_factor_missing: bool,
    pub user: User,
}

/// How the access token is presented (RFC 6750).
#[derive(Debug, Serialize, ToSchema)]
pub enum TokenType {
    Bearer,
}

/// The SHA-256 of a secret text, in base64url (RFC 7636).
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Challenge(String);

impl Challenge {
    pub fn into_inner(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Challenge {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        if text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
            Ok(Self(text))
        } else {
            Err(Refusal::new("invalid_challenge", "it is a SHA-256 in base64url: 43 letters, digits, - and _"))
        }
    }
}
