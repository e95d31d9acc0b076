//! A candidate: a name in a category, with what enough homes said of it, epoch by epoch. Made from the rows of whoever opened
//! the reports; what no report may be about is left out here once more.

use std::collections::BTreeMap;

use crate::classify::Category;
use crate::hub::collect::open::REGION_FLOOR;
use crate::hub::database::{Row, Value};
use crate::hub::triage::state::State;
use crate::judge::HelpSet;
use crate::name::Name;
use crate::report::calendar::Calendar;
use crate::report::message::Lane;

/// One count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Number of the epoch in its lane.
    pub epoch: u32,
    /// Homes that said it.
    pub households: u64,
    /// Shares that fitted nothing.
    pub refused: u64,
    /// When it was opened, seconds since 1970.
    pub at: i64,
}

/// A name in a category.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Registrable.
    pub name: Name,
    /// What homes' own engines took it for.
    pub category: Category,
    /// In which count.
    pub lane: Lane,
    /// Where it stands.
    pub state: State,
    /// Since when, seconds since 1970; 0 for new ones.
    pub changed: i64,
    /// Oldest first.
    pub counts: Vec<Count>,
    /// The most homes of a region in any one epoch, from 5 on.
    pub regions: BTreeMap<u8, u64>,
    /// How sure the engines were, in four steps from the least: homes, all epochs together.
    pub confidence: [u64; 4],
}

impl Candidate {
    /// The most homes of any epoch.
    pub fn most(&self) -> u64 {
        self.counts.iter().map(|count| count.households).max().unwrap_or(0)
    }

    /// When the newest count was opened.
    pub fn newest_at(&self) -> i64 {
        self.counts.iter().map(|count| count.at).max().unwrap_or(0)
    }

    /// How sure the engines were, of a hundred: the mean of their four steps.
    pub fn sureness(&self) -> u8 {
        let all: u64 = self.confidence.iter().sum();
        let weighted: u64 = self.confidence.iter().zip(0_u64..).map(|(homes, step)| homes.saturating_mul(step)).sum();
        u8::try_from(weighted.saturating_mul(100) / all.saturating_mul(3).max(1)).unwrap_or(100)
    }

    /// When the first and the last of its epochs begin and end, seconds since 1970.
    pub fn span(&self) -> (u64, u64) {
        let calendar = Calendar::default();
        let first = self.counts.first().map_or(0, |count| calendar.begins_at(self.lane, count.epoch));
        (first, self.counts.last().map_or(0, |count| calendar.ends_at(self.lane, count.epoch)))
    }
}

/// The columns [`gather`] reads.
pub const COLUMNS: &str = "lane, epoch, name, category, households, refused, regions, confidence, at";

/// Rows to candidates, by name and category. Rows that no report may be about, help among them, vanish without a word.
pub fn gather(rows: &[Row], help: &HelpSet) -> BTreeMap<(String, Category), Candidate> {
    let mut all: BTreeMap<(String, Category), Candidate> = BTreeMap::new();
    for read in rows.iter().filter_map(one) {
        if help.contains(&read.name) || help.names().iter().any(|name| name.is_within(&read.name)) {
            continue;
        }
        let key = (read.name.to_string(), read.category);
        match all.get_mut(&key) {
            None => {
                all.insert(key, read);
            }
            Some(known) => {
                known.counts.extend(read.counts);
                for (region, homes) in read.regions {
                    let most = known.regions.entry(region).or_default();
                    *most = homes.max(*most);
                }
                for (sum, homes) in known.confidence.iter_mut().zip(read.confidence) {
                    *sum = sum.saturating_add(homes);
                }
            }
        }
    }
    all.values_mut().for_each(|one| one.counts.sort_by_key(|count| count.epoch));
    all
}

/// One row; `None` for what no report may say.
fn one(row: &Row) -> Option<Candidate> {
    let text = |at: usize| row.get(at).and_then(Value::text);
    let number = |at: usize| u64::try_from(row.get(at)?.int()?).ok();
    let lane = Lane::from_name(text(0)?)?;
    let category = Category::from_code(text(3)?).filter(|category| lane.categories().contains(*category))?;
    let name = Name::parse(text(2)?).ok()?;
    let is_registrable = name.registrable().is_some_and(|registrable| registrable.to_name() == name);
    if !is_registrable {
        return None;
    }
    let regions: BTreeMap<u8, u64> = serde_json::from_str(text(6)?).ok()?;
    let count = Count {
        epoch: u32::try_from(number(1)?).ok()?,
        households: number(4)?,
        refused: number(5)?,
        at: row.get(8)?.int()?,
    };
    Some(Candidate {
        name,
        category,
        lane,
        state: State::New,
        changed: 0,
        counts: vec![count],
        regions: regions.into_iter().filter(|(_, homes)| *homes >= REGION_FLOOR as u64).collect(),
        confidence: serde_json::from_str(text(7)?).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::data::Builtin;

    fn row(lane: &str, epoch: i64, name: &str, category: &str, homes: i64, regions: &str) -> Row {
        vec![
            lane.into(),
            Value::Int(epoch),
            name.into(),
            category.into(),
            Value::Int(homes),
            Value::Int(0),
            regions.into(),
            "[0,10,10,20]".into(),
            Value::Int(1000 + epoch),
        ]
    }

    #[test]
    fn epochs_come_together_and_small_regions_stay_unsaid() {
        let help = Builtin::read().unwrap_or_else(|_| panic!("built in")).help;
        let rows = [
            row("security", 8, "bad.example", "malware", 31, "{\"7\":12,\"3\":4}"),
            row("security", 7, "bad.example", "malware", 25, "{\"7\":15,\"2\":5}"),
            row("security", 7, "bad.example", "phishing_scam", 22, "{}"),
        ];
        let all = gather(&rows, &help);
        assert_eq!(all.len(), 2);
        let one = &all[&("bad.example".to_string(), Category::Malware)];
        assert_eq!(one.counts.iter().map(|count| count.epoch).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(one.regions, BTreeMap::from([(2, 5), (7, 15)]));
        assert_eq!((one.most(), one.sureness(), one.newest_at()), (31, 75, 1008));
        assert_eq!(one.span(), (7 * 86_400, 9 * 86_400));
    }

    #[test]
    fn what_no_report_may_be_about_is_nowhere() {
        let help = Builtin::read().unwrap_or_else(|_| panic!("built in")).help;
        let helper = help.names().first().map(ToString::to_string).unwrap_or_default();
        for (lane, name, category) in [
            ("harm", helper.as_str(), "grooming"),
            ("harm", "a.example", "csam"),
            ("harm", "a.example", "help"),
            ("harm", "a.example", "health_sexed"),
            ("harm", "a.example", "malware"),
            ("harm", "www.a.example.com", "grooming"),
            ("other", "a.example", "grooming"),
        ] {
            assert!(gather(&[row(lane, 1, name, category, 30, "{}")], &help).is_empty(), "{lane} {category}");
        }
    }
}
