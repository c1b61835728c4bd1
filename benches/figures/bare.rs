//! The queries of a read without a server, by Stet's own functions.

use anyhow::{Context, Result};
use diesel::prelude::*;
use stet::{
    articles::{self, ArticleParams, Eyes},
    authors,
    db::{Conn, Id, Target},
    http::Window,
    tags,
    values::{Ref, Slug},
};

/// One connection, as the server's are.
pub struct Own(Conn);

impl Own {
    pub fn open(target: &Target) -> Result<Self> {
        Ok(Self(target.open()?))
    }

    /// The latest 20 with their authors and tags.
    pub fn list(&mut self) -> Result<usize> {
        let params: ArticleParams = serde_urlencoded::from_str("")?;
        let window = Window::first("/api/v1/articles", 20);
        self.read(|conn| {
            let page = articles::list(conn, &Eyes::Public, &params, &window)?;
            let ids: Vec<Id> = page.rows.iter().map(|row| row.revision_id).collect();
            Ok(authors::of_revisions(conn, ids.clone())?.len() + tags::of_revisions(conn, ids)?.len())
        })
    }

    /// An article with its body, authors and tags.
    pub fn article(&mut self, slug: &str) -> Result<usize> {
        let reference = Ref::Slug(Slug::parse(slug.to_owned()).ok().context("a slug")?);
        self.read(|conn| {
            let row = articles::find_published(conn, &reference)?;
            let ids = vec![row.revision_id];
            Ok(authors::of_revisions(conn, ids.clone())?.len()
                + tags::of_revisions(conn, ids.clone())?.len()
                + articles::bodies(conn, ids, false)?.len())
        })
    }

    fn read(&mut self, f: impl FnOnce(&mut Conn) -> stet::error::Result<usize>) -> Result<usize> {
        match &mut self.0 {
            Conn::Sqlite(_) => Ok(self.0.transaction(f)?),
            Conn::Postgres(_) => Ok(f(&mut self.0)?),
        }
    }
}
