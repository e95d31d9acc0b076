//! What guesses at names that nobody lists: the model's file found and read, what the household has met kept on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::signed::shelf_of;
use crate::classify::guess::Guesser;
use crate::classify::lexical::Model;
use crate::classify::seen::Seen;
use crate::clock::now_secs;
use crate::config::{Config, ModelFile};
use crate::lists::data::Builtin;
use crate::lists::phrases::text_model;
use crate::lists::store::write_aside;
use crate::name::{Name, NameSet};

/// Where packages put it.
const PACKAGED: &str = "/usr/share/luytre/lexical.bin";
/// Where a clone has it.
const CLONED: &str = "blocklists/model/lexical.bin";

/// The guesser of a configuration. What cannot be read is told, and guesses nothing.
pub fn guesser(config: &Config, builtin: &Builtin, seen: Option<Arc<Seen>>) -> Arc<Guesser> {
    let model = model_file(config).and_then(|path| match read(&path) {
        Ok(model) => Some(model),
        Err(error) => {
            tracing::error!(file = %path.display(), "no name is guessed at by its spelling: {error:#}");
            None
        }
    });
    let canary = builtin.canary.iter().flat_map(|group| &group.names);
    let popular: Vec<Name> = canary.chain(builtin.help.names()).cloned().chain(popular(config)).collect();
    let names = Arc::clone(&config.dns.lookalikes);
    let guesser = Guesser::new(model, &builtin.protected, names, NameSet::new(&popular), seen);
    Arc::new(guesser.reading(text_model().filter(|_| config.proxy.is_some())))
}

fn read(path: &Path) -> anyhow::Result<Model> {
    Ok(Model::read(&fs::read(path)?)?)
}

/// The operator's own list of popular names is meant for the guard, and good here, too.
fn popular(config: &Config) -> Vec<Name> {
    let Some(path) = config.signed.as_ref().and_then(|signed| signed.popular.as_ref()) else { return Vec::new() };
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| Name::parse(line.trim()).ok()).collect()
}

/// The file that was named; else the one both authorities signed, the package's, or the clone's.
fn model_file(config: &Config) -> Option<PathBuf> {
    match &config.model {
        ModelFile::None => None,
        ModelFile::Path(path) => Some(path.clone()),
        ModelFile::Auto => {
            let signed = shelf_of(config).and_then(|(_, shelf)| shelf.model(&shelf.kept(&shelf.state())?));
            let beside = std::env::current_exe().ok();
            let cloned = beside.iter().flat_map(|path| path.ancestors()).map(|folder| folder.join(CLONED));
            let all = signed.into_iter().chain([PathBuf::from(PACKAGED)]).chain(cloned);
            let found = all.into_iter().find(|path| path.is_file());
            if found.is_none() {
                tracing::warn!(
                    "no model file found ({PACKAGED}); names that nobody lists are not guessed at by spelling"
                );
            }
            found
        }
    }
}

fn seen_file(config: &Config) -> Option<PathBuf> {
    Some(config.state_dir.as_ref()?.join("seen.bin"))
}

/// What the household has met, as it was kept; `None` where nothing is, or nothing that can be read.
pub fn kept_seen(config: &Config) -> Option<Arc<Seen>> {
    Some(Arc::new(Seen::read(&fs::read(seen_file(config)?).ok()?)?))
}

/// The same for the running program: begun anew where there is none, and kept at once, so that commands see what it sees.
pub(super) fn open_seen(config: &Config) -> Arc<Seen> {
    let seen = kept_seen(config).unwrap_or_else(|| Arc::new(Seen::new(now_secs(), random)));
    keep_seen(config, &seen);
    seen
}

/// Keeps it, and begins a new month where one is over.
pub(super) fn keep_seen(config: &Config, seen: &Seen) {
    seen.turn(now_secs(), random);
    let Some(path) = seen_file(config) else { return };
    if let Err(error) = write_aside(&path, &seen.write()) {
        tracing::warn!(file = %path.display(), "what names are new here cannot be kept: {error}");
    }
}

fn random() -> u64 {
    let mut octets = [0; 8];
    // Without randomness every name looks met, and nothing is refused for being new.
    if aws_lc_rs::rand::fill(&mut octets).is_err() {
        return u64::MAX;
    }
    u64::from_le_bytes(octets)
}
