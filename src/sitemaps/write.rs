//! Sitemaps as XML (sitemaps.org, protocol 0.9), with pictures and news as Google reads them.

use crate::{
    clock::Time,
    error::{Error, Result},
    values::Language,
};
use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};
use std::io;

pub const MEDIA_TYPE: &str = "application/xml; charset=utf-8";
/// Bytes that an address stays below, as it stands in the XML.
const LONGEST: usize = 2048;

const SITEMAP: (&str, &str) = ("xmlns", "http://www.sitemaps.org/schemas/sitemap/0.9");
const IMAGE: (&str, &str) = ("xmlns:image", "http://www.google.com/schemas/sitemap-image/1.1");
const NEWS: (&str, &str) = ("xmlns:news", "http://www.google.com/schemas/sitemap-news/0.9");

const XHTML: (&str, &str) = ("xmlns:xhtml", "http://www.w3.org/1999/xhtml");

type Xml = Writer<Vec<u8>>;

/// A page in a sitemap.
#[derive(Debug, Default)]
pub struct Address {
    pub loc: String,
    pub changed: Option<Time>,
    /// Where its picture is.
    pub image: Option<String>,
    pub news: Option<News>,
    /// The same in each language that it is there in, this one too.
    pub alternates: Vec<Alternate>,
}

/// Where a page is in a language.
#[derive(Debug, Clone)]
pub struct Alternate {
    pub language: Language,
    pub loc: String,
}

/// What is said of an article that is news.
#[derive(Debug)]
pub struct News {
    pub site: String,
    pub language: String,
    pub published: Time,
    pub title: String,
}

/// A sitemap of these pages.
pub fn pages(addresses: &[Address]) -> Result<Vec<u8>> {
    document("urlset", &[SITEMAP, IMAGE, NEWS, XHTML], |xml| {
        addresses.iter().filter(|address| fits(&address.loc)).try_for_each(|address| page(xml, address))
    })
}

/// An index of sitemaps at these addresses.
pub fn index(parts: &[String]) -> Result<Vec<u8>> {
    document("sitemapindex", &[SITEMAP], |xml| {
        parts.iter().try_for_each(|part| element(xml, "sitemap", |xml| text(xml, "loc", part)))
    })
}

fn page(xml: &mut Xml, address: &Address) -> io::Result<()> {
    element(xml, "url", |xml| {
        text(xml, "loc", &address.loc)?;
        if let Some(changed) = address.changed {
            text(xml, "lastmod", &changed.to_string())?;
        }
        for Alternate { language, loc } in &address.alternates {
            let of = [("rel", "alternate"), ("hreflang", language.as_ref()), ("href", loc)];
            xml.create_element("xhtml:link").with_attributes(of).write_empty()?;
        }
        if let Some(image) = address.image.as_ref().filter(|image| fits(image)) {
            element(xml, "image:image", |xml| text(xml, "image:loc", image))?;
        }
        if let Some(news) = &address.news {
            element(xml, "news:news", |xml| {
                element(xml, "news:publication", |xml| {
                    text(xml, "news:name", &news.site)?;
                    text(xml, "news:language", &news.language)
                })?;
                text(xml, "news:publication_date", &news.published.to_string())?;
                text(xml, "news:title", &news.title)
            })?;
        }
        Ok(())
    })
}

/// Whether an address is as short as the protocol asks for.
fn fits(address: &str) -> bool {
    address.len() + 4 * address.matches('&').count() < LONGEST
}

fn document(name: &str, namespaces: &[(&str, &str)], fill: impl FnOnce(&mut Xml) -> io::Result<()>) -> Result<Vec<u8>> {
    let mut xml = Writer::new(Vec::new());
    let written = xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None))).and_then(|()| {
        let root = xml.create_element(name).with_attributes(namespaces.iter().copied());
        root.write_inner_content(fill).map(|_| ())
    });
    written.map_err(|e| Error::internal("a sitemap could not be written").because(e))?;
    Ok(xml.into_inner())
}

fn element(xml: &mut Xml, name: &str, fill: impl FnOnce(&mut Xml) -> io::Result<()>) -> io::Result<()> {
    xml.create_element(name).write_inner_content(fill).map(|_| ())
}

fn text(xml: &mut Xml, name: &str, text: &str) -> io::Result<()> {
    xml.create_element(name).write_text_content(BytesText::new(text)).map(|_| ())
}

/// A language as news sitemaps have it: its code alone, but for the two ways to write Chinese.
pub fn news_language(language: &Language) -> String {
    let tag = language.as_ref().to_ascii_lowercase();
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    if first != "zh" {
        return first.to_owned();
    }
    let traditional = parts.any(|part| ["hant", "tw", "hk", "mo"].contains(&part));
    if traditional { "zh-tw" } else { "zh-cn" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Address, news_language, pages};
    use crate::values::Language;

    #[test]
    fn a_language_is_a_code() {
        for (tag, code) in [("en", "en"), ("pt-BR", "pt"), ("zh", "zh-cn"), ("zh-Hant-TW", "zh-tw"), ("gsw-CH", "gsw")]
        {
            assert_eq!(news_language(&Language::parse(tag.into()).unwrap()), code);
        }
    }

    #[test]
    fn an_address_that_is_too_long_is_left_out() {
        let with = |length: usize| Address {
            loc: format!("https://news.example/{}", "a".repeat(length)),
            image: Some("https://news.example/&".repeat(100)),
            ..Address::default()
        };
        let xml = String::from_utf8(pages(&[with(10), with(2100)]).unwrap()).unwrap();
        assert!(xml.contains("aaaaaaaaaa</loc></url></urlset>") && !xml.contains("image:loc"), "{xml}");
        assert_eq!(xml.matches("<url>").count(), 1);
    }
}
