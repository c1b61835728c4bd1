//! What is found, in which order, and how it is shown.

use super::{Desk, encoded, hits, pages};
use crate::{
    on_both_databases,
    support::{Reply, TestApp},
};
use serde_json::{Value, json};
use stet::permissions::Role;

/// A newsroom on the coast, the oldest story first.
async fn coast(app: TestApp) -> Desk {
    let desk = Desk::open(app).await;
    for (kind, new) in [
        ("tags", json!({"name": "Harbour", "description": "Where ships lie."})),
        ("tags", json!({"name": "Weather"})),
        ("authors", json!({"name": "Mira Holt", "bio": "Writes of **storms** and of those at sea."})),
        ("authors", json!({"name": "Jo Ferrant"})),
        ("sections", json!({"name": "News"})),
        ("sections", json!({"name": "Technology", "parent": "news"})),
    ] {
        desk.add(kind, new).await;
    }
    let often = "The lighthouse stands. A lighthouse is a house. The lighthouse burns at night.";
    for article in [
        json!({"title": "An old lighthouse", "body": {"source": "It has stood for long."}, "authors": ["mira-holt"], "section": "news"}),
        json!({"title": "Keepers", "subtitle": "A lighthouse without them", "body": {"source": "Nobody is there."}, "tags": ["harbour"]}),
        json!({"title": "Night work", "excerpt": "", "body": {"source": often}, "section": "technology", "authors": ["jo-ferrant"]}),
        json!({"title": "A walk", "excerpt": "", "body": {"source": format!("We saw a lighthouse. {}", "Then we walked on. ".repeat(90))}, "tags": ["weather"]}),
        json!({"title": "Storm warning for the harbour", "excerpt": "", "body": {"source": "The harbour master warns of storms. Nothing sails."}, "tags": ["harbour", "weather"]}),
        json!({"title": "Café owners storm out of council meeting", "excerpt": "", "body": {"source": "They ran a naïve campaign, and the harbour wall fell in the end."}}),
        json!({"title": "The harbour’s wall", "excerpt": "", "body": {"source": "A wall of the harbour. It was mended with e-mail and state-of-the-art glue."}}),
    ] {
        desk.publish(article).await;
    }
    desk
}

/// What is typed, and the titles that are found, the best first. Both databases meet it without a difference.
const CASES: &[(&str, &[&str])] = &[
    // In the title, in what leads to the text, again and again in it, and somewhere in it.
    ("lighthouse", &["An old lighthouse", "Keepers", "Night work", "A walk"]),
    ("lighthouses", &["An old lighthouse", "Keepers", "Night work", "A walk"]),
    ("LIGHTHOUSE", &["An old lighthouse", "Keepers", "Night work", "A walk"]),
    ("light", &[]),
    ("light*", &["An old lighthouse", "Keepers", "Night work", "A walk"]),
    ("lighthouses*", &[]),
    // All words, wherever they stand.
    ("storm harbour", &["Storm warning for the harbour", "Café owners storm out of council meeting"]),
    ("harbour storm", &["Storm warning for the harbour", "Café owners storm out of council meeting"]),
    ("storms warned", &["Storm warning for the harbour"]),
    ("storm nothing everywhere", &[]),
    // Side by side.
    ("\"harbour wall\"", &["The harbour’s wall", "Café owners storm out of council meeting"]),
    ("\"wall harbour\"", &[]),
    ("\"walls of the harbours\"", &["The harbour’s wall"]),
    ("\"harbour mas*\"", &["Storm warning for the harbour"]),
    ("harbour wall", &["The harbour’s wall", "Café owners storm out of council meeting"]),
    // Not.
    ("harbour -wall", &["Storm warning for the harbour", "Keepers"]),
    ("harbour -\"harbour wall\"", &["Storm warning for the harbour", "Keepers"]),
    ("-harbour -lighthouse", &[]),
    ("-harbour", &["A walk", "Night work", "An old lighthouse"]),
    // Without accents, and with others.
    ("cafe", &["Café owners storm out of council meeting"]),
    ("CAFÉ", &["Café owners storm out of council meeting"]),
    ("cafe\u{301}s", &["Café owners storm out of council meeting"]),
    ("naive", &["Café owners storm out of council meeting"]),
    // By the names it carries.
    ("mira", &["An old lighthouse"]),
    ("holt", &["An old lighthouse"]),
    ("technology", &["Night work"]),
    ("weather", &["Storm warning for the harbour", "A walk"]),
    ("weather -storm", &["A walk"]),
    // Words that are joined.
    ("e-mail", &["The harbour’s wall"]),
    ("state-of-the-art", &["The harbour’s wall"]),
    ("art-of-the-state", &[]),
    (
        "harbour's",
        &["Storm warning for the harbour", "The harbour’s wall", "Keepers", "Café owners storm out of council meeting"],
    ),
    // None but words that are everywhere.
    ("it has", &["An old lighthouse"]),
    ("the of", &["The harbour’s wall", "Storm warning for the harbour", "Café owners storm out of council meeting"]),
];

async fn what_is_looked_for_is_found_the_best_first(app: TestApp) {
    let desk = coast(app).await;
    let mut wrong = Vec::new();
    for (q, titles) in CASES {
        let mut found = desk.found(q).await;
        let mut expected = titles.to_vec();
        if *q == "harbour's" || *q == "the of" {
            found.sort();
            expected.sort();
        }
        if found != expected {
            wrong.push(format!("{q}: {found:?}, not {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn a_language_has_its_own_endings(app: TestApp) {
    let desk = Desk::open(app).await;
    for (language, title, body) in [
        ("de", "Die Häuser am Hafen", "Der Fährmann wartete."),
        ("fr", "Les générations de l’eau", "Nous nageons."),
        ("es", "Los pescadores cantan", "Canciones del mar."),
        ("pt-BR", "As canções do mar", "Pescadores."),
        ("ru", "Корабли в гавани", "Ветер."),
        ("zh", "東京港開放", "船回來了"),
        ("sw", "Meli bandarini", "Upepo."),
    ] {
        desk.publish(json!({"title": title, "body": {"source": body}, "language": language})).await;
    }
    for (query, title) in [
        ("q=haus&language=de", "Die Häuser am Hafen"),
        ("q=Hausern&language=de", "Die Häuser am Hafen"),
        ("q=generation&language=fr", "Les générations de l’eau"),
        ("q=eau&language=fr", "Les générations de l’eau"),
        ("q=pescador&language=es", "Los pescadores cantan"),
        ("q=cancoes&language=pt-BR", "As canções do mar"),
        ("q=корабль&language=ru", "Корабли в гавани"),
        ("q=東京&language=zh", "東京港開放"),
        ("q=東京", "東京港開放"),
        ("q=\"開放\"", "東京港開放"),
        ("q=bandarini&language=sw", "Meli bandarini"),
        // In other languages a word is found as it is written.
        ("q=Häuser", "Die Häuser am Hafen"),
        ("q=generations", "Les générations de l’eau"),
        ("q=КОРАБЛИ", "Корабли в гавани"),
    ] {
        let query: Vec<_> = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(name, v)| format!("{name}={}", encoded(v)))
            .collect();
        let reply = desk.app.anyone().get(&format!("/articles?{}", query.join("&"))).await;
        assert_eq!(reply.assert(200).column("title"), [title], "{query:?}");
    }
    assert_eq!(desk.found("京東").await, Vec::<String>::new());
    assert_eq!(desk.found("Häusern").await, Vec::<String>::new());
}

async fn a_phrase_is_found_in_whatever_language(app: TestApp) {
    let desk = Desk::open(app).await;
    let body = json!({"source": "On les voyait de loin."});
    desk.publish(json!({"title": "Les chevaux blancs", "language": "fr", "body": body, "excerpt": ""})).await;
    desk.publish(json!({"title": "Новые книги", "language": "ru", "excerpt": ""})).await;
    let admin = desk.app.signed_in(Role::Admin).await;
    for languages in [json!(["en"]), json!(["en", "fr", "ru"]), json!(["en", "de"])] {
        admin.patch("/site", json!({"languages": languages})).await.assert(200);
        for phrase in ["\"chevaux blancs\"", "\"les chevaux blancs\"", "\"voyait de loin\""] {
            assert_eq!(desk.found(phrase).await, ["Les chevaux blancs"], "{phrase} {languages}");
        }
        assert_eq!(desk.found("\"новые книги\"").await, ["Новые книги"], "{languages}");
        assert_eq!(desk.found("\"blancs on\"").await, Vec::<String>::new(), "{languages}");
    }
}

async fn what_was_found_is_marked_in_html_that_is_safe(app: TestApp) {
    let desk = Desk::open(app).await;
    let body = "Long before. ".repeat(60)
        + "Then the **harbours** & <b>the</b> `<script>` of them. "
        + &"Long after. ".repeat(60);
    let article = json!({"title": "<script>alert(1)</script> in the harbour", "excerpt": "A \"harbour\" & <i>more</i>", "body": {"source": body}});
    desk.publish(article).await;
    let reply = desk.app.anyone().get("/articles?q=harbour").await;
    let highlights = &reply.assert(200).json["data"][0]["highlights"];
    assert_eq!(highlights["title"], "&lt;script&gt;alert(1)&lt;/script&gt; in the <mark>harbour</mark>");
    assert_eq!(highlights["excerpt"], "A &quot;<mark>harbour</mark>&quot; &amp; &lt;i&gt;more&lt;/i&gt;");
    let snippet = highlights["body"].as_str().unwrap();
    assert!(snippet.contains("Then the <mark>harbours</mark> &amp; the &lt;script&gt; of them."), "{snippet}");
    assert!(snippet.starts_with("… ") && snippet.ends_with(" …") && snippet.len() < 400, "{snippet}");
    let elsewhere = desk.app.anyone().get("/articles?q=alert").await;
    assert_eq!(elsewhere.assert(200).json["data"][0]["highlights"]["body"], Value::Null);
    let plain = desk.app.anyone().get("/articles").await;
    assert!(plain.assert(200).json["data"][0].get("highlights").is_none());
    let sparse = desk.app.anyone().get("/articles?q=harbour&fields=slug,highlights").await;
    assert_eq!(sparse.assert(200).json["data"][0].as_object().unwrap().len(), 2);
    let hit = desk.search("q=script").await;
    assert!(hit.text("/data/0/article/highlights/title").starts_with("&lt;<mark>script</mark>&gt;"));
}

async fn a_search_finds_names_as_well(app: TestApp) {
    let desk = coast(app).await;
    for (query, expected) in [
        ("q=harbour&limit=2", &["tag Harbour", "article The harbour’s wall"][..]),
        ("q=weather&kind=tag", &["tag Weather"]),
        ("q=mira", &["author Mira Holt", "article An old lighthouse"]),
        ("q=mira&kind=article", &["article An old lighthouse"]),
        ("q=storms&kind=author,section", &["author Mira Holt"]),
        ("q=technology", &["section Technology", "article Night work"]),
        ("q=ships", &["tag Harbour"]),
        ("q=lighthouse&section=news", &["article An old lighthouse", "article Night work"]),
        ("q=lighthouse&section=technology", &["article Night work"]),
        ("q=lighthouse&author=jo-ferrant,nobody", &["article Night work"]),
        ("q=lighthouse&tag=weather", &["article A walk"]),
        ("q=lighthouse&tag=nothing", &[]),
        ("q=lighthouse&language=de", &[]),
        ("q=lighthouse&year=1999", &[]),
        ("q=mira&section=news&kind=author", &[]),
        ("q=harbour&section=news", &[]),
    ] {
        assert_eq!(hits(&desk.search(query).await), expected, "{query}");
    }
    let author = desk.search("q=storms&kind=author&count=true").await;
    assert_eq!(author.json["page"]["total"], 1);
    assert_eq!(author.text("/data/0/highlights/text"), "Writes of <mark>storms</mark> and of those at sea.");
    assert_eq!(author.text("/data/0/author/slug"), "mira-holt");
    let this_year = format!("q=lighthouse&count=true&year={}", &stet::clock::now().to_string()[..4]);
    assert_eq!(desk.search(&this_year).await.json["page"]["total"], 4);
    assert_eq!(desk.search("q=harbour&count=true").await.json["page"]["total"], 5);
    for (query, name) in [
        ("q=harbour&kind=x", "kind"),
        ("q=a&year=0", "year"),
        ("q=a&facets=x", "facets"),
        ("q=a&sort=x", "sort"),
        ("", "q"),
    ] {
        let refused = desk.app.anyone().get(&format!("/search?{query}")).await;
        assert_eq!(refused.assert_problem(400, "invalid_parameter").mistakes()[0].0, name, "{query}");
    }
}

async fn facets_count_all_that_matches(app: TestApp) {
    let desk = coast(app).await;
    let reply = desk.search("q=harbour&facets=section,tag,author,year&limit=1").await;
    let facets = &reply.json["facets"];
    assert_eq!(facets["exact"], true);
    let counts = |facet: &str| -> Vec<(String, i64)> {
        let values = facets[facet].as_array().unwrap();
        values.iter().map(|v| (v["slug"].as_str().unwrap().to_owned(), v["count"].as_i64().unwrap())).collect()
    };
    assert_eq!(counts("tag"), [("harbour".into(), 2), ("weather".into(), 1)]);
    assert_eq!((counts("section"), counts("author")), (vec![], vec![]));
    assert_eq!(facets["year"][0]["count"], 4);
    let narrowed = desk.search("q=lighthouse&section=news&facets=section").await;
    let facets = narrowed.json["facets"].as_object().unwrap();
    assert_eq!(facets.keys().collect::<Vec<_>>(), ["exact", "section"]);
    assert_eq!(facets["section"].as_array().unwrap().len(), 2);
    assert_eq!(desk.search("q=nobodyhasit&facets=tag").await.json["facets"], json!({"exact": true, "tag": []}));
    assert_eq!(desk.search("q=harbour&kind=tag&facets=tag").await.json["facets"], json!({"exact": true, "tag": []}));
    assert!(desk.search("q=harbour").await.json.get("facets").is_none());
}

async fn suggestions_come_while_one_types(app: TestApp) {
    let desk = coast(app).await;
    for (q, expected) in [
        ("h", &["Mira Holt", "Harbour", "The harbour’s wall", "Storm warning for the harbour"][..]),
        ("har", &["Harbour", "The harbour’s wall", "Storm warning for the harbour"]),
        ("storm war", &["Storm warning for the harbour"]),
        ("warning sto", &["Storm warning for the harbour"]),
        ("mir", &["Mira Holt"]),
        ("mira ho", &["Mira Holt"]),
        ("mira ", &["Mira Holt"]),
        ("tech", &["Technology"]),
        ("café own", &["Café owners storm out of council meeting"]),
        ("lighthouses", &[]),
        ("", &[]),
        ("-storm", &[]),
        ("naive", &[]),
    ] {
        let reply = desk.app.anyone().get(&format!("/search/suggestions?q={}", encoded(q))).await;
        let mut texts = reply.assert(200).column("text");
        let mut expected = expected.to_vec();
        // Names come first, in whatever order.
        texts.sort();
        expected.sort();
        assert_eq!(texts, expected, "{q}");
    }
    let reply = desk.app.anyone().get("/search/suggestions?q=har&limit=2").await;
    assert_eq!(reply.assert(200).column("kind"), ["tag", "article"]);
    assert_eq!(reply.text("/data/1/html"), "The <mark>harbour’s</mark> wall");
    desk.app.anyone().get("/search/suggestions?q=har&limit=11").await.assert_problem(400, "invalid_parameter");
}

async fn pages_of_a_search_follow_one_another(app: TestApp) {
    let desk = Desk::open(app).await;
    let mut expected = Vec::new();
    for number in 0..25 {
        let title = if number % 5 == 0 { format!("Harbour {number}") } else { format!("Story {number}") };
        desk.story(&title, "Ships in the harbour.").await;
        expected.push(title);
    }
    expected.reverse();
    expected.sort_by_key(|title| !title.starts_with("Harbour"));
    for list in
        ["/articles?q=harbour&limit=4", "/search?q=harbour&limit=4", "/articles?q=harbour&limit=4&view=published"]
    {
        let client = if list.contains("view") { desk.editor.clone() } else { desk.app.anyone() };
        let titles = |page: &Reply| -> Vec<String> {
            if !list.starts_with("/search") {
                return page.column("title");
            }
            hits(page).into_iter().map(|hit| hit.trim_start_matches("article ").to_owned()).collect()
        };
        let mut found = Vec::new();
        for page in pages(&client, &format!("{list}&count=true")).await {
            assert_eq!(page.json["page"]["total"], 25, "{list}");
            found.extend(titles(&page));
        }
        assert_eq!(found, expected, "{list}");
        let mut numbered = Vec::new();
        for page in 1..=7 {
            numbered.extend(titles(&client.get(&format!("{list}&page={page}")).await));
        }
        assert_eq!(numbered, expected, "{list}");
        let third = client.get(&format!("{list}&page=3")).await;
        assert!(third.assert(200).header("link").contains("rel=\"next\""));
        let beyond = client.get(&format!("{list}&page=8")).await;
        assert_eq!(beyond.assert(200).json["data"], json!([]));
    }
    let anyone = desk.app.anyone();
    let by_title = anyone.get("/articles?q=harbour&sort=title&limit=3&count=true").await;
    assert_eq!(by_title.assert(200).column("title"), ["Harbour 0", "Harbour 10", "Harbour 15"]);
    assert_eq!(by_title.json["page"]["total"], 25);
    let cursor = by_title.text("/page/next_cursor");
    let next = anyone.get(&format!("/articles?q=harbour&sort=title&limit=3&cursor={cursor}")).await;
    assert_eq!(next.assert(200).column("title"), ["Harbour 20", "Harbour 5", "Story 1"]);
    // A cursor is good for one search.
    anyone.get(&format!("/articles?q=ships&sort=title&cursor={cursor}")).await.assert_problem(400, "invalid_cursor");
}

async fn what_few_have_is_found_behind_all_the_others(app: TestApp) {
    let desk = Desk::open(app).await;
    let mut expected = Vec::new();
    for number in 0..64 {
        let (title, few) = (format!("Story {number}"), [2, 4, 6, 63].contains(&number));
        desk.story(&title, if few { "Ships at the lighthouse." } else { "Ships in the harbour." }).await;
        if few {
            expected.push(title);
        }
    }
    expected.reverse();
    for list in [
        "/articles?q=lighthouse",
        "/articles?q=ships+light*",
        "/articles?q=ships+-harbour",
        "/articles?q=at+the+lighthouse",
    ] {
        for limit in 1..=5 {
            let all = pages(&desk.app.anyone(), &format!("{list}&limit={limit}")).await;
            let found: Vec<String> = all.iter().flat_map(|page| page.column("title")).collect();
            assert_eq!(found, expected, "{list} {limit}");
        }
    }
}

async fn a_search_can_be_narrowed_by_all_filters_of_the_list(app: TestApp) {
    let desk = coast(app).await;
    desk.publish(
        json!({"title": "A featured lighthouse", "featured": true, "tags": ["harbour", "weather"], "section": "news"}),
    )
    .await;
    let end = stet::clock::now();
    desk.publish(json!({"title": "A lighthouse for members", "visibility": "members", "language": "de"})).await;
    for (filter, expected) in [
        ("featured=true", &["A featured lighthouse"][..]),
        ("tag=weather", &["A featured lighthouse", "A walk"]),
        ("tag_all=harbour,weather", &["A featured lighthouse"]),
        ("tag=harbour&featured=false", &["Keepers"]),
        ("section=news", &["A featured lighthouse", "An old lighthouse", "Night work"]),
        ("author=mira-holt", &["An old lighthouse"]),
        ("visibility=members", &["A lighthouse for members"]),
        ("language=de", &["A lighthouse for members"]),
        ("status=draft", &[]),
        (&format!("published_after={end}"), &["A lighthouse for members"]),
        (&format!("published_before={end}&visibility=members"), &[]),
        ("tag=harbour&author=mira-holt", &[]),
    ] {
        let reply = desk.app.anyone().get(&format!("/articles?q=lighthouse&count=true&{filter}")).await;
        assert_eq!(reply.assert(200).column("title"), expected, "{filter}");
        assert_eq!(reply.json["page"]["total"], expected.len(), "{filter}");
        let sorted = desk.app.anyone().get(&format!("/articles?q=lighthouse&sort=-published_at&{filter}")).await;
        assert_eq!(sorted.assert(200).column("title").len(), expected.len(), "{filter}");
    }
}

on_both_databases! {
    what_is_looked_for_is_found_the_best_first,
    a_language_has_its_own_endings,
    a_phrase_is_found_in_whatever_language,
    what_was_found_is_marked_in_html_that_is_safe,
    a_search_finds_names_as_well,
    facets_count_all_that_matches,
    suggestions_come_while_one_types,
    pages_of_a_search_follow_one_another,
    what_few_have_is_found_behind_all_the_others,
    a_search_can_be_narrowed_by_all_filters_of_the_list,
}
