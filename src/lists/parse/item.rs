//! What a line of a list says, in one vocabulary for all formats.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::classify::url::{Host, Scheme, write_url};
use crate::name::Name;

/// A finding on one line. A line gives at least one, and may give several.
// Boxing the large variant would allocate once a line, millions of times a list.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone, PartialEq)]
pub enum Item<'a> {
    /// A rule.
    Entry(Entry<'a>),
    /// The line, or a part of it, has no effect here and is no mistake.
    Ignored {
        /// From 1.
        line: u64,
        /// Why it has none.
        why: Ignored,
    },
    /// The line, or a part of it, cannot be used.
    Error {
        /// From 1.
        line: u64,
        /// What is wrong.
        code: ErrorCode,
    },
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'a> {
    /// From 1.
    pub line: u64,
    /// What the rule is about.
    pub subject: Subject<'a>,
    /// What it wants done.
    pub action: EntryAction<'a>,
    /// Conditions and remarks; empty for nearly every rule.
    pub details: Details<'a>,
}

/// What a rule is about. Displayed as its value: a name in lower-case A-labels without the final dot, a prefix, a pattern.
#[allow(clippy::large_enum_variant)] // as for `Item`
#[derive(Debug, Clone, PartialEq)]
pub enum Subject<'a> {
    /// This name alone.
    Exact(Name),
    /// This name and everything below it.
    Suffix(Name),
    /// Everything below this name.
    Subdomains(Name),
    /// A pattern as written. In `wildcard` and `surge` it covers the whole name (`*`, `?`, `[…]`); in `adblock` it has
    /// adblock's anchors (`||`, `|`, `^`), and matches anywhere in the name where it has none.
    Glob(Cow<'a, str>),
    /// Names that start with this text.
    Prefix(Cow<'a, str>),
    /// Names that hold this text.
    Keyword(Cow<'a, str>),
    /// Names in which this expression is found, blind to case. It compiles, in linear time.
    Regex(Cow<'a, str>),
    /// URLs of this host whose path is that of `rest` or stands below it. A `rest` with a query means
    /// that path alone, and queries that start with these arguments.
    Url {
        /// The host.
        host: Name,
        /// The port, when it is not the scheme's own.
        port: Option<u16>,
        /// Path and query, normalised; starts with `/`.
        rest: Cow<'a, str>,
        /// URLs of all hosts below it too.
        subdomains: bool,
    },
    /// The same for a host given by address.
    IpUrl {
        /// The host.
        ip: IpAddr,
        /// The port, when it is not the scheme's own.
        port: Option<u16>,
        /// Path and query, normalised; starts with `/`.
        rest: Cow<'a, str>,
    },
    /// URLs, without their scheme, in which this expression is found, blind to case. It compiles, in linear time.
    UrlRegex(Cow<'a, str>),
    /// An address.
    Ip(IpAddr),
    /// A prefix without host bits.
    Cidr(IpNet),
    /// Addresses from the first to the last, both included, of one family, in order.
    IpRange(IpAddr, IpAddr),
    /// Another list of the same collection.
    Include(Cow<'a, str>),
    /// RPZ: answers holding such an address.
    ResponseIp(IpNet),
    /// RPZ: names served by this name server.
    Nsdname(Name),
    /// RPZ: names served by a name server below this name.
    NsdnameSubdomains(Name),
    /// RPZ: names whose name server has such an address.
    Nsip(IpNet),
    /// RPZ: questions from such an address.
    ClientIp(IpNet),
    /// Unbound: data for this name.
    LocalData(Name),
}

impl Subject<'_> {
    /// The kind of match, as in the format fixtures: `exact`, `suffix`, `url` …
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::Exact(_) => "exact",
            Subject::Suffix(_) => "suffix",
            Subject::Subdomains(_) => "subdomains",
            Subject::Glob(_) => "glob",
            Subject::Prefix(_) => "prefix",
            Subject::Keyword(_) => "keyword",
            Subject::Regex(_) => "regex",
            Subject::Url { subdomains: true, .. } => "url-suffix",
            Subject::Url { .. } | Subject::IpUrl { .. } => "url",
            Subject::UrlRegex(_) => "url-regex",
            Subject::Ip(_) => "ip",
            Subject::Cidr(_) => "cidr",
            Subject::IpRange(..) => "ip-range",
            Subject::Include(_) => "include",
            Subject::ResponseIp(_) => "response-ip",
            Subject::Nsdname(_) => "nsdname",
            Subject::NsdnameSubdomains(_) => "nsdname-subdomains",
            Subject::Nsip(_) => "nsip",
            Subject::ClientIp(_) => "client-ip",
            Subject::LocalData(_) => "local-data",
        }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Exact(name) | Subject::Suffix(name) | Subject::Subdomains(name) => name.fmt(out),
            Subject::Nsdname(name) | Subject::NsdnameSubdomains(name) | Subject::LocalData(name) => name.fmt(out),
            Subject::Glob(text) | Subject::Prefix(text) | Subject::Keyword(text) => out.write_str(text),
            Subject::Regex(text) | Subject::UrlRegex(text) | Subject::Include(text) => out.write_str(text),
            Subject::Url { host, port, rest, .. } => write_url(out, Host::Name(host), *port, rest),
            Subject::IpUrl { ip, port, rest } => write_url(out, Host::Addr(*ip), *port, rest),
            Subject::Ip(ip) => ip.fmt(out),
            Subject::Cidr(net) | Subject::ResponseIp(net) => net.fmt(out),
            Subject::Nsip(net) | Subject::ClientIp(net) => net.fmt(out),
            Subject::IpRange(first, last) => write!(out, "{first}-{last}"),
        }
    }
}

/// What a rule wants done. Formats that do not say how to block say `Block`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryAction<'a> {
    /// Refuse, in the way of whoever runs the list.
    Block,
    /// An exception from the rules of the same list.
    Allow,
    /// Answer with this address or this name (`*.x`: the asked name below `x`).
    Rewrite(Cow<'a, str>),
    /// Answer that the name does not exist.
    Nxdomain,
    /// Answer that the name has no such data.
    Nodata,
    /// Do not answer.
    Drop,
    /// Make the client ask again over TCP.
    TcpOnly,
    /// Answer REFUSED.
    Refuse,
    /// Answer everything below with the data of the name itself, given in other lines (Unbound).
    Redirect,
    /// Ask this server, `address` or `address:port`.
    Forward(Cow<'a, str>),
    /// Read the other list too.
    Include,
}

impl EntryAction<'_> {
    /// The action's name, as in the format fixtures.
    pub fn code(&self) -> &'static str {
        match self {
            EntryAction::Block => "block",
            EntryAction::Allow => "allow",
            EntryAction::Rewrite(_) => "rewrite",
            EntryAction::Nxdomain => "nxdomain",
            EntryAction::Nodata => "nodata",
            EntryAction::Drop => "drop",
            EntryAction::TcpOnly => "tcp-only",
            EntryAction::Refuse => "refuse",
            EntryAction::Redirect => "redirect",
            EntryAction::Forward(_) => "forward",
            EntryAction::Include => "include",
        }
    }

    /// Where a rewrite or a forward leads; `None` for every other action.
    pub fn target(&self) -> Option<&str> {
        match self {
            EntryAction::Rewrite(target) | EntryAction::Forward(target) => Some(target),
            _ => None,
        }
    }
}

/// Conditions and remarks of a rule. A rule with a condition the caller cannot honour (`dnstype`, `dnstype_not`, `client`,
/// `ctag`, `port`) must be left out, never applied without it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Details<'a> {
    /// Beats exceptions that are not important themselves.
    pub important: bool,
    /// Only for these query types, in capitals.
    pub dnstype: Vec<Cow<'a, str>>,
    /// Not for these query types, in capitals.
    pub dnstype_not: Vec<Cow<'a, str>>,
    /// Only for these clients: name, address or prefix; `~` in front means all but it.
    pub client: Vec<Cow<'a, str>>,
    /// Only for clients so tagged; `~` in front means all but those.
    pub ctag: Vec<Cow<'a, str>>,
    /// Names, with all below them, to which the rule does not apply.
    pub except: Vec<Name>,
    /// Only this port.
    pub port: Option<u16>,
    /// The scheme a URL was written with.
    pub scheme: Option<Scheme>,
    /// v2fly attributes, without `@`.
    pub attrs: Vec<Cow<'a, str>>,
    /// v2fly lists this rule also belongs to, without `&`.
    pub affiliations: Vec<Cow<'a, str>>,
    /// The URL stands for its whole host, which may be blocked by name.
    pub lift_to_host: bool,
}

/// A closed set of reasons, each with the code it is counted and shown by.
macro_rules! reasons {
    ($(#[$about:meta])* $name:ident { $($(#[$what:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$what])* $variant,)*
        }

        impl $name {
            /// Every reason, in the order of the type.
            pub const ALL: &'static [$name] = &[$($name::$variant,)*];

            /// The reason's name, as in the format fixtures.
            pub fn code(self) -> &'static str {
                match self {
                    $($name::$variant => $code,)*
                }
            }
        }
    };
}

reasons! {
    /// Why a line has no effect, without being a mistake.
    Ignored {
        /// Nothing on it.
        Blank = "blank",
        /// A remark.
        Comment = "comment",
        /// The first line of an adblock file.
        Header = "header",
        /// Names every hosts file gives its own machine.
        Localhost = "localhost",
        /// Preprocessor line, or a rule inside `!#if`; `$TTL`, `$ORIGIN`.
        Directive = "directive",
        /// Hides parts of a page; says nothing of hosts.
        Cosmetic = "cosmetic",
        /// A modifier that DNS cannot honour; without it the rule would be wider than meant.
        UnsupportedModifier = "unsupported-modifier",
        /// Takes back another rule.
        Badfilter = "badfilter",
        /// dnsmasq: names without a dot.
        UnqualifiedNames = "unqualified-names",
        /// Configuration of something else.
        OtherDirective = "other-directive",
        /// Head of a part of a configuration file.
        Section = "section",
        /// Records of the zone itself.
        Apex = "apex",
        /// Records without policy.
        OtherRecord = "other-record",
    }
}

reasons! {
    /// Why a line, or a part of it, cannot be used.
    ErrorCode {
        /// Over [`LINE_MAX`](super::LINE_MAX) octets.
        LineTooLong = "line-too-long",
        /// Octets that are not UTF-8, where text is needed.
        NotUtf8 = "not-utf8",
        /// A character that has no place there.
        BadChar = "bad-char",
        /// A label over 63 octets.
        LabelTooLong = "label-too-long",
        /// A name over 253 octets.
        NameTooLong = "name-too-long",
        /// Two dots in a row, a dot in front, nothing at all.
        EmptyLabel = "empty-label",
        /// Refused by UTS 46.
        BadIdna = "bad-idna",
        /// A name of one label where only longer ones make sense.
        SingleLabel = "single-label",
        /// No name after the address.
        NoName = "no-name",
        /// An address where a name belongs.
        IpAsName = "ip-as-name",
        /// Neither an address nor a name, or an address out of range.
        BadIp = "bad-ip",
        /// An address with a zone (`%eth0`).
        ScopedAddress = "scoped-address",
        /// A prefix with bits set behind its length.
        HostBitsSet = "host-bits-set",
        /// Would cover a whole public suffix.
        PublicSuffix = "public-suffix",
        /// Would cover everything.
        MatchesEverything = "matches-everything",
        /// A web page came instead of the list.
        Html = "html",
        /// The rule has no pattern.
        EmptyRule = "empty-rule",
        /// The rule is about a path or a port.
        PathRule = "path-rule",
        /// A path in a list of names.
        PathInDomains = "path-in-domains",
        /// Not an expression.
        RegexInvalid = "regex-invalid",
        /// Needs look-around or back-references, which do not run in linear time.
        RegexUnsupported = "regex-unsupported",
        /// A URL without host.
        NoHost = "no-host",
        /// A URL of a scheme that names no host.
        BadScheme = "bad-scheme",
        /// An opened `/`, `(` or `!#if` that is not closed.
        Unclosed = "unclosed",
        /// A quote that is not closed.
        UnclosedQuote = "unclosed-quote",
        /// A record type, zone type or kind of rule nobody knows.
        UnknownType = "unknown-type",
        /// The type is missing.
        MissingType = "missing-type",
        /// The record has no data.
        MissingRdata = "missing-rdata",
        /// The rule has no value.
        MissingValue = "missing-value",
        /// An RPZ address that does not follow the rules.
        BadRpzIp = "bad-rpz-ip",
        /// An owner outside the zone.
        OutOfZone = "out-of-zone",
        /// A dot inside a label.
        EscapedDot = "escaped-dot",
        /// A file that would have to be read from elsewhere.
        Include = "include",
    }
}
