//! How people sign in, and what that takes of whom.

use super::oidc::Providers;
use crate::permissions::Role;

crate::db::column::text_enum! {
    /// What a session was opened with.
    pub enum SignedInBy {
        /// A password and nothing else.
        Password = "password",
        /// A password and a code of an authenticator.
        Totp = "totp",
        /// A password and a recovery code.
        RecoveryCode = "recovery_code",
        /// What a provider said: asking for a second factor is its part.
        Provider = "provider",
    }
}

/// The settings of signing in.
#[derive(Debug, Default)]
pub struct SignIn {
    /// Roles that may do nothing by a password alone.
    pub totp_required: Vec<Role>,
    pub providers: Providers,
}

impl SignIn {
    pub fn asks_for_more(&self, role: Role) -> bool {
        self.totp_required.contains(&role)
    }

    /// Whether a session is good for nothing but setting up what its user's role asks for.
    pub fn holds_back(&self, role: Role, by: SignedInBy) -> bool {
        by == SignedInBy::Password && self.asks_for_more(role)
    }
}
