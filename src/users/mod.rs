//! Users: people on the staff who sign in.

mod invitations;
mod model;
mod queries;
pub mod routes;

pub use invitations::{INVITATION, accept, forget as forget_invitations, invited};
pub use model::{Colleague, NewUser, User, UserRow};
pub use queries::{
    find, find_by_email, follow_role, has_administrator, hold, hold_able, hold_if_there, insert, rename, set_email,
    set_password, signature,
};
