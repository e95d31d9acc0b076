//! Probabilities in whole numbers, so that every machine gives the same: a softmax by a table of powers of two, and lines
//! between knots that make a probability mean what it says.
#![deny(clippy::indexing_slicing)]

/// What a probability of one is written as.
pub const MILLION: u32 = 1_000_000;
/// Bits behind the point of a score in nats.
pub const NAT_BITS: u32 = 18;
/// Knots of a line.
pub const KNOTS: usize = 9;

/// 2^30 × 2^(-i/32).
const POWERS: [u32; 33] = [
    1073741824, 1050733751, 1028218693, 1006186087, 984625594, 963527098, 942880699, 922676710, 902905651, 883558244,
    864625413, 846098274, 827968132, 810226483, 792865000, 775875538, 759250125, 742980960, 727060411, 711481005,
    696235434, 681316545, 666717336, 652430958, 638450708, 624770026, 611382493, 598281827, 585461881, 572916640,
    560640218, 548626854, 536870912,
];

/// 2^30 × e^-x for x in units of 2^-18.
fn decay(nats: u32) -> u32 {
    // log2(e) × 2^16.
    let octaves = (u64::from(nats) * 94_548) >> 16;
    let at = (octaves >> (NAT_BITS - 5) & 31) as usize;
    let between = (octaves & ((1 << (NAT_BITS - 5)) - 1)) as u32;
    let (above, below) = match POWERS.get(at..at + 2) {
        Some([above, below]) => (*above, *below),
        _ => return 0,
    };
    let fall = (u64::from(above - below) * u64::from(between)) >> (NAT_BITS - 5);
    (above - fall as u32).checked_shr((octaves >> NAT_BITS).min(32) as u32).unwrap_or(0)
}

/// The softmax of scores in units of 2^-18 nats, in parts per million.
pub fn softmax<const N: usize>(scores: &[i32; N]) -> [u32; N] {
    let best = scores.iter().copied().max().unwrap_or(0);
    let weights = scores.map(|score| u64::from(decay(best.abs_diff(score))));
    let sum = weights.iter().sum::<u64>().max(1);
    weights.map(|weight| (weight * u64::from(MILLION) / sum) as u32)
}

/// A line through knots from (0, 0) to a million, rising in both directions: what was said → how often it was so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Curve([(u32, u32); KNOTS]);

impl Curve {
    /// Says what it is told.
    pub const STRAIGHT: Curve = Curve([
        (0, 0),
        (125_000, 125_000),
        (250_000, 250_000),
        (375_000, 375_000),
        (500_000, 500_000),
        (625_000, 625_000),
        (750_000, 750_000),
        (875_000, 875_000),
        (MILLION, MILLION),
    ]);

    /// The curve through these. `None` when they do not rise (equal ones are allowed in the second place), do not begin at
    /// 0 and end at a million in the first, or pass a million in the second.
    pub fn through(knots: [(u32, u32); KNOTS]) -> Option<Curve> {
        let rises = knots.is_sorted_by(|left, right| left.0 < right.0 && left.1 <= right.1);
        let spans = knots.first().is_some_and(|first| first.0 == 0)
            && knots.last().is_some_and(|last| last.0 == MILLION && last.1 <= MILLION);
        (rises && spans).then_some(Curve(knots))
    }

    /// Its knots.
    pub fn knots(&self) -> &[(u32, u32); KNOTS] {
        &self.0
    }

    /// What stands at `said`, both in parts per million.
    pub fn at(&self, said: u32) -> u32 {
        let after = self.0.iter().position(|knot| knot.0 >= said).unwrap_or(KNOTS - 1).max(1);
        match self.0.get(after - 1..=after) {
            Some([(x0, y0), (x1, y1)]) => {
                let part = u64::from(y1 - y0) * u64::from(said.clamp(*x0, *x1) - x0) / u64::from(x1 - x0);
                y0 + part as u32
            }
            _ => said,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decays_like_the_real_one() {
        for at in 0..4000_u32 {
            let nats = at * 1021;
            let exact = f64::exp(-f64::from(nats) / f64::from(1 << NAT_BITS));
            let ours = f64::from(decay(nats)) / f64::from(1 << 30);
            assert!((ours - exact).abs() < 1e-4 * exact + 1e-8, "{nats}: {ours} for {exact}");
        }
        assert_eq!((decay(0), decay(u32::MAX)), (1 << 30, 0));
    }

    #[test]
    fn a_softmax_is_one_in_all() {
        let chances = softmax(&[0, 1 << NAT_BITS, -(3 << NAT_BITS)]);
        assert!(chances.iter().sum::<u32>().abs_diff(MILLION) < 3);
        assert_eq!(chances, [265_394, 721_391, 13_213], "within 10 of e^x's own");
        assert_eq!(softmax(&[i32::MIN, i32::MAX]), [0, MILLION]);
    }

    #[test]
    fn a_curve_goes_through_its_knots() {
        let mut knots = *Curve::STRAIGHT.knots();
        knots[4] = (500_000, 400_000);
        let curve = Curve::through(knots).unwrap();
        assert_eq!(
            [0, 125_000, 500_000, 562_500, MILLION, u32::MAX].map(|said| curve.at(said)),
            [0, 125_000, 400_000, 512_500, MILLION, MILLION]
        );
        knots[4] = (500_000, 700_000);
        assert_eq!(Curve::through(knots), None, "it falls");
        knots[4] = (375_000, 500_000);
        assert_eq!(Curve::through(knots), None, "two knots in one place");
    }
}
