//! Stet: a headless CMS for newsrooms. This is the map of the crate; `docs/ARCHITECTURE.md` is the tour.

#![forbid(unsafe_code)]
#![recursion_limit = "256"]

pub mod api_keys;
pub mod app;
pub mod articles;
pub mod audit;
pub mod auth;
pub mod authors;
pub mod changes;
pub mod clock;
pub mod commands;
pub mod comments;
pub mod config;
pub mod db;
pub mod demo;
pub mod error;
mod events;
pub mod feeds;
pub mod health;
pub mod html;
pub mod http;
mod idempotency;
pub mod jobs;
pub mod limits;
pub mod llms;
pub mod mail;
pub mod openapi;
pub mod permissions;
pub mod redirects;
mod schema;
pub mod search;
pub mod sections;
pub mod site;
pub mod sitemaps;
mod slugs;
pub mod tags;
pub mod users;
pub mod values;
pub mod written;
