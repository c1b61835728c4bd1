//! The PostgreSQL connection against a real server: what it answers, how it fails and how it ends.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, Pool, R2D2Connection};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{BigInt, Bool};
use stet::db::{Target, postgres::PgConn};

use crate::support::{Kind, empty, postgres};

diesel::table! {
    things (id) {
        id -> BigInt,
        name -> Text,
        parent -> Nullable<BigInt>,
        bytes -> Nullable<Binary>,
        live -> Bool,
        words -> Array<Text>,
    }
}

type Thing = (i64, String, Option<i64>, Option<Vec<u8>>, bool, Vec<String>);

const TABLE: &str = "CREATE TABLE things (id bigint PRIMARY KEY, name text NOT NULL CONSTRAINT one_name UNIQUE,
    parent bigint CONSTRAINT parent_is_there REFERENCES things DEFERRABLE, bytes bytea, live bool NOT NULL DEFAULT true,
    words text[] NOT NULL DEFAULT '{}')";

/// The URL of a database with the table, or `None` where PostgreSQL is not installed.
fn database() -> Option<String> {
    postgres::server()?;
    let (Target::Postgres(url), place) = empty(Kind::Postgres) else { return None };
    place.keep();
    let url = format!("{url}?sslmode=disable");
    PgConn::establish(&url).unwrap().batch_execute(TABLE).unwrap();
    Some(url)
}

fn insert(conn: &mut PgConn, id: i64, name: &str) -> QueryResult<usize> {
    diesel::insert_into(things::table).values((things::id.eq(id), things::name.eq(name))).execute(conn)
}

fn value(conn: &mut PgConn, sql: &str) -> QueryResult<i64> {
    diesel::select(diesel::dsl::sql::<BigInt>(sql)).get_result(conn)
}

fn count(conn: &mut PgConn) -> i64 {
    things::table.count().get_result(conn).unwrap()
}

/// The kind of a failure, and the constraint that it names.
fn refusal<T>(result: QueryResult<T>) -> (DatabaseErrorKind, Option<String>) {
    match result.err().unwrap() {
        Error::DatabaseError(kind, report) => (kind, report.constraint_name().map(str::to_owned)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_type_comes_back_as_it_went() {
    let Some(url) = database() else { return };
    let conn = &mut PgConn::establish(&url).unwrap();
    let full =
        (1, "é, 'quoted' and \\".to_owned(), Some(1), Some(vec![0, 255, 7]), true, vec![String::new(), "b".into()]);
    let bare = (i64::MIN, String::new(), None, Some(Vec::new()), false, Vec::new());
    for (id, name, parent, bytes, live, words) in [full.clone(), bare.clone()] {
        let row = (
            things::id.eq(id),
            things::name.eq(name),
            things::parent.eq(parent),
            things::bytes.eq(bytes),
            things::live.eq(live),
            things::words.eq(words),
        );
        let back: Thing = diesel::insert_into(things::table).values(row).get_result(conn).unwrap();
        assert_eq!(back.0, id);
    }
    let all: Vec<Thing> = things::table.order(things::id).load(conn).unwrap();
    assert_eq!(all, [bare, full]);
    let some: Vec<i64> = things::table.filter(things::id.eq_any([1_i64, 2])).select(things::id).load(conn).unwrap();
    assert_eq!(some, [1]);
    let none = things::table.filter(things::id.eq_any(Vec::<i64>::new())).count().get_result(conn);
    assert_eq!(none, Ok(0));
    let missing = things::table.find(7).select(things::name).first::<String>(conn);
    assert_eq!(missing, Err(Error::NotFound));
}

#[test]
fn a_statement_is_prepared_once() {
    let Some(url) = database() else { return };
    let conn = &mut PgConn::establish(&url).unwrap();
    for id in 0..20 {
        insert(conn, id, &id.to_string()).unwrap();
        assert_eq!(things::table.find(id).select(things::name).first(conn), Ok(id.to_string()));
    }
    let kept = value(conn, "(SELECT count(*) FROM pg_prepared_statements WHERE statement NOT LIKE '%pg_prepared%')");
    assert_eq!(kept, Ok(2));
}

#[test]
fn refusals_are_told_apart() {
    let Some(url) = database() else { return };
    let conn = &mut PgConn::establish(&url).unwrap();
    insert(conn, 1, "one").unwrap();
    assert_eq!(refusal(insert(conn, 2, "one")), (DatabaseErrorKind::UniqueViolation, Some("one_name".into())));
    let orphan = diesel::update(things::table.find(1)).set(things::parent.eq(9)).execute(conn);
    assert_eq!(refusal(orphan), (DatabaseErrorKind::ForeignKeyViolation, Some("parent_is_there".into())));
    let null = diesel::sql_query("INSERT INTO things (id) VALUES (3)").execute(conn);
    assert_eq!(refusal(null).0, DatabaseErrorKind::NotNullViolation);
    assert_eq!(refusal(conn.batch_execute("SELECT 1 FROM nowhere")).0, DatabaseErrorKind::Unknown);
    assert_eq!(count(conn), 1);
}

#[test]
fn transactions_nest_and_a_commit_is_a_commit() {
    let Some(url) = database() else { return };
    let conn = &mut PgConn::establish(&url).unwrap();
    conn.transaction(|conn| {
        insert(conn, 1, "kept")?;
        let inner: QueryResult<()> = conn.transaction(|conn| {
            insert(conn, 2, "dropped")?;
            insert(conn, 3, "kept").map(drop)
        });
        assert_eq!(refusal(inner).0, DatabaseErrorKind::UniqueViolation);
        insert(conn, 4, "kept too").map(drop)
    })
    .unwrap();
    assert_eq!(count(conn), 2);

    let swallowed: QueryResult<()> = conn.transaction(|conn| {
        insert(conn, 5, "lost")?;
        let _ = insert(conn, 6, "kept");
        Ok(())
    });
    assert!(swallowed.unwrap_err().to_string().contains("nothing was committed"));
    let deferred: QueryResult<()> = conn.transaction(|conn| {
        conn.batch_execute("SET CONSTRAINTS ALL DEFERRED")?;
        diesel::update(things::table.find(1)).set(things::parent.eq(9)).execute(conn).map(drop)
    });
    assert_eq!(refusal(deferred).0, DatabaseErrorKind::ForeignKeyViolation);
    assert!(!conn.is_broken());
    assert_eq!(conn.transaction(|conn| insert(conn, 7, "after")), Ok(1));
    assert_eq!(count(conn), 3);
}

#[test]
fn what_may_be_tried_again_is_called_a_serialization_failure() {
    let Some(url) = database() else { return };
    let (mut one, mut two) = (PgConn::establish(&url).unwrap(), PgConn::establish(&url).unwrap());
    insert(&mut one, 1, "one").unwrap();
    insert(&mut one, 2, "two").unwrap();
    let touch =
        |conn: &mut PgConn, id: i64| diesel::update(things::table.find(id)).set(things::live.eq(false)).execute(conn);

    let barrier = &std::sync::Barrier::new(2);
    let outcomes = std::thread::scope(|scope| {
        let both = [(&mut one, 1, 2), (&mut two, 2, 1)].map(|(conn, first, second)| {
            scope.spawn(move || {
                conn.transaction(|conn| {
                    touch(conn, first)?;
                    barrier.wait();
                    touch(conn, second)
                })
            })
        });
        both.map(|thread| thread.join().unwrap())
    });
    let [first, second] = outcomes;
    assert_ne!(first.is_ok(), second.is_ok());
    assert_eq!(refusal(first.and(second)).0, DatabaseErrorKind::SerializationFailure);

    one.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM things").unwrap();
    touch(&mut two, 1).unwrap();
    assert_eq!(refusal(touch(&mut one, 1)).0, DatabaseErrorKind::SerializationFailure);
}

#[test]
fn a_pool_replaces_a_connection_that_the_server_has_closed() {
    let Some(url) = database() else { return };
    let pool = Pool::builder().max_size(1).build(ConnectionManager::<PgConn>::new(&url)).unwrap();
    let pid = |conn: &mut PgConn| value(conn, "pg_backend_pid()::bigint").unwrap();
    let end = |pid: i64| {
        let mut admin = PgConn::establish(&url).unwrap();
        let ended = diesel::select(diesel::dsl::sql::<Bool>(&format!("pg_terminate_backend({pid}, 5000)")));
        assert_eq!(ended.get_result(&mut admin), Ok(true));
    };
    let idle = pid(&mut pool.get().unwrap());
    end(idle);
    let mut conn = pool.get().unwrap();
    assert_ne!(pid(&mut conn), idle);

    let used = pid(&mut conn);
    end(used);
    assert_eq!(refusal(value(&mut conn, "1::bigint")).0, DatabaseErrorKind::ClosedConnection);
    assert!(conn.is_broken());
    drop(conn);
    assert_ne!(pid(&mut pool.get().unwrap()), used);
}

#[test]
fn a_closed_connection_tells_why() {
    let Some(url) = database() else { return };
    let mut conn = PgConn::establish(&url).unwrap();
    assert_eq!(conn.ping(), Ok(()));
    let own = conn.transaction(|conn| conn.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())"));
    for error in [own, conn.ping(), conn.batch_execute("SELECT 1")] {
        let text = error.as_ref().unwrap_err().to_string();
        assert!(text.contains("terminating connection due to administrator command"), "{text}");
        assert_eq!(refusal(error).0, DatabaseErrorKind::ClosedConnection);
    }
    assert!(conn.is_broken());
}

#[test]
fn a_connection_left_in_a_transaction_is_broken() {
    let Some(url) = database() else { return };
    let mut conn = PgConn::establish(&url).unwrap();
    AnsiTransactionManager::begin_transaction(&mut conn).unwrap();
    assert!(conn.is_broken());
}

#[test]
fn a_connection_may_be_dropped_anywhere_and_says_goodbye() {
    let Some(url) = database() else { return };
    let url = format!("{url}&application_name=leaving");
    let mut admin = PgConn::establish(&url.replace("leaving", "staying")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();

    let conn = PgConn::establish(&url).unwrap();
    runtime.block_on(async move { drop(conn) });
    let conn = runtime.block_on(async { tokio::task::spawn_blocking(move || PgConn::establish(&url).unwrap()).await });
    std::thread::spawn(move || drop(conn)).join().unwrap();

    let until = Instant::now() + Duration::from_secs(5);
    let here = "(SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaving')";
    while value(&mut admin, here) != Ok(0) {
        assert!(Instant::now() < until, "the server still has them");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_server_that_is_not_there_is_reported_at_once() {
    let start = Instant::now();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = PgConn::establish(&format!("postgres://ann:secret@127.0.0.1:{port}/d")).err().unwrap().to_string();
    assert!(text.contains(&format!("127.0.0.1:{port}")) && text.contains("refused"), "{text}");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let url = format!("postgres://ann:secret@127.0.0.1:{port}/d?connect_timeout=1");
    let text = PgConn::establish(&url).err().unwrap().to_string();
    assert!(text.contains("timed out") && !text.contains("secret"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(4));
}
