//! What the model reads off a name: grams, words, shape and ending of its registrable domain, and grams of what stands
//! left of it, each as one hash. Looks at no more than 32 octets of the one and 24 of the other, so
//! that the work is bounded. Allocates nothing.
#![deny(clippy::indexing_slicing)]

use crate::name::Name;

/// Octets of the registrable label that are read, from its start.
const LABEL_MAX: usize = 32;
/// Octets left of the registrable domain that are read, from the left; labels that end behind it are not.
const LEFT_MAX: usize = 24;
/// Octets of the longest gram.
const GRAM_MAX: usize = 6;
/// Octets of the longest gram with its digits made equal.
const DIGIT_GRAM_MAX: usize = 5;
/// Octets of the longest gram left of the registrable domain.
const SUB_GRAM_MAX: usize = 5;
/// Marks before and behind the label; no host name holds them (RFC 952).
const START: u8 = b'^';
const END: u8 = b'$';

/// What kind of thing a feature is; each kind hashes from a start of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Octets in a row.
    Gram = 1,
    /// The same with every digit a 0.
    DigitGram,
    /// A word between hyphens and digits.
    Word,
    /// The label without digits and hyphens.
    Stem,
    /// Lengths and counts.
    Shape,
    /// The public suffix, whole and its last label.
    Ending,
    /// The ending with the label's shape.
    EndingShape,
    /// Octets in a row left of the registrable domain.
    SubGram,
    /// A whole label there.
    SubLabel,
}

/// One thing read off a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feature {
    /// Its hash, well mixed.
    pub hash: u64,
    /// Its kind.
    pub kind: Kind,
    /// First octet in the label with its marks; for grams and words.
    pub from: u8,
    /// Octets there.
    pub len: u8,
}

/// The part of one name that is read, on the stack.
#[derive(Clone)]
pub struct Reading<'a> {
    text: [u8; LABEL_MAX + 2],
    len: usize,
    suffix: &'a [u8],
    /// Labels left of the registrable domain, in wire form.
    left: &'a [u8],
}

impl<'a> Reading<'a> {
    /// Reads `name`. `None` when it has no registrable domain (a public suffix itself, the root).
    pub fn of(name: &'a Name) -> Option<Reading<'a>> {
        let wire = name.registrable()?.as_wire();
        let (len, rest) = wire.split_first()?;
        let (label, suffix) = rest.split_at_checked(usize::from(*len))?;
        let mut text = [END; LABEL_MAX + 2];
        let taken = label.len().min(LABEL_MAX);
        for (to, from) in text.iter_mut().zip(std::iter::once(&START).chain(label.iter().take(LABEL_MAX))) {
            *to = *from;
        }
        let all = name.as_wire();
        let left = all.get(..all.len().saturating_sub(wire.len())).unwrap_or(&[]);
        Some(Reading { text, len: taken + 2, suffix, left })
    }

    /// The label with a mark before and behind it.
    fn text(&self) -> &[u8] {
        self.text.get(..self.len).unwrap_or(&[])
    }

    /// Hands on every feature, in a fixed order; some come more than once.
    pub fn each(&self, mut take: impl FnMut(Feature)) {
        grams(self.text(), Kind::Gram, GRAM_MAX, &mut take);
        let label = self.label();
        if label.iter().any(u8::is_ascii_digit) {
            self.digit_grams(&mut take);
        }
        self.words(&mut take);
        let shape = Shape::of(label);
        shape.each(&mut take);
        self.endings(&shape, &mut take);
        self.left(&mut take);
    }

    /// The feature as a person would write it.
    pub fn show(&self, feature: Feature) -> String {
        let from = usize::from(feature.from);
        let octets = self.text().get(from..from + usize::from(feature.len)).unwrap_or(&[]);
        let text = || String::from_utf8_lossy(octets).into_owned();
        match feature.kind {
            Kind::Gram | Kind::Word | Kind::Stem => text(),
            Kind::DigitGram => text().replace(|letter: char| letter.is_ascii_digit(), "0"),
            Kind::Shape => "(shape)".into(),
            Kind::Ending | Kind::EndingShape => {
                self.suffix_labels().map(|label| format!(".{}", String::from_utf8_lossy(label))).collect()
            }
            Kind::SubGram | Kind::SubLabel => "(left of it)".into(),
        }
    }

    fn suffix_labels(&self) -> impl Iterator<Item = &'a [u8]> {
        labels(self.suffix)
    }

    fn label(&self) -> &[u8] {
        self.text.get(1..self.len.saturating_sub(1)).unwrap_or(&[])
    }

    /// Only grams that hold a digit differ from the plain ones.
    fn digit_grams(&self, take: &mut impl FnMut(Feature)) {
        let mut equal = self.text;
        equal.iter_mut().filter(|octet| octet.is_ascii_digit()).for_each(|octet| *octet = b'0');
        let text = equal.get(..self.len).unwrap_or(&[]);
        grams(text, Kind::DigitGram, DIGIT_GRAM_MAX, &mut |feature: Feature| {
            let from = usize::from(feature.from);
            let gram = text.get(from..from + usize::from(feature.len)).unwrap_or(&[]);
            if gram.contains(&b'0') {
                take(feature);
            }
        });
    }

    /// `www` says nothing and is not read.
    fn left(&self, take: &mut impl FnMut(Feature)) {
        let mut room = LEFT_MAX;
        for label in labels(self.left).filter(|label| *label != b"www") {
            let Some(left) = room.checked_sub(label.len()) else { return };
            room = left;
            let mut text = [END; LEFT_MAX + 2];
            for (to, from) in text.iter_mut().zip(std::iter::once(&START).chain(label)) {
                *to = *from;
            }
            grams(text.get(..label.len() + 2).unwrap_or(&[]), Kind::SubGram, SUB_GRAM_MAX, take);
            let whole = label.iter().fold(start(Kind::SubLabel), |hash, octet| step(hash, *octet));
            take(feature(whole, Kind::SubLabel, 0, 0));
        }
    }

    fn words(&self, take: &mut impl FnMut(Feature)) {
        let (mut from, mut hash, mut words) = (1_usize, start(Kind::Word), 0_usize);
        let mut stem = start(Kind::Stem);
        for (at, octet) in self.text().iter().enumerate().skip(1) {
            if octet.is_ascii_lowercase() {
                (hash, stem) = (step(hash, *octet), step(stem, *octet));
                continue;
            }
            let is_whole = from == 1 && *octet == END;
            if at > from + 1 && !is_whole {
                words += 1;
                take(feature(hash, Kind::Word, from, at - from));
            }
            (from, hash) = (at + 1, start(Kind::Word));
        }
        take(feature(stem, Kind::Stem, 1, self.len.saturating_sub(2)));
        take(number(Kind::Shape, 1, words.min(6)));
    }

    fn endings(&self, shape: &Shape, take: &mut impl FnMut(Feature)) {
        let whole = self.suffix.iter().fold(start(Kind::Ending), |hash, octet| step(hash, *octet));
        take(feature(whole, Kind::Ending, 0, 0));
        let last = self.suffix_labels().last().unwrap_or(&[]);
        let of_last = last.iter().fold(start(Kind::Ending) ^ 1, |hash, octet| step(hash, *octet));
        take(feature(of_last, Kind::Ending, 0, 0));
        let coarse = step(start(Kind::EndingShape) ^ whole, shape.coarse());
        take(feature(coarse, Kind::EndingShape, 0, 0));
    }
}

/// Labels of a name in wire form, with or without the root's octet.
fn labels(mut wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = wire.split_first().filter(|(len, _)| **len > 0)?;
        let (label, behind) = rest.split_at_checked(usize::from(*len))?;
        wire = behind;
        Some(label)
    })
}

/// Every run of 2 to `longest` octets.
fn grams(text: &[u8], kind: Kind, longest: usize, take: &mut impl FnMut(Feature)) {
    for from in 0..text.len() {
        let mut hash = start(kind);
        for (at, octet) in text.iter().skip(from).take(longest).enumerate() {
            hash = step(hash, *octet);
            if at > 0 {
                take(feature(hash, kind, from, at + 1));
            }
        }
    }
}

/// Counts that say what kind of name it is: typed by a person, made by a machine, a number.
struct Shape {
    len: usize,
    digits: usize,
    hyphens: usize,
    vowels: usize,
    /// The longest run of letters without a vowel.
    hard_run: usize,
    distinct: usize,
    /// How often letters and digits take turns.
    turns: usize,
    is_idn: bool,
    starts_digit: bool,
    ends_digit: bool,
}

impl Shape {
    fn of(label: &[u8]) -> Shape {
        let (mut seen, mut run, mut hard_run, mut turns, mut last_digit) = (0_u64, 0, 0, 0, None);
        for octet in label {
            seen |= 1 << (octet & 63);
            let is_hard = octet.is_ascii_lowercase() && !is_vowel(*octet);
            run = if is_hard { run + 1 } else { 0 };
            hard_run = hard_run.max(run);
            let digit = octet.is_ascii_digit();
            turns += usize::from(last_digit.is_some_and(|last| last != digit));
            last_digit = Some(digit);
        }
        let count = |is: fn(&u8) -> bool| label.iter().filter(|octet| is(octet)).count();
        Shape {
            len: label.len(),
            digits: count(u8::is_ascii_digit),
            hyphens: count(|octet| *octet == b'-'),
            vowels: count(|octet| is_vowel(*octet)),
            hard_run,
            distinct: seen.count_ones() as usize,
            turns,
            is_idn: label.starts_with(b"xn--"),
            starts_digit: label.first().is_some_and(u8::is_ascii_digit),
            ends_digit: label.last().is_some_and(u8::is_ascii_digit),
        }
    }

    fn each(&self, take: &mut impl FnMut(Feature)) {
        let letters = self.len.saturating_sub(self.digits + self.hyphens);
        let ends = usize::from(self.starts_digit) * 2 + usize::from(self.ends_digit);
        let facts = [
            self.len,
            self.digits.min(12) * 16 + self.hyphens.min(5),
            self.digits.min(12) * 64 + self.len,
            (self.vowels * 8).checked_div(letters).unwrap_or(9) * 64 + self.len / 2,
            self.hard_run.min(9) * 64 + self.len / 4,
            self.distinct * 64 + self.len,
            self.turns.min(9) * 16 + ends,
            usize::from(self.is_idn),
            ends * 64 + self.digits.min(12),
        ];
        for (at, fact) in facts.into_iter().enumerate() {
            take(number(Kind::Shape, 2 + at, fact));
        }
    }

    /// A few classes, to stand beside the ending.
    fn coarse(&self) -> u8 {
        let len = (self.len / 4).min(5);
        let digits = if self.digits == 0 {
            0
        } else if self.digits * 2 < self.len {
            1
        } else {
            2
        };
        u8::try_from(len * 9 + digits * 3 + self.hyphens.min(2)).unwrap_or(0)
    }
}

fn is_vowel(octet: u8) -> bool {
    matches!(octet, b'a' | b'e' | b'i' | b'o' | b'u' | b'y')
}

fn number(kind: Kind, which: usize, value: usize) -> Feature {
    feature(step(step(start(kind), which as u8), (value & 255) as u8) ^ ((value >> 8) as u64) << 17, kind, 0, 0)
}

fn feature(hash: u64, kind: Kind, from: usize, len: usize) -> Feature {
    Feature { hash: mix(hash), kind, from: from as u8, len: len as u8 }
}

fn start(kind: Kind) -> u64 {
    0x9e37_79b9_7f4a_7c15 ^ ((kind as u64) << 56)
}

/// One octet more: multiply by an odd number with its bits spread (of PCG, O'Neill 2014).
fn step(hash: u64, octet: u8) -> u64 {
    (hash ^ u64::from(octet)).wrapping_mul(0x5851_f42d_4c95_7f2d).rotate_left(23)
}

/// The end of MurmurHash3, half of it: every bit of the hash reaches the upper ones.
fn mix(hash: u64) -> u64 {
    let hash = (hash ^ hash >> 32).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^ hash >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(Kind, String)> {
        let name: Name = text.parse().unwrap();
        let mut features = Vec::new();
        let reading = Reading::of(&name).unwrap();
        reading.each(|feature| features.push((feature.kind, reading.show(feature))));
        features
    }

    fn of(kind: Kind, text: &str) -> Vec<String> {
        read(text).into_iter().filter(|feature| feature.0 == kind).map(|feature| feature.1).collect()
    }

    #[test]
    fn grams_stay_inside_the_registrable_label() {
        let grams = of(Kind::Gram, "cdn.abc.co.uk");
        assert_eq!(grams, ["^a", "^ab", "^abc", "^abc$", "ab", "abc", "abc$", "bc", "bc$", "c$"]);
        assert_eq!(of(Kind::DigitGram, "a7.example"), ["^a0", "^a0$", "a0", "a0$", "0$"]);
        assert_eq!(of(Kind::Word, "my-cat24.example"), ["my", "cat"]);
        assert_eq!(of(Kind::Ending, "a.co.uk"), [".co.uk", ".co.uk"]);
        assert_eq!(of(Kind::SubLabel, "www.cdn.abc.co.uk").len(), 1, "www is not read");
        assert_eq!(read("www.abc.vn"), read("abc.vn"));
    }

    #[test]
    fn digits_are_equal_where_they_should_be_and_nothing_else_is() {
        let hashes = |text: &str, kind: Kind| {
            let name: Name = text.parse().unwrap();
            let mut hashes = Vec::new();
            Reading::of(&name).unwrap().each(|feature| {
                if feature.kind == kind {
                    hashes.push(feature.hash);
                }
            });
            hashes
        };
        assert_eq!(hashes("win12.example", Kind::DigitGram), hashes("win34.example", Kind::DigitGram));
        assert_ne!(hashes("win12.example", Kind::Gram), hashes("win34.example", Kind::Gram));
        assert_eq!(hashes("win12.example", Kind::Stem), hashes("win.example", Kind::Stem));
        assert_ne!(hashes("ab.example", Kind::Gram), hashes("ba.example", Kind::Gram));
        assert!(hashes("win.example", Kind::DigitGram).is_empty());
    }

    #[test]
    fn the_work_is_bounded() {
        let long = format!("{0}.{0}.{0}.{1}.com", "a1".repeat(31), "z".repeat(60));
        assert!(read(&long).len() < 500, "{}", read(&long).len());
        let name: Name = "com".parse().unwrap();
        assert!(Reading::of(&name).is_none() && Reading::of(&Name::ROOT).is_none());
    }
}
