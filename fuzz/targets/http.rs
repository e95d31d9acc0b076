//! A request head, made of octets the way hyper does it. What is accepted has one meaning: written down plainly, it is the
//! same again.
#![no_main]

use hyper::Request;
use hyper::http::request::{Builder, Parts};
use libfuzzer_sys::fuzz_target;
use luytre::proxy::sniff::Host;
use luytre::proxy::sniff::http::{self, Opening, Target};

fuzz_target!(|octets: &[u8]| {
    let opening = http::opening(octets);
    let Some(head) = head(octets) else { return };
    let Ok(target) = http::check(&head) else { return };
    assert_ne!(opening, Opening::Tls);
    assert!(!target.path.contains([' ', '\r', '\n']), "{target:?}");
    assert_eq!(http::check(&plainly(&head, &target)).as_ref(), Ok(&target));
});

fn head(octets: &[u8]) -> Option<Parts> {
    let mut headers = [httparse::EMPTY_HEADER; 100];
    let mut parsed = httparse::Request::new(&mut headers);
    parsed.parse(octets).ok()?.is_complete().then_some(())?;
    let version = if parsed.version? == 1 { hyper::Version::HTTP_11 } else { hyper::Version::HTTP_10 };
    let mut request = Request::builder().method(parsed.method?).uri(parsed.path?).version(version);
    for line in parsed.headers {
        request = request.header(line.name, line.value);
    }
    parts(request)
}

fn plainly(head: &Parts, target: &Target) -> Parts {
    let port = target.port;
    let host = match &target.host {
        Some(Host::Name(name)) => format!("{name}:{port}"),
        Some(Host::Addr(std::net::IpAddr::V6(addr))) => format!("[{addr}]:{port}"),
        Some(Host::Addr(addr)) => format!("{addr}:{port}"),
        None => String::new(),
    };
    let line = if target.path.is_empty() { &host } else { &target.path };
    let mut request = Request::builder().method(head.method.clone()).uri(line).version(head.version);
    if !host.is_empty() {
        request = request.header("host", &host);
    }
    parts(request).expect("a plain head")
}

fn parts(request: Builder) -> Option<Parts> {
    Some(request.body(()).ok()?.into_parts().0)
}
