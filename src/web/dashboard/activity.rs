//! Activity, as far as `Family::visible` lets anybody see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use super::{Fields, Page, page, see};
use crate::classify::Category;
use crate::family::{Count, Scope};
use crate::web::api::Path;
use crate::web::charts::{self, Bar, Caption};
use crate::web::pages::Section;
use crate::web::pages::dashboard::machine::{ActivitiesPage, ActivityPage, Person, Row};
use crate::web::pages::dashboard::parts::in_path;
use crate::web::text::{Family, Language};
use crate::web::{Trouble, Visitor, Web};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/dashboard/activity", get(everybody))
        .route("/dashboard/activity/{name}", get(activity))
        .route("/dashboard/activity/{name}/forget", post(forget))
}

fn path_of(name: &str) -> String {
    format!("/dashboard/activity/{}", in_path(name))
}

async fn everybody(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    let shell = web.shell(&visitor, Section::Activity, "/dashboard/activity")?;
    let snapshot = web.judge.keep();
    let people = snapshot.profiles.iter().map(|profile| Person {
        name: profile.name.to_string(),
        path: path_of(&profile.name),
        band: profile.band,
    });
    page(ActivitiesPage { shell, people: people.collect() }.html())
}

async fn activity(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>) -> Page {
    visitor.may(Scope::Read)?;
    let shell = web.shell(&visitor, Section::Activity, &path_of(&name))?;
    let (language, snapshot) = (shell.language, web.judge.keep());
    let band = snapshot.profile_named(&name).ok_or(Trouble::NoSuch("profile"))?.band;
    let visible = web.visible(&visitor, &name)?;
    let names = visible.names.into_iter().map(|one| Row {
        period: day(language, &one.day),
        what: one.name,
        group: what(language, &one.category),
        count: one.count,
    });
    let counts = visible.counts.iter().map(|one| Row {
        period: day(language, &one.period),
        what: what(language, &one.what),
        group: String::new(),
        count: one.count,
    });
    let page_of = ActivityPage {
        path: path_of(&name),
        band,
        chart: chart(language, &visible.counts),
        names: names.collect(),
        counts: counts.collect(),
        alerts: visible.alerts.iter().map(|one| (what(language, one.category), one.count)).collect(),
        shell,
        name,
    };
    page(page_of.html())
}

/// A category, or one of the groups and reasons that stand where no category may.
fn what(language: Language, code: &str) -> String {
    match Category::from_code(code) {
        Some(category) => language.category(&category).into_owned(),
        None => language.of(Family::Group, code).into_owned(),
    }
}

/// `2026-11-23` as people write it.
fn day(language: Language, day: &str) -> String {
    match (language, day.parse::<jiff::civil::Date>()) {
        (Language::Vietnamese, Ok(date)) => date.strftime("%d/%m/%Y").to_string(),
        _ => day.to_string(),
    }
}

/// All counts of a day or a week in one bar, the oldest first.
fn chart(language: Language, counts: &[Count]) -> String {
    let mut sums: BTreeMap<&str, u32> = BTreeMap::new();
    for one in counts {
        let sum = sums.entry(&one.period).or_default();
        *sum = sum.saturating_add(one.count);
    }
    let label = |period: &str| match period.get(5..).and_then(|day| day.split_once('-')) {
        Some((month, day)) => format!("{day}/{month}"),
        None => period.to_string(),
    };
    let bars: Vec<Bar> = sums.into_iter().map(|(period, value)| Bar { label: label(period), value }).collect();
    let (title, text) = (language.t("activity-chart"), language.t("activity-chart-text"));
    charts::bars(&Caption { id: "activity", title: &title, text: &text }, &bars)
}

async fn forget(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, _fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    web.forget_activity(&visitor, &name)?;
    see(&path_of(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_bar_whatever_was_refused() {
        let count = |period: &str, what: &str, count| Count { period: period.into(), what: what.into(), count };
        let counts = [count("2026-11-24", "porn", 1), count("2026-11-23", "porn", 2), count("2026-11-23", "gaming", 3)];
        let svg = chart(Language::English, &counts);
        assert_eq!(svg.matches("<rect").count(), 2);
        assert!(svg.find(">23/11<") < svg.find(">24/11<") && svg.contains(">5</text>"), "{svg}");
        assert_eq!(chart(Language::English, &[]), "");
    }
}
