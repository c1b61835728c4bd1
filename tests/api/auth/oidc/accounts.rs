//! Which account a provider's word opens, and with which role.

use super::{House, ROLES, exchange, somebody};
use crate::{
    auth::{sign_in, with_token},
    on_both_databases,
    support::{Kind, TestApp},
};
use serde_json::{Value, json};
use stet::{
    clock,
    db::Id,
    permissions::Role::{Admin, Author, Editor},
};

async fn an_account_is_linked_by_a_verified_address_where_the_settings_say_so(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    for verified in [json!(false), json!("false"), Value::Null] {
        house.person("email_verified", verified);
        assert_eq!(house.come_back().await, Err("email_unverified".into()));
    }
    house.person("email_verified", true);
    let email = house.app.new_user(Editor);
    house.person("email", email.clone());
    assert_eq!(house.come_back().await, Err("account_not_linked".into()));
    assert_eq!(house.app.number("SELECT count(*) FROM identities"), 0);

    let house = House::open(app.kind(), &format!("link_by_email = true\n{ROLES}")).await;
    let email = house.app.new_user(Author);
    let before = with_token(&house.app, &sign_in(&house.app, &email).await.text("/access_token"));
    let id = before.get("/me").await.text("/id");
    house.person("email", email.to_uppercase());
    house.person("email_verified", false);
    assert_eq!(house.come_back().await, Err("email_unverified".into()));
    before.get("/me").await.assert(200);
    house.person("email_verified", "true");
    let session = house.enter().await;
    assert_eq!((session.text("/user/id"), session.text("/user/role")), (id.clone(), "editor".into()));
    // Whoever was there before has to sign in again.
    before.get("/me").await.assert_problem(401, "invalid_token");
    // From then on the subject counts, whatever address the provider has for them.
    house.person("email", "elsewhere@lantern.example");
    house.person("email_verified", false);
    assert_eq!(house.enter().await.text("/user/id"), id);
    // An address that was given to somebody else opens nothing.
    house.person("sub", "somebody else");
    house.person("email", email);
    house.person("email_verified", true);
    assert_eq!(house.come_back().await, Err("account_not_linked".into()));
}

async fn an_invitation_to_an_account_that_was_linked_is_void(app: TestApp) {
    let house = House::open(app.kind(), "link_by_email = true").await;
    // Roles are not the provider's to say here: nobody new is let in, and a role stays.
    assert_eq!(house.come_back().await, Err("not_on_staff".into()));
    let id = Id::new();
    let now = clock::now().micros();
    let hex = id.to_string().replace('-', "");
    let id_sql = match house.app.kind() {
        Kind::Sqlite => format!("x'{hex}'"),
        Kind::Postgres => format!("'{id}'"),
    };
    house.app.execute(&format!(
        "INSERT INTO users (id, email, name, role, version, created_at, updated_at) \
         VALUES ({id_sql}, 'ada@lantern.example', 'Ada', 'author', 1, {now}, {now})"
    ));
    let hash = match house.app.kind() {
        Kind::Sqlite => "x'00'",
        Kind::Postgres => "'\\x00'::bytea",
    };
    house.app.execute(&format!(
        "INSERT INTO one_time_tokens (hash, purpose, user_id, created_at, expires_at) \
         VALUES ({hash}, 'invitation', {id_sql}, {now}, {now} + 1000000000)"
    ));
    assert_eq!(house.enter().await.text("/user/role"), "author");
    assert_eq!(house.app.number("SELECT count(*) FROM one_time_tokens WHERE purpose = 'invitation'"), 0);
}

async fn roles_follow_the_provider(app: TestApp) {
    let house = House::open(app.kind(), ROLES).await;
    let session = house.enter().await;
    let ada = with_token(&house.app, &session.text("/access_token"));
    for (groups, role) in [
        (json!(["writers", "desk", "unheard of"]), "editor"),
        (json!("writers"), "author"),
        (json!(["chiefs"]), "admin"),
    ] {
        house.person("groups", groups);
        assert_eq!(house.enter().await.text("/user/role"), role);
    }
    ada.get("/me").await.assert_problem(401, "invalid_token");
    for groups in [json!([]), json!(["unheard of"]), Value::Null, json!(7)] {
        house.person("groups", groups);
        assert_eq!(house.come_back().await, Err("not_on_staff".into()));
    }
    house.person("groups", json!(["desk"]));
    house.enter().await;
    somebody(&house);
    house.person("groups", json!([]));
    assert_eq!(house.come_back().await, Err("not_on_staff".into()));
    assert_eq!(house.users(), 1);
    house.person("sub", "ada");
    house.person("groups", json!(["desk"]));
    let code = house.come_back().await.unwrap();
    house.app.execute("UPDATE users SET disabled_at = 1");
    exchange(&house.app, &code).await.assert_problem(401, "invalid_token");
    assert_eq!(house.come_back().await, Err("not_on_staff".into()));

    let more = "link_by_email = true\nroles_claim = \"realm_access.roles\"\nroles = { x = \"editor\" }\ndefault_role = \"author\"";
    let house = House::open(app.kind(), more).await;
    assert_eq!(house.enter().await.text("/user/role"), "author");
    house.person("realm_access", json!({"roles": ["x"]}));
    assert_eq!(house.enter().await.text("/user/role"), "editor");
    // The last administrator who has a password stays one.
    let admin = house.app.new_user(Admin);
    somebody(&house);
    house.person("email", admin);
    assert_eq!(house.enter().await.text("/user/role"), "admin");
    house.app.new_user(Admin);
    assert_eq!(house.enter().await.text("/user/role"), "editor");
}

on_both_databases! {
    an_account_is_linked_by_a_verified_address_where_the_settings_say_so,
    an_invitation_to_an_account_that_was_linked_is_void,
    roles_follow_the_provider,
}
