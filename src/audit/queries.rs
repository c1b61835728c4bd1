//! Every statement on the audit. None of them changes a line, and only what is old is forgotten.

use super::{
    model::{ActorKind, AuditActor, AuditEntry, AuditParams, AuditResource, Outcome},
    record::Record,
};
use crate::{
    app::App,
    both,
    clock::Time,
    db::{AsJson, Conn, Id, MultiBackend, among, lock},
    error::Result,
    http::{Page, Window, cursor::Position, page::keyset},
    jobs::Left,
    schema::{articles, audit, authors, sections, tags, users},
    values::{Line, Ref, Slug},
};
use diesel::prelude::*;

/// Lines that are forgotten in one transaction at the most.
const SOME: i64 = 1000;

/// Writes it down, with what it was done to.
pub fn insert(
    conn: &mut Conn,
    record: &Record,
    resource: (&str, Option<Id>),
    outcome: Outcome,
    at: Time,
) -> Result<()> {
    let row = (
        audit::id.eq(Id::new()),
        audit::at.eq(at),
        audit::action.eq(record.action.as_str()),
        audit::outcome.eq(outcome),
        audit::actor_kind.eq(record.actor_kind),
        audit::actor_id.eq(record.actor),
        audit::session_id.eq(record.session),
        audit::resource_kind.eq(resource.0),
        audit::resource_id.eq(resource.1),
        audit::fields.eq(AsJson(&record.fields)),
        audit::address.eq(record.address.as_deref()),
        audit::request_id.eq(record.request_id.as_str()),
    );
    both!(conn, c => diesel::insert_into(audit::table).values(row).execute(c))?;
    Ok(())
}

/// The id of what goes by a slug now, where things of its kind have any.
pub fn id_of(conn: &mut Conn, kind: &str, slug: &Slug) -> Result<Option<Id>> {
    let found = match kind {
        "articles" => articles::table.filter(articles::slug.eq(slug)).select(articles::id).first(conn),
        "authors" => authors::table.filter(authors::slug.eq(slug)).select(authors::id).first(conn),
        "sections" => sections::table.filter(sections::slug.eq(slug)).select(sections::id).first(conn),
        "tags" => tags::table.filter(tags::slug.eq(slug)).select(tags::id).first(conn),
        _ => return Ok(None),
    };
    Ok(found.optional()?)
}

fn filtered<'a>(params: &AuditParams) -> audit::BoxedQuery<'a, MultiBackend> {
    let mut query = audit::table.into_boxed();
    if let Some(actor) = params.actor {
        query = query.filter(audit::actor_id.eq(actor));
    }
    if let Some(actions) = &params.action {
        let actions: Vec<String> = actions.iter().map(|action| action.as_str().to_owned()).collect();
        query = query.filter(audit::action.eq_any(actions));
    }
    if let Some(outcome) = params.outcome {
        query = query.filter(audit::outcome.eq(outcome));
    }
    match &params.resource {
        Some(Ref::Id(id)) => query = query.filter(audit::resource_id.eq(*id)),
        Some(Ref::Slug(kind)) => query = query.filter(audit::resource_kind.eq(kind.as_ref().to_owned())),
        None => {}
    }
    if let Some(since) = params.since {
        query = query.filter(audit::at.ge(since));
    }
    match params.until {
        Some(until) => query.filter(audit::at.lt(until)),
        None => query,
    }
}

type Row = (
    Id,
    Time,
    String,
    Outcome,
    ActorKind,
    Option<Id>,
    Option<Id>,
    String,
    Option<Id>,
    AsJson<Vec<String>>,
    Option<String>,
    String,
);

/// The newest first.
pub fn list(conn: &mut Conn, params: &AuditParams, window: &Window) -> Result<Page<AuditEntry>> {
    let query = keyset!(filtered(params), window, true, audit::at, audit::id, Window::after_number);
    let page = Page::cut(window, query.load::<Row>(conn)?, |row| Position::new(row.1.micros(), row.0));
    let total = window.count.then(|| filtered(params).count().get_result(conn)).transpose()?;
    let actors: Vec<Id> = page.rows.iter().filter_map(|row| row.5).collect();
    let names: Vec<(Id, Line<1, 100>)> =
        users::table.filter(among(users::id, actors)).select((users::id, users::name)).load(conn)?;
    let shown = |row: Row| {
        let (id, at, action, outcome, kind, actor, session_id, resource, resource_id, fields, address, request_id) =
            row;
        let name = names.iter().find(|(id, _)| Some(*id) == actor).map(|(_, name)| name.clone());
        AuditEntry {
            id,
            at,
            action,
            outcome,
            actor: AuditActor::of(kind, actor, name),
            session_id,
            resource: AuditResource { kind: resource, id: resource_id },
            fields: fields.0,
            address,
            request_id,
        }
    };
    Ok(Page { total, ..page.map(shown) })
}

/// Forgets some of what is older than it is to be kept.
pub async fn forget(app: &App, now: Time) -> Result<Left> {
    let Some(before) = app.audit_kept.begins(now) else { return Ok(Left::Nothing) };
    let forgotten = app.db.clean_up(move |conn| forget_before(conn, before)).await?;
    Ok(if forgotten > 0 { Left::More } else { Left::Nothing })
}

fn forget_before(conn: &mut Conn, before: Time) -> Result<usize> {
    let old = audit::table.filter(audit::at.lt(before)).order((audit::at, audit::id));
    let ids = lock::whole_free(conn, old.limit(SOME).select(audit::id))?;
    Ok(diesel::delete(audit::table.filter(among(audit::id, ids))).execute(conn)?)
}
