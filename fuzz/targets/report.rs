//! Reports, weeks and tokens from anybody: no panic, and what was not made by enough homes is never revealed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use luytre::hub::collect::open::{Collector, Group, Limits};
use luytre::hub::collect::sum::{Side, Summing};
use luytre::report::envelope::Week;
use luytre::report::message::{Content, HEADER_LEN, Header, Lane, Threshold};
use luytre::report::seal::ANONYMOUS_LEN;
use luytre::report::token::Token;
use rand::SeedableRng;
use rand::rngs::StdRng;

fuzz_target!(|octets: &[u8]| {
    if let Some(header) = octets.first_chunk::<HEADER_LEN>().and_then(Header::parse) {
        assert_eq!(Some(header.octets().as_slice()), octets.get(..HEADER_LEN));
    }
    if let Some(content) = octets.first_chunk() {
        let _ = (Content::parse(content, Lane::Security), Content::parse(content, Lane::Harm));
    }
    let _ = Token::parse(octets);
    if let (Ok(week), Ok(summing)) = (Week::parse(octets), Summing::new(Side::A, 1, [0; 32])) {
        let _ = summing.begin(week.nonce, &week.public, &week.a);
    }
    collect(octets);
});

/// Many reports of one group, each with the fuzzer's octets behind a right header.
fn collect(octets: &[u8]) {
    let Some(threshold) = Threshold::new(10) else { return };
    let header = Header { lane: Lane::Security, epoch: 1, threshold };
    let mut collector = Collector::new(header, Limits { reports_max: 64 });
    for chunk in octets.chunks(64) {
        let mut report = header.octets().to_vec();
        report.extend([1; 16]);
        report.extend(chunk);
        report.resize(ANONYMOUS_LEN, 0);
        // Below the group's order, so that they are numbers.
        for top in [HEADER_LEN + 16 + 31, HEADER_LEN + 16 + 63] {
            report[top] &= 0x0f;
        }
        collector.take(&report);
    }
    let groups = collector.open(&mut StdRng::seed_from_u64(1));
    assert!(groups.iter().all(|group| !matches!(group, Group::Revealed(_))));
}
