//! What a provider's word does to accounts, and whom it does not let in, stands in the audit.

use super::{House, ROLES, somebody};
use crate::{
    auth::with_token,
    on_both_databases,
    support::{TestApp, provider::Forged},
};
use serde_json::{Value, json};
use stet::permissions::Role::Author;

async fn what_a_providers_word_does_to_accounts_stands_in_the_audit(app: TestApp) {
    let house = House::open(app.kind(), &format!("link_by_email = true\n{ROLES}")).await;
    house.person("groups", json!(["chiefs"]));
    let ada = house.enter().await;
    let admin = with_token(&house.app, &ada.text("/access_token"));
    let newest = async || {
        let lines = admin.get("/audit?action=finish_sign_in,exchange_code&count=true").await;
        (lines.json["data"][0].clone(), lines.json["page"]["total"].as_i64().unwrap())
    };
    let told = |line: &Value| {
        let (actor, about) = (line["actor"]["id"].clone(), line["resource"].clone());
        (line["outcome"].as_str().unwrap().to_owned(), line["fields"].clone(), actor, about)
    };
    let done = |id: &str, fields: Value| ("done".to_owned(), fields, json!(id), json!({"kind": "users", "id": id}));
    let made = admin.get("/audit?action=finish_sign_in").await;
    assert_eq!(told(&made.json["data"][0]), done(&ada.text("/user/id"), json!(["email", "name", "role", "identity"])));

    // An account that was there, with another role besides; then the role alone; then nothing.
    let email = house.app.new_user(Author);
    somebody(&house);
    house.person("email", email.clone());
    for (groups, fields) in [("desk", json!(["identity", "role"])), ("writers", json!(["role"]))] {
        house.person("groups", json!([groups]));
        house.come_back().await.unwrap();
        let line = newest().await.0;
        let id = line["actor"]["id"].as_str().unwrap().to_owned();
        assert_eq!(line["actor"]["kind"], "user");
        assert_eq!(told(&line), done(&id, fields));
    }
    let (line, before) = newest().await;
    let mira = line["resource"].clone();
    let code = house.come_back().await.unwrap();
    assert_eq!(newest().await.1, before);

    // Who is not let in, where it is known whose account it is, and where it is not.
    house.person("groups", json!([]));
    assert_eq!(house.come_back().await, Err("not_on_staff".into()));
    let refused = |about: Value| ("refused".to_owned(), json!([]), Value::Null, about);
    assert_eq!(told(&newest().await.0), refused(json!({"kind": "sessions", "id": null})));
    house.person("groups", json!(["desk"]));
    house.person("sub", "somebody else's");
    assert_eq!(house.come_back().await, Err("account_not_linked".into()));
    assert_eq!(told(&newest().await.0), refused(mira));
    house.provider.set(|state| state.forged = Some(Forged::ByAStranger));
    assert_eq!(house.come_back().await, Err("identity_invalid".into()));
    assert_eq!(told(&newest().await.0), refused(json!({"kind": "sessions", "id": null})));
    let wrong = json!({"code": code, "code_verifier": "another text, of which the front end has never heard"});
    house.app.anyone().post("/auth/code", wrong).await.assert_problem(401, "invalid_token");
    let line = newest().await.0;
    assert_eq!((&line["action"], &line["outcome"]), (&json!("exchange_code"), &json!("refused")));
    assert_eq!(newest().await.1, before + 4);
}

on_both_databases! {
    what_a_providers_word_does_to_accounts_stands_in_the_audit,
}
