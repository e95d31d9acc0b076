//! Everybody's card, a new child, and one child's first page: age, name, what was granted, codes, going.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use super::said;
use super::{Fields, Page, page, page_again, see};
use crate::classify::Category;
use crate::config::edit::ProfileForm;
use crate::family::Scope;
use crate::policy::{Age, Band};
use crate::web::api::{Path, aside};
use crate::web::pages::Section;
use crate::web::pages::dashboard::children::{ActRow, AwayCode, Card, ChildPage, ChildrenPage, Granted, Head, Tab};
use crate::web::pages::dashboard::parts::{Choice, Field, Wrong, in_path};
use crate::web::steering::Lasts;
use crate::web::text::Language;
use crate::web::{Trouble, Visitor, Web};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/dashboard/children", get(list).post(add))
        .route("/dashboard/children/{name}", get(child))
        .route("/dashboard/children/{name}/age", post(age))
        .route("/dashboard/children/{name}/name", post(called))
        .route("/dashboard/children/{name}/remove", post(remove))
        .route("/dashboard/children/{name}/grants", post(grant))
        .route("/dashboard/children/{name}/grants/{id}", post(take_back))
        .route("/dashboard/children/{name}/codes", post(renew_codes))
}

/// Where a child's rules are.
pub(super) fn path_of(name: &str) -> String {
    format!("/dashboard/children/{}", in_path(name))
}

/// The top of a child's page.
pub(super) fn head(visitor: &Visitor, name: &str, tab: Tab, wrong: Option<Wrong>) -> Head {
    let reads_only = visitor.may(Scope::Policy).is_err();
    Head { name: name.to_string(), path: path_of(name), tab, wrong, reads_only }
}

/// Saves a changed profile. What is wrong with it comes back in words.
pub(super) async fn save(
    web: &Arc<Web>,
    visitor: &Visitor,
    name: &str,
    form: &ProfileForm,
) -> Result<Option<Wrong>, Trouble> {
    let (web, who, name, form) = (Arc::clone(web), visitor.clone(), name.to_string(), form.clone());
    match aside(move || web.set_profile(&who, &name, &form)).await {
        Ok(()) => Ok(None),
        Err(trouble) => said::wrong(visitor.language(), trouble).map(Some),
    }
}

async fn list(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    page(everybody(&web, &visitor, &Typed::default(), None)?)
}

/// What was typed about a child.
#[derive(Default)]
struct Typed {
    name: String,
    born: String,
    band: String,
}

impl Typed {
    fn of(fields: &Fields) -> Typed {
        let one = |name: &str| fields.one(name).to_string();
        Typed { name: one("name"), born: one("born"), band: one("band") }
    }

    /// The age in the form's words: the year where one is given, else the band.
    fn age(&self, language: Language) -> Result<(Option<i16>, Option<String>), Wrong> {
        if self.born.is_empty() {
            let band = Some(self.band.clone()).filter(|band| Band::from_code(band).is_some());
            return match band {
                Some(band) => Ok((None, Some(band))),
                None => Err(Wrong::about("born", language.t("wrong-age"))),
            };
        }
        let year = self.born.parse().ok().filter(|year| (1900..=2200).contains(year));
        match year {
            Some(year) => Ok((Some(year), None)),
            None => Err(Wrong::about("born", language.t("wrong-year"))),
        }
    }
}

fn age_fields(language: Language, typed: &Typed, wrong: Option<&Wrong>) -> Vec<Field> {
    let born = Field::typed("number", "born", &language.t("age-born"), &typed.born);
    let bands = said::bands(language, &language.t("age-by-year"), &typed.band);
    vec![
        born.hint(&language.t("age-born-hint")).told(wrong),
        Field::select("band", &language.t("age-band"), bands).hint(&language.t("age-band-hint")).told(wrong),
    ]
}

fn everybody(web: &Web, visitor: &Visitor, typed: &Typed, wrong: Option<Wrong>) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Children, "/dashboard/children")?;
    let (language, snapshot) = (shell.language, web.judge.keep());
    let (devices, moments) = (web.devices()?, web.moments(visitor.now)?);
    let cards = snapshot.profiles.iter().map(|profile| Card {
        name: profile.name.to_string(),
        path: path_of(&profile.name),
        band: profile.band,
        devices: names_of_devices(&devices, &profile.name),
        now: said::holding(language, &snapshot, profile, &moments, visitor.now),
    });
    let name = Field::line("name", &language.t("child-name"), &typed.name).required().told(wrong.as_ref());
    let fields = [name].into_iter().chain(age_fields(language, typed, wrong.as_ref())).collect();
    Ok(ChildrenPage { shell, cards: cards.collect(), wrong, fields }.html())
}

fn names_of_devices(devices: &[crate::config::edit::DeviceForm], profile: &str) -> Vec<String> {
    let own = devices.iter().filter(|device| device.profile == profile);
    let shown = |device: &crate::config::edit::DeviceForm| {
        device.name.clone().or_else(|| device.mac.clone()).or_else(|| device.address.first().cloned())
    };
    own.filter_map(shown).collect()
}

async fn add(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    let (language, typed) = (visitor.language(), Typed::of(&fields));
    let wrong = match new_profile(&web, language, &typed) {
        Err(wrong) => wrong,
        Ok(form) => {
            let (web, who) = (Arc::clone(&web), visitor.clone());
            let name = form.name.clone();
            match aside(move || web.add_profile(&who, &form)).await {
                Ok(()) => return see(&path_of(&name)),
                Err(trouble) => said::wrong(language, trouble)?,
            }
        }
    };
    page_again(everybody(&web, &visitor, &typed, Some(wrong))?)
}

fn new_profile(web: &Web, language: Language, typed: &Typed) -> Result<ProfileForm, Wrong> {
    let name = free_name(web, language, &typed.name, "")?;
    let (born, band) = typed.age(language)?;
    Ok(ProfileForm { name, born, band, ..ProfileForm::default() })
}

/// A name nobody else has.
fn free_name(web: &Web, language: Language, name: &str, own: &str) -> Result<String, Wrong> {
    if name.is_empty() {
        return Err(Wrong::about("name", language.t("wrong-name-empty")));
    }
    if name != own && web.judge.current().profile_named(name).is_some() {
        return Err(Wrong::about("name", language.t("wrong-name-taken")));
    }
    Ok(name.to_string())
}

async fn child(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>) -> Page {
    let form = web.profile(&name)?;
    page(overview(&web, &visitor, &form, &Edited::of(&form), None)?)
}

/// What stands in the forms of the first page.
struct Edited {
    age: Typed,
    name: String,
    language: String,
    lasts: String,
}

impl Edited {
    fn of(form: &ProfileForm) -> Edited {
        Edited {
            age: Typed {
                name: String::new(),
                born: form.born.map(|year| year.to_string()).unwrap_or_default(),
                band: form.band.clone().unwrap_or_default(),
            },
            name: form.name.clone(),
            language: form.language.clone().unwrap_or_default(),
            lasts: "60".to_string(),
        }
    }
}

fn overview(
    web: &Web,
    visitor: &Visitor,
    form: &ProfileForm,
    edited: &Edited,
    wrong: Option<Wrong>,
) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Children, &path_of(&form.name))?;
    let (language, snapshot) = (shell.language, web.judge.keep());
    let profile = snapshot.profile_named(&form.name).ok_or(Trouble::NoSuch("profile"))?;
    let moments = web.moments(visitor.now)?;
    let granted = moments.grants.iter().filter(|grant| grant.profile == form.name).map(|grant| Granted {
        id: grant.id,
        what: said::granted(web, language, &grant.what),
        until: said::moment(language, &snapshot, grant.until),
        by: grant.by.clone(),
    });
    let codes = match visitor.may(Scope::Moments) {
        Ok(_) => web.codes(visitor, &form.name)?,
        Err(_) => Vec::new(),
    };
    let page = ChildPage {
        head: head(visitor, &form.name, Tab::Overview, None),
        band: profile.band,
        is_born: form.born.is_some(),
        next: form.born.and_then(|born| next_band(born, profile.band, web.today(visitor.now).year())),
        devices: names_of_devices(&web.devices()?, &form.name),
        now: said::holding(language, &snapshot, profile, &moments, visitor.now),
        age: age_fields(language, &edited.age, wrong.as_ref()),
        grants: granted.collect(),
        grant: grant_fields(web, language, edited, wrong.as_ref()),
        codes: codes.into_iter().map(|(extra, digits)| AwayCode { length: extra.code(), digits }).collect(),
        acts: acts(web, language, Some(&form.name), 20)?,
        called: called_fields(language, edited, wrong.as_ref()),
        others: said::profiles(web, "").into_iter().filter(|choice| choice.value != form.name).collect(),
        shell,
    };
    Ok(ChildPage { head: Head { wrong, ..page.head }, ..page }.html())
}

/// The band after this one and the year in which it begins.
fn next_band(born: i16, now: Band, year: i16) -> Option<(Band, i16)> {
    let later = (year.saturating_add(1)..=year.saturating_add(20)).map(|year| (Age::Born(born).band_in(year), year));
    later.into_iter().find(|(band, _)| *band != now)
}

/// Entries of the audit log in words.
pub(super) fn acts(web: &Web, language: Language, profile: Option<&str>, most: u32) -> Result<Vec<ActRow>, Trouble> {
    let snapshot = web.judge.keep();
    let acts = web.family.acts(profile, most)?.into_iter().map(|act| ActRow {
        at: said::moment(language, &snapshot, act.at),
        by: act.by,
        profile: act.profile.unwrap_or_default(),
        deed: act.deed.code(),
    });
    Ok(acts.collect())
}

fn called_fields(language: Language, edited: &Edited, wrong: Option<&Wrong>) -> Vec<Field> {
    let languages = Language::ALL.map(|one| Choice::new(one.code(), one.own_name(), &edited.language));
    let browser = Choice::new("", &language.t("child-language-browser"), &edited.language);
    vec![
        Field::line("name", &language.t("child-name"), &edited.name).required().told(wrong),
        Field::select("language", &language.t("child-language"), [browser].into_iter().chain(languages).collect()),
    ]
}

fn grant_fields(web: &Web, language: Language, edited: &Edited, wrong: Option<&Wrong>) -> Vec<Field> {
    let fixed = web.judge.current().criteria.no_loosening();
    let time = Choice::new("time", &language.t("grant-time"), "time");
    let open = Category::ALL.into_iter().filter(|one| *one != Category::Help && !fixed.contains(*one));
    let groups = open.map(|one| Choice::new(&format!("category:{}", one.code()), &language.category(&one), "time"));
    let services = web.builtin.services.iter();
    let services = services.map(|one| Choice::new(&format!("service:{}", one.id), &one.title, "time"));
    let all = [time].into_iter().chain(groups).chain(services).collect();
    vec![
        Field::select("what", &language.t("grant-what"), all).told(wrong),
        Field::line("site", &language.t("grant-site"), "").hint(&language.t("grant-site-hint")).told(wrong),
        Field::select("lasts", &language.t("grant-lasts"), lasts(language, &edited.lasts)).told(wrong),
    ]
}

fn lasts(language: Language, now: &str) -> Vec<Choice> {
    vec![
        Choice::new("15", &language.t("lasts-15"), now),
        Choice::new("60", &language.t("lasts-60"), now),
        Choice::new("today", &language.t("lasts-today"), now),
    ]
}

async fn age(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let form = web.profile(&name)?;
    let typed = Typed::of(&fields);
    let wrong = match typed.age(visitor.language()) {
        Err(wrong) => Some(wrong),
        Ok((born, band)) => save(&web, &visitor, &name, &ProfileForm { born, band, ..form.clone() }).await?,
    };
    if wrong.is_none() {
        return see(&path_of(&name));
    }
    page_again(overview(&web, &visitor, &form, &Edited { age: typed, ..Edited::of(&form) }, wrong)?)
}

async fn called(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let form = web.profile(&name)?;
    let (new, language) = (fields.one("name").to_string(), fields.one("language").to_string());
    let wrong = match free_name(&web, visitor.language(), &new, &name) {
        Err(wrong) => Some(wrong),
        Ok(new) => {
            let language = Some(language.clone()).filter(|language| !language.is_empty());
            save(&web, &visitor, &name, &ProfileForm { name: new, language, ..form.clone() }).await?
        }
    };
    if wrong.is_none() {
        return see(&path_of(&new));
    }
    page_again(overview(&web, &visitor, &form, &Edited { name: new, language, ..Edited::of(&form) }, wrong)?)
}

async fn remove(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let form = web.profile(&name)?;
    let replacement = fields.some("replacement").map(str::to_string);
    let (keeper, who) = (Arc::clone(&web), visitor.clone());
    match aside(move || keeper.remove_profile(&who, &name, replacement.as_deref())).await {
        Ok(()) => see("/dashboard/children"),
        Err(trouble) => {
            let wrong = said::wrong(visitor.language(), trouble)?;
            page_again(overview(&web, &visitor, &form, &Edited::of(&form), Some(wrong))?)
        }
    }
}

async fn grant(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, fields: Fields) -> Page {
    visitor.may(Scope::Moments)?;
    let form = web.profile(&name)?;
    let language = visitor.language();
    let what = match fields.some("site") {
        Some(site) => format!("name:{}", bare_name(site)),
        None => fields.one("what").to_string(),
    };
    let lasts = match fields.one("lasts") {
        "15" => Lasts::Minutes(15),
        "today" => Lasts::Today,
        _ => Lasts::Minutes(60),
    };
    match web.grant(&visitor, &name, &what, lasts) {
        Ok(_) => see(&path_of(&name)),
        Err(trouble) => {
            let mut wrong = said::wrong(language, trouble)?;
            wrong.field = if fields.has("site") { "site" } else { "what" };
            wrong.text = language.t("wrong-grant").into_owned();
            let edited = Edited { lasts: fields.one("lasts").to_string(), ..Edited::of(&form) };
            page_again(overview(&web, &visitor, &form, &edited, Some(wrong))?)
        }
    }
}

/// People copy addresses of pages where a name is wanted.
pub(super) fn bare_name(text: &str) -> &str {
    let text = text.trim();
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#', ':']).next().unwrap_or(rest)
}

async fn take_back(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path((name, id)): Path<(String, i64)>,
    _fields: Fields,
) -> Page {
    web.take_back(&visitor, id)?;
    see(&path_of(&name))
}

async fn renew_codes(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, _fields: Fields) -> Page {
    web.renew_codes(&visitor, &name)?;
    see(&path_of(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_band_begins_when_the_age_is_surely_reached() {
        assert_eq!(next_band(2017, Band::Age6to9, 2026), Some((Band::Age10to12, 2028)));
        assert_eq!(next_band(1990, Band::Adult, 2026), None);
    }

    #[test]
    fn addresses_of_pages_become_names() {
        assert_eq!(bare_name(" https://example.com:8443/a?b "), "example.com");
        assert_eq!(bare_name("example.com"), "example.com");
    }
}
