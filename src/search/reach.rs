//! How near to the heart of a document a word stands: what ranks it.

/// Each holds what the one before it holds. On the way into an index a word gets the letter of its reach in front, so that
/// the list of a word in titles is as short as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// In the title, or the name.
    Title,
    /// There, in the subtitle or the excerpt, or in the name of an author, a tag or the section.
    Lead,
    /// There, or again and again in the text.
    Often,
    /// Anywhere.
    Anywhere,
}

impl Reach {
    /// The word as it is indexed.
    pub fn word(self, word: &str) -> String {
        let letter = match self {
            Self::Title => 't',
            Self::Lead => 'l',
            Self::Often => 'r',
            Self::Anywhere => 'w',
        };
        let mut indexed = String::with_capacity(word.len() + 1);
        indexed.push(letter);
        indexed.push_str(word);
        indexed
    }
}

/// Whether a word that stands so often in a text of so many words is what the text is about.
pub fn is_often(times: usize, of: usize) -> bool {
    times >= 2 && times * 150 >= of
}

#[cfg(test)]
mod tests {
    use super::is_often;

    #[test]
    fn twice_and_once_in_a_hundred_and_fifty_words_is_often() {
        for (times, of, expected) in [
            (0, 0, false),
            (1, 1, false),
            (2, 2, true),
            (2, 300, true),
            (2, 301, false),
            (7, 1050, true),
            (7, 1051, false),
        ] {
            assert_eq!(is_often(times, of), expected, "{times} of {of}");
        }
    }
}
