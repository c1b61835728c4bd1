//! `/healthz` and `/readyz`.

use crate::{
    on_both_databases,
    support::{TestApp, blocking},
};
use diesel::connection::SimpleConnection;
use serde_json::json;
use stet::db::Target;

/// Has each database refuse new rows in these tables as it does where the disk is full.
fn fill_up(app: &TestApp, tables: &[&str]) {
    let refusals = tables.iter().map(|table| match app.target {
        Target::Sqlite(_) => format!(
            "CREATE TRIGGER full_{table} BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END;"
        ),
        Target::Postgres(_) => format!(
            "CREATE TRIGGER full_{table} BEFORE INSERT ON {table} EXECUTE FUNCTION is_full();"
        ),
    });
    let refusals: String = refusals.collect();
    let function = "CREATE OR REPLACE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device'; END $$;";
    let function = if matches!(app.target, Target::Postgres(_)) { function } else { "" };
    execute(app, &format!("{function}{refusals}"));
}

fn make_room(app: &TestApp, table: &str) {
    let on = if matches!(app.target, Target::Postgres(_)) { format!(" ON {table}") } else { String::new() };
    execute(app, &format!("DROP TRIGGER full_{table}{on}"));
}

fn execute(app: &TestApp, sql: &str) {
    blocking(|| app.app.db.connection().unwrap().batch_execute(sql).unwrap());
}

async fn a_full_disk_makes_it_unready_until_there_is_room(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    anyone.get("//readyz").await.assert(200);
    fill_up(&app, &["tags", "idempotency_keys"]);
    anyone.get("//readyz").await.assert(200);
    editor.post("/tags?dry_run=true", json!({"name": "Ebb"})).await.assert_problem(507, "storage_full");
    for _ in 0..2 {
        anyone.get("//readyz").await.assert_problem(507, "storage_full");
    }
    // It lives, and what is there can be read.
    anyone.get("//healthz").await.assert(200);
    anyone.get("/tags").await.assert(200);
    editor.post("/authors?dry_run=true", json!({"name": "Mira"})).await.assert(201);
    anyone.get("//readyz").await.assert_problem(507, "storage_full");
    // A write that went through says that there is room, and so does asking.
    editor.post("/authors", json!({"name": "Mira"})).await.assert(201);
    anyone.get("//readyz").await.assert(200);
    editor.post("/tags", json!({"name": "Ebb"})).await.assert_problem(507, "storage_full");
    anyone.get("//readyz").await.assert_problem(507, "storage_full");
    make_room(&app, "idempotency_keys");
    anyone.get("//readyz").await.assert(200);
}

async fn a_start_on_a_full_disk_is_not_ready(app: TestApp) {
    fill_up(&app, &["idempotency_keys"]);
    app.anyone().get("//readyz").await.assert_problem(507, "storage_full");
    make_room(&app, "idempotency_keys");
    app.anyone().get("//readyz").await.assert(200);
}

on_both_databases! {
    a_full_disk_makes_it_unready_until_there_is_room,
    a_start_on_a_full_disk_is_not_ready,
}
