//! What a household met and may tell: names that the engine judged by itself, and one bit for each kind of thing met. In
//! memory alone, of bounded size, wiped when dropped; whether anything may be written here is the courier's care. Pure.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;

use rand::CryptoRng;
use zeroize::Zeroizing;

use crate::classify::category::Category;
use crate::report::calendar::Calendar;
use crate::report::message::{CONTENT_LEN, Content, Header, Lane, Report, Threshold};
use crate::report::preview::{Cells, Shown};
use crate::report::statistics::{BANDS, Cell, GROUPS, PARTS, Presence};

/// Names kept of one lane and epoch. A household sends 2 or 6 of them; of more, some are replaced by chance.
pub const NAMES_MAX: usize = 256;

/// A name that may be reported. Kept as the octets that would be sealed, which are wiped when dropped.
struct Candidate {
    octets: Zeroizing<[u8; CONTENT_LEN]>,
    /// Every profile that met it is of a band whose names guardians see.
    guardian_may_see: bool,
}

/// Names by lane and epoch, bits by week.
#[derive(Default)]
pub struct Tally {
    names: BTreeMap<(Lane, u32), Vec<Candidate>>,
    weeks: BTreeMap<u32, Presence>,
}

impl Tally {
    /// Nothing was met.
    pub fn new() -> Tally {
        Tally::default()
    }

    /// A name was met, or a guardian noted it. False where it may not be told: then nothing is kept of it.
    pub fn name(
        &mut self,
        calendar: Calendar,
        now: u64,
        content: &Content,
        guardian_may_see: bool,
        rng: &mut impl CryptoRng,
    ) -> bool {
        let Some(lane) = lane_of(content.category) else { return false };
        let epoch = calendar.epoch(lane, now);
        // The same checks as when it is sealed, so that nothing waits here that could never leave.
        let header = Header { lane, epoch, threshold: Threshold::USUAL };
        if Report::new(header, content.clone()).is_err() {
            return false;
        }
        let octets = Zeroizing::new(content.octets());
        let names = self.names.entry((lane, epoch)).or_default();
        if let Some(known) = names.iter_mut().find(|known| is_same(known, &octets)) {
            known.guardian_may_see &= guardian_may_see;
            return true;
        }
        let candidate = Candidate { octets, guardian_may_see };
        if names.len() < NAMES_MAX {
            names.push(candidate);
        } else if let Some(place) = names.get_mut(below(NAMES_MAX, rng)) {
            *place = candidate;
        }
        true
    }

    /// Something of that kind was met by a child of that band (0 to 4), in that part of the day (0 to 3). Kinds that are
    /// never counted leave no trace.
    pub fn cell(&mut self, calendar: Calendar, now: u64, category: Category, band: usize, part: usize) {
        let cells = Cell::of_band(category, band).zip(Cell::of_part(category, part));
        let Some((band, part)) = cells else { return };
        let week = self.weeks.entry(calendar.epoch(Lane::Harm, now)).or_default();
        week.meet(band);
        week.meet(part);
    }

    /// The names of an epoch that is over.
    pub fn take(&mut self, lane: Lane, epoch: u32) -> Vec<Content> {
        let names = self.names.remove(&(lane, epoch)).unwrap_or_default();
        names.iter().filter_map(|name| Content::parse(&name.octets, lane)).collect()
    }

    /// The bits of a week that is over.
    pub fn take_week(&mut self, epoch: u32) -> Presence {
        self.weeks.remove(&epoch).unwrap_or_default()
    }

    /// Wipes what belongs to epochs of which nothing can leave any more.
    pub fn forget(&mut self, calendar: Calendar, now: u64) {
        let is_late = |lane, epoch: u32| calendar.epoch(lane, now) > epoch.saturating_add(1);
        self.names.retain(|(lane, epoch), _| !is_late(*lane, *epoch));
        self.weeks.retain(|epoch, _| !is_late(Lane::Harm, *epoch));
    }

    /// Wipes everything.
    pub fn clear(&mut self) {
        self.names.clear();
        self.weeks.clear();
    }

    /// True when nothing was met.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.weeks.is_empty()
    }

    /// The names as a guardian may see them.
    pub fn shown(&self) -> Vec<Shown> {
        let all = self.names.iter().flat_map(|((lane, _), names)| names.iter().map(move |name| (*lane, name)));
        let shown = all.filter_map(|(lane, name)| {
            let content = Content::parse(&name.octets, lane)?;
            let octets = if name.guardian_may_see { name.octets.to_vec() } else { Vec::new() };
            let is_shown = name.guardian_may_see.then_some(content.name);
            Some(Shown { lane, name: is_shown, category: content.category, octets })
        });
        shown.collect()
    }

    /// The bits that are set.
    pub fn cells(&self) -> Vec<Cells> {
        let mut all: Vec<usize> = self.weeks.values().flat_map(Presence::places).collect();
        all.sort_unstable();
        all.dedup();
        all.into_iter().filter_map(cells_of).collect()
    }
}

/// The lane that carries a category.
pub fn lane_of(category: Category) -> Option<Lane> {
    Lane::ALL.into_iter().find(|lane| lane.categories().contains(category))
}

/// What a place among the cells stands for.
fn cells_of(place: usize) -> Option<Cells> {
    let of_bands = GROUPS.checked_mul(BANDS)?;
    if let Some(part) = place.checked_sub(of_bands) {
        return Some(Cells { group: part.checked_div(PARTS)?, band: None, part: Some(part.checked_rem(PARTS)?) });
    }
    Some(Cells { group: place.checked_div(BANDS)?, band: Some(place.checked_rem(BANDS)?), part: None })
}

/// One name in one category, however sure the engine was.
fn is_same(known: &Candidate, octets: &[u8; CONTENT_LEN]) -> bool {
    known.octets.first() == octets.first() && known.octets.get(5..) == octets.get(5..)
}

/// A number below `end`, which is a few hundred: the remainder favours some by less than 2⁻⁵⁵.
fn below(end: usize, rng: &mut impl CryptoRng) -> usize {
    let end = u64::try_from(end.max(1)).unwrap_or(1);
    rng.next_u64().checked_rem(end).and_then(|drawn| usize::try_from(drawn).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const DAY: u64 = 86_400;

    fn content(name: &str, category: Category) -> Content {
        Content { name: Name::parse(name).unwrap(), category, confidence: 2, region: 0, engine: 1 }
    }

    fn met(tally: &mut Tally, name: &str, category: Category, seen: bool) -> bool {
        let mut rng = StdRng::seed_from_u64(1);
        tally.name(Calendar::default(), 10 * DAY, &content(name, category), seen, &mut rng)
    }

    #[test]
    fn what_may_not_be_told_is_not_kept() {
        let mut tally = Tally::new();
        for category in [Category::Csam, Category::Help, Category::HealthSexed, Category::Porn, Category::LegalOrder] {
            assert!(!met(&mut tally, "xau.com", category, true), "{category}");
        }
        assert!(!met(&mut tally, "a.xau.com", Category::Malware, true), "a host name");
        let long = format!("{}.{}.com.vn", "a".repeat(63), "b".repeat(63));
        assert!(!met(&mut tally, &long, Category::Malware, true));
        for category in [Category::Csam, Category::Help, Category::HealthSexed, Category::Unknown] {
            tally.cell(Calendar::default(), 0, category, 1, 1);
        }
        tally.cell(Calendar::default(), 0, Category::Malware, 5, 1);
        assert!(tally.is_empty());
    }

    #[test]
    fn a_name_is_kept_once_and_shown_only_where_all_who_met_it_may_be_seen() {
        let mut tally = Tally::new();
        assert!(met(&mut tally, "xau.com", Category::PhishingScam, true));
        assert!(met(&mut tally, "la.com", Category::Grooming, true));
        let shown = tally.shown();
        assert_eq!(shown.len(), 2);
        assert!(shown.iter().all(|shown| shown.name.is_some() && shown.octets.len() == CONTENT_LEN));
        assert!(met(&mut tally, "xau.com", Category::PhishingScam, false));
        let shown = tally.shown();
        assert_eq!(shown.len(), 2);
        let hidden: Vec<_> = shown.iter().filter(|shown| shown.name.is_none()).collect();
        assert!(matches!(hidden.as_slice(), [one] if one.octets.is_empty() && one.category == Category::PhishingScam));
        let taken = tally.take(Lane::Security, 10);
        assert_eq!(taken.len(), 1);
        assert_eq!(taken.first().map(|content| content.name.to_string()).as_deref(), Some("xau.com"));
        assert!(tally.take(Lane::Security, 10).is_empty(), "taken once");
    }

    #[test]
    fn the_number_of_names_is_bounded_and_late_ones_are_wiped() {
        let mut tally = Tally::new();
        let mut rng = StdRng::seed_from_u64(2);
        for at in 0..2 * NAMES_MAX {
            let content = content(&format!("xau{at}.com"), Category::Malware);
            assert!(tally.name(Calendar::default(), 10 * DAY, &content, true, &mut rng));
        }
        assert_eq!(tally.shown().len(), NAMES_MAX);
        tally.forget(Calendar::default(), 11 * DAY);
        assert_eq!(tally.shown().len(), NAMES_MAX, "yesterday's may still leave");
        tally.forget(Calendar::default(), 12 * DAY);
        assert!(tally.is_empty());
    }

    #[test]
    fn cells_are_two_margins() {
        let mut tally = Tally::new();
        tally.cell(Calendar::default(), 0, Category::PhishingScam, 2, 3);
        let (band, part) =
            (Cells { group: 1, band: Some(2), part: None }, Cells { group: 1, band: None, part: Some(3) });
        assert_eq!(tally.cells(), vec![band, part]);
        assert_eq!(tally.take_week(0).places().count(), 2);
        assert!(tally.is_empty());
    }
}
