//! The secret of a polynomial from points of which some are junk: by Gao's decoding of Reed–Solomon codes (2003), which finds
//! it whenever `points >= threshold + 2 * junk`. Pure arithmetic over scalars; what it finds is checked by who asks.

use curve25519_dalek::scalar::Scalar;

use crate::report::share::Share;

/// The value at 0 of the one polynomial of degree below `threshold` that goes through all of these `threshold` points
/// (Lagrange). `None` when two lie at one place, or one at 0.
pub fn interpolate(points: &[Share]) -> Option<Scalar> {
    let mut sum = Scalar::ZERO;
    for (at, point) in points.iter().enumerate() {
        let (mut above, mut below) = (point.y, Scalar::ONE);
        for (_, other) in points.iter().enumerate().filter(|(other, _)| *other != at) {
            above *= other.x;
            below *= other.x - point.x;
        }
        if below == Scalar::ZERO || point.x == Scalar::ZERO {
            return None;
        }
        sum += above * below.invert();
    }
    Some(sum)
}

/// The value at 0 of a polynomial of degree below `threshold` that goes through all points but few. `None` when there is
/// none, or two points lie at one place.
pub fn decode(points: &[Share], threshold: usize) -> Option<Scalar> {
    let (all, through) = (vanishing(points), newton(points)?);
    let (mut before, mut now) = (all, through);
    let (mut factor_before, mut factor) = (Poly::default(), Poly(vec![Scalar::ONE]));
    // Gao: stop as soon as the remainder's degree is below (n + k) / 2.
    while 2 * now.len().saturating_sub(1) >= points.len() + threshold {
        let (quotient, rest) = before.divide(&now)?;
        let next = factor_before.minus(&quotient.times(&factor));
        (before, now) = (now, rest);
        (factor_before, factor) = (factor, next);
    }
    let (found, rest) = now.divide(&factor)?;
    (rest.len() == 0 && found.len() <= threshold).then(|| found.0.first().copied().unwrap_or(Scalar::ZERO))
}

/// A polynomial, lowest coefficient first, without zeros at its end.
#[derive(Clone, Default)]
struct Poly(Vec<Scalar>);

impl Poly {
    /// One more than its degree; 0 for the zero polynomial.
    fn len(&self) -> usize {
        self.0.len()
    }

    fn trimmed(mut self) -> Poly {
        while self.0.last() == Some(&Scalar::ZERO) {
            self.0.pop();
        }
        self
    }

    fn times(&self, other: &Poly) -> Poly {
        let mut out = vec![Scalar::ZERO; (self.len() + other.len()).saturating_sub(1)];
        for (shift, by) in other.0.iter().enumerate() {
            out.iter_mut().skip(shift).zip(&self.0).for_each(|(to, from)| *to += from * by);
        }
        Poly(out).trimmed()
    }

    fn minus(mut self, other: &Poly) -> Poly {
        self.0.resize(self.len().max(other.len()), Scalar::ZERO);
        self.0.iter_mut().zip(&other.0).for_each(|(to, from)| *to -= from);
        self.trimmed()
    }

    /// Quotient and rest. `None` when `by` is zero.
    fn divide(self, by: &Poly) -> Option<(Poly, Poly)> {
        let leading = by.0.last()?.invert();
        let mut rest = self.0;
        let mut quotient = vec![Scalar::ZERO; (rest.len() + 1).saturating_sub(by.len())];
        for (shift, to) in quotient.iter_mut().enumerate().rev() {
            let factor = rest.get(shift + by.len() - 1)? * leading;
            rest.iter_mut().skip(shift).zip(&by.0).for_each(|(to, from)| *to -= from * factor);
            *to = factor;
        }
        Some((Poly(quotient).trimmed(), Poly(rest).trimmed()))
    }
}

/// Π (X − x).
fn vanishing(points: &[Share]) -> Poly {
    points.iter().fold(Poly(vec![Scalar::ONE]), |product, point| product.times(&Poly(vec![-point.x, Scalar::ONE])))
}

/// The polynomial through all points, by Newton's divided differences.
fn newton(points: &[Share]) -> Option<Poly> {
    let (mut sum, mut product) = (Poly::default(), Poly(vec![Scalar::ONE]));
    for point in points {
        let (have, room) = (sum.at(point.x), product.at(point.x));
        if room == Scalar::ZERO {
            return None;
        }
        let step = product.times(&Poly(vec![(point.y - have) * room.invert()]).trimmed());
        sum = sum.minus(&step.times(&Poly(vec![-Scalar::ONE])));
        product = product.times(&Poly(vec![-point.x, Scalar::ONE]));
    }
    Some(sum)
}

impl Poly {
    fn at(&self, x: Scalar) -> Scalar {
        self.0.iter().rev().fold(Scalar::ZERO, |value, coefficient| value * x + coefficient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::message::Threshold;
    use crate::report::share::{Polynomial, random_scalar};
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    /// Shares of a new secret, and junk behind them.
    fn points(rng: &mut StdRng, threshold: u8, good: usize, junk: usize) -> (Scalar, Vec<Share>) {
        let secret = random_scalar(rng);
        let polynomial = Polynomial::of_secret(&secret, Threshold::new(threshold).unwrap()).unwrap();
        let mut points: Vec<Share> = (0..good).map(|_| polynomial.at(random_scalar(rng))).collect();
        points.extend((0..junk).map(|_| Share { x: random_scalar(rng), y: random_scalar(rng) }));
        (secret, points)
    }

    #[test]
    fn as_many_as_the_threshold_give_the_secret_and_one_fewer_does_not() {
        let mut rng = StdRng::seed_from_u64(1);
        for threshold in [10, 20, 33] {
            let (secret, points) = points(&mut rng, threshold, usize::from(threshold), 0);
            assert_eq!(interpolate(&points), Some(secret));
            assert_ne!(interpolate(&points[1..]), Some(secret));
            assert_eq!(decode(&points, usize::from(threshold)), Some(secret));
            assert_ne!(decode(&points[1..], usize::from(threshold)), Some(secret));
        }
    }

    #[test]
    fn junk_is_seen_through_up_to_the_bound_and_not_beyond() {
        let mut rng = StdRng::seed_from_u64(2);
        for (good, junk) in [(20, 0), (21, 1), (24, 4), (36, 4), (40, 20), (50, 30)] {
            let (secret, mut points) = points(&mut rng, 20, good, junk);
            points.rotate_right(junk / 2);
            assert_eq!(decode(&points, 20), Some(secret), "{good} good, {junk} junk");
        }
        for (good, junk) in [(19, 1), (20, 1), (23, 4), (39, 20)] {
            let (secret, points) = points(&mut rng, 20, good, junk);
            assert_ne!(decode(&points, 20), Some(secret), "{good} good, {junk} junk");
        }
    }

    #[test]
    fn points_at_one_place_or_at_zero_are_refused() {
        let mut rng = StdRng::seed_from_u64(3);
        let (_, mut points) = points(&mut rng, 10, 12, 0);
        points[3] = points[4];
        assert_eq!(decode(&points, 10), None);
        assert_eq!(interpolate(&points), None);
        points[3] = Share { x: Scalar::ZERO, y: Scalar::ONE };
        assert_eq!(interpolate(&points), None);
        assert_eq!(decode(&[], 10), Some(Scalar::ZERO), "nothing is the zero polynomial; no tag fits it");
    }
}
