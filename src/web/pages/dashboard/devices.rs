//! Whose device is whose.

use askama::Template;

use super::fault::Fault;
use crate::web::pages::{Shell, rendered};

/// A device of the configuration.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its place among the devices.
    pub position: usize,
    /// What it was when the page was made: another one at its place is not changed by mistake.
    pub mark: String,
    /// For people.
    pub name: String,
    /// Whose.
    pub profile: String,
    /// MAC address and addresses, in one line.
    pub addresses: String,
    /// Known by a secret.
    pub has_token: bool,
    /// When it was last seen, in words.
    pub last: Option<String>,
    /// The page goes to this device.
    pub is_here: bool,
    /// To pause it by; `None` where that is not possible.
    pub who: Option<String>,
    /// Until when it is paused.
    pub paused: Option<String>,
}

/// A device that is nobody's.
#[derive(Debug, Clone)]
pub struct Stranger {
    /// To name it by.
    pub key: String,
    /// As it calls itself.
    pub name: String,
    /// Its addresses, in one line.
    pub addresses: String,
    /// Its address was made up.
    pub is_random: bool,
    /// The page goes to this device.
    pub is_here: bool,
    /// Whose it may be.
    pub proposal: Option<String>,
    /// When it was last seen, in words.
    pub last: String,
}

/// The page of devices.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/devices.html")]
pub struct DevicesPage {
    /// Round it.
    pub shell: Shell,
    /// Devices that are somebody's.
    pub known: Vec<Known>,
    /// Devices that are nobody's, the newest first.
    pub strangers: Vec<Stranger>,
    /// Who those are.
    pub default: String,
    /// Whose a device can be.
    pub profiles: Vec<String>,
    /// The reader may change whose.
    pub may_change: bool,
    /// The reader may pause.
    pub may_pause: bool,
    /// What was typed to add one: name, key, profile.
    pub typed: [String; 3],
    /// What was wrong.
    pub fault: Fault,
}

/// A secret for a device away from home; shown once.
#[derive(Clone, Template)]
#[template(path = "dashboard/device_token.html")]
pub struct TokenPage {
    /// Round it.
    pub shell: Shell,
    /// Of the device.
    pub name: String,
    /// Whose it is.
    pub profile: String,
    /// The secret.
    pub token: String,
    /// What to type into the device: DNS over HTTPS.
    pub https: Option<String>,
    /// DNS over TLS ("private DNS").
    pub tls: Option<String>,
}

impl DevicesPage {
    /// The whole page.
    pub fn render(&self) -> String {
        rendered(self)
    }
}

impl TokenPage {
    /// The whole page.
    pub fn render(&self) -> String {
        rendered(self)
    }
}
