//! `/sections`.

use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// Creates sections from `child` and `child < parent`.
async fn plant(editor: &Client, tree: &[&str]) {
    for branch in tree {
        let (name, parent) = branch.split_once(" < ").map_or((*branch, None), |(name, parent)| (name, Some(parent)));
        editor.post("/sections", json!({"name": name, "parent": parent})).await.assert(201);
    }
}

async fn paths(app: &TestApp) -> Vec<String> {
    app.anyone().get("/sections").await.column("path")
}

fn names(trail: &Value) -> Vec<&str> {
    trail.as_array().unwrap().iter().map(|crumb| crumb["name"].as_str().unwrap()).collect()
}

async fn a_section_knows_its_way_from_the_root(app: TestApp) {
    let editor = app.editor().await;
    plant(&editor, &["News", "Technology < news", "Open source < technology", "Culture"]).await;
    let paths = paths(&app).await;
    assert_eq!(paths, ["culture", "news", "news/technology", "news/technology/open-source"]);
    let deepest = app.anyone().get("/sections/open-source").await;
    assert_eq!(
        deepest.assert(200).json["trail"],
        json!([
            {"slug": "news", "name": "News", "path": "news"},
            {"slug": "technology", "name": "Technology", "path": "news/technology"},
            {"slug": "open-source", "name": "Open source", "path": "news/technology/open-source"},
        ])
    );
    let technology = app.anyone().get("/sections/technology").await;
    assert_eq!(deepest.json["parent_id"], technology.json["id"]);
    assert_eq!(app.anyone().get("/sections?parent=news").await.column("slug"), ["technology"]);
    assert_eq!(app.anyone().get(&format!("/sections/{}", deepest.text("/id"))).await.bytes, deepest.bytes);
}

async fn children_stand_in_the_order_of_their_positions(app: TestApp) {
    let editor = app.editor().await;
    for (name, position) in [("Weather", 2), ("Local", 0), ("World", 1)] {
        let section = json!({"name": name, "position": position, "description": "A place."});
        editor.post("/sections", section).await.assert(201);
    }
    assert_eq!(app.anyone().get("/sections?sort=position").await.column("name"), ["Local", "World", "Weather"]);
    assert_eq!(app.anyone().get("/sections?sort=-name").await.column("name"), ["World", "Weather", "Local"]);
    let moved = editor.patch("/sections/weather", json!({"position": 0, "description": null})).await;
    assert_eq!((&moved.assert(200).json["position"], &moved.json["description"]), (&json!(0), &json!("")));
}

async fn a_move_takes_all_that_stands_below_along(app: TestApp) {
    let editor = app.editor().await;
    plant(&editor, &["News", "Technology < news", "Code < technology", "Rust < code", "Culture"]).await;
    for section in ["technology", "rust"] {
        editor.post("/articles", json!({"title": format!("In {section}"), "section": section})).await.assert(201);
        editor.put(&format!("/articles/in-{section}/publication"), json!({})).await.assert(200);
    }
    let before = app.anyone().get("/articles/in-rust").await;
    let moved = editor.patch("/sections/technology", json!({"parent": "culture", "name": "Machines"})).await;
    assert_eq!(moved.assert(200).json["path"], "culture/technology");
    let expected = ["culture", "culture/technology", "culture/technology/code", "culture/technology/code/rust", "news"];
    assert_eq!(paths(&app).await, expected);
    let deepest = app.anyone().get("/sections/rust").await;
    assert_eq!(names(&deepest.json["trail"]), ["Culture", "Machines", "Code", "Rust"]);
    let article = app.anyone().get("/articles/in-rust").await;
    assert_eq!(article.json["section"]["path"], "culture/technology/code/rust");
    assert_eq!(names(&article.json["section"]["trail"]), ["Culture", "Machines", "Code", "Rust"]);
    assert_ne!(article.etag(), before.etag(), "a cache sees that the breadcrumbs changed");
    assert_eq!(app.anyone().get("/articles?section=news").await.json["data"], json!([]));
    let below = app.anyone().get("/articles?section=culture&sort=title").await;
    assert_eq!(below.column("slug"), ["in-rust", "in-technology"]);

    editor.patch("/sections/technology", json!({"slug": "machines", "parent": null})).await.assert(200);
    let expected = ["culture", "machines", "machines/code", "machines/code/rust", "news"];
    assert_eq!(paths(&app).await, expected);
    assert_eq!(app.anyone().get("/articles/in-rust").await.json["section"]["path"], "machines/code/rust");
    app.anyone().get("/sections/technology").await.assert(308);
}

async fn a_section_cannot_stand_below_itself(app: TestApp) {
    let editor = app.editor().await;
    plant(&editor, &["A", "B < a", "C < b", "Ab"]).await;
    for parent in ["a", "b", "c"] {
        let refused = editor.patch("/sections/a", json!({"parent": parent})).await;
        assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), [("/parent".into(), "cycle".into())]);
    }
    let absent = editor.patch("/sections/a", json!({"parent": "nowhere"})).await;
    assert_eq!(absent.assert_problem(422, "validation_failed").mistakes(), [("/parent".into(), "not_found".into())]);
    let absent = editor.post("/sections", json!({"name": "D", "parent": "nowhere"})).await;
    assert_eq!(absent.assert_problem(422, "validation_failed").mistakes(), [("/parent".into(), "not_found".into())]);
    editor.patch("/sections/a", json!({"parent": "ab"})).await.assert(200);
    assert_eq!(paths(&app).await, ["ab", "ab/a", "ab/a/b", "ab/a/b/c"], "a name that begins alike is no child");
}

async fn two_moves_at_once_make_no_cycle(app: TestApp) {
    let editor = app.editor().await;
    plant(&editor, &["A", "B"]).await;
    for _ in 0..4 {
        let moves = [("a", "b"), ("b", "a")].map(|(section, parent)| {
            let editor = editor.clone();
            async move { editor.patch(&format!("/sections/{section}"), json!({"parent": parent})).await }
        });
        let mut statuses: Vec<u16> = join_all(moves).await.iter().map(|reply| reply.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 422]);
        for section in ["a", "b"] {
            editor.patch(&format!("/sections/{section}"), json!({"parent": null})).await.assert(200);
        }
    }
}

async fn the_tree_has_a_depth(app: TestApp) {
    let editor = app.editor().await;
    plant(&editor, &["L1", "L2 < l1", "L3 < l2", "L4 < l3", "L5 < l4", "L6 < l5", "L7 < l6", "L8 < l7", "L9 < l8"])
        .await;
    plant(&editor, &["L10 < l9", "Root", "Branch < root", "Leaf < branch"]).await;
    let too_deep = [("/parent".to_owned(), "too_deep".to_owned())];
    let eleventh = editor.post("/sections", json!({"name": "L11", "parent": "l10"})).await;
    assert_eq!(eleventh.assert_problem(422, "validation_failed").mistakes(), too_deep);
    let below = editor.patch("/sections/root", json!({"parent": "l8"})).await;
    assert_eq!(below.assert_problem(422, "validation_failed").mistakes(), too_deep);
    assert_eq!(app.anyone().get("/sections/leaf").await.json["path"], "root/branch/leaf", "nothing moved half way");
    editor.patch("/sections/root", json!({"parent": "l7"})).await.assert(200);
}

async fn what_is_in_use_is_not_deleted(app: TestApp) {
    let editor = app.editor().await;
    plant(&editor, &["News", "Local < news", "Empty"]).await;
    editor.post("/articles", json!({"title": "A", "section": "local"})).await.assert(201);
    for section in ["news", "local"] {
        let refused = editor.delete(&format!("/sections/{section}")).await;
        assert!(refused.assert_problem(409, "in_use").text("/detail").contains(section), "{}", refused.json);
    }
    editor.patch("/articles/a", json!({"section": null})).await.assert(200);
    editor.delete("/sections/local").await.assert_problem(409, "in_use");
    editor.delete("/sections/empty").await.assert(204);
    editor.delete("/sections/empty").await.assert_problem(404, "not_found");
    assert_eq!(paths(&app).await, ["news", "news/local"]);
}

/// The section that a front end finds at a path, by where it is now.
async fn at(app: &TestApp, path: &str) -> Vec<String> {
    let found = app.anyone().get(&format!("/sections?path={path}&count=true")).await;
    let paths = found.assert(200).column("path");
    assert_eq!(found.json["page"]["total"], paths.len());
    paths
}

async fn a_path_leads_on_when_what_stood_there_is_moved(app: TestApp) {
    let editor = app.editor().await;
    plant(&editor, &["News", "Technology < news", "Code < technology", "Rust < code", "Culture"]).await;
    assert_eq!(at(&app, "news/technology/code").await, ["news/technology/code"]);
    assert_eq!(at(&app, "news/nothing").await, [""; 0]);
    editor.patch("/sections/technology", json!({"name": "Machines"})).await.assert(200);
    editor.patch("/sections/technology", json!({"parent": "culture"})).await.assert(200);
    for (old, now) in [
        ("news/technology", "culture/technology"),
        ("news/technology/code", "culture/technology/code"),
        ("news/technology/code/rust", "culture/technology/code/rust"),
        ("culture/technology", "culture/technology"),
        ("news", "news"),
    ] {
        assert_eq!(at(&app, old).await, [now]);
    }
    editor.patch("/sections/code", json!({"slug": "programs", "parent": null})).await.assert(200);
    for old in ["news/technology/code/rust", "culture/technology/code/rust", "programs/rust"] {
        assert_eq!(at(&app, old).await, ["programs/rust"], "{old}");
    }
    assert_eq!(app.anyone().get("/sections/code").await.assert(308).header("location"), "/api/v1/sections/programs");
    // What stands there now is found there; when it goes, the path leads to what stood there last.
    plant(&editor, &["Tech < news"]).await;
    editor.patch("/sections/tech", json!({"slug": "tech-2"})).await.assert(200);
    editor.patch("/sections/tech-2", json!({"parent": "programs"})).await.assert(200);
    assert_eq!(at(&app, "news/tech").await, ["programs/tech-2"]);
    editor.patch("/sections/tech-2", json!({"slug": "tech", "parent": "news"})).await.assert(200);
    assert_eq!(at(&app, "news/tech").await, ["news/tech"]);
    assert_eq!(app.anyone().get("/sections?path=news/tech&parent=culture").await.json["data"], json!([]));
    editor.delete("/sections/tech").await.assert(204);
    assert_eq!(at(&app, "news/tech").await, [""; 0], "nothing stands there, nor anywhere else");
    for wrong in ["", "/news", "news/", "News", "a//b", "a/b/c/d/e/f/g/h/i/j/k"] {
        let refused = app.anyone().get(&format!("/sections?path={wrong}")).await;
        assert_eq!(refused.assert_problem(400, "invalid_parameter").mistakes()[0].0, "path");
    }
}

async fn a_rehearsed_or_refused_move_leaves_no_path(app: TestApp) {
    let editor = app.editor().await;
    plant(&editor, &["A", "B < a", "C"]).await;
    editor.patch("/sections/b?dry_run=true", json!({"parent": "c"})).await.assert(200);
    editor.patch("/sections/a", json!({"parent": "b"})).await.assert_problem(422, "validation_failed");
    assert_eq!(app.number("SELECT count(*) FROM old_paths"), 0);
    editor.patch("/sections/b", json!({"description": "No move."})).await.assert(200);
    assert_eq!(app.number("SELECT count(*) FROM old_paths"), 0);
}

async fn what_is_made_below_a_section_while_it_is_renamed_stands_below_it(app: TestApp) {
    let editor = app.editor().await;
    let parent = editor.post("/sections", json!({"name": "Parent"})).await.assert(201).text("/id");
    for round in 0..5 {
        let (path, slug) = (format!("/sections/{parent}"), format!("parent-{round}"));
        let renaming = async { editor.patch(&path, json!({"slug": slug})).await.assert(200).text("/path") };
        let children = (0..4).map(|child| {
            let new = json!({"name": format!("Child {round} {child}"), "parent": parent});
            let editor = editor.clone();
            async move { editor.post("/sections", new).await.assert(201).text("/id") }
        });
        let (path, children) = futures_util::join!(renaming, join_all(children));
        for child in children {
            let found = editor.get(&format!("/sections/{child}")).await;
            assert!(found.text("/path").starts_with(&format!("{path}/")), "{}", found.json);
            assert_eq!(found.text("/trail/0/path"), path);
        }
    }
}

async fn two_moves_of_one_tree_at_once_leave_it_whole(app: TestApp) {
    let editor = app.editor().await;
    plant(&editor, &["A", "B < a", "C < b", "D < c", "X", "Y"]).await;
    editor.post("/articles", json!({"title": "Deep", "section": "d"})).await.assert(201);
    editor.put("/articles/deep/publication", json!({})).await.assert(200);
    for _ in 0..4 {
        let moves = [("b", "x"), ("c", "y"), ("d", "a")].map(|(section, parent)| {
            let editor = editor.clone();
            async move { editor.patch(&format!("/sections/{section}"), json!({"parent": parent})).await.status.as_u16() }
        });
        assert_eq!(join_all(moves).await, [200, 200, 200]);
        assert_eq!(paths(&app).await, ["a", "a/d", "x", "x/b", "y", "y/c"]);
        assert_eq!(app.anyone().get("/articles?section=a").await.column("slug"), ["deep"]);
        for (section, parent) in [("b", "a"), ("c", "b"), ("d", "c")] {
            editor.patch(&format!("/sections/{section}"), json!({"parent": parent})).await.assert(200);
        }
        assert_eq!(paths(&app).await, ["a", "a/b", "a/b/c", "a/b/c/d", "x", "y"]);
        for (path, slugs) in [("a", 1), ("b", 1), ("x", 0), ("y", 0)] {
            let found = app.anyone().get(&format!("/articles?section={path}&count=true")).await;
            assert_eq!(found.json["page"]["total"], slugs, "{path}");
        }
    }
}

on_both_databases! {
    a_path_leads_on_when_what_stood_there_is_moved,
    a_rehearsed_or_refused_move_leaves_no_path,
    what_is_made_below_a_section_while_it_is_renamed_stands_below_it,
    two_moves_of_one_tree_at_once_leave_it_whole,
    a_section_knows_its_way_from_the_root,
    children_stand_in_the_order_of_their_positions,
    a_move_takes_all_that_stands_below_along,
    a_section_cannot_stand_below_itself,
    two_moves_at_once_make_no_cycle,
    the_tree_has_a_depth,
    what_is_in_use_is_not_deleted,
}
