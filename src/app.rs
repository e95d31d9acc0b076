//! Wiring: builds each part once, starts threads and tasks, owns reload and shutdown. The only room that reads the clock for
//! others and hears signals.

mod attend;
mod clock;
mod doors;
mod gate;
pub mod guesser;
pub mod health;
mod household;
mod pages;
mod proxy;
pub mod reporting;
pub mod signed;
mod snapshot;
mod steward;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use sd_notify::NotifyState;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;

use self::attend::Attendant;
use self::clock::Watch;
pub use self::clock::earliest;
use self::doors::Doors;
use self::gate::{Keeper, Kernel};
use self::guesser::open_seen;
use self::household::Effective;
use self::reporting::Reporting;
use self::snapshot::{engine_of, linked};
pub use self::snapshot::{firewall_rules, open_store, published, snapshot};
use crate::classify::Engine;
use crate::clock::now_secs;
use crate::config::Config;
use crate::dns::given::Given;
use crate::dns::pipeline::Door;
use crate::dns::resolver::Resolver;
use crate::dns::share::Shares;
use crate::dns::worker::{Shared, Waiting};
use crate::document::Fault;
use crate::family::{Family, Moments};
use crate::judge::{Judge, Snapshot};
use crate::lists::data::Builtin;
use crate::lists::inputs::inputs;
use crate::lists::store::Store;
use crate::lists::update::{Outcome, update};
use crate::net::sightings::Sightings;
use crate::sys;
use crate::telemetry::activity::Activity;
use crate::telemetry::metrics::{Gauges, Metrics};
use crate::telemetry::{log, serve};
use crate::web::Web;

/// The help set's cache: a few dozen names.
const QUIET_CACHE_BYTES: u64 = 256 << 10;
/// A thread for what is done aside waits so long for more.
const ASIDE_KEPT: Duration = Duration::from_secs(1);
/// Once a minute, each asynchronous thread keeps the others' questions waiting for so long at most.
const ROUSED: Duration = Duration::from_millis(2);
/// Questions in flight get this long to end when the service stops.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Why the appliance did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration has faults; all of them.
    #[error("{} faults in the configuration", .0.len())]
    Config(Vec<Fault>),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}

/// Where the configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The file; `None` for the built-in one.
    pub file: Option<PathBuf>,
    /// The operator named it, rather than that it was found.
    pub is_named: bool,
}

/// Runs the appliance until a signal ends it.
pub fn run(origin: Origin) -> Result<(), StartError> {
    let builtin = Builtin::read().map_err(StartError::Config)?;
    let config = Config::load(origin.file.as_deref(), &builtin.vocabulary()).map_err(StartError::Config)?;
    log::start(&config.log);
    sys::raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("async")
        .on_thread_park(sys::wipe_stack_at_rest)
        // Threads for what is done aside do not park; they end, and their stacks are kept for the next ones.
        .on_thread_stop(sys::wipe_stack)
        .thread_keep_alive(ASIDE_KEPT)
        .build()
        .context("the asynchronous side cannot start")?;
    // First: who is sent to the pages by an answer finds them.
    let sockets = pages::bind(&config)?;
    let app = Arc::new(App::start(origin, config, builtin, runtime.handle())?);
    pages::open(&app, runtime.handle(), sockets)?;
    runtime.block_on(app.live())?;
    app.drain(runtime);
    Ok(())
}

struct App {
    origin: Mutex<Origin>,
    builtin: Arc<Builtin>,
    state: Mutex<State>,
    judge: Arc<Judge>,
    resolver: Arc<Resolver>,
    metrics: Arc<Metrics>,
    /// What the family keeps, and who keeps it up to date; `None` without pages.
    family: Option<(Arc<Family>, Attendant)>,
    web: OnceLock<Arc<Web>>,
    update_wanted: Notify,
    reloading: Mutex<()>,
    /// Since when it runs, seconds since 1970.
    since: i64,
    shared: Shared,
    counts: Arc<Counts>,
    doors: Mutex<Doors>,
    proxy: Mutex<Option<proxy::Open>>,
    keeper: Option<Keeper>,
    sightings: Arc<Sightings>,
    watch: Watch,
    reporting: Arc<Reporting>,
    /// Since the start, as far as the clock was looked at.
    minutes: AtomicU64,
}

/// What a reload replaces.
struct State {
    config: Config,
    /// The same with a profile for each paused device.
    effective: Config,
    store: Option<Store>,
}

#[derive(Default)]
struct Counts {
    reloads: AtomicU64,
    reloads_refused: AtomicU64,
    updates: AtomicU64,
    updates_refused: AtomicU64,
    lists_at: AtomicU64,
    /// Looks at the signed lists by how they ended.
    signed: signed::Looks,
    /// The kernel's rules are not in force; told once.
    rules_failing: AtomicBool,
}

impl App {
    fn start(origin: Origin, config: Config, builtin: Builtin, runtime: &Handle) -> Result<App, StartError> {
        let started = Instant::now();
        let store = open_store(&config);
        let watch = Watch::start(&config);
        signed::count_start(&config);
        let config = signed::with_criteria(config);
        let engine = engine_of(&config, &builtin, store.as_ref(), open_seen(&config))?;
        let (names, guesser) = (engine.names(), Arc::clone(engine.guesser()));
        let sightings = Arc::new(Sightings::start(now));
        let family = open_family(&config)?;
        let moments = family.as_ref().map_or_else(Moments::default, |family| moments_of(family, &config));
        let effective = Effective::of(&config, &moments);
        let snapshot = effective.snapshot(engine, &builtin, &moments, now());
        let judge = Arc::new(Judge::new(linked(snapshot, &effective.config, &sightings)));
        let (activity, told) = Activity::new();
        let activity = family.as_ref().map(|_| activity);
        let resolver = Arc::new(Resolver::new(&config.dns, config.dns.cache.bytes_max, runtime.clone()));
        resolver.guess_by(guesser);
        let quiet = Arc::new(Resolver::new(&config.dns, QUIET_CACHE_BYTES, runtime.clone()));
        let kernel = Arc::new(if config.proxy.is_some() { Kernel::open() } else { Kernel::default() });
        let given = config.proxy.as_ref().map(|_| Arc::new(Given::new(Box::new(Arc::clone(&kernel)))));
        let (asked, heard) = (Arc::clone(&resolver), activity.clone());
        let door = Arc::new(Door::new(Arc::clone(&judge), asked, quiet, given.clone(), heard, &config.dns));
        let stop = Arc::new(AtomicBool::new(false));
        let shares = Arc::new(Mutex::new(Shares::new(config.dns.client_rate)));
        let shared = Shared { door, runtime: runtime.clone(), waiting: Waiting::default(), shares, stop };
        let metrics = Metrics::new();
        let proxy = config.proxy.as_ref().zip(given.as_ref());
        let open = |(options, given)| {
            let profiles = &judge.current().profiles;
            let (shared, judge, metrics) = (&shared, &judge, &metrics);
            proxy::open(&proxy::Parts { config: options, profiles, shared, judge, given, metrics, runtime })
        };
        let proxy = proxy.map(open).transpose()?;
        let keeper =
            given.as_ref().map(|given| Keeper::new(Arc::clone(&kernel), Arc::clone(given), Arc::clone(&judge)));
        let reporting = Reporting::new(runtime.clone());
        reporting.configure(&config, family.as_deref(), &judge.keep());
        let counts = Arc::new(Counts::default());
        counts.lists_at.store(now_secs(), Ordering::Relaxed);
        let given_to_learn = given.clone();
        read_gauges(
            &metrics,
            &judge,
            &resolver,
            &counts,
            (Arc::clone(&shared.door), given),
            (kernel, activity.clone()),
            Arc::clone(&reporting),
        );
        if let Some(addr) = config.metrics {
            let listener = runtime.block_on(tokio::net::TcpListener::bind(addr));
            let listener = listener.with_context(|| format!("metrics cannot listen on {addr}"))?;
            runtime.spawn(serve::serve(listener, Arc::clone(&metrics)));
        }
        // Last: who gets an answer finds the rest in force as well.
        if let Some(given) = given_to_learn {
            runtime.spawn(proxy::learn_help(Arc::clone(&shared.door), builtin.help.clone(), given));
        }
        if let Some(keeper) = &keeper {
            keeper.keep(&effective.config).context("the kernel's rules cannot be put in force")?;
        }
        let doors = doors::open(&shared, &config, &metrics, now_secs())
            .inspect_err(|_| keeper.iter().for_each(Keeper::clear))?;
        tracing::info!(names, profiles = config.profiles.len(), took = ?started.elapsed(), "serving");
        let family = family.zip(activity).map(|(family, activity)| {
            let attendant = Attendant::new(Arc::clone(&family), activity, told);
            (family, attendant)
        });
        Ok(App {
            origin: Mutex::new(origin),
            builtin: Arc::new(builtin),
            state: Mutex::new(State { config, effective: effective.config, store }),
            judge,
            resolver,
            metrics,
            family,
            web: OnceLock::new(),
            update_wanted: Notify::new(),
            reloading: Mutex::new(()),
            since: now(),
            shared,
            counts,
            doors: Mutex::new(doors),
            proxy: Mutex::new(proxy),
            keeper,
            sightings,
            watch,
            reporting,
            minutes: AtomicU64::new(1),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reloads, updates and keeps the watchdog quiet until told to end.
    async fn live(&self) -> anyhow::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        notify(&[NotifyState::Ready]);
        let mut tick = tokio::time::interval(tick_every());
        let mut next_update = self.first_update();
        // At once: a box that was off may have missed what was withdrawn.
        let mut next_look = self.next_look().map(|_| now_secs());
        let mut proof = Some(self.proof_at());
        let mut year = self.year();
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = second.tick() => {
                    tokio::task::block_in_place(|| self.each_second());
                    continue;
                }
                _ = self.update_wanted.notified() => (next_update, next_look) = (Some(0), Some(0)),
                _ = hangup.recv() => self.reload().await,
                _ = ended(&mut term, &mut interrupt) => break,
                _ = tick.tick() => notify(&[NotifyState::Watchdog]),
            }
            self.renew_certificate();
            if next_update.is_some_and(|at| now_secs() >= at) {
                self.update().await;
                next_update = self.next_update();
            }
            if next_look.is_some_and(|at| now_secs() >= at) {
                self.look_at_signed().await;
                next_look = self.next_look();
                proof = Some(self.proof_at());
            }
            if proof.is_some_and(|at| now_secs() >= at) {
                self.prove_signed();
                proof = None;
            }
            // A birth year moves bands on with the calendar.
            if self.year() != year {
                year = self.year();
                self.reload().await;
            }
        }
        self.prove_signed();
        self.keep_seen();
        notify(&[NotifyState::Stopping]);
        tracing::info!("stopping: no new questions, finishing those in flight");
        Ok(())
    }

    fn each_second(&self) {
        self.keep_rules();
        self.sightings.look(now());
        self.attend();
        self.report();
        self.keep_time();
        // This thread does not park.
        sys::wipe_stack();
    }

    async fn reload(&self) {
        // What was wrong is in the log.
        let _ = tokio::task::block_in_place(|| self.reload_now());
    }

    /// All or nothing: a faulty configuration is reported and the old one stays.
    fn reload_now(&self) -> Result<(), Vec<Fault>> {
        // Type=notify-reload wants to know when (sd_notify(3)).
        match NotifyState::monotonic_usec_now() {
            Ok(at) => notify(&[NotifyState::Reloading, at]),
            Err(_) => notify(&[NotifyState::Reloading]),
        }
        let faults = match self.try_reload_aside() {
            Ok(names) => {
                self.counts.reloads.fetch_add(1, Ordering::Relaxed);
                tracing::info!(names, "reloaded");
                notify(&[NotifyState::Ready]);
                return Ok(());
            }
            Err(StartError::Config(faults)) => faults,
            Err(StartError::Other(error)) => {
                let file = self.origin.lock().unwrap_or_else(PoisonError::into_inner).file.clone();
                let file = file.map_or_else(|| "built-in".to_string(), |file| file.display().to_string());
                vec![Fault { file, line: 1, column: 1, what: format!("{error:#}") }]
            }
        };
        self.counts.reloads_refused.fetch_add(1, Ordering::Relaxed);
        for fault in &faults {
            tracing::error!("{fault}");
        }
        tracing::error!(faults = faults.len(), "reload refused; the old configuration stays in force");
        notify(&[NotifyState::Ready]);
        Err(faults)
    }

    /// On a thread of its own: reading or even compiling millions of names must not keep a question waiting.
    fn try_reload_aside(&self) -> Result<u64, StartError> {
        // One at a time: of two, the one that read the older file must not be the last.
        let _one = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let reload = || {
            sys::lower_priority();
            self.try_reload()
        };
        let ended = thread::scope(|scope| scope.spawn(reload).join());
        ended.unwrap_or_else(|_| Err(StartError::Other(anyhow::anyhow!("the reload ended badly"))))
    }

    fn try_reload(&self) -> Result<u64, StartError> {
        let file = self.origin.lock().unwrap_or_else(PoisonError::into_inner).file.clone();
        let config = Config::load(file.as_deref(), &self.builtin.vocabulary()).map_err(StartError::Config)?;
        let mut config = signed::with_criteria(config);
        let store = open_store(&config);
        let seen = self.judge.current().engine.guesser().seen().cloned().unwrap_or_else(|| open_seen(&config));
        let engine = engine_of(&config, &self.builtin, store.as_ref(), seen)?;
        let guesser = Arc::clone(engine.guesser());
        let names = engine.names();
        let mut state = self.state();
        warn_of_restart(&state.config, &config);
        config.proxy = proxy::as_opened(state.config.proxy.as_ref(), config.proxy);
        let (effective, snapshot) = self.compose(&config, engine);
        let mut proxy = self.proxy.lock().unwrap_or_else(PoisonError::into_inner);
        // What can fail comes first: all or nothing.
        if let Some(open) = proxy.as_mut() {
            open.serve_quic(&snapshot.profiles)?;
        }
        self.shared.door.guess_by(guesser);
        self.shared.door.reconfigure(&config.dns);
        if let Some((web, options)) = self.web.get().zip(config.web.as_ref()) {
            web.reconfigure(options);
        }
        self.judge.swap(snapshot);
        if let Some((open, options)) = proxy.as_ref().zip(config.proxy.as_ref()) {
            open.server.reconfigure(options);
        }
        drop(proxy);
        self.counts.lists_at.store(now_secs(), Ordering::Relaxed);
        let family = self.family.as_ref().map(|(family, _)| &**family);
        self.reporting.configure(&config, family, &self.judge.keep());
        *state = State { config, effective, store };
        drop(state);
        self.keep_rules();
        Ok(names)
    }

    /// The snapshot of a configuration and of what holds for a while.
    fn compose(&self, config: &Config, engine: Engine) -> (Config, Snapshot) {
        let moments = self.family.as_ref().map_or_else(Moments::default, |(family, _)| moments_of(family, config));
        let effective = Effective::of(config, &moments);
        let snapshot = effective.snapshot(engine, &self.builtin, &moments, now());
        (effective.config.clone(), linked(snapshot, &effective.config, &self.sightings))
    }

    /// Puts what holds for a while in force: grants, pauses, budgets that are used up. Connections are judged again at once.
    fn renew_moments(&self) -> Result<(), StartError> {
        let mut state = self.state();
        let engine = self.judge.keep().engine.clone();
        let (effective, snapshot) = self.compose(&state.config, engine);
        let mut proxy = self.proxy.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = proxy.as_mut() {
            open.serve_quic(&snapshot.profiles)?;
        }
        self.judge.swap(snapshot);
        if let Some(open) = proxy.as_ref() {
            open.server.rules_changed();
        }
        drop(proxy);
        state.effective = effective;
        drop(state);
        self.keep_rules();
        Ok(())
    }

    /// What the doors told goes to the family's file, and so do devices that were not seen before.
    fn attend(&self) {
        let Some((_, attendant)) = &self.family else { return };
        if let Err(error) = attendant.see(&self.seen(), now()) {
            tracing::error!("{error}");
        }
        let (snapshot, now) = (self.judge.keep(), now());
        match attendant.attend(&snapshot, now, |refused| self.reporting.hear(&snapshot, refused, now)) {
            Ok(false) => {}
            Ok(true) => {
                if let Err(error) = self.renew_moments() {
                    tracing::error!("what holds for a while is not in force: {error}");
                }
            }
            Err(error) => tracing::error!("{error}"),
        }
    }

    /// Reports leave at their times.
    fn report(&self) {
        if self.reporting.is_stale() {
            self.look_at_consent();
        }
        self.reporting.each_second();
    }

    /// Who agreed to reports, and to what.
    fn look_at_consent(&self) {
        let family = self.family.as_ref().map(|(family, _)| &**family);
        let config = self.state().config.clone();
        self.reporting.look(&config, family, &self.judge.keep());
    }

    /// The kernel's rules follow the hour, and come back when somebody flushed them.
    fn keep_rules(&self) {
        let Some(keeper) = &self.keeper else { return };
        let kept = keeper.keep(&self.state().effective);
        let was_told = self.counts.rules_failing.swap(kept.is_err(), Ordering::Relaxed);
        match kept {
            Err(error) if !was_told => tracing::error!("the kernel's rules are not as they should be: {error}"),
            Ok(()) if was_told => tracing::info!("the kernel's rules are as they should be again"),
            _ => {}
        }
    }

    /// Looks at the clock; once a minute notes the moment, and wipes what is past its time.
    fn keep_time(&self) {
        self.watch.look();
        if self.watch.is_due() {
            self.shared.door.forget(now_secs());
            self.note_moment();
            if self.minutes.fetch_add(1, Ordering::Relaxed).is_multiple_of(60) {
                self.keep_seen();
            }
            rouse(&self.shared.runtime);
        }
    }

    /// Keeps what names are new here.
    fn keep_seen(&self) {
        if let Some(seen) = self.judge.current().engine.guesser().seen() {
            guesser::keep_seen(&self.state().config, seen);
        }
    }

    fn note_moment(&self) {
        self.watch.note(&self.state().config);
    }

    fn renew_certificate(&self) {
        self.doors.lock().unwrap_or_else(PoisonError::into_inner).renew_certificate(now_secs());
    }

    /// Fetches lists; when one changed, puts a new bundle in force.
    async fn update(&self) {
        let (config, store) = {
            let state = self.state();
            (state.config.clone(), state.store.clone())
        };
        let Some(store) = store else { return };
        let outcomes = update(&config, &self.builtin, &store, now_secs(), &mut |_, _| {}).await;
        let mut changed = false;
        for (list, outcome) in outcomes {
            match outcome {
                Outcome::Unchanged => {}
                Outcome::Updated(rules) => {
                    changed = true;
                    self.counts.updates.fetch_add(1, Ordering::Relaxed);
                    tracing::info!(list, rules, "list updated");
                }
                Outcome::Failed(why) | Outcome::Refused(why) => {
                    self.counts.updates_refused.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!(list, "list not updated: {why}");
                }
            }
        }
        if changed {
            self.reload().await;
        }
    }

    /// At once when a list was never fetched, else in due time; `None` when nothing is ever fetched.
    fn first_update(&self) -> Option<u64> {
        let next = self.next_update()?;
        let state = self.state();
        let (_, missing) = inputs(&state.config, &self.builtin, state.store.as_ref());
        Some(if missing.is_empty() { next } else { now_secs() })
    }

    fn next_update(&self) -> Option<u64> {
        let state = self.state();
        let every = state.config.updates.every.as_secs();
        let outside = state.config.lists.iter().any(|list| crate::lists::update::url_of(list, &self.builtin).is_some());
        (outside && every > 0).then(|| now_secs() + jittered(every))
    }

    fn year(&self) -> i16 {
        let snapshot = self.judge.keep();
        snapshot.moment(i64::try_from(now_secs()).unwrap_or(0)).local.year()
    }

    /// No new questions; those in flight are answered; then everything ends.
    fn drain(&self, runtime: Runtime) {
        if let Some(keeper) = &self.keeper {
            keeper.clear();
        }
        self.shared.stop.store(true, Ordering::Relaxed);
        let patience = Instant::now() + DRAIN_MAX;
        while !self.shared.waiting.is_empty() && Instant::now() < patience {
            thread::sleep(Duration::from_millis(5));
        }
        let mut doors = self.doors.lock().unwrap_or_else(PoisonError::into_inner);
        // Receivers end by themselves; what they handed over in their last moment is waited for below.
        let (receivers, senders): (Vec<_>, Vec<_>) =
            doors.threads.drain(..).partition(|thread| thread.thread().name() == Some("dns-udp"));
        join(receivers);
        while !self.shared.waiting.is_empty() && Instant::now() < patience {
            thread::sleep(Duration::from_millis(5));
        }
        let proxy = self.proxy.lock().unwrap_or_else(PoisonError::into_inner).take();
        // With the runtime its tasks end, and with them the last handles to the senders.
        runtime.shutdown_timeout(Duration::from_secs(1));
        join(senders);
        join(proxy.map_or_else(Vec::new, |open| open.threads));
        self.note_moment();
        tracing::info!("stopped");
    }
}

/// A tenth shorter or longer, by chance: a million boxes must not come at once.
fn jittered(secs: u64) -> u64 {
    let mut octets = [0; 8];
    // Without randomness the middle is as good as any.
    let chance = aws_lc_rs::rand::fill(&mut octets).map_or(100, |()| u64::from_le_bytes(octets) % 201);
    secs * 9 / 10 + secs * chance / 1000
}

/// What was built once at the start keeps its old setting; the operator should know.
fn warn_of_restart(old: &Config, new: &Config) {
    let fixed = [
        ("dns.listen", old.dns.listen != new.dns.listen),
        ("dns.workers", old.dns.workers != new.dns.workers),
        ("dns.tcp", format!("{:?}", old.dns.tcp) != format!("{:?}", new.dns.tcp)),
        ("dns.encrypted", old.dns.encrypted != new.dns.encrypted),
        ("proxy", proxy::as_opened(old.proxy.as_ref(), new.proxy.clone()) != new.proxy),
        ("dns.cache.size", old.dns.cache.bytes_max != new.dns.cache.bytes_max),
        ("metrics", old.metrics != new.metrics),
        ("web.listen", listened(old) != listened(new)),
        ("log", format!("{:?}", old.log) != format!("{:?}", new.log)),
    ];
    for (option, _) in fixed.iter().filter(|(_, changed)| *changed) {
        tracing::warn!(option, "takes effect at the next restart");
    }
}

/// Where the pages are.
fn listened(config: &Config) -> Option<(&[std::net::SocketAddr], &[std::net::SocketAddr])> {
    config.web.as_ref().map(|web| (web.listen.as_slice(), web.listen_tls.as_slice()))
}

/// Seconds since 1970.
fn now() -> i64 {
    i64::try_from(now_secs()).unwrap_or(i64::MAX)
}

/// The family's file, where there are pages to steer it by.
fn open_family(config: &Config) -> Result<Option<Arc<Family>>, StartError> {
    if config.web.is_none() {
        return Ok(None);
    }
    if !sys::wipe_sqlite() {
        return Err(anyhow::anyhow!("SQLite is in use already").into());
    }
    let folder = config.state_dir.as_deref().filter(|folder| std::fs::create_dir_all(folder).is_ok());
    let family = Family::open(folder, now()).or_else(|error| {
        tracing::error!("{error}; nobody can steer until it is mended, and everything else goes on");
        Family::substitute(now())
    });
    let family = family.context("what the family keeps")?;
    Ok(Some(Arc::new(family)))
}

/// What holds for a while; when the file cannot be read, nothing does, and the log says so.
fn moments_of(family: &Family, config: &Config) -> Moments {
    let at = jiff::Timestamp::from_second(now()).unwrap_or_default();
    let today = config.time_zone.to_datetime(at).date();
    family.moments(now(), today).unwrap_or_else(|error| {
        tracing::error!("{error}; no grant and no pause holds");
        Moments::default()
    })
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread ended in a panic");
        }
    }
}

fn read_gauges(
    metrics: &Arc<Metrics>,
    judge: &Arc<Judge>,
    resolver: &Arc<Resolver>,
    counts: &Arc<Counts>,
    (door, given): (Arc<Door>, Option<Arc<Given>>),
    (kernel, activity): (Arc<Kernel>, Option<Arc<Activity>>),
    reporting: Arc<Reporting>,
) {
    let (judge, resolver, counts) = (Arc::clone(judge), Arc::clone(resolver), Arc::clone(counts));
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    metrics.read_from(move || {
        let snapshot = judge.keep();
        Gauges {
            cache: resolver.cache_size(),
            upstreams: resolver.upstream_stats(),
            names: snapshot.engine.names(),
            bundle_bytes: snapshot.engine.bytes(),
            lists_at: of(&counts.lists_at),
            reloads: (of(&counts.reloads), of(&counts.reloads_refused)),
            updates: (of(&counts.updates), of(&counts.updates_refused)),
            signed: counts.signed.values(),
            doubts: door.doubts(),
            signed_version: snapshot.engine.signed().map_or(0, |signed| signed.bundle.list_version()),
            is_clock_trusted: crate::clock::is_trusted(),
            untold: activity.as_ref().map_or(0, |activity| activity.dropped()),
            addresses: given.as_ref().map_or(0, |given| given.len()),
            firewall: kernel.counters(),
            reports: reporting.gauges(),
        }
    });
}

/// Has every asynchronous thread work for a moment, and rest again: as it does, it wipes its stack.
fn rouse(runtime: &Handle) {
    for _ in 0..runtime.metrics().num_workers() {
        // Long enough that one thread cannot do all of it.
        runtime.spawn(async { thread::sleep(ROUSED) });
    }
}

async fn ended(term: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Half the watchdog's patience, at most a minute: also how often the calendar and the update time are looked at.
fn tick_every() -> Duration {
    const LOOK: Duration = Duration::from_secs(60);
    sd_notify::watchdog_enabled().map_or(LOOK, |patience| (patience / 2).min(LOOK)).max(Duration::from_millis(100))
}

fn notify(states: &[NotifyState<'_>]) {
    // Without a service manager there is nobody to tell.
    let _ = sd_notify::notify(states);
}
