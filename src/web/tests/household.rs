//! A household to test pages with: a real judge and family, a configuration file in a folder of its own, and a steward who reads
//! that file again. Browsers come from addresses of its devices and keep their cookies.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use tower::ServiceExt as _;

use crate::classify::{Bundle, Category, Engine, ServiceSet};
use crate::clock::now_secs;
use crate::config::{Config, SelectorSpec, Vocabulary};
use crate::document::Fault;
use crate::family::{Family, Login, Role, Who};
use crate::identity::{Clients, ProfileId};
use crate::judge::{Judge, Snapshot};
use crate::lists::data::{Builtin, INFRASTRUCTURE};
use crate::lists::inputs::{inputs, load};
use crate::name::Name;
use crate::policy::{BudgetInput, Grant, Granted, Profile, ProfileInput, ScheduleInput, Selector, Temporary};
use crate::report::consent::{Mode, Operators, Why};
use crate::report::preview::Preview;
use crate::web::guard::{LANGUAGE, Peer};
use crate::web::steward::Sighting;
use crate::web::{Finding, Status, Steward, Web, server};

/// Four children of different bands, two adults as one profile, and three devices.
pub const CONFIG: &str = r#"
version = 1
state_dir = "none"
time_zone = "Asia/Ho_Chi_Minh"

[dns]
listen = ["127.0.0.1:5300"]

[dns.upstream]
servers = ["udp://192.168.1.1"]

[web]
listen = ["0.0.0.0:80"]
addresses = ["192.168.1.2"]

[[list]]
name = "starter"
source = "starter"

[[profile]]
name = "Bin"
band = "0-5"

# Mai goes to school.
[[profile]]
name = "Mai"
band = "10-12"

[[profile]]
name = "Nam"
band = "13-15"

[[profile]]
name = "Linh"
band = "16-17"

[[profile]]
name = "Bố mẹ"
band = "18+"

[[device]]
name = "Máy của bố"
profile = "Bố mẹ"
address = ["192.168.1.10"]

[[device]]
name = "Máy tính bảng của Mai"
profile = "Mai"
mac = "02:00:00:00:00:11"
address = ["192.168.1.11"]

[[device]]
profile = "Linh"
address = ["192.168.1.13"]

[defaults]
profile = "Bin"
"#;

/// The guardian of every household.
pub const GUARDIAN: (&str, &str) = ("Mẹ", "con đường làng");

static BUILTIN: LazyLock<Arc<Builtin>> = LazyLock::new(|| match Builtin::read() {
    Ok(builtin) => Arc::new(builtin),
    Err(faults) => panic!("{faults:?}"),
});
static BUNDLE: LazyLock<Arc<Bundle>> = LazyLock::new(|| {
    let config = Config::from_text("test", CONFIG, &BUILTIN.vocabulary()).unwrap();
    load(&inputs(&config, &BUILTIN, None).0, &BUILTIN, None, &mut |_, _| {}).unwrap()
});

/// A household with its pages.
pub struct Household {
    pub web: Arc<Web>,
    pub steward: Arc<Keeper>,
    folder: tempfile::TempDir,
}

/// Stands in for the wiring.
pub struct Keeper {
    judge: Arc<Judge>,
    family: Arc<Family>,
    file: PathBuf,
    config: Mutex<Arc<Config>>,
    /// What is on the network now.
    pub sightings: Mutex<Vec<Sighting>>,
    /// How things are.
    pub status: Mutex<Status>,
    /// What was found.
    pub findings: Mutex<Vec<Finding>>,
    /// What is told, and would be.
    pub preview: Mutex<Preview>,
    /// How often answers changed.
    pub answers: AtomicUsize,
}

impl Household {
    /// With a guardian, and nobody signed in.
    pub fn new() -> Household {
        let house = Household::empty(CONFIG);
        house.web.family.add_account(GUARDIAN.0, GUARDIAN.1, Role::Guardian, None, now()).unwrap();
        house
    }

    /// Before it was set up.
    pub fn empty(text: &str) -> Household {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("home.toml");
        std::fs::write(&file, text).unwrap();
        let config = Config::load(Some(&file), &BUILTIN.vocabulary()).unwrap();
        let options = config.web.clone().unwrap();
        let family = Arc::new(Family::open(None, now()).unwrap());
        let judge = Arc::new(Judge::new(snapshot(&config, &family)));
        let steward = Arc::new(Keeper {
            judge: Arc::clone(&judge),
            family: Arc::clone(&family),
            file,
            config: Mutex::new(Arc::new(config)),
            sightings: Mutex::default(),
            status: Mutex::new(all_is_well()),
            findings: Mutex::default(),
            preview: Mutex::new(Preview::silent(Mode::Off(Why::Guardian), Operators::default())),
            answers: AtomicUsize::new(0),
        });
        let web = Web::new(judge, family, Arc::clone(&steward) as Arc<dyn Steward>, Arc::clone(&BUILTIN), options);
        Household { web: Arc::new(web.unwrap()), steward, folder }
    }

    /// The configuration as it stands in the file now.
    pub fn text(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("home.toml")).unwrap()
    }

    /// Puts another configuration in force.
    pub fn rewrite(&self, text: &str) {
        std::fs::write(self.folder.path().join("home.toml"), text).unwrap();
        self.steward.reload().unwrap();
    }

    /// Somebody who is not signed in, at that address.
    pub fn visitor(&self, peer: &str) -> Browser {
        let router = server::router(Arc::clone(&self.web));
        let peer = peer.parse().unwrap();
        Browser { csrf: self.web.form_token(peer), router, peer, cookies: Vec::new(), host: "192.168.1.2".into() }
    }

    /// The guardian, signed in on the adults' machine.
    pub fn guardian(&self) -> Browser {
        self.signed_in(GUARDIAN.0, GUARDIAN.1)
    }

    /// Somebody with an account, signed in on the adults' machine.
    pub fn signed_in(&self, name: &str, password: &str) -> Browser {
        let mut browser = self.visitor("192.168.1.10");
        let login = Login { name, password, code: "", from: browser.peer };
        let session = self.web.family.sign_in(&login, now()).unwrap();
        browser.take(&format!("luytre={}", session.secret));
        browser
    }

    /// A device appears on the network.
    pub fn sees(&self, key: &str, name: &str, address: &str) {
        self.web.family.see(key, name, now()).unwrap();
        let addresses = vec![address.parse().unwrap()];
        let is_random = key.starts_with("02:");
        let sighting = Sighting { key: key.into(), name: name.into(), addresses, is_random, proposal: None };
        self.steward.sightings.lock().unwrap().push(sighting);
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    now_secs() as i64
}

/// A status without anything to do.
fn all_is_well() -> Status {
    Status {
        version: "0.0.0",
        since: now() - 3600,
        upstreams: (1, 1),
        answered: 1234,
        has_proxy: false,
        rules_hold: false,
        clock_trusted: true,
        lists: Vec::new(),
        names: 1000,
        signed: None,
    }
}

impl Steward for Keeper {
    fn renew(&self) -> Result<(), String> {
        self.judge.swap(snapshot(&self.config(), &self.family));
        Ok(())
    }

    fn reload(&self) -> Result<(), Vec<Fault>> {
        let config = Arc::new(Config::load(Some(&self.file), &BUILTIN.vocabulary())?);
        *self.config.lock().unwrap() = Arc::clone(&config);
        self.judge.swap(snapshot(&config, &self.family));
        Ok(())
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.lock().unwrap())
    }

    fn vocabulary(&self) -> Vocabulary {
        BUILTIN.vocabulary()
    }

    fn files(&self) -> Result<(PathBuf, Option<PathBuf>), String> {
        Ok((self.file.clone(), Some(self.file.clone())))
    }

    fn use_file(&self, file: PathBuf) {
        assert_eq!(file, self.file);
    }

    fn status(&self) -> Status {
        self.status.lock().unwrap().clone()
    }

    fn findings(&self) -> Vec<Finding> {
        self.findings.lock().unwrap().clone()
    }

    fn update_lists(&self) {}

    fn sightings(&self) -> Vec<Sighting> {
        self.sightings.lock().unwrap().clone()
    }

    fn report_preview(&self) -> Preview {
        self.preview.lock().unwrap().clone()
    }

    fn consent_changed(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }
}

/// As the wiring makes it, with as much of what holds for a while as pages can cause.
fn snapshot(config: &Config, family: &Family) -> Snapshot {
    let bundle = Arc::clone(&BUNDLE);
    let service = |spec: &SelectorSpec| match spec {
        SelectorSpec::Known(selector) => Some(*selector),
        SelectorSpec::Service(id) => bundle.service_id(id).map(Selector::Service),
    };
    let resolve = |specs: &[SelectorSpec]| specs.iter().filter_map(service).collect::<Vec<_>>();
    let infrastructure: ServiceSet = bundle.service_id(INFRASTRUCTURE).into_iter().collect();
    let mut clients = Clients::new(ProfileId(config.strangers as u16));
    for (net, at) in &config.devices {
        clients.insert(*net, ProfileId(*at as u16));
    }
    config.tokens.iter().for_each(|(token, at)| clients.insert_token(*token, ProfileId(*at as u16)));
    config.macs.iter().for_each(|(mac, at)| clients.insert_mac(*mac, ProfileId(*at as u16)));
    let mut snapshot = Snapshot {
        engine: Engine::new(Arc::clone(&bundle)),
        help: BUILTIN.help.clone(),
        safe_search: BUILTIN.safe_search.clone(),
        switches: BUILTIN.switches.clone(),
        criteria: Arc::new(config.criteria.clone()),
        profiles: Vec::new(),
        clients,
        infrastructure,
        time_zone: config.time_zone.clone(),
        has_proxy: false,
    };
    let today = snapshot.moment(now()).local.date();
    let moments = family.moments(now(), today).unwrap();
    let profiles = config.profiles.iter().map(|spec| {
        let schedules = spec.schedules.iter().map(|schedule| ScheduleInput {
            block: resolve(&schedule.block),
            allow: resolve(&schedule.allow),
            ..schedule.input.clone()
        });
        let budgets = spec.budgets.iter().map(|(budget, of)| BudgetInput { of: resolve(of), ..budget.clone() });
        let input = ProfileInput {
            budgets: budgets.collect(),
            block: resolve(&spec.block),
            allow: resolve(&spec.allow),
            schedules: schedules.collect(),
            ..spec.input.clone()
        };
        let mut profile = Profile::compile(&input, &config.criteria, infrastructure, today.year());
        profile.temporary = temporary(&profile, &moments);
        profile
    });
    snapshot.profiles = profiles.collect();
    snapshot
}

fn temporary(profile: &Profile, moments: &crate::family::Moments) -> Temporary {
    let own = moments.grants.iter().filter(|grant| *grant.profile == *profile.name);
    let grants = own.filter_map(|grant| {
        let what = match grant.what.split_once(':') {
            None => Granted::Time,
            Some(("category", code)) => Granted::Selector(Selector::Category(Category::from_code(code)?)),
            Some((_, name)) => Granted::Name(Box::new(Name::parse(name).ok()?)),
        };
        Some(Grant { what, until: grant.until })
    });
    let is_for = |who: &Who| match who {
        Who::House => profile.band != crate::policy::Band::Adult,
        Who::Profile(name) => **name == *profile.name,
        Who::Device(_) => false,
    };
    let paused = moments.pauses.iter().filter(|pause| is_for(&pause.who)).map(|pause| pause.until).max();
    Temporary { grants: grants.collect(), paused_until: paused, spent: 0 }
}

/// A browser of the household. Keeps cookies, follows nothing by itself.
pub struct Browser {
    router: Router,
    peer: IpAddr,
    cookies: Vec<(String, String)>,
    /// What forms send back; taken from the session when there is one.
    pub csrf: String,
    /// The name it asks by.
    pub host: String,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Browser {
    /// The same person, who reads English.
    pub fn in_english(mut self) -> Browser {
        self.take(&format!("{LANGUAGE}=en"));
        self
    }

    /// A page.
    pub fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path).header(header::HOST, &self.host).body(Body::empty()).unwrap())
    }

    /// A form, with the `csrf` field our pages put in.
    pub fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf.clone();
        let mut fields = fields.to_vec();
        fields.push(("csrf", &csrf));
        self.post_bare(path, &fields)
    }

    /// A form with these fields alone.
    pub fn post_bare(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(path)
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body));
        self.send(request.unwrap())
    }

    /// Any request, with this browser's cookies and address.
    pub fn send(&mut self, mut request: Request<Body>) -> Answer {
        let cookies: Vec<String> = self.cookies.iter().map(|(key, value)| format!("{key}={value}")).collect();
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        request.extensions_mut().insert(Peer { ip: self.peer, is_tls: false });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answer = runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
            Answer { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&body).into_owned() }
        });
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            self.take(cookie.to_str().unwrap());
        }
        answer
    }

    fn take(&mut self, cookie: &str) {
        let (key, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        self.cookies.retain(|(kept, _)| kept != key);
        if !value.is_empty() {
            self.cookies.push((key.to_string(), value.to_string()));
        }
        if key == crate::web::guard::COOKIE {
            self.csrf = crate::family::Session::csrf(value);
        }
    }
}

impl Answer {
    /// Where it leads.
    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }

    /// A page that came, and shows each of these.
    #[track_caller]
    pub fn shows(&self, texts: &[&str]) -> &Answer {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.says(texts)
    }

    /// Holds each of these, whatever the status.
    #[track_caller]
    pub fn says(&self, texts: &[&str]) -> &Answer {
        for text in texts {
            assert!(self.body.contains(text), "{text:?} is not in {}", self.body);
        }
        self
    }

    /// Holds none of these.
    #[track_caller]
    pub fn hides(&self, texts: &[&str]) -> &Answer {
        for text in texts {
            assert!(!self.body.contains(text), "{text:?} is in {}", self.body);
        }
        self
    }

    /// A change that was made, and leads there.
    #[track_caller]
    pub fn leads_to(&self, path: &str) -> &Answer {
        assert_eq!((self.status, self.location()), (StatusCode::SEE_OTHER, path), "{}", self.body);
        self
    }
}
