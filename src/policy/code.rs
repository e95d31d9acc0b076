//! One-time codes by which a guardian who is away gives time, without a network: eight digits that both sides can work out
//! from a shared secret and a counter (HOTP, RFC 4226, with HMAC-SHA-256). Whoever keeps the counter uses up what matched.

use std::fmt;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};

/// What a code gives. It is part of the code: fifteen minutes cannot be entered as a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Extra {
    /// A quarter of an hour.
    Minutes15,
    /// An hour.
    Minutes60,
    /// Until midnight.
    Today,
}

impl Extra {
    /// All, the shortest first.
    pub const ALL: [Extra; 3] = [Extra::Minutes15, Extra::Minutes60, Extra::Today];

    /// The word that files and pages use.
    pub const fn code(self) -> &'static str {
        match self {
            Extra::Minutes15 => "15",
            Extra::Minutes60 => "60",
            Extra::Today => "today",
        }
    }

    /// Seconds it gives at that time of the wall clock.
    pub fn secs(self, local: jiff::civil::DateTime) -> u32 {
        match self {
            Extra::Minutes15 => 900,
            Extra::Minutes60 => 3600,
            Extra::Today => super::hours::secs_until(local, jiff::civil::Time::midnight()),
        }
    }
}

/// What the guardian and this box share. Has no `Debug` and no `Display`.
#[derive(Clone)]
pub struct Secret(pub [u8; 32]);

/// A code. It has leading zeros when it is shown: `0042 1337`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(u32);

impl Code {
    /// As somebody typed it: eight digits, with spaces or hyphens wherever they like.
    pub fn read(typed: &str) -> Option<Code> {
        let digits: String = typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').collect();
        let is_code = digits.len() == 8 && digits.bytes().all(|octet| octet.is_ascii_digit());
        is_code.then(|| digits.parse().ok().map(Code)).flatten()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04} {:04}", self.0 / 10_000, self.0 % 10_000)
    }
}

/// What a code stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redeemed {
    /// What it gives.
    pub extra: Extra,
    /// Its counter. From now on only greater ones count.
    pub counter: u64,
}

/// Codes the guardian may have skipped. With three kinds that makes 63 right answers in 10^8, so guesses have to be limited
/// where codes are entered: at ten an hour, one in 18 years.
pub const WINDOW: u64 = 20;

/// The code number `counter` of a profile.
pub fn make(secret: &Secret, profile: &str, extra: Extra, counter: u64) -> Code {
    hotp(&key(secret, profile, extra), counter)
}

/// What `code` stands for, if it is one of the profile's from number `next` to `next` + [`WINDOW`]; the lowest number counts.
pub fn check(secret: &Secret, profile: &str, code: Code, next: u64) -> Option<Redeemed> {
    let keys = Extra::ALL.map(|extra| (extra, key(secret, profile, extra)));
    (next..=next.saturating_add(WINDOW))
        .flat_map(|counter| keys.iter().map(move |(extra, key)| (*extra, key, counter)))
        .find(|(_, key, counter)| hotp(key, *counter) == code)
        .map(|(extra, _, counter)| Redeemed { extra, counter })
}

/// A key for each profile and kind, so that a code of one is nothing to another.
fn key(secret: &Secret, profile: &str, extra: Extra) -> Key {
    let master = Key::new(HMAC_SHA256, &secret.0);
    let derived = sign(&master, format!("luytre code 1\n{}\n{profile}", extra.code()).as_bytes());
    Key::new(HMAC_SHA256, derived.as_ref())
}

/// RFC 4226 §5.3 with 8 digits, as RFC 6238 uses it with SHA-256.
fn hotp(key: &Key, counter: u64) -> Code {
    let tag = sign(key, &counter.to_be_bytes());
    let octets = tag.as_ref();
    let offset = usize::from(octets.last().copied().unwrap_or_default() & 15);
    // The offset is at most 15 and the tag has 32 octets.
    let four = octets.iter().skip(offset).take(4);
    let number = four.fold(0u32, |number, octet| number << 8 | u32::from(*octet));
    Code((number & 0x7fff_ffff) % 100_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    const SECRET: Secret = Secret(*b"12345678901234567890123456789012");

    #[test]
    fn truncation_is_the_one_of_the_standard() {
        // RFC 6238, appendix B, the rows of SHA-256: time / 30 and the code.
        let rows = [
            (0x1, "4611 9246"),
            (0x23523ec, "6808 4774"),
            (0x23523ed, "6706 2674"),
            (0x273ef07, "9181 9424"),
            (0x3f940aa, "9069 8825"),
            (0x27bc86aa, "7773 7706"),
        ];
        for (counter, expected) in rows {
            assert_eq!(hotp(&Key::new(HMAC_SHA256, &SECRET.0), counter).to_string(), expected);
        }
    }

    #[test]
    fn codes_are_those_that_another_program_makes() {
        // Worked out with Python's hmac and hashlib from the words of this file.
        let rows = [
            (Extra::Minutes15, ["0210 0085", "2754 4218", "9243 1811"]),
            (Extra::Minutes60, ["3266 8527", "5399 0674", "5065 1561"]),
            (Extra::Today, ["9792 1814", "7264 3423", "0857 5864"]),
        ];
        for (extra, expected) in rows {
            assert_eq!([0, 1, 7].map(|counter| make(&SECRET, "mai", extra, counter).to_string()), expected);
        }
    }

    #[test]
    fn a_code_is_found_with_its_counter_up_to_twenty_ahead() {
        for extra in Extra::ALL {
            let code = make(&SECRET, "mai", extra, 120);
            for (next, expected) in [(99, None), (100, Some(120)), (120, Some(120)), (121, None)] {
                let found = check(&SECRET, "mai", code, next);
                assert_eq!(found, expected.map(|counter| Redeemed { extra, counter }), "{next}");
            }
        }
    }

    #[test]
    fn a_code_is_nothing_to_another_profile_or_secret() {
        let code = make(&SECRET, "mai", Extra::Today, 7);
        assert_eq!(check(&SECRET, "nam", code, 0), None);
        assert_eq!(check(&Secret([7; 32]), "mai", code, 0), None);
        assert_ne!(make(&SECRET, "mai", Extra::Minutes15, 7), code);
        assert!(check(&SECRET, "mai", code, u64::MAX).is_none(), "at the last counter nothing overflows");
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let code = Code(421_337);
        assert_eq!(code.to_string(), "0042 1337");
        for typed in ["00421337", "0042 1337", " 0042-1337 ", "00 42 13 37"] {
            assert_eq!(Code::read(typed), Some(code), "{typed:?}");
        }
        for typed in ["", "421337", "0042133७", "+0421337", "004213370"] {
            assert_eq!(Code::read(typed), None, "{typed:?}");
        }
    }

    #[test]
    fn today_ends_at_midnight() {
        let local = date(2026, 11, 26).at(22, 30, 0, 0);
        assert_eq!(Extra::ALL.map(|extra| extra.secs(local)), [900, 3600, 5400]);
    }
}
