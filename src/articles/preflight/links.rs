//! Links of a body that lead to articles of the site which nobody can read.

use super::findings::shortened;
use crate::{
    articles::model::Row,
    db::{Conn, Id, among},
    error::Result,
    schema::{old_slugs, published_articles as v, redirects},
    site::Site,
    values::{Ref, Slug},
};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};
use url::Url;

/// The links that lead to no public article, each once, in their order.
pub fn dead(conn: &mut Conn, site: &Site, row: &Row, links: &[String]) -> Result<Vec<String>> {
    let Ok(page) = Url::parse(&site.article_url(&row.address())) else { return Ok(Vec::new()) };
    let mut wanted: Vec<(&String, Target)> = Vec::new();
    for link in links {
        if let Some(target) = target(site, &page, link)
            && wanted.iter().all(|(known, _)| *known != link)
        {
            wanted.push((link, target));
        }
    }
    let alive = Alive::find(conn, row, wanted.iter().map(|(_, target)| target))?;
    Ok(wanted.into_iter().filter(|(_, target)| !alive.has(target)).map(|(link, _)| shortened(link)).collect())
}

/// Where a link to an article leads.
enum Target {
    Article(Ref, Place),
    /// It has the form of no article's address.
    Nothing,
}

/// A path of the site.
type Place = String;

/// What a link on an article's page names, where it leads to an article of the site.
fn target(site: &Site, page: &Url, link: &str) -> Option<Target> {
    let url = page.join(link).ok()?;
    let same = url.scheme().starts_with("http") && url.host_str() == page.host_str() && url.port() == page.port();
    if !same {
        return None;
    }
    let folder = Url::parse(&site.url).ok()?.path().trim_end_matches('/').to_owned();
    // What lies deeper, or has an ending, is something else that a front end serves.
    let names = |path: &str| Some((site.profile.permalinks.article.names(path)?, path.to_owned()));
    let (name, path) = url.path().strip_prefix(&folder).and_then(names).or_else(|| names(url.path()))?;
    Some(name.map_or(Target::Nothing, |name| Target::Article(name, path)))
}

/// What can be read of what the links name.
#[derive(Default)]
struct Alive {
    ids: HashSet<Id>,
    slugs: HashSet<Slug>,
}

impl Alive {
    fn find<'a>(conn: &mut Conn, row: &Row, targets: impl Iterator<Item = &'a Target>) -> Result<Self> {
        let mut alive = Self { ids: [row.id].into(), slugs: [row.slug.clone()].into() };
        let (mut ids, mut slugs) = (HashSet::new(), HashMap::new());
        for target in targets {
            match target {
                Target::Article(Ref::Id(id), _) if *id != row.id => drop(ids.insert(*id)),
                Target::Article(Ref::Slug(slug), path) if *slug != row.slug => {
                    slugs.insert(slug.clone(), path.as_str());
                }
                _ => {}
            }
        }
        if !ids.is_empty() {
            let ids = ids.into_iter().collect::<Vec<_>>();
            alive.ids.extend(v::table.filter(among(v::id, ids)).select(v::id).load::<Id>(conn)?);
        }
        if !slugs.is_empty() {
            let public = v::table.filter(among(v::slug, slugs.keys().cloned().collect::<Vec<_>>())).select(v::slug);
            alive.slugs.extend(public.load::<Slug>(conn)?);
            slugs.retain(|slug, _| !alive.slugs.contains(slug));
            alive.follow(conn, row, slugs)?;
        }
        Ok(alive)
    }

    /// Slugs that an article had, and addresses that lead elsewhere.
    fn follow(&mut self, conn: &mut Conn, row: &Row, places: HashMap<Slug, &str>) -> Result<()> {
        if places.is_empty() {
            return Ok(());
        }
        let slugs: Vec<Slug> = places.keys().cloned().collect();
        let former = old_slugs::table
            .filter(old_slugs::kind.eq("article"))
            .filter(among(old_slugs::slug, slugs))
            .filter(old_slugs::public)
            .select((old_slugs::slug, old_slugs::target_id));
        let former: Vec<(Slug, Id)> = former.load(conn)?;
        let targets: Vec<Id> = former.iter().map(|(_, target)| *target).collect();
        let public = v::table.filter(among(v::id, targets)).select(v::id);
        let public: HashSet<Id> = public.load::<Id>(conn)?.into_iter().chain([row.id]).collect();
        self.slugs.extend(former.into_iter().filter(|(_, target)| public.contains(target)).map(|(slug, _)| slug));
        let paths: Vec<String> = places.values().map(|path| path.trim_end_matches('/').to_owned()).collect();
        let led = redirects::table.filter(among(redirects::source, paths)).select(redirects::source);
        let led: HashSet<String> = led.load::<String>(conn)?.into_iter().collect();
        let leads = |(slug, path): (Slug, &str)| led.contains(path.trim_end_matches('/')).then_some(slug);
        self.slugs.extend(places.into_iter().filter_map(leads));
        Ok(())
    }

    fn has(&self, target: &Target) -> bool {
        match target {
            Target::Article(Ref::Id(id), _) => self.ids.contains(id),
            Target::Article(Ref::Slug(slug), _) => self.slugs.contains(slug),
            Target::Nothing => false,
        }
    }
}
