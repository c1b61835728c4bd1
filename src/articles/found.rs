//! Articles that are searched for: where to look for whom, and the rows of what was found.

use super::{
    lists::{self, Conditions, public, staff},
    model::{Article, Row},
    present::Looking,
    queries::{self, Eyes},
    write::ArticleParams,
};
use crate::{
    app::App,
    auth::{Actor, Viewer},
    both,
    db::{
        Conn, Id, among,
        full_text::{Index, Matches, Terms},
        in_size,
    },
    error::Result,
    http::{Page, Window},
    permissions::EditAnyArticle,
    schema::{article_revisions, published_articles},
    search::{self, Field, Hit, Label, Showing, Source, Wanted},
};
use diesel::prelude::*;
use std::collections::HashSet;

/// Labels of one filter that an index is asked for; with more, what is found is looked at one by one.
const MANY: usize = 64;

/// The condition on rows that they have what is wanted, in one of the indexes that these eyes may look into.
pub struct Found {
    pub public: Matches,
    pub staff: Option<Matches>,
}

impl Found {
    pub fn new(conn: &Conn, field: &Field, wanted: &Wanted) -> Self {
        let terms = wanted.anywhere();
        let of = |index: Index| {
            field
                .sources
                .iter()
                .find(|source| source.index == index)
                .map(|source| source.matches(conn, &terms, field.keys))
        };
        let public = of(Index::Published).unwrap_or_else(|| Source::public().matches(conn, &terms, field.keys));
        Self { public, staff: of(Index::Staff) }
    }
}

/// Where these eyes look: into the public's index, and the staff into that of their own working copies, too. A revision
/// that one does not see is no more than a number there: what is shown is read by the queries of all lists.
pub(super) fn seen_by(eyes: &Eyes, conditions: &Conditions<'_>) -> Field {
    let sources = match eyes {
        Eyes::Public | Eyes::Preview => vec![Source::public()],
        Eyes::Desk(actor) => vec![Source::public(), of_staff(actor)],
    };
    conditions.narrow(Field { sources, ..Field::public() }.of_articles())
}

fn of_staff(actor: &Actor) -> Source {
    let own = || vec![Terms::Word(search::owner_word(actor.user))];
    Source { index: Index::Staff, holds: if actor.may::<EditAnyArticle>() { Vec::new() } else { own() } }
}

impl Conditions<'_> {
    /// The part of an index in which whatever meets the conditions is.
    fn narrow(&self, field: Field) -> Field {
        let p = self.params;
        let any = |ids: &Option<Vec<Id>>, label: fn(Id) -> Label| {
            let some = ids.as_ref().filter(|ids| ids.len() <= MANY)?;
            Some(Terms::Any(some.iter().map(|id| Terms::Word(search::label_word(label(*id)))).collect()))
        };
        let mut held = vec![
            any(&self.any_section, Label::Section),
            any(&self.any_tag, Label::Tag),
            any(&self.any_author, Label::Author),
            p.language.as_ref().map(|language| Terms::Word(search::language_word(language))),
        ];
        held.extend(self.all_tags.iter().map(|id| Some(Terms::Word(search::label_word(Label::Tag(*id))))));
        let field = held.into_iter().flatten().fold(field, |field, terms| field.holding(&terms));
        if p.published_after.is_none() && p.published_before.is_none() {
            return field;
        }
        let (least, most) = search::keys_between(p.published_after, p.published_before);
        Field { keys: (field.keys.0.max(least), field.keys.1.min(most)), ..field }
    }
}

/// Where the articles are that meet these conditions and are public, with all else that is public where there are no
/// conditions. `None` where one of them names nothing.
pub fn field(conn: &mut Conn, params: &ArticleParams) -> Result<Option<Field>> {
    let Some(conditions) = Conditions::look_up(conn, params)? else { return Ok(None) };
    Ok(Some(conditions.narrow(Field::public())))
}

/// A page of articles that have what is wanted, the best first.
pub(super) fn ranked(
    conn: &mut Conn,
    eyes: &Eyes,
    conditions: &Conditions<'_>,
    wanted: &Wanted,
    window: &Window,
) -> Result<Page<Row>> {
    search::ranked(conn, &seen_by(eyes, conditions), wanted, window, &Listing { eyes, conditions })
}

/// Articles that these eyes see, where they meet the conditions.
struct Listing<'a> {
    eyes: &'a Eyes,
    conditions: &'a Conditions<'a>,
}

impl<'a> Listing<'a> {
    fn in_public(&self, hits: &[Hit]) -> public::Query<'a> {
        public::filtered(queries::visible(), self.conditions)
            .filter(among(published_articles::revision_id, revisions(hits)))
    }

    fn at_desk(&self, actor: &Actor, hits: &[Hit]) -> staff::Query<'a> {
        staff::filtered(lists::at_desk(actor, self.conditions.params), self.conditions)
            .filter(among(article_revisions::revision_id, revisions(hits)))
    }
}

impl Showing for Listing<'_> {
    type Row = Row;

    fn seen(&self, conn: &mut Conn, mut hits: Vec<Hit>) -> Result<Vec<Hit>> {
        let seen: Vec<Id> = match self.eyes {
            Eyes::Public | Eyes::Preview => self.in_public(&hits).select(published_articles::revision_id).load(conn)?,
            Eyes::Desk(actor) => self.at_desk(actor, &hits).select(article_revisions::revision_id).load(conn)?,
        };
        let seen: HashSet<Id> = seen.into_iter().collect();
        hits.retain(|hit| hit.revision.is_some_and(|revision| seen.contains(&revision)));
        Ok(hits)
    }

    fn shown(&self, conn: &mut Conn, hits: Vec<Hit>) -> Result<Vec<(Hit, Row)>> {
        let rows: Vec<Row> = match self.eyes {
            Eyes::Public | Eyes::Preview => self.in_public(&hits).load(conn)?,
            Eyes::Desk(actor) => self.at_desk(actor, &hits).load(conn)?,
        };
        Ok(in_order(hits, rows))
    }
}

fn revisions(hits: &[Hit]) -> Vec<Id> {
    hits.iter().filter_map(|hit| hit.revision).collect()
}

fn in_order(hits: Vec<Hit>, mut rows: Vec<Row>) -> Vec<(Hit, Row)> {
    let mut row = |hit: &Hit| {
        let at = rows.iter().position(|row| Some(row.revision_id) == hit.revision)?;
        Some(rows.swap_remove(at))
    };
    hits.into_iter().filter_map(|hit| Some((hit, row(&hit)?))).collect()
}

/// Which of some revisions are public.
pub fn public_among(conn: &mut Conn, revisions: Vec<Id>) -> Result<HashSet<Id>> {
    use published_articles as v;
    let public = v::table.filter(among(v::revision_id, revisions)).select(v::revision_id);
    Ok(public.load(conn)?.into_iter().collect())
}

/// Those of some revisions that are public.
pub fn published_revisions(conn: &mut Conn, revisions: Vec<Id>) -> Result<Vec<Row>> {
    use published_articles as v;
    Ok(in_size!(revisions, some => {
        let rows = published_articles::table.filter(among(v::revision_id, some));
        both!(conn, c => rows.load(c))?
    }))
}

/// The same as they are shown to somebody who looked for something.
pub fn found_in_public(
    conn: &mut Conn,
    app: &App,
    viewer: &Viewer,
    revisions: Vec<Id>,
    wanted: &Wanted,
) -> Result<Vec<Article>> {
    if revisions.is_empty() {
        return Ok(Vec::new());
    }
    let rows = published_revisions(conn, revisions)?;
    Looking { app, viewer, eyes: &Eyes::Public }.found(conn, rows, false, wanted)
}
