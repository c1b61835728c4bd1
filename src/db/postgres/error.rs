//! What the server or the line has against us, as Diesel's errors.

use std::error::Error as StdError;
use std::io;

use diesel::result::{DatabaseErrorInformation, DatabaseErrorKind, Error};
use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};

/// A refused statement, with the server's report, or a line that broke under it.
pub(super) fn query_error(error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(report) => Error::DatabaseError(kind(report), Box::new(Report(report.clone()))),
        None if error.is_closed() || error.source().is_some_and(<dyn StdError>::is::<io::Error>) => {
            closed(&describe(error))
        }
        None => Error::DatabaseError(DatabaseErrorKind::UnableToSendCommand, Box::new(describe(error))),
    }
}

/// For a connection that has ended, and why.
pub(super) fn closed(reason: &str) -> Error {
    let text = format!("the connection to PostgreSQL is closed: {reason}");
    Error::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(text))
}

/// The text for an attempt to connect to `server` that failed.
pub(super) fn unreachable(server: &str, error: &(dyn StdError + 'static)) -> String {
    format!("cannot connect to PostgreSQL at {server}: {}", describe(error))
}

/// An error and its causes on one line, without the driver's headings where a cause says it all.
pub(super) fn describe(error: &(dyn StdError + 'static)) -> String {
    if let Some(report) = error.downcast_ref::<DbError>() {
        return report.message().to_owned();
    }
    let tls = error.downcast_ref::<io::Error>().and_then(|error| error.get_ref());
    if let Some(error) = tls.and_then(|error| error.downcast_ref::<rustls::Error>()) {
        return super::tls::describe(error);
    }
    error.source().map_or_else(|| error.to_string(), describe)
}

/// Whether the server hangs up after this report.
pub(super) fn is_farewell(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(is_fatal)
}

fn is_fatal(report: &DbError) -> bool {
    matches!(report.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

fn kind(report: &DbError) -> DatabaseErrorKind {
    match *report.code() {
        SqlState::UNIQUE_VIOLATION => DatabaseErrorKind::UniqueViolation,
        SqlState::FOREIGN_KEY_VIOLATION => DatabaseErrorKind::ForeignKeyViolation,
        SqlState::RESTRICT_VIOLATION => DatabaseErrorKind::RestrictViolation,
        SqlState::EXCLUSION_VIOLATION => DatabaseErrorKind::ExclusionViolation,
        SqlState::NOT_NULL_VIOLATION => DatabaseErrorKind::NotNullViolation,
        SqlState::CHECK_VIOLATION => DatabaseErrorKind::CheckViolation,
        SqlState::READ_ONLY_SQL_TRANSACTION => DatabaseErrorKind::ReadOnlyTransaction,
        // Both mean: nothing was done, do it again.
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            DatabaseErrorKind::SerializationFailure
        }
        _ if is_fatal(report) => DatabaseErrorKind::ClosedConnection,
        _ => DatabaseErrorKind::Unknown,
    }
}

/// The server's own report.
struct Report(DbError);

impl DatabaseErrorInformation for Report {
    fn message(&self) -> &str {
        self.0.message()
    }

    fn details(&self) -> Option<&str> {
        self.0.detail()
    }

    fn hint(&self) -> Option<&str> {
        self.0.hint()
    }

    fn table_name(&self) -> Option<&str> {
        self.0.table()
    }

    fn column_name(&self) -> Option<&str> {
        self.0.column()
    }

    fn constraint_name(&self) -> Option<&str> {
        self.0.constraint()
    }

    fn statement_position(&self) -> Option<i32> {
        match self.0.position()? {
            ErrorPosition::Original(position) | ErrorPosition::Internal { position, .. } => {
                i32::try_from(*position).ok()
            }
        }
    }
}
