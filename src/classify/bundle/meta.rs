//! The part of a bundle that people read: its sources, its services and counts. Stored as JSON, read once at load.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One list that went into the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct SourceInfo {
    /// The name the operator gave it.
    pub name: String,
    /// Where it came from.
    pub origin: String,
    /// SPDX identifier or words; empty when unknown.
    pub licence: String,
    /// Format code.
    pub format: String,
    /// Category codes it adds.
    pub categories: Vec<String>,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Names it holds, duplicates within it counted once a line.
    pub names: u64,
    /// Addresses and prefixes it holds.
    pub addresses: u64,
    /// URLs it holds.
    pub urls: u64,
    /// Lines without effect and lines in error, by reason.
    pub skipped: Skipped,
}

/// Reason → lines.
pub type Skipped = BTreeMap<String, u64>;

/// One service, at the position of its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// Stable name, used in configuration.
    pub id: String,
    /// What people call it.
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub(super) struct Meta {
    pub sources: Vec<SourceInfo>,
    pub services: Vec<ServiceInfo>,
    /// Names by category id, lifted ones not counted.
    pub category_names: Vec<u64>,
    /// URL rules by category id, likewise.
    pub category_urls: Vec<u64>,
}
