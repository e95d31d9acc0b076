//! A network of the test's own: the test runs itself again in a fresh namespace, which ends with it.

use std::process::Command;

const INSIDE: &str = "LUYTRE_TEST_INSIDE";

/// True inside. Outside, runs the test of that name inside, and panics when it fails there.
pub fn enter(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        ip(&["link", "set", "lo", "up"]);
        return true;
    }
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut unshare = Command::new("unshare");
    // Without root, in a user namespace where we are root.
    unshare.args(if is_root { &["--net"][..] } else { &["--map-root-user", "--net"][..] });
    let output = unshare
        // Ends with the test outside even when that is killed.
        .args(["setpriv", "--pdeathsig", "KILL"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    let is_run = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(output.status.success() && is_run, "{}", String::from_utf8_lossy(&output.stderr));
    false
}

/// Gives the loopback interface more addresses.
pub fn addresses(all: &[&str]) {
    for addr in all {
        ip(&["address", "add", addr, "dev", "lo"]);
    }
}

/// One command of `ip`.
pub fn ip(arguments: &[&str]) {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "ip {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}
