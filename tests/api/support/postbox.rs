//! A mail server of our own: it takes letters, refuses them, or keeps silent, with and without TLS.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject},
};
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use stet::mail::{Server, Settings};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);
/// What the server that asks for credentials takes: it needs escapes in a URL and in SMTP.
pub const USER: &str = "stet@lantern.example";
pub const SECRET: &str = "p@ss:word/with signs";

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Takes,
    /// Refuses the recipient with this line.
    Refuses(&'static str),
    /// Says nothing at all.
    Hangs,
}

/// What it is spoken to by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    None,
    /// `STARTTLS`, and credentials after it.
    Upgraded,
    /// From the first byte, and credentials.
    Whole,
}

/// A letter that was taken.
#[derive(Debug, Clone)]
pub struct Letter {
    pub to: String,
    pub raw: Vec<u8>,
    pub encrypted: bool,
    pub authenticated: bool,
}

struct State {
    manner: Mutex<Manner>,
    letters: Mutex<Vec<Letter>>,
    /// Letters that were taken, and connections that were made.
    taken: AtomicUsize,
    connections: AtomicUsize,
    open: AtomicBool,
    encryption: Encryption,
    tls: Option<Arc<ServerConfig>>,
}

pub struct Postbox {
    port: u16,
    state: Arc<State>,
    directory: TempDir,
}

impl Postbox {
    pub fn open() -> Self {
        Self::open_with(Encryption::None)
    }

    pub fn open_with(encryption: Encryption) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tls = (encryption != Encryption::None).then(|| certified(&directory));
        let state = Arc::new(State {
            manner: Mutex::new(Manner::Takes),
            letters: Mutex::default(),
            taken: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            open: AtomicBool::new(false),
            encryption,
            tls,
        });
        let mut postbox = Self { port: 0, state, directory };
        postbox.reopen();
        postbox
    }

    /// Listens again where it did before.
    pub fn reopen(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).unwrap();
        listener.set_nonblocking(true).unwrap();
        self.port = listener.local_addr().unwrap().port();
        self.state.open.store(true, Ordering::SeqCst);
        let state = Arc::clone(&self.state);
        thread::spawn(move || {
            while state.open.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let state = Arc::clone(&state);
                        state.connections.fetch_add(1, Ordering::SeqCst);
                        thread::spawn(move || drop(converse(stream, &state)));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(2)),
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }

    /// Listens no more.
    pub fn close(&self) {
        self.state.open.store(false, Ordering::SeqCst);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(began.elapsed() < PATIENCE, "the mail server does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn answers(&self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
    }

    /// As `STET_SMTP_URL` has it.
    pub fn url(&self) -> String {
        let Self { port, .. } = self;
        let ca = self.directory.path().join("ca.pem");
        let secured =
            format!("stet%40lantern.example:p%40ss%3Aword%2Fwith%20signs@127.0.0.1:{port}?ca={}", ca.display());
        match self.state.encryption {
            Encryption::None => format!("smtp://127.0.0.1:{port}"),
            Encryption::Upgraded => format!("smtp://{secured}"),
            Encryption::Whole => format!("smtps://{secured}"),
        }
    }

    pub fn settings(&self) -> Settings {
        Settings {
            server: Server::parse(&self.url()).unwrap(),
            from: "desk@lantern.example".parse().unwrap(),
            account_url: "https://cms.lantern.example".into(),
        }
    }

    /// How many letters were taken in all.
    pub fn taken(&self) -> usize {
        self.state.taken.load(Ordering::SeqCst)
    }

    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// Those that nobody has read.
    pub fn unread(&self) -> Vec<Letter> {
        std::mem::take(&mut *self.state.letters.lock().unwrap())
    }

    /// The next letter to somebody, read once.
    pub async fn letter_to(&self, email: &str) -> Letter {
        let began = Instant::now();
        loop {
            let found = {
                let mut letters = self.state.letters.lock().unwrap();
                let index = letters.iter().position(|letter| letter.to == email);
                index.map(|index| letters.remove(index))
            };
            if let Some(letter) = found {
                return letter;
            }
            let there: Vec<_> =
                self.state.letters.lock().unwrap().iter().map(|l| (l.to.clone(), l.subject())).collect();
            assert!(began.elapsed() < PATIENCE, "no letter came to {email}; there are {there:?}");
            actix_web::rt::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Postbox {
    fn drop(&mut self) {
        self.state.open.store(false, Ordering::SeqCst);
    }
}

impl Letter {
    pub fn header(&self, name: &str) -> String {
        let parsed = mailparse::parse_mail(&self.raw).unwrap();
        mailparse::MailHeaderMap::get_first_value(parsed.headers.as_slice(), name).unwrap_or_default()
    }

    pub fn subject(&self) -> String {
        self.header("Subject")
    }

    /// The text, and the HTML.
    pub fn bodies(&self) -> [String; 2] {
        let parsed = mailparse::parse_mail(&self.raw).unwrap();
        let part = |index: usize| parsed.subparts[index].get_body().unwrap().replace("\r\n", "\n");
        [part(0), part(1)]
    }

    /// Where its link leads, without the token.
    pub fn link(&self) -> String {
        self.whole_link().split_once('#').unwrap().0.to_owned()
    }

    /// What the link opens something with.
    pub fn token(&self) -> String {
        self.whole_link().split_once('#').unwrap().1.to_owned()
    }

    fn whole_link(&self) -> String {
        let [text, html] = self.bodies();
        let link = text.lines().find(|line| line.starts_with("https://") || line.starts_with("http://"));
        let link = link.unwrap_or_else(|| panic!("no link in {text}")).to_owned();
        assert!(html.contains(&format!("href=\"{link}\"")), "another link in {html}");
        link
    }
}

/// A certificate for this machine; that of its authority is written to a file.
fn certified(directory: &TempDir) -> Arc<ServerConfig> {
    let authority = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(directory.path().join("ca.pem"), params.self_signed(&authority).unwrap().pem()).unwrap();
    let issuer = Issuer::new(params, authority);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let certificate = CertificateDer::from_pem_slice(certificate.pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
}

trait Wire: Read + Write {}
impl<T: Read + Write> Wire for T {}

/// One line, without its end.
fn line(wire: &mut dyn Wire) -> std::io::Result<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while !line.ends_with(b"\r\n") {
        wire.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    line.truncate(line.len() - 2);
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn say(wire: &mut dyn Wire, text: &str) -> std::io::Result<()> {
    wire.write_all(format!("{text}\r\n").as_bytes())?;
    wire.flush()
}

fn encrypt(stream: TcpStream, state: &State) -> Box<dyn Wire> {
    let connection = ServerConnection::new(state.tls.clone().unwrap()).unwrap();
    Box::new(StreamOwned::new(connection, stream))
}

/// Speaks with one client to the end.
fn converse(stream: TcpStream, state: &State) -> std::io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    if *state.manner.lock().unwrap() == Manner::Hangs {
        thread::sleep(PATIENCE * 2);
        return Ok(());
    }
    let mut encrypted = state.encryption == Encryption::Whole;
    let plain = stream.try_clone()?;
    let mut wire: Box<dyn Wire> = if encrypted { encrypt(stream, state) } else { Box::new(stream) };
    let (mut authenticated, mut to) = (false, String::new());
    say(&mut *wire, "220 postbox ready")?;
    loop {
        let said = line(&mut *wire)?;
        let verb = said.split(' ').next().unwrap().to_uppercase();
        match verb.as_str() {
            "EHLO" => {
                let offer = match (state.encryption, encrypted) {
                    (Encryption::None, _) => "250 8BITMIME",
                    (_, false) => "250 STARTTLS",
                    (_, true) => "250 AUTH PLAIN LOGIN",
                };
                say(&mut *wire, &format!("250-postbox\r\n{offer}"))?;
            }
            "STARTTLS" if state.encryption == Encryption::Upgraded && !encrypted => {
                say(&mut *wire, "220 go ahead")?;
                wire = encrypt(plain.try_clone()?, state);
                encrypted = true;
            }
            "AUTH" => {
                let expected = format!("AUTH PLAIN {}", base64(format!("\0{USER}\0{SECRET}").as_bytes()));
                authenticated = encrypted && said == expected;
                say(&mut *wire, if authenticated { "235 welcome" } else { "535 5.7.8 who are you" })?;
            }
            "RCPT" => {
                let refusal = match *state.manner.lock().unwrap() {
                    Manner::Refuses(refusal) => Some(refusal),
                    _ => None,
                };
                to = said.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                say(&mut *wire, refusal.unwrap_or("250 ok"))?;
            }
            "DATA" => {
                say(&mut *wire, "354 go on")?;
                let raw = data(&mut *wire)?;
                state.letters.lock().unwrap().push(Letter { to: to.clone(), raw, encrypted, authenticated });
                state.taken.fetch_add(1, Ordering::SeqCst);
                say(&mut *wire, "250 taken")?;
            }
            "QUIT" => return say(&mut *wire, "221 bye"),
            "MAIL" | "RSET" | "NOOP" => say(&mut *wire, "250 ok")?,
            _ => say(&mut *wire, "502 what?")?,
        }
    }
}

/// A letter, up to the dot.
fn data(wire: &mut dyn Wire) -> std::io::Result<Vec<u8>> {
    let mut raw = Vec::new();
    loop {
        let line = line(wire)?;
        if line == "." {
            return Ok(raw);
        }
        raw.extend_from_slice(line.strip_prefix('.').unwrap_or(&line).as_bytes());
        raw.extend_from_slice(b"\r\n");
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}
