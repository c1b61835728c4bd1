//! `TestApp`: the real server on a free port, over a database of its own.

use super::{
    blocking,
    client::Client,
    database::{self, Kind, Place},
    postbox::Postbox,
    secrets,
};
use actix_web::{dev::ServerHandle, web::Data};
use diesel::{QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_types::BigInt};
use std::{net::TcpListener, sync::OnceLock, time::Duration};
use stet::{
    app::{self, App, Listening},
    articles::{preflight::Policy, trash::Keeping},
    auth::{Password, SignIn, passwords},
    clock,
    db::{Db, Id, Target},
    jobs::Jobs,
    limits::{self, Limits},
    mail::Mail,
    permissions::Role,
    site::{Profile, Site},
    users::{self, NewUser},
    values::{Email, Line},
};

pub const PASSWORD: &str = "a tide table for March";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

pub struct TestApp {
    pub target: Target,
    pub app: Data<App>,
    pub address: String,
    pub jobs: Jobs,
    server: ServerHandle,
    _place: Option<Place>,
}

impl TestApp {
    pub async fn start(kind: Kind) -> Self {
        Self::start_with(kind, |_| {}).await
    }

    /// Starts with settings of its own.
    pub async fn start_with(kind: Kind, change: impl FnOnce(&mut Listening)) -> Self {
        Self::launch(kind, |_| {}, change, |_| {}).await
    }

    /// Starts as a site of its own.
    pub async fn start_as(kind: Kind, change: impl FnOnce(&mut Site)) -> Self {
        Self::launch(kind, change, |_| {}, |_| {}).await
    }

    /// Starts with a mail server.
    pub async fn start_with_mail(kind: Kind, postbox: &Postbox) -> Self {
        Self::launch(kind, |_| {}, |_| {}, |app| app.mail = Mail::new(postbox.settings()).unwrap()).await
    }

    /// Starts with limits, behind a proxy of this machine where one is asked for.
    pub async fn start_limited(kind: Kind, behind_a_proxy: bool) -> Self {
        let trusted_proxies = behind_a_proxy.then(|| "127.0.0.0/8".parse().unwrap()).into_iter().collect();
        let settings = limits::Settings { on: true, trusted_proxies };
        Self::launch(kind, |_| {}, |_| {}, |app| app.limits = Limits::new(settings)).await
    }

    /// Starts with settings of signing in.
    pub async fn start_signing_in(kind: Kind, sign_in: SignIn) -> Self {
        Self::launch(kind, |_| {}, |_| {}, |app| app.sign_in = sign_in).await
    }

    #[expect(clippy::unused_async, reason = "it spawns, so it must be called where tasks run")]
    async fn launch(
        kind: Kind,
        settle: impl FnOnce(&mut Site),
        change: impl FnOnce(&mut Listening),
        prepare: impl FnOnce(&mut App),
    ) -> Self {
        let (target, place) = blocking(|| database::fresh(kind));
        Self::serve(target, Some(place), settle, change, prepare)
    }

    /// A second process on the same database. The first is to outlive it.
    pub async fn beside(&self, postbox: &Postbox) -> Self {
        self.beside_with(Mail::new(postbox.settings()).unwrap()).await
    }

    /// The same with mail that goes its own way.
    #[expect(clippy::unused_async, reason = "it spawns, so it must be called where tasks run")]
    pub async fn beside_with(&self, mail: Mail) -> Self {
        Self::serve(self.target.clone(), None, |_| {}, |_| {}, |app| app.mail = mail)
    }

    fn serve(
        target: Target,
        place: Option<Place>,
        settle: impl FnOnce(&mut Site),
        change: impl FnOnce(&mut Listening),
        prepare: impl FnOnce(&mut App),
    ) -> Self {
        secrets::listen();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let mut site = Site {
            url: "https://news.example".into(),
            comment_depth: 2,
            trash: Keeping { days: 30 },
            changes: Keeping { days: 90 },
            preflight: Policy::Advise,
            profile: Profile::named(Line::parse("The Lantern".into()).unwrap()),
            version: 0,
        };
        settle(&mut site);
        let mut app = blocking(|| App::new(Db::open(&target, 4).unwrap(), site, None).unwrap());
        prepare(&mut app);
        let app = Data::new(app);
        let mut listening = Listening {
            workers: 1,
            shutdown: Duration::from_secs(1),
            cors_origins: Vec::new(),
            unread: Duration::from_secs(60),
        };
        change(&mut listening);
        let server = app::serve(app.clone(), listener, &listening).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let jobs = Jobs::start(&app);
        Self { target, app, address, jobs, server: handle, _place: place }
    }

    pub fn kind(&self) -> Kind {
        match self.target {
            Target::Sqlite(_) => Kind::Sqlite,
            Target::Postgres(_) => Kind::Postgres,
        }
    }

    /// A stranger.
    pub fn anyone(&self) -> Client {
        Client::new(&self.address, None)
    }

    /// Somebody new on the staff, signed in.
    pub async fn signed_in(&self, role: Role) -> Client {
        self.signed_in_as(role, None).await
    }

    /// The same with a byline: the id of an author.
    pub async fn signed_in_as(&self, role: Role, byline: Option<&str>) -> Client {
        let email = self.new_user_as(role, byline);
        let session =
            self.anyone().post("/auth/login", serde_json::json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(session.status, 200, "{session:?}");
        Client::new(&self.address, session.json["access_token"].as_str().map(str::to_owned))
    }

    /// Makes a user with [`PASSWORD`] and gives the address to sign in with.
    pub fn new_user(&self, role: Role) -> String {
        self.new_user_as(role, None)
    }

    fn new_user_as(&self, role: Role, byline: Option<&str>) -> String {
        static HASH: OnceLock<String> = OnceLock::new();
        let hash = HASH.get_or_init(|| passwords::hash(&Password::parse(PASSWORD.into()).unwrap()).unwrap());
        let email = Email::parse(format!("{role}-{}@lantern.example", Id::new())).unwrap();
        let author_id = byline.map(|id| id.parse().unwrap());
        let new = NewUser { email: &email, name: "Mira Holt", role, password_hash: Some(hash), author_id };
        blocking(|| users::insert(&mut self.app.db.connection().unwrap(), &new, Id::new(), clock::now()).unwrap());
        email.to_string()
    }

    /// Does in the database what no client can.
    pub fn execute(&self, sql: &str) {
        blocking(|| self.app.db.connection().unwrap().batch_execute(sql).unwrap());
    }

    /// A number from the database that no client is told.
    pub fn number(&self, sql: &str) -> i64 {
        let query = diesel::sql_query(format!("SELECT CAST(({sql}) AS BIGINT) AS number"));
        blocking(|| query.get_result::<Number>(&mut *self.app.db.connection().unwrap()).unwrap().number)
    }

    /// Waits until a number in the database is as it should be.
    pub async fn becomes(&self, sql: &str, number: i64) {
        let began = std::time::Instant::now();
        loop {
            let found = self.number(sql);
            if found == number {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{found}, and not {number}: {sql}");
            actix_web::rt::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn contributor(&self) -> Client {
        self.signed_in(Role::Contributor).await
    }

    pub async fn author(&self) -> Client {
        self.signed_in(Role::Author).await
    }

    pub async fn editor(&self) -> Client {
        self.signed_in(Role::Editor).await
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        // The future need not be waited for: the server's thread ends by itself.
        drop(self.server.stop(false));
    }
}
