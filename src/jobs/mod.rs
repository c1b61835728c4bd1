//! Loops that call feature functions: what is due happens without anybody asking for it.

use crate::{
    app::App,
    articles::{self, trash},
    audit, auth, changes, clock,
    error::Result,
    mail, search,
};
use actix_web::{rt, web::Data};
use std::time::Duration;
use tokio::{sync::watch, time::timeout};

/// How often a process looks for what is due: it happens within a second.
const DUE: Duration = Duration::from_millis(500);
/// How often it looks for what is to be indexed.
const INDEXING: Duration = Duration::from_millis(250);
/// How often it merges what many writes left apart in the indexes.
const MERGING: Duration = Duration::from_secs(60);
/// How often it looks for letters that wait.
const SENDING: Duration = Duration::from_millis(250);
/// How often it looks for what was in the trash for long enough, and for what expired long ago.
const CLEANING: Duration = Duration::from_secs(600);

/// How often it looks whether another process changed what is said of the site.
const FOLLOWING: Duration = Duration::from_millis(500);

/// How often it forgets who asked.
const SWEEPING: Duration = Duration::from_secs(30);

/// What one call of a job's function left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing that would not wait for the next time.
    Nothing,
    /// There may be more: call again at once.
    More,
}

/// The loops of a process. They end with it, or when it is dropped.
pub struct Jobs(watch::Sender<()>);

impl Jobs {
    /// Starts all loops on this thread, each at once. Any number of processes may run them on one database.
    pub fn start(app: &Data<App>) -> Self {
        let (stop, _) = watch::channel(());
        let jobs = Self(stop);
        let (mut due, db) = (articles::Due::default(), app.db.clone());
        let (shared, cleaned, site) = (app.clone(), app.db.clone(), app.clone().into_inner());
        let followed = app.clone();
        let (identity, keys) = (app.db.clone(), app.clone().into_inner());
        jobs.every(CLEANING, "empty the trash", async move || trash::empty(&shared, clock::now()).await);
        jobs.every(CLEANING, "forget expired previews", async move || {
            let forgotten = cleaned.clean_up(|conn| articles::clean_up_previews(conn, clock::now())).await?;
            tracing::debug!(forgotten, "expired previews");
            Ok(Left::Nothing)
        });
        jobs.every(CLEANING, "forget ended sessions", async move || {
            let forgotten = identity.clean_up(|conn| auth::clean_up(conn, clock::now())).await?;
            tracing::debug!(forgotten, "ended sessions, expired links and retired keys");
            Ok(Left::Nothing)
        });
        let (mut delivery, sender, letters) = (mail::Delivery::default(), app.clone(), app.db.clone());
        jobs.every(CLEANING, "forget letters", async move || {
            let forgotten = letters.clean_up(|conn| mail::clean_up(conn, clock::now())).await?;
            tracing::debug!(forgotten, "letters that were sent or given up long ago");
            Ok(Left::Nothing)
        });
        jobs.every(SENDING, "send letters", async move || delivery.work(&sender).await);
        jobs.every(FOLLOWING, "follow changes of the keys", async move || {
            keys.refresh_keys().await.map(|()| Left::Nothing)
        });
        jobs.every(FOLLOWING, "follow changes of the site", async move || {
            site.refresh_site().await.map(|()| Left::Nothing)
        });
        jobs.every(CLEANING, "forget what went", async move || changes::forget(&followed, clock::now()).await);
        let audited = app.clone();
        jobs.every(CLEANING, "forget the oldest of the audit", async move || {
            audit::forget(&audited, clock::now()).await
        });
        let limited = app.clone();
        jobs.every(SWEEPING, "forget whose limits are whole", async move || {
            limited.limits.sweep();
            Ok(Left::Nothing)
        });
        let (indexed, merged) = (app.clone(), app.clone());
        jobs.every(INDEXING, "index what changed", async move || search::work(&indexed).await);
        jobs.every(MERGING, "merge the indexes", async move || search::merge(&merged).await);
        jobs.every(DUE, "publish what is due", async move || due.settle(&db).await);
        jobs
    }

    /// Calls `run` again and again: after `pause`, or at once while there is more. What went wrong is logged when it
    /// begins and when it is over, not each time between.
    fn every(&self, pause: Duration, name: &'static str, mut run: impl AsyncFnMut() -> Result<Left> + 'static) {
        let mut stop = self.0.subscribe();
        rt::spawn(async move {
            let mut failing = false;
            loop {
                let left = run().await;
                match &left {
                    Err(error) if !failing => tracing::error!(job = name, %error, "a job failed, and will try again"),
                    Ok(_) if failing => tracing::info!(job = name, "a job works again"),
                    _ => {}
                }
                failing = left.is_err();
                let pause = if matches!(left, Ok(Left::More)) { Duration::ZERO } else { pause };
                // Told to stop, or left alone.
                if timeout(pause, stop.changed()).await.is_ok() {
                    break;
                }
            }
        });
    }

    /// Ends the loops: each finishes what it is doing.
    pub async fn stop(&self) {
        self.0.send_replace(());
        self.0.closed().await;
    }
}
