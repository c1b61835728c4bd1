//! The site as answers tell of it: read at the start, after each change, and again where another process changed it.

use super::{model::Profile, permalinks::Address, queries};
use crate::{
    articles::{preflight::Policy, trash::Keeping},
    clock::Time,
    db::{Conn, Id},
    error::Result,
    sections::{Crumb, SectionRef},
    values::Slug,
};
use std::sync::{Arc, PoisonError, RwLock};

/// What answers say of the site, and how it is run.
#[derive(Debug, Clone)]
pub struct Site {
    /// Without a slash at its end.
    pub url: String,
    /// How many replies deep a thread of comments may go.
    pub comment_depth: i32,
    /// How long what was deleted can be restored.
    pub trash: Keeping,
    /// How long what is not public any more is told of.
    pub changes: Keeping,
    pub preflight: Policy,
    /// What the newsroom says of it.
    pub profile: Profile,
    pub version: i32,
}

impl Site {
    /// Where readers find an article.
    pub fn article_url(&self, address: &Address<'_>) -> String {
        self.profile.permalinks.article.fill(&self.url, address, &self.profile.time_zone)
    }

    /// Where readers find what is told apart by its id and slug alone.
    fn address<'a>(id: Id, slug: &'a Slug, path: Option<&'a str>) -> Address<'a> {
        Address { id, slug, date: Time::from_micros(0), path, language: None }
    }

    /// Where readers find an author.
    pub fn author_url(&self, id: Id, slug: &Slug) -> String {
        self.profile.permalinks.author.fill(&self.url, &Self::address(id, slug, None), &self.profile.time_zone)
    }

    /// Where readers find a section.
    pub fn section_url(&self, id: Id, slug: &Slug, path: &str) -> String {
        self.profile.permalinks.section.fill(&self.url, &Self::address(id, slug, Some(path)), &self.profile.time_zone)
    }

    /// Where readers find a section on the way to one; `None` where its address needs an id that the trail does not say.
    pub fn crumb_url(&self, section: &SectionRef, crumb: &Crumb) -> Option<String> {
        let known = section.path == crumb.path || !self.profile.permalinks.section.needs_id();
        known.then(|| self.section_url(section.id, &crumb.slug, &crumb.path))
    }

    /// Where readers find what Stet itself makes, if what serves the site hands it on: `/feeds/rss.xml`.
    pub fn page_url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Where readers find a tag.
    pub fn tag_url(&self, id: Id, slug: &Slug) -> String {
        self.profile.permalinks.tag.fill(&self.url, &Self::address(id, slug, None), &self.profile.time_zone)
    }
}

/// The site as it is now.
pub struct Current(RwLock<Arc<Site>>);

impl Current {
    /// Reads what the newsroom says of it; at the first start it says what `site` does.
    pub fn load(conn: &mut Conn, site: Site) -> Result<Self> {
        let (profile, version) = queries::found(conn, &site.profile)?;
        Ok(Self(RwLock::new(Arc::new(Site { profile, version, ..site }))))
    }

    pub fn get(&self) -> Arc<Site> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads it again where it was changed.
    pub fn refresh(&self, conn: &mut Conn) -> Result<()> {
        if queries::version(conn)? == self.get().version {
            return Ok(());
        }
        let (profile, version) = queries::read(conn)?;
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        // Of two who read at once the one that saw more counts.
        if version > current.version {
            *current = Arc::new(Site { profile, version, ..(**current).clone() });
        }
        Ok(())
    }
}
