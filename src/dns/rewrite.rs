//! Answers changed on their way to the cache. Today: service bindings without Encrypted Client Hello, for profiles whose
//! names must stay visible. Off the hot path: done once, when an upstream has answered.

use hickory_proto::op::Message;
use hickory_proto::rr::rdata::svcb::SvcParamKey;
use hickory_proto::rr::{RData, Record, RecordType};

/// The message without the `ech` parameter of its HTTPS and SVCB records (RFC 9460 §14.3.2); all else stays, but for the
/// signatures that would no longer fit. `None` when there is nothing to change, or nothing to read.
pub fn without_ech(message: &[u8]) -> Option<Vec<u8>> {
    let mut message = Message::from_vec(message).ok()?;
    let mut changed = false;
    for records in [&mut message.answers, &mut message.authorities, &mut message.additionals] {
        for record in records.iter_mut() {
            changed |= remove_ech(record);
        }
        if changed {
            records.retain(|record| !covers_bindings(record));
        }
    }
    changed.then(|| message.to_vec().ok()).flatten()
}

fn remove_ech(record: &mut Record) -> bool {
    let binding = match &mut record.data {
        RData::HTTPS(https) => &mut https.0,
        RData::SVCB(svcb) => svcb,
        _ => return false,
    };
    let before = binding.svc_params.len();
    binding.svc_params.retain(|(key, _)| *key != SvcParamKey::EchConfigList);
    binding.svc_params.len() != before
}

/// A signature over service bindings: its first field is the type it covers (RFC 4034 §3.1).
fn covers_bindings(record: &Record) -> bool {
    let RData::Unknown { code: RecordType::RRSIG, rdata } = &record.data else { return false };
    let covered = rdata.anything.first_chunk::<2>().map(|octets| u16::from_be_bytes(*octets));
    covered.is_some_and(|covered| matches!(covered, 64 | 65))
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use hickory_proto::op::{MessageType, OpCode, Query};
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::svcb::{Alpn, EchConfigList, IpHint, SvcParamValue};
    use hickory_proto::rr::rdata::{A, HTTPS, SVCB};

    use super::*;

    fn message(with_ech: bool) -> Vec<u8> {
        let mut params = vec![
            (SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(vec!["h2".into(), "h3".into()]))),
            (SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(vec![A::new(192, 0, 2, 9)]))),
        ];
        if with_ech {
            params.push((
                SvcParamKey::EchConfigList,
                SvcParamValue::EchConfigList(EchConfigList(vec![0, 4, 1, 2, 3, 4])),
            ));
        }
        let mut message = Message::new(7, MessageType::Response, OpCode::Query);
        let name = Name::from_str("www.example.").unwrap();
        message.add_query(Query::query(name.clone(), RecordType::HTTPS));
        let binding = HTTPS(SVCB::new(1, Name::root(), params));
        message.answers.push(Record::from_rdata(name.clone(), 300, RData::HTTPS(binding)));
        let address = RData::A(A::new(192, 0, 2, 9));
        message.additionals.push(Record::from_rdata(name, 300, address));
        message.to_vec().unwrap()
    }

    #[test]
    fn exactly_that_parameter_goes() {
        assert_eq!(without_ech(&message(true)), Some(message(false)));
        assert_eq!(without_ech(&message(false)), None);
    }

    #[test]
    fn broken_messages_are_left_to_others() {
        let whole = message(true);
        for end in 0..whole.len() {
            let _ = without_ech(&whole[..end]);
        }
        assert_eq!(without_ech(&[]), None);
    }
}
