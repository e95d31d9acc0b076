//! The shape of what is sent: so many messages of one size each epoch, at times drawn by chance, whether anything was met
//! or not. Who watches the line learns that the box reports, and nothing else. Times are passed in; pure but for randomness.

use std::collections::BTreeSet;

use rand::CryptoRng;

use crate::report::calendar::{ASK_HOURS, Calendar, DESTROY_HOURS, SEND_HOURS};
use crate::report::message::{Header, Lane, Report};

/// A household takes part in the week's sums once in so many weeks, by a coin that knows nothing of the week.
pub const TAKES_PART_ONE_IN: u32 = 4;
/// The first wait after a failure goes so often into a day.
const RETRIES_A_DAY: u64 = 144;
/// After so many failures the wait is the longest.
const DOUBLINGS_MAX: u8 = 10;

/// When the three messages of one report leave: each by itself, hours from the last one, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// The question to operator A.
    pub ask_a_at: u64,
    /// The question to operator B.
    pub ask_b_at: u64,
    /// The report.
    pub send_at: u64,
}

/// What goes into a slot.
#[derive(Clone, PartialEq, Eq)]
pub enum Filling {
    /// Something that was met.
    Report(Box<Report>),
    /// Nothing, which looks the same.
    Nothing(Header),
}

/// Reports of one epoch, always: 20 in a week of both lanes.
pub fn per_epoch(lane: Lane) -> usize {
    match lane {
        Lane::Security => 2,
        Lane::Harm => 6,
    }
}

/// The slots of an epoch that ended or will end.
pub fn plan(calendar: Calendar, lane: Lane, epoch: u32, rng: &mut impl CryptoRng) -> Vec<Slot> {
    let at = |hours| calendar.after(lane, epoch, hours);
    let ended_at = calendar.ends_at(lane, epoch);
    let slot = |_| Slot {
        ask_a_at: within(ended_at, at(ASK_HOURS), rng),
        ask_b_at: within(ended_at, at(ASK_HOURS), rng),
        send_at: within(at(DESTROY_HOURS), at(SEND_HOURS), rng),
    };
    (0..per_epoch(lane)).map(slot).collect()
}

/// When the week's sums are sent.
pub fn plan_week(calendar: Calendar, epoch: u32, rng: &mut impl CryptoRng) -> u64 {
    within(calendar.ends_at(Lane::Harm, epoch), calendar.after(Lane::Harm, epoch, SEND_HOURS), rng)
}

/// When the tokens of an epoch are asked for: while it lasts, from `now` on.
pub fn plan_tokens(calendar: Calendar, lane: Lane, epoch: u32, now: u64, rng: &mut impl CryptoRng) -> u64 {
    within(now.max(calendar.begins_at(lane, epoch)), calendar.ends_at(lane, epoch), rng)
}

/// Seconds until what failed is tried again: 10 minutes at first, each time twice as long, 12 hours at most, and chance takes up
/// to half of it, so that many boxes do not return at once. Shorter by as much as the calendar's days are; at least one.
pub fn retry(calendar: Calendar, tries: u8, rng: &mut impl CryptoRng) -> u64 {
    let day = calendar.hours(24);
    let first = (day / RETRIES_A_DAY).max(1);
    let longest = first.saturating_mul(1 << u32::from(tries.min(DOUBLINGS_MAX))).min((day / 2).max(1));
    let half = (longest / 2).max(1);
    half.saturating_add(rng.next_u64().checked_rem(half).unwrap_or(0))
}

/// Whether this household takes part this week: once in so many weeks.
pub fn takes_part(one_in: u32, rng: &mut impl CryptoRng) -> bool {
    rng.next_u32().is_multiple_of(one_in.max(1))
}

/// Fills every slot: each name once, those that find no room dropped by chance, what is left filled with nothing, and all
/// of it in an order drawn by chance.
pub fn fill(header: Header, candidates: Vec<Report>, rng: &mut impl CryptoRng) -> Vec<Filling> {
    let slots = per_epoch(header.lane);
    let mut seen = BTreeSet::new();
    let is_new = |report: &Report| report.header() == header && seen.insert(report.measured());
    let mut reports: Vec<Report> = candidates.into_iter().filter(is_new).collect();
    shuffle(&mut reports, rng);
    let mut filled: Vec<Filling> =
        reports.into_iter().take(slots).map(|report| Filling::Report(Box::new(report))).collect();
    filled.resize(slots, Filling::Nothing(header));
    shuffle(&mut filled, rng);
    filled
}

/// A moment from `from` on and before `until`, each as likely.
fn within(from: u64, until: u64, rng: &mut impl CryptoRng) -> u64 {
    from.saturating_add(rng.next_u64() % until.saturating_sub(from).max(1))
}

/// Fisher–Yates; the remainder favours some orders by less than 2⁻⁵⁰.
fn shuffle<T>(items: &mut [T], rng: &mut impl CryptoRng) {
    for at in (1..items.len()).rev() {
        let end = u64::try_from(at).unwrap_or(u64::MAX).saturating_add(1);
        let other = usize::try_from(rng.next_u64() % end).unwrap_or(0);
        items.swap(at, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::category::Category;
    use crate::name::Name;
    use crate::report::calendar::HAND_OVER_HOURS;
    use crate::report::message::{Content, Threshold};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    const HEADER: Header = Header { lane: Lane::Harm, epoch: 3, threshold: Threshold::USUAL };
    const EPOCH: u32 = 2_969;

    fn report(header: Header, name: &str) -> Report {
        let category = if header.lane == Lane::Harm { Category::Grooming } else { Category::Malware };
        let content = Content { name: Name::parse(name).unwrap(), category, confidence: 1, region: 2, engine: 3 };
        Report::new(header, content).unwrap()
    }

    fn reports(count: usize) -> Vec<Report> {
        (0..count).map(|at| report(HEADER, &format!("xau{at}.com"))).collect()
    }

    fn is_real(filling: &Filling) -> bool {
        matches!(filling, Filling::Report(_))
    }

    #[test]
    fn an_idle_home_sends_as_much_as_a_busy_one() {
        let mut rng = StdRng::seed_from_u64(31);
        for met in [0, 1, 6, 7, 500] {
            let filled = fill(HEADER, reports(met), &mut rng);
            assert_eq!(filled.len(), 6);
            assert_eq!(filled.iter().filter(|filling| is_real(filling)).count(), met.min(6));
        }
        assert_eq!(7 * per_epoch(Lane::Security) + per_epoch(Lane::Harm), 20);
    }

    #[test]
    fn a_name_is_reported_once_and_only_where_it_belongs() {
        let mut rng = StdRng::seed_from_u64(32);
        let twice = [reports(1), reports(1)].concat();
        assert_eq!(fill(HEADER, twice, &mut rng).iter().filter(|filling| is_real(filling)).count(), 1);
        let other = Header { lane: Lane::Security, ..HEADER };
        assert!(!fill(HEADER, vec![report(other, "xau.com")], &mut rng).iter().any(is_real));
        let later = Header { epoch: 4, ..HEADER };
        assert!(!fill(HEADER, vec![report(later, "xau.com")], &mut rng).iter().any(is_real));
    }

    #[test]
    fn which_are_dropped_and_where_they_stand_is_chance() {
        let mut rng = StdRng::seed_from_u64(33);
        let (mut kept, mut place) = ([0_u32; 12], [0_u32; 6]);
        for _ in 0..3_000 {
            let all = reports(12);
            let filled = fill(HEADER, all.clone(), &mut rng);
            for (count, report) in kept.iter_mut().zip(&all) {
                *count += u32::from(filled.contains(&Filling::Report(Box::new(report.clone()))));
            }
            let one = fill(HEADER, reports(1), &mut rng);
            place[one.iter().position(is_real).unwrap()] += 1;
        }
        // 1,500 of 3,000, sd 27.4; 500 of 3,000, sd 20.4; five of each.
        assert!(kept.iter().all(|count| (1_363..=1_637).contains(count)), "{kept:?}");
        assert!(place.iter().all(|count| (398..=602).contains(count)), "{place:?}");
    }

    #[test]
    fn times_are_spread_evenly_and_keep_their_order() {
        let mut rng = StdRng::seed_from_u64(34);
        let mut hours = [0_u32; 24];
        let calendar = Calendar::default();
        let ended = calendar.ends_at(Lane::Harm, EPOCH);
        for _ in 0..4_000 {
            for slot in plan(calendar, Lane::Harm, EPOCH, &mut rng) {
                assert!(slot.ask_a_at.max(slot.ask_b_at) + 4 * 3600 <= slot.send_at);
                assert!(slot.ask_a_at >= ended && slot.send_at < ended + SEND_HOURS * 3600);
                let handed_over_at = calendar.after(Lane::Harm, EPOCH, HAND_OVER_HOURS);
                assert!(slot.send_at + 2 * 3600 <= handed_over_at, "the last may fail and be tried again");
                hours[((slot.send_at - ended - DESTROY_HOURS * 3600) / 3600) as usize] += 1;
            }
            assert!((ended..ended + SEND_HOURS * 3600).contains(&plan_week(calendar, EPOCH, &mut rng)));
            let tokens_at = plan_tokens(calendar, Lane::Harm, EPOCH, ended - 3600, &mut rng);
            assert!((ended - 3600..ended).contains(&tokens_at), "before anybody is asked");
        }
        // 24,000 in 24 hours: 1,000 each, sd 31; five of them.
        assert!(hours.iter().all(|count| (845..=1_155).contains(count)), "{hours:?}");
        assert_eq!(plan(calendar, Lane::Security, u32::MAX, &mut rng).len(), 2, "a clock gone wrong");
    }

    #[test]
    fn what_fails_waits_longer_each_time_and_in_a_test_as_many_times_shorter() {
        let mut rng = StdRng::seed_from_u64(36);
        for tries in 0..=u8::MAX {
            let longest = (600_u64 << tries.min(10)).min(12 * 3600);
            let waited = retry(Calendar::default(), tries, &mut rng);
            assert!((longest / 2..longest).contains(&waited), "{tries}: {waited}");
            let lab = Calendar::of_days(20).unwrap();
            assert!((1..=10).contains(&retry(lab, tries, &mut rng)), "half a day at most");
        }
        assert_eq!(retry(Calendar::of_days(1).unwrap(), 0, &mut rng), 1);
    }

    #[test]
    fn one_week_in_four() {
        let mut rng = StdRng::seed_from_u64(35);
        let weeks = (0..10_000).filter(|_| takes_part(TAKES_PART_ONE_IN, &mut rng)).count();
        // 2,500, sd 43.3; five of them.
        assert!((2_284..=2_716).contains(&weeks), "{weeks}");
    }
}
