//! `IN` over values from outside, in a form whose prepared statement is kept: Diesel prepares `eq_any` anew each time.

use super::Id;
use diesel::{
    backend::Backend,
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{Bool, HasSqlType},
};
use std::collections::HashMap;

/// Statements over a number of values that is known only at run time differ by tens.
const STEP: usize = 10;

/// Whether `column` is one of `values`: a list of any length that is not too long, or an [`in_size!`] of it.
pub fn among<C: Expression, V: Values>(column: C, values: V) -> Among<C, V> {
    Among { column, values: values.filled() }
}

/// Runs a query over a list of values as one of few statements that are known when it is compiled, so that its text is
/// not put together each time: `in_size!(ids, some => table.filter(among(id, some)).load(conn))`.
macro_rules! in_size {
    ($values:expr, $some:ident => $query:expr) => {{
        let values = $values;
        match values.len() {
            0..=1 => match <[_; 1]>::try_from(values) {
                Ok($some) => $query,
                Err($some) => $query,
            },
            2..=20 => {
                let $some = $crate::db::among::filled::<_, 20>(values);
                $query
            }
            _ => {
                let $some = values;
                $query
            }
        }
    }};
}
pub(crate) use in_size;

/// What belongs to each of several rows, in the order of its positions. SQLite would fill a table to sort a handful.
pub fn in_order<T>(mut rows: Vec<(Id, i32, T)>) -> HashMap<Id, Vec<T>> {
    rows.sort_by_key(|(_, position, _)| *position);
    let mut found: HashMap<Id, Vec<T>> = HashMap::new();
    for (of, _, row) in rows {
        found.entry(of).or_default().push(row);
    }
    found
}

/// `N` values, the last of which stands in for those that are missing. There is at least one.
pub fn filled<T: Clone, const N: usize>(values: Vec<T>) -> [T; N] {
    std::array::from_fn(|n| values[n.min(values.len() - 1)].clone())
}

/// Values to compare with.
pub trait Values {
    type Item;
    /// Tells statements apart, where their text depends on nothing else.
    type Id: 'static;
    const STATIC: bool;

    fn items(&self) -> &[Self::Item];

    /// The same values in a number that statements are kept for.
    fn filled(self) -> Self;
}

impl<T, const N: usize> Values for [T; N] {
    type Item = T;
    type Id = [(); N];
    const STATIC: bool = true;

    fn items(&self) -> &[T] {
        self
    }

    fn filled(self) -> Self {
        self
    }
}

impl<T: Clone> Values for Vec<T> {
    type Item = T;
    type Id = ();
    const STATIC: bool = false;

    fn items(&self) -> &[T] {
        self
    }

    fn filled(mut self) -> Self {
        if let [_, .., last] = self.as_slice() {
            let last = last.clone();
            self.resize(self.len().next_multiple_of(STEP), last);
        }
        self
    }
}

#[derive(Debug, Clone)]
pub struct Among<C, V> {
    column: C,
    values: V,
}

impl<C: Expression, V> Expression for Among<C, V> {
    type SqlType = Bool;
}

impl<C: AppearsOnTable<QS>, V, QS> AppearsOnTable<QS> for Among<C, V> {}

impl<C: SelectableExpression<QS>, V, QS> SelectableExpression<QS> for Among<C, V> {}

impl<C, V, G> ValidGrouping<G> for Among<C, V> {
    type IsAggregate = is_aggregate::No;
}

impl<C: QueryId, V: Values> QueryId for Among<C, V> {
    type QueryId = Among<C::QueryId, V::Id>;
    const HAS_STATIC_QUERY_ID: bool = C::HAS_STATIC_QUERY_ID && V::STATIC;
}

impl<C, V, DB> QueryFragment<DB> for Among<C, V>
where
    DB: Backend + HasSqlType<C::SqlType>,
    C: Expression<SqlType: diesel::sql_types::SingleValue> + QueryFragment<DB>,
    V: Values<Item: ToSql<C::SqlType, DB>>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        if self.values.items().is_empty() {
            out.push_sql("1 = 0");
            return Ok(());
        }
        self.column.walk_ast(out.reborrow())?;
        for (index, value) in self.values.items().iter().enumerate() {
            out.push_sql(if index == 0 { " IN (" } else { ", " });
            out.push_bind_param::<C::SqlType, V::Item>(value)?;
        }
        out.push_sql(")");
        Ok(())
    }
}
