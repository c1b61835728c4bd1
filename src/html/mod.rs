//! From what people write to HTML that is safe to show: one policy for articles, one for comments.

mod absolute;
mod bounds;
mod markdown;
mod marks;
mod policy;
mod words;

pub use absolute::absolute;
pub use markdown::{escape_markdown, to_markdown};
pub use marks::{Marks, marks};
pub use words::{count_words, escape, escape_into, excerpt, reading_minutes, said, text};

use crate::values::Refusal;
use ammonia::Builder;
use comrak::{Options, markdown_to_html};
use std::sync::LazyLock;

static ARTICLE: LazyLock<Builder<'static>> = LazyLock::new(|| policy::ARTICLE.sanitiser());
static COMMENT: LazyLock<Builder<'static>> = LazyLock::new(|| policy::COMMENT.sanitiser());

/// CommonMark and GFM to at most `max` bytes of HTML that is safe in a page.
///
/// # Errors
/// Where it is nested too deeply or becomes too much: a table, for one, fills its empty cells by itself.
pub fn from_markdown(source: &str, max: usize) -> Result<String, Refusal> {
    // Without HTML in it, what comes out is in order, and its depth is seen at a glance.
    let html = render(source, true);
    if source.contains('<') {
        bounds::check(&html)?;
    } else {
        bounds::check_in_order(&html)?;
    }
    clean(&ARTICLE, &html, max)
}

/// HTML as somebody wrote it to at most `max` bytes of HTML that is safe in a page.
///
/// # Errors
/// As [`from_markdown`].
pub fn from_html(source: &str, max: usize) -> Result<String, Refusal> {
    bounds::check(source)?;
    clean(&ARTICLE, source, max)
}

/// A comment's Markdown to at most `max` bytes of HTML that is safe in a page; HTML in it is shown as text.
///
/// # Errors
/// As [`from_markdown`].
pub fn from_comment(source: &str, max: usize) -> Result<String, Refusal> {
    let html = render(source, false);
    bounds::check_in_order(&html)?;
    clean(&COMMENT, &html, max)
}

fn render(source: &str, html: bool) -> String {
    let mut options = Options::default();
    let on = &mut options.extension;
    (on.strikethrough, on.table, on.autolink, on.tasklist) = (true, true, true, true);
    on.footnotes = html;
    options.render.r#unsafe = html;
    options.render.escape = !html;
    options.render.hardbreaks = !html;
    markdown_to_html(source, &options)
}

fn clean(policy: &Builder<'_>, html: &str, max: usize) -> Result<String, Refusal> {
    bounds::check_escapes(html)?;
    let html = policy.clean(html).to_string();
    if html.len() <= max {
        return Ok(html);
    }
    Err(Refusal::new("too_long", format!("it becomes more than {max} bytes of HTML")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn markdown_becomes_html_without_what_could_act() {
        let from_markdown = |source| super::from_markdown(source, 1000).unwrap();
        assert_eq!(from_markdown("**bold**"), "<p><strong>bold</strong></p>\n");
        assert!(from_markdown("| a |\n|---|\n| b |").contains("<td>b</td>"));
        for hostile in [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[x](javascript:alert(1))",
            "<a href=\"java\nscript:alert(1)\">x</a>",
            "<svg onload=alert(1)>",
            "<iframe src=//evil></iframe>",
            "<style>*{background:url(//evil)}</style>",
            "<form action=//evil><button>x</button></form>",
            "<input type=text name=password>",
            "<p style=\"position:fixed\">x</p>",
            "<code class=\"modal\">x</code>",
            "<blockquote cite=\"javascript:1\">x</blockquote>",
        ] {
            let html = from_markdown(hostile);
            for word in [
                "<script",
                "onerror",
                "javascript",
                "onload",
                "<iframe",
                "<style",
                "<form",
                "style=",
                "type=\"text\"",
                "class=\"modal",
            ] {
                assert!(!html.to_lowercase().contains(word), "{hostile} became {html}");
            }
        }
    }

    #[test]
    fn a_comment_is_plain() {
        let from_comment = |source| super::from_comment(source, 1000).unwrap();
        assert_eq!(from_comment("a\nb"), "<p>a<br>\nb</p>\n");
        let html = from_comment("<b>hi</b> ![x](https://e.example/x.png) # no");
        assert!(!html.contains("<b>") && !html.contains("<img"), "{html}");
        assert!(from_comment("https://a.example").contains("nofollow ugc"));
    }
}
