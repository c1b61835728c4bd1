//! How many SQL statements a read takes: as many for a long list as for a short one.

use crate::{
    on_both_databases,
    support::{Client, TestApp, blocking},
};
use diesel::connection::{Connection, InstrumentationEvent};
use serde_json::json;
use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Counts what the connections that read are sent.
struct Counter(Arc<AtomicUsize>);

impl Counter {
    async fn of(app: &TestApp) -> Self {
        // What they read is no answer to anybody.
        app.jobs.stop().await;
        let count = Arc::new(AtomicUsize::new(0));
        blocking(|| {
            // All of the pool at once, so that each is a connection of its own.
            let mut pool: Vec<_> = (0..4).map(|_| app.app.db.connection().unwrap()).collect();
            for conn in &mut pool {
                let count = Arc::clone(&count);
                conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                    if matches!(event, InstrumentationEvent::StartQuery { .. }) {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        Self(count)
    }

    /// The statements of one read.
    async fn of_read(&self, client: &Client, path: &str) -> usize {
        self.0.store(0, Ordering::Relaxed);
        client.get(path).await.assert(200);
        let count = self.0.load(Ordering::Relaxed);
        assert!(count > 0, "nothing was counted for {path}");
        count
    }
}

/// A newsroom where every article has two authors and three tags, stands in a section of its own and is discussed.
async fn fill(editor: &Client, articles: usize) {
    for kind in ["authors", "tags", "sections"] {
        for number in 0..20 {
            editor.post(&format!("/{kind}"), json!({"name": format!("{kind} {number}")})).await.assert(201);
        }
    }
    write(editor, 0..articles).await;
}

/// Adds stories.
async fn write(editor: &Client, numbers: Range<usize>) {
    for number in numbers {
        let names =
            |kind: &str, count: usize| (0..count).map(|n| format!("{kind}-{}", (number + n) % 20)).collect::<Vec<_>>();
        let article = json!({
            "title": format!("Story {number}"), "authors": names("authors", 2), "tags": names("tags", 3),
            "section": format!("sections-{}", number % 20), "body": {"source": "Some words."},
        });
        let id = editor.post("/articles", article).await.assert(201).text("/id");
        editor.put(&format!("/articles/{id}/publication"), json!({})).await.assert(200);
        discuss(editor, &format!("story-{number}"), 1).await;
    }
}

/// Adds threads with a reply each.
async fn discuss(editor: &Client, article: &str, threads: usize) {
    for _ in 0..threads {
        let path = format!("/articles/{article}/comments");
        let above = editor.post(&path, json!({"body": "First."})).await.assert(201).text("/id");
        editor.post(&path, json!({"body": "Second.", "parent_id": above})).await.assert(201);
    }
}

async fn a_long_list_takes_as_many_statements_as_a_short_one(app: TestApp) {
    let (editor, anyone, contributor) = (app.editor().await, app.anyone(), app.contributor().await);
    fill(&editor, 22).await;
    let counter = Counter::of(&app).await;
    for client in [&anyone, &contributor, &editor] {
        for list in [
            "/articles?",
            "/articles?include=body&",
            "/articles?count=true&sort=title&",
            "/articles?sort=-updated_at&",
            "/articles?tag=tags-1,tags-2,tags-3&author=authors-2,authors-3,authors-4&section=sections-2,sections-3&",
            "/authors?",
            "/tags?",
            "/sections?",
            "/redirects?count=true&",
            "/articles?tag=tags-1,nothing&",
        ] {
            counter.of_read(client, &format!("{list}limit=1")).await;
            let short = counter.of_read(client, &format!("{list}limit=3")).await;
            let long = counter.of_read(client, &format!("{list}limit=20")).await;
            assert_eq!(short, long, "{list}");
            assert!(long <= 16, "{list}: {long} statements");
        }
    }
    let short = counter.of_read(&editor, "/comments?limit=3").await;
    assert_eq!(short, counter.of_read(&editor, "/comments?limit=20").await);
}

async fn a_whole_page_takes_as_many_statements_however_much_stands_on_it(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&editor, 12).await;
    let names = |kind: &str| (0..20).map(|n| format!("{kind}-{n}")).collect::<Vec<_>>();
    let long =
        json!({"authors": names("authors"), "tags": names("tags"), "related": ["story-2", "story-3", "story-4"]});
    editor.patch("/articles/story-1", long).await.assert(200);
    editor.patch("/articles/story-0", json!({"related": ["story-5"]})).await.assert(200);
    for article in ["story-0", "story-1"] {
        editor.put(&format!("/articles/{article}/publication"), json!({})).await.assert(200);
    }
    discuss(&editor, "story-1", 15).await;
    let counter = Counter::of(&app).await;
    for client in [&anyone, &editor] {
        for query in
            ["", "?include=comments", "?include=latest", "?include=related", "?include=related,latest,comments"]
        {
            counter.of_read(client, &format!("/articles/story-0{query}")).await;
            let short = counter.of_read(client, &format!("/articles/story-0{query}")).await;
            let long = counter.of_read(client, &format!("/articles/story-1{query}")).await;
            assert!(long <= short, "{query}: {long} statements, and {short} for an article with little on its page");
            assert!(long <= 18, "{query}: {long} statements");
        }
        let few = counter.of_read(client, "/articles/story-0/comments").await;
        assert_eq!(few, counter.of_read(client, "/articles/story-1/comments").await);
    }
}

async fn a_feed_or_a_part_of_the_sitemap_takes_as_many_statements_however_much_is_in_it(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&editor, 5).await;
    let month = &stet::clock::now().to_string()[..7];
    let paths = [
        "//feeds/rss.xml",
        "//feeds/atom.xml",
        "//feeds/feed.json",
        "//feeds/sections/sections-1/rss.xml",
        "//feeds/tags/tags-1/rss.xml",
        "//feeds/authors/authors-1/rss.xml",
        "//sitemap.xml",
        &format!("//sitemaps/articles/{month}.xml"),
        "//sitemaps/tags.xml",
        "//news-sitemap.xml",
        "//llms.txt",
    ];
    let count = async || {
        let counter = Counter::of(&app).await;
        let mut counts = Vec::new();
        for path in paths {
            counter.of_read(&anyone, path).await;
            counts.push((path, counter.of_read(&anyone, path).await));
        }
        counts
    };
    let few = count().await;
    write(&editor, 5..50).await;
    assert_eq!(few, count().await);
    assert!(few.iter().all(|(_, statements)| *statements <= 9), "{few:?}");
}

on_both_databases! {
    a_feed_or_a_part_of_the_sitemap_takes_as_many_statements_however_much_is_in_it,
    a_long_list_takes_as_many_statements_as_a_short_one,
    a_whole_page_takes_as_many_statements_however_much_stands_on_it,
}
