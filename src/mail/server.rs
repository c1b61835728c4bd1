//! The mail server: how its address is written, and how a letter is handed to it.

use super::Settings;
use anyhow::Context;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
        extension::ClientId,
    },
};
use percent_encoding::percent_decode_str;
use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};
use tokio::time::timeout;
use url::Url;

/// How long handing a letter over may take in all, and how long the server may take for each answer.
const WHOLE: Duration = Duration::from_secs(30);
const EACH: Duration = Duration::from_secs(20);

/// Where the mail server is, and what it knows us by.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    host: String,
    port: u16,
    encryption: Encryption,
    credentials: Option<(String, String)>,
    /// Certificates to trust in place of the system's.
    authority: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    /// From the first byte.
    Whole,
    /// By `STARTTLS`; a server that does not offer it gets no letter.
    Upgraded,
    /// On this machine.
    None,
}

impl Server {
    /// Reads `smtp://user:password@host:587` or `smtps://user:password@host:465`; `?ca=path` names the certificates to trust.
    ///
    /// # Errors
    /// What is wrong with it, without repeating any of it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let shape = || "it looks like smtp://user:password@mail.example.org:587 or smtps://…:465".to_owned();
        let url = Url::parse(text).map_err(|_| shape())?;
        let implicit = match url.scheme() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(shape()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(shape)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        if !["", "/"].contains(&url.path()) || url.fragment().is_some() {
            return Err(shape());
        }
        let mut authority = None;
        for (name, value) in url.query_pairs() {
            match &*name {
                "ca" if authority.is_none() => authority = Some(PathBuf::from(value.into_owned())),
                _ => return Err("behind the ? it knows `ca` alone, once: the path of a PEM file".to_owned()),
            }
        }
        let plain = |part: &str| {
            let text = percent_decode_str(part).decode_utf8().map_err(|_| shape())?.into_owned();
            if text.chars().any(char::is_control) { Err(shape()) } else { Ok(text) }
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => Some((plain(user)?, plain(password)?)),
            _ => return Err("a user and a password go together".to_owned()),
        };
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        let encryption = match (implicit, here && authority.is_none()) {
            (true, _) => Encryption::Whole,
            (false, true) => Encryption::None,
            (false, false) => Encryption::Upgraded,
        };
        let port = url.port().unwrap_or(if implicit { 465 } else { 587 });
        Ok(Self { host, port, encryption, credentials, authority })
    }

    fn tls(&self) -> anyhow::Result<Tls> {
        if self.encryption == Encryption::None {
            return Ok(Tls::None);
        }
        let mut parameters = TlsParameters::builder(self.host.clone());
        if let Some(path) = &self.authority {
            let shown = path.display();
            let pem = std::fs::read(path).with_context(|| format!("the certificates in {shown} cannot be read"))?;
            let certificate = Certificate::from_pem(&pem).with_context(|| format!("{shown} holds no certificate"))?;
            parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(certificate);
        }
        let parameters = parameters.build().context("TLS could not be set up")?;
        Ok(if self.encryption == Encryption::Whole { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Server({}:{})", self.host, self.port)
    }
}

/// Hands letters to the mail server.
pub struct Office {
    pub settings: Settings,
    transport: AsyncSmtpTransport<Tokio1Executor>,
}

/// Why a letter was not taken.
pub struct Refused {
    /// For the log and the outbox.
    pub why: String,
    pub is_final: bool,
    /// The server could not be spoken to at all.
    pub away: bool,
}

impl Office {
    pub fn open(settings: Settings) -> anyhow::Result<Self> {
        let Server { host, port, credentials, .. } = settings.server.clone();
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port)
            .tls(settings.server.tls()?)
            .timeout(Some(EACH))
            .hello_name(ClientId::Domain(settings.from.email.domain().to_owned()));
        if let Some((user, password)) = credentials {
            transport = transport.credentials(Credentials::new(user, password));
        }
        Ok(Self { settings, transport: transport.build() })
    }

    /// Hands a letter over.
    pub async fn send(&self, message: Message) -> Result<(), Refused> {
        match timeout(WHOLE, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Refused::by(&error)),
            Err(_) => {
                Err(Refused { why: "the mail server did not answer in time".into(), is_final: false, away: true })
            }
        }
    }
}

/// Answers that are about who we are and not about the letter (RFC 4954): they are mended in the settings.
const ABOUT_US: [u16; 4] = [530, 534, 535, 538];
/// Characters of a reason that are kept, and of a word in it.
const LONGEST: usize = 300;
const LONGEST_WORD: usize = 40;

impl Refused {
    fn by(error: &Error) -> Self {
        let code: Option<u16> = error.status().and_then(|code| code.to_string().parse().ok());
        let is_final = error.is_permanent() && !code.is_some_and(|code| ABOUT_US.contains(&code));
        Self { why: told(&whole(error)), is_final, away: code.is_none() }
    }
}

/// An error with what caused it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// What a mail server says, fit for a log: in one line, without addresses, and without what is as long as a token.
fn told(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let fit = |word: &str| !word.contains('@') && word.chars().count() <= LONGEST_WORD;
    let words: Vec<&str> = plain.split_whitespace().map(|word| if fit(word) { word } else { "…" }).collect();
    words.join(" ").chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::{Encryption, Server, told};

    #[test]
    fn the_address_of_a_mail_server_says_how_it_is_spoken_to() {
        for (text, host, port, encryption) in [
            ("smtp://mail.example.org", "mail.example.org", 587, Encryption::Upgraded),
            ("smtp://user:p%40ss%3A@mail.example.org:2525/", "mail.example.org", 2525, Encryption::Upgraded),
            ("smtps://mail.example.org", "mail.example.org", 465, Encryption::Whole),
            ("smtps://127.0.0.1", "127.0.0.1", 465, Encryption::Whole),
            ("smtp://localhost:25", "localhost", 25, Encryption::None),
            ("smtp://127.0.0.1:1025", "127.0.0.1", 1025, Encryption::None),
            ("smtp://[::1]:1025", "::1", 1025, Encryption::None),
            ("smtp://localhost?ca=ca.pem", "localhost", 587, Encryption::Upgraded),
            ("smtp://localhost.example.org", "localhost.example.org", 587, Encryption::Upgraded),
        ] {
            let server = Server::parse(text).unwrap();
            assert_eq!((&*server.host, server.port, server.encryption), (host, port, encryption), "{text}");
        }
        let server = Server::parse("smtp://us%20er:p%40ss%3A@mail.example.org").unwrap();
        assert_eq!(server.credentials, Some(("us er".to_owned(), "p@ss:".to_owned())));
        assert!(!format!("{server:?}").contains("p@ss"), "{server:?}");
    }

    #[test]
    fn what_is_no_address_of_a_mail_server_is_refused_without_being_told() {
        for wrong in [
            "mail.example.org",
            "http://user:hunter2@mail.example.org",
            "smtp://",
            "smtp://user@mail.example.org",
            "smtp://:hunter2@mail.example.org",
            "smtp://user:hunter2@mail.example.org/path",
            "smtp://mail.example.org?tls=none",
            "smtp://mail.example.org?ca=a&ca=b",
            "smtp://mail.example.org#x",
            "smtp://user:hunter2%0d%0aMAIL@mail.example.org",
        ] {
            let message = Server::parse(wrong).expect_err(wrong);
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn what_a_server_says_is_cut_to_what_a_log_may_hold() {
        let said = "550 5.1.1 <mira@lantern.example>: unknown\r\nsee 4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A";
        assert_eq!(told(said), "550 5.1.1 … unknown see …");
    }
}
