//! What would happen: the judge asked as somebody else, at another time, with the whole chain in words.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;

use super::said;
use super::{Page, page, page_again};
use crate::classify::Category;
use crate::family::Scope;
use crate::judge::Explanation;
use crate::policy::Band;
use crate::web::api::Query;
use crate::web::pages::Section;
use crate::web::pages::dashboard::machine::{Found, SimulatorPage};
use crate::web::pages::dashboard::parts::{Field, Wrong};
use crate::web::text::{Family, Language};
use crate::web::{Trouble, Visitor, Web};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new().route("/dashboard/simulator", get(simulator))
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Asked {
    text: String,
    profile: String,
    at: String,
}

async fn simulator(State(web): State<Arc<Web>>, visitor: Visitor, Query(asked): Query<Asked>) -> Page {
    visitor.may(Scope::Read)?;
    let language = visitor.language();
    if asked.text.trim().is_empty() {
        return page(shown(&web, &visitor, &asked, None, None)?);
    }
    match web.explain(&asked.text, Some(&asked.profile), Some(&asked.at), visitor.now) {
        Ok(explanation) => {
            let found = found(&web, language, &explanation);
            page(shown(&web, &visitor, &asked, Some(found), None)?)
        }
        Err(Trouble::Invalid(_)) => {
            let wrong = Wrong::about("text", language.t("wrong-simulator"));
            page_again(shown(&web, &visitor, &asked, None, Some(wrong))?)
        }
        Err(other) => Err(other),
    }
}

fn shown(
    web: &Web,
    visitor: &Visitor,
    asked: &Asked,
    found: Option<Found>,
    wrong: Option<Wrong>,
) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Simulator, "/dashboard/simulator")?;
    let language = shell.language;
    let fields = vec![
        Field::line("text", &language.t("simulator-text"), &asked.text)
            .hint(&language.t("simulator-text-hint"))
            .required()
            .told(wrong.as_ref()),
        Field::select("profile", &language.t("simulator-profile"), said::profiles(web, &asked.profile)),
        Field::typed("datetime-local", "at", &language.t("simulator-at"), &asked.at)
            .hint(&language.t("simulator-at-hint")),
    ];
    Ok(SimulatorPage { shell, wrong, fields, found }.html())
}

/// The chain in words: entry, category, criterion, band, who can change it.
fn found(web: &Web, language: Language, all: &Explanation) -> Found {
    let why = &all.reason;
    let mut chain: Vec<(String, String)> = Vec::new();
    let mut say = |what: std::borrow::Cow<'static, str>, says: String| chain.push((what.into_owned(), says));
    say(language.t("chain-step"), language.of(Family::Step, why.step).into_owned());
    if let (Some(list), Some(entry)) = (&why.list, &why.entry) {
        say(language.t("chain-entry"), language.t2("chain-entry-text", "entry", entry, "list", list).into_owned());
    }
    let kinds = all.categories.iter().filter_map(|code| Category::from_code(code));
    let kinds: Vec<String> = kinds.map(|one| language.category(&one).into_owned()).collect();
    let none = || language.t("chain-no-category").into_owned();
    say(language.t("chain-categories"), if kinds.is_empty() { none() } else { kinds.join(", ") });
    if let Some(category) = why.category.and_then(Category::from_code) {
        let text = format!("{}. {}", language.category(&category), language.why(&category));
        say(language.t("chain-category"), text);
    }
    if let Some(title) = &why.title {
        let title = match language {
            Language::Vietnamese => title.vi.clone(),
            Language::English => title.en.clone(),
        };
        say(language.t("chain-criterion"), title);
    }
    if let Some(schedule) = why.schedule.clone().or_else(|| why.budget.clone()) {
        say(language.t("chain-hours"), schedule);
    }
    if let Some(until) = &why.until {
        say(language.t("chain-until"), until.replace('T', " "));
    }
    if !all.services.is_empty() {
        let services: Vec<String> = all.services.iter().map(|id| said::selector(web, language, id)).collect();
        say(language.t("chain-services"), services.join(", "));
    }
    if let Some(age) = all.min_age.filter(|age| *age > 0) {
        say(language.t("chain-min-age"), age.to_string());
    }
    let band = Band::from_code(all.band).map(|band| language.band(&band).into_owned()).unwrap_or_default();
    say(language.t("chain-band"), format!("{}: {band}", all.profile));
    say(language.t("chain-change"), language.change(why.who_can_change).into_owned());
    let (verdict, tone) = verdict(language, all.verdict);
    Found {
        name: all.url.clone().unwrap_or_else(|| all.name.clone()),
        verdict,
        tone,
        chain,
        json: serde_json::to_string_pretty(all).unwrap_or_default(),
    }
}

fn verdict(language: Language, code: &str) -> (String, &'static str) {
    match code {
        "rewrite" => (language.t("verdict-rewrite").into_owned(), "info"),
        "allow" => (language.of(Family::Action, code).into_owned(), "ok"),
        "warn" => (language.of(Family::Action, code).into_owned(), "info"),
        "ask" => (language.of(Family::Action, code).into_owned(), "wait"),
        _ => (language.of(Family::Action, code).into_owned(), "stop"),
    }
}
