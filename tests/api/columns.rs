//! No list is filtered, ordered or widened by a column that is not offered: every column of every table is tried on each.

use crate::{
    on_both_databases,
    support::{
        Reply, TestApp,
        spec::{self, DOCUMENT, Operation},
    },
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};
use stet::permissions::Role;

/// Requests at once.
const AT_ONCE: usize = 16;
/// A name that no table has: a column that exists is answered as this one is.
const NOTHING: &str = "zanzibar";

/// Every table and view with its columns, from what Diesel is told of them.
pub fn tables() -> BTreeMap<String, Vec<String>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut text = fs::read_to_string(format!("{folder}/schema.rs")).unwrap();
    for file in fs::read_dir(format!("{folder}/schema")).unwrap() {
        text += &fs::read_to_string(file.unwrap().path()).unwrap();
    }
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for table in text.split("diesel::table!").skip(1) {
        let table = table.split("\n}\n").next().unwrap();
        let name = table.lines().find_map(|line| line.trim().strip_suffix(") {")?.split(" (").next()).unwrap();
        let columns =
            table.lines().filter_map(|line| line.split_once(" -> ")).map(|(column, _)| column.trim().to_owned());
        tables.insert(name.to_owned(), columns.collect());
    }
    assert!(tables.len() > 25 && tables["users"].contains(&"password_hash".to_owned()), "{tables:?}");
    tables
}

/// Names of fields that answers have: what is not among them is nobody's business.
fn public_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            names.extend(
                fields.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()),
            );
            fields.values().for_each(|value| public_names(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| public_names(value, names)),
        _ => {}
    }
}

/// The lists, with the names that each of them takes.
fn lists() -> Vec<(&'static Operation, BTreeSet<String>)> {
    let query = |operation: &Operation| {
        let parameters = operation.value["parameters"].as_array().cloned().unwrap_or_default();
        parameters.into_iter().filter(|parameter| parameter["in"] == "query").collect::<Vec<_>>()
    };
    let lists = spec::operations().iter().filter(|operation| {
        operation.method == "GET"
            && query(operation).iter().any(|p| ["limit", "sort", "fields"].contains(&p["name"].as_str().unwrap()))
    });
    lists
        .map(|operation| {
            let mut offered = BTreeSet::new();
            for parameter in query(operation) {
                offered.insert(parameter["name"].as_str().unwrap().to_owned());
                let schema = &parameter["schema"];
                let schema = if schema["items"].is_object() { &schema["items"] } else { schema };
                let schema =
                    schema["$ref"].as_str().map_or(schema, |r| DOCUMENT.pointer(r.trim_start_matches('#')).unwrap());
                let options = schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
                offered.extend(options.map(|option| option.trim_start_matches('-').to_owned()));
            }
            (operation, offered)
        })
        .collect()
}

/// The ways in which other systems let one ask by a column.
fn spellings(table: &str, column: &str) -> Vec<String> {
    let all = [
        "{c}=a",
        "{t}.{c}=a",
        "{c}[$gt]=a",
        "{c}[eq]=a",
        "{c}__startswith=a",
        "{c}_contains=a",
        "{c}_not=a",
        "filter[{c}]=a",
        "filter[{t}.{c}]=a",
        "filter[{t}][{c}][_starts_with]=a",
        "where[{c}]=a",
        "filters[$or][0][{c}]=a",
        "q[{c}]=a",
        "sort={c}",
        "sort=-{c}",
        "sort={t}.{c}",
        "sort={c}:asc",
        "sort[{c}]=asc",
        "sort=%2B{c}",
        "order={c}",
        "order_by={c}",
        "group={c}",
        "fields={c}",
        "fields=id,{t}.{c}",
        "fields[{t}]={c}",
        "fields={c}%20as%20id",
        "fields=*",
        "select={c}",
        "include={c}",
        "include={t}",
        "include={t}.{c}",
        "expand={t}.{c}",
        "populate={t}",
        "aggregate[max]={c}",
        "sort={c}&sort=id",
        "%{1}={c}",
        "{C}=a",
    ];
    all.map(|way| {
        way.replace("%{1}", "sort%00")
            .replace("{c}", column)
            .replace("{C}", &column.to_uppercase())
            .replace("{t}", table)
    })
    .to_vec()
}

/// Whether it is one of the ways that the lists here know.
fn is_plain(way: &str, column: &str) -> bool {
    [format!("{column}=a"), format!("sort={column}"), format!("fields={column}"), format!("include={column}")]
        .contains(&way.to_owned())
}

/// An answer without what names the request or the column.
fn without(reply: &Reply, names: &[&str]) -> String {
    let mut problem = reply.json.clone();
    problem["request_id"] = json!("");
    let mut text = problem.to_string();
    for name in names {
        text = text.replace(name, "…").replace(&name.to_uppercase(), "…");
    }
    text
}

async fn a_list_is_asked_by_what_it_offers_and_by_no_column_besides(app: TestApp) {
    // Whoever may most.
    let admin = app.signed_in(Role::Admin).await;
    admin.post("/articles", json!({"title": "The harbour reopens", "slug": "x"})).await.assert(201);
    let mut public = BTreeSet::new();
    public_names(&DOCUMENT["components"]["schemas"], &mut public);
    let tables = tables();
    let mut tried = 0;
    for (operation, offered) in lists() {
        let path = operation.template().replace("{ref}", "x").replace("{id}", "x").replace("{number}", "1");
        let least = operation.least_query();
        let mut asked = Vec::new();
        let mut seen = BTreeSet::new();
        for (table, columns) in &tables {
            for column in columns.iter().filter(|column| !offered.contains(*column) && seen.insert((*column).clone())) {
                // What is shown somewhere is still no filter here; what is shown nowhere is tried in every spelling.
                let private = !public.contains(column);
                // A table may have the name of something that can be included.
                let is_offered = |way: &String| *way == format!("include={table}") && offered.contains(table);
                let ways = spellings(table, column).into_iter();
                let ways = ways.filter(|way| (private || is_plain(way, column)) && !is_offered(way));
                asked.extend(ways.map(|way| format!("{path}?{least}&{way}")));
            }
        }
        for some in asked.chunks(AT_ONCE) {
            for (path, reply) in some.iter().zip(join_all(some.iter().map(|path| admin.get(path))).await) {
                assert_eq!(reply.status, 400, "{path}: {}", reply.json);
                tried += 1;
            }
        }
    }
    assert!(tried > 5000, "only {tried} ways were tried");
}

async fn a_column_that_is_there_is_refused_as_one_that_is_not(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    for path in ["/users", "/comments", "/articles", "/api-keys", "/authors"] {
        for (real, made_up) in spellings("users", "password_hash").iter().zip(spellings(NOTHING, NOTHING)) {
            let reply = admin.get(&format!("{path}?{real}")).await;
            let other = admin.get(&format!("{path}?{made_up}")).await;
            let names = ["password_hash", "users", NOTHING];
            assert_eq!(without(&reply, &names), without(&other, &names), "{path}?{real}");
        }
    }
}

/// A cursor is the list's own: nobody writes a column into one, or takes one elsewhere.
async fn a_cursor_is_good_for_its_list_and_order_alone(app: TestApp) {
    let admin = app.signed_in(Role::Admin).await;
    for name in ["One", "Two", "Three"] {
        admin.post("/tags", json!({"name": name})).await.assert(201);
        admin.post("/authors", json!({"name": name})).await.assert(201);
    }
    let cursor = admin.get("/tags?limit=1&sort=name").await.assert(200).text("/page/next_cursor");
    admin.get(&format!("/tags?limit=1&sort=name&cursor={cursor}")).await.assert(200);
    let mut turned = cursor.clone().into_bytes();
    turned[8] = if turned[8] == b'A' { b'B' } else { b'A' };
    for path in [
        format!("/tags?sort=-name&cursor={cursor}"),
        format!("/tags?sort=created_at&cursor={cursor}"),
        format!("/authors?sort=name&cursor={cursor}"),
        format!("/users?cursor={cursor}"),
        format!("/tags?sort=name&cursor={}", String::from_utf8(turned).unwrap()),
        format!("/tags?sort=name&cursor={}", &cursor[..cursor.len() - 1]),
    ] {
        admin.get(&path).await.assert_problem(400, "invalid_cursor");
    }
    for column in ["password_hash", "email"] {
        // What others make cursors of: JSON, base64.
        for made in [format!("eyJ{column}"), format!("{column}:a"), format!("%7B%22{column}%22:%22a%22%7D")] {
            admin.get(&format!("/users?cursor={made}")).await.assert(400);
        }
    }
}

on_both_databases! {
    a_list_is_asked_by_what_it_offers_and_by_no_column_besides,
    a_column_that_is_there_is_refused_as_one_that_is_not,
    a_cursor_is_good_for_its_list_and_order_alone,
}
