//! The PostgreSQL connection: Diesel over a driver written in Rust, whose I/O runs on the calling thread.

mod error;
mod link;
mod row;
mod tls;
mod url;

use std::any::Any;
use std::num::NonZeroU32;
use std::sync::Arc;

use diesel::connection::statement_cache::{PrepareForCache, StatementCache};
use diesel::connection::{
    AnsiTransactionManager, CacheSize, ConnectionSealed, DynInstrumentation, Instrumentation, InstrumentationEvent,
    LoadConnection, MultiConnectionHelper, SimpleConnection, StrQueryHelper, TransactionManager,
};
use diesel::expression::QueryMetadata;
use diesel::migration::{CREATE_MIGRATIONS_TABLE, MigrationConnection};
use diesel::pg::{GetPgMetadataCache, Pg, PgMetadataCache, PgTypeMetadata};
use diesel::prelude::*;
use diesel::query_builder::bind_collector::RawBytesBindCollector;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::r2d2::R2D2Connection;
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::TypeMetadata;
use tokio_postgres::Statement;
use tokio_postgres::types::{Kind, Type};

use self::link::Link;
use self::row::{Bind, PgRow};

/// One connection. Its calls block, so they belong on a blocking thread; it may be dropped anywhere.
pub struct PgConn {
    link: Link,
    statements: StatementCache<Pg, Prepared>,
    transactions: AnsiTransactionManager,
    types: PgMetadataCache,
    instrumentation: DynInstrumentation,
    /// The server refused the last statement: a transaction that was open then can only be rolled back.
    refused: bool,
}

/// A statement as the server knows it, with the types of the columns it answers.
#[derive(Clone)]
struct Prepared {
    statement: Statement,
    columns: Arc<[NonZeroU32]>,
}

impl Prepared {
    fn new(link: &mut Link, sql: &str, _: PrepareForCache, binds: &[PgTypeMetadata]) -> QueryResult<Self> {
        let types = binds.iter().map(bind_type).collect::<QueryResult<Vec<_>>>()?;
        let statement = link.prepare(sql, &types)?;
        let columns = statement.columns().iter().filter_map(|column| NonZeroU32::new(column.type_().oid())).collect();
        Ok(Self { statement, columns })
    }
}

/// The driver's name for a type. Of one that it does not know only the number is ever sent.
fn bind_type(metadata: &PgTypeMetadata) -> QueryResult<Type> {
    let oid = metadata.oid().map_err(|error| Error::SerializationError(Box::new(error)))?;
    Ok(Type::from_oid(oid).unwrap_or_else(|| Type::new(format!("type {oid}"), oid, Kind::Simple, String::new())))
}

impl PgConn {
    /// Prepares `source` unless that was done before, and sends it by `ask`.
    fn send<T, R>(
        &mut self,
        source: &T,
        ask: fn(&mut Link, &Statement, &[Bind]) -> QueryResult<R>,
    ) -> QueryResult<(R, Arc<[NonZeroU32]>)>
    where
        T: QueryFragment<Pg> + QueryId,
    {
        self.instrumentation.on_connection_event(InstrumentationEvent::start_query(&diesel::debug_query(source)));
        let answer = self.prepare(source).and_then(|(prepared, binds)| {
            let answer = ask(&mut self.link, &prepared.statement, &binds)?;
            Ok((answer, prepared.columns))
        });
        self.note(&answer);
        let (query, error) = (diesel::debug_query(source), answer.as_ref().err());
        self.instrumentation.on_connection_event(InstrumentationEvent::finish_query(&query, error));
        answer
    }

    fn note<R>(&mut self, result: &QueryResult<R>) {
        match result {
            Ok(_) => self.refused = false,
            Err(Error::DatabaseError(..)) => self.refused = true,
            // It did not reach the server.
            Err(_) => {}
        }
    }

    fn prepare<T: QueryFragment<Pg> + QueryId>(&mut self, source: &T) -> QueryResult<(Prepared, Vec<Bind>)> {
        let mut collector = RawBytesBindCollector::<Pg>::new();
        source.collect_binds(&mut collector, self, &Pg)?;
        let (types, link) = (&collector.metadata, &mut self.link);
        let prepared =
            self.statements.cached_statement(source, &Pg, types, link, Prepared::new, &mut *self.instrumentation)?;
        Ok((prepared.clone(), collector.binds.into_iter().map(Bind).collect()))
    }
}

impl ConnectionSealed for PgConn {}

impl SimpleConnection for PgConn {
    fn batch_execute(&mut self, sql: &str) -> QueryResult<()> {
        self.instrumentation.on_connection_event(InstrumentationEvent::start_query(&StrQueryHelper::new(sql)));
        let result = match sql {
            // The server would answer with a rollback and call that a success.
            "COMMIT" if self.refused => Err(Error::DatabaseError(
                DatabaseErrorKind::Unknown,
                Box::new("nothing was committed: an earlier statement of the transaction had failed".to_owned()),
            )),
            sql => self.link.batch(sql),
        };
        self.note(&result);
        let (query, error) = (StrQueryHelper::new(sql), result.as_ref().err());
        self.instrumentation.on_connection_event(InstrumentationEvent::finish_query(&query, error));
        result
    }
}

/// Whatever is asked here is asked often and answered soon: to compile it takes the server seconds.
const SETTINGS: &str = "SET TIME ZONE 'UTC'; SET jit = off";

impl Connection for PgConn {
    type Backend = Pg;
    type TransactionManager = AnsiTransactionManager;

    fn establish(url: &str) -> ConnectionResult<Self> {
        let mut link = Link::open(&url::Target::parse(url)?)?;
        link.batch(SETTINGS).map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(Self {
            link,
            statements: StatementCache::new(),
            transactions: AnsiTransactionManager::default(),
            types: PgMetadataCache::new(),
            instrumentation: DynInstrumentation::default_instrumentation(),
            refused: false,
        })
    }

    fn execute_returning_count<T: QueryFragment<Pg> + QueryId>(&mut self, source: &T) -> QueryResult<usize> {
        let (count, _) = self.send(source, Link::execute)?;
        usize::try_from(count).map_err(|error| Error::DeserializationError(Box::new(error)))
    }

    fn transaction_state(&mut self) -> &mut AnsiTransactionManager {
        &mut self.transactions
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        &mut *self.instrumentation
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.instrumentation = instrumentation.into();
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.statements.set_cache_size(size);
    }
}

impl LoadConnection for PgConn {
    type Cursor<'conn, 'query> = row::Cursor;
    type Row<'conn, 'query> = PgRow;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> QueryResult<row::Cursor>
    where
        T: Query + QueryFragment<Pg> + QueryId + 'query,
        Pg: QueryMetadata<T::SqlType>,
    {
        self.send(&source, Link::query).map(|(rows, columns)| row::Cursor::new(rows, columns))
    }
}

impl GetPgMetadataCache for PgConn {
    fn get_metadata_cache(&mut self) -> &mut PgMetadataCache {
        &mut self.types
    }
}

impl MultiConnectionHelper for PgConn {
    fn to_any<'a>(lookup: &mut <Pg as TypeMetadata>::MetadataLookup) -> &mut (dyn Any + 'a) {
        lookup.as_any()
    }

    fn from_any(lookup: &mut dyn Any) -> Option<&mut <Pg as TypeMetadata>::MetadataLookup> {
        lookup.downcast_mut::<Self>().map(|conn| conn as _)
    }
}

impl MigrationConnection for PgConn {
    fn setup(&mut self) -> QueryResult<usize> {
        self.batch_execute(CREATE_MIGRATIONS_TABLE).map(|()| 0)
    }
}

impl R2D2Connection for PgConn {
    /// Sees whether the server has hung up since the last call. Costs no round trip.
    fn ping(&mut self) -> QueryResult<()> {
        self.link.look()
    }

    /// Whether the connection is closed or in the middle of a transaction. Does no I/O, so that it may run anywhere.
    fn is_broken(&mut self) -> bool {
        self.link.is_closed() || AnsiTransactionManager::is_broken_transaction_manager(self)
    }
}
