//! Full-text indexes: FTS5 on SQLite, `tsvector` with GIN on PostgreSQL. Both are given the same words, made ready by
//! `search/analysis.rs`, and asked the same; neither changes a word, as all are letters and numbers without capitals.

use super::{DbId, conn::Conn};
use diesel::{
    backend::Backend,
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, Bool, HasSqlType, Integer, Nullable, Text},
};
use std::{collections::BTreeMap, fmt::Write, ops::RangeInclusive, sync::Arc};

/// Which index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    Published,
    Staff,
}

impl Index {
    /// What its tables, views and functions begin with.
    fn name(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Staff => "staff",
        }
    }
}

/// What is asked of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Terms {
    Word(String),
    /// Any word that begins so.
    Prefix(String),
    Phrase(Phrase),
    All(Vec<Self>),
    Any(Vec<Self>),
    /// What meets the first and not the second.
    But(Box<Self>, Box<Self>),
}

/// Words that follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    pub place: Place,
    pub words: Vec<String>,
    /// Whether the last one is only the beginning of a word.
    pub open: bool,
}

/// Where words stand in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Title,
    Words,
}

/// What is indexed of a document. `None` stands between words that do not follow one another.
#[derive(Debug, Default)]
pub struct Indexed {
    pub title: Vec<String>,
    pub words: Vec<Option<Arc<str>>>,
    /// Without an order.
    pub forms: Vec<String>,
}

impl Terms {
    /// Whether it takes more than an index of words to find them.
    fn has_phrase(&self) -> bool {
        match self {
            Self::Word(_) | Self::Prefix(_) => false,
            Self::Phrase(_) => true,
            Self::All(all) | Self::Any(all) => all.iter().any(Self::has_phrase),
            Self::But(one, other) => one.has_phrase() || other.has_phrase(),
        }
    }
}

/// Documents that PostgreSQL looks into before it asks the index of words (migration 0020): enough for a page of what a
/// quarter of all have; and more for a phrase, of which that index knows the words alone.
const WALKED: RangeInclusive<i64> = 24..=400;
const WALKED_FOR_A_PHRASE: i64 = 1000;

/// Terms as a database takes them.
#[derive(Debug, Clone)]
enum Asked {
    Fts5(String),
    Tsquery(String),
}

/// The condition that a row of `published_search` or `staff_search` has some terms, and a key behind one and up to another.
#[derive(Debug, Clone)]
pub struct Matches {
    index: Index,
    asked: Asked,
    has_phrase: bool,
    keys: (i64, i64),
    most: Option<i64>,
}

impl Matches {
    pub fn new(conn: &Conn, index: Index, terms: &Terms, keys: (i64, i64)) -> Self {
        let mut text = String::new();
        let asked = match conn {
            Conn::Sqlite(_) => {
                write_fts5(&mut text, terms);
                Asked::Fts5(text)
            }
            Conn::Postgres(_) => {
                write_tsquery(&mut text, terms);
                Asked::Tsquery(text)
            }
        };
        Self { index, asked, has_phrase: terms.has_phrase(), keys, most: None }
    }

    /// For a query that takes no more than the `most` least keys: PostgreSQL looks for no others. SQLite stops by itself.
    pub fn first(self, most: i64) -> Self {
        Self { most: Some(most), ..self }
    }
}

/// Words as FTS5 takes them, in quotes: none of them is an operator.
fn write_fts5(text: &mut String, terms: &Terms) {
    match terms {
        Terms::Word(word) => _ = write!(text, "\"{word}\""),
        Terms::Prefix(word) => _ = write!(text, "\"{word}\"*"),
        Terms::Phrase(Phrase { place, words, open }) => {
            let place = if *place == Place::Title { "title" } else { "words" };
            _ = write!(text, "({place} : \"{}\"{})", words.join(" "), if *open { "*" } else { "" });
        }
        Terms::All(all) => join(text, all, " AND ", write_fts5),
        Terms::Any(any) => join(text, any, " OR ", write_fts5),
        Terms::But(one, other) => {
            text.push('(');
            write_fts5(text, one);
            text.push_str(" NOT ");
            write_fts5(text, other);
            text.push(')');
        }
    }
}

/// The same in PostgreSQL's way.
fn write_tsquery(text: &mut String, terms: &Terms) {
    match terms {
        Terms::Word(word) => _ = write!(text, "'{word}'"),
        Terms::Prefix(word) => _ = write!(text, "'{word}':*"),
        Terms::Phrase(Phrase { words, open, .. }) => {
            _ = write!(text, "('{}'{})", words.join("' <-> '"), if *open { ":*" } else { "" });
        }
        Terms::All(all) => join(text, all, " & ", write_tsquery),
        Terms::Any(any) => join(text, any, " | ", write_tsquery),
        Terms::But(one, other) => {
            text.push('(');
            write_tsquery(text, one);
            text.push_str(" & !");
            write_tsquery(text, other);
            text.push(')');
        }
    }
}

fn join(text: &mut String, terms: &[Terms], between: &str, write: fn(&mut String, &Terms)) {
    text.push('(');
    for (index, term) in terms.iter().enumerate() {
        if index > 0 {
            text.push_str(between);
        }
        write(text, term);
    }
    text.push(')');
}

impl Expression for Matches {
    type SqlType = Bool;
}

impl<QS> AppearsOnTable<QS> for Matches {}

impl<QS> SelectableExpression<QS> for Matches {}

impl<G> ValidGrouping<G> for Matches {
    type IsAggregate = is_aggregate::No;
}

impl QueryId for Matches {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB> QueryFragment<DB> for Matches
where
    DB: Backend + HasSqlType<Text> + HasSqlType<BigInt>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
    Option<i64>: ToSql<Nullable<BigInt>, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        let name = self.index.name();
        match &self.asked {
            Asked::Fts5(terms) => {
                out.push_sql(&format!("{name}_search.terms MATCH "));
                out.push_bind_param::<Text, String>(terms)?;
                for (operator, key) in [(">", &self.keys.0), ("<=", &self.keys.1)] {
                    out.push_sql(&format!(" AND {name}_search.key {operator} "));
                    out.push_bind_param::<BigInt, _>(key)?;
                }
            }
            Asked::Tsquery(terms) => {
                out.push_sql(&format!("{name}_search.key IN (SELECT {name}_keys("));
                out.push_bind_param::<Text, String>(terms)?;
                out.push_sql("::tsquery");
                for key in [&self.keys.0, &self.keys.1] {
                    out.push_sql(", ");
                    out.push_bind_param::<BigInt, _>(key)?;
                }
                out.push_sql(", ");
                out.push_bind_param::<Nullable<BigInt>, _>(&self.most)?;
                out.push_sql(", 0))");
            }
        }
        Ok(())
    }
}

/// Documents of an index that have some terms, by their keys: first all that have the first of them, then those that have
/// the second, and so on until there are as many as are wanted. Gives the number of the terms, the key, and what the
/// document is of.
pub struct Walk {
    tiers: Vec<Tier>,
    limit: i64,
}

struct Tier {
    number: i32,
    matches: Matches,
    walked: i64,
}

impl Walk {
    /// At most so many documents.
    pub fn new(limit: i64) -> Self {
        Self { tiers: Vec::new(), limit }
    }

    /// Goes on through what has these terms.
    pub fn through(&mut self, number: i32, matches: Matches) {
        let few = self.limit.saturating_mul(4).clamp(*WALKED.start(), *WALKED.end());
        let walked = if matches.has_phrase { WALKED_FOR_A_PHRASE } else { few };
        self.tiers.push(Tier { number, matches, walked });
    }

    pub fn is_over(&self) -> bool {
        self.tiers.is_empty()
    }
}

impl<DB> QueryFragment<DB> for Walk
where
    DB: Backend + HasSqlType<Text> + HasSqlType<BigInt>,
    String: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
{
    /// Both databases take the parts one after another, and none that comes after the last document that is wanted.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        for (index, Tier { number, matches, walked }) in self.tiers.iter().enumerate() {
            let name = matches.index.name();
            out.push_sql(if index == 0 { "SELECT * FROM (" } else { ") t UNION ALL SELECT * FROM (" });
            out.push_sql(&format!("SELECT {number} AS tier, key, subject_id, kind, revision_id FROM "));
            match &matches.asked {
                Asked::Fts5(_) => {
                    out.push_sql(&format!("{name}_search WHERE "));
                    matches.walk_ast(out.reborrow())?;
                }
                Asked::Tsquery(terms) => {
                    out.push_sql(&format!("{name}_keys("));
                    out.push_bind_param::<Text, String>(terms)?;
                    out.push_sql("::tsquery");
                    for number in [&matches.keys.0, &matches.keys.1, &self.limit, walked] {
                        out.push_sql(", ");
                        out.push_bind_param::<BigInt, _>(number)?;
                    }
                    out.push_sql(&format!(") k JOIN {name}_documents ON key = k"));
                }
            }
            out.push_sql(" ORDER BY key LIMIT ");
            out.push_bind_param::<BigInt, _>(&self.limit)?;
        }
        out.push_sql(") t LIMIT ");
        out.push_bind_param::<BigInt, _>(&self.limit)
    }
}

impl QueryId for Walk {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Walk {
    type SqlType = (Integer, BigInt, DbId, Text, Nullable<DbId>);
}

impl<C> RunQueryDsl<C> for Walk {}

/// Stands between words that do not follow one another. No word begins with it.
pub const GAP: &str = "z";

/// Adds a document's words under its key.
pub fn insert(conn: &mut Conn, index: Index, key: i64, indexed: &Indexed) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => {
            let words: Vec<_> = indexed.words.iter().map(|word| word.as_deref().unwrap_or(GAP)).collect();
            let sql = match index {
                Index::Published => "INSERT INTO published_terms (rowid, title, words, forms) VALUES (?, ?, ?, ?)",
                Index::Staff => "INSERT INTO staff_terms (rowid, title, words, forms) VALUES (?, ?, ?, ?)",
            };
            diesel::sql_query(sql)
                .bind::<BigInt, _>(key)
                .bind::<Text, _>(indexed.title.join(" "))
                .bind::<Text, _>(words.join(" "))
                .bind::<Text, _>(indexed.forms.join(" "))
                .execute(conn)
        }
        Conn::Postgres(conn) => {
            let sql = match index {
                Index::Published => "INSERT INTO published_terms (key, terms) VALUES ($1, $2::tsvector)",
                Index::Staff => "INSERT INTO staff_terms (key, terms) VALUES ($1, $2::tsvector)",
            };
            diesel::sql_query(sql).bind::<BigInt, _>(key).bind::<Text, _>(tsvector(indexed)).execute(conn)
        }
    }
    .map(drop)
}

/// All words with where they stand: those of the title first.
fn tsvector(indexed: &Indexed) -> String {
    let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, word) in indexed.title.iter().enumerate() {
        places.entry(word).or_default().push(place + 1);
    }
    let begins = indexed.title.len() + 2;
    for (place, word) in indexed.words.iter().enumerate() {
        if let Some(word) = word {
            places.entry(word).or_default().push(begins + place);
        }
    }
    for word in &indexed.forms {
        places.entry(word).or_default();
    }
    let mut text = String::with_capacity(places.len() * 16);
    for (word, places) in places {
        _ = write!(text, "'{word}'");
        for (index, place) in places.iter().enumerate() {
            _ = write!(text, "{}{place}", if index == 0 { ':' } else { ',' });
        }
        text.push(' ');
    }
    text
}

/// Takes what stands under a key out of the index.
pub fn delete(conn: &mut Conn, index: Index, key: i64) -> QueryResult<()> {
    match conn {
        Conn::Sqlite(conn) => {
            let sql = match index {
                Index::Published => "DELETE FROM published_terms WHERE rowid = ?",
                Index::Staff => "DELETE FROM staff_terms WHERE rowid = ?",
            };
            diesel::sql_query(sql).bind::<BigInt, _>(key).execute(conn)
        }
        Conn::Postgres(conn) => {
            let sql = match index {
                Index::Published => "DELETE FROM published_terms WHERE key = $1",
                Index::Staff => "DELETE FROM staff_terms WHERE key = $1",
            };
            diesel::sql_query(sql).bind::<BigInt, _>(key).execute(conn)
        }
    }
    .map(drop)
}

/// SQLite: merges some of the parts of an index that writes leave behind, each of which a search has to look into, about
/// so many pages of them. Whether there was anything to merge. With `all`, only one part is left in the end.
/// PostgreSQL's indexes have no parts.
pub fn merge(conn: &mut Conn, index: Index, pages: i64, all: bool) -> QueryResult<bool> {
    let Conn::Sqlite(conn) = conn else { return Ok(false) };
    let changes = diesel::select(diesel::dsl::sql::<BigInt>("total_changes()"));
    let before: i64 = changes.clone().get_result(conn)?;
    let sql = match index {
        Index::Published => "INSERT INTO published_terms (published_terms, rank) VALUES ('merge', ?)",
        Index::Staff => "INSERT INTO staff_terms (staff_terms, rank) VALUES ('merge', ?)",
    };
    diesel::sql_query(sql).bind::<BigInt, _>(if all { -pages } else { pages }).execute(conn)?;
    let after: i64 = changes.get_result(conn)?;
    // One change is the command itself.
    Ok(after - before > 1)
}

#[cfg(test)]
mod tests {
    use super::{Indexed, Phrase, Place, Terms, tsvector, write_fts5, write_tsquery};

    #[test]
    fn both_are_asked_the_same() {
        let word = |word: &str| Terms::Word(word.into());
        let phrase = Phrase { place: Place::Words, words: vec!["wc".into(), "wd".into()], open: true };
        let any = Terms::Any(vec![word("wa"), Terms::Prefix("wb".into())]);
        let terms = Terms::But(Box::new(Terms::All(vec![any, Terms::Phrase(phrase)])), Box::new(word("wx")));
        let (mut fts5, mut tsquery) = (String::new(), String::new());
        write_fts5(&mut fts5, &terms);
        write_tsquery(&mut tsquery, &terms);
        assert_eq!(fts5, r#"((("wa" OR "wb"*) AND (words : "wc wd"*)) NOT "wx")"#);
        assert_eq!(tsquery, "((('wa' | 'wb':*) & ('wc' <-> 'wd':*)) & !'wx')");
    }

    #[test]
    fn words_keep_their_places() {
        let word = |word: &str| Some(word.into());
        let words = vec![word("wa"), None, word("wb"), word("wa")];
        let indexed = Indexed { title: vec!["ta".into()], words, forms: vec!["fx".into(), "wb".into()] };
        assert_eq!(tsvector(&indexed), "'fx' 'ta':1 'wa':3,6 'wb':5 ");
    }
}
