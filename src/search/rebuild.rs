//! `stet search rebuild`: both indexes anew, while a server runs or not.

use super::{index, pending};
use crate::{
    db::{
        Db, Id,
        full_text::{self, Index},
    },
    error::Result,
    values::Language,
};

/// Pages of an index that one transaction merges: other writers wait for no more than that.
const PAGES: i64 = 500;

/// Indexes all there is, and takes out what is there no longer. `progress` is told how many documents there are, and
/// how many are done.
///
/// # Errors
/// Where the database cannot be reached, or its disk is full.
pub async fn all(db: &Db, languages: &[Language], mut progress: impl FnMut(usize, usize)) -> Result<usize> {
    let count = db.write(pending::touch_all).await?;
    let until = Id::new();
    progress(count, 0);
    let mut done = 0;
    loop {
        let (found, _) = index::batch(db, languages, until).await?;
        if found == 0 {
            break;
        }
        // A server that runs may have taken others meanwhile: they are counted at the end.
        done += found;
        progress(count, done.min(count));
    }
    progress(count, count);
    for index in [Index::Published, Index::Staff] {
        // The first one begins to merge all parts into one, the others go on with it.
        let mut all = true;
        while db.write(move |conn| Ok(full_text::merge(conn, index, PAGES, all)?)).await? {
            all = false;
        }
    }
    Ok(count)
}
