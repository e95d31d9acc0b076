//! The arithmetic of a shared secret (Shamir 1979) over the scalars of ristretto255, with all coefficients derived from the
//! secret: who has the secret can check every share exactly, and the tag too. Knows no name and sends nothing.
#![deny(clippy::indexing_slicing)]

use aws_lc_rs::hkdf::{HKDF_SHA512, KeyType, Prk, Salt};
use curve25519_dalek::scalar::Scalar;
use rand::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::report::message::Threshold;

/// Octets of a tag: reports of one name have one. 2⁶⁴ names would have to meet before two share it by chance.
pub const TAG_LEN: usize = 16;
/// Octets of a scalar (RFC 9496 §4.4).
pub const SCALAR_LEN: usize = 32;

/// The library refused a derivation. Cannot happen for the lengths used here; never answered with a weaker key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key could not be derived")]
pub struct DeriveError;

/// The polynomial whose value at 0 is the secret. Wiped when dropped.
pub struct Polynomial {
    coefficients: Vec<Scalar>,
    tag: [u8; TAG_LEN],
}

/// One point of a polynomial.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Where: random, never zero.
    pub x: Scalar,
    /// The value there.
    pub y: Scalar,
}

impl Polynomial {
    /// Of degree `threshold - 1`; the same for everybody who has the same secret.
    pub fn of_secret(secret: &Scalar, threshold: Threshold) -> Result<Polynomial, DeriveError> {
        let seed = extract(b"luytre report 1 polynomial", secret.as_bytes());
        let mut polynomial = Polynomial { coefficients: vec![*secret], tag: expand(&seed, &[b"tag"])? };
        for degree in 1..threshold.households() {
            let degree = u8::try_from(degree).map_err(|_| DeriveError)?;
            polynomial.coefficients.push(scalar(&seed, &[b"coefficient", &[degree]])?);
        }
        Ok(polynomial)
    }

    /// Reports with this secret carry it. Tells nothing of the secret.
    pub fn tag(&self) -> [u8; TAG_LEN] {
        self.tag
    }

    /// The share at `x`.
    pub fn at(&self, x: Scalar) -> Share {
        let y = self.coefficients.iter().rev().fold(Scalar::ZERO, |value, coefficient| value * x + coefficient);
        Share { x, y }
    }
}

impl Drop for Polynomial {
    fn drop(&mut self) {
        self.coefficients.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// The tag that belongs to a secret: what a recovery is checked by before anything else is derived.
pub fn tag_of(secret: &Scalar) -> Result<[u8; TAG_LEN], DeriveError> {
    expand(&extract(b"luytre report 1 polynomial", secret.as_bytes()), &[b"tag"])
}

/// The key of one report: of the secret and of where its share lies, hence of this report alone.
pub fn report_key(secret: &Scalar, x: &Scalar) -> Result<Zeroizing<[u8; 32]>, DeriveError> {
    expand(&extract(x.as_bytes(), secret.as_bytes()), &[b"luytre report 1 key"]).map(Zeroizing::new)
}

/// The secret of those who know both outputs of the oblivious functions for one measured string.
pub fn secret_of(measured: &[u8], a: &[u8], b: &[u8]) -> Result<Zeroizing<Scalar>, DeriveError> {
    // Both outputs are of one fixed length, so that joining them is unambiguous.
    let both = Zeroizing::new([a, b].concat());
    scalar(&extract(b"luytre report 1 material", &both), &[b"secret", measured]).map(Zeroizing::new)
}

/// A scalar from all of them but zero, each as likely.
pub fn random_scalar(rng: &mut impl CryptoRng) -> Scalar {
    loop {
        let mut wide = Zeroizing::new([0; 64]);
        rng.fill_bytes(wide.as_mut());
        let scalar = Scalar::from_bytes_mod_order_wide(&wide);
        if scalar != Scalar::ZERO {
            return scalar;
        }
    }
}

/// Reads a canonical scalar.
pub fn parse_scalar(octets: &[u8; SCALAR_LEN]) -> Option<Scalar> {
    Scalar::from_canonical_bytes(*octets).into()
}

fn scalar(seed: &Prk, info: &[&[u8]]) -> Result<Scalar, DeriveError> {
    let wide: Zeroizing<[u8; 64]> = Zeroizing::new(expand(seed, info)?);
    Ok(Scalar::from_bytes_mod_order_wide(&wide))
}

/// HKDF (RFC 5869) with SHA-512.
fn extract(salt: &[u8], secret: &[u8]) -> Prk {
    Salt::new(HKDF_SHA512, salt).extract(secret)
}

fn expand<const N: usize>(seed: &Prk, info: &[&[u8]]) -> Result<[u8; N], DeriveError> {
    let mut out = [0; N];
    seed.expand(info, Octets(N)).and_then(|okm| okm.fill(&mut out)).map_err(|_| DeriveError)?;
    Ok(out)
}

struct Octets(usize);

impl KeyType for Octets {
    fn len(&self) -> usize {
        self.0
    }
}
