//! Looking things up in a bundle. `from_storage` checks header, extents and checksums once; after that a look-up is one
//! line of the table and one effect a level, and nothing is allocated.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout};

use super::format::{self, Effect, Header, Line, PartRecord, Place, Range4, Range6, SECTIONS, Section};
use super::meta::{Meta, ServiceInfo, SourceInfo};
use crate::classify::appeal::AppealId;
use crate::classify::category::{Category, CategorySet};
use crate::classify::classes::{Classes, Evidence};
use crate::classify::service::{ServiceId, ServiceSet};
use crate::name::{Name, Suffix};

/// Read-only bytes that outlive every look-up: a mapped file or a vector.
pub type Storage = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Suffixes whose table lines are fetched together, so that their cache misses overlap. Most names have fewer labels;
/// deeper ones take another round.
const ROUND: usize = 8;

/// A checked bundle.
pub struct Bundle {
    storage: Storage,
    extents: [Range<usize>; SECTIONS],
    header: Header,
    meta: Meta,
}

/// Where a name and its parents would live, longest first; names of more labels take another round.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places([Option<Place>; ROUND]);

/// One entry that matched, in full: what `explain` and `classify` print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The listed name, prefix or URL that matched, as text.
    pub entry: String,
    /// True for an entry that lifts categories instead of adding them.
    pub allow: bool,
    /// Categories it adds, or lifts.
    pub categories: CategorySet,
    /// Services it names.
    pub services: ServiceSet,
    /// Its own minimum age, 0 for none.
    pub min_age: u8,
    /// The list that holds it, by name.
    pub source: String,
    /// False when a more specific entry, or an allow beside it, lifted all of it.
    pub in_force: bool,
    /// It stands in the list two authorities sign, and can be appealed ([`AppealId`](crate::classify::AppealId)).
    pub is_signed: bool,
}

impl Match {
    /// Under which id a signed entry is appealed; `None` for the box's own and for what only lifts.
    pub fn appeal(&self) -> Option<AppealId> {
        let category = self.categories.iter().next()?;
        (self.is_signed && !self.allow).then(|| AppealId::of(&self.entry, category))
    }
}

/// Why a block of bytes is no bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Shorter than a header.
    #[error("{0} octets are too few for a bundle")]
    TooShort(usize),
    /// Another kind of file.
    #[error("not a bundle")]
    Magic,
    /// Made by a program this one does not know.
    #[error("bundle format {0}, which this program does not read")]
    Version(u32),
    /// The header was changed or torn.
    #[error("header checksum does not match")]
    HeaderChecksum,
    /// A section outside the file, or of a length its records do not divide.
    #[error("section {0} has an impossible extent")]
    Extent(&'static str),
    /// A section was changed or torn.
    #[error("section {0}: checksum does not match")]
    Checksum(&'static str),
    /// Sections that do not fit each other.
    #[error("section {0} points outside another")]
    Reference(&'static str),
}

impl Bundle {
    /// Checks every offset and checksum once, then trusts.
    pub fn from_storage(storage: Storage) -> Result<Bundle, BundleError> {
        let bytes = (*storage).as_ref();
        let too_short = || BundleError::TooShort(bytes.len());
        let (header, _) = Header::read_from_prefix(bytes).map_err(|_| too_short())?;
        check_header(&header)?;
        let mut extents = std::array::from_fn(|_| 0..0);
        for section in Section::ALL {
            if let Some(extent) = extents.get_mut(section as usize) {
                *extent = check_section(bytes, &header, section)?;
            }
        }
        let meta_bytes = extents.get(Section::Meta as usize).and_then(|extent| bytes.get(extent.clone()));
        let meta = meta_bytes.and_then(|bytes| serde_json::from_slice(bytes).ok());
        let meta = meta.ok_or(BundleError::Extent(section_name(Section::Meta)))?;
        let bundle = Bundle { extents, header, meta, storage: Arc::clone(&storage) };
        bundle.check_references()?;
        Ok(bundle)
    }

    /// The union over the entries that match `name` or stand above it. A more specific allow lifts what less specific
    /// entries add. Allocates nothing.
    pub fn classify(&self, name: &Name) -> Classes {
        self.classify_at(name, &self.places(name))
    }

    /// Where `name` and its parents would live.
    pub fn places(&self, name: &Name) -> Places {
        let mut places = Places::default();
        let labels = (1..=name.label_count()).rev();
        for (place, (suffix, labels)) in places.0.iter_mut().zip(name.suffixes().zip(labels)) {
            *place = self.place(suffix, labels);
        }
        places
    }

    /// The memory that looking at `places` will need first.
    pub fn lines(&self, places: &Places) -> impl Iterator<Item = &Line> {
        let table = self.section::<Line>(Section::Table);
        places.0.into_iter().flatten().filter_map(|place| table.get(place.line))
    }

    /// As [`Bundle::classify`], with the places of that name.
    pub fn classify_at(&self, name: &Name, places: &Places) -> Classes {
        self.classify_from(Finding::new(), name, places).classes
    }

    /// The same after something more specific was found.
    pub(in crate::classify) fn classify_from(&self, mut found: Finding, name: &Name, places: &Places) -> Finding {
        let table = self.section::<Line>(Section::Table);
        let effects = self.section::<Effect>(Section::Effects);
        let mut suffixes = name.suffixes().zip((1..=name.label_count()).rev());
        let (mut own, mut round) = (true, *places);
        loop {
            for place in round.0 {
                let Some((_, labels)) = suffixes.next() else { return found };
                let line = place.and_then(|place| Some((place, table.get(place.line)?)));
                if let Some(set) = line.and_then(|(place, line)| find(table, line, place)) {
                    let effect = effects.get(effect_index(set, own));
                    found
                        .take(effect, Evidence { labels: u8::try_from(labels).unwrap_or(u8::MAX), is_url: false, set });
                }
                own = false;
            }
            // Deeper than most names ever are.
            round = Places::default();
            for (place, (suffix, labels)) in round.0.iter_mut().zip(suffixes.clone()) {
                *place = self.place(suffix, labels);
            }
        }
    }

    /// The union over the prefixes that hold `addr`.
    pub fn classify_addr(&self, addr: IpAddr) -> Classes {
        self.classify_addr_from(Finding::new(), addr).classes
    }

    pub(in crate::classify) fn classify_addr_from(&self, mut found: Finding, addr: IpAddr) -> Finding {
        if let Some((set, _)) = self.range_of(addr) {
            let effect = self.section::<Effect>(Section::Effects).get(effect_index(set, true));
            found.take(effect, Evidence { labels: 0, is_url: false, set });
        }
        found
    }

    /// Every entry that matches `name`, most specific first.
    pub fn matches(&self, name: &Name) -> Vec<Match> {
        let mut matches = Vec::new();
        self.matches_from(CategorySet::EMPTY, &mut matches, name);
        matches
    }

    /// The same where something is lifted already, by more specific matches or by another bundle.
    pub(in crate::classify) fn matches_from(&self, mut lifted: CategorySet, matches: &mut Vec<Match>, name: &Name) {
        let table = self.section::<Line>(Section::Table);
        let labels = (1..=name.label_count()).rev();
        for (level, (suffix, labels)) in name.suffixes().zip(labels).enumerate() {
            let place = self.place(suffix, labels);
            let line = place.and_then(|place| Some((place, table.get(place.line)?)));
            if let Some(set) = line.and_then(|(place, line)| find(table, line, place)) {
                self.explain_set(set, level == 0, &suffix.to_string(), &mut lifted, matches);
            }
        }
    }

    /// Every list that holds `addr`.
    pub fn matches_addr(&self, addr: IpAddr) -> Vec<Match> {
        let mut matches = Vec::new();
        self.matches_addr_from(CategorySet::EMPTY, &mut matches, addr);
        matches
    }

    pub(in crate::classify) fn matches_addr_from(
        &self,
        mut lifted: CategorySet,
        matches: &mut Vec<Match>,
        addr: IpAddr,
    ) {
        if let Some((set, entry)) = self.range_of(addr) {
            self.explain_set(set, true, &entry, &mut lifted, matches);
        }
    }

    /// The service with that id, by its stable name.
    pub fn service_name(&self, id: ServiceId) -> Option<&str> {
        self.meta.services.get(usize::from(id.0)).map(|service| service.id.as_str())
    }

    /// The id of a service name.
    pub fn service_id(&self, name: &str) -> Option<ServiceId> {
        let at = self.meta.services.iter().position(|service| service.id == name)?;
        u8::try_from(at).ok().map(ServiceId)
    }

    /// Services, by id.
    pub fn services(&self) -> &[ServiceInfo] {
        &self.meta.services
    }

    /// The lists it was made of.
    pub fn sources(&self) -> &[SourceInfo] {
        &self.meta.sources
    }

    /// Names that are in `category`, lifted ones not counted.
    pub fn category_names(&self, category: Category) -> u64 {
        self.meta.category_names.get(category as usize).copied().unwrap_or(0)
    }

    /// URL rules in `category`, lifted ones not counted.
    pub fn category_urls(&self, category: Category) -> u64 {
        self.meta.category_urls.get(category as usize).copied().unwrap_or(0)
    }

    /// Different listed names.
    pub fn names(&self) -> u64 {
        self.header.names.get()
    }

    /// Disjoint listed address ranges.
    pub fn ranges(&self) -> u64 {
        self.header.addresses.get()
    }

    /// Different class sets.
    pub fn sets(&self) -> usize {
        self.section::<Effect>(Section::Effects).len() / 2
    }

    /// Size in octets.
    pub fn bytes(&self) -> usize {
        (*self.storage).as_ref().len()
    }

    /// The publisher's version number.
    pub fn list_version(&self) -> u64 {
        self.header.list_version.get()
    }

    /// Lines that names are spread over.
    pub(super) fn home_lines(&self) -> u64 {
        self.header.home_lines.get()
    }

    /// When it was built, seconds since 1970, as its writer said.
    pub fn built_at(&self) -> u64 {
        self.header.built_at.get()
    }

    /// The hash key, which is a digest of the lists and so tells two inputs apart.
    pub fn key(&self) -> [u8; 16] {
        self.header.key
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    pub(super) fn section<T: FromBytes + Immutable + KnownLayout>(&self, section: Section) -> &[T] {
        let bytes = self.extents.get(section as usize).and_then(|extent| (*self.storage).as_ref().get(extent.clone()));
        bytes.and_then(|bytes| <[T]>::ref_from_bytes(bytes).ok()).unwrap_or(&[])
    }

    /// Where `suffix` would live; `None` when no entry has so many or so few labels.
    fn place(&self, suffix: Suffix<'_>, labels: usize) -> Option<Place> {
        let is_tld = labels == 1 && self.header.flags.get() & format::HAS_TLD == 0;
        if is_tld || labels > usize::from(self.header.labels_max) {
            return None;
        }
        let hash = format::hash(&self.header.key, suffix.as_wire());
        Some(format::place(hash, self.header.nonce.get(), self.header.home_lines.get()))
    }

    fn range_of(&self, addr: IpAddr) -> Option<(u16, String)> {
        match addr {
            IpAddr::V4(addr) => {
                let ranges = self.section::<Range4>(Section::V4);
                let at = ranges.partition_point(|range| range.first.get() <= u32::from(addr)).checked_sub(1)?;
                let range = ranges.get(at).filter(|range| u32::from(addr) <= range.last.get())?;
                Some((range.set.get(), entry_text(IpAddr::from(range.first.get().to_be_bytes()), range.last.get())))
            }
            IpAddr::V6(addr) => {
                let ranges = self.section::<Range6>(Section::V6);
                let at = ranges.partition_point(|range| range.first <= addr.octets()).checked_sub(1)?;
                let range = ranges.get(at).filter(|range| addr.octets() <= range.last)?;
                Some((range.set.get(), format!("{}-{}", IpAddr::from(range.first), IpAddr::from(range.last))))
            }
        }
    }

    pub(super) fn explain_set(
        &self,
        set: u16,
        own: bool,
        entry: &str,
        lifted: &mut CategorySet,
        matches: &mut Vec<Match>,
    ) {
        let level = if own { 1 } else { 2 };
        let parts: Vec<&PartRecord> = self.parts_of(set).filter(|part| part.applies & level != 0).collect();
        for part in parts.iter().filter(|part| part.kind != 0) {
            *lifted |= CategorySet::from_bits(part.categories.get());
        }
        for part in parts {
            let categories = CategorySet::from_bits(part.categories.get());
            let source = self.meta.sources.get(usize::from(part.source.get()));
            matches.push(Match {
                entry: entry.to_owned(),
                allow: part.kind != 0,
                categories,
                services: ServiceSet::from_words(part.services.map(|word| word.get())),
                min_age: part.min_age,
                source: source.map(|source| source.name.clone()).unwrap_or_default(),
                is_signed: false,
                in_force: part.kind != 0 || categories.is_empty() || !categories.without(*lifted).is_empty(),
            });
        }
    }

    fn parts_of(&self, set: u16) -> impl Iterator<Item = &PartRecord> {
        let index = self.section::<U32>(Section::Index);
        let bound = |at: u16| index.get(usize::from(at)).map(|offset| offset.get() as usize);
        let extent = bound(set.saturating_sub(1)).zip(bound(set)).map_or(0..0, |(from, to)| from..to);
        let members = self.section::<U32>(Section::Members).get(extent).unwrap_or(&[]);
        let parts = self.section::<PartRecord>(Section::Parts);
        members.iter().filter_map(|part| parts.get(part.get() as usize))
    }

    /// Offsets between sections. Set ids in table slots are not walked here (that would touch the whole file); an id out
    /// of range finds no effect at look-up.
    fn check_references(&self) -> Result<(), BundleError> {
        let refuse = |section| Err(BundleError::Reference(section_name(section)));
        let (effects, parts) = (self.section::<Effect>(Section::Effects), self.section::<PartRecord>(Section::Parts));
        let (index, members) = (self.section::<U32>(Section::Index), self.section::<U32>(Section::Members));
        let ascending = index.is_sorted_by_key(|offset| offset.get());
        let last = index.last().map(|offset| offset.get() as usize);
        let sets = index.len().checked_sub(1);
        if !ascending || last != Some(members.len()) || sets.and_then(|sets| sets.checked_mul(2)) != Some(effects.len())
        {
            return refuse(Section::Index);
        }
        if members.iter().any(|part| part.get() as usize >= parts.len()) {
            return refuse(Section::Members);
        }
        if parts.iter().any(|part| usize::from(part.source.get()) >= self.meta.sources.len()) {
            return refuse(Section::Parts);
        }
        if self.header.home_lines.get() > self.section::<Line>(Section::Table).len() as u64 {
            return refuse(Section::Table);
        }
        if self.header.url_home_lines.get() > self.section::<Line>(Section::Urls).len() as u64 {
            return refuse(Section::Urls);
        }
        Ok(())
    }
}

/// What is gathered on the way from the full name to the last label.
pub(in crate::classify) struct Finding {
    pub(in crate::classify) classes: Classes,
    pub(in crate::classify) lifted: CategorySet,
}

impl Finding {
    pub(in crate::classify) fn new() -> Finding {
        Finding::lifting(CategorySet::EMPTY)
    }

    /// Nothing yet, where this is lifted already.
    pub(in crate::classify) fn lifting(lifted: CategorySet) -> Finding {
        Finding { classes: Classes::UNKNOWN, lifted }
    }

    pub(super) fn take(&mut self, effect: Option<&Effect>, evidence: Evidence) {
        let Some(effect) = effect else { return };
        let listed = CategorySet::from_bits(effect.categories.get());
        let added = listed.without(self.lifted);
        let services = ServiceSet::from_words(effect.services.map(|word| word.get()));
        if effect.stands != 0 || !added.is_empty() {
            self.classes.categories |= added;
            self.classes.services = self.classes.services.union(services);
            if self.classes.min_age == 0 {
                self.classes.min_age = effect.min_age;
            }
            self.classes.evidence = self.classes.evidence.or(Some(evidence));
        }
        self.lifted |= CategorySet::from_bits(effect.lifts.get());
    }
}

/// Follows the "passed on" marks from the home line. They end at the table's end at the latest.
pub(super) fn find(table: &[Line], home: &Line, place: Place) -> Option<u16> {
    if let Some(set) = home.find(place.remainder) {
        return Some(set);
    }
    if !home.passed_on() {
        return None;
    }
    for line in table.get(place.line.checked_add(1)?..)? {
        if let Some(set) = line.find(place.remainder) {
            return Some(set);
        }
        if !line.passed_on() {
            return None;
        }
    }
    None
}

/// Effects stand in pairs, the name's own first; ids start at 1.
pub(super) fn effect_index(set: u16, own: bool) -> usize {
    usize::from(set).saturating_sub(1).saturating_mul(2).saturating_add(usize::from(!own))
}

fn entry_text(first: IpAddr, last: u32) -> String {
    let last = IpAddr::from(last.to_be_bytes());
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

fn check_header(header: &Header) -> Result<(), BundleError> {
    use zerocopy::IntoBytes as _;
    if header.magic != format::MAGIC {
        return Err(BundleError::Magic);
    }
    if header.version.get() != format::VERSION {
        return Err(BundleError::Version(header.version.get()));
    }
    let mut unsummed = *header;
    unsummed.checksum = [0; 16];
    if format::checksum(unsummed.as_bytes()) != header.checksum {
        return Err(BundleError::HeaderChecksum);
    }
    Ok(())
}

fn check_section(bytes: &[u8], header: &Header, section: Section) -> Result<Range<usize>, BundleError> {
    let name = section_name(section);
    let extent = header.sections.get(section as usize).ok_or(BundleError::Extent(name))?;
    let start = usize::try_from(extent.offset.get()).map_err(|_| BundleError::Extent(name))?;
    let len = usize::try_from(extent.len.get()).map_err(|_| BundleError::Extent(name))?;
    let end = start.checked_add(len).ok_or(BundleError::Extent(name))?;
    let content = bytes.get(start..end).ok_or(BundleError::Extent(name))?;
    if !start.is_multiple_of(format::ALIGN) || !len.is_multiple_of(record_size(section)) {
        return Err(BundleError::Extent(name));
    }
    if format::checksum(content) != extent.checksum {
        return Err(BundleError::Checksum(name));
    }
    Ok(start..end)
}

fn record_size(section: Section) -> usize {
    match section {
        Section::Table | Section::Urls => size_of::<Line>(),
        Section::Effects => size_of::<Effect>(),
        Section::Parts => size_of::<PartRecord>(),
        Section::Index | Section::Members => size_of::<U32>(),
        Section::V4 => size_of::<Range4>(),
        Section::V6 => size_of::<Range6>(),
        Section::Meta => 1,
    }
}

fn section_name(section: Section) -> &'static str {
    match section {
        Section::Table => "table",
        Section::Effects => "effects",
        Section::Parts => "parts",
        Section::Index => "index",
        Section::Members => "members",
        Section::V4 => "v4",
        Section::V6 => "v6",
        Section::Urls => "urls",
        Section::Meta => "meta",
    }
}
