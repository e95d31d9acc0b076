//! A DNS query as it comes to door one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use luytre::dns::query::Query;

fuzz_target!(|packet: &[u8]| {
    let _ = Query::parse(packet);
});
