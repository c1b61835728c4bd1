//! Articles: one identity, and a list of immutable revisions. The staff see the working one, the public the published one.

mod conflicts;
mod difference;
mod drafts;
mod due;
mod fields;
mod history;
mod json_ld;
mod model;
mod old_slugs;
mod present;
mod preview_routes;
mod previews;
mod publication;
mod queries;
mod related;
mod review_routes;
mod reviews;
mod revisions;
pub mod routes;
mod saving;
mod text;
mod write;

pub use drafts::{Creation, insert, revise};
pub use due::Due;
pub use history::Saver;
pub use model::{BodyFormat, Row, Status};
pub use previews::clean_up as clean_up_previews;
pub use publication::lead;
pub use queries::{Eyes, exist, find_published, id_of, list};
pub use reviews::{Note, ask as ask_for_review};
pub use revisions::{bodies, pin};
pub use text::Draft;
pub use write::{ArticleParams, NewArticle};
