//! One look at what two authorities publish, on one screen: both sides loaded, found to be two, agreed, borne out by the
//! log, fetched, guarded, and put on the shelf. Whatever goes wrong on the way, what was in force stays in force.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256, digest};
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::delta;
use super::error::{Side, TrustError};
use super::guard::{Group, Limits, holds};
use super::log::{self, Policy, Seen, Tiles};
use super::note::VerifierKey;
use super::place::{Place, Reach};
use super::release::{FORMAT, FileRef, RELEASE, Release, WITHDRAWN, Withdrawn};
use super::repository::{Authority, check};
use super::rollout::{DRAWS, takes_now};
use super::shelf::{Kept, Look, Shelf, State};
use crate::classify::Bundle;
use crate::classify::lexical::{FILE_MAX, Model};
use crate::classify::sealed::Table;
use crate::config::{CRITERIA, Signed, criteria};
use crate::document::Fault;
use crate::lists::compile::hex;
use crate::lists::data::Builtin;
use crate::lists::fetch::Client;
use crate::lists::store::{put_in_place, write_aside};
use crate::name::Name;
use crate::policy::Criteria;
use crate::report::manifest::{self, Manifest};

/// What came of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// This release is in force already.
    Unchanged(u64),
    /// There is a newer one, and other boxes take it first.
    Waiting(u64),
    /// A newer one is on the shelf.
    Taken {
        /// Which.
        version: u64,
        /// Octets of bundle or delta that were fetched.
        fetched: u64,
        /// By what changed since the one before, not whole.
        by_delta: bool,
    },
}

/// What a look needs of the box.
pub struct Looking<'a> {
    /// Whom to ask and whom to believe.
    pub options: &'a Signed,
    /// Where everything is kept.
    pub shelf: &'a Shelf,
    /// Names that must stay reachable.
    pub builtin: &'a Builtin,
    /// What the categories come to.
    pub criteria: &'a Criteria,
    /// Seconds since 1970.
    pub now: u64,
}

/// Whether octets are what a file should hold, or why not.
type Reads = fn(&[u8]) -> Result<(), String>;

/// A release file: a few hundred octets for each delta.
const RELEASE_MAX: u64 = 256 << 10;
/// A file of criteria: the one that comes with the program has 12 KB.
const CRITERIA_MAX: u64 = 256 << 10;
/// A sealed list: nine and a half octets a name.
const SEALED_MAX: u64 = 16 << 20;
/// What one authority took back alone: some ten thousand names.
const WITHDRAWN_MAX: u64 = 1 << 20;
/// Wrong ones among a thousand names that must stay reachable: the project's bar for over-blocking.
const HITS_MAX_PERMILLE: u64 = 1;

impl Looking<'_> {
    /// Looks once, and keeps how it ended.
    pub async fn look(&self) -> Result<News, TrustError> {
        let mut state = self.shelf.state();
        let news = self.take(&mut state).await;
        let (code, message) = match &news {
            Ok(News::Waiting(version)) => ("waiting", format!("release {version}: other boxes take it first")),
            Ok(News::Unchanged(version) | News::Taken { version, .. }) => ("ok", format!("release {version}")),
            Err(error) => (error.code(), error.to_string()),
        };
        state.last = Look { at: self.now, code: code.into(), message };
        if news.is_ok() {
            state.good_at = self.now;
        }
        // A disk that takes no record has told so already, or tells the next look.
        if let Err(error) = self.shelf.keep(&state)
            && news.is_ok()
        {
            return Err(error.into());
        }
        news
    }

    /// The whole way.
    async fn take(&self, state: &mut State) -> Result<News, TrustError> {
        let client = Arc::new(Client::new(self.options.bytes_max, self.options.timeout));
        let (a, b) = (self.side(Side::A, &client).await, self.side(Side::B, &client).await);
        // What one side takes back counts whatever the other does.
        for (side, loaded) in [(Side::A, &a), (Side::B, &b)] {
            if let Ok(authority) = loaded {
                self.withdraw(side, authority, state).await?;
            }
        }
        let (a, b) = (a?, b?);
        two(&a, &b)?;
        let file = agreed(&a, &b, RELEASE)?;
        let leaf = either(&a, &b, &file, RELEASE_MAX).await?;
        let release = self.read(&leaf)?;
        let kept = Kept { sha256: file.sha256, release };
        let version = kept.release.version;
        let current = state.current.as_ref().map_or(0, |kept| kept.release.version);
        if version < current {
            return Err(TrustError::OldRelease { offered: version, current });
        }
        if version == current && state.current.as_ref().is_some_and(|current| current.sha256 != kept.sha256) {
            return Err(TrustError::Inconsistent(format!(
                "release {version} was published a second time with other content"
            )));
        }
        let seen = self.borne_out([&a, &b], state.log.clone(), leaf).await?;
        // Also of a release that is not taken: the log must not go back.
        state.log = seen.or(state.log.take());
        if version == current && self.shelf.bundle(&kept).is_file() {
            // The household may want now what it did not want before.
            return Ok(match self.fetch_others(&a, &b, &kept).await? {
                0 => News::Unchanged(version),
                fetched => News::Taken { version, fetched, by_delta: false },
            });
        }
        if state.trial.is_bad(version) {
            return Err(TrustError::Bad(version));
        }
        let draw = state.trial.draw(version, random_draw());
        if !takes_now(kept.release.rollout, kept.release.published, self.now, draw) {
            return Ok(News::Waiting(version));
        }
        let old = self.shelf.in_force(state);
        let (fetched, by_delta) = self.fetch(&a, &b, &kept, old.as_ref()).await?;
        let bundle = self.shelf.map(&self.shelf.bundle(&kept))?;
        if bundle.list_version() != version {
            let is = bundle.list_version();
            return Err(TrustError::Inconsistent(format!("release {version} brings the bundle of release {is}")));
        }
        let fetched = fetched + self.fetch_others(&a, &b, &kept).await?;
        // What both want in force all the same, they say in the release itself.
        if kept.release.overrides_guard.is_none() {
            let old = old.as_ref().map(|(_, bundle)| &**bundle);
            self.guard(version, (&bundle, &self.criteria_of(&kept)?), old)?;
        }
        if state.current.as_ref().is_none_or(|current| current.sha256 != kept.sha256) {
            state.previous = state.current.take();
        }
        state.current = Some(kept);
        state.trial.begin(version);
        self.shelf.keep(state)?;
        self.shelf.tidy(state, None);
        Ok(News::Taken { version, fetched, by_delta })
    }

    /// One side, from the first mirror on which all is right. What the first one said is told when none is.
    async fn side(&self, side: Side, client: &Arc<Client>) -> Result<Authority, TrustError> {
        let options = &self.options.authorities[side as usize];
        let mut first = None;
        for mirror in &options.mirrors {
            let place = Place::parse(mirror, Path::new(""));
            let place = place.map_err(|why| TrustError::Inconsistent(format!("mirror {mirror:?}: {why}")))?;
            let reach = Reach::new(Arc::clone(client), place.clone());
            match Authority::load(side, &options.root, &self.shelf.memory(side), reach, &place, self.now).await {
                Ok(authority) => return Ok(authority),
                Err(error) => {
                    tracing::debug!(side = side.code(), %place, "mirror not used: {error}");
                    first = first.or(Some(error));
                }
            }
        }
        Err(first.unwrap_or(TrustError::Nothing(RELEASE.into())))
    }

    async fn withdraw(&self, side: Side, authority: &Authority, state: &mut State) -> Result<(), TrustError> {
        let names = match authority.names(WITHDRAWN) {
            None => Vec::new(),
            Some(file) => {
                let octets = authority.read(&file, WITHDRAWN_MAX).await?;
                let malformed = |why: String| TrustError::Malformed { side, what: WITHDRAWN.into(), why };
                let list: Withdrawn = serde_json::from_slice(&octets).map_err(|error| malformed(error.to_string()))?;
                if list.format != FORMAT {
                    return Err(TrustError::Unsupported { what: WITHDRAWN.into(), format: list.format });
                }
                let wrong = list.names.iter().find(|name| Name::parse(name).is_err());
                match wrong {
                    Some(name) => return Err(malformed(format!("{name:?} is no name"))),
                    None => list.names,
                }
            }
        };
        state.withdrawn[side as usize] = names;
        Ok(())
    }

    fn read(&self, leaf: &[u8]) -> Result<Release, TrustError> {
        let release: Release = serde_json::from_slice(leaf)
            .map_err(|error| TrustError::Inconsistent(format!("{RELEASE} cannot be read: {error}")))?;
        if release.format != FORMAT {
            return Err(TrustError::Unsupported { what: RELEASE.into(), format: release.format });
        }
        let files = [&release.bundle].into_iter().chain(release.deltas.iter().map(|delta| &delta.file));
        let files = files.chain(&release.criteria).chain(&release.sealed).chain(&release.model).chain(&release.reports);
        if let Some(file) = files.clone().find(|file| file.length > self.options.bytes_max) {
            return Err(TrustError::TooLarge { what: file.path.clone(), bytes_max: self.options.bytes_max });
        }
        let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
        if let Some(file) = files.into_iter().find(|file| !is_digest(&file.sha256)) {
            return Err(TrustError::Inconsistent(format!("{}: {:?} is no SHA-256", file.path, file.sha256)));
        }
        Ok(release)
    }

    /// The log has the release, and is the one that was seen before, grown.
    async fn borne_out(
        &self,
        sides: [&Authority; 2],
        seen: Option<Seen>,
        leaf: Vec<u8>,
    ) -> Result<Option<Seen>, TrustError> {
        let Some(options) = &self.options.log else { return Ok(None) };
        let key = |text: &String| {
            VerifierKey::parse(text).map_err(|error| TrustError::Inconsistent(format!("{text:?}: {error}")))
        };
        let log = key(&options.key)?;
        let witnesses = options.witnesses.iter().map(key).collect::<Result<Vec<_>, _>>()?;
        let policy = Policy { log, witnesses, quorum: options.quorum, fresh_secs: log::FRESH_SECS };
        let mut places = Vec::new();
        for side in sides {
            match side.reach.small("log/checkpoint", log::CHECKPOINT_MAX).await {
                Ok(Some(_)) => places.push(side.reach.clone()),
                Ok(None) => {}
                Err(error) => tracing::debug!("log not read from {:?}: {error}", side.reach),
            }
        }
        if places.is_empty() {
            return Err(TrustError::LogUnreachable("neither side has `log/checkpoint`".into()));
        }
        let (now, handle) = (self.now, Handle::current());
        let mut tiles = Remote { places, handle };
        let checked = spawn_blocking(move || log::check(&policy, &mut tiles, seen.as_ref(), &leaf, now)).await;
        Ok(Some(checked.map_err(|error| TrustError::Inconsistent(error.to_string()))??))
    }

    /// The bundle on the shelf, by a delta where there is one. Octets fetched, and whether it was the delta.
    async fn fetch(
        &self,
        a: &Authority,
        b: &Authority,
        kept: &Kept,
        old: Option<&(Kept, Arc<Bundle>)>,
    ) -> Result<(u64, bool), TrustError> {
        let whole = &kept.release.bundle;
        if agreed(a, b, &whole.path)? != *whole {
            return Err(TrustError::Disagree(whole.path.clone()));
        }
        let place = self.shelf.bundle(kept);
        // It was held back before, or the program ended before it was noted.
        if check_file(whole, &place).is_ok() {
            return Ok((0, false));
        }
        let delta = old.and_then(|(old, _)| {
            let way = kept.release.deltas.iter().find(|delta| delta.from == old.release.bundle.sha256)?;
            Some((self.shelf.bundle(old), way.file.clone()))
        });
        if let Some((from, file)) = delta {
            match self.by_delta(a, b, &from, &file, whole, &place).await {
                Ok(()) => return Ok((file.length, true)),
                Err(TrustError::Disk(error)) => return Err(error.into()),
                Err(error) => tracing::warn!("{error}; fetching the whole bundle"),
            }
        }
        let aside = self.shelf.partial(&whole.sha256);
        self.shelf.tidy(&self.shelf.state(), Some(&whole.sha256));
        fetch_checked(a, b, whole, &aside).await?;
        put_in_place(&aside, &place)?;
        Ok((whole.length, false))
    }

    /// What a release brings beside its bundle, on the shelf: criteria, model, to whom to report, and the sealed list
    /// where the household takes it. Octets fetched; what is there already is not fetched again.
    async fn fetch_others(&self, a: &Authority, b: &Authority, kept: &Kept) -> Result<u64, TrustError> {
        let (release, shelf) = (&kept.release, self.shelf);
        let sealed = release.sealed.as_ref().filter(|_| self.options.sealed);
        let others: [(_, _, _, Reads); 4] = [
            (release.criteria.as_ref(), shelf.criteria(kept), CRITERIA_MAX, |octets| read_criteria(octets).map(drop)),
            (release.model.as_ref(), shelf.model(kept), FILE_MAX as u64, |octets| {
                Model::read(octets).map(drop).map_err(|error| error.to_string())
            }),
            (sealed, shelf.sealed(kept), SEALED_MAX, |octets| {
                Table::read(octets).map(drop).map_err(|error| error.to_string())
            }),
            // By every box, whether it reports or not: who asks for it tells nothing of itself.
            (release.reports.as_ref(), shelf.reports(kept), manifest::FILE_MAX, |octets| {
                Manifest::parse(octets).map(drop).map_err(|error| error.to_string())
            }),
        ];
        let mut fetched = 0;
        for (file, place, bytes_max, read) in others {
            let (Some(file), Some(place)) = (file, place) else { continue };
            if check_file(file, &place).is_ok() {
                continue;
            }
            if agreed(a, b, &file.path)? != *file {
                return Err(TrustError::Disagree(file.path.clone()));
            }
            let octets = either(a, b, file, bytes_max).await?;
            read(&octets).map_err(|why| TrustError::Inconsistent(format!("{}: {why}", file.path)))?;
            write_aside(&place, &octets)?;
            fetched += file.length;
        }
        Ok(fetched)
    }

    /// The criteria that are in force with a release, once it is.
    fn criteria_of(&self, kept: &Kept) -> Result<Criteria, TrustError> {
        if !self.options.criteria {
            return Ok(self.criteria.clone());
        }
        let octets = match self.shelf.criteria(kept) {
            Some(path) => fs::read(path)?,
            None => CRITERIA.into(),
        };
        read_criteria(&octets).map_err(TrustError::Inconsistent)
    }

    async fn by_delta(
        &self,
        a: &Authority,
        b: &Authority,
        from: &Path,
        file: &FileRef,
        whole: &FileRef,
        place: &Path,
    ) -> Result<(), TrustError> {
        let aside = self.shelf.partial(&file.sha256);
        fetch_checked(a, b, file, &aside).await?;
        let built = self.shelf.partial(&whole.sha256);
        let (from, whole_file, to) = (from.to_path_buf(), whole.clone(), built.clone());
        let changes = aside.clone();
        let applied = spawn_blocking(move || apply(&from, &changes, &whole_file, &to)).await;
        let _ = fs::remove_file(&aside);
        applied.map_err(|error| TrustError::Inconsistent(error.to_string()))??;
        Ok(put_in_place(&built, place)?)
    }
}

impl Looking<'_> {
    fn guard(&self, version: u64, new: (&Bundle, &Criteria), old: Option<&Bundle>) -> Result<(), TrustError> {
        let mut canary = self.builtin.canary.clone();
        if let Some(file) = &self.options.popular {
            let text = fs::read_to_string(file)?;
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
            let names = lines.filter_map(|line| Name::parse(line).ok()).collect();
            canary.push(Group { id: file.display().to_string(), names });
        }
        let limits = Limits {
            hits_max_permille: HITS_MAX_PERMILLE,
            growth_max_percent: self.options.growth_max_percent,
            shrink_max_percent: self.options.shrink_max_percent,
        };
        let old = old.map(|bundle| (bundle, self.criteria));
        let holds = holds(new, old, &canary, &self.builtin.help, &limits);
        if holds.is_empty() {
            return Ok(());
        }
        Err(TrustError::Held { version, why: holds.iter().map(ToString::to_string).collect() })
    }
}

/// Two authorities that share a key are one.
fn two(a: &Authority, b: &Authority) -> Result<(), TrustError> {
    let of_b = b.key_ids();
    match a.key_ids().into_iter().find(|key| of_b.contains(key)) {
        Some(key) => Err(TrustError::SharedKey(key)),
        None => Ok(()),
    }
}

/// The file as both name it.
fn agreed(a: &Authority, b: &Authority, path: &str) -> Result<FileRef, TrustError> {
    match (a.names(path), b.names(path)) {
        (Some(of_a), Some(of_b)) if of_a == of_b => Ok(of_a),
        (Some(_), Some(_)) => Err(TrustError::Disagree(path.into())),
        (Some(_), None) => Err(TrustError::OneSide { what: path.into(), side: a.side }),
        (None, Some(_)) => Err(TrustError::OneSide { what: path.into(), side: b.side }),
        (None, None) => Err(TrustError::Nothing(path.into())),
    }
}

/// A small file from whichever side gives it as it was signed.
async fn either(a: &Authority, b: &Authority, file: &FileRef, bytes_max: u64) -> Result<Vec<u8>, TrustError> {
    match a.read(file, bytes_max).await {
        Ok(octets) => Ok(octets),
        Err(error) => b.read(file, bytes_max).await.map_err(|_| error),
    }
}

/// A large file from whichever side gives it as it was signed. What came goes on where it ended, at the next look too.
async fn fetch_checked(a: &Authority, b: &Authority, file: &FileRef, aside: &Path) -> Result<(), TrustError> {
    let mut first = None;
    for side in [a, b] {
        let ended = match side.fetch(file, aside).await {
            Ok(_) => check_file(file, aside),
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => return Ok(()),
            Err(TrustError::Disk(error)) => {
                // A full disk is not helped by what fills it.
                let _ = fs::remove_file(aside);
                return Err(error.into());
            }
            Err(error) => {
                if matches!(error, TrustError::Corrupted { .. } | TrustError::TooLarge { .. }) {
                    let _ = fs::remove_file(aside);
                }
                first = first.or(Some(error));
            }
        }
    }
    Err(first.unwrap_or_else(|| TrustError::Nothing(file.path.clone())))
}

fn check_file(file: &FileRef, path: &Path) -> Result<(), TrustError> {
    let len = path.metadata()?.len();
    let sum = sha256(path)?;
    check(file, len, || sum)
}

/// SHA-256 of a file, hexadecimal.
pub fn sha256(path: &Path) -> io::Result<String> {
    let (mut context, mut file, mut block) = (Context::new(&SHA256), File::open(path)?, vec![0; 1 << 16]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok(hex(context.finish().as_ref())),
            len => context.update(&block[..len]),
        }
    }
}

/// The new bundle from the old one and what changed.
fn apply(from: &Path, changes: &Path, whole: &FileRef, to: &Path) -> Result<(), TrustError> {
    let old = crate::sys::map_file(from)?;
    let mut out = File::create(to)?;
    let applied = delta::apply((*old).as_ref(), BufReader::new(File::open(changes)?), &mut out, whole.length);
    applied.map_err(|error| TrustError::Inconsistent(format!("the delta cannot be applied: {error}")))?;
    out.sync_all()?;
    check_file(whole, to)
}

/// The log where either side has it.
struct Remote {
    places: Vec<Reach>,
    handle: Handle,
}

impl Tiles for Remote {
    fn read(&mut self, path: &str, bytes_max: u64) -> Result<Vec<u8>, String> {
        let mut why = format!("{path}: not there");
        for place in &self.places {
            match self.handle.block_on(place.small(&format!("log/{path}"), bytes_max)) {
                Ok(Some(octets)) => return Ok(octets),
                Ok(None) => {}
                Err(error) => why = format!("{path}: {error}"),
            }
        }
        Err(why)
    }
}

/// Criteria as a release brings them, or their first fault.
pub fn read_criteria(octets: &[u8]) -> Result<Criteria, String> {
    let first = |faults: Vec<Fault>| faults.first().map_or_else(String::new, ToString::to_string);
    criteria("criteria", &String::from_utf8_lossy(octets)).map_err(first)
}

/// A number below [`DRAWS`], for a share of the boxes.
fn random_draw() -> u16 {
    let mut octets = [0; 4];
    // Without randomness a box is among the last.
    if aws_lc_rs::rand::fill(&mut octets).is_err() {
        return DRAWS - 1;
    }
    (u32::from_le_bytes(octets) % u32::from(DRAWS)) as u16
}

/// SHA-256 of octets, hexadecimal.
pub fn digest_of(octets: &[u8]) -> String {
    hex(digest(&SHA256, octets).as_ref())
}
