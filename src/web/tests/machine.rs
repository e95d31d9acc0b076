//! The simulator, lists, activity, settings and diagnostics, as a guardian meets them.

use std::sync::Arc;

use axum::http::StatusCode;

use super::Household;
use super::household::now;
use crate::classify::{Category, CategorySet};
use crate::family::Role;
use crate::lists::trust::release::Network;
use crate::name::Name;
use crate::policy::{Action, Band, Reason, Step, Verdict};
use crate::telemetry::activity::Refused;
use crate::web::{Finding, SignedState};

const PAGES: &[(&str, &str, &str)] = &[
    ("/dashboard/simulator", "Thử xem", "Try it"),
    ("/dashboard/lists", "Danh sách", "Lists"),
    ("/dashboard/activity", "Hoạt động", "Activity"),
    ("/dashboard/activity/Bin", "Hoạt động của Bin", "Activity of Bin"),
    ("/dashboard/reports", "Báo cáo ẩn danh", "Anonymous reports"),
    ("/dashboard/settings", "Múi giờ", "Time zone"),
    ("/dashboard/settings/people", "Ai đăng nhập được", "Who can sign in"),
    ("/dashboard/settings/calendars", "Thêm dịp", "Add named days"),
    ("/dashboard/settings/acts", "Nhật ký", "Log"),
    ("/dashboard/diagnostics", "Mọi thứ đều ổn", "Everything is fine"),
];

#[test]
fn every_page_comes_in_both_languages() {
    let house = Household::new();
    let (mut vietnamese, mut english) = (house.guardian(), house.guardian().in_english());
    for (path, vi, en) in PAGES {
        vietnamese.get(path).shows(&[vi, "lang=\"vi\""]);
        english.get(path).shows(&[en, "lang=\"en\""]);
    }
    let mut stranger = house.visitor("192.168.1.77");
    for (path, _, _) in PAGES {
        stranger.get(path).leads_to("/dashboard/sign-in");
    }
}

#[test]
fn the_simulator_tells_the_whole_chain() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let found = guardian.get("/dashboard/simulator?text=www.pornhub.com&profile=Mai&at=2026-11-24T21:30");
    found.shows(&["Khiêu dâm", "Tiêu chí", "10 đến 12 tuổi", "Ai đổi được", "starter", "&#34;verdict&#34;"]);
    let wrong = guardian.get("/dashboard/simulator?text=a%20b&profile=Mai&at=");
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says(&["value=\"a b\"", "aria-invalid"]);
}

#[test]
fn the_list_two_authorities_sign_is_shown_with_what_is_wrong() {
    let house = Household::new();
    let (mut guardian, mut english) = (house.guardian(), house.guardian().in_english());
    guardian.get("/dashboard/lists").hides(&["hai cơ quan"]);
    let mut signed = SignedState {
        network: Network::default(),
        release: None,
        names: 0,
        withdrawn: 0,
        checked: None,
        last: String::new(),
        message: String::new(),
    };
    let mut show = |signed: &SignedState| {
        house.steward.status.lock().unwrap().signed = Some(signed.clone());
        (guardian.get("/dashboard/lists"), english.get("/dashboard/lists"))
    };
    let (vietnamese, _) = show(&signed);
    vietnamese.shows(&["Danh sách chung của hai cơ quan", "Chưa tải được", "cả hai cùng ký"]).hides(&["Ai ký"]);
    signed.network.authority_a = [("vi".into(), "Cơ quan Một".into()), ("en".into(), "Agency One".into())].into();
    signed.network.authority_b = [("vi".into(), "Cơ quan Hai".into())].into();
    (signed.release, signed.names, signed.last) = (Some((41, now())), 5_000_123, "ok".into());
    let (vietnamese, english) = show(&signed);
    vietnamese.shows(&["Cơ quan Một · Cơ quan Hai", "5000123", "41, "]).hides(&["Tên đã rút lại"]);
    english.shows(&["Agency One · Cơ quan Hai", "Fine"]).hides(&["went wrong"]);
    (signed.withdrawn, signed.last, signed.message) = (3, "rollback".into(), "version 40 <after> 41".into());
    let (vietnamese, english) = show(&signed);
    vietnamese.shows(&["Tên đã rút lại từ đó", "<dd>3</dd>", "Bản tốt gần nhất vẫn được dùng"]);
    english.shows(&["The last look went wrong", "version 40 &#60;after&#62; 41"]);
}

#[test]
fn lists_are_added_and_removed() {
    let house = Household::new();
    let mut guardian = house.guardian();
    guardian.get("/dashboard/lists").shows(&["Đi kèm chương trình", "HaGeZi Gambling"]);
    guardian.post("/dashboard/lists/known", &[("id", "hagezi-gambling")]).leads_to("/dashboard/lists");
    guardian.get("/dashboard/lists").shows(&["GPL-3.0-only", "Có ở đây để nhận ra: Cờ bạc"]);
    let own = [("name", "mine"), ("source", "https://lists.example/a.txt"), ("categories", "gambling")];
    guardian.post("/dashboard/lists", &own).leads_to("/dashboard/lists");
    for source in ["file:/etc/passwd", "http://lists.example/", ""] {
        let refused = guardian.post("/dashboard/lists", &[("name", "x"), ("source", source), ("categories", "porn")]);
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{source}");
        refused.says(&["bắt đầu bằng https://"]);
    }
    let refused = guardian.post("/dashboard/lists/known", &[("id", "none")]);
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    guardian.post("/dashboard/lists/remove/mine", &[]).leads_to("/dashboard/lists");
    guardian.post("/dashboard/lists/update", &[]).leads_to("/dashboard/lists");
    assert!(!house.text().contains("mine") && house.text().contains("catalog:hagezi-gambling"));
}

fn refused(profile: &str, band: Band, name: &str, category: Category) -> Refused {
    let reason = Reason {
        step: Step::Criterion,
        category: Some(category),
        criterion: None,
        service: None,
        schedule: None,
        budget: None,
        grant: None,
    };
    Refused {
        profile: Arc::from(profile),
        band,
        name: Name::parse(name).unwrap(),
        verdict: Verdict { action: Action::Block, reason },
        categories: CategorySet::of(&[category]),
        client: std::net::IpAddr::from([192, 168, 1, 11]).into(),
    }
}

#[test]
fn activity_shows_what_the_age_lets_anybody_see() {
    let house = Household::new();
    let today = house.web.today(now());
    let all = [("Bin", Band::Age0to5), ("Mai", Band::Age10to12), ("Nam", Band::Age13to15), ("Linh", Band::Age16to17)];
    for (name, band) in all {
        let secret = refused(name, band, "help.example", Category::HealthSexed);
        let scam = refused(name, band, "scam.example", Category::PhishingScam);
        let bets = refused(name, band, "bets.example", Category::Gambling);
        house.web.family.record(&[secret, scam, bets], now(), today).unwrap();
    }
    let mut guardian = house.guardian();
    guardian.get("/dashboard/activity/Bin").shows(&["bets.example", "Cờ bạc", "<svg"]).hides(&["help.example"]);
    guardian.get("/dashboard/activity/Mai").shows(&["Cờ bạc", "<svg", "mỗi ngày"]).hides(&["bets.example", "help.ex"]);
    let teenager = guardian.get("/dashboard/activity/Nam");
    teenager.shows(&["Nội dung theo tuổi", "mỗi tuần"]).hides(&["Cờ bạc", "bets.example"]);
    let oldest = guardian.get("/dashboard/activity/Linh");
    oldest.shows(&["Lừa đảo"]).hides(&["Cờ bạc", "scam.example", "bets.example", "<title id=\"activity"]);
    guardian.get("/dashboard/activity/B%E1%BB%91%20m%E1%BA%B9").shows(&["Không có gì để xem"]);
    guardian.post("/dashboard/activity/Bin/forget", &[]).leads_to("/dashboard/activity/Bin");
    guardian.get("/dashboard/activity/Bin").shows(&[]).hides(&["bets.example"]);
}

#[test]
fn settings_of_the_household_are_saved_or_told() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let fields = [
        ("time_zone", "Asia/Ho_Chi_Minh"),
        ("defaults.profile", "Mai"),
        ("dns.block_answer", "portal"),
        ("dns.portal", "192.168.1.2"),
        ("dns.upstream.mode", ""),
        ("dns.upstream.servers", "udp://192.168.1.1"),
    ];
    guardian.post("/dashboard/settings", &fields).leads_to("/dashboard/settings");
    guardian.get("/dashboard/settings").shows(&["<option value=\"portal\" selected>", "192.168.1.2"]);
    let before = house.text();
    let wrong: Vec<_> = fields.map(|(key, old)| (key, if key == "time_zone" { "Mars/Base" } else { old })).to_vec();
    let refused = guardian.post("/dashboard/settings", &wrong);
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.says(&["value=\"Mars/Base\"", "Chưa lưu được"]);
    assert_eq!(house.text(), before);
}

#[test]
fn named_days_are_kept_while_hours_need_them() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let path = "/dashboard/settings/calendars";
    guardian.post(path, &[("name", "Tết"), ("days", "2027-02-05..2027-02-12\n09-02")]).leads_to(path);
    guardian.get(path).shows(&["<h2>Tết</h2>", "09-02</textarea>"]);
    let wrong = guardian.post(path, &[("name", "Thi"), ("days", "5/2")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says(&["Hãy ghi ngày như 2027-02-05", "5/2</textarea>"]);
    let hours = [("name", "Ngủ"), ("from", "22:00"), ("to", "06:00"), ("block", "everything"), ("except", "Tết")];
    guardian.post("/dashboard/children/Mai/schedules/new", &hours).leads_to("/dashboard/children/Mai/hours");
    let used = guardian.post(&format!("{path}/T%E1%BA%BFt"), &[("name", "Tết"), ("days", "09-02"), ("do", "remove")]);
    assert_eq!(used.status, StatusCode::UNPROCESSABLE_ENTITY);
    guardian.post(&format!("{path}/T%E1%BA%BFt"), &[("name", "Lễ"), ("days", "09-02"), ("do", "save")]).leads_to(path);
    guardian.get("/dashboard/children/Mai/hours").shows(&["Lễ"]);
}

#[test]
fn people_are_added_by_the_first_guardian_alone() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let path = "/dashboard/settings/people";
    let second = [("name", "Bố"), ("password", "một mật khẩu dài"), ("role", "second"), ("profile", "")];
    guardian.post(path, &second).leads_to(path);
    guardian.get(path).shows(&["Bố", "Phụ huynh thứ hai"]);
    let no_profile = [("name", "Mai"), ("password", "một mật khẩu dài"), ("role", "child"), ("profile", "")];
    let refused = guardian.post(path, &no_profile);
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.says(&["của con nào", "value=\"Mai\""]).hides(&["một mật khẩu dài"]);
    let mut other = house.signed_in("Bố", "một mật khẩu dài");
    other.get(path).shows(&["Tài khoản của Bố"]).hides(&["Tạo khóa", "/remove\""]);
    assert_eq!(other.post(path, &second).status, StatusCode::FORBIDDEN);
    let id = house.web.family.accounts().unwrap().iter().find(|one| one.role == Role::Second).unwrap().id;
    guardian.post(&format!("{path}/{id}/remove"), &[]).leads_to(path);
}

#[test]
fn a_token_is_shown_once() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let made = guardian.post("/dashboard/settings/tokens", &[("token", "Home Assistant"), ("scopes", "read")]);
    made.shows(&["không hiện lại lần nữa", "<code>"]);
    let text = made.body.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_string();
    assert!(house.web.family.token(&text, now()).unwrap().is_some());
    guardian.get("/dashboard/settings/people").shows(&["Home Assistant"]).hides(&[&text]);
    let none = guardian.post("/dashboard/settings/tokens", &[("token", "x")]);
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn passwords_and_one_time_codes_need_the_password() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let new = guardian.post("/dashboard/settings/totp/new", &[]);
    new.shows(&["class=\"code\"", "name=\"secret\"", "Quét hình này"]);
    let wrong =
        guardian.post("/dashboard/settings/totp", &[("secret", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), ("code", "x")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says(&["Mã chưa đúng", "value=\"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\""]);
    let off = guardian.post("/dashboard/settings/totp/off", &[("password", "wrong")]);
    assert_eq!(off.status, StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = guardian.post("/dashboard/settings/password", &[("old", "wrong"), ("new", "một câu thật dài")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let right = [("old", super::household::GUARDIAN.1), ("new", "một câu thật dài")];
    guardian.post("/dashboard/settings/password", &right).leads_to("/dashboard/sign-in");
}

#[test]
fn what_is_wrong_stands_first_with_what_to_do() {
    let house = Household::new();
    let finding = |check, state, what: &str| Finding { check, state, what: what.into(), fix: "do <this>".into() };
    let found = vec![finding("lists", "ok", ""), finding("clock", "problem", "the clock shows 1970")];
    *house.steward.findings.lock().unwrap() = found;
    let page = house.guardian().get("/dashboard/diagnostics");
    page.shows(&["Có 1 điều cần sửa", "Đồng hồ của hộp", "the clock shows 1970", "do &#60;this&#62;", "0.0.0"]);
    assert!(page.body.find("Đồng hồ của hộp") < page.body.find("<h3>Các danh sách"));
}
