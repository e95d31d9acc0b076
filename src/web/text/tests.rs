//! Both languages say the same things, every text that is asked for exists, and none stands there for nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::*;

#[test]
fn the_files_have_no_faults_and_are_composed() {
    for language in Language::ALL {
        let mut seen = BTreeSet::new();
        for file in language.files() {
            FluentResource::try_new((*file).to_string()).unwrap_or_else(|(_, faults)| panic!("{faults:?}"));
            for key in variables(file).into_keys() {
                assert!(seen.insert(key.clone()), "{key} stands twice in {}", language.code());
            }
            // Combining marks (U+0300 to U+036F) would be decomposed Vietnamese; NFC has a letter of its own for each.
            let mark = file.chars().find(|letter| ('\u{300}'..='\u{36f}').contains(letter));
            assert_eq!(mark, None, "not NFC");
        }
    }
}

#[test]
fn both_languages_have_the_same_keys_and_variables() {
    let [vietnamese, english] = Language::ALL.map(all_variables);
    let keys = |texts: &BTreeMap<String, BTreeSet<String>>| texts.keys().cloned().collect::<BTreeSet<_>>();
    let only_one: Vec<_> = keys(&vietnamese).symmetric_difference(&keys(&english)).cloned().collect();
    assert!(only_one.is_empty(), "in one language only: {only_one:?}");
    for (key, found) in &vietnamese {
        assert_eq!(found, &english[key], "the variables of {key}");
    }
}

#[test]
fn every_key_that_is_used_exists_and_every_key_is_used() {
    let known: BTreeSet<String> = all_variables(Language::Vietnamese).into_keys().collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    for family in Family::ALL {
        used.extend(family.codes().into_iter().map(|code| family.key(code)));
    }
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web")) {
        used.extend(keys_in(&fs::read_to_string(file).unwrap()));
    }
    let missing: Vec<_> = used.difference(&known).collect();
    let idle: Vec<_> = known.difference(&used).collect();
    assert!(missing.is_empty(), "no text for {missing:?}");
    assert!(idle.is_empty(), "nobody uses {idle:?}");
}

#[test]
fn the_variables_given_are_the_variables_of_the_text() {
    let known = all_variables(Language::Vietnamese);
    let one = Regex::new(r#"\.t1\(\s*"([a-z0-9_-]+)",\s*"([a-z]+)""#).unwrap();
    let none = Regex::new(r#"\.t\(\s*"([a-z0-9_-]+)"\s*,?\s*\)"#).unwrap();
    let mut seen = 0;
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web")) {
        let text = fs::read_to_string(file).unwrap();
        for found in none.captures_iter(&text) {
            seen += 1;
            assert!(known[&found[1]].is_empty(), "{} wants {:?}", &found[1], known[&found[1]]);
        }
        for found in one.captures_iter(&text) {
            seen += 1;
            assert_eq!(known[&found[1]], BTreeSet::from([found[2].to_string()]), "{}", &found[1]);
        }
    }
    assert!(seen > 5, "only {seen} uses were found");
}

#[test]
fn the_language_is_chosen_by_setting_then_browser_then_vietnamese() {
    let choose = Language::choose;
    assert_eq!(choose(None, None), Language::Vietnamese);
    assert_eq!(choose(Some("en"), Some("vi")), Language::English);
    assert_eq!(choose(Some("xx"), Some("en-GB,en;q=0.9")), Language::English);
    assert_eq!(choose(None, Some("fr,en;q=0.5,vi;q=0.8")), Language::Vietnamese);
    assert_eq!(choose(None, Some("fr, de;q=0.5")), Language::Vietnamese);
    assert_eq!(choose(None, Some("en;q=0,vi;q=0.1")), Language::Vietnamese);
    assert_eq!(choose(None, Some("EN-us;q=nan, ;;,,")), Language::Vietnamese);
}

#[test]
fn a_missing_key_stands_for_itself_and_values_are_put_in_bare() {
    assert_eq!(Language::English.t("no-such-key"), "no-such-key");
    assert_eq!(Language::English.t1("nav-waiting", "count", 1_u32), "1 request is waiting");
    assert_eq!(Language::English.t1("nav-waiting", "count", 3_u32), "3 requests are waiting");
    assert_eq!(Language::Vietnamese.t1("signed-in-as", "name", "Mẹ"), "Đang đăng nhập: Mẹ");
}

/// The keys of a Fluent file with the variables of each.
fn variables(file: &str) -> BTreeMap<String, BTreeSet<String>> {
    let key = Regex::new(r"^([a-z][a-zA-Z0-9_-]*) =").unwrap();
    let variable = Regex::new(r"\$([a-z]+)").unwrap();
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        if let Some(found) = key.captures(line) {
            current = found[1].to_string();
            texts.entry(current.clone()).or_default();
        }
        let names = variable.captures_iter(line).map(|found| found[1].to_string());
        texts.entry(current.clone()).or_default().extend(names);
    }
    texts.remove("");
    texts
}

fn all_variables(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    language.files().iter().flat_map(|file| variables(file)).collect()
}

/// Every key that a template or a source file names, this one left out.
fn keys_in(text: &str) -> Vec<String> {
    let uses = Regex::new(r#"(?:\.t[12]?\(|\bkey = |\bTexts::get\(\s*[a-z.]+,)\s*"([a-z0-9_-]+)""#).unwrap();
    uses.captures_iter(text).map(|found| found[1].to_string()).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let known = |kind: &str| path.extension().is_some_and(|extension| extension == kind);
        if path.is_dir() {
            files.extend(sources(&path));
        } else if (known("rs") && !path.ends_with("text/tests.rs")) || known("html") {
            files.push(path);
        }
    }
    files
}
