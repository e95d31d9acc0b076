//! The data files that come with the program: services, safe search, help, ways round the filter, the catalog of public
//! lists, and the starter lists. Compiled in, so that a box is useful with no network at all.

use std::net::IpAddr;
use std::time::Duration;

use super::parse::{Format, Plain};
use super::trust::guard::Group as Guarded;
use crate::classify::{Brand, Category, CategorySet, Protected};
use crate::config::{Vocabulary, word};
use crate::document::{At, Fault, Table, read};
use crate::judge::{HelpSet, SafeKind, SafeSearch, Switches};
use crate::name::Name;
use crate::policy::Band;

/// Everything that comes with the program.
pub struct Builtin {
    /// Services a rule can name, in the order of their ids.
    pub services: Vec<Service>,
    /// Safe forms of search engines.
    pub safe_search: SafeSearch,
    /// Where help is.
    pub help: HelpSet,
    /// Ways round the filter.
    pub bypass: Vec<Group>,
    /// Names by which devices ask whether to leave our resolver.
    pub switches: Switches,
    /// Public lists.
    pub catalog: Vec<CatalogEntry>,
    /// Where help is, as people read it.
    pub help_lines: Vec<HelpLine>,
    /// Names that a signed list must not block by mistake.
    pub canary: Vec<Guarded>,
    /// Brands and authorities that others imitate.
    pub protected: Protected,
    /// Good pages to offer instead of a refused one.
    pub tiles: Vec<Tile>,
}

/// One place that helps, as the page of help shows it. Has no `Debug`, as [`HelpSet`] has none.
pub struct HelpLine {
    /// ISO 3166, `EU` or `any`.
    pub country: String,
    title: Title,
    /// Empty where there is none.
    pub number: String,
    /// Its sites.
    pub sites: Vec<String>,
}

/// One good page.
#[derive(Debug, Clone)]
pub struct Tile {
    title: Title,
    /// Where it is; always HTTPS.
    pub url: String,
    /// Whom it suits.
    pub bands: Vec<Band>,
}

#[derive(Debug, Clone)]
struct Title {
    vi: String,
    en: String,
}

impl HelpLine {
    /// Its name in that language (`vi` or `en`).
    pub fn title(&self, language: &str) -> &str {
        self.title.of(language)
    }
}

impl Tile {
    /// Its name in that language (`vi` or `en`).
    pub fn title(&self, language: &str) -> &str {
        self.title.of(language)
    }
}

impl Title {
    fn read(table: &mut Table<'_>, key: &'static str) -> Option<Title> {
        let mut title = table.table(key)?;
        let (vi, en) = (title.required::<String>("vi"), title.required::<String>("en"));
        Some(Title { vi: vi?.value, en: en?.value })
    }

    fn of(&self, language: &str) -> &str {
        if language == "en" { &self.en } else { &self.vi }
    }
}

/// One app or site with all its names.
#[derive(Debug, Clone)]
pub struct Service {
    /// Stable, used in rules.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What it is.
    pub categories: CategorySet,
    /// From this age, 0 for none.
    pub min_age: u8,
    /// Its names, with all below them.
    pub names: Vec<Name>,
}

/// One way round the filter.
#[derive(Debug, Clone)]
pub struct Group {
    /// Stable.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Its names, with all below them.
    pub names: Vec<Name>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

/// One public list.
#[derive(Debug, Clone)]
pub struct CatalogEntry {
    /// Stable, used as `catalog:ID`.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Where it is.
    pub url: String,
    /// How it is written.
    pub format: Format,
    /// What a plain name in it means.
    pub plain: Plain,
    /// What it says of its names.
    pub categories: CategorySet,
    /// SPDX identifier.
    pub licence: String,
    /// Who makes it.
    pub homepage: String,
    /// How often it changes.
    pub refresh: Duration,
    /// It lifts categories instead of adding them.
    pub allow: bool,
}

macro_rules! starter {
    ($($category:ident $file:literal)*) => {
        /// The starter lists: category, file name, text.
        pub const STARTER: &[(Category, &str, &str)] = &[$(
            (Category::$category, $file, include_str!(concat!("../../blocklists/starter/", $file, ".txt"))),
        )*];
    };
}

starter! {
    StrangerChat "stranger_chat"
    NudifyNcii "nudify_ncii"
    Porn "porn"
    Suggestive "suggestive"
    AdultServices "adult_services"
    Dating "dating"
    GoreViolence "gore_violence"
    HateExtremism "hate_extremism"
    Drugs "drugs"
    Alcohol "alcohol"
    TobaccoVape "tobacco_vape"
    Weapons "weapons"
    Gambling "gambling"
    GamblingLike "gambling_like"
    PredatoryLoan "predatory_loan"
    Speculation "speculation"
    ForumUgc "forum_ugc"
    AiCompanion "ai_companion"
    DownloadStore "download_store"
    Piracy "piracy"
    AdsTracker "ads_tracker"
    Malware "malware"
    PhishingScam "phishing_scam"
    Stalkerware "stalkerware"
    HealthSexed "health_sexed"
    EducationKids "education_kids"
}

const SERVICES: &str = include_str!("../../blocklists/services.toml");
const SAFE_SEARCH: &str = include_str!("../../blocklists/safesearch.toml");
const HELP: &str = include_str!("../../blocklists/help.toml");
const BYPASS: &str = include_str!("../../blocklists/bypass.toml");
const TILES: &str = include_str!("../../blocklists/tiles.toml");
const CANARY: &str = include_str!("../../blocklists/canary.toml");
const PROTECTED: &str = include_str!("../../blocklists/protected.toml");
const CATALOG: &str = include_str!("../../blocklists/catalog.toml");

/// The service that holds what devices need to work at all.
pub const INFRASTRUCTURE: &str = "device_infrastructure";

impl Builtin {
    /// Reads the files. They are tested, so faults mean a broken build.
    pub fn read() -> Result<Builtin, Vec<Fault>> {
        let (bypass, switches) = read("bypass.toml", BYPASS, |root| Some(groups(root)))?;
        let (help, help_lines) = read("help.toml", HELP, |root| Some(help(root)))?;
        Ok(Builtin {
            services: read("services.toml", SERVICES, |root| Some(services(root)))?,
            safe_search: read("safesearch.toml", SAFE_SEARCH, |root| Some(safe_search(root)))?,
            help,
            help_lines,
            canary: read("canary.toml", CANARY, |root| Some(canary(root)))?,
            protected: read("protected.toml", PROTECTED, |root| Some(protected(root)))?,
            tiles: read("tiles.toml", TILES, |root| Some(tiles(root)))?,
            bypass,
            switches,
            catalog: read("catalog.toml", CATALOG, |root| Some(catalog(root)))?,
        })
    }

    /// The words a configuration may use.
    pub fn vocabulary(&self) -> Vocabulary {
        Vocabulary {
            services: self.services.iter().map(|service| service.id.clone()).collect(),
            service_names: self.services.iter().flat_map(|service| service.names.iter().cloned()).collect(),
            catalog: self.catalog.iter().map(|entry| entry.id.clone()).collect(),
            formats: Format::ALL.map(Format::code).to_vec(),
        }
    }

    /// The catalog entry of that id.
    pub fn catalog_entry(&self, id: &str) -> Option<&CatalogEntry> {
        self.catalog.iter().find(|entry| entry.id == id)
    }
}

fn schema(root: &mut Table<'_>, expected: &str) {
    if let Some(found) = root.required::<String>("schema")
        && found.value != expected
    {
        root.fault(&found.span, format!("schema {:?} is not known; this version reads {expected:?}", found.value));
    }
}

fn names(table: &mut Table<'_>) -> Vec<Name> {
    let names = table.or::<Vec<At<Name>>>("names", Vec::new());
    for name in names.iter().filter(|name| name.is_icann_suffix()) {
        table.fault(&name.span, format!("{} is a public suffix", name.value));
    }
    names.into_iter().map(|name| name.value).collect()
}

fn unique(table: &Table<'_>, id: &Option<At<String>>, taken: &mut Vec<String>) {
    let Some(id) = id else { return };
    if taken.contains(&id.value) {
        table.fault(&id.span, format!("id {:?} is taken", id.value));
    }
    taken.push(id.value.clone());
}

fn services(root: &mut Table<'_>) -> Vec<Service> {
    schema(root, "services/1");
    let mut ids = Vec::new();
    let mut read = |mut table: Table<'_>| {
        let id = table.required::<String>("id");
        unique(&table, &id, &mut ids);
        Some(Service {
            title: table.required::<String>("title")?.value,
            categories: table.required::<Vec<Category>>("categories")?.value.into_iter().collect(),
            min_age: u8::try_from(table.or::<u64>("min_age", 0)).unwrap_or(u8::MAX),
            names: names(&mut table),
            id: id?.value,
        })
    };
    root.tables("service").into_iter().filter_map(&mut read).collect()
}

fn safe_search(root: &mut Table<'_>) -> SafeSearch {
    schema(root, "safesearch/1");
    let kinds = [
        ("search", SafeKind::Search),
        ("youtube-moderate", SafeKind::YoutubeModerate),
        ("youtube-strict", SafeKind::YoutubeStrict),
    ];
    let mut rules = SafeSearch::default();
    for mut table in root.tables("rule") {
        table.required::<String>("id");
        let kind = word(&mut table, "kind", "kind of safe form", &kinds);
        let target = table.required::<Name>("target");
        let names = table.required::<Vec<Name>>("names");
        let (Some(kind), Some(target), Some(names)) = (kind, target, names) else { continue };
        for name in &names.value {
            rules.insert(name, kind.value, target.value.clone());
        }
    }
    rules
}

fn help(root: &mut Table<'_>) -> (HelpSet, Vec<HelpLine>) {
    schema(root, "help/1");
    let mut all: Vec<Name> = Vec::new();
    let mut lines = Vec::new();
    for mut table in root.tables("help") {
        let country = table.required::<String>("country");
        let number = table.required::<String>("number");
        table.required::<String>("checked");
        let title = Title::read(&mut table, "name");
        let names: Vec<Name> = table.or("domains", Vec::new());
        let sites = names.iter().map(Name::to_string).collect();
        all.extend(names);
        if let (Some(country), Some(number), Some(title)) = (country, number, title) {
            lines.push(HelpLine { country: country.value, title, number: number.value, sites });
        }
    }
    (HelpSet::new(&all), lines)
}

fn canary(root: &mut Table<'_>) -> Vec<Guarded> {
    schema(root, "canary/1");
    let mut ids = Vec::new();
    let mut read = |mut table: Table<'_>| {
        let id = table.required::<String>("id");
        unique(&table, &id, &mut ids);
        let names = names(&mut table);
        Some(Guarded { id: id?.value, names })
    };
    root.tables("group").into_iter().filter_map(&mut read).collect()
}

fn protected(root: &mut Table<'_>) -> Protected {
    schema(root, "protected/1");
    let mut ids = Vec::new();
    let mut read = |mut table: Table<'_>| {
        let id = table.required::<String>("id");
        unique(&table, &id, &mut ids);
        Some(Brand {
            title: table.required::<String>("title")?.value,
            names: table.required::<Vec<Name>>("names")?.value,
            words: table.or("words", Vec::new()),
            joined: table.or("joined", Vec::new()),
            everywhere: table.or("everywhere", false),
            id: id?.value,
        })
    };
    Protected {
        brands: root.tables("brand").into_iter().filter_map(&mut read).collect(),
        lures: root.or("lures", Vec::new()),
        fillers: root.or("fillers", Vec::new()),
        trusted: root.or("trusted", Vec::new()),
        others: root.or("others", Vec::new()),
    }
}

fn tiles(root: &mut Table<'_>) -> Vec<Tile> {
    schema(root, "tiles/1");
    let read = |mut table: Table<'_>| {
        let title = Title::read(&mut table, "title");
        let url = table.required::<String>("url");
        let bands = table.required::<Vec<Band>>("bands");
        let url = url?;
        if !url.value.starts_with("https://") {
            table.fault(&url.span, "a tile leads to https:// and nowhere else");
        }
        Some(Tile { title: title?, url: url.value, bands: bands?.value })
    };
    root.tables("tile").into_iter().filter_map(read).collect()
}

fn groups(root: &mut Table<'_>) -> (Vec<Group>, Switches) {
    schema(root, "bypass/1");
    let mut groups = Vec::new();
    // By the position of their switch.
    let mut switched: [Vec<Name>; 4] = Default::default();
    let switches = [("canary", 0), ("private_relay", 1), ("prefetch_proxy", 2), ("outer_name", 3)];
    for mut table in root.tables("group") {
        let id = table.required::<String>("id");
        let title = table.required::<String>("title");
        let switch = word(&mut table, "switch", "switch", &switches);
        let names = names(&mut table);
        let addresses = table.or::<Vec<IpAddr>>("addresses", Vec::new());
        match switch.map(|at| at.value) {
            Some(at) => switched[at].extend(names),
            None => {
                let (Some(id), Some(title)) = (id, title) else { continue };
                groups.push(Group { id: id.value, title: title.value, names, addresses });
            }
        }
    }
    let [canary, private_relay, prefetch_proxy, outer_names] = &switched;
    (groups, Switches::new(canary, private_relay, prefetch_proxy, outer_names))
}

fn catalog(root: &mut Table<'_>) -> Vec<CatalogEntry> {
    schema(root, "catalog/1");
    let formats = Format::ALL.map(|format| (format.code(), format));
    let mut ids = Vec::new();
    let mut read = |mut table: Table<'_>| {
        let id = table.required::<String>("id");
        unique(&table, &id, &mut ids);
        let format = word(&mut table, "format", "list format", &formats);
        let plain = word(&mut table, "plain", "meaning", &[("exact", Plain::Exact), ("suffix", Plain::Suffix)]);
        let kind = word(&mut table, "kind", "kind of list", &[("block", false), ("allow", true)]);
        let entry = (
            table.required::<String>("title"),
            table.required::<String>("url"),
            table.required::<Vec<Category>>("categories"),
            table.required::<String>("licence"),
            table.required::<String>("homepage"),
            table.required::<Duration>("refresh"),
        );
        Some(CatalogEntry {
            id: id?.value,
            title: entry.0?.value,
            url: entry.1?.value,
            format: format?.value,
            plain: plain.map_or(Plain::Exact, |at| at.value),
            categories: entry.2?.value.into_iter().collect(),
            licence: entry.3?.value,
            homepage: entry.4?.value,
            refresh: entry.5?.value,
            allow: kind.is_some_and(|at| at.value),
        })
    };
    root.tables("source").into_iter().filter_map(&mut read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_have_no_faults() {
        let builtin = Builtin::read().unwrap_or_else(|faults| {
            panic!("{}", faults.iter().map(|fault| format!("{fault}\n")).collect::<String>());
        });
        assert!(builtin.services.len() >= 80);
        assert!(builtin.catalog.len() >= 30);
        assert!(builtin.services.iter().any(|service| service.id == INFRASTRUCTURE));
        assert!(builtin.help.contains(&Name::parse("www.tongdai111.vn").unwrap()));
        assert!(builtin.switches.canary.contains(&Name::parse("use-application-dns.net").unwrap()));
    }

    #[test]
    fn every_tile_is_a_page_that_no_band_of_it_is_refused() {
        let builtin = Builtin::read().unwrap();
        let (_, _, learning) = STARTER.iter().find(|(category, ..)| *category == Category::EducationKids).unwrap();
        for tile in &builtin.tiles {
            let host = tile.url.trim_start_matches("https://").split('/').next().unwrap();
            let is_learning = learning.lines().any(|line| host == line || host.ends_with(&format!(".{line}")));
            assert!(is_learning || builtin.help.contains(&Name::parse(host).unwrap()), "{}", tile.url);
        }
        for band in Band::ALL {
            let count = builtin.tiles.iter().filter(|tile| tile.bands.contains(&band)).count();
            assert!(count >= 4, "{count} tiles for {band}");
        }
        assert!(builtin.help_lines.iter().any(|line| line.country == "VN" && line.number == "111"));
    }

    #[test]
    fn every_starter_file_is_compiled_in() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/blocklists/starter");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap().replace(".txt", ""))
            .collect();
        files.sort();
        let mut known: Vec<&str> = STARTER.iter().map(|(_, file, _)| *file).collect();
        known.sort_unstable();
        assert_eq!(files, known);
        assert!(STARTER.iter().all(|(category, file, _)| category.code() == *file));
    }

    #[test]
    fn no_starter_name_is_help_or_a_public_suffix() {
        let builtin = Builtin::read().unwrap();
        for (_, file, text) in STARTER {
            for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
                let name = Name::parse(line).unwrap_or_else(|error| panic!("{file}: {line}: {error}"));
                assert!(!builtin.help.contains(&name), "{file}: {line}");
                assert!(!name.is_icann_suffix(), "{file}: {line}");
            }
        }
    }
}
