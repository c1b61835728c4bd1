//! No input is worth a 500: generated junk at every operation of the spec.

use super::{set, story};
use crate::{
    on_both_databases,
    support::{
        Client, TestApp,
        spec::{self, Operation},
    },
};
use actix_web::http::Method;
use serde_json::{Value, json};

/// A small generator of numbers, the same in every run (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

const REFERENCES: [&str; 16] = [
    "x",
    "none",
    "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "-1",
    "9223372036854775808",
    "%00",
    "%ff%fe",
    "a%2Fb",
    "%2e%2e",
    "x%00",
    "..%2f..%2fetc%2fpasswd",
    "%F0%9F%8C%8A",
    "'%20OR%201=1--",
    "{ref}",
];

const QUERIES: [&str; 16] = [
    "",
    "limit=-1",
    "limit=1e400",
    "page=18446744073709551616",
    "cursor=AAAA",
    "sort=%00",
    "fields=,,,",
    "include=%ff",
    "tag=%f0%28%8c%bc",
    "published_after=-9999-01-01T00:00:00Z",
    "dry_run=true",
    "dry_run=%00",
    "&&==&",
    "%=%&%%%",
    "author='%3B%20DROP%20TABLE%20tags",
    "count=true&count=true",
];

/// A value that somebody might send where another was meant.
fn junk(dice: &mut Dice) -> Value {
    match dice.roll(16) {
        0 => json!(null),
        1 => json!(true),
        2 => json!(-1),
        3 => json!(9_223_372_036_854_775_808_u64),
        4 => json!(1e308),
        5 => json!(""),
        6 => json!("\u{0}"),
        7 => json!("a\u{0}b\u{1f}c`d`"),
        8 => json!("🌊".repeat(dice.roll(300))),
        9 => json!("x".repeat(dice.roll(6000))),
        10 => json!([]),
        11 => json!({}),
        12 => json!({"": {"\u{0}": [null, {"a": "\u{0}"}]}}),
        13 => json!(["x", "x", null, 1, "none"]),
        14 => json!("0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"),
        _ => json!("<script>\u{202e}&#0;&#xD800;</script>\u{feff}"),
    }
}

/// Changes something somewhere in a value.
fn mutate(value: &mut Value, dice: &mut Dice) {
    match value {
        Value::Object(fields) if !fields.is_empty() && dice.roll(8) > 0 => {
            let names: Vec<String> = fields.keys().cloned().collect();
            let name = dice.pick(&names);
            match dice.roll(8) {
                0 => drop(fields.shift_remove(name)),
                1 => drop(fields.insert(format!("{name}\u{0}"), junk(dice))),
                _ => mutate(&mut fields[name], dice),
            }
        }
        Value::Array(items) if !items.is_empty() && dice.roll(4) > 0 => match dice.roll(4) {
            0 => items.extend(vec![items[0].clone(); dice.roll(120)]),
            _ => {
                let at = dice.roll(items.len());
                mutate(&mut items[at], dice);
            }
        },
        other => *other = junk(dice),
    }
}

/// Cuts, doubles or spoils bytes.
fn spoil(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    let at = dice.roll(bytes.len().max(1));
    match dice.roll(12) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, 0),
        2 => bytes.insert(at, 0xff),
        3 => bytes.extend_from_within(at..),
        _ => {}
    }
    bytes
}

async fn throw(client: &Client, comment: &str, rounds: usize, at: fn(&Operation) -> bool) -> usize {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut thrown = 0;
    for operation in spec::operations().iter().filter(|o| o.path.starts_with("/api/v1/") && at(o)) {
        let method: Method = operation.method.parse().unwrap();
        let example = operation.value.pointer("/requestBody/content/application~1json/example");
        let table = operation.value.pointer("/requestBody/content/text~1csv/example").and_then(Value::as_str);
        for _ in 0..rounds {
            let real = if operation.path.contains("{id}") { comment } else { "x" };
            let reference = if dice.roll(3) > 0 { real } else { *dice.pick(&REFERENCES) };
            let path = operation
                .path
                .replace("/api/v1", "")
                .replace("{ref}", reference)
                .replace("{id}", reference)
                .replace("{number}", "1");
            let query = if dice.roll(3) > 0 { "dry_run=true" } else { *dice.pick(&QUERIES) };
            let query = if method == Method::GET { *dice.pick(&QUERIES) } else { query };
            let body = example.map(|example| {
                let mut body = example.clone();
                for _ in 0..=dice.roll(3) {
                    mutate(&mut body, &mut dice);
                }
                spoil(body.to_string().into_bytes(), &mut dice)
            });
            let body = body.or_else(|| {
                let lines = format!("{}{},{},{}\n", table?, junk(&mut dice), junk(&mut dice), dice.roll(400));
                Some(spoil(lines.into_bytes(), &mut dice))
            });
            let media = *dice.pick(&[
                "application/json",
                "application/json",
                "application/json",
                "text/plain",
                "application/merge-patch+json",
            ]);
            let media = if table.is_some() && dice.roll(4) > 0 { "text/csv" } else { media };
            let client = client.with("content-type", media);
            let shown =
                format!("{method} {path}?{query} {}", String::from_utf8_lossy(body.as_deref().unwrap_or_default()));
            // The client itself holds each answer against the spec.
            let reply = client.raw(method.clone(), &format!("{path}?{query}"), body.unwrap_or_default()).await;
            assert!(!reply.status.is_server_error(), "{shown:.2000}\n{}", reply.json);
            thrown += 1;
        }
    }
    thrown
}

async fn junk_is_refused_or_taken_and_never_breaks_anything(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for list in ["/tags", "/authors", "/sections"] {
        editor.post(list, json!({"name": "x"})).await.assert(201);
    }
    for (list, slug) in [("/tags", "harbour"), ("/authors", "mira-holt"), ("/sections", "local")] {
        editor.post(list, json!({"name": "x", "slug": slug})).await.assert(201);
    }
    story(&editor, json!({"title": "x", "slug": "x", "tags": ["harbour"]})).await;
    let comment = editor.post("/articles/x/comments", json!({"body": "x"})).await.text("/id");
    // After five wrong passwords a session ends, so that nothing else would be reached.
    let is_password = |o: &Operation| o.id == "change_password";
    let mut thrown = throw(&editor, &comment, 12, |o| o.id != "change_password").await;
    thrown += throw(&app.editor().await, &comment, 12, is_password).await;
    thrown += throw(&anyone, &comment, 2, |_| true).await;
    let admin = app.signed_in(stet::permissions::Role::Admin).await;
    let is_for_admins =
        |o: &Operation| ["/api/v1/users", "/api/v1/api-keys"].iter().any(|path| o.path.starts_with(path));
    thrown += throw(&admin, &comment, 20, is_for_admins).await;
    assert!(thrown > 400, "{thrown}");
    // It still stands, and so does what it holds.
    set(&app, "UPDATE articles SET deleted_at = NULL");
    for list in [
        "/articles?include=body&limit=100",
        "/tags?limit=100",
        "/authors?limit=100",
        "/sections?limit=100",
        "/comments?limit=100",
    ] {
        editor.get(list).await.assert(200);
    }
}

on_both_databases! {
    junk_is_refused_or_taken_and_never_breaks_anything,
}
