//! Every filter of the list of articles, as the public and as the staff.

use super::{draft, set, story};
use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use serde_json::json;

/// Five stories, a draft, one that was taken down and one in the trash. Their titles are single letters.
async fn fill(app: &TestApp, editor: &Client) {
    for tag in ["Harbour", "Ferry", "Storm"] {
        editor.post("/tags", json!({"name": tag})).await.assert(201);
    }
    for author in ["Mira", "Jo"] {
        editor.post("/authors", json!({"name": author})).await.assert(201);
    }
    for (section, parent) in [("News", None), ("Tech", Some("news")), ("Rust", Some("tech")), ("News 2", None)] {
        editor.post("/sections", json!({"name": section, "parent": parent})).await.assert(201);
    }
    story(editor, json!({"title": "A", "tags": ["harbour"], "authors": ["mira"], "section": "news", "featured": true}))
        .await;
    story(
        editor,
        json!({"title": "B", "tags": ["harbour", "ferry"], "authors": ["jo"], "section": "tech", "language": "de"}),
    )
    .await;
    story(
        editor,
        json!({"title": "C", "tags": ["ferry"], "authors": ["mira", "jo"], "section": "rust", "visibility": "members"}),
    )
    .await;
    story(editor, json!({"title": "D", "section": "news-2", "visibility": "premium", "language": "de"})).await;
    story(editor, json!({"title": "E"})).await;
    draft(
        editor,
        json!({"title": "F", "tags": ["harbour", "storm"], "authors": ["jo"], "section": "tech", "featured": true}),
    )
    .await;
    let archived = story(editor, json!({"title": "G", "tags": ["ferry"]})).await;
    editor.delete(&format!("/articles/{archived}/publication")).await.assert(204);
    let trashed = story(editor, json!({"title": "H", "tags": ["harbour"]})).await;
    editor.delete(&format!("/articles/{trashed}")).await.assert(204);
    // A's working copy has left the harbour; in public it has not.
    editor.patch("/articles/a", json!({"tags": ["storm"], "featured": false})).await.assert(200);
    for (slug, day) in [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5)] {
        let noon = 1_767_268_800_000_000_i64 + (day - 1) * 86_400_000_000;
        set(app, &format!("UPDATE articles SET published_at = {noon} WHERE slug = '{slug}'"));
    }
}

async fn titles(client: &Client, query: &str) -> String {
    let list = client.get(&format!("/articles?sort=title&count=true&{query}")).await;
    let titles = list.assert(200).column("title");
    assert_eq!(list.json["page"]["total"], titles.len(), "{query}");
    titles.concat()
}

async fn filters_find_what_they_say(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&app, &editor).await;
    let harbour = anyone.get("/tags/harbour").await.text("/id");
    let mira = anyone.get("/authors/mira").await.text("/id");
    // What the public finds, and what an editor finds among the working copies.
    for (query, public, staff) in [
        ("", "ABCDE", "ABCDEFG"),
        ("tag=harbour", "AB", "BF"),
        (&*format!("tag={harbour}"), "AB", "BF"),
        ("tag=harbour,ferry", "ABC", "BCFG"),
        ("tag=harbour&tag=ferry", "ABC", "BCFG"),
        ("tag=harbour,no-such-tag", "AB", "BF"),
        ("tag=storm", "", "AF"),
        ("tag=no-such-tag", "", ""),
        ("tag_all=harbour,ferry", "B", "B"),
        ("tag_all=harbour&tag_all=ferry", "B", "B"),
        ("tag_all=harbour,no-such-tag", "", ""),
        (&*format!("tag_all=harbour,{harbour}"), "AB", "BF"),
        ("tag=ferry&tag_all=harbour", "B", "B"),
        ("author=mira", "AC", "AC"),
        (&*format!("author={mira},jo"), "ABC", "ABCF"),
        ("author=nobody", "", ""),
        ("section=news", "ABC", "ABCF"),
        ("section=tech", "BC", "BCF"),
        ("section=rust", "C", "C"),
        ("section=rust,news-2", "CD", "CD"),
        ("section=nowhere", "", ""),
        ("featured=true", "A", "F"),
        ("featured=false", "BCDE", "ABCDEG"),
        ("visibility=members", "C", "C"),
        ("visibility=members,premium", "CD", "CD"),
        ("visibility=public", "ABE", "ABEFG"),
        ("language=de", "BD", "BD"),
        ("language=fr", "", ""),
        ("status=published", "ABCDE", "ABCDE"),
        ("status=draft", "", "F"),
        ("status=draft,archived", "", "FG"),
        ("status=scheduled,in_review", "", ""),
        ("published_after=2026-01-03T12:00:00Z", "CDE", "CDE"),
        ("published_after=2026-01-03T12:00:00.000001Z", "DE", "DE"),
        ("published_before=2026-01-03T12:00:00Z", "AB", "AB"),
        ("published_before=2026-01-03T13:00:00%2B01:00", "AB", "AB"),
        ("published_after=2026-01-02T00:00:00Z&published_before=2026-01-04T00:00:00Z", "BC", "BC"),
        ("published_after=9999-12-31T23:59:59Z", "", ""),
        ("published_before=0001-01-01T00:00:00Z", "", ""),
        ("deleted=false", "ABCDE", "ABCDEFG"),
        ("tag=harbour&author=jo&section=news&language=de&featured=false", "B", "B"),
    ] {
        assert_eq!(titles(&anyone, query).await, public, "the public, {query}");
        if !query.starts_with("published") {
            assert_eq!(titles(&editor, query).await, staff, "an editor, {query}");
        }
        assert_eq!(
            titles(&editor, &format!("view=published&{query}")).await,
            public,
            "an editor as the public, {query}"
        );
    }
    assert_eq!(titles(&editor, "deleted=true").await, "H");
    assert_eq!(titles(&editor, "deleted=true&tag=ferry").await, "");
    assert_eq!(titles(&editor, "view=working&status=draft").await, "F");
    assert_eq!(titles(&editor, "published_after=2026-01-04T00:00:00Z&status=published").await, "DE");
}

async fn what_is_for_the_staff_is_refused_and_not_ignored(app: TestApp) {
    let anyone = app.anyone();
    let trash = anyone.get("/articles?deleted=true").await;
    assert_eq!(trash.assert_problem(400, "invalid_parameter").mistakes(), [("deleted".into(), "not_allowed".into())]);
    let working = anyone.get("/articles?view=working").await;
    assert_eq!(working.assert_problem(400, "invalid_parameter").mistakes(), [("view".into(), "not_allowed".into())]);
}

async fn an_author_finds_own_drafts_and_nobody_elses(app: TestApp) {
    let (editor, author) = (app.editor().await, app.author().await);
    fill(&app, &editor).await;
    draft(&author, json!({"title": "X"})).await;
    assert_eq!(titles(&author, "").await, "ABCDEX");
    assert_eq!(titles(&author, "tag=storm").await, "");
    assert_eq!(titles(&author, "tag=harbour").await, "AB");
    assert_eq!(titles(&author, "status=draft,archived").await, "X");
    assert_eq!(titles(&author, "deleted=true").await, "");
    assert_eq!(titles(&author, "view=published").await, "ABCDE");
}

on_both_databases! {
    filters_find_what_they_say,
    what_is_for_the_staff_is_refused_and_not_ignored,
    an_author_finds_own_drafts_and_nobody_elses,
}
