//! Merging tags, and other names of tags.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp},
};
use futures_util::join;
use serde_json::{Value, json};

async fn tag(editor: &Client, new: Value) -> String {
    editor.post("/tags", new).await.assert(201).text("/id")
}

async fn story(editor: &Client, title: &str, tags: &[&str], published: bool) -> String {
    let id = editor.post("/articles", json!({"title": title, "tags": tags})).await.assert(201).text("/id");
    if published {
        editor.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
    }
    id
}

async fn merge(editor: &Client, from: &str, into: &str) -> Reply {
    editor.post(&format!("/tags/{from}/merge"), json!({"into": into})).await
}

fn tags_of(article: &Reply) -> Vec<String> {
    article.json["tags"].as_array().unwrap().iter().map(|tag| tag["slug"].as_str().unwrap().to_owned()).collect()
}

async fn of(app: &TestApp, id: &str) -> Reply {
    let reply = app.anyone().get(&format!("/articles/{id}")).await;
    reply.assert(200);
    reply
}

async fn a_merged_tag_leaves_everything_to_the_other(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for (name, aliases) in [("Port", json!(["Docks"])), ("Harbour", json!([])), ("Weather", json!([]))] {
        tag(&editor, json!({"name": name, "aliases": aliases})).await;
    }
    let one = story(&editor, "One", &["weather", "port"], true).await;
    let both = story(&editor, "Both", &["port", "weather", "harbour"], true).await;
    let other = story(&editor, "Other", &["harbour"], true).await;
    let draft = story(&editor, "Draft", &["port"], false).await;
    // Public with the tag, and without it in preparation; and the other way round.
    editor.patch(&format!("/articles/{one}"), json!({"tags": []})).await.assert(200);
    let (before, draft_before) = (of(&app, &both).await, editor.get(&format!("/articles/{draft}")).await);
    let port = anyone.get("/tags/port").await;
    assert_eq!(port.json["article_count"], 2);

    let rehearsed = editor.post("/tags/port/merge?dry_run=true", json!({"into": "harbour"})).await;
    assert_eq!(rehearsed.assert(200).json["article_count"], 3);
    anyone.get("/tags/port").await.assert(200);
    let keyed = editor.with("if-match", port.etag()).with("idempotency-key", "once");
    let first = merge(&keyed, "port", "harbour").await;
    assert_eq!(first.assert(200).json["slug"], "harbour");
    assert_eq!((&first.json["article_count"], &first.json["aliases"]), (&json!(3), &json!(["Docks", "Port"])));
    let again = merge(&keyed, "port", "harbour").await;
    assert_eq!((again.assert(200).header("idempotent-replayed"), &again.json), ("true", &first.json));
    assert_eq!(anyone.get("/tags/harbour").await.json, first.json);

    for old in ["port", "docks"] {
        let led = anyone.get(&format!("/tags/{old}")).await;
        assert_eq!(led.assert(308).header("location"), "/api/v1/tags/harbour");
        assert_eq!(anyone.get(&format!("/articles?tag={old}&count=true")).await.json["page"]["total"], 3);
    }
    anyone.get(&format!("/tags/{}", port.text("/id"))).await.assert(404);
    assert_eq!(anyone.get("/tags").await.column("slug"), ["harbour", "weather"]);
    assert_eq!(tags_of(&of(&app, &one).await), ["weather", "harbour"]);
    assert_eq!(tags_of(&of(&app, &both).await), ["weather", "harbour"], "each once");
    assert_eq!(tags_of(&of(&app, &other).await), ["harbour"]);
    assert_ne!(of(&app, &both).await.etag(), before.etag(), "a cache sees that it changed");
    let old = editor.get(&format!("/articles/{one}/revisions/1")).await;
    assert_eq!(old.assert(200).json["content"]["tags"], json!(["weather", "harbour"]));
    // Whoever was at it is told, and may go on with what is something else.
    let draft_path = format!("/articles/{draft}");
    let stale = editor.with("if-match", draft_before.etag());
    let refused = stale.patch(&draft_path, json!({"tags": ["weather"]})).await;
    let refused = refused.assert_problem(412, "precondition_failed");
    assert_eq!(refused.json["conflict"]["changes"][0]["pointer"], "/tags", "{}", refused.json);
    stale.patch(&format!("{draft_path}?merge=auto"), json!({"title": "Still a draft"})).await.assert(200);
    assert_eq!(tags_of(&editor.get(&draft_path).await), ["harbour"]);
}

async fn whoever_follows_is_told_of_a_merge(app: TestApp) {
    let editor = app.editor().await;
    tag(&editor, json!({"name": "Port"})).await;
    tag(&editor, json!({"name": "Harbour"})).await;
    let (live, _) = (story(&editor, "Live", &["port"], true).await, story(&editor, "Draft", &["port"], false).await);
    let since = app.anyone().get("/changes").await.text("/since");
    merge(&editor, "port", "harbour").await.assert(200);
    let news = app.anyone().get(&format!("/changes?since={since}")).await;
    let mut told: Vec<_> =
        news.json["data"].as_array().unwrap().iter().map(|c| (c["slug"].clone(), c["change"].clone())).collect();
    told.sort_by_key(|(slug, _)| slug.to_string());
    let expected = [("harbour", "updated"), ("live", "updated"), ("port", "deleted")];
    assert_eq!(told, expected.map(|(slug, change)| (json!(slug), json!(change))), "{live}: {}", news.json);
}

async fn a_merge_that_makes_no_sense_is_refused(app: TestApp) {
    let editor = app.editor().await;
    let id = tag(&editor, json!({"name": "Port", "aliases": ["Docks"]})).await;
    for itself in ["port", "docks", &id] {
        let refused = merge(&editor, "port", itself).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), [("/into".into(), "same".into())]);
    }
    for absent in ["nothing", "0190a5c0-7b1e-7c3a-9f00-3d5e8a1b2c4d"] {
        let refused = merge(&editor, "port", absent).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), [("/into".into(), "not_found".into())]);
        merge(&editor, absent, "port").await.assert_problem(404, "not_found");
    }
    editor.post("/tags/port/merge", json!({})).await.assert_problem(422, "validation_failed");
    tag(&editor, json!({"name": "Harbour"})).await;
    let stale = app.anyone().get("/tags/port").await;
    editor.patch("/tags/port", json!({"description": "Ships."})).await.assert(200);
    merge(&editor.with("if-match", stale.etag()), "port", "harbour").await.assert_problem(412, "precondition_failed");
    app.anyone().get("/tags/port").await.assert(200);
}

async fn two_merges_at_once_lose_nothing(app: TestApp) {
    let (editor, second) = (app.editor().await, app.editor().await);
    for round in 0..5 {
        let (a, b) = (format!("a{round}"), format!("b{round}"));
        for name in [&a, &b] {
            tag(&editor, json!({"name": name})).await;
            story(&editor, &format!("Of {name}"), &[name], true).await;
        }
        let published = async {
            let id = second.post("/articles", json!({"title": format!("Meanwhile {round}"), "tags": [a]})).await;
            if id.status == 201 {
                second.put(&format!("/articles/{}/publication", id.text("/id")), json!({})).await.assert(200);
            } else {
                assert!([409, 422].contains(&id.status.as_u16()), "{}", id.json);
            }
            id.status == 201
        };
        let (one, other, published) = join!(merge(&editor, &a, &b), merge(&second, &b, &a), published);
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert!(statuses[0] == 200 && [308, 404, 422].contains(&statuses[1]), "{statuses:?}");
        let left = if one.status == 200 { &b } else { &a };
        let count = 2 + i64::from(published);
        let found = app.anyone().get(&format!("/articles?tag={left}&count=true")).await;
        assert_eq!(found.json["page"]["total"], count);
        assert_eq!(app.anyone().get(&format!("/tags/{left}")).await.assert(200).json["article_count"], count);
    }
}

async fn another_name_leads_to_the_tag(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    tag(&editor, json!({"name": "Open source", "aliases": ["Free software", "FOSS"]})).await;
    assert_eq!(anyone.get("/tags/open-source").await.json["aliases"], json!(["Free software", "FOSS"]));
    let id = story(&editor, "A", &["foss", "free-software"], true).await;
    assert_eq!(tags_of(&of(&app, &id).await), ["open-source"]);
    for name in ["foss", "free-software", "open-source"] {
        assert_eq!(anyone.get(&format!("/articles?tag={name}")).await.column("slug"), ["a"], "{name}");
        assert_eq!(anyone.get(&format!("/articles?tag_all={name}")).await.column("slug"), ["a"], "{name}");
    }
    assert_eq!(anyone.get("/tags/foss").await.assert(308).header("location"), "/api/v1/tags/open-source");
    let order = json!({"articles": ["a"], "action": {"kind": "tag", "remove": ["foss"]}});
    assert_eq!(editor.post("/articles/bulk", order).await.assert(200).json["changed"], 1);

    editor.patch("/tags/open-source", json!({"aliases": ["FOSS", "Libre"]})).await.assert(200);
    anyone.get("/tags/free-software").await.assert(404);
    for name in ["foss", "libre"] {
        anyone.get(&format!("/tags/{name}")).await.assert(308);
    }
    let cleared = editor.patch("/tags/open-source", json!({"aliases": null, "slug": "libre"})).await;
    assert_eq!((cleared.assert(200).text("/slug"), &cleared.json["aliases"]), ("libre".into(), &json!([])));
    anyone.get("/tags/foss").await.assert(404);
    anyone.get("/tags/open-source").await.assert(308);
    // One that it had leads on, whether it is another name of it or not.
    editor.patch("/tags/libre", json!({"aliases": ["Open Source"]})).await.assert(200);
    editor.patch("/tags/libre", json!({"aliases": []})).await.assert(200);
    anyone.get("/tags/open-source").await.assert(308);
}

async fn a_name_belongs_to_one_tag(app: TestApp) {
    let editor = app.editor().await;
    tag(&editor, json!({"name": "Harbour", "aliases": ["Port", "Haven"]})).await;
    tag(&editor, json!({"name": "Weather"})).await;
    for (new, pointer) in [
        (json!({"name": "Port"}), "/name"),
        (json!({"name": "PORT!"}), "/name"),
        (json!({"name": "Ships", "slug": "haven"}), "/slug"),
        (json!({"name": "Ships", "aliases": ["Boats", "Port"]}), "/aliases/1"),
        (json!({"name": "Ships", "aliases": ["Harbour"]}), "/aliases/0"),
    ] {
        let refused = editor.post("/tags", new.clone()).await;
        assert_eq!(refused.assert_problem(409, "slug_taken").mistakes(), [(pointer.into(), "taken".into())], "{new}");
        assert!(refused.text("/detail").contains("`harbour`"), "{}", refused.json);
    }
    for changes in [json!({"name": "Port"}), json!({"slug": "port"}), json!({"aliases": ["haven"]})] {
        let refused = editor.patch("/tags/weather", changes).await;
        assert!(refused.assert_problem(409, "slug_taken").text("/detail").contains("`harbour`"), "{}", refused.json);
    }
    let wrong = editor.post("/tags", json!({"name": "Ships", "aliases": ["Boat", "boat", "...", ""]})).await;
    assert_eq!(wrong.assert_problem(422, "validation_failed").mistakes(), [("/aliases/3".into(), "required".into())]);
    let wrong = editor.post("/tags", json!({"name": "Ships", "aliases": ["Boat", "boat", "..."]})).await;
    let expected = [("/aliases/1".into(), "duplicate".into()), ("/aliases/2".into(), "invalid_alias".into())];
    assert_eq!(wrong.assert_problem(422, "validation_failed").mistakes(), expected);
    let many: Vec<_> = (0..51).map(|n| format!("Name {n}")).collect();
    editor.post("/tags", json!({"name": "Ships", "aliases": many})).await.assert_problem(422, "validation_failed");
    // What was refused left nothing behind, and what is gone is free.
    anyone_takes(&editor, &["Boats", "Boat"]).await;
    editor.delete("/tags/harbour").await.assert(204);
    anyone_takes(&editor, &["Port", "Haven"]).await;
}

async fn anyone_takes(editor: &Client, names: &[&str]) {
    for name in names {
        editor.post("/tags", json!({"name": name})).await.assert(201);
    }
}

async fn of_two_who_want_a_name_at_once_one_gets_it(app: TestApp) {
    let (one, two) = (app.editor().await, app.editor().await);
    tag(&one, json!({"name": "First"})).await;
    tag(&one, json!({"name": "Second"})).await;
    for round in 0..5 {
        let name = format!("Name {round}");
        let alias = json!({"aliases": [name]});
        let (a, b) = join!(one.patch("/tags/first", alias.clone()), two.patch("/tags/second", alias.clone()));
        let mut statuses = [a.status.as_u16(), b.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", a.json, b.json);
        let name = format!("Another {round}");
        let (alias, tag) =
            join!(one.patch("/tags/first", json!({"aliases": [name]})), two.post("/tags", json!({"name": name})),);
        let mut statuses = [alias.status.as_u16(), tag.status.as_u16()];
        statuses.sort_unstable();
        assert!(statuses == [200, 409] || statuses == [201, 409], "{} {}", alias.json, tag.json);
    }
}

on_both_databases! {
    a_merged_tag_leaves_everything_to_the_other,
    whoever_follows_is_told_of_a_merge,
    a_merge_that_makes_no_sense_is_refused,
    two_merges_at_once_lose_nothing,
    another_name_leads_to_the_tag,
    a_name_belongs_to_one_tag,
    of_two_who_want_a_name_at_once_one_gets_it,
}
