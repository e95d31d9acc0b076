//! Anonymous reports: what would be told in words and octets, a guardian's yes or no, and the household's own names.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde::Deserialize;

use super::said;
use super::{Fields, Page, page, page_again, see};
use crate::classify::Category;
use crate::family::Scope;
use crate::policy::Band;
use crate::report::consent::Mode;
use crate::report::preview::{Cells, Preview, Sent, Shown};
use crate::web::api::{Query, aside};
use crate::web::pages::Section;
use crate::web::pages::dashboard::parts::{Choice, Field, Wrong};
use crate::web::pages::dashboard::reports::{Candidate, OwnRow, ReportsPage, SentRow};
use crate::web::pages::reports::{Example, Plan, hex, receivers};
use crate::web::reports::{OwnFault, categories, group, is_shown, mode_code};
use crate::web::text::{Family, Language};
use crate::web::{Trouble, Visitor, Web};

/// Messages that left and are shown.
const SENT_SHOWN: usize = 50;

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/dashboard/reports", get(reports))
        .route("/dashboard/reports/consent", post(decide))
        .route("/dashboard/reports/names", post(add))
        .route("/dashboard/reports/names/remove", post(remove))
}

#[derive(Deserialize)]
struct Done {
    #[serde(default)]
    done: String,
}

/// A name as it was typed, with what is wrong with it.
#[derive(Default)]
struct Typed {
    name: String,
    category: String,
    wrong: Option<Wrong>,
}

async fn reports(State(web): State<Arc<Web>>, visitor: Visitor, Query(Done { done }): Query<Done>) -> Page {
    page(shown(&web, &visitor, Typed::default(), done)?)
}

async fn decide(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    let agrees = fields.one("do") == "agree";
    aside(move || web.decide_reports(&visitor, agrees)).await?;
    see(if agrees { "/dashboard/reports?done=agreed" } else { "/dashboard/reports?done=withdrawn" })
}

async fn add(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    let (name, category) = (fields.one("name").to_string(), fields.one("category").to_string());
    let (keeper, who, typed) = (Arc::clone(&web), visitor.clone(), (name.clone(), category.clone()));
    match aside(move || keeper.add_own_name(&who, &typed.0, &typed.1)).await? {
        Ok(_) => see("/dashboard/reports?done=added"),
        Err(fault) => {
            let wrong = Some(wrong(visitor.language(), &fault));
            page_again(shown(&web, &visitor, Typed { name, category, wrong }, String::new())?)
        }
    }
}

async fn remove(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    let name = fields.one("name").to_string();
    aside(move || web.remove_own_name(&visitor, &name)).await?;
    see("/dashboard/reports?done=removed")
}

/// In the reader's words, at the field it is about.
fn wrong(language: Language, fault: &OwnFault) -> Wrong {
    let text = match fault {
        OwnFault::NotAName(_) => language.t("own-wrong-name"),
        OwnFault::NotRegistrable { registrable: Some(name), .. } => language.t1("own-wrong-below", "name", name),
        OwnFault::NotRegistrable { registrable: None, .. } => language.t("own-wrong-ending"),
        OwnFault::TooLong => language.t("own-wrong-long"),
        OwnFault::Category(_) => language.t("own-wrong-category"),
        OwnFault::Help => language.t("own-wrong-help"),
        OwnFault::Popular => language.t("own-wrong-popular"),
        OwnFault::Full => language.t("own-wrong-full"),
        OwnFault::Twice => language.t("own-wrong-twice"),
    };
    Wrong::about(if matches!(fault, OwnFault::Category(_)) { "category" } else { "name" }, text)
}

fn shown(web: &Web, visitor: &Visitor, typed: Typed, done: String) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Reports, "/dashboard/reports")?;
    let (language, preview) = (shell.language, web.steward.report_preview());
    let candidates: Vec<Candidate> = preview.candidates.iter().filter_map(|one| candidate(language, one)).collect();
    let cells: Vec<String> = preview.cells.iter().filter_map(|one| cell(language, one)).collect();
    let own = web.family.own_indicators()?.into_iter();
    let own =
        own.map(|one| OwnRow { name: one.name.to_string(), category: language.category(&one.category).into_owned() });
    let page = ReportsPage {
        done,
        may_decide: visitor.may(Scope::Policy).is_ok(),
        enabled: preview.enabled,
        is_on: preview.enabled && preview.paused.is_none() && !matches!(preview.mode, Mode::Off(_)),
        mode: language.of(Family::ReportMode, mode_code(preview.mode)).into_owned(),
        answers: web.report_answers()?,
        households: preview.threshold.households(),
        receivers: receivers(&preview, language),
        plan: Plan::of(&preview, language),
        example: Example::new(language),
        candidates_hidden: preview.candidates.len().saturating_sub(candidates.len()),
        candidates,
        cells_hidden: preview.cells.len().saturating_sub(cells.len()),
        cells,
        sent: sent(web, language, &preview),
        waiting: preview.waiting,
        paused: preview.paused,
        own: own.collect(),
        fields: fields(language, &typed),
        wrong: typed.wrong,
        shell,
    };
    Ok(page.html())
}

fn fields(language: Language, typed: &Typed) -> Vec<Field> {
    let choice = |one: Category| Choice::new(one.code(), &language.category(&one), &typed.category);
    vec![
        Field::line("name", &language.t("own-name"), &typed.name)
            .hint(&language.t("own-name-hint"))
            .required()
            .told(typed.wrong.as_ref()),
        Field::select("category", &language.t("own-category"), categories().into_iter().map(choice).collect())
            .told(typed.wrong.as_ref()),
    ]
}

/// `None` for a child whose names guardians do not see: of these, neither group nor octets are shown.
fn candidate(language: Language, one: &Shown) -> Option<Candidate> {
    Some(Candidate {
        name: one.name.as_ref()?.to_string(),
        category: language.category(&one.category).into_owned(),
        hex: hex(&one.octets),
    })
}

fn cell(language: Language, cell: &Cells) -> Option<String> {
    let band = Band::ALL.get(cell.band.filter(|_| is_shown(cell))?)?;
    let groups: Vec<String> = group(cell.group).iter().map(|one| language.category(one).into_owned()).collect();
    Some(language.t2("reports-cell", "band", language.band(band), "groups", groups.join(", ")).into_owned())
}

fn sent(web: &Web, language: Language, preview: &Preview) -> Vec<SentRow> {
    let snapshot = web.judge.keep();
    let row = |one: &Sent| SentRow {
        at: said::moment(language, &snapshot, i64::try_from(one.at).unwrap_or(i64::MAX)),
        kind: language.of(Family::ReportKind, one.kind.code()).into_owned(),
        octets: one.octets,
    };
    let mut newest: Vec<&Sent> = preview.sent.iter().collect();
    newest.sort_by_key(|one| std::cmp::Reverse(one.at));
    newest.into_iter().take(SENT_SHOWN).map(row).collect()
}
