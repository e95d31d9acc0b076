//! What children asked, and the answers, each with a reason the child sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use super::faults::in_words;
use super::home::{in_path, is_private, subject};
use super::{Fields, Page, page, page_again, see};
use crate::classify::Category;
use crate::family::{Answer, RequestRow, Scope};
use crate::web::pages::Section;
use crate::web::pages::dashboard::fault::Fault;
use crate::web::pages::dashboard::requests::{Habit, Preset, Request, RequestsPage};
use crate::web::portal::shown;
use crate::web::text::Language;
use crate::web::{Trouble, Visitor, Web, aside};

const HERE: &str = "/dashboard/requests";
/// So many times "yes" to one group are a habit.
const HABIT: usize = 3;
const PRESETS: [&str; 5] = ["good", "homework", "not-now", "not-age", "talk"];

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new().route(HERE, get(show)).route("/dashboard/requests/answer", post(answer))
}

async fn show(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    aside(move || page(view(&web, &visitor, (0, ""), Fault::default())?)).await
}

async fn answer(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    aside(move || {
        let (id, typed) = (fields.number("id")?, fields.one("reason"));
        match give(&web, &visitor, id, &fields) {
            Ok(()) => see(HERE),
            Err(trouble) => {
                let fault = Fault::of("", in_words(trouble, visitor.language())?);
                page_again(view(&web, &visitor, (id, typed), fault)?)
            }
        }
    })
    .await
}

fn give(web: &Web, visitor: &Visitor, id: i64, fields: &Fields) -> Result<(), Trouble> {
    visitor.may(Scope::Moments)?;
    let answer = Answer::from_code(fields.one("answer"));
    let answer = answer.ok_or_else(|| Trouble::Invalid("there is no such answer".into()))?;
    let reason = match fields.some("reason") {
        Some(own) => own.to_string(),
        None => {
            // The child reads it.
            let row = web.family.request(id)?;
            let form = web.profiles()?.into_iter().find(|form| form.name == row.profile);
            let language = form.and_then(|form| form.language).and_then(|code| Language::from_code(&code));
            preset(fields.one("preset"), language.unwrap_or(visitor.language()))
        }
    };
    web.answer(visitor, id, answer, &reason)
}

fn preset(code: &str, language: Language) -> String {
    let text = match code {
        "good" => language.t("requests-preset-good"),
        "homework" => language.t("requests-preset-homework"),
        "not-now" => language.t("requests-preset-not-now"),
        "not-age" => language.t("requests-preset-not-age"),
        "talk" => language.t("requests-preset-talk"),
        _ => return String::new(),
    };
    text.into_owned()
}

fn view(web: &Web, visitor: &Visitor, typed: (i64, &str), fault: Fault) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Requests, HERE)?;
    let (snapshot, language) = (web.judge.keep(), visitor.language());
    let now = visitor.moment(&snapshot).local;
    let rows = web.family.requests(None)?;
    let habits = habits(&rows, language);
    let requests = rows.into_iter().map(|row| Request {
        id: row.id,
        what: subject(&row, language),
        group: group(&row, language).filter(|_| row.name.is_some()),
        when: shown(snapshot.moment(row.answered.unwrap_or(row.created)).local, now, language),
        answer: row.answer.as_deref().and_then(Answer::from_code).map(|answer| in_short(answer, language)),
        typed: if row.id == typed.0 { typed.1.to_string() } else { String::new() },
        profile: row.profile,
        note: row.note,
        reason: row.reason,
    });
    let (answered, waiting) = requests.partition(|request| request.answer.is_some());
    let page = RequestsPage {
        shell,
        waiting,
        answered,
        habits,
        presets: PRESETS.into_iter().map(|code| Preset { code, text: preset(code, language) }).collect(),
        may_answer: visitor.may(Scope::Moments).is_ok(),
        may_always: visitor.may(Scope::Policy).is_ok(),
        fault,
    };
    Ok(page.render())
}

fn in_short(answer: Answer, language: Language) -> String {
    let text = match answer {
        Answer::Once => language.t("requests-once"),
        Answer::Hour => language.t("requests-hour"),
        Answer::Today => language.t("requests-today"),
        Answer::Always => language.t("requests-always"),
        Answer::No => language.t("requests-refuse"),
    };
    text.into_owned()
}

fn group(row: &RequestRow, language: Language) -> Option<String> {
    let category = row.category.as_deref().and_then(Category::from_code).filter(|category| !is_private(*category))?;
    Some(language.category(&category).into_owned())
}

/// Groups that were allowed to a child so often that the rule had better say so.
fn habits(rows: &[RequestRow], language: Language) -> Vec<Habit> {
    let mut yes: BTreeMap<(&str, String), usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.answer.as_deref().is_some_and(|answer| answer != Answer::No.code())) {
        if let Some(group) = group(row, language) {
            *yes.entry((&row.profile, group)).or_default() += 1;
        }
    }
    let often = yes.into_iter().filter(|(_, count)| *count >= HABIT);
    let habits = often.map(|((profile, group), _)| Habit {
        path: format!("/dashboard/children/{}", in_path(profile)),
        profile: profile.to_string(),
        group,
    });
    habits.collect()
}
