//! Tags: flat labels; an article has many.

mod aliases;
mod merging;
mod model;
mod queries;
pub mod routes;

pub use model::{NewTag, Tag};
pub use queries::{find, find_referred, insert, of_revisions, those};
