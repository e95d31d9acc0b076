//! `[signed]`: where the lists of two authorities come from, and by which roots and keys they are believed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::read::{duration, number, size};
use crate::document::{At, Table};

/// The lists two authorities sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Between two looks; zero never looks.
    pub every: Duration,
    /// One fetch.
    pub timeout: Duration,
    /// A larger bundle is refused, in octets.
    pub bytes_max: u64,
    /// A release that lists so many per cent more names than the one in force is held back.
    pub growth_max_percent: u64,
    /// The same for fewer names.
    pub shrink_max_percent: u64,
    /// A file of popular names, one a line, that must not become blocked, beside those that come with the program.
    pub popular: Option<PathBuf>,
    /// Whether the criteria they sign hold here; never where the configuration names a file of its own.
    pub criteria: bool,
    /// Whether the sealed list they sign is used here.
    pub sealed: bool,
    /// Both authorities, the first one first.
    pub authorities: [Authority; 2],
    /// The log that has to bear out each release; `None` asks none.
    pub log: Option<Log>,
}

/// One authority.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its root file, as it was when the box was set up.
    pub root: PathBuf,
    /// Web servers and folders, in the order in which they are asked.
    pub mirrors: Vec<String>,
}

/// The transparency log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its verifier key (`name+hash+key`).
    pub key: String,
    /// Verifier keys of witnesses.
    pub witnesses: Vec<String>,
    /// How many of them have to have seen a checkpoint.
    pub quorum: usize,
}

/// A guess with room: five million names take 46 MB.
const BUNDLE_BYTES: u64 = 1 << 30;
/// More mirrors than this are a mistake.
const MIRRORS_MAX: usize = 16;

pub(super) fn signed(root: &mut Table<'_>, beside: &Path) -> Option<Signed> {
    let has_own = root.has("criteria");
    let mut table = root.table("signed")?;
    let every = duration(&mut table, "update_every", 6 * 3600, 0..=2_592_000);
    let timeout = duration(&mut table, "timeout", 300, 1..=3600);
    let bytes_max = size(&mut table, "size_max", BUNDLE_BYTES, 1 << 16..=4 << 30);
    let growth_max_percent = number(&mut table, "growth_max_percent", 20, 1..=1000);
    let shrink_max_percent = number(&mut table, "shrink_max_percent", 30, 1..=100);
    let popular = table.get::<PathBuf>("popular").map(|path| beside.join(path.value));
    let criteria = table.or("criteria", true) && !has_own;
    let sealed = table.or("sealed", false);
    let (a, b) = (authority(&mut table, "a", beside), authority(&mut table, "b", beside));
    let has_log = table.has("log");
    let log = table.table("log").and_then(|mut log| transparency(&mut log));
    let (a, b) = (a?, b?);
    if a.root == b.root {
        table.fault(&table.span(), "both authorities have the same root; they are not two");
    }
    if has_log && log.is_none() {
        return None;
    }
    let authorities = [a, b];
    Some(Signed {
        every,
        timeout,
        bytes_max,
        growth_max_percent,
        shrink_max_percent,
        popular,
        criteria,
        sealed,
        authorities,
        log,
    })
}

fn authority(signed: &mut Table<'_>, key: &'static str, beside: &Path) -> Option<Authority> {
    if !signed.has(key) {
        signed.fault(
            &signed.span(),
            format!("`[signed.{key}]` is missing: a list counts only when both authorities sign it"),
        );
    }
    let mut table = signed.table(key)?;
    let root = table.required::<PathBuf>("root");
    let mirrors = table.required::<Vec<At<String>>>("mirrors")?;
    if mirrors.is_empty() || mirrors.len() > MIRRORS_MAX {
        table.fault(
            &mirrors.span,
            format!("1 to {MIRRORS_MAX} mirrors (\"https://lists.example/a/\", \"/media/usb/a\")"),
        );
    }
    let mut places = Vec::new();
    for mirror in mirrors.value {
        let is_web = mirror.starts_with("https://") || mirror.starts_with("http://");
        let is_url = mirror.value.contains("://");
        if is_url && (!is_web || mirror.value.parse::<hyper::Uri>().is_err()) {
            table.fault(&mirror.span, format!("{:?} is neither a URL (https://…/) nor a folder", mirror.value));
        }
        places.push(if is_web { mirror.value } else { beside.join(mirror.value).display().to_string() });
    }
    Some(Authority { root: beside.join(root?.value), mirrors: places })
}

fn transparency(table: &mut Table<'_>) -> Option<Log> {
    let key = table.required::<String>("key")?;
    let witnesses = table.or::<Vec<At<String>>>("witnesses", Vec::new());
    for key in std::iter::once(&key).chain(&witnesses).filter(|key| !is_verifier(key)) {
        table.fault(&key.span, format!("{:?} is no verifier key (\"name+1a2b3c4d+base64\")", key.value));
    }
    let most = witnesses.len() as u64;
    let quorum = number(table, "quorum", most.min(2), 0..=most);
    let witnesses = witnesses.into_iter().map(|key| key.value).collect();
    Some(Log { key: key.value, witnesses, quorum: usize::try_from(quorum).unwrap_or(usize::MAX) })
}

/// The shape of a C2SP signed-note verifier key: name, key hash, type and key.
fn is_verifier(text: &str) -> bool {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let is_hash = hash.len() == 8 && hash.bytes().all(|octet| octet.is_ascii_hexdigit());
    !name.is_empty() && is_hash && STANDARD.decode(key).is_ok_and(|key| key.len() == 33)
}
