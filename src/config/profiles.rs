//! `[[profile]]`, `[[profile.schedule]]` and `[[profile.budget]]`.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Time;

use super::days::start_days;
use super::read::word;
use super::{ProfileSpec, ScheduleSpec, SelectorSpec, Vocabulary};
use crate::classify::{Category, CategorySet};
use crate::document::{At, Table, nearest};
use crate::name::Name;
use crate::policy::{
    Age, Band, BudgetInput, Calendar, Criteria, Nameless, ProfileInput, Quic, ScheduleInput, Selector, Unexplained,
    WhenDead, Youtube,
};

/// Every profile with its name and place; a profile that could not be read is `None`, so that positions stay.
pub(super) fn profiles(
    root: &mut Table<'_>,
    criteria: Option<&Criteria>,
    calendars: &[Arc<Calendar>],
    words: &Vocabulary,
) -> Vec<(At<String>, Option<ProfileSpec>)> {
    let mut profiles: Vec<(At<String>, Option<ProfileSpec>)> = Vec::new();
    for mut table in root.tables("profile") {
        let name = table.required::<String>("name");
        let spec = profile(&mut table, name.as_ref(), criteria, calendars, words);
        let Some(name) = name else { continue };
        if profiles.iter().any(|(other, _)| other.value == name.value) {
            table.fault(&name.span, format!("profile name {:?} is taken; names are unique", name.value));
        }
        profiles.push((name, spec));
    }
    if profiles.is_empty() {
        root.fault(&root.span(), "there is no `[[profile]]`; at least one is needed");
    }
    profiles
}

fn profile(
    table: &mut Table<'_>,
    name: Option<&At<String>>,
    criteria: Option<&Criteria>,
    calendars: &[Arc<Calendar>],
    words: &Vocabulary,
) -> Option<ProfileSpec> {
    let age = age(table);
    let mut input = ProfileInput::new(name.map_or("", |name| &name.value), age.unwrap_or(Age::Band(Band::Age0to5)));
    input.language = word(table, "language", "language", &[("vi", "vi"), ("en", "en")]).map(|at| at.value);
    input.safe_search = table.get("safe_search").map(|at| at.value);
    let youtube = [Youtube::Off, Youtube::Moderate, Youtube::Strict].map(|mode| (mode.code(), mode));
    input.youtube = word(table, "youtube", "YouTube mode", &youtube).map(|at| at.value);
    input.canary = table.get("canary").map(|at| at.value);
    input.block_private_relay = table.get("block_private_relay").map(|at| at.value);
    input.filter_prefetch = table.get("filter_prefetch").map(|at| at.value);
    input.strip_ech = table.get("strip_ech").map(|at| at.value);
    input.block_lookalikes = table.get("block_lookalikes").map(|at| at.value);
    input.guess_unlisted = table.get("guess_unlisted").map(|at| at.value);
    input.rebinding_protection = table.get("rebinding_protection").map(|at| at.value);
    network(table, &mut input);
    let locked = criteria.map_or((CategorySet::EMPTY, CategorySet::EMPTY), |criteria| {
        (criteria.no_loosening(), criteria.no_tightening())
    });
    let block = selectors(table, "block", locked.1, "refuse", words);
    let allow = selectors(table, "allow", locked.0, "allow", words);
    input.block_names = names(table, "block_names");
    input.allow_names = names(table, "allow_names");
    let schedules: Vec<_> = table.tables("schedule").iter_mut().map(|one| schedule(one, calendars, words)).collect();
    let budgets = budgets(table, calendars, words);
    age?;
    let schedules = schedules.into_iter().collect::<Option<_>>()?;
    Some(ProfileSpec { input, block, allow, schedules, budgets: budgets? })
}

/// How the profile's connections are treated beside their names.
fn network(table: &mut Table<'_>, input: &mut ProfileInput) {
    input.intercept = table.get("intercept").map(|at| at.value);
    input.quic = word(table, "quic", "treatment of QUIC", Quic::WORDS).map(|at| at.value);
    input.nameless = word(table, "nameless", "treatment of addresses", Nameless::WORDS).map(|at| at.value);
    input.unexplained = word(table, "unexplained", "treatment of false names", Unexplained::WORDS).map(|at| at.value);
    input.block_tunnels = table.get("block_tunnels").map(|at| at.value);
    input.block_encrypted_dns = table.get("block_encrypted_dns").map(|at| at.value);
    input.when_dead = word(table, "when_dead", "state", WhenDead::WORDS).map(|at| at.value);
}

fn age(table: &mut Table<'_>) -> Option<Age> {
    let band = table.get::<Band>("band");
    let born = table.get::<u64>("born");
    match (band, born) {
        (Some(_), Some(born)) => {
            table.fault(&born.span, "a profile has `band` or `born`, not both");
            None
        }
        (Some(band), None) => Some(Age::Band(band.value)),
        (None, Some(born)) => match i16::try_from(born.value) {
            Ok(year) if (1900..=2200).contains(&year) => Some(Age::Born(year)),
            _ => {
                table.fault(&born.span, format!("{} is not a year of birth (1900 to 2200)", born.value));
                None
            }
        },
        (None, None) => {
            if !table.has("band") && !table.has("born") {
                table.fault(&table.span(), "`band` (\"6-9\") or `born` (2017) is missing");
            }
            None
        }
    }
}

/// `locked` is what a guardian cannot decide by category, whatever the profile says.
fn selectors(
    table: &mut Table<'_>,
    key: &'static str,
    locked: CategorySet,
    verb: &str,
    words: &Vocabulary,
) -> Vec<SelectorSpec> {
    let written = table.or::<Vec<At<String>>>(key, Vec::new());
    let mut selectors = Vec::new();
    for word in &written {
        let Some(selector) = selector(table, word, words) else { continue };
        if let SelectorSpec::Known(Selector::Category(category)) = selector
            && locked.contains(category)
        {
            let what =
                format!("the criteria do not let a guardian {verb} all of `{}`; use {key}_names", category.code());
            table.fault(&word.span, what);
        }
        selectors.push(selector);
    }
    selectors
}

fn selector(table: &Table<'_>, word: &At<String>, words: &Vocabulary) -> Option<SelectorSpec> {
    if word.value == "everything" {
        return Some(SelectorSpec::Known(Selector::Everything));
    }
    if let Some(category) = Category::from_code(word) {
        return Some(SelectorSpec::Known(Selector::Category(category)));
    }
    if words.services.contains(&word.value) {
        return Some(SelectorSpec::Service(word.value.clone()));
    }
    let known = Category::ALL.iter().map(|category| category.code()).chain(words.services.iter().map(String::as_str));
    let advice = nearest(word, known).map_or_else(
        || "see CATEGORIES and blocklists/services.toml".to_string(),
        |near| format!("did you mean {near:?}?"),
    );
    table.fault(&word.span, format!("no category or service is called {:?} ({advice})", word.value));
    None
}

fn names(table: &mut Table<'_>, key: &'static str) -> Vec<Name> {
    let written = table.or::<Vec<At<Name>>>(key, Vec::new());
    for name in &written {
        if name.value.is_icann_suffix() || name.value.is_root() {
            table.fault(&name.span, format!("{} is a public suffix; name the sites below it", name.value));
        }
    }
    written.into_iter().map(|name| name.value).collect()
}

fn schedule(table: &mut Table<'_>, calendars: &[Arc<Calendar>], words: &Vocabulary) -> Option<ScheduleSpec> {
    let name = table.required::<String>("name");
    let days = start_days(table, calendars);
    let from = table.required::<Time>("from");
    let to = table.required::<Time>("to");
    let block = selectors(table, "block", CategorySet::EMPTY, "refuse", words);
    let allow = selectors(table, "allow", CategorySet::EMPTY, "allow", words);
    if block.is_empty() && allow.is_empty() {
        table.fault(&table.span(), "a schedule needs `block` or `allow`");
    }
    let input = ScheduleInput {
        name: name?.value,
        days: days?,
        from: from?.value,
        to: to?.value,
        block: Vec::new(),
        allow: Vec::new(),
    };
    Some(ScheduleSpec { input, block, allow })
}

/// One bit each of a word.
const BUDGETS_MAX: usize = 64;
/// Shorter is a block, longer is no limit.
const BUDGET_SECS: RangeInclusive<u64> = 60..=86_400;
/// What was looked at of these is nobody's to measure.
const NEVER_MEASURED: CategorySet = CategorySet::of(&[Category::Csam, Category::HealthSexed, Category::Help]);

fn budgets(
    profile: &mut Table<'_>,
    calendars: &[Arc<Calendar>],
    words: &Vocabulary,
) -> Option<Vec<(BudgetInput, Vec<SelectorSpec>)>> {
    let mut names: Vec<String> = Vec::new();
    let mut budgets = Vec::new();
    for (position, mut table) in profile.tables("budget").into_iter().enumerate() {
        if position == BUDGETS_MAX {
            table.fault(&table.span(), format!("a profile has at most {BUDGETS_MAX} budgets"));
        }
        let name = table.required::<String>("name");
        if let Some(name) = name.as_ref().filter(|name| names.contains(&name.value)) {
            table.fault(&name.span, format!("budget name {:?} is taken; names are unique", name.value));
        }
        names.extend(name.as_ref().map(|name| name.value.clone()));
        budgets.push(budget(&mut table, name.map(|name| name.value), calendars, words));
    }
    budgets.into_iter().collect()
}

fn budget(
    table: &mut Table<'_>,
    name: Option<String>,
    calendars: &[Arc<Calendar>],
    words: &Vocabulary,
) -> Option<(BudgetInput, Vec<SelectorSpec>)> {
    let of = counted(table, words);
    let limit = table.required::<Duration>("limit");
    if let Some(limit) = limit.as_ref().filter(|limit| !BUDGET_SECS.contains(&limit.as_secs())) {
        table.fault(
            &limit.span,
            "a limit is between \"1m\" and \"1d\" a day; to refuse something altogether use `block`",
        );
    }
    let days = start_days(table, calendars)?;
    Some((BudgetInput { name: name?, of: Vec::new(), limit: limit?.value, days }, of))
}

/// `of`: what counts towards a budget.
fn counted(table: &mut Table<'_>, words: &Vocabulary) -> Vec<SelectorSpec> {
    let mut counted = Vec::new();
    let Some(written) = table.required::<Vec<At<String>>>("of") else { return counted };
    if written.is_empty() {
        table.fault(&written.span, "`of` is empty; name categories, services or \"everything\"");
    }
    for word in &written.value {
        let Some(selector) = selector(table, word, words) else { continue };
        if let SelectorSpec::Known(Selector::Category(category)) = selector
            && NEVER_MEASURED.contains(category)
        {
            table.fault(&word.span, format!("the use of `{}` is never measured", category.code()));
        }
        counted.push(selector);
    }
    counted
}
