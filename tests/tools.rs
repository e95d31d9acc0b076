//! The tools of the other tests, each shown to notice what it is there for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::browser::{Browser, Look, SHIFT};
use harness::clock::Clock;
use harness::memory;
use harness::schemathesis::schemathesis;
use harness::{PATIENCE, Server, Upstream};
use serde_json::json;
use tempfile::TempDir;

/// Serves what `answer` says to each request line and its headers: head lines of its own and a body. Ends with the process.
fn serve(answer: impl Fn(&str, &str) -> (String, String) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                let mut stream = BufReader::new(stream.unwrap());
                let (mut first, mut headers, mut len) = (String::new(), String::new(), 0);
                let _ = stream.read_line(&mut first);
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
                        break;
                    }
                    if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                        len = value.trim().parse().unwrap_or(0);
                    }
                    headers.push_str(&line);
                }
                let _ = std::io::copy(&mut stream.by_ref().take(len), &mut std::io::sink());
                let (head, body) = answer(first.trim(), &headers);
                let status = if head.starts_with("HTTP") { "" } else { "HTTP/1.1 200 OK\r\n" };
                let rest = format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let _ = stream.get_mut().write_all((status.to_string() + &head + &rest + &body).as_bytes());
            });
        }
    });
    addr
}

/// No scripts but its own, and nothing from elsewhere: as strict as our pages.
const STRICT: &str = "Content-Type: text/html; charset=utf-8\r\nSet-Cookie: pet=cat; HttpOnly; SameSite=Strict\r\n\
                      Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; \
                      form-action 'self'; base-uri 'none'\r\n";

const FORM: &str = r#"<!doctype html><html lang="vi"><head><title>Tre</title>
<meta name="viewport" content="width=device-width"><script src="/script.js"></script></head>
<body><main><h1>Xin chào</h1><noscript><p id="plain">không có script</p></noscript>
<form action="/done"><label>Tên <input name="name" value="old"></label>
<label>Lớp <select name="class"><option value="1">Một</option><option value="2">Hai</option></select></label>
<button>Gửi</button></form><p id="keys"></p><button type="button" id="ask">Hỏi</button></main></body></html>"#;

const SCRIPT: &str = "addEventListener('DOMContentLoaded', () => {
    let shifts = 0;
    addEventListener('keyup', event => {
        if (event.key === 'Shift') document.getElementById('keys').textContent = 'shift ' + ++shifts;
    });
    document.getElementById('ask').addEventListener('click', () => setTimeout(() => alert('thật không?'), 50));
});";

fn form_site() -> SocketAddr {
    serve(|request, headers| match request.split(' ').nth(1).unwrap_or_default() {
        "/script.js" => ("Content-Type: text/javascript\r\n".into(), SCRIPT.into()),
        "/language" => {
            let line = headers.lines().find(|line| line.to_ascii_lowercase().starts_with("accept-language:"));
            (STRICT.into(), line.unwrap_or_default().into())
        }
        path if path.starts_with("/done") => (STRICT.into(), format!("<title>Xong</title><p>{path}")),
        _ => (STRICT.into(), FORM.into()),
    })
}

#[test]
fn a_browser_does_what_a_person_does() {
    let site = form_site();
    let browser = Browser::open(&Look::default().size(320, 640).language("vi").dark());
    browser.go(&format!("http://{site}/"));
    assert_eq!((browser.title(), browser.url()), ("Tre".to_string(), format!("http://{site}/")));
    assert_eq!(browser.find("h1").text(), "Xin chào");
    assert_eq!(browser.find("html").attribute("lang").as_deref(), Some("vi"));
    assert!(browser.try_find("#nowhere").is_none() && browser.all("option").len() == 2);
    assert!(!browser.text().contains("không có script"));
    let seen = browser.script(
        "return [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, navigator.language, arguments[0] + 1]",
        &[json!(41)],
    );
    assert_eq!(seen, json!([320, true, "vi", 42]));
    assert_eq!(browser.script_async("setTimeout(arguments[0], 10, 'later')", &[]), "later");
    assert!(!browser.scrolls_sideways());

    browser.press(&SHIFT.repeat(3));
    browser.wait_until("three shifts", PATIENCE, |browser| browser.find("#keys").text() == "shift 3");
    browser.find("#ask").click();
    thread::sleep(Duration::from_millis(300));
    assert_eq!(browser.accept_alert(), "thật không?");

    let cookie = browser.cookie("pet").unwrap();
    assert!(cookie.value == "cat" && cookie.http_only && !cookie.secure && cookie.same_site == "Strict", "{cookie:?}");
    browser.delete_cookies();
    assert!(browser.cookies().is_empty());

    let picture = browser.screenshot("tools/page.png");
    assert!(fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    browser.resize(900, 640);
    assert_eq!(browser.script("return innerWidth", &[]), 900);

    browser.find("input").fill("Mai");
    assert_eq!(browser.find("input").property("value"), "Mai");
    browser.find("select").select("2");
    browser.find("form").submit();
    browser.wait_until("the next page", PATIENCE, |browser| browser.title() == "Xong");
    assert!(browser.text().contains("/done?name=Mai&class=2"), "{}", browser.text());
    browser.go(&format!("http://{site}/language"));
    assert!(browser.text().to_ascii_lowercase().starts_with("accept-language: vi"), "{}", browser.text());
}

#[test]
fn a_browser_without_script_still_has_hands() {
    let site = form_site();
    let browser = Browser::open(&Look::default().without_script());
    browser.go(&format!("http://{site}/"));
    assert_eq!(browser.find("#plain").text(), "không có script");
    browser.press(SHIFT);
    assert_eq!(browser.find("#keys").text(), "");
    browser.find("input").fill("An");
    browser.find("form").submit();
    browser.wait_until("the next page", PATIENCE, |browser| browser.title() == "Xong");
    assert!(browser.text().contains("name=An"));
}

#[test]
fn nothing_of_a_browser_is_left() {
    let home = {
        let browser = Browser::open(&Look::default());
        let folder = browser.folder().to_path_buf();
        assert!(processes_with(folder.to_str().unwrap()) > 1, "the browser's own processes name its profile");
        folder
    };
    // What was killed is listed until the kernel is done with it.
    let until = Instant::now() + PATIENCE;
    while processes_with(home.to_str().unwrap()) > 0 {
        assert!(Instant::now() < until, "a process is left");
        thread::sleep(Duration::from_millis(10));
    }
    assert!(!home.exists());
}

fn processes_with(text: &str) -> usize {
    let lines = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.unwrap().path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(text)).count()
}

#[test]
fn axe_tells_a_page_that_shuts_somebody_out() {
    let site = serve(|request, _| {
        let good = r#"<!doctype html><html lang="en"><head><title>Good</title></head><body><main><h1>Good</h1>
            <form><label>Name <input name="n"></label></form></main></body></html>"#;
        let bad = good.replace("<label>Name <input name=\"n\"></label>", "<input name=\"n\"><img src=\"/x.png\">");
        (STRICT.into(), if request.contains("/bad") { bad } else { good.into() })
    });
    let browser = Browser::open(&Look::default());
    browser.go(&format!("http://{site}/bad"));
    let found = browser.axe();
    let rules: Vec<_> = found.iter().map(|violation| violation.rule.as_str()).collect();
    assert!(rules.contains(&"label") && rules.contains(&"image-alt"), "{found:#?}");
    assert!(found.iter().any(|violation| violation.targets == ["input"]), "{found:#?}");
    browser.go(&format!("http://{site}/good"));
    browser.assert_accessible();
}

/// Says whether a number is even; with `fails`, not of those above 500.
fn even_or_odd(fails: bool) -> SocketAddr {
    serve(move |request, _| {
        let json = "Content-Type: application/json\r\n";
        let path = request.split(' ').nth(1).unwrap_or_default();
        if path == "/openapi.json" {
            let number = json!({ "name": "n", "in": "query", "required": true,
                                 "schema": { "type": "integer", "minimum": 0, "maximum": 1000 } });
            let answers = json!({ "200": { "description": "said", "content": { "application/json": {} } },
                                  "400": { "description": "no number" } });
            let get = json!({ "operationId": "even", "parameters": [number], "responses": answers });
            let api = json!({ "openapi": "3.1.0", "info": { "title": "even", "version": "1" },
                              "paths": { "/even": { "get": get } } });
            return (json.into(), api.to_string());
        }
        let number: Option<u32> = path.strip_prefix("/even?n=").and_then(|number| number.parse().ok());
        match number {
            Some(number) if number > 500 && fails => {
                (format!("HTTP/1.1 500 Internal Server Error\r\n{json}"), "{}".into())
            }
            Some(number) => (json.into(), (number % 2 == 0).to_string()),
            None => (format!("HTTP/1.1 400 Bad Request\r\n{json}"), "{}".into()),
        }
    })
}

#[test]
fn schemathesis_tells_an_api_that_breaks() {
    let run = |fails| {
        let output = schemathesis(&format!("http://{}/openapi.json", even_or_odd(fails)), &[]);
        (output.status.success(), harness::text(&output.stdout) + &harness::text(&output.stderr))
    };
    let (good, said) = run(false);
    assert!(good, "{said}");
    let (good, said) = run(true);
    assert!(!good && said.contains("Server error") && said.contains("/even"), "{said}");
    assert_eq!(run(true).1.lines().find(|line| line.contains("curl")).map(without_port), {
        said.lines().find(|line| line.contains("curl")).map(without_port)
    });
}

/// The example as it was found, whatever the server's port.
fn without_port(line: &str) -> String {
    line.split_once("/even").map_or_else(|| line.to_string(), |(_, example)| example.to_string())
}

/// A child who is to sleep at nine.
const BEDTIME: &str = "[defaults]\nprofile = \"mai\"\n[[profile]]\nname = \"mai\"\nband = \"10-12\"\n\
    [[profile.schedule]]\nname = \"bedtime\"\nfrom = \"21:00\"\nto = \"06:30\"\nblock = [\"everything\"]\n\
    [[device]]\nprofile = \"mai\"\naddress = [\"127.0.0.0/8\"]\n";

fn until(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < end, "waited {patience:?} for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_clock_is_set_and_moved_while_the_program_runs() {
    let folder = Arc::new(TempDir::new().unwrap());
    let clock = Clock::new(folder.path());
    clock.set("2027-03-01T20:59:30Z");
    let upstream = Upstream::start();
    let server = Server::start_at(&clock, folder, upstream.addr, "", BEDTIME);
    assert_eq!(server.ask("wikipedia.org", "A").ede_code(), None);
    clock.add_secs(31.0);
    until("bedtime", Duration::from_secs(2), || server.ask("wikipedia.org", "A").ede_code().is_some());
    clock.set("2027-03-02T06:30:00Z");
    until("the morning", Duration::from_secs(2), || server.ask("wikipedia.org", "A").ede_code().is_none());
    // Timers go by monotonic time: a silent upstream is given up after the time that was configured, not a day later or at once.
    upstream.set_silent(true);
    clock.add_days(1.0);
    let began = Instant::now();
    server.ask("nobody.example", "A");
    assert!((Duration::from_millis(400)..Duration::from_secs(8)).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[test]
fn a_name_is_found_where_it_is() {
    let upstream = Upstream::start();
    let anybody = "[defaults]\nprofile = \"any\"\n[[profile]]\nname = \"any\"\nband = \"16-17\"\n";
    let server = Server::start(upstream.addr, anybody);
    let process = server.child.id();
    server.ask("JustNow.Asked.Example", "A");
    let found = memory::in_memory(process, "justnow.asked.example");
    assert!(found.iter().any(|trace| trace.around.contains("\\x07justnow\\x05asked\\x07example")), "{found:#?}");
    assert_eq!(memory::in_memory(process, "never.asked.example"), []);
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("deep")).unwrap();
    let mut text = "x".repeat((1 << 20) - 5);
    text.push_str("Written.Example");
    fs::write(folder.path().join("deep/file"), text).unwrap();
    fs::write(folder.path().join("wire"), b"\x07written\x07example").unwrap();
    fs::write(folder.path().join("named.example.txt"), "").unwrap();
    assert_eq!(memory::in_files(folder.path(), "written.example").len(), 2);
    assert_eq!(memory::in_files(folder.path(), "named.example").len(), 1);
    assert_eq!(memory::in_files(folder.path(), "unwritten.example"), []);
}
