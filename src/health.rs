//! `/healthz` and `/readyz`: for whoever starts, stops and watches the process.

use crate::{
    app::App,
    clock,
    error::Result,
    http::{Answer, NoParams, Query, Routes},
    idempotency,
};
use actix_web::{get, web::Data};
use diesel::{RunQueryDsl, dsl::sql, sql_types::Integer};
use serde::Serialize;
use utoipa::ToSchema;

/// That all is well.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    #[schema(inline)]
    status: Well,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Well {
    Ok,
}

pub fn routes(config: &mut impl Routes) {
    config.service(get_health).service(get_readiness);
}

/// Tell whether the process lives
///
/// Asks nothing but the process itself: restart it where this fails.
#[utoipa::path(tag = "Health", responses((status = OK, description = "It lives.", body = Health)))]
#[get("/healthz")]
async fn get_health(_: Query<NoParams>) -> Result<Answer> {
    Answer::shown(&Health { status: Well::Ok })
}

/// Tell whether requests can be served
///
/// Asks the database as well: send no requests where this fails, and wait. 507 says that the disk is full: what is there
/// can still be read.
#[utoipa::path(tag = "Health", responses((status = OK, description = "It is ready.", body = Health)))]
#[get("/readyz")]
async fn get_readiness(app: Data<App>, _: Query<NoParams>) -> Result<Answer> {
    if !app.db.had_room() {
        app.db.write(|conn| idempotency::try_out(conn, clock::now())).await?;
    }
    app.db
        .read(|conn| {
            diesel::select(sql::<Integer>("1")).get_result::<i32>(conn)?;
            Answer::shown(&Health { status: Well::Ok })
        })
        .await
}
