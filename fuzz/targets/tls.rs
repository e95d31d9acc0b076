//! A TCP connection's first octets. However they are cut, the answer is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use luytre::proxy::sniff::Progress;
use luytre::proxy::sniff::tls::{Hello, LIMIT};

fuzz_target!(|octets: &[u8]| {
    let octets = &octets[..octets.len().min(LIMIT - 1)];
    let whole = Hello::default().push(octets);
    for step in [1, 3, 536] {
        assert_eq!(in_pieces(octets, step), whole, "step {step}");
    }
});

fn in_pieces(octets: &[u8], step: usize) -> Progress {
    let mut hello = Hello::default();
    octets.chunks(step).map(|piece| hello.push(piece)).find(|progress| *progress != Progress::More).unwrap_or(Progress::More)
}
