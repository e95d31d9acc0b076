//! The guardians' first page, and the buttons on it: pause, resume, more time.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use super::faults::in_words;
use super::{Fields, Page, local, page, page_again, see};
use crate::classify::Category;
use crate::family::{Kind, Moments, RequestRow, Scope, Who};
use crate::judge::Snapshot;
use crate::policy::{Band, Moment, Profile};
use crate::web::pages::Section;
use crate::web::pages::dashboard::fault::Fault;
use crate::web::pages::dashboard::home::{BudgetNow, ChildNow, GrantNow, Health, HomePage, Line, Newcomer, Waiting};
use crate::web::portal::{granted, shown};
use crate::web::steering::Lasts;
use crate::web::text::Language;
use crate::web::{Status, Trouble, Visitor, Web, aside};

const HERE: &str = "/dashboard";
/// Requests named on the first page; the others are on their own.
const WAITING_SHOWN: usize = 3;

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route(HERE, get(show))
        .route("/dashboard/grant", post(grant))
        .route("/dashboard/grants/take-back", post(take_back))
        .route("/dashboard/pause", post(pause))
        .route("/dashboard/resume", post(resume))
}

async fn show(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    aside(move || page(view(&web, &visitor, Fault::default())?.render())).await
}

async fn pause(web: State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    act(web, visitor, fields, |web, visitor, fields| web.pause(visitor, &who(fields)?, lasts(fields)?).map(drop)).await
}

async fn resume(web: State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    act(web, visitor, fields, |web, visitor, fields| match web.resume(visitor, &who(fields)?) {
        // It ended by itself meanwhile: what was wanted is so.
        Err(Trouble::NoSuch("pause")) => Ok(()),
        other => other,
    })
    .await
}

async fn grant(web: State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    act(web, visitor, fields, |web, visitor, fields| {
        web.grant(visitor, fields.one("profile"), "time", lasts(fields)?).map(drop)
    })
    .await
}

async fn take_back(web: State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    act(web, visitor, fields, |web, visitor, fields| match web.take_back(visitor, fields.number("id")?) {
        Err(Trouble::NoSuch("grant")) => Ok(()),
        other => other,
    })
    .await
}

/// Does it, and shows the page from which it was asked for.
async fn act(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    fields: Fields,
    deed: impl FnOnce(&Web, &Visitor, &Fields) -> Result<(), Trouble> + Send + 'static,
) -> Page {
    aside(move || {
        let Err(trouble) = deed(&web, &visitor, &fields) else { return see(local(fields.one("back"), HERE)) };
        let text = in_words(trouble, visitor.language())?;
        page_again(view(&web, &visitor, Fault::of("", text))?.render())
    })
    .await
}

fn who(fields: &Fields) -> Result<Who, Trouble> {
    Who::parse(fields.one("who")).ok_or_else(|| Trouble::Invalid("nobody is named".into()))
}

fn lasts(fields: &Fields) -> Result<Lasts, Trouble> {
    if fields.one("lasts") == "today" { Ok(Lasts::Today) } else { fields.number("lasts").map(Lasts::Minutes) }
}

fn view(web: &Web, visitor: &Visitor, fault: Fault) -> Result<HomePage, Trouble> {
    let shell = web.shell(visitor, Section::Home, HERE)?;
    let (snapshot, language) = (web.judge.keep(), visitor.language());
    let moment = visitor.moment(&snapshot);
    let (status, moments) = (web.steward.status(), web.moments(visitor.now)?);
    let mut children: Vec<&Profile> = snapshot.profiles.iter().filter(|one| one.band != Band::Adult).collect();
    children.sort_by_key(|profile| profile.band);
    let house = moments.pauses.iter().find(|pause| pause.who == Who::House).map(|pause| pause.until);
    let children = children.into_iter().map(|profile| child(web, &snapshot, profile, &moment, &moments, language));
    Ok(HomePage {
        lines: lines(&status, language),
        answered: status.answered,
        house: house.map(|until| shown(snapshot.moment(until).local, moment.local, language)),
        children: children.collect::<Result<_, _>>()?,
        newcomers: newcomers(web)?,
        profiles: snapshot.profiles.iter().map(|profile| profile.name.to_string()).collect(),
        waiting: waiting(web, language)?,
        may_steer: visitor.may(Scope::Moments).is_ok(),
        shell,
        fault,
    })
}

fn child(
    web: &Web,
    snapshot: &Snapshot,
    profile: &Profile,
    moment: &Moment,
    moments: &Moments,
    language: Language,
) -> Result<ChildNow, Trouble> {
    let at = |until: i64| shown(snapshot.moment(until).local, moment.local, language);
    let own = Who::Profile(profile.name.to_string());
    let paused = moments.pauses.iter().find(|pause| pause.who == own);
    let mut holds = Vec::new();
    if let Some(pause) = paused {
        holds.push(language.t1("home-holds-pause", "until", at(pause.until)).into_owned());
    }
    holds.extend(profile.schedules_at(moment).map(|schedule| match schedule.until {
        Some(until) => {
            let until = shown(until, moment.local, language);
            language.t2("home-holds-schedule", "name", schedule.name, "until", until).into_owned()
        }
        None => language.t1("home-holds-always", "name", schedule.name).into_owned(),
    }));
    let grants = moments.grants.iter().filter(|grant| *grant.profile == *profile.name);
    let grants =
        grants.map(|grant| GrantNow { id: grant.id, what: granted(&grant.what, language), until: at(grant.until) });
    let budgets = web.budgets(profile, moment)?.into_iter();
    Ok(ChildNow {
        name: profile.name.to_string(),
        band: profile.band,
        path: format!("/dashboard/children/{}", in_path(&profile.name)),
        is_offline: profile.is_offline(moment),
        is_paused: paused.is_some(),
        holds,
        budgets: budgets
            .map(|budget| BudgetNow { used: budget.of.saturating_sub(budget.left), name: budget.title, of: budget.of })
            .collect(),
        grants: grants.collect(),
    })
}

/// A name as a part of a path.
pub(super) fn in_path(name: &str) -> String {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'~');
    let one = |octet: u8| if plain(octet) { char::from(octet).to_string() } else { format!("%{octet:02X}") };
    name.bytes().map(one).collect()
}

/// How things are, in words; one line when all is well.
pub(super) fn lines(status: &Status, language: Language) -> Vec<Line> {
    let line = |state, what: &str, fix: &str| Line { state, what: what.to_string(), fix: fix.to_string() };
    let mut lines = Vec::new();
    match status.upstreams {
        (0, 1..) => {
            lines.push(line(Health::Problem, &language.t("home-no-upstream"), &language.t("home-no-upstream-fix")))
        }
        (up, all) if up < all => lines.push(line(
            Health::Note,
            &language.t2("home-few-upstreams", "up", up, "all", all),
            &language.t("home-few-upstreams-fix"),
        )),
        _ => {}
    }
    if !status.clock_trusted {
        lines.push(line(Health::Note, &language.t("home-clock"), &language.t("home-clock-fix")));
    }
    if status.has_proxy && !status.rules_hold {
        lines.push(line(Health::Problem, &language.t("home-rules"), &language.t("home-rules-fix")));
    }
    let late: Vec<&str> =
        status.lists.iter().filter(|list| list.state != "ok").map(|list| list.name.as_str()).collect();
    if !late.is_empty() {
        let what = language.t1("home-lists", "names", late.join(", "));
        lines.push(line(Health::Note, &what, &language.t("home-lists-fix")));
    }
    if lines.is_empty() {
        lines.push(line(Health::Ok, &language.t("home-all-well"), ""));
    }
    lines
}

fn newcomers(web: &Web) -> Result<Vec<Newcomer>, Trouble> {
    let new = web.seen_devices()?.into_iter().filter(|device| device.profile.is_none() && !device.is_known);
    let newcomers = new.map(|device| Newcomer {
        addresses: device.addresses.join(", "),
        proposal: device.proposal.map(|(profile, _)| profile),
        key: device.key,
        name: device.name,
        is_random: device.is_random,
    });
    Ok(newcomers.collect())
}

fn waiting(web: &Web, language: Language) -> Result<Vec<Waiting>, Trouble> {
    let rows = web.family.requests(None)?.into_iter().filter(|row| row.answer.is_none()).take(WAITING_SHOWN);
    Ok(rows.map(|row| Waiting { what: subject(&row, language), profile: row.profile }).collect())
}

/// What a request is about, as far as guardians may know.
pub(super) fn subject(row: &RequestRow, language: Language) -> String {
    let category = row.category.as_deref().and_then(Category::from_code);
    let name = match (&row.name, category) {
        (_, Some(category)) if is_private(category) => language.t("requests-private").into_owned(),
        (Some(name), _) => name.clone(),
        (None, Some(category)) => language.t1("requests-one-page", "group", language.category(&category)).into_owned(),
        (None, None) => language.t("requests-private").into_owned(),
    };
    match row.kind {
        Kind::Ask => name,
        Kind::Wrong => language.t1("requests-wrong", "what", name).into_owned(),
    }
}

/// No guardian's page ever shows it, even where a child reports that it is wrongly blocked.
pub(super) const fn is_private(category: Category) -> bool {
    matches!(category, Category::Help | Category::HealthSexed | Category::Csam)
}
