//! The household's reports wired to the rest: who agreed is read from the family's file, what the doors told is sorted into
//! what may be counted and what never is, and what the courier gives out is posted. Decides nothing of times and sizes.

mod carrier;
mod hearing;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::runtime::Handle;

use self::carrier::Carrier;
use super::signed::shelf_of;
use crate::clock::{is_trusted, now_secs};
use crate::config::{Config, ManifestFile};
use crate::family::{Family, ReportConsents};
use crate::judge::Snapshot;
use crate::report::consent::{Consent, Mode, Operators};
use crate::report::courier::{Action, Home, Options};
use crate::report::manifest::{FILE_MAX, Manifest};
use crate::report::preview::Preview;
use crate::report::spool::{Limits, Spool};
use crate::telemetry::activity::Refused;
use crate::telemetry::metrics::Reports;
use crate::web::reports as asking;

/// The version of the engine, as reports tell it: what was judged by another one may be judged differently.
const ENGINE: u16 = 1;
/// Consent, ages and own names are looked at again this often, in seconds; at once when the pages say so.
const LOOK_SECS: u64 = 60;

/// The household's side of reports.
pub struct Reporting {
    runtime: Handle,
    carrier: Carrier,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None` while the configuration has reports off, or there is no manifest.
    home: Option<Home>,
    /// What is configured and agreed to, of which `home` is made.
    enabled: bool,
    consent: Consent,
    looked_at: Option<u64>,
    /// Profiles of which something may be told.
    speaks: Vec<Arc<str>>,
    /// Why nobody can be told; told once.
    trouble: Option<String>,
}

impl Reporting {
    /// Nothing is on yet: [`Reporting::configure`] says what is.
    pub fn new(runtime: Handle) -> Arc<Reporting> {
        Arc::new(Reporting { runtime, carrier: Carrier::new(), state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a configuration, and the manifest it names.
    pub fn configure(&self, config: &Config, family: Option<&Family>, snapshot: &Snapshot) {
        let consent = consent_of(config, family, snapshot);
        let mut state = self.state();
        let State { home, enabled, looked_at, trouble, .. } = &mut *state;
        *enabled = config.report.is_some();
        *looked_at = None;
        let manifest = config.report.as_ref().map(|_| manifest_of(config));
        match (manifest, home.as_mut()) {
            (Some(Ok(manifest)), None) => {
                *trouble = None;
                *home = open(config, manifest, consent).inspect_err(|error| tracing::error!("{error}")).ok();
            }
            (Some(Ok(manifest)), Some(home)) => {
                *trouble = None;
                told(home.manifest(manifest));
            }
            (Some(Err(error)), _) => {
                tracing::error!("nothing is reported: {error}");
                (*trouble, *home) = (Some(error), None);
            }
            (None, _) => {
                (*trouble, *home) = (None, None);
                wipe_file(config);
            }
        }
        drop(state);
        self.look(config, family, snapshot);
    }

    /// Somebody agreed, or took it back: in force before this returns.
    pub fn look(&self, config: &Config, family: Option<&Family>, snapshot: &Snapshot) {
        let (consent, now) = (consent_of(config, family, snapshot), now_secs());
        let mut state = self.state();
        (state.looked_at, state.consent) = (Some(now), consent);
        let speaks = snapshot.profiles.iter().filter(|profile| asking::may_report(config, snapshot, profile));
        state.speaks = speaks.map(|profile| Arc::clone(&profile.name)).collect();
        let agreed = consent.guardian && consent.children;
        let Some(home) = &mut state.home else {
            if !agreed {
                wipe_file(config);
            }
            return;
        };
        told(home.consent(consent));
        if home.is_on()
            && let Some(family) = family
        {
            hearing::note_own(home, family, snapshot);
        }
    }

    /// What the doors told of.
    pub fn hear(&self, snapshot: &Snapshot, refused: &Refused, now: i64) {
        let mut state = self.state();
        let State { home, speaks, .. } = &mut *state;
        let home = home.as_mut().filter(|home| home.is_on() && speaks.contains(&refused.profile));
        if let Some(home) = home {
            hearing::hear(home, snapshot, refused, now);
        }
    }

    /// Who agreed was not looked at for a while.
    pub fn is_stale(&self) -> bool {
        let state = self.state();
        state.home.is_some() && state.looked_at.is_none_or(|at| now_secs().abs_diff(at) >= LOOK_SECS)
    }

    /// Once a second: posts what is due. Nothing leaves while nobody knows what time it is.
    pub fn each_second(self: &Arc<Self>) {
        if !is_trusted() {
            return;
        }
        let actions = self.state().home.as_mut().map_or_else(Vec::new, |home| home.step(now_secs()));
        for action in actions {
            self.post(action);
        }
    }

    fn post(self: &Arc<Self>, action: Action) {
        let this = Arc::clone(self);
        self.runtime.spawn(async move {
            let came = this.carrier.post(&action).await;
            // Some milliseconds of arithmetic.
            tokio::task::block_in_place(|| {
                if let Some(home) = &mut this.state().home {
                    let was_on = home.is_on();
                    home.came(action.id, came, now_secs());
                    if was_on && let Some(why) = home.paused(now_secs()).filter(|_| !home.is_on()) {
                        tracing::error!("reports are stopped until the next start or another manifest: {why}");
                    }
                }
            });
        });
    }

    /// What a guardian is shown.
    pub fn preview(&self) -> Preview {
        let state = self.state();
        state.home.as_ref().map_or_else(
            || {
                let operators = Operators::default();
                let silent = Preview::silent(Mode::of(state.consent, &operators), operators);
                Preview { enabled: state.enabled, paused: state.trouble.clone(), ..silent }
            },
            |home| home.preview(now_secs()),
        )
    }

    /// What Prometheus reads.
    pub fn gauges(&self) -> Reports {
        let state = self.state();
        let Some(home) = &state.home else { return Reports::default() };
        let mut reports = Reports { waiting: home.waiting(), mode: mode_code(home), ..Reports::default() };
        for (kind, count) in home.counts() {
            if let Some(of_kind) = reports.messages.get_mut(*kind as usize) {
                *of_kind = [count.sent, count.failed, count.dropped];
            }
        }
        reports
    }
}

/// Where messages wait; `None` without a folder for the state.
pub fn spool_file(config: &Config) -> Option<PathBuf> {
    Some(config.state_dir.as_ref()?.join("reports.spool"))
}

/// The manifest of a configuration that has reports on, read and checked. The error says what is wrong with it.
pub fn manifest_of(config: &Config) -> Result<Manifest, String> {
    let options = config.report.as_ref().ok_or("reports are off (`[report] enabled`)")?;
    let path = match &options.manifest {
        ManifestFile::Path(path) => path.clone(),
        ManifestFile::Signed => signed_manifest(config).ok_or("no release in force names who receives reports")?,
    };
    read_manifest(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Where the release in force keeps its manifest of reports; `None` when it has none.
fn signed_manifest(config: &Config) -> Option<PathBuf> {
    let (_, shelf) = shelf_of(config)?;
    shelf.reports(&shelf.kept(&shelf.state())?)
}

fn read_manifest(path: &Path) -> Result<Manifest, String> {
    let octets = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if octets > FILE_MAX {
        return Err(format!("{octets} octets are too many (at most {FILE_MAX})"));
    }
    let octets = fs::read(path).map_err(|error| error.to_string())?;
    Manifest::parse(&octets).map_err(|error| error.to_string())
}

/// What the courier takes from a configuration.
pub fn options_of(config: &Config) -> Options {
    let report = config.report.as_ref();
    Options {
        lab: report.is_some_and(|report| report.lab),
        region: report.map_or(0, |report| report.region),
        engine: ENGINE,
    }
}

fn open(config: &Config, manifest: Manifest, consent: Consent) -> anyhow::Result<Home> {
    let path = spool_file(config).ok_or_else(|| anyhow::anyhow!("reports cannot wait without `state_dir`"))?;
    let options = options_of(config);
    if options.lab && manifest.is_lab {
        tracing::warn!("reports go by a test's manifest: nothing in it protects anybody");
    }
    let (spool, found) = Spool::open(&path, Limits::default())?;
    if found.torn > 0 {
        tracing::warn!(
            kept = found.kept,
            octets = found.torn,
            "what waited to be reported was torn; what is whole is kept"
        );
    }
    Ok(Home::new(manifest, options, consent, spool, StdRng::from_rng(&mut rand::rng())))
}

/// Who agreed. A file that cannot be read says no.
fn consent_of(config: &Config, family: Option<&Family>, snapshot: &Snapshot) -> Consent {
    let Some(family) = family else { return Consent::default() };
    let given = family.report_consents().unwrap_or_else(|error| {
        tracing::error!("{error}; nobody has agreed to reports");
        ReportConsents::default()
    });
    asking::consent(config, snapshot, &given)
}

/// Switched off, or taken back while nobody could be reached: what waited is gone.
fn wipe_file(config: &Config) {
    let Some(path) = spool_file(config).filter(|path| path.exists()) else { return };
    if let Err(error) = fs::remove_file(&path) {
        tracing::error!(file = %path.display(), "what waited to be reported cannot be wiped: {error}");
    }
}

fn told(done: std::io::Result<()>) {
    if let Err(error) = done {
        tracing::error!("what waited to be reported cannot be wiped yet: {error}; it is not sent, and tried again");
    }
}

fn mode_code(home: &Home) -> usize {
    match home.mode() {
        Mode::Off(_) => 0,
        _ if home.paused(now_secs()).is_some() => 3,
        Mode::CountsOnly(..) => 1,
        Mode::Full(_) => 2,
    }
}

/// What waits in a spool by length of message; for commands, which do not disturb the running program.
pub fn waiting(path: &Path) -> std::io::Result<BTreeMap<usize, usize>> {
    let (spool, _) = Spool::open(path, Limits::default())?;
    let mut lengths = BTreeMap::new();
    for waiting in spool.waiting() {
        *lengths.entry(waiting.envelope.octets().len()).or_default() += 1;
    }
    Ok(lengths)
}
