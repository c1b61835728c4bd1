//! What may stand in a page: one table for articles, one for comments. What is in neither is taken out.
//!
//! Decided for both, since each has let something through elsewhere:
//! - **No other language inside**: no SVG, no MathML, no `style`, no `template`, no `noscript`. Parsers disagree on where such
//!   parts end, which is how a second reading finds a script that the first did not. Elements that hold nothing but HTML
//!   are read the same twice.
//! - **Nothing that loads by itself** but an article's pictures, by `src` alone: no `srcset`, `poster` or `background`, no
//!   frames, no media, no `link`, no `base`.
//! - **Nothing that takes input or goes somewhere unasked**: no forms, no `meta`; boxes of task lists cannot be ticked.
//! - **Addresses by a list of schemes**: `data:`, `javascript:`, `blob:` and whatever comes next are in none.
//! - **No names of the page's own**: no `name`, no `style`, no `class` but a language of code, no `target`; an `id` begins with
//!   `content-`, so that it hides no property of `document` and no target of the page's own.

use ammonia::{Builder, UrlRelative};
use std::{borrow::Cow, collections::HashSet};

/// An element, and the attributes that it may have besides those that all may.
type Rule = (&'static str, &'static [&'static str]);

/// What may stand in a text of one kind.
pub struct Policy {
    pub elements: &'static [Rule],
    /// Attributes of every element.
    pub everywhere: &'static [&'static str],
    /// What an address may begin with.
    pub schemes: &'static [&'static str],
    /// Whether an address may leave its beginning to the page.
    pub relative: bool,
    /// Stands in the `rel` of every link.
    pub rel: &'static str,
}

/// Stands before each `id`, and in the links to it.
const OWN_IDS: &str = "content-";
/// A cell's place in its table.
const CELL: &[&str] = &["align", "colspan", "headers", "rowspan"];

/// An article's body and an author's biography, written by the staff.
///
/// Links send no address and give the new page no hold of the old one; whether search engines follow them is the
/// newsroom's business, so there is no `nofollow`.
pub const ARTICLE: Policy = Policy {
    elements: &[
        ("a", &["href", "hreflang", "id"]),
        ("abbr", &[]),
        ("acronym", &[]),
        ("article", &[]),
        ("aside", &[]),
        ("b", &[]),
        ("bdi", &[]),
        ("bdo", &["dir"]),
        // No `cite`: an address that no browser follows and no list of schemes reaches.
        ("blockquote", &[]),
        ("br", &[]),
        ("caption", &[]),
        ("cite", &[]),
        ("code", &["class"]),
        ("col", &["align", "span"]),
        ("colgroup", &["align", "span"]),
        ("data", &[]),
        ("dd", &[]),
        ("del", &["datetime"]),
        ("details", &[]),
        ("dfn", &[]),
        ("div", &[]),
        ("dl", &[]),
        ("dt", &[]),
        ("em", &[]),
        ("figcaption", &[]),
        ("figure", &[]),
        ("footer", &[]),
        ("h1", &["id"]),
        ("h2", &["id"]),
        ("h3", &["id"]),
        ("h4", &["id"]),
        ("h5", &["id"]),
        ("h6", &["id"]),
        ("header", &[]),
        ("hgroup", &[]),
        ("hr", &["align", "size", "width"]),
        ("i", &[]),
        ("img", &["align", "alt", "height", "loading", "src", "width"]),
        // The box of a task list: `policy` makes it one, whatever it was.
        ("input", &["checked"]),
        ("ins", &["datetime"]),
        ("kbd", &[]),
        ("li", &["id"]),
        ("mark", &[]),
        ("nav", &[]),
        ("ol", &["start"]),
        ("p", &[]),
        ("pre", &[]),
        ("q", &[]),
        ("rp", &[]),
        ("rt", &[]),
        ("rtc", &[]),
        ("ruby", &[]),
        ("s", &[]),
        ("samp", &[]),
        ("section", &[]),
        ("small", &[]),
        ("span", &[]),
        ("strike", &[]),
        ("strong", &[]),
        ("sub", &[]),
        ("summary", &[]),
        ("sup", &[]),
        ("table", &["align", "summary"]),
        ("tbody", &["align"]),
        ("td", CELL),
        ("tfoot", &["align"]),
        ("th", &["align", "colspan", "headers", "rowspan", "scope"]),
        ("thead", &["align"]),
        ("time", &[]),
        ("tr", &["align"]),
        ("tt", &[]),
        ("u", &[]),
        ("ul", &[]),
        ("var", &[]),
        ("wbr", &[]),
    ],
    everywhere: &["lang", "title"],
    schemes: &["http", "https", "mailto", "tel"],
    relative: true,
    rel: "noopener noreferrer",
};

/// A comment, written by anyone: emphasis, code, quotes, lists, and links that vouch for nothing.
pub const COMMENT: Policy = Policy {
    elements: &[
        ("a", &["href"]),
        ("blockquote", &[]),
        ("br", &[]),
        ("code", &[]),
        ("del", &[]),
        ("em", &[]),
        ("li", &[]),
        ("ol", &[]),
        ("p", &[]),
        ("pre", &[]),
        ("strong", &[]),
        ("ul", &[]),
    ],
    everywhere: &[],
    schemes: &["http", "https"],
    relative: false,
    rel: "nofollow ugc noopener noreferrer",
};

impl Policy {
    /// What holds HTML to the table.
    pub fn sanitiser(&self) -> Builder<'static> {
        let mut sanitiser = Builder::empty();
        sanitiser
            .tags(self.elements.iter().map(|(element, _)| *element).collect())
            // Not shown as text either.
            .clean_content_tags(HashSet::from(["script", "style"]))
            .tag_attributes(self.elements.iter().map(|(name, own)| (*name, own.iter().copied().collect())).collect())
            .generic_attributes(self.everywhere.iter().copied().collect())
            .url_schemes(self.schemes.iter().copied().collect())
            .url_relative(if self.relative { UrlRelative::PassThrough } else { UrlRelative::Deny })
            .link_rel(Some(self.rel))
            .id_prefix(Some(OWN_IDS))
            .attribute_filter(narrowed);
        if self.elements.iter().any(|(element, _)| *element == "input") {
            sanitiser.set_tag_attribute_value("input", "type", "checkbox");
            sanitiser.set_tag_attribute_value("input", "disabled", "");
        }
        sanitiser
    }
}

/// What is left of an attribute that the table lets through.
fn narrowed<'a>(element: &str, attribute: &str, value: &'a str) -> Option<Cow<'a, str>> {
    match (element, attribute) {
        // A class may name the language of code, and nothing that a page's own styles know.
        ("code", "class") => value.starts_with("language-").then(|| value.split_whitespace().take(1).collect()),
        // A link into the text goes where the text's own ids went.
        ("a", "href") => match value.strip_prefix('#') {
            Some(id) if !id.is_empty() && !id.starts_with(OWN_IDS) => Some(format!("#{OWN_IDS}{id}").into()),
            _ => Some(value.into()),
        },
        _ => Some(value.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::{ARTICLE, COMMENT};

    #[test]
    fn a_link_into_the_text_finds_its_place() {
        let html = crate::html::from_markdown("Tide[^1]\n\n[^1]: Ebb.", 2000).unwrap();
        for part in
            ["href=\"#content-fn-1\"", "id=\"content-fn-1\"", "href=\"#content-fnref-1\"", "id=\"content-fnref-1\""]
        {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        assert_eq!(crate::html::from_html(&html, 2000).unwrap(), html);
    }

    #[test]
    fn every_link_says_what_it_is() {
        for (policy, rel) in [(&ARTICLE, "noopener noreferrer"), (&COMMENT, "nofollow ugc noopener noreferrer")] {
            let html =
                policy.sanitiser().clean(r#"<a href="https://a.example/" rel="opener" target="x">a</a>"#).to_string();
            assert_eq!(html, format!(r#"<a href="https://a.example/" rel="{rel}">a</a>"#));
        }
    }

    #[test]
    fn the_tables_hold_nothing_that_acts() {
        let acts = [
            "script", "style", "svg", "math", "template", "noscript", "iframe", "object", "embed", "form", "button",
            "select", "textarea", "link", "meta", "base", "video", "audio", "source", "map", "area", "title", "xmp",
        ];
        let attributes = [
            "style",
            "srcset",
            "srcdoc",
            "name",
            "target",
            "ping",
            "action",
            "formaction",
            "background",
            "poster",
            "cite",
            "is",
            "slot",
        ];
        for policy in [&ARTICLE, &COMMENT] {
            for (element, own) in policy.elements {
                assert!(!acts.contains(element), "{element}");
                for attribute in own.iter().chain(policy.everywhere) {
                    assert!(!attributes.contains(attribute) && !attribute.starts_with("on"), "{element} {attribute}");
                }
            }
        }
        assert!(COMMENT.elements.iter().all(|(element, _)| !["img", "input"].contains(element)));
    }
}
