//! `luytre token`: a new token for a device, from the system's random source.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context as _;

/// 160 bits: 32 characters of base 32.
const OCTETS: usize = 20;
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Prints one.
pub fn run() -> anyhow::Result<ExitCode> {
    let mut octets = [0; OCTETS];
    aws_lc_rs::rand::fill(&mut octets).ok().context("no random numbers")?;
    let mut out = io::stdout().lock();
    writeln!(out, "{}", text(&octets))?;
    Ok(ExitCode::SUCCESS)
}

fn text(octets: &[u8; OCTETS]) -> String {
    let fives = octets.as_chunks::<5>().0.iter().flat_map(|group| {
        let bits = group.iter().fold(0_u64, |bits, octet| bits << 8 | u64::from(*octet));
        (0..8).rev().map(move |at| (bits >> (5 * at) & 31) as usize)
    });
    fives.map(|five| char::from(ALPHABET[five])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Token;

    #[test]
    fn it_is_a_token() {
        assert_eq!(text(&[0; OCTETS]), "a".repeat(32));
        assert_eq!(text(&[0xff; OCTETS]), "7".repeat(32));
        assert!(Token::of(&text(&[0x5a; OCTETS])).is_some());
    }
}
