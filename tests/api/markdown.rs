//! An article as Markdown, and `/llms.txt`, which leads to it.

use crate::{
    on_both_databases,
    support::{Client, Reply, TestApp},
};
use actix_web::http::Method;
use serde_json::{Value, json};

const MEDIA_TYPE: &str = "text/markdown; charset=utf-8";

async fn publish(editor: &Client, article: Value) -> String {
    let path = format!("/articles/{}", editor.post("/articles", article).await.assert(201).text("/slug"));
    editor.put(&format!("{path}/publication"), json!({})).await.assert(200);
    path
}

fn text(reply: &Reply) -> String {
    assert_eq!(reply.assert(200).header("content-type"), MEDIA_TYPE);
    String::from_utf8(reply.bytes.clone()).unwrap()
}

fn asking(client: &Client) -> Client {
    client.with("accept", "text/markdown")
}

async fn fill(editor: &Client) {
    editor.post("/authors", json!({"name": "Mira [Holt]", "slug": "mira"})).await.assert(201);
    let article = json!({
        "title": "Ebb *and* <flow>", "slug": "ebb", "subtitle": "A_standfirst_", "authors": ["mira"],
        "image": {"url": "https://images.example/ebb.jpg", "alt": "Low [water]", "caption": "The quay.", "credit": "Jo"},
        "body": {"source": "Read [on](/more) and `code`.\n\n<!-- for the desk alone -->\n\n## Then\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done"},
    });
    publish(editor, article).await;
}

async fn an_article_is_a_text_for_those_who_ask_for_one(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&editor).await;
    let reply = asking(&anyone).get("/articles/ebb").await;
    let article = anyone.get("/articles/ebb").await;
    let published = article.text("/published_at");
    let expected = format!(
        "# Ebb \\*and\\* &lt;flow>\n\n**A\\_standfirst\\_**\n\nBy [Mira \\[Holt\\]](https://news.example/authors/mira) · {} {} UTC\n\n\
        ![Low \\[water\\]](https://images.example/ebb.jpg)\n\n*The quay. · Jo*\n\n\
        Read [on](https://news.example/more) and `code`.\n\n## Then\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n- [x] done\n",
        &published[..10],
        &published[11..16]
    );
    assert_eq!(text(&reply), expected);
    // What stands in the source alone is nobody's business.
    assert!(!expected.contains("desk"));
    assert_eq!(text(&anyone.get("/articles/ebb?format=markdown").await), expected);
    assert_eq!(text(&anyone.get(&format!("/articles/{}?format=markdown", article.text("/id"))).await), expected);
    for (accept, media) in [
        ("text/markdown, */*;q=0.1", MEDIA_TYPE),
        ("text/markdown, text/html, */*", MEDIA_TYPE),
        ("text/*", MEDIA_TYPE),
        ("application/json, text/markdown", "application/json"),
        ("text/markdown;q=0.1, application/json", "application/json"),
        ("*/*", "application/json"),
    ] {
        let reply = anyone.with("accept", accept).get("/articles/ebb").await;
        assert_eq!(reply.assert(200).header("content-type"), media, "{accept}");
        assert!(reply.header("vary").contains("accept"), "{accept}");
    }
    assert_eq!(asking(&anyone).get("/articles/ebb?format=json").await.header("content-type"), "application/json");
    for accept in ["text/html", "text/csv", "text/markdown;q=0"] {
        anyone.with("accept", accept).get("/articles/ebb").await.assert_problem(406, "not_acceptable");
    }
    // Nothing else is Markdown.
    for path in ["/articles", "/tags", "/articles/ebb/comments", "/site"] {
        asking(&anyone).get(path).await.assert_problem(406, "not_acceptable");
    }
    asking(&editor).patch("/articles/ebb", json!({"title": "Flow"})).await.assert_problem(406, "not_acceptable");
    asking(&anyone).get("/articles/none").await.assert_problem(404, "not_found");
}

async fn a_text_has_a_tag_of_its_own(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    fill(&editor).await;
    let (reply, article) = (asking(&anyone).get("/articles/ebb").await, anyone.get("/articles/ebb").await);
    assert_ne!(reply.etag(), article.etag());
    assert_eq!(reply.header("surrogate-key"), article.header("surrogate-key"));
    assert_eq!(reply.header("cache-control"), "public, no-cache");
    let known = asking(&anyone).with("if-none-match", reply.etag()).get("/articles/ebb").await;
    assert_eq!(known.assert(304).etag(), reply.etag());
    asking(&anyone).with("if-none-match", article.etag()).get("/articles/ebb").await.assert(200);
    let head = asking(&anyone).raw(Method::HEAD, "/articles/ebb", Vec::new()).await;
    assert_eq!((head.assert(200).etag(), head.header("content-type")), (reply.etag(), MEDIA_TYPE));
    // Whoever read the text may change what was read.
    let desk = asking(&editor).get("/articles/ebb").await;
    editor.with("if-match", desk.etag()).patch("/articles/ebb", json!({"title": "Flow"})).await.assert(200);
    editor.with("if-match", desk.etag()).patch("/articles/ebb", json!({"title": "Tide"})).await.assert(412);
    assert!(text(&asking(&editor).get("/articles/ebb").await).starts_with("# Flow\n"));
    assert!(text(&asking(&editor).get("/articles/ebb?view=published").await).starts_with("# Ebb "));
    assert_eq!(text(&asking(&anyone).get("/articles/ebb").await), text(&reply));
    editor.patch("/articles/ebb", json!({"slug": "flow"})).await.assert(200);
    let moved = anyone.get("/articles/ebb?format=markdown").await;
    assert_eq!(moved.assert(308).header("location"), "/api/v1/articles/flow?format=markdown");
}

async fn a_text_says_what_its_reader_may_know(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    for visibility in ["members", "premium"] {
        let article = json!({"title": visibility, "visibility": visibility, "excerpt": "A *teaser*.", "body": {"source": "Behind the wall."}});
        let path = publish(&editor, article).await;
        let told = text(&asking(&anyone).get(&path).await);
        assert!(told.contains("A \\*teaser\\*.") && told.contains(&format!("(https://news.example{path})")), "{told}");
        assert!(!told.contains("Behind the wall"), "{told}");
        assert!(text(&asking(&editor).get(&path).await).contains("Behind the wall."));
    }
    let draft = format!("/articles/{}", editor.post("/articles", json!({"title": "Draft"})).await.text("/slug"));
    asking(&anyone).get(&draft).await.assert_problem(404, "not_found");
    assert_eq!(text(&asking(&editor).get(&draft).await), "# Draft\n");
    let preview = editor.post(&format!("{draft}/previews"), json!({})).await.text("/token");
    for query in [format!("preview={preview}"), "fields=title".into(), "include=related".into()] {
        let refused = anyone.get(&format!("{draft}?format=markdown&{query}")).await;
        let name = query.split('=').next().unwrap();
        assert_eq!(
            refused.assert_problem(400, "invalid_parameter").mistakes(),
            [(name.to_owned(), "conflict".to_owned())]
        );
    }
    anyone.get(&format!("{draft}?format=yaml")).await.assert_problem(400, "invalid_parameter");
    asking(&anyone).get("/articles/premium?view=working").await.assert_problem(400, "invalid_parameter");
}

async fn html_and_whatever_else_becomes_a_text(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let html = "<h2>One</h2><p>A &lt;script&gt; and <b>more</b>.</p><script>alert(1)</script><figure><img src='a.png' alt='A'><figcaption>Below</figcaption></figure>";
    let path = publish(&editor, json!({"title": "HTML", "body": {"format": "html", "source": html}})).await;
    let told = text(&asking(&anyone).get(&path).await);
    assert!(
        told.contains("## One\n\nA &lt;script> and **more**.\n\n![A](https://news.example/articles/a.png)"),
        "{told}"
    );
    assert!(!told.contains("alert"), "{told}");
    let deep = format!("{}{}", "<blockquote>".repeat(90), "x<br>".repeat(60_000));
    let path = publish(&editor, json!({"title": "Deep", "body": {"format": "html", "source": deep}})).await;
    assert!(asking(&anyone).get(&path).await.assert(200).bytes.len() < 25_000_000);
    let long = "> word\n\n".repeat(60_000);
    let path = publish(&editor, json!({"title": "Long", "body": {"source": long}})).await;
    assert!(text(&asking(&anyone).get(&path).await).contains("word word"));
}

async fn what_is_struck_out_or_raised_says_what_it_said(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let source =
        "They close on ~~Wednesday~~ Tuesday, ~~*or* later~~ and lose 10<sup>6</sup> litres of H<sub>2</sub>O.";
    let path = publish(&editor, json!({"title": "Closing", "body": {"source": source}})).await;
    let told = text(&asking(&anyone).get(&path).await);
    let expected = "They close on ~~Wednesday~~ Tuesday, <del>*or* later</del> and lose 10<sup>6</sup> litres of H<sub>2</sub>O.\n";
    assert!(told.ends_with(expected), "{told}");
    let article = anyone.get(&path).await;
    assert_eq!(article.json["excerpt"], "They close on Tuesday, and lose 10⁶ litres of H2O.");
    assert_eq!(article.json["word_count"], 10);
    for (word, found) in [("Wednesday", 0), ("Tuesday", 1), ("litres", 1)] {
        let hits = anyone.get(&format!("/search?q={word}")).await;
        assert_eq!(hits.assert(200).json["data"].as_array().unwrap().len(), found, "{word}");
    }
    // Whatever it holds, it can be read again.
    let html = "<p>a<s>b</s>c <del>~x~</del> <strike> y </strike><sup></sup></p><del><p>One</p><p>Two</p></del>";
    let path = publish(&editor, json!({"title": "HTML", "body": {"format": "html", "source": html}})).await;
    let told = text(&asking(&anyone).get(&path).await);
    let expected = "a~~b~~c <del>\\~x~</del> ~~y~~ \n\n<del>\n\nOne\n\nTwo\n\n</del>\n";
    assert!(told.ends_with(expected), "{told}");
}

async fn a_guide_leads_to_the_newest_texts(app: TestApp) {
    let (editor, anyone) = (app.editor().await, app.anyone());
    let empty = anyone.get("//llms.txt").await;
    assert!(String::from_utf8(empty.assert(200).bytes.clone()).unwrap().starts_with("# The Lantern\n"));
    for section in [
        json!({"name": "News", "position": 2}),
        json!({"name": "A [b]", "slug": "a", "position": 1}),
        json!({"name": "Tech", "parent": "news"}),
    ] {
        editor.post("/sections", section).await.assert(201);
    }
    for number in 0..12 {
        publish(
            &editor,
            json!({"title": format!("Story {number}"), "section": "tech", "body": {"source": "word ".repeat(100)}}),
        )
        .await;
    }
    publish(
        &editor,
        json!({"title": "[x](y) <z>", "slug": "z", "excerpt": "# a\u{2028}", "section": "a", "visibility": "premium"}),
    )
    .await;
    publish(&editor, json!({"title": "Nowhere"})).await;
    publish(&editor, json!({"title": "Hidden", "seo": {"noindex": true}})).await;
    let guide = anyone.get("//llms.txt").await;
    let guide = String::from_utf8(guide.assert(200).bytes.clone()).unwrap();
    let headings: Vec<&str> = guide.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(headings, ["# The Lantern", "## A \\[b\\]", "## News", "## Other stories", "## Optional"]);
    assert!(
        guide.contains("- [\\[x\\](y) &lt;z\\>](https://news.example/api/v1/articles/z?format=markdown): \\# a"),
        "{guide}"
    );
    assert!(guide.contains("[Story 11]") && !guide.contains("[Story 1]") && !guide.contains("Hidden"), "{guide}");
    assert!(guide.contains("(https://news.example/feeds/sections/news/rss.xml)"), "{guide}");
    for path in ["/feeds/rss.xml", "/sitemap.xml", "/openapi.json"] {
        assert!(guide.contains(&format!("(https://news.example{path})")), "{path}");
    }
    // Each link to an article is one to its text.
    let links = guide.split("](https://news.example/api/v1").skip(1).map(|rest| rest.split(')').next().unwrap());
    let links: Vec<&str> = links.collect();
    assert_eq!(links.len(), 12);
    for link in links {
        text(&anyone.get(link).await);
    }
}

on_both_databases! {
    an_article_is_a_text_for_those_who_ask_for_one,
    a_text_has_a_tag_of_its_own,
    a_text_says_what_its_reader_may_know,
    html_and_whatever_else_becomes_a_text,
    what_is_struck_out_or_raised_says_what_it_said,
    a_guide_leads_to_the_newest_texts,
}
