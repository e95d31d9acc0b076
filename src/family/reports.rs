//! Who agreed to anonymous reports, and the names a guardian adds to them. Only a yes is kept: taking it back deletes it, so
//! that nobody can read later who said no, or when.

use rusqlite::params;

use super::{Error, Family, database};
use crate::classify::Category;
use crate::name::Name;
use crate::policy::Band;

/// Names a household can add: enough for what people tell each other, too few for a list.
pub const OWN_MAX: usize = 50;

/// Who agreed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportConsents {
    /// The guardian.
    pub guardian: bool,
    /// Profiles of children that agreed, by name.
    pub children: Vec<String>,
}

/// A name that a guardian added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnIndicator {
    /// Registrable.
    pub name: Name,
    /// What it is.
    pub category: Category,
    /// Seconds since 1970.
    pub added_at: i64,
}

/// The guardian's row; those of children begin with [`CHILD`].
const GUARDIAN: &str = "guardian";
const CHILD: &str = "profile:";

/// True for those who are asked themselves: from 7 (Decree 356/2025) to 17. Of a birth year the band is the age that is surely
/// reached, so a child that may be seven is asked; so is one of whom only "6 to 9" is known.
pub fn is_asked(band: Band) -> bool {
    !matches!(band, Band::Age0to5 | Band::Adult)
}

impl Family {
    /// Who agreed. Who is not in it was not asked, said no or changed their mind: that is not told apart.
    pub fn report_consents(&self) -> Result<ReportConsents, Error> {
        let db = self.db();
        let mut rows = db.prepare_cached("SELECT who FROM agreed ORDER BY who")?;
        let who: Vec<String> = rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let child = |who: &String| who.strip_prefix(CHILD).map(str::to_string);
        Ok(ReportConsents {
            guardian: who.iter().any(|who| who == GUARDIAN),
            children: who.iter().filter_map(child).collect(),
        })
    }

    /// Keeps the guardian's yes, or deletes it.
    pub fn guardian_agrees(&self, agrees: bool) -> Result<(), Error> {
        self.agrees(GUARDIAN, agrees)?;
        self.changed();
        Ok(())
    }

    /// Keeps a child's yes, or deletes it. Tells no open page: one that moved at that moment would tell whoever looks at it
    /// which child it was.
    pub fn child_agrees(&self, profile: &str, agrees: bool) -> Result<(), Error> {
        self.agrees(&format!("{CHILD}{profile}"), agrees)
    }

    fn agrees(&self, who: &str, agrees: bool) -> Result<(), Error> {
        let db = self.db();
        if agrees {
            db.execute("INSERT OR IGNORE INTO agreed (who) VALUES (?1)", [who])?;
            return Ok(());
        }
        db.execute("DELETE FROM agreed WHERE who = ?1", [who])?;
        database::forget_log(&db)
    }

    /// What the household added itself, by name.
    pub fn own_indicators(&self) -> Result<Vec<OwnIndicator>, Error> {
        let db = self.db();
        let mut rows = db.prepare_cached("SELECT name, category, added FROM own_indicator ORDER BY name")?;
        let rows =
            rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?)))?;
        let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
        // What this program could not have written is left out.
        let read = |(name, category, added_at): (String, String, i64)| {
            Some(OwnIndicator { name: Name::parse(&name).ok()?, category: Category::from_code(&category)?, added_at })
        };
        Ok(rows.into_iter().filter_map(read).collect())
    }

    /// Adds a name, at most [`OWN_MAX`]. Whether it may be one is the caller's to know.
    pub fn add_own_indicator(&self, name: &Name, category: Category, now: i64) -> Result<(), Error> {
        let db = self.db();
        let held: i64 = db.query_row("SELECT count(*) FROM own_indicator", [], |row| row.get(0))?;
        if usize::try_from(held).unwrap_or(usize::MAX) >= OWN_MAX {
            return Err(Error::Refused("50 names of one's own are the most; remove one first"));
        }
        let sql = "INSERT OR IGNORE INTO own_indicator (name, category, added) VALUES (?1, ?2, ?3)";
        if db.execute(sql, params![name.to_string(), category.code(), now])? == 0 {
            return Err(Error::Refused("this name was added before"));
        }
        drop(db);
        self.changed();
        Ok(())
    }

    /// Removes a name.
    pub fn remove_own_indicator(&self, name: &Name) -> Result<(), Error> {
        let db = self.db();
        if db.execute("DELETE FROM own_indicator WHERE name = ?1", [name.to_string()])? == 0 {
            return Err(Error::NoSuch("name"));
        }
        database::forget_log(&db)?;
        drop(db);
        self.changed();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000;

    #[test]
    fn only_a_yes_is_kept_and_taking_it_back_leaves_nothing() {
        let folder = tempfile::TempDir::new().unwrap();
        let family = Family::open(Some(folder.path()), NOW).unwrap();
        assert_eq!(family.report_consents().unwrap(), ReportConsents::default());
        family.child_agrees("Tí Nị", true).unwrap();
        family.child_agrees("Tí Nị", true).unwrap();
        family.child_agrees("guardian", true).unwrap();
        let agreed = family.report_consents().unwrap();
        assert_eq!((agreed.guardian, agreed.children), (false, vec!["Tí Nị".to_string(), "guardian".to_string()]));
        family.guardian_agrees(true).unwrap();
        assert!(family.report_consents().unwrap().guardian);
        for name in ["Tí Nị", "guardian", "nobody"] {
            family.child_agrees(name, false).unwrap();
        }
        family.guardian_agrees(false).unwrap();
        assert_eq!(family.report_consents().unwrap(), ReportConsents::default());
        assert!(family.acts(None, 10).unwrap().is_empty());
        let files = std::fs::read_dir(folder.path()).unwrap();
        let octets: Vec<u8> = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
        let name = "Tí Nị".as_bytes();
        assert!(!octets.windows(name.len()).any(|window| window == name), "it stands in the file");
    }

    #[test]
    fn a_child_moves_no_page_and_a_guardian_does() {
        let family = Family::open(None, NOW).unwrap();
        let changes = family.changes();
        family.child_agrees("mai", true).unwrap();
        family.child_agrees("mai", false).unwrap();
        assert!(!changes.has_changed().unwrap());
        family.guardian_agrees(true).unwrap();
        assert!(changes.has_changed().unwrap());
    }

    #[test]
    fn names_are_few_and_can_be_removed() {
        let family = Family::open(None, NOW).unwrap();
        let name = |at: usize| Name::parse(&format!("xau{at:02}.com")).unwrap();
        for at in 0..OWN_MAX {
            family.add_own_indicator(&name(at), Category::PhishingScam, NOW).unwrap();
        }
        assert!(family.add_own_indicator(&name(99), Category::Malware, NOW).is_err(), "too many");
        family.remove_own_indicator(&name(7)).unwrap();
        assert!(matches!(family.remove_own_indicator(&name(7)), Err(Error::NoSuch(_))));
        assert!(family.add_own_indicator(&name(8), Category::Malware, NOW).is_err(), "twice");
        let kept = family.own_indicators().unwrap();
        assert_eq!(kept.len(), OWN_MAX - 1);
        assert_eq!(kept[0], OwnIndicator { name: name(0), category: Category::PhishingScam, added_at: NOW });
    }

    #[test]
    fn a_file_from_before_there_were_reports_is_brought_up_to_date() {
        let folder = tempfile::TempDir::new().unwrap();
        drop(Family::open(Some(folder.path()), NOW).unwrap());
        let old = rusqlite::Connection::open(folder.path().join("family.db")).unwrap();
        old.execute_batch("DROP TABLE agreed; DROP TABLE own_indicator; PRAGMA user_version = 1").unwrap();
        drop(old);
        let family = Family::open(Some(folder.path()), NOW).unwrap();
        family.guardian_agrees(true).unwrap();
        assert!(family.own_indicators().unwrap().is_empty());
        drop(family);
        assert!(Family::open(Some(folder.path()), NOW).unwrap().report_consents().unwrap().guardian, "it lasts");
    }

    #[test]
    fn those_from_seven_on_are_asked() {
        let asked = Band::ALL.map(is_asked);
        assert_eq!(asked, [false, true, true, true, true, false]);
        let born = |born| is_asked(crate::policy::Age::Born(born).band_in(2026));
        assert_eq!((born(2020), born(2019)), (false, true), "six at most; seven perhaps");
    }
}
