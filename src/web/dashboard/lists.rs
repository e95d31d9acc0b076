//! Where what is known comes from: lists with their age and size, from the catalog or from an address.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

use super::said;
use super::{Fields, Page, page, page_again, see};
use crate::classify::Category;
use crate::config::edit::ListForm;
use crate::family::Scope;
use crate::web::api::{Path, aside};
use crate::web::pages::Section;
use crate::web::pages::dashboard::machine::{ListCard, ListsPage, SignedCard};
use crate::web::pages::dashboard::parts::{Boxes, Choice, Field, Wrong, in_path};
use crate::web::text::Language;
use crate::web::{SignedState, Status, Trouble, Visitor, Web};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/dashboard/lists", get(lists).post(add))
        .route("/dashboard/lists/known", post(add_known))
        .route("/dashboard/lists/update", post(update))
        .route("/dashboard/lists/remove/{name}", post(remove))
}

async fn lists(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    page(shown(&web, &visitor, &ListForm::default(), None)?)
}

fn shown(web: &Web, visitor: &Visitor, typed: &ListForm, wrong: Option<Wrong>) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Lists, "/dashboard/lists")?;
    let (language, status, told) = (shell.language, web.steward.status(), wrong.as_ref());
    let forms = web.lists()?;
    let taken = |id: &str| forms.iter().any(|form| form.source.strip_prefix("catalog:") == Some(id));
    let offered = web.builtin.catalog.iter().filter(|entry| !taken(&entry.id));
    let offered = offered.map(|entry| Choice::new(&entry.id, &format!("{} ({})", entry.title, entry.licence), ""));
    let open = Category::ALL.into_iter().filter(|one| !UNLISTED.contains(one));
    let categories = open.map(|one| Choice::among(one.code(), &language.category(&one), &typed.categories));
    let fields = vec![
        Field::line("name", &language.t("list-name"), &typed.name).required().told(told),
        Field::typed("url", "source", &language.t("list-address"), &typed.source)
            .hint(&language.t("list-address-hint"))
            .required()
            .told(told),
    ];
    let page = ListsPage {
        names: status.names,
        signed: status.signed.as_ref().map(|signed| signed_card(web, language, signed)),
        lists: forms.iter().map(|form| card(web, language, &status, form)).collect(),
        known: Field::select("id", &language.t("lists-known"), offered.collect()).told(told),
        categories: Boxes::any("categories", &language.t("list-categories"), categories.collect()).told(told),
        shell,
        fields,
        wrong,
    };
    Ok(page.html())
}

/// No list from outside speaks of these.
const UNLISTED: [Category; 4] = [Category::Unknown, Category::Csam, Category::LegalOrder, Category::Help];

fn signed_card(web: &Web, language: Language, signed: &SignedState) -> SignedCard {
    let unknown = || language.t("list-unknown").into_owned();
    let moment = |at| said::moment(language, &web.judge.keep(), at);
    SignedCard {
        signers: signed.network.signers(language.code()).join(" · "),
        names: signed.names,
        release: signed.release.map_or_else(unknown, |(version, built)| format!("{version}, {}", moment(built))),
        withdrawn: signed.withdrawn,
        checked: signed.checked.map_or_else(unknown, moment),
        state: match (signed.last.as_str(), signed.release) {
            ("" | "ok", None) => "missing",
            ("" | "ok", Some(_)) => "ok",
            ("waiting", _) => "waiting",
            _ => "wrong",
        },
        message: signed.message.clone(),
    }
}

fn card(web: &Web, language: Language, status: &Status, form: &ListForm) -> ListCard {
    let state = status.lists.iter().find(|state| state.name == form.name);
    let entry = form.source.strip_prefix("catalog:").and_then(|id| web.builtin.catalog_entry(id));
    let codes = form.categories.iter().filter_map(|code| Category::from_code(code));
    let categories: Vec<Category> = match entry {
        Some(entry) if form.categories.is_empty() => entry.categories.iter().collect(),
        _ => codes.collect(),
    };
    let kinds: Vec<String> = categories.iter().map(|one| language.category(one).into_owned()).collect();
    let why = match (form.source.as_str(), entry) {
        ("starter", _) => language.t("list-why-starter"),
        (_, Some(_)) => language.t1("list-why-catalog", "kinds", kinds.join(", ")),
        _ => language.t1("list-why-own", "kinds", kinds.join(", ")),
    };
    let unknown = || language.t("list-unknown").into_owned();
    let checked = state.and_then(|state| state.checked);
    ListCard {
        name: form.name.clone(),
        path: in_path(&form.name),
        source: entry.map_or_else(|| form.source.clone(), |entry| format!("{}, {}", entry.title, entry.homepage)),
        licence: entry.map(|entry| entry.licence.clone()).unwrap_or_default(),
        why: why.into_owned(),
        rules: state.and_then(|state| state.rules).map_or_else(unknown, |rules| rules.to_string()),
        checked: checked.map_or_else(unknown, |at| said::moment(language, &web.judge.keep(), at)),
        state: state.map_or("missing", |state| state.state),
    }
}

async fn add(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let language = visitor.language();
    let form = ListForm {
        name: fields.one("name").to_string(),
        source: fields.one("source").to_string(),
        categories: fields.all("categories"),
        format: Some(fields.some("format").unwrap_or("domains").to_string()),
        plain: Some("suffix".to_string()),
        ..ListForm::default()
    };
    let wrong = if form.name.is_empty() {
        Some(Wrong::about("name", language.t("wrong-name-empty")))
    } else if !form.source.starts_with("https://") {
        Some(Wrong::about("source", language.t("wrong-address")))
    } else if form.categories.is_empty() {
        Some(Wrong::about("categories", language.t("wrong-nothing-chosen")))
    } else {
        None
    };
    take(web, visitor, form, wrong).await
}

async fn add_known(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let id = fields.one("id");
    let is_known = web.builtin.catalog_entry(id).is_some();
    let wrong = (!is_known).then(|| Wrong::about("id", visitor.language().t("wrong-nothing-chosen")));
    let form = ListForm { name: id.to_string(), source: format!("catalog:{id}"), ..ListForm::default() };
    take(web, visitor, form, wrong).await
}

async fn take(web: Arc<Web>, visitor: Visitor, form: ListForm, wrong: Option<Wrong>) -> Page {
    let wrong = match wrong {
        Some(wrong) => wrong,
        None => {
            let (keeper, who, form) = (Arc::clone(&web), visitor.clone(), form.clone());
            match aside(move || keeper.add_list(&who, &form)).await {
                Ok(()) => return see("/dashboard/lists"),
                Err(trouble) => said::wrong(visitor.language(), trouble)?,
            }
        }
    };
    // What came from the catalog was not typed.
    let typed = if form.source.starts_with("catalog:") { ListForm::default() } else { form };
    page_again(shown(&web, &visitor, &typed, Some(wrong))?)
}

async fn update(State(web): State<Arc<Web>>, visitor: Visitor, _fields: Fields) -> Page {
    web.update_lists(&visitor)?;
    see("/dashboard/lists")
}

async fn remove(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>, _fields: Fields) -> Page {
    visitor.may(Scope::Policy)?;
    let (keeper, who) = (Arc::clone(&web), visitor.clone());
    match aside(move || keeper.remove_list(&who, &name)).await {
        Ok(()) => see("/dashboard/lists"),
        Err(trouble) => {
            let wrong = said::wrong(visitor.language(), trouble)?;
            page_again(shown(&web, &visitor, &ListForm::default(), Some(wrong))?)
        }
    }
}
