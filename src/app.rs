//! What a handler is given, and the one list of routes.

use crate::{
    api_keys,
    articles::{self, trash::Keeping},
    audit, auth,
    auth::{Hasher, Keyring, SignIn},
    authors, changes, comments,
    config::Serve,
    db::{self, Conn, Db},
    error::Result,
    feeds, health,
    http::{
        Routes,
        cursor::Cursors,
        front::{self, Paths},
        operation::Operations,
    },
    limits::Limits,
    llms,
    mail::Mail,
    openapi, redirects, search, sections,
    site::{self, Site},
    sitemaps, tags, users,
};
use actix_cors::Cors;
use actix_web::{
    App as ActixApp, HttpRequest, HttpServer,
    dev::Server,
    http::header,
    middleware::{Compress, Condition, from_fn},
    rt::net::TcpStream,
    web::{self, Data},
};
use socket2::SockRef;
use std::{any::Any, net::TcpListener, sync::Arc, thread::available_parallelism, time::Duration};

/// What every handler may use; one for all workers.
pub struct App {
    pub db: Db,
    pub keys: Keyring,
    pub cursors: Cursors,
    pub hasher: Hasher,
    pub key_uses: api_keys::Uses,
    /// How long the audit is kept.
    pub audit_kept: Keeping,
    pub limits: Limits,
    pub mail: Mail,
    pub refusals: audit::Refusals,
    pub search: search::Turn,
    pub sign_in: SignIn,
    site: site::Current,
}

impl App {
    /// Loads the keys (makes them at the first start) and starts the threads. The database is up to date already.
    pub fn new(db: Db, site: Site, secret_key: Option<&str>) -> anyhow::Result<Self> {
        let keys = Keyring::load(&mut *db.connection()?, secret_key, site.url.clone())?;
        let site = site::Current::load(&mut *db.connection()?, site)?;
        changes::begin(&mut *db.connection()?)?;
        let cursors = Cursors::new(keys.cursor_key());
        let hasher = Hasher::start(available_parallelism().map_or(1, usize::from))?;
        let (key_uses, search) = (api_keys::Uses::default(), search::Turn::default());
        let (refusals, audit_kept) = (audit::Refusals::default(), Keeping { days: 365 });
        let (limits, mail, sign_in) = (Limits::default(), Mail::default(), SignIn::default());
        Ok(Self { db, keys, cursors, hasher, key_uses, audit_kept, limits, mail, refusals, search, sign_in, site })
    }

    /// The site as it is now.
    pub fn site(&self) -> Arc<Site> {
        self.site.get()
    }

    /// Sees to changes of the site, by whatever process they were made.
    pub async fn refresh_site(self: &Arc<Self>) -> Result<()> {
        let app = self.clone();
        self.db.look_up(move |conn| app.follow_site(conn)).await
    }

    /// The same for whoever reads: the site is told of as it is in this snapshot, or newer.
    pub fn follow_site(&self, conn: &mut Conn) -> Result<()> {
        self.site.refresh(conn)
    }

    /// Sees to keys that another process made or retired.
    pub async fn refresh_keys(self: &Arc<Self>) -> Result<()> {
        let app = self.clone();
        self.db.look_up(move |conn| app.keys.follow(conn)).await
    }
}

/// Where the API is.
pub const API: &str = "/api/v1";

/// The routes of the API. They are tried in this order, so articles, which are asked most, come first; the others by their names.
pub fn api(config: &mut impl Routes) {
    config
        .configure(articles::routes::routes)
        .configure(api_keys::routes::routes)
        .configure(audit::routes::routes)
        .configure(auth::routes::routes)
        .configure(authors::routes::routes)
        .configure(changes::routes::routes)
        .configure(comments::routes::routes)
        .configure(redirects::routes::routes)
        .configure(search::routes::routes)
        .configure(sections::routes::routes)
        .configure(site::routes::routes)
        .configure(tags::routes::routes)
        .configure(users::routes::routes);
}

/// All others that the document knows.
pub fn outside(config: &mut impl Routes) {
    config
        .configure(auth::jwks::routes)
        .configure(health::routes)
        .configure(llms::routes)
        .configure(feeds::routes::routes)
        .configure(sitemaps::routes::routes);
}

/// How the server listens and ends.
#[derive(Debug, Clone)]
pub struct Listening {
    pub workers: usize,
    pub shutdown: Duration,
    pub cors_origins: Vec<String>,
    /// How long an answer that nobody reads is kept.
    pub unread: Duration,
}

/// As long as a client may take to make room for more of its answer.
const UNREAD: Duration = Duration::from_secs(60);

impl Listening {
    pub fn of(settings: &Serve) -> Self {
        let cores = || available_parallelism().map_or(1, usize::from);
        Self {
            workers: settings.workers.map_or_else(cores, usize::from),
            shutdown: Duration::from_secs(settings.shutdown_seconds),
            cors_origins: settings.cors_origins.clone(),
            unread: UNREAD,
        }
    }
}

/// Starts to serve. What runs in tests is what runs in production.
pub fn serve(app: Data<App>, listener: TcpListener, listening: &Listening) -> std::io::Result<Server> {
    let document = openapi::operations().map_err(std::io::Error::other)?;
    let pages = [auth::pages::PAGES, openapi::PAGES].concat();
    let pages = pages.into_iter().map(|page| (page, vec!["GET".to_owned()]));
    let paths = Data::new(Paths::new(openapi::methods(&document).chain(pages)));
    let operations = Data::new(Operations::new(&document));
    let document = Data::new(openapi::Document::default());
    let (origins, unread) = (listening.cors_origins.clone(), listening.unread);
    let server = HttpServer::new(move || {
        let (app, paths, document) = (app.clone(), paths.clone(), document.clone());
        let operations = operations.clone();
        ActixApp::new()
            .app_data(app)
            .app_data(paths.clone())
            .app_data(document)
            .app_data(operations)
            .service(web::scope(API).configure(api))
            .configure(outside)
            .configure(auth::pages::pages)
            // Last: it takes every address that nobody took before it.
            .configure(openapi::routes)
            .default_service(web::to(move |request: HttpRequest, paths: Data<Paths>| {
                std::future::ready(front::fallback(&request, &paths))
            }))
            .wrap(from_fn(front::inner))
            .wrap(Condition::new(!origins.is_empty(), cors(&origins)))
            .wrap(Compress::default())
            .wrap(from_fn(front::outer))
    });
    Ok(server
        .workers(listening.workers)
        .worker_max_blocking_threads(db::BLOCKING_THREADS)
        .shutdown_timeout(listening.shutdown.as_secs())
        .on_connect(move |connection, _| hang_up_after(connection, unread))
        .listen(listener)?
        .run())
}

/// Has the system end a connection whose client reads nothing for so long: the server itself waits for ever.
fn hang_up_after(connection: &dyn Any, unread: Duration) {
    #[cfg(target_os = "linux")]
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(unread))
    {
        tracing::warn!(%error, "a connection has no limit for what is not read");
    }
}

/// CORS, for the origins that are let in.
fn cors(origins: &[String]) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
        .allowed_headers([
            header::ACCEPT.as_str(),
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "x-request-id",
        ])
        .expose_headers([
            "etag",
            "link",
            "location",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "x-request-id",
            "idempotent-replayed",
        ])
        .max_age(3600);
    if origins.iter().any(|origin| origin == "*") {
        return cors.allow_any_origin().send_wildcard();
    }
    origins.iter().fold(cors.block_on_origin_mismatch(false), |cors, origin| cors.allowed_origin(origin))
}
