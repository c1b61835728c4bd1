//! SQLite's one writer: a thread that takes jobs in groups, a savepoint for each and one synced commit for all.

use super::conn::Conn;
use crate::error::{Code, Error, Result};
use diesel::{
    Connection,
    connection::{AnsiTransactionManager, TransactionManager},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};
use tokio::sync::oneshot;

/// Jobs that may wait; one more is told to come back.
const QUEUE: usize = 1024;
/// Jobs that share one commit at the most.
const GROUP: usize = 128;

/// Runs inside the group's transaction, or is told why there is none; leaves what to answer once the group is on disk.
type Job = Box<dyn FnOnce(std::result::Result<&mut Conn, &Error>) -> Answer + Send>;
/// Sends the job's result, or the commit's error in its place.
type Answer = Box<dyn FnOnce(Option<&Error>) + Send>;

/// The sending side of the writer thread, which ends when the last clone is dropped.
#[derive(Clone)]
pub struct Writer(SyncSender<Job>);

impl Writer {
    pub fn start(conn: Conn) -> std::io::Result<Self> {
        let (sender, jobs) = sync_channel(QUEUE);
        thread::Builder::new().name("stet-writer".into()).spawn(move || serve(conn, &jobs))?;
        Ok(Self(sender))
    }

    /// Runs `f` in a transaction of its own; an error of it (or a panic) undoes `f` alone.
    pub async fn run<T: Send + 'static>(&self, f: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static) -> Result<T> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            let result = conn.map_err(Error::copy).and_then(|conn| {
                // A panic becomes an error inside the savepoint, so that what it left half done is undone.
                conn.transaction(|conn| {
                    catch_unwind(AssertUnwindSafe(|| f(conn)))
                        .unwrap_or_else(|_| Err(Error::internal("a write panicked")))
                })
            });
            Box::new(move |failed| {
                let result = match failed {
                    Some(error) => result.and_then(|_| Err(error.copy())),
                    None => result,
                };
                // A client that went away is no longer waiting; its write stands.
                drop(tell.send(result));
            })
        });
        self.0.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => Error::unavailable("too many writes are waiting"),
            TrySendError::Disconnected(_) => Error::new(Code::Unavailable),
        })?;
        told.await.map_err(|_| Error::new(Code::Unavailable))?
    }
}

fn serve(mut conn: Conn, jobs: &Receiver<Job>) {
    while let Ok(first) = jobs.recv() {
        let group = std::iter::once(first).chain(std::iter::from_fn(|| jobs.try_recv().ok()).take(GROUP - 1));
        let (answers, failed) = commit(&mut conn, group);
        for answer in answers {
            answer(failed.as_ref());
        }
    }
}

/// Runs the group and commits it. The answers stand only where there is no error.
fn commit(conn: &mut Conn, group: impl Iterator<Item = Job>) -> (Vec<Answer>, Option<Error>) {
    if let Err(e) = begin(conn) {
        let error = Error::from(e);
        return (group.map(|job| job(Err(&error))).collect(), Some(error));
    }
    let answers = group.map(|job| job(Ok(conn))).collect();
    let failed = <Conn as Connection>::TransactionManager::commit_transaction(conn).err().map(Error::from);
    if failed.is_some() {
        // A commit that failed (a full disk) leaves the transaction open; a rollback that finds none is no harm.
        if let Err(error) = <Conn as Connection>::TransactionManager::rollback_transaction(conn) {
            tracing::debug!(%error, "nothing was left to roll back");
        }
    }
    (answers, failed)
}

/// The write lock is taken at once: a transaction that reads first and writes later fails under load.
fn begin(conn: &mut Conn) -> diesel::QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
        Conn::Postgres(_) => <Conn as Connection>::TransactionManager::begin_transaction(conn),
    }
}
