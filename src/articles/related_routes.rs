//! `/articles/{ref}/related`.

use super::{
    model::TeaserList,
    queries::{self, Eyes},
    related,
    write::RelatedParams,
};
use crate::{
    app::App,
    auth::Viewer,
    error::Result,
    http::{Answer, Path, Query, Routes, page::PageInfo},
    values::Ref,
};
use actix_web::{get, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(list_related);
}

/// List the stories below an article
///
/// What to read next, each with the reasons why: what an editor pinned, then by shared tags, the section and recency, in the
/// article's own language as far as there are such. Its translations are none of them, unless they are pinned. Only what is
/// public stands here, whoever asks.
#[utoipa::path(
    tag = "Articles", params(("ref" = Ref, Path, description = "The article's id or slug."), RelatedParams),
    responses((status = OK, description = "The stories.", body = TeaserList))
)]
#[get("/articles/{ref}/related")]
async fn list_related(viewer: Viewer, app: Data<App>, path: Path<Ref>, query: Query<RelatedParams>) -> Result<Answer> {
    let eyes = Eyes::of(&viewer, query.view)?;
    let most = query.limit.map_or(related::SHOWN, |limit| limit.get().unsigned_abs() as usize);
    let shared = app.clone();
    app.db
        .read(move |conn| {
            let row = queries::find(conn, &eyes, &path)?;
            let data = related::related(conn, &shared.site(), &row, most)?;
            let page = PageInfo { next_cursor: None, total: None };
            Ok(Answer::shown(&TeaserList { data, page })?.keyed(format!("article-{} articles", row.id)))
        })
        .await
}
