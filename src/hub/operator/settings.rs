//! What an operator's process is told: a small file of TOML, every field named, an unknown one refused.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use ipnet::IpNet;
use serde::Deserialize;

/// Which of the four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Opens what enough homes said, and keeps the results.
    A,
    /// Mixes, and hands over to A.
    B,
    /// Passes closed messages on; alone sees addresses of homes.
    Relay,
    /// Gives tokens to lines it knows.
    Issuer,
}

impl Role {
    /// As it stands in metrics.
    pub fn code(self) -> &'static str {
        match self {
            Role::A => "a",
            Role::B => "b",
            Role::Relay => "relay",
            Role::Issuer => "issuer",
        }
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// Its text; says line and column.
    #[error("{path}: {error}")]
    Toml {
        /// Which.
        path: String,
        /// What is wrong, and where.
        error: Box<toml::de::Error>,
    },
    /// A field that this role cannot do without.
    #[error("{path}: {role} needs `{field}`: {what}")]
    Missing {
        /// Which file.
        path: String,
        /// Which role.
        role: &'static str,
        /// Which field.
        field: &'static str,
        /// What it is for.
        what: &'static str,
    },
}

/// The file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the role listens; a web server in front of it ends TLS.
    pub listen: SocketAddr,
    /// Where `/metrics` and `/health` are answered.
    pub metrics: Option<SocketAddr>,
    /// A: where B hands over. Not for the public.
    pub internal: Option<SocketAddr>,
    /// The folder of secrets (`luytre hub operator new`, `luytre hub issuer new`). Not of the relay.
    pub secrets: Option<PathBuf>,
    /// SQLite's file, or `postgres://…`. Not of the relay.
    pub database: Option<String>,
    /// The manifest that boxes have. Not of the relay.
    pub manifest: Option<PathBuf>,
    /// A and B: a file of at least 32 octets that both have and nobody else.
    pub shared: Option<PathBuf>,
    /// Relay: A's gateway. B: where A listens for it.
    pub a: Option<String>,
    /// Relay: B's gateway.
    pub b: Option<String>,
    /// Proxies whose `X-Forwarded-For` is believed (relay, issuer).
    #[serde(default)]
    pub trusted_proxies: Vec<IpNet>,
    /// Relay: messages of one line in an hour.
    #[serde(default = "per_hour")]
    pub per_hour: u32,
    /// Reports that are held at once, of one epoch.
    #[serde(default = "reports_max")]
    pub reports_max: u64,
}

fn per_hour() -> u32 {
    120
}

fn reports_max() -> u64 {
    20_000_000
}

impl Settings {
    /// Reads and checks one for that role.
    pub fn read(path: &Path, role: Role) -> Result<Settings, SettingsError> {
        let shown = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|error| SettingsError::File { path: shown.clone(), error })?;
        let settings: Settings = toml::from_str(&text)
            .map_err(|error| SettingsError::Toml { path: shown.clone(), error: Box::new(error) })?;
        let need = |has: bool, field, what| {
            let missing = SettingsError::Missing { path: shown.clone(), role: role.code(), field, what };
            if has { Ok(()) } else { Err(missing) }
        };
        if role != Role::Relay {
            need(settings.secrets.is_some(), "secrets", "the folder of its keys")?;
            need(settings.database.is_some(), "database", "a file, or postgres://…")?;
            need(settings.manifest.is_some(), "manifest", "the file that boxes have")?;
        }
        if matches!(role, Role::A | Role::B) {
            need(settings.shared.is_some(), "shared", "a file of 32 octets that A and B have")?;
        }
        match role {
            Role::A => need(settings.internal.is_some(), "internal", "where B hands over")?,
            Role::B => need(settings.a.is_some(), "a", "the address of A's `internal`, with a / at its end")?,
            Role::Relay => {
                need(settings.a.is_some(), "a", "A's gateway")?;
                need(settings.b.is_some(), "b", "B's gateway")?;
            }
            Role::Issuer => {}
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.toml");
        let told = |text: &str, role| {
            fs::write(&path, text).unwrap();
            Settings::read(&path, role).err().map(|error| error.to_string()).unwrap_or_default()
        };
        let listen = "listen = \"127.0.0.1:0\"\n";
        assert!(told(&format!("{listen}lisen = 1\n"), Role::Relay).contains("line 2, column 1"));
        assert!(told(listen, Role::Relay).contains("needs `a`"));
        assert!(told(listen, Role::A).contains("needs `secrets`"));
        let both = format!("{listen}a = \"http://127.0.0.1:1/\"\nb = \"http://127.0.0.1:2/\"\n");
        assert_eq!(told(&both, Role::Relay), "");
    }
}
