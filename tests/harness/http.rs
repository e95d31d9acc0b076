//! A small client of the pages and their API: one connection a request, from any loopback address.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::PATIENCE;

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut of = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        of.next().map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The answer, which has to have that status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Reply {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// Somebody who sends requests.
#[derive(Debug, Clone)]
pub struct Client {
    pub to: SocketAddr,
    pub from: Ipv4Addr,
    headers: Vec<(String, String)>,
}

impl Client {
    pub fn new(to: SocketAddr, from: Ipv4Addr) -> Client {
        Client { to, from, headers: Vec::new() }
    }

    /// The same, who sends this header too; it takes the place of one of that name.
    pub fn with(&self, name: &str, value: &str) -> Client {
        let mut client = self.without(name);
        client.headers.push((name.to_string(), value.to_string()));
        client
    }

    pub fn without(&self, name: &str) -> Client {
        let mut client = self.clone();
        client.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
        client
    }

    /// What it sends under that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut of = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        of.next().map(|(_, value)| value.as_str())
    }

    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], "")
    }

    /// A call of the API; `path` without its prefix. `Value::Null` is no body.
    pub fn api(&self, method: &str, path: &str, body: &Value) -> Reply {
        let path = format!("/api/v1{path}");
        match body {
            Value::Null => self.request(method, &path, &[], ""),
            body => self.request(method, &path, &[("Content-Type", "application/json")], &body.to_string()),
        }
    }

    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut body = form_urlencoded::Serializer::new(String::new());
        let body = body.extend_pairs(fields).finish();
        self.request("POST", path, &[("Content-Type", "application/x-www-form-urlencoded")], &body)
    }

    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut stream = self.connect();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        let mine = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<(&str, &str)> = mine.chain(headers.iter().copied()).collect();
        if !all.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
            head += &format!("Host: {}\r\n", self.to);
        }
        for (name, value) in all {
            head += &format!("{name}: {value}\r\n");
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        let mut octets = Vec::new();
        // An answer that never ends (events) is read for as long as it says something.
        let is_endless = path.split('?').next().is_some_and(|path| path.ends_with("/events"));
        stream.set_read_timeout(Some(if is_endless { Duration::from_millis(300) } else { PATIENCE })).unwrap();
        let mut piece = [0; 16 << 10];
        loop {
            match stream.read(&mut piece) {
                Ok(0) => break,
                Ok(len) => octets.extend(&piece[..len]),
                Err(_) if is_endless => break,
                Err(error) => panic!("{method} {path}: {error}"),
            }
        }
        read(&octets).unwrap_or_else(|| panic!("{method} {path}: {:?}", String::from_utf8_lossy(&octets)))
    }

    fn connect(&self) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((self.from, 0)).into()).unwrap();
        socket.connect_timeout(&self.to.into(), PATIENCE).unwrap();
        socket.into()
    }
}

fn read(octets: &[u8]) -> Option<Reply> {
    let end = octets.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&octets[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> =
        lines.filter_map(|line| line.split_once(':')).map(|(key, value)| (key.into(), value.trim().into())).collect();
    let body = String::from_utf8_lossy(&octets[end + 4..]).into_owned();
    let mut reply = Reply { status, headers, body };
    if reply.header("transfer-encoding") == Some("chunked") {
        reply.body = unchunked(&reply.body);
    }
    Some(reply)
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else { break };
        whole += rest.get(..size).unwrap_or(rest);
        body = rest.get(size + 2..).unwrap_or("");
    }
    whole
}
