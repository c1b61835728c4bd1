//! Which passwords are refused: those that are guessed first, and those made of what everybody knows of their owner.

use crate::values::{Email, Refusal};

/// How many guesses a password has to withstand, as a power of ten: at what argon2id costs, a hundred million of them are
/// weeks of work for each account.
const GUESSES: f64 = 8.0;
/// Characters that have to be left of a password without what everybody knows.
const OWN: usize = 8;
/// Characters that are looked at: the work grows with the square of the length.
const LOOKED_AT: usize = 64;

/// Signs that `zxcvbn` takes for one letter. It reads the password in every way that there is to take them, and their
/// numbers multiply.
const SIGNS: [&str; 7] = ["4@", "({[<", "69", "1!|", "1|7", "$5", "+7"];
/// Ways that it is let go.
const WAYS: usize = 32;

/// What everybody knows of somebody who chooses a password.
#[derive(Debug, Clone)]
pub struct Known {
    pub email: Email,
    pub name: String,
    pub site: String,
}

impl Known {
    /// The words in it, the longest first.
    fn words(&self) -> Vec<String> {
        let texts = [self.email.as_ref(), &self.name, &self.site, "stet"];
        let wholes = texts.iter().map(|text| plain(text));
        let parts = texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).map(plain);
        let mut words: Vec<String> = wholes.chain(parts).filter(|word| word.chars().count() > 2).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words.dedup();
        words
    }
}

/// Letters and digits alone, in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The characters that are looked at, without signs that would leave too many ways to read them. What is left is no harder to
/// guess than the whole.
fn looked_at(password: &str) -> String {
    let mut kept = String::new();
    for c in password.chars().take(LOOKED_AT) {
        kept.push(c);
        if ways(&kept) > WAYS {
            kept.pop();
        }
    }
    kept
}

fn ways(text: &str) -> usize {
    SIGNS.iter().map(|signs| signs.chars().filter(|sign| text.contains(*sign)).count().max(1)).product()
}

/// # Errors
/// What is wrong with the password, where it is easily guessed.
pub fn check(password: &str, known: &Known) -> Result<(), Refusal> {
    let words = known.words();
    let mut own = plain(password);
    for word in &words {
        own = own.replace(word, "");
    }
    if own.chars().count() < OWN && own.len() < plain(password).len() {
        let message = "a password is not made of the name, the address or the site that it is for";
        return Err(Refusal::new("password_too_close", message));
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let looked_at = looked_at(password);
    // Spaces and dots between words that are guessed first make them no better.
    let weakest = [plain(&looked_at), looked_at]
        .iter()
        .filter(|text| !text.is_empty())
        .fold(f64::INFINITY, |least, text| least.min(zxcvbn::zxcvbn(text, &words).guesses_log10()));
    if weakest < GUESSES {
        let message = "the password is among those that are guessed first; take a few words that have nothing to do with each other";
        return Err(Refusal::new("password_too_common", message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Known, WAYS, check, looked_at, ways};
    use crate::values::Email;

    fn verdict(password: &str) -> Option<&'static str> {
        let email = Email::parse("mira.holt@lantern.example".into()).unwrap();
        let known = Known { email, name: "Mira Holt".into(), site: "The Lantern".into() };
        check(password, &known).err().map(|refusal| refusal.code)
    }

    #[test]
    fn what_is_guessed_first_is_refused() {
        for password in [
            "password1234",
            "Password1234!",
            "P@ssw0rd1234",
            "passwordpassword",
            "123456789012",
            "qwertyuiop12",
            "qwertyuiop[]",
            "1qaz2wsx3edc",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "abcdefghijkl",
            "iloveyou1234",
            "letmein12345",
            "welcome12345",
            "administrator",
            "Welcome2026!",
            "000000000000",
            "trustno1trustno1",
            "            ",
            "changeme1234",
            "password 1234",
            "1234567890123456",
        ] {
            assert_eq!(verdict(password), Some("password_too_common"), "{password}");
        }
    }

    #[test]
    fn what_everybody_knows_of_somebody_is_refused() {
        for password in [
            "mira.holt@lantern.example",
            "Mira Holt 2026",
            "miraholt1234",
            "the lantern 1",
            "TheLantern2026!",
            "lantern-mira-1",
            "stet stet stet",
            "Holt.Mira.99!",
        ] {
            assert_eq!(verdict(password), Some("password_too_close"), "{password}");
        }
    }

    #[test]
    fn a_few_words_are_good_and_length_is_no_reason() {
        for password in [
            "a tide table for March",
            "nine gulls on a wire",
            "mira likes tide tables",
            "x7#kQ9$vLm2!",
            "Grüße vom alten Kai",
            "  spaces at both ends  ",
            "a\ttab in the middle",
            "naïve 🌊 tidewater",
            "灯台守の最後の夜に鳴いた鴎",
            "({[<1!|7 4@69$5+ tide table",
            &"gull tide ".repeat(12),
        ] {
            assert_eq!(verdict(password), None, "{password}");
        }
    }

    #[test]
    fn no_password_is_read_in_more_ways_than_are_let_go() {
        for (costly, is_cut) in
            [("4@8({[<369!1|0$5+7%2", true), ("123456789@({[<!|$+%@({[<!|$+%", true), ("{[<(4@69|!", false)]
        {
            let whole = costly.repeat(64);
            let looked_at = looked_at(&whole);
            assert!(ways(&looked_at) <= WAYS, "{costly}: {looked_at}");
            assert_eq!(ways(&whole) > WAYS, is_cut, "{costly}");
        }
        let ordinary = "c4ts 4nd d0g5 1n th3 h0u53 0f m1ll10n 5t4r5 @r3 s7r0ng3r + l0v3";
        assert_eq!(looked_at(ordinary), ordinary);
    }
}
