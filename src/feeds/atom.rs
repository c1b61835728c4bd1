//! A feed as Atom 1.0 (RFC 4287).

use super::model::{Entry, Feed, Form, TRANSLATION, picture_type};
use crate::{
    clock::Time,
    error::{Error, Result},
};
use atom_syndication::{
    Category, Content, Entry as AtomEntry, Feed as AtomFeed, FixedDateTime, Generator, Link, Person, Text,
};

pub const MEDIA_TYPE: &str = "application/atom+xml; charset=utf-8";

pub fn write(feed: &Feed) -> Result<Vec<u8>> {
    let mut own = link("self", feed.address(Form::Atom));
    own.mime_type = Some("application/atom+xml".into());
    let atom = AtomFeed {
        title: Text::plain(feed.title.as_str()),
        id: feed.id.clone(),
        updated: date(feed.updated),
        // Where an entry has no byline, the site stands for it.
        authors: vec![person(&feed.site, Some(feed.site_url.clone()))],
        generator: Some(Generator { value: "Stet".into(), uri: None, version: None }),
        links: vec![own, link("alternate", feed.page.clone())],
        subtitle: feed.description.as_deref().map(Text::plain),
        entries: feed.entries.iter().map(entry).collect(),
        lang: Some(feed.language.to_string()),
        logo: feed.logo.as_ref().map(|logo| logo.url.to_string()),
        ..AtomFeed::default()
    };
    atom.write_to(Vec::new()).map_err(|e| Error::internal("a feed could not be written").because(e))
}

fn entry(entry: &Entry) -> AtomEntry {
    let article = &entry.article;
    let language = Some(article.language.to_string());
    let section = article.section.iter().map(|section| (section.slug.to_string(), section.name.to_string()));
    let tags = article.tags.iter().map(|tag| (tag.slug.to_string(), tag.name.to_string()));
    let mut links = vec![link("alternate", article.url.clone())];
    links.extend(entry.image.as_ref().map(|image| Link {
        mime_type: picture_type(image.url.as_ref()).map(str::to_owned),
        title: image.alt.as_ref().map(ToString::to_string),
        ..link("enclosure", image.url.to_string())
    }));
    links.extend(article.translations.iter().map(|other| Link {
        hreflang: Some(other.language.to_string()),
        title: Some(other.title.to_string()),
        ..link(TRANSLATION, other.url.clone())
    }));
    let content = entry.content.clone().map(|html| Content {
        value: Some(html),
        content_type: Some("html".into()),
        lang: language.clone(),
        ..Content::default()
    });
    AtomEntry {
        title: Text { lang: language.clone(), ..Text::plain(article.title.as_str()) },
        id: entry.id(),
        updated: date(article.updated_at),
        authors: entry.byline.iter().map(|author| person(&author.name, Some(author.url.clone()))).collect(),
        categories: section
            .chain(tags)
            .map(|(term, label)| Category { term, label: Some(label), scheme: None })
            .collect(),
        links,
        published: Some(date(entry.published())),
        summary: Some(Text { lang: language, ..Text::plain(article.excerpt.as_str()) }),
        content,
        ..AtomEntry::default()
    }
}

fn link(rel: &str, href: String) -> Link {
    Link { href, rel: rel.into(), ..Link::default() }
}

fn person(name: &str, uri: Option<String>) -> Person {
    Person { name: name.to_owned(), uri, ..Person::default() }
}

fn date(time: Time) -> FixedDateTime {
    time.utc().fixed_offset()
}
