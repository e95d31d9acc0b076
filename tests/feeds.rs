//! What came of triage, as other programs fetch it: by their own clients and validators, and by hand where those are kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::authority::{bad, good};
use harness::desk::{Desk, Served};
use harness::http::Client;
use harness::text;
use serde_json::Value;

const TAXII: &str = "application/taxii+json;version=2.1";

/// A desk on which one name is proposed, one verified, one handed to the hotline, one new.
fn desk() -> Desk {
    let desk = Desk::new();
    let proposals = desk.path("proposals");
    fs::create_dir(&proposals).unwrap();
    let lure = ("lure-jobs.example", "trafficking_lure");
    desk.done("an", lure.0, lure.1, "verify", "seen", &[]);
    desk.done("lan", lure.0, lure.1, "propose", "protects", &["--proposals", &proposals]);
    desk.done("an", "strangers.example", "stranger_chat", "verify", "seen", &[]);
    desk
}

fn get(client: &Client, path: &str) -> Value {
    client.with("Accept", TAXII).get(path).expect(200).json()
}

/// The path of the collection.
fn collection(client: &Client) -> String {
    let all = get(client, "/triage/collections/");
    format!("/triage/collections/{}/", all["collections"][0]["id"].as_str().unwrap())
}

fn of_kind<'v>(objects: &'v Value, kind: &str) -> Vec<&'v Value> {
    objects["objects"].as_array().map(|all| all.iter().filter(|one| one["type"] == kind).collect()).unwrap_or_default()
}

#[test]
fn other_peoples_client_and_validator_take_the_feed() {
    let desk = desk();
    let readers = desk.path("readers");
    fs::write(&readers, "school:a secret of some length\n").unwrap();
    let served = Served::start(&["feed", "serve", "--database", &desk.database, "--readers", &readers]);
    let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/stix/bin/python");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/taxii_walk.py");
    let walk = |password: &str| {
        let mut command = Command::new(&python);
        command.arg(&script).args([&format!("http://{}/taxii2/", served.addr), "school", password]);
        // A proxy of the surroundings is not asked for what is on loopback.
        command.env("NO_PROXY", "*").output().unwrap_or_else(|_| panic!("tests/fetch-tools fetches taxii2-client"))
    };
    assert!(text(&walk("another secret of length").stderr).contains("401"));
    let walked = walk("a secret of some length");
    assert!(walked.status.success(), "{}", text(&walked.stderr));
    let found: Value = serde_json::from_slice(&walked.stdout).unwrap();
    assert_eq!(found["faults"], serde_json::json!([]));
    assert_eq!((found["can_read"].as_bool(), found["can_write"].as_bool()), (Some(true), Some(false)));
    assert_eq!(found["pages"], 2, "{found}");
    let kinds: Vec<&str> =
        found["objects"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    let expected =
        ["identity", "marking-definition", "extension-definition", "domain-name", "indicator", "sighting", "sighting"];
    assert_eq!(kinds, expected);
    assert_eq!(found["manifest"].as_array().unwrap().len(), 7);
    assert_eq!((found["sightings"].as_u64(), found["by_id"].as_array().unwrap().len()), (Some(2), 1));
    assert_eq!(found["later"], serde_json::json!([]));
    assert!(!text(&walked.stdout).contains("strangers") && !text(&walked.stdout).contains("vnexpress"), "undecided");
    let client = served.client();
    client.get("/taxii2/").expect(401);
    client.with("Authorization", "Bearer a secret of some length").get("/taxii2/").expect(200);
    client.with("Authorization", "Bearer school:a secret of some length").get("/taxii2/").expect(401);
    fs::write(&readers, "# nobody\n").unwrap();
    assert!(
        bad(&["hub", "feed", "serve", "--database", &desk.database, "--readers", &readers]).contains("name:secret")
    );
}

#[test]
fn versions_go_forward_and_what_is_taken_back_is_revoked() {
    let desk = desk();
    let proposals = desk.path("proposals");
    let publish = || good(&["hub", "feed", "publish", "--database", &desk.database]);
    assert_eq!(publish(), "7 new versions\n");
    assert_eq!(publish(), "0 new versions\n");
    let served = Served::start(&["feed", "serve", "--database", &desk.database]);
    let client = served.client();
    let base = collection(&client);
    let objects = format!("{base}objects/");
    let before = get(&client, &format!("{objects}?match[type]=indicator"));
    let indicator = of_kind(&before, "indicator")[0].clone();
    assert_eq!(
        (&indicator["revoked"], &indicator["pattern"]),
        (&false.into(), &"[domain-name:value = 'lure-jobs.example']".into())
    );
    let reply = client.with("Accept", TAXII).get(&objects).expect(200);
    let last = reply.header("x-taxii-date-added-last").unwrap().to_string();
    assert!(reply.header("x-taxii-date-added-first").unwrap() < last.as_str());
    assert_eq!(reply.header("content-type"), Some(TAXII));

    desk.done("minh", "lure-jobs.example", "trafficking_lure", "withdraw", "mistake", &["--proposals", &proposals]);
    assert_eq!(publish(), "3 new versions\n", "the indicator and both sightings");
    let new = get(&client, &format!("{objects}?added_after={last}"));
    assert_eq!(new["objects"].as_array().unwrap().len(), 3);
    let revoked = of_kind(&new, "indicator")[0];
    assert_eq!(
        (&revoked["revoked"], &revoked["created"], &revoked["id"]),
        (&true.into(), &indicator["created"], &indicator["id"])
    );
    assert!(revoked["modified"].as_str() > indicator["modified"].as_str());
    let id = indicator["id"].as_str().unwrap();
    let versions = get(&client, &format!("{objects}{id}/versions/"));
    assert_eq!(versions["versions"], serde_json::json!([indicator["modified"], revoked["modified"]]));
    let count =
        |query: &str| get(&client, &format!("{objects}{id}/?{query}"))["objects"].as_array().map_or(0, Vec::len);
    let first = format!("match[version]={}", indicator["modified"].as_str().unwrap());
    assert_eq!((count(""), count("match[version]=all"), count(&first), count("match[version]=first")), (1, 2, 1, 1));
    assert_eq!(get(&client, &format!("{objects}{id}/?{first}"))["objects"][0], indicator);

    // What is handed to a hotline is forgotten: even "this is gone" would lead to it.
    desk.done("lan", "lure-jobs.example", "trafficking_lure", "reopen", "news", &["--proposals", &proposals]);
    desk.done("an", "lure-jobs.example", "trafficking_lure", "reject", "hotline", &[]);
    publish();
    let all = client.with("Accept", TAXII).get(&format!("{objects}?match[version]=all")).expect(200).body;
    assert!(!all.contains("lure-jobs") && all.contains("identity"), "{all}");
    client.with("Accept", TAXII).get(&format!("{objects}{id}/")).expect(404);
}

#[test]
fn pages_of_any_size_give_the_same_and_faults_have_their_shape() {
    let desk = desk();
    let served = Served::start(&["feed", "serve", "--database", &desk.database, "--verified", "--tlp", "green"]);
    let client = served.client().with("Accept", TAXII);
    let base = collection(&client);
    let whole = get(&client, &format!("{base}objects/"));
    let whole = whole["objects"].as_array().unwrap();
    assert_eq!(whole.len(), 10, "with what is verified");
    for limit in [1, 3, 10] {
        let (mut read, mut next) = (Vec::new(), String::new());
        loop {
            let page = get(&client, &format!("{base}objects/?limit={limit}{next}"));
            read.extend(page["objects"].as_array().unwrap().clone());
            if page["more"] != true {
                break;
            }
            next = format!("&next={}", page["next"].as_str().unwrap());
        }
        assert_eq!(&read, whole, "by {limit}");
    }
    for accept in ["text/html", "application/json", "application/taxii+json;version=2.0", "application/stix+json"] {
        let reply = client.with("Accept", accept).get("/taxii2/").expect(406);
        assert_eq!(reply.json()["http_status"], "406");
    }
    client.with("Accept", "text/html, application/taxii+json").get("/taxii2/").expect(200);
    let objects = format!("{base}objects/");
    for (method, path, status) in [
        ("GET", "/", 404),
        ("GET", "/triage/status/1/", 404),
        ("GET", "/triage/collections/0/objects/", 404),
        ("GET", &format!("{objects}indicator--0/"), 404),
        ("GET", &format!("{objects}indicator--0/versions/"), 404),
        ("POST", &objects, 405),
        ("DELETE", &format!("{objects}indicator--0/"), 405),
        ("GET", &format!("{objects}?limit=0"), 400),
        ("GET", &format!("{objects}?limit=x"), 400),
        ("GET", &format!("{objects}?added_after=yesterday"), 400),
        ("GET", &format!("{objects}?next=x"), 400),
    ] {
        let reply = client.request(method, path, &[], "").expect(status);
        assert_eq!(reply.json()["http_status"], status.to_string(), "{method} {path}");
        assert_eq!(reply.header("content-type"), Some(TAXII));
    }
    assert_eq!(get(&client, &format!("{objects}?match[type]=malware")), serde_json::json!({}));
}

#[test]
fn misp_and_statisticians_get_files() {
    let desk = desk();
    let (folder, proposals) = (desk.path("misp"), desk.path("proposals"));
    assert_eq!(good(&["hub", "feed", "misp", "--database", &desk.database, "-o", &folder]), "1 events\n");
    let read = |file: &str| fs::read_to_string(Path::new(&folder).join(file)).unwrap();
    let manifest: Value = serde_json::from_str(&read("manifest.json")).unwrap();
    let (id, about) = manifest.as_object().unwrap().iter().next().unwrap();
    assert!(about["info"].as_str().unwrap().contains("traffickers"));
    let event: Value = serde_json::from_str(&read(&format!("{id}.json"))).unwrap();
    assert_eq!(event["Event"]["uuid"], id.as_str());
    assert_eq!(event["Event"]["Attribute"][0]["value"], "lure-jobs.example");
    let tags: Vec<&str> =
        event["Event"]["Tag"].as_array().unwrap().iter().map(|tag| tag["name"].as_str().unwrap()).collect();
    assert!(tags.contains(&"tlp:amber") && tags.contains(&"child-safety:trafficking_lure"), "{tags:?}");
    let sum = Command::new("sh").args(["-c", "printf lure-jobs.example | md5sum"]).output().unwrap();
    assert_eq!(read("hashes.csv"), format!("{},{id}\n", &text(&sum.stdout)[..32]));
    let taxonomy = read("child-safety/machinetag.json");
    assert!(taxonomy.contains("grooming") && !taxonomy.contains("csam") && !taxonomy.contains("\"help\""));
    desk.done("lan", "lure-jobs.example", "trafficking_lure", "withdraw", "mistake", &["--proposals", &proposals]);
    assert_eq!(good(&["hub", "feed", "misp", "--database", &desk.database, "-o", &folder]), "0 events\n");
    assert!(!Path::new(&folder).join(format!("{id}.json")).exists() && read("manifest.json").trim() == "{}");

    let table = good(&["hub", "feed", "csv", "--database", &desk.database]);
    for part in ["variance 573 at each of two", "flip_one_in 64", "N 900", "epsilon 1.00 at delta 1e-6"] {
        assert!(table.lines().any(|line| line.starts_with('#') && line.contains(part)), "{part}: {table}");
    }
    let values = [2_966_u32, 18, 70, 100].map(luytre::hub::database::Value::from);
    let database = luytre::hub::database::Database::open(&desk.database).unwrap();
    database.execute("INSERT INTO answers (epoch, grp, yes, asked) VALUES ($1, $2, $3, $4)", &values).unwrap();
    let answers = good(&["hub", "feed", "csv", "--answers", "--database", &desk.database]);
    assert!(answers.ends_with("\n2966,gambling+gambling_like,100,90.0,8.7\n"), "{answers}");
    let rows: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).skip(1).collect();
    assert_eq!(rows.len(), 216);
    // Gambling, 13 to 15: group 18, band 3, cell 93, 93 - 3.5 homes ± 1.96 · 37.5.
    let row = rows.iter().find(|row| row.contains("band,gambling+gambling_like,13-15,")).unwrap();
    assert!(row.ends_with(",89.5,37.5,16.0,163.0,false"), "{row}");
    assert!(rows.iter().any(|row| row.ends_with(",0.0,70.0,true")), "noise is called so");
}
