//! `/changes`.

use super::{
    bookmark::Bookmark,
    model::{Change, ChangeList, ChangeParams, Include},
    present, queries,
};
use crate::{
    app::App,
    auth::Viewer,
    error::{Error, Result},
    http::{Answer, Query, Routes, page::PageInfo},
};
use actix_web::{get, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(list_changes);
}

/// Follow what changes in public
///
/// For whoever keeps a copy: static-site builders, caches, search indexes. Without `since` come all articles, authors, sections
/// and tags that are public, each once; then, with `since` of each answer, whatever changed since, in an order in which nothing
/// is missed: what changed again is told once, as it is at the end.
///
/// Of an article this is all that its own page shows of it: what was published or taken down, its slug, its corrections, its
/// comments, and its address. What it shows of others is theirs: a tag that is renamed, or used by one more article, is one
/// change, of the tag. With another pattern of addresses, time zone, name or logo of the site everything changes; what else it
/// says of itself is told by `/site` and its ETag.
#[utoipa::path(
    tag = "Changes", params(ChangeParams),
    responses((status = OK, description = "What changed, the longest ago first, and where to go on.", body = ChangeList))
)]
#[get("/changes")]
async fn list_changes(_: Viewer, app: Data<App>, query: Query<ChangeParams>) -> Result<Answer> {
    let limit = query.limit.unwrap_or(20);
    if !(1..=100).contains(&limit) {
        return Err(Error::parameter("limit", "out_of_range", "it is between 1 and 100"));
    }
    let kinds = query.kind.as_ref().map_or_else(Vec::new, |kinds| kinds.0.clone());
    let since = query.since.as_deref().map(|since| Bookmark::read(&app.cursors, &kinds, since)).transpose()?;
    let whole = query.include.as_ref().is_some_and(|include| include.contains(&Include::Resource));
    queries::settle(&app.db).await?;
    let shared = app.clone();
    app.db
        .read_whole(move |conn| {
            // An address that is told here is not told again.
            shared.follow_site(conn)?;
            let part = queries::list(conn, since, &kinds, limit.into())?;
            let since = part.next.write(&shared.cursors, &kinds);
            let link = part.more.then(|| query.link_on("since", &since));
            let data: Vec<Change> = present::changes(conn, &shared, part.rows, whole)?;
            let page = PageInfo { next_cursor: part.more.then(|| since.clone()), total: None };
            let answer = Answer::shown(&ChangeList { data, page, since })?;
            Ok(Answer { link, ..answer }.keyed("changes"))
        })
        .await
}
