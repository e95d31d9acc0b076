//! A real browser, steered by Debian's chromedriver over the W3C WebDriver protocol. What is not there fails the test at once;
//! what takes its time is waited for with [`Browser::wait_until`].

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{PATIENCE, free_port};

/// How the browser is opened.
pub struct Look {
    pub width: u32,
    pub height: u32,
    /// As `Accept-Language` begins: `vi`, `en`.
    pub language: String,
    pub script: bool,
    pub dark: bool,
    /// More arguments of Chromium, such as `--host-resolver-rules=MAP tre.home 127.0.0.1`.
    pub arguments: Vec<String>,
}

impl Default for Look {
    fn default() -> Look {
        Look { width: 1280, height: 900, language: "en".into(), script: true, dark: false, arguments: Vec::new() }
    }
}

impl Look {
    pub fn size(self, width: u32, height: u32) -> Look {
        Look { width, height, ..self }
    }

    pub fn language(self, language: &str) -> Look {
        Look { language: language.into(), ..self }
    }

    pub fn without_script(self) -> Look {
        Look { script: false, ..self }
    }

    pub fn dark(self) -> Look {
        Look { dark: true, ..self }
    }

    pub fn argument(mut self, argument: &str) -> Look {
        self.arguments.push(argument.into());
        self
    }
}

/// A browser with one window, gone when dropped.
pub struct Browser {
    driver: Child,
    addr: SocketAddr,
    session: String,
    /// Its profile, deleted last.
    home: TempDir,
}

/// A part of the page that is shown.
pub struct Element<'b> {
    browser: &'b Browser,
    id: String,
}

#[derive(Debug, Clone)]
pub struct Cookie {
    pub name: String,
    pub value: String,
    pub http_only: bool,
    pub secure: bool,
    pub same_site: String,
}

/// What axe-core found wrong.
#[derive(Debug, Clone)]
pub struct Violation {
    pub rule: String,
    pub impact: String,
    pub help: String,
    /// CSS selectors of the elements.
    pub targets: Vec<String>,
}

/// Keys that have no letter.
pub const SHIFT: &str = "\u{e008}";
pub const ENTER: &str = "\u{e007}";
pub const TAB: &str = "\u{e004}";
pub const ESCAPE: &str = "\u{e00c}";
pub const SPACE: &str = " ";

/// The name under which the protocol passes elements (W3C WebDriver, "Elements").
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// A command may have to wait for a page.
const COMMAND_MAX: Duration = Duration::from_secs(40);

impl Browser {
    pub fn open(look: &Look) -> Browser {
        let home = TempDir::new().unwrap();
        let addr: SocketAddr = (Ipv4Addr::LOCALHOST, free_port()).into();
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        // In a process namespace of its own: when its first process ends, all that Chromium started ends with it.
        let driver = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "unshare"])
            .args(if is_root { &[][..] } else { &["--map-root-user"] })
            .args(["--pid", "--fork", "--kill-child=KILL", "--mount-proc", "chromedriver"])
            .args([format!("--port={}", addr.port()), "--allowed-ips=127.0.0.1".into()])
            .env("HOME", home.path())
            .env("LANGUAGE", &look.language)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("installed by tests/run");
        let mut browser = Browser { driver, addr, session: String::new(), home };
        browser.wait_until("chromedriver to be ready", PATIENCE, |browser| {
            TcpStream::connect(browser.addr).is_ok() && browser.send("GET", "/status", &Value::Null)["ready"] == true
        });
        let opened = browser.send("POST", "/session", &capabilities(look, browser.home.path()));
        browser.session = opened["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {opened}")).into();
        browser.resize(look.width, look.height);
        if !look.script {
            browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
        }
        let scheme = if look.dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        browser.devtools("Emulation.setEmulatedMedia", features);
        browser
    }

    /// The folder of its profile.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// Returns when the page is loaded.
    pub fn go(&self, url: &str) {
        self.post("/url", json!({ "url": url }));
        // Under load the driver may come back while the empty page it began with is still there.
        let is_there = |browser: &Browser| {
            !browser.url().starts_with("data:") && !browser.source().contains("<head></head><body></body>")
        };
        self.wait_until(url, PATIENCE, is_there);
    }

    pub fn back(&self) {
        self.post("/back", json!({}));
    }

    pub fn reload(&self) {
        self.post("/refresh", json!({}));
    }

    pub fn url(&self) -> String {
        self.get("/url")
    }

    pub fn title(&self) -> String {
        self.get("/title")
    }

    pub fn source(&self) -> String {
        self.get("/source")
    }

    /// The first element of that CSS selector, which a page that is still coming is given a second to have.
    pub fn find(&self, css: &str) -> Element<'_> {
        for _ in 0..50 {
            if let Some(element) = self.try_find(css) {
                return element;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("no {css} on {}:\n{}", self.url(), self.source())
    }

    pub fn try_find(&self, css: &str) -> Option<Element<'_>> {
        self.all(css).into_iter().next()
    }

    pub fn all(&self, css: &str) -> Vec<Element<'_>> {
        self.elements("/elements", css)
    }

    /// All text of the page that can be seen.
    pub fn text(&self) -> String {
        // A page that gives way to the next takes its body along between the two questions.
        for _ in 0..50 {
            let body = self.find("body").id;
            let path = format!("/session/{}/element/{body}/text", self.session);
            if let Some(text) = self.send("GET", &path, &Value::Null).as_str() {
                return text.into();
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("{}: its text cannot be read", self.url());
    }

    /// The element that has the focus.
    pub fn focused(&self) -> Element<'_> {
        self.element(&self.call("GET", "/element/active", &Value::Null))
    }

    /// Presses and releases one key after another, whatever has the focus.
    pub fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() })))
            .collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": strokes }] });
        self.post("/actions", actions);
    }

    /// Runs the body of a function; `arguments` are its `arguments`. Returns what it returns, not waiting for promises.
    pub fn script(&self, body: &str, arguments: &[Value]) -> Value {
        self.post("/execute/sync", json!({ "script": body, "args": arguments }))
    }

    /// As [`Browser::script`]; returns what is given to the function that stands behind the arguments.
    pub fn script_async(&self, body: &str, arguments: &[Value]) -> Value {
        self.post("/execute/async", json!({ "script": body, "args": arguments }))
    }

    /// A command of the Chrome DevTools Protocol.
    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters }))
    }

    /// The visible part as a PNG file. Returns the path, below the target folder when `file` is relative.
    pub fn screenshot(&self, file: impl AsRef<Path>) -> PathBuf {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let picture: String = self.get("/screenshot");
        fs::write(&path, STANDARD.decode(picture).unwrap()).unwrap();
        path
    }

    /// As [`Browser::screenshot`], of the whole page, however long it is.
    pub fn screenshot_whole(&self, file: impl AsRef<Path>) -> PathBuf {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let picture = self.devtools("Page.captureScreenshot", json!({ "captureBeyondViewport": true }));
        fs::write(&path, STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()).unwrap();
        path
    }

    /// What a page sees as its window becomes so large, down to a phone's width, which no window of Chromium has.
    pub fn resize(&self, width: u32, height: u32) {
        self.post("/window/rect", json!({ "width": width, "height": height }));
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// True when the page is wider than its window.
    pub fn scrolls_sideways(&self) -> bool {
        let body = "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        self.script(body, &[]) == true
    }

    pub fn cookies(&self) -> Vec<Cookie> {
        let cookies = self.call("GET", "/cookie", &Value::Null);
        let text = |cookie: &Value, key: &str| cookie[key].as_str().unwrap_or_default().to_string();
        let cookie = |cookie: &Value| Cookie {
            name: text(cookie, "name"),
            value: text(cookie, "value"),
            http_only: cookie["httpOnly"] == true,
            secure: cookie["secure"] == true,
            same_site: text(cookie, "sameSite"),
        };
        cookies.as_array().unwrap().iter().map(cookie).collect()
    }

    pub fn cookie(&self, name: &str) -> Option<Cookie> {
        self.cookies().into_iter().find(|cookie| cookie.name == name)
    }

    pub fn delete_cookies(&self) {
        self.call("DELETE", "/cookie", &Value::Null);
    }

    /// Says yes to the dialog that is open, and returns what it said.
    pub fn accept_alert(&self) -> String {
        let said = self.get("/alert/text");
        self.post("/alert/accept", json!({}));
        said
    }

    pub fn wait_until(&self, what: &str, patience: Duration, mut holds: impl FnMut(&Browser) -> bool) {
        let until = Instant::now() + patience;
        while !holds(self) {
            assert!(Instant::now() < until, "waited {patience:?} for {what}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What axe-core finds wrong with the page as it is now, by WCAG 2.2 AA and its own best practice.
    pub fn axe(&self) -> Vec<Violation> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe/axe.min.js");
        let axe =
            fs::read_to_string(&file).unwrap_or_else(|_| panic!("{}: tests/fetch-tools fetches it", file.display()));
        // The driver's scripts are its own: a page's content security policy does not concern them.
        let run = "; const done = arguments[arguments.length - 1];
            const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
            axe.run(document, { runOnly: { type: 'tag', values } })
               .then(found => done({ violations: found.violations, passes: found.passes.length }))
               .catch(error => done({ failed: String(error) }));";
        let found = self.script_async(&(axe + run), &[]);
        assert!(found["passes"].as_u64().is_some_and(|passes| passes > 0), "axe did not run: {found}");
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
        let violation = |violation: &Value| Violation {
            rule: text(&violation["id"]),
            impact: text(&violation["impact"]),
            help: text(&violation["help"]),
            targets: violation["nodes"].as_array().unwrap().iter().map(|node| text(&node["target"][0])).collect(),
        };
        found["violations"].as_array().unwrap().iter().map(violation).collect()
    }

    /// Fails when axe-core finds anything.
    pub fn assert_accessible(&self) {
        let found = self.axe();
        assert!(found.is_empty(), "{}: {found:#?}", self.url());
    }

    fn elements(&self, path: &str, css: &str) -> Vec<Element<'_>> {
        let found = self.post(path, json!({ "using": "css selector", "value": css }));
        found.as_array().unwrap().iter().map(|found| self.element(found)).collect()
    }

    fn element(&self, found: &Value) -> Element<'_> {
        Element { browser: self, id: found[ELEMENT].as_str().unwrap().into() }
    }

    fn get(&self, path: &str) -> String {
        self.call("GET", path, &Value::Null).as_str().unwrap_or_default().into()
    }

    fn post(&self, path: &str, body: Value) -> Value {
        self.call("POST", path, &body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.send(method, &format!("/session/{}{path}", self.session), body);
        if let Some(error) = value["error"].as_str().filter(|_| value["stacktrace"].is_string()) {
            panic!("{method} {path}: {error}: {}", value["message"]);
        }
        value
    }

    /// One command; the `value` of what comes back.
    fn send(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(COMMAND_MAX)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.addr,
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = BufReader::new(stream);
        let mut len = 0;
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                len = value.trim().parse().unwrap();
            }
            if line.is_empty() {
                break;
            }
        }
        let mut octets = vec![0; len];
        answer.read_exact(&mut octets).unwrap();
        let mut answer: Value = serde_json::from_slice(&octets).unwrap_or_default();
        answer["value"].take()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

impl Element<'_> {
    pub fn text(&self) -> String {
        self.get("/text")
    }

    /// As it is written in the page.
    pub fn attribute(&self, name: &str) -> Option<String> {
        self.call("GET", &format!("/attribute/{name}"), &Value::Null).as_str().map(str::to_string)
    }

    /// As it is now: `value` of a field, `checked` of a box.
    pub fn property(&self, name: &str) -> Value {
        self.call("GET", &format!("/property/{name}"), &Value::Null)
    }

    pub fn css_value(&self, name: &str) -> String {
        self.get(&format!("/css/{name}"))
    }

    pub fn is_shown(&self) -> bool {
        self.call("GET", "/displayed", &Value::Null) == true
    }

    pub fn click(&self) {
        self.call("POST", "/click", &json!({}));
    }

    /// Types text into it; keys without letters are the constants of this file.
    pub fn type_keys(&self, keys: &str) {
        self.call("POST", "/value", &json!({ "text": keys }));
    }

    pub fn clear(&self) {
        self.call("POST", "/clear", &json!({}));
    }

    /// Clears it, then types.
    pub fn fill(&self, text: &str) {
        self.clear();
        self.type_keys(text);
    }

    /// Of a `select`, chooses the option of that value.
    pub fn select(&self, value: &str) {
        self.find(&format!("option[value={value:?}]")).click();
    }

    /// Of a form, presses its button, as a person would.
    pub fn submit(&self) {
        self.find("[type=submit], button:not([type])").click();
    }

    pub fn find(&self, css: &str) -> Element<'_> {
        self.all(css).into_iter().next().unwrap_or_else(|| panic!("no {css} inside {}", self.text()))
    }

    pub fn all(&self, css: &str) -> Vec<Element<'_>> {
        self.browser.elements(&format!("/element/{}/elements", self.id), css)
    }

    fn get(&self, path: &str) -> String {
        self.call("GET", path, &Value::Null).as_str().unwrap_or_default().into()
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        self.browser.call(method, &format!("/element/{}{path}", self.id), body)
    }
}

fn capabilities(look: &Look, home: &Path) -> Value {
    let mut arguments: Vec<String> = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
    ]
    .map(String::from)
    .into();
    arguments.push(format!("--user-data-dir={}", home.join("profile").display()));
    arguments.push(format!("--window-size={},{}", look.width, look.height));
    arguments.push(format!("--lang={}", look.language));
    arguments.push(format!("--accept-lang={}", look.language));
    arguments.extend(look.arguments.iter().cloned());
    let options = json!({
        "binary": "/usr/bin/chromium",
        "args": arguments,
        "prefs": { "intl.accept_languages": look.language },
    });
    let always = json!({
        "browserName": "chrome",
        "acceptInsecureCerts": true,
        "unhandledPromptBehavior": "ignore",
        "goog:chromeOptions": options,
    });
    json!({ "capabilities": { "alwaysMatch": always } })
}
