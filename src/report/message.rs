//! What one report holds, before it is sealed: a registrable name that the engine classified, and nothing about anybody.
//! What may not be told (a host name, a category outside the lane, a threshold below the floor) cannot be written down here.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use crate::classify::category::{Category, CategorySet};
use crate::name::Name;

/// The format of everything in this room. Part of what is evaluated, so that another version never meets this one.
pub const VERSION: u8 = 1;
/// Octets of [`Header`].
pub const HEADER_LEN: usize = 7;
/// Octets of the longest name that is reported, in wire form (a guess: longer registrable names are rare and odd).
pub const NAME_MAX: usize = 80;
/// Octets of what is sealed, whatever the name: 6 of fields, 80 of name, the rest zero.
pub const CONTENT_LEN: usize = 96;
/// Regions that can be told apart; 0 stands for the whole country.
pub const REGIONS: u8 = 64;
/// Fewest households a name must be seen by, whatever anybody asks for. A decision of this house; Brave uses 50.
pub const THRESHOLD_FLOOR: u8 = 10;

/// Why something cannot be reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// A full host name, or a public suffix.
    #[error("only registrable names are reported")]
    NotRegistrable,
    /// Over [`NAME_MAX`] octets.
    #[error("name of {0} octets is longer than {NAME_MAX}")]
    TooLong(usize),
    /// A category the lane does not carry. Sealed content, help and health are in no lane.
    #[error("category {0} is never reported in this lane")]
    Category(Category),
    /// Confidence over 3 or a region over 63.
    #[error("a field is out of its range")]
    Field,
}

/// How often a kind of report is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Lane {
    /// Attacks, each day: they move within days.
    Security = 1,
    /// What harms children, each week.
    Harm = 2,
}

/// Fewest households that must report a name before anybody can read it: 10 to 255.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Threshold(u8);

/// What all reports of one count share. It goes into what is evaluated: a hub that asks a household for another threshold
/// gets reports that fit no other household's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Header {
    /// Which kind.
    pub lane: Lane,
    /// The number of the day or week, as the manifest gives it.
    pub epoch: u32,
    /// From how many on.
    pub threshold: Threshold,
}

/// One name to report. No `Display`: it is printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    header: Header,
    content: Content,
}

/// What can be read once enough households said the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The registrable name.
    pub name: Name,
    /// What the engine took it for.
    pub category: Category,
    /// How sure, 0 to 3.
    pub confidence: u8,
    /// A coarse region, below [`REGIONS`].
    pub region: u8,
    /// The engine's version.
    pub engine: u16,
}

impl Lane {
    /// What this lane carries, and nothing else ever.
    pub fn categories(self) -> CategorySet {
        match self {
            Lane::Security => CategorySet::of(&[Category::PredatoryLoan, Category::Malware, Category::PhishingScam]),
            Lane::Harm => CategorySet::of(&[
                Category::Grooming,
                Category::StrangerChat,
                Category::NudifyNcii,
                Category::SelfharmPromo,
                Category::EatingDisPromo,
                Category::BullyingDox,
                Category::TraffickingLure,
                Category::AiCompanion,
                Category::Bypass,
            ]),
        }
    }

    /// Both.
    pub const ALL: [Lane; 2] = [Lane::Security, Lane::Harm];

    /// `security` or `harm`.
    pub fn name(self) -> &'static str {
        match self {
            Lane::Security => "security",
            Lane::Harm => "harm",
        }
    }

    /// The other way round.
    pub fn from_name(name: &str) -> Option<Lane> {
        Lane::ALL.into_iter().find(|lane| lane.name() == name)
    }

    fn from_octet(octet: u8) -> Option<Lane> {
        Lane::ALL.into_iter().find(|lane| *lane as u8 == octet)
    }
}

impl Threshold {
    /// The threshold this house asks for unless a manifest says more.
    pub const USUAL: Threshold = Threshold(20);

    /// `None` below [`THRESHOLD_FLOOR`].
    pub fn new(households: u8) -> Option<Threshold> {
        (households >= THRESHOLD_FLOOR).then_some(Threshold(households))
    }

    /// How many.
    pub fn households(self) -> usize {
        usize::from(self.0)
    }
}

impl Header {
    /// Version, lane, epoch (big-endian), threshold.
    pub fn octets(&self) -> [u8; HEADER_LEN] {
        let [a, b, c, d] = self.epoch.to_be_bytes();
        [VERSION, self.lane as u8, a, b, c, d, self.threshold.0]
    }

    /// `None` for another version, a lane or a threshold that is none.
    pub fn parse(octets: &[u8; HEADER_LEN]) -> Option<Header> {
        let [version, lane, a, b, c, d, threshold] = *octets;
        let (lane, threshold) = (Lane::from_octet(lane)?, Threshold::new(threshold)?);
        (version == VERSION).then_some(Header { lane, epoch: u32::from_be_bytes([a, b, c, d]), threshold })
    }
}

impl Report {
    /// Checks that all of it may be told.
    pub fn new(header: Header, content: Content) -> Result<Report, ReportError> {
        content.check(header.lane)?;
        Ok(Report { header, content })
    }

    /// What it is counted with.
    pub fn header(&self) -> Header {
        self.header
    }

    /// What two households must have in common to be counted together: header, category and name. Input of both oblivious
    /// functions.
    pub(crate) fn measured(&self) -> Vec<u8> {
        let wire = self.content.name.as_wire();
        let mut octets = self.header.octets().to_vec();
        octets.extend([self.content.category as u8, u8::try_from(wire.len()).unwrap_or(u8::MAX)]);
        octets.extend(wire);
        octets
    }

    /// What is sealed.
    pub(crate) fn content(&self) -> &Content {
        &self.content
    }
}

impl Content {
    /// Always [`CONTENT_LEN`] octets: category, confidence, region, engine (2), length and name, zeros.
    pub(crate) fn octets(&self) -> [u8; CONTENT_LEN] {
        let wire = self.name.as_wire();
        let [high, low] = self.engine.to_be_bytes();
        let length = u8::try_from(wire.len()).unwrap_or(u8::MAX);
        let fields = [self.category as u8, self.confidence, self.region, high, low, length];
        let mut octets = [0; CONTENT_LEN];
        octets.iter_mut().zip(fields.iter().chain(wire)).for_each(|(to, from)| *to = *from);
        octets
    }

    /// Reads what [`Content::octets`] wrote. `None` unless each field is in its range, the name fills its length and is
    /// registrable, the lane carries the category, and the rest is zero.
    pub fn parse(octets: &[u8; CONTENT_LEN], lane: Lane) -> Option<Content> {
        let (fields, rest) = octets.split_at_checked(6)?;
        let &[category, confidence, region, high, low, length] = fields else { return None };
        let (wire, padding) = rest.split_at_checked(usize::from(length))?;
        let (name, end) = Name::from_wire(wire, 0).ok()?;
        let engine = u16::from_be_bytes([high, low]);
        let content = Content { name, category: Category::from_id(category)?, confidence, region, engine };
        let is_whole = end == wire.len() && content.name.as_wire() == wire && padding.iter().all(|octet| *octet == 0);
        (is_whole && content.check(lane).is_ok()).then_some(content)
    }

    fn check(&self, lane: Lane) -> Result<(), ReportError> {
        let wire = self.name.as_wire();
        if wire.len() > NAME_MAX {
            return Err(ReportError::TooLong(wire.len()));
        }
        if self.name.registrable().is_none_or(|registrable| registrable.as_wire() != wire) {
            return Err(ReportError::NotRegistrable);
        }
        if !lane.categories().contains(self.category) {
            return Err(ReportError::Category(self.category));
        }
        if self.confidence > 3 || self.region >= REGIONS { Err(ReportError::Field) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn content(name: &str, category: Category) -> Content {
        Content { name: Name::parse(name).unwrap(), category, confidence: 2, region: 7, engine: 3 }
    }

    fn header(threshold: u8) -> Header {
        Header { lane: Lane::Security, epoch: 20_783, threshold: Threshold::new(threshold).unwrap() }
    }

    #[test]
    fn what_must_not_be_told_cannot_be_written_down() {
        let refused = |name: &str, category| Report::new(header(20), content(name, category)).err();
        assert_eq!(refused("xau.com", Category::PhishingScam), None);
        assert_eq!(refused("be.xau.com", Category::PhishingScam), Some(ReportError::NotRegistrable));
        assert_eq!(refused("com.vn", Category::PhishingScam), Some(ReportError::NotRegistrable));
        assert_eq!(refused("me.github.io", Category::PhishingScam), None, "one site of many under one suffix");
        let long = format!("{}.{}.com.vn", "a".repeat(63), "b".repeat(63));
        assert_eq!(refused(&long, Category::PhishingScam), Some(ReportError::TooLong(136)));
        for category in [Category::Csam, Category::Help, Category::HealthSexed, Category::Grooming, Category::Porn] {
            assert_eq!(refused("xau.com", category), Some(ReportError::Category(category)));
        }
        for lane in [Lane::Security, Lane::Harm] {
            let never = [Category::Csam, Category::Help, Category::HealthSexed, Category::LegalOrder];
            assert!(!lane.categories().intersects(CategorySet::of(&never)));
        }
    }

    #[test]
    fn no_threshold_is_below_the_floor() {
        assert_eq!(Threshold::new(9), None);
        assert_eq!(Threshold::new(10).unwrap().households(), 10);
        let mut octets = header(10).octets();
        assert_eq!(Header::parse(&octets), Some(header(10)));
        octets[6] = 9;
        assert_eq!(Header::parse(&octets), None);
    }

    #[test]
    fn contents_are_one_size_and_come_back() {
        for name in ["xau.com", "a.vn", &format!("{}.com.vn", "c".repeat(63))] {
            let content = content(name, Category::Malware);
            let octets = content.octets();
            assert_eq!(Content::parse(&octets, Lane::Security), Some(content));
            assert_eq!(Content::parse(&octets, Lane::Harm), None, "not of that lane");
        }
        let mut octets = content("xau.com", Category::Malware).octets();
        octets[95] = 1;
        assert_eq!(Content::parse(&octets, Lane::Security), None, "padding says something");
    }

    #[test]
    fn whatever_differs_is_measured_apart() {
        let measured = |header, name: &str, category| Report::new(header, content(name, category)).unwrap().measured();
        let base = measured(header(20), "xau.com", Category::Malware);
        assert_eq!(base, measured(header(20), "XAU.com", Category::Malware));
        assert_ne!(base, measured(header(21), "xau.com", Category::Malware));
        assert_ne!(base, measured(Header { epoch: 1, ..header(20) }, "xau.com", Category::Malware));
        assert_ne!(base, measured(header(20), "xau.com", Category::PhishingScam));
        assert_ne!(base, measured(header(20), "xau.net", Category::Malware));
    }
}
