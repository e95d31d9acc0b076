//! What a device finds out at door two, in as few octets as will do.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};

use crate::harness::gateway::Room;

/// What became of a connection or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// By alert 112 or by a page with status 403.
    Refused(String),
    /// The server at that address answered.
    Reached(IpAddr),
    /// Anything else.
    Other(String),
}

fn connect(room: &Room, from: IpAddr, to: SocketAddr) -> Result<TcpStream, Said> {
    room.connect_from(Some(from), to).map_err(|error| Said::Other(error.to_string()))
}

fn all(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    all
}

/// A plain request for `path` on `host`.
pub fn http(room: &Room, from: IpAddr, host: &str, path: &str, to: IpAddr) -> Said {
    let mut stream = match connect(room, from, (to, 80).into()) {
        Ok(stream) => stream,
        Err(said) => return said,
    };
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(request.as_bytes());
    let page = String::from_utf8_lossy(&all(&mut stream)).into_owned();
    let reached = page.lines().find_map(|line| line.strip_prefix("reached ")?.parse().ok());
    match reached {
        Some(addr) if page.starts_with("HTTP/1.1 200") => Said::Reached(addr),
        _ if page.starts_with("HTTP/1.1 403") => Said::Refused(page),
        _ => Said::Other(page),
    }
}

/// A hello for `name`; the test's servers tell their address in a page behind their handshake, so this one speaks no more
/// TLS than it must.
pub fn tls(room: &Room, from: IpAddr, name: &str, to: IpAddr, trust: &rustls::ClientConfig) -> Said {
    let mut stream = match connect(room, from, (to, 443).into()) {
        Ok(stream) => stream,
        Err(said) => return said,
    };
    let server = rustls::pki_types::ServerName::try_from(name.to_string()).unwrap();
    let mut session = rustls::ClientConnection::new(std::sync::Arc::new(trust.clone()), server).unwrap();
    let mut secure = rustls::Stream::new(&mut session, &mut stream);
    let request = format!("GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n");
    if let Err(error) = secure.write_all(request.as_bytes()) {
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::UnrecognisedName);
        let is_alert = error.get_ref().and_then(|inner| inner.downcast_ref()) == Some(&alert);
        return if is_alert { Said::Refused(String::new()) } else { Said::Other(error.to_string()) };
    }
    let mut page = Vec::new();
    let _ = secure.read_to_end(&mut page);
    let page = String::from_utf8_lossy(&page).into_owned();
    let reached = page.lines().find_map(|line| line.strip_prefix("reached ")?.parse().ok());
    reached.map_or(Said::Other(page), Said::Reached)
}
