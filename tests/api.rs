//! Who may do what by the API: roles, tokens, strangers, other sites' pages; and that nothing makes it fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use harness::family::{DESK, EVERYBODY, Household, LINH, MAI, NAM, PASSWORD, people, soon};
use harness::http::Client;
use harness::schemathesis::schemathesis;
use harness::{PATIENCE, Server, Upstream, free_port, text};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

const MONDAY: &str = "2027-03-01T16:00:00Z";
const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

fn household() -> Household {
    let list = vec!["casino.example".to_string()];
    let calendar = "[[calendar]]\nname = \"exams\"\ndays = [\"2027-06-01\"]\n";
    Household::open(MONDAY, &[("gambling", list)], &format!("{calendar}{}", people(|_| String::new())))
}

/// An operation of the description: method, path, its scope, and a body that would be valid.
struct Operation {
    method: String,
    path: String,
    needs: Option<String>,
    body: Value,
}

/// Every operation, with names and numbers that are there.
fn operations(client: &Client) -> Vec<Operation> {
    let described = client.get("/api/v1/openapi.json").expect(200).json();
    let shapes = &described["components"]["schemas"];
    let mut operations = Vec::new();
    for (path, of) in described["paths"].as_object().unwrap() {
        for method in METHODS.iter().filter(|method| of.get(**method).is_some()) {
            let one = &of[*method];
            let shape = &one["requestBody"]["content"]["application/json"]["schema"];
            let body = if shape.is_null() { Value::Null } else { plausible("", shape, shapes) };
            let needs = one["description"].as_str().and_then(|text| text.split('`').nth(1)).map(str::to_string);
            operations.push(Operation { method: method.to_uppercase(), path: filled(path, one), needs, body });
        }
    }
    assert!(operations.len() > 50, "{}", operations.len());
    operations
}

fn filled(path: &str, operation: &Value) -> String {
    let mut filled = path.replace("{id}", "1").replace("{position}", "0").replace("{profile}", "mai");
    filled = filled.replace(
        "{name}",
        if path.starts_with("/calendars") {
            "exams"
        } else if path.starts_with("/lists") {
            "gambling"
        } else {
            "mai"
        },
    );
    let parameters = operation["parameters"].as_array().unwrap().iter().filter(|one| one["in"] == "query");
    let query: Vec<String> = parameters
        .map(|one| match one["name"].as_str().unwrap() {
            "who" => "who=profile:mai".to_string(),
            "name" => "name=www.casino.example".to_string(),
            "profile" => "profile=mai".to_string(),
            "at" => "at=2027-03-02T21:30".to_string(),
            other => panic!("what is {other}?"),
        })
        .collect();
    if query.is_empty() { filled } else { format!("{filled}?{}", query.join("&")) }
}

/// A value of that shape which makes sense, by the name of the field.
fn plausible(field: &str, shape: &Value, shapes: &Value) -> Value {
    if let Some(name) = shape["$ref"].as_str() {
        return plausible(field, &shapes[name.rsplit('/').next().unwrap()], shapes);
    }
    if let Some(first) = shape["enum"].as_array() {
        return first[0].clone();
    }
    let kind = shape["type"].as_str().or_else(|| shape["type"][0].as_str()).unwrap_or("object");
    match kind {
        "object" => {
            let mut object = Map::new();
            for (name, shape) in shape["properties"].as_object().unwrap_or(&Map::new()) {
                // One of the two, and a profile by its band.
                if !matches!(name.as_str(), "today" | "born" | "schedules" | "budgets") {
                    object.insert(name.clone(), plausible(name, shape, shapes));
                }
            }
            object.into()
        }
        "array" => match field {
            "block_names" | "allow_names" => json!(["other.example"]),
            "block" | "allow" => json!(["gambling"]),
            "address" => json!(["127.0.0.77"]),
            "days" => json!(["2027-06-02"]),
            _ => json!([plausible(field, &shape["items"], shapes)]),
        },
        "integer" => json!(15),
        "boolean" => json!(true),
        _ => match field {
            "password" | "old" | "new" => PASSWORD.into(),
            "profile" => "nam".into(),
            "band" => "18+".into(),
            "what" => "name:casino.example".into(),
            "who" => "house".into(),
            "source" => "starter".into(),
            "key" => "127.0.0.78".into(),
            "mac" => "aa:bb:cc:dd:ee:ff".into(),
            "name" => "somebody".into(),
            _ => "00000000".into(),
        },
    }
}

/// Everything that can be read, by path; what was done at the controls without tries to sign in.
fn state(home: &Household, program: &Client, operations: &[Operation]) -> Vec<(String, String)> {
    let reads = operations.iter().filter(|one| one.method == "GET");
    let mut state: Vec<(String, String)> = reads
        // What moves by itself: counters, events, codes that belong to this visitor.
        .filter(|one| {
            !["/status", "/events", "/me", "/findings", "/tokens"].contains(&one.path.as_str())
                && !one.path.starts_with("/explain")
        })
        .map(|one| (one.path.clone(), settled(&program.api("GET", &one.path, &Value::Null).body)))
        .collect();
    state.push(("the file".into(), fs::read_to_string(&home.server.config).unwrap()));
    state
}

fn settled(body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Array(rows)) => {
            let rows: Vec<Value> = rows.into_iter().filter(|row| row["deed"] != "sign_in_failed").collect();
            Value::from(rows).to_string()
        }
        _ => body.to_string(),
    }
}

#[test]
fn who_is_not_signed_in_changes_nothing() {
    let home = household();
    let guardian = home.guardian();
    let program = home.program(&guardian, &["read", "moments", "policy", "people"]);
    guardian.api("POST", "/accounts", &json!({ "name": "reader", "password": PASSWORD, "role": "reader" })).expect(201);
    guardian
        .api(
            "POST",
            "/grants",
            &json!({ "profile": "nam", "what": "name:casino.example", "lasts": { "minutes": 600 } }),
        )
        .expect(201);
    guardian.api("POST", "/pauses", &json!({ "who": "profile:mai", "lasts": { "minutes": 600 } })).expect(201);
    home.refused(MAI, "www.casino.example");
    let mai = home.client(MAI);
    let csrf = mai.api("GET", "/me", &Value::Null).json()["csrf"].clone();
    // In a pause one may ask about the page as such.
    mai.api("POST", "/me/requests", &json!({ "name": "www.casino.example", "csrf": csrf, "wrong": true })).expect(201);
    let operations = operations(&guardian);
    let before = state(&home, &program, &operations);

    let nobody = home.client(DESK);
    let wrong_token = nobody.with("Authorization", "Bearer lt_0000000000000000000000000000000000000000");
    let wrong_cookie =
        nobody.with("Cookie", "luytre=0000000000000000000000000000000000000000000").with("x-csrf-token", "0");
    for stranger in [&nobody, &wrong_token, &wrong_cookie, &home.client(MAI), &home.client(LINH)] {
        for one in &operations {
            let reply = stranger.api(&one.method, &one.path, &one.body);
            let is_open = one.needs.is_none();
            match one.method.as_str() {
                _ if !is_open => assert!(matches!(reply.status, 401 | 403), "{} {}: {reply:?}", one.method, one.path),
                "GET" => assert!(reply.status == 200 || stranger_has_token(&reply), "{}: {reply:?}", one.path),
                // A 17-year-old's own activity is theirs to delete; there is none.
                "DELETE" if stranger.from == LINH || stranger.from == DESK => {}
                _ => assert!((400..500).contains(&reply.status), "{} {}: {reply:?}", one.method, one.path),
            }
        }
    }
    let after = state(&home, &program, &operations);
    for (was, is) in before.iter().zip(&after) {
        assert_eq!(was, is);
    }
    // The same walk with a token does change things: the check can fail.
    for one in operations.iter().filter(|one| one.method != "GET" && !one.path.starts_with("/session")) {
        let reply = program.api(&one.method, &one.path, &one.body);
        assert!(reply.status < 500, "{} {}: {reply:?}", one.method, one.path);
    }
    assert_ne!(before, state(&home, &program, &operations));
}

fn stranger_has_token(reply: &harness::http::Reply) -> bool {
    // A wrong token is told so everywhere.
    reply.status == 401
}

#[test]
fn roles() {
    let home = household();
    let guardian = home.guardian();
    for (name, role, profile) in
        [("ba", "second", Value::Null), ("co", "reader", Value::Null), ("mai", "child", json!("mai"))]
    {
        let body = json!({ "name": name, "password": PASSWORD, "role": role, "profile": profile });
        guardian.api("POST", "/accounts", &body).expect(201);
    }
    let [second, reader, child] = ["ba", "co", "mai"].map(|name| home.sign_in(name));
    let operations = operations(&guardian);
    let before = state(&home, &guardian, &operations);
    let scoped: Vec<&Operation> =
        operations.iter().filter(|one| one.needs.as_deref().is_some_and(|needs| needs != "session")).collect();
    for one in &scoped {
        let needs = one.needs.as_deref().unwrap();
        let is_own =
            ["/profiles/mai/activity", "/profiles/mai/acts"].contains(&one.path.as_str()) && one.method == "GET";
        let status = child.api(&one.method, &one.path, &one.body).status;
        assert_eq!(status, if is_own { 200 } else { 403 }, "child {} {}", one.method, one.path);
        let reply = reader.api(&one.method, &one.path, &one.body);
        assert_eq!(reply.status == 403, needs != "read", "reader {} {}: {reply:?}", one.method, one.path);
        if needs == "people" {
            let status = second.api(&one.method, &one.path, &one.body).status;
            assert_eq!(status, 403, "second {} {}", one.method, one.path);
        }
    }
    let after = state(&home, &guardian, &operations);
    for (was, is) in before.iter().zip(&after) {
        assert_eq!(was, is);
    }
    // A child sees its own profile, from whatever device; of the others nothing.
    assert_eq!(child.api("GET", "/me", &Value::Null).json()["profile"], "mai");
    for (name, _, _) in EVERYBODY.iter().filter(|(name, _, _)| *name != "mai") {
        child.api("GET", &format!("/profiles/{name}/activity"), &Value::Null).expect(403);
        child.api("GET", &format!("/profiles/{name}/acts"), &Value::Null).expect(403);
    }
    second.api("POST", "/pauses", &json!({ "who": "house", "lasts": { "minutes": 1 } })).expect(201);
    // The last guardian stays, and a token has the scopes it was given and no others.
    guardian.api("DELETE", "/accounts/1", &Value::Null).expect(422);
    let narrow = home.program(&guardian, &["read"]);
    for one in scoped.iter().filter(|one| one.needs.as_deref() != Some("read")) {
        narrow.api(&one.method, &one.path, &one.body).expect(403);
    }
}

#[test]
fn pages_of_other_sites_reach_nothing() {
    let home = household();
    let guardian = home.guardian();
    let body = json!({ "who": "house", "lasts": { "minutes": 60 } });
    let paused = || guardian.api("GET", "/pauses", &Value::Null).json() != json!([]);
    guardian.without("x-csrf-token").api("POST", "/pauses", &body).expect(403);
    guardian.with("x-csrf-token", "0").api("POST", "/pauses", &body).expect(403);
    guardian.with("Sec-Fetch-Site", "cross-site").api("POST", "/pauses", &body).expect(403);
    // Also where nothing is sent, or something that a form of another page may send.
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let plain = [("Content-Type", "text/plain")];
    for headers in [&form, &plain] {
        let without = guardian.without("x-csrf-token");
        assert_eq!(without.request("POST", "/api/v1/pauses", headers, &body.to_string()).status, 403);
        assert_eq!(without.request("POST", "/api/v1/codes/mai", headers, "").status, 403);
        assert_eq!(without.request("DELETE", "/api/v1/profiles/mai/activity", headers, "").status, 403);
        let cross = guardian.with("Sec-Fetch-Site", "cross-site");
        assert_eq!(cross.request("POST", "/api/v1/codes/mai", headers, "").status, 403);
    }
    assert!(!paused());
    // A foreign name that leads here reaches no API and no dashboard, whoever is signed in.
    for host in ["evil.example", "evil.example:80", "luytre.home.arpa.evil.example", "127.0.0.1.evil.example"] {
        let rebound = guardian.with("Host", host);
        for path in ["/api/v1/session", "/api/v1/profiles", "/api/v1/me", "/dashboard", "/help"] {
            let reply = rebound.get(path);
            assert!(
                !reply.body.contains("csrf") && !reply.body.contains("\"mai\"") && reply.status != 200,
                "{host}{path}: {reply:?}"
            );
        }
        assert_ne!(rebound.api("POST", "/pauses", &body).status, 201);
        assert!(!paused());
    }
    for host in ["luytre.home.arpa", "localhost", "127.0.0.1", "192.168.1.1:8300", "[::1]:8300"] {
        guardian.with("Host", host).get("/api/v1/profiles").expect(200);
    }
    guardian.api("POST", "/pauses", &body).expect(201);
    assert!(paused());
}

#[test]
fn a_file_that_cannot_be_opened_stops_nothing_but_steering() {
    let (upstream, folder, port) = (Upstream::start(), Arc::new(TempDir::new().unwrap()), free_port());
    fs::create_dir_all(folder.path().join("state/family.db")).unwrap();
    let rest = format!(
        "[web]\nlisten = [\"127.0.0.1:{port}\"]\n[[profile]]\nname = \"an\"\nband = \"10-12\"\n[defaults]\nprofile = \"an\"\n"
    );
    let server = Server::start_in(folder, upstream.addr, "", &rest);
    assert!(!server.ask("wikipedia.org", "A").addresses().is_empty());
    let client = Client::new((Ipv4Addr::LOCALHOST, port).into(), Ipv4Addr::LOCALHOST);
    assert_eq!(client.get("/help").status, 200);
    client.api("POST", "/setup", &json!({ "name": "lan", "password": PASSWORD })).expect(409);
    assert!(server.log().contains("nobody can steer"), "{}", server.log());
}

#[test]
fn set_up_and_sign_in() {
    let home = household();
    let desk = home.client(DESK);
    assert_eq!(desk.api("GET", "/session", &Value::Null).json()["is_new"], true);
    desk.api("POST", "/setup", &json!({ "name": "lan", "password": "short" })).expect(422);
    let guardian = home.guardian();
    let cookie = desk.api("POST", "/session", &json!({ "name": "lan", "password": PASSWORD })).expect(200);
    let cookie = cookie.header("set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    desk.api("POST", "/setup", &json!({ "name": "other", "password": PASSWORD })).expect(409);
    assert_eq!(guardian.api("GET", "/accounts", &Value::Null).json().as_array().unwrap().len(), 1);
    // Five tries are free. Then also the right password waits, longer each time, and on the clock.
    let wrong = json!({ "name": "lan", "password": "a guess of mine" });
    let right = json!({ "name": "lan", "password": PASSWORD });
    for _ in 0..5 {
        desk.api("POST", "/session", &wrong).expect(422);
    }
    // A busy machine lets waits of a few seconds pass by itself.
    for _ in 0..4 {
        home.clock.add_secs(60.0);
        soon("the end of the wait", PATIENCE, || desk.api("POST", "/session", &wrong).status == 422);
    }
    for doublings in 4..8 {
        let reply = desk.api("POST", "/session", &right).expect(429);
        let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
        let whole = 1_u64 << doublings;
        assert!((whole - 10..=whole).contains(&wait), "{wait} seconds, not {whole}");
        home.clock.add_secs(wait as f64);
        soon("the end of the wait", PATIENCE, || desk.api("POST", "/session", &wrong).status == 422);
    }
    home.clock.add_secs(3600.0);
    soon("the end of the wait", PATIENCE, || desk.api("POST", "/session", &right).status == 200);
    // A session ends where it is told to.
    guardian.api("DELETE", "/session", &Value::Null).expect(204);
    guardian.api("GET", "/profiles", &Value::Null).expect(401);
}

/// With every right and with none: no answer of 500 and more, and each as the description says.
#[test]
fn whatever_is_asked_it_does_not_fail() {
    let home = household();
    let guardian = home.guardian();
    home.refused(NAM, "www.casino.example");
    let program = home.program(&guardian, &["read", "moments", "policy", "people"]);
    let token = program.header("Authorization").unwrap();
    let url = format!("http://{}/api/v1/openapi.json", home.pages);
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let header = format!("Authorization: {token}");
    // Events do not end; and with its token gone it would be told 401 from then on.
    let with = [
        "--checks",
        checks,
        "--max-examples",
        "8",
        "-H",
        &header,
        "--exclude-path",
        "/events",
        "--exclude-path",
        "/tokens/{id}",
    ];
    let without = ["--checks", checks, "--max-examples", "4", "--exclude-path", "/events"];
    for arguments in [&with[..], &without[..]] {
        let output = schemathesis(&url, arguments);
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    }
}
