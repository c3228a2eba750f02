//! The old scp protocol. The side that has the files sends records, each a line: `C` a file and then its content, `D`
//! a folder begins, `E` it ends, `T` times, and 1 or 2 a message. The other side answers each with a byte: 0 go on, or
//! 1 or 2 and a message, upon which a file's content or a folder's is left out.

use curfew_recorder::{Hasher, hex};
use serde_json::Value;

use crate::record::transcript::Note;

/// The longest line; a name is at most 255 bytes where scp runs.
const LONGEST_LINE: usize = 2048;

/// The deepest folder.
const DEEPEST: usize = 256;

/// What the side that has the files says.
#[derive(Debug)]
pub struct Records {
    /// `put` or `get`.
    op: &'static str,
    state: ScpState,
    line: Vec<u8>,
    folders: Vec<Box<[u8]>>,
    /// The last thing said was that a folder begins.
    entered: bool,
}

#[derive(Debug)]
enum ScpState {
    /// In a line.
    Line,
    /// A file's content follows, unless the other side does not want it.
    Offered(ScpFile),
    /// In a file's content.
    Content(ScpFile),
    /// The byte after a file's content: whether the source could read it all.
    Verdict(ScpFile),
}

/// A file on its way.
#[derive(Debug)]
struct ScpFile {
    path: Vec<u8>,
    mode: String,
    size: u64,
    left: u64,
    hasher: Hasher,
}

impl ScpFile {
    fn take(&mut self, content: &[u8]) {
        self.left = self.left.saturating_sub(content.len() as u64);
        self.hasher.update(content);
    }

    fn note(&self, op: &str, result: &str) -> Note {
        let bytes = self.size - self.left;
        let whole = self.left == 0 && result == "ok";
        let sha256 = (bytes > 0 || whole).then(|| hex(&self.hasher.current()));
        let part = if whole { String::new() } else { format!(" of {} ({result})", self.size) };
        let sum = sha256.as_ref().map(|sum| format!(", sha256 {sum}")).unwrap_or_default();
        Note::about(op)
            .name("path", " ", &self.path)
            .field("mode", self.mode.as_str())
            .field("bytes", bytes)
            .field("size", self.size)
            .field("sha256", sha256.map_or(Value::Null, Value::String))
            .field("partial", !whole)
            .field("result", result)
            .say(&format!(": {bytes} bytes{part}{sum}"))
            .done()
    }
}

impl Records {
    /// Before anything was said.
    pub const fn new(op: &'static str) -> Self {
        Self { op, state: ScpState::Line, line: Vec::new(), folders: Vec::new(), entered: false }
    }

    /// Takes bytes; the error is where they stopped making sense.
    pub fn feed(&mut self, data: &[u8], notes: &mut Vec<Note>) -> Result<(), usize> {
        let mut at = 0;
        while let Some(&byte) = data.get(at) {
            self.entered = false;
            match std::mem::replace(&mut self.state, ScpState::Line) {
                ScpState::Line => {
                    at += 1;
                    self.state = self.letter(byte, notes).ok_or(at - 1)?;
                }
                ScpState::Offered(file) | ScpState::Content(file) if file.left == 0 => {
                    self.state = ScpState::Verdict(file)
                }
                ScpState::Offered(mut file) | ScpState::Content(mut file) => {
                    let rest = data.get(at..).unwrap_or_default();
                    let length = rest.len().min(usize::try_from(file.left).unwrap_or(usize::MAX));
                    file.take(rest.get(..length).unwrap_or_default());
                    at += length;
                    self.state = ScpState::Content(file);
                }
                ScpState::Verdict(file) => {
                    // A 1 or 2 begins a message, which is a line of its own.
                    at += usize::from(byte == 0);
                    let result = if byte == 0 { "ok" } else { "the source could not read it all" };
                    notes.push(file.note(self.op, result));
                    if byte > 2 {
                        return Err(at);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes a byte of a line; nothing when it makes no sense.
    fn letter(&mut self, byte: u8, notes: &mut Vec<Note>) -> Option<ScpState> {
        if self.line.is_empty() && !matches!(byte, b'C' | b'D' | b'E' | b'T' | 1 | 2) {
            return None;
        }
        if byte != b'\n' {
            self.line.push(byte);
            return (self.line.len() <= LONGEST_LINE).then_some(ScpState::Line);
        }
        let line = std::mem::take(&mut self.line);
        let (kind, rest) = line.split_first()?;
        match kind {
            b'C' => return self.file(rest).map(ScpState::Offered),
            b'D' => self.enter(rest, notes)?,
            b'E' => drop(self.folders.pop()?),
            b'T' => {}
            _ => notes.push(message("source", rest)),
        }
        Some(ScpState::Line)
    }

    /// `0644 SIZE NAME`.
    fn file(&self, line: &[u8]) -> Option<ScpFile> {
        let (mode, size, name) = fields(line)?;
        Some(ScpFile { path: self.path(name), mode, size, left: size, hasher: Hasher::new() })
    }

    /// `0755 0 NAME`.
    fn enter(&mut self, line: &[u8], notes: &mut Vec<Note>) -> Option<()> {
        let (mode, _, name) = fields(line)?;
        if self.folders.len() >= DEEPEST {
            return None;
        }
        notes.push(Note::about("folder").name("path", " ", &self.path(name)).field("mode", mode).done());
        self.folders.push(name.into());
        self.entered = true;
        Some(())
    }

    fn path(&self, name: &[u8]) -> Vec<u8> {
        self.folders.iter().map(AsRef::as_ref).chain([name]).collect::<Vec<&[u8]>>().join(&b'/')
    }

    /// The other side does not want what was said last.
    fn decline(&mut self, notes: &mut Vec<Note>) {
        match std::mem::replace(&mut self.state, ScpState::Line) {
            ScpState::Offered(file) => notes.push(file.note(self.op, "declined")),
            state => {
                self.state = state;
                // A folder that is not wanted has no end either.
                if std::mem::take(&mut self.entered) {
                    self.folders.pop();
                }
            }
        }
    }

    /// The end. Tells of a file that was still on its way.
    pub fn finish(self) -> Option<Note> {
        match self.state {
            ScpState::Line => None,
            ScpState::Offered(file) | ScpState::Content(file) | ScpState::Verdict(file) => {
                Some(file.note(self.op, "ended in the middle"))
            }
        }
    }
}

/// The mode, the size and the name of a file or folder.
fn fields(line: &[u8]) -> Option<(String, u64, &[u8])> {
    let mut parts = line.splitn(3, |byte| *byte == b' ');
    let mode = std::str::from_utf8(parts.next()?).ok()?;
    let size = std::str::from_utf8(parts.next()?).ok()?;
    let name = parts.next()?;
    let octal = mode.len() == 4 && mode.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    let decimal = size.bytes().all(|byte| byte.is_ascii_digit());
    (octal && decimal && !name.is_empty()).then_some(())?;
    Some((mode.to_owned(), size.parse().ok()?, name))
}

fn message(from: &str, text: &[u8]) -> Note {
    Note::about("message").field("from", from).say(&format!(" from the {from}")).name("text", ": ", text).done()
}

/// What the side that takes the files answers.
#[derive(Debug, Default)]
pub struct Acks {
    /// A message that is not whole yet.
    message: Option<Vec<u8>>,
}

impl Acks {
    /// Takes bytes, and tells the records what was declined.
    pub fn feed(&mut self, data: &[u8], records: &mut Records, notes: &mut Vec<Note>) {
        for &byte in data {
            match (&mut self.message, byte) {
                (None, 1 | 2) => {
                    records.decline(notes);
                    self.message = Some(Vec::new());
                }
                (None, _) => {}
                (Some(text), b'\n') => {
                    notes.push(message("receiver", text));
                    self.message = None;
                }
                (Some(text), byte) if text.len() < LONGEST_LINE => text.push(byte),
                (Some(_), _) => {}
            }
        }
    }
}
