//! `luytre check`: what start-up would say, without side effects.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::lists::inputs::inputs;
use crate::lists::store::Store;

pub(super) fn run(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let (builtin, config) = match super::load(file) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let mut out = io::stdout().lock();
    let shown = file.map_or("built-in configuration".into(), |file| file.display().to_string());
    writeln!(out, "{shown}: ok ({} lists, {} profiles)", config.lists.len(), config.profiles.len())?;
    // Looking must not make the folder.
    let store = config.state_dir.as_ref().filter(|dir| dir.is_dir()).and_then(|dir| Store::open(dir).ok());
    for list in inputs(&config, &builtin, store.as_ref()).1 {
        writeln!(out, "{shown}: list {:?} is not fetched yet (`luytre lists update` fetches it)", list.0)?;
    }
    Ok(ExitCode::SUCCESS)
}
