//! Tags: flat labels; an article has many.

mod model;
mod queries;
pub mod routes;

pub use model::{NewTag, Tag};
pub use queries::{find, insert, of_revisions, those};
