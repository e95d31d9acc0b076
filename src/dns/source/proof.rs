//! What a validated message is worth: hickory marks each record, this adds them up.

use std::time::{SystemTime, UNIX_EPOCH};

use hickory_proto::dnssec::Proof;
use hickory_proto::dnssec::rdata::{DNSSECRData, RRSIG};
use hickory_proto::op::Message;
use hickory_proto::rr::{RData, Record, RecordType};

use super::super::answer::EdeCode;
use super::super::record::Note;

/// What to tell of a message whose records carry their proofs; the error is why it must not be told.
pub fn weigh(message: &Message) -> Result<Note, EdeCode> {
    let records = || message.answers.iter().chain(&message.authorities).filter(|record| !is_signature(record));
    if let Some(bogus) = records().find(|record| record.proof == Proof::Bogus) {
        return Err(why_bogus(message, bogus));
    }
    let authentic = records().next().is_some() && records().all(|record| record.proof == Proof::Secure);
    Ok(Note { authentic, ede: None })
}

/// Why no proof stands behind a denial: a record in it is bogus, or the proof is missing.
pub fn why_unproven(message: &Message) -> EdeCode {
    weigh(message).err().unwrap_or(EdeCode::NsecMissing)
}

/// The signatures say most of it: none, too old, too young, or simply wrong (RFC 8914 §4.7 to §4.11).
fn why_bogus(message: &Message, bogus: &Record) -> EdeCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as u32);
    let signatures: Vec<&RRSIG> = message
        .answers
        .iter()
        .chain(&message.authorities)
        .filter(|record| record.name == bogus.name)
        .filter_map(signature)
        .filter(|signature| signature.input().type_covered == bogus.record_type())
        .collect();
    // Serial number arithmetic (RFC 4034 §3.1.5): times wrap.
    let is_before = |one: u32, other: u32| (other.wrapping_sub(one) as i32) > 0;
    if signatures.is_empty() {
        EdeCode::RrsigsMissing
    } else if signatures.iter().all(|signature| is_before(signature.input().sig_expiration.get(), now)) {
        EdeCode::SignatureExpired
    } else if signatures.iter().all(|signature| is_before(now, signature.input().sig_inception.get())) {
        EdeCode::SignatureNotYetValid
    } else {
        EdeCode::DnssecBogus
    }
}

fn signature(record: &Record) -> Option<&RRSIG> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature),
        _ => None,
    }
}

fn is_signature(record: &Record) -> bool {
    record.record_type() == RecordType::RRSIG
}

/// Leaves out what nobody asked for: name servers beside an answer, and their signatures.
pub fn trim(message: &mut Message) {
    if message.answers.is_empty() {
        return;
    }
    message.authorities.retain(|record| {
        let covers = signature(record).map(|signature| signature.input().type_covered);
        let kind = covers.unwrap_or_else(|| record.record_type());
        kind != RecordType::NS
    });
}
