//! From the lists of a configuration to inputs of the compiler, and from those to the bundle in force: the one on disk when
//! it fits, else a new one, else the last good one.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use super::compile::{CompileError, Content, Input, compile, hex};
use super::data::{Builtin, STARTER};
use super::parse::{Format, ParseOptions, Plain};
use super::store::{Made, Store};
use crate::classify::bundle::PartKind;
use crate::classify::{Bundle, BundleError, CategorySet};
use crate::config::{Config, List, ListSource};
use crate::sys;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The lists cannot be compiled, and there is no older bundle.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A bundle that was just compiled cannot be read: a fault of ours.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// A list that is configured but not there yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing(pub String);

/// The inputs of a configuration, and the lists still to be fetched.
pub fn inputs(config: &Config, builtin: &Builtin, store: Option<&Store>) -> (Vec<Input>, Vec<Missing>) {
    let (mut inputs, mut missing) = (Vec::new(), Vec::new());
    for list in &config.lists {
        match input(list, builtin, store) {
            Some(several) => inputs.extend(several),
            None => missing.push(Missing(list.name.clone())),
        }
    }
    (inputs, missing)
}

fn input(list: &List, builtin: &Builtin, store: Option<&Store>) -> Option<Vec<Input>> {
    let own = |origin: String, content: Content| Input {
        name: list.name.clone(),
        origin,
        licence: String::new(),
        format: list.format.as_deref().and_then(Format::from_code).unwrap_or(Format::Domains),
        options: ParseOptions { plain: plain(list.suffix.unwrap_or(false)), ..ParseOptions::default() },
        kind: if list.allow { PartKind::Allow } else { PartKind::Block },
        categories: list.categories,
        content,
    };
    let fetched = || store.map(|store| store.list(&list.name)).filter(|path| path.is_file()).map(Content::File);
    match &list.source {
        ListSource::Starter => Some(starter(&list.name)),
        ListSource::File(path) => Some(vec![own(path.display().to_string(), Content::File(path.clone()))]),
        ListSource::Url(url) => Some(vec![own(url.clone(), fetched()?)]),
        ListSource::Catalog(id) => {
            let entry = builtin.catalog_entry(id)?;
            let mut input = own(entry.url.clone(), fetched()?);
            input.licence.clone_from(&entry.licence);
            input.format = list.format.as_deref().and_then(Format::from_code).unwrap_or(entry.format);
            input.options.plain = list.suffix.map_or(entry.plain, plain);
            if list.categories.is_empty() {
                input.categories = entry.categories;
            }
            if entry.allow {
                input.kind = PartKind::Allow;
            }
            Some(vec![input])
        }
    }
}

fn plain(suffix: bool) -> Plain {
    if suffix { Plain::Suffix } else { Plain::Exact }
}

fn starter(name: &str) -> Vec<Input> {
    let one = |(category, file, text): &(_, &str, &'static str)| Input {
        name: format!("{name}/{file}"),
        origin: format!("built-in: starter/{file}.txt"),
        licence: "CC0-1.0".into(),
        format: Format::Domains,
        options: ParseOptions { plain: Plain::Suffix, ..ParseOptions::default() },
        kind: PartKind::Block,
        categories: CategorySet::EMPTY.with(*category),
        content: Content::Text(text),
    };
    STARTER.iter().map(one).collect()
}

/// The bundle of these inputs. `quiet` callers pass a progress that does nothing.
pub fn load(
    inputs: &[Input],
    builtin: &Builtin,
    store: Option<&Store>,
    progress: &mut dyn FnMut(usize, &str),
) -> Result<Arc<Bundle>, LoadError> {
    let made = Made { fingerprint: fingerprint(inputs) };
    if let Some(store) = store.filter(|store| store.made().as_ref() == Some(&made)) {
        match mapped(store) {
            Ok(bundle) => return Ok(bundle),
            Err(error) => tracing::warn!(%error, "compiled lists on disk refused; compiling anew"),
        }
    }
    let compiled = match compile(inputs, builtin, progress) {
        Ok(compiled) => compiled,
        Err(error) => return last_good(store, error),
    };
    if let Some(store) = store {
        match store.keep_bundle(&compiled.bytes, &made).and_then(|()| mapped(store).map_err(std::io::Error::other)) {
            Ok(bundle) => {
                drop(compiled);
                sys::release_memory();
                return Ok(bundle);
            }
            Err(error) => tracing::warn!(%error, "compiled lists cannot be kept; using them from memory"),
        }
    }
    Ok(Arc::new(Bundle::from_storage(Arc::new(compiled.bytes))?))
}

/// Keeps a bundle where [`load`] finds it as long as its inputs stay the same.
pub fn keep(store: &Store, inputs: &[Input], bytes: &[u8]) -> std::io::Result<()> {
    store.keep_bundle(bytes, &Made { fingerprint: fingerprint(inputs) })
}

fn last_good(store: Option<&Store>, error: CompileError) -> Result<Arc<Bundle>, LoadError> {
    let old = store.and_then(|store| mapped(store).ok());
    let Some(old) = old else { return Err(error.into()) };
    tracing::error!(%error, "lists cannot be compiled; keeping the last good ones");
    Ok(old)
}

/// Why the bundle on disk is of no use.
#[derive(Debug, thiserror::Error)]
enum MapError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

fn mapped(store: &Store) -> Result<Arc<Bundle>, MapError> {
    Ok(Arc::new(Bundle::from_storage(sys::map_file(&store.bundle())?)?))
}

/// Changes whenever the bundle could: definitions, sizes and times of the files. Reading them all would cost a start its
/// hundred milliseconds.
fn fingerprint(inputs: &[Input]) -> String {
    let mut text = format!("{} {}\n", env!("CARGO_PKG_VERSION"), STARTER.len());
    for input in inputs {
        let content = match &input.content {
            Content::Text(text) => hex(digest(&SHA256, text.as_bytes()).as_ref()),
            Content::File(path) => match path.metadata() {
                Ok(meta) => format!("{} {} {:?}", path.display(), meta.len(), meta.modified().ok()),
                Err(error) => format!("{} {error}", path.display()),
            },
        };
        let Input { name, origin, licence, format, options, kind, categories, .. } = input;
        text.push_str(&format!("{:?} {content}\n", (name, origin, licence, format, options, kind, categories)));
    }
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}
