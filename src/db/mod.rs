//! The only place that knows there are two databases. Features read and write by `read` (or `look_up`, `read_whole`) and `write`.

pub(crate) mod among;
mod clock;
pub(crate) mod column;
mod conn;
pub(crate) mod full_text;
mod id;
pub(crate) mod lock;
mod migrations;
pub mod postgres;
pub(crate) mod sequence;
mod writer;

pub(crate) use among::in_size;
pub use among::{among, in_order};
pub use clock::now;
pub use column::{AsJson, Kept};
pub use conn::{Conn, MultiBackend, Target, columns};
pub use id::{DbId, Id};
pub use migrations::{migrate, revert_all};

use crate::error::{Code, Error, Result};
use conn::Manager;
use diesel::{
    Connection,
    connection::SimpleConnection,
    r2d2::{Pool, PooledConnection},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use writer::Writer;

/// How long a request waits for a connection before it is told to come back.
const POOL_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a write that lost a race against another (deadlock, serialisation) is begun anew.
const ATTEMPTS: usize = 5;

/// Threads of a worker that may block on the database: a database gains nothing from more, and a process loses.
pub const BLOCKING_THREADS: usize = 2;

thread_local! {
    /// Of a worker's threads that block, those that may do what takes long. The rest is for what does not.
    static TURNS: Arc<Semaphore> = Arc::new(Semaphore::new(BLOCKING_THREADS - 1));
}

/// Waits for a turn to do what may take long, which is held until it is done: `read(move |conn| { let _turn = turn; … })`.
/// Meanwhile a thread of this worker stays free for others.
///
/// # Errors
/// 503 where the process ends.
pub async fn turn() -> Result<OwnedSemaphorePermit> {
    TURNS.with(Arc::clone).acquire_owned().await.map_err(|_| Error::new(Code::Unavailable))
}

/// The database: cheap to clone, shared by all workers.
#[derive(Clone)]
pub struct Db {
    /// SQLite: connections that only read. PostgreSQL: all of them.
    pool: Pool<Manager>,
    /// SQLite takes all writes in one thread; on PostgreSQL they go to the pool.
    writer: Option<Writer>,
    /// Whether the last write found room on the disk. Before the first one nobody knows.
    room: Arc<AtomicBool>,
}

/// What becomes of a write that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Commit,
    /// A dry run: everything is checked and answered, and nothing is kept.
    Discard,
}

impl Db {
    /// Opens the database with at most `connections` in its pool. Fails where it cannot be reached.
    pub fn open(target: &Target, connections: u32) -> anyhow::Result<Self> {
        let writer = match target {
            Target::Sqlite(_) => Some(Writer::start(target)?),
            Target::Postgres(_) => {
                // The pool would try again until it gives up, and say that it was too slow.
                drop(target.open()?);
                None
            }
        };
        let pool = Pool::builder()
            .max_size(connections)
            .min_idle(Some(1))
            .test_on_check_out(matches!(target, Target::Postgres(_)))
            .connection_timeout(POOL_TIMEOUT)
            .error_handler(Box::new(LogPoolErrors))
            .build(Manager(target.clone()))?;
        Ok(Self { pool, writer, room: Arc::default() })
    }

    /// Reads on a thread that may block. On SQLite all of `f` sees one snapshot.
    ///
    /// # Errors
    /// What `f` returns, or `unavailable` where no connection could be had.
    pub async fn read<T: Send + 'static>(&self, f: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static) -> Result<T> {
        let pool = self.pool.clone();
        let task = move || {
            let mut conn = checkout(&pool)?;
            match &mut *conn {
                Conn::Sqlite(_) => (*conn).transaction(f),
                Conn::Postgres(_) => f(&mut conn),
            }
        };
        actix_web::web::block(task).await.map_err(|_| Error::new(Code::Unavailable))?
    }

    /// As [`read`](Self::read), and on PostgreSQL, too, all of `f` sees one snapshot: for the working copies of
    /// articles, of which an autosave may be replaced between two statements.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn read_whole<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.writer.is_some() {
            return self.read(f).await;
        }
        let pool = self.pool.clone();
        let task = move || {
            (*checkout(&pool)?).transaction(|conn| {
                conn.batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
                f(conn)
            })
        };
        actix_web::web::block(task).await.map_err(|_| Error::new(Code::Unavailable))?
    }

    /// Reads what is found by its key. SQLite answers that in less time than another thread takes to wake up, so it
    /// happens here and now; where the database is remote or busy it is a [`read`](Self::read).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn look_up<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.writer.as_ref().and_then(|_| self.pool.try_get()) {
            Some(mut conn) => (*conn).transaction(f),
            None => self.read(f).await,
        }
    }

    /// Writes in one transaction; the answer comes after the commit has been synced.
    ///
    /// `f` may run more than once (a lost race on PostgreSQL), so it must not have effects outside the database.
    ///
    /// # Errors
    /// What `f` returns (and nothing was written), `unavailable`, or `storage_full`.
    pub async fn write<T: Send + 'static>(&self, f: impl Fn(&mut Conn) -> Result<T> + Send + 'static) -> Result<T> {
        self.write_or_rehearse(Ending::Commit, f).await
    }

    /// As [`write`](Self::write), or the same with everything undone at the end.
    pub async fn write_or_rehearse<T: Send + 'static>(
        &self,
        ending: Ending,
        f: impl Fn(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let result = self.run(ending, f).await;
        if result.is_ok() && ending == Ending::Commit {
            self.room.store(true, Ordering::Relaxed);
        }
        result
    }

    /// As [`write`](Self::write), where there is mostly nothing to write: that it succeeds says nothing of the disk.
    pub async fn clean_up<T: Send + 'static>(&self, f: impl Fn(&mut Conn) -> Result<T> + Send + 'static) -> Result<T> {
        self.run(Ending::Commit, f).await
    }

    async fn run<T: Send + 'static>(
        &self,
        ending: Ending,
        f: impl Fn(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let result = match &self.writer {
            Some(writer) => writer.run(ending, f).await,
            None => self.write_by_pool(ending, f).await,
        };
        if result.as_ref().is_err_and(|error| error.code() == Code::StorageFull) {
            self.room.store(false, Ordering::Relaxed);
        }
        result
    }

    /// Whether the last write found room on the disk: `false` says that it is worth a try.
    pub fn had_room(&self) -> bool {
        self.room.load(Ordering::Relaxed)
    }

    async fn write_by_pool<T: Send + 'static>(
        &self,
        ending: Ending,
        f: impl Fn(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let pool = self.pool.clone();
        let task = move || {
            let mut conn = checkout(&pool)?;
            for _ in 1..ATTEMPTS {
                match in_transaction(&mut conn, ending, &f) {
                    Err(e) if e.is_lost_race() => {}
                    result => return result,
                }
            }
            in_transaction(&mut conn, ending, &f)
        };
        actix_web::web::block(task).await.map_err(|_| Error::new(Code::Unavailable))?
    }

    /// How many writes of one job gain from going on at the same time: SQLite commits them together, on PostgreSQL each
    /// would take a connection from those who wait for an answer.
    pub fn writes_at_once(&self) -> usize {
        if self.writer.is_some() { 32 } else { 1 }
    }

    /// A connection of one's own, for commands and start-up. Blocks.
    pub fn connection(
        &self,
    ) -> Result<PooledConnection<impl diesel::r2d2::ManageConnection<Connection = Conn> + use<>>> {
        checkout(&self.pool)
    }
}

/// Runs `f` in a transaction, or in a savepoint where one is open already. An error or a panic of `f` undoes it.
fn in_transaction<T>(conn: &mut Conn, ending: Ending, f: impl FnOnce(&mut Conn) -> Result<T>) -> Result<T> {
    // Set where `f` ran to its end and is rolled back all the same: for a rehearsal, or with the error of `f`, which a
    // rollback that fails too (the disk is full) would hide.
    let mut outcome = None;
    let result = conn.transaction(|conn| {
        let caught = catch_unwind(AssertUnwindSafe(|| f(conn)));
        match caught.unwrap_or_else(|_| Err(Error::internal("a write panicked"))) {
            Ok(value) if ending == Ending::Commit => Ok(value),
            other => {
                outcome = Some(other);
                Err(diesel::result::Error::RollbackTransaction.into())
            }
        }
    });
    outcome.unwrap_or(result)
}

fn checkout(pool: &Pool<Manager>) -> Result<PooledConnection<Manager>> {
    pool.get().map_err(|e| Error::unavailable("the database cannot be reached or is overloaded").because(e))
}

#[derive(Debug)]
struct LogPoolErrors;

impl diesel::r2d2::HandleError<diesel::r2d2::Error> for LogPoolErrors {
    fn handle_error(&self, error: diesel::r2d2::Error) {
        tracing::error!(%error, "the database refused a connection");
    }
}
