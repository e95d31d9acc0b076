//! A message for an operator's gateway, closed so that the relay that carries it reads nothing (Oblivious HTTP, RFC 9458; the
//! request inside in binary HTTP, RFC 9292). Octets in, octets out; sends nothing.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;
use std::io::Cursor;

use bhttp::{Message, Mode};
use ohttp::{ClientRequest, ClientResponse};

/// What a closed request is to HTTP.
pub const REQUEST_TYPE: &str = "message/ohttp-req";
/// Octets of the longest closed answer that is read. Ours have 96 octets of content.
pub const ANSWER_MAX: usize = 4096;

/// Why a message was not closed, or an answer not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObliviousError {
    /// The gateway's key configuration is none.
    #[error("the gateway's key configuration cannot be used")]
    Key,
    /// The answer was not made for this request, or is none.
    #[error("no answer to this request")]
    Answer,
}

/// What opens the answer to one request. Kept until it comes.
pub struct Opening(ClientResponse);

/// What a gateway answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner {
    /// Its status.
    pub status: u16,
    /// Its content.
    pub content: Vec<u8>,
}

/// Closes `POST path` with that content for the gateway of that key configuration.
pub fn close(gateway: &[u8], path: &str, content: &[u8]) -> Result<(Vec<u8>, Opening), ObliviousError> {
    // Id 1, KEM 2 and key 32 octets; then how many octets of algorithms there are: without one there is nothing to choose.
    if gateway.get(35..37).is_none_or(|length| length == [0, 0]) {
        return Err(ObliviousError::Key);
    }
    let mut request = Message::request(b"POST".to_vec(), b"https".to_vec(), Vec::new(), path.as_bytes().to_vec());
    request.write_content(content);
    let mut inner = Vec::new();
    request.write_bhttp(Mode::KnownLength, &mut inner).map_err(|_| ObliviousError::Key)?;
    let client = ClientRequest::from_encoded_config(gateway).map_err(|_| ObliviousError::Key)?;
    let (closed, opening) = client.encapsulate(&inner).map_err(|_| ObliviousError::Key)?;
    Ok((closed, Opening(opening)))
}

impl Opening {
    /// Opens the answer.
    pub fn open(self, octets: &[u8]) -> Result<Inner, ObliviousError> {
        if octets.len() > ANSWER_MAX {
            return Err(ObliviousError::Answer);
        }
        let inner = self.0.decapsulate(octets).map_err(|_| ObliviousError::Answer)?;
        let message = Message::read_bhttp(&mut Cursor::new(inner)).map_err(|_| ObliviousError::Answer)?;
        let status = message.control().status().ok_or(ObliviousError::Answer)?.code();
        Ok(Inner { status, content: message.content().to_vec() })
    }
}

impl fmt::Debug for Opening {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Opening")
    }
}
