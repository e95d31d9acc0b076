//! What was refused, as far as CATEGORIES ("Who sees what") lets anybody see it, and no longer than it says:
//!
//! | band | kept | for |
//! |---|---|---|
//! | 0-5, 6-9 | names that were refused for what they are, and counts by category | 7 days |
//! | 10-12 | counts by category and day | 30 days |
//! | 13-15 | counts by group and week | 30 days |
//! | 16-17 | today's number of attacks, in memory | the day |
//! | 18+ | nothing | |
//!
//! Never help, health and sex education, sealed content, or anything that was allowed.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};

use jiff::civil::Date;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::{Error, Family, database};
use crate::classify::{Category, CategorySet, Tier};
use crate::policy::{Band, Step};
use crate::telemetry::activity::Refused;

/// What is never kept, of anybody.
const NEVER: CategorySet = CategorySet::of(&[Category::Csam, Category::Help, Category::HealthSexed]);
const NAMES_DAYS: i32 = 7;
const COUNTS_DAYS: i32 = 30;
/// Different names of a profile and day; a device gone wild does not fill the disk.
const NAMES_MAX: i64 = 1000;

/// A name and how often it was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NameCount {
    /// The day, on the household's calendar.
    pub day: String,
    /// The site.
    pub name: String,
    /// The category it was refused for.
    pub category: String,
    /// How often.
    pub count: u32,
}

/// How often something was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// A day (2026-11-23) or the Monday of a week.
    pub period: String,
    /// A category or a group.
    pub what: String,
    /// How often.
    pub count: u32,
}

/// Attacks that were stopped today, by kind. No names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alert {
    /// The category.
    pub category: &'static str,
    /// How often.
    pub count: u32,
}

/// All a guardian may see of a profile.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Visible {
    /// Names, for the youngest alone.
    pub names: Vec<NameCount>,
    /// Counts.
    pub counts: Vec<Count>,
    /// Attacks of today.
    pub alerts: Vec<Alert>,
}

/// Attacks of one day, by profile and category.
#[derive(Default)]
pub(super) struct Alerts {
    day: Option<Date>,
    counts: HashMap<(Arc<str>, Category), u32>,
}

/// In what form the counts of a band are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Names,
    Days,
    Weeks,
    Nothing,
}

const fn keeps(band: Band) -> Keeps {
    match band {
        Band::Age0to5 | Band::Age6to9 => Keeps::Names,
        Band::Age10to12 => Keeps::Days,
        Band::Age13to15 => Keeps::Weeks,
        Band::Age16to17 | Band::Adult => Keeps::Nothing,
    }
}

impl Family {
    /// Takes what the doors told, in one write.
    pub fn record(&self, refused: &[impl Borrow<Refused>], now: i64, today: Date) -> Result<(), Error> {
        let refused = refused.iter().map(Borrow::borrow);
        refused.clone().for_each(|one| self.note_recent(one, now));
        let kept: Vec<&Refused> = refused.filter(|one| may_be_kept(one)).collect();
        if kept.is_empty() {
            return Ok(());
        }
        self.note_alerts(&kept, today);
        let mut db = self.db();
        let write = db.transaction()?;
        for one in kept {
            keep(&write, one, today)?;
        }
        write.commit()?;
        drop(db);
        self.changed();
        Ok(())
    }

    fn note_alerts(&self, refused: &[&Refused], today: Date) {
        let mut alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        if alerts.day != Some(today) {
            *alerts = Alerts { day: Some(today), counts: HashMap::new() };
        }
        let attacks = refused.iter().filter(|one| one.band != Band::Adult).filter_map(|one| {
            let category = one.verdict.reason.category.filter(|category| category.tier() == Tier::Security)?;
            Some((Arc::clone(&one.profile), category))
        });
        for attack in attacks {
            *alerts.counts.entry(attack).or_default() += 1;
        }
    }

    /// What a guardian may see of a profile in that band today.
    pub fn visible(&self, profile: &str, band: Band, today: Date) -> Result<Visible, Error> {
        let db = self.db();
        let mut visible = Visible { alerts: self.alerts_of(profile, band, today), ..Visible::default() };
        let keeps = keeps(band);
        if keeps == Keeps::Names {
            let sql = "SELECT day, name, category, count FROM refused WHERE profile = ?1 AND day > ?2 ORDER BY day DESC, count DESC, name";
            let mut rows = db.prepare_cached(sql)?;
            let since = days_before(today, NAMES_DAYS);
            let rows = rows.query_map(params![profile, since], |row| {
                Ok(NameCount { day: row.get(0)?, name: row.get(1)?, category: row.get(2)?, count: row.get(3)? })
            })?;
            visible.names = rows.collect::<Result<_, _>>()?;
        }
        if keeps != Keeps::Nothing {
            let sql = "SELECT period, what, count FROM counted WHERE profile = ?1 AND period > ?2 ORDER BY period DESC, count DESC, what";
            let mut rows = db.prepare_cached(sql)?;
            let rows = rows.query_map(params![profile, days_before(today, days_of(keeps))], |row| {
                Ok(Count { period: row.get(0)?, what: row.get(1)?, count: row.get(2)? })
            })?;
            visible.counts = rows.collect::<Result<_, _>>()?;
        }
        Ok(visible)
    }

    fn alerts_of(&self, profile: &str, band: Band, today: Date) -> Vec<Alert> {
        let alerts = self.alerts.lock().unwrap_or_else(PoisonError::into_inner);
        if band == Band::Adult || alerts.day != Some(today) {
            return Vec::new();
        }
        let of = alerts.counts.iter().filter(|((name, _), _)| **name == *profile);
        let mut of: Vec<Alert> =
            of.map(|((_, category), count)| Alert { category: category.code(), count: *count }).collect();
        of.sort_by_key(|alert| alert.category);
        of
    }

    /// Deletes what may no longer be kept: by age, by band, of profiles that are gone, and whatever has ended. Once an hour,
    /// and when profiles change.
    pub fn forget(&self, profiles: &[(Arc<str>, Band)], now: i64, today: Date) -> Result<(), Error> {
        let mut gone = self.forget_requests(now)?
            + self.forget_acts(now)?
            + self.forget_devices(now)?
            + self.forget_sessions(now)?;
        self.unwritten_grants.lock().unwrap_or_else(PoisonError::into_inner).retain(|grant| grant.until > now);
        let db = self.db();
        gone += db.execute("DELETE FROM allowed WHERE until <= ?1", [now])?;
        gone += db.execute("DELETE FROM pause WHERE until <= ?1", [now])?;
        gone += db.execute("DELETE FROM spent WHERE day <= ?1", [days_before(today, NAMES_DAYS)])?;
        let known: HashSet<&str> = profiles.iter().map(|(name, _)| &**name).collect();
        for name in kept_profiles(&db)?.iter().filter(|name| !known.contains(name.as_str())) {
            gone += forget_profile(&db, name, Keeps::Nothing, today)?;
        }
        for (name, band) in profiles {
            gone += forget_profile(&db, name, keeps(*band), today)?;
        }
        if gone > 0 {
            database::forget_log(&db)?;
            drop(db);
            self.changed();
        }
        Ok(())
    }

    /// Deletes all that is kept of a profile's activity, at its owner's word.
    pub fn forget_activity(&self, profile: &str, today: Date) -> Result<(), Error> {
        let db = self.db();
        forget_profile(&db, profile, Keeps::Nothing, today)?;
        database::forget_log(&db)?;
        drop(db);
        self.changed();
        Ok(())
    }
}

fn may_be_kept(refused: &Refused) -> bool {
    let by_category = refused.verdict.reason.category.is_some_and(|category| NEVER.contains(category));
    let is_private = by_category || refused.categories.intersects(NEVER);
    refused.verdict.is_refusal() && !is_private && !matches!(refused.verdict.reason.step, Step::HelpSet | Step::Sealed)
}

fn keep(db: &Connection, refused: &Refused, today: Date) -> Result<(), Error> {
    let what = match keeps(refused.band) {
        Keeps::Nothing => return Ok(()),
        Keeps::Names | Keeps::Days => (today, category_of(refused)),
        Keeps::Weeks => (monday(today), group_of(refused)),
    };
    let sql = "INSERT INTO counted (profile, period, what, count) VALUES (?1, ?2, ?3, 1)
               ON CONFLICT (profile, period, what) DO UPDATE SET count = count + 1";
    db.prepare_cached(sql)?.execute(params![&*refused.profile, what.0.to_string(), what.1])?;
    if keeps(refused.band) == Keeps::Names && is_about_the_name(refused) {
        keep_name(db, refused, today)?;
    }
    Ok(())
}

fn keep_name(db: &Connection, refused: &Refused, today: Date) -> Result<(), Error> {
    // The site, not what of it: what stands before the registrable name can tell more than where somebody went.
    let site = refused.name.registrable().map_or_else(|| refused.name.to_string(), |name| name.to_name().to_string());
    let day = today.to_string();
    let held = "SELECT count(*) FROM refused WHERE profile = ?1 AND day = ?2";
    let held: i64 = db.prepare_cached(held)?.query_row(params![&*refused.profile, day], |row| row.get(0))?;
    if held >= NAMES_MAX {
        return Ok(());
    }
    let sql = "INSERT INTO refused (profile, day, name, category, count) VALUES (?1, ?2, ?3, ?4, 1)
               ON CONFLICT (profile, day, name) DO UPDATE SET count = count + 1";
    db.prepare_cached(sql)?.execute(params![&*refused.profile, day, site, category_of(refused)])?;
    Ok(())
}

/// What is refused at this hour only would be a record of where a child goes.
fn is_about_the_name(refused: &Refused) -> bool {
    matches!(
        refused.verdict.reason.step,
        Step::Security
            | Step::OwnBlock
            | Step::MinAge
            | Step::Criterion
            | Step::BandDefault
            | Step::Lookalike
            | Step::Guessed
    ) && (refused.verdict.reason.category != Some(Category::Unknown))
}

fn category_of(refused: &Refused) -> &'static str {
    refused.verdict.reason.category.map_or_else(|| by_step(refused.verdict.reason.step), Category::code)
}

fn group_of(refused: &Refused) -> &'static str {
    match refused.verdict.reason.category.map(Category::tier) {
        Some(Tier::Harm) => "harm",
        Some(Tier::Age) => "age",
        Some(Tier::Data) => "data",
        Some(Tier::Security) => "security",
        Some(Tier::Policy) => "policy",
        Some(Tier::Law) => "law",
        Some(Tier::Unknown | Tier::Sealed | Tier::Good | Tier::Protected) => "other",
        None => by_step(refused.verdict.reason.step),
    }
}

/// Where no category decided.
fn by_step(step: Step) -> &'static str {
    match step {
        Step::Schedule => "time",
        Step::OwnBlock => "rule",
        _ => "other",
    }
}

fn days_of(keeps: Keeps) -> i32 {
    if keeps == Keeps::Names { NAMES_DAYS } else { COUNTS_DAYS }
}

fn days_before(today: Date, days: i32) -> String {
    today.checked_sub(jiff::Span::new().days(days)).unwrap_or(today).to_string()
}

/// The Monday of that day's week.
fn monday(day: Date) -> Date {
    let since = i32::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(since)).unwrap_or(day)
}

fn kept_profiles(db: &Connection) -> Result<Vec<String>, Error> {
    let sql = "SELECT profile FROM refused UNION SELECT profile FROM counted UNION SELECT profile FROM spent";
    let mut rows = db.prepare_cached(sql)?;
    let rows = rows.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn forget_profile(db: &Connection, name: &str, keeps: Keeps, today: Date) -> Result<usize, Error> {
    let mut gone = 0;
    let names_since = if keeps == Keeps::Names { days_before(today, NAMES_DAYS) } else { FAR.to_string() };
    gone += db.execute("DELETE FROM refused WHERE profile = ?1 AND day <= ?2", params![name, names_since])?;
    let counts_since = if keeps == Keeps::Nothing { FAR.to_string() } else { days_before(today, days_of(keeps)) };
    gone += db.execute("DELETE FROM counted WHERE profile = ?1 AND period <= ?2", params![name, counts_since])?;
    // A child that has grown leaves finer counts behind: by category where only groups may be seen.
    if keeps == Keeps::Weeks {
        let mut rows = db.prepare_cached("SELECT DISTINCT what FROM counted WHERE profile = ?1")?;
        let kinds: Vec<String> = rows.query_map([name], |row| row.get(0))?.collect::<Result<_, _>>()?;
        for kind in kinds.iter().filter(|kind| Category::from_code(kind).is_some()) {
            gone += db.execute("DELETE FROM counted WHERE profile = ?1 AND what = ?2", params![name, kind])?;
        }
    }
    Ok(gone)
}

/// Later than any day.
const FAR: &str = "9999-12-31";
