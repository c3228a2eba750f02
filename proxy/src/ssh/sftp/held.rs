//! What a client sent that is not taken yet: after a request that waits for what the target says of its paths, or because
//! too many wait for their answers. Requests keep their order, and whoever feeds the [`Gate`](super::Gate) waits with them.

use bytes::Bytes;

use crate::ssh::sftp::check::{Check, Outcome};
use crate::ssh::sftp::request::Request;
use crate::ssh::sftp::{Asked, Gate, wire};
use crate::ssh::transcript::{Fault, Passed, Step};

/// The most that is kept of what a client sends meanwhile. Whoever feeds this waits with it.
const MOST_HELD_BACK: usize = 1024 * 1024;

/// Why nothing more of the client is taken, and what it sent.
#[derive(Debug)]
pub enum Held {
    /// The target was asked where the paths of a request lead.
    Asked(Check, Bytes),
    /// So many requests wait for their answers that no more should.
    Full(Bytes),
}

impl Gate {
    /// Goes on with a request that waited, and with what came after it.
    pub(super) fn go_on(&mut self, data: Bytes, step: &mut Step) -> Result<(), Fault> {
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
    fn settle(&mut self, check: Check, step: &mut Step) -> Result<Option<Bytes>, Fault> {
        let Some(roots) = &mut self.roots else { return Ok(None) };
        let asked = check.packet();
        let outcome = check.decide(roots)?;
        let request = Request::read(&asked)?;
        match outcome {
            Outcome::Goes(packet) => match self.admit(&Request::read(&packet)?, 0, step)? {
                Asked::Goes => Ok(Some(packet)),
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

/// What was held back, and what came now.
fn joined(rest: Bytes, data: Bytes) -> Result<Bytes, Fault> {
    match (rest.is_empty(), data.is_empty()) {
        (true, _) => Ok(data),
        (_, true) => Ok(rest),
        _ if rest.len() + data.len() > MOST_HELD_BACK => Err(Fault::TooMany),
        _ => Ok([rest, data].concat().into()),
    }
}
