//! A child's rules: groups of sites, services, names, safe search and connections.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use super::children::{bare_name, head, path_of, save};
use super::{Fields, Page, page, page_again, see};
use crate::classify::Category;
use crate::config::edit::ProfileForm;
use crate::family::Scope;
use crate::name::Name;
use crate::policy::Band;
use crate::web::api::Path;
use crate::web::pages::Section;
use crate::web::pages::dashboard::children::Tab;
use crate::web::pages::dashboard::parts::{Choice, Field, Wrong};
use crate::web::pages::dashboard::rules::{
    CriteriaPage, CriterionCard, Group, ProtectionPage, ServiceGroup, SitesPage,
};
use crate::web::text::Language;
use crate::web::{Trouble, Visitor, Web};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/dashboard/children/{name}/criteria", get(criteria).post(set_criteria))
        .route("/dashboard/children/{name}/sites", get(sites))
        .route("/dashboard/children/{name}/services", post(set_services))
        .route("/dashboard/children/{name}/names", post(set_names))
        .route("/dashboard/children/{name}/protection", get(protection).post(set_protection))
        .route("/dashboard/children/{name}/search", post(set_search))
}

/// What a guardian has chosen for a category or a service.
fn chosen<'f>(form: &'f ProfileForm, code: &str) -> &'f str {
    let has = |all: &[String]| all.iter().any(|one| one == code);
    if has(&form.allow) {
        "allow"
    } else if has(&form.block) {
        "block"
    } else {
        ""
    }
}

/// Takes what was chosen into the form; what is not chosen here stays.
fn choose(form: &mut ProfileForm, code: &str, choice: &str) {
    if chosen(form, code) == choice {
        return;
    }
    form.allow.retain(|one| one != code);
    form.block.retain(|one| one != code);
    match choice {
        "allow" => form.allow.push(code.to_string()),
        "block" => form.block.push(code.to_string()),
        _ => {}
    }
}

/// Saves, and shows the child's page again where it was.
async fn finish(web: Arc<Web>, visitor: Visitor, name: String, form: ProfileForm, tab: Tab) -> Page {
    match save(&web, &visitor, &name, &form).await? {
        None => see(&format!("{}{}", path_of(&name), tab.end())),
        Some(wrong) => page_again(show(&web, &visitor, &form, tab, Some(wrong))?),
    }
}

fn show(web: &Web, visitor: &Visitor, form: &ProfileForm, tab: Tab, wrong: Option<Wrong>) -> Result<String, Trouble> {
    match tab {
        Tab::Sites => sites_page(web, visitor, form, wrong, None),
        Tab::Protection => protection_page(web, visitor, form, wrong),
        Tab::Overview | Tab::Criteria | Tab::Hours => criteria_page(web, visitor, form, wrong),
    }
}

async fn criteria(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>) -> Page {
    visitor.may(Scope::Read)?;
    page(criteria_page(&web, &visitor, &web.profile(&name)?, None)?)
}

async fn set_criteria(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let mut form = web.profile(&name)?;
    for category in Category::ALL {
        let field = format!("group-{}", category.code());
        if fields.is_there(&field) {
            choose(&mut form, category.code(), fields.one(&field));
        }
    }
    finish(web, visitor, name, form, Tab::Criteria).await
}

fn criteria_page(web: &Web, visitor: &Visitor, form: &ProfileForm, wrong: Option<Wrong>) -> Result<String, Trouble> {
    let here = format!("{}/criteria", path_of(&form.name));
    let shell = web.shell(visitor, Section::Children, &here)?;
    let (language, snapshot) = (shell.language, web.judge.keep());
    let band = snapshot.profile_named(&form.name).ok_or(Trouble::NoSuch("profile"))?.band;
    let all = &snapshot.criteria;
    let cards = (0..=u16::MAX).zip(all.list()).map(|(position, criterion)| {
        // A category of several criteria stands at the one that decides, so that every choice is there once.
        let own = criterion.categories.iter().filter(|one| all.action(band, *one).1 == Some(position));
        let groups = own.map(|category| group(language, all, form, band, category));
        let title = match language {
            Language::Vietnamese => &criterion.title_vi,
            Language::English => &criterion.title_en,
        };
        CriterionCard { title: title.clone(), basis: criterion.basis.clone(), groups: groups.collect() }
    });
    let criteria = cards.filter(|card| !card.groups.is_empty()).collect();
    let head = head(visitor, &form.name, Tab::Criteria, wrong);
    Ok(CriteriaPage { shell, head, criteria }.html())
}

fn group(
    language: Language,
    criteria: &crate::policy::Criteria,
    form: &ProfileForm,
    band: Band,
    category: Category,
) -> Group {
    let (action, _) = criteria.action(band, category);
    let may_allow = !criteria.no_loosening().contains(category);
    let may_block = !criteria.no_tightening().contains(category);
    let now = chosen(form, category.code());
    let mut choices = vec![Choice::new("", &language.t1("choice-criteria", "action", language.action(&action)), now)];
    if may_allow {
        choices.push(Choice::new("allow", &language.t("choice-allow"), now));
    }
    if may_block {
        choices.push(Choice::new("block", &language.t("choice-block"), now));
    }
    let label = language.t1("choice-for", "name", language.category(&category));
    let field = Field::select(&format!("group-{}", category.code()), &label, choices);
    Group { category, action, choice: (may_allow || may_block).then_some(field) }
}

async fn sites(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>) -> Page {
    visitor.may(Scope::Read)?;
    page(sites_page(&web, &visitor, &web.profile(&name)?, None, None)?)
}

async fn set_services(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let mut form = web.profile(&name)?;
    for service in &web.builtin.services {
        let field = format!("service-{}", service.id);
        if fields.is_there(&field) {
            choose(&mut form, &service.id, fields.one(&field));
        }
    }
    finish(web, visitor, name, form, Tab::Sites).await
}

async fn set_names(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let mut form = web.profile(&name)?;
    let language = visitor.language();
    let typed = [fields.one("allow_names").to_string(), fields.one("block_names").to_string()];
    match (names(language, "allow_names", &fields), names(language, "block_names", &fields)) {
        (Ok(allow), Ok(block)) => {
            (form.allow_names, form.block_names) = (allow, block);
            finish(web, visitor, name, form, Tab::Sites).await
        }
        (Err(wrong), _) | (_, Err(wrong)) => page_again(sites_page(&web, &visitor, &form, Some(wrong), Some(&typed))?),
    }
}

/// The names of a field, each once.
fn names(language: Language, field: &'static str, fields: &Fields) -> Result<Vec<String>, Wrong> {
    let mut names: Vec<String> = Vec::new();
    for word in fields.words(field) {
        let name = Name::parse(bare_name(&word)).ok().filter(|name| !name.is_icann_suffix() && !name.is_root());
        let Some(name) = name else {
            return Err(Wrong::about(field, language.t1("wrong-site", "site", &word)));
        };
        let name = name.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

fn sites_page(
    web: &Web,
    visitor: &Visitor,
    form: &ProfileForm,
    wrong: Option<Wrong>,
    typed: Option<&[String; 2]>,
) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Children, &format!("{}/sites", path_of(&form.name)))?;
    let language = shell.language;
    let kinds = Category::ALL.into_iter().map(|category| {
        let own = web.builtin.services.iter().filter(|one| one.categories.first() == Some(category));
        let services = own.map(|service| {
            let now = chosen(form, &service.id);
            let choices = vec![
                Choice::new("", &language.t("choice-as-group"), now),
                Choice::new("allow", &language.t("choice-allow"), now),
                Choice::new("block", &language.t("choice-block"), now),
            ];
            Field::select(&format!("service-{}", service.id), &service.title, choices)
        });
        ServiceGroup { category, services: services.collect() }
    });
    let groups = kinds.filter(|group| !group.services.is_empty() && group.category != Category::Help).collect();
    let [allow, block] = match typed {
        Some(typed) => typed.clone(),
        None => [form.allow_names.join("\n"), form.block_names.join("\n")],
    };
    let names = vec![
        Field::area("allow_names", &language.t("names-allow"), &allow)
            .hint(&language.t("names-hint"))
            .told(wrong.as_ref()),
        Field::area("block_names", &language.t("names-block"), &block)
            .hint(&language.t("names-hint"))
            .told(wrong.as_ref()),
    ];
    let head = head(visitor, &form.name, Tab::Sites, wrong);
    Ok(SitesPage { shell, head, groups, names }.html())
}

async fn protection(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>) -> Page {
    visitor.may(Scope::Read)?;
    page(protection_page(&web, &visitor, &web.profile(&name)?, None)?)
}

async fn set_search(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let form = ProfileForm {
        safe_search: flag(fields.one("safe_search")),
        youtube: fields.some("youtube").map(str::to_string),
        ..web.profile(&name)?
    };
    finish(web, visitor, name, form, Tab::Protection).await
}

async fn set_protection(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(name): Path<String>,
    fields: Fields,
) -> Page {
    visitor.may(Scope::Policy)?;
    let mut form = web.profile(&name)?;
    for switch in SWITCHES {
        *switch.of(&mut form) = flag(fields.one(switch.code));
    }
    for (code, _) in WAYS {
        *way(&mut form, code) = fields.some(code).map(str::to_string);
    }
    finish(web, visitor, name, form, Tab::Protection).await
}

fn flag(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// A switch of the profile that is on, off, or what suits the age.
struct Switch {
    code: &'static str,
    field: fn(&mut ProfileForm) -> &mut Option<bool>,
}

impl Switch {
    fn of<'f>(&self, form: &'f mut ProfileForm) -> &'f mut Option<bool> {
        (self.field)(form)
    }
}

const SWITCHES: [Switch; 10] = [
    Switch { code: "block_lookalikes", field: |form| &mut form.block_lookalikes },
    Switch { code: "guess_unlisted", field: |form| &mut form.guess_unlisted },
    Switch { code: "canary", field: |form| &mut form.canary },
    Switch { code: "block_private_relay", field: |form| &mut form.block_private_relay },
    Switch { code: "filter_prefetch", field: |form| &mut form.filter_prefetch },
    Switch { code: "strip_ech", field: |form| &mut form.strip_ech },
    Switch { code: "rebinding_protection", field: |form| &mut form.rebinding_protection },
    Switch { code: "intercept", field: |form| &mut form.intercept },
    Switch { code: "block_encrypted_dns", field: |form| &mut form.block_encrypted_dns },
    Switch { code: "block_tunnels", field: |form| &mut form.block_tunnels },
];

/// Ways a connection can take, and what can be done with each.
const WAYS: [(&str, &[&str]); 4] = [
    ("quic", &["reject", "filter", "allow"]),
    ("nameless", &["block", "tcp443", "log", "allow"]),
    ("unexplained", &["resolve", "refuse", "allow"]),
    ("when_dead", &["open", "closed"]),
];

fn way<'f>(form: &'f mut ProfileForm, code: &str) -> &'f mut Option<String> {
    match code {
        "quic" => &mut form.quic,
        "nameless" => &mut form.nameless,
        "unexplained" => &mut form.unexplained,
        _ => &mut form.when_dead,
    }
}

fn protection_page(web: &Web, visitor: &Visitor, form: &ProfileForm, wrong: Option<Wrong>) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Children, &format!("{}/protection", path_of(&form.name)))?;
    let (language, mut form) = (shell.language, form.clone());
    let youtube = form.youtube.clone().unwrap_or_default();
    let modes = [
        Choice::new("", &language.t("choice-by-age"), &youtube),
        Choice::new("strict", &language.t("youtube-strict"), &youtube),
        Choice::new("moderate", &language.t("youtube-moderate"), &youtube),
        Choice::new("off", &language.t("youtube-off"), &youtube),
    ];
    let search = vec![
        switch(language, "safe_search", &language.t("safe-search"), form.safe_search)
            .hint(&language.t("safe-search-hint")),
        Field::select("youtube", &language.t("youtube"), modes.to_vec()).hint(&language.t("youtube-hint")),
    ];
    let mut advanced = Vec::new();
    for one in SWITCHES {
        let now = *one.of(&mut form);
        let (label, hint) = words_of(language, one.code);
        advanced.push(switch(language, one.code, &label, now).hint(&hint));
    }
    for (code, words) in WAYS {
        let now = way(&mut form, code).clone().unwrap_or_default();
        let words = words.iter().map(|word| Choice::new(word, &way_word(language, code, word), &now));
        let all = [Choice::new("", &language.t("choice-by-age"), &now)].into_iter().chain(words).collect();
        let (label, hint) = words_of(language, code);
        advanced.push(Field::select(code, &label, all).hint(&hint));
    }
    let head = head(visitor, &form.name, Tab::Protection, wrong);
    Ok(ProtectionPage { shell, head, search, advanced }.html())
}

fn switch(language: Language, code: &str, label: &str, now: Option<bool>) -> Field {
    let now = match now {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    let choices = vec![
        Choice::new("", &language.t("choice-by-age"), now),
        Choice::new("yes", &language.t("choice-yes"), now),
        Choice::new("no", &language.t("choice-no"), now),
    ];
    Field::select(code, label, choices)
}

/// What an option is called, and what it does.
fn words_of(language: Language, code: &str) -> (String, String) {
    let (label, hint) = match code {
        "block_lookalikes" => (language.t("adv-lookalikes"), language.t("adv-lookalikes-why")),
        "guess_unlisted" => (language.t("adv-guess"), language.t("adv-guess-why")),
        "canary" => (language.t("adv-canary"), language.t("adv-canary-why")),
        "block_private_relay" => (language.t("adv-relay"), language.t("adv-relay-why")),
        "filter_prefetch" => (language.t("adv-prefetch"), language.t("adv-prefetch-why")),
        "strip_ech" => (language.t("adv-ech"), language.t("adv-ech-why")),
        "rebinding_protection" => (language.t("adv-rebinding"), language.t("adv-rebinding-why")),
        "intercept" => (language.t("adv-intercept"), language.t("adv-intercept-why")),
        "block_encrypted_dns" => (language.t("adv-dns"), language.t("adv-dns-why")),
        "block_tunnels" => (language.t("adv-tunnels"), language.t("adv-tunnels-why")),
        "quic" => (language.t("adv-quic"), language.t("adv-quic-why")),
        "nameless" => (language.t("adv-nameless"), language.t("adv-nameless-why")),
        "unexplained" => (language.t("adv-unexplained"), language.t("adv-unexplained-why")),
        _ => (language.t("adv-dead"), language.t("adv-dead-why")),
    };
    (label.into_owned(), hint.into_owned())
}

fn way_word(language: Language, code: &str, word: &str) -> String {
    let text = match (code, word) {
        ("quic", "reject") => language.t("way-quic-reject"),
        ("quic", "filter") => language.t("way-quic-filter"),
        ("nameless", "block") => language.t("way-refuse"),
        ("nameless", "tcp443") => language.t("way-tcp443"),
        ("nameless", "log") => language.t("way-log"),
        ("unexplained", "resolve") => language.t("way-resolve"),
        ("unexplained", "refuse") => language.t("way-refuse"),
        ("when_dead", "open") => language.t("way-open"),
        ("when_dead", "closed") => language.t("way-closed"),
        _ => language.t("way-allow"),
    };
    text.into_owned()
}
