//! The portal's handlers: a child's own page, the page of a refusal, asking, help. What a child does here is not written down,
//! but for what it sends; that help was looked at is not even counted.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Extension, Path, Query, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::civil::DateTime;
use serde::Deserialize;
use serde_json::json;

use super::asking::may_ask;
use super::dashboard::{Fields, local, with_cookie};
use super::guard::{self, Foreign};
use super::pages::reports::{Example, Plan};
use super::pages::{
    self, Answer, Asked, Blocked, Code, ErrorPage, Frame, Help, Hold, Home, Outcome, Say, Sent, Stopped, Tell, Tile,
    Tried, Who, WhoSees, Wrong,
};
use super::steering::Lasts;
use super::text::Language;
use super::{Trouble, Visitor, Web};
use crate::classify::{Category, Match};
use crate::family::{self, Kind, RequestRow};
use crate::identity::ClientAddr;
use crate::judge::Snapshot;
use crate::name::Name;
use crate::policy::explain::Until;
use crate::policy::{Chain, Moment, Profile, Verdict};
use crate::report::consent::Mode;

/// Good pages offered beside a refusal.
const TILES: usize = 6;

/// Every page of the portal, and what pages load.
pub(super) fn routes(web: Arc<Web>) -> Router<Arc<Web>> {
    let pages = Router::new()
        .route("/", get(home))
        .route("/blocked", get(blocked))
        .route("/ask", post(ask))
        .route("/wrong", post(wrong))
        .route("/who", get(who))
        .route("/help", get(help))
        .route("/tell", get(tell))
        .route("/reports", get(say).post(answer))
        .route("/code", get(code).post(use_code))
        .route("/language/{code}", get(language))
        .route("/style.css", get(style))
        .route("/dashboard.js", get(script))
        .route("/captive-portal/api", get(captive))
        .fallback(lost);
    pages.layer(from_fn_with_state(web, told))
}

impl Web {
    /// What stands round a child's page. `is_here`: the page is under the portal's own name.
    fn frame(&self, visitor: &Visitor, is_here: bool, here: Option<&str>) -> Frame {
        let options = self.options();
        let other = visitor.language().other().code();
        Frame {
            language: visitor.language(),
            nonce: visitor.nonce.clone(),
            exit_url: options.exit.clone(),
            switch_url: here.map(|here| format!("/language/{other}?back={here}")),
            portal: if is_here { String::new() } else { self.portal_url() },
        }
    }

    /// Where the portal is for a page that stands under another site's name.
    fn portal_url(&self) -> String {
        let options = self.options();
        let port = options.listen.first().map_or(80, |addr| addr.port());
        if port == 80 { format!("http://{}", options.name) } else { format!("http://{}:{port}", options.name) }
    }

    /// The page of a refusal, as whoever was refused has to read it.
    pub fn refusal(&self, visitor: &Visitor, name: &Name, verdict: &Verdict, is_here: bool) -> String {
        let snapshot = self.judge.keep();
        let (profile, moment) = (visitor.profile(&snapshot), visitor.moment(&snapshot));
        let frame = self.frame(visitor, is_here, None);
        let until = Chain::of(verdict, profile, &snapshot.criteria, &moment).until;
        let mut page = Blocked::of(frame, verdict, profile, &snapshot.criteria);
        page.name = Some(name.to_string());
        let decided = |found: &Match| verdict.reason.category.is_some_and(|one| found.categories.contains(one));
        let matches = snapshot.engine.matches(name);
        let appeal = matches.iter().filter(|found| found.in_force && decided(found)).find_map(Match::appeal);
        page.appeal = appeal.map(|id| id.to_string());
        let url = snapshot.engine.signed().map(|signed| signed.appeals_url.as_str()).unwrap_or_default();
        page.appeal_url = appeal.filter(|_| url.starts_with("https://")).map(|id| format!("{url}{id}"));
        page.until = until.map(|until| clock_of(&snapshot, until, &moment, visitor.language()));
        page.may_ask =
            may_ask(verdict, snapshot.engine.classify(name).categories) && !self.family.is_new().unwrap_or(true);
        page.csrf.clone_from(&self.form_token(visitor.peer));
        page.learn = Tile::for_band(&self.builtin.tiles, profile.band, visitor.language(), TILES);
        page.render()
    }
}

impl Web {
    /// The page of a refusal that door two shows under the refused site's name, and its content security policy.
    pub fn refusal_elsewhere(
        &self,
        client: ClientAddr,
        name: &Name,
        verdict: &Verdict,
        languages: Option<&str>,
        now: i64,
    ) -> (String, String) {
        let visitor = Visitor {
            peer: client.ip(),
            person: None,
            session: None,
            csrf: String::new(),
            languages: languages.map(str::to_string),
            chosen_language: None,
            own_language: self.judge.current().asker(client.into()).language,
            nonce: guard::nonce(),
            is_tls: false,
            now,
        };
        (self.refusal(&visitor, name, verdict, false), self.policy_elsewhere(&visitor.nonce))
    }

    /// For a page under another site's name: its forms lead to the portal.
    fn policy_elsewhere(&self, nonce: &str) -> String {
        guard::policy(nonce).replace("form-action 'self'", &format!("form-action {}", self.portal_url()))
    }
}

/// A moment in the words of a clock: the hour, and the day when it is another.
fn clock_of(snapshot: &Snapshot, until: Until, moment: &Moment, language: Language) -> String {
    let at = match until {
        Until::Local(at) => at,
        Until::Unix(at) => snapshot.moment(at).local,
    };
    shown(at, moment.local, language)
}

/// A time on the household's clock as people write it.
pub fn shown(at: DateTime, now: DateTime, language: Language) -> String {
    if at.date() == now.date() {
        return at.strftime("%H:%M").to_string();
    }
    let days = now.date().until(at.date()).map_or(0, |span| span.get_days());
    match days {
        1 => language.t1("tomorrow-at", "time", at.strftime("%H:%M").to_string()).into_owned(),
        _ => at.strftime("%H:%M %d/%m").to_string(),
    }
}

async fn home(State(web): State<Arc<Web>>, visitor: Visitor) -> Result<Response, Trouble> {
    let snapshot = web.judge.keep();
    let (profile, moment) = (visitor.profile(&snapshot), visitor.moment(&snapshot));
    let language = visitor.language();
    let is_stranger =
        snapshot.clients.profile_of(visitor.client()) == snapshot.clients.strangers() && visitor.account().is_none();
    let asked = web.family.requests(Some(&profile.name))?;
    let page = Home {
        frame: web.frame(&visitor, true, Some("/")),
        who: (!is_stranger).then(|| Who { name: profile.name.to_string(), band: profile.band }),
        holds: holds(&web, &snapshot, profile, &moment, language)?,
        is_asked: web.asked_here(&visitor, &snapshot).is_some(),
        budgets: web.budgets(profile, &moment)?,
        stopped: stopped(&web, &visitor),
        asked: asked.iter().map(|row| asked_view(row, &snapshot, &moment, language)).collect(),
        csrf: web.form_token(visitor.peer),
        learn: Tile::for_band(&web.builtin.tiles, profile.band, language, TILES),
    };
    Ok(Html(page.render()).into_response())
}

fn stopped(web: &Web, visitor: &Visitor) -> Vec<Stopped> {
    let stopped = web.stopped(visitor).into_iter();
    let views = stopped.map(|one| Stopped {
        name: one.name,
        category: one.category.and_then(Category::from_code),
        may_ask: one.may_ask,
    });
    views.collect()
}

fn holds(
    web: &Web,
    snapshot: &Snapshot,
    profile: &Profile,
    moment: &Moment,
    language: Language,
) -> Result<Vec<Hold>, Trouble> {
    let mut holds = Vec::new();
    let at = |until: i64| shown(snapshot.moment(until).local, moment.local, language);
    if let Some(until) = profile.temporary.paused_until.filter(|until| *until > moment.unix_secs) {
        holds.push(Hold::Pause { until: at(until) });
    }
    holds.extend(profile.schedules_at(moment).map(|schedule| Hold::Schedule {
        name: schedule.name,
        until: schedule.until.map_or_else(String::new, |until| shown(until, moment.local, language)),
    }));
    let grants = web.moments(moment.unix_secs)?.grants.into_iter();
    holds.extend(
        grants
            .filter(|grant| grant.profile == *profile.name)
            .map(|grant| Hold::Grant { what: granted(&grant.what, language), until: at(grant.until) }),
    );
    Ok(holds)
}

/// What a grant allows, in words.
pub fn granted(what: &str, language: Language) -> String {
    match what.split_once(':') {
        Some(("category", code)) => match Category::from_code(code) {
            Some(category) => language.category(&category).into_owned(),
            None => code.to_string(),
        },
        Some((_, other)) => other.to_string(),
        None if what == "time" => language.t("hold-more-time").into_owned(),
        None => language.t("hold-asked-page").into_owned(),
    }
}

fn asked_view(row: &RequestRow, snapshot: &Snapshot, moment: &Moment, language: Language) -> Asked {
    let group =
        row.category.as_deref().and_then(Category::from_code).map(|category| language.category(&category).into_owned());
    Asked {
        what: row.name.clone().or(group).unwrap_or_default(),
        answer: match row.answer.as_deref() {
            None => Answer::Waiting,
            Some("no") => Answer::No,
            Some("always") => Answer::Yes,
            Some(answer) => {
                let lasts = family::Answer::from_code(answer).and_then(Lasts::of).zip(row.answered);
                let until = lasts.and_then(|(lasts, at)| lasts.until(snapshot, at).ok());
                until.map_or(Answer::Yes, |until| {
                    Answer::YesUntil(shown(snapshot.moment(until).local, moment.local, language))
                })
            }
        },
        reason: Some(row.reason.clone()).filter(|reason| !reason.is_empty()),
    }
}

/// The page of a site that is refused, in place of that site.
async fn blocked(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    foreign: Option<Extension<Foreign>>,
) -> Result<Response, Trouble> {
    let Some(Extension(Foreign(host))) = foreign else { return Ok(Redirect::to("/").into_response()) };
    let snapshot = web.judge.keep();
    let (profile, moment) = (visitor.profile(&snapshot), visitor.moment(&snapshot));
    let Ok(name) = Name::parse(&host) else { return Ok(error(&web, &visitor, Wrong::NotFound)) };
    // A device that still has an old answer, or a name of this machine nobody configured.
    let Some(verdict) = web.verdict(profile, &name, &moment) else {
        return Ok(Redirect::to(&format!("{}/", web.portal_url())).into_response());
    };
    let html = web.refusal(&visitor, &name, &verdict, false);
    let mut response = (StatusCode::FORBIDDEN, Html(html)).into_response();
    let policy = web.policy_elsewhere(&visitor.nonce);
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

async fn ask(web: State<Arc<Web>>, visitor: Visitor, form: PortalForm) -> Result<Response, Trouble> {
    send(web.0, visitor, Kind::Ask, form).await
}

async fn wrong(web: State<Arc<Web>>, visitor: Visitor, form: PortalForm) -> Result<Response, Trouble> {
    send(web.0, visitor, Kind::Wrong, form).await
}

/// A form of somebody who is known by the device alone.
struct PortalForm(Fields);

impl axum::extract::FromRequest<Arc<Web>> for PortalForm {
    type Rejection = Trouble;

    async fn from_request(mut request: Request, web: &Arc<Web>) -> Result<PortalForm, Trouble> {
        // Also where somebody is signed in: the page of a refusal knows the device alone.
        let token = request.extensions().get::<Visitor>().map(|visitor| web.form_token(visitor.peer));
        if let Some((visitor, token)) = request.extensions_mut().get_mut::<Visitor>().zip(token) {
            visitor.csrf = token;
        }
        Fields::from_request(request, web).await.map(PortalForm)
    }
}

async fn send(
    web: Arc<Web>,
    visitor: Visitor,
    kind: Kind,
    PortalForm(fields): PortalForm,
) -> Result<Response, Trouble> {
    let (name, note) = (fields.one("name").to_string(), fields.one("note").to_string());
    let outcome = match web.ask(&visitor, kind, &name, &note) {
        Ok(_) if kind == Kind::Ask => Outcome::Asked,
        Ok(_) => Outcome::Reported,
        Err(Trouble::Wait(_)) => Outcome::TooMany,
        Err(Trouble::Conflict(_)) => Outcome::Waits,
        Err(other) => return Err(other),
    };
    let snapshot = web.judge.keep();
    let page = Sent { frame: web.frame(&visitor, true, None), band: visitor.profile(&snapshot).band, outcome };
    Ok(Html(page.render()).into_response())
}

async fn who(State(web): State<Arc<Web>>, visitor: Visitor) -> Response {
    let band = visitor.profile(&web.judge.keep()).band;
    Html(WhoSees { frame: web.frame(&visitor, true, Some("/who")), band }.render()).into_response()
}

/// The same for everybody: that it was looked at is nowhere.
async fn help(State(web): State<Arc<Web>>, visitor: Visitor) -> Response {
    Html(Help::of(web.frame(&visitor, true, Some("/help")), &web.builtin.help_lines, COUNTRY).render()).into_response()
}

/// The same for everybody too, and what is written on it stays in the browser.
async fn tell(State(web): State<Arc<Web>>, visitor: Visitor) -> Response {
    Html(Tell::of(web.frame(&visitor, true, Some("/tell")), &web.builtin.help_lines, COUNTRY).render()).into_response()
}

/// What would be told, for a child that is asked; there is no such page for anybody else.
async fn say(State(web): State<Arc<Web>>, visitor: Visitor) -> Result<Response, Trouble> {
    let snapshot = web.judge.keep();
    let child = web.asked_here(&visitor, &snapshot).ok_or(Trouble::NoSuch("page"))?;
    let (language, preview) = (visitor.language(), web.steward.report_preview());
    let page = Say {
        frame: web.frame(&visitor, true, Some("/reports")),
        band: child.band,
        agrees: web.family.report_consents()?.children.iter().any(|name| **name == *child.name),
        is_alone: web.report_answers()?.asked == 1,
        households: preview.threshold.households(),
        is_sent: preview.enabled && preview.paused.is_none() && !matches!(preview.mode, Mode::Off(_)),
        receivers: pages::reports::receivers(&preview, language),
        plan: Plan::of(&preview, language),
        example: Example::new(language),
        csrf: web.form_token(visitor.peer),
    };
    Ok(Html(page.render()).into_response())
}

async fn answer(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    PortalForm(fields): PortalForm,
) -> Result<Response, Trouble> {
    web.answer_reports(&visitor, fields.one("answer") == "yes")?;
    Ok(Redirect::to("/reports").into_response())
}

/// Whose lines stand first.
const COUNTRY: &str = "VN";

async fn code(State(web): State<Arc<Web>>, visitor: Visitor) -> Response {
    Html(code_page(&web, &visitor, None)).into_response()
}

async fn use_code(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    PortalForm(fields): PortalForm,
) -> Result<Response, Trouble> {
    let typed = fields.one("code").to_string();
    let (asked, by) = (Arc::clone(&web), visitor.clone());
    let used = super::aside(move || asked.use_code(&by, &typed)).await;
    let tried = match used {
        Ok(until) => {
            let snapshot = web.judge.keep();
            Tried::Opened(shown(snapshot.moment(until).local, visitor.moment(&snapshot).local, visitor.language()))
        }
        Err(Trouble::Wait(_)) => Tried::TooMany,
        Err(Trouble::Invalid(_)) => Tried::Wrong,
        Err(other) => return Err(other),
    };
    let status = if matches!(tried, Tried::Opened(_)) { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok((status, Html(code_page(&web, &visitor, Some(tried)))).into_response())
}

fn code_page(web: &Web, visitor: &Visitor, tried: Option<Tried>) -> String {
    let band = visitor.profile(&web.judge.keep()).band;
    Code { frame: web.frame(visitor, true, None), band, tried, csrf: web.form_token(visitor.peer) }.render()
}

#[derive(Deserialize)]
struct Back {
    #[serde(default)]
    back: String,
}

/// Remembers a language and goes back; only to pages of ours.
async fn language(Path(code): Path<String>, Query(Back { back }): Query<Back>) -> Response {
    let to = Redirect::to(local(&back, "/")).into_response();
    match Language::from_code(&code) {
        Some(language) => {
            let cookie =
                format!("{}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly", guard::LANGUAGE, language.code());
            with_cookie(to, &cookie)
        }
        None => to,
    }
}

async fn style() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (kind, pages::style::served()).into_response()
}

async fn script() -> Response {
    let kind = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (kind, include_str!("dashboard.js")).into_response()
}

/// The captive portal API (RFC 8908): nobody is held here, and there is a page about this network.
async fn captive(State(web): State<Arc<Web>>) -> Response {
    let body = json!({ "captive": false, "venue-info-url": format!("{}/", web.portal_url()) });
    ([(header::CONTENT_TYPE, "application/captive+json")], body.to_string()).into_response()
}

async fn lost(State(web): State<Arc<Web>>, visitor: Visitor, method: Method, uri: Uri) -> Response {
    if uri.path().starts_with("/api/") {
        return Trouble::NoSuch("page").into_response();
    }
    error(&web, &visitor, if method == Method::GET { Wrong::NotFound } else { Wrong::NotAllowed })
}

fn error(web: &Web, visitor: &Visitor, wrong: Wrong) -> Response {
    let status = match wrong {
        Wrong::NotFound => StatusCode::NOT_FOUND,
        Wrong::NotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Wrong::TooMany => StatusCode::TOO_MANY_REQUESTS,
        Wrong::Failed => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Html(ErrorPage { frame: web.frame(visitor, true, None), wrong }.render())).into_response()
}

/// Tells troubles to people.
async fn told(State(web): State<Arc<Web>>, visitor: Visitor, request: Request, next: Next) -> Response {
    let is_page = !request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !is_page || !is_json || response.status().is_success() {
        return response;
    }
    let (status, headers) = (response.status(), response.headers());
    let wrong = match status {
        StatusCode::NOT_FOUND => Wrong::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Wrong::NotAllowed,
        StatusCode::TOO_MANY_REQUESTS => Wrong::TooMany,
        _ => Wrong::Failed,
    };
    let retry = headers.get(header::RETRY_AFTER).cloned();
    let mut page = error(&web, &visitor, wrong);
    *page.status_mut() = status;
    if let Some(retry) = retry {
        page.headers_mut().insert(header::RETRY_AFTER, retry);
    }
    page
}
