//! What tests are written with: an app over a database of its own, and clients for each role.

mod app;
mod client;
mod database;
pub mod postgres;
pub mod program;
pub mod shown;
pub mod spec;

pub use app::{PASSWORD, TestApp};
pub use client::{Client, Reply};
pub use database::{Kind, empty, fresh};
