//! Relative files of a text that moves to another folder: they start where they started before.

use std::path::Path;

use serde_json::Value as Json;
use toml_edit::DocumentMut;

use super::forms::json_of;
use super::place::{self, Place};
use super::put::put;

/// Makes every relative file of a text from `start` absolute.
pub(super) fn make_absolute(document: &mut DocumentMut, start: &Path) {
    let Some(folder) = start.parent().and_then(|folder| std::path::absolute(folder).ok()) else { return };
    for (tables, key) in FILES {
        let place: Place = tables.iter().map(|table| (table.to_string(), None)).collect();
        rewrite(document, &place, key, |text| Some(folder.join(text).display().to_string()));
    }
    for at in 0..place::rows(document.as_table(), "list") {
        rewrite(document, &place::row("list", at), "source", |text| {
            Some(format!("file:{}", folder.join(text.strip_prefix("file:")?).display()))
        });
    }
    let identity = vec![("identity".to_string(), None)];
    let leases = place::table(document.as_table(), &identity).map_or(0, |identity| place::rows(identity, "leases"));
    for at in 0..leases {
        let lease = place::below(&identity, "leases", at);
        rewrite(document, &lease, "file", |text| Some(folder.join(text).display().to_string()));
    }
}

/// Options that name files.
const FILES: &[(&[&str], &str)] = &[
    (&[], "criteria"),
    (&["dns", "upstream"], "ca"),
    (&["dns", "upstream"], "trust_anchor"),
    (&["dns", "upstream"], "root_hints"),
    (&["dns", "encrypted"], "certificate"),
    (&["dns", "encrypted"], "key"),
];

fn rewrite(document: &mut DocumentMut, place: &Place, key: &str, to: impl FnOnce(&str) -> Option<String>) {
    let item = place::table(document.as_table(), place).and_then(|table| table.get(key));
    if let Some(Json::String(text)) = item.and_then(json_of)
        && let Some(text) = to(&text)
    {
        put(document, place, key, Some(&Json::from(text)));
    }
}
