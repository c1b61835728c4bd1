//! One test binary: a file for each resource, mirroring `src/`, and those that hold for the whole app.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod articles;
mod auth;
mod authors;
mod bulk;
mod changes;
mod commands;
mod comments;
mod config;
mod conflicts;
mod corrections;
mod due;
mod faults;
mod feeds;
mod health;
mod history;
mod http;
mod leaks;
mod life;
mod markdown;
mod merging;
mod migrations;
mod openapi;
mod permissions;
mod postgres_driver;
mod postgres_tls;
mod preflight;
mod previews;
mod publication;
mod readme;
mod redirects;
mod related;
mod reviews;
mod saving;
mod sections;
mod site;
mod sitemaps;
mod slugs;
mod statements;
mod structured_data;
mod support;
mod tags;
mod tidy;
mod translations;
mod trash;
