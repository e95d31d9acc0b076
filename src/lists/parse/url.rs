//! URLs in lists: what a list means by one. Taking them apart is [`Url`]'s work.

use super::host;
use super::item::{Details, EntryAction, ErrorCode, Subject};
use super::line::Sink;
use crate::classify::url::{Url, UrlError, UrlHost};

/// Blocks the URL and all below it. `lift` tells that the list means the whole host where the URL names no more than that.
pub(super) fn block(text: &[u8], lift: bool, sink: &mut Sink<'_>) -> Result<(), ErrorCode> {
    let Url { scheme, host, port, rest } = read(text)?;
    let names_host = port.is_none() && rest == "/" && matches!(host, UrlHost::Name(_));
    let details = Details { scheme, lift_to_host: lift && names_host, ..Details::default() };
    let rest = rest.into();
    let subject = match host {
        UrlHost::Name(host) => Subject::Url { host, port, rest, subdomains: false },
        UrlHost::Addr(ip) => Subject::IpUrl { ip, port, rest },
    };
    sink.entry(subject, EntryAction::Block, details);
    Ok(())
}

/// Reads a URL, its scheme optional. The path need not be UTF-8.
pub(super) fn read(text: &[u8]) -> Result<Url, ErrorCode> {
    Url::read(text).map_err(|error| match error {
        UrlError::BadChar => ErrorCode::BadChar,
        UrlError::NotUtf8 => ErrorCode::NotUtf8,
        UrlError::BadScheme => ErrorCode::BadScheme,
        UrlError::NoHost => ErrorCode::NoHost,
        UrlError::BadIp => ErrorCode::BadIp,
        UrlError::Name(error) => host::code(error),
    })
}
