//! The files and folders that are open, and what went through them.

use std::collections::HashMap;

use curfew_recorder::{Hasher, hex};
use serde_json::Value;

use crate::ssh::sftp::wire::flag;
use crate::ssh::transcript::Note;

/// The most files that may be open at once.
pub const MOST_OPEN: usize = 1024;

/// The name by which a file is known here; unlike a target's handle it is never used twice.
pub type FileId = u64;

/// What is open.
#[derive(Debug, Default)]
pub struct Files {
    handles: HashMap<Box<[u8]>, FileId>,
    open: HashMap<FileId, File>,
    last: FileId,
    opening: usize,
}

impl Files {
    /// Whether one more may be opened; if so, [`Files::opened`] or [`Files::not_opened`] follows.
    pub fn may_open(&mut self) -> bool {
        let may = self.open.len() + self.opening < MOST_OPEN;
        self.opening += usize::from(may);
        may
    }

    /// An open failed.
    pub fn not_opened(&mut self) {
        self.opening = self.opening.saturating_sub(1);
    }

    /// The target gave a handle. Gives the file that had it before, if the target never saw it closed.
    pub fn opened(&mut self, handle: &[u8], file: File) -> Option<File> {
        self.not_opened();
        self.last += 1;
        let before = self.handles.insert(handle.into(), self.last);
        self.open.insert(self.last, file);
        before.and_then(|id| self.open.remove(&id))
    }

    /// The file of a handle.
    pub fn find(&self, handle: &[u8]) -> Option<FileId> {
        self.handles.get(handle).copied()
    }

    /// The client gives a handle up; the file stays until [`Files::closed`].
    pub fn give_up(&mut self, handle: &[u8]) -> Option<FileId> {
        self.handles.remove(handle)
    }

    /// The target closed a file.
    pub fn closed(&mut self, id: FileId) -> Option<File> {
        self.open.remove(&id)
    }

    /// A file.
    pub fn get(&self, id: FileId) -> Option<&File> {
        self.open.get(&id)
    }

    /// A file, to change.
    pub fn get_mut(&mut self, id: Option<FileId>) -> Option<&mut File> {
        self.open.get_mut(&id?)
    }

    /// All that is open, in the order in which it was opened.
    pub fn drain(&mut self) -> Vec<File> {
        self.handles.clear();
        let mut left: Vec<_> = self.open.drain().collect();
        left.sort_unstable_by_key(|(id, _)| *id);
        left.into_iter().map(|(_, file)| file).collect()
    }
}

/// An open file or folder.
#[derive(Debug)]
pub struct File {
    /// As the client named it.
    pub path: Box<[u8]>,
    /// The open flags; none for a folder.
    flags: Option<u32>,
    /// How many entries of the folder were listed.
    pub entries: u64,
    /// What was read.
    read: Run,
    /// What was written.
    pub written: Run,
    /// How much of what was written the target has confirmed, in bytes.
    confirmed: u64,
    /// The target said that the file ends where reading has come to.
    at_end: bool,
    /// How long the target said the file is, in bytes.
    pub size: Option<u64>,
    /// The size the client set, in bytes.
    pub resized: Option<u64>,
}

impl File {
    /// A file that was opened with these flags, or a folder.
    pub fn new(path: Box<[u8]>, flags: Option<u32>) -> Self {
        Self {
            path,
            flags,
            entries: 0,
            read: Run::default(),
            written: Run::default(),
            confirmed: 0,
            at_end: false,
            size: None,
            resized: None,
        }
    }

    /// The target answered a read there with the end of the file.
    pub fn ended(&mut self, offset: u64) {
        if !self.read.begun {
            self.read.begin(offset);
        }
        // Requests that ran ahead of the answers end beyond the end.
        self.at_end |= offset == self.read.next;
    }

    /// The target begins to answer a read there with content.
    pub fn continues(&mut self, offset: u64) {
        self.at_end = false;
        self.read.begin(offset);
    }

    /// The target answered a write of so many bytes.
    pub fn answered_write(&mut self, length: u64, good: bool) {
        if good {
            self.confirmed = self.confirmed.saturating_add(length);
        } else {
            self.written.scatter();
        }
    }

    /// Content that the target sent.
    pub fn got(&mut self, content: &[u8]) {
        self.read.update(content);
    }

    /// What to write down of it, now that it is closed with this result.
    pub fn notes(self, result: &str) -> Vec<Note> {
        let Some(flags) = self.flags else { return vec![self.listed(result)] };
        let writes = flags & flag::WRITE != 0;
        let mut notes = Vec::new();
        if self.read.begun || (!writes && !self.written.begun) {
            let whole = self.read.is_from_the_start() && (self.at_end || self.size == Some(self.read.next));
            notes.push(self.moved("get", &self.read, self.read.bytes, whole, result));
        }
        if self.written.begun || (writes && !self.read.begun) {
            notes.push(self.put(flags, result));
        }
        notes
    }

    fn listed(self, result: &str) -> Note {
        let words = format!(": {} entries{}", self.entries, unless_ok(result));
        Note::about("list")
            .name("path", " ", &self.path)
            .field("entries", self.entries)
            .field("result", result)
            .say(&words)
            .done()
    }

    fn put(&self, flags: u32, result: &str) -> Note {
        let fresh = flags & flag::TRUNC != 0 || flags & flag::EXCL != 0;
        let cut_there = if fresh {
            self.resized.is_none_or(|size| size == self.written.next)
        } else {
            self.resized == Some(self.written.next)
        };
        let all = self.confirmed == self.written.bytes && flags & flag::APPEND == 0;
        let whole = self.written.is_from_the_start() && cut_there && all;
        self.moved("put", &self.written, self.confirmed, whole, result)
    }

    fn moved(&self, op: &str, run: &Run, bytes: u64, whole: bool, result: &str) -> Note {
        let sha256 = run.sha256(whole);
        let words = match &sha256 {
            Some(sum) => format!(": {bytes} bytes{}, sha256 {sum}", if whole { "" } else { " (a part)" }),
            None if bytes == 0 => format!(": {bytes} bytes"),
            None => format!(": {bytes} bytes, not in order: no sha256"),
        };
        let note = Note::about(op)
            .name("path", " ", &self.path)
            .field("bytes", bytes)
            .field("offset", run.start)
            .field("sha256", sha256.map_or(Value::Null, Value::String))
            .field("partial", !whole)
            .field("result", result);
        note.say(&words).say(&unless_ok(result)).done()
    }
}

/// A result, where it is worth words.
fn unless_ok(result: &str) -> String {
    if result == "ok" { String::new() } else { format!(" ({result})") }
}

/// Content that goes one way, hashed as long as each piece follows the one before.
#[derive(Debug, Default)]
pub struct Run {
    begun: bool,
    start: u64,
    next: u64,
    bytes: u64,
    scattered: bool,
    hasher: Option<Hasher>,
}

impl Run {
    /// A packet's content begins there in the file.
    pub fn begin(&mut self, offset: u64) {
        if !self.begun {
            self.begun = true;
            self.start = offset;
            self.next = offset;
            self.hasher = Some(Hasher::new());
        }
        if offset != self.next {
            self.scatter();
        }
    }

    fn is_from_the_start(&self) -> bool {
        self.start == 0 && !self.scattered
    }

    /// Something came in between: there is no hash any more.
    pub fn scatter(&mut self) {
        self.scattered = true;
        self.hasher = None;
    }

    /// Takes content.
    pub fn update(&mut self, content: &[u8]) {
        let length = content.len() as u64;
        self.bytes = self.bytes.saturating_add(length);
        self.next = self.next.saturating_add(length);
        if let Some(hasher) = &mut self.hasher {
            hasher.update(content);
        }
    }

    /// The hash of all that went through. Of nothing at all only when nothing is the whole file.
    fn sha256(&self, whole: bool) -> Option<String> {
        match &self.hasher {
            Some(hasher) if self.bytes > 0 || whole => Some(hex(&hasher.current())),
            None if !self.begun && whole => Some(hex(&Hasher::new().current())),
            _ => None,
        }
    }
}
