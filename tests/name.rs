//! Names against a slow oracle over strings.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

use luytre::name::Name;
use proptest::prelude::*;

fn label() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,14}[a-zA-Z0-9_])?"
}

fn labels() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(label(), 1..7).prop_filter("looks like an A-label", |labels| {
        !labels.iter().any(|label| label.to_lowercase().starts_with("xn--"))
    })
}

fn wire(labels: &[String]) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in labels {
        wire.push(label.len() as u8);
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn text_and_wire_are_one_name(labels in labels()) {
        let text = labels.join(".");
        let name = Name::parse(&text).unwrap();
        prop_assert_eq!(name.to_string(), text.to_lowercase());
        prop_assert_eq!(name.label_count(), labels.len());
        let (from_wire, end) = Name::from_wire(&wire(&labels), 0).unwrap();
        prop_assert!(from_wire == name);
        prop_assert_eq!(end, wire(&labels).len());
        prop_assert!(Name::parse(&format!("{text}.")).unwrap() == name, "the final dot changes nothing");
    }

    #[test]
    fn parents_are_what_is_left_of_the_text(labels in labels()) {
        let name = Name::parse(&labels.join(".")).unwrap();
        let expected: Vec<String> = (0..labels.len()).map(|at| labels[at..].join(".").to_lowercase()).collect();
        let found: Vec<String> = name.suffixes().map(|suffix| suffix.to_string()).filter(|text| text != ".").collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn being_within_is_ending_in_a_dot_and_the_parent(a in labels(), b in labels(), joined in any::<bool>()) {
        let inner = if joined { format!("{}.{}", a.join("."), b.join(".")) } else { a.join(".") };
        let (Ok(name), Ok(parent)) = (Name::parse(&inner), Name::parse(&b.join("."))) else { return Ok(()) };
        let expected = format!(".{}", inner.to_lowercase()).ends_with(&format!(".{}", b.join(".").to_lowercase()));
        prop_assert_eq!(name.is_within(&parent), expected);
    }

    #[test]
    fn compression_changes_nothing(a in labels(), b in labels()) {
        let both: Vec<String> = a.iter().chain(&b).cloned().collect();
        let Ok(expected) = Name::parse(&both.join(".")) else { return Ok(()) };
        let mut message = wire(&b);
        let at = message.len();
        for label in &a {
            message.push(label.len() as u8);
            message.extend_from_slice(label.as_bytes());
        }
        message.extend_from_slice(&[0xc0, 0]);
        let (name, end) = Name::from_message(&message, at).unwrap();
        prop_assert!(name == expected);
        prop_assert_eq!(end, message.len());
    }

    #[test]
    fn octets_of_any_kind_are_read_or_refused(octets in proptest::collection::vec(any::<u8>(), 0..300), at in 0usize..310) {
        if let Ok((name, end)) = Name::from_message(&octets, at) {
            prop_assert!(end <= octets.len() && name.as_wire().len() <= 255 && name.label_count() <= 127);
        }
        if let Ok((name, _)) = Name::from_wire(&octets, at) {
            prop_assert!(name.as_wire().len() <= 255);
        }
    }

    #[test]
    fn text_of_any_kind_is_read_or_refused(text in any::<String>()) {
        if let Ok(name) = Name::parse(&text) {
            prop_assert!(Name::parse(&name.to_string()).unwrap() == name);
        }
    }
}
