//! What a stale `If-Match` is told, for programs: what has happened since, by whom and when.

use crate::{clock::Time, events::Kind, users::Colleague};
use serde::Serialize;
use utoipa::ToSchema;

/// What has happened to an article since the client read it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Conflict {
    /// The fields that were changed, each with its last change.
    #[schema(max_items = 100)]
    pub changes: Vec<FieldChange>,
    /// What else was done, each kind once, the last time.
    #[schema(max_items = 20)]
    pub events: Vec<PastEvent>,
    /// The number of the working revision now.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: i32,
    /// A tag of what it is now, for `If-Match`.
    #[schema(max_length = 100, pattern = "^\"[!-~]+\"$", example = "\"4-5d41402abc4b2a76\"")]
    pub etag: String,
}

/// A field that was changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FieldChange {
    /// A JSON Pointer into the article as it is written.
    #[schema(max_length = 500, pattern = "^/[^\\x00-\\x1f]*$", example = "/seo/description")]
    pub pointer: String,
    /// The revision that brought it. `null` where it was an autosave that a later one replaced, and for what belongs to no
    /// revision: the slug and whether comments are taken.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: Option<i32>,
    /// `null` where nobody did it, or the account is gone.
    pub by: Option<Colleague>,
    pub at: Time,
    /// Whether this request would change it, too, to something else.
    pub collides: bool,
}

/// Something that was done and changed no field.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PastEvent {
    pub kind: Kind,
    /// The revision that it is about.
    #[schema(minimum = 1, maximum = 2_147_483_647)]
    pub revision: Option<i32>,
    /// `null` where nobody did it, or the account is gone.
    pub by: Option<Colleague>,
    pub at: Time,
}
