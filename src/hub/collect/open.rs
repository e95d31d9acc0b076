//! Opens what enough households said: reports are grouped by tag, the secret of a group is sought among shares of which
//! some may be junk, and only a secret that gives the tag counts. Everything else stays as closed as it came. Takes octets
//! from anybody and never panics.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use curve25519_dalek::scalar::Scalar;
use rand::Rng;

use crate::classify::category::Category;
use crate::hub::collect::decode::{decode, interpolate};
use crate::name::Name;
use crate::report::message::{Content, HEADER_LEN, Header};
use crate::report::seal::{self, ANONYMOUS_LEN, CIPHERTEXT_LEN};
use crate::report::share::{self, Polynomial, SCALAR_LEN, Share, TAG_LEN};

/// Subsets tried before decoding: without junk the first one is right, with 4 of 40 junk one of 19 is (k = 20).
const TRIES_MAX: usize = 64;
/// Shares that are decoded at once; its work grows with the square. More junk than a third of these is given up on.
const DECODED_MAX: usize = 128;
/// Fewest households of one region before the region is named.
pub const REGION_FLOOR: usize = 5;

/// What a collector holds at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Reports of one count.
    pub reports_max: usize,
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It counts.
    Kept,
    /// The same share is already there: one household counts once.
    Again,
    /// Wrong length, another count's header, or numbers that are none.
    Malformed,
    /// [`Limits::reports_max`].
    Full,
}

/// The reports of one count.
pub struct Collector {
    header: Header,
    limits: Limits,
    groups: BTreeMap<[u8; TAG_LEN], Shares>,
    held: usize,
}

/// Ciphertexts by the octets of their shares: the same share twice is one household.
type Shares = BTreeMap<[[u8; SCALAR_LEN]; 2], Sealed>;

#[derive(Clone)]
struct Sealed {
    share: Share,
    ciphertext: [u8; CIPHERTEXT_LEN],
}

/// What a group came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// Fewer than the threshold: nobody can read it.
    Hidden {
        /// Shares that came.
        shares: usize,
    },
    /// Enough shares, but too many are junk, or fewer than the threshold agree on what they say.
    Unclear {
        /// Shares that came.
        shares: usize,
    },
    /// Read.
    Revealed(Box<Indicator>),
}

/// A name that enough households met. Material for a person to look at; never a block by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indicator {
    /// Which name.
    pub name: Name,
    /// What their engines took it for.
    pub category: Category,
    /// Households, at least the threshold.
    pub households: usize,
    /// Shares under the same tag that are junk or say something else.
    pub refused: usize,
    /// Regions with at least [`REGION_FLOOR`] of them.
    pub regions: Vec<(u8, usize)>,
    /// How many were how sure, 0 to 3.
    pub confidence: [usize; 4],
}

impl Collector {
    /// For reports with this header and no other.
    pub fn new(header: Header, limits: Limits) -> Collector {
        Collector { header, limits, groups: BTreeMap::new(), held: 0 }
    }

    /// Takes one report as it came.
    pub fn take(&mut self, octets: &[u8]) -> Taken {
        let Some((tag, sealed)) = parse(octets, self.header) else { return Taken::Malformed };
        let place = [sealed.share.x.to_bytes(), sealed.share.y.to_bytes()];
        if self.groups.get(&tag).is_some_and(|group| group.contains_key(&place)) {
            return Taken::Again;
        }
        if self.held >= self.limits.reports_max {
            return Taken::Full;
        }
        self.held += 1;
        self.groups.entry(tag).or_default().insert(place, sealed);
        Taken::Kept
    }

    /// Where reports come in the order of their octets, those of one tag follow each other: opens what is complete before
    /// `octets`, the next report, and lets go of it. So no more than one group is held.
    pub fn open_before(&mut self, octets: &[u8], rng: &mut impl Rng) -> Vec<Group> {
        let tag = octets.get(HEADER_LEN..).and_then(|rest| rest.first_chunk::<TAG_LEN>());
        let Some(tag) = tag.filter(|tag| self.groups.first_key_value().is_some_and(|(first, _)| first < *tag)) else {
            return Vec::new();
        };
        let later = self.groups.split_off(tag);
        let groups = std::mem::replace(&mut self.groups, later);
        self.held = self.groups.values().map(BTreeMap::len).sum();
        groups.iter().map(|(tag, group)| self.open_group(tag, group, rng)).collect()
    }

    /// What each group came to, by tag. `rng` picks subsets; whoever sends junk must not know which.
    pub fn open(&self, rng: &mut impl Rng) -> Vec<Group> {
        self.groups.iter().map(|(tag, group)| self.open_group(tag, group, rng)).collect()
    }

    fn open_group(&self, tag: &[u8; TAG_LEN], group: &Shares, rng: &mut impl Rng) -> Group {
        let (shares, threshold) = (group.len(), self.header.threshold.households());
        if shares < threshold {
            return Group::Hidden { shares };
        }
        let indicator = recover(tag, group, threshold, rng).and_then(|secret| self.read(tag, group, &secret));
        indicator.map_or(Group::Unclear { shares }, |indicator| Group::Revealed(Box::new(indicator)))
    }

    /// Reads every report whose share lies on the polynomial, and counts what most of them say.
    fn read(&self, tag: &[u8; TAG_LEN], group: &Shares, secret: &Scalar) -> Option<Indicator> {
        let polynomial = Polynomial::of_secret(secret, self.header.threshold).ok()?;
        let associated = seal::associated(self.header, tag);
        let contents =
            group.values().filter(|sealed| polynomial.at(sealed.share.x) == sealed.share).filter_map(|sealed| {
                let key = share::report_key(secret, &sealed.share.x).ok()?;
                Content::parse(&seal::decrypt(&key, &associated, &sealed.ciphertext)?, self.header.lane)
            });
        let mut said: BTreeMap<(Vec<u8>, u8), Vec<Content>> = BTreeMap::new();
        for content in contents {
            said.entry((content.name.as_wire().to_vec(), content.category as u8)).or_default().push(content);
        }
        let agreed = said.into_values().max_by_key(Vec::len)?;
        (agreed.len() >= self.header.threshold.households()).then(|| Indicator::of(&agreed, group.len()))?
    }
}

impl Indicator {
    fn of(agreed: &[Content], shares: usize) -> Option<Indicator> {
        let first = agreed.first()?;
        let (mut regions, mut confidence) = (BTreeMap::<u8, usize>::new(), [0; 4]);
        for content in agreed {
            *regions.entry(content.region).or_default() += 1;
            *confidence.get_mut(usize::from(content.confidence))? += 1;
        }
        Some(Indicator {
            name: first.name.clone(),
            category: first.category,
            households: agreed.len(),
            refused: shares - agreed.len(),
            regions: regions.into_iter().filter(|(_, count)| *count >= REGION_FLOOR).collect(),
            confidence,
        })
    }
}

/// The secret whose tag this is: from random subsets as long as luck may do it, then by decoding.
fn recover(tag: &[u8; TAG_LEN], group: &Shares, threshold: usize, rng: &mut impl Rng) -> Option<Scalar> {
    let fits = |secret: &Scalar| share::tag_of(secret).as_ref() == Ok(tag);
    let mut points: Vec<Share> = group.values().map(|sealed| sealed.share).collect();
    for _ in 0..TRIES_MAX {
        shuffle_front(&mut points, threshold, rng);
        let found = points.get(..threshold).and_then(interpolate).filter(fits);
        if found.is_some() {
            return found;
        }
    }
    shuffle_front(&mut points, DECODED_MAX.min(group.len()), rng);
    points.truncate(DECODED_MAX);
    let mut places = std::collections::BTreeSet::new();
    points.retain(|point| places.insert(point.x.to_bytes()));
    decode(&points, threshold).filter(fits)
}

/// Brings `count` random ones to the front (the first steps of a Fisher–Yates shuffle).
fn shuffle_front(points: &mut [Share], count: usize, rng: &mut impl Rng) {
    for at in 0..count.min(points.len()) {
        let left = u64::try_from(points.len() - at).unwrap_or(1);
        // The remainder favours some by less than 2⁻⁴⁰: which subset is tried decides nothing else.
        let step = usize::try_from(rng.next_u64() % left).unwrap_or(0);
        points.swap(at, at + step);
    }
}

fn parse(octets: &[u8], header: Header) -> Option<([u8; TAG_LEN], Sealed)> {
    let octets: &[u8; ANONYMOUS_LEN] = octets.try_into().ok()?;
    let (read, rest) = octets.split_first_chunk::<HEADER_LEN>()?;
    let (tag, rest) = rest.split_first_chunk::<TAG_LEN>()?;
    let (x, rest) = rest.split_first_chunk::<SCALAR_LEN>()?;
    let (y, ciphertext) = rest.split_first_chunk::<SCALAR_LEN>()?;
    let share = Share { x: share::parse_scalar(x)?, y: share::parse_scalar(y)? };
    let is_ours = Header::parse(read) == Some(header) && share.x != Scalar::ZERO;
    is_ours.then_some((*tag, Sealed { share, ciphertext: ciphertext.try_into().ok()? }))
}

#[cfg(test)]
mod tests;
