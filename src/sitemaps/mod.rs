//! Sitemaps: what search engines are told there is, in parts that each cost what they hold.

mod model;
mod queries;
pub mod routes;
mod write;
