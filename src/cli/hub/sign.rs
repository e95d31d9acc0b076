//! `luytre hub sign`: one officer's signature on a file of metadata. A key on a token (PKCS#11) signs the octets that
//! `--octets` writes, and `--key-id` with `--signature` attaches what it made.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;

use crate::hub::key::SigningKey;
use crate::hub::metadata::Metadata;
use crate::lists::compile::hex;

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// The file: a root, a list of targets, a snapshot or a timestamp
    file: PathBuf,
    /// Sign with the key in this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["octets", "signature"])]
    key: Option<PathBuf>,
    /// Write the octets that are to be signed there, and sign nothing
    #[arg(long, value_name = "FILE")]
    octets: Option<PathBuf>,
    /// Attach the signature in this file: 64 octets as an Ed25519 key makes them
    #[arg(long, value_name = "FILE", requires = "public")]
    signature: Option<PathBuf>,
    /// The public key that made it
    #[arg(long, value_name = "HEX")]
    public: Option<String>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut metadata = Metadata::read(&arguments.file)?;
    if let Some(to) = &arguments.octets {
        fs::write(to, metadata.octets()?).with_context(|| to.display().to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let id = match (&arguments.key, &arguments.signature, &arguments.public) {
        (Some(key), ..) => metadata.sign(&SigningKey::read(key)?)?.id,
        (None, Some(signature), Some(public)) => {
            let public = crate::hub::key::PublicKey::parse(public)?;
            let octets = fs::read(signature).with_context(|| signature.display().to_string())?;
            metadata.attach(&public.id, &hex(&octets));
            public.id
        }
        _ => bail!("one of --key, --octets, --signature with --public is needed"),
    };
    metadata.write(&arguments.file)?;
    writeln!(io::stdout(), "signed by {id}")?;
    Ok(ExitCode::SUCCESS)
}
