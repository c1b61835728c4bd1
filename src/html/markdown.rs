//! From HTML that is safe to the Markdown that says the same.

use htmd::{
    Element, HtmlToMarkdown,
    element_handler::{HandlerResult, Handlers},
    options::{BulletListMarker, Options},
};
use std::io;

/// HTML as the sanitiser writes it, as Markdown (CommonMark, with GFM's tables and boxes).
///
/// # Errors
/// None that is known: it reads from memory.
pub fn to_markdown(html: &str) -> io::Result<String> {
    let options = Options {
        bullet_list_marker: BulletListMarker::Dash,
        ul_bullet_spacing: 1,
        ol_number_spacing: 1,
        ..Options::default()
    };
    HtmlToMarkdown::builder().options(options).add_handler(vec!["input"], tick).build().convert(html)
}

/// The box of a task list.
fn tick(_: &dyn Handlers, input: Element<'_>) -> Option<HandlerResult> {
    let checked = input.attrs.iter().any(|attribute| &*attribute.name.local == "checked");
    Some(if checked { "[x]" } else { "[ ]" }.into())
}

/// A line of text as Markdown that shows it.
pub fn escape_markdown(line: &str) -> String {
    let mut markdown = String::with_capacity(line.len());
    for c in line.chars() {
        if "\\`*_[]<>&#|~".contains(c) {
            markdown.push('\\');
        }
        markdown.push(c);
    }
    markdown
}

#[cfg(test)]
mod tests {
    use super::{escape_markdown, to_markdown};
    use crate::html::{escape, from_html, from_markdown};

    #[test]
    fn what_people_write_is_there_again() {
        let written = "## The *beginning*\n\nA [report](https://a.example/b_c) that was **not** `code *x*`.\n\n\
            - one\n- two\n  - three\n\n3. a\n4. b\n\n> quoted\n>\n> twice\n\n```rust\nfn a() {}\n```\n\n\
            | a | b |\n| - | - |\n| 1 | 2 |\n\n![alt](https://a.example/i.png)\n\n---\n\n- [x] done\n- [ ] not";
        let html = |markdown: &str| from_markdown(markdown, 10_000).unwrap();
        let again = to_markdown(&html(written)).unwrap();
        assert_eq!(html(&again), html(written), "{again}");
    }

    #[test]
    fn what_is_text_stays_text() {
        for text in [
            "<script>alert(1)</script> & more",
            "# no heading",
            "1. no list",
            "- nor this",
            "*a* _b_ `c` [d](e) <f>",
            "a | b",
            "+ x",
            "> y",
            "<!-- z -->",
            "![i](j)",
            "a\\*b",
            "~~not~~",
        ] {
            let html = from_html(&format!("<p>{}</p>", escape(text)), 1000).unwrap();
            let markdown = to_markdown(&html).unwrap();
            let again = from_markdown(&markdown, 1000).unwrap();
            assert_eq!(crate::html::text(&again), crate::html::text(&html), "{markdown}");
            assert!(!again.contains("<del>"), "{again}");
            let line = format!("- [{0}](https://a.example/): {0}", escape_markdown(text));
            let again = from_markdown(&line, 1000).unwrap();
            assert_eq!(crate::html::text(&again), format!("{text}: {text}"), "{line}");
        }
    }

    #[test]
    fn what_a_body_may_hold_is_no_trouble() {
        let made = |html: &str| to_markdown(&from_html(html, 1_000_000).unwrap()).unwrap();
        let deep = made(&format!("{}deep", "<blockquote>".repeat(95)));
        assert!(deep.ends_with("> deep") && deep.len() < 300, "{deep}");
        assert!(made(&format!("{}deep", "<ul><li>".repeat(47))).ends_with("- deep"));
        // What is within bounds does not grow without any.
        let wide = made(&format!("{}{}", "<blockquote>".repeat(95), "x<br>".repeat(1000)));
        assert!(wide.len() < 300_000, "{}", wide.len());
    }
}
