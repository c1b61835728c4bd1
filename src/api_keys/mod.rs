//! API keys: what programs come with in place of a session.

mod model;
mod queries;
pub mod routes;
mod token;
mod uses;

pub use token::is_one;
pub use uses::Uses;

use crate::{
    app::App,
    auth::Actor,
    clock,
    error::{Code, Error, Result},
};
use actix_web::web::Data;

/// Whose key it is.
///
/// # Errors
/// 401 for one that is mistyped, unknown, expired or taken back.
pub async fn identify(app: &Data<App>, token: &str) -> Result<Actor> {
    if !token::is_well_formed(token) {
        return Err(Error::with(Code::InvalidToken, "it is not a key of ours: perhaps a letter is wrong or missing"));
    }
    let (hash, now) = (token::hash_of(token), clock::now());
    let found = app.db.look_up(move |conn| queries::actor(conn, &hash, now)).await?;
    let (actor, last_used_at) =
        found.ok_or_else(|| Error::with(Code::InvalidToken, "the key is unknown, has expired, or was taken back"))?;
    app.key_uses.note(app, actor.user, last_used_at, now);
    Ok(actor)
}
