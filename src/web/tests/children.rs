//! A child's rules, as a guardian sees and changes them.

use axum::http::StatusCode;

use super::Household;
use crate::family::Role;

const PAGES: &[&str] = &["", "/criteria", "/sites", "/hours", "/protection", "/schedules/new", "/budgets/new"];

#[test]
fn every_page_of_every_child_comes_in_both_languages() {
    let house = Household::new();
    let mut vietnamese = house.guardian();
    vietnamese.get("/dashboard/children").shows(&["<h1>Con cái</h1>", "Mai", "Bố mẹ", "Máy tính bảng của Mai"]);
    for child in ["Bin", "Mai", "Nam", "Linh", "B%E1%BB%91%20m%E1%BA%B9"] {
        for page in PAGES {
            vietnamese.get(&format!("/dashboard/children/{child}{page}")).shows(&["<h1>", "Giờ giấc"]);
        }
    }
    let mut english = house.guardian().in_english();
    english.get("/dashboard/children").shows(&["<h1>Children</h1>"]);
    for page in PAGES {
        english.get(&format!("/dashboard/children/Mai{page}")).shows(&["<h1>Mai</h1>", "Hours"]);
    }
    assert_eq!(english.get("/dashboard/children/Nobody").status, StatusCode::NOT_FOUND);
}

#[test]
fn a_child_is_added_and_a_form_that_is_wrong_comes_back_as_it_was_typed() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let added = guardian.post("/dashboard/children", &[("name", "Bống"), ("born", "2017"), ("band", "")]);
    added.leads_to("/dashboard/children/B%E1%BB%91ng");
    assert!(house.text().contains("name = \"Bống\"\nborn = 2017"), "{}", house.text());
    guardian.get("/dashboard/children/B%E1%BB%91ng").shows(&["value=\"2017\"", "tự đổi theo tuổi"]);
    let before = house.text();
    for (fields, fault) in [
        ([("name", ""), ("born", "2017")], "Hãy ghi một cái tên."),
        ([("name", "Mai"), ("born", "2017")], "đã có người tên này"),
        ([("name", "Tí"), ("born", "17")], "bốn chữ số"),
        ([("name", "Tí"), ("born", "")], "Hãy ghi năm sinh"),
    ] {
        let again = guardian.post("/dashboard/children", &fields);
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        again.says(&[fault, "aria-invalid=\"true\"", &format!("value=\"{}\"", fields[0].1)]);
    }
    assert_eq!(house.text(), before);
}

#[test]
fn age_name_and_going() {
    let house = Household::new();
    let mut guardian = house.guardian();
    guardian.post("/dashboard/children/Mai/age", &[("born", "2016")]).leads_to("/dashboard/children/Mai");
    guardian.post("/dashboard/children/Mai/age", &[("born", ""), ("band", "6-9")]).leads_to("/dashboard/children/Mai");
    assert_eq!(house.web.profile("Mai").unwrap().band.as_deref(), Some("6-9"));
    let renamed = guardian.post("/dashboard/children/Mai/name", &[("name", "Mai Anh"), ("language", "en")]);
    renamed.leads_to("/dashboard/children/Mai%20Anh");
    assert!(house.text().contains("# Mai goes to school."), "comments stay");
    let kept = guardian.post("/dashboard/children/Mai%20Anh/name", &[("name", "Nam")]);
    assert_eq!(kept.status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = guardian.post("/dashboard/children/Mai%20Anh/remove", &[("replacement", "Bin")]);
    gone.leads_to("/dashboard/children");
    assert!(house.web.devices().unwrap().iter().any(|one| one.profile == "Bin"));
    // The last words about it stay in the log.
    guardian.get("/dashboard/settings/acts").shows(&["Mai Anh", "Đổi quy tắc"]);
}

#[test]
fn a_guardian_chooses_where_the_criteria_let_them() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let page = guardian.get("/dashboard/children/Mai/criteria");
    page.shows(&["name=\"group-gaming\"", "Theo tiêu chí:", "Nhóm này không đổi được"])
        .hides(&["group-csam", "group-help"]);
    let chosen = [("group-gaming", "block"), ("group-messaging", "allow")];
    guardian.post("/dashboard/children/Mai/criteria", &chosen).leads_to("/dashboard/children/Mai/criteria");
    let form = house.web.profile("Mai").unwrap();
    assert_eq!((form.block, form.allow), (vec!["gaming".to_string()], vec!["messaging".to_string()]));
    guardian.get("/dashboard/children/Mai/criteria").shows(&["<option value=\"block\" selected>"]);
    // Not sent is not changed; the default is sent as empty.
    guardian.post("/dashboard/children/Mai/criteria", &[("group-messaging", "")]);
    let form = house.web.profile("Mai").unwrap();
    assert_eq!((form.block, form.allow), (vec!["gaming".to_string()], Vec::new()));
    let refused = guardian.post("/dashboard/children/Mai/criteria", &[("group-csam", "allow")]);
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    refused.says(&["Chưa lưu được"]);
}

#[test]
fn services_names_search_and_connections() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let mut post = |end: &str, fields: &[(&str, &str)]| guardian.post(&format!("/dashboard/children/Mai{end}"), fields);
    post("/services", &[("service-tiktok", "block")]).leads_to("/dashboard/children/Mai/sites");
    let names = [("allow_names", "https://Wikipedia.org/wiki\nwikipedia.org"), ("block_names", "")];
    post("/names", &names).leads_to("/dashboard/children/Mai/sites");
    let wrong = post("/names", &[("allow_names", "com.vn"), ("block_names", "bad.example")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.says(&["“com.vn” không phải", "bad.example</textarea>"]);
    post("/search", &[("safe_search", "yes"), ("youtube", "moderate")]).leads_to("/dashboard/children/Mai/protection");
    let connections = [("canary", "no"), ("quic", "filter")];
    post("/protection", &connections).leads_to("/dashboard/children/Mai/protection");
    let form = house.web.profile("Mai").unwrap();
    assert_eq!((form.block, form.allow_names), (vec!["tiktok".to_string()], vec!["wikipedia.org".to_string()]));
    assert_eq!((form.safe_search, form.youtube.as_deref()), (Some(true), Some("moderate")));
    assert_eq!((form.canary, form.quic.as_deref()), (Some(false), Some("filter")));
}

#[test]
fn a_schedule_across_midnight_is_made_drawn_changed_and_removed() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let path = "/dashboard/children/Mai/schedules";
    let fields = [("name", "Giờ ngủ"), ("from", "21:00"), ("to", "06:00"), ("days", "sun"), ("block", "everything")];
    guardian.post(&format!("{path}/new"), &fields).leads_to("/dashboard/children/Mai/hours");
    // Sunday night and Monday morning.
    guardian.get("/dashboard/children/Mai/hours").shows(&["Giờ ngủ", "<svg", "00:00–06:00", "21:00–24:00"]);
    guardian.get(&format!("{path}/0")).shows(&["value=\"21:00\"", "value=\"sun\" checked"]);
    for (field, value, fault) in
        [("name", "", "Hãy đặt tên"), ("from", "", "Hãy ghi giờ"), ("block", "", "Hãy chọn ít nhất")]
    {
        let wrong: Vec<_> = fields.map(|(key, old)| (key, if key == field { value } else { old })).to_vec();
        let again = guardian.post(&format!("{path}/0"), &wrong);
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        again.says(&[fault]);
    }
    guardian.post(&format!("{path}/0"), &[("do", "remove")]).leads_to("/dashboard/children/Mai/hours");
    assert!(house.web.profile("Mai").unwrap().schedules.is_empty());
    assert_eq!(guardian.get(&format!("{path}/0")).status, StatusCode::NOT_FOUND);
}

#[test]
fn a_budget_is_minutes_a_day() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let path = "/dashboard/children/Mai/budgets";
    let fields = [("name", "Trò chơi"), ("limit", "90"), ("of", "gaming"), ("of", "minecraft")];
    guardian.post(&format!("{path}/new"), &fields).leads_to("/dashboard/children/Mai/hours");
    guardian.get("/dashboard/children/Mai/hours").shows(&["Trò chơi", "90m", "Minecraft"]);
    guardian.get(&format!("{path}/0")).shows(&["type=\"number\" value=\"90\""]);
    let again = guardian.post(&format!("{path}/0"), &[("name", "Trò chơi"), ("limit", "0"), ("of", "gaming")]);
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    again.says(&["từ 1 đến 1440"]);
    guardian.post(&format!("{path}/0"), &[("do", "remove")]).leads_to("/dashboard/children/Mai/hours");
}

#[test]
fn grants_are_given_shown_and_taken_back() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let path = "/dashboard/children/Mai/grants";
    let site = [("site", "https://roblox.com/x"), ("what", "time"), ("lasts", "15")];
    guardian.post(path, &site).leads_to("/dashboard/children/Mai");
    guardian.get("/dashboard/children/Mai").shows(&["<strong>roblox.com</strong>", "1 điều đang được cho phép"]);
    let id = house.web.moments(super::household::now()).unwrap().grants[0].id;
    guardian.post(&format!("{path}/{id}"), &[]).leads_to("/dashboard/children/Mai");
    guardian.get("/dashboard/children/Mai").shows(&["Chưa cho phép thêm gì"]);
    let refused = guardian.post(path, &[("what", "category:csam"), ("lasts", "60")]);
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let codes = house.web.family.codes("Mai").unwrap()[0].1.to_string();
    guardian.get("/dashboard/children/Mai").shows(&[&codes]);
    guardian.post("/dashboard/children/Mai/codes", &[]).leads_to("/dashboard/children/Mai");
    guardian.get("/dashboard/children/Mai").hides(&[&codes]);
}

#[test]
fn who_only_reads_sees_no_codes_and_changes_nothing() {
    let house = Household::new();
    let now = super::household::now();
    house.web.family.add_account("Bà", "một câu dài lắm", Role::Reader, None, now).unwrap();
    house.web.family.add_account("Mai", "một câu dài nữa", Role::Child, Some("Mai"), now).unwrap();
    let mut reader = house.signed_in("Bà", "một câu dài lắm");
    reader.get("/dashboard/children/Mai").shows(&["chỉ xem được"]).hides(&["Xem các mã"]);
    let before = house.text();
    for end in ["age", "criteria", "names", "schedules/new", "budgets/new", "search", "protection", "remove"] {
        let fields = [("band", "18+"), ("born", ""), ("name", "x"), ("replacement", "Bin")];
        assert_eq!(
            reader.post(&format!("/dashboard/children/Mai/{end}"), &fields).status,
            StatusCode::FORBIDDEN,
            "{end}"
        );
    }
    let mut child = house.signed_in("Mai", "một câu dài nữa");
    for page in PAGES {
        assert_eq!(child.get(&format!("/dashboard/children/Mai{page}")).status, StatusCode::FORBIDDEN, "{page}");
    }
    assert_eq!(house.text(), before);
}
