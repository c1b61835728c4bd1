//! Words as both databases know them: split by Unicode's rules, stemmed, without capitals and accents. What one finds
//! the other finds, since neither looks at the language itself.

use super::reach::Reach;
use crate::values::Language;
use rust_stemmers::{Algorithm, Stemmer};
use std::{collections::HashMap, iter, rc::Rc, sync::Arc};
use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// Characters of a word that count.
const LONGEST: usize = 64;
/// Words that an analyser remembers: texts repeat most of theirs.
const REMEMBERED: usize = 50_000;

/// A word in the two forms in which it can be found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token {
    /// Without its endings, by the rules of the language.
    pub stem: String,
    /// As it is written.
    pub plain: String,
    /// The stem as it is indexed where it stands.
    pub word: Arc<str>,
}

/// Reads texts of one language.
pub struct Analyser {
    stemmer: Option<Stemmer>,
    known: HashMap<String, Option<Rc<Token>>>,
}

impl Analyser {
    /// Where there are no rules for the language, or none is given, words stay as they are.
    pub fn of(language: Option<&Language>) -> Self {
        Self { stemmer: language.and_then(algorithm).map(Stemmer::create), known: HashMap::new() }
    }

    #[cfg(test)]
    fn tokens(&mut self, text: &str) -> Vec<Rc<Token>> {
        words(text).filter_map(|(_, word)| self.token(word)).collect()
    }

    /// One of [`words`]. `None` where nothing is left of it.
    pub fn token(&mut self, word: &str) -> Option<Rc<Token>> {
        if let Some(known) = self.known.get(word) {
            return known.clone();
        }
        let token = self.analysed(word).map(Rc::new);
        if self.known.len() < REMEMBERED {
            self.known.insert(word.to_owned(), token.clone());
        }
        token
    }

    fn analysed(&self, word: &str) -> Option<Token> {
        let word = if word.is_ascii() {
            word.to_ascii_lowercase()
        } else {
            // Composed, as stemmers expect it.
            word.nfkc().collect::<String>().to_lowercase().replace('’', "'")
        };
        let plain = folded(&word);
        let stem = self.stemmer.as_ref().map(|stemmer| folded(&stemmer.stem(&word)));
        let stem = stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| plain.clone());
        (!plain.is_empty()).then(|| Token { word: Reach::Anywhere.word(&stem).into(), stem, plain })
    }
}

/// The words of a text with where they begin. Where a script puts no spaces between words, as Chinese does, each
/// character is one.
pub fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    pieces(text).flat_map(|(begin, piece)| {
        let (plain, other) = match plain_word(piece) {
            Some(word) => (Some(word), ""),
            None => (None, piece),
        };
        let words = plain.into_iter().chain(other.unicode_word_indices().flat_map(parted));
        words.map(move |(at, word)| (begin + at, word))
    })
}

/// What has only letters of ASCII, and at its ends signs that join it to nothing, is one word. Most are, and to see it
/// takes a fraction of what Unicode's rules take.
fn plain_word(piece: &str) -> Option<(usize, &str)> {
    let at = piece.bytes().position(|byte| byte.is_ascii_alphabetic())?;
    let word = piece[at..].trim_end_matches([' ', '.', ',', ';', ':', '!', '?', '"', '\'', ')']);
    let plain = piece.as_bytes()[..at].iter().all(|byte| matches!(byte, b'"' | b'\'' | b'('));
    (plain && word.bytes().all(|byte| byte.is_ascii_alphabetic())).then_some((at, word))
}

/// The one or two words that an apostrophe joins.
fn parted((at, word): (usize, &str)) -> impl Iterator<Item = (usize, &str)> {
    let (word, behind) = word.split_at(elision(word));
    let rest = behind.trim_start_matches(['\'', '’']);
    let rest = (!rest.is_empty()).then(|| (at + word.len() + behind.len() - rest.len(), rest));
    [Some((at, word)), rest].into_iter().flatten()
}

/// Parts of a text between which words end anyway, with where they begin: what stands between two spaces of ASCII.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut begin = 0;
    iter::from_fn(move || {
        let rest = &text[begin..];
        // Behind other letters than ASCII's a space may be part of something: an accent may stand on it.
        let ends = |at: usize| rest.as_bytes().get(at + 1).is_none_or(u8::is_ascii);
        let end = rest.bytes().enumerate().position(|(at, byte)| byte == b' ' && ends(at));
        let length = end.map_or(rest.len(), |space| space + 1);
        let piece = (begin, &rest[..length]);
        begin += length;
        (length > 0).then_some(piece)
    })
}

/// Where a word ends that an apostrophe joins to the next: `l'eau` and `O'Brien` are two, `don't` and `ship's` are one.
fn elision(word: &str) -> usize {
    let Some(at) = word.find(['\'', '’']) else { return word.len() };
    let after = word[at..].chars().skip(1).count();
    if word[..at].chars().count() <= 2 || after > 2 { at } else { word.len() }
}

/// Without accents and whatever is neither letter nor number.
fn folded(word: &str) -> String {
    if word.is_ascii() {
        return word.chars().filter(char::is_ascii_alphanumeric).take(LONGEST).collect();
    }
    let mut folded = String::with_capacity(word.len());
    for c in word.nfkd().filter(|c| !is_accent(*c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'þ' => folded.push_str("th"),
            'ø' => folded.push('o'),
            'đ' | 'ð' => folded.push('d'),
            'ł' => folded.push('l'),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            // Signs that are no letters belong to words in scripts such as Devanagari.
            c if c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c) => folded.push(c),
            _ => {}
        }
    }
    folded.make_ascii_lowercase();
    folded.char_indices().nth(LONGEST).map(|(end, _)| end).into_iter().for_each(|end| folded.truncate(end));
    folded
}

/// Marks that are left out by whoever types quickly. Vowel signs of other scripts are no accents.
fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{487}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}' | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}'
        | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

fn algorithm(language: &Language) -> Option<Algorithm> {
    Some(match language.code() {
        "ar" => Algorithm::Arabic,
        "da" => Algorithm::Danish,
        "de" => Algorithm::German,
        "el" => Algorithm::Greek,
        "en" => Algorithm::English,
        "es" => Algorithm::Spanish,
        "fi" => Algorithm::Finnish,
        "fr" => Algorithm::French,
        "hu" => Algorithm::Hungarian,
        "it" => Algorithm::Italian,
        "nb" | "nn" | "no" => Algorithm::Norwegian,
        "nl" => Algorithm::Dutch,
        "pt" => Algorithm::Portuguese,
        "ro" => Algorithm::Romanian,
        "ru" => Algorithm::Russian,
        "sv" => Algorithm::Swedish,
        "ta" => Algorithm::Tamil,
        "tr" => Algorithm::Turkish,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Analyser, words};
    use crate::values::Language;
    use unicode_segmentation::UnicodeSegmentation;

    fn stems(language: &str, text: &str) -> Vec<String> {
        let language = Language::parse(language.to_owned()).unwrap();
        Analyser::of(Some(&language)).tokens(text).iter().map(|token| token.stem.clone()).collect()
    }

    #[test]
    fn words_lose_their_endings_accents_and_capitals() {
        assert_eq!(stems("en", "The Ferries’ CAPTAIN'S ferrying, naïve"), ["the", "ferri", "captain", "ferri", "naiv"]);
        assert_eq!(stems("de", "Häuser HÄUSERN Straße"), ["haus", "haus", "strass"]);
        assert_eq!(stems("fr", "L'eau des générations"), ["l", "eau", "de", "gener"]);
        assert_eq!(stems("sw", "Ferries e\u{301}te\u{301} été"), ["ferries", "ete", "ete"]);
        assert_eq!(stems("en", "ＨＡＲＢＯＵＲ 東京 の"), ["harbour", "東", "京", "の"]);
        assert_eq!(stems("en", "ship's don't O'Brien ... 🙂 ' \" - "), ["ship", "dont", "o", "brien"]);
    }

    #[test]
    fn a_word_is_found_where_it_stands() {
        let text = "L’eau, n'est-ce pas? Ship's";
        for (at, word) in words(text) {
            assert_eq!(&text[at..at + word.len()], word);
        }
        assert_eq!(words("l'eau d'or").map(|(at, _)| at).collect::<Vec<_>>(), [0, 2, 6, 8]);
    }

    #[test]
    fn pieces_change_no_word() {
        for text in
            ["", " ", "naïve", " é", "é ", "a b é c d", "3.5 km—or 3,500 m", "a \u{301}b  c\u{200d} d", "東京 is 東"]
        {
            let whole: Vec<_> = text.unicode_word_indices().collect();
            assert_eq!(words(text).collect::<Vec<_>>(), whole, "{text:?}");
        }
    }

    #[test]
    fn no_word_is_endless_and_none_is_empty() {
        let mut analyser = Analyser::of(None);
        assert_eq!(analyser.tokens(&"é".repeat(1000))[0].plain.chars().count(), 64);
        assert!(analyser.tokens(&"x".repeat(1000)).iter().all(|token| token.plain.len() == 64));
        assert!(analyser.tokens("\u{301}\u{301} \u{200b} \u{202e} ۝").iter().all(|token| !token.plain.is_empty()));
    }
}
