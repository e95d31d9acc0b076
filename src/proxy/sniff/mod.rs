//! What the first octets of a connection say of where it wants to go. Pure: octets in, [`Sniffed`] out; every parser has a
//! limit, and none trusts a length.

pub mod http;
pub mod quic;
pub mod tls;

mod crypto;
mod hello;
mod host;
mod initial;
mod reader;

pub use host::Host;

use crate::name::Name;

/// Where a connection wants to go, as far as its first octets tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sniffed {
    /// The name it asks for; `None` when it names none (no SNI, an address as Host, something else than TLS or HTTP).
    pub name: Option<Name>,
    /// Path and query, where they can be seen: plain HTTP today, decrypted connections if ever there are any.
    pub url: Option<String>,
    /// It carries the Encrypted Client Hello extension, real or GREASE: only the name tells (RFC 9849 §6.2).
    pub ech: bool,
}

/// How far a parser that is fed piece by piece has come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "every connection ends in the large one, and none is kept as this type")]
pub enum Progress {
    /// More octets are needed.
    More,
    /// All that had to be known is known.
    Done(Sniffed),
    /// Its first octets prove that it is another protocol. It names nobody: the profile decides as for no name.
    Alien,
    /// It is this protocol, but malformed, ambiguous or over a limit. A server may still make sense of it, and of another
    /// name than we would: never let through, whatever the profile says of connections without a name.
    Malformed,
}
