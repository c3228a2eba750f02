//! What a target's answers mean to the [`SftpGate`].

use bytes::Bytes;

use crate::record::sftp::files::{FileId, OpenFile};
use crate::record::sftp::frame::{LONGEST_HANDLE, Piece};
use crate::record::sftp::gate::{SftpGate, pass};
use crate::record::sftp::held::Held;
use crate::record::sftp::pending::{Wait, open_note};
use crate::record::sftp::reply::{self, Reply};
use crate::record::sftp::request::Op;
use crate::record::sftp::wire::{self, code};
use crate::record::transcript::{Note, Passed, ProtocolFault};

/// An answer that does not go with its request.
const WRONG_KIND: ProtocolFault = ProtocolFault::Order("an answer of the wrong kind");

impl SftpGate {
    /// Takes each piece of the target's bytes, until there is a fault.
    pub(super) fn take_replies(
        &mut self,
        data: &Bytes,
        passed: &mut Passed,
        notes: &mut Vec<Note>,
    ) -> Result<(), ProtocolFault> {
        let mut at = 0;
        while let Some(piece) = self.target.next(data, &mut at)? {
            match piece {
                Piece::Packet(span) => {
                    let packet = span.view(data);
                    let (id, reply) = Reply::read(packet)?;
                    if !self.answers_us(id, reply, packet)? {
                        self.answered(id, reply, packet, notes)?;
                        pass(passed, span);
                    }
                }
                Piece::Head { span, content } => {
                    let (id, _) = Reply::read(span.view(data))?;
                    self.reading = self.content_begins(id, content, notes)?;
                    pass(passed, span);
                }
                Piece::Content(range) => {
                    if let Some(file) = self.files.get_mut(self.reading) {
                        file.got(data.get(range.clone()).unwrap_or_default());
                    }
                    passed.part(range);
                }
            }
            if !self.target.is_inside() {
                self.answers.drain(..).for_each(|answer| passed.put(answer));
            }
        }
        Ok(())
    }

    fn check_agreed(&self) -> Result<(), ProtocolFault> {
        if self.agreed { Ok(()) } else { Err(ProtocolFault::Order("an answer before the version")) }
    }

    /// Takes the answer to a question of our own, of which the client learns nothing.
    fn answers_us(&mut self, id: u32, reply: Reply<'_>, packet: &[u8]) -> Result<bool, ProtocolFault> {
        let Some(Held::Asked(check, _)) = &mut self.held else { return Ok(false) };
        let ours = !matches!(reply, Reply::Version(_)) && check.takes(id, packet)?;
        if ours { self.check_agreed().map(|()| true) } else { Ok(false) }
    }

    fn content_begins(
        &mut self,
        id: u32,
        content: usize,
        notes: &mut Vec<Note>,
    ) -> Result<Option<FileId>, ProtocolFault> {
        self.check_agreed()?;
        match self.pending.remove(id)? {
            Wait::Read { file, offset, wanted } => {
                if let Some(file) = self.files.get_mut(Some(file)) {
                    file.continues(offset, content, wanted);
                }
                Ok(Some(file))
            }
            wait @ Wait::Other { op: Op::Read | Op::Extension | Op::Unknown(_), .. } => {
                self.other(wait, "ok", None, notes);
                Ok(None)
            }
            _ => Err(WRONG_KIND),
        }
    }

    fn answered(
        &mut self,
        id: u32,
        reply: Reply<'_>,
        packet: &[u8],
        notes: &mut Vec<Note>,
    ) -> Result<(), ProtocolFault> {
        if let Reply::Version(version) = reply {
            return self.agree(version, packet);
        }
        self.check_agreed()?;
        match (self.pending.remove(id)?, reply) {
            (Wait::Open { path, flags }, reply) => self.opened(path, flags, reply, notes),
            (Wait::Close { file }, Reply::Status(status)) => {
                if let Some(file) = self.files.closed(file) {
                    notes.extend(file.notes(&wire::status_words(status)));
                }
                Ok(())
            }
            (Wait::Read { file, offset, .. }, Reply::Status(status)) => {
                if let (Some(file), code::EOF) = (self.files.get_mut(Some(file)), status) {
                    file.ended(offset);
                }
                Ok(())
            }
            (Wait::Write { file, length }, Reply::Status(status)) => {
                if let Some(file) = self.files.get_mut(Some(file)) {
                    file.answered_write(length, status == code::OK);
                }
                Ok(())
            }
            (Wait::ReadDir { file }, Reply::Names(count)) => {
                if let Some(file) = self.files.get_mut(Some(file)) {
                    file.entries += u64::from(count);
                }
                Ok(())
            }
            (Wait::ReadDir { .. }, Reply::Status(_)) => Ok(()),
            (wait @ Wait::Other { op, .. }, reply) if fits(op, reply) => {
                let result = if let Reply::Status(status) = reply { status } else { code::OK };
                let size = if let Reply::Attrs(size) = reply { size } else { None };
                self.other(wait, &wire::status_words(result), size, notes);
                Ok(())
            }
            _ => Err(WRONG_KIND),
        }
    }

    fn agree(&mut self, version: u32, packet: &[u8]) -> Result<(), ProtocolFault> {
        if !self.greeted || self.agreed {
            return Err(ProtocolFault::Order("a version nobody asked for"));
        }
        if version != wire::VERSION {
            return Err(ProtocolFault::Version(version));
        }
        self.agreed = true;
        if let Some(roots) = &mut self.roots {
            roots.met(&reply::extensions(packet)?);
        }
        Ok(())
    }

    fn opened(
        &mut self,
        path: Box<[u8]>,
        flags: Option<u32>,
        reply: Reply<'_>,
        notes: &mut Vec<Note>,
    ) -> Result<(), ProtocolFault> {
        let result = match reply {
            Reply::Handle(handle) if handle.len() > LONGEST_HANDLE => {
                return Err(ProtocolFault::Malformed("a handle longer than 256 bytes"));
            }
            Reply::Handle(handle) => {
                notes.push(open_note(&path, flags, "ok"));
                let before = self.files.opened(handle, OpenFile::new(path, flags));
                notes.extend(before.into_iter().flat_map(|file| file.notes("not closed")));
                return Ok(());
            }
            Reply::Status(status) => wire::status_words(status),
            _ => return Err(WRONG_KIND),
        };
        self.files.not_opened();
        notes.push(open_note(&path, flags, &result));
        Ok(())
    }

    /// Writes an operation down, and remembers what it says of a file.
    fn other(&mut self, wait: Wait, result: &str, told: Option<u64>, notes: &mut Vec<Note>) {
        let Wait::Other { op, subject, file, size } = wait else { return };
        if let (Op::Stat | Op::Lstat, Some(path), Some(size)) = (op, &subject.path, told) {
            self.files.sized(path, size);
        }
        if let Some(file) = self.files.get_mut(file) {
            match op {
                Op::Fstat => file.size = told,
                Op::Fsetstat if result == "ok" && size.is_some() => file.resized = size,
                Op::CopyData => file.written.scatter(),
                _ => {}
            }
        }
        let note = subject.draft(op).field("result", result);
        let note = if let Some(size) = size { note.field("size", size) } else { note };
        notes.push(note.say(": ").say(result).done());
    }
}

/// Whether an answer goes with a request: a status always does.
const fn fits(op: Op, reply: Reply<'_>) -> bool {
    match reply {
        Reply::Status(_) => true,
        Reply::Attrs(_) => matches!(op, Op::Stat | Op::Lstat | Op::Fstat | Op::Extension | Op::Unknown(_)),
        Reply::Names(_) => {
            matches!(op, Op::Realpath | Op::Readlink | Op::ReadDir | Op::ExpandPath | Op::HomeDirectory)
                || matches!(op, Op::Extension | Op::Unknown(_))
        }
        Reply::Extended => {
            matches!(op, Op::Statvfs | Op::Fstatvfs | Op::Limits | Op::UsersGroups | Op::Extension | Op::Unknown(_))
        }
        // A handle that is not known here could be written to under no name.
        Reply::Handle(_) | Reply::Version(_) => false,
        Reply::Unknown => matches!(op, Op::Extension | Op::Unknown(_)),
    }
}
