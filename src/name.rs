//! The one spelling of a domain name. A [`Name`] is always valid, lower-cased wire form (RFC 1035 §3.1) held in place:
//! looking at it, walking its parents and finding its registrable part allocate nothing. Knows no list and no policy.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod lookalike;
mod set;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

pub use lookalike::Lookalikes;
pub use set::NameSet;

/// Octets of the longest name in wire form, the root's zero octet included (RFC 1035 §2.3.4).
pub const WIRE_MAX: usize = 255;
/// Octets of the longest label (RFC 1035 §2.3.4).
pub const LABEL_MAX: usize = 63;
/// Labels of the longest name, the root not counted: 127 one-octet labels fill 254 octets.
pub const LABELS_MAX: usize = 127;

/// A domain name: lower-case A-labels in wire form, at most 255 octets and 127 labels. The root is a name.
#[derive(Clone)]
pub struct Name {
    len: u8,
    wire: [u8; WIRE_MAX],
}

/// Why a text or a packet holds no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No label at all.
    #[error("empty name")]
    Empty,
    /// Two dots in a row, or a dot at the start.
    #[error("empty label")]
    EmptyLabel,
    /// A label over 63 octets.
    #[error("label longer than 63 octets")]
    LabelTooLong,
    /// Over 253 characters in text, 255 octets on the wire.
    #[error("name longer than 253 octets")]
    TooLong,
    /// A character no host name holds.
    #[error("character not allowed in a name")]
    BadChar,
    /// Unicode that UTS 46 refuses.
    #[error("not a valid international name (UTS 46)")]
    BadIdna,
    /// A packet that ends inside the name.
    #[error("truncated name")]
    Truncated,
    /// A compression pointer or reserved label type where plain labels are required.
    #[error("compressed or reserved label")]
    BadLabelType,
}

impl Name {
    /// The root, written `.`.
    pub const ROOT: Name = Name { len: 1, wire: [0; WIRE_MAX] };

    /// Reads a text name as people and lists write it: any case, final dot optional, Unicode turned to A-labels (UTS 46,
    /// non-transitional). Letters, digits, hyphen and underscore are allowed; nothing is trimmed.
    pub fn parse(text: &str) -> Result<Name, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text == "." {
            return Ok(Name::ROOT);
        }
        if text.is_ascii() && !has_a_label(text.as_bytes()) {
            return Name::from_ascii(text.as_bytes());
        }
        if text.chars().any(is_punctuation_lookalike) {
            return Err(NameError::BadIdna);
        }
        let ascii =
            idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY).map_err(|_| NameError::BadIdna)?;
        Name::from_ascii(ascii.as_bytes())
    }

    /// Reads the uncompressed name that starts `packet[at..]`. Returns it with the offset just behind it. Any octet is
    /// allowed in a label (RFC 2181 §11); ASCII capitals are lowered.
    pub fn from_wire(packet: &[u8], at: usize) -> Result<(Name, usize), NameError> {
        let rest = packet.get(at..).ok_or(NameError::Truncated)?;
        let mut end = 0_usize;
        loop {
            let len = usize::from(*rest.get(end).ok_or(NameError::Truncated)?);
            if len > LABEL_MAX {
                return Err(NameError::BadLabelType);
            }
            end = end.saturating_add(len).saturating_add(1);
            if end > WIRE_MAX {
                return Err(NameError::TooLong);
            }
            if len == 0 {
                break;
            }
        }
        let octets = rest.get(..end).ok_or(NameError::Truncated)?;
        let mut name = Name::ROOT;
        for (to, from) in name.wire.iter_mut().zip(octets) {
            // Length octets are at most 63 and so never in the range of capitals.
            *to = from.to_ascii_lowercase();
        }
        name.len = u8::try_from(end).map_err(|_| NameError::TooLong)?;
        Ok((name, at.saturating_add(end)))
    }

    /// Reads a name that may be compressed (RFC 1035 §4.1.4). Every pointer must lead back behind the one before, so the
    /// work is bounded. Returns it with the offset behind its first part.
    pub fn from_message(message: &[u8], at: usize) -> Result<(Name, usize), NameError> {
        let mut name = Name { len: 0, wire: [0; WIRE_MAX] };
        let (mut from, mut floor, mut behind) = (at, at, None);
        loop {
            let len = *message.get(from).ok_or(NameError::Truncated)?;
            let next = from.saturating_add(1);
            match usize::from(len) {
                0 => {
                    name.len = name.len.checked_add(1).ok_or(NameError::TooLong)?;
                    return Ok((name, behind.unwrap_or(next)));
                }
                len if len <= LABEL_MAX => {
                    let end = next.saturating_add(len);
                    name.push_octets(message.get(next..end).ok_or(NameError::Truncated)?)?;
                    from = end;
                }
                0xc0.. => {
                    let low = *message.get(next).ok_or(NameError::Truncated)?;
                    let target = usize::from(u16::from_be_bytes([len & 0x3f, low]));
                    if target >= floor {
                        return Err(NameError::BadLabelType);
                    }
                    behind = behind.or(Some(next.saturating_add(1)));
                    (from, floor) = (target, target);
                }
                _ => return Err(NameError::BadLabelType),
            }
        }
    }

    fn from_ascii(text: &[u8]) -> Result<Name, NameError> {
        let text = text.strip_suffix(b".").unwrap_or(text);
        if text.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        let mut name = Name { len: 0, wire: [0; WIRE_MAX] };
        for label in text.split(|octet| *octet == b'.') {
            name.push_label(label)?;
        }
        // The zero octet of the root is already there.
        name.len = name.len.checked_add(1).ok_or(NameError::TooLong)?;
        Ok(name)
    }

    fn push_label(&mut self, label: &[u8]) -> Result<(), NameError> {
        if label.is_empty() {
            return Err(NameError::EmptyLabel);
        }
        if !label.iter().all(|octet| is_host_octet(*octet)) {
            return Err(NameError::BadChar);
        }
        if label.len() > LABEL_MAX {
            return Err(NameError::LabelTooLong);
        }
        self.push_octets(label)
    }

    /// Adds a label of 1 to 63 octets.
    fn push_octets(&mut self, label: &[u8]) -> Result<(), NameError> {
        let at = usize::from(self.len);
        let end = at.saturating_add(label.len()).saturating_add(1);
        // One octet must remain for the root.
        if end >= WIRE_MAX {
            return Err(NameError::TooLong);
        }
        if let Some((len, body)) = self.wire.get_mut(at..end).and_then(<[u8]>::split_first_mut) {
            *len = u8::try_from(label.len()).map_err(|_| NameError::LabelTooLong)?;
            for (to, from) in body.iter_mut().zip(label) {
                *to = from.to_ascii_lowercase();
            }
        }
        self.len = u8::try_from(end).map_err(|_| NameError::TooLong)?;
        Ok(())
    }

    /// The wire form, lower-cased, the root's zero octet included.
    pub fn as_wire(&self) -> &[u8] {
        self.wire.get(..usize::from(self.len)).unwrap_or(&[0])
    }

    /// True for the root alone.
    pub fn is_root(&self) -> bool {
        self.len <= 1
    }

    /// The name as a suffix of itself: the cheap, borrowed view.
    pub fn view(&self) -> Suffix<'_> {
        Suffix(self.as_wire())
    }

    /// Labels from the left, the root not included.
    pub fn labels(&self) -> Labels<'_> {
        Labels(self.as_wire())
    }

    /// The name itself, its parent, and so on to the last label. The root is not included.
    pub fn suffixes(&self) -> Suffixes<'_> {
        Suffixes(self.as_wire())
    }

    /// Number of labels, the root not counted.
    pub fn label_count(&self) -> usize {
        self.labels().count()
    }

    /// True when `self` is `parent` or stands below it.
    pub fn is_within(&self, parent: &Name) -> bool {
        parent.is_root() || self.suffixes().any(|suffix| suffix.0 == parent.as_wire())
    }

    /// The public suffix, its private part included (`github.io`), by the list compiled in. `None` for the root.
    pub fn public_suffix(&self) -> Option<Suffix<'_>> {
        self.suffix_of(psl_labels(self)?.0)
    }

    /// The registrable domain: the public suffix and one label more. `None` for a name that is itself a suffix.
    pub fn registrable(&self) -> Option<Suffix<'_>> {
        self.suffix_of(psl_labels(self)?.0.checked_add(1)?)
    }

    /// True when the name is exactly an ICANN suffix such as `co.uk` or `com` that is on the public suffix list.
    pub fn is_icann_suffix(&self) -> bool {
        psl_labels(self).is_some_and(|(labels, kind)| labels == self.label_count() && kind == Some(psl::Type::Icann))
    }

    fn suffix_of(&self, labels: usize) -> Option<Suffix<'_>> {
        self.suffixes().nth(self.label_count().checked_sub(labels)?)
    }
}

/// A name or one of its parents, borrowed: wire form down to the root's zero octet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Suffix<'a>(&'a [u8]);

impl<'a> Suffix<'a> {
    /// The wire form, lower-cased, the root's zero octet included.
    pub fn as_wire(self) -> &'a [u8] {
        self.0
    }

    /// Labels from the left.
    pub fn labels(self) -> Labels<'a> {
        Labels(self.0)
    }

    /// A copy that stands alone.
    pub fn to_name(self) -> Name {
        let mut name = Name::ROOT;
        for (to, from) in name.wire.iter_mut().zip(self.0) {
            *to = *from;
        }
        name.len = u8::try_from(self.0.len()).unwrap_or(1);
        name
    }
}

/// Labels of a name, left to right.
#[derive(Clone)]
pub struct Labels<'a>(&'a [u8]);

impl<'a> Iterator for Labels<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (label, rest) = split_label(self.0)?;
        self.0 = rest;
        Some(label)
    }
}

/// A name and its parents, longest first.
#[derive(Clone)]
pub struct Suffixes<'a>(&'a [u8]);

impl<'a> Iterator for Suffixes<'a> {
    type Item = Suffix<'a>;

    fn next(&mut self) -> Option<Suffix<'a>> {
        let here = self.0;
        let (_, rest) = split_label(here)?;
        self.0 = rest;
        Some(Suffix(here))
    }
}

fn split_label(wire: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = wire.split_first()?;
    if *len == 0 {
        return None;
    }
    rest.split_at_checked(usize::from(*len))
}

/// Labels in the public suffix of `name`, and which part of the list said so (`None`: the default rule `*`).
fn psl_labels(name: &Name) -> Option<(usize, Option<psl::Type>)> {
    use psl::Psl as _;
    let mut starts = [&[][..]; LABELS_MAX];
    let mut count = 0_usize;
    for (slot, label) in starts.iter_mut().zip(name.labels()) {
        *slot = label;
        count = count.saturating_add(1);
    }
    let labels = starts.get(..count).filter(|labels| !labels.is_empty())?;
    let info = psl::List.find(labels.iter().rev().copied());
    // `Info::len` counts octets of the suffix in text form, dots between labels included.
    let mut octets = 0_usize;
    let mut suffix = 0_usize;
    for label in labels.iter().rev() {
        if octets >= info.len {
            break;
        }
        octets = octets.saturating_add(label.len()).saturating_add(usize::from(suffix > 0));
        suffix = suffix.saturating_add(1);
    }
    Some((suffix, info.typ))
}

fn is_host_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || octet == b'-' || octet == b'_'
}

/// Any label starting `xn--`: such text must pass UTS 46 even though it is ASCII.
fn has_a_label(text: &[u8]) -> bool {
    text.split(|octet| *octet == b'.')
        .any(|label| label.get(..4).is_some_and(|head| head.eq_ignore_ascii_case(b"xn--")))
}

impl PartialEq for Name {
    fn eq(&self, other: &Name) -> bool {
        self.as_wire() == other.as_wire()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.view().hash(state);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Name) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Name) -> std::cmp::Ordering {
        self.as_wire().cmp(other.as_wire())
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Name, NameError> {
        Name::parse(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(out)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Name({})", self.view())
    }
}

impl fmt::Display for Suffix<'_> {
    /// Text form without the final dot, odd octets as `\DDD` (RFC 1035 §5.1); the root is `.`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        if self.labels().next().is_none() {
            return out.write_str(".");
        }
        for (position, label) in self.labels().enumerate() {
            if position > 0 {
                out.write_char('.')?;
            }
            for octet in label {
                match octet {
                    b'.' | b'\\' => write!(out, "\\{}", char::from(*octet))?,
                    0x21..=0x7e => out.write_char(char::from(*octet))?,
                    _ => write!(out, "\\{octet:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Suffix<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Suffix({self})")
    }
}

/// Hyphens, dashes, dots and quotes that look like ASCII ones. UTS 46 lets them pass, IDNA2008 does not (RFC 5892 §2.6
/// disallows the General Punctuation block), so no registry has such a name, only a forger's list or link.
fn is_punctuation_lookalike(letter: char) -> bool {
    matches!(letter, '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{fe31}' | '\u{fe32}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn compressed_names_are_followed_back_only() {
        let message = b"\x03Com\x00\x07example\xc0\x00\x03www\xc0\x05\xc0\x13\xc0\x17";
        let (name, end) = Name::from_message(message, 15).unwrap();
        assert_eq!((name.to_string().as_str(), end), ("www.example.com", 21));
        assert_eq!(Name::from_message(message, 23).unwrap_err(), NameError::BadLabelType, "to itself");
        assert_eq!(Name::from_message(b"\xc0\x00", 0).unwrap_err(), NameError::BadLabelType, "a loop");
        for end in 0..message.len() {
            let _ = Name::from_message(&message[..end], 15);
        }
    }

    #[test]
    fn spells_every_writing_the_same() {
        assert_eq!(name("WWW.Example.COM."), name("www.example.com"));
        assert_eq!(name("bücher.example").to_string(), "xn--bcher-kva.example");
        assert_eq!(name(".").to_string(), ".");
    }

    #[test]
    fn refuses_what_is_no_name() {
        assert_eq!(Name::parse(""), Err(NameError::Empty));
        assert_eq!(Name::parse("a..b"), Err(NameError::EmptyLabel));
        assert_eq!(Name::parse("a b"), Err(NameError::BadChar));
        assert_eq!(Name::parse(&"a".repeat(64)), Err(NameError::LabelTooLong));
        assert_eq!(Name::parse(&"a.".repeat(128)), Err(NameError::TooLong));
        assert!(Name::parse(&"a.".repeat(127)).is_ok());
    }

    #[test]
    fn walks_parents() {
        let walked: Vec<String> = name("a.b.co.uk").suffixes().map(|suffix| suffix.to_string()).collect();
        assert_eq!(walked, ["a.b.co.uk", "b.co.uk", "co.uk", "uk"]);
        assert!(name("a.b.co.uk").is_within(&name("co.uk")));
        assert!(!name("ab.co.uk").is_within(&name("b.co.uk")));
    }

    #[test]
    fn knows_public_suffixes() {
        assert_eq!(name("x.y.co.uk").registrable().unwrap().to_string(), "y.co.uk");
        assert_eq!(name("me.github.io").registrable().unwrap().to_string(), "me.github.io");
        assert!(name("co.uk").is_icann_suffix() && !name("github.io").is_icann_suffix());
        assert_eq!(name("co.uk").registrable(), None);
        assert_eq!(name("a.edu.vn").public_suffix().unwrap().to_string(), "edu.vn");
        assert_eq!(name("a.公司.cn").registrable().unwrap().to_string(), "a.xn--55qx5d.cn");
    }

    #[test]
    fn reads_the_wire() {
        let packet = b"..\x03WwW\x07example\x00rest";
        let (read, next) = Name::from_wire(packet, 2).unwrap();
        assert_eq!((read.to_string().as_str(), next), ("www.example", 15));
        assert_eq!(Name::from_wire(b"\xc0\x0c", 0), Err(NameError::BadLabelType));
        assert_eq!(Name::from_wire(b"\x03ww", 0), Err(NameError::Truncated));
        assert_eq!(name("www.example").as_wire(), b"\x03www\x07example\x00");
    }
}
