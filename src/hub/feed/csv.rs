//! The statistics as a table (RFC 4180), with all that is needed to compute with the noise in lines that begin with `#`.

use std::io::{self, Write};

use crate::classify::Category;
use crate::hub::triage::numbers::{Answered, Counted, SIGMAS, Week};
use crate::report::calendar::Calendar;
use crate::report::ledger::{DELTA, Rho};
use crate::report::message::Lane;
use crate::report::statistics::{Estimate, TRUE_MAX, WEIGHT_MAX};

/// Writes the weeks, in the order in which they are given.
pub fn write(out: &mut impl Write, weeks: &[Week]) -> io::Result<()> {
    let cost = Rho::of_release();
    writeln!(out, "# Homes that met a group of content in a week: estimates from noised sums, never counts.")?;
    writeln!(
        out,
        "# households = (c - N q) / (1 - 2 q), c the noised sum, N the homes that took part, q = 1 / flip_one_in"
    )?;
    writeln!(
        out,
        "# deviation = sqrt(N q (1 - q) + 2 variance) / (1 - 2 q); low, high = households -+ {SIGMAS} deviation, from 0 on"
    )?;
    writeln!(
        out,
        "# a home sets at most {WEIGHT_MAX} bits, {TRUE_MAX} of them true; what it meets beyond is dropped by chance"
    )?;
    writeln!(
        out,
        "# a week costs {cost} in zCDP, epsilon {:.2} at delta {DELTA:e}, for variance {}",
        cost.epsilon(DELTA),
        crate::report::ledger::NOISE_VARIANCE
    )?;
    for week in weeks {
        let Week { epoch, reports, variance, flip_one_in, .. } = week;
        writeln!(
            out,
            "# week {epoch}: N {reports}, variance {variance} at each of two aggregators, flip_one_in {flip_one_in}"
        )?;
    }
    writeln!(out, "week,begins,table,group,column,households,deviation,low,high,is_noise")?;
    for week in weeks {
        for one in week.counted() {
            row(out, week, &one)?;
        }
    }
    Ok(())
}

/// Writes what homes answered where there was one operator only.
pub fn write_answers(out: &mut impl Write, answers: &[Answered]) -> io::Result<()> {
    writeln!(
        out,
        "# Homes that met a group of content in a week, of those that were asked about it: one answer a home, about a"
    )?;
    writeln!(out, "# group drawn by chance, turned over with probability 1/4 (epsilon = ln 3 for each answer).")?;
    writeln!(out, "# households = (yes - asked / 4) * 2, deviation = 2 sqrt(3 asked / 16)")?;
    writeln!(out, "week,group,asked,households,deviation")?;
    for Answered { epoch, group, asked, estimate } in answers {
        let group: Vec<&str> = group.iter().copied().map(Category::code).collect();
        let Estimate { households, deviation } = estimate;
        writeln!(out, "{epoch},{},{asked},{households:.1},{deviation:.1}", group.join("+"))?;
    }
    Ok(())
}

fn row(out: &mut impl Write, week: &Week, one: &Counted) -> io::Result<()> {
    let begins = Calendar::default().begins_at(Lane::Harm, week.epoch);
    let begins = super::stix::millis(i64::try_from(begins).unwrap_or(0).saturating_mul(1000));
    let group: Vec<&str> = one.group.iter().copied().map(Category::code).collect();
    let (low, high) = one.interval();
    writeln!(
        out,
        "{},{},{},{},{},{:.1},{:.1},{low:.1},{high:.1},{}",
        week.epoch,
        begins.get(..10).unwrap_or_default(),
        one.table,
        group.join("+"),
        one.column_code(),
        one.estimate.households,
        one.estimate.deviation,
        one.is_noise(),
    )
}
