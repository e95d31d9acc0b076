//! Who is where: addresses and names. Every place (one router with its proxy) has a number, from which all follows.

use std::net::Ipv4Addr;

/// The number of a place, 1 to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(pub u8);

/// Client addresses of a place besides the first: one alone has ports for 55,000 connections, and proxies limit each.
pub const CLIENTS: u8 = 64;
/// Names that are asked for, all allowed.
pub const ALLOWED: usize = 200;
/// Registrable domains of these names; each is in the certificate by a wildcard.
pub const DOMAINS: usize = 10;
/// Octets of a page, and of the short answer that stands for one.
pub const PAGE: usize = 1024;

/// Where a client's octets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// HTTP over TLS, and plain HTTP.
    Web,
    /// What begins as TLS and then is opaque octets, without any cryptography.
    Opaque,
}

impl Place {
    /// Of a TEST-NET, so that no proxy takes it for an address inside the home.
    fn outside(self, last: u8) -> Ipv4Addr {
        Ipv4Addr::new(203, 0, 113, self.0 * 16 + last)
    }

    pub fn service(self, service: Service) -> Ipv4Addr {
        self.outside(if service == Service::Web { 1 } else { 2 })
    }

    /// The name server: it knows all names, as addresses of its own place.
    pub fn resolver(self) -> Ipv4Addr {
        self.outside(3)
    }

    pub fn outside_net(self) -> String {
        format!("{}/28", self.outside(0))
    }

    pub fn inside_net(self) -> String {
        format!("10.{}.0.0/16", self.0)
    }

    /// The router as clients see it.
    pub fn router(self) -> Ipv4Addr {
        Ipv4Addr::new(10, self.0, 0, 1)
    }

    /// Client `number`, 0 to `CLIENTS`.
    pub fn client(self, number: u8) -> Ipv4Addr {
        if number == 0 { Ipv4Addr::new(10, self.0, 0, 2) } else { Ipv4Addr::new(10, self.0, 1, number) }
    }

    /// The router towards the internet, and the internet towards the router.
    pub fn link(self) -> [Ipv4Addr; 2] {
        [Ipv4Addr::new(172, 30, self.0, 2), Ipv4Addr::new(172, 30, self.0, 1)]
    }
}

/// Which place and service an address outside belongs to.
pub fn service_at(addr: Ipv4Addr) -> Service {
    if addr.octets()[3] % 16 == 2 { Service::Opaque } else { Service::Web }
}

/// An allowed name, which begins with the letter of its service.
pub fn allowed(service: Service, number: usize) -> String {
    let letter = if service == Service::Web { 'w' } else { 'q' };
    format!("{letter}{}.fine{}.example", number % ALLOWED, number % DOMAINS)
}

/// What an allowed name leads to.
pub fn service_of(first_letter: u8) -> Service {
    // Resolvers mix letter cases (draft-vixie-dnsext-dns0x20).
    if first_letter.eq_ignore_ascii_case(&b'q') { Service::Opaque } else { Service::Web }
}

pub fn listed(number: usize) -> String {
    format!("n{number}.listed{}.example", number % 997)
}

/// Wildcards that cover all allowed names, and the listed one that is tried.
pub fn certified() -> Vec<String> {
    let mut names: Vec<String> = (0..DOMAINS).map(|domain| format!("*.fine{domain}.example")).collect();
    names.push("*.listed0.example".to_owned());
    names
}
