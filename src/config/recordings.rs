//! `[recordings]`: where recordings are written.

use std::path::{Path, PathBuf};

use super::book::Book;
use super::gateway::path;
use super::moved::Successor;
use super::section::Section;

/// `[recordings]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingSettings {
    /// The folder that they are written to.
    pub spool: PathBuf,
}

/// The folder that the file names, where the file names one.
pub(super) struct Spool(Option<PathBuf>);

impl Spool {
    /// The settings, where the folder is in `state_dir` unless the file names another.
    pub fn in_state_dir(self, state_dir: &Path) -> RecordingSettings {
        RecordingSettings { spool: self.0.unwrap_or_else(|| state_dir.join("recordings")) }
    }
}

/// Reads `[recordings]`, and its old key in `[gateway]`. `base` is what relative paths start from.
pub(super) fn read<'a>(root: &mut Section<'a>, gateway: Option<&mut Section<'a>>, base: &Path, book: &Book) -> Spool {
    let mut keys = Successor::of(root, "recordings", "[recordings]", gateway, book);
    let spool = keys.find("spool", "recordings").and_then(|(section, key)| path(section.string(key)?, base, book));
    keys.finish();
    Spool(spool)
}
