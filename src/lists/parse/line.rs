//! Lines in, findings out: the bounded line reader, remarks, and the sink that knows its line number.

use std::io::{self, BufRead, Read};

use super::item::{Details, Entry, EntryAction, ErrorCode, Ignored, Item, Subject};

/// Octets of the longest line that is read, its end not counted. A guess with room to spare: no published list comes near.
pub const LINE_MAX: usize = 16 * 1024;

/// What became of a line: findings already in the sink, or one reason for the whole of it.
pub(super) type Outcome = Result<(), Skip>;

/// Why a line or a part of it gives no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Skip {
    Ignored(Ignored),
    Error(ErrorCode),
}

impl From<Ignored> for Skip {
    fn from(why: Ignored) -> Skip {
        Skip::Ignored(why)
    }
}

impl From<ErrorCode> for Skip {
    fn from(code: ErrorCode) -> Skip {
        Skip::Error(code)
    }
}

/// The caller's sink, for the findings of one line.
pub(super) struct Sink<'s> {
    line: u64,
    items: &'s mut dyn FnMut(Item<'_>),
}

impl<'s> Sink<'s> {
    pub(super) fn new(line: u64, items: &'s mut dyn FnMut(Item<'_>)) -> Sink<'s> {
        Sink { line, items }
    }

    pub(super) fn line(&self) -> u64 {
        self.line
    }

    pub(super) fn entry(&mut self, subject: Subject<'_>, action: EntryAction<'_>, details: Details<'_>) {
        (self.items)(Item::Entry(Entry { line: self.line, subject, action, details }));
    }

    pub(super) fn rule(&mut self, subject: Subject<'_>, action: EntryAction<'_>) {
        self.entry(subject, action, Details::default());
    }

    pub(super) fn block(&mut self, subject: Subject<'_>) {
        self.rule(subject, EntryAction::Block);
    }

    pub(super) fn skip(&mut self, skip: Skip) {
        let line = self.line;
        (self.items)(match skip {
            Skip::Ignored(why) => Item::Ignored { line, why },
            Skip::Error(code) => Item::Error { line, code },
        });
    }
}

/// Reads lines into one buffer that never grows past [`LINE_MAX`].
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
}

/// One more than the limit tells a line that is too long from one that just fits.
const READ_MAX: u64 = LINE_MAX as u64 + 1;

/// A line's number from 1, and its octets or why there are none.
type Numbered<'l> = (u64, Result<&'l [u8], ErrorCode>);

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Lines<R> {
        Lines { input, buffer: Vec::new(), number: 0 }
    }

    /// The next line, without byte order mark and line end. `None` at the end of the list.
    pub(super) fn next(&mut self) -> io::Result<Option<Numbered<'_>>> {
        self.buffer.clear();
        if self.input.by_ref().take(READ_MAX).read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.number = self.number.saturating_add(1);
        let text = match self.buffer.strip_suffix(b"\n") {
            Some(text) => text,
            None if self.buffer.len() > LINE_MAX => {
                self.input.skip_until(b'\n')?;
                return Ok(Some((self.number, Err(ErrorCode::LineTooLong))));
            }
            None => &self.buffer,
        };
        let text = if self.number == 1 { text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text) } else { text };
        Ok(Some((self.number, Ok(text.strip_suffix(b"\r").unwrap_or(text)))))
    }
}

/// The line as text, blanks at the edges cut off, a no-break space among them.
pub(super) fn text(line: &[u8]) -> Result<&str, ErrorCode> {
    std::str::from_utf8(line).map(str::trim).map_err(|_| ErrorCode::NotUtf8)
}

/// Refuses a line that starts with one of `marks`. Looks at octets, because a remark need not be UTF-8.
pub(super) fn not_comment<'t>(line: &'t [u8], marks: &[u8]) -> Result<&'t [u8], Ignored> {
    let line = line.trim_ascii();
    match line.first() {
        Some(first) if marks.contains(first) => Err(Ignored::Comment),
        _ => Ok(line),
    }
}

/// What stands before the first `#`.
pub(super) fn before_hash(line: &[u8]) -> &[u8] {
    line.split(|octet| *octet == b'#').next().unwrap_or(line)
}

/// What stands before a remark, where `#` may also be part of the rule: behind a slash only a `#` after a blank starts one.
pub(super) fn before_remark(line: &[u8]) -> &[u8] {
    let mut previous = b' ';
    let mut slash = false;
    for (at, octet) in line.iter().enumerate() {
        if *octet == b'#' && (!slash || previous.is_ascii_whitespace()) {
            return line.get(..at).unwrap_or(line);
        }
        slash |= *octet == b'/';
        previous = *octet;
    }
    line
}
