//! A feed as RSS 2.0.

use super::model::{Entry, Feed, Form, TRANSLATION, picture_type};
use crate::{
    error::{Error, Result},
    values::Image,
};
use rss::{
    Category, Channel, Enclosure, Guid, Item,
    extension::{Extension, ExtensionMap, atom::AtomExtension, dublincore::DublinCoreExtension},
};
use std::collections::BTreeMap;

pub const MEDIA_TYPE: &str = "application/rss+xml; charset=utf-8";
/// The namespace of Media RSS, which says of a picture what an enclosure cannot.
const MEDIA: &str = "http://search.yahoo.com/mrss/";

pub fn write(feed: &Feed) -> Result<Vec<u8>> {
    let own = atom_syndication::Link {
        href: feed.address(Form::Rss),
        rel: "self".into(),
        mime_type: Some("application/rss+xml".into()),
        ..Default::default()
    };
    let channel = Channel {
        title: feed.title.clone(),
        link: feed.page.clone(),
        description: feed.description.clone().unwrap_or_else(|| feed.title.clone()),
        language: Some(feed.language.to_string()),
        image: feed.logo.as_ref().map(|logo| rss::Image {
            url: logo.url.to_string(),
            title: feed.title.clone(),
            link: feed.page.clone(),
            ..rss::Image::default()
        }),
        last_build_date: Some(feed.updated.in_headers()),
        pub_date: feed.entries.first().map(|entry| entry.published().in_headers()),
        generator: Some("Stet".into()),
        atom_ext: Some(AtomExtension { links: vec![own] }),
        namespaces: BTreeMap::from([("media".into(), MEDIA.into())]),
        items: feed.entries.iter().map(item).collect(),
        ..Channel::default()
    };
    channel.write_to(Vec::new()).map_err(|e| Error::internal("a feed could not be written").because(e))
}

fn item(entry: &Entry) -> Item {
    let article = &entry.article;
    let names = entry.byline.iter().map(|author| author.name.clone());
    // RSS knows authors by their addresses of email only.
    let byline = DublinCoreExtension { creators: names.collect(), ..DublinCoreExtension::default() };
    let other_languages = article.translations.iter().map(|other| atom_syndication::Link {
        href: other.url.clone(),
        rel: TRANSLATION.into(),
        hreflang: Some(other.language.to_string()),
        ..Default::default()
    });
    let other_languages = AtomExtension { links: other_languages.collect() };
    Item {
        title: Some(article.title.to_string()),
        link: Some(article.url.clone()),
        description: Some(entry.excerpt_html()),
        categories: entry.subjects().map(|name| Category { name: name.to_owned(), domain: None }).collect(),
        enclosure: entry.image.as_ref().and_then(enclosure),
        guid: Some(Guid { value: entry.id(), permalink: false }),
        pub_date: Some(entry.published().in_headers()),
        content: entry.content.clone(),
        extensions: entry.image.as_ref().map(media).unwrap_or_default(),
        atom_ext: (!article.translations.is_empty()).then_some(other_languages),
        dublin_core_ext: (!entry.byline.is_empty()).then_some(byline),
        ..Item::default()
    }
}

/// The picture for readers that know nothing better; how long it is is not known.
fn enclosure(image: &Image) -> Option<Enclosure> {
    let mime_type = picture_type(image.url.as_ref())?.to_owned();
    Some(Enclosure { url: image.url.to_string(), length: "0".into(), mime_type })
}

fn media(image: &Image) -> ExtensionMap {
    let extension = |name: &str, value: Option<String>, attributes: Vec<(&str, String)>| Extension {
        name: format!("media:{name}"),
        value,
        attrs: attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        children: BTreeMap::new(),
    };
    let mut attributes = vec![("url", image.url.to_string()), ("medium", "image".to_owned())];
    attributes.extend(picture_type(image.url.as_ref()).map(|media| ("type", media.to_owned())));
    attributes.extend(image.width.map(|width| ("width", width.get().to_string())));
    attributes.extend(image.height.map(|height| ("height", height.get().to_string())));
    let mut content = extension("content", None, attributes);
    let texts = [
        ("description", image.alt.as_ref().map(ToString::to_string)),
        ("credit", image.credit.as_ref().map(ToString::to_string)),
    ];
    for (name, text) in texts {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            content.children.insert(name.to_owned(), vec![extension(name, Some(text), Vec::new())]);
        }
    }
    BTreeMap::from([("media".to_owned(), BTreeMap::from([("content".to_owned(), vec![content])]))])
}
