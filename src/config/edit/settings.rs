//! Single options of the household, by their path in the file. Only those named here can be changed from the dashboard;
//! addresses and limits of the doors stay with who can log in to the machine.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use toml_edit::DocumentMut;

use super::forms::{Kind, json_of};
use super::layout;
use super::place::{self, Path, Place};
use super::put::put;
use super::{Editor, Refusal};

/// Options by path; `null` is the default. `{"time_zone": "Asia/Ho_Chi_Minh", "dns.portal": ["192.168.1.2"]}`.
pub type Settings = BTreeMap<String, Json>;

/// What can be set, and what kind of value it holds.
const SETTINGS: &[(&str, Kind)] = &[
    ("time_zone", Kind::Text),
    ("defaults.profile", Kind::Text),
    ("dns.block_answer", Kind::Text),
    ("dns.portal", Kind::Texts),
    ("dns.upstream.mode", Kind::Text),
    ("dns.upstream.servers", Kind::SomeTexts),
    ("proxy.enabled", Kind::Flag),
    ("proxy.lan", Kind::Texts),
    ("lists.update_every", Kind::Text),
    ("web.enabled", Kind::Flag),
    ("web.listen", Kind::Texts),
    ("web.listen_tls", Kind::Texts),
    ("web.name", Kind::Text),
    ("web.addresses", Kind::Texts),
    ("web.hosts", Kind::Texts),
    ("web.exit", Kind::Text),
    ("web.connections_max", Kind::Number),
];

impl Editor {
    /// Every option that can be set, as it is written; `null` where it is not.
    pub fn settings(&self) -> Settings {
        let one = |(path, kind): &(&str, Kind)| {
            let (place, key) = split(path);
            let table = place::table(self.document.as_table(), &place);
            let value = table.and_then(|table| table.get(key)).and_then(json_of).filter(|value| kind.holds(value));
            (path.to_string(), value.unwrap_or_default())
        };
        SETTINGS.iter().map(one).collect()
    }

    /// Sets one option; `null` gives it its default back.
    pub fn set(&mut self, path: &str, value: &Json) -> Result<(), Refusal> {
        self.attempt(|document| set(document, path, value))
    }

    /// Sets several options, all or none.
    pub fn set_all(&mut self, settings: &Settings) -> Result<(), Refusal> {
        self.attempt(|document| settings.iter().try_for_each(|(path, value)| set(document, path, value)))
    }
}

fn set(document: &mut DocumentMut, path: &str, value: &Json) -> Result<(), Refusal> {
    let known = SETTINGS.iter().find(|(known, _)| *known == path);
    let (path, kind) = known.ok_or_else(|| Refusal::Setting(path.to_string()))?;
    if !value.is_null() && !kind.holds(value) {
        return Err(Refusal::Value { path, expected: expected(*kind) });
    }
    let (place, key) = split(path);
    let table = place::table(document.as_table(), &place);
    let stands = table.and_then(|table| table.get(key));
    if stands.and_then(json_of).as_ref() == Some(value) {
        return Ok(());
    }
    let written = kind.written(value.clone(), stands.is_some());
    if written.is_some() {
        (1..=place.len()).for_each(|length| ensure_table(document, &place[..length]));
    }
    put(document, &place, key, written.as_ref());
    Ok(())
}

fn ensure_table(document: &mut DocumentMut, place: &Path) {
    let is_there = place::table(document.as_table(), place).is_some();
    if let Some(((key, _), parent)) = place.split_last().filter(|_| !is_there) {
        layout::insert_table(document, parent, key);
    }
}

fn split(path: &str) -> (Place, &str) {
    let (tables, key) = path.rsplit_once('.').unwrap_or(("", path));
    let place = tables.split('.').filter(|table| !table.is_empty()).map(|table| (table.to_string(), None));
    (place.collect(), key)
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "a string",
        Kind::Flag => "true or false",
        Kind::Number => "a whole number",
        Kind::Texts | Kind::SomeTexts => "an array of strings",
    }
}
