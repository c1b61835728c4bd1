//! Keeps the indexes fresh: takes what is pending, reads and analyses it outside of any transaction that writes, and
//! writes it in a short one. Any number of processes may do so at once.

use super::{
    document::{self, Analysers, Document, Pair},
    pending::{self, Kind, Pending},
};
use crate::{
    app::App,
    both,
    db::{
        self, Conn, Db, Id,
        full_text::{self, Index, Indexed},
    },
    error::{Code, Error, Result},
    jobs::Left,
    schema::{published_documents, staff_documents},
    values::Language,
};
use actix_web::{rt::time::sleep, web};
use diesel::prelude::*;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit},
    time::timeout,
};

/// Documents that one transaction writes.
const BATCH: i64 = 50;
/// How long a search waits for what was written before it.
const PATIENCE: Duration = Duration::from_secs(2);
/// With more than this to be indexed, a search sees to the newest alone.
const MANY: i64 = 500;
/// Pages of 4 KB that one transaction merges.
const PAGES: i64 = 64;
/// What the background takes of the time while there is much to do: a fifth, so that those who write hardly notice.
const REST: u32 = 4;
/// What a search waits for others who index the same.
const MOMENT: Duration = Duration::from_millis(10);
const LONGEST_REST: Duration = Duration::from_millis(500);

/// Of those who index in one process, one does so at a time.
#[derive(Debug, Default)]
pub struct Turn(Mutex<()>);

/// A document that is ready to be written, or the subject's absence from an index.
type Ready = Option<(Document, Indexed)>;

/// What becomes of a subject in both indexes.
struct Prepared {
    pending: Pending,
    published: Ready,
    staff: Ready,
}

/// Sees to what was written before a search, and waits for its turn, which is held until it is done:
/// `read(move |conn| { let _turn = turn; … })`.
///
/// # Errors
/// Where the database cannot be reached, or the process ends.
pub async fn begin(app: &App) -> Result<OwnedSemaphorePermit> {
    catch_up(app).await?;
    db::turn().await
}

/// Indexes what was written before this moment, so that whoever wrote it finds it. A search that is too early, or whose
/// database takes no writes, finds what there is.
///
/// # Errors
/// Where the database cannot be reached.
async fn catch_up(app: &App) -> Result<()> {
    let Some(until) = app.db.look_up(pending::newest).await? else { return Ok(()) };
    let caught_up = timeout(PATIENCE, async {
        let _turn = app.search.0.lock().await;
        let many = app.db.read(move |conn| Ok(pending::count(conn, until, MANY + 1)? > MANY as usize)).await?;
        loop {
            let (found, done) = batch(&app.db, &app.site().profile.languages, until).await?;
            if found == 0 || many {
                return Ok::<_, Error>(());
            }
            // Somebody else is at it, or changes it.
            if done == 0 {
                sleep(MOMENT).await;
            }
        }
    });
    if let Ok(Err(error)) = caught_up.await {
        tracing::warn!(%error, "a search could not see to what was written before it");
    }
    Ok(())
}

/// Indexes some of what is pending, in the background.
///
/// # Errors
/// As [`catch_up`].
pub async fn work(app: &App) -> Result<Left> {
    let Some(until) = app.db.look_up(pending::newest).await? else { return Ok(Left::Nothing) };
    let began = Instant::now();
    let (found, done) = {
        let _turn = app.search.0.lock().await;
        batch(&app.db, &app.site().profile.languages, until).await?
    };
    if found < BATCH as usize || done == 0 {
        return Ok(Left::Nothing);
    }
    sleep((began.elapsed() * REST).min(LONGEST_REST)).await;
    Ok(Left::More)
}

/// Merges what many writes left apart in the indexes, in the background: a search looks into each part.
///
/// # Errors
/// As [`catch_up`].
pub async fn merge(app: &App) -> Result<Left> {
    let mut left = Left::Nothing;
    for index in [Index::Published, Index::Staff] {
        let began = Instant::now();
        if app.db.clean_up(move |conn| Ok(full_text::merge(conn, index, PAGES, false)?)).await? {
            left = Left::More;
            sleep((began.elapsed() * REST).min(LONGEST_REST)).await;
        }
    }
    Ok(left)
}

/// Indexes some of what is pending. How much it found, and how much of it is done: the rest changed meanwhile.
pub async fn batch(db: &Db, languages: &[Language], until: Id) -> Result<(usize, usize)> {
    let languages = languages.to_owned();
    let language = languages.first().cloned().unwrap_or_default();
    let read = move |conn: &mut Conn| {
        let some = pending::list(conn, until, BATCH)?;
        let documents = document::load(conn, &some, &language)?;
        Ok((some, documents))
    };
    let (some, mut documents) = db.read_whole(read).await?;
    let found = some.len();
    if found == 0 {
        return Ok((0, 0));
    }
    let prepare = move || {
        let mut analysers = Analysers::default();
        let mut ready = |document: Option<Document>| {
            document.map(|document| {
                let indexed = document.indexed(&mut analysers, &languages);
                (document, indexed)
            })
        };
        let mut prepared = Vec::with_capacity(some.len());
        for pending in some {
            let Pair { published, staff } = documents.remove(&pending.subject).unwrap_or_default();
            prepared.push(Prepared { pending, published: ready(published), staff: ready(staff) });
        }
        prepared
    };
    let prepared = Arc::new(web::block(prepare).await.map_err(|_| Error::new(Code::Unavailable))?);
    let all = prepared.clone();
    match db.write(move |conn| write(conn, &all)).await {
        Err(error) if error.code() == Code::Internal => Ok((found, one_by_one(db, prepared).await?)),
        done => Ok((found, done?)),
    }
}

/// Writes each on its own, and leaves those out that the database refuses: one that it cannot take holds up no other.
async fn one_by_one(db: &Db, prepared: Arc<Vec<Prepared>>) -> Result<usize> {
    let mut done = 0;
    for index in 0..prepared.len() {
        let (all, subject) = (prepared.clone(), prepared[index].pending.subject);
        match db.write(move |conn| write(conn, &all[index..=index])).await {
            Err(error) if error.code() == Code::Internal => {
                tracing::error!(%subject, %error, "something cannot be indexed, and will not be found");
                let all = prepared.clone();
                done += db.write(move |conn| Ok(pending::take(conn, &[all[index].pending])?.len())).await?;
            }
            written => done += written?,
        }
    }
    Ok(done)
}

/// Writes what nobody changed since it was read. How many that are.
fn write(conn: &mut Conn, prepared: &[Prepared]) -> Result<usize> {
    let some: Vec<Pending> = prepared.iter().map(|prepared| prepared.pending).collect();
    let taken = pending::take(conn, &some)?;
    for Prepared { pending, published, staff } in prepared.iter().filter(|p| taken.contains(&p.pending.subject)) {
        replace_published(conn, pending.subject, published)?;
        if pending.kind == Kind::Article {
            replace_staff(conn, pending.subject, staff)?;
        }
        if pending.spread {
            pending::spread(conn, pending)?;
        }
    }
    Ok(taken.len())
}

/// Puts a document in the place of the one that the index has of the subject.
macro_rules! replace {
    ($name:ident, $table:ident, $index:expr) => {
        fn $name(conn: &mut Conn, subject: Id, ready: &Ready) -> Result<()> {
            let known = $table::table.filter($table::subject_id.eq(subject)).select($table::key);
            if let Some(key) = both!(conn, c => known.first::<i64>(c).optional())? {
                full_text::delete(conn, $index, key)?;
                let known = $table::table.find(key);
                both!(conn, c => diesel::delete(known).execute(c))?;
            }
            let Some((document, indexed)) = ready else { return Ok(()) };
            let mut key = document.key;
            // Of several with one key each takes the next.
            loop {
                let taken = $table::table.find(key).select($table::key);
                if both!(conn, c => taken.first::<i64>(c).optional())?.is_none() {
                    break;
                }
                key += 1;
            }
            let row = (
                $table::key.eq(key),
                $table::subject_id.eq(subject),
                $table::kind.eq(document.kind),
                $table::revision_id.eq(document.revision),
                $table::labels.eq(&document.labels),
            );
            both!(conn, c => diesel::insert_into($table::table).values(row).execute(c))?;
            // Words without a document would come back with it.
            full_text::delete(conn, $index, key)?;
            full_text::insert(conn, $index, key, indexed)?;
            Ok(())
        }
    };
}

replace!(replace_published, published_documents, Index::Published);
replace!(replace_staff, staff_documents, Index::Staff);
