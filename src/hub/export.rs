//! What others can load: response policy zones, and plain lists for programs that know nothing of categories. The order of
//! lines is that of names, so that two exports can be compared.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use jiff::civil::Date;

use super::build::open;
use super::proposal::{Proposal, Proposals, Subject};
use crate::classify::{Category, CategorySet};
use crate::name::Name;
use crate::policy::{Action, Band, Criteria};

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A response policy zone (draft-vixie-dnsop-dns-rpz): unbound, Knot Resolver, BIND, PowerDNS.
    Rpz,
    /// A hosts file: exact names alone.
    Hosts,
    /// One name a line, as it was listed.
    Domains,
    /// Adblock rules for DNS filters.
    Adblock,
}

/// Which entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// All of one category.
    Category(Category),
    /// All that the criteria refuse to one age band.
    Band(Band),
}

/// A name and whether it stands for all below it.
type Listed = BTreeMap<Name, bool>;

/// What was left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Names that were written.
    pub names: u64,
    /// URL entries: a name server cannot refuse a page.
    pub urls: u64,
}

/// The names of the entries that are due and chosen.
pub fn listed(proposals: &Proposals, chosen: Chosen, criteria: &Criteria, day: Date) -> io::Result<(Listed, Left)> {
    let categories = categories(chosen, criteria);
    let (mut listed, mut left) = (Listed::new(), Left::default());
    let mut add = |name: &Name, below: bool| {
        let known = listed.entry(name.clone()).or_insert(below);
        *known |= below;
    };
    let standing = proposals.appeals.on(day);
    let holds = |one: &&Proposal| one.is_due(day) && !standing.left_out.contains(&one.appeal);
    for one in proposals.entries.iter().filter(holds).filter(|one| categories.contains(one.category)) {
        match &one.subject {
            Subject::Exact(name) => add(name, false),
            Subject::Suffix(name) => add(name, true),
            Subject::Url { .. } => left.urls += 1,
        }
    }
    for bulk in proposals.bulks.iter().filter(|bulk| categories.contains(bulk.category)) {
        if !bulk.is_due(day) {
            continue;
        }
        for line in open(&bulk.path)?.lines() {
            let line = line?;
            let text = line.trim();
            if !text.is_empty() && !text.starts_with('#') {
                let invalid =
                    |error| io::Error::new(io::ErrorKind::InvalidData, format!("{text:?} is no name: {error}"));
                let name = Name::parse(text).map_err(invalid)?;
                if !standing.leave_out(&name, bulk.category) {
                    add(&name, bulk.below);
                }
            }
        }
    }
    left.names = listed.len() as u64;
    Ok((listed, left))
}

fn categories(chosen: Chosen, criteria: &Criteria) -> CategorySet {
    match chosen {
        Chosen::Category(category) => CategorySet::EMPTY.with(category),
        Chosen::Band(band) => Category::ALL
            .into_iter()
            .filter(|category| matches!(criteria.action(band, *category).0, Action::Block | Action::Help))
            .fold(CategorySet::EMPTY, CategorySet::with),
    }
}

/// Writes names in a form. `zone` is the name of the zone and the title of the list, `serial` its number.
pub fn write(out: &mut impl Write, form: Form, listed: &Listed, zone: &str, serial: u64) -> io::Result<()> {
    match form {
        Form::Rpz => {
            // Serial numbers have 32 bits (RFC 1982).
            let serial = serial & u64::from(u32::MAX);
            writeln!(
                out,
                "$ORIGIN {zone}.\n$TTL 3600\n@ SOA localhost. nobody.invalid. {serial} 3600 600 604800 3600"
            )?;
            writeln!(out, "@ NS localhost.")?;
            // A trigger is a name below the zone: what does not fit cannot be asked for by this zone.
            let fits = |name: &Name, more: usize| name.as_wire().len() + zone.len() + more < 255;
            for (name, below) in listed.iter().filter(|(name, _)| fits(name, 1)) {
                writeln!(out, "{name} CNAME .")?;
                if *below && fits(name, 3) {
                    writeln!(out, "*.{name} CNAME .")?;
                }
            }
        }
        Form::Hosts => {
            writeln!(out, "# {zone} {serial}: a hosts file knows no names below a name")?;
            listed.keys().try_for_each(|name| writeln!(out, "0.0.0.0 {name}"))?;
        }
        Form::Domains => {
            writeln!(out, "# {zone} {serial}: `*.` stands for all names below, beside the name itself")?;
            for (name, below) in listed {
                writeln!(out, "{name}")?;
                if *below {
                    writeln!(out, "*.{name}")?;
                }
            }
        }
        Form::Adblock => {
            writeln!(out, "! Title: {zone} {serial}")?;
            for (name, below) in listed {
                if *below { writeln!(out, "||{name}^")? } else { writeln!(out, "|{name}^")? }
            }
        }
    }
    Ok(())
}

/// The age-classified database: a line for each single entry (RFC 4180), what each band meets beside it.
pub fn write_csv(out: &mut impl Write, proposals: &Proposals, criteria: &Criteria, day: Date) -> io::Result<()> {
    write!(out, "name,match,category,min_age")?;
    Band::ALL.iter().try_for_each(|band| write!(out, ",{}", band.code()))?;
    write!(out, ",reason,proposer,issued,expires,appeal\r\n")?;
    let mut lines: Vec<String> = Vec::new();
    let standing = proposals.appeals.on(day);
    let holds = |one: &&Proposal| one.is_due(day) && !standing.left_out.contains(&one.appeal);
    for one in proposals.entries.iter().filter(holds) {
        let kind = match &one.subject {
            Subject::Exact(_) => "exact",
            Subject::Suffix(_) => "suffix",
            Subject::Url { .. } => "url",
        };
        let mut fields =
            vec![quoted(&one.subject.text()), kind.into(), one.category.code().into(), one.min_age.to_string()];
        fields.extend(Band::ALL.map(|band| criteria.action(band, one.category).0.code().to_string()));
        fields.extend([one.reason.code().to_string(), quoted(&one.proposer)]);
        fields.extend([one.issued.to_string(), one.expires.to_string(), one.appeal.to_string()]);
        lines.push(fields.join(","));
    }
    lines.sort();
    lines.iter().try_for_each(|line| write!(out, "{line}\r\n"))
}

/// A field that a spreadsheet neither takes apart nor computes.
fn quoted(text: &str) -> String {
    let computes = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if computes { format!("'{text}") } else { text.to_string() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_neither_taken_apart_nor_computed() {
        assert_eq!(quoted("a.example"), "a.example");
        assert_eq!(quoted("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
    }
}
