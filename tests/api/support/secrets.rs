//! The secrets of a whole test run: no answer and no line of the log tells one, whichever test it belongs to.

use super::{app::PASSWORD, client::Reply};
use actix_web::http::Method;
use serde_json::Value;
use std::{
    collections::HashSet,
    io,
    sync::{LazyLock, Mutex, Once, PoisonError},
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// What is in no answer and no log, whoever asks: hashes of passwords, and the password that all tests sign in with.
const NEVER: [&str; 2] = ["$argon2", PASSWORD];
/// Where secrets stand in the answers that hand them out.
const HANDED_OUT: [&str; 4] = ["/access_token", "/refresh_token", "/token", "/invitation/token"];
/// The operations that do: their ends. What they gave once, nothing else ever says.
const HANDING_OUT: [&str; 11] = [
    "/auth/code",
    "/auth/login",
    "/auth/refresh",
    "/auth/setup",
    "/auth/invitation",
    "/api-keys",
    "/users",
    "/invitation",
    "/me/recovery-codes",
    "/me/totp",
    "/previews",
];
/// Shorter words are no secrets.
const SHORTEST: usize = 40;

#[derive(Default)]
struct Known {
    /// Tokens that were handed out.
    secrets: HashSet<String>,
    /// Addresses of guests who left a comment.
    guests: HashSet<String>,
    /// Long words of the log, for secrets that are known only later.
    logged: HashSet<String>,
    /// Lines of the log that say what they should not.
    told: Vec<String>,
}

fn known() -> std::sync::MutexGuard<'static, Known> {
    static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn long_words(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
    parts.filter(|word| word.len() >= SHORTEST)
}

fn addresses(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| c.is_whitespace() || "\"'<>(),;=&".contains(c));
    parts.filter(|word| word.contains('@'))
}

/// Learns what a request says that others may not hear.
pub fn sent(method: &Method, path: &str, body: &[u8]) {
    if *method == Method::POST && path.split('?').next().is_some_and(|path| path.ends_with("/comments")) {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(address) = body["email"].as_str().filter(|address| address.len() < 100) {
            known().guests.insert(address.trim().to_owned());
        }
    }
}

/// Panics where an answer says what it should not.
pub fn check(method: &Method, path: &str, signed_in: bool, reply: &Reply) {
    let head =
        reply.headers.iter().map(|(name, value)| format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
    let text = head.collect::<String>() + &String::from_utf8_lossy(&reply.bytes);
    let what = |secret: &str| format!("{method} {path} tells {secret}: {text}");
    let end = path.split('?').next().unwrap_or_default();
    // The document's examples are real enough to be tried.
    if end == "/openapi.json" || end.starts_with("/docs") {
        return;
    }
    for secret in NEVER {
        assert!(!text.contains(secret), "{}", what(secret));
    }
    let mut known = known();
    let hands_out = HANDING_OUT.iter().any(|operation| end.ends_with(operation)) || end.contains("/previews/");
    if hands_out {
        for secret in HANDED_OUT.iter().filter_map(|pointer| reply.json.pointer(pointer)?.as_str()) {
            if secret.len() >= SHORTEST {
                assert!(
                    !known.logged.contains(secret),
                    "a secret was logged that {method} {path} handed out: {secret}"
                );
                known.secrets.insert(secret.to_owned());
            }
        }
    } else if let Some(secret) = long_words(&text).find(|word| known.secrets.contains(*word)) {
        drop(known);
        panic!("{}", what(secret));
    }
    // The staff see who wrote a comment; whoever signs in sees themselves.
    let of_guest = |known: &Known| addresses(&text).find(|word| known.guests.contains(*word)).map(str::to_owned);
    if !signed_in
        && !end.starts_with("/api/v1/auth/")
        && let Some(address) = of_guest(&known)
    {
        drop(known);
        panic!("{}", what(&address));
    }
    let told = std::mem::take(&mut known.told);
    drop(known);
    assert!(told.is_empty(), "the log tells a secret: {told:?}");
}

/// Panics where a log says what it should not: for programs whose log is read at their end.
pub fn check_log(log: &str) {
    for line in log.lines() {
        assert!(!tells(&known(), line), "the log tells a secret: {line}");
    }
}

fn tells(known: &Known, line: &str) -> bool {
    NEVER.iter().any(|secret| line.contains(secret))
        || long_words(line).any(|word| known.secrets.contains(word))
        || addresses(line).any(|word| known.guests.contains(word))
}

/// From now on, whatever this process logs is read.
pub fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = EnvFilter::new("warn,stet=trace,actix_web=debug,actix_server=debug,diesel=debug");
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(Reader).with_ansi(false).finish();
        _ = tracing::subscriber::set_global_default(log);
    });
}

/// Takes the log in place of a terminal.
struct Reader;

impl MakeWriter<'_> for Reader {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl io::Write for Reader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        let mut known = known();
        if tells(&known, &line) {
            known.told.push(line.clone().into_owned());
        }
        known.logged.extend(long_words(&line).map(str::to_owned));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, addresses, long_words, tells};

    #[test]
    fn a_secret_is_seen_wherever_it_stands() {
        let secret = "4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A";
        let known = Known {
            secrets: [secret.to_owned()].into(),
            guests: ["jo@guest.example".to_owned()].into(),
            ..Known::default()
        };
        for line in [
            format!("uri=/a?token={secret} x"),
            format!("{{\"a\":\"{secret}\"}}"),
            "who=jo@guest.example".to_owned(),
            "<jo@guest.example>".to_owned(),
            "$argon2id$v=19".to_owned(),
            format!("password: {}", super::PASSWORD),
        ] {
            assert!(tells(&known, &line), "{line}");
        }
        assert!(!tells(&known, "answered request_id=01a214b4-37f6-7030-aba4-000000000000 status=200"));
        assert_eq!(long_words("a b").count() + addresses("a b").count(), 0);
    }
}
