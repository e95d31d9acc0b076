//! Reading block lists, whatever they are written in. One file per format, one [`Item`] stream out: what a line means, or
//! why it means nothing. Never fails a list for a bad line, never holds more than one line, never decides a policy;
//! dropping doubles and building the bundle is the compiler's work.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod adblock;
mod dlc;
mod dnsmasq;
mod domains;
mod format;
mod host;
mod hosts;
mod ips;
mod item;
mod line;
mod modifiers;
mod pattern;
mod record;
mod rpz;
mod squid;
mod surge;
mod unbound;
mod url;
mod urls;
mod ut1;
mod wildcard;

use std::io::{self, BufRead};

pub use format::{Format, ParseOptions, Plain};
pub use item::{Details, Entry, EntryAction, ErrorCode, Ignored, Item, Subject};

pub use crate::classify::url::Scheme;
pub use line::LINE_MAX;

use line::{Lines, Outcome, Sink};

/// Reads a list to its end and hands each finding to `sink`, in the order of the lines, every line at least once.
/// Lines are numbered from 1. Memory does not grow with the list: a line over [`LINE_MAX`] octets is the error
/// `line-too-long` and is skipped unread. `Err` comes only from `input`.
pub fn parse<R: BufRead>(
    format: Format,
    options: &ParseOptions,
    input: R,
    sink: &mut dyn FnMut(Item<'_>),
) -> io::Result<()> {
    let mut reader = Reader::new(format);
    let mut lines = Lines::new(input);
    while let Some((number, text)) = lines.next()? {
        let mut sink = Sink::new(number, sink);
        let outcome = match text {
            Ok(text) if text.trim_ascii().is_empty() => Err(Ignored::Blank.into()),
            Ok(text) => reader.read(text, options, &mut sink),
            Err(code) => Err(code.into()),
        };
        if let Err(skip) = outcome {
            sink.skip(skip);
        }
    }
    if let Some(number) = reader.unclosed() {
        Sink::new(number, sink).skip(ErrorCode::Unclosed.into());
    }
    Ok(())
}

/// A format's way to read one line. Most remember nothing from line to line.
enum Reader {
    Lines(fn(&[u8], &ParseOptions, &mut Sink<'_>) -> Outcome),
    Adblock(adblock::Rules),
    Rpz(rpz::Zone),
}

impl Reader {
    fn new(format: Format) -> Reader {
        match format {
            Format::Hosts => Reader::Lines(hosts::line),
            Format::Domains => Reader::Lines(domains::line),
            Format::Wildcard => Reader::Lines(wildcard::line),
            Format::Adblock => Reader::Adblock(adblock::Rules::default()),
            Format::Dnsmasq => Reader::Lines(dnsmasq::line),
            Format::Rpz => Reader::Rpz(rpz::Zone::default()),
            Format::Unbound => Reader::Lines(unbound::line),
            Format::Squid => Reader::Lines(squid::line),
            Format::Ut1Domains => Reader::Lines(ut1::domains),
            Format::Ut1Urls => Reader::Lines(ut1::urls),
            Format::Ut1Expressions => Reader::Lines(ut1::expressions),
            Format::Urls => Reader::Lines(urls::line),
            Format::Ips => Reader::Lines(ips::line),
            Format::Dlc => Reader::Lines(dlc::line),
            Format::Surge => Reader::Lines(surge::line),
        }
    }

    fn read(&mut self, text: &[u8], options: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
        match self {
            Reader::Lines(read) => read(text, options, sink),
            Reader::Adblock(rules) => rules.line(text, options, sink),
            Reader::Rpz(zone) => zone.line(text, sink),
        }
    }

    /// The line of a bracket that the list opened and never closed, and that swallowed all lines behind it.
    fn unclosed(&self) -> Option<u64> {
        match self {
            Reader::Adblock(rules) => rules.unclosed(),
            Reader::Rpz(zone) => zone.unclosed(),
            Reader::Lines(_) => None,
        }
    }
}
