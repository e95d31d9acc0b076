//! TLS by name: refused with an alert, or led on untouched, however the hello is cut.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::client::{EchGreaseConfig, EchMode};
use rustls::crypto::aws_lc_rs as provider;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, ClientConnection, RootCertStore};

use crate::harness::gateway::{OUTSIDE, Room};
use crate::harness::{namespace, text};
use crate::origin::{Authority, UNNAMED};
use crate::{CASINO, FAMILIES, Gateway, NOBODY, SCHOOL, Site, exchange, read_all};

/// How the first octets are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Whole,
    /// One octet a segment.
    Octets,
    /// Behind that many octets.
    At(usize),
    /// Into records of so many octets.
    Records(usize),
}

/// One connection that a device opens.
pub struct Call {
    pub to: SocketAddr,
    /// For SNI, and what the certificate is checked for; nobody: without SNI.
    pub name: Option<&'static str>,
    pub cut: Cut,
    /// With Encrypted Client Hello, or what looks like it.
    pub hides: bool,
    pub config: Option<ClientConfig>,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The server that its certificate names answered.
    Reached { page: String, certificate: Vec<u8> },
    /// By a fatal alert that the name is not known here (112).
    Refused,
    /// Anything else.
    Failed(String),
}

impl Call {
    pub fn to(site: &Site, family: usize) -> Call {
        let (to, name) = (site.at(family, 443), Some(site.name));
        Call { to, name, cut: Cut::Whole, hides: false, config: None }
    }

    pub fn from(&self, gateway: &Gateway, room: &Room) -> Outcome {
        let Ok(stream) = room.connect(self.to) else { return Outcome::Failed("no connection".into()) };
        self.over(gateway, stream)
    }

    pub fn over(&self, gateway: &Gateway, mut stream: TcpStream) -> Outcome {
        let mut config = self.config.clone().unwrap_or_else(|| client_config(&gateway.authority, self.hides, true));
        config.enable_sni = self.name.is_some();
        let name = ServerName::try_from(self.name.unwrap_or(UNNAMED)).unwrap();
        let mut tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut hello = Vec::new();
        tls.write_tls(&mut hello).unwrap();
        // A refusal may come before all is sent.
        let _ = send(&mut stream, &hello, self.cut);
        let request =
            format!("GET /page HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.name.unwrap_or(UNNAMED));
        let mut secure = rustls::Stream::new(&mut tls, &mut stream);
        if let Err(error) = secure.write_all(request.as_bytes()) {
            return refused(&error);
        }
        let page = read_all(&mut secure);
        let certificate = tls.peer_certificates().unwrap()[0].to_vec();
        Outcome::Reached { page, certificate }
    }
}

fn refused(error: &std::io::Error) -> Outcome {
    let alert = rustls::Error::AlertReceived(AlertDescription::UnrecognisedName);
    match error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>()) {
        Some(error) if *error == alert => Outcome::Refused,
        _ => Outcome::Failed(error.to_string()),
    }
}

/// Trusts that authority.
pub fn client_config(authority: &Authority, hides: bool, is_post_quantum: bool) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der.clone()).unwrap();
    let mut crypto = provider::default_provider();
    if !is_post_quantum {
        crypto.kx_groups = vec![provider::kx_group::X25519];
    }
    let config = ClientConfig::builder_with_provider(Arc::new(crypto));
    let config = if hides {
        let suite = provider::hpke::ALL_SUPPORTED_SUITES[0];
        let (key, _) = suite.generate_key_pair().unwrap();
        config.with_ech(EchMode::Grease(EchGreaseConfig::new(suite, key))).unwrap()
    } else {
        config.with_safe_default_protocol_versions().unwrap()
    };
    config.with_root_certificates(roots).with_no_client_auth()
}

fn send(stream: &mut TcpStream, hello: &[u8], cut: Cut) -> std::io::Result<()> {
    let pause = |millis| thread::sleep(Duration::from_millis(millis));
    match cut {
        Cut::Whole => stream.write_all(hello),
        Cut::Octets => hello.iter().try_for_each(|octet| {
            thread::sleep(Duration::from_micros(50));
            stream.write_all(&[*octet])
        }),
        Cut::At(at) => {
            stream.write_all(&hello[..at])?;
            pause(50);
            stream.write_all(&hello[at..])
        }
        Cut::Records(size) => {
            let records = hello[5..].chunks(size);
            let whole = records.flat_map(|body| [&[22, 3, 1, 0, body.len() as u8], body].concat());
            stream.write_all(&whole.collect::<Vec<u8>>())
        }
    }
}

/// As many records as this makes of a post-quantum hello (about 1,500 octets).
const SEVERAL_HUNDRED: usize = 4;
const CUTS: [Cut; 8] = [
    Cut::Whole,
    Cut::Octets,
    Cut::At(1),
    Cut::At(3),
    Cut::At(5),
    Cut::At(700),
    Cut::Records(SEVERAL_HUNDRED),
    Cut::Records(100),
];

#[test]
fn sites_are_refused_or_reached_by_name_however_the_hello_is_cut() {
    if !namespace::enter("tls::sites_are_refused_or_reached_by_name_however_the_hello_is_cut") {
        return;
    }
    let gateway = Gateway::open("");
    for family in FAMILIES {
        for (cut, is_post_quantum) in
            CUTS.map(|cut| (cut, true)).into_iter().chain([(Cut::Whole, false), (Cut::Octets, false)])
        {
            if cut == Cut::At(700) && !is_post_quantum {
                continue;
            }
            let config = Some(client_config(&gateway.authority, false, is_post_quantum));
            let call = Call { cut, config: config.clone(), ..Call::to(&CASINO, family) };
            assert_eq!(call.from(&gateway, gateway.child()), Outcome::Refused, "{cut:?} by {family}");
            assert_eq!(gateway.visits(), [], "{cut:?}");
            let call = Call { cut, config, ..Call::to(&SCHOOL, family) };
            let outcome = call.from(&gateway, gateway.child());
            let Outcome::Reached { page, certificate } = outcome else { panic!("{cut:?} by {family}: {outcome:?}") };
            assert!(page.contains(&format!("reached {}", SCHOOL.ip(family))), "{page}");
            assert_eq!(certificate, gateway.authority.certificate(SCHOOL.name).cert[0].to_vec());
            let visits = gateway.visits();
            assert_eq!((visits.len(), visits[0].said.as_str()), (1, SCHOOL.name));
            assert_eq!(visits[0].from, OUTSIDE[family].parse::<IpAddr>().unwrap(), "through the proxy");
        }
    }
    assert_eq!(gateway.passages("stream", "malformed"), 0.0);
}

#[test]
fn a_name_is_the_same_in_capitals_and_with_a_final_dot() {
    if !namespace::enter("tls::a_name_is_the_same_in_capitals_and_with_a_final_dot") {
        return;
    }
    let gateway = Gateway::open("");
    let authority = gateway.server.file("internet.pem");
    std::fs::write(&authority, &gateway.authority.pem).unwrap();
    for family in FAMILIES {
        let shown = |site: &Site, name: &str| {
            let output = gateway
                .child()
                .command("openssl")
                .args(["s_client", "-connect", &site.at(family, 443).to_string(), "-servername", name, "-brief"])
                .args(["-verify_return_error", "-verify_hostname", site.name, "-CAfile", authority.to_str().unwrap()])
                .stdin(Stdio::null())
                .output()
                .unwrap();
            text(&output.stdout) + &text(&output.stderr)
        };
        for name in ["CASINO.Example", "casino.example.", "WWW.CASINO.EXAMPLE.", "casino.example"] {
            let shown = shown(&CASINO, name);
            assert!(shown.contains("unrecognized name") && shown.contains("alert number 112"), "{name}: {shown}");
        }
        for name in ["SCHOOL.Example", "school.example"] {
            let shown = shown(&SCHOOL, name);
            assert!(shown.contains("Verification: OK"), "{name}: {shown}");
        }
    }
    assert!(gateway.visits().iter().all(|visit| visit.said.eq_ignore_ascii_case(SCHOOL.name)));
}

#[test]
fn who_names_nobody_is_treated_as_the_profile_says() {
    if !namespace::enter("tls::who_names_nobody_is_treated_as_the_profile_says") {
        return;
    }
    let gateway = Gateway::open("");
    let silent = |site: &Site, family| Call { name: None, ..Call::to(site, family) };
    let raw = |site: &Site, family| {
        let mut stream = gateway.child().connect(site.at(family, 443)).unwrap();
        stream.write_all(b"SSH-2.0-x\r\n").unwrap();
        let mut answer = [0; 11];
        stream.read_exact(&mut answer).is_ok_and(|()| &answer == b"SSH-2.0-x\r\n")
    };
    for (mode, is_open) in [("block", false), ("tcp443", false), ("log", true), ("allow", true)] {
        gateway.reconfigure(&format!("nameless = \"{mode}\""));
        let before = gateway.passages("stream", "nameless");
        for family in FAMILIES {
            let outcome = silent(&NOBODY, family).from(&gateway, gateway.child());
            assert_eq!(matches!(outcome, Outcome::Reached { .. }), is_open, "{mode} by {family}: {outcome:?}");
            assert_eq!(outcome == Outcome::Refused, !is_open, "{mode} by {family}: {outcome:?}");
            assert_eq!(raw(&NOBODY, family), is_open, "{mode} by {family}: not TLS");
        }
        assert_eq!(gateway.visits().len(), if is_open { 4 } else { 0 }, "{mode}");
        assert_eq!(gateway.passages("stream", "nameless") - before, if mode == "log" { 4.0 } else { 0.0 });
    }
    // What an address was given for explains it.
    gateway.reconfigure("nameless = \"tcp443\"");
    let router = (OUTSIDE[0].parse::<IpAddr>().unwrap(), 53).into();
    for (family, rtype) in [(0, "A"), (1, "AAAA")] {
        crate::ask(gateway.child(), router, SCHOOL.name, rtype).unwrap();
        let outcome = silent(&SCHOOL, family).from(&gateway, gateway.child());
        assert!(matches!(outcome, Outcome::Reached { .. }), "{outcome:?}");
    }
}

#[test]
fn a_false_name_leads_to_where_the_name_is_or_nowhere() {
    if !namespace::enter("tls::a_false_name_leads_to_where_the_name_is_or_nowhere") {
        return;
    }
    let gateway = Gateway::open("");
    for family in FAMILIES {
        // The blocked site's server under an allowed name.
        let call = || Call { to: CASINO.at(family, 443), ..Call::to(&SCHOOL, family) };
        gateway.reconfigure("unexplained = \"resolve\"");
        let outcome = call().from(&gateway, gateway.child());
        let Outcome::Reached { page, .. } = outcome else { panic!("{outcome:?}") };
        assert!(page.contains(&format!("reached {}", SCHOOL.ip(family))), "{page}");
        gateway.reconfigure("unexplained = \"refuse\"");
        assert_eq!(call().from(&gateway, gateway.child()), Outcome::Refused);
        let visits = gateway.visits();
        assert!(visits.len() == 1 && visits[0].to == SCHOOL.ip(family), "{visits:?}");
        let honest = Call::to(&SCHOOL, family).from(&gateway, gateway.child());
        assert!(matches!(honest, Outcome::Reached { .. }), "refused are false names alone: {honest:?}");
        gateway.reconfigure("unexplained = \"allow\"");
        call().from(&gateway, gateway.child());
        assert!(gateway.visits().iter().any(|visit| visit.to == CASINO.ip(family)), "as the profile says");
    }
    assert_eq!(gateway.server.metric("luytre_proxy_ways_total{way=\"unexplained\"}"), 2.0);
}

#[test]
fn tls_that_two_could_read_differently_is_refused() {
    if !namespace::enter("tls::tls_that_two_could_read_differently_is_refused") {
        return;
    }
    let gateway = Gateway::open("nameless = \"allow\"");
    let alert = "\u{15}\u{3}\u{3}\0\u{2}\u{2}p";
    // A handshake message that is no hello, an alert before it, and a hello that contradicts its length.
    for octets in [&[22, 3, 1, 0, 4, 2, 0, 0, 0][..], &[21, 3, 1, 0, 2, 1, 0], &[22, 3, 1, 0, 5, 1, 0, 0, 1, 0]] {
        let got = exchange(gateway.child().connect(SCHOOL.at(0, 443)).unwrap(), octets);
        assert_eq!(got, alert, "{octets:?}");
    }
    // The first octet alone tells that it is TLS.
    let mut stream = gateway.child().connect(SCHOOL.at(0, 443)).unwrap();
    stream.write_all(&[21]).unwrap();
    thread::sleep(Duration::from_millis(50));
    assert_eq!(exchange(stream, &[3, 1, 0, 2, 1, 0]), alert);
    assert_eq!(gateway.visits(), []);
}
