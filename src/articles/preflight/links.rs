//! Links of a body that lead to articles of the site which nobody can read.

use super::findings::shortened;
use crate::{
    app::Site,
    articles::model::Row,
    db::{Conn, Id, among},
    error::Result,
    schema::{old_slugs, published_articles as v, redirects},
    values::{Ref, Slug},
};
use diesel::prelude::*;
use percent_encoding::percent_decode_str;
use std::collections::HashSet;
use url::Url;

/// The links that lead to no public article, each once, in their order.
pub fn dead(conn: &mut Conn, site: &Site, row: &Row, links: &[String]) -> Result<Vec<String>> {
    let Ok(page) = Url::parse(&site.article_url(&row.slug)) else { return Ok(Vec::new()) };
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
    Article(Ref),
    /// It has the form of no article's address.
    Nothing,
}

/// What a link on an article's page names, where it leads to an article of the site.
fn target(site: &Site, page: &Url, link: &str) -> Option<Target> {
    let url = page.join(link).ok()?;
    let same = url.scheme().starts_with("http") && url.host_str() == page.host_str() && url.port() == page.port();
    if !same {
        return None;
    }
    let folder = Url::parse(&site.url).ok()?.path().trim_end_matches('/').to_owned();
    let path = url.path();
    let below = path.strip_prefix(&folder).and_then(|path| path.strip_prefix("/articles/"));
    let name = below.or_else(|| path.strip_prefix("/articles/"))?;
    let name = name.strip_suffix('/').unwrap_or(name);
    // What lies deeper, or has an ending, is something else that a front end serves.
    if name.is_empty() || name.contains(['/', '.']) {
        return None;
    }
    let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
    Some(Ref::try_from(name).map_or(Target::Nothing, Target::Article))
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
        let (mut ids, mut slugs) = (HashSet::new(), HashSet::new());
        for target in targets {
            match target {
                Target::Article(Ref::Id(id)) if *id != row.id => drop(ids.insert(*id)),
                Target::Article(Ref::Slug(slug)) if *slug != row.slug => drop(slugs.insert(slug.clone())),
                _ => {}
            }
        }
        if !ids.is_empty() {
            let ids = ids.into_iter().collect::<Vec<_>>();
            alive.ids.extend(v::table.filter(among(v::id, ids)).select(v::id).load::<Id>(conn)?);
        }
        if !slugs.is_empty() {
            let public = v::table.filter(among(v::slug, slugs.iter().cloned().collect::<Vec<_>>())).select(v::slug);
            alive.slugs.extend(public.load::<Slug>(conn)?);
            let rest: Vec<Slug> = slugs.difference(&alive.slugs).cloned().collect();
            alive.follow(conn, row, rest)?;
        }
        Ok(alive)
    }

    /// Slugs that an article had, and addresses that lead elsewhere.
    fn follow(&mut self, conn: &mut Conn, row: &Row, slugs: Vec<Slug>) -> Result<()> {
        if slugs.is_empty() {
            return Ok(());
        }
        let former = old_slugs::table
            .filter(old_slugs::kind.eq("article"))
            .filter(among(old_slugs::slug, slugs.clone()))
            .filter(old_slugs::public)
            .select((old_slugs::slug, old_slugs::target_id));
        let former: Vec<(Slug, Id)> = former.load(conn)?;
        let targets: Vec<Id> = former.iter().map(|(_, target)| *target).collect();
        let public = v::table.filter(among(v::id, targets)).select(v::id);
        let public: HashSet<Id> = public.load::<Id>(conn)?.into_iter().chain([row.id]).collect();
        self.slugs.extend(former.into_iter().filter(|(_, target)| public.contains(target)).map(|(slug, _)| slug));
        let paths: Vec<String> = slugs.iter().map(|slug| format!("/articles/{slug}")).collect();
        let led = redirects::table.filter(among(redirects::source, paths)).select(redirects::source);
        let led: HashSet<String> = led.load::<String>(conn)?.into_iter().collect();
        self.slugs.extend(slugs.into_iter().filter(|slug| led.contains(&format!("/articles/{slug}"))));
        Ok(())
    }

    fn has(&self, target: &Target) -> bool {
        match target {
            Target::Article(Ref::Id(id)) => self.ids.contains(id),
            Target::Article(Ref::Slug(slug)) => self.slugs.contains(slug),
            Target::Nothing => false,
        }
    }
}
