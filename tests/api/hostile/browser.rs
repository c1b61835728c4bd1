//! A browser that shows pages, and a server that sees whatever it asks for: every name leads there.

#![expect(clippy::disallowed_methods, reason = "where programs are is the test run's, not the program's settings")]

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

/// How long all pages may take together.
const PATIENCE: Duration = Duration::from_secs(480);

/// A piece of HTML as it is shown.
pub struct Case {
    pub number: usize,
    /// What is allowed in it: `article`, `comment`, or `raw` for what nobody gave a `rel`.
    pub policy: &'static str,
    pub html: String,
}

/// One document for the browser.
#[derive(Default)]
pub struct Page {
    pub cases: Vec<Case>,
    /// Feeds of whole articles, each with a number for what is told of it.
    pub feeds: Vec<(usize, String)>,
    /// JSON for `<script type="application/ld+json">`, written as the document says.
    pub data: Vec<(usize, String)>,
}

/// What the browser did.
#[derive(Debug, Default)]
pub struct Told {
    /// By page: `number: what happened`.
    pub told: BTreeMap<usize, Vec<String>>,
    /// What it asked for besides the pages: host and path.
    pub asked: BTreeSet<(String, String)>,
    /// Cases that it saw.
    pub seen: u64,
}

/// Chromium, or `None` where there is none and none is required.
pub fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)))
        .find(|program| program.is_file());
    let required =
        ["CI", "STET_TEST_REQUIRE_CHROMIUM"].iter().any(|name| env::var(name).is_ok_and(|value| !value.is_empty()));
    assert!(found.is_some() || !required, "Chromium is required here and was not found; ./scripts/test installs it");
    if found.is_none() {
        _ = std::io::stderr()
            .write_all(b"\nNO CHROMIUM: WHAT IS WRITTEN IS NOT RENDERED. ./scripts/test installs it.\n\n");
    }
    found
}

/// Shows the pages one after the other.
pub fn show(browser: &Path, pages: Vec<Page>) -> Told {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let profile = tempfile::Builder::new().prefix("chromium-").tempdir().unwrap();
    let (done, finished) = mpsc::channel();
    let stage = Arc::new(Stage { own: own.clone(), pages, told: Mutex::default(), done: Mutex::new(done) });
    let waiter = Arc::clone(&stage);
    // It ends with the process: nothing is listened for any more.
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let stage = Arc::clone(&waiter);
            thread::spawn(move || stage.answer(&stream));
        }
    });
    let mut chromium = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
        ])
        .args(["--disable-default-apps", "--disable-domain-reliability", "--no-default-browser-check", "--no-pings"])
        .args([
            "--disable-features=OptimizationHints,MediaRouter,AutofillServerCommunication,NetworkTimeServiceQuerying",
        ])
        .arg(format!("--host-resolver-rules=MAP * {own}, EXCLUDE 127.0.0.1"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("http://{own}/page/0"))
        .env("HOME", profile.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let outcome = finished.recv_timeout(PATIENCE);
    drop(chromium.kill());
    drop(chromium.wait());
    let told = std::mem::take(&mut *stage.told.lock().unwrap());
    assert!(outcome.is_ok(), "the browser did not come to the last page: {told:?}");
    told
}

struct Stage {
    own: String,
    pages: Vec<Page>,
    told: Mutex<Told>,
    done: Mutex<mpsc::Sender<()>>,
}

/// What the browser asks for on its own account, where it runs for long. No text of ours names these hosts.
fn is_the_browsers_own(name: &str) -> bool {
    ["google.com", "googleapis.com", "gvt1.com"].iter().any(|host| name.contains(host))
}

impl Stage {
    /// Answers one request and hangs up.
    fn answer(&self, stream: &TcpStream) {
        drop(stream.set_read_timeout(Some(Duration::from_secs(10))));
        let mut reader = BufReader::new(stream);
        let Ok(first) = reader.fill_buf() else { return };
        if first.is_empty() {
            // A connection that was opened in advance, and for nothing.
            return;
        }
        if !first[0].is_ascii_alphabetic() {
            let said = String::from_utf8_lossy(first).into_owned();
            let name: String = said.chars().filter(char::is_ascii_graphic).collect();
            if is_the_browsers_own(&name) {
                return;
            }
            self.told.lock().unwrap().asked.insert(("https".into(), name));
            return;
        }
        let mut line = String::new();
        drop(reader.read_line(&mut line));
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let (mut host, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or_default() == 0 || line.trim().is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').unwrap_or_default();
            match name.to_ascii_lowercase().as_str() {
                "host" => value.trim().clone_into(&mut host),
                "content-length" => length = value.trim().parse().unwrap_or_default(),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        drop(reader.read_exact(&mut body));
        let (status, media, text) = match self.own_page(&host, &path, &body) {
            Some((media, text)) => ("200 OK", media, text),
            None if is_the_browsers_own(&host) => return,
            None => {
                self.told.lock().unwrap().asked.insert((host, path));
                ("404 Not Found", "text/plain", String::new())
            }
        };
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-type: {media}; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            text.len()
        );
        let mut stream = stream;
        drop(stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(text.as_bytes())));
    }

    /// What belongs to the pages themselves.
    fn own_page(&self, host: &str, path: &str, body: &[u8]) -> Option<(&'static str, String)> {
        if host != self.own {
            return None;
        }
        if path == "/page.js" {
            return Some(("text/javascript", include_str!("page.js").to_owned()));
        }
        let (kind, number) = path.strip_prefix('/')?.split_once('/')?;
        let number: usize = number.parse().ok()?;
        let page = self.pages.get(number)?;
        match kind {
            "page" => Some(("text/html", page.html(number))),
            "cases" => Some(("application/json", page.json())),
            "told" => {
                let said: Value = serde_json::from_slice(body).unwrap_or_default();
                let lines = said["told"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                let mut told = self.told.lock().unwrap();
                told.told.insert(number, lines);
                told.seen += said["seen"].as_u64()?;
                if number + 1 == self.pages.len() {
                    _ = self.done.lock().unwrap().send(());
                    return Some(("text/plain", String::new()));
                }
                Some(("text/plain", format!("/page/{}", number + 1)))
            }
            _ => None,
        }
    }
}

impl Page {
    /// The cases as a front end writes them into what it sends.
    fn html(&self, number: usize) -> String {
        let mut html = format!(
            "<!doctype html><html data-page={number}><head><meta charset=utf-8><title>Cases</title><link rel=icon href=\"data:,\">\
             <script src=/page.js></script></head><body>"
        );
        for (number, json) in &self.data {
            let json = json.replace('<', "\\u003c");
            html += &format!("<script class=data data-case={number} type=\"application/ld+json\">{json}</script>");
        }
        for Case { number, policy, html: case } in &self.cases {
            html +=
                &format!("<div class=case data-case={number} data-policy={policy}>{case}</div><i class=after></i>\n");
        }
        html
    }

    fn json(&self) -> String {
        let cases: Vec<_> = self
            .cases
            .iter()
            .map(|case| json!({"number": case.number, "policy": case.policy, "html": case.html}))
            .collect();
        let feeds: Vec<_> = self.feeds.iter().map(|(number, text)| json!({"number": number, "text": text})).collect();
        json!({"cases": cases, "feeds": feeds}).to_string()
    }
}
