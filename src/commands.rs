//! What the command line's commands do.

use crate::{
    app::{self, App, Listening},
    articles::trash::Keeping,
    audit::{self, Outcome},
    auth::{self, Password, Rotated, SignIn, factors, oidc::Providers, passwords, setup, strength::Known},
    clock,
    config::{Command, Database, KeysCommand, LogFormat, SearchCommand, Serve, UserCommand},
    db::{self, Db, Id, Target},
    demo,
    error::Error,
    jobs::Jobs,
    limits::Limits,
    mail::Mail,
    openapi,
    permissions::Role,
    search,
    site::{self, Profile, Site},
    users::{self, NewUser},
    values::{Email, Line},
};
use actix_web::web::Data;
use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    future::poll_fn,
    io::{IsTerminal as _, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    pin::pin,
    task::Poll,
    time::Instant,
};
use tracing_subscriber::EnvFilter;

pub fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Serve(settings) => serve(*settings),
        Command::Migrate(database) => migrate(&database),
        Command::User { command: UserCommand::Create { email, role, name, password_stdin: _, database } } => {
            create_user(&email, role, name, &database)
        }
        Command::User { command: UserCommand::ResetTotp { email, database } } => reset_totp(&email, &database),
        Command::Keys { command } => rotate_keys(command),
        Command::Openapi => print(&openapi::text()?),
        Command::Search { command: SearchCommand::Rebuild(database) } => rebuild_search(&database),
    }
}

fn serve(mut settings: Serve) -> anyhow::Result<()> {
    let began = Instant::now();
    start_log(&settings)?;
    // Kept until the end: what is dropped is deleted.
    let throw_away =
        settings.ephemeral.then(|| tempfile::tempdir().context("no temporary directory could be made")).transpose()?;
    if let Some(directory) = &throw_away {
        settings.database.data_dir = directory.path().to_owned();
        settings.database.database_url = None;
    }
    let listener = TcpListener::bind(settings.listen)
        .with_context(|| format!("STET_LISTEN: {} cannot be listened on", settings.listen))?;
    let address = listener.local_addr()?;
    let url = settings.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let listening = Listening::of(&settings);
    let connections = settings.db_connections.unwrap_or_else(|| u32::try_from(listening.workers * 2).unwrap_or(2));
    // All that may be wrong with the settings is told before the database is changed.
    let mail = settings.mail(&url).map(Mail::new).transpose().context("STET_SMTP_URL")?.unwrap_or_default();
    let providers = match &settings.oidc {
        Some(file) => Providers::load(file, &url).context("STET_OIDC")?,
        None => Providers::default(),
    };
    let sign_in = SignIn { totp_required: settings.require_totp.clone(), providers };
    let db = open(&settings.database, connections)?;
    first_start(&db, &settings, &url)?;
    let site = Site {
        url,
        comment_depth: settings.comment_depth,
        trash: Keeping { days: settings.trash_days },
        changes: Keeping { days: settings.changes_days },
        preflight: settings.preflight,
        profile: Profile::named(settings.site_name.clone()),
        version: 0,
    };
    let mut app = App::new(db, site, settings.database.secret_key.as_deref())?;
    app.audit_kept = Keeping { days: settings.audit_days };
    app.limits = Limits::new(settings.limits());
    app.mail = mail;
    app.sign_in = sign_in;
    let app = Data::new(app);
    actix_web::rt::System::new().block_on(async move {
        let mut server = pin!(app::serve(app.clone(), listener, &listening)?);
        // The first poll starts the workers and listens for signals; before it, SIGTERM would end the process at once.
        let started = poll_fn(|context| Poll::Ready(server.as_mut().poll(context))).await;
        if let Poll::Ready(ended) = started {
            return ended.context("the server failed");
        }
        print(&format!("Stet listens on http://{address} (ready in {} ms)\n", began.elapsed().as_millis()))?;
        let jobs = Jobs::start(&app);
        let ended = server.await;
        jobs.stop().await;
        ended.context("the server failed")
    })
}

/// What anybody can fill a log with: a line for each request that is not HTTP, or whose connection breaks.
const QUIET: &str = "actix_http::h1::dispatcher=off";

fn start_log(settings: &Serve) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(format!("{QUIET},{}", settings.log)).context("STET_LOG is not a filter")?;
    // Colours are for people: a journal or a file would keep the escape codes.
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    match settings.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Opens the database and brings it up to date.
fn open(database: &Database, connections: u32) -> anyhow::Result<Db> {
    let target = database.target()?;
    if let Target::Sqlite(path) = &target
        && let Some(directory) = Path::new(path).parent().filter(|d| !d.as_os_str().is_empty())
    {
        std::fs::create_dir_all(directory)
            .with_context(|| format!("DATABASE_URL: the directory {} cannot be made", directory.display()))?;
    }
    if let Target::Sqlite(path) = &target {
        make_private(Path::new(path)).with_context(|| format!("DATABASE_URL: the file {path} cannot be made"))?;
    }
    let db = Db::open(&target, connections).context("DATABASE_URL: the database cannot be opened")?;
    let ran = db::migrate(&mut *db.connection()?)?;
    if !ran.is_empty() {
        tracing::info!(migrations = ran.join(", "), "the database was brought up to date");
    }
    Ok(db)
}

/// Makes the file of a new database, for nobody else on the machine to read: SQLite would make one that everybody may, and
/// gives those beside it the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.write(true).create_new(true).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Sees to an administrator and, where asked for, the demo newsroom.
fn first_start(db: &Db, settings: &Serve, url: &str) -> anyhow::Result<()> {
    let conn = &mut *db.connection()?;
    diesel::Connection::transaction(conn, |conn| {
        let named = settings.admin_email.as_ref().zip(settings.admin_password.as_ref());
        let first = setup::first_start(conn, named, settings.site_name.as_str());
        if let Some(token) = first.map_err(|e| explain("STET_ADMIN_PASSWORD", e))? {
            print(&format!(
                "There is no administrator yet. Open this link within 24 hours to become one; it works once:\n  {url}/setup#{token}\n"
            ))?;
        }
        if settings.demo {
            demo::fill(conn, url)?;
        }
        Ok(())
    })
}

/// What is wrong with a password, and where it came from.
fn explain(setting: &str, error: Error) -> anyhow::Error {
    match error.errors() {
        [mistake] => anyhow::anyhow!("{setting}: {}", mistake.message),
        _ => error.into(),
    }
}

fn rotate_keys(command: KeysCommand) -> anyhow::Result<()> {
    let KeysCommand::Rotate { at_once, database } = command;
    let db = open(&database, 1)?;
    let rotated = diesel::Connection::transaction(&mut *db.connection()?, |conn| -> anyhow::Result<Rotated> {
        let rotated = auth::rotate(conn, database.secret_key.as_deref(), at_once, clock::now())?;
        let record = audit::Record::of_command("rotate_keys", "keys", rotated.kid.parse().ok());
        record.insert(conn, Outcome::Done)?;
        Ok(rotated)
    })?;
    let Rotated { kid, signs_from, retired_at } = rotated;
    print(&format!(
        "The key {kid} signs from {signs_from} on. What was signed before is believed until {retired_at}.\n"
    ))
}

fn migrate(database: &Database) -> anyhow::Result<()> {
    let db = open(database, 1)?;
    drop(db);
    print("The database is up to date.\n")
}

fn create_user(email: &Email, role: Role, name: Option<String>, database: &Database) -> anyhow::Result<()> {
    ensure!(role != Role::Reader, "the role reader is for keys, not for people");
    let mut password = String::new();
    std::io::stdin().take(4096).read_to_string(&mut password).context("the password could not be read")?;
    let password = Password::parse(password.trim_end_matches(['\r', '\n']).to_owned())
        .map_err(|e| anyhow::anyhow!("{}", e.message))?;
    let name = name.unwrap_or_else(|| email.as_ref().split('@').next().unwrap_or_default().to_owned());
    let name = Line::<1, 100>::parse(name).map_err(|e| anyhow::anyhow!("--name: {}", e.message))?;
    let db = open(database, 1)?;
    let site = site::profile(&mut *db.connection()?)?.map_or_else(String::new, |profile| profile.name.to_string());
    let known = Known { email: email.clone(), name: name.as_str().to_owned(), site };
    let hash = passwords::choose(&password, &known).map_err(|e| explain("the password", e))?;
    let new = NewUser { email, name: name.as_str(), role, password_hash: Some(&hash), author_id: None };
    let user = diesel::Connection::transaction(&mut *db.connection()?, |conn| {
        let user = users::insert(conn, &new, Id::new(), clock::now())?;
        audit::Record::of_command("create_user", "users", Some(user.id)).insert(conn, Outcome::Done)?;
        Ok::<_, Error>(user)
    })?;
    print(&format!("{} may sign in as {role}.\n", user.email))
}

fn reset_totp(email: &Email, database: &Database) -> anyhow::Result<()> {
    let db = open(database, 1)?;
    let conn = &mut *db.connection()?;
    diesel::Connection::transaction(conn, |conn| -> anyhow::Result<()> {
        let user = users::find_by_email(conn, email)?.with_context(|| format!("there is no user {email}"))?;
        factors::turn_off(conn, user.id, None, clock::now())?;
        Ok(audit::Record::of_command("remove_second_factor", "users", Some(user.id)).insert(conn, Outcome::Done)?)
    })?;
    print(&format!("{email} signs in with the password alone. Their sessions have ended.\n"))
}

fn rebuild_search(database: &Database) -> anyhow::Result<()> {
    let db = open(database, 2)?;
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} documents, {eta} left")?;
    // On a terminal only: a log would keep each step.
    let bar = ProgressBar::new(0).with_style(style);
    let progress = |of: usize, done: usize| {
        bar.set_length(of as u64);
        bar.set_position(done as u64);
    };
    let profile = site::profile(&mut *db.connection()?)?;
    let languages = profile.map_or_else(Vec::new, |profile| profile.languages);
    let count = actix_web::rt::System::new().block_on(search::rebuild::all(&db, &languages, progress))?;
    bar.finish_and_clear();
    print(&format!("Search knows all {count} articles, authors, sections and tags.\n"))
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("standard output is closed")
}
