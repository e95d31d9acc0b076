//! A folder as MISP reads it as a feed: `manifest.json`, `hashes.csv`, one event a category; and the taxonomy of its tags.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use md5::{Digest, Md5};
use serde_json::{Value, json};

use crate::classify::Category;
use crate::hub::feed::stix::{Terms, current, millis, own_uuid};
use crate::hub::triage::candidate::Candidate;
use crate::hub::triage::desk::Desk;
use crate::hub::triage::store::TriageError;
use crate::lists::compile::hex;
use crate::lists::store::write_aside;

/// Our taxonomy's name in front of a tag.
const NAMESPACE: &str = "child-safety";

/// Writes the folder, and takes events out of it that hold nothing any more; how many there are.
pub fn write(desk: &Desk, terms: &Terms, folder: &Path) -> Result<usize, TriageError> {
    let mut of: BTreeMap<Category, Vec<Candidate>> = BTreeMap::new();
    for one in current(desk, terms)? {
        of.entry(one.category).or_default().push(one);
    }
    let (mut manifest, mut hashes) = (serde_json::Map::new(), String::new());
    fs::create_dir_all(folder.join(NAMESPACE)).map_err(|error| failed(folder, error))?;
    for (category, candidates) in &of {
        let id = event_id(*category);
        let (about, event) = event(terms, *category, candidates);
        put(folder, &format!("{id}.json"), &event)?;
        manifest.insert(id.clone(), about);
        for one in candidates {
            let hash = Md5::digest(one.name.to_string().as_bytes());
            hashes.push_str(&format!("{},{id}\n", hex(&hash)));
        }
    }
    put(folder, "manifest.json", &Value::Object(manifest))?;
    let path = folder.join("hashes.csv");
    write_aside(&path, hashes.as_bytes()).map_err(|error| failed(&path, error))?;
    put(folder, &format!("{NAMESPACE}/machinetag.json"), &taxonomy())?;
    for category in Category::ALL.into_iter().filter(|category| !of.contains_key(category)) {
        let path = folder.join(format!("{}.json", event_id(category)));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&path, error)),
            _ => {}
        }
    }
    Ok(of.len())
}

fn event_id(category: Category) -> String {
    own_uuid(&["misp", category.code()])
}

/// What the manifest says of an event, and the event.
fn event(terms: &Terms, category: Category, candidates: &[Candidate]) -> (Value, Value) {
    let changed = candidates.iter().map(|one| one.changed.max(one.newest_at())).max().unwrap_or(0);
    let first = candidates.iter().map(|one| one.span().0).min().unwrap_or(0);
    let date = millis(i64::try_from(first).unwrap_or(0).saturating_mul(1000));
    let date = date.get(..10).unwrap_or_default();
    let tags: Vec<Value> = tags(terms, category).into_iter().map(|name| json!({ "name": name })).collect();
    let org = json!({ "name": terms.publisher, "uuid": own_uuid(&["identity", &terms.publisher]) });
    let about = json!({
        "info": format!("{}: names that many homes met and people verified", category.title()),
        "date": date, "analysis": 2, "threat_level_id": 2, "timestamp": changed, "Orgc": org, "Tag": tags,
    });
    let mut event = about.clone();
    if let Some(map) = event.as_object_mut() {
        map.insert("uuid".into(), event_id(category).into());
        map.insert("published".into(), true.into());
        map.insert("publish_timestamp".into(), changed.to_string().into());
        for (key, text) in
            [("timestamp", changed.to_string()), ("analysis", "2".into()), ("threat_level_id", "2".into())]
        {
            map.insert(key.into(), text.into());
        }
        map.insert("Attribute".into(), candidates.iter().map(attribute).collect());
    }
    (about, json!({ "Event": event }))
}

fn attribute(one: &Candidate) -> Value {
    let name = one.name.to_string();
    json!({
        "uuid": own_uuid(&["misp", one.category.code(), &name]), "type": "domain", "category": "Network activity",
        "value": name, "to_ids": true, "disable_correlation": false, "deleted": false,
        "timestamp": one.changed.max(one.newest_at()).to_string(),
        "comment": format!("met by {} homes in one epoch, lane {}, {}", one.most(), one.lane.name(), one.state.code()),
    })
}

fn tags(terms: &Terms, category: Category) -> Vec<String> {
    let mut tags = vec![
        format!("tlp:{}", terms.marking.code()),
        "retention:90d".to_string(),
        format!("{NAMESPACE}:{}", category.code()),
    ];
    let others: &[&str] = match category {
        Category::Grooming | Category::NudifyNcii | Category::TraffickingLure => {
            &["rsit:abusive-content=\"violence\"", "common-taxonomy:abusive-content=\"cse-racism-violence-incitement\""]
        }
        Category::BullyingDox | Category::SelfharmPromo | Category::EatingDisPromo | Category::StrangerChat => {
            &["rsit:abusive-content=\"harmful-speech\""]
        }
        Category::PhishingScam => &["rsit:fraud=\"phishing\""],
        Category::Malware => &["rsit:malicious-code=\"malware-distribution\""],
        _ => &[],
    };
    tags.extend(others.iter().map(ToString::to_string));
    tags
}

/// The tags of our own, for whoever wants to show them with their meaning.
fn taxonomy() -> Value {
    let never = [Category::Unknown, Category::Csam, Category::LegalOrder, Category::Help, Category::HealthSexed];
    let codes = Category::ALL.into_iter().filter(|category| !never.contains(category));
    let predicates: Vec<Value> =
        codes.map(|category| json!({ "value": category.code(), "expanded": category.title() })).collect();
    json!({
        "namespace": NAMESPACE, "version": 1, "expanded": "Child safety",
        "description": "What a name is to children. Sealed content, help and health are not in it and are never shared.",
        "predicates": predicates,
    })
}

fn put(folder: &Path, file: &str, value: &Value) -> Result<(), TriageError> {
    let path = folder.join(file);
    let mut text = value.to_string();
    text.push('\n');
    write_aside(&path, text.as_bytes()).map_err(|error| failed(&path, error))
}

fn failed(path: &Path, error: io::Error) -> TriageError {
    TriageError::File { path: path.display().to_string(), error }
}
