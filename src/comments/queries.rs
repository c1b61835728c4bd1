//! Every statement on comments. The public reads them through a view that holds only what is approved.

use super::model::{
    Comment, CommentChanges, CommentSort, Edited, Kind, Moderation, NewComment, QueueParams, Row, ThreadList, rendered,
};
use crate::{
    app::App,
    articles,
    auth::{Actor, Viewer},
    both, changes,
    clock::Time,
    db::{Conn, Id, among, lock},
    error::{Code, Error, FieldError, Result},
    http::{
        Expected, Page, Versioned, Window,
        cursor::Position,
        page::{PageInfo, keyset},
    },
    permissions::{ModerateComments, SignComments},
    schema::{articles as articles_table, comments, published_comments as v},
    slugs, users,
    values::Ref,
};
use diesel::{
    alias,
    dsl::{exists, not},
    prelude::*,
};
use std::collections::{HashMap, HashSet};

/// Replies that come with a page of threads. A page ends before the thread that would bring more; of a thread that has more by
/// itself, and of a numbered page, the oldest are shown and all are counted.
const MAX_REPLIES: i64 = 500;
/// Comments that one transaction removes at the most.
const SOME: i64 = 200;
/// Threads that come with an article.
const FIRST_PAGE: i64 = 20;

impl Versioned for Row {
    fn id(&self) -> Id {
        self.id
    }

    fn version(&self) -> i32 {
        self.version
    }
}

/// A page of an article's threads, approved comments only.
pub fn threads(conn: &mut Conn, viewer: &Viewer, article: Id, down: bool, window: &Window) -> Result<Page<Comment>> {
    let roots = || v::table.filter(v::article_id.eq(article)).filter(v::depth.eq(0)).into_boxed();
    let rows = keyset!(roots(), window, down, v::created_at, v::id, Window::after_number).load::<Row>(conn)?;
    let position = |row: &Row| Position::new(row.created_at.micros(), row.id);
    let mut page = Page::cut(window, rows, position);
    let mut replies = below(conn, &page.rows, MAX_REPLIES + 1)?;
    let mut counts = HashMap::new();
    if replies.len() as i64 > MAX_REPLIES {
        let fitting = fitting(conn, &page.rows)?.max(1);
        if !window.is_numbered() && fitting < page.rows.len() {
            page.rows.truncate(fitting);
            page.next = page.rows.last().map(position);
        }
        replies = below(conn, &page.rows, MAX_REPLIES)?;
        counts = reply_counts(conn, page.rows.iter().chain(&replies).map(|row| row.id).collect())?;
    }
    let mut threads = Threads { replies: HashMap::new(), counts, staff: viewer.may::<ModerateComments>() };
    for row in replies {
        threads.replies.entry(row.parent_id.unwrap_or(row.root_id)).or_default().push(row);
    }
    let total = window.count.then(|| roots().count().get_result(conn)).transpose()?;
    Ok(Page { total, ..page.map(|row| threads.with_replies(row)) })
}

/// The first replies in some threads.
fn below(conn: &mut Conn, roots: &[Row], most: i64) -> Result<Vec<Row>> {
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let below = v::table.filter(v::root_id.eq_any(roots.iter().map(|row| row.id))).filter(v::depth.gt(0));
    Ok(below.order((v::created_at, v::id)).limit(most).load(conn)?)
}

/// How many threads come with all their replies.
fn fitting(conn: &mut Conn, roots: &[Row]) -> Result<usize> {
    let below = v::table.filter(v::root_id.eq_any(roots.iter().map(|row| row.id))).filter(v::depth.gt(0));
    let sizes = below.group_by(v::root_id).select((v::root_id, diesel::dsl::count_star()));
    let sizes: HashMap<Id, i64> = sizes.load::<(Id, i64)>(conn)?.into_iter().collect();
    let sums = roots.iter().scan(0, |sum, root| {
        *sum += sizes.get(&root.id).copied().unwrap_or_default();
        Some(*sum)
    });
    Ok(sums.take_while(|sum| *sum <= MAX_REPLIES).count())
}

struct Threads {
    /// By what they answer.
    replies: HashMap<Id, Vec<Row>>,
    /// How many replies each has, where not all are shown.
    counts: HashMap<Id, i64>,
    staff: bool,
}

impl Threads {
    fn with_replies(&mut self, row: Row) -> Comment {
        let below = self.replies.remove(&row.id).unwrap_or_default();
        let below: Vec<Comment> = below.into_iter().map(|reply| self.with_replies(reply)).collect();
        let shown = i64::try_from(below.len()).unwrap_or(i64::MAX);
        let count = self.counts.get(&row.id).copied().unwrap_or(shown);
        row.shown(self.staff, count, Some(below))
    }
}

/// The first threads of an article, as they stand on its page.
pub fn first_page(conn: &mut Conn, app: &App, viewer: &Viewer, article: &articles::Row) -> Result<ThreadList> {
    let window = Window::first("/api/v1/articles/{ref}/comments", FIRST_PAGE);
    let page = threads(conn, viewer, article.id, false, &window)?;
    let next_cursor = window.cursor(app, page.next.as_ref());
    Ok(ThreadList { data: page.rows, page: PageInfo { next_cursor, total: None } })
}

/// The moderation queue.
pub fn queue(conn: &mut Conn, params: &QueueParams, window: &Window) -> Result<Page<Comment>> {
    let article = params.article.as_ref().map(|article| articles::id_of(conn, article)).transpose();
    let article = article.map_err(|e| Error::parameter("article", "not_found", e.to_string()))?;
    let filtered = || {
        let mut query = comments::table.into_boxed();
        if let Some(statuses) = &params.status {
            query = query.filter(comments::status.eq_any(statuses.0.clone()));
        }
        if let Some(article) = article {
            query = query.filter(comments::article_id.eq(article));
        }
        query
    };
    let down = params.sort != Some(CommentSort::CreatedAt);
    let rows = keyset!(filtered(), window, down, comments::created_at, comments::id, Window::after_number)
        .load::<Row>(conn)?;
    let page = Page::cut(window, rows, |row| Position::new(row.created_at.micros(), row.id));
    let mut counts = reply_counts(conn, page.rows.iter().map(|row| row.id).collect())?;
    let total = window.count.then(|| filtered().count().get_result(conn)).transpose()?;
    Ok(Page {
        total,
        ..page.map(|row| {
            let count = counts.remove(&row.id).unwrap_or_default();
            row.shown(true, count, None)
        })
    })
}

/// How many approved replies each has.
fn reply_counts(conn: &mut Conn, ids: Vec<Id>) -> Result<HashMap<Id, i64>> {
    let parents = ids.into_iter().map(Some).collect::<Vec<_>>();
    let rows = v::table
        .filter(v::parent_id.eq_any(parents))
        .group_by(v::parent_id)
        .select((v::parent_id, diesel::dsl::count_star()));
    let rows = rows.load::<(Option<Id>, i64)>(conn)?;
    Ok(rows.into_iter().filter_map(|(id, count)| id.map(|id| (id, count))).collect())
}

/// A comment that the viewer may see: the public an approved one, moderators any.
pub fn find(conn: &mut Conn, viewer: &Viewer, id: Id) -> Result<Comment> {
    let staff = viewer.may::<ModerateComments>();
    let row = if staff { comments::table.find(id).first::<Row>(conn) } else { v::table.find(id).first::<Row>(conn) };
    let row = row.optional()?.ok_or_else(|| Error::not_found("comment", id))?;
    let count = reply_counts(conn, vec![id])?.remove(&id).unwrap_or_default();
    Ok(row.shown(staff, count, None))
}

/// Leaves a comment below a published article: a guest's waits for an editor, one from the staff does not.
///
/// # Errors
/// 404 below what is not public, 422 where the article takes none or the parent is not one of its comments.
pub fn insert(
    conn: &mut Conn,
    app: &App,
    viewer: &Viewer,
    article: &Ref,
    new: &NewComment,
    body_html: &str,
    now: Time,
) -> Result<Comment> {
    let article = articles::find_published(conn, article)?;
    if !article.comments_open {
        return Err(Error::with(Code::CommentsClosed, "the discussion of this article is closed"));
    }
    let parent = new.parent_id.map(|id| find_parent(conn, app, article.id, id)).transpose()?;
    let id = Id::new();
    let (kind, user, name, email, status) = match viewer {
        Viewer::Staff(actor) => {
            actor.must::<SignComments>()?;
            actor.must_write_in(article.section_id)?;
            as_user(conn, actor)?
        }
        Viewer::Public => as_guest(new)?,
    };
    let row = Row {
        id,
        article_id: article.id,
        parent_id: new.parent_id,
        root_id: parent.as_ref().map_or(id, |parent| parent.root_id),
        depth: parent.as_ref().map_or(0, |parent| parent.depth + 1),
        kind,
        user_id: user,
        name,
        email,
        website: new.website.clone(),
        body: new.body.clone(),
        body_html: body_html.to_owned(),
        status,
        visible: status == Moderation::Approved,
        version: 1,
        created_at: now,
        edited_at: None,
        trashed_at: None,
    };
    insert_row(conn, &row)?;
    Ok(row.shown(viewer.may::<ModerateComments>(), 0, None))
}

type Signature = (Kind, Option<Id>, crate::values::Line<1, 100>, Option<crate::values::Email>, Moderation);

fn as_user(conn: &mut Conn, actor: &Actor) -> Result<Signature> {
    let user = users::signature(conn, actor.user)?;
    Ok((Kind::User, Some(user.id), user.name, None, Moderation::Approved))
}

fn as_guest(new: &NewComment) -> Result<Signature> {
    match (&new.name, &new.email) {
        (Some(name), Some(email)) => Ok((Kind::Guest, None, name.clone(), Some(email.clone()), Moderation::Pending)),
        (name, email) => {
            let missing = [("/name", name.is_none()), ("/email", email.is_none())];
            let mistake = |(at, _)| FieldError::new(at, "required", "guests sign with a name and an email address");
            Err(Error::invalid(missing.into_iter().filter(|(_, missing)| *missing).map(mistake).collect()))
        }
    }
}

fn find_parent(conn: &mut Conn, app: &App, article: Id, id: Id) -> Result<Row> {
    let find = |conn: &mut Conn| v::table.find(id).filter(v::article_id.eq(article)).first::<Row>(conn).optional();
    // Held, so that it does not vanish while an answer to it appears.
    let parent = match find(conn)? {
        Some(parent) => lock_thread(conn, parent.root_id).and_then(|()| Ok(find(conn)?))?,
        None => None,
    };
    let parent =
        parent.ok_or_else(|| Error::invalid_field("/parent_id", "not_found", "the article has no such comment"))?;
    if parent.depth >= app.site().comment_depth {
        let message = format!("threads go {} replies deep; answer further up", app.site().comment_depth);
        return Err(Error::invalid_field("/parent_id", "too_deep", message));
    }
    Ok(parent)
}

/// Inserts a comment as it is, and counts it.
pub fn insert_row(conn: &mut Conn, row: &Row) -> Result<()> {
    both!(conn, c => diesel::insert_into(comments::table).values(row).execute(c))?;
    if !row.visible {
        return Ok(());
    }
    count(conn, row.article_id, 1)?;
    tell(conn, row.article_id, row.created_at)
}

/// Tells those who follow what is public that the discussion of an article changed.
fn tell(conn: &mut Conn, article: Id, now: Time) -> Result<()> {
    lock::rows(conn, articles_table::table.find(article).select(articles_table::id))?;
    changes::note(conn, slugs::Kind::Article, article, now)
}

fn count(conn: &mut Conn, article: Id, by: i64) -> Result<()> {
    let article = articles_table::table.find(article);
    diesel::update(article).set(articles_table::comment_count.eq(articles_table::comment_count + by)).execute(conn)?;
    Ok(())
}

pub fn update(conn: &mut Conn, id: Id, changes: &CommentChanges, expected: &Expected, now: Time) -> Result<Comment> {
    let row = find_for_update(conn, id)?;
    let current = Edited::from(&row);
    expected.check(&row, || changes.differing(&current))?;
    let new = changes.apply(&current)?;
    if new != current {
        let edited =
            (new.body != current.body || new.name != current.name || new.website != current.website).then_some(now);
        diesel::update(comments::table.find(id))
            .set((
                comments::status.eq(new.status),
                comments::name.eq(&new.name),
                comments::website.eq(&new.website),
                comments::body.eq(&new.body),
                comments::body_html.eq(if new.body == row.body { row.body_html.clone() } else { rendered(&new.body)? }),
                comments::edited_at.eq(edited.or(row.edited_at)),
                comments::trashed_at.eq((new.status == Moderation::Trash).then(|| row.trashed_at.unwrap_or(now))),
                comments::version.eq(comments::version + 1),
            ))
            .execute(conn)?;
        if show_thread(conn, &row)? || (row.visible && edited.is_some()) {
            tell(conn, row.article_id, now)?;
        }
    }
    let row = comments::table.find(id).first::<Row>(conn)?;
    let replies = reply_counts(conn, vec![id])?.remove(&id).unwrap_or_default();
    Ok(row.shown(true, replies, None))
}

/// Finds out anew what is visible of a thread, and counts it: what answers a hidden comment is hidden with it. Whether that
/// is something else than before.
fn show_thread(conn: &mut Conn, row: &Row) -> Result<bool> {
    let thread = comments::table.filter(comments::root_id.eq(row.root_id)).order((comments::depth, comments::id));
    let thread = thread.select((comments::id, comments::parent_id, comments::status, comments::visible));
    let mut visible = HashSet::new();
    let (mut appear, mut vanish) = (Vec::new(), Vec::new());
    for (id, parent, status, was) in thread.load::<(Id, Option<Id>, Moderation, bool)>(conn)? {
        let is = status == Moderation::Approved && parent.is_none_or(|parent| visible.contains(&parent));
        if is {
            visible.insert(id);
        }
        match (was, is) {
            (false, true) => appear.push(id),
            (true, false) => vanish.push(id),
            _ => {}
        }
    }
    let changed = !(appear.is_empty() && vanish.is_empty());
    let by = i64::try_from(appear.len()).unwrap_or(0) - i64::try_from(vanish.len()).unwrap_or(0);
    for (ids, visible) in [(appear, true), (vanish, false)] {
        for ids in ids.chunks(1000) {
            let some = comments::table.filter(comments::id.eq_any(ids));
            diesel::update(some).set(comments::visible.eq(visible)).execute(conn)?;
        }
    }
    if by != 0 {
        count(conn, row.article_id, by)?;
    }
    Ok(changed)
}

/// Moves a comment to the trash. It stays in the queue under `status=trash`, and can be approved again.
pub fn delete(conn: &mut Conn, id: Id, expected: &Expected, now: Time) -> Result<()> {
    let row = find_for_update(conn, id)?;
    expected.check(&row, Vec::new)?;
    diesel::update(comments::table.find(id))
        .set((
            comments::status.eq(Moderation::Trash),
            comments::trashed_at.eq(row.trashed_at.unwrap_or(now)),
            comments::version.eq(comments::version + 1),
        ))
        .execute(conn)?;
    if show_thread(conn, &row)? { tell(conn, row.article_id, now) } else { Ok(()) }
}

/// Removes for good some of the comments that were moved to the trash before a time, and gives how many. One that others
/// answer stays until they are gone.
pub fn purge(conn: &mut Conn, before: Time) -> Result<usize> {
    let answers = alias!(comments as answers);
    let answered = answers.filter(answers.field(comments::parent_id).eq(comments::id.nullable()));
    let due = comments::table
        .filter(comments::trashed_at.lt(before))
        .filter(not(exists(answered.select(answers.field(comments::id)))))
        .order((comments::trashed_at, comments::id));
    let ids = lock::whole_free(conn, due.limit(SOME).select(comments::id))?;
    // They are counted nowhere: none of them is visible.
    Ok(diesel::delete(comments::table.filter(among(comments::id, ids))).execute(conn)?)
}

/// Finds a comment and holds its thread.
fn find_for_update(conn: &mut Conn, id: Id) -> Result<Row> {
    let root: Option<Id> = comments::table.find(id).select(comments::root_id).first(conn).optional()?;
    lock_thread(conn, root.ok_or_else(|| Error::not_found("comment", id))?)?;
    let row = comments::table.find(id).first::<Row>(conn);
    row.optional()?.ok_or_else(|| Error::not_found("comment", id))
}

/// Takes the comment that a thread began with: who changes the thread waits for each other.
fn lock_thread(conn: &mut Conn, root: Id) -> Result<()> {
    Ok(lock::rows(conn, comments::table.find(root).select(comments::id))?)
}
