//! From rows to what is answered.

use super::model::{Change, Happened, Row};
use crate::{
    app::App,
    articles::{self, Article},
    authors::{self, Author},
    db::{Conn, Id, among},
    error::Result,
    schema::published_articles as v,
    sections::{self, Section},
    slugs::Kind,
    tags::{self, Tag},
};
use diesel::prelude::*;
use std::collections::HashMap;

/// The things themselves, as the public sees them.
#[derive(Default)]
struct Things {
    articles: HashMap<Id, Article>,
    authors: HashMap<Id, Author>,
    sections: HashMap<Id, Section>,
    tags: HashMap<Id, Tag>,
}

impl Things {
    fn find(conn: &mut Conn, app: &App, rows: &[Row]) -> Result<Self> {
        let ids = |kind| rows.iter().filter(|row| row.kind == kind && !row.deleted).map(|row| row.id).collect();
        Ok(Self {
            articles: by_id(articles::in_public(conn, app, ids(Kind::Article))?, |it| it.id),
            authors: by_id(authors::those(conn, ids(Kind::Author))?, |it| it.id),
            sections: by_id(sections::those(conn, ids(Kind::Section))?, |it| it.id),
            tags: by_id(tags::those(conn, ids(Kind::Tag))?, |it| it.id),
        })
    }
}

fn by_id<T>(things: Vec<T>, id: impl Fn(&T) -> Id) -> HashMap<Id, T> {
    things.into_iter().map(|thing| (id(&thing), thing)).collect()
}

/// The paths of the sections in which articles stand: to move one is a change of the section, and of none of them.
fn paths(conn: &mut Conn, rows: &[Row]) -> Result<HashMap<Id, Option<String>>> {
    let ids: Vec<Id> = rows.iter().filter(|row| row.kind == Kind::Article && !row.deleted).map(|row| row.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let paths = v::table.filter(among(v::id, ids)).select((v::id, v::section_path));
    Ok(paths.load::<(Id, Option<String>)>(conn)?.into_iter().collect())
}

/// Changes as they are answered, with the things themselves where they are asked for.
pub fn changes(conn: &mut Conn, app: &App, rows: Vec<Row>, whole: bool) -> Result<Vec<Change>> {
    let mut things = if whole { Things::find(conn, app, &rows)? } else { Things::default() };
    let (site, mut paths) = (app.site(), paths(conn, &rows)?);
    let change = |row: Row| Change {
        url: row.url(&site),
        article: things.articles.remove(&row.id).map(Box::new),
        author: things.authors.remove(&row.id).map(Box::new),
        section: things.sections.remove(&row.id).map(Box::new),
        tag: things.tags.remove(&row.id).map(Box::new),
        kind: row.kind,
        id: row.id,
        slug: row.slug,
        change: if row.deleted { Happened::Deleted } else { Happened::Updated },
        revision: row.revision,
        changed_at: row.changed_at,
    };
    let there = |row: Row| Row { path: paths.remove(&row.id).unwrap_or(row.path), ..row };
    Ok(rows.into_iter().map(there).map(change).collect())
}
