//! The words of a body: their text, their number, and the beginning of it.

use html5ever::{
    buffer_queue::BufferQueue,
    tendril::StrTendril,
    tokenizer::{Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts},
};
use std::cell::RefCell;

/// What is inside these is not text for readers.
const UNREAD: [&str; 4] = ["script", "style", "template", "noscript"];

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
    // A character is left for the ellipsis.
    let head = &text[..end];
    let cut = head.char_indices().next_back().map_or(head, |(last, _)| &head[..last]);
    let cut = cut.rfind(char::is_whitespace).map_or(cut, |space| &cut[..space]);
    format!("{}…", cut.trim_end_matches(|c: char| c.is_whitespace() || ",;:.–—-".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::{count_words, excerpt, reading_minutes, text};

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
        assert_eq!(excerpt("ab", 0), "…");
    }
}
