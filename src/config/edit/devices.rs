//! Changes of devices: whose each one is.

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use toml_edit::DocumentMut;

use super::forms::{DeviceForm, form};
use super::layout;
use super::names;
use super::people::{PROFILE, find};
use super::place::{self, row};
use super::put::{new_row, put, put_row, read_rows};
use super::{Editor, Refusal};
use crate::identity::Mac;

/// By what a device is known; as a value of the API, `{"mac": "aa:bb:cc:dd:ee:ff"}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKey {
    /// Its MAC address.
    Mac(String),
    /// One of its addresses or prefixes.
    Address(String),
    /// Its token.
    Token(String),
    /// Its place among the devices, from 0.
    Row(usize),
}

impl Editor {
    /// All devices, in order.
    pub fn devices(&self) -> Vec<DeviceForm> {
        read_rows(self.document.as_table(), DEVICE)
    }

    /// Adds a device after the last one.
    pub fn add_device(&mut self, form: &DeviceForm) -> Result<(), Refusal> {
        self.attempt(|document| {
            let form = check_device(document, form, None)?;
            let at = place::rows(document.as_table(), DEVICE);
            layout::insert_row(document, &Vec::new(), DEVICE, at, new_row(&form), PROFILE);
            Ok(())
        })
    }

    /// Makes a device what the form says.
    pub fn set_device(&mut self, key: &DeviceKey, form: &DeviceForm) -> Result<(), Refusal> {
        self.attempt(|document| {
            let at = device(document, key).ok_or_else(|| no_device(key))?;
            let old: Vec<DeviceForm> = read_rows(document.as_table(), DEVICE);
            let form = check_device(document, form, old.get(at))?;
            put_row(document, &row(DEVICE, at), &form);
            Ok(())
        })
    }

    /// Takes a device out; from then on it is a stranger.
    pub fn remove_device(&mut self, key: &DeviceKey) -> Result<(), Refusal> {
        self.attempt(|document| {
            let at = device(document, key).ok_or_else(|| no_device(key))?;
            layout::remove_row(document, &Vec::new(), DEVICE, at);
            Ok(())
        })
    }

    /// Says whose device it is: moves the one that is known by `key`, or adds one.
    pub fn assign(&mut self, key: &DeviceKey, profile: &str) -> Result<(), Refusal> {
        let known = device(&self.document, key);
        let at = match (known, key) {
            (Some(at), _) => at,
            (None, DeviceKey::Row(_)) => return Err(no_device(key)),
            (None, key) => return self.add_device(&only_key(key, profile)),
        };
        self.attempt(|document| {
            find(document, PROFILE, profile)?;
            put(document, &row(DEVICE, at), "profile", Some(&Json::from(profile)));
            Ok(())
        })
    }
}

pub(super) const DEVICE: &str = "device";

fn check_device(document: &DocumentMut, form: &DeviceForm, old: Option<&DeviceForm>) -> Result<DeviceForm, Refusal> {
    find(document, PROFILE, &form.profile)?;
    let mut form = form.clone();
    if old.is_none_or(|old| old.name != form.name) {
        form.name = form.name.as_deref().map(names::check).transpose()?;
    }
    Ok(form)
}

/// The row of a device.
fn device(document: &DocumentMut, key: &DeviceKey) -> Option<usize> {
    let root = document.as_table();
    let holds = |at: &usize| {
        let form: Option<DeviceForm> = place::table(root, &row(DEVICE, *at)).map(form);
        form.is_some_and(|form| is_known_by(&form, *at, key))
    };
    (0..place::rows(root, DEVICE)).find(holds)
}

fn is_known_by(form: &DeviceForm, at: usize, key: &DeviceKey) -> bool {
    match key {
        DeviceKey::Row(row) => *row == at,
        DeviceKey::Token(token) => form.token.as_ref() == Some(token),
        DeviceKey::Mac(mac) => {
            let wanted = Mac::parse(mac);
            wanted.is_some() && form.mac.as_deref().and_then(Mac::parse) == wanted
        }
        DeviceKey::Address(address) => {
            let wanted = net(address);
            wanted.is_some() && form.address.iter().any(|one| net(one) == wanted)
        }
    }
}

fn net(text: &str) -> Option<IpNet> {
    let address = text.parse::<std::net::IpAddr>().map(IpNet::from);
    address.ok().or_else(|| text.parse().ok())
}

/// A device of which nothing but the key is known.
fn only_key(key: &DeviceKey, profile: &str) -> DeviceForm {
    let plain = DeviceForm { profile: profile.to_string(), ..DeviceForm::default() };
    match key.clone() {
        DeviceKey::Mac(mac) => DeviceForm { mac: Some(mac), ..plain },
        DeviceKey::Address(address) => DeviceForm { address: vec![address], ..plain },
        DeviceKey::Token(token) => DeviceForm { token: Some(token), ..plain },
        DeviceKey::Row(_) => plain,
    }
}

/// The key is not told: it may be a token.
fn no_device(key: &DeviceKey) -> Refusal {
    let name = match key {
        DeviceKey::Mac(text) | DeviceKey::Address(text) => text.clone(),
        DeviceKey::Token(_) => "that token".to_string(),
        DeviceKey::Row(at) => at.to_string(),
    };
    Refusal::Unknown { kind: DEVICE, name }
}
