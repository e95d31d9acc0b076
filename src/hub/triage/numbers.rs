//! The weekly sums as people read them: estimates with their error, by group and band and by group and part of the day, and
//! what they have cost in privacy.

use std::collections::BTreeMap;

use crate::classify::Category;
use crate::hub::database::Value;
use crate::hub::triage::store::{Store, TriageError};
use crate::policy::Band;
use crate::report::ledger::{Ledger, NOISE_VARIANCE, WEEKS_A_YEAR};
use crate::report::statistics::{BANDS, CELLS, Cell, Estimate, GROUPS, PARTS};

/// Half the width of an interval that holds the truth in 95 of 100 cases, in deviations.
pub const SIGMAS: f64 = 1.96;

/// One week.
#[derive(Debug, Clone)]
pub struct Week {
    /// Weeks since 1970.
    pub epoch: u32,
    /// Homes that took part.
    pub reports: u64,
    /// Of the noise each aggregator added.
    pub variance: u64,
    /// One in so many bits was turned over.
    pub flip_one_in: u64,
    /// By place.
    pub cells: BTreeMap<usize, Estimate>,
}

/// One of the counts, in words.
#[derive(Debug, Clone)]
pub struct Counted {
    /// `band` or `part`.
    pub table: &'static str,
    /// Categories counted together.
    pub group: Vec<Category>,
    /// Number of the group, from 0.
    pub group_at: usize,
    /// Number of the band or part, from 0.
    pub column: usize,
    /// How many homes.
    pub estimate: Estimate,
}

impl Counted {
    /// Ends of the interval; homes are no fewer than none.
    pub fn interval(&self) -> (f64, f64) {
        let Estimate { households, deviation } = self.estimate;
        ((households - SIGMAS * deviation).max(0.0), (households + SIGMAS * deviation).max(0.0))
    }

    /// Cannot be told from nothing at all.
    pub fn is_noise(&self) -> bool {
        self.estimate.households < SIGMAS * self.estimate.deviation
    }

    /// Code of the band, or the hours of the part.
    pub fn column_code(&self) -> &'static str {
        match self.table {
            "band" => Band::ALL.get(self.column).map_or("", |band| band.code()),
            _ => PART_HOURS.get(self.column).copied().unwrap_or(""),
        }
    }
}

/// The parts of a day: quarters, from midnight.
const PART_HOURS: [&str; PARTS] = ["00-06", "06-12", "12-18", "18-24"];

impl Week {
    /// All counts that were published, bands first.
    pub fn counted(&self) -> Vec<Counted> {
        let groups = groups();
        let one = |(place, estimate): (&usize, &Estimate)| {
            let of_bands = GROUPS * BANDS;
            let (table, group_at, column) = if *place < of_bands {
                ("band", place / BANDS, place % BANDS)
            } else {
                ("part", (place - of_bands) / PARTS, (place - of_bands) % PARTS)
            };
            Some(Counted { table, group: groups.get(group_at)?.clone(), group_at, column, estimate: *estimate })
        };
        self.cells.iter().filter_map(one).collect()
    }
}

/// The categories of each of the groups, read off the places the counts have.
pub fn groups() -> Vec<Vec<Category>> {
    let mut groups = vec![Vec::new(); GROUPS];
    for category in Category::ALL {
        let at = Cell::of_band(category, 0).map(|cell| cell.place() / BANDS);
        if let Some(group) = at.and_then(|at| groups.get_mut(at)) {
            group.push(category);
        }
    }
    groups
}

/// The weeks that were published, newest first.
pub fn weeks(store: &Store, most: u32) -> Result<Vec<Week>, TriageError> {
    let question = "SELECT epoch, reports, variance, flip_one_in FROM batches ORDER BY epoch DESC LIMIT $1";
    let rows = store.database.query(question, &[Value::from(most)])?;
    let mut weeks = Vec::new();
    for row in &rows {
        let number = |at: usize| row.get(at).and_then(Value::int).and_then(|number| u64::try_from(number).ok());
        let (Some(epoch), Some(reports), Some(variance), Some(flip_one_in)) =
            (number(0), number(1), number(2), number(3))
        else {
            continue;
        };
        let epoch = u32::try_from(epoch).unwrap_or(u32::MAX);
        weeks.push(Week { epoch, reports, variance, flip_one_in, cells: cells(store, epoch)? });
    }
    Ok(weeks)
}

/// What homes answered where one operator only could be reached: share of a group's answers as homes of those asked.
#[derive(Debug, Clone)]
pub struct Answered {
    /// Weeks since 1970.
    pub epoch: u32,
    /// Categories counted together.
    pub group: Vec<Category>,
    /// Homes that were asked about this group, by chance.
    pub asked: u64,
    /// How many of them met it.
    pub estimate: Estimate,
}

/// All of them, newest first.
pub fn answers(store: &Store) -> Result<Vec<Answered>, TriageError> {
    let rows = store.database.query("SELECT epoch, grp, yes, asked FROM answers ORDER BY epoch DESC, grp", &[])?;
    let groups = groups();
    let one = |row: &Vec<Value>| {
        let number = |at: usize| u64::try_from(row.get(at)?.int()?).ok();
        let (yes, asked) = (number(2)?, number(3)?);
        let group = groups.get(usize::try_from(number(1)?).ok()?)?.clone();
        let estimate = Estimate::of_answers(yes, asked);
        Some(Answered { epoch: u32::try_from(number(0)?).ok()?, group, asked, estimate })
    };
    Ok(rows.iter().filter_map(one).collect())
}

fn cells(store: &Store, epoch: u32) -> Result<BTreeMap<usize, Estimate>, TriageError> {
    let rows =
        store.database.query("SELECT cell, households, deviation FROM cells WHERE epoch = $1", &[epoch.into()])?;
    let one = |row: &Vec<Value>| {
        let place = usize::try_from(row.first()?.int()?).ok().filter(|place| *place < CELLS)?;
        Some((place, Estimate { households: row.get(1)?.real()?, deviation: row.get(2)?.real()? }))
    };
    Ok(rows.iter().filter_map(one).collect())
}

/// What the releases of the newest year have cost, and the weeks whose noise was too small to be counted so.
pub fn ledger(weeks: &[Week]) -> (Ledger, Vec<u32>) {
    let newest = weeks.iter().map(|week| week.epoch).max().unwrap_or(0);
    let mut of_year: Vec<&Week> = weeks.iter().filter(|week| week.epoch + WEEKS_A_YEAR > newest).collect();
    of_year.sort_by_key(|week| week.epoch);
    let (mut ledger, mut odd) = (Ledger::for_weeks(WEEKS_A_YEAR), Vec::new());
    for week in of_year {
        if week.variance < NOISE_VARIANCE || ledger.spend(week.epoch).is_err() {
            odd.push(week.epoch);
        }
    }
    (ledger, odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_place_has_its_words() {
        let groups = groups();
        assert!(groups.len() == GROUPS && groups.iter().all(|group| !group.is_empty()));
        assert!(
            groups.iter().flatten().all(|one| !matches!(one, Category::Help | Category::Csam | Category::HealthSexed))
        );
        let estimate = Estimate { households: 100.0, deviation: 40.0 };
        let place = |cell: Option<Cell>| cell.map_or(usize::MAX, Cell::place);
        let (band, part) = (place(Cell::of_band(Category::Gambling, 3)), place(Cell::of_part(Category::Gambling, 2)));
        let cells = BTreeMap::from([(band, estimate), (part, Estimate { households: 70.0, ..estimate })]);
        let week = Week { epoch: 1, reports: 900, variance: 573, flip_one_in: 64, cells };
        let counted = week.counted();
        assert_eq!((counted[0].table, counted[0].column_code()), ("band", "13-15"));
        assert_eq!((counted[1].table, counted[1].column_code()), ("part", "12-18"));
        assert!(counted.iter().all(|one| one.group.contains(&Category::Gambling)));
        assert!(!counted[0].is_noise() && counted[1].is_noise());
        assert_eq!(counted[1].interval().0, 0.0);
    }

    #[test]
    fn the_ledger_counts_a_year_and_names_what_it_cannot_count() {
        let week = |epoch, variance| Week { epoch, reports: 900, variance, flip_one_in: 64, cells: BTreeMap::new() };
        let (ledger, odd) = ledger(&[week(100, 573), week(99, 573), week(98, 10), week(40, 573)]);
        assert_eq!(odd, [98]);
        assert_eq!(ledger.to_string().lines().count(), 3);
    }
}
