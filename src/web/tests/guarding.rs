//! Who gets in, and by which door: nobody changes anything without having signed in on a page of ours.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use super::Household;

/// Everything a visitor could try to change on the dashboard.
pub const CHANGES: &[&str] = &[
    "/dashboard/activity/Mai/forget",
    "/dashboard/children",
    "/dashboard/children/Mai/age",
    "/dashboard/children/Mai/budgets/new",
    "/dashboard/children/Mai/codes",
    "/dashboard/children/Mai/criteria",
    "/dashboard/children/Mai/grants",
    "/dashboard/children/Mai/grants/1",
    "/dashboard/children/Mai/name",
    "/dashboard/children/Mai/names",
    "/dashboard/children/Mai/protection",
    "/dashboard/children/Mai/remove",
    "/dashboard/children/Mai/schedules/new",
    "/dashboard/children/Mai/search",
    "/dashboard/children/Mai/services",
    "/dashboard/devices/add",
    "/dashboard/devices/assign",
    "/dashboard/devices/change",
    "/dashboard/devices/know",
    "/dashboard/devices/remove",
    "/dashboard/devices/token",
    "/dashboard/grant",
    "/dashboard/grants/take-back",
    "/dashboard/lists",
    "/dashboard/lists/known",
    "/dashboard/reports/consent",
    "/dashboard/reports/names",
    "/dashboard/reports/names/remove",
    "/dashboard/lists/remove/starter",
    "/dashboard/lists/update",
    "/dashboard/pause",
    "/dashboard/requests/answer",
    "/dashboard/resume",
    "/dashboard/set-up/adults",
    "/dashboard/set-up/children",
    "/dashboard/set-up/children/remove",
    "/dashboard/set-up/devices",
    "/dashboard/settings",
    "/dashboard/settings/calendars",
    "/dashboard/settings/calendars/tet",
    "/dashboard/settings/password",
    "/dashboard/settings/people",
    "/dashboard/settings/people/1/remove",
    "/dashboard/settings/tokens",
    "/dashboard/settings/tokens/1/remove",
    "/dashboard/settings/totp",
    "/dashboard/settings/totp/new",
    "/dashboard/settings/totp/off",
    "/dashboard/sign-out",
];

#[test]
fn who_is_not_signed_in_changes_nothing() {
    let house = Household::new();
    let before = house.text();
    let mut stranger = house.visitor("192.168.1.77");
    for path in CHANGES {
        let answer = stranger.post(path, &[("who", "house"), ("minutes", "60"), ("name", "x")]);
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/dashboard/sign-in"), "{path}");
    }
    assert_eq!(house.text(), before);
    assert_eq!(house.web.moments(super::household::now()).unwrap(), Default::default());
}

#[test]
fn a_form_of_another_page_is_refused() {
    let house = Household::new();
    let mut guardian = house.guardian();
    for path in CHANGES {
        for csrf in ["", "0123456789abcdef0123456789abcdef"] {
            assert_eq!(guardian.post_bare(path, &[("csrf", csrf)]).status, StatusCode::FORBIDDEN, "{path}");
        }
        // Neither does the one for people who are not signed in.
        let csrf = house.web.form_token("192.168.1.10".parse().unwrap());
        assert_eq!(guardian.post_bare(path, &[("csrf", &csrf)]).status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(guardian.get("/api/v1/session").status, StatusCode::OK);
}

#[test]
fn another_sites_name_reaches_the_page_of_refusals_alone() {
    let house = Household::new();
    let mut guardian = house.guardian();
    guardian.host = "casino.example".into();
    for path in ["/dashboard", "/api/v1/session", "/api/v1/profiles"] {
        guardian.get(path).hides(&["Mẹ", "Mai"]);
    }
    let answer = guardian.post("/dashboard/sign-out", &[]);
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
    guardian.host = "LUYTRE.home.arpa:8300".into();
    guardian.get("/api/v1/session").shows(&["Mẹ"]);
}

#[test]
fn every_answer_forbids_what_pages_do_not_need() {
    let house = Household::new();
    let answer = house.visitor("192.168.1.77").send(Request::get("/nowhere").body(Body::empty()).unwrap());
    let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
}
