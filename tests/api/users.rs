//! Users: who is on the staff, invitations, and the last administrator.

use crate::{
    on_both_databases,
    support::{Client, PASSWORD, Reply, TestApp},
};
use actix_web::http::Method;
use serde_json::{Value, json};
use stet::{auth, clock, permissions::Role};

async fn admin(app: &TestApp) -> Client {
    app.signed_in(Role::Admin).await
}

async fn login(app: &TestApp, email: &str, password: &str) -> Reply {
    app.anyone().post("/auth/login", json!({"email": email, "password": password})).await
}

fn as_session(app: &TestApp, session: &Reply) -> Client {
    Client::new(&app.address, Some(session.assert(200).text("/access_token")))
}

fn newcomer(email: &str) -> Value {
    json!({"email": email, "name": "Jonas Reyes", "role": "author"})
}

async fn accept(app: &TestApp, token: &str, password: &str) -> Reply {
    app.anyone().post("/auth/invitation", json!({"token": token, "password": password})).await
}

async fn whoever_is_invited_chooses_a_password_and_is_in(app: TestApp) {
    let admin = admin(&app).await;
    let byline = admin.post("/authors", json!({"name": "Jonas Reyes"})).await.assert(201).text("/id");
    let mut new = newcomer("Jonas@Lantern.example");
    new["author"] = json!("jonas-reyes");
    let created = admin.post("/users", new).await;
    let user = &created.assert(201).json;
    assert_eq!((&user["email"], &user["role"]), (&json!("jonas@lantern.example"), &json!("author")));
    assert_eq!((&user["author_id"], &user["invited"]), (&json!(byline), &json!(true)));
    assert_eq!(created.header("location"), format!("/api/v1/users/{}", created.text("/id")));
    login(&app, "jonas@lantern.example", PASSWORD).await.assert_problem(401, "invalid_credentials");
    let token = created.text("/invitation/token");
    // A password that will not do does not use it up.
    accept(&app, &token, "password1234").await.assert_problem(422, "validation_failed");
    accept(&app, &token, "Jonas Reyes 1").await.assert_problem(422, "validation_failed");
    let session = accept(&app, &token, PASSWORD).await;
    let jonas = as_session(&app, &session);
    assert_eq!(jonas.get("/me").await.json["invited"], false);
    // Whoever names the same byline in another way changes nothing.
    let path = created.header("location").trim_start_matches("/api/v1").to_owned();
    let before = admin.get(&path).await.json;
    assert_eq!(admin.patch(&path, json!({"author": "jonas-reyes"})).await.assert(200).json, before);
    assert_eq!(jonas.post("/articles", json!({"title": "First"})).await.assert(201).json["authors"][0]["id"], byline);
    login(&app, "jonas@lantern.example", PASSWORD).await.assert(200);
    accept(&app, &token, "another tide table").await.assert_problem(401, "invalid_token");
}

async fn an_invitation_is_good_once_for_a_week_and_for_nobody_who_is_out(app: TestApp) {
    let admin = admin(&app).await;
    let created = admin.post("/users", newcomer("jonas@lantern.example")).await;
    let (path, first) = (format!("/users/{}", created.assert(201).text("/id")), created.text("/invitation/token"));
    assert_eq!(app.number("SELECT count(*) FROM one_time_tokens"), 1);
    let found = admin.get(&path).await;
    assert!(found.assert(200).json.get("invitation").is_none(), "{}", found.json);
    // Another takes its place.
    let again = admin.send(Method::POST, &format!("{path}/invitation"), None).await;
    assert_eq!(again.assert(200).header("cache-control"), "no-store");
    accept(&app, &first, PASSWORD).await.assert_problem(401, "invalid_token");
    let second = again.text("/token");
    for wrong in ["x", &second[1..], &second.to_lowercase()] {
        accept(&app, wrong, PASSWORD).await.assert_problem(401, "invalid_token");
    }
    // A week later.
    app.execute("UPDATE one_time_tokens SET expires_at = expires_at - 604800000000");
    accept(&app, &second, PASSWORD).await.assert_problem(401, "invalid_token");
    app.app.db.write(|conn| auth::clean_up(conn, clock::now())).await.unwrap();
    assert_eq!(app.number("SELECT count(*) FROM one_time_tokens"), 0);
    // Nobody who is disabled or deleted.
    let third = admin.send(Method::POST, &format!("{path}/invitation"), None).await.assert(200).text("/token");
    admin.patch(&path, json!({"disabled": true})).await.assert(200);
    accept(&app, &third, PASSWORD).await.assert_problem(401, "invalid_token");
    admin.send(Method::POST, &format!("{path}/invitation"), None).await.assert_problem(409, "conflict");
    admin.patch(&path, json!({"disabled": false})).await.assert(200);
    // Of ten at once, one.
    let fourth = admin.send(Method::POST, &format!("{path}/invitation"), None).await.assert(200).text("/token");
    let tries: Vec<_> = (0..10)
        .map(|_| {
            let (anyone, body) = (app.anyone(), json!({"token": fourth, "password": PASSWORD}));
            actix_web::rt::spawn(async move { anyone.post("/auth/invitation", body).await.status.as_u16() })
        })
        .collect();
    let mut accepted = 0;
    for attempt in tries {
        accepted += usize::from(attempt.await.unwrap() == 200);
    }
    assert_eq!(accepted, 1);
    // It lets one who forgot the password choose another; who was signed in is so no more.
    let session = login(&app, "jonas@lantern.example", PASSWORD).await;
    let fifth = admin.send(Method::POST, &format!("{path}/invitation"), None).await.assert(200).text("/token");
    accept(&app, &fifth, "nine gulls on a wire").await.assert(200);
    as_session(&app, &session).get("/me").await.assert_problem(401, "invalid_token");
    let sixth = admin.send(Method::POST, &format!("{path}/invitation"), None).await.assert(200).text("/token");
    admin.delete(&path).await.assert(204);
    accept(&app, &sixth, PASSWORD).await.assert_problem(401, "invalid_token");
}

async fn what_invites_somebody_is_shown_once(app: TestApp) {
    let admin = admin(&app).await;
    let keyed = admin.with("idempotency-key", "invite-jonas");
    let first = keyed.post("/users", newcomer("jonas@lantern.example")).await;
    let token = first.assert(201).text("/invitation/token");
    let again = keyed.post("/users", newcomer("jonas@lantern.example")).await;
    assert_eq!((again.assert(201).header("idempotent-replayed"), again.text("/id")), ("true", first.text("/id")));
    assert!(again.json.get("invitation").is_none(), "{}", again.json);
    for (table, column) in [("idempotency_keys", "body"), ("one_time_tokens", "hash")] {
        let rows = app.number(&format!("SELECT count(*) FROM {table} WHERE {}", contains(&app, column, &token)));
        assert_eq!(rows, 0, "{table}");
    }
    let tried = admin.post("/users?dry_run=true", newcomer("mika@lantern.example")).await;
    assert!(tried.assert(201).json.get("invitation").is_none(), "{}", tried.json);
    assert_eq!(app.number("SELECT count(*) FROM users WHERE email LIKE 'mika%'"), 0);
    let path = format!("/users/{}/invitation", first.text("/id"));
    let keyed = admin.with("idempotency-key", "once more");
    let once_more = keyed.send(Method::POST, &path, None).await.assert(200).text("/token");
    let replayed = keyed.send(Method::POST, &path, None).await;
    assert!(replayed.assert(200).json.get("token").is_none(), "{}", replayed.json);
    let tried = admin.send(Method::POST, &format!("{path}?dry_run=true"), None).await;
    assert!(tried.assert(200).json.get("token").is_none(), "{}", tried.json);
    accept(&app, &token, PASSWORD).await.assert_problem(401, "invalid_token");
    accept(&app, &once_more, PASSWORD).await.assert(200);
}

async fn a_password_is_not_to_be_guessed_by_what_is_kept_of_its_request(app: TestApp) {
    let admin = admin(&app).await;
    let keyed = admin.with("idempotency-key", "jonas");
    let mut new = newcomer("jonas@lantern.example");
    new["password"] = json!(PASSWORD);
    let first = keyed.post("/users", new.clone()).await;
    let again = keyed.post("/users", new.clone()).await;
    assert_eq!((first.assert(201).header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(again.assert(201).bytes, first.bytes);
    let mut other = new.clone();
    other["password"] = json!("nine gulls on a wire");
    keyed.post("/users", other).await.assert_problem(422, "idempotency_key_reused");
    let open = newcomer("mika@lantern.example");
    admin.with("idempotency-key", "mika").post("/users", open.clone()).await.assert(201);
    // SHA-256 of a body takes no time: good enough for one that holds no secret.
    let kept = |body: &Value| {
        let hash: String = auth::hash_of(&body.to_string()).iter().map(|byte| format!("{byte:02X}")).collect();
        let digest = match app.kind() {
            crate::support::Kind::Sqlite => "HEX(digest)",
            crate::support::Kind::Postgres => "UPPER(ENCODE(digest, 'hex'))",
        };
        app.number(&format!("SELECT count(*) FROM idempotency_keys WHERE {digest} = '{hash}'"))
    };
    assert_eq!((kept(&open), kept(&new)), (1, 0));
}

async fn an_administrator_changes_their_own_address_and_password_as_everybody_does(app: TestApp) {
    let (admin, other) = (admin(&app).await, admin(&app).await);
    let me = admin.get("/me").await;
    let (path, email) = (format!("/users/{}", me.text("/id")), me.text("/email"));
    let elsewhere = json!({"email": "elsewhere@lantern.example"});
    for query in ["", "?dry_run=true"] {
        admin.patch(&format!("{path}{query}"), elsewhere.clone()).await.assert_problem(403, "forbidden");
        let invited = admin.send(Method::POST, &format!("{path}/invitation{query}"), None).await;
        invited.assert_problem(403, "forbidden");
    }
    admin.patch(&path, json!({"email": email, "name": "Mira H."})).await.assert(200);
    assert_eq!(app.number("SELECT count(*) FROM one_time_tokens"), 0);
    // A colleague may.
    other.send(Method::POST, &format!("{path}/invitation"), None).await.assert(200);
    assert_eq!(other.patch(&path, elsewhere).await.assert(200).text("/email"), "elsewhere@lantern.example");
}

/// Whether a column of bytes holds a text.
pub fn contains(app: &TestApp, column: &str, text: &str) -> String {
    match app.kind() {
        crate::support::Kind::Sqlite => format!("instr({column}, CAST('{text}' AS BLOB)) > 0"),
        crate::support::Kind::Postgres => format!("position('{text}'::bytea in {column}) > 0"),
    }
}

async fn an_address_is_one_users_in_whatever_case(app: TestApp) {
    let admin = admin(&app).await;
    admin.post("/users", newcomer("jonas@lantern.example")).await.assert(201);
    let other = admin.post("/users", newcomer("mika@lantern.example")).await.assert(201).text("/id");
    let expected = [("/email".to_owned(), "taken".to_owned())];
    for email in ["jonas@lantern.example", "JONAS@Lantern.Example", " jonas@lantern.example "] {
        let taken = admin.post("/users", newcomer(email)).await;
        assert_eq!(taken.assert_problem(409, "conflict").mistakes(), expected);
        let taken = admin.patch(&format!("/users/{other}"), json!({"email": email})).await;
        assert_eq!(taken.assert_problem(409, "conflict").mistakes(), expected);
    }
}

async fn users_are_listed_in_pages_and_told_of_without_a_secret(app: TestApp) {
    let admin = admin(&app).await;
    for (number, role) in ["author", "editor", "author", "contributor"].into_iter().enumerate() {
        let name = format!("Reyes {number}");
        let new =
            json!({"email": format!("u{number}@lantern.example"), "name": name, "role": role, "password": PASSWORD});
        let id = admin.post("/users", new).await.assert(201).text("/id");
        if number == 2 {
            admin.patch(&format!("/users/{id}"), json!({"disabled": true})).await.assert(200);
        }
    }
    admin.post("/api-keys", json!({"name": "A key", "role": "admin"})).await.assert(201);
    let list = admin.get("/users?count=true").await;
    assert_eq!(list.assert(200).column("name"), ["Mira Holt", "Reyes 0", "Reyes 1", "Reyes 2", "Reyes 3"]);
    assert_eq!(list.json["page"]["total"], 5, "a key is no user");
    let fields: Vec<&String> = list.json["data"][1].as_object().unwrap().keys().collect();
    let expected = [
        "id",
        "email",
        "name",
        "role",
        "author_id",
        "disabled",
        "invited",
        "second_factor",
        "created_at",
        "updated_at",
    ];
    assert_eq!(fields, expected);
    for (query, names) in [
        ("role=author", &["Reyes 0", "Reyes 2"][..]),
        ("role=author,editor&disabled=false", &["Reyes 0", "Reyes 1"]),
        ("disabled=true", &["Reyes 2"]),
        ("role=contributor&sort=-created_at", &["Reyes 3"]),
        ("role=author,editor,contributor&sort=-name", &["Reyes 3", "Reyes 2", "Reyes 1", "Reyes 0"]),
    ] {
        assert_eq!(admin.get(&format!("/users?{query}")).await.column("name"), names, "{query}");
        let mut walked = Vec::new();
        let mut next = format!("/users?{query}&limit=1");
        loop {
            let page = admin.get(&next).await;
            walked.extend(page.assert(200).column("name"));
            let Some(cursor) = page.json["page"]["next_cursor"].as_str() else { break };
            next = format!("/users?{query}&limit=1&cursor={cursor}");
        }
        assert_eq!(walked, names, "{query} by pages");
    }
    for query in [
        "password_hash=x",
        "fields=password_hash",
        "sort=password_hash",
        "sort=email",
        "q=a",
        "include=sessions",
        "is_key=true",
        "fields=version",
        "email=a",
        "sort=users.password_hash",
        "fields=id,password_hash",
    ] {
        admin.get(&format!("/users?{query}")).await.assert_problem(400, "invalid_parameter");
    }
}

async fn nobody_is_given_what_is_not_theirs_to_give(app: TestApp) {
    let admin = admin(&app).await;
    for extra in [
        json!({"id": "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"}),
        json!({"password_hash": "x"}),
        json!({"is_key": true}),
        json!({"created_at": "2020-01-01T00:00:00Z"}),
        json!({"author_id": null}),
        json!({"invited": false}),
        json!({"version": 7}),
    ] {
        let mut new = newcomer("jonas@lantern.example");
        new.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        assert_eq!(admin.post("/users", new).await.assert(422).mistakes()[0].1, "unknown_field", "{extra}");
        let user = admin.get("/users").await.text("/data/0/id");
        let changed = admin.patch(&format!("/users/{user}"), extra.clone()).await;
        assert_eq!(changed.assert(422).mistakes()[0].1, "unknown_field", "{extra}");
    }
    let mut reader = newcomer("jonas@lantern.example");
    reader["role"] = json!("reader");
    assert_eq!(admin.post("/users", reader).await.assert(422).mistakes(), [("/role".into(), "not_allowed".into())]);
    let mut nobody = newcomer("jonas@lantern.example");
    nobody["author"] = json!("nobody");
    assert_eq!(admin.post("/users", nobody).await.assert(422).mistakes(), [("/author".into(), "not_found".into())]);
    let mut weak = newcomer("jonas@lantern.example");
    weak["password"] = json!("jonas lantern");
    let weak = admin.post("/users", weak).await;
    assert_eq!(weak.assert(422).mistakes(), [("/password".into(), "password_too_close".into())]);
    assert_eq!(app.number("SELECT count(*) FROM users"), 1);
}

async fn a_change_of_role_and_being_out_end_the_sessions_at_once(app: TestApp) {
    let admin = admin(&app).await;
    for (change, status) in [
        (Some(json!({"role": "contributor"})), 200),
        (Some(json!({"email": "elsewhere@lantern.example"})), 200),
        (Some(json!({"disabled": true})), 401),
        (None, 401),
    ] {
        let email = app.new_user(Role::Editor);
        let session = login(&app, &email, PASSWORD).await;
        let (editor, token) = (as_session(&app, &session), session.text("/refresh_token"));
        editor.post("/tags", json!({"name": format!("Ebb {status} {}", email)})).await.assert(201);
        let path = format!("/users/{}", session.text("/user/id"));
        let etag = admin.get(&path).await.etag().to_owned();
        admin.with("if-match", "\"9-0\"").patch(&path, json!({"name": "Late"})).await.assert(412);
        let admin = admin.with("if-match", etag);
        let email = match &change {
            Some(change) => admin.patch(&path, change.clone()).await.assert(200).text("/email"),
            None => {
                admin.delete(&path).await.assert(204);
                email
            }
        };
        editor.get("/me").await.assert_problem(401, "invalid_token");
        editor.get("/articles").await.assert_problem(401, "invalid_token");
        app.anyone().post("/auth/refresh", json!({"refresh_token": token})).await.assert_problem(401, "invalid_token");
        assert_eq!(login(&app, &email, PASSWORD).await.status, status, "{change:?}");
    }
    // Back again, they sign in anew; what was ended stays so.
    let disabled = admin.get("/users?disabled=true").await;
    let (path, email) = (format!("/users/{}", disabled.text("/data/0/id")), disabled.text("/data/0/email"));
    admin.patch(&path, json!({"disabled": false})).await.assert(200);
    let open =
        "SELECT count(*) FROM sessions WHERE ended_at IS NULL AND user_id IN (SELECT id FROM users WHERE email =";
    assert_eq!(app.number(&format!("{open} '{email}')")), 0);
    let again = login(&app, &email, PASSWORD).await;
    // A name that changes ends nothing.
    admin.patch(&path, json!({"name": "Mika Reyes"})).await.assert(200);
    assert_eq!(as_session(&app, &again).get("/me").await.assert(200).json["name"], "Mika Reyes");
}

async fn a_role_that_changed_behind_a_session_holds_at_the_next_request(app: TestApp) {
    let email = app.new_user(Role::Editor);
    let editor = as_session(&app, &login(&app, &email, PASSWORD).await);
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    app.execute(&format!("UPDATE users SET role = 'author' WHERE email = '{email}'"));
    editor.post("/tags", json!({"name": "Flow"})).await.assert_problem(403, "forbidden");
}

async fn the_last_administrator_stays(app: TestApp) {
    let admin = admin(&app).await;
    let me = format!("/users/{}", admin.get("/me").await.text("/id"));
    let mut invited = newcomer("invited@lantern.example");
    invited["role"] = json!("admin");
    let invited = admin.post("/users", invited).await.assert(201).text("/id");
    admin.post("/api-keys", json!({"name": "Deploy", "role": "admin"})).await.assert(201);
    // Neither who has not come yet nor a key could administer.
    for change in [json!({"role": "editor"}), json!({"disabled": true})] {
        admin.patch(&me, change).await.assert_problem(409, "last_administrator");
    }
    admin.delete(&me).await.assert_problem(409, "last_administrator");
    admin.patch(&me, json!({"name": "Still here"})).await.assert(200);
    admin.delete(&format!("/users/{invited}")).await.assert(204);
    let email = app.new_user(Role::Admin);
    let other = as_session(&app, &login(&app, &email, PASSWORD).await);
    other.patch(&me, json!({"role": "editor"})).await.assert(200);
    let theirs = format!("/users/{}", other.get("/me").await.text("/id"));
    other.delete(&theirs).await.assert_problem(409, "last_administrator");
    other.get("/users").await.assert(200);
}

async fn of_two_administrators_who_remove_each_other_one_stays(app: TestApp) {
    for round in 0..6 {
        app.execute("DELETE FROM sessions; DELETE FROM users");
        let (one, two) = (admin(&app).await, admin(&app).await);
        let path = async |client: &Client| format!("/users/{}", client.get("/me").await.text("/id"));
        let (first, second) = (path(&one).await, path(&two).await);
        let act = |client: Client, path: String| {
            actix_web::rt::spawn(async move {
                match round % 3 {
                    0 => client.delete(&path).await,
                    1 => client.patch(&path, json!({"role": "author"})).await,
                    _ => client.patch(&path, json!({"disabled": true})).await,
                }
                .status
                .as_u16()
            })
        };
        // Each about themselves, so that neither loses the right to ask.
        let tries = [act(one, first), act(two, second)];
        let mut statuses = Vec::new();
        for attempt in tries {
            statuses.push(attempt.await.unwrap());
        }
        statuses.sort_unstable();
        assert!(matches!(statuses[..], [200 | 204, 409]), "{statuses:?}");
        assert_eq!(app.number("SELECT count(*) FROM users WHERE role = 'admin' AND disabled_at IS NULL"), 1);
    }
}

async fn who_is_deleted_leaves_their_work_and_comes_back_as_nobody(app: TestApp) {
    let admin = admin(&app).await;
    let email = app.new_user(Role::Author);
    let session = login(&app, &email, PASSWORD).await;
    let (author, token) = (as_session(&app, &session), session.text("/refresh_token"));
    author.post("/articles", json!({"title": "Kept"})).await.assert(201);
    author.put("/articles/kept/publication", json!({})).await.assert(200);
    author.patch("/articles/kept", json!({"subtitle": "Changed"})).await.assert(200);
    author.post("/articles/kept/comments", json!({"body": "From the desk."})).await.assert(201);
    author.post("/articles/kept/previews", json!({})).await.assert(201);
    admin.delete(&format!("/users/{}", session.text("/user/id"))).await.assert(204);
    admin.delete(&format!("/users/{}", session.text("/user/id"))).await.assert_problem(404, "not_found");
    let revisions = admin.get("/articles/kept/revisions").await;
    assert_eq!(revisions.assert(200).json["data"].as_array().unwrap().len(), 2);
    assert_eq!(revisions.json["data"][0]["created_by"], Value::Null);
    assert_eq!(app.anyone().get("/articles/kept/comments").await.column("body_html").len(), 1);
    // Somebody new with the same address.
    let new = json!({"email": email, "name": "Somebody Else", "role": "author", "password": PASSWORD});
    admin.post("/users", new).await.assert(201);
    author.get("/me").await.assert_problem(401, "invalid_token");
    app.anyone().post("/auth/refresh", json!({"refresh_token": token})).await.assert_problem(401, "invalid_token");
    let new = as_session(&app, &login(&app, &email, PASSWORD).await);
    new.patch("/articles/kept", json!({"subtitle": "Mine"})).await.assert_problem(403, "forbidden");
    app.app.db.write(|conn| auth::clean_up(conn, clock::now())).await.unwrap();
    admin.patch("/articles/kept", json!({"subtitle": "The editors go on"})).await.assert(200);
}

on_both_databases! {
    whoever_is_invited_chooses_a_password_and_is_in,
    an_invitation_is_good_once_for_a_week_and_for_nobody_who_is_out,
    what_invites_somebody_is_shown_once,
    a_password_is_not_to_be_guessed_by_what_is_kept_of_its_request,
    an_administrator_changes_their_own_address_and_password_as_everybody_does,
    an_address_is_one_users_in_whatever_case,
    users_are_listed_in_pages_and_told_of_without_a_secret,
    nobody_is_given_what_is_not_theirs_to_give,
    a_change_of_role_and_being_out_end_the_sessions_at_once,
    a_role_that_changed_behind_a_session_holds_at_the_next_request,
    the_last_administrator_stays,
    of_two_administrators_who_remove_each_other_one_stays,
    who_is_deleted_leaves_their_work_and_comes_back_as_nobody,
}
