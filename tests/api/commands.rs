//! The program itself: its commands, its settings, its first start and its end.

use crate::support::{
    Client, Kind, blocking, fresh, postgres,
    program::{self, Server},
};
use serde_json::json;
use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Output, Stdio},
    time::{Duration, Instant},
};
use stet::db::Target;

const EMAIL: &str = "mira@lantern.example";
const PASSWORD: &str = "a tide table for March";
const ADMINISTRATOR: [(&str, &str); 2] = [("STET_ADMIN_EMAIL", EMAIL), ("STET_ADMIN_PASSWORD", PASSWORD)];
const SECRET: (&str, &str) = ("STET_SECRET_KEY", "nine gulls on a wire, and a tenth on the mast");

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// It failed, and said why in one line.
#[track_caller]
fn assert_refused(output: &Output, expected: &[&str]) {
    let said = text(&output.stderr);
    assert!(!output.status.success(), "it went on: {said}");
    assert_eq!(said.lines().count(), 1, "more than a line: {said}");
    for part in expected {
        assert!(said.contains(part), "{part:?} is not in: {said}");
    }
    assert!(!said.contains("panicked"), "{said}");
}

/// Signs in and gives a client with the token.
async fn sign_in(server: &Server, email: &str, password: &str) -> Client {
    let anyone = Client::new(&server.address, None);
    let session = anyone.post("/auth/login", json!({"email": email, "password": password})).await;
    Client::new(&server.address, Some(session.assert(200).text("/access_token")))
}

fn create_user(folder: &Path, email: &str, password: &str, role: &str) -> Output {
    let mut command = program::command(program::PATH, folder);
    command.args(["user", "create", "--email", email, "--role", role, "--password-stdin"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may have ended without reading.
    drop(child.stdin.take().unwrap().write_all(password.as_bytes()));
    child.wait_with_output().unwrap()
}

#[test]
fn help_lists_the_commands() {
    let help = program::run(folder().path(), &["--help"], &[]);
    assert!(help.status.success());
    for command in ["serve", "migrate", "user", "keys", "openapi", "search"] {
        assert!(text(&help.stdout).lines().any(|line| line.trim_start().starts_with(command)), "{command}");
    }
}

#[actix_web::test]
async fn search_is_made_anew_while_a_server_runs_or_not() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        if kind == Kind::Postgres && postgres::server().is_none() {
            continue;
        }
        let (folder, (target, _directory)) = (folder(), blocking(|| fresh(kind)));
        let url = match &target {
            Target::Sqlite(path) => format!("sqlite://{path}"),
            Target::Postgres(url) => url.clone(),
        };
        let settings = [("DATABASE_URL", url.as_str()), ADMINISTRATOR[0], ADMINISTRATOR[1]];
        let mut server = Server::start(folder.path(), &["--demo"], &settings);
        let anyone = Client::new(&server.address, None);
        let rebuild = || {
            let output = program::run(folder.path(), &["search", "rebuild"], &settings[..1]);
            assert!(output.status.success(), "{}", text(&output.stderr));
            assert!(text(&output.stdout).starts_with("Search knows all "), "{}", text(&output.stdout));
        };
        // A slow machine is still busy with the demo's articles when it is asked.
        rebuild();
        let found = anyone.get("/search?q=ferry&count=true").await;
        assert!(found.assert(200).json["page"]["total"].as_i64() > Some(3), "{}", found.json);
        rebuild();
        assert_eq!(anyone.get("/search?q=ferry&count=true").await.json, found.json);
        server.stop();
        // Lost, and stale: what is indexed and is there no longer.
        let sql = "DELETE FROM published_documents WHERE kind <> 'tag'; DELETE FROM staff_documents; UPDATE published_documents SET subject_id = \
            (SELECT id FROM users LIMIT 1) WHERE key = (SELECT min(key) FROM published_documents)";
        blocking(|| diesel::connection::SimpleConnection::batch_execute(&mut target.open().unwrap(), sql).unwrap());
        rebuild();
        let mut server = Server::start(folder.path(), &[], &settings);
        let again = Client::new(&server.address, None).get("/search?q=ferry&count=true").await;
        assert_eq!(again.json["page"], found.json["page"]);
        server.stop();
    }
}

#[cfg(unix)]
#[test]
fn a_database_is_made_for_nobody_else_on_the_machine_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder();
    let mut server = Server::start(folder.path(), &[], &ADMINISTRATOR);
    let files: Vec<_> = fs::read_dir(folder.path().join("data")).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 3, "the database, and what SQLite writes beside it: {files:?}");
    for file in files {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    server.stop();
}

#[test]
fn openapi_prints_the_committed_document() {
    let printed = program::run(folder().path(), &["openapi"], &[]);
    let committed = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/openapi.json")).unwrap();
    assert!(printed.stdout == committed, "run: cargo run -- openapi > openapi/openapi.json");
}

#[test]
fn a_wrong_setting_stops_the_start_with_one_line_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    type Variables<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(Variables, &[&str])] = &[
        (&[("DATABASE_URL", "mysql://stet:hunter2@db/stet")], &["DATABASE_URL", "sqlite:// or postgres://"]),
        (&[("DATABASE_URL", "sqlite:///proc/nowhere/stet.db")], &["DATABASE_URL", "/proc/nowhere"]),
        (&[("DATABASE_URL", "postgres://stet:hunter2@127.0.0.1:1/stet")], &["DATABASE_URL", "127.0.0.1:1", "refused"]),
        (
            &[("DATABASE_URL", "postgres://127.0.0.1:1/stet?sslmode=perhaps")],
            &["DATABASE_URL", "sslmode", "verify-full"],
        ),
        (&[("STET_LISTEN", "everywhere")], &["STET_LISTEN", "everywhere"]),
        (&[("STET_LISTEN", &taken)], &["STET_LISTEN", &taken, "in use"]),
        (&[("STET_ADMIN_EMAIL", EMAIL)], &["STET_ADMIN_PASSWORD"]),
        (&[ADMINISTRATOR[0], ("STET_ADMIN_PASSWORD", "hunter2")], &["STET_ADMIN_PASSWORD", "12 to 128"]),
        (&[("STET_ADMIN_EMAIL", "mira"), ADMINISTRATOR[1]], &["STET_ADMIN_EMAIL", "mira"]),
        (&[("STET_SECRET_KEY", "hunter2")], &["STET_SECRET_KEY", "32"]),
        (&[("STET_PUBLIC_URL", "lantern.example")], &["STET_PUBLIC_URL"]),
        (&[("STET_CORS_ORIGINS", "https://lantern.example/")], &["STET_CORS_ORIGINS"]),
        (&[("STET_WORKERS", "0")], &["STET_WORKERS"]),
        (&[("STET_LOG", "stet=loud")], &["STET_LOG"]),
        (&[("STET_LOG_FORMAT", "xml")], &["STET_LOG_FORMAT", "text, json"]),
        (&[("STET_OIDC", "/proc/nowhere/oidc.toml")], &["STET_OIDC", "/proc/nowhere/oidc.toml"]),
    ];
    for (settings, expected) in cases {
        let folder = folder();
        let mut serve = program::command(program::PATH, folder.path());
        serve.arg("serve").env("STET_LISTEN", "127.0.0.1:0").envs(settings.iter().copied());
        let began = Instant::now();
        let output = serve.output().unwrap();
        assert_refused(&output, expected);
        assert!(began.elapsed() < Duration::from_secs(4), "{settings:?}: it took {:?} to say so", began.elapsed());
        assert!(!text(&output.stderr).contains("hunter2"), "a secret is shown: {}", text(&output.stderr));
    }
}

#[actix_web::test]
async fn providers_are_read_from_the_file_that_is_named() {
    let folder = folder();
    let file = folder.path().join("oidc.toml");
    let settings = ADMINISTRATOR.into_iter().chain([("STET_OIDC", file.to_str().unwrap())]).collect::<Vec<_>>();
    let entry = |rest: &str| format!("return_to = [\"https://desk.lantern.example/\"]\n[providers.house]\n{rest}");
    fs::write(&file, entry("client_secret = \"hunter2\"")).unwrap();
    let refused = program::run(folder.path(), &["serve"], &settings);
    assert_refused(&refused, &["STET_OIDC", "oidc.toml"]);
    assert!(!text(&refused.stderr).contains("hunter2"), "{}", text(&refused.stderr));
    let known =
        "title = \"The house\"\nissuer = \"https://login.lantern.example\"\nclient_id = \"stet\"\nlink_by_email = true";
    fs::write(&file, entry(known)).unwrap();
    let server = Server::start(folder.path(), &[], &settings);
    let listed = Client::new(&server.address, None).get("/auth/oidc").await;
    assert_eq!(listed.assert(200).text("/data/0/name"), "house");
}

#[test]
fn what_stands_in_a_wrong_env_file_is_not_shown() {
    for (file, expected) in [
        ("STET_SECRET_KEY=\"hunter2\nX=1", "STET_SECRET_KEY"),
        ("STET_LOG=stet\nexport DATABASE_URL='hunter2", "DATABASE_URL"),
        ("STET_SECRET_KEY=hunter2 hunter2", "a line"),
        ("hunter2", "a line"),
        ("HUNTER2=\"hunter2", "a line"),
        ("STET_SECRET_KEYhunter2=\"hunter2", "a line"),
    ] {
        let folder = folder();
        std::fs::write(folder.path().join(".env"), file).unwrap();
        let output = program::run(folder.path(), &["serve", "--ephemeral"], &[]);
        assert_refused(&output, &["stet: .env: ", expected]);
        assert!(
            !text(&output.stderr).to_lowercase().contains("hunter2"),
            "a secret is shown: {}",
            text(&output.stderr)
        );
    }
}

#[test]
fn the_first_administrator_has_no_password_that_is_guessed_first() {
    let weak = [ADMINISTRATOR[0], ("STET_ADMIN_PASSWORD", "hunter2hunter2"), ("STET_LISTEN", "127.0.0.1:0")];
    let refused = program::run(folder().path(), &["serve"], &weak);
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("stet: STET_ADMIN_PASSWORD: "), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let folder = folder();
    assert_refused(&create_user(folder.path(), "jonas@lantern.example", "password1234", "editor"), &["guessed first"]);
    create_user(folder.path(), "jonas@lantern.example", PASSWORD, "editor").status.success().then_some(()).unwrap();
}

#[test]
fn a_throw_away_database_does_not_stand_in_for_one_that_is_named() {
    let output = program::run(folder().path(), &["serve", "--ephemeral"], &[("DATABASE_URL", "sqlite://stet.db")]);
    assert_refused(&output, &["--ephemeral", "DATABASE_URL"]);
}

#[actix_web::test]
async fn a_user_who_was_created_signs_in() {
    let folder = folder();
    let created = create_user(folder.path(), "jonas@lantern.example", "nine gulls on a wire\n", "editor");
    assert_eq!(text(&created.stdout), "jonas@lantern.example may sign in as editor.\n", "{created:?}");
    let again = create_user(folder.path(), "jonas@lantern.example", "nine gulls on a wire\n", "author");
    assert!(!again.status.success() && text(&again.stderr).contains("jonas@lantern.example"), "{again:?}");
    for (password, role) in [("too short", "editor"), ("nine gulls on a wire", "reader")] {
        let refused = create_user(folder.path(), "ada@lantern.example", password, role);
        assert_refused(&refused, &[if role == "reader" { "reader" } else { "12 to 128" }]);
    }
    let server = Server::start(folder.path(), &[], &[]);
    let jonas = sign_in(&server, "jonas@lantern.example", "nine gulls on a wire").await;
    assert_eq!(jonas.get("/me").await.assert(200).json["role"], "editor");
}

#[test]
fn migrate_may_be_run_again() {
    let postgres = postgres::server().map(|_| match fresh(Kind::Postgres) {
        (Target::Postgres(url), place) => (url, place),
        (other, _) => panic!("not PostgreSQL: {other:?}"),
    });
    for url in ["sqlite://news/stet.db".to_owned()].into_iter().chain(postgres.as_ref().map(|(url, _)| url.clone())) {
        let folder = folder();
        for _ in 0..2 {
            let output = program::run(folder.path(), &["migrate"], &[("DATABASE_URL", &url)]);
            assert!(output.status.success(), "{url}: {output:?}");
            assert_eq!(text(&output.stdout), "The database is up to date.\n");
        }
    }
}

#[actix_web::test]
async fn the_link_for_the_first_administrator_is_printed_only_where_there_is_none() {
    let folder = folder();
    let mut server = Server::start(folder.path(), &[], &[]);
    let said = server.stdout();
    let link = said.lines().find_map(|line| line.trim().split_once('#'));
    let (link, token) = link.unwrap_or_else(|| panic!("no link: {said}"));
    assert_eq!(link, format!("{}/setup", server.address));
    Client::new(&server.address, None).get("//setup").await.assert(200);
    let setup = json!({"token": token, "email": EMAIL, "name": "Mira Holt", "password": PASSWORD});
    let anyone = Client::new(&server.address, None);
    anyone.post("/auth/setup", setup.clone()).await.assert(200);
    anyone.post("/auth/setup", setup).await.assert_problem(401, "invalid_token");
    server.stop();
    let server = Server::start(folder.path(), &[], &[]);
    assert!(!server.stdout().contains("/setup#"), "{}", server.stdout());
    assert_eq!(sign_in(&server, EMAIL, PASSWORD).await.get("/me").await.json["role"], "admin");
}

#[actix_web::test]
async fn the_environment_makes_one_administrator_once() {
    let folder = folder();
    let mut server = Server::start(folder.path(), &[], &ADMINISTRATOR);
    assert!(!server.stdout().contains("/setup#"), "{}", server.stdout());
    sign_in(&server, EMAIL, PASSWORD).await;
    server.stop();
    let other = [ADMINISTRATOR[0], ("STET_ADMIN_PASSWORD", "another one altogether")];
    let server = Server::start(folder.path(), &[], &other);
    sign_in(&server, EMAIL, PASSWORD).await;
}

#[actix_web::test]
async fn a_token_outlives_a_restart() {
    let folder = folder();
    let public = ("STET_PUBLIC_URL", "https://lantern.example");
    let settings = [ADMINISTRATOR[0], ADMINISTRATOR[1], public];
    let mut server = Server::start(folder.path(), &[], &settings);
    let mira = sign_in(&server, EMAIL, PASSWORD).await;
    server.stop();
    let server = Server::start(folder.path(), &[], &settings);
    Client::new(&server.address, mira.token).get("/me").await.assert(200);
}

#[actix_web::test]
async fn keys_that_a_secret_encrypts_need_it_again() {
    let folder = folder();
    let settings = [ADMINISTRATOR[0], ADMINISTRATOR[1], SECRET];
    Server::start(folder.path(), &[], &settings).stop();
    let serve = |settings: &[(&str, &str)]| {
        let settings = [&[("STET_LISTEN", "127.0.0.1:0"), ("STET_LOG", "off")], settings].concat();
        program::run(folder.path(), &["serve"], &settings)
    };
    assert_refused(&serve(&[]), &["STET_SECRET_KEY", "encrypted"]);
    let other = ("STET_SECRET_KEY", "another secret, of more than 32 characters");
    assert_refused(&serve(&[other]), &["STET_SECRET_KEY", "not the one"]);
    let server = Server::start(folder.path(), &[], &settings);
    sign_in(&server, EMAIL, PASSWORD).await.get("/me").await.assert(200);
}

#[actix_web::test]
async fn the_demo_is_the_same_each_time_and_is_filled_in_once() {
    let listed = "/articles?limit=100&count=true&sort=created_at&fields=id,slug,published_at";
    let mut answers = Vec::new();
    let (one, another) = (folder(), folder());
    for folder in [&one, &one, &another] {
        let mut server = Server::start(folder.path(), &["--demo"], &[]);
        answers.push(Client::new(&server.address, None).get(listed).await.assert(200).json.to_string());
        server.stop();
    }
    assert!(answers[0].len() > 1000, "{}", answers[0]);
    assert_eq!(answers[0], answers[1]);
    // The cursor is sealed by the database's own key.
    assert_eq!(answers[0].split("\"page\"").next(), answers[2].split("\"page\"").next());
}

#[actix_web::test]
async fn an_ephemeral_server_leaves_nothing_behind() {
    let (folder, temporary) = (folder(), folder());
    let temporary_path = temporary.path().to_str().unwrap();
    let mut server = Server::start(folder.path(), &["--demo", "--ephemeral"], &[("TMPDIR", temporary_path)]);
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 1);
    assert!(!server.address.ends_with(":0"), "{}", server.address);
    let page = Client::new(&server.address, None).get("/articles?limit=1&count=true").await;
    assert!(page.assert(200).json["page"]["total"].as_i64() > Some(30), "{}", page.json);
    server.stop();
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    assert!(!folder.path().join("data").exists());
}

#[actix_web::test]
async fn a_request_in_flight_is_answered_before_the_end() {
    let folder = folder();
    let mut server = Server::start(folder.path(), &[], &ADMINISTRATOR);
    let token = sign_in(&server, EMAIL, PASSWORD).await.token.unwrap();
    let address = server.address.trim_start_matches("http://").to_owned();
    let body = r#"{"name": "Slack water"}"#;
    let (first, rest) = body.split_at(9);
    let mut request = TcpStream::connect(&address).unwrap();
    request.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!(
        "POST /api/v1/tags HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
        body.len()
    );
    request.write_all(head.as_bytes()).unwrap();
    // The handler waits for the rest of the body by the time another request has been answered.
    Client::new(&server.address, None).get("/tags").await.assert(200);
    server.terminate();
    let refused = || TcpStream::connect(&address).is_err();
    let began = Instant::now();
    while !refused() {
        assert!(began.elapsed() < Duration::from_secs(10), "new connections are still taken");
        std::thread::sleep(Duration::from_millis(10));
    }
    request.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert!(server.wait().success(), "{}", server.stderr());
    let server = Server::start(folder.path(), &[], &[]);
    Client::new(&server.address, None).get("/tags/slack-water").await.assert(200);
}

#[actix_web::test]
async fn an_idle_connection_does_not_hold_up_the_end() {
    let folder = folder();
    let mut server = Server::start(folder.path(), &[], &[]);
    let address = server.address.trim_start_matches("http://");
    let mut idle = TcpStream::connect(address).unwrap();
    idle.write_all(format!("GET /api/v1/tags HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    assert!(idle.read(&mut [0; 64]).unwrap() > 0);
    let began = Instant::now();
    server.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[actix_web::test]
async fn a_setting_that_is_empty_counts_as_left_out() {
    let folder = folder();
    let example = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.env.example")).unwrap();
    let settings = example.lines().filter_map(|line| line.strip_prefix('#').filter(|line| !line.starts_with(' ')));
    let (mut uncommented, mut empty) = (String::new(), String::new());
    for line in settings {
        uncommented += &format!("{line}\n");
        empty += &format!("{}=\n", line.split('=').next().unwrap());
    }
    for settings in [uncommented, empty] {
        assert!(settings.contains("STET_CORS_ORIGINS=\n"), "{settings}");
        fs::write(folder.path().join(".env"), settings).unwrap();
        let mut server = Server::start(folder.path(), &[], &[]);
        Client::new(&server.address, None).get("/tags").await.assert(200);
        server.stop();
        assert!(folder.path().join("data/stet.db").exists());
    }
}

#[actix_web::test]
async fn the_log_says_what_was_asked_and_keeps_secrets() {
    let folder = folder();
    let mut server = Server::start(folder.path(), &["--demo"], &ADMINISTRATOR);
    let mira = sign_in(&server, EMAIL, PASSWORD).await;
    let client = mira.with("cookie", "hush-cookie").with("referer", "http://front.example/?hush-referer");
    client.get("/articles?preview=hush-preview").await.assert(400);
    client.get("/articles?limit=1").await.assert(200);
    client.get("//docs/?hush-docs").await.assert(200);
    client.post("/auth/refresh", json!({"refresh_token": "hush-refresh"})).await.assert(401);
    let key = mira.post("/api-keys", json!({"name": "Website", "role": "reader"})).await.assert(201).text("/token");
    Client::new(&server.address, Some(key.clone())).get("/tags").await.assert(200);
    Client::new(&server.address, Some(format!("{key}0"))).get("/tags").await.assert(401);
    let new = json!({"email": "jonas@lantern.example", "name": "Jonas Reyes", "role": "author"});
    let invitation = mira.post("/users", new).await.assert(201).text("/invitation/token");
    client
        .post("/auth/invitation", json!({"token": invitation, "password": "hush of nine gulls at tide"}))
        .await
        .assert(200);
    for request in ["HUSH-GARBAGE\r\n\r\n".to_owned(), format!("GET /?hush={} HTTP/1.1\r\n\r\n", "x".repeat(70_000))] {
        let mut stream = TcpStream::connect(server.address.trim_start_matches("http://")).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    server.stop();
    let log = server.stderr();
    assert!(log.contains("path=\"/api/v1/articles\" status=400"), "{log}");
    for secret in ["hush", "HUSH", PASSWORD, &mira.token.unwrap(), &key, &invitation, "$argon2"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    // What anybody can send is no error of ours.
    assert!(!log.contains("ERROR"), "{log}");
}

#[actix_web::test]
async fn a_server_that_runs_follows_a_rotation_of_its_keys() {
    let folder = folder();
    let server = Server::start(folder.path(), &[], &[ADMINISTRATOR[0], ADMINISTRATOR[1], SECRET]);
    let mira = sign_in(&server, EMAIL, PASSWORD).await;
    let anyone = Client::new(&server.address, None);
    let published = async || anyone.get("//.well-known/jwks.json").await.json["keys"].as_array().unwrap().len();
    let wrong = program::run(folder.path(), &["keys", "rotate"], &[("STET_SECRET_KEY", &SECRET.1.to_uppercase())]);
    assert_refused(&wrong, &["STET_SECRET_KEY"]);
    let rotated = program::run(folder.path(), &["keys", "rotate"], &[SECRET]);
    assert!(text(&rotated.stdout).contains("signs from"), "{}", text(&rotated.stderr));
    let began = Instant::now();
    while published().await < 2 {
        assert!(began.elapsed() < Duration::from_secs(5), "the new key is not published");
    }
    mira.get("/me").await.assert(200);
    assert!(program::run(folder.path(), &["keys", "rotate", "--at-once"], &[SECRET]).status.success());
    let began = Instant::now();
    while mira.get("/me").await.status != 401 {
        assert!(began.elapsed() < Duration::from_secs(5), "the old key is still believed");
    }
    assert_eq!(published().await, 1);
    sign_in(&server, EMAIL, PASSWORD).await.get("/me").await.assert(200);
}

#[test]
fn the_log_in_a_file_has_no_colours() {
    let folder = folder();
    let mut server = Server::start(folder.path(), &[], &[]);
    server.stop();
    assert!(server.stderr().contains("brought up to date"), "{}", server.stderr());
    assert!(!server.stderr().contains('\u{1b}'), "{}", server.stderr());
}
