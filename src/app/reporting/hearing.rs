//! What of the doors' events may be counted, and what never is: nothing of adults, of help, of health, of sealed content, and
//! nothing that people of the household decided by themselves.

use crate::classify::guess::By;
use crate::classify::{Category, CategorySet};
use crate::family::{Family, OwnIndicator};
use crate::judge::Snapshot;
use crate::name::Name;
use crate::policy::{Band, Step};
use crate::report::courier::Home;
use crate::report::tally::lane_of;
use crate::telemetry::activity::Refused;

/// What is never told of, whatever else a name is.
const NEVER: CategorySet = CategorySet::of(&[Category::Csam, Category::Help, Category::HealthSexed]);
/// How sure a guess by spelling is, in parts per million: from each on, one more.
const CHANCES: [u32; 3] = [500_000, 900_000, 990_000];
/// A guardian is as sure as one can be.
const SURE: u8 = 3;

/// Writes down as much of an event as may be counted.
pub(super) fn hear(home: &mut Home, snapshot: &Snapshot, refused: &Refused, now: i64) {
    let Some(category) = category_of(refused) else { return };
    let Ok(at) = u64::try_from(now) else { return };
    let part = usize::try_from(snapshot.moment(now).local.hour() / 6).unwrap_or(0);
    home.meet_cell(at, category, refused.band as usize, part);
    if let Some((name, category, confidence)) = judged(snapshot, refused) {
        home.meet_name(at, &name, category, confidence, guardian_sees(refused.band));
    }
}

/// The category that decided, where the name itself did; `None` for what is not counted.
fn category_of(refused: &Refused) -> Option<Category> {
    if refused.band == Band::Adult || refused.categories.intersects(NEVER) {
        return None;
    }
    let category = match refused.verdict.reason.step {
        Step::Security | Step::MinAge | Step::Criterion | Step::BandDefault | Step::Guessed => {
            refused.verdict.reason.category
        }
        Step::Lookalike => Some(Category::PhishingScam),
        _ => None,
    };
    category.filter(|category| !NEVER.contains(*category))
}

/// The registrable name, where the engine guesses at it by itself and no list holds it: what is reported is what was judged.
fn judged(snapshot: &Snapshot, refused: &Refused) -> Option<(Name, Category, u8)> {
    if !matches!(refused.verdict.reason.step, Step::Guessed | Step::Lookalike) {
        return None;
    }
    let name = refused.name.registrable()?.to_name();
    let guess = snapshot.engine.guess(&name)?;
    lane_of(guess.category)?;
    let confidence = match guess.by {
        By::Brand(_) => SURE,
        By::Spelling(spelling) => {
            let passed = CHANCES.iter().filter(|chance| spelling.chance >= **chance).count();
            u8::try_from(passed).unwrap_or(SURE)
        }
        // It would tell which names this household protects.
        By::Name(_) => return None,
    };
    Some((name, guess.category, confidence))
}

/// Names of older children are kept for nobody.
fn guardian_sees(band: Band) -> bool {
    matches!(band, Band::Age0to5 | Band::Age6to9)
}

/// Names that guardians noted in epochs that still run, and that no list holds as that.
pub(super) fn note_own(home: &mut Home, family: &Family, snapshot: &Snapshot) {
    let all = family.own_indicators().unwrap_or_else(|error| {
        tracing::error!("{error}; names that guardians noted are not reported");
        Vec::new()
    });
    note(home, &all, snapshot);
}

fn note(home: &mut Home, all: &[OwnIndicator], snapshot: &Snapshot) {
    for own in all {
        let is_listed = snapshot.engine.classify(&own.name).categories.contains(own.category);
        let Ok(at) = u64::try_from(own.added_at) else { continue };
        if !is_listed && lane_of(own.category).is_some_and(|lane| home.is_running(lane, at)) {
            home.meet_name(at, &own.name, own.category, SURE, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;
    use crate::app::snapshot::{engine_of, snapshot};
    use crate::classify::seen::Seen;
    use crate::config::Config;
    use crate::lists::data::Builtin;
    use crate::policy::{Action, Reason, Verdict};
    use crate::report::consent::Consent;
    use crate::report::courier::Options;
    use crate::report::manifest::tests::file;
    use crate::report::manifest::{Manifest, Provider};
    use crate::report::preview::Preview;
    use crate::report::spool::{Limits, Spool};

    /// Noon of a day in UTC.
    const NOON: i64 = 20_000 * 86_400 + 12 * 3600;
    const FRAUD: &str = "vietcombank-login.top";

    struct House {
        home: Home,
        snapshot: Snapshot,
        _folder: tempfile::TempDir,
    }

    impl House {
        fn new() -> House {
            let builtin = Builtin::read().unwrap();
            let text = crate::config::HOME.replacen("version = 1", "version = 1\nmodel = \"none\"", 1);
            let text = text.replacen("# time_zone = \"system\"", "time_zone = \"UTC\"", 1);
            let config = Config::from_text("x", &text, &builtin.vocabulary()).unwrap();
            let engine = engine_of(&config, &builtin, None, Arc::new(Seen::new(0, || 1))).unwrap();
            let snapshot = snapshot(&config, engine, &builtin, NOON.unsigned_abs());
            let folder = tempfile::tempdir().unwrap();
            let (spool, _) = Spool::open(&folder.path().join("spool"), Limits::default()).unwrap();
            let consent = Consent { guardian: true, children: true };
            let manifest = Manifest::of(&file()).unwrap();
            let options = Options { lab: false, region: 3, engine: 1 };
            let home = Home::new(manifest, options, consent, spool, StdRng::seed_from_u64(1));
            House { home, snapshot, _folder: folder }
        }

        fn hears(&mut self, refused: &Refused) -> Preview {
            hear(&mut self.home, &self.snapshot, refused, NOON);
            self.home.preview(NOON.unsigned_abs())
        }
    }

    fn refused(name: &str, band: Band, step: Step, category: Category) -> Refused {
        let reason = Reason { step, category: Some(category), ..Verdict::LOOKALIKE.reason };
        Refused {
            client: std::net::IpAddr::from([192, 168, 1, 11]).into(),
            profile: Arc::from("x"),
            band,
            verdict: Verdict { action: Action::Block, reason },
            categories: CategorySet::EMPTY,
            name: Name::parse(name).unwrap(),
        }
    }

    #[test]
    fn a_guess_is_noted_with_its_registrable_name_and_two_bits() {
        let mut house = House::new();
        let child = refused(FRAUD, Band::Age6to9, Step::Guessed, Category::PhishingScam);
        let preview = house.hears(&child);
        let [shown] = preview.candidates.as_slice() else { panic!("{:?}", preview.candidates) };
        assert_eq!(shown.name.as_ref().map(ToString::to_string).as_deref(), Some(FRAUD));
        assert_eq!(shown.octets.len(), 96);
        let cells: Vec<_> = preview.cells.iter().map(|cell| (cell.group, cell.band, cell.part)).collect();
        assert_eq!(cells, [(1, Some(1), None), (1, None, Some(2))], "phishing, six to nine, in the afternoon");
        // An older child met it as well: nobody is shown the name any more.
        let older = refused(&format!("www.{FRAUD}"), Band::Age13to15, Step::Guessed, Category::PhishingScam);
        let preview = house.hears(&older);
        assert!(matches!(preview.candidates.as_slice(), [one] if one.name.is_none() && one.octets.is_empty()));
    }

    #[test]
    fn what_is_never_told_leaves_no_trace() {
        let mut house = House::new();
        let guess = |band| refused(FRAUD, band, Step::Guessed, Category::PhishingScam);
        let with = |category| Refused { categories: CategorySet::of(&[category]), ..guess(Band::Age6to9) };
        let by = |step| Refused { ..refused(FRAUD, Band::Age6to9, step, Category::PhishingScam) };
        let never = [
            guess(Band::Adult),
            with(Category::Help),
            with(Category::HealthSexed),
            with(Category::Csam),
            by(Step::OwnBlock),
            by(Step::Schedule),
            by(Step::Budget),
            by(Step::Pause),
            by(Step::Sealed),
            by(Step::HelpSet),
            refused("help.example", Band::Age6to9, Step::Criterion, Category::HealthSexed),
            refused("sealed.example", Band::Age6to9, Step::Criterion, Category::Csam),
        ];
        for (at, refused) in never.iter().enumerate() {
            let preview = house.hears(refused);
            assert!(preview.candidates.is_empty() && preview.cells.is_empty(), "{at}: {preview:?}");
        }
        // What a list says is counted, and is no new name.
        let listed = refused("casino.example", Band::Age6to9, Step::Criterion, Category::Gambling);
        let preview = house.hears(&listed);
        assert!(preview.candidates.is_empty() && preview.cells.len() == 2);
        // A guess at a host name whose registrable name looks like nothing.
        let host = refused("vietcombank-login.plain-name.com", Band::Age6to9, Step::Guessed, Category::PhishingScam);
        assert!(house.hears(&host).candidates.is_empty());
    }

    #[test]
    fn nothing_is_noted_before_all_agreed() {
        let mut house = House::new();
        house.home.consent(Consent { guardian: true, children: false }).unwrap();
        let preview = house.hears(&refused(FRAUD, Band::Age6to9, Step::Guessed, Category::PhishingScam));
        assert!(preview.candidates.is_empty() && preview.cells.is_empty());
    }

    #[test]
    fn a_guardians_own_name_is_noted_in_the_week_in_which_it_was_written() {
        let mut house = House::new();
        let mut told = file();
        let key = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, [0xff; 256]);
        told.issuer = Some(Provider { name: "T".into(), url: "https://t.example/".into(), key });
        house.home.manifest(Manifest::of(&told).unwrap()).unwrap();
        let monday: u64 = 2_969 * 7 * 86_400;
        house.home.step(monday + 5);
        let own = |name: &str, category, added_at| OwnIndicator {
            name: Name::parse(name).unwrap(),
            category,
            added_at: i64::try_from(added_at).unwrap(),
        };
        let all = [
            own("moi.com", Category::Grooming, monday + 1),
            own("cu.com", Category::Grooming, monday - 1),
            own("suc-khoe.com", Category::HealthSexed, monday + 1),
            own("www.may.com", Category::Grooming, monday + 1),
        ];
        note(&mut house.home, &all, &house.snapshot);
        note(&mut house.home, &all, &house.snapshot);
        let names: Vec<_> = house.home.preview(monday).candidates.into_iter().filter_map(|shown| shown.name).collect();
        assert_eq!(names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["moi.com"]);
    }

    #[test]
    fn a_manifest_that_nobody_gives_tokens_for_is_told_of() {
        let mut nobody = file();
        assert_eq!(nobody.issuer.take(), None::<Provider>);
        let house = House::new();
        assert!(house.home.paused(NOON.unsigned_abs()).is_some_and(|why| why.contains("tokens")));
    }
}
