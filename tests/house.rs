//! The arrows between rooms: each room may use only the rooms named for it here. Reads the sources.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Room → rooms it may use. `classify` must be usable from another program with nothing else of ours.
const ARROWS: &[(&str, &[&str])] = &[
    ("name", &[]),
    ("classify", &["name"]),
    ("model", &["name", "classify"]),
    ("policy", &["name", "classify"]),
    ("document", &[]),
    ("identity", &[]),
    ("oprf", &[]),
    ("password", &[]),
    ("sys", &[]),
    ("clock", &["sys"]),
    ("config", &["name", "classify", "policy", "document", "identity"]),
    ("judge", &["name", "classify", "policy", "identity"]),
    ("net", &["policy", "identity", "sys"]),
    ("lists", &["name", "classify", "policy", "document", "config", "judge", "sys", "report"]),
    ("report", &["name", "classify", "oprf"]),
    (
        "hub",
        &[
            "name", "classify", "policy", "document", "config", "judge", "lists", "web", "oprf", "clock", "report",
            "password",
        ],
    ),
    ("dns", &["name", "classify", "policy", "identity", "judge", "config", "net", "sys", "telemetry", "clock", "oprf"]),
    (
        "proxy",
        &["name", "classify", "policy", "identity", "judge", "config", "net", "dns", "sys", "telemetry", "clock"],
    ),
    ("telemetry", &["name", "classify", "policy", "identity", "config"]),
    ("family", &["name", "classify", "policy", "identity", "document", "telemetry", "password"]),
    (
        "web",
        &[
            "name",
            "classify",
            "policy",
            "document",
            "config",
            "identity",
            "judge",
            "lists",
            "net",
            "telemetry",
            "family",
            "report",
            "clock",
        ],
    ),
    (
        "app",
        &[
            "classify",
            "clock",
            "config",
            "document",
            "family",
            "dns",
            "identity",
            "judge",
            "lists",
            "name",
            "net",
            "policy",
            "proxy",
            "report",
            "sys",
            "telemetry",
            "web",
        ],
    ),
    (
        "cli",
        &[
            "name", "classify", "policy", "document", "config", "identity", "judge", "lists", "hub", "model", "dns",
            "net", "app", "sys", "clock", "web", "report",
        ],
    ),
];

#[test]
fn no_arrow_points_the_wrong_way() {
    let allowed: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for file in sources(&root) {
        let room = room_of(&root, &file);
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let rooms = allowed.get(room.as_str()).unwrap_or_else(|| panic!("room {room} stands in no arrow"));
        for used in used_rooms(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            if used != room && !rooms.contains(&used.as_str()) {
                wrong.push(format!("{} uses {used}", file.display()));
            }
        }
    }
    assert!(seen > 50, "only {seen} arrows were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_sys_is_unsafe_and_no_file_is_a_wall() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in sources(&root) {
        let text = fs::read_to_string(&file).unwrap();
        let is_sys = file.ends_with("sys.rs");
        assert_eq!(text.contains("allow(unsafe_code)"), is_sys, "{}", file.display());
        assert!(text.starts_with("//!"), "{} opens without its sentence", file.display());
        assert!(text.lines().count() < 800, "{} is a wall", file.display());
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn room_of(root: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(root).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_string()
}

/// Every `crate::room` of a file, wherever it stands. `crate::{a, b}` is not used in this house.
fn used_rooms(text: &str) -> Vec<String> {
    assert!(!text.contains("crate::{"), "grouped arrows cannot be read");
    text.match_indices("crate::")
        .map(|(at, found)| {
            let rest = &text[at + found.len()..];
            rest.chars().take_while(|letter| letter.is_ascii_lowercase() || *letter == '_').collect()
        })
        .filter(|room: &String| !room.is_empty())
        .collect()
}
