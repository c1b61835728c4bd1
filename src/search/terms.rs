//! What is typed into a search box. Whatever it is, it is no mistake: what makes no sense is a word, or nothing.

use super::{
    analysis::{Analyser, words},
    reach::Reach,
};
use crate::{
    db::full_text::{Phrase, Place, Terms},
    error::{Error, Result},
    values::{Language, Refusal},
};
use serde::Deserialize;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Words, phrases and exclusions that may be typed.
const MOST: usize = 32;
/// Of them beginnings of words: each is looked up as all the words that begin so.
const BEGINNINGS: usize = 4;
/// Stands in every document.
pub const EVERYTHING: &str = "a";

/// What somebody typed: at most 500 characters, whatever they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Typed(String);

impl Typed {
    pub const MAX: usize = 500;
}

impl TryFrom<String> for Typed {
    type Error = Refusal;

    fn try_from(text: String) -> std::result::Result<Self, Refusal> {
        match text.chars().count() {
            n if n > Self::MAX => {
                Err(Refusal::new("too_long", format!("it has at most {} characters, not {n}", Self::MAX)))
            }
            _ => Ok(Self(text)),
        }
    }
}

impl PartialSchema for Typed {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(Self::MAX))
            .pattern(Some("^[\\s\\S]*$"))
            .examples(["harbour ferr*"])
            .into()
    }
}

impl ToSchema for Typed {
    fn name() -> Cow<'static, str> {
        "SearchText".into()
    }
}

/// What is looked for: all that is wanted, and nothing of what is unwanted.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub words: Vec<Sequence>,
    unwanted: Vec<Sequence>,
}

/// A word, or words that follow one another, in each form in which a document may hold them: that of each language, and
/// as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sequence {
    pub forms: Vec<Vec<String>>,
    /// Whether the last word is only the beginning of one.
    pub open: bool,
}

/// What stands between two spaces, or in quotes.
struct Piece<'a> {
    text: &'a str,
    unwanted: bool,
}

impl Typed {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// # Errors
    /// 400 for more than may be looked for at once.
    pub fn read(&self, languages: &[Language]) -> Result<Wanted> {
        let mut analysers: Vec<_> = languages.iter().map(|language| Analyser::of(Some(language))).collect();
        analysers.push(Analyser::of(None));
        let mut wanted = Wanted::default();
        let mut count = 0;
        for piece in pieces(&self.0) {
            let text = piece.text.trim_end();
            if let Some(sequence) = Sequence::read(text, text.ends_with('*'), &mut analysers) {
                count += 1;
                let known = if piece.unwanted { &mut wanted.unwanted } else { &mut wanted.words };
                if !known.contains(&sequence) {
                    known.push(sequence);
                }
            }
        }
        if count > MOST {
            let message = format!("at most {MOST} words, phrases and exclusions are looked for at once");
            return Err(Error::parameter("q", "too_many", message));
        }
        if wanted.words.iter().chain(&wanted.unwanted).filter(|sequence| sequence.open).count() > BEGINNINGS {
            let message = format!("at most {BEGINNINGS} beginnings of words are looked for at once");
            return Err(Error::parameter("q", "too_many", message));
        }
        Ok(wanted)
    }

    /// The same for somebody who is still typing: the last word is open, unless a space follows it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_unfinished(&self, languages: &[Language]) -> Result<Wanted> {
        let unfinished = self.0.ends_with(|c: char| c.is_alphanumeric());
        let mut wanted = self.read(languages)?;
        let last_is_wanted = pieces(&self.0).last().is_some_and(|piece| !piece.unwanted);
        if let Some(last) = wanted.words.last_mut().filter(|_| unfinished && last_is_wanted) {
            // As it was typed: the beginning of a word has no ending to lose.
            let plain = last.forms.last().and_then(|form| form.last()).cloned();
            last.forms
                .iter_mut()
                .filter_map(|form| form.last_mut())
                .for_each(|word| *word = plain.clone().unwrap_or_default());
            last.open = true;
        }
        Ok(wanted)
    }
}

/// Parts what was typed at spaces and quotes. A quote that is not closed goes to the end.
fn pieces(typed: &str) -> Vec<Piece<'_>> {
    const QUOTES: [char; 4] = ['"', '“', '”', '„'];
    let mut pieces = Vec::new();
    let mut rest = typed.trim_start();
    while !rest.is_empty() {
        let bare = rest.trim_start_matches('-');
        let unwanted = bare.len() < rest.len();
        let (text, behind) = match bare.strip_prefix(QUOTES) {
            Some(quoted) => {
                let end = quoted.find(QUOTES).unwrap_or(quoted.len());
                let (text, behind) = quoted.split_at(end);
                (text, behind.strip_prefix(QUOTES).unwrap_or(behind))
            }
            None => bare.split_at(bare.find(|c: char| c.is_whitespace() || QUOTES.contains(&c)).unwrap_or(bare.len())),
        };
        pieces.push(Piece { text, unwanted });
        rest = behind.trim_start();
    }
    pieces
}

impl Sequence {
    /// `None` where nothing in the text is a word.
    fn read(text: &str, open: bool, analysers: &mut [Analyser]) -> Option<Self> {
        let typed: Vec<&str> = words(text).map(|(_, word)| word).collect();
        let last = typed.len().checked_sub(1)?;
        let form = |analyser: &mut Analyser| -> Vec<String> {
            let words = typed.iter().enumerate().filter_map(|(index, word)| Some((index, analyser.token(word)?)));
            words.map(|(index, token)| if open && index == last { &token.plain } else { &token.stem }.clone()).collect()
        };
        let forms: Vec<_> = analysers.iter_mut().map(form).collect();
        forms.first().is_some_and(|form| !form.is_empty()).then_some(Self { forms, open })
    }

    /// The documents that have it within this reach.
    fn terms(&self, reach: Reach) -> Terms {
        let mut any: Vec<Terms> = Vec::new();
        for form in &self.forms {
            let terms = self.in_form(form, reach);
            if !any.contains(&terms) {
                any.push(terms);
            }
        }
        one_or(any, Terms::Any)
    }

    fn in_form(&self, form: &[String], reach: Reach) -> Terms {
        let word = |reach: Reach, index: usize| {
            let indexed = form.get(index).map(|word| reach.word(word)).unwrap_or_default();
            if self.open && index + 1 == form.len() { Terms::Prefix(indexed) } else { Terms::Word(indexed) }
        };
        if form.len() == 1 {
            return word(reach, 0);
        }
        match reach {
            Reach::Title => self.adjacent(form, Place::Title),
            Reach::Anywhere => self.adjacent(form, Place::Words),
            // There words have no order.
            Reach::Lead | Reach::Often => {
                let mut all: Vec<_> = (0..form.len()).map(|index| word(reach, index)).collect();
                all.push(self.adjacent(form, Place::Words));
                Terms::All(all)
            }
        }
    }

    fn adjacent(&self, form: &[String], place: Place) -> Terms {
        let reach = if place == Place::Title { Reach::Title } else { Reach::Anywhere };
        let words = form.iter().map(|word| reach.word(word)).collect();
        Terms::Phrase(Phrase { place, words, open: self.open })
    }
}

impl Wanted {
    /// Whether nothing that was typed is a word.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.unwanted.is_empty()
    }

    /// All documents that have what is wanted.
    pub fn anywhere(&self) -> Terms {
        self.without_unwanted(self.within(Reach::Anywhere))
    }

    /// The same in parts that share nothing, the best first: those that have all of it side by side in the title, all of it
    /// in the title, in what leads to the text, as what the text is about, and anywhere.
    pub fn tiers(&self) -> Vec<Terms> {
        let reaches: &[Reach] = match self.words.as_slice() {
            [] => &[Reach::Anywhere],
            _ => &[Reach::Title, Reach::Lead, Reach::Often, Reach::Anywhere],
        };
        let mut tiers: Vec<Terms> = Vec::new();
        let mut narrower: Option<Terms> = None;
        for terms in self.side_by_side().into_iter().chain(reaches.iter().map(|reach| self.within(*reach))) {
            let tier = match narrower.take() {
                Some(narrower) => Terms::But(Box::new(terms.clone()), Box::new(narrower)),
                None => terms.clone(),
            };
            narrower = Some(terms);
            tiers.push(self.without_unwanted(tier));
        }
        tiers
    }

    /// All documents that have what is wanted in their titles.
    pub fn in_titles(&self) -> Terms {
        self.without_unwanted(self.within(Reach::Title))
    }

    fn within(&self, reach: Reach) -> Terms {
        if self.words.is_empty() {
            return Terms::Word(EVERYTHING.to_owned());
        }
        one_or(self.words.iter().map(|sequence| sequence.terms(reach)).collect(), Terms::All)
    }

    fn without_unwanted(&self, terms: Terms) -> Terms {
        if self.unwanted.is_empty() {
            return terms;
        }
        let unwanted = self.unwanted.iter().map(|sequence| sequence.terms(Reach::Anywhere)).collect();
        Terms::But(Box::new(terms), Box::new(one_or(unwanted, Terms::Any)))
    }

    /// All words one after another in a title, where there are several.
    fn side_by_side(&self) -> Option<Terms> {
        let (last, others) = self.words.split_last()?;
        if others.is_empty() || others.iter().any(|sequence| sequence.open) {
            return None;
        }
        let mut any = Vec::new();
        for form in 0..last.forms.len() {
            let words = self.words.iter().filter_map(|sequence| sequence.forms.get(form)).flatten();
            let words = words.map(|word| Reach::Title.word(word)).collect();
            let phrase = Terms::Phrase(Phrase { place: Place::Title, words, open: last.open });
            if !any.contains(&phrase) {
                any.push(phrase);
            }
        }
        Some(one_or(any, Terms::Any))
    }
}

fn one_or(mut terms: Vec<Terms>, many: fn(Vec<Terms>) -> Terms) -> Terms {
    match (terms.len(), terms.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            terms.extend(last);
            many(terms)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Typed, pieces};
    use crate::values::Language;

    #[test]
    fn what_is_typed_falls_into_pieces() {
        let read = |typed: &str| -> Vec<String> {
            pieces(typed).iter().map(|p| format!("{}{}", if p.unwanted { "-" } else { "" }, p.text)).collect()
        };
        assert_eq!(read(" a \"b c\" -d -\"e f\" g-h"), ["a", "b c", "-d", "-e f", "g-h"]);
        assert_eq!(read("a\"b c"), ["a", "b c"]);
        assert_eq!(read("\"\" - -- “x y”z"), ["", "-", "-", "x y", "z"]);
        assert_eq!(read(""), Vec::<String>::new());
    }

    #[test]
    fn nonsense_is_a_word_or_nothing() {
        let english = [Language::default()];
        for (typed, words) in [
            ("AND OR NOT", 3),
            ("title:x (a OR b) NEAR/3", 5),
            ("\"\"\" ' \\ ) ( * ^ : ~ & | ! <->", 0),
            ("🙂 … -- \u{202e}", 0),
            ("-a -b", 0),
            ("\0 a\0b", 1),
        ] {
            let typed = Typed::try_from(typed.to_owned()).unwrap();
            assert_eq!(typed.read(&english).unwrap().words.len(), words, "{typed:?}");
        }
        let many = Typed::try_from("a ".repeat(33)).unwrap();
        assert!(many.read(&english).is_err());
        assert!(Typed::try_from("a".repeat(501)).is_err());
    }
}
