//! What stands in a feed: as many statements for many articles as for few.

use super::{
    model::{Entry, Feed},
    newest::{Common, newest},
};
use crate::{
    app::App,
    articles::{Eyes, Looking},
    auth::Viewer,
    authors,
    clock::Time,
    db::Conn,
    error::Result,
    html, sections,
    site::Site,
    tags,
    values::{Language, Ref},
};

/// Articles in a feed.
pub const LENGTH: usize = 30;

/// Whose articles.
#[derive(Debug, Clone)]
pub enum Of {
    Site,
    /// With what stands below it.
    Section(Ref),
    Tag(Ref),
    Author(Ref),
}

/// What is said of a feed besides its articles.
struct About {
    id: String,
    name: Option<String>,
    description: Option<String>,
    page: String,
    folder: String,
    changed: Option<Time>,
    key: String,
}

/// The feed, always as a stranger would see it.
///
/// # Errors
/// 404 for a section, tag or author that does not exist, with the slug that it goes by now where it had this one.
pub fn read(conn: &mut Conn, app: &App, of: &Of) -> Result<Feed> {
    let site = app.site();
    let (about, common) = about(conn, &site, of)?;
    let (viewer, eyes) = (Viewer::Public, Eyes::Public);
    let rows = newest(conn, &common, LENGTH)?;
    let found = Looking { app, viewer: &viewer, eyes: &eyes }.all(conn, rows, true)?;
    let changes = found.iter().map(|article| article.updated_at).chain(about.changed);
    Ok(Feed {
        title: about
            .name
            .map_or_else(|| site.profile.name.to_string(), |name| format!("{name} – {}", site.profile.name)),
        id: about.id,
        description: about.description.filter(|text| !text.is_empty()),
        site: site.profile.name.to_string(),
        site_url: site.url.clone(),
        logo: site.profile.logo.clone(),
        page: about.page,
        folder: about.folder,
        language: common_language(found.iter().map(|article| &article.language))
            .unwrap_or_else(|| site.profile.language()),
        updated: changes.max().unwrap_or(Time::from_micros(0)),
        entries: Entry::all(&site, found)?,
        keys: format!("articles site {}", about.key).trim_end().to_owned(),
    })
}

fn about(conn: &mut Conn, site: &Site, of: &Of) -> Result<(About, Common)> {
    Ok(match of {
        Of::Site => {
            let folder = site.page_url("/feeds");
            let (id, page) = (folder.clone(), site.url.clone());
            let description = Some(site.profile.description.to_string());
            let about = About { id, name: None, description, page, folder, changed: None, key: String::new() };
            (about, Common::Nothing)
        }
        Of::Section(reference) => {
            let section = sections::find(conn, reference)?;
            let about = About {
                id: format!("urn:uuid:{}", section.id),
                name: Some(section.name.to_string()),
                description: Some(section.description.to_string()),
                page: site.section_url(section.id, &section.slug, &section.path),
                folder: site.page_url(&format!("/feeds/sections/{}", section.slug)),
                changed: Some(section.updated_at),
                key: format!("section-{}", section.id),
            };
            (about, Common::Sections(sections::with_those_below(conn, vec![(section.id, section.path)])?))
        }
        Of::Tag(reference) => {
            let tag = tags::find(conn, reference)?;
            let about = About {
                id: format!("urn:uuid:{}", tag.id),
                name: Some(tag.name.to_string()),
                description: Some(tag.description.to_string()),
                page: site.tag_url(tag.id, &tag.slug),
                folder: site.page_url(&format!("/feeds/tags/{}", tag.slug)),
                changed: Some(tag.updated_at),
                key: format!("tag-{}", tag.id),
            };
            (about, Common::Tag(tag.id))
        }
        Of::Author(reference) => {
            let author = authors::find(conn, reference)?;
            let about = About {
                id: format!("urn:uuid:{}", author.id),
                name: Some(author.name.to_string()),
                description: Some(html::text(&author.bio_html)),
                page: site.author_url(author.id, &author.slug),
                folder: site.page_url(&format!("/feeds/authors/{}", author.slug)),
                changed: Some(author.updated_at),
                key: format!("author-{}", author.id),
            };
            (about, Common::Author(author.id))
        }
    })
}

/// The language that all of them are in.
fn common_language<'a>(mut languages: impl Iterator<Item = &'a Language>) -> Option<Language> {
    let first = languages.next()?;
    languages.all(|other| other == first).then(|| first.clone())
}
