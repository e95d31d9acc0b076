//! Every list format against its fixture: what each line means, or why it means nothing; and parsers that do not fall over.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use luytre::lists::parse::{Details, Entry, Format, Item, ParseOptions, Plain, Subject, parse};
use serde_json::{Map, Value, json};

/// Fixture and format. The fixtures are named after the files they imitate.
const FIXTURES: [(&str, Format); 15] = [
    ("adblock.txt", Format::Adblock),
    ("dlc.txt", Format::Dlc),
    ("dnsmasq.conf", Format::Dnsmasq),
    ("domains.txt", Format::Domains),
    ("hosts.txt", Format::Hosts),
    ("ips.txt", Format::Ips),
    ("rpz.zone", Format::Rpz),
    ("squid-dstdomain.acl", Format::Squid),
    ("surge.conf", Format::Surge),
    ("unbound.conf", Format::Unbound),
    ("urls.txt", Format::Urls),
    ("ut1-domains", Format::Ut1Domains),
    ("ut1-expressions", Format::Ut1Expressions),
    ("ut1-urls", Format::Ut1Urls),
    ("wildcard.txt", Format::Wildcard),
];

const EXPECTED: &str = ".expected.json";

#[test]
fn each_fixture_is_read_as_expected() {
    let failures: Vec<String> = FIXTURES.iter().filter_map(|(file, format)| compare(file, *format).err()).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn each_fixture_has_an_expectation_and_each_format_a_fixture() {
    let (expected, fixtures): (BTreeSet<String>, BTreeSet<String>) = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .partition(|file| file.ends_with(EXPECTED));
    let expected: BTreeSet<String> = expected.iter().map(|file| file.replace(EXPECTED, "")).collect();
    assert_eq!(fixtures, expected);
    let listed: BTreeSet<String> = FIXTURES.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(fixtures, listed);
    let formats: BTreeSet<Format> = FIXTURES.iter().map(|(_, format)| *format).collect();
    assert_eq!(formats, Format::ALL.into_iter().collect());
}

/// Cut anywhere, a list still gives findings for every line that is left.
#[test]
fn every_prefix_of_every_fixture_is_read() {
    for (file, own) in FIXTURES {
        let text = fs::read(folder().join(file)).unwrap();
        for format in Format::ALL {
            let step = if format == own { 3 } else { 61 };
            for end in (0..=text.len()).step_by(step) {
                read_all(format, &text[..end]);
            }
        }
    }
}

#[test]
fn noise_is_read() {
    // xorshift64: a fixed seed, so a failure comes back.
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    // Half the noise is made of what formats give a meaning to; it gets further than octets at random.
    let marks: Vec<&str> = MARKS.split(' ').chain([" ", "\t", "\n", "\r\n", "\0", "é", "\u{a0}"]).collect();
    for format in Format::ALL {
        for round in 0..200 {
            let length = random() % 200;
            let noise: Vec<u8> = match round % 2 {
                0 => (0..length).map(|_| random().to_le_bytes()[0]).collect(),
                _ => (0..length).flat_map(|_| marks[random() as usize % marks.len()].bytes()).collect(),
            };
            read_all(format, &noise);
        }
    }
}

const MARKS: &str = "|| | @@ ^ $ $$ * *. . .. / // :// :: : # ## #@# ! !#if !#endif ; , = @ & ? ~ ' \" \\ ( ) [ ] % %zz %4 \
    a b.example example com co.uk 0 0.0.0.0 192.0.2.1 192.0.2.0/24 2001:db8::1 8080 http https:// hxxp regexp: keyword: \
    include: $ORIGIN $INCLUDE $TTL SOA CNAME A IN 300 rpz-ip rpz-nsdname rpz-passthru. 24. zz local-zone: local-data: \
    server: server= address= cname= host-record= client= dnsrewrite= dnstype= denyallow= badfilter important DOMAIN, \
    IP-CIDR, URL-REGEX, - -1 99999 xn-- _";

/// Reads a list, and holds the parser to its promise: every line at least once, in order.
fn read_all(format: Format, text: &[u8]) {
    let mut last = 0;
    parse(format, &ParseOptions::default(), text, &mut |item| {
        let line = match item {
            Item::Entry(entry) => {
                entry.subject.to_string();
                entry.line
            }
            Item::Ignored { line, .. } | Item::Error { line, .. } => line,
        };
        assert!(line <= last + 1, "{format:?}: nothing on line {} of {:?}", last + 1, text.escape_ascii().to_string());
        last = last.max(line);
    })
    .unwrap();
    let lines = text.split_inclusive(|octet| *octet == b'\n').count() as u64;
    assert_eq!(last, lines, "{format:?}: lines without finding at the end of {:?}", text.escape_ascii().to_string());
}

/// Reads a fixture and lists what differs from its expectation.
fn compare(file: &str, format: Format) -> Result<(), String> {
    let expected =
        fs::read_to_string(folder().join(format!("{file}{EXPECTED}"))).map_err(|e| format!("{file}: {e}"))?;
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let text = fs::read(folder().join(file)).unwrap();
    let lines = text.split_inclusive(|octet| *octet == b'\n').count();
    assert_eq!(expected["lines"], json!(lines), "{file}: number of lines");
    let found = findings(format, &options(&expected["context"]), &text);
    let mut differences = String::new();
    for (part, found) in ["entries", "ignored", "errors"].into_iter().zip(found) {
        let expected = expected[part].as_array().unwrap().iter().map(without_remarks).collect();
        differences += &difference(file, part, expected, found);
    }
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

fn options(context: &Value) -> ParseOptions {
    ParseOptions {
        plain: if context["plain_means"] == "suffix" { Plain::Suffix } else { Plain::Exact },
        star_includes_apex: context["star_dot_includes_apex"] == true,
    }
}

/// An expected finding without what explains it to people, and without the doubles, which are the compiler's to drop.
fn without_remarks(finding: &Value) -> Value {
    let mut finding = finding.clone();
    for remark in ["note", "duplicate_of", "covered_by"] {
        finding.as_object_mut().unwrap().remove(remark);
    }
    finding
}

/// Entries, ignored and errors, in the shape of the expectations.
fn findings(format: Format, options: &ParseOptions, text: &[u8]) -> [Vec<Value>; 3] {
    let [mut entries, mut ignored, mut errors] = [const { Vec::new() }; 3];
    parse(format, options, text, &mut |item| match item {
        Item::Entry(entry) => entries.push(entry_json(&entry)),
        Item::Ignored { line, why } => ignored.push(json!({"line": line, "why": why.code()})),
        Item::Error { line, code } => errors.push(json!({"line": line, "code": code.code()})),
    })
    .unwrap();
    [entries, ignored, errors]
}

fn entry_json(entry: &Entry<'_>) -> Value {
    let Entry { line, subject, action, details } = entry;
    let value = subject.to_string();
    let mut out = json!({"line": line, "match": subject.kind(), "value": value, "action": action.code()});
    let out_map = out.as_object_mut().unwrap();
    if let Some(target) = action.target() {
        out_map.insert("target".into(), target.into());
    }
    put_details(out_map, details);
    if details.lift_to_host {
        let Subject::Url { host, .. } = subject else { panic!("line {line}: only the URL of a name can be lifted") };
        out_map.insert("lift_to_host".into(), host.to_string().into());
    }
    out
}

/// All of [`Details`] but `lift_to_host`; a new field does not compile until it is written here.
fn put_details(out: &mut Map<String, Value>, details: &Details<'_>) {
    let Details { important, dnstype, dnstype_not, client, ctag, except, port, scheme, attrs, affiliations, .. } =
        details;
    let except: Vec<_> = except.iter().map(|name| name.to_string().into()).collect();
    let lists = [
        ("dnstype", dnstype),
        ("dnstype_not", dnstype_not),
        ("client", client),
        ("ctag", ctag),
        ("except_", &except),
        ("attrs", attrs),
        ("affiliations", affiliations),
    ];
    for (key, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        out.insert(key.into(), values.iter().map(AsRef::<str>::as_ref).collect());
    }
    if *important {
        out.insert("important".into(), true.into());
    }
    if let Some(port) = port {
        out.insert("port".into(), (*port).into());
    }
    if let Some(scheme) = scheme {
        out.insert("scheme".into(), scheme.code().into());
    }
}

/// `-` what was expected and did not come, `+` what came unexpected, by line of the fixture; empty when all is the same.
fn difference(file: &str, part: &str, expected: Vec<Value>, found: Vec<Value>) -> String {
    if expected == found {
        return String::new();
    }
    let mut marked: Vec<(u64, char, String)> = Vec::new();
    let number = |finding: &Value| finding["line"].as_u64().unwrap();
    marked.extend(expected.iter().filter(|one| !found.contains(one)).map(|one| (number(one), '-', one.to_string())));
    marked.extend(found.iter().filter(|one| !expected.contains(one)).map(|one| (number(one), '+', one.to_string())));
    marked.sort();
    if marked.is_empty() {
        return format!("{file}, {part}: the same findings in another order or number\n");
    }
    let lines: Vec<String> = marked.into_iter().map(|(_, mark, finding)| format!("  {mark} {finding}")).collect();
    format!("{file}, {part} (- expected, + found):\n{}\n", lines.join("\n"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/formats")
}
