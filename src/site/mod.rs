//! The site: what it is called and where it is, how its addresses look, and which fields of its own an article may have.

mod current;
mod custom_fields;
mod json_schema;
mod model;
mod permalinks;
mod queries;
pub mod routes;
mod time_zone;

pub use current::{Current, Site};
pub use custom_fields::{check as check_custom_fields, check_moved, check_revisions};
pub use model::Profile;
pub use permalinks::{Address, Permalinks};
pub use queries::{found, profile};
