//! What can be changed, as values: the shapes of the API's bodies, key for key those of the file. Their words are checked
//! where the file is read; here stand only the keys and how a row of the file becomes a form.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use toml_edit::{Item, TableLike, Value};

/// A `[[profile]]`. What is `None` or empty is the band's default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileForm {
    /// Unique.
    pub name: String,
    /// Year of birth; this or `band`.
    pub born: Option<i16>,
    /// Age band.
    pub band: Option<String>,
    /// "vi" or "en".
    pub language: Option<String>,
    /// Search engines show their safe results.
    pub safe_search: Option<bool>,
    /// "off", "moderate", "strict".
    pub youtube: Option<String>,
    /// Browsers are told to leave their own encrypted DNS off.
    pub canary: Option<bool>,
    /// Private Relay is refused.
    pub block_private_relay: Option<bool>,
    /// Chrome is told to look names up before prefetching.
    pub filter_prefetch: Option<bool>,
    /// Encrypted Client Hello is left out of answers.
    pub strip_ech: Option<bool>,
    /// Names from outside may not lead inside.
    pub rebinding_protection: Option<bool>,
    /// Names that pretend to be others are refused.
    pub block_lookalikes: Option<bool>,
    /// Names that no list has are judged by what they look like.
    pub guess_unlisted: Option<bool>,
    /// Connections go through the proxy.
    pub intercept: Option<bool>,
    /// "reject", "filter", "allow".
    pub quic: Option<String>,
    /// "block", "tcp443", "log", "allow".
    pub nameless: Option<String>,
    /// "resolve", "refuse", "allow".
    pub unexplained: Option<String>,
    /// DNS over TLS and QUIC to others is rejected.
    pub block_encrypted_dns: Option<bool>,
    /// VPN, Tor and proxies are rejected.
    pub block_tunnels: Option<bool>,
    /// "open", "closed".
    pub when_dead: Option<String>,
    /// Categories, services, "everything".
    pub block: Vec<String>,
    /// The same.
    pub allow: Vec<String>,
    /// Names, with all below them.
    pub block_names: Vec<String>,
    /// The same.
    pub allow_names: Vec<String>,
    /// Hours, in order.
    pub schedules: Vec<ScheduleForm>,
    /// Times a day, in order.
    pub budgets: Vec<BudgetForm>,
}

/// A `[[profile.schedule]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScheduleForm {
    /// For people.
    pub name: String,
    /// Days it starts on; empty is every day.
    pub days: Vec<String>,
    /// Calendars on whose days alone it starts.
    pub only: Vec<String>,
    /// Calendars on whose days it does not start.
    pub except: Vec<String>,
    /// "21:00".
    pub from: String,
    /// Earlier than `from`: the next morning.
    pub to: String,
    /// Refused while it holds.
    pub block: Vec<String>,
    /// Allowed while it holds.
    pub allow: Vec<String>,
}

/// A `[[profile.budget]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetForm {
    /// Unique in its profile.
    pub name: String,
    /// What counts: categories, services, "everything".
    pub of: Vec<String>,
    /// "1h" a day.
    pub limit: String,
    /// Days it holds on; empty is every day.
    pub days: Vec<String>,
    /// Calendars on whose days alone it holds.
    pub only: Vec<String>,
    /// Calendars on whose days it does not hold.
    pub except: Vec<String>,
}

/// A `[[device]]`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceForm {
    /// For people.
    pub name: Option<String>,
    /// Whose it is.
    pub profile: String,
    /// "aa:bb:cc:dd:ee:ff".
    pub mac: Option<String>,
    /// Addresses and prefixes.
    pub address: Vec<String>,
    /// A secret: whoever knows it has the profile's rules.
    pub token: Option<String>,
}

/// A token is never in a log.
impl std::fmt::Debug for DeviceForm {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let DeviceForm { name, profile, mac, address, token } = self;
        write!(out, "DeviceForm {{ {name:?}, {profile:?}, {mac:?}, {address:?}, token: {} }}", token.is_some())
    }
}

/// A `[[calendar]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CalendarForm {
    /// Unique.
    pub name: String,
    /// Days and spans of days.
    pub days: Vec<String>,
}

/// A `[[list]]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListForm {
    /// Unique.
    pub name: String,
    /// "starter", "catalog:ID", "file:PATH", "https://…".
    pub source: String,
    /// Code of a format.
    pub format: Option<String>,
    /// "exact" or "suffix".
    pub plain: Option<String>,
    /// What its names are.
    pub categories: Vec<String>,
    /// "block" or "allow".
    pub kind: Option<String>,
}

/// What a key may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Number,
    /// An array; where it stood, an empty one is written as `[]`.
    Texts,
    /// An array that says something only when it is not empty.
    SomeTexts,
}

/// The keys of a row in the order in which a new one is written.
pub(super) type Keys = &'static [(&'static str, Kind)];

/// A form that is one row of the file.
pub(super) trait Row: Serialize + DeserializeOwned {
    const KEYS: Keys;
}

impl Row for ProfileForm {
    const KEYS: Keys = &[
        ("name", Kind::Text),
        ("born", Kind::Number),
        ("band", Kind::Text),
        ("language", Kind::Text),
        ("safe_search", Kind::Flag),
        ("youtube", Kind::Text),
        ("canary", Kind::Flag),
        ("block_private_relay", Kind::Flag),
        ("filter_prefetch", Kind::Flag),
        ("strip_ech", Kind::Flag),
        ("rebinding_protection", Kind::Flag),
        ("block_lookalikes", Kind::Flag),
        ("guess_unlisted", Kind::Flag),
        ("intercept", Kind::Flag),
        ("quic", Kind::Text),
        ("nameless", Kind::Text),
        ("unexplained", Kind::Text),
        ("block_encrypted_dns", Kind::Flag),
        ("block_tunnels", Kind::Flag),
        ("when_dead", Kind::Text),
        ("block", Kind::Texts),
        ("allow", Kind::Texts),
        ("block_names", Kind::Texts),
        ("allow_names", Kind::Texts),
    ];
}

impl Row for ScheduleForm {
    const KEYS: Keys = &[
        ("name", Kind::Text),
        ("days", Kind::SomeTexts),
        ("only", Kind::SomeTexts),
        ("except", Kind::SomeTexts),
        ("from", Kind::Text),
        ("to", Kind::Text),
        ("block", Kind::Texts),
        ("allow", Kind::Texts),
    ];
}

impl Row for BudgetForm {
    const KEYS: Keys = &[
        ("name", Kind::Text),
        ("of", Kind::Texts),
        ("limit", Kind::Text),
        ("days", Kind::SomeTexts),
        ("only", Kind::SomeTexts),
        ("except", Kind::SomeTexts),
    ];
}

impl Row for DeviceForm {
    const KEYS: Keys = &[
        ("name", Kind::Text),
        ("profile", Kind::Text),
        ("mac", Kind::Text),
        ("address", Kind::SomeTexts),
        ("token", Kind::Text),
    ];
}

impl Row for CalendarForm {
    const KEYS: Keys = &[("name", Kind::Text), ("days", Kind::Texts)];
}

impl Row for ListForm {
    const KEYS: Keys = &[
        ("name", Kind::Text),
        ("source", Kind::Text),
        ("format", Kind::Text),
        ("plain", Kind::Text),
        ("categories", Kind::SomeTexts),
        ("kind", Kind::Text),
    ];
}

impl Kind {
    /// True when a value of that kind stands there: only those can be shown in a form.
    pub(super) fn holds(self, value: &Json) -> bool {
        match self {
            Kind::Text => value.is_string(),
            Kind::Flag => value.is_boolean(),
            Kind::Number => value.is_i64(),
            Kind::Texts | Kind::SomeTexts => value.as_array().is_some_and(|all| all.iter().all(Json::is_string)),
        }
    }

    /// What has to stand in the file for `wanted`; `None` for nothing.
    pub(super) fn written(self, wanted: Json, stands: bool) -> Option<Json> {
        let is_empty = wanted.as_array().is_some_and(Vec::is_empty);
        match self {
            _ if wanted.is_null() => None,
            Kind::SomeTexts if is_empty => None,
            Kind::Texts if is_empty && !stands => None,
            Kind::Text if wanted == "" && !stands => None,
            _ => Some(wanted),
        }
    }
}

/// The row's values by key; what is absent or of another kind is left out.
pub(super) fn shown(table: &dyn TableLike, keys: Keys) -> Map<String, Json> {
    let one = |(key, kind): &(&str, Kind)| {
        let value = table.get(key).and_then(json_of).filter(|value| kind.holds(value))?;
        Some((key.to_string(), value))
    };
    keys.iter().filter_map(one).collect()
}

/// The form of a row.
pub(super) fn form<T: Row + Default>(table: &dyn TableLike) -> T {
    // Every value is of its kind, so only a number that is no year cannot be taken.
    serde_json::from_value(Json::Object(shown(table, T::KEYS))).unwrap_or_default()
}

/// The form's values by key.
pub(super) fn values<T: Row>(form: &T) -> Map<String, Json> {
    let Ok(Json::Object(mut all)) = serde_json::to_value(form) else { return Map::new() };
    all.retain(|key, _| T::KEYS.iter().any(|(known, _)| known == key));
    all
}

/// The value as JSON; `None` for tables and numbers that are not whole.
pub(super) fn json_of(item: &Item) -> Option<Json> {
    json_of_value(item.as_value()?)
}

fn json_of_value(value: &Value) -> Option<Json> {
    match value {
        Value::String(text) => Some(Json::from(text.value().as_str())),
        Value::Boolean(flag) => Some(Json::from(*flag.value())),
        Value::Integer(number) => Some(Json::from(*number.value())),
        Value::Array(all) => all.iter().map(json_of_value).collect(),
        Value::Datetime(_) | Value::Float(_) | Value::InlineTable(_) => None,
    }
}

/// The same as a value of the file.
pub(super) fn value_of(json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => Some(Value::from(text.as_str())),
        Json::Bool(flag) => Some(Value::from(*flag)),
        Json::Number(number) => number.as_i64().map(Value::from),
        Json::Array(all) => Some(Value::Array(all.iter().filter_map(value_of).collect())),
        Json::Null | Json::Object(_) => None,
    }
}
