//! The types a value of the configuration can have, each with the words for what would be right.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use jiff::civil::{Date, Time};
use toml::Spanned;
use toml::de::DeValue;

use crate::classify::Category;
use crate::document::{Faults, Field, nearest, text};
use crate::identity::{Mac, Token};
use crate::name::Name;
use crate::policy::{Action, Band, Days};

/// A type that is written as a string: its name in words, and how it is read.
macro_rules! text_fields {
    ($($type:ty, $expected:literal, $parse:expr;)*) => {
        $(impl Field for $type {
            const EXPECTED: &'static str = $expected;
            fn read(value: &Spanned<DeValue<'_>>, faults: &Faults<'_>) -> Option<$type> {
                text(value, faults, $expected, $parse)
            }
        })*
    };
}

text_fields! {
    SocketAddr, "an address and port such as \"127.0.0.1:53\" or \"[::]:53\"",
        |text| text.parse().map_err(|_| format!("{text:?} is not an address and port (\"127.0.0.1:53\", \"[::]:53\")"));
    IpAddr, "an address such as \"192.168.1.1\"",
        |text| text.parse().map_err(|_| format!("{text:?} is not an IP address"));
    IpNet, "an address or prefix such as \"192.168.1.0/24\"", net;
    Name, "a domain name",
        |text| Name::parse(text).map_err(|error| format!("{text:?} is not a domain name: {error}"));
    Mac, "a MAC address such as \"aa:bb:cc:dd:ee:ff\"",
        |text| Mac::parse(text).ok_or_else(|| format!("{text:?} is not the MAC address of a device (\"aa:bb:cc:dd:ee:ff\")"));
    Token, "a token",
        |text| Token::of(text).ok_or_else(|| "is no token: 26 to 63 lower-case letters and digits (`luytre token` makes one)".to_string());
    Duration, "a duration such as \"30s\", \"5m\", \"1h\" or \"1d\"", duration;
    ByteSize, "a size such as \"64MiB\"", size;
    PathBuf, "a path", |text| if text.is_empty() { Err("a path cannot be empty".into()) } else { Ok(text.into()) };
    Time, "a time of day such as \"21:00\"", time;
    Days, "a day such as \"2027-09-02\", or \"09-02\" for every year, or two with .. between", days;
    Category, "a category", |text| choice(text, "category", Category::ALL.map(|one| (one.code(), one)).as_slice());
    Band, "an age band", |text| choice(text, "age band", Band::ALL.map(|one| (one.code(), one)).as_slice());
    Action, "an action", |text| choice(text, "action", Action::ALL.map(|one| (one.code(), one)).as_slice());
}

/// A number of octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(pub u64);

/// One of a closed set of words; the fault names the nearest, or all when there are few.
pub fn choice<T: Copy>(text: &str, what: &str, all: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, found)) = all.iter().find(|(word, _)| *word == text) {
        return Ok(*found);
    }
    let words = || all.iter().map(|(word, _)| *word);
    let advice = match nearest(text, words()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if all.len() <= 12 => format!("one of: {}", words().collect::<Vec<_>>().join(", ")),
        None => "see config/home.toml for the list".to_string(),
    };
    Err(format!("unknown {what} {text:?} ({advice})"))
}

fn net(text: &str) -> Result<IpNet, String> {
    let net: IpNet = match text.parse::<IpAddr>() {
        Ok(addr) => addr.into(),
        Err(_) => text.parse().map_err(|_| format!("{text:?} is not an address or prefix (\"192.168.1.0/24\")"))?,
    };
    if net != net.trunc() {
        return Err(format!("{text:?} has bits set behind its length; {:?} would be right", net.trunc().to_string()));
    }
    Ok(net)
}

fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a duration (\"500ms\", \"30s\", \"5m\", \"1h\", \"1d\")");
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(bad)?;
    let number: u64 = text[..digits].parse().map_err(|_| bad())?;
    let millis = match &text[digits..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(bad()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(bad)
}

fn size(text: &str) -> Result<ByteSize, String> {
    let bad = || format!("{text:?} is not a size (\"512KiB\", \"64MiB\", \"1GiB\")");
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(bad)?;
    let number: u64 = text[..digits].parse().map_err(|_| bad())?;
    let unit: u64 = match &text[digits..] {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(bad()),
    };
    number.checked_mul(unit).map(ByteSize).ok_or_else(bad)
}

fn time(text: &str) -> Result<Time, String> {
    let bad = || format!("{text:?} is not a time of day (\"21:00\", \"06:30\")");
    let (hour, minute) = text.split_once(':').ok_or_else(bad)?;
    if hour.len() != 2 || minute.len() != 2 {
        return Err(bad());
    }
    let (hour, minute) = (hour.parse().map_err(|_| bad())?, minute.parse().map_err(|_| bad())?);
    Time::new(hour, minute, 0, 0).map_err(|_| bad())
}

/// A day, or the first and the last: both of one year, or both of every year.
fn days(text: &str) -> Result<Days, String> {
    let bad = || format!("{text:?} is not a day (\"2027-09-02\"; every year: \"09-02\") or two (\"06-01..08-15\")");
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    if let (Some(first), Some(last)) = (day_of_year(first), day_of_year(last)) {
        return Ok(Days::Yearly(first, last));
    }
    let (first, last) = (date(first).ok_or_else(bad)?, date(last).ok_or_else(bad)?);
    if last < first {
        return Err(format!("{text:?} ends before it begins"));
    }
    Ok(Days::Once(first, last))
}

fn date(text: &str) -> Option<Date> {
    // Jiff reads times and week dates as well.
    if text.len() == 10 { text.parse().ok() } else { None }
}

/// Month and day; the 29th of February is one.
fn day_of_year(text: &str) -> Option<(i8, i8)> {
    const LEAP_YEAR: &str = "2024";
    let date = if text.len() == 5 { date(&format!("{LEAP_YEAR}-{text}"))? } else { return None };
    Some((date.month(), date.day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_one_year_and_of_every_year() {
        let of = |year, month, day| jiff::civil::date(year, month, day);
        assert_eq!(days("2027-02-05..2027-02-12"), Ok(Days::Once(of(2027, 2, 5), of(2027, 2, 12))));
        assert_eq!(days("2027-09-02"), Ok(Days::Once(of(2027, 9, 2), of(2027, 9, 2))));
        assert_eq!(days("09-02"), Ok(Days::Yearly((9, 2), (9, 2))));
        assert_eq!(days("12-20..01-05"), Ok(Days::Yearly((12, 20), (1, 5))));
        assert_eq!(days("02-29"), Ok(Days::Yearly((2, 29), (2, 29))));
        assert!(days("2027-02-12..2027-02-05").unwrap_err().contains("ends before it begins"));
        for text in ["", "..", "2027-02-29", "02-30", "2027-02-05..02-12", "9-2", "2027-09-02..", "2027-W01-1"] {
            assert!(days(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_sizes_times_and_prefixes() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert!(duration("90").is_err() && duration("1w").is_err() && duration("").is_err());
        assert!(duration("99999999999999999999d").is_err());
        assert_eq!(size("64MiB"), Ok(ByteSize(64 << 20)));
        assert!(size("64MB").is_err());
        assert!(time("21:00").is_ok() && time("24:00").is_err() && time("9:00").is_err());
        assert!(net("10.0.0.1/8").unwrap_err().contains("10.0.0.0/8"));
        assert_eq!(net("10.0.0.1").unwrap().prefix_len(), 32);
    }
}
