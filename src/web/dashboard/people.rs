//! People and programs that may steer: accounts, the own password, one-time codes, tokens.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use qrcodegen::{QrCode, QrCodeEcc};

use super::said;
use super::{Fields, Page, page, page_again, see};
use crate::family::{Role, Scope};
use crate::web::api::{Path, aside};
use crate::web::charts::{self, Caption};
use crate::web::pages::Section;
use crate::web::pages::dashboard::parts::{Boxes, Choice, Field, Wrong};
use crate::web::pages::dashboard::settings::{NewSecret, PeoplePage, Place, Top};
use crate::web::text::{Family, Language};
use crate::web::{Trouble, Visitor, Web};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new()
        .route("/dashboard/settings/people", get(people).post(add))
        .route("/dashboard/settings/people/{id}/remove", post(remove))
        .route("/dashboard/settings/password", post(password))
        .route("/dashboard/settings/totp/new", post(new_totp))
        .route("/dashboard/settings/totp", post(totp_on))
        .route("/dashboard/settings/totp/off", post(totp_off))
        .route("/dashboard/settings/tokens", post(add_token))
        .route("/dashboard/settings/tokens/{id}/remove", post(remove_token))
}

/// What a page shows beside what is kept.
#[derive(Default)]
struct Shown {
    wrong: Option<Wrong>,
    name: String,
    role: String,
    profile: String,
    secret: Option<String>,
    made: Option<String>,
}

impl Shown {
    fn wrong(wrong: Wrong) -> Shown {
        Shown { wrong: Some(wrong), ..Shown::default() }
    }
}

async fn people(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    page(shown(&web, &visitor, Shown::default())?)
}

fn shown(web: &Web, visitor: &Visitor, shown: Shown) -> Result<String, Trouble> {
    let shell = web.shell(visitor, Section::Settings, Place::People.path())?;
    let (language, told) = (shell.language, shown.wrong.as_ref());
    let may_people = visitor.may(Scope::People).is_ok();
    let secret = shown.secret.as_ref().map(|secret| new_secret(visitor, language, secret, told));
    let scopes = Scope::ALL.map(|scope| Choice::among(scope.code(), &language.of(Family::Scope, scope.code()), &[]));
    let page = PeoplePage {
        own: visitor.account().cloned(),
        may_people,
        accounts: web.family.accounts()?,
        account: account_fields(web, language, &shown),
        password: vec![
            Field::password("old", &language.t("people-old-password"), "current-password").told(told),
            Field::password("new", &language.t("people-password"), "new-password")
                .hint(&language.t("people-password-hint"))
                .told(told),
        ],
        new_secret: secret,
        tokens: if may_people { web.family.tokens()? } else { Vec::new() },
        token: Field::line("token", &language.t("tokens-name"), "").required().told(told),
        scopes: Boxes::any("scopes", &language.t("tokens-scopes"), scopes.to_vec()).told(told),
        made: shown.made,
        top: Top { place: Place::People, wrong: shown.wrong },
        shell,
    };
    Ok(page.html())
}

fn account_fields(web: &Web, language: Language, shown: &Shown) -> Vec<Field> {
    let told = shown.wrong.as_ref();
    let role = if shown.role.is_empty() { Role::Second.code() } else { &shown.role };
    let roles = [Role::Second, Role::Guardian, Role::Reader, Role::Child];
    let roles = roles.map(|one| Choice::new(one.code(), &language.of(Family::Role, one.code()), role));
    let none = Choice::new("", &language.t("people-no-profile"), &shown.profile);
    let profiles = [none].into_iter().chain(said::profiles(web, &shown.profile)).collect();
    vec![
        Field::line("name", &language.t("people-name"), &shown.name).required().told(told),
        Field::password("password", &language.t("people-password"), "new-password")
            .hint(&language.t("people-password-hint"))
            .told(told),
        Field::select("role", &language.t("people-role"), roles.to_vec()).told(told),
        Field::select("profile", &language.t("people-profile"), profiles)
            .hint(&language.t("people-profile-hint"))
            .told(told),
    ]
}

/// The picture a phone reads, made here: the secret goes to nobody else.
fn new_secret(visitor: &Visitor, language: Language, secret: &str, wrong: Option<&Wrong>) -> NewSecret {
    let name: String = visitor.account().map(|account| account.name.clone()).unwrap_or_default();
    let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>().replace('+', "%20");
    let url = format!("otpauth://totp/L%C5%A9y%20Tre:{name}?secret={secret}&issuer=L%C5%A9y%20Tre");
    let (title, text) = (language.t("totp-picture"), language.t("totp-picture-text"));
    let caption = Caption { id: "totp", title: &title, text: &text };
    let picture = QrCode::encode_text(&url, QrCodeEcc::Medium).map(|code| {
        let side = code.size();
        charts::squares(&caption, side as usize, |x, y| code.get_module(x as i32, y as i32))
    });
    let field = Field::line("code", &language.t("totp-code"), "").required().told(wrong);
    NewSecret { secret: secret.to_string(), picture: picture.unwrap_or_default(), field }
}

async fn add(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    visitor.may(Scope::People)?;
    let language = visitor.language();
    let typed = |wrong| Shown {
        wrong: Some(wrong),
        name: fields.one("name").to_string(),
        role: fields.one("role").to_string(),
        profile: fields.one("profile").to_string(),
        ..Shown::default()
    };
    let Some(role) = Role::from_code(fields.one("role")) else {
        return page_again(shown(&web, &visitor, typed(Wrong::about("role", language.t("wrong-nothing-chosen"))))?);
    };
    let profile = fields.some("profile").filter(|_| role == Role::Child).map(str::to_string);
    if role == Role::Child && profile.is_none() {
        return page_again(shown(&web, &visitor, typed(Wrong::about("profile", language.t("wrong-child-profile"))))?);
    }
    let (name, password) = (fields.one("name").to_string(), fields.secret("password").to_string());
    let (keeper, who) = (Arc::clone(&web), visitor.clone());
    match aside(move || keeper.add_account(&who, &name, &password, role, profile.as_deref())).await {
        Ok(_) => see(Place::People.path()),
        Err(trouble) => {
            let wrong = Wrong { field: "name", ..said::wrong(language, trouble)? };
            page_again(shown(&web, &visitor, typed(wrong))?)
        }
    }
}

async fn remove(State(web): State<Arc<Web>>, visitor: Visitor, Path(id): Path<i64>, _fields: Fields) -> Page {
    visitor.may(Scope::People)?;
    match web.remove_account(&visitor, id) {
        Ok(()) => see(Place::People.path()),
        Err(trouble) => {
            let wrong = said::wrong(visitor.language(), trouble)?;
            page_again(shown(&web, &visitor, Shown::wrong(wrong))?)
        }
    }
}

async fn password(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    let (old, new) = (fields.secret("old").to_string(), fields.secret("new").to_string());
    let (keeper, who) = (Arc::clone(&web), visitor.clone());
    match aside(move || keeper.change_password(&who, &old, &new)).await {
        Ok(()) => see("/dashboard/sign-in"),
        Err(trouble) => {
            let language = visitor.language();
            let wrong = Wrong { field: "old", ..said::wrong(language, trouble)? };
            let wrong = Wrong { text: language.t("wrong-password").into_owned(), ..wrong };
            page_again(shown(&web, &visitor, Shown::wrong(wrong))?)
        }
    }
}

async fn new_totp(State(web): State<Arc<Web>>, visitor: Visitor, _fields: Fields) -> Page {
    let account = visitor.account().ok_or(Trouble::NotSignedIn)?;
    let (secret, _) = web.family.new_totp(&account.name)?;
    page(shown(&web, &visitor, Shown { secret: Some(secret), ..Shown::default() })?)
}

async fn totp_on(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    let (secret, code) = (fields.one("secret"), fields.one("code"));
    match web.set_totp(&visitor, Some((secret, code))) {
        Ok(()) => see(Place::People.path()),
        Err(trouble) => {
            let language = visitor.language();
            let wrong = Wrong { field: "code", ..said::wrong(language, trouble)? };
            let wrong = Wrong { text: language.t("wrong-code").into_owned(), ..wrong };
            page_again(shown(&web, &visitor, Shown { secret: Some(secret.to_string()), ..Shown::wrong(wrong) })?)
        }
    }
}

async fn totp_off(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    let account = visitor.account().ok_or(Trouble::NotSignedIn)?.id;
    let (keeper, typed) = (Arc::clone(&web), fields.secret("password").to_string());
    // A session that was left open must not be enough.
    if !aside(move || Ok(keeper.family.is_password(account, &typed)?)).await? {
        let wrong = Wrong::about("", visitor.language().t("wrong-password"));
        return page_again(shown(&web, &visitor, Shown::wrong(wrong))?);
    }
    web.set_totp(&visitor, None)?;
    see(Place::People.path())
}

async fn add_token(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    visitor.may(Scope::People)?;
    let scopes: Vec<Scope> = fields.all("scopes").iter().filter_map(|code| Scope::from_code(code)).collect();
    if scopes.is_empty() {
        let wrong = Wrong::about("scopes", visitor.language().t("wrong-nothing-chosen"));
        return page_again(shown(&web, &visitor, Shown::wrong(wrong))?);
    }
    match web.add_token(&visitor, fields.one("token"), &scopes) {
        // Not led elsewhere: this is the one time the text is shown.
        Ok((_, text)) => page(shown(&web, &visitor, Shown { made: Some(text), ..Shown::default() })?),
        Err(trouble) => {
            let wrong = Wrong { field: "token", ..said::wrong(visitor.language(), trouble)? };
            page_again(shown(&web, &visitor, Shown::wrong(wrong))?)
        }
    }
}

async fn remove_token(State(web): State<Arc<Web>>, visitor: Visitor, Path(id): Path<i64>, _fields: Fields) -> Page {
    web.remove_token(&visitor, id)?;
    see(Place::People.path())
}
