//! A child's schedules and budgets: the list with a picture of each week, and the form of one.

use std::ops::Range;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use jiff::Span;
use jiff::civil::{Date, Time};

use super::children::{head, path_of, save};
use super::said;
use super::{Fields, Page, page, page_again, see};
use crate::classify::Category;
use crate::config::edit::{BudgetForm, ScheduleForm};
use crate::family::Scope;
use crate::web::api::Path;
use crate::web::charts::{self, Caption, Day};
use crate::web::pages::Section;
use crate::web::pages::dashboard::children::Tab;
use crate::web::pages::dashboard::hours::{BudgetCard, HoursForm, HoursPage, Named, Of, ScheduleCard};
use crate::web::pages::dashboard::parts::{Boxes, Choice, Field, Wrong};
use crate::web::text::{Family, Language};
use crate::web::{Trouble, Visitor, Web};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/dashboard/children/{name}/hours", get(hours))
        .route("/dashboard/children/{name}/schedules/{which}", get(schedule).post(set_schedule))
        .route("/dashboard/children/{name}/budgets/{which}", get(budget).post(set_budget))
}

/// As the configuration writes them, Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

async fn hours(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>) -> Page {
    visitor.may(Scope::Read)?;
    let form = web.profile(&name)?;
    let here = format!("{}/hours", path_of(&name));
    let shell = web.shell(&visitor, Section::Children, &here)?;
    let (language, snapshot) = (shell.language, web.judge.keep());
    let profile = snapshot.profile_named(&name).ok_or(Trouble::NoSuch("profile"))?;
    let (today, used) = (web.today(visitor.now), web.moments(visitor.now)?.used);
    let monday = monday(today);
    let schedules = (0..=u8::MAX).zip(&form.schedules).map(|(position, one)| {
        let week = profile.week_of(position, monday);
        ScheduleCard {
            name: one.name.clone(),
            path: format!("{}/schedules/{position}", path_of(&name)),
            hours: format!("{}–{}, {}", one.from, one.to, days_in_words(language, &one.days)),
            block: in_words(&web, language, &one.block),
            allow: in_words(&web, language, &one.allow),
            only: one.only.join(", "),
            except: one.except.join(", "),
            picture: picture(language, position, &one.name, &week),
            week: week.iter().map(|spans| spans_in_words(spans)).collect(),
        }
    });
    let budgets = form.budgets.iter().enumerate().map(|(position, one)| BudgetCard {
        name: one.name.clone(),
        path: format!("{}/budgets/{position}", path_of(&name)),
        of: in_words(&web, language, &one.of),
        limit: one.limit.clone(),
        used: used.iter().find(|(who, what, _)| *who == name && *what == one.name).map_or(0, |(_, _, secs)| secs / 60),
    });
    let (schedules, budgets) = (schedules.collect(), budgets.collect());
    page(HoursPage { shell, head: head(&visitor, &name, Tab::Hours, None), schedules, budgets }.html())
}

/// The Monday of that day's week.
fn monday(day: Date) -> Date {
    let since = Span::new().days(i64::from(day.weekday().to_monday_zero_offset()));
    day.checked_sub(since).unwrap_or(day)
}

fn picture(language: Language, position: u8, name: &str, week: &[Vec<Range<u16>>; 7]) -> String {
    let days = (0..7_usize).zip(week).map(|(offset, spans)| Day {
        label: language.of(Family::WeekdayShort, &offset.to_string()).into_owned(),
        spans: spans.clone(),
    });
    let days: Vec<Day> = days.collect();
    let (id, text) = (format!("week-{position}"), language.t("week-text"));
    charts::week(&Caption { id: &id, title: name, text: &text }, &days)
}

fn spans_in_words(spans: &[Range<u16>]) -> String {
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
    let one = |span: &Range<u16>| format!("{}–{}", clock(span.start), clock(span.end));
    spans.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn days_in_words(language: Language, days: &[String]) -> String {
    if days.is_empty() || days.len() == DAYS.len() {
        return language.t("days-every").into_owned();
    }
    let shown = (0..7_usize).zip(DAYS).filter(|(_, code)| days.iter().any(|day| day == code));
    let shown = shown.map(|(offset, _)| language.of(Family::WeekdayShort, &offset.to_string()).into_owned());
    shown.collect::<Vec<_>>().join(", ")
}

fn in_words(web: &Web, language: Language, codes: &[String]) -> Vec<String> {
    codes.iter().map(|code| said::selector(web, language, code)).collect()
}

/// The row a path names; `None` for a new one.
fn position(which: &str, count: usize) -> Result<Option<usize>, Trouble> {
    if which == "new" {
        return Ok(None);
    }
    let position = which.parse().ok().filter(|position| *position < count);
    position.map(Some).ok_or(Trouble::NoSuch("page"))
}

async fn schedule(State(web): State<Arc<Web>>, visitor: Visitor, Path((name, which)): Path<(String, String)>) -> Page {
    visitor.may(Scope::Read)?;
    let form = web.profile(&name)?;
    let at = position(&which, form.schedules.len())?;
    let bedtime = ScheduleForm { from: "21:00".into(), to: "06:00".into(), ..ScheduleForm::default() };
    let one = at.and_then(|at| form.schedules.get(at)).cloned().unwrap_or(bedtime);
    page(schedule_page(&web, &visitor, &name, &which, &one, None)?)
}

async fn set_schedule(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path((name, which)): Path<(String, String)>,
    fields: Fields,
) -> Page {
    visitor.may(Scope::Policy)?;
    let mut form = web.profile(&name)?;
    let at = position(&which, form.schedules.len())?;
    let one = schedule_of(&fields);
    let wrong = match (fields.one("do"), at) {
        ("remove", Some(at)) => {
            form.schedules.remove(at);
            save(&web, &visitor, &name, &form).await?
        }
        _ => match schedule_fault(visitor.language(), &one) {
            Some(wrong) => Some(wrong),
            None => {
                put(&mut form.schedules, at, one.clone());
                save(&web, &visitor, &name, &form).await?
            }
        },
    };
    match wrong {
        None => see(&format!("{}/hours", path_of(&name))),
        Some(wrong) => page_again(schedule_page(&web, &visitor, &name, &which, &one, Some(wrong))?),
    }
}

fn put<T>(rows: &mut Vec<T>, at: Option<usize>, row: T) {
    match at.and_then(|at| rows.get_mut(at)) {
        Some(old) => *old = row,
        None => rows.push(row),
    }
}

fn schedule_of(fields: &Fields) -> ScheduleForm {
    ScheduleForm {
        name: fields.one("name").to_string(),
        days: days_of(fields),
        only: fields.all("only"),
        except: fields.all("except"),
        // Some browsers send seconds.
        from: fields.one("from").chars().take(5).collect(),
        to: fields.one("to").chars().take(5).collect(),
        block: fields.all("block"),
        allow: fields.all("allow"),
    }
}

/// The ticked days; all of them are every day, which is written as none.
fn days_of(fields: &Fields) -> Vec<String> {
    let days = fields.all("days");
    if days.len() == DAYS.len() { Vec::new() } else { days }
}

fn schedule_fault(language: Language, one: &ScheduleForm) -> Option<Wrong> {
    if one.name.is_empty() {
        return Some(Wrong::about("name", language.t("wrong-hours-name")));
    }
    for (field, value) in [("from", &one.from), ("to", &one.to)] {
        if value.parse::<Time>().is_err() {
            return Some(Wrong::about(field, language.t("wrong-time")));
        }
    }
    let is_empty = one.block.is_empty() && one.allow.is_empty();
    is_empty.then(|| Wrong::about("block", language.t("wrong-nothing-chosen")))
}

fn schedule_page(
    web: &Web,
    visitor: &Visitor,
    name: &str,
    which: &str,
    one: &ScheduleForm,
    wrong: Option<Wrong>,
) -> Result<String, Trouble> {
    let action = format!("{}/schedules/{which}", path_of(name));
    let shell = web.shell(visitor, Section::Children, &action)?;
    let (language, told) = (shell.language, wrong.as_ref());
    let fields = vec![
        Field::line("name", &language.t("hours-name"), &one.name)
            .hint(&language.t("schedule-name-hint"))
            .required()
            .told(told),
        Field::typed("time", "from", &language.t("schedule-from"), &one.from).required().told(told),
        Field::typed("time", "to", &language.t("schedule-to"), &one.to)
            .hint(&language.t("schedule-to-hint"))
            .required()
            .told(told),
    ];
    let form = HoursForm {
        of: Of::Schedule,
        is_there: which != "new",
        fields,
        days: days_boxes(language, &one.days),
        calendars: calendar_boxes(web, language, &one.only, &one.except)?,
        named: named(web, language, "block", &one.block, told),
        allowed: named(web, language, "allow", &one.allow, told),
        head: head(visitor, name, Tab::Hours, wrong),
        action,
        shell,
    };
    Ok(form.html())
}

fn days_boxes(language: Language, days: &[String]) -> Boxes {
    let choices = (0..7_usize).zip(DAYS).map(|(offset, code)| {
        let choice = Choice::among(code, &language.of(Family::Weekday, &offset.to_string()), days);
        Choice { is_chosen: choice.is_chosen || days.is_empty(), ..choice }
    });
    Boxes::any("days", &language.t("hours-days"), choices.collect())
}

fn calendar_boxes(web: &Web, language: Language, only: &[String], except: &[String]) -> Result<Vec<Boxes>, Trouble> {
    let calendars = web.calendars()?;
    if calendars.is_empty() {
        return Ok(Vec::new());
    }
    let ticked = |those: &[String]| calendars.iter().map(|one| Choice::among(&one.name, &one.name, those)).collect();
    Ok(vec![
        Boxes::any("only", &language.t("days-only"), ticked(only)),
        Boxes::any("except", &language.t("days-except"), ticked(except)),
    ])
}

/// What a form can name: everything, groups, and services by kind. The last ones under summaries of their own.
fn named(web: &Web, language: Language, field: &'static str, ticked: &[String], wrong: Option<&Wrong>) -> Vec<Named> {
    let everything = Choice::among("everything", &language.t("everything"), ticked);
    let groups = Category::ALL.into_iter().filter(|one| !UNNAMED.contains(one));
    let groups = groups.map(|one| Choice::among(one.code(), &language.category(&one), ticked));
    let mut all = vec![(language.t("hours-groups").into_owned(), [everything].into_iter().chain(groups).collect())];
    for category in Category::ALL.into_iter().filter(|one| !UNNAMED.contains(one)) {
        let own = web.builtin.services.iter().filter(|one| one.categories.first() == Some(category));
        let own: Vec<Choice> = own.map(|one| Choice::among(&one.id, &one.title, ticked)).collect();
        if !own.is_empty() {
            all.push((language.t1("hours-services", "kind", language.category(&category)).into_owned(), own));
        }
    }
    let numbered = all.into_iter().enumerate().map(|(position, (title, choices)): (usize, (String, Vec<Choice>))| {
        let is_first = position == 0 && field != "allow";
        let is_open = is_first || choices.iter().any(|choice| choice.is_chosen);
        let boxes = Boxes::any(field, &title, choices).at(&format!("{field}-{position}"));
        Named { title, is_open, boxes: if position == 0 { boxes.told(wrong) } else { boxes } }
    });
    numbered.collect()
}

/// Of these no hours can be made.
const UNNAMED: [Category; 4] = [Category::Csam, Category::LegalOrder, Category::Help, Category::HealthSexed];

async fn budget(State(web): State<Arc<Web>>, visitor: Visitor, Path((name, which)): Path<(String, String)>) -> Page {
    visitor.may(Scope::Read)?;
    let form = web.profile(&name)?;
    let at = position(&which, form.budgets.len())?;
    let hour = BudgetForm { limit: "1h".into(), ..BudgetForm::default() };
    let one = at.and_then(|at| form.budgets.get(at)).cloned().unwrap_or(hour);
    let minutes = minutes_of(&one.limit).map_or_else(|| one.limit.clone(), |minutes| minutes.to_string());
    page(budget_page(&web, &visitor, &name, &which, (&one, &minutes), None)?)
}

async fn set_budget(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path((name, which)): Path<(String, String)>,
    fields: Fields,
) -> Page {
    visitor.may(Scope::Policy)?;
    let mut form = web.profile(&name)?;
    let at = position(&which, form.budgets.len())?;
    let one = BudgetForm {
        name: fields.one("name").to_string(),
        of: fields.all("of"),
        limit: format!("{}m", fields.one("limit")),
        days: days_of(&fields),
        only: fields.all("only"),
        except: fields.all("except"),
    };
    let wrong = match (fields.one("do"), at) {
        ("remove", Some(at)) => {
            form.budgets.remove(at);
            save(&web, &visitor, &name, &form).await?
        }
        _ => match budget_fault(visitor.language(), &one, fields.one("limit")) {
            Some(wrong) => Some(wrong),
            None => {
                put(&mut form.budgets, at, one.clone());
                save(&web, &visitor, &name, &form).await?
            }
        },
    };
    match wrong {
        None => see(&format!("{}/hours", path_of(&name))),
        Some(wrong) => {
            page_again(budget_page(&web, &visitor, &name, &which, (&one, fields.one("limit")), Some(wrong))?)
        }
    }
}

fn budget_fault(language: Language, one: &BudgetForm, minutes: &str) -> Option<Wrong> {
    if one.name.is_empty() {
        return Some(Wrong::about("name", language.t("wrong-hours-name")));
    }
    if !minutes.parse().is_ok_and(|minutes: u32| (1..=1440).contains(&minutes)) {
        return Some(Wrong::about("limit", language.t("wrong-minutes")));
    }
    one.of.is_empty().then(|| Wrong::about("of", language.t("wrong-nothing-chosen")))
}

/// Whole minutes of a limit as the configuration writes it.
fn minutes_of(limit: &str) -> Option<u32> {
    let (number, unit) = limit.split_at_checked(limit.len().checked_sub(1)?)?;
    let number: u32 = number.parse().ok()?;
    match unit {
        "m" => Some(number),
        "h" => number.checked_mul(60),
        "d" => number.checked_mul(1440),
        _ => None,
    }
}

fn budget_page(
    web: &Web,
    visitor: &Visitor,
    name: &str,
    which: &str,
    (one, minutes): (&BudgetForm, &str),
    wrong: Option<Wrong>,
) -> Result<String, Trouble> {
    let action = format!("{}/budgets/{which}", path_of(name));
    let shell = web.shell(visitor, Section::Children, &action)?;
    let (language, told) = (shell.language, wrong.as_ref());
    let fields = vec![
        Field::line("name", &language.t("hours-name"), &one.name)
            .hint(&language.t("budget-name-hint"))
            .required()
            .told(told),
        Field::typed("number", "limit", &language.t("budget-minutes"), minutes).required().told(told),
    ];
    let form = HoursForm {
        of: Of::Budget,
        is_there: which != "new",
        fields,
        days: days_boxes(language, &one.days),
        calendars: calendar_boxes(web, language, &one.only, &one.except)?,
        named: named(web, language, "of", &one.of, told),
        allowed: Vec::new(),
        head: head(visitor, name, Tab::Hours, wrong),
        action,
        shell,
    };
    Ok(form.html())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn weeks_begin_on_monday_and_spans_are_told() {
        assert_eq!(monday(date(2026, 11, 26)), date(2026, 11, 23));
        assert_eq!(spans_in_words(&[0..390, 1260..1440]), "00:00–06:30, 21:00–24:00");
    }

    #[test]
    fn limits_are_shown_in_minutes() {
        assert_eq!(["90m", "2h", "1d", "x", ""].map(minutes_of), [Some(90), Some(120), Some(1440), None, None]);
    }
}
