//! Which format a list is written in, and what its source says about the meaning of a line.

/// A list format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// `address name…`, as in `/etc/hosts`.
    Hosts,
    /// One name a line.
    Domains,
    /// One name or asterisk pattern a line.
    Wildcard,
    /// AdGuard DNS filtering syntax; only host rules count.
    Adblock,
    /// dnsmasq configuration.
    Dnsmasq,
    /// Response policy zone, as a master file (RFC 1035 §5).
    Rpz,
    /// Unbound configuration.
    Unbound,
    /// Squid `dstdomain` list.
    Squid,
    /// UT1/squidGuard `domains`.
    Ut1Domains,
    /// UT1/squidGuard `urls`.
    Ut1Urls,
    /// UT1/squidGuard `expressions`.
    Ut1Expressions,
    /// A feed of URLs, phishing for the most part.
    Urls,
    /// Addresses, prefixes and ranges.
    Ips,
    /// v2fly domain-list-community source.
    Dlc,
    /// Surge, Clash and Quantumult rules.
    Surge,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 15] = [
        Format::Hosts,
        Format::Domains,
        Format::Wildcard,
        Format::Adblock,
        Format::Dnsmasq,
        Format::Rpz,
        Format::Unbound,
        Format::Squid,
        Format::Ut1Domains,
        Format::Ut1Urls,
        Format::Ut1Expressions,
        Format::Urls,
        Format::Ips,
        Format::Dlc,
        Format::Surge,
    ];

    /// The format's name in the catalog and the configuration.
    pub fn code(self) -> &'static str {
        match self {
            Format::Hosts => "hosts",
            Format::Domains => "domains",
            Format::Wildcard => "wildcard",
            Format::Adblock => "adblock",
            Format::Dnsmasq => "dnsmasq",
            Format::Rpz => "rpz",
            Format::Unbound => "unbound",
            Format::Squid => "squid-dstdomain",
            Format::Ut1Domains => "ut1-domains",
            Format::Ut1Urls => "ut1-urls",
            Format::Ut1Expressions => "ut1-expressions",
            Format::Urls => "urls",
            Format::Ips => "ips",
            Format::Dlc => "dlc",
            Format::Surge => "surge",
        }
    }

    /// The format of that name; `None` when there is no such format.
    pub fn from_code(code: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.code() == code)
    }
}

/// What the source of a list says about it. The default takes every line at its narrowest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ParseOptions {
    /// What a plain name means, in `domains` and `wildcard` lists.
    pub plain: Plain,
    /// `*.x` means `x` too (HaGeZi, dnscrypt-proxy). Never so in an RPZ.
    pub star_includes_apex: bool,
}

/// What a plain name means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Plain {
    /// That name alone.
    #[default]
    Exact,
    /// The name and everything below it.
    Suffix,
}
