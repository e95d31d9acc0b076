//! What stands behind `$` in an adblock rule. A rule with a modifier that DNS cannot honour has no effect: without it, it
//! would be wider than meant.

use std::borrow::Cow;

use super::host;
use super::item::{Details, EntryAction, ErrorCode, Ignored};
use super::line::{Outcome, Skip};
use super::record;

/// What the modifiers of a rule ask for.
#[derive(Default)]
pub(super) struct Modifiers<'t> {
    pub(super) details: Details<'t>,
    /// What `dnsrewrite` wants answered.
    pub(super) answer: Option<EntryAction<'static>>,
}

/// Reads the modifiers of one rule. `badfilter` wins over whatever else is wrong: the line then is no rule at all.
pub(super) fn read(text: &str) -> Result<Modifiers<'_>, Skip> {
    let mut modifiers = Modifiers::default();
    let mut wrong = None;
    for modifier in pieces(text, ',') {
        match modifiers.add(modifier.trim()) {
            Err(Skip::Ignored(Ignored::Badfilter)) => return Err(Ignored::Badfilter.into()),
            Err(skip) => wrong = wrong.or(Some(skip)),
            Ok(()) => {}
        }
    }
    wrong.map_or(Ok(modifiers), Err)
}

impl<'t> Modifiers<'t> {
    fn add(&mut self, modifier: &'t str) -> Outcome {
        let (name, value) = modifier.split_once('=').unwrap_or((modifier, ""));
        let Details { important, dnstype, dnstype_not, client, ctag, except, .. } = &mut self.details;
        match name {
            "important" => *important = true,
            "badfilter" => return Err(Ignored::Badfilter.into()),
            "dnstype" => {
                for kind in values(value)? {
                    match kind.strip_prefix('~') {
                        Some(kind) => dnstype_not.push(query_type(kind)?),
                        None => dnstype.push(query_type(kind)?),
                    }
                }
            }
            "client" => client.extend(values(value)?.map(unquoted)),
            "ctag" => ctag.extend(values(value)?.map(Cow::from)),
            "denyallow" => {
                for name in values(value)? {
                    except.push(host::name(name)?);
                }
            }
            "dnsrewrite" => self.answer = Some(answer(value)?),
            // Whatever the request is for.
            "all" => {}
            // Filling, of no meaning; an empty list of modifiers comes here too.
            _ if name.bytes().all(|octet| octet == b'_') => {}
            _ => return Err(Ignored::UnsupportedModifier.into()),
        }
        Ok(())
    }
}

/// The values of one modifier; there must be one.
fn values(text: &str) -> Result<impl Iterator<Item = &str>, ErrorCode> {
    if text.is_empty() { Err(ErrorCode::MissingValue) } else { Ok(pieces(text, '|').map(str::trim)) }
}

/// Cuts at `mark`, except where it is quoted or escaped.
fn pieces(text: &str, mark: char) -> impl Iterator<Item = &str> {
    let mut quote = None;
    let mut escaped = false;
    text.split(move |letter| {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' | '\'' if quote == Some(letter) => quote = None,
            '"' | '\'' if quote.is_none() => quote = Some(letter),
            _ => return letter == mark && quote.is_none(),
        }
        false
    })
}

fn query_type(text: &str) -> Result<Cow<'_, str>, ErrorCode> {
    if text.is_empty() || !text.bytes().all(|octet| octet.is_ascii_alphanumeric()) {
        return Err(ErrorCode::UnknownType);
    }
    let capitals = !text.bytes().any(|octet| octet.is_ascii_lowercase());
    Ok(if capitals { text.into() } else { text.to_ascii_uppercase().into() })
}

/// A client's name without quotes and escapes; `~` in front stays.
fn unquoted(text: &str) -> Cow<'_, str> {
    let (not, quoted) = text.strip_prefix('~').map_or(("", text), |quoted| ("~", quoted));
    let inside = ['"', '\''].iter().find_map(|quote| quoted.strip_prefix(*quote)?.strip_suffix(*quote));
    if inside.is_none() && !quoted.contains('\\') {
        return text.into();
    }
    let mut out = not.to_owned();
    let mut escaped = false;
    for letter in inside.unwrap_or(quoted).chars() {
        escaped = letter == '\\' && !escaped;
        if !escaped {
            out.push(letter);
        }
    }
    out.into()
}

/// `code;type;data`, or one of the three alone.
fn answer(text: &str) -> Result<EntryAction<'static>, Skip> {
    let mut parts = text.splitn(3, ';').map(str::trim);
    match (parts.next().unwrap_or_default(), parts.next(), parts.next()) {
        ("", None, _) => Ok(EntryAction::Nodata),
        ("NOERROR", Some(kind), Some(data)) if !kind.is_empty() => answer_data(kind, data),
        (code, Some(_), _) => answer_code(code),
        (code, None, _) if code.bytes().all(|octet| octet.is_ascii_uppercase()) => answer_code(code),
        (data, None, _) => match host::address(data) {
            Some(ip) => Ok(record::answer(ip)),
            None => Ok(record::alias(data)?),
        },
    }
}

fn answer_code(code: &str) -> Result<EntryAction<'static>, Skip> {
    match code {
        "NOERROR" => Ok(EntryAction::Nodata),
        "NXDOMAIN" => Ok(EntryAction::Nxdomain),
        "REFUSED" => Ok(EntryAction::Refuse),
        _ => Err(Ignored::UnsupportedModifier.into()),
    }
}

fn answer_data(kind: &str, data: &str) -> Result<EntryAction<'static>, Skip> {
    match (kind, host::address(data)) {
        ("CNAME", _) => Ok(record::alias(data)?),
        ("A", Some(ip)) if ip.is_ipv4() => Ok(record::answer(ip)),
        ("AAAA", Some(ip)) if ip.is_ipv6() => Ok(record::answer(ip)),
        ("A" | "AAAA", _) => Err(ErrorCode::BadIp.into()),
        _ => Err(Ignored::UnsupportedModifier.into()),
    }
}
