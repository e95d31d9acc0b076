//! Candidates as STIX 2.1 objects (OASIS Standard, 10 June 2021). Ids follow from what an object speaks of, so that two runs,
//! or two desks, name the same thing alike. No object speaks of a person or a home.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::classify::{Category, CategorySet};
use crate::hub::triage::candidate::Candidate;
use crate::hub::triage::desk::Desk;
use crate::hub::triage::propose;
use crate::hub::triage::state::State;
use crate::hub::triage::store::TriageError;
use crate::report::calendar::Calendar;

/// Never in any feed, whatever stands in a table.
const NEVER: CategorySet =
    CategorySet::of(&[Category::Csam, Category::Help, Category::HealthSexed, Category::LegalOrder, Category::Unknown]);
/// The namespace of ids of what is observed (STIX 2.1 §2.9).
const OF_OBSERVED: [u8; 16] = uuid(0x00ab_edb4_aa42_466c_9c01_fed2_3315_a9b7);
/// Our own namespace, drawn once.
const OURS: [u8; 16] = uuid(0x6d1d_51c5_3c3a_4f0b_9a4e_0f6f_5b0c_7a21);
/// When these objects were first defined; ours do not change.
const DEFINED: &str = "2026-11-26T00:00:00.000Z";

/// Who may read it (TLP 2.0, FIRST).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// Everybody.
    Clear,
    /// The community.
    Green,
    /// An organisation and its clients.
    Amber,
    /// An organisation.
    AmberStrict,
}

/// Codes, OASIS' own ids of the markings, and their order.
const MARKINGS: [(&str, &str, Marking); 4] = [
    ("clear", "94868c89-83c2-464b-929b-a1a8aa3c8487", Marking::Clear),
    ("green", "bab4a63c-aed9-4cf5-a766-dfca5abac2bb", Marking::Green),
    ("amber", "55d920b0-5e8b-4f79-9ee9-91f868d9b421", Marking::Amber),
    ("amber+strict", "939a9414-2ddd-4d32-a0cd-375ea402b003", Marking::AmberStrict),
];

impl Marking {
    /// The one with that code: `clear`, `green`, `amber`, `amber+strict`.
    pub fn from_code(code: &str) -> Option<Marking> {
        MARKINGS.iter().find(|(known, _, _)| *known == code).map(|(_, _, marking)| *marking)
    }

    /// Its code.
    pub fn code(self) -> &'static str {
        MARKINGS.iter().find(|(_, _, marking)| *marking == self).map_or("amber+strict", |(code, _, _)| code)
    }

    fn id(self) -> String {
        let id = MARKINGS.iter().find(|(_, _, marking)| *marking == self).map_or("", |(_, id, _)| id);
        format!("marking-definition--{id}")
    }
}

/// What is said, and how.
#[derive(Debug, Clone)]
pub struct Terms {
    /// Candidates that stand so. Withdrawn ones are always said, as revoked, once they were said at all.
    pub states: Vec<State>,
    /// Who may read it.
    pub marking: Marking,
    /// Homes that had to say the same.
    pub threshold: u8,
    /// Who publishes it.
    pub publisher: String,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            states: vec![State::Proposed, State::Listed],
            marking: Marking::Amber,
            threshold: 20,
            publisher: "Lũy Tre triage desk".into(),
        }
    }
}

/// An object, without the moments at which it was first and last changed: those follow from its versions.
#[derive(Debug, Clone, PartialEq)]
pub struct Object {
    /// Its id.
    pub id: String,
    /// What it says.
    pub body: Value,
    /// Gets `created` and `modified`; what is observed has neither.
    pub is_versioned: bool,
    /// Says that something does not hold any more: said only where it was said before that it holds.
    pub is_revoked: bool,
}

/// All objects of the candidates that may be said, and the ids of what may not even be taken back.
pub fn objects(desk: &Desk, terms: &Terms) -> Result<(Vec<Object>, Vec<String>), TriageError> {
    let (said, unsaid) = said(desk, terms)?;
    let mut all = vec![identity(terms), marking(terms.marking), extension(terms)];
    for one in &said {
        all.extend(of_candidate(desk, terms, one)?);
    }
    let mut gone = Vec::new();
    for one in &unsaid {
        gone.extend(of_candidate(desk, terms, one)?.into_iter().map(|object| object.id));
    }
    Ok((all, gone))
}

fn of_candidate(desk: &Desk, terms: &Terms, one: &Candidate) -> Result<Vec<Object>, TriageError> {
    let term = propose::term(&desk.store, &one.name.to_string(), one.category)?;
    let bands: Vec<&str> = desk.guide.bands(one.category).into_iter().map(|band| band.code()).collect();
    let mut all = vec![domain(one), indicator(one, terms, &bands, term.map(|(_, until)| until))];
    all.extend(sightings(one, terms));
    Ok(all)
}

/// The candidates of which something is said (those that stand so, and those that were taken back), and those whose name was
/// handed to a hotline: a feed that says of them that they are gone would lead to them.
fn said(desk: &Desk, terms: &Terms) -> Result<(Vec<Candidate>, Vec<Candidate>), TriageError> {
    let hidden = desk.store.handed_over()?;
    let all = desk.candidates()?.into_iter();
    let (unsaid, rest): (Vec<Candidate>, Vec<Candidate>) = all.partition(|one| hidden.contains(&one.name.to_string()));
    let is_said =
        |one: &Candidate| !NEVER.contains(one.category) && (terms.states.contains(&one.state) || is_revoked(one.state));
    Ok((rest.into_iter().filter(is_said).collect(), unsaid))
}

/// The candidates that stand so now.
pub fn current(desk: &Desk, terms: &Terms) -> Result<Vec<Candidate>, TriageError> {
    let (said, _) = said(desk, terms)?;
    Ok(said.into_iter().filter(|one| !is_revoked(one.state)).collect())
}

/// Taken back, in whatever way.
pub fn is_revoked(state: State) -> bool {
    matches!(state, State::Withdrawn | State::Rejected | State::New)
}

/// The id of an indicator.
pub fn indicator_id(name: &str, category: Category) -> String {
    format!("indicator--{}", own_uuid(&["indicator", name, category.code()]))
}

fn identity_id(terms: &Terms) -> String {
    format!("identity--{}", own_uuid(&["identity", &terms.publisher]))
}

fn extension_id(terms: &Terms) -> String {
    format!("extension-definition--{}", own_uuid(&["extension-definition", "1", &terms.publisher]))
}

fn identity(terms: &Terms) -> Object {
    let id = identity_id(terms);
    let body = json!({
        "type": "identity", "spec_version": "2.1", "id": id, "created": DEFINED, "modified": DEFINED,
        "name": terms.publisher, "identity_class": "organization",
    });
    Object { id, body, is_versioned: false, is_revoked: false }
}

/// The marking as OASIS published it, word for word: an object others know already.
fn marking(marking: Marking) -> Object {
    let id = marking.id();
    let name = format!("TLP:{}", marking.code().to_uppercase());
    let body = json!({
        "type": "marking-definition", "spec_version": "2.1", "id": id, "created": "2022-10-01T00:00:00.000Z",
        "name": name,
        "extensions": { "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d": {
            "extension_type": "property-extension", "tlp_2_0": marking.code(),
        } },
    });
    Object { id, body, is_versioned: false, is_revoked: false }
}

fn extension(terms: &Terms) -> Object {
    let (id, by) = (extension_id(terms), identity_id(terms));
    let body = json!({
        "type": "extension-definition", "spec_version": "2.1", "id": id, "created_by_ref": by,
        "created": DEFINED, "modified": DEFINED, "name": "Child safety",
        "description": "What a name is to children: category (one of 48 codes), lane of the anonymous reports, the least \
                        number of homes that said the same (k), and the ages to which the category is refused.",
        "schema": "docs/triage.md of the source of luytre", "version": "1.0.0", "extension_types": ["property-extension"],
    });
    Object { id, body, is_versioned: false, is_revoked: false }
}

fn domain(one: &Candidate) -> Object {
    let name = one.name.to_string();
    // The canonical form of {"value": …} (RFC 8785): names hold nothing that has to be escaped.
    let id = format!("domain-name--{}", uuid_v5(OF_OBSERVED, format!("{{\"value\":\"{name}\"}}").as_bytes()));
    let body = json!({ "type": "domain-name", "spec_version": "2.1", "id": id, "value": name });
    Object { id, body, is_versioned: false, is_revoked: is_revoked(one.state) }
}

fn indicator(one: &Candidate, terms: &Terms, bands: &[&str], until: Option<i64>) -> Object {
    let (name, is_revoked) = (one.name.to_string(), is_revoked(one.state));
    let id = indicator_id(&name, one.category);
    let from = i64::try_from(one.span().0).unwrap_or(0);
    let mut body = json!({
        "type": "indicator", "spec_version": "2.1", "id": id, "created_by_ref": identity_id(terms),
        "name": name, "description": format!("{}; reported anonymously by homes, looked at by people", one.category.title()),
        "indicator_types": ["malicious-activity"],
        "pattern": format!("[domain-name:value = '{name}']"), "pattern_type": "stix", "pattern_version": "2.1",
        "valid_from": millis(from.saturating_mul(1000)), "confidence": one.sureness(),
        "labels": [one.category.code(), one.state.code()], "revoked": is_revoked,
        "object_marking_refs": [terms.marking.id()],
        "extensions": { extension_id(terms): {
            "extension_type": "property-extension", "category": one.category.code(), "lane": one.lane.name(),
            "threshold": terms.threshold, "bands": bands,
        } },
    });
    if let (Some(until), Some(map)) = (until.filter(|until| *until > from), body.as_object_mut()) {
        map.insert("valid_until".into(), millis(until.saturating_mul(1000)).into());
    }
    Object { id, body, is_versioned: true, is_revoked }
}

/// One for each epoch, whose beginning and end are the only moments that are known.
fn sightings(one: &Candidate, terms: &Terms) -> Vec<Object> {
    let (name, is_revoked) = (one.name.to_string(), is_revoked(one.state));
    let calendar = Calendar::default();
    let sighting = |count: &crate::hub::triage::candidate::Count| {
        let epoch = count.epoch.to_string();
        let id = format!("sighting--{}", own_uuid(&["sighting", &name, one.category.code(), one.lane.name(), &epoch]));
        let moment = |secs: u64| millis(i64::try_from(secs).unwrap_or(0).saturating_mul(1000));
        let body = json!({
            "type": "sighting", "spec_version": "2.1", "id": id, "created_by_ref": identity_id(terms),
            "first_seen": moment(calendar.begins_at(one.lane, count.epoch)),
            "last_seen": moment(calendar.ends_at(one.lane, count.epoch)),
            "count": count.households.min(999_999_999),
            "sighting_of_ref": indicator_id(&name, one.category), "revoked": is_revoked,
            "where_sighted_refs": [identity_id(terms)], "summary": true,
            "object_marking_refs": [terms.marking.id()],
        });
        Object { id, body, is_versioned: true, is_revoked }
    };
    one.counts.iter().map(sighting).collect()
}

/// A moment in milliseconds as STIX writes it.
pub fn millis(at: i64) -> String {
    written(at.div_euclid(1000), &format!("{:03}", at.rem_euclid(1000)))
}

/// A moment in microseconds as TAXII writes it.
pub fn micros(at: i64) -> String {
    written(at.div_euclid(1_000_000), &format!("{:06}", at.rem_euclid(1_000_000)))
}

fn written(secs: i64, fraction: &str) -> String {
    let moment = TimeZone::UTC.to_datetime(Timestamp::from_second(secs).unwrap_or_default());
    format!("{}.{fraction}Z", moment.strftime("%Y-%m-%dT%H:%M:%S"))
}

/// A UUID in our namespace; parts are kept apart by an octet that is in none of them.
pub fn own_uuid(parts: &[&str]) -> String {
    uuid_v5(OURS, parts.join("\n").as_bytes())
}

/// Version 5 (RFC 9562 §5.5), which is defined by SHA-1; nothing is kept secret or signed by it.
fn uuid_v5(namespace: [u8; 16], name: &[u8]) -> String {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[&namespace[..], name].concat());
    let mut octets = [0_u8; 16];
    octets.iter_mut().zip(hash.as_ref()).for_each(|(octet, hashed)| *octet = *hashed);
    let number = u128::from_be_bytes(octets);
    let number = number & !(0xf << 76) | 0x5 << 76;
    let number = number & !(0x3 << 62) | 0x2 << 62;
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

const fn uuid(number: u128) -> [u8; 16] {
    number.to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_the_standards() {
        // RFC 9562, appendix A.4: www.example.com in the namespace of DNS.
        let dns = uuid(0x6ba7_b810_9dad_11d1_80b4_00c0_4fd4_30c8);
        assert_eq!(uuid_v5(dns, b"www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
        assert_eq!(millis(1_795_651_200_007), "2026-11-26T00:00:00.007Z");
        assert_eq!(micros(1_795_651_200_000_042), "2026-11-26T00:00:00.000042Z");
    }
}
