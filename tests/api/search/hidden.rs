//! What one may not see is not found, not counted, and not suggested.

use super::{Desk, hits};
use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::{Value, json};

/// What a word gives away to somebody.
async fn traces(client: &Client, word: &str) -> Vec<String> {
    let mut traces = Vec::new();
    for path in [
        "/articles?count=true&q=",
        "/articles?count=true&sort=title&q=",
        "/articles?view=published&count=true&q=",
        "/search?count=true&facets=section,tag,author,year&q=",
        "/search?kind=article&count=true&q=",
        "/search/suggestions?q=",
    ] {
        if path.contains("view") && client.token.is_none() {
            continue;
        }
        for form in [word.to_owned(), format!("{}*", &word[..word.len() - 2]), format!("%22{word}%22")] {
            let reply = client.get(&format!("{path}{form}")).await;
            reply.assert(200);
            if reply.json["data"] != json!([])
                || !matches!(reply.json["page"]["total"], Value::Null) && reply.json["page"]["total"] != 0
            {
                traces.push(format!("{path}{form}"));
            }
            for facet in reply.json["facets"].as_object().into_iter().flatten().filter(|(name, _)| *name != "exact") {
                if facet.1 != &json!([]) {
                    traces.push(format!("{path}{form} {facet:?}"));
                }
            }
        }
    }
    traces
}

async fn drafts_are_found_by_those_who_may_see_them(app: TestApp) {
    let desk = Desk::open(app).await;
    let (owner, other, anyone) = (desk.app.author().await, desk.app.contributor().await, desk.app.anyone());
    desk.add("tags", json!({"name": "Common"})).await;
    desk.add("sections", json!({"name": "Shared"})).await;
    let secret = |word: &str| {
        json!({"title": format!("About {word}title"), "subtitle": format!("{word}sub"), "excerpt": format!("{word}excerpt"),
            "body": {"source": format!("The {word}body of it.")}, "tags": ["common"], "section": "shared"})
    };
    let words = ["draft", "public", "trash", "scheduled", "archived"].map(|state| format!("{state}xq"));
    for word in &words {
        let id = owner.post("/articles", secret(word)).await.assert(201).text("/id");
        let path = format!("/articles/{id}");
        match word.as_str() {
            "publicxq" => {
                owner
                    .patch(
                        &path,
                        json!({"title": "Clean", "subtitle": null, "excerpt": "", "body": {"source": "Clean."}}),
                    )
                    .await
                    .assert(200);
                owner.put(&format!("{path}/publication"), json!({})).await.assert(200);
                owner.patch(&path, secret(word)).await.assert(200);
            }
            "trashxq" => {
                owner.put(&format!("{path}/publication"), json!({})).await.assert(200);
                owner.delete(&path).await.assert(204);
            }
            "scheduledxq" => {
                let at = stet::clock::now().plus(std::time::Duration::from_secs(3600));
                owner.put(&format!("{path}/publication"), json!({"at": at})).await.assert(200);
            }
            "archivedxq" => {
                owner.put(&format!("{path}/publication"), json!({})).await.assert(200);
                owner.delete(&format!("{path}/publication")).await.assert(204);
            }
            _ => {}
        }
    }
    for word in &words {
        for place in ["title", "sub", "excerpt", "body"] {
            let word = format!("{word}{place}");
            assert_eq!(traces(&anyone, &word).await, Vec::<String>::new(), "a stranger");
            assert_eq!(traces(&other, &word).await, Vec::<String>::new(), "a contributor");
            let trash = other.get(&format!("/articles?deleted=true&count=true&q={word}")).await;
            assert_eq!(trash.assert(200).json["page"]["total"], 0);
            for client in [&owner, &desk.editor] {
                let deleted = if word.starts_with("trash") { "&deleted=true" } else { "" };
                let reply = client.get(&format!("/articles?count=true&q={word}{deleted}")).await;
                assert_eq!(reply.assert(200).json["page"]["total"], 1, "{word}");
                assert_eq!(reply.column("id").len(), 1);
                let sorted = client.get(&format!("/articles?sort=-updated_at&q={word}{deleted}")).await;
                assert_eq!(sorted.assert(200).column("id").len(), 1);
            }
        }
    }
    // Of what is somebody else's one finds what is public.
    assert_eq!(desk.found_by(&other, "clean").await, ["Clean"]);
    assert_eq!(desk.found_by(&owner, "clean").await, Vec::<String>::new());
    assert_eq!(desk.found("common").await, ["Clean"]);
    let mine = other.post("/articles", secret("ownxq")).await.assert(201).text("/id");
    let found = other.get("/articles?q=ownxqbody").await;
    assert_eq!(found.assert(200).column("id"), [mine]);
    assert_eq!(traces(&owner, "ownxqbody").await, Vec::<String>::new());
}

async fn a_body_that_costs_is_not_searched_by_strangers(app: TestApp) {
    let desk = Desk::open(app).await;
    for visibility in ["members", "premium"] {
        desk.publish(
            json!({"title": format!("For {visibility}"), "excerpt": "A teaserxq of it.", "visibility": visibility,
            "body": {"source": "Nobody reads the payxq for nothing."}}),
        )
        .await;
    }
    let anyone = desk.app.anyone();
    assert_eq!(traces(&anyone, "payxq").await, Vec::<String>::new());
    assert_eq!(desk.found("teaserxq").await, ["For premium", "For members"]);
    let reply = anyone.get("/articles?q=teaserxq%20-payxq").await;
    assert_eq!(reply.assert(200).column("title").len(), 2);
    for hit in reply.json["data"].as_array().unwrap() {
        assert_eq!(hit["highlights"]["body"], Value::Null);
    }
    let nothing = anyone.get("/articles?q=nothing&include=body").await;
    assert_eq!(nothing.assert(200).column("title"), Vec::<String>::new());
    let staff = desk.editor.get("/articles?q=payxq").await;
    assert_eq!(staff.assert(200).column("title"), ["For premium", "For members"]);
    assert!(staff.text("/data/0/highlights/body").contains("<mark>payxq</mark>"));
    let shown = desk.editor.get("/search?q=teaserxq").await;
    assert_eq!(hits(&shown), ["article For premium", "article For members"]);
}

/// An index that is behind shows nothing that is not public any more.
async fn an_index_that_is_behind_gives_nothing_away(app: TestApp) {
    let desk = Desk::open(app).await;
    let ids =
        [desk.story("Hidden soon xqz", "Some xqzbody.").await, desk.story("Edited soon xqz", "Some xqzbody.").await];
    assert_eq!(desk.found("xqzbody").await.len(), 2);
    desk.app.jobs.stop().await;
    desk.editor.delete(&format!("/articles/{}", ids[0])).await.assert(204);
    desk.editor
        .patch(&format!("/articles/{}", ids[1]), json!({"title": "Clean", "body": {"source": "Clean."}}))
        .await
        .assert(200);
    desk.editor.put(&format!("/articles/{}/publication", ids[1]), json!({})).await.assert(200);
    // As if nobody had come to index it.
    desk.app.execute("DELETE FROM search_pending");
    assert_eq!(desk.app.number("SELECT count(*) FROM published_documents"), 2);
    for client in [desk.app.anyone(), desk.app.contributor().await, desk.editor.clone()] {
        assert_eq!(traces(&client, "xqzbody").await, Vec::<String>::new());
        assert_eq!(traces(&client, "xqz").await, Vec::<String>::new());
    }
}

on_both_databases! {
    drafts_are_found_by_those_who_may_see_them,
    a_body_that_costs_is_not_searched_by_strangers,
    an_index_that_is_behind_gives_nothing_away,
}
