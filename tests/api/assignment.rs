//! Nobody sets what is not theirs to set: every column and every field of every answer, added to a body that is right.

use crate::{
    columns, on_both_databases,
    support::{
        Client, Desk, TestApp,
        spec::{self, DOCUMENT, Operation},
    },
};
use actix_web::http::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Mistakes that one answer lists.
const LISTED: usize = 40;

/// A schema, whatever it is named by.
fn resolved(schema: &Value) -> &Value {
    schema["$ref"].as_str().map_or(schema, |name| DOCUMENT.pointer(name.trim_start_matches('#')).unwrap())
}

/// What an operation takes and what is in its answer.
fn fields(schema: &Value, names: &mut BTreeSet<String>) {
    let schema = resolved(schema);
    names.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    for part in ["allOf", "oneOf", "anyOf"] {
        schema[part].as_array().into_iter().flatten().for_each(|schema| fields(schema, names));
    }
}

/// All that somebody might try to set: fields of the answer, columns of every table, and names that other systems have.
fn foreign(operation: &Operation) -> Vec<String> {
    let mut names: BTreeSet<String> = columns::tables().into_values().flatten().collect();
    for response in operation.value["responses"].as_object().unwrap().values() {
        for content in resolved(response)["content"].as_object().into_iter().flatten().map(|(_, content)| content) {
            fields(&content["schema"], &mut names);
        }
    }
    for name in [
        "isAdmin",
        "is_admin",
        "roles",
        "passwordHash",
        "createdBy",
        "_id",
        "__proto__",
        "constructor",
        "authorId",
        "userId",
        "$set",
    ] {
        names.insert(name.to_owned());
    }
    let mut taken = BTreeSet::new();
    for content in operation.value["requestBody"]["content"].as_object().unwrap().values() {
        fields(&content["schema"], &mut taken);
    }
    names.difference(&taken).cloned().collect()
}

/// What every table holds, as far as a write could change it.
fn state(app: &TestApp) -> BTreeMap<String, i64> {
    // Who was seen when is noted beside every request; what search knows follows by itself, and letters are sent by a job.
    let beside = [
        "letters",
        "one_time_tokens",
        "sessions",
        "published_documents",
        "staff_documents",
        "search_pending",
        "changes",
        "change_stream",
        "change_starts",
    ];
    let tables = columns::tables();
    let tables = tables.iter().filter(|(name, _)| !beside.contains(&name.as_str()) && !name.ends_with("_search"));
    tables
        .map(|(name, columns)| {
            let versions =
                if columns.iter().any(|column| column == "version") { "COALESCE(SUM(version), 0)" } else { "0" };
            (name.clone(), app.number(&format!("SELECT COUNT(*) * 100000 + {versions} FROM {name}")))
        })
        .collect()
}

async fn send(client: &Client, operation: &Operation, path: &str, body: &Value) -> crate::support::Reply {
    client.send(Method::from_bytes(operation.method.as_bytes()).unwrap(), path, Some(body.clone())).await
}

/// Objects inside a body, by their pointers; what a site may fill as it likes is none.
fn inside(body: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    match body {
        Value::Object(fields) => {
            for (name, value) in fields.iter().filter(|(name, _)| !["custom", "custom_fields"].contains(&name.as_str()))
            {
                let at = format!("{at}/{name}");
                if value.is_object() {
                    found.push(at.clone());
                }
                found.extend(inside(value, &at));
            }
        }
        Value::Array(items) => {
            for (n, item) in items.iter().enumerate().take(1) {
                if item.is_object() {
                    found.push(format!("{at}/{n}"));
                }
                found.extend(inside(item, &format!("{at}/{n}")));
            }
        }
        _ => {}
    }
    found
}

async fn what_is_not_ones_to_set_is_refused_by_name_and_nothing_changes(app: TestApp) {
    let desk = Desk::start(app.kind()).await;
    let (mut operations, mut tried) = (0, 0);
    for operation in spec::operations()
        .iter()
        .filter(|operation| operation.value["requestBody"]["content"]["application/json"].is_object())
    {
        let (path, body) = desk.request(operation, &desk.admin, &desk.editor, false).await;
        let body = body.unwrap();
        let before = state(&desk.app);
        let refused = async |with: Value, names: &[String]| {
            let reply = send(&desk.admin, operation, &path, &with).await;
            assert!(matches!(reply.status.as_u16(), 400 | 422), "{} with {names:?}: {}", operation.id, reply.json);
            let mistakes = reply.mistakes();
            for name in names {
                let pointer = name.clone();
                assert!(
                    mistakes.contains(&(pointer, "unknown_field".into())),
                    "{} takes {name}: {}",
                    operation.id,
                    reply.json
                );
            }
            names.len()
        };
        for names in foreign(operation).chunks(LISTED) {
            let mut with = body.clone();
            for name in names {
                with[name] = json!("admin");
            }
            let pointers: Vec<_> = names.iter().map(|name| format!("/{name}")).collect();
            tried += refused(with, &pointers).await;
        }
        // One alone, as somebody would who means it.
        for name in ["id", "password_hash", "version", "created_by"].iter().filter(|name| body[**name].is_null()) {
            let mut with = body.clone();
            with[*name] = json!("0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d");
            tried += refused(with, &[format!("/{name}")]).await;
        }
        for at in inside(&body, "") {
            let mut with = body.clone();
            with.pointer_mut(&at).unwrap()["password_hash"] = json!("admin");
            tried += refused(with, &[format!("{at}/password_hash")]).await;
        }
        assert_eq!(state(&desk.app), before, "{} changed something", operation.id);
        operations += 1;
    }
    assert!(operations > 25 && tried > 3000, "{operations} operations, {tried} fields");
}

/// What is written as a table has columns, and no others either.
async fn a_table_has_its_own_columns_alone(app: TestApp) {
    let editor = app.editor().await;
    let table = b"source,target,status,created_by\r\n/old,/new,308,0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d\r\n";
    let reply = editor.with("content-type", "text/csv").raw(Method::POST, "/redirects.csv", table.to_vec()).await;
    assert!(matches!(reply.status.as_u16(), 400 | 422), "{}", reply.json);
    assert_eq!(editor.get("/redirects").await.assert(200).json["data"], json!([]));
}

/// Nor does an address set what a body may not.
async fn no_write_takes_a_parameter_that_it_does_not_know(app: TestApp) {
    let desk = Desk::start(app.kind()).await;
    for operation in spec::operations().iter().filter(|operation| operation.method != "GET") {
        let (path, body) = desk.request(operation, &desk.admin, &desk.editor, false).await;
        let before = state(&desk.app);
        let sign = if path.contains('?') { '&' } else { '?' };
        for parameter in ["role=admin", "password_hash=x", "id=x", "filter[id]=x", "user.role=admin"] {
            let path = format!("{path}{sign}{parameter}");
            let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
            let reply = desk.admin.send(method, &path, body.clone()).await;
            assert!(matches!(reply.status.as_u16(), 400 | 415), "{path}: {} {}", reply.status, reply.json);
        }
        assert_eq!(state(&desk.app), before, "{} changed something", operation.id);
    }
}

on_both_databases! {
    what_is_not_ones_to_set_is_refused_by_name_and_nothing_changes,
    a_table_has_its_own_columns_alone,
    no_write_takes_a_parameter_that_it_does_not_know,
}
