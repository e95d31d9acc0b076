//! Devices seen on the network, as guardians see them: addresses, names as hints, since when and until when. Held in memory
//! alone. A pure register: what was seen and when is told to it. Names propose who a device may be and never decide.

use std::collections::HashMap;
use std::net::IpAddr;

use super::Mac;

/// Devices kept. Who makes addresses up pushes out those gone longest, and none that is here.
pub const DEVICES_MAX: usize = 4_096;
/// Addresses of one device that are shown; an IPv6 device with privacy addresses has about ten.
const ADDRS_MAX: usize = 32;
/// A device not seen for so long is forgotten.
const KEPT_SECS: i64 = 30 * 86_400;

/// A device that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Which; `None` where only its address is known.
    pub mac: Option<Mac>,
    /// The addresses it has now, in order.
    pub addrs: Vec<IpAddr>,
    /// What it calls itself; a hint for people.
    pub name: Option<String>,
    /// How it names itself to DHCP.
    pub client_id: Option<String>,
    /// Its MAC address is made up, and may be another tomorrow.
    pub is_random: bool,
    /// In seconds since 1970.
    pub first_seen: i64,
    /// In seconds since 1970.
    pub last_seen: i64,
}

/// What is known of an address at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The address.
    pub ip: IpAddr,
    /// Whose it is.
    pub mac: Option<Mac>,
    /// What the device calls itself.
    pub name: Option<String>,
    /// How it names itself to DHCP.
    pub client_id: Option<String>,
}

/// A device of the household, as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// The guardian's name for it.
    pub device: String,
    /// Which.
    pub mac: Mac,
    /// Whose.
    pub profile: String,
}

/// A device nobody knows that may be one of the household's under another MAC address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The stranger.
    pub mac: Mac,
    /// The device it may be.
    pub like: String,
    /// Whose that is.
    pub profile: String,
    /// Why.
    pub why: Why,
}

/// What two devices have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// They name themselves to DHCP alike.
    SameClientId,
    /// They have the same name.
    SameName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Mac(Mac),
    Addr(IpAddr),
}

/// All devices seen.
#[derive(Debug, Default)]
pub struct Register {
    devices: HashMap<Key, Sighting>,
}

impl Register {
    /// Takes over which device has which address now. A device keeps its name and client id until it shows others.
    pub fn take(&mut self, sights: impl IntoIterator<Item = Sight>, now: i64) {
        let is_kept = |device: &Sighting| now.saturating_sub(device.last_seen) < KEPT_SECS;
        self.devices.retain(|_, device| !device.addrs.is_empty() || is_kept(device));
        self.devices.values_mut().for_each(|device| device.addrs.clear());
        let key_of = |sight: &Sight| sight.mac.map_or(Key::Addr(sight.ip), Key::Mac);
        // Those known come first: no new one may take the place of a device that is here.
        let (known, new): (Vec<_>, Vec<_>) =
            sights.into_iter().partition(|sight| self.devices.contains_key(&key_of(sight)));
        for sight in known.into_iter().chain(new) {
            let key = key_of(&sight);
            let Some(device) = self.device(key, now) else { continue };
            if device.addrs.len() < ADDRS_MAX && !device.addrs.contains(&sight.ip) {
                device.addrs.push(sight.ip);
            }
            device.name = sight.name.or(device.name.take());
            device.client_id = sight.client_id.or(device.client_id.take());
        }
        self.devices.values_mut().for_each(|device| device.addrs.sort_unstable());
        // An address whose device became known is that device's.
        self.devices.retain(|key, device| matches!(key, Key::Mac(_)) || !device.addrs.is_empty());
    }

    /// A device gave a sign of life.
    pub fn hear(&mut self, mac: Mac, now: i64) {
        if let Some(device) = self.devices.get_mut(&Key::Mac(mac)) {
            device.last_seen = now;
        }
    }

    /// All devices, those seen last first.
    pub fn all(&self) -> Vec<Sighting> {
        let mut all: Vec<Sighting> = self.devices.values().cloned().collect();
        all.sort_by_key(|device| (std::cmp::Reverse(device.last_seen), device.mac, device.addrs.first().copied()));
        all
    }

    /// Strangers that may be a device of the household: one proposal each, that of the stronger likeness.
    pub fn propose(&self, assigned: &[Assigned]) -> Vec<Proposal> {
        let mut proposals: Vec<Proposal> = self
            .devices
            .values()
            .filter(|device| device.mac.is_some_and(|mac| !assigned.iter().any(|known| known.mac == mac)))
            .filter_map(|stranger| {
                [Why::SameClientId, Why::SameName].into_iter().find_map(|why| self.liken(stranger, assigned, why))
            })
            .collect();
        proposals.sort_by_key(|proposal| proposal.mac);
        proposals
    }

    fn liken(&self, stranger: &Sighting, assigned: &[Assigned], why: Why) -> Option<Proposal> {
        let is_alike = |known: &Sighting| match why {
            Why::SameClientId => stranger.client_id.is_some() && stranger.client_id == known.client_id,
            Why::SameName => match (&stranger.name, &known.name) {
                (Some(one), Some(other)) => one.to_lowercase() == other.to_lowercase(),
                _ => false,
            },
        };
        let like = assigned.iter().find(|known| self.devices.get(&Key::Mac(known.mac)).is_some_and(is_alike))?;
        Some(Proposal { mac: stranger.mac?, like: like.device.clone(), profile: like.profile.clone(), why })
    }

    /// The device, new or known; `None` when all places are taken by devices that are here.
    fn device(&mut self, key: Key, now: i64) -> Option<&mut Sighting> {
        if !self.devices.contains_key(&key) && self.devices.len() >= DEVICES_MAX {
            let gone = self.devices.iter().filter(|(_, device)| device.addrs.is_empty() && device.last_seen < now);
            let longest = gone.min_by_key(|(_, device)| device.last_seen).map(|(key, _)| *key)?;
            self.devices.remove(&longest);
        }
        let mac = if let Key::Mac(mac) = key { Some(mac) } else { None };
        Some(self.devices.entry(key).or_insert_with(|| Sighting {
            mac,
            addrs: Vec::new(),
            name: None,
            client_id: None,
            is_random: mac.is_some_and(Mac::is_random),
            first_seen: now,
            last_seen: now,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(last: u16) -> Mac {
        let [high, low] = last.to_be_bytes();
        Mac([2, 0, 0, 0, high, low])
    }

    fn sight(ip: &str, device: Option<u16>, name: Option<&str>, id: Option<&str>) -> Sight {
        let owned = |text: Option<&str>| text.map(str::to_string);
        Sight { ip: ip.parse().unwrap(), mac: device.map(mac), name: owned(name), client_id: owned(id) }
    }

    #[test]
    fn a_device_keeps_its_name_while_its_addresses_change() {
        let mut register = Register::default();
        register.take(
            [sight("10.0.0.1", Some(1), Some("an-tablet"), None), sight("fd00::1", Some(1), None, Some("aa"))],
            100,
        );
        register.take([sight("fd00::2", Some(1), None, None), sight("10.0.0.9", None, None, None)], 200);
        register.hear(mac(1), 205);
        let all = register.all();
        assert_eq!(all.len(), 2);
        let device = Sighting {
            mac: Some(mac(1)),
            addrs: vec!["fd00::2".parse().unwrap()],
            name: Some("an-tablet".into()),
            client_id: Some("aa".into()),
            is_random: true,
            first_seen: 100,
            last_seen: 205,
        };
        assert_eq!(all[0], device);
        assert_eq!((all[1].mac, all[1].is_random), (None, false));
        // Whose the address is has become known.
        register.take([sight("10.0.0.9", Some(1), None, None)], 206);
        assert_eq!(register.all().len(), 1);
        register.take([], 206 + KEPT_SECS);
        assert_eq!(register.all().len(), 1, "was here until now");
        register.take([], 207 + KEPT_SECS);
        assert_eq!(register.all(), []);
    }

    #[test]
    fn likeness_proposes_and_the_client_id_comes_first() {
        let household = |device: &str, last, profile: &str| Assigned {
            device: device.into(),
            mac: mac(last),
            profile: profile.into(),
        };
        let assigned = [household("tablet", 1, "an"), household("phone", 2, "mai")];
        let mut register = Register::default();
        let sights = [
            sight("10.0.0.1", Some(1), Some("Android"), Some("aa")),
            sight("10.0.0.2", Some(2), Some("Mai-Phone"), Some("bb")),
            sight("10.0.0.3", Some(3), Some("mai-phone"), None),
            sight("10.0.0.4", Some(4), Some("mai-phone"), Some("aa")),
            sight("10.0.0.5", Some(5), Some("else"), None),
            sight("10.0.0.6", Some(6), None, None),
        ];
        register.take(sights, 0);
        let found: Vec<_> =
            register.propose(&assigned).into_iter().map(|one| (one.mac, one.profile, one.why)).collect();
        let expected = [(mac(3), "mai".to_string(), Why::SameName), (mac(4), "an".to_string(), Why::SameClientId)];
        assert_eq!(found, expected);
        assert_eq!(register.propose(&[]), []);
    }

    #[test]
    fn made_up_devices_push_out_nobody_who_is_here() {
        let mut register = Register::default();
        let crowd = |count: u16| (0..count).map(|last| sight("10.0.0.1", Some(last), None, None)).collect::<Vec<_>>();
        register.take(crowd(DEVICES_MAX as u16 + 10), 0);
        assert_eq!(register.all().len(), DEVICES_MAX);
        // All of them gone but one: the new one takes the place of one that is gone.
        register.take([sight("10.0.0.1", Some(0), None, None), sight("10.0.0.2", Some(60_000), None, None)], 1);
        assert_eq!(register.all().len(), DEVICES_MAX);
        assert!(register.all().iter().any(|device| device.mac == Some(mac(60_000))));
        assert!(register.all().iter().any(|device| device.mac == Some(mac(0))));
    }
}
