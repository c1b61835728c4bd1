//! The table of the audit. What it names may be gone, so nothing is joined to it by a key.

use super::users;

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    audit (id) {
        id -> DbId,
        at -> BigInt,
        action -> Text,
        outcome -> Text,
        actor_kind -> Text,
        actor_id -> Nullable<DbId>,
        session_id -> Nullable<DbId>,
        resource_kind -> Text,
        resource_id -> Nullable<DbId>,
        fields -> Text,
        address -> Nullable<Text>,
        request_id -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(audit, users);
