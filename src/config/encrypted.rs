//! `[dns.encrypted]`: the doors that hide what is asked, and what they show.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::read::{duration, number};
use crate::document::{At, Table};
use crate::name::Name;

/// Encrypted doors; all lists empty when there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// DNS over TLS.
    pub tls: Vec<SocketAddr>,
    /// DNS over HTTPS: HTTP/1.1 and HTTP/2 by TCP, HTTP/3 by UDP.
    pub https: Vec<SocketAddr>,
    /// DNS over QUIC.
    pub quic: Vec<SocketAddr>,
    /// The resolver's own name.
    pub name: Option<Name>,
    /// Its addresses as clients see them.
    pub addresses: Vec<IpAddr>,
    /// Certificate chain and key; `None` makes one.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Connections at once, for each kind of door.
    pub connections_max: usize,
    /// A connection on which nothing is asked is closed after this.
    pub idle: Duration,
}

impl Encrypted {
    /// True when no door is open.
    pub fn is_off(&self) -> bool {
        self.tls.is_empty() && self.https.is_empty() && self.quic.is_empty()
    }
}

pub(super) fn encrypted(dns: &mut Table<'_>, beside: &Path) -> Encrypted {
    let mut off = Encrypted {
        tls: Vec::new(),
        https: Vec::new(),
        quic: Vec::new(),
        name: None,
        addresses: Vec::new(),
        certificate: None,
        connections_max: 1024,
        idle: Duration::from_secs(30),
    };
    let Some(mut table) = dns.table("encrypted") else { return off };
    let certificate = existing(&mut table, "certificate", beside);
    let key = existing(&mut table, "key", beside);
    if certificate.is_some() != key.is_some() {
        table.fault(&table.span(), "`certificate` and `key` go together");
    }
    off.connections_max = number(&mut table, "connections_max", 1024, 1..=1 << 20) as usize;
    off.idle = duration(&mut table, "idle", 30, 1..=600);
    Encrypted {
        tls: table.or("tls", Vec::new()),
        https: table.or("https", Vec::new()),
        quic: table.or("quic", Vec::new()),
        name: table.get::<Name>("name").map(|at| at.value),
        addresses: table.or("addresses", Vec::new()),
        certificate: certificate.zip(key),
        ..off
    }
}

fn existing(table: &mut Table<'_>, key: &'static str, beside: &Path) -> Option<PathBuf> {
    let file: At<PathBuf> = table.get(key)?;
    let path = beside.join(&file.value);
    if !path.is_file() {
        table.fault(&file.span, format!("file {} does not exist", path.display()));
    }
    Some(path)
}
