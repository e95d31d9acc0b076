//! Messages closed for good: sealed to the operators' keys (HPKE, RFC 9180) the moment they are made, with a key of the
//! sender's that nobody keeps. This box cannot open them again, and each kind is of one size.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use aws_lc_rs::agreement;
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_CHACHA20_POLY1305;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey, HpkePublicKey};

use crate::report::message::{HEADER_LEN, VERSION};
use crate::report::seal::{ANONYMOUS_LEN, Anonymous};
use crate::report::statistics::{Halves, NONCE_LEN};
use crate::report::token::{TOKEN_LEN, Token};

/// Octets of a key (X25519, RFC 7748).
pub const KEY_LEN: usize = 32;
/// What sealing adds: the sender's public key for this message and an authenticator.
pub const SEALED_MORE: usize = KEY_LEN + 16;
/// Octets of every report: kind, header, and sealed to operator A an anonymous report with its token.
pub const REPORT_LEN: usize = 1 + HEADER_LEN + ANONYMOUS_LEN + TOKEN_LEN + SEALED_MORE;

/// Octets of every week: what is open, both sums' halves sealed.
pub const WEEK_LEN: usize = WEEK_HEAD_LEN + 64 + (4_544 + SEALED_MORE) + (64 + SEALED_MORE);

/// Why nothing was sealed or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// The key is none, or the library refused.
    #[error("the message cannot be sealed to this key")]
    Seal,
    /// Not made for this key, changed on the way, or no message at all.
    #[error("no message for this key")]
    Open,
}

/// Whom a part is for; bound into it, so that a part for one is none for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// Operator A.
    A,
    /// Operator B.
    B,
}

/// An operator's public key, as the manifest has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingKey([u8; KEY_LEN]);

/// An operator's secret key. Wiped when dropped.
pub struct OpeningKey(HpkePrivateKey);

/// A closed message. The only thing the spool takes and the only thing that is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope(Vec<u8>);

/// The parts of a week, as operator B passes them on: what is open, and each side's sealed half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week {
    /// Which.
    pub epoch: u32,
    /// Makes it unique.
    pub nonce: [u8; NONCE_LEN],
    /// What both see.
    pub public: Vec<u8>,
    /// Sealed to A.
    pub a: Vec<u8>,
    /// Sealed to B.
    pub b: Vec<u8>,
}

const KIND_REPORT: u8 = 1;
const KIND_WEEK: u8 = 2;
/// Kind, version, epoch, nonce and two lengths.
const WEEK_HEAD_LEN: usize = 6 + NONCE_LEN + 4;

impl SealingKey {
    /// As the manifest has it.
    pub fn new(octets: [u8; KEY_LEN]) -> SealingKey {
        SealingKey(octets)
    }

    /// As the manifest has it.
    pub fn octets(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl OpeningKey {
    /// A new pair.
    pub fn generate() -> Result<(OpeningKey, SealingKey), EnvelopeError> {
        let (public, private) = suite().generate_key_pair().map_err(|_| EnvelopeError::Seal)?;
        let public = public.0.as_slice().try_into().map_err(|_| EnvelopeError::Seal)?;
        Ok((OpeningKey(private), SealingKey(public)))
    }

    /// Reads what [`OpeningKey::to_bytes`] gave.
    pub fn from_bytes(octets: &[u8; KEY_LEN]) -> OpeningKey {
        OpeningKey(HpkePrivateKey::from(octets.to_vec()))
    }

    /// What is public of it.
    pub fn public(&self) -> Result<SealingKey, EnvelopeError> {
        let octets = self.to_bytes().ok_or(EnvelopeError::Seal)?;
        let secret = agreement::PrivateKey::from_private_key(&agreement::X25519, &octets);
        let secret = secret.map_err(|_| EnvelopeError::Seal)?;
        let public = secret.compute_public_key().map_err(|_| EnvelopeError::Seal)?;
        public.as_ref().try_into().map(SealingKey).map_err(|_| EnvelopeError::Seal)
    }

    /// The secret key (RFC 7748), for the operator's own disk.
    pub fn to_bytes(&self) -> Option<[u8; KEY_LEN]> {
        self.0.secret_bytes().try_into().ok()
    }

    /// Opens a report: the anonymous report's octets and the token.
    pub fn open_report(&self, octets: &[u8]) -> Result<([u8; ANONYMOUS_LEN], [u8; TOKEN_LEN]), EnvelopeError> {
        let (open, sealed) = octets.split_at_checked(HEADER_LEN.saturating_add(1)).ok_or(EnvelopeError::Open)?;
        let content = self.open(Recipient::A, open, sealed)?;
        let (report, token) = content.split_first_chunk().ok_or(EnvelopeError::Open)?;
        Ok((*report, token.try_into().map_err(|_| EnvelopeError::Open)?))
    }

    /// Opens one's own half of a week.
    pub fn open_half(&self, week: &Week, recipient: Recipient) -> Result<Vec<u8>, EnvelopeError> {
        let sealed = if recipient == Recipient::A { &week.a } else { &week.b };
        self.open(recipient, &week.open_octets(), sealed)
    }

    fn open(&self, recipient: Recipient, open: &[u8], sealed: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
        let (sender, sealed) = sealed.split_at_checked(KEY_LEN).ok_or(EnvelopeError::Open)?;
        let sender = EncapsulatedSecret(sender.to_vec());
        suite().open(&sender, info(recipient), open, sealed, &self.0).map_err(|_| EnvelopeError::Open)
    }
}

impl fmt::Debug for OpeningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OpeningKey")
    }
}

impl Envelope {
    /// Seals a report to operator A.
    pub fn report(report: &Anonymous, token: &[u8; TOKEN_LEN], key: &SealingKey) -> Result<Envelope, EnvelopeError> {
        let mut octets = vec![KIND_REPORT];
        octets.extend(report.octets().iter().take(HEADER_LEN));
        let sealed = seal(Recipient::A, &octets, &[report.octets().as_slice(), token].concat(), key)?;
        octets.extend(sealed);
        Ok(Envelope(octets))
    }

    /// Seals the halves of a week, each to its operator.
    pub fn week(epoch: u32, halves: &Halves, a: &SealingKey, b: &SealingKey) -> Result<Envelope, EnvelopeError> {
        let mut week = Week { epoch, nonce: halves.nonce, public: halves.public.clone(), a: Vec::new(), b: Vec::new() };
        let open = week.open_octets();
        week.a = seal(Recipient::A, &open, &halves.a, a)?;
        week.b = seal(Recipient::B, &open, &halves.b, b)?;
        week.octets().map(Envelope)
    }

    /// The same behind a token, which says nothing of it.
    pub fn behind(self, token: &Token) -> Envelope {
        Envelope([token.octets().as_slice(), &self.0].concat())
    }

    /// As it is sent.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// What the spool wrote earlier.
    pub(crate) fn from_spool(octets: Vec<u8>) -> Envelope {
        Envelope(octets)
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Envelope({} octets)", self.0.len())
    }
}

impl Week {
    /// Reads what [`Envelope::week`] wrote. Halves are still sealed.
    pub fn parse(octets: &[u8]) -> Result<Week, EnvelopeError> {
        let (head, rest) = octets.split_first_chunk::<WEEK_HEAD_LEN>().ok_or(EnvelopeError::Open)?;
        let (lead, more) = head.split_first_chunk::<6>().ok_or(EnvelopeError::Open)?;
        let (nonce, lengths) = more.split_first_chunk::<NONCE_LEN>().ok_or(EnvelopeError::Open)?;
        let ([KIND_WEEK, VERSION, e0, e1, e2, e3], [p0, p1, a0, a1]) = (lead, lengths) else {
            return Err(EnvelopeError::Open);
        };
        let split = |rest: &[u8], length: [u8; 2]| {
            let parts = rest.split_at_checked(usize::from(u16::from_be_bytes(length)));
            parts.map(|(part, rest)| (part.to_vec(), rest.to_vec())).ok_or(EnvelopeError::Open)
        };
        let (public, rest) = split(rest, [*p0, *p1])?;
        let (a, b) = split(&rest, [*a0, *a1])?;
        Ok(Week { epoch: u32::from_be_bytes([*e0, *e1, *e2, *e3]), nonce: *nonce, public, a, b })
    }

    /// Without B's half, as B passes it on. `None` when a part is too long.
    pub fn octets_for_a(&self) -> Option<Vec<u8>> {
        Week { b: Vec::new(), ..self.clone() }.octets().ok()
    }

    /// What is bound to both halves.
    fn open_octets(&self) -> Vec<u8> {
        let [a, b, c, d] = self.epoch.to_be_bytes();
        [[KIND_WEEK, VERSION, a, b, c, d].as_slice(), &self.nonce, &self.public].concat()
    }

    fn octets(&self) -> Result<Vec<u8>, EnvelopeError> {
        let length = |part: &[u8]| u16::try_from(part.len()).map(u16::to_be_bytes).map_err(|_| EnvelopeError::Seal);
        let [a, b, c, d] = self.epoch.to_be_bytes();
        let lead = [KIND_WEEK, VERSION, a, b, c, d];
        let lengths = [length(&self.public)?, length(&self.a)?].concat();
        Ok([lead.as_slice(), &self.nonce, &lengths, &self.public, &self.a, &self.b].concat())
    }
}

fn seal(recipient: Recipient, open: &[u8], content: &[u8], key: &SealingKey) -> Result<Vec<u8>, EnvelopeError> {
    let key = HpkePublicKey(key.0.to_vec());
    let (sender, sealed) = suite().seal(info(recipient), open, content, &key).map_err(|_| EnvelopeError::Seal)?;
    Ok([sender.0, sealed].concat())
}

fn info(recipient: Recipient) -> &'static [u8] {
    match recipient {
        Recipient::A => b"luytre report 1 to a",
        Recipient::B => b"luytre report 1 to b",
    }
}

/// ChaCha20, since home routers often lack AES instructions.
fn suite() -> &'static dyn Hpke {
    DH_KEM_X25519_HKDF_SHA256_CHACHA20_POLY1305
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::consent::tests::permit;
    use crate::report::statistics::{Cell, Presence};
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn halves(cells: usize, seed: u64) -> Halves {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut week = Presence::new();
        let all = crate::classify::category::Category::ALL.into_iter();
        all.filter_map(|category| Cell::of_band(category, 1)).take(cells).for_each(|cell| week.meet(cell));
        week.blur(&mut rng, permit()).split(7, &mut rng).unwrap()
    }

    #[test]
    fn a_week_is_one_size_and_each_operator_opens_its_half() {
        let ((open_a, a), (open_b, b)) = (OpeningKey::generate().unwrap(), OpeningKey::generate().unwrap());
        let mut sizes = Vec::new();
        for cells in [0, 1, 12] {
            let halves = halves(cells, cells as u64);
            let envelope = Envelope::week(7, &halves, &a, &b).unwrap();
            let week = Week::parse(envelope.octets()).unwrap();
            assert_eq!(open_a.open_half(&week, Recipient::A).unwrap(), halves.a);
            assert_eq!(open_b.open_half(&week, Recipient::B).unwrap(), halves.b);
            assert_eq!(open_b.open_half(&week, Recipient::A), Err(EnvelopeError::Open));
            assert_eq!(open_a.open_half(&week, Recipient::B), Err(EnvelopeError::Open));
            let moved = Week { epoch: 8, ..week.clone() };
            assert_eq!(open_a.open_half(&moved, Recipient::A), Err(EnvelopeError::Open), "bound to its week");
            let swapped = Week { a: week.b.clone(), b: week.a.clone(), ..week };
            assert_eq!(open_b.open_half(&swapped, Recipient::A), Err(EnvelopeError::Open), "bound to its side");
            sizes.push(envelope.octets().len());
        }
        assert_eq!(sizes, [4_794; 3]);
    }

    #[test]
    fn the_same_sealed_twice_looks_different() {
        let (_, key) = OpeningKey::generate().unwrap();
        let halves = halves(3, 1);
        let sealed = || Envelope::week(7, &halves, &key, &key).unwrap().octets().to_vec();
        let (one, two) = (sealed(), sealed());
        let same = one.iter().zip(&two).skip(WEEK_HEAD_LEN + 64).filter(|(one, two)| one == two).count();
        assert!(same < 60, "{same} of {} octets", one.len());
    }

    #[test]
    fn a_key_that_is_none_seals_nothing() {
        let halves = halves(0, 2);
        let (_, good) = OpeningKey::generate().unwrap();
        // A point of small order: everybody would know the shared secret (RFC 7748 §6.1).
        let bad = SealingKey::new([0; KEY_LEN]);
        assert_eq!(Envelope::week(7, &halves, &bad, &good).err(), Some(EnvelopeError::Seal));
    }

    proptest! {
        #[test]
        fn any_octets_are_no_message(octets in prop::collection::vec(any::<u8>(), 0..400)) {
            let (key, _) = OpeningKey::generate().unwrap();
            prop_assert!(key.open_report(&octets).is_err());
            if let Ok(week) = Week::parse(&octets) {
                prop_assert!(key.open_half(&week, Recipient::A).is_err());
            }
        }
    }
}
