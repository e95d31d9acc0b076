//! The guardians' pages from sign-in to answered requests, as forms of a browser, in both languages.

use axum::http::StatusCode;

use super::Household;
use super::household::{CONFIG, GUARDIAN, now};
use crate::family::{Answer, Ask, Deed, Kind, Role, Who};
use crate::policy::Band;

const DOOR: &str =
    "\n[dns.encrypted]\nhttps = [\"0.0.0.0:443\"]\ntls = [\"0.0.0.0:853\"]\nname = \"dns.nha.example\"\n";

fn band(house: &Household, name: &str) -> Option<Band> {
    house.web.judge.current().profile_named(name).map(|profile| profile.band)
}

fn strangers(house: &Household) -> String {
    let snapshot = house.web.judge.current();
    snapshot.profile(snapshot.clients.strangers()).name.to_string()
}

#[test]
fn a_guardian_signs_in_with_the_password_and_nothing_else() {
    let house = Household::new();
    let mut browser = house.visitor("192.168.1.10");
    browser.get("/dashboard").leads_to("/dashboard/sign-in");
    browser.get("/dashboard/sign-in").shows(&["Đăng nhập", "Mã một lần"]);
    let wrong = browser.post("/dashboard/sign-in", &[("name", GUARDIAN.0), ("password", "con đường khác")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says(&["chưa đúng", "value=\"Mẹ\"", "aria-describedby=\"fault\""]).hides(&["con đường khác"]);
    browser.post("/dashboard/sign-in", &[("name", GUARDIAN.0), ("password", GUARDIAN.1)]).leads_to("/dashboard");
    browser.get("/dashboard").shows(&["Mọi thứ đang chạy tốt", "Mai"]);
    browser.get("/dashboard/sign-in").leads_to("/dashboard");
    browser.post("/dashboard/sign-out", &[]).leads_to("/dashboard/sign-in");
    browser.get("/dashboard").leads_to("/dashboard/sign-in");
}

#[test]
fn too_many_tries_are_told_how_long_to_wait() {
    let house = Household::new();
    let mut browser = house.visitor("192.168.1.10").in_english();
    let wrong = [("name", GUARDIAN.0), ("password", "not this one")];
    let last = (0..8).map(|_| browser.post("/dashboard/sign-in", &wrong)).last().unwrap();
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    last.says(&["Too many tries. Please wait", "Sign in"]);
    assert!(last.headers.contains_key("retry-after"));
}

#[test]
fn a_child_that_signs_in_goes_to_its_own_page() {
    let house = Household::new();
    house.web.family.add_account("mai", "con mèo con", Role::Child, Some("Mai"), now()).unwrap();
    let mut child = house.visitor("192.168.1.11");
    child.post("/dashboard/sign-in", &[("name", "mai"), ("password", "con mèo con")]).leads_to("/");
    for path in ["/dashboard", "/dashboard/devices", "/dashboard/requests", "/dashboard/set-up/children"] {
        assert_eq!(child.get(path).status, StatusCode::FORBIDDEN, "{path}");
    }
    let before = house.text();
    for path in ["/dashboard/pause", "/dashboard/grant", "/dashboard/devices/know", "/dashboard/devices/remove"] {
        let fields = [("who", "house"), ("profile", "Mai"), ("lasts", "60"), ("key", "x"), ("position", "0")];
        assert_eq!(child.post(path, &fields).status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(house.text(), before);
}

#[test]
fn five_steps_lead_from_nothing_to_a_household() {
    let house = Household::empty(CONFIG);
    house.sees("aa:bb:cc:00:00:77", "iPad", "192.168.1.77");
    let mut browser = house.visitor("192.168.1.77");
    browser.get("/dashboard").leads_to("/dashboard/set-up");
    browser.get("/dashboard/sign-in").leads_to("/dashboard/set-up");
    browser.get("/dashboard/set-up").shows(&["Bước 1/5", "Ít nhất 8 ký tự"]);
    let typed = [("name", "Bố"), ("password", "sông dài biển rộng"), ("again", "sông dài biển rộng")];
    browser.post("/dashboard/set-up", &typed).leads_to("/dashboard/set-up/children");
    browser.get("/dashboard/set-up/children").shows(&["Bước 2/5", "Bin"]);

    let step = browser.post("/dashboard/set-up/children", &[("name", "Tí"), ("born", "1950")]);
    assert_eq!(step.status, StatusCode::UNPROCESSABLE_ENTITY);
    step.says(&["value=\"Tí\"", "value=\"1950\"", "aria-describedby=\"born-fault\""]);
    let step = browser.post("/dashboard/set-up/children", &[("name", "Mai"), ("born", "2018")]);
    step.says(&["Tên này đã có người dùng", "aria-describedby=\"name-fault\""]);
    for (name, born) in [("Tí", "2017"), ("Tèo", "2019")] {
        browser
            .post("/dashboard/set-up/children", &[("name", name), ("born", born)])
            .leads_to("/dashboard/set-up/children");
    }
    assert_eq!((band(&house, "Tí"), band(&house, "Tèo")), (Some(Band::Age6to9), Some(Band::Age6to9)));
    browser.post("/dashboard/set-up/children/remove", &[("name", "Bin")]).leads_to("/dashboard/set-up/children");
    assert_eq!(band(&house, "Bin"), None);
    assert_eq!(band(&house, &strangers(&house)), Some(Band::Age6to9), "unknown devices are the youngest's");
    browser.get("/dashboard/set-up/children").hides(&["Thêm phụ huynh"]).shows(&["sinh năm 2019"]);

    browser.get("/dashboard/set-up/devices").shows(&["Bước 3/5", "iPad", "thiết bị này"]);
    let gift =
        [("key-0", "aa:bb:cc:00:00:77"), ("name-0", "iPad của bố"), ("profile-0", "Bố mẹ"), ("strangers", "Tèo")];
    browser.post("/dashboard/set-up/devices", &gift).leads_to("/dashboard/set-up/traffic");
    assert_eq!(strangers(&house), "Tèo");
    let back = browser.get("/dashboard/set-up/devices");
    back.shows(&["iPad của bố", "<option selected>Bố mẹ</option>", "<option selected>Tèo</option>"]);

    browser.get("/dashboard/set-up/traffic").shows(&["Bước 4/5", "192.168.1.2", "[dns.encrypted]"]);
    browser.get("/dashboard/set-up/test").shows(&["Bước 5/5", "thiết bị của Bố mẹ", "http://luytre.home.arpa/"]);
    browser.get("/dashboard").shows(&["Tí", "Tèo"]);
    assert!(house.text().contains("# Mai goes to school."), "comments stay");
}

#[test]
fn the_first_step_is_for_the_home_alone_and_only_once() {
    let house = Household::empty(CONFIG);
    let typed = [("name", "Bố"), ("password", "sông dài biển rộng"), ("again", "sông dài biển rộng")];
    let mut far = house.visitor("203.0.113.5");
    assert_eq!(far.get("/dashboard/set-up").status, StatusCode::FORBIDDEN);
    assert_eq!(far.post("/dashboard/set-up", &typed).status, StatusCode::FORBIDDEN);
    assert!(house.web.family.is_new().unwrap());
    let mut near = house.visitor("192.168.1.10").in_english();
    for (again, password, says) in [("other", "sông dài biển rộng", "not the same"), ("short", "short", "8 to 256")]
    {
        let step = near.post("/dashboard/set-up", &[("name", "Bố"), ("password", password), ("again", again)]);
        assert_eq!(step.status, StatusCode::UNPROCESSABLE_ENTITY);
        step.says(&[says, "value=\"Bố\"", "Step 1 of 5"]).hides(&["value=\"short\""]);
    }
    for path in ["/dashboard/set-up/children", "/dashboard/set-up/test"] {
        near.get(path).leads_to("/dashboard/set-up");
    }
    near.post("/dashboard/set-up", &typed).leads_to("/dashboard/set-up/children");
    let mut second = house.visitor("192.168.1.99");
    second.post("/dashboard/set-up", &typed).leads_to("/dashboard/sign-in");
    second.get("/dashboard/set-up").leads_to("/dashboard/sign-in");
    assert_eq!(house.web.family.accounts().unwrap().len(), 1);
}

#[test]
fn every_step_exists_in_english() {
    let house = Household::new();
    let mut guardian = house.guardian().in_english();
    for (path, says) in [
        ("/dashboard/set-up/children", "Who lives here?"),
        ("/dashboard/set-up/devices", "Whose device is which?"),
        ("/dashboard/set-up/traffic", "change the Wi-Fi router"),
        ("/dashboard/set-up/test", "See whether it works"),
        ("/dashboard", "Everything is working."),
        ("/dashboard/devices", "Known devices"),
        ("/dashboard/requests", "No request is waiting."),
    ] {
        guardian.get(path).shows(&[says, "lang=\"en\""]).hides(&["{ $", "{$"]);
    }
}

#[test]
fn a_pause_holds_until_it_is_ended() {
    let house = Household::new();
    let mut guardian = house.guardian();
    guardian.post("/dashboard/pause", &[("who", "profile:Mai"), ("lasts", "60")]).leads_to("/dashboard");
    let moments = house.web.moments(now()).unwrap();
    assert_eq!(moments.pauses[0].who, Who::Profile("Mai".into()));
    assert!((3590..=3600).contains(&(moments.pauses[0].until - now())));
    guardian.get("/dashboard").shows(&["Tạm dừng đến", "Mở lại cho Mai", "Đang ngoại tuyến"]);
    guardian.post("/dashboard/resume", &[("who", "profile:Mai")]).leads_to("/dashboard");
    guardian.get("/dashboard").shows(&["Đang dùng được"]).hides(&["Mở lại cho Mai"]);
    // It was over already: what was wanted is so.
    guardian.post("/dashboard/resume", &[("who", "profile:Mai")]).leads_to("/dashboard");
    guardian
        .post("/dashboard/pause", &[("who", "house"), ("lasts", "today"), ("back", "//evil.example")])
        .leads_to("/dashboard");
    guardian.get("/dashboard").shows(&["Mở lại cho cả nhà"]);
    for (who, lasts) in [("house", "soon"), ("house", "0"), ("nobody", "15"), ("profile:Ai", "15")] {
        let status = guardian.post("/dashboard/pause", &[("who", who), ("lasts", lasts)]).status;
        assert!(status.is_client_error(), "{who} {lasts}: {status}");
    }
}

#[test]
fn more_time_is_given_and_taken_back() {
    let house = Household::new();
    let mut guardian = house.guardian().in_english();
    guardian.post("/dashboard/grant", &[("profile", "Nam"), ("lasts", "15")]).leads_to("/dashboard");
    let grant = house.web.moments(now()).unwrap().grants.remove(0);
    assert_eq!((&*grant.profile, &*grant.what), ("Nam", "time"));
    guardian.get("/dashboard").shows(&["Take back", &format!("name=\"id\" value=\"{}\"", grant.id)]);
    let id = grant.id.to_string();
    guardian.post("/dashboard/grants/take-back", &[("id", &id)]).leads_to("/dashboard");
    assert!(house.web.moments(now()).unwrap().grants.is_empty());
    guardian.post("/dashboard/grants/take-back", &[("id", &id)]).leads_to("/dashboard");
    let nobody = guardian.post("/dashboard/grant", &[("profile", "Ai"), ("lasts", "15")]);
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[test]
fn the_first_page_says_what_does_not_work_and_what_to_do() {
    let house = Household::new();
    {
        let mut status = house.steward.status.lock().unwrap();
        status.upstreams = (0, 2);
        status.clock_trusted = false;
        status.has_proxy = true;
    }
    let page = house.guardian().get("/dashboard");
    page.shows(&["Không máy chủ nào trả lời", "Kiểm tra dây mạng", "đồng hồ", "chưa được dẫn qua"]);
    page.hides(&["Mọi thứ đang chạy tốt"]);
}

#[test]
fn a_new_device_is_given_with_one_tap() {
    let house = Household::new();
    house.sees("02:00:00:00:00:99", "Galaxy <b>", "192.168.1.99");
    let mut guardian = house.guardian();
    guardian.get("/dashboard").shows(&["Thiết bị mới", "Galaxy &#60;b&#62;", "Địa chỉ ngẫu nhiên"]);
    let tap = [("key", "02:00:00:00:00:99"), ("name", "Galaxy"), ("profile", "Nam"), ("back", "/dashboard")];
    guardian.post("/dashboard/devices/assign", &tap).leads_to("/dashboard");
    guardian.get("/dashboard").shows(&[]).hides(&["Thiết bị mới"]);
    assert!(house.text().contains("mac = \"02:00:00:00:00:99\""), "{}", house.text());
    house.sees("aa:00:00:00:00:98", "", "192.168.1.98");
    guardian.get("/dashboard").shows(&["Thiết bị không tên"]);
    guardian.post("/dashboard/devices/know", &[("key", "aa:00:00:00:00:98")]).leads_to("/dashboard/devices");
    guardian.get("/dashboard").shows(&[]).hides(&["aa:00:00:00:00:98"]);
    guardian.get("/dashboard/devices").shows(&["aa:00:00:00:00:98", "Thiết bị lạ"]);
}

#[test]
fn devices_are_renamed_moved_paused_and_removed() {
    let house = Household::new();
    house.sees("02:00:00:00:00:11", "", "192.168.1.11");
    let mut guardian = house.guardian();
    let mark = "Máy tính bảng của Mai|Mai|02:00:00:00:00:11|192.168.1.11";
    guardian.get("/dashboard/devices").shows(&["Máy tính bảng của Mai", mark, "thấy lần cuối"]);
    let change = [("position", "1"), ("mark", mark), ("name", "Bảng"), ("profile", "Nam")];
    guardian.post("/dashboard/devices/change", &change).leads_to("/dashboard/devices");
    assert!(house.text().contains("name = \"Bảng\""), "{}", house.text());
    let stale = guardian.post("/dashboard/devices/remove", &[("position", "1"), ("mark", mark)]);
    assert_eq!(stale.status, StatusCode::UNPROCESSABLE_ENTITY);

    let pause = [("who", "device:02:00:00:00:00:11"), ("lasts", "15"), ("back", "/dashboard/devices")];
    guardian.post("/dashboard/pause", &pause).leads_to("/dashboard/devices");
    guardian.get("/dashboard/devices").shows(&["tạm dừng đến", "Mở lại"]);

    let mark = "Bảng|Nam|02:00:00:00:00:11|192.168.1.11";
    guardian.post("/dashboard/devices/remove", &[("position", "1"), ("mark", mark)]).leads_to("/dashboard/devices");
    assert!(!house.text().contains("Bảng"), "{}", house.text());
}

#[test]
fn a_device_is_added_by_its_address() {
    let house = Household::new();
    let mut guardian = house.guardian().in_english();
    let wrong = guardian.post("/dashboard/devices/add", &[("name", "TV"), ("key", "the telly"), ("profile", "Bin")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says(&["neither a MAC address", "value=\"the telly\"", "aria-invalid"]);
    for key in ["AA-BB-CC-DD-EE-01", "192.168.1.40"] {
        let fields = [("name", "TV"), ("key", key), ("profile", "Bin")];
        guardian.post("/dashboard/devices/add", &fields).leads_to("/dashboard/devices");
    }
    guardian.get("/dashboard/devices").shows(&["aa:bb:cc:dd:ee:01", "192.168.1.40"]);
    let again = guardian.post("/dashboard/devices/add", &[("key", "192.168.1.40"), ("profile", "Mai")]);
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[test]
fn a_token_is_shown_once_with_what_to_type() {
    let house = Household::empty(&CONFIG.replace("\n[dns.upstream]", &format!("{DOOR}\n[dns.upstream]")));
    house.web.family.add_account(GUARDIAN.0, GUARDIAN.1, Role::Guardian, None, now()).unwrap();
    let mut guardian = house.guardian();
    let page = guardian.post("/dashboard/devices/token", &[("name", "Máy của Nam"), ("profile", "Nam")]);
    let text = house.text();
    let token = text.split("token = \"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(token.len(), 26);
    page.shows(&[
        &format!("https://dns.nha.example/dns-query/{token}"),
        &format!("{token}.dns.nha.example"),
        "chỉ hiện một lần",
    ]);
    guardian.get("/dashboard/devices").shows(&["nhận ra bằng khóa riêng"]).hides(&[token]);
    let nobody = guardian.post("/dashboard/devices/token", &[("name", "x"), ("profile", "Ai")]);
    assert!(nobody.status.is_client_error());
    nobody.hides(&["dns-query"]);
}

fn ask(house: &Household, profile: &str, name: &str, category: &str, shows_name: bool) -> i64 {
    let ask = Ask { profile, kind: Kind::Ask, name, category: Some(category), note: "cho con xem nhé", shows_name };
    house.web.family.ask(&ask, now()).unwrap()
}

#[test]
fn a_request_is_answered_with_a_reason_for_the_child() {
    let house = Household::new();
    let id = ask(&house, "Mai", "game.example", "gaming", true).to_string();
    let mut guardian = house.guardian();
    guardian.get("/dashboard").shows(&["Con đang xin phép", "game.example"]);
    guardian.get("/dashboard/requests").shows(&["game.example", "cho con xem nhé", "Được, 1 giờ"]);
    let wrong = guardian.post("/dashboard/requests/answer", &[("id", &id), ("answer", "maybe"), ("reason", "hừm")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says(&["value=\"hừm\""]);
    let yes = [("id", id.as_str()), ("answer", "hour"), ("preset", "good")];
    guardian.post("/dashboard/requests/answer", &yes).leads_to("/dashboard/requests");
    let row = house.web.family.request(id.parse().unwrap()).unwrap();
    assert_eq!((row.answer.as_deref(), &*row.reason), (Some("hour"), "Con hỏi như vậy là tốt."));
    assert_eq!(house.web.moments(now()).unwrap().grants[0].what, "name:game.example");
    guardian.get("/dashboard/requests").shows(&["Đã trả lời", "Con hỏi như vậy là tốt."]);
    let twice = guardian.post("/dashboard/requests/answer", &[("id", &id), ("answer", "no")]);
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY);
    twice.says(&["đã được trả lời rồi"]);
}

#[test]
fn always_stands_in_the_configuration_and_no_changes_nothing() {
    let house = Household::new();
    let ids = [ask(&house, "Mai", "a.example", "gaming", true), ask(&house, "Mai", "b.example", "gaming", true)];
    let [always, no] = ids.map(|id| id.to_string());
    let mut guardian = house.guardian();
    guardian
        .post("/dashboard/requests/answer", &[("id", &always), ("answer", "always")])
        .leads_to("/dashboard/requests");
    assert!(house.text().contains("allow_names = [\"a.example\"]"), "{}", house.text());
    let before = house.text();
    let refuse = [("id", no.as_str()), ("answer", "no"), ("preset", "talk"), ("reason", "Để mai mẹ xem")];
    guardian.post("/dashboard/requests/answer", &refuse).leads_to("/dashboard/requests");
    assert_eq!(house.text(), before);
    assert_eq!(house.web.family.request(ids[1]).unwrap().reason, "Để mai mẹ xem");
    assert!(house.web.family.acts(Some("Mai"), 10).unwrap().iter().any(|act| act.deed == Deed::Request));
}

#[test]
fn of_sixteen_year_olds_guardians_see_the_group_alone() {
    let house = Household::new();
    let id = ask(&house, "Linh", "secret.example", "gaming_18", false).to_string();
    let wrong = Ask {
        profile: "Mai",
        kind: Kind::Wrong,
        name: "health.example",
        category: Some("health_sexed"),
        note: "",
        shows_name: true,
    };
    house.web.family.ask(&wrong, now()).unwrap();
    let mut guardian = house.guardian();
    for path in ["/dashboard", "/dashboard/requests"] {
        guardian
            .get(path)
            .shows(&["một trang thuộc nhóm", "bị chặn nhầm"])
            .hides(&["secret.example", "health.example"]);
    }
    guardian.post("/dashboard/requests/answer", &[("id", &id), ("answer", "once")]).leads_to("/dashboard/requests");
    for path in ["/dashboard", "/dashboard/requests"] {
        guardian.get(path).shows(&[]).hides(&["secret.example"]);
    }
}

#[test]
fn three_times_yes_to_one_group_is_a_habit() {
    let house = Household::new();
    let mut guardian = house.guardian().in_english();
    for (count, name) in ["a.example", "b.example", "c.example"].into_iter().enumerate() {
        assert!(count < 3 && !guardian.get("/dashboard/requests").body.contains("often said yes"));
        let id = ask(&house, "Mai", name, "gaming", true);
        house.web.family.answer(id, Answer::Hour, "", now()).unwrap();
    }
    guardian.get("/dashboard/requests").shows(&["often said yes to Mai", "/dashboard/children/Mai"]);
}

#[test]
fn who_may_only_read_sees_no_buttons_and_can_do_nothing() {
    let house = Household::new();
    house.web.family.add_account("Bà", "hoa sữa tháng mười", Role::Reader, None, now()).unwrap();
    house.sees("aa:00:00:00:00:98", "", "192.168.1.98");
    let id = ask(&house, "Mai", "a.example", "gaming", true).to_string();
    let mut reader = house.signed_in("Bà", "hoa sữa tháng mười");
    for path in ["/dashboard", "/dashboard/devices", "/dashboard/requests"] {
        reader.get(path).shows(&[]).hides(&["name=\"lasts\"", "/devices/assign", "/devices/add", "name=\"answer\""]);
    }
    for path in super::guarding::CHANGES {
        let fields = [
            ("who", "house"),
            ("lasts", "15"),
            ("profile", "Mai"),
            ("id", id.as_str()),
            ("answer", "no"),
            ("position", "0"),
            ("mark", "Máy của bố|Bố mẹ||192.168.1.10"),
            ("key", "192.168.1.98"),
            ("name", "x"),
            ("born", "2020"),
            ("adults", "x"),
            ("strangers", "Mai"),
        ];
        // What concerns nobody else.
        let is_own = path.contains("/password") || path.contains("/totp") || *path == "/dashboard/sign-out";
        if !is_own {
            assert_eq!(reader.post(path, &fields).status, StatusCode::FORBIDDEN, "{path}");
        }
    }
}

#[test]
fn the_language_is_chosen_and_comes_back_to_a_page_of_ours() {
    let house = Household::new();
    let mut browser = house.visitor("192.168.1.10");
    browser.get("/language/en?back=/dashboard/sign-in").leads_to("/dashboard/sign-in");
    browser.get("/dashboard/sign-in").shows(&["Sign in"]);
    for back in ["https://evil.example/", "//evil.example", "/\\evil.example", "%09/x"] {
        browser.get(&format!("/language/vi?back={back}")).leads_to("/");
    }
}
