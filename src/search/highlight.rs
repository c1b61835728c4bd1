//! Where the words that were looked for stand in a text: as HTML that is safe in a page, with `<mark>` around them.

use super::{
    analysis::{Analyser, Token, words},
    terms::Wanted,
};
use crate::{html::escape_into, values::Language};
use std::{collections::HashSet, ops::Range, rc::Rc};

/// Characters of a snippet, about.
const SNIPPET: usize = 240;
/// Of them before the first word that was found.
const BEFORE: usize = 60;
/// Words of a text that are looked at.
const WORDS: usize = 50_000;

/// Marks words in texts of one language.
pub struct Highlighter<'a> {
    wanted: &'a Wanted,
    analyser: Analyser,
    /// The letters that wanted words begin with: most words need no closer look.
    letters: Option<Vec<char>>,
}

/// A word of a text, looked at only where it may be one that is wanted.
struct Word {
    range: Range<usize>,
    token: Option<Rc<Token>>,
}

impl<'a> Highlighter<'a> {
    pub fn new(wanted: &'a Wanted, language: &Language) -> Self {
        // Arabic has endings at the beginning.
        let keeps_letters = !language.as_ref().starts_with("ar");
        let forms = wanted.words.iter().flat_map(|sequence| &sequence.forms).flatten();
        let letters = keeps_letters.then(|| forms.filter_map(|form| form.chars().next()).collect());
        Self { wanted, analyser: Analyser::of(Some(language)), letters }
    }

    /// The whole text, with what was found marked.
    pub fn whole(&mut self, text: &str) -> String {
        let mut words = Vec::new();
        self.read(text, 0..text.len(), &mut words);
        let (marked, _) = self.marked(&words);
        let found = words.iter().zip(&marked).filter(|(_, marked)| **marked).map(|(word, _)| &word.range);
        render(text, 0..text.len(), found)
    }

    /// A part of the text in which something was found: the first that has most of it. `None` where it has nothing.
    pub fn snippet(&mut self, text: &str) -> Option<String> {
        // Most find all of it near the beginning.
        let (mut read, mut length) = (0, SNIPPET * 8);
        let mut words = Vec::new();
        loop {
            let end = text.bytes().skip(read + length).position(|byte| byte == b' ');
            let end = end.map_or(text.len(), |space| read + length + space);
            self.read(text, read..end, &mut words);
            let (marked, sequences) = self.marked(&words);
            if sequences == self.wanted.words.len() || end == text.len() {
                return best(text, &words, &marked);
            }
            (read, length) = (end, length * 4);
        }
    }

    /// Adds the words of a part, which begins and ends between words.
    fn read(&mut self, text: &str, part: Range<usize>, read: &mut Vec<Word>) {
        let most = WORDS.saturating_sub(read.len());
        words(&text[part.clone()]).take(most).for_each(|(at, word)| {
            let token = if self.may_be_wanted(word) { self.analyser.token(word) } else { None };
            let begin = part.start + at;
            read.push(Word { range: begin..begin + word.len(), token });
        });
    }

    /// Whether it begins as one of those that are wanted. Of letters with accents nobody knows before they are folded.
    fn may_be_wanted(&self, word: &str) -> bool {
        let Some(letters) = &self.letters else { return true };
        word.chars().next().is_none_or(|first| !first.is_ascii() || letters.contains(&first.to_ascii_lowercase()))
    }

    /// Which of the words stand in something that is wanted, and how much of what is wanted is there.
    fn marked(&self, words: &[Word]) -> (Vec<bool>, usize) {
        let mut marked = vec![false; words.len()];
        let mut sequences = 0;
        for sequence in &self.wanted.words {
            let mut found = false;
            for (first, word) in words.iter().enumerate().filter(|(_, word)| word.token.is_some()) {
                let fitting = |form: &&Vec<String>| {
                    form.first().is_some_and(|wanted| fits_one(word, wanted, sequence.open && form.len() == 1))
                        && words.get(first..first + form.len()).is_some_and(|some| fits(some, form, sequence.open))
                };
                if let Some(form) = sequence.forms.iter().find(fitting) {
                    marked[first..first + form.len()].fill(true);
                    found = true;
                }
            }
            sequences += usize::from(found);
        }
        (marked, sequences)
    }
}

fn fits(words: &[Word], form: &[String], open: bool) -> bool {
    words
        .iter()
        .zip(form)
        .enumerate()
        .all(|(index, (word, wanted))| fits_one(word, wanted, open && index + 1 == form.len()))
}

fn fits_one(word: &Word, wanted: &str, open: bool) -> bool {
    let fits = |form: &String| if open { form.starts_with(wanted) } else { form == wanted };
    word.token.as_ref().is_some_and(|token| fits(&token.stem) || fits(&token.plain))
}

/// The first part of a text that has most different words of those that were found.
fn best(text: &str, words: &[Word], marked: &[bool]) -> Option<String> {
    let found: Vec<usize> = (0..words.len()).filter(|index| marked[*index]).take(500).collect();
    let stem = |index: usize| words[index].token.as_ref().map(|token| token.stem.as_str());
    let different = |first: usize| {
        let end = words[first].range.start + SNIPPET - BEFORE;
        let inside = found.iter().filter(|index| **index >= first).take_while(|index| words[**index].range.end <= end);
        inside.map(|index| stem(*index)).collect::<HashSet<_>>().len()
    };
    let mut best = (0, *found.first()?);
    for first in found.iter().take(100) {
        let count = different(*first);
        if count > best.0 {
            best = (count, *first);
        }
    }
    let (begin, end) = around(text, words, best.1);
    let inside = found.iter().map(|index| &words[*index].range);
    let mut html = render(text, begin..end, inside.filter(|range| range.start >= begin && range.end <= end));
    if begin > 0 {
        html.insert_str(0, "… ");
    }
    if end < text.len() {
        html.push_str(" …");
    }
    Some(html)
}

/// Where a snippet begins and ends around a word: between words.
fn around(text: &str, words: &[Word], first: usize) -> (usize, usize) {
    let at = words[first].range.start;
    let least = at.saturating_sub(BEFORE);
    let begin = words[..first].iter().rev().take_while(|word| word.range.start >= least).last();
    let begin = if least == 0 { 0 } else { begin.map_or(at, |word| word.range.start) };
    let most = begin + SNIPPET;
    let last = words[first..].iter().take_while(|word| word.range.end <= most).last().unwrap_or(&words[first]);
    let end = if most >= text.len() { text.len() } else { last.range.end };
    (begin, end)
}

/// A part of a text as HTML.
fn render<'r>(text: &str, part: Range<usize>, marked: impl Iterator<Item = &'r Range<usize>>) -> String {
    let mut html = String::with_capacity(part.len() + 64);
    let mut done = part.start;
    for range in marked {
        escape_into(&mut html, &text[done..range.start]);
        html.push_str("<mark>");
        escape_into(&mut html, &text[range.clone()]);
        html.push_str("</mark>");
        done = range.end;
    }
    escape_into(&mut html, &text[done..part.end]);
    html
}

#[cfg(test)]
mod tests {
    use super::Highlighter;
    use crate::{search::terms::Typed, values::Language};

    fn marked(typed: &str, text: &str) -> String {
        let wanted = Typed::try_from(typed.to_owned()).unwrap().read(&[Language::default()]).unwrap();
        Highlighter::new(&wanted, &Language::default()).whole(text)
    }

    #[test]
    fn what_was_found_is_marked_and_all_else_is_text() {
        for (typed, text, html) in [
            (
                "ferry",
                "The Ferries’ <b>ferrying</b>",
                "The <mark>Ferries</mark>’ &lt;b&gt;<mark>ferrying</mark>&lt;/b&gt;",
            ),
            ("\"harbour wall\"", "wall, harbour wall", "wall, <mark>harbour</mark> <mark>wall</mark>"),
            ("harb*", "Harbours & harps", "<mark>Harbours</mark> &amp; harps"),
            ("cafe -tea", "Café \"tea\"", "<mark>Café</mark> &quot;tea&quot;"),
            ("東京", "東の京、東京", "東の京、<mark>東</mark><mark>京</mark>"),
            ("nothing", "", ""),
        ] {
            assert_eq!(marked(typed, text), html, "{typed}");
        }
    }

    #[test]
    fn a_snippet_is_short_and_has_most_of_what_was_found() {
        let typed = Typed::try_from("harbour ferry".to_owned()).unwrap();
        let wanted = typed.read(&[Language::default()]).unwrap();
        let mut highlighter = Highlighter::new(&wanted, &Language::default());
        let text =
            format!("A harbour. {}the harbour of the ferry. {}", "Much else. ".repeat(400), "And more. ".repeat(90));
        let html = highlighter.snippet(&text).unwrap();
        assert!(html.contains("the <mark>harbour</mark> of the <mark>ferry</mark>. And"), "{html}");
        assert!(html.starts_with("… ") && html.ends_with(" …") && html.len() < 320, "{html}");
        assert_eq!(highlighter.snippet("Nothing of it"), None);
        assert_eq!(highlighter.snippet("The ferry"), Some("The <mark>ferry</mark>".into()));
        for text in ["ü".repeat(5000) + " ferry " + &"ü".repeat(5000), "日".repeat(2000) + "ferry"] {
            assert!(highlighter.snippet(&text).unwrap().contains("<mark>ferry</mark>"));
        }
    }
}
