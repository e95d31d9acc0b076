//! The configuration file, key by key. `config/home.toml` is its manual; a test holds the two together.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::days::calendars;
use super::encrypted::encrypted;
use super::fields::{ByteSize, choice};
use super::identity::{Devices, devices, identity};
use super::profiles::profiles;
use super::proxy;
use super::report::report;
use super::signed::signed;
use super::upstream::upstream;
use super::web::web;
use super::{
    BlockAnswer, Cache, Config, Dns, List, ListSource, Log, ModelFile, StructuredErrors, Tcp, Updates, Vocabulary,
    criteria,
};
use crate::classify::{Category, CategorySet};
use crate::document::{At, Fault, Table, nearest, read};
use crate::name::{Lookalikes, Name};
use crate::policy::Criteria;

/// Reads the text of a configuration. `path` is where relative paths start.
pub(super) fn config(shown: &str, text: &str, path: Option<&Path>, words: &Vocabulary) -> Result<Config, Vec<Fault>> {
    let beside = path.and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default();
    let mut elsewhere = Vec::new();
    let built = read(shown, text, |root| {
        version(root);
        let criteria = match criteria_of(root, &beside) {
            Ok(criteria) => Some(criteria),
            Err(faults) => {
                elsewhere = faults;
                None
            }
        };
        let model = model(root, &beside);
        let state_dir = state_dir(root);
        let time_zone = time_zone(root);
        let mut dns = dns(root, &beside, words);
        let proxy = proxy::proxy(root);
        let web = web(root, dns.as_ref().map_or(&[], |dns| &dns.portal));
        if let Some((dns, web)) = dns.as_mut().zip(web.as_ref()) {
            dns.pages = Some((web.name.clone(), web.addresses.clone()));
        }
        let lists = lists(root, &beside, words);
        let updates = updates(root);
        let signed = signed(root, &beside);
        let report = report(root, &beside, state_dir.as_deref(), signed.is_some());
        let calendars = calendars(root);
        let mut profiles = profiles(root, criteria.as_ref(), &calendars, words);
        if let Some(proxy) = &proxy {
            let inputs = profiles.iter_mut().filter_map(|(_, spec)| spec.as_mut());
            inputs.for_each(|spec| spec.input.when_dead = spec.input.when_dead.or(Some(proxy.when_dead)));
        }
        let names: Vec<String> = profiles.iter().map(|(name, _)| name.value.clone()).collect();
        let Devices { nets: devices, macs, assigned, tokens } = devices(root, &names);
        let identity = identity(root, &beside);
        let strangers = strangers(root, &names);
        let metrics = metrics(root);
        let log = log(root);
        Some(Config {
            file: path.map(Path::to_path_buf),
            state_dir,
            criteria: criteria.unwrap_or_else(crate::policy::criteria::plain),
            model,
            time_zone: time_zone?,
            dns: dns?,
            proxy,
            web,
            lists,
            updates,
            signed,
            report,
            calendars,
            profiles: profiles.into_iter().map(|(_, profile)| profile).collect::<Option<Vec<_>>>()?,
            devices,
            macs,
            assigned,
            identity,
            tokens,
            strangers: strangers?,
            metrics,
            log,
        })
    });
    match built {
        Ok(config) if elsewhere.is_empty() => Ok(config),
        Ok(_) => Err(elsewhere),
        Err(mut faults) => {
            faults.extend(elsewhere);
            Err(faults)
        }
    }
}

/// The `schema` line of a data file.
pub(super) fn schema(root: &mut Table<'_>, expected: &str) {
    if let Some(found) = root.required::<String>("schema")
        && found.value != expected
    {
        root.fault(&found.span, format!("schema {:?} is not known; this version reads {expected:?}", found.value));
    }
}

fn version(root: &mut Table<'_>) {
    if let Some(version) = root.required::<u64>("version")
        && version.value != 1
    {
        root.fault(&version.span, format!("version {} is not known; this program reads version 1", version.value));
    }
}

fn criteria_of(root: &mut Table<'_>, beside: &Path) -> Result<Criteria, Vec<Fault>> {
    let Some(file) = root.get::<PathBuf>("criteria") else {
        return criteria("criteria.toml (built-in)", super::CRITERIA);
    };
    let path = beside.join(&file.value);
    match super::slurp(&path) {
        Ok(text) => criteria(&path.display().to_string(), &text),
        Err(what) => {
            root.fault(&file.span, format!("criteria file {} {what}", path.display()));
            Ok(crate::policy::criteria::plain())
        }
    }
}

fn model(root: &mut Table<'_>, beside: &Path) -> ModelFile {
    match root.or("model", String::from("auto")).as_str() {
        "auto" => ModelFile::Auto,
        "none" => ModelFile::None,
        path => ModelFile::Path(beside.join(path)),
    }
}

fn state_dir(root: &mut Table<'_>) -> Option<PathBuf> {
    match root.or("state_dir", String::from("auto")).as_str() {
        "none" => None,
        "auto" => Config::usual_state_dir(),
        path => Some(PathBuf::from(path)),
    }
}

fn time_zone(root: &mut Table<'_>) -> Option<TimeZone> {
    match root.get::<String>("time_zone") {
        Some(zone) if zone.value != "system" => {
            let found = TimeZone::get(&zone.value);
            let what = |_| format!("time zone {:?} is not known (\"system\", \"Asia/Ho_Chi_Minh\")", zone.value);
            found.map_err(|error| root.fault(&zone.span, what(error))).ok()
        }
        _ => Some(TimeZone::system()),
    }
}

fn dns(root: &mut Table<'_>, beside: &Path, words: &Vocabulary) -> Option<Dns> {
    let span = root.span();
    let Some(mut dns) = root.table("dns") else {
        root.fault(&span, "`[dns]` is missing (at least `listen` and `[dns.upstream]`)");
        return None;
    };
    let listen = dns.required("listen");
    if let Some(none) = listen.as_ref().filter(|listen: &&At<Vec<_>>| listen.is_empty()) {
        dns.fault(&none.span, "`listen` is empty; name at least one address");
    }
    let style = word(&mut dns, "block_answer", "block answer", &BLOCK_ANSWERS).map_or(BlockAnswer::Null, |at| at.value);
    let portal: Vec<_> = dns.or("portal", Vec::new());
    if style == BlockAnswer::Portal && portal.is_empty() {
        dns.fault(&dns.span(), "`block_answer = \"portal\"` needs `portal` with its addresses");
    }
    Some(Dns {
        workers: number(&mut dns, "workers", 0, 0..=256) as usize,
        block_answer: style,
        block_ttl_secs: secs(duration(&mut dns, "block_ttl", 10, 0..=86_400)),
        portal,
        pages: None,
        udp_payload: number(&mut dns, "udp_payload", 1232, 512..=4096) as u16,
        client_rate: number(&mut dns, "client_rate", 10_000, 0..=1_000_000_000) as u32,
        private_names: dns.or("private_names", Vec::new()),
        lookalikes: lookalikes(&mut dns, words),
        cache: cache(&mut dns),
        tcp: tcp(&mut dns),
        structured_errors: structured_errors(&mut dns),
        encrypted: encrypted(&mut dns, beside),
        upstream: upstream(&mut dns, beside)?,
        listen: listen?.value,
    })
}

fn lookalikes(dns: &mut Table<'_>, words: &Vocabulary) -> Arc<Lookalikes> {
    let own: Vec<Name> = dns.or("protected_names", Vec::new());
    Arc::new(Lookalikes::new(words.service_names.iter().chain(&own)))
}

fn structured_errors(dns: &mut Table<'_>) -> Option<StructuredErrors> {
    /// The first code for local use (RFC 6891 §9); the draft has none yet.
    const LOCAL_OPTION: u64 = 65_001;
    let mut table = dns.table("structured_errors")?;
    let enabled = table.or("enabled", false);
    let option_code = number(&mut table, "option_code", LOCAL_OPTION, 0..=65_534) as u16;
    let contact = table.or::<Vec<At<String>>>("contact", Vec::new());
    for uri in contact.iter().filter(|uri| !["mailto:", "tel:"].iter().any(|scheme| uri.value.starts_with(scheme))) {
        table.fault(&uri.span, format!("contact {:?} is neither \"mailto:\" nor \"tel:\"", uri.value));
    }
    let organization = table.get::<String>("organization").map(|at| at.value);
    let language = word(&mut table, "language", "language", &[("vi", true), ("en", false)]);
    let contact = contact.into_iter().map(|uri| uri.value).collect();
    let vietnamese = language.is_none_or(|at| at.value);
    enabled.then_some(StructuredErrors { option_code, contact, organization, vietnamese })
}

const BLOCK_ANSWERS: [(&str, BlockAnswer); 4] = [
    ("null", BlockAnswer::Null),
    ("nxdomain", BlockAnswer::Nxdomain),
    ("refused", BlockAnswer::Refused),
    ("portal", BlockAnswer::Portal),
];

fn cache(dns: &mut Table<'_>) -> Cache {
    const DAY: u64 = 86_400;
    let mut none = None;
    let mut table = dns.table("cache");
    let table = table.as_mut();
    let Some(table) = table.or(none.as_mut()) else {
        return Cache {
            bytes_max: CACHE_BYTES,
            ttl_min: Duration::ZERO,
            ttl_max: Duration::from_secs(DAY),
            negative_ttl_max: Duration::from_secs(300),
            stale_max: Duration::from_secs(DAY),
            prefetch: true,
        };
    };
    Cache {
        bytes_max: size(table, "size", CACHE_BYTES, 1 << 16..=1 << 40),
        ttl_min: duration(table, "ttl_min", 0, 0..=3600),
        ttl_max: duration(table, "ttl_max", DAY, 1..=7 * DAY),
        negative_ttl_max: duration(table, "negative_ttl_max", 300, 0..=DAY),
        stale_max: duration(table, "stale_max", DAY, 0..=7 * DAY),
        prefetch: table.or("prefetch", true),
    }
}

/// A household's names of a day fit many times over.
const CACHE_BYTES: u64 = 16 << 20;

fn tcp(dns: &mut Table<'_>) -> Tcp {
    let mut table = dns.table("tcp");
    let connections = table.as_mut().map_or(256, |table| number(table, "connections_max", 256, 1..=65_536));
    let idle = table.as_mut().map_or(Duration::from_secs(10), |table| duration(table, "idle", 10, 1..=600));
    let balancers = table.as_mut().map_or_else(Vec::new, |table| table.or("proxy_protocol_from", Vec::new()));
    Tcp { connections_max: connections as usize, idle, balancers }
}

fn lists(root: &mut Table<'_>, beside: &Path, words: &Vocabulary) -> Vec<List> {
    let mut lists: Vec<List> = Vec::new();
    for mut table in root.tables("list") {
        let name = table.required::<String>("name");
        let source = table.required::<String>("source").and_then(|source| list_source(&table, source, beside, words));
        let format = table.get::<String>("format");
        if let Some(format) = &format
            && !words.formats.contains(&format.value.as_str())
        {
            let near = nearest(format, words.formats.iter().copied());
            let advice = near.map_or_else(|| words.formats.join(", "), |near| format!("did you mean {near:?}?"));
            table.fault(&format.span, format!("unknown list format {:?} ({advice})", format.value));
        }
        let suffix = word(&mut table, "plain", "meaning of a plain name", &[("exact", false), ("suffix", true)]);
        let categories = list_categories(&mut table);
        let kind = word(&mut table, "kind", "kind of list", &[("block", false), ("allow", true)]);
        let allow = kind.is_some_and(|at| at.value);
        let own = matches!(source, Some(ListSource::File(_) | ListSource::Url(_)));
        if own && categories.is_empty() && !allow {
            table.fault(&table.span(), "a list from a file or URL needs `categories` (or `kind = \"allow\"`)");
        }
        if own && format.is_none() {
            table.fault(&table.span(), "a list from a file or URL needs `format`");
        }
        let (Some(name), Some(source)) = (name, source) else { continue };
        if lists.iter().any(|other| other.name == name.value) {
            table.fault(&name.span, format!("list name {:?} is taken; names are unique", name.value));
        }
        let format = format.map(|at| at.value);
        lists.push(List { name: name.value, source, format, suffix: suffix.map(|at| at.value), categories, allow });
    }
    lists
}

fn list_categories(table: &mut Table<'_>) -> CategorySet {
    let Some(categories) = table.get::<Vec<At<Category>>>("categories") else { return CategorySet::EMPTY };
    for category in &categories.value {
        if matches!(category.value, Category::Csam | Category::LegalOrder | Category::Help) {
            let what = format!("no list may give names the category `{}`", category.code());
            table.fault(&category.span, what);
        }
    }
    categories.value.into_iter().map(|category| category.value).collect()
}

fn list_source(table: &Table<'_>, source: At<String>, beside: &Path, words: &Vocabulary) -> Option<ListSource> {
    match source.split_once(':') {
        None if source.value == "starter" => Some(ListSource::Starter),
        Some(("catalog", id)) if words.catalog.iter().any(|known| known == id) => {
            Some(ListSource::Catalog(id.to_string()))
        }
        Some(("catalog", id)) => {
            let near = nearest(id, words.catalog.iter().map(String::as_str));
            let advice = near.map_or("see blocklists/catalog.toml".into(), |near| format!("did you mean {near:?}?"));
            table.fault(&source.span, format!("the catalog has no {id:?} ({advice})"));
            None
        }
        Some(("file", path)) if !path.is_empty() => {
            let path = beside.join(path);
            if !path.is_file() {
                table.fault(&source.span, format!("list file {} does not exist", path.display()));
            }
            Some(ListSource::File(path))
        }
        Some(("https" | "http", _)) => Some(ListSource::Url(source.value)),
        _ => {
            let what = format!(
                "source {:?} is not known (\"starter\", \"catalog:ID\", \"file:PATH\", \"https://…\")",
                source.value
            );
            table.fault(&source.span, what);
            None
        }
    }
}

fn updates(root: &mut Table<'_>) -> Updates {
    let mut table = root.table("lists");
    let mut of = |read: &mut dyn FnMut(&mut Table<'_>) -> u64, default| table.as_mut().map_or(default, read);
    Updates {
        every: Duration::from_millis(of(
            &mut |t| duration(t, "update_every", 86_400, 0..=2_592_000).as_millis() as u64,
            86_400_000,
        )),
        shrink_max_percent: of(&mut |t| number(t, "shrink_max_percent", 50, 1..=100), 50),
        bytes_max: of(&mut |t| size(t, "size_max", LIST_BYTES, 1 << 10..=4 << 30), LIST_BYTES),
        timeout: Duration::from_millis(of(&mut |t| duration(t, "timeout", 300, 1..=3600).as_millis() as u64, 300_000)),
    }
}

/// The largest public list we know of is 90 MB; a guess with room.
const LIST_BYTES: u64 = 256 << 20;

fn strangers(root: &mut Table<'_>, names: &[String]) -> Option<usize> {
    let span = root.span();
    let Some(mut table) = root.table("defaults") else {
        if names.is_empty() {
            return None;
        }
        root.fault(&span, "`[defaults]` is missing (`profile`: who unknown clients are)");
        return None;
    };
    let name = table.required::<String>("profile")?;
    profile_named(&table, &name, names)
}

pub(super) fn profile_named(table: &Table<'_>, name: &At<String>, names: &[String]) -> Option<usize> {
    let found = names.iter().position(|known| *known == name.value);
    if found.is_none() {
        let near = nearest(name, names.iter().map(String::as_str));
        let advice =
            near.map_or_else(|| format!("known: {}", names.join(", ")), |near| format!("did you mean {near:?}?"));
        table.fault(&name.span, format!("there is no profile {:?} ({advice})", name.value));
    }
    found
}

fn metrics(root: &mut Table<'_>) -> Option<std::net::SocketAddr> {
    let mut table = root.table("metrics")?;
    let listen = table.get("listen").map(|at| at.value);
    if table.or("enabled", true) { listen } else { None }
}

fn log(root: &mut Table<'_>) -> Log {
    let levels = [
        ("error", tracing::Level::ERROR),
        ("warn", tracing::Level::WARN),
        ("info", tracing::Level::INFO),
        ("debug", tracing::Level::DEBUG),
    ];
    let mut table = root.table("log");
    let level = table.as_mut().and_then(|table| word(table, "level", "log level", &levels));
    let format =
        table.as_mut().and_then(|table| word(table, "format", "log format", &[("text", false), ("json", true)]));
    Log { level: level.map_or(tracing::Level::INFO, |at| at.value), json: format.is_some_and(|at| at.value) }
}

pub(crate) fn word<T: Copy>(table: &mut Table<'_>, key: &'static str, what: &str, all: &[(&str, T)]) -> Option<At<T>> {
    let word = table.get::<String>(key)?;
    match choice(&word, what, all) {
        Ok(value) => Some(At { value, span: word.span }),
        Err(fault) => {
            table.fault(&word.span, fault);
            None
        }
    }
}

fn within<T: PartialOrd + Copy>(
    table: &Table<'_>,
    span: &Range<usize>,
    value: T,
    range: std::ops::RangeInclusive<T>,
    shown: impl Fn(T) -> String,
) {
    if !range.contains(&value) {
        let what = format!("{} is out of range ({} to {})", shown(value), shown(*range.start()), shown(*range.end()));
        table.fault(span, what);
    }
}

pub(super) fn number(
    table: &mut Table<'_>,
    key: &'static str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> u64 {
    let Some(at) = table.get::<u64>(key) else { return default };
    within(table, &at.span, at.value, range, |value| value.to_string());
    at.value
}

pub(super) fn size(
    table: &mut Table<'_>,
    key: &'static str,
    default: u64,
    range: std::ops::RangeInclusive<u64>,
) -> u64 {
    let Some(at) = table.get::<ByteSize>(key) else { return default };
    within(table, &at.span, at.value.0, range, |value| format!("{value}B"));
    at.value.0
}

pub(super) fn duration(
    table: &mut Table<'_>,
    key: &'static str,
    secs: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Duration {
    duration_ms(table, key, secs * 1000, range.start() * 1000..=range.end() * 1000)
}

pub(super) fn duration_ms(
    table: &mut Table<'_>,
    key: &'static str,
    ms: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Duration {
    let Some(at) = table.get::<Duration>(key) else { return Duration::from_millis(ms) };
    let shown = |ms: u64| if ms.is_multiple_of(1000) { format!("{}s", ms / 1000) } else { format!("{ms}ms") };
    within(table, &at.span, at.value.as_millis() as u64, range, shown);
    at.value
}

fn secs(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
