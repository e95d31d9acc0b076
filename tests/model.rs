//! A model of spellings, from rows to a file to what it says: the real binary on a small sample of made-up names, and the
//! shipped model as it lies in the tree.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use luytre::classify::lexical::{Class, FILE_MAX, Model};
use luytre::lists::data::Builtin;
use luytre::name::Name;

const SAMPLE: &str = "tests/data/lexical/sample.tsv";

fn path(inside: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(inside)
}

fn luytre(arguments: &[&str]) -> Output {
    let run = Command::new(env!("CARGO_BIN_EXE_luytre")).arg("model").args(arguments).output().unwrap();
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
    run
}

/// Trains on the sample, with more arguments, into a file of that name.
fn trained(folder: &Path, file: &str, more: &[&str]) -> PathBuf {
    let (out, sample) = (folder.join(file), path(SAMPLE));
    let mut arguments = vec!["train", "--data", sample.to_str().unwrap(), "--out", out.to_str().unwrap()];
    arguments.extend(more);
    luytre(&arguments);
    out
}

fn told(model: &Model, name: &str) -> Vec<Class> {
    model.told(&model.score(&name.parse().unwrap())).collect()
}

#[test]
fn the_same_rows_give_the_same_file_and_it_finds_what_it_learnt() {
    let folder = tempfile::tempdir().unwrap();
    let first = trained(folder.path(), "first.bin", &[]);
    let second = trained(folder.path(), "second.bin", &[]);
    let octets = fs::read(&first).unwrap();
    assert_eq!(octets, fs::read(second).unwrap(), "two runs differ");
    let other = trained(folder.path(), "other.bin", &["--seed", "2"]);
    assert_ne!(octets, fs::read(other).unwrap(), "the seed does nothing");
    assert!(octets.len() <= FILE_MAX);

    let model = Model::read(&octets).unwrap();
    assert!(model.note().contains("seed 1"), "{}", model.note());
    let margin = |name: &str, class| model.score(&Name::parse(name).unwrap()).margin(class);
    let (casino, school) = ("mega-casino77.example", "villageschool.example");
    let nats = (margin(casino, Class::Gambling) - margin(school, Class::Gambling)) / 1024;
    assert!(nats > 4, "only {nats} nats between a casino and a school");
    assert!(margin(casino, Class::Gambling) > margin(casino, Class::Dating));
    assert_eq!(told(&model, casino).first(), Some(&Class::Gambling));
    assert!(told(&model, school).is_empty());

    let eval =
        luytre(&["eval", "--data", path(SAMPLE).to_str().unwrap(), "--model", first.to_str().unwrap(), "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&eval.stdout).unwrap();
    assert_eq!(report["octets"], octets.len());
    let gambling = &report["classes"][1];
    assert_eq!(gambling["class"], "gambling");
    assert!(gambling["pr_auc"].as_f64().unwrap() > 0.6, "{gambling}");
    let help = &report["harmless"][0];
    assert!(help["from"] == "help" && help["names"].as_u64() > Some(10), "{help}");
}

#[test]
fn what_may_not_be_passed_on_is_not_learnt_from() {
    let folder = tempfile::tempdir().unwrap();
    let sources = path("tests/data/lexical/sample.sources.txt");
    let all = trained(folder.path(), "all.bin", &["--sources", sources.to_str().unwrap()]);
    let free = trained(folder.path(), "free.bin", &["--sources", sources.to_str().unwrap(), "--permissive-only"]);
    let note = |file: &Path| Model::read(&fs::read(file).unwrap()).unwrap().note().to_owned();
    let rows = fs::read_to_string(path(SAMPLE)).unwrap().lines().count();
    assert!(note(&all).contains(&format!("{rows} rows of all sources")), "{}", note(&all));
    assert!(note(&free).contains(&format!("{} rows of permissive sources", rows.div_ceil(3))), "{}", note(&free));
}

#[test]
fn what_is_no_row_or_no_model_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("bad.tsv");
    fs::write(&bad, "a.example\tbenign\nb.example\tcasino\n").unwrap();
    let run =
        |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_luytre")).arg("model").args(arguments).output().unwrap();
    let data = bad.to_str().unwrap();
    let text = String::from_utf8(run(&["train", "--data", data, "--out", "/dev/null"]).stderr).unwrap();
    assert!(text.contains("line 2") && text.contains("casino"), "{text}");
    let text = String::from_utf8(run(&["eval", "--data", data, "--model", data]).stderr).unwrap();
    assert!(text.contains("LUYTREM1"), "{text}");
}

fn shipped() -> Model {
    Model::read(&fs::read(path("blocklists/model/lexical.bin")).unwrap()).unwrap()
}

fn listed(file: &str) -> Vec<Name> {
    let text = fs::read_to_string(path(file)).unwrap();
    let lines = text.lines().map(|line| line.split('#').next().unwrap().trim());
    lines.filter(|line| !line.is_empty()).map(|line| Name::parse(line).unwrap()).collect()
}

#[test]
fn the_shipped_model_leaves_help_health_and_learning_alone() {
    let model = shipped();
    let builtin = Builtin::read().map_err(|faults| faults.len()).unwrap();
    let help = builtin.help_lines.iter().flat_map(|line| &line.sites).map(|site| Name::parse(site).unwrap());
    let help: Vec<Name> = help.collect();
    assert!(help.len() > 10, "only {} names of help", help.len());
    let good = ["blocklists/starter/health_sexed.txt", "blocklists/starter/education_kids.txt"];
    for name in help.into_iter().chain(good.iter().flat_map(|file| listed(file))) {
        let told: Vec<Class> = model.told(&model.score(&name)).collect();
        assert!(told.is_empty(), "{name} is told to be {told:?}");
    }
}

#[test]
fn the_shipped_model_knows_a_new_name_from_a_harmless_one() {
    let model = shipped();
    // Made up, and none of them can be looked up: what counts is the spelling.
    assert_eq!(told(&model, "online-casino-jackpot-slots.com"), [Class::Gambling]);
    assert_eq!(told(&model, "freehdpornvideos-xxx.com"), [Class::Adult]);
    for harmless in ["essexcountylibrary.org.uk", "truongtieuhoclehongphong.edu.vn", "d3k81ch9hvuctc.cloudfront.net"] {
        assert_eq!(told(&model, harmless), [], "{harmless}");
    }
    let grams = model.weigh(&"my-casino-club.com".parse().unwrap(), Class::Gambling, 5);
    assert!(grams.iter().any(|gram| gram.text.contains("sino") && gram.weight > 0), "{grams:?}");
}
