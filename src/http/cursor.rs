//! Cursors: where a list goes on, signed so that nobody can make one up.

use crate::{
    db::Id,
    error::{Code, Error, Result},
};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// What rows are ordered by, before their id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    Number(i64),
    Text(String),
}

/// The last row of a page: the next one begins behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    pub key: Key,
    pub id: Id,
}

impl Position {
    pub fn new(key: impl Into<Key>, id: Id) -> Self {
        Self { key: key.into(), id }
    }
}

impl From<i64> for Key {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// Bytes of the signature that are kept.
const TAG: usize = 16;

/// Signs cursors. Replicas share the key, which is kept in the database.
pub struct Cursors(hmac::Key);

impl Cursors {
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(HMAC_SHA256, key))
    }

    /// `scope` is what the cursor is good for: the list, its filters and its order.
    pub fn write(&self, scope: &str, position: &Position) -> String {
        let mut bytes = position.id.as_bytes().to_vec();
        match &position.key {
            Key::Number(number) => {
                bytes.push(b'n');
                bytes.extend(number.to_be_bytes());
            }
            Key::Text(text) => {
                bytes.push(b't');
                bytes.extend(text.as_bytes());
            }
        }
        self.seal(scope, bytes)
    }

    /// # Errors
    /// 400 where the cursor was changed, or made by another list.
    pub fn read(&self, scope: &str, cursor: &str) -> Result<Position> {
        self.try_read(scope, cursor).ok_or_else(|| {
            Error::with(
                Code::InvalidCursor,
                "take `page.next_cursor` as it is, with the same filters and order; start anew without a cursor",
            )
        })
    }

    fn try_read(&self, scope: &str, cursor: &str) -> Option<Position> {
        let body = self.open(scope, cursor)?;
        let (id, key) = body.split_at_checked(16)?;
        let key = match key.split_first()? {
            (b'n', number) => Key::Number(i64::from_be_bytes(number.try_into().ok()?)),
            (b't', text) => Key::Text(String::from_utf8(text.to_vec()).ok()?),
            _ => return None,
        };
        Some(Position { key, id: Id::from_bytes(id)? })
    }

    /// Signs bytes, which stay readable.
    pub fn seal(&self, scope: &str, mut bytes: Vec<u8>) -> String {
        let tag = self.sign(scope, &bytes);
        bytes.extend(&tag.as_ref()[..TAG]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The bytes that were signed for this scope.
    pub fn open(&self, scope: &str, sealed: &str) -> Option<Vec<u8>> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (body, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG)?)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.sign(scope, body).as_ref()[..TAG], tag).ok()?;
        bytes.truncate(body.len());
        Some(bytes)
    }

    fn sign(&self, scope: &str, body: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(&u32::try_from(scope.len()).unwrap_or(u32::MAX).to_be_bytes());
        context.update(scope.as_bytes());
        context.update(body);
        context.sign()
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursors, Position};
    use crate::db::Id;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_does() {
        let cursors = Cursors::new(b"key");
        for position in [Position::new(-5, Id::new()), Position::new("Ærø", Id::new())] {
            let cursor = cursors.write("list", &position);
            assert_eq!(cursors.read("list", &cursor).unwrap(), position);
            assert!(cursors.read("other", &cursor).is_err());
            assert!(Cursors::new(b"another").read("list", &cursor).is_err());
            for at in 0..cursor.len() {
                let mut forged = cursor.clone().into_bytes();
                forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
                assert!(cursors.read("list", std::str::from_utf8(&forged).unwrap()).is_err(), "byte {at}");
            }
        }
        for junk in ["", "a", "%%%", "AAAA"] {
            assert!(cursors.read("list", junk).is_err());
        }
    }
}
