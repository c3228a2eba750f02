//! The files and folders that are open, and what went through them.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use crate::record::sftp::ordered_hash::{OrderedHash, Room};
use crate::record::sftp::wire::flag;
use crate::record::transcript::Note;

/// The most files that may be open at once.
pub const MOST_OPEN: usize = 1024;

/// Of how many paths it is remembered how long their files are.
const MOST_SIZES: usize = 64;

/// The longest read that every server answers in full, unless the file ends: 32 KiB (draft-ietf-secsh-filexfer-02 §3, §6.4).
const FULL_READ: u32 = 32 * 1024;

/// The name by which a file is known here; unlike a target's handle it is never used twice.
pub type FileId = u64;

/// What is open.
#[derive(Debug, Default)]
pub struct Files {
    handles: HashMap<Box<[u8]>, FileId>,
    open: HashMap<FileId, OpenFile>,
    last: FileId,
    opening: usize,
    room: Room,
    /// How long the target said that files are, by their paths, the newest last.
    sizes: VecDeque<(Box<[u8]>, u64)>,
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
    pub fn opened(&mut self, handle: &[u8], mut file: OpenFile) -> Option<OpenFile> {
        self.not_opened();
        file.read.shares(&self.room);
        file.written.shares(&self.room);
        if file.flags.is_some_and(|flags| flags & flag::WRITE != 0) {
            self.sizes.retain(|(path, _)| *path != file.path);
        }
        file.size = self.sizes.iter().rev().find(|(path, _)| *path == file.path).map(|(_, size)| *size);
        self.last += 1;
        let before = self.handles.insert(handle.into(), self.last);
        self.open.insert(self.last, file);
        before.and_then(|id| self.open.remove(&id))
    }

    /// The target said how long the file of a path is. Some clients ask that before they open it, and read no further.
    pub fn sized(&mut self, path: &[u8], size: u64) {
        self.sizes.retain(|(known, _)| **known != *path);
        if self.sizes.len() >= MOST_SIZES {
            self.sizes.pop_front();
        }
        self.sizes.push_back((path.into(), size));
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
    pub fn closed(&mut self, id: FileId) -> Option<OpenFile> {
        self.open.remove(&id)
    }

    /// A file.
    pub fn get(&self, id: FileId) -> Option<&OpenFile> {
        self.open.get(&id)
    }

    /// A file, to change.
    pub fn get_mut(&mut self, id: Option<FileId>) -> Option<&mut OpenFile> {
        self.open.get_mut(&id?)
    }

    /// All that is open, in the order in which it was opened.
    pub fn drain(&mut self) -> Vec<OpenFile> {
        self.handles.clear();
        let mut left: Vec<_> = self.open.drain().collect();
        left.sort_unstable_by_key(|(id, _)| *id);
        left.into_iter().map(|(_, file)| file).collect()
    }
}

/// An open file or folder.
#[derive(Debug)]
pub struct OpenFile {
    /// As the client named it.
    pub path: Box<[u8]>,
    /// The open flags; none for a folder.
    flags: Option<u32>,
    /// How many entries of the folder were listed.
    pub entries: u64,
    /// What was read.
    read: OrderedHash,
    /// What was written.
    pub written: OrderedHash,
    /// How much of what was written the target has confirmed, in bytes.
    confirmed: u64,
    /// Where the target said that the file ends.
    end: Option<u64>,
    /// How far into the file anything was read.
    furthest: u64,
    /// How long the target said the file is, in bytes.
    pub size: Option<u64>,
    /// The size the client set, in bytes.
    pub resized: Option<u64>,
}

impl OpenFile {
    /// A file that was opened with these flags, or a folder.
    pub fn new(path: Box<[u8]>, flags: Option<u32>) -> Self {
        Self {
            path,
            flags,
            entries: 0,
            read: OrderedHash::default(),
            written: OrderedHash::default(),
            confirmed: 0,
            end: None,
            furthest: 0,
            size: None,
            resized: None,
        }
    }

    /// The target answered a read there with the end of the file.
    pub fn ended(&mut self, offset: u64) {
        self.read.nothing_at(offset);
        self.ends(offset);
    }

    /// The target begins to answer a read there with so much content, of so much that was wanted.
    pub fn continues(&mut self, offset: u64, content: usize, wanted: u32) {
        self.end = self.end.filter(|end| offset < *end);
        self.read.begin(offset);
        let to = offset.saturating_add(content as u64);
        if wanted <= FULL_READ && content < wanted as usize && to >= self.furthest {
            self.ends(to);
        }
        self.furthest = self.furthest.max(to);
    }

    /// Requests that ran ahead of the answers end beyond the end.
    fn ends(&mut self, offset: u64) {
        self.end = Some(self.end.map_or(offset, |end| end.min(offset)));
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
    pub fn notes(mut self, result: &str) -> Vec<Note> {
        self.read.settle();
        self.written.settle();
        let Some(flags) = self.flags else { return vec![self.listed(result)] };
        let writes = flags & flag::WRITE != 0;
        let mut notes = Vec::new();
        if self.read.begun || (!writes && !self.written.begun) {
            let whole = self.read.is_from_the_start() && [self.end, self.size].contains(&Some(self.read.next));
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

    fn moved(&self, op: &str, run: &OrderedHash, bytes: u64, whole: bool, result: &str) -> Note {
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
