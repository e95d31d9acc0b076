//! Lists to bundle: reads every input as a stream, turns findings into parts, and counts what could not be used. The same
//! inputs give the same bytes, whenever and wherever.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::PathBuf;

use aws_lc_rs::digest::{Context, SHA256};
use ipnet::IpNet;

use super::data::Builtin;
use super::parse::{Details, Entry, EntryAction, Format, Item, ParseOptions, Subject, parse};
use crate::classify::bundle::{
    Applies, BundleWriter, Part, PartId, PartKind, ServiceInfo, SourceId, SourceInfo, WriteError, WriteReport,
};
use crate::classify::{Category, CategorySet, Host, ServiceSet};

/// One list to compile.
#[derive(Debug, Clone)]
pub struct Input {
    /// The operator's name for it.
    pub name: String,
    /// Where it came from, in words.
    pub origin: String,
    /// Its licence.
    pub licence: String,
    /// How it is written.
    pub format: Format,
    /// What its source says about it.
    pub options: ParseOptions,
    /// Adds categories, or lifts those of other lists.
    pub kind: PartKind,
    /// What it says of its names.
    pub categories: CategorySet,
    /// Its text.
    pub content: Content,
}

/// Where the text of a list is.
#[derive(Debug, Clone)]
pub enum Content {
    /// Compiled in.
    Text(&'static str),
    /// In a file, plain or packed with zstd.
    File(PathBuf),
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// A list's file cannot be read.
    #[error("list {list:?} cannot be read: {error}")]
    Input {
        /// The list.
        list: String,
        /// What the system said.
        error: io::Error,
    },
    /// The findings do not fit a bundle.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A bundle and what went into it.
pub struct Compiled {
    /// The bundle.
    pub bytes: Vec<u8>,
    /// Counts.
    pub report: WriteReport,
}

/// Lifted by an allow list: everything but what no list may touch.
const LIFTABLE: CategorySet = CategorySet::of(&Category::ALL);
/// Name of the built-in source of services, and of ways round the filter.
const SERVICES: &str = "services";
const BYPASS: &str = "bypass";

/// Compiles `inputs` with the built-in services and ways round the filter. `progress` hears of each list begun.
pub fn compile(
    inputs: &[Input],
    builtin: &Builtin,
    progress: &mut dyn FnMut(usize, &str),
) -> Result<Compiled, CompileError> {
    let digests = inputs.iter().map(digest).collect::<Result<Vec<_>, _>>()?;
    let mut writer = BundleWriter::new(key(inputs, &digests, builtin), 0, newest(inputs));
    add_services(&mut writer, builtin)?;
    add_bypass(&mut writer, builtin)?;
    for (at, (input, digest)) in inputs.iter().zip(&digests).enumerate() {
        progress(at, &input.name);
        add_list(&mut writer, input, digest)?;
    }
    let (bytes, report) = writer.finish()?;
    Ok(Compiled { bytes, report })
}

/// How many entries a list holds and how many of its lines are in error: what decides whether a new version is taken.
pub fn survey(input: &Input) -> Result<(u64, u64), CompileError> {
    let (mut entries, mut errors) = (0, 0);
    let mut count = |item: Item<'_>| match item {
        Item::Entry(_) => entries += 1,
        Item::Error { .. } => errors += 1,
        Item::Ignored { .. } => {}
    };
    let reader = open(&input.content).map_err(|error| input.failed(error))?;
    parse(input.format, &input.options, reader, &mut count).map_err(|error| input.failed(error))?;
    Ok((entries, errors))
}

impl Input {
    fn failed(&self, error: io::Error) -> CompileError {
        CompileError::Input { list: self.name.clone(), error }
    }

    fn part(&self, applies: Applies, kind: PartKind, source: SourceId) -> Part {
        let categories = match self.kind {
            PartKind::Block => self.categories,
            PartKind::Allow => LIFTABLE,
        };
        // In an allow list every rule allows: it may be written as names or as exceptions.
        let kind = if self.kind == PartKind::Allow { PartKind::Allow } else { kind };
        Part { applies, kind, categories, services: ServiceSet::EMPTY, min_age: 0, source }
    }
}

fn add_services(writer: &mut BundleWriter, builtin: &Builtin) -> Result<(), WriteError> {
    let info = SourceInfo {
        name: SERVICES.into(),
        origin: "built-in".into(),
        licence: "CC0-1.0".into(),
        format: "services/1".into(),
        names: builtin.services.iter().map(|service| service.names.len() as u64).sum(),
        ..SourceInfo::default()
    };
    let source = writer.source(info)?;
    for service in &builtin.services {
        let id = writer.service(ServiceInfo { id: service.id.clone(), title: service.title.clone() })?;
        let part = writer.part(Part {
            applies: Applies::Suffix,
            kind: PartKind::Block,
            categories: service.categories,
            services: ServiceSet::EMPTY.with(id),
            min_age: service.min_age,
            source,
        });
        service.names.iter().for_each(|name| writer.name(name.view(), part));
    }
    Ok(())
}

fn add_bypass(writer: &mut BundleWriter, builtin: &Builtin) -> Result<(), WriteError> {
    let categories = CategorySet::of(&[Category::Bypass]);
    let info = SourceInfo {
        name: BYPASS.into(),
        origin: "built-in".into(),
        licence: "CC0-1.0".into(),
        format: "bypass/1".into(),
        categories: codes(categories),
        names: builtin.bypass.iter().map(|group| group.names.len() as u64).sum(),
        addresses: builtin.bypass.iter().map(|group| group.addresses.len() as u64).sum(),
        ..SourceInfo::default()
    };
    let source = writer.source(info)?;
    let (kind, services) = (PartKind::Block, ServiceSet::EMPTY);
    let part = writer.part(Part { applies: Applies::Suffix, kind, categories, services, min_age: 0, source });
    for group in &builtin.bypass {
        group.names.iter().for_each(|name| writer.name(name.view(), part));
        group.addresses.iter().for_each(|addr| writer.range(*addr, *addr, part));
    }
    Ok(())
}

fn add_list(writer: &mut BundleWriter, input: &Input, digest: &[u8]) -> Result<(), CompileError> {
    let source = writer.source(SourceInfo {
        name: input.name.clone(),
        origin: input.origin.clone(),
        licence: input.licence.clone(),
        format: input.format.code().to_string(),
        categories: codes(input.categories),
        sha256: hex(digest),
        ..SourceInfo::default()
    })?;
    let reader = open(&input.content).map_err(|error| input.failed(error))?;
    let mut list = ListReading::new(writer, input, source);
    parse(input.format, &input.options, reader, &mut |item| list.take(item)).map_err(|error| input.failed(error))?;
    let ListReading { names, addresses, urls, skipped, .. } = list;
    if let Some(info) = writer.source_mut(source) {
        (info.names, info.addresses, info.urls) = (names, addresses, urls);
        info.skipped = skipped.into_iter().map(|(why, count)| (why.to_string(), count)).collect();
    }
    Ok(())
}

/// One list on its way into the writer.
struct ListReading<'w> {
    writer: &'w mut BundleWriter,
    /// `[Exact, Subdomains, Suffix]`, adding and lifting.
    parts: [[PartId; 2]; 3],
    names: u64,
    addresses: u64,
    urls: u64,
    skipped: Vec<(&'static str, u64)>,
}

impl<'w> ListReading<'w> {
    fn new(writer: &'w mut BundleWriter, input: &Input, source: SourceId) -> ListReading<'w> {
        let parts = [Applies::Exact, Applies::Subdomains, Applies::Suffix].map(|applies| {
            [PartKind::Block, PartKind::Allow].map(|kind| writer.part(input.part(applies, kind, source)))
        });
        ListReading { writer, parts, names: 0, addresses: 0, urls: 0, skipped: Vec::new() }
    }

    fn take(&mut self, item: Item<'_>) {
        match item {
            Item::Entry(entry) => self.entry(&entry),
            Item::Ignored { why, .. } => self.skip(why.code()),
            Item::Error { code, .. } => self.skip(code.code()),
        }
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        let kind = match entry.action {
            EntryAction::Block | EntryAction::Nxdomain | EntryAction::Nodata | EntryAction::Drop => 0,
            EntryAction::Refuse | EntryAction::Redirect => 0,
            EntryAction::Allow => 1,
            // Somebody's local data, another server, another list: no statement about the name.
            EntryAction::Rewrite(_) | EntryAction::TcpOnly | EntryAction::Forward(_) | EntryAction::Include => {
                return self.skip(entry.action.code());
            }
        };
        if is_conditional(&entry.details) {
            return self.skip("condition");
        }
        let (applies, name) = match &entry.subject {
            Subject::Exact(name) => (0, name),
            Subject::Subdomains(name) => (1, name),
            Subject::Suffix(name) => (2, name),
            Subject::Url { host, .. } if entry.details.lift_to_host => (0, host),
            Subject::Url { host, port, rest, subdomains } => {
                let part = self.parts[if *subdomains { 2 } else { 0 }][kind];
                return self.url(host.into(), *port, rest, part, &entry.details);
            }
            Subject::IpUrl { ip, port, rest } => {
                return self.url((*ip).into(), *port, rest, self.parts[0][kind], &entry.details);
            }
            Subject::Ip(addr) => return self.range(*addr, *addr, kind),
            Subject::IpRange(first, last) => return self.range(*first, *last, kind),
            Subject::Cidr(net) => return self.net(*net, kind),
            // Patterns and resolver-specific triggers need more than tables.
            other => return self.skip(other.kind()),
        };
        self.names += 1;
        self.writer.name(name.view(), self.parts[applies][kind]);
        for except in &entry.details.except {
            self.writer.name(except.view(), self.parts[2][1 - kind]);
        }
    }

    fn url(&mut self, host: Host<'_>, port: Option<u16>, rest: &str, part: PartId, details: &Details<'_>) {
        // Names in an exception would lift more than URLs.
        if !details.except.is_empty() {
            self.skip("condition");
        } else if self.writer.url(host, port, rest, part) {
            self.urls += 1;
        } else {
            self.skip("url-too-long");
        }
    }

    fn net(&mut self, net: IpNet, kind: usize) {
        self.range(net.network(), net.broadcast(), kind);
    }

    fn range(&mut self, first: std::net::IpAddr, last: std::net::IpAddr, kind: usize) {
        self.addresses += 1;
        self.writer.range(first, last, self.parts[0][kind]);
    }

    fn skip(&mut self, why: &'static str) {
        match self.skipped.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => self.skipped.push((why, 1)),
        }
    }
}

fn is_conditional(details: &Details<'_>) -> bool {
    let Details { dnstype, dnstype_not, client, ctag, port, .. } = details;
    !(dnstype.is_empty() && dnstype_not.is_empty() && client.is_empty() && ctag.is_empty()) || port.is_some()
}

/// Magic number of a zstd frame (RFC 8878 §3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

fn open(content: &Content) -> io::Result<Box<dyn BufRead>> {
    match content {
        Content::Text(text) => Ok(Box::new(Cursor::new(text.as_bytes()))),
        Content::File(path) => {
            let mut reader = BufReader::with_capacity(1 << 16, File::open(path)?);
            if reader.fill_buf()?.starts_with(&ZSTD) {
                return Ok(Box::new(BufReader::with_capacity(1 << 16, zstd::Decoder::with_buffer(reader)?)));
            }
            Ok(Box::new(reader))
        }
    }
}

fn digest(input: &Input) -> Result<Vec<u8>, CompileError> {
    let mut context = Context::new(&SHA256);
    match &input.content {
        Content::Text(text) => context.update(text.as_bytes()),
        Content::File(path) => {
            let mut file = File::open(path).map_err(|error| input.failed(error))?;
            let mut block = vec![0; 1 << 16];
            loop {
                match file.read(&mut block).map_err(|error| input.failed(error))? {
                    0 => break,
                    len => context.update(&block[..len]),
                }
            }
        }
    }
    Ok(context.finish().as_ref().to_vec())
}

/// The hash key of the bundle: drawn from everything that goes in, so that nobody can aim a name at another's slot before
/// all lists are known.
fn key(inputs: &[Input], digests: &[Vec<u8>], builtin: &Builtin) -> [u8; 16] {
    let mut context = Context::new(&SHA256);
    for (input, digest) in inputs.iter().zip(digests) {
        context.update(
            format!("{:?}", (&input.name, input.format, input.options, input.kind, input.categories)).as_bytes(),
        );
        context.update(digest);
    }
    for service in &builtin.services {
        context.update(service.id.as_bytes());
    }
    let mut key = [0; 16];
    key.copy_from_slice(&context.finish().as_ref()[..16]);
    key
}

/// When the newest input was written: the bundle's date, without asking the clock.
fn newest(inputs: &[Input]) -> u64 {
    let written = |input: &Input| match &input.content {
        Content::Text(_) => None,
        Content::File(path) => path.metadata().ok()?.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok(),
    };
    inputs.iter().filter_map(written).map(|since| since.as_secs()).max().unwrap_or(0)
}

fn codes(categories: CategorySet) -> Vec<String> {
    categories.iter().map(|category| category.code().to_string()).collect()
}

/// Lower-case hexadecimal.
pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
