//! The file itself: which one it is, and how it is replaced so that at every moment either the old text or the new one is
//! there whole, with the previous one beside it.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use super::EditError;

/// The file of the system.
pub(in crate::config) const SYSTEM: &str = "/etc/luytre/luytre.toml";
/// The name of the file in the state folder.
pub(in crate::config) const NAME: &str = "luytre.toml";

/// Which file changes are written to. A file the operator named, the system's and the state folder's are changed where they
/// are; the one that ships with the program and the built-in one never are: then it is the state folder's.
pub fn target(in_force: Option<&Path>, was_named: bool, state_dir: Option<&Path>) -> Result<PathBuf, EditError> {
    let own = state_dir.map(|folder| folder.join(NAME));
    match in_force {
        Some(file) if was_named || file == Path::new(SYSTEM) || own.as_deref() == Some(file) => Ok(file.to_path_buf()),
        _ => own.ok_or(EditError::NoPlace),
    }
}

/// Where the text really is: behind links, of which the last may lead to a file that is not there yet.
pub(super) fn resolve(named: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(named) {
        Err(error) if error.kind() == ErrorKind::NotFound && fs::symlink_metadata(named).is_err() => {
            let (Some(folder), Some(name)) = (named.parent(), named.file_name()) else { return Err(error) };
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            fs::create_dir_all(folder)?;
            Ok(fs::canonicalize(folder)?.join(name))
        }
        other => other,
    }
}

/// The text of a file, `None` when there is none.
pub(super) fn read(file: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A write that was cut off left something; nobody else is writing when the folder can be held.
pub(super) fn clean(file: &Path) {
    let Some(folder) = file.parent().and_then(|folder| File::open(folder).ok()) else { return };
    if folder.try_lock().is_ok() {
        let _ = fs::remove_file(beside(file, NEW));
        let _ = fs::remove_file(beside(file, OLD));
    }
}

/// The text before the last change.
pub(super) fn previous(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_os_string();
    name.push(".previous");
    PathBuf::from(name)
}

/// Puts `text` in place of `expected`; `None` is no file. `keeps`: what was there stays as [`previous`].
pub(super) fn replace(file: &Path, expected: Option<&str>, text: Option<&str>, keeps: bool) -> Result<(), EditError> {
    let error = |error| EditError::of(file, error);
    let folder = file.parent().map(File::open).transpose().map_err(error)?;
    if let Some(folder) = &folder {
        // Some network file systems lend no lock on a folder; the comparison below stands all the same.
        let _ = folder.lock();
    }
    if read(file).map_err(error)?.as_deref() != expected {
        return Err(EditError::Changed(file.to_path_buf()));
    }
    let written = match text {
        Some(text) => exchange(file, expected, text, keeps),
        None => fs::remove_file(file),
    };
    let synced = written.and_then(|()| folder.as_ref().map_or(Ok(()), File::sync_all));
    if synced.is_err() {
        let _ = fs::remove_file(beside(file, NEW));
        let _ = fs::remove_file(beside(file, OLD));
    }
    synced.map_err(error)
}

fn exchange(file: &Path, expected: Option<&str>, text: &str, keeps: bool) -> io::Result<()> {
    let like = expected.is_some().then(|| fs::metadata(file)).transpose()?;
    let new = beside(file, NEW);
    write(&new, text, like.as_ref())?;
    if let Some(old) = expected.filter(|_| keeps) {
        keep(file, old, like.as_ref())?;
    }
    fs::rename(new, file)
}

/// Another name for the same octets where the file system allows it, else a copy.
fn keep(file: &Path, text: &str, like: Option<&fs::Metadata>) -> io::Result<()> {
    let old = beside(file, OLD);
    let _ = fs::remove_file(&old);
    if fs::hard_link(file, &old).is_err() {
        write(&old, text, like)?;
    }
    fs::rename(&old, previous(file))?;
    // Two names of one file are not renamed onto each other (rename(2)).
    let _ = fs::remove_file(&old);
    Ok(())
}

/// Writes a new file with the mode and owner of `like`; without one, nobody else may read it: it can hold tokens.
fn write(path: &Path, text: &str, like: Option<&fs::Metadata>) -> io::Result<()> {
    let _ = fs::remove_file(path);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    if let Some(like) = like {
        let own = file.metadata()?;
        if (own.uid(), own.gid()) != (like.uid(), like.gid()) {
            fchown(&file, Some(like.uid()), Some(like.gid()))?;
        }
        file.set_permissions(Permissions::from_mode(like.mode() & 0o7777))?;
    }
    file.sync_all()
}

const NEW: &str = "new";
const OLD: &str = "old";

/// `.luytre.toml.new`
fn beside(file: &Path, what: &str) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    file.with_file_name(format!(".{name}.{what}"))
}
