//! What a channel that moves files is written down as: who did what to which file, not the bytes themselves.

use bytes::Bytes;
use curfew_recorder::printable;
use serde_json::{Map, Value};

/// Follows a channel that moves files, both ways.
///
/// One direction's pieces replace the bytes that were fed in. What a step gives for the client, of whichever call, goes
/// to the client in the order of the calls; so for the target.
#[expect(clippy::wrong_self_convention, reason = "the bytes come from there; nothing is converted")]
pub trait Transcript {
    /// Takes bytes from the client.
    fn from_client(&mut self, data: Bytes) -> Step;

    /// Takes bytes from the target.
    fn from_target(&mut self, data: Bytes) -> Step;

    /// Whether it keeps the client's bytes back. Once that is over, it is fed again, with nothing if there is nothing.
    fn hold(&self) -> Hold {
        Hold::No
    }

    /// The channel ended: tells what was still going on. Nothing may be fed in after it.
    fn finish(&mut self) -> Vec<Note>;
}

/// Whether the client's bytes are kept back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// They are not.
    No,
    /// Until the target has answered a question of ours.
    ForTarget,
    /// It has.
    Over,
}

/// What comes of some bytes: write the notes down, then pass the rest on, then end the channel if there is a fault.
#[derive(Debug, Default)]
pub struct Step {
    /// What goes on to the target: slices of what was fed in, not copies.
    pub to_target: Vec<Bytes>,
    /// What goes on to the client, likewise, and answers of our own.
    pub to_client: Vec<Bytes>,
    /// What happened.
    pub notes: Vec<Note>,
    /// Why the channel must end; once there is one, no byte passes any more.
    pub fault: Option<ProtocolFault>,
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// For people: one line, what others chose in it made visible.
    pub text: String,
    /// For programs: an object with at least `op`.
    pub fields: Value,
}

impl Note {
    /// A note on an operation.
    pub(crate) fn about(op: &str) -> Draft {
        let mut fields = Map::new();
        fields.insert("op".to_owned(), op.into());
        Draft { text: op.to_owned(), fields }
    }
}

/// A note being written.
pub(crate) struct Draft {
    text: String,
    fields: Map<String, Value>,
}

impl Draft {
    /// Adds a field that the text does not tell.
    pub(crate) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds words that are no field.
    pub(crate) fn say(mut self, words: &str) -> Self {
        self.text.push_str(words);
        self
    }

    /// Adds a name that others chose, to the text as well.
    pub(crate) fn name(mut self, field: &str, before: &str, name: &[u8]) -> Self {
        let shown = shown(name);
        self.text.push_str(before);
        self.text.push_str(&shown);
        match std::str::from_utf8(name) {
            Ok(exact) => self.field(field, exact),
            // JSON has no way to hold it; the hexadecimal says it exactly.
            Err(_) => self.field(field, shown).field(&format!("{field}_hex"), curfew_recorder::hex(name)),
        }
    }

    /// The note.
    pub(crate) fn done(self) -> Note {
        Note { text: self.text, fields: Value::Object(self.fields) }
    }
}

/// Why a channel that moves files must end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolFault {
    /// A packet longer than anyone sends.
    #[error("an SFTP packet of {0} bytes is longer than any OpenSSH would take")]
    TooLong(u32),
    /// A packet that cannot be read.
    #[error("a malformed SFTP packet ({0})")]
    Malformed(&'static str),
    /// A version that is not spoken here.
    #[error("SFTP version {0} is not supported, only version 3")]
    Version(u32),
    /// A packet where there should be another.
    #[error("an SFTP packet out of order ({0})")]
    Order(&'static str),
    /// A request with the id of one that is not answered yet.
    #[error("two SFTP requests with the id {0} at once")]
    SameId(u32),
    /// An answer to nothing.
    #[error("the target answered an SFTP request {0} that nobody made")]
    NoSuchRequest(u32),
    /// More requests are waiting for their answers than anyone has.
    #[error("too many SFTP requests wait for an answer")]
    TooMany,
}

/// What others chose, on one line: invisible characters as `\u{…}`, bytes that are not UTF-8 as `\x…`, `\` as `\\`.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&printable(&chunk.valid().replace('\\', "\\\\")));
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// The pieces of one input that go on, as few slices as possible: neighbours are one.
pub(crate) struct Passed {
    data: Bytes,
    from: usize,
    to: usize,
    pieces: Vec<Bytes>,
}

impl Passed {
    pub(crate) fn of(data: Bytes) -> Self {
        Self { data, from: 0, to: 0, pieces: Vec::new() }
    }

    /// Lets a part of the input through.
    pub(crate) fn part(&mut self, part: std::ops::Range<usize>) {
        if part.start != self.to {
            self.flush();
            self.from = part.start;
        }
        self.to = part.end;
    }

    /// Puts other bytes there.
    pub(crate) fn put(&mut self, bytes: Bytes) {
        self.flush();
        self.pieces.push(bytes);
    }

    fn flush(&mut self) {
        if self.from < self.to {
            self.pieces.push(self.data.slice(self.from..self.to));
        }
        self.from = self.to;
    }

    pub(crate) fn done(mut self) -> Vec<Bytes> {
        self.flush();
        self.pieces
    }
}

#[cfg(test)]
mod tests;
