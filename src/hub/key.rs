//! Keys that sign: Ed25519 in a file of their own (PKCS#8 as PEM), or somewhere we never see (a token), where only the
//! public half comes here.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use tough::schema::key::Key;

use crate::lists::compile::hex;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file.
    #[error("key {path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// Its content.
    #[error("key {path} is no Ed25519 key in PKCS#8 (PEM)")]
    Format {
        /// Which.
        path: String,
    },
    /// A public key that is none.
    #[error("{0:?} is no public key (64 hexadecimal digits of an Ed25519 key)")]
    Public(String),
    /// The library refused.
    #[error("no key could be made")]
    Make,
}

/// A key that can sign.
pub struct SigningKey {
    pair: Ed25519KeyPair,
}

/// The public half, with the id metadata names it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// SHA-256 of its canonical form, hexadecimal.
    pub id: String,
    /// As metadata holds it.
    pub key: Key,
}

impl SigningKey {
    /// Makes one and writes it to a file that only its owner reads, and that must not be there yet.
    pub fn create(path: &Path) -> Result<SigningKey, KeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| KeyError::Make)?;
        let document = pair.to_pkcs8v1().map_err(|_| KeyError::Make)?;
        let failed = |error| KeyError::File { path: path.display().to_string(), error };
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut file = file.map_err(failed)?;
        file.write_all(pem(document.as_ref()).as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(SigningKey { pair })
    }

    /// Reads one.
    pub fn read(path: &Path) -> Result<SigningKey, KeyError> {
        let shown = path.display().to_string();
        let text = fs::read(path).map_err(|error| KeyError::File { path: shown.clone(), error })?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(&text).map_err(|_| KeyError::Format { path: shown.clone() })?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der.secret_pkcs8_der());
        Ok(SigningKey { pair: pair.map_err(|_| KeyError::Format { path: shown })? })
    }

    /// Its public half.
    pub fn public(&self) -> Result<PublicKey, KeyError> {
        PublicKey::parse(&self.public_hex())
    }

    /// The public half's 32 octets, hexadecimal.
    pub fn public_hex(&self) -> String {
        hex(self.pair.public_key().as_ref())
    }

    /// The same as they are.
    pub fn public_octets(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs octets (RFC 8032).
    pub fn sign(&self, octets: &[u8]) -> Vec<u8> {
        self.pair.sign(octets).as_ref().to_vec()
    }
}

impl PublicKey {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<PublicKey, KeyError> {
        let bad = || KeyError::Public(text.to_string());
        if text.len() != 64 || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
            return Err(bad());
        }
        let value = json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": text.to_ascii_lowercase()}});
        let key: Key = serde_json::from_value(value).map_err(|_| bad())?;
        let id = key.key_id().map_err(|_| bad())?;
        Ok(PublicKey { id: hex(&id), key })
    }
}

/// Lines of 64 letters (RFC 7468 §2).
fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut out = String::from("-----BEGIN PRIVATE KEY-----\n");
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().map(|octet| char::from(*octet)));
        out.push('\n');
    }
    out + "-----END PRIVATE KEY-----\n"
}
