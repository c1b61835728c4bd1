//! The tables of what somebody shows besides a password, or in its place.

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
