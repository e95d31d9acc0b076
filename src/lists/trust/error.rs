//! Why what an authority offers is not taken. Each reason has a message for people and a code for the metric.

use jiff::Timestamp;

use super::log::LogError;

use crate::lists::fetch::FetchError;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first authority.
    A,
    /// The second.
    B,
}

impl Side {
    /// Both, in order.
    pub const BOTH: [Side; 2] = [Side::A, Side::B];

    /// `a` or `b`.
    pub fn code(self) -> &'static str {
        match self {
            Side::A => "a",
            Side::B => "b",
        }
    }
}

/// Why the last good list stays in force.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No mirror of one side could be reached.
    #[error("authority {side}: nothing can be fetched from {place}: {why}", side = .side.code())]
    Unreachable {
        /// Whose.
        side: Side,
        /// The mirror asked.
        place: String,
        /// What the network said.
        why: String,
    },
    /// The root file configured cannot be used.
    #[error("authority {side}: its root {path} cannot be used: {why}", side = .side.code())]
    Anchor {
        /// Whose.
        side: Side,
        /// The file.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// Too few valid signatures.
    #[error("authority {side}: {what} is not signed as its root demands: {why}", side = .side.code())]
    Signature {
        /// Whose.
        side: Side,
        /// Which file.
        what: String,
        /// Which signatures there are.
        why: String,
    },
    /// One key signed twice to reach a threshold.
    #[error("authority {side}: {what} carries two signatures of one key", side = .side.code())]
    SameKeyTwice {
        /// Whose.
        side: Side,
        /// Which file.
        what: String,
    },
    /// A key that both sides use makes them one.
    #[error("both authorities use the key {0}; they are not two")]
    SharedKey(String),
    /// Older than what was seen before.
    #[error("authority {side}: rolled back: {why}", side = .side.code())]
    Rollback {
        /// Whose.
        side: Side,
        /// What went back.
        why: String,
    },
    /// The release is older than the one in force.
    #[error("release {offered} is older than release {current} in force: rolled back")]
    OldRelease {
        /// Offered.
        offered: u64,
        /// In force.
        current: u64,
    },
    /// Nobody has signed anew for too long, or the clock is wrong.
    #[error(
        "authority {side}: its {what} expired {at} and it is {now} here: held back by somebody, or the clock is wrong",
        side = .side.code()
    )]
    Expired {
        /// Whose.
        side: Side,
        /// Which file.
        what: &'static str,
        /// When.
        at: Timestamp,
        /// Now.
        now: Timestamp,
    },
    /// Files of different publications.
    #[error("authority {side}: files of different publications are mixed: {why}", side = .side.code())]
    Mixed {
        /// Whose.
        side: Side,
        /// Which.
        why: String,
    },
    /// Not what it should be.
    #[error("authority {side}: {what} cannot be read: {why}", side = .side.code())]
    Malformed {
        /// Whose.
        side: Side,
        /// Which file.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// More than was announced or than anything may be.
    #[error("{what} is larger than the {bytes_max} octets it may have")]
    TooLarge {
        /// Which file.
        what: String,
        /// The limit.
        bytes_max: u64,
    },
    /// Slower than the limit.
    #[error("{what} did not come in time: {why}")]
    TooSlow {
        /// Which file.
        what: String,
        /// The limit.
        why: String,
    },
    /// Fewer octets than announced.
    #[error("{what} ended after {got} of {told} octets")]
    Truncated {
        /// Which file.
        what: String,
        /// Octets that came.
        got: u64,
        /// Octets announced.
        told: u64,
    },
    /// Other octets than were signed.
    #[error("{what} is corrupted: its SHA-256 is {got}, signed is {told}")]
    Corrupted {
        /// Which file.
        what: String,
        /// Of what came.
        got: String,
        /// As signed.
        told: String,
    },
    /// Only one side names the file.
    #[error("{what} is signed by authority {side} alone", side = .side.code())]
    OneSide {
        /// Which file.
        what: String,
        /// Who names it.
        side: Side,
    },
    /// Both name it, and not the same.
    #[error("the authorities do not agree on {0}: length or SHA-256 differ")]
    Disagree(String),
    /// Neither has published anything.
    #[error("the authorities have not published {0} yet")]
    Nothing(String),
    /// A format of another time.
    #[error("{what} has format {format}, which this program does not read; a newer one does")]
    Unsupported {
        /// Which file.
        what: String,
        /// Its number.
        format: u32,
    },
    /// What the release says of itself and what it holds differ.
    #[error("{0}")]
    Inconsistent(String),
    /// The transparency log does not bear it out.
    #[error("the log does not bear out the release: {0}")]
    Log(#[from] LogError),
    /// No place of either side has the log.
    #[error("the log cannot be fetched: {0}")]
    LogUnreachable(String),
    /// It would block what must not be blocked, or changes too much at once.
    #[error("release {version} is held back: {}", .why.join("; "))]
    Held {
        /// Which.
        version: u64,
        /// Each reason.
        why: Vec<String>,
    },
    /// It was in force and the program did not stay up.
    #[error("release {0} is not taken again: with it the program did not stay up")]
    Bad(u64),
    /// The disk refused, or is full.
    #[error("cannot be kept: {0}")]
    Disk(#[from] std::io::Error),
}

impl TrustError {
    /// The value of the metric's label `reason`, and of the state.
    pub fn code(&self) -> &'static str {
        match self {
            TrustError::Unreachable { .. } | TrustError::LogUnreachable(_) => "unreachable",
            TrustError::Anchor { .. } => "anchor",
            TrustError::Signature { .. } => "signature",
            TrustError::SameKeyTwice { .. } => "same_key",
            TrustError::SharedKey(_) => "shared_key",
            TrustError::Rollback { .. } | TrustError::OldRelease { .. } => "rollback",
            TrustError::Expired { .. } => "expired",
            TrustError::Mixed { .. } => "mixed",
            TrustError::Malformed { .. } | TrustError::Inconsistent(_) => "malformed",
            TrustError::TooLarge { .. } => "too_large",
            TrustError::TooSlow { .. } => "too_slow",
            TrustError::Truncated { .. } => "truncated",
            TrustError::Corrupted { .. } => "corrupted",
            TrustError::OneSide { .. } => "one_side",
            TrustError::Disagree(_) => "disagree",
            TrustError::Nothing(_) => "nothing",
            TrustError::Unsupported { .. } => "unsupported",
            TrustError::Held { .. } => "held",
            TrustError::Log(_) => "log",
            TrustError::Bad(_) => "bad",
            TrustError::Disk(_) => "disk",
        }
    }

    /// Every code, for the metric.
    pub const CODES: [&'static str; 21] = [
        "unreachable",
        "anchor",
        "signature",
        "same_key",
        "shared_key",
        "rollback",
        "expired",
        "mixed",
        "malformed",
        "too_large",
        "too_slow",
        "truncated",
        "corrupted",
        "one_side",
        "disagree",
        "nothing",
        "unsupported",
        "held",
        "log",
        "bad",
        "disk",
    ];

    /// A file of any kind that did not come.
    pub(super) fn of_fetch(side: Side, place: &str, what: &str, error: FetchError) -> TrustError {
        let what = what.to_string();
        match error {
            FetchError::TooLarge(bytes_max) => TrustError::TooLarge { what, bytes_max },
            FetchError::TooSlow(_) => TrustError::TooSlow { what, why: error.to_string() },
            FetchError::Short { got, told } => TrustError::Truncated { what, got, told },
            FetchError::Disk(error) => TrustError::Disk(error),
            other => TrustError::Unreachable { side, place: place.to_string(), why: format!("{what}: {other}") },
        }
    }
}
