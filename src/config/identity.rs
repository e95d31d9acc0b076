//! `[[device]]` and `[identity]`: whose device is whose, and by what devices are known beside the neighbour table.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::read::{profile_named, word};
use crate::document::{At, Table};
use crate::identity::known::Assigned;
use crate::identity::lease::{Format, LeaseFile};
use crate::identity::{Mac, Token};

/// By what devices are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// Lease files of DHCP servers.
    pub leases: Vec<LeaseFile>,
    /// Listen to the names devices announce.
    pub mdns: bool,
    /// Who may say for which device it asks.
    pub trusted_forwarders: Vec<IpAddr>,
}

/// More files than this are a mistake.
const FILES_MAX: usize = 16;

pub(super) fn identity(root: &mut Table<'_>, beside: &Path) -> Identity {
    let Some(mut table) = root.table("identity") else { return Identity::default() };
    let mdns = table.or("mdns", false);
    let trusted = table.or::<Vec<At<IpAddr>>>("trusted_forwarders", Vec::new());
    for addr in trusted.iter().filter(|addr| addr.is_unspecified() || addr.is_multicast()) {
        table.fault(&addr.span, format!("\"{}\" is no forwarder's address (\"192.168.1.1\")", addr.value));
    }
    let trusted_forwarders = trusted.into_iter().map(|addr| addr.value).collect();
    Identity { leases: leases(&mut table, beside), mdns, trusted_forwarders }
}

fn leases(identity: &mut Table<'_>, beside: &Path) -> Vec<LeaseFile> {
    let mut files: Vec<LeaseFile> = Vec::new();
    for mut table in identity.tables("leases") {
        let file = table.required::<PathBuf>("file");
        let format = word(&mut table, "format", "lease format", Format::WORDS);
        if format.is_none() && !table.has("format") {
            table.fault(&table.span(), "`format` is missing (\"dnsmasq\", \"odhcpd\", \"kea\", \"isc\")");
        }
        let (Some(file), Some(format)) = (file, format) else { continue };
        let path = beside.join(&file.value);
        if files.iter().any(|other| other.path == path) {
            table.fault(&file.span, format!("lease file {} is named twice", path.display()));
        } else if files.len() >= FILES_MAX {
            table.fault(&file.span, format!("more than {FILES_MAX} lease files"));
        }
        files.push(LeaseFile { path, format: format.value });
    }
    files
}

/// Whose device is whose: by address, by MAC address, by token.
#[derive(Default)]
pub(super) struct Devices {
    pub(super) nets: Vec<(IpNet, usize)>,
    pub(super) macs: Vec<(Mac, usize)>,
    pub(super) assigned: Vec<Assigned>,
    pub(super) tokens: Vec<(Token, usize)>,
}

pub(super) fn devices(root: &mut Table<'_>, names: &[String]) -> Devices {
    let mut devices = Devices::default();
    for mut table in root.tables("device") {
        let profile = table.required::<String>("profile").and_then(|name| profile_named(&table, &name, names));
        let nets = table.get::<Vec<At<IpNet>>>("address").map_or_else(Vec::new, |nets| nets.value);
        let mac = table.get::<Mac>("mac");
        let token = table.get::<Token>("token");
        if !["address", "mac", "token"].iter().any(|key| table.has(key)) {
            table.fault(&table.span(), "a device needs `address`, `mac` or `token`, or several of them");
        }
        // A note for people.
        let name = table.get::<String>("name");
        let Some(profile) = profile else { continue };
        belongs(&table, token, "this token", profile, &mut devices.tokens);
        if let Some(mac) = mac.as_ref().map(|mac| mac.value) {
            let profile = names.get(profile).cloned().unwrap_or_default();
            let device = name.map_or_else(|| profile.clone(), |name| name.value);
            devices.assigned.push(Assigned { device, mac, profile });
        }
        belongs(&table, mac, "this MAC address", profile, &mut devices.macs);
        for net in nets {
            let what = format!("address {}", net.value);
            belongs(&table, Some(net), &what, profile, &mut devices.nets);
        }
    }
    devices
}

/// Notes whose `key` is; a second owner is a fault.
fn belongs<T: PartialEq>(table: &Table<'_>, key: Option<At<T>>, what: &str, profile: usize, all: &mut Vec<(T, usize)>) {
    let Some(key) = key else { return };
    if all.iter().any(|(other, _)| *other == key.value) {
        table.fault(&key.span, format!("{what} belongs to a device already"));
    }
    all.push((key.value, profile));
}
