//! Whatever is typed is a word, or nothing.

use super::{Desk, encoded};
use crate::{on_both_databases, support::TestApp};
use actix_web::{http::Method, rt::time::sleep};
use std::time::Duration;

const NONSENSE: &[&str] = &[
    "",
    " ",
    "\"",
    "\"\"",
    "\"\"\"",
    "'",
    "''",
    "*",
    "**",
    "-",
    "--",
    "- -",
    "-*",
    "-\"",
    "\"*\"",
    "\"-\"",
    "(",
    ")",
    "()",
    "((((",
    ")(",
    "AND",
    "OR",
    "NOT",
    "NEAR",
    "a AND",
    "AND AND AND",
    "NEAR(a b, 2)",
    "a OR (b AND",
    "title:",
    "title:a",
    "words : x",
    "{title words}",
    "^a",
    "a^2",
    "a+b",
    "a:b",
    "a:*",
    "a:A",
    "a & b",
    "a | b",
    "!a",
    "a <-> b",
    "a <2> b",
    "!!",
    "\\",
    "\\'",
    "';--",
    "' OR 1=1 --",
    "\0",
    "a\0b",
    "\u{1}",
    "🙂",
    "👩‍👩‍👧‍👦",
    "🇫🇷",
    "…",
    "—",
    "‏שלום",
    "مرحبا",
    "ab\u{202e}cd",
    "\u{301}",
    "a\u{301}\u{301}\u{301}",
    "\u{fffd}",
    "\u{200b}",
    "\u{feff}",
    "%",
    "%25",
    "_",
    "a_b",
    "?",
    "$1",
    "?1",
    ":a",
    "@a",
    "z",
    "w",
    "a",
    "the",
    "the the the",
    "ß",
    "ſ",
    "İ",
    "ǅ",
    "ﬃ",
    "½",
    "²",
    "٣",
    "１２",
    "1e9",
    "0x0",
    "null",
    "true",
    "https://a.example/?q=1#x",
    "a@b.example",
    "C++",
    "c#",
    ".net",
    "AT&T",
    "<b>",
    "<script>",
    "&amp;",
    "\u{e000}",
    "\u{10ffff}",
    "𝖍𝖆𝖗𝖇𝖔𝖚𝖗",
    "ｈａｒｂｏｕｒ",
    "ก็",
    "नमस्ते",
    "한국어",
    "東京",
    "の",
];

async fn nonsense_is_never_an_error(app: TestApp) {
    let desk = Desk::open(app).await;
    desk.story("The harbour", "It reopens. נמל שלום مرحبا नमस्ते 한국어 \u{301} 🙂").await;
    let callers = [desk.app.anyone(), desk.editor.clone(), desk.app.contributor().await];
    for typed in NONSENSE {
        for wrapped in [
            (*typed).to_owned(),
            format!("\"{typed}\""),
            format!("{typed}*"),
            format!("-{typed}"),
            format!("harbour {typed}"),
        ] {
            let q = encoded(&wrapped);
            for client in &callers {
                client.get(&format!("/articles?count=true&q={q}")).await.assert(200);
            }
            for path in ["/search?count=true&facets=tag", "/search/suggestions?limit=3", "/articles?sort=title"] {
                callers[0].get(&format!("{path}&q={q}")).await.assert(200);
            }
        }
    }
    for nothing in ["\"\"", "🙂 …", "-", "*", "\u{301}", "\u{200b}\u{feff}", "\0"] {
        assert_eq!(desk.found(nothing).await, Vec::<String>::new(), "{nothing:?}");
    }
    for found in
        ["𝖍𝖆𝖗𝖇𝖔𝖚𝖗", "ｈａｒｂｏｕｒ", "שלום", "مَرْحَبًا", "नमस्ते", "한국", "harbour\u{301}", "\"the harbour", "the it"]
    {
        let expected = if found == "한국" { 0 } else { 1 };
        assert_eq!(desk.found(found).await.len(), expected, "{found:?}");
    }
}

async fn bytes_that_are_no_text_are_no_error(app: TestApp) {
    let client = app.anyone();
    for q in ["%FF", "%", "%%%", "%C3", "%00", "a%00b", "+", "%F0%9F%99"] {
        client.raw(Method::GET, &format!("/search?q={q}"), Vec::new()).await.assert(200);
        client.raw(Method::GET, &format!("/articles?q={q}"), Vec::new()).await.assert(200);
    }
}

async fn what_is_too_much_is_told(app: TestApp) {
    let client = app.anyone();
    for path in ["/search", "/search/suggestions", "/articles"] {
        for long in ["a".repeat(10_000), "é".repeat(501), "a b ".repeat(2500), "\"".repeat(501)] {
            let refused = client.get(&format!("{path}?q={}", encoded(&long))).await;
            assert_eq!(refused.assert_problem(400, "invalid_parameter").mistakes(), [("q".into(), "too_long".into())]);
            assert!(refused.text("/detail").contains("at most 500 characters"), "{}", refused.json);
        }
        let many = client.get(&format!("{path}?q={}", encoded(&"a ".repeat(33)))).await;
        assert_eq!(many.assert_problem(400, "invalid_parameter").mistakes(), [("q".into(), "too_many".into())]);
        let beginnings = client.get(&format!("{path}?q={}", encoded("a* b* c* -d* e*"))).await;
        assert_eq!(beginnings.assert_problem(400, "invalid_parameter").mistakes(), [("q".into(), "too_many".into())]);
        client
            .get(&format!("{path}?q={}", encoded("a* b* c* -d* e d*")))
            .await
            .assert_problem(400, "invalid_parameter");
        client.get(&format!("{path}?q={}", encoded("a* b* c* -d* e"))).await.assert(200);
        client.get(&format!("{path}?q={}", encoded(&"東".repeat(500)))).await.assert(200);
        client.get(&format!("{path}?q={}", encoded(&"\"é a\"* ".repeat(32)))).await.assert(200);
        client.get(&format!("{path}?q={}", encoded(&"-ab* ".repeat(32)))).await.assert(200);
    }
    for path in ["/search", "/articles"] {
        let deep = client.get(&format!("{path}?q=a&page=11&limit=100")).await;
        assert_eq!(deep.assert_problem(400, "invalid_parameter").mistakes(), [("page".into(), "out_of_range".into())]);
        client.get(&format!("{path}?q=a&page=10&limit=100")).await.assert(200);
    }
}

/// What stands behind the words that keep their place is found by its words.
async fn a_very_long_text_is_found_by_all_its_words(app: TestApp) {
    let desk = Desk::open(app).await;
    let body = format!("first {}the last words {}", "tide ".repeat(20_000), "neap spring ".repeat(20_000));
    desk.story("Long", &body).await;
    let many: String = (0..60_000).map(|number| format!("w{number} ")).collect();
    desk.story("Many", &many).await;
    // It takes longer than a search waits for.
    while desk.app.number("SELECT count(*) FROM search_pending") > 0 {
        sleep(Duration::from_millis(50)).await;
    }
    for (q, expected) in [
        ("first", &["Long"][..]),
        ("last words", &["Long"]),
        ("neap -many", &["Long"]),
        ("\"first tide\"", &["Long"]),
        ("\"tide first\"", &[]),
        ("\"the last words\"", &[]),
        ("w59999", &["Many"]),
        ("\"w100 w101\"", &["Many"]),
    ] {
        assert_eq!(desk.found(q).await, expected, "{q}");
    }
}

on_both_databases! {
    nonsense_is_never_an_error,
    bytes_that_are_no_text_are_no_error,
    what_is_too_much_is_told,
    a_very_long_text_is_found_by_all_its_words,
}
