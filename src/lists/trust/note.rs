//! Signed notes (C2SP signed-note, tlog-checkpoint, tlog-cosignature): a short text, and who says that it is so.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Kind of a key that signs the text itself.
pub const SIGNS: u8 = 1;
/// Kind of a key that signs when the text was seen (cosignature/v1).
pub const COSIGNS: u8 = 4;
/// More signatures than this are a flood.
const SIGNATURES_MAX: usize = 64;

/// Somebody whose word counts: `name+hash+key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    hash: [u8; 4],
    kind: u8,
    key: Vec<u8>,
}

/// Why a note or a key is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A key in no known form.
    #[error("no verifier key (\"name+1a2b3c4d+base64\")")]
    Key,
    /// A note in no known form.
    #[error("no signed note")]
    Note,
}

impl VerifierKey {
    /// Of a public key with the name it is known by.
    pub fn new(name: &str, kind: u8, public: &[u8]) -> VerifierKey {
        let key = [&[kind], public].concat();
        let sum = digest(&SHA256, &[name.as_bytes(), b"\n", &key].concat());
        let mut hash = [0; 4];
        hash.copy_from_slice(&sum.as_ref()[..4]);
        VerifierKey { name: name.into(), hash, kind, key: public.to_vec() }
    }

    /// Reads its text.
    pub fn parse(text: &str) -> Result<VerifierKey, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Key);
        };
        let octets = STANDARD.decode(key).map_err(|_| NoteError::Key)?;
        let (kind, public) = octets.split_first().ok_or(NoteError::Key)?;
        if name.is_empty() || public.len() != 32 || !matches!(*kind, SIGNS | COSIGNS) {
            return Err(NoteError::Key);
        }
        let made = VerifierKey::new(name, *kind, public);
        if hash.eq_ignore_ascii_case(&hex4(made.hash)) { Ok(made) } else { Err(NoteError::Key) }
    }

    /// What others write into their configuration.
    pub fn text(&self) -> String {
        format!("{}+{}+{}", self.name, hex4(self.hash), STANDARD.encode([&[self.kind], &self.key[..]].concat()))
    }

    /// The line of a signature that was made with the key.
    pub fn line(&self, signature: &[u8]) -> String {
        format!("\u{2014} {} {}\n", self.name, STANDARD.encode([&self.hash[..], signature].concat()))
    }

    /// The name it is known by.
    pub fn name(&self) -> &str {
        &self.name
    }
}

fn hex4(hash: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(hash))
}

/// A text and its signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with the end of its last line.
    pub text: String,
    signatures: Vec<(String, Vec<u8>)>,
}

impl Note {
    /// Takes a note apart; signatures that are in no known form count as none.
    pub fn parse(octets: &[u8]) -> Result<Note, NoteError> {
        let all = std::str::from_utf8(octets).map_err(|_| NoteError::Note)?;
        let end = all.rfind("\n\n").ok_or(NoteError::Note)?;
        let (text, lines) = (all.get(..=end).ok_or(NoteError::Note)?, all.get(end + 2..).unwrap_or_default());
        let read = |line: &str| {
            let (name, octets) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
            Some((name.to_string(), STANDARD.decode(octets).ok()?))
        };
        if lines.lines().count() > SIGNATURES_MAX {
            return Err(NoteError::Note);
        }
        Ok(Note { text: text.into(), signatures: lines.lines().filter_map(read).collect() })
    }

    /// True when the key signed the text.
    pub fn is_signed_by(&self, key: &VerifierKey) -> bool {
        key.kind == SIGNS && self.of(key).any(|signature| verify(key, self.text.as_bytes(), signature))
    }

    /// When the witness saw the text, seconds since 1970; the newest of its valid cosignatures.
    pub fn seen_by(&self, key: &VerifierKey) -> Option<u64> {
        if key.kind != COSIGNS {
            return None;
        }
        let times = self.of(key).filter_map(|signature| {
            let (time, signature) = signature.split_first_chunk::<8>()?;
            let time = u64::from_be_bytes(*time);
            verify(key, cosigned(time, &self.text).as_bytes(), signature).then_some(time)
        });
        times.max()
    }

    fn of<'n>(&'n self, key: &'n VerifierKey) -> impl Iterator<Item = &'n [u8]> {
        let own = self.signatures.iter().filter(|(name, octets)| *name == key.name && octets.starts_with(&key.hash));
        own.filter_map(|(_, octets)| octets.get(4..))
    }
}

/// What a witness signs.
pub fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn verify(key: &VerifierKey, octets: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, &key.key).verify(octets, signature).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of the Go implementation of signed notes (golang.org/x/mod/sumdb/note): PeterNeumann's key.
    const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_that_others_signed_is_believed() {
        let key = VerifierKey::parse(PETER).unwrap();
        assert_eq!(key.text(), PETER);
        let note = Note::parse(NOTE.as_bytes()).unwrap();
        assert!(note.is_signed_by(&key));
        let other = Note::parse(NOTE.replace("answer", "Answer").as_bytes()).unwrap();
        assert!(!other.is_signed_by(&key));
        assert_eq!(note.seen_by(&key), None, "a signature is no cosignature");
    }

    #[test]
    fn what_is_no_key_or_note_is_refused() {
        for text in
            ["", "a", "a+b", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "x+00000000+AQ=="]
        {
            assert_eq!(VerifierKey::parse(text), Err(NoteError::Key), "{text}");
        }
        assert_eq!(Note::parse(b"text\n"), Err(NoteError::Note));
        assert_eq!(Note::parse(&[0xff, b'\n', b'\n']), Err(NoteError::Note));
        assert!(Note::parse(("a\n\n".to_string() + &"\u{2014} a AAAA\n".repeat(65)).as_bytes()).is_err());
    }
}
