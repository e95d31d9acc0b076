//! ISC DHCP (dhcpd.leases(5)): `lease ADDRESS { … }`, and for IPv6 `ia-na "IAID and DUID" { iaaddr ADDRESS { … } }`. The
//! server writes a whole lease anew for whatever happens to it; the last one counts.

use std::net::IpAddr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{Kept, Lease, Mac, clean_name, client_id, duid, octets};

/// Words of one statement that are read; the rest is left out.
const WORDS_MAX: usize = 16;
/// Blocks inside blocks that are told apart.
const DEPTH_MAX: usize = 8;
/// Octets of the IAID before the DUID.
const IAID: usize = 4;

pub(super) fn read(text: &str, kept: &mut Kept) {
    let mut reader = Reader::default();
    let mut tokens = Tokens(text);
    while let Some(token) = tokens.next() {
        reader.take(token, kept);
    }
}

enum Token {
    Word(Vec<u8>),
    Open,
    Close,
    End,
}

/// What the statement being read says so far, and the blocks around it.
#[derive(Default)]
struct Reader {
    words: Vec<Vec<u8>>,
    blocks: Vec<Block>,
    /// Blocks that are too deep to matter.
    deeper: usize,
}

enum Block {
    Lease(Box<Draft>),
    /// Addresses of a client with that DUID.
    Client(Vec<u8>),
    Other,
}

#[derive(Default)]
struct Draft {
    ip: Option<IpAddr>,
    mac: Option<Mac>,
    name: Option<String>,
    id: Vec<u8>,
    until: Option<i64>,
    is_active: bool,
}

impl Reader {
    fn take(&mut self, token: Token, kept: &mut Kept) {
        match token {
            Token::Word(word) if self.words.len() < WORDS_MAX => self.words.push(word),
            Token::Word(_) => {}
            Token::End => {
                self.statement();
                self.words.clear();
            }
            Token::Open if self.blocks.len() < DEPTH_MAX => {
                let block = self.block();
                self.words.clear();
                self.blocks.push(block);
            }
            Token::Open => {
                self.words.clear();
                self.deeper = self.deeper.saturating_add(1);
            }
            Token::Close => {
                self.words.clear();
                self.close(kept);
            }
        }
    }

    fn block(&self) -> Block {
        let mut words = self.words.iter().map(Vec::as_slice);
        match (words.next(), words.next()) {
            (Some(b"lease"), Some(ip)) => Block::Lease(Box::new(Draft { ip: address(ip), ..Draft::default() })),
            (Some(b"ia-na" | b"ia-ta"), Some(id)) => {
                let id = identifier(id.to_vec());
                Block::Client(id.get(IAID..).unwrap_or_default().to_vec())
            }
            (Some(b"iaaddr"), Some(ip)) => match self.blocks.last() {
                Some(Block::Client(duid)) => {
                    Block::Lease(Box::new(Draft { ip: address(ip), id: duid.clone(), ..Draft::default() }))
                }
                _ => Block::Other,
            },
            _ => Block::Other,
        }
    }

    fn statement(&mut self) {
        let Some(Block::Lease(draft)) = self.blocks.last_mut().filter(|_| self.deeper == 0) else { return };
        let words: Vec<&[u8]> = self.words.iter().map(Vec::as_slice).collect();
        match words.as_slice() {
            [b"hardware", b"ethernet", mac] => draft.mac = text(mac).and_then(Mac::parse),
            [b"client-hostname", name] => draft.name = clean_name(&String::from_utf8_lossy(name)),
            [b"uid", id] => draft.id = id.to_vec(),
            [b"binding", b"state", state] => draft.is_active = *state == b"active",
            [b"ends", end @ ..] => draft.until = moment(end),
            _ => {}
        }
    }

    fn close(&mut self, kept: &mut Kept) {
        if self.deeper > 0 {
            self.deeper = self.deeper.saturating_sub(1);
        } else if let Some(Block::Lease(draft)) = self.blocks.pop()
            && let Some(ip) = draft.ip
        {
            if draft.is_active { kept.give(draft.lease(ip)) } else { kept.take_back(ip) }
        }
    }
}

impl Draft {
    fn lease(self, ip: IpAddr) -> Lease {
        let (mac, client_id) = match ip {
            IpAddr::V4(_) => (self.mac, client_id(&identifier(self.id), self.mac)),
            IpAddr::V6(_) => duid::read(&self.id),
        };
        Lease { ip, mac, name: self.name, client_id, until: self.until }
    }
}

/// An identifier is text with escapes or, if the server was told so, pairs of digits.
fn identifier(id: Vec<u8>) -> Vec<u8> {
    text(&id).filter(|text| text.contains(':')).and_then(octets).unwrap_or(id)
}

fn text(word: &[u8]) -> Option<&str> {
    std::str::from_utf8(word).ok()
}

fn address(word: &[u8]) -> Option<IpAddr> {
    text(word)?.parse().ok()
}

/// `never`, `epoch SECONDS`, or a day of the week with date and time in UTC.
fn moment(words: &[&[u8]]) -> Option<i64> {
    match words {
        [b"epoch", seconds, ..] => text(seconds)?.parse().ok(),
        [_, date, time] => {
            let written = format!("{}T{}", text(date)?.replace('/', "-"), text(time)?);
            let moment: DateTime = written.parse().ok()?;
            Some(TimeZone::UTC.to_timestamp(moment).ok()?.as_second())
        }
        _ => None,
    }
}

/// Cuts a text into words, quoted ones without their marks, and the signs between them.
struct Tokens<'t>(&'t str);

impl Tokens<'_> {
    fn next(&mut self) -> Option<Token> {
        loop {
            self.0 = self.0.trim_start();
            let mut letters = self.0.chars();
            let first = letters.next()?;
            match first {
                '#' => self.0 = self.0.split_once('\n').map_or("", |(_, behind)| behind),
                '{' | '}' | ';' => {
                    self.0 = letters.as_str();
                    return Some(match first {
                        '{' => Token::Open,
                        '}' => Token::Close,
                        _ => Token::End,
                    });
                }
                '"' => {
                    self.0 = letters.as_str();
                    return Some(Token::Word(self.quoted()));
                }
                _ => {
                    let end = self.0.find(|letter: char| letter.is_whitespace() || "{};\"".contains(letter));
                    let (word, behind) = self.0.split_at_checked(end.unwrap_or(self.0.len()))?;
                    self.0 = behind;
                    return Some(Token::Word(word.as_bytes().to_vec()));
                }
            }
        }
    }

    /// Up to the closing mark. Behind a backslash stand three octal digits of an octet, or a sign that is meant itself.
    fn quoted(&mut self) -> Vec<u8> {
        let mut word = Vec::new();
        let mut rest = self.0.as_bytes();
        loop {
            match rest {
                [] => break,
                [b'"', behind @ ..] => {
                    rest = behind;
                    break;
                }
                [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', behind @ ..] => {
                    let digit = |octet: &u8| octet & 7;
                    word.push(digit(a) << 6 | digit(b) << 3 | digit(c));
                    rest = behind;
                }
                [b'\\', sign, behind @ ..] => {
                    word.push(*sign);
                    rest = behind;
                }
                [octet, behind @ ..] => {
                    word.push(*octet);
                    rest = behind;
                }
            }
        }
        // Both marks and digits are ASCII, so that this is the start of a letter, unless the text ends inside of one.
        let start = self.0.len().saturating_sub(rest.len());
        self.0 = self.0.get(start..).unwrap_or_default();
        word
    }
}
