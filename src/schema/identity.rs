//! The tables of who is asking: accounts, sessions, keys, and what somebody shows besides a password or in its place.

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    users (id) {
        id -> DbId,
        email -> Text,
        name -> Text,
        role -> Text,
        password_hash -> Nullable<Text>,
        author_id -> Nullable<DbId>,
        version -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
        disabled_at -> Nullable<BigInt>,
        is_key -> Bool,
        second_factor_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    sessions (id) {
        id -> DbId,
        user_id -> DbId,
        device_name -> Text,
        created_at -> BigInt,
        last_seen_at -> BigInt,
        expires_at -> BigInt,
        ended_at -> Nullable<BigInt>,
        wrong_passwords -> Integer,
        signed_in_by -> Text,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    refresh_tokens (hash) {
        hash -> Binary,
        session_id -> DbId,
        created_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    one_time_tokens (hash) {
        hash -> Binary,
        purpose -> Text,
        user_id -> Nullable<DbId>,
        created_at -> BigInt,
        expires_at -> BigInt,
        email -> Nullable<Text>,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    keys (id) {
        id -> DbId,
        purpose -> Text,
        secret -> Binary,
        wrapped -> Bool,
        created_at -> BigInt,
        retired_at -> Nullable<BigInt>,
        signs_from -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    api_keys (id) {
        id -> DbId,
        hash -> Binary,
        begins -> Text,
        sections -> Nullable<Text>,
        created_by -> Nullable<DbId>,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        last_used_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    totp_secrets (user_id) {
        user_id -> DbId,
        secret -> Binary,
        wrapped -> Bool,
        created_at -> BigInt,
        last_step -> BigInt,
        wrong_codes -> Integer,
        blocked_until -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    recovery_codes (user_id, hash) {
        user_id -> DbId,
        hash -> Binary,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    identities (issuer, subject) {
        issuer -> Text,
        subject -> Text,
        user_id -> DbId,
        created_at -> BigInt,
        last_used_at -> BigInt,
    }
}

diesel::table! {
    use crate::db::DbId;
    use diesel::sql_types::*;

    sign_in_codes (hash) {
        hash -> Binary,
        user_id -> DbId,
        challenge -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
    }
}

diesel::joinable!(api_keys -> users (id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::allow_tables_to_appear_in_same_query!(api_keys, users);
diesel::allow_tables_to_appear_in_same_query!(totp_secrets, users);
diesel::allow_tables_to_appear_in_same_query!(users, sessions, refresh_tokens);
