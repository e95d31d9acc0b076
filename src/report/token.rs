//! Tokens that a line's provider signs without seeing them (Blind RSA: RFC 9474, as Privacy Pass type 2: RFC 9578 §6). Who
//! spends one is a subscriber, and nobody knows which: provider and verifier together see a signature they cannot place.
//! Counts nothing: that a token is spent once is the verifier's care (`hub::collect::issue`).
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use aws_lc_rs::digest::{SHA256, SHA384, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PSS_2048_8192_SHA384;
use rand::CryptoRng;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PublicKey, hazmat};
use zeroize::Zeroize;

/// Octets of a signature and of a modulus: 2048 bits.
pub const SIGNATURE_LEN: usize = 256;
/// Octets that are signed: type 2, nonce 32, challenge 32, key id 32.
pub const INPUT_LEN: usize = 2 + 3 * 32;
/// Octets of a token (RFC 9578 §6).
pub const TOKEN_LEN: usize = INPUT_LEN + SIGNATURE_LEN;
/// Octets of a request: type 2, the last octet of the key id, the blinded message (RFC 9578 §6.1).
pub const REQUEST_LEN: usize = 3 + SIGNATURE_LEN;

/// `0x0002`: Blind RSA, 2048 bits (RFC 9578 §8.2.2).
const TYPE: [u8; 2] = [0, 2];
const EXPONENT: [u8; 3] = [1, 0, 1];
/// Octets of SHA-384, and of the salt (RFC 9474 §5, RSABSSA-SHA384-PSS-Deterministic).
const HASH_LEN: usize = 48;
/// What stands before the modulus of a 2048-bit key whose only use is PSS with SHA-384 (RFC 9578 §6.5): SEQUENCE of
/// id-RSASSA-PSS with its parameters, and a BIT STRING with modulus and exponent.
const SPKI_HEAD: [u8; 81] = [
    0x30, 0x82, 0x01, 0x52, 0x30, 0x3d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a, 0x30, 0x30,
    0xa0, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0xa1, 0x1a, 0x30, 0x18,
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
    0x65, 0x03, 0x04, 0x02, 0x02, 0xa2, 0x03, 0x02, 0x01, 0x30, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a,
    0x02, 0x82, 0x01, 0x01, 0x00,
];

/// Why there is no token, or it is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No odd number of 2048 bits.
    #[error("this is no 2048-bit key")]
    Key,
    /// The library refused, or the drawn factor has no inverse (then the key could be factored).
    #[error("the token cannot be blinded")]
    Blind,
    /// The provider's answer is no signature of what was asked.
    #[error("the answer is no signature by the announced key")]
    Answer,
    /// Another type, challenge or key, or a signature that does not hold.
    #[error("no token for this")]
    Token,
}

/// A provider's public key: e is 65537, always.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuerKey {
    key: PublicKey,
    modulus: [u8; SIGNATURE_LEN],
    id: [u8; 32],
}

/// What the asker keeps until the answer comes. Wiped when dropped.
pub struct Asking {
    input: [u8; INPUT_LEN],
    unblinder: BoxedUint,
}

/// A token. Spent once.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; TOKEN_LEN]);

impl IssuerKey {
    /// From the modulus, big-endian. `Err` unless it is odd and of 2048 bits.
    pub fn new(modulus: &[u8; SIGNATURE_LEN]) -> Result<IssuerKey, TokenError> {
        if modulus.first().is_none_or(|first| first & 0x80 == 0) || modulus.last().is_none_or(|last| last & 1 == 0) {
            return Err(TokenError::Key);
        }
        let key = PublicKey::new(number(modulus)?, BoxedUint::from(65_537_u32)).map_err(|_| TokenError::Key)?;
        let mut id = [0; 32];
        let spki = [SPKI_HEAD.as_slice(), modulus, &[2, 3], &EXPONENT].concat();
        id.iter_mut().zip(digest(&SHA256, &spki).as_ref()).for_each(|(to, from)| *to = *from);
        Ok(IssuerKey { key, modulus: *modulus, id })
    }

    /// The modulus, big-endian.
    pub fn modulus(&self) -> &[u8; SIGNATURE_LEN] {
        &self.modulus
    }

    /// SHA-256 of the key as RFC 9578 §6.5 writes it.
    pub fn id(&self) -> &[u8; 32] {
        &self.id
    }

    /// Whether `token` was signed by this key for `challenge`. Not whether it was spent.
    pub fn verify(&self, token: &Token, challenge: &[u8; 32]) -> Result<(), TokenError> {
        let (input, signature) = token.0.split_first_chunk::<INPUT_LEN>().ok_or(TokenError::Token)?;
        if *input != self.input(token.nonce(), challenge) {
            return Err(TokenError::Token);
        }
        let key = PublicKeyComponents { n: self.modulus.as_slice(), e: EXPONENT.as_slice() };
        key.verify(&RSA_PSS_2048_8192_SHA384, input, signature).map_err(|_| TokenError::Token)
    }

    fn input(&self, nonce: &[u8; 32], challenge: &[u8; 32]) -> [u8; INPUT_LEN] {
        join([TYPE.as_slice(), nonce, challenge, &self.id])
    }
}

impl fmt::Debug for IssuerKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "IssuerKey({:02x}{:02x}…)", self.id[0], self.id[1])
    }
}

/// What a token is for (RFC 9577 §2.1): the provider, a context (epoch and purpose, so that a token for a question is none
/// for a report), and who takes it. Names over 65,535 octets are cut.
pub fn challenge(issuer: &str, context: &[u8; 32], origin: &str) -> [u8; 32] {
    let mut octets = TYPE.to_vec();
    let name = |octets: &mut Vec<u8>, name: &str| {
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        octets.extend(length.to_be_bytes());
        octets.extend(name.bytes().take(usize::from(length)));
    };
    name(&mut octets, issuer);
    octets.push(32);
    octets.extend(context);
    name(&mut octets, origin);
    join([digest(&SHA256, &octets).as_ref()])
}

/// Asks for one: what to keep, and what to send (RFC 9578 §6.1). The provider sees a number that tells nothing.
pub fn ask(
    key: &IssuerKey,
    challenge: &[u8; 32],
    rng: &mut impl CryptoRng,
) -> Result<(Asking, [u8; REQUEST_LEN]), TokenError> {
    let (mut nonce, mut salt) = ([0; 32], [0; HASH_LEN]);
    rng.fill_bytes(&mut nonce);
    rng.fill_bytes(&mut salt);
    let input = key.input(&nonce, challenge);
    let factor = random_below(&key.key, rng)?;
    let (blinded, unblinder) = blind(&key.key, &encode(&input, &salt, SIGNATURE_LEN), &factor)?;
    let short_id = key.id.last().copied().unwrap_or(0);
    Ok((Asking { input, unblinder }, join([TYPE.as_slice(), &[short_id], &blinded])))
}

impl Asking {
    /// Takes the factor off the provider's answer and checks the signature (RFC 9474 §4.4).
    pub fn finish(self, answer: &[u8; SIGNATURE_LEN], key: &IssuerKey) -> Result<Token, TokenError> {
        let signature = unblind(&key.key, answer, &self.unblinder).map_err(|_| TokenError::Answer)?;
        let token = Token(join([self.input.as_slice(), &signature]));
        let (_, challenge, _) = token.parts();
        key.verify(&token, challenge).map_err(|_| TokenError::Answer)?;
        Ok(token)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.input.zeroize();
        self.unblinder.zeroize();
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Asking")
    }
}

impl Token {
    /// Reads one; whether it is worth anything, [`IssuerKey::verify`] knows.
    pub fn parse(octets: &[u8]) -> Option<Token> {
        let octets: [u8; TOKEN_LEN] = octets.try_into().ok()?;
        octets.starts_with(&TYPE).then_some(Token(octets))
    }

    /// As it is sent.
    pub fn octets(&self) -> &[u8; TOKEN_LEN] {
        &self.0
    }

    /// What makes it unique.
    pub fn nonce(&self) -> &[u8; 32] {
        self.parts().0
    }

    /// Nonce, challenge, key id.
    fn parts(&self) -> (&[u8; 32], &[u8; 32], &[u8; 32]) {
        let part = |at: usize| self.0.get(at..).and_then(<[u8]>::first_chunk).unwrap_or(&[0; 32]);
        (part(2), part(34), part(66))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token")
    }
}

/// EMSA-PSS (RFC 8017 §9.1.1) with SHA-384 and a salt as long, for a modulus of `8 * length` bits.
fn encode(message: &[u8], salt: &[u8; HASH_LEN], length: usize) -> Vec<u8> {
    let hash = digest(&SHA384, message);
    let hash = digest(&SHA384, &[[0; 8].as_slice(), hash.as_ref(), salt].concat());
    let mut block = vec![0; length.saturating_sub(2 * HASH_LEN + 2)];
    block.push(1);
    block.extend(salt);
    for (counter, chunk) in (0_u32..).zip(block.chunks_mut(HASH_LEN)) {
        let mask = digest(&SHA384, &[hash.as_ref(), &counter.to_be_bytes()].concat());
        chunk.iter_mut().zip(mask.as_ref()).for_each(|(octet, mask)| *octet ^= mask);
    }
    // One bit less than the modulus.
    block.iter_mut().take(1).for_each(|octet| *octet &= 0x7f);
    block.extend(hash.as_ref());
    block.push(0xbc);
    block
}

/// The encoded message times factor^e, and the factor's inverse (RFC 9474 §4.2).
fn blind(key: &PublicKey, encoded: &[u8], factor: &BoxedUint) -> Result<(Vec<u8>, BoxedUint), TokenError> {
    let message = BoxedUint::from_be_slice(encoded, key.n_bits_precision()).map_err(|_| TokenError::Blind)?;
    let unblinder = Option::from(factor.invert_mod(key.n())).ok_or(TokenError::Blind)?;
    let raised = hazmat::rsa_encrypt(key, factor).map_err(|_| TokenError::Blind)?;
    Ok((message.mul_mod(&raised, key.n()).to_be_bytes().to_vec(), unblinder))
}

fn unblind(key: &PublicKey, answer: &[u8], unblinder: &BoxedUint) -> Result<Vec<u8>, TokenError> {
    let answer = BoxedUint::from_be_slice(answer, key.n_bits_precision()).map_err(|_| TokenError::Answer)?;
    if answer >= **key.n() {
        return Err(TokenError::Answer);
    }
    Ok(answer.mul_mod(unblinder, key.n()).to_be_bytes().to_vec())
}

/// Below the modulus and not zero, each as likely.
fn random_below(key: &PublicKey, rng: &mut impl CryptoRng) -> Result<BoxedUint, TokenError> {
    // The modulus has its top bit set, so that one draw in two is below it.
    for _ in 0..256 {
        let mut octets = [0; SIGNATURE_LEN];
        rng.fill_bytes(&mut octets);
        let drawn = number(&octets)?;
        octets.zeroize();
        if drawn < **key.n() && drawn != BoxedUint::zero_with_precision(key.n_bits_precision()) {
            return Ok(drawn);
        }
    }
    Err(TokenError::Blind)
}

fn number(octets: &[u8; SIGNATURE_LEN]) -> Result<BoxedUint, TokenError> {
    BoxedUint::from_be_slice(octets, 2048).map_err(|_| TokenError::Key)
}

/// Parts in a row, cut or filled with zeros to `N`; every caller's lengths add up.
fn join<const N: usize, const P: usize>(parts: [&[u8]; P]) -> [u8; N] {
    let mut octets = [0; N];
    octets.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
    octets
}

#[cfg(test)]
mod tests;
