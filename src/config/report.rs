//! `[report]`: whether the household tells the operators of new names, and by which manifest. Consent stands elsewhere: this
//! switch alone sends nothing.

use std::path::{Path, PathBuf};

use super::read::number;
use crate::document::{At, Table};

/// Reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Who receives, and with which keys.
    pub manifest: ManifestFile,
    /// A coarse region that is told with a name, 0 to 63; 0 for the whole country.
    pub region: u8,
    /// A test's manifest is taken.
    pub lab: bool,
}

/// Where the manifest is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManifestFile {
    /// In the release that both authorities signed.
    Signed,
    /// There.
    Path(PathBuf),
}

pub(super) fn report(
    root: &mut Table<'_>,
    beside: &Path,
    state_dir: Option<&Path>,
    has_signed: bool,
) -> Option<Report> {
    let mut table = root.table("report")?;
    let enabled = table.or("enabled", false);
    let manifest: Option<At<String>> = table.get("manifest");
    let region = u8::try_from(number(&mut table, "region", 0, 0..=63)).unwrap_or(0);
    let lab = table.or("lab", false);
    let file = match manifest.as_ref().map(|manifest| manifest.value.as_str()) {
        None | Some("signed") => ManifestFile::Signed,
        Some(path) => ManifestFile::Path(beside.join(path)),
    };
    if manifest.as_ref().is_some_and(|manifest| manifest.value.is_empty()) {
        table.fault(&table.span(), "`manifest` is empty (\"signed\", or a file)");
    }
    if enabled && state_dir.is_none() {
        table.fault(&table.span(), "reports wait on disk until they are sent: `state_dir` is needed (\"auto\")");
    }
    if enabled && file == ManifestFile::Signed && !has_signed {
        table.fault(&table.span(), "`manifest = \"signed\"` needs `[signed]`, where the release comes from");
    }
    enabled.then_some(Report { manifest: file, region, lab })
}
