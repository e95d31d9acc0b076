//! The text of a page: what people read of it, by how much it says of the whole. Scripts and styles are left out. Anything that
//! is not HTML is read as if it were; anything that is not UTF-8 has its other octets replaced.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};
use icu_normalizer::ComposingNormalizerBorrowed;

/// The text of one page, normalised: NFC, small letters, one space between words, a line for each block.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageText {
    zones: [String; 4],
}

/// Where a text stands in the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    Title,
    Meta,
    Heading,
    Body,
}

/// How much a text counts there, by [`Zone`]; a guess: a title is worth three paragraphs.
const WEIGHTS: [i32; 4] = [3, 2, 2, 1];

/// Elements within a line of text.
const INLINE: [&[u8]; 16] = [
    b"a", b"abbr", b"b", b"em", b"font", b"i", b"mark", b"s", b"small", b"span", b"strong", b"sub", b"sup", b"u",
    b"wbr", b"label",
];
/// Elements whose content nobody reads.
const UNREAD: [&[u8]; 5] = [b"script", b"style", b"template", b"svg", b"noembed"];
/// What `<meta name>` or `<meta property>` says of the page.
const META: [&[u8]; 4] = [b"description", b"keywords", b"og:title", b"og:description"];

impl PageText {
    /// Of the first octets of a body. A body cut anywhere gives the text up to there.
    pub fn of(body: &[u8]) -> PageText {
        let text = String::from_utf8_lossy(body);
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        let mut page = Page::default();
        for token in Tokenizer::new_with_emitter(text.trim_start_matches('\u{feff}'), emitter) {
            // Reading from a string has no errors.
            let Ok(token) = token;
            page.take(&token);
        }
        PageText { zones: page.zones.map(|text| normalise(&text)) }
    }

    /// Each text with how much it counts.
    pub(super) fn weighted(&self) -> impl Iterator<Item = (&str, i32)> {
        self.zones.iter().map(String::as_str).zip(WEIGHTS)
    }
}

#[derive(Default)]
struct Page {
    zones: [String; 4],
    in_title: bool,
    in_heading: bool,
    /// The element that nobody reads, until it ends.
    unread: Option<Vec<u8>>,
}

impl Page {
    fn take(&mut self, token: &Token) {
        match token {
            Token::StartTag(tag) => self.start(tag),
            Token::EndTag(tag) => self.end(&tag.name),
            Token::String(text) if self.unread.is_none() => {
                let zone = match (self.in_title, self.in_heading) {
                    (true, _) => Zone::Title,
                    (_, true) => Zone::Heading,
                    _ => Zone::Body,
                };
                self.zones[zone as usize].push_str(&String::from_utf8_lossy(text));
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name: &[u8] = &tag.name;
        if self.unread.is_none() && UNREAD.contains(&name) && !tag.self_closing {
            self.unread = Some(name.to_vec());
        }
        self.in_title |= name == b"title" && self.unread.is_none();
        self.in_heading |= is_heading(name);
        self.part(name);
        match name {
            b"meta" => self.meta(tag),
            b"img" => self.attribute(tag, b"alt", Zone::Body),
            _ => {}
        }
    }

    fn end(&mut self, name: &[u8]) {
        if self.unread.as_deref() == Some(name) {
            self.unread = None;
        }
        self.in_title &= name != b"title";
        self.in_heading &= !is_heading(name);
        self.part(name);
    }

    /// A block ends the phrase before it.
    fn part(&mut self, name: &[u8]) {
        if !INLINE.contains(&name) {
            self.zones.iter_mut().filter(|text| !text.is_empty()).for_each(|text| text.push('\n'));
        }
    }

    fn meta(&mut self, tag: &StartTag<()>) {
        let kind = [&b"name"[..], b"property"].into_iter().find_map(|key| tag.attributes.get(key));
        if kind.is_some_and(|kind| META.contains(&kind.to_ascii_lowercase().as_slice())) {
            self.attribute(tag, b"content", Zone::Meta);
        }
    }

    fn attribute(&mut self, tag: &StartTag<()>, key: &[u8], zone: Zone) {
        if let Some(value) = tag.attributes.get(key) {
            let text = &mut self.zones[zone as usize];
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(value));
            text.push('\n');
        }
    }
}

fn is_heading(name: &[u8]) -> bool {
    matches!(name, b"h1" | b"h2" | b"h3")
}

/// NFC, small letters, one space for any white space within a line, no empty lines.
pub(super) fn normalise(text: &str) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let mut normal = String::with_capacity(composed.len());
    let mut gap = None;
    for letter in composed.chars().flat_map(char::to_lowercase) {
        if letter.is_whitespace() || letter.is_control() {
            gap = if letter == '\n' || gap == Some('\n') { Some('\n') } else { Some(' ') };
            continue;
        }
        if let Some(gap) = gap.take().filter(|_| !normal.is_empty()) {
            normal.push(gap);
        }
        normal.push(letter);
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_read_is_taken_and_nothing_else() {
        let page = PageText::of(
            "\u{feff}<!doctype html><title>Nhà C&aacute;i</title><meta name=Description content='Tỷ  lệ'>\
             <style>p { x: casino }</style><script>if (1 < 2) { 'casino' }</script>\
             <h1>C\u{61}\u{301}<b> độ</b></h1><p>mot<p>hai <i>ba</i> &lt;b&gt;<img alt='Bốn'><svg><text>x</text></svg>"
                .as_bytes(),
        );
        assert_eq!(page.zones, ["nhà cái", "tỷ lệ", "cá độ", "mot\nhai ba <b>\nbốn"].map(String::from));
    }

    #[test]
    fn a_body_cut_anywhere_and_octets_of_no_alphabet_are_read_as_far_as_they_go() {
        let body = "<title>Tiền</title><p class='x'>thưởng".as_bytes();
        for end in 0..body.len() {
            PageText::of(&body[..end]);
        }
        assert_eq!(PageText::of(b"<p>a\xff\xfeb").zones[3], "a\u{fffd}\u{fffd}b");
    }
}
