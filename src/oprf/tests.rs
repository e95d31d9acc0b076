//! The vectors of RFC 9497 appendix A.1.2, and what a hostile other side may send.

use super::*;

/// One vector of appendix A.1.2: inputs, blinds, blinded elements, evaluated elements, outputs (hexadecimal).
struct Vector {
    inputs: &'static [&'static str],
    blinds: &'static [&'static str],
    blinded: &'static [&'static str],
    evaluated: &'static [&'static str],
    proof: &'static str,
    proof_scalar: &'static str,
    outputs: &'static [&'static str],
}

const SECRET: &str = "e6f73f344b79b379f1a0dd37e07ff62e38d9f71345ce62ae3a9bc60b04ccd909";
const PUBLIC: &str = "c803e2cc6b05fc15064549b5920659ca4a77b2cca6f04f6b357009335476ad4e";
const BLIND: &str = "64d37aed22a27f5191de1c1d69fadb899d8862b58eb4220029e036ec4c1f6706";
const OTHER_SCALAR: &str = "222a5e897cf59db8145db8d16e597e8facb80ae7d4e26d9881aa6f61d645fc0e";
const OUTPUT_1: &str = "b58cfbe118e0cb94d79b5fd6a6dafb98764dff49c14e1770b566e42402da1a7d\
                        a4d8527693914139caee5bd03903af43a491351d23b430948dd50cde10d32b3c";
const OUTPUT_2: &str = "8a9a2f3c7f085b65933594309041fc1898d42d0858e59f90814ae90571a6df60\
                        356f4610bf816f27afdd84f47719e480906d27ecd994985890e5f539e7ea74b6";

const VECTORS: [Vector; 3] = [
    Vector {
        inputs: &["00"],
        blinds: &[BLIND],
        blinded: &["863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945"],
        evaluated: &["aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e"],
        proof: "ddef93772692e535d1a53903db24367355cc2cc78de93b3be5a8ffcc6985dd06\
                6d4346421d17bf5117a2a1ff0fcb2a759f58a539dfbe857a40bce4cf49ec600d",
        proof_scalar: OTHER_SCALAR,
        outputs: &[OUTPUT_1],
    },
    Vector {
        inputs: &["5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"],
        blinds: &[BLIND],
        blinded: &["cc0b2a350101881d8a4cba4c80241d74fb7dcbfde4a61fde2f91443c2bf9ef0c"],
        evaluated: &["60a59a57208d48aca71e9e850d22674b611f752bed48b36f7a91b372bd7ad468"],
        proof: "401a0da6264f8cf45bb2f5264bc31e109155600babb3cd4e5af7d181a2c9dc0a\
                67154fabf031fd936051dec80b0b6ae29c9503493dde7393b722eafdf5a50b02",
        proof_scalar: OTHER_SCALAR,
        outputs: &[OUTPUT_2],
    },
    Vector {
        inputs: &["00", "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"],
        blinds: &[BLIND, OTHER_SCALAR],
        blinded: &[
            "863f330cc1a1259ed5a5998a23acfd37fb4351a793a5b3c090b642ddc439b945",
            "90a0145ea9da29254c3a56be4fe185465ebb3bf2a1801f7124bbbadac751e654",
        ],
        evaluated: &[
            "aa8fa048764d5623868679402ff6108d2521884fa138cd7f9c7669a9a014267e",
            "cc5ac221950a49ceaa73c8db41b82c20372a4c8d63e5dded2db920b7eee36a2a",
        ],
        proof: "cc203910175d786927eeb44ea847328047892ddf8590e723c37205cb74600b0a\
                5ab5337c8eb4ceae0494c2cf89529dcf94572ed267473d567aeed6ab873dee08",
        proof_scalar: "419c4f4f5052c53c45f3da494d2b67b220d02118e0857cdbcf037f9ea84bbe0c",
        outputs: &[OUTPUT_1, OUTPUT_2],
    },
];

fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn fixed<const N: usize>(hex: &str) -> [u8; N] {
    octets(hex).try_into().unwrap()
}

fn key() -> ServerKey {
    ServerKey::from_bytes(&fixed(SECRET)).unwrap()
}

/// An honest question about `input` and its answer.
fn asked(key: &ServerKey, input: &[u8]) -> (Blinding, Evaluated) {
    let (blinding, element) = blind(input).unwrap();
    let evaluated = key.evaluate(&[element]).unwrap();
    (blinding, evaluated)
}

#[test]
fn the_vectors_of_the_rfc_come_out() {
    let key = key();
    assert_eq!(key.public().to_bytes(), fixed(PUBLIC));
    for vector in VECTORS {
        let (mut blindings, mut elements) = (Vec::new(), Vec::new());
        for (input, factor) in vector.inputs.iter().zip(vector.blinds) {
            let (blinding, element) = blind_by(&octets(input), &mut Drawn::fixed(&fixed(factor))).unwrap();
            blindings.push(blinding);
            elements.push(element);
        }
        assert_eq!(elements, vector.blinded.iter().map(|hex| fixed(hex)).collect::<Vec<_>>());
        let evaluated = key.evaluate_by(&elements, &mut Drawn::fixed(&fixed(vector.proof_scalar))).unwrap();
        assert_eq!(evaluated.elements, vector.evaluated.iter().map(|hex| fixed(hex)).collect::<Vec<_>>());
        assert_eq!(evaluated.proof, fixed(vector.proof));
        let outputs = Blinding::finish_batch(&blindings, &evaluated, &key.public()).unwrap();
        assert_eq!(outputs, vector.outputs.iter().map(|hex| fixed(hex)).collect::<Vec<_>>());
        for (input, output) in vector.inputs.iter().zip(&outputs) {
            assert_eq!(&key.output(&octets(input)).unwrap(), output);
        }
    }
}

#[test]
fn keys_go_out_and_come_back() {
    let made = ServerKey::generate().unwrap();
    let read = ServerKey::from_bytes(&made.to_bytes()).unwrap();
    assert_eq!(read.public(), made.public());
    assert_eq!(PublicKey::from_bytes(&made.public().to_bytes()).unwrap(), made.public());
    assert_ne!(ServerKey::generate().unwrap().public(), made.public());
    let secret: String = made.to_bytes().iter().map(|octet| format!("{octet:02x}")).collect();
    assert!(!format!("{made:?}").contains(&secret));
}

#[test]
fn the_same_input_looks_different_and_comes_out_the_same() {
    let key = ServerKey::generate().unwrap();
    let ((one, a), (two, b)) = (asked(&key, b"xau.example"), asked(&key, b"xau.example"));
    assert_ne!(a.elements, b.elements);
    let output = one.finish(&a, &key.public()).unwrap();
    assert_eq!(two.finish(&b, &key.public()).unwrap(), output);
    assert_eq!(key.output(b"xau.example").unwrap(), output);
    assert_ne!(key.output(b"xau.exampl").unwrap(), output);
    assert_ne!(ServerKey::generate().unwrap().output(b"xau.example").unwrap(), output);
}

#[test]
fn an_answer_by_another_key_is_refused() {
    let (announced, used) = (ServerKey::generate().unwrap(), ServerKey::generate().unwrap());
    let (blinding, evaluated) = asked(&used, b"xau.example");
    assert_eq!(blinding.finish(&evaluated, &announced.public()), Err(OprfError::Proof));
    assert!(blinding.finish(&evaluated, &used.public()).is_ok());
}

#[test]
fn one_bit_anywhere_in_an_answer_is_refused() {
    let key = key();
    let (blinding, honest) = asked(&key, b"xau.example");
    for bit in 0..ELEMENT_LEN * 8 {
        let mut evaluated = honest.clone();
        evaluated.elements[0][bit / 8] ^= 1 << (bit % 8);
        let refused = blinding.finish(&evaluated, &key.public()).unwrap_err();
        assert!(matches!(refused, OprfError::Proof | OprfError::Element(0)), "bit {bit}: {refused}");
    }
    for bit in 0..PROOF_LEN * 8 {
        let mut evaluated = honest.clone();
        evaluated.proof[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(blinding.finish(&evaluated, &key.public()), Err(OprfError::Proof), "bit {bit}");
    }
}

#[test]
fn what_is_no_point_is_named() {
    let key = key();
    let (blinding, honest) = asked(&key, b"xau.example");
    let good = honest.elements[0];
    // The identity, a number above the field's prime, an odd (negative) one, and p itself.
    let mut prime = [0xff; 32];
    (prime[0], prime[31]) = (0xed, 0x7f);
    let mut odd = [0; 32];
    odd[0] = 1;
    for bad in [[0; 32], [0xff; 32], odd, prime] {
        assert_eq!(PublicKey::from_bytes(&bad), Err(OprfError::PublicKey));
        assert_eq!(key.evaluate(&[bad]), Err(OprfError::Element(0)));
        assert_eq!(key.evaluate(&[good, bad]), Err(OprfError::Element(1)));
        let evaluated = Evaluated { elements: vec![bad], ..honest.clone() };
        assert_eq!(blinding.finish(&evaluated, &key.public()), Err(OprfError::Element(0)));
    }
    for bad in [[0; 64], [0xff; 64]] {
        let evaluated = Evaluated { proof: bad, ..honest.clone() };
        assert_eq!(blinding.finish(&evaluated, &key.public()), Err(OprfError::Proof));
    }
    assert_eq!(ServerKey::from_bytes(&[0; 32]).unwrap_err(), OprfError::PrivateKey);
    assert_eq!(ServerKey::from_bytes(&[0xff; 32]).unwrap_err(), OprfError::PrivateKey);
}

#[test]
fn a_batch_is_as_long_as_it_was_asked() {
    let key = key();
    let (blindings, elements): (Vec<_>, Vec<_>) = (0..3_u8).map(|octet| blind(&[octet]).unwrap()).unzip();
    let honest = key.evaluate(&elements).unwrap();
    let outputs = Blinding::finish_batch(&blindings, &honest, &key.public()).unwrap();
    assert_eq!(outputs.len(), 3);
    let mut swapped = honest.clone();
    swapped.elements.swap(0, 2);
    assert_eq!(Blinding::finish_batch(&blindings, &swapped, &key.public()), Err(OprfError::Proof));
    let mut short = honest.clone();
    short.elements.pop();
    assert_eq!(Blinding::finish_batch(&blindings, &short, &key.public()), Err(OprfError::Batch(3)));
    assert_eq!(Blinding::finish_batch(&blindings[..2], &short, &key.public()), Err(OprfError::Proof));
    assert_eq!(blindings[0].finish(&honest, &key.public()), Err(OprfError::Batch(1)));
    let empty = Evaluated { elements: Vec::new(), proof: honest.proof };
    assert_eq!(Blinding::finish_batch(&[], &empty, &key.public()), Err(OprfError::Batch(0)));
}

#[test]
fn what_is_too_much_is_refused() {
    let key = key();
    let element = blind(b"a").unwrap().1;
    assert_eq!(key.evaluate(&[]), Err(OprfError::Batch(0)));
    assert!(key.evaluate(&vec![element; BATCH_MAX]).is_ok());
    assert_eq!(key.evaluate(&vec![element; BATCH_MAX + 1]), Err(OprfError::Batch(BATCH_MAX + 1)));
    assert_eq!(blind(&[]).unwrap_err(), OprfError::Input(0));
    assert!(blind(&vec![7; INPUT_MAX]).is_ok());
    assert_eq!(blind(&vec![7; INPUT_MAX + 1]).unwrap_err(), OprfError::Input(INPUT_MAX + 1));
    assert_eq!(key.output(&vec![7; INPUT_MAX + 1]), Err(OprfError::Input(INPUT_MAX + 1)));
}

mod hostile {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_octets_are_an_answer_that_is_refused(
            elements in prop::collection::vec(any::<[u8; 32]>(), 0..4),
            proof in any::<[u8; 64]>(),
        ) {
            let (blinding, _) = blind(b"xau.example").unwrap();
            let evaluated = Evaluated { elements: elements.clone(), proof };
            prop_assert!(blinding.finish(&evaluated, &key().public()).is_err());
            let _ = key().evaluate(&elements);
        }
    }
}
