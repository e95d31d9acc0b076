//! One round over all lists that come from outside: fetch, look whether the new text can be trusted, put it in place. A list
//! that fails keeps its old text.

use std::fs;

use super::compile::{Content, Input, survey};
use super::data::Builtin;
use super::fetch::{Arrival, Client};
use super::inputs::inputs;
use super::store::{Fetched, Store, put_in_place};
use crate::config::{Config, List, ListSource};

/// What came of one list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server has nothing new.
    Unchanged,
    /// A new text is in place, with so many rules.
    Updated(u64),
    /// It could not be fetched.
    Failed(String),
    /// It was fetched and not believed.
    Refused(String),
}

/// Lines in error among all lines that say something, over which a text is no list: one in ten.
const ERRORS_MAX: f64 = 0.1;

/// The URL of a list that comes from outside.
pub fn url_of<'a>(list: &'a List, builtin: &'a Builtin) -> Option<&'a str> {
    match &list.source {
        ListSource::Url(url) => Some(url),
        ListSource::Catalog(id) => builtin.catalog_entry(id).map(|entry| entry.url.as_str()),
        ListSource::Starter | ListSource::File(_) => None,
    }
}

/// Looks at every list from outside once. `progress` hears of each one's end.
pub async fn update(
    config: &Config,
    builtin: &Builtin,
    store: &Store,
    now: u64,
    progress: &mut dyn FnMut(&str, &Outcome),
) -> Vec<(String, Outcome)> {
    let client = Client::new(config.updates.bytes_max, config.updates.timeout);
    let mut outcomes = Vec::new();
    for list in &config.lists {
        let Some(url) = url_of(list, builtin) else { continue };
        let outcome = one(config, builtin, store, &client, list, url, now).await;
        progress(&list.name, &outcome);
        outcomes.push((list.name.clone(), outcome));
    }
    outcomes
}

async fn one(
    config: &Config,
    builtin: &Builtin,
    store: &Store,
    client: &Client,
    list: &List,
    url: &str,
    now: u64,
) -> Outcome {
    let known = store.fetched(&list.name);
    let place = store.list(&list.name);
    let aside = place.with_extension("new");
    let arrived = match client.fetch(url, known.as_ref(), &aside).await {
        Ok(Arrival::New(arrived)) => arrived,
        Ok(Arrival::Unchanged) => {
            let checked = Fetched { checked_at: now, ..known.unwrap_or_default() };
            return done(store.keep_fetched(&list.name, &checked), Outcome::Unchanged);
        }
        Err(error) => {
            // What came of a broken transfer is of no use to anyone.
            let _ = fs::remove_file(&aside);
            return Outcome::Failed(error.to_string());
        }
    };
    let old_entries = known.map_or(0, |known| known.entries);
    match trusted(config, builtin, store, list, Content::File(aside.clone()), old_entries) {
        Ok(entries) => {
            let record = Fetched { checked_at: now, entries, ..arrived };
            let kept = put_in_place(&aside, &place).and_then(|()| store.keep_fetched(&list.name, &record));
            done(kept, Outcome::Updated(entries))
        }
        Err(why) => {
            let _ = fs::remove_file(&aside);
            Outcome::Refused(why)
        }
    }
}

fn done(kept: std::io::Result<()>, outcome: Outcome) -> Outcome {
    kept.map_or_else(|error| Outcome::Failed(format!("cannot be kept: {error}")), |()| outcome)
}

/// Rules of a new text, or why it is not believed.
fn trusted(
    config: &Config,
    builtin: &Builtin,
    store: &Store,
    list: &List,
    content: Content,
    old_entries: u64,
) -> Result<u64, String> {
    let input = definition(config, builtin, store, list, content);
    let (entries, errors) = survey(&input).map_err(|error| error.to_string())?;
    if entries == 0 {
        return Err("it holds no rule; keeping the old one".into());
    }
    if errors as f64 > ERRORS_MAX * (entries + errors) as f64 {
        return Err(format!("{errors} of {} lines are in error; keeping the old one", entries + errors));
    }
    let least = old_entries - old_entries * config.updates.shrink_max_percent / 100;
    if entries < least {
        return Err(format!("it shrank from {old_entries} rules to {entries}; keeping the old one"));
    }
    Ok(entries)
}

/// The list as the compiler would see it, with another text.
fn definition(config: &Config, builtin: &Builtin, store: &Store, list: &List, content: Content) -> Input {
    // A list never fetched has no input yet; a file in its place makes one.
    let mut as_file = List { source: ListSource::File(store.list(&list.name)), ..list.clone() };
    if let ListSource::Catalog(id) = &list.source
        && let Some(entry) = builtin.catalog_entry(id)
    {
        as_file.format = as_file.format.or_else(|| Some(entry.format.code().to_string()));
        as_file.suffix = as_file.suffix.or(Some(entry.plain == super::parse::Plain::Suffix));
    }
    let alone = Config { lists: vec![as_file], ..config.clone() };
    let (mut inputs, _) = inputs(&alone, builtin, Some(store));
    let mut input = inputs.remove(0);
    input.content = content;
    input
}
