//! One SFTP channel: the client's requests are decided and passed on in order.

use bytes::Bytes;
use curfew_policy::role::SftpAccess;

use crate::record::sftp::check::Check;
use crate::record::sftp::files::{FileId, Files};
use crate::record::sftp::frame::{Framer, LONGEST_HANDLE, Piece, Span};
use crate::record::sftp::held::Held;
use crate::record::sftp::pending::{self, MOST_WAITING, Pending, Subject, Wait};
use crate::record::sftp::reply::Reply;
use crate::record::sftp::request::{On, Op, Request};
use crate::record::sftp::roots::Roots;
use crate::record::sftp::rules::{self, Refused};
use crate::record::sftp::wire::{self, code, kind};
use crate::record::transcript::{Hold, Note, Passed, ProtocolFault, Step, Transcript};

/// One SFTP channel, between a client and a target.
#[derive(Debug)]
pub struct SftpGate {
    access: SftpAccess,
    pub(super) roots: Option<Roots>,
    client: Framer,
    pub(super) target: Framer,
    /// The client has greeted.
    pub(super) greeted: bool,
    /// The target has agreed on the version.
    pub(super) agreed: bool,
    pub(super) pending: Pending,
    pub(super) files: Files,
    /// The write whose content is on its way.
    writing: Writing,
    /// The file to which the content on its way from the target belongs.
    pub(super) reading: Option<FileId>,
    /// Why nothing more of the client is taken now, and what it sent.
    pub(super) held: Option<Held>,
    /// The last id of a question of our own.
    question: u32,
    /// Answers of our own that wait for the end of a packet from the target.
    pub(super) answers: Vec<Bytes>,
    fault: Option<ProtocolFault>,
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
const TOO_MANY_FILES: Refused = Refused::new(code::FAILURE, "too many files are open");

/// What becomes of a request at first.
pub(super) enum Decided {
    /// It goes to the target, which then owes an answer.
    Goes,
    /// It is answered here.
    Answered,
    /// The target is asked this before.
    Held(Check, Bytes),
}

impl SftpGate {
    /// A channel that begins, for a role with this access.
    #[must_use]
    pub fn new(access: SftpAccess) -> Self {
        Self {
            access,
            roots: None,
            client: Framer::new(kind::WRITE),
            target: Framer::new(kind::DATA),
            greeted: false,
            agreed: false,
            pending: Pending::default(),
            files: Files::default(),
            writing: Writing::Refused,
            reading: None,
            held: None,
            question: 0x6375_7266,
            answers: Vec::new(),
            fault: None,
        }
    }

    /// The same where nothing outside of these folders is reached; anything is where there are none.
    #[must_use]
    pub fn within(mut self, roots: &[String]) -> Self {
        self.roots = Roots::of(roots);
        self
    }

    /// Takes each piece of the client's bytes, until there is a fault, or a request that waits.
    pub(super) fn take_requests(
        &mut self,
        data: &Bytes,
        passed: &mut Passed,
        step: &mut Step,
    ) -> Result<(), ProtocolFault> {
        let mut at = 0;
        loop {
            if self.pending.is_full() && self.client.is_between() && at < data.len() {
                self.held = Some(Held::Full(data.slice(at..)));
                return Ok(());
            }
            let Some(piece) = self.client.next(data, &mut at)? else { return Ok(()) };
            match piece {
                Piece::Packet(span) => {
                    if let Some((check, questions)) = self.packet(span, data, passed, step)? {
                        passed.put(questions);
                        self.held = Some(Held::Asked(check, data.slice(at..)));
                        return Ok(());
                    }
                }
                Piece::Head { span, content } => {
                    let request = Request::read(span.view(data))?;
                    // A write has a handle, and no path that could be asked about.
                    if let Decided::Goes = self.ask(&request, &[], content as u64, step)? {
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
    }

    /// Takes a whole packet. Gives what the target is to be asked, where the packet waits for that.
    fn packet(
        &mut self,
        span: Span,
        data: &Bytes,
        passed: &mut Passed,
        step: &mut Step,
    ) -> Result<Option<(Check, Bytes)>, ProtocolFault> {
        let packet = span.view(data);
        if packet.get(4) == Some(&kind::INIT) {
            return self.greet(packet, passed).map(|()| None);
        }
        let request = Request::read(packet)?;
        match self.ask(&request, packet, 0, step)? {
            Decided::Goes => pass(passed, span),
            Decided::Answered => {}
            Decided::Held(check, questions) => return Ok(Some((check, questions))),
        }
        Ok(None)
    }

    /// The client says which version it speaks; the target hears 3, so that it answers with no other.
    fn greet(&mut self, packet: &[u8], passed: &mut Passed) -> Result<(), ProtocolFault> {
        if std::mem::replace(&mut self.greeted, true) {
            return Err(ProtocolFault::Order("a second greeting"));
        }
        let (version, _) = Reply::read(packet)?;
        if version < wire::VERSION {
            return Err(ProtocolFault::Version(version));
        }
        passed.put(Bytes::from_static(wire::INIT));
        Ok(())
    }

    /// Decides a request.
    fn ask(
        &mut self,
        request: &Request<'_>,
        packet: &[u8],
        content: u64,
        step: &mut Step,
    ) -> Result<Decided, ProtocolFault> {
        if !self.greeted {
            return Err(ProtocolFault::Order("a request before the greeting"));
        }
        if self.pending.has(request.id) {
            return Err(ProtocolFault::SameId(request.id));
        }
        let looked = rules::decide(self.access, self.roots.as_ref(), request).and_then(|()| match &self.roots {
            Some(roots) => {
                Check::begin(request, packet, roots, free_ids(&mut self.question, &self.pending, request.id))
            }
            None => Ok(None),
        });
        match looked {
            Ok(Some((check, questions))) => Ok(Decided::Held(check, questions)),
            Ok(None) => self.admit(request, content, step),
            Err(refused) => self.refuse(request, &refused, step).map(|()| Decided::Answered),
        }
    }

    /// Lets a request through to the target, unless too much is open.
    pub(super) fn admit(
        &mut self,
        request: &Request<'_>,
        content: u64,
        step: &mut Step,
    ) -> Result<Decided, ProtocolFault> {
        if matches!(request.op, Op::Open | Op::OpenDir) && !self.files.may_open() {
            return self.refuse(request, &TOO_MANY_FILES, step).map(|()| Decided::Answered);
        }
        let wait = self.wait(request, content);
        self.pending.insert(request.id, wait);
        Ok(Decided::Goes)
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
    pub(super) fn subject(&self, request: &Request<'_>) -> Subject {
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
    pub(super) fn refuse(
        &mut self,
        request: &Request<'_>,
        refused: &Refused,
        step: &mut Step,
    ) -> Result<(), ProtocolFault> {
        let why = &*refused.why;
        let note = self.subject(request).draft(request.op).field("result", wire::status_words(refused.code));
        step.notes.push(note.field("refused", why).say(": refused, ").say(why).done());
        self.answer(wire::status(request.id, refused.code, why), step)
    }

    /// Gives the client an answer of our own, never inside a packet of the target.
    pub(super) fn answer(&mut self, answer: Bytes, step: &mut Step) -> Result<(), ProtocolFault> {
        if !self.target.is_inside() {
            step.to_client.push(answer);
        } else if self.answers.len() < MOST_WAITING {
            self.answers.push(answer);
        } else {
            return Err(ProtocolFault::TooMany);
        }
        Ok(())
    }

    /// Ends the channel: nothing passes any more.
    fn fail(&mut self, fault: ProtocolFault, step: &mut Step) {
        step.notes.push(Note::about("fault").field("why", fault.to_string()).say(&format!(": {fault}")).done());
        step.fault = Some(fault.clone());
        self.fault = Some(fault);
    }

    fn over(&self) -> Option<Step> {
        self.fault.clone().map(|fault| Step { fault: Some(fault), ..Step::default() })
    }
}

impl Transcript for SftpGate {
    fn from_client(&mut self, data: Bytes) -> Step {
        if let Some(over) = self.over() {
            return over;
        }
        let mut step = Step::default();
        if let Err(fault) = self.go_on(data, &mut step) {
            self.fail(fault, &mut step);
        }
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

    fn hold(&self) -> Hold {
        match &self.held {
            _ if self.fault.is_some() => Hold::No,
            None => Hold::No,
            Some(Held::Asked(check, _)) if check.is_ready() => Hold::Over,
            Some(Held::Full(_)) if self.pending.has_room() => Hold::Over,
            Some(_) => Hold::ForTarget,
        }
    }

    fn finish(&mut self) -> Vec<Note> {
        let mut notes = Vec::new();
        if let Some(Held::Asked(check, _)) = self.held.take()
            && let Ok(request) = Request::read(&check.packet())
        {
            notes.extend(pending::unanswered(self.wait(&request, 0)));
        }
        if self.fault.is_none() && !(self.client.is_between() && self.target.is_between()) {
            notes
                .push(Note::about("fault").field("why", "ended inside a packet").say(": ended inside a packet").done());
        }
        for wait in self.pending.drain() {
            notes.extend(pending::unanswered(wait));
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

/// Ids that nobody waits for an answer to.
fn free_ids(last: &mut u32, pending: &Pending, but: u32) -> impl Iterator<Item = u32> {
    std::iter::repeat_with(move || {
        *last = last.wrapping_add(1);
        *last
    })
    .filter(move |id| *id != but && !pending.has(*id))
}

pub(super) fn pass(passed: &mut Passed, span: Span) {
    match span {
        Span::Here(range) => passed.part(range),
        Span::Held(bytes) => passed.put(bytes),
    }
}
