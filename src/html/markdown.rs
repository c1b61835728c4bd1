//! From HTML that is safe to the Markdown that says the same.

use super::words::end_of_tag;
use htmd::{
    Element, HtmlToMarkdown,
    element_handler::{HandlerResult, Handlers},
    options::{BulletListMarker, Options},
};
use std::io;

/// HTML as the sanitiser writes it, as Markdown (CommonMark, with GFM's tables, boxes and strikes; what is raised or lowered
/// stays HTML).
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
    let builder = HtmlToMarkdown::builder().options(options);
    let builder = builder.add_handler(vec!["input"], tick).add_handler(vec!["img"], picture);
    let builder = builder.add_handler(vec!["del", "s", "strike"], struck).add_handler(vec!["sup", "sub"], shifted);
    let markdown = builder.add_handler(vec!["a"], link).build().convert(&without_brackets(html))?;
    Ok(markdown.replace(BRACKET, "&lt;"))
}

/// Stands for a `<` that is text while the Markdown is made. Unicode gives it to nobody.
const BRACKET: char = '\u{fdd0}';

/// HTML whose text has no `<` outside of code. A backslash before one is no escape where an address ends with it, and
/// renderers make links of all that looks like one: `https://a.example/>\<b>`.
fn without_brackets(html: &str) -> String {
    let mut made = String::with_capacity(html.len());
    // How many elements of code we are in.
    let mut code = 0_usize;
    let mut rest = html;
    loop {
        let (text, behind) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        if code == 0 && text.contains("&lt;") {
            made.push_str(&text.replace("&lt;", BRACKET.encode_utf8(&mut [0; 4])));
        } else {
            made.push_str(text);
        }
        let Some(tag) = behind.get(1..).filter(|_| !behind.is_empty()) else { return made };
        let (tag, behind) = tag.split_at(end_of_tag(tag));
        made.push('<');
        made.push_str(tag);
        if ["code>", "code ", "pre>", "pre "].iter().any(|begin| tag.starts_with(begin)) {
            code += 1;
        } else if ["/code>", "/pre>"].contains(&tag) {
            code = code.saturating_sub(1);
        }
        rest = behind;
    }
}

/// The box of a task list.
fn tick(_: &dyn Handlers, input: Element<'_>) -> Option<HandlerResult> {
    let checked = input.attrs.iter().any(|attribute| &*attribute.name.local == "checked");
    Some(if checked { "[x]" } else { "[ ]" }.into())
}

/// A picture. Its texts are escaped: what stands in brackets is read as Markdown, and as HTML.
fn picture(_: &dyn Handlers, img: Element<'_>) -> Option<HandlerResult> {
    let alt = attribute(&img, "alt").map(|alt| escape_markdown(&one_line(alt))).unwrap_or_default();
    Some(format!("![{alt}]({}{})", destination(attribute(&img, "src")?), title(&img)).into())
}

fn link(handlers: &dyn Handlers, a: Element<'_>) -> Option<HandlerResult> {
    let inside = handlers.walk_children(a.node);
    let Some(address) = attribute(&a, "href") else { return Some(inside) };
    let (text, all) = (inside.content.trim(), &inside.content);
    let space = if text.len() < all.trim_start().len() { " " } else { "" };
    Some(format!("[{text}]({}{}){space}", destination(address), title(&a)).into())
}

/// What is struck out. Where GFM's tildes would not be read as such, it stays HTML.
fn struck(handlers: &dyn Handlers, element: Element<'_>) -> Option<HandlerResult> {
    let inside = handlers.walk_children(element.node).content;
    let text = inside.trim();
    let at_ends = |of: fn(char) -> bool| text.starts_with(of) && text.ends_with(of);
    if at_ends(char::is_alphanumeric) && !text.contains('~') && !text.contains("\n\n") {
        let (before, behind) = inside.split_once(text)?;
        return Some(format!("{before}~~{text}~~{behind}").into());
    }
    Some(as_html("del", &inside).into())
}

fn shifted(handlers: &dyn Handlers, element: Element<'_>) -> Option<HandlerResult> {
    let inside = handlers.walk_children(element.node).content;
    Some(as_html(element.tag, &inside).into())
}

/// Markdown in an element. Paragraphs in it are Markdown only where they stand apart from the tags.
fn as_html(name: &str, inside: &str) -> String {
    match inside.trim() {
        "" => inside.to_owned(),
        text if text.contains("\n\n") => format!("\n\n<{name}>\n\n{text}\n\n</{name}>\n\n"),
        _ => format!("<{name}>{inside}</{name}>"),
    }
}

fn attribute<'a>(element: &'a Element<'_>, name: &str) -> Option<&'a str> {
    element.attrs.iter().find(|attribute| &*attribute.name.local == name).map(|attribute| &*attribute.value)
}

fn title(element: &Element<'_>) -> String {
    let title = attribute(element, "title").map(|title| escape_markdown(&one_line(title)).replace('"', "\\\""));
    title.map_or_else(String::new, |title| format!(" \"{title}\""))
}

/// The address of a link, without what would end it.
fn destination(address: &str) -> String {
    let mut written = String::with_capacity(address.len());
    for c in address.chars() {
        match c {
            '(' | ')' => written.extend(['\\', c]),
            '<' | '>' | '\\' => written.push_str(&format!("%{:02X}", u32::from(c))),
            c if c.is_whitespace() || c.is_control() => written.push_str("%20"),
            c => written.push(c),
        }
    }
    written
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line of text as Markdown that shows it.
pub fn escape_markdown(line: &str) -> String {
    let mut markdown = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            // What stands before it may take a backslash for its own end: see `without_brackets`.
            '<' => markdown.push_str("&lt;"),
            c => {
                if "\\`*_[]>&#|~".contains(c) {
                    markdown.push('\\');
                }
                markdown.push(c);
            }
        }
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
            | a | b |\n| - | - |\n| 1 | 2 |\n\n![alt](https://a.example/i.png)\n\n---\n\n- [x] done\n- [ ] not\n\n\
            On ~~Monday~~ Tuesday, ~~**at** six~~, 10<sup>6</sup> of H<sub>2</sub>O, ~~a~~b~~(c)~~d";
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
    fn what_looks_like_an_address_frees_nothing_behind_it() {
        for text in
            ["https://a.example/x>\\<b onclick=y>", "<a href=https://a.example/><b onclick=y>", "www.a.example\\<b>"]
        {
            let html = from_html(&format!("<p>{}</p>", escape(text)), 1000).unwrap();
            for markdown in [to_markdown(&html).unwrap(), escape_markdown(text)] {
                let again = from_markdown(&markdown, 1000).unwrap();
                assert!(!again.contains("<b"), "{text} became {markdown}, which is {again}");
            }
        }
    }

    #[test]
    fn code_keeps_its_brackets() {
        let html =
            from_html("<p>a &lt;b <code>c&lt;d</code> &lt;e</p><pre><code>f &lt; g</code></pre><p>&lt;h</p>", 1000)
                .unwrap();
        let markdown = to_markdown(&html).unwrap();
        assert!(markdown.contains("a &lt;b `c<d` &lt;e") && markdown.contains("f < g\n"), "{markdown}");
    }

    #[test]
    fn the_texts_of_links_and_pictures_stay_texts() {
        for text in ["<b onclick=x>", "](/x) <i>", "a\\", "a\" <b>\\\" c", "[x](javascript:y)"] {
            let text = escape(text);
            for html in [
                format!("<p><img src=\"/a.png\" alt=\"{text}\" title=\"{text}\"></p>"),
                format!("<p><a href=\"/a\" title=\"{text}\">{text}</a></p>"),
            ] {
                let clean = from_html(&html, 1000).unwrap();
                let markdown = to_markdown(&clean).unwrap();
                // The order of attributes says nothing.
                let again = from_markdown(&markdown, 1000).unwrap();
                for part in ["<b", "<i>", "javascript:y\""] {
                    assert!(!again.contains(part), "{html} became {markdown}, which is {again}");
                }
                assert_eq!(again.matches('<').count(), clean.matches('<').count(), "{html} became {markdown}");
            }
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
