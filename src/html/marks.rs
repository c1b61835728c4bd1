//! What a body leads to and shows: its links and its pictures.

use html5ever::{
    Attribute,
    buffer_queue::BufferQueue,
    tendril::StrTendril,
    tokenizer::{TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};
use std::cell::RefCell;

/// Links, and pictures, that are looked at; a body may have more.
const MAX: usize = 1000;

/// The links and pictures of a body, in their order.
#[derive(Debug, Default)]
pub struct Marks {
    /// Where links lead.
    pub links: Vec<String>,
    pub pictures: Vec<Picture>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Picture {
    pub src: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
}

/// Reads them from HTML that is safe already.
pub fn marks(html: &str) -> Marks {
    let tags = Tokenizer::new(Tags::default(), TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    drop(tags.feed(&queue));
    tags.end();
    tags.sink.0.into_inner()
}

#[derive(Default)]
struct Tags(RefCell<Marks>);

impl TokenSink for Tags {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        if let Token::TagToken(tag) = token
            && tag.kind == TagKind::StartTag
        {
            let mut marks = self.0.borrow_mut();
            match &*tag.name {
                "a" if marks.links.len() < MAX => marks.links.extend(value(&tag.attrs, "href")),
                "img" if marks.pictures.len() < MAX => {
                    let named = |name| value(&tag.attrs, name).unwrap_or_default();
                    marks.pictures.push(Picture { src: named("src"), alt: named("alt") });
                }
                _ => {}
            }
        }
        TokenSinkResult::Continue
    }
}

fn value(attributes: &[Attribute], name: &str) -> Option<String> {
    attributes.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| attribute.value.to_string())
}

#[cfg(test)]
mod tests {
    use super::{Picture, marks};

    #[test]
    fn links_and_pictures_are_found_wherever_they_stand() {
        let html = r##"<p><a id=x>no</a><a href="/articles/a?b=1&amp;c=2">A</a></p><a href="#top"><img src="b.jpg" alt="B"></a><img>"##;
        let found = marks(html);
        assert_eq!(found.links, ["/articles/a?b=1&c=2", "#top"]);
        let picture = |src: &str, alt: &str| Picture { src: src.into(), alt: alt.into() };
        assert_eq!(found.pictures, [picture("b.jpg", "B"), picture("", "")]);
        assert!(marks("<p>a &lt;img&gt; <!-- <a href=x> -->").links.is_empty());
    }
}
