//! Pages: cursors, numbers, totals and links, of every list in every order.

use super::{set, story};
use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp, spec},
};
use serde_json::{Value, json};
use std::collections::HashSet;
use stet::permissions::Role;

/// Seven of everything, in groups that no order but the id's can tell apart.
async fn fill(app: &TestApp, editor: &Client) -> String {
    let mut first = String::new();
    for number in 0..7 {
        let name = ["Ebb", "Ebb", "Ebb", "Flood", "Flood", "Neap", "Zenith"][number];
        editor.post("/tags", json!({"name": name})).await.assert(201);
        editor.post("/authors", json!({"name": name})).await.assert(201);
        editor.post("/sections", json!({"name": name, "position": number / 3})).await.assert(201);
        let redirect = json!({"source": format!("/old/{number}"), "target": format!("/new/{number}")});
        editor.post("/redirects", redirect).await.assert(201);
        let tags = if number < 3 { json!(["ebb"]) } else { json!(["ebb", "flood"]) };
        let id = story(editor, json!({"title": name, "tags": tags, "authors": ["ebb"]})).await;
        if number == 0 {
            first = id;
        }
    }
    for number in 0..7 {
        let body = json!({"body": format!("Comment {number}")});
        editor.post(&format!("/articles/{first}/comments"), body).await.assert(201);
    }
    // Moments that two rows share are rare in life, and pages must not care.
    for table in ["tags", "authors", "comments", "revisions", "redirects"] {
        set(app, &format!("UPDATE {table} SET created_at = 1000000"));
    }
    set(app, "UPDATE articles SET created_at = 1000000, updated_at = 2000000, published_at = 3000000");
    set(app, "UPDATE comments SET created_at = 2000000 WHERE body IN ('Comment 2', 'Comment 5')");
    set(
        app,
        "UPDATE articles SET published_at = 4000000, created_at = 5000000, updated_at = 6000000 WHERE slug IN ('ebb', 'neap')",
    );
    set(app, "UPDATE tags SET created_at = 2000000 WHERE slug IN ('ebb', 'neap')");
    first
}

/// The lists of the spec with every order that they offer.
fn lists() -> Vec<(String, Vec<String>)> {
    let mut lists = Vec::new();
    for operation in spec::operations() {
        let parameters = operation.value["parameters"].as_array().unwrap();
        let Some(sort) = parameters.iter().find(|p| p["name"] == "sort") else { continue };
        let orders = sort["schema"]["enum"].as_array().unwrap();
        let orders: Vec<String> = orders.iter().map(|order| order.as_str().unwrap().to_owned()).collect();
        lists.push((operation.path.trim_start_matches("/api/v1").to_owned(), orders));
    }
    lists
}

/// The target of a `Link` header's relation.
fn link(reply: &Reply, rel: &str) -> Option<String> {
    let links = reply.header("link").to_owned();
    let found = links.split(", <").find(|link| link.ends_with(&format!("rel=\"{rel}\"")))?;
    let target = found.trim_start_matches('<').split('>').next()?;
    Some(target.strip_prefix("/api/v1").unwrap().to_owned())
}

/// Follows `rel="next"` from the first page to the last.
async fn walk(client: &Client, first: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(path) = next {
        let page = client.get(&path).await;
        page.assert(200);
        ids.extend(page.column("id"));
        next = link(&page, "next");
        let cursor = page.json["page"]["next_cursor"].as_str();
        assert_eq!(next.is_some(), cursor.is_some(), "{path}: {}", page.header("link"));
        assert!(ids.len() <= 20, "{first} has no end");
    }
    ids
}

async fn every_list_is_walked_in_every_order_and_nothing_is_missed_or_seen_twice(app: TestApp) {
    let editor = app.editor().await;
    let article = fill(&app, &editor).await;
    // With the editor seven, all of one name.
    let admin = app.signed_in(Role::Admin).await;
    (0..5).for_each(|_| drop(app.new_user(Role::Author)));
    let (lists, mut walked) = (lists(), 0);
    assert_eq!(lists.len(), 8, "{lists:?}");
    for (path, orders) in lists {
        let path = path.replace("{ref}", &article);
        let viewers = match path.as_str() {
            "/comments" => vec![editor.clone()],
            "/users" => vec![admin.clone()],
            _ => vec![editor.clone(), app.anyone()],
        };
        for client in viewers {
            for order in &orders {
                let whole = client.get(&format!("{path}?sort={order}&limit=100&count=true")).await;
                let all = whole.assert(200).column("id");
                assert_eq!(all.len(), 7, "{path}?sort={order}");
                assert_eq!(all.iter().collect::<HashSet<_>>().len(), 7);
                assert_eq!(whole.json["page"], json!({"next_cursor": null, "total": 7}));
                for limit in [2, 3] {
                    assert_eq!(
                        walk(&client, &format!("{path}?sort={order}&limit={limit}")).await,
                        all,
                        "{path} {order}"
                    );
                }
                assert_eq!(walk(&client, &format!("{path}?limit=3&page=1&sort={order}")).await, all, "{path} {order}");
                let opposite = order.strip_prefix('-').map_or_else(|| format!("-{order}"), str::to_owned);
                let mut backwards = client.get(&format!("{path}?sort={opposite}")).await.column("id");
                backwards.reverse();
                assert_eq!(backwards, all, "{path} {order} and back");
                assert!(in_order(&whole.json["data"], order), "{path} {order}");
                walked += 1;
            }
        }
    }
    assert!(walked >= 50, "only {walked} orders were walked");
}

/// Whether rows come as they were asked for, where what they are sorted by is a field of theirs.
fn in_order(rows: &Value, order: &str) -> bool {
    let (field, down) = order.strip_prefix('-').map_or((order, false), |field| (field, true));
    rows.as_array().unwrap().is_sorted_by(|one, next| {
        let (first, second) = if down { (&next[field], &one[field]) } else { (&one[field], &next[field]) };
        match (first.as_f64(), second.as_f64()) {
            (Some(first), Some(second)) => first <= second,
            _ => first.as_str() <= second.as_str(),
        }
    })
}

async fn a_cursor_is_good_for_its_own_list_alone(app: TestApp) {
    let editor = app.editor().await;
    fill(&app, &editor).await;
    let anyone = app.anyone();
    let page = anyone.get("/tags?limit=2&sort=-name").await;
    let cursor = page.text("/page/next_cursor");
    for good in [
        format!("/tags?sort=-name&cursor={cursor}"),
        format!("/tags?cursor={cursor}&sort=-name&limit=1&fields=id&count=true"),
    ] {
        anyone.get(&good).await.assert(200);
    }
    let mut forged = cursor.clone().into_bytes();
    forged[3] = if forged[3] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for bad in [
        format!("/tags?sort=-name&cursor={forged}"),
        format!("/tags?sort=-name&cursor={}", &cursor[1..]),
        format!("/tags?sort=-name&cursor={cursor}A"),
        format!("/tags?sort=name&cursor={cursor}"),
        format!("/tags?cursor={cursor}"),
        format!("/authors?sort=-name&cursor={cursor}"),
        format!("/sections?sort=-name&cursor={cursor}"),
        format!("/articles?sort=-title&cursor={cursor}"),
        "/tags?cursor=".to_owned(),
        "/tags?cursor=null".to_owned(),
        "/tags?cursor=%00%ff%2F".to_owned(),
        format!("/tags?cursor={}", "A".repeat(5000)),
        format!("/tags?sort=-name&cursor={cursor}&cursor={cursor}"),
    ] {
        anyone.get(&bad).await.assert_problem(400, "invalid_cursor");
    }
    let filtered = anyone.get("/articles?tag=ebb&limit=2").await.text("/page/next_cursor");
    anyone.get(&format!("/articles?tag=ebb&cursor={filtered}")).await.assert(200);
    for filters in ["", "tag=abb&", "tag=flood&", "tag=ebb&featured=false&", "tag_all=ebb&"] {
        anyone.get(&format!("/articles?{filters}cursor={filtered}")).await.assert_problem(400, "invalid_cursor");
    }
}

async fn links_lead_where_they_say(app: TestApp) {
    let editor = app.editor().await;
    fill(&app, &editor).await;
    let anyone = app.anyone();
    let second = anyone.get("/tags?limit=3&page=2&sort=-created_at").await;
    let first = anyone.get(&link(&second, "first").unwrap()).await;
    let previous = anyone.get(&link(&second, "prev").unwrap()).await;
    let third = anyone.get(&link(&second, "next").unwrap()).await;
    assert_eq!(first.column("id"), previous.column("id"));
    assert_eq!((first.column("id").len(), second.column("id").len(), third.column("id").len()), (3, 3, 1));
    assert_eq!((link(&third, "next"), link(&previous, "prev")), (None, None));
    let beyond = anyone.get("/tags?limit=3&page=9").await;
    assert_eq!((beyond.assert(200).column("id").len(), link(&beyond, "next")), (0, None));

    // Filters survive, whatever is in them.
    let page = anyone.get("/articles?tag=ebb&tag=flood&limit=2&published_before=2030-01-01T00:00:00%2B02:00").await;
    let next = anyone.get(&link(&page, "next").unwrap()).await;
    assert_eq!(next.assert(200).column("id").len(), 2);
    assert_ne!(page.column("id"), next.column("id"));
}

async fn the_longest_filters_and_keys_fit_into_links_and_cursors(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for number in 0..3 {
        let title = format!("{number}{}", "🌊".repeat(199));
        story(&editor, json!({"title": title})).await;
        editor
            .post("/sections", json!({"name": "Deep", "slug": format!("{number}{}", "s".repeat(79))}))
            .await
            .assert(201);
    }
    assert_eq!(walk(&anyone, "/articles?sort=title&limit=1").await.len(), 3);
    assert_eq!(walk(&anyone, "/articles?sort=-title&limit=2").await.len(), 3);
    let mut below = format!("0{}", "s".repeat(79));
    for depth in 1..10 {
        let slug = format!("{depth}{}", "t".repeat(79));
        editor.post("/sections", json!({"name": "Deeper", "slug": slug, "parent": below})).await.assert(201);
        below = slug;
    }
    assert_eq!(walk(&anyone, "/sections?sort=path&limit=1").await.len(), 12);
    let many: Vec<String> = (10..60).map(|n| format!("{n}{}", "x".repeat(78))).collect();
    let many = many.join(",");
    for page in ["page=2", "count=true"] {
        let query = format!("tag={many}&author={many}&section={many}&tag_all={many}&{page}");
        assert_eq!(anyone.get(&format!("/articles?{query}")).await.assert(200).column("id").len(), 0);
    }
}

async fn limits_and_numbers_have_bounds(app: TestApp) {
    let anyone = app.anyone();
    for (query, name) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=abc", "limit"),
        ("limit=", "limit"),
        ("limit=-1", "limit"),
        ("limit=-0.0", "limit"),
        ("limit=1e400", "limit"),
        ("limit=9223372036854775808", "limit"),
        ("limit=2&limit=3", "limit"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=501", "page"),
        ("page=101&limit=100", "page"),
        ("page=4294967295", "page"),
        ("page=4294967296", "page"),
        ("page=abc", "page"),
        ("page=1&cursor=x", "page"),
        ("count=maybe", "count"),
        ("count=1", "count"),
    ] {
        for list in ["/articles", "/authors", "/tags", "/sections"] {
            let refused = anyone.get(&format!("{list}?{query}")).await;
            assert_eq!(refused.assert_problem(400, "invalid_parameter").mistakes()[0].0, name, "{list}?{query}");
        }
    }
    assert!(anyone.get("/tags?limit=0").await.text("/detail").contains("1 and 100"));
    for query in ["limit=1", "limit=100", "page=500", "page=100&limit=100", "count=false"] {
        anyone.get(&format!("/tags?{query}")).await.assert(200);
    }
}

on_both_databases! {
    every_list_is_walked_in_every_order_and_nothing_is_missed_or_seen_twice,
    a_cursor_is_good_for_its_own_list_alone,
    links_lead_where_they_say,
    the_longest_filters_and_keys_fit_into_links_and_cursors,
    limits_and_numbers_have_bounds,
}
