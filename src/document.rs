//! A TOML document read with all its faults at once: a wrong type, a value out of range or an unknown key is noted with its
//! line and column, and reading goes on. Knows nothing of what the document is about.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::{Deref, Range};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One thing that is wrong, with its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file as the operator named it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}:{}: {}", self.file, self.line, self.column, self.what)
    }
}

/// A value with its place in the text, so that a later check can still point at it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Octets from the start of the text.
    pub span: Range<usize>,
}

impl<T> Deref for At<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// The faults of one text, collected while it is read.
pub struct Faults<'a> {
    file: &'a str,
    text: &'a str,
    found: RefCell<Vec<Fault>>,
    /// Lines the TOML parser could not read: what was recovered of them is not worth a second fault.
    broken: Cell<bool>,
}

impl<'a> Faults<'a> {
    /// No fault yet in `text`, which came from `file`.
    pub fn new(file: &'a str, text: &'a str) -> Faults<'a> {
        Faults { file, text, found: RefCell::default(), broken: Cell::new(false) }
    }

    /// Notes a fault at `span`.
    pub fn add(&self, span: &Range<usize>, what: impl Into<String>) {
        let (line, column) = place(self.text, span.start);
        let mut found = self.found.borrow_mut();
        if self.broken.get() && found.iter().any(|fault| fault.line == line) {
            return;
        }
        found.push(Fault { file: self.file.to_string(), line, column, what: what.into() });
    }

    /// All faults in the order of the text; `Ok` when there are none.
    pub fn into_result(self) -> Result<(), Vec<Fault>> {
        let mut found = self.found.into_inner();
        found.sort();
        found.dedup();
        if found.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// Reads `text` with `read`, and gives back what it built or every fault of the text.
pub fn read<T>(file: &str, text: &str, read: impl FnOnce(&mut Table<'_>) -> Option<T>) -> Result<T, Vec<Fault>> {
    let faults = Faults::new(file, text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        faults.add(&error.span().unwrap_or(0..0), error.message().trim().to_string());
        faults.broken.set(true);
    }
    let mut table = Table { entries: root.get_ref(), span: 0..0, asked: Vec::new(), faults: &faults };
    let built = read(&mut table);
    drop(table);
    faults.into_result()?;
    built.ok_or_else(|| vec![Fault { file: file.to_string(), line: 1, column: 1, what: "cannot be used".to_string() }])
}

/// One table of the document. Keys that nobody asked for are faults when it goes out of scope.
pub struct Table<'a> {
    entries: &'a DeTable<'a>,
    span: Range<usize>,
    asked: Vec<&'static str>,
    faults: &'a Faults<'a>,
}

impl<'a> Table<'a> {
    /// The value of `key`; `None` when it is absent or faulty.
    pub fn get<T: Field>(&mut self, key: &'static str) -> Option<At<T>> {
        let value = self.raw(key)?;
        Some(At { value: T::read(value, self.faults)?, span: value.span() })
    }

    /// The value of `key`, or `default`.
    pub fn or<T: Field>(&mut self, key: &'static str, default: T) -> T {
        self.get(key).map_or(default, |at| at.value)
    }

    /// The value of `key`; its absence is a fault.
    pub fn required<T: Field>(&mut self, key: &'static str) -> Option<At<T>> {
        if !self.entries.contains_key(key) {
            self.asked.push(key);
            if !self.faults.broken.get() {
                self.faults.add(&self.span, format!("`{key}` is missing ({})", T::EXPECTED));
            }
            return None;
        }
        self.get(key)
    }

    /// The table `[key]`.
    pub fn table(&mut self, key: &'static str) -> Option<Table<'a>> {
        let value = self.raw(key)?;
        match value.get_ref() {
            DeValue::Table(entries) => Some(self.inner(entries, value.span())),
            other => {
                self.faults.add(&value.span(), format!("expected a table `[{key}]`, found {}", kind(other)));
                None
            }
        }
    }

    /// The tables `[[key]]`.
    pub fn tables(&mut self, key: &'static str) -> Vec<Table<'a>> {
        let Some(value) = self.raw(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.faults.add(&value.span(), format!("expected tables `[[{key}]]`, found {}", kind(value.get_ref())));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref() {
                DeValue::Table(entries) => tables.push(self.inner(entries, item.span())),
                other => self.faults.add(&item.span(), format!("expected a table, found {}", kind(other))),
            }
        }
        tables
    }

    /// True when the key stands in the text.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Where the table begins.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Notes a fault.
    pub fn fault(&self, span: &Range<usize>, what: impl Into<String>) {
        self.faults.add(span, what);
    }

    fn raw(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.entries.get(key)
    }

    fn inner(&self, entries: &'a DeTable<'a>, span: Range<usize>) -> Table<'a> {
        Table { entries, span, asked: Vec::new(), faults: self.faults }
    }
}

impl Drop for Table<'_> {
    fn drop(&mut self) {
        for key in self.entries.keys() {
            if self.asked.iter().any(|asked| asked == key.get_ref()) {
                continue;
            }
            let advice = match nearest(key.get_ref(), self.asked.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            self.faults.add(&key.span(), format!("unknown key `{}` ({advice})", key.get_ref()));
        }
    }
}

/// The word most like `word`, if one is like it at all.
pub fn nearest<'w>(word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > NEAREST_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// A guess: `lisen` and `listen` are at 0.96, `workers` and `port` at 0.46.
const NEAREST_MIN: f64 = 0.8;

/// A type that can be the value of a key.
pub trait Field: Sized {
    /// What is right, in words.
    const EXPECTED: &'static str;

    /// Reads the value, or notes what is wrong with it.
    fn read(value: &Spanned<DeValue<'_>>, faults: &Faults<'_>) -> Option<Self>;
}

impl Field for bool {
    const EXPECTED: &'static str = "true or false";
    fn read(value: &Spanned<DeValue<'_>>, faults: &Faults<'_>) -> Option<bool> {
        value.get_ref().as_bool().or_else(|| wrong::<bool>(value, faults))
    }
}

impl Field for String {
    const EXPECTED: &'static str = "a string";
    fn read(value: &Spanned<DeValue<'_>>, faults: &Faults<'_>) -> Option<String> {
        value.get_ref().as_str().map(str::to_string).or_else(|| wrong::<String>(value, faults))
    }
}

impl Field for u64 {
    const EXPECTED: &'static str = "a whole number, not negative";
    fn read(value: &Spanned<DeValue<'_>>, faults: &Faults<'_>) -> Option<u64> {
        let integer = value.get_ref().as_integer();
        integer
            .and_then(|integer| u64::from_str_radix(integer.as_str(), integer.radix()).ok())
            .or_else(|| wrong::<u64>(value, faults))
    }
}

impl<T: Field> Field for Vec<T> {
    const EXPECTED: &'static str = "an array";
    fn read(value: &Spanned<DeValue<'_>>, faults: &Faults<'_>) -> Option<Vec<T>> {
        let Some(items) = value.get_ref().as_array() else { return wrong::<Vec<T>>(value, faults) };
        // Every element is read, so that every fault is found.
        let read: Vec<Option<T>> = items.iter().map(|item| T::read(item, faults)).collect();
        read.into_iter().collect()
    }
}

impl<T: Field> Field for At<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn read(value: &Spanned<DeValue<'_>>, faults: &Faults<'_>) -> Option<At<T>> {
        Some(At { value: T::read(value, faults)?, span: value.span() })
    }
}

/// Reads a value that is written as a string, and notes `why not` when `parse` refuses it.
pub fn text<T>(
    value: &Spanned<DeValue<'_>>,
    faults: &Faults<'_>,
    expected: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let Some(text) = value.get_ref().as_str() else {
        faults.add(&value.span(), format!("expected {expected}, found {}", kind(value.get_ref())));
        return None;
    };
    parse(text).map_err(|what| faults.add(&value.span(), what)).ok()
}

fn wrong<T: Field>(value: &Spanned<DeValue<'_>>, faults: &Faults<'_>) -> Option<T> {
    faults.add(&value.span(), format!("expected {}, found {}", T::EXPECTED, kind(value.get_ref())));
    None
}

fn kind(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Boolean(value) => format!("{value}"),
        DeValue::Integer(value) => format!("the number {}", value.as_str()),
        DeValue::String(value) => format!("the string {value:?}"),
        other => format!("a value of type {}", other.type_str()),
    }
}

fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let result = read("x.toml", text, |root| {
            let workers = root.get::<u64>("workers");
            let listen = root.get::<Vec<String>>("listen");
            let name = root.table("dns").and_then(|mut dns| dns.required::<String>("name"));
            Some((workers, listen, name))
        });
        result.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_faults_at_once_with_their_places() {
        let found = faults("workers = \"two\"\nlisen = []\nlisten = [1, \"a\", true]\n[dns]\nnome = 3\n");
        assert_eq!(
            found,
            [
                "x.toml:1:11: expected a whole number, not negative, found the string \"two\"",
                "x.toml:2:1: unknown key `lisen` (did you mean `listen`?)",
                "x.toml:3:11: expected a string, found the number 1",
                "x.toml:3:19: expected a string, found true",
                "x.toml:4:1: `name` is missing (a string)",
                "x.toml:5:1: unknown key `nome` (did you mean `name`?)",
            ]
        );
    }

    #[test]
    fn broken_toml_does_not_hide_the_rest() {
        let found = faults("workers = = 2\nlisten = [1]\n");
        assert!(found[0].starts_with("x.toml:1:"), "{found:?}");
        assert!(found.iter().any(|fault| fault.starts_with("x.toml:2:11")), "{found:?}");
    }

    #[test]
    fn columns_count_characters() {
        assert_eq!(
            faults("\"kỳ\" = 1 # é\nworkers = true"),
            [
                "x.toml:1:1: unknown key `kỳ` (known here: workers, listen, dns)",
                "x.toml:2:11: expected a whole number, not negative, found true",
            ]
        );
    }
}
