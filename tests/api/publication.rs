//! Publication over time: `/articles/{ref}/publication`.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp, blocking},
};
use diesel::connection::SimpleConnection;
use serde_json::json;
use std::time::Duration;

fn sql(app: &TestApp, statement: &str) {
    blocking(|| app.app.db.connection().unwrap().batch_execute(statement).unwrap());
}

/// Looks until the article has this status, for two seconds.
async fn until(client: &Client, path: &str, status: &str) -> Reply {
    for _ in 0..100 {
        let reply = client.get(path).await;
        if reply.json["status"] == status {
            return reply;
        }
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{path} is not {status}: {}", client.get(path).await.json);
}

async fn what_is_due_is_published(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/articles", json!({"title": "Tide"})).await.assert(201);
    sql(&app, "UPDATE articles SET scheduled_id = working_id, scheduled_revision = 1, publish_at = 1700000000000000");
    until(&editor, "/articles/tide", "published").await;
    app.anyone().get("/articles/tide").await.assert(200);
}

on_both_databases! {
    what_is_due_is_published,
}
