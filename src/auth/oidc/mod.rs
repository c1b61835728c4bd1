//! Signing in by another's word: OpenID Connect providers, by the authorization code flow with PKCE.

mod caller;
mod id_token;
mod metadata;
mod provider;
mod queries;
mod settings;
mod ticket;

pub use provider::{Identity, Provider};
pub use queries::{Admitted, admit, forget_expired, hand_out, redeem};
pub use settings::Providers;
pub use ticket::{Cookie, LIFETIME as TICKET_LIFETIME, Ticket, challenge_of};
