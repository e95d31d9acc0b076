//! The vector of RFC 9474 appendix A.3, step by step.

use super::*;
use rsa::PrivateKey;

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.trim_start_matches("0x").chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn the_vector_of_the_rfc_comes_out() {
    let text = include_str!("../../../tests/data/rfc9474-deterministic.json");
    let vector: serde_json::Value = serde_json::from_str(text).unwrap();
    let field = |name: &str| octets(vector[name].as_str().unwrap());
    let number = |name: &str, bits| BoxedUint::from_be_slice(&field(name), bits).unwrap();
    let (n, e) = (number("n", 4096), BoxedUint::from(65_537_u32));
    let key = PublicKey::new(n.clone(), e.clone()).unwrap();
    let salt: [u8; HASH_LEN] = field("salt").try_into().unwrap();
    let encoded = encode(&field("msg"), &salt, 512);
    assert_eq!(encoded, field("encoded_msg"));
    let inverse = number("inv", 4096);
    let factor = inverse.invert_mod(key.n()).unwrap();
    let (blinded, unblinder) = blind(&key, &encoded, &factor).unwrap();
    assert_eq!((blinded.clone(), unblinder == inverse), (field("blinded_msg"), true));
    let primes = vec![number("p", 2048), number("q", 2048)];
    let secret = PrivateKey::from_components(n, e, number("d", 4096), primes).unwrap();
    let blinded = BoxedUint::from_be_slice(&blinded, 4096).unwrap();
    let answer = hazmat::rsa_decrypt_and_check(&secret, Some(&mut rand::rng()), &blinded).unwrap().to_be_bytes();
    assert_eq!(answer.to_vec(), field("blind_sig"));
    assert_eq!(unblind(&key, &answer, &unblinder).unwrap(), field("sig"));
}

#[test]
fn what_is_no_key_is_refused() {
    let mut modulus = [0xff; SIGNATURE_LEN];
    assert!(IssuerKey::new(&modulus).is_ok());
    modulus[255] = 0xfe;
    assert_eq!(IssuerKey::new(&modulus), Err(TokenError::Key), "even");
    (modulus[0], modulus[255]) = (0x7f, 0xff);
    assert_eq!(IssuerKey::new(&modulus), Err(TokenError::Key), "2047 bits");
}

#[test]
fn a_challenge_is_told_apart_by_each_of_its_parts() {
    let base = challenge("isp.vn", &[1; 32], "a.vn");
    let others = [("isp.vn", [2; 32], "a.vn"), ("isp.v", [1; 32], "na.vn"), ("isp.vn", [1; 32], "b.vn")];
    assert!(others.iter().all(|(issuer, context, origin)| challenge(issuer, context, origin) != base));
}
