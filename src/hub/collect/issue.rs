//! Both ends of a blind token: the provider signs what it cannot read for a line it knows, and whoever takes a token
//! takes it once.

use std::collections::BTreeSet;
use std::fmt;

use rand::CryptoRng;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PrivateKey, hazmat};
use zeroize::Zeroizing;

use crate::report::token::{IssuerKey, REQUEST_LEN, SIGNATURE_LEN, Token, TokenError};

/// Tokens of one line and week: 20 reports, both questions of each, and the sums.
pub const PER_LINE: u32 = 61;

/// Why nothing is signed or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// A key file that is none, or a key that cannot be made.
    #[error("this is no 2048-bit RSA key in PKCS#8")]
    Key,
    /// A request of another length, type or key, or a number that is none.
    #[error("no request for this key")]
    Request,
    /// The line had its [`PER_LINE`].
    #[error("this line has had its {PER_LINE} tokens of the week")]
    Enough,
    /// The token does not hold.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// It was spent before.
    #[error("this token is spent")]
    Spent,
    /// More tokens than the limit: nothing is taken that could not be remembered.
    #[error("no more tokens can be remembered")]
    Full,
}

/// Who signs.
pub struct Issuer {
    secret: PrivateKey,
    public: IssuerKey,
}

/// What one line was given in one week. Kept by the provider, who knows its lines; says nothing of what was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allowance {
    given: u32,
}

/// Who takes tokens for one challenge, and remembers which.
pub struct Redeemer {
    key: IssuerKey,
    challenge: [u8; 32],
    spent: BTreeSet<[u8; 32]>,
    spent_max: usize,
}

impl Issuer {
    /// A new key of 2048 bits.
    pub fn generate(rng: &mut impl CryptoRng) -> Result<Issuer, IssueError> {
        Issuer::of(PrivateKey::new(rng, 2048).map_err(|_| IssueError::Key)?)
    }

    /// Reads what [`Issuer::to_pkcs8`] wrote.
    pub fn from_pkcs8(der: &[u8]) -> Result<Issuer, IssueError> {
        Issuer::of(PrivateKey::from_pkcs8_der(der).map_err(|_| IssueError::Key)?)
    }

    /// The secret key (RFC 5958, DER). Wiped when dropped.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, IssueError> {
        let document = self.secret.to_pkcs8_der().map_err(|_| IssueError::Key)?;
        Ok(Zeroizing::new(document.as_bytes().to_vec()))
    }

    fn of(secret: PrivateKey) -> Result<Issuer, IssueError> {
        let modulus: [u8; SIGNATURE_LEN] = secret.n_bytes().as_ref().try_into().map_err(|_| IssueError::Key)?;
        if *secret.e() != BoxedUint::from(65_537_u32) {
            return Err(IssueError::Key);
        }
        let public = IssuerKey::new(&modulus).map_err(|_| IssueError::Key)?;
        Ok(Issuer { secret, public })
    }

    /// The public half.
    pub fn public(&self) -> &IssuerKey {
        &self.public
    }

    /// Signs a request of a line that has something left (RFC 9578 §6.2). A request that is refused costs nothing.
    pub fn sign(
        &self,
        request: &[u8],
        line: &mut Allowance,
        rng: &mut impl CryptoRng,
    ) -> Result<[u8; SIGNATURE_LEN], IssueError> {
        if line.given >= PER_LINE {
            return Err(IssueError::Enough);
        }
        let request: &[u8; REQUEST_LEN] = request.try_into().map_err(|_| IssueError::Request)?;
        let ([0, 2, short_id], blinded) = request.split_first_chunk::<3>().ok_or(IssueError::Request)? else {
            return Err(IssueError::Request);
        };
        if Some(short_id) != self.public.id().last() {
            return Err(IssueError::Request);
        }
        let blinded = BoxedUint::from_be_slice(blinded, self.secret.n_bits_precision());
        let blinded = blinded.map_err(|_| IssueError::Request)?;
        let signed = hazmat::rsa_decrypt_and_check(&self.secret, Some(rng), &blinded);
        let signed = signed.map_err(|_| IssueError::Request)?.to_be_bytes();
        line.given += 1;
        signed.as_ref().try_into().map_err(|_| IssueError::Request)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Issuer({:?})", self.public)
    }
}

impl Redeemer {
    /// For tokens by `key` for `challenge`; remembers at most `spent_max`.
    pub fn new(key: IssuerKey, challenge: [u8; 32], spent_max: usize) -> Redeemer {
        Redeemer { key, challenge, spent: BTreeSet::new(), spent_max }
    }

    /// Takes a token, once.
    pub fn redeem(&mut self, octets: &[u8]) -> Result<(), IssueError> {
        let token = Token::parse(octets).ok_or(TokenError::Token)?;
        if self.spent.contains(token.nonce()) {
            return Err(IssueError::Spent);
        }
        if self.spent.len() >= self.spent_max {
            return Err(IssueError::Full);
        }
        self.key.verify(&token, &self.challenge)?;
        self.spent.insert(*token.nonce());
        Ok(())
    }

    /// How many were taken.
    pub fn taken(&self) -> usize {
        self.spent.len()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::report::token::{TOKEN_LEN, ask, challenge};
    use proptest::prelude::*;
    use std::sync::OnceLock;

    /// One key for all tests: making one takes seconds in a debug build.
    pub(crate) fn issuer() -> &'static Issuer {
        static ISSUER: OnceLock<Issuer> = OnceLock::new();
        ISSUER.get_or_init(|| Issuer::generate(&mut rand::rng()).unwrap())
    }

    pub(crate) fn token(challenge: &[u8; 32]) -> Token {
        let mut rng = rand::rng();
        let (asking, request) = ask(issuer().public(), challenge, &mut rng).unwrap();
        let answer = issuer().sign(&request, &mut Allowance::default(), &mut rng).unwrap();
        asking.finish(&answer, issuer().public()).unwrap()
    }

    fn purpose(octet: u8) -> [u8; 32] {
        challenge("isp.vn", &[octet; 32], "b.vn")
    }

    #[test]
    fn a_token_is_taken_once_and_for_what_it_is_for() {
        let token = token(&purpose(1));
        let mut questions = Redeemer::new(issuer().public().clone(), purpose(2), 10);
        assert_eq!(questions.redeem(token.octets()), Err(IssueError::Token(TokenError::Token)));
        let mut reports = Redeemer::new(issuer().public().clone(), purpose(1), 10);
        assert_eq!(reports.redeem(token.octets()), Ok(()));
        assert_eq!(reports.redeem(token.octets()), Err(IssueError::Spent));
        assert_eq!(reports.taken(), 1);
        let mut small = Redeemer::new(issuer().public().clone(), purpose(1), 0);
        assert_eq!(small.redeem(token.octets()), Err(IssueError::Full));
    }

    #[test]
    fn the_provider_never_sees_what_is_spent() {
        let mut rng = rand::rng();
        let (asking, request) = ask(issuer().public(), &purpose(1), &mut rng).unwrap();
        let answer = issuer().sign(&request, &mut Allowance::default(), &mut rng).unwrap();
        let token = asking.finish(&answer, issuer().public()).unwrap();
        let has = |all: &[u8], part: &[u8]| all.windows(16).any(|window| part.windows(16).any(|other| window == other));
        assert!(!has(token.octets(), &request[3..]) && !has(token.octets(), &answer));
    }

    #[test]
    fn a_line_gets_its_share() {
        let mut line = Allowance { given: PER_LINE - 1 };
        let mut rng = rand::rng();
        let (_, request) = ask(issuer().public(), &purpose(1), &mut rng).unwrap();
        assert!(issuer().sign(&request, &mut line, &mut rng).is_ok());
        assert_eq!(issuer().sign(&request, &mut line, &mut rng), Err(IssueError::Enough));
    }

    #[test]
    fn a_bit_turned_over_anywhere_is_worth_nothing() {
        let good = token(&purpose(1));
        for at in 0..TOKEN_LEN {
            let mut octets = *good.octets();
            octets[at] ^= 1;
            let mut reports = Redeemer::new(issuer().public().clone(), purpose(1), 10);
            assert!(reports.redeem(&octets).is_err(), "octet {at}");
        }
    }

    #[test]
    fn an_answer_that_is_none_is_refused() {
        let mut rng = rand::rng();
        let (key, mut line) = (issuer().public(), Allowance::default());
        for wrong in [[0; SIGNATURE_LEN], [0xff; SIGNATURE_LEN], *key.modulus()] {
            let (asking, _) = ask(key, &purpose(1), &mut rng).unwrap();
            assert_eq!(asking.finish(&wrong, key), Err(TokenError::Answer));
        }
        let (asking, _) = ask(key, &purpose(1), &mut rng).unwrap();
        let (_, other) = ask(key, &purpose(1), &mut rng).unwrap();
        let answer = issuer().sign(&other, &mut line, &mut rng).unwrap();
        assert_eq!(asking.finish(&answer, key), Err(TokenError::Answer));
    }

    #[test]
    fn a_request_that_is_none_costs_nothing() {
        let (mut rng, mut line) = (rand::rng(), Allowance::default());
        let (_, good) = ask(issuer().public(), &purpose(1), &mut rng).unwrap();
        let mut all = vec![vec![], vec![0; REQUEST_LEN], vec![0xff; REQUEST_LEN], vec![0; 1 << 20]];
        all.push([&good[..3], [0xff; SIGNATURE_LEN].as_slice()].concat());
        all.push([&[0, 1], &good[2..]].concat());
        all.push([&good[..2], &[good[2] ^ 1], &good[3..]].concat());
        for request in all {
            assert_eq!(issuer().sign(&request, &mut line, &mut rng), Err(IssueError::Request));
        }
        assert_eq!(line, Allowance::default());
    }

    #[test]
    fn keys_go_out_and_come_back() {
        let der = issuer().to_pkcs8().unwrap();
        assert_eq!(Issuer::from_pkcs8(&der).unwrap().public(), issuer().public());
        assert_eq!(Issuer::from_pkcs8(&der[1..]).err(), Some(IssueError::Key));
    }

    proptest! {
        #[test]
        fn any_octets_are_no_token(octets in prop::collection::vec(any::<u8>(), TOKEN_LEN)) {
            let mut octets = octets;
            octets[..2].copy_from_slice(&[0, 2]);
            let mut reports = Redeemer::new(issuer().public().clone(), purpose(1), 10);
            prop_assert!(reports.redeem(&octets).is_err());
        }
    }
}
