//! Second factors: set up, asked for, used once, lost, and asked for by role.

use super::{refresh, sign_in, with_token};
use crate::{
    on_both_databases,
    support::{Client, PASSWORD, Reply, TestApp, blocking, program, spec},
};
use actix_web::http::Method;
use serde_json::{Value, json};
use stet::{
    auth::SignIn,
    clock,
    db::Target,
    permissions::Role::{self, Admin, Author, Contributor, Editor},
};
use totp_rs::{Builder, Secret, Totp};

/// An authenticator.
pub struct Authenticator(Totp);

impl Authenticator {
    pub fn new(base32: &str) -> Self {
        Self(Builder::new().with_secret(Secret::try_from_base32(base32).unwrap()).build().unwrap())
    }

    /// What it shows, some steps from now.
    pub fn code(&self, steps: i64) -> String {
        let at = clock::now().seconds() + 30 * steps;
        self.0.generate(u64::try_from(at).unwrap()).to_string()
    }

    /// A code that is not good now.
    fn wrong(&self) -> String {
        let good: Vec<_> = (-2..=2).map(|steps| self.code(steps)).collect();
        (0..9).map(|n| format!("{n}23456")).find(|code| !good.contains(code)).unwrap()
    }
}

/// Somebody with a second factor, signed in. The code before the one of now has been used.
struct Person {
    email: String,
    client: Client,
    authenticator: Authenticator,
    recovery: Vec<String>,
}

impl Person {
    async fn new(app: &TestApp, role: Role) -> Self {
        let email = app.new_user(role);
        let client = with_token(app, &sign_in(app, &email).await.text("/access_token"));
        Self::of(client, email).await
    }

    async fn of(client: Client, email: String) -> Self {
        let authenticator = begin(&client).await;
        let on = client.put("/me/totp/confirmation", json!({"code": authenticator.code(-1)})).await;
        let codes = on.assert(200).json["codes"].as_array().unwrap();
        let recovery = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        Self { email, client, authenticator, recovery }
    }

    async fn login(&self, app: &TestApp, code: &str) -> Reply {
        login(app, &self.email, PASSWORD, code).await
    }

    async fn login_by_password(&self, app: &TestApp) -> Reply {
        app.anyone().post("/auth/login", json!({"email": self.email, "password": PASSWORD})).await
    }

    fn proof(&self, code: &str) -> Value {
        json!({"current_password": PASSWORD, "code": code})
    }
}

async fn login(app: &TestApp, email: &str, password: &str, code: &str) -> Reply {
    app.anyone().post("/auth/login", json!({"email": email, "password": password, "code": code})).await
}

async fn begin(client: &Client) -> Authenticator {
    let begun = client.put("/me/totp", json!({"current_password": PASSWORD})).await;
    Authenticator::new(&begun.assert(200).text("/secret"))
}

fn sessions(app: &TestApp) -> i64 {
    app.number("SELECT count(*) FROM sessions")
}

/// What an operation on a second factor takes of a caller, whose own is made anew for it.
pub async fn body(app: &TestApp, caller: &Client, operation: &str) -> Option<Value> {
    app.execute("DELETE FROM totp_secrets; DELETE FROM recovery_codes; UPDATE users SET second_factor_at = NULL");
    let person = caller.get("/me").await.status == 200;
    match operation {
        "begin_totp" => Some(json!({"current_password": PASSWORD})),
        "confirm_totp" if person => Some(json!({"code": begin(caller).await.code(0)})),
        "remove_totp" | "replace_recovery_codes" if person => {
            let person = Person::of(caller.clone(), String::new()).await;
            Some(person.proof(&person.authenticator.code(0)))
        }
        _ => None,
    }
}

async fn a_second_factor_is_set_up_and_then_asked_for(app: TestApp) {
    let email = app.new_user(Editor);
    let (desk, phone) = (sign_in(&app, &email).await, sign_in(&app, &email).await);
    let client = with_token(&app, &desk.text("/access_token"));
    let state = client.get("/me/totp").await;
    let off = json!({"enabled": false, "enabled_at": null, "recovery_codes": 0, "required": false});
    assert_eq!(state.assert(200).json, off);
    let wrong = client.put("/me/totp", json!({"current_password": "not the password"})).await;
    assert_eq!(wrong.assert(422).mistakes(), [("/current_password".to_owned(), "wrong_password".to_owned())]);
    client.put("/me/totp/confirmation", json!({"code": "123456"})).await.assert_problem(409, "conflict");

    let forgotten = begin(&client).await;
    let begun = client.put("/me/totp", json!({"current_password": PASSWORD})).await;
    assert_eq!(begun.assert(200).header("cache-control"), "no-store");
    let authenticator = Authenticator::new(&begun.text("/secret"));
    let url = begun.text("/otpauth_url");
    assert!(url.starts_with("otpauth://totp/The%20Lantern:") && url.contains(&begun.text("/secret")), "{url}");
    // Nothing is asked for yet.
    sign_in(&app, &email).await;
    for code in [forgotten.code(0), authenticator.wrong()] {
        let wrong = client.put("/me/totp/confirmation", json!({"code": code})).await;
        assert_eq!(wrong.assert(422).mistakes(), [("/code".to_owned(), "wrong_code".to_owned())]);
    }
    let rehearsed = client.put("/me/totp/confirmation?dry_run=true", json!({"code": authenticator.code(-1)})).await;
    rehearsed.assert(200);
    assert_eq!(client.get("/me/totp").await.json, off);
    let on = client.put("/me/totp/confirmation", json!({"code": authenticator.code(0)})).await;
    assert_eq!(on.assert(200).header("cache-control"), "no-store");
    assert_eq!(on.json["codes"].as_array().map(Vec::len), Some(10));
    client.put("/me/totp", json!({"current_password": PASSWORD})).await.assert_problem(409, "conflict");
    let state = client.get("/me/totp").await;
    assert_eq!((&state.json["enabled"], &state.json["recovery_codes"]), (&json!(true), &json!(10)));
    assert_eq!(client.get("/me").await.json["second_factor"], true);
    // Who signed in by the password alone has to sign in again.
    with_token(&app, &phone.text("/access_token")).get("/me").await.assert_problem(401, "invalid_token");
    refresh(&app, &phone.text("/refresh_token")).await.assert_problem(401, "invalid_token");

    let before = sessions(&app);
    let password_alone = app.anyone().post("/auth/login", json!({"email": email, "password": PASSWORD})).await;
    password_alone.assert_problem(401, "second_factor_required");
    login(&app, &email, PASSWORD, &authenticator.wrong()).await.assert_problem(401, "second_factor_invalid");
    // The wrong password is answered as ever, whatever comes with it.
    login(&app, &email, "not the password", &authenticator.code(1)).await.assert_problem(401, "invalid_credentials");
    let wrong = json!({"email": email, "password": "not the password"});
    app.anyone().post("/auth/login", wrong).await.assert_problem(401, "invalid_credentials");
    assert_eq!(login(&app, &email, PASSWORD, "12345").await.assert(422).mistakes()[0].0, "/code");
    assert_eq!(sessions(&app), before);
    let session = login(&app, &email, PASSWORD, &authenticator.code(1)).await;
    assert_eq!(session.assert(200).json["second_factor_missing"], false);
    let listed = with_token(&app, &session.text("/access_token")).get("/me/sessions").await;
    assert_eq!(listed.column("signed_in_by"), ["totp", "totp"]);
}

async fn a_code_signs_in_once_however_many_send_it_at_once(app: TestApp) {
    let person = Person::new(&app, Editor).await;
    let code = person.authenticator.code(0);
    let before = sessions(&app);
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (client, body) = (app.anyone(), json!({"email": person.email, "password": PASSWORD, "code": code}));
            actix_web::rt::spawn(async move { client.post("/auth/login", body).await })
        })
        .collect();
    let mut opened = 0;
    for attempt in tries {
        let reply = attempt.await.unwrap();
        match reply.status.as_u16() {
            200 => opened += 1,
            // Too many hashes at once are refused before the code is looked at.
            503 => {}
            _ => drop(reply.assert_problem(401, "second_factor_invalid")),
        }
    }
    assert_eq!((opened, sessions(&app) - before), (1, 1));
    person.login(&app, &code).await.assert_problem(401, "second_factor_invalid");
    // Nor is the one before it good any more, though its time is not over.
    person.login(&app, &person.authenticator.code(-1)).await.assert_problem(401, "second_factor_invalid");
    // To send one again is no guess: the next is taken.
    person.login(&app, &person.authenticator.code(1)).await.assert(200);
}

async fn a_recovery_code_signs_in_once(app: TestApp) {
    let person = Person::new(&app, Editor).await;
    let code = person.recovery[0].to_uppercase().replace('-', " ");
    let before = sessions(&app);
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let (client, body) = (app.anyone(), json!({"email": person.email, "password": PASSWORD, "code": code}));
            actix_web::rt::spawn(async move { client.post("/auth/login", body).await.status.as_u16() })
        })
        .collect();
    let mut opened = 0;
    for attempt in tries {
        opened += usize::from(attempt.await.unwrap() == 200);
    }
    assert_eq!((opened, sessions(&app) - before), (1, 1));
    assert_eq!(person.client.get("/me/totp").await.json["recovery_codes"], 9);
    person.login(&app, &code).await.assert_problem(401, "second_factor_invalid");
    // Another's is worth nothing.
    let other = Person::new(&app, Editor).await;
    person.login(&app, &other.recovery[0]).await.assert_problem(401, "second_factor_invalid");
    other.login(&app, &other.recovery[0]).await.assert(200);

    let others = person.client.put("/me/recovery-codes", person.proof(&person.authenticator.code(0))).await;
    let others = others.assert(200).json["codes"].as_array().unwrap().clone();
    assert_eq!(others.len(), 10);
    person.login(&app, &person.recovery[1]).await.assert_problem(401, "second_factor_invalid");
    person.login(&app, others[0].as_str().unwrap()).await.assert(200);
}

async fn who_has_the_password_cannot_guess_the_code(app: TestApp) {
    let person = Person::new(&app, Editor).await;
    let wrong = person.authenticator.wrong();
    // Forty at once: five are looked at.
    let tries: Vec<_> = (0..40)
        .map(|_| {
            let (client, body) = (app.anyone(), json!({"email": person.email, "password": PASSWORD, "code": wrong}));
            actix_web::rt::spawn(async move { client.post("/auth/login", body).await })
        })
        .collect();
    let mut looked_at = 0;
    for attempt in tries {
        let reply = attempt.await.unwrap();
        match reply.status.as_u16() {
            401 => looked_at += 1,
            429 | 503 => {}
            other => panic!("{other}"),
        }
    }
    assert!(looked_at <= 5, "{looked_at}");
    for _ in looked_at..5 {
        person.login(&app, &wrong).await.assert_problem(401, "second_factor_invalid");
    }
    let blocked = person.login(&app, &person.authenticator.code(0)).await;
    let wait: i64 = blocked.assert_problem(429, "rate_limited").header("retry-after").parse().unwrap();
    assert!((890..=901).contains(&wait), "{wait}");
    // A stranger without the password blocks nobody, and learns nothing of it.
    login(&app, &person.email, "not the password", &wrong).await.assert_problem(401, "invalid_credentials");
    // Who is signed in goes on, and a recovery code signs in, which ends it.
    person.client.get("/me").await.assert(200);
    person.login(&app, &person.recovery[0]).await.assert(200);
    person.login(&app, &person.authenticator.code(0)).await.assert(200);

    // It takes longer each time.
    for (times, expected) in [(1, 900), (2, 1800), (3, 3600), (4, 7200)] {
        for _ in 0..5 {
            person.login(&app, &wrong).await.assert_problem(401, "second_factor_invalid");
        }
        let blocked = person.login(&app, &wrong).await;
        let wait: i64 = blocked.assert_problem(429, "rate_limited").header("retry-after").parse().unwrap();
        assert!((expected - 30..=expected + 1).contains(&wait), "{times}: {wait}");
        app.execute("UPDATE totp_secrets SET blocked_until = 1");
    }
    person.login(&app, &person.authenticator.code(1)).await.assert(200);
}

async fn a_second_factor_is_removed_by_the_password_and_a_code(app: TestApp) {
    let person = Person::new(&app, Editor).await;
    let other = with_token(&app, &person.login(&app, &person.recovery[0]).await.text("/access_token"));
    let mistakes = async |body: Value| person.client.put("/me/totp/removal", body).await.assert(422).mistakes();
    let code = person.authenticator.code(0);
    assert_eq!(
        mistakes(json!({"current_password": "not it", "code": code})).await[0],
        ("/current_password".to_owned(), "wrong_password".to_owned())
    );
    assert_eq!(
        mistakes(person.proof(&person.authenticator.wrong())).await[0],
        ("/code".to_owned(), "wrong_code".to_owned())
    );
    let stale = person.client.with("if-match", "\"0-nothing\"");
    stale.put("/me/totp/removal", person.proof(&person.recovery[1])).await.assert(412);
    assert_eq!(person.client.get("/me/totp").await.json["enabled"], true);
    let removed = person.client.put("/me/totp/removal", person.proof(&code)).await;
    assert_eq!(removed.assert(200).json["second_factor"], false);
    person.client.get("/articles").await.assert(200);
    other.get("/me").await.assert_problem(401, "invalid_token");
    sign_in(&app, &person.email).await;
    assert_eq!(app.number("SELECT (SELECT count(*) FROM totp_secrets) + (SELECT count(*) FROM recovery_codes)"), 0);
    person.client.put("/me/totp/removal", person.proof(&code)).await.assert_problem(409, "conflict");
    // Five wrong ones in a row end the session, be it the password or the code that is wrong. What was right and refused all the
    // same, or rehearsed, is none of them.
    let person = Person::new(&app, Editor).await;
    let stale = person.client.with("if-match", "\"0-nothing\"");
    for code in &person.recovery[..3] {
        stale.put("/me/totp/removal", person.proof(code)).await.assert(412);
    }
    for code in &person.recovery[3..6] {
        person.client.put("/me/recovery-codes?dry_run=true", person.proof(code)).await.assert(200);
    }
    for _ in 0..5 {
        person.client.put("/me/totp/removal", person.proof(&person.authenticator.wrong())).await.assert(422);
    }
    let sixth = person.client.put("/me/totp/removal", person.proof(&person.authenticator.code(0))).await;
    sixth.assert_problem(401, "invalid_token");
    person.client.get("/me").await.assert_problem(401, "invalid_token");
}

async fn another_password_does_not_take_its_place(app: TestApp) {
    let person = Person::new(&app, Author).await;
    let admin = app.signed_in(Admin).await;
    let new = "nine gulls on a wire";
    let id = person.client.get("/me").await.text("/id");
    let invited = admin.send(Method::POST, &format!("/users/{id}/invitation"), None).await;
    let token = invited.assert(200).text("/token");
    let anyone = app.anyone();
    let accept = json!({"token": token, "password": new});
    anyone.post("/auth/invitation", accept.clone()).await.assert_problem(401, "second_factor_required");
    let mut wrong = accept.clone();
    wrong["code"] = json!(person.authenticator.wrong());
    anyone.post("/auth/invitation", wrong).await.assert_problem(401, "second_factor_invalid");
    login(&app, &person.email, new, &person.recovery[0]).await.assert_problem(401, "invalid_credentials");
    let mut right = accept;
    right["code"] = json!(person.authenticator.code(0));
    assert_eq!(anyone.post("/auth/invitation", right).await.assert(200).json["user"]["second_factor"], true);
    let change = json!({"current_password": new, "new_password": PASSWORD});
    let session = login(&app, &person.email, new, &person.recovery[0]).await;
    with_token(&app, &session.assert(200).text("/access_token")).put("/me/password", change).await.assert(200);
    let password_alone = app.anyone().post("/auth/login", json!({"email": person.email, "password": PASSWORD})).await;
    password_alone.assert_problem(401, "second_factor_required");
}

async fn a_role_that_takes_it_gets_nowhere_without(app: TestApp) {
    let sign_in_by = SignIn { totp_required: vec![Editor, Admin], ..SignIn::default() };
    let app = TestApp::start_signing_in(app.kind(), sign_in_by).await;
    assert_eq!(sign_in(&app, &app.new_user(Author)).await.json["second_factor_missing"], false);
    app.author().await.get("/articles").await.assert(200);
    let email = app.new_user(Admin);
    let session = sign_in(&app, &email).await;
    assert_eq!(session.json["second_factor_missing"], true);
    let held_back = with_token(&app, &session.text("/access_token"));
    // Whatever there is, but for what it takes to set one up.
    let allowed =
        ["get_me", "get_totp", "begin_totp", "confirm_totp", "remove_totp", "replace_recovery_codes", "remove"];
    let nothing = "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d";
    let mut refused = 0;
    for operation in spec::operations() {
        let path = operation.template().replace("{ref}", nothing).replace("{id}", nothing).replace("{number}", "1");
        if allowed.contains(&operation.id.as_str()) || !operation.path.starts_with("/api/") || path.contains("/auth/") {
            continue;
        }
        let body = operation.value["requestBody"]["content"]["application/json"]["example"].clone();
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let query = operation.least_query();
        let reply = held_back.send(method, &format!("{path}?{query}"), (!body.is_null()).then_some(body)).await;
        assert_eq!(reply.json["code"], "second_factor_missing", "{}: {}", operation.id, reply.json);
        refused += usize::from(reply.status == 403);
    }
    assert!(refused > 60, "{refused}");
    let again = refresh(&app, &session.text("/refresh_token")).await;
    assert_eq!(again.assert(200).json["second_factor_missing"], true);
    with_token(&app, &again.text("/access_token")).get("/users").await.assert_problem(403, "second_factor_missing");
    assert_eq!(held_back.get("/me/totp").await.json["required"], true);

    let person = Person::of(held_back, email).await;
    person.client.get("/users").await.assert(200);
    let code = person.authenticator.code(0);
    assert_eq!(person.login(&app, &code).await.assert(200).json["second_factor_missing"], false);
    // Taken off, it is to be put on again.
    person.client.put("/me/totp/removal", person.proof(&person.recovery[0])).await.assert(200);
    person.client.get("/users").await.assert_problem(403, "second_factor_missing");
    let out = json!({"refresh_token": again.text("/refresh_token")});
    app.anyone().post("/auth/logout", out).await.assert(204);
}

async fn an_administrator_removes_what_a_colleague_lost(app: TestApp) {
    let (colleague, admin) = (Person::new(&app, Editor).await, Person::new(&app, Admin).await);
    let of = async |person: &Person| format!("/users/{}", person.client.get("/me").await.text("/id"));
    let (theirs, own) = (of(&colleague).await, of(&admin).await);
    assert_eq!(admin.client.get(&theirs).await.json["second_factor"], true);
    admin.client.delete(&format!("{theirs}/totp?dry_run=true")).await.assert(204);
    colleague.client.get("/me").await.assert(200);
    admin.client.delete(&format!("{theirs}/totp")).await.assert(204);
    colleague.client.get("/me").await.assert_problem(401, "invalid_token");
    sign_in(&app, &colleague.email).await;
    colleague.login(&app, &colleague.recovery[0]).await.assert(200);
    admin.client.delete(&format!("{theirs}/totp")).await.assert(204);
    assert_eq!(admin.client.get(&theirs).await.json["second_factor"], false);
    admin.client.delete(&format!("{own}/totp")).await.assert_problem(403, "forbidden");
    assert_eq!(admin.client.get(&own).await.json["second_factor"], true);
}

async fn the_command_line_lets_a_locked_out_administrator_in(app: TestApp) {
    let person = Person::new(&app, Admin).await;
    let (Target::Sqlite(at) | Target::Postgres(at)) = app.target.clone();
    let url = if at.starts_with("postgres") { at } else { format!("sqlite://{at}") };
    let folder = tempfile::tempdir().unwrap();
    let reset = |email: &str| {
        let arguments = ["user", "reset-totp", "--email", email];
        blocking(|| program::run(folder.path(), &arguments, &[("DATABASE_URL", &url)]))
    };
    assert!(!reset("nobody@lantern.example").status.success());
    let id = person.client.get("/me").await.text("/id");
    let done = reset(&person.email);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    person.client.get("/me").await.assert_problem(401, "invalid_token");
    let audit = app.signed_in(Admin).await.get("/audit?action=remove_second_factor").await;
    let [line] = &audit.assert(200).json["data"].as_array().unwrap()[..] else { panic!("{}", audit.json) };
    assert_eq!((&line["actor"]["kind"], &line["outcome"]), (&json!("command"), &json!("done")));
    assert_eq!(line["resource"], json!({"kind": "users", "id": id}));
    sign_in(&app, &person.email).await;
}

async fn what_is_kept_signs_nobody_in(app: TestApp) {
    let person = Person::new(&app, Contributor).await;
    for code in &person.recovery {
        let plain = code.replace('-', "");
        let kept = format!("SELECT count(*) FROM recovery_codes WHERE CAST(hash AS TEXT) LIKE '%{plain}%'");
        assert_eq!(app.number(&kept), 0);
    }
    assert_eq!(app.number("SELECT count(*) FROM recovery_codes WHERE length(hash) = 32"), 10);
    // A secret that nobody confirmed is forgotten, one that is in use is not.
    let waiting = app.editor().await;
    begin(&waiting).await;
    app.execute("UPDATE totp_secrets SET created_at = created_at - 3700000000");
    waiting.put("/me/totp/confirmation", json!({"code": "123456"})).await.assert_problem(409, "conflict");
    app.app.db.write(|conn| stet::auth::clean_up(conn, clock::now())).await.unwrap();
    assert_eq!(app.number("SELECT count(*) FROM totp_secrets"), 1);
    person.login(&app, &person.authenticator.code(0)).await.assert(200);
    // With the account goes all that was kept for it.
    app.execute("DELETE FROM sessions; DELETE FROM users");
    assert_eq!(app.number("SELECT (SELECT count(*) FROM totp_secrets) + (SELECT count(*) FROM recovery_codes)"), 0);
}

async fn a_wrong_code_is_written_down(app: TestApp) {
    let (admin, person) = (app.signed_in(Admin).await, Person::new(&app, Editor).await);
    let id = person.client.get("/me").await.text("/id");
    let wrong = person.authenticator.wrong();
    person.login(&app, &wrong).await.assert_problem(401, "second_factor_invalid");
    for path in ["/me/totp/removal", "/me/recovery-codes"] {
        person.client.put(path, person.proof(&wrong)).await.assert(422);
    }
    let begun = app.editor().await;
    let other = begin(&begun).await;
    begun.put("/me/totp/confirmation", json!({"code": other.wrong()})).await.assert(422);
    let lines = admin.get("/audit?outcome=refused").await;
    assert_eq!(lines.column("action"), ["confirm_totp", "replace_recovery_codes", "remove_totp", "login"]);
    assert!(lines.json["data"].as_array().unwrap()[1..].iter().all(|line| line["resource"]["id"] == json!(id)));
    // Whoever has one begins so: that is no failure.
    person.login_by_password(&app).await.assert_problem(401, "second_factor_required");
    assert_eq!(admin.get("/audit?outcome=refused").await.json["data"].as_array().map(Vec::len), Some(4));
}

on_both_databases! {
    a_second_factor_is_set_up_and_then_asked_for,
    a_code_signs_in_once_however_many_send_it_at_once,
    a_recovery_code_signs_in_once,
    who_has_the_password_cannot_guess_the_code,
    a_second_factor_is_removed_by_the_password_and_a_code,
    another_password_does_not_take_its_place,
    a_role_that_takes_it_gets_nowhere_without,
    an_administrator_removes_what_a_colleague_lost,
    the_command_line_lets_a_locked_out_administrator_in,
    what_is_kept_signs_nobody_in,
    a_wrong_code_is_written_down,
}
