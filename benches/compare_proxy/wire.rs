//! What goes over the wire besides HTTP: certificates, TLS settings, and the opaque conversation, which begins with a true
//! ClientHello and a record that says how many octets the client wants (0: each octet comes back).

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, client, server};

use crate::plan;

/// Octets before a record's content: type, version, length.
pub const HEAD: usize = 5;
/// A record with eight octets of application data.
pub const WISH: usize = HEAD + 8;

/// Makes the origin's certificate, ECDSA P-256, valid for all names, in DER and in PEM.
pub fn write_certificate(folder: &Path) -> anyhow::Result<()> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let certificate = CertificateParams::new(plan::certified())?.self_signed(&key)?;
    fs::write(folder.join("cert.der"), certificate.der())?;
    fs::write(folder.join("cert.pem"), certificate.pem())?;
    fs::write(folder.join("key.der"), key.serialize_der())?;
    Ok(fs::write(folder.join("key.pem"), key.serialize_pem())?)
}

fn certificate(folder: &Path) -> anyhow::Result<CertificateDer<'static>> {
    Ok(CertificateDer::from(fs::read(folder.join("cert.der")).context("no certificate")?))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Without tickets or a cache: every handshake is a full one.
pub fn server_config(folder: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let key = PrivateKeyDer::try_from(fs::read(folder.join("key.der"))?).map_err(|error| anyhow::anyhow!(error))?;
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate(folder)?], key)?;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(server::NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// Trusts the origin alone: any other certificate is a fault.
pub fn client_config(folder: &Path) -> anyhow::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate(folder)?)?;
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.resumption = client::Resumption::disabled();
    Ok(Arc::new(config))
}

pub fn server_name(name: &str) -> anyhow::Result<ServerName<'static>> {
    Ok(ServerName::try_from(name.to_owned())?)
}

/// A ClientHello for `name` as it goes over the wire, then the wish for `octets`.
pub fn opening(config: &Arc<ClientConfig>, name: &str, octets: u64) -> anyhow::Result<Vec<u8>> {
    let mut connection = ClientConnection::new(Arc::clone(config), server_name(name)?)?;
    let mut wire = Vec::new();
    while connection.wants_write() {
        connection.write_tls(&mut wire)?;
    }
    wire.extend_from_slice(&[23, 3, 3, 0, 8]);
    wire.extend_from_slice(&octets.to_be_bytes());
    Ok(wire)
}

/// Octets that look like a handshake record first, then like nothing.
pub fn filler(len: usize) -> Vec<u8> {
    let mut filler = vec![0x5a; len];
    filler[..HEAD].copy_from_slice(&[22, 3, 3, 0x40, 0]);
    filler
}
