//! The manual against the program, and faults against their places.

use super::*;
use crate::policy::{Age, Band};

fn words() -> Vocabulary {
    Vocabulary {
        services: vec!["youtube".into(), "tiktok".into()],
        service_names: Vec::new(),
        catalog: vec!["hagezi-gambling".into()],
        formats: vec!["domains", "hosts"],
    }
}

fn faults(text: &str) -> Vec<String> {
    let found = Config::from_text("x.toml", text, &words()).err().unwrap_or_default();
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn the_manual_runs_as_it_is() {
    let config = Config::load(None, &words()).unwrap_or_else(|faults| panic!("{faults:#?}"));
    assert_eq!(config.dns.listen[0].to_string(), "127.0.0.1:5300");
    assert_eq!(config.profiles.len(), 4);
    assert_eq!(config.profiles[config.strangers].input.age, Age::Band(Band::Age10to12));
    assert_eq!(config.devices.len(), 3);
}

#[test]
fn every_option_the_manual_shows_is_known_and_shows_its_default() {
    // With every commented option put in place, the same configuration comes out.
    let with_all: String = HOME
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(option) if is_option(option) => format!("{option}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    // Files that are not there.
    let mut with_all = with_all;
    for option in [
        "criteria = \"criteria.toml\"\n",
        "ca = \"ca.pem\"\n",
        "trust_anchor = \"root.key\"\n",
        "root_hints = \"root.hints\"\n",
        "certificate = \"fullchain.pem\"\n",
        "key = \"privkey.pem\"\n",
    ] {
        assert!(with_all.contains(option), "{option}");
        with_all = with_all.replace(option, "");
    }
    let found = Config::from_text("home.toml", &with_all, &words());
    let found = found.unwrap_or_else(|faults| panic!("{faults:#?}"));
    let plain = Config::load(None, &words()).expect("the manual");
    let mut shown = found.dns.clone();
    shown.portal.clear();
    shown.encrypted.name = None;
    assert_eq!(format!("{shown:?}"), format!("{:?}", plain.dns));
    assert_eq!(format!("{:?}", found.updates), format!("{:?}", plain.updates));
    assert_eq!(format!("{:?}", found.log), format!("{:?}", plain.log));
    assert_eq!(found.identity, plain.identity);
    assert_eq!(found.report, plain.report);
}

#[test]
fn the_manual_shows_the_proxys_defaults() {
    let start = HOME.find("\n[proxy]\n").expect("the section");
    let section = HOME[start + 1..].split("\n\n").next().unwrap_or_default();
    let shown: String = section
        .lines()
        .filter_map(|line| line.strip_prefix("# ").filter(|line| is_option(line)))
        .fold(String::from("[proxy]\n"), |text, option| {
            text + &option.replace("enabled = false", "enabled = true") + "\n"
        });
    let with = |proxy: &str| {
        let text = HOME.replace("\n[proxy]\n", &format!("\n{proxy}"));
        Config::from_text("home.toml", &text, &words()).unwrap_or_else(|faults| panic!("{faults:#?}")).proxy
    };
    let plain = with("[proxy]\nenabled = true\nlan = [\"br-lan\"]\n");
    assert!(plain.is_some());
    assert_eq!(with(&shown), plain);
}

#[test]
fn faults_of_the_proxy_are_told_with_what_would_be_right() {
    let text = HOME.replace(
        "\n[proxy]\n",
        "\n[proxy]\nenabled = true\nmark = 3\nwhen_dead = \"opn\"\nhttp_port = 443\nidle = \"1s\"\n",
    );
    let text = text.replace("band = \"13-15\"", "band = \"13-15\"\nquic = \"drop\"\nnameless = \"none\"");
    let text = text.replace("address = [\"127.0.0.4\"]", "mac = \"ff:ff:ff:ff:ff:ff\"");
    let found = faults(&text).join("\n");
    for expected in [
        "`lan` is missing",
        "0x3 is not one bit of a mark",
        "unknown state \"opn\" (did you mean \"open\"?)",
        "`http_port` and `tls_port` have to differ",
        "1s is out of range (10s to 86400s)",
        "unknown treatment of QUIC \"drop\"",
        "unknown treatment of addresses \"none\"",
        "\"ff:ff:ff:ff:ff:ff\" is not the MAC address of a device",
    ] {
        assert!(found.contains(expected), "{expected}\n{found}");
    }
    let spaced = HOME.replace("\n[proxy]\n", "\n[proxy]\nenabled = true\nlan = [\"br lan\"]\n");
    assert!(faults(&spaced)[0].contains("is not the name of an interface"));
}

#[test]
fn what_identifies_devices_is_read_and_its_faults_are_told() {
    let with = |identity: &str| HOME.replace("\n[identity]\n", &format!("\n[identity]\n{identity}"));
    let text = with(
        "mdns = true\ntrusted_forwarders = [\"192.168.1.1\", \"fd00::1\"]\n\
         [[identity.leases]]\nfile = \"/tmp/dhcp.leases\"\nformat = \"dnsmasq\"\n\
         [[identity.leases]]\nfile = \"/tmp/hosts/odhcpd\"\nformat = \"odhcpd\"\n",
    );
    let identity = Config::from_text("x.toml", &text, &words()).unwrap_or_else(|faults| panic!("{faults:#?}")).identity;
    assert!(identity.mdns && identity.trusted_forwarders.len() == 2 && identity.leases.len() == 2);
    let faulty = with(
        "mdns = \"yes\"\ntrusted_forwarders = [\"0.0.0.0\"]\nlease = 1\n\
         [[identity.leases]]\nfile = \"a\"\nformat = \"dnsmask\"\n\
         [[identity.leases]]\nfile = \"b\"\n\
         [[identity.leases]]\nformat = \"isc\"\n\
         [[identity.leases]]\nfile = \"c\"\nformat = \"kea\"\n\
         [[identity.leases]]\nfile = \"c\"\nformat = \"kea\"\n",
    );
    let found = faults(&faulty);
    let expected = [
        "expected true or false, found the string \"yes\"",
        "\"0.0.0.0\" is no forwarder's address",
        "unknown key `lease` (did you mean `leases`?)",
        "unknown lease format \"dnsmask\" (did you mean \"dnsmasq\"?)",
        "`format` is missing (\"dnsmasq\", \"odhcpd\", \"kea\", \"isc\")",
        "`file` is missing",
        "lease file c is named twice",
    ];
    for part in expected {
        assert!(found.iter().any(|fault| fault.contains(part)), "{part}\nin {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

/// `key = value` with a value that stands for itself; the commented `[[list]]` examples are left alone.
fn is_option(line: &str) -> bool {
    let example = [
        "name =",
        "source =",
        "format = \"domains\"",
        "plain =",
        "categories =",
        "kind =",
        "suffix =",
        "file =",
        "format = \"dnsmasq\"",
        "servers = [\"udp",
    ];
    let key = line.split_once(" = ").is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
    key && !example.iter().any(|start| line.starts_with(start))
}

#[test]
fn every_fault_is_found_at_once() {
    let text = r#"version = 2
state_dirr = "auto"
time_zone = "Mars/Olympus"
[dns]
listen = ["localhost:53"]
block_answer = "nul"
udp_payload = 9000
[dns.cache]
size = "1MB"
[dns.upstream]
servers = ["tsl://1.1.1.1", "banana"]
[[list]]
name = "a"
source = "catalog:hagezi-gamblin"
[[list]]
name = "b"
source = "https://example.org/x"
categories = ["csam"]
format = "host"
[[profile]]
name = "mai"
band = "6-8"
block = ["gamin", "tiktok"]
allow = ["malware"]
allow_names = ["a b", "com"]
[[profile.schedule]]
name = "x"
days = ["monday"]
from = "25:00"
to = "06:00"
[[device]]
profile = "mia"
address = ["10.0.0.1/8"]
[defaults]
profile = "mai"
"#;
    let found = faults(text);
    let expected = [
        "x.toml:1:11: version 2 is not known",
        "x.toml:2:1: unknown key `state_dirr` (did you mean `state_dir`?)",
        "x.toml:3:13: time zone \"Mars/Olympus\" is not known",
        "x.toml:5:11: \"localhost:53\" is not an address and port",
        "x.toml:6:16: unknown block answer \"nul\" (did you mean \"null\"?)",
        "x.toml:7:15: 9000 is out of range (512 to 4096)",
        "x.toml:9:8: \"1MB\" is not a size",
        "x.toml:11:12: upstream scheme \"tsl\" is not known",
        "x.toml:11:29: \"banana\" is not an address",
        "x.toml:14:10: the catalog has no \"hagezi-gamblin\" (did you mean \"hagezi-gambling\"?)",
        "x.toml:18:15: no list may give names the category `csam`",
        "x.toml:19:10: unknown list format \"host\" (did you mean \"hosts\"?)",
        "x.toml:22:8: unknown age band \"6-8\"",
        "x.toml:23:10: no category or service is called \"gamin\" (did you mean \"gaming\"?)",
        "x.toml:24:10: the criteria do not let a guardian allow all of `malware`; use allow_names",
        "x.toml:25:16: \"a b\" is not a domain name",
        "x.toml:26:1: a schedule needs `block` or `allow`",
        "x.toml:28:9: unknown day \"monday\"",
        "x.toml:29:8: \"25:00\" is not a time of day",
        "x.toml:32:11: there is no profile \"mia\" (known: mai)",
        "x.toml:33:12: \"10.0.0.1/8\" has bits set",
    ];
    for part in expected {
        assert!(found.iter().any(|fault| fault.starts_with(part)), "{part}\nin {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn the_manuals_calendar_puts_one_bedtime_in_the_place_of_another() {
    let config = Config::load(None, &words()).expect("the manual");
    assert_eq!(config.calendars.len(), 1);
    let mai = config.profiles.iter().find(|spec| spec.input.name == "mai").expect("mai");
    let starts: Vec<[bool; 2]> = mai
        .schedules
        .iter()
        .map(|spec| [4, 7].map(|day| spec.input.days.contains(jiff::civil::date(2027, 2, day))))
        .collect();
    assert_eq!(starts, [[true, false], [false, true]]);
    let (budget, of) = &mai.budgets[0];
    assert_eq!((budget.name.as_str(), budget.limit, of.len()), ("videos", Duration::from_secs(3600), 2));
    assert!(!budget.days.contains(jiff::civil::date(2026, 11, 28)), "a Saturday has no limit");
}

#[test]
fn faults_of_calendars_and_budgets_are_told_with_what_would_be_right() {
    let people = r#"
[[calendar]]
name = "exams"
days = ["2027-05-20..2027-05-01", "13-01", "2027-02-29", "every day"]
[[calendar]]
name = "exams"
days = []
[[profile]]
name = "bi"
band = "10-12"
allow = ["youtube"]
[[profile.schedule]]
name = "night"
from = "21:00"
to = "06:00"
block = ["everything"]
only = ["exam"]
except = []
[[profile.budget]]
name = "videos"
of = ["youtube", "health_sexed", "gamin"]
limit = "10s"
[[profile.budget]]
name = "videos"
of = []
days = ["sunday"]
"#;
    let start = "version = 1\n[dns]\nlisten = [\"127.0.0.1:53\"]\n[dns.upstream]\nservers = [\"udp://192.0.2.1\"]\n";
    let found = faults(&format!("{start}{people}[defaults]\nprofile = \"bi\"\n"));
    let expected = [
        "x.toml:9:9: \"2027-05-20..2027-05-01\" ends before it begins",
        "x.toml:9:35: \"13-01\" is not a day",
        "x.toml:9:44: \"2027-02-29\" is not a day",
        "x.toml:9:58: \"every day\" is not a day (\"2027-09-02\"; every year: \"09-02\")",
        "x.toml:11:8: calendar name \"exams\" is taken",
        "x.toml:12:8: `days` is empty",
        "x.toml:22:9: there is no calendar \"exam\" (did you mean \"exams\"?)",
        "x.toml:23:10: `except` is empty",
        "x.toml:26:18: the use of `health_sexed` is never measured",
        "x.toml:26:34: no category or service is called \"gamin\" (did you mean \"gaming\"?)",
        "x.toml:27:9: a limit is between \"1m\" and \"1d\"",
        "x.toml:29:8: budget name \"videos\" is taken",
        "x.toml:28:1: `limit` is missing",
        "x.toml:30:6: `of` is empty",
        "x.toml:31:9: unknown day \"sunday\"",
    ];
    for part in expected {
        assert!(found.iter().any(|fault| fault.starts_with(part)), "{part}\nin {found:#?}");
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn a_profile_has_at_most_sixty_four_budgets() {
    let budgets = |count: usize| -> String {
        let budget = |at| format!("[[profile.budget]]\nname = \"b{at}\"\nof = [\"gaming\"]\nlimit = \"1h\"\n");
        HOME.replace("[defaults]\n", &((0..count).map(budget).collect::<String>() + "[defaults]\n"))
    };
    assert_eq!(faults(&budgets(64)), [""; 0]);
    let found = faults(&budgets(65));
    assert!(found.len() == 1 && found[0].contains("a profile has at most 64 budgets"), "{found:?}");
}

#[test]
fn an_empty_file_says_what_is_needed() {
    let found = faults("");
    for part in ["`version` is missing", "`[dns]` is missing", "no `[[profile]]`"] {
        assert!(found.iter().any(|fault| fault.contains(part)), "{part} in {found:#?}");
    }
}

#[test]
fn reports_are_off_and_need_a_place_and_a_manifest() {
    let with = |report: &str| HOME.replace("\n[report]\n", &format!("\n[report]\n{report}"));
    let read = |report: &str| Config::from_text("x.toml", &with(report), &words());
    assert_eq!(read("").unwrap().report, None);
    let found = read("enabled = true\nmanifest = \"lab.json\"\nregion = 7\n").unwrap().report;
    assert_eq!(found, Some(Report { manifest: ManifestFile::Path("lab.json".into()), region: 7, lab: false }));
    for (report, expected) in [
        ("enabled = true\n", "needs `[signed]`"),
        ("region = 64\n", "64 is out of range (0 to 63)"),
        ("manifst = \"x\"\n", "did you mean"),
        ("manifest = \"\"\n", "`manifest` is empty"),
    ] {
        let found = faults(&with(report)).join("\n");
        assert!(found.contains(expected) && found.starts_with("x.toml:"), "{report}: {found}");
    }
    let text = with("enabled = true\nmanifest = \"lab.json\"\n").replacen(
        "version = 1",
        "version = 1\nstate_dir = \"none\"",
        1,
    );
    let found = faults(&text).join("\n");
    assert!(found.contains("`state_dir` is needed"), "{found}");
}

#[test]
fn signed_lists_need_two_authorities_that_are_two() {
    let with = |signed: &str| faults(&format!("{HOME}\n{signed}"));
    let side =
        |key: &str, root: &str| format!("[signed.{key}]\nroot = \"{root}\"\nmirrors = [\"https://x.example/\"]\n");
    let both = side("a", "a.json") + &side("b", "b.json");
    assert_eq!(with(&format!("[signed]\n{both}")), Vec::<String>::new());
    for (text, expected) in [
        (side("a", "a.json"), "`[signed.b]` is missing: a list counts only when both authorities sign it"),
        (side("a", "a.json") + &side("b", "a.json"), "both authorities have the same root"),
        (both.replace("[\"https://x.example/\"]", "[]"), "1 to 16 mirrors"),
        (both.replace("https:", "gopher:"), "is neither a URL (https://…/) nor a folder"),
        (both.clone() + "[signed.log]\nkey = \"x\"\n", "is no verifier key"),
        (format!("growth_max_percent = 0\n{both}"), "0 is out of range (1 to 1000)"),
    ] {
        let found = with(&format!("[signed]\n{text}"));
        assert!(found.iter().any(|fault| fault.contains(expected)), "{text}: {found:?}");
    }
}
