//! The book in which everything that is wrong with a file is written down, so that all of it is told at once.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::text::escape;
use crate::text::suggest::nearest;

/// Something about the file that a person should know: `FILE:LINE: text`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The file as it was named.
    pub file: PathBuf,
    /// The line, from 1; `None` when it is about the file as a whole.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub text: String,
}

impl Remark {
    /// A remark about the file as a whole.
    pub(super) fn whole(file: &Path, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: None, text: text.into() }
    }
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match self.line {
            Some(line) => write!(f, "{file}:{line}: {}", self.text),
            None => write!(f, "{file}: {}", self.text),
        }
    }
}

/// All that is wrong with a file, in the order of its lines. One line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFaults(pub Vec<Remark>);

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigFaults {}

impl ConfigFaults {
    /// The one fault of a file that is not there, not readable or not text.
    pub(super) fn unreadable(file: &Path, why: &std::io::Error) -> Self {
        Self(vec![Remark::whole(file, format!("cannot be read: {why}"))])
    }
}

/// Faults and warnings on the way, each with the byte of the text that it is about.
#[derive(Debug, Default)]
pub(super) struct Book {
    faults: RefCell<Vec<(usize, String)>>,
    warnings: RefCell<Vec<(usize, String)>>,
}

impl Book {
    /// Writes down what makes the file unusable.
    pub fn fault(&self, at: usize, text: impl Into<String>) {
        self.faults.borrow_mut().push((at, text.into()));
    }

    /// Writes down what is probably not meant, but does no harm.
    pub fn warn(&self, at: usize, text: impl Into<String>) {
        self.warnings.borrow_mut().push((at, text.into()));
    }

    /// Writes down a name that nothing has, with the nearest one that something has.
    pub fn unknown<'n>(&self, at: usize, what: &str, name: &str, known: impl IntoIterator<Item = &'n str>) {
        let hint = match nearest(name, known) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => String::new(),
        };
        self.fault(at, format!("unknown {what} `{name}`{hint}"));
    }

    /// The faults, and beside them the warnings, as remarks on lines of this text.
    pub fn close(self, file: &Path, text: &str) -> (Vec<Remark>, Vec<Remark>) {
        let remarks = |list: RefCell<Vec<(usize, String)>>| {
            let mut list = list.into_inner();
            list.sort();
            list.dedup();
            let remark = |(at, what): (usize, String)| Remark {
                file: file.to_owned(),
                line: Some(line(text, at)),
                // What was typed is repeated in remarks, and goes to a terminal.
                text: escape::terminal(&what),
            };
            list.into_iter().map(remark).collect()
        };
        (remarks(self.faults), remarks(self.warnings))
    }
}

fn line(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}
