//! `IN` over values from outside, in a form whose prepared statement is kept: Diesel prepares `eq_any` anew each time.

use diesel::{
    backend::Backend,
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{Bool, HasSqlType},
};

/// Statements differ only by how many tens of values they take.
const STEP: usize = 10;

/// Whether `column` is one of `values`, which are not too many: the rows of a page.
pub fn among<C: Expression, T: Clone>(column: C, mut values: Vec<T>) -> Among<C, T> {
    if let [_, .., last] = values.as_slice() {
        let last = last.clone();
        values.resize(values.len().next_multiple_of(STEP), last);
    }
    Among { column, values }
}

#[derive(Debug, Clone)]
pub struct Among<C, T> {
    column: C,
    values: Vec<T>,
}

impl<C: Expression, T> Expression for Among<C, T> {
    type SqlType = Bool;
}

impl<C: AppearsOnTable<QS>, T, QS> AppearsOnTable<QS> for Among<C, T> {}

impl<C: SelectableExpression<QS>, T, QS> SelectableExpression<QS> for Among<C, T> {}

impl<C, T, G> ValidGrouping<G> for Among<C, T> {
    type IsAggregate = is_aggregate::No;
}

impl<C, T> QueryId for Among<C, T> {
    type QueryId = ();
    /// The text of the statement names it.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<C, T, DB> QueryFragment<DB> for Among<C, T>
where
    DB: Backend + HasSqlType<C::SqlType>,
    C: Expression<SqlType: diesel::sql_types::SingleValue> + QueryFragment<DB>,
    T: ToSql<C::SqlType, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.values.is_empty() {
            out.push_sql("1 = 0");
            return Ok(());
        }
        self.column.walk_ast(out.reborrow())?;
        for (index, value) in self.values.iter().enumerate() {
            out.push_sql(if index == 0 { " IN (" } else { ", " });
            out.push_bind_param::<C::SqlType, T>(value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}
