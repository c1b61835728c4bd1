//! How far a reader has come: what `since` says, signed so that nobody can make one up.

use crate::{
    clock::Time,
    error::{Code, Error, Result},
    http::cursor::Cursors,
    slugs::Kind,
};

/// A place in the changes. What it tells whoever reads it is how often something happened in public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bookmark {
    /// The number of the last change that the reader was told.
    pub sequence: i64,
    /// How far the changes had come when the reader began without a bookmark; 0 once it has come that far. What had gone
    /// by then it never heard of, and need not be told.
    pub began: i64,
    /// A time at which the changes had come so far.
    pub at: Time,
}

impl Bookmark {
    /// What the reader knows all about: nothing before it is missing.
    pub fn reach(&self) -> i64 {
        self.sequence.max(self.began)
    }

    /// As text. It is good for the kinds that it was made for: with others the reader would miss some.
    pub fn write(&self, cursors: &Cursors, kinds: &[Kind]) -> String {
        let bytes = [self.sequence, self.began, self.at.micros()].map(i64::to_be_bytes).concat();
        cursors.seal(&scope(kinds), bytes)
    }

    /// # Errors
    /// 400 where it was changed, or made for other kinds.
    pub fn read(cursors: &Cursors, kinds: &[Kind], text: &str) -> Result<Self> {
        let bytes = cursors.open(&scope(kinds), text);
        let numbers = bytes.as_deref().map(|bytes| bytes.as_chunks::<8>().0.iter().map(|n| i64::from_be_bytes(*n)));
        match numbers.map(Iterator::collect::<Vec<_>>).as_deref() {
            Some([sequence, began, at]) => Ok(Self { sequence: *sequence, began: *began, at: Time::from_micros(*at) }),
            _ => Err(Error::with(
                Code::InvalidCursor,
                "take `since` as it was answered, with the same `kind`; start anew without it",
            )),
        }
    }
}

fn scope(kinds: &[Kind]) -> String {
    let mut names: Vec<&str> = kinds.iter().map(AsRef::as_ref).collect();
    names.sort_unstable();
    names.dedup();
    format!("changes {}", names.join(","))
}

#[cfg(test)]
mod tests {
    use super::Bookmark;
    use crate::{clock::Time, http::cursor::Cursors, slugs::Kind};

    #[test]
    fn a_bookmark_is_good_for_what_it_was_made_for() {
        let cursors = Cursors::new(b"key");
        let bookmark = Bookmark { sequence: 7, began: 40, at: Time::from_micros(3) };
        let text = bookmark.write(&cursors, &[Kind::Tag, Kind::Author]);
        assert_eq!(Bookmark::read(&cursors, &[Kind::Author, Kind::Tag, Kind::Tag], &text).unwrap(), bookmark);
        for (kinds, text) in [(&[] as &[Kind], text.as_str()), (&[Kind::Tag], &text), (&[Kind::Tag, Kind::Author], "")]
        {
            assert!(Bookmark::read(&cursors, kinds, text).is_err(), "{kinds:?} {text}");
        }
    }
}
