//! What a key is, and what an administrator says of one.

use crate::{
    clock::Time,
    db::Id,
    http::{Versioned, list_params, page::ListOf},
    permissions::Role,
    users::Colleague,
    values::{Line, Ref, few},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a program comes with in place of a session. It is no user's: it goes on when whoever made it is gone.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// What it wrote names it by this, as what users wrote names them.
    pub id: Id,
    pub name: Line<1, 100>,
    pub role: Role,
    /// The sections that it may write in, with all that stand below them; `null` where it may in all.
    #[schema(max_items = 50)]
    pub sections: Option<Vec<Id>>,
    /// How it begins, to know it again by.
    #[schema(max_length = 9, pattern = "^stet_[0-9A-Za-z]{4}$", example = "stet_4k1d")]
    pub begins: String,
    /// The key itself, for `Authorization: Bearer`. Only in the answer that made it; it is kept nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(
        nullable = false,
        min_length = 54,
        max_length = 54,
        pattern = "^stet_[0-9A-Za-z]{49}$",
        example = "stet_4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A0001Ab"
    )]
    pub token: Option<String>,
    pub created_at: Time,
    /// Who made it; `null` where the account is gone.
    pub created_by: Option<Colleague>,
    /// From then on it is refused; `null` where it is good until it is deleted.
    pub expires_at: Option<Time>,
    /// To the minute.
    pub last_used_at: Option<Time>,
}

pub type ApiKeyList = ListOf<ApiKey>;

/// Being used is no change.
impl Versioned for ApiKey {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        1
    }
}

/// A key to make.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Website", "role": "reader"}))]
pub struct NewApiKey {
    pub name: Line<1, 100>,
    /// As a user of this role; a `reader` reads what is published, premium bodies too, and writes nothing.
    pub role: Role,
    /// Where it may write articles, by ids or slugs: there and below, and nothing else anywhere. Left out, wherever its role
    /// may.
    #[serde(default, deserialize_with = "few::<50, _, _>")]
    #[schema(min_items = 1, max_items = 50)]
    pub sections: Option<Vec<Ref>>,
    /// Until when it is good; until it is deleted, where it is left out.
    #[serde(default)]
    pub expires_at: Option<Time>,
}

list_params! {
    /// What may be asked of a list of keys.
    pub struct ApiKeyParams {
    }
}
