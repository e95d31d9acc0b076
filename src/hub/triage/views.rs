//! What each page of the desk shows, put together from what is kept and known. Changes nothing.

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::classify::Category;
use crate::hub::triage::accounts::Account;
use crate::hub::triage::candidate::Candidate;
use crate::hub::triage::desk::Desk;
use crate::hub::triage::guide::Known;
use crate::hub::triage::numbers::{Counted, SIGMAS, Week, groups, ledger, weeks};
use crate::hub::triage::propose;
use crate::hub::triage::server::{Asked, Stop};
use crate::hub::triage::state::{RULES, Reason, Role, State};
use crate::hub::triage::{audit, store};
use crate::lists::compile::hex;
use crate::report::calendar::Calendar;
use crate::report::ledger::WEEKS_A_YEAR;
use crate::report::message::Lane;
use crate::web::charts::{Bar, Caption, Estimated, bars, estimates};
use crate::web::pages::desk::{
    Choice, DeskAudit, DeskCandidate, DeskDeed, DeskFrame, DeskLedger, DeskList, DeskMay, DeskNumber, DeskRow,
    DeskStatistics, DeskStep, DeskTable, DeskText,
};
use crate::web::text::Language;

/// Candidates on a page.
const ROWS: usize = 100;
/// Rows of the record on its page; all are checked.
const DEEDS: u32 = 200;

/// The page of a path for somebody who is signed in.
pub(super) fn page(desk: &Desk, asked: &Asked, who: &Account, secret: &str) -> Result<String, Stop> {
    let frame = |part: &'static str| asked.frame(Some(who), secret, part);
    match asked.path.as_str() {
        "/" | "/sign-in" => list(desk, asked, frame("/")),
        "/candidate" => candidate(desk, asked, who, frame("/"), None),
        "/statistics" => statistics(desk, asked, frame("/statistics")),
        "/ledger" => {
            let (ledger, odd) = ledger(&weeks(&desk.store, WEEKS_A_YEAR)?);
            let lines = ledger.to_string().lines().map(str::to_string).collect();
            Ok(DeskLedger { frame: frame("/ledger"), lines, odd }.html())
        }
        "/audit" if who.role == Role::Auditor => record(desk, frame("/audit")),
        "/audit" => Err(Stop::Wrong(StatusCode::FORBIDDEN, "the record is for auditors".into())),
        _ => Err(Stop::Wrong(StatusCode::NOT_FOUND, "there is no such page".into())),
    }
}

/// Where a candidate's page is.
pub(super) fn path_of(name: &str, category: Category) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("name", name)
        .append_pair("category", category.code())
        .finish();
    format!("/candidate?{query}")
}

fn list(desk: &Desk, asked: &Asked, frame: DeskFrame) -> Result<String, Stop> {
    let (state, lane, region) = (asked.field("state"), asked.field("lane"), asked.field("region"));
    let all = desk.candidates()?;
    let mut regions: Vec<u8> = all.iter().flat_map(|one| one.regions.keys().copied()).collect();
    regions.sort_unstable();
    regions.dedup();
    let is_chosen = |one: &&Candidate| {
        (state.is_empty() || one.state.code() == state)
            && (lane.is_empty() || one.lane.name() == lane)
            && (region.is_empty() || region.parse().is_ok_and(|region: u8| one.regions.contains_key(&region)))
    };
    let chosen: Vec<&Candidate> = all.iter().filter(is_chosen).collect();
    let at: usize = asked.field("page").parse().unwrap_or(0);
    let from = at.saturating_mul(ROWS);
    let next = (chosen.len() > from.saturating_add(ROWS)).then(|| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs([("state", state), ("lane", lane), ("region", region)]);
        format!("/?{}", query.append_pair("page", &(at + 1).to_string()).finish())
    });
    let language = frame.language;
    let filters = vec![
        filter(
            language,
            &DeskText::State.of(language),
            "state",
            state,
            State::ALL.iter().map(|one| one.code()),
            |code| frame.state(code).into_owned(),
        ),
        filter(language, &DeskText::Lane.of(language), "lane", lane, Lane::ALL.iter().map(|one| one.name()), |code| {
            frame.lane(code).into_owned()
        }),
        filter(language, &DeskText::Region.of(language), "region", region, regions.iter().map(u8::to_string), |code| {
            code.to_string()
        }),
    ];
    let rows = chosen.iter().skip(from).take(ROWS).map(|one| row(desk, one)).collect();
    Ok(DeskList { frame, filters, rows, count: chosen.len(), next }.html())
}

fn filter<T: AsRef<str>>(
    language: Language,
    label: &str,
    name: &'static str,
    chosen: &str,
    codes: impl Iterator<Item = T>,
    label_of: impl Fn(&str) -> String,
) -> (String, &'static str, Vec<Choice>) {
    let all =
        Choice { value: String::new(), label: DeskText::All.of(language).into_owned(), is_chosen: chosen.is_empty() };
    let one = |code: T| {
        let code = code.as_ref();
        Choice { value: code.to_string(), label: label_of(code), is_chosen: code == chosen }
    };
    (label.to_string(), name, std::iter::once(all).chain(codes.map(one)).collect())
}

fn row(desk: &Desk, one: &Candidate) -> DeskRow {
    let name = one.name.to_string();
    DeskRow {
        path: path_of(&name, one.category),
        name,
        category: one.category,
        lane: one.lane.name(),
        state: one.state.code(),
        most: one.most(),
        is_guarded: !desk.guide.against(one).is_empty(),
        is_listed: desk.guide.is_listed(one),
    }
}

/// A candidate's page; `fault`: why something was not done with it.
pub(super) fn candidate(
    desk: &Desk,
    asked: &Asked,
    who: &Account,
    frame: DeskFrame,
    fault: Option<String>,
) -> Result<String, Stop> {
    let category = Category::from_code(asked.field("category")).ok_or(store::TriageError::NoSuch)?;
    let name = asked.field("name");
    let (one, known, history) = desk.look_up(name, category)?;
    let language = frame.language;
    let calendar = Calendar::default();
    let day_of = |epoch: u32| day(calendar.begins_at(one.lane, epoch));
    let drawn: Vec<Bar> = one
        .counts
        .iter()
        .map(|count| Bar { label: day_of(count.epoch), value: u32::try_from(count.households).unwrap_or(u32::MAX) })
        .collect();
    let (title, text) = (DeskText::Counts.of(language), DeskText::CountsChart.of(language));
    let stands = matches!(one.state, State::Proposed | State::Listed);
    let term = if stands { propose::term(&desk.store, name, category)? } else { None };
    let may = RULES.iter().filter(|rule| rule.roles.contains(&who.role) && rule.from.contains(&one.state));
    let page = DeskCandidate {
        row: row(desk, &one),
        fault,
        chart: bars(&Caption { id: "counts", title: &title, text: &text }, &drawn),
        counts: one.counts.iter().map(|count| (day_of(count.epoch), count.households, count.refused)).collect(),
        regions: one.regions.iter().map(|(region, homes)| (*region, *homes)).collect(),
        confidence: one.confidence,
        engine: engine(language, &known),
        against: known.against,
        until: term.and_then(|(_, until)| u64::try_from(until - 1).ok()).map(day),
        history: history
            .iter()
            .map(|one| DeskStep {
                step: one.step.code(),
                reason: one.reason.clone(),
                note: one.note.clone(),
                account: one.account.clone(),
                at: minute(one.at),
            })
            .collect(),
        may: may
            .map(|rule| DeskMay {
                step: rule.step.code(),
                reasons: rule.reasons.iter().map(|reason: &Reason| reason.code()).collect(),
            })
            .collect(),
        frame,
    };
    Ok(page.html())
}

/// The engine's reasons in words.
fn engine(language: Language, known: &Known) -> Vec<(String, String)> {
    let Some(guess) = &known.guess else { return Vec::new() };
    let category = Category::from_code(guess.category).map(|category| language.category(&category).into_owned());
    let mut lines = vec![
        (DeskText::EngineBy.of(language), guess.by.to_string()),
        (DeskText::EngineCategory.of(language), category.unwrap_or_default()),
    ];
    if let Some(imitates) = &guess.imitates {
        lines.push((DeskText::EngineImitates.of(language), imitates.clone()));
    }
    if let Some(chance) = guess.chance_permille {
        lines.push((DeskText::EngineChance.of(language), chance.to_string()));
    }
    if !guess.grams.is_empty() {
        let grams: Vec<String> = guess.grams.iter().map(|(text, weight)| format!("{text} ({weight})")).collect();
        lines.push((DeskText::EngineGrams.of(language), grams.join(", ")));
    }
    lines.into_iter().map(|(what, says)| (what.into_owned(), says)).collect()
}

fn statistics(desk: &Desk, asked: &Asked, frame: DeskFrame) -> Result<String, Stop> {
    let weeks = weeks(&desk.store, WEEKS_A_YEAR)?;
    let language = frame.language;
    let chosen: Option<u32> = asked.field("week").parse().ok();
    let week = weeks.iter().find(|week| Some(week.epoch) == chosen).or_else(|| weeks.first());
    let Some(week) = week else {
        return Ok(DeskStatistics { frame, filters: Vec::new(), reports: None, tables: Vec::new() }.html());
    };
    let at: usize = asked.field("group").parse().unwrap_or(0);
    let groups = groups();
    let choice = |value: String, label: String, is_chosen| Choice { value, label, is_chosen };
    let calendar = Calendar::default();
    let day_of = |week: &Week| day(calendar.begins_at(Lane::Harm, week.epoch));
    let of_week = weeks.iter().map(|one| choice(one.epoch.to_string(), day_of(one), one.epoch == week.epoch));
    let of_group = groups.iter().enumerate().map(|(position, group)| {
        let names: Vec<String> = group.iter().map(|category| language.category(category).into_owned()).collect();
        choice(position.to_string(), names.join(", "), position == at)
    });
    let filters = vec![
        (DeskText::Week.of(language).into_owned(), "week", of_week.collect()),
        (DeskText::Group.of(language).into_owned(), "group", of_group.collect()),
    ];
    let counted = week.counted();
    let table = |code: &'static str, title: String| {
        let of: Vec<&Counted> = counted.iter().filter(|one| one.table == code && one.group_at == at).collect();
        table(language, code, title, &of)
    };
    let tables = vec![
        table("band", DeskText::ByBand.of(language).into_owned()),
        table("part", DeskText::ByPart.of(language).into_owned()),
    ];
    Ok(DeskStatistics { frame, filters, reports: Some(week.reports), tables }.html())
}

fn table(language: Language, code: &str, title: String, counted: &[&Counted]) -> DeskTable {
    let bar = |one: &&Counted| Estimated {
        label: one.column_code().to_string(),
        value: one.estimate.households,
        error: SIGMAS * one.estimate.deviation,
        is_noise: one.is_noise(),
    };
    let drawn: Vec<Estimated> = counted.iter().map(bar).collect();
    let text = DeskText::ErrorsChart.of(language);
    let number = |one: &Estimated| DeskNumber {
        label: one.label.clone(),
        households: whole(one.value),
        error: whole(one.error),
        is_noise: one.is_noise,
    };
    DeskTable {
        chart: estimates(&Caption { id: code, title: &title, text: &text }, &drawn),
        numbers: drawn.iter().map(number).collect(),
        title,
    }
}

fn record(desk: &Desk, frame: DeskFrame) -> Result<String, Stop> {
    let verdict = audit::verify(&desk.store.database, None).map_err(|error| error.to_string());
    let rows = audit::newest(&desk.store.database, DEEDS).map_err(store::TriageError::from)?;
    let one = |entry: audit::Entry| DeskDeed {
        id: entry.id,
        at: minute(entry.at),
        account: entry.account,
        deed: entry.deed,
        detail: entry.detail,
        digest: hex(&entry.digest).chars().take(16).collect(),
    };
    Ok(DeskAudit { frame, verdict, rows: rows.into_iter().map(one).collect() }.html())
}

#[allow(clippy::cast_possible_truncation, reason = "counts of households")]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

fn day(at: u64) -> String {
    formatted(i64::try_from(at).unwrap_or(0), "%Y-%m-%d")
}

fn minute(at: i64) -> String {
    formatted(at, "%Y-%m-%d %H:%M")
}

fn formatted(at: i64, form: &str) -> String {
    TimeZone::UTC.to_datetime(Timestamp::from_second(at).unwrap_or_default()).strftime(form).to_string()
}
