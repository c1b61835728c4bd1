//! Slugs that changed: what had one is found by it for ever, by those who may find it at all.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp, spec},
};
use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use stet::db::Id;

/// Creates something, and gives its path by its id.
async fn create(client: &Client, list: &str, body: Value) -> String {
    let created = client.post(list, body).await;
    format!("{list}/{}", created.assert(201).text("/id"))
}

/// Creates an article and publishes it.
async fn story(client: &Client, slug: &str) -> String {
    let path = create(client, "/articles", json!({"title": "The harbour reopens", "slug": slug})).await;
    client.put(&format!("{path}/publication"), json!({})).await.assert(200);
    path
}

async fn rename(client: &Client, path: &str, slug: &str) {
    assert_eq!(client.patch(path, json!({"slug": slug})).await.assert(200).json["slug"], slug);
}

/// It is answered with where it is now.
#[track_caller]
fn assert_leads(reply: &Reply, place: &str) {
    let place = place.strip_prefix("//").map_or_else(|| format!("/api/v1{place}"), |place| format!("/{place}"));
    assert_eq!(reply.assert(308).header("location"), place);
    assert!(reply.bytes.is_empty());
}

/// It is answered as what never was.
async fn assert_absent(client: &Client, slug: &str) {
    for below in ["", "/comments"] {
        let ask = async |slug: &str| {
            let reply = client.get(&format!("/articles/{slug}{below}")).await;
            let headers = reply
                .headers
                .iter()
                .filter(|(name, _)| !["date", "x-request-id", "content-length"].contains(&name.as_str()));
            let mut headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
            headers.sort();
            let mut body = reply.json.clone();
            body["request_id"] = json!(null);
            (reply.status, headers, body.to_string().replace(slug, "{}"))
        };
        assert_eq!(ask(slug).await, ask("never-was").await, "{slug}{below}");
        assert_eq!(ask(slug).await.0, 404);
    }
}

async fn what_had_a_slug_is_found_by_it(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    story(&editor, "old-name").await;
    for list in ["/tags", "/authors", "/sections"] {
        create(&editor, list, json!({"name": "Old name"})).await;
    }
    for list in ["/articles", "/tags", "/authors", "/sections"] {
        rename(&editor, &format!("{list}/old-name"), "new-name").await;
        let (old, new) = (format!("{list}/old-name"), format!("{list}/new-name"));
        let led = anyone.get(&old).await;
        assert_leads(&led, &new);
        assert_eq!(led.header("cache-control"), "public, no-cache");
        assert!(led.header("vary").starts_with("accept, authorization"));
        let led = anyone.raw(Method::HEAD, &old, Vec::new()).await;
        assert_leads(&led, &new);
        let led = editor.get(&old).await;
        assert_leads(&led, &new);
        assert_eq!(led.header("cache-control"), "no-store");
        assert_eq!(anyone.get(&new).await.assert(200).json["slug"], "new-name");
        assert_leads(&editor.patch(&format!("{old}?dry_run=true"), json!({})).await, &format!("{new}?dry_run=true"));
    }
    // The query goes along as it was sent.
    let led = anyone.get("/articles/old%2Dname?include=related,latest&fields=id,slug&view=published").await;
    assert_leads(&led, "/articles/new-name?include=related,latest&fields=id,slug&view=published");
    let led = anyone.get("/articles/old-name/comments?limit=%35").await;
    assert_leads(&led, "/articles/new-name/comments?limit=%35");
    // What one may not do is refused as ever.
    anyone.patch("/articles/old-name", json!({})).await.assert(401);
    anyone.get("/articles/old-name?nothing=1").await.assert(400);
    let preflight = anyone.raw(Method::OPTIONS, "/articles/old-name", Vec::new()).await;
    assert_ne!(preflight.assert(204).header("allow"), "");
}

async fn every_operation_on_what_has_a_slug_is_led_on(app: TestApp) {
    let editor = app.editor().await;
    let (live, trashed) = (story(&editor, "live").await, story(&editor, "trashed").await);
    rename(&editor, &live, "live-now").await;
    rename(&editor, &trashed, "trashed-now").await;
    editor.delete(&trashed).await.assert(204);
    for list in ["/tags", "/authors", "/sections"] {
        rename(&editor, &create(&editor, list, json!({"name": "Live"})).await, "live-now").await;
    }
    let mut tried = 0;
    for operation in spec::operations().iter().filter(|operation| operation.path.contains("{ref}")) {
        let slug = if operation.id == "restore_article" { "trashed" } else { "live" };
        let id = Id::new().to_string();
        let place =
            |slug: &str| operation.template().replace("{ref}", slug).replace("{number}", "1").replace("{id}", &id);
        let mut body = operation.value["requestBody"]["content"]["application/json"]["example"].clone();
        for reference in ["authors", "tags", "section", "related", "parent", "parent_id", "revision"] {
            body.as_object_mut().and_then(|body| body.shift_remove(reference));
        }
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap();
        let reply = editor.send(method, &place(slug), (!body.is_null()).then_some(body)).await;
        assert_eq!(reply.status, 308, "{}: {}", operation.id, reply.json);
        assert_leads(&reply, &place(&format!("{slug}-now")));
        tried += 1;
    }
    assert!(tried >= 18, "{tried}");
    // A guest's comment, too, is sent again to the right place.
    let comment = json!({"name": "Jo", "email": "jo@example.org", "body": "At last."});
    let keyed = app.anyone().with("idempotency-key", "one");
    let led = keyed.post("/articles/live/comments", comment.clone()).await;
    assert_leads(&led, "/articles/live-now/comments");
    keyed.post("/articles/live-now/comments", comment).await.assert(201);
    assert_eq!(editor.get("/comments?article=live&count=true").await.assert(200).json["page"]["total"], 1);
}

async fn chains_are_one_step_and_a_slug_can_be_taken_back(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let story = story(&editor, "one").await;
    let tag = create(&editor, "/tags", json!({"name": "One"})).await;
    for (path, list) in [(&story, "/articles"), (&tag, "/tags")] {
        rename(&editor, path, "two").await;
        rename(&editor, path, "three").await;
        for old in ["one", "two"] {
            assert_leads(&anyone.get(&format!("{list}/{old}")).await, &format!("{list}/three"));
        }
        rename(&editor, path, "one").await;
        anyone.get(&format!("{list}/one")).await.assert(200);
        for old in ["two", "three"] {
            assert_leads(&anyone.get(&format!("{list}/{old}")).await, &format!("{list}/one"));
        }
        // The same slug is no change, and neither is what is only tried.
        rename(&editor, path, "one").await;
        editor.patch(&format!("{path}?dry_run=true"), json!({"slug": "four"})).await.assert(200);
        anyone.get(&format!("{list}/four")).await.assert(404);
        anyone.get(&format!("{list}/one")).await.assert(200);
    }
}

async fn a_drafts_slugs_are_nobody_elses_business(app: TestApp) {
    let (owner, other, editor, anyone) = (app.author().await, app.author().await, app.editor().await, app.anyone());
    let path = create(&owner, "/articles", json!({"title": "Mayor resigns"})).await;
    rename(&owner, &path, "mayor").await;
    for stranger in [&anyone, &other] {
        assert_absent(stranger, "mayor-resigns").await;
        assert_absent(stranger, "mayor").await;
    }
    for insider in [&owner, &editor] {
        assert_leads(&insider.get("/articles/mayor-resigns").await, "/articles/mayor");
    }
    // It is public now, and what it was called in preparation is still nobody's business.
    owner.put(&format!("{path}/publication"), json!({})).await.assert(200);
    for stranger in [&anyone, &other] {
        assert_absent(stranger, "mayor-resigns").await;
        stranger.get("/articles/mayor").await.assert(200);
    }
    owner.get("/articles/mayor-resigns?view=published").await.assert(404);
    assert_leads(&owner.get("/articles/mayor-resigns").await, "/articles/mayor");
    other.patch("/articles/mayor-resigns", json!({"title": "x"})).await.assert(404);
    // What was public leads on, also those who will be told that it is not theirs.
    rename(&owner, &path, "the-mayor").await;
    for reader in [&anyone, &other, &owner, &editor] {
        assert_leads(&reader.get("/articles/mayor").await, "/articles/the-mayor");
    }
    assert_leads(&other.patch("/articles/mayor", json!({"title": "x"})).await, "/articles/the-mayor");
    assert_leads(&owner.get("/articles/mayor-resigns").await, "/articles/the-mayor");
}

async fn nobody_is_led_to_what_is_hidden(app: TestApp) {
    let (owner, other, anyone) = (app.author().await, app.author().await, app.anyone());
    let path = story(&owner, "was").await;
    rename(&owner, &path, "is").await;
    assert_leads(&anyone.get("/articles/was").await, "/articles/is");
    owner.delete(&format!("{path}/publication")).await.assert(204);
    for stranger in [&anyone, &other] {
        assert_absent(stranger, "was").await;
    }
    assert_leads(&owner.get("/articles/was").await, "/articles/is");
    // What it is called while it is archived, the public does not learn when it comes back.
    rename(&owner, &path, "between").await;
    rename(&owner, &path, "again").await;
    owner.put(&format!("{path}/publication"), json!({})).await.assert(200);
    for stranger in [&anyone, &other] {
        assert_absent(stranger, "between").await;
        assert_leads(&stranger.get("/articles/was").await, "/articles/again");
        assert_leads(&stranger.get("/articles/is").await, "/articles/again");
    }
    assert_leads(&owner.get("/articles/between").await, "/articles/again");
    owner.delete(&path).await.assert(204);
    for everybody in [&anyone, &other, &owner] {
        assert_absent(everybody, "was").await;
    }
    owner.send(Method::POST, "/articles/again/restore", None).await.assert(200);
    assert_leads(&anyone.get("/articles/was").await, "/articles/again");
}

async fn what_the_public_knows_is_not_given_away(app: TestApp) {
    let (editor, owner, anyone) = (app.editor().await, app.contributor().await, app.anyone());
    let path = story(&editor, "harbour").await;
    rename(&editor, &path, "port").await;
    for refused in [
        owner.post("/articles", json!({"title": "Mine", "slug": "harbour"})).await,
        editor.patch(&create(&editor, "/articles", json!({"title": "Other"})).await, json!({"slug": "harbour"})).await,
    ] {
        let detail = refused.assert_problem(409, "slug_taken").text("/detail");
        assert!(detail.contains("still leads") && !detail.contains("port"), "{detail}");
        assert_eq!(refused.mistakes(), [("/slug".into(), "taken".into())]);
    }
    editor.delete(&path).await.assert(204);
    owner.post("/articles", json!({"title": "Mine", "slug": "harbour"})).await.assert_problem(409, "slug_taken");
    let made = owner.post("/articles", json!({"title": "Harbour"})).await;
    assert_eq!(made.assert(201).json["slug"], "harbour-2");
    // One kind's slugs are no other's.
    for list in ["/tags", "/authors", "/sections"] {
        let path = create(&editor, list, json!({"name": "Harbour"})).await;
        rename(&editor, &path, "port").await;
        editor.post(list, json!({"name": "x", "slug": "harbour"})).await.assert_problem(409, "slug_taken");
        assert_eq!(editor.post(list, json!({"name": "Harbour"})).await.assert(201).json["slug"], "harbour-2");
        // What is gone for good leads nowhere, and its slugs are free.
        editor.delete(&path).await.assert(204);
        anyone.get(&format!("{list}/harbour")).await.assert(404);
        editor.post(list, json!({"name": "x", "slug": "harbour"})).await.assert(201);
    }
    // What never was public may be taken by anyone.
    let draft = create(&editor, "/articles", json!({"title": "Secret plan"})).await;
    rename(&editor, &draft, "plan").await;
    assert_eq!(
        editor.post("/articles", json!({"title": "Secret plan"})).await.assert(201).json["slug"],
        "secret-plan-2"
    );
    let taken = create(&owner, "/articles", json!({"title": "Mine", "slug": "secret-plan"})).await;
    let found = editor.get("/articles/secret-plan").await;
    assert_eq!(format!("/articles/{}", found.assert(200).text("/id")), taken);
    // It can be given back, and nothing of it stands in the way.
    rename(&owner, &taken, "mine").await;
    assert_leads(&editor.get("/articles/secret-plan").await, "/articles/mine");
    rename(&editor, &draft, "secret-plan").await;
    editor.get("/articles/secret-plan").await.assert(200);
}

async fn references_are_understood_by_old_slugs(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for list in ["/tags", "/authors", "/sections"] {
        create(&editor, list, json!({"name": "Other"})).await;
        rename(&editor, &create(&editor, list, json!({"name": "Old"})).await, "new").await;
    }
    create(&editor, "/sections", json!({"name": "Below", "parent": "old"})).await;
    rename(&editor, &story(&editor, "first").await, "first-now").await;
    let written = json!({
        "title": "Story", "tags": ["old", "other", "new"], "authors": ["old"], "section": "old", "related": ["first"],
    });
    let path = create(&editor, "/articles", written).await;
    editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
    let found = anyone.get("/articles/story?include=related").await;
    let slugs = |field: &str| {
        let items = found.json[field].as_array().unwrap();
        items.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!((slugs("tags"), slugs("authors")), (vec!["new".into(), "other".into()], vec!["new".into()]));
    assert_eq!((found.text("/section/slug"), slugs("related")), ("new".into(), vec!["first-now".into()]));
    editor.patch(&path, json!({"tags": ["old"]})).await.assert(200);
    let unknown = editor.patch(&path, json!({"tags": ["old", "older"]})).await;
    assert_eq!(unknown.assert_problem(422, "validation_failed").mistakes(), [("/tags/1".into(), "not_found".into())]);
    for filter in [
        "tag=old",
        "tag=old,nothing",
        "tag_all=old,other",
        "tag_all=old,new",
        "author=old",
        "section=old",
        "section=nothing,old",
    ] {
        assert_eq!(anyone.get(&format!("/articles?{filter}")).await.assert(200).column("slug"), ["story"], "{filter}");
    }
    for filter in ["tag=older", "tag_all=old,older", "author=older", "section=older"] {
        assert!(anyone.get(&format!("/articles?{filter}")).await.assert(200).column("slug").is_empty(), "{filter}");
    }
    create(&editor, "/articles", json!({"title": "Deep", "section": "below"})).await;
    editor.put("/articles/deep/publication", json!({})).await.assert(200);
    assert_eq!(anyone.get("/articles?section=old&sort=title").await.column("slug"), ["deep", "story"]);
    assert_eq!(anyone.get("/sections?parent=old").await.assert(200).column("slug"), ["below"]);
    // A draft's old slugs name nothing to anybody.
    let draft = create(&editor, "/articles", json!({"title": "Draft"})).await;
    rename(&editor, &draft, "hidden").await;
    editor.patch(&path, json!({"related": ["draft"]})).await.assert_problem(422, "validation_failed");
}

async fn paths_follow_a_sections_slug(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    create(&editor, "/sections", json!({"name": "News"})).await;
    create(&editor, "/sections", json!({"name": "Local", "parent": "news"})).await;
    rename(&editor, "/sections/news", "current").await;
    assert_eq!(anyone.get("/sections/local").await.assert(200).json["path"], "current/local");
    assert_leads(&anyone.get("/sections/news").await, "/sections/current");
    rename(&editor, "/sections/local", "town").await;
    assert_leads(&anyone.get("/sections/local").await, "/sections/town");
    assert_eq!(anyone.get("/sections/town").await.assert(200).json["path"], "current/town");
}

async fn of_many_who_want_a_slug_one_gets_it(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for round in 0..5 {
        let wanted = format!("wanted-{round}");
        // One has it and gives it up, in public, while others want it, and one makes it from a title.
        let leaving = story(&editor, &wanted).await;
        let mut others = Vec::new();
        for number in 0..6 {
            others.push(story(&editor, &format!("other-{round}-{number}")).await);
        }
        let away = editor.patch(&leaving, json!({"slug": format!("away-{round}")}));
        let takes = others.iter().map(|path| editor.patch(path, json!({"slug": wanted})));
        let made = editor.post("/articles", json!({"title": wanted}));
        let ((away, made), takes) = futures_util::join!(async { futures_util::join!(away, made) }, join_all(takes));
        away.assert(200);
        assert_eq!(made.assert(201).json["slug"], format!("{wanted}-2"));
        for reply in &takes {
            reply.assert_problem(409, "slug_taken");
        }
        assert_leads(&anyone.get(&format!("/articles/{wanted}")).await, &format!("/articles/away-{round}"));
        // A slug that is free: one gets it.
        let fresh = format!("fresh-{round}");
        let takes = join_all(others.iter().map(|path| editor.patch(path, json!({"slug": fresh})))).await;
        let (got, lost): (Vec<_>, Vec<_>) = takes.iter().partition(|reply| reply.status == 200);
        assert_eq!((got.len(), lost.len()), (1, 5));
        for reply in lost {
            reply.assert_problem(409, "slug_taken");
        }
        // Two who swap: a slug is either somebody's or leads to somebody, and never both.
        let (one, two) = (format!("one-{round}"), format!("two-{round}"));
        let draft = create(&editor, "/articles", json!({"title": "Draft", "slug": one})).await;
        let swaps = [&one, &two, &one, &two].map(|slug| editor.patch(&draft, json!({"slug": slug})));
        let rivals = [&one, &two].map(|slug| editor.patch(&others[0], json!({"slug": slug})));
        let (swaps, rivals) = futures_util::join!(join_all(swaps), join_all(rivals));
        for reply in swaps.iter().chain(&rivals) {
            assert!(reply.status == 200 || reply.status == 409, "{} {}", reply.status, reply.json);
        }
        for path in [&draft, &others[0]] {
            let slug = editor.get(path).await.text("/slug");
            editor.get(&format!("/articles/{slug}")).await.assert(200);
            rename(&editor, path, &format!("{slug}-end")).await;
        }
    }
}

on_both_databases! {
    what_had_a_slug_is_found_by_it,
    every_operation_on_what_has_a_slug_is_led_on,
    chains_are_one_step_and_a_slug_can_be_taken_back,
    a_drafts_slugs_are_nobody_elses_business,
    nobody_is_led_to_what_is_hidden,
    what_the_public_knows_is_not_given_away,
    references_are_understood_by_old_slugs,
    paths_follow_a_sections_slug,
    of_many_who_want_a_slug_one_gets_it,
}
