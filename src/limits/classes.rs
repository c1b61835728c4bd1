//! Which operations count together, and how many of them one may ask for.

/// A bound: so many requests at once, and as many anew in that many seconds, evenly.
#[derive(Debug, Clone, Copy)]
pub struct Bound {
    pub name: &'static str,
    pub requests: u32,
    pub seconds: u32,
}

/// What counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Never counted: what watches over the process asks often.
    Free,
    Reads,
    /// What costs more to read: finding by words, and exports.
    Search,
    Writes,
    Comments,
    /// What takes a secret that nobody guesses, and no password.
    Tokens,
    /// What takes a password or chooses one, or sends mail.
    SignIn,
}

use Class::{Comments, Free, Reads, Search, SignIn, Tokens, Writes};

/// Requests, and the seconds in which they come anew.
type Times = (u32, u32);

/// The bounds: what an address may whose callers are strangers, and what an account or a key may.
const BOUNDS: &[(Class, &str, Times, Times)] = &[
    (Free, "free", (1, 1), (1, 1)),
    // Whoever builds a static site reads all there is.
    (Reads, "reads", (6000, 60), (60_000, 60)),
    (Search, "search", (300, 60), (600, 60)),
    // A stranger writes nothing but comments: each of these is refused.
    (Writes, "writes", (120, 60), (12_000, 60)),
    (Comments, "comments", (10, 60), (60, 60)),
    // A newsroom behind one address, each of them with a few tabs.
    (Tokens, "tokens", (120, 60), (60, 60)),
    (SignIn, "sign_in", (20, 60), (10, 300)),
];

/// What one account takes from those who would sign in to it: known or not, wherever they are.
pub const ACCOUNT: Bound = Bound { name: "account", requests: 10, seconds: 300 };
/// The same where its user has signed in from before, and what all may try there: scripts and tests sign in often.
pub const FAMILIAR_ACCOUNT: Bound = Bound { name: "account", requests: 100, seconds: 300 };
pub const FAMILIAR_ADDRESS: Bound = Bound { name: "sign_in", requests: 300, seconds: 60 };

/// Every operation of the document stands here: a test sees to it.
const OPERATIONS: &[(Class, &[&str])] = &[
    (Free, &["get_health", "get_readiness"]),
    (
        Reads,
        &[
            "get_api_key",
            "get_article",
            "get_article_sitemap",
            "get_author",
            "get_author_feed",
            "get_comment",
            "get_correction",
            "get_feed",
            "get_llms",
            "get_me",
            "get_news_sitemap",
            "get_page_sitemap",
            "get_preflight",
            "get_preview",
            "get_providers",
            "get_public_keys",
            "get_redirect",
            "get_revision",
            "get_section",
            "get_section_feed",
            "get_site",
            "get_sitemap",
            "get_tag",
            "get_tag_feed",
            "get_totp",
            "get_user",
            "list_api_keys",
            "list_article_comments",
            "list_articles",
            "list_audit",
            "list_authors",
            "list_changes",
            "list_comments",
            "list_corrections",
            "list_previews",
            "list_redirects",
            "list_related",
            "list_reviews",
            "list_revisions",
            "list_sections",
            "list_sessions",
            "list_tags",
            "list_users",
        ],
    ),
    (Search, &["export_redirects", "search", "suggest_searches"]),
    (
        Writes,
        &[
            "archive_author",
            "change_articles",
            "create_api_key",
            "create_article",
            "create_author",
            "create_correction",
            "create_preview",
            "create_redirect",
            "create_section",
            "create_tag",
            "create_user",
            "delete_api_key",
            "delete_article",
            "delete_author",
            "delete_comment",
            "delete_correction",
            "delete_preview",
            "delete_redirect",
            "delete_section",
            "delete_session",
            "delete_sessions",
            "delete_tag",
            "delete_user",
            "import_redirects",
            "invite_user",
            "merge_tag",
            "publish_article",
            "remove_second_factor",
            "restore_article",
            "restore_revision",
            "review_article",
            "unarchive_author",
            "unpublish_article",
            "update_article",
            "update_author",
            "update_comment",
            "update_me",
            "update_section",
            "update_site",
            "update_tag",
            "update_user",
            "withdraw_review",
        ],
    ),
    (Comments, &["create_comment"]),
    (Tokens, &["begin_sign_in", "confirm_email", "exchange_code", "finish_sign_in", "logout", "refresh"]),
    (
        SignIn,
        &[
            "accept_invitation",
            "begin_totp",
            "change_email",
            "change_password",
            "confirm_totp",
            "forgot_password",
            "login",
            "remove_totp",
            "replace_recovery_codes",
            "reset_password",
            "set_up",
        ],
    ),
];

impl Class {
    pub const ALL: &[Self] = &[Free, Reads, Search, Writes, Comments, Tokens, SignIn];

    /// What an account or a key may, or else an address.
    pub fn bound(self, actor: bool) -> Bound {
        let (_, name, address, account) = BOUNDS[self as usize];
        let (requests, seconds) = if actor { account } else { address };
        Bound { name, requests, seconds }
    }
}

/// The class of an operation; none, where it has no row.
pub fn class_of(operation: &str) -> Option<Class> {
    OPERATIONS.iter().find(|(_, ids)| ids.contains(&operation)).map(|(class, _)| *class)
}

#[cfg(test)]
mod tests {
    use super::{BOUNDS, Class, OPERATIONS, class_of};
    use crate::openapi;
    use std::collections::BTreeSet;

    #[test]
    fn the_tables_are_in_one_order() {
        let rows: Vec<Class> = BOUNDS.iter().map(|(class, ..)| *class).collect();
        assert_eq!(rows, Class::ALL);
        assert!(Class::ALL.iter().enumerate().all(|(at, class)| *class as usize == at));
    }

    #[test]
    fn every_operation_has_a_class_and_every_row_an_operation() {
        let document = openapi::document();
        let items = document["paths"].as_object().unwrap().values();
        let ids: BTreeSet<&str> = items
            .flat_map(|item| item.as_object().unwrap().values())
            .map(|operation| operation["operationId"].as_str().unwrap())
            .collect();
        let without: Vec<_> = ids.iter().filter(|id| class_of(id).is_none()).collect();
        assert!(without.is_empty(), "no class in src/limits/classes.rs: {without:?}");
        let rows: Vec<&str> = OPERATIONS.iter().flat_map(|(_, ids)| ids.iter().copied()).collect();
        assert_eq!(rows.len(), ids.len(), "an operation stands there twice");
        let unknown: Vec<_> = rows.iter().filter(|row| !ids.contains(**row)).collect();
        assert!(unknown.is_empty(), "no operations: {unknown:?}");
    }
}
