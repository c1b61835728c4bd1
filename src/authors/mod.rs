//! Authors: public bylines.

mod model;
mod queries;
pub mod routes;

pub use model::{Author, NewAuthor};
pub use queries::{find, insert, of_revisions, those};
