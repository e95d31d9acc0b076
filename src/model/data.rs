//! Training data: rows of names with what lists say of them, read as a stream, and the rule that says which rows a model
//! may learn from.

use std::io::BufRead;
use std::ops::Range;

use anyhow::Context;

use crate::classify::lexical::Class;
use crate::name::Name;

/// The bit of what is harmless, behind those of the classes.
pub const BENIGN: u16 = 1 << Class::ALL.len();

/// What a row is for. By the registrable domain, so that no name is learnt from and measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Slots 0 to 63: weights are learnt from it.
    Train,
    /// Slots 64 to 71: probabilities and thresholds are set by it.
    Calibrate,
    /// Slots 72 to 79: measured on, never learnt from. 80 to 99 are held out of the file by those who made it.
    Test,
}

impl Part {
    /// The part of a name: SHA-256 of its registrable domain (of the name, if it has none) in text form, the first 8
    /// octets as a big-endian number, modulo 100.
    pub fn of(name: &Name) -> Part {
        let domain = name.registrable().unwrap_or(name.view()).to_string();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, domain.as_bytes());
        let first = digest.as_ref().iter().take(8).fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
        match first % 100 {
            0..64 => Part::Train,
            64..72 => Part::Calibrate,
            _ => Part::Test,
        }
    }
}

/// One name and what it is.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where its text stands in [`Rows::text`].
    text: Range<u32>,
    /// One bit a class by its place, [`BENIGN`] behind them.
    pub classes: u16,
    /// What it is for.
    pub part: Part,
}

/// Sources whose licences ask for no more than a notice (Unlicense, MIT, BSD, CC0, WTFPL, CC BY, public domain), by the
/// first part of their keys.
const PERMISSIVE: &[&str] = &[
    "bangs",
    "blp",
    "chigh",
    "china",
    "chongluadao",
    "clefspeare",
    "crypt0rr",
    "dotgov",
    "durablenapkin",
    "ee",
    "gaso",
    "hsts",
    "nextdns",
    "nu",
    "opendns",
    "phishingdb",
    "shadow",
    "sinfonietta",
    "tiuxo",
    "twofa",
    "univ",
    "v2fly",
];

/// True when all of these source keys (`name-part[,name-part]`) are of sources whose licences ask for no more than a notice.
pub fn is_permissive(sources: &str) -> bool {
    sources.split(',').all(|key| PERMISSIVE.contains(&key.split('-').next().unwrap_or(key)))
}

/// Rows with their texts.
#[derive(Debug, Default)]
pub struct Rows {
    texts: String,
    /// In the order of the file.
    pub rows: Vec<Row>,
    /// Lines whose first field is no name; lists have a few.
    pub skipped: u64,
}

impl Rows {
    /// Reads `host TAB class[,class]` lines; of those whose line in `sources` fails `may_use` nothing is kept. A line without a tab
    /// or of an unknown class is an error, with its number; one that holds no name is counted and left out.
    pub fn read(
        data: impl BufRead,
        sources: Option<impl BufRead>,
        may_use: impl Fn(&str) -> bool,
    ) -> anyhow::Result<Rows> {
        let mut rows = Rows::default();
        let mut sources = sources.map(BufRead::lines);
        for (at, line) in data.lines().enumerate() {
            let line = line?;
            if let Some(sources) = &mut sources {
                let source = sources.next().context("fewer lines of sources than of data")??;
                if !may_use(&source) {
                    continue;
                }
            }
            rows.push_line(&line).with_context(|| format!("line {} of the data", at + 1))?;
        }
        Ok(rows)
    }

    fn push_line(&mut self, line: &str) -> anyhow::Result<()> {
        let (host, words) = line.split_once('\t').context("no tab")?;
        let Ok(name) = Name::parse(host) else {
            self.skipped += 1;
            return Ok(());
        };
        let mut classes = 0;
        for word in words.split(',') {
            classes |= match Class::from_word(word) {
                Some(class) => 1 << class as u16,
                None if word == "benign" => BENIGN,
                None => anyhow::bail!("no class is called {word:?}"),
            };
        }
        self.push(host, &name, classes);
        Ok(())
    }

    fn push(&mut self, host: &str, name: &Name, classes: u16) {
        self.push_for(Part::of(name), host, classes);
    }

    /// Adds a name to a part.
    pub fn push_for(&mut self, part: Part, host: &str, classes: u16) {
        let from = self.texts.len() as u32;
        self.texts.push_str(host);
        self.rows.push(Row { text: from..self.texts.len() as u32, classes, part });
    }

    /// Rows of a part, with their names.
    pub fn of(&self, part: Part) -> impl Iterator<Item = (&Row, Name)> {
        let rows = self.rows.iter().filter(move |row| row.part == part);
        rows.filter_map(|row| Some((row, Name::parse(self.text(row)).ok()?)))
    }

    /// The name of a row, as it was written.
    pub fn text(&self, row: &Row) -> &str {
        self.texts.get(row.text.start as usize..row.text.end as usize).unwrap_or("")
    }
}
