//! What is due: articles whose time to become public, or to be taken down, has come.

use super::{publication, queries::any};
use crate::{
    clock::Time,
    db::{self, Conn, Db, Id, lock},
    error::{Code, Error, Result},
    jobs::Left,
    schema::articles,
};
use diesel::prelude::*;
use futures_util::{StreamExt, stream};
use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

/// Articles that one look finds.
const BATCH: usize = 100;
/// How long an article that could not be settled is left alone: twice as long each time, up to a bound.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The same for one that waits for another translation into its language to be taken down.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Settles what is due, and remembers what it could not.
#[derive(Default)]
pub struct Due {
    setbacks: HashMap<Id, Setback>,
}

struct Setback {
    pause: Duration,
    until: Instant,
}

impl Due {
    /// Publishes and takes down a batch of what is due, each article in a transaction of its own: one that fails holds
    /// up no other. Any number of processes may do this at the same time.
    ///
    /// # Errors
    /// Where the database cannot be reached, or its disk is full.
    pub async fn settle(&mut self, db: &Db) -> Result<Left> {
        // Those that are left alone do not keep others out.
        let limit = BATCH + self.setbacks.len();
        let due = db.look_up(move |conn| look(conn, limit)).await?;
        self.setbacks.retain(|id, _| due.contains(id));
        let (found, began) = (due.len(), Instant::now());
        let ready: Vec<Id> =
            due.into_iter().filter(|id| self.setbacks.get(id).is_none_or(|setback| setback.until <= began)).collect();
        let mut settled = 0;
        let mut results = stream::iter(ready)
            .map(async |id| (id, db.write(move |conn| settle(conn, id)).await))
            .buffer_unordered(db.writes_at_once());
        while let Some((id, result)) = results.next().await {
            match result {
                Ok(done) => settled += usize::from(done),
                Err(error) if matches!(error.code(), Code::Unavailable | Code::StorageFull) => return Err(error),
                Err(error) => set_back(&mut self.setbacks, id, &error),
            }
        }
        Ok(if settled > 0 && found == limit { Left::More } else { Left::Nothing })
    }
}

/// Leaves an article alone for a while. It is logged once.
fn set_back(setbacks: &mut HashMap<Id, Setback>, id: Id, error: &Error) {
    let longest = if error.code() == Code::Conflict { LONGEST_WAIT } else { LONGEST_PAUSE };
    let pause = setbacks.get(&id).map_or(FIRST_PAUSE, |setback| (setback.pause * 2).min(longest));
    let known = setbacks.insert(id, Setback { pause, until: Instant::now() + pause }).is_some();
    if !known {
        tracing::error!(article = %id, %error, "an article could not be published or taken down at its time");
    }
}

/// What is due, the longest ago first. It takes nothing that others wait for.
fn look(conn: &mut Conn, limit: usize) -> Result<Vec<Id>> {
    let (now, most) = (db::now(conn)?, i64::try_from(limit).unwrap_or(i64::MAX));
    let mut due: Vec<(Option<Time>, Id)> = articles::table
        .filter(articles::publish_at.le(now))
        .filter(articles::deleted_at.is_null())
        .order(articles::publish_at)
        .limit(most)
        .select((articles::publish_at, articles::id))
        .load(conn)?;
    // In the trash as well, so that nothing comes out of it whose time is over.
    let ends = articles::table
        .filter(articles::unpublish_at.le(now))
        .order(articles::unpublish_at)
        .limit(most)
        .select((articles::unpublish_at, articles::id));
    due.extend(ends.load::<(Option<Time>, Id)>(conn)?);
    due.sort_unstable();
    let mut known = HashSet::new();
    Ok(due.into_iter().map(|(_, id)| id).filter(|id| known.insert(*id)).take(limit).collect())
}

/// Does what is due of one article. Whether there was anything: another process may have done it, or be at it.
fn settle(conn: &mut Conn, id: Id) -> Result<bool> {
    if !lock::free(conn, articles::table.find(id).select(articles::id))? {
        return Ok(false);
    }
    let row = match any(conn, id) {
        Err(error) if error.code() == Code::NotFound => return Ok(false),
        row => row?,
    };
    let now = db::now(conn)?;
    let is_due = |at: Option<Time>| at.is_some_and(|at| at <= now);
    let (starts, ends) = (is_due(row.publish_at) && row.deleted_at.is_none(), is_due(row.unpublish_at));
    if starts {
        match publication::publish_scheduled(conn, &row, now) {
            // It waits, but not beyond its end.
            Err(error) if error.code() == Code::Conflict && ends => {
                publication::miss_scheduled(conn, row, now)?;
            }
            done => done?,
        }
    }
    // After it, where both are due: its end was to come later.
    if ends {
        let row = any(conn, id)?;
        publication::unpublish_scheduled(conn, &row, now)?;
    }
    Ok(starts || ends)
}
