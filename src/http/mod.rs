//! What every handler shares: what is read from a request, and how an answer is given.

mod accept;
pub mod answer;
mod browsers;
pub mod call;
mod conflict;
pub mod cursor;
pub mod etag;
pub mod front;
mod headers_only;
pub mod json;
mod merge;
mod mistakes;
pub mod operation;
pub mod page;
mod path;
mod query;
mod registering;
pub mod request_id;
mod validate;
mod writing;
pub mod xml;

pub use accept::prefers_markdown;
pub use answer::Answer;
pub use conflict::{Conflict, FieldChange, PastEvent};
pub use etag::{Expected, Versioned};
pub use headers_only::HeadersOnly;
pub use json::{Json, OptionalJson};
pub use merge::{Changes, Settle};
pub use mistakes::pointer_key;
pub use page::{Page, Window};
pub use path::Path;
pub use query::{List, NoParams, Query};
pub(crate) use query::{field_names, list_params};
pub use registering::Routes;
pub(crate) use writing::write_params;
pub use writing::{WriteAsked, WriteParams, Writing};
