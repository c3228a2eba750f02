//! Goes on with a request that was held, and with what came after it.

use bytes::Bytes;

use crate::record::sftp::check::{Check, Outcome};
use crate::record::sftp::gate::{Decided, SftpGate};
use crate::record::sftp::held::{Held, joined};
use crate::record::sftp::request::Request;
use crate::record::sftp::wire;
use crate::record::transcript::{Passed, ProtocolFault, Step};

impl SftpGate {
    /// Goes on with a request that waited, and with what came after it.
    pub(super) fn go_on(&mut self, data: Bytes, step: &mut Step) -> Result<(), ProtocolFault> {
        let (data, first) = match self.held.take() {
            None => (data, None),
            Some(Held::Asked(check, rest)) if check.is_ready() => (joined(rest, data)?, self.settle(check, step)?),
            Some(Held::Asked(check, rest)) => {
                self.held = Some(Held::Asked(check, joined(rest, data)?));
                return Ok(());
            }
            Some(Held::Full(rest)) if self.pending.has_room() => (joined(rest, data)?, None),
            Some(Held::Full(rest)) => {
                self.held = Some(Held::Full(joined(rest, data)?));
                return Ok(());
            }
        };
        let mut passed = Passed::of(data.clone());
        first.into_iter().for_each(|packet| passed.put(packet));
        // What was decided before a fault goes on.
        let taken = self.take_requests(&data, &mut passed, step);
        step.to_target = passed.done();
        taken
    }

    /// Decides a request that waited. Gives what goes to the target.
    fn settle(&mut self, check: Check, step: &mut Step) -> Result<Option<Bytes>, ProtocolFault> {
        let Some(roots) = &mut self.roots else { return Ok(None) };
        let asked = check.packet();
        let outcome = check.decide(roots)?;
        let request = Request::read(&asked)?;
        match outcome {
            Outcome::Goes(packet) => match self.admit(&Request::read(&packet)?, 0, step)? {
                Decided::Goes => Ok(Some(packet)),
                _ => Ok(None),
            },
            Outcome::Refused(refused) => self.refuse(&request, &refused, step).map(|()| None),
            Outcome::Failed(status) => {
                let words = wire::status_words(status);
                let note = self.subject(&request).draft(request.op).field("result", words.as_str());
                step.notes.push(note.say(": ").say(&words).done());
                self.answer(wire::status(request.id, status, &words), step).map(|()| None)
            }
        }
    }
}
