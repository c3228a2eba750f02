//! How a recording ends: sealed, or with the reason why it could not go on.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::cast::Completeness;

/// A sealed recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Its file.
    pub path: PathBuf,
    /// The file's length in bytes.
    pub bytes: u64,
    /// The file's SHA-256, in hexadecimal.
    pub sha256: String,
    /// How many bytes of output it holds.
    pub output_bytes: u64,
    /// How many lines it has.
    pub lines: u64,
    /// Its last moment.
    pub duration: Duration,
    /// Whether it holds all there was.
    pub state: Completeness,
    /// Why it ended.
    pub end: String,
    /// The id of the key that sealed it.
    pub key: String,
}

/// Why a recording cannot go on. Once failed, it stays failed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// The name is not one a recording may have.
    #[error("{0:?} is not a name for a recording: letters, digits, `.`, `_`, `-`, and `.cast` at the end")]
    Name(String),
    /// The file cannot be made or written.
    #[error("the recording {path} cannot be written: {source}")]
    Write {
        /// The recording's file.
        path: String,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The process is stopping, and took the writer with it.
    #[error("the recording was stopped before all was written")]
    Stopped,
}

impl RecordingError {
    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        Self::Write { path: path.display().to_string(), source: Arc::new(source) }
    }
}

impl From<RecordingError> for io::Error {
    fn from(error: RecordingError) -> Self {
        let kind = match &error {
            RecordingError::Name(_) => io::ErrorKind::InvalidInput,
            RecordingError::Write { source, .. } => source.kind(),
            RecordingError::Stopped => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
