//! XML that every parser takes.

/// The same with a space for each byte of a character that XML 1.0 forbids (control characters, U+FFFE, U+FFFF): no
/// escape lets them in, and one of them makes all of a document unreadable.
pub fn legal(mut xml: Vec<u8>) -> Vec<u8> {
    for at in 0..xml.len() {
        match xml[at] {
            b'\t' | b'\n' | b'\r' => {}
            0..b' ' => xml[at] = b' ',
            0xef if matches!(xml[at..], [0xef, 0xbf, 0xbe | 0xbf, ..]) => xml[at..at + 3].fill(b' '),
            _ => {}
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::legal;

    #[test]
    fn what_xml_forbids_becomes_a_space() {
        let legal = |text: &str| String::from_utf8(legal(text.into())).unwrap();
        assert_eq!(legal("a\u{0}\u{8}\u{b}\u{1f}b"), "a    b");
        assert_eq!(legal("a\u{fffe}b\u{ffff}"), "a   b   ");
        let fine = "<a>\t\r\n\u{7f}\u{85}ä\u{fffd}\u{ffdd}\u{1f30a}\u{1ffff}</a>";
        assert_eq!(legal(fine), fine);
        // Nothing is joined by it.
        assert_eq!(legal("]]\u{1}>"), "]] >");
    }
}
