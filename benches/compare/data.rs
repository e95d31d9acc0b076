//! The list and the questions: the same for everybody, the same every time.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::Context;

/// Names on the list and names that are not.
pub struct Data {
    pub listed: Vec<String>,
    pub popular: Vec<String>,
    /// In words, for the report.
    pub origin: String,
}

/// Questions in the file, of which so many of a hundred are listed, and distinct popular names among the others.
const QUESTIONS: usize = 100_000;
const LISTED_PERCENT: u64 = 30;
const POPULAR: usize = 20_000;
/// Listed names that are asked for come from the first so many, so that every size of list answers the same questions.
const ASKED: usize = 10_000;

/// At least `count` listed names, nested: the first n are the list of n names.
pub fn load(folder: Option<&Path>, count: usize) -> anyhow::Result<Data> {
    let mut random = Random(1);
    let (mut listed, candidates, mut origin) = match folder {
        Some(folder) => {
            let listed = lines(&folder.join("lists/big/union.domains.zst"))?;
            let allowed = lines(&folder.join("toplist/allowed.tsv.zst"))?;
            let first = |line: String| line.split('\t').next().unwrap_or_default().to_owned();
            (listed, allowed.into_iter().map(first).collect::<Vec<_>>(), "real names".to_owned())
        }
        None => {
            let listed = (0..count).map(|at| format!("n{at}.listed{}.example", at % 997)).collect();
            let popular = (0..2 * POPULAR).map(|at| format!("www.site{at}.example")).collect();
            (listed, popular, "made-up names".to_owned())
        }
    };
    random.shuffle(&mut listed);
    let real = listed.len();
    // Beyond what is real: k before the last label, which keeps lengths and labels as they are.
    for k in 1.. {
        if listed.len() >= count || real == 0 {
            break;
        }
        for at in 0..real.min(count - listed.len()) {
            if let Some((head, tail)) = listed[at].rsplit_once('.') {
                listed.push(format!("{head}{k}.{tail}"));
            }
        }
    }
    listed.truncate(count);
    if count > real {
        origin = format!("{origin}, {} of them derived", count - real);
    }
    let all: HashSet<&str> = listed.iter().map(String::as_str).collect();
    let is_listed = |name: &str| {
        let mut rest = Some(name);
        while let Some(here) = rest {
            if all.contains(here) {
                return true;
            }
            rest = here.split_once('.').map(|(_, parent)| parent);
        }
        false
    };
    // Reverse names and those that browsers ask as a switch have answers of their own.
    let is_switch = |name: &str| {
        name.ends_with(".arpa") || name.contains("mask") && name.contains("icloud") || name.ends_with("canary")
    };
    let popular =
        candidates.into_iter().filter(|name| name.contains('.') && !is_listed(name) && !is_switch(name)).take(POPULAR);
    let popular = popular.collect();
    Ok(Data { listed, popular, origin })
}

impl Data {
    /// Writes the questions: `name`, a tab, 1 for a listed one.
    pub fn write_questions(&self, path: &Path) -> anyhow::Result<()> {
        let mut random = Random(2);
        let weights: Vec<f64> = (1..=self.popular.len())
            .scan(0.0, |sum, rank| {
                *sum += 1.0 / rank as f64;
                Some(*sum)
            })
            .collect();
        let whole = weights.last().copied().unwrap_or(1.0);
        let asked = &self.listed[..self.listed.len().min(ASKED)];
        let mut file = BufWriter::new(File::create(path)?);
        for _ in 0..QUESTIONS {
            if random.next() % 100 < LISTED_PERCENT || self.popular.is_empty() {
                writeln!(file, "{}\t1", asked[random.next() as usize % asked.len()])?;
            } else {
                let at = random.next() as f64 / u64::MAX as f64 * whole;
                let rank = weights.partition_point(|sum| *sum < at).min(self.popular.len() - 1);
                writeln!(file, "{}\t0", self.popular[rank])?;
            }
        }
        Ok(file.flush()?)
    }

    /// Writes the first `count` listed names, each as `line` says.
    pub fn write_list(
        &self,
        path: &Path,
        count: usize,
        head: &str,
        line: impl Fn(&mut dyn Write, &str) -> std::io::Result<()>,
    ) -> anyhow::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        file.write_all(head.as_bytes())?;
        for name in &self.listed[..count.min(self.listed.len())] {
            line(&mut file, name)?;
        }
        Ok(file.flush()?)
    }
}

fn lines(path: &Path) -> anyhow::Result<Vec<String>> {
    let file = File::open(path).with_context(|| format!("{}", path.display()))?;
    let text = BufReader::new(zstd::Decoder::new(file)?);
    let is_host = |line: &String| {
        !line.is_empty()
            && line.len() < 200
            && line.split('\t').next().is_some_and(|name| {
                name.contains('.')
                    && name.split('.').all(|label| {
                        !label.is_empty()
                            && label.len() < 60
                            && label
                                .bytes()
                                .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
                    })
            })
    };
    let mut seen = HashSet::new();
    Ok(text.lines().map_while(Result::ok).filter(is_host).filter(|line| seen.insert(line.clone())).collect())
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = self.next() as usize % (at + 1);
            items.swap(at, other);
        }
    }
}
