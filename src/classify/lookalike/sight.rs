//! What the eye sees of a label: letters that look alike are one letter, and strokes are passed over. Alphabets are brought
//! together by the confusables of Unicode (TR39); what they leave out of digits and pairs of letters stands here.

use arrayvec::ArrayVec;
use unicode_security::confusable_detection::skeleton;

/// Letters a label is looked at; a label has 63 octets, one of another alphabet may grow when it is spelled out.
const LETTERS_MAX: usize = 96;

/// A label twice: as it is written, in the letters of English, and as it is seen.
pub(super) struct Sight {
    written: ArrayVec<u8, LETTERS_MAX>,
    /// A bit for each written letter that stands for one of another alphabet, or had a mark.
    foreign: u128,
    seen: ArrayVec<u8, LETTERS_MAX>,
    /// Where each seen letter was written: first octet, and the octet behind.
    spans: ArrayVec<(u8, u8), LETTERS_MAX>,
}

/// How a seen word was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Letter by letter.
    Plain,
    /// With strokes between its letters.
    Split,
    /// With letters for letters: `rn` for `m`, `l` for `i`.
    Letters,
    /// With digits, or letters of another alphabet.
    Disguised,
}

impl Sight {
    pub(super) fn of(label: &[u8]) -> Sight {
        let mut sight = Sight { written: ArrayVec::new(), foreign: 0, seen: ArrayVec::new(), spans: ArrayVec::new() };
        match std::str::from_utf8(label) {
            Ok(text) if text.starts_with("xn--") => sight.spell_out(&idna::domain_to_unicode(text).0),
            _ => sight.written.extend(label.iter().copied().take(LETTERS_MAX)),
        }
        sight.see();
        sight
    }

    /// A word of the brands' file, as it is seen.
    pub(super) fn of_word(word: &str) -> Box<[u8]> {
        Sight::of(word.as_bytes()).seen.as_slice().into()
    }

    /// The label as it is seen.
    pub(super) fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// True when the letter seen at `at` was written as a digit.
    pub(super) fn is_digit(&self, at: usize) -> bool {
        self.spans.get(at).and_then(|(start, _)| self.written.get(usize::from(*start))).is_some_and(u8::is_ascii_digit)
    }

    /// The label without its strokes equals this word, letter by letter.
    pub(super) fn is_written(&self, word: &str) -> bool {
        self.foreign == 0 && self.written.iter().filter(|octet| !is_stroke(**octet)).eq(word.as_bytes())
    }

    /// How `word` is written where it is seen from `start` to `end`.
    pub(super) fn spelling(&self, start: usize, end: usize, word: &[u8]) -> Spelling {
        let (from, to) = self.written_span(start, end);
        let written = self.written.get(from..to).unwrap_or_default();
        let is_foreign = (from..to).any(|at| self.foreign >> at & 1 != 0);
        let letters = written.iter().filter(|octet| !is_stroke(**octet));
        if is_foreign {
            Spelling::Disguised
        } else if written == word {
            Spelling::Plain
        } else if letters.clone().eq(word) {
            Spelling::Split
        } else if letters.filter(|octet| octet.is_ascii_digit()).eq(word.iter().filter(|octet| octet.is_ascii_digit()))
        {
            Spelling::Letters
        } else {
            Spelling::Disguised
        }
    }

    fn written_span(&self, start: usize, end: usize) -> (usize, usize) {
        let from = self.spans.get(start).map_or(0, |span| span.0);
        let to = end.checked_sub(1).and_then(|last| self.spans.get(last)).map_or(from, |span| span.1);
        (usize::from(from), usize::from(to))
    }

    fn spell_out(&mut self, text: &str) {
        let mut buffer = [0; 4];
        for letter in text.chars() {
            if letter.is_ascii() {
                self.write(letter, false);
                continue;
            }
            for shape in skeleton(letter.encode_utf8(&mut buffer)) {
                if let Some(plain) = plain(shape) {
                    self.write(plain, true);
                }
            }
        }
    }

    fn write(&mut self, letter: char, is_foreign: bool) {
        let Ok(octet) = u8::try_from(letter.to_ascii_lowercase()) else { return };
        self.foreign |= u128::from(is_foreign) << self.written.len();
        // What is longer than any word is not looked at.
        let _ = self.written.try_push(octet);
    }

    fn see(&mut self) {
        let mut at = 0;
        while let Some(octet) = self.written.get(at).copied() {
            let (letter, len) = match (octet, self.written.get(at + 1)) {
                (b'r', Some(b'n')) => (b'm', 2),
                (b'v', Some(b'v')) => (b'w', 2),
                (b'c', Some(b'l')) => (b'd', 2),
                _ => (shape(octet), 1),
            };
            if !is_stroke(octet) {
                self.seen.push(letter);
                // Both fit: there are at most `LETTERS_MAX` of them.
                self.spans.push((at as u8, (at + len) as u8));
            }
            at += len;
        }
    }
}

fn is_stroke(octet: u8) -> bool {
    matches!(octet, b'-' | b'_')
}

/// The one letter for all that look like it.
fn shape(octet: u8) -> u8 {
    match octet {
        b'0' => b'o',
        b'1' | b'i' => b'l',
        b'2' => b'z',
        b'3' => b'e',
        b'4' => b'a',
        b'5' => b's',
        b'6' | b'9' | b'q' => b'g',
        b'7' => b't',
        b'8' => b'b',
        other => other,
    }
}

/// The English letter of a shape; `None` for marks above and below letters. TR39 keeps capitals and small letters apart, so
/// it says nothing of letters that look like a capital only.
fn plain(shape: char) -> Option<char> {
    Some(match shape {
        '\u{300}'..='\u{36f}' | '·' => return None,
        'т' | 'τ' | 'ᴛ' => 't',
        'к' | 'κ' | 'ĸ' | 'ᴋ' => 'k',
        'м' | 'ᴍ' => 'm',
        'н' | 'ʜ' => 'h',
        'в' | 'ʙ' | 'β' | 'ß' | 'ь' => 'b',
        'п' | 'η' => 'n',
        'г' => 'r',
        'ω' => 'w',
        'ε' | 'є' | 'ɛ' => 'e',
        'λ' => 'l',
        'χ' => 'x',
        'з' => '3',
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_alike_is_seen_alike() {
        let seen = |text: &str| {
            let name = crate::name::Name::parse(text).unwrap();
            String::from_utf8(Sight::of(name.labels().next().unwrap()).seen().to_vec()).unwrap()
        };
        for (disguised, plain) in [
            ("viеtcombаnk", "vietcombank"),
            ("rnic-r0soft", "microsoft"),
            ("địchvụcông", "dichvucong"),
            ("clisc0rd", "discord"),
            ("νiettel", "viettel"),
            ("ţіkтоĸ", "tiktok"),
            ("vvhatsapp", "whatsapp"),
        ] {
            assert_eq!(seen(disguised), seen(plain), "{disguised}");
        }
        assert_ne!(seen("facebook"), seen("facebok"));
    }

    #[test]
    fn how_a_word_is_written_is_told() {
        let spelling = |label: &str| {
            let sight = Sight::of(label.as_bytes());
            sight.spelling(0, sight.seen().len(), b"tiktok")
        };
        assert_eq!(spelling("tiktok"), Spelling::Plain);
        assert_eq!(spelling("tik-tok"), Spelling::Split);
        assert_eq!(spelling("tlktok"), Spelling::Letters);
        assert_eq!(spelling("tikt0k"), Spelling::Disguised);
    }
}
