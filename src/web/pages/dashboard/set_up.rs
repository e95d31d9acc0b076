//! The first run in five steps.

use askama::Template;

use super::fault::Fault;
use super::home::Line;
use crate::policy::Band;
use crate::web::pages::{Shell, rendered};

/// A step of the first run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUpStep {
    /// The first guardian.
    Guardian,
    /// Who lives here.
    Children,
    /// Whose devices.
    Devices,
    /// How questions come to this box.
    Traffic,
    /// Does it work?
    Test,
}

impl SetUpStep {
    /// In order.
    pub const ALL: [SetUpStep; 5] =
        [SetUpStep::Guardian, SetUpStep::Children, SetUpStep::Devices, SetUpStep::Traffic, SetUpStep::Test];

    /// Counted from one.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// Where it is.
    pub const fn path(self) -> &'static str {
        match self {
            SetUpStep::Guardian => "/dashboard/set-up",
            SetUpStep::Children => "/dashboard/set-up/children",
            SetUpStep::Devices => "/dashboard/set-up/devices",
            SetUpStep::Traffic => "/dashboard/set-up/traffic",
            SetUpStep::Test => "/dashboard/set-up/test",
        }
    }
}

/// What every step shows.
#[derive(Debug, Clone)]
pub struct Progress {
    /// This step.
    pub step: SetUpStep,
}

impl Progress {
    pub(super) fn number(&self) -> u8 {
        self.step.number()
    }

    pub(super) fn back(&self) -> Option<&'static str> {
        match self.step {
            SetUpStep::Guardian | SetUpStep::Children => None,
            SetUpStep::Devices => Some(SetUpStep::Children.path()),
            SetUpStep::Traffic => Some(SetUpStep::Devices.path()),
            SetUpStep::Test => Some(SetUpStep::Traffic.path()),
        }
    }
}

/// Name and password of the first guardian.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/set_up_guardian.html")]
pub struct GuardianStep {
    /// Round it.
    pub shell: Shell,
    /// Of this step.
    pub progress: Progress,
    /// As it was typed.
    pub name: String,
    /// What was wrong.
    pub fault: Fault,
}

/// Somebody who lives here.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their name.
    pub name: String,
    /// Their band.
    pub band: Band,
    /// Their year of birth, where it was given.
    pub born: Option<i16>,
}

/// Children and parents.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/set_up_children.html")]
pub struct ChildrenStep {
    /// Round it.
    pub shell: Shell,
    /// Of this step.
    pub progress: Progress,
    /// Who is there.
    pub people: Vec<Person>,
    /// As it was typed.
    pub name: String,
    /// As it was typed.
    pub born: String,
    /// The oldest and the youngest year that make sense.
    pub years: (i16, i16),
    /// As it was typed for the parents.
    pub adults: String,
    /// What was wrong.
    pub fault: Fault,
}

impl ChildrenStep {
    fn has_adult(&self) -> bool {
        self.people.iter().any(|person| person.band == Band::Adult)
    }

    fn may_remove(&self) -> bool {
        self.people.len() > 1
    }
}

/// A device that was seen.
#[derive(Debug, Clone)]
pub struct Found {
    /// To name it by.
    pub key: String,
    /// As it calls itself, or as people call it.
    pub name: String,
    /// Its addresses, in one line.
    pub addresses: String,
    /// Its address was made up.
    pub is_random: bool,
    /// The page goes to this device.
    pub is_here: bool,
    /// Whose it is, or may be; empty when nobody knows.
    pub profile: String,
    /// Whose it may be.
    pub proposal: Option<String>,
}

/// Whose devices.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/set_up_devices.html")]
pub struct DevicesStep {
    /// Round it.
    pub shell: Shell,
    /// Of this step.
    pub progress: Progress,
    /// What was seen.
    pub found: Vec<Found>,
    /// Whose it can be.
    pub profiles: Vec<String>,
    /// Who unknown devices are.
    pub strangers: String,
    /// Who they had better be.
    pub youngest: String,
    /// What was wrong.
    pub fault: Fault,
}

/// How questions come to this box.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/set_up_traffic.html")]
pub struct TrafficStep {
    /// Round it.
    pub shell: Shell,
    /// Of this step.
    pub progress: Progress,
    /// This box's addresses.
    pub addresses: Vec<String>,
    /// Connections are led through it already.
    pub has_proxy: bool,
    /// The name devices away from home ask by, where there is one.
    pub encrypted: Option<String>,
}

/// Does it work?
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/set_up_test.html")]
pub struct TestStep {
    /// Round it.
    pub shell: Shell,
    /// Of this step.
    pub progress: Progress,
    /// How things are.
    pub lines: Vec<Line>,
    /// Whose this device is; `None` for strangers.
    pub whose: Option<String>,
    /// What strangers are.
    pub strangers: String,
    /// The pages' own name: only who asks this box finds it.
    pub name: String,
    /// A harmless name that is on every list of malware, to test with.
    pub blocked: &'static str,
}

macro_rules! pages {
    ($($page:ident)*) => {$(
        impl $page {
            /// The whole page.
            pub fn render(&self) -> String {
                rendered(self)
            }
        }
    )*};
}

pages!(GuardianStep ChildrenStep DevicesStep TrafficStep TestStep);
