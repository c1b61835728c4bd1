//! One test binary: a file for each resource, mirroring `src/`, and those that hold for the whole app.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod articles;
mod auth;
mod http;
mod openapi;
mod support;
mod tags;
