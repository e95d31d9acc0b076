//! A name from text, from the wire and from a message. What is read from text is the same after writing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use luytre::name::Name;

fuzz_target!(|octets: &[u8]| {
    let _ = (Name::from_wire(octets, 0), Name::from_message(octets, octets.len() / 2));
    let Some(name) = std::str::from_utf8(octets).ok().and_then(|text| Name::parse(text).ok()) else { return };
    assert_eq!(Name::parse(&name.to_string()).as_ref(), Ok(&name));
    let _ = (name.registrable(), name.is_icann_suffix());
});
