//! The transparency log as a folder of static files (C2SP tlog-tiles). Tiles go first and the checkpoint last: who reads
//! meanwhile finds the log as it was. What a torn append left behind is written again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::key::{KeyError, SigningKey};
use crate::lists::store::write_aside;
use crate::lists::trust::log::{
    CHECKPOINT_MAX, Hash, LogError, Seen, TILE, Tiles, checkpoint, leaf_hash, leaves, root_of, tile_path,
};
use crate::lists::trust::note::{COSIGNS, Note, NoteError, SIGNS, VerifierKey, cosigned};

/// Why the log cannot be written or witnessed.
#[derive(Debug, thiserror::Error)]
pub enum WriteLogError {
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// What is there is not this log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A note in no known form.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An entry larger than the format has room for.
    #[error("an entry of {0} octets is larger than 65535")]
    Entry(usize),
}

/// A log's folder.
pub struct Log {
    folder: PathBuf,
    origin: String,
}

/// The verifier key of a signing key, under a name; `witness` for one that cosigns.
pub fn verifier(key: &SigningKey, name: &str, witness: bool) -> VerifierKey {
    VerifierKey::new(name, if witness { COSIGNS } else { SIGNS }, key.public_octets())
}

impl Log {
    /// The log of that name in a folder, which may be empty.
    pub fn open(folder: &Path, origin: &str) -> Log {
        Log { folder: folder.to_path_buf(), origin: origin.into() }
    }

    /// Size and root; 0 when there is no checkpoint yet.
    pub fn state(&self) -> Result<(u64, Hash), WriteLogError> {
        let path = self.folder.join("checkpoint");
        if !path.exists() {
            return Ok((0, root_of(&[])));
        }
        let note = Note::parse(&self.read_file("checkpoint")?)?;
        Ok(checkpoint(&note.text, &self.origin).ok_or(LogError::Checkpoint)?)
    }

    /// Adds an entry and signs the new checkpoint. One that is in it already is not added again.
    pub fn append(&self, entry: &[u8], key: &SigningKey) -> Result<u64, WriteLogError> {
        let length = u16::try_from(entry.len()).map_err(|_| WriteLogError::Entry(entry.len()))?;
        let (size, root) = self.state()?;
        let mut all = leaves(&mut Files(&self.folder), size)?;
        if root_of(&all) != root {
            return Err(LogError::Root.into());
        }
        let hash = leaf_hash(entry);
        if all.contains(&hash) {
            return Ok(size);
        }
        all.push(hash);
        let index = size / TILE as u64;
        let mut bundle = match size as usize % TILE {
            0 => Vec::new(),
            held => self.read_file(&tile_path("entries", index, held))?,
        };
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
        self.write(&tile_path("entries", index, all.len() - index as usize * TILE), &bundle)?;
        self.write_tiles(&all)?;
        let text = format!("{}\n{}\n{}\n", self.origin, all.len(), STANDARD.encode(root_of(&all)));
        let line = verifier(key, &self.origin, false).line(&key.sign(text.as_bytes()));
        self.write("checkpoint", format!("{text}\n{line}").as_bytes())?;
        Ok(all.len() as u64)
    }

    /// The last tile of each level: the others are whole and were written before.
    fn write_tiles(&self, leaves: &[Hash]) -> Result<(), WriteLogError> {
        let mut level = 0;
        let mut hashes = leaves.to_vec();
        while !hashes.is_empty() {
            let index = (hashes.len() - 1) / TILE;
            let held = &hashes[index * TILE..];
            self.write(&tile_path(&level.to_string(), index as u64, held.len()), &held.concat())?;
            // A hash of the next level stands for a whole tile of this one.
            hashes = hashes.chunks_exact(TILE).map(root_of).collect();
            level += 1;
        }
        Ok(())
    }

    /// A witness's word that the log grew from what it saw before, kept in `memory`.
    pub fn cosign(&self, name: &str, key: &SigningKey, memory: &Path, now_secs: u64) -> Result<u64, WriteLogError> {
        let octets = self.read_file("checkpoint")?;
        let note = Note::parse(&octets)?;
        let (size, root) = checkpoint(&note.text, &self.origin).ok_or(LogError::Checkpoint)?;
        let all = leaves(&mut Files(&self.folder), size)?;
        if root_of(&all) != root {
            return Err(LogError::Root.into());
        }
        let before: Option<Seen> = match fs::read(memory) {
            Ok(octets) => Some(serde_json::from_slice(&octets).map_err(|error| self.failed(memory, error.into()))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.failed(memory, error)),
        };
        if let Some(before) = before {
            let then = all.get(..before.size as usize).ok_or(LogError::Shrunk { before: before.size, now: size })?;
            if crate::lists::compile::hex(&root_of(then)) != before.root {
                return Err(LogError::Rewritten(before.size).into());
            }
        }
        let seen = Seen { size, root: crate::lists::compile::hex(&root) };
        let text = serde_json::to_vec(&seen).map_err(|error| self.failed(memory, error.into()))?;
        // Remembered first: a witness must not say two things.
        write_aside(memory, &text).map_err(|error| self.failed(memory, error))?;
        let signature = key.sign(cosigned(now_secs, &note.text).as_bytes());
        let line = verifier(key, name, true).line(&[&now_secs.to_be_bytes()[..], &signature].concat());
        let all = String::from_utf8_lossy(&octets).into_owned();
        let own = format!("\u{2014} {name} ");
        let (text, lines) = all.split_at(note.text.len() + 1);
        let others: String =
            lines.lines().filter(|line| !line.starts_with(&own)).map(|line| format!("{line}\n")).collect();
        self.write("checkpoint", format!("{text}{others}{line}").as_bytes())?;
        Ok(size)
    }

    /// Names under the checkpoint: the log's own, then its witnesses'. Their signatures are not checked here.
    pub fn signed_by(&self) -> Result<Vec<String>, WriteLogError> {
        if !self.folder.join("checkpoint").exists() {
            return Ok(Vec::new());
        }
        let octets = self.read_file("checkpoint")?;
        let text = String::from_utf8_lossy(&octets);
        let lines = text.lines().filter_map(|line| line.strip_prefix("\u{2014} "));
        Ok(lines.filter_map(|line| line.split(' ').next()).map(str::to_string).collect())
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> Result<Vec<Vec<u8>>, WriteLogError> {
        let (size, _) = self.state()?;
        let mut entries = Vec::new();
        for index in 0..size.div_ceil(TILE as u64) {
            let held = (size - index * TILE as u64).min(TILE as u64) as usize;
            let octets = self.read_file(&tile_path("entries", index, held))?;
            let mut rest = &octets[..];
            while let Some((length, after)) = rest.split_first_chunk::<2>() {
                let length = usize::from(u16::from_be_bytes(*length));
                let (entry, after) = after.split_at_checked(length).ok_or(LogError::Root)?;
                entries.push(entry.to_vec());
                rest = after;
            }
        }
        Ok(entries)
    }

    fn read_file(&self, path: &str) -> Result<Vec<u8>, WriteLogError> {
        let place = self.folder.join(path);
        fs::read(&place).map_err(|error| self.failed(&place, error))
    }

    fn write(&self, path: &str, octets: &[u8]) -> Result<(), WriteLogError> {
        let place = self.folder.join(path);
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(|error| self.failed(folder, error))?;
        }
        write_aside(&place, octets).map_err(|error| self.failed(&place, error))
    }

    fn failed(&self, path: &Path, error: io::Error) -> WriteLogError {
        WriteLogError::File { path: path.display().to_string(), error }
    }
}

/// The log's own files, as a box would read them.
struct Files<'a>(&'a Path);

impl Tiles for Files<'_> {
    fn read(&mut self, path: &str, bytes_max: u64) -> Result<Vec<u8>, String> {
        let octets = fs::read(self.0.join(path)).map_err(|error| format!("{path}: {error}"))?;
        let is_small = octets.len() as u64 <= bytes_max.max(CHECKPOINT_MAX);
        if is_small { Ok(octets) } else { Err(format!("{path} is larger than a tile")) }
    }
}
