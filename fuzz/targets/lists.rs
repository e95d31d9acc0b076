//! Lines of a block list, in the format that the first octet chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use luytre::lists::parse::{Format, ParseOptions, parse};

fuzz_target!(|octets: &[u8]| {
    let Some((first, lines)) = octets.split_first() else { return };
    let format = Format::ALL[usize::from(*first) % Format::ALL.len()];
    let mut found = 0;
    parse(format, &ParseOptions::default(), lines, &mut |_| found += 1).expect("memory does not fail");
    // Every line at least once; one line may hold several names, never more than octets.
    assert!(found <= lines.len() + 1);
});
