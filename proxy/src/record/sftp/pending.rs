//! The requests that wait for their answers.

use std::collections::HashMap;

use crate::record::sftp::files::FileId;
use crate::record::sftp::request::Op;
use crate::record::sftp::wire::flag;
use crate::record::transcript::{Draft, Note, ProtocolFault};

/// From how many requests on that wait no further ones are taken. OpenSSH's clients have 64 or 1,024 on their way; PuTTY's
/// have as many as fit on the way.
pub const MOST_WAITING: usize = 4096;

/// And from how many bytes of names that wait with them.
pub const MOST_NAMES: usize = 1024 * 1024;

/// A request that waits for its answer.
#[derive(Debug)]
pub enum Wait {
    /// A file is being opened, with these flags; or a folder.
    Open { path: Box<[u8]>, flags: Option<u32> },
    /// An open file is being closed.
    Close { file: FileId },
    /// So much content is being read from there.
    Read { file: FileId, offset: u64, wanted: u32 },
    /// Content is being written, so many bytes.
    Write { file: FileId, length: u64 },
    /// A folder is being listed.
    ReadDir { file: FileId },
    /// Anything else: it is written down with its result.
    Other { op: Op, subject: Subject, file: Option<FileId>, size: Option<u64> },
}

/// What a request is on, for its note.
#[derive(Debug, Default)]
pub struct Subject {
    /// A path, or a name.
    pub path: Option<Box<[u8]>>,
    /// A second path.
    pub to: Option<Box<[u8]>>,
}

impl Subject {
    /// Begins the note on an operation.
    pub(super) fn draft(&self, op: Op) -> Draft {
        let mut draft = Note::about(op.word());
        if let Op::Unknown(kind) = op {
            draft = draft.field("type", kind).say(&format!(" packet of type {kind}"));
        }
        if let Some(path) = &self.path {
            draft = draft.name(if op == Op::Extension { "name" } else { "path" }, " ", path);
        }
        if let Some(to) = &self.to {
            draft = draft.name("to", " to ", to);
        }
        draft
    }

    fn size(&self) -> usize {
        [&self.path, &self.to].into_iter().flatten().map(|name| name.len()).sum()
    }
}

impl Wait {
    fn size(&self) -> usize {
        match self {
            Self::Open { path, .. } => path.len(),
            Self::Other { subject, .. } => subject.size(),
            _ => 0,
        }
    }
}

/// All that wait, by their ids.
#[derive(Debug, Default)]
pub struct Pending {
    waiting: HashMap<u32, Wait>,
    names: usize,
}

impl Pending {
    /// Whether a request with this id waits.
    pub fn has(&self, id: u32) -> bool {
        self.waiting.contains_key(&id)
    }

    /// Whether no more should wait.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MOST_WAITING || self.names >= MOST_NAMES
    }

    /// Whether there is room again for a good number of them.
    pub fn has_room(&self) -> bool {
        self.waiting.len() <= MOST_WAITING / 2 && self.names <= MOST_NAMES / 2
    }

    /// A request went to the target.
    pub fn insert(&mut self, id: u32, wait: Wait) {
        self.names += wait.size();
        self.waiting.insert(id, wait);
    }

    /// The answer came.
    pub fn remove(&mut self, id: u32) -> Result<Wait, ProtocolFault> {
        let wait = self.waiting.remove(&id).ok_or(ProtocolFault::NoSuchRequest(id))?;
        self.names = self.names.saturating_sub(wait.size());
        Ok(wait)
    }

    /// All that never got an answer, by their ids.
    pub fn drain(&mut self) -> Vec<Wait> {
        let mut left: Vec<_> = self.waiting.drain().collect();
        left.sort_unstable_by_key(|(id, _)| *id);
        left.into_iter().map(|(_, wait)| wait).collect()
    }
}

/// The note on an open, with its result.
pub(super) fn open_note(path: &[u8], flags: Option<u32>, result: &str) -> Note {
    let (op, access) = match flags {
        None => ("opendir", "list"),
        Some(flags) if flags & (flag::READ | flag::WRITE) == flag::READ | flag::WRITE => ("open", "read and write"),
        Some(flags) if flags & flag::WRITE != 0 => ("open", "write"),
        Some(_) => ("open", "read"),
    };
    let note = Note::about(op).name("path", " ", path).field("access", access).field("result", result);
    note.say(&format!(" to {access}: {result}")).done()
}

/// What to write down of a request that never got its answer. What moves content is told with its file.
pub(super) fn unanswered(wait: Wait) -> Option<Note> {
    const RESULT: &str = "no answer";
    match wait {
        Wait::Open { path, flags } => Some(open_note(&path, flags, RESULT)),
        Wait::Other { op, subject, .. } => Some(subject.draft(op).field("result", RESULT).say(": ").say(RESULT).done()),
        Wait::Close { .. } | Wait::Read { .. } | Wait::Write { .. } | Wait::ReadDir { .. } => None,
    }
}
