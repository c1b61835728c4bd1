//! What the process survives: what was answered with success is there afterwards, and nothing is there twice.

use crate::support::{Client, Cluster, Kind, blocking, fresh, postgres, program::Server};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    io::{Read, Write},
    net::TcpStream,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};
use stet::db::Target;

const EMAIL: &str = "mira@lantern.example";
const PASSWORD: &str = "a tide table for March";
const ADMINISTRATOR: [(&str, &str); 2] = [("STET_ADMIN_EMAIL", EMAIL), ("STET_ADMIN_PASSWORD", PASSWORD)];
/// Clients that write at the same time.
const CLIENTS: u32 = 8;
/// Writes that are answered before the process is killed.
const BEFORE_THE_END: usize = 200;

async fn sign_in(server: &Server) -> Client {
    let session =
        Client::new(&server.address, None).post("/auth/login", json!({"email": EMAIL, "password": PASSWORD})).await;
    Client::new(&server.address, Some(session.assert(200).text("/access_token")))
}

/// Creates the tag of this number by a connection of its own. `None` where no whole answer came.
fn create(address: &str, token: &str, number: u32) -> Option<u16> {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).ok()?;
    let body = json!({"name": format!("Tag {number}")}).to_string();
    let request = format!(
        "POST /api/v1/tags HTTP/1.1\r\nhost: stet\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         idempotency-key: {number}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, _) = answer.split_once("\r\n\r\n")?;
    head.split(' ').nth(1)?.parse().ok()
}

/// Writes until the server is killed in the middle of it. Gives the numbers that were acknowledged, and all that were sent.
fn write_until_killed(server: Server, token: &str, next: &AtomicU32) -> (Vec<u32>, Vec<u32>) {
    let (acknowledged, sent) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let address = server.address.clone();
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    sent.lock().unwrap().push(number);
                    match create(&address, token, number) {
                        Some(201) => acknowledged.lock().unwrap().push(number),
                        Some(status) => panic!("a write was answered with {status}"),
                        None => break,
                    }
                }
            });
        }
        while acknowledged.lock().unwrap().len() < BEFORE_THE_END {
            thread::sleep(Duration::from_millis(1));
        }
        // SIGKILL.
        drop(server);
    });
    (acknowledged.into_inner().unwrap(), sent.into_inner().unwrap())
}

/// The numbers of all tags that are there.
async fn numbers(client: &Client) -> Vec<u32> {
    let (mut found, mut cursor) = (Vec::new(), Value::Null);
    loop {
        let after = cursor.as_str().map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let page = client.get(&format!("/tags?limit=100{after}")).await;
        found.extend(page.assert(200).column("name").iter().map(|name| name[4..].parse::<u32>().unwrap()));
        cursor = page.json["page"]["next_cursor"].clone();
        if cursor.is_null() {
            return found;
        }
    }
}

async fn outlives_a_kill(target: &Target) {
    let folder = tempfile::tempdir().unwrap();
    let url = match target {
        Target::Sqlite(path) => format!("sqlite://{path}"),
        Target::Postgres(url) => url.clone(),
    };
    let settings = [&ADMINISTRATOR[..], &[("DATABASE_URL", url.as_str())]].concat();
    let next = AtomicU32::new(0);
    let (mut acknowledged, mut sent) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let server = Server::start(folder.path(), &[], &settings);
        let token = sign_in(&server).await.token.unwrap();
        let (more, tried) = write_until_killed(server, &token, &next);
        acknowledged.extend(more);
        sent.extend(tried);
    }
    let server = Server::start(folder.path(), &[], &settings);
    let client = sign_in(&server).await;
    let found: HashSet<u32> = numbers(&client).await.into_iter().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|number| !found.contains(number)).collect();
    assert!(lost.is_empty(), "of {} acknowledged writes these are lost: {lost:?}", acknowledged.len());
    // Whoever got no answer asks again by the same key, and it is done once, whether it was done then or not.
    let token = client.token.clone().unwrap();
    for number in sent.iter().filter(|number| !acknowledged.contains(number)) {
        assert_eq!(create(&server.address, &token, *number), Some(201));
    }
    let mut all = numbers(&client).await;
    all.sort_unstable();
    sent.sort_unstable();
    assert_eq!(all, sent);
}

#[actix_web::test]
async fn what_was_acknowledged_outlives_a_kill_on_sqlite() {
    let (target, _folder) = blocking(|| fresh(Kind::Sqlite));
    outlives_a_kill(&target).await;
}

#[actix_web::test]
async fn what_was_acknowledged_outlives_a_kill_on_postgres() {
    if postgres::server().is_some() {
        let (target, _folder) = blocking(|| fresh(Kind::Postgres));
        outlives_a_kill(&target).await;
    }
}

#[actix_web::test]
async fn a_database_that_went_away_is_waited_for() {
    let Some(cluster) = Cluster::start(&[], "ssl = off", "host all all 127.0.0.1/32 trust") else { return };
    let folder = tempfile::tempdir().unwrap();
    let url = cluster.url("127.0.0.1", "sslmode=disable");
    let settings = [&ADMINISTRATOR[..], &[("DATABASE_URL", url.as_str())]].concat();
    let server = Server::start(folder.path(), &[], &settings);
    let client = sign_in(&server).await;
    client.post("/tags", json!({"name": "Ebb"})).await.assert(201);
    cluster.crash();
    let anyone = Client::new(&server.address, None);
    let refused = anyone.get("/tags").await;
    assert_ne!(refused.assert_problem(503, "unavailable").header("retry-after"), "");
    client.post("/tags", json!({"name": "Flood"})).await.assert(503);
    anyone.get("//readyz").await.assert(503);
    anyone.get("//healthz").await.assert(200);
    cluster.resume();
    // It heals by itself, within a moment.
    for attempt in 0.. {
        if anyone.get("//readyz").await.status == 200 {
            break;
        }
        assert!(attempt < 100, "it does not come back: {}", server.stderr());
        actix_web::rt::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(anyone.get("/tags").await.assert(200).column("name"), ["Ebb"]);
    client.post("/tags", json!({"name": "Flood"})).await.assert(201);
}
