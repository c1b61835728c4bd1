//! Articles: one identity, and a list of immutable revisions. The staff see the working one, the public the published one.

mod drafts;
mod due;
mod history;
mod model;
mod present;
mod publication;
mod queries;
mod related;
mod revisions;
pub mod routes;
mod text;
mod write;

pub use drafts::{Creation, insert, revise};
pub use due::Due;
pub use model::{BodyFormat, Row, Status};
pub use publication::lead;
pub use queries::{Eyes, exist, find_published, id_of, list};
pub use revisions::{bodies, pin};
pub use text::Draft;
pub use write::{ArticleParams, NewArticle};
