//! `[web]`: where the portal and the dashboard are, and what they are called.

use std::net::{IpAddr, SocketAddr};

use super::read::number;
use crate::document::{At, Table};
use crate::name::Name;

/// The pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Web {
    /// Plain HTTP. Port 80 of the portal's addresses shows refused pages.
    pub listen: Vec<SocketAddr>,
    /// The same by TLS, with the certificate of the encrypted doors.
    pub listen_tls: Vec<SocketAddr>,
    /// Answered with `addresses`, so that people need no number.
    pub name: Name,
    /// This machine's addresses as devices see them.
    pub addresses: Vec<IpAddr>,
    /// Other names under which the dashboard may be asked for.
    pub hosts: Vec<Name>,
    /// Where quick exit leads.
    pub exit: String,
    /// Connections at once.
    pub connections_max: usize,
}

/// A name that is free to use in a home (RFC 8375).
const NAME: &str = "luytre.home.arpa";
/// A page nobody asks about.
const EXIT: &str = "https://vi.wikipedia.org/";

pub(super) fn web(root: &mut Table<'_>, portal: &[IpAddr]) -> Option<Web> {
    let mut table = root.table("web")?;
    let enabled = table.or("enabled", true);
    let listen: Vec<SocketAddr> = table.or("listen", Vec::new());
    let listen_tls: Vec<SocketAddr> = table.or("listen_tls", Vec::new());
    if enabled && listen.is_empty() && listen_tls.is_empty() {
        table.fault(&table.span(), "`listen` is missing: where the pages are ([\"0.0.0.0:80\", \"[::]:80\"])");
    }
    let name = table.get::<Name>("name").map(|at| at.value).or_else(|| Name::parse(NAME).ok())?;
    let mut addresses: Vec<IpAddr> = table.or("addresses", portal.to_vec());
    if addresses.is_empty() {
        let all = listen.iter().chain(&listen_tls).map(|addr| addr.ip());
        addresses = all.filter(|ip| !ip.is_unspecified()).collect();
        addresses.sort();
        addresses.dedup();
    }
    let exit = exit(&mut table);
    let web = Web {
        listen,
        listen_tls,
        name,
        addresses,
        hosts: table.or("hosts", Vec::new()),
        exit,
        connections_max: number(&mut table, "connections_max", 256, 8..=65_536) as usize,
    };
    enabled.then_some(web)
}

fn exit(table: &mut Table<'_>) -> String {
    let Some(exit): Option<At<String>> = table.get("exit") else { return EXIT.to_string() };
    let plain = exit.value.chars().all(|letter| letter.is_ascii_graphic() && !"\"'<>".contains(letter));
    if !exit.value.starts_with("https://") || !plain {
        table.fault(&exit.span, format!("{:?} is no address of a page (\"https://vi.wikipedia.org/\")", exit.value));
    }
    exit.value
}
