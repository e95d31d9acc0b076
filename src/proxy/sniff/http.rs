//! HTTP/1 before and behind hyper: whether a connection speaks it at all, and what a parsed request head asks for. Accepts
//! only heads with exactly one meaning: where two readers could see two hosts or two bodies (RFC 9112 §3.2, §6.3, §11.2) the
//! request is refused. Never rewrites and never judges.
//!
//! hyper has already refused or evened out what it does not show: obsolete folding, blanks before colons, other line ends,
//! and of Content-Length beside Transfer-Encoding it passes on the second alone.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::Ipv6Addr;

use hyper::Method;
use hyper::Version;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::http::uri::{Scheme, Uri};

use super::Sniffed;
use super::host::Host;
use super::tls;

/// Port of the http scheme (RFC 9110 §4.2.1).
pub const PORT: u16 = 80;
/// Letters of the longest method registered, UPDATEREDIRECTREF, and some to spare (IANA "HTTP Methods").
const METHOD_MAX: usize = 24;
/// How a connection of HTTP/2 begins (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// What the first octets of a connection look like, whatever its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// More octets are needed; never more than twenty-four behind empty lines.
    More,
    /// Something that an HTTP/1 server may take for a request, for hyper to read and, if it is none, to refuse.
    Http1,
    /// HTTP/2 without TLS. Browsers do not speak it, and nothing here reads its names: to be refused.
    Http2,
    /// A record of TLS, for [`super::tls::Hello`] to read.
    Tls,
    /// Neither. It names nobody: the profile decides as for no name.
    Other,
}

/// Looks at the first octets. Empty lines before a request are passed over, as servers do (RFC 9112 §2.2), and a method may be
/// any token, since some servers take any: what is not surely something else is HTTP.
pub fn opening(prefix: &[u8]) -> Opening {
    let empty = prefix.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    let octets = prefix.get(empty..).unwrap_or(&[]);
    if octets.starts_with(PREFACE) {
        return Opening::Http2;
    }
    let method = octets.iter().take(METHOD_MAX + 1).take_while(|octet| is_token(**octet)).count();
    match octets.get(method..).unwrap_or(&[]) {
        _ if method > METHOD_MAX => Opening::Http1,
        [] if empty > METHOD_MAX => Opening::Http1,
        [] => Opening::More,
        _ if PREFACE.starts_with(octets) => Opening::More,
        [first, ..] if method == 0 && tls::CONTENT_TYPES.contains(first) => Opening::Tls,
        _ if method == 0 => Opening::Other,
        [b'\r'] => Opening::More,
        [b'\r', b'\n', ..] => Opening::Other,
        // Lenient servers take any of these for a blank (RFC 9112 §3).
        [b' ' | b'\t' | 0x0b | 0x0c | b'\r', ..] => Opening::Http1,
        _ => Opening::Other,
    }
}

/// RFC 9110 §5.6.2.
fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

/// Whom a request is for, and what it asks of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `None` only in HTTP/1.0, which may leave it out.
    pub host: Option<Host>,
    /// 80 unless the request says otherwise; of no weight where the connection goes.
    pub port: u16,
    /// Path and query as they stand; `*` for the whole server, empty for CONNECT.
    pub path: String,
}

impl Target {
    /// What the judge is asked.
    pub fn into_sniffed(self) -> Sniffed {
        Sniffed { name: self.host.and_then(Host::name), url: Some(self.path), ech: false }
    }
}

/// Why a request has more than one meaning, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither HTTP/1.0 nor 1.1.
    #[error("not HTTP/1.0 or HTTP/1.1")]
    Version,
    /// HTTP/1.1 without Host.
    #[error("no Host")]
    NoHost,
    /// More than one Host line, equal ones too.
    #[error("several Host lines")]
    SeveralHosts,
    /// A Host or an authority that is no name or address, with or without a port: user information, odd characters.
    #[error("malformed host")]
    BadHost,
    /// The request line and Host name different hosts or ports.
    #[error("Host differs from the request line")]
    HostDiffers,
    /// A request line of the wrong form for its method, or of another scheme than http.
    #[error("request line of the wrong form")]
    BadForm,
    /// Lengths that contradict or are no numbers, several of them, or one beside Transfer-Encoding.
    #[error("ambiguous length")]
    BadLength,
    /// A Transfer-Encoding other than `chunked`, or in HTTP/1.0.
    #[error("transfer coding other than chunked")]
    BadCoding,
    /// Connection names a header that says where the request goes or how long it is; removing it, as a proxy must, would change that.
    #[error("Connection names a header that must stay")]
    BadConnection,
}

/// Reads whom a request is for. Pure; work is bounded by the head, which hyper bounds.
pub fn check(head: &Parts) -> Result<Target, Refusal> {
    if !matches!(head.version, Version::HTTP_10 | Version::HTTP_11) {
        return Err(Refusal::Version);
    }
    check_framing(head)?;
    check_connection(&head.headers)?;
    let written = host_line(head)?;
    let (named, path) = request_line(&head.method, &head.uri)?;
    if written.as_ref().zip(named.as_ref()).is_some_and(|(written, named)| written != named) {
        return Err(Refusal::HostDiffers);
    }
    let (host, port) = match named.or(written) {
        Some((host, port)) => (Some(host), port),
        None => (None, PORT),
    };
    Ok(Target { host, port, path })
}

type Authority = (Host, u16);

fn host_line(head: &Parts) -> Result<Option<Authority>, Refusal> {
    let default_port = if head.method == Method::CONNECT { None } else { Some(PORT) };
    match only(&head.headers, header::HOST).map_err(|Several| Refusal::SeveralHosts)? {
        Some(value) => authority(value.as_bytes(), default_port).map(Some).ok_or(Refusal::BadHost),
        None if head.version == Version::HTTP_11 => Err(Refusal::NoHost),
        None => Ok(None),
    }
}

/// The authority in a request line, if it has one, and the path (RFC 9112 §3.2).
fn request_line(method: &Method, uri: &Uri) -> Result<(Option<Authority>, String), Refusal> {
    let is_connect = *method == Method::CONNECT;
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let is_whole_server = path == "*";
    let named = match (uri.scheme(), uri.authority()) {
        (None, Some(text)) if is_connect && path.is_empty() => Some((text, None)),
        (Some(scheme), Some(text)) if !is_connect && *scheme == Scheme::HTTP => Some((text, Some(PORT))),
        (None, None) if path.starts_with('/') && !is_connect => None,
        (None, None) if is_whole_server && *method == Method::OPTIONS => None,
        _ => return Err(Refusal::BadForm),
    };
    // `http://a.example?b` leaves out the slash that goes to the server (RFC 9110 §4.2.3).
    let slash = if path.starts_with('?') { "/" } else { "" };
    let authority = match named {
        Some((text, default_port)) => Some(authority(text.as_str().as_bytes(), default_port).ok_or(Refusal::BadHost)?),
        None => None,
    };
    Ok((authority, format!("{slash}{path}")))
}

/// A host and a port, which may be missing if there is a default. No user information, no blanks, no empty port.
fn authority(text: &[u8], default_port: Option<u16>) -> Option<Authority> {
    if let Some(rest) = text.strip_prefix(b"[") {
        let end = rest.iter().position(|octet| *octet == b']')?;
        let (addr, rest) = rest.split_at_checked(end)?;
        let addr: Ipv6Addr = str::from_utf8(addr).ok()?.parse().ok()?;
        let after = rest.strip_prefix(b"]")?;
        return Some((Host::Addr(addr.into()), port(after, default_port)?));
    }
    let end = text.iter().position(|octet| *octet == b':').unwrap_or(text.len());
    let (host, after) = text.split_at_checked(end)?;
    Some((Host::parse(host)?, port(after, default_port)?))
}

/// A port behind its colon: one to five digits, the first not zero.
fn port(text: &[u8], default: Option<u16>) -> Option<u16> {
    match text.strip_prefix(b":") {
        None if text.is_empty() => default,
        None | Some([] | [b'0', ..]) => None,
        Some(digits) if digits.iter().all(u8::is_ascii_digit) => str::from_utf8(digits).ok()?.parse().ok(),
        Some(_) => None,
    }
}

/// How long the body is must have one answer (RFC 9112 §6.3).
fn check_framing(head: &Parts) -> Result<(), Refusal> {
    let length = only(&head.headers, header::CONTENT_LENGTH).map_err(|Several| Refusal::BadLength)?;
    let coding = only(&head.headers, header::TRANSFER_ENCODING).map_err(|Several| Refusal::BadCoding)?;
    match (length, coding) {
        (Some(_), Some(_)) => Err(Refusal::BadLength),
        (Some(length), None) if !is_length(length.as_bytes()) => Err(Refusal::BadLength),
        (None, Some(coding))
            if head.version == Version::HTTP_10 || !coding.as_bytes().eq_ignore_ascii_case(b"chunked") =>
        {
            Err(Refusal::BadCoding)
        }
        _ => Ok(()),
    }
}

/// Digits that 64 bits hold; no sign, no list.
fn is_length(text: &[u8]) -> bool {
    let digits = str::from_utf8(text).ok().filter(|text| text.bytes().all(|digit| digit.is_ascii_digit()));
    digits.is_some_and(|digits| digits.parse::<u64>().is_ok())
}

fn check_connection(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut named =
        headers.get_all(header::CONNECTION).iter().flat_map(|line| line.as_bytes().split(|octet| *octet == b','));
    let kept = [header::HOST, header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
    let names_kept =
        |option: &[u8]| kept.iter().any(|kept| option.trim_ascii().eq_ignore_ascii_case(kept.as_str().as_bytes()));
    if named.any(names_kept) { Err(Refusal::BadConnection) } else { Ok(()) }
}

struct Several;

/// The value of a header that may stand once.
fn only(headers: &HeaderMap, name: HeaderName) -> Result<Option<&HeaderValue>, Several> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(Several),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    /// A head from lines, the first `METHOD target VERSION`; as hyper would hand it over.
    fn head(lines: &[&str]) -> Parts {
        let [method, target, version] = lines[0].split(' ').collect::<Vec<_>>()[..] else { panic!("{lines:?}") };
        let version = if version == "1.0" { Version::HTTP_10 } else { Version::HTTP_11 };
        let mut request = Request::builder().method(method).uri(target).version(version);
        for line in &lines[1..] {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn asked(lines: &[&str]) -> Result<String, Refusal> {
        let target = check(&head(lines))?;
        let host = match target.host {
            Some(Host::Name(name)) => name.to_string(),
            Some(Host::Addr(addr)) => format!("[{addr}]"),
            None => "nobody".to_string(),
        };
        Ok(format!("{host} {} {}", target.port, target.path))
    }

    #[test]
    fn honest_requests_have_one_meaning() {
        let cases: [(&[&str], &str); 12] = [
            (&["GET /a?b=c 1.1", "host: Example.COM"], "example.com 80 /a?b=c"),
            (&["GET / 1.1", "host: example.com.:8080"], "example.com 8080 /"),
            (&["GET / 1.1", "host: 192.0.2.1"], "[192.0.2.1] 80 /"),
            (&["GET / 1.1", "host: [2001:db8::1]:81"], "[2001:db8::1] 81 /"),
            (&["GET http://example.com/x 1.1", "host: EXAMPLE.com:80"], "example.com 80 /x"),
            (&["GET HTTP://example.com 1.1", "host: example.com"], "example.com 80 /"),
            (&["GET http://example.com/x 1.0"], "example.com 80 /x"),
            (&["GET / 1.0"], "nobody 80 /"),
            (&["OPTIONS * 1.1", "host: example.com"], "example.com 80 *"),
            (&["CONNECT example.com:443 1.1", "host: example.com:443"], "example.com 443 "),
            (&["POST / 1.1", "host: a.example", "content-length: 3"], "a.example 80 /"),
            (
                &["POST / 1.1", "host: a.example", "transfer-encoding: Chunked", "connection: keep-alive"],
                "a.example 80 /",
            ),
        ];
        for (lines, expected) in cases {
            assert_eq!(asked(lines).as_deref(), Ok(expected), "{lines:?}");
        }
    }

    /// Found by `fuzz/targets/http.rs`: such a path began with its query, and no list of URLs would have known it.
    #[test]
    fn a_query_without_a_path_gets_its_slash() {
        assert_eq!(asked(&["GET http://we?a 1.0"]).as_deref(), Ok("we 80 /?a"));
        assert_eq!(asked(&["GET http://a.example?b=/c 1.1", "host: a.example"]).as_deref(), Ok("a.example 80 /?b=/c"));
    }

    #[test]
    fn hosts_with_two_meanings_are_refused() {
        use Refusal::{BadHost, HostDiffers, NoHost, SeveralHosts};
        let cases: [(&[&str], Refusal); 9] = [
            (&["GET / 1.1"], NoHost),
            (&["GET http://a.example/ 1.1"], NoHost),
            (&["GET / 1.1", "host: a.example", "host: b.example"], SeveralHosts),
            (&["GET / 1.1", "host: a.example", "host: a.example"], SeveralHosts),
            (&["GET http://a.example/ 1.1", "host: b.example"], HostDiffers),
            (&["GET http://a.example/ 1.1", "host: a.example:81"], HostDiffers),
            (&["GET http://u@a.example/ 1.1", "host: a.example"], BadHost),
            (&["CONNECT a.example:443 1.1", "host: b.example:443"], HostDiffers),
            (&["CONNECT a.example:443 1.1", "host: a.example"], BadHost),
        ];
        for (lines, expected) in cases {
            assert_eq!(asked(lines), Err(expected), "{lines:?}");
        }
    }

    #[test]
    fn odd_hosts_are_refused() {
        let odd = [
            "u@a.example",
            "a.example:",
            "a.example:080",
            "a.example:+80",
            "a.example:0",
            "a.example:65536",
            "a.example:80:80",
        ];
        let more = [
            "a.example, b.example",
            "a.example/x",
            "a.example#",
            "a.example?b",
            "a%2eexample",
            "a..example",
            ".",
            ":80",
            "",
        ];
        let addresses = [
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "[::1",
            "[::1]80",
            "[::1%25eth0]",
            "[192.0.2.1]",
            "::1",
            "[a.example]",
        ];
        for host in odd.into_iter().chain(more).chain(addresses) {
            assert_eq!(asked(&["GET / 1.1", &format!("host: {host}")]), Err(Refusal::BadHost), "{host}");
        }
    }

    #[test]
    fn request_lines_of_the_wrong_form_are_refused() {
        let lines = [
            "GET a.example:80 1.1",
            "GET https://a.example/ 1.1",
            "GET ws://a.example/ 1.1",
            "CONNECT /x 1.1",
            "GET * 1.1",
        ];
        for line in lines.into_iter().chain(["CONNECT http://a.example:80/ 1.1", "OPTIONS a.example 1.1"]) {
            assert_eq!(asked(&[line, "host: a.example:80"]), Err(Refusal::BadForm), "{line}");
        }
        assert_eq!(asked(&["CONNECT a.example 1.1", "host: a.example:80"]), Err(Refusal::BadHost));
        let mut later = head(&["GET / 1.1", "host: a.example"]);
        later.version = Version::HTTP_2;
        assert_eq!(check(&later), Err(Refusal::Version));
    }

    #[test]
    fn bodies_with_two_lengths_are_refused() {
        use Refusal::{BadCoding, BadConnection, BadLength};
        let cases: [(&[&str], Refusal); 13] = [
            (&["content-length: 3", "transfer-encoding: chunked"], BadLength),
            (&["content-length: 3", "content-length: 3"], BadLength),
            (&["content-length: 3, 3"], BadLength),
            (&["content-length: +3"], BadLength),
            (&["content-length: 99999999999999999999"], BadLength),
            (&["content-length: "], BadLength),
            (&["transfer-encoding: gzip, chunked"], BadCoding),
            (&["transfer-encoding: chunked", "transfer-encoding: chunked"], BadCoding),
            (&["transfer-encoding: xchunked"], BadCoding),
            (&["transfer-encoding: identity"], BadCoding),
            (&["transfer-encoding: "], BadCoding),
            (&["connection: close, Host"], BadConnection),
            (&["connection: close", "connection: transfer-encoding", "transfer-encoding: chunked"], BadConnection),
        ];
        for (lines, expected) in cases {
            let lines = [&["POST / 1.1", "host: a.example"], lines].concat();
            assert_eq!(asked(&lines), Err(expected), "{lines:?}");
        }
        assert_eq!(asked(&["POST / 1.0", "transfer-encoding: chunked"]), Err(BadCoding));
    }

    #[test]
    fn the_first_octets_tell_the_protocol() {
        let cases: [(&[u8], Opening); 21] = [
            (b"", Opening::More),
            (b"\r\n", Opening::More),
            (b"G", Opening::More),
            (b"GET ", Opening::Http1),
            (b"\r\n\n\r\nPOST /", Opening::Http1),
            (b"VERSION-CONTROL /", Opening::Http1),
            (b"get\t/", Opening::Http1),
            (b"P", Opening::More),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n", Opening::More),
            (PREFACE, Opening::Http2),
            (b"PRI * HTTP/1.1", Opening::Http1),
            (b"\x16", Opening::Tls),
            (b"\x15\x03\x01", Opening::Tls),
            (b"SSH-2.0-x\r\n", Opening::Other),
            (b"GET\r", Opening::More),
            (b"GET\r/ HTTP/1.1", Opening::Http1),
            (b"\0\0", Opening::Other),
            (b" GET /", Opening::Other),
            (b"GET\0", Opening::Other),
            (&[b'A'; 24], Opening::More),
            (&[b'A'; 25], Opening::Http1),
        ];
        for (prefix, expected) in cases {
            assert_eq!(opening(prefix), expected, "{prefix:?}");
        }
        assert_eq!(opening(&[b'\n'; 25]), Opening::Http1);
    }

    #[test]
    fn an_asked_target_becomes_what_is_judged() {
        let target = check(&head(&["GET /a 1.1", "host: a.example"])).unwrap();
        let sniffed = target.into_sniffed();
        assert_eq!((sniffed.name.unwrap().to_string().as_str(), sniffed.url.as_deref()), ("a.example", Some("/a")));
    }
}
