//! The audit: who did what, to what, when and from where. Lines are added, in the transaction that they tell of.

mod model;
mod queries;
mod record;
mod refusals;
pub mod routes;

pub use model::{ActorKind, Outcome};
pub use queries::{forget, insert};
pub use record::{Record, recorded};
pub use refusals::{Refusals, note_refusal};
