//! SQLite's one writer: a thread that takes jobs in groups, a savepoint for each and one synced commit for all.

use super::{
    Ending,
    conn::{Conn, Target},
    in_transaction,
};
use crate::error::{Code, Error, Result};
use diesel::{
    Connection, ConnectionError, ConnectionResult,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
};
use std::{
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};
use tokio::sync::oneshot;

/// Jobs that may wait; one more is told to come back.
const QUEUE: usize = 1024;
/// Jobs that share one commit at the most.
const GROUP: usize = 128;

/// The pages that changed last are read again by the next write, from a log that is not mapped: 32 MiB of them are kept. Nobody
/// who does not write has them.
const CACHE: &str = "PRAGMA cache_size = -32768";

/// Runs inside the group's transaction, or is told why there is none.
type Job = Box<dyn FnOnce(std::result::Result<&mut Conn, &Error>) -> Done + Send>;

/// Sends a job's result once the group is on disk, or the commit's error in its place.
type Answer = Box<dyn FnOnce(Option<&Error>) + Send>;

/// What a job left behind.
struct Done {
    answer: Answer,
    /// Whether the group may go on. A full disk makes SQLite undo the whole transaction, not the job alone: what ran
    /// after it would be committed on its own and reported as failed.
    sound: bool,
}

/// The sending side of the writer thread, which ends when the last clone is dropped.
#[derive(Clone)]
pub struct Writer(SyncSender<Job>);

impl Writer {
    pub fn start(target: &Target) -> anyhow::Result<Self> {
        let (sender, jobs) = sync_channel(QUEUE);
        let mut thread = Thread { conn: Some(open(target)?), target: target.clone() };
        thread::Builder::new().name("stet-writer".into()).spawn(move || thread.serve(&jobs))?;
        Ok(Self(sender))
    }

    /// Runs `f` in a savepoint of its own: an error or a panic undoes `f` alone.
    pub async fn run<T: Send + 'static>(
        &self,
        ending: Ending,
        f: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (tell, told) = oneshot::channel();
        let job: Job = Box::new(move |conn| {
            let result = conn.map_err(Error::copy).and_then(|conn| in_transaction(conn, ending, f));
            let sound = !matches!(&result, Err(e) if e.code().status().is_server_error());
            let answer = Box::new(move |failed: Option<&Error>| {
                let result = match failed {
                    Some(error) => result.and_then(|_| Err(error.copy())),
                    None => result,
                };
                // A client that went away is no longer waiting; its write stands.
                drop(tell.send(result));
            });
            Done { answer, sound }
        });
        self.0.try_send(job).map_err(|e| match e {
            TrySendError::Full(_) => Error::unavailable("too many writes are waiting"),
            TrySendError::Disconnected(_) => Error::new(Code::Unavailable),
        })?;
        told.await.map_err(|_| Error::new(Code::Unavailable))?
    }
}

fn open(target: &Target) -> ConnectionResult<Conn> {
    let mut conn = target.open()?;
    conn.batch_execute(CACHE).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

struct Thread {
    /// None after a failure, until the database could be opened again.
    conn: Option<Conn>,
    target: Target,
}

impl Thread {
    fn serve(&mut self, jobs: &Receiver<Job>) {
        while let Ok(first) = jobs.recv() {
            let begun = self.begin();
            let (done, failed) = match begun {
                Ok(mut conn) => {
                    let done = run_group(&mut conn, first, jobs);
                    let committed = <Conn as Connection>::TransactionManager::commit_transaction(&mut conn);
                    // A connection whose commit failed is not trusted again: the next group opens another.
                    self.conn = committed.is_ok().then_some(conn);
                    (done, committed.err().map(Error::from))
                }
                Err(error) => (vec![first(Err(&error))], Some(error)),
            };
            if let Some(error) = &failed {
                tracing::error!(%error, writes = done.len(), "a group of writes was not committed");
            }
            for job in done {
                (job.answer)(failed.as_ref());
            }
        }
    }

    /// The write lock is taken at once: a transaction that reads first and writes later fails under load.
    fn begin(&mut self) -> Result<Conn> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => open(&self.target).map_err(|e| Error::unavailable("the database cannot be opened").because(e))?,
        };
        let Conn::Sqlite(sqlite) = &mut conn else { return Err(Error::internal("only SQLite has one writer")) };
        AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")?;
        Ok(conn)
    }
}

/// Runs the job and those that wait behind it.
fn run_group(conn: &mut Conn, first: Job, jobs: &Receiver<Job>) -> Vec<Done> {
    let mut done = vec![first(Ok(conn))];
    while done.len() < GROUP && done.last().is_some_and(|job| job.sound) {
        let Ok(job) = jobs.try_recv() else { break };
        done.push(job(Ok(conn)));
    }
    done
}

#[cfg(test)]
mod tests {
    use super::{Ending, Writer};
    use crate::{
        db::{Conn, Target},
        error::{Code, Error, Result},
    };
    use diesel::{connection::SimpleConnection, prelude::*, sql_types::BigInt};

    fn execute(sql: &'static str) -> impl FnOnce(&mut Conn) -> Result<()> + Send + 'static {
        move |conn| Ok(conn.batch_execute(sql)?)
    }

    fn count(target: &Target) -> i64 {
        let mut conn = target.open().unwrap();
        diesel::select(diesel::dsl::sql::<BigInt>("(SELECT count(*) FROM t)")).get_result(&mut conn).unwrap()
    }

    async fn start() -> (Writer, Target, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        let target = Target::Sqlite(directory.path().join("t.db").to_str().unwrap().to_owned());
        let writer = Writer::start(&target).unwrap();
        writer.run(Ending::Commit, execute("CREATE TABLE t (x)")).await.unwrap();
        (writer, target, directory)
    }

    #[actix_web::test]
    async fn an_error_or_a_panic_undoes_its_own_job_alone() {
        let (writer, target, _directory) = start().await;
        let good = writer.run(Ending::Commit, execute("INSERT INTO t VALUES (1)"));
        let bad = writer.run(Ending::Commit, |conn| -> Result<()> {
            conn.batch_execute("INSERT INTO t VALUES (2)")?;
            Err(Error::new(Code::Conflict))
        });
        let panics = writer.run(Ending::Commit, |conn| -> Result<()> {
            conn.batch_execute("INSERT INTO t VALUES (3)")?;
            panic!("on purpose")
        });
        let last = writer.run(Ending::Commit, execute("INSERT INTO t VALUES (4)"));
        let (good, bad, panics, last) = futures_util::join!(good, bad, panics, last);
        assert!(good.is_ok() && last.is_ok());
        assert_eq!(bad.unwrap_err().code(), Code::Conflict);
        assert_eq!(panics.unwrap_err().code(), Code::Internal);
        assert_eq!(count(&target), 2);
    }

    #[actix_web::test]
    async fn a_full_disk_is_told_to_all_and_heals() {
        let (writer, target, _directory) = start().await;
        // The bound belongs to the connection, which a failure replaces: the disk is full only for this group.
        writer.run(Ending::Commit, execute("PRAGMA max_page_count = 4")).await.unwrap();
        let before = writer.run(Ending::Commit, execute("INSERT INTO t VALUES (1)"));
        let fills = writer.run(Ending::Commit, execute("INSERT INTO t VALUES (zeroblob(1000000))"));
        let after = writer.run(Ending::Commit, execute("INSERT INTO t VALUES (2)"));
        let (before, fills, after) = futures_util::join!(before, fills, after);
        assert_eq!(fills.unwrap_err().code(), Code::StorageFull);
        // Whoever was told that it is done finds it; whoever was told that it failed does not.
        let done = [before.is_ok(), after.is_ok()].into_iter().filter(|ok| *ok).count();
        assert_eq!(count(&target), i64::try_from(done).unwrap());
        writer.run(Ending::Commit, execute("INSERT INTO t VALUES (3)")).await.unwrap();
        assert_eq!(count(&target), i64::try_from(done).unwrap() + 1);
    }
}
