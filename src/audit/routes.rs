//! `/audit`.

use super::{
    model::{AuditEntryList, AuditParams},
    queries,
};
use crate::{
    app::App,
    auth::Can,
    error::Result,
    http::{Answer, Query, Routes},
    permissions::ReadAudit,
};
use actix_web::{get, web::Data};

pub fn routes(config: &mut impl Routes) {
    config.service(list_audit);
}

/// Read the audit
///
/// What the staff and keys changed, who signed in, and what was refused, the newest first. There are no contents in it, and
/// nothing secret. A line is never changed, and is kept for as long as `STET_AUDIT_DAYS` says.
#[utoipa::path(
    tag = "Audit", params(AuditParams),
    responses((status = OK, description = "A page of the audit.", body = AuditEntryList)), security(("bearer" = []))
)]
#[get("/audit")]
async fn list_audit(_: Can<ReadAudit>, app: Data<App>, query: Query<AuditParams>) -> Result<Answer> {
    let window = query.window(&app)?;
    let shared = app.clone();
    app.db
        .read(move |conn| Answer::list(&shared, &window, queries::list(conn, &query, &window)?, None::<&[&str]>))
        .await
}
