//! What several handlers say in words: moments, selectors, what holds for a child, and why a change was refused.

use jiff::Timestamp;

use crate::classify::Category;
use crate::family::Moments;
use crate::judge::Snapshot;
use crate::policy::Profile;
use crate::web::pages::dashboard::parts::{Choice, Wrong};
use crate::web::text::Language;
use crate::web::{Trouble, Web};

/// A moment on the household's clock.
pub(super) fn moment(language: Language, snapshot: &Snapshot, secs: i64) -> String {
    let Ok(at) = Timestamp::from_second(secs) else { return String::new() };
    let format = match language {
        Language::Vietnamese => "%H:%M, %d/%m/%Y",
        Language::English => "%Y-%m-%d %H:%M",
    };
    snapshot.time_zone.to_datetime(at).strftime(format).to_string()
}

/// A category, a service or everything, by its code.
pub(super) fn selector(web: &Web, language: Language, code: &str) -> String {
    if code == "everything" {
        return language.t("everything").into_owned();
    }
    match Category::from_code(code) {
        Some(category) => language.category(&category).into_owned(),
        None => service(web, code),
    }
}

fn service(web: &Web, id: &str) -> String {
    web.builtin.services.iter().find(|service| service.id == id).map_or(id, |service| &service.title).to_string()
}

/// What was granted.
pub(super) fn granted(web: &Web, language: Language, what: &str) -> String {
    match what.split_once(':') {
        Some(("name", name)) => name.to_string(),
        Some((_, code)) => selector(web, language, code),
        None if what == "time" => language.t("grant-time").into_owned(),
        None => language.t("grant-hidden").into_owned(),
    }
}

/// What holds for somebody now.
pub(super) fn holding(
    language: Language,
    snapshot: &Snapshot,
    profile: &Profile,
    moments: &Moments,
    now: i64,
) -> Vec<String> {
    let at = snapshot.moment(now);
    let mut lines = Vec::new();
    if let Some(until) = profile.temporary.paused_until.filter(|until| *until > now) {
        lines.push(language.t1("now-paused", "until", moment(language, snapshot, until)).into_owned());
    }
    for holds in profile.schedules_at(&at) {
        let name = profile.schedule_name(holds.position).unwrap_or_default();
        lines.push(language.t1("now-schedule", "name", name).into_owned());
    }
    let grants = moments.grants.iter().filter(|grant| *grant.profile == *profile.name).count();
    if grants > 0 {
        lines.push(language.t1("now-grants", "count", grants).into_owned());
    }
    lines
}

/// What a refused change tells; other troubles stay what they are.
pub(super) fn wrong(language: Language, trouble: Trouble) -> Result<Wrong, Trouble> {
    match trouble {
        Trouble::Invalid(_) | Trouble::Faults(_) | Trouble::Conflict(_) => {
            Ok(Wrong { field: "", text: language.t("rules-refused").into_owned(), lines: trouble.lines() })
        }
        other => Err(other),
    }
}

/// Bands to choose from, with a first choice for none.
pub(super) fn bands(language: Language, none: &str, now: &str) -> Vec<Choice> {
    let bands = crate::policy::Band::ALL.map(|band| Choice::new(band.code(), &language.band(&band), now));
    [Choice::new("", none, now)].into_iter().chain(bands).collect()
}

/// Profiles to choose from.
pub(super) fn profiles(web: &Web, now: &str) -> Vec<Choice> {
    web.judge.current().profiles.iter().map(|profile| Choice::new(&profile.name, &profile.name, now)).collect()
}
