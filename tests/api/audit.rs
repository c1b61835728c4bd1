//! The audit: no write is left out, nothing secret stands in it, and nobody changes it.

use crate::{
    auth::refresh,
    on_both_databases,
    support::{
        Client, Desk, PASSWORD, Reply, TestApp, blocking,
        program::{self, command},
        spec::operations,
    },
};
use diesel::connection::SimpleConnection;
use serde_json::{Value, json};
use std::io::Write;
use stet::{audit, clock, jobs::Left, permissions::Role};

/// What leaves no line: a session that goes on says itself when it was last seen, and of a forgotten password nobody looks
/// whose it is.
const UNWRITTEN: &[&str] = &["forgot_password", "refresh"];
/// What there is nothing for to do here: tests of their own see to it.
const ELSEWHERE: &[&str] = &["exchange_code", "set_up"];

/// The newest lines, of one filter.
async fn lines(admin: &Client, query: &str) -> Vec<Value> {
    let page = admin.get(&format!("/audit?limit=100&{query}")).await;
    page.assert(200).json["data"].as_array().unwrap().clone()
}

/// The lines that one request left.
async fn of(admin: &Client, reply: &Reply) -> Vec<Value> {
    let mut all = lines(admin, "").await;
    all.retain(|line| line["request_id"] == reply.header("x-request-id"));
    all
}

async fn every_write_leaves_one_line(app: TestApp) {
    let desk = Desk::start(app.kind()).await;
    let mut written = 0;
    for operation in operations().iter().filter(|operation| operation.method != "GET") {
        let id = operation.id.as_str();
        if ELSEWHERE.contains(&id) {
            continue;
        }
        let caller = desk.app.signed_in(Role::Admin).await;
        let me = caller.get("/me").await.text("/id");
        let reply = desk.send(operation, &caller, &caller, true).await;
        assert!(reply.status.is_success(), "{id}: {} {}", reply.status, reply.json);
        let left = of(&desk.admin, &reply).await;
        if UNWRITTEN.contains(&id) {
            assert_eq!(left, [] as [Value; 0], "{id}");
            continue;
        }
        let [line] = left.as_slice() else { panic!("{id} leaves {} lines in the audit", left.len()) };
        assert_eq!((&line["action"], &line["outcome"]), (&json!(id), &json!("done")), "{line}");
        assert_eq!(line["address"], "127.0.0.1", "{line}");
        assert_eq!(line["actor"]["kind"], "user", "{line}");
        if !operation.path.contains("/auth/") {
            assert_eq!(line["actor"]["id"], json!(me), "{line}");
            assert!(line["session_id"].is_string(), "{line}");
        }
        let many = ["change_articles", "import_redirects", "update_site", "delete_sessions"].contains(&id);
        assert_eq!(line["resource"]["id"].is_null(), many, "{line}");
        if operation.method == "POST" && reply.status == 201 {
            assert_eq!(line["resource"]["id"], reply.json["id"], "{line}");
        }
        written += 1;
    }
    assert!(written > 40, "only {written} writes were tried");
}

async fn a_line_says_who_did_what_to_what(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let editor = app.editor().await;
    let me = editor.get("/me").await.text("/id");
    let tag =
        editor.post("/tags", json!({"name": "Harbour", "description": "By the sea."})).await.assert(201).text("/id");
    editor.patch("/tags/harbour", json!({"slug": "port"})).await.assert(200);
    editor.delete("/tags/port").await.assert(204);
    let about = lines(&admin, &format!("resource={tag}")).await;
    let told: Vec<_> = about.iter().map(|line| (line["action"].as_str().unwrap(), line["fields"].clone())).collect();
    let expected =
        [("delete_tag", json!([])), ("update_tag", json!(["slug"])), ("create_tag", json!(["name", "description"]))];
    assert_eq!(told, expected, "by the id, whatever slug it was named by");
    assert!(about.iter().all(|line| line["actor"]["id"] == json!(me) && line["actor"]["name"] == "Mira Holt"));
    // A key is named as a key, and has no session.
    let key = admin.post("/api-keys", json!({"name": "Importer", "role": "editor"})).await;
    let program = Client::new(&app.address, Some(key.assert(201).text("/token")));
    program.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    let by_key = lines(&admin, &format!("actor={}", key.text("/id"))).await;
    assert_eq!(by_key.len(), 1);
    assert_eq!(by_key[0]["actor"], json!({"kind": "key", "id": key.text("/id"), "name": "Importer"}));
    assert!(by_key[0]["session_id"].is_null());
    // Filters.
    assert!(lines(&admin, "action=create_tag,delete_tag&resource=tags").await.len() == 3);
    assert_eq!(lines(&admin, &format!("actor={me}&action=create_tag&outcome=done")).await.len(), 1);
    let now = clock::now();
    assert_eq!(lines(&admin, &format!("since={now}")).await.len(), 0);
    assert!(lines(&admin, &format!("until={now}")).await.len() > 4);
    let first = admin.get("/audit?limit=2&count=true").await;
    let cursor = first.assert(200).text("/page/next_cursor");
    let second = admin.get(&format!("/audit?limit=2&cursor={cursor}")).await;
    let ids: Vec<_> = [first.column("id"), second.assert(200).column("id")].concat();
    assert_eq!(
        ids,
        lines(&admin, "").await.iter().take(4).map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>()
    );
    admin.get("/audit?actor=nobody").await.assert_problem(400, "invalid_parameter");
    admin.get("/audit?password=x").await.assert_problem(400, "invalid_parameter");
}

async fn what_goes_by_a_slug_is_written_down_by_its_id(app: TestApp) {
    let (admin, editor) = (app.signed_in(Role::Admin).await, app.editor().await);
    for (kind, new) in [
        ("articles", json!({"title": "Ebb", "slug": "ebb"})),
        ("authors", json!({"name": "Ebb", "slug": "ebb"})),
        ("sections", json!({"name": "Ebb", "slug": "ebb"})),
        ("tags", json!({"name": "Ebb", "slug": "ebb"})),
    ] {
        let id = editor.post(&format!("/{kind}"), new).await.assert(201).text("/id");
        let changed = editor.patch(&format!("/{kind}/ebb"), json!({"slug": "flood"})).await;
        changed.assert(200);
        let [line]: [Value; 1] = of(&admin, &changed).await.try_into().unwrap();
        assert_eq!(line["resource"], json!({"kind": kind, "id": id}));
    }
}

async fn what_was_not_done_leaves_no_line(app: TestApp) {
    let (admin, editor) = (app.signed_in(Role::Admin).await, app.editor().await);
    let me = editor.get("/me").await.text("/id");
    let before = lines(&admin, &format!("actor={me}")).await.len();
    editor.post("/tags?dry_run=true", json!({"name": "Harbour"})).await.assert(201);
    editor.post("/tags", json!({"name": ""})).await.assert(422);
    editor.with("idempotency-key", "k").post("/tags?dry_run=true", json!({"name": "Harbour"})).await.assert(201);
    editor.delete("/tags/none").await.assert(404);
    assert_eq!(lines(&admin, &format!("actor={me}")).await.len(), before);
    for _ in 0..3 {
        editor.with("idempotency-key", "once").post("/tags", json!({"name": "Harbour"})).await.assert(201);
    }
    assert_eq!(lines(&admin, &format!("actor={me}")).await.len(), before + 1, "what was repeated was done once");
}

async fn what_cannot_be_written_down_is_not_done(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    app.execute("ALTER TABLE audit RENAME TO elsewhere");
    editor.post("/tags", json!({"name": "Flood"})).await.assert(500);
    editor.with("idempotency-key", "k").post("/tags", json!({"name": "Flood"})).await.assert(500);
    editor.delete("/tags/ebb").await.assert(500);
    let login = json!({"email": app.new_user(Role::Editor), "password": PASSWORD});
    app.anyone().post("/auth/login", login).await.assert(500);
    app.execute("ALTER TABLE elsewhere RENAME TO audit");
    assert_eq!(editor.get("/tags").await.assert(200).column("name"), ["Ebb"]);
}

async fn signing_in_and_out_is_written_down_and_so_is_what_failed(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let email = app.new_user(Role::Editor);
    let login = |password: &str| json!({"email": email, "password": password});
    let session = app.anyone().post("/auth/login", login(PASSWORD)).await;
    let user = session.assert(200).text("/user/id");
    let [signed_in] = &of(&admin, &session).await[..] else { panic!("no line") };
    assert_eq!(signed_in["action"], "login");
    assert_eq!(signed_in["actor"], json!({"kind": "user", "id": user, "name": session.text("/user/name")}));
    assert_eq!(signed_in["resource"], json!({"kind": "sessions", "id": signed_in["session_id"]}));

    let failed = app.anyone().post("/auth/login", login("not the password")).await;
    let [line] = &of(&admin, failed.assert(401)).await[..] else { panic!("no line") };
    assert_eq!(line["outcome"], "refused");
    assert_eq!(line["actor"], json!({"kind": "nobody", "id": null, "name": null}));
    assert_eq!(line["resource"], json!({"kind": "users", "id": user}));
    let unknown = json!({"email": "nobody@lantern.example", "password": PASSWORD});
    let failed = app.anyone().post("/auth/login", unknown).await;
    let [line] = &of(&admin, failed.assert(401)).await[..] else { panic!("no line") };
    assert_eq!(line["resource"], json!({"kind": "sessions", "id": null}));

    let client = Client::new(&app.address, Some(session.text("/access_token")));
    let wrong = json!({"current_password": "not the password", "new_password": "another tide table"});
    let refused = client.put("/me/password", wrong).await;
    let [line] = &of(&admin, refused.assert(422)).await[..] else { panic!("no line") };
    assert_eq!((&line["action"], &line["outcome"]), (&json!("change_password"), &json!("refused")));
    let refused = client.get("/users").await;
    let [line] = &of(&admin, refused.assert(403)).await[..] else { panic!("no line") };
    assert_eq!(
        (&line["action"], &line["outcome"], &line["actor"]["id"]),
        (&json!("list_users"), &json!("refused"), &json!(user))
    );

    // Who follows a letter has shown whose it was.
    let new = json!({"email": "jonas@lantern.example", "name": "Jonas Reyes", "role": "author"});
    let invited = admin.post("/users", new).await;
    let accept = json!({"token": invited.assert(201).text("/invitation/token"), "password": PASSWORD});
    let [line] = &of(&admin, &app.anyone().post("/auth/invitation", accept).await).await[..] else { panic!("no line") };
    assert_eq!(line["actor"], json!({"kind": "user", "id": invited.text("/id"), "name": "Jonas Reyes"}));

    refresh(&app, &session.text("/refresh_token")).await.assert(200);
    app.execute("UPDATE refresh_tokens SET used_at = used_at - 10000000");
    let reused = refresh(&app, &session.text("/refresh_token")).await;
    let [line] = &of(&admin, reused.assert(401)).await[..] else { panic!("no line") };
    assert_eq!((&line["action"], &line["outcome"]), (&json!("refresh"), &json!("refused")));
    assert_eq!(line["session_id"], signed_in["session_id"]);
}

async fn who_signed_out_did_so_once(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let login = json!({"email": app.new_user(Role::Editor), "password": PASSWORD});
    let session = app.anyone().post("/auth/login", login).await;
    let token = json!({"refresh_token": session.assert(200).text("/refresh_token")});
    for _ in 0..3 {
        app.anyone().post("/auth/logout", token.clone()).await.assert(204);
    }
    let [line] = &lines(&admin, "action=logout").await[..] else { panic!("not one line") };
    assert_eq!(line["actor"]["id"], json!(session.text("/user/id")));
}

async fn a_flood_of_refusals_writes_few_lines(app: TestApp) {
    let (admin, editor) = (app.signed_in(Role::Admin).await, app.editor().await);
    for _ in 0..60 {
        editor.get("/users").await.assert(403);
    }
    let written = lines(&admin, "action=list_users&outcome=refused").await.len();
    assert!((30..40).contains(&written), "{written}");
}

async fn a_wrong_password_is_written_down_alike_whether_there_is_the_account_or_not(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let email = app.new_user(Role::Editor);
    let wrong = async |email: &str| {
        let login = json!({"email": email, "password": "not the password"});
        app.anyone().post("/auth/login", login).await.assert_problem(401, "invalid_credentials");
    };
    let written = async || lines(&admin, "action=login&outcome=refused").await.len();
    let mut strangers = 0;
    while written().await == strangers && strangers < 60 {
        wrong(&format!("nobody-{strangers}@lantern.example")).await;
        strangers += 1;
    }
    // Once too many were tried from here, neither has a line: one that is written takes its time.
    assert!((31..40).contains(&strangers), "{strangers}");
    let before = written().await;
    for _ in 0..3 {
        wrong(&email).await;
    }
    assert!(written().await <= before + 1);
}

async fn nothing_secret_and_no_content_stands_in_the_audit(app: TestApp) {
    let (admin, app) = (&app.signed_in(Role::Admin).await, &app);
    let canary = "canary5c1d";
    let password = format!("{canary} a tide table");
    let email = format!("{canary}@reader.example");
    app.anyone().post("/auth/login", json!({"email": email, "password": password})).await.assert(401);
    app.anyone().post("/auth/refresh", json!({"refresh_token": canary})).await.assert(401);
    app.anyone().post("/auth/invitation", json!({"token": canary, "password": password})).await.assert(401);
    let made = json!({"email": email, "name": canary, "role": "editor", "password": password});
    let user = admin.post("/users", made).await.assert(201).text("/id");
    let session = app.anyone().post("/auth/login", json!({"email": email, "password": password})).await;
    let own = Client::new(&app.address, Some(session.assert(200).text("/access_token")));
    let change = json!({"current_password": password, "new_password": format!("{password}!")});
    own.put("/me/password", change).await.assert(200);
    let invitation = admin.post(&format!("/users/{user}/invitation"), json!({})).await.assert(200).text("/token");
    let key = admin.post("/api-keys", json!({"name": canary, "role": "editor"})).await.assert(201).text("/token");
    let article = json!({"title": canary, "slug": canary, "body": {"source": canary}});
    let id = own.post("/articles", article).await.assert(201).text("/id");
    own.patch(&format!("/articles/{canary}"), json!({"subtitle": canary})).await.assert(200);
    own.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
    let comment = json!({"name": canary, "email": email, "body": canary});
    app.anyone().post(&format!("/articles/{id}/comments"), comment).await.assert(201);
    own.post(&format!("/articles/{id}/comments"), json!({"body": canary})).await.assert(201);
    app.anyone().post("/auth/logout", json!({"refresh_token": session.text("/refresh_token")})).await.assert(204);

    let refresh_token = session.text("/refresh_token");
    for secret in [canary, &session.text("/access_token"), &refresh_token, &invitation, &key] {
        let kept = app.number(&format!(
            "SELECT count(*) FROM audit WHERE \
             action || resource_kind || fields || COALESCE(address, '') || request_id LIKE '%{secret}%'"
        ));
        assert_eq!(kept, 0, "{secret}");
    }
    let told = lines(admin, "").await;
    assert!(told.len() > 10);
    assert_eq!(told.iter().filter(|line| line["action"] == "create_comment").count(), 1, "a guest is not followed");
}

async fn nobody_changes_the_audit_and_it_is_forgotten_after_its_time(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    let refused = |sql: &str| blocking(|| app.app.db.connection().unwrap().batch_execute(sql).is_err());
    let before = lines(&admin, "").await;
    assert!(!before.is_empty());
    assert!(refused("UPDATE audit SET action = 'nothing'"));
    assert!(refused("DELETE FROM audit"));
    if app.kind() == crate::support::Kind::Postgres {
        assert!(refused("TRUNCATE audit"));
    }
    let old = "INSERT INTO audit SELECT actor_id, at - 86400000000 * 366, action, outcome, actor_kind, actor_id, session_id, \
        resource_kind, resource_id, fields, address, request_id FROM audit";
    app.execute(old);
    assert_eq!(lines(&admin, "").await.len(), 2 * before.len());
    assert_eq!(audit::forget(&app.app, clock::now()).await.unwrap(), Left::More, "there may be more than it took");
    assert_eq!(lines(&admin, "").await, before);
    assert_eq!(audit::forget(&app.app, clock::now()).await.unwrap(), Left::Nothing);
}

on_both_databases! {
    every_write_leaves_one_line,
    a_line_says_who_did_what_to_what,
    what_goes_by_a_slug_is_written_down_by_its_id,
    what_was_not_done_leaves_no_line,
    what_cannot_be_written_down_is_not_done,
    signing_in_and_out_is_written_down_and_so_is_what_failed,
    who_signed_out_did_so_once,
    a_flood_of_refusals_writes_few_lines,
    a_wrong_password_is_written_down_alike_whether_there_is_the_account_or_not,
    nothing_secret_and_no_content_stands_in_the_audit,
    nobody_changes_the_audit_and_it_is_forgotten_after_its_time,
}

#[actix_web::test]
async fn what_commands_do_is_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let mut create = command(program::PATH, folder.path());
    create.args(["user", "create", "--email", "mira@lantern.example", "--role", "admin", "--password-stdin"]);
    let mut child = create.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(program::run(folder.path(), &["keys", "rotate", "--at-once"], &[]).status.success());
    let server = program::Server::start(folder.path(), &[], &[]);
    let login = json!({"email": "mira@lantern.example", "password": PASSWORD});
    let session = Client::new(&server.address, None).post("/auth/login", login).await;
    let admin = Client::new(&server.address, Some(session.assert(200).text("/access_token")));
    let told = lines(&admin, "").await;
    let actions: Vec<_> = told.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["login", "rotate_keys", "create_user"]);
    assert_eq!(told[2]["actor"]["kind"], "command");
    assert_eq!(told[2]["resource"], json!({"kind": "users", "id": session.text("/user/id")}));
    assert!(told[2]["address"].is_null());
}
