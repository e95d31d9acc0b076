//! The first run: five pages, each of which keeps what it was told. The first one makes the guardian; the others are that
//! guardian's.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::Value as Json;

use super::devices::{called, whose};
use super::faults::in_words;
use super::home::lines;
use super::{Fields, Page, page, page_again, see, with_cookie};
use crate::config::edit::ProfileForm;
use crate::family::Scope;
use crate::judge::Snapshot;
use crate::policy::{Age, Band, Profile};
use crate::web::pages::dashboard::fault::Fault;
use crate::web::pages::dashboard::set_up::{
    ChildrenStep, DevicesStep, Found, GuardianStep, Person, Progress, SetUpStep, TestStep, TrafficStep,
};
use crate::web::pages::{Section, Shell};
use crate::web::policy::Gift;
use crate::web::sessions::{cookie, is_local};
use crate::web::{Trouble, Visitor, Web, aside};

/// Made for trying filters out (RFC 2606 has no such name); it is on the starter list of malware, which holds for adults too.
const BLOCKED: &str = "malware.testcategory.com";
/// Older is no child.
const AGE_MAX: i16 = 25;

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route(SetUpStep::Guardian.path(), get(guardian).post(make_guardian))
        .route(SetUpStep::Children.path(), get(children).post(add_child))
        .route("/dashboard/set-up/children/remove", post(remove))
        .route("/dashboard/set-up/adults", post(add_adults))
        .route(SetUpStep::Devices.path(), get(devices).post(give))
        .route(SetUpStep::Traffic.path(), get(traffic))
        .route(SetUpStep::Test.path(), get(test))
}

const fn at(step: SetUpStep) -> Progress {
    Progress { step }
}

/// What stands round a step: no navigation leads away from it.
fn shell(web: &Web, visitor: &Visitor, step: SetUpStep) -> Result<Shell, Trouble> {
    visitor.may(Scope::Policy)?;
    let shell = web.shell(visitor, Section::Home, step.path())?;
    Ok(Shell { signed_in_as: None, ..shell })
}

async fn guardian(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    if web.family.is_new()? {
        return page(new_guardian(&web, &visitor, "", Fault::default())?);
    }
    visitor.may(Scope::Policy)?;
    see(SetUpStep::Children.path())
}

fn new_guardian(web: &Web, visitor: &Visitor, name: &str, fault: Fault) -> Result<String, Trouble> {
    if !is_local(visitor.peer) {
        return Err(Trouble::Forbidden);
    }
    let shell = web.bare_shell(visitor, SetUpStep::Guardian.path());
    Ok(GuardianStep { shell, progress: at(SetUpStep::Guardian), name: name.to_string(), fault }.render())
}

async fn make_guardian(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    aside(move || {
        let (name, password) = (fields.one("name"), fields.secret("password"));
        let language = visitor.language();
        let again = |fault| page_again(new_guardian(&web, &visitor, name, fault)?);
        if password != fields.secret("again") {
            return again(Fault::of("again", language.t("set-up-differs")));
        }
        match web.set_up(&visitor, name, password) {
            Ok(session) => {
                let cookie = cookie(&session.secret, visitor.is_tls);
                Ok(with_cookie(see(SetUpStep::Children.path())?, &cookie))
            }
            Err(Trouble::Conflict(_)) => see("/dashboard/sign-in"),
            Err(trouble) => {
                let field = match &trouble {
                    Trouble::Invalid(what) if what.starts_with("a name ") => "name",
                    Trouble::Invalid(what) if what.starts_with("a password ") => "password",
                    _ => "",
                };
                again(Fault::of(field, in_words(trouble, language)?))
            }
        }
    })
    .await
}

async fn children(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    aside(move || page(people(&web, &visitor, ["", ""], Fault::default())?)).await
}

fn people(web: &Web, visitor: &Visitor, [name, born]: [&str; 2], fault: Fault) -> Result<String, Trouble> {
    let (shell, snapshot) = (shell(web, visitor, SetUpStep::Children)?, web.judge.keep());
    let year = visitor.moment(&snapshot).local.year();
    let people = web.profiles()?.into_iter().map(|form| Person {
        band: snapshot.profile_named(&form.name).map_or(Band::Adult, |profile| profile.band),
        born: form.born,
        name: form.name,
    });
    let step = ChildrenStep {
        people: people.collect(),
        name: name.to_string(),
        born: born.to_string(),
        years: (year - AGE_MAX, year),
        adults: visitor.language().t("set-up-adults-default").into_owned(),
        progress: at(SetUpStep::Children),
        shell,
        fault,
    };
    Ok(step.render())
}

async fn add_child(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    aside(move || {
        let typed = [fields.one("name"), fields.one("born")];
        let language = visitor.language();
        let year = visitor.moment(&web.judge.keep()).local.year();
        let Some(born) = typed[1].parse().ok().filter(|born| (year - AGE_MAX..=year).contains(born)) else {
            let text =
                language.t2("set-up-no-year", "from", i64::from(year - AGE_MAX).to_string(), "to", year.to_string());
            return page_again(people(&web, &visitor, typed, Fault::of("born", text))?);
        };
        let form = ProfileForm { name: typed[0].to_string(), born: Some(born), ..ProfileForm::default() };
        match add(&web, &visitor, &form, Age::Born(born).band_in(year)) {
            Ok(()) => see(SetUpStep::Children.path()),
            Err(trouble) => {
                let fault = Fault::of("name", in_words(trouble, language)?);
                page_again(people(&web, &visitor, typed, fault)?)
            }
        }
    })
    .await
}

/// Unknown devices are safe for the youngest who lives here, until somebody says otherwise.
fn add(web: &Web, visitor: &Visitor, form: &ProfileForm, band: Band) -> Result<(), Trouble> {
    let stranger = |snapshot: &Snapshot| snapshot.profile(snapshot.clients.strangers()).band;
    web.add_profile(visitor, form)?;
    if band < stranger(&web.judge.keep()) {
        set_strangers(web, visitor, form.name.trim())?;
    }
    Ok(())
}

fn set_strangers(web: &Web, visitor: &Visitor, profile: &str) -> Result<(), Trouble> {
    web.set_settings(visitor, &[("defaults.profile".to_string(), Json::from(profile))].into())
}

async fn add_adults(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    aside(move || {
        let band = Some(Band::Adult.code().to_string());
        let form = ProfileForm { name: fields.one("adults").to_string(), band, ..ProfileForm::default() };
        match web.add_profile(&visitor, &form) {
            Ok(()) => see(SetUpStep::Children.path()),
            Err(trouble) => {
                let fault = Fault::of("adults", in_words(trouble, visitor.language())?);
                page_again(people(&web, &visitor, ["", ""], fault)?)
            }
        }
    })
    .await
}

async fn remove(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    aside(move || {
        let (name, snapshot) = (fields.one("name"), web.judge.keep());
        // Whatever was theirs is safe for the youngest of the others.
        let heir = youngest(snapshot.profiles.iter().filter(|profile| *profile.name != *name));
        match web.remove_profile(&visitor, name, heir) {
            Ok(()) | Err(Trouble::NoSuch("profile")) => see(SetUpStep::Children.path()),
            Err(trouble) => {
                let fault = Fault::of("", in_words(trouble, visitor.language())?);
                page_again(people(&web, &visitor, ["", ""], fault)?)
            }
        }
    })
    .await
}

fn youngest<'s>(profiles: impl Iterator<Item = &'s Profile>) -> Option<&'s str> {
    profiles.min_by_key(|profile| profile.band).map(|profile| &*profile.name)
}

async fn devices(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    aside(move || page(found(&web, &visitor, Fault::default())?)).await
}

fn found(web: &Web, visitor: &Visitor, fault: Fault) -> Result<String, Trouble> {
    let (shell, snapshot) = (shell(web, visitor, SetUpStep::Devices)?, web.judge.keep());
    let (forms, here) = (web.devices()?, visitor.peer.to_string());
    let found = web.seen_devices()?.into_iter().map(|device| {
        let proposal = device.proposal.as_ref().map(|(profile, _)| profile.clone());
        Found {
            name: called(&forms, &device).unwrap_or_else(|| device.name.clone()),
            is_here: device.key == here || device.addresses.contains(&here),
            profile: device.profile.clone().or_else(|| proposal.clone()).unwrap_or_default(),
            proposal: proposal.filter(|_| device.profile.is_none()),
            addresses: device.addresses.join(", "),
            is_random: device.is_random,
            key: device.key,
        }
    });
    let mut found: Vec<Found> = found.collect();
    found.sort_by_key(|one| !one.is_here);
    let step = DevicesStep {
        found,
        profiles: snapshot.profiles.iter().map(|profile| profile.name.to_string()).collect(),
        strangers: snapshot.profile(snapshot.clients.strangers()).name.to_string(),
        youngest: youngest(snapshot.profiles.iter()).unwrap_or_default().to_string(),
        progress: at(SetUpStep::Devices),
        shell,
        fault,
    };
    Ok(step.render())
}

async fn give(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    aside(move || {
        visitor.may(Scope::Policy)?;
        let gifts: Vec<Gift> = (0..).map_while(|number| gift(&fields, number)).collect();
        let gifts: Vec<Gift> = gifts.into_iter().filter(|gift| !gift.profile.is_empty()).collect();
        let given = web.assign_all(&visitor, &gifts).and_then(|()| match fields.some("strangers") {
            Some(profile) => set_strangers(&web, &visitor, profile),
            None => Ok(()),
        });
        match given {
            Ok(()) => see(SetUpStep::Traffic.path()),
            Err(trouble) => {
                let fault = Fault::of("", in_words(trouble, visitor.language())?);
                page_again(found(&web, &visitor, fault)?)
            }
        }
    })
    .await
}

fn gift(fields: &Fields, number: usize) -> Option<Gift> {
    let one = |field: &str| fields.one(&format!("{field}-{number}")).to_string();
    fields.some(&format!("key-{number}"))?;
    Some(Gift { key: one("key"), profile: one("profile"), name: one("name") })
}

async fn traffic(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    let shell = shell(&web, &visitor, SetUpStep::Traffic)?;
    let step = TrafficStep {
        shell,
        progress: at(SetUpStep::Traffic),
        addresses: web.options().addresses.iter().map(ToString::to_string).collect(),
        has_proxy: web.steward.status().has_proxy,
        encrypted: web.steward.config().dns.encrypted.name.as_ref().map(ToString::to_string),
    };
    page(step.render())
}

async fn test(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    let (shell, snapshot) = (shell(&web, &visitor, SetUpStep::Test)?, web.judge.keep());
    let step = TestStep {
        shell,
        progress: at(SetUpStep::Test),
        lines: lines(&web.steward.status(), visitor.language()),
        whose: whose(&web, &snapshot, &visitor)?,
        strangers: snapshot.profile(snapshot.clients.strangers()).name.to_string(),
        name: web.options().name.to_string(),
        blocked: BLOCKED,
    };
    page(step.render())
}
