//! Migrations: the same on both databases, up, down and up again without a trace.

use crate::support::{Kind, TestApp, blocking, empty, fresh, postgres};
use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{Nullable, Text},
};
use serde_json::json;
use std::{collections::BTreeSet, fs};
use stet::db::{self, Conn};

/// A line of a schema dump.
#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    line: Option<String>,
}

const SQLITE: &str =
    "SELECT type || ' ' || name || ' ' || tbl_name || ' ' || COALESCE(sql, '') AS line FROM sqlite_master";

const POSTGRES: &str = "
    SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull
        || ' ' || COALESCE(pg_get_expr(d.adbin, d.adrelid), '') || ' ' || COALESCE(l.collname, '') AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'S')
    UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'view ' || viewname || ' ' || definition FROM pg_views WHERE schemaname = 'public'
    UNION ALL SELECT 'function ' || pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'type ' || typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')";

/// The words of full-text indexes stand in tables of their own, in each database's own form.
const SQLITE_COLUMNS: &str = "SELECT m.name || '.' || c.name AS line FROM sqlite_master m, pragma_table_info(m.name) c
    WHERE m.type IN ('table', 'view') AND m.name NOT LIKE '%!_terms%' ESCAPE '!'";
const POSTGRES_COLUMNS: &str = "SELECT table_name || '.' || column_name AS line FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name NOT LIKE '%!_terms%' ESCAPE '!'";

fn lines(conn: &mut Conn, sqlite: &str, postgres: &str) -> BTreeSet<String> {
    let query = diesel::sql_query(match conn {
        Conn::Sqlite(_) => sqlite,
        Conn::Postgres(_) => postgres,
    });
    let lines: Vec<Line> = match conn {
        Conn::Sqlite(conn) => query.load(conn).unwrap(),
        Conn::Postgres(conn) => query.load(conn).unwrap(),
    };
    lines.into_iter().map(|line| line.line.unwrap()).collect()
}

/// Everything that the database has been told to hold.
fn dump(conn: &mut Conn) -> BTreeSet<String> {
    lines(conn, SQLITE, POSTGRES)
}

fn kinds() -> Vec<Kind> {
    if postgres::server().is_some() { vec![Kind::Sqlite, Kind::Postgres] } else { vec![Kind::Sqlite] }
}

#[test]
fn up_down_and_up_again_leaves_the_same_schema() {
    for kind in kinds() {
        let (target, _directory) = empty(kind);
        let mut conn = target.open().unwrap();
        assert_eq!(dump(&mut conn), BTreeSet::new(), "{kind:?}");
        let ran = db::migrate(&mut conn).unwrap();
        let up = dump(&mut conn);
        assert!(ran.len() >= 5 && up.len() > 50, "{kind:?}: {ran:?}, {} lines", up.len());

        let mut back = db::revert_all(&mut conn).unwrap();
        back.reverse();
        assert_eq!(back, ran, "{kind:?}");
        let left: Vec<_> =
            dump(&mut conn).into_iter().filter(|line| !line.contains("__diesel_schema_migrations")).collect();
        assert!(left.is_empty(), "{kind:?} keeps {left:#?}");

        assert_eq!(db::migrate(&mut conn).unwrap(), ran, "{kind:?}");
        let again = dump(&mut conn);
        assert_eq!(again.symmetric_difference(&up).collect::<Vec<_>>(), Vec::<&String>::new(), "{kind:?}");
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        names
            .map(|path| {
                for file in ["up.sql", "down.sql"] {
                    assert!(path.join(file).is_file(), "{} has no {file}", path.display());
                }
                path.file_name().unwrap().to_str().unwrap().to_owned()
            })
            .collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(names("sqlite").len() >= 5);
}

#[test]
fn both_databases_have_the_same_tables_views_and_columns() {
    if postgres::server().is_none() {
        return;
    }
    let [sqlite, postgres] = [Kind::Sqlite, Kind::Postgres].map(|kind| {
        let (target, _directory) = fresh(kind);
        lines(&mut target.open().unwrap(), SQLITE_COLUMNS, POSTGRES_COLUMNS)
    });
    assert_eq!(sqlite.symmetric_difference(&postgres).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(sqlite.contains("published_articles.title"));
}

#[test]
fn replicas_that_start_together_migrate_once() {
    // SQLite has no replicas: its file belongs to one process.
    if postgres::server().is_none() {
        return;
    }
    let (target, _directory) = empty(Kind::Postgres);
    let ran: Vec<usize> = std::thread::scope(|scope| {
        let migrate = || db::migrate(&mut target.open().unwrap()).unwrap().len();
        let replicas: Vec<_> = (0..4).map(|_| scope.spawn(migrate)).collect();
        replicas.into_iter().map(|replica| replica.join().unwrap()).collect()
    });
    assert_eq!(ran.iter().filter(|count| **count > 0).count(), 1, "{ran:?}");
}

async fn an_existing_database_stays_as_it_is(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/articles", json!({"title": "The harbour reopens"})).await.assert(201);
    let before = editor.get("/articles?count=true").await;
    blocking(|| {
        let mut conn = app.target.open().unwrap();
        let schema = dump(&mut conn);
        assert_eq!(db::migrate(&mut conn).unwrap(), Vec::<String>::new());
        assert_eq!(dump(&mut conn), schema);
    });
    assert_eq!(editor.get("/articles?count=true").await.bytes, before.bytes);
}

crate::on_both_databases! {
    an_existing_database_stays_as_it_is,
}
