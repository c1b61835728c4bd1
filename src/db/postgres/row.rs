//! What goes into a statement and what comes out of it, in the binary form that Diesel reads and writes.

use std::error::Error;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use bytes::BytesMut;
use diesel::QueryResult;
use diesel::pg::{Pg, PgValue};
use diesel::row::{Field, PartialRow, Row, RowIndex, RowSealed};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A value as Diesel has written it; `None` is NULL.
#[derive(Debug)]
pub(super) struct Bind(pub(super) Option<Vec<u8>>);

impl ToSql for Bind {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let Some(bytes) = &self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// The rows of one answer, all of them received.
pub struct Cursor {
    rows: std::vec::IntoIter<tokio_postgres::Row>,
    columns: Arc<[NonZeroU32]>,
}

impl Cursor {
    pub(super) fn new(rows: Vec<tokio_postgres::Row>, columns: Arc<[NonZeroU32]>) -> Self {
        Self { rows: rows.into_iter(), columns }
    }
}

impl Iterator for Cursor {
    type Item = QueryResult<PgRow>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows.next().map(|row| Ok(PgRow { row, columns: Arc::clone(&self.columns) }))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

/// One row, with the types of its columns.
pub struct PgRow {
    row: tokio_postgres::Row,
    columns: Arc<[NonZeroU32]>,
}

impl RowSealed for PgRow {}

impl<'a> Row<'a, Pg> for PgRow {
    type Field<'f>
        = PgField<'f>
    where
        'a: 'f,
        Self: 'f;
    type InnerPartialRow = Self;

    fn field_count(&self) -> usize {
        self.row.len()
    }

    fn get<'b, I>(&'b self, index: I) -> Option<PgField<'b>>
    where
        'a: 'b,
        Self: RowIndex<I>,
    {
        let index = self.idx(index)?;
        Some(PgField { row: &self.row, oid: self.columns.get(index)?, index })
    }

    fn partial_row(&self, range: Range<usize>) -> PartialRow<'_, Self> {
        PartialRow::new(self, range)
    }
}

impl RowIndex<usize> for PgRow {
    fn idx(&self, index: usize) -> Option<usize> {
        (index < self.row.len()).then_some(index)
    }
}

impl<'a> RowIndex<&'a str> for PgRow {
    fn idx(&self, name: &'a str) -> Option<usize> {
        self.row.columns().iter().position(|column| column.name() == name)
    }
}

/// One value of a row.
pub struct PgField<'a> {
    row: &'a tokio_postgres::Row,
    oid: &'a NonZeroU32,
    index: usize,
}

impl<'a> Field<'a, Pg> for PgField<'a> {
    fn field_name(&self) -> Option<&str> {
        self.row.columns().get(self.index).map(tokio_postgres::Column::name)
    }

    fn value(&self) -> Option<PgValue<'_>> {
        let Raw(bytes) = self.row.try_get(self.index).ok()?;
        Some(PgValue::new(bytes, self.oid))
    }
}

/// The bytes of a value that is not NULL.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(bytes))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
