//! Path and query of a URL in one normal form (RFC 3986 §6.2.2), the same for rules and for requests, and the parts of it
//! that a rule may name. Knows no host and no list.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// Octets of a request's path and query that are looked at; what is behind is cut off at the last whole segment or
/// argument, and a rule of more is refused. Common servers take no longer request line (nginx 8 KiB, Apache 8190 octets).
pub const PATH_MAX: usize = 8 * 1024;
/// Segments of the longest rule that covers what is below it; a deeper rule means its own path alone. Of 62,600 real rules
/// with a path (UT1, Phishing.Database, ChongLuaDao) 99 % have no more.
pub const SEGMENTS_MAX: usize = 16;
/// Arguments of the longest rule that covers requests with more of them; a longer one means its own query alone. The most
/// that those real rules have is 11.
pub const ARGUMENTS_MAX: usize = 16;

/// Path and query of a rule or a request. A slash at the end of the path and a `&` at the end of the query mean nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathAndQuery {
    text: String,
    /// Octets of the path, its last slash not counted.
    path: usize,
    /// Where the query starts; the length of the text when there is none.
    query: usize,
}

impl PathAndQuery {
    /// What a rule names; `None` when that is longer than [`PATH_MAX`].
    pub fn of_rule(text: &[u8]) -> Option<PathAndQuery> {
        Some(PathAndQuery::of(text)).filter(|target| target.text.len() <= PATH_MAX)
    }

    /// What a request names, of its first [`PATH_MAX`] octets.
    pub fn of_request(text: &[u8]) -> PathAndQuery {
        PathAndQuery::of(cut(text))
    }

    fn of(text: &[u8]) -> PathAndQuery {
        let mut text = normal(text);
        let mark = text.find('?');
        if mark.is_some() {
            text.truncate(text.trim_end_matches('&').len());
        }
        let path = text.get(..mark.unwrap_or(text.len())).unwrap_or_default();
        let path = path.strip_suffix('/').unwrap_or(path).len();
        let query = mark.map_or(text.len(), |mark| mark.saturating_add(1));
        PathAndQuery { path, query, text }
    }

    /// The path without its last slash: empty for `/`.
    pub fn path(&self) -> &str {
        self.text.get(..self.path).unwrap_or_default()
    }

    /// The query; empty when there is none.
    pub fn query(&self) -> &str {
        self.text.get(self.query..).unwrap_or_default()
    }
}

/// The parts of `text` that end before a `mark`, shortest first, `most` of them at most, and `text` itself.
pub fn prefixes(text: &str, mark: char, most: usize) -> impl Iterator<Item = &str> {
    let marks = text.match_indices(mark).take(most);
    marks.filter_map(move |(at, _)| text.get(..at)).chain([text])
}

/// Takes off what is beyond [`PATH_MAX`], and the segment or argument that would be left in part.
fn cut(text: &[u8]) -> &[u8] {
    let Some(head) = text.get(..PATH_MAX).filter(|head| head.len() < text.len()) else { return text };
    let ends: &[u8] = if head.contains(&b'?') { b"?&" } else { b"/\\" };
    let end = head.iter().rposition(|octet| ends.contains(octet)).unwrap_or_default();
    head.get(..end).unwrap_or_default()
}

/// Path and query in one form: no fragment, no `.` and `..`, encoded where that is needed and nowhere else; `/` for an
/// empty path. The form of a form is itself.
pub fn normal(text: &[u8]) -> String {
    let text = text.split(|octet| *octet == b'#').next().unwrap_or(text);
    let mut parts = text.splitn(2, |octet| *octet == b'?');
    let path = parts.next().unwrap_or_default();
    let mut out = String::with_capacity(text.len().saturating_add(1));
    if !path.starts_with(b"/") && !path.starts_with(b"\\") {
        out.push('/');
    }
    encode(path, Part::Path, &mut out);
    if out.contains("/.") {
        out = without_dots(&out);
    }
    if let Some(query) = parts.next() {
        out.push('?');
        encode(query, Part::Query, &mut out);
    }
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Query,
}

/// Decodes what need not be encoded, encodes what must be, writes hexadecimal digits in capitals. Browsers read `\` in a
/// path as `/`.
fn encode(text: &[u8], part: Part, out: &mut String) {
    let mut rest = text;
    while let Some((octet, after)) = rest.split_first() {
        rest = after;
        match (*octet, after.split_first_chunk()) {
            (b'%', Some(([high, low], behind))) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest = behind;
                push(out, value(*high) << 4 | value(*low), is_unreserved);
            }
            (b'\\', _) if part == Part::Path => out.push('/'),
            (octet, _) => push(out, octet, |octet| octet.is_ascii_graphic() && !b"\"<>^`{}".contains(&octet)),
        }
    }
}

fn value(digit: u8) -> u8 {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok()).unwrap_or_default()
}

fn push(out: &mut String, octet: u8, plain: impl Fn(u8) -> bool) {
    if plain(octet) {
        return out.push(char::from(octet));
    }
    out.push('%');
    for digit in [octet >> 4, octet & 15] {
        out.extend(char::from_digit(digit.into(), 16).map(|digit| digit.to_ascii_uppercase()));
    }
}

/// RFC 3986 §2.3.
fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~".contains(&octet)
}

/// Takes out `.` and `..` (RFC 3986 §5.2.4). Empty segments stay.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = vec![""];
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." if kept.len() > 1 => drop(kept.pop()),
            ".." => {}
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    kept.join("/")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_form_for_all_spellings() {
        for (text, form) in [
            ("", "/"),
            ("x", "/x"),
            ("?q", "/?q"),
            ("/a/./b/../c", "/a/c"),
            ("/a/%2e%2E/b", "/b"),
            ("/..", "/"),
            ("/a/..", "/"),
            ("/.well-known", "/.well-known"),
            ("\\a\\b", "/a/b"),
            ("/%7euser/%2f", "/~user/%2F"),
            ("/a?b=/../c\\#d", "/a?b=/../c\\"),
            ("/100%", "/100%"),
            ("/%zz%4", "/%zz%4"),
            ("/é {}", "/%C3%A9%20%7B%7D"),
        ] {
            assert_eq!(normal(text.as_bytes()), form, "{text}");
        }
    }

    #[test]
    fn last_slashes_and_marks_mean_nothing() {
        let parts = |text: &str| {
            let target = PathAndQuery::of_request(text.as_bytes());
            (target.path().to_string(), target.query().to_string())
        };
        let is = |path: &str, query: &str| (path.to_string(), query.to_string());
        assert_eq!(parts("/"), is("", ""));
        assert_eq!(parts("/a/?b&c&&"), is("/a", "b&c"));
        assert_eq!(parts("/a&?"), is("/a&", ""));
        assert_eq!(parts("/a//"), is("/a/", ""));
        assert_eq!(parts("?&"), is("", ""));
    }

    #[test]
    fn long_requests_are_cut_at_a_whole_part_and_long_rules_refused() {
        let long = "y".repeat(PATH_MAX);
        for (start, path, query) in [
            ("/a/b&c", "/a", ""),
            ("/a/b?c&d", "/a/b", "c"),
            ("/a/b?", "/a/b", ""),
            ("\\a\\b", "/a", ""),
            ("yy", "", ""),
        ] {
            let target = PathAndQuery::of_request(format!("{start}{long}").as_bytes());
            assert_eq!((target.path(), target.query()), (path, query));
        }
        let exactly = &long[1..];
        assert_eq!(PathAndQuery::of_request(format!("/{exactly}").as_bytes()).path().len(), PATH_MAX);
        assert!(PathAndQuery::of_rule(format!("/{exactly}").as_bytes()).is_some());
        assert!(PathAndQuery::of_rule(format!("/{long}").as_bytes()).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

        #[test]
        fn the_form_of_a_form_is_itself(text in "[a%2eE/.?&#\\\\5 é]{0,24}") {
            let form = normal(text.as_bytes());
            prop_assert!(form.starts_with('/'));
            prop_assert_eq!(&normal(form.as_bytes()), &form);
        }

        #[test]
        fn any_octets_have_a_form(octets in prop::collection::vec(any::<u8>(), 0..64)) {
            prop_assert!(normal(&octets).bytes().all(|octet| octet.is_ascii_graphic()));
        }
    }
}
