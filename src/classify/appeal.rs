//! The id under which an entry of the signed list is appealed: drawn from the entry itself, so that every box and the
//! authorities' desk find the same one without storing any.

use std::fmt;

use super::category::Category;
use siphasher::sip128::SipHasher13;
use std::hash::Hasher;

/// Twelve letters and digits, `ABCD-EFGH-JKMN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppealId(u64);

/// Crockford's base 32: no letter that is mistaken for a digit.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS: u32 = 12;

impl AppealId {
    /// Of an entry as [`Match`](super::Match) writes it (a name, or a URL), and a category it is in.
    pub fn of(entry: &str, category: Category) -> AppealId {
        let mut hasher = SipHasher13::new_with_key(b"luytre/appeal-id");
        hasher.write(entry.as_bytes());
        hasher.write(b"\0");
        hasher.write(category.code().as_bytes());
        AppealId(hasher.finish() >> (u64::BITS - 5 * LETTERS))
    }

    /// Reads what people type: letter case, hyphens and spaces do not count, `O` is 0, `I` and `L` are 1.
    pub fn parse(text: &str) -> Option<AppealId> {
        let (mut value, mut letters) = (0_u64, 0);
        for octet in text.bytes().filter(|octet| !matches!(octet, b'-' | b' ')) {
            let octet = match octet.to_ascii_uppercase() {
                b'O' => b'0',
                b'I' | b'L' => b'1',
                other => other,
            };
            let digit = ALPHABET.iter().position(|letter| *letter == octet)? as u64;
            letters += 1;
            value = if letters <= LETTERS { value << 5 | digit } else { return None };
        }
        (letters == LETTERS).then_some(AppealId(value))
    }
}

impl fmt::Display for AppealId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for at in 0..LETTERS {
            if at > 0 && at.is_multiple_of(4) {
                out.write_str("-")?;
            }
            let digit = (self.0 >> (5 * (LETTERS - 1 - at)) & 31) as usize;
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'0');
            write!(out, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written_and_as_people_write_it() {
        let id = AppealId::of("casino.example", Category::Gambling);
        let text = id.to_string();
        assert_eq!(AppealId::parse(&text), Some(id));
        assert_eq!(
            AppealId::parse(&text.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l")),
            Some(id)
        );
        assert_ne!(AppealId::of("casino.example", Category::Porn), id);
        assert_ne!(AppealId::of("casino2.example", Category::Gambling), id);
        assert_eq!(
            (AppealId::parse(&text[1..]), AppealId::parse(&(text + "0")), AppealId::parse("UUUU-UUUU-UUUU")),
            (None, None, None)
        );
    }
}
