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

on_both_databases! {
    a_section_knows_its_way_from_the_root,
    children_stand_in_the_order_of_their_positions,
    a_move_takes_all_that_stands_below_along,
    a_section_cannot_stand_below_itself,
    two_moves_at_once_make_no_cycle,
    the_tree_has_a_depth,
    what_is_in_use_is_not_deleted,
}
