//! SFTP as it passes: every request is decided, every operation written down, every file that moves hashed.
//!
//! Version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions (its PROTOCOL file, section 4), the one dialect
//! that is spoken; both sides are held to it. A state machine on bytes: it neither waits nor reads a clock, and what
//! it holds is bounded, whatever either side sends. In reading order: [`frame`] cuts bytes into packets, [`request`]
//! reads one, [`rules`] decides, [`pending`] waits for the [`reply`], [`files`] knows what is open.

mod answers;
mod files;
mod frame;
mod pending;
mod reply;
mod request;
mod rules;
mod run;
#[cfg(test)]
mod tests;
mod wire;

use bytes::Bytes;
use curfew_policy::role::SftpAccess;

use crate::ssh::sftp::files::{FileId, Files};
use crate::ssh::sftp::frame::{Framer, LONGEST_HANDLE, Piece, Span};
use crate::ssh::sftp::pending::{MOST_WAITING, Pending, Subject, Wait};
use crate::ssh::sftp::request::{On, Op, Request};
use crate::ssh::sftp::rules::Refused;
use crate::ssh::sftp::wire::{code, kind};
use crate::ssh::transcript::{Fault, Note, Passed, Step, Transcript};

/// One SFTP channel, between a client and a target.
#[derive(Debug)]
pub struct Gate {
    access: SftpAccess,
    client: Framer,
    target: Framer,
    /// The client has greeted.
    greeted: bool,
    /// The target has agreed on the version.
    agreed: bool,
    pending: Pending,
    files: Files,
    /// The write whose content is on its way.
    writing: Writing,
    /// The file to which the content on its way from the target belongs.
    reading: Option<FileId>,
    /// Answers of our own that wait for the end of a packet from the target.
    answers: Vec<Bytes>,
    fault: Option<Fault>,
}

/// Content on its way from the client.
#[derive(Debug, Clone, Copy)]
enum Writing {
    /// It goes nowhere.
    Refused,
    /// It goes to the target, into this file.
    To(Option<FileId>),
}

/// A request was answered without asking the target.
const TOO_MANY_FILES: Refused = Refused { code: code::FAILURE, why: "too many files are open" };

impl Gate {
    /// A channel that begins, for a role with this access.
    #[must_use]
    pub fn new(access: SftpAccess) -> Self {
        Self {
            access,
            client: Framer::new(kind::WRITE),
            target: Framer::new(kind::DATA),
            greeted: false,
            agreed: false,
            pending: Pending::default(),
            files: Files::default(),
            writing: Writing::Refused,
            reading: None,
            answers: Vec::new(),
            fault: None,
        }
    }

    /// Takes each piece of the client's bytes, until there is a fault.
    fn take_requests(&mut self, data: &Bytes, passed: &mut Passed, step: &mut Step) -> Result<(), Fault> {
        let mut at = 0;
        while let Some(piece) = self.client.next(data, &mut at)? {
            match piece {
                Piece::Packet(span) => self.packet(span, data, passed, step)?,
                Piece::Head { span, content } => {
                    let request = Request::read(span.view(data))?;
                    if self.ask(&request, content as u64, step)? {
                        self.writing = Writing::To(self.begin_write(&request));
                        pass(passed, span);
                    } else {
                        self.writing = Writing::Refused;
                    }
                }
                Piece::Content(range) => {
                    if let Writing::To(file) = self.writing {
                        if let Some(file) = self.files.get_mut(file) {
                            file.written.update(data.get(range.clone()).unwrap_or_default());
                        }
                        passed.part(range);
                    }
                }
            }
        }
        Ok(())
    }

    fn packet(&mut self, span: Span, data: &Bytes, passed: &mut Passed, step: &mut Step) -> Result<(), Fault> {
        let packet = span.view(data);
        if packet.get(4) == Some(&kind::INIT) {
            return self.greet(packet, passed);
        }
        let request = Request::read(packet)?;
        if self.ask(&request, 0, step)? {
            pass(passed, span);
        }
        Ok(())
    }

    /// The client says which version it speaks; the target hears 3, so that it answers with no other.
    fn greet(&mut self, packet: &[u8], passed: &mut Passed) -> Result<(), Fault> {
        if std::mem::replace(&mut self.greeted, true) {
            return Err(Fault::Order("a second greeting"));
        }
        let (version, _) = reply::Reply::read(packet)?;
        if version < wire::VERSION {
            return Err(Fault::Version(version));
        }
        passed.put(Bytes::from_static(wire::INIT));
        Ok(())
    }

    /// Decides a request. Gives whether it goes to the target, which then owes an answer; else it is answered here.
    fn ask(&mut self, request: &Request<'_>, content: u64, step: &mut Step) -> Result<bool, Fault> {
        if !self.greeted {
            return Err(Fault::Order("a request before the greeting"));
        }
        if self.pending.has(request.id) {
            return Err(Fault::SameId(request.id));
        }
        let mut decision = rules::decide(self.access, request);
        let opens = matches!(request.op, Op::Open | Op::OpenDir);
        if decision.is_ok() && opens && !self.files.may_open() {
            decision = Err(TOO_MANY_FILES);
        }
        match decision {
            Ok(()) => {
                let wait = self.wait(request, content);
                self.pending.insert(request.id, wait)?;
                Ok(true)
            }
            Err(refused) => {
                self.refuse(request, refused, step)?;
                Ok(false)
            }
        }
    }

    /// What a request waits for.
    fn wait(&mut self, request: &Request<'_>, content: u64) -> Wait {
        let file = match request.on {
            On::Handle(handle) | On::Handles(_, handle) => self.files.find(handle),
            _ => None,
        };
        match (request.op, request.on, file) {
            (Op::Open, On::Path(path), _) => Wait::Open { path: path.into(), flags: Some(request.flags) },
            (Op::OpenDir, On::Path(path), _) => Wait::Open { path: path.into(), flags: None },
            (Op::Close, On::Handle(handle), Some(file)) => {
                self.files.give_up(handle);
                Wait::Close { file }
            }
            (Op::Read, _, Some(file)) => Wait::Read { file, offset: request.offset, wanted: request.length },
            (Op::Write, _, Some(file)) => Wait::Write { file, length: content },
            (Op::ReadDir, _, Some(file)) => Wait::ReadDir { file },
            (op, ..) => Wait::Other { op, subject: self.subject(request), file, size: request.size },
        }
    }

    /// What a request is on, a handle by the path it was opened with.
    fn subject(&self, request: &Request<'_>) -> Subject {
        let path_of = |handle: &[u8]| {
            let file = self.files.find(handle).and_then(|id| self.files.get(id));
            file.map_or_else(|| Box::from(&b"(unknown handle)"[..]), |file| file.path.clone())
        };
        match request.on {
            On::Nothing => Subject::default(),
            On::Path(path) => Subject { path: Some(cut(path)), to: None },
            On::Paths(from, to) => Subject { path: Some(cut(from)), to: Some(cut(to)) },
            On::Handle(handle) => Subject { path: Some(path_of(handle)), to: None },
            On::Handles(from, to) => Subject { path: Some(path_of(from)), to: Some(path_of(to)) },
            On::Named(name) => Subject { path: Some(name.get(..LONGEST_HANDLE).unwrap_or(name).into()), to: None },
        }
    }

    fn begin_write(&mut self, request: &Request<'_>) -> Option<FileId> {
        let On::Handle(handle) = request.on else { return None };
        let id = self.files.find(handle);
        if let Some(file) = self.files.get_mut(id) {
            file.written.begin(request.offset);
        }
        id
    }

    /// Answers in the target's place.
    fn refuse(&mut self, request: &Request<'_>, refused: Refused, step: &mut Step) -> Result<(), Fault> {
        let note = self.subject(request).draft(request.op).field("result", wire::status_words(refused.code));
        step.notes.push(note.field("refused", refused.why).say(": refused, ").say(refused.why).done());
        let answer = wire::status(request.id, refused.code, refused.why);
        if !self.target.is_inside() {
            step.to_client.push(answer);
        } else if self.answers.len() < MOST_WAITING {
            self.answers.push(answer);
        } else {
            return Err(Fault::TooMany);
        }
        Ok(())
    }

    /// Ends the channel: nothing passes any more.
    fn fail(&mut self, fault: Fault, step: &mut Step) {
        step.notes.push(Note::about("fault").field("why", fault.to_string()).say(&format!(": {fault}")).done());
        step.fault = Some(fault.clone());
        self.fault = Some(fault);
    }

    fn over(&self) -> Option<Step> {
        self.fault.clone().map(|fault| Step { fault: Some(fault), ..Step::default() })
    }
}

impl Transcript for Gate {
    fn from_client(&mut self, data: Bytes) -> Step {
        if let Some(over) = self.over() {
            return over;
        }
        let mut step = Step::default();
        let mut passed = Passed::of(data.clone());
        if let Err(fault) = self.take_requests(&data, &mut passed, &mut step) {
            self.fail(fault, &mut step);
        }
        step.to_target = passed.done();
        step
    }

    fn from_target(&mut self, data: Bytes) -> Step {
        if let Some(over) = self.over() {
            return over;
        }
        let mut step = Step::default();
        let mut passed = Passed::of(data.clone());
        if let Err(fault) = self.take_replies(&data, &mut passed, &mut step.notes) {
            self.fail(fault, &mut step);
        }
        step.to_client = passed.done();
        step
    }

    fn finish(&mut self) -> Vec<Note> {
        let mut notes = Vec::new();
        if self.fault.is_none() && !(self.client.is_between() && self.target.is_between()) {
            notes
                .push(Note::about("fault").field("why", "ended inside a packet").say(": ended inside a packet").done());
        }
        for wait in self.pending.drain() {
            notes.extend(answers::unanswered(wait));
        }
        for file in self.files.drain() {
            notes.extend(file.notes("not closed"));
        }
        notes
    }
}

/// No note holds more of a path than Linux would take.
fn cut(path: &[u8]) -> Box<[u8]> {
    path.get(..rules::LONGEST_PATH).unwrap_or(path).into()
}

fn pass(passed: &mut Passed, span: Span) {
    match span {
        Span::Here(range) => passed.part(range),
        Span::Held(bytes) => passed.put(bytes),
    }
}
