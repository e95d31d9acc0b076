//! Tokens that a line's provider signs without seeing them (RFC 9578 §6, Blind RSA): who spends one is a subscriber, and
//! nobody knows which.

/// Octets of a token: type 2, nonce 32, challenge 32, key id 32, signature 256 (RFC 9578 §6).
pub const TOKEN_LEN: usize = 2 + 3 * 32 + 256;
