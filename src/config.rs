//! Every setting: a flag and a `STET_` variable alike. `.env.example` is held to this by a test.

use crate::{
    articles::preflight::Policy,
    auth::Password,
    db::Target,
    limits,
    mail::{self, Server},
    values::{Email, Line},
};
use clap::{
    Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum,
    error::{ContextKind, ContextValue},
};
use ipnet::IpNet;
use lettre::message::Mailbox;
use std::{
    env,
    ffi::OsStr,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

/// A headless CMS for newsrooms.
#[derive(Debug, Parser)]
#[command(name = "stet", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the command line and the environment. Ends the program where help was asked for or the command is unknown.
    ///
    /// # Errors
    /// One line that names the setting that is wrong, and does not show it where it is a secret.
    pub fn read() -> Result<Self, String> {
        let read =
            without_empty(Self::command()).try_get_matches().and_then(|mut read| Self::from_arg_matches_mut(&mut read));
        read.map_err(|error| complaint(&error).unwrap_or_else(|| error.exit()))
    }
}

/// An empty variable counts as left out: its setting then does not look at it.
#[expect(clippy::disallowed_methods, reason = "settings are read here")]
fn without_empty(command: clap::Command) -> clap::Command {
    let is_empty = |name: &OsStr| env::var_os(name).is_some_and(|value| value.is_empty());
    let settle = |setting: clap::Arg| if setting.get_env().is_some_and(is_empty) { setting.env(None) } else { setting };
    command.mut_args(settle).mut_subcommands(without_empty)
}

/// What is wrong with a setting that has a variable; `None` where the error is about something else.
fn complaint(error: &clap::Error) -> Option<String> {
    let text = error.to_string();
    let line = text.split("\n\n").next()?.trim_start_matches("error: ");
    let mut line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = false;
    let mut command = Cli::command();
    // Before this an argument does not know how it is written.
    command.build();
    for setting in settings(&command) {
        let (flag, Some(variable)) = (setting.to_string(), setting.get_env()) else { continue };
        if !line.contains(&flag) {
            continue;
        }
        found = true;
        line = line.replace(&flag, &format!("{} ({})", variable.display(), flag.split(' ').next()?));
        if let Some(ContextValue::String(secret)) = error.get(ContextKind::InvalidValue)
            && setting.is_hide_env_values_set()
        {
            line = line.replacen(&format!("'{secret}' "), "", 1);
        }
    }
    found.then_some(line)
}

/// What is wrong with a .env file. What stands in it is not shown: much of it is secret.
pub fn complaint_of_a_file(error: &dotenvy::Error) -> String {
    let line = match error {
        dotenvy::Error::LineParse(line, _) => line.trim_start_matches("export ").split('=').next().unwrap_or_default(),
        dotenvy::Error::Io(error) => return error.to_string(),
        _ => "",
    };
    let named = variables().into_iter().find(|variable| variable == line.trim());
    let what = named.unwrap_or_else(|| "a line".to_owned());
    format!("{what} cannot be read: is a quote left open, or has a value with spaces none?")
}

/// What is to be said of variables that look like settings and are none, in a line for each: a typing mistake would show
/// nowhere else. They do not stop the start: Kubernetes gives the pods beside a service named `stet` such variables.
pub fn doubts() -> Vec<String> {
    let known = variables();
    #[expect(clippy::disallowed_methods, reason = "settings are read here")]
    let names = env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    names.filter_map(|name| doubt(&name, &known)).collect()
}

fn doubt(name: &str, known: &[String]) -> Option<String> {
    let short = name.strip_prefix("STET_")?;
    if known.iter().any(|known| known == name) || FOR_OTHERS.iter().any(|others| short.starts_with(others)) {
        return None;
    }
    Some(match known.iter().find(|known| known.trim_start_matches("STET_") == short) {
        Some(meant) => format!("{name} is not a setting: it is called {meant}"),
        None => format!("{name} is not a setting; .env.example lists them"),
    })
}

/// How variables go on that others have for themselves: the tests, and Kubernetes.
const FOR_OTHERS: [&str; 4] = ["TEST_", "SERVICE_HOST", "SERVICE_PORT", "PORT"];

/// The variables of all settings.
fn variables() -> Vec<String> {
    let settings = settings(&Cli::command());
    settings.iter().filter_map(|setting| Some(setting.get_env()?.to_str()?.to_owned())).collect()
}

/// Every argument of every command.
fn settings(command: &clap::Command) -> Vec<clap::Arg> {
    command.get_arguments().cloned().chain(command.get_subcommands().flat_map(settings)).collect()
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API.
    Serve(Box<Serve>),
    /// Bring the database up to date.
    Migrate(Database),
    /// Users on the staff.
    User {
        #[command(subcommand)]
        command: UserCommand,
    },
    /// The keys that sign tokens.
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// Print the OpenAPI document.
    Openapi,
    /// The indexes of search.
    Search {
        #[command(subcommand)]
        command: SearchCommand,
    },
}

#[derive(Debug, Subcommand)]
pub enum SearchCommand {
    /// Make both indexes anew, while a server runs or not.
    Rebuild(Database),
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a new key to sign tokens with. It is published at once and signs in five minutes; the old one is believed until
    /// its last token has expired. Servers that run need not be started anew.
    Rotate {
        /// Sign with the new key now, and refuse what the old one signed: for when somebody else has it.
        #[arg(long)]
        at_once: bool,
        #[command(flatten)]
        database: Database,
    },
}

#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Create a user who can sign in. The password is read from standard input.
    Create {
        #[arg(long, value_parser = email)]
        email: Email,
        #[arg(long)]
        role: crate::permissions::Role,
        /// The name; the address's first part if left out.
        #[arg(long)]
        name: Option<String>,
        /// Confirms that the password comes from standard input, where no process list shows it.
        #[arg(long, required = true)]
        password_stdin: bool,
        #[command(flatten)]
        database: Database,
    },
    /// Remove the second factor of a user who lost it, and end their sessions. The next sign-in takes the password alone.
    ResetTotp {
        #[arg(long, value_parser = email)]
        email: Email,
        #[command(flatten)]
        database: Database,
    },
}

#[derive(Debug, Clone, Args)]
pub struct Database {
    /// Where the data is: sqlite://path or postgres://user:password@host/database?sslmode=verify-full.
    /// Left out: the file stet.db in the data directory.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = database)]
    pub database_url: Option<String>,

    /// The directory for everything that is not in the database.
    #[arg(long, env = "STET_DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,

    /// Encrypts the signing keys that are kept in the database: at least 32 characters, the same for all replicas.
    #[arg(long, env = "STET_SECRET_KEY", hide_env_values = true, value_parser = secret)]
    pub secret_key: Option<String>,
}

impl Database {
    /// The database that the settings name.
    pub fn target(&self) -> anyhow::Result<Target> {
        let default = || format!("sqlite://{}", self.data_dir.join("stet.db").display());
        let url = self.database_url.clone().unwrap_or_else(default);
        Target::parse(&url).map_err(|e| anyhow::anyhow!("DATABASE_URL: {e}"))
    }
}

#[derive(Debug, Clone, Args)]
pub struct Serve {
    #[command(flatten)]
    pub database: Database,

    /// The address to listen on. Port 0 takes a free one; the start prints which.
    #[arg(long, env = "STET_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Where readers find the site: the start of every `url` in answers. Left out: the address listened on.
    #[arg(long, env = "STET_PUBLIC_URL", value_parser = public_url)]
    pub public_url: Option<String>,

    /// The site's name at its first start. Afterwards it is what `PATCH /site` says.
    #[arg(long, env = "STET_SITE_NAME", default_value = "Stet", value_parser = site_name)]
    pub site_name: Line<1, 100>,

    /// The first administrator's email address, used where there is no user yet.
    #[arg(long, env = "STET_ADMIN_EMAIL", value_parser = email, requires = "admin_password")]
    pub admin_email: Option<Email>,

    /// The first administrator's password: 12 to 128 characters.
    #[arg(long, env = "STET_ADMIN_PASSWORD", hide_env_values = true, requires = "admin_email", value_parser = password)]
    pub admin_password: Option<Password>,

    /// The mail server: smtp://user:password@host:587, where STARTTLS is required unless the host is this machine, or
    /// smtps://user:password@host:465. ?ca=path trusts the certificates in a file. Left out: no mail is sent.
    #[arg(long, env = "STET_SMTP_URL", hide_env_values = true, requires = "mail_from", value_parser = Server::parse)]
    pub smtp_url: Option<Server>,

    /// Who letters are from: The Lantern <desk@lantern.example>. Without a name, the site's is taken.
    #[arg(long, env = "STET_MAIL_FROM", value_parser = mailbox)]
    pub mail_from: Option<Mailbox>,

    /// Where the links in letters lead: to /invitation, /password/reset and /email/confirm below it, which Stet serves.
    /// Left out: STET_PUBLIC_URL.
    #[arg(long, env = "STET_ACCOUNT_URL", value_parser = public_url)]
    pub account_url: Option<String>,
    /// Roles that must show a second factor, with commas between them: a password alone lets them set one up and nothing else.
    #[arg(long, env = "STET_REQUIRE_TOTP", value_delimiter = ',')]
    pub require_totp: Vec<crate::permissions::Role>,

    /// A TOML file that names the OpenID Connect providers at which the staff may sign in.
    #[arg(long, env = "STET_OIDC")]
    pub oidc: Option<PathBuf>,

    /// Origins whose pages may call the API, with commas between them; * for all (without credentials).
    #[arg(long, env = "STET_CORS_ORIGINS", value_delimiter = ',', value_parser = origin)]
    pub cors_origins: Vec<String>,

    /// Whether it is limited how often one may ask. Off behind a door that sees to it.
    #[arg(long, env = "STET_RATE_LIMIT", default_value = "on")]
    pub rate_limit: Switch,

    /// Proxies in front that are believed when they say who asks, with commas between them: 10.0.0.0/8,192.0.2.1.
    #[arg(long, env = "STET_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Worker threads. Left out: one for each core.
    #[arg(long, env = "STET_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,

    /// Database connections. Left out: two for each worker.
    #[arg(long, env = "STET_DB_CONNECTIONS", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub db_connections: Option<u32>,

    /// How many replies deep a thread of comments may go.
    #[arg(long, env = "STET_COMMENT_DEPTH", default_value_t = 4, value_parser = clap::value_parser!(i32).range(0..=10))]
    pub comment_depth: i32,

    /// Days in which what was deleted can be restored; after them it is removed for good. 0: it is kept for ever.
    #[arg(long, env = "STET_TRASH_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=36500))]
    pub trash_days: u32,

    /// Days in which `GET /changes` tells of what is not public any more. 0: for ever.
    #[arg(long, env = "STET_CHANGES_DAYS", default_value_t = 90, value_parser = clap::value_parser!(u32).range(0..=36500))]
    pub changes_days: u32,

    /// Days in which the audit is kept, 30 at the least. 0: for ever.
    #[arg(long, env = "STET_AUDIT_DAYS", default_value_t = 365, value_parser = audit_days)]
    pub audit_days: u32,

    /// What becomes of a publication in which preflight finds an error: advise lets it through, block refuses it.
    #[arg(long, env = "STET_PREFLIGHT", default_value = "advise")]
    pub preflight: Policy,

    /// Seconds that requests in flight may take to end after SIGTERM.
    #[arg(long, env = "STET_SHUTDOWN_SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(0..=3600))]
    pub shutdown_seconds: u64,

    /// How the log is written.
    #[arg(long, env = "STET_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,

    /// What is logged, as for RUST_LOG: warn, info, stet=debug.
    #[arg(long, env = "STET_LOG", default_value = "info")]
    pub log: String,

    /// Fill an empty database with a small newsroom.
    #[arg(long)]
    pub demo: bool,

    /// Use a throw-away database that is gone at exit, for the integration tests of front ends.
    #[arg(long, conflicts_with = "database_url")]
    pub ephemeral: bool,
}

impl Serve {
    pub fn limits(&self) -> limits::Settings {
        limits::Settings { on: self.rate_limit == Switch::On, trusted_proxies: self.trusted_proxies.clone() }
    }

    /// How mail is sent, if it is: with links to `url`, unless another address is set for them.
    pub fn mail(&self, url: &str) -> Option<mail::Settings> {
        let (server, from) = self.smtp_url.clone().zip(self.mail_from.clone())?;
        let account_url = self.account_url.clone().unwrap_or_else(|| url.to_owned());
        Some(mail::Settings { server, from, account_url })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

fn email(text: &str) -> Result<Email, String> {
    Email::parse(text.to_owned()).map_err(|e| e.message.into_owned())
}

fn site_name(text: &str) -> Result<Line<1, 100>, String> {
    Line::parse(text.to_owned()).map_err(|e| e.message.into_owned())
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    let plain = |mailbox: &Mailbox| !text.chars().any(char::is_control) && mailbox.email.to_string().is_ascii();
    let mailbox = text.parse::<Mailbox>().ok().filter(plain);
    mailbox.ok_or_else(|| "it looks like The Lantern <desk@lantern.example>".to_owned())
}

fn password(text: &str) -> Result<Password, String> {
    Password::parse(text.to_owned()).map_err(|e| e.message.into_owned())
}

fn database(text: &str) -> Result<String, String> {
    Target::parse(text).map(|_| text.to_owned())
}

fn secret(text: &str) -> Result<String, String> {
    if text.len() >= 32 { Ok(text.to_owned()) } else { Err("it has at least 32 characters".to_owned()) }
}

fn public_url(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|e| e.to_string())?;
    let plain = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if plain {
        Ok(text.trim_end_matches('/').to_owned())
    } else {
        Err("it looks like https://news.example.org".to_owned())
    }
}

fn audit_days(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(days @ (0 | 30..=36500)) => Ok(days),
        _ => Err("it is 0, or 30 to 36500".to_owned()),
    }
}

fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| "it looks like 10.0.0.0/8 or 192.0.2.1".to_owned())
}

fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let url = url::Url::parse(text).map_err(|e| e.to_string())?;
    let origin = url.origin().ascii_serialization();
    if origin == text { Ok(origin) } else { Err(format!("an origin has a scheme, a host and no path: {origin}")) }
}

#[cfg(test)]
mod tests {
    use super::{Cli, complaint, doubt, variables};
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_setting_is_named_in_one_line_and_a_secret_is_not_shown() {
        for (arguments, expected) in [
            (
                &["serve", "--listen", "x"][..],
                "invalid value 'x' for 'STET_LISTEN (--listen)': invalid socket address syntax",
            ),
            (
                &["serve", "--log-format", "xml"],
                "invalid value 'xml' for 'STET_LOG_FORMAT (--log-format)' [possible values: text, json]",
            ),
            (
                &["migrate", "--secret-key", "hunter2"],
                "invalid value for 'STET_SECRET_KEY (--secret-key)': it has at least 32 characters",
            ),
            (
                &["serve", "--smtp-url", "smtp://stet:hunter2@mail.example.org/x"],
                "invalid value for 'STET_SMTP_URL (--smtp-url)': it looks like smtp://user:password@mail.example.org:587 or smtps://…:465",
            ),
            (
                &["serve", "--ephemeral", "--database-url", "sqlite://x.db"],
                "the argument '--ephemeral' cannot be used with 'DATABASE_URL (--database-url)'",
            ),
        ] {
            let error = Cli::try_parse_from([&["stet"], arguments].concat()).unwrap_err();
            assert_eq!(complaint(&error).as_deref(), Some(expected));
        }
        assert_eq!(complaint(&Cli::try_parse_from(["stet", "sing"]).unwrap_err()), None);
    }

    #[test]
    fn a_variable_that_is_no_setting_is_noticed() {
        let known = variables();
        for (name, expected) in [
            ("STET_LISTEN", None),
            ("DATABASE_URL", None),
            ("PATH", None),
            ("STET_TEST_POSTGRES", None),
            ("STET_SERVICE_HOST", None),
            ("STET_PORT_8080_TCP_ADDR", None),
            ("STET_DATABASE_URL", Some("STET_DATABASE_URL is not a setting: it is called DATABASE_URL")),
            ("STET_LISTENS", Some("STET_LISTENS is not a setting; .env.example lists them")),
        ] {
            assert_eq!(doubt(name, &known).as_deref(), expected, "{name}");
        }
    }
}
