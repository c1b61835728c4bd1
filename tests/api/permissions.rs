//! Who may do what: every operation of the spec, as a stranger and as every role, held against one table.

use crate::{
    on_both_databases,
    support::{
        Client, Desk, PASSWORD, TestApp,
        spec::{self, Operation},
    },
};
use actix_web::http::Method;
use clap::Parser;
use serde_json::json;
use std::collections::BTreeSet;
use stet::{
    auth::{Password, passwords},
    clock, commands,
    config::Cli,
    db::Id,
    error::Code,
    permissions::Role::{self, Admin, Author, Contributor, Editor, Reader},
    users::{self, NewUser},
    values::Email,
};

/// Who may use an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Anyone,
    /// This role and those above it, with everything.
    From(Role),
    /// The first with what they wrote themselves, the second with everybody's.
    Own(Role, Role),
    /// As `From`, and no key.
    People(Role),
    /// Anyone but a key, whatever token comes along.
    AnyPerson,
    /// A stranger, and of the others this role and those above it.
    Signing(Role),
}

use Who::{AnyPerson, Anyone, From, Own, People, Signing};

/// The whole table: a new operation needs a row.
const TABLE: &[(&str, Who)] = &[
    ("list_articles", Anyone),
    ("create_article", From(Contributor)),
    ("get_article", Anyone),
    ("update_article", Own(Contributor, Editor)),
    ("delete_article", Own(Contributor, Editor)),
    ("restore_article", Own(Contributor, Editor)),
    ("publish_article", Own(Author, Editor)),
    ("unpublish_article", Own(Author, Editor)),
    ("list_revisions", Own(Contributor, Editor)),
    ("get_revision", Own(Contributor, Editor)),
    ("restore_revision", Own(Contributor, Editor)),
    ("list_reviews", Own(Contributor, Editor)),
    ("review_article", Own(Contributor, Editor)),
    ("withdraw_review", Own(Contributor, Editor)),
    ("list_previews", Own(Contributor, Editor)),
    ("create_preview", Own(Contributor, Editor)),
    ("get_preview", Own(Contributor, Editor)),
    ("delete_preview", Own(Contributor, Editor)),
    ("change_articles", From(Contributor)),
    ("get_preflight", Own(Contributor, Editor)),
    ("list_corrections", Anyone),
    ("create_correction", Own(Author, Editor)),
    ("get_correction", Anyone),
    ("delete_correction", From(Editor)),
    ("list_related", Anyone),
    ("list_changes", Anyone),
    ("list_article_comments", Anyone),
    ("create_comment", Signing(Contributor)),
    ("list_comments", From(Editor)),
    ("get_comment", Anyone),
    ("update_comment", From(Editor)),
    ("delete_comment", From(Editor)),
    ("list_authors", Anyone),
    ("create_author", From(Editor)),
    ("get_author", Anyone),
    ("update_author", From(Editor)),
    ("delete_author", From(Editor)),
    ("archive_author", From(Editor)),
    ("unarchive_author", From(Editor)),
    ("list_redirects", Anyone),
    ("create_redirect", From(Editor)),
    ("get_redirect", Anyone),
    ("delete_redirect", From(Editor)),
    ("export_redirects", Anyone),
    ("import_redirects", From(Editor)),
    ("list_sections", Anyone),
    ("create_section", From(Editor)),
    ("get_section", Anyone),
    ("update_section", From(Editor)),
    ("delete_section", From(Editor)),
    ("get_site", Anyone),
    ("update_site", From(Admin)),
    ("list_tags", Anyone),
    ("create_tag", From(Editor)),
    ("get_tag", Anyone),
    ("update_tag", From(Editor)),
    ("delete_tag", From(Editor)),
    ("merge_tag", From(Editor)),
    ("search", Anyone),
    ("suggest_searches", Anyone),
    ("get_feed", Anyone),
    ("get_section_feed", Anyone),
    ("get_tag_feed", Anyone),
    ("get_author_feed", Anyone),
    ("get_sitemap", Anyone),
    ("get_article_sitemap", Anyone),
    ("get_page_sitemap", Anyone),
    ("get_news_sitemap", Anyone),
    ("get_llms", Anyone),
    ("login", AnyPerson),
    ("logout", AnyPerson),
    ("refresh", AnyPerson),
    ("set_up", AnyPerson),
    ("accept_invitation", AnyPerson),
    ("forgot_password", AnyPerson),
    ("reset_password", AnyPerson),
    ("confirm_email", AnyPerson),
    ("get_providers", AnyPerson),
    ("begin_sign_in", AnyPerson),
    ("finish_sign_in", AnyPerson),
    ("exchange_code", AnyPerson),
    ("get_me", People(Contributor)),
    ("update_me", People(Contributor)),
    ("change_password", People(Contributor)),
    ("change_email", People(Contributor)),
    ("list_sessions", People(Contributor)),
    ("delete_sessions", People(Contributor)),
    ("delete_session", People(Contributor)),
    ("list_audit", People(Admin)),
    ("get_totp", People(Contributor)),
    ("begin_totp", People(Contributor)),
    ("confirm_totp", People(Contributor)),
    ("remove_totp", People(Contributor)),
    ("replace_recovery_codes", People(Contributor)),
    ("list_users", People(Admin)),
    ("create_user", People(Admin)),
    ("get_user", People(Admin)),
    ("update_user", People(Admin)),
    ("delete_user", People(Admin)),
    ("invite_user", People(Admin)),
    ("remove_second_factor", People(Admin)),
    ("list_api_keys", People(Admin)),
    ("create_api_key", People(Admin)),
    ("get_api_key", People(Admin)),
    ("delete_api_key", People(Admin)),
    ("get_public_keys", Anyone),
    ("get_health", Anyone),
    ("get_readiness", Anyone),
];

/// The roles of people. A reader is a key's role, and signs in nowhere.
const PEOPLE: [Role; 4] = [Contributor, Author, Editor, Admin];

fn row(operation: &str) -> Who {
    let row = TABLE.iter().find(|(id, _)| *id == operation);
    row.unwrap_or_else(|| panic!("`{operation}` has no row in the table of tests/api/permissions.rs")).1
}

#[test]
fn every_operation_of_the_spec_has_a_row_and_every_row_an_operation() {
    let specified: BTreeSet<String> = spec::operations().iter().map(|operation| operation.id.clone()).collect();
    let rows: BTreeSet<String> = TABLE.iter().map(|(id, _)| (*id).to_owned()).collect();
    assert_eq!(rows.len(), TABLE.len(), "a row stands there twice");
    assert_eq!(specified, rows);
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Stranger,
    Person(Role),
    Key(Role),
    /// With a token whose session has ended, or whose time is over.
    Over,
}

/// The status and code of the refusal, where there is to be one.
fn refusal(operation: &Operation, asker: Asker, own: bool) -> Option<(u16, &'static str)> {
    let who = row(&operation.id);
    let (mine, everybodys) = match (who, asker) {
        // A token that is not good is refused where none is needed, too; not where one gets another.
        (AnyPerson, Asker::Key(_)) | (People(_), Asker::Key(_)) => return Some((403, "not_for_keys")),
        (AnyPerson, _) => return None,
        (_, Asker::Over) if operation.path.starts_with("/api/") => return Some((401, "invalid_token")),
        (Anyone, _) | (Signing(_), Asker::Stranger) => return None,
        (From(role) | People(role) | Signing(role), _) => (role, role),
        (Own(mine, everybodys), _) => (mine, everybodys),
    };
    let operation = operation.id.as_str();
    let role = match asker {
        Asker::Person(role) | Asker::Key(role) => Some(role),
        Asker::Stranger | Asker::Over => None,
    };
    match role {
        None => Some((401, "unauthenticated")),
        Some(role) if role >= everybodys || (own && role >= mine) => None,
        // What is in somebody else's trash is not there at all.
        Some(role) if role >= mine && operation == "restore_article" => Some((404, "not_found")),
        Some(_) => Some((403, "forbidden")),
    }
}

async fn every_operation_holds_every_caller_to_the_table(app: TestApp) {
    let desk = Desk::start(app.kind()).await;
    let mut callers = vec![(Asker::Stranger, desk.app.anyone())];
    for role in PEOPLE {
        callers.push((Asker::Person(role), desk.app.signed_in(role).await));
    }
    for role in Role::ALL {
        let made = desk.admin.post("/api-keys", json!({"name": role, "role": role})).await;
        callers.push((Asker::Key(role), Client::new(&desk.app.address, Some(made.assert(201).text("/token")))));
    }
    for (expired, token) in over(&desk.app).await.into_iter().enumerate() {
        assert_eq!(token.get("/me").await.status, 401, "{expired}");
        callers.push((Asker::Over, token));
    }
    for operation in spec::operations() {
        for (asker, caller) in &callers {
            for own in [true, false] {
                // They have nothing of their own.
                if own && matches!(asker, Asker::Stranger | Asker::Over | Asker::Key(Reader)) {
                    continue;
                }
                let owner = if own { caller } else { &desk.editor };
                let reply = desk.send(operation, caller, owner, own).await;
                let what = format!(
                    "{} as {asker:?} with {} own: {}",
                    operation.id,
                    if own { "one's" } else { "not one's" },
                    reply.json
                );
                let found = (reply.status.as_u16(), reply.json["code"].as_str().unwrap_or_default());
                match refusal(operation, *asker, own) {
                    Some(expected) => assert_eq!(found, expected, "{what}"),
                    // There is an administrator, so the link of the first start opens nothing any more.
                    None if ["set_up", "exchange_code"].contains(&operation.id.as_str()) => {
                        assert_eq!(found, (401, "invalid_token"), "{what}");
                    }
                    // There is no provider; tests/api/auth/oidc.rs has some.
                    None if operation.path.contains("{provider}") => assert_eq!(found, (404, "not_found"), "{what}"),
                    None => assert!(reply.status.is_success(), "{what}"),
                }
            }
        }
    }
}

/// Somebody whose session has ended, and somebody whose token has expired. Both are administrators, who may everything.
async fn over(app: &TestApp) -> [Client; 2] {
    let [ended, expired] = [app.new_user(Admin), app.new_user(Admin)];
    let login = async |email: String| {
        let login = json!({"email": email, "password": PASSWORD});
        app.anyone().post("/auth/login", login).await
    };
    let (ended, expired) = (login(ended).await, login(expired).await);
    let sign_out = json!({"refresh_token": ended.assert(200).text("/refresh_token")});
    app.anyone().post("/auth/logout", sign_out).await.assert(204);
    let token = crate::auth::tokens::expired(app, &expired.assert(200).text("/access_token"));
    [ended.text("/access_token"), token].map(|token| Client::new(&app.address, Some(token)))
}

async fn the_spec_asks_for_a_token_exactly_where_a_stranger_gets_401(app: TestApp) {
    let desk = Desk::start(app.kind()).await;
    for operation in spec::operations() {
        let reply = desk.send(operation, &desk.app.anyone(), &desk.editor, false).await;
        let asked = reply.json["code"] == "unauthenticated";
        let security =
            operation.value["security"].as_array().unwrap_or_else(|| panic!("{} leaves it open", operation.id));
        assert_eq!(asked, !security.is_empty(), "{}: {} {}", operation.id, reply.status, reply.json);
        let open = matches!(row(&operation.id), Anyone | AnyPerson | Signing(_));
        assert_eq!(asked, !open, "{}", operation.id);
        if asked {
            assert_eq!(reply.status, 401);
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{}", operation.id);
        }
    }
}

async fn who_may_not_ask_is_told_that_before_anything_else(app: TestApp) {
    let callers =
        [(None, app.anyone()), (Some(Contributor), app.contributor().await), (Some(Author), app.author().await)];
    for operation in spec::operations() {
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let path = operation.template().replace("{ref}", "~").replace("{id}", "~");
        for (role, caller) in &callers {
            let refused = match (row(&operation.id), role) {
                (Anyone | AnyPerson | Signing(_), _) => continue,
                (_, None) => (401, "unauthenticated"),
                (From(least) | Own(least, _) | People(least), Some(role)) if *role < least => (403, "forbidden"),
                _ => continue,
            };
            // Nothing of this is right: the reference, the query, the body.
            let wrong = caller.with("content-type", "application/json");
            let reply = wrong.raw(method.clone(), &format!("{path}?nothing=1"), b"{".to_vec()).await;
            let found = (reply.status.as_u16(), reply.json["code"].as_str().unwrap_or_default());
            assert_eq!(found, refused, "{} as {role:?}: {}", operation.id, reply.json);
        }
    }
}

async fn another_ones_draft_is_not_there_at_all(app: TestApp) {
    let (owner, other) = (app.author().await, app.author().await);
    owner.post("/articles", json!({"title": "Secret"})).await.assert(201);
    for path in ["/articles/secret", "/articles/absent"] {
        let name = path.rsplit('/').next().unwrap();
        let detail = format!("there is no article `{name}`");
        let replies = [
            other.get(path).await,
            other.patch(path, json!({"title": "Mine now"})).await,
            other.put(&format!("{path}/publication"), json!({})).await,
            other.delete(&format!("{path}/publication")).await,
            other.delete(path).await,
        ];
        for reply in replies {
            assert_eq!(reply.assert_problem(404, "not_found").text("/detail"), detail);
        }
    }
}

async fn what_is_public_a_contributor_leaves_to_authors(app: TestApp) {
    let (editor, contributor) = (app.editor().await, app.contributor().await);
    contributor.post("/articles", json!({"title": "Mine"})).await.assert(201);
    editor.put("/articles/mine/publication", json!({})).await.assert(200);
    contributor.delete("/articles/mine").await.assert_problem(403, "forbidden");
    contributor.patch("/articles/mine", json!({"title": "Still mine"})).await.assert(200);
    editor.delete("/articles/mine").await.assert(204);
    contributor.send(Method::POST, "/articles/mine/restore", None).await.assert_problem(403, "forbidden");
}

async fn a_reader_is_no_person_and_cannot_sign_in(app: TestApp) {
    let hash = passwords::hash(&Password::parse(PASSWORD.into()).unwrap()).unwrap();
    let email = Email::parse("reader@lantern.example".into()).unwrap();
    let new = NewUser { email: &email, name: "A key", role: Reader, password_hash: Some(&hash), author_id: None };
    let refused = crate::support::blocking(|| {
        users::insert(&mut app.app.db.connection().unwrap(), &new, Id::new(), clock::now()).unwrap_err()
    });
    assert_eq!(refused.code(), Code::ValidationFailed);
    let login = json!({"email": email, "password": PASSWORD});
    app.anyone().post("/auth/login", login).await.assert_problem(401, "invalid_credentials");
}

#[test]
fn the_command_line_makes_no_reader_either() {
    let line = ["stet", "user", "create", "--email", "r@lantern.example", "--role", "reader", "--password-stdin"];
    let error = commands::run(Cli::parse_from(line).command).unwrap_err();
    assert!(error.to_string().contains("reader"), "{error}");
}

on_both_databases! {
    every_operation_holds_every_caller_to_the_table,
    the_spec_asks_for_a_token_exactly_where_a_stranger_gets_401,
    who_may_not_ask_is_told_that_before_anything_else,
    another_ones_draft_is_not_there_at_all,
    what_is_public_a_contributor_leaves_to_authors,
    a_reader_is_no_person_and_cannot_sign_in,
}
