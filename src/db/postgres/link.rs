//! The line to the server: the driver, and the small runtime that turns it while a call waits for its answer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use diesel::result::{ConnectionError, ConnectionResult, QueryResult};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Connection, Error, Row, Socket, Statement};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{closed, describe, is_farewell, query_error, unreachable};
use super::row::Bind;
use super::url::Target;

type Wire = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Why a line has ended, where the server has not said it.
const HUNG_UP: &str = "the server has hung up";

/// Open, or closed for good and why.
pub(super) struct Link(Result<Open, String>);

struct Open {
    client: Client,
    wire: Wire,
    runtime: Runtime,
}

impl Link {
    /// Connects and signs in, within the target's time limit.
    pub(super) fn open(target: &Target) -> ConnectionResult<Self> {
        let fail = |reason: &(dyn std::error::Error + 'static)| {
            ConnectionError::BadConnection(unreachable(&target.name, reason))
        };
        let tls = target.tls.connector().map_err(ConnectionError::BadConnection)?;
        // Name look-ups are all that needs a second thread, and it ends when it is idle.
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(1).build();
        let runtime = runtime.map_err(|error| fail(&error))?;
        let opened = runtime.block_on(async { timeout(target.time_limit, target.config.connect(tls)).await });
        if let Ok(Ok((client, wire))) = opened {
            return Ok(Self(Ok(Open { client, wire, runtime })));
        }
        runtime.shutdown_background();
        Err(match opened {
            Ok(Err(error)) => fail(&error),
            _ => fail(&std::io::Error::from(std::io::ErrorKind::TimedOut)),
        })
    }

    pub(super) fn prepare(&mut self, sql: &str, types: &[Type]) -> QueryResult<Statement> {
        self.run(async |client| client.prepare_typed(sql, types).await)
    }

    pub(super) fn query(&mut self, statement: &Statement, binds: &[Bind]) -> QueryResult<Vec<Row>> {
        let binds: Vec<_> = binds.iter().map(|bind| bind as &(dyn ToSql + Sync)).collect();
        self.run(async |client| client.query(statement, &binds).await)
    }

    pub(super) fn execute(&mut self, statement: &Statement, binds: &[Bind]) -> QueryResult<u64> {
        let binds: Vec<_> = binds.iter().map(|bind| bind as &(dyn ToSql + Sync)).collect();
        self.run(async |client| client.execute(statement, &binds).await)
    }

    pub(super) fn batch(&mut self, sql: &str) -> QueryResult<()> {
        self.run(async |client| client.batch_execute(sql).await)
    }

    /// Takes in what the server has said on its own account, its farewell for one, without waiting.
    pub(super) fn look(&mut self) -> QueryResult<()> {
        let Open { wire, runtime, .. } = self.0.as_mut().map_err(|reason| closed(reason))?;
        // One turn of the runtime asks the system what has arrived.
        runtime.block_on(tokio::task::yield_now());
        match turn(wire, &mut Context::from_waker(Waker::noop())) {
            Poll::Pending => Ok(()),
            Poll::Ready(end) => Err(self.ended(end.as_ref())),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        !self.0.as_ref().is_ok_and(|open| !open.client.is_closed())
    }

    /// Turns the driver on this thread until `ask` has its answer.
    fn run<R>(&mut self, ask: impl AsyncFnOnce(&Client) -> Result<R, Error>) -> QueryResult<R> {
        let Open { client, wire, runtime } = self.0.as_mut().map_err(|reason| closed(reason))?;
        let mut end = None;
        let answer = {
            let mut work = pin!(ask(client));
            runtime.block_on(poll_fn(|context| {
                if let Poll::Ready(answer) = work.as_mut().poll(context) {
                    return Poll::Ready(Some(answer));
                }
                let Poll::Ready(reason) = turn(wire, context) else { return work.as_mut().poll(context).map(Some) };
                end = Some(reason);
                // The server's last words may be the answer.
                match work.as_mut().poll(context) {
                    Poll::Ready(answer) => Poll::Ready(Some(answer)),
                    Poll::Pending => Poll::Ready(None),
                }
            }))
        };
        let lost = match (&answer, end) {
            (Some(Err(error)), _) if is_farewell(error) => Some(self.ended(Some(error))),
            (_, Some(reason)) => Some(self.ended(reason.as_ref())),
            (_, None) => None,
        };
        match (answer, lost) {
            (Some(Err(error)), Some(lost)) if error.is_closed() => Err(lost),
            (Some(answer), _) => answer.map_err(|error| query_error(&error)),
            (None, lost) => Err(lost.unwrap_or_else(|| closed(HUNG_UP))),
        }
    }

    /// Gives up a line that has ended; later calls are told why.
    fn ended(&mut self, reason: Option<&Error>) -> diesel::result::Error {
        let told = reason.filter(|error| !error.is_closed());
        let reason = told.map_or_else(|| HUNG_UP.to_owned(), |error| describe(error));
        let lost = closed(&reason);
        if let Ok(open) = std::mem::replace(&mut self.0, Err(reason)) {
            open.runtime.shutdown_background();
        }
        lost
    }
}

impl Drop for Link {
    /// Says goodbye as far as that goes without waiting, so that it may happen on any thread.
    fn drop(&mut self) {
        if let Ok(Open { client, mut wire, runtime }) = std::mem::replace(&mut self.0, Err(String::new())) {
            drop(client);
            let _ = turn(&mut wire, &mut Context::from_waker(Waker::noop()));
            runtime.shutdown_background();
        }
    }
}

/// Sends and receives what can be without waiting. Ready when the line has ended, with the reason if there is one.
fn turn(wire: &mut Wire, context: &mut Context<'_>) -> Poll<Option<Error>> {
    loop {
        match wire.poll_message(context) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(error)),
            // Notices and notifications: nobody has asked for them.
            Poll::Ready(Some(Ok(_))) => {}
        }
    }
}
