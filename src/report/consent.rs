//! Whether anything is sent, and what: everybody concerned agreed, and who receives it cannot put it together alone. Where
//! one of these is missing, less is sent, never the same with less protection. Pure.

/// Who was asked and said yes. Nobody asked is no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Consent {
    /// The guardian, who was shown what is sent.
    pub guardian: bool,
    /// Every child of seven or more, who was shown the same (Decree 356/2025; the child's own consent counts from 7).
    pub children: bool,
}

/// Who receives, as the verified manifest names them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Operators {
    /// Who recovers names. `None`: cannot be reached, or its proof did not hold.
    pub a: Option<String>,
    /// Who mixes.
    pub b: Option<String>,
    /// Who passes on, and alone sees addresses.
    pub relay: Option<String>,
    /// A test in which one box plays all of them. Never sent to in earnest.
    pub is_lab: bool,
}

/// What is sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Nothing at all.
    Off(Why),
    /// One noised answer about one cell a week, no name: there are no two that watch each other.
    CountsOnly(Why, Counting),
    /// Names below a threshold, and sums.
    Full(Permit),
}

/// Why not everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The guardian has not agreed.
    Guardian,
    /// A child has not agreed.
    Child,
    /// Nobody can be reached, or there is no relay that hides the address.
    Nobody,
    /// A test's manifest.
    Lab,
    /// Only one of the two can be reached, or the two are one.
    OneOperator,
}

/// One noised answer may be given. Made by [`Mode::of`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counting(());

/// Names may be reported. Made by [`Mode::of`] alone, and asked for by everything that seals a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit(());

impl Mode {
    /// What may be sent by these.
    pub fn of(consent: Consent, operators: &Operators) -> Mode {
        if !consent.guardian {
            return Mode::Off(Why::Guardian);
        }
        if !consent.children {
            return Mode::Off(Why::Child);
        }
        if operators.is_lab {
            return Mode::Off(Why::Lab);
        }
        let named = |operator: &Option<String>| operator.as_deref().map(normal).filter(|name| !name.is_empty());
        let (a, b, relay) = (named(&operators.a), named(&operators.b), named(&operators.relay));
        match (a, b, relay) {
            (_, _, None) | (None, None, _) => Mode::Off(Why::Nobody),
            (Some(a), Some(b), Some(relay)) if a != b && a != relay && b != relay => Mode::Full(Permit(())),
            // The relay sees the address: it may be none of those that see content.
            (Some(one), None, Some(relay)) | (None, Some(one), Some(relay)) if one == relay => Mode::Off(Why::Nobody),
            (Some(a), Some(b), Some(relay)) if a == relay && b == relay => Mode::Off(Why::Nobody),
            _ => Mode::CountsOnly(Why::OneOperator, Counting(())),
        }
    }
}

/// One operator under two spellings is one.
fn normal(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a household has that agreed, with three operators that differ.
    pub(crate) fn permit() -> Permit {
        Permit(())
    }

    /// What a household has that agreed, with one operator only.
    pub(crate) fn counting() -> Counting {
        Counting(())
    }

    const YES: Consent = Consent { guardian: true, children: true };

    fn operators(a: &str, b: &str, relay: &str) -> Operators {
        let named = |name: &str| (!name.is_empty()).then(|| name.to_string());
        Operators { a: named(a), b: named(b), relay: named(relay), is_lab: false }
    }

    #[test]
    fn nothing_is_sent_until_everybody_agreed() {
        let three = operators("an ninh", "tre em", "nha mang");
        assert_eq!(Mode::of(Consent::default(), &three), Mode::Off(Why::Guardian));
        assert_eq!(Mode::of(Consent { guardian: false, children: true }, &three), Mode::Off(Why::Guardian));
        assert_eq!(Mode::of(Consent { guardian: true, children: false }, &three), Mode::Off(Why::Child));
        assert!(matches!(Mode::of(YES, &three), Mode::Full(_)));
    }

    #[test]
    fn without_two_that_differ_no_name_is_sent() {
        for (a, b, relay) in
            [("a", "", "r"), ("", "b", "r"), ("a", "a", "r"), ("a", " A ", "r"), ("a", "b", "a"), ("a", "b", "b")]
        {
            assert_eq!(
                Mode::of(YES, &operators(a, b, relay)),
                Mode::CountsOnly(Why::OneOperator, counting()),
                "{a:?} {b:?} {relay:?}"
            );
        }
        for (a, b, relay) in
            [("", "", "r"), ("a", "b", ""), ("a", "", "a"), ("", "b", "B"), ("a", "a", "a"), ("", "", "")]
        {
            assert_eq!(Mode::of(YES, &operators(a, b, relay)), Mode::Off(Why::Nobody), "{a:?} {b:?} {relay:?}");
        }
        let lab = Operators { is_lab: true, ..operators("a", "b", "r") };
        assert_eq!(Mode::of(YES, &lab), Mode::Off(Why::Lab));
    }
}
