//! Redirects: paths of the site that lead elsewhere. What serves the site asks for them; Stet itself serves the API alone.

mod address;
mod chains;
mod model;
mod queries;
pub mod routes;
mod table;

pub use address::{OWN, Target};
pub use model::NewRedirect;
pub use queries::{Creation, insert};
