//! A letter as it waits: what it is about and whom it is for, never what it says.

use crate::{
    auth::{addresses, one_time::Purpose, resets},
    clock::Time,
    db::Id,
    schema::letters,
    users,
    values::Email,
};
use diesel::prelude::*;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(60 * 60);

crate::db::column::text_enum! {
    /// What a letter is about.
    pub enum Kind {
        /// The link with which somebody new chooses a password.
        Invitation = "invitation",
        /// The link with which somebody who forgot theirs chooses another.
        PasswordReset = "password_reset",
        /// The link that shows that an address is somebody's, who wants to sign in with it.
        EmailConfirmation = "email_confirmation",
        /// Tells the address one has that another was asked for.
        EmailChangeAsked = "email_change_asked",
        /// Tells the address one had that there is another.
        EmailChanged = "email_changed",
        /// Tells that there is another password.
        PasswordChanged = "password_changed",
    }
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Invitation,
        Self::PasswordReset,
        Self::EmailConfirmation,
        Self::EmailChangeAsked,
        Self::EmailChanged,
        Self::PasswordChanged,
    ];

    /// What the token in it is for.
    pub fn purpose(self) -> Option<Purpose> {
        match self {
            Self::Invitation => Some(users::INVITATION),
            Self::PasswordReset => Some(resets::RESET),
            Self::EmailConfirmation => Some(addresses::CONFIRMATION),
            Self::EmailChangeAsked | Self::EmailChanged | Self::PasswordChanged => None,
        }
    }

    /// Where its link leads, below the address for accounts.
    pub fn page(self) -> Option<&'static str> {
        match self {
            Self::Invitation => Some("/invitation"),
            Self::PasswordReset => Some("/password/reset"),
            Self::EmailConfirmation => Some("/email/confirm"),
            Self::EmailChangeAsked | Self::EmailChanged | Self::PasswordChanged => None,
        }
    }

    /// Whether it goes to an address of which nobody has shown yet that it is theirs: such a letter says nothing that the one
    /// who asked for it could choose.
    pub(super) fn is_to_a_stranger(self) -> bool {
        self == Self::EmailConfirmation
    }

    /// How long it is worth sending. Whoever forgot a password and got no letter for an hour has done something else.
    pub(super) fn worth_sending(self) -> Duration {
        match self {
            Self::PasswordReset | Self::EmailConfirmation => HOUR,
            _ => HOUR * 48,
        }
    }
}

/// A letter to be sent.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    pub kind: Kind,
    /// Nobody yet, of whom only an address is known: whether there is an account is found out after the answer.
    pub user: Option<Id>,
    pub to: &'a Email,
}

impl<'a> Letter<'a> {
    pub fn new(kind: Kind, user: Id, to: &'a Email) -> Self {
        Self { kind, user: Some(user), to }
    }

    /// For whoever has this address, if anybody has.
    pub fn password_reset(to: &'a Email) -> Self {
        Self { kind: Kind::PasswordReset, user: None, to }
    }
}

/// The row.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = letters)]
pub(super) struct Row {
    pub kind: Kind,
    pub user_id: Option<Id>,
    pub email: Option<Email>,
    pub expires_at: Time,
    pub next_at: Option<Time>,
    pub attempts: i32,
}
