//! How a profile's connections are treated beside their names: QUIC, addresses without a name, names that do not belong to
//! their address, and what the kernel does while the program is not there.

use super::band::Band;

/// What becomes of QUIC (UDP 443).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quic {
    /// Rejected at once, so that browsers take TCP.
    Reject,
    /// Judged by the name in its first packets.
    Filter,
    /// Left alone.
    Allow,
}

/// What becomes of connections to addresses that no name explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nameless {
    /// Refused on every port: only addresses that our answers gave can be reached.
    Block,
    /// Refused on TCP 80 and 443; calls and games by UDP work.
    Tcp443,
    /// Allowed and counted.
    Log,
    /// Allowed.
    Allow,
}

/// What becomes of a connection whose name does not belong to its address (a false SNI or Host).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unexplained {
    /// It is led to an address that the name really has.
    Resolve,
    /// It is refused.
    Refuse,
    /// It is left alone.
    Allow,
}

/// What the kernel does with intercepted connections while the program does not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WhenDead {
    /// They pass as if the program were not installed.
    Open,
    /// They are dropped.
    Closed,
}

/// The treatment of one profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    /// Connections go through the proxy; off leaves the device untouched.
    pub intercept: bool,
    /// QUIC.
    pub quic: Quic,
    /// Addresses without a name.
    pub nameless: Nameless,
    /// Names that do not belong to their address.
    pub unexplained: Unexplained,
    /// VPN, Tor and proxy ports and shapes are rejected.
    pub block_tunnels: bool,
    /// Without the program.
    pub when_dead: WhenDead,
}

impl Network {
    /// What suits a band when nothing is said. Tunnels are a matter of the criteria; here they pass.
    pub const fn default_for(band: Band) -> Network {
        let nameless = match band {
            Band::Age0to5 | Band::Age6to9 => Nameless::Block,
            Band::Age10to12 | Band::Age13to15 => Nameless::Tcp443,
            Band::Age16to17 => Nameless::Log,
            Band::Adult => Nameless::Allow,
        };
        let (intercept, quic, unexplained) = match band {
            Band::Adult => (false, Quic::Allow, Unexplained::Allow),
            _ => (true, Quic::Reject, Unexplained::Resolve),
        };
        Network { intercept, quic, nameless, unexplained, block_tunnels: false, when_dead: WhenDead::Open }
    }
}

/// Gives a closed set the words that files use.
macro_rules! words {
    ($($type:ident: $($word:literal $value:ident),*;)*) => {
        $(impl $type {
            /// All, with the words that files use.
            pub const WORDS: &'static [(&'static str, $type)] = &[$(($word, $type::$value)),*];

            /// The word that files use.
            pub const fn code(self) -> &'static str {
                match self {
                    $($type::$value => $word),*
                }
            }
        })*
    };
}

words! {
    Quic: "reject" Reject, "filter" Filter, "allow" Allow;
    Nameless: "block" Block, "tcp443" Tcp443, "log" Log, "allow" Allow;
    Unexplained: "resolve" Resolve, "refuse" Refuse, "allow" Allow;
    WhenDead: "open" Open, "closed" Closed;
}
