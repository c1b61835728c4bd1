//! Users: people on the staff who sign in.

mod model;
mod queries;

pub use model::{Colleague, NewUser, User};
pub use queries::{find, find_by_email, has_administrator, insert};
