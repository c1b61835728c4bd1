//! What was written before a search is found by it.

use super::{Desk, hits};
use crate::{on_both_databases, support::TestApp};
use serde_json::json;

async fn a_search_finds_what_was_just_written(app: TestApp) {
    let desk = Desk::open(app).await;
    // Nobody indexes in the background: each search sees to it.
    desk.app.jobs.stop().await;
    let nobody = Vec::<String>::new();
    let id = desk.add("articles", json!({"title": "Gulls"})).await;
    let article = format!("/articles/{id}");
    assert_eq!(
        (desk.found_by(&desk.editor, "gulls").await, desk.found("gulls").await),
        (vec!["Gulls".into()], nobody.clone())
    );
    desk.editor.patch(&article, json!({"title": "Herons"})).await.assert(200);
    assert_eq!(
        (desk.found_by(&desk.editor, "gulls").await, desk.found_by(&desk.editor, "heron").await),
        (nobody.clone(), vec!["Herons".into()])
    );
    desk.editor.put(&format!("{article}/publication"), json!({})).await.assert(200);
    assert_eq!((desk.found("gulls").await, desk.found("heron").await), (nobody.clone(), vec!["Herons".into()]));
    // An edit of what is public changes what editors find, and not what the public does.
    desk.editor.patch(&article, json!({"title": "Cormorants"})).await.assert(200);
    assert_eq!(desk.found_by(&desk.editor, "heron").await, nobody);
    assert_eq!(desk.found_by(&desk.editor, "cormorant").await, ["Cormorants"]);
    assert_eq!((desk.found("heron").await, desk.found("cormorant").await), (vec!["Herons".into()], nobody.clone()));
    // An older revision.
    desk.editor.post(&format!("{article}/revisions/1/restore"), json!({})).await.assert(200);
    assert_eq!(desk.found_by(&desk.editor, "gulls").await, ["Gulls"]);
    desk.editor.put(&format!("{article}/publication"), json!({"revision": 3})).await.assert(200);
    assert_eq!(desk.found("cormorant").await, ["Cormorants"]);
    desk.editor.delete(&format!("{article}/publication")).await.assert(204);
    assert_eq!(
        (desk.found("cormorant").await, desk.found_by(&desk.editor, "gulls").await),
        (nobody.clone(), vec!["Gulls".into()])
    );
    desk.editor.put(&format!("{article}/publication"), json!({})).await.assert(200);
    assert_eq!(desk.found("gulls").await, ["Gulls"]);
    desk.editor.delete(&article).await.assert(204);
    assert_eq!(
        (desk.found("gulls").await, desk.found_by(&desk.editor, "gulls").await),
        (nobody.clone(), nobody.clone())
    );
    let trash = desk.editor.get("/articles?q=gulls&deleted=true").await;
    assert_eq!(trash.assert(200).column("title"), ["Gulls"]);
    desk.editor.post(&format!("{article}/restore"), json!({})).await.assert(200);
    assert_eq!(desk.found("gulls").await, ["Gulls"]);
    let admin = desk.app.signed_in(stet::permissions::Role::Admin).await;
    admin.delete(&format!("{article}?permanent=true")).await.assert(204);
    assert_eq!((desk.found("gulls").await, desk.found_by(&desk.editor, "gulls").await), (nobody.clone(), nobody));
    assert_eq!(desk.app.number("SELECT count(*) FROM published_documents"), 0);
    assert_eq!(desk.app.number("SELECT count(*) FROM staff_documents"), 0);
    assert_eq!(desk.app.number("SELECT count(*) FROM search_pending"), 0);
}

async fn a_new_name_is_found_with_all_that_carries_it(app: TestApp) {
    let desk = Desk::open(app).await;
    desk.app.jobs.stop().await;
    for (kind, name) in [("tags", "Wharf"), ("authors", "Odo Quill"), ("sections", "Seaside")] {
        desk.add(kind, json!({"name": name})).await;
    }
    let carrying = json!({"title": "One", "tags": ["wharf"], "authors": ["odo-quill"], "section": "seaside"});
    let id = desk.publish(carrying).await;
    desk.editor.patch(&format!("/articles/{id}"), json!({"subtitle": "Edited"})).await.assert(200);
    for (path, old, new) in [
        ("/tags/wharf", "wharf", "Pontoon"),
        ("/authors/odo-quill", "quill", "Vesper"),
        ("/sections/seaside", "seaside", "Waterfront"),
    ] {
        assert_eq!(desk.found(old).await, ["One"]);
        assert_eq!(hits(&desk.search(&format!("q={old}")).await).len(), 2);
        desk.editor.patch(path, json!({"name": new})).await.assert(200);
        assert_eq!((desk.found(old).await, desk.found(new).await), (vec![], vec!["One".into()]), "{path}");
        assert_eq!(
            (desk.found_by(&desk.editor, old).await, desk.found_by(&desk.editor, new).await),
            (vec![], vec!["One".into()])
        );
        assert_eq!(hits(&desk.search(&format!("q={new}")).await).len(), 2);
        let suggested = desk.app.anyone().get(&format!("/search/suggestions?q={new}")).await;
        assert_eq!(suggested.assert(200).column("text"), [new]);
    }
    desk.editor.post("/tags", json!({"name": "Flotsam"})).await.assert(201);
    assert_eq!(hits(&desk.search("q=flotsam").await), ["tag Flotsam"]);
    desk.editor.patch("/tags/flotsam", json!({"description": "What drifts."})).await.assert(200);
    assert_eq!(hits(&desk.search("q=drifts").await), ["tag Flotsam"]);
    desk.editor.patch("/tags/flotsam", json!({"aliases": ["Jetsam"]})).await.assert(200);
    assert_eq!(hits(&desk.search("q=jetsam").await), ["tag Flotsam"]);
    desk.editor.post("/tags", json!({"name": "Lagan"})).await.assert(201);
    desk.editor.post("/tags/flotsam/merge", json!({"into": "lagan"})).await.assert(200);
    for word in ["lagan", "flotsam", "jetsam"] {
        assert_eq!(hits(&desk.search(&format!("q={word}")).await), ["tag Lagan"], "{word}");
    }
    desk.editor.delete("/tags/lagan").await.assert(204);
    assert_eq!(hits(&desk.search("q=flotsam").await), Vec::<String>::new());
}

async fn what_is_done_to_many_and_what_is_due_is_found(app: TestApp) {
    let desk = Desk::open(app).await;
    for title in ["Otters one", "Otters two"] {
        desk.add("articles", json!({"title": title})).await;
    }
    desk.add("tags", json!({"name": "Mustelids"})).await;
    let many = json!({"articles": ["otters-one", "otters-two"], "action": {"kind": "tag", "add": ["mustelids"]}});
    desk.editor.post("/articles/bulk", many.clone()).await.assert(200);
    assert_eq!(desk.found_by(&desk.editor, "mustelids").await.len(), 2);
    let mut publish = many;
    publish["action"] = json!({"kind": "publish"});
    desk.editor.post("/articles/bulk", publish).await.assert(200);
    assert_eq!(desk.found("mustelids").await.len(), 2);
    let soon = stet::clock::now().plus(std::time::Duration::from_millis(700));
    desk.add("articles", json!({"title": "Otters three"})).await;
    desk.editor.put("/articles/otters-three/publication", json!({"at": soon})).await.assert(200);
    assert_eq!(desk.found("otters").await.len(), 2);
    for _ in 0..100 {
        if desk.app.anyone().get("/articles/otters-three").await.status == 200 {
            break;
        }
        actix_web::rt::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(desk.found("otters").await.len(), 3);
}

/// Writers and readers at once: whoever has the answer to a write finds it.
async fn everybody_finds_what_they_wrote(app: TestApp) {
    let desk = Desk::open(app).await;
    let work = |who: usize| {
        let desk = &desk;
        async move {
            for number in 0..6 {
                let word = format!("unique{who}x{number}");
                let id = desk.publish(json!({"title": word, "body": {"source": "One of many."}})).await;
                assert_eq!(desk.found(&word).await, std::slice::from_ref(&word));
                desk.editor.patch(&format!("/articles/{id}"), json!({"title": format!("{word}b")})).await.assert(200);
                assert_eq!(desk.found_by(&desk.editor, &format!("{word}b")).await.len(), 1);
            }
        }
    };
    futures_util::future::join_all((0..6).map(work)).await;
    assert_eq!(desk.app.anyone().get("/articles?q=many&count=true").await.json["page"]["total"], 36);
}

on_both_databases! {
    a_search_finds_what_was_just_written,
    a_new_name_is_found_with_all_that_carries_it,
    what_is_done_to_many_and_what_is_due_is_found,
    everybody_finds_what_they_wrote,
}
