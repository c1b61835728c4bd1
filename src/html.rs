//! From what people write to HTML that is safe to show: one policy for articles, one for comments.

use crate::error::{Error, Result};
use ammonia::{Builder, UrlRelative};
use comrak::{Options, markdown_to_html};
use html5ever::{
    buffer_queue::BufferQueue,
    tendril::StrTendril,
    tokenizer::{Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};
use std::{cell::RefCell, collections::HashSet, sync::LazyLock};

/// What an article's body may hold: text, structure, tables, links, pictures. No scripts, styles, forms, frames.
static ARTICLE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut policy = Builder::default();
    policy
        .add_tags(["figure", "figcaption", "section", "input"])
        .rm_tags(["map", "area", "center"])
        .add_tag_attributes("a", ["id"])
        .add_tag_attributes("img", ["loading"])
        .add_tag_attributes("code", ["class"])
        .attribute_filter(|tag, name, value| match (tag, name) {
            // A class may name the language of code, and nothing that a page's own styles know.
            ("code", "class") => {
                value.starts_with("language-").then(|| value.split_whitespace().take(1).collect::<String>().into())
            }
            _ => Some(value.into()),
        })
        // The boxes of task lists.
        .add_tag_attributes("input", ["checked"])
        .set_tag_attribute_value("input", "type", "checkbox")
        .set_tag_attribute_value("input", "disabled", "")
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .url_relative(UrlRelative::PassThrough)
        .link_rel(Some("noopener noreferrer"))
        .id_prefix(Some("content-"));
    policy
});

/// What a comment may hold: emphasis, code, quotes, lists, and links that vouch for nothing.
static COMMENT: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut policy = Builder::empty();
    policy
        .tags(HashSet::from(["p", "br", "em", "strong", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a"]))
        .tag_attributes([("a", HashSet::from(["href"]))].into_iter().collect())
        .url_schemes(HashSet::from(["http", "https"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("nofollow ugc noopener noreferrer"));
    policy
});

/// What is inside these is not text for readers.
const UNREAD: [&str; 4] = ["script", "style", "template", "noscript"];

/// CommonMark and GFM to HTML that is safe in a page.
pub fn from_markdown(source: &str) -> String {
    article(&render(source, true))
}

/// HTML as somebody wrote it to HTML that is safe in a page.
pub fn article(html: &str) -> String {
    ARTICLE.clean(html).to_string()
}

/// A comment's Markdown to HTML that is safe in a page; HTML in it is shown as text.
pub fn from_comment(source: &str) -> String {
    COMMENT.clean(&render(source, false)).to_string()
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

/// Refuses HTML that a short text became too much of: a table fills its empty cells by itself.
///
/// # Errors
/// 422 at the place of the text.
pub fn at_most(max: usize, html: String, pointer: &str) -> Result<String> {
    if html.len() <= max {
        return Ok(html);
    }
    Err(Error::invalid_field(pointer, "too_long", format!("it becomes more than {max} bytes of HTML")))
}

/// The words of a body, without its markup; blocks stand apart.
pub fn text(html: &str) -> String {
    let words = Tokenizer::new(Words::default(), TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    drop(words.feed(&queue));
    words.end();
    let text = words.sink.text.into_inner();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Default)]
struct Words {
    text: RefCell<String>,
    /// How many elements that are not read we are in.
    unread: RefCell<usize>,
}

impl TokenSink for Words {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        match token {
            Token::CharacterTokens(text) if *self.unread.borrow() == 0 => self.text.borrow_mut().push_str(&text),
            Token::TagToken(tag) => {
                if UNREAD.contains(&&*tag.name) {
                    let mut depth = self.unread.borrow_mut();
                    let start = tag.kind == html5ever::tokenizer::TagKind::StartTag;
                    *depth = if start { *depth + 1 } else { depth.saturating_sub(1) };
                }
                let inline = [
                    "a", "em", "strong", "b", "i", "code", "del", "s", "sub", "sup", "span", "mark", "abbr", "small",
                    "u", "q", "cite",
                ];
                if !inline.contains(&&*tag.name) {
                    self.text.borrow_mut().push(' ');
                }
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Words in a text. Scripts that put no spaces between words count two characters for one.
pub fn count_words(text: &str) -> i32 {
    let dense = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}');
    let spaced = text.split_whitespace().filter(|word| word.chars().any(|c| c.is_alphanumeric() && !dense(c))).count();
    let dense = text.chars().filter(|c| dense(*c)).count();
    i32::try_from(spaced + dense.div_ceil(2)).unwrap_or(i32::MAX)
}

/// Minutes to read that many words, at 230 a minute; at least one where there is a word.
pub fn reading_minutes(words: i32) -> i32 {
    words / 230 + i32::from(words % 230 > 0)
}

/// The beginning of a text, at most `limit` characters, cut between words.
pub fn excerpt(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else { return text.to_owned() };
    let head = &text[..end];
    let cut = head.char_indices().nth(limit - 1).map_or(head, |(last, _)| &head[..last]);
    let cut = cut.rfind(char::is_whitespace).map_or(cut, |space| &cut[..space]);
    format!("{}…", cut.trim_end_matches(|c: char| c.is_whitespace() || ",;:.–—-".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::{count_words, excerpt, from_comment, from_markdown, reading_minutes, text};

    #[test]
    fn markdown_becomes_html_without_what_could_act() {
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
        assert_eq!(from_comment("a\nb"), "<p>a<br>\nb</p>\n");
        let html = from_comment("<b>hi</b> ![x](https://e.example/x.png) # no");
        assert!(!html.contains("<b>") && !html.contains("<img"), "{html}");
        assert!(from_comment("https://a.example").contains("nofollow ugc"));
    }

    #[test]
    fn the_words_of_a_body_are_counted_without_its_markup() {
        assert_eq!(text("<p>One</p><p>two &amp; <b>th</b>ree</p><script>four</script>"), "One two & three");
        assert_eq!(count_words("One two & three"), 3);
        assert_eq!(count_words("日本語の記事"), 3);
        assert_eq!((reading_minutes(0), reading_minutes(1), reading_minutes(460), reading_minutes(461)), (0, 1, 2, 3));
    }

    #[test]
    fn an_excerpt_ends_between_words() {
        assert_eq!(excerpt("short", 10), "short");
        assert_eq!(excerpt("The harbour, reopened at last", 15), "The harbour…");
        assert_eq!(excerpt(&"x".repeat(20), 10).chars().count(), 10);
    }
}
