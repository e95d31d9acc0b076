//! The configuration changed by the program itself: values go into the operator's text, its comments stay. Nothing is
//! written that `luytre check` would refuse, and nothing over a change somebody else made meanwhile.

mod array;
mod devices;
mod file;
mod forms;
mod layout;
mod names;
mod paths;
mod people;
mod place;
mod put;
mod settings;

pub use devices::DeviceKey;
pub use file::target;
pub(super) use file::{NAME, SYSTEM};
pub use forms::{BudgetForm, CalendarForm, DeviceForm, ListForm, ProfileForm, ScheduleForm};
pub use settings::Settings;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use toml_edit::DocumentMut;

use super::{Config, HOME, Vocabulary, read, slurp};
use crate::document::Fault;

/// A configuration that is being changed. One is made for each change: [`Editor::save`] refuses when the file is no longer
/// what it was.
pub struct Editor {
    /// As it was named: relative files start there.
    named: PathBuf,
    /// Where the text is, behind links.
    file: PathBuf,
    /// What the file holds; `None` when it is not there.
    on_disk: Option<String>,
    /// What the file held before [`Editor::save`].
    before: Option<Option<String>>,
    /// The document as it was opened, written out.
    opened: String,
    document: DocumentMut,
    style: Style,
}

/// What came of [`Editor::save`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Nothing differed, nothing was written.
    Unchanged,
    /// The new text is in force at the next reload.
    Written,
}

/// A change that cannot be made; the document is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody has that name.
    #[error("there is no {kind} {name:?}")]
    Unknown {
        /// "profile", "device", "calendar", "list".
        kind: &'static str,
        /// As it was asked for.
        name: String,
    },
    /// Somebody else has that name.
    #[error("{kind} name {name:?} is taken; names are unique")]
    Taken {
        /// "profile", "calendar", "list".
        kind: &'static str,
        /// In its one spelling.
        name: String,
    },
    /// No name.
    #[error("{0}")]
    Name(String),
    /// Both or neither.
    #[error("a profile has `born` or `band`, one of them")]
    Age,
    /// Others point to it.
    #[error("{name:?} is in use by {}", .by.join(", "))]
    InUse {
        /// What should go.
        name: String,
        /// By whom.
        by: Vec<String>,
    },
    /// No option that can be set here.
    #[error("there is no setting {0:?}")]
    Setting(String),
    /// A value of another kind.
    #[error("setting {path:?} takes {expected}")]
    Value {
        /// The setting.
        path: &'static str,
        /// In words.
        expected: &'static str,
    },
}

/// Why nothing was read or written; the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// What `luytre check` would say.
    #[error("the configuration would have {} faults: {}", .0.len(), .0.first().map(Fault::to_string).unwrap_or_default())]
    Faults(Vec<Fault>),
    /// Somebody else changed the file.
    #[error("{}: changed meanwhile by somebody else; nothing was written", .0.display())]
    Changed(PathBuf),
    /// Neither a file of the operator nor a state folder.
    #[error("there is no file to write to: name one with -c, or set `state_dir`")]
    NoPlace,
    /// The folder cannot be written to.
    #[error("{}: cannot be changed: the folder is read-only for this program", .0.display())]
    ReadOnly(PathBuf),
    /// No space.
    #[error("{}: cannot be changed: the disk is full", .0.display())]
    Full(PathBuf),
    /// Anything else.
    #[error("{}: {error}", .file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl EditError {
    fn of(file: &Path, error: io::Error) -> EditError {
        let file = file.to_path_buf();
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => EditError::ReadOnly(file),
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => EditError::Full(file),
            ErrorKind::ResourceBusy => {
                let what = "it is mounted by itself and cannot be replaced; mount its folder";
                EditError::Io { file, error: io::Error::new(ErrorKind::ResourceBusy, what) }
            }
            _ => EditError::Io { file, error },
        }
    }
}

impl Editor {
    /// Opens the file that changes go to ([`target`]). When it is not there yet, it starts as the text of `in_force`, or as
    /// the built-in one.
    pub fn open(target: &Path, in_force: Option<&Path>) -> Result<Editor, EditError> {
        let error = |error| EditError::of(target, error);
        let file = file::resolve(target).map_err(error)?;
        file::clean(&file);
        let on_disk = file::read(&file).map_err(error)?;
        let (text, start) = match (&on_disk, in_force) {
            (Some(text), _) => (text.clone(), None),
            (None, Some(start)) => {
                let text = slurp(start).map_err(|what| EditError::Faults(vec![unread(start, what)]))?;
                (text, Some(start))
            }
            (None, None) => (HOME.to_string(), None),
        };
        let (style, plain) = Style::of(&text);
        let mut document = parse(&target.display().to_string(), &plain)?;
        if let Some(start) = start {
            paths::make_absolute(&mut document, start);
        }
        let opened = document.to_string();
        Ok(Editor { named: target.to_path_buf(), file, on_disk, before: None, opened, document, style })
    }

    /// The file as it was named: what has to be loaded after a change.
    pub fn named(&self) -> &Path {
        &self.named
    }

    /// The text with all changes.
    pub fn text(&self) -> String {
        self.style.dress(self.document.to_string())
    }

    /// Reads the changed text as the program would.
    pub fn check(&self, words: &Vocabulary) -> Result<Config, Vec<Fault>> {
        read::config(&self.named.display().to_string(), &self.text(), Some(&self.named), words)
    }

    /// Checks the changed text and writes it. What was there stays beside it as `NAME.previous`.
    pub fn save(&mut self, words: &Vocabulary) -> Result<Saved, EditError> {
        let rendered = self.document.to_string();
        if rendered == self.opened {
            return Ok(Saved::Unchanged);
        }
        self.check(words).map_err(EditError::Faults)?;
        let text = self.text();
        file::replace(&self.file, self.on_disk.as_deref(), Some(&text), true)?;
        self.before = Some(self.on_disk.replace(text));
        self.opened = rendered;
        Ok(Saved::Written)
    }

    /// Undoes [`Editor::save`], for when the program could not take the new text: what was there is there again. Refused when
    /// somebody else has changed the file since.
    pub fn restore_previous(&mut self) -> Result<(), EditError> {
        let Some(before) = self.before.take() else { return Ok(()) };
        if let Err(error) = file::replace(&self.file, self.on_disk.as_deref(), before.as_deref(), false) {
            self.before = Some(before);
            return Err(error);
        }
        self.on_disk = before;
        Ok(())
    }

    /// Makes a change whole or not at all.
    fn attempt(&mut self, change: impl FnOnce(&mut DocumentMut) -> Result<(), Refusal>) -> Result<(), Refusal> {
        let mut document = self.document.clone();
        change(&mut document)?;
        self.document = document;
        Ok(())
    }
}

fn parse(shown: &str, text: &str) -> Result<DocumentMut, EditError> {
    text.parse::<DocumentMut>().map_err(|error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        let what = error.message().trim().to_string();
        EditError::Faults(vec![Fault { file: shown.to_string(), line: before.matches('\n').count() + 1, column, what }])
    })
}

fn unread(file: &Path, what: String) -> Fault {
    Fault { file: file.display().to_string(), line: 1, column: 1, what }
}

/// How the operator's editor writes files.
#[derive(Debug, Clone, Copy)]
struct Style {
    has_mark: bool,
    has_returns: bool,
}

impl Style {
    /// The style, and the text without it.
    fn of(text: &str) -> (Style, String) {
        let style = Style { has_mark: text.starts_with(MARK), has_returns: text.contains("\r\n") };
        (style, text.trim_start_matches(MARK).replace("\r\n", "\n"))
    }

    fn dress(self, text: String) -> String {
        let text = if self.has_returns { text.replace('\n', "\r\n") } else { text };
        if self.has_mark { format!("{MARK}{text}") } else { text }
    }
}

/// The byte order mark some editors put first.
const MARK: char = '\u{feff}';

#[cfg(test)]
mod tests;
