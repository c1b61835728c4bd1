//! Diesel's tables and views, one description for both databases.

mod identity;
mod search;
mod trail;
mod views;

pub use identity::{
    api_keys, identities, keys, one_time_tokens, recovery_codes, refresh_tokens, sessions, sign_in_codes, totp_secrets,
    users,
};
pub use search::{published_documents, published_search, search_pending, staff_documents, staff_search};
pub use trail::audit;
pub use views::{article_revisions, published_articles, published_comments, working_articles};

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    authors (id) {
        id -> DbId,
        slug -> Text,
        name -> Text,
        bio -> Text,
        bio_html -> Text,
        website -> Nullable<Text>,
        image -> Nullable<Text>,
        links -> Text,
        article_count -> BigInt,
        archived_at -> Nullable<BigInt>,
        version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    letters (id) {
        id -> DbId,
        kind -> Text,
        user_id -> Nullable<DbId>,
        email -> Nullable<Text>,
        created_at -> BigInt,
        expires_at -> BigInt,
        next_at -> Nullable<BigInt>,
        attempts -> Integer,
        sent_at -> Nullable<BigInt>,
        given_up_at -> Nullable<BigInt>,
        why -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    tags (id) {
        id -> DbId,
        slug -> Text,
        name -> Text,
        description -> Text,
        aliases -> Text,
        article_count -> BigInt,
        version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    sections (id) {
        id -> DbId,
        slug -> Text,
        name -> Text,
        description -> Text,
        parent_id -> Nullable<DbId>,
        position -> Integer,
        path -> Text,
        trail -> Text,
        version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    articles (id) {
        id -> DbId,
        slug -> Text,
        created_by -> Nullable<DbId>,
        created_at -> BigInt,
        updated_at -> BigInt,
        working_id -> DbId,
        published_id -> Nullable<DbId>,
        published_revision -> Nullable<Integer>,
        published_at -> Nullable<BigInt>,
        republished_at -> Nullable<BigInt>,
        publish_at -> Nullable<BigInt>,
        unpublish_at -> Nullable<BigInt>,
        review -> Nullable<Text>,
        comments_open -> Bool,
        comment_count -> BigInt,
        version -> Integer,
        deleted_at -> Nullable<BigInt>,
        scheduled_id -> Nullable<DbId>,
        scheduled_revision -> Nullable<Integer>,
        corrected_at -> Nullable<BigInt>,
        translation_group -> Nullable<DbId>,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    revisions (id) {
        id -> DbId,
        article_id -> DbId,
        number -> Integer,
        title -> Text,
        subtitle -> Nullable<Text>,
        excerpt -> Text,
        excerpt_given -> Bool,
        word_count -> Integer,
        reading_minutes -> Integer,
        section_id -> Nullable<DbId>,
        image -> Nullable<Text>,
        visibility -> Text,
        featured -> Bool,
        language -> Text,
        seo -> Text,
        custom -> Text,
        created_by -> Nullable<DbId>,
        created_at -> BigInt,
        body_format -> Text,
        body_source -> Text,
        body_html -> Text,
        note -> Nullable<Text>,
        autosave -> Bool,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    revision_authors (revision_id, author_id) {
        revision_id -> DbId,
        author_id -> DbId,
        position -> Integer,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    revision_tags (revision_id, tag_id) {
        revision_id -> DbId,
        tag_id -> DbId,
        position -> Integer,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    revision_related (revision_id, related_id) {
        revision_id -> DbId,
        related_id -> DbId,
        position -> Integer,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    comments (id) {
        id -> DbId,
        article_id -> DbId,
        parent_id -> Nullable<DbId>,
        root_id -> DbId,
        depth -> Integer,
        kind -> Text,
        user_id -> Nullable<DbId>,
        name -> Text,
        email -> Nullable<Text>,
        website -> Nullable<Text>,
        body -> Text,
        body_html -> Text,
        status -> Text,
        visible -> Bool,
        version -> Integer,
        created_at -> BigInt,
        edited_at -> Nullable<BigInt>,
        trashed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    events (id) {
        id -> DbId,
        kind -> Text,
        subject_id -> DbId,
        version -> Integer,
        revision -> Nullable<Integer>,
        fields -> Text,
        user_id -> Nullable<DbId>,
        at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    reviews (id) {
        id -> DbId,
        article_id -> DbId,
        revision -> Integer,
        status -> Text,
        note -> Nullable<Text>,
        user_id -> Nullable<DbId>,
        created_at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    previews (id) {
        id -> DbId,
        article_id -> DbId,
        revision_id -> Nullable<DbId>,
        hash -> Binary,
        created_by -> Nullable<DbId>,
        created_at -> BigInt,
        expires_at -> BigInt,
        views -> BigInt,
        last_viewed_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    old_slugs (kind, slug) {
        kind -> Text,
        slug -> Text,
        target_id -> DbId,
        public -> Bool,
        alias -> Bool,
        created_at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    old_paths (path) {
        path -> Text,
        section_id -> DbId,
        created_at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    redirects (id) {
        id -> DbId,
        source -> Text,
        target -> Text,
        status -> Integer,
        created_by -> Nullable<DbId>,
        created_at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    corrections (id) {
        id -> DbId,
        article_id -> DbId,
        kind -> Text,
        text -> Text,
        created_by -> Nullable<DbId>,
        created_at -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::*;

    site (id) {
        id -> Integer,
        profile -> Text,
        custom_fields -> Nullable<Text>,
        version -> Integer,
        updated_at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    changes (id) {
        id -> DbId,
        kind -> Text,
        slug -> Text,
        revision -> Nullable<Integer>,
        path -> Nullable<Text>,
        dated_at -> Nullable<BigInt>,
        language -> Nullable<Text>,
        deleted -> Bool,
        changed_at -> BigInt,
        sequence -> Nullable<BigInt>,
    }
}

diesel::table! {
    change_stream (id) {
        id -> Integer,
        last -> BigInt,
        settled_at -> BigInt,
        horizon -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    change_starts (id) {
        id -> DbId,
        at -> BigInt,
        last -> BigInt,
    }
}

diesel::table! {
    idempotency_keys (scope, key) {
        scope -> Text,
        key -> Text,
        operation -> Text,
        digest -> Binary,
        status -> Integer,
        body -> Binary,
        etag -> Nullable<Text>,
        location -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::joinable!(old_paths -> sections (section_id));
diesel::joinable!(revision_authors -> authors (author_id));
diesel::joinable!(revision_tags -> tags (tag_id));
diesel::joinable!(revisions -> users (created_by));
diesel::joinable!(events -> users (user_id));
diesel::joinable!(reviews -> users (user_id));
diesel::joinable!(previews -> users (created_by));
diesel::joinable!(previews -> revisions (revision_id));
diesel::allow_tables_to_appear_in_same_query!(changes, articles);
diesel::allow_tables_to_appear_in_same_query!(events, users);
diesel::allow_tables_to_appear_in_same_query!(reviews, users);
diesel::allow_tables_to_appear_in_same_query!(articles, reviews);
diesel::allow_tables_to_appear_in_same_query!(articles, users);
diesel::allow_tables_to_appear_in_same_query!(authors, users);
diesel::allow_tables_to_appear_in_same_query!(previews, users, revisions);
diesel::allow_tables_to_appear_in_same_query!(
    articles,
    revisions,
    revision_authors,
    revision_tags,
    revision_related,
    authors,
    tags,
    sections,
    published_articles,
    article_revisions,
    working_articles,
    comments,
    published_comments,
    old_paths,
    old_slugs,
);
