//! `/articles`.

use crate::{
    on_both_databases,
    support::{Client, TestApp},
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use stet::permissions::Role;

/// Creates an article and publishes it; gives its path.
async fn publish(client: &Client, article: Value) -> String {
    let path = format!("/articles/{}", client.post("/articles", article).await.assert(201).text("/slug"));
    client.put(&format!("{path}/publication"), json!({})).await.assert(200);
    path
}

/// How many published articles the tag and the author say they have.
async fn counts(app: &TestApp, tag: &str, author: &str) -> (i64, i64) {
    let tag = app.anyone().get(&format!("/tags/{tag}")).await;
    let author = app.anyone().get(&format!("/authors/{author}")).await;
    (tag.json["article_count"].as_i64().unwrap(), author.json["article_count"].as_i64().unwrap())
}

/// The slugs of teasers and why they stand there.
fn teasers(reply: &crate::support::Reply, field: &str) -> Vec<(String, Value)> {
    let teasers = reply.json[field].as_array().unwrap_or_else(|| panic!("no {field} in {}", reply.json));
    teasers.iter().map(|teaser| (teaser["slug"].as_str().unwrap().to_owned(), teaser["reasons"].clone())).collect()
}

async fn a_draft_is_written_published_changed_and_taken_down(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    let created = editor
        .post("/articles", json!({"title": "The harbour reopens", "tags": ["harbour"], "body": {"source": "The **first** ferry left."}}))
        .await;
    created.assert(201);
    assert_eq!(created.json["status"], "draft");
    anyone.get("/articles/the-harbour-reopens").await.assert_problem(404, "not_found");
    assert_eq!(anyone.get("/articles?count=true").await.json["page"]["total"], 0);

    let published = editor.put("/articles/the-harbour-reopens/publication", json!({})).await;
    assert_eq!(published.assert(200).json["status"], "published");
    let public = anyone.get("/articles/the-harbour-reopens").await;
    assert_eq!(public.assert(200).json["body"]["html"], "<p>The <strong>first</strong> ferry left.</p>\n");
    assert_eq!(public.json["tags"][0]["article_count"], 1);

    editor.patch("/articles/the-harbour-reopens", json!({"title": "A secret title"})).await.assert(200);
    let still = anyone.get("/articles/the-harbour-reopens").await;
    assert_eq!(still.json["title"], "The harbour reopens");
    assert_eq!(still.etag(), public.etag());
    assert_eq!(editor.get("/articles/the-harbour-reopens").await.json["title"], "A secret title");
    assert_eq!(editor.get("/articles/the-harbour-reopens?view=published").await.json["title"], "The harbour reopens");

    editor.delete("/articles/the-harbour-reopens/publication").await.assert(204);
    anyone.get("/articles/the-harbour-reopens").await.assert(404);
    assert_eq!(editor.get("/articles/the-harbour-reopens").await.json["status"], "archived");
    assert_eq!(anyone.get("/tags/harbour").await.json["article_count"], 0);
}

async fn only_a_title_is_needed(app: TestApp) {
    let editor = app.editor().await;
    let created = editor.post("/articles", json!({"title": "Ebb & flood: a year on the quay"})).await;
    let article = &created.assert(201).json;
    assert_eq!(created.header("location"), format!("/api/v1/articles/{}", created.text("/id")));
    assert_eq!(article["slug"], "ebb-flood-a-year-on-the-quay");
    assert_eq!(article["url"], "https://news.example/articles/ebb-flood-a-year-on-the-quay");
    assert_eq!(article["status"], "draft");
    assert_eq!(article["body"], json!({"format": "markdown", "source": "", "html": ""}));
    assert_eq!(article["comments"], json!({"open": true, "count": 0}));
    assert_eq!(article["access"], json!({"granted": true, "required": "public"}));
    assert_eq!(article["scheduled"], json!({"publish_at": null, "revision": null, "unpublish_at": null}));
    for (field, value) in [("excerpt", ""), ("visibility", "public"), ("language", "en")] {
        assert_eq!(article[field], value, "{field}");
    }
    for (field, value) in [("word_count", 0), ("reading_minutes", 0), ("revision", 1)] {
        assert_eq!(article[field], value, "{field}");
    }
    for field in ["subtitle", "section", "image", "published_at", "published_revision", "deleted_at"] {
        assert_eq!(article[field], Value::Null, "{field}");
    }
    for (field, value) in
        [("authors", json!([])), ("tags", json!([])), ("custom", json!({})), ("featured", json!(false))]
    {
        assert_eq!(article[field], value, "{field}");
    }
}

async fn a_byline_that_is_left_out_is_ones_own(app: TestApp) {
    let editor = app.editor().await;
    let mira = editor.post("/authors", json!({"name": "Mira Holt"})).await.assert(201).text("/id");
    editor.post("/authors", json!({"name": "Jo Brandt"})).await.assert(201);
    let author = app.signed_in_as(Role::Author, Some(&mira)).await;
    assert_eq!(author.get("/me").await.json["author_id"], mira);
    let own = author.post("/articles", json!({"title": "Mine"})).await;
    assert_eq!(own.assert(201).json["authors"][0]["slug"], "mira-holt");
    let given = author.post("/articles", json!({"title": "Theirs", "authors": ["jo-brandt", "mira-holt"]})).await;
    let names: Vec<_> =
        given.assert(201).json["authors"].as_array().unwrap().iter().map(|a| a["name"].clone()).collect();
    assert_eq!(names, ["Jo Brandt", "Mira Holt"]);
    let none = author.post("/articles", json!({"title": "Nobody's", "authors": []})).await;
    assert_eq!(none.assert(201).json["authors"], json!([]));
    let unlinked = editor.post("/articles", json!({"title": "The desk's"})).await;
    assert_eq!(unlinked.assert(201).json["authors"], json!([]));
}

async fn every_reference_that_names_nothing_is_pointed_at(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    let article =
        json!({"title": "A", "authors": ["x"], "tags": ["harbour", "y", "z"], "section": "v", "related": ["w"]});
    let refused = editor.post("/articles", article).await;
    let not_found = |at: &str| (at.to_owned(), "not_found".to_owned());
    let expected = ["/authors/0", "/related/0", "/section", "/tags/1", "/tags/2"].map(not_found);
    assert_eq!(refused.assert_problem(422, "validation_failed").mistakes(), expected);
    assert_eq!(editor.get("/articles?count=true").await.json["page"]["total"], 0);
}

async fn bodies_are_made_safe_and_their_source_is_for_the_staff(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let hostile = "<p onclick=\"x()\">Low <b>tide</b></p><script>steal()</script><img src=\"https://e.example/a.jpg\" onerror=\"x()\"><a href=\"javascript:x()\">go</a>";
    for (format, source) in [("html", hostile.to_owned()), ("markdown", format!("{hostile}\n\n[link](javascript:x())"))]
    {
        let article = json!({"title": format!("In {format}"), "body": {"format": format, "source": source}});
        let path = publish(&editor, article).await;
        let seen = anyone.get(&path).await;
        let html = seen.assert(200).text("/body/html");
        for bad in ["script", "onclick", "onerror"] {
            assert!(!html.contains(bad), "{format}: {html}");
        }
        assert!(html.contains("<b>tide</b>"), "{format}: {html}");
        assert_eq!(seen.json["body"]["format"], format);
        assert_eq!(seen.json["body"]["source"], Value::Null);
        assert_eq!(editor.get(&path).await.json["body"]["source"], source);
        assert_eq!(editor.get(&format!("{path}?view=published")).await.json["body"]["source"], Value::Null);
    }
}

async fn what_follows_from_the_body_is_derived_until_it_is_given(app: TestApp) {
    let editor = app.editor().await;
    let body = |words: usize| json!({"source": format!("**Tide** {}", "water ".repeat(words - 1))});
    let derived = editor.post("/articles", json!({"title": "Tides", "body": body(231)})).await;
    assert_eq!(derived.assert(201).json["word_count"], 231);
    assert_eq!(derived.json["reading_minutes"], 2);
    let excerpt = derived.text("/excerpt");
    assert!(excerpt.starts_with("Tide water") && excerpt.ends_with("water…"), "{excerpt}");
    assert!(excerpt.chars().count() <= 280, "{excerpt}");
    let given = editor.patch("/articles/tides", json!({"excerpt": "Twice a day."})).await;
    assert_eq!(given.assert(200).json["excerpt"], "Twice a day.");
    let kept = editor.patch("/articles/tides", json!({"body": body(3)})).await;
    assert_eq!(kept.json["excerpt"], "Twice a day.");
    assert_eq!((&kept.json["word_count"], &kept.json["reading_minutes"]), (&json!(3), &json!(1)));
    let again = editor.patch("/articles/tides", json!({"excerpt": null})).await;
    assert_eq!(again.json["excerpt"], "Tide water water");
}

async fn counts_follow_each_step_of_an_articles_life(app: TestApp) {
    let editor = app.editor().await;
    for name in ["Harbour", "Ferry"] {
        editor.post("/tags", json!({"name": name})).await.assert(201);
        editor.post("/authors", json!({"name": format!("{name} Holt")})).await.assert(201);
    }
    let harbour = async || counts(&app, "harbour", "harbour-holt").await;
    let ferry = async || counts(&app, "ferry", "ferry-holt").await;
    editor.post("/articles", json!({"title": "A", "tags": ["harbour"], "authors": ["harbour-holt"]})).await.assert(201);
    assert_eq!(harbour().await, (0, 0), "a draft counts nowhere");
    editor.put("/articles/a/publication", json!({})).await.assert(200);
    assert_eq!(harbour().await, (1, 1), "published");

    editor.patch("/articles/a", json!({"title": "B", "tags": ["ferry"], "authors": ["ferry-holt"]})).await.assert(200);
    assert_eq!((harbour().await, ferry().await), ((1, 1), (0, 0)), "the working copy counts nowhere");
    let second = editor.put("/articles/a/publication", json!({})).await;
    assert_eq!(
        (second.assert(200).json["published_revision"].clone(), second.json["title"].clone()),
        (json!(2), json!("B"))
    );
    assert_eq!((harbour().await, ferry().await), ((0, 0), (1, 1)), "the second revision is public");
    let first = editor.put("/articles/a/publication", json!({"revision": 1})).await;
    assert_eq!(first.assert(200).json["published_revision"], 1);
    assert_eq!(first.json["revision"], 2, "the working copy stays");
    assert_eq!(app.anyone().get("/articles/a").await.json["title"], "A");
    assert_eq!((harbour().await, ferry().await), ((1, 1), (0, 0)), "the first revision is public again");
    let absent = editor.put("/articles/a/publication", json!({"revision": 9})).await;
    assert_eq!(absent.assert_problem(422, "validation_failed").mistakes(), [("/revision".into(), "not_found".into())]);

    editor.delete("/articles/a").await.assert(204);
    assert_eq!(harbour().await, (0, 0), "in the trash");
    app.anyone().get("/articles/a").await.assert_problem(404, "not_found");
    editor.get("/articles/a").await.assert_problem(404, "not_found");
    editor.put("/articles/a/publication", json!({})).await.assert_problem(404, "not_found");
    editor.delete("/articles/a").await.assert_problem(404, "not_found");
    assert_eq!(editor.get("/articles?deleted=true").await.column("slug"), ["a"]);
    let restored = editor.send(actix_web::http::Method::POST, "/articles/a/restore", None).await;
    assert_eq!(restored.assert(200).json["status"], "published");
    assert_eq!((harbour().await, ferry().await), ((1, 1), (0, 0)), "restored as it was");
    editor.send(actix_web::http::Method::POST, "/articles/a/restore", None).await.assert_problem(404, "not_found");

    editor.delete("/articles/a/publication").await.assert(204);
    assert_eq!((harbour().await, ferry().await), ((0, 0), (0, 0)), "taken down");
    editor.delete("/articles/a").await.assert(204);
    let restored = editor.send(actix_web::http::Method::POST, "/articles/a/restore", None).await;
    assert_eq!(restored.assert(200).json["status"], "archived");
    assert_eq!((harbour().await, ferry().await), ((0, 0), (0, 0)), "restored, and still not public");
}

async fn doing_it_again_changes_nothing(app: TestApp) {
    let editor = app.editor().await;
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    editor.post("/articles", json!({"title": "A", "tags": ["harbour"]})).await.assert(201);
    editor.delete("/articles/a/publication").await.assert(204);
    assert_eq!(editor.get("/articles/a").await.json["status"], "draft", "what was never public is not archived");
    let once = editor.put("/articles/a/publication", json!({})).await;
    let twice = editor.put("/articles/a/publication", json!({})).await;
    assert_eq!(twice.assert(200).bytes, once.assert(200).bytes);
    assert_eq!(twice.etag(), once.etag());
    assert_eq!(app.anyone().get("/tags/harbour").await.json["article_count"], 1);
    let same = editor.patch("/articles/a", json!({"title": "A", "tags": ["harbour"]})).await;
    assert_eq!(same.assert(200).etag(), once.etag(), "a change to what it is already is none");
    editor.delete("/articles/a/publication").await.assert(204);
    let archived = editor.get("/articles/a").await;
    editor.delete("/articles/a/publication").await.assert(204);
    assert_eq!(editor.get("/articles/a").await.etag(), archived.etag());
    let again = editor.put("/articles/a/publication", json!({})).await;
    assert_eq!(again.json["published_at"], once.json["published_at"], "the date of the first publication stays");
}

async fn eight_edits_at_once_all_land_and_of_eight_with_one_tag_one_does(app: TestApp) {
    let editors: Vec<Client> = join_all((0..8).map(|_| app.editor())).await;
    let created = editors[0].post("/articles", json!({"title": "Ferry"})).await;
    created.assert(201);
    let edits = editors.iter().enumerate().map(|(n, editor)| async move {
        editor.patch("/articles/ferry", json!({"custom": {format!("editor_{n}"): true}})).await
    });
    let mut revisions: Vec<_> =
        join_all(edits).await.iter().map(|r| r.assert(200).json["revision"].as_i64().unwrap()).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (2..=9).collect::<Vec<_>>());
    let merged = editors[0].get("/articles/ferry").await;
    assert_eq!(merged.json["custom"].as_object().unwrap().len(), 8, "each edit is merged into those before it");

    let paths = [
        ("tags", json!({"name": "Ferry"})),
        ("authors", json!({"name": "Ferry"})),
        ("sections", json!({"name": "Ferry"})),
    ];
    for (kind, body) in paths {
        editors[0].post(&format!("/{kind}"), body).await.assert(201);
    }
    editors[0].put("/articles/ferry/publication", json!({})).await.assert(200);
    let comment =
        editors[0].post("/articles/ferry/comments", json!({"body": "On time."})).await.assert(201).text("/id");
    for (path, field) in [
        ("/articles/ferry", "subtitle"),
        ("/tags/ferry", "description"),
        ("/authors/ferry", "bio"),
        ("/sections/ferry", "description"),
        (&format!("/comments/{comment}"), "body"),
    ] {
        for round in 0..3 {
            let tag = editors[0].get(path).await.etag().to_owned();
            let edits = editors.iter().enumerate().map(|(n, editor)| {
                let editor = editor.with("if-match", &tag);
                async move { editor.patch(path, json!({field: format!("round {round} by {n}")})).await }
            });
            let replies = join_all(edits).await;
            let winners: Vec<_> = replies.iter().filter(|reply| reply.status == 200).collect();
            assert_eq!(winners.len(), 1, "{path}");
            for reply in replies.iter().filter(|reply| reply.status != 200) {
                reply.assert_problem(412, "precondition_failed");
                assert!(reply.text("/detail").contains(field), "{}", reply.json);
            }
            assert_eq!(editors[0].get(path).await.json[field], winners[0].json[field], "{path}");
        }
    }
}

async fn counts_stay_right_when_many_publish_and_take_down_at_once(app: TestApp) {
    let editors: Vec<Client> = join_all((0..8).map(|_| app.editor())).await;
    editors[0].post("/tags", json!({"name": "Harbour"})).await.assert(201);
    editors[0].post("/tags", json!({"name": "Ferry"})).await.assert(201);
    editors[0].post("/authors", json!({"name": "Mira"})).await.assert(201);
    for (title, tags) in [("A", ["harbour", "ferry"]), ("B", ["ferry", "harbour"])] {
        editors[0].post("/articles", json!({"title": title, "tags": tags, "authors": ["mira"]})).await.assert(201);
    }
    for _ in 0..3 {
        let moves = editors.iter().enumerate().map(|(n, editor)| async move {
            let path = format!("/articles/{}/publication", if n % 4 < 2 { "a" } else { "b" });
            let reply = if n % 2 == 0 { editor.put(&path, json!({})).await } else { editor.delete(&path).await };
            assert!(reply.status.is_success(), "{}", reply.json);
        });
        join_all(moves).await;
        let public = app.anyone().get("/articles?count=true").await.json["page"]["total"].as_i64().unwrap();
        assert_eq!(counts(&app, "harbour", "mira").await, (public, public));
        assert_eq!(counts(&app, "ferry", "mira").await, (public, public));
    }
    for path in ["/articles/a", "/articles/b"] {
        let moves = editors.iter().map(|editor| editor.put("/articles/a/publication", json!({})));
        assert!(join_all(moves).await.iter().all(|reply| reply.status == 200));
        editors[0].put(&format!("{path}/publication"), json!({})).await.assert(200);
    }
    assert_eq!(counts(&app, "harbour", "mira").await, (2, 2));
    let deletions = editors.iter().map(|editor| editor.delete("/articles/a"));
    let statuses: Vec<u16> = join_all(deletions).await.iter().map(|reply| reply.status.as_u16()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
    assert_eq!(counts(&app, "harbour", "mira").await, (1, 1));
}

async fn eight_of_one_title_at_once_get_slugs_of_their_own(app: TestApp) {
    let editor = app.editor().await;
    let created = join_all((0..8).map(|_| editor.post("/articles", json!({"title": "Tide"})))).await;
    let mut slugs: Vec<_> = created.iter().map(|reply| reply.assert(201).text("/slug")).collect();
    slugs.sort();
    assert_eq!(slugs, ["tide", "tide-2", "tide-3", "tide-4", "tide-5", "tide-6", "tide-7", "tide-8"]);
}

async fn related_stories_are_pins_then_shared_tags_then_the_newest(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for name in ["Harbour", "Ferry"] {
        editor.post("/tags", json!({"name": name})).await.assert(201);
    }
    editor.post("/sections", json!({"name": "Local"})).await.assert(201);
    publish(&editor, json!({"title": "One tag", "tags": ["harbour"]})).await;
    publish(&editor, json!({"title": "One tag and place", "tags": ["harbour"], "section": "local"})).await;
    publish(&editor, json!({"title": "Two tags", "tags": ["ferry", "harbour"]})).await;
    publish(&editor, json!({"title": "Pinned", "tags": ["ferry"]})).await;
    publish(&editor, json!({"title": "Unlike"})).await;
    publish(&editor, json!({"title": "Too much"})).await;
    editor.post("/articles", json!({"title": "Not yet", "tags": ["ferry", "harbour"]})).await.assert(201);
    let story = json!({
        "title": "Story", "tags": ["harbour", "ferry"], "section": "local", "related": ["not-yet", "pinned"],
    });
    let path = publish(&editor, story).await;
    let page = anyone.get(&format!("{path}?include=related,latest,comments")).await;
    let pinned = ("pinned".to_owned(), json!(["pinned"]));
    let mut expected = vec![
        pinned.clone(),
        ("two-tags".to_owned(), json!(["shared_tags"])),
        ("one-tag-and-place".to_owned(), json!(["shared_tags", "same_section"])),
        ("one-tag".to_owned(), json!(["shared_tags"])),
        ("too-much".to_owned(), json!(["recent"])),
    ];
    assert_eq!(teasers(page.assert(200), "related"), expected);
    let latest: Vec<_> = teasers(&page, "latest").into_iter().map(|(slug, _)| slug).collect();
    assert_eq!(latest, ["too-much", "unlike", "pinned", "two-tags", "one-tag-and-place"]);
    assert_eq!(page.json["thread"]["data"], json!([]));
    let plain = anyone.get(&path).await;
    for field in ["related", "latest", "thread"] {
        assert_eq!(plain.json.get(field), None, "{field} was not asked for");
    }
    // A pin shows as soon as what it points at is public, and goes with it.
    editor.put("/articles/not-yet/publication", json!({})).await.assert(200);
    expected.insert(0, ("not-yet".to_owned(), json!(["pinned"])));
    expected.truncate(5);
    assert_eq!(teasers(&anyone.get(&format!("{path}?include=related")).await, "related"), expected);
    editor.delete("/articles/pinned").await.assert(204);
    editor.delete("/articles/not-yet/publication").await.assert(204);
    let left = teasers(&anyone.get(&format!("{path}?include=related")).await, "related");
    assert!(!left.contains(&pinned) && left.iter().all(|(slug, _)| slug != "not-yet"), "{left:?}");
}

async fn what_is_not_public_pushes_no_related_story_out(app: TestApp) {
    let (editor, contributor, anyone) = (app.editor().await, app.contributor().await, app.anyone());
    editor.post("/tags", json!({"name": "Harbour"})).await.assert(201);
    let path = publish(&editor, json!({"title": "Story", "tags": ["harbour"]})).await;
    publish(&editor, json!({"title": "Like it", "tags": ["harbour"]})).await;
    let before = anyone.get(&format!("{path}?include=related")).await;
    assert_eq!(teasers(before.assert(200), "related"), [("like-it".to_owned(), json!(["shared_tags"]))]);
    contributor.post("/articles", json!({"title": "Draft", "tags": ["harbour"]})).await.assert(201);
    for edit in 0..101 {
        contributor.patch("/articles/draft", json!({"subtitle": format!("{edit}")})).await.assert(200);
    }
    let after = anyone.get(&format!("{path}?include=related")).await;
    assert_eq!((after.etag(), &after.bytes), (before.etag(), &before.bytes));
}

async fn a_contributor_moves_nothing_that_is_public(app: TestApp) {
    let (editor, contributor) = (app.editor().await, app.contributor().await);
    contributor.post("/articles", json!({"title": "Tide"})).await.assert(201);
    contributor.patch("/articles/tide", json!({"slug": "ebb", "comments": {"open": false}})).await.assert(200);
    editor.put("/articles/ebb/publication", json!({})).await.assert(200);
    for change in [json!({"slug": "stolen"}), json!({"comments": {"open": true}})] {
        contributor.patch("/articles/ebb", change).await.assert_problem(403, "forbidden");
    }
    contributor.patch("/articles/ebb", json!({"subtitle": "Low", "slug": "ebb"})).await.assert(200);
    editor.patch("/articles/ebb", json!({"slug": "flood"})).await.assert(200);
}

async fn a_page_carries_its_discussion(app: TestApp) {
    let editor = app.editor().await;
    let path = publish(&editor, json!({"title": "Talk"})).await;
    let above = editor.post(&format!("{path}/comments"), json!({"body": "First."})).await.assert(201).text("/id");
    editor.post(&format!("{path}/comments"), json!({"body": "Second.", "parent_id": above})).await.assert(201);
    let page = app.anyone().get(&format!("{path}?include=comments")).await;
    assert_eq!(page.assert(200).json["comments"], json!({"open": true, "count": 2}));
    assert_eq!(page.json["thread"]["data"][0]["replies"][0]["body_html"], "<p>Second.</p>\n");
    let list = app.anyone().get(&format!("{path}/comments")).await;
    assert_eq!(page.json["thread"], list.json, "the page's thread is the first page of the list");
}

async fn what_is_not_for_everybody_keeps_its_body_to_itself(app: TestApp) {
    let (editor, contributor, anyone) = (app.editor().await, app.contributor().await, app.anyone());
    for visibility in ["public", "members", "premium"] {
        let article = json!({
            "title": visibility, "visibility": visibility, "excerpt": "A teaser.", "body": {"source": "Behind the wall."},
        });
        let path = publish(&editor, article).await;
        let granted = visibility == "public";
        for (client, granted) in [(&anyone, granted), (&contributor, true), (&editor, true)] {
            let single = client.get(&path).await;
            assert_eq!(single.assert(200).json["access"], json!({"granted": granted, "required": visibility}));
            assert_eq!(single.json["body"].is_object(), granted, "{visibility}: {}", single.json);
            assert_eq!(single.json["excerpt"], "A teaser.");
            assert_eq!(single.json["seo"]["json_ld"]["isAccessibleForFree"], visibility == "public");
            let sparse = client.get(&format!("{path}?fields=body")).await;
            assert_eq!(sparse.assert(200).json["body"].is_object(), granted);
            let list = client.get(&format!("/articles?include=body&visibility={visibility}")).await;
            assert_eq!(list.assert(200).json["data"][0]["body"].is_object(), granted);
            let rows = client.get(&format!("/articles?include=body&fields=body&visibility={visibility}")).await;
            assert_eq!(rows.assert(200).json["data"][0]["body"].is_object(), granted);
            for reply in [single, sparse, list, rows] {
                let told = String::from_utf8(reply.bytes).unwrap().contains("Behind the wall");
                assert_eq!(told, granted, "{visibility}");
            }
        }
    }
    // An excerpt that nobody wrote gives a third away at the most, and the whole once it is for everybody.
    let short =
        json!({"title": "Short", "visibility": "premium", "body": {"source": "The secret of the lamp is forty two."}});
    let path = publish(&editor, short).await;
    let teased = anyone.get(&path).await;
    assert_eq!(teased.assert(200).json["excerpt"], "The secret…");
    assert!(!String::from_utf8(teased.bytes).unwrap().contains("forty"));
    let opened = editor.patch(&path, json!({"visibility": "public"})).await;
    assert_eq!(opened.assert(200).json["excerpt"], "The secret of the lamp is forty two.");
    let without = anyone.get("/articles").await;
    assert!(without.json["data"].as_array().unwrap().iter().all(|article| article.get("body").is_none()));
}

async fn a_page_names_all_that_it_was_made_from(app: TestApp) {
    let editor = app.editor().await;
    let mut ids = Vec::new();
    for list in ["authors", "tags", "sections"] {
        ids.push(editor.post(&format!("/{list}"), json!({"name": "Tide"})).await.assert(201).text("/id"));
    }
    let new = json!({"title": "Tide", "authors": ["tide"], "tags": ["tide"], "section": "tide"});
    let id = editor.post("/articles", new).await.assert(201).text("/id");
    editor.put("/articles/tide/publication", json!({})).await.assert(200);
    let keys = async |query: &str| {
        let page = app.anyone().get(&format!("/articles/tide{query}")).await;
        page.assert(200).header("surrogate-key").to_owned()
    };
    let own = format!("article-{id} author-{} tag-{} section-{}", ids[0], ids[1], ids[2]);
    assert_eq!(keys("").await, own);
    assert_eq!(keys("?include=comments,latest").await, format!("{own} comments-{id} articles"));
}

on_both_databases! {
    a_page_names_all_that_it_was_made_from,
    a_draft_is_written_published_changed_and_taken_down,
    only_a_title_is_needed,
    a_byline_that_is_left_out_is_ones_own,
    every_reference_that_names_nothing_is_pointed_at,
    bodies_are_made_safe_and_their_source_is_for_the_staff,
    what_follows_from_the_body_is_derived_until_it_is_given,
    counts_follow_each_step_of_an_articles_life,
    doing_it_again_changes_nothing,
    eight_edits_at_once_all_land_and_of_eight_with_one_tag_one_does,
    counts_stay_right_when_many_publish_and_take_down_at_once,
    eight_of_one_title_at_once_get_slugs_of_their_own,
    related_stories_are_pins_then_shared_tags_then_the_newest,
    what_is_not_public_pushes_no_related_story_out,
    a_contributor_moves_nothing_that_is_public,
    a_page_carries_its_discussion,
    what_is_not_for_everybody_keeps_its_body_to_itself,
}
