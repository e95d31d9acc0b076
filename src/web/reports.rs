//! Anonymous reports as people decide about them: who is asked, who answered, and which names a guardian may add. What is sent
//! is `report`'s to say; a child's answer is told to nobody.

use super::{Trouble, Visitor, Web};
use crate::classify::{Category, CategorySet};
use crate::config::Config;
use crate::family::reports::{OWN_MAX, is_asked};
use crate::family::{Deed, ReportConsents, Role, Scope};
use crate::judge::Snapshot;
use crate::lists::data::Builtin;
use crate::name::Name;
use crate::policy::{Band, Profile};
use crate::report::consent::{Consent, Mode, Why};
use crate::report::message::{Lane, NAME_MAX};
use crate::report::preview::Cells;
use crate::report::statistics::Cell;

/// Why a name cannot be one of the household's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OwnFault {
    /// It is not a name.
    #[error("{0:?} is not the name of a site; this would be one: vi-du-lua-dao.example")]
    NotAName(String),
    /// It is a name below a registrable one, or an ending under which many register.
    #[error("only registrable names are counted; of {typed} that is {}", .registrable.as_deref().unwrap_or("none"))]
    NotRegistrable {
        /// As it was typed.
        typed: String,
        /// What would be right.
        registrable: Option<String>,
    },
    /// Longer than any report has room for.
    #[error("a name of more than {NAME_MAX} octets is never reported")]
    TooLong,
    /// A category of no lane.
    #[error("category {0:?} is never reported")]
    Category(String),
    /// Where somebody finds help.
    #[error("a place that helps is never reported")]
    Help,
    /// Known to everybody.
    #[error("a site that everybody knows is never reported")]
    Popular,
    /// There are enough.
    #[error("{OWN_MAX} names are the most; remove one first")]
    Full,
    /// It is there.
    #[error("this name was added before")]
    Twice,
}

/// A name and its category, once both may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Registrable.
    pub name: Name,
    /// Of one of the lanes.
    pub category: Category,
}

/// Who has answered, as far as a guardian may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answers {
    /// The guardian agreed.
    pub guardian: bool,
    /// Every child that is asked agreed. Which child did not is not told, so that none can be pressed. With one child it can
    /// be read from this; that cannot be helped, and the page says so.
    pub children: bool,
    /// How many children are asked.
    pub asked: usize,
}

/// Profiles of children who have a say: from seven on, and with a device of their own to say it on. What devices without an
/// owner meet is nobody's to agree to, so it may not be reported ([`may_report`]).
pub fn asked<'s>(config: &Config, snapshot: &'s Snapshot) -> Vec<&'s Profile> {
    // Behind those that are written stand copies for devices that are paused; their owners are counted already.
    let all = snapshot.profiles.iter().take(config.profiles.len()).enumerate();
    all.filter(|(at, profile)| is_asked(profile.band) && has_device(config, snapshot, *at))
        .map(|(_, one)| one)
        .collect()
}

/// A device of its own; whoever is not the strangers' profile is somebody even without one.
fn has_device(config: &Config, snapshot: &Snapshot, at: usize) -> bool {
    let owners = config.devices.iter().map(|(_, at)| at);
    let owners = owners.chain(config.macs.iter().map(|(_, at)| at)).chain(config.tokens.iter().map(|(_, at)| at));
    usize::from(snapshot.clients.strangers().0) != at || owners.into_iter().any(|owner| *owner == at)
}

/// What the answers come to.
pub fn consent(config: &Config, snapshot: &Snapshot, consents: &ReportConsents) -> Consent {
    let agreed = |profile: &&Profile| consents.children.iter().any(|name| **name == *profile.name);
    Consent { guardian: consents.guardian, children: asked(config, snapshot).iter().all(agreed) }
}

/// Whether something this profile met may become a report, once [`consent`] allows reports at all: not what devices without
/// an owner met.
pub fn may_report(config: &Config, snapshot: &Snapshot, profile: &Profile) -> bool {
    let written = config.profiles.iter().position(|spec| *spec.input.name == *profile.name);
    written.is_some_and(|at| has_device(config, snapshot, at))
}

/// The categories of a group of the week's sums.
pub fn group(position: usize) -> Vec<Category> {
    let of_group = |category: &Category| {
        // Bands of one group lie side by side, so the place of the youngest is a multiple of their number.
        let place = Cell::of_band(*category, 0).map(Cell::place);
        place == position.checked_mul(crate::report::statistics::BANDS)
    };
    Category::ALL.into_iter().filter(of_group).collect()
}

/// True where guardians see day by day what groups a child of that band met, so that a cell tells them nothing new.
pub fn shows_cells(band: usize) -> bool {
    Band::ALL.get(band).is_some_and(|band| *band <= Band::Age10to12)
}

/// True when a guardian may read the group of that cell. Times of day are told for nobody; they count without their group.
pub fn is_shown(cell: &Cells) -> bool {
    cell.part.is_none() && cell.band.is_some_and(shows_cells)
}

/// The codes of [`mode_code`].
pub const MODES: [&str; 7] = ["off-guardian", "off-child", "off-nobody", "off-lab", "off-one", "counts", "full"];

/// The code of a mode, for texts.
pub fn mode_code(mode: Mode) -> &'static str {
    match mode {
        Mode::Off(Why::Guardian) => "off-guardian",
        Mode::Off(Why::Child) => "off-child",
        Mode::Off(Why::Nobody) => "off-nobody",
        Mode::Off(Why::Lab) => "off-lab",
        Mode::Off(Why::OneOperator) => "off-one",
        Mode::CountsOnly(..) => "counts",
        Mode::Full(_) => "full",
    }
}

/// Every category a report can carry, in the order of the lanes.
pub fn categories() -> Vec<Category> {
    let of = |lane: Lane| -> CategorySet { lane.categories() };
    Lane::ALL.into_iter().flat_map(|lane| of(lane).iter().collect::<Vec<_>>()).collect()
}

/// Checks what a guardian typed.
pub fn own(builtin: &Builtin, text: &str, category: &str) -> Result<Own, OwnFault> {
    let text = text.trim();
    let name = Name::parse(text).map_err(|_| OwnFault::NotAName(text.chars().take(80).collect()))?;
    let registrable = name.registrable().map(|registrable| registrable.to_name());
    // Before anything else: also a name below one that helps is answered so.
    if helps(builtin, &name) {
        return Err(OwnFault::Help);
    }
    if registrable.as_ref() != Some(&name) {
        let registrable = registrable.map(|name| name.to_string());
        return Err(OwnFault::NotRegistrable { typed: name.to_string(), registrable });
    }
    if name.as_wire().len() > NAME_MAX {
        return Err(OwnFault::TooLong);
    }
    if is_popular(builtin, &name) {
        return Err(OwnFault::Popular);
    }
    let found = Category::from_code(category).filter(|found| categories().contains(found));
    let category = found.ok_or_else(|| OwnFault::Category(category.chars().take(40).collect()))?;
    Ok(Own { name, category })
}

fn helps(builtin: &Builtin, name: &Name) -> bool {
    builtin.help.contains(name) || builtin.help.names().iter().any(|help| help.is_within(name))
}

/// What lists are tested against, services with a name of their own, and what others imitate.
fn is_popular(builtin: &Builtin, name: &Name) -> bool {
    let canary = builtin.canary.iter().flat_map(|group| &group.names);
    let services = builtin.services.iter().flat_map(|service| &service.names);
    let brands = builtin.protected.brands.iter().flat_map(|brand| &brand.names);
    canary.chain(services).chain(brands).any(|known| known.is_within(name) || name.is_within(known))
}

impl From<OwnFault> for Trouble {
    fn from(fault: OwnFault) -> Trouble {
        match fault {
            OwnFault::Twice => Trouble::Conflict(fault.to_string()),
            other => Trouble::Invalid(other.to_string()),
        }
    }
}

impl Web {
    /// Who has answered, for a guardian's page.
    pub fn report_answers(&self) -> Result<Answers, Trouble> {
        let (config, snapshot) = (self.steward.config(), self.judge.keep());
        let Consent { guardian, children } = consent(&config, &snapshot, &self.family.report_consents()?);
        Ok(Answers { guardian, children, asked: asked(&config, &snapshot).len() })
    }

    /// A guardian agrees to reports, or takes that back.
    pub fn decide_reports(&self, visitor: &Visitor, agrees: bool) -> Result<(), Trouble> {
        let by = visitor.may(Scope::Policy)?;
        self.family.guardian_agrees(agrees)?;
        self.steward.consent_changed();
        let detail = if agrees { "agreed" } else { "taken back" };
        Ok(self.family.note(by, None, Deed::Reports, detail, visitor.now)?)
    }

    /// The child that may answer here: the owner of this very device. Nobody where another person is signed in on it.
    pub fn asked_here<'s>(&self, visitor: &Visitor, snapshot: &'s Snapshot) -> Option<&'s Profile> {
        let owner = snapshot.profile(snapshot.clients.owner_of(visitor.client())?);
        let config = self.steward.config();
        let is_own = |role, profile: Option<&str>| role == Role::Child && profile == Some(&*owner.name);
        let is_alone = match &visitor.person {
            None => true,
            Some(_) => visitor.account().is_some_and(|one| is_own(one.role, one.profile.as_deref())),
        };
        asked(&config, snapshot).into_iter().find(|one| is_alone && one.name == owner.name)
    }

    /// The child of this device agrees, or takes that back. Noted nowhere: a guardian reads the log.
    pub fn answer_reports(&self, visitor: &Visitor, agrees: bool) -> Result<(), Trouble> {
        let snapshot = self.judge.keep();
        let child = self.asked_here(visitor, &snapshot).ok_or(Trouble::NoSuch("page"))?;
        self.family.child_agrees(&child.name, agrees)?;
        self.steward.consent_changed();
        Ok(())
    }

    /// A profile of that name is another child from now on, or none: its answer does not go along.
    pub(super) fn ask_again(&self, profile: &str) -> Result<(), Trouble> {
        self.family.child_agrees(profile, false)?;
        self.steward.consent_changed();
        Ok(())
    }

    /// Adds a name to the household's own.
    pub fn add_own_name(
        &self,
        visitor: &Visitor,
        text: &str,
        category: &str,
    ) -> Result<Result<Own, OwnFault>, Trouble> {
        let by = visitor.may(Scope::Policy)?;
        let own = match own(&self.builtin, text, category) {
            Ok(own) => own,
            Err(fault) => return Ok(Err(fault)),
        };
        let held = self.family.own_indicators()?;
        if held.iter().any(|one| one.name == own.name) {
            return Ok(Err(OwnFault::Twice));
        }
        if held.len() >= OWN_MAX {
            return Ok(Err(OwnFault::Full));
        }
        self.family.add_own_indicator(&own.name, own.category, visitor.now)?;
        self.family.note(by, None, Deed::Reports, "a name added", visitor.now)?;
        Ok(Ok(own))
    }

    /// Removes it.
    pub fn remove_own_name(&self, visitor: &Visitor, text: &str) -> Result<(), Trouble> {
        let by = visitor.may(Scope::Policy)?;
        let name = Name::parse(text.trim()).map_err(|_| Trouble::NoSuch("name"))?;
        self.family.remove_own_indicator(&name)?;
        Ok(self.family.note(by, None, Deed::Reports, "a name removed", visitor.now)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_its_categories_and_never_help() {
        let all: Vec<Category> = (0..24).flat_map(group).collect();
        assert!(all.len() > 30 && (0..24).all(|at| !group(at).is_empty()));
        assert_eq!(group(6), [Category::Grooming, Category::StrangerChat]);
        assert!(!all.contains(&Category::Help) && !all.contains(&Category::Csam));
        assert!(group(24).is_empty());
        assert_eq!([0, 2, 3, 4, 9].map(shows_cells), [true, true, false, false, false]);
    }

    #[test]
    fn a_name_of_ones_own_is_registrable_and_nobodys_help() {
        let builtin = Builtin::read().unwrap();
        let tried = |text: &str, category: &str| own(&builtin, text, category);
        let fine = tried(" Xau-Lam.com ", "phishing_scam").unwrap();
        assert_eq!((fine.name.to_string(), fine.category), ("xau-lam.com".to_string(), Category::PhishingScam));
        assert!(tried("xau-lam.com", "grooming").is_ok());
        for code in ["csam", "help", "health_sexed", "porn", "legal_order", "", "what"] {
            assert_eq!(tried("xau-lam.com", code), Err(OwnFault::Category(code.to_string())));
        }
        let below =
            OwnFault::NotRegistrable { typed: "be.xau-lam.com".into(), registrable: Some("xau-lam.com".into()) };
        assert_eq!(tried("be.xau-lam.com", "malware"), Err(below));
        let ending = OwnFault::NotRegistrable { typed: "com.vn".into(), registrable: None };
        assert_eq!(tried("com.vn", "malware"), Err(ending));
        assert!(matches!(tried("http://xau lam.com/", "malware"), Err(OwnFault::NotAName(_))));
        let long = format!("{}.{}", "a".repeat(60), "xn--b-tria".repeat(2));
        assert!(tried(&format!("{long}.com.vn"), "malware").is_err());
        for help in ["tongdai111.vn", "www.tongdai111.vn", "vn-cop.vn"] {
            assert_eq!(tried(help, "malware"), Err(OwnFault::Help), "{help}");
        }
        for help in builtin.help.names() {
            assert_eq!(tried(&help.to_string(), "malware"), Err(OwnFault::Help));
        }
        for known in ["facebook.com", "google.com", "vietcombank.com.vn"] {
            assert_eq!(tried(known, "malware"), Err(OwnFault::Popular), "{known}");
        }
        for name in builtin.canary.iter().flat_map(|group| &group.names) {
            assert!(tried(&name.to_string(), "malware").is_err());
        }
    }
}
