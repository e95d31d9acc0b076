//! An operator's secrets on its own disk: one folder, each key a file that only its owner reads. The keys of an epoch are made ahead,
//! and destroyed when it is over: written over, synced, unlinked, and noted so that they are never made again.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{KeyConfig, SymmetricSuite};
use rand::Rng as _;
use zeroize::Zeroizing;

use crate::hub::collect::issue::{IssueError, Issuer};
use crate::lists::compile::hex;
use crate::oprf::{OprfError, ServerKey};
use crate::report::calendar::{Calendar, DESTROY_HOURS};
use crate::report::envelope::{EnvelopeError, OpeningKey};
use crate::report::manifest::{Announcement, Provider};
use crate::report::message::Lane;

/// Why there are no secrets.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// A file that holds something else.
    #[error("{path}: {what}")]
    Content {
        /// Which.
        path: String,
        /// What it should hold.
        what: &'static str,
    },
    /// Its keys were destroyed, and stay so.
    #[error("the key of {lane} {epoch} was destroyed and is never made again")]
    Destroyed {
        /// The lane.
        lane: &'static str,
        /// The epoch.
        epoch: u32,
    },
    /// A key of an oblivious function.
    #[error(transparent)]
    Oprf(#[from] OprfError),
    /// A key to open messages with.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A provider's key.
    #[error(transparent)]
    Issue(#[from] IssueError),
    /// A gateway's key.
    #[error("the gateway's key: {0}")]
    Gateway(#[from] ohttp::Error),
}

/// The folder of operator A or B.
pub struct Folder(PathBuf);

const NAME: &str = "name";
const GATEWAY: &str = "gateway.key";
const OPENING: &str = "opening.key";
const ISSUER: &str = "issuer.key";
const DESTROYED: &str = "destroyed";

impl Folder {
    /// A folder that is there.
    pub fn open(path: &Path) -> Folder {
        Folder(path.into())
    }

    /// A new one; what is there already is not touched.
    pub fn found(path: &Path, name: &str) -> Result<Folder, SecretError> {
        let folder = Folder(path.into());
        fs::create_dir_all(path.join("keys")).map_err(|error| folder.fault(path, error))?;
        let (opening, _) = OpeningKey::generate()?;
        let opening = opening.to_bytes().map(Zeroizing::new).ok_or(EnvelopeError::Seal)?;
        let mut gateway = Zeroizing::new([0; 32]);
        rand::rng().fill_bytes(gateway.as_mut());
        folder.put(NAME, name.as_bytes())?;
        folder.put(GATEWAY, gateway.as_ref())?;
        folder.put(OPENING, opening.as_ref())?;
        Ok(folder)
    }

    /// A provider's folder.
    pub fn found_issuer(path: &Path, name: &str) -> Result<Folder, SecretError> {
        let folder = Folder(path.into());
        fs::create_dir_all(path).map_err(|error| folder.fault(path, error))?;
        folder.put(NAME, name.as_bytes())?;
        folder.put(ISSUER, &Issuer::generate(&mut rand::rng())?.to_pkcs8()?)?;
        Ok(folder)
    }

    /// Who it is.
    pub fn name(&self) -> Result<String, SecretError> {
        let octets = self.read(NAME)?;
        String::from_utf8(octets.to_vec()).map_err(|_| self.content(NAME, "a name in UTF-8"))
    }

    /// The gateway's key pair (RFC 9458 §3): X25519, HKDF-SHA256, ChaCha20-Poly1305.
    pub fn gateway(&self) -> Result<KeyConfig, SecretError> {
        let octets = self.read(GATEWAY)?;
        let suite = SymmetricSuite::new(Kdf::HkdfSha256, Aead::ChaCha20Poly1305);
        Ok(KeyConfig::derive(1, Kem::X25519Sha256, vec![suite], &octets)?)
    }

    /// What opens messages sealed to this operator.
    pub fn opening(&self) -> Result<OpeningKey, SecretError> {
        let octets = self.read(OPENING)?;
        let octets = octets.as_slice().try_into().map_err(|_| self.content(OPENING, "32 octets"))?;
        Ok(OpeningKey::from_bytes(octets))
    }

    /// The provider's key.
    pub fn issuer(&self) -> Result<Issuer, SecretError> {
        Ok(Issuer::from_pkcs8(&self.read(ISSUER)?)?)
    }

    /// Makes the keys of so many epochs; those that are there stay.
    pub fn make_keys(&self, lane: Lane, from: u32, count: u32) -> Result<u32, SecretError> {
        let destroyed = self.destroyed()?;
        let mut made = 0;
        for epoch in from..from.saturating_add(count) {
            if destroyed.contains(&(lane, epoch)) {
                return Err(SecretError::Destroyed { lane: lane.name(), epoch });
            }
            let file = file_of(lane, epoch);
            if !self.0.join(&file).exists() {
                self.put(&file, ServerKey::generate()?.to_bytes().as_ref())?;
                made += 1;
            }
        }
        Ok(made)
    }

    /// All keys that are there, but those whose destruction began.
    pub fn keys(&self) -> Result<BTreeMap<(Lane, u32), ServerKey>, SecretError> {
        let (mut keys, destroyed) = (BTreeMap::new(), self.destroyed()?);
        for (lane, epoch) in self.epochs()?.into_iter().filter(|place| !destroyed.contains(place)) {
            let file = file_of(lane, epoch);
            let octets = self.read(&file)?;
            let octets = octets.as_slice().try_into().map_err(|_| self.content(&file, "32 octets"))?;
            keys.insert((lane, epoch), ServerKey::from_bytes(octets)?);
        }
        Ok(keys)
    }

    /// Destroys the keys of epochs that are over; which these were.
    pub fn destroy_overdue(&self, calendar: Calendar, now: u64) -> Result<Vec<(Lane, u32)>, SecretError> {
        let mut gone = Vec::new();
        for (lane, epoch) in self.epochs()? {
            if calendar.after(lane, epoch, DESTROY_HOURS) <= now {
                self.destroy(lane, epoch)?;
                gone.push((lane, epoch));
            }
        }
        Ok(gone)
    }

    fn destroy(&self, lane: Lane, epoch: u32) -> Result<(), SecretError> {
        let path = self.0.join(file_of(lane, epoch));
        let log = self.0.join(DESTROYED);
        let failed = |error| self.fault(&path, error);
        // Noted first: a power cut between the two leaves a key that is destroyed at the next start.
        // A line of its own with a dot behind it: what a power cut tears is no other epoch, and spoils no other line.
        let noted = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(&log);
        noted
            .and_then(|mut file| write!(file, "\n{} {epoch}.\n", lane.name()).and_then(|()| file.sync_all()))
            .map_err(|error| self.fault(&log, error))?;
        let mut file = match fs::OpenOptions::new().write(true).open(&path) {
            // Somebody was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(failed)?,
        };
        file.write_all(&[0; 32]).and_then(|()| file.sync_all()).map_err(failed)?;
        fs::remove_file(&path).map_err(failed)?;
        let folder = fs::File::open(self.0.join("keys"));
        folder.and_then(|folder| folder.sync_all()).map_err(failed)
    }

    /// What is public of it.
    pub fn announcement(&self) -> Result<Announcement, SecretError> {
        let mut keys: BTreeMap<String, BTreeMap<u32, String>> = BTreeMap::new();
        for ((lane, epoch), key) in self.keys()? {
            keys.entry(lane.name().into()).or_default().insert(epoch, hex(&key.public().to_bytes()));
        }
        Ok(Announcement {
            name: self.name()?,
            gateway: STANDARD.encode(self.gateway()?.encode()?),
            sealing: hex(self.opening()?.public()?.octets()),
            keys,
        })
    }

    /// What is public of a provider's.
    pub fn provider(&self, url: &str) -> Result<Provider, SecretError> {
        let key = STANDARD.encode(self.issuer()?.public().modulus());
        Ok(Provider { name: self.name()?, url: url.into(), key })
    }

    fn epochs(&self) -> Result<Vec<(Lane, u32)>, SecretError> {
        let folder = self.0.join("keys");
        let entries = fs::read_dir(&folder).map_err(|error| self.fault(&folder, error))?;
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        Ok(names.filter_map(|name| epoch_of(name.strip_suffix(".key")?)).collect())
    }

    fn destroyed(&self) -> Result<BTreeSet<(Lane, u32)>, SecretError> {
        let path = self.0.join(DESTROYED);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read.map_err(|error| self.fault(&path, error))?,
        };
        Ok(text.lines().filter_map(|line| epoch_of(&line.strip_suffix('.')?.replace(' ', "-"))).collect())
    }

    fn read(&self, file: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let path = self.0.join(file);
        fs::read(&path).map(Zeroizing::new).map_err(|error| self.fault(&path, error))
    }

    /// A file that must not be there yet.
    fn put(&self, file: &str, octets: &[u8]) -> Result<(), SecretError> {
        let path = self.0.join(file);
        let opened = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        opened
            .and_then(|mut file| file.write_all(octets).and_then(|()| file.sync_all()))
            .map_err(|error| self.fault(&path, error))
    }

    fn fault(&self, path: &Path, error: io::Error) -> SecretError {
        SecretError::File { path: path.display().to_string(), error }
    }

    fn content(&self, file: &str, what: &'static str) -> SecretError {
        SecretError::Content { path: self.0.join(file).display().to_string(), what }
    }
}

/// A secret that two operators share, for what B hands over to A: at least 32 octets.
pub fn read_shared(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let shown = path.display().to_string();
    let octets = fs::read(path).map(Zeroizing::new);
    let octets = octets.map_err(|error| SecretError::File { path: shown.clone(), error })?;
    let is_long = octets.len() >= 32;
    is_long.then_some(octets).ok_or(SecretError::Content { path: shown, what: "at least 32 octets" })
}

fn file_of(lane: Lane, epoch: u32) -> String {
    format!("keys/{}-{epoch}.key", lane.name())
}

fn epoch_of(name: &str) -> Option<(Lane, u32)> {
    let (lane, epoch) = name.split_once('-')?;
    Some((Lane::from_name(lane)?, epoch.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_was_destroyed_is_nowhere_and_never_comes_again() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::found(&place.path().join("a"), "An ninh").unwrap();
        assert_eq!(folder.make_keys(Lane::Security, 10, 3).unwrap(), 3);
        assert_eq!(folder.make_keys(Lane::Security, 10, 3).unwrap(), 0);
        let before = folder.announcement().unwrap();
        let secret = folder.keys().unwrap()[&(Lane::Security, 10)].to_bytes();
        let calendar = Calendar::default();
        let over = calendar.after(Lane::Security, 10, DESTROY_HOURS);
        assert_eq!(folder.destroy_overdue(calendar, over - 1).unwrap(), []);
        assert_eq!(folder.destroy_overdue(calendar, over).unwrap(), [(Lane::Security, 10)]);
        assert!(matches!(folder.make_keys(Lane::Security, 10, 1), Err(SecretError::Destroyed { epoch: 10, .. })));
        let left = folder.announcement().unwrap();
        assert_eq!(left.keys["security"].len(), 2);
        assert_eq!((left.gateway, left.sealing), (before.gateway, before.sealing), "the others stay");
        // Power fails while a note is written, and again when the key is zeros already.
        let log = place.path().join("a/destroyed");
        let whole = fs::read_to_string(&log).unwrap();
        fs::write(&log, whole + "\nsecurity 1").unwrap();
        assert_eq!(folder.destroyed().unwrap(), BTreeSet::from([(Lane::Security, 10)]), "a torn note is none");
        fs::write(place.path().join("a/keys/security-10.key"), [0; 32]).unwrap();
        assert_eq!(folder.announcement().unwrap().keys["security"].len(), 2);
        let later = calendar.after(Lane::Security, 11, DESTROY_HOURS);
        assert_eq!(folder.destroy_overdue(calendar, later).unwrap().len(), 2);
        let noted = BTreeSet::from([(Lane::Security, 10), (Lane::Security, 11)]);
        assert_eq!(folder.destroyed().unwrap(), noted);
        let kept = fs::read_dir(place.path().join("a/keys")).unwrap();
        let kept: Vec<Vec<u8>> = kept.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
        assert_eq!(kept.len(), 1, "of three");
        assert!(kept.into_iter().all(|octets| octets != secret.as_slice()));
    }
}
