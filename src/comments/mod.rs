//! Comments: threads below an article, by guests and staff, shown once they are approved.

mod model;
mod queries;
pub mod routes;

pub use model::{Kind, Moderation, Row, ThreadList, rendered};
pub use queries::{first_page, insert_row, purge};
