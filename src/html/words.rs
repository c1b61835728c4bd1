//! The words of a body: their text, their number, and the beginning of it.

/// What is inside these is not text for readers.
const UNREAD: [&str; 4] = ["script", "style", "template", "noscript"];
/// What is inside these is not said any more.
const STRUCK: [&str; 3] = ["del", "s", "strike"];
/// Elements that stand within a line; all others part words.
const INLINE: [&str; 18] = [
    "a", "em", "strong", "b", "i", "code", "del", "s", "strike", "sub", "sup", "span", "mark", "abbr", "small", "u",
    "q", "cite",
];
/// Characters that there are raised: `10<sup>6</sup>` is no 106.
const RAISED: [(char, char); 13] = [
    ('0', '⁰'),
    ('1', '¹'),
    ('2', '²'),
    ('3', '³'),
    ('4', '⁴'),
    ('5', '⁵'),
    ('6', '⁶'),
    ('7', '⁷'),
    ('8', '⁸'),
    ('9', '⁹'),
    ('+', '⁺'),
    ('-', '⁻'),
    ('−', '⁻'),
];
/// What the sanitiser escapes in text.
const ESCAPES: [(&str, char); 4] = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&nbsp;", '\u{a0}')];

/// The words of a body that is sanitised, without its markup: one space between two, and blocks stand apart.
pub fn text(html: &str) -> String {
    words(html, |name| UNREAD.contains(&name))
}

/// The same without what is struck out.
pub fn said(html: &str) -> String {
    words(html, |name| UNREAD.contains(&name) || STRUCK.contains(&name))
}

fn words(html: &str, is_unread: impl Fn(&str) -> bool) -> String {
    let mut read = String::with_capacity(html.len());
    // How many elements that are not read we are in, and how many that raise what they hold.
    let (mut unread, mut raised) = (0_usize, 0_usize);
    let mut rest = html;
    while let Some((text, behind)) = rest.split_once('<') {
        if unread == 0 {
            match (raised > 0).then(|| raise(text)).flatten() {
                Some(raised) => read.push_str(&raised),
                None => push_unescaped(&mut read, text),
            }
        }
        let (tag, behind) = behind.split_at(end_of_tag(behind));
        let name = tag.trim_start_matches('/');
        let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
        let deeper = |depth: usize| if tag.starts_with('/') { depth.saturating_sub(1) } else { depth + 1 };
        if is_unread(name) {
            unread = deeper(unread);
        } else if name == "sup" {
            raised = deeper(raised);
        }
        if !INLINE.contains(&name) {
            read.push(' ');
        }
        rest = behind;
    }
    if unread == 0 {
        push_unescaped(&mut read, rest);
    }
    one_space(&read)
}

/// The same with one space between two words, and none around them.
fn one_space(read: &str) -> String {
    let mut text = String::with_capacity(read.len());
    let mut push = |word: &str| {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    };
    for part in read.split_ascii_whitespace() {
        // Most are words already, which takes less than to look for all that Unicode calls a space.
        if part.bytes().all(|byte| byte.is_ascii_graphic()) {
            push(part);
        } else {
            part.split_whitespace().for_each(&mut push);
        }
    }
    text
}

/// Where a tag ends, of which `<` was read: an attribute may hold a `>`.
pub(super) fn end_of_tag(tag: &str) -> usize {
    let mut quoted = false;
    let end = tag.bytes().position(|byte| {
        quoted ^= byte == b'"';
        byte == b'>' && !quoted
    });
    end.map_or(tag.len(), |end| end + 1)
}

/// Raised text, where all of it can be.
fn raise(text: &str) -> Option<String> {
    let raised = |c: char| RAISED.iter().find(|(low, _)| *low == c).map(|(_, raised)| *raised);
    text.chars().map(raised).collect()
}

fn push_unescaped(read: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, escaped) = rest.split_at(at);
        read.push_str(before);
        let known = ESCAPES.iter().find_map(|(escape, c)| Some((escaped.strip_prefix(escape)?, *c)));
        let (behind, c) = known.unwrap_or((&escaped[1..], '&'));
        read.push(c);
        rest = behind;
    }
    read.push_str(rest);
}

/// Text as HTML that shows it.
pub fn escape(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    escape_into(&mut html, text);
    html
}

/// Adds text to HTML, be it between tags or in an attribute.
pub fn escape_into(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
}

/// Words in what [`text`] gives. Scripts that put no spaces between words count two characters for one.
pub fn count_words(text: &str) -> i32 {
    if text.is_ascii() {
        let words = text.as_bytes().split(|byte| *byte == b' ');
        return i32::try_from(words.filter(|word| word.iter().any(u8::is_ascii_alphanumeric)).count())
            .unwrap_or(i32::MAX);
    }
    let dense = |c: char| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}');
    let spaced = text.split(' ').filter(|word| word.chars().any(|c| c.is_alphanumeric() && !dense(c))).count();
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
    use super::{count_words, excerpt, reading_minutes, said, text};

    #[test]
    fn the_words_of_a_body_are_counted_without_its_markup() {
        assert_eq!(text("<p>One</p><p>two &amp; <b>th</b>ree</p><script>four</script>"), "One two & three");
        assert_eq!(text("<a href=\"/?a>b\" title=\"&quot;>\">c</a>&lt;p&gt;<br>d&nbsp;&nbsp;e&#x;"), "c<p> d e&#x;");
        assert_eq!(text(" a\u{b}b\u{2003}ä\n\n<p> c"), "a b ä c");
        assert_eq!(
            text("10<sup>6</sup> or 10<sup>−6</sup>, the 1<sup>st</sup><sup><a>12</a></sup>"),
            "10⁶ or 10⁻⁶, the 1st¹²"
        );
        assert_eq!(text("a <!--b-->c &amp;amp; d<"), "a c &amp; d");
        assert_eq!(count_words("One two & three"), 3);
        assert_eq!(count_words("日本語の記事"), 3);
        assert_eq!((count_words("- déjà vu"), count_words("- deja vu"), count_words("")), (2, 2, 0));
        assert_eq!((reading_minutes(0), reading_minutes(1), reading_minutes(460), reading_minutes(461)), (0, 1, 2, 3));
    }

    #[test]
    fn what_is_struck_out_is_not_said() {
        let html =
            "<p>on <del>Mon<b>day</b></del> <s>or</s> Tuesday, <strike>one</strike>two</p><del><p>Gone</p></del>";
        assert_eq!(said(html), "on Tuesday, two");
        assert_eq!(text(html), "on Monday or Tuesday, onetwo Gone");
    }

    #[test]
    fn an_excerpt_ends_between_words() {
        assert_eq!(excerpt("short", 10), "short");
        assert_eq!(excerpt("The harbour, reopened at last", 15), "The harbour…");
        assert_eq!(excerpt(&"x".repeat(20), 10).chars().count(), 10);
        assert_eq!(excerpt("ab", 0), "…");
    }
}
