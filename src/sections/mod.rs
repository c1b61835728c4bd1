//! Sections: the site's tree; an article stands in one.

mod model;
mod old_paths;
mod queries;
pub mod routes;

pub use model::{Crumb, NewSection, Section, SectionRef};
pub use queries::{at_the_root, exist, find, insert, those, with_those_below};
