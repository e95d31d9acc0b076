//! Five hundred households, four operators as processes of their own, weeks by a clock that waits for all: what enough homes met
//! comes out with the right number, what fewer met does not come out of any disk, sums are as right as they are said to be, and
//! an idle home looks like a busy one.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::clock::Clock;
use crate::harness::homes::{Resident, live_by};
use crate::harness::operators::{Operators, Options};
use crate::harness::{PATIENCE, folder_in_memory};
use luytre::classify::Category;
use luytre::name::Name;
use luytre::report::ledger::Ledger;
use luytre::report::message::Lane;
use luytre::report::preview::Kind;
use luytre::report::statistics::{BANDS, CELLS, Cell};
use tempfile::TempDir;

const HOMES: u32 = 500;

/// Harm of a week, by how many homes meet it; the last four stay closed at k = 20.
const WEEKLY: [(&str, u32); 7] = [
    ("xau.com", 200),
    ("doc-hai.vn", 45),
    ("bay.net", 20),
    ("hiem.vn", 19),
    ("rieng.com", 3),
    ("mot-nha.vn", 1),
    ("hai-nha.org", 2),
];
/// Attacks of a day.
const DAILY: [(&str, u32); 3] = [("lua-dao.top", 60), ("gia-mao.vn", 21), ("hiem-hoi.net", 12)];

/// Whether the `home`th is among the `homes` that meet the `at`th name.
fn meets(home: u32, at: usize, homes: u32) -> bool {
    (home + u32::try_from(at).unwrap() * 83) % HOMES < homes
}

/// Cells of a home, with no more than it may set: a group is met by more homes the lower its number.
fn cells_of(home: u32) -> Vec<(Category, usize)> {
    let all = [Category::Malware, Category::PhishingScam, Category::Porn, Category::Gambling, Category::Dating];
    let chosen = all.into_iter().enumerate();
    chosen
        .filter(|(at, _)| (home * 7 + u32::try_from(*at).unwrap() * 31) % 500 < 400 >> (2 * at))
        .map(|(at, category)| (category, (home as usize + at) % BANDS))
        .collect()
}

/// Gives a home what it meets in that week, and in that day.
fn meet(resident: &mut Resident, home: u32, at: u64) {
    let name = |text: &str| Name::from_str(text).unwrap();
    for (number, (text, homes)) in WEEKLY.iter().enumerate().filter(|(number, (_, homes))| meets(home, *number, *homes))
    {
        let confidence = u8::try_from((home as usize + number) % 4).unwrap();
        assert!(*homes > 0);
        resident.home.meet_name(at, &name(text), Category::Grooming, confidence, false);
    }
    for (category, band) in cells_of(home) {
        resident.home.meet_cell(at, category, band, 0);
    }
}

fn meet_daily(resident: &mut Resident, home: u32, at: u64) {
    for (_, (text, _)) in DAILY.iter().enumerate().filter(|(number, (_, homes))| meets(home, number + 3, *homes)) {
        let name = Name::from_str(text).unwrap();
        resident.home.meet_name(at, &name, Category::PhishingScam, 3, false);
    }
}

/// A name as it would lie on a disk, in either form.
fn spellings(name: &str) -> [Vec<u8>; 2] {
    let wire = Name::from_str(name).unwrap().as_wire().to_vec();
    [name.as_bytes().to_vec(), wire[..wire.len() - 1].to_vec()]
}

#[test]
fn five_hundred_homes_and_what_four_processes_make_of_them() {
    // Every home takes part in the week's sums: 500 are the fewest that are published.
    let options = Options { day_secs: 86_400, days: 2, weeks: 1, takes_part_one_in: 1, databases: None };
    let beside = TempDir::new().unwrap();
    let clock = Clock::new(beside.path());
    let mut operators = Operators::start_by(&options, |command| clock.rule(command));
    let (manifest, calendar) = (operators.manifest(), operators.calendar);
    let (day, week) = (operators.first(Lane::Security), operators.first(Lane::Harm));
    let spools = folder_in_memory();
    let mut homes: Vec<Resident> = (0..HOMES).map(|home| Resident::new(&manifest, home, spools.path())).collect();
    let keys_before = epoch_keys(&operators);
    assert_eq!(keys_before.len(), 2 * 3, "two days and a week at each operator");

    let day_begins = calendar.begins_at(Lane::Security, day);
    live_by(&clock, &operators, &mut homes, day_begins);
    homes.iter_mut().zip(0..).for_each(|(resident, home)| meet_daily(resident, home, day_begins));
    let week_begins = calendar.begins_at(Lane::Harm, week);
    live_by(&clock, &operators, &mut homes, week_begins);
    homes.iter_mut().zip(0..).for_each(|(resident, home)| meet(resident, home, week_begins));
    // Until the late ones are handed over and the sum is let go.
    live_by(&clock, &operators, &mut homes, calendar.after(Lane::Harm, week, 97));
    let patience = Instant::now() + 3 * PATIENCE;
    while operators.query("SELECT epoch FROM batches").is_empty() && Instant::now() < patience {
        live_by(&clock, &operators, &mut homes, clock.now_secs() + 1);
    }

    tell(&operators, &homes);
    names_that_enough_met(&operators);
    sums_are_as_right_as_they_are_said(&operators, u64::from(week));
    all_homes_look_alike(&homes);
    for role in ["a", "b", "relay", "issuer"] {
        assert!(!operators.log(role).contains("panicked"), "{}", operators.log(role));
    }
    operators.stop();
    nothing_else_is_on_any_disk(&operators, &keys_before);
}

fn names_that_enough_met(operators: &Operators) {
    let found = || -> BTreeMap<String, i64> {
        let rows = operators.indicators();
        rows.iter().map(|row| (row[2].text().unwrap().to_string(), row[4].int().unwrap())).collect()
    };
    let all = WEEKLY.iter().chain(&DAILY).filter(|(_, homes)| *homes >= 20);
    let expected: BTreeMap<String, i64> = all.map(|(name, homes)| ((*name).to_string(), i64::from(*homes))).collect();
    // What came late is opened a moment after it was handed over.
    let patience = Instant::now() + PATIENCE;
    while found() != expected && Instant::now() < patience {
        thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(found(), expected);
    assert!(operators.indicators().iter().all(|row| row[5].int() == Some(0)), "nobody sent junk");
}

fn sums_are_as_right_as_they_are_said(operators: &Operators, week: u64) {
    let mut truth = [0_u32; CELLS];
    for home in 0..HOMES {
        for (category, band) in cells_of(home) {
            truth[Cell::of_band(category, band).unwrap().place()] += 1;
            truth[Cell::of_part(category, 0).unwrap().place()] += 1;
        }
    }
    // One home may have two categories of one part of the day: each is a cell of its own, so nothing is counted twice.
    let rows = operators.query("SELECT epoch, cell, households, deviation FROM cells ORDER BY cell");
    assert_eq!(rows.len(), CELLS);
    let near = |row: &Vec<luytre::hub::database::Value>| {
        let (cell, households, deviation) =
            (usize::try_from(row[1].int().unwrap()).unwrap(), row[2].real().unwrap(), row[3].real().unwrap());
        (households - f64::from(truth[cell])).abs() <= 3.0 * deviation
    };
    assert!(rows.iter().all(|row| row[0].int() == i64::try_from(week).ok()));
    let within = rows.iter().filter(|row| near(row)).count();
    println!("{within} of {CELLS} cells within three deviations of {:.1} households", rows[0][3].real().unwrap());
    // One of 370 is further by chance. Of 216, more than six are so in three of a million runs; that 99 of
    // 100 are within is tested with many weeks in `hub/collect/tests.rs`.
    assert!(CELLS - within <= 6, "{within} of {CELLS}");
    let mut ledger = Ledger::for_weeks(52);
    for row in operators.query("SELECT epoch FROM ledger") {
        ledger.spend(u32::try_from(row[0].int().unwrap()).unwrap()).unwrap();
    }
    println!("{ledger}");
    assert_eq!(operators.query("SELECT epoch FROM ledger").len(), 1, "one sum was let go");
}

/// The first meets nothing at all, another all there is: how many messages of which sizes each sent.
fn all_homes_look_alike(homes: &[Resident]) {
    let looks = |resident: &Resident| {
        let mut counts: BTreeMap<(Kind, usize, usize), usize> = BTreeMap::new();
        resident.sent.iter().for_each(|sent| *counts.entry(*sent).or_default() += 1);
        counts
    };
    let busy = (0..HOMES).max_by_key(|home| load_of(*home)).unwrap();
    let idle = (0..HOMES).min_by_key(|home| load_of(*home)).unwrap();
    assert!(load_of(busy) >= 4 && load_of(idle) == 0, "{} and {}", load_of(busy), load_of(idle));
    let (busy, idle) = (looks(&homes[busy as usize]), looks(&homes[idle as usize]));
    println!("an idle and a busy home: {idle:?}");
    assert_eq!(busy, idle);
}

/// How much a home meets.
fn load_of(home: u32) -> usize {
    let of = |all: &[(&str, u32)], shift: usize| {
        all.iter().enumerate().filter(|(at, (_, homes))| meets(home, at + shift, *homes)).count()
    };
    of(&WEEKLY, 0) + of(&DAILY, 3) + cells_of(home).len()
}

fn epoch_keys(operators: &Operators) -> Vec<Vec<u8>> {
    let is_key = |path: &std::path::Path| path.parent().is_some_and(|folder| folder.ends_with("keys"));
    operators.disks().into_iter().filter(|(path, _)| is_key(path)).map(|(_, octets)| octets).collect()
}

fn nothing_else_is_on_any_disk(operators: &Operators, keys_before: &[Vec<u8>]) {
    assert_eq!(epoch_keys(operators), Vec::<Vec<u8>>::new(), "all destroyed");
    let few = WEEKLY.iter().chain(&DAILY).filter(|(_, homes)| *homes < 20);
    let wanted: Vec<Vec<u8>> = few.flat_map(|(name, _)| spellings(name)).chain(keys_before.iter().cloned()).collect();
    for (path, octets) in operators.disks() {
        for secret in &wanted {
            let is_there = octets.windows(secret.len()).any(|window| window == secret.as_slice());
            assert!(!is_there, "{} holds {:?}", path.display(), String::from_utf8_lossy(secret));
        }
    }
}

/// What it cost.
fn tell(operators: &Operators, homes: &[Resident]) {
    let (mut out, mut back, mut messages) = (0, 0, 0);
    for (_, sent, got) in homes.iter().flat_map(|resident| &resident.sent) {
        (out, back, messages) = (out + sent, back + got, messages + 1);
    }
    let each = |octets: usize| octets / homes.len();
    println!(
        "a home, two days and a week: {} messages, {} octets out, {} back",
        messages / homes.len(),
        each(out),
        each(back)
    );
    let mut lost = BTreeMap::new();
    for (kind, count) in homes.iter().flat_map(|resident| resident.home.counts()) {
        *lost.entry(*kind).or_insert(0) += count.failed + count.dropped;
    }
    assert!(lost.values().all(|lost| *lost == 0), "not all arrived in time: {lost:?}");
    for role in ["issuer", "relay", "a", "b"] {
        println!("{role}: {:.2} s of processor time", operators.cpu_secs(role));
    }
}
