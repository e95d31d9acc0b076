//! Who has a say in reports, and whose devices may be spoken of.

use crate::config::Config;
use crate::family::ReportConsents;
use crate::family::reports::is_asked;
use crate::judge::Snapshot;
use crate::policy::Profile;
use crate::report::consent::Consent;

/// What the answers come to: the guardian's, and that of every child that is asked and has a device of its own to say it on.
pub(super) fn consent(config: &Config, snapshot: &Snapshot, consents: &ReportConsents) -> Consent {
    let agreed = |profile: &Profile| consents.children.iter().any(|name| **name == *profile.name);
    // Behind those that are written stand copies for devices that are paused; their owners are counted already.
    let all = snapshot.profiles.iter().take(config.profiles.len()).enumerate();
    let mut asked = all.filter(|(at, profile)| is_asked(profile.band) && has_device(config, snapshot, *at));
    Consent { guardian: consents.guardian, children: asked.all(|(_, profile)| agreed(profile)) }
}

/// Whether something this profile met may be told, once all agreed: not what devices without an owner met, for whom nobody
/// could agree.
pub(super) fn may_report(config: &Config, snapshot: &Snapshot, profile: &Profile) -> bool {
    let written = config.profiles.iter().position(|spec| *spec.input.name == *profile.name);
    written.is_some_and(|at| has_device(config, snapshot, at))
}

/// A device of its own; whoever is not the strangers' profile is somebody even without one.
fn has_device(config: &Config, snapshot: &Snapshot, at: usize) -> bool {
    let owners = config.devices.iter().map(|(_, at)| at);
    let mut owners = owners.chain(config.macs.iter().map(|(_, at)| at)).chain(config.tokens.iter().map(|(_, at)| at));
    usize::from(snapshot.clients.strangers().0) != at || owners.any(|owner| *owner == at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::app::snapshot::{engine_of, snapshot};
    use crate::classify::seen::Seen;
    use crate::lists::data::Builtin;

    #[test]
    fn all_who_have_a_say_are_asked_and_strangers_are_not_spoken_of() {
        let builtin = Builtin::read().unwrap();
        let people = "version = 1\nmodel = \"none\"\nstate_dir = \"none\"\n[dns]\nlisten = [\"127.0.0.1:1\"]\n[dns.upstream]\nservers = [\"udp://127.0.0.1:2\"]\n\
            [[profile]]\nname = \"be\"\nborn = 2019\n[[profile]]\nname = \"ti\"\nborn = 2020\n\
            [[profile]]\nname = \"lon\"\nband = \"18+\"\n[[profile]]\nname = \"khach\"\nband = \"10-12\"\n\
            [[device]]\nprofile = \"be\"\naddress = [\"10.0.0.2\"]\n[defaults]\nprofile = \"khach\"\n";
        let config =
            Config::from_text("x", people, &builtin.vocabulary()).unwrap_or_else(|faults| panic!("{faults:#?}"));
        let engine = engine_of(&config, &builtin, None, Arc::new(Seen::new(0, || 1))).unwrap();
        // In the summer of 2026.
        let snapshot = snapshot(&config, engine, &builtin, 1_782_000_000);
        let given = |guardian, children: &[&str]| {
            let children = children.iter().map(ToString::to_string).collect();
            let consent = consent(&config, &snapshot, &ReportConsents { guardian, children });
            (consent.guardian, consent.children)
        };
        assert_eq!(given(true, &[]), (true, false), "who may be seven is asked");
        assert_eq!(given(true, &["be"]), (true, true), "and nobody else");
        assert_eq!(given(false, &["be"]), (false, true));
        let may: Vec<bool> = snapshot.profiles.iter().map(|profile| may_report(&config, &snapshot, profile)).collect();
        assert_eq!(may, [true, true, true, false], "devices without an owner");
    }
}
