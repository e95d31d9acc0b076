//! From a report to something nobody can read alone: two oblivious functions make the secret, the secret makes a share and
//! the key of this one report (STAR, CCS 2022, with a second key holder and a key for each report). Types hold the order:
//! a [`Report`] becomes a [`Question`], a question with two proven answers becomes an [`Anonymous`], and only that is sent.
//! Sends nothing itself.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rand::CryptoRng;

use crate::oprf::{self, Blinding, ELEMENT_LEN, Evaluated, OprfError, PublicKey};
use crate::report::consent::Permit;
use crate::report::message::{CONTENT_LEN, HEADER_LEN, Header, Report};
use crate::report::share::{self, DeriveError, Polynomial, SCALAR_LEN, TAG_LEN};

/// Octets of the ciphertext: content and the authenticator of 16.
pub const CIPHERTEXT_LEN: usize = CONTENT_LEN + 16;
/// Octets of every anonymous report, the empty ones included: header, tag, where, value, ciphertext.
pub const ANONYMOUS_LEN: usize = HEADER_LEN + TAG_LEN + 2 * SCALAR_LEN + CIPHERTEXT_LEN;

/// Why nothing was sealed. Then nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// A key holder's answer does not hold: reporting stops until somebody looked.
    #[error("operator {operator}: {error}")]
    Operator {
        /// `a` or `b`.
        operator: char,
        /// What is wrong with it.
        error: OprfError,
    },
    /// The report could not be blinded.
    #[error("the report cannot be hidden: {0}")]
    Blind(#[from] OprfError),
    /// One key for both: two functions that are one.
    #[error("both operators announce one key")]
    OneKey,
    /// A library refused.
    #[error(transparent)]
    Derive(#[from] DeriveError),
}

/// A report on its way to both key holders, or the appearance of one. Lives in memory until both answered; wiped then.
pub struct Question {
    header: Header,
    report: Option<Report>,
    a: Blinding,
    b: Blinding,
}

/// Two points to send, one to each. They have nothing in common: neither key holder, nor both together, can tell that
/// they hide one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elements {
    /// For operator A.
    pub a: [u8; ELEMENT_LEN],
    /// For operator B.
    pub b: [u8; ELEMENT_LEN],
}

/// What one operator answered, and the key it announced for this epoch.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// One element and its proof.
    pub evaluated: &'a Evaluated,
    /// As the manifest has it.
    pub key: &'a PublicKey,
}

/// A report that can be read when enough others say the same, and never before; or an empty one, which looks the same.
#[derive(Clone, PartialEq, Eq)]
pub struct Anonymous([u8; ANONYMOUS_LEN]);

impl Question {
    /// Hides a report from both key holders.
    pub fn about(report: Report, _: Permit) -> Result<(Question, Elements), SealError> {
        let measured = report.measured();
        Question::hide(report.header(), Some(report), &measured)
    }

    /// A question about nothing, for a slot without a report: nobody but this box can tell.
    pub fn about_nothing(
        header: Header,
        rng: &mut impl CryptoRng,
        _: Permit,
    ) -> Result<(Question, Elements), SealError> {
        let mut random = [0; 32];
        rng.fill_bytes(&mut random);
        Question::hide(header, None, &random)
    }

    fn hide(header: Header, report: Option<Report>, input: &[u8]) -> Result<(Question, Elements), SealError> {
        let ((a, for_a), (b, for_b)) = (oprf::blind(input)?, oprf::blind(input)?);
        Ok((Question { header, report, a, b }, Elements { a: for_a, b: for_b }))
    }

    /// Checks both proofs, also for a question about nothing, and seals.
    pub fn seal(self, a: Answer<'_>, b: Answer<'_>, rng: &mut impl CryptoRng) -> Result<Anonymous, SealError> {
        if a.key == b.key {
            return Err(SealError::OneKey);
        }
        let finish = |operator, blinding: &Blinding, answer: Answer<'_>| {
            let output = blinding.finish(answer.evaluated, answer.key);
            output.map_err(|error| SealError::Operator { operator, error })
        };
        let (a, b) = (finish('a', &self.a, a)?, finish('b', &self.b, b)?);
        match &self.report {
            Some(report) => Anonymous::of(report, &a, &b, rng),
            None => Ok(Anonymous::empty(self.header, rng)),
        }
    }
}

impl fmt::Debug for Question {
    /// Nothing of the name, nor whether there is one.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Question({:?})", self.header)
    }
}

impl Anonymous {
    fn of(report: &Report, a: &[u8], b: &[u8], rng: &mut impl CryptoRng) -> Result<Anonymous, SealError> {
        let header = report.header();
        let secret = share::secret_of(&report.measured(), a, b)?;
        let polynomial = Polynomial::of_secret(&secret, header.threshold)?;
        let share = polynomial.at(share::random_scalar(rng));
        let key = share::report_key(&secret, &share.x)?;
        let ciphertext = encrypt(&key, &associated(header, &polynomial.tag()), &report.content().octets())?;
        Ok(Anonymous::assemble(header, &polynomial.tag(), share.x.as_bytes(), share.y.as_bytes(), &ciphertext))
    }

    /// Random where a report has something: a tag that no other report will ever have, so it counts for nothing.
    fn empty(header: Header, rng: &mut impl CryptoRng) -> Anonymous {
        let (x, y) = (share::random_scalar(rng), share::random_scalar(rng));
        let (mut tag, mut ciphertext) = ([0; TAG_LEN], [0; CIPHERTEXT_LEN]);
        rng.fill_bytes(&mut tag);
        rng.fill_bytes(&mut ciphertext);
        Anonymous::assemble(header, &tag, x.as_bytes(), y.as_bytes(), &ciphertext)
    }

    fn assemble(header: Header, tag: &[u8], x: &[u8], y: &[u8], ciphertext: &[u8]) -> Anonymous {
        let header = header.octets();
        let parts = [&header, tag, x, y, ciphertext];
        let mut octets = [0; ANONYMOUS_LEN];
        octets.iter_mut().zip(parts.into_iter().flatten()).for_each(|(to, from)| *to = *from);
        Anonymous(octets)
    }

    /// As it is sealed to operator A.
    pub fn octets(&self) -> &[u8; ANONYMOUS_LEN] {
        &self.0
    }
}

impl fmt::Debug for Anonymous {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Anonymous")
    }
}

/// What a ciphertext is bound to besides its key.
pub(crate) fn associated(header: Header, tag: &[u8; TAG_LEN]) -> Vec<u8> {
    [header.octets().as_slice(), tag].concat()
}

/// ChaCha20-Poly1305 (RFC 8439) with a nonce of zeros: each key encrypts once.
fn encrypt(key: &[u8; 32], associated: &[u8], content: &[u8; CONTENT_LEN]) -> Result<Vec<u8>, DeriveError> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map(LessSafeKey::new).map_err(|_| DeriveError)?;
    let mut octets = content.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
    key.seal_in_place_append_tag(nonce, Aad::from(associated), &mut octets).map_err(|_| DeriveError)?;
    Ok(octets)
}

/// The other direction; `None` when key, associated octets or ciphertext do not belong together.
pub(crate) fn decrypt(
    key: &[u8; 32],
    associated: &[u8],
    ciphertext: &[u8; CIPHERTEXT_LEN],
) -> Option<[u8; CONTENT_LEN]> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map(LessSafeKey::new).ok()?;
    let mut octets = *ciphertext;
    let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
    let content = key.open_in_place(nonce, Aad::from(associated), &mut octets).ok()?;
    content.try_into().ok().map(|content: &mut [u8; CONTENT_LEN]| *content)
}
