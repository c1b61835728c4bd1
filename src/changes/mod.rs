//! Changes: what last happened in public to each thing, in an order that can be followed.

mod bookmark;
mod model;
mod present;
mod queries;
mod record;
pub mod routes;

pub use queries::{begin, forget};
pub use record::{counted, note, note_all, note_everything};
