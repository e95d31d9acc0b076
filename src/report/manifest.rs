//! To whom a household reports: three operators and a provider, with their keys, as both authorities sign it and as it stands
//! in the log with every release. Keys of epochs to come stand in it too, so that nobody can be given a key of its own. Pure.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::oprf::{ELEMENT_LEN, PublicKey};
use crate::report::calendar::{Calendar, DAY_SECS};
use crate::report::consent::Operators;
use crate::report::envelope::{KEY_LEN, SealingKey};
use crate::report::message::{Header, Lane, Threshold};
use crate::report::slots::TAKES_PART_ONE_IN;
use crate::report::token::{self, IssuerKey, SIGNATURE_LEN};

/// Raised when an older program would misunderstand a newer manifest.
pub const FORMAT: u32 = 1;
/// Octets of the largest file: a year of keys has 100 KB.
pub const FILE_MAX: u64 = 512 << 10;
/// Octets of the longest name of an operator.
const NAME_MAX: usize = 100;

/// What is wrong with a manifest or an announcement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON it should be.
    #[error("not a manifest of reports: {0}")]
    Json(String),
    /// Another format.
    #[error("format {0} is not known here (1)")]
    Format(u32),
    /// A field.
    #[error("{field}: {what}")]
    Field {
        /// Which.
        field: String,
        /// What is wrong, and what would be right.
        what: &'static str,
    },
}

/// What one operator says of itself (`luytre hub announce`); public, checked by whoever puts the manifest together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    /// Who it is, as people read it. Two operators of one name are one.
    pub name: String,
    /// OHTTP key configuration (RFC 9458 §3), base64.
    pub gateway: String,
    /// HPKE key for what is sealed to it (X25519), 64 hexadecimal digits.
    pub sealing: String,
    /// Keys of its oblivious function by lane (`security`, `harm`) and epoch, 64 hexadecimal digits each.
    pub keys: BTreeMap<String, BTreeMap<u32, String>>,
}

/// Who passes on and alone sees addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Who it is.
    pub name: String,
    /// Where boxes send to: `a` and `b` are appended.
    pub url: String,
}

/// The provider that gives tokens to its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Who it is.
    pub name: String,
    /// Where boxes ask: `tokens` is appended.
    pub url: String,
    /// Modulus of its key (2048 bits, big-endian), base64.
    pub key: String,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// [`FORMAT`].
    pub format: u32,
    /// A test in which one side may run everything. Boxes refuse it unless their configuration says `lab = true`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lab: bool,
    /// Seconds of a day; other than 86,400 in a test only.
    #[serde(default = "day_secs")]
    pub day_secs: u64,
    /// A household takes part in the week's sums once in so many weeks; less than 4 in a test only.
    #[serde(default = "takes_part")]
    pub takes_part_one_in: u32,
    /// Households that must report a name before anybody can read it.
    pub threshold: u8,
    /// Who opens what enough homes said.
    pub a: Option<Announcement>,
    /// Who mixes.
    pub b: Option<Announcement>,
    /// Who passes on.
    pub relay: Option<Relay>,
    /// Who gives tokens.
    pub issuer: Option<Provider>,
}

/// One operator, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Who it is.
    pub name: String,
    /// OHTTP key configuration, as it is encoded.
    pub gateway: Vec<u8>,
    /// What is sealed to it.
    pub sealing: SealingKey,
    keys: BTreeMap<(Lane, u32), PublicKey>,
}

/// The provider, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuing {
    /// Who it is.
    pub name: String,
    /// Where boxes ask.
    pub url: String,
    /// What tokens are checked with.
    pub key: IssuerKey,
}

/// The manifest, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// A test's.
    pub is_lab: bool,
    /// How long a day is.
    pub calendar: Calendar,
    /// Once in so many weeks.
    pub takes_part_one_in: u32,
    /// From how many on.
    pub threshold: Threshold,
    /// Who opens.
    pub a: Option<Operator>,
    /// Who mixes.
    pub b: Option<Operator>,
    /// Who passes on.
    pub relay: Option<Relay>,
    /// Who gives tokens.
    pub issuer: Option<Issuing>,
}

/// What a token is for. A token for one is none for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Purpose {
    /// A question to operator A.
    AskA = 1,
    /// A question to operator B.
    AskB = 2,
    /// A report; spent at A.
    Report = 3,
    /// The week, or one answer; spent at whoever takes it in: B, or the only operator there is.
    Week = 4,
}

impl Manifest {
    /// Reads and checks one.
    pub fn parse(octets: &[u8]) -> Result<Manifest, ManifestError> {
        let file: File = serde_json::from_slice(octets).map_err(|error| ManifestError::Json(error.to_string()))?;
        Manifest::of(&file)
    }

    /// Checks one.
    pub fn of(file: &File) -> Result<Manifest, ManifestError> {
        if file.format != FORMAT {
            return Err(ManifestError::Format(file.format));
        }
        let fault = |name: &str, what| ManifestError::Field { field: name.into(), what };
        let calendar = Calendar::of_days(file.day_secs).ok_or_else(|| fault("day_secs", "1 to 86400"))?;
        if !file.lab && !calendar.is_real() {
            return Err(fault("day_secs", "a day has 86400 seconds, except in a lab"));
        }
        if file.takes_part_one_in == 0 || (!file.lab && file.takes_part_one_in < TAKES_PART_ONE_IN) {
            return Err(fault("takes_part_one_in", "4 or more; 1 or more in a lab"));
        }
        let threshold = Threshold::new(file.threshold).ok_or_else(|| fault("threshold", "10 to 255 households"))?;
        let read = |side: &str, said: &Option<Announcement>| said.as_ref().map(|said| Operator::of(side, said));
        let (a, b) = (read("a", &file.a).transpose()?, read("b", &file.b).transpose()?);
        if let Some(relay) = &file.relay {
            check_name("relay.name", &relay.name)?;
            check_url("relay.url", &relay.url)?;
        }
        let issuer = file.issuer.as_ref().map(Issuing::of).transpose()?;
        let relay = file.relay.clone();
        let (is_lab, takes_part_one_in) = (file.lab, file.takes_part_one_in);
        Ok(Manifest { is_lab, calendar, takes_part_one_in, threshold, a, b, relay, issuer })
    }

    /// Who receives, for [`crate::report::consent::Mode::of`].
    pub fn operators(&self) -> Operators {
        let name = |operator: &Option<Operator>| operator.as_ref().map(|operator| operator.name.clone());
        Operators {
            a: name(&self.a),
            b: name(&self.b),
            relay: self.relay.as_ref().map(|relay| relay.name.clone()),
            is_lab: self.is_lab,
        }
    }

    /// What reports of that epoch have in common.
    pub fn header(&self, lane: Lane, epoch: u32) -> Header {
        Header { lane, epoch, threshold: self.threshold }
    }

    /// Both operators' keys of that epoch; `None` unless both announced one, and two that differ.
    pub fn keys(&self, lane: Lane, epoch: u32) -> Option<(PublicKey, PublicKey)> {
        let key = |operator: &Option<Operator>| operator.as_ref()?.keys.get(&(lane, epoch)).copied();
        let (a, b) = (key(&self.a)?, key(&self.b)?);
        (a != b).then_some((a, b))
    }

    /// All epochs of which both announced a key.
    pub fn epochs(&self) -> impl Iterator<Item = (Lane, u32)> + '_ {
        let announced = self.a.iter().flat_map(|operator| operator.keys.keys().copied());
        announced.filter(|(lane, epoch)| self.keys(*lane, *epoch).is_some())
    }

    /// What a token for that is signed for. `None` where nobody gives tokens, or nobody takes them.
    pub fn challenge(&self, purpose: Purpose, lane: Lane, epoch: u32) -> Option<[u8; 32]> {
        let (a, b) = (self.a.as_ref(), self.b.as_ref());
        let taker = match purpose {
            Purpose::AskA | Purpose::Report => a?,
            Purpose::AskB => b?,
            Purpose::Week => b.or(a)?,
        };
        Some(challenge(&self.issuer.as_ref()?.name, &taker.name, purpose, lane, epoch))
    }
}

/// The same for whoever takes the token, which knows its own name and the provider's.
pub fn challenge(issuer: &str, taker: &str, purpose: Purpose, lane: Lane, epoch: u32) -> [u8; 32] {
    let mut context = b"luytre token 1".to_vec();
    context.extend([purpose as u8, lane as u8]);
    context.extend(epoch.to_be_bytes());
    let mut digested = [0; 32];
    digested.iter_mut().zip(digest(&SHA256, &context).as_ref()).for_each(|(to, from)| *to = *from);
    token::challenge(issuer, &digested, taker)
}

impl Operator {
    fn of(side: &str, said: &Announcement) -> Result<Operator, ManifestError> {
        check_name(&format!("{side}.name"), &said.name)?;
        let gateway = STANDARD.decode(&said.gateway).ok().filter(|octets| (10..=1024).contains(&octets.len()));
        let gateway = gateway.ok_or_else(|| field(side, "gateway", "an OHTTP key configuration in base64"))?;
        let sealing = unhex::<KEY_LEN>(&said.sealing).ok_or_else(|| field(side, "sealing", "64 hexadecimal digits"))?;
        let mut keys = BTreeMap::new();
        for (lane, epochs) in &said.keys {
            let lane = Lane::from_name(lane).ok_or_else(|| field(side, "keys", "lanes are security and harm"))?;
            for (epoch, key) in epochs {
                let octets = unhex::<ELEMENT_LEN>(key).and_then(|octets| PublicKey::from_bytes(&octets).ok());
                let key = octets.ok_or_else(|| field(side, "keys", "each is a point in 64 hexadecimal digits"))?;
                keys.insert((lane, *epoch), key);
            }
        }
        Ok(Operator { name: said.name.clone(), gateway, sealing: SealingKey::new(sealing), keys })
    }
}

impl Issuing {
    fn of(said: &Provider) -> Result<Issuing, ManifestError> {
        check_name("issuer.name", &said.name)?;
        check_url("issuer.url", &said.url)?;
        let modulus: Option<[u8; SIGNATURE_LEN]> = STANDARD.decode(&said.key).ok().and_then(|key| key.try_into().ok());
        let key = modulus.and_then(|modulus| IssuerKey::new(&modulus).ok());
        let key = key.ok_or_else(|| field("issuer", "key", "a modulus of 2048 bits in base64"))?;
        Ok(Issuing { name: said.name.clone(), url: said.url.clone(), key })
    }
}

fn field(side: &str, name: &str, what: &'static str) -> ManifestError {
    ManifestError::Field { field: format!("{side}.{name}"), what }
}

fn check_name(field: &str, name: &str) -> Result<(), ManifestError> {
    let is_good = !name.trim().is_empty() && name.len() <= NAME_MAX && !name.chars().any(char::is_control);
    is_good.then_some(()).ok_or(ManifestError::Field { field: field.into(), what: "1 to 100 octets of text" })
}

/// `https`, or this machine for tests and for whoever ends TLS itself.
fn check_url(field: &str, url: &str) -> Result<(), ManifestError> {
    let is_good = url.ends_with('/')
        && (url.starts_with("https://") || url.starts_with("http://127.0.0.1:") || url.starts_with("http://[::1]:"));
    is_good.then_some(()).ok_or(ManifestError::Field { field: field.into(), what: "https:// and a / at the end" })
}

/// `N` octets in hexadecimal digits.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut octets = [0; N];
    let is_long = text.len() == N.checked_mul(2)? && text.is_ascii();
    for (to, digits) in octets.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok().filter(|_| is_long)?;
        *to = u8::from_str_radix(digits, 16).ok().filter(|_| !digits.contains('+'))?;
    }
    is_long.then_some(octets)
}

fn day_secs() -> u64 {
    DAY_SECS
}

fn takes_part() -> u32 {
    TAKES_PART_ONE_IN
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::oprf::ServerKey;
    use crate::report::envelope::OpeningKey;

    fn announcement(name: &str) -> Announcement {
        let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let key = || hex(&ServerKey::generate().unwrap().public().to_bytes());
        let (_, sealing) = OpeningKey::generate().unwrap();
        Announcement {
            name: name.into(),
            gateway: STANDARD.encode([7; 45]),
            sealing: hex(sealing.octets()),
            keys: BTreeMap::from([("harm".into(), BTreeMap::from([(2_969, key()), (2_970, key())]))]),
        }
    }

    pub(crate) fn file() -> File {
        File {
            format: FORMAT,
            lab: false,
            day_secs: DAY_SECS,
            takes_part_one_in: 4,
            threshold: 20,
            a: Some(announcement("An ninh")),
            b: Some(announcement("Trẻ em")),
            relay: Some(Relay { name: "Nhà mạng".into(), url: "https://relay.example/".into() }),
            issuer: None,
        }
    }

    #[test]
    fn a_manifest_is_read_and_names_who_receives() {
        let octets = serde_json::to_vec(&file()).unwrap();
        let manifest = Manifest::parse(&octets).unwrap();
        assert_eq!(manifest.operators().b.as_deref(), Some("Trẻ em"));
        assert!(manifest.keys(Lane::Harm, 2_969).is_some() && manifest.keys(Lane::Harm, 2_971).is_none());
        assert!(manifest.keys(Lane::Security, 2_969).is_none());
        assert_eq!(manifest.challenge(Purpose::AskA, Lane::Harm, 1), None, "nobody gives tokens");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let wrong = |change: fn(&mut File)| {
            let mut file = file();
            change(&mut file);
            Manifest::of(&file).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(wrong(|file| file.threshold = 9).starts_with("threshold: 10"));
        assert!(wrong(|file| file.day_secs = 60).contains("except in a lab"));
        assert!(wrong(|file| file.takes_part_one_in = 1).starts_with("takes_part_one_in"));
        assert!(wrong(|file| file.format = 2).contains("format 2"));
        assert!(wrong(|file| file.relay.as_mut().unwrap().url = "http://relay.example/".into()).contains("https"));
        assert!(wrong(|file| file.a.as_mut().unwrap().sealing.push('0')).starts_with("a.sealing"));
        let same = |file: &mut File| file.b.as_mut().unwrap().keys = file.a.as_ref().unwrap().keys.clone();
        let mut one_key = file();
        same(&mut one_key);
        assert_eq!(Manifest::of(&one_key).unwrap().keys(Lane::Harm, 2_969), None, "one key for both is none");
        assert!(Manifest::parse(b"{}").is_err() && Manifest::parse(&[0xff; 9]).is_err());
    }

    #[test]
    fn a_token_for_one_thing_is_none_for_another() {
        let all = [
            challenge("t", "a", Purpose::AskA, Lane::Harm, 1),
            challenge("t", "a", Purpose::Report, Lane::Harm, 1),
            challenge("t", "b", Purpose::AskA, Lane::Harm, 1),
            challenge("t", "a", Purpose::AskA, Lane::Security, 1),
            challenge("t", "a", Purpose::AskA, Lane::Harm, 2),
            challenge("u", "a", Purpose::AskA, Lane::Harm, 1),
        ];
        let apart: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(apart.len(), all.len());
    }
}
