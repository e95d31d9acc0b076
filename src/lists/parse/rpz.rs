//! Response policy zones as master files: the owner is the trigger, the data the policy. A name alone means itself, `*.`
//! all below it; records that make no policy have no effect.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::host::{self, Tld};
use super::ips;
use super::item::{EntryAction, ErrorCode, Ignored, Subject};
use super::line::{self, Outcome, Sink, Skip};
use super::record::{self, Data};

/// A zone being read.
#[derive(Default)]
pub(super) struct Zone {
    /// Without final dot. `None` as long as the zone has not said its own name; then names are relative to it all the same.
    apex: Option<String>,
    /// What relative names are relative to, without final dot; `None` for the apex.
    origin: Option<String>,
    /// Of the record before, for lines that start with a blank.
    owner: Option<Owner>,
    /// An open bracket: its line, and what became of its record.
    open: Option<(u64, Ignored)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    Apex,
    /// Below the apex, without it.
    Below(String),
    Outside,
}

impl Zone {
    pub(super) fn line(&mut self, line: &[u8], sink: &mut Sink<'_>) -> Outcome {
        let indented = line.first().is_some_and(u8::is_ascii_whitespace);
        let text = line::text(line::not_comment(line, b";")?)?;
        let (text, bracket) = before_remark(text);
        if let Some((_, why)) = self.open {
            if bracket == Some(')') {
                self.open = None;
            }
            return Err(why.into());
        }
        if text.starts_with('$') {
            return self.directive(text);
        }
        let outcome = self.record(text, indented, sink);
        if bracket == Some('(') {
            let why = if let Err(Skip::Ignored(why)) = outcome { why } else { Ignored::OtherRecord };
            self.open = Some((sink.line(), why));
        }
        outcome
    }

    /// The line of a bracket still open.
    pub(super) fn unclosed(&self) -> Option<u64> {
        self.open.map(|(line, _)| line)
    }

    fn directive(&mut self, text: &str) -> Outcome {
        let mut words = text.split_ascii_whitespace();
        let word = words.next().unwrap_or_default();
        if word.eq_ignore_ascii_case("$INCLUDE") {
            return Err(ErrorCode::Include.into());
        }
        if word.eq_ignore_ascii_case("$ORIGIN") {
            let origin = words.next().ok_or(ErrorCode::MissingValue)?;
            self.origin = Some(self.absolute(origin).unwrap_or_else(|| origin.to_owned()));
            self.apex = self.apex.take().or_else(|| self.origin.clone()).filter(|apex| !apex.is_empty());
        } else if !word.eq_ignore_ascii_case("$TTL") {
            return Err(ErrorCode::UnknownType.into());
        }
        Err(Ignored::Directive.into())
    }

    fn record(&mut self, text: &str, indented: bool, sink: &mut Sink<'_>) -> Outcome {
        let mut words = text.split_ascii_whitespace();
        let written = if indented { None } else { words.next() };
        let data = record::data(words);
        if let Some(written) = written {
            if data == Ok(Data::Start) {
                self.apex = self.absolute(written).or_else(|| self.apex.take());
            }
            self.owner = Some(self.place(written));
        }
        let below = match &self.owner {
            None => return Err(ErrorCode::NoName.into()),
            Some(Owner::Apex) => return Err(Ignored::Apex.into()),
            Some(Owner::Outside) if data.is_ok_and(|data| data != Data::Other) => {
                return Err(ErrorCode::OutOfZone.into());
            }
            Some(Owner::Outside) => "",
            Some(Owner::Below(below)) => below.as_str(),
        };
        let action = match data? {
            Data::Address(ip) => record::answer(ip),
            Data::Alias(target) => policy(target, below)?,
            Data::Start | Data::Other => return Err(Ignored::OtherRecord.into()),
        };
        sink.rule(trigger(below)?, action);
        Ok(())
    }

    /// The name down to the root, without final dot. `None` for one relative to an apex whose name is not known.
    fn absolute(&self, written: &str) -> Option<String> {
        if let Some(name) = written.strip_suffix('.') {
            return Some(name.to_owned());
        }
        let origin = self.origin.as_ref().or(self.apex.as_ref())?;
        Some(match (written, origin.as_str()) {
            ("@", origin) => origin.to_owned(),
            (name, "") => name.to_owned(),
            (name, origin) => format!("{name}.{origin}"),
        })
    }

    fn place(&self, written: &str) -> Owner {
        let Some(name) = self.absolute(written) else {
            return if written == "@" { Owner::Apex } else { Owner::Below(written.to_owned()) };
        };
        match self.apex.as_ref().and_then(|apex| below(&name, apex)) {
            None => Owner::Outside,
            Some("") => Owner::Apex,
            Some(below) => Owner::Below(below.to_owned()),
        }
    }
}

/// What `name` has in front of `apex`.
fn below<'t>(name: &'t str, apex: &str) -> Option<&'t str> {
    let (head, tail) = name.split_at_checked(name.len().checked_sub(apex.len())?)?;
    if !tail.eq_ignore_ascii_case(apex) {
        return None;
    }
    if head.is_empty() { Some(head) } else { head.strip_suffix('.') }
}

/// What stands before the remark, and the last round bracket in it; quoted ones do not count.
fn before_remark(text: &str) -> (&str, Option<char>) {
    let mut quoted = false;
    let mut escaped = false;
    let mut bracket = None;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '(' | ')' if !quoted => bracket = Some(letter),
            ';' if !quoted => return (text.get(..at).unwrap_or(text).trim_end(), bracket),
            _ => {}
        }
    }
    (text, bracket)
}

/// A kind of trigger is named by the last label, and by no other.
fn trigger(text: &str) -> Result<Subject<'static>, ErrorCode> {
    if text.contains("\\.") {
        return Err(ErrorCode::EscapedDot);
    }
    let (rest, last) = text.rsplit_once('.').unwrap_or(("", text));
    let is = |kind: &str| last.eq_ignore_ascii_case(kind);
    if is("rpz-ip") {
        network(rest).map(Subject::ResponseIp)
    } else if is("rpz-nsip") {
        network(rest).map(Subject::Nsip)
    } else if is("rpz-client-ip") {
        network(rest).map(Subject::ClientIp)
    } else if is("rpz-nsdname") {
        name_server(rest)
    } else if text == "*" {
        Err(ErrorCode::MatchesEverything)
    } else if let Some(name) = text.strip_prefix("*.") {
        host::subdomains(host::name(name)?, Tld::New)
    } else {
        Ok(Subject::Exact(host::name(text)?))
    }
}

fn name_server(text: &str) -> Result<Subject<'static>, ErrorCode> {
    if text == "*" {
        return Err(ErrorCode::MatchesEverything);
    }
    let Some(parent) = text.strip_prefix("*.") else { return Ok(Subject::Nsdname(host::name(text)?)) };
    let parent = host::name(parent)?;
    host::guard(&parent, Tld::None)?;
    Ok(Subject::NsdnameSubdomains(parent))
}

/// Length, then the address from its end: `24.0.2.0.192`, `64.zz.db8.2001` (`zz` for `::`).
fn network(text: &str) -> Result<IpNet, ErrorCode> {
    let (length, labels) = text.split_once('.').ok_or(ErrorCode::BadRpzIp)?;
    let length = host::port(length).and_then(|length| u8::try_from(length).ok()).ok_or(ErrorCode::BadRpzIp)?;
    let ip = ipv4(labels).map(Into::into).or_else(|| ipv6(labels).map(Into::into)).ok_or(ErrorCode::BadRpzIp)?;
    let net = IpNet::new(ip, length).map_err(|_| ErrorCode::BadRpzIp)?;
    ips::prefix(net).map_err(|code| if code == ErrorCode::HostBitsSet { ErrorCode::BadRpzIp } else { code })
}

fn ipv4(labels: &str) -> Option<Ipv4Addr> {
    labels.rsplit('.').collect::<Vec<_>>().join(".").parse().ok()
}

fn ipv6(labels: &str) -> Option<Ipv6Addr> {
    let groups: Vec<&str> =
        labels.rsplit('.').map(|group| if group.eq_ignore_ascii_case("zz") { "" } else { group }).collect();
    let at_edge = |group: Option<&&str>| if group.is_some_and(|group| group.is_empty()) { ":" } else { "" };
    format!("{}{}{}", at_edge(groups.first()), groups.join(":"), at_edge(groups.last())).parse().ok()
}

/// What an alias wants done. Nobody leads clients into the policy zone itself, so a missing final dot is a slip.
fn policy(target: &str, owner: &str) -> Result<EntryAction<'static>, ErrorCode> {
    let name = target.strip_suffix('.').unwrap_or(target);
    let special = name.split_at_checked(4).filter(|(head, _)| head.eq_ignore_ascii_case("rpz-") && !name.contains('.'));
    match (target, special.map(|(_, special)| special.to_ascii_lowercase()).as_deref()) {
        (".", _) => Ok(EntryAction::Nxdomain),
        ("*.", _) => Ok(EntryAction::Nodata),
        (_, Some("passthru")) => Ok(EntryAction::Allow),
        (_, Some("drop")) => Ok(EntryAction::Drop),
        (_, Some("tcp-only")) => Ok(EntryAction::TcpOnly),
        (_, Some(_)) => Err(ErrorCode::UnknownType),
        // The old way to write passthru.
        (_, None) if name.eq_ignore_ascii_case(owner) => Ok(EntryAction::Allow),
        (_, None) => record::alias(name),
    }
}
