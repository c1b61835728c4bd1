//! Feeds: the newest articles as feed readers take them, of the whole site, a section, a tag or an author.

mod atom;
mod json;
mod model;
mod newest;
mod queries;
pub mod routes;
mod rss;

pub(crate) use model::text_document;
