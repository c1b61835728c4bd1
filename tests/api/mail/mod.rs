//! Letters: each flow that takes one, and what becomes of them when the mail server is not as it should be.

mod addresses;
mod delivery;
mod forgotten;
mod invitations;

use crate::support::{Client, PASSWORD, Postbox, Reply, TestApp};
use serde_json::json;

pub const ANOTHER: &str = "nine gulls on a wire";
/// Letters that wait.
pub const WAITING: &str = "SELECT count(*) FROM letters WHERE next_at IS NOT NULL";

/// The same with a mail server.
async fn with_mail(app: TestApp) -> (TestApp, Postbox) {
    let postbox = Postbox::open();
    (TestApp::start_with_mail(app.kind(), &postbox).await, postbox)
}

async fn login(app: &TestApp, email: &str, password: &str) -> Reply {
    app.anyone().post("/auth/login", json!({"email": email, "password": password})).await
}

async fn signed_in(app: &TestApp, email: &str) -> Client {
    Client::new(&app.address, Some(login(app, email, PASSWORD).await.assert(200).text("/access_token")))
}

async fn forget(app: &TestApp, email: &str) -> Reply {
    app.anyone().post("/auth/password/forgot", json!({"email": email})).await
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Reply {
    app.anyone().post("/auth/password/reset", json!({"token": token, "password": password})).await
}

/// Lets a minute go by for those who ask for letters.
fn a_minute_later(app: &TestApp) {
    app.execute("UPDATE letters SET created_at = created_at - 61000000");
}
