//! What tests are written with: an app over a database of its own, and clients for each role.

mod app;
mod client;
mod cluster;
mod database;
mod desk;
pub mod postbox;
pub mod postgres;
pub mod program;
pub mod provider;
pub mod secrets;
pub mod shown;
pub mod spec;
pub mod xml;

pub use app::{PASSWORD, TestApp};
pub use client::{Client, Reply};
pub use cluster::Cluster;
pub use database::{Kind, empty, fresh};
pub use desk::Desk;
pub use postbox::Postbox;

/// Runs what waits for the database on a thread of its own, as handlers do.
pub fn blocking<T: Send>(f: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(f).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Runs each test on both databases, each time with a database of its own.
#[macro_export]
macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {
        $(mod $test {
            #[actix_web::test]
            async fn sqlite() {
                super::$test($crate::support::TestApp::start($crate::support::Kind::Sqlite).await).await;
            }

            #[actix_web::test]
            async fn postgres() {
                if $crate::support::postgres::server().is_some() {
                    super::$test($crate::support::TestApp::start($crate::support::Kind::Postgres).await).await;
                }
            }
        })*
    };
}
