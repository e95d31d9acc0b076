//! A function of a secret key that two sides compute together: the asker learns the output and not the key, the key's
//! holder learns neither input nor output, and a proof shows that the announced key was used (RFC 9497, VOPRF mode,
//! ristretto255-SHA512). A checked wrapper around the `voprf` crate: octets in, octets out, every fault a named error.
//! Sends nothing and keeps nothing.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use rand_core::{CryptoRng, OsRng, RngCore};
use voprf::{BlindedElement, EvaluationElement, Group, Proof, Ristretto255, VoprfClient, VoprfServer};
use zeroize::{Zeroize, Zeroizing};

/// Octets of a point on the wire: blinded element, evaluated element, public key (RFC 9496 §4.3.2).
pub const ELEMENT_LEN: usize = 32;
/// Octets of a proof: two scalars (RFC 9497 §2.2).
pub const PROOF_LEN: usize = 64;
/// Octets of an output: SHA-512 (RFC 9497 §4.1).
pub const OUTPUT_LEN: usize = 64;
/// Elements in one batch at most. The RFC allows 65,535; a request of ours holds one report's worth, and a server must not
/// be made to work for longer than a packet took to arrive.
pub const BATCH_MAX: usize = 64;
/// Octets of the longest input (RFC 9497 §1.2).
pub const INPUT_MAX: usize = u16::MAX as usize;

/// Why nothing was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OprfError {
    /// The input is empty or longer than 65,535 octets, or (nobody can find such an input) is hashed to the identity.
    #[error("input of {0} octets cannot be evaluated (1 to {INPUT_MAX})")]
    Input(usize),
    /// The octets are no point of ristretto255, or the identity.
    #[error("element {0} is no point, or the identity")]
    Element(usize),
    /// The octets are no public key: no point, or the identity.
    #[error("these 32 octets are no public key")]
    PublicKey,
    /// The octets are no private key: zero, or not below the order of the group.
    #[error("these 32 octets are no private key")]
    PrivateKey,
    /// The proof does not show that this key evaluated these elements, or is not canonical.
    #[error("the proof does not hold: the answer was not made with the announced key")]
    Proof,
    /// An empty batch, one over [`BATCH_MAX`], or an answer with another number of elements than were asked.
    #[error("batch of {0} elements cannot be handled (1 to {BATCH_MAX}, as many answered as asked)")]
    Batch(usize),
    /// The system gave no randomness.
    #[error("the system gives no randomness")]
    Randomness,
}

type Suite = Ristretto255;
type Point = <Suite as Group>::Elem;

/// The secret key of one side. Wiped when dropped; shows nothing of itself.
pub struct ServerKey {
    server: VoprfServer<Suite>,
}

/// What everybody may know of a [`ServerKey`]: a point that is not the identity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PublicKey {
    point: Point,
    octets: [u8; ELEMENT_LEN],
}

/// What the asker keeps between question and answer: the input and the factor that hid it. Wiped when dropped.
pub struct Blinding {
    client: VoprfClient<Suite>,
    input: Zeroizing<Vec<u8>>,
}

/// An answer: the evaluated elements in the order of the question, and one proof for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluated {
    /// One point for each that was asked.
    pub elements: Vec<[u8; ELEMENT_LEN]>,
    /// That all of them were made with the announced key (RFC 9497 §2.2).
    pub proof: [u8; PROOF_LEN],
}

impl ServerKey {
    /// A new key from the system's randomness, by `DeriveKeyPair` (RFC 9497 §3.2.1).
    pub fn generate() -> Result<ServerKey, OprfError> {
        let mut seed = Zeroizing::new([0; 32]);
        OsRng.try_fill_bytes(seed.as_mut()).map_err(|_| OprfError::Randomness)?;
        let server = VoprfServer::new_from_seed(seed.as_ref(), &[]).map_err(|_| OprfError::Randomness)?;
        Ok(ServerKey { server })
    }

    /// Reads a key as [`ServerKey::to_bytes`] wrote it: a scalar, little-endian, canonical and not zero.
    pub fn from_bytes(octets: &[u8; 32]) -> Result<ServerKey, OprfError> {
        let server = VoprfServer::new_with_key(octets).map_err(|_| OprfError::PrivateKey)?;
        Ok(ServerKey { server })
    }

    /// The secret scalar, little-endian. The only way out of this type; wiped when dropped.
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        let mut both = self.server.serialize();
        let mut octets = Zeroizing::new([0; 32]);
        octets.iter_mut().zip(both.iter()).for_each(|(to, from)| *to = *from);
        both.iter_mut().zeroize();
        octets
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::of(self.server.get_public_key())
    }

    /// Evaluates blinded elements, in order, with one proof for all (RFC 9497 §3.3.2 `BlindEvaluate`). `Err` names the first
    /// element that is no point; then nothing is evaluated.
    pub fn evaluate(&self, elements: &[[u8; ELEMENT_LEN]]) -> Result<Evaluated, OprfError> {
        self.evaluate_by(elements, &mut Drawn::new()?)
    }

    fn evaluate_by(&self, elements: &[[u8; ELEMENT_LEN]], drawn: &mut Drawn) -> Result<Evaluated, OprfError> {
        check_batch(elements.len())?;
        let blinded = parse_all(elements, BlindedElement::<Suite>::deserialize)?;
        let answer = self.server.batch_blind_evaluate(drawn, &blinded);
        let answer = answer.map_err(|_| OprfError::Batch(elements.len()))?;
        let elements = answer.messages.iter().map(|element| element.serialize().into()).collect();
        let mut proof = [0; PROOF_LEN];
        proof.iter_mut().zip(answer.proof.serialize()).for_each(|(to, from)| *to = from);
        Ok(Evaluated { elements, proof })
    }

    /// The output for an input the key's holder knows, without an asker: the same octets [`Blinding::finish`] gives
    /// (RFC 9497 §3.3.1 `Evaluate`).
    pub fn output(&self, input: &[u8]) -> Result<[u8; OUTPUT_LEN], OprfError> {
        check_input(input)?;
        self.server.evaluate(input).map(Into::into).map_err(|_| OprfError::Input(input.len()))
    }
}

impl fmt::Debug for ServerKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ServerKey(of {:?})", self.public())
    }
}

impl PublicKey {
    /// Reads 32 octets. `Err` unless they are the canonical form of a point other than the identity (RFC 9496 §4.3.1).
    pub fn from_bytes(octets: &[u8; ELEMENT_LEN]) -> Result<PublicKey, OprfError> {
        Suite::deserialize_elem(octets).map(PublicKey::of).map_err(|_| OprfError::PublicKey)
    }

    /// The canonical 32 octets.
    pub fn to_bytes(&self) -> [u8; ELEMENT_LEN] {
        self.octets
    }

    fn of(point: Point) -> PublicKey {
        PublicKey { point, octets: Suite::serialize_elem(point).into() }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PublicKey(")?;
        self.octets.iter().try_for_each(|octet| write!(out, "{octet:02x}"))?;
        out.write_str(")")
    }
}

/// Hides an input behind a random factor (RFC 9497 §3.3.2 `Blind`). Returns what to keep and what to send. Two blindings
/// of one input have nothing in common that anybody but the asker could see.
pub fn blind(input: &[u8]) -> Result<(Blinding, [u8; ELEMENT_LEN]), OprfError> {
    blind_by(input, &mut Drawn::new()?)
}

fn blind_by(input: &[u8], drawn: &mut Drawn) -> Result<(Blinding, [u8; ELEMENT_LEN]), OprfError> {
    check_input(input)?;
    let result = VoprfClient::<Suite>::blind(input, drawn).map_err(|_| OprfError::Input(input.len()))?;
    let element: [u8; ELEMENT_LEN] = result.message.serialize().into();
    // The crate does not look whether the input was hashed to the identity, as the RFC has it.
    if element == [0; ELEMENT_LEN] {
        return Err(OprfError::Input(input.len()));
    }
    Ok((Blinding { client: result.state, input: Zeroizing::new(input.to_vec()) }, element))
}

impl Blinding {
    /// Checks the answer to this one element and takes the factor off (RFC 9497 §3.3.2 `Finalize`). Returns the output,
    /// which is a secret as far as the input is. `Err` when there is not exactly one element, when it is no point, or when
    /// the proof does not hold for `key`.
    pub fn finish(&self, evaluated: &Evaluated, key: &PublicKey) -> Result<[u8; OUTPUT_LEN], OprfError> {
        let outputs = finish_all(&[self], evaluated, key)?;
        outputs.first().copied().ok_or(OprfError::Batch(0))
    }

    /// The same for a batch: `blindings` in the order in which their elements were sent. All outputs or none.
    pub fn finish_batch(
        blindings: &[Blinding],
        evaluated: &Evaluated,
        key: &PublicKey,
    ) -> Result<Vec<[u8; OUTPUT_LEN]>, OprfError> {
        finish_all(&blindings.iter().collect::<Vec<_>>(), evaluated, key)
    }
}

impl fmt::Debug for Blinding {
    /// Neither input nor factor.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Blinding")
    }
}

fn finish_all(
    blindings: &[&Blinding],
    evaluated: &Evaluated,
    key: &PublicKey,
) -> Result<Vec<[u8; OUTPUT_LEN]>, OprfError> {
    check_batch(evaluated.elements.len())?;
    if blindings.len() != evaluated.elements.len() {
        return Err(OprfError::Batch(blindings.len()));
    }
    let elements = parse_all(&evaluated.elements, EvaluationElement::<Suite>::deserialize)?;
    let proof = Proof::<Suite>::deserialize(&evaluated.proof).map_err(|_| OprfError::Proof)?;
    let inputs: Vec<&[u8]> = blindings.iter().map(|blinding| blinding.input.as_slice()).collect();
    let clients: Vec<VoprfClient<Suite>> = blindings.iter().map(|blinding| blinding.client.clone()).collect();
    let outputs = VoprfClient::batch_finalize(&inputs, &clients, &elements, &proof, key.point);
    let outputs = outputs.map_err(|_| OprfError::Proof)?;
    outputs.map(|output| output.map(Into::into).map_err(|_| OprfError::Input(0))).collect()
}

fn check_batch(len: usize) -> Result<(), OprfError> {
    if (1..=BATCH_MAX).contains(&len) { Ok(()) } else { Err(OprfError::Batch(len)) }
}

fn check_input(input: &[u8]) -> Result<(), OprfError> {
    if (1..=INPUT_MAX).contains(&input.len()) { Ok(()) } else { Err(OprfError::Input(input.len())) }
}

fn parse_all<T>(
    elements: &[[u8; ELEMENT_LEN]],
    parse: impl Fn(&[u8]) -> Result<T, voprf::Error>,
) -> Result<Vec<T>, OprfError> {
    let parsed = elements.iter().enumerate();
    parsed.map(|(at, octets)| parse(octets).map_err(|_| OprfError::Element(at))).collect()
}

/// Randomness taken beforehand, so that a system without any is an error here and not a panic inside a library. A scalar
/// is drawn from 64 octets, and every operation here draws one.
struct Drawn(Zeroizing<[u8; 64]>);

impl Drawn {
    fn new() -> Result<Drawn, OprfError> {
        let mut octets = Zeroizing::new([0; 64]);
        OsRng.try_fill_bytes(octets.as_mut()).map_err(|_| OprfError::Randomness)?;
        Ok(Drawn(octets))
    }

    /// That scalar and no other, for the vectors of the RFC.
    #[cfg(test)]
    fn fixed(scalar: &[u8; 32]) -> Drawn {
        let mut octets = Zeroizing::new([0; 64]);
        octets.iter_mut().zip(scalar).for_each(|(to, from)| *to = *from);
        Drawn(octets)
    }
}

impl RngCore for Drawn {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, to: &mut [u8]) {
        let drawn = self.0.iter().chain(std::iter::repeat(&0));
        to.iter_mut().zip(drawn).for_each(|(to, from)| *to = *from);
        // Asked again, it gives something else: a scalar of zero (2⁻²⁵²) is drawn again by the library.
        self.0.iter_mut().for_each(|octet| *octet = octet.wrapping_add(1));
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(to);
        Ok(())
    }
}

impl CryptoRng for Drawn {}

#[cfg(test)]
mod tests;
