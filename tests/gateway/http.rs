//! Plain HTTP: every request of a connection is judged, odd ones are refused, and what is allowed arrives as it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::harness::namespace;
use crate::{CASINO, FAMILIES, Gateway, HELP, NEWS, SCHOOL, Site, exchange};

fn get(site: &Site, path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{more}\r\n", site.name)
}

fn last(site: &Site, path: &str) -> String {
    get(site, path, "Connection: close\r\n")
}

fn at(gateway: &Gateway, site: &Site, family: usize) -> TcpStream {
    gateway.child().connect(site.at(family, 80)).unwrap()
}

/// Reads the head of an answer, and says how long its body is.
pub fn head(stream: &mut impl BufRead) -> (String, usize) {
    let (mut head, mut len) = (String::new(), 0);
    while !head.ends_with("\r\n\r\n") {
        let at = head.len();
        assert!(stream.read_line(&mut head).unwrap() > 0, "ended in {head}");
        if let Some(value) = head[at..].to_ascii_lowercase().strip_prefix("content-length:") {
            len = value.trim().parse().unwrap();
        }
    }
    (head, len)
}

/// Reads one answer of a connection that stays open: head and body.
pub fn answer(stream: &mut impl BufRead) -> (String, String) {
    let (head, len) = head(stream);
    let mut body = vec![0; len];
    stream.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn a_refused_site_is_a_page_that_helps_and_an_allowed_one_is_untouched() {
    if !namespace::enter("http::a_refused_site_is_a_page_that_helps_and_an_allowed_one_is_untouched") {
        return;
    }
    let gateway = Gateway::open("");
    for family in FAMILIES {
        let page = exchange(at(&gateway, &CASINO, family), last(&CASINO, "/").as_bytes());
        assert!(page.starts_with("HTTP/1.1 403 Forbidden\r\n") && page.contains("no-store"), "{page}");
        assert!(page.contains("tel:111") && page.contains("lang=\"vi\""), "{page}");
        assert_eq!(gateway.visits(), []);
        let page = exchange(at(&gateway, &SCHOOL, family), last(&SCHOOL, "/a?b=%41").as_bytes());
        assert!(page.contains(&format!("reached {}", SCHOOL.ip(family))), "{page}");
        assert!(page.contains("GET /a?b=%41 HTTP/1.1\r\nHost: school.example"), "as it was sent: {page}");
        gateway.visits();
    }
    assert_eq!(gateway.server.metric("luytre_proxy_refused_total{category=\"gambling\"}"), 2.0);
}

/// What no list says, a page says itself.
const BETS: &str = "/words?Play+the+best+online+casino+with+free+spins,+live+dealer+roulette+and+a+welcome+bonus";
const CALM: &str = "/words?How+the+river+flooded+the+old+town+and+what+the+school+did";

#[test]
fn a_page_of_a_site_that_nobody_lists_is_judged_by_its_words() {
    if !namespace::enter("http::a_page_of_a_site_that_nobody_lists_is_judged_by_its_words") {
        return;
    }
    let gateway = Gateway::open("");
    for family in FAMILIES {
        // One connection: what is refused ends nothing but its own page.
        let mut stream = BufReader::new(at(&gateway, &NEWS, family));
        for (path, refused) in [(CALM, false), (BETS, true), (CALM, false), (BETS, true)] {
            stream.get_mut().write_all(get(&NEWS, path, "Accept-Encoding: gzip, br\r\n").as_bytes()).unwrap();
            let (head, body) = answer(&mut stream);
            assert_eq!(head.starts_with("HTTP/1.1 403"), refused, "{path}: {head}");
            if refused {
                assert!(body.contains("tel:111") && !body.contains("free spins"), "{body}");
            } else {
                assert!(
                    body.len() > 150_000 && body.ends_with("</html>") && body.contains("flooded"),
                    "{} octets",
                    body.len()
                );
            }
        }
        let visits = gateway.visits();
        assert!(visits.iter().all(|visit| !visit.said.contains("gzip")), "what is packed cannot be read: {visits:?}");
        // An adult, a site somebody listed, and what is no page are passed on as they are.
        let stream = gateway.adult().connect(NEWS.at(family, 80)).unwrap();
        let page = exchange(stream, last(&NEWS, BETS).as_bytes());
        assert!(page.starts_with("HTTP/1.1 200") && page.contains("free spins"), "{}", &page[..200]);
        gateway.visits();
    }
    gateway.reconfigure("guess_unlisted = false");
    let page = exchange(at(&gateway, &NEWS, 0), last(&NEWS, BETS).as_bytes());
    assert!(page.starts_with("HTTP/1.1 200"), "switched off: {}", &page[..200]);
}

#[test]
fn every_request_of_a_connection_is_judged() {
    if !namespace::enter("http::every_request_of_a_connection_is_judged") {
        return;
    }
    let gateway = Gateway::open("");
    for family in FAMILIES {
        // All at once, as pipelining does: allowed, refused, allowed.
        let requests = get(&SCHOOL, "/one", "") + &get(&CASINO, "/two", "") + &last(&SCHOOL, "/three");
        let pages = exchange(at(&gateway, &SCHOOL, family), requests.as_bytes());
        assert_eq!(pages.matches("HTTP/1.1 200").count(), 2, "{pages}");
        assert_eq!(pages.matches("HTTP/1.1 403").count(), 1, "{pages}");
        let (one, three) = (pages.find("GET /one").unwrap(), pages.find("GET /three").unwrap());
        let two = pages.find("HTTP/1.1 403").unwrap();
        assert!(one < two && two < three, "in their order");
        assert!(gateway.visits().iter().all(|visit| !visit.said.contains("/two")));
        // The whole URL in the request line counts, and Host must not say otherwise.
        let absolute = |url: &str, host: &str| {
            let request = format!("GET {url} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            exchange(at(&gateway, &SCHOOL, family), request.as_bytes())
        };
        assert!(absolute("http://casino.example/", "casino.example").starts_with("HTTP/1.1 403"));
        assert!(absolute("http://casino.example/", "school.example").starts_with("HTTP/1.1 400"));
        let page = absolute("http://school.example/x", "school.example");
        assert!(page.contains("GET /x HTTP/1.1"), "{page}");
        gateway.visits();
    }
}

#[test]
fn a_connection_that_is_kept_is_led_by_each_request_anew() {
    if !namespace::enter("http::a_connection_that_is_kept_is_led_by_each_request_anew") {
        return;
    }
    let gateway = Gateway::open("");
    for family in FAMILIES {
        let mut stream = BufReader::new(at(&gateway, &SCHOOL, family));
        for site in [&SCHOOL, &CASINO, &NEWS, &SCHOOL, &HELP, &CASINO] {
            stream.get_mut().write_all(get(site, "/", "").as_bytes()).unwrap();
            let (head, body) = answer(&mut stream);
            if site.name == CASINO.name {
                assert!(head.starts_with("HTTP/1.1 403") && body.contains("tel:111"), "{head}{body}");
            } else {
                assert!(body.starts_with(&format!("reached {}\n", site.ip(family))), "{}: {body}", site.name);
            }
        }
        let visits = gateway.visits();
        assert!(visits.iter().all(|visit| !visit.said.contains(CASINO.name)), "{visits:?}");
    }
    assert_eq!(gateway.passages("http", "allowed"), 6.0, "help is not counted");
}

#[test]
fn requests_with_two_meanings_never_arrive_as_such() {
    if !namespace::enter("http::requests_with_two_meanings_never_arrive_as_such") {
        return;
    }
    let gateway = Gateway::open("");
    let hidden = "GET /hidden HTTP/1.1\r\nHost: casino.example\r\n\r\n";
    let refused = [
        "GET / HTTP/1.1\r\nHost: school.example\r\nHost: casino.example\r\n\r\n".to_string(),
        "GET / HTTP/1.1\r\n\r\n".to_string(),
        "GET / HTTP/1.1\r\nHost: school.example, casino.example\r\n\r\n".to_string(),
        "GET / HTTP/1.1\r\nHost: casino.example@school.example\r\n\r\n".to_string(),
        format!("POST / HTTP/1.1\r\nHost: school.example\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n{hidden}"),
        "POST / HTTP/1.1\r\nHost: school.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_string(),
    ];
    for (request, family) in refused.iter().flat_map(|request| FAMILIES.map(|family| (request, family))) {
        let answer = exchange(at(&gateway, &SCHOOL, family), request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400"), "{request:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "what follows cannot be trusted: {answer}");
    }
    assert_eq!(gateway.visits(), []);
    // Of two lengths the one that counts is passed on alone, and nothing behind it is read (RFC 9112 §6.3).
    for lengths in
        ["Transfer-Encoding: chunked\r\nContent-Length: 3", "Content-Length: 5\r\nTransfer-Encoding: chunked"]
    {
        let both =
            format!("POST /both HTTP/1.1\r\nHost: school.example\r\n{lengths}\r\n\r\n5\r\nhello\r\n0\r\n\r\n{hidden}");
        let answer = exchange(at(&gateway, &SCHOOL, 0), both.as_bytes());
        let said: String = gateway.visits().iter().map(|visit| visit.said.to_ascii_lowercase()).collect();
        assert!(!said.contains("content-length") && said.contains("transfer-encoding"), "{said}");
        assert!(!said.contains("/hidden") && !answer.contains("/hidden") && !answer.contains(" 403 "), "{answer}");
    }
}

#[test]
fn websockets_and_connect_are_judged_and_then_pass() {
    if !namespace::enter("http::websockets_and_connect_are_judged_and_then_pass") {
        return;
    }
    let gateway = Gateway::open("");
    let upgrade = |site: &Site| get(site, "/chat", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n");
    for family in FAMILIES {
        let refused = |stream: TcpStream, request: &str| {
            let mut stream = BufReader::new(stream);
            stream.get_mut().write_all(request.as_bytes()).unwrap();
            answer(&mut stream).0.starts_with("HTTP/1.1 403")
        };
        assert!(refused(at(&gateway, &CASINO, family), &upgrade(&CASINO)));
        let mut chat = at(&gateway, &SCHOOL, family);
        chat.write_all(upgrade(&SCHOOL).as_bytes()).unwrap();
        until(&mut chat, "\r\n\r\n", "HTTP/1.1 101");
        for word in ["xin chào", "hello"] {
            chat.write_all(word.as_bytes()).unwrap();
            until(&mut chat, word, word);
        }
        // A device that takes an address outside for its proxy: led to the host it names, and read there.
        let connect = |host: &str| format!("CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert!(refused(at(&gateway, &SCHOOL, family), &connect("casino.example:443")));
        assert!(refused(at(&gateway, &SCHOOL, family), &connect("school.example:22")));
        let mut through = at(&gateway, &CASINO, family);
        through.write_all(connect("school.example:80").as_bytes()).unwrap();
        until(&mut through, "\r\n\r\n", "HTTP/1.1 200");
        let page = exchange(through.try_clone().unwrap(), (last(&SCHOOL, "/inside")).as_bytes());
        assert!(page.contains(&format!("reached {}", SCHOOL.ip(family))), "{page}");
        let mut through = at(&gateway, &SCHOOL, family);
        through.write_all(connect("school.example:80").as_bytes()).unwrap();
        until(&mut through, "\r\n\r\n", "HTTP/1.1 200");
        let page = exchange(through.try_clone().unwrap(), last(&CASINO, "/inside").as_bytes());
        assert!(page.contains(" 403 "), "what is said inside is judged as well: {page}");
    }
}

/// Reads up to `end`, and looks that it begins as expected.
fn until(stream: &mut TcpStream, end: &str, start: &str) {
    let mut got = Vec::new();
    while !got.ends_with(end.as_bytes()) {
        let mut octet = [0];
        stream
            .read_exact(&mut octet)
            .unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&got)));
        got.push(octet[0]);
    }
    assert!(got.starts_with(start.as_bytes()), "{:?}", String::from_utf8_lossy(&got));
}
