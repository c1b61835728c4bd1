//! The tables and views of search. The words themselves stand in `published_terms` and `staff_terms`, which only
//! `db/full_text.rs` knows: each database has them in its own form.

use super::{article_revisions, published_articles, working_articles};

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    search_pending (subject_id) {
        subject_id -> DbId,
        kind -> Text,
        spread -> Bool,
        mark -> DbId,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    published_documents (key) {
        key -> BigInt,
        subject_id -> DbId,
        kind -> Text,
        revision_id -> Nullable<DbId>,
        labels -> Binary,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    staff_documents (key) {
        key -> BigInt,
        subject_id -> DbId,
        kind -> Text,
        revision_id -> Nullable<DbId>,
        labels -> Binary,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    published_search (key) {
        key -> BigInt,
        subject_id -> DbId,
        kind -> Text,
        revision_id -> Nullable<DbId>,
        labels -> Binary,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    staff_search (key) {
        key -> BigInt,
        subject_id -> DbId,
        kind -> Text,
        revision_id -> Nullable<DbId>,
        labels -> Binary,
    }
}

diesel::allow_tables_to_appear_in_same_query!(published_search, published_articles);
diesel::allow_tables_to_appear_in_same_query!(published_search, article_revisions);
diesel::allow_tables_to_appear_in_same_query!(staff_search, published_articles);
diesel::allow_tables_to_appear_in_same_query!(staff_search, article_revisions);
diesel::allow_tables_to_appear_in_same_query!(published_search, working_articles);
diesel::allow_tables_to_appear_in_same_query!(staff_search, working_articles);
