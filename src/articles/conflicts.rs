//! Conflicts: what has happened to an article since a client read it, and whether its change goes with that.

use super::{fields::overlap, model::Row};
use crate::{
    clock::Time,
    db::Conn,
    error::{Code, Error, FieldError, Result},
    events::{self, Happening},
    http::{Conflict, Expected, FieldChange, PastEvent, etag},
    schema::revisions,
    users::Colleague,
};
use diesel::prelude::*;
use std::collections::HashMap;

/// Fields and events that are told at the most.
const MAX_TOLD: usize = 100;

/// An article that is not as the client read it.
pub struct Stale<'a> {
    article: &'a Row,
    /// What has happened since; `None` where the client names a state of which that is not known.
    since: Option<Vec<Happening>>,
}

/// Refuses what the client decided on by an article that is another by now.
///
/// # Errors
/// 412 with what has happened since.
pub fn check(conn: &mut Conn, article: &Row, expected: &Expected) -> Result<()> {
    match Stale::find(conn, article, expected)? {
        Some(stale) => Err(stale.refusal(&[], Vec::new)),
        None => Ok(()),
    }
}

impl<'a> Stale<'a> {
    /// `None` where the article is as the client expects it.
    pub fn find(conn: &mut Conn, article: &'a Row, expected: &Expected) -> Result<Option<Self>> {
        if expected.fits(article) {
            return Ok(None);
        }
        let since = match expected.base(article).filter(|base| (1..article.version).contains(base)) {
            Some(base) => {
                let mut happened = events::since(conn, article.id, base)?;
                forget_replaced(conn, article, &mut happened)?;
                // Each version has to be told of: one that came before there were events is not.
                let mut versions: Vec<i32> = happened.iter().map(|h| h.version).collect();
                versions.dedup();
                versions.into_iter().eq(base + 1..=article.version).then_some(happened)
            }
            None => None,
        };
        Ok(Some(Self { article, since }))
    }

    /// The refusal of a change of the fields `mine`. `differing` finds what to name where it is not known what happened.
    pub fn refusal(&self, mine: &[String], differing: impl FnOnce() -> Vec<FieldError>) -> Error {
        match &self.since {
            Some(since) => self.told(since, mine, |_| true),
            None => etag::stale(differing()),
        }
    }

    /// Lets a change of the fields `mine` pass where nobody changed one of them since.
    ///
    /// # Errors
    /// 412 with those that somebody did, or where it is not known.
    pub fn merge(&self, mine: &[String], differing: impl FnOnce() -> Vec<FieldError>) -> Result<()> {
        let Some(since) = &self.since else { return Err(etag::stale(differing())) };
        let theirs = || since.iter().flat_map(|h| &h.fields.0);
        if theirs().any(|theirs| mine.iter().any(|mine| overlap(mine, theirs))) {
            return Err(self.told(since, mine, |change| change.collides));
        }
        Ok(())
    }

    /// 412 with the changes that `named` picks as mistakes, and all of them for programs.
    fn told(&self, since: &[Happening], mine: &[String], named: impl Fn(&FieldChange) -> bool) -> Error {
        let changes = changes(since, mine);
        let events = others(since);
        let errors: Vec<_> = changes.iter().filter(|change| named(change)).map(mistake).collect();
        let names: Vec<_> = errors.iter().map(|e| e.pointer.trim_start_matches('/')).collect();
        let mut detail = String::from("it was changed since you read it");
        if !names.is_empty() {
            detail += &format!("; these fields differ: {}", names.join(", "));
        }
        for event in &events {
            detail += &format!("; it was {}{}", event.kind.told(), whence(event.by.as_ref(), event.at, event.revision));
        }
        let conflict = Conflict {
            changes: changes.into_iter().take(MAX_TOLD).collect(),
            events,
            revision: self.article.revision,
            etag: etag::of_state(self.article, &[]),
        };
        Error::with(Code::PreconditionFailed, detail).list(errors).conflicting(conflict)
    }
}

/// An autosave that a later one replaced cannot be looked at any more.
fn forget_replaced(conn: &mut Conn, article: &Row, happened: &mut [Happening]) -> Result<()> {
    let named: Vec<i32> = happened.iter().filter_map(|h| h.revision).collect();
    let there = revisions::table.filter(revisions::article_id.eq(article.id)).filter(revisions::number.eq_any(named));
    let there: Vec<i32> = there.select(revisions::number).load(conn)?;
    for happening in happened {
        happening.revision = happening.revision.filter(|number| there.contains(number));
    }
    Ok(())
}

/// Each field that was changed, with its last change.
fn changes(since: &[Happening], mine: &[String]) -> Vec<FieldChange> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut changes: Vec<FieldChange> = Vec::new();
    for happening in since {
        for name in &happening.fields.0 {
            let change = FieldChange {
                pointer: format!("/{name}"),
                revision: happening.revision,
                by: by(happening),
                at: happening.at,
                collides: mine.iter().any(|mine| overlap(mine, name)),
            };
            match places.get(name.as_str()).and_then(|place| changes.get_mut(*place)) {
                Some(known) => *known = change,
                None => {
                    places.insert(name, changes.len());
                    changes.push(change);
                }
            }
        }
    }
    changes
}

/// What happened and changed no field: each kind once, the last time.
fn others(since: &[Happening]) -> Vec<PastEvent> {
    let mut events: Vec<PastEvent> = Vec::new();
    for happening in since.iter().filter(|h| h.fields.0.is_empty()) {
        events.retain(|event| event.kind != happening.kind);
        let Happening { kind, revision, at, .. } = *happening;
        events.push(PastEvent { kind, revision, by: by(happening), at });
    }
    events
}

fn by(happening: &Happening) -> Option<Colleague> {
    Colleague::of(happening.by, happening.name.clone())
}

fn mistake(change: &FieldChange) -> FieldError {
    let mut message = format!("changed{}", whence(change.by.as_ref(), change.at, change.revision));
    if change.collides {
        message += "; you change it, too";
    }
    FieldError::new(change.pointer.clone(), "differs", message)
}

fn whence(by: Option<&Colleague>, at: Time, revision: Option<i32>) -> String {
    let by = by.map(|by| format!(" by {}", by.name)).unwrap_or_default();
    let revision = revision.map(|number| format!(", in revision {number}")).unwrap_or_default();
    format!("{by} at {at}{revision}")
}
