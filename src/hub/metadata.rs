//! A file of TUF metadata on its way from one officer to the next: made without signatures, signed by each on a machine of
//! their own, looked at before it is published.

use std::fs;
use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tough::schema::{Role, RoleType, Root, Signed, Snapshot, Targets, Timestamp};

use super::key::{KeyError, PublicKey, SigningKey};
use crate::lists::compile::hex;
use crate::lists::store::write_aside;

/// The version of the specification that the files follow.
pub const SPEC: &str = "1.0.0";

/// Why a file of metadata cannot be made or signed.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// Its content.
    #[error("{path} is no TUF metadata: {why}")]
    Format {
        /// Which.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Too few signatures, or wrong ones.
    #[error("{path}: {why}")]
    Signatures {
        /// Which.
        path: String,
        /// What is missing.
        why: String,
    },
    /// What was asked for makes no sense.
    #[error("{0}")]
    Asked(String),
    /// A key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// What is signed.
    pub signed: Value,
    /// Key id and signature, hexadecimal.
    pub signatures: Vec<(String, String)>,
}

impl Metadata {
    /// Unsigned.
    pub fn new(signed: Value) -> Metadata {
        Metadata { signed, signatures: Vec::new() }
    }

    /// Reads a file.
    pub fn read(path: &Path) -> Result<Metadata, MetadataError> {
        let shown = path.display().to_string();
        let text = fs::read(path).map_err(|error| MetadataError::File { path: shown.clone(), error })?;
        let format = |why: String| MetadataError::Format { path: shown.clone(), why };
        let value: Value = serde_json::from_slice(&text).map_err(|error| format(error.to_string()))?;
        let signed = value.get("signed").cloned().ok_or_else(|| format("`signed` is missing".into()))?;
        let mut signatures = Vec::new();
        for one in value.get("signatures").and_then(Value::as_array).into_iter().flatten() {
            let field = |key| one.get(key).and_then(Value::as_str).map(str::to_string);
            let one = field("keyid").zip(field("sig"));
            signatures.push(one.ok_or_else(|| format("a signature without `keyid` and `sig`".into()))?);
        }
        let read = Metadata { signed, signatures };
        read.octets().map_err(|error| format(error.to_string()))?;
        Ok(read)
    }

    /// Writes it aside, then in its place.
    pub fn write(&self, path: &Path) -> Result<(), MetadataError> {
        let failed = |error| MetadataError::File { path: path.display().to_string(), error };
        let text = serde_json::to_vec_pretty(&self.value()).map_err(|error| failed(error.into()))?;
        write_aside(path, &text).map_err(failed)
    }

    fn value(&self) -> Value {
        let signatures: Vec<Value> =
            self.signatures.iter().map(|(keyid, sig)| json!({"keyid": keyid, "sig": sig})).collect();
        json!({"signed": self.signed, "signatures": signatures})
    }

    /// The octets that are signed: the canonical form (TUF §4.2).
    pub fn octets(&self) -> Result<Vec<u8>, MetadataError> {
        match self.signed.get("_type").and_then(Value::as_str) {
            Some("root") => canonical::<Root>(&self.signed),
            Some("targets") => canonical::<Targets>(&self.signed),
            Some("snapshot") => canonical::<Snapshot>(&self.signed),
            Some("timestamp") => canonical::<Timestamp>(&self.signed),
            other => Err(MetadataError::Asked(format!("{other:?} is no kind of metadata"))),
        }
    }

    /// Adds the signature of `key`, in place of an older one of the same key.
    pub fn sign(&mut self, key: &SigningKey) -> Result<PublicKey, MetadataError> {
        let public = key.public()?;
        let signature = key.sign(&self.octets()?);
        self.attach(&public.id, &hex(&signature));
        Ok(public)
    }

    /// Adds a signature that was made elsewhere.
    pub fn attach(&mut self, key_id: &str, signature: &str) {
        self.signatures.retain(|(other, _)| other != key_id);
        self.signatures.push((key_id.to_string(), signature.to_string()));
    }

    /// Its number.
    pub fn version(&self) -> u64 {
        self.signed.get("version").and_then(Value::as_u64).unwrap_or(0)
    }

    /// As many valid signatures as `root` demands for this kind of file.
    pub fn check(&self, shown: &str, root: &Metadata) -> Result<(), MetadataError> {
        let root: Root = typed(&root.signed)?;
        let verified = match self.signed.get("_type").and_then(Value::as_str) {
            Some("root") => root.verify_role(&self.typed::<Root>()?),
            Some("targets") => root.verify_role(&self.typed::<Targets>()?),
            Some("snapshot") => root.verify_role(&self.typed::<Snapshot>()?),
            _ => root.verify_role(&self.typed::<Timestamp>()?),
        };
        verified.map_err(|error| MetadataError::Signatures { path: shown.to_string(), why: error.to_string() })
    }

    fn typed<T: DeserializeOwned>(&self) -> Result<Signed<T>, MetadataError> {
        serde_json::from_value(self.value()).map_err(|error| MetadataError::Asked(error.to_string()))
    }
}

fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, MetadataError> {
    serde_json::from_value(value.clone()).map_err(|error| MetadataError::Asked(error.to_string()))
}

fn canonical<T: Role + DeserializeOwned>(value: &Value) -> Result<Vec<u8>, MetadataError> {
    typed::<T>(value)?.canonical_form().map_err(|error| MetadataError::Asked(error.to_string()))
}

/// Who may sign a kind of file.
#[derive(Debug, Clone, Default)]
pub struct Signers {
    /// Public keys.
    pub keys: Vec<PublicKey>,
    /// How many of them have to.
    pub threshold: u64,
}

/// A root: who may sign what.
#[derive(Debug, Clone, Default)]
pub struct Roots {
    /// The root itself.
    pub root: Signers,
    /// The list of files.
    pub targets: Signers,
    /// Which list of files is the newest.
    pub snapshot: Signers,
    /// That it still is.
    pub timestamp: Signers,
}

impl Roots {
    /// As a root of that number, unsigned.
    pub fn metadata(&self, version: u64, expires: &str) -> Result<Metadata, MetadataError> {
        let roles = [
            (RoleType::Root, &self.root),
            (RoleType::Targets, &self.targets),
            (RoleType::Snapshot, &self.snapshot),
            (RoleType::Timestamp, &self.timestamp),
        ];
        let mut keys = serde_json::Map::new();
        let mut stated = serde_json::Map::new();
        for (role, signers) in roles {
            if signers.threshold == 0 || signers.keys.len() < usize::try_from(signers.threshold).unwrap_or(usize::MAX) {
                let (keys, threshold) = (signers.keys.len(), signers.threshold);
                return Err(MetadataError::Asked(format!(
                    "role {role}: {keys} keys cannot give {threshold} signatures"
                )));
            }
            let ids: Vec<&str> = signers.keys.iter().map(|key| key.id.as_str()).collect();
            if (1..ids.len()).any(|at| ids[at..].contains(&ids[at - 1])) {
                return Err(MetadataError::Asked(format!("role {role}: one key is named twice")));
            }
            for key in &signers.keys {
                let value = serde_json::to_value(&key.key).map_err(|error| MetadataError::Asked(error.to_string()))?;
                keys.insert(key.id.clone(), value);
            }
            stated.insert(role.to_string(), json!({"keyids": ids, "threshold": signers.threshold}));
        }
        let signed = json!({
            "_type": "root", "spec_version": SPEC, "consistent_snapshot": true, "version": version, "expires": expires,
            "keys": keys, "roles": stated,
        });
        let made = Metadata::new(signed);
        made.octets()?;
        Ok(made)
    }

    /// What an older root says, to change some of it.
    pub fn of(root: &Metadata) -> Result<Roots, MetadataError> {
        let typed: Root = typed(&root.signed)?;
        let signers = |role: RoleType| {
            let keys = typed.roles.get(&role).map_or(&[][..], |role| &role.keyids);
            Signers {
                keys: keys
                    .iter()
                    .filter_map(|id| Some(PublicKey { id: hex(id), key: typed.keys.get(id)?.clone() }))
                    .collect(),
                threshold: typed.roles.get(&role).map_or(1, |role| role.threshold.get()),
            }
        };
        Ok(Roots {
            root: signers(RoleType::Root),
            targets: signers(RoleType::Targets),
            snapshot: signers(RoleType::Snapshot),
            timestamp: signers(RoleType::Timestamp),
        })
    }
}
