//! Search: what one reader of texts makes of words, in an index of what is public and another of what is the staff's.

mod analysis;
mod document;
mod facets;
mod highlight;
mod index;
mod model;
mod names;
mod pending;
mod queries;
mod reach;
pub mod rebuild;
pub mod routes;
mod suggestions;
mod terms;

pub use document::{Label, keys_between, label_word, language_word, owner_word};
pub use index::{Turn, begin, merge, work};
pub use model::Highlights;
pub use pending::{Kind, touch, touch_all, touch_name};
pub use queries::{Field, Hit, Showing, Source, ranked};
pub use terms::{Typed, Wanted};
