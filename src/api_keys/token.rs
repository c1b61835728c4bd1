//! What a key looks like: `stet_`, 43 random letters and digits, and 6 that tell a mistyped one without asking anybody.

use crate::{
    auth::random,
    error::{Error, Result},
    http::json::{Digest, digest_of},
};

const PREFIX: &str = "stet_";
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 43 of 62 letters are 256 bits.
const SECRET: usize = 43;
const CHECK: usize = 6;
/// What is shown of a key afterwards: its owner knows it again, and nobody can guess the rest.
const SHOWN: usize = PREFIX.len() + 4;

/// Whether it is meant to be a key. (What opens a preview begins alike, and opens nothing else.)
pub fn is_one(token: &str) -> bool {
    token.starts_with(PREFIX)
}

pub fn is_well_formed(token: &str) -> bool {
    let Some(rest) = token.strip_prefix(PREFIX).filter(|rest| rest.len() == SECRET + CHECK && rest.is_ascii()) else {
        return false;
    };
    let (secret, check) = rest.split_at(SECRET);
    secret.bytes().all(|letter| LETTERS.contains(&letter)) && check == check_of(secret)
}

/// The first four bytes of the SHA-256 of all before it, as a number in base 62.
fn check_of(secret: &str) -> String {
    let digest = digest_of(format!("{PREFIX}{secret}").as_bytes());
    let mut rest = digest.iter().take(4).fold(0_usize, |number, byte| number << 8 | usize::from(*byte));
    let mut letters = [b'0'; CHECK];
    for letter in letters.iter_mut().rev() {
        *letter = LETTERS[rest % LETTERS.len()];
        rest /= LETTERS.len();
    }
    letters.into_iter().map(char::from).collect()
}

pub fn new() -> Result<String> {
    let mut secret = String::with_capacity(SECRET);
    while secret.len() < SECRET {
        let bytes = random::<64>().map_err(|_| Error::internal("the system gives no random numbers"))?;
        // What is beyond the last letter is thrown away, so that all are as likely.
        let letters = bytes.iter().filter_map(|byte| LETTERS.get(usize::from(byte & 63)));
        secret.extend(letters.take(SECRET - secret.len()).map(|letter| char::from(*letter)));
    }
    let check = check_of(&secret);
    Ok(format!("{PREFIX}{secret}{check}"))
}

/// What is kept of a key, and found by it.
pub fn hash_of(token: &str) -> Digest {
    digest_of(token.as_bytes())
}

/// What is shown of it afterwards.
pub fn begins(token: &str) -> String {
    token.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::{LETTERS, PREFIX, begins, check_of, is_well_formed, new};
    use std::collections::HashSet;

    #[test]
    fn every_key_is_another_and_of_all_letters() {
        let keys: HashSet<String> = (0..100).map(|_| new().unwrap()).collect();
        assert_eq!(keys.len(), 100);
        assert!(keys.iter().all(|key| is_well_formed(key) && key.len() == 54 && begins(key).len() == 9));
        let letters: HashSet<u8> = keys.iter().flat_map(|key| key[PREFIX.len()..].bytes()).collect();
        assert_eq!(letters.len(), LETTERS.len());
    }

    #[test]
    fn whoever_knows_the_rule_can_check_a_key() {
        // By Python's hashlib.
        assert_eq!(check_of("ThisIsNoSecretItOnlyHasTheLengthOfOne000000"), "0SNuYW");
    }

    #[test]
    fn a_mistyped_key_is_told_without_asking() {
        let key = new().unwrap();
        for at in 0..key.len() {
            let other = if key.as_bytes()[at] == b'x' { "y" } else { "x" };
            let mut wrong = key.clone();
            wrong.replace_range(at..=at, other);
            assert!(!is_well_formed(&wrong), "{wrong}");
        }
        for wrong in
            ["stet_", "stet_preview_4k1dXkC0yLZ9mH0mXyq7q0pVfW8jv2t9S3uB6nYQe1A", &key[1..], &format!("{key}0")]
        {
            assert!(!is_well_formed(wrong), "{wrong}");
        }
    }
}
