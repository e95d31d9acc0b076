//! Settings of the household, named days, and the log of who did what.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde_json::Value as Json;

use super::children::acts;
use super::said;
use super::{Fields, Page, page, page_again, see};
use crate::config::edit::{CalendarForm, Settings};
use crate::family::Scope;
use crate::web::api::{Path, aside};
use crate::web::pages::Section;
use crate::web::pages::dashboard::parts::{Choice, Field, Wrong, in_path};
use crate::web::pages::dashboard::settings::{ActsPage, CalendarCard, CalendarsPage, HouseholdPage, Place, Top};
use crate::web::text::Language;
use crate::web::{Trouble, Visitor, Web};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/dashboard/settings", get(household).post(set_household))
        .route("/dashboard/settings/calendars", get(calendars).post(add_calendar))
        .route("/dashboard/settings/calendars/{name}", post(set_calendar))
        .route("/dashboard/settings/acts", get(log))
}

/// The settings of the page: the path of each, and whether it holds several values.
const SHOWN: [(&str, bool); 6] = [
    ("time_zone", false),
    ("defaults.profile", false),
    ("dns.block_answer", false),
    ("dns.portal", true),
    ("dns.upstream.mode", false),
    ("dns.upstream.servers", true),
];

async fn household(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    visitor.may(Scope::Read)?;
    page(household_page(&web, &visitor, &web.settings()?, None)?)
}

async fn set_household(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let typed: Settings =
        SHOWN.iter().map(|(path, is_many)| (path.to_string(), value(&fields, path, *is_many))).collect();
    let (keeper, who, settings) = (Arc::clone(&web), visitor.clone(), typed.clone());
    match aside(move || keeper.set_settings(&who, &settings)).await {
        Ok(()) => see("/dashboard/settings"),
        Err(trouble) => {
            let wrong = said::wrong(visitor.language(), trouble)?;
            page_again(household_page(&web, &visitor, &typed, Some(wrong))?)
        }
    }
}

/// A setting as it was typed; an empty one is the default.
fn value(fields: &Fields, path: &str, is_many: bool) -> Json {
    if is_many {
        let words = fields.words(path);
        return if words.is_empty() { Json::Null } else { Json::from(words) };
    }
    fields.some(path).map_or(Json::Null, Json::from)
}

fn household_page(web: &Web, visitor: &Visitor, settings: &Settings, wrong: Option<Wrong>) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Settings, "/dashboard/settings")?;
    let language = shell.language;
    let one = |path: &str| settings.get(path).and_then(Json::as_str).unwrap_or_default().to_string();
    let many = |path: &str| {
        let all = settings.get(path).and_then(Json::as_array);
        let all = all.map(|all| all.iter().filter_map(Json::as_str).collect::<Vec<_>>());
        all.unwrap_or_default().join("\n")
    };
    let answer = one("dns.block_answer");
    let answers = vec![
        Choice::new("", &language.t("answer-default"), &answer),
        Choice::new("portal", &language.t("answer-portal"), &answer),
        Choice::new("null", &language.t("answer-null"), &answer),
        Choice::new("nxdomain", &language.t("answer-nxdomain"), &answer),
        Choice::new("refused", &language.t("answer-refused"), &answer),
    ];
    let mode = one("dns.upstream.mode");
    let modes = vec![
        Choice::new("", &language.t("mode-default"), &mode),
        Choice::new("forward", &language.t("mode-forward"), &mode),
        Choice::new("recurse", &language.t("mode-recurse"), &mode),
    ];
    let strangers = said::profiles(web, &one("defaults.profile"));
    let fields = vec![
        Field::line("time_zone", &language.t("set-zone"), &one("time_zone")).hint(&language.t("set-zone-hint")),
        Field::select("defaults.profile", &language.t("set-strangers"), strangers)
            .hint(&language.t("set-strangers-hint")),
        Field::select("dns.block_answer", &language.t("set-answer"), answers).hint(&language.t("set-answer-hint")),
        Field::area("dns.portal", &language.t("set-portal"), &many("dns.portal")).hint(&language.t("set-portal-hint")),
        Field::select("dns.upstream.mode", &language.t("set-mode"), modes).hint(&language.t("set-mode-hint")),
        Field::area("dns.upstream.servers", &language.t("set-servers"), &many("dns.upstream.servers"))
            .hint(&language.t("set-servers-hint")),
    ];
    Ok(HouseholdPage { shell, top: Top { place: Place::Household, wrong }, fields }.html())
}

async fn calendars(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    visitor.may(Scope::Read)?;
    page(calendars_page(&web, &visitor, &CalendarForm::default(), None)?)
}

fn calendar_of(fields: &Fields) -> CalendarForm {
    CalendarForm { name: fields.one("name").to_string(), days: fields.words("days") }
}

fn calendar_fault(language: Language, form: &CalendarForm) -> Option<Wrong> {
    if form.name.is_empty() {
        return Some(Wrong::about("name", language.t("wrong-name-empty")));
    }
    form.days.is_empty().then(|| Wrong::about("days", language.t("wrong-days")))
}

async fn add_calendar(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let form = calendar_of(&fields);
    let (keeper, who, new) = (Arc::clone(&web), visitor.clone(), form.clone());
    let done = match calendar_fault(visitor.language(), &form) {
        Some(wrong) => Err(wrong),
        None => match aside(move || keeper.add_calendar(&who, &new)).await {
            Ok(()) => Ok(()),
            Err(trouble) => Err(days_fault(&visitor, trouble)?),
        },
    };
    match done {
        Ok(()) => see(Place::Calendars.path()),
        Err(wrong) => page_again(calendars_page(&web, &visitor, &form, Some(wrong))?),
    }
}

/// Days are what most often is wrong with a calendar; a name that is taken says so itself.
fn days_fault(visitor: &Visitor, trouble: Trouble) -> Result<Wrong, Trouble> {
    let are_days = matches!(trouble, Trouble::Faults(_));
    let wrong = said::wrong(visitor.language(), trouble)?;
    let told = Wrong { field: "days", text: visitor.language().t("wrong-days").into_owned(), ..wrong.clone() };
    Ok(if are_days { told } else { wrong })
}

async fn set_calendar(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let (form, removes) = (calendar_of(&fields), fields.one("do") == "remove");
    let (keeper, who) = (Arc::clone(&web), visitor.clone());
    let change = move || match removes {
        true => keeper.remove_calendar(&who, &name),
        false => keeper.set_calendar(&who, &name, &form),
    };
    match aside(change).await {
        Ok(()) => see(Place::Calendars.path()),
        Err(trouble) => {
            let wrong = Wrong { field: "", ..days_fault(&visitor, trouble)? };
            page_again(calendars_page(&web, &visitor, &CalendarForm::default(), Some(wrong))?)
        }
    }
}

fn calendars_page(web: &Web, visitor: &Visitor, typed: &CalendarForm, wrong: Option<Wrong>) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Settings, Place::Calendars.path())?;
    let language = shell.language;
    let calendars = web.calendars()?.into_iter().enumerate().map(|(position, form)| CalendarCard {
        fields: calendar_fields(language, &form, &format!("-{position}"), None),
        path: in_path(&form.name),
        name: form.name,
    });
    let (calendars, fields) = (calendars.collect(), calendar_fields(language, typed, "", wrong.as_ref()));
    Ok(CalendarsPage { shell, top: Top { place: Place::Calendars, wrong }, calendars, fields }.html())
}

fn calendar_fields(language: Language, form: &CalendarForm, end: &str, wrong: Option<&Wrong>) -> Vec<Field> {
    vec![
        Field::line("name", &language.t("calendar-name"), &form.name).at(&format!("name{end}")).required().told(wrong),
        Field::area("days", &language.t("calendar-days"), &form.days.join("\n"))
            .at(&format!("days{end}"))
            .hint(&language.t("calendar-days-hint"))
            .told(wrong),
    ]
}

async fn log(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    let shell = web.shell(&visitor, Section::Settings, Place::Acts.path())?;
    let acts = acts(&web, shell.language, None, 500)?;
    page(ActsPage { shell, top: Top { place: Place::Acts, wrong: None }, acts }.html())
}
