//! Hostile texts by class, sent everywhere that people write, and rendered in a browser from what the API answers.

mod browser;
mod vectors;

use crate::support::{Client, Kind, Reply, TestApp, blocking};
use browser::{Case, Page};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use vectors::{IN_HTML, IN_MARKDOWN, VECTORS};

/// Requests at once.
const AT_ONCE: usize = 16;
/// Cases on one page.
const ON_A_PAGE: usize = 150;
/// Articles of one feed.
const IN_A_FEED: usize = 25;

/// A hostile text as it is sent.
#[derive(Clone)]
struct Sent {
    number: usize,
    /// Class, vector and wrapper, for whoever has to look for it.
    what: String,
    text: String,
    /// Not in a wrapper.
    alone: bool,
}

/// Numbers all that is sent.
#[derive(Default)]
struct Book(Vec<String>);

impl Book {
    /// Each vector alone, and in some of the wrappers: in others than its neighbours.
    fn product(&mut self, wrappers: &[&str], besides: usize) -> Vec<Sent> {
        let vectors = VECTORS.iter().flat_map(|class| class.texts.iter().map(|text| (class.name, *text)));
        let mut sent = Vec::new();
        for (index, (class, vector)) in vectors.enumerate() {
            let others = (0..besides).map(|n| wrappers[1 + (index * 5 + n * 7) % (wrappers.len() - 1)]);
            for wrapper in std::iter::once(wrappers[0]).chain(others) {
                let alone = wrapper == wrappers[0];
                sent.push(Sent { alone, ..self.fill(class, &wrapper.replace("{}", vector)) });
            }
        }
        sent
    }

    fn fill(&mut self, class: &str, text: &str) -> Sent {
        let number = self.0.len();
        let what = format!("{class}: {text}");
        self.0.push(what.clone());
        Sent { number, what, text: filled(text, number), alone: false }
    }
}

/// The text with what tells of it.
fn filled(text: &str, number: usize) -> String {
    text.replace("{hit}", &format!("hit({number})"))
        .replace("{leak}", &format!("http://leak.example/{number}"))
        .replace("{picture}", &format!("http://picture.example/{number}"))
}

/// The text as one line of at most so many characters.
fn line(text: &str, most: usize) -> String {
    let line: String = text.chars().map(|c| if c.is_ascii_control() { ' ' } else { c }).take(most).collect();
    if line.trim().is_empty() { "x".to_owned() } else { line }
}

/// Sends all of it, some at once, and keeps what was taken.
async fn send(client: &Client, sent: &[Sent], path: &str, body: impl Fn(&Sent) -> Value) -> Vec<(Sent, Reply)> {
    let mut taken = Vec::new();
    for some in sent.chunks(AT_ONCE) {
        let replies = join_all(some.iter().map(|sent| client.post(path, body(sent)))).await;
        for (sent, reply) in some.iter().zip(replies) {
            // What holds NUL, or leaves nothing to see, is refused.
            assert!(matches!(reply.status.as_u16(), 201 | 422), "{}: {reply:?}", sent.what);
            if reply.status == 201 {
                taken.push((sent.clone(), reply));
            }
        }
    }
    assert!(taken.len() * 10 > sent.len() * 9, "{} of {} were taken", taken.len(), sent.len());
    taken
}

/// An article with the text in everything that one can write.
fn article(sent: &Sent, format: &str, tag: Option<String>) -> Value {
    json!({
        "title": line(&sent.text, 200), "slug": format!("case-{}", sent.number), "subtitle": line(&sent.text, 200),
        "excerpt": line(&sent.text, 400), "body": {"format": format, "source": sent.text},
        "tags": Vec::from_iter(tag), "custom": {"note": sent.text.replace('\0', "")},
        "image": {"url": format!("http://picture.example/{}", sent.number), "alt": line(&sent.text, 200), "caption": line(&sent.text, 200), "credit": line(&sent.text, 100)},
        "seo": {"title": line(&sent.text, 200), "description": line(&sent.text, 200)},
    })
}

/// What is put into pages.
#[derive(Default)]
struct Shown {
    cases: Vec<Case>,
    feeds: Vec<(usize, String)>,
    data: Vec<(usize, String)>,
}

impl Shown {
    fn add(&mut self, number: usize, policy: &'static str, html: String) {
        self.cases.push(Case { number, policy, html });
    }

    fn pages(mut self) -> Vec<Page> {
        let mut pages = vec![control()];
        while !self.cases.is_empty() {
            let rest = self.cases.split_off(self.cases.len().min(ON_A_PAGE));
            pages.push(Page { cases: std::mem::replace(&mut self.cases, rest), ..Page::default() });
        }
        pages.push(Page { feeds: self.feeds, data: self.data, ..Page::default() });
        pages
    }
}

/// What does act, each in its own way: a harness that does not see it proves nothing.
const CONTROL: [(&str, &str); 12] = [
    ("article", "<script>{hit}</script>"),
    ("article", "<img src={picture} onerror={hit}>"),
    ("article", "<svg onload={hit}></svg>"),
    ("article", "<p onclick={hit}>x</p>"),
    ("article", "<a href=\"java\nscript:{hit}\">x</a>"),
    ("article", "<style>*{background:url({leak})}</style>"),
    ("article", "<iframe srcdoc=\"<script>parent.{hit}</script>\"></iframe>"),
    ("article", "<form action={leak}></form>"),
    ("article", "<a id=cookie>x</a>"),
    ("comment", "<img src={leak}>"),
    ("comment", "<a href=\"https://a.example/\" rel=noopener>x</a>"),
    ("article", "<input type=text>"),
];
/// Numbers of the control, out of the way of all others.
const CONTROL_FROM: usize = 1_000_000;

fn control() -> Page {
    let case = |(n, (policy, text)): (usize, &(&'static str, &str))| {
        let number = CONTROL_FROM + n;
        Case { number, policy, html: filled(text, number) }
    };
    Page { cases: CONTROL.iter().enumerate().map(case).collect(), ..Page::default() }
}

/// Writes it all, and collects what the API makes of it.
async fn write(app: &TestApp, book: &mut Book) -> Shown {
    let editor = app.editor().await;
    let mut shown = Shown::default();
    let mut published = Vec::new();
    for (format, wrappers, besides) in [("html", IN_HTML, 4), ("markdown", IN_MARKDOWN, 2)] {
        let sent = book.product(wrappers, besides);
        // Those that stand alone go into feeds and search, some to each tag.
        let tag = |sent: &Sent| sent.alone.then(|| format!("lot-{}", sent.number / (besides + 1) / IN_A_FEED));
        for tag in sent.iter().filter_map(tag).collect::<BTreeSet<_>>() {
            // Both formats may come to one lot.
            editor.post("/tags", json!({"name": tag, "slug": tag})).await;
        }
        for (sent, reply) in send(&editor, &sent, "/articles", |sent| article(sent, format, tag(sent))).await {
            shown.add(sent.number, "article", reply.text("/body/html"));
            published.extend(tag(&sent).map(|_| sent.number));
        }
    }
    publish(&editor, &published).await;
    read(app, &published, &mut shown).await;
    editor.post("/articles", json!({"title": "Talked about"})).await.assert(201);
    editor.put("/articles/talked-about/publication", json!({})).await.assert(200);
    let sent = book.product(IN_MARKDOWN, 1);
    for (sent, reply) in
        send(&editor, &sent, "/articles/talked-about/comments", |sent| json!({"body": sent.text})).await
    {
        shown.add(sent.number, "comment", reply.text("/body_html"));
    }
    let sent = book.product(IN_MARKDOWN, 1);
    let bio =
        |sent: &Sent| json!({"name": line(&sent.text, 100), "slug": format!("by-{}", sent.number), "bio": sent.text});
    for (sent, reply) in send(&editor, &sent, "/authors", bio).await {
        shown.add(sent.number, "article", reply.text("/bio_html"));
    }
    shown
}

async fn publish(editor: &Client, numbers: &[usize]) {
    for some in numbers.chunks(AT_ONCE) {
        let publish = |number: &usize| {
            let path = format!("/articles/case-{number}/publication");
            async move { editor.put(&path, json!({})).await.assert(200).status }
        };
        join_all(some.iter().map(publish)).await;
    }
}

/// What the public reads of articles elsewhere: feeds, Markdown, structured data, and what search marks.
async fn read(app: &TestApp, published: &[usize], shown: &mut Shown) {
    let anyone = app.anyone();
    for number in published {
        let markdown = anyone.get(&format!("/articles/case-{number}?format=markdown")).await;
        let markdown = String::from_utf8(markdown.assert(200).bytes.clone()).unwrap();
        // As a renderer does that takes out nothing.
        let mut options = comrak::Options::default();
        options.render.r#unsafe = true;
        (options.extension.table, options.extension.autolink, options.extension.tasklist) = (true, true, true);
        shown.add(*number, "raw", comrak::markdown_to_html(&markdown, &options));
        let page = anyone.get(&format!("/articles/case-{number}")).await;
        shown.data.push((*number, page.assert(200).json["seo"]["json_ld"].to_string()));
    }
    let tags = anyone.get("/tags?limit=100&sort=-article_count").await.assert(200).column("slug");
    for tag in tags.iter().filter(|tag| tag.starts_with("lot-")) {
        for form in ["rss.xml", "atom.xml"] {
            let feed = anyone.get(&format!("//feeds/tags/{tag}/{form}")).await;
            shown.feeds.push((published[0], String::from_utf8(feed.assert(200).bytes.clone()).unwrap()));
        }
        let feed = anyone.get(&format!("//feeds/tags/{tag}/feed.json")).await;
        for item in feed.assert(200).json["items"].as_array().unwrap() {
            shown.add(published[0], "article", item["content_html"].as_str().unwrap_or_default().to_owned());
        }
    }
    for word in ["hit", "onerror", "img", "script", "example"] {
        let found = anyone.get(&format!("/search?q={word}&limit=100")).await;
        for html in marked(&found.assert(200).json) {
            shown.add(published[0], "article", html);
        }
        for html in marked(&anyone.get(&format!("/search/suggestions?q={word}")).await.assert(200).json) {
            shown.add(published[0], "article", html);
        }
    }
}

/// Texts with marks in them: all that search answers as HTML.
fn marked(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) if text.contains("<mark>") => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(marked).collect(),
        Value::Object(fields) => fields.values().flat_map(marked).collect(),
        _ => Vec::new(),
    }
}

/// On SQLite alone: what is made of a text is the same wherever it is kept.
#[actix_web::test]
async fn nothing_that_people_write_acts_in_a_page() {
    let Some(chromium) = browser::find() else { return };
    let app = TestApp::start(Kind::Sqlite).await;
    let mut book = Book::default();
    let shown = write(&app, &mut book).await;
    let (cases, data) = (shown.cases.len(), shown.data.len());
    assert!(cases > 2500 && data > 350 && shown.feeds.len() > 20, "{cases} cases, {data} data");
    let comments: Vec<usize> =
        shown.cases.iter().filter(|case| case.policy == "comment").map(|case| case.number).collect();
    let pages = shown.pages();
    let told = blocking(|| browser::show(&chromium, pages));
    let what = |number: &str| {
        let number = number.parse::<usize>().ok();
        number.and_then(|number| book.0.get(number)).cloned().unwrap_or_default()
    };
    assert_eq!(told.seen, u64::try_from(cases + CONTROL.len()).unwrap());
    for (n, (_, text)) in CONTROL.iter().enumerate() {
        let number = format!("{}: ", CONTROL_FROM + n);
        let lines = &told.told[&0];
        assert!(lines.iter().any(|line| line.starts_with(&number)), "the browser saw nothing in {text}: {lines:?}");
    }
    let lines: BTreeSet<_> = told.told.iter().filter(|(page, _)| **page > 0).flat_map(|(_, lines)| lines).collect();
    let lines: Vec<_> = lines.iter().map(|l| format!("{l} <- {}", what(l.split(':').next().unwrap()))).collect();
    assert!(lines.is_empty(), "{} things happened:\n{}", lines.len(), lines.join("\n"));
    let mut leaks = 0;
    for (host, path) in &told.asked {
        // What follows the number is the rest of a text that was taken for a part of the address.
        let digits: String = path.chars().skip(1).take_while(char::is_ascii_digit).collect();
        let number = digits.parse().unwrap_or(usize::MAX);
        if (CONTROL_FROM..).contains(&number) && number != usize::MAX {
            leaks += usize::from(host == "leak.example");
            continue;
        }
        // An article may show a picture; nothing else may be asked for by anything.
        let picture = host == "picture.example" && number < book.0.len() && !comments.contains(&number);
        assert!(picture, "the browser asked {host} for {path} <- {}", what(path.trim_start_matches('/')));
    }
    assert!(leaks > 1, "the listener saw nothing of the control: {:?}", told.asked);
}
