//! Names that people give: what is taken, and the one spelling in which it is written.

use super::Refusal;

/// The name without spaces around it, in NFC.
pub(super) fn check(name: &str) -> Result<String, Refusal> {
    let name = icu_normalizer::ComposingNormalizerBorrowed::new_nfc().normalize(name.trim()).into_owned();
    let refused = |what: &str| Err(Refusal::Name(what.to_string()));
    match name.chars().count() {
        0 => refused("a name cannot be empty"),
        NAME_MAX.. => refused("a name has at most 40 characters"),
        _ if name.chars().any(is_unseen) => refused("a name cannot hold control characters or marks that nobody sees"),
        _ => Ok(name),
    }
}

/// One more than the longest; a guess: a name and where the device stands.
const NAME_MAX: usize = 41;

/// Controls, line ends, and marks that turn text around or cannot be seen. The joiners stay: some scripts need them.
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(
            letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e000}'..='\u{f8ff}'
                | '\u{e0000}'..='\u{10ffff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        assert_eq!(check("  Mai \u{301}").ok().as_deref(), Some("Mai \u{301}"));
        assert_eq!(check("A\u{306}\u{301}nh").ok().as_deref(), Some("Ắnh"));
        assert_eq!(check(&"ữ".repeat(40)).ok(), Some("ữ".repeat(40)));
        assert!(check("Bà nội 👵🏽").is_ok());
        for wrong in ["", " \t ", "a\nb", "a\u{0}", "a\u{202e}b", "\u{200b}", &"x".repeat(41)] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
    }
}
