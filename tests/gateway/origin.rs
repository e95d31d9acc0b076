//! The internet's servers: TLS and HTTP/1.1 with the certificate of whatever name is asked for, and something else than TLS
//! on the same port; they remember who came. One listener has every address of the internet.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};

use crate::harness::gateway::Room;

/// Who is shown to clients that name nobody.
pub const UNNAMED: &str = "unnamed.example";

/// One connection as its server saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    pub port: u16,
    pub from: IpAddr,
    pub to: IpAddr,
    /// The name by TLS; the heads of requests in the clear.
    pub said: String,
}

/// All of them.
#[derive(Default, Clone)]
pub struct Visits(Arc<Mutex<Vec<Arc<Mutex<Visit>>>>>);

impl Visits {
    pub fn all(&self) -> Vec<Visit> {
        self.0.lock().unwrap().iter().map(|visit| visit.lock().unwrap().clone()).collect()
    }

    pub fn take(&self) -> Vec<Visit> {
        let all = self.all();
        self.0.lock().unwrap().clear();
        all
    }

    fn enter(&self, stream: &TcpStream) -> Arc<Mutex<Visit>> {
        let (from, to) = (stream.peer_addr().unwrap(), stream.local_addr().unwrap());
        let [from_ip, to_ip] = [from, to].map(|addr| addr.ip().to_canonical());
        let visit = Visit { port: to.port(), from: from_ip, to: to_ip, said: String::new() };
        let visit = Arc::new(Mutex::new(visit));
        self.0.lock().unwrap().push(Arc::clone(&visit));
        visit
    }
}

/// The authority of the test's internet, and the certificates it has given.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub der: CertificateDer<'static>,
    pub pem: String,
    given: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Authority")
    }
}

impl Authority {
    pub fn new() -> Arc<Authority> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "The test's internet");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let (der, pem) = (made.der().clone(), made.pem());
        Arc::new(Authority { issuer: Issuer::new(params, key), der, pem, given: Mutex::default() })
    }

    /// The certificate of `name`, always the same one.
    pub fn certificate(&self, name: &str) -> Arc<CertifiedKey> {
        let mut given = self.given.lock().unwrap();
        let made = given.entry(name.to_string()).or_insert_with(|| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_string()]).unwrap();
            let der = params.signed_by(&key, &self.issuer).unwrap().der().clone();
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
            Arc::new(CertifiedKey::new(vec![der], key))
        });
        Arc::clone(made)
    }
}

impl ResolvesServerCert for Authority {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certificate(hello.server_name().unwrap_or(UNNAMED)))
    }
}

pub fn server_config(authority: &Arc<Authority>, alpn: &[u8]) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_no_client_auth().with_cert_resolver(Arc::clone(authority) as _);
    config.alpn_protocols = vec![alpn.to_vec()];
    config
}

/// Serves ports 80, 443, 853 and 8080 of every address.
pub fn serve(internet: &Room, authority: &Arc<Authority>) -> Visits {
    let (visits, config) = (Visits::default(), Arc::new(server_config(authority, b"http/1.1")));
    for port in [80, 443, 853, 8080] {
        let listener = internet.listen(&format!("[::]:{port}"));
        let (visits, config) = (visits.clone(), Arc::clone(&config));
        thread::spawn(move || accept(&listener, &visits, &config));
    }
    visits
}

fn accept(listener: &TcpListener, visits: &Visits, config: &Arc<ServerConfig>) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let (visit, config) = (visits.enter(&stream), Arc::clone(config));
        // What becomes of a connection is its client's to tell.
        thread::spawn(move || drop(serve_one(stream, &visit, config)));
    }
}

fn serve_one(mut stream: TcpStream, visit: &Mutex<Visit>, config: Arc<ServerConfig>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut first = [0];
    stream.peek(&mut first)?;
    if first[0] != 22 {
        return speak(stream, visit, true);
    }
    let mut tls = ServerConnection::new(config).map_err(io::Error::other)?;
    while tls.is_handshaking() {
        tls.complete_io(&mut stream)?;
    }
    visit.lock().unwrap().said = tls.server_name().unwrap_or("-").to_string();
    speak(rustls::StreamOwned::new(tls, stream), visit, false)
}

/// HTTP, or an echo for what does not begin with a method.
fn speak(stream: impl Read + Write, visit: &Mutex<Visit>, is_told: bool) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some(head) = read_head(&mut stream)? {
        if is_told {
            visit.lock().unwrap().said += &head;
        }
        let to = visit.lock().unwrap().to;
        let path = head.split(' ').nth(1).unwrap_or_default().to_string();
        let path = path.find("/").map_or("", |at| &path[at..]).trim_start_matches("//");
        match path.split_at(path.find('?').unwrap_or(path.len())) {
            ("/slow", _) => return drip(stream.get_mut()),
            ("/big", len) => send_big(stream.get_mut(), len[1..].parse().unwrap())?,
            ("/end", _) => return answer_at_end(&mut stream),
            ("/words", words) => send_page(stream.get_mut(), &words.trim_start_matches('?').replace('+', " "))?,
            _ if header(&head, "upgrade").is_some() => return upgrade(stream),
            _ => {
                let (len, hash) = take_body(&mut stream, &head)?;
                answer(stream.get_mut(), &format!("reached {to}\n{len} {hash}\n{head}"))?;
            }
        }
        if header(&head, "connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            return Ok(());
        }
    }
    Ok(())
}

/// A page about those words, far longer than anybody reads on the way.
fn send_page(stream: &mut impl Write, words: &str) -> io::Result<()> {
    let filler = "<p>and so on</p>\n".repeat(10_000);
    let page = format!("<!doctype html><html><title>{words}</title><body><h1>{words}</h1>\n{filler}</body></html>");
    let len = page.len();
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len}\r\n\r\n{page}")?;
    stream.flush()
}

/// `None` at the end, or when it is no request: then what came is sent back until the end.
fn read_head(stream: &mut BufReader<impl Read + Write>) -> io::Result<Option<String>> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if stream.read_line(&mut head)? == 0 {
            return Ok(None);
        }
        if before == 0 && !head.contains(" HTTP/1.") {
            stream.get_mut().write_all(head.as_bytes())?;
            return echo(stream).map(|()| None);
        }
        if matches!(&head[before..], "\r\n" | "\n") {
            return Ok(Some(head));
        }
    }
}

fn echo(stream: &mut BufReader<impl Read + Write>) -> io::Result<()> {
    loop {
        let octets = stream.fill_buf()?.to_vec();
        if octets.is_empty() {
            return Ok(());
        }
        stream.consume(octets.len());
        stream.get_mut().write_all(&octets)?;
        stream.get_mut().flush()?;
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}

/// Length and hash of a request's body.
fn take_body(stream: &mut impl BufRead, head: &str) -> io::Result<(u64, String)> {
    let mut hash = Context::new(&SHA256);
    let mut taken = 0;
    let mut take = |stream: &mut dyn BufRead, len: u64| {
        taken += len;
        absorb(&mut stream.take(len), &mut hash)
    };
    if let Some(len) = header(head, "content-length") {
        take(stream, len.parse().unwrap_or(0))?;
    } else if header(head, "transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let len = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
            take(stream, len)?;
            stream.read_line(&mut line)?;
            if len == 0 {
                break;
            }
        }
    }
    Ok((taken, hex(hash)))
}

fn absorb(from: &mut dyn Read, hash: &mut Context) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            len => hash.update(&buffer[..len]),
        }
    }
}

pub fn hex(hash: Context) -> String {
    hash.finish().as_ref().iter().map(|octet| format!("{octet:02x}")).collect()
}

fn answer(stream: &mut impl Write, body: &str) -> io::Result<()> {
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all((head + body).as_bytes())?;
    stream.flush()
}

/// A download that never ends.
fn drip(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\n\r\n")?;
    loop {
        stream.write_all(&[7; 4096])?;
        stream.flush()?;
        thread::sleep(Duration::from_millis(20));
    }
}

/// The octets of a large body: any part of it moved elsewhere shows.
pub fn big(len: usize) -> impl Iterator<Item = Vec<u8>> {
    const PIECE: usize = 64 << 10;
    (0..len.div_ceil(PIECE)).map(move |piece| {
        let len = PIECE.min(len - piece * PIECE);
        (0..len).map(|at| (at ^ piece.wrapping_mul(31) ^ (at >> 8)) as u8).collect()
    })
}

fn send_big(stream: &mut impl Write, len: usize) -> io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {len}\r\n\r\n").as_bytes())?;
    big(len).try_for_each(|piece| stream.write_all(&piece))?;
    stream.flush()
}

/// Reads until the client has ended, and only then answers.
fn answer_at_end(stream: &mut BufReader<impl Read + Write>) -> io::Result<()> {
    let mut hash = Context::new(&SHA256);
    absorb(stream, &mut hash)?;
    stream.get_mut().write_all(hex(hash).as_bytes())?;
    stream.get_mut().flush()
}

fn upgrade(mut stream: BufReader<impl Read + Write>) -> io::Result<()> {
    let head = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.get_mut().write_all(head.as_bytes())?;
    stream.get_mut().flush()?;
    echo(&mut stream)
}
