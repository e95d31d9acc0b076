//! Who agrees to anonymous reports, and what a guardian sees of them.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;

use super::Household;
use crate::classify::Category;
use crate::name::Name;
use crate::report::consent::{Consent, Mode, Operators};
use crate::report::message::{Lane, Threshold};
use crate::report::preview::{Cells, Kind, Planned, Preview, Sent, Shown};

fn full() -> Preview {
    let named = |name: &str| Some(name.to_string());
    let operators = Operators { a: named("an-ninh"), b: named("tre-em"), relay: named("nha-mang"), is_lab: false };
    let mode = Mode::of(Consent { guardian: true, children: true }, &operators);
    let shown = |name: Option<&str>, category, octets: &[u8]| Shown {
        lane: Lane::Harm,
        name: name.map(|name| Name::parse(name).unwrap()),
        category,
        octets: octets.to_vec(),
    };
    Preview {
        enabled: true,
        paused: Some("the relay does not answer".to_string()),
        week_octets: 67_154,
        plan: vec![Planned { kind: Kind::Report, count: 20, octets: 609 }],
        candidates: vec![
            shown(Some("xau-lam.com"), Category::Bypass, &[0xab, 0xcd]),
            shown(None, Category::SelfharmPromo, b"secret-of-linh"),
        ],
        cells: vec![
            Cells { group: 18, band: Some(2), part: None },
            Cells { group: 8, band: Some(4), part: None },
            Cells { group: 8, band: None, part: Some(3) },
        ],
        sent: (0..60)
            .map(|at| Sent { at: 1_795_000_000 + at, kind: Kind::Week, octets: 5_000 + at as usize })
            .collect(),
        waiting: 7,
        threshold: Threshold::new(35).unwrap(),
        ..Preview::silent(mode, operators)
    }
}

#[test]
fn a_guardian_sees_all_that_is_told_but_not_what_older_children_met() {
    let house = Household::new();
    *house.steward.preview.lock().unwrap() = full();
    let page = house.guardian().get("/dashboard/reports");
    page.shows(&[
        "an-ninh",
        "tre-em",
        "nha-mang",
        "609",
        "67154",
        "35 nhà",
        "xau-lam.com",
        "ab cd",
        "the relay does not answer",
    ]);
    page.says(&["Cờ bạc", "Và 1 tên của", "Và 2 ô không hiện nhóm", "5059", "5010"]);
    let selfharm = crate::web::text::Language::Vietnamese.category(&Category::SelfharmPromo);
    let hidden = crate::web::pages::reports::hex(b"secret-of-linh");
    assert_eq!(page.body.matches(&*selfharm).count(), 1, "in the list of one's own names alone");
    page.hides(&[&hidden, ">5009<", "linh"]);
    let api = house.guardian().get("/api/v1/reports");
    api.shows(&[
        "\"candidates_hidden\":1",
        "\"cells_hidden\":2",
        "\"octets\":\"abcd\"",
        "\"households\":35",
        "\"mode\":\"full\"",
    ]);
    api.hides(&["selfharm_promo", "7365637265742d"]);
}

#[test]
fn before_anybody_agrees_the_example_and_the_plan_are_there() {
    let house = Household::new();
    let page = house.guardian().get("/dashboard/reports");
    page.shows(&["vi-du-lua-dao.example", "0d 76 69 2d", "người chăm sóc chưa đồng ý", "value=\"agree\""]);
    page.hides(&["value=\"withdraw\""]);
}

#[test]
fn a_child_answers_on_its_own_device_and_nobody_else_does() {
    let house = Household::new();
    let agreed = || house.web.family.report_consents().unwrap().children;
    // Bin is too young, the adults are no children, a stranger is nobody.
    for peer in ["192.168.1.10", "192.168.1.77"] {
        let mut other = house.visitor(peer);
        assert_eq!(other.get("/reports").status, StatusCode::NOT_FOUND, "{peer}");
        assert_eq!(other.post("/reports", &[("answer", "yes")]).status, StatusCode::NOT_FOUND, "{peer}");
        other.get("/").hides(&["/reports"]);
    }
    let mut mai = house.visitor("192.168.1.11");
    mai.get("/").shows(&["href=\"/reports\""]);
    mai.get("/reports").shows(&["Em đồng ý", "Em chưa đồng ý", "vi-du-lua-dao.example"]).hides(&[">Em đổi ý<"]);
    assert_eq!(mai.post_bare("/reports", &[("answer", "yes")]).status, StatusCode::FORBIDDEN);
    assert!(agreed().is_empty());
    mai.post("/reports", &[("answer", "yes")]).leads_to("/reports");
    assert_eq!(agreed(), ["Mai"]);
    mai.get("/reports").shows(&["Em đã đồng ý", ">Em đổi ý<"]);
    assert_eq!(house.steward.answers.load(Ordering::Relaxed), 1);
    // Nam has no device but is a child that is asked; without it not all have agreed.
    house.visitor("192.168.1.13").post("/reports", &[("answer", "yes")]).leads_to("/reports");
    let answers = house.web.report_answers().unwrap();
    assert_eq!((answers.asked, answers.children), (3, false));
    house.web.family.child_agrees("Nam", true).unwrap();
    assert!(house.web.report_answers().unwrap().children);
    mai.post("/reports", &[("answer", "no")]).leads_to("/reports");
    assert!(!house.web.report_answers().unwrap().children);
    house.guardian().get("/dashboard/settings/acts").shows(&[]).hides(&["Mai"]);
}

#[test]
fn a_guardian_signed_in_on_a_childs_device_does_not_answer_for_it() {
    let house = Household::new();
    let mut guardian = house.guardian();
    assert_eq!(guardian.get("/reports").status, StatusCode::NOT_FOUND);
    guardian.post("/dashboard/children/Mai/name", &[("name", "Mai Anh"), ("language", "")]);
    // The adults' machine becomes Mai's, with the guardian still signed in on it.
    let text = house.text().replace(
        "profile = \"Bố mẹ\"\naddress = [\"192.168.1.10\"]",
        "profile = \"Mai Anh\"\naddress = [\"192.168.1.10\"]",
    );
    assert_ne!(text, house.text());
    house.rewrite(&text);
    assert_eq!(guardian.get("/reports").status, StatusCode::NOT_FOUND);
    house.visitor("192.168.1.10").get("/reports").shows(&["Em đồng ý"]);
}

#[test]
fn who_is_renamed_or_removed_is_asked_again() {
    let house = Household::new();
    let mut guardian = house.guardian();
    let agreed = || house.web.family.report_consents().unwrap().children;
    house.web.family.child_agrees("Mai", true).unwrap();
    guardian.post("/dashboard/children/Mai/age", &[("born", ""), ("band", "10-12")]);
    assert_eq!(agreed(), ["Mai"], "an age moves nobody's answer");
    guardian.post("/dashboard/children/Mai/name", &[("name", "Mai Anh"), ("language", "")]);
    assert!(agreed().is_empty());
    house.web.family.child_agrees("Mai Anh", true).unwrap();
    guardian.post("/dashboard/children/Mai%20Anh/remove", &[("replacement", "Bin")]).leads_to("/dashboard/children");
    assert!(agreed().is_empty());
}

#[test]
fn a_guardian_agrees_withdraws_and_adds_names() {
    let house = Household::new();
    let mut guardian = house.guardian();
    guardian.post("/dashboard/reports/consent", &[("do", "agree")]).leads_to("/dashboard/reports?done=agreed");
    assert!(house.web.family.report_consents().unwrap().guardian);
    guardian.post("/dashboard/reports/consent", &[("do", "withdraw")]).leads_to("/dashboard/reports?done=withdrawn");
    guardian.get("/dashboard/reports?done=withdrawn").shows(&["đang chờ gửi đã bị xóa"]);
    assert!(!house.web.family.report_consents().unwrap().guardian);
    assert_eq!(house.steward.answers.load(Ordering::Relaxed), 2);
    let add = |name: &str, category: &str| [("name", name.to_string()), ("category", category.to_string())];
    let tried = |name: &str, category: &str| {
        let fields = add(name, category);
        let fields: Vec<(&str, &str)> = fields.iter().map(|(key, value)| (*key, value.as_str())).collect();
        house.guardian().post("/dashboard/reports/names", &fields)
    };
    tried("xau-lam.com", "grooming").leads_to("/dashboard/reports?done=added");
    for (name, category, says) in [
        ("xau-lam.com", "malware", "Tên này đã có"),
        ("www.xau-lam.vn", "malware", "Hãy ghi xau-lam.vn"),
        ("tongdai111.vn", "malware", "nơi giúp đỡ"),
        ("facebook.com", "malware", "ai cũng biết"),
        ("xau-lam.net", "porn", "Hãy chọn một nhóm"),
        ("a b", "malware", "không phải tên một trang"),
        ("com.vn", "malware", "phần đuôi dùng chung"),
    ] {
        let refused = tried(name, category);
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        refused.says(&[says, "aria-invalid"]);
    }
    guardian.get("/dashboard/reports").shows(&["xau-lam.com"]);
    guardian
        .post("/dashboard/reports/names/remove", &[("name", "xau-lam.com")])
        .leads_to("/dashboard/reports?done=removed");
    assert!(house.web.family.own_indicators().unwrap().is_empty());
    guardian.get("/dashboard/settings/acts").shows(&["Báo cáo ẩn danh"]).hides(&["xau-lam"]);
}

#[test]
fn a_draft_is_reached_in_one_tap_and_stays_in_the_browser() {
    let house = Household::new();
    let mut child = house.visitor("192.168.1.11");
    child.get("/").shows(&["href=\"/tell\""]);
    child.host = "www.pornhub.com".into();
    let refused = child.get("/");
    refused.says(&["http://luytre.home.arpa/tell"]);
    child.host = "192.168.1.2".into();
    let page = child.get("/tell");
    page.shows(&["tel:111", "https://vn-cop.vn/", "id=\"exit\""]).hides(&["<form", "action="]);
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(child.post("/tell", &[("words", "x")]).status, StatusCode::METHOD_NOT_ALLOWED);
}

#[test]
fn what_devices_without_an_owner_meet_is_nobodys_to_tell() {
    use crate::web::Steward;
    use crate::web::reports::may_report;
    // Bin is also the profile of strangers, and has no device of its own.
    let house = Household::new();
    let (config, snapshot) = (house.steward.config(), house.web.judge.keep());
    let may = |name: &str| may_report(&config, &snapshot, snapshot.profile_named(name).unwrap());
    assert_eq!(["Bin", "Mai", "Nam", "Bố mẹ"].map(may), [false, true, true, true]);
    house.rewrite(&format!("{}\n[[device]]\nprofile = \"Bin\"\naddress = [\"192.168.1.12\"]\n", house.text()));
    let (config, snapshot) = (house.steward.config(), house.web.judge.keep());
    assert!(may_report(&config, &snapshot, snapshot.profile_named("Bin").unwrap()));
}
