//! Whose device is whose: given, named, removed, paused, and made known by a secret when it is away from home.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use ipnet::IpNet;

use super::faults::in_words;
use super::{Fields, Page, local, page, page_again, see};
use crate::config::Encrypted;
use crate::config::edit::DeviceForm;
use crate::family::{PauseRow, Scope, Who};
use crate::identity::{Mac, Token};
use crate::judge::Snapshot;
use crate::policy::Moment;
use crate::web::pages::Section;
use crate::web::pages::dashboard::devices::{DevicesPage, Known, Stranger, TokenPage};
use crate::web::pages::dashboard::fault::Fault;
use crate::web::portal::shown;
use crate::web::sight::SeenDevice;
use crate::web::{Trouble, Visitor, Web, aside};

const HERE: &str = "/dashboard/devices";

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route(HERE, get(show))
        .route("/dashboard/devices/add", post(add))
        .route("/dashboard/devices/assign", post(assign))
        .route("/dashboard/devices/change", post(change))
        .route("/dashboard/devices/know", post(know))
        .route("/dashboard/devices/remove", post(remove))
        .route("/dashboard/devices/token", post(token))
}

async fn show(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    aside(move || page(view(&web, &visitor, Default::default(), Fault::default())?)).await
}

async fn assign(web: State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    act(web, visitor, fields, |web, visitor, fields| {
        web.assign(visitor, fields.one("key"), fields.one("profile"), fields.one("name"))
    })
    .await
}

async fn know(web: State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    act(web, visitor, fields, |web, visitor, fields| {
        visitor.may(Scope::Moments)?;
        Ok(web.family.know(fields.one("key"))?)
    })
    .await
}

async fn change(web: State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    act(web, visitor, fields, |web, visitor, fields| {
        let (position, old) = marked(web, fields)?;
        let name = fields.some("name").map(str::to_string);
        web.set_device(visitor, position, &DeviceForm { name, profile: fields.one("profile").to_string(), ..old })
    })
    .await
}

async fn remove(web: State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    act(web, visitor, fields, |web, visitor, fields| {
        visitor.may(Scope::Policy)?;
        let (position, _) = marked(web, fields)?;
        web.remove_device(visitor, position)
    })
    .await
}

/// Does it, and shows the page from which it was asked for.
async fn act(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    fields: Fields,
    deed: impl FnOnce(&Web, &Visitor, &Fields) -> Result<(), Trouble> + Send + 'static,
) -> Page {
    aside(move || {
        let Err(trouble) = deed(&web, &visitor, &fields) else { return see(local(fields.one("back"), HERE)) };
        let text = in_words(trouble, visitor.language())?;
        page_again(view(&web, &visitor, Default::default(), Fault::of("", text))?)
    })
    .await
}

async fn add(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    aside(move || {
        let typed = ["name", "key", "profile"].map(|field| fields.one(field).to_string());
        let [name, key, profile] = typed.clone();
        let added = match by_key(&key) {
            Some(form) => web.add_device(
                &visitor,
                &DeviceForm { name: Some(name).filter(|name| !name.is_empty()), profile, ..form },
            ),
            None => Err(Trouble::Invalid(String::new())),
        };
        match added {
            Ok(()) => see(HERE),
            Err(Trouble::Invalid(what)) if what.is_empty() => {
                visitor.may(Scope::Policy)?;
                let fault = Fault::of("key", visitor.language().t("devices-key-wrong"));
                page_again(view(&web, &visitor, typed, fault)?)
            }
            Err(trouble) => {
                let fault = Fault::of("", in_words(trouble, visitor.language())?);
                page_again(view(&web, &visitor, typed, fault)?)
            }
        }
    })
    .await
}

/// A device known by its MAC address, an address, or a prefix.
fn by_key(key: &str) -> Option<DeviceForm> {
    if let Some(mac) = Mac::parse(key) {
        return Some(DeviceForm { mac: Some(mac.to_text()), ..DeviceForm::default() });
    }
    let is_address = key.parse::<IpAddr>().is_ok() || key.parse::<IpNet>().is_ok();
    is_address.then(|| DeviceForm { address: vec![key.to_string()], ..DeviceForm::default() })
}

async fn token(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    aside(move || {
        let [name, profile] = ["name", "profile"].map(|field| fields.one(field).to_string());
        let secret = new_token()?;
        let form = DeviceForm {
            name: Some(name.clone()).filter(|name| !name.is_empty()),
            profile: profile.clone(),
            token: Some(secret.clone()),
            ..DeviceForm::default()
        };
        if let Err(trouble) = web.add_device(&visitor, &form) {
            let fault = Fault::of("", in_words(trouble, visitor.language())?);
            return page_again(view(&web, &visitor, Default::default(), fault)?);
        }
        let [https, tls] = doors(&web.steward.config().dns.encrypted, &secret);
        let shell = web.shell(&visitor, Section::Devices, HERE)?;
        page(TokenPage { shell, name, profile, token: secret, https, tls }.render())
    })
    .await
}

/// What a device types in, by HTTPS and by TLS.
fn doors(encrypted: &Encrypted, token: &str) -> [Option<String>; 2] {
    let Some(name) = &encrypted.name else { return [None, None] };
    let https = encrypted.https.first().map(|door| match door.port() {
        443 => format!("https://{name}/dns-query/{token}"),
        port => format!("https://{name}:{port}/dns-query/{token}"),
    });
    [https, encrypted.tls.first().map(|_| format!("{token}.{name}"))]
}

/// A secret of 130 bits, in letters and digits that survive being a label of a name.
fn new_token() -> Result<String, Trouble> {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut octets = [0; Token::LEN_MIN];
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| Trouble::Internal("no randomness".into()))?;
    Ok(octets.iter().map(|octet| char::from(DIGITS[usize::from(octet & 31)])).collect())
}

/// The device a form speaks of, unless another one has its place by now.
fn marked(web: &Web, fields: &Fields) -> Result<(usize, DeviceForm), Trouble> {
    let position = fields.number("position")?;
    let form = web.devices()?.into_iter().nth(position).filter(|form| mark(form) == fields.one("mark"));
    form.map(|form| (position, form)).ok_or_else(|| Trouble::Conflict("the devices were changed meanwhile".into()))
}

fn mark(form: &DeviceForm) -> String {
    let DeviceForm { name, profile, mac, address, token: _ } = form;
    let parts = [name.as_deref(), Some(profile.as_str()), mac.as_deref(), Some(&address.join(","))];
    parts.map(Option::unwrap_or_default).join("|")
}

fn is_of(form: &DeviceForm, device: &SeenDevice) -> bool {
    let mac = form.mac.as_deref().and_then(Mac::parse);
    let by_mac = mac.is_some() && mac == Mac::parse(&device.key);
    by_mac || form.address.iter().any(|one| *one == device.key || device.addresses.contains(one))
}

/// What people call a device that was seen.
pub(super) fn called(forms: &[DeviceForm], device: &SeenDevice) -> Option<String> {
    forms.iter().find(|form| is_of(form, device)).and_then(|form| form.name.clone())
}

/// Whose device the visitor's is; `None` for strangers.
pub(super) fn whose(web: &Web, snapshot: &Snapshot, visitor: &Visitor) -> Result<Option<String>, Trouble> {
    let here = visitor.peer.to_string();
    let seen = web.seen_devices()?.into_iter().find(|device| device.key == here || device.addresses.contains(&here));
    let by_addr = snapshot.clients.owner_of_addr(visitor.peer).map(|id| snapshot.profile(id).name.to_string());
    Ok(seen.and_then(|device| device.profile).or(by_addr))
}

fn view(web: &Web, visitor: &Visitor, typed: [String; 3], fault: Fault) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Devices, HERE)?;
    let snapshot = web.judge.keep();
    let (moment, here) = (visitor.moment(&snapshot), visitor.peer.to_string());
    let (seen, pauses) = (web.seen_devices()?, web.moments(visitor.now)?.pauses);
    let look = Look { visitor, snapshot: &snapshot, moment: &moment, here: &here, seen: &seen, pauses: &pauses };
    let strangers = seen.iter().filter(|device| device.profile.is_none());
    let page = DevicesPage {
        known: web.devices()?.iter().enumerate().map(|(position, form)| look.known(position, form)).collect(),
        strangers: strangers.map(|device| look.stranger(device)).collect(),
        default: snapshot.profile(snapshot.clients.strangers()).name.to_string(),
        profiles: snapshot.profiles.iter().map(|profile| profile.name.to_string()).collect(),
        may_change: visitor.may(Scope::Policy).is_ok(),
        may_pause: visitor.may(Scope::Moments).is_ok(),
        shell,
        typed,
        fault,
    };
    Ok(page.render())
}

/// What rows are made from.
struct Look<'a> {
    visitor: &'a Visitor,
    snapshot: &'a Snapshot,
    moment: &'a Moment,
    here: &'a str,
    seen: &'a [SeenDevice],
    pauses: &'a [PauseRow],
}

impl Look<'_> {
    fn at(&self, unix_secs: i64) -> String {
        shown(self.snapshot.moment(unix_secs).local, self.moment.local, self.visitor.language())
    }

    fn is_here(&self, device: &SeenDevice) -> bool {
        device.key == self.here || device.addresses.iter().any(|one| one == self.here)
    }

    fn known(&self, position: usize, form: &DeviceForm) -> Known {
        let seen = self.seen.iter().find(|device| is_of(form, device));
        let key = form.mac.as_deref().and_then(Mac::parse).map(Mac::to_text);
        let key = key.or_else(|| form.address.first().filter(|one| one.parse::<IpAddr>().is_ok()).cloned());
        let who = key.map(Who::Device);
        let paused = self.pauses.iter().find(|pause| Some(&pause.who) == who.as_ref());
        let mut addresses: Vec<&str> = form.mac.iter().chain(&form.address).map(String::as_str).collect();
        addresses.extend(seen.iter().flat_map(|device| &device.addresses).map(String::as_str));
        // The same one may be written and seen.
        let mut shown = Vec::new();
        addresses.into_iter().for_each(|one| {
            if !shown.contains(&one) {
                shown.push(one)
            }
        });
        Known {
            position,
            mark: mark(form),
            name: form.name.clone().unwrap_or_default(),
            profile: form.profile.clone(),
            addresses: shown.join(", "),
            has_token: form.token.is_some(),
            last: seen.map(|device| self.at(device.last)),
            is_here: seen.is_some_and(|device| self.is_here(device)) || form.address.iter().any(|one| one == self.here),
            who: who.as_ref().map(Who::key),
            paused: paused.map(|pause| self.at(pause.until)),
        }
    }

    fn stranger(&self, device: &SeenDevice) -> Stranger {
        Stranger {
            key: device.key.clone(),
            name: device.name.clone(),
            addresses: device.addresses.join(", "),
            is_random: device.is_random,
            is_here: self.is_here(device),
            proposal: device.proposal.as_ref().map(|(profile, _)| profile.clone()),
            last: self.at(device.last),
        }
    }
}
