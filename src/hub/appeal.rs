//! Appeals against entries, in `appeals.toml` beside the proposals, so that both authorities build with the same ones. It
//! holds an entry, a ground and days: never who appealed, and no text of theirs.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use jiff::civil::Date;

use super::build;
use super::proposal::{self, Proposals};
use crate::classify::{AppealId, Category};
use crate::config::word;
use crate::document::{Fault, Table, read};
use crate::lists::store::write_aside;
use crate::lists::trust::release::AppealCounts;
use crate::name::Name;

/// Name of the file in a folder of proposals.
pub const FILE: &str = "appeals.toml";

/// One appeal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appeal {
    /// Of the entry and its category.
    pub id: AppealId,
    /// As a refusal shows it: a name or a URL.
    pub entry: String,
    /// What it is listed as.
    pub category: Category,
    /// Why it is said to be wrong.
    pub ground: Ground,
    /// The day it came.
    pub opened: Date,
    /// The day it was decided, and how.
    pub decided: Option<(Date, Outcome)>,
}

/// Why an entry is said to be wrong: one of a closed set, so that nothing personal can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ground {
    /// Children find help there.
    Help,
    /// It speaks of health, puberty, sexuality or identity.
    Health,
    /// It teaches.
    Education,
    /// It is something else than it was.
    Changed,
    /// More is listed than is meant.
    TooWide,
    /// It never was what it is listed as.
    Mistake,
}

/// How an appeal was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The entry goes.
    Upheld,
    /// The entry stays.
    Rejected,
}

/// Words of [`Ground`].
const GROUNDS: [(&str, Ground); 6] = [
    ("help", Ground::Help),
    ("health_sexed", Ground::Health),
    ("education", Ground::Education),
    ("changed", Ground::Changed),
    ("too_wide", Ground::TooWide),
    ("mistake", Ground::Mistake),
];

/// Words of [`Outcome`].
const OUTCOMES: [(&str, Outcome); 2] = [("upheld", Outcome::Upheld), ("rejected", Outcome::Rejected)];

/// An open appeal is answered within two weeks: a promise of the desk, not of a law.
pub const DAYS_TO_ANSWER: i32 = 14;

/// Why an appeal cannot be opened or decided.
#[derive(Debug, thiserror::Error)]
pub enum AppealError {
    /// Nothing proposed has it.
    #[error("no proposed entry has the appeal id {0}: mistyped, or it is not listed any more")]
    Nobody(AppealId),
    /// There is one that waits.
    #[error("an appeal of {0} is open since {1}")]
    Open(AppealId, Date),
    /// There is none that waits.
    #[error("no appeal of {0} is open")]
    NotOpen(AppealId),
    /// Decided before it came.
    #[error("it was opened on {0}, after that day")]
    Early(Date),
    /// A bulk file.
    #[error("{0}: {1}")]
    Bulk(String, io::Error),
}

/// All appeals, in the order in which they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appeals(Vec<Appeal>);

/// What the appeals of a day come to.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Entries that are left out: suspended, or found wrong.
    pub left_out: BTreeSet<AppealId>,
    /// How many there are.
    pub counts: AppealCounts,
}

impl Standing {
    /// Whether a name of a bulk file is left out.
    pub fn leave_out(&self, name: &Name, category: Category) -> bool {
        !self.left_out.is_empty() && self.left_out.contains(&AppealId::of(&name.to_string(), category))
    }
}

impl Ground {
    /// Its word in files.
    pub fn code(self) -> &'static str {
        GROUNDS.iter().find(|(_, ground)| *ground == self).map_or("mistake", |(code, _)| code)
    }

    /// The ground with that word.
    pub fn from_code(code: &str) -> Option<Ground> {
        GROUNDS.iter().find(|(known, _)| *known == code).map(|(_, ground)| *ground)
    }

    /// Every word.
    pub fn codes() -> [&'static str; GROUNDS.len()] {
        GROUNDS.map(|(code, _)| code)
    }

    /// A child may need it today, so the entry rests until somebody has looked.
    fn is_urgent(self) -> bool {
        matches!(self, Ground::Help | Ground::Health | Ground::Education)
    }
}

impl Outcome {
    /// Its word in files.
    pub fn code(self) -> &'static str {
        OUTCOMES.iter().find(|(_, outcome)| *outcome == self).map_or("rejected", |(code, _)| code)
    }

    /// The outcome with that word.
    pub fn from_code(code: &str) -> Option<Outcome> {
        OUTCOMES.iter().find(|(known, _)| *known == code).map(|(_, outcome)| *outcome)
    }
}

impl Appeal {
    /// Not decided by the end of `day`.
    pub fn is_open(&self, day: Date) -> bool {
        self.opened <= day && self.decided.is_none_or(|(decided, _)| day < decided)
    }

    /// Open for longer than an answer may take.
    pub fn is_overdue(&self, day: Date) -> bool {
        self.is_open(day) && day.since(self.opened).is_ok_and(|span| span.get_days() > DAYS_TO_ANSWER)
    }

    /// What it is decided to be on `day`.
    fn outcome(&self, day: Date) -> Option<Outcome> {
        self.decided.filter(|(decided, _)| *decided <= day).map(|(_, outcome)| outcome)
    }
}

impl Appeals {
    /// Those of a folder of proposals; none where the file is not there.
    pub fn read(folder: &Path) -> Result<Appeals, Vec<Fault>> {
        let path = folder.join(FILE);
        let shown = path.display().to_string();
        match fs::read_to_string(&path) {
            Ok(text) => Appeals::parse(&shown, &text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Appeals::default()),
            Err(error) => Err(vec![Fault { file: shown, line: 1, column: 1, what: error.to_string() }]),
        }
    }

    /// Those of a file's text, or all its faults.
    pub fn parse(shown: &str, text: &str) -> Result<Appeals, Vec<Fault>> {
        read(shown, text, |root| {
            proposal::schema(root, "appeals/1");
            let mut appeals = Appeals::default();
            for mut table in root.tables("appeal") {
                let span = table.span();
                let Some(appeal) = appeal(&mut table) else { continue };
                match appeals.add(appeal) {
                    Ok(()) => {}
                    Err(error) => table.fault(&span, error.to_string()),
                }
            }
            Some(appeals)
        })
    }

    /// The file's text.
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# Appeals against entries. No name, address or words of whoever appeals belong here.\nschema = \"appeals/1\"\n",
        );
        for one in &self.0 {
            let (id, category, ground) = (one.id, one.category.code(), one.ground.code());
            // An entry is a name or a URL as it was read: neither has room for a quotation mark or a backslash.
            text += &format!(
                "\n[[appeal]]\nid = \"{id}\"\nentry = \"{}\"\ncategory = \"{category}\"\nground = \"{ground}\"\nopened = \"{}\"\n",
                one.entry, one.opened
            );
            if let Some((day, outcome)) = one.decided {
                text += &format!("decided = \"{day}\"\noutcome = \"{}\"\n", outcome.code());
            }
        }
        text
    }

    /// Writes the file, aside and renamed.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        write_aside(&folder.join(FILE), self.text().as_bytes())
    }

    /// All, oldest first.
    pub fn all(&self) -> &[Appeal] {
        &self.0
    }

    /// Opens an appeal of the entry that has `id`.
    pub fn open(
        &mut self,
        id: AppealId,
        proposals: &Proposals,
        ground: Ground,
        opened: Date,
    ) -> Result<(), AppealError> {
        let (entry, category) = find(proposals, id)?.ok_or(AppealError::Nobody(id))?;
        self.add(Appeal { id, entry, category, ground, opened, decided: None })
    }

    /// Decides the one that is open.
    pub fn decide(&mut self, id: AppealId, outcome: Outcome, day: Date) -> Result<&Appeal, AppealError> {
        let open = self.0.iter_mut().find(|one| one.id == id && one.decided.is_none());
        let open = open.ok_or(AppealError::NotOpen(id))?;
        if day < open.opened {
            return Err(AppealError::Early(open.opened));
        }
        open.decided = Some((day, outcome));
        Ok(open)
    }

    fn add(&mut self, appeal: Appeal) -> Result<(), AppealError> {
        let waits = self.0.iter().find(|one| one.id == appeal.id && one.decided.is_none());
        if let Some(waits) = waits {
            return Err(AppealError::Open(appeal.id, waits.opened));
        }
        self.0.push(appeal);
        Ok(())
    }

    /// Whether the entry rests while this appeal waits. An urgent ground lets it rest, once: who was told no cannot switch
    /// an entry off again by asking again. What harms a device, or must never be shown, does not rest.
    pub fn suspends(&self, appeal: &Appeal, day: Date) -> bool {
        let never = matches!(appeal.category, Category::Malware | Category::Stalkerware | Category::Csam);
        let was_rejected = |one: &Appeal| one.id == appeal.id && one.outcome(day) == Some(Outcome::Rejected);
        appeal.is_open(day) && appeal.ground.is_urgent() && !never && !self.0.iter().any(was_rejected)
    }

    /// What they come to on `day`.
    pub fn on(&self, day: Date) -> Standing {
        let mut standing = Standing::default();
        let counts = &mut standing.counts;
        for one in self.0.iter().filter(|one| one.opened <= day) {
            let is_suspended = self.suspends(one, day);
            let outcome = one.outcome(day);
            counts.open += u64::from(one.is_open(day));
            counts.suspended += u64::from(is_suspended);
            counts.upheld += u64::from(outcome == Some(Outcome::Upheld));
            counts.rejected += u64::from(outcome == Some(Outcome::Rejected));
            if is_suspended || outcome == Some(Outcome::Upheld) {
                standing.left_out.insert(one.id);
            }
        }
        standing
    }
}

/// The entry and category behind an id, one by one and in bulk.
fn find(proposals: &Proposals, id: AppealId) -> Result<Option<(String, Category)>, AppealError> {
    if let Some(one) = proposals.entries.iter().find(|one| one.appeal == id) {
        return Ok(Some((one.subject.text(), one.category)));
    }
    for bulk in &proposals.bulks {
        let failed = |error| AppealError::Bulk(bulk.path.display().to_string(), error);
        for line in io::BufRead::lines(build::open(&bulk.path).map_err(failed)?) {
            let Ok(name) = Name::parse(line.map_err(failed)?.trim()) else { continue };
            if AppealId::of(&name.to_string(), bulk.category) == id {
                return Ok(Some((name.to_string(), bulk.category)));
            }
        }
    }
    Ok(None)
}

fn appeal(table: &mut Table<'_>) -> Option<Appeal> {
    let id = table.required::<String>("id");
    let (entry, category) = (table.required::<String>("entry"), table.required::<Category>("category"));
    let ground = word(table, "ground", "ground", &GROUNDS);
    if !table.has("ground") {
        table.fault(&table.span(), format!("`ground` is missing ({})", Ground::codes().join(", ")));
    }
    let opened = proposal::date(table, "opened");
    let outcome = word(table, "outcome", "outcome", &OUTCOMES);
    let decided = if table.has("decided") { proposal::date(table, "decided") } else { None };
    let (id, entry, category, opened) = (id?, entry?.value, category?.value, opened?.value);
    let found = AppealId::of(&entry, category);
    if AppealId::parse(&id) != Some(found) {
        table.fault(&id.span, format!("`id` of this entry is {found}"));
    }
    let decided = match (decided, outcome) {
        (Some(day), Some(outcome)) if day.value >= opened => Some((day.value, outcome.value)),
        (Some(day), Some(_)) => {
            table.fault(&day.span, "`decided` is before `opened`");
            None
        }
        (None, None) => None,
        _ => {
            table.fault(&table.span(), "`decided` and `outcome` stand together or not at all");
            None
        }
    };
    Some(Appeal { id: found, entry, category, ground: ground?.value, opened, decided })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn of(entry: &str, category: Category, ground: Ground) -> Appeal {
        let id = AppealId::of(entry, category);
        Appeal { id, entry: entry.into(), category, ground, opened: date(2026, 11, 2), decided: None }
    }

    #[test]
    fn an_urgent_ground_lets_an_entry_rest_once() {
        let site = of("clinic.example", Category::Porn, Ground::Health);
        let mut appeals = Appeals(vec![site.clone()]);
        let before = appeals.on(date(2026, 11, 1));
        assert_eq!((before.left_out.len(), before.counts), (0, AppealCounts::default()));
        assert!(appeals.on(date(2026, 11, 2)).left_out.contains(&site.id));
        assert!(!site.is_overdue(date(2026, 11, 16)) && site.is_overdue(date(2026, 11, 17)));

        appeals.decide(site.id, Outcome::Rejected, date(2026, 11, 10)).unwrap();
        assert!(appeals.on(date(2026, 11, 9)).left_out.contains(&site.id), "a day before it was decided");
        assert!(appeals.on(date(2026, 11, 10)).left_out.is_empty());
        appeals.add(Appeal { opened: date(2026, 11, 11), ..site.clone() }).unwrap();
        let again = appeals.on(date(2026, 11, 12));
        assert!(again.left_out.is_empty(), "asking again does not switch it off again");
        assert_eq!(again.counts, AppealCounts { open: 1, suspended: 0, upheld: 0, rejected: 1 });
        assert!(matches!(appeals.add(site.clone()), Err(AppealError::Open(..))));

        appeals.decide(site.id, Outcome::Upheld, date(2026, 11, 13)).unwrap();
        assert!(appeals.on(date(2026, 11, 14)).left_out.contains(&site.id), "found wrong, it stays away");
        assert!(matches!(appeals.decide(site.id, Outcome::Upheld, date(2026, 11, 14)), Err(AppealError::NotOpen(_))));
    }

    #[test]
    fn other_grounds_and_what_harms_a_device_wait_in_force() {
        let day = date(2026, 11, 3);
        for (category, ground, rests) in [
            (Category::Gambling, Ground::Mistake, false),
            (Category::Gambling, Ground::Changed, false),
            (Category::Gambling, Ground::TooWide, false),
            (Category::Gambling, Ground::Education, true),
            (Category::PhishingScam, Ground::Help, true),
            (Category::Malware, Ground::Help, false),
            (Category::Stalkerware, Ground::Health, false),
        ] {
            let appeals = Appeals(vec![of("site.example", category, ground)]);
            assert_eq!(!appeals.on(day).left_out.is_empty(), rests, "{category:?} {ground:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_and_faults_have_places() {
        let mut appeals = Appeals(vec![
            of("clinic.example", Category::Porn, Ground::Health),
            of("forum.example/a/b?c=d", Category::Gambling, Ground::TooWide),
        ]);
        let id = appeals.0[0].id;
        appeals.decide(id, Outcome::Upheld, date(2026, 11, 5)).unwrap();
        assert_eq!(Appeals::parse("a", &appeals.text()).unwrap(), appeals);

        let wrong = format!(
            "schema = \"appeals/1\"\n[[appeal]]\nid = \"{id}\"\nentry = \"other.example\"\ncategory = \"porn\"\n\
             ground = \"rude\"\nopened = \"2026-11-02\"\noutcome = \"upheld\"\nby = \"Lan\"\n"
        );
        let faults: Vec<String> = Appeals::parse("a", &wrong).unwrap_err().iter().map(ToString::to_string).collect();
        for part in [
            "a:3:6: `id` of this entry is ",
            "a:6:10: unknown ground \"rude\"",
            "a:2:1: `decided` and",
            "a:9:1: unknown key `by`",
        ] {
            assert!(faults.iter().any(|fault| fault.starts_with(part)), "{part} in {faults:#?}");
        }
    }
}
