//! schemathesis, which asks an API everything that its OpenAPI description allows, and some things it does not.

use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Examples for each operation and phase: enough to meet each field's limits, few enough for a test.
const EXAMPLES: &str = "25";

/// Runs it against the API described at `url`, with the same examples each time. It fails when a check does: any answer of
/// 500 and more, and what `arguments` add (`--checks`, `-H "Authorization: …"`, `--include-path`).
pub fn schemathesis(url: &str, arguments: &[&str]) -> Output {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/schemathesis/bin/schemathesis");
    // It leaves its database of examples where it runs.
    let folder = TempDir::new().unwrap();
    let checks = if arguments.contains(&"--checks") { &[][..] } else { &["--checks", "not_a_server_error"] };
    Command::new(&program)
        .args(["run", url, "--max-examples", EXAMPLES, "--seed", "1", "--generation-deterministic", "--no-color"])
        .args(["--workers", "1", "--request-timeout", "10"])
        .args(checks)
        .args(arguments)
        .env("HOME", folder.path())
        // A proxy of the surroundings is not asked for what is on loopback.
        .env("NO_PROXY", "*")
        .current_dir(folder.path())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; tests/fetch-tools fetches it", program.display()))
}
