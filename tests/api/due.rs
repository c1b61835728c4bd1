//! What is due happens once, whatever happens to the processes: several of them, a kill in the middle, a late start, a
//! database that is away.

use crate::{
    publication::sql,
    support::{Client, Cluster, Kind, blocking, fresh, postgres, program::Server},
};
use diesel::{connection::Connection, dsl, prelude::*, sql_types::BigInt};
use serde_json::json;
use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};
use stet::{
    articles::{self, Creation, Draft},
    clock::{self, Time},
    db::{self, Conn, Id, Target},
    tags,
};

/// Articles that are due at one moment.
const ARTICLES: i64 = 1000;
/// How many are published before a process is killed.
const BEFORE_THE_KILL: i64 = 200;
const PATIENCE: Duration = Duration::from_secs(30);

fn server(folder: &Path, target: &Target) -> Server {
    let url = match target {
        Target::Sqlite(path) => format!("sqlite://{path}"),
        Target::Postgres(url) => url.clone(),
    };
    Server::start(folder, &[], &[("DATABASE_URL", &url)])
}

/// Drafts that share a tag.
fn write(conn: &mut Conn, articles: i64) {
    conn.transaction(|conn| -> stet::error::Result<()> {
        let tag = serde_json::from_value(json!({"name": "Harbour"})).unwrap();
        tags::insert(conn, &tag, Id::new(), clock::now())?;
        for number in 0..articles {
            let new =
                json!({"title": format!("Story {number}"), "slug": format!("story-{number}"), "tags": ["harbour"]});
            let creation = Creation { id: Id::new(), by: None, at: clock::now() };
            articles::insert(conn, &Draft::of(serde_json::from_value(new).unwrap())?, creation)?;
        }
        Ok(())
    })
    .unwrap();
}

fn schedule(target: &Target, at: Time) {
    let statement = "UPDATE articles SET scheduled_id = working_id, scheduled_revision = 1, publish_at = ";
    sql(target, &format!("{statement}{}", at.micros()));
}

fn number(conn: &mut Conn, query: &str) -> i64 {
    diesel::select(dsl::sql::<BigInt>(&format!("({query})"))).get_result(conn).unwrap()
}

/// Waits until so many are public.
fn wait_for(conn: &mut Conn, articles: i64) {
    let began = Instant::now();
    loop {
        let public = number(conn, "SELECT count(*) FROM articles WHERE published_id IS NOT NULL");
        if public >= articles {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "after {PATIENCE:?} {public} of {articles} are public");
        sleep(Duration::from_millis(2));
    }
}

/// All were published, and each once.
async fn each_was_published_once(target: &Target, server: &Server, at: Time) {
    let events = |what: &str| format!("SELECT count({what}) FROM events WHERE kind = 'article.published'");
    for (what, query) in [
        ("events", events("*")),
        ("articles with an event", events("DISTINCT subject_id")),
        ("articles changed once", "SELECT count(*) FROM articles WHERE version = 2".into()),
        ("articles without a schedule", "SELECT count(*) FROM articles WHERE publish_at IS NULL".into()),
        ("not too early", format!("SELECT count(*) FROM articles WHERE published_at >= {}", at.micros())),
    ] {
        let found = blocking(|| number(&mut target.open().unwrap(), &query));
        assert_eq!(found, ARTICLES, "{what}");
    }
    let anyone = Client::new(&server.address, None);
    assert_eq!(anyone.get("/articles?count=true").await.json["page"]["total"], ARTICLES);
    assert_eq!(anyone.get("/tags/harbour").await.json["article_count"], ARTICLES);
}

#[actix_web::test]
async fn of_two_processes_one_is_killed_and_each_article_is_published_once_on_postgres() {
    if postgres::server().is_none() {
        return;
    }
    let (target, folder) = blocking(|| fresh(Kind::Postgres));
    let first = server(folder.path(), &target);
    let second = server(folder.path(), &target);
    let at = blocking(|| {
        let mut conn = target.open().unwrap();
        write(&mut conn, ARTICLES);
        let at = db::now(&mut conn).unwrap().plus(Duration::from_millis(500));
        schedule(&target, at);
        wait_for(&mut conn, BEFORE_THE_KILL);
        drop(first);
        let left = number(&mut conn, "SELECT count(*) FROM articles WHERE published_id IS NULL");
        assert!(left > 100, "only {left} were left when the process was killed");
        wait_for(&mut conn, ARTICLES);
        at
    });
    each_was_published_once(&target, &second, at).await;
    assert!(!second.stderr().contains("ERROR"), "{}", second.stderr());
}

#[actix_web::test]
async fn a_process_is_killed_and_started_again_and_each_article_is_published_once_on_sqlite() {
    let (target, folder) = blocking(|| fresh(Kind::Sqlite));
    let mut conn = target.open().unwrap();
    write(&mut conn, ARTICLES);
    let first = server(folder.path(), &target);
    let at = clock::now().plus(Duration::from_millis(500));
    schedule(&target, at);
    wait_for(&mut conn, BEFORE_THE_KILL);
    drop(first);
    let left = number(&mut conn, "SELECT count(*) FROM articles WHERE published_id IS NULL");
    assert!(left > 0, "all were published when the process was killed");
    // What came while nobody was there happens at the start.
    let second = server(folder.path(), &target);
    wait_for(&mut conn, ARTICLES);
    each_was_published_once(&target, &second, at).await;
    assert!(!second.stderr().contains("ERROR"), "{}", second.stderr());
}

#[test]
fn a_process_that_ends_leaves_nothing_half_done() {
    let (target, folder) = fresh(Kind::Sqlite);
    let mut conn = target.open().unwrap();
    write(&mut conn, ARTICLES);
    let mut first = server(folder.path(), &target);
    schedule(&target, clock::now());
    wait_for(&mut conn, 1);
    let began = Instant::now();
    first.stop();
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let public = number(&mut conn, "SELECT count(*) FROM articles WHERE published_id IS NOT NULL");
    assert!(public < ARTICLES, "it went on to the end");
    let counted = number(&mut conn, "SELECT article_count FROM tags");
    let told = number(&mut conn, "SELECT count(*) FROM events WHERE kind = 'article.published'");
    assert_eq!((public, public), (counted, told));
}

#[actix_web::test]
async fn a_database_that_is_away_is_waited_for_without_noise() {
    let Some(cluster) = Cluster::start(&[], "ssl = off", "host all all 127.0.0.1/32 trust") else { return };
    let folder = tempfile::tempdir().unwrap();
    let target = Target::Postgres(cluster.url("127.0.0.1", "sslmode=disable"));
    let server = server(folder.path(), &target);
    blocking(|| {
        let mut conn = target.open().unwrap();
        write(&mut conn, 1);
        schedule(&target, clock::now().plus(Duration::from_millis(1500)));
        drop(conn);
        cluster.crash();
        // Longer than a connection is waited for.
        sleep(Duration::from_secs(6));
        cluster.resume();
        wait_for(&mut target.open().unwrap(), 1);
    });
    Client::new(&server.address, None).get("/articles/story-0").await.assert(200);
    // It says so when the next look ends well.
    let began = Instant::now();
    let about = |text: &str| {
        let log = server.stderr();
        log.lines().filter(|line| line.contains(text) && line.contains("publish what is due")).count()
    };
    while about("a job works again") == 0 {
        assert!(began.elapsed() < PATIENCE, "{}", server.stderr());
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(about("a job failed"), 1, "{}", server.stderr());
}
