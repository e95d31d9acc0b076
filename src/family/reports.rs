//! Who agreed to reports, and names that guardians noted by themselves. A file in which nobody was ever asked holds no table
//! of answers: then nobody agreed.

use rusqlite::Connection;

use super::{Error, Family};
use crate::classify::Category;
use crate::name::Name;

/// Who agreed. Whoever did not, or took it back, is in no row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportConsents {
    /// A guardian.
    pub guardian: bool,
    /// Children, by profile.
    pub children: Vec<String>,
}

/// A name that a guardian noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnIndicator {
    /// Which.
    pub name: Name,
    /// What it is.
    pub category: Category,
    /// When, in seconds since 1970.
    pub added_at: i64,
}

impl Family {
    /// Who agreed.
    pub fn report_consents(&self) -> Result<ReportConsents, Error> {
        let db = self.db();
        if !has_table(&db, "report_consent")? {
            return Ok(ReportConsents::default());
        }
        let mut rows = db.prepare_cached("SELECT profile FROM report_consent")?;
        let all: Vec<Option<String>> = rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let guardian = all.contains(&None);
        Ok(ReportConsents { guardian, children: all.into_iter().flatten().collect() })
    }

    /// What guardians noted.
    pub fn own_indicators(&self) -> Result<Vec<OwnIndicator>, Error> {
        let db = self.db();
        if !has_table(&db, "own_indicator")? {
            return Ok(Vec::new());
        }
        let mut rows = db.prepare_cached("SELECT name, category, added FROM own_indicator")?;
        let rows = rows.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        let all: Vec<(String, String, i64)> = rows.collect::<Result<_, _>>()?;
        let read = |(name, category, added_at): (String, String, i64)| {
            let (name, category) = (Name::parse(&name).ok()?, Category::from_code(&category)?);
            Some(OwnIndicator { name, category, added_at })
        };
        Ok(all.into_iter().filter_map(read).collect())
    }
}

fn has_table(db: &Connection, table: &str) -> Result<bool, Error> {
    let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?1";
    Ok(db.prepare_cached(sql)?.query_row([table], |row| row.get::<_, i64>(0))? > 0)
}
