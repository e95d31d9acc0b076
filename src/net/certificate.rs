//! The certificate that encrypted doors show: from files, or made here and signed by an authority of the household's own,
//! which devices can be told to trust. Files are read again when they change.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read or written.
    #[error("{}: {error}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A file holds something else.
    #[error("{}: {what}", .file.display())]
    Content {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// It could not be made.
    #[error("certificate cannot be made: {0}")]
    Made(#[from] rcgen::Error),
    /// Key and certificate cannot be used.
    #[error("certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Where a certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A chain and its key, PEM.
    Files {
        /// The chain, our own certificate first.
        certificate: PathBuf,
        /// Its key.
        key: PathBuf,
    },
    /// Made here for these names and addresses.
    Own {
        /// Where the authority is kept; `None` makes a new one at each start.
        folder: Option<PathBuf>,
        /// Names and addresses.
        names: Vec<String>,
    },
}

/// Own certificates are good for so long, and are made anew when half of it is over.
const OWN_DAYS: i64 = 90;
/// The authority outlives the devices that trust it.
const AUTHORITY_YEARS: i64 = 20;
/// The file of the authority's certificate, for devices to trust.
pub const AUTHORITY: &str = "authority.pem";

/// A certificate and what it was made from, to see when it is out of date.
pub struct Kept {
    /// Where it comes from.
    pub origin: Origin,
    stamp: Stamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stamp {
    Changed(Option<SystemTime>, Option<SystemTime>),
    Made(i64),
}

impl Kept {
    /// Reads or makes it at `now` (seconds since 1970).
    pub fn load(origin: &Origin, now: i64) -> Result<(Kept, CertifiedKey), CertificateError> {
        let stamp = Stamp::of(origin, now);
        let key = match origin {
            Origin::Files { certificate, key } => from_files(certificate, key)?,
            Origin::Own { folder, names } => own(folder.as_deref(), names, now)?,
        };
        Ok((Kept { origin: origin.clone(), stamp }, key))
    }

    /// True when it should be loaded anew: its files changed, or half its time is over.
    pub fn is_old(&self, now: i64) -> bool {
        match (self.stamp, Stamp::of(&self.origin, now)) {
            (Stamp::Made(then), Stamp::Made(now)) => now - then > OWN_DAYS * 86_400 / 2,
            (then, now) => then != now,
        }
    }
}

impl Stamp {
    fn of(origin: &Origin, now: i64) -> Stamp {
        let changed = |file: &Path| fs::metadata(file).and_then(|data| data.modified()).ok();
        match origin {
            Origin::Files { certificate, key } => Stamp::Changed(changed(certificate), changed(key)),
            Origin::Own { .. } => Stamp::Made(now),
        }
    }
}

fn from_files(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let content = |file: &Path, what: String| CertificateError::Content { file: file.to_path_buf(), what };
    let pem = read(certificate)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let chain = chain.map_err(|error| content(certificate, format!("is not PEM: {error}")))?;
    if chain.is_empty() {
        return Err(content(certificate, "holds no certificate".into()));
    }
    let pem = read(key)?;
    let secret = PrivateKeyDer::from_pem_slice(pem.as_bytes());
    let secret = secret.map_err(|error| content(key, format!("holds no private key: {error}")))?;
    certified(chain, secret)
}

fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, CertificateError> {
    // Also checks that key and certificate belong together.
    Ok(CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())?)
}

fn own(folder: Option<&Path>, names: &[String], now: i64) -> Result<CertifiedKey, CertificateError> {
    let (authority, authority_der) = authority(folder, now)?;
    let mut params = CertificateParams::new(names.to_vec())?;
    params.distinguished_name.push(DnType::CommonName, names.first().map_or("luytre", String::as_str));
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    params.use_authority_key_identifier_extension = true;
    set_days(&mut params, now, OWN_DAYS);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &authority)?;
    let secret = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|what| CertificateError::Content { file: PathBuf::from("own key"), what: what.to_string() })?;
    certified(vec![certificate.der().clone(), authority_der], secret)
}

/// The household's own authority; made on the first call, then read.
fn authority(
    folder: Option<&Path>,
    now: i64,
) -> Result<(Issuer<'static, KeyPair>, CertificateDer<'static>), CertificateError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Luy Tre at home");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_days(&mut params, now, AUTHORITY_YEARS * 365);
    let Some(folder) = folder else {
        let key = KeyPair::generate()?;
        let der = params.self_signed(&key)?.der().clone();
        return Ok((Issuer::new(params, key), der));
    };
    let (key_file, file) = (folder.join("authority.key"), folder.join(AUTHORITY));
    if !file.is_file() {
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        let failed = |error| CertificateError::File { file: folder.to_path_buf(), error };
        fs::create_dir_all(folder).map_err(failed)?;
        // The certificate last: where it stands, its key stands as well.
        write(&key_file, &key.serialize_pem(), 0o600)?;
        write(&file, &pem, 0o644)?;
    }
    let pem = read(&file)?;
    let der = CertificateDer::from_pem_slice(pem.as_bytes())
        .map_err(|error| CertificateError::Content { file: file.clone(), what: error.to_string() })?;
    let key = KeyPair::from_pem(&read(&key_file)?)
        .map_err(|error| CertificateError::Content { file: key_file.clone(), what: error.to_string() })?;
    Ok((Issuer::new(params, key), der))
}

fn set_days(params: &mut CertificateParams, now: i64, days: i64) {
    let today = Timestamp::from_second(now).unwrap_or_default().to_zoned_datetime(jiff::tz::TimeZone::UTC).date();
    let ymd = |date: Date| rcgen::date_time_ymd(i32::from(date.year()), date.month() as u8, date.day() as u8);
    // A day back, for devices whose clocks are a little slow.
    params.not_before = ymd(today.saturating_sub(1.day()));
    params.not_after = ymd(today.saturating_add(days.days()));
}

fn read(file: &Path) -> Result<String, CertificateError> {
    fs::read_to_string(file).map_err(|error| CertificateError::File { file: file.to_path_buf(), error })
}

/// Writes aside, syncs, renames.
fn write(file: &Path, text: &str, mode: u32) -> Result<(), CertificateError> {
    let aside = file.with_extension("new");
    let write = || {
        let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&aside)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&aside, file)
    };
    write().map_err(|error| CertificateError::File { file: file.to_path_buf(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000;

    #[test]
    fn the_authority_stays_and_its_key_is_secret() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let origin = Origin::Own {
            folder: Some(folder.path().into()),
            names: vec!["dns.home.example".into(), "10.0.0.1".into()],
        };
        let (kept, one) = Kept::load(&origin, NOW).unwrap();
        let (_, two) = Kept::load(&origin, NOW + 1).unwrap();
        assert_eq!(one.cert[1], two.cert[1], "one authority");
        assert_ne!(one.cert[0], two.cert[0], "a new certificate each time");
        let mode = fs::metadata(folder.path().join("authority.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        assert!(!kept.is_old(NOW + 86_400) && kept.is_old(NOW + 60 * 86_400));
    }

    #[test]
    fn files_are_checked_and_watched() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("a.pem"), folder.path().join("a.key"));
        let origin = Origin::Files { certificate: certificate.clone(), key: key.clone() };
        assert!(Kept::load(&origin, NOW).is_err(), "not there");
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_string()]).unwrap();
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
        assert!(matches!(Kept::load(&origin, NOW), Err(CertificateError::Unusable(_))), "another's key");
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let (kept, _) = Kept::load(&origin, NOW).unwrap();
        assert!(!kept.is_old(NOW + 1_000_000));
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        fs::File::open(&certificate).unwrap().set_modified(later).unwrap();
        assert!(kept.is_old(NOW));
    }
}
