//! Wiring: builds each part once, starts threads and tasks, owns reload and shutdown. The only room that reads the clock for
//! others and hears signals.

mod clock;
mod doors;
mod gate;
mod proxy;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use sd_notify::NotifyState;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::clock::Watch;
pub use self::clock::earliest;
use self::doors::Doors;
use self::gate::{Keeper, Kernel};
use crate::classify::{Bundle, Engine, ServiceSet};
use crate::clock::now_secs;
use crate::config::{Config, SelectorSpec};
use crate::dns::given::Given;
use crate::dns::pipeline::Door;
use crate::dns::resolver::Resolver;
use crate::dns::share::Shares;
use crate::dns::worker::{Shared, Waiting};
use crate::document::Fault;
use crate::identity::{Clients, ProfileId};
use crate::judge::{Judge, Snapshot};
use crate::lists::data::{Builtin, INFRASTRUCTURE};
use crate::lists::inputs::{inputs, load};
use crate::lists::store::Store;
use crate::lists::update::{Outcome, update};
use crate::net::firewall::Rules;
use crate::net::neighbours::Neighbours;
use crate::policy::{Profile, ProfileInput, ScheduleInput, Selector};
use crate::sys;
use crate::telemetry::metrics::{Gauges, Metrics};
use crate::telemetry::{log, serve};

/// The help set's cache: a few dozen names.
const QUIET_CACHE_BYTES: u64 = 256 << 10;
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

/// Everything a decision needs, from a configuration and a bundle.
pub fn snapshot(config: &Config, bundle: Arc<Bundle>, builtin: &Builtin, now: u64) -> Snapshot {
    let services = |spec: &SelectorSpec| match spec {
        SelectorSpec::Known(selector) => Some(*selector),
        // A service unknown to an older bundle has no names there either.
        SelectorSpec::Service(id) => bundle.service_id(id).map(Selector::Service),
    };
    let resolve = |specs: &[SelectorSpec]| specs.iter().filter_map(services).collect::<Vec<_>>();
    let infrastructure: ServiceSet = bundle.service_id(INFRASTRUCTURE).into_iter().collect();
    let at = Timestamp::from_second(i64::try_from(now).unwrap_or(0)).unwrap_or_default();
    let year = config.time_zone.to_datetime(at).year();
    let profiles = config.profiles.iter().map(|spec| {
        let schedules = spec.schedules.iter().map(|schedule| ScheduleInput {
            block: resolve(&schedule.block),
            allow: resolve(&schedule.allow),
            ..schedule.input.clone()
        });
        let input = ProfileInput {
            block: resolve(&spec.block),
            allow: resolve(&spec.allow),
            schedules: schedules.collect(),
            ..spec.input.clone()
        };
        Profile::compile(&input, &config.criteria, infrastructure, year)
    });
    let profiles = profiles.collect();
    let mut clients = Clients::new(ProfileId(config.strangers as u16));
    for (net, profile) in &config.devices {
        clients.insert(*net, ProfileId(*profile as u16));
    }
    for (token, profile) in &config.tokens {
        clients.insert_token(*token, ProfileId(*profile as u16));
    }
    for (mac, profile) in &config.macs {
        clients.insert_mac(*mac, ProfileId(*profile as u16));
    }
    Snapshot {
        engine: Engine::new(bundle),
        help: builtin.help.clone(),
        safe_search: builtin.safe_search.clone(),
        switches: builtin.switches.clone(),
        lookalikes: Arc::clone(&config.dns.lookalikes),
        criteria: Arc::new(config.criteria.clone()),
        profiles,
        clients,
        infrastructure,
        time_zone: config.time_zone.clone(),
        has_proxy: config.proxy.is_some(),
    }
}

/// The snapshot with an eye on the local link, where a device is known by MAC address.
fn linked(mut snapshot: Snapshot, config: &Config, link: &OnceLock<Arc<Neighbours>>) -> Snapshot {
    if config.macs.is_empty() {
        return snapshot;
    }
    if link.get().is_none() {
        match Neighbours::start() {
            Ok(neighbours) => drop(link.set(neighbours)),
            Err(error) => tracing::error!(%error, "devices are not known by MAC address: the kernel does not tell"),
        }
    }
    if let Some(neighbours) = link.get() {
        snapshot.clients.look_on(Arc::clone(neighbours) as _);
    }
    snapshot
}

/// The folder of the state, if it can be used.
pub fn open_store(config: &Config) -> Option<Store> {
    let root = config.state_dir.as_ref()?;
    match Store::open(root) {
        Ok(store) => Some(store),
        Err(error) => {
            tracing::warn!(dir = %root.display(), %error, "state folder cannot be used; nothing is kept");
            None
        }
    }
}

/// The kernel's rules of this moment; `None` when the proxy is off.
pub fn firewall_rules(config: &Config, builtin: &Builtin) -> anyhow::Result<Option<Rules>> {
    let Some(proxy) = &config.proxy else { return Ok(None) };
    let store = open_store(config);
    let (inputs, _) = inputs(config, builtin, store.as_ref());
    let bundle = load(&inputs, builtin, store.as_ref(), &mut |_, _| {}).context("lists cannot be loaded")?;
    let snapshot = snapshot(config, bundle, builtin, now_secs());
    let moment = snapshot.moment(i64::try_from(now_secs()).unwrap_or(0));
    Ok(Some(gate::rules(config, proxy, &snapshot, &moment)))
}

/// Runs the appliance until a signal ends it.
pub fn run(file: Option<PathBuf>) -> Result<(), StartError> {
    let builtin = Builtin::read().map_err(StartError::Config)?;
    let config = Config::load(file.as_deref(), &builtin.vocabulary()).map_err(StartError::Config)?;
    log::start(&config.log);
    sys::raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("async")
        .on_thread_park(sys::wipe_stack_at_rest)
        .build()
        .context("the asynchronous side cannot start")?;
    let app = App::start(file, config, builtin, runtime.handle())?;
    runtime.block_on(app.live())?;
    app.drain(runtime);
    Ok(())
}

struct App {
    file: Option<PathBuf>,
    builtin: Builtin,
    state: std::sync::Mutex<State>,
    judge: Arc<Judge>,
    shared: Shared,
    counts: Arc<Counts>,
    doors: std::sync::Mutex<Doors>,
    proxy: std::sync::Mutex<Option<proxy::Open>>,
    keeper: Option<Keeper>,
    link: OnceLock<Arc<Neighbours>>,
    watch: Watch,
}

/// What a reload replaces.
struct State {
    config: Config,
    store: Option<Store>,
}

#[derive(Default)]
struct Counts {
    reloads: AtomicU64,
    reloads_refused: AtomicU64,
    updates: AtomicU64,
    updates_refused: AtomicU64,
    lists_at: AtomicU64,
    /// The kernel's rules are not in force; told once.
    rules_failing: AtomicBool,
}

impl App {
    fn start(file: Option<PathBuf>, config: Config, builtin: Builtin, runtime: &Handle) -> Result<App, StartError> {
        let started = Instant::now();
        let store = open_store(&config);
        let watch = Watch::start(&config);
        let bundle = bundle_of(&config, &builtin, store.as_ref())?;
        let names = bundle.names();
        let link = OnceLock::new();
        let judge = Arc::new(Judge::new(linked(snapshot(&config, bundle, &builtin, now_secs()), &config, &link)));
        let resolver = Arc::new(Resolver::new(&config.dns, config.dns.cache.bytes_max, runtime.clone()));
        let quiet = Arc::new(Resolver::new(&config.dns, QUIET_CACHE_BYTES, runtime.clone()));
        let kernel = Arc::new(if config.proxy.is_some() { Kernel::open() } else { Kernel::default() });
        let given = config.proxy.as_ref().map(|_| Arc::new(Given::new(Box::new(Arc::clone(&kernel)))));
        let door =
            Arc::new(Door::new(Arc::clone(&judge), Arc::clone(&resolver), quiet, given.clone(), None, &config.dns));
        let stop = Arc::new(AtomicBool::new(false));
        let shares = Arc::new(std::sync::Mutex::new(Shares::new(config.dns.client_rate)));
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
        let counts = Arc::new(Counts::default());
        counts.lists_at.store(now_secs(), Ordering::Relaxed);
        let given_to_learn = given.clone();
        read_gauges(&metrics, &judge, &resolver, &counts, (given, kernel));
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
            keeper.keep(&config).context("the kernel's rules cannot be put in force")?;
        }
        let doors = doors::open(&shared, &config, &metrics, now_secs())
            .inspect_err(|_| keeper.iter().for_each(Keeper::clear))?;
        tracing::info!(names, profiles = config.profiles.len(), took = ?started.elapsed(), "serving");
        let state = std::sync::Mutex::new(State { config, store });
        let (doors, proxy) = (std::sync::Mutex::new(doors), std::sync::Mutex::new(proxy));
        Ok(App { file, builtin, state, judge, shared, counts, doors, proxy, keeper, link, watch })
    }

    /// Reloads, updates and keeps the watchdog quiet until told to end.
    async fn live(&self) -> anyhow::Result<()> {
        let mut hangup = signal(SignalKind::hangup())?;
        let (mut term, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        notify(&[NotifyState::Ready]);
        let mut tick = tokio::time::interval(tick_every());
        let mut next_update = self.first_update();
        let mut year = self.year();
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = second.tick() => {
                    self.keep_rules();
                    self.keep_time();
                    continue;
                }
                _ = hangup.recv() => self.reload().await,
                _ = ended(&mut term, &mut interrupt) => break,
                _ = tick.tick() => notify(&[NotifyState::Watchdog]),
            }
            self.renew_certificate();
            if next_update.is_some_and(|at| now_secs() >= at) {
                self.update().await;
                next_update = self.next_update();
            }
            // A birth year moves bands on with the calendar.
            if self.year() != year {
                year = self.year();
                self.reload().await;
            }
        }
        notify(&[NotifyState::Stopping]);
        tracing::info!("stopping: no new questions, finishing those in flight");
        Ok(())
    }

    /// All or nothing: a faulty configuration is reported and the old one stays.
    async fn reload(&self) {
        // Type=notify-reload wants to know when (sd_notify(3)).
        match NotifyState::monotonic_usec_now() {
            Ok(at) => notify(&[NotifyState::Reloading, at]),
            Err(_) => notify(&[NotifyState::Reloading]),
        }
        let result = tokio::task::block_in_place(|| self.try_reload_aside());
        match result {
            Ok(names) => {
                self.counts.reloads.fetch_add(1, Ordering::Relaxed);
                tracing::info!(names, "reloaded");
            }
            Err(StartError::Config(faults)) => {
                self.counts.reloads_refused.fetch_add(1, Ordering::Relaxed);
                for fault in &faults {
                    tracing::error!("{fault}");
                }
                tracing::error!(faults = faults.len(), "reload refused; the old configuration stays in force");
            }
            Err(StartError::Other(error)) => {
                self.counts.reloads_refused.fetch_add(1, Ordering::Relaxed);
                tracing::error!("reload refused: {error:#}; the old configuration stays in force");
            }
        }
        notify(&[NotifyState::Ready]);
    }

    /// On a thread of its own: reading or even compiling millions of names must not keep a question waiting.
    fn try_reload_aside(&self) -> Result<u64, StartError> {
        let reload = || {
            sys::lower_priority();
            self.try_reload()
        };
        let ended = thread::scope(|scope| scope.spawn(reload).join());
        ended.unwrap_or_else(|_| Err(StartError::Other(anyhow::anyhow!("the reload ended badly"))))
    }

    fn try_reload(&self) -> Result<u64, StartError> {
        let mut config = Config::load(self.file.as_deref(), &self.builtin.vocabulary()).map_err(StartError::Config)?;
        let store = open_store(&config);
        let bundle = bundle_of(&config, &self.builtin, store.as_ref())?;
        let names = bundle.names();
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        warn_of_restart(&state.config, &config);
        config.proxy = proxy::as_opened(state.config.proxy.as_ref(), config.proxy);
        let snapshot = linked(snapshot(&config, bundle, &self.builtin, now_secs()), &config, &self.link);
        let mut proxy = self.proxy.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // What can fail comes first: all or nothing.
        if let Some(open) = proxy.as_mut() {
            open.serve_quic(&snapshot.profiles)?;
        }
        self.shared.door.reconfigure(&config.dns);
        self.judge.swap(snapshot);
        if let Some((open, options)) = proxy.as_ref().zip(config.proxy.as_ref()) {
            open.server.reconfigure(options);
        }
        drop(proxy);
        self.counts.lists_at.store(now_secs(), Ordering::Relaxed);
        *state = State { config, store };
        drop(state);
        self.keep_rules();
        Ok(names)
    }

    /// The kernel's rules follow the hour, and come back when somebody flushed them.
    fn keep_rules(&self) {
        let Some(keeper) = &self.keeper else { return };
        let kept = tokio::task::block_in_place(|| {
            keeper.keep(&self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).config)
        });
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
            tokio::task::block_in_place(|| {
                self.shared.door.forget(now_secs());
                self.note_moment();
            });
            rouse(&self.shared.runtime);
        }
    }

    fn note_moment(&self) {
        self.watch.note(&self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).config);
    }

    fn renew_certificate(&self) {
        self.doors.lock().unwrap_or_else(std::sync::PoisonError::into_inner).renew_certificate(now_secs());
    }

    /// Fetches lists; when one changed, puts a new bundle in force.
    async fn update(&self) {
        let (config, store) = {
            let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
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
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (_, missing) = inputs(&state.config, &self.builtin, state.store.as_ref());
        Some(if missing.is_empty() { next } else { now_secs() })
    }

    fn next_update(&self) -> Option<u64> {
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let every = state.config.updates.every.as_secs();
        let outside = state.config.lists.iter().any(|list| crate::lists::update::url_of(list, &self.builtin).is_some());
        // A tenth earlier or later by process, so that a million boxes do not come at once.
        let jitter = (u64::from(std::process::id()).wrapping_mul(0x9e37_79b9) % 200) * every / 1000;
        (outside && every > 0).then(|| now_secs() + every * 9 / 10 + jitter)
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
        let mut doors = self.doors.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Receivers end by themselves; what they handed over in their last moment is waited for below.
        let (receivers, senders): (Vec<_>, Vec<_>) =
            doors.threads.drain(..).partition(|thread| thread.thread().name() == Some("dns-udp"));
        join(receivers);
        while !self.shared.waiting.is_empty() && Instant::now() < patience {
            thread::sleep(Duration::from_millis(5));
        }
        let proxy = self.proxy.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        // With the runtime its tasks end, and with them the last handles to the senders.
        runtime.shutdown_timeout(Duration::from_secs(1));
        join(senders);
        join(proxy.map_or_else(Vec::new, |open| open.threads));
        self.note_moment();
        tracing::info!("stopped");
    }
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
        ("log", format!("{:?}", old.log) != format!("{:?}", new.log)),
    ];
    for (option, _) in fixed.iter().filter(|(_, changed)| *changed) {
        tracing::warn!(option, "takes effect at the next restart");
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread ended in a panic");
        }
    }
}

fn bundle_of(config: &Config, builtin: &Builtin, store: Option<&Store>) -> Result<Arc<Bundle>, StartError> {
    let (inputs, missing) = inputs(config, builtin, store);
    for list in &missing {
        tracing::warn!(list = list.0, "list not fetched yet; `luytre lists update` fetches it");
    }
    let bundle = load(&inputs, builtin, store, &mut |_, _| {}).context("lists cannot be loaded")?;
    Ok(bundle)
}

fn read_gauges(
    metrics: &Arc<Metrics>,
    judge: &Arc<Judge>,
    resolver: &Arc<Resolver>,
    counts: &Arc<Counts>,
    (given, kernel): (Option<Arc<Given>>, Arc<Kernel>),
) {
    let (judge, resolver, counts) = (Arc::clone(judge), Arc::clone(resolver), Arc::clone(counts));
    let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
    metrics.read_from(move || {
        let snapshot = judge.keep();
        let bundle = snapshot.engine.bundle();
        Gauges {
            cache: resolver.cache_size(),
            upstreams: resolver.upstream_stats(),
            names: bundle.names(),
            bundle_bytes: bundle.bytes(),
            lists_at: of(&counts.lists_at),
            reloads: (of(&counts.reloads), of(&counts.reloads_refused)),
            updates: (of(&counts.updates), of(&counts.updates_refused)),
            is_clock_trusted: crate::clock::is_trusted(),
            addresses: given.as_ref().map_or(0, |given| given.len()),
            firewall: kernel.counters(),
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
