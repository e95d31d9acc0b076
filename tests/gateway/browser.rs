//! A real browser as the child: the page on http, a network error on https, the allowed site.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use tempfile::TempDir;

use crate::harness::{namespace, text};
use crate::{CASINO, FOREIGN, Gateway};

/// What the browser shows of `url`, and its picture if a name for it is given.
fn browse(gateway: &Gateway, url: &str, picture: Option<&str>) -> String {
    let home = TempDir::new().unwrap();
    let database = home.path().join(".pki/nssdb");
    fs::create_dir_all(&database).unwrap();
    let authority = home.path().join("internet.pem");
    fs::write(&authority, &gateway.authority.pem).unwrap();
    let trusted = std::process::Command::new("certutil")
        .args(["-d", &format!("sql:{}", database.display()), "-A", "-t", "C,,", "-n", "internet", "-i"])
        .arg(&authority)
        .output()
        .unwrap();
    assert!(trusted.status.success(), "{}", text(&trusted.stderr));
    // The child's own resolver is somebody else's.
    let resolver = home.path().join("resolv.conf");
    fs::write(&resolver, format!("nameserver {}\n", FOREIGN[0])).unwrap();
    let mut command = gateway.child().command("unshare");
    command
        .args(["--mount", "sh", "-c", "mount --bind \"$1\" /etc/resolv.conf && shift && exec \"$@\"", "sh"])
        .arg(&resolver)
        .arg("chromium")
        .env("HOME", home.path())
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
        .args(["--disable-component-update", "--disable-sync", "--timeout=15000", "--window-size=600,500"])
        // DNS refuses such a name before any connection: this browser has the address from somewhere else.
        .arg(format!("--host-resolver-rules=MAP casino.example {}", CASINO.addrs[0]))
        .arg(format!("--user-data-dir={}", home.path().join("data").display()));
    match picture {
        Some(name) => {
            let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
            let _ = fs::remove_file(&file);
            command.arg(format!("--screenshot={}", file.display()));
        }
        None => {
            command.arg("--dump-dom");
        }
    }
    let output = command.arg(url).stdin(Stdio::null()).output().unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn a_browser_shows_the_page_the_error_and_the_site() {
    if !namespace::enter("browser::a_browser_shows_the_page_the_error_and_the_site") {
        return;
    }
    let gateway = Gateway::open("");
    let page = browse(&gateway, "http://school.example/", None);
    assert!(page.contains("reached 198.51.100.10") || page.contains("reached 2001:db8:51::10"), "{page}");
    let page = browse(&gateway, "https://school.example/", None);
    assert!(page.contains("reached "), "the site's own certificate: {page}");
    let page = browse(&gateway, "http://casino.example/", None);
    assert!(page.contains("tel:111") && page.contains("111"), "{page}");
    let page = browse(&gateway, "https://casino.example/", None);
    assert!(page.contains("ERR_SSL_UNRECOGNIZED_NAME_ALERT"), "{page}");
    browse(&gateway, "http://casino.example/", Some("refused.png"));
    let picture = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("refused.png");
    assert!(fs::metadata(&picture).unwrap().len() > 1000);
    let visits = gateway.visits();
    assert!(visits.iter().all(|visit| !visit.said.contains(CASINO.name) && visit.to != CASINO.ip(0)), "{visits:?}");
    assert!(
        gateway.upstream.seen().iter().any(|asked| asked == "A school.example"),
        "the foreign resolver's questions"
    );
    assert_eq!(gateway.foreign[0].seen(), [""; 0]);
}
