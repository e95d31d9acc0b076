//! What the operator wrote, turned into what we run on. [`Config::load`] finds every fault at once and changes nothing.

mod criteria;
mod days;
pub mod edit;
mod encrypted;
mod fields;
mod identity;
mod profiles;
mod proxy;
mod read;
mod report;
mod signed;
mod upstream;
mod web;

pub use criteria::criteria;
pub use encrypted::Encrypted;
pub use identity::Identity;
pub use proxy::{Places, Proxy};
pub(crate) use read::word;
pub use report::{ManifestFile, Report};
pub use signed::Signed;
pub use upstream::{Mode, Protocol, Route, Server, Strategy, Upstream};
pub use web::Web;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;

use crate::classify::CategorySet;
use crate::document::Fault;
use crate::identity::known::Assigned;
use crate::identity::{Mac, Token};
use crate::name::{Lookalikes, Name};
use crate::policy::{BudgetInput, Calendar, Criteria, ProfileInput, ScheduleInput, Selector};

/// Where the model of spellings is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelFile {
    /// The one both authorities signed, the package's or the clone's.
    Auto,
    /// Nowhere: nothing is guessed by spelling.
    None,
    /// There.
    Path(PathBuf),
}

/// The whole configuration, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file it came from; `None` for the built-in one.
    pub file: Option<PathBuf>,
    /// Where compiled lists are kept; `None` keeps nothing.
    pub state_dir: Option<PathBuf>,
    /// Why categories are treated as they are.
    pub criteria: Criteria,
    /// What guesses at names by their spelling.
    pub model: ModelFile,
    /// The household's clock.
    pub time_zone: TimeZone,
    /// Door one.
    pub dns: Dns,
    /// Door two; `None` is off.
    pub proxy: Option<Proxy>,
    /// Portal and dashboard; `None` is off.
    pub web: Option<Web>,
    /// Knowledge, in order.
    pub lists: Vec<List>,
    /// How lists are kept up to date.
    pub updates: Updates,
    /// The lists two authorities sign; `None` takes none.
    pub signed: Option<Signed>,
    /// Reports of new names; `None` is off.
    pub report: Option<Report>,
    /// Named days, in order.
    pub calendars: Vec<Arc<Calendar>>,
    /// Who there is, in order.
    pub profiles: Vec<ProfileSpec>,
    /// Whose addresses are whose: prefix and position in `profiles`.
    pub devices: Vec<(IpNet, usize)>,
    /// Devices by MAC address: address and position in `profiles`.
    pub macs: Vec<(Mac, usize)>,
    /// The same with the guardian's names for them.
    pub assigned: Vec<Assigned>,
    /// By what else devices are known.
    pub identity: Identity,
    /// Devices that show who they are: token and position in `profiles`.
    pub tokens: Vec<(Token, usize)>,
    /// Position of the profile of unknown clients.
    pub strangers: usize,
    /// Where Prometheus asks; `None` is off.
    pub metrics: Option<SocketAddr>,
    /// What is written to stderr.
    pub log: Log,
}

/// Door one.
#[derive(Debug, Clone)]
pub struct Dns {
    /// UDP and TCP listeners.
    pub listen: Vec<SocketAddr>,
    /// UDP worker threads a listener; 0 means one a core.
    pub workers: usize,
    /// How a refusal looks.
    pub block_answer: BlockAnswer,
    /// How long a client may keep a refusal, in seconds.
    pub block_ttl_secs: u32,
    /// Addresses of the portal, for `block_answer = "portal"`.
    pub portal: Vec<IpAddr>,
    /// The pages' own name and where it leads; `None` without pages.
    pub pages: Option<(Name, Vec<IpAddr>)>,
    /// Largest UDP answer, in octets.
    pub udp_payload: u16,
    /// Tokens a second of one client; 0 for no limit.
    pub client_rate: u32,
    /// Names that may lead to addresses of the household, beside the usual local ones and those with a route.
    pub private_names: Vec<Name>,
    /// Names that others pretend to be.
    pub lookalikes: Arc<Lookalikes>,
    /// Finished answers kept.
    pub cache: Cache,
    /// Limits of TCP.
    pub tcp: Tcp,
    /// Reasons of refusals that programs can read; `None` is off.
    pub structured_errors: Option<StructuredErrors>,
    /// Encrypted doors.
    pub encrypted: Encrypted,
    /// Where unknown answers come from.
    pub upstream: Upstream,
}

/// Structured DNS errors (draft-ietf-dnsop-structured-dns-error).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StructuredErrors {
    /// Code of the EDNS option by which clients ask for them; 0 for all clients with EDNS.
    pub option_code: u16,
    /// Where a wrong refusal can be reported, `mailto:` and `tel:`.
    pub contact: Vec<String>,
    /// Who runs this resolver.
    pub organization: Option<String>,
    /// Vietnamese; else English.
    pub vietnamese: bool,
}

/// How a refusal looks on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockAnswer {
    /// `0.0.0.0` and `::`, nothing else.
    Null,
    /// The name does not exist; only where the administrator asked for it.
    Nxdomain,
    /// REFUSED.
    Refused,
    /// The portal's addresses.
    Portal,
}

/// The answer cache.
#[derive(Debug, Clone)]
pub struct Cache {
    /// Octets.
    pub bytes_max: u64,
    /// Shorter times to live are raised to this.
    pub ttl_min: Duration,
    /// Longer ones are cut to this.
    pub ttl_max: Duration,
    /// The same for negative answers (RFC 2308 §5).
    pub negative_ttl_max: Duration,
    /// How long an answer may be served past its time when no upstream answers (RFC 8767); zero is off.
    pub stale_max: Duration,
    /// Ask again for names in use shortly before they run out.
    pub prefetch: bool,
}

/// Limits of DNS over TCP.
#[derive(Debug, Clone)]
pub struct Tcp {
    /// Connections at once, in all.
    pub connections_max: usize,
    /// A connection without a question is closed after this (RFC 7766 §6.2.3).
    pub idle: Duration,
    /// Load balancers whose connections begin with a PROXY header.
    pub balancers: Vec<IpNet>,
}

/// One list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The operator's name for it.
    pub name: String,
    /// Where it comes from.
    pub source: ListSource,
    /// Format code; `None` for a catalog entry's own.
    pub format: Option<String>,
    /// A plain name covers all names below it; `None` for a catalog entry's own.
    pub suffix: Option<bool>,
    /// What it says of its names; empty for a catalog entry's own.
    pub categories: CategorySet,
    /// The list lifts the categories of other lists instead of adding any.
    pub allow: bool,
}

/// Where a list comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListSource {
    /// The lists compiled in.
    Starter,
    /// An entry of the catalog.
    Catalog(String),
    /// A file beside us.
    File(PathBuf),
    /// Fetched over HTTPS.
    Url(String),
}

/// How lists are kept up to date.
#[derive(Debug, Clone)]
pub struct Updates {
    /// Between two looks; zero never looks.
    pub every: Duration,
    /// A fetched list that lost more than this share of its size is refused, in per cent.
    pub shrink_max_percent: u64,
    /// Larger files are refused, in octets.
    pub bytes_max: u64,
    /// One fetch.
    pub timeout: Duration,
}

/// A profile as it was written, services still by name.
#[derive(Debug, Clone)]
pub struct ProfileSpec {
    /// All but what the selectors say.
    pub input: ProfileInput,
    /// Refused on top of the criteria.
    pub block: Vec<SelectorSpec>,
    /// Allowed although the criteria refuse it.
    pub allow: Vec<SelectorSpec>,
    /// Schedules.
    pub schedules: Vec<ScheduleSpec>,
    /// Time budgets, each with what it is of.
    pub budgets: Vec<(BudgetInput, Vec<SelectorSpec>)>,
}

/// A schedule as it was written.
#[derive(Debug, Clone)]
pub struct ScheduleSpec {
    /// All but what the selectors say.
    pub input: ScheduleInput,
    /// Refused while it holds.
    pub block: Vec<SelectorSpec>,
    /// Allowed while it holds.
    pub allow: Vec<SelectorSpec>,
}

/// What a rule speaks of, services by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SelectorSpec {
    /// A category or everything.
    Known(Selector),
    /// A service of `services.toml`.
    Service(String),
}

/// What is written to stderr. Names and clients never are.
#[derive(Debug, Clone)]
pub struct Log {
    /// Least severity.
    pub level: tracing::Level,
    /// One JSON object a line.
    pub json: bool,
}

/// The words a configuration may use that are data, not code.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// Ids of `services.toml`.
    pub services: Vec<String>,
    /// Names of those services.
    pub service_names: Vec<Name>,
    /// Ids of `catalog.toml`.
    pub catalog: Vec<String>,
    /// Codes of list formats.
    pub formats: Vec<&'static str>,
}

/// The manual, and what runs when there is no file.
pub const HOME: &str = include_str!("../../config/home.toml");
/// The criteria used when the configuration names no file.
pub const CRITERIA: &str = include_str!("../../config/criteria.toml");

impl Config {
    /// Reads and checks the file, or the built-in configuration when there is none.
    pub fn load(file: Option<&Path>, words: &Vocabulary) -> Result<Config, Vec<Fault>> {
        let Some(path) = file else { return read::config("built-in", HOME, None, words) };
        let shown = path.display().to_string();
        let text = slurp(path).map_err(|what| vec![Fault { file: shown.clone(), line: 1, column: 1, what }])?;
        read::config(&shown, &text, Some(path), words)
    }

    /// Checks a text that is not in a file.
    pub fn from_text(shown: &str, text: &str, words: &Vocabulary) -> Result<Config, Vec<Fault>> {
        read::config(shown, text, None, words)
    }

    /// Where a configuration is looked for when none is named: the first that exists of the system's, the one in the state
    /// folder (where changes go when there is no other) and the one of a clone.
    pub fn find() -> Option<PathBuf> {
        let state = Config::usual_state_dir().map(|folder| folder.join(edit::NAME));
        let places = [Some(PathBuf::from(edit::SYSTEM)), state, Some(PathBuf::from("config/home.toml"))];
        places.into_iter().flatten().find(|path| path.is_file())
    }

    /// The state folder of `state_dir = "auto"`: systemd's StateDirectory= comes first, then the user's own place (XDG Base
    /// Directory).
    pub fn usual_state_dir() -> Option<PathBuf> {
        let systemd = std::env::var_os("STATE_DIRECTORY").map(PathBuf::from);
        let user = std::env::var_os("XDG_STATE_HOME").map(|home| PathBuf::from(home).join("luytre"));
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state/luytre"));
        systemd.or(user).or_else(home)
    }
}

/// Reads a text file; the error is a sentence without the file's name.
fn slurp(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes).map_err(|error| format!("is not UTF-8 at octet {}", error.utf8_error().valid_up_to()))
}

#[cfg(test)]
mod tests;
