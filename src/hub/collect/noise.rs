//! Noise from the discrete Gaussian, drawn exactly: whole numbers and fair coins only, no floating point that could betray
//! what it hides (Canonne, Kamath and Steinke 2020, algorithms 1 to 3).

use rand::CryptoRng;

/// Draws from the discrete Gaussian with this variance parameter: P(n) ∝ exp(−n² / 2σ²). `variance` is 1 to 2²⁰, else it is
/// brought there.
pub fn discrete_gaussian(variance: u64, rng: &mut impl CryptoRng) -> i64 {
    let variance = u128::from(variance.clamp(1, 1 << 20));
    let scale = variance.isqrt() + 1;
    loop {
        let drawn = discrete_laplace(scale, rng);
        // Accept with exp(−(|n| − σ²/t)² / 2σ²), all over t².
        let distance = (u128::from(drawn.unsigned_abs()) * scale).abs_diff(variance);
        if bernoulli_exp(distance * distance, 2 * variance * scale * scale, rng) {
            return drawn;
        }
    }
}

/// P(n) ∝ exp(−|n| / scale) (algorithm 2).
fn discrete_laplace(scale: u128, rng: &mut impl CryptoRng) -> i64 {
    loop {
        let rest = below(scale, rng);
        if !bernoulli_exp(rest, scale, rng) {
            continue;
        }
        let mut whole = 0_u128;
        while bernoulli_exp(1, 1, rng) {
            whole += 1;
        }
        let (size, is_negative) = (rest + scale * whole, rng.next_u32() & 1 == 1);
        // Zero has one sign only.
        if size == 0 && is_negative {
            continue;
        }
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        return if is_negative { -size } else { size };
    }
}

/// True with probability exp(−above / below) (algorithm 1).
fn bernoulli_exp(above: u128, below: u128, rng: &mut impl CryptoRng) -> bool {
    let whole = above / below;
    (0..whole).all(|_| bernoulli_exp_fraction(1, 1, rng)) && bernoulli_exp_fraction(above % below, below, rng)
}

/// The same for at most 1: heads of coins of probability γ/1, γ/2, γ/3 … until the first tail; an even number of heads.
fn bernoulli_exp_fraction(above: u128, below: u128, rng: &mut impl CryptoRng) -> bool {
    let mut heads = 0_u128;
    while coin(above, below * (heads + 1), rng) {
        heads += 1;
    }
    heads.is_multiple_of(2)
}

/// True with probability above / total.
fn coin(above: u128, total: u128, rng: &mut impl CryptoRng) -> bool {
    below(total, rng) < above
}

/// A number below `end`, each as likely: what is out of range is drawn again.
fn below(end: u128, rng: &mut impl CryptoRng) -> u128 {
    let mask = u128::MAX >> end.saturating_sub(1).leading_zeros().min(127);
    loop {
        let drawn = (u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())) & mask;
        if drawn < end {
            return drawn;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    /// How far counts are from what is expected, as χ² over its degrees of freedom.
    fn chi_square(variance: u64, draws: u32, seed: u64) -> (f64, f64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let reach = 3 * variance.isqrt() as i64 + 1;
        let mut counts = vec![0_u32; (2 * reach + 1) as usize];
        let mut outside = 0_u32;
        for _ in 0..draws {
            let drawn = discrete_gaussian(variance, &mut rng);
            match usize::try_from(drawn + reach).ok().and_then(|at| counts.get_mut(at)) {
                Some(count) => *count += 1,
                None => outside += 1,
            }
        }
        let density = |n: i64| (-(n * n) as f64 / (2.0 * variance as f64)).exp();
        let whole: f64 = (-40 * reach..=40 * reach).map(density).sum();
        let mut sum = 0.0;
        let mut inside = 0.0;
        for (at, count) in counts.iter().enumerate() {
            let expected = f64::from(draws) * density(at as i64 - reach) / whole;
            inside += expected;
            sum += (f64::from(*count) - expected).powi(2) / expected;
        }
        let expected = f64::from(draws) - inside;
        sum += (f64::from(outside) - expected).powi(2) / expected;
        (sum, counts.len() as f64)
    }

    #[test]
    fn the_noise_has_the_shape_it_is_said_to_have() {
        for (variance, draws, seed) in [(1, 60_000, 1), (9, 60_000, 2), (573, 120_000, 3)] {
            let (sum, freedom) = chi_square(variance, draws, seed);
            // Mean f, deviation √2f; five of them.
            assert!((sum - freedom).abs() < 5.0 * (2.0 * freedom).sqrt(), "variance {variance}: χ² {sum} of {freedom}");
        }
    }

    #[test]
    fn its_mean_is_zero_and_its_variance_as_asked() {
        let mut rng = StdRng::seed_from_u64(4);
        let draws: Vec<f64> = (0..100_000).map(|_| discrete_gaussian(573, &mut rng) as f64).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|drawn| drawn * drawn).sum::<f64>() / 1e5;
        // Deviations: 23.9/316 = .076 and 573 √(2/10⁵) = 2.56; five of each.
        assert!(mean.abs() < 0.38, "{mean}");
        assert!((variance - 573.0).abs() < 12.8, "{variance}");
    }

    #[test]
    fn odd_requests_are_answered() {
        let mut rng = StdRng::seed_from_u64(5);
        for variance in [0, 1, u64::MAX] {
            discrete_gaussian(variance, &mut rng);
        }
        assert!((0..1000).all(|_| below(1, &mut rng) == 0));
        assert!((0..1000).all(|_| below(5, &mut rng) < 5));
        assert!((0..100).all(|_| bernoulli_exp(0, 1, &mut rng)));
        assert!(!bernoulli_exp(1_000_000, 1, &mut rng));
    }
}
