//! How often one may ask: by address, by account and by key, on the operation, however its path is spelled.

use crate::support::{
    Client, Kind, PASSWORD, Reply, TestApp,
    program::Server,
    spec::{self, operations},
};
use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{fs, thread::available_parallelism, time::Duration};
use stet::permissions::Role;

/// Sign-ins of one address, and of one account, at once.
const OF_AN_ADDRESS: usize = 20;
const OF_AN_ACCOUNT: usize = 10;
/// The same where its user has signed in from before.
const AT_HOME: usize = 100;

async fn limited() -> TestApp {
    TestApp::start_limited(Kind::Sqlite, false).await
}

/// An app behind a proxy: whoever asks says from where.
async fn behind_a_proxy() -> TestApp {
    TestApp::start_limited(Kind::Sqlite, true).await
}

fn from(app: &TestApp, address: &str) -> Client {
    app.anyone().with("x-forwarded-for", address)
}

async fn try_password(client: &Client, email: &str) -> Reply {
    client.post("/auth/login", json!({"email": email, "password": "not the password"})).await
}

/// Tries until one is refused, and gives that answer. On a slow machine some more are let through than at once: what comes
/// anew meanwhile.
async fn until_refused(limit: usize, each: impl AsyncFn(usize) -> Reply) -> Reply {
    for number in 0..4 * limit {
        let reply = each(number).await;
        if reply.status == 429 {
            assert!(number >= limit, "the {number}th is refused");
            return reply;
        }
        reply.assert(401);
    }
    panic!("no end of tries is let through");
}

fn refused(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.status == 429).count()
}

#[actix_web::test]
async fn an_answer_says_how_one_stands_to_the_limit() {
    let app = behind_a_proxy().await;
    // From this machine one reads as one likes.
    assert_eq!(app.anyone().get("/tags").await.assert(200).header("ratelimit-policy"), "");
    let anyone = from(&app, "198.51.100.1");
    let first = anyone.get("/tags").await;
    assert_eq!(first.assert(200).header("ratelimit-policy"), "\"reads\";q=6000;w=60");
    assert_eq!(first.header("ratelimit"), "\"reads\";r=5999;t=1");
    // What is not found or refused counts, too, and so does what is unchanged.
    assert!(!anyone.get("/tags/none").await.assert(404).header("ratelimit").is_empty());
    assert!(!anyone.get("/me").await.assert(401).header("ratelimit").is_empty());
    let same = anyone.with("if-none-match", first.etag()).get("/tags").await;
    assert!(!same.assert(304).header("ratelimit").is_empty());
    assert!(anyone.get("/search?q=x").await.header("ratelimit-policy").starts_with("\"search\";"));
    for (path, class) in [("?q=x", "search"), ("?limit=1&q=x", "search"), ("?limit=1", "reads"), ("", "reads")] {
        let policy = anyone.get(&format!("/articles{path}")).await.header("ratelimit-policy").to_owned();
        assert!(policy.starts_with(&format!("\"{class}\";")), "{path}: {policy}");
    }
    assert!(anyone.get("//feeds/rss.xml").await.header("ratelimit-policy").starts_with("\"reads\";"));
    for free in ["//healthz", "//readyz"] {
        assert_eq!(anyone.get(free).await.assert(200).header("ratelimit-policy"), "", "{free}");
    }
    let editor = app.editor().await;
    assert_eq!(editor.get("/tags").await.header("ratelimit-policy"), "\"reads\";q=60000;w=60");
    let made = editor.post("/tags", json!({"name": "Ebb"})).await;
    assert_eq!(made.assert(201).header("ratelimit"), "\"writes\";r=11999;t=1");
}

#[actix_web::test]
async fn one_address_may_try_only_so_many_passwords() {
    let app = limited().await;
    let over = until_refused(OF_AN_ADDRESS, async |number| {
        try_password(&app.anyone(), &format!("nobody{number}@lantern.example")).await
    })
    .await;
    over.assert_problem(429, "rate_limited");
    let wait: u64 = over.header("retry-after").parse().unwrap();
    assert!((1..=3).contains(&wait), "{wait}");
    assert_eq!(over.header("ratelimit-policy"), "\"sign_in\";q=20;w=60");
    assert_eq!(over.header("ratelimit"), format!("\"sign_in\";r=0;t={wait}"));
    assert_eq!(over.header("cache-control"), "no-store");
    // The right password is no way around, and whoever reads is not concerned.
    let login = json!({"email": app.new_user(Role::Editor), "password": PASSWORD});
    app.anyone().post("/auth/login", login).await.assert(429);
    app.anyone().get("/tags").await.assert(200);
}

#[actix_web::test]
async fn no_spelling_of_a_path_gets_around_a_limit() {
    let app = limited().await;
    let body = json!({"email": "nobody@lantern.example", "password": "x"}).to_string().into_bytes();
    let anyone = app.anyone().with("content-type", "application/json");
    let spellings = [
        "//api/v1/auth/login",
        "//api/v1/auth/l%6fgin",
        "//api/v1/%61uth/login",
        "//%61pi/v1/auth/login?",
        "//api/v1/auth/%6C%6F%67%69%6E",
        "//api/v1/auth/login?x=1",
    ];
    let mut tried = 0;
    for number in 0..=OF_AN_ADDRESS {
        let path = spellings[number % spellings.len()];
        let reply = anyone.raw(Method::POST, path, body.clone()).await;
        let policy = reply.header("ratelimit-policy");
        let of_the_account = reply.status == 429 && policy.starts_with("\"account\"");
        assert!(of_the_account || policy.starts_with("\"sign_in\""), "{path}");
        tried += usize::from(reply.status != 429);
    }
    assert!(tried < OF_AN_ADDRESS);
    for path in &spellings {
        anyone.raw(Method::POST, path, body.clone()).await.assert(429);
    }
    for elsewhere in [
        "//api/v1/auth/login/",
        "//API/v1/auth/login",
        "//api/v1/auth/Login",
        "//api//v1/auth/login",
        "//api/v1/auth%2Flogin",
    ] {
        anyone.raw(Method::POST, elsewhere, body.clone()).await.assert(404);
    }
}

#[actix_web::test]
async fn one_account_may_be_tried_only_so_often_known_or_not_from_wherever() {
    let app = behind_a_proxy().await;
    let known = app.new_user(Role::Editor);
    for email in [known.as_str(), "nobody@lantern.example"] {
        let over = until_refused(OF_AN_ACCOUNT, async |number| {
            let spelling = if number % 2 == 0 { email.to_owned() } else { email.to_uppercase() };
            try_password(&from(&app, &format!("198.51.100.{number}")), &spelling).await
        })
        .await;
        over.assert_problem(429, "rate_limited");
        assert_eq!(over.header("ratelimit-policy"), "\"account\";q=10;w=300");
        assert!(over.header("retry-after").parse::<u64>().unwrap() <= 30, "a limit and no lock");
    }
}

#[actix_web::test]
async fn nobody_elsewhere_keeps_somebody_out_of_their_account() {
    let app = behind_a_proxy().await;
    let email = app.new_user(Role::Editor);
    let login = json!({"email": email, "password": PASSWORD});
    from(&app, "192.0.2.7").post("/auth/login", login.clone()).await.assert(200);
    for number in 0..3 * OF_AN_ACCOUNT {
        try_password(&from(&app, &format!("198.51.100.{number}")), &email).await;
    }
    from(&app, "198.51.100.250").post("/auth/login", login.clone()).await.assert(429);
    from(&app, "192.0.2.7").post("/auth/login", login.clone()).await.assert(200);
    // There, too, it is a limit; the one that signed in counts.
    until_refused(AT_HOME - 2, async |_| try_password(&from(&app, "192.0.2.7"), &email).await).await;
}

#[actix_web::test]
async fn forty_sign_ins_at_once_never_exceed_a_limit() {
    let app = behind_a_proxy().await;
    let email = app.new_user(Role::Editor);
    let login = json!({"email": email, "password": PASSWORD});
    let (app, login) = (&app, &login);
    let at_once =
        (0..40).map(async |number| from(app, &format!("198.51.100.{number}")).post("/auth/login", login.clone()).await);
    let replies = join_all(at_once).await;
    let (let_in, over) = (replies.iter().filter(|reply| reply.status == 200).count(), refused(&replies));
    assert_eq!((let_in, over), (OF_AN_ACCOUNT, 40 - OF_AN_ACCOUNT));
    let at_once =
        (0..40).map(async |number| try_password(&from(app, "192.0.2.1"), &format!("n{number}@lantern.example")).await);
    assert_eq!(refused(&join_all(at_once).await), 40 - OF_AN_ADDRESS);
}

#[actix_web::test]
async fn what_a_client_says_of_its_address_counts_only_behind_a_trusted_proxy() {
    let app = limited().await;
    until_refused(OF_AN_ADDRESS, async |number| {
        let liar = app
            .anyone()
            .with("x-forwarded-for", format!("198.51.100.{number}"))
            .with("forwarded", format!("for=198.51.100.{number}"));
        try_password(&liar, &format!("n{number}@lantern.example")).await
    })
    .await;
    let app = behind_a_proxy().await;
    until_refused(OF_AN_ADDRESS, async |number| {
        let named = from(&app, &format!("198.51.100.{number}"));
        try_password(&named, &format!("n{number}@lantern.example")).await.assert(401);
        // What stands left of the proxy's word is the client's.
        let liar = from(&app, &format!("198.51.100.{number}, 203.0.113.9"));
        try_password(&liar, &format!("m{number}@lantern.example")).await
    })
    .await;
    // The proxy lets the other header through, whoever wrote that, and so does one that is not understood.
    until_refused(OF_AN_ADDRESS, async |number| {
        let liar = from(&app, "203.0.113.10").with("forwarded", format!("for=198.51.100.{number}"));
        try_password(&liar, &format!("p{number}@lantern.example")).await
    })
    .await;
    for (name, value) in [
        ("forwarded", "x"),
        ("forwarded", "for=127.0.0.1"),
        ("x-forwarded-for", "unix:"),
        ("x-forwarded-for", "127.0.0.1"),
    ] {
        let sent_on = app.anyone().with(name, value).get("/search?q=ebb").await;
        assert!(sent_on.assert(200).header("ratelimit-policy").starts_with("\"search\""), "{name}: {value}");
    }
    // A customer's whole /64 is one.
    until_refused(OF_AN_ADDRESS, async |number| {
        try_password(&from(&app, &format!("2001:db8::{number:x}")), &format!("o{number}@lantern.example")).await
    })
    .await;
}

#[actix_web::test]
async fn an_account_and_a_key_are_counted_wherever_they_ask_from() {
    let app = behind_a_proxy().await;
    let admin = app.signed_in(Role::Admin).await;
    let key = admin.post("/api-keys", json!({"name": "Website", "role": "reader"})).await.assert(201).text("/token");
    for client in [admin, Client::new(&app.address, Some(key))] {
        let left = async |address: &str| {
            let reply =
                client.with("x-forwarded-for", address).post("/articles/none/comments", json!({"body": "x"})).await;
            let (status, left) = (reply.status.as_u16(), reply.header("ratelimit"));
            assert!([403, 404].contains(&status), "{status}");
            left.split(";r=").nth(1).unwrap().split(';').next().unwrap().parse::<u32>().unwrap()
        };
        assert_eq!([left("198.51.100.1").await, left("198.51.100.2").await, left("198.51.100.3").await], [59, 58, 57]);
    }
    // A token that is worth nothing counts for the address that sent it.
    let nobody = Client::new(&app.address, Some("nonsense".into())).with("x-forwarded-for", "198.51.100.3");
    assert!(nobody.get("/tags").await.assert(401).header("ratelimit-policy").contains("q=6000"));
}

#[actix_web::test]
async fn a_guest_leaves_only_so_many_comments() {
    let app = limited().await;
    let editor = app.editor().await;
    let id = editor.post("/articles", json!({"title": "The harbour reopens"})).await.assert(201).text("/id");
    editor.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
    let path = format!("/articles/{id}/comments");
    let comment = json!({"name": "Brandt", "email": "brandt@reader.example", "body": "At last."});
    for _ in 0..10 {
        app.anyone().post(&path, comment.clone()).await.assert(201);
    }
    app.anyone().post(&path, comment).await.assert_problem(429, "rate_limited");
    editor.post(&path, json!({"body": "Thank you."})).await.assert(201);
}

#[test]
fn every_operation_tells_of_its_limit() {
    for operation in operations() {
        let free = ["get_health", "get_readiness"].contains(&operation.id.as_str());
        for (status, response) in operation.value["responses"].as_object().unwrap() {
            let response = spec::resolve(response);
            let told =
                response["headers"]["RateLimit"].is_object() && response["headers"]["RateLimit-Policy"].is_object();
            assert!(told || free, "{} {status}", operation.id);
        }
        assert_eq!(operation.value["responses"]["429"].is_object(), !free, "{}", operation.id);
    }
}

/// MiB that a process has taken: `VmRSS` now, `VmHWM` at the most.
#[cfg(target_os = "linux")]
fn memory(server: &Server, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// So many at once, each by a connection of its own.
async fn at_once(anyone: &Client, body: &Value) -> Vec<Reply> {
    join_all((0..500).map(async |_| anyone.post("/auth/login", body.clone()).await)).await
}

#[cfg(target_os = "linux")]
#[actix_web::test]
async fn five_hundred_sign_ins_at_once_fill_no_memory_and_keep_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    // Limits are off: what is left is the bound of hashing itself.
    let server = Server::start(folder.path(), &[], &[]);
    let anyone = Client::new(&server.address, None);
    let hashers = available_parallelism().unwrap().get().min(4) as u64;
    // As many connections at once, with nothing to hash.
    let nothing = json!({"email": "no address", "password": "x"});
    assert!(at_once(&anyone, &nothing).await.iter().all(|reply| reply.status == 422));
    let before = memory(&server, "VmRSS");
    fs::write(format!("/proc/{}/clear_refs", server.id()), "5").unwrap();
    let watch = actix_web::rt::spawn({
        let anyone = anyone.clone();
        async move {
            for _ in 0..20 {
                anyone.get("//healthz").await.assert(200);
                actix_web::rt::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    let replies = at_once(&anyone, &json!({"email": "nobody@lantern.example", "password": PASSWORD})).await;
    watch.await.unwrap();
    let taken = memory(&server, "VmHWM").saturating_sub(before);
    // Pages of the program that are run for the first time count, too.
    assert!(taken <= hashers * 19 + 16, "{taken} MiB for {hashers} that hash, {before} before");
    let busy: Vec<_> = replies.iter().filter(|reply| reply.status == 503).collect();
    assert!(busy.iter().all(|reply| reply.header("retry-after") == "1"));
    let hashed = replies.iter().filter(|reply| reply.status == 401).count();
    assert_eq!(hashed + busy.len(), 500);
    assert!(hashed >= 64 && !busy.is_empty(), "{hashed} were looked at");
}
